r"""Radiant fluxes of a cell, and the radiant temperature that a globe makes of them.

::

      beam DNI \  | | DHI    share svf of what the cell sees above is sky, the rest is wall
                \ | |
                 \v v   +----
             o    \     |       the beam reaches the body with the share `sunlit`,
            /|\    \    | wall   and the ground around it with the share `sunlit_ground`
         ___/_\_____\___|
               ground
"""

from __future__ import annotations

import numpy as np

from heatrisk.physics.air import Number
from heatrisk.physics.constants import (
    GROUND_EMISSIVITY,
    KELVIN,
    SIGMA,
    WALL_ALBEDO,
    WALL_EMISSIVITY,
)
from heatrisk.physics.kernel import formula
from heatrisk.physics.surface import ground_temperature, wall_temperature


@formula
def shortwave(
    ghi: Number,
    dni: Number,
    dhi: Number,
    cosz: Number,
    sunlit: Number,
    sunlit_ground: Number,
    svf: Number,
) -> tuple[Number, Number, Number]:
    """Short-wave fluxes of a cell from the irradiance above the roofs.

    ``I = s DNI``, ``Kd = Ψ DHI + (1 - Ψ) ρ_w GHI / 2``, ``Kg = s̄ DNI cosz + Kd``.
    Walls are taken to receive half of the global irradiance on average.

    Parameters
    ----------
    ghi, dni, dhi : float or array
        Global horizontal, direct normal and diffuse horizontal irradiance. [W m-2]
    cosz : float or array
        Cosine of the sun's zenith angle. [1]
    sunlit : float or array
        Share of the beam that reaches the body, 0 to 1. [1]
    sunlit_ground : float or array
        Share of the beam that reaches the ground around it, 0 to 1. [1]
    svf : float or array
        Sky view factor, 0 to 1. [1]

    Returns
    -------
    dni_cell : float or array
        Beam that reaches the body, on a plane normal to the sun. [W m-2]
    kdown : float or array
        Diffuse radiation from sky and walls. [W m-2]
    kground : float or array
        All short-wave radiation that falls on the ground around. [W m-2]

    References
    ----------
    Lindberg, Holmer & Thorsson (2008). SOLWEIG 1.0. Int. J. Biometeorol. 52, 697-713, reduced to an
    isotropic sky and one kind of wall.
    """
    kdown = svf * dhi + (1.0 - svf) * WALL_ALBEDO * 0.5 * ghi
    kground = sunlit_ground * dni * np.maximum(cosz, 0.0) + kdown
    return sunlit * dni, kdown, kground


@formula
def longwave(lsky: Number, svf: Number, ts: Number, tw: Number) -> tuple[Number, Number]:
    """Long-wave fluxes of a cell from the sky and the temperatures of ground and walls.

    ``Ld = Ψ L + (1 - Ψ) (ε_w σ Tw⁴ + (1 - ε_w) L)``, ``Lu = ε_g σ Ts⁴ + (1 - ε_g) Ld``

    Parameters
    ----------
    lsky : float or array
        Long-wave radiation of an unobstructed sky. [W m-2]
    svf : float or array
        Sky view factor, 0 to 1. [1]
    ts, tw : float or array
        Temperature of ground and walls. [°C]

    Returns
    -------
    ldown, lup : float or array
        Long-wave radiation from above and from below. [W m-2]
    """
    wall = WALL_EMISSIVITY * SIGMA * (tw + KELVIN) ** 4 + (1.0 - WALL_EMISSIVITY) * lsky
    ldown = svf * lsky + (1.0 - svf) * wall
    lup = GROUND_EMISSIVITY * SIGMA * (ts + KELVIN) ** 4 + (1.0 - GROUND_EMISSIVITY) * ldown
    return ldown, lup


@formula
def cell_fluxes(
    ghi: Number,
    dni: Number,
    dhi: Number,
    cosz: Number,
    ta: Number,
    lsky: Number,
    sunlit: Number,
    sunlit_ground: Number,
    svf: Number,
    albedo: Number,
    warming: Number,
) -> tuple[Number, Number, Number, Number, Number]:
    """All radiant fluxes of a cell: the walk from the sun above the roofs to the body in the street.

    Parameters
    ----------
    ghi, dni, dhi : float or array
        Global horizontal, direct normal and diffuse horizontal irradiance. [W m-2]
    cosz : float or array
        Cosine of the sun's zenith angle. [1]
    ta : float or array
        Air temperature. [°C]
    lsky : float or array
        Long-wave radiation of an unobstructed sky. [W m-2]
    sunlit, sunlit_ground : float or array
        Share of the beam that reaches the body, and the ground around it, 0 to 1. [1]
    svf : float or array
        Sky view factor, 0 to 1. [1]
    albedo, warming : float or array
        Of the ground, see `heatrisk.physics.surface.ground_parameters`. [1], [K per 900 W m-2]

    Returns
    -------
    dni_cell, kdown, kup, ldown, lup : float or array
        Beam received on a plane normal to the sun, diffuse short-wave from above, reflected from below,
        long-wave from above and from below: what `heatrisk.physics.wbgt.from_fluxes` takes. [W m-2]
    """
    dni_cell, kdown, kground = shortwave(ghi, dni, dhi, cosz, sunlit, sunlit_ground, svf)
    ts = ground_temperature(ta, kground, warming)
    tw = wall_temperature(ta, 0.5 * ghi)
    ldown, lup = longwave(lsky, svf, ts, tw)
    return dni_cell, kdown, albedo * kground, ldown, lup


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
