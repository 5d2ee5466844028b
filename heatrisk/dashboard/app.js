// The page: one run, one place, one step, one layer; every change is shown everywhere.

import { inForce, showAlerts } from "./alerts.js";
import { answered, firstPlace } from "./answers.js";
import { api } from "./api.js";
import { find, make, swatch } from "./dom.js";
import { opening, speaking, wanted } from "./first.js";
import * as link from "./link.js";
import { currentPane, phone, preparePanes, setPane } from "./panes.js";
import { absence, showPlace } from "./place.js";
import { degrees } from "./scale.js";
import { sides } from "./sentence.js";
import { showTimeline } from "./timeline.js";
import { currentLanguage, extend, languages, setLanguage, shortTime, spoken, words } from "./words.js";

const LAYER_ORDER = ["risk", "wbgt_moe", "sunlit_minutes", "wbgt_moe_shade", "p_danger", "risk_sport", "sunlit", "tmrt", "utci", "wbgt_iso"];
const REFRESH_EVERY = 5 * 60e3; // milliseconds
const JST = 9 * 3600e3;

const state = { index: 0, layer: "risk", followsClock: true, lost: false, turn: 0, card: null };
let late, heat, manifest, times, ahead, ready, layers, legends, basemap, shelters, alerts, place, names;

async function start() {
  await speaking;
  find("place").hidden = false;
  let opened;
  try {
    opened = await api.current(opening);
    takeUp(opened);
    const more = manifest.city.config?.dashboard?.words;
    if (more && Object.keys(more).length) await extend(more);
  } catch (problem) {
    find("lead").textContent = words(problem.slug === "run-not-found" ? "empty" : "failed");
    find("lead").className = "lead message";
    return;
  }
  place = await firstPlace(opened, wanted);
  if (over() && state.followsClock) state.index = severest();
  preparePanes(showPane);
  render();
  await theRest();
  setInterval(refresh, REFRESH_EVERY);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  addEventListener("beforeprint", beforePrint);
  matchMedia("print").addEventListener("change", ({ matches }) => matches && beforePrint());
  late.keepForLater();
}

function takeUp(opened) {
  ({ manifest, times, alerts, ahead } = opened);
  state.lost = opened.kept;
  const found = times.times.findIndex(({ key }) => key === wanted.time);
  state.followsClock = found < 0;
  state.index = found < 0 ? nearestStep() : found;
}

const clock = () => Date.now() + ahead;
const today = () => new Date(clock() + JST).toISOString().slice(0, 10);
const age = () => Math.max(0, (clock() - Date.parse(times.created ?? manifest.created)) / 60e3);
const over = () => clock() >= Date.parse(times.times.at(-1).time) + (times.step_minutes / 2) * 60e3;
const now = () => (over() ? null : nearestStep());
const following = () => state.followsClock && !over();

function nearestStep() {
  const far = times.times.map(({ time }) => Math.abs(Date.parse(time) - clock()));
  return far.indexOf(Math.min(...far));
}

async function theRest() {
  const run = manifest.run_id;
  [late, layers, basemap, ready, names] = await Promise.all([
    import("./late.js"), api.layers(run), api.basemap(), api.readiness(), languages()]);
  const rank = ({ id }) => (LAYER_ORDER.includes(id) ? LAYER_ORDER.indexOf(id) : LAYER_ORDER.length);
  // Minutes of sun say the same as its share, and more plainly.
  if (layers.some(({ id }) => id === "sunlit_minutes")) layers = layers.filter(({ id }) => id !== "sunlit");
  layers.sort((one, other) => rank(one) - rank(other));
  state.layer = (layers.find(({ id }) => id === wanted.layer) ?? layers[0]).id;
  legends = {};
  await showLegendOf(state.layer);
  shelters = await sheltersAsked().catch(() => null);
  named(wanted.shelter);
  if (!phone.matches) find("legend").open = true;
  controls();
  render();
  try {
    heat = await late.openMap(manifest, basemap, {
      choose: (lon, lat) => choose({ kind: "tapped", lon, lat }), pick: pickShelter, locale: mapWords(), padding: room(),
      start: place.kind === "first" || place.problem ? null : [place.lon, place.lat],
    });
  } catch {
    find("map").replaceChildren(make("p", { class: "message" }, words("map_failed")));
  }
  render();
  await Promise.all([chooseStep(state.index, state.followsClock), heat?.ready]);
}

