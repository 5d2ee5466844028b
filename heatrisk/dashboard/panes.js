// The parts of the page that share one room: on a phone also the map, else tables and texts beside it.

import { find, make } from "./dom.js";
import { words } from "./words.js";

export const PANES = ["map-pane", "hours", "shelters", "about"];
export const phone = matchMedia("(max-width: 799px)");

const SIGNS = { "map-pane": "◉", hours: "≡", shelters: "⌂", about: "i" };

let current = phone.matches ? "map-pane" : "hours";
let opened = () => null;

// shown(pane) fills a pane when it comes to view.
export function preparePanes(shown) {
  opened = shown;
  phone.addEventListener("change", () => setPane(current));
  setPane(current);
}

export function currentPane() {
  return phone.matches || current !== "map-pane" ? current : "hours";
}

export function setPane(pane) {
  current = pane;
  const selected = currentPane();
  const offered = PANES.filter((name) => phone.matches || name !== "map-pane");
  const turn = (by) => {
    const next = offered[(offered.indexOf(currentPane()) + by + offered.length) % offered.length];
    setPane(next);
    find(`tab-${next}`).focus();
  };
  document.querySelector(".tabs").replaceChildren(...offered.map((name) => make("button", {
    type: "button", role: "tab", id: `tab-${name}`, "aria-controls": name, "aria-selected": String(name === selected),
    tabindex: name === selected ? 0 : -1,
    onclick: () => {
      setPane(name);
      find(`tab-${name}`).focus({ preventScroll: true });
      if (phone.matches) find(name).scrollIntoView({ block: "start" });
    },
    onkeydown: ({ key }) => ({ ArrowRight: () => turn(1), ArrowLeft: () => turn(-1) })[key]?.(),
  }, make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[name]), words(name.replace("-pane", "")))));
  for (const name of PANES) {
    find(name).hidden = name !== selected && (phone.matches || name !== "map-pane");
    if (offered.includes(name)) find(name).setAttribute("aria-labelledby", `tab-${name}`);
  }
  document.body.dataset.pane = selected;
  opened(selected);
}
