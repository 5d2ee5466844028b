"""PLATEAU terrain: the triangles of a CityGML relief, laid exactly onto a grid.

A file of one mesh holds millions of triangles of twelve numbers each, and nothing else that matters; they are
found by their tags in the stream of bytes, several times faster than through a parser, whatever the version,
the prefixes or the line breaks.

References
----------
.. [1] Standard Product Specification for 3D City Models, MLIT Project PLATEAU: terrain, TINRelief.
.. [2] OGC 12-019, City Geography Markup Language 2.0, section 10.2 (relief).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Transformer

from heatrisk.grid import Bounds, Grid
from heatrisk.sources.files import Member
from heatrisk.sources.raster import PLAUSIBLE
from heatrisk.sources.xml_stream import guarded, horizontal, wrong_kind

FloatArray = npt.NDArray[np.float64]

_HEAD, _CHUNK = 65536, 2**23

_TOKEN = re.compile(rb"<(/?)(?:[\w.-]+:)?(Triangle|posList|pos)\b[^<>]{0,1000}>([^<]*)")

#: Rows of triangles, and cells, that are worked on at a time.
_SPANS, _CELLS = 2**20, 2**22

#: A cell centre this near to an edge lies on it, so that no crack opens between two triangles [cells].
_EDGE = 1e-6

#: Triangles of less ground are walls or lines; they hold no cell centre of their own [cells].
_FLAT = 1e-9


class Head(NamedTuple):
    """What the beginning of a relief says: its system, and west, south, east, north in it where stated."""

    crs: CRS
    bounds: Bounds | None

    def placed(self, crs: str) -> Bounds | None:
        """Return the outline in another system; None where none is stated, or that cannot show it."""
        if self.bounds is None:
            return None
        west, south, east, north = Transformer.from_crs(self.crs, crs, always_xy=True).transform_bounds(
            *self.bounds
        )
        return (west, south, east, north) if all(map(math.isfinite, (west, south, east, north))) else None


class Found(NamedTuple):
    """How many triangles a file has, and how many of them are broken."""

    triangles: int
    broken: int


def read_head(member: Member) -> Head | None:
    """Return what the beginning of a file says, or None where the file is no relief.

    Parameters
    ----------
    member : Member
        A file of a PLATEAU delivery.

    Raises
    ------
    SourceError
        It names an unknown coordinate system.
    """
    with member.open() as stream:
        head = stream.read(_HEAD)
    if not re.search(rb"<(?:[\w.-]+:)?(?:ReliefFeature|TINRelief)[\s>]", head):
        return None
    named = re.search(rb"""\bsrsName\s*=\s*["']([^"']*)""", head)
    crs = horizontal(named.group(1).decode("utf-8", "replace") if named else "", member.name)
    corners = [_corner(head, name, crs) for name in (b"lowerCorner", b"upperCorner")]
    if corners[0] is None or corners[1] is None:
        return Head(crs, None)
    (west, south), (east, north) = corners[0], corners[1]
    return Head(crs, (west, south, east, north) if west < east and south < north else None)


def fill_from_tin(member: Member, head: Head, target: npt.NDArray[np.float32], grid: Grid) -> Found:
    """Give the unknown cells of a grid the height of the triangle that holds their centre.

    Parameters
    ----------
    member : Member
        A relief file.
    head : Head
        Its beginning.
    target : numpy.ndarray of float32
        Shape of the grid [m]; its NaN are filled where there is a triangle.
    grid : Grid
        Where heights are wanted.

    Returns
    -------
    Found
        Triangles of the file; broken ones have no three corners, or a height that no ground has.

    Raises
    ------
    SourceIncompleteError
        The file is cut off.
    SourceError
        It declares entities, or is no city model.
    """
    to_grid = Transformer.from_crs(head.crs, grid.crs, always_xy=True)
    first = 0 if _east_first(head.crs) else 1
    low, high = PLAUSIBLE["terrain"]
    count = broken = 0
    for texts in _triangles(member):
        corners, bad = _corners(texts)
        x, y = to_grid.transform(corners[..., first], corners[..., 1 - first])
        placed = np.stack([x, y, corners[..., 2]], axis=-1)
        sound = np.isfinite(placed).all(axis=(1, 2)) & (
            (corners[..., 2] >= low) & (corners[..., 2] <= high)
        ).all(axis=1)
        count, broken = count + len(texts), broken + bad + int((~sound).sum())
        rasterise(placed[sound], target, grid)
    return Found(count, broken)


def rasterise(corners: FloatArray, target: npt.NDArray[np.float32], grid: Grid) -> None:
    """Give the unknown cells of a grid the height, at their centre, of the triangles over them.

    ::

        row r  - - - + = = = = = +  - - -     cells whose centre lies between the two edges
                    /           |

    Parameters
    ----------
    corners : numpy.ndarray
        Shape (triangles, 3, 3): x, y, height of each corner, in the grid's coordinates [m].
    target : numpy.ndarray of float32
        Shape of the grid; where triangles overlap the first one counts.
    grid : Grid
        Where heights are wanted.
    """
    dx, _, west, _, dy, north = grid.transform[:6]
    rows, columns = grid.shape
    across = (corners[..., 0] - west) / dx - 0.5
    down = (corners[..., 1] - north) / dy - 0.5
    area = _twice_area(down, across)
    top = np.ceil(np.maximum(down.min(axis=1) - _EDGE, 0.0))
    bottom = np.floor(np.minimum(down.max(axis=1) + _EDGE, rows - 1.0))
    near = (across.max(axis=1) >= -_EDGE) & (across.min(axis=1) <= columns - 1 + _EDGE)
    used = np.flatnonzero(near & (bottom >= top) & (np.abs(area) > _FLAT))
    top, deep = top[used].astype(np.int64), (bottom - top)[used].astype(np.int64) + 1
    for part in _runs(deep, _SPANS):
        which, row = _expanded(deep[part], top[part])
        left, right = _span(down[used[part]], across[used[part]], which, row, columns)
        _fill(corners[used[part]], down[used[part]], across[used[part]], which, row, left, right, target)


def _fill(
    corners: FloatArray,
    down: FloatArray,
    across: FloatArray,
    which: npt.NDArray[np.int64],
    row: npt.NDArray[np.int64],
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
    target: npt.NDArray[np.float32],
) -> None:
    heights = corners[..., 2]
    (h0, h1, h2), (r0, r1, r2), (c0, c1, c2) = heights.T, down.T, across.T
    area = _twice_area(down, across)
    by_column = ((r1 - r0) * (h2 - h0) - (r2 - r0) * (h1 - h0)) / area
    by_row = ((c2 - c0) * (h1 - h0) - (c1 - c0) * (h2 - h0)) / area
    # Height = base + slope x column, in each row of each triangle.
    base = (h0 - by_row * r0 - by_column * c0)[which] + by_row[which] * row
    slope, low, high = by_column[which], heights.min(axis=1)[which], heights.max(axis=1)[which]
    flat, begin = target.reshape(-1), row * target.shape[1]
    wide = np.maximum(right - left + 1, 0)
    for part in _runs(wide, _CELLS):
        span, column = _expanded(wide[part], left[part])
        cell = begin[part][span] + column
        height = np.clip(base[part][span] + slope[part][span] * column, low[part][span], high[part][span])
        empty = np.isnan(flat[cell])
        # Of a cell named twice the last value stays, so the first triangle is written last.
        flat[cell[empty][::-1]] = height[empty][::-1]


def _span(
    down: FloatArray,
    across: FloatArray,
    which: npt.NDArray[np.int64],
    row: npt.NDArray[np.int64],
    columns: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the first and last column whose centre lies in a triangle, in each of its rows."""
    left, right = np.full(row.shape, np.inf), np.full(row.shape, -np.inf)
    for one, other in ((0, 1), (1, 2), (2, 0)):
        begin, rise = down[which, one], down[which, other] - down[which, one]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (row - begin) / rise
        margin = _EDGE / np.maximum(np.abs(rise), _EDGE)
        # A level edge ends where the two others end.
        crossed = (rise != 0) & (share >= -margin) & (share <= 1 + margin)
        start = across[which, one]
        column = start + np.clip(np.where(crossed, share, 0.0), 0.0, 1.0) * (across[which, other] - start)
        left = np.where(crossed, np.minimum(left, column), left)
        right = np.where(crossed, np.maximum(right, column), right)
    first = np.ceil(np.clip(left - _EDGE, 0, columns)).astype(np.int64)
    last = np.floor(np.clip(right + _EDGE, -1, columns - 1)).astype(np.int64)
    return first, last


def _twice_area(down: FloatArray, across: FloatArray) -> FloatArray:
    (r0, r1, r2), (c0, c1, c2) = down.T, across.T
    return np.asarray((r1 - r0) * (c2 - c0) - (r2 - r0) * (c1 - c0))


def _expanded(
    counts: npt.NDArray[np.int64], first: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return, for runs of consecutive numbers, whose run each one is, and the number."""
    which = np.repeat(np.arange(len(counts)), counts)
    begins = np.cumsum(counts) - counts
    return which, first[which] + np.arange(len(which)) - begins[which]


def _runs(counts: npt.NDArray[np.int64], limit: int) -> Iterator[slice]:
    """Yield the parts of an array whose counts come to a limit, or to one that is larger alone."""
    ends = np.cumsum(counts)
    first = 0
    while first < len(counts):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + limit, side="right")))
        yield slice(first, last)
        first = last


