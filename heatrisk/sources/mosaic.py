"""Rasters brought onto a grid: pieces of one lattice are joined on it first, so that no seam is resampled.

A survey comes in tiles. Resampled one by one, each tile would end half a cell early and leave an empty or
stepped line beside its neighbour; joined on the lattice they share, they are one raster again.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.warp import reproject

from heatrisk.errors import InputError
from heatrisk.grid import WGS84, Bounds, Grid
from heatrisk.words import Words

FloatArray = npt.NDArray[np.float32]
FloatLike = TypeVar("FloatLike", float, npt.NDArray[np.float64])
Outline = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

#: Cells of a lattice that are held at a time.
CELLS = 2**24

#: Cells that a source may have over the grid, about 35 x 35 km at 0.25 m; beyond, it is not meant for this.
MOST_CELLS = 2 * 10**10

#: Origins of one lattice differ by whole cells, up to the digits that files are written with.
_ALIGNED = 0.02

#: Cells of the lattice beyond the grid's edge that interpolation may look at.
_MARGIN = 4


@dataclass(frozen=True, eq=False)
class Lattice:
    """Cells in rows and columns somewhere, of any coordinate system, be they oblong or turned.

    Parameters
    ----------
    name : str
        What messages call it.
    crs : str
        Its coordinate system, as code or WKT; positions are east first.
    transform : affine.Affine
        From (column, row) of a cell's first corner to (x, y).
    shape : tuple of int
        Rows and columns.
    """

    name: str
    crs: str
    transform: Affine
    shape: tuple[int, int]

    def at(self, column: npt.NDArray[np.float64], row: npt.NDArray[np.float64], crs: str) -> Outline:
        """Return where columns and rows lie in a coordinate system; infinite where that cannot show it."""
        return _moved(_at(self.transform, column, row), self.crs, crs)

    def bounds(self, crs: str) -> Bounds:
        """Return its outline in a coordinate system; infinite where that cannot show it."""
        x, y = _moved(_outline(self.transform, self.shape), self.crs, crs)
        return (float(x.min()), float(y.min()), float(x.max()), float(y.max()))

    @property
    def bounds_lonlat(self) -> Bounds:
        """West, south, east, north of its outline [degrees]."""
        return self.bounds(WGS84)


#: Where values may be wanted.
Target = Grid | Lattice


@dataclass(frozen=True, eq=False)
class Piece(Lattice):
    """A raster somewhere: where it lies, and how a part of it is had.

    Parameters
    ----------
    name, crs, transform, shape
        As of :class:`Lattice`.
    read : callable
        From a slice of rows and one of columns, within the shape, to their float32 values; NaN is no data.
    values : callable, optional
        All its values, for a piece that is only had whole; it is called often and remembers them.
    """

    read: Callable[[slice, slice], FloatArray]
    values: Callable[[], FloatArray] | None = None

    @classmethod
    def whole(
        cls, name: str, crs: str, transform: Affine, shape: tuple[int, int], values: Callable[[], FloatArray]
    ) -> Piece:
        """Return a piece that is only had whole."""
        return cls(name, crs, transform, shape, lambda down, across: values()[down, across], values)


class Window(NamedTuple):
    """Part of a lattice: first row and column, and those after the last."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def cells(self) -> int:
        """How many cells it has; none where nothing is common."""
        return max(self.bottom - self.top, 0) * max(self.right - self.left, 0)

    def within(self, other: Window) -> Window:
        """Return what two windows have in common."""
        return Window(*map(max, self[:2], other[:2]), *map(min, self[2:], other[2:]))


def window(transform: Affine, crs: str, grid: Target) -> Window:
    """Return the cells of a lattice that a grid needs, with a margin to interpolate.

    Parameters
    ----------
    transform, crs
        The lattice.
    grid : Grid or Lattice
        Where values are wanted.

    Returns
    -------
    Window
        Relative to the lattice's origin; empty where the lattice's system cannot show the grid.
    """
    x, y = _moved(_outline(grid.transform, grid.shape), grid.crs, crs)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return Window(0, 0, 0, 0)
    columns, rows = _at(~transform, x, y)
    # A coarse grid averages over its own cells, so it looks that much farther.
    margin = _MARGIN + 2 * max(np.ptp(columns) / grid.shape[1], np.ptp(rows) / grid.shape[0])
    return Window(
        math.floor(rows.min() - margin),
        math.floor(columns.min() - margin),
        math.ceil(rows.max() + margin),
        math.ceil(columns.max() + margin),
    )


