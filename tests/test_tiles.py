"""Tiles: every pixel is the cell that lies under it, and no data stays no data."""

from __future__ import annotations

import gzip
import json
import math
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from affine import Affine
from pyproj import Transformer
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile

from heatrisk import cube
from heatrisk.cube import grid_of
from heatrisk.errors import LayerNotFoundError, TileNotFoundError
from heatrisk.grid import Grid
from heatrisk.layers import CODE_BUILDING, CODE_FIRST, CODE_MISSING, CODE_OUTSIDE, LAYERS
from heatrisk.store import RunStore
from heatrisk.stored import StoredRun
from heatrisk.tiles import build, cell_of_pixel, levels_over, png, position_of_pixel, render, tilejson, whole
from tests.made_run import made_dataset, made_run

WIDE = (420, 640)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    dataset = made_dataset(WIDE, steps=2)
    dataset["mask"][200:, :330] = 2
    dataset["wbgt_moe"][:, 200:, :330] = np.nan
    return RunStore(tmp_path_factory.mktemp("store")).write(made_run(dataset))


def lonlat(z: int, x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of a place given in tiles (OpenStreetMap wiki, "Slippy map tilenames")."""
    lon = x / 2**z * 360.0 - 180.0
    return lon, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / 2**z))))


def decoded(data: bytes) -> tuple[npt.NDArray[np.uint8], dict[int, tuple[int, ...]]]:
    """Codes and palette of a PNG, read by GDAL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with MemoryFile(data) as file, file.open() as image:
            assert image.driver == "PNG"
            return image.read(1), image.colormap(1)


def mosaic(run: StoredRun, layer: str, zoom: int, step: int) -> npt.NDArray[np.uint8]:
    """All tiles of a zoom, rendered, decoded and laid together; an empty tile is 0."""
    level = run.levels[zoom]
    rows = []
    for y in range(level.row, level.row + level.rows):
        tiles = [render(run, layer, step, zoom, level.column + i, y) for i in range(level.columns)]
        rows.append([np.zeros((256, 256), np.uint8) if tile is None else decoded(tile)[0] for tile in tiles])
    return np.block(rows)


@pytest.mark.parametrize("layer", ["wbgt_moe", "risk", "sunlit"])
def test_native_pixels_are_the_cells_under_them(run: StoredRun, layer: str) -> None:
    dataset = run.dataset()
    quantity = LAYERS[layer].quantity
    values, mask = dataset[quantity].values[1], dataset["mask"].values
    to_grid = Transformer.from_crs("EPSG:4326", run.grid.crs, always_xy=True)
    level = run.levels[15]
    codes = mosaic(run, layer, 15, 1)
    rng = np.random.default_rng(5)
    compared = 0
    for row, column in zip(
        rng.integers(0, level.shape[0], 4000), rng.integers(0, level.shape[1], 4000), strict=True
    ):
        place = lonlat(15, level.column + (column + 0.5) / 256, level.row + (row + 0.5) / 256)
        east, north = to_grid.transform(*place)
        right, down = (east - run.grid.bounds[0]) / 5, (run.grid.bounds[3] - north) / 5
        if min(right % 1, 1 - right % 1, down % 1, 1 - down % 1) < 1e-4:
            continue  # within half a millimetre of two cells' border either answer is right
        compared += 1
        inside = 0 <= down < WIDE[0] and 0 <= right < WIDE[1]
        if not inside or mask[int(down), int(right)] == 2:
            expected = CODE_OUTSIDE
        elif mask[int(down), int(right)] == 1:
            expected = CODE_BUILDING
        else:
            expected = int(LAYERS[layer].codes(values[int(down), int(right)][None])[0])
        assert codes[row, column] == expected, (row, column)
    assert compared > 3900


def test_control_points_leave_no_error() -> None:
    grid = grid_of(made_dataset(WIDE, 1))
    level = levels_over(grid)[0]
    down, right = position_of_pixel(grid, level)
    to_grid = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True)
    for row, column in np.random.default_rng(2).integers(0, level.shape, (2000, 2)):
        place = lonlat(level.zoom, level.column + (column + 0.5) / 256, level.row + (row + 0.5) / 256)
        east, north = to_grid.transform(*place)
        error = (5 * right[row, column] - (east + 27000), 5 * down[row, column] - (-35000 - north))
        assert max(map(abs, error)) < 0.0005  # metres


