"""Opening hours out of Japanese text: what is read, and what must be left to people."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.shelters import EVERY_DAY, Opening, Season
from heatrisk.sources.shelters.opening_hours import Hours, read_hours, without_closures

WORKDAYS = frozenset(range(5))


def hours(start: str, end: str, days: frozenset[int] | None = None, holidays: bool | None = None) -> Opening:
    minutes = [int(text[:-3]) * 60 + int(text[-2:]) for text in (start, end)]
    return Opening(minutes[0], minutes[1], days, holidays)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9:00～17:00", (hours("9:00", "17:00"),)),
        ("９：００〜１７：００", (hours("9:00", "17:00"),)),
        ("8時30分~17時15分", (hours("8:30", "17:15"),)),
        ("午前9時～午後7時半", (hours("9:00", "19:30"),)),
        ("10～17時", (hours("10:00", "17:00"),)),
        ("平日8:30～17:00　", (hours("8:30", "17:00", WORKDAYS, False),)),
        ("毎日 9:00-21:30", (hours("9:00", "21:30", EVERY_DAY, True),)),
        ("10:00～21:00（年中無休）", (hours("10:00", "21:00", EVERY_DAY, True),)),
        ("月～金 9:00から17:00まで", (hours("9:00", "17:00", WORKDAYS),)),
        ("月曜～土曜日（9:00～21:00）", (hours("9:00", "21:00", frozenset(range(6))),)),
        ("火~日(祝日を除く)9時~17時", (hours("9:00", "17:00", frozenset(range(1, 7)), False),)),
        (
            "金～月 9:00～12:00、13:00～17:00",
            (
                hours("9:00", "12:00", frozenset({4, 5, 6, 0})),
                hours("13:00", "17:00", frozenset({4, 5, 6, 0})),
            ),
        ),
        (
            "月・火・水・金 9:00～19:00、木・土 9:00～13:00",
            (hours("9:00", "19:00", frozenset({0, 1, 2, 4})), hours("9:00", "13:00", frozenset({3, 5}))),
        ),
        ("土日祝 10:00～16:00", (hours("10:00", "16:00", frozenset({5, 6}), True),)),
        (
            "平日：8:30～21:00\n日曜日・祝日：9:00～17:00",
            (hours("8:30", "21:00", WORKDAYS, False), hours("9:00", "17:00", frozenset({6}), True)),
        ),
        ("月火水木金土日8:30~17:15", (hours("8:30", "17:15", EVERY_DAY, True),)),
        ("24時間", (Opening(0, 1440),)),
        ("平日(水曜以外) 9:00～17:00", (hours("9:00", "17:00", WORKDAYS - {2}, False),)),
        # On days when it opens at all; which these are is not said.
        ("開館日の10:00～19:00", (hours("10:00", "19:00"),)),
        ("休館日を除き毎日、8:30～21:00", (hours("8:30", "21:00"),)),
        ("9:00～22:00（休館日は除く。）", (hours("9:00", "22:00"),)),
        ("9:00～17:00\n※毎週日曜日及び祝日は休館日", (hours("9:00", "17:00", frozenset(range(6)), False),)),
    ],
)
def test_texts_that_say_it_all(text: str, expected: tuple[Opening, ...]) -> None:
    assert read_hours(text) == Hours(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "施設の開館日時に準ずる",
        "始発から終電まで",
        "29:00~17:00",
        "9:60～17:00",
        "17:00～9:00",
        "9:00～9:00",
        "月・水・金・土（第1・3）9:00～17:00、火・木曜日9:00～19:00",
        "第3月曜日 9:00～17:00",
        "9:00～17:00 ※変更の場合あり",
        "2024/5/7(火)~2024/9/30(月)",
        "9:00～",
        "月～金",
        "9～17",
        "9.30～12.15",
        "13月1日～14月3日 9:00～17:00",
        "2月30日～3月31日 9:00～17:00",
        "午後1時～5時",
        "毎日除く 9:00～17:00",
        "平日祝日除く9:00～17:00",
        "毎月第三月曜日・火曜日を除く 9:00～20:00",
        "9:00～16:00（６～８月は午後５時まで）",
        "9:00～21:30 ※毎月15日は休館日（土日祝の場合翌平日）",
        "月～金 9:00～17:00(7月～8月) 土 9:00～12:00",
        "令和8年9月30日から令和8年5月1日まで 9:00～17:00",
    ],
)
def test_texts_that_say_more_or_less_are_left_alone(text: str) -> None:
    assert read_hours(text) is None


@pytest.mark.parametrize(
    ("text", "season"),
    [
        ("令和8年5月1日から9月30日まで 9:00～17:00", Season("2026-05-01", "2026-09-30")),
        ("令和8年11月1日～3月31日 9:00～17:00", Season("2026-11-01", "2027-03-31")),
        ("2024/5/7(火)~2024/9/30(月) 9:00～17:00", Season("2024-05-07", "2024-09-30")),
        ("R8.7.1～R8.9.30 9:00～17:00", Season("2026-07-01", "2026-09-30")),
        ("7月～9月 / 9:00～17:00", Season("--07-01", "--09-30")),
        ("9:00～17:00 / 6月1日～9月15日", Season("--06-01", "--09-15")),
        ("6/1～9/1 9:00～17:00", Season("--06-01", "--09-01")),
        ("9:00～17:00（7～8月）", Season("--07-01", "--08-31")),
        ("12月～2月 9:00～17:00", Season("--12-01", "--02-29")),
    ],
)
def test_seasons(text: str, season: Season) -> None:
    assert read_hours(text) == Hours((Opening(540, 1020, season=season),))


def test_real_texts_of_many_parts() -> None:
    summer, year = Season("--07-01", "--09-30"), Season("2026-05-01", "2026-09-30")
    assert read_hours("7～9月の\n火　10:00～13:00\n日　9:00～17:00") == Hours(
        (Opening(600, 780, frozenset({1}), season=summer), Opening(540, 1020, frozenset({6}), season=summer))
    )
    pharmacy = "令和8年5月1日から9月30日まで　　平日　月～金　10時～13時、14時30分～17時30分　土　10時～12時"
    assert read_hours(pharmacy) == Hours(
        (
            Opening(600, 780, WORKDAYS, False, year),
            Opening(870, 1050, WORKDAYS, False, year),
            Opening(600, 720, frozenset({5}), None, year),
        )
    )
    dealer = "10:00～18:00　 (毎週火曜日、第１・３月曜　ＧＷ休暇・夏季休暇・年末年始休暇を除く)"
    assert read_hours(dealer) == Hours(
        (Opening(600, 1080, EVERY_DAY - {1}, monthly=frozenset({(1, 0), (3, 0)})),), "GW休暇、夏季休暇"
    )
    office = "土日祝日を除く\n６月１日～９月３０日\n９：００～１７：００"
    assert read_hours(office) == Hours((Opening(540, 1020, WORKDAYS, False, Season("--06-01", "--09-30")),))
    hall = "月曜～土曜日（9:00～21:00）\n（但し、年末年始、祝日、臨時休館日は休み）"
    assert read_hours(hall) == Hours((hours("9:00", "21:00", frozenset(range(6)), False),), "臨時休館日")


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        ("日曜・祝日休み", hours("9:00", "17:00", frozenset(range(6)), False)),
        ("月曜休館", hours("9:00", "17:00", EVERY_DAY - {0})),
        ("水曜日", hours("9:00", "17:00", EVERY_DAY - {2})),
        ("休館日：月曜日、年末年始（12月29日～1月3日）", hours("9:00", "17:00", EVERY_DAY - {0})),
        ("年末年始", hours("9:00", "17:00")),
        ("第3月曜日", Opening(540, 1020, EVERY_DAY, monthly=frozenset({(3, 0)}))),
        ("第2・第4水曜", Opening(540, 1020, EVERY_DAY, monthly=frozenset({(2, 2), (4, 2)}))),
        ("月曜（祝日の場合は翌平日）", Opening(540, 1020, EVERY_DAY - {0}, moves=True)),
    ],
)
def test_closing_days_are_taken_off(remark: str, expected: Opening) -> None:
    assert without_closures((hours("9:00", "17:00"),), remark) == Hours((expected,))


def test_a_weekly_closing_day_leaves_its_holidays_open_to_doubt() -> None:
    assert without_closures((hours("9:00", "17:00", EVERY_DAY, True),), "月曜休館") == Hours(
        (hours("9:00", "17:00", EVERY_DAY - {0}, None),)
    )


def test_days_off_that_are_not_told_are_a_caveat() -> None:
    assert without_closures((hours("9:00", "17:00"),), "不定休") == Hours((hours("9:00", "17:00"),), "不定休")


@pytest.mark.parametrize("remark", ["席は先着順", "9:00～17:00", "毎日", "第3月曜日・火曜日"])
def test_other_remarks_are_no_closing_days(remark: str) -> None:
    assert without_closures((hours("9:00", "17:00"),), remark) is None


WORDS = (
    "月 火曜 土日 祝日 平日 毎日 第3 ~ ・ , ( ) 9:00~17:00 10時~12時 25:99 を除く 休館日 年末年始 7月~9月",
    "令和8年5月1日 無休 不定休 祝日の場合は翌日 午後 5 以外 開館日の",
)
WORDY = st.lists(st.sampled_from(" ".join(WORDS).split()), max_size=14).map("".join)
TEXTS = WORDY | st.text("月日祝~・()0123456789:/時午前後除く ", max_size=200)


@given(TEXTS)
@settings(max_examples=300, deadline=5000)
def test_any_text_gives_sound_hours_or_none(text: str) -> None:
    found = read_hours(text)
    for opening in found.openings if found else ():
        assert 0 <= opening.start < opening.end <= 1440
        assert opening.days is None or opening.days <= EVERY_DAY
        assert all(opening.state(date(2026, 8, day), 600) in ("open", "closed", "unknown") for day in (9, 10))


def test_repetition_does_not_hang() -> None:
    began = time.perf_counter()
    units = ["月曜日", "日", "祝日", "月~日・", "9:00~17:00,", "(", "第1", "を除く", "1月~2月", "年末年始"]
    for unit in units:
        for length in (50, 180, 100_000):
            read_hours(unit * (length // len(unit)) + "x")
    assert time.perf_counter() - began < 5.0, "backtracking would take ages"
