// The same answer as a table of all steps: what the map says for a place, without the map.

import { find, make, swatch } from "./dom.js";
import { absence, peak } from "./place.js";
import { chance, degrees, levelName, percent, whole } from "./scale.js";
import { sides } from "./sentence.js";
import { dayAndHour, dayName, days, words } from "./words.js";

// minutes: how long a step is.
export function showHours(place, index, minutes, choose) {
  const { point } = place;
  const problem = place.problem ?? absence(point);
  if (problem) {
    find("hours").replaceChildren(make("p", { class: "message" }, words(problem)));
    return;
  }
  const columns = COLUMNS.filter((column) => column.known(place));
  const head = ["time", "level", ...columns.map((column) => column.name)].map((name) =>
    make("th", { scope: "col" }, words(`column_${name}`)));
  const bodies = days(point.series).map(({ date, steps }) => make("tbody", {},
    make("tr", { class: "day" }, make("th", { colspan: head.length, scope: "rowgroup" }, dayName(date))),
    steps.map(([, position]) => row({ ...place, minutes }, columns, position, position === index, choose))));
  const { lat, lon, cell_size_m: size } = point.place;
  find("hours").replaceChildren(
    make("p", { class: "peak" }, peak(point, index)),
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": words("hours_caption") },
      make("table", {},
        make("caption", { class: "unseen" }, words("hours_caption")), make("thead", {}, make("tr", {}, head)), bodies)),
    make("p", { class: "fine" }, words("hours_note")),
    make("p", { class: "fine" }, words("cell", { place: `${lat.toFixed(5)}, ${lon.toFixed(5)}`, size })));
}

const always = () => true;

// A column is there where the run holds what it shows.
const COLUMNS = [
  { name: "value", known: always, text: ({ step }) => (step.wbgt_moe == null ? null : degrees(step.wbgt_moe)) },
  { name: "official", known: always, text: ({ step }) =>
    Object.values(step.official_stations).filter((value) => value != null).map(whole).join(" / ") },
  { name: "sun", known: always, text: ({ place: { minutes }, step }) =>
    (step.sunlit_minutes == null ? null : sun(step.sunlit_minutes, minutes)) },
  { name: "shade", known: ({ point }) => point.series.some((step) => step.wbgt_moe_shade != null), text: ({ place, at }) => {
    const found = sides(place, at);
    return found && !found.none ? degrees(found.shade) : null;
  } },
  { name: "share", known: ({ area }) => area != null, text: ({ place: { area }, at }) =>
    (area[at].shares.danger == null ? null : percent(area[at].shares.danger)) },
  { name: "chance", known: ({ point }) => point.series.some((step) => step.p_danger != null), text: ({ step }) =>
    (step.p_danger == null ? null : chance(step.p_danger)) },
];

function row(place, columns, at, current, choose) {
  const { series, scale } = place.point;
  const step = series[at];
  const level = step.risk && scale.levels[step.risk.index];
  return make("tr", { class: current && "current", "aria-current": current && "true" },
    make("th", { scope: "row" },
      make("button", { id: `hour-${at}`, type: "button", class: "hour", onclick: () => choose(at) }, dayAndHour(step.jst).hour)),
    make("td", {}, level
      ? make("span", { class: "class" }, swatch(level.colour, level.index + 1), levelName(scale, level.index)) : "–"),
    columns.map((column) => make("td", { class: "figure" }, column.text({ place, step, at }) || "–")));
}

function sun(minutes, whole) {
  const bar = make("span", { class: "sun" }, words("minutes", { n: minutes }));
  bar.style.setProperty("--share", String(Math.min(minutes / whole, 1)));
  return bar;
}