def test_overviews_are_means_over_what_most_pixels_are(run: StoredRun) -> None:
    dataset = made_dataset(WIDE, steps=2)
    dataset["mask"][200:, :330] = 2
    levels = levels_over(run.grid)
    cells = cell_of_pixel(run.grid, levels[0])
    mask = np.append(dataset["mask"].values.ravel(), np.uint8(2))[cells]
    wbgt = np.append(dataset["wbgt_moe"].values[1].ravel(), np.float32(np.nan))[cells]
    wbgt[mask > 0] = np.nan
    for level in levels[1:]:
        side = 2 ** (levels[0].zoom - level.zoom)
        found = {layer: mosaic(run, layer, level.zoom, 1) for layer in ("wbgt_moe", "risk")}
        for row, column in np.random.default_rng(6).integers(0, level.shape, (1500, 2)):
            # The native pixels under this one; what lies off the native tiles is outside.
            top = (level.row * 256 + row) * side - levels[0].row * 256
            left = (level.column * 256 + column) * side - levels[0].column * 256
            window = (slice(max(top, 0), max(top + side, 0)), slice(max(left, 0), max(left + side, 0)))
            kinds, values = mask[window], wbgt[window]
            votes = [int((kinds == kind).sum()) for kind in range(3)]
            votes[2] += side * side - kinds.size
            if votes[0] >= max(votes[1:]):
                numbers = values[~np.isnan(values)].astype(np.float64)
                mean = numbers.mean() if numbers.size else np.nan
                near = {layer: {int(LAYERS[layer].codes(np.array([mean + shift]))[0])
                                for shift in (-1e-4, 0, 1e-4)} for layer in found}  # fmt: skip
            else:
                near = {layer: {CODE_BUILDING if votes[1] >= votes[2] else CODE_OUTSIDE} for layer in found}
            for layer, codes in found.items():
                assert int(codes[row, column]) in near[layer], (level.zoom, row, column)


def test_every_kind_of_pixel_is_told_apart(run: StoredRun) -> None:
    codes = mosaic(run, "risk", 15, 1)
    assert {CODE_OUTSIDE, CODE_BUILDING, CODE_MISSING} < set(np.unique(codes).tolist())
    level = run.levels[15]
    tile = render(run, "risk", 1, 15, level.column, level.row)
    assert tile is not None
    palette = decoded(tile)[1]
    assert palette[CODE_OUTSIDE][3] == 0
    assert palette[CODE_BUILDING] == (138, 138, 138, 120)
    assert palette[CODE_FIRST + 3] == (0xFF, 0x28, 0x00, 255)


def test_north_is_up_and_east_is_right(tmp_path_factory: pytest.TempPathFactory) -> None:
    dataset = made_dataset((200, 200), 1)
    dataset["mask"][:] = 0
    dataset["wbgt_moe"][:] = 20.0
    dataset["wbgt_moe"][:, :50, :50] = 32.0  # the hot corner lies in the north-west
    codes = mosaic(RunStore(tmp_path_factory.mktemp("corner")).write(made_run(dataset)), "risk", 15, 0)
    rows, columns = np.nonzero(codes)
    hot_rows, hot_columns = np.nonzero(codes == CODE_FIRST + 3)
    assert hot_rows.min() == rows.min()
    assert hot_columns.min() <= columns.min() + 2
    assert hot_rows.max() < rows.mean()
    assert hot_columns.max() < columns.mean()


