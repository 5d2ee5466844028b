"""What is named as trees: forests pass, elevations and heights of buildings do not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from heatrisk.errors import InputError
from heatrisk.grid import Grid
from heatrisk.scene import Scene
from heatrisk.sources.trees.plausibility import check_canopy
from tests.messages import explains

PATH = Path("canopy.tif")
SHAPE = (200, 200)

#: A slope of 6 m with houses of 8 m on a fifth of it, where it is 50 m above the sea, and where it is 5 m.
SLOPE = (50.0 + np.linspace(0.0, 6.0, SHAPE[1]) + np.zeros(SHAPE)).astype(np.float32)
BUILT = (np.indices(SHAPE) % 20 < 9).all(axis=0)


def chance(seed: int = 4) -> np.random.Generator:
    return np.random.default_rng(seed)


WOOD = np.where(chance(1).random(SHAPE) < 0.8, chance(2).uniform(4.0, 25.0, SHAPE), 0.0)


def town(crown_top: np.ndarray, terrain: np.ndarray = SLOPE) -> Scene:
    roof = np.where(BUILT, terrain + 8.0, np.nan).astype(np.float32)
    grid = Grid("EPSG:6677", Affine(5, 0, -24_800, 0, -5, -35_000), (40, 40))
    cover = np.ones(grid.shape, np.uint8)
    return Scene(grid, terrain, roof, cover, factor=5, crown_top=crown_top.astype(np.float32))


@pytest.mark.parametrize("lower", [0.0, 47.0])
@pytest.mark.parametrize("error", [0.0, 0.7])
def test_elevations_are_no_trees(lower: float, error: float) -> None:
    ground = SLOPE - np.float32(lower)
    measured = ground + chance().normal(0.0, error, SHAPE)
    for told in (measured, np.where(ground < np.median(ground), measured, np.nan)):
        with pytest.raises(InputError) as caught:
            check_canopy(town(told, ground), PATH)
        assert "[terrain]" in explains(caught.value, PATH)


@pytest.mark.parametrize("over", [0.0, 0.4])
@pytest.mark.parametrize("lower", [0.0, 36.0, 50.0])
def test_a_town_in_a_forest_passes(over: float, lower: float) -> None:
    wood = np.where(BUILT & (chance().random(SHAPE) > over), 0.0, WOOD)
    assert (wood > 0).mean() > 0.6
    assert check_canopy(town(wood, SLOPE - np.float32(lower)), PATH) is None


def test_few_trees_may_be_as_high_as_the_ground() -> None:
    few = np.zeros(SHAPE)
    low = SLOPE - np.float32(45.0)  # 5 to 11 m
    for row, column in ((11, 30), (71, 170)):
        few[row : row + 8, column : column + 8] = low[row, column] + 0.5
    assert check_canopy(town(few, low), PATH) is None


def test_trees_of_one_height_on_ground_of_that_elevation_pass() -> None:
    alike = np.where(BUILT | (WOOD == 0.0), 0.0, 5.0)
    for ground in (SLOPE - 48.0, np.full(SHAPE, 5.0)):
        assert check_canopy(town(alike, ground.astype(np.float32)), PATH) is None


def test_crowns_on_most_roofs_are_doubted() -> None:
    surface = np.where(BUILT, 8.0, 0.0)
    level = np.zeros(SHAPE, np.float32)  # as where no terrain is named
    for told, terrain in ((surface, SLOPE), (SLOPE, level)):
        doubt = check_canopy(town(told, terrain), PATH)
        assert doubt is not None and doubt.code == "canopy_over_buildings"
        assert "100%" in doubt.words.ja and "100%" in doubt.words.en
    assert doubt.words.en.startswith("trees of 50–56 m cover 100% of the area and 100% of its buildings")


def test_what_is_too_low_for_shade_is_no_crown() -> None:
    noise = np.full(SHAPE, 0.3)
    assert check_canopy(town(noise), PATH) is None
    assert check_canopy(replace(town(noise), crown_top=None), PATH) is None
