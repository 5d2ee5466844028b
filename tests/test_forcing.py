"""The weather of every sub-step: energy kept, intervals that end at their time, and what is assumed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from heatrisk.errors import InputError, SourceIncompleteError, UnitsError
from heatrisk.fields import sun_path
from heatrisk.forcing import Forcing, forcing
from heatrisk.steps import step_times
from heatrisk.weather import OfficialForecast, Station, Weather

MITAKA = (139.56, 35.68)
HOURS = pd.date_range("2025-08-04T15:00", "2025-08-05T16:00", freq="h")  # 5 August 2025 and an hour, in Japan
DAY = pd.date_range("2025-08-04T18:00", periods=7, freq="3h")  # 03, 06 ... 21 JST
STATE = {"ta": 33.0, "rh": 55.0, "va": 2.0, "ps": 1008.0}


def hourly(times: pd.DatetimeIndex = HOURS, **values: float | np.ndarray) -> xr.Dataset:
    return xr.Dataset(
        {k: ("time", np.broadcast_to(np.asarray(v, float), times.shape).copy()) for k, v in values.items()},
        coords={"time": times},
    )


def official(values: float | list[float], times: pd.DatetimeIndex = DAY) -> OfficialForecast:
    rows = np.broadcast_to(np.asarray(values, float), (1, len(times)))
    return OfficialForecast((Station("44116", "府中"),), times, rows, (DAY[0],), "環境省")


def moments(steps: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Middles of the 18 parts of 10 minutes around each step: t - 85 ... t + 85 minutes."""
    minutes = pd.to_timedelta(np.arange(-85, 86, 10), "min")
    return pd.DatetimeIndex([step + minute for step in steps for minute in minutes])


def clear_hours(times: pd.DatetimeIndex = HOURS) -> np.ndarray:
    """Clear-sky global radiation of the hours that end at some times, from one value every 10 minutes."""
    middles = pd.date_range(times[0] - pd.Timedelta("55min"), times[-1], freq="10min")
    return sun_path(middles, *MITAKA)["ghi"].values.reshape(-1, 6).mean(axis=1)


def drive(series: xr.Dataset | None, steps: pd.DatetimeIndex = DAY, **extra: object) -> Forcing:
    return forcing(Weather(series=series, **extra), steps, *MITAKA)  # type: ignore[arg-type]


def flat(data: xr.Dataset, name: str) -> np.ndarray:
    return data[name].values.ravel()


def codes(result: Forcing) -> list[str]:
    return [note.code for note in result.notes]


# --- when ------------------------------------------------------------------------------------------------


