"""The fluxes of a cell and of the faces of a box, against sums over all directions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.physics import faces, fluxes
from heatrisk.physics.court import (
    AZIMUTH,
    BEAM,
    COSZ,
    COURT_NODES,
    DIFFUSE,
    LSKY,
    LSLANT,
    SECTORS,
    TA,
    march_courts,
)
from heatrisk.physics.surface import LAND_COVER, WALL, parameters
from tests import naive_radiation as naive
from tests.days import clear_day

GROUND, WALLS = parameters(LAND_COVER), parameters([WALL])[0]
DRIVE = clear_day(14.0)
LIGHT, HEAT, SHADED = march_courts(DRIVE, 144, 600.0, GROUND, WALLS)
COURT = fluxes.court_table(LIGHT[-1], HEAT[-1])
SIGMA = 5.6696e-8


def cell(node: int, clear: float, kind: int, lit: float, warming: float) -> tuple[float, ...]:
    bare = node / (COURT_NODES - 1.0)
    sky = fluxes.sky_state(DRIVE[-1], 0.0)
    return fluxes.cell_fluxes(sky, COURT, SHADED[-1], GROUND, kind, clear * bare, bare, lit, warming)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(3, COURT_NODES - 2), st.floats(0.0, 1.0), st.integers(0, len(LAND_COVER) - 1),
    st.floats(0.0, 1.0), st.floats(0.0, 25.0),
)  # fmt: skip
def test_a_cell_is_the_sum_over_all_directions(
    node: int, clear: float, kind: int, lit: float, warming: float
) -> None:
    now, (albedo, emissivity) = DRIVE[-1], GROUND[kind, :2]
    bare = node / (COURT_NODES - 1.0)
    light, heat = LIGHT[-1, node].mean(), HEAT[-1, node].mean()
    above = now[BEAM] * now[COSZ] + now[DIFFUSE]
    leaves = 0.18 * 0.5 * (now[DIFFUSE] + albedo * above)
    black = SIGMA * (now[TA] + 273.15) ** 4
    kdown = naive.seen_above(bare, now[DIFFUSE], 0.0, light, leaves, clear)
    kup = albedo * (kdown + lit * now[BEAM] * now[COSZ])
    ldown = naive.seen_above(bare, now[LSKY], now[LSLANT], heat, black, clear)
    column = clear * bare * (COURT_NODES - 1)
    ground = np.interp(column, np.arange(COURT_NODES), SHADED[-1, kind]) + warming
    lup = emissivity * SIGMA * (ground + 273.15) ** 4 + (1.0 - emissivity) * ldown
    kside = naive.seen_aside(bare, now[DIFFUSE], 0.0, light, leaves, clear, kup)
    lside = naive.seen_aside(bare, now[LSKY], now[LSLANT], heat, black, clear, lup)
    expected = [kdown, kup, kside, ldown, lup, lside]
    np.testing.assert_allclose(cell(node, clear, kind, lit, warming), expected, rtol=2e-3, atol=0.05)


def test_between_the_nodes_a_cell_lies_between_them() -> None:
    low, high = cell(16, 1.0, 0, 0.5, 5.0), cell(17, 1.0, 0, 0.5, 5.0)
    sky, svf = fluxes.sky_state(DRIVE[-1], 0.0), 16.25 / (COURT_NODES - 1.0)
    between = fluxes.cell_fluxes(sky, COURT, SHADED[-1], GROUND, 0, svf, svf, 0.5, 5.0)
    for a, value, b in zip(low, between, high, strict=True):
        assert min(a, b) - 0.05 <= value <= max(a, b) + 0.05


def test_the_bright_band_of_the_horizon_lights_upright_planes_alone() -> None:
    without, with_band = (
        fluxes.cell_fluxes(
            fluxes.sky_state(DRIVE[-1], band), COURT, SHADED[-1], GROUND, 0, 1.0, 1.0, 1.0, 0.0
        )
        for band in (0.0, 30.0)
    )
    np.testing.assert_allclose(np.subtract(with_band, without), [0.0, 0.0, 30.0, 0.0, 0.0, 0.0], atol=1e-9)


@pytest.mark.parametrize("side", range(4))
def test_a_face_sees_the_walls_in_front_of_it(side: int) -> None:
    """Each sector counts by the cosine from the normal, none behind: one bright sector at a time."""
    angles = 2.0 * np.pi * np.arange(SECTORS) / SECTORS
    facing = np.stack([np.sin(angles), np.cos(angles)]).T @ np.array(
        [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)][side]
    )
    expected = np.maximum(facing, 0.0) / np.maximum(facing, 0.0).sum()
    for sector in range(SECTORS):
        walls = np.zeros((COURT_NODES, SECTORS))
        walls[:, sector] = 100.0
        got = faces.side_walls(walls, 0.0)[:, side]
        np.testing.assert_allclose(got, 100.0 * expected[sector], atol=1e-9)


@settings(deadline=None)
@given(st.floats(0.0, 1.0), st.floats(0.0, 2.0 * np.pi), st.integers(0, 3), st.floats(-4.0, 4.0))
def test_beam_on_a_face_is_the_product_of_the_directions(
    cosz: float, azimuth: float, side: int, heading: float
) -> None:
    now = DRIVE[-1].copy()
    now[[COSZ, AZIMUTH]] = cosz, azimuth
    sinz = np.sqrt(1.0 - cosz**2)
    sun = np.array([sinz * np.sin(azimuth), sinz * np.cos(azimuth), cosz])  # east, north, up
    normal = np.array([np.sin(heading + side * np.pi / 2.0), np.cos(heading + side * np.pi / 2.0), 0.0])
    assert faces.side_beam(now, side, heading) == pytest.approx(now[BEAM] * max(sun @ normal, 0.0), abs=1e-6)


def test_a_quarter_turn_hands_each_face_to_the_next() -> None:
    turned, straight = (faces.side_walls(HEAT[-1], turn) for turn in (np.pi / 2.0, 0.0))
    np.testing.assert_allclose(turned, np.roll(straight, -1, axis=1), rtol=1e-12)


def test_four_faces_in_an_even_court_are_each_the_mean_of_the_sides() -> None:
    """With the same walls all around, each face has what the mean of the sides has; the beam comes on top."""
    now = DRIVE[-1].copy()
    node = 20
    svf = np.array([node / (COURT_NODES - 1.0)], np.float32)
    even_light, even_heat = (np.tile(x.mean(axis=1)[:, None], (1, 4)) for x in (LIGHT[-1], HEAT[-1]))
    sums = np.zeros((1, 13))
    half, warming = np.array([0.5], np.float32), np.array([4.0])
    faces.add_faces(
        now, 12.0, COURT, even_light, even_heat, SHADED[-1], GROUND, np.zeros(1, np.uint8), svf, svf, half,
        half, warming, (0.22, 0.06), 0.3, sums,
    )  # fmt: skip
    kdown, kup, kside, ldown, lup, lside = fluxes.cell_fluxes(
        fluxes.sky_state(now, 12.0), COURT, SHADED[-1], GROUND, 0, float(svf[0]), float(svf[0]), 0.5, 4.0
    )
    got = sums[0]
    level = kdown + 0.5 * now[BEAM] * now[COSZ]
    np.testing.assert_allclose(got[[0, 1, 6, 7]], [level, kup, ldown, lup], rtol=1e-9)
    beams = np.array([faces.side_beam(now, side, 0.3) for side in range(4)])
    np.testing.assert_allclose(got[2:6], kside + 0.5 * beams, rtol=1e-9)
    np.testing.assert_allclose(got[8:12], lside, rtol=1e-9)
