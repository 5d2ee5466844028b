r"""How errors spread into WBGT: the slopes of the balances, and the loop over cells.

Pages of `heatrisk.uncertainty`, which says whose errors they are.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.air import Number, saturation_slope
from heatrisk.physics.constants import (
    GLOBE_DIAMETER_MOE,
    GLOBE_EMISSIVITY,
    KELVIN,
    ONO_AIR,
    ONO_AIR_HUMIDITY,
    ONO_HUMIDITY,
    SIGMA,
    WEIGHT_GLOBE,
)
from heatrisk.physics.kernel import formula, kernel, parallel_kernel

Floats32 = npt.NDArray[np.float32]

PER_SD: Final = 100  # nodes of the normal law in a standard deviation
NODES: Final = 5 * PER_SD  # on either side; farther out it is 0 or 1 to 3e-7


@formula
def ono_per_kelvin(ta: Number, rh: Number) -> Number:
    """Change of the official WBGT with air temperature, the vapour in the air unchanged.

    ``0.735 + 0.00292 RH + (0.0374 + 0.00292 T) dRH/dT`` with ``dRH/dT = -RH d(ln e_s)/dT``

    Parameters
    ----------
    ta : float or array
        Air temperature. [°C]
    rh : float or array
        Relative humidity. [%]

    Returns
    -------
    float or array
        [K K-1]

    References
    ----------
    Ono & Tonouchi (2014). Jpn. J. Biometeorol. 50, 147-157.
    """
    drying = rh * saturation_slope(ta)
    return ONO_AIR + ONO_AIR_HUMIDITY * rh - (ONO_HUMIDITY + ONO_AIR_HUMIDITY * ta) * drying


@formula
def moe_per_load(ta: Number, va: Number) -> Number:
    """Change of ``wbgt_moe`` with the radiation that a globe absorbs.

    ``σ Trg⁴ = σ T⁴ + h (T - ta) / ε``, so ``dT = dL / (4 σ T³ + h / ε)``. Taken at the air's temperature and
    with the forced convection of ISO 7726 alone: a globe in the sun or in calm air loses more, so this is the
    most that it can be.

    Parameters
    ----------
    ta : float or array
        Air temperature. [°C]
    va : float or array
        Wind speed. [m s-1]

    Returns
    -------
    float or array
        [K W-1 m2]

    References
    ----------
    ISO 7726:1998, annex B.
    """
    convection = 6.3 * va**0.6 / GLOBE_DIAMETER_MOE**0.4
    return WEIGHT_GLOBE / (4.0 * SIGMA * (ta + KELVIN) ** 3 + convection / GLOBE_EMISSIVITY)


@kernel
def split_leverage(share: float, svf: float, cosz: float, albedo: float, anchored: bool) -> float:
    """Part of the sun-shade contrast that a relative error of the beam moves; what it loses is diffuse.

    Of a beam ``I`` the part ``x`` is diffuse instead: ``dI = -x I``, ``dD = x I cosz``. A globe under the
    share ``s`` of the beam and the share ``Ψ`` of the sky absorbs
    ``dL = x I / 4 [2 (1 + ρ) Ψ cosz - s (1 + 2 ρ cosz)]``, and ``I / 4`` is what the contrast is made of. An
    anchored cell only moves as far as it moves apart from the open reference, ``s = Ψ = 1``.

    Parameters
    ----------
    share : float
        Share of the beam that arrives, 0 to 1. [1]
    svf : float
        Sky view factor, 0 to 1. [1]
    cosz : float
        Cosine of the sun's zenith angle. [1]
    albedo : float
        Of the ground. [1]
    anchored : bool
        Whether the open reference is held at the official value.

    Returns
    -------
    float
        [1]
    """
    beam, sky = 1.0 + 2.0 * albedo * cosz, 2.0 * (1.0 + albedo) * cosz
    if anchored:
        return (1.0 - share) * beam - (1.0 - svf) * sky
    return svf * sky - share * beam


@parallel_kernel
def spread_cells(
    common: float, beam: float, edge: float, cosz: float, albedo: float, anchored: bool,
    sun: Floats32, shade: Floats32, share: Floats32, svf: Floats32, sd: Floats32,
) -> None:  # fmt: skip
    """Fill in the standard deviation of every cell.

    ``sd² = common² + (C beam g)² + (C edge_s)²`` with the contrast ``C = sun - shade``, the leverage ``g`` of
    `split_leverage`, and ``edge_s = min(edge, √(s (1 - s)))`` where an edge runs through the cell: no share
    between 0 and 1 spreads farther about its mean.

    Parameters
    ----------
    common : float
        Of all terms that are the same in all cells. [K]
    beam : float
        Relative standard deviation of the beam. [1]
    edge : float
        Standard deviation of the share of a cell that an edge cuts. [1]
    cosz, albedo, anchored
        As of `split_leverage`.
    sun, shade : array, shape (cells,)
        WBGT of the sunny and of the shady side. [°C]
    share, svf : array, shape (cells,)
        Share of the beam that arrives; sky view factor. NaN gives NaN. [1]
    sd : array, shape (cells,)
        Filled. [K]
    """
    for cell in numba.prange(sd.size):
        contrast, s = np.float64(sun[cell] - shade[cell]), np.float64(share[cell])
        split = beam * split_leverage(s, np.float64(svf[cell]), cosz, albedo, anchored)
        cut = min(edge * edge, max(s * (1.0 - s), 0.0))
        sd[cell] = math.sqrt(common * common + contrast * contrast * (split * split + cut))


@parallel_kernel
def fill_exceedance(limit: float, mean: Floats32, sd: Floats32, p: Floats32) -> None:
    """Fill in the probability that a normal value is at least a limit.

    ``Φ((mean - limit) / sd)``, read between nodes 0.01 apart: within 3e-6 of it. Without spread 1 from the
    limit on, below it 0.

    Parameters
    ----------
    limit : float
        [°C]
    mean, sd : array, shape (cells,)
        NaN gives NaN. [°C]
    p : array, shape (cells,)
        Filled. [1]
    """
    table = np.empty(2 * NODES + 2)
    for k in range(table.size):
        table[k] = 0.5 * math.erfc((NODES - k) / (PER_SD * math.sqrt(2.0)))
    for cell in numba.prange(p.size):
        above, spread = np.float64(mean[cell]) - limit, np.float64(sd[cell])
        if np.isnan(above) or np.isnan(spread):
            p[cell] = np.nan
        elif abs(above) * PER_SD >= NODES * spread:
            p[cell] = 1.0 if above >= 0.0 else 0.0
        else:
            x = above / spread * PER_SD + NODES
            k = int(x)
            p[cell] = table[k] + (x - k) * (table[k + 1] - table[k])
