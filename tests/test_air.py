"""Moist air, and wind at the height of people."""

from __future__ import annotations

import numpy as np
import pytest

from heatrisk.physics import air
from tests import naive

# Saturation vapour pressure over water by the Goff-Gratch equation (Smithsonian Meteorological Tables), hPa.
GOFF_GRATCH = {0.0: 6.1078, 10.0: 12.272, 20.0: 23.373, 30.0: 42.430, 40.0: 73.777}


@pytest.mark.parametrize(("ta", "expected"), GOFF_GRATCH.items())
def test_saturation_is_the_smithsonian_table_times_the_moist_air_factor(ta: float, expected: float) -> None:
    assert air.saturation_vapour_pressure(ta) / 1.004 == pytest.approx(expected, rel=2e-3)


def test_saturation_slope_is_the_derivative() -> None:
    t = np.linspace(-30.0, 50.0, 17)
    difference = np.log(air.saturation_vapour_pressure(t + 1e-4) / air.saturation_vapour_pressure(t - 1e-4))
    np.testing.assert_allclose(air.saturation_slope(t), difference / 2e-4, rtol=1e-6)


def test_wet_bulb_agrees_with_bisection_everywhere() -> None:
    weather = np.meshgrid(np.arange(-50.0, 61.0, 10.0), [0, 1, 30, 60, 99, 100], [500, 1013])
    ta, rh, ps = (x.ravel() for x in weather)
    slow = [naive.psychrometric_wet_bulb(*map(float, row)) for row in zip(ta, rh, ps, strict=True)]
    np.testing.assert_allclose(air.psychrometric_wet_bulb(ta, rh, ps), slow, rtol=0, atol=3e-6)


def test_wet_bulb_lies_between_dew_point_and_air_temperature() -> None:
    rh = np.linspace(5.0, 100.0, 20)
    wet = air.psychrometric_wet_bulb(33.0, rh, 1008.0)
    dew = air.dew_point(air.vapour_pressure(33.0, rh))
    assert (dew <= wet + 0.05).all()
    assert (wet <= 33.0 + 1e-9).all()
    assert (np.diff(wet) > 0).all()


def test_sky_longwave_of_worked_cells() -> None:
    # Open lawn by day (33 °C, 55 %) and by night (28 °C, 75 %).
    assert air.sky_longwave(33.0, 55.0) == pytest.approx(460.71, abs=0.005)
    assert air.sky_longwave(28.0, 75.0) == pytest.approx(432.82, abs=0.005)


def test_an_overcast_sky_is_a_black_body_at_air_temperature() -> None:
    assert air.sky_longwave(30.0, 60.0, 1.0) == pytest.approx(5.6696e-8 * 303.15**4, rel=1e-12)
    halfway = 0.5 * (air.sky_longwave(30.0, 60.0) + air.sky_longwave(30.0, 60.0, 1.0))
    assert air.sky_longwave(30.0, 60.0, 0.5) == pytest.approx(halfway, rel=1e-12)


# Stability classes by hand from EPA-454/R-99-005, table 6-7: wind, radiation, then class A = 0 to F = 5.
BY_DAY = [(1.9, 950, 0), (2.0, 700, 1), (2.9, 300, 2), (4.0, 950, 1), (5.0, 200, 3), (5.5, 925, 2),
          (6.0, 924, 3), (1.0, 100, 3), (9.0, 950, 2)]  # fmt: skip
BY_NIGHT = [(1.9, False, 4), (2.2, True, 5), (2.5, True, 3), (9.0, False, 3)]


def test_stability_classes() -> None:
    wind, sun, expected = zip(*BY_DAY, strict=True)
    assert air.stability_class(wind, sun, 0.5).tolist() == list(expected)
    wind, inversion, expected = zip(*BY_NIGHT, strict=True)
    assert air.stability_class(wind, 0.0, -0.1, inversion).tolist() == list(expected)


def test_wind_profile_by_hand() -> None:
    assert air.wind_at_height(5.5, 10.0, 925.0, 0.9) == pytest.approx(5.5 * 0.2**0.20, rel=1e-12)
    assert air.wind_at_height(5.5, 10.0, 925.0, 0.9, urban=False) == pytest.approx(5.5 * 0.2**0.10, rel=1e-12)
    low = air.wind_at_height(1.0, 20.0, 0.0, -0.5, target=1.5)
    assert low == pytest.approx((1.5 / 20) ** 0.30, rel=1e-12)
    assert air.wind_at_height(3.0, 2.0, 500.0, 0.5) == pytest.approx(3.0, rel=1e-12)
    assert air.wind_at_height(0.0, 10.0, 500.0, 0.5) == 0.13


def test_nan_in_nan_out() -> None:
    given = {"va": 2.0, "height": 10.0, "ghi": 500.0, "cosz": 0.5}
    for name in given:
        assert np.isnan(air.wind_at_height(**(given | {name: np.nan})))
    for values in ((np.nan, 50.0, 1000.0), (30.0, np.nan, 1000.0), (30.0, 50.0, np.nan)):
        assert np.isnan(air.psychrometric_wet_bulb(*values))
    assert np.isnan(air.sky_longwave(np.nan, 50.0))
    assert np.isnan(air.sky_longwave(30.0, np.nan))
