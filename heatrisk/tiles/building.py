"""From the fields of a run to a Web Mercator pyramid of codes: all geometry, done once when a run is made."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import groupby, pairwise

import morecantile
import numpy as np
import numpy.typing as npt
import xarray as xr
from pyproj import Transformer

from heatrisk.archive import Facts, Kind, Tile
from heatrisk.archive import packed as packed_archive
from heatrisk.cube import grid_of, pack
from heatrisk.grid import Bounds, Grid
from heatrisk.layers import CODE_BUILDING, CODE_OUTSIDE, LAYERS, Layer
from heatrisk.layers.rows import STEP_MINUTES
from heatrisk.pyramid import TILE, Codes, Level, Pyramid
from heatrisk.tiles.images import palette, png

TMS = morecantile.tms.get("WebMercatorQuad")
#: What a pixel may be besides a code: open ground; and the value of a run's mask outside the area.
OPEN, MASK_OUTSIDE = 255, 2
GROUND_OF_MASK = np.array([OPEN, CODE_BUILDING, CODE_OUTSIDE], dtype=np.uint8)

_WEB_MERCATOR = "EPSG:3857"
_LOWEST_ZOOM = 10
# Pixels between two exactly projected points; between them the projection is linear to far below a millimetre
# at native zoom (tested).
_SPACING = 32


def build(dataset: xr.Dataset, layers: Sequence[str] | None = None, credits: Sequence[str] = ()) -> Pyramid:
    """Return the pyramid of a run; pictures are made when a step is asked for.

    At native zoom a pixel shows the cell that holds its centre. A coarser pixel shows what most of its native
    pixels are: outdoors (ties included), building or outside; outdoors it shows the mean of all native values
    below it, never a mean of classes.

    Parameters
    ----------
    dataset : xarray.Dataset
        What :func:`heatrisk.simulate` returns: the quantities of the layers and ``mask``.
    layers : sequence of str, optional
        Names of rows in :data:`heatrisk.layers.LAYERS`; all that the dataset has quantities for if omitted.
    credits : sequence of str
        Whom the values are owed to; an archive says it wherever it is taken.

    Returns
    -------
    Pyramid
        Zooms from native (pixels no larger than cells) down to where one tile holds the area, 10 at least.
    """
    names = drawable(dataset) if layers is None else tuple(layers)
    town = _Town(grid_of(dataset), dataset["mask"].values)
    anchored = dataset.attrs.get("anchored") == "true"
    rows = sorted((LAYERS[name] for name in names), key=lambda row: row.quantity)
    drawn = [(quantity, list(some)) for quantity, some in groupby(rows, key=lambda row: row.quantity)]
    times = tuple(f"{time:%Y%m%dT%H%MZ}" for time in dataset.indexes["time"])

    def step(index: int) -> Mapping[str, bytes]:
        def archives(quantity: str, some: Sequence[Layer]) -> dict[str, bytes]:
            packed = town.packed(dataset[quantity].values[index], some[0].resolution)
            return {
                row.name: town.archive(row, packed, _about(row, times[index], anchored, credits))
                for row in some
            }

        # Most of the work is done by compiled code that lets other threads run.
        with ThreadPoolExecutor(os.cpu_count()) as crew:
            return {
                name: one
                for found in crew.map(archives, *zip(*drawn, strict=True))
                for name, one in found.items()
            }

    return Pyramid(names, town.levels, times, step)


class _Town:
    """What all pictures of a run share: the cell that a pixel shows, and what ground it is."""

    def __init__(self, grid: Grid, mask: npt.NDArray[np.uint8]) -> None:
        self.grid, self.levels = grid, levels_over(grid)
        self.cells = cell_of_pixel(grid, self.levels[0])
        kinds = np.append(mask.ravel(), np.uint8(MASK_OUTSIDE))
        self.open = kinds == 0
        self.counts = list(counts(self.open, self.cells, self.levels))
        # At native zoom cells are coloured before they are looked up: there are fewer of them.
        self.grounds = [GROUND_OF_MASK[kinds], *list(grounds(kinds.take(self.cells), self.levels))[1:]]

    def packed(self, values: npt.NDArray[np.float32], resolution: float) -> list[npt.NDArray[np.int16]]:
        """Return the values of the cells, and their means at every coarser zoom, packed."""
        cells = np.append(values.ravel(), np.float32(np.nan))
        cells[~self.open] = np.nan
        known = self.counts if np.array_equal(np.isnan(cells), ~self.open) else None
        return [pack(found, resolution) for found in (cells, *means(cells, self.cells, self.levels, known))]

    def archive(self, row: Layer, packed: list[npt.NDArray[np.int16]], about: Mapping[str, str]) -> bytes:
        """Return the tiles of one layer at one step."""
        pairs = zip(packed, self.grounds, strict=True)
        native, *coarser = (np.where(ground == OPEN, row.coded(values), ground) for values, ground in pairs)
        tiles = [
            Tile(level.zoom, level.column + x, level.row + y, png(codes, palette(row.name)))
            for level, picture in zip(self.levels, (native.take(self.cells), *coarser), strict=True)
            for y, line in enumerate(np.split(picture, level.rows))
            for x, codes in enumerate(np.split(line, level.columns, axis=1))
            if codes.any()
        ]
        zooms = (self.levels[-1].zoom, self.levels[0].zoom)
        return packed_archive(tiles, Facts(Kind.PNG, self.grid.bounds_lonlat, zooms, metadata=about))


def _about(row: Layer, time: str, anchored: bool, credits: Sequence[str]) -> dict[str, str]:
    """Return what an archive says of itself."""
    about = {"name": row.words.ja, "description": row.described(anchored).ja, "time": time}
    return about | ({"attribution": " / ".join(credits)} if credits else {})


def drawable(dataset: xr.Dataset) -> tuple[str, ...]:
    """Return the layers that a dataset has quantities for; minutes of sun are told of whole steps alone."""
    start, end = dataset["time_bnds"].values[0]
    whole = end - start == np.timedelta64(STEP_MINUTES, "m")
    rows = (row for row in LAYERS.values() if row.quantity in dataset)
    return tuple(row.name for row in rows if whole or row.units != "min")


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


def cell_of_pixel(grid: Grid, level: Level) -> npt.NDArray[np.intp]:
    """Return, for every pixel of a level, the flat index of the cell that holds its centre.

    Parameters
    ----------
    grid : Grid
        The cells.
    level : Level
        The pixels.

    Returns
    -------
    numpy.ndarray of int
        Shape of the level; rows * columns of the grid for pixels outside it.
    """
    down, right = position_of_pixel(grid, level)
    row, column = np.floor(down).astype(np.intp), np.floor(right).astype(np.intp)
    height, width = grid.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return np.where(inside, row * width + column, height * width)


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
        kinds = [_halved(kind, finer, coarser, outside if i == 2 else 0.0) for i, kind in enumerate(kinds)]
        yield GROUND_OF_MASK[np.argmax(kinds, axis=0)]


def counts(
    valid: npt.NDArray[np.bool_], cells: npt.NDArray[np.intp], levels: Sequence[Level]
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield, for each level below the native, how many native pixels with a value a pixel stands for."""
    count = valid.astype(np.float32).take(cells)
    for finer, coarser in pairwise(levels):
        count = _halved(count, finer, coarser)
        yield count


