// The same answer as a table of all steps: what the map says for a place, without the map.

import { find, make, swatch } from "./dom.js";
import { absence, degrees, peak, whole } from "./place.js";
import { dayAndHour, dayName, spoken, words } from "./words.js";

export function showHours(point, index, choose) {
  if (point.place.state !== "outdoor") {
    find("hours").replaceChildren(make("p", { class: "message" }, absence(point)));
    return;
  }
  const head = ["time", "level", "value", "official", "sun"].map((name) =>
    make("th", { scope: "col" }, words(`column_${name}`)));
  const bodies = days(point.series).map(({ date, steps }) => make("tbody", {},
    make("tr", { class: "day" }, make("th", { colspan: 5, scope: "rowgroup" }, dayName(date))),
    steps.map(([step, position]) => row(point, step, position, position === index, choose))));
  const { lat, lon, cell_size_m: size } = point.place;
  const place = words("cell", { place: `${lat.toFixed(5)}, ${lon.toFixed(5)}`, size });
  find("hours").replaceChildren(
    make("p", { class: "peak" }, peak(point, index)),
    make("table", {},
      make("caption", { class: "unseen" }, words("hours_caption")), make("thead", {}, make("tr", {}, head)), bodies),
    make("p", { class: "fine" }, place));
}

export function days(series) {
  const groups = [];
  series.forEach((step, position) => {
    const { day, date } = dayAndHour(step.jst);
    if (groups.at(-1)?.day !== day) groups.push({ day, date, steps: [] });
    groups.at(-1).steps.push([step, position]);
  });
  return groups;
}

function row(point, step, position, current, choose) {
  const level = step.risk && point.scale.levels[step.risk.index];
  const values = Object.values(step.official_stations).filter((value) => value != null).map(whole);
  return make("tr", { class: current && "current", "aria-current": current && "true" },
    make("th", { scope: "row" },
      make("button", { id: `hour-${position}`, type: "button", class: "hour", onclick: () => choose(position) },
        dayAndHour(step.jst).hour)),
    make("td", {}, level
      ? make("span", { class: "class" }, swatch(level.colour, step.risk.index + 1), spoken(level.words)) : "–"),
    make("td", { class: "figure" }, step.wbgt_moe == null ? "–" : degrees(step.wbgt_moe)),
    make("td", { class: "figure" }, values.join(" / ") || "–"),
    make("td", { class: "figure" }, step.sunlit_minutes == null ? "–" : sun(step.sunlit_minutes)));
}

function sun(minutes) {
  const bar = make("span", { class: "sun" }, words("minutes", { n: minutes }));
  bar.style.setProperty("--share", String(Math.min(minutes / 180, 1)));
  return bar;
}
