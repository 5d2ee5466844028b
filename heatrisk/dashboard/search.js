// Finding a place without asking anybody else: names of the city's list, coordinates, or where this device is.

import { find, make } from "./dom.js";
import { words } from "./words.js";

const MOST = 8; // suggestions shown at once

let suggestions = [];
let marked = -1;

// features: the places that have a name; choose(place) takes {kind, name, lon, lat, id}.
export function prepareSearch(features, choose) {
  const field = find("search");
  const suggest = () => {
    suggestions = matches(field.value, features().filter((feature) => feature.geometry));
    marked = suggestions.length ? 0 : -1;
    list(pick);
  };
  const pick = (place) => {
    field.value = place.name ?? "";
    close();
    choose(place);
  };
  field.oninput = suggest;
  field.onfocus = () => field.value === "" || suggest();
  field.onblur = () => setTimeout(close, 200);
  field.onkeydown = (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && suggestions.length) {
      marked = (marked + by + suggestions.length) % suggestions.length;
      list(pick);
      event.preventDefault();
    } else if (event.key === "Enter" && suggestions[marked]) pick(suggestions[marked]);
    else if (event.key === "Escape") close();
  };
}

function matches(text, places) {
  const wanted = plain(text);
  if (!wanted) return [];
  const here = coordinates(text);
  if (here) return [{ kind: "tapped", ...here }];
  return places
    .map(({ properties, geometry }) => ({
      kind: "named", id: properties.id, name: properties.name, address: properties.address,
      lon: geometry.coordinates[0], lat: geometry.coordinates[1],
    }))
    .filter(({ name, address }) => plain(name).includes(wanted) || plain(address ?? "").includes(wanted))
    .slice(0, MOST);
}

// Full and half width, katakana and hiragana, and blanks make no difference to what is meant.
const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/\s/g, "")
  .replace(/[ァ-ヶ]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));

// Two numbers in either order; in Japan the longitude is the larger one.
function coordinates(text) {
  const numbers = text.normalize("NFKC").match(/^\s*(\d{1,3}\.\d+)[\s,、/]+(\d{1,3}\.\d+)\s*$/);
  if (!numbers) return null;
  const [lat, lon] = numbers.slice(1).map(Number).sort((one, other) => one - other);
  return { lon, lat, name: `${lat}, ${lon}` };
}

function list(pick) {
  const open = suggestions.length > 0 || find("search").value !== "";
  find("found").hidden = !open;
  find("search").setAttribute("aria-expanded", String(open && suggestions.length > 0));
  find("search").setAttribute("aria-activedescendant", marked < 0 ? "" : `found-${marked}`);
  find("found-count").textContent = words("search_count", { n: suggestions.length });
  find("found").replaceChildren(...(suggestions.length ? suggestions.map((place, index) => make("li", {
    id: `found-${index}`, role: "option", "aria-selected": String(index === marked), onmousedown: (event) => {
      event.preventDefault();
      pick(place);
    },
  }, make("b", {}, place.name), place.address ? make("small", {}, place.address) : "")) : [
    make("li", { class: "fine", role: "option", "aria-disabled": "true", "aria-selected": "false" }, words("search_none")),
  ]));
}

function close() {
  find("found").hidden = true;
  find("search").setAttribute("aria-expanded", "false");
  find("search").removeAttribute("aria-activedescendant");
}

// The device's place stays on the device: only the middle of a square of about 50 m is asked about.
export function whereAmI(found, failed) {
  if (!navigator.geolocation) return failed();
  return navigator.geolocation.getCurrentPosition(
    ({ coords }) => found({ lon: coords.longitude, lat: coords.latitude }), failed,
    { enableHighAccuracy: true, timeout: 15e3, maximumAge: 60e3 });
}

const SQUARE = 5e-4; // degrees
export const coarse = (degrees) => (Math.floor(degrees / SQUARE) + 0.5) * SQUARE;
