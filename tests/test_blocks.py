"""Blocks of a town: every part has the bits of the whole, and reaches no farther than shade can."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import geopandas as gpd
import numba
import numpy as np
import pytest
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon, box

from heatrisk import cube
from heatrisk.blocks import block, blocks, views_by_blocks
from heatrisk.errors import StoreError
from heatrisk.fields import sky_views
from heatrisk.grid import BLOCK, CHUNK, Grid
from heatrisk.physics.shadow import LOWEST_SUN, sun_shares
from heatrisk.radiation import Suns
from heatrisk.run import Simulation, simulate
from heatrisk.scene import Scene
from heatrisk.sources.town import halo_cells
from tests.slab_town import NOON, STEPS, sunny

BOUNDS = (0.0, 0.0, 50.0, 40.0)


def wide_town(seed: int, *, trees: bool = True, hills: float = 20.0, halo: int = 3) -> Scene:
    """Build a town of 140 x 170 cells on a slope, with houses, towers, trees and a hole in the ground."""
    random = np.random.default_rng(seed)
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, -25_000.0, 0.0, -5.0, -35_000.0), (140, 170))
    fine = grid.padded(halo).divided(2).shape
    row, column = np.mgrid[: fine[0], : fine[1]]
    slope = random.uniform(-hills, hills, 2) / np.array(fine)
    terrain = (40.0 + slope[0] * row + slope[1] * column + np.sin(0.05 * column)).astype(np.float32)
    roof, crowns = np.full(fine, np.nan, np.float32), np.zeros(fine, np.float32)
    for top, left, high, wide in random.integers((0, 0, 3, 3), (270, 330, 12, 12), (120, 4)):
        place = np.s_[top : top + high, left : left + wide]
        roof[place] = terrain[place].mean() + random.choice([3.0, 6.0, 9.0, 45.0], p=[0.4, 0.3, 0.28, 0.02])
    for top, left in random.integers(0, 280, (150, 2)):
        crowns[top : top + 4, left : left + 3] = random.uniform(3.0, 12.0)
    terrain[100:130, 60:90] = np.nan
    cover = random.choice([1, 2, 5, 6, 7], grid.shape).astype(np.uint8)
    return Scene(
        grid, terrain, roof, cover, 2, halo, crowns if trees else None, 0.25 * crowns if trees else None,
        extinction=random.choice([None, 0.3]),
    )  # fmt: skip


@pytest.mark.parametrize("seed, trees, halo", [(0, True, 3), (1, True, 0), (2, False, 5)])
def test_a_run_by_blocks_has_the_bytes_of_the_whole(seed: int, trees: bool, halo: int) -> None:
    scene = wide_town(seed, trees=trees, halo=halo)
    steps, told = STEPS[[NOON - 2, NOON, NOON + 1]], list[tuple[int, int]]()
    run = Simulation(scene, sunny(), steps=steps, svf=views_by_blocks(scene, CHUNK))
    parts = list(run.blocks(lambda *done: told.append(done), CHUNK))
    whole = simulate(scene, sunny(), steps=steps)
    assert [part.sizes["y"] for part in parts] == [64] * 6 + [12] * 3
    for part in parts:
        expected = whole.sel(y=part["y"], x=part["x"])
        assert part.identical(expected)
        for name in expected:
            assert part[name].values.tobytes() == expected[name].values.tobytes(), name
    assert told == [(k + 1, 27) for k in range(27)]
    assert run.frame.identical(whole.drop_dims(["y", "x"]).assign_coords(y=whole["y"], x=whole["x"]))


@settings(max_examples=20, deadline=None)
@given(
    st.integers(0, 5), st.floats(0.0, 60.0), st.tuples(st.integers(0, 139), st.integers(0, 169)),
    st.tuples(st.integers(1, 60), st.integers(1, 60)),
    st.just(90.0 - LOWEST_SUN) | st.floats(80.0, 87.0) | st.floats(0.0, 80.0), st.floats(0.0, 360.0),
)  # fmt: skip
def test_any_window_has_the_shade_of_the_whole(
    seed: int, hills: float, corner: tuple[int, int], size: tuple[int, int], zenith: float, azimuth: float
) -> None:
    scene = wide_town(seed, hills=hills)
    rows, columns = (min(pair) for pair in zip(size, (140 - corner[0], 170 - corner[1]), strict=True))
    part = block(scene, (*corner, rows, columns))
    here = np.s_[corner[0] : corner[0] + rows, corner[1] : corner[1] + columns]
    each = (sun_shares(one.shade, zenith, azimuth, extinction=scene.extinction) for one in (scene, part))
    for whole, ours in zip(*each, strict=True):
        np.testing.assert_array_equal(ours, whole[here])
    np.testing.assert_array_equal(part.mask, scene.mask[here])
    assert part.unknown == pytest.approx(np.isnan(_inner(scene)[_fine(here)]).mean())
    # A block of a block is a block.
    again = block(part, (0, 0, 1, 1))
    assert again.origin == block(scene, (*corner, 1, 1)).origin
    np.testing.assert_array_equal(
        sun_shares(again.shade, zenith, azimuth)[0], sun_shares(part.shade, zenith, azimuth)[0][:1, :1]
    )


def _rows_of_trees(ground: np.ndarray, trees: dict[int, tuple[float, float]]) -> Scene:
    """Build 192 x 16 cells of one ground and one crown (top and base) in every row of sub-cells."""
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, -25_000.0, 0.0, -5.0, -35_000.0), (192, 16))
    terrain = np.repeat(ground.astype(np.float32)[:, None], 16 * 5, axis=1)
    top, base = np.zeros_like(terrain), np.zeros_like(terrain)
    for row, crown in trees.items():
        top[row], base[row] = crown
    cover = np.full(grid.shape, 5, np.uint8)
    return Scene(grid, terrain, np.full_like(terrain, np.nan), cover, 5, 0, top, base)


@pytest.mark.parametrize("elevation", [3.0, 3.1, 6.0, 10.0, 15.0])
def test_a_crown_beyond_its_reach_shades_nothing_by_way_of_another(elevation: float) -> None:
    level = np.zeros(960)
    valley = np.where((np.arange(960) > 560) & (np.arange(960) < 636), 0.0, 20.0)
    scenes = [_rows_of_trees(level, {79: (20.0, 5.0), near: (10.0, 4.0)}) for near in (614, 616, 618, 630)]
    scenes += [_rows_of_trees(valley, {559: (4.0, 1.0), near: (34.0, 26.0)}) for near in range(580, 634, 4)]
    for scene in scenes:
        part = block(scene, (128, 0, 64, 16))
        for whole, ours in zip(
            *(sun_shares(one.shade, 90.0 - elevation, 0.0) for one in (scene, part)), strict=True
        ):
            np.testing.assert_array_equal(ours, whole[128:])


def test_shade_of_trees_does_not_depend_on_the_number_of_threads() -> None:
    # The second of two bands begins at row 480, and with the rows upstream that can shade it at 97.
    scene = _rows_of_trees(np.zeros(960), {85: (20.0, 5.0), 462: (10.0, 4.0)})
    threads, found = numba.get_num_threads(), []
    for count in (1, threads):
        numba.set_num_threads(count)
        found.append(sun_shares(scene.shade, 87.0, 0.0))
    numba.set_num_threads(threads)
    np.testing.assert_array_equal(found[0], found[1])


def _inner(scene: Scene) -> np.ndarray:
    edge = scene.halo * scene.factor
    return scene.terrain[edge : scene.terrain.shape[0] - edge, edge : scene.terrain.shape[1] - edge]


def _fine(here: tuple[slice, slice]) -> tuple[slice, slice]:
    rows, columns = (slice(2 * part.start, 2 * part.stop) for part in here)
    return rows, columns


@pytest.mark.parametrize("trees", [False, True])
def test_sky_views_by_blocks_are_those_of_the_whole(trees: bool) -> None:
    scene = wide_town(4, trees=trees)
    whole = sky_views(scene.shade, scene.grid, scene.transmissivity, scene.extinction)
    found = views_by_blocks(scene, CHUNK)
    for name in whole:
        np.testing.assert_array_equal(found[name].values, whole[name].values)


def test_a_block_reaches_as_far_as_shade() -> None:
    flat = np.zeros((400, 400), np.float32)
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, 0.0, 0.0, -5.0, 0.0), flat.shape)
    roof = np.full(flat.shape, np.nan, np.float32)
    plain = Scene(grid, flat, roof, np.full(flat.shape, 5, np.uint8))
    assert max(block(plain, (160, 160, 64, 64)).margins) <= 2 * 16
    roof = roof.copy()
    roof[5, 5], roof[396, 200] = 30.0, 41.0  # of which the shade goes 572 m and 782 m, 114 and 156 cells
    part = block(replace(plain, roof=roof), (240, 160, 64, 64))
    north, west, south, east = part.margins
    assert 396 - 304 < south <= 96 and max(north, west, east) <= 32
    lone = block(replace(plain, roof=roof), (0, 20, 64, 64))
    assert lone.margins[1] >= 15 and lone.margins[0] == 0
    assert part.terrain.base is flat


def test_ground_of_double_precision_gives_the_same_bits() -> None:
    scene = wide_town(1)
    fine = replace(scene, terrain=scene.terrain.astype(float) + 1.23456789e-4)
    part = block(fine, (64, 64, 64, 64))
    (top, left), rows = part.origin, part.shade.by_row.top
    whole = fine.shade.by_row.top[top : top + len(rows), left : left + rows.shape[1]]
    np.testing.assert_array_equal(rows[:, 1:-1], whole[:, 1 : rows.shape[1] - 1])


def test_blocks_of_a_town_without_known_ground() -> None:
    nothing = np.full((70, 70), np.nan, np.float32)
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, 0.0, 0.0, -5.0, 0.0), nothing.shape)
    scene = Scene(grid, nothing, nothing, np.full(nothing.shape, 5, np.uint8))
    assert [(part.mask == 2).all() for _, part in blocks(scene, CHUNK)] == [True] * 4


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_blocks_make_up_the_grid(rows: int, columns: int) -> None:
    windows = list(Grid("EPSG:6677", Affine(5.0, 0.0, 0.0, 0.0, -5.0, 0.0), (rows, columns)).blocks())
    assert sum(high * wide for _, _, high, wide in windows) == rows * columns
    tops, lefts = ([*dict.fromkeys(window[axis] for window in windows)] for axis in (0, 1))
    assert len(windows) == len(tops) * len(lefts) == -(-rows // BLOCK) * -(-columns // BLOCK)
    for places in (tops, lefts):
        assert len({b - a for a, b in pairwise(places)}) <= 1 and all(place % CHUNK == 0 for place in places)
    assert max(max(window[2:]) for window in windows) <= BLOCK


def test_a_run_by_blocks_is_stored_as_the_whole_is(tmp_path: Path) -> None:
    scene, steps = wide_town(3), STEPS[[NOON]]
    run = Simulation(scene, sunny(), steps=steps, svf=views_by_blocks(scene, CHUNK))
    cube.write(run.frame, tmp_path / "blocks", run.blocks(longest=CHUNK))
    assert "shade" not in vars(scene), "the shade of the whole town was prepared"
    whole = run.whole()
    cube.write(whole, tmp_path / "whole")
    one, other = (cube.opened(tmp_path / name).load() for name in ("blocks", "whole"))
    assert one.identical(other)
    shards = {path.relative_to(tmp_path / "blocks/tmrt/c") for path in tmp_path.glob("blocks/tmrt/c/*/*/*")}
    assert shards == {Path("0", str(down), str(right)) for down in range(3) for right in range(3)}
    with pytest.raises(StoreError, match="do not make up its grid"):
        cube.write(run.frame, tmp_path / "half", islice(run.blocks(longest=CHUNK), 8))


def test_blocks_turn_the_sun_as_the_whole_town_does(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = []

    def noted(part: Scene, convergence: float | None = None) -> Suns:
        assert part.grid.convergence != convergence
        turns.append(convergence)
        return Suns(part, convergence)

    monkeypatch.setattr("heatrisk.run.Suns", noted)
    scene = wide_town(0)
    run = Simulation(scene, sunny(), steps=STEPS[[NOON]], svf=views_by_blocks(scene, CHUNK))
    assert len(list(run.blocks(longest=CHUNK))) == len(turns) == 9
    assert set(turns) == {scene.grid.convergence}


def test_memory_of_a_run_does_not_grow_with_its_blocks() -> None:
    def most(blocks: int) -> int:
        """Memory that a run takes beside its town, at its most [bytes]."""
        grid = Grid("EPSG:6677", Affine(5.0, 0.0, -25_000.0, 0.0, -5.0, -35_000.0), (CHUNK, CHUNK * blocks))
        fine = grid.divided(2).shape
        roof = np.full(fine, np.nan, np.float32)
        roof[::9, ::9] = 12.0
        scene = Scene(grid, np.zeros(fine, np.float32), roof, np.ones(grid.shape, np.uint8), 2)
        run = Simulation(scene, sunny(), steps=STEPS[NOON : NOON + 2], svf=views_by_blocks(scene, CHUNK))
        tracemalloc.start()
        try:
            for part in run.blocks(longest=CHUNK):
                assert np.isfinite(part["wbgt_moe"]).any()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few, many = most(3), most(12)
    print(f"\n3 blocks {few / 2**20:.2f} MiB, 12 blocks {many / 2**20:.2f} MiB")
    assert many < few + 3 * 4 * CHUNK**2  # bytes of three fields of a block


def test_a_small_town_is_one_block_as_it_is() -> None:
    scene = wide_town(0)
    ((window, part),) = blocks(scene)
    assert part is scene and window == (0, 0, 140, 170)


def test_one_block_is_the_whole() -> None:
    scene = wide_town(0, trees=False)
    run = Simulation(scene, sunny(), steps=STEPS[[NOON]])
    (part,) = run.blocks()
    xr.testing.assert_identical(part, run.whole())


# --- the halo of a city ----------------------------------------------------------------------------------


def town(shape: Polygon, height: float) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"height": [height]}, geometry=[shape], crs="EPSG:6677")


def test_a_house_on_a_hill_casts_farther() -> None:
    far = town(box(9000.0, 0.0, 9010.0, 10.0), 10.0)
    assert halo_cells(far, BOUNDS, 5.0, relief=30.0) == math.ceil(40.0 / math.tan(math.radians(3.0)) / 5.0)


def test_no_halo_without_buildings_outside() -> None:
    assert halo_cells(town(box(10.0, 20.0, 20.0, 30.0), 6.0), BOUNDS, 5.0) == 0


def test_halo_ends_with_the_outermost_building() -> None:
    near = town(box(50.0, 0.0, 61.0, 10.0), 100.0)
    assert halo_cells(near, BOUNDS, 5.0) == 3  # 11 m


@pytest.mark.parametrize("side", [(-9000.0, 0.0), (9000.0, 0.0), (0.0, -9000.0), (0.0, 9000.0)])
def test_halo_is_no_wider_than_the_longest_shade(side: tuple[float, float]) -> None:
    x, y = side
    far = town(box(x, y, x + 10.0, y + 10.0), 10.0)
    assert halo_cells(far, BOUNDS, 5.0) == math.ceil(10.0 / math.tan(math.radians(3.0)) / 5.0)
