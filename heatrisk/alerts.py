"""Official heat-stroke alerts of one forecast area: what was issued, and what may be shown when.

The flags are read, never derived from WBGT. A flag belongs to a day of Japan's calendar, so at midnight the
alert for tomorrow becomes today's by itself::

    day before 14:00 special alert     17:00 alert     day 05:00 alert     24:00 both end

For each day the highest counts of the flags that say something: 0, 1 or 3. An alert is never cancelled once
issued, and a special one never becomes ordinary, whatever a later bulletin says. Judged but not issued (2)
and outside hours (9) say nothing. Nothing is shown before its bulletin's report time, and nothing of a drill
or test ever.

References
----------
.. [1] 環境省, 令和7年度 熱中症警戒情報等 電子情報提供サービス 説明書.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, NamedTuple

from heatrisk.words import JST, Words

Status = Literal["normal", "drill", "test"]
Level = Literal["alert", "special"]

#: What the flags mean; 2 is judged but not issued, 9 outside the hours of issue.
FLAGS: Mapping[int, str] = {0: "none", 1: "alert", 2: "judged", 3: "special", 9: "outside hours"}

_LEVELS: Mapping[int, Level] = {1: "alert", 3: "special"}

#: A year's season may begin and end some days off the rule: in 2026 it ended a week earlier [days].
MARGIN = 7

#: What the law and the people call them.
NAMES: Mapping[Level, Words] = {
    "alert": Words("熱中症警戒情報（熱中症警戒アラート）", "heat-stroke alert"),
    "special": Words("熱中症特別警戒情報（熱中症特別警戒アラート）", "special heat-stroke alert"),
}


@dataclass(frozen=True)
class AlertBulletin:
    """One bulletin for one forecast area, with those before it that still speak of its days.

    Parameters
    ----------
    area, area_name : str
        Code (府県予報区等コード) and name of the forecast area.
    issued : datetime.datetime
        Report time, with zone; nothing of it may be shown earlier.
    created : datetime.datetime, optional
        When the file was made, with zone; up to half an hour before.
    status : {"normal", "drill", "test"}
        Only ``normal`` is meant for the public.
    days : tuple of (datetime.date, int)
        Days in Japan, each with its flag: see :data:`FLAGS`.
    maxima : tuple of (str, str)
        Forecast daily highest WBGT as published, by column: ``("日最高WBGT(5:00)", "東京:32/八王子:33")``.
    earlier : tuple of AlertBulletin
        Older bulletins, newest first; they hold until this one is public.
    """

    area: str
    area_name: str
    issued: datetime
    created: datetime | None
    status: Status
    days: tuple[tuple[date, int], ...]
    maxima: tuple[tuple[str, str], ...] = ()
    earlier: tuple[AlertBulletin, ...] = ()


class Alert(NamedTuple):
    """An alert in force or announced.

    Parameters
    ----------
    level : {"alert", "special"}
        Ordinary or special.
    day : datetime.date
        The day in Japan that it is for, until its end.
    area_name : str
        The forecast area.
    issued : datetime.datetime
        Report time of the bulletin that first says so, with zone.
    words : Words
        Its name, for people.
    """

    level: Level
    day: date
    area_name: str
    issued: datetime
    words: Words


def public(bulletin: AlertBulletin, at: datetime) -> list[Alert]:
    """Return the alerts that may be shown at an instant: today's and those announced for later days.

    Parameters
    ----------
    bulletin : AlertBulletin
        The newest bulletin.
    at : datetime.datetime
        The instant; UTC if it has no zone.

    Returns
    -------
    list of Alert
        By day; empty where none is issued. Whether that means "none" or "not known" tells :func:`flag`.
    """
    today = _local(at).date()
    days = {day for one in _issued(bulletin, at) for day, _ in one.days if day >= today}
    alerts = []
    for day in sorted(days):
        highest = flag(bulletin, day, at)
        if highest is not None and highest in _LEVELS:
            level = _LEVELS[highest]
            since = next(one for one, number in _said(bulletin, day, at) if number == highest)
            alerts.append(Alert(level, day, since.area_name, since.issued, NAMES[level]))
    return alerts


def flag(bulletin: AlertBulletin, day: date, at: datetime) -> int | None:
    """Return the flag of a day as it is public at an instant.

    Parameters
    ----------
    bulletin : AlertBulletin
        The newest bulletin.
    day : datetime.date
        Day in Japan.
    at : datetime.datetime
        The instant; UTC if it has no zone.

    Returns
    -------
    int or None
        0, 1 or 3; None where nothing has been said of the day yet, which is not the same as no alert.
    """
    return max((number for _, number in _said(bulletin, day, at)), default=None)


def in_season(day: date, margin: int = 0) -> bool:
    """Tell whether alerts and forecasts are issued at that time of year.

    The Ministry serves from the fourth Wednesday of April to that of October.

    Parameters
    ----------
    day : datetime.date
        Day in Japan.
    margin : int
        Days before and after that count as well, where a wrong "no" would excuse a failure: see
        :data:`MARGIN`.
    """
    first, last = (_fourth_wednesday(day.year, month) for month in (4, 10))
    return first - timedelta(days=margin) <= day <= last + timedelta(days=margin)


def _fourth_wednesday(year: int, month: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(2 - first.weekday()) % 7 + 21)


def _said(bulletin: AlertBulletin, day: date, at: datetime) -> list[tuple[AlertBulletin, int]]:
    """Return what public bulletins say of a day, oldest first."""
    return [
        (one, number)
        for one in _issued(bulletin, at)
        for its_day, number in one.days
        if its_day == day and number in (0, 1, 3)
    ]


def _issued(bulletin: AlertBulletin, at: datetime) -> list[AlertBulletin]:
    """Return the bulletins that are public at an instant, oldest first."""
    all_of_them = (*reversed(bulletin.earlier), bulletin)
    return [one for one in all_of_them if one.status == "normal" and one.issued <= _local(at)]


def _local(at: datetime) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(JST)


def to_dict(bulletin: AlertBulletin) -> dict[str, Any]:
    """Return a bulletin as JSON-ready values; drills and coming report times included, so not for the public.

    :func:`from_dict` restores it.
    """
    return {
        "area": bulletin.area,
        "area_name": bulletin.area_name,
        "issued": _written(bulletin.issued),
        "created": None if bulletin.created is None else _written(bulletin.created),
        "status": bulletin.status,
        "days": [{"date": day.isoformat(), "flag": number} for day, number in bulletin.days],
        "maxima": [{"column": column, "text": text} for column, text in bulletin.maxima],
        "earlier": [to_dict(one) for one in bulletin.earlier],
    }


def from_dict(values: Mapping[str, Any]) -> AlertBulletin:
    """Return the bulletin that :func:`to_dict` wrote."""
    return AlertBulletin(
        area=values["area"],
        area_name=values["area_name"],
        issued=datetime.fromisoformat(values["issued"]),
        created=None if values["created"] is None else datetime.fromisoformat(values["created"]),
        status=values["status"],
        days=tuple((date.fromisoformat(row["date"]), int(row["flag"])) for row in values["days"]),
        maxima=tuple((row["column"], row["text"]) for row in values["maxima"]),
        earlier=tuple(from_dict(one) for one in values["earlier"]),
    )


def _written(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}+00:00"
