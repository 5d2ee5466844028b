"""Why a cell is as hot as it is: everything that the model knows of one cell at one moment and its step.

::

    found = budget(scene, weather, 139.5605, 35.6830, pd.Timestamp("2025-08-05T03:00"))
    for line in found.lines("en"):
        ...

Built from the kernels that :func:`heatrisk.simulate` runs over all cells; the balances are solved instead of
interpolated, so that both agree within 0.005 °C.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

import numpy as np
import pandas as pd
import xarray as xr

from heatrisk.blocks import block
from heatrisk.budget.moments import Numbers, Spot, differences, mean, moments, walls
from heatrisk.budget.obstacles import Obstacle, obstacles
from heatrisk.budget.telling import told
from heatrisk.budget.words import DIRECTIONS, SECTIONS, STEP
from heatrisk.errors import InputError
from heatrisk.fields import sky_views
from heatrisk.forcing import forcing
from heatrisk.heat import StepHeat, Surfaces, step_heat
from heatrisk.physics.constants import WEIGHT_AIR, WEIGHT_GLOBE, WEIGHT_WET_BULB
from heatrisk.physics.court import SECTORS
from heatrisk.physics.given import check_choice
from heatrisk.physics.shadow import LOWEST_SUN
from heatrisk.physics.shares import unpacked
from heatrisk.physics.surface import GRASS, LAND_COVER
from heatrisk.physics.wind import UrbanWind
from heatrisk.place import cell_at
from heatrisk.radiation import Sun, Suns, path_of
from heatrisk.risk import DANGER
from heatrisk.scene import Scene
from heatrisk.steps import STEP as THREE_HOURS
from heatrisk.steps import step_times
from heatrisk.uncertainty import (
    UncertaintyInputs,
    conditions,
    lead_hours,
    probability,
    split_measured,
    spread,
    term_sds,
)
from heatrisk.weather import Weather
from heatrisk.words import JST, Language, Note, Words

_NOW = ("zenith", "azimuth", "ghi", "dni", "dhi", "circumsolar", "diffuse", "horizon", "cloud")


@dataclass(frozen=True)
class Budget:
    """The budget of one cell.

    Parameters
    ----------
    lon, lat : float
        The place asked for [degrees].
    row, column : int
        Its cell.
    land_cover : Words
        Class of its ground.
    time : pandas.Timestamp
        Middle of the sub-step whose numbers these are, UTC without zone.
    step : pandas.Timestamp
        The step that it belongs to, and
    length : pandas.Timedelta
        what the step stands for.
    numbers : dict
        Every number by its name, in the units of `heatrisk.budget.words`; NaN where there is none.
    differences : dict
        What sets ``wbgt_moe`` of the step apart from that of the open reference, by cause [K].
    terms : dict
        Terms of the uncertainty by name [K].
    walls : tuple of float
        Temperature at which the walls around radiate, of 8 directions clockwise from north [degC]; empty
        where there are none.
    shaded_by : tuple of Obstacle
        What stands in front of the sun.
    notes : tuple of Note
        What had to be assumed of the weather.
    """

    lon: float
    lat: float
    row: int
    column: int
    land_cover: Words
    time: pd.Timestamp
    step: pd.Timestamp
    length: pd.Timedelta
    numbers: Numbers
    differences: Numbers
    terms: Numbers
    walls: tuple[float, ...]
    shaded_by: tuple[Obstacle, ...]
    notes: tuple[Note, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON-ready values, with the units beside."""
        return {
            "lon": self.lon, "lat": self.lat, "row": self.row, "column": self.column,
            "land_cover": self.land_cover._asdict(),
            "time": f"{self.time:%Y-%m-%dT%H:%M:%SZ}", "step": f"{self.step:%Y-%m-%dT%H:%M:%SZ}",
            "step_minutes": self.length / pd.Timedelta(minutes=1),
            "values": _plain(self.numbers),
            "units": {row.name: row.unit for section in (*SECTIONS, STEP) for row in section.rows},
            "difference_from_open": _plain(self.differences),
            "uncertainty": _plain(self.terms),
            "walls": list(self.walls),
            "shaded_by": [obstacle._asdict() for obstacle in self.shaded_by],
            "assumptions": [note.as_dict() for note in self.notes],
        }  # fmt: skip

    def lines(self, language: Language = "ja") -> list[str]:
        """Return the budget as lines of text.

        Parameters
        ----------
        language : {"ja", "en"}
            Of the words.
        """
        return list(told(self, language))


