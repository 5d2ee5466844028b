// Keeping the page and the last answers on this device, where the browser allows it.

export async function keepForLater() {
  if (!("serviceWorker" in navigator && isSecureContext)) return;
  const worker = navigator.serviceWorker;
  const first = !worker.controller;
  await worker.register("sw.js").catch(() => null);
  // What a first visit fetched came before the worker: it takes it over from the browser's own store.
  if (first) worker.addEventListener("controllerchange", handOver, { once: true });
}

function handOver() {
  const seen = performance.getEntriesByType("resource").map(({ name }) => name);
  navigator.serviceWorker.controller?.postMessage({ keep: seen });
}
