"""Observed official WBGT: hours of a month, measured stations, and what may anchor a past day."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.moe import read_forecast, read_observed
from tests.messages import SHARED, explains


def written(folder: Path, *lines: str, name: str = "wbgt_44116_202509.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def hours(*values: str, start: int = 1) -> list[str]:
    return [f"2025/9/{1 + (h - 1) // 24},{(h - 1) % 24 + 1}:00,{v}" for h, v in enumerate(values, start)]


def test_hours_of_a_month_anchor_every_third(tmp_path: Path) -> None:
    path = written(tmp_path, "Date,Time,44116", *hours(*(f"{20 + h / 10:.1f}" for h in range(1, 28))))
    forecast, reading = read_forecast(path)
    assert forecast.kind == "observed"
    # Hours 3, 6, ... 24 and 27 of the month, the first at 18 o'clock UTC of the day before.
    assert forecast.values.tolist() == [[20.3, 20.6, 20.9, 21.2, 21.5, 21.8, 22.1, 22.4, 22.7]]
    assert forecast.times.equals(pd.date_range("2025-08-31T18:00", periods=9, freq="3h"))
    assert forecast.issued == (pd.Timestamp("2025-09-01T18:00"),), "the instant of the last value"
    assert (reading.facts["kind"], reading.facts["values"]) == ("observed", 9)
    assert (reading.read, reading.used) == (1, 1)
    observed, _ = read_observed(path)
    assert observed["wbgt_moe"].shape == (1, 27)
    assert observed["wbgt_moe"].attrs["units"] == "degC"
    assert list(observed.data_vars) == ["wbgt_moe"]


def test_hours_without_value_are_left_out_and_counted(tmp_path: Path) -> None:
    path = written(
        tmp_path, "Date,Time,44116,44132",
        *hours("20,21", "20,21", "20,21", "20,21", "20,21", ",21", "20,21", "20,21", "20,21", ",", ",", ","),
    )  # fmt: skip
    both, reading = read_forecast(path, ["44116", "44132"])
    assert both.times.tolist() == [pd.Timestamp("2025-08-31T18:00"), pd.Timestamp("2025-09-01T00:00")]
    assert [note.code for note in reading.notes] == ["official_holes"]
    one, whole = read_forecast(path, ["44132"])
    assert one.values.tolist() == [[21.0, 21.0, 21.0]]
    assert whole.notes == ()
    observed, record = read_observed(path)
    assert observed.sizes == {"station": 2, "time": 12}
    assert (record.facts["values"], record.facts["missing"]) == (8 + 9, 4 + 3)


def test_a_row_that_ends_after_its_time_is_an_hour_to_come(tmp_path: Path) -> None:
    path = written(tmp_path, "Date,Time,44116", *hours("20.0", "20.1", "20.2"), "2025/9/1,4:00")
    assert read_observed(path)[0]["wbgt_moe"].values[0].tolist()[:3] == [20.0, 20.1, 20.2]
    assert read_forecast(path)[0].values.tolist() == [[20.2]]


def test_months_follow_one_another_and_must_not_contradict(tmp_path: Path) -> None:
    first = written(tmp_path, "Date,Time,44116", *hours("20.0", "20.1", "20.2"), name="a.csv")
    second = written(
        tmp_path, "Date,Time,44116", *hours("20.2", "20.3", "20.4", "20.5", start=3), name="b.csv"
    )
    assert read_forecast([second, first])[0].values.tolist() == [[20.2, 20.5]]
    third = written(tmp_path, "Date,Time,44116", *hours("25.0", start=3), name="c.csv")
    with pytest.raises(SourceError) as caught:
        read_observed(tmp_path)
    text = explains(caught.value, third)
    assert "2025090103" in text
    assert "20.2" in text


def test_a_measured_file_names_no_station_so_its_user_does(tmp_path: Path) -> None:
    path = written(
        tmp_path, "Date,Time,WBGT,Tg", *hours("24.2,60.5", "24.3,61.0", "24.4,62.0"), name="Tokyo_202509.csv"
    )
    unnamed, _ = read_forecast(path)
    assert unnamed.stations[0].id == "Tokyo"
    named, reading = read_forecast(path, ["44132"])
    assert (named.stations[0].id, named.values.tolist()) == ("44132", [[24.4]])
    assert reading.facts["files"][0]["measured"] is True
    observed, _ = read_observed(path, ["44132"])
    assert observed["tg"].values.tolist() == [[60.5, 61.0, 62.0]], "no WBGT, so no sign of its unit"
    other = written(tmp_path, "Date,Time,WBGT,Tg", *hours("24.2,60.5"), name="Saitama_202509.csv")
    with pytest.raises(SourceIncompleteError) as caught:
        read_forecast([path, other], ["44132"])
    assert "Tokyo, Saitama" in explains(caught.value, path)


def test_the_measured_august_of_tokyo_reads_completely() -> None:
    path = SHARED / "moe" / "code4sabae_mntr_Tokyo_202008.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with path.open(encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    observed, reading = read_observed(path)
    for name, column in (("wbgt_moe", "WBGT"), ("tg", "Tg")):
        truth = [float(row[column]) if row[column] else np.nan for row in rows]
        np.testing.assert_array_equal(observed[name].values[0], truth)
    assert observed.sizes["time"] == 31 * 24
    assert (reading.facts["values"], reading.facts["missing"]) == (744, 0)
    forecast, _ = read_forecast(path, ["44132"])
    assert forecast.values[0].tolist() == [float(row["WBGT"]) for row in rows[2::3]]


@pytest.mark.parametrize(
    ("lines", "kind", "told"),
    [
        (["Date,Time,44116"], SourceIncompleteError, "no row"),
        (["Date,Time,44116", "2025/9/1,25:00,24.3"], SourceError, "25:00"),
        (["Date,Time,44116", "2025/9/1,2:00,24.3", "2025/9/1,1:00,24.3"], SourceError, "order of time"),
        (["Date,Time,44116", "2025/9/1,2:00,24.3", "2025/9/1,2:00,24.3"], SourceError, "order of time"),
        (["Date,Time,44116", "2025/9/1,3:00,2a.3"], SourceError, "2a.3"),
        (["Date,Time,44116", "2025/9/1,3:00,243"], UnitsError, "243"),
        (["Date,Time,44116,44116", "2025/9/1,3:00,24,25"], SourceError, "44116"),
        (["Date,Time,,", "2025/9/1,3:00,24,"], SourceError, "no station"),
        (["Date,Time,Temperature", "2025/9/1,3:00,24"], SourceError, "Temperature"),
        (["Date,Time,44116,44132", "2025/9/1,3:00,24"], SourceIncompleteError, "cut off"),
        (["Date,Time,44116", "2025/9/1,3:00,"], SourceIncompleteError, "three-hourly"),
        (["Date,Time,WBGT,Tg", "2025/9/1,3:00,24,999"], UnitsError, "globe"),
    ],
)
def test_bad_files_are_explained(
    tmp_path: Path, lines: list[str], kind: type[HeatRiskError], told: str
) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(kind) as caught:
        read_forecast(path, ["44132"] if "44132" in lines[0] else None)
    assert told in explains(caught.value, path)


def test_forecasts_and_observations_do_not_mix(tmp_path: Path) -> None:
    observed = written(tmp_path, "Date,Time,44116", *hours("20.0", "20.1", "20.2"))
    forecast = written(tmp_path, ",,2025090203", "44116,2025/09/02 00:25, 250", name="yohou_44116.csv")
    with pytest.raises(InputError) as mixed:
        read_forecast([observed, forecast])
    explains(mixed.value, observed)
    with pytest.raises(SourceError) as other:
        read_observed(forecast)
    explains(other.value, forecast)
