"""Scenes from GeoTIFFs in any coordinate system."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from heatrisk.errors import SourceError
from heatrisk.scene import OUTSIDE
from heatrisk.sources.surface_model import raster_grid, read_scene
from heatrisk.words import Note
from tests.messages import explains

UTM = Affine(2.0, 0.0, 380_000.0, 0.0, -2.0, 3_950_000.0)


def tiff(path: Path, values: np.ndarray, crs: str | None = "EPSG:32654", transform: Affine = UTM) -> Path:
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1}
    with rasterio.open(path, "w", dtype="float32", crs=crs, transform=transform, **profile) as file:
        file.write(values.astype(np.float32), 1)
    return path


def models(folder: Path, **placing: object) -> tuple[Path, Path]:
    dem = np.full((30, 40), 12.0)
    dsm = dem.copy()
    dsm[10:20, 10:20] = 25.0
    return tiff(folder / "dsm.tif", dsm, **placing), tiff(folder / "dem.tif", dem, **placing)


def test_metres_are_taken_as_they_are(tmp_path: Path) -> None:
    scene = read_scene(*models(tmp_path))
    assert scene.grid.shape == (30, 40) and scene.grid.cell_size == 2.0
    assert np.isfinite(scene.roof).sum() == 100
    np.testing.assert_array_equal(scene.roof[10:20, 10:20], 25.0)
    assert scene.crown_top is None


def test_canopy_and_land_cover_are_brought_onto_the_grid(tmp_path: Path) -> None:
    coarse = Affine(4.0, 0.0, 380_000.0, 0.0, -4.0, 3_950_000.0)
    canopy = tiff(tmp_path / "cdsm.tif", np.full((15, 20), 6.0), transform=coarse)
    cover = tiff(tmp_path / "lc.tif", np.full((15, 20), 5.0), transform=coarse)
    scene = read_scene(*models(tmp_path), canopy=canopy, land_cover=cover)
    assert scene.crown_top is not None and scene.crown_top[5, 5] == 6.0
    assert (scene.land_cover == 5).all()


def test_degrees_become_square_metres_of_the_zone(tmp_path: Path) -> None:
    degrees = Affine(2e-5, 0.0, 11.97, 0.0, -1e-5, 57.70)
    scene = read_scene(*models(tmp_path, crs="EPSG:4326", transform=degrees))
    assert scene.grid.crs == "EPSG:32632"
    assert 0.9 < scene.grid.cell_size < 1.4
    assert abs(scene.grid.scale - 1.0) < 0.001
    area = np.isfinite(scene.roof).sum() * scene.grid.cell_size**2
    # 10 x 10 cells of 2e-5 by 1e-5 degrees at 57.7° N: 11.9 m by 11.1 m.
    assert area == pytest.approx(11.9 * 11.1, rel=0.2)


def test_a_stretched_plane_is_laid_flat(tmp_path: Path) -> None:
    mercator = Affine(2.0, 0.0, 1_332_000.0, 0.0, -2.0, 7_900_000.0)
    grid = raster_grid(models(tmp_path, crs="EPSG:3857", transform=mercator)[0])
    assert grid.crs.startswith("EPSG:326")
    assert grid.cell_size == pytest.approx(2.0 * 0.534, rel=0.06)  # cos 57.7°, and a turn of the frame


TURNED = Affine(1.6, 1.2, 380_000.0, 1.2, -1.6, 3_950_000.0)
PLACES = [
    ("EPSG:4326", Affine(1e-5, 0.0, 141.0, 0.0, -1e-5, 35.7), (0.905, 1.11)),
    ("EPSG:4326", Affine(5e-5, 0.0, 139.5, 0.0, -4e-5, 35.7), (4.525, 4.44)),
    ("EPSG:3857", Affine(2.5, 0.0, 15_550_000.0, 0.0, -2.5, 4_250_000.0), (2.03, 2.03)),
    ("EPSG:2263", Affine(6.0, 0.0, 980_000.0, 0.0, -6.0, 200_000.0), (1.83, 1.83)),
    ("EPSG:32654", Affine(2.0, 0.0, 380_000.0, 0.0, -2.6, 3_950_000.0), (2.0, 2.6)),
    ("EPSG:32654", TURNED, (2.0, 2.0)),
]


@pytest.mark.parametrize(("crs", "place", "sides"), PLACES)
def test_houses_keep_their_size_and_height_in_any_coordinates(
    tmp_path: Path, crs: str, place: Affine, sides: tuple[float, float]
) -> None:
    """Houses of 20 m with streets of 10 m between: the share that is built tells what edges gain or lose."""
    across, down = (np.arange(int(300.0 / side)) * side % 30.0 < 20.0 for side in sides)
    built = down[:, None] & across
    dsm = tiff(tmp_path / "dsm.tif", np.where(built, 22.0, 10.0), crs, place)
    dem = tiff(tmp_path / "dem.tif", np.full(built.shape, 10.0), crs, place)
    scene = read_scene(dsm, dem)
    known, roof = np.isfinite(scene.terrain), np.isfinite(scene.roof)
    assert scene.grid.cell_size == pytest.approx((sides[0] * sides[1]) ** 0.5, rel=0.01)
    assert roof.sum() / known.sum() == pytest.approx(built.mean(), abs=0.005)
    assert {*np.unique(scene.roof[roof])} == {22.0}
    assert {*np.unique(scene.terrain[known])} == {10.0}


@pytest.mark.parametrize("place", [TURNED, Affine(10.0, 0.0, 380_000.0, 0.0, -11.0, 3_950_000.0)])
def test_a_steep_slope_is_no_building_whatever_lattice_its_terrain_has(tmp_path: Path, place: Affine) -> None:
    def slope(name: str, lattice: Affine, rows: int, columns: int) -> Path:
        j, i = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
        a, b, c, d, e, f = lattice[:6]
        east, north = a * j + b * i + c - 380_000.0, d * j + e * i + f - 3_950_000.0
        return tiff(tmp_path / name, 1000.0 + 0.8 * east + 0.6 * north, transform=lattice)

    wide = slope("dem.tif", Affine(7.0, 0.0, 379_900.0, 0.0, -7.0, 3_950_100.0), 90, 90)
    scene = read_scene(slope("dsm.tif", place, 40, 40), wide)
    area = np.isfinite(scene.terrain).sum() * scene.grid.cell_size**2
    assert area == pytest.approx(40 * 40 * abs(place.determinant), rel=0.05)
    assert not np.isfinite(scene.roof).any()


@pytest.mark.parametrize(
    ("crs", "place"),
    [("EPSG:32654", UTM), ("EPSG:4326", Affine(2e-5, 0.0, 11.97, 0.0, -1e-5, 57.70))],
)
@pytest.mark.parametrize("mirror", [(1, -1), (-1, 1), (-1, -1)])
def test_rows_from_the_south_and_columns_from_the_east_are_the_same_town(
    tmp_path: Path, crs: str, place: Affine, mirror: tuple[int, int]
) -> None:
    heights = np.random.default_rng(3).uniform(8.0, 30.0, (2, 30, 40))
    across, down = mirror
    a, _, c, _, e, f = place[:6]
    turned = Affine(a * across, 0.0, c + 40 * a * (across < 0), 0.0, e * down, f + 30 * e * (down < 0))
    whole = [tiff(tmp_path / f"{k}.tif", values, crs, place) for k, values in enumerate(heights)]
    pair = [
        tiff(tmp_path / f"mirrored {k}.tif", values[::down, ::across], crs, turned)
        for k, values in enumerate(heights)
    ]
    one, other = read_scene(*pair), read_scene(*whole)
    assert one.grid.transform.almost_equals(other.grid.transform, 1e-6)
    for name in ("terrain", "roof"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-4)


def test_holes_of_the_terrain_under_buildings_are_filled_from_the_ground_around(tmp_path: Path) -> None:
    ground = 10.0 + 0.1 * np.add.outer(np.arange(60.0), np.arange(80.0))
    built = np.zeros(ground.shape, bool)
    built[20:35, 30:60] = built[0:10, 5:15] = True
    dsm = tiff(tmp_path / "dsm.tif", np.where(built, ground + 12.0, ground))
    dem = tiff(tmp_path / "dem.tif", np.where(built, -9999.0, ground))
    told: list[Note] = []
    scene = read_scene(dsm, dem, told=told)
    np.testing.assert_array_equal(np.isfinite(scene.roof), built)
    np.testing.assert_allclose(scene.terrain, ground, atol=1.5)
    np.testing.assert_array_equal(scene.terrain[~built], ground[~built].astype(np.float32))
    assert [note.code for note in told] == ["terrain_filled"]
    assert "(11%)" in told[0].words.en and "(11%)" in told[0].words.ja
    unfilled = read_scene(dsm, dem, fill=0.0, told=told)
    assert (unfilled.mask[built] == OUTSIDE).all() and not np.isfinite(unfilled.roof).any()
    assert [note.code for note in told[1:]] == ["terrain_unknown"]


def test_ground_far_from_the_terrain_model_is_unknown_and_no_hill(tmp_path: Path) -> None:
    """The terrain reaches over half of a surface model: buildings beyond are not ground to walk on."""
    surface = np.full((60, 120), 10.0)
    surface[20:30, 30:50] = surface[20:30, 80:90] = 30.0
    dsm, part = tiff(tmp_path / "dsm.tif", surface), tiff(tmp_path / "dem.tif", np.full((60, 60), 10.0))
    told: list[Note] = []
    scene = read_scene(dsm, part, told=told)
    assert {*np.unique(scene.terrain[:, :85])} == {10.0}  # 50 m are 25 cells
    assert (scene.mask[:, 86:] == OUTSIDE).all()
    np.testing.assert_array_equal(np.isfinite(scene.roof[:, :85]), surface[:, :85] == 30.0)
    assert [note.code for note in told] == ["terrain_filled", "terrain_unknown"]


def test_filled_ground_stays_below_the_surface_and_within_it(tmp_path: Path) -> None:
    surface, ground = np.full((30, 40), 12.0), np.full((30, 40), 12.0)
    surface[5:9, 5:9], surface[15:18, 20:24], surface[25, :] = 8.0, -9999.0, -9999.0
    ground[5:9, 5:9] = ground[15:18, 20:24] = -9999.0
    told: list[Note] = []
    scene = read_scene(tiff(tmp_path / "dsm.tif", surface), tiff(tmp_path / "dem.tif", ground), told=told)
    assert (scene.terrain[5:9, 5:9] == 8.0).all()
    assert np.isnan(scene.terrain[15:18, 20:24]).all()
    assert (scene.terrain[25, :] == 12.0).all()
    assert [note.code for note in told] == ["terrain_filled", "surface_unknown"]
    assert "(3.4%)" in told[1].words.en and "(3.4%)" in told[1].words.ja


def test_a_place_nowhere_on_earth_is_refused(tmp_path: Path) -> None:
    metres_called_degrees = models(tmp_path, crs="EPSG:4326", transform=UTM)
    with pytest.raises(SourceError) as caught:
        read_scene(*metres_called_degrees)
    explains(caught.value, metres_called_degrees[0])


def test_a_file_without_coordinates_needs_them_stated(tmp_path: Path) -> None:
    pair = models(tmp_path, crs=None)
    with pytest.raises(SourceError, match="no coordinate system"):
        read_scene(*pair)
    assert read_scene(*pair, crs="EPSG:32654").grid.shape == (30, 40)


def test_what_is_no_raster_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dsm.tif"
    path.write_bytes(b"II*\x00 not a raster")
    with pytest.raises(SourceError, match="cannot be read"):
        raster_grid(path)