def test_zooms_run_from_cells_to_one_tile() -> None:
    grid = grid_of(made_dataset(WIDE, 1))
    levels = levels_over(grid)
    assert [level.zoom for level in levels] == list(range(15, levels[-1].zoom - 1, -1))
    assert levels[-1].columns * levels[-1].rows == 1 or levels[-1].zoom == 10
    coarse = Grid(grid.crs, Affine(10.0, 0.0, -27000.0, 0.0, -10.0, -35000.0), (210, 320))
    assert levels_over(coarse)[0].zoom == 14  # 3.88 m a pixel at zoom 15 here, 7.76 m at 14
    assert levels_over(Grid(grid.crs, grid.transform, (30000, 30000)))[-1].zoom == 10
    for finer, coarser in pairwise(levels):
        assert (coarser.column, coarser.row) == (finer.column // 2, finer.row // 2)


def test_tiles_outside_are_refused_and_empty_ones_are_none(run: StoredRun) -> None:
    level = run.levels[15]
    assert render(run, "risk", 0, 15, level.column, level.row + level.rows - 1) is None
    for z, x, y in (
        (15, level.column - 1, level.row), (15, level.column + level.columns, level.row),
        (15, level.column, level.row - 1), (15, level.column, level.row + level.rows),
        (16, level.column * 2, level.row * 2), (2, 3, 1),
    ):  # fmt: skip
        with pytest.raises(TileNotFoundError, match=f"{z}/{x}/{y}"):
            render(run, "risk", 0, z, x, y)
    with pytest.raises(LayerNotFoundError):
        render(run, "snow", 0, 15, level.column, level.row)


def test_same_tile_same_bytes(run: StoredRun) -> None:
    level = run.levels[14]
    tiles = [render(run, "risk", 1, 14, level.column, level.row) for _ in range(2)]
    assert tiles[0] == tiles[1]
    assert (
        build(run.path / "fields.zarr", ("risk",)).step(1)["risk"] == run.archive("risk", 1).path.read_bytes()
    )


def test_tiles_laid_together_are_the_picture(run: StoredRun) -> None:
    for layer, zoom in (("risk", 15), ("sunlit", 14), ("wbgt_moe", 12)):
        np.testing.assert_array_equal(whole(run, layer, 1, zoom), mosaic(run, layer, zoom, 1))


def test_png_of_every_code() -> None:
    codes = np.arange(65536, dtype=np.uint32).astype(np.uint8).reshape(256, 256)
    palette = b"\x00\x00\x03\x00PLTE" + bytes(768) + b"\x00" * 4
    data = png(codes, palette)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data[-8:-4] == b"IEND"
    assert int.from_bytes(data[16:20]) == int.from_bytes(data[20:24]) == 256


@pytest.mark.parametrize("anchored", ["true", "false"])
def test_an_archive_taken_elsewhere_says_what_it_is_and_whom_it_is_owed_to(
    tmp_path: Path, anchored: str
) -> None:
    dataset = made_dataset(steps=1)
    dataset.attrs["anchored"] = anchored
    cube.write(dataset, tmp_path / "fields.zarr")
    archive = build(tmp_path / "fields.zarr", ("wbgt_moe", "sunlit"), ["出典A", "B"]).step(0)
    told = {}
    for name, content in archive.items():
        # Where the metadata lies: PMTiles version 3, section 3.1.
        start, length = (int.from_bytes(content[at : at + 8], "little") for at in (24, 32))
        told[name] = json.loads(gzip.decompress(content[start : start + length]))
    assert ("公式の予測に合わせていません" in told["wbgt_moe"]["description"]) is (anchored == "false")
    assert "公式の予測" not in told["sunlit"]["description"]
    assert {about["attribution"] for about in told.values()} == {"出典A / B"}


def test_tilejson_describes_the_tiles(run: StoredRun) -> None:
    told = tilejson(run, "risk", "https://example.org/{z}/{x}/{y}.png", step=1, stale=False)
    assert told["tilejson"] == "3.0.0"
    assert (told["minzoom"], told["maxzoom"]) == (min(run.levels), 15)
    assert told["tiles"] == ["https://example.org/{z}/{x}/{y}.png"]
    assert told["attribution"] == "出典A / B"
    west, south, east, north = told["bounds"]
    to_lonlat = Transformer.from_crs("EPSG:6677", "EPSG:4326", always_xy=True)
    for x in (run.grid.bounds[0], run.grid.bounds[2]):
        for y in (run.grid.bounds[1], run.grid.bounds[3]):
            lon, lat = to_lonlat.transform(x, y)
            assert west - 1e-9 <= lon <= east + 1e-9
            assert south - 1e-9 <= lat <= north + 1e-9
    assert told["heatrisk"]["time"] == "2025-08-04T21:00:00Z"
    assert told["heatrisk"]["stale"] is False
    assert told["heatrisk"]["run"] == run.id
    with pytest.raises(LayerNotFoundError):
        tilejson(run, "snow", "u")
