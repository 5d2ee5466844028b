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
sun may pass under (after Lindberg & Grimmond 2011): `heatrisk.physics.canopy`.

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

from heatrisk.physics.canopy import Fan, climb, count_lost, count_veiled, leave_row, rays_needed, step_crowns
from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.line import FAR, Counts, Heights, Raster, Sweep, crossing, place

LIT, VEILED, LOST = 0, 1, 2  # what is counted: receptors in the sun, those behind crowns, what crowns take
TILE = 64  # side of the tiles of a transposition: 64 x 64 floats stay in the first-level cache


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
def _count(shade: Any, ground: Any, flags: Any, receptor: Any, lit: Any) -> None:
    """Count the receptors that the shade of ground and columns does not reach."""
    for i in range(lit.size):
        lit[i] += np.int32(shade[i] <= ground[i] + receptor) & ~flags[i]


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


class _Shade(NamedTuple):
    """What the lines of each sun carry, by line: the window moves over them from row to row."""

    shade: Raster  # highest shade of ground and columns [m]
    upper: Raster  # band of shade behind crowns; no rows in a town without trees
    lower: Raster
    climbs: Any  # (suns, rays, lines) of the fans; no rays where one share passes every crown
    peak: float  # of the highest crown [m]


class _Rows(NamedTuple):
    """What a row of receptors counted since the last cell was full."""

    lit: NDArray[np.int32]
    veiled: NDArray[np.int32]
    lost: NDArray[np.int32]


@kernel
def _fan(lines: _Shade, sweep: Sweep, k: int) -> Fan:
    """Rays of one sun."""
    return Fan(lines.climbs[k, : rays_needed(sweep.drops[k], sweep.relief)], sweep.drops[k], lines.peak)


@kernel
def _pass_crowns(
    lines: _Shade, heights: Heights, sweep: Sweep, k: int, number: int, row: int, left: int, here: slice
) -> None:
    """Carry the bands and the rays of a sun over a row."""
    upper, lower = lines.upper[k, here], lines.lower[k, here]
    leave_row(upper, lower, heights, row, left, np.float32(sweep.drops[k]))
    fan = _fan(lines, sweep, k)
    if fan.climbs.size:
        there = slice(left, left + upper.size)
        climb(fan, number, here.start, heights.crown_top[row, there], heights.crown_base[row, there])


@kernel
def _count_row(
    lines: _Shade,
    heights: Heights,
    flags: Any,
    sweep: Sweep,
    k: int,
    number: int,
    row: int,
    begin: int,
    counts: _Rows,
) -> None:
    """Count the receptors of a row of the window, which stand in the lines from ``begin``, for one sun."""
    west, receptor, n = sweep.column * sweep.factor + 1, np.float32(sweep.receptor), counts.lit.size
    window, part = slice(west, west + n), slice(begin, begin + n)
    ground, flagged, shade = heights.top[row, window], flags[row, window], lines.shade[k, part]
    _count(shade, ground, flagged, receptor, counts.lit)
    if not lines.upper.size:
        return
    upper, lower = lines.upper[k, part], lines.lower[k, part]
    top, base = heights.crown_top[row, window], heights.crown_base[row, window]
    half = np.float32(0.5 * sweep.drops[k])
    count_veiled(shade, upper, lower, top, base, ground, flagged, receptor, half, counts.veiled)
    if lines.climbs.size:
        fan, depth = _fan(lines, sweep, k), sweep.depths[k]
        count_lost(
            shade, upper, lower, fan, number, begin, top, base, ground, flagged, receptor, depth, counts.lost
        )


@kernel
def _sweep_band(heights: Heights, sweep: Sweep, peak: float, first: int, last: int, counts: Any) -> None:
    """Sweep cells ``first`` to ``last`` along, after the rows upstream that can shade them."""
    start, _, end, _, width, _ = _span(sweep, sweep.reaches.max(), heights.top.shape, first, last)
    n, suns, rays = sweep.columns * sweep.factor, sweep.drops.size, 0
    number = sweep.step * (sweep.anchor + start)
    width += place(sweep.slope, number + abs(end - start), 1.0)[0] - place(sweep.slope, number, 0.0)[0]
    trees = suns if heights.crown_top.size else 0
    if peak > -FAR:
        for drop in sweep.drops:
            rays = max(rays, rays_needed(drop, sweep.relief), 1)
    shades = _Shade(
        np.full((suns, width), -FAR, np.float32),
        np.full((trees, width), -FAR, np.float32),
        np.full((trees, width), FAR, np.float32),
        np.zeros((suns, rays, width), np.float32),
        peak,
    )
    rows = _Rows(np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32))
    _walk(heights, sweep, first, last, shades, rows, counts)


