"""What a body feels in every cell, from few exact solutions.

Over one weather cell the forcing is uniform. The fluxes of a cell are sums of a few products, so they are
computed for every cell as they are; what they make a globe, a wick or a person feel is a smooth function of
one load each. The energy balances are solved on the nodes of that load and interpolated between them: some
hundred solutions serve a million cells.

A cell is larger than a shadow's edge. Its value is the mean over its ground: the sunlit part at the WBGT of
the sun, the rest at the WBGT of the shade, both over ground that is warmed by the sunlit share of the last
hours.
"""

from __future__ import annotations

from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.air import psychrometric_wet_bulb, vapour_pressure
from heatrisk.physics.balance import globe_iso7726, globe_liljegren, natural_wet_bulb, wick_load
from heatrisk.physics.constants import (
    KELVIN,
    SIGMA,
    STANDING,
    WEIGHT_AIR,
    WEIGHT_GLOBE,
    WEIGHT_WET_BULB,
)
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
from heatrisk.physics.kernel import kernel, parallel_kernel
from heatrisk.physics.radiant import (
    crown_light,
    longwave,
    mean_radiant_temperature,
    person_beam,
    person_load,
    shortwave,
    side_flux,
    side_slant,
    side_views,
)
from heatrisk.physics.surface import ALBEDO, EMISSIVITY
from heatrisk.physics.utci import utci, wind_at_10_m
from heatrisk.physics.wbgt import in_domain

#: Loads at which the balances are solved [W m-2]: the interpolation stays within 0.005 °C of the solver.
LOAD_MIN: Final = 40.0
LOAD_STEP: Final = 4.0
LOADS: Final = 512

#: Columns of the sums of `add_substep`.
MOE, ISO, TMRT, UTCI, MOE_SUN, MOE_SHADE, LIT, PEAK = range(8)
SUMS: Final = 8

#: Columns of a court as cells read it: view of an upright plane to the sky, its band of the horizon, light
#: and heat of the walls, and how level ground and an upright plane see the sky's growth towards the horizon.
SIDE_SKY, BAND, WALL_LIGHT, WALL_HEAT, SLANT, SIDE_SLANT = range(6)

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Sky = tuple[float, float, float, float, float, float, float, float]


@kernel
def sensor_table(ta: float, rh: float, ps: float, va: float) -> Floats:
    """Solve the balances of globe, wick and person for every load, in the air of one moment.

    Parameters
    ----------
    ta, rh, ps, va : float
        Air temperature, relative humidity, pressure, wind at the body. [°C], [%], [hPa], [m s-1]

    Returns
    -------
    array, shape (LOADS, 5)
        By the load of the globe: ``wbgt_moe``; the part of ``wbgt_iso`` without its wet bulb. By the load of
        the wick: the part of ``wbgt_iso`` of its wet bulb. By the load of the person: ``tmrt``, ``utci``.
        [°C]
    """
    table = np.full((LOADS, 5), np.nan)
    if not in_domain(ta, rh, ps, va):
        return table
    tpsy = psychrometric_wet_bulb(ta, rh, ps)
    vapour = vapour_pressure(ta, rh)
    for k in range(LOADS):
        load = LOAD_MIN + k * LOAD_STEP
        radiant = np.sqrt(np.sqrt(load / SIGMA)) - KELVIN
        air = WEIGHT_AIR * ta
        table[k, 0] = WEIGHT_WET_BULB * tpsy + WEIGHT_GLOBE * globe_iso7726(ta, va, radiant) + air
        table[k, 1] = WEIGHT_GLOBE * globe_liljegren(ta, ps, va, radiant) + air
        table[k, 2] = WEIGHT_WET_BULB * natural_wet_bulb(ta, vapour, ps, va, load, tpsy)
        table[k, 3] = mean_radiant_temperature(load)
        table[k, 4] = utci(ta, rh, wind_at_10_m(va), table[k, 3])
    return table


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


@kernel
def _place(load: float) -> tuple[int, float]:
    """Node below a load, and the way from it to the next."""
    x = (load - LOAD_MIN) * (1.0 / LOAD_STEP)
    k = min(max(int(x), 0), LOADS - 2)
    return k, x - k


@kernel
def _read(table: Floats, column: int, place: tuple[int, float]) -> float:
    k, u = place
    value: float = table[k, column] + u * (table[k + 1, column] - table[k, column])
    return value


