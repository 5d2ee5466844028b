"""GSI elevation: the grids of 基盤地図情報 数値標高モデル, one JPGIS (GML) file a mesh.

A file is a short head, up to a million lines ``地表面,12.34``, and a short tail. Head and tail are looked up
by their tags and the lines are split as bytes: in UTF-8 and in Shift_JIS alike no byte of a Japanese letter
is a comma, a blank or an angle bracket.

References
----------
.. [1] 国土地理院「基盤地図情報ダウンロードデータ ファイル仕様書」, 数値標高モデル.
.. [2] OGC 07-036, Geography Markup Language 3.2.1, section 19.3 (grid function, sequence rule).
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from affine import Affine

from heatrisk.errors import SourceError
from heatrisk.sources.files import Member
from heatrisk.sources.raster import PLAUSIBLE
from heatrisk.sources.xml_stream import AGAIN, guarded
from heatrisk.words import Words

#: JGD2011, longitude and latitude. JGD2024 keeps them; JGD2000 differs where the ground moved in 2011, by
#: less than a cell but near the epicentre, and the grid of that movement does not come with PROJ.
CRS = "EPSG:6668"

#: The head lies within the first bytes, ahead of the values.
_HEAD = 65536

#: Largest grid in use is 1125 x 750; more cells, or a larger file, are a mistake or an attack.
_MOST_CELLS, _MOST_BYTES = 16_000_000, 512 * 2**20

#: No ground: the sea, and places that were not surveyed [m].
_NO_DATA = -9998.0

_ENCODINGS = {"utf-8": "utf-8", "shift_jis": "cp932", "shift-jis": "cp932", "windows-31j": "cp932"}


class Mesh(NamedTuple):
    """What the head of a file says: which model it belongs to, its datum, and where its cells lie."""

    kind: str
    datum: str
    transform: Affine
    shape: tuple[int, int]


def read_head(member: Member) -> Mesh | None:
    """Return what the head of a file says, or None where the file is no elevation grid.

    Parameters
    ----------
    member : Member
        A file of a delivery, on disk or in a zip; metadata lie beside the grids.

    Raises
    ------
    SourceError
        It is an elevation grid, but of another reference system, or with absurd limits.
    """
    with member.open() as stream:
        head = stream.read(_HEAD).split(b"tupleList", 1)[0]
    if not re.search(rb"<(?:[\w.-]+:)?DEM[\s>]", head):
        return None
    system = re.search(rb"""<(?:[\w.-]+:)?Envelope\b[^<>]{0,1000}\bsrsName\s*=\s*["']([^"']*)""", head)
    datum = system and re.fullmatch(rb"fguuid:(jgd\d{4})\.bl", system.group(1))
    if not datum:
        got = "" if system is None else ascii(system.group(1)[:80])
        raise _unreadable(member, "srsName fguuid:jgd2011.bl", got)
    (south, west), (north, east) = _pair(head, "lowerCorner", member), _pair(head, "upperCorner", member)
    (left, top), (right, bottom) = _pair(head, "low", member), _pair(head, "high", member)
    columns, rows = right - left + 1, bottom - top + 1
    if not (-90 <= south < north <= 90 and -180 <= west < east <= 180):
        raise _unreadable(member, "lowerCorner < upperCorner", f"{south} {west} .. {north} {east}")
    whole = (left, top) == (0, 0) and right.is_integer() and bottom.is_integer()
    if not whole or min(rows, columns) < 1 or rows * columns > _MOST_CELLS:
        raise _unreadable(member, "low 0 0, high 224 149", f"{left} {top} .. {right} {bottom}")
    across, down = _exact((east - west) / columns), _exact((north - south) / rows)
    transform = Affine(across, 0.0, _on(west, across), 0.0, -down, _on(north, down))
    return Mesh(_kind(head, member), datum.group(1).decode().upper(), transform, (int(rows), int(columns)))


def read_values(member: Member, mesh: Mesh) -> npt.NDArray[np.float32]:
    """Return the elevations of a file.

    Tuples run from the north-west eastwards and then southwards, from the start point on; those left out
    before it and at the end are no data.

    Parameters
    ----------
    member : Member
        The file.
    mesh : Mesh
        Its head.

    Returns
    -------
    numpy.ndarray of float32
        Shape of the mesh [m]; NaN is no data, decided by value: every kind of surface may hold elevations.

    Raises
    ------
    SourceIncompleteError
        The file is cut off.
    SourceError
        It declares entities, states another order, or a tuple is damaged.
    """
    values, tail = _cut(_content(member), member)
    order = re.search(rb"""<(?:[\w.-]+:)?sequenceRule\b[^<>]{0,1000}\border\s*=\s*["']([^"']*)""", tail)
    if order is None or order.group(1) != b"+x-y":
        got = "" if order is None else ascii(order.group(1)[:80])
        raise _unreadable(member, 'sequenceRule order="+x-y"', got)
    column, row = _pair(tail, "startPoint", member)
    rows, columns = mesh.shape
    start = int(row) * columns + int(column)
    if not (0 <= column < columns and 0 <= row < rows) or start + len(values) > rows * columns:
        raise _unreadable(
            member,
            f"<= {columns} x {rows} cells",
            f"startPoint {column:.0f} {row:.0f} + {len(values)} tuples",
        )
    low, high = PLAUSIBLE["terrain"]
    grid = np.full(rows * columns, np.nan, np.float32)
    grid[start : start + len(values)] = np.where(
        (values > _NO_DATA) & (values >= low) & (values <= high), values, np.nan
    )
    return grid.reshape(mesh.shape)


def _content(member: Member) -> bytes:
    with member.open() as stream:
        source, content = guarded(stream, member.name, "Dataset"), bytearray()
        while chunk := source.read(2**20):
            content += chunk
            if len(content) > _MOST_BYTES:
                raise _unreadable(member, f"<= {_MOST_BYTES // 2**20} MiB", "a larger file")
    return bytes(content)


def _cut(content: bytes, member: Member) -> tuple[npt.NDArray[np.float64], bytes]:
    """Return the numbers of the tuples, and the tail of a file."""
    parts = re.split(rb"</?(?:[\w.-]+:)?tupleList\s*>", content)
    if len(parts) != 3:
        raise _unreadable(member, "one <gml:tupleList>", f"{len(parts) // 2}")
    tuples = parts[1].split()
    words = parts[1].replace(b",", b" ").split()
    try:
        values = np.array(words[1::2], dtype="S24").astype(np.float64) if words else np.empty(0)
    except ValueError as error:
        raise _unreadable(member, "地表面,12.34", str(error)[:80]) from error
    # Two words a tuple, or the values that follow a damaged one would all lie in the wrong cells.
    if len(words) != 2 * len(tuples) or parts[1].count(b",") != len(tuples):
        raise _unreadable(member, "地表面,12.34", "a tuple that is no kind and number")
    return values, parts[2]


def _pair(text: bytes, name: str, member: Member) -> tuple[float, float]:
    """Return the two numbers of an element."""
    number = rb"([-+]?\d{1,12}(?:\.\d{0,18})?)"
    found = re.search(rb"<(?:[\w.-]+:)?%b\s*>\s*%b\s+%b\s*</" % (name.encode(), number, number), text)
    if found is None:
        raise _unreadable(member, f"<{name}> with two numbers", "")
    return (float(found.group(1)), float(found.group(2)))


def _kind(head: bytes, member: Member) -> str:
    """Return the name of the model, as ``"DEM5A"``: side of its cells, and letter of its survey.

    The side is stated; so is the letter, but for the older of two photogrammetric models (B, C), which only
    the file's name tells apart.
    """
    declared = re.search(rb"""<\?xml[^<>]{0,1000}\bencoding\s*=\s*["']([\w.-]+)""", head)
    encoding = "utf-8" if declared is None else declared.group(1).decode().lower()
    if encoding not in _ENCODINGS:
        raise _unreadable(member, "encoding UTF-8, Shift_JIS", encoding)
    found = re.search(rb"<(?:[\w.-]+:)?type\s*>([^<]*)", head)
    stated = unicodedata.normalize(
        "NFKC", found.group(1).decode(_ENCODINGS[encoding], "replace") if found else ""
    )
    side = re.search(r"(\d+)\s*m", stated)
    if side is None:
        return "DEM"
    lettered = re.search(rf"DEM{side.group(1)}([A-C])", member.filename)
    if lettered is not None:
        return lettered.group()
    # "標高" is laser survey at 1 and 5 m, contour lines (B) at 10 m, where volcanoes have their own (A).
    laser = "火山" in stated or ("標高" in stated and side.group(1) != "10")
    return f"DEM{side.group(1)}{'A' if laser else 'B'}"


def _exact(side: float) -> float:
    """Return the side of a cell, freed of the rounding of the corners: a multiple of 0.01" [degrees]."""
    seconds = round(side * 3600, 2)
    return seconds / 3600 if abs(seconds / 3600 - side) < 1e-5 * side else side


def _on(edge: float, side: float) -> float:
    """Return an edge, freed of rounding: meshes begin at multiples of their cells [degrees]."""
    cells = edge / side
    return round(cells) * side if abs(cells - round(cells)) < 1e-3 else edge


def _unreadable(member: Member, expected: str, got: str) -> SourceError:
    return SourceError(
        Words("基盤地図情報の標高ファイルとして読めません", "this cannot be read as a GSI elevation file"),
        where=member.name,
        expected=expected,
        got=got,
        remedy=AGAIN,
    )
