"""Interpolated loads against the balances they stand for, and the sums over a step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.physics import lookup
from heatrisk.physics.constants import STANDING
from heatrisk.physics.court import BEAM, COSZ, COURT_NODES, DIFFUSE, PS, TA, VA, march_courts
from heatrisk.physics.radiant import mean_radiant_temperature, person_beam, person_load
from heatrisk.physics.surface import LAND_COVER, WALL, parameters
from heatrisk.physics.utci import utci, wind_at_10_m
from heatrisk.physics.wbgt import from_fluxes
from tests.days import clear_day

GROUND, WALLS = parameters(LAND_COVER), parameters([WALL])[0]
DRIVE = clear_day(12.0)
LIGHT, HEAT, SHADED = march_courts(DRIVE, 144, 600.0, GROUND, WALLS)
COURT = lookup.court_table(LIGHT[-1], HEAT[-1])
HORIZON = 15.0


def weather(ta: float, va: float, ps: float, cosz: float, clear: float) -> np.ndarray:
    now = DRIVE[-1].copy()
    now[[TA, VA, PS, COSZ]] = ta, va, ps, cosz
    now[BEAM], now[DIFFUSE] = 950.0 * clear * (cosz > 0.05), 300.0 * cosz
    return now


def added(now: np.ndarray, rh: float, cells: dict[str, np.ndarray]) -> np.ndarray:
    """Return the sums of one moment over some cells."""
    table = lookup.sensor_table(now[TA], rh, now[PS], now[VA])
    sums = np.zeros((len(cells["svf"]), lookup.SUMS))
    sums[:, lookup.PEAK] = -np.inf
    lookup.add_substep(
        table, now, HORIZON, COURT, SHADED[-1], GROUND, cells["kind"], cells["svf"], cells["bare"],
        cells["beam"], cells["beam"], cells["warming"], sums,
    )  # fmt: skip
    return sums


def street(count: int, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    bare = random.random(count).astype(np.float32)
    beam = random.choice([0.0, 0.15, 0.6, 1.0], count).astype(np.float32)
    return {
        "kind": random.integers(0, len(LAND_COVER), count).astype(np.uint8), "bare": bare,
        "svf": bare * random.random(count).astype(np.float32), "beam": beam,
        "warming": random.uniform(0.0, 25.0, count),
    }  # fmt: skip


def exact(now: np.ndarray, rh: float, cells: dict[str, np.ndarray]) -> np.ndarray:
    """Return moe, iso, tmrt, utci of every cell from the solver itself, sun and shade weighted by hand."""
    rows = []
    for k in range(len(cells["svf"])):
        kind, share = cells["kind"][k], float(cells["beam"][k])
        fluxes = lookup.cell_fluxes(
            lookup.sky_state(now, HORIZON), COURT, SHADED[-1], GROUND, kind, float(cells["svf"][k]),
            float(cells["bare"][k]), share, float(cells["warming"][k]),
        )  # fmt: skip
        kdown, kup, _, ldown, lup, _ = fluxes
        value = np.zeros(4)
        for weight, on in ((share, 1.0), (1.0 - share, 0.0)):
            air = (now[TA], rh, now[PS], now[VA])
            both = from_fluxes(*air, on * now[BEAM], now[COSZ], kdown, kup, ldown, lup)
            load = person_load(*fluxes, STANDING) + on * person_beam(now[BEAM], now[COSZ], STANDING)
            tmrt = float(mean_radiant_temperature(load))
            value += weight * np.array([*both, tmrt, utci(now[TA], rh, wind_at_10_m(now[VA]), tmrt)])
        rows.append(value)
    return np.array(rows)


@settings(max_examples=25, deadline=None)
@given(
    st.floats(5.0, 42.0), st.floats(10.0, 80.0), st.floats(0.2, 8.0), st.floats(900.0, 1030.0),
    st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_interpolation_stays_within_5_mk_of_the_solver(
    ta: float, rh: float, va: float, ps: float, cosz: float, clear: float, seed: int
) -> None:
    now, cells = weather(ta, va, ps, cosz, clear), street(40, seed)
    columns = [lookup.MOE, lookup.ISO, lookup.TMRT, lookup.UTCI]
    ours, solved = added(now, rh, cells)[:, columns], exact(now, rh, cells)
    np.testing.assert_allclose(ours[:, :3], solved[:, :3], rtol=0, atol=0.005)
    known = np.isfinite(solved[:, 3]) & np.isfinite(ours[:, 3])  # the edge of the domain of UTCI is a step
    np.testing.assert_allclose(ours[known, 3], solved[known, 3], rtol=0, atol=0.01)


def test_cell_is_the_mean_of_its_sunny_and_its_shady_side() -> None:
    now, cells = weather(33.0, 1.5, 1008.0, 0.9, 0.85), street(200, 1)
    sums = added(now, 55.0, cells)
    sun, shade = sums[:, lookup.MOE_SUN], sums[:, lookup.MOE_SHADE]
    share = cells["beam"].astype(np.float64)
    np.testing.assert_allclose(sums[:, lookup.MOE], share * sun + (1.0 - share) * shade, rtol=1e-12)
    assert (sun - shade > 1.0).all() and (sun - shade < 3.5).all()


def test_without_sun_both_sides_are_the_same() -> None:
    sums = added(weather(27.0, 1.0, 1008.0, 0.0, 0.0), 70.0, street(50, 2))
    np.testing.assert_array_equal(sums[:, lookup.MOE_SUN], sums[:, lookup.MOE_SHADE])


def test_sums_grow_and_the_peak_is_the_highest() -> None:
    cells = street(30, 3)
    hot, cool = (weather(ta, 1.5, 1008.0, 0.8, 0.8) for ta in (33.0, 25.0))
    alone = [added(now, 55.0, cells) for now in (hot, cool)]
    table = [lookup.sensor_table(now[TA], 55.0, now[PS], now[VA]) for now in (hot, cool)]
    sums = np.zeros((30, lookup.SUMS))
    sums[:, lookup.PEAK] = -np.inf
    for now, nodes in zip((hot, cool), table, strict=True):
        lookup.add_substep(
            nodes, now, HORIZON, COURT, SHADED[-1], GROUND, cells["kind"], cells["svf"], cells["bare"],
            cells["beam"], cells["beam"], cells["warming"], sums,
        )  # fmt: skip
    np.testing.assert_allclose(sums[:, : lookup.PEAK], (alone[0] + alone[1])[:, : lookup.PEAK], rtol=1e-12)
    np.testing.assert_array_equal(sums[:, lookup.PEAK], alone[0][:, lookup.PEAK])
    np.testing.assert_allclose(sums[:, lookup.LIT], 2.0 * cells["beam"], rtol=1e-6)


@pytest.mark.parametrize("missing", ["svf", "beam"])
def test_nan_in_nan_out(missing: str) -> None:
    cells = street(3, 4)
    cells[missing][1] = np.nan
    sums = added(weather(33.0, 1.5, 1008.0, 0.9, 0.85), 55.0, cells)
    assert np.isnan(sums[1]).all()
    assert np.isfinite(sums[[0, 2]]).all()


@pytest.mark.parametrize(
    "air", [(np.nan, 50.0, 1008.0, 1.0), (30.0, 101.0, 1008.0, 1.0), (30.0, 50.0, 400.0, 1.0)]
)
def test_air_out_of_the_domain_has_no_value(air: tuple[float, ...]) -> None:
    assert np.isnan(lookup.sensor_table(*air)).all()


def test_ground_warms_in_the_sun_alone_and_settles() -> None:
    recursion, mean = np.array([[0.9, 2.0, 0.0]]), np.zeros(1)
    warming, kind = np.zeros(2), np.zeros(2, np.uint8)
    for _ in range(200):
        lookup.add_warming(
            recursion, mean, kind, np.ones(2, np.float32), np.array([1.0, 0.0], np.float32), warming
        )
    np.testing.assert_allclose(warming, [20.0, 0.0], rtol=1e-6)


def test_a_deep_court_is_read_between_its_nodes() -> None:
    assert lookup.court_place(0.0) == (0, 0.0)
    assert lookup.court_place(1.0) == (COURT_NODES - 2, 1.0)
    node, way = lookup.court_place(0.5 + 0.25 / (COURT_NODES - 1))
    assert (node, way) == (COURT_NODES // 2, pytest.approx(0.25))
