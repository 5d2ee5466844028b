r"""The one-pass sweep: every line away from the sun carries one shadow height.

A sun ray that grazes the top of a column reaches the ground further on, so the shade behind a column is
a height that falls by the tangent of the sun's elevation along the way (Ratti & Richens 2004).  Walking
away from the sun it is enough to carry the highest shade met so far (the line sweep of Timonen &
Westerholm 2010, for one direction): every cell is visited once, whatever the sun's height.

::

     sun                             seen from above, away from the sun, row by row:
       \
    ____\  edge where it leaves      row - 1   |  a |    |      a  cell left behind: counts to the edge
    |    |\                                    |  \ |    |         where the line leaves it
    |roof| \  shade                          --+---\+----+--    b  corner cell crossed on the way
    |    |  \ height                            |    \  b |         counts to its own edge
    |____|___\______ ground           row       |    |\ c |      c  cell whose middle the line meets

Each line is traversed exactly (Amanatides & Woo 1987, section 2): a column counts up to the edge where the
line leaves it, and the corner cell between two rows counts too.  Ground acts from centre to centre, or the
stair steps of a slope would shade themselves.  All lines have the same lateral phase in a row, so the
inner loops have constant coefficients and vectorise.  Crowns are a band between two heights that the
sun may pass under (after Lindberg & Grimmond 2011).

"Along" is the axis that the sun's direction is closer to; a sweep across the columns runs on a transposed
copy.  Lines are numbered on the whole grid (`Sweep.anchor`), so a block with its halo repeats the whole
grid's arithmetic bit for bit; bands for threads repeat the rows upstream for the same reason.

References
----------
Amanatides, J. & Woo, A. (1987). A fast voxel traversal algorithm for ray tracing. Eurographics '87, 3-10.
Lindberg, F. & Grimmond, C. S. B. (2011). The influence of vegetation and building morphology on shadow
patterns and mean radiant temperatures in urban areas. Theor. Appl. Climatol. 105, 311-323.
Ratti, C. & Richens, P. (2004). Raster analysis of urban form. Environ. Plann. B 31, 297-309.
Timonen, V. & Westerholm, J. (2010). Scalable height field self-shadowing. Comput. Graph. Forum 29, 723-731.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from heatrisk.physics.kernel import kernel, parallel_kernel

Raster = NDArray[np.float32]
Counts = NDArray[np.uint32]
Window = tuple[int, int, int, int]  # first row, first column, rows, columns [cells]

FAR = np.float32(1e30)  # higher than any obstacle; -FAR is lower than any ground
_TOUCH = 1e-9  # a line this close to a corner [rows] passes through it and crosses no corner cell
TILE = 64  # side of the tiles of a transposition: 64 x 64 floats stay in the first-level cache


class Heights(NamedTuple):
    """A town as columns: heights above one datum [m], framed by one empty column at each side."""

    top: Raster  # ground or top of the column, -inf without either; the last bit is 1 where it is a column
    crown_top: Raster  # -inf without a tree; shape (0, 0) in a town without trees
    crown_base: Raster  # +inf without a tree


class Sweep(NamedTuple):
    """Suns of one azimuth over one window, in the terms of the sweep: ``row`` along, ``column`` across."""

    step: int  # +1: rows are walked as stored, -1: backwards
    side: int  # lines drift towards higher (+1) or lower (-1) columns
    slope: float  # drift [columns per row], 0 to 1
    drops: NDArray[np.float64]  # for each sun, fall of the shade over one row [m]
    reaches: NDArray[np.int64]  # for each sun, rows after which no shade is left
    anchor: int  # number of row 0 in the whole grid
    receptor: float  # height of the receptor above the ground [m]
    factor: int  # sub-cells along each side of a cell, 1 to 255
    row: int  # the window: first cell, number of cells
    rows: int
    column: int
    columns: int


def towards(
    zeniths: Sequence[float],
    azimuth: float,
    cell_size: float,
    relief: float,
    window: Window,
    *,
    factor: int = 1,
    receptor: float = 0.0,
    anchor: tuple[int, int] = (0, 0),
) -> tuple[bool, Sweep]:
    """Turn suns above one another into a sweep; the flag says that it runs across, on the transposed town."""
    north, east = math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))
    across = abs(east) > abs(north)
    # Away from the sun: rows grow southwards (+north), columns eastwards (-east).
    along, aside = (-east, north) if across else (north, -east)
    drops = [cell_size * math.tan(math.radians(90.0 - zenith)) / abs(along) for zenith in zeniths]
    row, column, rows, columns = window
    if across:
        row, column, rows, columns = column, row, columns, rows
    return across, Sweep(
        step=1 if along > 0 else -1,
        side=1 if aside > 0 else -1,
        slope=abs(aside / along),
        drops=np.array(drops),
        reaches=np.array([int(min(relief / drop, 1e8)) + 2 for drop in drops]),
        anchor=anchor[int(across)],
        receptor=receptor,
        factor=factor,
        row=row,
        rows=rows,
        column=column,
        columns=columns,
    )


# --- the way of a line --------------------------------------------------------------------------------------


@kernel
def place(slope: float, row: int, phase: float) -> tuple[int, float]:
    """Columns that the lines have drifted at a row, and what is left to the middle of a cell [columns]."""
    sideways = slope * row + phase
    cells = math.floor(sideways + 0.5)
    return int(cells), sideways - cells


@kernel
def crossing(slope: float, phase: float, turn: int) -> tuple[float, bool, bool]:
    """Share of the step to the next row before the lines change column, 1 if they do not.

    The flags say that a corner cell is crossed, and that it lies in the row ahead.
    """
    share = 1.0 if turn == 0 else (0.5 - phase) / slope
    return share, turn != 0 and abs(share - 0.5) >= _TOUCH, share >= 0.5


# --- inner steps: one row of lines --------------------------------------------------------------------------


@kernel
def _advance(shade: Any, behind: Any, flags: Any, drop: Any, fall: Any) -> None:
    """Carry the shade one row on: a falling height, raised by ground or column of the row behind."""
    for i in range(shade.size):
        height = shade[i] - drop
        edge = behind[i] - (fall if flags[i] & 1 else drop)
        shade[i] = edge if edge > height else height


@kernel
def _advance_past(
    shade: Any, behind: Any, flags: Any, corner: Any, marked: Any, drop: Any, fall: Any, corner_fall: Any
) -> None:
    """Advance past a corner cell, of which only a column counts."""
    for i in range(shade.size):
        height = shade[i] - drop
        edge = behind[i] - (fall if flags[i] & 1 else drop)
        height = edge if edge > height else height
        beside = corner[i] - corner_fall if marked[i] & 1 else -FAR
        shade[i] = beside if beside > height else height


@kernel
def _join_crowns(
    upper: Any, lower: Any, top: Any, base: Any, ground: Any, fall: Any, top_fall: Any, base_fall: Any
) -> None:
    """Let the band of crown shade fall and join the crowns of a row to it.

    A band that has sunk into the ground or a roof ends, so the sun between two rows of trees stays.
    """
    for i in range(upper.size):
        over = upper[i] - fall
        under = lower[i] - fall if over > ground[i] else FAR
        high, low = top[i] - top_fall, base[i] - base_fall
        upper[i] = high if high > over else over
        lower[i] = low if low < under else under


@kernel
def _count(shade: Any, ground: Any, flags: Any, receptor: Any, lit: Any) -> None:
    """Count the receptors that the shade of ground and columns does not reach."""
    for i in range(lit.size):
        lit[i] += np.int32(shade[i] <= ground[i] + receptor) & ~flags[i]


@kernel
def _count_veiled(
    shade: Any,
    upper: Any,
    lower: Any,
    top: Any,
    base: Any,
    ground: Any,
    flags: Any,
    receptor: Any,
    half: Any,
    veiled: Any,
) -> None:
    """Count those of the lit receptors whose ray passes a crown, another tree's or the one above them."""
    for i in range(veiled.size):
        level = ground[i] + receptor
        other = (lower[i] - half <= level) & (level <= upper[i] - half)
        above = (base[i] - half <= level) & (level <= top[i])
        veiled[i] += np.int32((shade[i] <= level) & (other | above)) & ~flags[i]


