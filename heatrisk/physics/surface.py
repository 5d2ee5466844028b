r"""Ground and walls: how bright they are, and how warm sun, sky, wind and evaporation make them.

::

        short-wave   sky and walls      convection   evaporation
            |             |                 ^             ^
    ________v_____________v________________ | ___________ | _____   T
        heat stored in a layer of capacity C, exchanged with the ground below at the day's mean

The force-restore method (Bhumralkar 1975; Deardorff 1978): a surface over a deep, uniform body, exact for a
daily wave. It lags behind the sun by about an hour on asphalt, and keeps the warmth of the afternoon into the
evening. Evaporation takes its share of the available energy after Holtslag & van Ulden (1983).

References
----------
.. [1] C. M. Bhumralkar (1975), Numerical experiments on the computation of ground surface temperature in an
   atmospheric general circulation model, J. Appl. Meteorol. 14, 1246-1258.
.. [2] J. W. Deardorff (1978), Efficient prediction of ground surface temperature and moisture, J. Geophys.
   Res. 83, 1889-1903.
.. [3] A. A. M. Holtslag, A. P. van Ulden (1983), A simple scheme for daytime estimates of the surface fluxes
   from routine weather data, J. Clim. Appl. Meteorol. 22, 517-529.
.. [4] C. S. B. Grimmond, T. R. Oke (2002), Turbulent heat fluxes in urban areas (LUMPS), J. Appl. Meteorol.
   41, 792-810: the same scheme over towns.
.. [5] ISO 6946:2017, annex C: convection at outer surfaces.
.. [6] T. R. Oke (1987), Boundary Layer Climates, 2nd ed., tables 1.1, 2.1, 7.4.

The numbers after [5]_ and [6]_ have not been compared with the printed pages.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from heatrisk.physics.air import Number, saturation_slope, saturation_vapour_pressure
from heatrisk.physics.constants import KELVIN, PSYCHROMETER, SIGMA
from heatrisk.physics.kernel import formula

DAY: Final = 86_400.0  # [s]
DAILY_FREQUENCY: Final = 2.0 * math.pi / DAY  # [s-1]

CONVECTION_CALM: Final = 4.0  # [W m-2 K-1] ISO 6946, annex C
CONVECTION_WIND: Final = 4.0  # [W m-2 K-1 per m s-1] the same
EVAPORATION_OFFSET: Final = 20.0  # [W m-2] of moist ground (Holtslag & van Ulden 1983)


class LandCover(NamedTuple):
    """One class of surface, with the numbers that the radiation needs.

    Attributes
    ----------
    code : int
        Code in land-cover rasters, as the UMEP tools use it; 0 is no ground but the walls.
    name, name_ja : str
        English and Japanese name.
    albedo : float
        Share of short-wave radiation sent back. [1]
    emissivity : float
        Of long-wave radiation. [1]
    admittance : float
        Thermal admittance, the root of conductivity times heat capacity. [J m-2 K-1 s-1/2]
    moisture : float
        Evaporation as a share of that of well-watered ground, the parameter alpha of Holtslag & van Ulden:
        0 dry, 1 moist grass. [1]
    """

    code: int
    name: str
    name_ja: str
    albedo: float
    emissivity: float
    admittance: float
    moisture: float


# The one table of surfaces; a city's own rows can replace it. Albedo, emissivity and admittance lie within
# the ranges of Oke (1987), tables 1.1, 2.1 and 7.4, at or near these of its rows: asphalt (1205) and concrete
# (1785); clay soil between dry (600) and saturated (2210), moister under grass than bare; brick (1065) and
# dense concrete (1785) for walls. Water is stirred: one metre of it holds 4.2 MJ m-2 K-1, which is the
# capacity of a body of 50 000. Moisture: 1 for watered grass (Holtslag & van Ulden 1983), 0 for sealed
# ground; 0.5 for bare soil is assumed, between the two.
LAND_COVER: Final = (
    LandCover(1, "paved", "舗装", 0.15, 0.95, 1205.0, 0.0),
    LandCover(2, "roof", "屋根", 0.18, 0.92, 1205.0, 0.0),
    LandCover(3, "evergreen trees", "常緑樹", 0.15, 0.95, 1400.0, 1.0),
    LandCover(4, "deciduous trees", "落葉樹", 0.18, 0.95, 1400.0, 1.0),
    LandCover(5, "grass", "芝生・草地", 0.20, 0.95, 1400.0, 1.0),
    LandCover(6, "bare soil", "裸地", 0.25, 0.95, 1100.0, 0.5),
    LandCover(7, "water", "水面", 0.05, 0.96, 50_000.0, 1.0),
    LandCover(8, "concrete", "コンクリート", 0.25, 0.90, 1785.0, 0.0),
)
PAVED: Final = LAND_COVER[0]  # what a town's ground is where nothing better is known
GRASS: Final = LAND_COVER[4]  # the ground of weather stations
WALL: Final = LandCover(0, "wall", "壁", 0.25, 0.90, 1400.0, 0.0)

ALBEDO, EMISSIVITY, ADMITTANCE, MOISTURE = range(4)  # columns of `parameters`


def parameters(rows: Sequence[LandCover]) -> npt.NDArray[np.float64]:
    """Return the numbers of some classes of surface as kernels read them.

    Parameters
    ----------
    rows : sequence of LandCover
        The classes.

    Returns
    -------
    array, shape (classes, 4)
        Albedo, emissivity, admittance, moisture.
    """
    return np.array([row[3:] for row in rows], dtype=np.float64)


@formula
def heat_capacity(admittance: Number) -> Number:
    """Capacity of the layer that follows the daily wave.

    ``C = admittance * sqrt(day / 4 pi)``, so that force and restore together give the heat flux into a deep
    uniform body under a sinusoidal temperature of a day's period.

    Parameters
    ----------
    admittance : float or array
        Thermal admittance. [J m-2 K-1 s-1/2]

    Returns
    -------
    float or array
        Heat capacity. [J m-2 K-1]
    """
    return admittance * math.sqrt(DAY / (4.0 * math.pi))


@formula
def heat_loss(ta: Number, ps: Number, va: Number, moisture: Number) -> tuple[Number, Number]:
    """Heat that a surface gives to the air, as vapour too: coefficient and offset.

    Of the available energy ``A``, ``H = (1 - e) A - b`` is felt as heat, with ``e = moisture s / (s + γ)``
    and
    ``b = 20 moisture``; ``H = h (T - ta)`` with ``h = 4 + 4 va``. So ``A = (h (T - ta) + b) / (1 - e)``.

    Parameters
    ----------
    ta, ps, va : float or array
        Air temperature [°C], pressure [hPa], wind along the surface [m s-1].
    moisture : float or array
        See `LandCover`, 0 to 1. [1]

    Returns
    -------
    coefficient, offset : float or array
        Loss per kelvin above air temperature [W m-2 K-1], and at air temperature [W m-2].
    """
    slope = saturation_vapour_pressure(ta) * saturation_slope(ta)
    dry = 1.0 - moisture * slope / (slope + PSYCHROMETER * ps)
    return (CONVECTION_CALM + CONVECTION_WIND * va) / dry, EVAPORATION_OFFSET * moisture / dry


@formula
def stepped_temperature(
    t: Number, mean: Number, ta: Number, absorbed: Number, emissivity: Number, capacity: Number,
    coefficient: Number, offset: Number, seconds: float,
) -> Number:  # fmt: skip
    """Temperature of a surface after a short time, implicit in its own losses: stable at any length.

    ``C dT/dt = absorbed - ε σ T⁴ - h (T - ta) - b - ω C (T - mean)``

    Parameters
    ----------
    t, mean, ta : float or array
        Temperature of the surface now, its mean over the day, and that of the air. [°C]
    absorbed : float or array
        Short-wave and long-wave radiation absorbed. [W m-2]
    emissivity : float or array
        Of the surface. [1]
    capacity : float or array
        From `heat_capacity`. [J m-2 K-1]
    coefficient, offset : float or array
        From `heat_loss`.
    seconds : float
        Length of the step. [s]

    Returns
    -------
    float or array
        Temperature at the end of the step. [°C]
    """
    cube = emissivity * SIGMA * (t + KELVIN) ** 3
    restore = DAILY_FREQUENCY * capacity
    gain = absorbed - cube * (t + KELVIN) - coefficient * (t - ta) - offset - restore * (t - mean)
    return t + seconds * gain / (capacity + seconds * (4.0 * cube + coefficient + restore))