def _plain(numbers: Numbers) -> dict[str, float | None]:
    return {name: round(value, 4) if np.isfinite(value) else None for name, value in numbers.items()}


def budget(
    scene: Scene,
    weather: Weather,
    lon: float,
    lat: float,
    time: pd.Timestamp | datetime,
    *,
    step: pd.Timedelta = THREE_HOURS,
    anchor: bool = True,
    surfaces: Surfaces | None = None,
    urban_wind: UrbanWind = "off",
) -> Budget:
    """Return the whole budget of one cell at one moment, and of the step around it.

    Parameters
    ----------
    scene : Scene
        The town.
    weather : Weather
        Weather series, official forecast or both.
    lon, lat : float
        The place [degrees].
    time : pandas.Timestamp or datetime
        The moment; UTC where it bears no zone.
    step : pandas.Timedelta
        What a step stands for, a multiple of 20 minutes up to 12 hours.
    anchor : bool
        Anchor to the official forecast where there is one.
    surfaces : Surfaces, optional
        Ground and walls; the cited table if omitted.
    urban_wind : {"off", "svf"}
        As of :func:`heatrisk.simulate`.

    Returns
    -------
    Budget

    Raises
    ------
    InputError
        The place lies outside the grid or not outdoors, the weather does not cover the time, or an option
        does not exist.
    SourceIncompleteError
        The weather has a hole.
    """
    check_choice("urban_wind", urban_wind, get_args(UrbanWind))
    when = _instant(time)
    row, column = cell_at(scene.grid, scene.mask, lon, lat)
    at, notes = _step_of(weather, when, step)
    drive = forcing(weather, pd.DatetimeIndex([at]), *scene.grid.centre_lonlat, anchor=anchor, step=step)
    now = drive.data.isel(time=0)
    town = Surfaces.of() if surfaces is None else surfaces
    heat = step_heat(now, drive.before.isel(time=0), town)
    part = block(scene, (row, column, 1, 1))
    spot = _spot(part, town)
    turn = scene.grid.convergence
    cells = _followed(spot, Suns(part, turn), heat, now, town, urban_wind)
    references = _followed(Spot(int(town.classes[GRASS.code]), 1.0, 1.0), None, heat, now, town, urban_wind)
    k = min(max(int((when - (at - step / 2)) / (step / len(cells))), 0), len(cells) - 1)
    numbers = {name: float(now[name][k]) for name in _NOW} | cells[k]
    numbers |= {"lsky": float(now["ldown"][k]), "svf": spot.svf, "svf_buildings": spot.svf_buildings}
    numbers |= _terms(cells[k]) | {"ts_open": references[k]["ts"]}
    numbers |= _whole_step(mean(cells), mean(references), float(now["official"]))
    terms, sure = _sureness(scene, weather, at, now, numbers)
    sector = walls(heat, k, spot.svf_buildings)[:: SECTORS // len(DIRECTIONS)]
    code = int(part.land_cover[0, 0])
    return Budget(
        lon, lat, row, column,
        _ground(code, town),
        at - step / 2 + (k + 0.5) * step / len(cells), at, step, numbers | sure,
        mean([differences(*pair) for pair in zip(cells, references, strict=True)]), terms,
        tuple(round(float(value), 2) for value in sector) if spot.svf_buildings < 1.0 else (),
        obstacles(part, 0, 0, numbers["zenith"], numbers["azimuth"] - turn), (*notes, *drive.notes),
    )  # fmt: skip


def _ground(code: int, town: Surfaces) -> Words:
    """Return the name of a class of ground; the numbers of a city's own class stand in its city file."""
    if town.classes[code] == town.classes[255] and code != GRASS.code:  # 255 is never a class
        return _UNKNOWN
    known = {kind.code: Words(kind.name_ja, kind.name) for kind in LAND_COVER}
    return known.get(
        code, Words(f"市が定めた地表（コード {code}）", f"the city's own class of ground, code {code}")
    )


_UNKNOWN = Words("不明（芝生・草地とみなす）", "unknown, taken as grass")


def _instant(time: pd.Timestamp | datetime) -> pd.Timestamp:
    when = pd.Timestamp(time)
    return when if when.tz is None else when.tz_convert("UTC").tz_localize(None)


def _step_of(
    weather: Weather, when: pd.Timestamp, step: pd.Timedelta
) -> tuple[pd.Timestamp, tuple[Note, ...]]:
    """Return the step that a moment belongs to."""
    steps, notes = step_times(weather, step)
    nearest = steps[int(np.abs((steps - when).to_numpy()).argmin())]
    if not abs(nearest - when) <= step / 2:  # nor for no time at all
        first, last, asked = (
            f"{edge.tz_localize('UTC').tz_convert(JST):%Y-%m-%d %H:%M}"
            for edge in (steps[0] - step / 2, steps[-1] + step / 2, when)
        )
        raise InputError(
            Words(
                "その時刻の気象データか公式予測がありません", "there is no weather or forecast for that time"
            ),
            expected=f"{first} – {last} JST",
            got=f"{asked} JST",
        )
    return nearest, notes


def _spot(part: Scene, town: Surfaces) -> Spot:
    """Return what stays the same of the one cell of a scene."""
    views = sky_views(part.shade, part.grid, part.transmissivity, part.extinction)
    svf, bare = (float(np.float32(views[name].values[0, 0])) for name in ("svf", "svf_buildings"))
    return Spot(int(town.classes[part.land_cover[0, 0]]), svf, bare)


def _followed(
    spot: Spot,
    light: Suns | None,
    heat: StepHeat,
    now: xr.Dataset,
    town: Surfaces,
    urban_wind: UrbanWind,
) -> list[Numbers]:
    """Follow a cell through the step: the one that suns shine on, or open ground that nothing shades."""

    def shares(suns: list[Sun]) -> list[tuple[float, float]]:
        if light is None:
            return [(float(90.0 - zenith >= LOWEST_SUN),) * 2 for zenith, _ in suns]
        found = (unpacked(np.concatenate(both)) for both in light.shares(suns))
        return [(float(direct), float(beam)) for direct, beam in found]

    past = [beam for _, beam in shares(heat.suns)]
    return moments(spot, heat, now, town, past, shares(path_of(now)), urban_wind)


def _terms(cell: Numbers) -> Numbers:
    """Return the three terms of both WBGT."""
    return {
        "moe_wet": WEIGHT_WET_BULB * cell["tpsy"], "moe_globe": WEIGHT_GLOBE * cell["tg"],
        "moe_air": WEIGHT_AIR * cell["ta"],
        "iso_wet": WEIGHT_WET_BULB * cell["tnwb"], "iso_globe": WEIGHT_GLOBE * cell["tg_iso"],
    }  # fmt: skip


def _whole_step(cell: Numbers, reference: Numbers, official: float) -> Numbers:
    """Return the means over the step, and what the anchor makes of them."""
    open_moe = reference["wbgt_moe"]
    offset = official - open_moe
    lift = offset if np.isfinite(official) else 0.0
    return {
        "step_moe": cell["wbgt_moe"], "step_open": open_moe, "official": official, "offset": offset,
        "anchored_moe": cell["wbgt_moe"] + lift, "anchored_sun": cell["wbgt_moe_sun"] + lift,
        "anchored_shade": cell["wbgt_moe_shade"] + lift, "anchored_iso": cell["wbgt_iso"] + lift,
        "step_direct": cell["direct"], "step_share": cell["share"],
        "step_tmrt": cell["tmrt"], "step_utci": cell["utci"],
    }  # fmt: skip


def _sureness(
    scene: Scene, weather: Weather, at: pd.Timestamp, now: xr.Dataset, numbers: Numbers
) -> tuple[Numbers, Numbers]:
    """Return the terms of the uncertainty, and what they make together."""
    moe, sun, shade, share, svf = (
        np.full(1, numbers[name], np.float32)
        for name in ("anchored_moe", "anchored_sun", "anchored_shade", "step_share", "svf")
    )
    step = UncertaintyInputs(
        wbgt=moe,
        wbgt_sun=sun,
        wbgt_shade=shade,
        sunlit=share,
        lead_hours=lead_hours(weather, at),
        anchored=bool(np.isfinite(numbers["official"])),
        split_measured=split_measured(weather),
        sub_cell=scene.fine_grid.cell_size,
        cell=scene.grid.cell_size,
        svf=svf,
        conditions=conditions(now),
    )
    sd = spread(step)
    sure = {"sd": float(sd[0]), "p_danger": float(probability(DANGER, step, sd)[0])}
    return {name: float(value[0]) for name, value in term_sds(step).items()}, sure
