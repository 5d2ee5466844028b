"""The radiation of every moment over a town: suns, and the fluxes on every face of a body.

What :func:`heatrisk.run.simulate` turns into WBGT, this room also gives as it is, for stations to compare
with::

    scene = Scene.from_rasters("dsm.tif", "dem.tif", canopy="cdsm.tif", land_cover="lc.tif")
    fluxes = face_fluxes(scene, weather, step=pd.Timedelta("1h"))
    fluxes["knorth"].sel(x=..., y=..., method="nearest")
"""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.fields import sky_views
from heatrisk.forcing import STEP, forcing, step_times
from heatrisk.heat import Surfaces, share_of_day, stands_for_an_hour, step_heat, warmed
from heatrisk.physics.constants import SITTING, STANDING
from heatrisk.physics.faces import FACES, TMRT, add_faces, side_walls
from heatrisk.physics.fluxes import court_table
from heatrisk.physics.lookup import add_warming
from heatrisk.physics.shadow import LOWEST_SUN, sun_shares
from heatrisk.quantities import QUANTITIES
from heatrisk.scene import Scene
from heatrisk.weather import Weather

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]

_KEPT = 16  # suns that stand for an hour of a day

POSTURES = {"standing": STANDING, "sitting": SITTING}
Posture = Literal["standing", "sitting"]


class Suns:
    """Shade of a scene, sun by sun; those that the next steps ask for again are kept.

    Parameters
    ----------
    scene : Scene
        The town.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._kept: dict[tuple[float, float], Floats32] = {}

    @cached_property
    def _dark(self) -> Floats32:
        """The share of a sun that counts as none."""
        return sun_shares(self.scene.shade, 90.0, 0.0)[0].ravel()

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
