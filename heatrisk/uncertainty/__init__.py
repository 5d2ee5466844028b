r"""How sure a WBGT is: a standard deviation for every cell and step, made of named, independent terms.

::

    sd² = forecast² + station² + surface² + split² + edge²
          '------ the same in all cells ------'  '- C = sun side minus shady side -'

=========  ============================================================================================
forecast   Air temperature of the official forecast, by lead time: RMSE of the day's maximum in warm months
           [1]_, times ``dW/dT`` of the official regression at unchanged vapour pressure. Nothing newer could
           be found for a summer month, and nothing for later days: beyond the last lead time the value is
           held, and is too small there.
station    The official value is an estimate at all but some ten stations: standard deviation of the estimate
           from sunshine against measured WBGT, summer 2010 [2]_. From the weather service's gridded analysis
           the same authors had 1.5 K: so much the official value of a place may be off, all told.
surface    Temperature of the ground: RMSE of the upward long-wave radiation at the one measured site that the
           model was compared with (``python -m benchmarks.validation``) [3]_, times ``dW/dL`` of the globe.
split      Diffuse part of global radiation, where it is not given: the best fitted models leave 18 % of it
           [4]_, Erbs's not less. What the beam loses the diffuse part gains, so that an anchored cell moves
           only as far as it differs from the open reference; see `heatrisk.physics.spread.split_leverage`.
edge       A shadow's edge is drawn in steps of a sub-cell of width b. On ``n = a / b`` rows of a cell of
           width a each step errs evenly within ± b / 2: sd of the sunlit share ``b / (a √12)`` if the rows
           err together, as at one moment, ``b / (a √(12 n))`` if each for itself, as over a step in which the
           edge moves on. What the town model itself is wrong by (`position_sd`) adds ``σ / a``.
=========  ============================================================================================

Errors of one term are taken as independent of those of the others and as normal. Terms without a source that
could be read are left out, and named, in :data:`LEFT_OUT`: the true spread is larger than the stated one.

References
----------
.. [1] 気象庁「天気予報の検証結果」平成 19 年 7 月、平成 22 年 9 月
   (data.jma.go.jp/fcd/yoho/data/kensho: zc_0707, zc_1009).
.. [2] 91st Annual Meeting of the American Meteorological Society (2011), abstract 181591, on the estimates of
   WBGT that Japan publishes (ams.confex.com/ams/91Annual/webprogram/Paper181591.html).
.. [3] F. Lindberg, B. Holmer, S. Thorsson (2008), SOLWEIG 1.0, Int. J. Biometeorol. 52, 697-713: measurements
   at Kronenhuset, Gothenburg, 2005-10-07.
.. [4] G. Abal, D. Aicardi, R. Alonso Suárez, A. Laguarda (2017), Performance of empirical models for diffuse
   fraction in Uruguay, Solar Energy 141, 166-181.
"""

from __future__ import annotations

import json
import math
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.physics.constants import WIND_MIN
from heatrisk.physics.spread import fill_exceedance, moe_per_load, ono_per_kelvin, spread_cells
from heatrisk.physics.surface import PAVED
from heatrisk.uncertainty.inputs import Conditions as Conditions
from heatrisk.uncertainty.inputs import UncertaintyInputs as UncertaintyInputs
from heatrisk.uncertainty.terms import LEFT_OUT, TERMS
from heatrisk.weather import Weather

Floats32 = npt.NDArray[np.float32]

#: RMSE of the day's maximum temperature in 北海道, 東北, 関東甲信, 東海 [K]: July 2007, then September 2010.
#: Of the forecast of 05 JST for the same day, and of the one of 17 JST for the next.
SAME_DAY: Final = (2.0, 1.8, 1.8, 1.8, 1.3, 1.6, 1.6, 1.4)
NEXT_DAY: Final = (2.1, 2.0, 2.1, 2.0, 1.4, 1.8, 2.0, 1.8)
LEADS: Final = (9.0, 21.0)  # [h] from the two issues to 14 JST, when the day is warmest

STATION_SD: Final = 0.5  # [K] of the official estimate from sunshine; 0.4 from measured radiation
LUP_RMSE: Final = 10.2  # [W m-2] one site, one autumn day, 12 h
DIFFUSE_ERROR: Final = 0.18  # [1] of the diffuse part

#: State of the air at which slopes are taken where none is given: they hardly change over a summer's day.
NOMINAL_TA: Final = 30.0  # [°C]
NOMINAL_RH: Final = 60.0  # [%]


def lead_hours(weather: Weather, at: pd.Timestamp) -> float:
    """Return how long before a step the official forecast was issued.

    Parameters
    ----------
    weather : Weather
        With the official values; of several stations the oldest issue counts.
    at : pandas.Timestamp
        The step, UTC without zone.

    Returns
    -------
    float
        [h]; 0 of what was observed, NaN without official values.
    """
    official = weather.official
    if official is None:
        return math.nan
    if official.kind == "observed":
        return 0.0
    return (at - min(official.issued)) / pd.Timedelta(hours=1)


