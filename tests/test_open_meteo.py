"""Open-Meteo answers: units and zone as stated, nulls, answers that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.open_meteo import read_open_meteo
from tests.messages import explains


def answer() -> dict[str, Any]:
    return {
        "latitude": 35.7, "longitude": 139.5625, "utc_offset_seconds": 32400, "timezone": "Asia/Tokyo",
        "hourly_units": {
            "time": "iso8601", "temperature_2m": "°C", "relative_humidity_2m": "%", "wind_speed_10m": "m/s",
            "surface_pressure": "hPa", "shortwave_radiation": "W/m²",
        },
        "hourly": {
            "time": ["2025-08-05T00:00", "2025-08-05T01:00", "2025-08-05T02:00"],
            "temperature_2m": [27.4, 27.0, 26.6], "relative_humidity_2m": [80, 82, 85],
            "wind_speed_10m": [3.6, 7.2, 0.0], "surface_pressure": [1001.0, 1001.5, 1002.0],
            "shortwave_radiation": [0.0, 10.0, 250.0],
        },
    }  # fmt: skip


def saved(folder: Path, content: Any) -> Path:
    path = folder / "open_meteo.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def changed(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    content = answer()
    change(content)
    return content


def test_answer_as_asked_for(tmp_path: Path) -> None:
    weather, reading = read_open_meteo(saved(tmp_path, answer()))
    series = weather.series
    assert series is not None
    assert series["time"].values[0] == np.datetime64("2025-08-04T15:00")
    assert series["va"].values.tolist() == [3.6, 7.2, 0.0]
    assert series["ghi"].attrs["units"] == "W m-2"
    assert set(series.data_vars) == {"ta", "rh", "va", "ps", "ghi"}
    assert (reading.read, reading.used) == (3, 3)
    assert reading.facts["longitude"] == 139.5625


def test_units_and_zone_are_honoured(tmp_path: Path) -> None:
    def defaults(content: dict[str, Any]) -> None:
        content.update(utc_offset_seconds=0, timezone="GMT")
        content["hourly_units"].update(wind_speed_10m="km/h", temperature_2m="°F")
        content["hourly"]["temperature_2m"] = [86.0, 32.0, 50.0]

    series = read_open_meteo(saved(tmp_path, changed(defaults)))[0].series
    assert series is not None
    assert series["time"].values[0] == np.datetime64("2025-08-05T00:00")
    np.testing.assert_allclose(series["va"], [1.0, 2.0, 0.0])
    np.testing.assert_allclose(series["ta"], [30.0, 0.0, 10.0], atol=1e-12)


def test_times_in_seconds_are_utc_whatever_the_offset(tmp_path: Path) -> None:
    def seconds(content: dict[str, Any]) -> None:
        content["hourly_units"]["time"] = "unixtime"
        content["hourly"]["time"] = [
            1754319600,
            1754323200,
            1754326800,
        ]  # date -u -d @1754319600: Aug 4 15:00 UTC

    series = read_open_meteo(saved(tmp_path, changed(seconds)))[0].series
    assert series is not None
    assert series["time"].values[0] == np.datetime64("2025-08-04T15:00")


def test_nulls(tmp_path: Path) -> None:
    def holes(content: dict[str, Any]) -> None:
        hourly = content["hourly"]
        hourly["time"].append("2025-08-05T03:00")
        for name in set(hourly) - {"time"}:
            hourly[name].append(None)
        hourly["surface_pressure"] = [None] * 4
        hourly["wind_speed_10m"][1] = None

    weather, reading = read_open_meteo(saved(tmp_path, changed(holes)))
    assert weather.series is not None
    assert weather.series.sizes["time"] == 3, "hours past the end of the model run are left out"
    assert "ps" not in weather.series, "a variable without any value is as good as absent"
    assert np.isnan(weather.series["va"].values[1])
    assert (reading.read, reading.used, reading.facts["missing"]) == (4, 3, {"va": 1})


def test_diffuse_radiation_from_the_direct_horizontal(tmp_path: Path) -> None:
    content = changed(lambda c: c["hourly"].update(direct_radiation=[0.0, 4.0, 200.0]))
    series = read_open_meteo(saved(tmp_path, content))[0].series
    assert series is not None
    assert series["dhi"].values.tolist() == [0.0, 6.0, 50.0]


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        (lambda c: c["hourly_units"].update(wind_speed_10m="furlong/h"), UnitsError, "furlong/h"),
        (lambda c: c["hourly_units"].pop("temperature_2m"), UnitsError, "air temperature"),
        (lambda c: c["hourly"].update(temperature_2m=[300.0, 300.0, 300.0]), UnitsError, "300"),
        (lambda c: c["hourly"].pop("relative_humidity_2m"), SourceIncompleteError, "relative humidity"),
        (lambda c: c["hourly"].update(temperature_2m=[None] * 3), SourceIncompleteError, "air temperature"),
        (lambda c: c["hourly"].update(temperature_2m=[27.0]), SourceIncompleteError, "temperature_2m"),
        (lambda c: c["hourly"].update(temperature_2m=[27.0, "warm", 26.0]), SourceError, "warm"),
        (
            lambda c: c["hourly"].update(time=["2025-08-05T00:00", "noon", "2025-08-05T02:00"]),
            SourceError,
            "noon",
        ),
        (lambda c: c["hourly"]["time"].__setitem__(2, "2025-08-05T05:00"), InputError, "4"),
        (lambda c: c["hourly"].update(time=[]), SourceIncompleteError, "hourly.time"),
        (lambda c: c.pop("hourly"), SourceIncompleteError, "hourly"),
        (lambda c: c.pop("hourly_units"), SourceIncompleteError, "hourly_units"),
        (lambda c: (c.pop("utc_offset_seconds"), c.update(timezone="Mars")), SourceIncompleteError, "Mars"),
        (lambda c: c.update(error=True, reason="no such model"), SourceError, "no such model"),
    ],
)
def test_bad_answers_are_explained(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], kind: type[HeatRiskError], told: str
) -> None:
    path = saved(tmp_path, changed(change))
    with pytest.raises(kind) as caught:
        read_open_meteo(path)
    assert told in explains(caught.value, path)


@pytest.mark.parametrize(
    "content", ["<html>502</html>", "[]", '"text"', "[" * 100_000, '{"hourly": ', "[1, 2]"]
)
def test_other_files_are_explained(tmp_path: Path, content: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(SourceError) as caught:
        read_open_meteo(path)
    explains(caught.value, path)
