// What is known of a place: its cell, the ground around it, and for a house the nearest street.

import { api } from "./api.js";

const AROUND = 50; // metres on each side of a place that count as its surroundings

// found: {kind, lon, lat}; time: the step at which a street must have values; first: what came with the opening.
export async function answered(run, found, time, first = null) {
  const { lon, lat } = found;
  try {
    const told = first?.place[0] === lon && first.place[1] === lat ? [first.point, first.around] : null;
    const [point, area] = told ?? await Promise.all([
      api.point(run, lon, lat), api.surroundings(run, lon, lat, AROUND).catch(() => null)]);
    if (!point) return { ...found, problem: "outside" };
    if (point.place.state !== "building") return { ...found, point, area };
    const street = await api.nearest(run, point.place, time).catch(() => null);
    if (!street) return { ...found, point, area };
    return { ...found, point: await api.point(run, street.lon, street.lat), area, over: street.metres };
  } catch (problem) {
    const unknown = navigator.onLine ? "failed" : "offline_place";
    return { ...found, problem: problem.slug === "outside" ? "outside" : unknown };
  }
}

// The place of the address, else the one looked at last on this device, else where the service begins: open ground in
// the middle of the area. A folder of files begins in the middle itself.
export async function firstPlace({ manifest, times, first }, wanted) {
  const time = times.times[0].time;
  const about = (kind, [lon, lat]) => answered(manifest.run_id, { kind, lon, lat }, time, first);
  if (wanted.first) {
    const found = await about("tapped", wanted.first);
    if (wanted.place || !found.problem) return found;
  }
  const entrance = wanted.first ? await api.entrance() : first?.place;
  return about("first", entrance ?? manifest.grid.centre_lonlat);
}
