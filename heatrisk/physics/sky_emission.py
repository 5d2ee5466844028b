"""Long-wave radiation of the sky by the air near the ground, and its clouds where that is measured."""

from __future__ import annotations

import numpy as np

from heatrisk.physics.air import Number, dew_point, vapour_pressure
from heatrisk.physics.constants import KELVIN, SIGMA
from heatrisk.physics.kernel import formula

VAPOUR_MIN = 0.25  # [hPa] of a dew point of -37 °C: in drier air the sky is taken to be no colder
SKY_TOLD = 1e-3  # [1] a clear sky that is nearer to black than this is taken to be that far from it


@formula
def clear_sky_emissivity(ta: Number, rh: Number, ps: Number = 1000.0, hour: Number = 12.0) -> Number:
    """Long-wave emissivity of a sky without clouds, by what is measured near the ground.

    ``0.711 + 0.56 d + 0.73 d² + 0.013 cos(2π t / 24) + 0.00012 (p - 1000)`` with ``d`` a hundredth of the
    dew point. The hour counts: by day the air over warm ground is hotter than the column above that
    radiates, and formulas of temperature and humidity alone are too high [2]_.

    Parameters
    ----------
    ta, rh, ps : float or array
        Air temperature, relative humidity, pressure. [°C], [%], [hPa]
    hour : float or array, optional
        Mean solar time. [h]

    Returns
    -------
    float or array
        Of a black body at air temperature. [1]

    References
    ----------
    .. [1] P. Berdahl, M. Martin (1984), Emissivity of clear skies, Solar Energy 32, 663-664.
    .. [2] L. Alados-Arboledas, J. I. Jimenez (1993), Theor. Appl. Climatol. 48, 127-131.
    """
    dew = dew_point(np.maximum(vapour_pressure(ta, rh), VAPOUR_MIN)) / 100.0
    return 0.711 + dew * (0.56 + 0.73 * dew) + 0.013 * np.cos(np.pi / 12.0 * hour) + 0.00012 * (ps - 1000.0)


@formula
def sky_radiation(
    ta: Number, rh: Number, ps: Number = 1000.0, hour: Number = 12.0, cloud: Number = 0.0
) -> Number:
    """Long-wave radiation of the sky on a horizontal plane that sees all of it.

    ``(ε (1 - n) + n) σ T⁴`` with ``ε`` from `clear_sky_emissivity`.

    Parameters
    ----------
    ta, rh, ps, hour : float or array
        As of `clear_sky_emissivity`.
    cloud : float or array, optional
        Share by which clouds close the sky, 0 to 1: what they take of a clear sky's global radiation. [1]

    Returns
    -------
    float or array
        Downward long-wave radiation. [W m-2]

    References
    ----------
    T. M. Crawford, C. E. Duchon (1999), J. Appl. Meteorol. 38, 474-480.
    """
    clear = clear_sky_emissivity(ta, rh, ps, hour)
    return (clear * (1.0 - cloud) + cloud) * SIGMA * (ta + KELVIN) ** 4


@formula
def sky_cover(ldown: Number, ta: Number, rh: Number, ps: Number = 1000.0, hour: Number = 12.0) -> Number:
    """Share by which clouds close a sky whose long-wave radiation is measured: `sky_radiation` backwards.

    ``n = (L / σT⁴ - ε) / (1 - ε)``, no less than 0 and no more than 1. Measured against clear-sky emissivity
    tells clear from cloudy also at night [1]_. Air so hot and moist that a clear sky is as good as black
    leaves nothing to tell.

    Parameters
    ----------
    ldown : float or array
        Downward long-wave radiation of the whole sky. [W m-2]
    ta, rh, ps, hour : float or array
        As of `clear_sky_emissivity`.

    Returns
    -------
    float or array
        0 to 1. [1]

    References
    ----------
    .. [1] C. Marty, R. Philipona (2000), The clear-sky index to separate clear-sky from cloudy-sky
       situations in climate research, Geophys. Res. Lett. 27, 2649-2652.
    """
    clear = clear_sky_emissivity(ta, rh, ps, hour)
    share = (ldown / (SIGMA * (ta + KELVIN) ** 4) - clear) / np.maximum(1.0 - clear, SKY_TOLD)
    return np.minimum(np.maximum(share, 0.0), 1.0)
