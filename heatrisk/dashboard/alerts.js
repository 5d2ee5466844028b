// The official heat-stroke alert for the area, as it was issued; nothing here is worked out from our values.

import { find, make } from "./dom.js";
import { dayName, shortTime, words } from "./words.js";

const ISSUED = ["special", "alert"];

// told: the answer about alerts, or null; today: the day in Japan as YYYY-MM-DD.
export function showAlerts(told, today) {
  const days = (told?.days ?? []).filter((day) => day.date >= today);
  const issued = days.filter((day) => ISSUED.includes(day.level));
  const worst = issued.some((day) => day.level === "special") ? "special" : "alert";
  find("alert").hidden = issued.length === 0;
  find("alert").className = `alert ${worst}`;
  find("alert").replaceChildren(...(issued.length ? [
    make("span", { class: "sign", "aria-hidden": "true" }, "!"),
    make("div", {}, issued.map((day) => make("p", {}, sentence(day, told.area))), reported(told)),
  ] : []));
  find("no-alert").textContent = issued.length ? "" : absence(told, days.find((day) => day.date === today));
}

export const inForce = (told, today) =>
  (told?.days ?? []).find((day) => day.date === today && ISSUED.includes(day.level))?.level ?? null;

function sentence(day, area) {
  const date = dayName(new Date(`${day.date}T00:00:00Z`));
  return words(`alert_${day.level}`, { area: area?.name ?? "", date });
}

const reported = (told) => make("p", { class: "fine" },
  words(told.sample ? "alert_reported_sample" : "alert_reported", { time: told.reported ? shortTime(told.reported) : "" }));

// What is said where there is no alert: it matters whether there is none, or none is known.
function absence(told, today) {
  if (told?.state === "not_configured") return "";
  if (today?.level === "none") return words("alert_none", { time: told.reported ? shortTime(told.reported) : "" });
  return words(told?.state === "out_of_season" ? "alert_out_of_season" : "alert_unknown");
}
