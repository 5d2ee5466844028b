"""When a place is open by what it publishes: hours, days of the week, seasons, closing days, holidays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal, NamedTuple

State = Literal["open", "closed", "unknown"]

EVERY_DAY = frozenset(range(7))


class Season(NamedTuple):
    """First and last day of a stretch of the year, both within it.

    Parameters
    ----------
    first, last : str
        ISO 8601: ``2026-05-01`` for that year alone, ``--05-01`` for every year. A yearly season whose last
        day comes before its first runs over New Year.
    """

    first: str
    last: str

    def holds(self, day: date) -> bool:
        """Return whether a day lies within it."""
        written = f"{day:--%m-%d}" if self.first.startswith("--") else day.isoformat()
        if self.first <= self.last:
            return self.first <= written <= self.last
        return written >= self.first or written <= self.last

    def __str__(self) -> str:
        return "–".join(end.removeprefix("--").replace("-", "/") for end in self)


@dataclass(frozen=True)
class Opening:
    """Hours that a shelter publishes for some days.

    Parameters
    ----------
    start, end : int
        Minutes after midnight, Japan's time; the end does not count.
    days : frozenset of int, optional
        Days of the week, 0 = Monday; None where the days are not stated.
    holidays : bool, optional
        Whether the hours hold on public holidays; None where that is not stated.
    season : Season, optional
        Part of the year in which they hold; None for all of it.
    monthly : frozenset of (int, int)
        Closing days of every month: (1, 0) is its first Monday.
    moves : bool
        A closing day that is a public holiday moves to a following day, which is not told.
    """

    start: int
    end: int
    days: frozenset[int] | None = None
    holidays: bool | None = None
    season: Season | None = None
    monthly: frozenset[tuple[int, int]] = frozenset()
    moves: bool = False

    def __str__(self) -> str:
        return f"{self.start // 60}:{self.start % 60:02}–{self.end // 60}:{self.end % 60:02}"

    def in_season(self, day: date) -> bool:
        """Return whether a day lies in the part of the year in which the hours hold."""
        return self.season is None or self.season.holds(day)

    def state(self, day: date, minute: int) -> State:
        """Return whether these hours alone open the place.

        Parameters
        ----------
        day : datetime.date
            The day in Japan.
        minute : int
            Minutes after its midnight.
        """
        if not self.in_season(day) or not self.start <= minute < self.end:
            return "closed"
        holiday = public_holiday(day)
        if self.moves and (holiday or public_holiday(day - timedelta(days=1))):
            return "unknown"
        if ((day.day + 6) // 7, day.weekday()) in self.monthly:
            return "unknown" if holiday else "closed"
        if holiday and self.holidays is not None:
            return "open" if self.holidays else "closed"
        if self.days is None:
            return "unknown"
        if day.weekday() not in self.days:
            return "closed"
        # Nothing published for ordinary weeks holds for sure on a holiday or around New Year.
        return "unknown" if holiday or _new_year(day) else "open"

    def as_dict(self) -> dict[str, Any]:
        """Return the hours as plain JSON-ready values."""
        return {
            "days": None if self.days is None else sorted(self.days),
            "holidays": self.holidays,
            "start": self.start,
            "end": self.end,
            "season": self.season and list(self.season),
            "monthly": [list(closing) for closing in sorted(self.monthly)],
            "moves": self.moves,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Opening:
        """Return the hours that :meth:`as_dict` wrote, of this version or an older one."""
        days, season = values["days"], values.get("season")
        return cls(
            values["start"],
            values["end"],
            None if days is None else frozenset(days),
            values["holidays"],
            None if season is None else Season(*season),
            frozenset((int(number), int(day)) for number, day in values.get("monthly", ())),
            bool(values.get("moves", False)),
        )


def public_holiday(day: date) -> bool:
    """Return whether a day is a Japanese public holiday.

    Rules of the Act on National Holidays as in force since 2022: fixed days, "happy Mondays", equinoxes,
    substitute days and the day between two holidays.
    """
    if _named_holiday(day):
        return True
    earlier = day - timedelta(days=1)
    while _named_holiday(earlier):
        # A holiday on a Sunday moves to the next day that is none.
        if earlier.weekday() == 6:
            return True
        earlier -= timedelta(days=1)
    return _named_holiday(day - timedelta(days=1)) and _named_holiday(day + timedelta(days=1))


_FIXED = {(1, 1), (2, 11), (2, 23), (4, 29), (5, 3), (5, 4), (5, 5), (8, 11), (11, 3), (11, 23)}

#: Month and number of the Monday.
_MONDAYS = {(1, 2), (7, 3), (9, 3), (10, 2)}


def _named_holiday(day: date) -> bool:
    if (day.month, day.day) in _FIXED:
        return True
    if day.weekday() == 0 and (day.month, (day.day + 6) // 7) in _MONDAYS:
        return True
    # Equinoxes, 1980 to 2099: Japan Coast Guard's approximation.
    offset = {3: 20.8431, 9: 23.2488}.get(day.month)
    years = day.year - 1980
    return offset is not None and day.day == int(offset + 0.242194 * years - years // 4)


def _new_year(day: date) -> bool:
    return (day.month, day.day) >= (12, 28) or (day.month, day.day) <= (1, 4)
