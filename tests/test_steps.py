"""The clock times of a run: what the weather covers, what is asked for, and how long a step may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from heatrisk.errors import InputError
from heatrisk.radiation import face_fluxes
from heatrisk.run import Simulation, simulate
from heatrisk.steps import chosen_times, step_times
from heatrisk.weather import Weather
from tests.slab_town import cloudless, plain
from tests.test_forcing import DAY, HOURS, STATE, hourly, official

HOUR = pd.Timedelta("1h")


def test_steps_of_a_series_are_those_it_covers() -> None:
    steps, notes = step_times(Weather(hourly(**STATE)))
    # 00 JST stands for 22:30 to 01:30, which the series does not hold; 24 JST would end at 01:30 too.
    assert list(steps) == list(DAY)
    assert notes == ()


def test_steps_of_the_official_forecast_alone_are_its_times() -> None:
    steps, notes = step_times(Weather(official=official(30.0)))
    assert list(steps) == list(DAY)
    assert notes == ()


def test_official_steps_outside_the_weather_are_left_out_and_said() -> None:
    longer = pd.date_range("2025-08-04T18:00", periods=16, freq="3h")
    steps, notes = step_times(Weather(hourly(**STATE), official(30.0, longer)))
    assert list(steps) == list(DAY)
    assert [note.code for note in notes] == ["steps_outside_weather"]
    assert "9" in notes[0].words.ja and "9" in notes[0].words.en


def test_files_of_different_days_are_refused() -> None:
    with pytest.raises(InputError, match="do not overlap") as caught:
        step_times(Weather(hourly(**STATE), official(30.0, DAY + pd.Timedelta("9D"))))
    assert "期間が重なりません" in caught.value.text("ja")
    assert caught.value.remedy is not None


# --- too few rows ----------------------------------------------------------------------------------------


def test_rows_that_are_too_few_are_told_with_what_is_needed() -> None:
    two = Weather(hourly(**STATE).isel(time=[9, 10]))  # 09:00 and 10:00 in Japan
    with pytest.raises(InputError, match="too short for a single step") as caught:
        step_times(two, HOUR)
    text = caught.value.text("en")
    assert "expected e.g. 2025-08-05 09:30 – 2025-08-05 10:30 JST" in text
    assert "got 2025-08-05 09:00 – 2025-08-05 10:00 JST" in text
    assert "official" not in text and "half its length" in text
    assert "step の半分ずつ" in caught.value.text("ja")
    between = pd.DatetimeIndex([HOURS[9] + HOUR / 2])
    assert list(chosen_times(two, between, HOUR)[0]) == list(between), "a step in the middle can be asked for"


def test_rows_as_are_asked_for_are_enough() -> None:
    half_hours = pd.date_range(HOURS[9], periods=4, freq="30min")  # 09:00 to 10:30
    assert list(step_times(Weather(hourly(half_hours, **STATE)), HOUR)[0]) == [HOURS[10]]
    with pytest.raises(InputError, match="too short"):
        step_times(Weather(hourly(half_hours[:3], **STATE)), HOUR)


def test_rows_that_are_too_few_around_the_official_times() -> None:
    """The periods overlap: it is not that the files are of other days."""
    few = Weather(hourly(**STATE).isel(time=[11, 12, 13]), official(30.0))  # 11:00 to 13:00, official 12:00
    with pytest.raises(InputError, match=r"too short.*10:30 – 2025-08-05 13:30 JST"):
        step_times(few)


# --- how long a step may be ------------------------------------------------------------------------------

ASKED: dict[str, Callable[[pd.Timedelta], object]] = {
    "simulate": lambda step: simulate(plain(), cloudless(), step=step),
    "simulate, steps given": lambda step: simulate(plain(), cloudless(), steps=DAY[[3]], step=step),
    "blocks": lambda step: Simulation(plain(), cloudless(), step=step),
    "faces": lambda step: face_fluxes(plain(), cloudless(), steps=DAY[[3]], step=step),
    "times": lambda step: step_times(cloudless(), step),
    "official alone": lambda step: step_times(Weather(official=official(30.0)), step),
}


@pytest.mark.parametrize("length", ["0h", "-1h", "10min", "30min", "90min", "1s", "12h20min", "24h"])
@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_a_length_that_no_step_has_is_refused(ask: Callable[[pd.Timedelta], object], length: str) -> None:
    with pytest.raises(InputError, match="multiple of 20 minutes up to 12 hours") as caught:
        ask(pd.Timedelta(length))
    assert "20 分の倍数" in caught.value.text("ja") and str(pd.Timedelta(length)) in caught.value.text("ja")


@pytest.mark.parametrize("step", [pd.NaT, "1h", timedelta(hours=1), None])
def test_what_is_no_length_is_refused(step: object) -> None:
    with pytest.raises(InputError, match=r"pandas\.Timedelta"):
        step_times(cloudless(), step)  # type: ignore[arg-type]


@pytest.mark.parametrize("length", ["20min", "40min", "6h", "12h"])
def test_lengths_that_a_step_can_have(length: str) -> None:
    long = pd.date_range("2025-08-04", periods=49, freq="h")
    step = pd.Timedelta(length)
    times, _ = step_times(Weather(hourly(long, **STATE)), step)
    assert (np.diff(times.values) == step.to_timedelta64()).all()
    assert times[0] - step / 2 >= long[0] and times[-1] + step / 2 <= long[-1]


# --- steps that are asked for ----------------------------------------------------------------------------


def test_no_step_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="no step to compute") as caught:
        simulate(plain(), cloudless(), steps=[])
    assert "計算する時刻がありません" in caught.value.text("ja")


@pytest.mark.parametrize(
    "steps",
    [
        [pd.Timestamp("2025-08-05T12:00", tz="Asia/Tokyo")],
        [pd.Timestamp("2025-08-05T03:00").to_pydatetime()],
        pd.DatetimeIndex(["2025-08-05T12:00"], tz="Asia/Tokyo"),
        pd.DatetimeIndex(["2025-08-05T03:00"]),
    ],
    ids=["list with zone", "datetime", "index with zone", "index"],
)
def test_faces_take_the_steps_that_a_run_takes(steps: pd.DatetimeIndex | list[pd.Timestamp]) -> None:
    noon = pd.DatetimeIndex(["2025-08-05T03:00"])
    assert list(Simulation(plain(), cloudless(), steps=steps, step=HOUR).steps) == list(noon)
    fluxes = face_fluxes(plain(), cloudless(), steps=steps, step=HOUR, cell=(3, 3))
    np.testing.assert_array_equal(fluxes["time"].values, noon.values)
    assert np.isfinite(fluxes["kdown"]).all()
