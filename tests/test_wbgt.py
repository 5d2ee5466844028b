"""WBGT against the published program, against an independent solver, and against the laws it must keep."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from heatrisk.physics import balance, wbgt
from heatrisk.physics.air import dew_point, saturation_vapour_pressure, sky_longwave, wind_at_height
from heatrisk.physics.constants import EUCKEN_HEAT
from heatrisk.physics.irradiance import direct_fraction
from heatrisk.physics.radiant import globe_radiant_temperature, longwave, shortwave
from tests import naive

REFERENCE = Path(__file__).parent / "reference"
WEATHER = {"ta": 33.0, "rh": 55.0, "ps": 1008.0, "va": 1.0}
FLUXES = {"dni": 800.0, "cosz": 0.9, "kdown": 160.0, "kup": 180.0, "ldown": 460.0, "lup": 520.0}


def columns(table: pd.DataFrame, names: str) -> list[np.ndarray]:
    return [table[name].to_numpy() for name in names.split()]


# --- reference: the published program (Liljegren et al. 2008), see tests/reference/README.md ---------------


def test_program_all_rows() -> None:
    rows = pd.read_csv(REFERENCE / "liljegren.csv")
    given = columns(rows, "ta_c rh_pct pres_hpa wind2m_ms ghi_wm2 fdir cosz")
    converged = rows["orig_converged"].to_numpy() == 1
    assert converged.sum() > 1200
    for value, name in zip(wbgt.liljegren(*given), ("Tg", "Tnwb", "wbgt"), strict=True):
        assert np.isfinite(value).all()
        np.testing.assert_allclose(value, rows[f"{name}_c_exact"], rtol=0, atol=0.002)
        np.testing.assert_allclose(value[converged], rows[f"{name}_c_orig64"][converged], rtol=0, atol=0.02)


def test_program_whole_path_from_mast_wind() -> None:
    rows = pd.read_csv(REFERENCE / "liljegren_fulltime_mitaka.csv")
    ta, rh, ps, va, ghi, cosz, fdir = columns(rows, "ta_c rh_pct pres_hpa wind10m_ms ghi_wm2 cosz fdir")
    days = pd.to_datetime(rows[["year", "month", "day"]]).dt.day_of_year.to_numpy()
    # Distance of the earth, to 0.0002 of its mean: enough for the direct share to agree within 0.002.
    distance = 1.0 - 0.01671 * np.cos(np.radians(0.9856 * (days - 4.0)))
    wind = wind_at_height(va, 10.0, ghi, cosz)
    np.testing.assert_allclose(wind, rows["wind2m_ms"], rtol=0, atol=1e-5)
    direct = direct_fraction(ghi, cosz, distance)
    np.testing.assert_allclose(direct, fdir, rtol=0, atol=0.002)
    for share, bound in ((fdir, 0.02), (direct, 0.025)):
        computed = wbgt.liljegren(ta, rh, ps, wind, rows["ghi_adj"], share, cosz)
        for value, name in zip(computed, ("Tg_c", "Tnwb_c", "wbgt_c"), strict=True):
            np.testing.assert_allclose(value, rows[name], rtol=0, atol=bound)


# Exact roots of the program's equations, ps 1008: ta rh va ghi fdir cosz, then tg tnwb wbgt.
PROGRAM = [
    ((33, 55, 0.5, 900, 0.82, 0.92), (56.683, 29.423, 35.233)),
    ((33, 55, 1, 900, 0.82, 0.92), (52.259, 28.140, 33.450)),
    ((33, 55, 2, 900, 0.82, 0.92), (48.191, 27.227, 31.997)),
    ((30, 65, 1, 700, 0.70, 0.75), (47.060, 27.342, 31.551)),
    ((25, 60, 1, 500, 0.60, 0.60), (38.197, 22.123, 25.625)),
    ((38, 40, 1, 950, 0.82, 0.92), (57.965, 29.009, 35.699)),
]


@pytest.mark.parametrize(("given", "expected"), PROGRAM)
def test_program_worked_examples(given: tuple[float, ...], expected: tuple[float, ...]) -> None:
    ta, rh, va, ghi, fdir, cosz = given
    np.testing.assert_allclose(wbgt.liljegren(ta, rh, 1008, va, ghi, fdir, cosz), expected, rtol=0, atol=6e-4)


# --- reference: an independent solver of the flux form, see tests/reference/README.md ----------------------

FLUX_ROW = "ta_c rh_pct pres_hpa wind_ms dni_cell cosz k_dif_down k_up l_down l_up"


def test_fluxes_all_columns() -> None:
    rows = pd.read_csv(REFERENCE / "urban_flux.csv")
    given = columns(rows, FLUX_ROW)
    radiant = globe_radiant_temperature(given[4], *given[6:])
    computed = (radiant, *wbgt.sensors(*given), *wbgt.from_fluxes(*given))
    names = "Tr_globe_c Tg50_c Tg150_iso7726_c Tnwb_c Tpsy_c wbgt_moeconv_c wbgt_iso50_c"
    for value, expected in zip(computed, columns(rows, names), strict=True):
        np.testing.assert_allclose(value, expected, rtol=0, atol=0.001)


# The worked cells: va 1, ps 1008; ta rh, I Kd Ku Ld Lu; then Tg50, Tg150 ISO, Tnwb, Tpsy, iso, moe.
CELLS = {
    "lawn in the sun": (
        (33, 55, 802.17, 162.0, 180.0, 460.71, 527.88),
        (48.310, 50.311, 27.430, 25.521, 32.163, 31.227),
    ),
    "asphalt in the sun": (
        (33, 55, 802.17, 157.05, 107.41, 467.07, 632.81),
        (48.998, 51.083, 27.467, 25.521, 32.326, 31.381),
    ),
    "building shade": (
        (33, 55, 0, 142.2, 21.33, 481.29, 516.05),
        (36.483, 36.960, 26.239, 25.521, 28.964, 28.557),
    ),
    "tree shade": (
        (33, 55, 40.11, 122.4, 31.86, 487.61, 503.76),
        (36.584, 37.075, 26.209, 25.521, 28.963, 28.580),
    ),
    "lawn at night": (
        (28, 75, 0, 0, 0, 432.82, 458.79),
        (27.117, 26.991, 24.374, 24.478, 25.285, 25.333),
    ),
}


@pytest.mark.parametrize("cell", CELLS)
def test_fluxes_worked_cells(cell: str) -> None:
    (ta, rh, dni, *radiation), expected = CELLS[cell]
    given = (ta, rh, 1008, 1.0, dni, 0.92, *radiation)
    moe, iso = wbgt.from_fluxes(*given)
    np.testing.assert_allclose((*wbgt.sensors(*given), iso, moe), expected, rtol=0, atol=0.0012)


def test_properties_of_air_at_33_degrees() -> None:
    assert saturation_vapour_pressure(33.0) == pytest.approx(50.5215, abs=5e-5)
    assert balance.viscosity(306.15) == pytest.approx(1.87240e-5, abs=5e-11)
    assert EUCKEN_HEAT * balance.viscosity(306.15) == pytest.approx(0.0255068, abs=5e-8)
    assert balance.diffusivity(306.15, 1008.0) == pytest.approx(2.76800e-5, abs=5e-11)
    assert balance.heat_of_evaporation(306.15) == pytest.approx(2_390_710, abs=0.5)
    assert balance.sphere_convection(310.0, 1008.0, 1.0, 0.0508) == pytest.approx(16.1709, abs=5e-5)
    assert balance.wick_convection(304.0, 1008.0, 1.0) == pytest.approx(34.0543, abs=5e-5)


# --- twin: the same balances by bisection, over weather far beyond any summer ------------------------------


def test_every_corner_of_weather_agrees_with_bisection() -> None:
    corners = np.stack(
        np.meshgrid([-30.0, 5.0, 38.0, 55.0], [0.0, 1.0, 100.0], [550.0, 1030.0], [0.0, 0.3, 12.0],
                    [0.0, 950.0], [-0.2, 0.0, 0.01, 1.0], [0.0, 400.0]), axis=-1,
    ).reshape(-1, 7)  # fmt: skip
    ta, rh, ps, va, dni, cosz, diffuse = corners.T
    ldown, lup = sky_longwave(ta, rh), sky_longwave(ta, rh, 1.0)
    given = (ta, rh, ps, va, dni, cosz, diffuse, 0.3 * diffuse, ldown, lup)
    fast = np.stack(wbgt.sensors(*given), axis=1)
    slow = np.array([naive.sensors(*map(float, row)) for row in zip(*given, strict=True)])
    np.testing.assert_allclose(fast, slow, rtol=0, atol=0.001)


@pytest.mark.parametrize("radiation", [5.0, 50.0, 5e3, 1e5])
def test_absurd_radiation_still_has_its_root(radiation: float) -> None:
    given = (20.0, 50.0, 600.0, 0.0, radiation, 0.3, radiation, radiation, radiation, radiation)
    np.testing.assert_allclose(wbgt.sensors(*given), naive.sensors(*given), rtol=0, atol=0.002)


# --- laws --------------------------------------------------------------------------------------------------


def test_flux_form_with_the_programs_ground_and_sky_is_the_program() -> None:
    ta, rh, ps, va, ghi, fdir, cosz = 33.0, 55.0, 1008.0, 1.0, 900.0, 0.82, 0.92
    lup = 0.999 * 5.6696e-8 * (ta + 273.15) ** 4
    dni = ghi * fdir / cosz
    _, iso = wbgt.from_fluxes(
        ta, rh, ps, va, dni, cosz, ghi * (1 - fdir), 0.45 * ghi, sky_longwave(ta, rh), lup
    )
    assert iso == pytest.approx(wbgt.liljegren(ta, rh, ps, va, ghi, fdir, cosz)[2], abs=1e-9)


NAN_CASES = [
    *((wbgt.liljegren, {**WEATHER, "ghi": 800.0, "fdir": 0.7, "cosz": 0.9}, name)
      for name in ("ta", "rh", "ps", "va", "ghi", "fdir", "cosz")),
    *((wbgt.from_fluxes, WEATHER | FLUXES, name) for name in WEATHER | FLUXES),
    *((wbgt.sensors, WEATHER | FLUXES, name) for name in WEATHER | FLUXES),
    *((wbgt.ono, {"ta": 33.0, "rh": 55.0, "ghi": 800.0, "va": 1.0}, name)
      for name in ("ta", "rh", "ghi", "va")),
]  # fmt: skip


@pytest.mark.parametrize(("index", "given", "missing"), NAN_CASES)
def test_nan_in_nan_out(index, given, missing) -> None:
    two = {**given, missing: np.array([given[missing], np.nan])}
    out = np.atleast_2d(index(**two))
    assert np.isfinite(out[:, 0]).all()
    assert np.isnan(out[:, 1]).all()


OUTSIDE = {
    "ta": (-51, 61), "rh": (-1, 101), "ps": (499, 1101), "va": (-0.1, 101), "cosz": (-1.1, 1.1),
    **dict.fromkeys(("dni", "kdown", "kup", "ldown", "lup"), (-1, 1e6, math.inf)),
}  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_out_of_domain_is_nan(name: str) -> None:
    for value in OUTSIDE[name]:
        assert np.isnan(wbgt.from_fluxes(**(WEATHER | FLUXES | {name: value}))).all()


@pytest.mark.parametrize(("name", "value"), [("ghi", -1.0), ("fdir", -0.1), ("fdir", 1.1), ("cosz", 1.1)])
def test_program_out_of_domain_is_nan(name: str, value: float) -> None:
    given = {**WEATHER, "ghi": 800.0, "fdir": 0.7, "cosz": 0.9, name: value}
    assert np.isnan(wbgt.liljegren(**given)).all()


@pytest.mark.parametrize(
    ("name", "path", "step"),
    [("cosz", (-0.05, 0.1), 0.02), ("va", (0.0, 0.4), 0.02), ("rh", (0.0, 3.0), 0.02),
     ("rh", (97.0, 100.0), 0.02)],
)  # fmt: skip
def test_no_jump_at_sunset_calm_or_the_ends_of_humidity(name, path, step) -> None:
    walk = np.linspace(*path, 2001)
    values = np.stack(wbgt.from_fluxes(**(WEATHER | FLUXES | {name: walk})))
    assert np.isfinite(values).all()
    assert np.abs(np.diff(values)).max() < step


def test_more_sun_is_never_cooler_and_more_wind_never_hotter_in_the_sun() -> None:
    sun = np.array(wbgt.from_fluxes(**(WEATHER | FLUXES | {"dni": np.linspace(0, 1000, 201)})))
    wind = np.array(wbgt.from_fluxes(**(WEATHER | FLUXES | {"va": np.linspace(0, 10, 201)})))
    assert (np.diff(sun) > 0).all()
    assert (np.diff(wind) < 1e-6).all()


def test_in_a_black_body_at_air_temperature_the_globe_is_at_air_temperature() -> None:
    black = 5.6696e-8 * (30.0 + 273.15) ** 4
    tg_iso, tg_moe, tnwb, tpsy = wbgt.sensors(30.0, 100.0, 1000.0, 1.0, 0.0, 0.5, 0.0, 0.0, black, black)
    np.testing.assert_allclose((tg_iso, tg_moe, tnwb, tpsy), 30.0, rtol=0, atol=1e-6)


def test_inputs_broadcast_and_shape_is_kept() -> None:
    ta, va = np.array([[25.0], [30.0], [35.0]]), np.array([0.5, 1.0])
    moe, iso = wbgt.from_fluxes(**(WEATHER | FLUXES | {"ta": ta, "va": va}))
    assert moe.shape == iso.shape == (3, 2)
    one = wbgt.from_fluxes(**(WEATHER | FLUXES | {"ta": 30, "va": 1}))
    assert (moe[1, 1], iso[1, 1]) == one
    assert np.ndim(one[0]) == 0
    empty = wbgt.from_fluxes(**(WEATHER | FLUXES | {"ta": np.empty((0, 4))}))[0]
    assert empty.shape == (0, 4)


def test_threads_change_nothing() -> None:
    n = 3 * wbgt.BLOCK + 17
    ta = np.random.default_rng(7).uniform(20.0, 40.0, n)
    ta.flags.writeable = False
    whole = np.stack(wbgt.from_fluxes(**(WEATHER | FLUXES | {"ta": ta})))
    pieces = np.array_split(ta, 9)
    parts = [np.stack(wbgt.from_fluxes(**(WEATHER | FLUXES | {"ta": piece}))) for piece in pieces]
    assert np.array_equal(whole, np.concatenate(parts, axis=1))


# --- contrast of sun and shade: bands of published measurements (Tsukuba, Nagoya, Tokyo) -------------------


def contrast(
    *, ta: float = 33.0, rh: float = 55.0, va: float = 1.5, dni: float = 800.0, dhi: float = 160.0,
    cosz: float = 0.85, beam: float = 0.0, svf: float = 0.6,
) -> float:  # fmt: skip
    """Official-convention WBGT of sunny pavement less that of shaded pavement in the same street."""
    sky, ghi = sky_longwave(ta, rh), dni * max(cosz, 0.0) + dhi

    def place(share: float, view: float) -> float:
        """Value of paved ground 20 K warmer than the air under 900 W m-2, walls 5 K under half of that."""
        short = shortwave(dni, dhi, cosz, share, view, view, 0.125 * ghi, 0.0, 0.15)
        walls = 5.67e-8 * (ta + 273.15 + 5.0 * ghi / 900.0) ** 4
        ground = ta + 20.0 * short[1] / 0.15 / 900.0
        long = longwave(sky, ta, view, view, walls, 0.0, ground, 0.95)
        return float(wbgt.from_fluxes(ta, rh, 1008, va, share * dni, cosz, *short, *long)[0])

    return place(1.0, 0.8) - place(beam, svf)


@pytest.mark.parametrize("dni", [700.0, 800.0, 900.0])
@pytest.mark.parametrize("va", [1.0, 1.5, 2.5])
def test_shade_of_trees_and_buildings_in_the_published_bands(dni: float, va: float) -> None:
    assert 1.3 <= contrast(dni=dni, va=va, beam=0.1, svf=0.3) <= 3.0
    assert 1.7 <= contrast(dni=dni, va=va, beam=0.0, svf=0.4) <= 3.3


def test_little_contrast_under_clouds_and_at_night() -> None:
    assert 0.0 <= contrast(dni=80.0, dhi=250.0) <= 1.0
    assert abs(contrast(ta=28.0, rh=75.0, dni=0.0, dhi=0.0, cosz=-0.3)) <= 0.4


# --- Ono & Tonouchi (2014) ---------------------------------------------------------------------------------


def test_ono_by_hand() -> None:
    by_hand = 0.735 * 33 + 0.0374 * 55 + 0.00292 * 33 * 55 + 7.619 * 0.6 - 4.557 * 0.36 - 0.0572 * 2 - 4.064
    assert wbgt.ono(33, 55, 600, 2) == pytest.approx(by_hand, abs=1e-12)
    assert wbgt.ono(33, 55, 836, 2) > wbgt.ono(33, 55, 1000, 2)
    assert np.isnan(wbgt.ono(33, [-1, 55, 55], [0, -1, 0], [0, 0, -1])).all()


def test_dew_point_undoes_vapour_pressure() -> None:
    t = np.linspace(-40.0, 50.0, 91)
    np.testing.assert_allclose(dew_point(saturation_vapour_pressure(t)), t, rtol=0, atol=1e-9)
