r"""Heat balances of globe and wick: the temperature at which each neither warms nor cools.

::

        sun, sky, ground                     sun, sky, ground
              \ | /                                \ | /
             .-----.   convection               .---.    convection
            (  Tg   ) ----------> air           |   | ----------> air
             '-----'                            |   | ~~~~~~~~~~> vapour
              globe                             '---'   wick, Tnwb

Every root lies between two temperatures that physics gives (a globe's between those of air and radiation),
so Newton's method runs inside a bracket and cannot fail.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from heatrisk.physics.air import (
    Number,
    density,
    diffusivity,
    heat_of_evaporation,
    saturation_slope,
    saturation_vapour_pressure,
    viscosity,
)
from heatrisk.physics.constants import (
    BUCK_OFFSET,
    BUCK_PRESSURE,
    BUCK_SLOPE,
    EUCKEN_HEAT,
    GLOBE_DIAMETER_ISO,
    GLOBE_DIAMETER_MOE,
    GLOBE_EMISSIVITY,
    KELVIN,
    MOIST_AIR_FACTOR,
    PRANDTL,
    PSYCHROMETRIC_RATIO,
    SIGMA,
    WICK_ALBEDO,
    WICK_DIAMETER,
    WICK_EMISSIVITY,
    WICK_LENGTH,
    WIND_MIN,
)
from heatrisk.physics.kernel import formula, kernel

TOLERANCE: Final = 0.01  # [K] size of the last step of Newton; what it leaves is below 0.0001 K
MAX_STEPS: Final = 60  # enough for plain bisection
WICK_COLDEST: Final = 150.0  # [K] colder than any wick in the air that people meet


@formula
def sphere_convection(kelvin: Number, ps: Number, va: Number, diameter: float) -> Number:
    """Heat transfer between air and a sphere.

    ``Nu = 2 + 0.6 Re^(1/2) Pr^(1/3)``

    Parameters
    ----------
    kelvin : float or array
        Film temperature, midway between sphere and air. [K]
    ps : float or array
        Pressure. [hPa]
    va : float or array
        Wind speed, counted as at least 0.13. [m s-1]
    diameter : float
        Of the sphere. [m]

    Returns
    -------
    float or array
        Heat transfer coefficient. [W m-2 K-1]

    References
    ----------
    Bird, Stewart & Lightfoot (1960). Transport Phenomena, p. 409.
    """
    mu = viscosity(kelvin)
    reynolds = np.maximum(va, WIND_MIN) * density(kelvin, ps) * diameter / mu
    nusselt = 2.0 + 0.6 * np.sqrt(reynolds) * PRANDTL**0.3333
    return nusselt * EUCKEN_HEAT * mu / diameter


@formula
def wick_convection(kelvin: Number, ps: Number, va: Number) -> Number:
    """Heat transfer between air and the wick, a cylinder across the wind.

    ``Nu = 0.281 Re^0.6 Pr^0.44``

    Parameters
    ----------
    kelvin : float or array
        Film temperature, midway between wick and air. [K]
    ps : float or array
        Pressure. [hPa]
    va : float or array
        Wind speed, counted as at least 0.13. [m s-1]

    Returns
    -------
    float or array
        Heat transfer coefficient. [W m-2 K-1]

    References
    ----------
    Bedingfield & Drew (1950). Ind. Eng. Chem. 42, 1164-1173.
    """
    mu = viscosity(kelvin)
    reynolds = np.maximum(va, WIND_MIN) * density(kelvin, ps) * WICK_DIAMETER / mu
    nusselt = 0.281 * reynolds**0.6 * PRANDTL**0.44
    return nusselt * EUCKEN_HEAT * mu / WICK_DIAMETER


@formula
def vapour_transfer(kelvin: Number, ps: Number) -> Number:
    """Cooling of the wick per unit of humidity ratio, by the likeness of heat and mass transfer.

    ``ΔH / r (Pr / Sc)^0.56`` with the Schmidt number ``Sc = μ / (ρ D_v)``

    Parameters
    ----------
    kelvin : float or array
        Film temperature, midway between wick and air. [K]
    ps : float or array
        Pressure. [hPa]

    Returns
    -------
    float or array
        Cooling below air temperature per unit of ``(e_s - e) / (ps - e_s)``. [K]

    References
    ----------
    Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655.
    """
    schmidt_inverse = density(kelvin, ps) * diffusivity(kelvin, ps) / viscosity(kelvin)
    return heat_of_evaporation(kelvin) / PSYCHROMETRIC_RATIO * (PRANDTL * schmidt_inverse) ** 0.56


@kernel
def newton(t: float, residual: float, slope: float, low: float, high: float) -> tuple[float, float, float]:
    """Next estimate of the root of a falling function, kept inside a bracket that it narrows.

    Parameters
    ----------
    t, residual, slope : float
        Estimate, the function's value there and its (negative) slope.
    low, high : float
        Bracket: the function is not negative at `low`, not positive at `high`.

    Returns
    -------
    t, low, high : float
        Newton's estimate, or the middle of the bracket where Newton's lies outside; the narrower bracket.
    """
    if residual > 0.0:
        low = t
    else:
        high = t
    following = t - residual / slope
    if not low <= following <= high:
        following = 0.5 * (low + high)
    return following, low, high


@kernel
def globe_liljegren(ta: float, ps: float, va: float, radiant: float) -> float:
    """Temperature of the 50.8 mm globe: radiation balanced by the sphere law of convection.

    ``Trg⁴ - T⁴ = H (T - ta)``, ``H = h / (ε σ)``, with the properties of air frozen in each Newton step.

    Parameters
    ----------
    ta, ps, va : float
        Air temperature [°C], pressure [hPa], wind speed [m s-1].
    radiant : float
        Globe radiant temperature. [°C]

    Returns
    -------
    float
        Globe temperature. [°C]

    References
    ----------
    Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655.
    """
    air, load = ta + KELVIN, (radiant + KELVIN) ** 4
    low, high = min(air, radiant + KELVIN), max(air, radiant + KELVIN)
    exchange = sphere_convection(air, ps, va, GLOBE_DIAMETER_ISO) / (GLOBE_EMISSIVITY * SIGMA)
    t: float = air + (load - air**4) / (4.0 * air**3 + exchange)
    for _ in range(MAX_STEPS):
        exchange = sphere_convection(0.5 * (t + air), ps, va, GLOBE_DIAMETER_ISO) / (GLOBE_EMISSIVITY * SIGMA)
        before = t
        t, low, high = newton(t, load - exchange * (t - air) - t**4, -4.0 * t**3 - exchange, low, high)
        if abs(t - before) < TOLERANCE:
            break
    return t - KELVIN


@kernel
def globe_iso7726(ta: float, va: float, radiant: float) -> float:
    """Temperature of the 150 mm globe: radiation balanced by forced or free convection, the stronger.

    ``h = max(6.3 va^0.6 / D^0.4, 1.4 (|T - ta| / D)^0.25)``

    Parameters
    ----------
    ta, va : float
        Air temperature [°C], wind speed [m s-1].
    radiant : float
        Globe radiant temperature. [°C]

    Returns
    -------
    float
        Globe temperature. [°C]

    References
    ----------
    ISO 7726:1998, annex B.
    """
    air, load = ta + KELVIN, (radiant + KELVIN) ** 4
    low, high = min(air, radiant + KELVIN), max(air, radiant + KELVIN)
    forced = 6.3 * va**0.6 / GLOBE_DIAMETER_MOE**0.4
    t: float = air + (load - air**4) / (4.0 * air**3 + forced / (GLOBE_EMISSIVITY * SIGMA))
    for _ in range(MAX_STEPS):
        free = 1.4 * math.sqrt(math.sqrt(abs(t - air) / GLOBE_DIAMETER_MOE))
        exchange = max(forced, free) / (GLOBE_EMISSIVITY * SIGMA)
        steepness = exchange if forced > free else 1.25 * exchange
        before = t
        t, low, high = newton(t, load - exchange * (t - air) - t**4, -4.0 * t**3 - steepness, low, high)
        if abs(t - before) < TOLERANCE:
            break
    return t - KELVIN


@formula
def wick_load(dni: Number, cosz: Number, kdown: Number, kup: Number, ldown: Number, lup: Number) -> Number:
    """Radiation that the wick, an upright cylinder with one free end, absorbs per area of its side.

    ``Q = ε (Ld + Lu) / 2 + (1 - α) (Kd (1 + γ) + I (sinz / π + γ cosz) + Ku)``, ``γ = D / (4 L)``.
    No division by ``cosz``: a low sun is as regular as a high one.

    Parameters
    ----------
    dni : float or array
        Beam received on a plane normal to the sun. [W m-2]
    cosz : float or array
        Cosine of the sun's zenith angle. [1]
    kdown, kup, ldown, lup : float or array
        Diffuse short-wave and long-wave radiation, from above and from below. [W m-2]

    Returns
    -------
    float or array
        Absorbed radiation. [W m-2]

    References
    ----------
    Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655.
    """
    top = 0.25 * WICK_DIAMETER / WICK_LENGTH
    up = np.maximum(cosz, 0.0)
    beam = dni * (np.sqrt(1.0 - up * up) / np.pi + top * up)
    short = kdown * (1.0 + top) + beam + kup
    return 0.5 * WICK_EMISSIVITY * (ldown + lup) + (1.0 - WICK_ALBEDO) * short


@kernel
def boiling_point(ps: float) -> float:
    """Temperature at which water boils, the inverse of Buck's equation; no wick is warmer. [K] from [hPa]."""
    z = math.log(ps / (MOIST_AIR_FACTOR * BUCK_PRESSURE))
    return KELVIN + BUCK_OFFSET * z / (BUCK_SLOPE - z)