def split_measured(weather: Weather) -> bool:
    """Tell whether the diffuse radiation is given, or follows from what is."""
    given = set() if weather.series is None else set(map(str, weather.series.data_vars))
    return "dhi" in given or {"ghi", "dni"} <= given


def conditions(now: xr.Dataset) -> Conditions:
    """Return sun and air of one step.

    Parameters
    ----------
    now : xarray.Dataset
        One step of the data of a :class:`heatrisk.forcing.Forcing`, on ``sub``.
    """
    cosz = np.maximum(np.cos(np.radians(now["zenith"].values)), 0.0)
    beams = now["dni"].values + now["circumsolar"].values
    level, diffuse, beam = (float(part.sum()) for part in (beams * cosz, now["diffuse"].values, beams))
    return Conditions(
        level / beam if beam > 0.0 else 0.0,
        diffuse / (level + diffuse) if level + diffuse > 0.0 else math.nan,
        *(float(now[name].values.mean()) for name in ("ta", "rh", "va")),
    )


def forecast_sd(lead_hours: float, ta: float = NOMINAL_TA, rh: float = NOMINAL_RH) -> float:
    """Return the standard deviation of the official forecast by its lead time.

    Parameters
    ----------
    lead_hours : float
        [h]; see :class:`UncertaintyInputs`.
    ta, rh : float
        Air temperature [degC] and relative humidity [%].

    Returns
    -------
    float
        [K]; 0 of an observation, and where the lead time is not known: the term is left out then.
    """
    if not lead_hours > 0.0:
        return 0.0
    nodes = [math.sqrt(np.mean(np.square(rmse))) for rmse in (SAME_DAY, NEXT_DAY)]
    return float(np.interp(lead_hours, LEADS, nodes) * ono_per_kelvin(ta, rh))


def surface_sd(ta: float = NOMINAL_TA, va: float = WIND_MIN) -> float:
    """Return the standard deviation that the temperature of the ground brings about.

    Parameters
    ----------
    ta, va : float
        Air temperature [degC] and wind speed [m s-1].

    Returns
    -------
    float
        [K]
    """
    return float(0.5 * LUP_RMSE * moe_per_load(ta, va))


def beam_sd(diffuse_share: float) -> float:
    """Return the relative standard deviation of a beam that was split from global radiation.

    ``0.18 k / (1 - k)`` with the diffuse share ``k``, and no more than the whole beam.

    Parameters
    ----------
    diffuse_share : float
        0 to 1; NaN gives 0.

    Returns
    -------
    float
        0 to 1.
    """
    if not 0.0 <= diffuse_share < 1.0:
        return 0.0
    return min(DIFFUSE_ERROR * diffuse_share / (1.0 - diffuse_share), 1.0)


def edge_sd(sub_cell: float, cell: float, position_sd: float = math.nan) -> float:
    """Return the standard deviation of the sunlit share of a cell that the edge of a shadow cuts.

    Parameters
    ----------
    sub_cell, cell : float
        Widths [m].
    position_sd : float
        Of edges, from errors of the town model [m]; NaN leaves it out.

    Returns
    -------
    float
        [1]
    """
    rows = max(cell / sub_cell, 1.0)
    drawn = sub_cell / (cell * math.sqrt(12.0 * rows))
    return math.hypot(drawn, position_sd / cell if position_sd > 0.0 else 0.0)


def common_terms(step: UncertaintyInputs) -> dict[str, float]:
    """Return the terms that are the same in all cells, by name [K]."""
    ta, rh, va = (
        known if math.isfinite(known) else nominal
        for known, nominal in zip(step.conditions[2:], (NOMINAL_TA, NOMINAL_RH, WIND_MIN), strict=True)
    )
    return {
        "forecast": forecast_sd(step.lead_hours, ta, rh) if step.anchored else 0.0,
        "station": STATION_SD if step.anchored else 0.0,
        "surface": surface_sd(ta, va),
    }


def spread(step: UncertaintyInputs, out: Floats32 | None = None) -> Floats32:
    """Return the standard deviation of ``wbgt_moe`` in every cell.

    Parameters
    ----------
    step : UncertaintyInputs
        The step.
    out : numpy.ndarray of float32, optional
        Written into instead of new memory and returned; contiguous, of the shape of the cells.

    Returns
    -------
    numpy.ndarray of float32
        [K], shape of ``step.wbgt``; NaN where it is NaN.
    """
    return _spread(
        step,
        math.hypot(*common_terms(step).values()),
        0.0 if step.split_measured else beam_sd(step.conditions.diffuse_share),
        edge_sd(step.sub_cell, step.cell, step.position_sd),
        out,
    )


