r"""Radiant fluxes of a cell, and what globe and person make of them.

::

      beam I  \  | | D       what the cell sees above: the share svf is sky, 1 - svf_buildings is wall,
                \ | |        the rest is the crowns of trees
                 \v v   +----
             o    \     |       the beam reaches the body with the share `sunlit`,
            /|\    \    | wall   and the ground around it with the share `sunlit_ground`
         ___/_\_____\___|
               ground

Walls send back what the round court of the same sky view factor says (`heatrisk.physics.court`). Crowns let
light through between their leaves; the leaves have the temperature of the air. Globe, wick and person each
form their own load from the same fluxes: a person absorbs less of the sun than a globe, and from the sides.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from heatrisk.physics.air import Number
from heatrisk.physics.constants import (
    CROWN_ALBEDO,
    KELVIN,
    PERSON_ABSORPTION_LONG,
    PERSON_ABSORPTION_SHORT,
    SIGMA,
)
from heatrisk.physics.kernel import formula, kernel

#: Height of the bright band of the horizon: what hides it hides the band (Perez et al. 1986). [rad]
HORIZON_BAND: Final = np.radians(6.5)
SLANT_STEPS: Final = 256  # elevations in the integral of `side_slant`: within 0.5 % of it


@formula
def crown_light(beam: Number, diffuse: Number, cosz: Number, albedo: Number) -> Number:
    """Short-wave radiation that crowns send back: their leaves see half the sky and half the ground.

    Parameters
    ----------
    beam, diffuse, cosz : float or array
        As of `shortwave`.
    albedo : float or array
        Of the ground. [1]

    Returns
    -------
    float or array
        [W m-2]
    """
    above = beam * np.maximum(cosz, 0.0) + diffuse
    return 0.5 * CROWN_ALBEDO * (diffuse + albedo * above)


@formula
def shortwave(
    beam: Number, diffuse: Number, cosz: Number, sunlit_ground: Number, svf: Number, svf_buildings: Number,
    walls: Number, crowns: Number, albedo: Number,
) -> tuple[Number, Number]:  # fmt: skip
    """Short-wave radiation from above, without the beam, and from below.

    ``Kd = Ψ D + (1 - Ψb) W + (Ψb - Ψ) C``, ``Ku = ρ (s I cosz + Kd)``

    Parameters
    ----------
    beam : float or array
        Above the roofs, on a plane normal to the sun: direct and circumsolar. [W m-2]
    diffuse : float or array
        Of the even part of the sky, on the horizontal. [W m-2]
    cosz : float or array
        Cosine of the sun's zenith angle. [1]
    sunlit_ground : float or array
        Share of the beam that reaches the ground around, 0 to 1. [1]
    svf, svf_buildings : float or array
        Sky view factor, and what it would be without trees, 0 to 1. [1]
    walls, crowns : float or array
        Short-wave radiation that walls and crowns send back. [W m-2]
    albedo : float or array
        Of the ground. [1]

    Returns
    -------
    kdown, kup : float or array
        [W m-2]

    References
    ----------
    Lindberg, Holmer & Thorsson (2008). SOLWEIG 1.0. Int. J. Biometeorol. 52, 697-713.
    """
    kdown = svf * diffuse + (1.0 - svf_buildings) * walls + (svf_buildings - svf) * crowns
    return kdown, albedo * (sunlit_ground * beam * np.maximum(cosz, 0.0) + kdown)


@formula
def longwave(
    lsky: Number, ta: Number, svf: Number, svf_buildings: Number, walls: Number, rim: Number, ts: Number,
    emissivity: Number,
) -> tuple[Number, Number]:  # fmt: skip
    """Long-wave radiation from above and from below.

    ``Ld = Ψ L + R + (1 - Ψb) W + (Ψb - Ψ) σ Ta⁴``, ``Lu = ε σ Ts⁴ + (1 - ε) Ld``

    Parameters
    ----------
    lsky : float or array
        Of an unobstructed sky. [W m-2]
    ta : float or array
        Temperature of the air, and of crowns. [°C]
    svf, svf_buildings : float or array
        Sky view factor, and what it would be without trees, 0 to 1. [1]
    walls : float or array
        Long-wave radiation that walls emit and send back. [W m-2]
    rim : float or array
        What the open sky sends less than the whole would, its warm rim hidden; 0 or below. [W m-2]
    ts, emissivity : float or array
        Temperature [°C] and emissivity [1] of the ground.

    Returns
    -------
    ldown, lup : float or array
        [W m-2]
    """
    crowns = SIGMA * (ta + KELVIN) ** 4
    ldown = svf * lsky + rim + (1.0 - svf_buildings) * walls + (svf_buildings - svf) * crowns
    return ldown, emissivity * SIGMA * (ts + KELVIN) ** 4 + (1.0 - emissivity) * ldown


@formula
def side_views(rise: Number) -> tuple[Number, Number]:
    """Return what an upright plane in a court sees of the sky, and how much of the horizon's band.

    It sees half of the ground, and of the walls what is left of the upper half.

    Parameters
    ----------
    rise : float or array
        Tangent of the elevation of the walls' top. [1]

    Returns
    -------
    sky : float or array
        View factor to the sky, 0 to 0.5. [1]
    band : float or array
        Share of the band at the horizon that shows above the walls, 0 to 1. [1]
    """
    top = np.arctan(rise)
    sky = 0.5 - (top + rise / (1.0 + rise * rise)) / np.pi
    return sky, np.maximum(1.0 - top / HORIZON_BAND, 0.0)


@kernel
def side_slant(rise: float) -> float:
    """Return what an upright plane in a court has of the sky's growth towards the horizon.

    ``2/π ∫ cos²g (-ln sin g - 1/2) dg`` over the elevations ``g`` above the walls' top; see
    `heatrisk.physics.court.sky_slant`.

    Parameters
    ----------
    rise : float
        Tangent of the elevation of the walls' top. [1]

    Returns
    -------
    float
        Per unit of ``0.09 σ Ta⁴``; ln 2 / 2 on a plain. [1]
    """
    top = math.atan(rise)
    step = (0.5 * math.pi - top) / SLANT_STEPS
    total = 0.0
    for k in range(SLANT_STEPS):
        g = top + (k + 0.5) * step
        total -= math.cos(g) ** 2 * (math.log(math.sin(g)) + 0.5)
    return 2.0 / math.pi * total * step


@formula
def side_flux(
    side_sky: Number, clear: Number, sky: Number, crowns: Number, walls: Number, kup: Number
) -> Number:
    """Radiation on an upright plane from all but the beam; short-wave or long-wave.

    Parameters
    ----------
    side_sky : float or array
        From `side_views`. [1]
    clear : float or array
        Share of the sky above the walls that no crown hides, 0 to 1. [1]
    sky, crowns, walls : float or array
        Radiation of an even sky, of crowns and of walls. [W m-2]
    kup : float or array
        Radiation from the ground. [W m-2]

    Returns
    -------
    float or array
        [W m-2]
    """
    return side_sky * (clear * sky + (1.0 - clear) * crowns) + (0.5 - side_sky) * walls + 0.5 * kup


@formula
def globe_radiant_temperature(dni: Number, kdown: Number, kup: Number, ldown: Number, lup: Number) -> Number:
    """Radiant temperature of a grey globe, from the fluxes around it.

    ``σ Trg⁴ = (Ld + Lu) / 2 + I / 4 + (Kd + Ku) / 2``. A sphere catches a quarter of the beam, and a grey
    one absorbs and emits alike, so that its emissivity cancels. It is not the mean radiant temperature of a
    person, who absorbs less of the sun.

    Parameters
    ----------
    dni : float or array
        Beam received on a plane normal to the sun. [W m-2]
    kdown, kup : float or array
        Diffuse short-wave radiation from above and from below. [W m-2]
    ldown, lup : float or array
        Long-wave radiation from above and from below. [W m-2]

    Returns
    -------
    float or array
        Globe radiant temperature. [°C]

    References
    ----------
    Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655.
    """
    load = 0.5 * (ldown + lup + kdown + kup) + 0.25 * dni
    return np.sqrt(np.sqrt(load / SIGMA)) - KELVIN


@formula
def person_load(
    kdown: Number, kup: Number, kside: Number, ldown: Number, lup: Number, lside: Number,
    posture: tuple[float, float],
) -> Number:  # fmt: skip
    """Radiation that a person absorbs, per area of the body.

    ``0.70 (w_v (Kd + Ku) + 4 w_s Ks) + 0.97 (w_v (Ld + Lu) + 4 w_s Ls)``

    Parameters
    ----------
    kdown, kup, kside : float or array
        Short-wave radiation from above, from below, and on the mean of four sides. [W m-2]
    ldown, lup, lside : float or array
        The same of long-wave radiation. [W m-2]
    posture : tuple of float
        Weight of one side and of above or below: ``STANDING`` or ``SITTING`` of the constants. [1]

    Returns
    -------
    float or array
        [W m-2]

    References
    ----------
    ISO 7726:1998, annex B. VDI 3787-2. Lindberg, Holmer & Thorsson (2008). Int. J. Biometeorol. 52, 697-713.
    """
    short = posture[1] * (kdown + kup) + 4.0 * posture[0] * kside
    long = posture[1] * (ldown + lup) + 4.0 * posture[0] * lside
    return PERSON_ABSORPTION_SHORT * short + PERSON_ABSORPTION_LONG * long


@formula
def person_beam(beam: Number, cosz: Number, posture: tuple[float, float]) -> Number:
    """Beam that a person absorbs per area of the body, mean over the directions in which the body may face.

    ``0.70 I (w_v cosz + 4/π w_s sinz)``: no division by ``cosz``.

    Parameters
    ----------
    beam : float or array
        On a plane normal to the sun. [W m-2]
    cosz : float or array
        Cosine of the sun's zenith angle. [1]
    posture : tuple of float
        See `person_load`. [1]

    Returns
    -------
    float or array
        [W m-2]
    """
    up = np.maximum(cosz, 0.0)
    seen = posture[1] * up + 4.0 / np.pi * posture[0] * np.sqrt(1.0 - up * up)
    return PERSON_ABSORPTION_SHORT * beam * seen


@formula
def mean_radiant_temperature(load: Number) -> Number:
    """Temperature of the black room that radiates as much to a person.

    ``0.97 σ Tmrt⁴ = load``

    Parameters
    ----------
    load : float or array
        Radiation absorbed, of `person_load` and `person_beam`. [W m-2]

    Returns
    -------
    float or array
        Mean radiant temperature. [°C]
    """
    return np.sqrt(np.sqrt(load / (PERSON_ABSORPTION_LONG * SIGMA))) - KELVIN
