"""What the lines of a sweep carry from row to row, and how they pass one.

A line carries the highest shade it has met and, in a town with trees, the band of shade behind crowns and
the rays that climb through them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from heatrisk.physics.canopy import Fan, climb, count_lost, rays_needed
from heatrisk.physics.kernel import kernel
from heatrisk.physics.line import FAR, Heights, Raster, Sweep, crossing, place
from heatrisk.physics.rows import (
    Band,
    Falls,
    Receptors,
    pass_corner,
    pass_corner_of_trees,
    pass_row,
    pass_row_of_trees,
)


class Carried(NamedTuple):
    """What the lines of each sun carry, by line: the window moves over them from row to row."""

    shade: Raster  # highest shade of ground and columns [m]
    upper: Raster  # band of shade behind crowns; no rows in a town without trees
    lower: Raster
    climbs: Any  # (suns, rays, lines) of the fans; no rays where one share passes every crown
    peak: float  # of the highest crown [m]


@kernel
def _fan(lines: Carried, own: int, sweep: Sweep, k: int) -> Fan:
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
def pass_over(
    lines: Carried, heights: Heights, nothing: Heights, sweep: Sweep, k: int, own: int, number: int, row: int,
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
def lose(
    lines: Carried, heights: Heights, sweep: Sweep, k: int, own: int, number: int, row: int, left: int,
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
def rays_of(sweep: Sweep, peak: float) -> int:
    """Rays of a fan that serve all suns of a sweep; none where nobody asks what crowns take."""
    rays = 0
    if peak > -FAR:
        for drop in sweep.drops:
            rays = max(rays, rays_needed(drop, sweep.relief), 1)
    return rays


@kernel
def nothing_met(suns: int, trees: bool, rays: int, width: int, peak: float) -> Carried:
    """Lines before they have met anything."""
    crowned = suns if trees else 0
    return Carried(
        np.full((suns, width), -FAR, np.float32),
        np.full((crowned, width), -FAR, np.float32),
        np.full((crowned, width), FAR, np.float32),
        np.zeros((suns, rays, width), np.float32),
        peak,
    )


@kernel
def nowhere(heights: Heights) -> Heights:
    """Return a row of nothing."""
    row_of = (1, heights.top.shape[1])
    no_top, no_base = np.full(row_of, -np.inf, np.float32), np.full(row_of, np.inf, np.float32)
    return Heights(no_top, no_top, no_base)
