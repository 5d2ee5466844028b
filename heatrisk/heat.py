"""The heat of walls and ground through a step, whatever the cell, and what the beam does to the ground."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.physics.constants import KELVIN, SIGMA, SKY_SLANT
from heatrisk.physics.court import (
    AZIMUTH,
    BEAM,
    COSZ,
    DIFFUSE,
    LSKY,
    LSLANT,
    PS,
    TA,
    VA,
    beam_warming,
    march_courts,
)
from heatrisk.physics.lookup import add_warming
from heatrisk.physics.shadow import LOWEST_SUN
from heatrisk.physics.surface import GRASS, LAND_COVER, WALL, LandCover, parameters
from heatrisk.steps import SUB_STEP

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

#: Hours before a step whose sun still shows in the temperature of the ground, one sun for each: what is older
#: has faded to a few per cent on sealed ground.
HOURS_OF_WARMTH = 5
_HOUR = pd.Timedelta("1h") // SUB_STEP
_MIDDLE = _HOUR // 2  # the sun that stands for an hour, counted back from its end
_OLDER = 3 * _HOUR  # sub-steps of the day before those hours for which one sun stands


class Surfaces(NamedTuple):
    """The surfaces of a town as kernels read them.

    Parameters
    ----------
    ground : numpy.ndarray
        One row a class, from :func:`heatrisk.physics.surface.parameters`.
    wall : numpy.ndarray
        The same of the walls.
    classes : numpy.ndarray of uint8
        Row of ``ground`` for every code of a land-cover raster, shape (256,); unknown ground counts as grass.
    """

    ground: Floats
    wall: Floats
    classes: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, ground: Sequence[LandCover] = LAND_COVER, wall: LandCover = WALL) -> Surfaces:
        """Return the surfaces of some rows; the first is the ground that the walls see."""
        codes = [row.code for row in ground]
        classes = np.full(256, codes.index(GRASS.code), np.uint8)
        classes[codes] = np.arange(len(codes))
        return cls(parameters(ground), parameters([wall])[0], classes)


class StepHeat(NamedTuple):
    """Sun, sky, walls and ground at every sub-step of one step, whatever the cell.

    Parameters
    ----------
    drive : numpy.ndarray
        One row a sub-step, see :data:`heatrisk.physics.court.BEAM`.
    horizon : numpy.ndarray
        Radiation of the bright band of the horizon at each sub-step [W m-2].
    light, heat, shaded : numpy.ndarray
        From :func:`heatrisk.physics.court.march_courts`.
    hours, recursion : numpy.ndarray
        Warming of the ground by the beam over each of the hours before the step, and over each sub-step.
    mean : numpy.ndarray
        Its mean over the day on open ground [K].
    suns : list of tuple of float
        Zenith and azimuth [degrees] of the sun that stands for each of the hours, then of those that stand
        for the rest of the day before them.
    day : numpy.ndarray
        Part of a day's beam for which each of these suns stands, then each sub-step: as on the day before.
    """

    drive: Floats
    horizon: Floats
    light: Floats
    heat: Floats
    shaded: Floats
    hours: Floats
    recursion: Floats
    mean: Floats
    suns: list[tuple[float, float]]
    day: Floats


def step_heat(now: xr.Dataset, before: xr.Dataset, surfaces: Surfaces) -> StepHeat:
    """March walls and ground through the day before a step, and through the step.

    Parameters
    ----------
    now, before : xarray.Dataset
        One step of the data and of the past of a :class:`heatrisk.forcing.Forcing`, on ``sub`` and on
        ``past``.
    surfaces : Surfaces
        The town's.
    """
    past, drive = _drive(before), _drive(now)
    whole, first = np.concatenate([past, drive]), len(past)
    seconds = SUB_STEP.total_seconds()
    light, heat, shaded = march_courts(whole, first, seconds, surfaces.ground, surfaces.wall)
    recursion, mean = beam_warming(whole, first, seconds, surfaces.ground)
    hours = recursion[first - HOURS_OF_WARMTH * _HOUR : first]
    hours = hours.reshape(HOURS_OF_WARMTH, _HOUR, *hours.shape[1:])
    composed = np.stack([_composed(hour) for hour in hours])
    spans = _spans(first, len(drive))
    zenith, azimuth = before["zenith"].values, before["azimuth"].values
    suns = [(float(zenith[k]), float(azimuth[k])) for k in ((begin + end) // 2 for begin, end in spans)]
    up = [90.0 - zenith >= LOWEST_SUN for zenith, _ in suns] + [True] * len(drive)
    day = _parts_of_day(past, [*spans, *((k, k + 1) for k in range(len(drive)))]) * up
    return StepHeat(
        drive, now["horizon"].values, light, heat, shaded, composed, recursion[first:], mean, suns, day
    )


def _spans(first: int, moments: int) -> list[tuple[int, int]]:
    """Return the rows of the day before a step for which one sun each stands: its last hours, then the rest.

    The first rows are left out: they have the time of day of the step itself.
    """
    early = first - HOURS_OF_WARMTH * _HOUR
    hours = [(begin, begin + _HOUR) for begin in range(early, first, _HOUR)]
    return hours + [(max(end - _OLDER, moments), end) for end in range(early, moments, -_OLDER)]


def _parts_of_day(past: Floats, spans: Sequence[tuple[int, int]]) -> Floats:
    """Return what part of a day's beam on the ground falls in some of its rows."""
    total = np.concatenate([[0.0], np.cumsum(past[:, BEAM] * past[:, COSZ])])
    begins, ends = np.minimum(np.array(spans).T, len(past))
    parts: Floats = (total[ends] - total[begins]) / max(float(total[-1]), 1.0)
    return parts


