"""Moist air: humidity, wet bulb, transport properties, wind at 2 m."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from heatrisk.physics.constants import (
    BUCK_OFFSET,
    BUCK_PRESSURE,
    BUCK_SLOPE,
    EVAPORATION_SLOPE,
    GAS_CONSTANT_AIR,
    KELVIN,
    MOIST_AIR_FACTOR,
    MOLAR_MASS_AIR,
    MOLAR_MASS_WATER,
    PSYCHROMETER,
    SIGMA,
    WIND_MIN,
)
from heatrisk.physics.kernel import formula

Number: TypeAlias = Any  # a float, or a float64 array: the formulas broadcast, and kernels compile them

# Exponent of the wind profile over a town for the stability classes A-F (EPA-454/R-99-005, section 6.2.5).
URBAN_WIND_EXPONENT = np.array([0.15, 0.15, 0.20, 0.25, 0.30, 0.30])
RURAL_WIND_EXPONENT = np.array([0.07, 0.07, 0.10, 0.15, 0.35, 0.55])

# Stability class, 0 = A to 5 = F, by solar radiation and temperature gradient (EPA-454/R-99-005).
DAY_WIND_STEPS = np.array([2.0, 3.0, 5.0, 6.0])  # [m s-1]
DAY_GHI_STEPS = np.array([175.0, 675.0, 925.0])  # [W m-2]
DAY_STABILITY = np.array([[3, 1, 0, 0], [3, 2, 1, 0], [3, 2, 1, 1], [3, 3, 2, 2], [3, 3, 3, 2]])
NIGHT_WIND_STEPS = np.array([2.0, 2.5])  # [m s-1]
NIGHT_STABILITY = np.array([[4, 5], [4, 5], [3, 3]])  # columns: lapse, inversion


@formula
def saturation_vapour_pressure(ta: Number) -> Number:
    """Saturation vapour pressure over water in moist air.

    ``e_s = 1.004 * 6.1121 * exp(17.502 ta / (ta + 240.97))``

    Parameters
    ----------
    ta : float or array
        Temperature. [°C]

    Returns
    -------
    float or array
        Saturation vapour pressure. [hPa]

    References
    ----------
    Buck, A. L. (1981). New equations for computing vapor pressure and enhancement factor.
    J. Appl. Meteorol. 20, 1527-1532.
    """
    return MOIST_AIR_FACTOR * BUCK_PRESSURE * np.exp(BUCK_SLOPE * ta / (ta + BUCK_OFFSET))


@formula
def saturation_slope(ta: Number) -> Number:
    """Change of the logarithm of the saturation vapour pressure with temperature.

    ``d(ln e_s)/dT = 17.502 * 240.97 / (ta + 240.97)²``

    Parameters
    ----------
    ta : float or array
        Temperature. [°C]

    Returns
    -------
    float or array
        Relative slope. [K-1]
    """
    return BUCK_SLOPE * BUCK_OFFSET / (ta + BUCK_OFFSET) ** 2


@formula
def vapour_pressure(ta: Number, rh: Number) -> Number:
    """Vapour pressure of air of a given relative humidity.

    ``e = rh / 100 * e_s(ta)``

    Parameters
    ----------
    ta : float or array
        Air temperature. [°C]
    rh : float or array
        Relative humidity. [%]

    Returns
    -------
    float or array
        Vapour pressure. [hPa]
    """
    return rh / 100.0 * saturation_vapour_pressure(ta)


@formula
def dew_point(vapour: Number) -> Number:
    """Temperature at which a vapour pressure saturates the air: the inverse of Buck's equation.

    ``z = ln(e / (1.004 * 6.1121)); T_d = 240.97 z / (17.502 - z)``

    Parameters
    ----------
    vapour : float or array
        Vapour pressure, above 0. [hPa]

    Returns
    -------
    float or array
        Dew point. [°C]
    """
    z = np.log(vapour / (MOIST_AIR_FACTOR * BUCK_PRESSURE))
    return BUCK_OFFSET * z / (BUCK_SLOPE - z)


@formula
def psychrometric_wet_bulb(ta: Number, rh: Number, ps: Number) -> Number:
    """Wet bulb of a ventilated psychrometer: the wet bulb of ``wbgt_moe``, blind to sun and wind.

    The root of ``e' = e_s'(T) - A * ps * (ta - T)`` with ``A = 6.62e-4 K⁻¹`` and pressures without the
    moist-air factor. The left side is smooth and convex in T, so that three steps of Halley's method from
    the air temperature come within 3e-6 K of the root between -50 and 60 °C.

    Parameters
    ----------
    ta : float or array
        Air temperature. [°C]
    rh : float or array
        Relative humidity, 0 to 100. [%]
    ps : float or array
        Pressure of the air. [hPa]

    Returns
    -------
    float or array
        Psychrometric wet bulb. [°C]

    References
    ----------
    Sprung's formula for the ventilated psychrometer, as in JIS Z 8806. The Ministry of the Environment does
    not publish its approximation of the wet bulb; that it is this one is an assumption.
    """
    vapour = vapour_pressure(ta, rh) / MOIST_AIR_FACTOR
    tpsy = ta
    for _ in range(3):
        saturated = saturation_vapour_pressure(tpsy) / MOIST_AIR_FACTOR
        slope = saturation_slope(tpsy)
        excess = saturated - PSYCHROMETER * ps * (ta - tpsy) - vapour
        first = saturated * slope + PSYCHROMETER * ps
        second = saturated * slope * (slope - 2.0 / (tpsy + BUCK_OFFSET))
        tpsy = tpsy - excess * first / (first * first - 0.5 * excess * second)
    return tpsy


@formula
def viscosity(kelvin: Number) -> Number:
    """Dynamic viscosity of air by the kinetic theory of gases.

    Parameters
    ----------
    kelvin : float or array
        Film temperature. [K]

    Returns
    -------
    float or array
        Dynamic viscosity. [kg m-1 s-1]

    References
    ----------
    Bird, Stewart & Lightfoot (1960). Transport Phenomena, p. 23.
    """
    collision = 1.048 - 0.034 * (kelvin / 97.0 - 2.9) / 0.4
    return 2.6693e-6 * np.sqrt(MOLAR_MASS_AIR * kelvin) / (3.617**2 * collision)


@formula
def density(kelvin: Number, ps: Number) -> Number:
    """Density of air as an ideal gas.

    Parameters
    ----------
    kelvin : float or array
        Temperature. [K]
    ps : float or array
        Pressure. [hPa]

    Returns
    -------
    float or array
        Density. [kg m-3]
    """
    return 100.0 * ps / (GAS_CONSTANT_AIR * kelvin)


@formula
def diffusivity(kelvin: Number, ps: Number) -> Number:
    """Diffusivity of water vapour in air.

    Parameters
    ----------
    kelvin : float or array
        Film temperature. [K]
    ps : float or array
        Pressure. [hPa]

    Returns
    -------
    float or array
        Diffusivity. [m2 s-1]

    References
    ----------
    Bird, Stewart & Lightfoot (1960). Transport Phenomena, p. 505: Slattery and Bird, with the critical
    temperatures (132 and 647.3 K) and pressures (36.4 and 218 atm) of air and water.
    """
    critical_pressure = (36.4 * 218.0) ** (1.0 / 3.0)
    critical_temperature = (132.0 * 647.3) ** (5.0 / 12.0)
    mass = np.sqrt(1.0 / MOLAR_MASS_AIR + 1.0 / MOLAR_MASS_WATER)
    reduced = (kelvin / np.sqrt(132.0 * 647.3)) ** 2.334
    return 3.640e-8 * reduced * critical_pressure * critical_temperature * mass / (ps / 1013.25)


@formula
def heat_of_evaporation(kelvin: Number) -> Number:
    """Heat of evaporation of water, as the published program has it.

    ``2.4073e6 - 71100 (313.15 - T) / 30``. The program's sign, kept so that its reference numbers hold;
    nature's is the opposite (see ``EVAPORATION_SLOPE``).

    Parameters
    ----------
    kelvin : float or array
        Film temperature. [K]

    Returns
    -------
    float or array
        Heat of evaporation. [J kg-1]

    References
    ----------
    Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655, after Van Wylen & Sonntag.
    """
    return 2.4073e6 - EVAPORATION_SLOPE * (313.15 - kelvin) / 30.0


@formula
def sky_longwave(ta: Number, rh: Number, cloud: Number = 0.0) -> Number:
    """Long-wave radiation of the sky as the published WBGT program has it; for places see `sky_emission`.

    ``(ε (1 - n) + n) σ T⁴``, ``ε = 0.575 e^0.143``: a cloud is a black body at air temperature.

    Parameters
    ----------
    ta : float or array
        Air temperature. [°C]
    rh : float or array
        Relative humidity. [%]
    cloud : float or array, optional
        Share of the sky under clouds, 0 to 1. [1]

    Returns
    -------
    float or array
        Downward long-wave radiation. [W m-2]

    References
    ----------
    Oke (1987). Boundary Layer Climates, 2nd ed.; Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655.
    """
    clear = 0.575 * vapour_pressure(ta, rh) ** 0.143
    return (clear * (1.0 - cloud) + cloud) * SIGMA * (ta + KELVIN) ** 4


def stability_class(
    va: npt.ArrayLike, ghi: npt.ArrayLike, cosz: npt.ArrayLike, inversion: npt.ArrayLike = False
) -> npt.NDArray[np.intp]:
    """Pasquill stability class by solar radiation and, at night, temperature gradient.

    Parameters
    ----------
    va : array_like
        Wind speed at the mast. [m s-1]
    ghi : array_like
        Global horizontal irradiance. [W m-2]
    cosz : array_like
        Cosine of the sun's zenith angle; day where it is above 0. [1]
    inversion : array_like of bool, optional
        Whether the air at night is warmer above than below. Seldom so over a town.

    Returns
    -------
    array of int
        0 for A (very unstable) to 5 for F (very stable).

    References
    ----------
    EPA (2000). Meteorological Monitoring Guidance for Regulatory Modeling Applications,
    EPA-454/R-99-005.
    """
    speed, sun = np.asarray(va, dtype=np.float64), np.asarray(ghi, dtype=np.float64)
    by_day = DAY_STABILITY[np.digitize(speed, DAY_WIND_STEPS), np.digitize(sun, DAY_GHI_STEPS)]
    by_night = NIGHT_STABILITY[np.digitize(speed, NIGHT_WIND_STEPS), np.asarray(inversion, dtype=np.intp)]
    return np.where(np.asarray(cosz) > 0.0, by_day, by_night)


def wind_at_height(
    va: npt.ArrayLike,
    height: npt.ArrayLike,
    ghi: npt.ArrayLike,
    cosz: npt.ArrayLike,
    *,
    target: float = 2.0,
    urban: bool = True,
    inversion: npt.ArrayLike = False,
) -> npt.NDArray[np.float64]:
    """Wind speed carried from the mast down to the height of people by the power law.

    ``u = max(u_z (target / z)^p, 0.13)`` with the exponent ``p`` of the stability class.

    Parameters
    ----------
    va : array_like
        Wind speed at the mast. [m s-1]
    height : array_like
        Height of the mast's anemometer. [m]
    ghi : array_like
        Global horizontal irradiance. [W m-2]
    cosz : array_like
        Cosine of the sun's zenith angle. [1]
    target : float, optional
        Height wanted. [m]
    urban : bool, optional
        Exponents over a town, or over open country.
    inversion : array_like of bool, optional
        See `stability_class`.

    Returns
    -------
    array
        Wind speed, never below 0.13, NaN where an input is NaN. [m s-1]

    References
    ----------
    EPA (2000). EPA-454/R-99-005, section 6.2.5, as used by Liljegren et al. (2008).
    """
    speed, z, sun, cosine = (np.asarray(x, dtype=np.float64) for x in (va, height, ghi, cosz))
    exponent = (URBAN_WIND_EXPONENT if urban else RURAL_WIND_EXPONENT)[
        stability_class(speed, sun, cosine, inversion)
    ]
    wind = np.maximum(speed * (target / z) ** exponent, WIND_MIN)
    return np.where(np.isnan(sun + cosine), np.nan, wind)
