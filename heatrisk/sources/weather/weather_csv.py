"""Weather as a plain table (CSV or Excel): one header row, one row a time.

The header names the quantities in Japanese or English, with the unit in brackets where it is not the
standard one (``風速(km/h)``)::

    time,ta,rh,va,ps,ghi,dni,dhi          日時,気温(℃),相対湿度(%),風速(m/s),現地気圧(hPa),全天日射量(MJ/m2)
    2025-08-05T09:00,31.2,62,2.1,…        2025/8/5 9:00,31.2,62,2.1,…

Times without zone are Japan's. Irradiance is the mean (or the sum, in MJ m-2) over the interval that ends at
the stated time, and so is the sky's long-wave radiation (``ldown``). Rows before the header are skipped. In
tables from JMA's download page, values whose 品質情報 is below 5 (doubtful, or from too few data) count as
missing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from heatrisk.errors import SourceError, SourceIncompleteError, UnitsError
from heatrisk.quantities import QUANTITIES
from heatrisk.sources.clock import instant, instants
from heatrisk.sources.files import Member
from heatrisk.sources.query import WeatherQuery
from heatrisk.sources.reading import Reading
from heatrisk.sources.table import Table, given, key, plain, quoted, read_table
from heatrisk.sources.weather.series import Floats, converted, joined, lacking, usual_step, weather_series
from heatrisk.weather import Weather
from heatrisk.words import Words

#: Headers of each column, without unit; the quantity's own name comes first.
COLUMNS: dict[str, tuple[str, ...]] = {
    "time": ("time", "日時", "年月日時", "datetime", "時刻", "timestamp", "date_time"),
    "date": ("date", "日付", "年月日"),
    "ta": ("ta", "気温", "temperature", "temp", "air_temperature", "temperature_2m"),
    "rh": ("rh", "相対湿度", "湿度", "humidity", "relative_humidity", "relative_humidity_2m"),
    "va": ("va", "風速", "wind_speed", "windspeed", "wind", "wind_speed_10m"),
    "ps": ("ps", "現地気圧", "気圧", "pressure", "surface_pressure"),
    "ghi": ("ghi", "全天日射量", "日射量", "日射", "shortwave_radiation", "global_radiation"),
    "dni": ("dni", "直達日射量", "法線面直達日射量", "direct_normal_irradiance"),
    "dhi": ("dhi", "散乱日射量", "水平面散乱日射量", "diffuse_radiation"),
    "ldown": (
        "ldown", "下向き長波放射量", "下向き長波放射", "下向き赤外放射量", "下向き赤外放射", "大気放射量",
        "大気放射", "長波放射量", "surface_downwelling_longwave_flux_in_air", "downward_longwave_radiation",
        "longwave_down", "lw_in", "lw_down", "lwdown", "lwd", "rlds",
    ),
}  # fmt: skip

_UNIT = re.compile(r"[(\[](.+?)[)\]]$")
_QUALITY, _GOOD = "品質情報", 5.0

#: Relative humidity that stays below is a fraction, be it slightly above saturation.
_FRACTION = 1.5

_FORM = Words(
    "見出しを time,ta,rh,va(日時,気温,湿度,風速)の形にしてください",
    "Give the columns the headers time,ta,rh,va (or 日時,気温,湿度,風速).",
)
_Row = tuple[int, tuple[str, ...]]


class _Header(NamedTuple):
    """Columns and units by name, columns of their quality, rows up to the first of the data, its cells."""

    columns: dict[str, int]
    units: dict[str, str]
    quality: dict[str, int]
    rows: int
    cells: tuple[str, ...]


def read_weather_csv(asked: WeatherQuery | Path) -> tuple[Weather, Reading]:
    """Read weather from plain CSV files, joined in the order of their times.

    Parameters
    ----------
    asked : WeatherQuery or pathlib.Path
        The files; headers see :data:`COLUMNS`.

    Returns
    -------
    weather : Weather
        Wind is taken to be measured 10 m above ground.
    reading : Reading
        ``read`` counts the rows below the headers, ``used`` the rows returned. Facts: those of
        :func:`heatrisk.sources.weather.series.weather_series`, and ``encoding``.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        Temperature or humidity is missing.
    UnitsError
        A header names an unknown unit, values are impossible, or humidity is a fraction.
    InputError
        The times are not evenly spaced, or two files speak of the same time.
    SourceError
        It is no table, has no such header, or a cell is neither number nor empty; names row and column.
    """
    query = WeatherQuery.of(asked)
    files, reading = query.opened(".csv", ".tsv", ".txt", ".xlsx")
    encodings, headers, parts = set[str](), [], []
    for file in files:
        table = read_table(file)
        encodings.add(table.encoding)
        headers.append(_header(table, file))
        parts.append((file.name, *_columns(table, headers[-1], file)))
    _check_named(headers, files[0])
    times, columns = joined(parts)
    series, facts = weather_series(times, columns, query.paths[0])
    weather = Weather(series=series, wind_height=10.0, source=query.paths[0].name)
    facts["encoding"] = ", ".join(sorted(encodings))
    return weather, replace(reading, read=len(times), used=series.sizes["time"], facts=facts)


def is_weather(cells: Sequence[str]) -> bool:
    """Tell whether a row is the header of a table of weather: with times and air temperature."""
    return {"time", "ta"} <= _named(cells)[0].keys()


def _check_named(headers: Sequence[_Header], first: Member) -> None:
    """Refuse tables of which no header names the temperature or the humidity, with the names that do."""
    for name in ("ta", "rh"):
        if not any(name in header.columns for header in headers):
            raise lacking(name, first.name, expected=", ".join(COLUMNS[name]), got=quoted(headers[0].cells))


def _columns(table: Table, header: _Header, file: Member) -> tuple[pd.DatetimeIndex, dict[str, Floats]]:
    """Return times and values of one file, in standard units."""
    rows = table.rows[header.rows :]
    times = _times(rows, header, file)
    # Rows that do not follow each other are refused later, with their times.
    step = max(usual_step(times), pd.Timedelta(0)) or pd.Timedelta(hours=1)
    columns = {}
    for name in QUANTITIES.keys() & header.columns.keys():
        values = _numbers(rows, header.columns[name], name, file)
        if name in header.quality:
            values[_numbers(rows, header.quality[name], _QUALITY, file) < _GOOD] = np.nan
        unit = header.units.get(name, QUANTITIES[name].units.replace(" ", ""))
        columns[name] = converted(values, name, unit, file.name, step)
    _check_percent(columns.get("rh", np.empty(0)), file)
    return times, columns


def _check_percent(humidity: Floats, file: Member) -> None:
    """Refuse relative humidity as a fraction: no weather stays below 2 %."""
    known = humidity[np.isfinite(humidity)]
    if known.size and 0 < known.max() <= _FRACTION:
        raise UnitsError(
            Words("相対湿度が % ではなく割合のようです", "humidity looks like a fraction, not a percentage"),
            where=file.name,
            expected="0 … 100 %",
            got=f"{known.min():g} … {known.max():g}",
            remedy=Words("100 倍して % にしてください", "Multiply it by 100."),
        )


def _header(table: Table, file: Member) -> _Header:
    for index, (_, cells) in enumerate(table.rows[:10]):
        columns, units = _named(cells)
        if "time" in columns and len(columns) > 1:
            below = _below(table.rows[index + 1 :], columns["time"])
            quality = {
                name: column + 1
                for name, column in columns.items()
                if any(row[column + 1 : column + 2] == (_QUALITY,) for _, row in below)
            }
            return _Header(columns, units, quality, index + 1 + len(below), cells)
    raise SourceError(
        Words("気象 CSV の見出しが見つかりません", "no header row of a weather CSV was found"),
        where=f"{file.name}:{table.rows[0][0]}",
        expected="time,ta,rh,va,… / 日時,気温,湿度,風速,…",
        got=quoted(table.rows[0][1]),
        remedy=_FORM,
    )


def _named(cells: Sequence[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Return the columns and the units that a header row names; of two with one meaning, the first."""
    columns: dict[str, int] = {}
    units: dict[str, str] = {}
    for column, cell in enumerate(cells):
        header = key(cell)
        name = _UNIT.sub("", header)
        found = next((own for own, names in COLUMNS.items() if name in names), None)
        if found is not None and found not in columns:
            columns[found] = column
            if unit := _UNIT.search(header):
                units[found] = unit.group(1)
    return columns, units


