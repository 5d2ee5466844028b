"""Weather as every source hands it on: standard names, standard units, a regular time axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.errors import InputError, SourceIncompleteError, UnitsError
from heatrisk.quantities import QUANTITIES, checked
from heatrisk.steps import SUB_STEP
from heatrisk.weather import PRECEDING_MEAN, refuse_no_sky
from heatrisk.words import JST, Words

Floats = npt.NDArray[np.float64]

HOUR = pd.Timedelta(hours=1)

#: Units that may stand for a quantity's own: factor and offset that turn them into it.
_CONVERSIONS: dict[str, dict[str, tuple[float, float]]] = {
    "ta": {
        "°c": (1, 0),
        "℃": (1, 0),
        "c": (1, 0),
        "degc": (1, 0),
        "°f": (5 / 9, -160 / 9),
        "k": (1, -273.15),
    },
    "rh": {"%": (1, 0)},
    "va": {
        "m/s": (1, 0),
        "ms-1": (1, 0),
        "km/h": (1 / 3.6, 0),
        "mph": (0.44704, 0),
        "mp/h": (0.44704, 0),
        "kn": (1852 / 3600, 0),
        "kt": (1852 / 3600, 0),
    },
    "ps": {"hpa": (1, 0), "mb": (1, 0), "mbar": (1, 0), "pa": (0.01, 0), "kpa": (10, 0)},
    "ghi": {"w/m2": (1, 0), "w/m²": (1, 0), "wm-2": (1, 0)},
}
_CONVERSIONS |= dict.fromkeys(PRECEDING_MEAN, _CONVERSIONS["ghi"])

#: Energies that stand for irradiance, by what they are in [J m-2]: the sum over one interval of the series.
_ENERGIES = {"mj/m2": 1e6, "mj/m²": 1e6, "kj/m2": 1e3, "kj/m²": 1e3, "wh/m2": 3600.0, "wh/m²": 3600.0}


def converted(
    values: Floats, name: str, unit: str, where: str | PathLike[str], interval: pd.Timedelta = HOUR
) -> Floats:
    """Return values in the unit of their quantity.

    Parameters
    ----------
    values : numpy.ndarray
        As read.
    name : str
        Row of :data:`heatrisk.quantities.QUANTITIES`.
    unit : str
        As the file names it. An energy (MJ m-2) is the sum over one interval.
    where : str or path-like
        The file, for the message.
    interval : pandas.Timedelta
        Time between two rows.

    Raises
    ------
    UnitsError
        The unit is not known for this quantity.
    """
    known = _CONVERSIONS[name]
    written = "".join(unit.lower().split())
    if name in PRECEDING_MEAN and written in _ENERGIES:
        return values * (_ENERGIES[written] / interval.total_seconds())
    if written not in known:
        quantity = QUANTITIES[name]
        raise UnitsError(
            Words(f"{quantity.words.ja}の単位が分かりません", f"the unit of {quantity.words.en} is unknown"),
            where=where,
            expected=", ".join([*known, *(_ENERGIES if name in PRECEDING_MEAN else ())]),
            got=unit,
            remedy=Words(
                "単位を直すか、列の見出しに単位を書いてください",
                "Correct the unit, or write it into the column's header.",
            ),
        )
    factor, offset = known[written]
    return values * factor + offset


#: What instruments give just outside a quantity's range: a pyranometer at night, a hygrometer in fog.
TOLERATED = {"ghi": (-20.0, 1500.0), "dni": (-20.0, 1400.0), "dhi": (-20.0, 1000.0), "rh": (0.0, 105.0)}


def weather_series(
    times: pd.DatetimeIndex, columns: dict[str, Floats], where: str | PathLike[str]
) -> tuple[xr.Dataset, dict[str, Any]]:
    """Return the series of a :class:`heatrisk.weather.Weather`, and facts about it.

    Rows at either end without temperature and humidity are left out, and so are variables without any
    value; holes between stay NaN and are counted. Readings just outside the range are set to its edge and
    counted as clipped. Rows that are finer than the sub-steps of a run, or lie across them (every 1, 5, 15
    minutes), become rows of 10, 20, 30 or 60 minutes: the state at that time, the radiation of the whole.

    Parameters
    ----------
    times : pandas.DatetimeIndex
        UTC without zone.
    columns : dict of numpy.ndarray
        Values by quantity name, in the quantity's unit.
    where : str or path-like
        The file, for messages.

    Returns
    -------
    series : xarray.Dataset
        As :class:`heatrisk.weather.Weather` wants it.
    facts : dict
        ``variables``, ``missing`` (empty values by variable), ``clipped``, ``first`` and ``last`` (UTC),
        ``interval_minutes``, and ``given_interval_minutes`` where rows were combined.

    Raises
    ------
    SourceIncompleteError
        Temperature or humidity is missing.
    InputError
        The times are not regular; the message tells of the first gap. Or fewer than two rows are left.
    UnitsError
        A value is impossible for its quantity, or most of ``ldown`` is no sky's radiation.
    """
    columns = {name: values for name, values in columns.items() if np.isfinite(values).any()}
    columns, clipped = _clipped(columns)
    for name in ("ta", "rh"):
        if name not in columns:
            raise lacking(name, where, got=", ".join(columns) or "-")
    filled = np.flatnonzero(np.isfinite(columns["ta"]) & np.isfinite(columns["rh"]))
    kept = slice(filled[0], filled[-1] + 1) if filled.size else slice(0)
    times, columns = times[kept], {name: values[kept] for name, values in columns.items()}
    given = _interval(times, where)
    times, columns = _combined(times, columns, given)
    arrays = {name: ("time", values, QUANTITIES[name].attrs) for name, values in columns.items()}
    series = xr.Dataset(arrays, coords={"time": times.to_numpy().astype("datetime64[ns]")})
    try:
        checked(series)
    except UnitsError as error:
        raise UnitsError(
            error.what, where=where, expected=error.expected, got=error.got, remedy=error.remedy
        ) from error
    if "ldown" in series:
        refuse_no_sky(series, where)
    missing = {name: int(np.isnan(values).sum()) for name, values in columns.items()}
    interval = times[1] - times[0]
    facts: dict[str, Any] = {
        "variables": sorted(columns),
        "missing": {name: count for name, count in missing.items() if count},
        "clipped": clipped,
        "first": f"{times[0].isoformat()}Z",
        "last": f"{times[-1].isoformat()}Z",
        "interval_minutes": interval.total_seconds() / 60,
    }
    if interval != given:
        facts["given_interval_minutes"] = given.total_seconds() / 60
    return series, facts


def joined(
    parts: Sequence[tuple[str, pd.DatetimeIndex, dict[str, Floats]]],
) -> tuple[pd.DatetimeIndex, dict[str, Floats]]:
    """Return the rows of several files as one table, in the order of their times.

    Parameters
    ----------
    parts : sequence of (str, pandas.DatetimeIndex, dict of numpy.ndarray)
        Name of a file, its times, and its values by quantity name; a variable that a file lacks is NaN there.

    Raises
    ------
    InputError
        Two files speak of the same time.
    """
    parts = sorted((part for part in parts if len(part[1])), key=lambda part: part[1][0])
    for (_, before, _), (name, after, _) in pairwise(parts):
        if after[0] <= before.max():
            raise InputError(
                Words("ファイルどうしの期間が重なっています", "two files speak of the same time"),
                where=name,
                got=f"{clock(after[0])} ≤ {clock(before.max())}",
                remedy=Words("重なる行を片方から除いてください", "Take the rows out of one of them."),
            )
    names = dict.fromkeys(name for _, _, columns in parts for name in columns)
    times = pd.DatetimeIndex(
        np.concatenate([part[1].to_numpy() for part in parts] or [np.empty(0, "M8[ns]")])
    )
    return times, {
        name: np.concatenate([part[2].get(name, np.full(len(part[1]), np.nan)) for part in parts])
        for name in names
    }


def too_few(rows: int, where: str | PathLike[str]) -> InputError:
    """Return the error of a source without two times, which make an interval."""
    return InputError(
        Words("データの行が2つ以上必要です", "at least two rows with values are needed"),
        where=where,
        got=f"{rows} row(s)",
        remedy=Words("続いた時刻のデータを使ってください", "Use data of consecutive times."),
    )


def usual_step(times: pd.DatetimeIndex) -> pd.Timedelta:
    """Return the commonest time between two rows; zero for fewer than two."""
    steps, counts = np.unique(np.diff(times.to_numpy()), return_counts=True)
    return pd.Timedelta(steps[counts.argmax()]) if steps.size else pd.Timedelta(0)


def clock(time: pd.Timestamp) -> str:
    """Return an instant (UTC without zone) on the clock of the people who read it."""
    return f"{time.tz_localize('UTC').tz_convert(JST):%Y-%m-%d %H:%M} JST"


def lacking(
    name: str, where: str | PathLike[str], *, got: str, expected: str | None = None
) -> SourceIncompleteError:
    """Return the error of a source without a variable that is needed.

    Parameters
    ----------
    name : str
        Row of :data:`heatrisk.quantities.QUANTITIES`.
    where : str or path-like
        The file.
    got : str
        What it holds instead.
    expected : str, optional
        What the variable is called in such files.
    """
    quantity = QUANTITIES[name]
    return SourceIncompleteError(
        Words(f"{quantity.words.ja}がありません", f"{quantity.words.en} is missing"),
        where=where,
        expected=expected,
        got=got,
        remedy=Words(
            "気温と相対湿度を含むファイルを使ってください",
            "Use a file with air temperature and relative humidity.",
        ),
    )


def _interval(times: pd.DatetimeIndex, where: str | PathLike[str]) -> pd.Timedelta:
    """Return the time between two rows; raise at the first place where it differs."""
    if len(times) < 2:
        raise too_few(len(times), where)
    usual = usual_step(times)
    odd = np.flatnonzero(np.diff(times.to_numpy()) != usual.to_timedelta64())
    if odd.size == 0 and usual > pd.Timedelta(0):
        return usual
    first = int(odd[0]) if odd.size else 0
    before, after = times[first], times[first + 1]
    if after == before:
        what = Words("同じ時刻の行が重なっています", "two rows have the same time")
    elif after < before:
        what = Words("時刻が順に並んでいません", "the times are not in ascending order")
    elif after - before > usual:
        what = Words("時刻が抜けています", "rows are missing between two times")
    else:
        what = Words("時刻が等間隔に並んでいません", "the times are not evenly spaced")
    raise InputError(
        what,
        where=where,
        expected=f"{usual / pd.Timedelta(minutes=1):g} min" if after > before else None,
        got=f"{clock(before)} → {clock(after)}" + (f" (+{odd.size - 1})" if odd.size > 1 else ""),
        remedy=Words(
            "抜けた行、重なった行、並び順を確かめてください",
            "Look for rows that are missing, doubled or out of order.",
        ),
    )


def _combined(
    times: pd.DatetimeIndex, columns: dict[str, Floats], given: pd.Timedelta
) -> tuple[pd.DatetimeIndex, dict[str, Floats]]:
    """Combine rows that do not last whole sub-steps into the shortest that do, up to an hour."""
    step = pd.Timedelta(math.lcm(_ns(given), _ns(SUB_STEP)), unit="ns")
    if step == given or step > HOUR or HOUR % step != pd.Timedelta(0):
        return times, columns
    many = step // given
    since = times.to_numpy().astype("datetime64[ns]").astype(np.int64)
    ends = np.flatnonzero(since % _ns(step) == 0)
    ends = ends[ends >= many - 1]
    if ends.size < 2:
        return times, columns
    whole = slice(ends[0] - many + 1, ends[-1] + 1)
    return times[ends], {
        name: values[whole].reshape(-1, many).mean(axis=1) if name in PRECEDING_MEAN else values[ends]
        for name, values in columns.items()
    }


def _clipped(columns: dict[str, Floats]) -> tuple[dict[str, Floats], int]:
    """Set readings just outside their range to its edge, and count them."""
    clipped, count = dict(columns), 0
    for name in TOLERATED.keys() & columns.keys():
        values, (low, high), (least, most) = columns[name], TOLERATED[name], QUANTITIES[name].valid_range
        near = ((values >= low) & (values < least)) | ((values > most) & (values <= high))
        count += int(near.sum())
        clipped[name] = np.where(near, np.clip(values, least, most), values)
    return clipped, count


def _ns(span: pd.Timedelta) -> int:
    return int(span.as_unit("ns").value)
