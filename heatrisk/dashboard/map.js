// The map: heat layer, outlines of buildings where there is no base map, cool places, the chosen place.

import * as api from "./api.js";
import { find, make } from "./dom.js";
import { MARKS } from "./shelters.js";

const { maplibregl } = globalThis;
const STATE_COLOURS = { open: "#0b6b4f", closed: "#5d6470", unknown: "#3b5b92" };

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class HeatMap {
  constructor(manifest, basemap, choose) {
    const [west, south, east, north] = manifest.grid.bounds_lonlat;
    this.run = manifest.run_id;
    this.bounds = [west, south, east, north];
    const margin = Math.max(east - west, north - south);
    this.map = new maplibregl.Map({
      container: "map",
      style: { version: 8, sources: {}, layers: [] },
      bounds: [[west, south], [east, north]],
      fitBoundsOptions: { padding: 8 },
      maxBounds: [[west - margin, south - margin], [east + margin, north + margin]],
      maxZoom: 19.5,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      attributionControl: false,
      fadeDuration: 0,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new maplibregl.ScaleControl({ maxWidth: 80 }), "top-left");
    this.map.on("click", (event) => choose(event.lngLat.lng, event.lngLat.lat));
    this.map.getCanvas().addEventListener("keydown", (event) => {
      if (event.key === "Enter") choose(...this.centre());
    });
    this.map.on("dataloading", () => find("map").setAttribute("aria-busy", "true"));
    this.map.on("idle", () => find("map").setAttribute("aria-busy", "false"));
    this.marker = new maplibregl.Marker({ element: make("span", { class: "pin", "aria-hidden": "true" }) });
    this.ready = new Promise((resolve) => this.map.once("style.load", resolve)).then(() => this.furnish(basemap));
  }

  furnish(basemap) {
    const { map } = this;
    map.addLayer({ id: "ground", type: "background" });
    if (basemap) {
      map.addSource("basemap", {
        type: "raster", tiles: [basemap.tiles], tileSize: 256,
        minzoom: basemap.min_zoom, maxzoom: basemap.max_zoom,
      });
      map.addLayer({ id: "basemap", type: "raster", source: "basemap" });
    } else {
      map.addSource("buildings", { type: "geojson", data: api.buildings(this.run) });
      map.addLayer({ id: "buildings", type: "fill", source: "buildings" });
      map.addLayer({
        id: "outlines", type: "line", source: "buildings", minzoom: 14,
        paint: { "line-width": ["interpolate", ["linear"], ["zoom"], 14, 0.2, 17, 1] },
      });
    }
    for (const [state, mark] of Object.entries(MARKS)) map.addImage(state, badge(mark, STATE_COLOURS[state]), { pixelRatio: 2 });
    map.addSource("shelters", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    map.addLayer({
      id: "shelters", type: "symbol", source: "shelters",
      layout: { "icon-image": ["get", "state"], "icon-allow-overlap": true, "icon-anchor": "bottom" },
    });
    this.paint();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.paint());
  }

  // Colours come from the style sheet, which knows light and dark.
  paint() {
    const { map } = this;
    map.setPaintProperty("ground", "background-color", colour("--ground"));
    if (map.getLayer("buildings")) {
      map.setPaintProperty("buildings", "fill-color", colour("--building"));
      map.setPaintProperty("outlines", "line-color", colour("--outline"));
    }
  }

  async showHeat(layer, time) {
    await this.ready;
    const tiles = [api.tiles(this.run, layer, time)];
    const source = this.map.getSource("heat");
    if (source) {
      source.setTiles(tiles);
      return;
    }
    const { minzoom, maxzoom, bounds } = await api.tilejson(this.run, layer, time);
    if (this.map.getSource("heat")) return;
    this.map.addSource("heat", { type: "raster", tiles, tileSize: 256, bounds, minzoom, maxzoom });
    const heat = { id: "heat", type: "raster", source: "heat" };
    // Colours are those of the legend, unless a base map must show through.
    const opacity = this.map.getLayer("basemap") ? 0.7 : 1;
    heat.paint = { "raster-resampling": "nearest", "raster-fade-duration": 0, "raster-opacity": opacity };
    this.map.addLayer(heat, this.map.getLayer("buildings") ? "buildings" : "shelters");
  }

  async showShelters(collection) {
    await this.ready;
    const features = collection.features.filter((feature) => feature.geometry).map((feature) => ({
      ...feature, properties: { state: feature.properties.status.state },
    }));
    this.map.getSource("shelters").setData({ type: "FeatureCollection", features });
  }

  showPlace(lon, lat) {
    this.marker.setLngLat([lon, lat]).addTo(this.map);
  }

  goTo(lonlat) {
    this.map.easeTo({ center: lonlat, zoom: Math.max(this.map.getZoom(), 17) });
  }

  centre() {
    const { lng, lat } = this.map.getCenter();
    return [lng, lat];
  }

  describe(text) {
    this.map.getCanvas().setAttribute("aria-label", text);
  }
}

// A pin of 26 x 32 px at double resolution: white rim, colour of the state, its mark.
function badge(mark, fill) {
  const canvas = make("canvas", { width: 52, height: 64 });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.beginPath();
  pen.arc(26, 26, 25, Math.PI * 0.8, Math.PI * 0.2);
  pen.lineTo(26, 63);
  pen.closePath();
  pen.fill();
  pen.fillStyle = fill;
  pen.beginPath();
  pen.arc(26, 26, 20, 0, 2 * Math.PI);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = "bold 30px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(mark, 26, 27);
  return pen.getImageData(0, 0, 52, 64);
}
