"""The radiation of every moment over a town: suns, walls, ground, and the fluxes on every face of a body.

What :func:`heatrisk.run.simulate` turns into WBGT, this room also gives as it is, for stations to compare
with::

    scene = Scene.from_rasters("dsm.tif", "dem.tif", canopy="cdsm.tif", land_cover="lc.tif")
    fluxes = face_fluxes(scene, weather, step=pd.Timedelta("1h"))
    fluxes["knorth"].sel(x=..., y=..., method="nearest")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.fields import sky_views
from heatrisk.forcing import STEP, SUB_STEP, forcing, step_times
from heatrisk.physics.constants import KELVIN, SIGMA, SITTING, SKY_SLANT, STANDING
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
from heatrisk.physics.faces import FACES, TMRT, add_faces, side_walls
from heatrisk.physics.fluxes import court_table
from heatrisk.physics.lookup import add_warming
from heatrisk.physics.shadow import LOWEST_SUN, sun_shares
from heatrisk.physics.surface import GRASS, LAND_COVER, WALL, LandCover, parameters
from heatrisk.quantities import QUANTITIES
from heatrisk.scene import Scene
from heatrisk.weather import Weather

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

#: Hours before a step whose sun still shows in the temperature of the ground, one sun for each: what is older
#: has faded to a few per cent on sealed ground.
HOURS_OF_WARMTH = 5
_HOUR = pd.Timedelta("1h") // SUB_STEP
_MIDDLE = 3  # the sun that stands for an hour, counted back from its end
_OLDER = 3 * _HOUR  # sub-steps of the day before those hours for which one sun stands
_KEPT = 16  # suns that stand for an hour, of one day

POSTURES = {"standing": STANDING, "sitting": SITTING}
Posture = Literal["standing", "sitting"]


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
    parts = [total[min(end, len(past))] - total[min(begin, len(past))] for begin, end in spans]
    return np.array(parts) / max(total[-1], 1.0)


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


class Suns:
    """Shade of a scene, sun by sun; those that the next steps ask for again are kept.

    Parameters
    ----------
    scene : Scene
        The town.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._dark = np.where(scene.shade.outdoor_fraction > 0.0, 0.0, np.nan).astype(np.float32).ravel()
        self._kept: dict[tuple[float, float], Floats32] = {}

    def shares(
        self, zenith: float, azimuth: float, *, keep: bool = False, out: Floats32 | None = None
    ) -> tuple[Floats32, Floats32]:
        """Return the share in full sun and the share of the beam that arrives, flat, of a sun [degrees].

        What is kept is so whatever happens to ``out``, see :func:`heatrisk.physics.shadow.sun_shares`.
        """
        if 90.0 - zenith < LOWEST_SUN:
            return self._dark, self._dark
        scene = self.scene
        direct, beam = sun_shares(
            scene.shade,
            zenith,
            azimuth,
            transmissivity=scene.transmissivity,
            extinction=scene.extinction,
            out=out,
        )
        if keep:
            self._kept[zenith, azimuth] = beam.ravel() if out is None else beam.flatten()
            for old in list(self._kept)[:-_KEPT]:
                del self._kept[old]
        return direct.ravel(), beam.ravel()

    def beam(self, zenith: float, azimuth: float) -> Floats32:
        """Return the share of the beam that arrives, flat, for one sun that may have been kept."""
        kept = self._kept.get((zenith, azimuth))
        return self.shares(zenith, azimuth, keep=True)[1] if kept is None else kept


def stands_for_an_hour(k: int, count: int) -> bool:
    """Tell whether later steps ask again for sub-step ``k`` of ``count``: as the sun of an hour gone by."""
    return (count - k) % _HOUR == _MIDDLE


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


