"""Answers of the Ministry's web service: the documented shape, its errors, and damage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heatrisk.errors import HeatRiskError, SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.moe import read_forecast, read_observed
from tests.messages import explains


def forecast(station: int, issued: str, time: str, value: str | None, flag: int = 0) -> dict[str, Any]:
    return {
        "reference_time": f"2026/08/01 {issued}:00",
        "wbgt_no": station,
        "forecast_val": value,
        "forecast_time": f"2026/08/01 {time}:00",
        "flag": flag,
    }


def survey(time: str, wbgt: str | None, measured: int = 0, quality: str = "1.0") -> dict[str, Any]:
    return {
        "wbgt_no": 44132,
        "wbgt_date": f"2026/08/01 {time}:00",
        "wbgt_class": measured,
        "area_cd": 3,
        "pref_cd": 44,
        "wbgt_WI": quality,
        "wbgt_WO": wbgt,
        "wbgt_Tw": "25.0",
        "wbgt_Tg": "41.5",
    }


def answered(folder: Path, *records: Any, **others: Any) -> Path:
    answer = {"status": "success", "data": list(records), "count": len(records), "errMsg": "", **others}
    path = folder / "answer.json"
    path.write_text(json.dumps(answer), encoding="utf-8")
    return path


def test_values_are_tenths_and_the_newest_issue_of_each_station_counts(tmp_path: Path) -> None:
    path = answered(
        tmp_path,
        forecast(44116, "13:00", "15:00", "300"), forecast(44116, "13:00", "18:00", "290"),
        forecast(44116, "14:00", "18:00", "280"), forecast(44116, "14:00", "15:00", "310"),
        forecast(44132, "14:00", "15:00", "320"), forecast(44132, "14:00", "18:00", "-10"),
    )  # fmt: skip
    official, reading = read_forecast(path, ["44116", "44132"])
    assert official.kind == "forecast"
    assert official.values.tolist() == [[31.0, 28.0], [32.0, -1.0]]
    assert official.times.tolist() == [pd.Timestamp("2026-08-01T06:00"), pd.Timestamp("2026-08-01T09:00")]
    assert official.issued == (pd.Timestamp("2026-08-01T05:00"),) * 2
    assert (reading.read, reading.used, reading.notes) == (2, 2, ())
    assert reading.facts["files"][0]["flags"] == {"0": 6}


def test_flags_are_counted_and_told(tmp_path: Path) -> None:
    path = answered(tmp_path, forecast(1, "14:00", "15:00", "300", 2), forecast(1, "14:00", "18:00", "290"))
    _, reading = read_forecast(path)
    assert [note.code for note in reading.notes] == ["official_flagged"]
    assert "2 (1)" in reading.notes[0].words.en


def test_observed_hours_prefer_the_measurement(tmp_path: Path) -> None:
    path = answered(
        tmp_path,
        survey("01:00", "21.9"), survey("02:00", "21.5", 1), survey("03:00", "21.0"),
        survey("03:00", "21.2", 1, "0"), survey("04:00", None), survey("06:00", ""),
    )  # fmt: skip
    official, reading = read_forecast(path)
    assert (official.kind, official.values.tolist()) == ("observed", [[21.2]])
    assert official.issued == (pd.Timestamp("2026-07-31T18:00"),)
    facts = reading.facts["files"][0]
    assert (facts["measured"], facts["estimated"], facts["quality"]) == (2, 4, {"0": 1, "1": 5})
    observed, _ = read_observed(path)
    assert observed["wbgt_moe"].values[0].tolist()[:3] == [21.9, 21.5, 21.2]
    assert observed["tg"].values[0].tolist() == [41.5] * 5


RECORD = forecast(1, "14:00", "15:00", "300")


@pytest.mark.parametrize(
    ("records", "others", "kind", "told"),
    [
        ([], {"status": "error", "errMsg": "地点タイプの指定値「4」が不正です"}, SourceError, "「4」"),
        (
            [],
            {"status": "error", "errMsg": "検索結果が閾値以上となったため、中止します。"},
            SourceError,
            "25,000",
        ),
        ([], {}, SourceIncompleteError, "none"),
        ([RECORD], {"count": 24}, SourceIncompleteError, "24 record(s)"),
        ([{"temp": 1}], {}, SourceError, "temp"),
        (["text"], {}, SourceError, "success"),
        ([{**RECORD, "forecast_val": "3O0"}], {}, SourceError, "3O0"),
        ([{**RECORD, "forecast_val": [300]}], {}, SourceError, "[300]"),
        ([{**RECORD, "forecast_time": None}], {}, SourceError, "forecast_time"),
        ([{**RECORD, "reference_time": "yesterday"}], {}, SourceError, "yesterday"),
        ([RECORD, RECORD], {}, SourceError, "several values"),
        ([RECORD, forecast(1, "14:00", "21:00", "300")], {}, SourceIncompleteError, "18:00 JST"),
        ([{**RECORD, "forecast_val": "30"}], {}, UnitsError, "310"),
        ([{**RECORD, "forecast_val": "9990"}], {}, UnitsError, "999"),
        ([{**RECORD, "forecast_time": "2026/08/01 18:00:00", "forecast_val": "21"}], {}, UnitsError, "310"),
        ([RECORD], {"count": "24"}, SourceIncompleteError, "24 record(s)"),
        ([], {"status": "ERROR", "errMsg": "x"}, SourceError, "tells of an error"),
        ([], {"status": "400", "data": None, "errMsg": "不正なリクエスト"}, SourceError, "不正なリクエスト"),
        ([{**RECORD, "forecast_val": None}], {}, SourceIncompleteError, "hole"),
    ],
)
def test_bad_answers_are_explained(
    tmp_path: Path, records: list[Any], others: dict[str, Any], kind: type[HeatRiskError], told: str
) -> None:
    path = answered(tmp_path, *records, **others)
    with pytest.raises(kind) as caught:
        read_forecast(path)
    assert told in explains(caught.value, path)


@pytest.mark.parametrize("others", [{"status": "SUCCESS"}, {"status": 200, "errMsg": None}, {"count": "1"}])
def test_success_has_many_names(tmp_path: Path, others: dict[str, Any]) -> None:
    official, _ = read_forecast(answered(tmp_path, RECORD, **others))
    assert official.values.tolist() == [[30.0]]


def test_an_answer_in_degrees_is_refused_in_any_season(tmp_path: Path) -> None:
    spring = {**RECORD, "reference_time": "2026/04/01 14:00:00", "forecast_time": "2026/04/01 15:00:00"}
    path = answered(tmp_path, {**spring, "forecast_val": "21"})
    with pytest.raises(UnitsError) as caught:
        read_forecast(path)
    assert "21" in explains(caught.value, path)
    assert read_forecast(answered(tmp_path, {**spring, "forecast_val": "20"}))[0].values.tolist() == [[2.0]]


@pytest.mark.parametrize("text", ["[", "{}", "[" * 100_000, '{"status": NaN}', "[" + "9" * 5000 + "]"])
def test_what_is_no_answer_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_forecast(path)
    explains(caught.value, path)
