// Map tiles in one file, read by ranges from any web server: PMTiles version 3.
// https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md

const HEADER = 127;
const FIRST_READ = 16384; // the root directory ends within it
const GZIP = 2;

export class Archive {
  constructor(url) {
    this.url = url;
    this.leaves = new Map();
  }

  // Content of a tile, unzipped, as an ArrayBuffer; null where the archive has none there.
  async tile(z, x, y, signal) {
    const { root, facts } = await this.opened();
    const id = tileId(z, x, y);
    let entry = found(root, id);
    while (entry && entry.run === 0) entry = found(await this.leaf(facts, entry), id);
    if (!entry) return null;
    const content = await this.range(facts.data + entry.offset, entry.length, signal);
    return facts.zipped ? unzipped(content) : content;
  }

  opened() {
    this.opening ??= this.open().catch((problem) => {
      this.opening = null;
      throw problem;
    });
    return this.opening;
  }

  async open() {
    const start = await this.range(0, FIRST_READ);
    const view = new DataView(start);
    if (new TextDecoder().decode(start.slice(0, 7)) !== "PMTiles" || view.getUint8(7) !== 3) throw new Error(`no archive: ${this.url}`);
    const number = (place) => Number(view.getBigUint64(place, true));
    const facts = { leaves: number(40), data: number(56), zipped: view.getUint8(98) === GZIP };
    return { facts, root: directory(await unzipped(start.slice(number(8), number(8) + number(16)))) };
  }

  leaf(facts, { offset, length }) {
    if (!this.leaves.has(offset)) {
      const read = this.range(facts.leaves + offset, length).then(unzipped).then(directory);
      this.leaves.set(offset, read);
      read.catch(() => this.leaves.delete(offset));
    }
    return this.leaves.get(offset);
  }

  async range(start, length, signal) {
    const headers = { Range: `bytes=${start}-${start + length - 1}` };
    const answer = await fetch(this.url, { headers, signal });
    if (!answer.ok) throw new Error(`${answer.status} ${this.url}`);
    const content = await answer.arrayBuffer();
    // A server that knows no ranges sends all of it.
    return answer.status === 206 ? content : content.slice(start, start + length);
  }
}

async function unzipped(content) {
  const stream = new Blob([content]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

// Tiles are numbered zoom after zoom, within a zoom along a Hilbert curve.
export function tileId(z, x, y) {
  let id = (4 ** z - 1) / 3;
  for (let half = 2 ** (z - 1); half >= 1; half /= 2) {
    const right = x >= half ? 1 : 0;
    const down = y >= half ? 1 : 0;
    id += half * half * ((3 * right) ^ down);
    x -= right * half;
    y -= down * half;
    if (down === 0) {
      if (right === 1) [x, y] = [half - 1 - x, half - 1 - y];
      [x, y] = [y, x];
    }
  }
  return id;
}

function directory(content) {
  const bytes = new Uint8Array(content);
  let place = 0;
  const next = () => {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[place++];
      number += (byte & 127) * scale;
      if (byte < 128) return number;
    }
  };
  const column = (count) => Array.from({ length: count }, next);
  const count = next();
  const [ids, runs, lengths, offsets] = [column(count), column(count), column(count), column(count)];
  let id = 0;
  let end = 0;
  return ids.map((step, index) => {
    id += step;
    const offset = offsets[index] ? offsets[index] - 1 : end;
    end = offset + lengths[index];
    return { id, offset, length: lengths[index], run: runs[index] };
  });
}

// The entry that holds a tile, or the leaf that may know it.
function found(entries, id) {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].id <= id) low = middle + 1;
    else high = middle;
  }
  const entry = entries[low - 1];
  return entry && (entry.run === 0 || id < entry.id + entry.run) ? entry : null;
}