def means(
    values: npt.NDArray[np.float32],
    cells: npt.NDArray[np.intp],
    levels: Sequence[Level],
    known: Iterable[npt.NDArray[np.float32]] | None = None,
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield, for each level below the native, the mean over all native pixels with a value, else NaN.

    What :func:`counts` yields for the values may be given where it is known.
    """
    valid = ~np.isnan(values)
    total = np.where(valid, values, np.float32(0.0)).take(cells)
    counted = counts(valid, cells, levels) if known is None else known
    for (finer, coarser), count in zip(pairwise(levels), counted, strict=True):
        total = _halved(total, finer, coarser)
        with np.errstate(invalid="ignore"):  # nothing over nothing is no value
            yield total / count


def _halved(
    pixels: npt.NDArray[np.float32], finer: Level, coarser: Level, outside: float = 0.0
) -> npt.NDArray[np.float32]:
    """Return the sums over 2 x 2 pixels, laid on the tiles of the coarser level."""
    top, left = (finer.row - 2 * coarser.row) * TILE // 2, (finer.column - 2 * coarser.column) * TILE // 2
    rows = pixels[::2] + pixels[1::2]
    summed = np.full(coarser.shape, np.float32(outside))
    inner = summed[top : top + pixels.shape[0] // 2, left : left + pixels.shape[1] // 2]
    np.add(rows[:, ::2], rows[:, 1::2], out=inner)
    return summed