@kernel
def _fold(row_counts: Any, factor: int, cells: Any) -> None:
    """Add the counts of sub-cells to their cells and clear them."""
    for cell in range(cells.size):
        total = cells[cell]
        for i in range(cell * factor, (cell + 1) * factor):
            total += np.uint32(row_counts[i])
        cells[cell] = total
    row_counts[:] = 0


# --- a band of rows, then all bands at once -----------------------------------------------------------------


@kernel
def _step(
    shade: Any, top: Any, flags: Any, row: int, left: int, sweep: Sweep, drop: Any, phase: float, turn: int
) -> None:
    """Advance lines from the row before, where they had ``phase``, to ``row``, ``turn`` columns aside."""
    n, before, behind = shade.size, row - sweep.step, left - turn
    share, past, ahead = crossing(sweep.slope, phase, turn)
    half, rest, fall = np.float32(0.5 * drop), np.float32((1.0 - share) * drop), np.float32(drop)
    tops, flagged = top[before, behind : behind + n], flags[before, behind : behind + n]
    edge = rest if turn != 0 and not ahead else half
    if not past:
        _advance(shade, tops, flagged, fall, edge)
        return
    corner_row, corner, corner_fall = (row, behind, rest) if ahead else (before, left, half)
    beside, marked = top[corner_row, corner : corner + n], flags[corner_row, corner : corner + n]
    _advance_past(shade, tops, flagged, beside, marked, fall, edge, corner_fall)