@kernel
def _walk(
    heights: Heights, sweep: Sweep, first: int, last: int, shades: _Shade, rows: _Rows, counts: Any
) -> None:
    """Walk down the rows: all suns pass a row before the next row is read."""
    top, slope, counts = lent(heights.top), sweep.slope, lent(counts)
    heights = Heights(top, lent(heights.crown_top), lent(heights.crown_base))
    shades = _Shade(
        lent(shades.shade), lent(shades.upper), lent(shades.lower), lent(shades.climbs), shades.peak
    )
    flags = top.view(np.int32)
    start, begin, end, base, _, _ = _span(sweep, sweep.reaches.max(), top.shape, first, last)
    number = sweep.step * (sweep.anchor + start)
    origin = place(slope, number, 0.0)[0]
    extent = place(slope, number + abs(end - start), 1.0)[0] - origin
    trees = shades.upper.size > 0
    for row in range(start, end, sweep.step):
        inside = (row - begin) * sweep.step >= 0
        cells, _ = place(slope, number, 0.0)
        before, phase = place(slope, number - 1, 0.0)
        at = cells - origin if sweep.side < 0 else extent - (cells - origin)
        turn = sweep.side * (cells - before)
        for k in range(sweep.drops.size):
            begun, _, _, left, width, inner = _span(sweep, sweep.reaches[k], top.shape, first, last)
            if (row - begun) * sweep.step < 0:
                continue
            here = slice(at + left - base, at + left - base + width)
            drop = sweep.drops[k]
            if row != begun:
                _step(shades.shade[k, here], top, flags, row, left + 1, sweep, drop, phase, turn)
            if trees and row != begun:
                upper, lower = shades.upper[k, here], shades.lower[k, here]
                step_crowns(upper, lower, heights, row, left + 1, sweep, drop, phase, turn)
            if inside:
                _count_row(shades, heights, flags, sweep, k, number, row, here.start + inner, rows)
            if trees:
                _pass_crowns(shades, heights, sweep, k, number, row, left + 1, here)
        if inside and (row + (sweep.step > 0)) % sweep.factor == 0:
            cell = row // sweep.factor - sweep.row
            _fold(rows.lit, sweep.factor, counts[LIT, cell])
            if trees:
                _fold(rows.veiled, sweep.factor, counts[VEILED, cell])
            if shades.climbs.size:
                _fold(rows.lost, sweep.factor, counts[LOST, cell])
        number += 1


@parallel_kernel
def cast(heights: Heights, sweep: Sweep, bands: int, counts: Counts) -> None:
    """Add suns of one azimuth to the counts of receptors in every cell of the window.

    Counts are of the lit, the veiled and, where there is a third, the parts of the beam lost in crowns. The
    rows are shared out in ``bands``; no result depends on their number.
    """
    peak = -np.inf
    if counts.shape[0] > LOST and heights.crown_top.size:
        peak = float(heights.crown_top.max())
    for band in numba.prange(bands):
        first = sweep.row + band * sweep.rows // bands
        last = sweep.row + (band + 1) * sweep.rows // bands
        if first < last:
            _sweep_band(heights, sweep, peak, first, last, counts)


@parallel_kernel
def turn_onto(across: Counts, along: Counts) -> None:
    """Add counts by column to counts by row, tile by tile."""
    rows, columns = along.shape[1:]
    for tile in numba.prange((rows + TILE - 1) // TILE):
        for left in range(0, columns, TILE):
            for kind in range(along.shape[0]):
                for i in range(tile * TILE, min(rows, (tile + 1) * TILE)):
                    for j in range(left, min(columns, left + TILE)):
                        along[kind, i, j] += across[kind, j, i]


@parallel_kernel
def shares(counts: Counts, outdoor: Raster, sub_cells: int, suns: int, kind: int, dim: float) -> Raster:
    """Light per sun and outdoor sub-cell: the lit ones less ``dim`` of a kind; NaN without outdoors."""
    out = np.full(outdoor.shape, np.nan, np.float32)
    for i in numba.prange(outdoor.shape[0]):
        for j in range(outdoor.shape[1]):
            receptors = suns * math.floor(outdoor[i, j] * sub_cells + 0.5)  # whole, so that full sun is 1
            if receptors > 0:
                out[i, j] = (counts[LIT, i, j] - dim * counts[kind, i, j]) / receptors
    return out
