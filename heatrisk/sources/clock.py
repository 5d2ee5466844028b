"""Times as Japanese files write them, turned into UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

JST = timedelta(hours=9)

#: No clock on Earth is set farther from UTC.
FARTHEST_ZONE = timedelta(hours=14)

_WRITTEN = re.compile(
    r"(\d{4})[-/年](\d{1,2})[-/月](\d{1,2})日?"
    r"(?:[T ]*(\d{1,2})[:時](?:(\d{1,2})分?)?(?::(\d{2})(?:\.0+)?)?)?\s*(Z|[+-]\d{2}:?\d{2})?"
)
_FORMS = tuple(
    (
        re.compile(rf"\d{{4}}{dash}\d{{1,2}}{dash}\d{{1,2}}{blank}\d{{1,2}}:\d{{2}}{end}"),
        f"%Y{dash}%m{dash}%d{blank}%H:%M{second}",
    )
    for dash, blank in (("-", "T"), ("-", " "), ("/", " "))
    for end, second in (("", ""), (r":\d{2}", ":%S"))
)
_STAMP = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})")


def instant(text: str, offset: timedelta = JST) -> pd.Timestamp:
    """Return the instant that a text names.

    Hour 24 is 00:00 of the next day. A text with a zone keeps it.

    Parameters
    ----------
    text : str
        ``2025-08-05T09:00``, ``2025/8/5 9:00``, ``2025/08/04 24:00``, ``2025-08-05T00:00Z``, ….
    offset : datetime.timedelta
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
    return pd.Timestamp(_written(text, offset))


def instants(texts: Sequence[str], offset: timedelta = JST) -> pd.DatetimeIndex:
    """Return the instants of many texts, as :func:`instant` does one by one.

    A column that is written in one usual form throughout, as nearly all are, is read at once.

    Parameters
    ----------
    texts : sequence of str
        As for :func:`instant`.
    offset : datetime.timedelta
        Offset from UTC where a text names no zone; Japan's by default.

    Returns
    -------
    pandas.DatetimeIndex
        UTC without zone.

    Raises
    ------
    ValueError
        A text names no instant.
    """
    form = next((form for pattern, form in _FORMS if texts and pattern.fullmatch(texts[0])), None)
    if form is not None:
        times = pd.to_datetime(pd.Series(texts), format=form, errors="coerce")
        if bool(times.dt.year.between(1900, 2200).all()):
            return pd.DatetimeIndex(times - offset)
    return pd.DatetimeIndex([_written(text, offset) for text in texts])


def since_1970(seconds: npt.NDArray[np.int64]) -> pd.DatetimeIndex:
    """Return instants that are counted in seconds since 1970, UTC without zone.

    Raises
    ------
    ValueError
        One lies outside the years 1900 to 2200.
    """
    low, high = (np.datetime64(f"{year}-01-01", "s").astype(np.int64) for year in (1900, 2201))
    outside = (seconds < low) | (seconds >= high)
    if outside.any():
        raise ValueError(str(seconds[outside][0]))
    return pd.DatetimeIndex(seconds.astype("M8[s]").astype("M8[ns]"))


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
    return pd.Timestamp(_utc(year, month, day, hour, 0, 0, JST))


def _written(text: str, offset: timedelta) -> datetime:
    match = _WRITTEN.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, zone = match.groups()
    if zone is not None:
        offset = _offset(zone)
    return _utc(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), offset)


def _utc(year: int, month: int, day: int, hour: int, minute: int, second: int, offset: timedelta) -> datetime:
    if not (1900 <= year <= 2200 and hour <= 24 and minute < 60 and second < 60):
        raise ValueError(f"{year}-{month}-{day} {hour}:{minute}:{second}")
    if hour == 24 and (minute or second):
        raise ValueError(f"{hour}:{minute}:{second}")
    return datetime(year, month, day) + timedelta(hours=hour, minutes=minute, seconds=second) - offset


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta(0)
    sign = -1 if zone[0] == "-" else 1
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes >= 60 or offset > FARTHEST_ZONE:
        raise ValueError(zone)
    return sign * offset