def _below(rows: Sequence[_Row], time: int) -> list[_Row]:
    """Return the rows that continue the header: as JMA writes them, without time and without number."""
    below: list[_Row] = []
    for row in rows[:3]:
        if row[1][time : time + 1] != ("",) or re.search(r"\d", "".join(row[1])):
            break
        below.append(row)
    return below


def _times(rows: Sequence[_Row], header: _Header, file: Member) -> pd.DatetimeIndex:
    columns = [header.columns[name] for name in ("date", "time") if name in header.columns]
    texts = [plain(" ".join([cells[k] for k in columns if k < len(cells)])) for _, cells in rows]
    try:
        return instants(texts)
    except ValueError as error:
        number, text = next((n, t) for (n, _), t in zip(rows, texts, strict=True) if not _is_time(t))
        raise SourceError(
            Words("日時を読めません", "the time cannot be read"),
            where=f"{file.name}:{number}",
            expected="2025-08-05T09:00",
            got=text[:40] or "-",
            remedy=_FORM,
        ) from error


def _is_time(text: str) -> bool:
    try:
        instant(text)
    except ValueError:
        return False
    return True


def _numbers(rows: Sequence[_Row], column: int, name: str, file: Member) -> Floats:
    """Return a column's values; tables are long, so cells are looked at one by one only where one is odd."""
    try:
        return np.array([float(cells[column] or "nan") for _, cells in rows], dtype=np.float64)
    except (ValueError, IndexError):
        return np.array([_number(row, column, name, file) for row in rows], dtype=np.float64)


def _number(row: _Row, column: int, name: str, file: Member) -> float:
    number, cells = row
    if column >= len(cells):
        raise SourceIncompleteError(
            Words("行が途中で切れています", "the row is cut off"),
            where=f"{file.name}:{number}",
            got=quoted(cells),
            remedy=_FORM,
        )
    text = given(cells[column])
    try:
        return float(plain(text)) if text else np.nan
    except ValueError as error:
        raise SourceError(
            Words(f"{name} の列に数値でない値があります", f"column {name} holds a value that is no number"),
            where=f"{file.name}:{number}",
            got=text[:40],
            remedy=Words("空欄にするか、数値を入れてください", "Leave the cell empty or put a number."),
        ) from error
