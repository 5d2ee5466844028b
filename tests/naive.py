"""Slow, obvious twins of the fast kernels: what the kernels must agree with.

They share no code with the package, not even a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import cache
from types import FunctionType
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Heights = NDArray[np.float64]

# --- WBGT: the heat balances as printed, solved by bisection ------------------------------------------------

SIGMA, CP, M_AIR, M_WATER, R_AIR = 5.6696e-8, 1003.5, 28.97, 18.015, 8314.34 / 28.97
PRANDTL = CP / (CP + 1.25 * R_AIR)


def bisect(balance: Callable[[float], float], low: float, high: float) -> float:
    """Root of a falling function by 90 halvings of a bracket."""
    assert balance(low) >= 0.0 >= balance(high)
    for _ in range(90):
        middle = 0.5 * (low + high)
        if balance(middle) > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def saturation(kelvin: float) -> float:
    return 1.004 * 6.1121 * math.exp(17.502 * (kelvin - 273.15) / (kelvin - 32.18))


def viscosity(kelvin: float) -> float:
    omega = 1.048 - 0.034 * (kelvin / 97.0 - 2.9) / 0.4
    return 2.6693e-6 * math.sqrt(M_AIR * kelvin) / (3.617**2 * omega)


def conductivity(kelvin: float) -> float:
    return (CP + 1.25 * R_AIR) * viscosity(kelvin)


def reynolds(kelvin: float, ps: float, va: float, diameter: float) -> float:
    return max(va, 0.13) * 100.0 * ps / (R_AIR * kelvin) * diameter / viscosity(kelvin)


def radiant_fourth(dni: float, kdown: float, kup: float, ldown: float, lup: float) -> float:
    """Fourth power of the globe radiant temperature. [K4]."""
    return (0.5 * (ldown + lup) + 0.25 * dni + 0.5 * (kdown + kup)) / SIGMA


def globe_liljegren(ta: float, ps: float, va: float, trg4: float) -> float:
    air = ta + 273.15

    def balance(t: float) -> float:
        film = 0.5 * (t + air)
        nusselt = 2.0 + 0.6 * math.sqrt(reynolds(film, ps, va, 0.0508)) * PRANDTL**0.3333
        return 0.95 * SIGMA * (trg4 - t**4) - nusselt * conductivity(film) / 0.0508 * (t - air)

    return bisect(balance, 100.0, 1800.0) - 273.15


def globe_iso7726(ta: float, va: float, trg4: float) -> float:
    air = ta + 273.15

    def balance(t: float) -> float:
        h = max(6.3 * va**0.6 / 0.15**0.4, 1.4 * (abs(t - air) / 0.15) ** 0.25)
        return 0.95 * SIGMA * (trg4 - t**4) - h * (t - air)

    return bisect(balance, 100.0, 1800.0) - 273.15


def natural_wet_bulb(
    ta: float, rh: float, ps: float, va: float,
    dni: float, cosz: float, kdown: float, kup: float, ldown: float, lup: float,
) -> float:  # fmt: skip
    air, vapour = ta + 273.15, rh / 100.0 * saturation(ta + 273.15)
    gamma, up = 0.007 / (4.0 * 0.0254), max(cosz, 0.0)
    beam = dni * (math.sqrt(1.0 - up**2) / math.pi + up * gamma)
    absorbed = 0.95 * 0.5 * (ldown + lup) + 0.6 * (kdown * (1.0 + gamma) + beam + kup)

    def balance(t: float) -> float:
        film = 0.5 * (t + air)
        rho = 100.0 * ps / (R_AIR * film)
        dv = (
            3.640e-4 * (film / math.sqrt(132.0 * 647.3)) ** 2.334 * (36.4 * 218.0) ** (1 / 3)
            * (132.0 * 647.3) ** (5 / 12) * math.sqrt(1 / M_AIR + 1 / M_WATER) / (ps / 1013.25) * 1e-4
        )  # fmt: skip
        schmidt = viscosity(film) / (rho * dv)
        heat = 2.4073e6 - 71100.0 * (313.15 - film) / 30.0
        h = 0.281 * reynolds(film, ps, va, 0.007) ** 0.6 * PRANDTL**0.44 * conductivity(film) / 0.007
        drying = (saturation(t) - vapour) / (ps - saturation(t)) * (PRANDTL / schmidt) ** 0.56
        return air - heat / (CP * M_AIR / M_WATER) * drying + (absorbed - 0.95 * SIGMA * t**4) / h - t

    boiling = bisect(lambda t: ps - saturation(t), 200.0, 400.0)
    return bisect(balance, 150.0, boiling - 1e-4) - 273.15


def psychrometric_wet_bulb(ta: float, rh: float, ps: float) -> float:
    vapour = rh / 100.0 * saturation(ta + 273.15) / 1.004

    def balance(t: float) -> float:
        return vapour + 6.62e-4 * ps * (ta + 273.15 - t) - saturation(t) / 1.004

    return bisect(balance, 150.0, ta + 273.2) - 273.15


def sensors(
    ta: float, rh: float, ps: float, va: float,
    dni: float, cosz: float, kdown: float, kup: float, ldown: float, lup: float,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Both globes, natural and psychrometric wet bulb."""
    trg4 = radiant_fourth(dni, kdown, kup, ldown, lup)
    return (
        globe_liljegren(ta, ps, va, trg4),
        globe_iso7726(ta, va, trg4),
        natural_wet_bulb(ta, rh, ps, va, dni, cosz, kdown, kup, ldown, lup),
        psychrometric_wet_bulb(ta, rh, ps),
    )


