"""Radiation over sub-steps, its direct share, and the radiation that an official WBGT implies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.physics import irradiance
from heatrisk.physics.wbgt import ono

DAY = np.clip(np.sin(np.linspace(-0.3, np.pi + 0.3, 144)), 0.0, None) * 950.0
HOUR = np.arange(144) // 6


@given(st.lists(st.floats(0.0, 1100.0), min_size=24, max_size=24))
def test_energy_of_every_sunny_window_is_kept(means: list[float]) -> None:
    ghi = irradiance.substep_ghi(means, HOUR, DAY)
    sunny = np.bincount(HOUR, DAY) / 6 >= irradiance.CLEAR_MEAN_MIN
    back = np.bincount(HOUR, ghi) / 6
    np.testing.assert_allclose(back[sunny], np.array(means)[sunny], rtol=1e-12, atol=1e-9)
    assert (back[~sunny] == 0.0).all()
    assert sunny.sum() >= 20
    assert (~sunny).sum() >= 2


def test_within_a_window_radiation_follows_the_clear_sky() -> None:
    ghi = irradiance.substep_ghi([300.0], np.zeros(3, int), [200.0, 400.0, 600.0])
    np.testing.assert_allclose(ghi, [150.0, 300.0, 450.0])


def test_a_window_without_a_value_is_unknown_and_so_is_a_substep_without_a_window() -> None:
    ghi = irradiance.substep_ghi([np.nan, 100.0], [0, 1, 2, -1], [500.0, 500.0, 500.0, 500.0])
    np.testing.assert_array_equal(ghi, [np.nan, 100.0, np.nan, np.nan])


def test_limits_of_the_direct_share() -> None:
    # exp(3 - 1.34 n - 1.65 / n) by hand at n = 0.5; at most 0.9, and n at most 0.85.
    half = 0.5 * 1367 * 0.8
    assert irradiance.direct_fraction(half, 0.8) == pytest.approx(np.exp(3 - 0.67 - 3.3), rel=1e-12)
    assert irradiance.direct_fraction(1300.0, 0.9) == 0.9
    assert irradiance.clearness(1300.0, 0.9) == 0.85
    assert irradiance.clearness(0.5 * 1367 * 0.8 / 1.02**2, 0.8, 1.02) == pytest.approx(0.5, rel=1e-12)
    assert irradiance.direct_fraction([0.0, 100.0, 100.0], [0.8, 0.005, -0.3]).tolist() == [0.0, 0.0, 0.0]
    missing = [np.nan, 100.0, 100.0], [0.5, np.nan, 0.5], [1.0, 1.0, np.nan]
    assert np.isnan(irradiance.direct_fraction(*missing)).all()


@given(st.floats(0.0, 1200.0), st.floats(0.0, 1.2), st.floats(-1.0, 1.0), st.floats(0.0, 1100.0))
def test_global_is_direct_and_diffuse_and_the_beam_is_limited(
    ghi: float, share: float, cosz: float, clear: float
) -> None:
    dni, dhi = irradiance.limit_direct(ghi, share * ghi, cosz, clear)
    assert dni * max(cosz, 0.0) + dhi == pytest.approx(ghi, abs=1e-9)
    assert 0.0 <= dni <= clear
    assert dhi >= -1e-9
    assert cosz >= 0.05 or dni == 0.0


def test_a_beam_below_the_limit_is_untouched() -> None:
    assert irradiance.limit_direct(600.0, 200.0, 0.8, 900.0) == (pytest.approx(500.0), pytest.approx(200.0))


@pytest.mark.parametrize("missing", range(4))
def test_limit_direct_nan_in_nan_out(missing: int) -> None:
    values = [600.0, 200.0, 0.8, 900.0]
    values[missing] = np.nan
    assert np.isnan(irradiance.limit_direct(*values)).all()


# Ta 33, RH 55, wind 2: official value, radiation (W m-2, published to the whole watt).
WORKED = [(27.6, 22), (28.5, 154), (29.5, 341), (30.5, 675), (31.5, 836)]


@pytest.mark.parametrize(("official", "expected"), WORKED)
def test_implied_radiation_of_the_worked_example(official: float, expected: float) -> None:
    assert irradiance.implied_ghi(official, 33.0, 55.0, 2.0, 1000.0) == pytest.approx(expected, abs=0.5)


@given(st.floats(0.0, 830.0), st.floats(15.0, 40.0), st.floats(10.0, 100.0), st.floats(0.0, 10.0))
def test_implied_radiation_and_temperature_undo_the_regression(
    ghi: float, ta: float, rh: float, va: float
) -> None:
    official = ono(ta, rh, ghi, va)
    assert irradiance.implied_ghi(official, ta, rh, va, 1000.0) == pytest.approx(ghi, abs=1e-4)
    assert irradiance.implied_temperature(official, rh, ghi, va) == pytest.approx(ta, abs=1e-9)


def test_implied_radiation_stays_between_night_and_clear_sky() -> None:
    limited = irradiance.implied_ghi([20.0, 35.0, 35.0], 33.0, 55.0, 2.0, [900.0, 400.0, 0.0])
    assert limited.tolist() == [0.0, 400.0, 0.0]
    for missing in range(5):
        values = [30.0, 33.0, 55.0, 2.0, 900.0]
        values[missing] = np.nan
        assert np.isnan(irradiance.implied_ghi(*values))


def test_implied_temperature_counts_no_more_sun_than_the_regression_can_use() -> None:
    at_top = irradiance.implied_temperature(31.0, 55.0, irradiance.ONO_SUN_MAX * 1000.0, 2.0)
    assert irradiance.implied_temperature(31.0, 55.0, 1000.0, 2.0) == at_top
    for missing in range(4):
        values = [30.0, 55.0, 600.0, 2.0]
        values[missing] = np.nan
        assert np.isnan(irradiance.implied_temperature(*values))


def test_angstrom_prescott_by_the_worked_example() -> None:
    """FAO-56, example 10: Rio in May, n = 7.1 h of N = 10.9 h, Ra = 25.1 and Rs = 14.5 MJ m-2 a day.

    The example's inputs are printed to 0.1, which leaves 0.06 open in its result.
    """
    assert irradiance.angstrom_prescott(7.1 / 10.9, 25.1) == pytest.approx(14.5, abs=0.06)


def test_sunshine_ranges_from_a_quarter_to_three_quarters_of_what_arrives() -> None:
    ghi = irradiance.angstrom_prescott(
        [0.0, 1.0, 1.4, np.nan, np.nan, 0.5], [800.0, 800.0, 800.0, 800.0, 0.0, np.nan]
    )
    np.testing.assert_allclose(ghi, [200.0, 600.0, 600.0, np.nan, 0.0, np.nan])
