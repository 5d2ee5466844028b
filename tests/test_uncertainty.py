"""The spread of a WBGT: its limits, its terms one by one, and the physics shaken to see how far it moves."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import validation
from heatrisk.fields import sky_views, sun_path
from heatrisk.forcing import forcing
from heatrisk.physics.air import vapour_pressure
from heatrisk.physics.balance import globe_iso7726
from heatrisk.physics.constants import KELVIN, SIGMA, WEIGHT_GLOBE
from heatrisk.physics.shadow import shade_scene, sun_shares
from heatrisk.physics.spread import moe_per_load, ono_per_kelvin
from heatrisk.physics.wbgt import ono
from heatrisk.run import simulate
from heatrisk.uncertainty import (
    DIFFUSE_ERROR,
    LEADS,
    LUP_RMSE,
    NEXT_DAY,
    SAME_DAY,
    STATION_SD,
    Conditions,
    UncertaintyInputs,
    attribute,
    beam_sd,
    conditions,
    edge_sd,
    forecast_sd,
    lead_hours,
    p_at_least,
    probability,
    split_measured,
    spread,
    surface_sd,
    term_sds,
)
from heatrisk.uncertainty.terms import LEFT_OUT, TERMS
from heatrisk.weather import OfficialForecast, Station, Weather
from tests.messages import SHARED
from tests.slab_town import HOURS, OFFICIAL, STEPS, hours, official, sunny, town

RANDOM = np.random.default_rng(20)
NOON = Conditions(cosz=0.9, diffuse_share=0.2, ta=33.0, rh=55.0, va=1.0)


def cells(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def step(**changes: Any) -> UncertaintyInputs:
    """Return a step of one half-shaded cell, a day after the issue of the forecast."""
    inputs = UncertaintyInputs(
        wbgt=cells(30.0), wbgt_sun=cells(31.0), wbgt_shade=cells(28.5), sunlit=cells(0.5),
        lead_hours=21.0, anchored=True, split_measured=False, sub_cell=1.0, cell=5.0, svf=cells(0.6),
        conditions=NOON,
    )  # fmt: skip
    return inputs._replace(**changes)


def rms(values: Sequence[float] | np.ndarray) -> float:
    return math.sqrt(float(np.mean(np.square(values))))


# --- probability -----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(-60.0, 60.0), st.floats(-60.0, 60.0), st.floats(0.001, 20.0))
def test_probability_is_that_of_the_normal_law(limit: float, mean: float, sd: float) -> None:
    exact = 0.5 * math.erfc((limit - np.float64(np.float32(mean))) / np.float32(sd) / math.sqrt(2.0))
    assert p_at_least(limit, cells(mean), cells(sd))[0] == pytest.approx(exact, abs=4e-6)


def test_probability_without_spread_is_a_step() -> None:
    p = p_at_least(31.0, cells(30.99, 31.0, 31.01), cells(0.0, 0.0, 0.0))
    assert p.tolist() == [0.0, 1.0, 1.0]
    assert p.dtype == np.float32


def test_probability_of_nan_is_nan() -> None:
    assert np.isnan(p_at_least(31.0, cells(np.nan, 31.0), cells(1.0, np.nan))).all()


def test_probability_keeps_the_shape_and_grows_with_the_mean() -> None:
    mean = np.linspace(25.0, 37.0, 60, dtype=np.float32).reshape(3, 4, 5)
    p = p_at_least(31.0, mean, np.full_like(mean, 1.3))
    assert p.shape == mean.shape
    assert (np.diff(p.ravel()) >= 0.0).all()
    assert p_at_least(31.0, cells(31.0), cells(1.3))[0] == 0.5


# --- the whole -------------------------------------------------------------------------------------------


def test_spread_is_what_its_terms_make_together() -> None:
    terms = term_sds(step())
    assert set(terms) == {term.name for term in TERMS}
    assert all(value[0] > 0.0 for value in terms.values())
    assert spread(step())[0] == pytest.approx(math.hypot(*(float(value[0]) for value in terms.values())))


def test_spread_may_be_written_where_the_share_of_the_beam_stood() -> None:
    share, values = np.float32([[0.0, 0.3, 1.0], [0.5, np.nan, 0.9]]), np.full((2, 3), 30.9, np.float32)
    of_cells = step(wbgt=values, wbgt_sun=values + 1, wbgt_shade=values - 1, svf=0.02 * values, sunlit=share)
    plain = spread(of_cells)
    field, p = share.copy(), np.empty_like(share)
    assert spread(of_cells._replace(sunlit=field), out=field) is field
    np.testing.assert_array_equal(field, plain)
    assert probability(31.0, of_cells, field, out=p) is p
    np.testing.assert_array_equal(p, probability(31.0, of_cells, plain))
    assert np.isnan(probability(31.0, of_cells._replace(anchored=False), field, out=p)).all()


def test_spread_of_nan_is_nan_and_keeps_the_shape() -> None:
    field = np.full((2, 3), 30.0, np.float32)
    hole = field.copy()
    hole[1, 1] = np.nan
    for name in ("wbgt_sun", "wbgt_shade", "sunlit"):
        whole = dict.fromkeys(("wbgt", "wbgt_sun", "wbgt_shade", "svf"), field)
        whole |= {"sunlit": np.full((2, 3), 0.3, np.float32)}
        sd = spread(step(**(whole | {name: hole})))
        assert sd.shape == (2, 3)
        assert sd.dtype == np.float32
        assert np.isnan(sd[1, 1])
        assert np.isfinite(np.delete(sd.ravel(), 4)).all()


def test_strided_fields_are_read_as_they_lie() -> None:
    wide = RANDOM.uniform(28.0, 32.0, (6, 8)).astype(np.float32)
    part = {"wbgt": wide[::2, 1::3], "wbgt_sun": wide[::2, 1::3] + 1, "wbgt_shade": wide[::2, 1::3] - 1}
    part |= {"sunlit": np.full((3, 3), 0.4, np.float32), "svf": np.full((3, 3), 0.7, np.float32)}
    packed = {name: np.ascontiguousarray(value) for name, value in part.items()}
    np.testing.assert_array_equal(spread(step(**part)), spread(step(**packed)))


def test_nothing_official_leaves_the_town_alone() -> None:
    terms = term_sds(step(anchored=False, lead_hours=math.nan))
    assert terms["forecast"][0] == terms["station"][0] == 0.0
    assert terms["surface"][0] > 0.0


def test_without_contrast_only_the_common_terms_remain() -> None:
    terms = term_sds(step(wbgt_sun=cells(30.0), wbgt_shade=cells(30.0)))
    assert terms["split"][0] == terms["edge"][0] == 0.0


# --- forecast and station --------------------------------------------------------------------------------


def test_forecast_is_the_published_error_times_the_slope() -> None:
    for lead, published in zip(LEADS, (SAME_DAY, NEXT_DAY), strict=True):
        slope = ono_per_kelvin(33.0, 55.0)
        assert forecast_sd(lead, 33.0, 55.0) == pytest.approx(rms(published) * slope)


def test_forecast_grows_with_lead_time_and_is_held_after_the_last_known() -> None:
    found = [forecast_sd(lead) for lead in (0.5, 9.0, 15.0, 21.0, 70.0)]
    assert found[0] == found[1] < found[2] < found[3] == found[4]


@pytest.mark.parametrize("lead", [0.0, -3.0, math.nan])
def test_what_was_observed_has_no_forecast_error(lead: float) -> None:
    assert term_sds(step(lead_hours=lead))["forecast"][0] == 0.0
    assert term_sds(step(lead_hours=lead))["station"][0] == STATION_SD


@pytest.mark.parametrize(("ta", "rh"), [(26.0, 80.0), (30.0, 60.0), (35.0, 45.0)])
def test_forecast_of_a_shaken_temperature(ta: float, rh: float) -> None:
    shaken = ta + rms(NEXT_DAY) * np.array([-1.0, 1.0])
    vapour = vapour_pressure(ta, rh)
    low, high = ono(shaken, 100.0 * vapour / vapour_pressure(shaken, 100.0), 700.0, 2.0)
    assert forecast_sd(21.0, ta, rh) == pytest.approx(0.5 * (high - low), rel=0.05)


def test_lead_time_is_that_of_the_oldest_issue() -> None:
    stations = (Station("1", "甲"), Station("2", "乙"))
    issues = (pd.Timestamp("2025-08-05T05:25"), pd.Timestamp("2025-08-04T20:25"))
    values = np.array([OFFICIAL, OFFICIAL])
    forecast = OfficialForecast(stations, STEPS, values, issues, "環境省")
    at = pd.Timestamp("2025-08-05T06:00")
    assert lead_hours(Weather(official=forecast), at) == pytest.approx(9.0 + 35.0 / 60.0)
    observed = OfficialForecast(stations, STEPS, values, issues, "環境省", kind="observed")
    assert lead_hours(Weather(official=observed), at) == 0.0
    assert math.isnan(lead_hours(Weather(hours()), at))


# --- surface ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("va", [0.5, 1.0, 3.0])
def test_surface_of_a_shaken_ground(va: float) -> None:
    ta, load = 32.0, SIGMA * (40.0 + KELVIN) ** 4
    shaken = load + 0.5 * LUP_RMSE * RANDOM.standard_normal(4000)
    globes = [globe_iso7726(ta, va, (each / SIGMA) ** 0.25 - KELVIN) for each in shaken]
    true = WEIGHT_GLOBE * float(np.std(globes))
    assert true <= 1.03 * surface_sd(ta, va) <= 1.3 * true


def test_slope_of_the_globe_is_an_upper_bound() -> None:
    for ta in (20.0, 35.0):
        for va in (0.3, 1.0, 4.0):
            for radiant in (ta + 1.0, ta + 20.0, ta + 50.0):
                load = SIGMA * (radiant + KELVIN) ** 4
                low, high = (
                    globe_iso7726(ta, va, (load + by) ** 0.25 / SIGMA**0.25 - KELVIN) for by in (-2.0, 2.0)
                )
                assert WEIGHT_GLOBE * (high - low) / 4.0 <= 1.01 * moe_per_load(ta, va)


def test_stated_error_of_the_ground_is_that_of_the_measured_site() -> None:
    site = SHARED / "validation" / "kronenhuset"
    if not site.exists():
        pytest.skip(f"no {site}")
    found = validation.validate(site)["scores"]["all"]["Lup"]["rmse"]
    assert pytest.approx(found, rel=0.15) == LUP_RMSE


# --- split -----------------------------------------------------------------------------------------------


def test_split_that_is_given_has_no_error() -> None:
    assert term_sds(step(split_measured=True))["split"][0] == 0.0
    assert term_sds(step(conditions=NOON._replace(diffuse_share=math.nan)))["split"][0] == 0.0


def test_what_is_given_of_the_sun() -> None:
    assert not split_measured(sunny())
    assert not split_measured(Weather(hours(ghi=500.0)))
    assert split_measured(Weather(hours(ghi=500.0, dhi=100.0)))
    assert split_measured(Weather(hours(ghi=500.0, dni=700.0)))
    assert not split_measured(Weather(official=official(OFFICIAL)))


def test_beam_is_less_sure_the_more_is_diffuse() -> None:
    assert beam_sd(0.0) == 0.0
    assert beam_sd(0.5) == DIFFUSE_ERROR
    assert beam_sd(0.2) < beam_sd(0.4) < beam_sd(0.8) <= beam_sd(0.99) == 1.0
    assert beam_sd(1.0) == beam_sd(math.nan) == 0.0


def test_open_ground_in_the_sun_is_held_by_the_anchor() -> None:
    assert term_sds(step(sunlit=cells(1.0), svf=cells(1.0)))["split"][0] == 0.0


def shaken_sun(share: float, by: float) -> Weather:
    """Return a clear day whose diffuse share is off by a part of the error that a split has."""
    moments = pd.DatetimeIndex(HOURS) - pd.Timedelta(minutes=30)
    zenith = sun_path(moments, 139.55, 35.68)["zenith"].values
    ghi = 900.0 * np.clip(np.cos(np.radians(zenith)), 0.0, None)
    dhi = share * (1.0 + DIFFUSE_ERROR * by) * ghi
    return Weather(hours(ghi=ghi, dhi=dhi), official(OFFICIAL), wind_height=2.0)


@pytest.mark.parametrize("anchor", [True, False])
@pytest.mark.parametrize("share", [0.25, 0.5])
def test_split_of_a_shaken_sun(share: float, anchor: bool) -> None:
    scene = town()
    views = sky_views(scene.shade, scene.grid, scene.transmissivity)
    noon = STEPS[2:3]
    # A linear response to a normal error has the sd of its two values one sd to either side.
    less, base, more = (
        simulate(scene, shaken_sun(share, by), steps=noon, svf=views, anchor=anchor) for by in (-1, 0, 1)
    )
    true = 0.5 * np.abs(more["wbgt_moe"].values - less["wbgt_moe"].values)[0]
    now = forcing(shaken_sun(share, 0.0), noon, *scene.grid.centre_lonlat).data.isel(time=0)
    fields = {name: base[f"wbgt_moe{end}"].values[0] for name, end in
              (("wbgt", ""), ("wbgt_sun", "_sun"), ("wbgt_shade", "_shade"))}  # fmt: skip
    told = term_sds(
        step(**fields, sunlit=base["sunlit"].values[0], svf=base["svf"].values, anchored=anchor,
             conditions=conditions(now))
    )["split"]  # fmt: skip
    known = np.isfinite(true)
    assert 0.5 <= rms(told[known]) / rms(true[known]) <= 1.3
    assert np.corrcoef(told[known], true[known])[0, 1] > 0.8


# --- edge ------------------------------------------------------------------------------------------------


def test_edge_matters_only_where_one_runs_through_the_cell() -> None:
    sd = term_sds(step(sunlit=cells(0.5), position_sd=2.0))["edge"][0]
    assert sd == pytest.approx(2.5 * edge_sd(1.0, 5.0, 2.0))
    for whole in (0.0, 1.0):
        assert term_sds(step(sunlit=cells(whole)))["edge"][0] == 0.0
    # No share of 1 % can spread by more than √(0.01 · 0.99) about its mean.
    assert term_sds(step(sunlit=cells(0.01), position_sd=2.0))["edge"][0] <= 2.5 * 0.1


def test_edge_grows_with_the_sub_cell_and_the_town_s_own_error() -> None:
    assert edge_sd(0.5, 5.0) < edge_sd(1.0, 5.0) < edge_sd(5.0, 5.0) == pytest.approx(1.0 / math.sqrt(12.0))
    assert edge_sd(1.0, 5.0, 1.75) == pytest.approx(math.hypot(edge_sd(1.0, 5.0), 0.35))


def turned_boxes(cell: float, size: float = 200.0) -> tuple[np.ndarray, np.ndarray]:
    """Return the sunlit shares of three hours in a town of turned houses, drawn in steps of a sub-cell."""
    random = np.random.default_rng(3)
    middles = (np.arange(round(size / cell)) + 0.5) * cell
    x, y = np.meshgrid(middles, middles[::-1])
    roof = np.full(x.shape, np.nan, np.float32)
    for _ in range(100):
        (at_x, at_y), (a, b) = random.uniform(15, size - 15, 2), random.uniform(4, 11, 2)
        turn, height = random.uniform(0, np.pi), random.uniform(5, 25)
        along = (x - at_x) * np.cos(turn) + (y - at_y) * np.sin(turn)
        across = (y - at_y) * np.cos(turn) - (x - at_x) * np.sin(turn)
        inside = (np.abs(along) <= a) & (np.abs(across) <= b)
        roof[inside] = np.fmax(roof[inside], height)
    scene = shade_scene(np.zeros_like(roof), roof, cell_size=cell, factor=round(5.0 / cell))
    path = sun_path(pd.date_range("2025-08-05T04:35", periods=18, freq="10min"), 139.55, 35.69)
    suns = zip(path["zenith"].values, path["azimuth"].values, strict=True)
    shares = [sun_shares(scene, float(zenith), float(azimuth))[1] for zenith, azimuth in suns]
    return np.mean(shares, axis=0), scene.outdoor_fraction


def test_edge_of_a_town_drawn_finer() -> None:
    fine, outdoor = turned_boxes(0.2)
    for cell in (1.0, 0.5):
        drawn, free = turned_boxes(cell)
        cut = (outdoor > 0.99) & (free > 0.99) & (fine > 0.0) & (fine < 1.0)
        true = rms((drawn - fine)[cut])
        assert 0.5 * edge_sd(cell, 5.0) <= true <= 1.1 * edge_sd(cell, 5.0)


# --- what is told ----------------------------------------------------------------------------------------


def test_attribute_names_every_term_and_what_is_left_out() -> None:
    rows = {row["name"]: row for row in json.loads(attribute())}
    assert list(rows) == [term.name for term in (*TERMS, *LEFT_OUT)]
    for term in TERMS:
        assert 0.0 < rows[term.name]["sd_typical"] < 2.0
        assert rows[term.name]["source"]
    for term in LEFT_OUT:
        assert rows[term.name]["sd"] is None
        assert rows[term.name]["source"]
    assert all(row["ja"] and row["en"] for row in rows.values())


def test_without_a_forecast_of_known_age_there_is_no_probability() -> None:
    for lacking in (step(anchored=False, lead_hours=np.nan), step(lead_hours=np.nan)):
        assert np.isnan(probability(31.0, lacking, spread(lacking))).all()
    rows = {row["name"]: row for row in json.loads(attribute(forecast=False))}
    assert rows["forecast"]["sd"] is None and rows["station"]["sd"] is None
    assert "sd_typical" in rows["edge"]
