"""Grids: placement, order of rows and axes, and what is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from heatrisk.errors import InputError
from heatrisk.grid import Grid

# Japanese plane rectangular zone IX has its origin at 36°00'00" N, 139°50'00" E (GSI, notice 14 of 2002).
ORIGIN_LON, ORIGIN_LAT = 139.0 + 50.0 / 60.0, 36.0
AROUND_ORIGIN = Grid.covering((-100.0, -50.0, 100.0, 50.0), "EPSG:6677", 5.0)

metres = st.integers(-240_000, 240_000).map(lambda eighths: eighths / 8)
lengths = st.integers(1, 4_000).map(lambda eighths: eighths / 8)
sizes = st.sampled_from([1.0, 2.0, 2.5, 5.0, 10.0])


def test_covering_is_snapped_outwards() -> None:
    grid = Grid.covering((-24_998.0, -35_101.0, -24_900.0, -35_002.0), "EPSG:6677", 5.0)
    assert grid.bounds == (-25_000.0, -35_105.0, -24_900.0, -35_000.0)
    assert grid.shape == (21, 20)
    assert grid.cell_size == 5.0


@given(metres, metres, lengths, lengths, sizes)
def test_covering_is_the_smallest_on_multiples(
    x: float, y: float, wide: float, high: float, size: float
) -> None:
    west, south, east, north = Grid.covering((x, y, x + wide, y + high), "EPSG:6677", size).bounds
    for edge in (west, south, east, north):
        assert edge / size == round(edge / size)
    assert west <= x < west + size
    assert south <= y < south + size
    assert east - size < x + wide <= east
    assert north - size < y + high <= north


def test_covering_a_snapped_area_is_itself() -> None:
    assert Grid.covering(AROUND_ORIGIN.bounds, "EPSG:6677", 5.0) == AROUND_ORIGIN


def test_row_0_is_north_and_column_0_is_west() -> None:
    np.testing.assert_array_equal(AROUND_ORIGIN.x, np.arange(-97.5, 100.0, 5.0))
    np.testing.assert_array_equal(AROUND_ORIGIN.y, np.arange(47.5, -50.0, -5.0))


def test_lonlat_is_longitude_first() -> None:
    np.testing.assert_allclose(AROUND_ORIGIN.centre_lonlat, (ORIGIN_LON, ORIGIN_LAT), atol=1e-9)
    west, south, east, north = AROUND_ORIGIN.bounds_lonlat
    assert west < ORIGIN_LON < east
    assert south < ORIGIN_LAT < north
    # A degree of latitude is 110.95 km at 36° N, one of longitude 90.16 km (GRS80).
    np.testing.assert_allclose([north - south, east - west], [100 / 110_950, 200 / 90_160], rtol=1e-3)


def test_index_grows_to_the_south_and_east() -> None:
    step = 5.0 / 111_000.0
    assert AROUND_ORIGIN.index(ORIGIN_LON + 1e-7, ORIGIN_LAT - 1e-7) == (10, 20)
    assert AROUND_ORIGIN.index(ORIGIN_LON + 1e-7, ORIGIN_LAT + step) == (9, 20)
    assert AROUND_ORIGIN.index(ORIGIN_LON + 2 * step, ORIGIN_LAT - 1e-7) == (10, 21)


@pytest.mark.parametrize("lon, lat", [(139.0, 36.0), (140.0, 36.0), (ORIGIN_LON, 35.0), (ORIGIN_LON, 37.0)])
def test_index_outside_is_none(lon: float, lat: float) -> None:
    assert AROUND_ORIGIN.index(lon, lat) is None


@pytest.mark.parametrize("lon, lat", [(float("nan"), 36.0), (36.0, 139.8), (float("inf"), 0.0)])
def test_index_of_an_impossible_place_is_none(lon: float, lat: float) -> None:
    assert AROUND_ORIGIN.index(lon, lat) is None


@given(st.integers(0, 19), st.integers(0, 39), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_index_inverts_position(row: int, column: int, down: float, right: float) -> None:
    west, _, _, north = AROUND_ORIGIN.bounds
    back = Transformer.from_crs("EPSG:6677", "EPSG:4326", always_xy=True)
    place = back.transform(west + 5.0 * (column + right), north - 5.0 * (row + down))
    assert AROUND_ORIGIN.index(*place) == (row, column)


def test_divided_covers_the_same_area() -> None:
    fine = AROUND_ORIGIN.divided(5)
    assert fine.bounds == AROUND_ORIGIN.bounds
    assert fine.shape == (100, 200)
    assert fine.cell_size == 1.0


def test_padded_grows_on_every_side() -> None:
    wide = AROUND_ORIGIN.padded(3)
    assert wide.bounds == (-115.0, -65.0, 115.0, 65.0)
    assert wide.shape == (26, 46)
    np.testing.assert_array_equal(wide.x[3:-3], AROUND_ORIGIN.x)
    np.testing.assert_array_equal(wide.y[3:-3], AROUND_ORIGIN.y)
    assert AROUND_ORIGIN.padded(0) == AROUND_ORIGIN


SNAPPED = Affine(5.0, 0.0, 0.0, 0.0, -5.0, 0.0)


@pytest.mark.parametrize(
    "crs, transform, shape, said",
    [
        ("EPSG:nonsense", SNAPPED, (2, 2), "EPSG:nonsense"),
        ("EPSG:4326", SNAPPED, (2, 2), "metres"),
        ("EPSG:2263", SNAPPED, (2, 2), "metres"),  # New York, in feet
        ("EPSG:6677", Affine(5.0, 0.0, 0.0, 0.0, 5.0, 0.0), (2, 2), "north-up"),
        ("EPSG:6677", Affine(5.0, 1.0, 0.0, 0.0, -5.0, 0.0), (2, 2), "north-up"),
        ("EPSG:6677", Affine(5.0, 0.0, 0.0, 0.0, -4.0, 0.0), (2, 2), "square"),
        ("EPSG:6677", SNAPPED, (0, 2), "empty"),
    ],
)
def test_refused(crs: str, transform: Affine, shape: tuple[int, int], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Grid(crs, transform, shape)


@pytest.mark.parametrize("bounds", [(0.0, 0.0, float("nan"), 1.0), (0.0, -float("inf"), 1.0, 1.0)])
def test_covering_needs_finite_bounds(bounds: tuple[float, float, float, float]) -> None:
    with pytest.raises(InputError, match="finite"):
        Grid.covering(bounds, "EPSG:6677", 5.0)


def test_covering_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="empty"):
        Grid.covering((100.0, 0.0, -100.0, 10.0), "EPSG:6677", 5.0)


def test_a_grid_that_knows_its_scale_can_be_pickled() -> None:
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, -25_000.0, 0.0, -5.0, -35_000.0), (4, 5))
    assert grid.distortion < 1e-3 and abs(grid.convergence) < 0.2
    assert pickle.loads(pickle.dumps(grid)) == grid