def _drive(data: xr.Dataset) -> Floats:
    """Return the rows that kernels read, of a dataset on one dimension."""
    zenith = data["zenith"].values
    rows = np.empty((len(zenith), 9))
    high = 90.0 - zenith >= LOWEST_SUN
    rows[:, COSZ] = np.maximum(np.cos(np.radians(zenith)), 0.0)
    rows[:, BEAM] = np.where(high, data["dni"].values + data["circumsolar"].values, 0.0)
    rows[:, DIFFUSE] = np.maximum(data["diffuse"].values, 0.0)
    rows[:, AZIMUTH] = np.radians(data["azimuth"].values)
    black = SIGMA * (data["ta"].values + KELVIN) ** 4
    rows[:, LSLANT] = SKY_SLANT * (1.0 - data["cloud"].values) * black
    for column, name in ((LSKY, "ldown"), (TA, "ta"), (PS, "ps"), (VA, "va")):
        rows[:, column] = data[name].values
    return rows


def _composed(recursion: Floats) -> Floats:
    """Return one step of a recursion that does what several do under one share of the beam."""
    whole = np.zeros(recursion.shape[1:])
    whole[:, 0] = 1.0
    for a, b, c in np.moveaxis(recursion, -1, 1):
        whole[:, 0] *= a
        whole[:, 1] = a * whole[:, 1] + b
        whole[:, 2] = a * whole[:, 2] + c
    return whole


def stands_for_an_hour(k: int, count: int) -> bool:
    """Tell whether later steps ask again for sub-step ``k`` of ``count``: as the sun of an hour gone by."""
    return (count - k) % _HOUR == _MIDDLE


def share_of_day(
    heat: StepHeat, past: Sequence[Floats32], now: Sequence[Floats32], svf: Floats32
) -> Floats32:
    """Return the share of a whole day's beam that reaches every cell.

    The suns that were not asked for count by the share of the sky that a place sees.

    Parameters
    ----------
    heat : StepHeat
        Of the step.
    past, now : sequence of numpy.ndarray
        Share of the beam that arrives, one for each of ``heat.suns`` and one for each sub-step.
    svf : numpy.ndarray
        Sky view factor of every cell.

    Returns
    -------
    numpy.ndarray of float32
        0 to 1.
    """
    share = (1.0 - heat.day.sum()) * svf
    for part, beam in zip(heat.day, (*past, *now), strict=True):
        share = share + part * beam
    return np.asarray(share, np.float32)


def warmed(
    heat: StepHeat, beams: Sequence[Floats32], classes: npt.NDArray[np.uint8], day: Floats32
) -> Floats:
    """Return what the beam of the last hours has added to the temperature of the ground of every cell.

    Parameters
    ----------
    heat : StepHeat
        Of the step.
    beams : sequence of numpy.ndarray
        Share of the beam that arrived in every cell, one for each of ``heat.suns``.
    classes : numpy.ndarray of uint8
        Class of the ground of every cell.
    day : numpy.ndarray
        Share of a whole day's beam that arrives, from `share_of_day`.

    Returns
    -------
    numpy.ndarray
        Just before the first sub-step [K].
    """
    warming = day * heat.mean[classes]
    for recursion, beam in zip(heat.hours, beams, strict=False):
        add_warming(recursion, heat.mean, classes, day, beam, warming)
    return warming
