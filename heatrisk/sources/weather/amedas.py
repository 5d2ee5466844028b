"""JMA's AMeDAS: observations of one station, from the map files or the station files of the bosai service.

::

    20250628180000.json (map)                 44132/20241123_18.json (one station, every 10 minutes)
    {"44116": {"temp": [29.0, 0], …}, …}      {"20241123180000": {"temp": [12.0, 0], …}, …}

Every element is a value and its quality; only quality 0 counts. Times are Japan's. The network measures no
radiation: it is derived from the duration of sunshine.

References
----------
.. [1] https://www.jma.go.jp/bosai/amedas/
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.fields import sunshine_ghi
from heatrisk.sources.query import WeatherQuery, distance_km, far_notes, listed
from heatrisk.sources.reading import Reading
from heatrisk.sources.stations import read_stations
from heatrisk.sources.weather.amedas_json import SAVE, Observed, observations
from heatrisk.sources.weather.series import HOUR, Floats, clock, too_few, usual_step, weather_series
from heatrisk.weather import Station, Weather
from heatrisk.words import Note, Words

SOURCE = "気象庁アメダス"

#: Element of the files, for each quantity.
ELEMENTS = {"ta": "temp", "rh": "humidity", "va": "wind", "ps": "pressure"}

#: Sunshine by the interval that it covers: element, and what the whole interval counts.
SUNSHINE = {pd.Timedelta(minutes=10): ("sun10m", 10.0), HOUR: ("sun1h", 1.0)}

#: Missing values no longer than this are interpolated from both sides; longer ones stay missing.
LONGEST_GAP = HOUR

#: Stations lie about 20 km apart.
NEAR = 30.0

#: How many stations around the place are looked through for one that observes all that is needed.
_CANDIDATES = 12

_NAME_IT = Words(
    "city.toml の [weather] station に観測所番号を書くか、station_table に地点表を指定してください",
    "Name the station under [weather] station, or give the table of stations under station_table.",
)
_ESTIMATED = Note.of(
    "radiation_from_sunshine",
    "日射量は日照時間からオングストローム式（FAO-56）で推定",
    "radiation estimated from the duration of sunshine (Ångström-Prescott, FAO-56)",
)


def read_amedas(asked: WeatherQuery | Path) -> tuple[Weather, Reading]:
    """Read the observations of one station of AMeDAS.

    Named by the query, or the only one in the files, or the nearest to the query's place that observes air
    temperature and humidity.

    Parameters
    ----------
    asked : WeatherQuery or pathlib.Path
        Files of either kind, in any number and mixture; the station, or the table of stations.

    Returns
    -------
    weather : Weather
        Air temperature, humidity, wind, where measured pressure, and global radiation by
        :func:`heatrisk.fields.sunshine_ghi`, every 10 minutes or every hour as the files come. Wind is taken
        to be measured 10 m above ground, as is usual; some stations measure on roofs.
    reading : Reading
        ``read`` counts the station's instants in the files, ``used`` those among the rows returned,
        ``refused`` files.
        Facts: those of :func:`heatrisk.sources.weather.series.weather_series`, ``station``, ``station_name``,
        ``distance_km``, ``passed_over`` (nearer stations without temperature or humidity), ``filled``
        (interpolated values by variable, an hour at most at a time), ``off_axis`` (instants between rows).

    Raises
    ------
    SourceUnavailableError
        A file is not there.
    SourceIncompleteError
        The station does not observe temperature and humidity, is not in the files, or most instants are
        missing.
    InputError
        There are fewer than two instants.
    SourceError
        No file is of this kind, or nothing tells which station is meant.
    """
    query = WeatherQuery.of(asked)
    files, reading = query.opened(".json")
    table: dict[str, Station] = {}
    if query.station_table is not None:
        table, of_table = read_stations(query.station_table)
        reading = replace(reading, files=(*reading.files, *of_table.files))
    named = None if query.station is None else _named(query.station, table, query)
    observed = observations(files, _wanted(named, table, query.place), None if named is None else named.id)
    station, passed = _chosen(observed, named, table, query)
    records = observed.records[station.id]
    times, columns, off_axis = _on_axis(records, query.paths[0])
    filled = {}
    for name, values in columns.items():
        columns[name], filled[name] = _filled(values, times[1] - times[0])
    position = _position(station)
    notes = _radiation(columns, times, position or query.place)
    series, facts = weather_series(times, columns, query.paths[0])
    km = distance_km(query.place, position) if query.place and position else None
    last = pd.Timestamp(series["time"].values[-1])
    facts |= {
        "station": station.id,
        "station_name": station.name,
        "passed_over": passed,
        "off_axis": off_axis,
        "filled": {name: count for name, count in filled.items() if count},
    } | ({} if km is None else {"distance_km": round(km, 1)})
    source = f"{SOURCE} {station.name}" + (f" ({station.id})" if station.name != station.id else "")
    return Weather(series, wind_height=10.0, source=source, issued=last), replace(
        reading,
        as_of=last.to_pydatetime().replace(tzinfo=UTC),
        read=len(records),
        # Rows between the instants of the files were filled, or stay empty.
        used=int(series.indexes["time"].isin(list(records)).sum()),
        refused=tuple(observed.refused),
        facts=facts,
        notes=(*notes, *_filled_notes(sum(filled.values())), *far_notes(km, NEAR)),
    )


def _named(name: str, table: Mapping[str, Station], query: WeatherQuery) -> Station:
    """Return the station of a number or name; of several with one name, the nearest to the place."""
    found = [station for station in table.values() if name in (station.id, station.name)]
    if len(found) > 1 and query.place is None:
        raise SourceError(
            Words(f"{name} という観測所が複数あります", f"several stations are called {name}"),
            where=query.station_table,
            got=listed([station.id for station in found]),
            remedy=_NAME_IT,
        )
    return min(found, key=lambda one: _away(one, query.place), default=Station(name, name))


def _wanted(
    named: Station | None, table: Mapping[str, Station], place: tuple[float, float] | None
) -> frozenset[str]:
    """Return the stations of a map that are looked at: the one named, and the nearest around."""
    centre = place if named is None or _position(named) is None else _position(named)
    around = sorted(table, key=lambda number: _away(table[number], centre))[:_CANDIDATES] if centre else []
    return frozenset([*around, *([] if named is None else [named.id])])


def _chosen(
    observed: Observed, named: Station | None, table: Mapping[str, Station], query: WeatherQuery
) -> tuple[Station, list[str]]:
    """Return the station to use, and the nearer ones that lack temperature or humidity."""
    centre = query.place if named is None else _position(named) or query.place
    held = [table.get(number, Station(number, number)) for number in observed.records]
    held.sort(key=lambda station: (_away(station, centre), station.id))
    usable = [station for station in held if observed.complete(station.id)]
    if named is not None:
        if named in usable:
            return named, []
        raise _not_usable(named, observed, usable, query)
    if not held or ((len(held) > 1 or observed.others) and (query.place is None or not table)):
        raise SourceError(
            Words("どの観測所を使うか決められません", "nothing tells which station to use"),
            where=query.paths[0],
            got=listed(sorted({*observed.records, *observed.others})),
            remedy=_NAME_IT,
        )
    if not usable:
        raise _not_usable(held[0], observed, [], query)
    return usable[0], [station.id for station in held[: held.index(usable[0])]]


def _not_usable(
    station: Station, observed: Observed, others: Sequence[Station], query: WeatherQuery
) -> SourceIncompleteError:
    """Return the error of a station without the needed elements, naming the nearest that has them."""
    rows = list(observed.records.get(station.id, {}).values())
    other = f"{others[0].name} ({others[0].id})" if others else None
    return SourceIncompleteError(
        Words(
            "観測所に気温か相対湿度の有効な値がありません", "the station gives no air temperature or humidity"
        )
        if rows
        else Words("観測所がファイルにありません", "the station is not in the files"),
        where=query.paths[0],
        expected=f"{station.id} {station.name}: temp, humidity",
        got=", ".join(sorted({name for row in rows for name in row})) or "-",
        remedy=_NAME_IT
        if other is None
        else Words(f"近くの観測所 {other} を使えます", f"A station nearby has both: {other}."),
    )


def _on_axis(
    records: Mapping[pd.Timestamp, Mapping[str, float]], where: Path
) -> tuple[pd.DatetimeIndex, dict[str, Floats], int]:
    """Return a regular axis at the files' usual interval, the values on it, and how many instants are off."""
    times = pd.DatetimeIndex(sorted(records)).as_unit("ns")
    if len(times) < 2:
        raise too_few(len(times), where)
    step = usual_step(times)
    phases = times.to_numpy().astype(np.int64) % step.as_unit("ns").value
    values, counts = np.unique(phases, return_counts=True)
    there = times[phases == values[counts.argmax()]]
    count = int((there[-1] - there[0]) / step) + 1
    if count > 2 * len(there):
        gaps = np.flatnonzero(np.diff(there.to_numpy()) > step.to_timedelta64())
        raise SourceIncompleteError(
            Words("半分以上の時刻が抜けています", "more than half of the times are missing"),
            where=where,
            expected=f"{count} x {step / pd.Timedelta(minutes=1):g} min",
            got=f"{len(there)}: {clock(there[gaps[0]])} → {clock(there[gaps[0] + 1])}",
            remedy=SAVE,
        )
    axis = pd.date_range(there[0], there[-1], freq=step)
    at = axis.get_indexer(there)
    columns = {}
    for name, (element, whole) in _elements(step).items():
        columns[name] = np.full(len(axis), np.nan)
        columns[name][at] = [records[time].get(element, np.nan) / whole for time in there]
    return axis, columns, len(times) - len(there)


