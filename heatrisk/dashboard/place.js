// The answer for one place: what to know first, class, value, the official value beside it, sun, advice.

import { find, make, swatch } from "./dom.js";
import { advice, chance, degrees, levelName, rangeOf, whole } from "./scale.js";
import { sentences, sides } from "./sentence.js";
import { ageName, shortTime, spoken, timeName, told, words } from "./words.js";

const DAY = 24 * 3600e3; // milliseconds

// place: {kind, name, point, area, over, problem}; kind is how it was chosen, over where it lies on a house.
// minutes: how long a step is.
export function showPlace(place, index, now, age, minutes) {
  find("place-name").replaceChildren(placeName(place));
  const { point } = place;
  const step = point?.series[index];
  find("when").textContent = step ? timeName(step.jst) : "";
  find("age").textContent = age == null ? "" : ageName(age);
  const problem = place.problem ?? absence(point, step);
  // Said anew only where it changed: this is read aloud.
  const [first, second] = problem ? [words(problem), ""] : sentences(place, index, now);
  if (find("lead").textContent !== first + second) find("lead").replaceChildren(first, second ? make("span", {}, second) : "");
  find("lead").classList.toggle("message", Boolean(problem));
  find("facts").replaceChildren(...(problem ? [] : facts(place, step, index, minutes)));
}

export function placeName(place) {
  return place.kind === "named" ? words("place_named", { name: place.name }) : words(`place_${place.kind}`);
}

// Why a place has no values, at any time or at this step; undefined where it has.
export function absence(point, step) {
  if (point.place.state !== "outdoor") return point.place.state === "building" ? "building" : "unknown_ground";
  return step && !step.risk ? "missing" : undefined;
}

function facts(place, step, index, minutes) {
  const { point } = place;
  const level = point.scale.levels[step.risk.index];
  const verdict = make("div", { class: "verdict" },
    swatch(level.colour, step.risk.index + 1),
    make("p", { class: "level" }, make("strong", {}, levelName(point.scale, level.index)), " ",
      make("span", {}, rangeOf(point.scale, level.index))),
    make("p", { class: "value" }, make("span", { class: "number" }, degrees(step.wbgt_moe)), make("span", { class: "unit" }, "℃"),
      make("small", {}, words("value"), " ", make("b", {}, words("reference")))));
  const asks = advice(point.scale, level.index);
  return [
    place.over == null ? null : make("p", { class: "over" }, words("over_building", { metres: Math.max(1, Math.round(place.over)) })),
    verdict,
    twoSides(place, index),
    official(point, step),
    make("p", { class: "sentences" }, [difference(step), sun(step, minutes), danger(step)].filter(Boolean).join(words("sentence_gap"))),
    make("p", { class: "advice" }, asks, asks ? " " : "", make("strong", {}, told("indoors", point.indoors))),
    step.anchor_suspect ? make("p", { class: "doubt" }, words("suspect")) : null,
  ].filter(Boolean);
}

// The same street, once in the sun and once in the shade.
function twoSides(place, index) {
  const found = sides(place, index);
  if (!found) return null;
  const side = (kind, value) => make("p", { class: kind },
    make("span", {}, words(`side_${kind}`)), " ", make("b", {}, degrees(value)), make("span", { class: "unit" }, "℃"));
  return make("div", { class: "sides" }, side("sunny", found.sun),
    found.none ? make("p", { class: "shady none" }, words("side_none")) : side("shady", found.shade));
}

function difference(step) {
  if (step.official == null) return "";
  const value = step.wbgt_moe - step.official;
  const key = Math.abs(value) < 0.25 ? "equal" : value > 0 ? "above" : "below";
  return words(key, { difference: Math.abs(value).toFixed(1) });
}

function sun({ sunlit_minutes: exact }, whole) {
  if (exact == null) return "";
  if (exact === 0) return words("sun_none");
  const minutes = exact < 10 ? exact : Math.round(exact / 10) * 10;
  return minutes >= whole ? words("sun_all") : words("sun", { minutes, whole });
}

function danger(step) {
  if (step.p_danger == null) return "";
  const spread = step.wbgt_moe_sd;
  return words("chance", { share: chance(step.p_danger) })
    + (spread == null ? "" : words("chance_spread", { spread: spread.toFixed(1) }));
}

export function peak(point, index) {
  const until = Date.parse(point.series[index].time) + DAY;
  const next = point.series.slice(index).filter((step) => step.risk && Date.parse(step.time) <= until);
  if (next.length < 2) return "";
  const top = next.reduce((best, step) => (step.wbgt_moe > best.wbgt_moe ? step : best));
  if (top === point.series[index]) return words("peak_here");
  return words("peak", { time: timeName(top.jst), value: degrees(top.wbgt_moe), level: levelName(point.scale, top.risk.index) });
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
