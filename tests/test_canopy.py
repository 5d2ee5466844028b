"""The sun on its way through crowns: laws, then exact rays through boxes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.physics.shadow import (
    LEAF_OFF_EXTINCTION,
    LEAF_ON_EXTINCTION,
    crown_extinction,
    shade_scene,
    sun_shares,
    sunlit_fraction,
)
from heatrisk.physics.sky import sky_shares, sky_view_fraction
from tests import naive, towns
from tests.strategies import AZIMUTHS, ELEVATIONS


def wood(top, base, factor=1, **options):
    ground = np.zeros_like(top)
    return shade_scene(ground, ground * np.nan, factor=factor, crown_top=top, crown_base=base, **options)


def exact_beam(top, base, zenith, azimuth, extinction):
    way = naive.compiled(naive.way_in_crowns)(top, base, 1.1, zenith, azimuth)
    return np.exp(-extinction * way)


# --- laws ---------------------------------------------------------------------------------------------------


@given(elevation=ELEVATIONS, azimuth=AZIMUTHS, thin=st.floats(0.0, 0.5), more=st.floats(0.0, 3.0))
@settings(deadline=None, max_examples=25)
def test_a_denser_crown_lets_less_through_and_full_sun_stays(elevation, azimuth, thin, more):
    scene = wood(*towns.orchard(60, 40))
    direct, beam = sun_shares(scene, 90.0 - elevation, azimuth, extinction=thin)
    denser, less = sun_shares(scene, 90.0 - elevation, azimuth, extinction=thin + more)
    assert np.array_equal(direct, denser)
    assert np.array_equal(direct, sun_shares(scene, 90.0 - elevation, azimuth, transmissivity=0.3)[0])
    assert np.all(less <= beam)
    assert np.all(direct <= less)
    nothing_taken = sunlit_fraction(scene, 90.0 - elevation, azimuth, extinction=0.0)
    assert np.all(nothing_taken == 1.0)


@pytest.mark.parametrize("elevation", [90.0, 60.0, 30.0])
@pytest.mark.parametrize("depth", [1.0, 5.0])
def test_an_endless_canopy_is_crossed_by_depth_over_sine(elevation, depth):
    ground = towns.plain(80, 80)
    beam = sunlit_fraction(wood(ground + 3.0 + depth, ground + 3.0), 90.0 - elevation, 200.0, extinction=0.2)
    expected = np.exp(-0.2 * depth / np.sin(np.radians(elevation)))
    assert beam[35:45, 35:45] == pytest.approx(np.full((10, 10), expected), abs=0.01)


@pytest.mark.parametrize("extinction", [0.05, 0.3])
def test_the_sky_through_an_endless_canopy_is_an_exponential_integral(extinction):
    """Planar share of a sky behind a layer of optical depth t: 2 E3(t), the integral of 2 m exp(-t / m)."""
    ground = towns.plain(120, 120)
    middle = sky_view_fraction(wood(ground + 5.0, ground + 2.0, factor=5), extinction=extinction)[
        10:14, 10:14
    ]
    cosines = (np.arange(100_000) + 0.5) / 100_000
    expected = np.mean(2.0 * cosines * np.exp(-3.0 * extinction / cosines))
    assert middle == pytest.approx(np.full((4, 4), expected), abs=0.015)


def test_trees_are_told_from_buildings_whatever_passes_them():
    scene = wood(*towns.orchard(60, 40), factor=5)
    fixed, thinned = sky_shares(scene), sky_shares(scene, extinction=0.3)
    assert np.array_equal(fixed.svf_trees, thinned.svf_trees)
    assert np.array_equal(fixed.svf_buildings, thinned.svf_buildings)
    assert np.all(thinned.svf <= thinned.svf_buildings)
    assert np.all(thinned.svf >= thinned.svf_buildings - (1.0 - thinned.svf_trees) - 1e-6)


@given(lift=st.sampled_from([-432.0, 3000.0]), elevation=ELEVATIONS, azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=15)
def test_lifted_and_cut_into_blocks_it_is_the_same_bit_for_bit(lift, elevation, azimuth):
    top, base = (np.round(8.0 * crown) / 8.0 for crown in towns.orchard(60, 40))
    ground = np.round(8.0 * np.random.default_rng(2).uniform(0.0, 3.0, top.shape)) / 8.0
    crowns = {"crown_top": top, "crown_base": base}
    whole, lifted, part = (
        sunlit_fraction(
            shade_scene(ground + z, ground * np.nan, **crowns, **window),
            90.0 - elevation,
            azimuth,
            extinction=0.2,
        )
        for z, window in ((0.0, {}), (lift, {}), (0.0, {"window": (3, 2, 5, 7)}))
    )
    assert np.array_equal(whole, lifted)
    assert np.array_equal(whole[3:8, 2:9], part)


def test_leaves_come_and_go_with_the_season_of_the_hemisphere():
    assert crown_extinction(215, 35.7) == crown_extinction(20, -33.9) == LEAF_ON_EXTINCTION
    assert crown_extinction(20, 35.7) == crown_extinction(215, -33.9) == LEAF_OFF_EXTINCTION
    assert np.exp(-10.0 * LEAF_ON_EXTINCTION) == pytest.approx(0.033, abs=0.02)  # 1.3 to 5.3 %
    assert np.exp(-10.0 * LEAF_OFF_EXTINCTION) == pytest.approx(0.46, abs=0.06)  # 40 to 52 %


# --- exact rays ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("elevation", "azimuth"), [(25.0, 180.0), (40.0, 180.0), (60.0, 0.0), (50.0, 90.0)])
def test_one_crown_is_crossed_as_by_exact_rays(elevation, azimuth):
    top, base = towns.plain(60, 60), towns.plain(60, 60)
    top[28:34, 20:40], base[28:34, 20:40] = 9.0, 2.5
    beam = sunlit_fraction(wood(top, base), 90.0 - elevation, azimuth, extinction=LEAF_ON_EXTINCTION)
    exact = exact_beam(top, base, 90.0 - elevation, azimuth, LEAF_ON_EXTINCTION)
    assert np.abs(beam - exact).max() <= 0.03  # next to an edge, between two rays
    assert abs(np.mean(beam - exact)) <= 0.002
    assert exact.min() < 0.3


@pytest.mark.parametrize("extinction", [LEAF_ON_EXTINCTION, LEAF_OFF_EXTINCTION])
@pytest.mark.parametrize(
    ("elevation", "azimuth"), [(65.0, 181.0), (50.0, 200.0), (35.0, 215.3), (10.0, 240.7)]
)
def test_woods_against_exact_rays(elevation, azimuth, extinction):
    """Cells of 5 m; one share for every crown is several times as far off."""
    top, base = towns.orchard(120, 250)
    exact = exact_beam(top, base, 90.0 - elevation, azimuth, extinction).reshape(24, 5, 24, 5).mean((1, 3))
    beam = sunlit_fraction(wood(top, base, factor=5), 90.0 - elevation, azimuth, extinction=extinction)
    fixed = sunlit_fraction(wood(top, base, factor=5), 90.0 - elevation, azimuth)
    error, of_fixed = beam - exact, fixed - exact
    rmse, rmse_of_fixed = (float(np.sqrt(np.mean(wrong**2))) for wrong in (error, of_fixed))
    print(
        f"sun at {elevation:.0f}, {extinction} m-1: bias {error.mean():+.4f}, rmse {rmse:.4f};"
        f" one share for every crown {rmse_of_fixed:.3f}"
    )
    assert abs(error.mean()) <= 0.005
    assert rmse <= 0.025
    assert rmse < 0.5 * rmse_of_fixed