def _triangles(member: Member) -> Iterator[list[bytes]]:
    """Yield the texts of triangles, some ten thousand at a time."""
    with member.open() as stream:
        source, rest = guarded(stream, member.name), b""
        while chunk := source.read(_CHUNK):
            text = rest + chunk
            whole = _complete(text)
            rest = text[whole:]
            if len(rest) > 2 * _CHUNK:
                raise wrong_kind(member.name, "Triangle", "a tag without end")
            yield _bodies(text[:whole])
        yield _bodies(rest)


def _complete(text: bytes) -> int:
    """Return up to where a text can be cut without cutting a tag or a triangle."""
    tag = text.rfind(b"<")
    last = text.rfind(b"Triangle", 0, max(tag, 0))
    begin = text.rfind(b"<", 0, max(last, 0))
    return max(tag if text[begin + 1 : begin + 2] == b"/" or last < 0 else begin, 0)


def _bodies(text: bytes) -> list[bytes]:
    triangles: list[bytes] = []
    current: bytes | None = None
    for closing, name, content in _TOKEN.findall(text):
        if name != b"Triangle":
            if current is not None:
                current = b"%b %b" % (current, content) if current else content
        elif closing:
            if current is not None:
                triangles.append(current)
            current = None
        else:
            current = b""
    return triangles


