"""The weather at every sub-step: the state between the hours, and what had to be assumed.

A step at clock time t stands for the three hours around it and is made of 10-minute sub-steps, so that a
step holds what the sun did inside it and not what it did at one instant::

    t - 90 min                         t                         t + 90 min
        |    .    |    .    |    .    |    .    |    .    |    .    |
            centres of the sub-steps: t - 85, t - 75, ... t + 85 min

Walls and ground are as warm as the day before has made them, so each step comes with the 24 hours before it.
What lies before the first row of a series is taken like the same hour of the next day.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.errors import InputError, SourceIncompleteError
from heatrisk.fields import sky_parts, standard_pressure, sun_path
from heatrisk.physics.air import wind_at_height
from heatrisk.physics.irradiance import implied_temperature
from heatrisk.physics.sky_emission import sky_cover, sky_radiation
from heatrisk.quantities import QUANTITIES
from heatrisk.steps import STEP, SUB_STEP, span
from heatrisk.sunlight import (
    State,
    closed,
    cloudiness,
    implied_clear_sky_index,
    interpolated,
    on_time,
    shared_out,
    split,
)
from heatrisk.weather import INSTANTANEOUS, SOLAR, Weather, measured_sky
from heatrisk.words import JST, Note, Words

Floats = npt.NDArray[np.float64]

PAST = pd.Timedelta(hours=24)

#: Taken where nothing better is known; each is named in the notes of the run.
ASSUMED = {"rh": 60.0, "va": 2.0}

_ASSUMED_WORDS = {
    "va": Words("風速のデータがないため 2 m/s と仮定", "no wind data: 2 m/s assumed"),
    "ps": Words(
        "気圧のデータがないため、粗い標高図による標高の標準大気の値と仮定",
        "no pressure data: that of the standard atmosphere assumed, at a height from a coarse map",
    ),
}
_WEATHER_ASSUMED = Note.of(
    "weather_assumed",
    "気象データがないため、快晴・相対湿度 60 %・風速 2 m/s とし、気温は公式値から小野・登内（2014）の式で逆算"
    "（日なたと日陰の差は大きめに出ます）",
    "no weather data: clear sky, 60 % humidity and 2 m/s assumed, air temperature such that the regression of"
    " Ono & Tonouchi (2014) gives the official value (the contrast of sun and shade is overstated)",
)

_IMPLIED = Note.of(
    "radiation_implied",
    "日射量のデータがないため、公式値から小野・登内（2014）の式で逆算",
    "no radiation data: inferred from the official value with Ono & Tonouchi (2014)",
)
_CLEAR = Note.of(
    "radiation_clear_sky",
    "日射量のデータがないため、快晴と仮定（日なたと日陰の差は大きめに出ます）",
    "no radiation data: clear sky assumed (the contrast of sun and shade is overstated)",
)

_SKY_GIVEN = Note.of(
    "sky_given",
    "天空からの長波放射量は気象データの値を使用",
    "long-wave radiation of the sky as the weather data give it",
)


class Forcing(NamedTuple):
    """What drives a run.

    Parameters
    ----------
    data : xarray.Dataset
        On (time, sub): ``zenith azimuth ta rh ps va dni dhi ghi``, the parts ``circumsolar horizon diffuse``
        of ``dhi`` (see :func:`heatrisk.fields.sky_parts`), ``ldown`` of the open sky, and ``cloud``, how far
        clouds close it; ``va`` is 2 m above ground.
        ``official`` on time [degC], NaN without official forecast.
    notes : tuple of Note
        What had to be assumed, and whether the sky's long-wave radiation was given.
    before : xarray.Dataset
        The same on (time, past): the 24 hours before the first sub-step of each step, every 10 minutes.
    """

    data: xr.Dataset
    notes: tuple[Note, ...]
    before: xr.Dataset


def forcing(
    weather: Weather,
    steps: pd.DatetimeIndex,
    lon: float,
    lat: float,
    *,
    anchor: bool = True,
    step: pd.Timedelta = STEP,
) -> Forcing:
    """Return the weather of every sub-step of some steps over one place.

    Parameters
    ----------
    weather : Weather
        Series, official forecast or both.
    steps : pandas.DatetimeIndex
        Clock times of the steps, UTC without zone.
    lon, lat : float
        Centre of the city [degrees]; the sun differs by less than 0.05 degrees across one.
    anchor : bool
        Whether the official value of each step is wanted. Without it ``official`` is NaN, and official
        values are looked at only where weather or radiation must be inferred from them.
    step : pandas.Timedelta
        What a step stands for, a multiple of 20 minutes.

    Returns
    -------
    Forcing

    Raises
    ------
    InputError
        The series does not cover the steps, or its rows do not stand at whole parts of 10 minutes.
    SourceIncompleteError
        A needed value is missing inside the horizon.
    """
    offsets = (np.arange(step // SUB_STEP) + 0.5) * SUB_STEP.to_timedelta64() - step.to_timedelta64() // 2
    past = offsets[0] - np.arange(PAST // SUB_STEP, 0, -1) * SUB_STEP.to_timedelta64()
    moments, before = (_moments(steps, parts) for parts in (offsets, past))
    inferred = weather.series is None or not {*SOLAR} & {*map(str, weather.series.data_vars)}
    wanted = weather.official is not None and (anchor or inferred)
    official = weather.official.at(steps) if weather.official and wanted else np.full(len(steps), np.nan)
    if weather.series is None:
        state, notes = _from_official(weather, moments.union(before).unique(), lon, lat)
    else:
        state, notes = _from_series(weather, moments, lon, lat)
        before = _like_known_days(before, state)
    times, values = state
    cosz = np.cos(np.radians(values["zenith"]))
    hour = ((times - times.normalize()) / pd.Timedelta("1h")).to_numpy() + lon / 15.0
    air = values["ta"], values["rh"], values["ps"], hour
    given, told = _given_sky(weather, times)
    values["cloud"] = np.where(np.isnan(given), values["cloud"], sky_cover(given, *air))
    values["ldown"] = np.where(np.isnan(given), sky_radiation(*air, values["cloud"]), given)
    values["va"] = wind_at_height(values["va"], weather.wind_height, values["ghi"], cosz)
    parts = sky_parts(on_time(state, ("zenith", "dni", "dhi")))
    values |= {str(name): part.values for name, part in parts.items()}
    anchors = ("time", official if anchor else np.full(len(steps), np.nan))
    data = _on_steps(state, moments, steps, "sub", official=anchors)
    return Forcing(data, (*notes, *told), _on_steps(state, before, steps, "past"))


def _moments(steps: pd.DatetimeIndex, offsets: npt.NDArray[np.timedelta64]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex((steps.values[:, None] + offsets[None, :]).ravel())


def _on_steps(
    state: State, moments: pd.DatetimeIndex, steps: pd.DatetimeIndex, name: str, **also: tuple[str, Floats]
) -> xr.Dataset:
    """Return the state at some moments of every step, on (time, name), and what else is known."""
    found = state.times.get_indexer(moments).reshape(len(steps), -1)
    assert (found >= 0).all()  # readers have refused what does not cover the steps
    known = {key: QUANTITIES[key].attrs if key in QUANTITIES else {} for key in state.values}
    arrays = {key: (("time", name), values[found], known[key]) for key, values in state.values.items()}
    return xr.Dataset(arrays | also, coords={"time": steps})


def _like_known_days(wanted: pd.DatetimeIndex, state: State) -> pd.DatetimeIndex:
    """Return for each moment the one whose weather stands for it: itself, its clock time, the nearest."""
    needed = np.stack([state.values[name] for name in (*INSTANTANEOUS, *SOLAR)])
    known = state.times.take(np.flatnonzero(np.isfinite(needed).all(axis=0)))
    found = known.get_indexer(wanted)
    if (found >= 0).all():
        return wanted
    by_clock = pd.Series(np.arange(len(known)), index=known - known.normalize())
    first = by_clock[~by_clock.index.duplicated()]
    found = np.where(found < 0, first.reindex(wanted - wanted.normalize(), fill_value=-1).to_numpy(), found)
    nearest = known.get_indexer(wanted, method="nearest")
    return pd.DatetimeIndex(known.values[np.where(found < 0, nearest, found)])


def _published(weather: Weather, first: pd.Timestamp, last: pd.Timestamp) -> tuple[pd.DatetimeIndex, Floats]:
    """Return all official values within a period, whatever the steps: one step infers the same as many do."""
    official = weather.official
    assert official is not None  # whoever infers has asked for the official values of the steps
    complete = np.isfinite(official.values).all(axis=0)
    inside = (official.times >= first) & (official.times <= last)
    known = official.times.take(np.flatnonzero(complete & inside))
    return known, official.at(known)


def _from_official(
    weather: Weather, moments: pd.DatetimeIndex, lon: float, lat: float
) -> tuple[State, tuple[Note, ...]]:
    """Assume the weather from the official value alone."""
    times, official = _published(weather, pd.Timestamp.min, pd.Timestamp.max)
    at_times = sun_path(times, lon, lat)["ghi"].values
    ta = implied_temperature(official, ASSUMED["rh"], at_times, ASSUMED["va"])
    values = _arrays(sun_path(moments, lon, lat))
    values |= {"cloud": np.zeros(len(moments)), "ta": interpolated(moments, times, ta)}
    values |= {name: np.full(len(moments), value) for name, value in _assumed(lon, lat).items()}
    return State(moments, values), (_WEATHER_ASSUMED,)


def _assumed(lon: float, lat: float) -> dict[str, float]:
    """Return what is taken where nothing is known."""
    return {**ASSUMED, "ps": standard_pressure(lon, lat)}


def _arrays(data: xr.Dataset) -> dict[str, Floats]:
    return {str(name): array.values for name, array in data.items()}


def _from_series(
    weather: Weather, moments: pd.DatetimeIndex, lon: float, lat: float
) -> tuple[State, tuple[Note, ...]]:
    """Interpolate the state and share out the radiation of a weather series."""
    series = weather.series
    assert series is not None
    _refuse_holes(series, moments, weather)
    rows = pd.DatetimeIndex(series["time"].values)
    # The whole of every supplied interval, so that the energy of each is kept.
    fine = pd.date_range(rows[0] - weather.interval + SUB_STEP / 2, rows[-1], freq=SUB_STEP)
    if moments[0] < rows[0] or not moments.isin(fine).all():
        raise InputError(
            Words(
                "気象データの期間か時間間隔が計算する時刻に合いません",
                "the weather series does not cover the steps, or not in whole parts of 10 minutes",
            ),
            where=weather.where,
            expected=f"{span(moments[0], moments[-1])}, 10 / 20 / 30 / 60 / 180 min",
            got=f"{span(rows[0], rows[-1])}, {weather.interval / pd.Timedelta(minutes=1):g} min",
        )
    path = _arrays(sun_path(fine, lon, lat))
    assumed = _assumed(lon, lat)
    notes = [Note(f"{name}_assumed", words) for name, words in _ASSUMED_WORDS.items() if name not in series]
    values = {
        name: interpolated(fine, rows, series[name].values)
        if name in series
        else np.full(len(fine), assumed[name])
        for name in INSTANTANEOUS
    }
    window = rows.searchsorted(fine)
    if {*SOLAR} & {*map(str, series.data_vars)}:
        needed = np.zeros(len(rows), np.bool_)
        needed[rows.searchsorted(moments)] = True
        sun, told = shared_out(series, window, fine, path, needed, weather.where)
    elif weather.official is not None:
        index = implied_clear_sky_index(*_published(weather, fine[0], fine[-1]), fine, values, path)
        sun, told = split(path["ghi"] * index, fine, path), (_IMPLIED,)
    else:
        sun, told = closed(path["ghi"], path["dhi"], path["zenith"], path["dni"]), (_CLEAR,)
    values |= sun | {"zenith": path["zenith"], "azimuth": path["azimuth"]}
    values["cloud"] = cloudiness(sun["ghi"], path["ghi"])
    return State(fine, values), (*notes, *told)


def _given_sky(weather: Weather, times: pd.DatetimeIndex) -> tuple[Floats, tuple[Note, ...]]:
    """Return the long-wave radiation of the sky where the series has it, else NaN, and what to say of it.

    Between the middles of the intervals whose means are given it is linear.
    """
    series = weather.series
    if series is None or "ldown" not in series or not np.isfinite(sky := measured_sky(series)).any():
        return np.full(len(times), np.nan), ()
    rows, known = pd.DatetimeIndex(series["time"].values), np.isfinite(sky)
    values = interpolated(times, (rows - weather.interval / 2)[known], sky[known])
    odd = int((np.isfinite(series["ldown"].values) & ~known).sum())
    missing = int((~known).sum()) - odd
    note = _SKY_GIVEN if known.all() else _sky_in_part(missing, odd)
    return np.where(known[rows.searchsorted(times)], values, np.nan), (note,)


def _sky_in_part(missing: int, odd: int) -> Note:
    return Note.of(
        "sky_given_in_part",
        "天空からの長波放射量は気象データの値を使用。"
        f"値のない {missing} 時刻と、気温に照らしてありえない {odd} 時刻は気温・湿度・雲から計算",
        "long-wave radiation of the sky as the weather data give it; computed from air and clouds where they"
        f" do not ({missing} rows), or where it cannot be beside the air's temperature ({odd} rows)",
    )


def _refuse_holes(series: xr.Dataset, moments: pd.DatetimeIndex, weather: Weather) -> None:
    """Raise when a value that the sub-steps need is missing."""
    first, last = moments[0] - weather.interval, moments[-1] + weather.interval
    times = series["time"].values
    needed = (times >= first.to_datetime64()) & (times <= last.to_datetime64())
    for name in INSTANTANEOUS + SOLAR:
        if name not in series:
            continue
        missing = np.isnan(series[name].values) & needed
        if missing.any():
            when = pd.Timestamp(times[missing][0]).tz_localize("UTC").tz_convert(JST)
            raise SourceIncompleteError(
                Words(f"気象データの {name} に欠測があります", f"the weather series has a hole in {name}"),
                where=weather.where,
                got=f"{when:%Y-%m-%d %H:%M} JST",
                remedy=Words(
                    "欠測のないファイルを取得し直してください", "Fetch the file again, without holes."
                ),
            )
