"""Weather of one city over time, and the official forecast that anchors it."""

from __future__ import annotations

from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.errors import InputError, SourceIncompleteError, UnitsError
from heatrisk.physics.constants import KELVIN, SIGMA
from heatrisk.quantities import checked
from heatrisk.words import JST, Words

#: Variables that hold at the stated instant, and those that are means over the interval before it.
INSTANTANEOUS = ("ta", "rh", "va", "ps")
SOLAR = ("ghi", "dni", "dhi")
PRECEDING_MEAN = (*SOLAR, "ldown")

#: What the sky can send, and what beside the black body at air temperature: limits of the Baseline Surface
#: Radiation Network (C. N. Long, E. G. Dutton, BSRN Global Network recommended QC tests, V2.0).
_SKY_LEAST, _SKY_MOST = 40.0, 700.0  # [W m-2]
_SKY_DARKEST, _SKY_ABOVE_AIR = 0.4, 25.0  # [1], [W m-2]

OfficialKind = Literal["forecast", "observed"]


@dataclass(frozen=True)
class Station:
    """A station of the official forecast.

    Parameters
    ----------
    id : str
        Station number as published, e.g. ``"44116"``.
    name : str
        Name for people; the number where none is known.
    lon, lat : float, optional
        Position [degrees].
    elevation : float, optional
        Height of its ground above sea level [m].
    """

    id: str
    name: str
    lon: float | None = None
    lat: float | None = None
    elevation: float | None = None


