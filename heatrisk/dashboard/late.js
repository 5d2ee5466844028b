// What the first words can do without, in one: lists, tables, legend, search and the map.

export { showAbout } from "./about.js";
export { showHours } from "./hours.js";
export { showLayers, showLegend } from "./legend.js";
export { openMap } from "./map.js";
export { keepForLater } from "./offline.js";
export { coarse, prepareSearch, whereAmI } from "./search.js";
export { card, rows, showShelters } from "./shelters.js";
