"""Tables of weather stations, and the stations that stand for a place.

The official WBGT is published for the stations of AMeDAS, under the same numbers, so one table serves both.
Three forms are read, told apart by their content::

    {"44116": {"lat": [35, 41.0], "lon": [139, 29.0], "alt": 59, "kjName": "府中", …}}      amedastable.json
    …, 地点番号, 観測所名, …, Latitude, Latitude_3, Longitude, Longitude_4, …, End …        地点マスタ (MOE)
    id,name,lon,lat[,elevation]                                                             any other

Where a position stands in two columns they are degrees and minutes.

References
----------
.. [1] https://www.jma.go.jp/bosai/amedas/const/amedastable.json
.. [2] 環境省 熱中症予防情報サイト, 情報提供地点一覧 (``wbgt_point_master-*.csv``).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from heatrisk.errors import InputError, SourceError, SourceIncompleteError
from heatrisk.sources.files import Member
from heatrisk.sources.json_text import read_json
from heatrisk.sources.query import distance_km, listed
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.sources.table import given, key, plain, quoted, read_table
from heatrisk.weather import Station
from heatrisk.words import Words

#: Stations within this many times the nearest one's distance count beside it, at most :data:`MOST` in all.
WITHIN = 1.5
MOST = 3

#: A station farther away says too little of a place [km].
FARTHEST_KM = 50.0

#: Beside the nearest station count only those at about its height [m]: WBGT falls about 0.5 K in 100 m.
HEIGHT_APART = 300.0

#: Headers of each column, as :func:`heatrisk.sources.table.key` writes them.
COLUMNS: dict[str, tuple[str, ...]] = {
    "id": ("id", "station", "stationid", "地点番号", "観測所番号", "地点id", "amdno", "wbgt_no"),
    "name": ("name", "stationname", "観測所名", "地点名", "名称"),
    "lat": ("lat", "latitude", "緯度", "緯度(度)"),
    "lat_minutes": ("latitude_3", "緯度(分)"),
    "lon": ("lon", "lng", "longitude", "経度", "経度(度)"),
    "lon_minutes": ("longitude_4", "経度(分)"),
    "elevation": ("elevation", "alt", "altitude", "標高", "標高(m)", "海面上の高さ(m)"),
    "end": ("endyear-endmonth-endday", "end", "終了日"),
}
_NEEDED = ("id", "lon", "lat")
_RUNNING = "9999-99-99"

_NO_POSITION = Words("緯度・経度を読めません", "its position cannot be read")
_NO_NUMBER = Words("地点番号がありません", "it has no station number")
_TWICE = Words("同じ番号で位置の違う行があります", "the number stands twice, at different places")
_FORM = Words(
    "気象庁の amedastable.json か、id,name,lon,lat の列を持つ CSV を使ってください",
    "Use JMA's amedastable.json, or a CSV with the columns id,name,lon,lat.",
)


class _Row(NamedTuple):
    where: str
    station: Station
    running: bool = True
    thermometer: bool = True


def read_stations(path: Path) -> tuple[dict[str, Station], Reading]:
    """Read a table of stations.

    Parameters
    ----------
    path : pathlib.Path
        JSON or CSV, see the module.

    Returns
    -------
    stations : dict of Station
        By station number. A number that was moved stands at its present place; stations closed since stay
        in, because files of their time still name them.
    reading : Reading
        ``read`` counts rows, ``used`` stations. Facts: ``closed``, ``without_temperature`` (rain gauges,
        which say nothing of heat and are left out).

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceError
        It is no table of stations.
    """
    reading = Reading.of("station_table", path)
    rows = list(_from_json(path) if _is_json(path) else _from_csv(path))
    stations: dict[str, Station] = {}
    refused: list[Refusal] = []
    # Running stations first: of a number's places they are the present one.
    thermometers = [row for row in rows if row.thermometer]
    for where, station, running, _ in sorted(thermometers, key=lambda row: not row.running):
        known = stations.get(station.id)
        if not station.id:
            refused.append(Refusal(where, _NO_NUMBER))
        elif not _on_earth(station):
            refused.append(Refusal(where, _NO_POSITION))
        elif known is None:
            stations[station.id] = station
        elif running and (known.lon, known.lat) != (station.lon, station.lat):
            refused.append(Refusal(where, _TWICE))
    if not stations:
        raise SourceIncompleteError(
            Words("位置の分かる地点がありません", "there is no station with a position"),
            where=path,
            got=f"{len(rows)} row(s)",
            remedy=_FORM,
        )
    facts = {
        "closed": sum(not row.running for row in rows),
        "without_temperature": len(rows) - len(thermometers),
    }
    return stations, replace(reading, read=len(rows), used=len(stations), refused=tuple(refused), facts=facts)


def choose(
    stations: Mapping[str, Station],
    place: tuple[float, float],
    available: Collection[str] | None = None,
    *,
    where: Path | None = None,
) -> tuple[tuple[Station, float], ...]:
    """Return the stations that stand for a place, nearest first, each with its weight.

    The nearest, and beside it those within 1.5 times its distance and 300 m of its height, three in all at
    most; weighted by the inverse of their distance.

    Parameters
    ----------
    stations : mapping of Station
        By station number; those without position are left out.
    place : tuple of float
        Longitude and latitude [degrees].
    available : collection of str, optional
        Numbers of the stations that have values; all if omitted.
    where : pathlib.Path, optional
        The file that holds the values, for the message.

    Returns
    -------
    tuple of (Station, float)
        Weights sum to 1.

    Raises
    ------
    InputError
        No station with values has a position, or the nearest is farther than 50 km.
    """
    found = [
        (distance_km(place, (station.lon, station.lat)), number, station)
        for number, station in stations.items()
        if (available is None or number in available) and station.lon is not None and station.lat is not None
    ]
    if not found:
        raise InputError(
            Words("地点表に載っている地点がありません", "none of its stations is in the table of stations"),
            where=where,
            got=listed(sorted(available or ())) or "-",
            remedy=_NAME_THEM,
        )
    found.sort(key=lambda row: row[:2])
    nearest, _, first = found[0]
    if nearest > FARTHEST_KM:
        raise InputError(
            Words("市の近くに地点がありません", "there is no station near the city"),
            where=where,
            expected=f"<= {FARTHEST_KM:g} km",
            got=f"{first.id} {first.name}, {nearest:.0f} km",
            remedy=_NAME_THEM,
        )
    near = [
        (station, 1.0 / max(km, 0.001))
        for km, _, station in found[:50]
        if km <= max(WITHIN * nearest, 0.001) and _level(first, station)
    ][:MOST]
    total = math.fsum(share for _, share in near)
    return tuple((station, share / total) for station, share in near)


_NAME_THEM = Words(
    "市の地点を含むファイルを使うか、city.toml の stations で地点番号を指定してください",
    "Use a file that holds the city's stations, or name them under stations in city.toml.",
)


def _level(one: Station, other: Station) -> bool:
    """Tell whether two stations lie at about the same height, as far as that is known."""
    if one.elevation is None or other.elevation is None:
        return True
    return abs(one.elevation - other.elevation) <= HEIGHT_APART


def _on_earth(station: Station) -> bool:
    return (
        station.lon is not None
        and station.lat is not None
        and abs(station.lon) <= 180
        and abs(station.lat) <= 90
    )


def _is_json(path: Path) -> bool:
    with Member(path).open() as stream:
        return stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")


def _from_json(path: Path) -> Iterator[_Row]:
    table = read_json(path)
    if not isinstance(table, dict) or not any(isinstance(row, dict) for row in table.values()):
        raise SourceError(
            Words("地点表の JSON ではありません", "this JSON is no table of stations"),
            where=path,
            expected='{"44116": {"lat": [35, 41.0], "lon": [139, 29.0], "kjName": "府中"}}',
            got=type(table).__name__,
            remedy=_FORM,
        )
    for number, row in table.items():
        row = row if isinstance(row, dict) else {}
        name = row.get("kjName") or row.get("enName")
        station = Station(
            number.strip(),
            str(name or number),
            _degrees(row.get("lon")),
            _degrees(row.get("lat")),
            _number(row.get("alt")),
        )
        # The first digit of "elems" is air temperature: 0 not observed.
        yield _Row(number[:40], station, thermometer=not str(row.get("elems", "")).startswith("0"))


def _from_csv(path: Path) -> Iterator[_Row]:
    table = read_table(path)
    heads = [_columns(cells) for _, cells in table.rows[:10]]
    index = next((k for k, head in enumerate(heads) if all(name in head for name in _NEEDED)), None)
    if index is None:
        raise SourceError(
            Words("地点表の見出しが見つかりません", "no header row of a table of stations was found"),
            where=f"{path}:{table.rows[0][0]}",
            expected="id,name,lon,lat",
            got=quoted(table.rows[0][1]),
            remedy=_FORM,
        )
    for number, cells in table.rows[index + 1 :]:
        row = {name: given(cells[column]) for name, column in heads[index].items() if column < len(cells)}
        id_ = plain(row.get("id", ""))
        lon, lat = (
            _degrees([row.get(name), row[f"{name}_minutes"]] if f"{name}_minutes" in row else row.get(name))
            for name in ("lon", "lat")
        )
        station = Station(id_, row.get("name") or id_, lon, lat, _number(row.get("elevation")))
        yield _Row(str(number), station, row.get("end", "") in ("", _RUNNING))


def _columns(cells: Sequence[str]) -> dict[str, int]:
    """Return the columns that a header row names; of two with one meaning, the first."""
    found: dict[str, int] = {}
    for column, cell in enumerate(cells):
        own = next((own for own, names in COLUMNS.items() if key(cell) in names), None)
        if own is not None:
            found.setdefault(own, column)
    return found


def _degrees(value: Any) -> float | None:
    """Return degrees from a number, or from degrees and minutes; None where it is neither."""
    if not isinstance(value, list):
        return _number(value)
    parts = [_number(part) for part in value]
    if len(parts) != 2 or parts[0] is None or parts[1] is None or not 0 <= parts[1] < 60:
        return None
    return math.copysign(abs(parts[0]) + parts[1] / 60.0, parts[0])


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(plain(value) if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
