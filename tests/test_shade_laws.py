"""Laws of shade for the sub-cell engine over random towns; those of `sunlit` stand in test_shadow."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.physics.shadow import shade_scene, shares_of_suns, sunlit, sunlit_fraction
from heatrisk.physics.shares import UNKNOWN, WHOLE, packed, unpacked
from tests import towns
from tests.strategies import AZIMUTHS, ELEVATIONS
from tests.strategies import towns as random_towns


def street(town, zenith, azimuth, receptor_height=0.0):
    """Sun on the ground between the columns of a town, each cell for itself; NaN on the roofs."""
    roof = np.where(town > 0.0, town, np.nan)
    scene = shade_scene(0.0 * town, roof, cell_size=2.0, factor=1, receptor_height=receptor_height)
    return sunlit_fraction(scene, zenith, azimuth)


@given(town=random_towns(), elevation=ELEVATIONS, azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=40)
def test_a_town_mirrored_along_the_lines_has_mirrored_shade(town, elevation, azimuth):
    """Lines are numbered from the grid's first row, so the mirror that leaves rows in place is exact."""
    across = abs(math.sin(math.radians(azimuth))) > abs(math.cos(math.radians(azimuth)))
    turn, other = (np.flipud, 180.0 - azimuth) if across else (np.fliplr, -azimuth)
    near_tie = abs(math.remainder(azimuth - 45.0, 90.0)) < 1e-3  # which axis, by rounding
    mirrored = street(turn(town), 90.0 - elevation, other)
    assert near_tie or np.array_equal(turn(street(town, 90.0 - elevation, azimuth)), mirrored, equal_nan=True)


@given(town=random_towns(low=6), azimuth=AZIMUTHS, suns=st.tuples(ELEVATIONS, ELEVATIONS))
@settings(deadline=None, max_examples=40)
def test_a_lower_sun_never_lights_a_shaded_street(town, azimuth, suns):
    high, low = (street(town, 90.0 - elevation, azimuth) for elevation in sorted(suns, reverse=True))
    ground = town == 0.0
    assert np.all((low <= high)[ground])


@given(town=random_towns(low=6), elevation=ELEVATIONS, azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=40)
def test_a_higher_receptor_is_never_darker(town, elevation, azimuth):
    """A stroller at 0.5 m, the abdomen at 1.1 m, the globe at 1.5 m."""
    lit = [street(town, 90.0 - elevation, azimuth, height) for height in (0.5, 1.1, 1.5)]
    ground = town == 0.0
    assert np.all((lit[0] <= lit[1])[ground])
    assert np.all((lit[1] <= lit[2])[ground])


@pytest.mark.parametrize("receptor_height", [0.5, 1.1, 1.5])
@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, 270.0])
def test_shade_begins_to_end_by_the_receptors_height(receptor_height, azimuth):
    town, elevation = towns.tower(201, 3, 12.0), 30.0
    roof = np.where(town > 0.0, town, np.nan)
    scene = shade_scene(0.0 * town, roof, factor=1, receptor_height=receptor_height)
    lit = sunlit_fraction(scene, 90.0 - elevation, azimuth)
    middle = lit[:, 100] if azimuth % 180.0 == 0.0 else lit[100]
    length = (12.0 - receptor_height) / math.tan(math.radians(elevation))
    assert np.nansum(1.0 - middle) == pytest.approx(length, abs=0.5)


@given(town=random_towns(low=2), elevation=ELEVATIONS, azimuth=AZIMUTHS, hole=st.integers(0, 3))
@settings(deadline=None, max_examples=30)
def test_unknown_ground_is_not_outdoors_and_shades_nobody(town, elevation, azimuth, hole):
    row, column = hole % town.shape[0], hole % town.shape[1]
    town[row, column] = 0.0
    terrain, roof = 0.0 * town, np.where(town > 0.0, town, np.nan)
    expected = sunlit_fraction(shade_scene(terrain, roof, factor=1), 90.0 - elevation, azimuth)
    terrain[row, column], expected[row, column] = np.nan, np.nan
    lit = sunlit_fraction(shade_scene(terrain, roof, factor=1), 90.0 - elevation, azimuth)
    assert np.array_equal(lit, expected, equal_nan=True)


