"""Tables of measured radiation, in whatever form they come, by the hours that they state.

With commas, semicolons, tabs or blanks; with a date, year and month, a day of the year, a number of the day,
or none; with units in the headings or below them. Hours are on the clock of the MetFiles. Rows that are finer
than an hour are averaged over the hours of the weather, and taken to state the end of their time where its
rows do, else the beginning; an hour of which more than half is missing has no mean.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measured_site import MEASURED, NO_VALUE, hourly_means, refuse, text_of

_WAYS = {"down": ("down", "dn", "d", "in"), "up": ("up", "u", "out"),
         "n": ("n", "north"), "e": ("e", "east"), "s": ("s", "south"), "w": ("w", "west")}  # fmt: skip
#: What columns are called here, by what people call them: kdown, sw_in, L_north, Tmrt ...
_KNOWN = {
    short + word: letter + way
    for letter, kinds in (("K", ("k", "sw")), ("L", ("l", "lw")))
    for short in kinds
    for way, words in _WAYS.items()
    for word in words
} | dict.fromkeys(("tmrt", "mrt", "meanradianttemperature"), "Tmrt")
_NAMED = re.compile(
    f"(?:obs|meas)?({'|'.join(sorted(_KNOWN, key=len, reverse=True))})"
    "(?:obs|observed|meas|measured|avg|mean)?(?:wm|degc|degreesc|celsius|c)?"
)
_DATES, _HOURS = ("date", "datetime", "timestamp"), ("hour", "it", "hr", "time")
_MINUTES = ("minute", "minutes", "min", "imin")
_YEARS, _MONTHS, _DAYS = ("year", "iy", "yyyy"), ("month", "mon", "mm"), ("day", "doy", "id", "dd")
_REMARKS = ("#", "%", "sep=")


def read_measurements(paths: Sequence[Path], met: pd.DataFrame, middle: float = 0.5) -> pd.DataFrame:
    """Return the measurements by the hours of the weather, means over the hour where there are several.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        CSV files.
    met : pandas.DataFrame
        From `benchmarks.measured_site.read_met`: its days are those that a row can belong to.
    middle : float
        From the time that a row of the weather states to the middle of its hour [h]: 0.5 where it states the
        beginning, -0.5 the end.
    """
    counts = met.index.normalize().value_counts()
    days = pd.DatetimeIndex(sorted(counts.index[counts > 1]))  # hour 24 is no day of its own
    tables = []
    for path in paths:
        table = _table(path)
        numbers = _numbers(table)
        table, numbers = (part[~_units(table, numbers)] for part in (table, numbers))
        numbers.index = _times(table, path, days)
        tables.append(hourly_means(numbers.where(numbers > NO_VALUE), middle))
    return pd.concat(tables).groupby(level=0).mean()


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return the columns of radiation as numbers, NaN for what is none."""
    return table[[name for name in (*MEASURED.values(), "Tmrt") if name in table]].apply(
        pd.to_numeric, errors="coerce"
    )


def _units(table: pd.DataFrame, numbers: pd.DataFrame) -> pd.Series:
    """Tell the rows below the heading that hold words for all values: units, most often."""
    words = numbers.isna() & table[numbers.columns].notna()
    return words.all(axis=1).astype(int).cummin().astype(bool)


def _table(path: Path) -> pd.DataFrame:
    """Return a table by the plain names of its columns."""
    lines = [line for line in text_of(path).splitlines() if line.strip(" \t,;")]
    while lines:
        line = lines.pop(0)
        separator = next((mark for mark in ";\t," if mark in line), None)
        plain = _plain_of(line.lstrip("#% ").split(separator))
        names = [name if name not in plain[:k] else f"{name} again {k}" for k, name in enumerate(plain)]
        if {*names} & {*_KNOWN.values()} and {*names} & {*_DATES, *_HOURS}:
            break
        if not line.lower().startswith(_REMARKS):
            refuse(path, f"the heading names no hour and no flux: {line[:80]!r}", "hour,Kdown,...,Tmrt")
    else:
        refuse(path, "no heading", "hour,Kdown,...,Tmrt")
    body = "\n".join(line for line in lines if not line.startswith(_REMARKS))
    try:
        return pd.read_csv(
            io.StringIO(body), sep=separator or r"\s+", names=names, index_col=False,
            decimal="," if separator == ";" and "," in body else ".", skipinitialspace=True,
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError) as error:
        refuse(path, str(error)[:200])


def _plain_of(heading: Sequence[str]) -> list[str]:
    """Return the names of columns; LE beside no other side is latent heat, as in eddy covariance."""
    plain = [_plain(name) for name in heading]
    if not {"Ln", "Ls", "Lw"}.isdisjoint(plain):
        return plain
    return [
        "latent heat" if known == "Le" and re.match(r"[^A-Za-z]*LE(?![A-Za-z])", name) else known
        for name, known in zip(heading, plain, strict=True)
    ]


def _plain(name: str) -> str:
    """Return the name of a column without unit and ornament."""
    word = re.sub(r"[\[(].*|[^a-z]", "", name.strip().lower())
    named = _NAMED.fullmatch(word)
    return _KNOWN[named[1]] if named else word


def _first(table: pd.DataFrame, names: Sequence[str]) -> pd.Series | None:
    return next((table[name] for name in names if name in table), None)


