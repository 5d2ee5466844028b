"""Crowns on a grid, against a slow twin; the rule from height, against the standard it cites."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.grid import Grid
from heatrisk.sources.trees import crowns
from heatrisk.sources.trees.crowns import burn_discs, burn_outlines, crown_diameter

GRID = Grid("EPSG:6677", Affine(2, 0, -24_800.0, 0, -2, -35_000.0), (20, 30))
CROWN = st.tuples(
    st.floats(-10.0, 70.0),
    st.floats(-10.0, 50.0),
    st.floats(0.01, 12.0),
    st.sampled_from([2.0, 5.0, 9.5, 20.0]),
)


def discs(trees: list[tuple[float, float, float, float]], grid: Grid = GRID) -> np.ndarray:
    canopy = np.zeros(grid.shape, np.float32)
    east, south, radius, top = np.array(trees, float).reshape(-1, 4).T
    burn_discs(canopy, grid, grid.transform.c + east, grid.transform.f - south, radius, top)
    return canopy


def slow(trees: list[tuple[float, float, float, float]]) -> np.ndarray:
    """Return the same by asking every cell about every tree."""
    canopy = np.zeros(GRID.shape)
    x, y = np.meshgrid(GRID.x - GRID.transform.c, GRID.transform.f - GRID.y)
    for east, south, radius, top in trees:
        inside = (x - east) ** 2 + (y - south) ** 2 <= (radius * GRID.scale) ** 2
        canopy = np.where(inside, np.maximum(canopy, top), canopy)
    return canopy


@settings(deadline=None)
@given(st.lists(CROWN, max_size=12))
def test_discs_are_where_every_cell_says(trees: list[tuple[float, float, float, float]]) -> None:
    np.testing.assert_array_equal(discs(trees), slow(trees).astype(np.float32))


def test_parts_join_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(3)
    trees = [tuple(row) for row in draw.uniform([0, 0, 0.5, 1], [60, 40, 9, 25], (200, 4)).tolist()]
    whole = discs(trees)
    monkeypatch.setattr(crowns, "_CELLS", 50)
    np.testing.assert_array_equal(discs(trees), whole)
    np.testing.assert_array_equal(whole, slow(trees).astype(np.float32))


def test_small_crowns_keep_their_area_on_average() -> None:
    draw = np.random.default_rng(5)
    wide = Grid("EPSG:6677", Affine(2, 0, 0, 0, -2, 0), (2000, 2000))
    trees = np.column_stack([draw.uniform(0, 4000, (3000, 2)), np.full(3000, 0.8), np.full(3000, 3.0)])
    covered = (discs(trees.tolist(), wide) > 0).sum() * 4.0
    assert covered == pytest.approx(3000 * np.pi * 0.8**2, rel=0.05)


def test_a_crown_that_is_there_already_stays() -> None:
    canopy = np.full(GRID.shape, 6.0, np.float32)
    burn_discs(canopy, GRID, GRID.x[[5]], GRID.y[[5]], np.array([3.0]), np.array([4.0]))
    burn_outlines(canopy, GRID, np.array([shapely.box(*GRID.bounds)]), np.array([5.0]))
    assert np.unique(canopy).tolist() == [6.0]


def test_of_outlines_the_higher_counts_and_holes_stay_open() -> None:
    west, _, _, north = GRID.bounds
    outer = shapely.box(west, north - 20, west + 20, north)
    ring = outer.difference(shapely.box(west + 8, north - 12, west + 12, north - 8))
    canopy = np.zeros(GRID.shape, np.float32)
    burn_outlines(
        canopy, GRID, np.array([ring, shapely.box(west, north - 4, west + 4, north)]), np.array([3.0, 7.0])
    )
    assert (canopy[:10, :10] == 3.0).sum() == 100 - 4 - 4
    assert (canopy[:2, :2] == 7.0).all()
    assert not canopy[4:6, 4:6].any()
    assert not canopy[10:].any()


@pytest.mark.parametrize("height, radius", [(1.0, 1.1), (2.5, 1.6), (4.0, 2.1)])
def test_the_rule_is_near_the_standard_for_planting(height: float, radius: float) -> None:
    # 都市緑地法施行規則 第9条第2号イ(2): radii of crowns by height of the tree.
    assert crown_diameter(np.array([height]))[0] == pytest.approx(2 * radius, abs=0.5)
