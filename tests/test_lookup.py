"""The table of WBGT against the balances it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.physics.lookup import SUNLIT_NODES, SVF_NODES, add_substep, cell_wbgt, wbgt_table
from heatrisk.physics.surface import LAND_COVER, ground_parameters
from tests import naive

ALBEDO, WARMING = ground_parameters([row.code for row in LAND_COVER])
#: A clear noon: ghi, dni, dhi, cosz, ta, rh, ps, va, ldown.
NOON = (900.0, 802.17, 162.0, 0.92, 33.0, 55.0, 1008.0, 1.0, 460.71)


@st.composite
def weathers(draw: st.DrawFn) -> tuple[float, ...]:
    """Any hour of a warm half-year: dni within a clear sky's, the rest of ghi diffuse."""
    cosz = draw(st.floats(0.0, 1.0))
    dni = draw(st.floats(0.0, 950.0)) if cosz > 0.05 else 0.0
    dhi = draw(st.floats(0.0, 400.0)) * min(1.0, 4.0 * cosz)
    ta, rh = draw(st.floats(5.0, 42.0)), draw(st.floats(10.0, 100.0))
    va, ps = draw(st.floats(0.2, 8.0)), draw(st.floats(900.0, 1030.0))
    ldown = draw(st.floats(0.7, 1.0)) * 5.67e-8 * (ta + 273.15) ** 4
    return (dni * cosz + dhi, dni, dhi, cosz, ta, rh, ps, va, ldown)


def read(
    table: np.ndarray, ground: np.ndarray, svf: np.ndarray, sunlit: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Interpolate one sub-step: moe, iso, peak, sun."""
    moe, iso, sun = (np.zeros(svf.size) for _ in range(3))
    peak = np.full(svf.size, -np.inf)
    share = sunlit.astype(np.float32)
    add_substep(table, ground.astype(np.uint8), svf.astype(np.float32), share, share, moe, iso, peak, sun)
    return moe, iso, peak, sun


@settings(max_examples=30, deadline=None)
@given(weathers(), st.integers(0, 2**32 - 1))
def test_interpolation_stays_within_5_mk_of_the_solver(weather: tuple[float, ...], seed: int) -> None:
    random = np.random.default_rng(seed)
    ground = random.integers(0, len(LAND_COVER), 120)
    svf, sunlit = random.random((2, 120)).astype(np.float32)
    moe, iso, *_ = read(wbgt_table(*weather, ALBEDO, WARMING), ground, svf, sunlit)
    exact = [
        cell_wbgt(*weather, float(svf[k]), float(sunlit[k]), ALBEDO[ground[k]], WARMING[ground[k]])
        for k in range(120)
    ]
    np.testing.assert_allclose(np.stack([moe, iso], axis=1), exact, rtol=0, atol=0.005)


def test_nodes_are_the_solver_itself() -> None:
    table = wbgt_table(*NOON, ALBEDO, WARMING)
    assert table.shape == (len(LAND_COVER), SVF_NODES, SUNLIT_NODES, 2)
    for k, i, j in [(0, 0, 0), (4, 8, 2), (6, SVF_NODES - 1, SUNLIT_NODES - 1)]:
        exact = cell_wbgt(*NOON, i / (SVF_NODES - 1), j / (SUNLIT_NODES - 1), ALBEDO[k], WARMING[k])
        assert tuple(table[k, i, j]) == exact


def test_sunny_lawn_of_the_independent_solver() -> None:
    # Bisection of the printed balances: lawn of albedo 0.20, 5 K warmer than the air under 900 W m-2.
    moe, iso = cell_wbgt(*NOON, 1.0, 1.0, 0.20, 5.0)
    assert moe == pytest.approx(31.227, abs=0.003)
    assert iso == pytest.approx(32.163, abs=0.003)


@pytest.mark.parametrize("svf", [0.3, 0.7, 1.0])
def test_cell_is_the_mean_over_its_ground(svf: float) -> None:
    """A half-sunlit cell lies between its two halves, over ground of one temperature."""
    sunlit, albedo, warming = 0.5, 0.15, 20.0
    ghi, dni, dhi, cosz, ta, rh, ps, va, lsky = NOON
    kdown = svf * dhi + (1 - svf) * 0.25 * ghi / 2  # walls of albedo 0.25 under half of ghi
    kground = sunlit * dni * cosz + kdown
    black = naive.SIGMA * (ta + 273.15 + 10.0 * ghi / 2 / 900.0) ** 4
    ldown = svf * lsky + (1 - svf) * (0.9 * black + 0.1 * lsky)
    lup = 0.95 * naive.SIGMA * (ta + 273.15 + warming * kground / 900.0) ** 4 + 0.05 * ldown

    def half(beam: float) -> float:
        trg4 = naive.radiant_fourth(beam, kdown, albedo * kground, ldown, lup)
        return (
            0.7 * naive.psychrometric_wet_bulb(ta, rh, ps)
            + 0.2 * naive.globe_iso7726(ta, va, trg4)
            + 0.1 * ta
        )

    moe = cell_wbgt(*NOON, svf, sunlit, albedo, warming)[0]
    assert moe == pytest.approx((half(dni) + half(0.0)) / 2, abs=0.003)


def test_sums_grow_and_the_peak_is_the_highest() -> None:
    hot, cool = wbgt_table(*NOON, ALBEDO, WARMING), wbgt_table(*NOON[:4], 25.0, *NOON[5:], ALBEDO, WARMING)
    ground, svf, sunlit = np.zeros(3, np.uint8), np.array([0.2, 0.5, 1.0]), np.array([0.0, 0.5, 1.0])
    alone = [read(table, ground, svf, sunlit) for table in (hot, cool)]
    moe, iso, sun = (np.zeros(3) for _ in range(3))
    peak = np.full(3, -np.inf)
    for table in (hot, cool):
        share = sunlit.astype(np.float32)
        add_substep(table, ground, svf.astype(np.float32), share, share, moe, iso, peak, sun)
    np.testing.assert_array_equal(moe, alone[0][0] + alone[1][0])
    np.testing.assert_array_equal(iso, alone[0][1] + alone[1][1])
    np.testing.assert_array_equal(peak, alone[0][0])
    np.testing.assert_array_equal(sun, 2 * sunlit)


@pytest.mark.parametrize("missing", ["svf", "sunlit", "table"])
def test_nan_in_nan_out(missing: str) -> None:
    table, ground = wbgt_table(*NOON, ALBEDO, WARMING), np.zeros(2, np.uint8)
    svf, sunlit = np.array([0.5, 0.5]), np.array([0.5, 0.5])
    if missing == "table":
        table[:] = np.nan
    else:
        {"svf": svf, "sunlit": sunlit}[missing][0] = np.nan
    moe, iso, peak, sun = read(table, ground, svf, sunlit)
    assert np.isnan([moe[0], iso[0], peak[0]]).all()
    if missing != "table":
        assert np.isnan(sun[0])
        assert np.isfinite([moe[1], iso[1], peak[1], sun[1]]).all()


def test_nan_stays_through_later_sub_steps() -> None:
    good, bad = wbgt_table(*NOON, ALBEDO, WARMING), wbgt_table(*NOON, ALBEDO, WARMING) * np.nan
    ground, one = np.zeros(1, np.uint8), np.ones(1, np.float32)
    moe, iso, sun = (np.zeros(1) for _ in range(3))
    peak = np.full(1, -np.inf)
    for table in (good, bad, good):
        add_substep(table, ground, one, one, one, moe, iso, peak, sun)
    assert np.isnan([moe, iso, peak]).all()
