// What the first words need is asked for before the rest of the page has arrived.

import { ANEW, answer } from "./asking.js";
import { read, remembered } from "./link.js";
import { loadWords } from "./words.js";

const asked = read();
export const wanted = { ...asked, first: asked.place ?? remembered() };
export const speaking = loadWords(wanted.language);

// A folder of files has nobody to ask; there the page puts the answer together itself.
const served = !document.querySelector('meta[name="heatrisk-site"]');
export const opening = served ? answer("opening", wanted.first ? { place: wanted.first.join(",") } : {}, ANEW) : null;

// It is waited for later; until then nobody is told of a failure.
opening?.catch(() => null);
