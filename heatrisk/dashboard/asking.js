// One question over the network: its answer, or a named problem; an old copy is known by its date.

export class Problem extends Error {
  constructor(status, slug) {
    super(slug);
    this.status = status;
    this.slug = slug;
  }
}

// Asked anew each time: what a cache may keep for a minute can be the run before.
export const ANEW = { cache: "no-cache" };

// The answer and the instant at which it was given; the service worker dates the copies that it keeps.
export async function answer(path, query = {}, options = {}) {
  const search = new URLSearchParams(query).toString();
  const response = await fetch(search ? `${path}?${search}` : path, options);
  const kept = Number(response.headers.get("Heatrisk-Kept")) || null;
  if (response.ok) return { body: await response.json(), at: kept ?? Date.now(), kept: kept !== null };
  const body = await response.json().catch(() => ({}));
  throw new Problem(response.status, String(body.type ?? "").split("#").pop());
}

export const ask = async (...question) => (await answer(...question)).body;
