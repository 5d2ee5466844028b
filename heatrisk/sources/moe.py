"""Official WBGT forecast of the Ministry of the Environment: the raw CSV (``yohou_*.csv``).

The first row holds the instants (``,,2025080503,…``, Japan's time, hours 03 to 24), every other row a
station: number, issue time, and whole tenths of a degree. An empty cell is a value not published.

References
----------
.. [1] 環境省, 令和7年度 暑さ指数(WBGT) 電子情報提供サービス 説明書.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from heatrisk.errors import InputError, SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.clock import JST, instant, stamp
from heatrisk.sources.reading import Reading
from heatrisk.sources.table import key, plain, quoted, read_table
from heatrisk.weather import OfficialForecast, Station
from heatrisk.words import Words

SOURCE = "環境省熱中症予防情報サイト"

#: Time between two published instants.
STEP = pd.Timedelta(hours=3)

#: Highest and lowest WBGT that a forecast can hold [degC].
_RANGE = (-40.0, 50.0)

_RAW = Words(
    "環境省の予測値 CSV(yohou_地点番号.csv など)を加工せずに使ってください",
    "Use the Ministry's forecast CSV (yohou_<station>.csv or the like) unaltered.",
)
_WAIT = Words(
    "次の発表を待つか、別の地点を指定してください", "Wait for the next issue, or name another station."
)

_Row = tuple[int, tuple[str, ...]]


def read_forecast(
    path: Path, stations: Sequence[Station | str] | None = None
) -> tuple[OfficialForecast, Reading]:
    """Read an official WBGT forecast.

    Values at the end that no used station has are left out; every other empty cell of a used station is an
    error, because a forecast with a hole must not anchor a map.

    Parameters
    ----------
    path : pathlib.Path
        File for one station, a prefecture or the country.
    stations : sequence of Station or str, optional
        Stations to use, in order; may be omitted for a file of one station.

    Returns
    -------
    forecast : OfficialForecast
        WBGT as published [degC], instants in UTC.
    reading : Reading
        ``read`` counts the stations in the file, ``used`` those returned. Facts: ``stations``, ``issued``,
        ``first``, ``last`` (UTC), ``values``.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        A station is not in the file, or a value or an instant is missing; names row and column.
    UnitsError
        The values are not tenths of a degree.
    InputError
        The file holds several stations and none was named.
    SourceError
        It is no raw forecast file.
    """
    reading = Reading.of("official", path)
    table = read_table(path)
    header, rows = _without_blank_end(table.rows[0][1]), table.rows[1:]
    times = _times(header, path)
    by_id: dict[str, _Row] = {plain(cells[0]): (number, cells) for number, cells in reversed(rows)}
    chosen = _chosen(stations, by_id, path)
    parsed = [_values(by_id[station.id], times, header, path) for station in chosen]
    values, columns = _without_tail(np.stack(parsed), chosen, by_id, header, path)
    issued = tuple(_issued(by_id[station.id], path) for station in chosen)
    times = times[:columns]
    facts = {
        "stations": [station.id for station in chosen],
        "issued": f"{max(issued).isoformat()}Z",
        "first": f"{times[0].isoformat()}Z",
        "last": f"{times[-1].isoformat()}Z",
        "values": values.size,
        "encoding": table.encoding,
    }
    forecast = OfficialForecast(tuple(chosen), times, values, issued, SOURCE)
    return forecast, replace(reading, read=len(rows), used=len(chosen), facts=facts)


def _without_blank_end(header: tuple[str, ...]) -> tuple[str, ...]:
    filled = [column for column, cell in enumerate(header) if cell]
    return header[: max(filled, default=-1) + 1]


def _times(header: tuple[str, ...], path: Path) -> pd.DatetimeIndex:
    """Return the instants of the header row, UTC; they must follow one another every three hours."""
    # Only the raw form leaves the second cell blank (or says "dt"); republished files may be in other units.
    raw = len(header) > 2 and key(header[1]) in ("", "dt")
    try:
        times = pd.DatetimeIndex([stamp(cell) for cell in header[2:]]) if raw else None
    except ValueError:
        times = None
    if times is None or times.empty:
        raise SourceError(
            Words(
                "見出しの行が予測値 CSV のものではありません", "the header row is not that of a forecast CSV"
            ),
            where=f"{path}:1",
            expected=",,YYYYMMDDHH,YYYYMMDDHH,…",
            got=quoted(header),
            remedy=_RAW,
        )
    gaps = np.flatnonzero(np.diff(times) != STEP)
    if gaps.size:
        at = int(gaps[0])
        raise SourceIncompleteError(
            Words("3 時間ごとの列がそろっていません", "the columns do not follow every three hours"),
            where=f"{path}:1",
            expected=f"{times[at] + STEP + JST:%Y-%m-%d %H:%M} JST",
            got=header[at + 3],
            remedy=_RAW,
        )
    return times


def _chosen(stations: Sequence[Station | str] | None, by_id: dict[str, _Row], path: Path) -> list[Station]:
    """Return the stations to use, checked against the file."""
    found = ", ".join(list(by_id)[:8]) + (", …" if len(by_id) > 8 else "")
    if not by_id:
        raise SourceIncompleteError(
            Words("予測値の行がありません", "there is no row of values"), where=path, remedy=_RAW
        )
    if not stations:
        if len(by_id) > 1:
            raise InputError(
                Words("地点が 2 つ以上あります", "the file holds several stations"),
                where=path,
                got=found,
                remedy=Words(
                    "city.toml の [official] stations で地点番号を指定してください",
                    "Name them in [official] stations.",
                ),
            )
        stations = list(by_id)
    chosen = [Station(item, item) if isinstance(item, str) else item for item in stations]
    for station in chosen:
        if station.id not in by_id:
            raise SourceIncompleteError(
                Words(f"地点 {station.id} の行がありません", f"station {station.id} is not in the file"),
                where=path,
                got=found,
                remedy=Words(
                    "[official] stations の地点番号を確かめてください",
                    "Check the numbers in [official] stations.",
                ),
            )
    return chosen


def _values(
    row: _Row, times: pd.DatetimeIndex, header: tuple[str, ...], path: Path
) -> npt.NDArray[np.float64]:
    """Return a station's values [degC]; NaN where the cell is empty."""
    number, cells = row
    # The Ministry leaves a missing cell empty; a row that lacks cells was cut, perhaps within a number.
    if len(cells) < len(header):
        raise SourceIncompleteError(
            Words("行が途中で切れています", "the row is cut off"),
            where=f"{path}:{number}",
            got=quoted(cells),
            remedy=_RAW,
        )
    tenths = np.full(len(times), np.nan)
    for column, cell in enumerate(cells[2 : len(times) + 2]):
        if not cell:
            continue
        try:
            tenths[column] = int(plain(cell))
        except ValueError as error:
            raise SourceError(
                Words("数値ではない値があります", "a value is not a whole number"),
                where=f"{path}:{number}, {header[column + 2]}",
                expected="310 (= 31.0 °C)",
                got=cell[:40],
                remedy=_RAW,
            ) from error
    values: npt.NDArray[np.float64] = tenths / 10.0
    wrong = (values < _RANGE[0]) | (values > _RANGE[1])
    summer = bool(np.isin((times + JST).month, (6, 7, 8, 9)).any())
    # Whole degrees instead of tenths would read as a summer below 6 °C.
    if wrong.any() or (summer and np.nanmax(values, initial=-np.inf) <= 6.0 and np.isfinite(values).any()):
        worst = tenths[wrong][0] if wrong.any() else np.nanmax(tenths)
        raise UnitsError(
            Words("値の単位が 0.1 ℃ ではないようです", "the values do not look like tenths of a degree"),
            where=f"{path}:{number}",
            expected="310 (= 31.0 °C)",
            got=f"{worst:g}",
            remedy=_RAW,
        )
    return values


