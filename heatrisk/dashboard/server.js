// The service, asked by relative addresses so that the page also works below a path.

import { ANEW, answer, ask } from "./asking.js";
import { metresPerDegree } from "./distance.js";

const FRESH = 5 * 60e3; // milliseconds for which a copy of the present still is the present

const REACH = 60; // metres round a house within which its street is looked for

// The newest run with its steps, the alerts and the first place, from one answer that was asked for ahead.
export async function current(opening) {
  const { body: { manifest, times, alerts, ...first }, at, kept } = await opening;
  return { manifest, times, alerts, first, ahead: ahead(times, at), kept };
}

// Where the service begins when nobody names a place; an opening of elsewhere, kept for want of a network, does not say.
export const entrance = () => ask("opening", {}, ANEW).then(({ place, point }) => point && place, () => null);

// How far the service's clock is ahead of this machine's.
const ahead = ({ created, age_minutes: age }, at) => Date.parse(created) + age * 60e3 - at;

export async function present() {
  const { body: times, at, kept } = await answer("times", {}, ANEW);
  return { times, ahead: ahead(times, at), kept };
}

export const layers = async (run) => (await ask("layers", { run })).layers;
export const legend = (run, layer) => ask(`legend/${layer}.json`, { run });
export const basemap = () => ask("basemap");
export const alerts = () => ask("alerts", {}, ANEW);
export const point = (run, lon, lat) => ask("point", { run, lon: lon.toFixed(6), lat: lat.toFixed(6) });
export const buildings = (run) => new URL(`buildings?run=${encodeURIComponent(run)}`, location.href).href;

// At a step, or at the present where `now` says what it is: what facilities report holds for minutes.
// Without a network the list of another time serves, but not what it says of being open.
export async function shelters(run, step, now) {
  const at = now == null ? step.time : new Date(now).toISOString();
  try {
    const { body, at: told } = await answer("shelters", { run, at: now == null ? at : "now" }, now == null ? {} : ANEW);
    return now == null || Date.now() - told < FRESH ? body : undecided(body, at);
  } catch (problem) {
    const kept = await globalThis.caches?.match(new URL("shelters", location.href), { ignoreSearch: true });
    if (!kept) throw problem;
    return undecided(await kept.json(), at);
  }
}

function undecided(collection, at) {
  const unknown = { status: { state: "unknown", reason: {}, at }, reports: [], facility_report: null };
  return {
    ...collection, features: collection.features.map((one) => ({ ...one, properties: { ...one.properties, ...unknown } })),
  };
}

// How the last attempt went is for the operator first: a server may keep it to itself.
export const readiness = () => ask("readyz", {}, ANEW).catch(() => null);

export const extent = (run, layer, key) => ask(`tiles/${run}/${layer}/${key}/tilejson.json`);
export const tiles = (run, layer, key) =>
  new URL(`tiles/${run}/${layer}/${key}/`, location.href).href + "{z}/{x}/{y}.png";

function box(lon, lat, reach) {
  const [x, y] = metresPerDegree(lat);
  return [lon - reach / x, lat - reach / y, lon + reach / x, lat + reach / y].map((degrees) => degrees.toFixed(6));
}

// The outdoor ground around a place, step by step: shares of the classes, and how cool and warm it is.
export async function surroundings(run, lon, lat, reach) {
  return (await ask("area", { run, bbox: box(lon, lat, reach).join(",") })).series;
}

// The outdoor cell nearest to a cell without values. Cells are named after their south-west corner in metres.
export async function nearest(run, { lon, lat, cell, cell_size_m: size }, time) {
  const [west, south, east, north] = box(lon, lat, REACH);
  const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
  const coords = `POLYGON((${ring.map((corner) => corner.join(" ")).join(",")}))`;
  const query = { coords, "parameter-name": "wbgt_moe", datetime: time };
  const coverage = await ask(`ogc/collections/heat/instances/${run}/area`, query);
  const [, left, bottom] = cell.match(/^E(-?\d+)N(-?\d+)$/).map(Number);
  const { x, y } = coverage.domain.axes;
  let best = null;
  coverage.ranges.wbgt_moe.values.forEach((value, index) => {
    if (value === null) return;
    const east = x.values[index % x.values.length] - left - size / 2;
    const north = y.values[Math.floor(index / x.values.length)] - bottom - size / 2;
    const metres = Math.hypot(east, north);
    if (!best || metres < best.metres) best = { east, north, metres };
  });
  if (!best) return null;
  const [perLon, perLat] = metresPerDegree(lat);
  return { lon: lon + best.east / perLon, lat: lat + best.north / perLat, metres: best.metres };
}
