// What the first words need is asked for before the rest of the page has arrived.

import { firstPlace } from "./answers.js";
import { api } from "./api.js";
import { read } from "./link.js";
import { loadWords } from "./words.js";

export const asked = read();
export const speaking = loadWords(asked.language);
export const opening = api.current();
export const telling = opening.then(() => api.alerts()).catch(() => null);
export const placing = opening.then((opened) => firstPlace(opened, asked));

// Each is waited for later; until then nobody is told of a failure.
for (const promise of [opening, placing]) promise.catch(() => null);