def shifted(transform: Affine, start: Window) -> Affine:
    """Return the transform of the part of a raster that begins at a window."""
    a, b, _, d, e, _ = transform[:6]
    x, y = _at(transform, start.left, start.top)
    return Affine(a, b, x, d, e, y)


def overlaps(piece: Piece, grid: Target) -> bool:
    """Tell whether a piece may have a value for a grid."""
    return window(piece.transform, piece.crs, grid).within(Window(0, 0, *piece.shape)).cells > 0


def spacing(piece: Piece, grid: Grid) -> float:
    """Return the side of a piece's cells, as the grid measures it, to a decimal [m]."""
    x, y = _moved(_outline(grid.transform, grid.shape), grid.crs, piece.crs)
    columns, rows = _at(~piece.transform, x, y)
    west, south, east, north = grid.bounds
    return round(math.sqrt((east - west) * (north - south) / (np.ptp(columns) * np.ptp(rows))), 1)


def surveys(pieces: Sequence[Piece], crs: str) -> list[list[Piece]]:
    """Return the pieces by the lattices they share, in an order that keeps every earlier piece first.

    A piece joins an earlier one's lattice unless a piece between the two covers some of the same ground:
    that one comes before it.

    Parameters
    ----------
    pieces : sequence of Piece
        In order: earlier ones win.
    crs : str
        Where outlines are compared.
    """
    groups: list[list[Piece]] = []
    for piece in pieces:
        for group in reversed(groups):
            if _aligned(group[0], piece):
                group.append(piece)
                break
            if any(touch(piece.bounds(crs), other.bounds(crs)) for other in group):
                groups.append([piece])
                break
        else:
            groups.append([piece])
    return groups


def fill_from(survey: Sequence[Piece], target: FloatArray, grid: Target, resampling: Resampling) -> None:
    """Give the unknown cells of a grid the values of pieces that share a lattice.

    Parameters
    ----------
    survey : sequence of Piece
        From :func:`surveys`; earlier ones win.
    target : numpy.ndarray of float32
        Shape of the grid; its NaN are filled where there is a value.
    grid : Grid or Lattice
        Where the values are wanted.
    resampling : rasterio.enums.Resampling
        How.

    Raises
    ------
    InputError
        The pieces are far finer than any grid can use.
    """
    rows, columns = _under(survey, grid)
    target, grid = target[rows, columns], _part(grid, rows, columns)
    first, offsets = survey[0], [_offset(survey[0], piece) for piece in survey]
    ends = [
        (row + piece.shape[0], column + piece.shape[1])
        for (row, column), piece in zip(offsets, survey, strict=True)
    ]
    extent = Window(*map(min, zip(*offsets, strict=True)), *map(max, zip(*ends, strict=True)))
    needed = window(first.transform, first.crs, grid).within(extent)
    if needed.cells > MOST_CELLS or needed.right - needed.left > CELLS:
        raise _too_fine(first.name, needed.cells)
    # Twice the grid's density is all that resampling can use.
    down, across = (
        (needed.bottom - needed.top) // (2 * grid.shape[0] + 8),
        (needed.right - needed.left) // (2 * grid.shape[1] + 8),
    )
    thin = max(1, min(down, across))
    deep = max(8, int(CELLS * thin**2 / max(needed.cells / grid.shape[0], 1)))
    for top in range(0, grid.shape[0], deep):
        band = slice(top, min(top + deep, grid.shape[0]))
        lane = _part(grid, band, slice(0, grid.shape[1]))
        here = window(first.transform, first.crs, lane).within(extent)
        if here.cells and np.isnan(target[band]).any():
            _warp(target[band], lane, survey, offsets, here, thin, resampling)


