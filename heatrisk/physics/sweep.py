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
sun may pass under (after Lindberg & Grimmond 2011): `heatrisk.physics.canopy`.  How lines pass one row is
in `heatrisk.physics.carried`; here is in which order they pass them all.

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

from heatrisk.physics.carried import Carried, lose, nothing_met, nowhere, pass_over, rays_of
from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.line import Counts, Heights, Sweep, place
from heatrisk.physics.rows import Receptors
from heatrisk.physics.shares import AT_ONCE, LIT, LOST, VEILED, Outlet, give

USUAL_FACTOR: Final = 5  # sub-cells of 1 m in cells of 5 m
_ROWS: Final = 8  # that all suns pass before the next are read: they fit the second-level cache


@kernel
def _fold(row_counts: Any, factor: int, cells: Any) -> None:
    """Add the counts of sub-cells to their cells and clear them."""
    if factor == 1:  # one loop, which vectorises
        for i in range(cells.size):
            cells[i] += np.uint32(row_counts[i])
    elif factor == USUAL_FACTOR:  # known to the compiler, which then vectorises too
        _fold_by(row_counts, USUAL_FACTOR, cells)
    else:
        _fold_by(row_counts, factor, cells)
    row_counts[:] = 0


@kernel
def _fold_by(row_counts: Any, factor: int, cells: Any) -> None:
    """Add the counts of so many sub-cells each to their cells."""
    for cell in range(cells.size):
        total = np.int32(0)
        for i in range(factor):
            total += row_counts[cell * factor + i]
        cells[cell] += np.uint32(total)


