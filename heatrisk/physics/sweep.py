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
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numba
import numpy as np

from heatrisk.physics.canopy import Fan, climb, count_lost, rays_needed
from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.line import FAR, Counts, Heights, Raster, Sweep, crossing, place
from heatrisk.physics.rows import (
    Band,
    Falls,
    Receptors,
    pass_corner,
    pass_corner_of_trees,
    pass_row,
    pass_row_of_trees,
)
from heatrisk.physics.shares import AT_ONCE, LIT, LOST, VEILED, Outlet, give

#: Rows that all suns pass before the next are read: with the lines of a sun they fit the second-level cache.
TOGETHER: Final = 8

# --- a band of rows, then all bands at once -----------------------------------------------------------------


@kernel
def _fold(row_counts: Any, factor: int, cells: Any) -> None:
    """Add the counts of sub-cells to their cells and clear them."""
    if factor == 1:  # one loop, which vectorises
        for i in range(cells.size):
            cells[i] += np.uint32(row_counts[i])
    else:
        for cell in range(cells.size):
            total = cells[cell]
            for i in range(cell * factor, (cell + 1) * factor):
                total += np.uint32(row_counts[i])
            cells[cell] = total
    row_counts[:] = 0


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
def _fan(lines: _Shade, own: int, sweep: Sweep, k: int) -> Fan:
    """Rays of one sun."""
    return Fan(lines.climbs[own, : rays_needed(sweep.drops[k], sweep.relief)], sweep.drops[k], lines.peak)


@kernel
def _cut(heights: Heights, row: int, first: int, n: int) -> Heights:
    """Return a part of a row."""
    part = slice(first, first + n)
    return Heights(heights.top[row, part], heights.crown_top[row, part], heights.crown_base[row, part])


@kernel
def _falls(drop: float, share: float, turn: int, ahead: bool) -> Falls:
    """Return how far shade falls over a row; the lines change column after a share of it."""
    half, rest = np.float32(0.5 * drop), np.float32((1.0 - share) * drop)
    beyond, nil = np.float32((share - 0.5) * drop), np.float32(0.0)
    edge, corner = (rest if turn != 0 and not ahead else half), (rest if ahead else half)
    return Falls(np.float32(drop), half, edge, corner, max(beyond, nil), min(beyond, nil))


@kernel
def _pass(
    lines: _Shade, heights: Heights, nothing: Heights, sweep: Sweep, k: int, own: int, number: int, row: int,
    left: int, here: slice, start: bool, receptors: Receptors,
) -> None:  # fmt: skip
    """Let the lines of a sun pass a row and count; behind the one where they start there is nothing."""
    before, phase = place(sweep.slope, number - 1, 0.0)
    turn = sweep.side * (place(sweep.slope, number, 0.0)[0] - before)
    share, past, ahead = crossing(sweep.slope, phase, turn)
    falls, shade = _falls(sweep.drops[k], share, turn, ahead), lines.shade[own, here]
    n, behind = shade.size, left - turn
    town, last = (nothing, 0) if start else (heights, row - sweep.step)
    aside, beside, corner = (heights, row, behind) if ahead else (town, last, left)
    if lines.upper.size:
        band = Band(lines.upper[own, here], lines.lower[own, here])
        back, front = _cut(town, last, behind, n), _cut(heights, row, left, n)
        if past:
            side = _cut(aside, beside, corner, n)
            pass_corner_of_trees(shade, band, back, side, front, falls, receptors)
        else:
            pass_row_of_trees(shade, band, back, front, falls, receptors)
        return
    back_top, front_top = town.top[last, behind : behind + n], heights.top[row, left : left + n]
    if past:
        pass_corner(shade, back_top, aside.top[beside, corner : corner + n], front_top, falls, receptors)
    else:
        pass_row(shade, back_top, front_top, falls, receptors)


@kernel
def _lose(
    lines: _Shade, heights: Heights, sweep: Sweep, k: int, own: int, number: int, row: int, left: int,
    here: slice, inside: bool, lost: Any,
) -> None:  # fmt: skip
    """Count what crowns take of the beam of a sun in a row, and let its rays climb through the row."""
    fan, town = _fan(lines, own, sweep, k), _cut(heights, row, left, lost.size)
    if inside:
        upper, lower, flags = lines.upper[own, here], lines.lower[own, here], town.top.view(np.int32)
        count_lost(
            lines.shade[own, here], upper, lower, fan, number, here.start, town.crown_top, town.crown_base,
            town.top, flags, np.float32(sweep.receptor), sweep.depths[k], lost,
        )  # fmt: skip
    if fan.climbs.size:
        climb(fan, number, here.start, town.crown_top, town.crown_base)