def _warp(
    part: FloatArray,
    band: Target,
    survey: Sequence[Piece],
    offsets: Sequence[tuple[int, int]],
    here: Window,
    thin: int,
    resampling: Resampling,
) -> None:
    first = survey[0]
    top, left = here.top // thin * thin, here.left // thin * thin
    # Of every block of cells the middle one is taken, counted from the lattice's origin: tiles agree on it.
    joined = _joined(survey, offsets, Window(top, left, here.bottom, here.right), thin)
    a, b, _, d, e, _ = first.transform[:6]
    x, y = _at(first.transform, left + thin // 2 + 0.5 - thin / 2, top + thin // 2 + 0.5 - thin / 2)
    values = np.full(band.shape, np.nan, np.float32)
    reproject(
        joined,
        values,
        src_transform=Affine(a * thin, b * thin, x, d * thin, e * thin, y),
        src_crs=first.crs,
        src_nodata=np.nan,
        dst_transform=band.transform,
        dst_crs=band.crs,
        dst_nodata=np.nan,
        resampling=resampling,
    )
    empty = np.isnan(part)
    part[empty] = values[empty]


def _joined(
    survey: Sequence[Piece], offsets: Sequence[tuple[int, int]], here: Window, thin: int
) -> FloatArray:
    """Return the cells of a window of the lattice, one of each block of ``thin``, from all pieces."""
    sampled = [range(begin + thin // 2, end, thin) for begin, end in zip(here[:2], here[2:], strict=True)]
    joined = np.full([len(each) for each in sampled], np.nan, np.float32)
    for piece, offset in zip(survey, offsets, strict=True):
        ours, theirs = [], []
        for each, at, size in zip(sampled, offset, piece.shape, strict=True):
            low, high = bisect_left(each, at), bisect_left(each, at + size)
            ours.append(slice(low, high))
            theirs.append(slice(each.start + low * thin - at, min(each.start + high * thin - at, size), thin))
        view = joined[ours[0], ours[1]]
        empty = np.isnan(view)
        if empty.any():
            view[empty] = piece.read(theirs[0], theirs[1])[empty]
    return joined


def _under(survey: Sequence[Piece], grid: Target) -> tuple[slice, slice]:
    """Return the rows and columns of a grid that pieces may reach; at least one of each."""
    outlines = [_moved(_outline(piece.transform, piece.shape), piece.crs, grid.crs) for piece in survey]
    columns, rows = _at(~grid.transform, *np.concatenate(outlines, axis=1))
    if not (np.isfinite(columns).all() and np.isfinite(rows).all()):
        return slice(0, grid.shape[0]), slice(0, grid.shape[1])
    parts = []
    for edges, size in ((rows, grid.shape[0]), (columns, grid.shape[1])):
        first = min(max(math.floor(edges.min()) - _MARGIN, 0), size - 1)
        parts.append(slice(first, max(min(math.ceil(edges.max()) + _MARGIN, size), first + 1)))
    return parts[0], parts[1]


def _part(grid: Target, rows: slice, columns: slice) -> Target:
    start = Window(rows.start, columns.start, rows.stop, columns.stop)
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    return replace(grid, transform=shifted(grid.transform, start), shape=shape)


def _outline(transform: Affine, shape: tuple[int, int]) -> Outline:
    """Return points around a raster: its corners and those between them, where edges bend."""
    along, (rows, columns) = np.linspace(0.0, 1.0, 22), shape
    none, full = np.zeros(22), np.ones(22)
    down = np.concatenate([none, full, along, along]) * rows
    across = np.concatenate([along, along, none, full]) * columns
    return _at(transform, across, down)


def _at(transform: Affine, column: FloatLike, row: FloatLike) -> tuple[FloatLike, FloatLike]:
    a, b, c, d, e, f = transform[:6]
    return (a * column + b * row + c, d * column + e * row + f)


@lru_cache(maxsize=16)
def _transformer(source: str, target: str) -> Transformer:
    return Transformer.from_crs(source, target, always_xy=True)


def _moved(outline: Outline, source: str, target: str) -> Outline:
    x, y = _transformer(source, target).transform(*outline)
    return np.asarray(x), np.asarray(y)


def _aligned(one: Piece, other: Piece) -> bool:
    """Tell whether the cells of two pieces are cells of one lattice."""
    if one.crs != other.crs:
        return False
    sides = np.subtract(
        [*one.transform[:2], *one.transform[3:5]], [*other.transform[:2], *other.transform[3:5]]
    )
    columns, rows = _at(~one.transform, other.transform.c, other.transform.f)
    if not (math.isfinite(columns) and math.isfinite(rows)):
        return False
    # What the difference of two cells' sides comes to over both pieces must stay below the alignment too.
    reach = max(abs(columns), abs(rows), *other.shape)
    drift = float(np.abs(sides).max()) * reach / math.sqrt(abs(one.transform.determinant))
    return max(drift, abs(columns - round(columns)), abs(rows - round(rows))) < _ALIGNED


def _offset(one: Piece, other: Piece) -> tuple[int, int]:
    columns, rows = _at(~one.transform, other.transform.c, other.transform.f)
    return (round(rows), round(columns))


def touch(one: Bounds, other: Bounds) -> bool:
    """Tell whether two areas have ground in common."""
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _too_fine(name: str, cells: int) -> InputError:
    return InputError(
        Words("対象の範囲に対して細かすぎます", "it is far too fine for the area"),
        where=name,
        expected=f"<= {MOST_CELLS:.0e} cells",
        got=f"{cells:.1e} cells",
        remedy=Words("間引いたファイルを指定してください", "Name a file of coarser cells."),
    )
