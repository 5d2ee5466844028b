// The folder of an export on a plain web server: the same answers as the service's, put together on this device.

import { Archive } from "./archive.js";
import { ANEW, answer, ask, Problem } from "./asking.js";
import { metresPerDegree } from "./distance.js";

const OUTSIDE = 0;
const BUILDING = 1;
const FIRST = 3; // the first code that stands for a value
const MOST_KEPT = 200; // value tiles
const REACH = 60; // metres round a house within which its street is looked for

export class Site {
  constructor(entry) {
    this.entry = entry;
    this.archives = new Map();
  }

  async current() {
    const { latest, ...state } = await this.open();
    this.latest = latest;
    const telling = this.alerts().catch(() => null);
    const [manifest, times, place, series] = await Promise.all(
      ["run", "times", "place", "series"].map((name) => this.read(`${name}.json`)));
    Object.assign(this, { times, place, series });
    return { manifest, times, alerts: await telling, first: null, ...state };
  }

  async open() {
    const { body: latest, kept } = await answer(this.entry, {}, ANEW);
    return { latest, kept, ahead: 0 };
  }

  // The same run exported anew lies elsewhere, with the alerts of its time; what this page reads is soon taken away.
  async present() {
    const { latest, kept, ahead } = await this.open();
    return { times: { ...this.times, run: latest.run }, kept, ahead, moved: latest.data !== this.latest.data };
  }

  read(path) {
    return ask(this.latest.data + path);
  }

  async layers() {
    this.listed = (await this.read("layers.json")).layers;
    return this.listed;
  }

  legend(_, layer) {
    return this.read(`legend/${layer}.json`);
  }

  async basemap() {
    return this.latest.basemap;
  }

  async entrance() {
    return null;
  }

  async alerts() {
    return this.latest.alerts ? ask(this.latest.alerts, {}, ANEW) : { state: "not_configured", days: [] };
  }

  shelters(_, step) {
    return this.read(`shelters/${step.key}.json`);
  }

  async readiness() {
    return null;
  }

  buildings() {
    return new URL(`${this.latest.data}buildings.geojson`, location.href).href;
  }

  async extent(_, layer) {
    this.listed ??= await this.layers();
    return this.listed.find((one) => one.id === layer);
  }

  tiles(_, layer, key) {
    return `archive://${this.latest.data}tiles/${layer}/${key}.pmtiles/{z}/{x}/{y}`;
  }

  archive(path) {
    const known = this.archives.get(path) ?? new Archive(new URL(path, location.href).href);
    this.archives.delete(path);
    this.archives.set(path, known);
    if (this.archives.size > 8) this.archives.delete(this.archives.keys().next().value);
    return known;
  }

  // A picture for the map by the address that `tiles` made; null where there is none.
  picture(address, signal) {
    const [, path, z, x, y] = address.match(/^archive:\/\/(.+\.pmtiles)\/(\d+)\/(\d+)\/(\d+)$/);
    return this.archive(path).tile(Number(z), Number(x), Number(y), signal);
  }

