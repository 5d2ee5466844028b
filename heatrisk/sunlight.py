"""The sun at every sub-step: shared out, split where the diffuse part is not known, inferred or assumed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.errors import SourceIncompleteError, UnitsError
from heatrisk.fields import diffuse_of, extraterrestrial
from heatrisk.physics.constants import SOLAR_CONSTANT
from heatrisk.physics.irradiance import implied_ghi, limit_direct, possible_ghi, substep_ghi
from heatrisk.weather import SOLAR
from heatrisk.words import Note, Words

Floats = npt.NDArray[np.float64]

CLEAR_GHI_MIN = 100.0  # [W m-2] of a clear sky: with less, its radiation does not tell clouds from haze

SPLIT = Note.of(
    "diffuse_split",
    "散乱日射量のデータがないため、全天日射量から Erbs ほか（1982）の式で分離",
    "no diffuse radiation data: split from global radiation after Erbs et al. (1982)",
)


class State(NamedTuple):
    """The weather at some instants, UTC without zone; every value on all of them."""

    times: pd.DatetimeIndex
    values: dict[str, Floats]


def on_time(state: State, names: Iterable[str]) -> xr.Dataset:
    """Return some of the state on ``time``."""
    return xr.Dataset({name: ("time", state.values[name]) for name in names}, coords={"time": state.times})


def cloudiness(ghi: Floats, clear: Floats) -> Floats:
    """Return how far clouds close the sky, 0 to 1: by what they take of the sun, also at night."""
    told = (clear >= CLEAR_GHI_MIN) & np.isfinite(ghi)
    if not told.any():
        return np.zeros(len(ghi))
    moments = np.arange(len(ghi))
    return np.interp(moments, moments[told], 1.0 - np.clip(ghi[told] / clear[told], 0.0, 1.0))


def shared_out(
    series: xr.Dataset,
    window: npt.NDArray[np.intp],
    times: pd.DatetimeIndex,
    path: dict[str, Floats],
    needed: npt.NDArray[np.bool_],
    where: Path | str | None = None,
) -> tuple[dict[str, Floats], tuple[Note, ...]]:
    """Share out given radiation over the sub-steps; split it where the diffuse part is not given.

    Rows that are needed must be radiation that can be, see `_beyond`.
    """
    cosz = np.clip(np.cos(np.radians(path["zenith"])), 0.0, None)
    given = {name: series[name].values for name in SOLAR if name in series}
    count, total = (np.bincount(window, weights, len(series.time)) for weights in (None, cosz))
    mean_cosz = total / np.maximum(count, 1)
    if "ghi" not in given:
        if len(given) < 2:
            raise SourceIncompleteError(
                Words(
                    "日射量は全天、または直達と散乱の両方が必要です",
                    "radiation needs the global part, or direct and diffuse",
                ),
                expected="ghi, or dni and dhi",
                got=", ".join(given),
            )
        given["ghi"] = given["dni"] * mean_cosz + given["dhi"]
    elif "dni" in given and "dhi" not in given:
        given["dhi"] = given["ghi"] - given["dni"] * mean_cosz
    possible = possible_ghi(cosz, extraterrestrial(times))
    most = np.bincount(window, possible, len(series.time)) / np.maximum(count, 1)
    notes = _beyond(given["ghi"][needed], most[needed], where)
    ghi = np.minimum(substep_ghi(given["ghi"], window, path["ghi"]), possible)
    if "dhi" not in given:
        return split(ghi, times, path), (*notes, SPLIT)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(given["ghi"] > 0.0, np.clip(given["dhi"] / given["ghi"], 0.0, 1.0), 1.0)
    # A given beam is believed up to what the sun sends; a clear sky's caps only what had to be split.
    return closed(ghi, share[window] * ghi, path["zenith"], SOLAR_CONSTANT), notes


def _beyond(given: Floats, most: Floats, where: Path | str | None) -> tuple[Note, ...]:
    """Return how often more radiation is given than can be; refuse it where that is most of the time."""
    beyond, sunny = given > most, given > 0.0
    if not beyond.any():
        return ()
    if beyond.sum() >= 0.5 * sunny.sum():
        first = int(beyond.argmax())
        raise UnitsError(
            Words("日射量が太陽から届きうる量を超えています", "more radiation than the sun can send"),
            where=where,
            expected=f"ghi <= {most[first]:.0f} W m-2",
            got=f"{given[first]:.0f} ({beyond.sum()} / {sunny.sum()})",
            remedy=Words(
                "時刻の基準（日本時間か、時差の明記）と日射量の単位を確かめてください",
                "Check the clock (Japan's, unless times bear an offset) and the unit.",
            ),
        )
    return (
        Note.of(
            "weather_beyond_sun",
            f"太陽から届きうる量を超える日射量が {beyond.sum()} 時刻あり、上限までとしました。"
            "時刻の基準と単位を確かめてください",
            f"more radiation than the sun can send at {beyond.sum()} times, taken up to the limit:"
            " check the clock and the unit",
        ),
    )


def split(ghi: Floats, times: pd.DatetimeIndex, path: dict[str, Floats]) -> dict[str, Floats]:
    """Return ghi, dni and dhi of global radiation alone, dni no more than a clear sky lets through."""
    sun = on_time(State(times, path | {"ghi": ghi}), ("ghi", "zenith"))
    return closed(ghi, diffuse_of(sun["ghi"], sun).values, path["zenith"], path["dni"])


def closed(ghi: Floats, dhi: Floats, zenith: Floats, most: float | Floats) -> dict[str, Floats]:
    """Return ghi, dni and dhi that agree: ghi = dni cos(zenith) + dhi, dni no more than a limit."""
    dni, dhi = limit_direct(ghi, dhi, np.cos(np.radians(zenith)), most)
    return {"ghi": ghi, "dni": dni, "dhi": dhi}


def implied_clear_sky_index(
    times: pd.DatetimeIndex,
    official: Floats,
    fine: pd.DatetimeIndex,
    values: dict[str, Floats],
    path: dict[str, Floats],
) -> Floats:
    """Return at each sub-step the share of the clear-sky radiation that explains the official values.

    The inversion needs sun: times with less than 100 W m-2 of clear sky take the share of the nearest that
    has more.
    """
    ta, rh, va, clear = (
        interpolated(times, fine, x) for x in (values["ta"], values["rh"], values["va"], path["ghi"])
    )
    sunny = clear >= CLEAR_GHI_MIN
    if not sunny.any():
        return np.ones(len(fine))
    index = implied_ghi(official[sunny], ta[sunny], rh[sunny], va[sunny], clear[sunny]) / clear[sunny]
    nearest = times[sunny].get_indexer(fine, method="nearest")
    return np.asarray(index[nearest], dtype=np.float64)


def interpolated(at: pd.DatetimeIndex, known: pd.DatetimeIndex, values: Floats) -> Floats:
    """Return values between known instants."""
    asked, given = ((times.values - known.values[0]) / np.timedelta64(1, "s") for times in (at, known))
    return np.asarray(np.interp(asked, given, values), np.float64)
