"""Slow twin of one step of a run in one cell, from the weather above the roofs to both WBGT and Tmrt.

Rays to every sun and over the whole sky, walls and ground in short explicit steps with the beam on the ground
itself, sums over directions, balances solved by bisection. Shares no code with the package, not a constant.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests import naive, naive_radiation
from tests.naive import ray_cells

Floats = NDArray[np.float64]
SIGMA, ZERO = 5.6696e-8, 273.15
LOWEST = 3.0  # [°] a lower sun sends no beam


class Town(NamedTuple):
    """Sub-cells of 1 m: level of the ground, top of what stands there, crowns above the ground; [m]."""

    ground: Floats
    tops: Floats
    crown_top: Floats
    crown_base: Floats


def arriving(
    ground: Floats, tops: Floats, crown_top: Floats, crown_base: Floats, row: int, column: int, zenith: float,
    azimuth: float,
) -> tuple[float, float]:  # fmt: skip
    """Share of a beam that buildings and ground leave 1.1 m up, and crowns too, which let 15 % through."""
    eye, rise, left = ground[row, column] + 1.1, 1.0 / math.tan(math.radians(zenith)), 1.0
    for i, j, entry, leave in ray_cells(row, column, tops.shape[0], tops.shape[1], azimuth):
        low, high = eye + entry * rise, eye + leave * rise
        if entry > 0.0 and tops[i, j] > low:
            return 0.0, 0.0
        if (
            crown_top[i, j] > 0.0
            and ground[i, j] + crown_base[i, j] <= high
            and low <= ground[i, j] + crown_top[i, j]
        ):
            left = 0.15
    return 1.0, left


_arriving = naive.compiled(arriving)


def shares(town: Town, cell: tuple[int, int], zenith: float, azimuth: float, side: int = 5) -> Floats:
    """Mean of `arriving` over the outdoor sub-cells of a cell."""
    found = [
        _arriving(*town, row, column, zenith, azimuth)
        for row in range(cell[0] * side, (cell[0] + 1) * side)
        for column in range(cell[1] * side, (cell[1] + 1) * side)
        if town.tops[row, column] == town.ground[row, column]
    ]
    return np.mean(found, axis=0)


def sky_views(town: Town, cell: tuple[int, int], rings: int = 24, spokes: int = 48) -> Floats:
    """Sky view factor without trees and with them: directions of equal weight on level ground."""
    found = [
        shares(town, cell, math.degrees(math.asin(math.sqrt((i + 0.5) / rings))), (k + 0.5) * 360.0 / spokes)
        for i in range(rings)
        for k in range(spokes)
    ]
    return np.mean(found, axis=0)


def drive(weather: Mapping[str, Floats]) -> Floats:
    """Rows as `naive_radiation.court_day` reads them."""
    zenith = np.radians(weather["zenith"])
    high = weather["zenith"] <= 90.0 - LOWEST
    beam = np.where(high, weather["dni"] + weather["circumsolar"], 0.0)
    slant = 0.09 * (1.0 - weather["cloud"]) * SIGMA * (weather["ta"] + ZERO) ** 4
    cosz = np.maximum(np.cos(zenith), 0.0)
    turn = np.radians(weather["azimuth"])
    state = (weather[name] for name in ("ta", "ps", "va"))
    return np.stack([beam, weather["diffuse"], cosz, turn, weather["ldown"], slant, *state], axis=1)


def person(beam: float, cosz: float, around: tuple[float, ...]) -> float:
    """Mean radiant temperature of a standing person who faces all ways in turn [°C]."""
    kdown, kup, kside, ldown, lup, lside = around
    sinz = math.sqrt(1.0 - cosz * cosz)
    turns = 2.0 * math.pi * np.arange(360) / 360
    sides = sum(np.maximum(np.cos(turns + 0.5 * math.pi * k), 0.0) for k in range(4)).mean()
    short = 0.06 * (kdown + kup + beam * cosz) + 0.22 * (4.0 * kside + beam * sinz * sides)
    long = 0.06 * (ldown + lup) + 0.22 * 4.0 * lside
    return ((0.7 * short + 0.97 * long) / (0.97 * SIGMA)) ** 0.25 - ZERO


def surroundings(
    now: Floats, horizon: float, svf: float, bare: float, walls: tuple[float, float], ground: Floats,
    ts: float, lit: float,
) -> tuple[float, ...]:  # fmt: skip
    """All fluxes but the beam: short-wave from above, below and aside, then long-wave [W m-2]."""
    beam, diffuse, cosz, _, lsky, slant, ta = now[:7]
    albedo, emissivity = ground[:2]
    clear, black = min(svf / bare, 1.0), SIGMA * (ta + ZERO) ** 4
    leaves = 0.18 * 0.5 * (diffuse + albedo * (beam * cosz + diffuse))
    kdown = naive_radiation.seen_above(bare, diffuse, 0.0, walls[0], leaves, clear)
    ldown = naive_radiation.seen_above(bare, lsky, slant, walls[1], black, clear)
    kup = albedo * (kdown + lit * beam * cosz)
    lup = emissivity * SIGMA * (ts + ZERO) ** 4 + (1.0 - emissivity) * ldown
    kside = naive_radiation.seen_aside(bare, diffuse, 0.0, walls[0], leaves, clear, kup)
    band = max(1.0 - math.degrees(math.acos(math.sqrt(bare))) / 6.5, 0.0)
    lside = naive_radiation.seen_aside(bare, lsky, slant, walls[1], black, clear, lup)
    return kdown, kup, kside + clear * band * horizon, ldown, lup, lside


def felt(
    town: Town, cell: tuple[int, int], past: Mapping[str, Floats], now: Mapping[str, Floats],
    floor: Floats, ground: Floats, wall: Floats,
) -> dict[str, float]:  # fmt: skip
    """Both WBGT and Tmrt of one cell [°C], means over a step, and its sky view factor with trees.

    ``past`` and ``now``: zenith, azimuth [°], dni, circumsolar, diffuse, horizon, ldown [W m-2], ta, rh, ps,
    va, cloud of the day before and of the step, every 10 minutes. ``floor``, ``ground``, ``wall``: albedo,
    emissivity, admittance, moisture of what the walls see, of the cell, of the walls.
    """
    rows = np.concatenate([drive(past), drive(now)])
    first = len(past["ta"])
    suns = zip(*(np.concatenate([past[name], now[name]]) for name in ("zenith", "azimuth")), strict=True)
    lit = np.array([shares(town, cell, *sun)[1] if sun[0] <= 90.0 - LOWEST else 0.0 for sun in suns])
    bare, svf = np.minimum(sky_views(town, cell), 0.9999)
    light, heat, _ = naive_radiation.court_day(rows, first, bare, np.stack([floor]), wall, parts=3)
    *_, ts = naive_radiation.court_day(rows, first, svf, np.stack([floor, ground]), wall, parts=3, sunlit=lit)
    found = []
    for k, row in enumerate(rows[first:]):
        share, walls = lit[first + k], (float(light[k].mean()), float(heat[k].mean()))
        around = surroundings(row, float(now["horizon"][k]), svf, bare, walls, ground, ts[k, 1], share)
        air = [float(now[name][k]) for name in ("ta", "rh", "ps", "va")]
        sides = []
        for beam in (float(row[0]), 0.0):
            fluxes = (around[0], around[1], around[3], around[4])
            small, large, natural, wet = naive.sensors(*air, beam, float(row[2]), *fluxes)
            moe, iso = (0.7 * w + 0.2 * g + 0.1 * air[0] for w, g in ((wet, large), (natural, small)))
            sides.append([moe, iso, person(beam, float(row[2]), around)])
        found.append(share * np.array(sides[0]) + (1.0 - share) * np.array(sides[1]))
    means = dict(zip(("wbgt_moe", "wbgt_iso", "tmrt"), np.mean(found, axis=0), strict=True))
    return {**means, "svf": float(svf)}
