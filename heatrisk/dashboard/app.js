// The page: one run, one place, one step, one layer; every change is shown everywhere.

import * as api from "./api.js";
import { showAbout } from "./about.js";
import { find, make } from "./dom.js";
import { showHours } from "./hours.js";
import { showLayers, showLegend } from "./legend.js";
import { HeatMap } from "./map.js";
import { showMessage, showPlace } from "./place.js";
import { showShelters } from "./shelters.js";
import { showTimeline } from "./timeline.js";
import { currentLanguage, loadWords, setLanguage, shortTime, spoken, words } from "./words.js";

const LAYER_ORDER = ["risk", "risk_sport", "wbgt_moe", "sunlit"];
const PANES = ["hours", "shelters", "about"];
const REFRESH_EVERY = 5 * 60e3; // milliseconds
const phone = matchMedia("(max-width: 799px)");

const state = { index: 0, layer: "risk", chosen: false, pane: "hours", lost: false };
let heat, manifest, times, ready, layers, legends, basemap, shelters, point, place, message;

async function start() {
  await loadWords();
  find("language").addEventListener("click", () => {
    setLanguage(currentLanguage() === "ja" ? "en" : "ja");
    render();
  });
  try {
    await load();
  } catch (problem) {
    message = problem.slug === "run-not-found" ? "empty" : "failed";
    find("language").textContent = words("language");
    showMessage(message);
    return;
  }
  heat = new HeatMap(manifest, basemap, (lon, lat) => choosePlace(lon, lat, true));
  find("centre").addEventListener("click", () => choosePlace(...heat.centre(), true));
  setPane(phone.matches ? null : "hours");
  await firstPlace();
  if (times.stale) state.index = severest();
  await Promise.all([chooseStep(state.index), heat.ready]);
  setInterval(refresh, REFRESH_EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
}

// A page that stays open must not grow old unnoticed: it takes up a new run, and states the age of the one it has.
async function refresh() {
  try {
    times = await api.times("latest");
    if (times.run !== manifest.run_id) {
      location.reload();
      return;
    }
    state.lost = false;
    ready = await readiness();
    if (point) point = await api.point(manifest.run_id, point.place.lon, point.place.lat);
  } catch {
    state.lost = true;
  }
  render();
}

async function load() {
  manifest = await api.manifest();
  const run = manifest.run_id;
  const listed = await Promise.all([api.times(run), api.layers(run), api.basemap(), readiness()]);
  [times, { layers }, basemap, ready] = listed;
  layers.sort((one, other) => LAYER_ORDER.indexOf(one.id) - LAYER_ORDER.indexOf(other.id));
  const found = await Promise.all(layers.map((layer) => api.legend(run, layer.id)));
  legends = Object.fromEntries(found.map((legend) => [legend.name, legend]));
  state.index = times.now;
  state.layer = layers.some((layer) => layer.id === "risk") ? "risk" : layers[0].id;
}

// How the last attempt went is for the operator first: a server may keep it to itself.
const readiness = () => api.readiness().catch(() => null);

// The middle of the area may be a roof; then the nearest street that a small spiral meets.
async function firstPlace() {
  const [west, south, east, north] = manifest.grid.bounds_lonlat;
  const [lon, lat] = manifest.grid.centre_lonlat;
  for (let turn = 0; turn < 24; turn += 1) {
    const reach = turn / 24 / 4;
    const angle = turn * 2.4;
    const x = lon + (east - west) * reach * Math.cos(angle);
    const y = lat + (north - south) * reach * Math.sin(angle);
    if (await choosePlace(x, y, false) && point.series.some((step) => step.risk)) return;
  }
}

async function choosePlace(lon, lat, chosen) {
  try {
    point = await api.point(manifest.run_id, lon, lat);
    message = null;
  } catch (problem) {
    if (!chosen) return false;
    message = problem.slug === "outside" ? "outside" : "failed";
  }
  place = [lon, lat];
  state.chosen = chosen;
  heat.showPlace(lon, lat);
  if (chosen) render();
  return true;
}

// With the forecast over there is no present to show; the first step of its highest class says most.
function severest() {
  const classes = point?.series.map((step) => step.risk?.index ?? -1) ?? [];
  return classes.length ? classes.indexOf(Math.max(...classes)) : 0;
}

async function chooseStep(index) {
  state.index = index;
  render();
  const { key, time } = times.times[index];
  heat.showHeat(state.layer, key);
  const found = await api.shelters(manifest.run_id, time).catch(() => null);
  // Only the answer for the step that is still shown counts.
  if (found && state.index === index) {
    shelters = found;
    heat.showShelters(shelters);
    listShelters();
  }
}

function chooseLayer(layer) {
  state.layer = layer;
  heat.showHeat(layer, times.times[state.index].key);
  render();
}

function setPane(pane) {
  state.pane = pane;
  const tabs = PANES.map((name) => make("button", {
    type: "button", role: "tab", id: `tab-${name}`, "aria-controls": name, "aria-selected": String(name === pane),
    onclick: () => {
      setPane(phone.matches && state.pane === name ? null : name);
      find(`tab-${name}`).focus();
    },
    onkeydown: (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!by) return;
      const next = PANES[(PANES.indexOf(name) + by + PANES.length) % PANES.length];
      setPane(next);
      find(`tab-${next}`).focus();
    },
  }, words(name)));
  document.querySelector(".tabs").replaceChildren(...tabs);
  find("sheet").classList.toggle("open", pane !== null);
  for (const name of PANES) {
    find(name).hidden = name !== pane;
    find(name).setAttribute("aria-labelledby", `tab-${name}`);
  }
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && phone.matches && state.pane) setPane(null);
});

