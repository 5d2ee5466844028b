"""The official alert CSV: its header wherever it stands, the area by code or name, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatrisk.alerts import public
from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError
from heatrisk.sources.alert_csv import read_alerts
from tests.messages import SHARED, explains

META = {
    "Title": "熱中症特別警戒情報・熱中症警戒情報",
    "TimeZone": "+09:00",
    "CreateDate": "2026/08/25",
    "CreateTime": "04:30:03",
    "ReportDate": "2026/08/25",
    "ReportTime": "05:00:00",
    "TargetDate1": "2026/08/25",
    "TargetDate2": "2026/08/26",
    "Key Message1": "（省略）",
    "Status": "通常",
}
HEADER = (
    "府県予報区,都府県・振興局表示番号,都府県・振興局表示番号サブ,府県予報区等コード,都道府県名,都道府県コード,"
    "TargetDate1フラグ,TargetDate2フラグ,日最高WBGT（10:00）,日最高WBGT（17:00）,日最高WBGT（5:00）"
)
ROWS = (
    "宗谷地方,11,0,011000,北海道,01,0,9,稚内:21,,",
    "東京都,44,0,130000,東京,13,1,9,東京:32/八王子:33,東京:32,東京:33",
    "鹿児島県（奄美地方除く）,88,1,460100,鹿児島,46,3,9,鹿児島:35,,",
    "奄美地方,88,2,460040,鹿児島,46,0,9,名瀬:30,,",
)


def written(
    folder: Path,
    *rows: str,
    name: str = "alert.csv",
    header: str = HEADER,
    encoding: str = "utf-8",
    **meta: str,
) -> Path:
    stated = {**META, **meta}
    lines = [f"{key},{value},,,,,,,,," for key, value in stated.items() if value != "-"]
    path = folder / name
    path.write_text("\n".join([*lines, header, *(rows or ROWS)]) + "\n", encoding=encoding)
    return path


def test_a_bulletin_is_read_whole(tmp_path: Path) -> None:
    bulletin, reading = read_alerts(written(tmp_path), "130000")
    assert (bulletin.area, bulletin.area_name, bulletin.status) == ("130000", "東京都", "normal")
    assert bulletin.issued == datetime(2026, 8, 24, 20, 0, tzinfo=UTC)
    assert bulletin.created == datetime(2026, 8, 24, 19, 30, 3, tzinfo=UTC)
    assert bulletin.days == ((date(2026, 8, 25), 1), (date(2026, 8, 26), 9))
    assert bulletin.maxima[0] == ("日最高WBGT(10:00)", "東京:32/八王子:33")
    assert reading.as_of == bulletin.issued
    assert reading.facts["days"] == {"2026-08-25": 1, "2026-08-26": 9}
    assert (reading.read, reading.used, reading.facts["areas"]) == (1, 1, 4)


@pytest.mark.parametrize(
    ("area", "name"),
    [
        ("130000", "東京都"),
        ("東京都", "東京都"),
        ("東京", "東京都"),
        ("１３００００", "東京都"),
        ("011000", "宗谷地方"),
        ("11000", "宗谷地方"),
        ("88-2", "奄美地方"),
        ("鹿児島県(奄美地方除く)", "鹿児島県(奄美地方除く)"),
    ],
)
def test_an_area_is_named_by_code_name_or_number(tmp_path: Path, area: str, name: str) -> None:
    assert read_alerts(written(tmp_path), area)[0].area_name == name


@pytest.mark.parametrize(
    ("area", "told"),
    [("鹿児島", "460040"), ("東京部", "東京都 130000"), ("三鷹市", "130000"), ("", "130000")],
)
def test_an_area_that_is_not_a_single_one_lists_the_nearest(tmp_path: Path, area: str, told: str) -> None:
    path = written(tmp_path)
    with pytest.raises(InputError) as caught:
        read_alerts(path, area)
    text = explains(caught.value, path)
    assert told in text and f'[alerts] area = "{area}"' in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_the_header_is_found_by_its_first_cell_and_columns_by_name(tmp_path: Path, encoding: str) -> None:
    header = "府県予報区,府県予報区等コード,都道府県名,TargetDate2フラグ,TargetDate1フラグ"
    path = written(
        tmp_path, "東京都,130000,東京,3,1", header=header, encoding=encoding, Extra="1\n\n", Title="-"
    )
    bulletin, _ = read_alerts(path, "130000")
    assert bulletin.days == ((date(2026, 8, 25), 1), (date(2026, 8, 26), 3))


def test_several_bulletins_make_one_with_its_past(tmp_path: Path) -> None:
    row = "東京都,44,0,130000,東京,13,{},{},,,"
    written(tmp_path, row.format(1, 1), name="alert_20260825_17.csv", ReportTime="17:00:00")
    written(tmp_path, row.format(1, 9), name="alert_20260825_05.csv")
    written(tmp_path, row.format(3, 3), name="drill.csv", Status="訓練", ReportTime="18:00:00")
    old = {"TargetDate1": "2026/08/20", "TargetDate2": "2026/08/21"}
    written(tmp_path, row.format(3, 3), name="old.csv", ReportDate="2026/08/20", **old)
    bulletin, reading = read_alerts(tmp_path, "130000")
    assert (bulletin.status, [one.issued.hour for one in bulletin.earlier]) == ("drill", [8, 20])
    assert (reading.read, reading.used) == (4, 3)
    assert [note.code for note in reading.notes] == ["alert_drill"]
    shown = public(bulletin, datetime(2026, 8, 25, 12, 0, tzinfo=UTC))
    assert [(alert.level, alert.day.day) for alert in shown] == [("alert", 25), ("alert", 26)]
    assert [alert.day.day for alert in public(bulletin, datetime(2026, 8, 25, 7, 59, tzinfo=UTC))] == [25]


@pytest.mark.parametrize(("status", "kind"), [("通常", "normal"), ("訓練", "drill"), ("試験", "test")])
def test_status(tmp_path: Path, status: str, kind: str) -> None:
    assert read_alerts(written(tmp_path, Status=status), "130000")[0].status == kind


def test_the_stated_zone_counts(tmp_path: Path) -> None:
    bulletin, _ = read_alerts(written(tmp_path, TimeZone="+00:00"), "130000")
    assert bulletin.issued == datetime(2026, 8, 25, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "kind", "told"),
    [
        ({"Status": "-"}, SourceIncompleteError, "Status"),
        ({"Status": "予備"}, SourceError, "予備"),
        ({"ReportTime": "-"}, SourceIncompleteError, "ReportTime"),
        ({"ReportTime": "29:00:00"}, SourceError, "29:00:00"),
        ({"TargetDate1": "-", "TargetDate2": "-"}, SourceIncompleteError, "TargetDate1"),
        ({"TargetDate1": "2026/13/01"}, SourceError, "2026/13/01"),
        ({"header": "府県予報区,府県予報区等コード"}, SourceIncompleteError, "targetdate1フラグ"),
        ({"header": "予報区,コード"}, SourceError, "府県予報区"),
    ],
)
def test_bad_files_are_explained(
    tmp_path: Path, changes: dict[str, str], kind: type[HeatRiskError], told: str
) -> None:
    path = written(tmp_path, **changes)
    with pytest.raises(kind) as caught:
        read_alerts(path, "130000")
    assert told in explains(caught.value, path)


@pytest.mark.parametrize("flags", ["4,9", ",9", "1", "x,9"])
def test_an_unknown_flag_is_never_guessed(tmp_path: Path, flags: str) -> None:
    path = written(tmp_path, f"東京都,44,0,130000,東京,13,{flags}")
    with pytest.raises(SourceError) as caught:
        read_alerts(path, "130000")
    assert f"{path}:12" in explains(caught.value, path)


def test_the_real_excerpt_reads_completely() -> None:
    path = SHARED / "moe" / "alert_20260825_05_excerpt.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    # Read off the file by eye: code and both flags of its eight areas.
    flags = {
        "011000": (0, 9), "016000": (0, 9), "030000": (1, 9), "130000": (1, 9),
        "300000": (3, 9), "460100": (1, 9), "460040": (0, 9), "471000": (0, 9),
    }  # fmt: skip
    for area, both in flags.items():
        bulletin, reading = read_alerts(path, area)
        assert tuple(number for _, number in bulletin.days) == both
        assert reading.facts["areas"] == len(flags)
        levels = [alert.level for alert in public(bulletin, datetime(2026, 8, 25, tzinfo=UTC))]
        assert levels == {0: [], 1: ["alert"], 3: ["special"]}[both[0]]


WHOLE = "\n".join([*(f"{key},{value}" for key, value in META.items()), HEADER, *ROWS]).encode()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(WHOLE)), st.binary(max_size=6), st.integers(0, 12))
def test_damaged_files_end_in_an_error_that_names_them(
    tmp_path: Path, at: int, inserted: bytes, cut: int
) -> None:
    path = tmp_path / "alert.csv"
    path.write_bytes(WHOLE[:at] + inserted + WHOLE[at + cut :])
    try:
        bulletin, _ = read_alerts(path, "130000")
    except (SourceError, InputError) as error:
        explains(error, path)
    else:
        assert bulletin.status in ("normal", "drill", "test")
