"""Scenes from GeoTIFFs in any coordinate system."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from heatrisk.errors import SourceError
from heatrisk.sources.surface_model import raster_grid, read_scene
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
