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
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from heatrisk.physics.kernel import kernel, parallel_kernel

Raster = NDArray[np.float32]
Counts = NDArray[np.uint32]
Window = tuple[int, int, int, int]  # first row, first column, rows, columns [cells]

_FAR = np.float32(1e30)  # higher than any obstacle; -_FAR is lower than any ground
_TOUCH = 1e-9  # a line this close to a corner [rows] passes through it and crosses no corner cell
_TILE = 64  # side of the tiles of a transposition: 64 x 64 floats stay in the first-level cache


class Heights(NamedTuple):
    """A town as columns: heights above one datum [m], framed by one empty column at each side."""

    roof: Raster  # top of the column, -inf without
    ground: Raster  # ground under a receptor, -inf where none stands
    crown_top: Raster  # -inf without a tree; shape (0, 0) in a town without trees
    crown_base: Raster  # +inf without a tree


class Sweep(NamedTuple):
    """One sun over one window, in the terms of the sweep: ``row`` along, ``column`` across."""

    step: int  # +1: rows are walked as stored, -1: backwards
    side: int  # lines drift towards higher (+1) or lower (-1) columns
    slope: float  # drift [columns per row], 0 to 1
    drop: float  # fall of the shade over one row [m]
    reach: int  # rows after which no shade is left
    anchor: int  # number of row 0 in the whole grid
    receptor: float  # height of the receptor above the ground [m]
    lines: int  # lines per column; the one nearest the middle of a cell decides
    factor: int  # sub-cells along each side of a cell, 1 to 255
    row: int  # the window: first cell, number of cells
    rows: int
    column: int
    columns: int


def towards(
    zenith: float,
    azimuth: float,
    cell_size: float,
    relief: float,
    window: Window,
    *,
    factor: int = 1,
    receptor: float = 0.0,
    anchor: tuple[int, int] = (0, 0),
    lines: int = 1,
) -> tuple[bool, Sweep]:
    """Turn a sun into a sweep; the flag says that it runs across, on the transposed town."""
    north, east = math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))
    across = abs(east) > abs(north)
    # Away from the sun: rows grow southwards (+north), columns eastwards (-east).
    along, aside = (-east, north) if across else (north, -east)
    drop = cell_size * math.tan(math.radians(90.0 - zenith)) / abs(along)
    row, column, rows, columns = window
    if across:
        row, column, rows, columns = column, row, columns, rows
    return across, Sweep(
        step=1 if along > 0 else -1,
        side=1 if aside > 0 else -1,
        slope=abs(aside / along),
        drop=drop,
        reach=int(min(relief / drop, 1e8)) + 2,
        anchor=anchor[int(across)],
        receptor=receptor,
        lines=lines,
        factor=factor,
        row=row,
        rows=rows,
        column=column,
        columns=columns,
    )


# --- inner steps: one row of lines --------------------------------------------------------------------------


@kernel
def _place(slope: float, row: int, phase: float) -> tuple[int, float]:
    """Columns that the lines have drifted at a row, and what is left to the middle of a cell [columns]."""
    sideways = slope * row + phase
    cells = math.floor(sideways + 0.5)
    return int(cells), sideways - cells


@kernel
def _advance(
    shade: Any, ground: Any, roof: Any, corner: Any, drop: Any, roof_drop: Any, corner_drop: Any
) -> None:
    """Carry the shade one row on: a falling height, raised by ground, column and corner column."""
    for i in range(shade.size):
        height = (ground[i] if ground[i] > shade[i] else shade[i]) - drop
        behind = roof[i] - roof_drop
        height = behind if behind > height else height
        beside = corner[i] - corner_drop
        shade[i] = beside if beside > height else height


@kernel
def _join_crowns(
    upper: Any, lower: Any, top: Any, base: Any, ground: Any, fall: Any, top_drop: Any, base_drop: Any
) -> None:
    """Let the band of crown shade fall and join the crowns of a row to it.

    A band that has sunk into the ground ends, so the sun between two rows of trees stays.
    """
    for i in range(upper.size):
        over = upper[i] - fall
        under = lower[i] - fall if over > ground[i] else _FAR
        high, low = top[i] - top_drop, base[i] - base_drop
        upper[i] = high if high > over else over
        lower[i] = low if low < under else under


