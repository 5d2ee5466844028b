"""EPW files: a small one is written here; there is no real one of a Japanese city to test with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.query import WeatherQuery
from heatrisk.sources.weather.epw import read_epw
from tests.messages import explains

MITAKA = (139.56, 35.683)
HEADER = (
    "LOCATION,Tokyo,-,JPN,Synthetic,476620,35.68,139.77,9.0,25.0",
    "DESIGN CONDITIONS,0",
    "TYPICAL/EXTREME PERIODS,0",
    "GROUND TEMPERATURES,0",
    "HOLIDAYS/DAYLIGHT SAVINGS,No,0,0,0",
    "COMMENTS 1,written for a test",
    "COMMENTS 2,",
    "DATA PERIODS,1,1,Data,Sunday, 1/ 1,12/31",
)


def row(year: int, month: int, day: int, hour: int, **values: float) -> str:
    cells = ["9999"] * 35
    cells[:6] = [str(year), str(month), str(day), str(hour), "60", "?9?9E0"]
    given = {"ta": 25.0, "rh": 60.0, "ps": 101_000.0, "ghi": 0.0, "dni": 0.0, "dhi": 0.0, "va": 2.0} | values
    for name, column in {"ta": 6, "rh": 8, "ps": 9, "ghi": 13, "dni": 14, "dhi": 15, "va": 21}.items():
        cells[column] = f"{given[name]:g}"
    return ",".join(cells)


def day(year: int, month: int, number: int, **values: float) -> list[str]:
    return [row(year, month, number, hour, **values) for hour in range(1, 25)]


def year_of(stated: Callable[[int], int], leap: bool = False) -> list[str]:
    """Return all hours of a year, each month of which states a year of its own; ta is the month's number."""
    days = pd.date_range("2000-01-01" if leap else "2001-01-01", periods=366 if leap else 365)
    return [line for d in days for line in day(stated(d.month), d.month, d.day, ta=float(d.month))]


def written(folder: Path, rows: list[str], header: tuple[str, ...] = HEADER) -> Path:
    path = folder / "tokyo.epw"
    path.write_text("\r\n".join([*header, *rows]) + "\r\n", encoding="ascii")
    return path


def test_hours_units_and_zone(tmp_path: Path) -> None:
    lines = day(2018, 8, 5)
    lines[12] = row(2018, 8, 5, 13, ta=33.5, rh=51, ps=100_450, ghi=812, dni=600, dhi=250, va=3.1)
    weather, reading = read_epw(written(tmp_path, lines))
    series = weather.series
    assert series is not None
    # Hour 1 of the day ends at 01:00 in Japan; hour 13 ends at 13:00, which is 04:00 UTC.
    assert series["time"].values[0] == np.datetime64("2018-08-04T16:00")
    at = series.sel(time="2018-08-05T04:00")
    values = [float(at[name]) for name in ("ta", "rh", "ps", "ghi", "dni", "dhi", "va")]
    np.testing.assert_allclose(values, [33.5, 51.0, 1004.5, 812.0, 600.0, 250.0, 3.1])
    assert series["time"].values[-1] == np.datetime64("2018-08-05T15:00"), "hour 24 is the next midnight"
    assert weather.wind_height == 10.0
    assert (reading.read, reading.used, reading.facts["years"]) == (24, 24, [2018])


def test_missing_marks(tmp_path: Path) -> None:
    lines = day(2018, 8, 5)
    marks = {"ps": 999_999, "ghi": 9999, "dni": 9999, "dhi": 9999, "va": 999}
    lines[5] = row(2018, 8, 5, 6, **marks)
    weather, reading = read_epw(written(tmp_path, lines))
    assert weather.series is not None
    assert all(np.isnan(weather.series[name].values[5]) for name in marks)
    assert reading.facts["missing"] == dict.fromkeys(marks, 1)
    lines[5] = row(2018, 8, 5, 6, ta=99.9, rh=999)
    assert read_epw(written(tmp_path, lines))[1].facts["missing"] == {"ta": 1, "rh": 1}


def test_a_typical_year_is_laid_on_the_year_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, year_of(lambda month: 1990 + month))
    weather, reading = read_epw(WeatherQuery((path,), MITAKA, year=2025))
    assert weather.series is not None
    local = pd.DatetimeIndex(weather.series["time"].values) + pd.Timedelta(hours=9)
    assert (local[0], local[-1]) == (pd.Timestamp("2025-01-01 01:00"), pd.Timestamp("2026-01-01 00:00"))
    assert (weather.series["ta"].values == (local - pd.Timedelta(hours=1)).month).all()
    assert (reading.read, reading.used) == (8760, 8760)
    assert reading.facts["years"] == list(range(1991, 2003))
    assert [note.code for note in reading.notes] == ["weather_typical_year"]


