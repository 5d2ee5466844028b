"""Wet bulb globe temperature: heat balances of globe and wick, and the two conventions built on them.

::

                     wbgt_iso                            wbgt_moe
    wet bulb  0.7    natural wet bulb, in sun and wind   psychrometric wet bulb
    globe     0.2    50.8 mm, sphere law of Liljegren    150 mm, convection law of ISO 7726
    air       0.1    ta                                  ta

``wbgt_iso`` is ISO 7243 with Liljegren's globe and wick; ``wbgt_moe`` is what Japan's Ministry of the
Environment forecasts and warns by. Limits of the one do not belong to the other.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.air import Number, psychrometric_wet_bulb, sky_longwave, vapour_pressure
from heatrisk.physics.balance import globe_iso7726, globe_liljegren, natural_wet_bulb, wick_load
from heatrisk.physics.constants import (
    COSZ_MIN,
    KELVIN,
    ONO_AIR,
    ONO_AIR_HUMIDITY,
    ONO_CONSTANT,
    ONO_HUMIDITY,
    ONO_SUN,
    ONO_SUN_SQUARED,
    ONO_WIND,
    PROGRAM_GROUND_ALBEDO,
    PROGRAM_GROUND_EMISSIVITY,
    SIGMA,
    WEIGHT_AIR,
    WEIGHT_GLOBE,
    WEIGHT_WET_BULB,
)
from heatrisk.physics.kernel import formula, kernel, parallel_kernel
from heatrisk.physics.radiant import globe_radiant_temperature

Array = npt.NDArray[np.float64]

BLOCK: Final = 2048  # points that one thread solves at a time; fewer are not worth a second thread

# Domain: any weather people are out in. Outside of it the answer is NaN.
TA_RANGE: Final = (-50.0, 60.0)  # [°C]
PS_RANGE: Final = (500.0, 1100.0)  # [hPa]
VA_MAX: Final = 100.0  # [m s-1]
RADIATION_MAX: Final = 1e6  # [W m-2] where the law of viscosity ends; the program's low sun comes to 1e5


@kernel
def in_domain(ta: float, rh: float, ps: float, va: float) -> bool:
    """Tell whether the balances hold in such air: TA_RANGE, 0 to 100 %, PS_RANGE, up to VA_MAX."""
    weather = TA_RANGE[0] <= ta <= TA_RANGE[1] and 0.0 <= rh <= 100.0 and PS_RANGE[0] <= ps <= PS_RANGE[1]
    return weather and 0.0 <= va <= VA_MAX


@kernel
def solve_sensors(
    ta: float, rh: float, ps: float, va: float,
    dni: float, cosz: float, kdown: float, kup: float, ldown: float, lup: float,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Scalar form of `sensors`, for other kernels to call."""
    total = dni + kdown + kup + ldown + lup
    radiation = min(dni, kdown, kup, ldown, lup) >= 0.0 and 0.0 < total < RADIATION_MAX
    if not (in_domain(ta, rh, ps, va) and -1.0 <= cosz <= 1.0 and radiation):
        return math.nan, math.nan, math.nan, math.nan
    radiant = globe_radiant_temperature(dni, kdown, kup, ldown, lup)
    tpsy = psychrometric_wet_bulb(ta, rh, ps)
    load = wick_load(dni, cosz, kdown, kup, ldown, lup)
    tnwb = natural_wet_bulb(ta, vapour_pressure(ta, rh), ps, va, load, tpsy)
    return globe_liljegren(ta, ps, va, radiant), globe_iso7726(ta, va, radiant), tnwb, tpsy


@formula
def weighted(ta: Number, globe: Number, wet_bulb: Number) -> Number:
    """WBGT out of doors from its three parts, in sun and in shade alike.

    ``0.7 wet_bulb + 0.2 globe + 0.1 ta``. The indoor weights are never used: switching to them at the edge
    of a shadow would draw a seam of 0.3-0.4 °C into the map.

    Parameters
    ----------
    ta, globe, wet_bulb : float or array
        Temperature of air, globe and wet bulb. [°C]

    Returns
    -------
    float or array
        WBGT, in the convention of its parts. [°C]

    References
    ----------
    ISO 7243:2017, section 5.
    """
    return WEIGHT_WET_BULB * wet_bulb + WEIGHT_GLOBE * globe + WEIGHT_AIR * ta


@kernel
def solve_wbgt(
    ta: float, rh: float, ps: float, va: float,
    dni: float, cosz: float, kdown: float, kup: float, ldown: float, lup: float,
) -> tuple[float, float]:  # fmt: skip
    """Scalar form of `from_fluxes`, for other kernels to call."""
    tg_iso, tg_moe, tnwb, tpsy = solve_sensors(ta, rh, ps, va, dni, cosz, kdown, kup, ldown, lup)
    return weighted(ta, tg_moe, tpsy), weighted(ta, tg_iso, tnwb)


