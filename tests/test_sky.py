"""Sky view factor: laws first, then the slow twin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.errors import InputError
from heatrisk.physics.shadow import halo_width, shade_scene
from heatrisk.physics.sky import TOWN_SKY, directions, sky_shares, sky_view_factor, sky_view_fraction
from tests import naive, towns
from tests.strategies import towns as random_towns


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
    for odd in (np.inf, 3.4e38, 1.1e5):
        town = towns.plain(20, 20)
        town[7, 3] = odd
        with pytest.raises(InputError, match="no town has"):
            sky_view_factor(town, 1.0)


# --- laws of random towns -----------------------------------------------------------------------------------


@given(town=random_towns())
@settings(deadline=None, max_examples=15)
def test_a_mirrored_or_turned_town_sees_the_mirrored_or_turned_sky(town):
    """But for the sampling: the azimuths stand a quarter of their distance off the axes."""
    svf = sky_view_factor(town, 2.0)
    for turn in (np.flipud, np.fliplr, np.rot90, np.transpose):
        apart = turn(svf) - sky_view_factor(turn(town), 2.0)
        assert abs(apart.mean()) <= 0.015 and np.sqrt((apart**2).mean()) <= 0.05
        assert np.abs(apart).max() <= 0.25  # beside a tower, where each azimuth counts


@given(town=random_towns(), lift=st.sampled_from([-432.0, -20.0, 3000.0]))
@settings(deadline=None, max_examples=15)
def test_a_town_below_the_sea_or_on_a_mountain_sees_the_same_sky(town, lift):
    town = np.round(town * 8.0) / 8.0  # heights that stay exact when raised
    assert np.array_equal(sky_view_factor(town, 2.0), sky_view_factor(town + lift, 2.0))


@given(town=random_towns(low=2), where=st.integers(0, 575), taller=st.floats(0.5, 40.0))
@settings(deadline=None, max_examples=20)
def test_a_taller_building_opens_the_sky_to_nobody_else(town, where, taller):
    built, place = town.copy(), where % town.size
    built.flat[place] += taller
    before, after = (np.delete(sky_view_factor(one, 2.0), place) for one in (town, built))
    assert np.all(after <= before)
    assert np.all((after >= 0.0) & (before <= 1.0))


@given(town=random_towns(low=2), where=st.integers(0, 575))
@settings(deadline=None, max_examples=15)
def test_an_unknown_cell_hides_no_more_than_level_ground(town, where):
    place = where % town.size
    town.flat[place] = 0.0
    expected = sky_view_factor(town, 2.0)
    town.flat[place], expected.flat[place] = np.nan, np.nan
    np.testing.assert_array_equal(sky_view_factor(town, 2.0), expected)


@pytest.mark.parametrize("window", [(0, 0, 4, 5), (12, 3, 5, 4), (26, 8, 4, 4), (14, 0, 1, 12)])
def test_the_sky_of_a_block_with_its_halo_is_that_of_the_whole_bit_for_bit(window):
    tallest, shape = 2.5, (150, 60)
    built = towns.blocks(150, cell_size=3.0, seed=2)[:, :60] > 0.0
    crowns = np.minimum(towns.orchard(150, 150)[0][:, :60], tallest)
    layers = [np.zeros(shape), np.where(built, tallest, np.nan), crowns, 0.5 * crowns]

    def sky(parts, **where):
        terrain, roof, top, base = parts
        scene = shade_scene(terrain, roof, crown_top=top, crown_base=base, datum=0.0, **where)
        return sky_shares(scene, transmissivity=0.2)

    halo = math.ceil(halo_width(tallest) / 5.0)
    row, column, rows, columns = window
    top, left = max(0, row - halo), max(0, column - halo)
    cut = slice(5 * top, 5 * (row + rows + halo)), slice(5 * left, 5 * (column + columns + halo))
    assert layers[0][cut].size < layers[0].size
    inner = (row - top, column - left, rows, columns)
    block = sky([layer[cut] for layer in layers], window=inner, origin=(5 * top, 5 * left))
    for whole, part in zip(sky(layers), block, strict=True):
        np.testing.assert_array_equal(whole[row : row + rows, column : column + columns], part)
