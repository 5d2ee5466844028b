"""The round court: closed to the watt, cool where the sun never comes, late after the sun."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.physics import court
from heatrisk.physics.court import BEAM, COURT_NODES, DIFFUSE, SECTORS
from heatrisk.physics.surface import LAND_COVER, WALL, parameters
from tests import naive_radiation as naive
from tests.days import SOUTH, clear_day

SIGMA = 5.6696e-8
GROUND, WALLS = parameters(LAND_COVER), parameters([WALL])[0]
PAST = 144


def marched(drive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return court.march_courts(drive, PAST, 600.0, GROUND, WALLS)


@pytest.mark.parametrize("svf", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_view_factors_are_reciprocal_and_sum_to_one(svf: float) -> None:
    rise, floor_sky, wall_sky, wall_area = court.court_views(svf)
    assert wall_area * wall_sky == pytest.approx(1.0 - floor_sky, abs=1e-6)
    assert 0.0 <= floor_sky <= 1.0 and 0.0 <= wall_sky <= 0.5
    assert 1.0 / (1.0 + rise**2) == pytest.approx(max(svf, court.SVF_MIN))


def test_view_factor_of_discs_one_radius_apart() -> None:
    # Howell's catalogue, C-41: equal coaxial discs at a distance of their radius, (3 - sqrt 5) / 2.
    assert court.court_views(0.5)[1] == pytest.approx((3.0 - np.sqrt(5.0)) / 2.0)


@settings(deadline=None)
@given(
    st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 7.0), st.floats(0.0, 0.9), st.floats(0.0, 0.9)
)
def test_light_that_enters_is_absorbed_or_leaves(
    svf: float, cosz: float, azimuth: float, wall_albedo: float, ground_albedo: float
) -> None:
    walls = np.empty(SECTORS)
    beam, diffuse = 800.0, 120.0
    floor = court.court_light(beam, diffuse, cosz, azimuth, svf, wall_albedo, ground_albedo, walls)
    _, floor_sky, wall_sky, area = court.court_views(svf)
    absorbed = (1.0 - ground_albedo) * floor + (1.0 - wall_albedo) * area * walls.mean()
    escaped = floor_sky * ground_albedo * floor + wall_sky * wall_albedo * area * walls.mean()
    # The beam falls on 16 flat sectors, not on a round wall.
    assert absorbed + escaped == pytest.approx(beam * cosz + diffuse, rel=0.02, abs=1e-6)


def test_the_wall_towards_the_sun_is_dark_and_the_one_across_is_lit() -> None:
    walls = np.empty(SECTORS)
    court.court_light(800.0, 0.0, 0.5, SOUTH, 0.5, 0.0, 0.0, walls)
    assert walls.argmax() == 0, "the northern wall faces the sun in the south"
    np.testing.assert_array_equal(walls[4:13], np.zeros(9))


@pytest.mark.parametrize("svf, low", [(0.5, 0.5), (0.1, 0.9)])
def test_walls_are_lit_from_the_top_down(svf: float, low: float) -> None:
    """Across from the sun a wall of height H and distance 2R is lit down to 2R tan(e) below its top."""
    tangent = np.sqrt((1.0 - svf) / svf)
    elevation = np.arctan(low * tangent / 2.0)
    lit = court.wall_beam(1.0, np.sin(elevation), SOUTH, tangent, 0)
    assert lit == pytest.approx(low * np.cos(elevation), rel=1e-9)


def test_walls_that_no_sun_reaches_stay_near_the_air() -> None:
    drive = clear_day()
    drive[:, [BEAM, DIFFUSE]] = 0.0
    light, heat, _ = marched(drive)
    assert (light == 0.0).all()
    ta = drive[PAST:, court.TA, None, None]
    black = SIGMA * (ta + 273.15) ** 4
    assert (heat[:, 8:] < black + 1.0).all(), "they lose to the sky and send part of it back"
    assert (heat[:, 8:-1] > 0.85 * black).all()


def test_sunny_walls_are_warmer_than_shady_ones_by_what_walls_are() -> None:
    """環境省 まちなかの暑さ対策: south walls 4-10 K above the air, west walls 10-20 K."""
    _, heat, _ = marched(clear_day(hour=16.0))
    node = COURT_NODES * 3 // 4
    kelvin = ((heat[-1, node] - 0.1 * heat[-1, node].mean()) / (0.9 * SIGMA)) ** 0.25
    east_side, west_side = kelvin[4], kelvin[12]
    assert 5.0 < east_side - west_side < 20.0, "the eastern wall faces the afternoon sun"


def test_paved_ground_is_hottest_after_noon_and_keeps_warm() -> None:
    drive = np.concatenate([clear_day(hour=h)[PAST:] for h in range(1, 25)])
    drive = np.concatenate([drive, drive])
    _, _, shaded = court.march_courts(drive, PAST, 600.0, GROUND, WALLS)
    recursion, mean = court.beam_warming(drive, PAST, 600.0, GROUND)
    x, open_ground = mean[0], []
    for a, b, c in recursion[:, 0]:
        x = a * x + b + c * mean[0]
        open_ground.append(x)
    asphalt = shaded[:, 0, -1] + np.array(open_ground[PAST:])
    hours = np.arange(1.0, 145.0) / 6.0
    excess = asphalt - drive[PAST:, court.TA]
    peak = hours[excess.argmax()]
    assert 12.0 < peak < 14.5, "it lags behind the sun"
    assert 18.0 < excess.max() < 35.0  # quoted: 55-60 °C on a day of 33 °C, over a town's mixed pavement
    evening = float(excess[np.abs(hours - 20.0).argmin()])
    assert 2.0 < evening < 0.4 * excess.max()


def test_grass_warms_less_than_soil_less_than_asphalt_and_water_least() -> None:
    drive = clear_day(hour=13.0)
    recursion, mean = court.beam_warming(drive, PAST, 600.0, GROUND)
    x = mean.copy()
    for row in recursion:
        x = row[:, 0] * x + row[:, 1] + row[:, 2] * mean
    warming = {row.name: value for row, value in zip(LAND_COVER, x, strict=True)}
    assert warming["water"] < warming["grass"] < warming["bare soil"] < warming["paved"]
    assert warming["concrete"] < warming["paved"]
    assert warming["grass"] < 0.4 * warming["paved"]


@pytest.mark.parametrize("svf", [0.2, 0.6, 0.95])
def test_the_open_part_of_a_clear_sky_is_its_cold_part(svf: float) -> None:
    """Against a sum over elevations of Unsworth & Monteith's law."""
    g = np.linspace(np.arcsin(np.sqrt(1.0 - svf)), np.pi / 2.0, 200_001)
    weight = 2.0 * np.sin(g) * np.cos(g)
    expected = np.trapezoid((-np.log(np.sin(g)) - 0.5) * weight, g)
    assert court.sky_slant(svf) == pytest.approx(expected, abs=1e-6)
    assert court.sky_slant(1.0) == court.sky_slant(0.0) == 0.0