@pytest.mark.parametrize("zenith", [87.1, 90.0, 120.0, 180.0])
def test_below_the_lowest_sun_no_street_is_sunlit(zenith):
    lit = street(towns.tower(), zenith, 200.0)
    assert np.nanmax(lit) == 0.0


@given(town=random_towns(low=4), elevation=ELEVATIONS, azimuth=AZIMUTHS, keep=st.integers(1, 24))
@settings(deadline=None, max_examples=40)
def test_what_lies_behind_a_raster_cell_changes_nothing_before_it(town, elevation, azimuth, keep):
    """Lines start at the sunny edge: a surface model cut off on its lee side keeps its sun, bit for bit."""
    north, east = math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))
    across = abs(east) > abs(north)
    sunny_first = (-east if across else north) > 0.0
    part = slice(0, keep) if sunny_first else slice(-keep, None)
    cut = (slice(None), part) if across else (part, slice(None))
    whole = sunlit(town, 2.0, 90.0 - elevation, azimuth)
    assert np.array_equal(whole[cut], sunlit(town[cut], 2.0, 90.0 - elevation, azimuth))


@given(town=random_towns(), elevation=ELEVATIONS, azimuth=AZIMUTHS, trees=st.booleans())
@settings(deadline=None, max_examples=40)
def test_unknown_land_around_a_town_changes_nothing_within(town, elevation, azimuth, trees):
    """Corner cells count from the first row on, where nothing lies behind."""
    rows, columns = town.shape
    crowns = (
        (np.where(town == 0.0, 6.0, np.nan), np.where(town == 0.0, 2.0, np.nan)) if trees else (None, None)
    )
    layers = [0.0 * town, np.where(town > 0.0, town, np.nan), *crowns]
    around = [one if one is None else np.pad(one, ((3, 2), (5, 4)), constant_values=np.nan) for one in layers]
    alone, amid = (
        shade_scene(terrain, roof, factor=1, crown_top=top, crown_base=base, window=window, origin=origin)
        for (terrain, roof, top, base), window, origin in (
            (layers, None, (3, 5)),
            (around, (3, 5, rows, columns), (0, 0)),
        )
    )
    for dim in ({"transmissivity": 0.3}, {"extinction": 0.2}):
        lit = [sunlit_fraction(scene, 90.0 - elevation, azimuth, **dim) for scene in (alone, amid)]
        np.testing.assert_array_equal(*lit)


@given(town=random_towns(low=6), suns=st.lists(st.tuples(ELEVATIONS, AZIMUTHS), min_size=1, max_size=4))
@settings(deadline=None, max_examples=30)
def test_packed_shares_are_those_that_are_not_packed(town, suns):
    """In both directions and through crowns, to the nearest part; what is unknown stays so."""
    rows, columns = (size - size % 2 for size in town.shape)
    town = town[:rows, :columns]
    trees = np.where(town == 0.0, 5.0, np.nan)
    scene = shade_scene(0.0 * town, np.where(town > 0.0, town, np.nan), factor=2, crown_top=trees)
    sky = [(90.0 - elevation, azimuth) for elevation, azimuth in suns] + [(95.0, 10.0)]
    for dim in ({"transmissivity": 0.3}, {"extinction": 0.2}):
        plain, waiting = shares_of_suns(scene, sky, **dim), shares_of_suns(scene, sky, packed=True, **dim)
        np.testing.assert_array_equal(waiting == UNKNOWN, np.isnan(plain))
        np.testing.assert_array_equal(waiting, packed(plain))
        np.testing.assert_allclose(unpacked(waiting), plain, rtol=0, atol=0.51 / WHOLE)
