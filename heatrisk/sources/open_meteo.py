"""Open-Meteo: an answer of its forecast or archive service, saved as a JSON file.

Units and zone are read from the answer, never assumed: without being asked otherwise the service gives
km/h and GMT. Radiation is the mean over the hour that ends at the stated time.

References
----------
.. [1] https://open-meteo.com/en/docs
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.sources.clock import instant
from heatrisk.sources.reading import Reading
from heatrisk.sources.series import converted, weather_series
from heatrisk.weather import Weather
from heatrisk.words import Words

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

_ZONES = {"GMT": 0, "UTC": 0, "Asia/Tokyo": 32400}
_ASK = Words(
    "Open-Meteo の応答(JSON)をそのまま保存してください(hourly=temperature_2m,relative_humidity_2m,… を指定)",
    "Save the service's JSON answer as it is (ask for hourly=temperature_2m,relative_humidity_2m,…).",
)


def read_open_meteo(path: Path) -> tuple[Weather, Reading]:
    """Read a saved answer of Open-Meteo.

    Parameters
    ----------
    path : pathlib.Path
        JSON with ``hourly``, ``hourly_units`` and ``utc_offset_seconds`` for one place.

    Returns
    -------
    weather : Weather
        Air temperature, humidity and, where given, wind at 10 m, pressure and irradiances.
    reading : Reading
        ``read`` counts the hours in the file, ``used`` those returned. Facts: ``variables``, ``missing``
        (empty values by variable), ``first``, ``last`` (UTC), ``longitude``, ``latitude``.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        Temperature or humidity, the units or the time axis is missing.
    UnitsError
        A variable is in an unknown unit or has impossible values.
    SourceError
        It is no answer of this service, or an answer that tells of an error.
    """
    reading = Reading.of("weather", path)
    answer = _answer(path)
    hourly, units = _section(answer, "hourly", path), _section(answer, "hourly_units", path)
    times = _times(answer, hourly, units, path)
    columns = {}
    for name, variable in VARIABLES.items():
        if variable in hourly:
            columns[name] = converted(
                _numbers(hourly[variable], len(times), variable, path), name, str(units.get(variable)), path
            )
    if "dhi" not in columns and "ghi" in columns and "direct_radiation" in hourly:
        direct = _numbers(hourly["direct_radiation"], len(times), "direct_radiation", path)
        columns["dhi"] = np.maximum(columns["ghi"] - direct, 0.0)
    series, facts = weather_series(times, columns, path)
    place: dict[str, Any] = {
        name: answer[name] for name in ("longitude", "latitude", "elevation") if name in answer
    }
    weather = Weather(series=series, wind_height=10.0, source=SOURCE)
    return weather, replace(reading, read=len(times), used=series.sizes["time"], facts={**facts, **place})


def _answer(path: Path) -> dict[str, Any]:
    try:
        answer = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _unknown(path, str(error)[:120]) from error
    if isinstance(answer, list) and len(answer) == 1:
        answer = answer[0]
    if not isinstance(answer, dict):
        raise _unknown(path, f"{type(answer).__name__}")
    if answer.get("error"):
        raise SourceError(
            Words("Open-Meteo がエラーを返しています", "the saved answer tells of an error"),
            where=path,
            got=str(answer.get("reason"))[:200],
            remedy=_ASK,
        )
    return answer


def _section(answer: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    section = answer.get(name)
    if not isinstance(section, dict):
        raise SourceIncompleteError(
            Words(f"{name} がありません", f"{name} is missing"),
            where=path,
            got=", ".join(answer)[:120],
            remedy=_ASK,
        )
    return section


def _times(
    answer: dict[str, Any], hourly: dict[str, Any], units: dict[str, Any], path: Path
) -> pd.DatetimeIndex:
    """Return the time axis, UTC, from local times and their stated offset, or from seconds since 1970."""
    texts = hourly.get("time")
    if not isinstance(texts, list) or not texts:
        raise SourceIncompleteError(
            Words("hourly.time がありません", "hourly.time is missing"), where=path, remedy=_ASK
        )
    try:
        if units.get("time") == "unixtime":
            return pd.DatetimeIndex(pd.to_datetime(np.array(texts, dtype=np.int64), unit="s"))
        offset = answer.get("utc_offset_seconds", _ZONES.get(str(answer.get("timezone"))))
        if not isinstance(offset, int | float):
            raise SourceIncompleteError(
                Words(
                    "時刻の基準(utc_offset_seconds)がありません",
                    "utc_offset_seconds is missing: the zone is unknown",
                ),
                where=path,
                got=f"timezone {answer.get('timezone')}",
                remedy=_ASK,
            )
        return pd.DatetimeIndex([instant(str(text), pd.Timedelta(seconds=offset)) for text in texts])
    except (ValueError, OverflowError, TypeError) as error:
        raise SourceError(
            Words("時刻を読めません", "a time cannot be read"),
            where=f"{path}: hourly.time",
            expected="2025-08-05T09:00",
            got=str(error)[:60],
            remedy=_ASK,
        ) from error


def _numbers(values: Any, size: int, variable: str, path: Path) -> npt.NDArray[np.float64]:
    """Return a variable's values; null is NaN."""
    if not isinstance(values, list) or len(values) != size:
        raise SourceIncompleteError(
            Words(f"{variable} の数が時刻の数と合いません", f"{variable} has not one value an hour"),
            where=path,
            expected=str(size),
            got=str(len(values)) if isinstance(values, list) else "-",
            remedy=_ASK,
        )
    try:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise SourceError(
            Words(f"{variable} に数値でない値があります", f"{variable} holds a value that is no number"),
            where=path,
            got=str(error)[:80],
            remedy=_ASK,
        ) from error


def _unknown(path: Path, got: str) -> SourceError:
    return SourceError(
        Words("Open-Meteo の JSON として読めません", "this is not a JSON answer of Open-Meteo"),
        where=path,
        expected='{"hourly": …}',
        got=got,
        remedy=_ASK,
    )
