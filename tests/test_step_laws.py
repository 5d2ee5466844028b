"""Laws of a whole step of a run, under a sun that is put where the law wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numba
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine

from heatrisk import forcing as forcing_room
from heatrisk.fields import sun_path
from heatrisk.grid import Grid
from heatrisk.run import simulate
from heatrisk.scene import Scene
from tests import towns
from tests.slab_town import NIGHT, NOON, STEPS, cloudless

NAMES = ("sunlit", "wbgt_moe", "wbgt_iso", "tmrt", "utci", "svf")
HOUR = pd.Timedelta("1h")
PutSun = Callable[[float, float], None]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread: towns as small as these run faster so."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


@pytest.fixture
def put_sun(monkeypatch: pytest.MonkeyPatch) -> PutSun:
    """Return what holds the sun at a zenith and azimuth, with the radiation that it has on the day."""

    def put(zenith: float, azimuth: float) -> None:
        def fixed(times: pd.DatetimeIndex, lon: float, lat: float) -> xr.Dataset:
            path = sun_path(times, *PLACE)
            return path.assign(zenith=path["zenith"] * 0.0 + zenith, azimuth=path["azimuth"] * 0.0 + azimuth)

        monkeypatch.setattr(forcing_room, "sun_path", fixed)

    return put


PLACE = (139.56, 35.68)


def scene(roof: np.ndarray, level: float = 0.0, **more: object) -> Scene:
    """Build streets between columns on level ground, 5 m cells of 1 m sub-cells."""
    halo = int(more.get("halo", 0))  # type: ignore[call-overload]
    shape = roof.shape[0] // 5 - 2 * halo, roof.shape[1] // 5 - 2 * halo
    # On the central meridian the grid's north is north: the laws turn and mirror the sun with the town.
    west = -2.5 * shape[1]
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, west, 0.0, -5.0, -35_000.0), shape)
    tops = np.where(roof > 0.0, roof + level, np.nan).astype(np.float32)
    ground = np.full(roof.shape, level, np.float32)
    return Scene(grid, ground, tops, np.full(shape, 1, np.uint8), factor=5, **more)  # type: ignore[arg-type]


def oblong(rows: int = 35, columns: int = 80, seed: int = 3) -> np.ndarray:
    """Scatter blocks of 8 to 20 m, more columns than rows."""
    town = towns.blocks(max(rows, columns), cell_size=3.0, seed=seed, cover=0.2)[:rows, :columns]
    return np.where(town > 0.0, np.clip(np.round(town), 8.0, 20.0), 0.0)


def step(town: Scene, when: int = NOON, svf: xr.DataArray | None = None) -> xr.Dataset:
    return simulate(town, cloudless(), steps=STEPS[[when]], step=HOUR, anchor=False, svf=svf)


def field(run: xr.Dataset, name: str) -> np.ndarray:
    values = run[name].values
    return np.asarray(values if values.ndim == 2 else values[0])


def alike(one: np.ndarray, other: np.ndarray, most: float, mean: float) -> None:
    np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
    apart = np.abs(one - other)
    assert np.nanmax(apart) <= most
    assert np.nanmean(apart) <= mean


@pytest.mark.parametrize("level", [-432.0, -20.0, 3000.0])
def test_a_town_below_the_sea_or_on_a_mountain_is_as_hot_under_the_same_air(level: float) -> None:
    low, high = step(scene(oblong())), step(scene(oblong(), level))
    for name in NAMES:
        np.testing.assert_array_equal(field(low, name), field(high, name), err_msg=name)


@pytest.mark.parametrize("azimuth", [0.0, 45.0, 90.0, 135.0, 180.0, 225.0, 270.0, 315.0])
def test_shade_falls_away_from_a_sun_on_the_axes_and_on_the_diagonals(
    put_sun: PutSun, azimuth: float
) -> None:
    put_sun(50.0, azimuth)
    run = step(scene(towns.tower(75, 7, 25.0)))
    ahead = np.round([-np.cos(np.radians(azimuth)), np.sin(np.radians(azimuth))]).astype(int)
    sunny, shady = (tuple(7 + sign * 3 * ahead) for sign in (1, -1))
    assert field(run, "sunlit")[sunny] > 0.9
    assert field(run, "sunlit")[shady] < 0.1
    for name in ("wbgt_moe", "wbgt_iso", "tmrt", "utci"):
        assert field(run, name)[sunny] > field(run, name)[shady] + 1.0, name
        assert np.isfinite(field(run, name)).sum() == 15 * 15 - 9, name


@pytest.mark.parametrize("azimuth", [0.0, 45.0, 115.0, 180.0, 250.0])
def test_an_oblong_town_turned_over_its_diagonal_is_as_hot_under_the_turned_sun(
    put_sun: PutSun, azimuth: float
) -> None:
    put_sun(55.0, azimuth)
    whole = step(scene(oblong()))
    put_sun(55.0, (270.0 - azimuth) % 360.0)
    turned = step(scene(oblong().T))
    # Shade to the bit; the sky is sampled a quarter of a step off the axes.
    for name, most, mean in (("sunlit", 0.0, 0.0), ("svf", 0.05, 0.01), ("wbgt_moe", 0.1, 0.01)):
        alike(field(whole, name), field(turned, name).T, most, mean)


def test_a_lower_sun_lights_no_street_more(put_sun: PutSun) -> None:
    lit = []
    for zenith in (20.0, 45.0, 65.0, 80.0, 86.0):
        put_sun(zenith, 200.0)
        lit.append(field(step(scene(oblong())), "sunlit"))
    for higher, lower in pairwise(lit):
        outdoors = np.isfinite(higher)
        assert np.all(lower[outdoors] <= higher[outdoors] + 1e-6)
    assert np.nanmean(lit[-1]) < 0.9 * np.nanmean(lit[0])


@pytest.mark.parametrize("zenith", [87.1, 90.0, 120.0, 180.0])
def test_a_sun_at_or_below_the_horizon_lights_nothing(put_sun: PutSun, zenith: float) -> None:
    put_sun(zenith, 180.0)
    run = step(scene(oblong()))
    assert np.nanmax(field(run, "sunlit")) == 0.0
    for name in NAMES:
        np.testing.assert_array_equal(np.isfinite(field(run, name)), np.isfinite(field(run, "svf")))


def test_a_block_with_its_halo_is_as_hot_as_in_the_whole(put_sun: PutSun) -> None:
    """Lines of the sun start elsewhere in a block of its own: the same within what a line's place decides."""
    put_sun(50.0, 163.0)  # shade of 20 m is 24 m long: within the halo of five cells
    town = oblong(110, 140)
    whole = step(scene(town))
    inner = whole["svf"].isel(y=slice(7, 15), x=slice(8, 20))
    block = scene(town[10:100, 15:125], halo=5)
    alone = step(block, svf=inner.assign_coords(y=block.grid.y, x=block.grid.x))
    for name, most, mean in (("sunlit", 0.15, 0.01), ("wbgt_moe", 0.3, 0.02)):
        alike(field(whole, name)[7:15, 8:20], field(alone, name), most, mean)


@pytest.mark.parametrize("when", [NOON, NIGHT])
def test_unknown_ground_has_no_value_and_changes_none_far_away(when: int) -> None:
    town = scene(oblong(40, 120))
    whole = step(town, when)
    town.terrain[:20, :20], town.roof[:20, :20] = np.nan, np.nan
    holed = step(scene_of(town), when)
    for name in NAMES:
        assert np.isnan(field(holed, name)[:4, :4]).all(), name
    far = slice(None), slice(14, None)  # 50 m off: the shade of 20 m ends at 15 m, the sky changes little
    alike(field(whole, "sunlit")[far], field(holed, "sunlit")[far], 0.0, 0.0)
    alike(field(whole, "wbgt_moe")[far], field(holed, "wbgt_moe")[far], 0.1, 0.03)


def scene_of(town: Scene) -> Scene:
    """Build a scene anew from its rasters: what it had prepared is forgotten."""
    return Scene(town.grid, town.terrain, town.roof, town.land_cover, factor=town.factor)
