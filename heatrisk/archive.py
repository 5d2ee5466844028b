"""Map tiles in one file: PMTiles version 3, written at once and read a tile at a time.

A server maps such a file into memory; a browser reads it by ranges from any web server or object store.

References
----------
.. [1] Protomaps, PMTiles Version 3 Specification, https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md.
"""

from __future__ import annotations

import gzip
import json
import mmap
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from heatrisk.errors import StoreError
from heatrisk.words import Words

_MAGIC = b"PMTiles\x03"
_HEADER = struct.Struct("<8s11Q6B4iB2i")
# The root directory must end within the first 16 KiB, so that one read finds it.
_ROOM = 16384 - _HEADER.size
_NONE, _GZIP = 1, 2
_DEEPEST = 3


class Kind(IntEnum):
    """What a tile holds, as the header numbers it."""

    OTHER = 0
    MVT = 1
    PNG = 2


class Tile(NamedTuple):
    """One tile: its place in WebMercatorQuad (XYZ, y from the north) and its content."""

    z: int
    x: int
    y: int
    content: bytes


class _Entry(NamedTuple):
    id: int
    offset: int
    length: int
    run: int


@dataclass(frozen=True)
class Facts:
    """What the header and the metadata of an archive say.

    Parameters
    ----------
    kind : Kind
        What a tile holds.
    bounds : tuple of float
        West, south, east, north [degrees].
    zooms : tuple of int
        Lowest and highest zoom.
    zipped : bool
        The contents of the tiles are under gzip; the reader of a tile unzips them.
    metadata : mapping
        JSON-ready: name, attribution and the like.
    """

    kind: Kind
    bounds: tuple[float, float, float, float]
    zooms: tuple[int, int]
    zipped: bool = False
    metadata: Mapping[str, Any] | None = None


def packed(tiles: Iterable[Tile], facts: Facts) -> bytes:
    """Return an archive of tiles; equal contents are stored once.

    Parameters
    ----------
    tiles : iterable of Tile
        In any order, each place once.
    facts : Facts
        What is said of them; ``zipped`` tells that the contents are under gzip already.
    """
    ordered = sorted((tile_id(tile.z, tile.x, tile.y), tile.content) for tile in tiles)
    entries, contents = _laid_out((number, content, len(content)) for number, content in ordered)
    return b"".join((_head(entries, len(contents), facts), *contents))


def write(path: Path, tiles: Iterable[Tile], facts: Facts) -> None:
    """Write an archive of tiles as they come: it may be larger than the memory.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    tiles, facts
        As for :func:`packed`.
    """
    kept: dict[bytes, tuple[int, int]] = {}
    found: list[tuple[int, bytes]] = []
    with TemporaryFile(dir=path.parent) as spool:
        for tile in tiles:
            digest = blake2b(tile.content, digest_size=16).digest()
            found.append((tile_id(tile.z, tile.x, tile.y), digest))
            if digest not in kept:
                kept[digest] = (spool.tell(), len(tile.content))
                spool.write(tile.content)
        entries, digests = _laid_out((number, digest, kept[digest][1]) for number, digest in sorted(found))
        with path.open("wb") as file:
            file.write(_head(entries, len(digests), facts))
            for start, length in map(kept.__getitem__, digests):
                spool.seek(start)
                file.write(spool.read(length))


def _laid_out(ordered: Iterable[tuple[int, bytes, int]]) -> tuple[list[_Entry], list[bytes]]:
    """Return the entries of tiles, and each content (or its digest) once.

    Tiles are given by number, content and its length, in the order of their numbers.
    """
    places: dict[bytes, int] = {}
    entries, end = [], 0
    for number, content, length in ordered:
        offset = places.setdefault(content, end)
        end = max(end, offset + length)
        entries.append(_Entry(number, offset, length, 1))
    return entries, list(places)


def _head(entries: list[_Entry], contents: int, facts: Facts) -> bytes:
    """Return everything that stands before the contents of the tiles."""
    root, leaves = _directories(entries)
    size = max((entry.offset + entry.length for entry in entries), default=0)
    metadata = gzip.compress(json.dumps(facts.metadata or {}, ensure_ascii=False).encode(), mtime=0)
    ends = np.cumsum([_HEADER.size, len(root), len(metadata), len(leaves)]).tolist()
    west, south, east, north = (round(degrees * 1e7) for degrees in facts.bounds)
    header = _HEADER.pack(
        _MAGIC, ends[0], len(root), ends[1], len(metadata), ends[2], len(leaves), ends[3], size,
        len(entries), len(entries), contents, 1, _GZIP, _GZIP if facts.zipped else _NONE, facts.kind,
        *facts.zooms, west, south, east, north, facts.zooms[1], (west + east) // 2, (south + north) // 2,
    )  # fmt: skip
    return b"".join((header, root, metadata, leaves))


