"""What every publication of the Ministry's WBGT comes down to: rows of values, one station each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from heatrisk.errors import SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.clock import JST
from heatrisk.sources.table import given, plain
from heatrisk.weather import OfficialKind
from heatrisk.words import Note, Words

Floats = npt.NDArray[np.float64]

#: Time between two official instants that a map is anchored at.
STEP = pd.Timedelta(hours=3)

#: WBGT that no place on Earth exceeds [degC]; the highest seen in Japan is below 38.
HIGHEST = 45.0

#: Highest and lowest WBGT that a value can be [degC].
RANGE = (-40.0, 50.0)

UNALTERED = Words(
    "環境省の CSV(yohou_地点番号.csv、wbgt_地点番号_年月.csv など)を加工せずに使ってください",
    "Use the Ministry's CSV (yohou_<station>.csv, wbgt_<station>_<month>.csv or the like) unaltered.",
)


_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{0,9})?")


class Row(NamedTuple):
    """Values of one station.

    Parameters
    ----------
    times : pandas.DatetimeIndex
        UTC without zone, ascending.
    values : numpy.ndarray
        WBGT [degC]; NaN where none is given.
    issued : pandas.Timestamp
        When they were issued; of observations, the last instant with a value.
    where : str
        File and row, for messages.
    tg : numpy.ndarray, optional
        Measured globe temperature [degC].
    """

    times: pd.DatetimeIndex
    values: Floats
    issued: pd.Timestamp
    where: str
    tg: Floats | None = None


@dataclass(frozen=True)
class Publication:
    """One file of official WBGT: the stations in it, and a way to their rows.

    Rows are parsed when asked for, so that damage in another town's row does not matter.

    Parameters
    ----------
    name : str
        The file, for messages.
    kind : {"forecast", "observed"}
        What the values are.
    stations : tuple of str
        Station numbers in the file.
    row : callable
        Returns the row of one of them.
    unnumbered : bool
        Whether the file does not say which station it is of; ``stations`` then holds the name in its title.
    notes : tuple of Note
        What had to be assumed.
    facts : mapping
        What is worth knowing, JSON-ready.
    """

    name: str
    kind: OfficialKind
    stations: tuple[str, ...]
    row: Callable[[str], Row]
    unnumbered: bool = False
    notes: tuple[Note, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def number(cell: str) -> float:
    """Return the number in a cell, NaN where it is empty or holds a mark for "nothing".

    Raises
    ------
    ValueError
        The cell holds something else.
    """
    text = plain(given(cell))
    if text.lower() in ("", "nan"):
        return np.nan
    if not _NUMBER.fullmatch(text):
        raise ValueError(cell)
    return float(text)


def numbers(cells: Iterable[object]) -> Floats:
    """Return the numbers among some cells, to judge their unit by; what is none is left out."""
    values = np.asarray(pd.to_numeric(pd.Series(map(str, cells), dtype=object), errors="coerce"), np.float64)
    return values[np.isfinite(values)]


def must_be_degrees(values: Floats) -> bool:
    """Tell whether the values of a form that holds tenths cannot be tenths.

    The Ministry forecasts whole degrees, so its tenths are multiples of ten: a file that stays within the
    range of degrees and holds other numbers was converted by somebody.
    """
    return bool(values.size and values.max() <= HIGHEST and (values % 10 != 0).any())


def column(time: pd.Timestamp) -> str:
    """Return the column that the Ministry heads an instant with: ``YYYYMMDDHH``, hours 1 to 24."""
    local = time + JST
    if local.hour:
        return f"{local:%Y%m%d%H}"
    return f"{local - pd.Timedelta(days=1):%Y%m%d}24"


def every_three_hours(times: pd.DatetimeIndex, where: str) -> None:
    """Check that forecast instants follow one another every three hours.

    Raises
    ------
    SourceIncompleteError
        One is missing, doubled or out of order.
    """
    gaps = np.flatnonzero(np.diff(times) != STEP)
    if gaps.size:
        at = int(gaps[0])
        raise SourceIncompleteError(
            Words("3 時間ごとの値がそろっていません", "the values do not follow every three hours"),
            where=where,
            expected=f"{times[at] + STEP + JST:%Y-%m-%d %H:%M} JST",
            got=column(times[at + 1]),
            remedy=UNALTERED,
        )


def check_range(values: Floats, where: str, expected: str) -> None:
    """Check that values can be WBGT.

    Raises
    ------
    UnitsError
        One lies outside :data:`RANGE`.
    """
    wrong = values[(values < RANGE[0]) | (values > RANGE[1])]
    if wrong.size:
        raise wrong_unit(where, expected, f"{wrong[0]:g} °C")


def summer(times: pd.DatetimeIndex) -> bool:
    """Tell whether any instant lies in June to September, when no Japanese day stays below 6 degC."""
    return bool(np.isin((times + JST).month, (6, 7, 8, 9)).any())


def wrong_unit(where: str, expected: str, got: str) -> UnitsError:
    """Return the error of values that are in another unit than their form says."""
    return UnitsError(
        Words("値の単位が正しくないようです", "the values do not look like the unit of this form"),
        where=where,
        expected=expected,
        got=got,
        remedy=UNALTERED,
    )


def together(rows: Sequence[Row]) -> Row:
    """Return rows of one station as one.

    Of forecasts issued at different times the newest counts alone: call this with rows of one issue.

    Parameters
    ----------
    rows : sequence of Row
        At least one.

    Raises
    ------
    SourceError
        Two rows give different values for one instant.
    """
    if len(rows) == 1:
        return rows[0]
    times = rows[0].times
    for row in rows[1:]:
        times = times.union(row.times)
    values, tg = np.full(len(times), np.nan), np.full(len(times), np.nan)
    for row in rows:
        at = times.get_indexer(row.times)
        clash = np.flatnonzero(np.isfinite(values[at]) & np.isfinite(row.values) & (values[at] != row.values))
        if clash.size:
            k = int(clash[0])
            raise SourceError(
                Words(
                    f"同じ地点・時刻(列 {column(row.times[k])})の値が食い違っています",
                    f"two rows of one station contradict each other (column {column(row.times[k])})",
                ),
                where=row.where,
                expected=f"{values[at][k]:g} °C ({rows[0].where})",
                got=f"{row.values[k]:g} °C",
                remedy=Words("どちらかを取り除いてください", "Leave one of them out."),
            )
        values[at] = np.where(np.isnan(values[at]), row.values, values[at])
        if row.tg is not None:
            tg[at] = np.where(np.isnan(tg[at]), row.tg, tg[at])
    measured = any(row.tg is not None for row in rows)
    newest = max(row.issued for row in rows)
    return Row(times, values, newest, rows[0].where, tg if measured else None)


def renamed(publication: Publication, station: str) -> Publication:
    """Return an unnumbered publication as that of a station that its user names."""
    inner = publication.stations[0]
    return replace(publication, stations=(station,), row=lambda _: publication.row(inner), unnumbered=False)


def newest(rows: list[Row], until: datetime | None = None) -> tuple[list[Row], int]:
    """Return a station's rows of its newest forecast, and how many older ones were passed over.

    Parameters
    ----------
    rows : list of Row
        Forecasts for one station.
    until : datetime.datetime, optional
        Forecasts issued later, with zone, are passed over too: a whole season's files may lie together.

    Raises
    ------
    SourceIncompleteError
        None had been issued by then.
    """
    limit = None if until is None else pd.Timestamp(until).tz_convert(UTC).tz_localize(None)
    known = [row for row in rows if limit is None or row.issued <= limit]
    if not known:
        raise SourceIncompleteError(
            Words("その日時までに発表された予測がありません", "no forecast had been issued by then"),
            where=rows[0].where,
            expected=f"<= {limit:%Y-%m-%dT%H:%MZ}",
            got=f"{min(row.issued for row in rows):%Y-%m-%dT%H:%MZ}",
            remedy=Words("その日のファイルを置いてください", "Give the files of that day."),
        )
    last = max(row.issued for row in known)
    found = [row for row in known if row.issued == last]
    return found, len(known) - len(found)


def on(times: pd.DatetimeIndex, own: pd.DatetimeIndex, values: Floats | None) -> Floats:
    """Return values on another time axis, NaN where they have none."""
    if values is None:
        return np.full(len(times), np.nan)
    return np.asarray(pd.Series(values, own).reindex(times), np.float64)