@kernel
def _solve_block(points: tuple[Array, ...], out: Array, first: np.intp, last: np.intp) -> None:
    """Solve some points; an input of one element serves them all."""
    ta, rh, ps, va, dni, cosz, kdown, kup, ldown, lup = points
    for i in range(first, last):
        out[0, i], out[1, i], out[2, i], out[3, i] = solve_sensors(
            ta[min(i, ta.size - 1)],
            rh[min(i, rh.size - 1)],
            ps[min(i, ps.size - 1)],
            va[min(i, va.size - 1)],
            dni[min(i, dni.size - 1)],
            cosz[min(i, cosz.size - 1)],
            kdown[min(i, kdown.size - 1)],
            kup[min(i, kup.size - 1)],
            ldown[min(i, ldown.size - 1)],
            lup[min(i, lup.size - 1)],
        )


@parallel_kernel
def _solve_blocks(points: tuple[Array, ...], out: Array) -> None:
    """Solve all points, block by block on all threads."""
    n = out.shape[1]
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        first = np.intp(block) * BLOCK
        _solve_block(points, out, first, min(first + BLOCK, np.intp(n)))


def _as_points(x: Array, shape: tuple[int, ...]) -> Array:
    """Flatten an input that broadcasts to a shape; read-only always, so that one compiled kernel fits all."""
    points = x.reshape(1).view() if x.size == 1 else np.broadcast_to(x, shape).ravel()
    points.flags.writeable = False
    return points


def sensors(
    ta: npt.ArrayLike,
    rh: npt.ArrayLike,
    ps: npt.ArrayLike,
    va: npt.ArrayLike,
    dni: npt.ArrayLike,
    cosz: npt.ArrayLike,
    kdown: npt.ArrayLike,
    kup: npt.ArrayLike,
    ldown: npt.ArrayLike,
    lup: npt.ArrayLike,
) -> tuple[Array, Array, Array, Array]:
    """Return what the four sensors of the two conventions read in given fluxes.

    Parameters
    ----------
    ta, rh, ps, va, dni, cosz, kdown, kup, ldown, lup : array_like
        As of `from_fluxes`; they broadcast.

    Returns
    -------
    tg_iso, tg_moe : array
        Temperature of the 50.8 mm and of the 150 mm globe. [°C]
    tnwb, tpsy : array
        Natural and psychrometric wet bulb. [°C]
    """
    given = (ta, rh, ps, va, dni, cosz, kdown, kup, ldown, lup)
    arrays = [np.asarray(x, dtype=np.float64) for x in given]
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    points = tuple(_as_points(x, shape) for x in arrays)
    out = np.empty((4, math.prod(shape)))
    if out.shape[1] > BLOCK:
        _solve_blocks(points, out)
    else:
        _solve_block(points, out, np.intp(0), np.intp(out.shape[1]))
    tg_iso, tg_moe, tnwb, tpsy = out.reshape(4, *shape)
    return tg_iso[()], tg_moe[()], tnwb[()], tpsy[()]


def from_fluxes(
    ta: npt.ArrayLike,
    rh: npt.ArrayLike,
    ps: npt.ArrayLike,
    va: npt.ArrayLike,
    dni: npt.ArrayLike,
    cosz: npt.ArrayLike,
    kdown: npt.ArrayLike,
    kup: npt.ArrayLike,
    ldown: npt.ArrayLike,
    lup: npt.ArrayLike,
) -> tuple[Array, Array]:
    """Both WBGT of a place from the radiant fluxes that reach it.

    Parameters
    ----------
    ta : array_like
        Air temperature, -50 to 60. [°C]
    rh : array_like
        Relative humidity, 0 to 100. [%]
    ps : array_like
        Pressure of the air at the place, 500 to 1100. [hPa]
    va : array_like
        Wind speed at the body, 0 to 100. [m s-1]
    dni : array_like
        Beam as the place receives it, on a plane normal to the sun. [W m-2]
    cosz : array_like
        Cosine of the sun's zenith angle, -1 to 1. [1]
    kdown, kup : array_like
        Diffuse short-wave radiation from above, reflected from below. [W m-2]
    ldown, lup : array_like
        Long-wave radiation from above and from below. [W m-2]

    Returns
    -------
    wbgt_moe, wbgt_iso : array
        WBGT in Japanese official practice, and by ISO 7243; NaN where an input is NaN or out of its range.
        [°C]

    References
    ----------
    Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655. ISO 7243:2017. ISO 7726:1998.
    Ministry of the Environment, Japan: 暑さ指数(WBGT)の詳しい説明.
    """
    tg_iso, tg_moe, tnwb, tpsy = sensors(ta, rh, ps, va, dni, cosz, kdown, kup, ldown, lup)
    air = np.asarray(ta, dtype=np.float64)
    return weighted(air, tg_moe, tpsy), weighted(air, tg_iso, tnwb)