def _without_tail(
    values: npt.NDArray[np.float64],
    stations: list[Station],
    by_id: dict[str, _Row],
    header: tuple[str, ...],
    path: Path,
) -> tuple[npt.NDArray[np.float64], int]:
    """Return the values up to the last column that every station fills; a hole before that is an error."""
    lengths = [int(np.flatnonzero(np.isfinite(row)).max(initial=-1)) + 1 for row in values]
    for station, row, length in zip(stations, values, lengths, strict=True):
        holes = np.flatnonzero(np.isnan(row[:length])) if length else np.array([0])
        if holes.size:
            raise SourceIncompleteError(
                Words(
                    f"地点 {station.id} の予測値が欠けています(列 {header[holes[0] + 2]})",
                    f"the forecast of station {station.id} has a hole (column {header[holes[0] + 2]})",
                ),
                where=f"{path}:{by_id[station.id][0]}",
                remedy=_WAIT,
            )
    columns = min(lengths)
    return values[:, :columns], columns


def _issued(row: _Row, path: Path) -> pd.Timestamp:
    number, cells = row
    try:
        return instant(plain(cells[1]))
    except ValueError as error:
        raise SourceError(
            Words("発表時刻を読めません", "the issue time cannot be read"),
            where=f"{path}:{number}",
            expected="2025/08/05 04:25",
            got=cells[1][:40],
            remedy=_RAW,
        ) from error