def test_a_step_is_made_of_18_suns_around_it() -> None:
    data = drive(hourly(**STATE)).data
    assert data["ta"].shape == (7, 18)
    sun = sun_path(moments(DAY), *MITAKA)
    np.testing.assert_allclose(flat(data, "zenith"), sun["zenith"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(flat(data, "azimuth"), sun["azimuth"], rtol=0, atol=1e-9)


def test_state_is_linear_between_the_hours_also_across_midnight() -> None:
    midnight = pd.DatetimeIndex(["2025-08-05T15:00"])  # 24 JST
    times = pd.date_range("2025-08-05T12:00", "2025-08-05T18:00", freq="h")
    data = drive(hourly(times, **(STATE | {"ta": 30.0 - 0.6 * np.arange(7.0)})), midnight).data
    hours_later = (moments(midnight) - times[0]) / pd.Timedelta("1h")
    np.testing.assert_allclose(flat(data, "ta"), 30.0 - 0.6 * hours_later, rtol=0, atol=1e-9)
    assert (flat(data, "ghi") == 0.0).all()


@pytest.mark.parametrize("late", ["-3h", "3h", "1D", "5min"])
def test_steps_that_the_series_does_not_cover_are_refused(late: str) -> None:
    wanted = (DAY[[0]] if late.startswith("-") else DAY[[-1]]) + pd.Timedelta(late)
    with pytest.raises(InputError, match="does not cover"):
        drive(hourly(**STATE), wanted)


def test_rows_of_quarters_of_an_hour_are_refused() -> None:
    times = pd.date_range("2025-08-05T00:00", "2025-08-05T06:00", freq="15min")
    with pytest.raises(InputError, match="10 minutes"):
        drive(hourly(times, **STATE), DAY[[3]])


@pytest.mark.parametrize("freq", ["10min", "30min", "3h"])
def test_other_intervals(freq: str) -> None:
    times = pd.date_range("2025-08-04T21:00", "2025-08-05T09:00", freq=freq)
    data = drive(hourly(times, ghi=400.0, **STATE), DAY[[3]]).data
    assert flat(data, "ghi").mean() == pytest.approx(400.0, rel=0.1)


# --- how much sun ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_energy_of_every_hour_is_kept(seed: int) -> None:
    ghi = clear_hours() * np.random.default_rng(seed).uniform(0.0, 1.1, len(HOURS))
    data = drive(hourly(ghi=ghi, **STATE)).data
    parts = pd.Series(flat(data, "ghi"), index=moments(DAY))
    kept = parts.groupby(parts.index.ceil("h")).mean()
    whole = parts.groupby(parts.index.ceil("h")).size() == 6
    given = pd.Series(ghi, index=HOURS)[kept.index]
    sunny = whole & (pd.Series(clear_hours(), index=HOURS)[kept.index] > 1.0)
    assert sunny.sum() >= 12
    np.testing.assert_allclose(kept[sunny], given[sunny], rtol=1e-9)


def test_radiation_belongs_to_the_hour_that_ends() -> None:
    pulse = np.where(pd.Timestamp("2025-08-05T03:00") == HOURS, 500.0, 0.0)
    data = drive(hourly(ghi=pulse, **STATE)).data
    lit = moments(DAY)[flat(data, "ghi") > 0.0]
    assert list(lit) == list(pd.date_range("2025-08-05T02:05", "2025-08-05T02:55", freq="10min"))


CLEAR = clear_hours()
GIVEN = {
    "global": {"ghi": 0.7 * CLEAR},
    "global and diffuse": {"ghi": 0.8 * CLEAR, "dhi": 0.3 * CLEAR},
    "direct and diffuse": {"dni": np.where(CLEAR > 0, 600.0, 0.0), "dhi": 0.2 * CLEAR},
    "global and direct": {"ghi": 0.8 * CLEAR, "dni": np.where(CLEAR > 0, 300.0, 0.0)},
    "all": {"ghi": 0.8 * CLEAR, "dni": np.where(CLEAR > 0, 500.0, 0.0), "dhi": 0.3 * CLEAR},
    "brighter than clear": {"ghi": 1.2 * CLEAR, "dhi": 0.0 * CLEAR},
    "none": {},
}


@pytest.mark.parametrize("given", GIVEN.values(), ids=GIVEN.keys())
def test_radiation_closes_and_a_split_beam_is_no_stronger_than_a_clear_sky(
    given: dict[str, np.ndarray],
) -> None:
    data = drive(hourly(**given, **STATE)).data
    cosz = np.maximum(np.cos(np.radians(flat(data, "zenith"))), 0.0)
    ghi, dni, dhi = (flat(data, name) for name in ("ghi", "dni", "dhi"))
    np.testing.assert_allclose(ghi, dni * cosz + dhi, rtol=0, atol=1e-6)
    assert (dni >= 0.0).all() and (dhi >= -1e-9).all()
    clear = sun_path(moments(DAY), *MITAKA)["dni"].values
    most = 1367.0 if {"dni", "dhi"} & set(given) else clear
    assert (dni <= most + 1e-9).all()
    assert (dni[cosz < 0.05] == 0.0).all()


def test_a_given_beam_is_believed() -> None:
    """A very clear day: the beam is stronger than the turbidity of the month would let it be."""
    noon = DAY[[3]]
    fine = pd.date_range(HOURS[0] - pd.Timedelta("55min"), HOURS[-1], freq="10min")
    cosz = np.clip(np.cos(np.radians(sun_path(fine, *MITAKA)["zenith"].values)), 0.0, None)
    dni, dhi = 950.0, 45.0
    ghi = dni * cosz.reshape(-1, 6).mean(axis=1) + dhi
    data = drive(hourly(ghi=ghi, dni=dni, dhi=dhi, **STATE), noon).data
    assert flat(data, "dni").mean() == pytest.approx(dni, rel=0.02)
    assert flat(data, "dhi").mean() == pytest.approx(dhi, rel=0.02)


def test_given_diffuse_radiation_is_kept() -> None:
    data = drive(hourly(ghi=0.8 * CLEAR, dhi=0.3 * CLEAR, **STATE), DAY[[3]]).data
    np.testing.assert_allclose(flat(data, "dhi") / flat(data, "ghi"), 0.375, rtol=1e-9)


def test_direct_beside_global_radiation_is_used() -> None:
    overcast = drive(hourly(ghi=0.8 * CLEAR, dni=0.0, **STATE), DAY[[3]])
    np.testing.assert_allclose(flat(overcast.data, "dhi"), flat(overcast.data, "ghi"), rtol=1e-9)
    assert "diffuse_split" not in codes(overcast)


@pytest.mark.parametrize("given", [{"dni": 500.0}, {"dhi": 200.0}])
def test_half_of_the_radiation_is_not_enough(given: dict[str, float]) -> None:
    with pytest.raises(SourceIncompleteError, match="ghi, or dni and dhi"):
        drive(hourly(**given, **STATE))


# --- what is assumed -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, extra, expected",
    [
        ({"ghi": 40.0, "dhi": 40.0}, {}, []),
        ({"ghi": 40.0}, {}, ["diffuse_split"]),
        ({}, {}, ["radiation_clear_sky"]),
        ({}, {"official": official(30.0)}, ["radiation_implied"]),
    ],
)
def test_assumptions_are_named(
    given: dict[str, float], extra: dict[str, object], expected: list[str]
) -> None:
    result = drive(hourly(**given, **STATE), **extra)
    assert codes(result) == expected
    for note in result.notes:
        assert note.words.ja and note.words.en


def test_missing_wind_and_pressure_are_assumed_and_named() -> None:
    result = drive(hourly(ta=33.0, rh=55.0, ghi=0.0, dhi=0.0), wind_height=2.0)
    assert codes(result) == ["va_assumed", "ps_assumed"]
    assert (flat(result.data, "va") == 2.0).all()
    # Mitaka lies about 60 m above the sea; pressure falls by 1 hPa in 8.4 m there.
    assert flat(result.data, "ps") == pytest.approx(1013.25 - 60.0 / 8.4, abs=1.5)


@pytest.mark.parametrize("late", [1, -1, 2])
def test_a_clock_that_is_a_little_wrong_makes_no_more_sun_than_there_is(late: int) -> None:
    sun = np.roll(clear_hours(), late)
    result = drive(hourly(ghi=sun, dhi=0.3 * sun, **STATE))
    assert "weather_beyond_sun" in codes(result)
    beam = flat(result.data, "dni") + flat(result.data, "circumsolar")
    assert (beam <= 1420.0).all() and (flat(result.data, "ghi") <= 1700.0).all()
    right = drive(hourly(ghi=clear_hours(), dhi=0.3 * clear_hours(), **STATE))
    assert "weather_beyond_sun" not in codes(right)


@pytest.mark.parametrize("late", [-9, 9, 12])
def test_radiation_that_the_sun_cannot_send_is_refused(late: int) -> None:
    sun = np.roll(clear_hours(), late)
    with pytest.raises(UnitsError, match="more radiation than the sun can send") as refused:
        drive(hourly(ghi=sun, dhi=0.3 * sun, **STATE))
    assert "Check the clock" in refused.value.text("en") and "時刻の基準" in refused.value.text("ja")


def test_a_plain_at_3000_m_has_its_own_air() -> None:
    series = hourly(ta=10.0, rh=55.0, ghi=0.0, dhi=0.0, va=2.0)
    high = forcing(Weather(series, None), DAY, 86.5, 33.0)  # Tibet, 4500 to 5500 m
    assert "ps_assumed" in codes(high)
    assert (flat(high.data, "ps") > 480.0).all() and (flat(high.data, "ps") < 600.0).all()


def ono(ta: float, rh: float, ghi: float, va: float) -> float:
    """Ono & Tonouchi (2014), as the Ministry of the Environment prints it; radiation in kW m-2."""
    sun = ghi / 1000.0
    return 0.735 * ta + 0.0374 * rh + 0.00292 * ta * rh + 7.619 * sun - 4.557 * sun**2 - 0.0572 * va - 4.064


def around_noon(data: xr.Dataset, name: str) -> float:
    """Value at 12 JST, between the two sub-steps beside it."""
    return float(data[name].sel(time=DAY[3]).values[8:10].mean())


@pytest.mark.parametrize("value", [28.0, 29.5, 30.5])
def test_implied_radiation_explains_the_official_value(value: float) -> None:
    data = drive(hourly(**STATE), official=official(value)).data
    assert ono(33.0, 55.0, around_noon(data, "ghi"), 2.0) == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize("value, low, high", [(20.0, 0.0, 0.0), (36.0, 830.0, 836.5)])
def test_implied_radiation_saturates(value: float, low: float, high: float) -> None:
    data = drive(hourly(**STATE), official=official(value)).data
    assert low <= around_noon(data, "ghi") <= high


def test_implied_radiation_at_night_is_none() -> None:
    night = pd.DatetimeIndex(["2025-08-05T12:00"])
    data = drive(hourly(**STATE), night, official=official(30.0, night)).data
    assert (flat(data, "ghi") == 0.0).all()


def test_official_value_alone_implies_the_air_of_a_clear_day() -> None:
    result = drive(None, DAY, official=official([24.0, 26.0, 30.0, 32.0, 31.0, 28.0, 26.0]))
    assert codes(result) == ["weather_assumed"]
    data = result.data
    assert (flat(data, "rh") == 60.0).all()
    ghi = min(around_noon(data, "ghi"), 836.0)
    assert ono(around_noon(data, "ta"), 60.0, ghi, 2.0) == pytest.approx(32.0, abs=0.05)
    clear = sun_path(moments(DAY), *MITAKA)
    np.testing.assert_allclose(flat(data, "dni"), clear["dni"], rtol=0, atol=1e-9)


def test_official_value_travels_unaltered() -> None:
    values = [24.1, 26.7, 30.3, 32.9, 31.1, 28.3, 26.9]
    assert drive(hourly(**STATE), official=official(values)).data["official"].values.tolist() == values
    assert np.isnan(drive(hourly(**STATE)).data["official"]).all()


# --- what is derived -------------------------------------------------------------------------------------


def test_wind_is_brought_down_from_the_mast() -> None:
    # EPA-454/R-99-005, urban, stability E: 2 m/s at 10 m are 2 (2/10)^0.30 at 2 m.
    data = drive(hourly(ghi=0.0, dhi=0.0, **STATE)).data
    at_night = flat(data, "va")[flat(data, "zenith") > 90.0]
    np.testing.assert_allclose(at_night, 2.0 * 0.2**0.30, rtol=1e-6)
    low = drive(hourly(ghi=0.0, dhi=0.0, **STATE), wind_height=2.0).data
    assert (flat(low, "va") == 2.0).all()


BLACK = 5.6696e-8 * 306.15**4
# Berdahl & Martin (1984) at 33 °C and 55 %: e = 27.677 hPa has its dew point at 22.76 °C.
CLEAR_SKY = 0.711 + 0.56 * 0.2276 + 0.73 * 0.2276**2 + 0.00012 * (STATE["ps"] - 1000.0)


def by_the_sun(minutes: np.ndarray) -> np.ndarray:
    """Return the emissivity of a clear sky some minutes from each step, by local mean solar time."""
    times = DAY.values[:, None] + minutes.astype("timedelta64[m]")
    hours = (times - times.astype("datetime64[D]")) / np.timedelta64(1, "h") + MITAKA[0] / 15.0
    return (CLEAR_SKY + 0.013 * np.cos(2.0 * np.pi * hours / 24.0)).ravel()


WITHIN, BEFORE = np.arange(-85, 90, 10), np.arange(-85 - 1440, -85, 10)


def test_sky_radiates_like_a_clear_one() -> None:
    data = drive(hourly(**STATE)).data
    np.testing.assert_allclose(flat(data, "ldown"), by_the_sun(WITHIN) * BLACK, rtol=2e-4)


def test_clouds_warm_the_sky_by_what_they_take_of_the_sun_at_night_too() -> None:
    overcast = drive(hourly(ghi=0.3 * CLEAR, dhi=0.3 * CLEAR, **STATE))
    for data, minutes in ((overcast.data, WITHIN), (overcast.before, BEFORE)):
        sky = 0.3 * by_the_sun(minutes) + 0.7
        np.testing.assert_allclose(flat(data, "ldown"), sky * BLACK, rtol=2e-3)


def test_parts_of_the_diffuse_light_add_up() -> None:
    data = drive(hourly(ghi=0.8 * CLEAR, dhi=0.3 * CLEAR, **STATE)).data
    cosz = np.maximum(np.cos(np.radians(flat(data, "zenith"))), 0.0)
    dhi, circumsolar = flat(data, "dhi"), flat(data, "circumsolar")
    np.testing.assert_allclose(flat(data, "diffuse") + circumsolar * cosz, dhi, rtol=0, atol=1e-9)
    assert (circumsolar >= 0.0).all() and circumsolar.max() > 20.0
    assert (flat(data, "diffuse") >= 0.0).all()
    assert np.isfinite(flat(data, "horizon")).all()
    assert (circumsolar[cosz < 0.05] == 0.0).all(), "a low sun makes no spike"


# --- a sky that is measured ------------------------------------------------------------------------------


def of_series(data: xr.Dataset, hourly_values: np.ndarray) -> np.ndarray:
    """Return what hourly means, set to the middle of their hours, are at the sub-steps of some steps."""
    middles = (HOURS - pd.Timedelta("30min")).to_numpy().astype(float)
    return np.interp(
        moments(pd.DatetimeIndex(data["time"].values)).to_numpy().astype(float), middles, hourly_values
    )


def test_a_measured_sky_is_taken_as_it_is() -> None:
    given = 420.0 + 15.0 * np.sin(np.arange(len(HOURS)))
    result = drive(hourly(ghi=0.7 * CLEAR, ldown=given, **STATE))
    np.testing.assert_allclose(flat(result.data, "ldown"), of_series(result.data, given), rtol=1e-12)
    assert "sky_given" in codes(result)
    assert np.isfinite(flat(result.before, "ldown")).all()
    # The hour that ends at the step's clock time is its 4th to 9th part.
    assert flat(result.data, "ldown")[3:9].mean() == pytest.approx(given[HOURS.get_loc(DAY[0])], abs=2.0)


def test_clouds_are_those_that_the_measured_sky_tells() -> None:
    """Half of the way from a clear sky to a black one, whatever the sun says of clouds, by day and night."""
    for sun in (0.2, 1.0):
        result = drive(hourly(ghi=sun * CLEAR, ldown=0.5 * (CLEAR_SKY + 1.0) * BLACK, **STATE))
        # The clear sky's emissivity swings by 0.013 with the hour; it is 0.876 here.
        np.testing.assert_allclose(flat(result.data, "cloud"), 0.5, rtol=0, atol=0.06)
        np.testing.assert_allclose(flat(result.before, "cloud"), 0.5, rtol=0, atol=0.06)


def test_the_model_stands_in_where_the_sky_was_not_measured() -> None:
    given = np.full(len(HOURS), 400.0)
    given[HOURS.get_loc("2025-08-05T03:00")] = np.nan  # 11 to 12 JST
    given[HOURS.get_loc("2025-08-05T05:00")] = 700.0  # brighter than a black body of this air by far
    series = hourly(ghi=CLEAR, **STATE)
    plain, result = drive(series), drive(series.assign(ldown=("time", given)))
    noon = [pd.Timestamp("2025-08-05T02:00"), pd.Timestamp("2025-08-05T04:00")]
    at = moments(DAY)
    lost = ((at > noon[0]) & (at <= noon[0] + pd.Timedelta("1h"))) | (
        (at > noon[1]) & (at <= noon[1] + pd.Timedelta("1h"))
    )
    assert lost.sum() == 12
    for name in ("ldown", "cloud"):
        np.testing.assert_array_equal(flat(result.data, name)[lost], flat(plain.data, name)[lost])
    np.testing.assert_allclose(flat(result.data, "ldown")[~lost], 400.0)
    note = next(note for note in result.notes if note.code == "sky_given_in_part")
    assert "(1 rows)" in note.words.en and "1 時刻" in note.words.ja


def test_a_sky_that_nobody_measured_changes_nothing() -> None:
    series = hourly(ghi=CLEAR, **STATE)
    plain, empty = drive(series), drive(series.assign(ldown=("time", np.full(len(HOURS), np.nan))))
    assert codes(empty) == codes(plain)
    xr.testing.assert_identical(empty.data, plain.data)
    xr.testing.assert_identical(empty.before, plain.before)


def test_a_measured_sky_is_no_radiation_of_the_sun() -> None:
    result = drive(hourly(ldown=400.0, **STATE), official=official(30.0))
    assert codes(result) == ["radiation_implied", "sky_given"]


# --- the day before --------------------------------------------------------------------------------------


def test_each_step_comes_with_the_24_hours_before_it() -> None:
    two_days = pd.date_range("2025-08-03T15:00", "2025-08-05T16:00", freq="h")
    series = hourly(two_days, **(STATE | {"ta": 25.0 + 0.1 * np.arange(len(two_days))}))
    before = drive(series, DAY[[3]]).before
    assert before["ta"].shape == (1, 144)
    first_sub_step = DAY[3] - pd.Timedelta("85min")
    times = first_sub_step - pd.to_timedelta(10 * np.arange(144, 0, -1), "min")
    expected = 25.0 + 0.1 * ((times - two_days[0]) / pd.Timedelta("1h"))
    np.testing.assert_allclose(flat(before, "ta"), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(flat(before, "zenith"), sun_path(times, *MITAKA)["zenith"], rtol=0, atol=1e-9)


def test_what_no_row_tells_is_taken_like_the_same_hour_of_the_next_day() -> None:
    series = hourly(**(STATE | {"ta": 25.0 + 0.1 * np.arange(len(HOURS))}))
    before = drive(series, DAY[[1]]).before
    times = DAY[1] - pd.Timedelta("85min") - pd.to_timedelta(10 * np.arange(144, 0, -1), "min")
    known = times.where(times >= HOURS[0] - pd.Timedelta("55min"), times + pd.Timedelta("1D"))
    hours = np.maximum((known - HOURS[0]) / pd.Timedelta("1h"), 0.0)
    np.testing.assert_allclose(flat(before, "ta"), 25.0 + 0.1 * hours, rtol=0, atol=1e-9)


def test_a_hole_in_the_day_before_is_filled_like_the_rest() -> None:
    series = hourly(ghi=40.0, **STATE)
    series["ta"][4:6] = np.nan
    before = drive(series, DAY[[3]]).before
    for name in ("ta", "ghi", "ldown", "circumsolar"):
        assert np.isfinite(flat(before, name)).all()


@pytest.mark.parametrize("minutes", [20, 60])
def test_other_steps(minutes: int) -> None:
    step = pd.Timedelta(minutes=minutes)
    times = step_times(Weather(hourly(**STATE)), step)[0]
    data = forcing(Weather(hourly(**STATE)), times[:3], *MITAKA, step=step).data
    assert data["ta"].shape == (3, minutes // 10)
    assert times[1] - times[0] == step
    middle = sun_path(times[:3], *MITAKA)["zenith"].values
    np.testing.assert_allclose(data["zenith"].mean("sub"), middle, rtol=0, atol=0.2)


# --- holes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ta", "rh", "va", "ps", "ghi"])
def test_hole_inside_names_quantity_and_time(name: str) -> None:
    series = hourly(ghi=300.0, **STATE)
    series[name][HOURS.get_loc("2025-08-05T03:00")] = np.nan
    with pytest.raises(SourceIncompleteError) as caught:
        drive(series, DAY[[3]], source="forecast.csv")
    for text in (caught.value.text("ja"), caught.value.text("en")):
        assert name in text
        assert "2025-08-05 12:00 JST" in text
        assert "forecast.csv" in text


def test_hole_outside_the_steps_does_not_matter() -> None:
    series = hourly(ghi=300.0, **STATE)
    for name in series:
        series[name][:6] = np.nan
        series[name][-6:] = np.nan
    assert np.isfinite(flat(drive(series, DAY[[3]]).data, "ghi")).all()
