"""Radiant fluxes of a cell."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from heatrisk.physics import radiant
from heatrisk.physics.air import sky_longwave

SUN = {"ghi": 900.0, "dni": 802.17, "dhi": 162.0, "cosz": 0.92}

# Worked cells at 33 °C and 55 %: beam share, svf, albedo, ground and wall temperature; then I Kd Ku Ld Lu and
# the globe radiant temperature.
WORKED = {
    "lawn in the sun": ((1.0, 1.0, 0.20, 38.0, 33.0), (802.17, 162.0, 180.0, 460.71, 527.88), 78.387),
    "asphalt in the sun": ((1.0, 0.9, 0.12, 53.0, 38.0), (802.17, 157.05, 107.41, 467.07, 632.81), 80.088),
    "building shade": ((0.0, 0.6, 0.15, 36.0, 36.0), (0.0, 142.2, 21.33, 481.29, 516.05), 44.940),
    "tree shade": ((0.05, 0.2, 0.20, 34.0, 33.0), (40.11, 122.4, 31.86, 487.61, 503.76), 45.269),
}


@pytest.mark.parametrize("cell", WORKED)
def test_worked_cells(cell: str) -> None:
    (sunlit, svf, albedo, ts, tw), expected, trg = WORKED[cell]
    dni, kdown, kground = radiant.shortwave(**SUN, sunlit=sunlit, sunlit_ground=sunlit, svf=svf)
    ldown, lup = radiant.longwave(sky_longwave(33.0, 55.0), svf, ts, tw)
    fluxes = (dni, kdown, albedo * kground, ldown, lup)
    np.testing.assert_allclose(fluxes, expected, rtol=0, atol=0.006)
    assert radiant.globe_radiant_temperature(*fluxes) == pytest.approx(trg, abs=0.001)


def test_open_lawn_walks_from_sun_to_fluxes() -> None:
    fluxes = radiant.cell_fluxes(*SUN.values(), 33.0, sky_longwave(33.0, 55.0), 1.0, 1.0, 1.0, 0.20, 5.0)
    np.testing.assert_allclose(fluxes, WORKED["lawn in the sun"][1], rtol=0, atol=0.006)


def test_at_night_only_longwave_is_left() -> None:
    night = radiant.cell_fluxes(0.0, 0.0, 0.0, -0.4, 27.0, 420.0, 0.0, 0.0, 0.5, 0.15, 20.0)
    assert night[:3] == (0.0, 0.0, 0.0)
    ldown, lup = night[3:]
    assert 420.0 < ldown < lup < 5.6696e-8 * 300.15**4


def test_a_sun_below_the_horizon_lights_no_ground() -> None:
    fluxes = radiant.cell_fluxes(5.0, 100.0, 5.0, -0.01, 27.0, 420.0, 1.0, 1.0, 1.0, 0.15, 20.0)
    assert fluxes[2] == pytest.approx(0.15 * 5.0)


def test_walls_replace_sky_in_steps_that_add_up() -> None:
    """Every flux is linear in the sky view factor but for the ground's small warming by it."""
    svf = np.array([0.0, 0.5, 1.0])
    _, kdown, _, ldown, _ = radiant.cell_fluxes(*SUN.values(), 33.0, 460.0, 0.0, 0.0, svf, 0.15, 0.0)
    assert kdown[1] == pytest.approx(0.5 * (kdown[0] + kdown[2]))
    assert ldown[1] == pytest.approx(0.5 * (ldown[0] + ldown[2]))
    assert kdown[2] == SUN["dhi"]
    assert ldown[2] == 460.0
    assert ldown[0] > 460.0


def test_black_surroundings_have_their_own_radiant_temperature() -> None:
    black = 5.6696e-8 * 303.15**4
    assert radiant.globe_radiant_temperature(0.0, 0.0, 0.0, black, black) == pytest.approx(30.0, abs=1e-9)


def test_kernels_may_call_it_and_get_the_same() -> None:
    @numba.njit(error_model="numpy")
    def inside(ta: float, svf: float) -> tuple[float, float, float, float, float]:
        return radiant.cell_fluxes(900.0, 800.0, 160.0, 0.92, ta, 460.0, 0.5, 0.5, svf, 0.15, 20.0)

    outside = radiant.cell_fluxes(900.0, 800.0, 160.0, 0.92, 33.0, 460.0, 0.5, 0.5, 0.7, 0.15, 20.0)
    np.testing.assert_allclose(inside(33.0, 0.7), outside, rtol=1e-14)


@pytest.mark.parametrize("missing", range(11))
def test_nan_in_nan_out(missing: int) -> None:
    values = [*SUN.values(), 33.0, 460.0, 0.5, 0.5, 0.7, 0.15, 20.0]
    values[missing] = np.nan
    assert np.isnan(radiant.cell_fluxes(*values)).any()