def _directories(entries: list[_Entry]) -> tuple[bytes, bytes]:
    """Return the root directory, and the leaves that it points at where it would be too long by itself."""
    root, leaves, size = _directory(entries), b"", 2048
    while len(root) > _ROOM:
        parts = [entries[start : start + size] for start in range(0, len(entries), size)]
        written = [_directory(part) for part in parts]
        ends = np.cumsum([0, *map(len, written)]).tolist()
        pairs = zip(parts, written, ends, strict=False)
        root = _directory([_Entry(part[0].id, start, len(leaf), 0) for part, leaf, start in pairs])
        leaves, size = b"".join(written), 2 * size
    return root, leaves


def _directory(entries: list[_Entry]) -> bytes:
    numbers = [len(entries)]
    numbers += (
        entry.id - before for entry, before in zip(entries, [0, *(e.id for e in entries)], strict=False)
    )
    numbers += (entry.run for entry in entries)
    numbers += (entry.length for entry in entries)
    end = -1
    for entry in entries:
        # 0 stands for "right after the one before".
        numbers.append(0 if entry.offset == end else entry.offset + 1)
        end = entry.offset + entry.length
    return gzip.compress(b"".join(map(varint, numbers)), mtime=0)


def varint(number: int) -> bytes:
    """Return a whole number in bytes of 7 bits, the lowest first; all but the last bear the highest bit."""
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _numbers(content: bytes) -> Iterator[int]:
    """Yield the numbers behind :func:`varint`."""
    number = shift = 0
    for byte in content:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            yield number
            number = shift = 0


@lru_cache(maxsize=65536)
def tile_id(z: int, x: int, y: int) -> int:
    """Return the number of a tile: those of lower zooms come first, within a zoom along a Hilbert curve."""
    number, side = ((1 << 2 * z) - 1) // 3, 1 << z
    half = side >> 1
    while half:
        right, down = int(bool(x & half)), int(bool(y & half))
        number += half * half * (3 * right ^ down)
        if not down:
            if right:
                x, y = half - 1 - (x & half - 1), half - 1 - (y & half - 1)
            x, y = y, x
        x, y = x & half - 1, y & half - 1
        half >>= 1
    return number


class Archive:
    """An archive on disk, mapped into memory: only what is asked for is read.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Raises
    ------
    StoreError
        It is no such archive, or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            header = _HEADER.unpack_from(self._file)
            if header[0] != _MAGIC or header[13] != _GZIP:
                raise ValueError("another format")
            self.facts = Facts(
                Kind(header[15]), tuple(degrees / 1e7 for degrees in header[18:22]), header[16:18],
                header[14] == _GZIP, json.loads(gzip.decompress(self._part(header[3], header[4]))),
            )  # fmt: skip
            self._data, self._leaves = header[7], header[5]
            rows = list(self._entries(header[1], header[2]))
        except (OSError, EOFError, ValueError, OverflowError, struct.error, zlib.error) as error:
            raise _damaged(path) from error
        self._table: npt.NDArray[np.int64] = np.array(rows, np.int64).reshape(-1, 4).T

    def _part(self, start: int, length: int) -> bytes:
        return self._file[start : start + length]

    def _entries(self, start: int, length: int, depth: int = 0) -> Iterator[_Entry]:
        """Yield the entries of a directory, and of the leaves that it points at."""
        count, *numbers = _numbers(gzip.decompress(self._part(start, length)))
        columns = np.array(numbers, np.int64).reshape(4, count)
        number, offset, end = 0, 0, 0
        for step, run, size, place in columns.T.tolist():
            number += step
            offset = place - 1 if place else end
            end = offset + size
            if run:
                yield _Entry(number, offset, size, run)
            elif depth < _DEEPEST:
                yield from self._entries(self._leaves + offset, size, depth + 1)

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """Return the content of a tile, unzipped, or None where the archive has none there."""
        ids, offsets, lengths, runs = self._table
        number = tile_id(z, x, y)
        place = int(ids.searchsorted(number, "right")) - 1
        if place < 0 or number >= ids[place] + runs[place]:
            return None
        content = self._part(self._data + int(offsets[place]), int(lengths[place]))
        return gzip.decompress(content) if self.facts.zipped else content

    def tiles(self) -> Iterator[tuple[int, bytes]]:
        """Yield the number and the content of every tile, unzipped."""
        for number, offset, length, run in self._table.T.tolist():
            content = self._part(self._data + offset, length)
            for k in range(run):
                yield number + k, gzip.decompress(content) if self.facts.zipped else content

    def __len__(self) -> int:
        """Return the number of tiles."""
        return int(self._table[3].sum())


def _damaged(path: Path) -> StoreError:
    return StoreError(
        Words("地図画像のファイルが壊れています", "an archive of map tiles is damaged"),
        where=path,
        expected="PMTiles 3",
        remedy=Words("もう一度計算してください", "Run again."),
    )