@kernel
def _rays(sweep: Sweep, peak: float) -> int:
    """Rays of a fan that serve all suns of a sweep; none where nobody asks what crowns take."""
    rays = 0
    if peak > -FAR:
        for drop in sweep.drops:
            rays = max(rays, rays_needed(drop, sweep.relief), 1)
    return rays


@kernel
def _width(sweep: Sweep, shape: tuple[int, int], first: int, last: int) -> int:
    """Lines that a band of rows needs."""
    start, _, end, _, width, _ = _span(sweep, sweep.reaches.max(), shape, first, last)
    number = sweep.step * (sweep.anchor + start)
    drift = place(sweep.slope, number + abs(end - start), 1.0)[0] - place(sweep.slope, number, 0.0)[0]
    return int(width + drift)


@kernel
def _no_shade(suns: int, trees: bool, rays: int, width: int, peak: float) -> _Shade:
    """Lines before they have met anything."""
    crowned = suns if trees else 0
    return _Shade(
        np.full((suns, width), -FAR, np.float32),
        np.full((crowned, width), -FAR, np.float32),
        np.full((crowned, width), FAR, np.float32),
        np.zeros((suns, rays, width), np.float32),
        peak,
    )


@kernel
def _lent_heights(heights: Heights) -> Heights:
    """Return heights whose slices count no references."""
    return Heights(lent(heights.top), lent(heights.crown_top), lent(heights.crown_base))


@kernel
def _lent_lines(lines: _Shade) -> _Shade:
    """Return lines whose slices count no references."""
    return _Shade(lent(lines.shade), lent(lines.upper), lent(lines.lower), lent(lines.climbs), lines.peak)


class _Task(NamedTuple):
    """What is walked at a time: rows of a band, by suns whose lines begin at ``line`` of the shades."""

    first: int  # cells of the band, along
    last: int
    begin: int  # rows from here, in the order of the walk
    end: int
    line: int


@kernel
def _walk(
    heights: Heights, nothing: Heights, sweep: Sweep, task: _Task, shades: _Shade,
    counted: Any, counts: Any, waiting: int, outlet: Any,
) -> int:  # fmt: skip
    """Walk down some rows: all suns of a sweep pass a row before the next row is read.

    ``waiting`` rows of counts wait to be given to an outlet; returned is how many wait then.
    """
    heights, shades, counted, counts = (
        _lent_heights(heights),
        _lent_lines(shades),
        lent(counted),
        lent(counts),
    )
    shape, first, last = heights.top.shape, task.first, task.last
    start, begin, end, base, _, before = _span(sweep, sweep.reaches.max(), shape, first, last)
    window = slice(before, before + sweep.columns * sweep.factor)
    number = sweep.step * (sweep.anchor + start)
    origin = place(sweep.slope, number, 0.0)[0]
    extent = place(sweep.slope, number + abs(end - start), 1.0)[0] - origin
    trees = shades.upper.size > 0
    if (task.begin - start) * sweep.step > 0:
        start = task.begin
    for row in range(start, task.end, sweep.step):
        number = sweep.step * (sweep.anchor + row)
        inside = (row - begin) * sweep.step >= 0
        drift = place(sweep.slope, number, 0.0)[0] - origin
        at = drift if sweep.side < 0 else extent - drift
        for k in range(sweep.drops.size):
            begun, _, _, left, width, _ = _span(sweep, sweep.reaches[k], shape, first, last)
            if (row - begun) * sweep.step < 0:
                continue
            line, cell = at + left - base, left - base
            here, cells = slice(line, line + width), slice(cell, cell + width)
            lit, veiled = counted[LIT, cells], counted[VEILED if trees else LIT, cells]
            receptors = Receptors(np.float32(sweep.receptor), np.int32(inside), lit, veiled)
            own, fresh = task.line + k, row == begun
            _pass(shades, heights, nothing, sweep, k, own, number, row, left + 1, here, fresh, receptors)
            if shades.climbs.size:
                lost = counted[LOST, cells]
                _lose(shades, heights, sweep, k, own, number, row, left + 1, here, inside, lost)
        if inside and (row + (sweep.step > 0)) % sweep.factor == 0:
            of = row // sweep.factor - sweep.row
            slot = of
            if outlet is not None:
                slot = waiting if sweep.step > 0 else AT_ONCE - 1 - waiting
            for kind in range(counts.shape[0]):
                _fold(counted[kind, window], sweep.factor, counts[kind, slot])
            if outlet is not None:
                last_row = row + sweep.step == end
                waiting = give(counts, outlet, task.line, sweep.step, of, waiting + 1, last_row)
    return waiting


@kernel
def _nowhere(heights: Heights) -> Heights:
    """Return a row of nothing."""
    row_of = (1, heights.top.shape[1])
    no_top, no_base = np.full(row_of, -np.inf, np.float32), np.full(row_of, np.inf, np.float32)
    return Heights(no_top, no_top, no_base)