def _spread(
    step: UncertaintyInputs, common: float, beam: float, edge: float, out: Floats32 | None = None
) -> Floats32:
    shape = np.shape(step.wbgt)
    svf = np.ones(shape, np.float32) if step.svf is None else step.svf
    sun, shade, share, sky = (
        np.ascontiguousarray(part, np.float32).ravel()
        for part in (step.wbgt_sun, step.wbgt_shade, step.sunlit, svf)
    )
    sd = np.empty(shape, np.float32) if out is None else out
    light = step.conditions.cosz, PAVED.albedo
    spread_cells(common, beam, edge, *light, step.anchored, sun, shade, share, sky, sd.reshape(-1))
    return sd


def p_at_least(limit: float, mean: Floats32, sd: Floats32, out: Floats32 | None = None) -> Floats32:
    """Return the probability that a value is at least a limit, under a normal law.

    Parameters
    ----------
    limit : float
        [degC]; 31 for 危険.
    mean, sd : numpy.ndarray
        Expected value [degC] and standard deviation [K] of the cells, of one shape. NaN gives NaN.
    out : numpy.ndarray of float32, optional
        As for `spread`.

    Returns
    -------
    numpy.ndarray of float32
        0 to 1.
    """
    means, sds = (np.ascontiguousarray(part, np.float32).ravel() for part in (mean, sd))
    p = np.empty(np.shape(mean), np.float32) if out is None else out
    fill_exceedance(limit, means, sds, p.reshape(-1))
    return p


def probability(limit: float, step: UncertaintyInputs, sd: Floats32, out: Floats32 | None = None) -> Floats32:
    """Return how likely the true WBGT of each cell is to reach a limit, where that can be told.

    How wrong the air of a forecast may be is known by its lead time alone. Without one the other terms would
    make near-certainties of 0.1 °C, so there is no probability.

    Parameters
    ----------
    limit : float
        [degC]
    step : UncertaintyInputs
        One step.
    sd : array
        From `spread`. [K]
    out : array of float32, optional
        As for `spread`.

    Returns
    -------
    array of float32
        0 to 1, of the shape of the cells; NaN without an official forecast of known issue time. [1]
    """
    known = step.anchored and np.isfinite(step.lead_hours)
    if known:
        return p_at_least(limit, step.wbgt, sd, out)
    p = np.empty_like(sd) if out is None else out
    p.fill(np.nan)
    return p


#: Terms that only an official forecast with a known issue time has.
_OF_FORECAST: Final = ("forecast", "station")

#: A half-shaded street at a sunny noon of the next day: what typical values are stated for.
_TYPICAL: Final = UncertaintyInputs(
    wbgt=np.full(1, 30.0, np.float32), wbgt_sun=np.full(1, 31.2, np.float32),
    wbgt_shade=np.full(1, 28.8, np.float32), sunlit=np.full(1, 0.5, np.float32), lead_hours=21.0,
    anchored=True, split_measured=False, sub_cell=1.0, cell=5.0, svf=np.full(1, 0.6, np.float32),
    conditions=Conditions(cosz=0.85, diffuse_share=0.2, ta=33.0, rh=55.0, va=1.0),
)  # fmt: skip


def term_sds(step: UncertaintyInputs) -> dict[str, Floats32]:
    """Return every term alone, by name [K], each of the shape of ``step.wbgt``."""
    parts = {name: (value, 0.0, 0.0) for name, value in common_terms(step).items()}
    parts["split"] = (0.0, 0.0 if step.split_measured else beam_sd(step.conditions.diffuse_share), 0.0)
    parts["edge"] = (0.0, 0.0, edge_sd(step.sub_cell, step.cell, step.position_sd))
    return {name: _spread(step, *part) for name, part in parts.items()}


def attribute(*, forecast: bool = True) -> str:
    """Return the attribute ``uncertainty`` of a dataset: a JSON list of all terms.

    Parameters
    ----------
    forecast : bool
        Whether the values rest on an official forecast with a known issue time; without one, the terms of the
        forecast are not counted, and listed as left out.

    Each has ``name ja en source`` and ``sd_typical`` [K], on a half-shaded street at a sunny noon of the next
    day; those left out have ``"sd": null`` and, as their source, why.
    """
    typical = term_sds(_TYPICAL)
    rows: list[dict[str, object]] = []
    for term in (*TERMS, *LEFT_OUT):
        row: dict[str, object] = {"name": term.name, "ja": term.words.ja, "en": term.words.en}
        row["source"] = term.source
        if term.name in _OF_FORECAST and not forecast:
            row |= {"sd": None, "source": "no official forecast with a known issue time"}
        elif term.name in typical:
            row["sd_typical"] = round(float(typical[term.name][0]), 3)
        else:
            row["sd"] = None
        rows.append(row)
    return json.dumps(rows, ensure_ascii=False)