@kernel
def _count_lit(shade: Any, ground: Any, receptor: Any, lit: Any) -> None:
    """Count the receptors that the shade of ground and columns does not reach."""
    for i in range(lit.size):
        lit[i] += shade[i] <= ground[i] + receptor


@kernel
def _count_veiled(
    shade: Any,
    upper: Any,
    lower: Any,
    top: Any,
    base: Any,
    ground: Any,
    receptor: Any,
    half: Any,
    veiled: Any,
) -> None:
    """Count those of the lit receptors whose ray passes a crown, another tree's or the one above them."""
    for i in range(veiled.size):
        level = ground[i] + receptor
        other = (lower[i] - half <= level) & (level <= upper[i] - half)
        above = (base[i] - half <= level) & (level <= top[i])
        veiled[i] += (shade[i] <= level) & (other | above)


@kernel
def _fold(row_counts: Any, factor: int, cells: Any) -> None:
    """Add the counts of sub-cells to their cells and clear them."""
    for cell in range(cells.size):
        for i in range(cell * factor, (cell + 1) * factor):
            cells[cell] += row_counts[i]
            row_counts[i] = 0


# --- a band of rows, then all bands at once -----------------------------------------------------------------


@kernel
def _crossing(slope: float, phase: float, turn: int) -> float:
    """Share of the step from one row to the next before the lines change column; 1 if they do not."""
    return 1.0 if turn == 0 else (0.5 - phase) / slope


@kernel
def _step(shade: Any, heights: Heights, row: int, left: int, sweep: Sweep, phase: float, turn: int) -> None:
    """Advance lines from the row before, where they had ``phase``, to ``row``, ``turn`` columns aside."""
    n, before, behind = shade.size, row - sweep.step, left - turn
    crossing = _crossing(sweep.slope, phase, turn)
    half, rest = np.float32(0.5 * sweep.drop), np.float32((1.0 - crossing) * sweep.drop)
    corner_row, corner, roof_drop, corner_drop = before, behind, half, half
    if turn != 0 and crossing < 0.5:
        corner, roof_drop = left, rest
    elif turn != 0:
        corner_row, corner_drop = row, rest
    if abs(crossing - 0.5) < _TOUCH:
        corner_drop = _FAR
    _advance(
        shade,
        heights.ground[before, behind : behind + n],
        heights.roof[before, behind : behind + n],
        heights.roof[corner_row, corner : corner + n],
        np.float32(sweep.drop),
        roof_drop,
        corner_drop,
    )


@kernel
def _step_crowns(
    upper: Any, lower: Any, heights: Heights, row: int, left: int, sweep: Sweep, phase: float, turn: int
) -> None:
    """Join the crowns of the corner cells to the bands, which stand at the edge between the rows."""
    crossing = _crossing(sweep.slope, phase, turn)
    if turn == 0 or abs(crossing - 0.5) < _TOUCH:
        return
    n, beyond = upper.size, np.float32((crossing - 0.5) * sweep.drop)
    nil = np.float32(0.0)
    corner_row, corner = (row - sweep.step, left) if crossing < 0.5 else (row, left - turn)
    _join_crowns(
        upper,
        lower,
        heights.crown_top[corner_row, corner : corner + n],
        heights.crown_base[corner_row, corner : corner + n],
        heights.ground[row, left : left + n],
        nil,
        -max(beyond, nil),
        -min(beyond, nil),
    )


@kernel
def _leave_row(upper: Any, lower: Any, heights: Heights, row: int, left: int, drop: Any) -> None:
    """Carry the bands over a row to its far edge, where its crowns have been crossed."""
    here = slice(left, left + upper.size)
    top, base = heights.crown_top[row, here], heights.crown_base[row, here]
    _join_crowns(upper, lower, top, base, heights.ground[row, here], drop, np.float32(0.0), drop)


@kernel
def _count(
    shade: Any, bands: Any, heights: Heights, row: int, left: int, sweep: Sweep, lit: Any, veiled: Any
) -> None:
    """Count the lit and the veiled receptors of a row."""
    n, receptor = lit.size, np.float32(sweep.receptor)
    ground = heights.ground[row, left : left + n]
    _count_lit(shade, ground, receptor, lit)
    if heights.crown_top.size:
        top, base = heights.crown_top[row, left : left + n], heights.crown_base[row, left : left + n]
        _count_veiled(
            shade, bands[0], bands[1], top, base, ground, receptor, np.float32(0.5 * sweep.drop), veiled
        )


