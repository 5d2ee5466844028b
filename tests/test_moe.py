"""The official forecast: raw form, hour 24, holes, other files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatrisk.errors import (
    HeatRiskError,
    InputError,
    SourceError,
    SourceIncompleteError,
    SourceUnavailableError,
    UnitsError,
)
from heatrisk.sources.moe import read_forecast
from tests.messages import SHARED, explains

ROW = "44116,2025/08/04 23:25, 250, 260, 300, 310"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "yohou_44116.csv"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def stamps(*hours: str) -> str:
    return ",," + ",".join(hours)


def test_raw_file_of_one_station() -> None:
    path = SHARED / "moe" / "yohou_43056.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    forecast, reading = read_forecast(path)
    # Read off the file by eye: first, eighth and last cell, header 2019073115 and 2019080224, issued 14:25.
    assert forecast.values.shape == (1, 20)
    assert forecast.values[0, [0, 7, 19]].tolist() == [31.0, 32.0, 27.0]
    assert forecast.times[0] == pd.Timestamp("2019-07-31 06:00")
    assert forecast.times[3] == pd.Timestamp("2019-07-31 15:00"), "hour 24 is the next day's 00:00 in Japan"
    assert forecast.times[-1] == pd.Timestamp("2019-08-02 15:00")
    assert forecast.issued == (pd.Timestamp("2019-07-31 05:25"),)
    assert (reading.read, reading.used, reading.refused) == (1, 1, ())


def test_republished_file_in_tenths_reads_like_the_raw_one() -> None:
    path = SHARED / "moe" / "code4sabae_prev15WG_202008061400.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    forecast, reading = read_forecast(path, ["11001"])
    assert forecast.values[0, :4].tolist() == [16.0, 15.0, 15.0, 15.0]
    assert reading.read > 800


def test_republished_file_in_degrees_is_refused() -> None:
    path = SHARED / "moe" / "yohou_all_202208241425.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with pytest.raises(SourceError) as caught:
        read_forecast(path, ["11001"])
    assert "Station Number,2022082415" in explains(caught.value, path)


def test_negative_values_and_hour_24(tmp_path: Path) -> None:
    path = written(
        tmp_path, stamps("2025123121", "2025123124", "2026010103"), "99001,2025/12/31 20:30, -10, -25, 0"
    )
    forecast, _ = read_forecast(path)
    assert forecast.values.tolist() == [[-1.0, -2.5, 0.0]]
    assert forecast.times[1] == pd.Timestamp("2025-12-31 15:00")


def test_stations_in_the_order_asked(tmp_path: Path) -> None:
    path = written(
        tmp_path, stamps("2025080503", "2025080506"),
        "1,2025/08/05 00:25, 250, 260", "2,2025/08/05 01:25, 270, 280",
    )  # fmt: skip
    forecast, reading = read_forecast(path, ["2", "1"])
    assert forecast.values.tolist() == [[27.0, 28.0], [25.0, 26.0]]
    assert [station.id for station in forecast.stations] == ["2", "1"]
    assert (reading.read, reading.used) == (2, 2)


def test_missing_end_shortens_the_horizon_for_all(tmp_path: Path) -> None:
    path = written(
        tmp_path, stamps("2025080503", "2025080506", "2025080509"),
        "1,2025/08/05 00:25, 250, 260, ", "2,2025/08/05 00:25, 250, 260, 270",
    )  # fmt: skip
    forecast, reading = read_forecast(path, ["1", "2"])
    assert forecast.values.shape == (2, 2)
    assert np.isfinite(forecast.values).all()
    assert reading.facts["last"] == "2025-08-04T21:00:00Z"


def test_hole_names_station_column_and_row(tmp_path: Path) -> None:
    path = written(
        tmp_path, stamps("2025080503", "2025080506", "2025080509"),
        "1,2025/08/05 00:25, 250, 260, 270", "2,2025/08/05 00:25, 250, , 270",
    )  # fmt: skip
    assert read_forecast(path, ["1"])[0].values.shape == (1, 3), "another station's hole does not matter"
    with pytest.raises(SourceIncompleteError) as caught:
        read_forecast(path, ["1", "2"])
    text = explains(caught.value, path)
    assert "station 2" in text
    assert "2025080506" in text
    assert f"{path}:3" in text


@pytest.mark.parametrize(
    ("lines", "kind", "told"),
    [
        (["Date,Time,44116", "2025/8/5,1:00,24.3"], SourceError, "Date,Time,44116"),
        (["44116,2025/08/04 23:25, 250"], SourceError, ",,YYYYMMDDHH"),
        ([",,2025080503,2025083206", ROW], SourceError, "2025083206"),
        ([",,2025080503,,2025080506", ROW], SourceError, ",,YYYYMMDDHH"),
        ([",,2025080503,2025080509", ROW], SourceIncompleteError, "2025-08-05 06:00 JST"),
        ([",,2025080503,2025080503", ROW], SourceIncompleteError, "2025080503"),
        ([",,2025080503"], SourceIncompleteError, "no row"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, , "], SourceIncompleteError, "44116"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25"], SourceIncompleteError, "cut off"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, 25"], SourceIncompleteError, "cut off"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, 25O, 260"], SourceError, "25O"),
        ([",,2025080503,2025080506", "44116,yesterday, 250, 260"], SourceError, "yesterday"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, 25, 31"], UnitsError, "310"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, 9999, 310"], UnitsError, "9999"),
    ],
)
def test_bad_files_are_explained(
    tmp_path: Path, lines: list[str], kind: type[HeatRiskError], told: str
) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(kind) as caught:
        read_forecast(path)
    assert told in explains(caught.value, path)


def test_station_must_be_named_and_known(tmp_path: Path) -> None:
    path = written(tmp_path, stamps("2025080503"), "1,2025/08/05 00:25, 250", "2,2025/08/05 00:25, 250")
    with pytest.raises(InputError) as several:
        read_forecast(path)
    assert "[official] stations" in explains(several.value, path)
    with pytest.raises(SourceIncompleteError) as unknown:
        read_forecast(path, ["44116"])
    assert "44116" in explains(unknown.value, path)


def test_absent_and_empty_files(tmp_path: Path) -> None:
    absent = tmp_path / "none.csv"
    with pytest.raises(SourceUnavailableError) as caught:
        read_forecast(absent)
    explains(caught.value, absent)
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(SourceError) as nothing:
        read_forecast(empty)
    explains(nothing.value, empty)
