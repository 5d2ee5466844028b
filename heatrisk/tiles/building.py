"""The geometry of a Web Mercator pyramid: which cell a pixel shows, and what a coarser pixel stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

import morecantile
import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from heatrisk.grid import Bounds, Grid
from heatrisk.layers import CODE_BUILDING, CODE_OUTSIDE
from heatrisk.pyramid import TILE, Codes, Level

TMS = morecantile.tms.get("WebMercatorQuad")
#: What a pixel may be besides a code: open ground; and the value of a run's mask outside the area.
OPEN, MASK_OUTSIDE = 255, 2
GROUND_OF_MASK = np.array([OPEN, CODE_BUILDING, CODE_OUTSIDE], dtype=np.uint8)

_WEB_MERCATOR = "EPSG:3857"
_LOWEST_ZOOM = 10
# Pixels between two exactly projected points; between them the projection is linear to far below a millimetre
# at native zoom (tested).
_SPACING = 32


def levels_over(grid: Grid) -> tuple[Level, ...]:
    """Return the zooms that a grid is drawn at, the native one first."""
    west, south, east, north = grid.bounds_lonlat
    ground = np.cos(np.radians((south + north) / 2))
    zoom = next(z for z in range(TMS.maxzoom + 1) if _resolution(z) * ground <= grid.cell_size)
    levels = [_level(grid.bounds_lonlat, zoom)]
    while levels[-1].zoom > _LOWEST_ZOOM and levels[-1].rows * levels[-1].columns > 1:
        levels.append(_level((west, south, east, north), levels[-1].zoom - 1))
    return tuple(levels)


def _level(bounds: Bounds, zoom: int) -> Level:
    west, south, east, north = bounds
    first, last = TMS.tile(west, north, zoom), TMS.tile(east, south, zoom)
    return Level(zoom, first.x, first.y, last.x - first.x + 1, last.y - first.y + 1)


def _resolution(zoom: int) -> float:
    return float(TMS.matrix(zoom).cellSize)


def cell_of_pixel(grid: Grid, level: Level) -> npt.NDArray[np.uint32]:
    """Return, for every pixel of a level, the flat index of the cell that holds its centre.

    Parameters
    ----------
    grid : Grid
        The cells.
    level : Level
        The pixels.

    Returns
    -------
    numpy.ndarray of uint32
        Shape of the level; rows * columns of the grid for pixels outside it.
    """
    height, width = grid.shape
    cells = np.empty(level.shape, np.uint32)
    # A row of tiles at a time: in double precision all of a city takes ten times the memory of the answer.
    for tiles, top in enumerate(range(0, len(cells), TILE)):
        positions = position_of_pixel(grid, replace(level, row=level.row + tiles, rows=1))
        row, column = (np.floor(position).astype(np.intp) for position in positions)
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        cells[top : top + TILE] = np.where(inside, row * width + column, height * width)
    return cells


def position_of_pixel(grid: Grid, level: Level) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return where the centre of every pixel lies in a grid, in cells from its north-west corner.

    Exact points of a coarse lattice are projected, the pixels between them interpolated linearly.

    Parameters
    ----------
    grid : Grid
        The cells.
    level : Level
        The pixels.

    Returns
    -------
    tuple of numpy.ndarray
        Cells down and to the right, each with the shape of the level.
    """
    matrix = TMS.matrix(level.zoom)
    left, top = matrix.pointOfOrigin
    rows, columns = level.shape
    x = left + matrix.cellSize * (level.column * TILE + _lattice(columns))
    y = top - matrix.cellSize * (level.row * TILE + _lattice(rows))
    east, north = _to_grid(grid.crs).transform(*np.meshgrid(x, y))
    along, across = _hats(rows), _hats(columns)
    down = along @ ((north - grid.transform.f) / grid.transform.e) @ across.T
    right = along @ ((east - grid.transform.c) / grid.transform.a) @ across.T
    return down, right


@lru_cache
def _to_grid(crs: str) -> Transformer:
    return Transformer.from_crs(_WEB_MERCATOR, crs, always_xy=True)


def _lattice(pixels: int) -> npt.NDArray[np.float64]:
    """Return where exact points lie: pixel edges, every few pixels."""
    return np.arange(0, pixels + 1, _SPACING, dtype=np.float64)


def _hats(pixels: int) -> npt.NDArray[np.float64]:
    """Return the weight of every exact point at every pixel centre, shape (pixels, points)."""
    centres = (np.arange(pixels) + 0.5)[:, None]
    weights: npt.NDArray[np.float64] = np.maximum(0.0, 1.0 - np.abs(centres - _lattice(pixels)) / _SPACING)
    return weights


def grounds(mask: npt.NDArray[np.uint8], levels: Sequence[Level]) -> Iterator[Codes]:
    """Yield, for each level, what a pixel is: open ground, or the code of building or outside."""
    yield GROUND_OF_MASK[mask]
    kinds = [(mask == kind).astype(np.float32) for kind in range(3)]
    outside = 1.0
    for finer, coarser in pairwise(levels):
        outside *= 4.0
        kinds = [halved(kind, finer, coarser, outside if i == 2 else 0.0) for i, kind in enumerate(kinds)]
        yield GROUND_OF_MASK[np.argmax(kinds, axis=0)]


def means(
    values: npt.NDArray[np.float32], cells: npt.NDArray[np.uint32], levels: Sequence[Level]
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield, for each level below the native, the mean over all native pixels with a value, else NaN."""
    valid = ~np.isnan(values)
    total = np.where(valid, values, np.float32(0.0)).take(cells)
    count = valid.astype(np.float32).take(cells)
    for finer, coarser in pairwise(levels):
        total, count = (halved(pixels, finer, coarser) for pixels in (total, count))
        with np.errstate(invalid="ignore"):  # nothing over nothing is no value
            yield total / count


def halved(
    pixels: npt.NDArray[np.float32], finer: Level, coarser: Level, outside: float = 0.0
) -> npt.NDArray[np.float32]:
    """Return the sums over 2 x 2 pixels, laid on the tiles of the coarser level."""
    top, left = placed(finer, coarser)
    rows = pixels[::2] + pixels[1::2]
    summed = np.full(coarser.shape, np.float32(outside))
    inner = summed[top : top + pixels.shape[0] // 2, left : left + pixels.shape[1] // 2]
    np.add(rows[:, ::2], rows[:, 1::2], out=inner)
    return summed


def placed(finer: Level, coarser: Level) -> tuple[int, int]:
    """Return the row and column at which the pixels of a level begin on the next coarser one."""
    return (finer.row - 2 * coarser.row) * TILE // 2, (finer.column - 2 * coarser.column) * TILE // 2