@parallel_kernel
def add_warming(
    recursion: Floats, mean: Floats, ground: npt.NDArray[np.uint8], svf: Floats32, beam: Floats32, warming:
    Floats
) -> None:  # fmt: skip
    """Let the beam warm the ground of every cell for one moment.

    Parameters
    ----------
    recursion : array, shape (classes, 3)
        Row of `heatrisk.physics.court.beam_warming`.
    mean : array, shape (classes,)
        Of the same. [K]
    ground, svf, beam : array, shape (cells,)
        Class of the ground; sky view factor; share of the beam that arrives.
    warming : array, shape (cells,)
        Changed in place. [K]
    """
    for cell in numba.prange(warming.size):
        a, b, restored = recursion[ground[cell]]
        settled = svf[cell] * mean[ground[cell]]
        warming[cell] = a * warming[cell] + b * beam[cell] + restored * settled


@parallel_kernel
def add_substep(
    table: Floats, now: Floats, horizon: float, court: Floats, shaded: Floats, ground: Floats,
    classes: npt.NDArray[np.uint8], svf: Floats32, svf_buildings: Floats32, beam: Floats32, direct: Floats32,
    warming: Floats, sums: Floats,
) -> None:  # fmt: skip
    """Add what a body feels in every cell at one moment to running sums.

    Parameters
    ----------
    table : array, shape (LOADS, 5)
        From `sensor_table`. [°C]
    now, horizon
        As of `sky_state`.
    court
        As of `cell_fluxes`.
    shaded : array, shape (classes, COURT_NODES)
        From `heatrisk.physics.court.march_courts`. [°C]
    ground : array, shape (classes, 4)
        From `heatrisk.physics.surface.parameters`.
    classes, svf, svf_buildings, beam, direct : array, shape (cells,)
        Class of the ground; sky view factor, with and without trees; share of the beam that arrives; share in
        full sun. NaN gives NaN.
    warming : array, shape (cells,)
        Of the ground by the beam. [K]
    sums : array, shape (cells, SUMS)
        Added to; see `MOE` and following. `PEAK` is the highest ``wbgt_moe`` so far.
    """
    sky = sky_state(now, horizon)
    globe_sun = 0.25 * now[BEAM]
    wick_sun = wick_load(now[BEAM], now[COSZ], 0.0, 0.0, 0.0, 0.0)
    person_sun = person_beam(now[BEAM], now[COSZ], STANDING)
    for cell in numba.prange(classes.size):
        if np.isnan(svf[cell]) or np.isnan(beam[cell]):
            sums[cell] = np.nan
            continue
        share = min(max(np.float64(beam[cell]), 0.0), 1.0)
        kind = classes[cell]
        kdown, kup, kside, ldown, lup, lside = cell_fluxes(
            sky, court, shaded, ground, kind,
            np.float64(svf[cell]), np.float64(svf_buildings[cell]), share, warming[cell],
        )  # fmt: skip
        globe = 0.5 * (kdown + kup + ldown + lup)
        in_shade, in_sun = _place(globe), _place(globe + globe_sun)
        shade, sun = _read(table, 0, in_shade), _read(table, 0, in_sun)
        moe = share * sun + (1.0 - share) * shade
        sums[cell, MOE] += moe
        sums[cell, MOE_SUN] += sun
        sums[cell, MOE_SHADE] += shade
        sums[cell, LIT] += direct[cell]
        sums[cell, PEAK] = np.maximum(sums[cell, PEAK], moe)  # unlike max(), hands NaN on
        wick = wick_load(0.0, 0.0, kdown, kup, ldown, lup)
        person = person_load(kdown, kup, kside, ldown, lup, lside, STANDING)
        if share > 0.0:
            body = _place(person + person_sun)
            sums[cell, ISO] += share * (_read(table, 1, in_sun) + _read(table, 2, _place(wick + wick_sun)))
            sums[cell, TMRT] += share * _read(table, 3, body)
            sums[cell, UTCI] += share * _read(table, 4, body)
        if share < 1.0:
            body = _place(person)
            sums[cell, ISO] += (1.0 - share) * (_read(table, 1, in_shade) + _read(table, 2, _place(wick)))
            sums[cell, TMRT] += (1.0 - share) * _read(table, 3, body)
            sums[cell, UTCI] += (1.0 - share) * _read(table, 4, body)
