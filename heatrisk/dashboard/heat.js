// The heat on the map, one step over the other: a step is shown when it is complete, so nothing flickers.

import { api } from "./api.js";

const MOST = 4; // steps kept on the map

export class Heat {
  constructor(map, run, opacity, before) {
    Object.assign(this, { map, run, opacity, before, ids: [], wanted: null, shown: null });
    this.extents = new Map();
    map.on("sourcedata", () => this.raise());
    map.on("idle", () => this.raise());
  }

  // Show a layer at a step, and fetch its pictures of the step that is likely to follow.
  async show(layer, key, following) {
    const id = await this.add(layer, key);
    this.wanted = id;
    this.following = following && (() => this.add(layer, following));
    this.raise();
  }

  async add(layer, key) {
    const id = `heat ${layer} ${key}`;
    if (!this.extents.has(layer)) this.extents.set(layer, api.extent(this.run, layer, key));
    const { minzoom, maxzoom, bounds } = await this.extents.get(layer);
    if (!this.map.getSource(id)) {
      const tiles = [api.tiles(this.run, layer, key)];
      this.map.addSource(id, { type: "raster", tiles, tileSize: 256, bounds, minzoom, maxzoom });
      const paint = {
        "raster-resampling": "nearest", "raster-fade-duration": 0, "raster-opacity": 0,
        "raster-opacity-transition": { duration: 0 },
      };
      this.map.addLayer({ id, type: "raster", source: id, paint }, this.before);
    }
    this.ids = [...this.ids.filter((one) => one !== id), id];
    this.drop();
    return id;
  }

  raise() {
    const { map, wanted } = this;
    if (!wanted || this.shown === wanted || !map.getSource(wanted) || !map.isSourceLoaded(wanted)) return;
    map.setPaintProperty(wanted, "raster-opacity", this.opacity);
    if (this.shown && map.getLayer(this.shown)) map.setPaintProperty(this.shown, "raster-opacity", 0);
    this.shown = wanted;
    this.following?.();
  }

  // The oldest leave, but never what is seen or waited for.
  drop() {
    const spare = this.ids.filter((id) => id !== this.shown && id !== this.wanted);
    for (const id of spare.slice(0, Math.max(0, this.ids.length - MOST))) {
      this.map.removeLayer(id);
      this.map.removeSource(id);
      this.ids = this.ids.filter((one) => one !== id);
    }
  }
}
