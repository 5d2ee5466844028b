"""Hourly weather as a plain CSV: one header row, one row an hour.

The header names the quantities in Japanese or English, with the unit in brackets where it is not the
standard one (``風速(km/h)``)::

    time,ta,rh,va,ps,ghi,dni,dhi          日時,気温(℃),相対湿度(%),風速(m/s),現地気圧(hPa),全天日射量(MJ/m2)
    2025-08-05T09:00,31.2,62,2.1,…        2025/8/5 9:00,31.2,62,2.1,…

Times without zone are Japan's. Irradiance is the mean (or the sum, in MJ m-2) over the hour that ends at the
stated time. Rows before the header are skipped.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.quantities import QUANTITIES
from heatrisk.sources.clock import instant
from heatrisk.sources.reading import Reading
from heatrisk.sources.series import converted, weather_series
from heatrisk.sources.table import Table, given, key, plain, quoted, read_table
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
}

_UNIT = re.compile(r"[(\[](.+?)[)\]]$")
_FORM = Words(
    "見出しを time,ta,rh,va(日時,気温,湿度,風速)の形にしてください",
    "Give the columns the headers time,ta,rh,va (or 日時,気温,湿度,風速).",
)


def read_weather_csv(path: Path) -> tuple[Weather, Reading]:
    """Read hourly weather from a plain CSV.

    Parameters
    ----------
    path : pathlib.Path
        The file; headers see :data:`COLUMNS`.

    Returns
    -------
    weather : Weather
        Wind is taken to be measured 10 m above ground.
    reading : Reading
        ``read`` counts the rows below the header, ``used`` the hours returned. Facts as for
        :func:`heatrisk.sources.open_meteo.read_open_meteo`.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        Temperature or humidity is missing.
    UnitsError
        A header names an unknown unit, or values are impossible.
    InputError
        The hours are not evenly spaced.
    SourceError
        It is no table, has no such header, or a cell is neither number nor empty; names row and column.
    """
    reading = Reading.of("weather", path)
    table = read_table(path)
    columns, units, start = _header(table, path)
    rows = table.rows[start:]
    times = pd.DatetimeIndex([_time(number, cells, columns, path) for number, cells in rows])
    values = {
        name: converted(
            np.array(
                [_number(number, cells, column, name, path) for number, cells in rows], dtype=np.float64
            ),
            name,
            units.get(name, QUANTITIES[name].units.replace(" ", "")),
            path,
        )
        for name, column in columns.items()
        if name in QUANTITIES
    }
    series, facts = weather_series(times, values, path)
    weather = Weather(series=series, wind_height=10.0, source=path.name)
    facts["encoding"] = table.encoding
    return weather, replace(reading, read=len(rows), used=series.sizes["time"], facts=facts)


def _header(table: Table, path: Path) -> tuple[dict[str, int], dict[str, str], int]:
    """Return columns by name, units by name, and the number of rows up to and with the header."""
    for index, (_, cells) in enumerate(table.rows[:10]):
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
        if "time" in columns and len(columns) > 1:
            return columns, units, index + 1
    raise SourceError(
        Words("気象 CSV の見出しが見つかりません", "no header row of a weather CSV was found"),
        where=f"{path}:{table.rows[0][0]}",
        expected="time,ta,rh,va,… / 日時,気温,湿度,風速,…",
        got=quoted(table.rows[0][1]),
        remedy=_FORM,
    )


def _time(number: int, cells: tuple[str, ...], columns: dict[str, int], path: Path) -> pd.Timestamp:
    parts = [
        cells[columns[name]] for name in ("date", "time") if name in columns and columns[name] < len(cells)
    ]
    try:
        return instant(plain(" ".join(parts)))
    except ValueError as error:
        raise SourceError(
            Words("日時を読めません", "the time cannot be read"),
            where=f"{path}:{number}",
            expected="2025-08-05T09:00",
            got=" ".join(parts)[:40] or "-",
            remedy=_FORM,
        ) from error


def _number(number: int, cells: tuple[str, ...], column: int, name: str, path: Path) -> float:
    if column >= len(cells):
        raise SourceIncompleteError(
            Words("行が途中で切れています", "the row is cut off"),
            where=f"{path}:{number}",
            got=quoted(cells),
            remedy=_FORM,
        )
    text = given(cells[column])
    try:
        return float(plain(text)) if text else np.nan
    except ValueError as error:
        raise SourceError(
            Words(f"{name} の列に数値でない値があります", f"column {name} holds a value that is no number"),
            where=f"{path}:{number}",
            got=text[:40],
            remedy=Words("空欄にするか、数値を入れてください", "Leave the cell empty or put a number."),
        ) from error
