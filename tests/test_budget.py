"""budget(): one cell explained, and the same numbers as the run that it explains."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.blocks import block
from heatrisk.budget import Budget, budget
from heatrisk.budget.moments import PARTS, differences
from heatrisk.budget.obstacles import obstacles
from heatrisk.errors import InputError
from heatrisk.grid import Grid
from heatrisk.physics.shadow import sun_shares
from heatrisk.physics.wind import UrbanWind
from heatrisk.run import simulate
from heatrisk.scene import Scene
from heatrisk.words import Language
from tests.naive import SIGMA, globe_iso7726, ray_cells
from tests.slab_town import AFTERNOON, BEHIND, GROVE, MORNING, NIGHT, NOON, OPEN, STEPS, plain, sunny, town

#: Products of a run, and the numbers of a budget that are the same.
SAME = {
    "wbgt_moe": "anchored_moe", "wbgt_moe_sun": "anchored_sun", "wbgt_moe_shade": "anchored_shade",
    "wbgt_iso": "anchored_iso", "tmrt": "step_tmrt", "utci": "step_utci", "sunlit": "step_direct",
    "wbgt_moe_sd": "sd", "p_danger": "p_danger",
}  # fmt: skip


def hilly() -> Scene:
    """Build the town on a hillside, cut by a cliff, 25 m of terrain in the west."""
    scene = town()
    ground = np.fromfunction(lambda row, column: 40.0 - 0.05 * column, scene.terrain.shape, dtype=float)
    ground[:, :12] += 25.0
    roof = np.where(np.isfinite(scene.roof), scene.roof + ground, np.nan)
    cover = np.tile(np.array([1, 5, 6, 8, 7, 2], np.uint8), (24, 4))
    return town(terrain=ground.astype(np.float32), roof=roof.astype(np.float32), land_cover=cover)


def lonlat(scene: Scene, cell: tuple[int, int]) -> tuple[float, float]:
    grid = scene.grid
    lon, lat = grid.unproject(grid.x[cell[1]], grid.y[cell[0]])
    return float(lon), float(lat)


def explained(scene: Scene, cell: tuple[int, int], step: int, *, minutes: float = 0.0) -> Budget:
    moment = STEPS[step] + pd.Timedelta(minutes=minutes)
    return budget(scene, sunny(), *lonlat(scene, cell), moment)


@cache
def noon(cell: tuple[int, int]) -> Budget:
    return explained(town(), cell, NOON)


# --- the same as the run ---------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [town, hilly])
def test_budget_agrees_with_the_run(make: Callable[[], Scene]) -> None:
    scene = make()
    data = simulate(scene, sunny())
    random = np.random.default_rng(4)
    cells = [BEHIND, GROVE, OPEN, *map(tuple, random.permutation(np.argwhere(scene.mask == 0))[:9])]
    for cell in cells:
        for step in (MORNING, AFTERNOON, NIGHT):
            found = explained(scene, cell, step).numbers
            for product, name in SAME.items():
                if product in data:
                    ran = float(data[product].values[step, *cell])
                    # A run rounds to 0.01 °C, and reads what a budget solves.
                    assert abs(found[name] - ran) <= 0.0101, (cell, step, product)
            assert abs(found["anchored_moe"] - float(data["wbgt_moe"].values[step, *cell])) <= 0.0055
            assert found["official"] == pytest.approx(float(data["official"][step]))
            assert found["offset"] == pytest.approx(float(data["anchor_offset"][step]), abs=0.005)


def test_unanchored_budget_is_the_model_alone() -> None:
    scene = town()
    found = budget(scene, sunny(), *lonlat(scene, OPEN), STEPS[NOON], anchor=False)
    assert math.isnan(found.numbers["official"])
    assert found.numbers["anchored_moe"] == found.numbers["step_moe"]
    assert found.terms["forecast"] == found.terms["station"] == 0.0
    assert found.as_dict()["values"]["official"] is None


def test_open_cell_has_the_official_value_and_nothing_that_sets_it_apart() -> None:
    found = explained(plain(), (11, 7), NOON)
    assert found.numbers["anchored_moe"] == found.numbers["official"]
    assert all(abs(value) < 1e-9 for value in found.differences.values())
    assert not found.shaded_by
    assert not found.walls


@pytest.mark.parametrize("cell", [BEHIND, GROVE, OPEN, (0, 0), (23, 23)])
def test_block_has_the_bits_of_the_whole(cell: tuple[int, int]) -> None:
    scene = hilly()
    part = block(scene, (*cell, 1, 1))
    for zenith, azimuth in [(25.0, 200.0), (60.0, 95.0), (80.0, 285.5), (86.0, 0.0)]:
        for whole, one in zip(
            *(sun_shares(each.shade, zenith, azimuth) for each in (scene, part)), strict=True
        ):
            assert whole[cell] == one[0, 0]


def test_block_of_a_wide_town_is_a_part_of_it() -> None:
    random = np.random.default_rng(8)
    terrain = random.uniform(100.0, 100.5, (200, 220)).astype(np.float32)
    roof = np.full(terrain.shape, np.nan, np.float32)
    for row, column in random.integers(0, 190, (60, 2)):
        roof[row : row + 6, column : column + 4] = 100.0 + random.uniform(1.5, 4.0)
    grid = Grid("EPSG:6677", Affine(1.0, 0.0, -25_000.0, 0.0, -1.0, -35_000.0), terrain.shape)
    wide = Scene(grid, terrain, roof, np.full(terrain.shape, 5, np.uint8))
    suns = [(20.0, 180.0), (70.0, 100.0), (84.0, 233.0), (86.9, 301.0)]
    whole = [sun_shares(wide.shade, *sun)[1] for sun in suns]
    shaded = 0
    for row, column in np.argwhere(wide.mask == 0)[::4000]:
        part = block(wide, (int(row), int(column), 1, 1))
        assert part.terrain.size < terrain.size
        for sun, lit in zip(suns, whole, strict=True):
            assert sun_shares(part.shade, *sun)[1][0, 0] == lit[row, column]
            shaded += lit[row, column] == 0.0
    assert shaded > 3


def random_town(seed: int) -> Scene:
    """Build hilly ground of all kinds with houses, towers and crowns, and 10 m more of it on every side."""
    random = np.random.default_rng(seed)
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, -25_000.0, 0.0, -5.0, -35_000.0), (11, 13))
    fine = (15 * 5, 17 * 5)
    slope, phase = random.uniform(-0.1, 0.1, 2), random.uniform(0.0, 6.0)
    row, column = np.mgrid[: fine[0], : fine[1]]
    terrain = (80.0 + slope[0] * row + slope[1] * column + np.sin(0.1 * column + phase)).astype(np.float32)
    roof, crowns = np.full(fine, np.nan, np.float32), np.zeros(fine, np.float32)
    for top, left, high, wide in random.integers((0, 0, 4, 4), (70, 80, 20, 20), (8, 4)):
        place = np.s_[top : top + high, left : left + wide]
        roof[place] = terrain[place].mean() + random.uniform(3.0, 40.0)
    for top, left in random.integers(0, 70, (12, 2)):
        crowns[top : top + 7, left : left + 7] = random.uniform(3.0, 12.0)
    cover = random.choice([0, 1, 2, 3, 5, 6, 7, 8, 99], grid.shape).astype(np.uint8)
    return Scene(
        grid, terrain, roof, cover, 5, 2, crowns, 0.25 * crowns,
        transmissivity=float(random.uniform(0.0, 1.0)), extinction=random.choice([None, 0.3]),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("wind", ["off", "svf"])
def test_budget_agrees_with_the_run_in_random_towns(seed: int, wind: UrbanWind) -> None:
    scene = random_town(seed)
    steps = STEPS[[NOON, AFTERNOON]]
    data = simulate(scene, sunny(), steps=steps, urban_wind=wind)
    random = np.random.default_rng(seed)
    # The rows of the sunny edge are left to the tests of the sweep.
    outdoor = np.argwhere(scene.mask[:-1] == 0)
    near = dict.fromkeys(SAME, 0.0101) | {"tmrt": 0.05}
    for cell in map(tuple, random.permutation(outdoor)[:5]):
        for k, when in enumerate(steps):
            found = budget(scene, sunny(), *lonlat(scene, cell), when, urban_wind=wind).numbers
            for product, name in SAME.items():
                ran = float(data[product].values[k, *cell])
                assert abs(found[name] - ran) <= near[product], (cell, product)


def test_an_infinite_height_is_refused_by_all() -> None:
    for name in ("terrain", "roof", "crown_top", "crown_base"):
        for value in (np.inf, -np.inf):
            raster = getattr(town(), name).copy()
            raster[50, 60] = value
            scene = town(**{name: raster})
            for call in (
                lambda s: simulate(s, sunny()),
                lambda s: budget(s, sunny(), *lonlat(s, OPEN), STEPS[1]),
            ):
                with pytest.raises(InputError, match=f"{name} holds a height that no town has"):
                    call(scene)


# --- wind ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [BEHIND, GROVE, OPEN])
def test_wind_between_buildings_is_a_cause_of_its_own(cell: tuple[int, int]) -> None:
    where = lonlat(town(), cell)
    calm, windy = (budget(town(), sunny(), *where, STEPS[NOON], urban_wind=wind) for wind in ("svf", "off"))
    for name in (*PARTS, "mixing"):
        assert calm.differences[name] == pytest.approx(windy.differences[name], abs=1e-9)
    assert calm.differences["wind"] == pytest.approx(calm.numbers["step_moe"] - windy.numbers["step_moe"])
    assert sum(calm.differences.values()) == pytest.approx(
        calm.numbers["step_moe"] - calm.numbers["step_open"]
    )
    assert calm.numbers["va"] < calm.numbers["va_open"] == windy.numbers["va"]
    assert calm.differences["wind"] > 0.0  # by day a globe is warmer than the air
    told = "weaker wind between buildings" in "\n".join(calm.lines("en"))
    assert told == (calm.differences["wind"] >= 0.005)


@settings(deadline=None, max_examples=60)
@given(
    st.floats(15.0, 40.0), st.floats(0.0, 8.0), st.floats(0.05, 1.0), st.floats(380.0, 900.0),
    st.floats(0.0, 1000.0), st.floats(0.0, 1.0),
)  # fmt: skip
def test_the_cause_of_wind_is_that_of_two_globes(
    ta: float, va: float, shelter: float, shade: float, beam: float, share: float
) -> None:
    """Two places side by side that differ in nothing but their wind."""

    def place(wind: float) -> tuple[dict[str, float], float]:
        globes = [globe_iso7726(ta, wind, load / SIGMA) for load in (shade + 0.25 * beam, shade)]
        tg = share * globes[0] + (1.0 - share) * globes[1]
        light = dict.fromkeys(("kdown", "kup", "ldown", "lup", *PARTS), 0.5 * shade)
        numbers = {"ta": ta, "va": wind, "share": share, "beam_above": beam, "tg": tg, "wbgt_moe": 0.2 * tg}
        return light | numbers | {"globe_load": shade + 0.25 * share * beam}, tg

    (there, open_globe), (here, calm_globe) = place(va), place(shelter * va)
    found = differences(here, there)
    assert found["wind"] == pytest.approx(0.2 * (calm_globe - open_globe), abs=1e-5)
    assert all(abs(value) < 1e-5 for name, value in found.items() if name != "wind")


# --- it adds up ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [BEHIND, GROVE, OPEN])
@pytest.mark.parametrize("step", [MORNING, NOON, NIGHT])
def test_parts_add_up(cell: tuple[int, int], step: int) -> None:
    found = explained(town(), cell, step)
    n = found.numbers
    assert n["sky_light"] + n["wall_light"] + n["crown_light"] == pytest.approx(n["kdown"])
    assert n["sky_heat"] + n["wall_heat"] + n["crown_heat"] == pytest.approx(n["ldown"])
    assert n["sky_heat"] <= n["lsky"]
    assert n["moe_wet"] + n["moe_globe"] + n["moe_air"] == pytest.approx(n["wbgt_moe"])
    assert n["iso_wet"] + n["iso_globe"] + n["moe_air"] == pytest.approx(n["wbgt_iso"])
    assert n["ts_shaded"] + n["ts_warming"] == pytest.approx(n["ts"])
    assert set(found.differences) == {*PARTS, "mixing", "wind"}
    assert found.differences["wind"] == 0.0
    assert sum(found.differences.values()) == pytest.approx(n["step_moe"] - n["step_open"])
    assert math.hypot(*found.terms.values()) == pytest.approx(n["sd"], rel=1e-4)


def test_sunny_and_shady_side_lie_around_the_mean() -> None:
    found = noon(OPEN).numbers
    for name in ("wbgt_moe", "wbgt_iso", "tg", "tnwb", "tmrt", "utci"):
        assert found[f"{name}_shade"] <= found[name] <= found[f"{name}_sun"]
    assert found["wbgt_moe_sun"] - found["wbgt_moe_shade"] > 0.5


def test_what_is_said_of_the_difference_is_so() -> None:
    behind, open_ground = noon(BEHIND), noon(OPEN)
    assert behind.differences["beam"] < -0.3
    assert min(behind.differences, key=behind.differences.__getitem__) == "beam"
    assert abs(open_ground.differences["beam"]) < 0.02


def test_walls_are_warmest_where_the_sun_was() -> None:
    found = explained(town(), BEHIND, AFTERNOON)
    assert len(found.walls) == 8
    _, east, _, west = found.walls[::2]
    assert east > west  # the walls in the east of a place look west
    assert found.numbers["ta"] - 15.0 < min(found.walls) < max(found.walls) < 80.0


# --- what casts the shade --------------------------------------------------------------------------------


def test_slab_grove_and_hill_are_named() -> None:
    behind = explained(town(), BEHIND, NOON, minutes=60)
    assert behind.shaded_by[0].kind == "building"
    assert behind.shaded_by[0].share == pytest.approx(1.0)
    assert behind.shaded_by[0].height == pytest.approx(30.0)
    assert noon(GROVE).shaded_by[0].kind == "crown"
    assert noon(GROVE).numbers["direct"] < noon(GROVE).numbers["share"] <= 1.0
    assert not noon(OPEN).shaded_by
    cliff = explained(hilly(), (4, 3), AFTERNOON, minutes=80).shaded_by
    assert cliff[0].kind == "terrain"
    assert cliff[0].height == pytest.approx(25.5, abs=1.0)


def test_distance_and_height_of_a_wall() -> None:
    # Sun in the south at 45°: a slab of 30 m, its north edge 5 m to 10 m away from the cells behind it.
    one = obstacles(town(crown_top=None), 12, 12, 45.0, 180.0)
    assert len(one) == 1
    assert one[0].kind == "building"
    assert one[0].height == pytest.approx(30.0)
    assert 5.0 < one[0].distance <= 10.0
    assert obstacles(town(), 12, 12, 89.0, 180.0) == ()


def shaded_exactly(tops: np.ndarray, row: int, column: int, zenith: float, azimuth: float) -> bool:
    """Walk the columns of 1 m on the way from a receptor 1.1 m above a sub-cell to the sun."""
    rise = 1.0 / math.tan(math.radians(zenith))
    return any(
        entry > 0.0 and tops[i, j] > tops[row, column] + 1.1 + entry * rise
        for i, j, entry, _ in ray_cells(row, column, *tops.shape, azimuth)
    )


def test_rays_agree_with_exact_columns() -> None:
    scene = town(crown_top=None)
    tops = np.where(np.isnan(scene.roof), scene.terrain, scene.roof)
    for zenith, azimuth in [(40.0, 170.0), (65.0, 250.0)]:
        for cell in [(12, 12), (9, 12), (13, 3), (4, 20), (13, 21)]:
            dark = [
                shaded_exactly(tops, 5 * cell[0] + i, 5 * cell[1] + j, zenith, azimuth)
                for i in range(5)
                for j in range(5)
            ]
            shaded = sum(one.share for one in obstacles(scene, *cell, zenith, azimuth))
            assert abs(shaded - np.mean(dark)) <= 0.13


@cache
def broken_ground() -> Scene:
    """Build the hillside with a hole in its terrain."""
    scene = hilly()
    ground = scene.terrain.copy()
    ground[85:100, 40:60] = np.nan
    return town(terrain=ground, roof=scene.roof, land_cover=scene.land_cover)


@settings(deadline=None, max_examples=60)
@given(
    st.tuples(st.integers(0, 23), st.integers(0, 23)),
    st.floats(0.0, 95.0),
    st.one_of(st.sampled_from([0.0, 45.0, 90.0, 180.0, 270.0, 360.0]), st.floats(0.0, 360.0)),
)
def test_obstacles_take_what_the_sweep_does_not_light(
    cell: tuple[int, int], zenith: float, azimuth: float
) -> None:
    scene = broken_ground()
    found = obstacles(scene, *cell, zenith, azimuth)
    direct = float(sun_shares(scene.shade, zenith, azimuth)[0][cell])
    if math.isnan(direct) or zenith > 87.0:
        assert found == ()
        return
    assert all(0.0 < one.share <= 1.0 and one.distance > 0.0 and one.height > 1.1 for one in found)
    # Both sample the cell's edges in their own way.
    assert sum(one.share for one in found) == pytest.approx(1.0 - direct, abs=0.25)


# --- who asks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ((139.0, 35.0), "outside"),
        ((35.68, 139.56), "outside"),
        (lonlat(town(), (15, 12)), "building"),
    ],
)
def test_place_that_is_none(where: tuple[float, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        budget(town(), sunny(), *where, STEPS[NOON])


def test_time_without_weather() -> None:
    with pytest.raises(InputError, match="2025-08-05 04:30") as caught:
        budget(town(), sunny(), *lonlat(town(), OPEN), pd.Timestamp("2025-09-01"))
    assert "JST" in caught.value.text("ja")


def test_moment_lies_within_the_sub_step() -> None:
    zoned = STEPS[NOON].tz_localize("UTC").tz_convert("Asia/Tokyo") + pd.Timedelta(minutes=23)
    found = budget(town(), sunny(), *lonlat(town(), OPEN), zoned)
    assert found.time == STEPS[NOON] + pd.Timedelta(minutes=25)
    assert found.step == STEPS[NOON]


@pytest.mark.parametrize("language", ["ja", "en"])
def test_lines_say_every_number_with_its_unit(language: Language) -> None:
    found = noon(BEHIND)
    text = "\n".join(found.lines(language))
    for value, unit in [("anchored_moe", "°C"), ("lup", "W m-2"), ("ts", "°C"), ("va", "m s-1")]:
        digits = 1 if unit == "W m-2" else 2
        assert f"{found.numbers[value]:.{digits}f} {unit}" in text
    assert ("開けた芝生より" if language == "ja" else "from open grass") in text
    assert ("建物の陰" if language == "ja" else "shade of a building") in text
    assert "2025-08-05" in text
    assert "nan" not in text


def test_dict_is_plain_json() -> None:
    told = json.loads(json.dumps(noon(GROVE).as_dict(), allow_nan=False))
    assert told["values"]["wbgt_moe"] == pytest.approx(noon(GROVE).numbers["wbgt_moe"], abs=1e-4)
    assert told["units"]["lup"] == "W m-2"
    assert told["shaded_by"][0]["kind"] == "crown"
    assert {"code", "ja", "en"} <= set(told["assumptions"][0])
