"""Reports of crowding and equipment: matched exactly, with their own time, refused by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from heatrisk.errors import HeatRiskError, SourceIncompleteError
from heatrisk.shelters import Report, Shelter, reported
from heatrisk.sources.shelters import read_shelters
from heatrisk.sources.shelters.reports import read_congestion, read_equipment
from tests.messages import explains

SHELTERS = [
    Shelter("1", "三鷹市立図書館", town="三鷹市", capacity=20, published_id="1"),
    Shelter("2", "公民館", published_id="2"),
    Shelter("3", "分室", address="本町1"),
    Shelter("4", "分室", address="北野2", published_id="4"),
]
NOON = datetime(2026, 8, 5, 3, 0, tzinfo=UTC)


def written(folder: Path, *lines: str) -> Path:
    path = folder / "reports.csv"
    path.write_text("\n".join(lines), encoding="cp932")
    return path


def test_the_latest_report_of_each_shelter_counts(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "施設名,観測時刻,混雑度",
        "図書館,2026/8/5 11:30,やや混雑",
        "図書館,2026/8/5 11:00,満員",
        "公民館,2026-08-05T09:00,空き",
    )
    shelters, reading = read_congestion(path, SHELTERS, now=NOON)
    seen = datetime(2026, 8, 5, 2, 30, tzinfo=UTC)
    assert shelters[0].reports == (Report("congestion", "busy", seen, seen + timedelta(hours=2)),)
    assert shelters[1].reports[0].state == "free" and shelters[2:] == SHELTERS[2:]
    assert (reading.role, reading.read, reading.used, reading.as_of) == ("congestion", 3, 3, seen)
    assert reading.facts == {"superseded": 1, "expired": 1, "shelters": 2}
    assert [report.state for report, _ in reported(shelters[0], NOON)] == ["busy"]
    assert reported(shelters[1], NOON) == (), "three hours old"


def test_people_are_counted_and_identifiers_match(tmp_path: Path) -> None:
    path = written(tmp_path, "ID,観測時刻,人数,状況", "1,2026/8/5 12:00,12人,", "4,2026/8/5 12:00,,満席")
    shelters, reading = read_congestion(path, SHELTERS, valid_hours=0.5, now=NOON)
    assert reading.refused == ()
    [counted], [full] = shelters[0].reports, shelters[3].reports
    assert (counted.state, counted.people, counted.expires - counted.observed) == (
        "",
        12,
        timedelta(hours=0.5),
    )
    assert (full.state, full.people) == ("full", None)


def test_invented_identifiers_match_no_report(tmp_path: Path) -> None:
    listed = tmp_path / "list.csv"
    listed.write_text(
        "名称,住所,指定番号\n薬局,本町1-1,\n市役所,本町2-2,2\n甲館,本町3-3,7\n乙館,本町4-4,7\n",
        encoding="utf-8",
    )
    shelters, _ = read_shelters(listed)
    rows = [f"{name},2026/8/5 11:30,満員" for name in ("2", "row-2", "7", "7-2")]
    path = written(tmp_path, "ID,観測時刻,混雑度", *rows)
    found, reading = read_congestion(path, shelters, now=NOON)
    assert [s.name for s in found if s.reports] == ["市役所"]
    assert [row.where for row in reading.refused] == ["3", "4", "5"]


def test_identifier_and_name_must_be_of_one_shelter(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "ID,施設名,観測時刻,混雑度",
        "1,公民館,2026/8/5 11:30,満員",
        "1,別の館,2026/8/5 11:30,満員",
        "4,分室,2026/8/5 11:30,混雑",
        "99,公民館,2026/8/5 11:30,空き",
    )
    shelters, reading = read_congestion(path, SHELTERS, now=NOON)
    assert [bool(shelter.reports) for shelter in shelters] == [False, True, False, True]
    assert [row.reason.en for row in reading.refused] == [
        "公民館: identifier and name are of different shelters",
        "別の館: identifier and name are of different shelters",
    ]


def test_damaged_reports_say_so(tmp_path: Path) -> None:
    path = written(
        tmp_path, "施設名,観測時刻,混雑度", "公民館,2026/8/5 11:30,空き", "図書館,2026/8/5 11:30,混雑"
    )
    path.write_bytes(path.read_bytes().replace("図".encode("cp932"), b"\xff"))
    _, reading = read_congestion(path, SHELTERS, now=NOON)
    assert [note.code for note in reading.notes] == ["text_damaged"]


def test_rows_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "施設名,観測時刻,混雑度",
        "図書舘,2026/8/5 11:30,空き",
        "分室,2026/8/5 11:30,空き",
        "図書館,2026/8/5 12:06,空き",
        "図書館,2026/8/5,空き",
        "図書館,さっき,空き",
        "図書館,2026/8/5 11:30,3",
        "図書館,2026/8/5 11:30,",
    )
    shelters, reading = read_congestion(path, SHELTERS, now=NOON)
    assert shelters == SHELTERS
    assert {row.where: row.reason.en for row in reading.refused} == {
        "2": "図書舘: not in the list of shelters",
        "3": "分室: several shelters have this name",
        "4": "図書館: the time of observation lies in the future (2026/8/5 12:06)",
        "5": "図書館: the time names no hour (2026/8/5)",
        "6": "図書館: no time of observation (さっき)",
        "7": "図書館: no degree of crowding (3)",
        "8": "図書館: no degree of crowding ()",
    }
    assert (reading.read, reading.used, reading.as_of) == (7, 0, None)


@pytest.mark.parametrize(
    "lines",
    [
        (
            "施設名,設備,状態,観測時刻",
            "図書館,給水器,故障,2026/8/5 11:30",
            "図書館,Wi-Fi,使用可,2026/8/5 11:30",
        ),
        ("施設名,観測時刻,冷水機,Wi-Fi", "図書館,2026/8/5 11:30,×,〇"),
    ],
)
def test_equipment_in_rows_or_in_columns(tmp_path: Path, lines: tuple[str, ...]) -> None:
    shelters, reading = read_equipment(written(tmp_path, *lines), SHELTERS, now=NOON)
    states = {report.about: report.state for report in shelters[0].reports}
    assert states == {
        "water": "broken",
        "wifi": "usable",
    }
    assert reading.refused == ()
    told = [words.ja for _, words in reported(shelters[0], NOON)]
    assert told[0] == "給水：使えません（11:30 現在、30分前）"


def test_equipment_rows_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "施設名,設備,状態,観測時刻",
        "図書館,打ち水,使用可,2026/8/5 11:30",
        "図書館,給水器,たぶん,2026/8/5 11:30",
        "図書館,,使用可,2026/8/5 11:30",
    )
    shelters, reading = read_equipment(path, SHELTERS, now=NOON)
    assert shelters == SHELTERS
    assert [row.reason.en for row in reading.refused] == [
        "図書館: no known equipment (打ち水)",
        "図書館: no state of the equipment (たぶん)",
        "図書館: no state of any equipment",
    ]


def test_both_kinds_of_report_stand_side_by_side(tmp_path: Path) -> None:
    crowding = written(tmp_path, "施設名,観測時刻,混雑度", "図書館,2026/8/5 11:30,混雑")
    shelters, _ = read_congestion(crowding, SHELTERS, now=NOON)
    equipment = written(tmp_path, "施設名,観測時刻,給水", "図書館,2026/8/5 11:30,可")
    shelters, _ = read_equipment(equipment, shelters, now=NOON)
    assert [report.about for report in shelters[0].reports] == ["congestion", "water"]


@pytest.mark.parametrize("text", ["施設名,混雑度\n図書館,空き\n", "a,b\n1,2\n"])
def test_other_tables_are_explained(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(SourceIncompleteError) as caught:
        read_congestion(path, SHELTERS, now=NOON)
    error: HeatRiskError = caught.value
    assert "観測時刻" in explains(error, path)
