// What is looked at as an address to keep or send: place, step, layer and language stand behind the #.

export function read() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const place = (asked.get("place") ?? "").split(",").map(Number);
  const [lon, lat] = place;
  return {
    place: place.length === 2 && Math.abs(lon) <= 180 && Math.abs(lat) <= 90 && (lon || lat) ? place : null,
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