def face_fluxes(
    scene: Scene,
    weather: Weather,
    *,
    steps: pd.DatetimeIndex | None = None,
    step: pd.Timedelta = STEP,
    views: xr.Dataset | None = None,
    surfaces: Surfaces | None = None,
    posture: Posture = "standing",
    ground_radius: float = 5.0,
    heading: float = 0.0,
    cell: tuple[int, int] | None = None,
) -> xr.Dataset:
    """Return the radiation on all six faces of a body in every cell, as stations measure it.

    Parameters
    ----------
    scene : Scene
        The town; a grid of one cell is a point.
    weather : Weather
        Weather series; no official value is looked at where it brings radiation.
    steps : pandas.DatetimeIndex, optional
        Centres of the steps, UTC without zone; those the weather allows if omitted.
    step : pandas.Timedelta
        What a step stands for, a multiple of 20 minutes.
    views : xarray.Dataset, optional
        From :func:`heatrisk.fields.sky_views`; computed if omitted.
    surfaces : Surfaces, optional
        Ground and walls; the cited table if omitted.
    posture : {"standing", "sitting"}
        Of the person whose ``tmrt`` is asked for.
    ground_radius : float
        How far around a cell the ground counts that the body sees [m].
    heading : float
        Clockwise from north to where the face called north looks [degrees]: stations are often set up along
        the walls around them.
    cell : tuple of int, optional
        Row and column of the one cell that is asked for; all if omitted.

    Returns
    -------
    xarray.Dataset
        On (time, y, x), of one cell on time; mean over the step [W m-2]: ``kdown kup knorth keast ksouth
        kwest``, short-wave with the beam, and ``ldown lup lnorth least lsouth lwest``, long-wave, each named
        after where the face looks but for ``kup`` and ``lup``, which come from below; ``tmrt`` [degC]. NaN
        in cells without outdoor ground.

    Raises
    ------
    InputError
        The weather does not cover the steps.
    SourceIncompleteError
        The weather has a hole.
    """
    grid = scene.grid
    chosen = step_times(weather, step)[0] if steps is None else steps
    town = Surfaces.of() if surfaces is None else surfaces
    if views is None:
        views = sky_views(scene.shade, grid, scene.transmissivity, scene.extinction)
    drive = forcing(weather, chosen, *grid.centre_lonlat, anchor=False, step=step)
    reach = round(ground_radius / grid.cell_size)
    part = _surroundings(cell, reach, grid.shape)
    view, bare = (views[name].values.astype(np.float32)[part].ravel() for name in ("svf", "svf_buildings"))
    classes = town.classes[scene.land_cover[part].ravel()]
    shape = scene.land_cover[part].shape

    def shown(beam: Floats32) -> Floats32:
        return beam.reshape(grid.shape)[part].ravel()

    suns, turn = Suns(scene), float(np.radians(heading))
    fluxes = np.empty((len(chosen), view.size, TMRT + 1))
    for i in range(len(chosen)):
        now = drive.data.isel(time=i)
        heat = step_heat(now, drive.before.isel(time=i), town)
        past = [_around(shown(suns.beam(*sun)), shape, reach) for sun in heat.suns]
        path = zip(now["zenith"].values, now["azimuth"].values, strict=True)
        beams = [
            shown(suns.shares(float(zenith), float(azimuth), keep=stands_for_an_hour(k, len(heat.drive)))[1])
            for k, (zenith, azimuth) in enumerate(path)
        ]
        around = [_around(beam, shape, reach) for beam in beams]
        day = share_of_day(heat, past, around, view)
        warming = warmed(heat, past, classes, day)
        sums = np.zeros(fluxes.shape[1:])
        for k, (beam, lit) in enumerate(zip(beams, around, strict=True)):
            add_warming(heat.recursion[k], heat.mean, classes, day, lit, warming)
            court = court_table(heat.light[k], heat.heat[k])
            walls = side_walls(heat.light[k], turn), side_walls(heat.heat[k], turn)
            add_faces(
                heat.drive[k], heat.horizon[k], court, *walls, heat.shaded[k], town.ground,
                classes, view, bare, beam, lit, warming, POSTURES[posture], turn, sums,
            )  # fmt: skip
        fluxes[i] = sums / len(heat.drive)
    data = _named(fluxes.reshape(len(chosen), *shape, -1), chosen, grid.y[part[0]], grid.x[part[1]])
    return data if cell is None else data.isel(y=cell[0] - part[0].start, x=cell[1] - part[1].start)


def _surroundings(cell: tuple[int, int] | None, reach: int, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns whose ground counts for one cell; all of them for all."""
    if cell is None:
        return slice(0, shape[0]), slice(0, shape[1])
    rows, columns = (
        slice(max(k - reach, 0), min(k + reach + 1, n)) for k, n in zip(cell, shape, strict=True)
    )
    return rows, columns


def _named(fluxes: Floats, times: pd.DatetimeIndex, y: Floats, x: Floats) -> xr.Dataset:
    """Return fluxes on (time, y, x, face) as one array a face."""
    names = [kind + face for kind in "kl" for face in FACES] + ["tmrt"]
    return xr.Dataset(
        {name: (("time", "y", "x"), fluxes[..., k], QUANTITIES[name].attrs) for k, name in enumerate(names)},
        coords={"time": times, "y": y, "x": x},
    )


def _around(beam: Floats32, shape: tuple[int, int], reach: int) -> Floats32:
    """Return the mean over the outdoor cells within some cells; NaN where the cell itself is none."""
    if reach < 1:
        return beam
    field = beam.reshape(shape)
    known = np.isfinite(field)
    total, count = (_box(part, reach) for part in (np.where(known, field, 0.0), known.astype(np.float64)))
    return np.where(known, total / np.maximum(count, 1.0), np.nan).astype(np.float32).ravel()


def _box(field: Floats, reach: int) -> Floats:
    """Return sums over the square of cells within a reach, at the edge over what there is of it."""
    for axis in (0, 1):
        size = field.shape[axis]
        total = np.insert(np.cumsum(field, axis=axis), 0, 0.0, axis=axis)
        high = np.minimum(np.arange(size) + reach + 1, size)
        low = np.maximum(np.arange(size) - reach, 0)
        field = np.take(total, high, axis=axis) - np.take(total, low, axis=axis)
    return field