// Where the legend lies open beside the map, the city is drawn beside it too.
const room = () => ({ top: 8, right: 8, bottom: 8, left: find("map").clientWidth > 700 ? find("legend").clientWidth + 16 : 8 });

const mapWords = () => ({
  "NavigationControl.ZoomIn": words("zoom_in"), "NavigationControl.ZoomOut": words("zoom_out"), "Map.Title": words("map"),
  "ScaleControl.Meters": "m", "ScaleControl.Kilometers": "km",
});

function controls() {
  find("language").onchange = async ({ target }) => {
    await setLanguage(target.value);
    render();
  };
  find("centre").onclick = () => heat && choose({ kind: "tapped", lon: heat.centre()[0], lat: heat.centre()[1] });
  find("here").onclick = () => {
    find("here").setAttribute("aria-busy", "true");
    const done = (note) => {
      find("here").removeAttribute("aria-busy");
      find("here-note").textContent = note;
    };
    late.whereAmI(({ lon, lat }) => {
      done("");
      heat?.showSelf({ lon, lat });
      heat?.goTo([lon, lat]);
      choose({ kind: "here", lon: late.coarse(lon), lat: late.coarse(lat) });
    }, () => done(words("here_failed")));
  };
  late.prepareSearch(() => shelters?.features ?? [], (found) => (found.id ? pickShelter(found.id) : seek(found)));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && closeCard());
}

function seek(found) {
  heat?.goTo([found.lon, found.lat]);
  choose(found);
}

// A page that stays open must not grow old unnoticed: it takes up a new run, and states the age of the one it has.
async function refresh() {
  try {
    const found = await api.present();
    if (found.times.run !== manifest.run_id || found.moved) {
      location.reload();
      return;
    }
    ahead = found.ahead;
    state.lost = found.kept;
    [ready, alerts] = await Promise.all([api.readiness(), api.alerts()]);
  } catch {
    state.lost = true;
  }
  if (following() && state.index !== nearestStep()) await chooseStep(nearestStep(), true);
  else if (following()) await takeShelters();
  render();
}

async function choose(found) {
  state.turn += 1;
  const { turn } = state;
  // To a metre, as the address and this device keep it: without a network the same question finds its answer.
  const [lon, lat] = [found.lon, found.lat].map((degrees) => Number(degrees.toFixed(5)));
  const chosen = await answered(manifest.run_id, { ...found, lon, lat }, times.times[state.index].time);
  if (turn !== state.turn) return;
  place = chosen;
  link.remember(place);
  if (state.card && state.card !== place.id) closeCard();
  render();
}

// A shelter of the list gets its name as soon as the list is there.
function named(id) {
  const feature = shelters?.features.find(({ properties, geometry }) => properties.id === id && geometry);
  if (feature) Object.assign(place, { kind: "named", id, name: feature.properties.name });
}

function pickShelter(id) {
  const { geometry, properties } = shelters.features.find((feature) => feature.properties.id === id);
  const [lon, lat] = geometry.coordinates;
  if (phone.matches) setPane("map-pane");
  state.card = id;
  heat?.goTo([lon, lat]);
  choose({ kind: "named", id, name: properties.name, lon, lat });
  showCard();
  find("card").focus({ preventScroll: true });
  find("map-pane").scrollIntoView({ block: "end" });
}

function showCard() {
  const found = state.card && shelters ? late.rows(shelters, null).find(({ id }) => id === state.card) : null;
  find("card").hidden = !found;
  if (!found) return;
  find("card").replaceChildren(
    make("button", { type: "button", class: "tool close", "aria-label": words("close"), onclick: closeCard }, "×"),
    late.card(found, null));
}

function closeCard() {
  state.card = null;
  showCard();
}

// With the forecast over there is no present to show; the first step of its highest class says most.
function severest() {
  const classes = place.point?.series.map((step) => step.risk?.index ?? -1) ?? [];
  return classes.length ? classes.indexOf(Math.max(...classes)) : 0;
}

async function chooseStep(index, followsClock = false) {
  Object.assign(state, { index, followsClock });
  render();
  showHeat();
  await takeShelters();
}