# --- shade: one ray per cell, every cell on its way ---------------------------------------------------------


def ray_cells(
    row: int, column: int, rows: int, columns: int, azimuth: float, aside: float = 0.0
) -> Iterator[tuple[int, int, float, float]]:
    """Cells on the way from a cell's middle to the sun, each with the distances [cells] of entry and exit.

    Amanatides & Woo (1987), section 2; a ray through a corner enters neither of the two cells beside it.
    ``aside`` moves the start along the axis that the ray is steeper to, -0.5 to 0.5.
    """
    south, east = -math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))
    per_row = 1.0 / abs(south) if abs(south) > 1e-12 else math.inf
    per_column = 1.0 / abs(east) if abs(east) > 1e-12 else math.inf
    by_rows = abs(south) >= abs(east)
    down, right = (0.0, aside) if by_rows else (aside, 0.0)
    next_row = (0.5 - down if south > 0 else 0.5 + down) * per_row
    next_column, entry = (0.5 - right if east > 0 else 0.5 + right) * per_column, 0.0
    while 0 <= row < rows and 0 <= column < columns:
        leave = min(next_row, next_column)
        yield row, column, entry, leave
        by_row, by_column = next_row <= leave + 1e-9, next_column <= leave + 1e-9
        if by_row:
            row, next_row = row + (1 if south > 0 else -1), next_row + per_row
        if by_column:
            column, next_column = column + (1 if east > 0 else -1), next_column + per_column
        entry = leave


def sunlit(dsm: Heights, cell_size: float, zenith: float, azimuth: float, aside: float = 0.0) -> Heights:
    """1 where no column rises above the ray from the middle of a cell's top to the sun, else 0."""
    lit = np.full(dsm.shape, np.nan)
    rise = cell_size / math.tan(math.radians(zenith))
    for row in range(dsm.shape[0]):
        for column in range(dsm.shape[1]):
            if not math.isnan(dsm[row, column]):
                lit[row, column] = 1.0
                for i, j, entry, _ in ray_cells(row, column, dsm.shape[0], dsm.shape[1], azimuth, aside):
                    if entry > 0.0 and dsm[i, j] > dsm[row, column] + entry * rise:
                        lit[row, column] = 0.0
    return lit


def veiled(
    crown_top: Heights, crown_base: Heights, receptor: float, zenith: float, azimuth: float
) -> Heights:
    """1 where the ray from a receptor on level ground passes a crown (a box over its 1 m cell), else 0."""
    out = np.zeros(crown_top.shape)
    rise = 1.0 / math.tan(math.radians(zenith))
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            for i, j, entry, leave in ray_cells(row, column, out.shape[0], out.shape[1], azimuth):
                low, high = receptor + entry * rise, receptor + leave * rise
                if crown_top[i, j] > 0.0 and crown_base[i, j] <= high and low <= crown_top[i, j]:
                    out[row, column] = 1.0
    return out


def way_in_crowns(
    crown_top: Heights, crown_base: Heights, receptor: float, zenith: float, azimuth: float
) -> Heights:
    """Metres that the ray from a receptor on level ground to the sun runs in crowns, boxes over 1 m cells."""
    way = np.zeros(crown_top.shape)
    rise = 1.0 / math.tan(math.radians(zenith))
    for row in range(way.shape[0]):
        for column in range(way.shape[1]):
            for i, j, entry, leave in ray_cells(row, column, way.shape[0], way.shape[1], azimuth):
                if crown_top[i, j] > 0.0:
                    low = max(receptor + entry * rise, crown_base[i, j])
                    high = min(receptor + leave * rise, crown_top[i, j])
                    way[row, column] += max(0.0, high - low) / math.cos(math.radians(zenith))
    return way


def sky_view(dsm: Heights, cell_size: float, row: int, column: int, azimuths: int) -> float:
    """1 - mean of sin^2 of the horizon around one cell."""
    hidden = 0.0
    for k in range(azimuths):
        tangent = 0.0
        for i, j, entry, _ in ray_cells(
            row, column, dsm.shape[0], dsm.shape[1], (k + 0.5) * 360.0 / azimuths
        ):
            if entry > 0.0:
                tangent = max(tangent, (dsm[i, j] - dsm[row, column]) / (entry * cell_size))
        hidden += tangent**2 / (1.0 + tangent**2)
    return 1.0 - hidden / azimuths


@cache
def compiled(twin: Callable[..., Any]) -> Callable[..., Any]:
    """Compile one of the shade twins, for towns on which plain Python would take hours."""
    rays = {**twin.__globals__, "ray_cells": numba.njit(ray_cells)}
    jitted: Callable[..., Any] = numba.njit(FunctionType(twin.__code__, rays))
    return jitted