@kernel
def _sweep_band(heights: Heights, sweep: Sweep, peak: float, first: int, last: int, counts: Any) -> None:
    """Sweep cells ``first`` to ``last`` along, after the rows upstream that can shade them."""
    start, _, end, _, _, _ = _span(sweep, sweep.reaches.max(), heights.top.shape, first, last)
    width = _width(sweep, heights.top.shape, first, last)
    shades = _no_shade(sweep.drops.size, heights.crown_top.size > 0, _rays(sweep, peak), width, peak)
    counted, nothing = np.zeros((counts.shape[0], width), np.int32), _nowhere(heights)
    _walk(heights, nothing, sweep, _Task(first, last, start, end, 0), shades, counted, counts, 0, None)


class Suns(NamedTuple):
    """In what sweeps of one sun each differ that walk the same way along the same axis."""

    sides: Any
    slopes: Any
    drops: Any
    depths: Any
    reaches: Any

    @classmethod
    def of(cls, sweeps: Sequence[Sweep]) -> Suns:
        """Stack sweeps."""
        return cls(
            np.array([sweep.side for sweep in sweeps], np.int64),
            np.array([sweep.slope for sweep in sweeps]),
            *(np.concatenate([sweep[k] for sweep in sweeps]) for k in _OF_SUNS),
        )


_OF_SUNS = tuple(Sweep._fields.index(name) for name in ("drops", "depths", "reaches"))


@kernel
def _sweep_of(same: Sweep, suns: Suns, k: int) -> Sweep:
    """Return the sweep of one of the suns."""
    one = slice(k, k + 1)
    return Sweep(
        same.step, suns.sides[k], suns.slopes[k], suns.drops[one], suns.depths[one], suns.reaches[one],
        same.relief, same.anchor, same.receptor, same.factor, same.row, same.rows, same.column, same.columns,
    )  # fmt: skip


@kernel
def _share_band(
    heights: Heights, same: Sweep, suns: Suns, peak: float, kinds: int, first: int, last: int, outlet: Outlet
) -> None:
    """Give the shares of cells ``first`` to ``last`` along for every sun.

    All suns pass some rows before the next rows are read: these stay in the second-level cache meanwhile.
    """
    width, rays, farthest = 0, 0, 0
    for k in range(suns.slopes.size):
        sweep = _sweep_of(same, suns, k)
        width = max(width, _width(sweep, heights.top.shape, first, last))
        rays, farthest = max(rays, _rays(sweep, peak)), max(farthest, suns.reaches[k])
    shades = _no_shade(suns.slopes.size, heights.crown_top.size > 0, rays, width, peak)
    counted = np.zeros((suns.slopes.size, kinds, width), np.int32)
    counts = np.zeros((suns.slopes.size, kinds, AT_ONCE, same.columns), np.uint32)
    _share_rows(heights, same, suns, farthest, first, last, shades, counted, counts, outlet)


@kernel
def _share_rows(
    heights: Heights, same: Sweep, suns: Suns, farthest: int, first: int, last: int, shades: _Shade,
    counted: Any, counts: Any, outlet: Outlet,
) -> None:  # fmt: skip
    """Walk all suns down the rows, some rows at a time."""
    counted, counts, nothing = lent(counted), lent(counts), _nowhere(heights)
    waiting, step = np.zeros(suns.slopes.size, np.int64), same.step
    start, _, end, _, _, _ = _span(same, farthest, heights.top.shape, first, last)
    for row in range(start, end, step * TOGETHER):
        until = row + step * min(TOGETHER, abs(end - row))
        for k in range(suns.slopes.size):
            sweep, task = _sweep_of(same, suns, k), _Task(first, last, row, until, k)
            waiting[k] = _walk(
                heights, nothing, sweep, task, shades, counted[k], counts[k], waiting[k], outlet
            )


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
            _sweep_band(heights, sweep, peak, first, last, counts)


@parallel_kernel
def cast_shares(
    heights: Heights, same: Sweep, suns: Suns, bands: int, kinds: int, outlet: Outlet
) -> None:  # fmt: skip
    """Write the shares of suns in every cell of the window, from as many kinds of counts as `cast` has.

    ``same`` is the sweep of one of the suns, for all that they have in common.
    """
    peak, rows = _peak(heights, kinds), same.rows
    for band in numba.prange(bands):
        first = same.row + band * rows // bands
        last = same.row + (band + 1) * rows // bands
        if first < last:
            _share_band(heights, same, suns, peak, kinds, first, last, outlet)


@kernel
def _peak(heights: Heights, kinds: int) -> float:
    """Height of the highest crown if it is asked what crowns take of the beam [m]."""
    return heights.crown_top.max() if kinds > LOST else -np.inf
