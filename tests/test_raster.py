"""Rasters onto a grid: place, orientation, no data, other systems, files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer

from heatrisk.errors import (
    HeatRiskError,
    InputError,
    SourceError,
    SourceIncompleteError,
    SourceUnavailableError,
)
from heatrisk.grid import Grid
from heatrisk.sources.raster import Role, read_raster
from tests.elevation import geotiff
from tests.messages import explains

CRS = "EPSG:6677"
WEST, NORTH = -24_800.0, -35_000.0
GRID = Grid(CRS, Affine(5, 0, WEST, 0, -5, NORTH), (20, 30))


def plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a slope that tells every place apart: 2 m up per 100 m east, 5 m per 100 m north."""
    return 50.0 + 0.02 * (x - WEST) + 0.05 * (y - NORTH)


def sloped(path: Path, cell: float, margin: float = 50.0) -> Path:
    transform = Affine(cell, 0, WEST - margin, 0, -cell, NORTH + margin)
    rows, columns = int((100 + 2 * margin) / cell), int((150 + 2 * margin) / cell)
    x = transform.c + (np.arange(columns) + 0.5) * cell
    y = transform.f - (np.arange(rows) + 0.5) * cell
    return geotiff(path, plane(x[None, :], y[:, None]).astype(np.float32), transform)


@pytest.mark.parametrize("cell", [0.5, 1.0, 5.0, 10.0])
def test_slope_lands_where_it_is(tmp_path: Path, cell: float) -> None:
    values, reading = read_raster(sloped(tmp_path / "dem.tif", cell), GRID)
    assert values.dtype == np.float32
    # Thinning a finer file by nearest moves values by less than half a cell of the grid.
    tolerance = 0.05 * 2.5 * 1.4 if cell < 2.5 else 1e-3
    np.testing.assert_allclose(values, plane(GRID.x[None, :], GRID.y[:, None]), atol=tolerance)
    assert (reading.read, reading.used, reading.covered) == (600, 600, 1.0)


def test_geographic_file(tmp_path: Path) -> None:
    to_plane = Transformer.from_crs("EPSG:6668", CRS, always_xy=True)
    lon, lat = Transformer.from_crs(CRS, "EPSG:6668", always_xy=True).transform(WEST + 75, NORTH - 50)
    step = 0.2 / 3600  # the cell of GSI's 5 m elevation files
    transform = Affine(step, 0, lon - 60 * step, 0, -step, lat + 60 * step)
    columns, rows = np.meshgrid(np.arange(120) + 0.5, np.arange(120) + 0.5)
    x, y = to_plane.transform(transform.c + columns * step, transform.f - rows * step)
    path = geotiff(tmp_path / "dem.tif", plane(x, y).astype(np.float32), transform, crs="EPSG:6668")
    values, _ = read_raster(path, GRID)
    np.testing.assert_allclose(values, plane(GRID.x[None, :], GRID.y[:, None]), atol=0.01)


@pytest.mark.parametrize("role", ["terrain", "canopy", "land_cover"])
@pytest.mark.parametrize("resampling", ["nearest", "bilinear"])
def test_rows_from_the_south_and_columns_from_the_east(tmp_path: Path, role: Role, resampling: str) -> None:
    values = np.random.default_rng(2).uniform(1.0, 90.0, (60, 80)).astype(np.float32)
    values[10:14, 20:30] = np.nan
    for cell in (5.0, 3.0):
        read = []
        for across, down in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            west, north = WEST + 80 * cell * (across < 0), NORTH - 60 * cell * (down < 0)
            turned = Affine(cell * across, 0, west, 0, -cell * down, north)
            path = geotiff(tmp_path / f"{cell}{across}{down}.tif", values[::down, ::across], turned)
            read.append(read_raster(path, GRID, role=role, resampling=resampling)[0])
        for other in read[1:]:
            np.testing.assert_array_equal(other, read[0])


def test_no_data_stated_and_hidden(tmp_path: Path) -> None:
    values = np.full((20, 30), 40.0, np.float32)
    values[:, :10], values[:5, 20:], values[10, 15] = -9999.0, 32767.0, np.nan
    for nodata in (None, -9999.0):
        path = geotiff(tmp_path / f"{nodata}.tif", values, GRID.transform, nodata=nodata)
        read, reading = read_raster(path, GRID, resampling="nearest")
        np.testing.assert_array_equal(np.isnan(read), ~(values == 40.0))
        assert reading.used == int((values == 40.0).sum())


