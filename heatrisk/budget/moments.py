"""The physics of one cell at every sub-step of a step, with nothing summed away.

What :func:`heatrisk.simulate` reads for a million cells from tables, solved here for one: the same fluxes
from the same kernels, and the exact balances in place of the nodes between which the tables interpolate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from heatrisk.heat import StepHeat, Surfaces, share_of_day, warmed
from heatrisk.physics.air import psychrometric_wet_bulb, vapour_pressure
from heatrisk.physics.balance import globe_iso7726, globe_liljegren, natural_wet_bulb, wick_load
from heatrisk.physics.constants import (
    KELVIN,
    SIGMA,
    SITTING,
    STANDING,
    WEIGHT_AIR,
    WEIGHT_GLOBE,
    WEIGHT_WET_BULB,
)
from heatrisk.physics.court import BEAM, COSZ, DIFFUSE, SVF_MIN
from heatrisk.physics.fluxes import (
    SLANT,
    WALL_HEAT,
    WALL_LIGHT,
    at_view,
    cell_fluxes,
    court_table,
    sky_state,
)
from heatrisk.physics.lookup import add_warming
from heatrisk.physics.radiant import crown_light, mean_radiant_temperature, person_beam, person_load
from heatrisk.physics.surface import ALBEDO
from heatrisk.physics.utci import utci, wind_at_10_m
from heatrisk.physics.wind import UrbanWind, sheltered_wind

Numbers = dict[str, float]
Floats = npt.NDArray[np.float64]

#: What a globe absorbs, by where it comes from.
PARTS = ("beam", "sky_light", "wall_light", "crown_light", "reflected", "sky_heat", "wall_heat", "crown_heat",
         "ground_heat")  # fmt: skip


class Spot(NamedTuple):
    """What stays the same of a cell: class of the ground, sky view factor with and without trees."""

    kind: int
    svf: float
    svf_buildings: float


def moments(
    spot: Spot,
    heat: StepHeat,
    now: xr.Dataset,
    town: Surfaces,
    past_beams: Sequence[float],
    shares: Sequence[tuple[float, float]],
    urban_wind: UrbanWind = "off",
) -> list[Numbers]:
    """Return everything of one cell at every sub-step.

    Parameters
    ----------
    spot : Spot
        The cell.
    heat : StepHeat
        Of the step.
    now : xarray.Dataset
        The step's data of a :class:`heatrisk.forcing.Forcing`.
    town : Surfaces
        Ground and walls.
    past_beams : sequence of float
        Share of the beam that arrived, for each of ``heat.suns``.
    shares : sequence of tuple of float
        Share of the cell in full sun and share of the beam that arrives, at every sub-step.
    urban_wind : {"off", "svf"}
        As of :func:`heatrisk.simulate`.

    Returns
    -------
    list of dict
        Named as in `heatrisk.budget.words`.
    """
    classes, svf = np.array([spot.kind], np.uint8), np.array([spot.svf], np.float32)
    past = [np.array([beam], np.float32) for beam in past_beams]
    beams = [np.array([beam], np.float32) for _, beam in shares]
    day = share_of_day(heat, past, beams, svf)
    warming = warmed(heat, past, classes, day)
    found = []
    for k, (direct, beam) in enumerate(shares):
        add_warming(heat.recursion[k], heat.mean, classes, day, beams[k], warming)
        air = {name: float(now[name][k]) for name in ("ta", "rh", "ps", "va")}
        air["va_open"] = air["va"]
        if urban_wind == "svf":
            air["va"] = float(sheltered_wind(air["va"], spot.svf_buildings))
        fluxes = _fluxes(spot, k, heat, town, beam, float(warming[0]))
        found.append(
            air | {"direct": direct, "share": beam} | fluxes | _body(air, fluxes, heat.drive[k], beam)
        )
    return found


def _fluxes(spot: Spot, k: int, heat: StepHeat, town: Surfaces, share: float, warming: float) -> Numbers:
    """Return the fluxes of the cell at one sub-step, and the parts of those from above."""
    drive, court = heat.drive[k], court_table(heat.light[k], heat.heat[k])
    sky = sky_state(drive, heat.horizon[k])
    kdown, kup, kside, ldown, lup, lside = cell_fluxes(
        sky, court, heat.shaded[k], town.ground, spot.kind, spot.svf, spot.svf_buildings, share, warming
    )
    view, bare = spot.svf, spot.svf_buildings
    lsky, slant, black, _ = sky[4:]
    crowns = crown_light(drive[BEAM], drive[DIFFUSE], drive[COSZ], town.ground[spot.kind, ALBEDO])
    rim = min(view / max(bare, SVF_MIN), 1.0) * slant * at_view(court[:, SLANT], bare)
    ground = at_view(heat.shaded[k, spot.kind], view)
    return {
        "beam_above": float(drive[BEAM]), "level_beam": share * float(drive[BEAM] * drive[COSZ]),
        "sky_light": view * float(drive[DIFFUSE]),
        "wall_light": (1.0 - bare) * at_view(court[:, WALL_LIGHT], bare),
        "crown_light": (bare - view) * float(crowns), "kdown": kdown, "kup": kup, "kside": kside,
        "sky_heat": view * lsky + rim, "wall_heat": (1.0 - bare) * at_view(court[:, WALL_HEAT], bare),
        "crown_heat": (bare - view) * black, "ldown": ldown, "lup": lup, "lside": lside,
        "ts": ground + warming, "ts_shaded": ground, "ts_warming": warming,
    }  # fmt: skip


def walls(heat: StepHeat, k: int, svf_buildings: float) -> Floats:
    """Return the temperature at which the walls around radiate, by sector clockwise from north [°C]."""
    radiated = np.array([at_view(sector, svf_buildings) for sector in heat.heat[k].T])
    return (radiated / SIGMA) ** 0.25 - KELVIN


def _body(air: Numbers, fluxes: Numbers, drive: Floats, share: float) -> Numbers:
    """Return what globe, wick and person make of the fluxes, in the sun, in the shade and in the mean."""
    long_short = [fluxes[name] for name in ("kdown", "kup", "ldown", "lup")]
    globe = 0.5 * sum(long_short)
    tpsy = float(psychrometric_wet_bulb(air["ta"], air["rh"], air["ps"]))
    found: Numbers = {"tpsy": tpsy, "globe_load": globe + share * 0.25 * float(drive[BEAM])}
    sides: dict[str, Numbers] = {}
    for side, beam in (("sun", float(drive[BEAM])), ("shade", 0.0)):
        wick = wick_load(beam, float(drive[COSZ]), *long_short)
        load = globe + 0.25 * beam
        sides[side] = _sensors(air, load, wick, tpsy)
        for name, posture in (("tmrt", STANDING), ("tmrt_sitting", SITTING)):
            body = person_load(
                fluxes["kdown"], fluxes["kup"], fluxes["kside"],
                fluxes["ldown"], fluxes["lup"], fluxes["lside"], posture,
            ) + person_beam(beam, float(drive[COSZ]), posture)  # fmt: skip
            sides[side][name] = float(mean_radiant_temperature(body))
        sides[side]["utci"] = float(utci(air["ta"], air["rh"], wind_at_10_m(air["va"]), sides[side]["tmrt"]))
    for name, shaded in sides["shade"].items():
        found[f"{name}_sun"], found[f"{name}_shade"] = sides["sun"][name], shaded
        found[name] = share * sides["sun"][name] + (1.0 - share) * shaded
    return found


def _sensors(air: Numbers, load: float, wick: float, tpsy: float) -> Numbers:
    """Solve globe and wick for their loads."""
    ta, ps, va = air["ta"], air["ps"], air["va"]
    radiant = (load / SIGMA) ** 0.25 - KELVIN
    tg, tg_iso = _globe(load, ta, va), globe_liljegren(ta, ps, va, radiant)
    tnwb = natural_wet_bulb(ta, float(vapour_pressure(ta, air["rh"])), ps, va, wick, tpsy)
    return {
        "tg": tg, "tg_iso": tg_iso, "tnwb": tnwb,
        "wbgt_moe": WEIGHT_WET_BULB * tpsy + WEIGHT_GLOBE * tg + WEIGHT_AIR * ta,
        "wbgt_iso": WEIGHT_WET_BULB * tnwb + WEIGHT_GLOBE * tg_iso + WEIGHT_AIR * ta,
    }  # fmt: skip


def loads(numbers: Numbers) -> Numbers:
    """Return what a globe in a cell absorbs, mean over its sun and its shade, by where it comes from.

    Returns
    -------
    dict
        `PARTS` [W m-2], whose sum is ``globe_load``.
    """
    parts = {name: 0.5 * numbers[name] for name in PARTS if name in numbers}
    parts["beam"] = 0.25 * numbers["share"] * numbers["beam_above"]
    parts["reflected"], parts["ground_heat"] = 0.5 * numbers["kup"], 0.5 * numbers["lup"]
    return {name: parts[name] for name in PARTS}


def differences(cell: Numbers, reference: Numbers) -> Numbers:
    """Return how much each part of the load sets ``wbgt_moe`` of a cell apart from that of a reference.

    Parameters
    ----------
    cell, reference : dict
        Of one sub-step, in the same air but for its wind.

    Returns
    -------
    dict
        `PARTS` in the wind of the reference, ``mixing``, the rest that comes from sun and shade beside one
        another, and ``wind``, what the cell's own wind then changes [K]; their sum is the difference.
    """
    ta, va = reference["ta"], reference["va"]
    mine, other = (one["globe_load"] for one in (cell, reference))
    # One slope for all parts: the chord between both loads, or a short one where they are the same.
    low, high = (other, mine) if abs(mine - other) > 1.0 else (mine - 0.5, mine + 0.5)
    slope = WEIGHT_GLOBE * (_globe(high, ta, va) - _globe(low, ta, va)) / (high - low)
    here, there = loads(cell), loads(reference)
    found = {name: slope * (here[name] - there[name]) for name in PARTS}
    sheltered = WEIGHT_GLOBE * (cell["tg"] - _globe_in_wind(cell, va))
    found["mixing"] = cell["wbgt_moe"] - sheltered - reference["wbgt_moe"] - sum(found.values())
    return found | {"wind": sheltered}


def _globe(load: float, ta: float, va: float) -> float:
    """Return the temperature of a 150 mm globe that absorbs a load [°C]."""
    return globe_iso7726(ta, va, (load / SIGMA) ** 0.25 - KELVIN)


def _globe_in_wind(cell: Numbers, va: float) -> float:
    """Return the globe temperature, mean over sun and shade, that a cell would have in another wind [°C]."""
    if va == cell["va"]:
        return cell["tg"]
    share, beam = cell["share"], 0.25 * cell["beam_above"]
    shade = cell["globe_load"] - share * beam
    return share * _globe(shade + beam, cell["ta"], va) + (1.0 - share) * _globe(shade, cell["ta"], va)


def mean(rows: Sequence[Numbers]) -> Numbers:
    """Return the mean over sub-steps of every number."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
