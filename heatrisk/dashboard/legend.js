// The legend of the shown layer: colour, number, words and a pattern that needs no colour.

import { find, make, swatch } from "./dom.js";
import { MARKS } from "./shelters.js";
import { spoken, words } from "./words.js";

const BUILDING = 1;

export function showLegend(legend, outlined) {
  // Where the map draws the buildings itself, they have the colour of the style sheet.
  const colour = (entry) => (outlined && entry.code === BUILDING ? "var(--building)" : entry.colour);
  const row = (entry, text) => make("li", {}, swatch(colour(entry), entry.mark, entry.pattern), make("span", {}, text));
  const values = legend.entries.toReversed().map((entry) =>
    row(entry, [make("b", {}, spoken(entry.words)), " ", spoken(entry.range_text)]));
  const absent = legend.no_data.filter((entry) => entry.alpha > 0).map((entry) => row(entry, spoken(entry.words)));
  find("legend").replaceChildren(
    make("summary", {}, words("legend"), make("span", { class: "unseen" }, spoken(legend.words))),
    make("p", {}, spoken(legend.words)),
    make("ul", {}, values, absent),
    make("p", { class: "fine" }, spoken(legend.description)),
    make("p", { class: "fine" }, `${words("shelters")}: ${pins()}`));
}

const pins = () => Object.entries(MARKS).map(([state, mark]) => `${mark} ${words(`state_${state}`)}`).join(" · ");

export function showLayers(layers, current, choose) {
  const buttons = layers.map((layer) => make("label", {},
    make("input", {
      id: `layer-${layer.id}`, type: "radio", name: "layer", value: layer.id, checked: layer.id === current, onchange: () => choose(layer.id),
    }),
    make("span", {}, words(`layer_${layer.id}`))));
  const title = make("legend", { class: "unseen" }, words("layer"));
  find("layers").replaceChildren(title, ...buttons);
}
