r"""What a small box feels on its six faces: the fluxes that radiation stations measure.

::

             from above                 north
                 v                        |
        west >  box  < east       west --( )-- east     a face is named after where it looks:
                 ^                        |             the south face sees the sun at noon
             from below                 south

Each face sees the same sky, crowns, walls and ground as `heatrisk.physics.fluxes.cell_fluxes`; the walls with
their own light and warmth by compass direction.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.constants import (
    KELVIN,
    PERSON_ABSORPTION_LONG,
    PERSON_ABSORPTION_SHORT,
    SIGMA,
    STANDING,
)
from heatrisk.physics.court import (
    AZIMUTH,
    BEAM,
    COSZ,
    COURT_NODES,
    DIFFUSE,
    LSKY,
    LSLANT,
    SECTORS,
    SVF_MIN,
    TA,
)
from heatrisk.physics.fluxes import BAND, SIDE_SKY, SIDE_SLANT, cell_fluxes, court_place, sky_state
from heatrisk.physics.kernel import kernel, parallel_kernel
from heatrisk.physics.radiant import (
    crown_light,
    mean_radiant_temperature,
    person_beam,
    person_load,
    side_flux,
)
from heatrisk.physics.surface import ALBEDO

#: Faces in order; the sums of `add_faces` are short-wave then long-wave, then ``tmrt``.
FACES: Final = ("down", "up", "north", "east", "south", "west")
TMRT: Final = 2 * len(FACES)

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]


@kernel
def side_walls(walls: Floats, heading: float) -> Floats:
    """Mean over the walls that each side sees, by what they send to it.

    Parameters
    ----------
    walls : array, shape (COURT_NODES, SECTORS)
        Radiation that the walls send back. [W m-2]
    heading : float
        Clockwise from north to where the face called north looks. [rad]

    Returns
    -------
    array, shape (COURT_NODES, 4)
        North, east, south, west. [W m-2]
    """
    means = np.zeros((COURT_NODES, 4))
    for side in range(4):
        weights = 0.0
        for sector in range(SECTORS):
            normal = 0.5 * math.pi * side + heading
            weight = max(math.cos(2.0 * math.pi * sector / SECTORS - normal), 0.0)
            weights += weight
            for node in range(COURT_NODES):
                means[node, side] += weight * walls[node, sector]
        means[:, side] /= weights
    return means


@kernel
def side_beam(now: Floats, side: int, heading: float) -> float:
    """Beam on an upright plane that looks north (0), east, south or west (3), all turned by a heading."""
    sinz = math.sqrt(max(1.0 - now[COSZ] * now[COSZ], 0.0))
    beam: float = now[BEAM] * sinz * max(math.cos(0.5 * math.pi * side + heading - now[AZIMUTH]), 0.0)
    return beam


@parallel_kernel
def add_faces(
    now: Floats, horizon: float, court: Floats, light: Floats, heat: Floats, shaded: Floats, ground: Floats,
    classes: npt.NDArray[np.uint8], svf: Floats32, svf_buildings: Floats32, beam: Floats32,
    sunlit_ground: Floats32, warming: Floats, posture: tuple[float, float], heading: float,
    sums: Floats,
) -> None:  # fmt: skip
    """Add the fluxes on all faces of every cell at one moment to running sums.

    Parameters
    ----------
    now, horizon, court, shaded, ground, classes, svf, svf_buildings, beam, warming
        As of `heatrisk.physics.fluxes.cell_fluxes`.
    light, heat : array, shape (COURT_NODES, 4)
        From `side_walls`. [W m-2]
    sunlit_ground : array, shape (cells,)
        Share of the beam that reaches the ground around. [1]
    posture : tuple of float
        Weights of the body, see `heatrisk.physics.radiant.person_load`.
    heading : float
        As of `side_walls`. [rad]
    sums : array, shape (cells, 13)
        Added to: short-wave of `FACES`, long-wave of `FACES`, ``tmrt``; NaN where there is no value.
    """
    sky = sky_state(now, horizon)
    for cell in numba.prange(classes.size):
        total = sums[cell]
        if np.isnan(svf[cell]) or np.isnan(beam[cell]) or np.isnan(sunlit_ground[cell]):
            total[:] = np.nan
            continue
        kind = classes[cell]
        view, view_buildings, share = (
            np.float64(svf[cell]), np.float64(svf_buildings[cell]), np.float64(beam[cell])
        )  # fmt: skip
        kdown, kup, kside, ldown, lup, lside = cell_fluxes(
            sky, court, shaded, ground, kind, view, view_buildings,
            np.float64(sunlit_ground[cell]), warming[cell],
        )  # fmt: skip
        total[0] += kdown + share * now[BEAM] * max(now[COSZ], 0.0)
        total[1] += kup
        total[6] += ldown
        total[7] += lup
        node, u = court_place(view_buildings)
        side_sky = (1.0 - u) * court[node, SIDE_SKY] + u * court[node + 1, SIDE_SKY]
        band = (1.0 - u) * court[node, BAND] + u * court[node + 1, BAND]
        rim = (1.0 - u) * court[node, SIDE_SLANT] + u * court[node + 1, SIDE_SLANT]
        clear = min(view / max(view_buildings, SVF_MIN), 1.0)
        crowns = crown_light(now[BEAM], now[DIFFUSE], now[COSZ], ground[kind, ALBEDO])
        warm = SIGMA * (now[TA] + KELVIN) ** 4
        for side in range(4):
            lit = (1.0 - u) * light[node, side] + u * light[node + 1, side]
            hot = (1.0 - u) * heat[node, side] + u * heat[node + 1, side]
            short = side_flux(side_sky, clear, now[DIFFUSE], crowns, lit, kup) + clear * band * horizon
            total[2 + side] += short + share * side_beam(now, side, heading)
            total[8 + side] += side_flux(side_sky, clear, now[LSKY], warm, hot, lup)
            total[8 + side] += clear * now[LSLANT] * rim
        load = person_load(kdown, kup, kside, ldown, lup, lside, posture)
        sun = person_beam(now[BEAM], now[COSZ], posture)
        total[TMRT] += share * mean_radiant_temperature(load + sun)
        total[TMRT] += (1.0 - share) * mean_radiant_temperature(load)


def box_temperature(
    short: npt.ArrayLike, long: npt.ArrayLike, posture: tuple[float, float] = STANDING
) -> npt.NDArray[np.float64]:
    """Mean radiant temperature from the fluxes on six faces, beam and all: as stations derive it.

    Parameters
    ----------
    short, long : array_like, shape (6, ...)
        Short-wave and long-wave radiation on `FACES`. [W m-2]
    posture : tuple of float
        Weight of one side, and of above or below. [1]

    Returns
    -------
    array, shape (...)
        Mean radiant temperature. [°C]

    References
    ----------
    ISO 7726:1998, annex B; VDI 3787-2; Lindberg, Holmer & Thorsson (2008), Int. J. Biometeorol. 52, 697-713.
    """
    side, level = posture
    weights = np.array([level, level, side, side, side, side])
    k, l_ = (np.tensordot(weights, np.asarray(flux, np.float64), axes=1) for flux in (short, long))
    load = PERSON_ABSORPTION_SHORT * k + PERSON_ABSORPTION_LONG * l_
    return np.asarray(mean_radiant_temperature(load))
