"""Which alert may be shown when: report times, drills, flags that say nothing, midnight."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.alerts import FLAGS, AlertBulletin, flag, from_dict, public, to_dict
from heatrisk.words import JST

FIRST, SECOND, THIRD = date(2026, 8, 25), date(2026, 8, 26), date(2026, 8, 27)


def at(hour: int, minute: int = 0, day: int = 25) -> datetime:
    return datetime(2026, 8, day, hour, minute, tzinfo=JST)


def bulletin(hour: int, today: int, tomorrow: int, *, day: int = 25, status: str = "normal") -> AlertBulletin:
    days = ((date(2026, 8, day), today), (date(2026, 8, day + 1), tomorrow))
    issued = at(hour, day=day)
    return AlertBulletin("130000", "東京都", issued, issued.replace(hour=hour - 1, minute=30), status, days)  # type: ignore[arg-type]


def series(*bulletins: AlertBulletin) -> AlertBulletin:
    """Return the last one, with those before it."""
    *earlier, newest = bulletins
    return replace(newest, earlier=tuple(reversed(earlier)))


def shown(issued: AlertBulletin, when: datetime) -> list[tuple[str, date]]:
    return [(alert.level, alert.day) for alert in public(issued, when)]


def test_nothing_is_shown_before_the_report_time() -> None:
    early = bulletin(5, 1, 9)
    assert shown(early, at(4, 59)) == []
    assert flag(early, FIRST, at(4, 59)) is None
    assert shown(early, at(5)) == [("alert", FIRST)]
    # Without a zone the instant is UTC: 20:00 UTC of the day before is 5:00 in Japan.
    assert shown(early, datetime(2026, 8, 24, 19, 59)) == []
    assert shown(early, datetime(2026, 8, 24, 20, 0)) == [("alert", FIRST)]


@pytest.mark.parametrize("status", ["drill", "test"])
def test_drills_and_tests_are_never_shown(status: str) -> None:
    drill = bulletin(17, 3, 3, status=status)
    assert shown(drill, at(18)) == []
    assert flag(drill, FIRST, at(18)) is None
    issued = series(bulletin(5, 1, 9), drill)
    assert shown(issued, at(18)) == [("alert", FIRST)], "the real one before it still holds"


def test_the_last_bulletin_holds_until_the_next_is_public() -> None:
    issued = series(bulletin(5, 1, 9), bulletin(17, 1, 1))
    assert shown(issued, at(16, 45)) == [("alert", FIRST)]
    assert shown(issued, at(17)) == [("alert", FIRST), ("alert", SECOND)]
    first, second = public(issued, at(17))
    assert (first.issued, second.issued) == (at(5), at(17)), "since when each is in force"
    assert first.words.ja == "熱中症警戒情報（熱中症警戒アラート）"
    assert first.area_name == "東京都"


def test_tomorrow_becomes_today_at_midnight_and_today_ends() -> None:
    issued = bulletin(17, 1, 1)
    assert shown(issued, at(23, 59)) == [("alert", FIRST), ("alert", SECOND)]
    assert shown(issued, at(0, day=26)) == [("alert", SECOND)]
    assert shown(issued, at(0, day=27)) == []
    assert flag(issued, THIRD, at(0, day=27)) is None, "of a day that no bulletin speaks of nothing is known"


def test_a_special_alert_takes_the_place_of_the_ordinary_one() -> None:
    issued = series(bulletin(5, 1, 9), bulletin(10, 1, 2), bulletin(14, 1, 3), bulletin(17, 1, 3))
    assert shown(issued, at(10, 30)) == [("alert", FIRST)], "judged is not issued"
    assert flag(issued, SECOND, at(10, 30)) is None
    assert shown(issued, at(14)) == [("alert", FIRST), ("special", SECOND)]
    special = public(issued, at(18))[1]
    assert special.issued == at(14)
    assert special.words.ja == "熱中症特別警戒情報（熱中症特別警戒アラート）"
    later = series(issued, bulletin(5, 3, 9, day=26))
    assert shown(replace(later, earlier=(issued, *issued.earlier)), at(6, day=26)) == [("special", SECOND)]


def test_a_special_alert_never_becomes_ordinary_and_none_is_cancelled() -> None:
    issued = series(bulletin(14, 9, 3), bulletin(17, 0, 1), bulletin(5, 0, 0, day=26))
    assert shown(issued, at(17, 30)) == [("special", SECOND)]
    assert public(issued, at(17, 30))[0].issued == at(14)
    assert shown(issued, at(6, day=26)) == [("special", SECOND)]
    assert flag(issued, SECOND, at(6, day=26)) == 3
    ordinary = series(bulletin(5, 1, 9), bulletin(17, 0, 0))
    assert shown(ordinary, at(18)) == [("alert", FIRST)]


def test_flags_that_say_nothing_leave_what_was_said() -> None:
    issued = series(bulletin(5, 1, 9), bulletin(10, 9, 2), bulletin(14, 2, 0))
    assert shown(issued, at(15)) == [("alert", FIRST)]
    assert flag(issued, FIRST, at(15)) == 1
    assert flag(issued, SECOND, at(10)) is None
    assert flag(issued, SECOND, at(14)) == 0, "no alert, which is not the same as unknown"


bulletins = st.builds(
    bulletin,
    st.sampled_from([5, 10, 14, 17]),
    st.sampled_from(list(FLAGS)),
    st.sampled_from(list(FLAGS)),
    day=st.integers(20, 29),
    status=st.sampled_from(["normal", "drill", "test"]),
)


@given(st.lists(bulletins, min_size=1, max_size=6), st.integers(20, 31), st.integers(0, 23))
def test_only_published_flags_of_public_issuedare_ever_shown(
    issued: list[AlertBulletin], day: int, hour: int
) -> None:
    whole = series(*sorted(issued, key=lambda one: one.issued))
    now = at(hour, day=day)
    said = {
        (its_day, number)
        for one in issued
        for its_day, number in one.days
        if one.status == "normal" and one.issued <= now
    }
    for alert in public(whole, now):
        assert (alert.day, {"alert": 1, "special": 3}[alert.level]) in said
        assert alert.day >= now.date()
        assert alert.issued <= now


@given(st.lists(bulletins, min_size=1, max_size=4))
def test_a_bulletin_survives_the_run_s_record(issued: list[AlertBulletin]) -> None:
    whole = replace(series(*issued), maxima=(("日最高WBGT(5:00)", "東京:32/八王子:33"),), created=None)
    again = from_dict(json.loads(json.dumps(to_dict(whole))))
    assert again == whole
