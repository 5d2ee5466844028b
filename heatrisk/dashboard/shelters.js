// Cool places as a list: what is published about each, and whether it is open at the chosen time.

import { find, make } from "./dom.js";
import { distanceName, spoken, timeName, words } from "./words.js";

export const MARKS = { open: "○", closed: "×", unknown: "?" };

export function showShelters(collection, place, at, show) {
  if (collection.features.length === 0) {
    find("shelters").replaceChildren(make("p", { class: "message" }, words("shelters_none")));
    return;
  }
  const rows = collection.features
    .map((feature) => ({ ...feature.properties, at: feature.geometry?.coordinates }))
    .map((shelter) => ({ ...shelter, distance: shelter.at && place ? metres(place, shelter.at) : null }))
    .sort((one, other) => (one.distance ?? Infinity) - (other.distance ?? Infinity));
  find("shelters").replaceChildren(
    make("p", { class: "fine" }, words("shelters_at", { time: timeName(at) })),
    make("ul", { class: "shelters" }, rows.map((shelter) => item(shelter, show))));
}

function item(shelter, show) {
  const { state, reason } = shelter.status;
  const facts = [
    state === "open" ? "" : spoken(reason),
    shelter.opens_on !== "unknown" ? words(`opens_${shelter.opens_on}`) : "",
    shelter.at ? "" : words("unplaced"),
    shelter.address,
    shelter.place,
    shelter.capacity == null ? shelter.capacity_text : words("capacity", { n: shelter.capacity }),
    shelter.equipment?.length ? words("equipment", { list: equipment(shelter) }) : "",
    ...(shelter.reports ?? []).map(spoken),
    shelter.note,
  ].filter(Boolean);
  const name = shelter.at
    ? make("button", { type: "button", class: "link", onclick: () => show(shelter.at) }, shelter.name)
    : shelter.name;
  return make("li", { class: `shelter ${state}` },
    make("h3", {}, name, shelter.distance == null ? "" : make("small", {}, distanceName(shelter.distance))),
    make("p", { class: "state" }, make("span", { class: "mark", "aria-hidden": "true" }, MARKS[state]),
      words(`state_${state}`), shelter.hours_text ? make("span", { class: "opening" }, shelter.hours_text) : ""),
    make("p", { class: "kind" }, words(shelter.designation)),
    facts.map((fact) => make("p", {}, fact)),
    /^https?:\/\//.test(shelter.url ?? "")
      ? make("p", {}, make("a", { href: shelter.url, rel: "noopener" }, words("website"))) : "");
}

const equipment = (shelter) => shelter.equipment.map((code) => words(`equipment_${code}`)).join(words("listed"));

// Great-circle distance.
function metres([lon, lat], [otherLon, otherLat]) {
  const radians = Math.PI / 180;
  const haversine = (angle) => Math.sin((angle * radians) / 2) ** 2;
  const share = haversine(otherLat - lat)
    + Math.cos(lat * radians) * Math.cos(otherLat * radians) * haversine(otherLon - lon);
  return 2 * 6371e3 * Math.asin(Math.sqrt(share));
}