def test_nan_in_nan_out() -> None:
    drive = clear_day()
    drive[:, court.TA] = np.nan
    assert np.isnan(marched(drive)[1]).all()


# --- against slow twins ----------------------------------------------------------------------------------


@pytest.mark.parametrize("svf", [0.1, 0.4, 0.7, 0.95])
def test_view_factors_against_rays_shot_at_random(svf: float) -> None:
    rise, floor_sky, wall_sky, _ = court.court_views(svf)
    shot = naive.court_factors(rise)
    assert shot == pytest.approx((floor_sky, wall_sky, wall_sky), abs=0.004)


@settings(max_examples=40, deadline=None)
@given(st.floats(0.05, 0.97), st.floats(0.02, 1.5), st.floats(0.0, 2.0 * np.pi))
def test_beam_on_walls_against_points_on_them(svf: float, elevation: float, azimuth: float) -> None:
    rise = court.court_views(svf)[0]
    for sector in range(SECTORS):
        off = np.arccos(-np.cos(2.0 * np.pi * sector / SECTORS - azimuth))
        expected = naive.wall_beam(800.0, elevation, off, rise) if off < np.pi / 2.0 else 0.0
        got = court.wall_beam(800.0, np.sin(elevation), azimuth, rise, sector)
        assert got == pytest.approx(expected, abs=0.1)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.02, 0.98), st.floats(0.05, 1.0), st.floats(0.0, 6.0), st.floats(0.0, 0.9), st.floats(0.0, 0.9)
)
def test_light_after_many_bounces(
    svf: float, cosz: float, azimuth: float, wall_albedo: float, ground_albedo: float
) -> None:
    walls = np.empty(SECTORS)
    floor = court.court_light(700.0, 100.0, cosz, azimuth, svf, wall_albedo, ground_albedo, walls)
    rise, floor_sky, wall_sky, area = court.court_views(svf)
    direct = np.array([court.wall_beam(700.0, cosz, azimuth, rise, k) for k in range(SECTORS)])
    onto = max(700.0 * cosz - area * direct.mean(), 0.0)
    twin = naive.bounced(
        direct, onto, 100.0, (floor_sky, wall_sky, wall_sky), area, wall_albedo, ground_albedo
    )
    np.testing.assert_allclose(walls, twin[0], rtol=1e-6, atol=1e-6)
    assert floor == pytest.approx(twin[1], rel=1e-6)


@pytest.mark.parametrize("node", [6, 16, 26])
def test_a_day_in_a_court_against_short_explicit_steps(node: int) -> None:
    drive = clear_day(hour=15.0)
    light, heat, shaded = marched(drive)
    twin = naive.court_day(drive, PAST, node / (COURT_NODES - 1.0), GROUND, WALLS)
    np.testing.assert_allclose(light[:, node], twin[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(heat[:, node], twin[1], rtol=0, atol=3.0)
    np.testing.assert_allclose(shaded[:, :, node], twin[2], rtol=0, atol=0.3)


@pytest.mark.parametrize("kind", range(len(LAND_COVER)))
def test_what_the_beam_adds_against_short_explicit_steps(kind: int) -> None:
    """The recursion is linear around the air's temperature: so is its twin."""
    drive = clear_day(hour=15.0)
    recursion, mean = court.beam_warming(drive, PAST, 600.0, GROUND)
    row = GROUND[kind]
    capacity = row[2] * np.sqrt(86_400.0 / (4.0 * np.pi))
    restore = 2.0 * np.pi / 86_400.0 * capacity
    x, level = 0.0, 0.0
    for day in range(14):
        total = 0.0
        for now in drive[:PAST] if day < 13 else drive:
            wet = 1.0 - naive.vapour_share(now[court.TA], now[court.PS], row[3])
            loss = (4.0 + 4.0 * now[court.VA]) / wet + 4.0 * row[1] * SIGMA * (now[court.TA] + 273.15) ** 3
            for _ in range(20):
                sun = (1.0 - row[0]) * now[BEAM] * now[court.COSZ]
                x += 30.0 * (sun - loss * x - restore * (x - level)) / capacity
            total += x
        level = total / PAST if day < 13 else level
    y = mean[kind]
    for a, b, c in recursion[:, kind]:
        y = a * y + b + c * mean[kind]
    assert y == pytest.approx(x, rel=0.03, abs=0.1)
