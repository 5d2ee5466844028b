"""Images as PNG bytes, written here: a tile is mostly its compression, and most encoders are slow at it.

References
----------
.. [1] W3C, Portable Network Graphics (PNG) Specification, third edition.
"""

from __future__ import annotations

import io
import struct
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from isal import isal_zlib
from PIL import Image

from heatrisk.layers import LAYERS
from heatrisk.pyramid import Codes

_DEFLATE_LEVEL = 1
_TRUE_COLOUR, _PALETTE = 2, 3


def png(codes: Codes, palette: bytes) -> bytes:
    """Return codes as a PNG with palette.

    Parameters
    ----------
    codes : numpy.ndarray of uint8
        Shape (rows, columns).
    palette : bytes
        PLTE and tRNS chunks.
    """
    lines = np.zeros((codes.shape[0], codes.shape[1] + 1), np.uint8)
    lines[:, 1:] = codes
    return png_of_lines(lines, palette)


def png_of_lines(lines: Codes, palette: bytes) -> bytes:
    """Return codes as a PNG with palette.

    Parameters
    ----------
    lines : numpy.ndarray of uint8
        Shape (rows, 1 + columns): a line opens with its filter type, 0 for none.
    palette : bytes
        PLTE and tRNS chunks.
    """
    return _framed(_PALETTE, lines, (lines.shape[0], lines.shape[1] - 1), palette)


def codes(image: bytes) -> Codes:
    """Return the codes behind :func:`png`."""
    columns, rows = struct.unpack_from(">II", image, 16)
    start = len(_SIGNATURE)
    while image[start + 4 : start + 8] != b"IDAT":
        start += 12 + struct.unpack_from(">I", image, start)[0]
    lines = np.frombuffer(isal_zlib.decompress(image[start + 8 :]), np.uint8)
    return lines.reshape(rows, columns + 1)[:, 1:]


@lru_cache(maxsize=2048)
def webp(image: bytes, layer: str) -> bytes:
    """Return a tile of a layer, as :func:`png` wrote it, as WebP without loss.

    It has about half the bytes, and takes some fifty times as long to make: those made last are kept.
    """
    content = io.BytesIO()
    Image.fromarray(LAYERS[layer].palette[codes(image)], "RGBA").save(
        content, "WEBP", lossless=True, exact=True, method=2
    )
    return content.getvalue()


@lru_cache
def palette(layer: str) -> bytes:
    """Return the PLTE and tRNS chunks of a layer."""
    colours = LAYERS[layer].palette
    return chunk(b"PLTE", colours[:, :3].tobytes()) + chunk(b"tRNS", colours[:, 3].tobytes())


def rgb(values: npt.NDArray[np.uint16]) -> bytes:
    """Return 16-bit values as a PNG of true colour: high byte red, low byte green, blue 0.

    Browsers reduce grey images of 16 bits to 8; three bytes without transparency reach a program unaltered.

    Parameters
    ----------
    values : numpy.ndarray of uint16
        Shape (rows, columns).
    """
    samples = np.zeros((*values.shape, 3), np.uint8)
    samples[..., 0], samples[..., 1] = values >> 8, values & 255
    return true_colour(samples)


def true_colour(samples: npt.NDArray[np.uint8]) -> bytes:
    """Return red, green and blue as a PNG of true colour.

    Parameters
    ----------
    samples : numpy.ndarray of uint8
        Shape (rows, columns, 3).
    """
    rows, columns, _ = samples.shape
    lines = np.zeros((rows, 3 * columns + 1), np.uint8)
    lines[:, 1:] = samples.reshape(rows, 3 * columns)
    return _framed(_TRUE_COLOUR, lines, (rows, columns), b"")


def _framed(kind: int, lines: npt.NDArray[np.uint8], shape: tuple[int, ...], palette: bytes) -> bytes:
    rows, columns = shape
    data: bytes = isal_zlib.compress(lines, _DEFLATE_LEVEL)
    return b"".join((_head(kind, rows, columns), palette, chunk(b"IDAT", data), _END))


@lru_cache
def _head(kind: int, rows: int, columns: int) -> bytes:
    return _SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, kind, 0, 0, 0))


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return one chunk of an image: length, type, data, checksum."""
    checksum = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    return b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", checksum)))


_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = chunk(b"IEND", b"")
