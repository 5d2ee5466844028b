"""A made town of 120 m and its hot day, small enough to run simulate() many times."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from affine import Affine

from heatrisk.fields import sky_view
from heatrisk.grid import Grid
from heatrisk.run import simulate
from heatrisk.scene import Scene
from heatrisk.weather import OfficialForecast, Station, Weather

STEPS = pd.date_range("2025-08-04T21:00", periods=6, freq="3h")  # 06, 09, 12, 15, 18, 21 JST of 5 August
MORNING, NOON, AFTERNOON, NIGHT = 1, 2, 3, 5
ROWS = COLUMNS = 24
OFFICIAL = [26.3, 29.9, 31.7, 32.1, 29.3, 27.7]
HOURS = pd.date_range("2025-08-04T18:00", "2025-08-05T15:00", freq="h")
SKIES: dict[str, xr.DataArray] = {}


def town(**changes: Any) -> Scene:
    """Build level grass with a slab 30 m high from west to east and a grove of 10 m in the north-west."""
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, -25_000.0, 0.0, -5.0, -35_000.0), (ROWS, COLUMNS))
    fine = (ROWS * 5, COLUMNS * 5)
    roof = np.full(fine, np.nan, np.float32)
    roof[70:80, 10:110] = 30.0
    crowns = np.zeros(fine, np.float32)
    crowns[5:40, 5:40] = 10.0
    rasters = {
        "terrain": np.zeros(fine, np.float32),
        "roof": roof,
        "land_cover": np.full(grid.shape, 5, np.uint8),
        "crown_top": crowns,
        "crown_base": 0.25 * crowns,
        "factor": 5,
    }
    return Scene(grid, **(rasters | changes))


def plain() -> Scene:
    """Build the same without slab and grove: every cell is an open reference."""
    fine = np.full((ROWS * 5, COLUMNS * 5), np.nan, np.float32)
    return town(roof=fine, crown_top=None)


# Cells 5 m north of the slab, in the middle of the grove, and open to the south.
BEHIND, GROVE, OPEN = (13, 12), (5, 5), (22, 12)


def computed(scene: Scene, weather: Weather, **options: Any) -> xr.Dataset:
    """Run simulate() with the sky view of a scene computed only once."""
    if scene.hash not in SKIES:
        SKIES[scene.hash] = sky_view(scene.shade, scene.grid, scene.transmissivity)
    return simulate(scene, weather, svf=SKIES[scene.hash], **options)


def hours(**values: float | np.ndarray) -> xr.Dataset:
    """Return an hourly series of 33 °C, 55 %, 2 m/s and 1008 hPa, with other values where given."""
    state: dict[str, Any] = {"ta": 33.0, "rh": 55.0, "va": 2.0, "ps": 1008.0} | values
    return xr.Dataset(
        {k: ("time", np.broadcast_to(np.asarray(v, float), HOURS.shape).copy()) for k, v in state.items()},
        coords={"time": HOURS},
    )


def official(values: list[float]) -> OfficialForecast:
    """Return an official forecast of one station at the steps."""
    return OfficialForecast((Station("44116", "府中"),), STEPS, np.array([values]), (STEPS[0],), "環境省")


def sunny() -> Weather:
    """Return a day whose radiation is implied by the official values."""
    return Weather(hours(), official(OFFICIAL), source="made")


def cloudless(wind: float = 2.0) -> Weather:
    """Return a day with the beam of a clear sky, no official value, and wind measured where the body is."""
    return Weather(hours(va=wind), wind_height=2.0)


def overcast() -> Weather:
    """Return a day of diffuse light only."""
    light = np.where((HOURS.hour < 10) | (HOURS.hour > 20), 250.0, 0.0)
    return Weather(hours(ghi=light, dhi=light), wind_height=2.0)


def three_stations() -> OfficialForecast:
    """Return an official forecast of three stations, whose means are no round numbers."""
    stations = tuple(Station(str(k), f"第{k}") for k in range(3))
    rows = np.array([OFFICIAL, [x + 0.5 for x in OFFICIAL], [x - 0.7 for x in OFFICIAL]])
    return OfficialForecast(stations, STEPS, rows, (STEPS[0],) * 3, "環境省")


SOURCES: dict[str, Callable[[], Weather]] = {
    "series and official": sunny,
    "official alone": lambda: Weather(official=official(OFFICIAL)),
    "three stations": lambda: Weather(hours(), three_stations()),
    "series with radiation": lambda: Weather(hours(ghi=0.0, dhi=0.0), official(OFFICIAL)),
}


@cache
def result(name: str = "series and official") -> xr.Dataset:
    """Return the run of the town under one of the sources, computed once."""
    return computed(town(), SOURCES[name]())


@cache
def unanchored() -> xr.Dataset:
    """Return the run of the cloudless day, computed once."""
    return computed(town(), cloudless())
