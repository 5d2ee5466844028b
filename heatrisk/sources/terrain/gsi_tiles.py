"""GSI elevation tiles: 標高タイル, as pictures whose colours are numbers, or as text.

References
----------
.. [1] 国土地理院「標高タイルの詳細仕様」, maps.gsi.go.jp/development/demtile.html.
.. [2] 西岡芳晴・長津樹理 (2015), PNG標高タイル, 情報地質 26(4), 155-163.
"""

from __future__ import annotations

import math
import re
import struct
import warnings
import zlib
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile

from heatrisk.errors import SourceError
from heatrisk.sources.files import Member
from heatrisk.sources.raster import PLAUSIBLE
from heatrisk.words import Words

CRS = "EPSG:3857"

#: Cells along a tile's side.
SIDE = 256

#: Half the side of the square world of web maps [m].
_WORLD = math.pi * 6378137.0

#: Colours count centimetres; one half of them, beginning with "none", is below zero.
_UNIT, _NONE = 0.01, 2**23

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

_FINEST, _MOST_BYTES = 20, 4 * 2**20


class Tile(NamedTuple):
    """Which tile a file is: zoom, column and row of the web map, and the model it comes from."""

    kind: str
    zoom: int
    x: int
    y: int

    @property
    def transform(self) -> Affine:
        """From (column, row) of a cell to web-map metres."""
        cell = 2 * _WORLD / SIDE / 2**self.zoom
        return Affine(cell, 0.0, self.x * SIDE * cell - _WORLD, 0.0, -cell, _WORLD - self.y * SIDE * cell)


def tile_of(member: Member) -> Tile | None:
    """Return which tile a file is, by the last three parts of its name, ``{z}/{x}/{y}.png`` or ``.txt``.

    Parameters
    ----------
    member : Member
        A file, on disk or in a zip.

    Returns
    -------
    Tile or None
        None for other names. The model is that of a folder ``dem5a_png``; ``"tiles"`` where none is named.
    """
    found = re.search(r"(?:^|[/\\])(\d{1,2})[/\\](\d{1,7})[/\\](\d{1,7})\.(?:png|txt)$", member.name.lower())
    if found is None:
        return None
    zoom, x, y = map(int, found.groups())
    if zoom > _FINEST or max(x, y) >= 2**zoom:
        return None
    model = re.search(r"dem(?:10|5|1)[abc](?=[^/\\]*[/\\])", member.name.lower())
    return Tile("tiles" if model is None else f"{model.group().upper()} tiles", zoom, x, y)


def read_tile(member: Member) -> npt.NDArray[np.float32]:
    """Return the elevations of a tile.

    Of a colour, x = 65536 R + 256 G + B; h = 0.01 x below 2**23, none at 2**23 (128, 0, 0), and
    0.01 (x - 2**24) above. Clear pixels are none as well.

    Parameters
    ----------
    member : Member
        A tile.

    Returns
    -------
    numpy.ndarray of float32
        Shape (256, 256), row 0 north [m]; NaN is no data.

    Raises
    ------
    SourceError
        It is no such tile.
    """
    content = member.read(_MOST_BYTES)
    heights = _text(content, member) if member.suffix == ".txt" else _picture(content, member)
    low, high = PLAUSIBLE["terrain"]
    with np.errstate(invalid="ignore"):
        return np.where((heights >= low) & (heights <= high), heights, np.nan).astype(np.float32)


def _text(content: bytes, member: Member) -> npt.NDArray[np.float64]:
    cells = [row.split(b",") for row in content.replace(b"e", b"nan").split()]
    if len(cells) != SIDE or any(len(row) != SIDE for row in cells):
        raise _unreadable(member, "256 x 256", f"{len(cells)} x {len(cells[0]) if cells else 0}")
    try:
        return np.array(cells, dtype="S16").astype(np.float64)
    except ValueError as error:
        raise _unreadable(member, "12.34, e", str(error)[:80]) from error


def _picture(content: bytes, member: Member) -> npt.NDArray[np.float64]:
    if not _sound(content):
        raise _unreadable(member, "PNG", repr(content[:16]))
    try:
        # A picture has no place on the ground; its name says where it lies.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with MemoryFile(content) as held, held.open(driver="PNG") as picture:
                colours = _colours(picture, member)
    except RasterioError as error:
        raise _unreadable(member, "PNG", str(error)[:80]) from error
    red, green, blue, alpha = colours.astype(np.int32)
    code = 65536 * red + 256 * green + blue
    heights = _UNIT * np.where(code < _NONE, code, code - 2 * _NONE)
    return np.where((code == _NONE) | (alpha == 0), np.nan, heights)


def _sound(content: bytes) -> bool:
    """Tell whether a PNG is whole: decoders show a cut one as black, which is sea level, from the cut on."""
    at = len(_SIGNATURE)
    while content.startswith(_SIGNATURE) and at + 12 <= len(content):
        length, name = struct.unpack(">I4s", content[at : at + 8])
        end = at + 8 + length
        if content[end : end + 4] != struct.pack(">I", zlib.crc32(content[at + 4 : end])):
            return False
        if name == b"IEND":
            return True
        at = end + 4
    return False


def _colours(picture: DatasetReader, member: Member) -> npt.NDArray[np.uint8]:
    """Return red, green, blue and opacity, shape (4, 256, 256)."""
    if picture.shape != (SIDE, SIDE) or any(kind != "uint8" for kind in picture.dtypes):
        raise _unreadable(
            member, "256 x 256, 8 bit", f"{picture.width} x {picture.height}, {picture.dtypes[0]}"
        )
    bands = picture.read()
    if picture.colorinterp[0] == ColorInterp.palette:
        palette = picture.colormap(1)
        table = np.array([palette.get(index, (128, 0, 0, 0)) for index in range(256)], np.uint8)
        return np.moveaxis(table[bands[0]], -1, 0)
    if len(bands) not in (3, 4):
        raise _unreadable(member, "RGB", f"{len(bands)} bands")
    opaque = np.full((4 - len(bands), SIDE, SIDE), 255, np.uint8)
    return np.concatenate([bands, opaque])


def _unreadable(member: Member, expected: str, got: str) -> SourceError:
    return SourceError(
        Words("標高タイルとして読めません", "this cannot be read as an elevation tile"),
        where=member.name,
        expected=expected,
        got=got,
        remedy=Words("タイルを入手し直してください", "Fetch the tile again."),
    )