@kernel
def _step_crowns(
    upper: Any,
    lower: Any,
    heights: Heights,
    row: int,
    left: int,
    sweep: Sweep,
    drop: Any,
    phase: float,
    turn: int,
) -> None:
    """Join the crowns of the corner cells to the bands, which stand at the edge between the rows."""
    share, past, ahead = crossing(sweep.slope, phase, turn)
    if not past:
        return
    n, beyond = upper.size, np.float32((share - 0.5) * drop)
    nil = np.float32(0.0)
    corner_row, corner = (row, left - turn) if ahead else (row - sweep.step, left)
    _join_crowns(
        upper,
        lower,
        heights.crown_top[corner_row, corner : corner + n],
        heights.crown_base[corner_row, corner : corner + n],
        heights.top[row, left : left + n],
        nil,
        -max(beyond, nil),
        -min(beyond, nil),
    )


@kernel
def _leave_row(upper: Any, lower: Any, heights: Heights, row: int, left: int, drop: Any) -> None:
    """Carry the bands over a row to its far edge, where its crowns have been crossed."""
    here = slice(left, left + upper.size)
    top, base = heights.crown_top[row, here], heights.crown_base[row, here]
    _join_crowns(upper, lower, top, base, heights.top[row, here], drop, np.float32(0.0), drop)


@kernel
def _span(
    sweep: Sweep, reach: int, shape: tuple[int, int], first: int, last: int
) -> tuple[int, int, int, int, int, int]:
    """Rows to start at, to count from and to end before; first column and width to sweep; first to count.

    Upstream of the window as far as shade can come from, and no further: the halo costs a high sun nothing.
    """
    begin, end = first * sweep.factor, last * sweep.factor
    if sweep.step < 0:
        begin, end = end - 1, begin - 1
    start = min(max(begin - sweep.step * reach, 0), shape[0] - 1)
    drift = math.ceil(sweep.slope * (reach + 1)) + 1
    west, east = sweep.column * sweep.factor, (sweep.column + sweep.columns) * sweep.factor
    left = max(west - drift, 0) if sweep.side > 0 else west
    right = min(east + drift, shape[1] - 2) if sweep.side < 0 else east
    return start, begin, end, left, right - left, west - left


