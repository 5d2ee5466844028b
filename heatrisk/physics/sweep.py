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

from heatrisk.physics.canopy import Fan, climb, count_lost, count_veiled, leave_row, rays_needed, step_crowns
from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.line import FAR, Counts, Heights, Raster, Sweep, crossing, place
from heatrisk.physics.shares import AT_ONCE, LIT, LOST, VEILED, Outlet, give

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
    shade: Any, before: Any, here: Any, left: int, sweep: Sweep, drop: Any, phase: float, turn: int
) -> None:
    """Advance lines, which had ``phase`` in the row before, to the row here, ``turn`` columns aside."""
    n, behind = shade.size, left - turn
    share, past, ahead = crossing(sweep.slope, phase, turn)
    half, rest, fall = np.float32(0.5 * drop), np.float32((1.0 - share) * drop), np.float32(drop)
    tops = before[behind : behind + n]
    flagged = tops.view(np.int32)
    edge = rest if turn != 0 and not ahead else half
    if not past:
        _advance(shade, tops, flagged, fall, edge)
        return
    corner, corner_fall = (behind, rest) if ahead else (left, half)
    beside = (here if ahead else before)[corner : corner + n]
    _advance_past(shade, tops, flagged, beside, beside.view(np.int32), fall, edge, corner_fall)


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


@kernel
def _fan(lines: _Shade, sweep: Sweep, k: int) -> Fan:
    """Rays of one sun."""
    return Fan(lines.climbs[k, : rays_needed(sweep.drops[k], sweep.relief)], sweep.drops[k], lines.peak)


@kernel
def _pass_row(
    lines: _Shade, heights: Heights, nothing: Raster, sweep: Sweep, k: int, number: int, row: int, left: int,
    here: slice, start: bool,
) -> None:  # fmt: skip
    """Advance the lines of a sun to a row; behind the one where they start there is nothing."""
    drop = sweep.drops[k]
    before, phase = place(sweep.slope, number - 1, 0.0)
    turn = sweep.side * (place(sweep.slope, number, 0.0)[0] - before)
    behind = nothing if start else heights.top[row - sweep.step]
    _step(lines.shade[k, here], behind, heights.top[row], left, sweep, drop, phase, turn)
    if lines.upper.size:
        upper, lower = lines.upper[k, here], lines.lower[k, here]
        step_crowns(upper, lower, heights, row, left, sweep, drop, phase, turn, start)


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
    sweep: Sweep,
    k: int,
    number: int,
    row: int,
    begin: int,
    counted: Any,
) -> None:
    """Count the receptors of a row of the window, which stand in the lines from ``begin``, for one sun."""
    west, receptor, n = sweep.column * sweep.factor + 1, np.float32(sweep.receptor), counted.shape[1]
    window, part = slice(west, west + n), slice(begin, begin + n)
    ground, shade = heights.top[row, window], lines.shade[k, part]
    flagged = ground.view(np.int32)
    _count(shade, ground, flagged, receptor, counted[LIT])
    if not lines.upper.size:
        return
    upper, lower = lines.upper[k, part], lines.lower[k, part]
    top, base = heights.crown_top[row, window], heights.crown_base[row, window]
    half = np.float32(0.5 * sweep.drops[k])
    count_veiled(shade, upper, lower, top, base, ground, flagged, receptor, half, counted[VEILED])
    if lines.climbs.size:
        fan, depth = _fan(lines, sweep, k), sweep.depths[k]
        count_lost(
            shade,
            upper,
            lower,
            fan,
            number,
            begin,
            top,
            base,
            ground,
            flagged,
            receptor,
            depth,
            counted[LOST],
        )


@kernel
def _sweep_band(
    heights: Heights, sweep: Sweep, peak: float, first: int, last: int, counts: Any, outlet: Any
) -> None:
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
    counted = np.zeros((counts.shape[0], n), np.int32)
    _walk(heights, sweep, first, last, shades, counted, counts, outlet)


@kernel
def _walk(
    heights: Heights, sweep: Sweep, first: int, last: int, shades: _Shade,
    counted: Any, counts: Any, outlet: Any,
) -> None:  # fmt: skip
    """Walk down the rows: all suns pass a row before the next row is read."""
    heights = Heights(lent(heights.top), lent(heights.crown_top), lent(heights.crown_base))
    shades = _Shade(
        lent(shades.shade), lent(shades.upper), lent(shades.lower), lent(shades.climbs), shades.peak
    )
    counted, counts = lent(counted), lent(counts)
    nothing = np.full(heights.top.shape[1], -np.inf, np.float32)
    start, begin, end, base, _, _ = _span(sweep, sweep.reaches.max(), heights.top.shape, first, last)
    number = sweep.step * (sweep.anchor + start)
    origin = place(sweep.slope, number, 0.0)[0]
    extent = place(sweep.slope, number + abs(end - start), 1.0)[0] - origin
    waiting = 0
    for row in range(start, end, sweep.step):
        inside = (row - begin) * sweep.step >= 0
        cells, _ = place(sweep.slope, number, 0.0)
        at = cells - origin if sweep.side < 0 else extent - (cells - origin)
        for k in range(sweep.drops.size):
            begun, _, _, left, width, inner = _span(sweep, sweep.reaches[k], heights.top.shape, first, last)
            if (row - begun) * sweep.step < 0:
                continue
            here = slice(at + left - base, at + left - base + width)
            _pass_row(shades, heights, nothing, sweep, k, number, row, left + 1, here, row == begun)
            if inside:
                _count_row(shades, heights, sweep, k, number, row, here.start + inner, counted)
            if shades.upper.size:
                _pass_crowns(shades, heights, sweep, k, number, row, left + 1, here)
        if inside and (row + (sweep.step > 0)) % sweep.factor == 0:
            cell = row // sweep.factor - sweep.row
            slot = cell
            if outlet is not None:
                slot = waiting if sweep.step > 0 else AT_ONCE - 1 - waiting
            for kind in range(counts.shape[0]):
                _fold(counted[kind], sweep.factor, counts[kind, slot])
            if outlet is not None:
                waiting = give(counts, outlet, sweep.step, cell, waiting + 1, row + sweep.step == end)
        number += 1


@parallel_kernel
def cast(heights: Heights, sweep: Sweep, bands: int, counts: Counts) -> None:
    """Add suns of one azimuth to the counts of receptors in every cell of the window.

    Counts are of the lit and, in a town with trees, the veiled and, where there is a third kind, the parts of
    the beam lost in crowns. The rows are shared out in ``bands``; no result depends on their number.
    """
    peak = _peak(heights, counts.shape[0])
    for band in numba.prange(bands):
        first = sweep.row + band * sweep.rows // bands
        last = sweep.row + (band + 1) * sweep.rows // bands
        if first < last:
            _sweep_band(heights, sweep, peak, first, last, counts, None)


@parallel_kernel
def cast_shares(heights: Heights, sweep: Sweep, bands: int, kinds: int, outlet: Outlet) -> None:
    """Write the shares of one sun in every cell of the window, from as many kinds of counts as `cast` has."""
    peak = _peak(heights, kinds)
    for band in numba.prange(bands):
        first = sweep.row + band * sweep.rows // bands
        last = sweep.row + (band + 1) * sweep.rows // bands
        if first < last:
            counts = np.zeros((kinds, AT_ONCE, sweep.columns), np.uint32)
            _sweep_band(heights, sweep, peak, first, last, counts, outlet)


@kernel
def _peak(heights: Heights, kinds: int) -> float:
    """Height of the highest crown if it is asked what crowns take of the beam [m]."""
    return heights.crown_top.max() if kinds > LOST else -np.inf