@kernel
def natural_wet_bulb(ta: float, vapour: float, ps: float, va: float, load: float, tpsy: float) -> float:
    """Temperature of the wick: radiation and convection balanced by evaporation.

    ``T = ta - ΔH / r (e_s - e) / (ps - e_s) (Pr / Sc)^0.56 + (Q - ε σ T⁴) / h``

    Parameters
    ----------
    ta, vapour, ps, va : float
        Air temperature [°C], vapour pressure [hPa], pressure [hPa], wind speed [m s-1].
    load : float
        Radiation absorbed, see `wick_load`. [W m-2]
    tpsy : float
        Psychrometric wet bulb, from where the search starts. [°C]

    Returns
    -------
    float
        Natural wet bulb. [°C]

    References
    ----------
    Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655.
    """
    air = ta + KELVIN
    low = WICK_COLDEST
    high = min(max(air, math.sqrt(math.sqrt(load / (WICK_EMISSIVITY * SIGMA)))), boiling_point(ps) - 1e-6)
    t = min(tpsy + KELVIN, high)
    for _ in range(MAX_STEPS):
        h = wick_convection(0.5 * (t + air), ps, va)
        transfer = vapour_transfer(0.5 * (t + air), ps)
        saturated = saturation_vapour_pressure(t - KELVIN)
        dry = ps - saturated
        cooling = transfer * (saturated - vapour) / dry
        cooling_slope = transfer * saturated * saturation_slope(t - KELVIN) * (ps - vapour) / (dry * dry)
        emission = WICK_EMISSIVITY * SIGMA * t**3 / h
        residual = air - cooling + load / h - emission * t - t
        before = t
        t, low, high = newton(t, residual, -1.0 - cooling_slope - 4.0 * emission, low, high)
        if abs(t - before) < TOLERANCE:
            break
    return t - KELVIN