@dataclass(frozen=True)
class OfficialForecast:
    """Official WBGT, unaltered: a forecast, or what was observed on a day gone by.

    Parameters
    ----------
    stations : tuple of Station
        The stations used, in order.
    times : pandas.DatetimeIndex
        Instants of the values, UTC without zone, ascending.
    values : numpy.ndarray
        Official WBGT, shape (stations, times) [degC]; NaN where none was published.
    issued : tuple of pandas.Timestamp
        Issue time of each station's row, UTC without zone; of observations, the instant of the last.
    source : str
        Name of the publication, for attribution.
    weights : tuple of float, optional
        Share of each station in the city's value, summing to 1; equal shares if omitted.
    kind : {"forecast", "observed"}
        What the values are.

    Raises
    ------
    InputError
        Shapes or weights do not agree.
    """

    stations: tuple[Station, ...]
    times: pd.DatetimeIndex
    values: npt.NDArray[np.float64]
    issued: tuple[pd.Timestamp, ...]
    source: str
    weights: tuple[float, ...] = ()
    kind: OfficialKind = "forecast"

    def __post_init__(self) -> None:
        if not self.weights:
            object.__setattr__(self, "weights", (1.0 / len(self.stations),) * len(self.stations))
        if self.values.shape != (len(self.stations), len(self.times)):
            raise InputError("official values do not match stations and times", got=str(self.values.shape))
        if len(self.weights) != len(self.stations) or abs(sum(self.weights) - 1.0) > 1e-9:
            raise InputError("one weight a station, summing to 1", got=str(self.weights))

    def at(self, times: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
        """Return the city's official value at published instants.

        Parameters
        ----------
        times : pandas.DatetimeIndex
            UTC without zone.

        Returns
        -------
        numpy.ndarray
            Weighted mean over the stations to 0.01, the resolution of all products [degC], shape (times,).
            A single station's value is returned untouched.

        Raises
        ------
        SourceIncompleteError
            An instant was not published, or a station has no value there.
        """
        columns = self.times.get_indexer(times)
        values = np.where(columns < 0, np.nan, self.values[:, columns])
        for station, row in zip(self.stations, values, strict=True):
            if np.isnan(row).any():
                missing = times[np.isnan(row)][0].tz_localize("UTC").tz_convert(JST)
                raise SourceIncompleteError(
                    Words("公式予測に値のない時刻があります", "the official forecast has a hole"),
                    where=f"{self.source}, {station.id}",
                    got=f"{missing:%Y-%m-%d %H:%M} JST",
                    remedy=Words(
                        "次の発表を待つか、別の地点を指定してください",
                        "Wait for the next issue or name another station.",
                    ),
                )
        if len(self.stations) == 1:
            return np.asarray(values[0], dtype=np.float64)
        return np.asarray(np.round(np.asarray(self.weights) @ values, 2), dtype=np.float64)


@dataclass(frozen=True)
class Weather:
    """All that is known of the weather over a city.

    Parameters
    ----------
    series : xarray.Dataset, optional
        Variables among ``ta rh va ps`` (at the instant) and ``ghi dni dhi ldown`` (mean over the interval
        that ends at the stated time), on one regular ``time`` axis (UTC without zone), with their units.
        ``ldown`` is the long-wave radiation of the whole open sky; where it is NaN it is computed.
    official : OfficialForecast, optional
        The official WBGT.
    wind_height : float
        Height of ``va`` above ground [m].
    source : str
        Name of the publication of ``series``, for attribution.
    issued : pandas.Timestamp, optional
        When ``series`` was issued or fetched, UTC without zone.
    file : pathlib.Path, optional
        What ``series`` was read from, for messages.

    Raises
    ------
    InputError
        Neither a series nor an official forecast is given, the series has less than two rows, or their times
        are not regular.
    MissingQuantityError
        The series lacks air temperature or humidity.
    UnitsError
        A variable has another unit or an impossible value, or most of ``ldown`` is no sky's radiation.
    """

    series: xr.Dataset | None = None
    official: OfficialForecast | None = None
    wind_height: float = 10.0
    source: str = ""
    issued: pd.Timestamp | None = field(default=None)
    file: Path | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.series is None:
            if self.official is None:
                raise InputError("neither a weather series nor an official forecast is given")
            return
        checked(self.series, "ta", "rh")
        steps = np.diff(self.series["time"].values)
        if steps.size == 0:
            raise InputError(
                Words("気象データの行が足りません", "the weather series has too few rows"),
                where=self.where,
                expected=Words("2 行以上", "two or more"),
                got=str(self.series["time"].size),
            )
        if (steps != steps[0]).any() or steps[0] <= np.timedelta64(0, "s"):
            raise InputError(
                Words("時刻が等間隔ではありません", "the time axis is not regular"),
                got=str(set(steps.tolist())),
            )
        if "ldown" in self.series:
            refuse_no_sky(self.series, self.where)

    @property
    def where(self) -> Path | str | None:
        """What messages call the series: its file, else its publication."""
        return self.file or self.source or None

    @property
    def interval(self) -> pd.Timedelta:
        """Time between two rows of the series."""
        if self.series is None:
            raise InputError("there is no weather series")
        first, second = self.series["time"].values[:2]
        return pd.Timedelta(second - first)


def measured_sky(series: xr.Dataset) -> npt.NDArray[np.float64]:
    """Return the long-wave radiation of the sky that a series has, NaN where it cannot be that.

    Parameters
    ----------
    series : xarray.Dataset
        Of a `Weather`, with ``ta`` and ``ldown``.

    Returns
    -------
    numpy.ndarray
        Mean over the interval that ends at each time [W m-2].

    References
    ----------
    C. N. Long, E. G. Dutton, BSRN Global Network recommended QC tests, V2.0: 40 to 700 W m-2, and 0.4 σT⁴ to
    σT⁴ + 25 W m-2 beside the air's temperature.
    """
    ldown, ta = (series[name].values.astype(np.float64) for name in ("ldown", "ta"))
    black = SIGMA * (ta + KELVIN) ** 4
    black = 0.5 * (black + np.concatenate([black[:1], black[:-1]]))  # of the interval, like the mean itself
    with np.errstate(invalid="ignore"):
        near = ~((ldown < _SKY_DARKEST * black) | (ldown > black + _SKY_ABOVE_AIR))
        return np.where(near & (ldown >= _SKY_LEAST) & (ldown <= _SKY_MOST), ldown, np.nan)


def refuse_no_sky(series: xr.Dataset, where: str | PathLike[str] | None) -> None:
    """Raise when most of what is called the sky's long-wave radiation cannot be that.

    Parameters
    ----------
    series : xarray.Dataset
        With ``ta`` and ``ldown``.
    where : str or path-like, optional
        Its file, for the message.

    Raises
    ------
    UnitsError
        See :func:`measured_sky`; net radiation, the ground's, or another unit.
    """
    given, sky = (np.isfinite(values) for values in (series["ldown"].values, measured_sky(series)))
    if sky.sum() >= 0.5 * given.sum():
        return
    worst = series["ldown"].values[given & ~sky]
    raise UnitsError(
        Words("ldown が天空からの長波放射量ではないようです", "ldown is not the sky's long-wave radiation"),
        where=where,
        expected=f"{_SKY_LEAST:g} to {_SKY_MOST:g} W m-2, {_SKY_DARKEST:g} σT⁴ to σT⁴ + {_SKY_ABOVE_AIR:g}",
        got=f"{worst[0]:g} ({len(worst)} / {given.sum()})",
        remedy=Words(
            "下向きの長波放射量（正味や上向きではない）か、単位を確かめてください",
            "Give the downward flux, neither net nor upward, and check its unit.",
        ),
    )
