"""A town as columns: terrain, buildings and trees prepared once for every sun."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatrisk.errors import GridMismatchError, InputError
from heatrisk.physics.given import check_cell_size, check_range, raster
from heatrisk.physics.kernel import kernel, parallel_kernel
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
    crown_base: ArrayLike | float = 0.0,
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
    crown_top : array_like, shape (R, C), optional
        Top of the tree crown above the ground [m]; NaN or 0 is no tree.
    crown_base : array_like, shape (R, C), or float
        Bottom of the crown above the ground [m], NaN on it; or the share of the top's height at which it is,
        0 to 1.
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
    ground, building = raster("terrain", terrain), raster("roof", roof)
    check_cell_size(cell_size)
    window = _check_grid(ground, factor, window)
    base = None if np.ndim(crown_base) == 0 else raster("crown_base", crown_base)
    _check_shape(ground, roof=building, outdoor=outdoor, crown_top=crown_top, crown_base=base)
    lowest = refuse_endless("terrain", ground)
    refuse_endless("roof", building)
    datum = _known(lowest) if datum is None else float(datum)
    counted = None if outdoor is None else np.asarray(np.ma.filled(outdoor, False), bool)
    top, receptors, spans = _columns(ground, building, counted, datum, factor, window)
    bottom, highest = _ends(spans)
    crowns = _NO_CROWNS, _NO_CROWNS
    if crown_top is not None:
        crown = raster("crown_top", crown_top)
        refuse_endless("crown_top", crown)
        if base is not None:
            refuse_endless("crown_base", base)
        share = 0.0 if base is not None else float(np.asarray(crown_base))
        check_range("crown_base", share, 1.0)
        crowns = _crowns(ground, crown, base, np.float32(share), datum)
        highest = max(highest, float(np.max(crowns[0], initial=-np.inf)))
    by_row = Heights(top, *crowns)
    return ShadeScene(
        cell_size=float(cell_size),
        factor=factor,
        window=window,
        origin=origin,
        receptor_height=float(receptor_height),
        relief=max(0.0, highest - (_known(bottom) - datum)),
        receptors=receptors,
        receptors_by_column=np.ascontiguousarray(receptors.T),
        by_row=by_row,
        by_column=Heights(*(turned(part) for part in by_row)),
    )


def lowest_ground(terrain: NDArray[Any]) -> float:
    """Return the lowest known height of the ground, 0 where none is known: the datum of `shade_scene`."""
    return _known(_ends(_spans(terrain))[0])


def _known(lowest: float) -> float:
    """Return a lowest height, 0 where none is known."""
    return lowest if math.isfinite(lowest) else 0.0


@parallel_kernel
def _columns(
    ground: NDArray[Any], roof: NDArray[Any], outdoor: Any, datum: float, factor: int, window: Window
) -> tuple[Raster, Raster, NDArray[np.float64]]:
    """Frame the tops above the datum, with the last bit 1 but on free ground, and count that in the window.

    Return also, for every row of cells, the lowest free ground, and the highest top above the datum.
    """
    rows, columns = ground.shape
    top, spans = np.empty((rows, columns + 2), np.float32), np.empty((rows // factor, 2))
    receptors = np.zeros((window[2], window[3]), np.float32)
    bits, first = top.view(np.int32), window[0]
    for cell in numba.prange(spans.shape[0]):
        least, most = np.inf, -np.inf
        free = np.empty(columns, np.bool_)
        inside = first <= cell < first + window[2]
        for i in range(cell * factor, (cell + 1) * factor):
            top[i, 0] = top[i, columns + 1] = -np.inf
            for j in range(columns):
                built = not math.isnan(roof[i, j])
                free[j] = not built and not math.isnan(ground[i, j])
                if outdoor is not None:
                    free[j] &= outdoor[i, j]
                height = np.float32((roof[i, j] if built else ground[i, j]) - datum)
                top[i, j + 1] = height if not math.isnan(height) else -np.inf
            for j in range(columns):
                column = not free[j] and math.isfinite(top[i, j + 1])
                bits[i, j + 1] = (bits[i, j + 1] & ~1) | column
            for j in range(columns):
                known = np.float64(ground[i, j])
                least = known if free[j] and known < least else least
                most = max(most, np.float64(top[i, j + 1]))
            if inside:
                _count(free[window[1] * factor :], factor, receptors[cell - first])
        spans[cell] = least, most
    return top, receptors, spans


@kernel
def _count(flags: Any, factor: int, counts: Raster) -> None:
    """Add the true ones of every ``factor`` flags to their count."""
    for cell in range(counts.size):
        count = 0
        for k in range(cell * factor, (cell + 1) * factor):
            count += flags[k]
        counts[cell] += count


@parallel_kernel
def _crowns(
    ground: NDArray[Any], crown: NDArray[Any], base: Any, share: np.float32, datum: float
) -> tuple[Raster, Raster]:
    """Return framed tops and undersides of the crowns above the datum, these by share where not given."""
    rows, columns = ground.shape
    top, bottom = np.empty((rows, columns + 2), np.float32), np.empty((rows, columns + 2), np.float32)
    for i in numba.prange(rows):
        top[i, 0] = top[i, columns + 1] = -np.inf
        bottom[i, 0] = bottom[i, columns + 1] = np.inf
        for j in range(columns):
            foot = ground[i, j]
            if base is None:
                foot += share * crown[i, j]
            elif not math.isnan(base[i, j]):
                foot += base[i, j]
            tree = crown[i, j] > 0.0 and not math.isnan(ground[i, j])
            top[i, j + 1] = ground[i, j] + crown[i, j] - datum if tree else -np.inf
            bottom[i, j + 1] = foot - datum if tree else np.inf
    return top, bottom


@parallel_kernel
def closed_cells(
    terrain: NDArray[Any], roof: NDArray[Any], factor: int, window: Window, built: int, unknown: int
) -> NDArray[np.uint8]:
    """Return, for the cells of a window, 0 where there is free ground; else whether there is any building."""
    codes = np.empty((window[2], window[3]), np.uint8)
    for row in numba.prange(codes.shape[0]):
        for column in range(codes.shape[1]):
            top, left, code = (window[0] + row) * factor, (window[1] + column) * factor, unknown
            for k in range(factor * factor):
                i, j = top + k // factor, left + k % factor
                if not math.isnan(roof[i, j]):
                    code = built
                elif not math.isnan(terrain[i, j]):
                    code = 0
                    break
            codes[row, column] = code
    return codes


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


def turned(framed: Raster) -> Raster:
    """Transpose a framed raster and frame it again."""
    return _turned(framed) if framed.size else framed


@parallel_kernel
def _turned(framed: Raster) -> Raster:
    """Transpose a framed raster tile by tile."""
    rows, columns = framed.shape[0], framed.shape[1] - 2
    out = np.empty((columns, rows + 2), np.float32)
    for tile in numba.prange((columns + TILE - 1) // TILE):
        right = min(columns, (tile + 1) * TILE)
        out[tile * TILE : right, 0] = out[tile * TILE : right, rows + 1] = framed[0, 0]
        for above in range(0, rows, TILE):
            bottom = min(rows, above + TILE)
            for i in range(above, bottom, SIDE):
                for j in range(tile * TILE, right, SIDE):
                    if i + SIDE <= bottom and j + SIDE <= right:
                        turn_square(framed, i, j + 1, out, j, i + 1)
                    else:
                        for k in range(i, min(i + SIDE, bottom)):
                            out[j : min(j + SIDE, right), k + 1] = framed[k, j + 1 : min(j + SIDE, right) + 1]
    return out


def refuse_endless(name: str, heights: NDArray[Any]) -> float:
    """Refuse heights that no town has: what is unknown is NaN. Return the lowest, inf where none is known."""
    lowest, highest = _ends(_spans(heights))
    _refuse(name, max(highest, 0.0))
    _refuse(name, min(lowest, 0.0))
    return lowest


def refuse_towering(name: str, heights: NDArray[Any]) -> None:
    """Refuse heights above those of any town, which would shade everything behind them."""
    _refuse(name, max(_ends(_spans(heights))[1], 0.0))


@parallel_kernel
def _spans(heights: NDArray[Any]) -> NDArray[np.float64]:
    """Lowest and highest known height of every row, inf and -inf where none is known."""
    spans = np.empty((heights.shape[0], 2))
    for i in numba.prange(heights.shape[0]):
        least, most = np.inf, -np.inf
        for j in range(heights.shape[1]):
            height = np.float64(heights[i, j])
            least = height if height < least else least
            most = height if height > most else most
        spans[i] = least, most
    return spans


def _ends(spans: NDArray[np.float64]) -> tuple[float, float]:
    """Return the lowest and the highest height of all rows."""
    return float(spans[:, 0].min(initial=np.inf)), float(spans[:, 1].max(initial=-np.inf))


def _refuse(name: str, extreme: float) -> None:
    if abs(extreme) > HIGHEST:
        raise InputError(
            f"{name} holds a height that no town has",
            expected=f"m, up to {HIGHEST:g}; NaN = no data",
            got=str(extreme),
        )


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
