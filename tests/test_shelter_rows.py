"""Rows of municipal lists that say less, more or something else than they seem to: never open by guess."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest

from heatrisk.shelters import Opening, Season, Shelter, status
from heatrisk.sources.shelters import read_shelters
from heatrisk.sources.shelters.columns import marked
from heatrisk.words import JST

HEADER = "名称,所在地,緯度,経度"
ROW = "図書館,本町1-2,35.68,139.56"
WORKDAYS = frozenset(range(5))

WEDNESDAY, SATURDAY, MONDAY = "2026-08-19", "2026-08-22", "2026-08-24"
DECEMBER = "2026-12-02"  # a Wednesday


def one(folder: Path, header: str, cells: str) -> Shelter:
    path = folder / "shelters.csv"
    path.write_text(f"{HEADER},{header}\n{ROW},{cells}\n", encoding="utf-8")
    [shelter], _ = read_shelters(path)
    return shelter


def state(shelter: Shelter, day: str, clock: str = "11:00") -> str:
    return status(shelter, datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=JST)).state


@pytest.mark.parametrize(
    ("days", "closed", "expected"),
    [
        ("土日", "月曜日", {WEDNESDAY: "closed", SATURDAY: "open", DECEMBER: "closed"}),
        ("土日", "", {WEDNESDAY: "closed", SATURDAY: "open"}),
        ("7月~8月", "月曜日", {WEDNESDAY: "open", MONDAY: "closed", DECEMBER: "closed"}),
        ("6月1日~9月30日", "日曜日・祝日", {WEDNESDAY: "open", DECEMBER: "closed"}),
        ("毎日", "月曜日", {WEDNESDAY: "open", MONDAY: "closed"}),
        ("第2土曜日の前後", "", {WEDNESDAY: "unknown", SATURDAY: "unknown"}),
        ("土日29:00~17:00", "", {WEDNESDAY: "unknown", SATURDAY: "unknown"}),
    ],
)
def test_days_and_times_in_columns_of_their_own(
    tmp_path: Path, days: str, closed: str, expected: dict[str, str]
) -> None:
    shelter = one(tmp_path, "開放日,開始時間,終了時間,休館日", f"{days},9:00,17:00,{closed}")
    assert {day: state(shelter, day) for day in expected} == expected
    for said in (days, "9:00~17:00", closed):
        assert said in shelter.hours_text, "nothing that is published gets lost"


@pytest.mark.parametrize(
    ("header", "cells", "openings"),
    [
        ("開放日時,開始時間,終了時間", "9:00～17:00,9:00,17:00", (Opening(540, 1020),)),
        ("開放日時,開始時間,終了時間", "平日 9:00～17:00,9:00,17:00", (Opening(540, 1020, WORKDAYS, False),)),
        ("開放日時,曜日,開始時間,終了時間", "9:00～17:00,月~金,9:00,17:00", (Opening(540, 1020, WORKDAYS),)),
        ("開放日時,開始時間,終了時間", "9:00～17:00,10:00,19:00", None),
        ("開館時間,開放時間", "9:00～20:00,9:00～17:00", None),
        ("開放日,開放日時", "土日,月~金 9:00～17:00", None),
        ("開放日,曜日,開始時間,終了時間", "土日,月~金,9:00,17:00", None),
        (
            "開放日時,開放時間",
            "月~金 9:00～17:00,土 9:00～12:00",
            (Opening(540, 1020, WORKDAYS), Opening(540, 720, frozenset({5}))),
        ),
    ],
)
def test_two_columns_of_hours_must_agree(
    tmp_path: Path, header: str, cells: str, openings: tuple[Opening, ...] | None
) -> None:
    assert one(tmp_path, header, cells).openings == openings


def test_hours_that_are_told_twice_are_written_once(tmp_path: Path) -> None:
    twice = one(tmp_path, "開放日時,開始時間,終了時間", "9:00～17:00,9:00,17:00")
    assert twice.hours_text == "9:00～17:00"
    later = one(tmp_path, "開放日時,開始時間,終了時間", "19:00～17:00,9:00,17:00")
    assert later.hours_text == "19:00～17:00 / 9:00~17:00" and later.openings is None


@pytest.mark.parametrize("column", ["備考", "利用可能日時特記事項", "休館日"])
@pytest.mark.parametrize(
    "remark",
    [
        "8月末まで",
        "10月から閉館",
        "7月・8月は22時まで延長",
        "9/1以降は未定",
        "八月は開けません",
        "日没まで利用可",
        "土曜は午前のみ",
        "日曜日も開館",
    ],
)
def test_remarks_with_dates_or_other_hours_leave_it_unknown(tmp_path: Path, column: str, remark: str) -> None:
    shelter = one(tmp_path, f"開放日時,{column}", f"平日 9:00～17:00,{remark}")
    assert shelter.openings is None
    found = status(shelter, datetime(2026, 8, 19, 11, tzinfo=JST))
    assert found.state == "unknown" and remark in found.reason.ja, "people are told what is published"


@pytest.mark.parametrize("remark", ["利用できない日あり", "10日間程度の休館あり", "イベント時は利用不可"])
def test_remarks_that_only_take_away_never_open(tmp_path: Path, remark: str) -> None:
    shelter = one(tmp_path, "開放日時,備考", f"平日 9:00～17:00,{remark}")
    assert state(shelter, WEDNESDAY) == "unknown"


@pytest.mark.parametrize(
    "remark", ["席は先着順", "飲食はご遠慮ください", "2階の休憩コーナー", "電話0422-12-3456"]
)
def test_other_remarks_leave_the_hours_alone(tmp_path: Path, remark: str) -> None:
    assert state(one(tmp_path, "開放日時,備考", f"平日 9:00～17:00,{remark}"), WEDNESDAY) == "open"


YES = (
    "〇 ○ ◯ ● ◎ ✓ ☑ レ 有 有り あり あり（1階） ○(要予約) 可 はい Yes true 1 2台 済 指定済み 設置 完備 "
    "2024/4/1 令和6年4月1日 R6.4.1"
)
NO = (
    "× ✕ x - ― なし なし（自販機あり） 無し（近隣にあり） 無 ナシ 無（ロビーのみ） 設置なし ありません "
    "未設置 未指定 不可 否 NG no 0 対象外 解除 取消 2026/6/1指定取消"
)
UNSURE = "不明 未定 準備中 要相談 予定 申請中 △ あり（故障中） あり（予定） ？ 検討中 水のみ 条件あり 無料"


@pytest.mark.parametrize(
    ("texts", "expected"), [(YES, True), (NO, False), (UNSURE, None)], ids=["yes", "no", "unsure"]
)
def test_yes_no_and_unsure(texts: str, expected: bool | None) -> None:
    assert {text: marked(text) for text in texts.split()} == dict.fromkeys(texts.split(), expected)
    assert marked("") is False


@pytest.mark.parametrize(
    ("cell", "designation", "equipment"),
    [
        ("〇", "designated", ("water",)),
        ("不可", "other", ()),
        ("なし（自販機あり）", "other", ()),
        ("未設置", "other", ()),
        ("解除", "other", ()),
        ("要相談", "unknown", ()),
        ("予定", "unknown", ()),
        ("未定", "unknown", ()),
        ("△", "unknown", ()),
    ],
)
def test_doubtful_marks_are_no_promise(
    tmp_path: Path, cell: str, designation: str, equipment: tuple[str, ...]
) -> None:
    shelter = one(tmp_path, "クーリングシェルターの指定,給水器", f"{cell},{cell}")
    assert (shelter.designation, shelter.equipment) == (designation, equipment)


def test_doubts_in_free_text_are_no_promise(tmp_path: Path) -> None:
    kind = one(tmp_path, "種別,備考", "施設,クーリングシェルター指定予定")
    assert kind.designation == "unknown"
    things = one(tmp_path, "設備", "給水器なし、Wi-Fi、トイレ（故障中）、無料AED")
    assert things.equipment == ("wifi", "aed")
    share = one(tmp_path, "クーリングシェルターの指定,クールシェアの登録", "予定,〇")
    assert share.designation == "cool_share"


def test_doubts_beside_a_kind_do_not_touch_it(tmp_path: Path) -> None:
    assert one(tmp_path, "種別,備考", "クーリングシェルター,飲食不可").designation == "designated"


@pytest.mark.parametrize("column", ["利用可能日時特記事項", "備考"])
def test_alerts_in_the_remarks(tmp_path: Path, column: str) -> None:
    shelter = one(tmp_path, f"開放日時,{column}", "平日 9:00～17:00,熱中症特別警戒アラート発表時のみ開放")
    noon = datetime(2026, 8, 19, 12, tzinfo=JST)
    assert (shelter.opens_on, shelter.openings) == ("special", (Opening(540, 1020, WORKDAYS, False),))
    assert [status(shelter, noon, alert).state for alert in (None, "special")] == ["unknown", "open"]
    other = one(tmp_path, f"開放日時,{column}", "平日 9:00～17:00,アラートの出た日だけ")
    assert state(other, WEDNESDAY) == "unknown"


def merged(folder: Path, *rows: list[object]) -> dict[str, Shelter]:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    sheet.merge_cells("D2:E2")
    book.save(folder / "list.xlsx")
    return {shelter.name: shelter for shelter in read_shelters(folder / "list.xlsx")[0]}


WEEK: list[list[object]] = [
    [1, "中央公民館", "本町1-1-1", "9:00～17:00", "10:00～16:00", 30],
    [2, "東図書館", "本町2-2-2", "9:00～20:00", "休館", 20],
    [3, "西センター", "本町3-3-3", "9:00～20:00", "", 10],
]


@pytest.mark.parametrize(
    ("top", "below"),
    [
        (["No.", "施設名", "所在地", "開放日時", "", "人数"], ["", "", "", "平日", "土日祝", ""]),
        (["", "", "", "開放日時", "", ""], ["No.", "施設名", "所在地", "平日", "土日祝", "受入可能人数"]),
    ],
)
def test_a_header_of_two_rows(tmp_path: Path, top: list[object], below: list[object]) -> None:
    shelters = merged(tmp_path, ["一覧"], top, below, *WEEK)
    hall, library, centre = shelters.values()
    weekdays = Opening(540, 1020, WORKDAYS, False)
    assert hall.openings == (weekdays, Opening(600, 960, frozenset({5, 6}), True))
    assert hall.hours_text == "平日：9:00～17:00 / 土日祝：10:00～16:00"
    assert library.openings == centre.openings == (Opening(540, 1200, WORKDAYS, False),)
    assert library.hours_text == "平日：9:00～20:00 / 土日祝：休館"


def test_a_merged_header_without_a_second_row(tmp_path: Path) -> None:
    header: list[object] = ["No.", "施設名", "所在地", "開放日時", "", "人数"]
    hall, library, centre = merged(tmp_path, ["一覧"], header, *WEEK).values()
    assert hall.hours_text == "9:00～17:00 / 10:00～16:00" and hall.openings is None
    assert library.hours_text == "9:00～20:00 / 休館" and library.openings is None
    assert centre.openings == (Opening(540, 1200),)


def test_days_named_in_the_header(tmp_path: Path) -> None:
    shelter = one(tmp_path, "開放時間（平日）,開放時間_土日祝", "9:00～17:00,10:00～16:00")
    assert shelter.openings is not None and [o.start for o in shelter.openings] == [540, 600]
    assert state(shelter, SATURDAY, "09:30") == "closed"
    season = one(tmp_path, "開放時間（7月～9月）", "9:00～17:00")
    assert season.openings == (Opening(540, 1020, season=Season("--07-01", "--09-30")),)


def test_wide_tables_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(
        f"名称,緯度,経度{',開放日時' * 20_000}\n館,35.68,139.56{',9:00~17:00' * 20_000}\n", "utf-8"
    )
    began = time.perf_counter()
    [shelter], _ = read_shelters(path)
    assert time.perf_counter() - began < 3.0
    assert shelter.openings == (Opening(540, 1020),)
    cells = "".join(f",{n // 60}:{n % 60:02}~24:00" for n in range(1400))
    path.write_text(f"名称,緯度,経度{',開放日時' * 1400}\n館,35.68,139.56{cells}\n", "utf-8")
    began = time.perf_counter()
    assert read_shelters(path)[0][0].openings is None
    assert time.perf_counter() - began < 3.0


@pytest.mark.parametrize(
    "unit", ["9", "9人", "1-", "番地の", "1番地の", "(", "月曜日", "9:00~17:00", "あり", "警戒情報(", "ア"]
)
def test_long_cells_take_no_time(tmp_path: Path, unit: str) -> None:
    cell = f"1{unit * (100_000 // len(unit))}x"
    columns = "ID,名称,所在地,開放日時,休館日,受入可能人数,クーリングシェルターの指定,設備,開放条件,備考"
    path = tmp_path / "long.csv"
    row = ",".join([cell] * (columns.count(",") + 1))
    path.write_text(f"{columns}\n{row}\n", encoding="utf-8")
    began = time.perf_counter()
    [shelter], _ = read_shelters(path)
    assert time.perf_counter() - began < 2.0, "backtracking would take minutes"
    assert (shelter.capacity, shelter.openings) == (None, None)
