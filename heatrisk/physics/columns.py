"""A town as columns: terrain, buildings and trees prepared once for every sun."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatrisk.errors import GridMismatchError, InputError
from heatrisk.physics.kernel import parallel_kernel
from heatrisk.physics.line import Heights, Raster, Window
from heatrisk.physics.shares import TILE
from heatrisk.physics.tile import SIDE, turn_square

HIGHEST = 1e5
"""Height [m] above which, or below the negative of which, nothing stands: an error of the raster."""

RECEPTOR_HEIGHT = 1.1
"""Height [m] of the receptor above the ground: the abdomen of a standing person (ISO 7726)."""

_NO_CROWNS = np.empty((0, 0), np.float32)
"""Crown heights of a town without trees."""


@dataclass(frozen=True)
class ShadeScene:
    """A town prepared for any sun: its heights row by row and column by column. Made by `shade_scene`.

    Attributes
    ----------
    cell_size : float
        Side of a sub-cell [m].
    factor : int
        Sub-cells along each side of a cell.
    window : tuple of int
        The cells asked for: first row, first column, rows, columns.
    origin : tuple of int
        Row and column [sub-cells] of the corner in the whole grid.
    receptor_height : float
        Height of the receptor above the ground [m].
    relief : float
        Height of the highest obstacle above the lowest ground [m].
    receptors, receptors_by_column : ndarray of float32, shape (rows, columns) and (columns, rows)
        Number of outdoor sub-cells in each cell of the window.
    """

    cell_size: float
    factor: int
    window: Window
    origin: tuple[int, int]
    receptor_height: float
    relief: float
    receptors: Raster
    receptors_by_column: Raster
    by_row: Heights = field(repr=False)
    by_column: Heights = field(repr=False)

    @property
    def outdoor_fraction(self) -> Raster:
        """Share of outdoor sub-cells in each cell of the window, 0 to 1."""
        return self.receptors / np.float32(self.factor**2)


def shade_scene(
    terrain: ArrayLike,
    roof: ArrayLike,
    *,
    cell_size: float = 1.0,
    factor: int = 5,
    outdoor: ArrayLike | None = None,
    crown_top: ArrayLike | None = None,
    crown_base: ArrayLike | None = None,
    receptor_height: float = RECEPTOR_HEIGHT,
    window: Window | None = None,
    origin: tuple[int, int] = (0, 0),
    datum: float | None = None,
) -> ShadeScene:
    """Prepare a town of terrain, buildings and trees for `sunlit_fraction`.

    ::

                            .--.  crown_top      above the ground
        roof .----.        (    )
             |    |         `--´  crown_base     the sun passes below
             |    |  *        |
        _____|    |__|________|____ terrain      * receptor

    Parameters
    ----------
    terrain : array_like, shape (R, C)
        Ground elevation of the sub-cells [m], row 0 north; NaN is unknown: not outdoors, casts no shade.
    roof : array_like, shape (R, C)
        Elevation of the top of the building [m], same datum; NaN is no building. A building acts as a
        column with vertical walls, terrain from cell centre to cell centre.
    cell_size : float
        Side of a sub-cell [m], > 0.
    factor : int
        Sub-cells along each side of a cell, 1 to 255; R and C are multiples of it.
    outdoor : array_like of bool, shape (R, C), optional
        Sub-cells that count; by default all without building. Buildings never count. Ground that does
        not count still casts shade, as a column.
    crown_top, crown_base : array_like, shape (R, C), optional
        Top and bottom of the tree crown above the ground [m]; NaN or a top of 0 is no tree. Without
        `crown_base` crowns reach the ground.
    receptor_height : float
        Height of the receptor above the ground [m].
    window : tuple of int, optional
        Cells asked for, as (row, column, rows, columns); the rest is halo. By default everything.
    origin : tuple of int
        Row and column [sub-cells] of this block's corner in the whole grid, and
    datum : float, optional
        elevation [m] that heights are stored from, by default the lowest ground. With one datum and their
        origins, blocks with `halo_width` give the same bits as the whole grid.

    Returns
    -------
    ShadeScene

    Raises
    ------
    InputError
        If a raster is not two-dimensional or holds a height that no town has, which would shade everything
        behind it, or `cell_size`, `factor` or `window` is out of range.
    GridMismatchError
        If the rasters differ in shape, or their shape is no multiple of `factor`.
    """
    ground, top = raster("terrain", terrain), raster("roof", roof)
    check_cell_size(cell_size)
    window = _check_grid(ground, factor, window)
    _check_shape(ground, roof=top, outdoor=outdoor, crown_top=crown_top, crown_base=crown_base)
    refuse_endless(terrain=ground, roof=top)
    free = np.isnan(top) & np.isfinite(ground)
    if outdoor is not None:
        free &= np.asarray(outdoor, bool)
    datum = _lowest(ground) if datum is None else float(datum)
    parts = [framed(np.where(np.isnan(top), ground, top), datum, -np.inf)]
    _flag(parts[0], free)
    if crown_top is None:
        parts += [_NO_CROWNS, _NO_CROWNS]
    else:
        crown = raster("crown_top", crown_top)
        refuse_endless(crown_top=crown)
        base = raster("crown_base", 0.0 * crown if crown_base is None else crown_base)
        refuse_endless(crown_base=base)
        with np.errstate(invalid="ignore"):
            tree = crown > 0.0
        parts += [framed(np.where(tree, ground + crown, np.nan), datum, -np.inf)]
        parts += [framed(np.where(tree, ground + np.nan_to_num(base), np.nan), datum, np.inf)]
    by_row, receptors = Heights(*parts), _block_sum(free, factor, window)
    return ShadeScene(
        cell_size=float(cell_size),
        factor=factor,
        window=window,
        origin=origin,
        receptor_height=float(receptor_height),
        relief=_relief(by_row, _lowest(np.where(free, ground, np.nan)) - datum),
        receptors=receptors,
        receptors_by_column=np.ascontiguousarray(receptors.T),
        by_row=by_row,
        by_column=Heights(*(turned(part) for part in parts)),
    )


def _relief(town: Heights, lowest: float) -> float:
    """Height of the highest obstacle above the lowest ground [m]."""
    return max(0.0, *(float(np.max(part, initial=-np.inf)) - lowest for part in (town.top, town.crown_top)))


@parallel_kernel
def framed(heights: NDArray[Any], datum: float, nothing: float) -> Raster:
    """Heights above the datum, `nothing` for NaN, with an empty column at each side."""
    rows, columns = heights.shape
    out = np.full((rows, columns + 2), nothing, np.float32)
    for i in numba.prange(rows):
        for j in range(columns):
            height = heights[i, j] - datum
            out[i, j + 1] = nothing if math.isnan(height) else height
    return out


@parallel_kernel
def _flag(top: Raster, free: NDArray[np.bool_]) -> None:
    """Set the last bit of the height of every column, clear it on free ground."""
    bits = top.view(np.int32)
    for i in numba.prange(free.shape[0]):
        for j in range(free.shape[1]):
            column = not free[i, j] and math.isfinite(top[i, j + 1])
            bits[i, j + 1] = (bits[i, j + 1] & ~1) | column


@parallel_kernel
def turned(framed: Raster) -> Raster:
    """Transpose a framed raster, tile by tile, and frame it again."""
    rows, columns = framed.shape[0], framed.shape[1] - 2
    if columns < 0:
        return framed
    out = np.full((columns, rows + 2), framed[0, 0], np.float32)
    for tile in numba.prange((columns + TILE - 1) // TILE):
        for above in range(0, rows, TILE):
            bottom, right = min(rows, above + TILE), min(columns, (tile + 1) * TILE)
            for i in range(above, bottom, SIDE):
                for j in range(tile * TILE, right, SIDE):
                    if i + SIDE <= bottom and j + SIDE <= right:
                        turn_square(framed, i, j + 1, out, j, i + 1)
                    else:
                        for k in range(i, min(i + SIDE, bottom)):
                            out[j : min(j + SIDE, right), k + 1] = framed[k, j + 1 : min(j + SIDE, right) + 1]
    return out


def _lowest(heights: NDArray[Any]) -> float:
    """Lowest known height, 0 where none is known."""
    lowest = float(np.fmin.reduce(heights, axis=None, initial=np.inf))
    return lowest if math.isfinite(lowest) else 0.0


def _block_sum(flags: NDArray[np.bool_], factor: int, window: Window) -> Raster:
    """Count the true sub-cells in every cell of the window."""
    row, column, rows, columns = window
    part = flags[row * factor : (row + rows) * factor, column * factor : (column + columns) * factor]
    count: Raster = part.reshape(rows, factor, columns, factor).sum(axis=(1, 3), dtype=np.float32)
    return count


def raster(name: str, values: ArrayLike) -> NDArray[Any]:
    """Give a raster of floating-point heights in rows, refuse anything else."""
    array = np.asarray(values)
    if array.ndim != 2:
        raise InputError(f"{name} is no raster", expected="two dimensions", got=f"shape {array.shape}")
    kept = array.dtype in (np.float32, np.float64)
    return np.ascontiguousarray(array, array.dtype.newbyteorder("=") if kept else np.float64)


def refuse_endless(**rasters: NDArray[Any]) -> None:
    """Refuse heights that no town has: what is unknown is NaN."""
    for name, heights in rasters.items():
        refuse_towering(name, heights)
        _refuse(name, float(np.fmin.reduce(heights, axis=None, initial=0.0)))


def refuse_towering(name: str, heights: NDArray[Any]) -> None:
    """Refuse heights above those of any town, which would shade everything behind them."""
    _refuse(name, float(np.fmax.reduce(heights, axis=None, initial=0.0)))


def _refuse(name: str, extreme: float) -> None:
    if abs(extreme) > HIGHEST:
        raise InputError(
            f"{name} holds a height that no town has",
            expected=f"m, up to {HIGHEST:g}; NaN = no data",
            got=str(extreme),
        )


def check_cell_size(cell_size: float) -> None:
    """Refuse what cannot be the side of a cell."""
    if not (math.isfinite(cell_size) and cell_size > 0):
        raise InputError("cell_size cannot be used", expected="metres > 0", got=str(cell_size))


def _check_grid(raster: NDArray[Any], factor: int, window: Window | None) -> Window:
    """Check the grid; give the window, everything by default."""
    if not 1 <= factor <= 255:
        raise InputError("factor cannot be used", expected="1 to 255", got=str(factor))
    if raster.shape[0] % factor or raster.shape[1] % factor:
        raise GridMismatchError(
            "sub-cells do not fill whole cells",
            expected=f"rows and columns in multiples of {factor}",
            got=f"{raster.shape}",
        )
    rows, columns = (size // factor for size in raster.shape)
    if window is None:
        return 0, 0, rows, columns
    top, left, height, width = window
    if min(window) < 0 or top + height > rows or left + width > columns:
        raise InputError(
            "window leaves the raster", expected=f"within {rows} x {columns} cells", got=str(window)
        )
    return window


def _check_shape(raster: NDArray[Any], **others: ArrayLike | None) -> None:
    for name, other in others.items():
        if other is not None and np.shape(other) != raster.shape:
            raise GridMismatchError(
                f"{name} lies on another grid than the terrain",
                expected=f"{raster.shape}",
                got=f"{np.shape(other)}",
            )
