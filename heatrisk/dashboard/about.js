// Where every number comes from: state of the run, assumptions, sources, terms, links to the evidence.

import { find, make } from "./dom.js";
import { currentLanguage, spoken, timeName, told, words } from "./words.js";

// Folders of an export have no service behind them.
const served = !document.querySelector('meta[name="heatrisk-site"]');

export function showAbout(manifest, point) {
  const verdict = manifest.verdict ?? {};
  const section = (key, ...content) => [make("h3", {}, words(key)), ...content];
  const list = (items) => make("ul", {}, items.map((item) => make("li", {}, item)));
  const own = currentLanguage() in (verdict ?? {});
  const note = (row) => told(`note_${row.code}`, row);
  const assumed = point?.assumptions ?? manifest.assumptions ?? [];
  const credits = point?.attribution ?? [];
  const terms = Object.entries(point?.definitions ?? {}).map(([name, row]) =>
    `${told(`term_${name}`, row)}${row.units === "degC" ? " [℃]" : ""}`);
  find("about").replaceChildren(
    make("div", { class: "deeds" },
      make("button", { type: "button", class: "deed", id: "copy", onclick: copy }, words("copy")),
      make("button", { type: "button", class: "deed", id: "print", onclick: () => print() }, words("print"))),
    ...section("about_reference",
      point ? make("p", {}, told(point.anchored ? "reference_anchored" : "reference_unanchored", point.reference)) : "",
      make("p", {}, words("about_official"))),
    ...section("about_verdict",
      make("p", {}, own ? spoken(verdict) : words(`verdict_${verdict.level ?? "green"}`)), list((verdict.notes ?? []).map(note))),
    ...(assumed.length ? section("about_assumed", list(assumed.map(note))) : []),
    ...(credits.length ? section("about_credits", list(credits.map(spoken))) : []),
    ...section("about_run", make("p", {}, make("code", {}, manifest.run_id)),
      make("p", {}, `${words("about_created")}: ${timeName(manifest.created)}`),
      served ? make("p", {}, make("a", { href: `runs/${manifest.run_id}` }, words("about_manifest")), " · ",
        make("a", { href: "docs" }, words("about_api"))) : ""),
    ...(terms.length ? section("about_definitions", list(terms)) : []),
    make("p", { class: "fine" }, words(served ? "about_privacy" : "about_privacy_static")),
    make("p", { class: "fine" }, words("about_here")));
}

async function copy({ target }) {
  await navigator.clipboard?.writeText(location.href).catch(() => null);
  target.textContent = words("copied");
}