def test_no_data_never_mixes_into_neighbours(tmp_path: Path) -> None:
    values = np.full((300, 400), 40.0, np.float32)
    values[::7, ::5] = -9999.0
    path = geotiff(tmp_path / "a.tif", values, Affine(1, 0, WEST - 50, 0, -1, NORTH + 50))
    read, _ = read_raster(path, GRID)
    assert np.nanmin(read) == np.nanmax(read) == 40.0


def test_partial_cover_stays_empty(tmp_path: Path) -> None:
    values = np.full((20, 15), 3.0, np.float32)
    path = geotiff(tmp_path / "canopy.tif", values, GRID.transform)
    read, reading = read_raster(path, GRID, role="canopy")
    assert np.isfinite(read[:, :15]).all()
    assert np.isnan(read[:, 16:]).all()
    assert reading.covered == pytest.approx(0.5, abs=0.03)
    assert reading.used == int(np.isfinite(read).sum())


def test_classes_are_never_averaged(tmp_path: Path) -> None:
    codes = np.random.default_rng(1).choice([1, 5, 6, 7, 255], (50, 75)).astype(np.uint8)
    path = geotiff(tmp_path / "cover.tif", codes, Affine(2, 0, WEST, 0, -2, NORTH))
    read, _ = read_raster(path, GRID, role="land_cover", resampling="nearest")
    assert set(np.unique(read[np.isfinite(read)])) == {1.0, 5.0, 6.0, 7.0}, "255 is no class"


def test_ascii_grid_with_a_given_system(tmp_path: Path) -> None:
    path = tmp_path / "dem.asc"
    path.write_text(
        f"ncols 2\nnrows 2\nxllcorner {WEST}\nyllcorner {NORTH - 100}\n"
        "cellsize 75\nNODATA_value -9999\n1 2\n3 4\n"
    )
    with pytest.raises(SourceIncompleteError) as caught:
        read_raster(path, GRID)
    explains(caught.value, path)
    read, _ = read_raster(path, GRID, resampling="nearest", crs=CRS)
    assert read[-1, [0, -1]].tolist() == [3.0, 4.0], "row 0 is north"


def test_bad_files_are_explained(tmp_path: Path) -> None:
    far = geotiff(tmp_path / "far.tif", np.ones((9, 9), np.float32), Affine(5, 0, 0, 0, -5, 0))
    picture = geotiff(tmp_path / "picture.tif", np.ones((3, 9, 9), np.uint8), GRID.transform)
    text = tmp_path / "text.tif"
    text.write_text("<html></html>")
    vrt = tmp_path / "other.tif"
    vrt.write_text(
        f'<VRTDataset rasterXSize="9" rasterYSize="9"><SourceFilename>{far}</SourceFilename></VRTDataset>'
    )
    cut = tmp_path / "cut.tif"
    cut.write_bytes(sloped(tmp_path / "whole.tif", 1.0).read_bytes()[:5000])
    cases: list[tuple[Path, type[HeatRiskError]]] = [
        (far, SourceIncompleteError),
        (picture, InputError),
        (text, SourceError),
        (vrt, SourceError),
        (cut, SourceError),
        (tmp_path / "none.tif", SourceUnavailableError),
    ]
    for path, kind in cases:
        with pytest.raises(kind) as caught:
            read_raster(path, GRID)
        explains(caught.value, path)


@pytest.mark.parametrize(
    "key, number", [("cellsize", ""), ("cellsize", "0"), ("xllcorner", "NaN"), ("cellsize", "1e300")]
)
def test_cells_of_no_size_and_no_place_are_refused(key: str, number: str, tmp_path: Path) -> None:
    stated = {"ncols": "2", "nrows": "2", "xllcorner": "-24800", "yllcorner": "-35100", "cellsize": "50"}
    lines = [f"{name} {value}" for name, value in {**stated, key: number}.items()]
    path = tmp_path / "dem.asc"
    path.write_text("\n".join([*lines, "1 2", "3 4", ""]))
    with pytest.raises(SourceError) as caught:
        read_raster(path, GRID, crs=CRS)
    explains(caught.value, path)


def test_nothing_is_written_beside_the_input(tmp_path: Path) -> None:
    path = sloped(tmp_path / "dem.tif", 5.0)
    read_raster(path, GRID)
    assert list(tmp_path.iterdir()) == [path]
