"""From the fields of a run to archives of map tiles: every picture, drawn once when a run is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from heatrisk.archive import Facts, Kind, Tile
from heatrisk.archive import packed as packed_archive
from heatrisk.cube import FILL, CellReader, grid_of, opened
from heatrisk.grid import Grid
from heatrisk.layers import LAYERS, Layer
from heatrisk.layers.rows import STEP_MINUTES
from heatrisk.pyramid import TILE, Draw, Pyramid
from heatrisk.tiles import pixels
from heatrisk.tiles.building import (
    GROUND_OF_MASK,
    MASK_OUTSIDE,
    cell_of_pixel,
    grounds,
    levels_over,
    placed,
)
from heatrisk.tiles.images import palette, png_of_lines
from heatrisk.tiles.pixels import Packed

_EVERY = np.arange(65536, dtype=np.uint16).view(np.int16)


def build(folder: Path, layers: Sequence[str] | None = None, credits: Sequence[str] = ()) -> Pyramid:
    """Return the pyramid of a run, drawn from its cube; pictures are made when they are asked for.

    At native zoom a pixel shows the cell that holds its centre. A coarser pixel shows what most of its native
    pixels are: outdoors (ties included), building or outside; outdoors it shows the mean of all native values
    below it, never a mean of classes.

    Parameters
    ----------
    folder : pathlib.Path
        The cube, as :func:`heatrisk.cube.write` writes it, with the quantities of the layers and ``mask``.
    layers : sequence of str, optional
        Names of rows in :data:`heatrisk.layers.LAYERS`; all that the cube has quantities for if omitted.
    credits : sequence of str
        Whom the values are owed to; an archive says it wherever it is taken.

    Returns
    -------
    Pyramid
        Zooms from native (pixels no larger than cells) down to where one tile holds the area, 10 at least.
    """
    dataset = opened(folder)
    names = drawable(dataset) if layers is None else tuple(layers)
    town = Town(grid_of(dataset), dataset["mask"].values)
    anchored = dataset.attrs.get("anchored") == "true"
    rows = sorted((LAYERS[name] for name in names), key=lambda row: row.quantity)
    times = tuple(f"{time:%Y%m%dT%H%MZ}" for time in dataset.indexes["time"])

    def drawn(values: Packed, some: Sequence[Layer], index: int) -> dict[str, bytes]:
        packed = town.packed(values[index], some[0].resolution)
        # Layers that differ in words alone have the same pictures.
        tiles = {row.bins: town.tiles(row, packed) for row in {row.bins: row for row in some}.values()}
        return {
            row.name: town.archive(tiles[row.bins], _about(row, times[index], anchored, credits))
            for row in some
        }

    def series() -> Iterator[Draw]:
        for quantity, some in groupby(rows, key=lambda row: row.quantity):
            yield partial(drawn, CellReader(folder / quantity).whole(), list(some))

    return Pyramid(names, town.levels, times, series)


class Town:
    """What all pictures of a run share: the cell that a pixel shows, and what ground it is."""

    def __init__(self, grid: Grid, mask: npt.NDArray[np.uint8]) -> None:
        self.grid, self.levels = grid, levels_over(grid)
        cells = cell_of_pixel(grid, self.levels[0])
        kinds = np.append(mask.ravel(), np.uint8(MASK_OUTSIDE))
        pictures = list(grounds(kinds.take(cells), self.levels))
        # Tiles all of which lies outside are not drawn.
        drawn = [np.argwhere(_tiled(picture).any(axis=(2, 3))) for picture in pictures]
        self.drawn = [
            (level.zoom, level.column + x, level.row + y)
            for level, tiles in zip(self.levels, drawn, strict=True)
            for y, x in tiles.tolist()
        ]
        self.corners, self.cells = drawn[0], _tiled(cells)[tuple(drawn[0].T)]
        # At native zoom cells are coloured before they are looked up: there are fewer of them. After them and
        # the one outside lie the pictures of the coarser zooms.
        parts = [GROUND_OF_MASK[kinds], *(picture.ravel() for picture in pictures[1:])]
        self.ground = np.concatenate(parts)
        ends = np.cumsum([part.size for part in parts]).tolist()
        self.pictures = [slice(*pair) for pair in pairwise(ends)]
        cuts = [
            (start + TILE * (y * level.shape[1] + x), level.shape[1])
            for start, level, tiles in zip(ends, self.levels[1:], drawn[1:], strict=False)
            for y, x in tiles.tolist()
        ]
        self.cuts = np.array(cuts, np.intp).reshape(-1, 2)
        self.counts = list(self._sums((kinds == 0).astype(np.float32)))

    def _sums(self, numbers: npt.NDArray[np.float32]) -> Iterator[npt.NDArray[np.float32]]:
        """Yield, for each zoom below the native one, the sums over native pixels of the cells' numbers."""
        sums = numbers
        for finer, level in pairwise(self.levels):
            corner, summed = np.array(placed(finer, level)), np.zeros(level.shape, np.float32)
            if finer is self.levels[0]:
                pixels.sum_cells(numbers, self.cells, self.corners * (TILE // 2) + corner, summed)
            else:
                pixels.halve(sums, corner, summed)
            sums = summed
            yield sums

    def packed(self, values: Packed, resolution: float) -> Packed:
        """Return the packed values of the cells, of none outside, and their means at every coarser zoom."""
        scale = np.float32(1.0 / resolution)
        flat = values.ravel()
        found, numbers = np.empty(self.ground.size, np.int16), np.empty(flat.size + 1, np.float32)
        whole = pixels.show_cells(flat, self.ground, scale, found, numbers)
        counts = self.counts if whole else self._sums((found[: numbers.size] != FILL).astype(np.float32))
        for sums, count, picture in zip(self._sums(numbers), counts, self.pictures, strict=True):
            pixels.pack_means(sums.ravel(), count.ravel(), scale, found[picture])
        return found

    def tiles(self, row: Layer, packed: Packed) -> list[Tile]:
        """Return the tiles of one layer at one step."""
        codes = np.empty(self.ground.size, np.uint8)
        pixels.colour(packed.view(np.uint16), self.ground, row.coded(_EVERY), codes)
        lines = np.empty((len(self.drawn), TILE, TILE + 1), np.uint8)
        pixels.pick(codes, self.cells, lines)
        pixels.cut(codes, self.cuts, lines[len(self.cells) :])
        colours = palette(row.name)
        return [Tile(*at, png_of_lines(tile, colours)) for at, tile in zip(self.drawn, lines, strict=True)]

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
