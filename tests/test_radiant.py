"""Radiant fluxes of a cell, and what globe and person make of them."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from heatrisk.physics import radiant
from heatrisk.physics.air import sky_longwave
from heatrisk.physics.constants import SITTING, STANDING

SIGMA = 5.6696e-8
SUN = {"beam": 802.17, "diffuse": 162.0, "cosz": 0.92}

# Worked cells at 33 °C and 55 %: beam share, svf, albedo, ground and wall temperature; then I Kd Ku Ld Lu and
# the globe radiant temperature. Walls send back a quarter of half of 900 W m-2.
WORKED = {
    "lawn in the sun": ((1.0, 1.0, 0.20, 38.0, 33.0), (802.17, 162.0, 180.0, 460.71, 527.88), 78.387),
    "asphalt in the sun": ((1.0, 0.9, 0.12, 53.0, 38.0), (802.17, 157.05, 107.41, 467.07, 632.81), 80.088),
    "building shade": ((0.0, 0.6, 0.15, 36.0, 36.0), (0.0, 142.2, 21.33, 481.29, 516.05), 44.940),
    "tree shade": ((0.05, 0.2, 0.20, 34.0, 33.0), (40.11, 122.4, 31.86, 487.61, 503.76), 45.269),
}


@pytest.mark.parametrize("cell", WORKED)
def test_worked_cells(cell: str) -> None:
    (sunlit, svf, albedo, ts, tw), expected, trg = WORKED[cell]
    kdown, kup = radiant.shortwave(
        **SUN, sunlit_ground=sunlit, svf=svf, svf_buildings=svf, walls=112.5, crowns=0.0, albedo=albedo
    )
    lsky = sky_longwave(33.0, 55.0)
    walls = 0.9 * SIGMA * (tw + 273.15) ** 4 + 0.1 * lsky
    ldown, lup = radiant.longwave(lsky, 33.0, svf, svf, walls, 0.0, ts, 0.95)
    fluxes = (sunlit * SUN["beam"], kdown, kup, ldown, lup)
    np.testing.assert_allclose(fluxes, expected, rtol=0, atol=0.006)
    assert radiant.globe_radiant_temperature(*fluxes) == pytest.approx(trg, abs=0.001)


def test_crowns_radiate_at_the_temperature_of_the_air_whatever_the_walls_do() -> None:
    black = SIGMA * 306.15**4
    under_crown = radiant.longwave(400.0, 33.0, 0.0, 1.0, 900.0, 0.0, 33.0, 1.0)[0]
    assert under_crown == pytest.approx(black)
    assert radiant.longwave(400.0, 33.0, 0.0, 0.0, 900.0, 0.0, 33.0, 1.0)[0] == 900.0


def test_a_sun_below_the_horizon_lights_no_ground() -> None:
    assert radiant.shortwave(100.0, 5.0, -0.01, 1.0, 1.0, 1.0, 0.0, 0.0, 0.15)[1] == pytest.approx(0.75)
    assert radiant.person_beam(100.0, -0.5, STANDING) == radiant.person_beam(100.0, 0.0, STANDING)


@pytest.mark.parametrize("posture", [STANDING, SITTING])
def test_a_black_room_has_its_own_temperature(posture: tuple[float, float]) -> None:
    black = SIGMA * 303.15**4
    load = radiant.person_load(0.0, 0.0, 0.0, black, black, black, posture)
    assert radiant.mean_radiant_temperature(load) == pytest.approx(30.0, abs=1e-9)
    assert radiant.globe_radiant_temperature(0.0, 0.0, 0.0, black, black) == pytest.approx(30.0, abs=1e-9)
    assert 4.0 * posture[0] + 2.0 * posture[1] == pytest.approx(1.0)


@pytest.mark.parametrize("posture", [STANDING, SITTING])
@pytest.mark.parametrize("elevation", [0.0, 0.5, 1.2])
def test_beam_is_the_mean_over_all_headings_of_a_box(posture: tuple[float, float], elevation: float) -> None:
    side, level = posture
    headings = np.linspace(0.0, 2.0 * np.pi, 3601)[:-1]
    lit = np.abs(np.cos(headings)) + np.abs(np.sin(headings))  # two of four sides see the sun
    box = 0.7 * (level * np.sin(elevation) + side * np.cos(elevation) * lit.mean())
    assert radiant.person_beam(1.0, np.sin(elevation), posture) == pytest.approx(box, rel=1e-5)


def test_a_person_standing_in_a_high_sun_takes_less_of_it_than_one_sitting() -> None:
    assert radiant.person_beam(800.0, 0.95, STANDING) < radiant.person_beam(800.0, 0.95, SITTING)
    assert radiant.person_beam(800.0, 0.1, STANDING) > radiant.person_beam(800.0, 0.1, SITTING)


def test_an_upright_plane_sees_half_the_world_above_and_half_below() -> None:
    for rise in (0.0, 0.3, 1.0, 100.0):
        sky, band = radiant.side_views(rise)
        assert 0.0 <= sky <= 0.5 and 0.0 <= band <= 1.0
        assert radiant.side_flux(sky, 0.4, 7.0, 7.0, 7.0, 7.0) == pytest.approx(7.0)
    assert radiant.side_views(0.0) == (0.5, 1.0)
    assert radiant.side_views(np.tan(np.radians(7.0)))[1] == 0.0


@pytest.mark.parametrize("degrees", [10.0, 34.0, 70.0])
def test_view_of_the_sky_against_a_sum_over_elevations(degrees: float) -> None:
    g = np.linspace(np.radians(degrees), np.pi / 2.0, 100_001)
    expected = 2.0 / np.pi * np.trapezoid(np.cos(g) ** 2, g)
    rise = np.tan(np.radians(degrees))
    assert radiant.side_views(rise)[0] == pytest.approx(expected, abs=1e-8)
    slant = 2.0 / np.pi * np.trapezoid(np.cos(g) ** 2 * (-np.log(np.sin(g)) - 0.5), g)
    assert radiant.side_slant(rise) == pytest.approx(slant, abs=1e-4)


def test_an_upright_plane_on_a_plain_sees_the_warm_horizon() -> None:
    assert radiant.side_slant(0.0) == pytest.approx(np.log(2.0) / 2.0, rel=0.01)


def test_kernels_may_call_it_and_get_the_same() -> None:
    @numba.njit(error_model="numpy")
    def inside(svf: float, ts: float) -> tuple[float, float]:
        return radiant.longwave(400.0, 33.0, svf, 0.9, 450.0, -5.0, ts, 0.95)

    np.testing.assert_allclose(
        inside(0.7, 40.0), radiant.longwave(400.0, 33.0, 0.7, 0.9, 450.0, -5.0, 40.0, 0.95)
    )


@pytest.mark.parametrize("missing", range(9))
def test_nan_in_nan_out(missing: int) -> None:
    short = [800.0, 160.0, 0.9, 1.0, 0.6, 0.8, 100.0, 20.0, 0.15]
    short[missing] = np.nan
    assert np.isnan(radiant.shortwave(*short)[1])
    if missing < 8:
        long = [400.0, 33.0, 0.6, 0.8, 450.0, -5.0, 40.0, 0.95]
        long[missing] = np.nan
        assert np.isnan(radiant.longwave(*long)[1])
    if missing < 6:
        person = [100.0, 90.0, 80.0, 400.0, 450.0, 430.0]
        person[missing] = np.nan
        assert np.isnan(radiant.person_load(*person, STANDING))