@kernel
def _sweep_band(heights: Heights, sweep: Sweep, first: int, last: int, lit: Any, veiled: Any) -> None:
    """Sweep cells ``first`` to ``last`` along, after the rows upstream that can shade them.

    All suns pass a row before the next row is read.
    """
    top, shape, suns = heights.top, heights.top.shape, sweep.drops.size
    flags = top.view(np.int32)
    start, begin, end, base, width, _ = _span(sweep, sweep.reaches.max(), shape, first, last)
    n, slope, trees = sweep.columns * sweep.factor, sweep.slope, heights.crown_top.size > 0
    receptor = np.float32(sweep.receptor)
    west = sweep.column * sweep.factor + 1
    window = slice(west, west + n)
    row_lit, row_veiled = np.zeros(n, np.int32), np.zeros(n, np.int32)
    number = sweep.step * (sweep.anchor + start)
    origin = place(slope, number, 0.0)[0]
    extent = place(slope, number + abs(end - start), 1.0)[0] - origin
    # By line, not by column: a line keeps its place while the window moves over the array.
    shade = np.full((suns, width + extent), -FAR, np.float32)
    bands = suns if trees else 0
    upper = np.full((bands, width + extent), -FAR, np.float32)
    lower = np.full_like(upper, FAR)
    for row in range(start, end, sweep.step):
        inside = (row - begin) * sweep.step >= 0
        cells, _ = place(slope, number, 0.0)
        before, phase = place(slope, number - 1, 0.0)
        at = cells - origin if sweep.side < 0 else extent - (cells - origin)
        turn = sweep.side * (cells - before)
        for k in range(suns):
            begun, _, _, left, width, inner = _span(sweep, sweep.reaches[k], shape, first, last)
            if (row - begun) * sweep.step < 0:
                continue
            here = slice(at + left - base, at + left - base + width)
            drop = sweep.drops[k]
            if row != begun:
                _step(shade[k, here], top, flags, row, left + 1, sweep, drop, phase, turn)
            if trees and row != begun:
                _step_crowns(upper[k, here], lower[k, here], heights, row, left + 1, sweep, drop, phase, turn)
            if inside:
                part = slice(here.start + inner, here.start + inner + n)
                ground, flagged = top[row, window], flags[row, window]
                _count(shade[k, part], ground, flagged, receptor, row_lit)
                if trees:
                    _count_veiled(
                        shade[k, part], upper[k, part], lower[k, part],
                        heights.crown_top[row, window], heights.crown_base[row, window],
                        ground, flagged, receptor, np.float32(0.5 * drop), row_veiled,
                    )  # fmt: skip
            if trees:
                _leave_row(upper[k, here], lower[k, here], heights, row, left + 1, np.float32(drop))
        if inside and (row + (sweep.step > 0)) % sweep.factor == 0:
            _fold(row_lit, sweep.factor, lit[row // sweep.factor - sweep.row])
            if trees:
                _fold(row_veiled, sweep.factor, veiled[row // sweep.factor - sweep.row])
        number += 1


@parallel_kernel
def cast(heights: Heights, sweep: Sweep, bands: int, lit: Counts, veiled: Counts) -> None:
    """Add suns of one azimuth to the counts of lit and of veiled receptors in every cell of the window.

    The rows are shared out in ``bands``; no result depends on their number.
    """
    for band in numba.prange(bands):
        first = sweep.row + band * sweep.rows // bands
        last = sweep.row + (band + 1) * sweep.rows // bands
        if first < last:
            _sweep_band(heights, sweep, first, last, lit, veiled)


@parallel_kernel
def turn_onto(across: Counts, along: Counts) -> None:
    """Add counts (lit, veiled) by column to counts by row, tile by tile."""
    rows, columns = along.shape[1:]
    for tile in numba.prange((rows + TILE - 1) // TILE):
        for left in range(0, columns, TILE):
            for i in range(tile * TILE, min(rows, (tile + 1) * TILE)):
                for j in range(left, min(columns, left + TILE)):
                    along[0, i, j] += across[0, j, i]
                    along[1, i, j] += across[1, j, i]


@parallel_kernel
def shares(counts: Counts, outdoor: Raster, sub_cells: int, suns: int, dim: float) -> Raster:
    """Light per sun and outdoor sub-cell: the lit ones less ``dim`` of the veiled; NaN without outdoors.

    Counts are (lit, veiled), by row.
    """
    out = np.full(outdoor.shape, np.nan, np.float32)
    for i in numba.prange(outdoor.shape[0]):
        for j in range(outdoor.shape[1]):
            receptors = suns * math.floor(outdoor[i, j] * sub_cells + 0.5)  # whole, so that full sun is 1
            if receptors > 0:
                out[i, j] = (counts[0, i, j] - dim * counts[1, i, j]) / receptors
    return out
