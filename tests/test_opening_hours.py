"""Opening hours out of Japanese text: what is read, and what must be left to people."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.shelters import EVERY_DAY, Opening
from heatrisk.sources.opening_hours import read_hours, without_closures

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
    ],
)
def test_texts_that_say_it_all(text: str, expected: tuple[Opening, ...]) -> None:
    assert read_hours(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "施設の開館日時に準ずる",
        "始発から終電まで",
        "7月1日から9月15日まで 10:00～16:00",
        "29:00~17:00",
        "9:60～17:00",
        "17:00～9:00",
        "9:00～9:00",
        "平日(水曜以外) 9:00～17:00",
        "休館日を除き毎日、8:30～21:00",
        "9:00～22:00（休館日は除く。）",
        "月・水・金・土（第1・3）9:00～17:00、火・木曜日9:00～19:00",
        "第3月曜日 9:00～17:00",
        "不定休 9:00～17:00",
        "9:00～17:00 ※変更の場合あり",
        "2024/5/7(火)~2024/9/30(月)",
        "9:00～",
        "月～金",
        "9～17",
    ],
)
def test_texts_that_say_more_or_less_are_left_alone(text: str) -> None:
    assert read_hours(text) is None


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        ("日曜・祝日休み", hours("9:00", "17:00", frozenset(range(6)), False)),
        ("月曜休館", hours("9:00", "17:00", frozenset(range(1, 7)))),
        ("水曜日", hours("9:00", "17:00", EVERY_DAY - {2})),
    ],
)
def test_closing_days_are_taken_off(remark: str, expected: Opening) -> None:
    assert without_closures((hours("9:00", "17:00"),), remark) == (expected,)


@pytest.mark.parametrize("remark", ["第3月曜日", "年末年始", "席は先着順", "9:00～17:00"])
def test_other_remarks_are_no_closing_days(remark: str) -> None:
    assert without_closures((hours("9:00", "17:00"),), remark) is None


@given(st.text("月火水木金土日祝曜平毎から~・、,()0123456789:時分午前後除く無休年中 ", max_size=200))
@settings(max_examples=300, deadline=500)
def test_any_text_gives_sound_hours_or_none(text: str) -> None:
    for opening in read_hours(text) or ():
        assert 0 <= opening.start < opening.end <= 1440
        assert opening.days is None or opening.days <= EVERY_DAY


def test_repetition_does_not_hang() -> None:
    began = time.perf_counter()
    for unit in ("月曜日", "日", "祝日", "月~日・", "9:00~17:00,", "("):
        for length in (50, 180, 100_000):
            read_hours(unit * (length // len(unit)) + "x")
    assert time.perf_counter() - began < 5.0, "backtracking would take ages"
