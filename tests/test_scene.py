"""The town as rasters: roofs, halo, mask and hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer
from shapely import Polygon, box

from heatrisk.errors import GridMismatchError, InputError
from heatrisk.grid import Grid
from heatrisk.scene import BUILDING, OUTDOOR, OUTSIDE, Scene

GRID = Grid("EPSG:6677", Affine(5.0, 0.0, 0.0, 0.0, -5.0, 40.0), (8, 10))  # 50 m x 40 m, x 0..50, y 0..40


def town(*buildings: tuple[Polygon, float]) -> gpd.GeoDataFrame:
    shapes, heights = zip(*buildings, strict=True)
    return gpd.GeoDataFrame({"height": heights}, geometry=list(shapes), crs="EPSG:6677")


HOUSE = town((box(10.0, 20.0, 20.0, 30.0), 6.0))  # rows 10-19 and columns 10-19 of the fine raster


def test_flat_roof_stands_at_mean_ground_plus_height() -> None:
    slope = np.broadcast_to(np.arange(50, dtype=np.float32) * 0.1, (40, 50)).copy()
    scene = Scene.from_buildings(GRID, HOUSE, terrain=slope)
    inside = scene.roof[10:20, 10:20]
    np.testing.assert_allclose(inside, slope[10:20, 10:20].mean() + 6.0, rtol=1e-6)
    assert np.isfinite(scene.roof).sum() == 100


def test_sub_cells_belong_to_the_footprint_that_holds_their_centre() -> None:
    scene = Scene.from_buildings(GRID, town((box(10.4, 20.6, 12.6, 22.4), 3.0)))
    rows, columns = np.nonzero(np.isfinite(scene.roof))
    # Centres x 10.5, 11.5, 12.5 and y 21.5 lie inside; y 20.5 and 22.5 do not.
    assert (set(rows), set(columns)) == ({18}, {10, 11, 12})


def test_courtyard_stays_open() -> None:
    ring = box(10.0, 10.0, 30.0, 30.0) - box(15.0, 15.0, 25.0, 25.0)
    scene = Scene.from_buildings(GRID, town((ring, 9.0)))
    assert np.isnan(scene.roof[15:25, 15:25]).all()
    assert np.isfinite(scene.roof).sum() == 300


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_taller_of_overlapping_buildings_wins(order: tuple[int, int]) -> None:
    pair = [(box(10.0, 20.0, 20.0, 30.0), 6.0), (box(15.0, 20.0, 25.0, 30.0), 12.0)]
    scene = Scene.from_buildings(GRID, town(*(pair[k] for k in order)))
    assert (scene.roof[10:20, 10:15] == 6.0).all()
    assert (scene.roof[10:20, 15:25] == 12.0).all()


def test_building_on_unknown_ground_is_not_there() -> None:
    ground = np.zeros((40, 50), np.float32)
    ground[:, :25] = np.nan
    scene = Scene.from_buildings(GRID, HOUSE, terrain=ground)
    assert np.isnan(scene.roof).all()
    assert (scene.mask[:, :5] == OUTSIDE).all()
    assert (scene.mask[:, 5:] == OUTDOOR).all()


def test_mask_tells_buildings_from_unknown_ground() -> None:
    ground = np.zeros((40, 50), np.float32)
    ground[:5, :] = np.nan
    ground[5:9, 40:45] = np.nan  # one row of known sub-cells is left
    mask = Scene.from_buildings(GRID, HOUSE, terrain=ground).mask
    assert mask.dtype == np.uint8
    expected = np.full((8, 10), OUTDOOR)
    expected[0, :] = OUTSIDE
    expected[2:4, 2:4] = BUILDING
    np.testing.assert_array_equal(mask, expected)


def test_halo_holds_the_buildings_beyond_the_edge() -> None:
    outside = town((box(55.0, 15.0, 60.0, 25.0), 20.0))
    scene = Scene.from_buildings(GRID, outside, halo=2)
    assert scene.fine_grid.shape == (60, 70)
    assert np.isfinite(scene.roof[25:35, 65:70]).all()
    assert np.isfinite(scene.roof).sum() == 50
    assert scene.mask.shape == GRID.shape
    assert (scene.mask == OUTDOOR).all()
    assert scene.shade.outdoor_fraction.shape == GRID.shape


def test_crowns_stand_on_trunks() -> None:
    canopy = np.zeros((40, 50), np.float32)
    canopy[5, 5] = 8.0
    scene = Scene.from_buildings(GRID, HOUSE, canopy=canopy, trunk_ratio=0.25)
    assert scene.crown_top is canopy and scene.crown_base == 0.25
    trunks = replace(scene, crown_base=0.25 * canopy).shade.by_row.crown_base
    np.testing.assert_array_equal(scene.shade.by_row.crown_base, trunks)
    assert trunks[5, 6] == 2.0


def test_ground_is_grass_unless_told() -> None:
    assert (Scene.from_buildings(GRID, HOUSE).land_cover == 5).all()  # the UMEP code of grass
    paved = np.ones(GRID.shape, np.uint8)
    assert Scene.from_buildings(GRID, HOUSE, land_cover=paved).land_cover is paved


def test_empty_city_is_refused() -> None:
    with pytest.raises(InputError, match="not a single building") as caught:
        Scene.from_buildings(GRID, HOUSE.iloc[:0])
    assert "建物が 1 棟もありません" in caught.value.text("ja")


@pytest.mark.parametrize("height", [0.0, -3.0, float("nan")])
def test_building_without_height_is_refused(height: float) -> None:
    with pytest.raises(InputError, match="no height"):
        Scene.from_buildings(GRID, town((box(0.0, 0.0, 5.0, 5.0), 6.0), (box(10.0, 0.0, 15.0, 5.0), height)))


@pytest.mark.parametrize("name", ["terrain", "roof", "land_cover", "crown_top", "crown_base"])
def test_rasters_lie_on_the_grid(name: str) -> None:
    crowns = np.zeros((40, 50), np.float32)
    scene = replace(Scene.from_buildings(GRID, HOUSE, canopy=crowns), crown_base=crowns)
    with pytest.raises(GridMismatchError, match=name):
        replace(scene, **{name: getattr(scene, name)[:-1]})


def changed(raster: np.ndarray) -> np.ndarray:
    copy = raster.copy()
    copy[3, 3] += 1
    return copy


CHANGES: dict[str, Callable[[Scene], dict[str, object]]] = {
    "ground": lambda scene: {"terrain": changed(scene.terrain)},
    "roof": lambda scene: {"roof": np.where(np.isnan(scene.roof), np.nan, scene.roof + 1).astype(np.float32)},
    "land cover": lambda scene: {"land_cover": changed(scene.land_cover)},
    "crown": lambda scene: {"crown_top": changed(scene.crown_top)},  # type: ignore[arg-type]
    "trunk": lambda scene: {"crown_base": 0.3},
    "trunks": lambda scene: {"crown_base": changed(0.25 * scene.crown_top)},
    "no crown": lambda scene: {"crown_top": None},
    "transmissivity": lambda scene: {"transmissivity": 0.3},
    "extinction": lambda scene: {"extinction": 0.3},
    "receptor": lambda scene: {"receptor_height": 1.5},
    "place": lambda scene: {"grid": replace(scene.grid, transform=Affine(5.0, 0.0, 5.0, 0.0, -5.0, 40.0))},
    "coordinates": lambda scene: {"grid": replace(scene.grid, crs="EPSG:6678")},
}


@pytest.fixture(scope="module")
def wooded() -> Scene:
    canopy = np.full((40, 50), 4.0, np.float32)
    return Scene.from_buildings(GRID, HOUSE, canopy=canopy)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_hash_changes_with_every_input(wooded: Scene, change: Callable[[Scene], dict[str, object]]) -> None:
    assert replace(wooded, **change(wooded)).hash != wooded.hash  # type: ignore[arg-type]


def test_hash_is_the_same_for_the_same_town(wooded: Scene) -> None:
    again = Scene.from_buildings(GRID, HOUSE.iloc[::-1], canopy=np.full((40, 50), 4.0, np.float32))
    assert again.hash == wooded.hash
    _ = again.shade, again.mask
    assert again.hash == wooded.hash


# --- halo: a building of height h shades h / tan(3 degrees) far -------------------------------------------

BOUNDS = (0.0, 0.0, 50.0, 40.0)


def test_coordinates_that_keep_areas_alone_are_refused() -> None:
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:5070", always_xy=True).transform(-73.99, 40.7)  # New York
    grid = Grid.covering((x, y, x + 50.0, y + 40.0), "EPSG:5070", 5.0)
    assert grid.scale == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(InputError, match="not distances on the ground"):
        Scene.from_buildings(grid, town((box(x, y, x + 10.0, y + 10.0), 10.0)))


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:3395"])
def test_coordinates_that_stretch_distances_are_refused(crs: str) -> None:
    grid = Grid.covering((15_538_000.0, 4_256_000.0, 15_538_050.0, 4_256_040.0), crs, 5.0)
    with pytest.raises(InputError, match="not distances on the ground"):
        Scene.from_buildings(grid, town((box(15_538_010.0, 4_256_010.0, 15_538_020.0, 4_256_020.0), 10.0)))
