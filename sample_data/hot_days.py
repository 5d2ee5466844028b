"""The invented hot spell: hourly weather from the sun upward, and the official forecast that goes with it.

Two clear, hazy days and a cloudy third. Temperature, moisture, wind and cloud are smooth made curves;
radiation follows from the sun's true path and a clear-sky model, so that the parts add up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib

Floats = npt.NDArray[np.float64]

LATITUDE, LONGITUDE, ALTITUDE = 35.683, 139.560, 52.0
TIMEZONE = "Asia/Tokyo"
FIRST_DAY = pd.Timestamp("2025-08-04", tz=TIMEZONE)
ISSUED = pd.Timestamp("2025-08-05 04:25", tz=TIMEZONE)
STATION = "99001"  # no official station bears this number
#: One row a day: lowest and highest air temperature, dew point [°C], cloud [0-1], Linke turbidity.
DAYS = pd.DataFrame(
    {
        "low": [25.7, 26.2, 27.1, 26.4, 25.2],
        "high": [33.6, 34.2, 35.6, 30.6, 30.2],
        "dew": [24.3, 24.9, 26.2, 24.2, 22.6],
        "cloud": [0.20, 0.10, 0.14, 0.88, 0.55],
        "turbidity": [4.8, 4.6, 5.2, 5.0, 4.5],
    }
)


def diurnal(hour: Floats) -> Floats:
    """Return the course of a warm day between 0 at 5 h and 1 at 14 h local time."""
    since_low = (hour - 5.0) % 24.0
    rise = 0.5 - 0.5 * np.cos(np.pi * since_low / 9.0)
    fall = 0.5 + 0.5 * np.cos(np.pi * (since_low - 9.0) / 15.0)
    return np.where(since_low < 9.0, rise, fall**1.3)


def spell(times: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the made curves at some instants: ta [°C], rh [%], va [m s-1], ps [hPa], cloud, turbidity."""
    days = np.asarray((times - FIRST_DAY) / pd.Timedelta(days=1))
    hour = (days % 1.0) * 24.0
    # The night belongs to the day before until the low at 5 h, so that no curve jumps at midnight.
    warm = np.clip(np.floor(days - 5.0 / 24.0), 0, len(DAYS) - 1).astype(int)
    coming = np.minimum(warm + (((hour - 5.0) % 24.0) >= 9.0), len(DAYS) - 1)
    low, high = DAYS["low"].to_numpy()[coming], DAYS["high"].to_numpy()[warm]
    ta = low + (high - low) * diurnal(hour)
    noon = np.arange(len(DAYS)) + 0.5
    smooth = {name: np.interp(days, noon, DAYS[name]) for name in ("dew", "turbidity")}
    edges = np.sort(np.concatenate([np.arange(len(DAYS)) + 0.12, np.arange(len(DAYS)) + 0.88]))
    cloud = np.interp(days, edges, np.repeat(DAYS["cloud"], 2))
    cloud = np.clip(cloud + 0.04 * np.sin(hour * 2.1 + 3 * warm), 0.0, 1.0)
    dew = smooth["dew"] + 0.5 * np.cos(2 * np.pi * (hour - 9) / 24)
    rh = 100.0 * np.exp(17.625 * dew / (243.04 + dew) - 17.625 * ta / (243.04 + ta))
    breeze = np.exp(-(((hour - 15.0) / 4.5) ** 2))
    return pd.DataFrame(
        {
            "ta": ta,
            "rh": np.minimum(rh, 96.0),
            "va": 1.6 + 2.2 * breeze + 0.25 * np.sin(5.3 * days),
            "ps": 1004.0 - 1.1 * days + 0.6 * np.cos(4 * np.pi * (hour - 10) / 24),
            "cloud": cloud,
            "turbidity": smooth["turbidity"],
        },
        index=times,
    )


