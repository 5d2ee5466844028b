"""Shade: laws first, then the slow twins, then exact vector shade of real buildings."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numba
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pyproj import Transformer
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.affinity import translate

from heatrisk.errors import GridMismatchError, InputError
from heatrisk.physics.shadow import Tally, halo_width, shade_scene, sunlit, sunlit_fraction
from tests import naive, towns
from tests.strategies import AZIMUTHS, ELEVATIONS
from tests.strategies import towns as random_towns

NIIZA = Path(__file__).resolve().parents[2] / "shared/data/plateau/53395404_bldg_6697_op.gml"
SUNS = [(65.0, 181.0), (35.0, 215.3), (10.0, 240.7)]


def no_roof(terrain):
    return np.full(np.shape(terrain), np.nan)


# --- laws ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zenith", [0.0, 30.0, 89.9])
@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (7, 11), (1, 1)])
def test_a_plain_has_no_shade(zenith, shape):
    assert np.all(sunlit(towns.plain(*shape), 5.0, zenith, 123.0) == 1.0)


@pytest.mark.parametrize("zenith", [90.0, 95.0, 180.0])
def test_below_the_horizon_nothing_is_sunlit(zenith):
    assert np.all(sunlit(towns.tower(), 1.0, zenith, 200.0) == 0.0)


@pytest.mark.parametrize("elevation", [8.0, 20.0, 35.0, 50.0, 65.0])
@pytest.mark.parametrize("azimuth", [0.0, 90.0, 180.0, 270.0])
def test_shade_is_height_over_tangent_long(elevation, azimuth):
    size, half, height = 401, 3, 20.0
    shade = 1.0 - sunlit(towns.tower(size, half, height), 1.0, 90.0 - elevation, azimuth)
    length = shade[:, size // 2].sum() if azimuth % 180.0 == 0.0 else shade[size // 2].sum()
    assert length == pytest.approx(min(height / math.tan(math.radians(elevation)), size // 2 - half), abs=0.5)


@pytest.mark.parametrize(
    ("azimuth", "side"),
    [(90.0, (0, -1)), (0.0, (1, 0)), (180.0, (-1, 0)), (270.0, (0, 1)), (135.0, (-1, -1)), (225.0, (-1, 1))],
)
def test_north_is_up_and_shade_falls_away_from_the_sun(azimuth, side):
    """Morning sun in the east: shade to the west; noon sun in the south: shade to the north."""
    town = towns.tower()
    rows, columns = np.nonzero(sunlit(town, 1.0, 60.0, azimuth) == 0.0)
    middle = town.shape[0] // 2
    for shift, expected in zip((rows.mean() - middle, columns.mean() - middle), side, strict=True):
        assert shift * expected > 3.0 if expected else abs(shift) < 0.5


@given(town=random_towns(), elevation=ELEVATIONS, azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=60)
def test_a_mirrored_or_turned_town_has_mirrored_or_turned_shade(town, elevation, azimuth):
    lit = sunlit(town, 2.0, 90.0 - elevation, azimuth)
    near_tie = abs(math.remainder(azimuth, 45.0)) < 1e-3 and azimuth % 45.0 != 0.0  # which axis, by rounding
    for turn, other in ((np.flipud, 180.0 - azimuth), (np.fliplr, -azimuth), (np.rot90, azimuth - 90.0)):
        differs = np.mean(turn(lit) != sunlit(turn(town), 2.0, 90.0 - elevation, other))
        assert differs == 0.0 or near_tie


@given(town=random_towns(low=6), azimuth=AZIMUTHS, suns=st.tuples(ELEVATIONS, ELEVATIONS))
@settings(deadline=None, max_examples=60)
def test_a_lower_sun_never_lights_a_shaded_cell_of_the_ground(town, azimuth, suns):
    high, low = (sunlit(town, 2.0, 90.0 - elevation, azimuth) for elevation in sorted(suns, reverse=True))
    assert np.all((low <= high)[town == 0.0])


@given(town=random_towns(low=3), elevation=ELEVATIONS, azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=30)
def test_raising_or_lowering_the_whole_town_changes_nothing(town, elevation, azimuth):
    town = np.round(town * 8.0) / 8.0  # heights that stay exact when raised
    lit = sunlit(town, 2.0, 90.0 - elevation, azimuth)
    for lift in (-100.0, 3000.0):
        assert np.array_equal(lit, sunlit(town + lift, 2.0, 90.0 - elevation, azimuth))


def test_no_data_stays_no_data_and_casts_no_shade():
    town = towns.tower()
    town[town > 0.0] = np.nan
    lit = sunlit(town, 1.0, 60.0, 200.0)
    assert np.array_equal(np.isnan(lit), np.isnan(town))
    assert np.all(lit[np.isfinite(town)] == 1.0)
    assert np.isnan(sunlit(np.full((3, 3), np.nan), 1.0, 40.0, 10.0)).all()
    assert np.isnan(sunlit(towns.plain(), 1.0, np.nan, 10.0)).all()


def test_a_slope_shades_itself_only_where_it_is_steeper_than_the_sun():
    gentle, steep = towns.slope(0.3), towns.slope(1.5)  # rise northwards; the sun stands in the north
    for azimuth in (0.0, 37.0, 330.0):
        free = sunlit_fraction(shade_scene(gentle, no_roof(gentle), receptor_height=0.0), 50.0, azimuth)
        assert np.all(free == 1.0)
    dark = sunlit_fraction(shade_scene(steep, no_roof(steep)), 50.0, 0.0)
    assert np.all(dark[1:] == 0.0)
    assert np.all(sunlit_fraction(shade_scene(steep, no_roof(steep)), 50.0, 180.0) == 1.0)


@given(town=random_towns(), elevation=ELEVATIONS, azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=30)
def test_threads_type_and_memory_order_change_no_bit(town, elevation, azimuth):
    town = np.round(town * 8.0) / 8.0  # heights that both types hold
    lit, threads = sunlit(town, 2.0, 90.0 - elevation, azimuth), numba.get_num_threads()
    assert np.array_equal(lit, sunlit(town.astype(np.float32), 2.0, 90.0 - elevation, azimuth))
    assert np.array_equal(lit, sunlit(np.asfortranarray(town), 2.0, 90.0 - elevation, azimuth))
    try:
        numba.set_num_threads(1)
        assert np.array_equal(lit, sunlit(town, 2.0, 90.0 - elevation, azimuth))
    finally:
        numba.set_num_threads(threads)


@given(town=random_towns(low=2), elevation=ELEVATIONS, azimuth=AZIMUTHS, hole=st.integers(0, 3))
@settings(deadline=None, max_examples=30)
def test_no_data_is_a_cell_that_shades_nobody(town, elevation, azimuth, hole):
    """As if it lay at the bottom: what is not known neither hides nor lights its neighbours."""
    row, column = hole % town.shape[0], hole % town.shape[1]
    town[row, column] = 0.0
    lit = sunlit(town, 2.0, 90.0 - elevation, azimuth)
    lit[row, column] = np.nan
    for nothing in (np.nan, -np.inf):
        town[row, column] = nothing
        assert np.array_equal(sunlit(town, 2.0, 90.0 - elevation, azimuth), lit, equal_nan=True)


@given(
    town=random_towns(),
    elevation=ELEVATIONS | st.sampled_from([-5.0, 89.99]),
    azimuth=AZIMUTHS,
    where=st.integers(0, 575),
)
@settings(deadline=None, max_examples=40)
def test_a_height_that_no_town_has_is_refused_wherever_it_stands(town, elevation, azimuth, where):
    """An infinity, or a mark for nothing that was taken for a height, would shade all that lies behind."""
    for odd in (np.inf, 3.4e38, 1.1e5):
        for kind in (np.float64, np.float32):
            wrong = town.astype(kind)
            wrong.flat[where % town.size] = odd
            with pytest.raises(InputError, match="no town has"):
                sunlit(wrong, 2.0, 90.0 - elevation, azimuth)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
def test_an_empty_raster_stays_empty(shape):
    assert sunlit(np.zeros(shape), 1.0, 40.0, 100.0).shape == shape


def test_what_is_no_raster_is_refused():
    with pytest.raises(InputError, match="two dimensions"):
        sunlit(np.zeros((2, 2, 2)), 1.0, 30.0, 0.0)
    with pytest.raises(InputError, match="metres > 0"):
        sunlit(np.zeros((2, 2)), -1.0, 30.0, 0.0)
    ground = towns.plain(10, 10)
    with pytest.raises(GridMismatchError, match="multiples of 4"):
        shade_scene(ground, no_roof(ground), factor=4)
    with pytest.raises(GridMismatchError, match="roof"):
        shade_scene(ground, no_roof(ground)[:5])
    with pytest.raises(InputError, match="window"):
        shade_scene(ground, no_roof(ground), window=(1, 1, 2, 2))


# --- twins --------------------------------------------------------------------------------------------------

exact_sunlit = naive.compiled(naive.sunlit)


@given(town=random_towns(), elevation=ELEVATIONS, azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=40)
def test_cells_that_every_line_agrees_on_agree_with_exact_columns(town, elevation, azimuth):
    """A line passes within a quarter of a cell of each middle: where all rays there agree, so does the sweep.

    The ring around the town is level: a ray that leaves the raster within its outermost half row is cut off.
    """
    town = np.pad(town, 1, constant_values=town.min())
    asides = np.linspace(-0.26, 0.26, 11)
    rays = [exact_sunlit(town, 2.0, 90.0 - elevation, azimuth, aside) for aside in asides]
    sure = np.all(np.equal(rays, rays[0]), axis=0)
    swept = sunlit(town, 2.0, 90.0 - elevation, azimuth)
    assert np.array_equal(swept[sure], rays[0][sure])
    if azimuth % 90.0 == 0.0:
        assert np.array_equal(swept, rays[5])


@given(town=random_towns(), elevation=ELEVATIONS, azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=40)
def test_streets_between_buildings_agree_with_exact_columns(town, elevation, azimuth):
    """A scene has one line a sub-cell, within half of one of its middle."""
    town = np.pad(town, 1)
    asides = np.linspace(-0.499, 0.499, 15)
    rays = [exact_sunlit(town, 2.0, 90.0 - elevation, azimuth, aside) for aside in asides]
    sure = np.all(np.equal(rays, rays[0]), axis=0) & (town == 0.0)
    roof = np.where(town > 0.0, town, np.nan)
    scene = shade_scene(0.0 * town, roof, cell_size=2.0, factor=1, receptor_height=0.0)
    swept = sunlit_fraction(scene, 90.0 - elevation, azimuth)
    assert np.array_equal(np.isnan(swept), town > 0.0)
    assert np.array_equal(swept[sure], rays[0][sure])


@pytest.mark.parametrize(
    ("elevation", "azimuth", "wrong"), [(35.0, 215.3, 1.2), (10.0, 240.7, 0.8), (65.0, 181.0, 0.4)]
)
def test_against_exact_columns_on_a_made_town(elevation, azimuth, wrong):
    town = towns.blocks(600)
    exact = exact_sunlit(town, 5.0, 90.0 - elevation, azimuth, 0.0)
    error = sunlit(town, 5.0, 90.0 - elevation, azimuth) - exact
    print(
        f"sun at {elevation:.0f}: {100 * np.mean(error != 0):.2f} % wrong, bias {100 * error.mean():+.3f} %"
    )
    assert 100.0 * np.mean(error != 0.0) <= wrong
    assert abs(100.0 * error.mean()) <= 0.2


@pytest.mark.parametrize(("elevation", "azimuth"), [*SUNS, (50.0, 200.0), (20.0, 100.0)])
def test_crowns_against_exact_boxes(elevation, azimuth):
    top, base = towns.orchard()
    ground = np.zeros_like(top)
    scene = shade_scene(ground, no_roof(top), factor=1, crown_top=top, crown_base=base)
    swept = sunlit_fraction(scene, 90.0 - elevation, azimuth, transmissivity=0.0)
    exact = 1.0 - naive.compiled(naive.veiled)(top, base, 1.1, 90.0 - elevation, azimuth)
    assert np.mean(swept != exact) <= 0.04
    assert abs(np.mean(swept - exact)) <= 0.02


# --- towns of terrain, buildings and trees ------------------------------------------------------------------


@cache
def made_scene(**options):
    roof = np.where((town := towns.blocks(120, cell_size=3.0, seed=4)) > 0.0, town + 40.0, np.nan)
    terrain = 40.0 + 0.05 * np.add.outer(np.arange(120.0), np.arange(120.0))
    top, base = towns.orchard(120, seed=2)
    return shade_scene(terrain, roof, crown_top=top, crown_base=base, **options)


def test_the_sun_passes_under_a_crown():
    top, base = towns.plain(60, 60), towns.plain(60, 60)
    top[30, 28:33], base[30, 28:33] = 8.0, 3.0
    scene = shade_scene(np.zeros_like(top), no_roof(top), factor=1, crown_top=top, crown_base=base)
    column = sunlit_fraction(scene, 45.0, 180.0, transmissivity=0.2)[:, 30]
    north_of_trunk = 30 - np.nonzero(column < 1.0)[0]
    assert np.all(np.isin(column, np.float32([0.2, 1.0])))
    assert north_of_trunk.min() == pytest.approx(3.0 - 1.1, abs=1.0)  # nearer, the sun shines in below
    assert north_of_trunk.max() == pytest.approx(8.0 - 1.1, abs=1.0)


def test_a_high_receptor_sees_over_a_low_wall():
    roof = no_roof(towns.plain())
    roof[20] = 1.0
    fractions = [
        sunlit_fraction(shade_scene(towns.plain(), roof, factor=1, receptor_height=height), 80.0, 180.0)[
            10:20
        ].min()
        for height in (0.0, 1.1)
    ]
    assert fractions == [0.0, 1.0]


def test_cells_without_outdoors_are_no_data_and_others_count_outdoors_only():
    terrain, roof = towns.plain(10, 10), no_roof(towns.plain(10, 10))
    roof[:5, :5], roof[5:, :2] = 20.0, 20.0
    scene = shade_scene(terrain, roof)
    fraction = sunlit_fraction(scene, 60.0, 90.0)
    assert np.isnan(fraction[0, 0])
    assert np.isfinite(fraction).sum() == 3
    assert scene.outdoor_fraction.tolist() == [[0.0, 1.0], [pytest.approx(0.6), 1.0]]
    assert fraction[1, 0] == 1.0  # the roof west of it is not asked


@st.composite
def windows(draw):
    """Draw first and last cells of 60 rows and of 40 columns."""
    spans = [sorted(draw(st.lists(st.integers(0, n), min_size=2, max_size=2, unique=True))) for n in (60, 40)]
    return tuple(spans)


@given(window=windows(), elevation=st.floats(5.0, 80.0), azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=25)
def test_a_block_with_its_halo_equals_the_whole_bit_for_bit(window, elevation, azimuth):
    shape, tallest = (300, 200), 13.0
    terrain = np.random.default_rng(1).uniform(0.0, 1.0, shape)
    roof = np.where((town := towns.blocks(300, cell_size=3.0)) > 0.0, np.minimum(town, 9.0), np.nan)[:, :200]
    top, base = (crown[:, :200] for crown in towns.orchard(300, 400))
    whole = sunlit_fraction(
        shade_scene(terrain, roof, crown_top=top, crown_base=base), 90.0 - elevation, azimuth
    )
    halo = math.ceil(halo_width(tallest, elevation) / 5.0)
    low = [max(0, first - halo) for first, _ in window]
    part = tuple(
        slice(5 * start, 5 * min(size // 5, last + halo))
        for start, size, (_, last) in zip(low, shape, window, strict=True)
    )
    block = shade_scene(
        terrain[part],
        roof[part],
        crown_top=top[part],
        crown_base=base[part],
        window=tuple(
            [first - start for start, (first, _) in zip(low, window, strict=True)]
            + [last - first for first, last in window]
        ),
        origin=(5 * low[0], 5 * low[1]),
        datum=float(terrain.min()),
    )
    expected = whole[tuple(slice(first, last) for first, last in window)]
    assert np.array_equal(sunlit_fraction(block, 90.0 - elevation, azimuth), expected, equal_nan=True)


@given(lift=st.sampled_from([-432.0, -20.0, 800.0, 3000.0]), elevation=ELEVATIONS, azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=15)
def test_a_town_below_the_sea_or_on_a_mountain_has_the_same_shade(lift, elevation, azimuth):
    top, base = towns.orchard(40, trees=8)
    terrain = np.round(8.0 * np.random.default_rng(2).uniform(0.0, 3.0, (40, 40))) / 8.0
    roof = np.full((40, 40), np.nan)
    roof[10:15, 20:30] = 24.0
    scenes = [shade_scene(terrain + z, roof + z, crown_top=top, crown_base=base) for z in (0.0, lift)]
    low, high = (sunlit_fraction(scene, 90.0 - elevation, azimuth) for scene in scenes)
    assert np.array_equal(low, high, equal_nan=True)


@given(suns=st.lists(ELEVATIONS, min_size=1, max_size=4), azimuth=AZIMUTHS)
@settings(deadline=None, max_examples=20)
def test_suns_above_one_another_count_as_they_do_alone(suns, azimuth):
    scene = made_scene(window=(3, 5, 11, 9))
    together, alone = Tally(scene), Tally(scene)
    together.add_above([90.0 - elevation for elevation in suns] + [95.0], azimuth)
    for elevation in suns:
        alone.add_above([90.0 - elevation], azimuth)
    alone.add_above([95.0], azimuth)
    assert np.array_equal(together.share(0.3), alone.share(0.3), equal_nan=True)


def test_the_number_of_threads_changes_no_bit():
    scene, threads = made_scene(), numba.get_num_threads()
    try:
        results = []
        for count in {1, threads}:
            numba.set_num_threads(count)
            results.append(sunlit_fraction(scene, 70.0, 250.0).tobytes())
    finally:
        numba.set_num_threads(threads)
    assert len(set(results)) == 1


def test_the_lowest_suns_count_as_none():
    scene = made_scene()
    assert np.nanmax(sunlit_fraction(scene, 87.5, 180.0)) == 0.0
    assert np.nanmax(sunlit_fraction(scene, 86.5, 180.0)) > 0.0
    assert np.isnan(sunlit_fraction(scene, np.nan, 180.0)).all()


# --- real buildings -----------------------------------------------------------------------------------------


def niiza_prisms():
    """Footprints (EPSG:6677) and heights of the Niiza buildings."""
    to_plane = Transformer.from_crs(6697, 6677, always_xy=True)
    footprints, heights = [], []
    for building in etree.parse(str(NIIZA)).getroot().iter("{*}Building"):
        for polygon in building.find("{*}lod0FootPrint").iter("{*}Polygon"):
            rings = []
            for ring in polygon.iter("{*}posList"):
                lat, lon, _ = np.array(ring.text.split(), float).reshape(-1, 3).T
                rings.append(np.column_stack(to_plane.transform(lon, lat)))
            footprints.append(shapely.make_valid(shapely.Polygon(rings[0], rings[1:])))
            heights.append(float(building.findtext("{*}measuredHeight")))
    return footprints, heights


def prism_shade(footprint, height, elevation, azimuth):
    """Ground shade of a prism: its footprint swept away from the sun by h / tan(elevation)."""
    length = height / math.tan(math.radians(elevation))
    shift = -length * math.sin(math.radians(azimuth)), -length * math.cos(math.radians(azimuth))
    edges = [
        np.asarray(ring.coords)
        for part in shapely.get_parts(footprint)
        for ring in (part.exterior, *part.interiors)
    ]
    corners = np.concatenate(
        [np.stack([e[:-1], e[1:], e[1:] + shift, e[:-1] + shift], axis=1) for e in edges]
    )
    return shapely.union_all(
        [footprint, translate(footprint, *shift), *shapely.convex_hull(shapely.multipoints(corners))]
    )


@pytest.mark.skipif(not NIIZA.exists(), reason=f"no {NIIZA.name} here")
@pytest.mark.parametrize("sub_cell", [1.0, 0.5])
def test_against_exact_vector_shade_of_real_buildings(sub_cell):
    """Truth: union of projected prisms, sampled at 0.25 m; every square metre of street counts the same."""
    footprints, heights = niiza_prisms()
    west, south, east, north = shapely.total_bounds(footprints)
    rows, columns = (math.ceil(size / 5.0) + 2 for size in (north - south, east - west))

    def burn(shapes, cell, fill=0.0):
        shape, corner = (
            (int(rows * 5 / cell), int(columns * 5 / cell)),
            Affine(cell, 0.0, west - 5.0, 0.0, -cell, north + 5.0),
        )
        return rasterize(shapes, out_shape=shape, transform=corner, fill=fill, dtype="float64")

    def cells(fine):
        return fine.reshape(rows, 20, columns, 20).sum((1, 3))

    roof = burn(sorted(zip(footprints, heights, strict=True), key=lambda pair: pair[1]), sub_cell, np.nan)
    scene = shade_scene(
        np.zeros_like(roof), roof, cell_size=sub_cell, factor=int(5 / sub_cell), receptor_height=0.0
    )
    outdoors = burn([(footprint, 1.0) for footprint in footprints], 0.25) == 0.0
    streets = cells(outdoors) * 0.0625
    for elevation, azimuth in SUNS:
        shade = [prism_shade(*pair, elevation, azimuth) for pair in zip(footprints, heights, strict=True)]
        lit = cells(outdoors & (burn([(shapely.union_all(shade), 1.0)], 0.25) == 0.0)) * 0.0625
        swept = sunlit_fraction(scene, 90.0 - elevation, azimuth)
        both = (streets > 0.0) & np.isfinite(swept)
        error, weight = swept[both] - lit[both] / streets[both], streets[both] / streets[both].sum()
        mae, bias = float(weight @ np.abs(error)), float(weight @ error)
        per_cell = np.abs(error).mean(), error.mean()
        print(
            f"Niiza, {sub_cell} m, sun at {elevation:.0f}: MAE {mae:.4f}, bias {bias:+.4f};"
            f" unweighted {per_cell[0]:.4f}, {per_cell[1]:+.4f}"
        )
        assert mae <= 0.02
        assert abs(bias) <= 0.01
        if sub_cell < 1.0:
            assert per_cell[0] <= 0.02
            assert abs(per_cell[1]) <= 0.01