// Who looks at the present wants to know what is open now, not in the middle of its three hours.
const sheltersAsked = () => api.shelters(manifest.run_id, times.times[state.index], following() ? clock() : null);

async function takeShelters() {
  const { index, followsClock } = state;
  const found = await sheltersAsked().catch(() => null);
  // Only the answer for what is still shown counts.
  if (!found || state.index !== index || state.followsClock !== followsClock) return;
  shelters = found;
  heat?.showShelters(shelters);
  keepingFocus(() => {
    showCard();
    showPane(currentPane());
  });
}

function showHeat() {
  const { key } = times.times[state.index];
  heat?.showHeat(state.layer, key, times.times[state.index + 1]?.key);
}

async function chooseLayer(layer) {
  state.layer = layer;
  showHeat();
  await showLegendOf(layer);
  render();
}

async function showLegendOf(layer) {
  legends[layer] ??= await api.legend(manifest.run_id, layer);
}

function notices() {
  // How the service stands says more than how the run went: the next one may have failed, or never begun.
  const standing = ready?.standing ?? manifest.verdict ?? {};
  return [
    manifest.city.sample && ["sample", words("sample")],
    state.lost && ["stale", words("lost")],
    over() && ["stale", words("stale", { time: shortTime(times.times.at(-1).jst) })],
    (standing.level ?? "green") !== "green" && ["verdict", currentLanguage() in standing ? spoken(standing)
      : words(`verdict_${standing.level}`)],
  ].filter(Boolean);
}

// Showing anew replaces elements; the one that had the focus gets it back.
const render = () => keepingFocus(showAll);

function keepingFocus(show) {
  const focused = document.activeElement?.id;
  show();
  if (focused && document.activeElement?.id !== focused) find(focused)?.focus({ preventScroll: true });
}

function showAll() {
  const city = spoken(manifest.city.name);
  find("city").textContent = city;
  document.title = `${city} ${words("title")}`;
  showLanguages();
  find("notices").replaceChildren(...notices().map(([kind, text]) => make("p", { class: kind }, text)));
  showAlerts(alerts, today());
  showPlace(place, state.index, now(), age(), times.step_minutes);
  showTimeline(times, place.problem ? null : place.point, state.index, now(), chooseStep);
  if (layers) late.showLayers(layers, state.layer, chooseLayer);
  if (legends) late.showLegend(legends[state.layer], !basemap);
  setPane(currentPane());
  if (heat) showOnMap(city);
  showCard();
  find("credits").replaceChildren(...credits());
  const { time } = times.times[state.index];
  link.write({
    place, layer: state.layer, language: currentLanguage(),
    time: state.followsClock ? null : times.times.find((step) => step.time === time).key,
  });
}

function showPane(pane) {
  if (!late) return;
  if (pane === "hours") late.showHours(place, state.index, times.step_minutes, (index) => chooseStep(index));
  if (pane === "about") late.showAbout(manifest, place.point);
  if (pane === "shelters" && shelters) {
    late.showShelters(shelters, place, (shelter) => pickShelter(shelter.id), inForce(alerts, today()));
  }
}

function showOnMap(city) {
  const step = place.point?.series[state.index];
  const both = place.point && !absence(place.point, step) && sides(place, state.index);
  const level = step?.risk && place.point.scale.levels[step.risk.index];
  heat.showPlace(place, level ? swatch(level.colour, level.index + 1) : null,
    both && !both.none ? { sun: degrees(both.sun), shade: degrees(both.shade) } : null);
  heat.describe(words("map_help", { city }));
}

function showLanguages() {
  const offered = names ?? { [currentLanguage()]: words("language_name") };
  find("language").replaceChildren(...Object.entries(offered).map(([code, name]) =>
    make("option", { value: code, lang: code.split("-")[0], selected: code === currentLanguage() }, name)));
}

// Credits of the base map and the data stay visible on the map, as their owners ask.
function credits() {
  const own = (place.point?.attribution ?? []).map((credit) => make("span", {}, spoken(credit)));
  return basemap ? [make("a", { href: basemap.attribution_url, rel: "noopener" }, basemap.attribution), ...own] : own;
}

function beforePrint() {
  for (const pane of ["hours", "shelters", "about"]) showPane(pane);
  find("printed-from").textContent = location.href;
  if (heat) find("map-print").src = heat.picture();
}

start();
