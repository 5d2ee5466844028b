// The answer for one place in words: class, reference value, the official value beside it, sun, advice.

import { find, make, swatch } from "./dom.js";
import { ageName, shortTime, spoken, timeName, words } from "./words.js";

const DAY = 24 * 3600e3; // milliseconds

// Cut, not rounded: 30.98 belongs below 31 and must not be shown as 31.0.
export const degrees = (value) => (Math.floor(value * 10 + 1e-6) / 10).toFixed(1);
// Official forecasts are published as whole degrees; a half is rounded up, as the publisher does.
export const whole = (value) => String(Math.floor(value + 0.5));

export function rangeOf(scale, index) {
  const lower = scale.levels[index].lower;
  const upper = scale.levels[index + 1]?.lower;
  if (lower == null) return words("range_first", { upper });
  return upper == null ? words("range_last", { lower }) : words("range", { lower, upper });
}

export function showPlace(point, index, chosen) {
  const step = point.series[index];
  const heading = make("h2", { id: "place-name" },
    words(chosen ? "place_tapped" : "place_first"), " ",
    make("span", { class: "when" }, timeName(step.jst)));
  const age = make("p", { class: "age" }, ageName(point.run.age_minutes));
  find("place").replaceChildren(make("div", { class: "title" }, heading, age), ...answer(point, step));
}

export function showMessage(key) {
  find("place").replaceChildren(
    make("h2", { id: "place-name" }, words("place_tapped")), make("p", { class: "message" }, words(key)));
}

function answer(point, step) {
  if (point.place.state !== "outdoor") return [make("p", { class: "message" }, absence(point))];
  if (!step.risk) return [make("p", { class: "message" }, words("missing"))];
  const level = point.scale.levels[step.risk.index];
  const verdict = make("div", { class: "verdict" },
    swatch(level.colour, step.risk.index + 1),
    make("p", { class: "level" }, make("strong", {}, spoken(level.words)), " ",
      make("span", {}, rangeOf(point.scale, step.risk.index))),
    make("p", { class: "value" }, make("span", { class: "number" }, degrees(step.wbgt_moe)), "℃",
      make("small", {}, words("value"), make("b", {}, words("reference")))));
  verdict.style.setProperty("--colour", level.colour);
  const sentences = [difference(step), sun(step)].filter(Boolean);
  return [
    verdict,
    official(point, step),
    make("p", { class: "sentences" }, sentences.join(" ")),
    make("p", { class: "advice" }, spoken(level.advice), " ", make("strong", {}, spoken(point.indoors))),
    step.anchor_suspect ? make("p", { class: "doubt" }, words("suspect")) : "",
  ].filter(Boolean);
}

// Why a place has no values at any time.
export const absence = (point) => words(point.place.state === "building" ? "building" : "unknown_ground");

function difference(step) {
  if (step.official == null) return "";
  const value = step.wbgt_moe - step.official;
  const key = Math.abs(value) < 0.25 ? "equal" : value > 0 ? "above" : "below";
  return words(key, { difference: Math.abs(value).toFixed(1) });
}

function sun(step) {
  const minutes = Math.round(step.sunlit_minutes / 10) * 10;
  if (minutes === 0) return words("sun_none");
  return minutes >= 180 ? words("sun_all") : words("sun", { minutes });
}

export function peak(point, index) {
  const until = Date.parse(point.series[index].time) + DAY;
  const next = point.series.slice(index).filter((step) => step.risk && Date.parse(step.time) <= until);
  if (next.length < 2) return "";
  const top = next.reduce((best, step) => (step.wbgt_moe > best.wbgt_moe ? step : best));
  if (top === point.series[index]) return words("peak_here");
  const level = spoken(point.scale.levels[top.risk.index].words);
  return words("peak", { time: timeName(top.jst), value: degrees(top.wbgt_moe), level });
}

function official(point, step) {
  if (!point.anchored || !point.official) return make("p", { class: "official none" }, words("official_none"));
  const stations = point.official.stations.map((station) => {
    const value = step.official_stations[station.id];
    const published = value == null ? words("official_missing") : `${whole(value)}℃`;
    const issued = station.issued ?? point.official.issued;
    return make("span", { class: "station" },
      make("b", { class: "published" }, published), " ",
      make("span", {}, `${station.name}${issued ? " · " + words("issued", { time: shortTime(issued) }) : ""}`));
  });
  const title = words(point.sample ? "official_sample" : "official");
  return make("div", { class: "official" }, make("span", { class: "label" }, title), stations);
}
