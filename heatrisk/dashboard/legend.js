// The legend of the shown layer: colour, number, words and a pattern that needs no colour; and the choice of layer.

import { find, make, swatch } from "./dom.js";
import { percent, range } from "./scale.js";
import { MARKS } from "./shelters.js";
import { spoken, told, words } from "./words.js";

const BUILDING = 1;

export function showLegend(legend, outlined) {
  if (!legend) return;
  const key = `legend_${legend.name}`;
  // Where the map draws the buildings itself, they have the colour of the style sheet.
  const colour = (entry) => (outlined && entry.code === BUILDING ? "var(--building)" : entry.colour);
  const row = (entry, text) => make("li", {}, swatch(colour(entry), entry.mark, entry.pattern), make("span", {}, text));
  const entries = legend.entries.map((entry, index) => row(entry, [
    make("b", {}, told(`${key}_${index}`, entry.words)), " ", limits(legend, entry)])).toReversed();
  const absent = legend.no_data.filter((entry) => entry.alpha > 0)
    .map((entry) => row(entry, told(`no_data_${entry.code}`, entry.words)));
  const strip = make("span", { class: "key", "aria-hidden": "true" },
    legend.entries.map((entry) => swatch(entry.colour, entry.mark, entry.pattern)));
  find("legend").replaceChildren(
    make("summary", {}, words("legend"), " ", strip, make("span", { class: "unseen" }, layerName(legend.name, legend.words))),
    make("p", { "data-layer": legend.name }, layerName(legend.name, legend.words)),
    make("ul", {}, entries, absent),
    make("p", { class: "fine" }, told(`about_layer_${legend.name}`, legend.description)),
    make("p", { class: "fine" }, `${words("shelters")}: ${pins()}`));
}

// Numbers in the reader's words; a share is shown in per cent.
function limits(legend, entry) {
  const share = entry.range_text.en.includes("%");
  const shown = (value) => {
    if (value == null) return null;
    if (share) return percent(value);
    return legend.units === "min" ? words("minutes", { n: value }) : value;
  };
  return range(shown(entry.lower), shown(entry.upper));
}

const pins = () => Object.entries(MARKS).map(([state, mark]) => `${mark} ${words(`state_${state}`)}`).join(" · ");

const layerName = (id, pair) => told(`layer_${id}`, pair);

const AT_HAND = 5; // layers with a button of their own; the others stand in a list

export function showLayers(layers, current, choose) {
  const buttons = layers.slice(0, AT_HAND).map((layer) => make("label", {},
    make("input", {
      id: `layer-${layer.id}`, type: "radio", name: "layer", value: layer.id, checked: layer.id === current, onchange: () => choose(layer.id),
    }),
    make("span", {}, layerName(layer.id, layer.name))));
  const others = layers.slice(AT_HAND);
  const more = others.length === 0 ? "" : make("select", {
    id: "more-layers", "aria-label": words("more_layers"), class: others.some(({ id }) => id === current) && "chosen",
    onchange: ({ target }) => target.value && choose(target.value),
  }, make("option", { value: "" }, words("more_layers")),
  others.map(({ id, name }) => make("option", { value: id, selected: id === current }, layerName(id, name))));
  const title = make("legend", { class: "unseen" }, words("layer"));
  const scrolled = find("layers").scrollLeft;
  find("layers").replaceChildren(title, ...buttons, more);
  find("layers").scrollLeft = scrolled;
}