@kernel
def _span(sweep: Sweep, shape: tuple[int, int], first: int, last: int) -> tuple[int, int, int, int, int, int]:
    """Rows to start at, to count from and to end before; first column and width to sweep; first to count.

    Upstream of the window as far as shade can come from, and no further: the halo costs a high sun nothing.
    """
    begin, end = first * sweep.factor, last * sweep.factor
    if sweep.step < 0:
        begin, end = end - 1, begin - 1
    start = min(max(begin - sweep.step * sweep.reach, 0), shape[0] - 1)
    drift = math.ceil(sweep.slope * (sweep.reach + 1)) + 1
    west, east = sweep.column * sweep.factor, (sweep.column + sweep.columns) * sweep.factor
    left = max(west - drift, 0) if sweep.side > 0 else west
    right = min(east + drift, shape[1] - 2) if sweep.side < 0 else east
    return start, begin, end, left, right - left, west - left


@kernel
def _sweep_band(heights: Heights, sweep: Sweep, first: int, last: int, lit: Any, veiled: Any) -> None:
    """Sweep cells ``first`` to ``last`` along, after the rows upstream that can shade them."""
    start, begin, end, left, width, inner = _span(sweep, heights.ground.shape, first, last)
    n, slope, trees = sweep.columns * sweep.factor, sweep.slope, heights.crown_top.size > 0
    row_lit, row_veiled = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
    number = sweep.step * (sweep.anchor + start)
    origin = _place(slope, number, 0.0)[0]
    extent = _place(slope, number + abs(end - start), 1.0)[0] - origin
    # By line, not by column: a line keeps its place while the window moves over the array.
    shade = np.full((sweep.lines, width + extent), -_FAR, np.float32)
    upper, lower = np.full_like(shade, -_FAR), np.full_like(shade, _FAR)
    for row in range(start, end, sweep.step):
        inside = (row - begin) * sweep.step >= 0
        nearest = -math.floor(slope * number * sweep.lines + 0.5) % sweep.lines
        for line in range(sweep.lines):
            cells, _ = _place(slope, number, line / sweep.lines)
            before, phase = _place(slope, number - 1, line / sweep.lines)
            at = cells - origin if sweep.side < 0 else extent - (cells - origin)
            turn, here = sweep.side * (cells - before), slice(at, at + width)
            if row != start:
                _step(shade[line, here], heights, row, left + 1, sweep, phase, turn)
            if trees and row != start:
                _step_crowns(upper[line, here], lower[line, here], heights, row, left + 1, sweep, phase, turn)
            if inside and line == nearest:
                part = slice(at + inner, at + inner + n)
                bands = upper[line, part], lower[line, part]
                _count(shade[line, part], bands, heights, row, left + inner + 1, sweep, row_lit, row_veiled)
            if trees:
                _leave_row(
                    upper[line, here], lower[line, here], heights, row, left + 1, np.float32(sweep.drop)
                )
        if inside and (row + (sweep.step > 0)) % sweep.factor == 0:
            _fold(row_lit, sweep.factor, lit[row // sweep.factor - sweep.row])
            if trees:
                _fold(row_veiled, sweep.factor, veiled[row // sweep.factor - sweep.row])
        number += 1


@parallel_kernel
def cast(heights: Heights, sweep: Sweep, bands: int, lit: Counts, veiled: Counts) -> None:
    """Add one sun to the counts of lit and of veiled receptors in every cell of the window.

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
    for tile in numba.prange((rows + _TILE - 1) // _TILE):
        for left in range(0, columns, _TILE):
            for i in range(tile * _TILE, min(rows, (tile + 1) * _TILE)):
                for j in range(left, min(columns, left + _TILE)):
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


# --- the frame ----------------------------------------------------------------------------------------------


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
def framed_across(heights: NDArray[Any], datum: float, nothing: float) -> Raster:
    """Frame and transpose the heights, tile by tile."""
    rows, columns = heights.shape
    out = np.full((columns, rows + 2), nothing, np.float32)
    for tile in numba.prange((columns + _TILE - 1) // _TILE):
        for top in range(0, rows, _TILE):
            for j in range(tile * _TILE, min(columns, (tile + 1) * _TILE)):
                for i in range(top, min(rows, top + _TILE)):
                    height = heights[i, j] - datum
                    out[j, i + 1] = nothing if math.isnan(height) else height
    return out