def liljegren(
    ta: npt.ArrayLike,
    rh: npt.ArrayLike,
    ps: npt.ArrayLike,
    va: npt.ArrayLike,
    ghi: npt.ArrayLike,
    fdir: npt.ArrayLike,
    cosz: npt.ArrayLike,
) -> tuple[Array, Array, Array]:
    """Globe, natural wet bulb and WBGT as the published program gives them: with its own ground and sky.

    The program's ground has an albedo of 0.45 and the temperature of the air, which is no town's: use it to
    compare with published numbers, and `from_fluxes` for places.

    Parameters
    ----------
    ta, rh, ps : array_like
        Air temperature [°C], relative humidity [%], pressure [hPa], as of `from_fluxes`.
    va : array_like
        Wind speed at 2 m. [m s-1]
    ghi : array_like
        Global horizontal irradiance, from 0. [W m-2]
    fdir : array_like
        Direct share of it, 0 to 1; taken as 0 where the sun is lower than 0.5°. [1]
    cosz : array_like
        Cosine of the sun's zenith angle, -1 to 1. [1]

    Returns
    -------
    tg, tnwb, wbgt : array
        Temperature of the 50.8 mm globe, natural wet bulb, and WBGT by ISO 7243; NaN where an input is NaN or
        out of its range. [°C]

    References
    ----------
    Liljegren, J. C., Carhart, R. A., Lawday, P., Tschopp, S. & Sharp, R. (2008). Modeling the wet bulb globe
    temperature using standard meteorological measurements. J. Occup. Environ. Hyg. 5, 645-655.
    """
    air, humidity, sun, share, cosine = (np.asarray(x, dtype=np.float64) for x in (ta, rh, ghi, fdir, cosz))
    share = np.where((cosine < COSZ_MIN) & (share >= 0.0), 0.0, share)
    dni = sun * share / np.maximum(cosine, COSZ_MIN)
    lup = PROGRAM_GROUND_EMISSIVITY * SIGMA * (air + KELVIN) ** 4
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # out of range: NaN in the end
        ldown = sky_longwave(air, humidity)
    kdown, kup = sun * (1.0 - share), PROGRAM_GROUND_ALBEDO * sun
    tg, _, tnwb, _ = sensors(air, humidity, ps, va, dni, cosine, kdown, kup, ldown, lup)
    return tg, tnwb, weighted(air, tg, tnwb)


def ono(ta: npt.ArrayLike, rh: npt.ArrayLike, ghi: npt.ArrayLike, va: npt.ArrayLike) -> Array:
    """WBGT by the regression that stands behind the official values of most Japanese stations.

    ``0.735 ta + 0.0374 rh + 0.00292 ta rh + 7.619 S - 4.557 S² - 0.0572 va - 4.064``, S in kW m-2.
    It is fitted to open weather stations in summer and falls where S exceeds 0.836: never use it for a cell.

    Parameters
    ----------
    ta : array_like
        Air temperature. [°C]
    rh : array_like
        Relative humidity, 0 to 100. [%]
    ghi : array_like
        Global horizontal irradiance, from 0. [W m-2]
    va : array_like
        Wind speed of the station's anemometer, from 0. [m s-1]

    Returns
    -------
    array
        WBGT in Japanese official practice; NaN where an input is NaN or out of its range. [°C]

    References
    ----------
    Ono, M. & Tonouchi, M. (2014). Estimation of wet-bulb globe temperature using generally measured
    meteorological indices. Jpn. J. Biometeorol. 50, 147-157.
    """
    air, humidity, wind = (np.asarray(x, dtype=np.float64) for x in (ta, rh, va))
    sun = np.asarray(ghi, dtype=np.float64) / 1000.0
    inside = (humidity >= 0.0) & (humidity <= 100.0) & (sun >= 0.0) & (wind >= 0.0)
    shaded = ONO_AIR * air + ONO_HUMIDITY * humidity + ONO_AIR_HUMIDITY * air * humidity + ONO_WIND * wind
    value = shaded + ONO_SUN * sun + ONO_SUN_SQUARED * sun**2 + ONO_CONSTANT
    return np.where(inside, value, np.nan)[()]