def _times(table: pd.DataFrame, path: Path, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the time that each row states, on one of the days of the weather."""
    if table.empty:
        refuse(path, "not a single row")
    clock, stated = _first(table, _HOURS), _first(table, _DATES)
    if clock is None or re.search(r"\d[-/]\d+[-/]\d", str(clock.iloc[0])):  # a date and a time in one
        both = (stated if clock is None else clock).astype(str)
        if not both.str.contains(r":|\d[ T]\d|\d{10}").any():
            refuse(path, f"dates without an hour: {both.iloc[0]!r}", "a column hour, or 2005-07-19 12:00")
        return _dates(both, path, days)
    hour = _clock(clock.astype(str).str.strip().str.lower(), _first(table, _MINUTES), path)
    day = _days(table, hour, path, days) if stated is None else _dates(stated, path, days).normalize()
    return pd.DatetimeIndex(day + pd.to_timedelta((hour * 60.0).round().to_numpy(), "min"))


def _clock(text: pd.Series, minutes: pd.Series | None, path: Path) -> pd.Series:
    """Return times of the day [h]: 12, 12.5, 12:30, 1230, 12:30 pm, or 12 and 30 in the next column."""
    parts = text.str.extract(r"^(\d+)(\.\d+)?(?::(\d\d))?").apply(pd.to_numeric, errors="coerce")
    hour = parts[0]
    if hour.isna().any() or (hour > 2400).any():
        refuse(path, f"an hour that is none: {text[hour.isna() | (hour > 2400)].iloc[0]!r}", "0 to 24")
    past = parts[2].fillna(parts[1] * 60.0).fillna(0.0)
    past, hour = past.where(hour <= 24, hour % 100), hour.where(hour <= 24, hour // 100)  # 1230
    half = text.str.extract(r"([ap])\.?\s*m")[0]
    hour = (hour % 12 + 12 * (half == "p")).where(half.notna(), hour)
    beside = pd.Series(0.0, text.index) if minutes is None else pd.to_numeric(minutes, errors="coerce")
    return hour + past.where(past > 0.0, beside.where(beside.between(0, 59), 0.0)) / 60.0


def _dates(stated: Any, path: Path, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return dates; of two ways to read one, that which falls on days of the weather."""
    text = stated.astype(str).str.strip().str.replace(r"\.0$", "", regex=True)
    zoned = text.str.contains(r":\d\d(?:\.\d+)?\s*(?:z|utc|gmt|[+-]\d\d:?\d\d)$", case=False)
    if zoned.any():
        refuse(path, f"a time with a zone: {text[zoned].iloc[0]!r}", "the clock of the MetFiles, no zone")
    readings = [
        pd.to_datetime(text, errors="coerce", dayfirst=first, format="mixed") for first in (False, True)
    ]
    best = max(readings, key=lambda times: int(times.dt.normalize().isin(days).sum()))
    if best.isna().any():
        refuse(path, f"a date that is none: {text[best.isna()].iloc[0]!r}", "2005-07-19")
    return pd.DatetimeIndex(best)


def _days(table: pd.DataFrame, hour: pd.Series, path: Path, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the day of each row: as its columns say it, as the file is called, or as hours start anew."""
    stated, year = _first(table, _DAYS), _first(table, _YEARS)
    if stated is not None and year is not None:
        return _of_year(year, _first(table, _MONTHS), stated, path)
    if stated is not None:
        return _numbered(stated, path, days)
    told = re.search(r"(?<!\d)(\d{4})[-_]?(\d\d)[-_]?(\d\d)(?!\d)", path.stem)
    if told:
        named = pd.Series("-".join(told.groups()), index=hour.index)
        return _dates(named, path, days)
    anew = (hour.diff() < 0).cumsum().to_numpy()
    if anew[-1] == 0 and len(days) > 1:
        numbered = re.search(r"(?<!\d)(\d{1,3})(?!\d)", path.stem)
        of = dict(zip(days.day_of_year, days, strict=True))
        if numbered and int(numbered[1]) in of:
            return pd.DatetimeIndex([of[int(numbered[1])]] * len(hour))
    if anew[-1] + 1 != len(days):
        refuse(path, f"{anew[-1] + 1} days without a date, but weather of {_listed(days)}", "a column date")
    return days[anew]


def _of_year(year: pd.Series, month: pd.Series | None, day: pd.Series, path: Path) -> pd.DatetimeIndex:
    """Return the day of a month or of a year."""
    years, numbers = (pd.to_numeric(part, errors="coerce") for part in (year, day))
    if month is None:
        found = pd.to_datetime((years * 1000 + numbers).map("{:.0f}".format), format="%Y%j", errors="coerce")
    else:
        months = pd.to_numeric(month, errors="coerce")
        found = pd.to_datetime({"year": years, "month": months, "day": numbers}, errors="coerce")
    if found.isna().any():
        row = found.isna().to_numpy().argmax()
        refuse(path, f"a day that is none: {year.iloc[row]}, {day.iloc[row]}", "year and day of the year")
    return pd.DatetimeIndex(found)


def _numbered(stated: pd.Series, path: Path, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the days that a column numbers: of the year, of the month, or of the weather."""
    numbers = pd.to_numeric(stated, errors="coerce")
    if numbers.isna().any() or (numbers > 366).any():
        return _dates(stated, path, days).normalize()
    for way in (days.day_of_year, days.day, np.arange(len(days)) + 1):
        of = dict(zip(way, days, strict=True))
        if len(of) == len(days) and numbers.isin(list(of)).all():
            return pd.DatetimeIndex(numbers.map(of))
    return refuse(
        path, f"day {numbers.iloc[0]:g} is none of {_listed(days)}", "day of the year, or a column year"
    )


def _listed(days: pd.DatetimeIndex) -> str:
    return ", ".join(map(str, days.date[:5])) + (f" ... {days[-1].date()}" if len(days) > 5 else "")