def test_a_typical_year_needs_the_year(tmp_path: Path) -> None:
    path = written(tmp_path, year_of(lambda month: 1990 + month))
    with pytest.raises(SourceError) as caught:
        read_epw(path)
    assert "1991, 1992" in explains(caught.value, path)
    assert "[weather]" in caught.value.text("ja")


def test_the_leap_day_that_the_file_lacks_stays_empty(tmp_path: Path) -> None:
    path = written(tmp_path, year_of(lambda month: 1990 + month))
    weather, reading = read_epw(WeatherQuery((path,), year=2024))
    assert weather.series is not None
    empty = pd.DatetimeIndex(weather.series["time"].values[np.isnan(weather.series["ta"].values)])
    assert list(empty) == list(pd.date_range("2024-02-28T16:00", periods=24, freq="h"))
    assert (reading.read, reading.used, reading.facts["missing"]["ta"]) == (8760, 8784, 24)


def test_the_leap_day_that_the_year_lacks_is_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, year_of(lambda month: 2000, leap=True))
    _, reading = read_epw(WeatherQuery((path,), year=2025))
    assert (reading.read, reading.used) == (8784, 8760)
    assert read_epw(path)[1].used == 8784


def test_a_typical_year_that_begins_in_summer_is_sorted(tmp_path: Path) -> None:
    rows = year_of(lambda month: 1990 + month)
    path = written(tmp_path, rows[4344:] + rows[:4344])
    weather, _ = read_epw(WeatherQuery((path,), year=2025))
    assert weather.series is not None
    assert weather.series["ta"].values[[0, -1]].tolist() == [1.0, 12.0]


def test_place_and_pressure_that_do_not_fit_are_told(tmp_path: Path) -> None:
    """A widely copied "tokyo.epw" holds the mountains of another continent: 93 kPa at 25 m."""
    fit = written(tmp_path, day(2018, 8, 5))
    assert read_epw(WeatherQuery((fit,), MITAKA))[1].notes == ()
    header = (HEADER[0].replace("35.68,139.77", "37.78,-81.12"), *HEADER[1:])
    notes = read_epw(WeatherQuery((written(tmp_path, day(2018, 8, 5, ps=93_000), header),), MITAKA))[1].notes
    assert [note.code for note in notes] == ["weather_far", "pressure_elevation"]
    assert "930 hPa" in notes[1].words.ja


@pytest.mark.parametrize(
    ("change", "kind", "told"),
    [
        (lambda lines: lines[1:], SourceError, "DESIGN CONDITIONS"),
        (lambda lines: [line for line in lines if "DATA PERIODS" not in line], SourceError, "LOCATION"),
        (lambda lines: [lines[0].replace("35.68", "north"), *lines[1:]], SourceError, "north"),
        (lambda lines: [lines[0].replace("139.77", "1390.77"), *lines[1:]], SourceError, "1390.77"),
        (lambda lines: [lines[0][:30], *lines[1:]], SourceError, "LOCATION"),
        (lambda lines: [line.replace("PERIODS,1,1", "PERIODS,1,4") for line in lines], SourceError, ":8"),
        (lambda lines: lines[:8], SourceIncompleteError, "no data rows"),
        (lambda lines: [*lines[:-1], lines[-1][:90]], SourceError, ":32"),
        (lambda lines: [*lines[:-1], lines[-1].replace("8,5,24", "8,5,25")], SourceError, ":32"),
        (lambda lines: [*lines[:-1], lines[-1].replace("8,5,24", "2,30,24")], SourceError, ":32"),
        (lambda lines: [*lines[:-1], lines[-1].replace(",25,", ",warm,")], SourceError, "warm"),
        (lambda lines: [*lines[:10], *lines[11:]], InputError, "2018-08-05 02:00 JST → 2018-08-05 04:00 JST"),
        (lambda lines: [line.replace(",25,", ",75,") for line in lines], UnitsError, "75"),
        (
            lambda lines: [line.replace(",25,", ",99.9,") for line in lines],
            SourceIncompleteError,
            "temperature",
        ),
    ],
)
def test_bad_files_are_explained(
    tmp_path: Path, change: Callable[[list[str]], list[str]], kind: type[HeatRiskError], told: str
) -> None:
    path = tmp_path / "tokyo.epw"
    path.write_text("\n".join(change([*HEADER, *day(2018, 8, 5)])), encoding="ascii")
    with pytest.raises(kind) as caught:
        read_epw(path)
    assert told in explains(caught.value, path)


def test_one_file_at_a_time(tmp_path: Path) -> None:
    path = written(tmp_path, day(2018, 8, 5))
    (tmp_path / "osaka.epw").write_bytes(path.read_bytes())
    with pytest.raises(SourceError, match=r"osaka\.epw.*tokyo\.epw"):
        read_epw(tmp_path)
