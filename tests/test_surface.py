"""Ground and walls."""

from __future__ import annotations

import numpy as np
import pytest

from heatrisk.physics import surface


def test_codes_are_those_of_land_cover_rasters_and_complete() -> None:
    assert [row.code for row in surface.LAND_COVER] == [1, 2, 3, 4, 5, 6, 7]
    assert len({row.name for row in surface.LAND_COVER}) == 7
    assert len({row.name_ja for row in surface.LAND_COVER}) == 7


def test_numbers_are_those_of_natural_and_built_surfaces() -> None:
    for row in surface.LAND_COVER:
        assert 0.03 <= row.albedo <= 0.35  # no surface of a town is darker or, unpainted, brighter
        assert 0.0 <= row.warming <= 27.0  # asphalt is quoted at 60 °C on a day of 33 °C


def test_parameters_of_a_raster() -> None:
    albedo, warming = surface.ground_parameters(np.array([[5, 1], [7, 0]], dtype=np.uint8))
    np.testing.assert_array_equal(albedo, [[0.20, 0.15], [0.05, np.nan]])
    np.testing.assert_array_equal(warming, [[5.0, 20.0], [0.0, np.nan]])
    assert np.isnan(surface.ground_parameters([-1, 8, 255])).all()


def test_lawn_and_wall_at_900_watts() -> None:
    assert surface.ground_temperature(33.0, 900.0, surface.GRASS.warming) == pytest.approx(38.0)
    assert surface.wall_temperature(33.0, 450.0) == pytest.approx(38.0)


def test_without_sun_every_surface_has_the_temperature_of_the_air() -> None:
    warming = np.array([row.warming for row in surface.LAND_COVER])
    assert (surface.ground_temperature(27.0, 0.0, warming) == 27.0).all()
    assert surface.wall_temperature(27.0, 0.0) == 27.0


def test_nan_in_nan_out() -> None:
    for values in ((np.nan, 500.0, 5.0), (30.0, np.nan, 5.0), (30.0, 500.0, np.nan)):
        assert np.isnan(surface.ground_temperature(*values))
    assert np.isnan(surface.wall_temperature(30.0, np.nan))
    assert np.isnan(surface.wall_temperature(np.nan, 500.0))
