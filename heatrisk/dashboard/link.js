// What is looked at as an address to keep or send: place, step, layer and language stand behind the #.
// The place is also remembered on this device.

// Anything may stand in an address or be kept on a device; what names no place counts as none. Blanks read as 0, 0.
function plausible(place) {
  const pair = Array.isArray(place) && place.length === 2 && place.every(Number.isFinite) && place.some(Boolean);
  return pair && Math.abs(place[0]) <= 180 && Math.abs(place[1]) <= 90 ? place : null;
}

export function read() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const place = (asked.get("place") ?? "").split(",").map(Number);
  return {
    place: plausible(place),
    shelter: asked.get("shelter"),
    time: asked.get("time"),
    layer: asked.get("layer"),
    language: asked.get("lang") ?? new URLSearchParams(location.search).get("lang"),
  };
}

// Where the reader stands is not written down.
export function write({ place, time, layer, language }) {
  const told = new URLSearchParams();
  if (place && ["tapped", "named"].includes(place.kind)) told.set("place", `${place.lon.toFixed(5)},${place.lat.toFixed(5)}`);
  if (place?.kind === "named") told.set("shelter", place.id);
  if (time) told.set("time", time);
  told.set("layer", layer);
  told.set("lang", language);
  history.replaceState(null, "", `#${told.toString().replaceAll("%2C", ",")}`);
}

export function remembered() {
  try {
    return plausible(JSON.parse(localStorage.getItem("place")));
  } catch {
    return null;
  }
}

// On this device alone, and not where the reader stands.
export function remember({ kind, lon, lat }) {
  try {
    if (kind === "tapped" || kind === "named") localStorage.setItem("place", JSON.stringify([lon, lat]));
  } catch {
    // A browser that keeps nothing still shows the page.
  }
}
