r"""Crowns in the sweep: a band of shade between two heights, and what the sun loses on its way through.

The sun may pass under a crown (after Lindberg & Grimmond 2011), so the lines carry the upper and the lower
edge of its shade.

What is left of the beam follows from the ray's way in crowns by the law of Beer and Lambert, receptor by
receptor. For that the lines carry a fan of rays, one every `SPACING` of height, and for each how far it has
climbed within crowns, the boxes over single cells::

        \     \     \       rays of one line, all of one slope: each keeps its place while rows pass,
    .----\-.   \     \      those that have sunk below the lowest ground make room for new ones above
    |     \|    \     \     the highest crown, and a receptor asks the two beside it
    `------\    *\     \

References
----------
Lindberg, F. & Grimmond, C. S. B. (2011). The influence of vegetation and building morphology on shadow
patterns and mean radiant temperatures in urban areas. Theor. Appl. Climatol. 105, 311-323.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from heatrisk.physics.kernel import kernel
from heatrisk.physics.line import FAR
from heatrisk.physics.rows import is_veiled

SPACING = 0.5  # of the rays that climb through crowns [m]
PARTS = 256  # counts of the beam that crowns take are in parts of this, so that their order is nothing


class Fan(NamedTuple):
    """Rays of the lines of one sun, counted by where they meet the first row of the whole grid."""

    climbs: (
        Any  # (rays, lines): what each has climbed in crowns [m]; a ray keeps its place modulo their number
    )
    drop: float  # fall of the rays over one row [m]
    peak: float  # of the highest crown [m]


@kernel
def rays_needed(drop: float, relief: float) -> int:
    """Rays between the lowest ground and the highest crown; none if each leaves the town within its row."""
    return int((relief + 2.0 * drop) / SPACING) + 6 if drop <= 2.0 * relief else 0


@kernel
def climb(fan: Fan, number: int, begin: int, top: Any, base: Any) -> None:
    """Let the rays climb through a row of crowns, over the lines from ``begin``."""
    rays, fallen, least = fan.climbs.shape[0], number * fan.drop, np.inf
    most = -least
    entered = math.floor((fan.peak + fallen) / SPACING) + 3
    highest = math.floor((fan.peak + fallen + fan.drop) / SPACING) + 3
    for ray in range(entered, highest):
        fan.climbs[ray % rays] = 0.0
    for i in range(top.size):
        least, most = min(least, base[i]), max(most, top[i])
    if least >= most:
        return
    lowest = math.floor((least + fallen - fan.drop) / SPACING)
    for ray in range(lowest, math.floor((most + fallen) / SPACING) + 1):
        low = np.float32(ray * SPACING - fallen)
        _climb(fan.climbs[ray % rays, begin : begin + top.size], top, base, low, low + np.float32(fan.drop))


@kernel
def _climb(climbs: Any, top: Any, base: Any, low: Any, high: Any) -> None:
    """Add what is crown between two heights."""
    nil = np.float32(0.0)
    for i in range(climbs.size):
        within = min(top[i], high) - max(base[i], low)
        climbs[i] += within if within > nil else nil


@kernel
def count_lost(
    shade: Any,
    upper: Any,
    lower: Any,
    fan: Fan,
    number: int,
    begin: int,
    top: Any,
    base: Any,
    ground: Any,
    flags: Any,
    receptor: Any,
    depth: Any,
    lost: Any,
) -> None:
    """Count what crowns take of the beam to veiled receptors, in parts: other trees' and the one above."""
    rays, half = fan.climbs.shape[0], np.float32(0.5 * fan.drop)
    fallen = (number - 1) * fan.drop / SPACING if rays else 0.0
    first, nil = math.floor(fallen), np.float32(0.0)
    rest = np.float32(fallen - first)
    for i in range(lost.size):
        level = ground[i] + receptor
        if shade[i] > level or flags[i] & 1 or not level > -FAR:
            continue
        if not is_veiled(level, upper[i], lower[i], top[i], base[i], half):
            continue
        edge = level + half  # of the ray where it enters the cell
        climbed = max(min(top[i], edge) - max(base[i], level), nil)
        if rays and edge <= fan.peak + SPACING:
            place = edge / np.float32(SPACING) + rest
            ray = math.floor(place)
            share, line = place - np.float32(ray), begin + i
            here, over = fan.climbs[(first + ray) % rays, line], fan.climbs[(first + ray + 1) % rays, line]
            climbed += here + share * (over - here)
        if climbed > nil:
            lost[i] += np.int32(PARTS * (1.0 - math.exp(-depth * climbed)) + 0.5)
