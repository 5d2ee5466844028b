"""Rasters as callers give them: masks, coordinates, and codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine

from heatrisk.budget import budget
from heatrisk.errors import GridMismatchError, InputError
from heatrisk.grid import Grid
from heatrisk.physics.shadow import shade_scene, sunlit
from heatrisk.physics.sky import sky_view_factor
from heatrisk.radiation import face_fluxes
from heatrisk.rasters import placed
from heatrisk.run import simulate
from heatrisk.scene import BUILDING, OUTDOOR, OUTSIDE, Scene
from tests.slab_town import cloudless

GRID = Grid("EPSG:32654", Affine(2.0, 0.0, 380_000.0, 0.0, -2.0, 3_950_000.0), (12, 14))
NO_DATA = -9999


def marked(values: np.ndarray) -> np.ma.MaskedArray:
    """Mask the four western columns, where a mark stands, as a reader of GeoTIFFs does."""
    values = values.copy()
    values[:, :4] = NO_DATA
    return np.ma.masked_equal(values, NO_DATA)


def block(kind: type = np.float32) -> np.ndarray:
    """Build a plain 10 m above the sea with one building of 15 m."""
    dsm = np.full(GRID.shape, 10, kind)
    dsm[4:7, 6:9] += 15
    return dsm


# --- what is masked is unknown ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16])
def test_masked_cells_are_unknown_ground(kind: type) -> None:
    scene = Scene.from_rasters(GRID, marked(block(kind)), marked(np.full(GRID.shape, 10, kind)))
    assert np.isnan(scene.terrain[:, :4]).all() and np.nanmin(scene.terrain) == 10.0
    expected = np.full(GRID.shape, OUTDOOR)
    expected[:, :4], expected[4:7, 6:9] = OUTSIDE, BUILDING
    np.testing.assert_array_equal(scene.mask, expected)
    assert scene.unknown == pytest.approx(4 / 14)


def test_masked_crowns_and_codes_are_as_if_unknown() -> None:
    canopy, cover = marked(np.full(GRID.shape, 6.0)), marked(np.full(GRID.shape, 5))
    scene = Scene.from_rasters(GRID, block(), np.full(GRID.shape, 10.0), canopy=canopy, land_cover=cover)
    assert scene.crown_top is not None
    assert (scene.crown_top[:, :4] == 0.0).all() and (scene.crown_top[:, 4:] == 6.0).all()
    assert (scene.land_cover[:, :4] == 1).all() and (scene.land_cover[:, 4:] == 5).all()


def test_a_scene_of_masked_rasters_is_that_of_unknown_cells() -> None:
    ground, crown = np.full(GRID.shape, 10, np.float32), np.full(GRID.shape, 6, np.float32)
    cover = np.ma.MaskedArray(np.full(GRID.shape, 5, np.uint8), marked(ground).mask)
    given = marked(ground), marked(block()), marked(crown), marked(crown / 4)
    plain = [raster.filled(np.nan) for raster in given]
    masked, known = (
        Scene(GRID, rasters[0], rasters[1], land, crown_top=rasters[2], crown_base=rasters[3])
        for rasters, land in ((given, cover), (plain, cover.filled(0)))
    )
    assert masked.hash == known.hash
    np.testing.assert_array_equal(masked.mask, known.mask)
    assert (masked.land_cover[:, :4] == 0).all()


ASKED: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "sun": lambda dsm: sunlit(dsm, 2.0, 60.0, 250.0),
    "night": lambda dsm: sunlit(dsm, 2.0, 95.0, 250.0),
    "sky": lambda dsm: sky_view_factor(dsm, 2.0),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
@pytest.mark.parametrize("mark", [NO_DATA, 3.4e38])
def test_sun_and_sky_know_nothing_of_masked_cells(
    ask: Callable[[np.ndarray], np.ndarray], mark: float
) -> None:
    dsm = block(np.float64)
    hole = np.zeros(dsm.shape, bool)
    hole[:, :4] = True
    masked = np.ma.MaskedArray(np.where(hole, mark, dsm), hole)
    np.testing.assert_array_equal(ask(masked), ask(np.where(hole, np.nan, dsm)))
    assert np.isnan(ask(masked)[:, :4]).all()


def test_sub_cells_whose_counting_is_masked_do_not_count() -> None:
    ground = np.zeros((4, 4))
    outdoor = np.ma.MaskedArray(np.ones((4, 4), bool), np.eye(4, dtype=bool))
    scene = shade_scene(ground, np.full((4, 4), np.nan), factor=2, outdoor=outdoor)
    np.testing.assert_array_equal(scene.receptors, [[2.0, 4.0], [4.0, 2.0]])


# --- what bears coordinates lies where they say ----------------------------------------------------------


def labelled(values: np.ndarray) -> xr.DataArray:
    return xr.DataArray(values, dims=("y", "x"), coords={"y": GRID.y, "x": GRID.x})


def test_coordinates_of_the_grid_are_taken() -> None:
    dem = np.full(GRID.shape, 10.0)
    plain = Scene.from_rasters(GRID, block(), dem)
    assert Scene.from_rasters(GRID, labelled(block()), labelled(dem)).hash == plain.hash
    near = labelled(block()).assign_coords(x=GRID.x.astype(np.float32) + 0.1)
    assert Scene.from_rasters(GRID, near, xr.DataArray(dem, dims=("y", "x"))).hash == plain.hash


ELSEWHERE: dict[str, Callable[[xr.DataArray], xr.DataArray]] = {
    "from south to north": lambda raster: raster.sortby("y"),
    "from east to west": lambda raster: raster.sortby("x", ascending=False),
    "half a cell away": lambda raster: raster.assign_coords(x=raster["x"] + 1.0),
    "elsewhere": lambda raster: raster.assign_coords(y=raster["y"] + 1000.0),
    "nowhere": lambda raster: raster.assign_coords(y=np.full(GRID.shape[0], np.nan)),
    "by name": lambda raster: raster.assign_coords(x=[f"c{k}" for k in range(GRID.shape[1])]),
}


@pytest.mark.parametrize("move", ELSEWHERE.values(), ids=ELSEWHERE.keys())
@pytest.mark.parametrize("name", ["dsm", "dem", "canopy", "land_cover"])
def test_coordinates_of_other_places_are_refused(
    name: str, move: Callable[[xr.DataArray], xr.DataArray]
) -> None:
    flat = labelled(np.full(GRID.shape, 5.0))
    rasters = dict.fromkeys(("dsm", "dem", "canopy", "land_cover"), flat) | {name: move(flat)}
    with pytest.raises(GridMismatchError, match=f"the coordinates of {name} are not the grid's") as caught:
        Scene.from_rasters(GRID, **rasters)
    assert "座標が計算の格子と違います" in caught.value.text("ja") and "sortby" in caught.value.text("ja")


def test_columns_that_come_first_are_refused() -> None:
    square = Grid(GRID.crs, GRID.transform, (9, 9))
    raster = xr.DataArray(np.zeros((9, 9)), dims=("x", "y"), coords={"x": square.x, "y": square.y})
    with pytest.raises(GridMismatchError, match=r"^x: the coordinates of dsm"):
        placed("dsm", raster, square)


@pytest.mark.parametrize("ask", [simulate, face_fluxes])
def test_sky_views_of_a_mirrored_town_are_refused(ask: Callable[..., xr.Dataset]) -> None:
    views = xr.Dataset({name: labelled(np.ones(GRID.shape)) for name in ("svf", "svf_buildings")})
    scene = Scene.from_rasters(GRID, block(), np.full(GRID.shape, 10.0))
    given = {"svf" if ask is simulate else "views": views.sortby("y")}
    with pytest.raises(GridMismatchError, match="the coordinates of svf are not the grid's"):
        ask(scene, cloudless(), **given)


# --- codes and numbers that cannot be meant --------------------------------------------------------------


@pytest.mark.parametrize("odd", [300, -1, 2.7, 256.0, np.inf])
def test_what_is_no_code_is_refused(odd: float) -> None:
    """In one byte 300 would be 44, -1 be 255 and 2.7 be 2."""
    cover = np.full(GRID.shape, 5.0 if isinstance(odd, float) else 5)
    cover[3, 3] = odd
    dem = np.full(GRID.shape, 10.0)
    with pytest.raises(
        InputError, match=rf"no code; expected whole numbers from 0 to 255; got {odd}\."
    ) as told:
        Scene.from_rasters(GRID, block(), dem, land_cover=cover)
    assert "番号ではない値" in told.value.text("ja")
    with pytest.raises(InputError, match="land_cover holds a value that is no code"):
        Scene(GRID, dem, block(), cover)


def test_codes_of_any_type_are_kept() -> None:
    dem = np.full(GRID.shape, 10.0)
    for kind in (np.uint8, np.int64, np.float32, bool):
        cover = np.arange(dem.size).reshape(dem.shape).astype(kind)
        scene = Scene.from_rasters(GRID, block(), dem, land_cover=cover)
        assert scene.land_cover.dtype == np.uint8
        np.testing.assert_array_equal(scene.land_cover, np.where(cover == 0, 1, cover))


@pytest.mark.parametrize("height", [np.nan, -1.0, np.inf])
@pytest.mark.parametrize("name", ["receptor_height", "building_height"])
def test_heights_that_are_none_are_refused(name: str, height: float) -> None:
    with pytest.raises(InputError, match=f"{name} is out of range") as caught:
        Scene.from_rasters(GRID, block(), np.full(GRID.shape, 10.0), **{name: height})
    assert f"{name} が範囲外です" in caught.value.text("ja")


def test_choices_that_do_not_exist_are_refused() -> None:
    scene = Scene.from_rasters(GRID, block(), np.full(GRID.shape, 10.0))
    place = pd.Timestamp("2025-08-05T03:00")
    for ask in (
        lambda: simulate(scene, cloudless(), urban_wind="frontal"),
        lambda: budget(scene, cloudless(), *GRID.centre_lonlat, place, urban_wind="frontal"),
    ):
        with pytest.raises(InputError, match="urban_wind has no such choice; expected off, svf; got frontal"):
            ask()
    for wrong, says in (
        ({"posture": "lying"}, "posture has no such choice; expected standing, sitting"),
        ({"ground_radius": np.nan}, "ground_radius is out of range"),
        ({"cell": (-1, 3)}, "row is out of range; expected 0 to 11; got -1"),
        ({"cell": (3, 14)}, "column is out of range"),
    ):
        with pytest.raises(InputError, match=says):
            face_fluxes(scene, cloudless(), **wrong)