def sunshine(times: pd.DatetimeIndex) -> pd.DataFrame:
    """Return ghi, dni, dhi [W m-2] at some instants.

    Clear sky by Ineichen & Perez (2002). Cloud takes from the global part after Kasten & Czeplak (1980)
    and from the beam in proportion; the diffuse part is what remains, so ghi = dni cos(zenith) + dhi.
    """
    made = spell(times)
    zenith = pvlib.solarposition.get_solarposition(times, LATITUDE, LONGITUDE, ALTITUDE)["apparent_zenith"]
    airmass = pvlib.atmosphere.get_absolute_airmass(
        pvlib.atmosphere.get_relative_airmass(zenith), 100.0 * made["ps"]
    )  # fmt: skip
    beyond = pvlib.irradiance.get_extra_radiation(np.asarray(times.day_of_year))
    clear = pvlib.clearsky.ineichen(zenith, airmass, made["turbidity"], ALTITUDE, beyond)
    cosz = np.maximum(np.cos(np.radians(zenith)), 0.0)
    ghi = clear["ghi"] * (1.0 - 0.75 * made["cloud"] ** 3.4)
    dni = np.minimum(clear["dni"] * (1.0 - made["cloud"]), ghi / np.maximum(cosz, 1e-3))
    return pd.DataFrame({"ghi": ghi, "dni": dni, "dhi": ghi - dni * cosz})


def open_meteo() -> dict[str, Any]:
    """Return the weather as Open-Meteo lays it out: radiation is the mean of the preceding hour."""
    hours = pd.date_range(FIRST_DAY, periods=24 * len(DAYS), freq="h")
    minutes = pd.date_range(hours[0] - pd.Timedelta(minutes=59.5), periods=60 * len(hours), freq="min")
    sun = sunshine(minutes).groupby(np.repeat(np.arange(len(hours)), 60)).mean()
    made = spell(hours)
    columns = {
        "temperature_2m": ("°C", made["ta"], 1),
        "relative_humidity_2m": ("%", made["rh"], 0),
        "wind_speed_10m": ("m/s", made["va"], 2),
        "surface_pressure": ("hPa", made["ps"], 1),
        "shortwave_radiation": ("W/m²", sun["ghi"], 1),
        "direct_normal_irradiance": ("W/m²", sun["dni"], 1),
        "diffuse_radiation": ("W/m²", sun["dhi"], 1),
    }
    hourly: dict[str, list[Any]] = {"time": [f"{hour:%Y-%m-%dT%H:%M}" for hour in hours]}
    for name, (_, values, digits) in columns.items():
        rounded = np.round(np.asarray(values), digits).tolist()
        hourly[name] = [int(value) for value in rounded] if digits == 0 else rounded
    return {
        "latitude": LATITUDE,
        "longitude": LONGITUDE,
        "generationtime_ms": 0.0,
        "utc_offset_seconds": 32400,
        "timezone": TIMEZONE,
        "timezone_abbreviation": "GMT+9",
        "elevation": ALTITUDE,
        "hourly_units": {"time": "iso8601"} | {name: unit for name, (unit, *_) in columns.items()},
        "hourly": hourly,
    }


def official_forecast(rng: np.random.Generator) -> str:
    """Return the forecast as published: ten times whole degrees, a leading blank, an hour 24.

    The value is Ono & Tonouchi (2014) of the made weather with a forecaster's error of 0.3 °C.
    """
    first = ISSUED.ceil("3h")
    times = pd.date_range(first, ISSUED.normalize() + pd.Timedelta(days=3), freq="3h")
    made = spell(times)
    hour_before = [pd.date_range(end=time, periods=61, freq="min") for time in times]
    sr = np.array([sunshine(hour)["ghi"].mean() for hour in hour_before]) / 1000.0
    ta, rh, va = made["ta"], made["rh"], made["va"]
    wbgt = 0.735 * ta + 0.0374 * rh + 0.00292 * ta * rh + 7.619 * sr - 4.557 * sr**2 - 0.0572 * va - 4.064
    values = np.round(wbgt + rng.normal(0, 0.3, len(times))).astype(int) * 10
    # An hour 24 closes its own day: 00:00 of the next day is never printed as hour 00.
    names = [f"{time - pd.Timedelta(hours=1):%Y%m%d}{(time.hour - 1) % 24 + 1:02d}" for time in times]
    row = "".join(f",{value:4d}" for value in values)
    return f",,{','.join(names)}\n{STATION},{ISSUED:%Y/%m/%d %H:%M}{row}\n"
