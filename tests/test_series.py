"""What every source of weather shares: units, the regular axis, gaps told, finer rows combined."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from heatrisk.errors import InputError, UnitsError
from heatrisk.forcing import forcing
from heatrisk.sources.weather.series import converted, joined, weather_series
from heatrisk.steps import step_times
from heatrisk.weather import Weather

START = pd.Timestamp("2025-08-04T15:00")  # midnight in Japan


def axis(count: int, minutes: float) -> pd.DatetimeIndex:
    return pd.date_range(START, periods=count, freq=pd.Timedelta(minutes=minutes))


def state(count: int) -> dict[str, np.ndarray]:
    return {"ta": np.linspace(20.0, 30.0, count), "rh": np.full(count, 60.0)}


@pytest.mark.parametrize(
    ("unit", "minutes", "factor"),
    [
        ("MJ/m2", 60, 1e6 / 3600),
        ("MJ/m²", 10, 1e6 / 600),
        ("kJ/m2", 60, 1 / 3.6),
        ("Wh/m2", 60, 1.0),
        ("W/m2", 10, 1.0),
    ],
)
def test_energy_is_the_sum_over_one_interval(unit: str, minutes: float, factor: float) -> None:
    given = converted(np.array([1.5]), "ghi", unit, "file", pd.Timedelta(minutes=minutes))
    np.testing.assert_allclose(given, 1.5 * factor)


def test_energy_is_no_unit_of_wind() -> None:
    with pytest.raises(UnitsError, match="km/h"):
        converted(np.array([1.5]), "va", "MJ/m2", "file")


@pytest.mark.parametrize(
    ("rows", "told_ja", "told_en", "where"),
    [
        ([0, 1, 2, 5, 6, 9], "抜けて", "missing", "2025-08-05 02:00 JST → 2025-08-05 05:00 JST (+1)"),
        ([0, 1, 1, 2, 3, 4], "重なって", "same time", "2025-08-05 01:00 JST → 2025-08-05 01:00 JST"),
        ([0, 1, 2, 3, 2, 3], "順に", "ascending", "2025-08-05 03:00 JST → 2025-08-05 02:00 JST"),
        ([0, 2, 4, 5, 7, 9], "等間隔", "evenly", "2025-08-05 04:00 JST → 2025-08-05 05:00 JST"),
    ],
)
def test_the_first_irregularity_is_told(rows: list[int], told_ja: str, told_en: str, where: str) -> None:
    with pytest.raises(InputError) as caught:
        weather_series(axis(10, 60)[rows], state(6), "file")
    assert told_ja in caught.value.text("ja")
    assert told_en in caught.value.text("en")
    assert where in caught.value.text("en")


@pytest.mark.parametrize(
    ("minutes", "combined"),
    [(1, 10), (5, 10), (15, 30), (4, 20), (12, 60), (10, 10), (20, 20), (60, 60), (180, 180)],
)
def test_rows_across_the_sub_steps_become_whole_ones(minutes: int, combined: int) -> None:
    count = 24 * 60 // minutes + 1
    ghi = np.arange(count, dtype=float) % 7 * 100.0
    series, facts = weather_series(axis(count, minutes), state(count) | {"ghi": ghi}, "file")
    many = combined // minutes
    assert facts["interval_minutes"] == combined
    assert facts.get("given_interval_minutes") == (None if many == 1 else minutes)
    times = axis(count, minutes)
    for row, time in enumerate(pd.DatetimeIndex(series["time"].values)):
        at = times.get_loc(time)
        assert series["ta"].values[row] == state(count)["ta"][at], "the state is that of the instant"
        expected = sum(ghi[at - k] for k in range(many)) / many
        np.testing.assert_allclose(series["ghi"].values[row], expected, atol=1e-9)


def test_an_empty_part_leaves_the_whole_empty() -> None:
    ghi = np.full(9, 400.0)
    ghi[3] = np.nan
    series, facts = weather_series(axis(9, 15), state(9) | {"ghi": ghi}, "file")
    np.testing.assert_array_equal(series["ghi"], [400.0, np.nan, 400.0, 400.0])
    assert facts["missing"] == {"ghi": 1}


def test_quarters_of_an_hour_drive_a_run() -> None:
    """The sub-steps of a run last 10 minutes; rows every 15 lie across them."""
    series, _ = weather_series(axis(97, 15), state(97) | {"ghi": np.full(97, 40.0)}, "file")
    weather = Weather(series)
    steps, _ = step_times(weather)
    data = forcing(weather, steps, 139.56, 35.68, anchor=False).data
    assert len(steps) >= 6
    assert np.isfinite(data["ghi"].values).all()


def test_rows_that_never_stand_on_the_clock_stay_as_they_are() -> None:
    times = axis(9, 15) + pd.Timedelta(minutes=7)
    assert weather_series(times, state(9), "file")[1]["interval_minutes"] == 15


def test_files_are_joined_in_the_order_of_their_times() -> None:
    early, late = axis(2, 60), axis(4, 60)[2:]
    times, columns = joined(
        [("b", late, state(2) | {"va": np.ones(2)}), ("a", early, state(2)), ("c", late[:0], {})]
    )
    assert list(times) == list(axis(4, 60))
    assert columns["ta"].tolist() == [20.0, 30.0, 20.0, 30.0]
    np.testing.assert_array_equal(columns["va"], [np.nan, np.nan, 1.0, 1.0])


def test_files_of_the_same_time_are_refused() -> None:
    with pytest.raises(InputError, match=r"late.*2025-08-05 02:00 JST"):
        joined([("late", axis(4, 60)[2:], state(2)), ("early", axis(3, 60), state(3))])
