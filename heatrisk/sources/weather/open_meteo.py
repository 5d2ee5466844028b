"""Open-Meteo: answers of its forecast or archive service, saved as JSON files.

Units and zone are read from the answer, never assumed: without being asked otherwise the service gives
km/h and GMT. Radiation is the mean over the interval that ends at the stated time, be it a quarter of an
hour, an hour or three [1]_ [2]_; the ``…_instant`` variables are another quantity and never taken for it.

References
----------
.. [1] https://open-meteo.com/en/docs
.. [2] https://github.com/open-meteo/open-meteo/pull/953 (3-hourly answers average radiation over 3 hours)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.sources.clock import FARTHEST_ZONE, instants, since_1970
from heatrisk.sources.files import Member
from heatrisk.sources.json_text import read_json
from heatrisk.sources.query import WeatherQuery, distance_km, far_notes, listed
from heatrisk.sources.reading import Reading
from heatrisk.sources.weather.series import converted, joined, usual_step, weather_series
from heatrisk.weather import Weather
from heatrisk.words import Note, Words

SOURCE = "Open-Meteo.com"

#: Name of a variable in the answer, for each quantity.
VARIABLES = {
    "ta": "temperature_2m",
    "rh": "relative_humidity_2m",
    "va": "wind_speed_10m",
    "ps": "surface_pressure",
    "ghi": "shortwave_radiation",
    "dni": "direct_normal_irradiance",
    "dhi": "diffuse_radiation",
}

#: Parts of an answer that hold a series; the first that is there is taken.
SECTIONS = ("hourly", "minutely_15")

#: Grid points of its models lie within this distance of any place [km].
NEAR = 30.0

_ZONES = {"GMT": 0, "UTC": 0, "Asia/Tokyo": 32400}
_ASK = Words(
    "Open-Meteo の応答(JSON)をそのまま保存してください(hourly=temperature_2m,relative_humidity_2m,… を指定)",
    "Save the service's JSON answer as it is (ask for hourly=temperature_2m,relative_humidity_2m,…).",
)
_INSTANT = Note.of(
    "radiation_instant_unused",
    "日射量が瞬時値(…_instant)だけのため使っていません",
    "radiation is given at instants only (…_instant) and was not used: means are needed",
)


class _Answer(NamedTuple):
    """One place's answer in one file."""

    name: str
    content: dict[str, Any]

    @property
    def place(self) -> tuple[float, float] | None:
        lon = _number(self.content.get("longitude"), 180.0)
        lat = _number(self.content.get("latitude"), 90.0)
        return None if lon is None or lat is None else (lon, lat)


def read_open_meteo(asked: WeatherQuery | Path) -> tuple[Weather, Reading]:
    """Read saved answers of Open-Meteo.

    Of answers for several places the nearest to the query's place is taken; several answers for that very
    place are joined in the order of their times.

    Parameters
    ----------
    asked : WeatherQuery or pathlib.Path
        JSON with ``hourly`` (or ``minutely_15``), its units, and ``utc_offset_seconds``.

    Returns
    -------
    weather : Weather
        Air temperature, humidity and, where given, wind at 10 m, pressure and irradiances.
    reading : Reading
        ``read`` counts the rows in the answer, ``used`` those returned. Facts: those of
        :func:`heatrisk.sources.weather.series.weather_series`, ``longitude``, ``latitude``, ``elevation``
        of the answer, ``places`` (how many there were) and ``distance_km`` from the query's place.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        Temperature or humidity, the units or the time axis is missing.
    UnitsError
        A variable is in an unknown unit or has impossible values.
    InputError
        The times are not regular.
    SourceError
        It is no answer of this service, an answer that tells of an error, or there are several places and
        no telling which is meant.
    """
    query = WeatherQuery.of(asked)
    files, reading = query.opened(".json")
    answers = [answer for file in files for answer in _answers(file)]
    places = list(dict.fromkeys(answer.place for answer in answers))
    place = _nearest(places, query)
    chosen = [answer for answer in answers if answer.place == place]
    parts = [(answer.name, *_columns(answer)) for answer in chosen]
    times, columns = joined(parts)
    series, facts = weather_series(times, columns, chosen[0].name)
    km = distance_km(query.place, place) if query.place and place else None
    first = chosen[0].content
    facts |= {name: first[name] for name in ("longitude", "latitude", "elevation") if name in first}
    facts |= {"places": len(places)} | ({} if km is None else {"distance_km": round(km, 1)})
    notes = far_notes(km, NEAR)
    if not {"ghi", "dni"} & set(columns) and any(_only_instant(answer.content) for answer in chosen):
        notes += (_INSTANT,)
    return Weather(series=series, wind_height=10.0, source=SOURCE), replace(
        reading,
        read=len(times),
        used=series.sizes["time"],
        facts=facts,
        notes=notes,
    )


