"""Weather and the official forecast: what is refused, and that official values are never altered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from heatrisk.errors import InputError, MissingQuantityError, SourceIncompleteError, UnitsError
from heatrisk.weather import OfficialForecast, Station, Weather, measured_sky

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


@pytest.mark.parametrize("rows", [[0, 1, 3], [1, 0], [0, 0, 1]])
def test_time_axis_is_regular(rows: list[int]) -> None:
    with pytest.raises(InputError, match="not regular"):
        Weather(hours(ta=33.0, rh=55.0).isel(time=rows))


@pytest.mark.parametrize("rows", [[], [0]])
def test_one_row_has_no_interval(rows: list[int]) -> None:
    with pytest.raises(InputError, match=f"too few rows; expected two or more; got {len(rows)}") as caught:
        Weather(hours(ta=33.0, rh=55.0).isel(time=rows))
    assert "行が足りません" in caught.value.text("ja")


def test_interval() -> None:
    assert Weather(hours(ta=33.0, rh=55.0)).interval == pd.Timedelta("1h")
    assert Weather(hours(ta=33.0, rh=55.0).isel(time=[0, 3])).interval == pd.Timedelta("3h")
    with pytest.raises(InputError):
        _ = Weather(official=forecast([30.0] * 4)).interval


def sky(*values: float, ta: float = 20.0) -> Weather:
    """Return four hours whose air sends 418.7 W m-2 as a black body at 20 degC."""
    series = hours(ta=ta, rh=55.0)
    return Weather(series.assign(ldown=("time", np.array(values))), source="made.csv")


def test_the_sky_may_be_measured_with_holes_and_single_readings_that_cannot_be() -> None:
    given = sky(350.0, np.nan, 460.0, 440.0).series
    assert given is not None
    np.testing.assert_array_equal(measured_sky(given), [350.0, np.nan, np.nan, 440.0])


def test_the_limits_of_a_sky_are_those_of_the_radiation_network() -> None:
    # 0.4 and 1 times 418.7 W m-2, the latter and 25; 40 and 700 W m-2 whatever the air.
    for ta, low, high in ((20.0, 167.5, 443.7), (-50.0, 56.3, 165.6), (60.0, 279.4, 700.0)):
        given = sky(low - 1.0, low + 1.0, high - 1.0, high + 1.0, ta=ta).series
        assert given is not None
        assert np.isfinite(measured_sky(given)).tolist() == [False, True, True, False]


def test_the_air_that_a_sky_is_held_against_is_that_of_its_interval() -> None:
    series = hours(ta=20.0, rh=55.0).assign(ldown=("time", np.full(4, 430.0)))
    series["ta"].values[1:] = 10.0  # a front: 418.7 at the beginning of the second hour, 364.4 at its end
    assert np.isfinite(measured_sky(series)).tolist() == [True, False, False, False]
    series["ldown"].values[1] = 415.0
    assert np.isfinite(measured_sky(series)).tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("values", "got"),
    [
        ((-80.0, -70.0, -90.0, -75.0), "-80"),  # net
        ((520.0, 480.0, 500.0, 350.0), r"520 \(3 / 4\)"),  # what the ground sends up
        ((0.0, 0.0, 0.0, 0.0), "0"),
        ((0.0, np.nan, np.nan, np.nan), "0"),
        ((36.0, 37.0, 36.5, 36.0), "36"),  # MJ m-2 a day
    ],
)
def test_what_is_no_sky_is_refused(values: tuple[float, ...], got: str) -> None:
    with pytest.raises(UnitsError, match=got) as caught:
        sky(*values)
    for text in (caught.value.text("ja"), caught.value.text("en")):
        assert "ldown" in text
    assert caught.value.remedy is not None


def test_a_sky_without_any_value_is_none() -> None:
    given = sky(*[np.nan] * 4).series
    assert given is not None
    assert np.isnan(measured_sky(given)).all()
