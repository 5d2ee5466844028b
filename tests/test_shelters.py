"""Shelters: open, closed or unknown at a time, never open by guess; public holidays; GeoJSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from heatrisk.alerts import Level
from heatrisk.shelters import (
    EVERY_DAY,
    Opening,
    OpensOn,
    Report,
    Season,
    Shelter,
    from_geojson,
    opens,
    public_holiday,
    reported,
    status,
    to_geojson,
)
from heatrisk.words import JST, Words

WORKDAYS = frozenset(range(5))
LIBRARY = Shelter(
    "1",
    "図書館",
    139.56,
    35.68,
    address="1-2-3",
    designation="designated",
    capacity=20,
    capacity_text="約20名",
    hours_text="平日 9:00～17:00",
    openings=(Opening(540, 1020, WORKDAYS, False),),
    equipment=("water",),
)

TUESDAY, SUNDAY = "2025-08-05", "2025-08-10"
MOUNTAIN_DAY = "2025-08-11"  # a Monday and a public holiday


def at(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=JST)


def state(shelter: Shelter, day: str, clock: str) -> str:
    found = status(shelter, at(day, clock))
    assert found.reason.ja
    assert found.reason.en
    return found.state


@pytest.mark.parametrize(
    ("day", "clock", "expected"),
    [
        (TUESDAY, "08:59", "closed"),
        (TUESDAY, "09:00", "open"),
        (TUESDAY, "16:59", "open"),
        (TUESDAY, "17:00", "closed"),
        (SUNDAY, "12:00", "closed"),
        (MOUNTAIN_DAY, "12:00", "closed"),
    ],
)
def test_stated_days_and_hours_decide(day: str, clock: str, expected: str) -> None:
    assert state(LIBRARY, day, clock) == expected


def test_time_is_japan_s_whatever_the_zone() -> None:
    noon = datetime(2025, 8, 5, 3, 0, tzinfo=UTC)
    paris = noon.astimezone(timezone(timedelta(hours=2)))
    assert status(LIBRARY, noon).state == status(LIBRARY, paris).state == "open"
    assert status(LIBRARY, noon.replace(tzinfo=None)).state == "open", "without zone it is UTC"
    assert status(LIBRARY, noon + timedelta(hours=6)).state == "closed"


def test_what_is_not_stated_stays_unknown() -> None:
    unread = replace(LIBRARY, openings=None, hours_text="施設の開館日時に準ずる")
    found = status(unread, at(TUESDAY, "12:00"))
    assert found.state == "unknown"
    assert "施設の開館日時に準ずる" in found.reason.ja
    assert "施設の開館日時に準ずる" in found.reason.en, "the published text is quoted as it is"
    assert state(replace(unread, hours_text=""), TUESDAY, "12:00") == "unknown"
    no_days = replace(LIBRARY, openings=(Opening(540, 1020),))
    assert state(no_days, TUESDAY, "12:00") == "unknown"
    assert state(no_days, TUESDAY, "20:00") == "closed"
    no_holidays = replace(LIBRARY, openings=(Opening(540, 1020, WORKDAYS),))
    assert state(no_holidays, TUESDAY, "12:00") == "open"
    assert state(no_holidays, MOUNTAIN_DAY, "12:00") == "unknown"
    assert state(no_holidays, "2025-12-30", "12:00") == "unknown", "around New Year nothing is sure"
    assert (
        state(replace(LIBRARY, openings=(Opening(540, 1020, EVERY_DAY, True),)), MOUNTAIN_DAY, "12:00")
        == "open"
    )


def test_the_reason_for_being_closed_is_the_true_one() -> None:
    def reason(openings: tuple[Opening, ...], day: str, clock: str) -> str:
        return status(replace(LIBRARY, openings=openings), at(day, clock)).reason.ja

    weekdays, holidays = Opening(540, 1020, WORKDAYS, False), Opening(540, 1020, WORKDAYS, True)
    assert reason((weekdays,), MOUNTAIN_DAY, "12:00") == "祝日は開放していません"
    assert reason((holidays,), MOUNTAIN_DAY, "20:00") == "開放日・開放時間の外です（月曜日・祝日）"
    assert reason((weekdays,), SUNDAY, "12:00") == "開放日・開放時間の外です（日曜日）"
    assert reason((weekdays,), TUESDAY, "20:00") == "開放時間外です（火曜日は 9:00–17:00）"


def test_an_alert_has_both_its_names() -> None:
    waiting = status(replace(LIBRARY, opens_on="alert"), at(TUESDAY, "12:00"))
    assert "熱中症警戒情報（熱中症警戒アラート）" in waiting.reason.ja


def test_a_caveat_withholds_open_but_not_closed() -> None:
    doubtful = replace(LIBRARY, caveat="臨時休館あり")
    assert state(doubtful, TUESDAY, "12:00") == "unknown"
    assert "臨時休館あり" in status(doubtful, at(TUESDAY, "12:00")).reason.ja
    assert state(doubtful, TUESDAY, "20:00") == "closed"


@pytest.mark.parametrize(
    "clock, expected",
    [
        ("2026-07-31T08:10+09:00", "2026-07-31T09:00+09:00"),  # Friday morning
        ("2026-07-30T18:00+09:00", "2026-07-31T09:00+09:00"),  # Thursday evening: tomorrow
        ("2026-07-31T18:00+09:00", None),  # Friday evening: closed on Saturday
        ("2026-07-19T18:00+09:00", None),  # Sunday before Marine Day, a Monday
    ],
)
def test_when_a_closed_shelter_opens_next(clock: str, expected: str | None) -> None:
    assert opens(LIBRARY, datetime.fromisoformat(clock)) == (expected and datetime.fromisoformat(expected))


def test_an_alert_of_today_opens_nothing_tomorrow() -> None:
    hall = replace(LIBRARY, opens_on="alert")
    morning, evening = (datetime(2026, 7, 30, hour, tzinfo=JST) for hour in (8, 18))
    assert opens(hall, morning, "alert") == datetime(2026, 7, 30, 9, tzinfo=JST)
    assert opens(hall, morning) is None
    assert opens(hall, evening, "alert") is None
    assert opens(replace(LIBRARY, openings=None), morning) is None


def test_shelters_that_open_on_an_alert() -> None:
    for opens_on in ("special", "alert"):
        waiting = replace(LIBRARY, opens_on=opens_on)
        assert state(waiting, TUESDAY, "12:00") == "unknown"
        assert state(waiting, TUESDAY, "20:00") == "closed"
    assert state(replace(LIBRARY, opens_on="always"), TUESDAY, "12:00") == "open"


@pytest.mark.parametrize(
    ("opens_on", "alert", "expected"),
    [
        ("special", None, "unknown"),
        ("special", "alert", "unknown"),
        ("special", "special", "open"),
        ("alert", None, "unknown"),
        ("alert", "alert", "open"),
        ("alert", "special", "open"),
        ("always", "special", "open"),
        ("unknown", "special", "open"),
    ],
)
def test_the_alert_in_force_opens_what_waits_for_it(
    opens_on: OpensOn, alert: Level | None, expected: str
) -> None:
    waiting = replace(LIBRARY, opens_on=opens_on)
    found = status(waiting, at(TUESDAY, "12:00"), alert)
    assert found.state == expected
    assert status(waiting, at(TUESDAY, "20:00"), alert).state == "closed", "an alert lengthens no hours"
    assert status(waiting, at(SUNDAY, "12:00"), alert).state == "closed"
    if expected == "open" and opens_on in ("alert", "special"):
        assert "発表されている" in found.reason.ja and "9:00–17:00" in found.reason.en
        assert status(replace(waiting, openings=None), at(TUESDAY, "12:00"), alert).state == "unknown"
        assert status(replace(waiting, caveat="臨時休館あり"), at(TUESDAY, "12:00"), alert).state == "unknown"
        no_days = replace(waiting, openings=(Opening(540, 1020),))
        assert status(no_days, at(TUESDAY, "12:00"), alert).state == "unknown"


def test_the_later_of_two_bands_opens_it() -> None:
    split = replace(
        LIBRARY, openings=(Opening(540, 720, WORKDAYS, False), Opening(780, 1020, WORKDAYS, False))
    )
    assert [state(split, TUESDAY, clock) for clock in ("10:00", "12:30", "14:00")] == [
        "open",
        "closed",
        "open",
    ]
    assert "13:00–17:00" in status(split, at(TUESDAY, "14:00")).reason.en


@pytest.mark.parametrize(
    ("season", "inside", "outside"),
    [
        (Season("2025-08-01", "2025-08-05"), TUESDAY, "2025-08-06"),
        (Season("2025-08-05", "2025-09-30"), TUESDAY, "2026-08-05"),
        (Season("--07-01", "--09-30"), "2026-09-30", "2026-10-01"),
        (Season("--12-01", "--02-29"), "2028-02-29", "2028-03-01"),
    ],
)
def test_hours_hold_in_their_season_alone(season: Season, inside: str, outside: str) -> None:
    library = replace(LIBRARY, openings=(Opening(540, 1020, EVERY_DAY, True, season),))
    assert state(library, inside, "12:00") == "open"
    assert state(library, outside, "12:00") == "closed"
    reason = status(library, at(outside, "12:00")).reason
    assert str(season) in reason.ja and "開放期間の外" in reason.ja and "season" in reason.en


def test_monthly_closing_days() -> None:
    closed_on_first_tuesday = Opening(540, 1020, EVERY_DAY, monthly=frozenset({(1, 1)}))
    library = replace(LIBRARY, openings=(closed_on_first_tuesday,))
    assert state(library, TUESDAY, "12:00") == "closed"
    assert "第1火曜日" in status(library, at(TUESDAY, "12:00")).reason.ja
    assert state(library, "2025-08-12", "12:00") == "open"
    second_monday = replace(closed_on_first_tuesday, monthly=frozenset({(2, 0)}))
    assert state(replace(LIBRARY, openings=(second_monday,)), MOUNTAIN_DAY, "12:00") == "unknown"


def test_a_moved_closing_day_is_not_guessed() -> None:
    library = replace(LIBRARY, openings=(Opening(540, 1020, EVERY_DAY - {0}, moves=True),))
    assert state(library, "2025-08-04", "12:00") == "closed"
    assert state(library, MOUNTAIN_DAY, "12:00") == "unknown"
    assert state(library, "2025-08-12", "12:00") == "unknown"
    assert "振替" in status(library, at("2025-08-12", "12:00")).reason.ja
    assert state(library, "2025-08-13", "12:00") == "open"


def test_reports_are_told_with_their_age_while_they_hold() -> None:
    seen = datetime(2025, 8, 5, 3, 0, tzinfo=UTC)
    report = Report("congestion", "busy", seen, seen + timedelta(hours=2), 12)
    broken = Report("water", "broken", seen - timedelta(hours=1), seen + timedelta(hours=2))
    library = replace(LIBRARY, reports=(report, broken))
    assert reported(library, seen - timedelta(hours=2)) == ()
    crowding, water = reported(library, seen + timedelta(minutes=15))
    assert crowding[1] == Words(
        "混雑状況：やや混雑、12人（12:00 現在、15分前）",
        "Crowding: rather busy, 12 people (as of 12:00 JST, 15 min ago)",
    )
    assert water[1].ja == "給水：使えません（11:00 現在、1時間15分前）"
    assert reported(library, seen + timedelta(hours=2)) == ()


# Cabinet Office, 国民の祝日 (the yearly lists for 2025 and 2026).
HOLIDAYS = {
    2025: "1-1 1-13 2-11 2-23 2-24 3-20 4-29 5-3 5-4 5-5 5-6 7-21 8-11 9-15 9-23 10-13 11-3 11-23 11-24",
    2026: "1-1 1-12 2-11 2-23 3-20 4-29 5-3 5-4 5-5 5-6 7-20 8-11 9-21 9-22 9-23 10-12 11-3 11-23",
}


@pytest.mark.parametrize("year", HOLIDAYS)
def test_public_holidays(year: int) -> None:
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(365))
    assert " ".join(f"{day.month}-{day.day}" for day in days if public_holiday(day)) == HOLIDAYS[year]


def test_geojson_round_trip() -> None:
    shelters = (
        LIBRARY,
        replace(LIBRARY, id="2", openings=None, capacity=None),
        replace(LIBRARY, id="3", openings=(Opening(0, 1440),)),
        replace(
            LIBRARY,
            id="4",
            openings=(
                Opening(0, 60, season=Season("--07-01", "--09-30"), monthly=frozenset({(1, 2)}), moves=True),
            ),
        ),
        replace(
            LIBRARY,
            id="5",
            lon=None,
            lat=None,
            unplaced=Words("住所なし", "no address"),
            reports=(
                Report("water", "broken", datetime(2025, 8, 5, tzinfo=UTC), datetime(2025, 8, 6, tzinfo=UTC)),
            ),
        ),
    )
    collection = json.loads(json.dumps(to_geojson(shelters)))
    assert from_geojson(collection) == shelters
    assert collection["features"][4]["geometry"] is None
    older = {"days": [0], "holidays": None, "start": 0, "end": 60}
    assert Opening.from_dict(older) == Opening(0, 60, frozenset({0})), "runs of older versions stay readable"
    feature = collection["features"][0]
    assert feature["geometry"] == {"type": "Point", "coordinates": [139.56, 35.68]}
    assert feature["properties"]["designation"] == "designated"
    feature["properties"]["status"] = {"state": "open"}
    assert from_geojson(collection) == shelters, "properties that others add do no harm"