def _nearest(places: list[tuple[float, float] | None], query: WeatherQuery) -> tuple[float, float] | None:
    """Return the place whose answer counts."""
    known = [place for place in places if place is not None]
    if len(places) == 1:
        return places[0]
    if query.place is None or len(known) < len(places):
        raise SourceError(
            Words(
                "複数の地点の応答で、どれを使うか決められません", "there are several places: which is meant?"
            ),
            where=query.paths[0],
            got=listed([f"{place[1]:g}, {place[0]:g}" if place else "?" for place in places]),
            remedy=Words(
                "1地点の応答にするか、city.toml の [city] bounds を書いてください",
                "Save the answer for one place, or give [city] bounds in the city file.",
            ),
        )
    return min(known, key=lambda place: distance_km(query.place or place, place))


def _columns(answer: _Answer) -> tuple[pd.DatetimeIndex, dict[str, npt.NDArray[np.float64]]]:
    """Return times and values of an answer, in standard units."""
    content, name = answer.content, answer.name
    part = next((part for part in SECTIONS if part in content), SECTIONS[0])
    rows, units = _section(content, part, name), _section(content, f"{part}_units", name)
    times = _times(content, rows, units, f"{name}: {part}.time")
    step = usual_step(times)
    columns = {
        own: converted(
            _numbers(rows[variable], len(times), variable, name), own, str(units.get(variable)), name, step
        )
        for own, variable in VARIABLES.items()
        if variable in rows
    }
    if "dhi" not in columns and "ghi" in columns and "direct_radiation" in rows:
        direct = _numbers(rows["direct_radiation"], len(times), "direct_radiation", name)
        direct = converted(direct, "ghi", str(units.get("direct_radiation")), name, step)
        columns["dhi"] = np.maximum(columns["ghi"] - direct, 0.0)
    return times, columns


def _only_instant(content: dict[str, Any]) -> bool:
    return any(f"{VARIABLES['ghi']}_instant" in content.get(part, {}) for part in SECTIONS)


def _number(value: Any, most: float) -> float | None:
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= most
    return float(value) if usable else None


def _answers(file: Member) -> list[_Answer]:
    content = read_json(file)
    answers = content if isinstance(content, list) and content else [content]
    for answer in answers:
        if not isinstance(answer, dict):
            raise SourceError(
                Words("Open-Meteo の応答ではありません", "this is no answer of Open-Meteo"),
                where=file.name,
                expected='{"hourly": …}',
                got=type(answer).__name__,
                remedy=_ASK,
            )
        if answer.get("error"):
            raise SourceError(
                Words("Open-Meteo がエラーを返しています", "the saved answer tells of an error"),
                where=file.name,
                got=str(answer.get("reason"))[:200],
                remedy=_ASK,
            )
    return [_Answer(file.name, answer) for answer in answers]


def _section(answer: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    section = answer.get(name)
    if not isinstance(section, dict):
        raise SourceIncompleteError(
            Words(f"{name} がありません", f"{name} is missing"),
            where=where,
            got=", ".join(answer)[:120],
            remedy=_ASK,
        )
    return section


def _times(
    answer: dict[str, Any], rows: dict[str, Any], units: dict[str, Any], where: str
) -> pd.DatetimeIndex:
    """Return the time axis, UTC, from local times and their stated offset, or from seconds since 1970."""
    texts = rows.get("time")
    if not isinstance(texts, list) or not texts:
        raise SourceIncompleteError(
            Words("時刻がありません", "the times are missing"), where=where, remedy=_ASK
        )
    try:
        if units.get("time") == "unixtime":
            return since_1970(np.array(texts, dtype=np.int64))
        zone = answer.get("utc_offset_seconds", _ZONES.get(str(answer.get("timezone"))))
        offset = _number(zone, FARTHEST_ZONE.total_seconds())
        if offset is None:
            raise SourceIncompleteError(
                Words(
                    "時刻の基準(utc_offset_seconds)がありません",
                    "utc_offset_seconds is missing: the zone is unknown",
                ),
                where=where,
                got=f"timezone {answer.get('timezone')}",
                remedy=_ASK,
            )
        return instants([str(text) for text in texts], timedelta(seconds=offset))
    except (ValueError, OverflowError, TypeError) as error:
        raise SourceError(
            Words("時刻を読めません", "a time cannot be read"),
            where=where,
            expected="2025-08-05T09:00",
            got=str(error)[:60],
            remedy=_ASK,
        ) from error


def _numbers(values: Any, size: int, variable: str, where: str) -> npt.NDArray[np.float64]:
    """Return a variable's values; null is NaN."""
    if not isinstance(values, list) or len(values) != size:
        raise SourceIncompleteError(
            Words(f"{variable} の数が時刻の数と合いません", f"{variable} has not one value an hour"),
            where=where,
            expected=str(size),
            got=str(len(values)) if isinstance(values, list) else "-",
            remedy=_ASK,
        )
    try:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise SourceError(
            Words(f"{variable} に数値でない値があります", f"{variable} holds a value that is no number"),
            where=where,
            got=str(error)[:80],
            remedy=_ASK,
        ) from error
