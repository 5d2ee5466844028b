"""Drawing: the fast kernels give to the bit what the plain formulas give, however many threads draw."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from heatrisk import cube, pyramid
from heatrisk.cube import FILL, grid_of, pack, unpack
from heatrisk.layers import CODE_BUILDING, CODE_OUTSIDE, LAYERS
from heatrisk.pyramid import TILE
from heatrisk.tiles import build, cell_of_pixel, levels_over, pixels
from heatrisk.tiles.building import MASK_OUTSIDE, OPEN, grounds, means
from heatrisk.tiles.drawing import Town
from heatrisk.tiles.images import codes
from tests.made_run import made_dataset

SHAPE = (420, 640)
HOSTILE = [np.nan, np.inf, -np.inf, 1e9, -1e9, 327.67, 327.68, -327.68, -0.0, 0.005, 0.015, -0.005, 31.0]


def fields() -> dict[str, npt.NDArray[np.float32]]:
    """Return values of open cells: all there, some missing, none there, and absurd ones."""
    random = np.random.default_rng(11)
    whole = random.normal(30.0, 3.0, SHAPE).astype(np.float32)
    holed, absurd = whole.copy(), whole.copy()
    holed[random.uniform(size=SHAPE) < 0.3] = np.nan
    absurd[::3, ::3] = random.choice(np.array(HOSTILE, np.float32), absurd[::3, ::3].shape)
    return {"whole": whole, "holed": holed, "none": np.full(SHAPE, np.nan, np.float32), "absurd": absurd}


@pytest.mark.parametrize("name", fields())
@pytest.mark.parametrize("resolution", [0.01, 0.001])
def test_packed_means_are_those_of_the_plain_formulas(name: str, resolution: float) -> None:
    dataset, values = made_dataset(SHAPE, 1), fields()[name]
    grid, mask = grid_of(dataset), dataset["mask"].values
    levels = levels_over(grid)
    assert len(levels) > 3
    cells = cell_of_pixel(grid, levels[0])
    with np.errstate(invalid="ignore", over="ignore"):
        packed = pack(values, resolution)
    shown = np.append(np.where(mask == 0, unpack(packed, resolution), np.nan).ravel(), np.nan)
    shown = shown.astype(np.float32)
    expected = [pack(mean, resolution).ravel() for mean in (shown, *means(shown, cells, levels))]
    found = Town(grid, mask).packed(packed, resolution)
    np.testing.assert_array_equal(found, np.concatenate(expected))


def test_every_value_gets_the_code_of_its_layer() -> None:
    packed = np.arange(65536, dtype=np.uint16)
    ground = np.full(packed.size, OPEN, np.uint8)
    ground[::5], ground[1::5] = CODE_BUILDING, CODE_OUTSIDE
    found = np.empty(packed.size, np.uint8)
    for row in LAYERS.values():
        table = row.coded(packed.view(np.int16))
        pixels.colour(packed, ground, table, found)
        values = unpack(packed.view(np.int16), row.resolution)
        np.testing.assert_array_equal(found, np.where(ground == OPEN, row.codes(values), ground))


def test_tiles_are_cut_where_the_pictures_are() -> None:
    dataset = made_dataset(SHAPE, 1)
    dataset["mask"][200:, :330] = 2
    grid, mask, values = grid_of(dataset), dataset["mask"].values, dataset["wbgt_moe"].values[0]
    town, row = Town(grid, mask), LAYERS["wbgt_moe"]
    tiles = {tile[:3]: codes(tile.content) for tile in town.tiles(row, town.packed(pack(values, 0.01), 0.01))}
    native = town.levels[0]
    cells = cell_of_pixel(grid, native)
    kinds = np.append(mask.ravel(), np.uint8(MASK_OUTSIDE)).take(cells)
    shown = np.append(np.where(mask == 0, values, np.nan).ravel(), np.nan).astype(np.float32)
    drawn = (shown.take(cells), *means(shown, cells, town.levels))
    for level, ground, picture in zip(town.levels, grounds(kinds, town.levels), drawn, strict=True):
        expected = np.where(ground == OPEN, row.codes(picture), ground)
        for y, x in np.ndindex(level.rows, level.columns):
            tile = expected[y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
            found = tiles.pop((level.zoom, level.column + x, level.row + y), None)
            assert (found is None) == (not tile.any())
            if found is not None:
                np.testing.assert_array_equal(found, tile)
    assert not tiles
    assert native.rows * native.columns > len(town.cells), "some tiles lie outside"


def test_a_town_without_ground_has_no_tiles() -> None:
    dataset = made_dataset((70, 70), 1)
    town = Town(grid_of(dataset), np.full((70, 70), 2, np.uint8))
    packed = town.packed(pack(dataset["wbgt_moe"].values[0], 0.01), 0.01)
    assert town.tiles(LAYERS["risk"], packed) == []
    assert (packed == FILL).all()


@pytest.mark.parametrize("threads", [1, 5])
def test_the_number_of_threads_changes_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    cube.write(made_dataset((150, 230), 4), tmp_path / "fields.zarr")
    made = build(tmp_path / "fields.zarr")
    expected = pyramid.write(tmp_path / "plain", made)
    monkeypatch.setattr(os, "cpu_count", lambda: threads)
    assert pyramid.write(tmp_path / "patched", made) == expected
    for path in (tmp_path / "plain").glob("*/*"):
        other = tmp_path / "patched" / path.relative_to(tmp_path / "plain")
        assert other.read_bytes() == path.read_bytes()
