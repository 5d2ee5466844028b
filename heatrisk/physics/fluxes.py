"""All radiant fluxes of a cell, from the court that it stands in.

A cell reads its court by its sky view factor: between the nodes of a table of one moment, see
`heatrisk.physics.court`. The same few products serve every cell.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heatrisk.physics.constants import KELVIN, SIGMA
from heatrisk.physics.court import (
    BEAM,
    COSZ,
    COURT_NODES,
    DIFFUSE,
    LSKY,
    LSLANT,
    SVF_MIN,
    TA,
    court_views,
    sky_slant,
)
from heatrisk.physics.kernel import kernel
from heatrisk.physics.radiant import crown_light, longwave, shortwave, side_flux, side_slant, side_views
from heatrisk.physics.surface import ALBEDO, EMISSIVITY

#: Columns of a court as cells read it: view of an upright plane to the sky, its band of the horizon, light
#: and heat of the walls, and how level ground and an upright plane see the sky's growth towards the horizon.
SIDE_SKY, BAND, WALL_LIGHT, WALL_HEAT, SLANT, SIDE_SLANT = range(6)

Floats = npt.NDArray[np.float64]
Sky = tuple[float, float, float, float, float, float, float, float]


@kernel
def court_table(light: Floats, heat: Floats) -> Floats:
    """Mean over the sectors of the walls, beside the views of every court.

    Parameters
    ----------
    light, heat : array, shape (COURT_NODES, SECTORS)
        Of one moment, from `heatrisk.physics.court.march_courts`. [W m-2]

    Returns
    -------
    array, shape (COURT_NODES, 6)
        See `SIDE_SKY` and following.
    """
    table = np.empty((COURT_NODES, 6))
    for node in range(COURT_NODES):
        svf = node / (COURT_NODES - 1.0)
        rise = court_views(svf)[0]
        table[node, SLANT], table[node, SIDE_SLANT] = sky_slant(svf), side_slant(rise)
        table[node, SIDE_SKY], table[node, BAND] = side_views(rise)
        table[node, WALL_LIGHT], table[node, WALL_HEAT] = light[node].mean(), heat[node].mean()
    return table


@kernel
def court_place(svf: float) -> tuple[int, float]:
    """Node below a sky view factor, and the way from it to the next, 0 to 1."""
    x = min(max(svf, 0.0), 1.0) * (COURT_NODES - 1)
    node = min(int(x), COURT_NODES - 2)
    return node, x - node


@kernel
def at_view(nodes: Floats, svf: float) -> float:
    """Read at a sky view factor what is known at those of the courts."""
    node, way = court_place(svf)
    value: float = nodes[node] + way * (nodes[node + 1] - nodes[node])
    return value


@kernel
def sky_state(now: Floats, horizon: float) -> Sky:
    """Take one moment out of its drive, so that a loop over cells keeps it at hand.

    Parameters
    ----------
    now : array, shape (9,)
        Row of a drive, see `heatrisk.physics.court.BEAM` and following.
    horizon : float
        Radiation of the bright band of the horizon on an upright plane. [W m-2]

    Returns
    -------
    tuple of float
        Beam, diffuse radiation, cosine of the zenith angle, radiation of the band, long-wave radiation of the
        sky, its growth towards the horizon, that of a black body as warm as the air, air temperature.
    """
    ta = now[TA]
    black = SIGMA * (ta + KELVIN) ** 4
    return now[BEAM], now[DIFFUSE], now[COSZ], horizon, now[LSKY], now[LSLANT], black, ta


@kernel
def cell_fluxes(
    sky: Sky, court: Floats, shaded: Floats, ground: Floats, kind: int,
    svf: float, svf_buildings: float, sunlit_ground: float, warming: float,
) -> tuple[float, float, float, float, float, float]:  # fmt: skip
    """All radiant fluxes of a cell but the beam.

    Parameters
    ----------
    sky : tuple of float
        From `sky_state`.
    court : array, shape (COURT_NODES, 6)
        From `court_table`.
    shaded : array, shape (classes, COURT_NODES)
        Temperature of the ground without the beam. [°C]
    ground : array, shape (classes, 4)
        From `heatrisk.physics.surface.parameters`.
    kind : int
        Class of the cell's ground. [1]
    svf, svf_buildings : float
        Sky view factor, and what it would be without trees, 0 to 1. [1]
    sunlit_ground : float
        Share of the beam that reaches the ground, 0 to 1. [1]
    warming : float
        What the beam of the last hours adds to the temperature of the ground. [K]

    Returns
    -------
    kdown, kup, kside, ldown, lup, lside : float
        Short-wave and long-wave radiation from above, from below, and on the mean of all sides. [W m-2]
    """
    beam, diffuse, cosz, horizon, lsky, slant, black, ta = sky
    node, u = court_place(svf_buildings)
    side_sky = court[node, SIDE_SKY] + u * (court[node + 1, SIDE_SKY] - court[node, SIDE_SKY])
    band = court[node, BAND] + u * (court[node + 1, BAND] - court[node, BAND])
    light = court[node, WALL_LIGHT] + u * (court[node + 1, WALL_LIGHT] - court[node, WALL_LIGHT])
    heat = court[node, WALL_HEAT] + u * (court[node + 1, WALL_HEAT] - court[node, WALL_HEAT])
    level_rim = court[node, SLANT] + u * (court[node + 1, SLANT] - court[node, SLANT])
    side_rim = court[node, SIDE_SLANT] + u * (court[node + 1, SIDE_SLANT] - court[node, SIDE_SLANT])
    # Ground under trees is shaded by them as by walls.
    node, u = court_place(svf)
    ts = shaded[kind, node] + u * (shaded[kind, node + 1] - shaded[kind, node]) + warming
    clear = min(svf / max(svf_buildings, SVF_MIN), 1.0)
    rim = clear * slant
    crowns = crown_light(beam, diffuse, cosz, ground[kind, ALBEDO])
    kdown, kup = shortwave(
        beam, diffuse, cosz, sunlit_ground, svf, svf_buildings, light, crowns, ground[kind, ALBEDO]
    )
    ldown, lup = longwave(lsky, ta, svf, svf_buildings, heat, rim * level_rim, ts, ground[kind, EMISSIVITY])
    kside = side_flux(side_sky, clear, diffuse, crowns, light, kup) + clear * band * horizon
    lside = side_flux(side_sky, clear, lsky, black, heat, lup) + rim * side_rim
    return kdown, kup, kside, ldown, lup, lside