@kernel
def _span(
    sweep: Sweep, reach: int, shape: tuple[int, int], first: int, last: int
) -> tuple[int, int, int, int, int]:
    """Rows to start at, to count from and to end before; first column and width to sweep.

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
    return start, begin, end, left, right - left


@kernel
def _width(sweep: Sweep, shape: tuple[int, int], first: int, last: int) -> int:
    """Lines that a band of rows needs."""
    start, _, end, _, width = _span(sweep, sweep.reaches.max(), shape, first, last)
    number = sweep.step * (sweep.anchor + start)
    drift = place(sweep.slope, number + abs(end - start), 1.0)[0] - place(sweep.slope, number, 0.0)[0]
    return int(width + drift)


class _Task(NamedTuple):
    """What is walked at a time: some rows of a band, by suns whose lines begin at ``line`` of the shades."""

    first: int  # cells of the band, along
    last: int
    begin: int  # rows from here, counted in the order of the walk from the first that is counted in,
    end: int
    line: int


@kernel
def _rows_together(factor: int) -> int:
    """Rows of a task: those of whole cells."""
    return max(1, _ROWS // factor) * factor


@kernel
def _lines_behind(sweep: Sweep, start: int, end: int, row: int) -> int:
    """Lines that lie before the one in the first column of a row."""
    first, number = sweep.step * (sweep.anchor + start), sweep.step * (sweep.anchor + row)
    origin = place(sweep.slope, first, 0.0)[0]
    drift = place(sweep.slope, number, 0.0)[0] - origin
    return drift if sweep.side < 0 else place(sweep.slope, first + abs(end - start), 1.0)[0] - origin - drift


@kernel
def _walk_sun(
    heights: Heights, nothing: Heights, sweep: Sweep, task: _Task, k: int, shades: Carried, counted: Any
) -> None:
    """Let the lines of a sun walk down the rows of a task."""
    heights = Heights(lent(heights.top), lent(heights.crown_top), lent(heights.crown_base))
    shades = Carried(
        lent(shades.shade), lent(shades.upper), lent(shades.lower), lent(shades.climbs), shades.peak
    )
    counted, step, own, trees = lent(counted), sweep.step, task.line + k, shades.upper.size > 0
    shape, first, last = heights.top.shape, task.first, task.last
    start, begin, end, base, _ = _span(sweep, sweep.reaches.max(), shape, first, last)
    begun, _, _, left, width = _span(sweep, sweep.reaches[k], shape, first, last)
    cells = slice(left, left + width)
    for way in range(max(task.begin, (begun - begin) * step), task.end):
        row, inside, cell = begin + step * way, way >= 0, (way - task.begin) // sweep.factor
        number, line = step * (sweep.anchor + row), _lines_behind(sweep, start, end, row) + left - base
        here = slice(line, line + width)
        lit, veiled = counted[LIT, cell, cells], counted[VEILED if trees else LIT, cell, cells]
        receptors = Receptors(np.float32(sweep.receptor), np.int32(inside), lit, veiled)
        fresh = row == begun
        pass_over(shades, heights, nothing, sweep, k, own, number, row, left + 1, here, fresh, receptors)
        if shades.climbs.size:
            lost = counted[LOST, cell, cells]
            lose(shades, heights, sweep, k, own, number, row, left + 1, here, inside, lost)


@kernel
def _walk(
    heights: Heights, nothing: Heights, sweep: Sweep, task: _Task, shades: Carried,
    counted: Any, counts: Any, waiting: int, outlet: Any,
) -> int:  # fmt: skip
    """Walk down the rows of a task and add up the counts of its cells.

    ``waiting`` rows of counts wait to be given to an outlet; returned is how many wait then.
    """
    counted, counts, step = lent(counted), lent(counts), sweep.step
    for k in range(sweep.drops.size):
        _walk_sun(heights, nothing, sweep, task, k, shades, counted)
    _, begin, end, _, _ = _span(sweep, sweep.reaches.max(), heights.top.shape, task.first, task.last)
    window = slice(sweep.column * sweep.factor, (sweep.column + sweep.columns) * sweep.factor)
    for cell in range((task.end - task.begin) // sweep.factor):
        way = task.begin + cell * sweep.factor
        if way < 0:
            continue
        of = (begin + step * way) // sweep.factor - sweep.row
        slot = of
        if outlet is not None:
            slot = waiting if step > 0 else AT_ONCE - 1 - waiting
        for kind in range(counts.shape[0]):
            _fold(counted[kind, cell, window], sweep.factor, counts[kind, slot])
        if outlet is not None:
            at_end = way + sweep.factor == abs(end - begin)
            waiting = give(counts, outlet, task.line, step, of, waiting + 1, at_end)
    return waiting


@kernel
def _sweep_band(heights: Heights, sweep: Sweep, peak: float, first: int, last: int, counts: Any) -> None:
    """Sweep cells ``first`` to ``last`` along, after the rows upstream that can shade them."""
    farthest = sweep.reaches.max()
    width = _width(sweep, heights.top.shape, first, last)
    shades = nothing_met(sweep.drops.size, heights.crown_top.size > 0, rays_of(sweep, peak), width, peak)
    together, nothing = _rows_together(sweep.factor), nowhere(heights)
    counted = np.zeros((counts.shape[0], together // sweep.factor, heights.top.shape[1]), np.int32)
    begin, end = _rows_to_walk(sweep, farthest, heights.top.shape, first, last)
    for way in range(begin, end, together):
        task = _Task(first, last, way, min(way + together, end), 0)
        _walk(heights, nothing, sweep, task, shades, counted, counts, 0, None)


@kernel
def _rows_to_walk(sweep: Sweep, reach: int, shape: tuple[int, int], first: int, last: int) -> tuple[int, int]:
    """Rows to start at and to end before, as tasks count them; tasks begin with whole cells."""
    start, begin, end, _, _ = _span(sweep, reach, shape, first, last)
    together = _rows_together(sweep.factor)
    return -(-abs(start - begin) // together) * -together, abs(end - begin)


class Courses(NamedTuple):
    """In what sweeps of one sun each differ that walk the same way along the same axis."""

    sides: Any
    slopes: Any
    drops: Any
    depths: Any
    reaches: Any

    @classmethod
    def of(cls, sweeps: Sequence[Sweep]) -> Courses:
        """Stack sweeps."""
        return cls(
            np.array([sweep.side for sweep in sweeps], np.int64),
            np.array([sweep.slope for sweep in sweeps]),
            np.concatenate([sweep.drops for sweep in sweeps]),
            np.concatenate([sweep.depths for sweep in sweeps]),
            np.concatenate([sweep.reaches for sweep in sweeps]),
        )


@kernel
def _sweep_of(same: Sweep, suns: Courses, k: int) -> Sweep:
    """Return the sweep of one of the suns."""
    one = slice(k, k + 1)
    return Sweep(
        same.step, suns.sides[k], suns.slopes[k], suns.drops[one], suns.depths[one], suns.reaches[one],
        same.relief, same.anchor, same.receptor, same.factor, same.row, same.rows, same.column, same.columns,
    )  # fmt: skip


@kernel
def _share_band(
    heights: Heights, same: Sweep, suns: Courses, peak: float, kinds: int, first: int, last: int,
    outlet: Outlet,
) -> None:  # fmt: skip
    """Give the shares of cells ``first`` to ``last`` along for every sun.

    All suns pass some rows before the next are read.
    """
    width, rays, count, together = 0, 0, suns.slopes.size, _rows_together(same.factor)
    for k in range(count):
        sweep = _sweep_of(same, suns, k)
        width = max(width, _width(sweep, heights.top.shape, first, last))
        rays = max(rays, rays_of(sweep, peak))
    shades = nothing_met(count, heights.crown_top.size > 0, rays, width, peak)
    counted = np.zeros((kinds, together // same.factor, heights.top.shape[1]), np.int32)
    counts, nothing = np.zeros((count, kinds, AT_ONCE, same.columns), np.uint32), nowhere(heights)
    waiting = np.zeros(count, np.int64)
    begin, end = _rows_to_walk(same, suns.reaches.max(), heights.top.shape, first, last)
    for way in range(begin, end, together):
        for k in range(count):
            sweep, task = _sweep_of(same, suns, k), _Task(first, last, way, min(way + together, end), k)
            waiting[k] = _walk(heights, nothing, sweep, task, shades, counted, counts[k], waiting[k], outlet)


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
def cast_shares(heights: Heights, same: Sweep, suns: Courses, bands: int, kinds: int, outlet: Outlet) -> None:
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
