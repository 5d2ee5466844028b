"""The radiation of every moment over a town: suns, and the fluxes on every face of a body.

What :func:`heatrisk.run.simulate` turns into WBGT, this room also gives as it is, for stations to compare
with::

    scene = read_scene(Path("dsm.tif"), Path("dem.tif"))  # heatrisk.sources.surface_model
    hour = pd.Timedelta("1h")
    fluxes = face_fluxes(scene, weather, step=hour, steps=rows - hour / 2)
    fluxes["knorth"].sel(x=..., y=..., method="nearest")

``rows`` are times of the weather's rows, whose radiation is the mean over the hour before: a step that is to
match one has its middle at half past.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk.fields import sky_views
from heatrisk.forcing import forcing
from heatrisk.heat import Surfaces, share_of_day, stands_for_an_hour, step_heat, warmed
from heatrisk.physics.columns import HIGHEST
from heatrisk.physics.constants import SITTING, STANDING
from heatrisk.physics.faces import FACES, TMRT, add_faces, side_walls
from heatrisk.physics.fluxes import court_table
from heatrisk.physics.given import check_choice, check_range
from heatrisk.physics.lookup import add_warming
from heatrisk.physics.shadow import LOWEST_SUN, shares_of_suns
from heatrisk.physics.shares import Packed, unpacked
from heatrisk.quantities import QUANTITIES
from heatrisk.rasters import placed
from heatrisk.scene import Scene
from heatrisk.steps import STEP, Times, chosen_times
from heatrisk.weather import Weather

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Sun = tuple[float, float]  # zenith and azimuth [degrees]

_KEPT = 16  # suns that stand for an hour of a day

POSTURES = {"standing": STANDING, "sitting": SITTING}
Posture = Literal["standing", "sitting"]


class Suns:
    """Shade of a scene by its suns, packed; those that the next steps ask for again are kept.

    Parameters
    ----------
    scene : Scene
        The town, or a block of one.
    convergence : float, optional
        Meridian convergence of the whole town [degrees]; that of the scene if omitted.
    """

    def __init__(self, scene: Scene, convergence: float | None = None) -> None:
        self.scene = scene
        # Suns stand clockwise from north, rasters lie along the grid.
        self._turn = scene.grid.convergence if convergence is None else convergence
        self._kept: dict[Sun, Packed] = {}
        # Written into again by the next step: new memory costs as much as shade.
        self._room: Packed | None = None

    @cached_property
    def _dark(self) -> Packed:
        """The share of a sun that counts as none."""
        dark: Packed = self._cast([(90.0, 0.0)])[0, 0].ravel()
        return dark

    def shares(self, suns: Sequence[Sun]) -> list[tuple[Packed, Packed]]:
        """Return the share in full sun and the share of the beam that arrives, flat, of the suns of a step.

        Those that stand for an hour are kept. What was given before is lost; ask `beams` for it afterwards.
        """
        up = [k for k, sun in enumerate(suns) if not _is_down(sun)]
        room = None if self._room is None or len(self._room) < len(up) else self._room[: len(up)]
        if room is not None:
            self._kept = {
                sun: beam.copy() if np.may_share_memory(beam, room) else beam
                for sun, beam in self._kept.items()
            }
        cast = self._cast([suns[k] for k in up], room)
        if room is None:
            self._room = cast
        lit = {k: (both[0].ravel(), both[-1].ravel()) for k, both in zip(up, cast, strict=True)}
        self._keep({suns[k]: lit[k][1] for k in up if stands_for_an_hour(k, len(suns))})
        return [lit[k] if k in up else (self._dark, self._dark) for k in range(len(suns))]

    def beams(self, suns: Sequence[Sun]) -> list[Packed]:
        """Return the share of the beam that arrives, flat, of suns that may have been kept; keep them."""
        up = [sun for sun in suns if not _is_down(sun)]
        missing = [sun for sun in up if sun not in self._kept]
        cast = {sun: both[-1].ravel() for sun, both in zip(missing, self._cast(missing), strict=True)}
        found = {sun: cast[sun] if sun in cast else self._kept[sun] for sun in up}
        self._keep(found)
        return [found[sun] if sun in up else self._dark for sun in suns]

    def _cast(self, suns: Sequence[Sun], out: Packed | None = None) -> Packed:
        scene = self.scene
        on_grid = [(zenith, azimuth - self._turn) for zenith, azimuth in suns]
        return shares_of_suns(
            scene.shade, on_grid, transmissivity=scene.transmissivity, extinction=scene.extinction,
            packed=True, out=out,
        )  # fmt: skip

    def _keep(self, beams: dict[Sun, Packed]) -> None:
        """Keep suns, and of all others those that were asked for last."""
        others = {sun: beam for sun, beam in self._kept.items() if sun not in beams}
        self._kept = dict([*others.items(), *beams.items()][-_KEPT:])


def face_fluxes(
    scene: Scene,
    weather: Weather,
    *,
    steps: Times | None = None,
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
    steps : pandas.DatetimeIndex or sequence of datetimes, optional
        Middles of the steps, UTC where they bear no zone; those the weather allows if omitted.
    step : pandas.Timedelta
        What a step stands for, a multiple of 20 minutes up to 12 hours.
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
        The weather does not cover the steps, a step cannot have this length, an option does not exist, or the
        cell lies outside the grid.
    SourceIncompleteError
        The weather has a hole.
    GridMismatchError
        The given sky view factors do not lie on the scene's grid.
    """
    grid = scene.grid
    check_choice("posture", posture, POSTURES)
    check_range("ground_radius", ground_radius, HIGHEST)
    if cell is not None:
        for name, place, count in zip(("row", "column"), cell, grid.shape, strict=True):
            check_range(name, place, count - 1)
    chosen, _ = chosen_times(weather, steps, step)
    town = Surfaces.of() if surfaces is None else surfaces
    if views is None:
        views = sky_views(scene.shade, grid, scene.transmissivity, scene.extinction)
    drive = forcing(weather, chosen, *grid.centre_lonlat, anchor=False, step=step)
    reach = round(ground_radius / grid.cell_size)
    part = _surroundings(cell, reach, grid.shape)
    view, bare = (
        placed(name, views[name], grid).astype(np.float32)[part].ravel() for name in ("svf", "svf_buildings")
    )
    classes = town.classes[scene.land_cover[part].ravel()]
    shape = scene.land_cover[part].shape

    def shown(beam: Packed) -> Floats32:
        return unpacked(beam.reshape(grid.shape)[part].ravel())

    suns, turn = Suns(scene), float(np.radians(heading))
    fluxes = np.empty((len(chosen), view.size, TMRT + 1))
    for i in range(len(chosen)):
        now = drive.data.isel(time=i)
        heat = step_heat(now, drive.before.isel(time=i), town)
        past = [_around(shown(beam), shape, reach) for beam in suns.beams(heat.suns)]
        beams = [shown(beam) for _, beam in suns.shares(path_of(now))]
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


def _is_down(sun: Sun) -> bool:
    """Tell whether a sun counts as none; of one that nobody knows nothing is known."""
    return 90.0 - sun[0] < LOWEST_SUN


def path_of(now: xr.Dataset) -> list[Sun]:
    """Return where the sun stands at the sub-steps of a step."""
    return list(zip(now["zenith"].values.tolist(), now["azimuth"].values.tolist(), strict=True))


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
