"""Ground and walls: the table, the exchange with the air, and the daily wave."""

from __future__ import annotations

import numpy as np
import pytest

from heatrisk.physics import surface

DAY = 86_400.0
STEP = 600.0


def test_codes_are_those_of_land_cover_rasters_and_complete() -> None:
    assert [row.code for row in surface.LAND_COVER] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert surface.WALL.code == 0
    assert len({row.name for row in surface.LAND_COVER}) == 8
    assert len({row.name_ja for row in surface.LAND_COVER}) == 8


# Oke (1987), Boundary Layer Climates, tables 1.1 and 7.4: ranges of albedo and emissivity.
OKE = {
    "paved": ((0.05, 0.20), (0.95, 0.95)), "concrete": ((0.10, 0.35), (0.71, 0.91)),
    "grass": ((0.16, 0.26), (0.90, 0.95)), "bare soil": ((0.05, 0.40), (0.90, 0.98)),
    "water": ((0.03, 0.10), (0.92, 0.97)), "wall": ((0.20, 0.40), (0.90, 0.92)),
    "roof": ((0.08, 0.35), (0.90, 0.92)), "deciduous trees": ((0.15, 0.26), (0.90, 0.98)),
    "evergreen trees": ((0.05, 0.26), (0.90, 0.99)),
}  # fmt: skip


@pytest.mark.parametrize("row", [*surface.LAND_COVER, surface.WALL], ids=lambda row: row.name)
def test_numbers_lie_within_the_published_ranges(row: surface.LandCover) -> None:
    albedo, emissivity = OKE[row.name]
    assert albedo[0] <= row.albedo <= albedo[1]
    assert emissivity[0] <= row.emissivity <= emissivity[1]
    assert 600.0 <= row.admittance <= 2550.0 or row.name == "water"  # dry clay to saturated sand
    assert 0.0 <= row.moisture <= 1.0


def test_parameters_follow_the_rows() -> None:
    table = surface.parameters(surface.LAND_COVER)
    assert table.shape == (8, 4)
    assert tuple(table[4]) == surface.GRASS[3:]


def test_dry_ground_loses_heat_by_convection_alone() -> None:
    coefficient, offset = surface.heat_loss(30.0, 1008.0, 2.0, 0.0)
    assert (coefficient, offset) == (12.0, 0.0)  # ISO 6946: 4 + 4 v


def test_moist_ground_spends_most_of_the_energy_on_vapour() -> None:
    # de_s/dT at 30 °C is 2.434 hPa/K (WMO tables); the psychrometer's constant at 1000 hPa 0.662 hPa/K.
    coefficient, offset = surface.heat_loss(30.0, 1000.0, 1.0, 1.0)
    dry = 1.0 - 2.434 / (2.434 + 0.662)
    assert coefficient == pytest.approx(8.0 / dry, rel=0.01)
    assert offset == pytest.approx(20.0 / dry, rel=0.01)


def march(admittance: float, flux: np.ndarray, exchange: float, mean: float = 0.0) -> np.ndarray:
    """Temperature of a surface without emission under a given flux, air at 0 °C."""
    capacity, t, path = surface.heat_capacity(admittance), mean, []
    for now in flux:
        t = surface.stepped_temperature(t, mean, 0.0, now, 0.0, capacity, exchange, 0.0, STEP)
        path.append(t)
    return np.array(path)


@pytest.mark.parametrize("admittance", [600.0, 1205.0, 2200.0])
def test_a_daily_wave_into_a_deep_body(admittance: float) -> None:
    """Carslaw & Jaeger: a flux F sin(wt) into a half-space gives F / (mu sqrt(w)), late by 3 hours."""
    times = np.arange(0.0, 4 * DAY, STEP)
    omega = 2.0 * np.pi / DAY
    last = march(admittance, 100.0 * np.sin(omega * times), 0.0)[-144:]
    assert np.ptp(last) / 2.0 == pytest.approx(100.0 / (admittance * np.sqrt(omega)), rel=0.02)
    late = (np.argmax(last) * STEP - DAY / 4.0) / DAY
    assert late == pytest.approx(0.125, abs=0.015)


def test_heat_is_kept_between_the_surface_and_what_it_loses() -> None:
    """What a pulse brings in leaves again by convection and into the ground: no more, no less."""
    flux = np.zeros(2000)
    flux[0] = 500.0
    path = march(1205.0, flux, 10.0)
    restore = surface.DAILY_FREQUENCY * surface.heat_capacity(1205.0)
    assert (10.0 + restore) * path.sum() == pytest.approx(500.0, rel=1e-6)


def test_steps_of_any_length_stay_stable() -> None:
    for seconds in (600.0, 86_400.0, 1e7):
        t = 20.0
        for _ in range(200):
            t = surface.stepped_temperature(t, 20.0, 20.0, 900.0, 0.95, 1e4, 10.0, 0.0, seconds)
        balance = 900.0 - 0.95 * 5.6696e-8 * (t + 273.15) ** 4 - 10.0 * (t - 20.0)
        restore = surface.DAILY_FREQUENCY * 1e4 * (t - 20.0)
        assert balance - restore == pytest.approx(0.0, abs=0.01)


def test_nan_in_nan_out() -> None:
    good = [20.0, 20.0, 20.0, 400.0, 0.95, 1e5, 10.0, 0.0]
    for k in range(len(good)):
        assert np.isnan(surface.stepped_temperature(*good[:k], np.nan, *good[k + 1 :], STEP))
    assert np.isnan(surface.heat_loss(np.nan, 1000.0, 1.0, 1.0)).all()
