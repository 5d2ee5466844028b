// Cool places as a list: what is published about each, and whether it is open at the chosen time.

import { direction, metres } from "./distance.js";
import { find, make } from "./dom.js";
import { ageName, currentLanguage, dayAndHour, distanceName, shortTime, spoken, timeName, words } from "./words.js";

export const MARKS = { open: "○", closed: "×", unknown: "?" };
const EQUIPMENT = ["water", "toilet", "wheelchair", "nursing_room", "wifi", "aed"];

const wanted = new Set();

// place: {lon, lat} from which distances count; show(shelter) leads to it on the map.
export function showShelters(collection, place, show, alert) {
  const all = rows(collection, place);
  if (all.length === 0) {
    find("shelters").replaceChildren(make("p", { class: "message" }, words("shelters_none")));
    return;
  }
  const again = () => showShelters(collection, place, show, alert);
  const chosen = all.filter((shelter) => [...wanted].every((filter) => fits(shelter, filter)));
  const focused = document.activeElement?.id;
  find("shelters").replaceChildren(
    alert ? make("p", { class: "peak" }, words("shelters_alert")) : "",
    filters(all, again),
    make("p", { class: "fine", role: "status" }, words("shelters_count", { n: chosen.length, all: all.length })),
    make("p", { class: "fine" }, words("shelters_at", { time: timeName(all[0].status.at) })),
    make("ul", { class: "shelters" }, chosen.map((shelter) => make("li", {}, card(shelter, show)))));
  if (focused?.startsWith("filter-")) find(focused)?.focus({ preventScroll: true });
}

export function rows(collection, place) {
  return collection.features
    .map((feature) => ({ ...feature.properties, at: feature.geometry?.coordinates }))
    .map((shelter) => ({
      ...shelter,
      distance: shelter.at && place ? metres([place.lon, place.lat], shelter.at) : null,
      bearing: shelter.at && place ? direction([place.lon, place.lat], shelter.at) : null,
    }))
    .sort((one, other) => (one.distance ?? Infinity) - (other.distance ?? Infinity));
}

function fits(shelter, filter) {
  if (filter === "open") return shelter.status.state === "open";
  if (filter === "designated") return shelter.designation === "designated";
  return (shelter.equipment ?? []).includes(filter);
}

// Only what makes a difference in this list can be asked for.
function filters(all, again) {
  const offered = ["open", "designated", ...EQUIPMENT].filter((filter) => filter === "open" || all.some((one) => fits(one, filter)));
  const boxes = offered.map((filter) => make("label", {},
    make("input", {
      id: `filter-${filter}`, type: "checkbox", checked: wanted.has(filter),
      onchange: ({ target }) => {
        if (target.checked) wanted.add(filter);
        else wanted.delete(filter);
        again();
      },
    }),
    make("span", {}, words(EQUIPMENT.includes(filter) ? `equipment_${filter}` : `filter_${filter}`))));
  return make("fieldset", { class: "filters" }, make("legend", {}, words("filters")), boxes);
}

export function card(shelter, show) {
  const { state } = shelter.status;
  const facts = [
    reason(shelter),
    shelter.facility_report?.note ? words("facility_note", { note: shelter.facility_report.note }) : "",
    shelter.opens_on !== "unknown" ? words(`opens_${shelter.opens_on}`) : "",
    shelter.at ? "" : words("unplaced"),
    shelter.address,
    shelter.place,
    shelter.capacity == null ? shelter.capacity_text : words("capacity", { n: shelter.capacity }),
    shelter.equipment?.length ? words("equipment", { list: equipment(shelter) }) : "",
    shelter.note,
  ].filter(Boolean);
  const name = shelter.at && show
    ? make("button", { type: "button", class: "link", onclick: () => show(shelter) }, shelter.name)
    : shelter.name;
  return make("article", { class: `shelter ${state}`, id: show ? `shelter-${shelter.id}` : null },
    make("h3", {}, name, shelter.distance == null ? "" : make("small", {}, way(shelter))),
    make("p", { class: "state" }, make("span", { class: "mark", "aria-hidden": "true" }, MARKS[state]),
      words(`state_${state}`), opening(shelter.status),
      shelter.hours_text ? make("span", { class: "opening" }, shelter.hours_text) : ""),
    (shelter.reports ?? []).map((report) => make("p", { class: "report" }, crowding(report, shelter.status.at))),
    make("p", { class: "kind" }, words(shelter.designation)),
    facts.map((fact) => make("p", {}, fact)),
    /^https?:\/\//.test(shelter.url ?? "")
      ? make("p", {}, make("a", { href: shelter.url, rel: "noopener" }, words("website"))) : "");
}

const HERE = 15; // metres within which a direction says nothing

const way = ({ distance, bearing }) => (distance < HERE ? words("way_here")
  : words("way", { distance: distanceName(distance), direction: words(`direction_${bearing}`) }));

// Why a place counts as closed or unknown, or what it reports of itself, is told by the service in its own languages;
// hours and crowding stand beside it in any.
const reason = ({ status: { state, reason: pair }, facility_report: own }) =>
  ((state !== "open" || own) && currentLanguage() in pair ? spoken(pair) : "");

function opening({ opens, at }) {
  if (!opens) return "";
  const [then, now] = [dayAndHour(opens), dayAndHour(at)];
  const time = then.day === now.day ? then.hour : shortTime(opens);
  return make("span", { class: "opens" }, words("opens_at", { time }));
}

const equipment = (shelter) => shelter.equipment.map((code) => words(`equipment_${code}`)).join(words("listed"));

// What somebody on the spot reported, with the time it was seen: it grows old fast.
function crowding(report, at) {
  const said = [
    report.state ? words(`report_${report.state}`) : "",
    report.people == null ? "" : words("people", { n: report.people }),
  ].filter(Boolean).join(words("listed"));
  const thing = words(report.about === "congestion" ? "congestion" : `equipment_${report.about}`);
  const age = ageName((Date.parse(at) - Date.parse(report.observed)) / 60e3, "seen");
  return words("report", { thing, said, time: dayAndHour(report.observed).hour, age });
}
