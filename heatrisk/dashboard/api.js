// The service, asked by relative addresses so that the page also works below a path.

export class Problem extends Error {
  constructor(status, slug) {
    super(slug);
    this.status = status;
    this.slug = slug;
  }
}

async function get(path, query = {}, options = {}) {
  const search = new URLSearchParams(query).toString();
  const response = await fetch(search ? `${path}?${search}` : path, options);
  if (response.ok) return response.json();
  const body = await response.json().catch(() => ({}));
  throw new Problem(response.status, String(body.type ?? "").split("#").pop());
}

// Asked anew each time: what a cache may keep for a minute can be the run before.
const ANEW = { cache: "no-cache" };

export const manifest = () => get("runs/latest", {}, ANEW);
export const times = (run) => get("times", { run }, ANEW);
export const layers = (run) => get("layers", { run });
export const legend = (run, layer) => get(`legend/${layer}.json`, { run });
export const readiness = () => get("readyz", {}, ANEW);
export const basemap = () => get("basemap");
export const tilejson = (run, layer, time) => get(`tiles/${run}/${layer}/${time}/tilejson.json`);
export const shelters = (run, at) => get("shelters", { run, at });
export const point = (run, lon, lat) => get("point", { run, lon: lon.toFixed(6), lat: lat.toFixed(6) });
export const buildings = (run) => new URL(`buildings?run=${encodeURIComponent(run)}`, location.href).href;
export const tiles = (run, layer, time) =>
  new URL(`tiles/${run}/${layer}/${time}/`, location.href).href + "{z}/{x}/{y}.png";
