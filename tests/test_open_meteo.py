"""Open-Meteo answers: units and zone as stated, nulls, answers that are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.query import WeatherQuery
from heatrisk.sources.weather.open_meteo import read_open_meteo
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
    def with_direct(unit: str, *values: float) -> Callable[[dict[str, Any]], None]:
        def change(content: dict[str, Any]) -> None:
            content["hourly"]["direct_radiation"] = list(values)
            content["hourly_units"]["direct_radiation"] = unit

        return change

    for unit, values in (("W/m²", (0.0, 4.0, 200.0)), ("MJ/m²", (0.0, 0.0144, 0.72))):
        series = read_open_meteo(saved(tmp_path, changed(with_direct(unit, *values))))[0].series
        assert series is not None
        np.testing.assert_allclose(series["dhi"], [0.0, 6.0, 50.0])
    with pytest.raises(UnitsError, match="furlong"):
        read_open_meteo(saved(tmp_path, changed(with_direct("furlong", 0.0, 4.0, 200.0))))


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
        (
            lambda c: c["hourly"]["time"].__setitem__(2, "2025-08-05T05:00"),
            InputError,
            "2025-08-05 01:00 JST → 2025-08-05 05:00 JST",
        ),
        (
            lambda c: (c["hourly_units"].update(time="unixtime"), c["hourly"].update(time=[0, 1, 10**17])),
            SourceError,
            "1000",
        ),
        (
            lambda c: (c["hourly_units"].update(time="unixtime"), c["hourly"].update(time=[0, 1, 10**30])),
            SourceError,
            "time",
        ),
        (lambda c: c.update(utc_offset_seconds=10**9), SourceIncompleteError, "utc_offset_seconds"),
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


def test_daylight_saving_time_is_one_offset_an_answer(tmp_path: Path) -> None:
    """In summer New York is four hours behind UTC, and the answer says so for all of its rows."""
    content = changed(lambda c: c.update(utc_offset_seconds=-14400, timezone="America/New_York"))
    series = read_open_meteo(saved(tmp_path, content))[0].series
    assert series is not None
    assert series["time"].values[0] == np.datetime64("2025-08-05T04:00")


def test_three_hourly_radiation_is_the_mean_of_three_hours(tmp_path: Path) -> None:
    content = changed(
        lambda c: c["hourly"].update(time=[f"2025-08-05T{hour}:00" for hour in ("09", "12", "15")])
    )
    weather, reading = read_open_meteo(saved(tmp_path, content))
    assert weather.series is not None
    assert weather.interval == np.timedelta64(3, "h")
    assert weather.series["ghi"].values.tolist() == [0.0, 10.0, 250.0], "already the mean of its interval"
    assert reading.facts["interval_minutes"] == 180


def test_quarters_of_an_hour_become_halves(tmp_path: Path) -> None:
    def quarters(content: dict[str, Any]) -> None:
        times = [f"2025-08-05T{k // 4:02d}:{k % 4 * 15:02d}" for k in range(13)]
        values = {name: np.linspace(20.0, 32.0, 13).tolist() for name in content["hourly"]}
        content["minutely_15"] = values | {"time": times, "surface_pressure": [1000.0] * 13}
        content["minutely_15_units"] = content.pop("hourly_units")
        del content["hourly"]

    weather, reading = read_open_meteo(saved(tmp_path, changed(quarters)))
    assert weather.series is not None
    assert weather.series["ta"].values.tolist() == [22.0, 24.0, 26.0, 28.0, 30.0, 32.0]
    assert weather.series["ghi"].values.tolist() == [21.5, 23.5, 25.5, 27.5, 29.5, 31.5]
    assert reading.facts["given_interval_minutes"] == 15


def test_radiation_at_instants_is_not_taken_for_means(tmp_path: Path) -> None:
    def instants(content: dict[str, Any]) -> None:
        hourly = content["hourly"]
        hourly["shortwave_radiation_instant"] = hourly.pop("shortwave_radiation")

    weather, reading = read_open_meteo(saved(tmp_path, changed(instants)))
    assert weather.series is not None
    assert "ghi" not in weather.series
    assert [note.code for note in reading.notes] == ["radiation_instant_unused"]


MITAKA = (139.56, 35.683)


def at(lon: float, lat: float, ta: float, **more: Any) -> dict[str, Any]:
    return changed(
        lambda c: (c.update(longitude=lon, latitude=lat, **more), c["hourly"].update(temperature_2m=[ta] * 3))
    )


def test_of_several_places_the_nearest_counts(tmp_path: Path) -> None:
    path = saved(tmp_path, [at(139.9, 35.7, 1.0), at(139.56, 35.7, 2.0), at(139.56, 35.6, 3.0)])
    weather, reading = read_open_meteo(WeatherQuery((path,), MITAKA))
    assert weather.series is not None
    assert weather.series["ta"].values.tolist() == [2.0, 2.0, 2.0]
    assert reading.facts["places"] == 3
    # 0.017 degrees of latitude, a degree being 111 km
    assert reading.facts["distance_km"] == pytest.approx(0.017 * 111, abs=0.06)
    with pytest.raises(SourceError) as caught:
        read_open_meteo(path)
    assert "35.7, 139.9" in explains(caught.value, path)


def test_a_far_place_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path, at(135.5, 34.7, 30.0))
    notes = read_open_meteo(WeatherQuery((path,), MITAKA))[1].notes
    assert [note.code for note in notes] == ["weather_far"]
    assert read_open_meteo(path)[1].notes == ()


def test_answers_for_one_place_are_joined(tmp_path: Path) -> None:
    later = at(139.5625, 35.7, 31.0)
    later["hourly"]["time"] = [f"2025-08-05T0{hour}:00" for hour in (3, 4, 5)]
    for name, content in (("b.json", answer()), ("a.json", later)):
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    weather, reading = read_open_meteo(WeatherQuery((tmp_path,), MITAKA))
    assert weather.series is not None
    assert weather.series["ta"].values.tolist() == [27.4, 27.0, 26.6, 31.0, 31.0, 31.0]
    assert (reading.used, len(reading.files)) == (6, 2)
    (tmp_path / "c.json").write_text(json.dumps(answer()), encoding="utf-8")
    with pytest.raises(InputError, match="same time"):
        read_open_meteo(tmp_path)


@pytest.mark.parametrize(
    "content", ["<html>502</html>", "[]", '"text"', "[" * 100_000, '{"hourly": ', "[1, 2]"]
)
def test_other_files_are_explained(tmp_path: Path, content: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(SourceError) as caught:
        read_open_meteo(path)
    explains(caught.value, path)
