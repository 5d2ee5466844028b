"""A verdict is one line and one exit code."""

from __future__ import annotations

import pytest

from heatrisk.verdict import Light, Verdict
from heatrisk.words import Note, Words

SUMMARY = Words("8 時刻を計算しました", "8 steps computed")
STALE = Note.of("official_stale", "公式予測が古い", "the official forecast is old")
HOLE = Note.of("hole", "欠測", "a hole")


@pytest.mark.parametrize(
    "light, code, level, ja, en",
    [
        (Light.GREEN, 0, "green", "【正常】", "[green]"),
        (Light.AMBER, 10, "amber", "【要確認】", "[amber]"),
        (Light.RED, 20, "red", "【異常】", "[red]"),
        (Light.OFF_SEASON, 30, "off-season", "【期間外】", "[off-season]"),
    ],
)
def test_exit_code_and_colour(light: Light, code: int, level: str, ja: str, en: str) -> None:
    verdict = Verdict(light, SUMMARY)
    assert verdict.exit_code == code
    assert verdict.line == Words(f"{ja}{SUMMARY.ja}", f"{en} {SUMMARY.en}")
    assert verdict.as_dict() == {"level": level, "exit_code": code, **verdict.line._asdict(), "notes": []}


def test_every_light_has_its_own_code() -> None:
    codes = {Verdict(light, SUMMARY).exit_code for light in Light}
    assert len(codes) == len(Light)
    assert 2 not in codes  # that is a usage error


def test_the_first_reason_stands_in_the_line_and_the_rest_are_counted() -> None:
    one, three = Verdict(Light.AMBER, SUMMARY, (STALE,)), Verdict(Light.AMBER, SUMMARY, (STALE, HOLE, HOLE))
    assert one.line.ja == "【要確認】8 時刻を計算しました（公式予測が古い）"
    assert one.line.en == "[amber] 8 steps computed (the official forecast is old)"
    assert three.line.ja == "【要確認】8 時刻を計算しました（公式予測が古い ほか 2 件）"
    assert three.line.en == "[amber] 8 steps computed (the official forecast is old and 2 more)"
    assert three.as_dict()["notes"] == [STALE.as_dict(), HOLE.as_dict(), HOLE.as_dict()]


def test_one_line() -> None:
    for text in Verdict(Light.AMBER, SUMMARY, (STALE, HOLE)).line:
        assert "\n" not in text
