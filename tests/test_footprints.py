"""Outlines in a raster: the cells whose centres they hold, each cell once."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
import pytest
import shapely
from affine import Affine
from rasterio.features import rasterize
from shapely import Polygon

from heatrisk.physics import footprints

SHAPE = (150, 110)


def drawn(outlines: list[Polygon], shape: tuple[int, int] = SHAPE) -> npt.NDArray[np.int32]:
    """Return the number of the outline that holds each cell; points count cells east and down."""
    rings, outline = shapely.get_rings(outlines, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    starts = np.searchsorted(ring, np.arange(len(rings) + 1))
    firsts = np.searchsorted(outline, np.arange(len(outlines) + 1))
    names = np.arange(1, len(outlines) + 1)
    return footprints.owners(shape, points[:, 0].copy(), points[:, 1].copy(), starts, firsts, names)


def scattered(count: int = 400) -> list[Polygon]:
    """Return stars, some with a courtyard, some beyond the raster's edges."""
    random, found = np.random.default_rng(3), list[Polygon]()
    while len(found) < count:
        centre, corners = random.uniform(-20, 160, 2), random.integers(3, 12)
        angles, radii = np.sort(random.uniform(0, 2 * np.pi, corners)), random.uniform(1, 15, corners)
        star = Polygon(centre + np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]))
        if random.uniform() < 0.4:
            star = star.buffer(0) - shapely.box(*centre - 2, *centre + 1.5)
        if isinstance(star, Polygon) and star.area > 0:
            found.append(star)
    return found


def test_cells_are_those_that_gdal_draws() -> None:
    outlines = scattered()
    numbered = zip(outlines, range(1, len(outlines) + 1), strict=True)
    expected = rasterize(numbered, out_shape=SHAPE, transform=Affine.identity(), fill=0, dtype="int32")
    found = drawn(outlines)
    np.testing.assert_array_equal(found, expected)
    assert 0.2 < (found > 0).mean() < 0.95


@pytest.mark.parametrize("step", [0.5, 0.25, 1.0])
def test_neighbours_share_no_cell_and_leave_none(step: float) -> None:
    random = np.random.default_rng(8)
    for _ in range(50):
        # A fan around one corner, every point on a centre, an edge or a corner of cells.
        middle = np.round(random.uniform(20, 40, 2) / step) * step
        ends = [(5.5, 5.5), (30.0, 4.5), (55.5, 5.5), (55.5, 33.5), (52.5, 60.5), (20.5, 60.5), (5.5, 50.0)]
        fan = [Polygon([middle, one, other]) for one, other in zip(ends, [*ends[1:], ends[0]], strict=True)]
        cells = [drawn([part], (70, 70)) for part in fan]
        np.testing.assert_array_equal(np.sum(cells, axis=0), drawn([Polygon(ends)], (70, 70)))
        assert np.sum(cells) > 1000


def test_the_last_of_overlapping_outlines_counts() -> None:
    found = drawn([shapely.box(0, 0, 9, 9), shapely.box(5, 5, 12, 12), shapely.box(6, 6, 7, 7)])
    assert np.bincount(found.ravel()).tolist() == [SHAPE[0] * SHAPE[1] - 114, 65, 48, 1]


def test_nothing_absurd_leaves_the_raster() -> None:
    far = [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e18]
    for one in far:
        for other in (*far, 50.0):
            points = np.array([[one, other], [other, one], [60.0, 80.0], [20.0, 90.0], [one, other]])
            ends = np.array([0, 5]), np.array([0, 1]), np.array([7])
            found = footprints.owners(SHAPE, points[:, 0].copy(), points[:, 1].copy(), *ends)
            assert set(np.unique(found).tolist()) <= {0, 7}
    none = np.zeros(0), np.zeros(0), np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int64)
    assert not footprints.owners(SHAPE, *none).any()


def test_the_number_of_threads_changes_no_cell() -> None:
    outlines, threads = scattered(), numba.get_num_threads()
    expected = drawn(outlines)
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(drawn(outlines), expected)
    finally:
        numba.set_num_threads(threads)


def test_roofs_stand_on_the_mean_of_the_known_ground() -> None:
    owner = np.array([[0, 1, 1], [2, 2, 1], [3, 3, 0]], np.int32)
    ground = np.array([[9, 1, np.nan], [4, 6, 3], [np.nan, np.nan, 9]], np.float32)
    means = footprints.mean_ground(owner, ground, 4)
    np.testing.assert_array_equal(means, [2.0, 5.0, np.nan, np.nan])
    roof = footprints.raised(owner, means + 10.0)
    expected = [[np.nan, 12, 12], [15, 15, 12], [np.nan, np.nan, np.nan]]
    np.testing.assert_array_equal(roof, np.array(expected, np.float32))
