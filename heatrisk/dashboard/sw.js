// The last page and the last answers, for when there is no network. Copies carry the instant at which they were
// made (Heatrisk-Kept), so that the page can state the age of what it shows.
// The server writes VERSION and FILES before this line: a digest of the page's files, and their addresses.

const PAGE = `page-${VERSION}`;
const ANSWERS = "answers";
const PICTURES = "pictures";
const PAGES = ["./", "index.html"].map((name) => new URL(name, location.href).pathname); // other addresses are other pages
const MOST_ANSWERS = 200;
const MOST_PICTURES = 800;
const FIXED = /\/(tiles\/\d{8}T\d{4}Z-|data\/)(?!.*\/alerts\.json$)[^?]*\.(png|json|geojson)$/; // a run never changes
const LEFT_ALONE = /\.(pmtiles|zarr|tif|nc)$|\/(metrics|openapi\.json|docs|staff|shelters\/.+\/status)/;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(PAGE).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(caches.keys()
    .then((names) => Promise.all(names.filter((name) => name.startsWith("page-") && name !== PAGE).map((name) => caches.delete(name))))
    .then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => {
  event.waitUntil(Promise.all((event.data.keep ?? []).map(async (address) => {
    const answer = answering(new Request(address, { cache: "force-cache" }));
    await answer?.().catch(() => null);
  })));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.mode === "navigate") {
    if (PAGES.includes(new URL(request.url).pathname)) event.respondWith(fetch(request).catch(() => page()));
  } else {
    const answer = answering(request);
    if (answer) event.respondWith(answer());
  }
});

// How a request is answered; null for what is none of this worker's business.
function answering(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin || request.headers.has("range")) return null;
  if (LEFT_ALONE.test(url.pathname)) return null;
  if (FILES.some((file) => new URL(file, location.href).href === url.href)) return () => asset(request);
  return () => (FIXED.test(url.pathname) ? fixed(request) : newest(request));
}

const page = async () => (await caches.open(PAGE)).match("./");

const asset = async (request) => (await (await caches.open(PAGE)).match(request.url)) ?? fetch(request);

// Copies that never grow old: first what is kept.
async function fixed(request) {
  const cache = await caches.open(PICTURES);
  const known = await cache.match(request.url);
  if (known) return known;
  const response = await fetch(request);
  if (response.status === 200) keep(cache, request.url, response.clone(), MOST_PICTURES);
  return response;
}

// Everything else is asked anew; without an answer the last one serves, and says when it was given.
async function newest(request) {
  const cache = await caches.open(ANSWERS);
  try {
    const response = await fetch(request);
    if (response.status === 200) keep(cache, request.url, await dated(response.clone()), MOST_ANSWERS);
    return response;
  } catch (error) {
    const known = await cache.match(request.url) ?? await anotherOpening(cache, request);
    if (known) return known;
    throw error;
  }
}

// The opening of another place still holds the run, its times and the alerts: the newest one serves.
async function anotherOpening(cache, { url }) {
  if (!new URL(url).pathname.endsWith("/opening")) return null;
  return (await cache.matchAll(url, { ignoreSearch: true })).at(-1);
}

async function dated(response) {
  const headers = new Headers(response.headers);
  headers.set("Heatrisk-Kept", String(Date.now()));
  // What is kept is kept unzipped.
  headers.delete("Content-Encoding");
  return new Response(await response.blob(), { status: 200, headers });
}

async function keep(cache, address, response, most) {
  await cache.delete(address);
  await cache.put(address, response);
  const known = await cache.keys();
  await Promise.all(known.slice(0, Math.max(0, known.length - most)).map((old) => cache.delete(old)));
}
