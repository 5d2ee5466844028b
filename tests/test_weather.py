"""Weather and the official forecast: what is refused, and that official values are never altered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from heatrisk.errors import InputError, MissingQuantityError, SourceIncompleteError, UnitsError
from heatrisk.weather import OfficialForecast, Station, Weather

TIMES = pd.date_range("2025-08-04T18:00", periods=4, freq="3h")
ISSUED = (pd.Timestamp("2025-08-04T08:30"),)
FUCHU, NERIMA = Station("44116", "府中", 139.48, 35.68), Station("44071", "練馬", 139.59, 35.74)


def forecast(*rows: list[float], weights: tuple[float, ...] = ()) -> OfficialForecast:
    stations = (FUCHU, NERIMA)[: len(rows)]
    return OfficialForecast(stations, TIMES, np.array(rows), ISSUED * len(rows), "環境省", weights)


def hours(**values: float) -> xr.Dataset:
    times = pd.date_range("2025-08-05", periods=4, freq="h")
    return xr.Dataset({k: ("time", np.full(4, v)) for k, v in values.items()}, coords={"time": times})


def test_a_single_station_is_returned_untouched() -> None:
    published = [25.1, 30.7, 33.3, 28.9]
    assert forecast(published).at(TIMES).tolist() == published
    assert forecast(published).at(TIMES[[2, 0]]).tolist() == [33.3, 25.1]


def test_several_stations_are_weighted() -> None:
    rows = [30.0, 30.0, 30.0, 30.0], [34.0, 34.0, 34.0, 34.0]
    np.testing.assert_allclose(forecast(*rows).at(TIMES), 32.0)
    np.testing.assert_allclose(forecast(*rows, weights=(0.75, 0.25)).at(TIMES), 31.0)


def test_unpublished_instant_is_a_hole() -> None:
    with pytest.raises(SourceIncompleteError, match=r"44116.*2025-08-05 04:00 JST"):
        forecast([25.0, 30.0, 33.0, 28.0]).at(pd.DatetimeIndex(["2025-08-04T19:00"]))


def test_hole_names_station_time_and_remedy() -> None:
    with pytest.raises(SourceIncompleteError) as caught:
        forecast([25.0, 30.0, 33.0, 28.0], [25.0, np.nan, 33.0, 28.0]).at(TIMES)
    for text in (caught.value.text("ja"), caught.value.text("en")):
        assert "44071" in text
        assert "2025-08-05 06:00 JST" in text
    assert caught.value.remedy is not None


def test_hole_outside_the_question_does_not_matter() -> None:
    assert forecast([np.nan, 30.0, 33.0, 28.0]).at(TIMES[1:]).tolist() == [30.0, 33.0, 28.0]


@pytest.mark.parametrize("weights", [(1.0,), (0.5, 0.4), (0.5, 0.5, 0.0)])
def test_weights_must_belong_to_the_stations(weights: tuple[float, ...]) -> None:
    rows = [30.0] * 4, [34.0] * 4
    with pytest.raises(InputError, match="weight"):
        forecast(*rows, weights=weights)


def test_values_must_match_stations_and_times() -> None:
    with pytest.raises(InputError, match="match"):
        forecast([30.0, 31.0])


def test_weather_is_something() -> None:
    with pytest.raises(InputError, match="neither"):
        Weather()


@pytest.mark.parametrize("given", [{"ta": 33.0}, {"rh": 55.0}, {"va": 2.0, "ghi": 500.0}])
def test_series_needs_temperature_and_humidity(given: dict[str, float]) -> None:
    with pytest.raises(MissingQuantityError):
        Weather(hours(**given))


@pytest.mark.parametrize("given", [{"ta": 306.0}, {"rh": 101.0}, {"ghi": 2000.0}, {"ps": 101_325.0}])
def test_series_in_other_units_is_refused(given: dict[str, float]) -> None:
    with pytest.raises(UnitsError):
        Weather(hours(**({"ta": 33.0, "rh": 55.0} | given)))


@pytest.mark.parametrize("rows", [[0], [0, 1, 3], [1, 0], [0, 0, 1]])
def test_time_axis_is_regular(rows: list[int]) -> None:
    with pytest.raises(InputError, match="not regular"):
        Weather(hours(ta=33.0, rh=55.0).isel(time=rows))


def test_interval() -> None:
    assert Weather(hours(ta=33.0, rh=55.0)).interval == pd.Timedelta("1h")
    assert Weather(hours(ta=33.0, rh=55.0).isel(time=[0, 3])).interval == pd.Timedelta("3h")
    with pytest.raises(InputError):
        _ = Weather(official=forecast([30.0] * 4)).interval
