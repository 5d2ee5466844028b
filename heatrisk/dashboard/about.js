// Where every number comes from: state of the run, assumptions, sources, terms, links to the evidence.

import { find, make } from "./dom.js";
import { spoken, timeName, words } from "./words.js";

export function showAbout(manifest, point) {
  const verdict = manifest.verdict ?? {};
  const section = (key, ...content) => [make("h3", {}, words(key)), ...content];
  const list = (items) => make("ul", {}, items.map((item) => make("li", {}, item)));
  const assumed = point?.assumptions ?? manifest.assumptions ?? [];
  const credits = point?.attribution ?? [];
  const terms = Object.entries(point?.definitions ?? {}).map(([name, row]) =>
    `${name}: ${spoken(row)}${row.units === "degC" ? " [℃]" : ""}`);
  find("about").replaceChildren(
    ...section("about_reference",
      point ? make("p", {}, spoken(point.reference)) : "", make("p", {}, words("about_official"))),
    ...section("about_verdict", make("p", {}, spoken(verdict)), list((verdict.notes ?? []).map(spoken))),
    ...(assumed.length ? section("about_assumed", list(assumed.map(spoken))) : []),
    ...(credits.length ? section("about_credits", list(credits.map(spoken))) : []),
    ...section("about_run", make("p", {}, make("code", {}, manifest.run_id)),
      make("p", {}, `${words("about_created")}: ${timeName(manifest.created)}`),
      make("p", {}, make("a", { href: `runs/${manifest.run_id}` }, words("about_manifest")), " · ",
        make("a", { href: "docs" }, words("about_api")))),
    ...(terms.length ? section("about_definitions", list(terms)) : []),
    make("p", { class: "fine" }, words("about_privacy")));
}
