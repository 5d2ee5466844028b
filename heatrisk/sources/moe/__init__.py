"""Official WBGT of the Ministry of the Environment: one door for all its forms.

Forecast and observed CSV, as published or republished, and the answers of the web service are told apart by
their content; see :mod:`~heatrisk.sources.moe.forecast`, :mod:`~heatrisk.sources.moe.observed` and
:mod:`~heatrisk.sources.moe.api`.

References
----------
.. [1] 環境省, 令和7年度 暑さ指数(WBGT) 電子情報提供サービス 説明書.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from heatrisk.errors import InputError, SourceError, SourceIncompleteError
from heatrisk.quantities import QUANTITIES
from heatrisk.sources.files import Member, members, on_disk
from heatrisk.sources.json_text import read_json
from heatrisk.sources.moe.api import open_answer
from heatrisk.sources.moe.forecast import is_forecast, open_forecast
from heatrisk.sources.moe.observed import is_observed, open_observed
from heatrisk.sources.moe.values import (
    STEP,
    UNALTERED,
    Floats,
    Publication,
    Row,
    column,
    every_three_hours,
    newest,
    on,
    renamed,
    together,
)
from heatrisk.sources.query import distance_km, listed
from heatrisk.sources.reading import Reading
from heatrisk.sources.stations import choose
from heatrisk.sources.table import quoted, read_table
from heatrisk.weather import OfficialForecast, Station
from heatrisk.words import Note, Words

SOURCE = "環境省熱中症予防情報サイト"

_WAIT = Words(
    "次の発表を待つか、別の地点を指定してください", "Wait for the next issue, or name another station."
)
_NAME_THEM = Words(
    "city.toml の [official] stations で地点番号を指定するか、気象庁の地点表(amedastable.json)を"
    " station_table に指定して最寄りを選ばせてください",
    "Name them in [official] stations, or give JMA's amedastable.json as station_table to have the nearest.",
)

_Paths = Path | Sequence[Path]
_Steps = tuple[pd.DatetimeIndex, Floats, tuple[Note, ...]]


def read_forecast(
    paths: _Paths,
    stations: Sequence[Station | str] | None = None,
    *,
    table: Mapping[str, Station] | None = None,
    place: tuple[float, float] | None = None,
    until: datetime | None = None,
) -> tuple[OfficialForecast, Reading]:
    """Read official WBGT: a forecast, or observed values to anchor a day gone by.

    Of several forecasts for a station the newest counts. Instants at either end that not all stations have
    are left out; a hole between is an error, because a forecast with a hole must not anchor a map. Of
    observed values the hours 3, 6, … 24 (Japan's time) at which every station has one are returned; the
    whole series is had from :func:`read_observed`.

    Parameters
    ----------
    paths : pathlib.Path or sequence of pathlib.Path
        Files for a station, a prefecture or the country; folders, zips and patterns of them.
    stations : sequence of Station or str, optional
        Stations to use, in order; may be omitted where there is one only, or with ``table`` and ``place``.
    table : mapping of Station, optional
        Positions and names by station number, see :func:`heatrisk.sources.stations.read_stations`.
    place : tuple of float, optional
        Longitude and latitude [degrees] of the city; stations are chosen by their distance from it.
    until : datetime.datetime, optional
        Forecasts issued later, with zone, are passed over.

    Returns
    -------
    forecast : OfficialForecast
        WBGT as published [degC], instants in UTC.
    reading : Reading
        ``read`` counts the stations in the files, ``used`` those returned; ``as_of`` is the oldest issue
        time among these. Facts: ``kind``, ``stations``, ``weights``, ``distance_km`` (where known),
        ``issued``, ``first``, ``last`` (UTC), ``values``, ``superseded`` (older forecasts passed over),
        ``files`` (what is known of each).

    Raises
    ------
    SourceUnavailableError
        A file is not there.
    SourceIncompleteError
        A station is not in the files, or a value or an instant is missing; names row and column.
    UnitsError
        The unit of the values cannot be told, or they are impossible.
    InputError
        There are several stations and none was named, none is near, or forecast and observed are mixed.
    SourceError
        A file is of no known form, or two contradict each other.
    """
    publications, reading = _opened(paths)
    known = dict(table or {})
    publications = _numbered(publications, stations)
    if not stations and place is not None and table is not None:
        chosen, weights = _nearest(publications, known, place)
    else:
        chosen, weights = _named(publications, stations, known), ()
    rows, superseded = _rows(publications, chosen, until)
    observed = publications[0].kind == "observed"
    times, values, notes = _observed_steps(rows) if observed else _forecast_steps(rows, chosen)
    forecast = OfficialForecast(
        tuple(chosen), times, values, tuple(row.issued for row in rows), SOURCE, weights, publications[0].kind
    )
    facts = {**_facts(forecast, place), "superseded": superseded, "files": _file_facts(publications)}
    every_note = dict.fromkeys((*(note for one in publications for note in one.notes), *notes))
    return forecast, replace(
        reading,
        as_of=min(forecast.issued).tz_localize(UTC).to_pydatetime(),
        read=len({number for one in publications for number in one.stations}),
        used=len(chosen),
        facts=facts,
        notes=tuple(every_note),
    )


def read_observed(
    paths: _Paths, stations: Sequence[Station | str] | None = None
) -> tuple[xr.Dataset, Reading]:
    """Read every observed official value, hour by hour.

    Parameters
    ----------
    paths : pathlib.Path or sequence of pathlib.Path
        Files of observed values.
    stations : sequence of Station or str, optional
        Stations to return, in order; all if omitted.

    Returns
    -------
    observed : xarray.Dataset
        On (station, time): ``wbgt_moe`` and, where measured, ``tg`` [degC]; NaN where there is no value.
        Times in UTC.
    reading : Reading
        ``read`` counts the stations in the files, ``used`` those returned. Facts: ``first``, ``last`` (UTC),
        ``values``, ``missing``, ``files``.

    Raises
    ------
    SourceError, InputError
        As for :func:`read_forecast`; a file that is a forecast is refused.
    """
    publications, reading = _opened(paths)
    publications = _numbered(publications, stations)
    if publications[0].kind != "observed":
        raise SourceError(
            Words("実況値のファイルではありません", "this is a file of forecasts, not of observed values"),
            where=publications[0].name,
            remedy=UNALTERED,
        )
    every = stations or sorted({number for one in publications for number in one.stations})
    chosen = _named(publications, every, {})
    rows, _ = _rows(publications, chosen)
    times = reduce(pd.DatetimeIndex.union, (row.times for row in rows))
    attrs = {"wbgt_moe": QUANTITIES["wbgt_moe"].attrs, "tg": _TG}
    series: dict[str, list[Floats | None]] = {
        "wbgt_moe": [row.values for row in rows],
        "tg": [row.tg for row in rows],
    }
    dataset = xr.Dataset(
        {
            name: (
                ("station", "time"),
                np.stack([on(times, row.times, own) for row, own in zip(rows, columns, strict=True)]),
                attrs[name],
            )
            for name, columns in series.items()
            if any(own is not None for own in columns)
        },
        coords={"station": [station.id for station in chosen], "time": times.to_numpy("datetime64[ns]")},
    )
    found = int(np.isfinite(dataset["wbgt_moe"].values).sum())
    facts = {
        "first": _utc(times[0]),
        "last": _utc(times[-1]),
        "values": found,
        "missing": dataset["wbgt_moe"].size - found,
        "files": _file_facts(publications),
    }
    read = len({number for one in publications for number in one.stations})
    as_of = max(row.issued for row in rows).tz_localize(UTC).to_pydatetime()
    return dataset, replace(reading, as_of=as_of, read=read, used=len(chosen), facts=facts)


_TG = {"units": "degC", "long_name": "globe temperature"}


def _opened(paths: _Paths) -> tuple[list[Publication], Reading]:
    given = [paths] if isinstance(paths, Path) else list(paths)
    found = members(given, (".csv", ".json"))
    reading = Reading.of("official", *on_disk(found), named=given[0])
    publications = [_open(member) for member in found]
    kinds = {publication.kind: publication.name for publication in publications}
    if len(kinds) > 1:
        raise InputError(
            Words("予測値と実況値のファイルが混ざっています", "forecasts and observed values are mixed"),
            where=kinds["observed"],
            got=kinds["forecast"],
            remedy=Words("どちらか一方を指定してください", "Give files of one kind."),
        )
    return publications, reading


def _open(member: Member) -> Publication:
    with member.open() as stream:
        head = stream.read(64)
    if not head:
        raise SourceError(Words("ファイルが空です", "the file is empty"), where=member.name, remedy=UNALTERED)
    if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return open_answer(read_json(member), member.name)
    table = read_table(member)
    number, header = table.rows[0]
    if is_forecast(header):
        return open_forecast(table, member.name)
    if is_observed(header):
        return open_observed(table, member.name)
    raise SourceError(
        Words("予測値・実況値の CSV の見出しではありません", "the header row is not that of an official CSV"),
        where=f"{member.name}:{number}",
        expected=",,YYYYMMDDHH,YYYYMMDDHH,… / Date,Time,44116,…",
        got=quoted(header),
        remedy=UNALTERED,
    )


def _numbered(publications: list[Publication], stations: Sequence[Station | str] | None) -> list[Publication]:
    """Give files that do not say which station they are of the one station that is named."""
    names = {one.stations[0] for one in publications if one.unnumbered}
    ids = [station if isinstance(station, str) else station.id for station in stations or ()]
    if len(ids) != 1 or ids[0] in names or len(names) != 1:
        return publications
    return [renamed(one, ids[0]) if one.unnumbered else one for one in publications]


def _nearest(
    publications: list[Publication], table: dict[str, Station], place: tuple[float, float]
) -> tuple[list[Station], tuple[float, ...]]:
    available = {number for one in publications if not one.unnumbered for number in one.stations}
    near = choose(table, place, available, where=Path(publications[0].name))
    return [station for station, _ in near], tuple(weight for _, weight in near)


def _named(
    publications: list[Publication], stations: Sequence[Station | str] | None, table: dict[str, Station]
) -> list[Station]:
    """Return the stations to use, checked against the files."""
    found = list(dict.fromkeys(number for one in publications for number in one.stations))
    where = publications[0].name
    if not stations:
        if len(found) > 1:
            raise InputError(
                Words("地点が 2 つ以上あります", "there are several stations"),
                where=where,
                got=listed(found),
                remedy=_NAME_THEM,
            )
        stations = found
    chosen = [table.get(one, Station(one, one)) if isinstance(one, str) else one for one in stations]
    absent = next((station.id for station in chosen if station.id not in found), None)
    if absent is not None:
        raise SourceIncompleteError(
            Words(f"地点 {absent} の行がありません", f"station {absent} is not in the file"),
            where=where,
            got=listed(found),
            remedy=Words(
                "[official] stations の地点番号を確かめてください",
                "Check the numbers in [official] stations.",
            ),
        )
    return chosen


def _rows(
    publications: list[Publication], chosen: list[Station], until: datetime | None = None
) -> tuple[list[Row], int]:
    """Return one row a station, and the number of older forecasts passed over."""
    rows, superseded = [], 0
    for station in chosen:
        found = [one.row(station.id) for one in publications if station.id in one.stations]
        if publications[0].kind == "forecast":
            found, older = newest(found, until)
            superseded += older
        rows.append(together(found))
    return rows, superseded


def _forecast_steps(rows: list[Row], chosen: list[Station]) -> _Steps:
    """Return the instants that every station's forecast reaches, and the values there."""
    times = reduce(pd.DatetimeIndex.intersection, (row.times for row in rows))
    if times.empty:
        raise _apart(rows)
    every_three_hours(times, rows[0].where)
    values = np.stack([on(times, row.times, row.values) for row in rows])
    filled = np.isfinite(values)
    # From the last row's beginning to the first one's end.
    begun = np.logical_or.accumulate(filled, axis=1)
    going = np.logical_or.accumulate(filled[:, ::-1], axis=1)[:, ::-1]
    kept = np.flatnonzero((begun & going).all(axis=0))
    for station, row, own in zip(chosen, rows, filled, strict=True):
        holes = times[kept[~own[kept]]] if own.any() else times
        if len(holes):
            hole = column(holes[0])
            raise SourceIncompleteError(
                Words(
                    f"地点 {station.id} の予測値が欠けています(列 {hole})",
                    f"the forecast of station {station.id} has a hole (column {hole})",
                ),
                where=row.where,
                remedy=_WAIT,
            )
    if not kept.size:
        raise _apart(rows)
    return times[kept], values[:, kept], ()


def _apart(rows: list[Row]) -> SourceIncompleteError:
    return SourceIncompleteError(
        Words("地点の予測期間が重なりません", "the forecasts of the stations do not overlap"),
        where=rows[0].where,
        got=rows[-1].where,
        remedy=Words("同じ時刻に発表されたファイルを使ってください", "Use files of one issue."),
    )


def _observed_steps(rows: list[Row]) -> _Steps:
    """Return the three-hourly instants at which every station has an observed value, and the values."""
    times = reduce(pd.DatetimeIndex.intersection, (row.times for row in rows))
    times = times[times == times.floor(STEP)]  # 03, 06, … in Japan are 18, 21, … UTC
    values = np.stack([on(times, row.times, row.values) for row in rows])
    filled = np.flatnonzero(np.isfinite(values).all(axis=0))
    if not filled.size:
        raise SourceIncompleteError(
            Words("3 時間ごとの時刻に実況値がありません", "no three-hourly instant has an observed value"),
            where=rows[0].where,
            remedy=UNALTERED,
        )
    times, values = times[filled], values[:, filled]
    holes = (times[-1] - times[0]) // STEP + 1 - len(times)
    if not holes:
        return times, values, ()
    note = Note.of(
        "official_holes",
        f"実況値のない {holes} 時刻は計算していません",
        f"{holes} instants without observed value were left out",
    )
    return times, values, (note,)


def _facts(forecast: OfficialForecast, place: tuple[float, float] | None) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "kind": forecast.kind,
        "stations": [station.id for station in forecast.stations],
        "weights": [round(weight, 4) for weight in forecast.weights],
        "issued": _utc(max(forecast.issued)),
        "first": _utc(forecast.times[0]),
        "last": _utc(forecast.times[-1]),
        "values": forecast.values.size,
    }
    if place is not None:
        facts["distance_km"] = {
            station.id: round(distance_km(place, (station.lon, station.lat)), 1)
            for station in forecast.stations
            if station.lon is not None and station.lat is not None
        }
    return facts


def _file_facts(publications: list[Publication]) -> list[dict[str, Any]]:
    return [{"file": Path(one.name).name, "stations": len(one.stations), **one.facts} for one in publications]


def _utc(time: pd.Timestamp) -> str:
    return f"{time.isoformat()}Z"
