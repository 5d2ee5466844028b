"""Official WBGT forecast as CSV: the Ministry's raw form, and the forms in which others republish it.

The first row holds the instants (``YYYYMMDDHH``, Japan's time, hours 03 to 24), every other row a station::

    ,,2025080503,2025080506,…                  raw: tenths of a degree, issue time in the second column
    44116,2025/08/04 23:25, 250, 260,…
    Station Number,2022082415,2022082418,…     republished: no issue time, whole degrees or tenths
    11001,21,17,…

An empty cell is a value not published. Whether values are degrees or tenths follows from the header where it
is the Ministry's (second cell blank or ``dt``: tenths), else from the values of the whole file: degrees reach
45 at most, tenths do not stay below 60 (6.0 degrees) in June to September. If both or neither fit, the file
is refused; so is one with the Ministry's header whose values can only be degrees.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import PurePath

import numpy as np
import pandas as pd

from heatrisk.errors import SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.clock import instant, stamp
from heatrisk.sources.moe.values import (
    HIGHEST,
    STEP,
    UNALTERED,
    Floats,
    Publication,
    Row,
    check_range,
    every_three_hours,
    must_be_degrees,
    number,
    numbers,
    summer,
    wrong_unit,
)
from heatrisk.sources.table import Table, key, plain, quoted
from heatrisk.words import Note, Words

#: Tenths that a whole summer file does not stay below.
_SUMMER = 60.0

_TENTHS = "310 (= 31.0 °C)"
_STAMP = re.compile(r"\d{10}")
_IN_NAME = re.compile(r"(?<!\d)(\d{8})(\d{2})(\d{2})(?!\d)")

_ISSUE_NAMED = Note.of(
    "official_issue_from_name",
    "公式予測のファイルに発表時刻がないため、ファイル名の時刻を使用",
    "the official forecast states no issue time: that in the file's name is taken",
)
_ISSUE_INFERRED = Note.of(
    "official_issue_inferred",
    "公式予測のファイルに発表時刻がないため、最初の予測時刻の 3 時間前（考えられる最も早い時刻）とみなす",
    "the official forecast states no issue time: three hours before its first instant, the earliest possible,"
    " is taken",
)

_Cells = tuple[int, tuple[str, ...]]


def is_forecast(header: tuple[str, ...]) -> bool:
    """Tell whether a header row is that of a forecast: instants from the second or third cell on."""
    return _first_instant(header) is not None


def _first_instant(header: tuple[str, ...]) -> int | None:
    return next((k for k in (1, 2) if len(header) > k and _STAMP.fullmatch(plain(header[k]))), None)


def open_forecast(table: Table, name: str) -> Publication:
    """Open a forecast CSV.

    Parameters
    ----------
    table : Table
        The file's rows; the first is its header.
    name : str
        The file, for messages.

    Raises
    ------
    SourceError
        A column is no instant.
    SourceIncompleteError
        The columns do not follow every three hours, or there is no row of values.
    UnitsError
        Degrees and tenths cannot be told apart, or the header says tenths where the values are degrees.
    """
    header = _without_blank_end(table.rows[0][1])
    start = _first_instant(header)
    assert start is not None, "the caller has looked at the header"
    times = _times(header, start, f"{name}:{table.rows[0][0]}")
    rows: dict[str, list[_Cells]] = defaultdict(list)
    for line in table.rows[1:]:
        if station := plain(line[1][0]):
            rows[station].append(line)
    if not rows:
        raise SourceIncompleteError(
            Words("予測値の行がありません", "there is no row of values"), where=name, remedy=UNALTERED
        )
    raw = start == 2 and key(header[1]) in ("", "dt")
    # A row that was cut may end within a number.
    whole = (cells for listed in rows.values() for _, cells in listed if len(cells) >= len(header))
    stated = numbers(cell for cells in whole for cell in cells[start:])
    if raw and must_be_degrees(stated):
        raise wrong_unit(name, _TENTHS, f"{stated.min():g} … {stated.max():g}")
    scale = 0.1 if raw else _scale(stated, times, name)
    issued, notes = (None, ()) if start == 2 else _issue(name, times)

    def row(station: str) -> Row:
        where = f"{name}:{rows[station][0][0]}"
        cells = _one(rows[station], where)
        values = _values(cells, start, header, scale, where)
        highest = np.nanmax(values, initial=-np.inf)
        if scale == 0.1 and summer(times) and -np.inf < highest <= _SUMMER / 10:
            raise wrong_unit(where, _TENTHS, f"{highest * 10:g}")
        return Row(times, values, _issued(cells, where) if issued is None else issued, where)

    facts = {"encoding": table.encoding, "unit": "0.1 degC" if scale == 0.1 else "degC"}
    return Publication(name, "forecast", tuple(rows), row, notes=notes, facts=facts)


def _without_blank_end(header: tuple[str, ...]) -> tuple[str, ...]:
    filled = [column for column, cell in enumerate(header) if cell]
    return header[: max(filled, default=-1) + 1]


def _times(header: tuple[str, ...], start: int, where: str) -> pd.DatetimeIndex:
    """Return the instants of the header row, UTC."""
    try:
        times = pd.DatetimeIndex([stamp(plain(cell)) for cell in header[start:]])
    except ValueError as error:
        raise SourceError(
            Words("見出しの行に時刻でない列があります", "the header row holds a column that is no instant"),
            where=where,
            expected=",,YYYYMMDDHH,YYYYMMDDHH,…",
            got=f"{str(error)[:20]} ({quoted(header)})",
            remedy=UNALTERED,
        ) from error
    every_three_hours(times, where)
    return times


def _scale(values: Floats, times: pd.DatetimeIndex, name: str) -> float:
    """Return the unit of a republished file's values [degC]: a degree, or a tenth."""
    if not values.size:
        return 1.0
    degrees = values.max() <= HIGHEST
    tenths = bool((values == np.round(values)).all()) and not (summer(times) and values.max() <= _SUMMER)
    if degrees == tenths:
        raise UnitsError(
            Words("値が 1 ℃ 単位か 0.1 ℃ 単位かを判別できません", "values may be degrees or tenths"),
            where=name,
            got=f"{values.min():g} … {values.max():g}",
            remedy=UNALTERED,
        )
    return 0.1 if tenths else 1.0