function listShelters() {
  showShelters(shelters, place, times.times[state.index].jst, (lonlat) => {
    if (phone.matches) setPane(null);
    heat.goTo(lonlat);
  });
}

function notices() {
  const verdict = manifest.verdict ?? {};
  const end = times.times.at(-1).jst;
  return [
    manifest.city.sample && ["sample", words("sample")],
    state.lost && ["stale", words("lost")],
    times.stale && ["stale", words("stale", { time: shortTime(end) })],
    ready?.last_attempt?.level === "red" && ["attempt", words("failed_attempt")],
    ["amber", "red"].includes(verdict.level) && ["verdict", spoken(verdict)],
  ].filter(Boolean);
}

// Showing anew replaces elements; the one that had the focus gets it back.
function render() {
  const focused = document.activeElement?.id;
  showAll();
  if (focused && document.activeElement?.id !== focused) find(focused)?.focus({ preventScroll: true });
}

function showAll() {
  find("city").textContent = spoken(manifest.city.name);
  document.title = `${spoken(manifest.city.name)} ${words("title")}`;
  find("language").textContent = words("language");
  find("language").lang = currentLanguage() === "ja" ? "en" : "ja";
  find("centre").setAttribute("aria-label", words("centre"));
  find("centre").title = words("centre");
  find("notices").replaceChildren(...notices().map(([kind, text]) => make("p", { class: kind }, text)));
  showTimeline(times.times, message ? null : point, state.index, chooseStep);
  showLayers(layers, state.layer, chooseLayer);
  showLegend(legends[state.layer], !basemap);
  setPane(state.pane);
  showAbout(manifest, point);
  if (message || !point) showMessage(message ?? "failed");
  else {
    showPlace(point, state.index, state.chosen);
    showHours(point, state.index, chooseStep);
  }
  if (shelters) listShelters();
  heat.describe(words("map_help", { city: spoken(manifest.city.name) }));
  find("credits").replaceChildren(...credits());
}

// Credits of the base map and the data stay visible on the map, as their owners ask.
function credits() {
  const own = (point?.attribution ?? []).map((credit) => make("span", {}, spoken(credit)));
  return basemap ? [make("a", { href: basemap.attribution_url, rel: "noopener" }, basemap.attribution), ...own] : own;
}

if (!phone.matches) find("legend").open = true;
start();
