"""How much of the sky a place sees: shade cast from a set of directions over the sky.

The planar sky view factor weights the sky by the cosine of its incidence on level ground::

    psi = 1/pi * integral over the open sky of sin(e) cos(e) de da  =  1 - mean over a of sin^2(horizon(a))

so elevations of equal weight are equally spaced in sin^2(e), and psi is the share of such directions
that reach the receptor: a mean over suns (Lindberg & Grimmond 2010, Clim. Res. 42, 177-183).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike

from heatrisk.physics.columns import framed, refuse_towering, turned
from heatrisk.physics.line import Raster
from heatrisk.physics.relief import Fans, checked, datum, see, share_seen, sweep_across
from heatrisk.physics.shadow import CROWN_TRANSMISSIVITY, ShadeScene, Tally

TOWN_SKY = (32, 8)
"""Azimuths and elevations for the mean over a cell, whose sub-cells average out part of the error."""

SURFACE_SKY = (64, 12)
"""Azimuths and elevations where every cell is asked for itself."""

# Each azimuth shifts its elevations by another step of the square of the inverse plastic number (the
# second axis of the R2 sequence), so the coarse steps of single azimuths average out; the quarter turn of
# the azimuths keeps a symmetric street from being sampled at the same angles four times.
_STAGGER, _FIRST, _TURN = 0.5698402909980532, 0.55, 0.25


class SkyView(NamedTuple):
    """Planar sky view factors of a cell's outdoor ground, each a raster of float32, 0 to 1.

    ``svf = svf_buildings - (1 - transmissivity) * (1 - svf_trees)``, as Lindberg & Grimmond (2011, eq. 3)
    add up vegetation and buildings; by extinction, ``svf`` follows from each ray's own way through crowns.
    """

    svf: Raster  # of the town as it stands, crowns let through by their transmissivity
    svf_buildings: Raster  # of buildings and terrain alone
    svf_trees: Raster  # 1 less the sky that crowns cover of what buildings and terrain leave open


def directions(azimuths: int, elevations: int) -> list[tuple[float, float]]:
    """Spread directions of equal weight on level ground over the sky.

    Parameters
    ----------
    azimuths, elevations : int
        Number of each. With `TOWN_SKY` no direction is lower than 3 degrees, so a halo that serves the
        sun serves the sky.

    Returns
    -------
    list of tuple of float
        Zenith and azimuth [degrees].
    """
    return [(zenith, azimuth) for zeniths, azimuth in _fans(azimuths, elevations) for zenith in zeniths]


def _fans(azimuths: int, elevations: int) -> list[tuple[list[float], float]]:
    """Give the directions azimuth by azimuth: zeniths of each [degrees]."""
    return [
        (
            [
                90.0 - math.degrees(math.asin(math.sqrt((k + (_FIRST + i * _STAGGER) % 1.0) / elevations)))
                for k in range(elevations)
            ],
            (i + _TURN) * 360.0 / azimuths,
        )
        for i in range(azimuths)
    ]


def sky_view_fraction(
    scene: ShadeScene,
    *,
    transmissivity: float = CROWN_TRANSMISSIVITY,
    extinction: float | None = None,
    sky: tuple[int, int] = TOWN_SKY,
) -> Raster:
    """Mean sky view factor over the outdoor part of each cell.

    Parameters
    ----------
    scene : ShadeScene
        The prepared town.
    transmissivity : float
        Share of the sky that shows through a crown, 0 to 1.
    extinction : float, optional
        Optical depth of a crown per metre of a ray's way within it [m-1]; it replaces `transmissivity`.
    sky : tuple of int
        Azimuths and elevations to sample.

    Returns
    -------
    ndarray of float32, shape (rows, columns) of the window
        Planar sky view factor, 0 to 1; NaN where a cell has no outdoor part.
    """
    return sky_shares(scene, transmissivity=transmissivity, extinction=extinction, sky=sky).svf


def sky_shares(
    scene: ShadeScene,
    *,
    transmissivity: float = CROWN_TRANSMISSIVITY,
    extinction: float | None = None,
    sky: tuple[int, int] = TOWN_SKY,
) -> SkyView:
    """Tell apart, in one pass, what buildings and what crowns take of the sky.

    Parameters
    ----------
    scene, transmissivity, extinction, sky
        As for `sky_view_fraction`.

    Returns
    -------
    SkyView
        Rasters of the shape of the window; NaN where a cell has no outdoor part.
    """
    tally = Tally(scene, extinction)
    for zeniths, azimuth in _fans(*sky):
        tally.add_above(zeniths, azimuth)
    buildings = tally.share(1.0)
    if not scene.by_row.crown_top.size:
        return SkyView(buildings, buildings, np.where(np.isnan(buildings), buildings, np.float32(1.0)))
    svf = tally.share(transmissivity) if extinction is None else tally.beam()
    return SkyView(svf, buildings, np.float32(1.0) - (buildings - tally.share(0.0)))


def sky_view_factor(dsm: ArrayLike, cell_size: float) -> Raster:
    """Planar sky view factor on top of every cell of a surface model.

    Parameters
    ----------
    dsm : array_like, shape (rows, columns)
        Surface elevation [m]; row 0 is north. NaN (or masked) is no data: it hides no sky.
    cell_size : float
        Side of a cell [m], > 0.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        1 on an open plain (exactly), 0 at the bottom of a well; NaN where the surface is NaN.

    Raises
    ------
    InputError
        If `dsm` is not two-dimensional or holds a height that no town has, or `cell_size` is not positive.
    """
    surface = checked(dsm, cell_size)
    refuse_towering("dsm", surface)
    by_row = framed(surface, float(datum(surface)), -np.inf)
    by_column = turned(by_row)
    known = by_row > -np.inf
    relief = np.max(by_row, where=known, initial=-np.inf) - np.min(by_row, where=known, initial=np.inf)
    sweeps = [
        sweep_across(zeniths, azimuth, cell_size, max(0.0, float(relief)), surface.shape)
        for zeniths, azimuth in _fans(*SURFACE_SKY)
    ]
    along, across = (
        see(
            heights,
            Fans.of([sweep for turn, sweep in sweeps if turn == turn_wanted]),
            numba.get_num_threads(),
        )
        for heights, turn_wanted in ((by_row, False), (by_column, True))
    )
    return share_seen(by_row, along, across, math.prod(SURFACE_SKY))
