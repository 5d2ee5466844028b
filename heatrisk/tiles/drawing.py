"""From the fields of a run to archives of map tiles: every picture, drawn once when a run is made."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from heatrisk.archive import Facts, Kind, Tile
from heatrisk.archive import packed as packed_archive
from heatrisk.cube import FILL, grid_of
from heatrisk.grid import Grid
from heatrisk.layers import LAYERS, Layer
from heatrisk.layers.rows import STEP_MINUTES
from heatrisk.pyramid import TILE, Pyramid
from heatrisk.tiles import pixels
from heatrisk.tiles.building import (
    GROUND_OF_MASK,
    MASK_OUTSIDE,
    cell_of_pixel,
    grounds,
    halved,
    levels_over,
    placed,
)
from heatrisk.tiles.images import palette, png

_EVERY = np.arange(65536, dtype=np.uint16).view(np.int16)


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
    town = Town(grid_of(dataset), dataset["mask"].values)
    anchored = dataset.attrs.get("anchored") == "true"
    rows = sorted((LAYERS[name] for name in names), key=lambda row: row.quantity)
    drawn = [(quantity, list(some)) for quantity, some in groupby(rows, key=lambda row: row.quantity)]
    times = tuple(f"{time:%Y%m%dT%H%MZ}" for time in dataset.indexes["time"])

    def step(index: int) -> Mapping[str, bytes]:
        def archives(quantity: str, some: Sequence[Layer]) -> dict[str, bytes]:
            packed = town.packed(dataset[quantity].values[index], some[0].resolution)
            # Layers that differ in words alone have the same pictures.
            tiles = {row.bins: row for row in some}
            drawn = {bins: town.tiles(row, packed) for bins, row in tiles.items()}
            return {
                row.name: town.archive(drawn[row.bins], _about(row, times[index], anchored, credits))
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


class Town:
    """What all pictures of a run share: the cell that a pixel shows, and what ground it is."""

    def __init__(self, grid: Grid, mask: npt.NDArray[np.uint8]) -> None:
        self.grid, self.levels = grid, levels_over(grid)
        cells = cell_of_pixel(grid, self.levels[0])
        kinds = np.append(mask.ravel(), np.uint8(MASK_OUTSIDE))
        pictures = list(grounds(kinds.take(cells), self.levels))
        # Tiles all of which lies outside are not drawn.
        self.drawn = [np.argwhere(_tiled(picture).any(axis=(2, 3))) for picture in pictures]
        self.cells = _tiled(cells)[tuple(self.drawn[0].T)].astype(np.int32)
        # At native zoom cells are coloured before they are looked up: there are fewer of them.
        self.grounds = [GROUND_OF_MASK[kinds], *(picture.ravel() for picture in pictures[1:])]
        self.counts = list(self._sums((kinds == 0).astype(np.float32)))

    def _sums(self, numbers: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float32]]:
        """Yield, for each zoom below the native one, the sums over native pixels of the cells' numbers."""
        for finer, level in pairwise(self.levels):
            if finer is self.levels[0]:
                sums = np.zeros(level.shape, np.float32)
                places = self.drawn[0] * (TILE // 2) + placed(finer, level)
                pixels.sum_cells(numbers, self.cells, places, sums)
            else:
                sums = halved(sums, finer, level)
            yield sums

    def packed(self, values: npt.NDArray[np.float32], resolution: float) -> list[npt.NDArray[np.int16]]:
        """Return the values of the cells, and their means at every coarser zoom, packed and flat."""
        scale = np.float32(1.0 / resolution)
        found = [np.empty(ground.size, np.int16) for ground in self.grounds]
        numbers = np.empty(self.grounds[0].size, np.float32)
        flat = np.ascontiguousarray(values, np.float32).ravel()
        whole = pixels.pack_cells(flat, self.grounds[0], scale, found[0], numbers)
        counts = self.counts if whole else self._sums((found[0] != FILL).astype(np.float32))
        for sums, count, means in zip(self._sums(numbers), counts, found[1:], strict=True):
            pixels.pack_means(sums.ravel(), count.ravel(), scale, means)
        return found

    def tiles(self, row: Layer, packed: list[npt.NDArray[np.int16]]) -> list[Tile]:
        """Return the tiles of one layer at one step."""
        table, colours, found = row.coded(_EVERY), palette(row.name), []
        for level, drawn, values, ground in zip(self.levels, self.drawn, packed, self.grounds, strict=True):
            codes = np.empty(ground.size, np.uint8)
            pixels.colour(values.view(np.uint16), ground, table, codes)
            if level is self.levels[0]:
                shown = np.empty(self.cells.shape, np.uint8)
                pixels.pick(codes, self.cells.ravel(), shown.ravel())
            else:
                shown = _tiled(codes.reshape(level.shape))[tuple(drawn.T)]
            found += [
                Tile(level.zoom, level.column + x, level.row + y, png(tile, colours))
                for (y, x), tile in zip(drawn.tolist(), shown, strict=True)
            ]
        return found

    def archive(self, tiles: list[Tile], about: Mapping[str, str]) -> bytes:
        """Return the tiles of one layer at one step as an archive."""
        zooms = (self.levels[-1].zoom, self.levels[0].zoom)
        return packed_archive(tiles, Facts(Kind.PNG, self.grid.bounds_lonlat, zooms, metadata=about))


def _tiled(picture: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view of a picture by its tiles, shape (rows, columns, pixels, pixels)."""
    rows, columns = (pixels // TILE for pixels in picture.shape)
    return picture.reshape(rows, TILE, columns, TILE).transpose(0, 2, 1, 3)


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
