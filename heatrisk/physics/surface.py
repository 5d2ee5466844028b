"""Ground and walls: how bright they are and how warm the sun makes them.

Surface temperature is linear in the short-wave radiation that falls on the surface now; the lag of heavy
materials is left out. WBGT at 1.1-1.5 m hardly feels it: ten kelvin of ground are 0.15-0.2 °C of WBGT.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from heatrisk.physics.air import Number
from heatrisk.physics.kernel import formula

REFERENCE_IRRADIANCE: Final = 900.0  # [W m-2] the sunshine that the warmings below belong to
WALL_WARMING: Final = 10.0  # [K per 900 W m-2] assumed; sunlit walls are quoted at 4-20 K above air


class LandCover(NamedTuple):
    """One class of ground, with the numbers that the radiation needs.

    Attributes
    ----------
    code : int
        Code in land-cover rasters, as the UMEP tools use it.
    name, name_ja : str
        English and Japanese name.
    albedo : float
        Share of short-wave radiation sent back. [1]
    warming : float
        Excess over air temperature under 900 W m-2. [K]
    """

    code: int
    name: str
    name_ja: str
    albedo: float
    warming: float


# The numbers are assumptions of this project within the ranges of the literature, not measurements; a city's
# own can replace them. Albedo: the usual ranges of urban surfaces (Oke 1987, Boundary Layer Climates).
# Warming: sunlit asphalt is quoted at about 60 °C on a day of 33-35 °C (from 環境省 まちなかの暑さ対策
# ガイドライン), so 20 K as the mean over a street's paved ground; short grass 5 K; bare soil between the two;
# water none; roof as paved, ground under trees as grass.
LAND_COVER: Final = (
    LandCover(1, "paved", "舗装", 0.15, 20.0),
    LandCover(2, "roof", "屋根", 0.18, 20.0),
    LandCover(3, "evergreen trees", "常緑樹", 0.15, 5.0),
    LandCover(4, "deciduous trees", "落葉樹", 0.18, 5.0),
    LandCover(5, "grass", "芝生・草地", 0.20, 5.0),
    LandCover(6, "bare soil", "裸地", 0.25, 12.0),
    LandCover(7, "water", "水面", 0.05, 0.0),
)
PAVED: Final = LAND_COVER[0]  # what a town's ground is where nothing better is known
GRASS: Final = LAND_COVER[4]  # the ground of weather stations


def ground_parameters(
    land_cover: npt.ArrayLike,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Albedo and warming of each cell of a land-cover raster.

    Parameters
    ----------
    land_cover : array_like of int
        Codes of `LAND_COVER`.

    Returns
    -------
    albedo : array
        Albedo; NaN where the code is unknown. [1]
    warming : array
        Excess over air temperature under 900 W m-2; NaN where the code is unknown. [K]
    """
    codes = np.asarray(land_cover)
    table = np.full((2, len(LAND_COVER) + 1), np.nan)
    for row in LAND_COVER:
        table[:, row.code] = row.albedo, row.warming
    known = np.where((codes >= 1) & (codes <= len(LAND_COVER)), codes, 0).astype(np.intp)
    return table[0][known], table[1][known]


@formula
def ground_temperature(ta: Number, kground: Number, warming: Number) -> Number:
    """Temperature of the ground, linear in the short-wave radiation that falls on it.

    ``Ts = ta + warming * K / 900``

    Parameters
    ----------
    ta : float or array
        Air temperature. [°C]
    kground : float or array
        Short-wave radiation on the ground. [W m-2]
    warming : float or array
        Excess under 900 W m-2, see `ground_parameters`. [K]

    Returns
    -------
    float or array
        Surface temperature. [°C]
    """
    return ta + warming * kground / REFERENCE_IRRADIANCE


@formula
def wall_temperature(ta: Number, kwall: Number) -> Number:
    """Mean temperature of the walls around a cell, linear in the short-wave radiation on them.

    ``Tw = ta + 10 * K / 900``

    Parameters
    ----------
    ta : float or array
        Air temperature. [°C]
    kwall : float or array
        Mean short-wave radiation on the walls, sunny and shady ones together. [W m-2]

    Returns
    -------
    float or array
        Surface temperature. [°C]
    """
    return ta + WALL_WARMING * kwall / REFERENCE_IRRADIANCE
