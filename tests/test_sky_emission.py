"""The sky's long-wave radiation: worked by hand, and told backwards from what is measured."""

from __future__ import annotations

import numpy as np
import pytest

from heatrisk.physics import air
from heatrisk.physics.sky_emission import sky_cover, sky_radiation


def test_sky_radiation_of_a_clear_sky_by_hand() -> None:
    # Berdahl & Martin (1984): a dew point of 20 °C, at noon and at midnight, at 1000 hPa and 50 hPa lower.
    rh = 100.0 * air.saturation_vapour_pressure(20.0) / air.saturation_vapour_pressure(30.0)
    black = 5.6696e-8 * 303.15**4
    assert sky_radiation(30.0, rh) / black == pytest.approx(0.711 + 0.112 + 0.0292 - 0.013, abs=1e-9)
    assert sky_radiation(30.0, rh, hour=0.0) / black == pytest.approx(0.8652, abs=1e-9)
    assert sky_radiation(30.0, rh, 950.0, 6.0) / black == pytest.approx(0.8522 - 0.006, abs=1e-9)
    assert sky_radiation(20.0, 50.0, cloud=1.0) == pytest.approx(5.6696e-8 * 293.15**4)
    assert np.isnan(sky_radiation(20.0, np.nan))


def test_the_driest_sky_is_that_of_a_dew_point_of_minus_37() -> None:
    # At -38 °C the parabola has its bottom; drier air must not radiate more again, nor be undefined.
    dry = sky_radiation(20.0, np.array([0.0, 0.2, 1.0, 2.0, 10.0, 100.0]))
    assert dry[0] == dry[1] == dry[2]
    assert (np.diff(dry[2:]) > 0.0).all()
    assert dry[-1] < 5.6696e-8 * 293.15**4


def test_the_cover_of_a_measured_sky_by_hand() -> None:
    # Dew point of 20 °C at noon: 0.8392 clear (Berdahl & Martin); 0.92 is half of the way to black, nearly.
    rh = 100.0 * air.saturation_vapour_pressure(20.0) / air.saturation_vapour_pressure(30.0)
    black, clear = 5.6696e-8 * 303.15**4, 0.711 + 0.112 + 0.0292 - 0.013
    assert sky_cover(0.92 * black, 30.0, rh) == pytest.approx((0.92 - clear) / (1.0 - clear), abs=1e-9)
    assert sky_cover(0.80 * black, 30.0, rh) == 0.0
    assert sky_cover(1.02 * black, 30.0, rh) == 1.0
    assert np.isnan(sky_cover(np.nan, 30.0, rh))


@pytest.mark.parametrize("hour", [0.0, 14.0])
def test_the_cover_of_a_computed_sky_is_what_it_was_computed_with(hour: float) -> None:
    cloud, ta, rh = np.meshgrid(np.linspace(0.0, 1.0, 6), [-30.0, 0.0, 20.0, 35.0], [5.0, 50.0, 90.0])
    sky = sky_radiation(ta, rh, 980.0, hour, cloud)
    np.testing.assert_allclose(sky_cover(sky, ta, rh, 980.0, hour), cloud, rtol=0, atol=1e-9)


def test_air_too_moist_for_a_window_tells_no_cloud_from_none() -> None:
    # A dew point of 44 °C: the formula's clear sky is brighter than a black body.
    cover = sky_cover(5.6696e-8 * 318.15**4 * np.array([0.9, 1.0, 1.2]), 45.0, 95.0)
    assert cover.tolist() == [0.0, 0.0, 1.0]
