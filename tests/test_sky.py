"""Sky view factor: laws first, then the slow twin."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heatrisk.errors import InputError
from heatrisk.physics.shadow import shade_scene
from heatrisk.physics.sky import TOWN_SKY, directions, sky_shares, sky_view_factor, sky_view_fraction
from tests import naive, towns


@pytest.mark.parametrize("level", [-100.0, 0.0, 3000.0])
def test_a_plain_sees_the_whole_sky(level):
    assert np.all(sky_view_factor(towns.plain(level=level), 1.0) == 1.0)


@pytest.mark.parametrize(("width", "height"), [(40, 20.0), (40, 40.0), (21, 60.0)])
@pytest.mark.parametrize("turned", [False, True])
def test_an_infinite_canyon(width, height, turned):
    """Across the street: (cos of the one wall's top + cos of the other's) / 2 (Oke 1981, eq. 1)."""
    town = towns.canyon(width, height)
    svf = sky_view_factor(town.T if turned else town, 1.0)
    street = (svf.T if turned else svf)[town.shape[0] // 2, 2:-2]
    x = np.arange(width) + 0.5
    exact = 0.5 * (np.cos(np.arctan(height / x)) + np.cos(np.arctan(height / (width - x))))
    assert np.abs(street - exact).max() <= 0.01


@pytest.mark.parametrize(("side", "height"), [(21, 10.0), (41, 40.0), (11, 3.0)])
def test_the_middle_of_a_square_court(side, height):
    """Square opening seen from below its middle: (4/pi) (X/A) atan(X/A), A = sqrt(1 + X^2), X = side / 2h."""
    svf = sky_view_factor(towns.court(side, height), 1.0)
    x = side / (2.0 * height)
    root = math.sqrt(1.0 + x**2)
    exact = 4.0 / math.pi * x / root * math.atan(x / root)
    assert svf[svf.shape[0] // 2, svf.shape[1] // 2] == pytest.approx(exact, abs=0.01)


def test_directions_have_equal_weight_and_stay_above_the_lowest_sun():
    zenith = np.radians([zenith for zenith, _ in directions(*TOWN_SKY)])
    assert 90.0 - np.degrees(zenith.max()) > 3.0
    # Equal weight: the mean of any function of sin^2 is its integral over 0..1.
    assert np.mean(np.cos(zenith) ** 2) == pytest.approx(0.5, abs=0.005)
    assert np.mean(np.cos(zenith) ** 4) == pytest.approx(1.0 / 3.0, abs=0.005)


def test_against_the_exact_horizon_on_a_made_town():
    exact = naive.compiled(naive.sky_view)
    town = towns.blocks(300)
    svf = sky_view_factor(town, 5.0)
    cells = np.random.default_rng(0).integers(0, 300, (400, 2))
    errors = np.array([svf[i, j] - exact(town, 5.0, i, j, 360) for i, j in cells])
    print(f"svf against the exact horizon: rmse {np.sqrt(np.mean(errors**2)):.4f}, bias {errors.mean():+.4f}")
    assert np.sqrt(np.mean(errors**2)) <= 0.015
    assert abs(errors.mean()) <= 0.005


def test_a_town_gives_the_mean_over_its_outdoor_sub_cells():
    town = towns.blocks(200, cell_size=2.5)
    scene = shade_scene(
        np.zeros_like(town), np.where(town > 0.0, town, np.nan), cell_size=2.5, receptor_height=0.0
    )
    fine = np.where(town > 0.0, np.nan, sky_view_factor(town, 2.5)).reshape(40, 5, 40, 5)
    cells = sky_view_fraction(scene)
    streets = np.isfinite(cells)
    assert np.array_equal(streets, np.isfinite(fine).any((1, 3)))
    expected = np.nanmean(fine.transpose(0, 2, 1, 3).reshape(40, 40, 25)[streets], axis=1)
    assert np.sqrt(np.mean((cells[streets] - expected) ** 2)) < 0.01


def test_under_an_endless_canopy_the_sky_shows_by_the_transmissivity():
    ground = towns.plain(60, 60)
    scene = shade_scene(ground, ground * np.nan, crown_top=ground + 8.0, crown_base=ground + 1.5)
    middle = sky_view_fraction(scene, transmissivity=0.3)[4:8, 4:8]
    assert middle == pytest.approx(np.full((4, 4), 0.3), abs=0.02)


def test_buildings_and_trees_each_take_their_part_of_the_sky():
    town, (top, base) = towns.blocks(120, cell_size=3.0, seed=4), towns.orchard(120, trees=90)
    roof = np.where(town > 0.0, town, np.nan)
    bare = sky_view_fraction(shade_scene(0.0 * town, roof))
    scene = shade_scene(0.0 * town, roof, crown_top=top, crown_base=base)
    svf, buildings, trees = sky_shares(scene, transmissivity=0.2)
    assert np.array_equal(buildings, bare, equal_nan=True), "as if no tree stood there"
    assert np.array_equal(svf, sky_view_fraction(scene, transmissivity=0.2), equal_nan=True)
    assert np.nanmax(np.abs(svf - (buildings - 0.8 * (1.0 - trees)))) < 1e-6
    assert np.nanmin(trees) < 0.9
    assert np.nanmax(trees) == 1.0
    alone = sky_shares(shade_scene(0.0 * town, roof))
    assert np.array_equal(alone.svf, bare, equal_nan=True)
    assert np.nanmin(alone.svf_trees) == 1.0


def test_no_data_stays_no_data_and_hides_nothing():
    town = towns.plain(20, 20)
    town[5, 5] = np.nan
    svf = sky_view_factor(town, 1.0)
    assert np.isnan(svf[5, 5])
    assert np.all(np.delete(svf.ravel(), 5 * 20 + 5) == 1.0)
    assert np.isnan(sky_view_factor(np.full((3, 4), np.nan), 1.0)).all()


def test_what_is_no_raster_is_refused():
    with pytest.raises(InputError, match="two dimensions"):
        sky_view_factor(np.zeros(5), 1.0)
    with pytest.raises(InputError, match="metres > 0"):
        sky_view_factor(np.zeros((5, 5)), 0.0)
