// Whom the page asks: the service it came from, or the folder that an export left on a plain web server.

const entry = document.querySelector('meta[name="heatrisk-site"]')?.content;

export const api = entry ? new (await import("./site.js")).Site(entry) : await import("./server.js");
