"""Reading PNG images with zlib alone, so that pictures are not checked with the code that made them."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

_CHANNELS = {0: 1, 2: 3, 3: 1, 6: 4}


def chunks(png: bytes) -> dict[bytes, bytes]:
    """Return the chunks of an image by type, several of one type joined."""
    found: dict[bytes, bytes] = {}
    start = 8
    while start < len(png):
        (length,) = struct.unpack(">I", png[start : start + 4])
        kind = png[start + 4 : start + 8]
        found[kind] = found.get(kind, b"") + png[start + 8 : start + 8 + length]
        start += length + 12
    return found


def samples(png: bytes) -> npt.NDArray[np.uint8]:
    """Return the samples of an 8-bit image without interlace, shape (rows, columns, channels)."""
    parts = chunks(png)
    width, height, depth, kind, _, _, interlace = struct.unpack(">IIBBBBB", parts[b"IHDR"])
    assert (depth, interlace) == (8, 0)
    step = _CHANNELS[kind]
    lines = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(height, 1 + width * step)
    above = np.zeros(width * step, np.uint8)
    rows = []
    for line in lines:
        above = _unfiltered(int(line[0]), line[1:], above, step)
        rows.append(above)
    return np.array(rows).reshape(height, width, step)


def rgba(png: bytes) -> npt.NDArray[np.uint8]:
    """Return the colours of a palette image, shape (rows, columns, 4)."""
    parts = chunks(png)
    palette = np.frombuffer(parts[b"PLTE"], np.uint8).reshape(-1, 3)
    alpha = np.full(len(palette), 255, np.uint8)
    stated = np.frombuffer(parts.get(b"tRNS", b""), np.uint8)
    alpha[: len(stated)] = stated
    return np.column_stack([palette, alpha])[samples(png)[..., 0]]


def plain(colour: tuple[int, int, int], side: int = 256) -> bytes:
    """Return a square image of one colour."""
    line = bytes([0, *colour * side])
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(line * side)),
        (b"IEND", b""),
    )
    framed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def unique_colours(png: bytes) -> int:
    """Return how many colours an image has."""
    pixels = samples(png)
    return len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0))


def _unfiltered(
    kind: int, line: npt.NDArray[np.uint8], above: npt.NDArray[np.uint8], step: int
) -> npt.NDArray[np.uint8]:
    """Undo the filter of one line (PNG specification, section 9)."""
    if kind == 0:
        return line.copy()
    if kind == 2:
        return line + above
    raw, up = line.astype(int).tolist(), above.astype(int).tolist()
    for i in range(len(raw)):
        left = raw[i - step] if i >= step else 0
        corner = up[i - step] if i >= step else 0
        raw[i] = (raw[i] + _predicted(kind, left, up[i], corner)) % 256
    return np.array(raw, np.uint8)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 1:
        return left
    if kind == 3:
        return (left + up) // 2
    estimate = left + up - corner
    return min((left, up, corner), key=lambda value: abs(estimate - value))