def _issue(name: str, times: pd.DatetimeIndex) -> tuple[pd.Timestamp, tuple[Note, ...]]:
    """Return the issue time of a file without one: that in its name, or the earliest possible."""
    for day, hour, minute in _IN_NAME.findall(PurePath(name).stem):
        try:
            named = instant(f"{day[:4]}-{day[4:6]}-{day[6:]} {hour}:{minute}")
        except ValueError:
            continue
        if times[0] - pd.Timedelta(days=1) <= named <= times[-1]:
            return named, (_ISSUE_NAMED,)
    return times[0] - STEP, (_ISSUE_INFERRED,)


def _one(rows: list[_Cells], where: str) -> tuple[str, ...]:
    first = rows[0][1]
    other = next((line for line, cells in rows[1:] if cells != first), None)
    if other is not None:
        raise SourceError(
            Words("同じ地点の行が食い違っています", "two rows of one station contradict each other"),
            where=where,
            got=str(other),
            remedy=Words("どちらかの行を取り除いてください", "Leave one of the rows out."),
        )
    return first


def _values(cells: tuple[str, ...], start: int, header: tuple[str, ...], scale: float, where: str) -> Floats:
    """Return a station's values [degC]; NaN where the cell is empty."""
    # The Ministry leaves a missing cell empty; a row that lacks cells was cut, perhaps within a number.
    if len(cells) < len(header):
        raise SourceIncompleteError(
            Words("行が途中で切れています", "the row is cut off"),
            where=where,
            got=quoted(cells),
            remedy=UNALTERED,
        )
    stated = np.full(len(header) - start, np.nan)
    for column, cell in enumerate(cells[start : len(header)]):
        try:
            stated[column] = number(cell)
            if scale == 0.1 and stated[column] % 1 > 0:
                raise ValueError(cell)
        except ValueError as error:
            raise SourceError(
                Words("数値として読めない値があります", "a value is no number of its unit"),
                where=f"{where}, {header[column + start]}",
                expected=_TENTHS if scale == 0.1 else "31",
                got=cell[:40],
                remedy=UNALTERED,
            ) from error
    # Division keeps tenths exact where multiplication would not: 287 / 10 is 28.7.
    values = stated / 10.0 if scale == 0.1 else stated
    check_range(values, where, _TENTHS if scale == 0.1 else "31")
    return values


def _issued(cells: tuple[str, ...], where: str) -> pd.Timestamp:
    try:
        return instant(plain(cells[1]))
    except ValueError as error:
        raise SourceError(
            Words("発表時刻を読めません", "the issue time cannot be read"),
            where=where,
            expected="2025/08/05 04:25",
            got=cells[1][:40],
            remedy=UNALTERED,
        ) from error
