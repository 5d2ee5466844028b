"""Official WBGT of hours gone by as CSV: estimates for all stations, and measurements at a few.

::

    Date,Time,44116,44132,…        wbgt_44116_202509.csv: degrees, one column a station
    2025/9/1,1:00,24.3,25.0,…
    Date,Time,WBGT,Tg              Tokyo_202509.csv: measured WBGT and globe temperature of one station
    2025/9/1,24:00,22.7,23.8

Hours run from 1:00 to 24:00 in Japan's time. An empty cell is an hour to come, or one without value.
"""

from __future__ import annotations

import re
from pathlib import PurePath

import numpy as np
import pandas as pd

from heatrisk.errors import SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.clock import instant
from heatrisk.sources.moe.values import UNALTERED, Floats, Publication, Row, check_range, number
from heatrisk.sources.table import Table, key, plain, quoted
from heatrisk.words import Words

#: Globe temperature that a globe in the sun can have [degC].
_GLOBE = (-40.0, 90.0)

_DATE_IN_NAME = re.compile(r"[_-]?\d{6,12}$")


def is_observed(header: tuple[str, ...]) -> bool:
    """Tell whether a header row is that of observed values."""
    return len(header) > 2 and (key(header[0]), key(header[1])) == ("date", "time")


def open_observed(table: Table, name: str) -> Publication:
    """Open a CSV of observed values.

    Parameters
    ----------
    table : Table
        The file's rows; the first is its header.
    name : str
        The file, for messages.

    Raises
    ------
    SourceError
        A time cannot be read or the rows are out of order; a station stands twice.
    SourceIncompleteError
        There is no row of values.
    """
    header = [plain(cell) for cell in table.rows[0][1]]
    measured = [key(cell) for cell in header[2:]] in (["wbgt"], ["wbgt", "tg"])
    if measured:
        columns = {_DATE_IN_NAME.sub("", PurePath(name).stem).rsplit("_", 1)[-1] or PurePath(name).stem: 2}
    else:
        columns = {cell: k for k, cell in enumerate(header) if k > 1 and cell}
        _check_numbers(header[2:], f"{name}:{table.rows[0][0]}")
    rows = table.rows[1:]
    if not rows:
        raise SourceIncompleteError(
            Words("観測値の行がありません", "there is no row of values"), where=name, remedy=UNALTERED
        )
    times = _times(table, name)

    def row(station: str) -> Row:
        where = f"{name}: {station}"
        values = _column(table, columns[station], name)
        check_range(values, where, "24.3")
        filled = np.flatnonzero(np.isfinite(values))
        last = times[int(filled[-1]) if filled.size else 0]
        tg = _column(table, 3, name) if measured and len(header) > 3 else None
        if tg is not None and ((tg < _GLOBE[0]) | (tg > _GLOBE[1])).any():
            raise UnitsError(
                Words("黒球温度の値が範囲外です", "a globe temperature is impossible"),
                where=where,
                expected=f"{_GLOBE[0]:g} … {_GLOBE[1]:g} °C",
                remedy=UNALTERED,
            )
        return Row(times, values, last, where, tg)

    facts = {"encoding": table.encoding, "measured": measured}
    return Publication(name, "observed", tuple(columns), row, unnumbered=measured, facts=facts)


def _check_numbers(stations: list[str], where: str) -> None:
    """Refuse columns that are no station, one station's twice, or none at all."""
    named = [station for station in stations if station] or [""]
    odd = next(
        (cell for k, cell in enumerate(named) if not re.fullmatch(r"\d{4,6}", cell) or cell in named[:k]),
        None,
    )
    if odd is not None:
        raise SourceError(
            Words("地点番号でない列か、重複した列があります", "a column is no station, or stands twice"),
            where=where,
            expected="Date,Time,44116,… / Date,Time,WBGT,Tg",
            got=odd[:40] or "-",
            remedy=UNALTERED,
        )


def _times(table: Table, name: str) -> pd.DatetimeIndex:
    times = []
    for line, cells in table.rows[1:]:
        text = " ".join(cells[:2])
        try:
            times.append(instant(plain(text)))
        except ValueError as error:
            raise SourceError(
                Words("日時を読めません", "the time cannot be read"),
                where=f"{name}:{line}",
                expected="2025/9/1,24:00",
                got=text[:40],
                remedy=UNALTERED,
            ) from error
    index = pd.DatetimeIndex(times)
    back = np.flatnonzero(np.diff(index) <= np.timedelta64(0, "s"))
    if back.size:
        line, cells = table.rows[int(back[0]) + 2]
        raise SourceError(
            Words("行が時刻の順に並んでいません", "the rows are not in the order of time"),
            where=f"{name}:{line}",
            got=quoted(cells[:2]),
            remedy=UNALTERED,
        )
    return index


def _column(table: Table, at: int, name: str) -> Floats:
    """Return one column [degC], NaN where it is empty; a row that ends after its time is empty throughout."""
    values = np.full(len(table.rows) - 1, np.nan)
    for k, (line, cells) in enumerate(table.rows[1:]):
        if len(cells) == 2:
            continue
        if len(cells) <= at:
            raise SourceIncompleteError(
                Words("行が途中で切れています", "the row is cut off"),
                where=f"{name}:{line}",
                got=quoted(cells),
                remedy=UNALTERED,
            )
        try:
            values[k] = number(cells[at])
        except ValueError as error:
            raise SourceError(
                Words("数値として読めない値があります", "a value is no number"),
                where=f"{name}:{line}, {table.rows[0][1][at]}",
                expected="24.3",
                got=cells[at][:40],
                remedy=UNALTERED,
            ) from error
    return values