  // The values of all steps and quantities round a place: a function of pixel offsets from it.
  async pixels(lon, lat, reach) {
    const { zoom, size, quantities, times } = this.series;
    const world = 2 ** zoom * size;
    const sine = Math.sin((lat * Math.PI) / 180);
    const column = Math.floor(((lon + 180) / 360) * world);
    const row = Math.floor((0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * world);
    const metres = (360 / world) * metresPerDegree(lat)[0];
    const span = Math.ceil(reach / metres);
    const tiles = new Map();
    const archive = this.archive(`${this.latest.data}series.pmtiles`);
    const last = (number) => Math.floor(number / size);
    const wanted = [];
    for (let y = last(row - span); y <= last(row + span); y += 1) {
      for (let x = last(column - span); x <= last(column + span); x += 1) wanted.push([x, y]);
    }
    await Promise.all(wanted.map(async ([x, y]) => {
      const bytes = await this.kept(archive, zoom, x, y);
      if (bytes) tiles.set(`${x}/${y}`, new Uint16Array(bytes));
    }));
    const code = (quantity, step, east, south) => {
      const [x, y] = [column + east, row + south];
      const codes = tiles.get(`${last(x)}/${last(y)}`);
      return codes ? codes[((quantity * times.length + step) * size + (y % size)) * size + (x % size)] : OUTSIDE;
    };
    const find = (name) => quantities.findIndex((one) => one.id === name);
    const value = (name, step, east, south) => {
      const index = find(name);
      if (index < 0) return null;
      const found = code(index, step, east, south);
      const { scale, offset } = quantities[index];
      const decimals = Math.max(0, Math.round(-Math.log10(scale)));
      return found < FIRST ? null : Number((found * scale + offset).toFixed(decimals));
    };
    return { span, metres, code: (step, east, south) => code(find("wbgt_moe"), step, east, south), value };
  }

  // Parts of an archive cannot be kept by the service worker; a read value tile is kept here, for the time offline.
  async kept(archive, z, x, y) {
    const cache = await globalThis.caches?.open("series");
    const key = new URL(`${this.latest.data}series/${z}/${x}/${y}`, location.href).href;
    const known = await cache?.match(key);
    if (known) return known.status === 204 ? null : known.arrayBuffer();
    const bytes = await archive.tile(z, x, y);
    await cache?.put(key, new Response(bytes?.slice(0) ?? null, { status: bytes ? 200 : 204 })).catch(() => null);
    if (cache) await this.trim(cache);
    return bytes;
  }

  // Value tiles of an earlier export are of no use any more, and of this one not all find room.
  async trim(cache) {
    const root = new URL(this.latest.data, location.href).href;
    const known = await cache.keys();
    const own = known.filter(({ url }) => url.startsWith(root));
    const spare = [...known.filter((one) => !own.includes(one)), ...own.slice(0, Math.max(0, own.length - MOST_KEPT))];
    await Promise.all(spare.map((old) => cache.delete(old)));
  }

  async point(_, lon, lat) {
    const [west, south, east, north] = this.bounds ?? (this.bounds = (await this.extentOfRun()));
    if (!(lon >= west && lon <= east && lat >= south && lat <= north)) throw new Problem(404, "outside");
    const pixels = await this.pixels(lon, lat, 0);
    const codes = this.times.times.map((_, step) => pixels.code(step, 0, 0));
    if (codes.every((code) => code === OUTSIDE)) throw new Problem(404, "outside");
    const state = codes[0] === BUILDING ? "building" : codes.some((code) => code >= FIRST) ? "outdoor" : "unknown";
    const { place } = this;
    return {
      ...place,
      place: { lon, lat, state, words: place.states[state], cell_size_m: place.grid.cell_size_m },
      series: place.series.map((step, index) => this.step(step, index, pixels)),
    };
  }

  step(step, index, pixels) {
    const values = Object.fromEntries(this.series.quantities.map(({ id }) => [id, pixels.value(id, index, 0, 0)]));
    const risk = (scale) => {
      const at = scale ? levelOf(scale, values.wbgt_moe) : -1;
      return at < 0 ? null : { index: at, code: scale.levels[at].code, words: scale.levels[at].words };
    };
    return {
      ...step, ...values, risk: risk(this.place.scale), risk_sport: risk(this.place.scale_sport),
      sunlit_minutes: values.sunlit == null ? null : Math.round(values.sunlit * this.times.step_minutes),
    };
  }

  async extentOfRun() {
    return (await this.read("run.json")).grid.bounds_lonlat;
  }

  async surroundings(_, lon, lat, reach) {
    const pixels = await this.pixels(lon, lat, reach);
    const { levels } = this.place.scale;
    return this.times.times.map((moment, step) => {
      const found = around(pixels).map(([x, y]) => [pixels.value("wbgt_moe", step, x, y), pixels.value("sunlit", step, x, y)])
        .filter(([value]) => value !== null);
      const values = found.map(([value]) => value).sort((one, other) => one - other);
      const share = (index) => values.filter((value) => levelOf(this.place.scale, value) === index).length / values.length;
      const quantile = (part) => values[Math.round(part * (values.length - 1))] ?? null;
      return {
        ...moment,
        shares: Object.fromEntries(levels.map((level, index) => [level.code, values.length ? share(index) : null])),
        p10: quantile(0.1), p90: quantile(0.9),
        sunlit: found.length ? found.reduce((sum, [, sun]) => sum + sun, 0) / found.length : null,
      };
    });
  }

  async nearest(_, { lon, lat }, time) {
    const step = Math.max(0, this.times.times.findIndex((moment) => moment.time === time));
    const pixels = await this.pixels(lon, lat, REACH);
    const best = around(pixels).find(([x, y]) => pixels.code(step, x, y) >= FIRST);
    if (!best) return null;
    const [perLon, perLat] = metresPerDegree(lat);
    const [east, south] = best.map((pixel) => pixel * pixels.metres);
    return { lon: lon + east / perLon, lat: lat - south / perLat, metres: Math.hypot(east, south) };
  }
}

// Offsets of all pixels in reach, the nearest first.
function around({ span }) {
  const offsets = [];
  for (let y = -span; y <= span; y += 1) for (let x = -span; x <= span; x += 1) offsets.push([x, y]);
  return offsets.sort((one, other) => Math.hypot(...one) - Math.hypot(...other));
}

const levelOf = (scale, value) =>
  value == null ? -1 : scale.levels.findLastIndex((level) => level.lower == null || level.lower <= value);
