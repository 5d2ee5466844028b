"""Hourly weather as every source hands it on: standard names, standard units, a regular time axis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.errors import InputError, SourceIncompleteError, UnitsError
from heatrisk.quantities import QUANTITIES, checked
from heatrisk.words import Words

Floats = npt.NDArray[np.float64]

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
    "ghi": {
        "w/m2": (1, 0),
        "w/m²": (1, 0),
        "wm-2": (1, 0),
        "mj/m2": (1e6 / 3600, 0),
        "mj/m²": (1e6 / 3600, 0),
    },
}
_CONVERSIONS["dni"] = _CONVERSIONS["dhi"] = _CONVERSIONS["ghi"]


def converted(values: Floats, name: str, unit: str, path: Path) -> Floats:
    """Return values in the unit of their quantity.

    Parameters
    ----------
    values : numpy.ndarray
        As read.
    name : str
        Row of :data:`heatrisk.quantities.QUANTITIES`.
    unit : str
        As the file names it. Energy in MJ m-2 is taken to be an hour's sum.
    path : pathlib.Path
        The file, for the message.

    Raises
    ------
    UnitsError
        The unit is not known for this quantity.
    """
    known = _CONVERSIONS[name]
    factor, offset = known.get("".join(unit.lower().split()), (np.nan, 0.0))
    if np.isnan(factor):
        quantity = QUANTITIES[name]
        raise UnitsError(
            Words(f"{quantity.words.ja}の単位が分かりません", f"the unit of {quantity.words.en} is unknown"),
            where=path,
            expected=", ".join(known),
            got=unit,
            remedy=Words(
                "単位を直すか、列の見出しに単位を書いてください",
                "Correct the unit, or write it into the column's header.",
            ),
        )
    return values * factor + offset


#: What instruments give just outside a quantity's range: a pyranometer at night, a hygrometer in fog.
TOLERATED = {"ghi": (-20.0, 1500.0), "dni": (-20.0, 1400.0), "dhi": (-20.0, 1000.0), "rh": (0.0, 105.0)}


def weather_series(
    times: pd.DatetimeIndex, columns: dict[str, Floats], path: Path
) -> tuple[xr.Dataset, dict[str, Any]]:
    """Return the series of a :class:`heatrisk.weather.Weather`, and facts about it.

    Hours at either end without temperature and humidity are left out, and so are variables without any
    value; holes between stay NaN and are counted. Readings just outside the range are set to its edge and
    counted as clipped.

    Parameters
    ----------
    times : pandas.DatetimeIndex
        UTC without zone.
    columns : dict of numpy.ndarray
        Values by quantity name, in the quantity's unit.
    path : pathlib.Path
        The file, for messages.

    Raises
    ------
    SourceIncompleteError
        Temperature or humidity is missing, or fewer than two hours are left.
    InputError
        The times are not regular.
    UnitsError
        A value is impossible for its quantity.
    """
    columns = {name: values for name, values in columns.items() if np.isfinite(values).any()}
    columns, clipped = _clipped(columns)
    for name in ("ta", "rh"):
        if name not in columns:
            quantity = QUANTITIES[name]
            raise SourceIncompleteError(
                Words(f"{quantity.words.ja}がありません", f"{quantity.words.en} is missing"),
                where=path,
                got=", ".join(columns) or "-",
                remedy=Words(
                    "気温と相対湿度を含むファイルを使ってください",
                    "Use a file with air temperature and relative humidity.",
                ),
            )
    filled = np.flatnonzero(np.isfinite(columns["ta"]) & np.isfinite(columns["rh"]))
    kept = slice(filled[0], filled[-1] + 1) if filled.size else slice(0)
    times = times[kept]
    steps = np.unique(np.diff(times))
    if steps.size != 1 or steps[0] <= np.timedelta64(0, "s"):
        raise InputError(
            Words("時刻が等間隔に並んでいません", "the times are not evenly spaced and ascending"),
            where=path,
            expected="1 h",
            got=", ".join(str(pd.Timedelta(step)) for step in steps[:4]) or f"{len(times)} row(s)",
            remedy=Words(
                "抜けた行、重なった行、並び順を確かめてください",
                "Look for rows that are missing, doubled or out of order.",
            ),
        )
    arrays = {name: ("time", values[kept], QUANTITIES[name].attrs) for name, values in columns.items()}
    series = xr.Dataset(arrays, coords={"time": times.to_numpy().astype("datetime64[ns]")})
    try:
        checked(series)
    except UnitsError as error:
        raise UnitsError(
            error.what, where=path, expected=error.expected, got=error.got, remedy=error.remedy
        ) from error
    missing = {name: int(np.isnan(values[kept]).sum()) for name, values in columns.items()}
    facts = {
        "variables": sorted(columns),
        "missing": {name: count for name, count in missing.items() if count},
        "clipped": clipped,
        "first": f"{times[0].isoformat()}Z",
        "last": f"{times[-1].isoformat()}Z",
    }
    return series, facts


def _clipped(columns: dict[str, Floats]) -> tuple[dict[str, Floats], int]:
    """Set readings just outside their range to its edge, and count them."""
    clipped, count = dict(columns), 0
    for name in TOLERATED.keys() & columns.keys():
        values, (low, high), (least, most) = columns[name], TOLERATED[name], QUANTITIES[name].valid_range
        near = ((values >= low) & (values < least)) | ((values > most) & (values <= high))
        count += int(near.sum())
        clipped[name] = np.where(near, np.clip(values, least, most), values)
    return clipped, count
