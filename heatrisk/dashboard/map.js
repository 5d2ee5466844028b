// The map: heat, outlines of buildings where there is no base map, cool places, the chosen place.

import { api } from "./api.js";
import { find, make } from "./dom.js";
import { Heat } from "./heat.js";
import { MARKS } from "./shelters.js";

const STATE_COLOURS = { open: "#0b6b4f", closed: "#5d6470", unknown: "#3b5b92" };
const FINGER = 14; // pixels round a tap in which a pin counts as hit
const CLOSE = 16.5; // zoom from which both sides of a street can be told apart

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The library is large: it comes after the first words.
export async function openMap(...given) {
  await Promise.all([
    arrival(make("script", { src: "static/maplibre-gl.js" })),
    arrival(make("link", { rel: "stylesheet", href: "static/maplibre-gl.css" })),
  ]);
  return new HeatMap(...given);
}

function arrival(element) {
  return new Promise((resolve, reject) => {
    element.addEventListener("load", resolve);
    element.addEventListener("error", reject);
    document.head.append(element);
  });
}

class HeatMap {
  // told: {choose(lon, lat), pick(id), words} for taps on ground and pins, and the texts of the controls.
  constructor(manifest, basemap, told) {
    const { maplibregl } = globalThis;
    const [west, south, east, north] = manifest.grid.bounds_lonlat;
    this.run = manifest.run_id;
    this.told = told;
    const margin = Math.max(east - west, north - south);
    if (api.picture) {
      maplibregl.addProtocol("archive", async ({ url }, abort) => {
        const data = await api.picture(url, abort.signal);
        if (!data) throw new Error("no picture there");
        return { data };
      });
    }
    this.map = new maplibregl.Map({
      container: "map",
      style: { version: 8, sources: {}, layers: [] },
      ...(told.start ? { center: told.start, zoom: 16 }
        : { bounds: [[west, south], [east, north]], fitBoundsOptions: { padding: told.padding } }),
      maxBounds: [[west - margin, south - margin], [east + margin, north + margin]],
      maxZoom: 19.5,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      attributionControl: false,
      fadeDuration: 0,
      locale: told.locale,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.addControl(new maplibregl.NavigationControl({ showCompass: false }), "top-right");
    this.map.addControl(new maplibregl.ScaleControl({ maxWidth: 80 }), "bottom-left");
    this.map.on("click", (event) => this.tap(event));
    this.map.getCanvas().addEventListener("keydown", (event) => {
      if (event.key === "Enter") told.choose(...this.centre());
    });
    this.map.on("dataloading", () => find("map").setAttribute("aria-busy", "true"));
    this.map.on("idle", () => find("map").setAttribute("aria-busy", "false"));
    this.map.on("zoom", () => this.closeness());
    this.pin = make("div", { class: "pin-place", "aria-hidden": "true" });
    this.marker = new maplibregl.Marker({ element: this.pin });
    this.self = new maplibregl.Marker({ element: make("div", { class: "pin-self", "aria-hidden": "true" }) });
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
    // Under the pin, and in its place in a picture of the map.
    map.addSource("place", { type: "geojson", data: point(...this.centre()) });
    map.addLayer({
      id: "place", type: "circle", source: "place",
      paint: { "circle-radius": 9, "circle-color": "#fff", "circle-stroke-color": "#101418", "circle-stroke-width": 5 },
    });
    // Colours are those of the legend, unless a base map must show through.
    this.heat = new Heat(map, this.run, basemap ? 0.7 : 1, basemap ? "shelters" : "buildings");
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

  tap({ point: { x, y }, lngLat }) {
    const reach = [[x - FINGER, y - FINGER], [x + FINGER, y + FINGER * 2]];
    const [hit] = this.map.getLayer("shelters") ? this.map.queryRenderedFeatures(reach, { layers: ["shelters"] }) : [];
    if (hit) this.told.pick(hit.properties.id);
    else this.told.choose(lngLat.lng, lngLat.lat);
  }

  async showHeat(layer, key, following) {
    await this.ready;
    await this.heat.show(layer, key, following);
  }

  async showShelters(collection) {
    await this.ready;
    const features = collection.features.filter((feature) => feature.geometry).map(({ geometry, properties }) => ({
      type: "Feature", geometry, properties: { id: properties.id, state: properties.status.state },
    }));
    this.map.getSource("shelters").setData({ type: "FeatureCollection", features });
  }

  // The place with the number of its class, and from near both sides of its street.
  showPlace({ lon, lat }, mark, sides) {
    this.pin.replaceChildren(mark ?? make("span", { class: "dot" }),
      sides ? make("span", { class: "both" }, make("span", { class: "sunny" }, sides.sun), make("span", { class: "shady" }, sides.shade)) : "");
    this.marker.setLngLat([lon, lat]).addTo(this.map);
    this.ready.then(() => this.map.getSource("place").setData(point(lon, lat)));
    this.closeness();
  }

  closeness() {
    this.pin.classList.toggle("close", this.map.getZoom() >= CLOSE);
  }

  showSelf({ lon, lat }) {
    this.self.setLngLat([lon, lat]).addTo(this.map);
  }

  goTo(lonlat) {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const view = { center: lonlat, zoom: Math.max(this.map.getZoom(), 17) };
    if (still) this.map.jumpTo(view);
    else this.map.easeTo(view);
  }

  centre() {
    const { lng, lat } = this.map.getCenter();
    return [lng, lat];
  }

  describe(text) {
    this.map.getCanvas().setAttribute("aria-label", text);
  }

  // What is drawn now as a picture: printers get no canvas.
  picture() {
    this.map.redraw();
    return this.map.getCanvas().toDataURL("image/png");
  }
}

const point = (lon, lat) => ({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [lon, lat] } });

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