def _elements(step: pd.Timedelta) -> dict[str, tuple[str, float]]:
    """Return the element and the divisor of each column at an interval."""
    sunshine = {"sunshine": SUNSHINE[step]} if step in SUNSHINE else {}
    return {name: (element, 1.0) for name, element in ELEMENTS.items()} | sunshine


def _filled(values: Floats, step: pd.Timedelta) -> tuple[Floats, int]:
    """Interpolate holes of an hour at most between known values, and count the values."""
    empty = np.isnan(values)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], empty, [False])).astype(np.int8)))
    short = np.zeros(len(values), dtype=bool)
    for start, end in edges.reshape(-1, 2):
        if start > 0 and end < len(values) and (end - start) * step <= LONGEST_GAP:
            short[start:end] = True
    filled = values.copy()
    filled[short] = (
        np.interp(np.flatnonzero(short), np.flatnonzero(~empty), values[~empty]) if short.any() else 0
    )
    return filled, int(short.sum())


def _radiation(
    columns: dict[str, Floats], times: pd.DatetimeIndex, place: tuple[float, float] | None
) -> tuple[Note, ...]:
    """Put radiation in the place of sunshine, where the place on earth is known."""
    sunshine = columns.pop("sunshine", None)
    if sunshine is None or np.isnan(sunshine).all() or place is None:
        return ()
    on_axis = xr.DataArray(sunshine, dims="time", coords={"time": times})
    columns["ghi"] = sunshine_ghi(on_axis, times[1] - times[0], *place).values
    return (_ESTIMATED,)


def _filled_notes(count: int) -> tuple[Note, ...]:
    if count == 0:
        return ()
    return (
        Note.of(
            "weather_gaps_filled",
            f"1時間以内の欠測 {count} 個を前後の観測値から補間しました",
            f"{count} missing values, an hour at most at a time, were interpolated between observations",
        ),
    )


def _position(station: Station) -> tuple[float, float] | None:
    return None if station.lon is None or station.lat is None else (station.lon, station.lat)


def _away(station: Station, place: tuple[float, float] | None) -> float:
    """Return the distance of a station [km]; endless where it is unknown."""
    at = _position(station)
    return math.inf if at is None or place is None else distance_km(place, at)
