// What is known of a place: its cell, the ground around it, and for a house the nearest street.

import { api } from "./api.js";

const AROUND = 50; // metres on each side of a place that count as its surroundings

// found: {kind, lon, lat}; time: the step at which a street must have values.
export async function answered(run, found, time) {
  const { lon, lat } = found;
  try {
    const [point, area] = await Promise.all([
      api.point(run, lon, lat), api.surroundings(run, lon, lat, AROUND).catch(() => null)]);
    if (point.place.state !== "building") return { ...found, point, area };
    const street = await api.nearest(run, point.place, time).catch(() => null);
    if (!street) return { ...found, point, area };
    return { ...found, point: await api.point(run, street.lon, street.lat), area, over: street.metres };
  } catch (problem) {
    const unknown = navigator.onLine ? "failed" : "offline_place";
    return { ...found, problem: problem.slug === "outside" ? "outside" : unknown };
  }
}

// The place of the address, else the one looked at last on this device, else the middle of the area.
export async function firstPlace({ manifest, times }, asked) {
  const time = times.times[0].time;
  const first = asked.place ?? remembered();
  if (first) {
    const found = await answered(manifest.run_id, { kind: "tapped", lon: first[0], lat: first[1] }, time);
    if (asked.place || !found.problem) return found;
  }
  const [lon, lat] = manifest.grid.centre_lonlat;
  return answered(manifest.run_id, { kind: "first", lon, lat }, time);
}

function remembered() {
  try {
    return JSON.parse(localStorage.getItem("place"));
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
