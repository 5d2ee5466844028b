"""Times as Japanese files write them, turned into UTC."""

from __future__ import annotations

import re

import pandas as pd

JST = pd.Timedelta(hours=9)

_WRITTEN = re.compile(
    r"(\d{4})[-/年](\d{1,2})[-/月](\d{1,2})日?"
    r"(?:[T ]*(\d{1,2})[:時](?:(\d{1,2})分?)?(?::(\d{2})(?:\.0+)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_STAMP = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})")


def instant(text: str, offset: pd.Timedelta = JST) -> pd.Timestamp:
    """Return the instant that a text names.

    Hour 24 is 00:00 of the next day. A text with a zone keeps it.

    Parameters
    ----------
    text : str
        ``2025-08-05T09:00``, ``2025/8/5 9:00``, ``2025/08/04 24:00``, ``2025-08-05T00:00Z``, ….
    offset : pandas.Timedelta
        Offset from UTC where the text names no zone; Japan's by default.

    Returns
    -------
    pandas.Timestamp
        UTC without zone.

    Raises
    ------
    ValueError
        The text names no instant.
    """
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, zone = match.groups()
    if zone is not None:
        offset = _offset(zone)
    return _utc(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), offset)


def stamp(text: str) -> pd.Timestamp:
    """Return the instant of a ``YYYYMMDDHH`` column in Japan's time, hour 24 being the next midnight.

    Returns
    -------
    pandas.Timestamp
        UTC without zone.

    Raises
    ------
    ValueError
        The text is no such stamp.
    """
    match = _STAMP.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, month, day, hour = map(int, match.groups())
    return _utc(year, month, day, hour, 0, 0, JST)


def _utc(
    year: int, month: int, day: int, hour: int, minute: int, second: int, offset: pd.Timedelta
) -> pd.Timestamp:
    if not (1900 <= year <= 2200 and hour <= 24 and minute < 60 and second < 60):
        raise ValueError(f"{year}-{month}-{day} {hour}:{minute}:{second}")
    if hour == 24 and (minute or second):
        raise ValueError(f"{hour}:{minute}:{second}")
    midnight = pd.Timestamp(year=year, month=month, day=day)
    return midnight + pd.Timedelta(hours=hour, minutes=minute, seconds=second) - offset


def _offset(zone: str) -> pd.Timedelta:
    if zone == "Z":
        return pd.Timedelta(0)
    sign = -1 if zone[0] == "-" else 1
    return sign * pd.Timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
