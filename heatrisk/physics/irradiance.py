"""What the sun sends: global radiation over sub-steps, its direct share, what an official WBGT implies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heatrisk.physics.constants import (
    CLEARNESS_MAX,
    COSZ_BEAM_MIN,
    COSZ_MIN,
    ONO_AIR,
    ONO_AIR_HUMIDITY,
    ONO_CONSTANT,
    ONO_HUMIDITY,
    ONO_SUN,
    ONO_SUN_MAX,
    ONO_SUN_SQUARED,
    ONO_WIND,
    SOLAR_CONSTANT,
)

Array = npt.NDArray[np.float64]

# Ångström-Prescott coefficients, recommended where none are calibrated (FAO-56, eq. 35)
ANGSTROM_OVERCAST = 0.25  # [1] share of the extraterrestrial radiation that arrives without any sunshine
ANGSTROM_SUN = 0.50  # [1] what full sunshine adds

CLEAR_MEAN_MIN = 1.0  # [W m-2] a window with less clear-sky radiation than this has no sun to share out


def _arrays(*values: npt.ArrayLike) -> tuple[Array, ...]:
    return tuple(np.asarray(x, dtype=np.float64) for x in values)


def clearness(ghi: npt.ArrayLike, cosz: npt.ArrayLike, distance: npt.ArrayLike = 1.0) -> Array:
    """Global radiation as a share of what arrives at the top of the atmosphere, at most 0.85.

    Parameters
    ----------
    ghi : array_like
        Global horizontal irradiance. [W m-2]
    cosz : array_like
        Cosine of the sun's zenith angle. [1]
    distance : array_like, optional
        Distance of earth and sun. [astronomical units]

    Returns
    -------
    array
        Clearness, 0 where the sun is lower than 0.5°, NaN where an input is NaN. [1]

    References
    ----------
    Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655.
    """
    sun, cosine, radius = _arrays(ghi, cosz, distance)
    top = SOLAR_CONSTANT * np.maximum(cosine, COSZ_MIN) / radius**2
    share = np.minimum(sun / top, CLEARNESS_MAX)
    return np.where(cosine < COSZ_MIN, 0.0 * share, share)[()]


def direct_fraction(ghi: npt.ArrayLike, cosz: npt.ArrayLike, distance: npt.ArrayLike = 1.0) -> Array:
    """Direct share of global radiation by the published WBGT program.

    ``exp(3 - 1.34 n - 1.65 / n)`` of the `clearness` ``n``, between 0 and 0.9.

    Parameters
    ----------
    ghi : array_like
        Global horizontal irradiance. [W m-2]
    cosz : array_like
        Cosine of the sun's zenith angle. [1]
    distance : array_like, optional
        Distance of earth and sun. [astronomical units]

    Returns
    -------
    array
        Direct share, 0 where there is no sun, NaN where an input is NaN. [1]

    References
    ----------
    Liljegren et al. (2008). J. Occup. Environ. Hyg. 5, 645-655.
    """
    n = clearness(ghi, cosz, distance)
    share = np.clip(np.exp(3.0 - 1.34 * n - 1.65 / np.maximum(n, 1e-6)), 0.0, 0.9)
    return np.where(n <= 0.0, 0.0, share)[()]


def angstrom_prescott(sunshine: npt.ArrayLike, ghi_top: npt.ArrayLike) -> Array:
    """Global radiation that goes with a duration of sunshine.

    ``ghi = (0.25 + 0.50 n / N) Ra``: made for days; of a single hour it gives the rough size only, for
    it does not know whether the cloud that hides the sun is thin or dark.

    Parameters
    ----------
    sunshine : array_like
        Bright sunshine as a share of the time that the sun was up, ``n / N``; 0 to 1. [1]
    ghi_top : array_like
        Extraterrestrial irradiance on the horizontal, mean of the same period, ``Ra``. [W m-2]

    Returns
    -------
    array
        Global horizontal irradiance: 0 where the sun is not up, even where the sunshine is unknown; else NaN
        where an input is NaN. [W m-2]

    References
    ----------
    Allen, Pereira, Raes & Smith (1998). Crop evapotranspiration. FAO Irrigation and Drainage Paper 56,
    equation 35.
    """
    share, top = _arrays(sunshine, ghi_top)
    ghi = (ANGSTROM_OVERCAST + ANGSTROM_SUN * np.clip(share, 0.0, 1.0)) * top
    return np.where(top <= 0.0, 0.0, ghi)[()]


def substep_ghi(ghi_mean: npt.ArrayLike, window: npt.ArrayLike, ghi_clear: npt.ArrayLike) -> Array:
    """Share out mean radiation over the sub-steps of each window, in proportion to a clear sky's.

    ``ghi_i = ghi_clear_i * mean(ghi) / mean(ghi_clear)``: the energy of each window is kept.

    ::

        given      |------- mean of window 0 -------|------- mean of window 1 -------|
        sub-steps  |  .  |  .  |  .  |  .  |  .  |  .  |  .  |  .  |  .  |  .  |  .  |
        window        0     0     0     0     0     1     1     1     1     1     1

    Parameters
    ----------
    ghi_mean : array_like, shape (windows,)
        Mean global horizontal irradiance of each window. [W m-2]
    window : array_like of int, shape (sub-steps,)
        Window of each sub-step, from 0; outside the range where it belongs to none.
    ghi_clear : array_like, shape (sub-steps,)
        Global horizontal irradiance of a clear sky at each sub-step. [W m-2]

    Returns
    -------
    array, shape (sub-steps,)
        Global horizontal irradiance: 0 in windows without sun, NaN where the mean is NaN or absent. [W m-2]
    """
    means, clear = _arrays(ghi_mean, ghi_clear)
    index = np.asarray(window, dtype=np.intp)
    inside = (index >= 0) & (index < means.size)
    count = np.bincount(index[inside], minlength=means.size)
    total = np.bincount(index[inside], clear[inside], means.size)
    clear_mean = total / np.maximum(count, 1)
    sunny = clear_mean >= CLEAR_MEAN_MIN
    clear_sky_index = means * sunny / np.where(sunny, clear_mean, 1.0)
    return np.append(clear_sky_index, np.nan)[np.where(inside, index, -1)] * clear


def possible_ghi(cosz: npt.ArrayLike, extra: npt.ArrayLike) -> Array:
    """Most global radiation that is seen but for very rare moments, clouds beside the sun included.

    ``1.2 extra cosz^1.2 + 50``, with ``cosz`` 0 for a sun below the horizon.

    Parameters
    ----------
    cosz : array_like
        Cosine of the sun's zenith angle. [1]
    extra : array_like
        Extraterrestrial irradiance normal to the sun. [W m-2]

    Returns
    -------
    array
        [W m-2]

    References
    ----------
    C. N. Long, E. G. Dutton, BSRN Global Network recommended QC tests, V2.0: extremely rare limits.
    """
    cosine, top = _arrays(cosz, extra)
    return (1.2 * top * np.maximum(cosine, 0.0) ** 1.2 + 50.0)[()]


def limit_direct(
    ghi: npt.ArrayLike, dhi: npt.ArrayLike, cosz: npt.ArrayLike, dni_clear: npt.ArrayLike
) -> tuple[Array, Array]:
    """Direct beam that belongs to global and diffuse radiation, no stronger than a clear sky's.

    ``dni = min((ghi - dhi) / cosz, dni_clear)``, none below 2.9° of elevation; what the limit takes from the
    beam becomes diffuse, so that ``ghi = dni * cosz + dhi`` always.

    Parameters
    ----------
    ghi, dhi : array_like
        Global and diffuse horizontal irradiance. [W m-2]
    cosz : array_like
        Cosine of the sun's zenith angle. [1]
    dni_clear : array_like
        Direct normal irradiance of a clear sky. [W m-2]

    Returns
    -------
    dni, dhi : array
        Direct normal and diffuse horizontal irradiance. [W m-2]
    """
    sun, diffuse, cosine, limit = _arrays(ghi, dhi, cosz, dni_clear)
    beam = np.clip((sun - diffuse) / np.maximum(cosine, COSZ_BEAM_MIN), 0.0, np.maximum(limit, 0.0))
    dni = np.where(cosine < COSZ_BEAM_MIN, 0.0 * beam, beam)
    return dni[()], (sun - dni * np.maximum(cosine, 0.0))[()]


def implied_ghi(
    wbgt_official: npt.ArrayLike,
    ta: npt.ArrayLike,
    rh: npt.ArrayLike,
    va: npt.ArrayLike,
    ghi_clear: npt.ArrayLike,
) -> Array:
    """Global radiation that makes the regression of Ono & Tonouchi give an official WBGT.

    The smaller root of the regression's parabola. It saturates: no WBGT asks for more than 836 W m-2, where
    the parabola has its top; what is left over then belongs to the anchor, not to the sun. In the hottest
    hours a forecast of radiation is better than this.

    Parameters
    ----------
    wbgt_official : array_like
        Official WBGT. [°C]
    ta, rh, va : array_like
        Air temperature [°C], relative humidity [%] and wind at the station [m s-1].
    ghi_clear : array_like
        Global horizontal irradiance of a clear sky: the upper limit. [W m-2]

    Returns
    -------
    array
        Global horizontal irradiance, 0 to the smaller of 836 and `ghi_clear`; NaN where an input is NaN.
        [W m-2]

    References
    ----------
    Ono & Tonouchi (2014). Jpn. J. Biometeorol. 50, 147-157.
    """
    official, air, humidity, wind, clear = _arrays(wbgt_official, ta, rh, va, ghi_clear)
    shaded = ONO_AIR * air + ONO_HUMIDITY * humidity + ONO_AIR_HUMIDITY * air * humidity + ONO_WIND * wind
    lift = official - shaded - ONO_CONSTANT
    root = np.sqrt(np.maximum(ONO_SUN**2 + 4.0 * ONO_SUN_SQUARED * lift, 0.0))
    sun = ONO_SUN_MAX * (1.0 - root / ONO_SUN)
    return np.clip(1000.0 * sun, 0.0, np.maximum(clear, 0.0))[()]


def implied_temperature(
    wbgt_official: npt.ArrayLike, rh: npt.ArrayLike, ghi: npt.ArrayLike, va: npt.ArrayLike
) -> Array:
    """Air temperature that makes the regression of Ono & Tonouchi give an official WBGT.

    Parameters
    ----------
    wbgt_official : array_like
        Official WBGT. [°C]
    rh : array_like
        Relative humidity. [%]
    ghi : array_like
        Global horizontal irradiance, counted up to 836, where the regression has its top. [W m-2]
    va : array_like
        Wind at the station. [m s-1]

    Returns
    -------
    array
        Air temperature. [°C]

    References
    ----------
    Ono & Tonouchi (2014). Jpn. J. Biometeorol. 50, 147-157.
    """
    official, humidity, radiation, wind = _arrays(wbgt_official, rh, ghi, va)
    sun = np.clip(radiation / 1000.0, 0.0, ONO_SUN_MAX)
    rest = ONO_HUMIDITY * humidity + ONO_SUN * sun + ONO_SUN_SQUARED * sun**2 + ONO_WIND * wind + ONO_CONSTANT
    return (official - rest) / (ONO_AIR + ONO_AIR_HUMIDITY * humidity)
