"""EPW (EnergyPlus Weather): a year of hours at one place, as building simulation exchanges it.

A header of eight lines, then rows of 35 columns: year, month, day, hour 1 to 24 (the hour's end), … in local
standard time. Most such files are *typical* years, whose months were taken from different calendar years:
their rows get a meaning in time only when they are laid on one year.

References
----------
.. [1] U.S. Department of Energy, EnergyPlus, Auxiliary Programs: "EnergyPlus Weather File (EPW) Data
   Dictionary".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.sources.files import Member
from heatrisk.sources.query import WeatherQuery, distance_km, far_notes
from heatrisk.sources.reading import Reading
from heatrisk.sources.table import plain, quoted, read_table
from heatrisk.sources.weather.series import HOUR, Floats, weather_series
from heatrisk.weather import Weather
from heatrisk.words import Note, Words

#: Column, mark for "missing" (that value and above) and factor to the standard unit, for each quantity. The
#: sky's long-wave radiation (column 12) is left out: most files hold what their maker's model made of clouds.
COLUMNS = {
    "ta": (6, 99.9, 1.0),
    "rh": (8, 999.0, 1.0),
    "ps": (9, 999_999.0, 0.01),
    "ghi": (13, 9999.0, 1.0),
    "dni": (14, 9999.0, 1.0),
    "dhi": (15, 9999.0, 1.0),
    "va": (21, 999.0, 1.0),
}

#: Later columns were added over the years and may be absent.
FEWEST_COLUMNS = 32

#: Files stand for a climate, which differs little over such a distance [km].
NEAR = 50.0

#: Weather and the wrong elevation by some 200 m tell apart here [hPa].
_PRESSURE_APART = 25.0

_HEADER_ROWS = 20
_LEAP = 2000
_Row = tuple[int, tuple[str, ...]]
_FORM = Words(
    "EPW 形式(1行目が LOCATION、データは35列)のファイルを使ってください",
    "Use a file in EPW form (first line LOCATION, rows of 35 columns).",
)


class _Location(NamedTuple):
    """The LOCATION line: name for people, longitude, latitude [degrees], zone [h], elevation [m]."""

    name: str
    lon: float
    lat: float
    zone: float
    elevation: float


def read_epw(asked: WeatherQuery | Path) -> tuple[Weather, Reading]:
    """Read an EPW file.

    A typical year, whose months stem from different years, is laid on the query's ``year``: month, day and
    hour of each row stay. A 29 February that this year lacks is left out; one that the file lacks stays
    empty. Without ``year`` the stated dates count, and must follow each other.

    Parameters
    ----------
    asked : WeatherQuery or pathlib.Path
        One file, and the calendar year for a typical one.

    Returns
    -------
    weather : Weather
        Air temperature, humidity, pressure, wind at 10 m, and irradiances as means over the hour before.
    reading : Reading
        ``read`` counts data rows, ``used`` the hours returned. Facts: those of
        :func:`heatrisk.sources.weather.series.weather_series`, ``location``, ``longitude``, ``latitude``,
        ``elevation``, ``years`` (as stated in the rows), ``year`` (as asked for), ``distance_km``. Notes tell
        of a place far from the query's and of a pressure that does not fit the elevation.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceError
        It is no EPW file, a row is cut off or unreadable, it is not hourly; or the dates of a typical year
        need a ``year``.
    SourceIncompleteError
        Temperature or humidity is missing.
    InputError
        The hours do not follow each other.
    UnitsError
        A value is impossible.
    """
    query = WeatherQuery.of(asked)
    (file, *more), reading = query.opened(".epw")
    if more:
        raise SourceError(
            Words("EPW ファイルが複数あります", "there are several EPW files"),
            where=query.paths[0],
            got=f"{file.name}, {more[0].name}",
            remedy=Words("1つだけ指定してください", "Name one of them."),
        )
    location, rows = _parts(file)
    dates = _dates(rows, query.year, file)
    times, kept = _times(dates, location, query.year, file)
    columns = {name: _numbers(rows, name, file)[kept] for name in COLUMNS}
    full = _with_leap_day(times, location)
    at = np.arange(len(times)) if full is times else full.get_indexer(times)
    series, facts = weather_series(
        full, {name: _spread(v, at, len(full)) for name, v in columns.items()}, file.name
    )
    km = distance_km(query.place, (location.lon, location.lat)) if query.place else None
    facts |= {
        "location": location.name,
        "longitude": location.lon,
        "latitude": location.lat,
        "elevation": location.elevation,
        "years": sorted({int(year) for year in dates["year"]}),
    }
    facts |= ({} if query.year is None else {"year": query.year}) | (
        {} if km is None else {"distance_km": round(km, 1)}
    )
    notes = (*_typical(query.year), *far_notes(km, NEAR), *_pressure_notes(columns["ps"], location))
    weather = Weather(series=series, wind_height=10.0, source=f"EPW {location.name}")
    return weather, replace(reading, read=len(rows), used=series.sizes["time"], facts=facts, notes=notes)


def _parts(file: Member) -> tuple[_Location, list[_Row]]:
    """Return what the header says of the place, and the data rows."""
    rows = list(read_table(file).rows)
    heads = [plain(cells[0]).upper() for _, cells in rows[:_HEADER_ROWS]]
    if heads[0] != "LOCATION" or "DATA PERIODS" not in heads:
        raise SourceError(
            Words("EPW ファイルではありません", "this is no EPW file"),
            where=f"{file.name}:{rows[0][0]}",
            expected="LOCATION,… / DATA PERIODS,…",
            got=quoted(rows[0][1]),
            remedy=_FORM,
        )
    start = heads.index("DATA PERIODS")
    number, period = rows[start]
    if period[2:3] != ("1",):
        raise SourceError(
            Words("1時間ごとのデータではありません", "the rows are not hourly"),
            where=f"{file.name}:{number}",
            expected="DATA PERIODS,1,1,…",
            got=quoted(period),
            remedy=_FORM,
        )
    if len(rows) == start + 1:
        raise SourceIncompleteError(
            Words("データの行がありません", "there are no data rows"), where=file.name, remedy=_FORM
        )
    for number, cells in rows[start + 1 :]:
        if len(cells) < FEWEST_COLUMNS:
            raise _bad_row(file, number, cells)
    return _location(rows[0][1], file), rows[start + 1 :]


def _location(cells: tuple[str, ...], file: Member) -> _Location:
    try:
        lat, lon, zone, elevation = (float(cell) for cell in cells[6:10])
    except ValueError:
        lat = lon = zone = elevation = np.nan
    if not (abs(lat) <= 90 and abs(lon) <= 180 and abs(zone) <= 14 and -1000 <= elevation < 9000):
        raise SourceError(
            Words(
                "LOCATION の緯度・経度・時差・標高を読めません",
                "latitude, longitude, zone or elevation of LOCATION cannot be read",
            ),
            where=f"{file.name}:1",
            got=quoted(cells),
            remedy=_FORM,
        )
    return _Location(cells[1] or "?", lon, lat, zone, elevation)


def _dates(rows: Sequence[_Row], year: int | None, file: Member) -> pd.DataFrame:
    """Return year, month, day and hour of the rows, as stated."""
    for number, cells in rows:
        if not all(cell.isdecimal() and len(cell) < 5 for cell in cells[:4]):
            raise _bad_row(file, number, cells)
    numbers = np.array([cells[:4] for _, cells in rows]).astype(np.int64)
    dates = pd.DataFrame(numbers, columns=["year", "month", "day", "hour"])
    # A typical year may hold a 29 February whatever the year that its row states.
    days = dates[["year", "month", "day"]] if year is None else dates[["month", "day"]].assign(year=_LEAP)
    known = pd.to_datetime(days, errors="coerce").notna()
    wrong = np.flatnonzero(~(known & dates["hour"].between(1, 24) & dates["year"].between(1900, 2200)))
    if wrong.size:
        raise _bad_row(file, *rows[wrong[0]])
    return dates


def _times(
    dates: pd.DataFrame, location: _Location, year: int | None, file: Member
) -> tuple[pd.DatetimeIndex, npt.NDArray[np.intp]]:
    """Return the ends of the hours, UTC, in order, and the rows that they belong to."""
    days = dates[["year", "month", "day"]] if year is None else dates[["month", "day"]].assign(year=year)
    ends = pd.to_datetime(days, errors="coerce") + pd.to_timedelta(dates["hour"], unit="h")
    kept = np.flatnonzero(ends.notna())
    times = pd.DatetimeIndex(ends.iloc[kept] - pd.Timedelta(hours=location.zone)).as_unit("ns")
    if year is not None:
        order = np.argsort(times.to_numpy(), kind="stable")
        return times[order], kept[order]
    if dates["year"].nunique() > 1 and (np.diff(times.to_numpy()) != HOUR.to_timedelta64()).any():
        raise SourceError(
            Words(
                "月ごとに年が異なる標準年のデータです", "a typical year: its months stem from different years"
            ),
            where=file.name,
            got=", ".join(str(year) for year in sorted(dates["year"].unique())[:12]),
            remedy=Words(
                "city.toml の [weather] に year(当てはめる年)を書いてください",
                "Say under [weather] year in the city file which year it shall stand for.",
            ),
        )
    return times, kept


def _with_leap_day(times: pd.DatetimeIndex, location: _Location) -> pd.DatetimeIndex:
    """Return the times with those of a 29 February that the file does not have."""
    if len(times) < 2 or (times[-1] - times[0]) / HOUR + 1 != len(times) + 24:
        return times
    full = pd.date_range(times[0], times[-1], freq=HOUR)
    local = full.difference(times) + pd.Timedelta(hours=location.zone) - HOUR
    return full if ((local.month == 2) & (local.day == 29)).all() else times


def _numbers(rows: Sequence[_Row], name: str, file: Member) -> Floats:
    column, missing, factor = COLUMNS[name]
    values = np.empty(len(rows))
    for index, (number, cells) in enumerate(rows):
        try:
            values[index] = float(cells[column] or "nan")
        except ValueError as error:
            raise _bad_row(file, number, cells) from error
    return np.where(values >= missing, np.nan, values) * factor


def _spread(values: Floats, at: npt.NDArray[np.intp], size: int) -> Floats:
    spread = np.full(size, np.nan)
    spread[at] = values
    return spread


def _bad_row(file: Member, number: int, cells: tuple[str, ...]) -> SourceError:
    return SourceError(
        Words("データの行を読めません", "a data row is cut off or cannot be read"),
        where=f"{file.name}:{number}",
        expected="year,month,day,hour 1-24,… (35)",
        got=f"{quoted(cells)} ({len(cells)})",
        remedy=_FORM,
    )


def _typical(year: int | None) -> tuple[Note, ...]:
    if year is None:
        return ()
    return (
        Note.of(
            "weather_typical_year",
            f"気象は標準年のデータを {year} 年の暦に当てはめたもので、実際の天気ではありません",
            f"the weather is that of a typical year, laid on the calendar of {year}; it did not happen so",
        ),
    )


def _pressure_notes(ps: Floats, location: _Location) -> tuple[Note, ...]:
    """Return a doubt where the pressure is not that of the stated elevation (standard atmosphere)."""
    known = ps[np.isfinite(ps)]
    standard = 1013.25 * (1.0 - 2.25577e-5 * location.elevation) ** 5.25588
    if known.size == 0 or abs(float(np.median(known)) - standard) <= _PRESSURE_APART:
        return ()
    found = float(np.median(known))
    return (
        Note.of(
            "pressure_elevation",
            f"気圧（中央値 {found:.0f} hPa）が標高 {location.elevation:.0f} m に合いません。"
            "別の地点のデータかもしれません",
            f"pressure (median {found:.0f} hPa) does not fit the stated elevation"
            f" of {location.elevation:.0f} m: the data may be of another place",
        ),
    )