def _corners(triangles: list[bytes]) -> tuple[FloatArray, int]:
    """Return the corners of whole triangles, shape (triangles, 3, 3), and how many are broken."""
    numbers = b" ".join(triangles).split()
    values = _floats(numbers) if len(numbers) == 12 * len(triangles) else None
    if values is not None:
        rings = values.reshape(-1, 4, 3)
        if (rings[:, 0] == rings[:, 3]).all():
            return rings[:, :3], 0
    # Something is amiss somewhere: each one by itself.
    whole = [corners for body in triangles if (corners := _corner_numbers(body.split())) is not None]
    return np.array(whole, np.float64).reshape(-1, 3, 3), len(triangles) - len(whole)


def _corner_numbers(numbers: list[bytes]) -> FloatArray | None:
    """Return the nine numbers of a triangle, closed or not; None where it is none."""
    values = _floats(numbers) if len(numbers) in (9, 12) else None
    if values is None or (len(values) == 12 and (values[9:] != values[:3]).any()):
        return None
    return values[:9]


def _floats(numbers: list[bytes]) -> FloatArray | None:
    """Return numbers, or None where one is none."""
    try:
        return np.fromiter(map(float, numbers), np.float64, len(numbers))
    except ValueError:
        return None


def _corner(head: bytes, name: bytes, crs: CRS) -> tuple[float, float] | None:
    """Return x and y of a corner of the outline, east first."""
    number = rb"([-+]?\d{1,12}(?:\.\d{0,18})?)"
    found = re.search(rb"<(?:[\w.-]+:)?%b\s*>\s*%b\s+%b[\s<]" % (name, number, number), head)
    if found is None:
        return None
    one, other = float(found.group(1)), float(found.group(2))
    return (one, other) if _east_first(crs) else (other, one)


def _east_first(crs: CRS) -> bool:
    return bool(crs.axis_info[0].direction == "east")
