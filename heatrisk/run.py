"""One run: a town, its weather, and what a body feels in every cell at every step.

The walk is short. Shade comes from the town and the sun alone; the weather is the same for all cells of
a city; so each 10-minute sub-step is one sweep for the sunlit share of every cell, the fluxes that follow
from it, and one small table of exact energy balances to read them with. The mean WBGT over a step is then
anchored to the official forecast::

    W(cell, step) = W_official(step) + mean over the step of [ W(cell, τ) - W(open reference, τ) ]

The open reference is level grass under a whole sky: what stands around an official station. A cell like it
returns the official value exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from heatrisk import labels, uncertainty
from heatrisk.blocks import blocks, views_by_blocks
from heatrisk.forcing import forcing
from heatrisk.grid import BLOCK, within
from heatrisk.heat import Surfaces, step_heat
from heatrisk.physics import cells, lanes, lookup, order
from heatrisk.physics.given import check_choice
from heatrisk.physics.shadow import LOWEST_SUN
from heatrisk.physics.shares import Packed, packed
from heatrisk.physics.surface import GRASS
from heatrisk.physics.wind import UrbanWind
from heatrisk.radiation import Sun, Suns, path_of
from heatrisk.rasters import placed
from heatrisk.risk import DANGER
from heatrisk.scene import Scene
from heatrisk.steps import STEP, Times, chosen_times
from heatrisk.weather import Weather

#: An anchor farther than this from the model means wrong radiation or a wrong station [K].
SUSPECT_OFFSET = 1.5

#: Products of `heatrisk.physics.cells.step_cells` on (time, y, x), by their place there.
_FIELDS = {
    "wbgt_moe": lanes.MOE, "wbgt_moe_max": lanes.PEAK, "wbgt_iso": lanes.ISO,
    "wbgt_moe_sun": lanes.MOE_SUN, "wbgt_moe_shade": lanes.MOE_SHADE,
    "tmrt": lanes.TMRT, "utci": lanes.UTCI, "sunlit": cells.LIT,
}  # fmt: skip

Progress = Callable[[int, int], None]
Views = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]  # sky view factors, with trees and without


def simulate(
    scene: Scene,
    weather: Weather,
    *,
    steps: Times | None = None,
    step: pd.Timedelta = STEP,
    anchor: bool = True,
    svf: xr.DataArray | xr.Dataset | None = None,
    surfaces: Surfaces | None = None,
    urban_wind: UrbanWind = "off",
    progress: Progress | None = None,
) -> xr.Dataset:
    """Compute WBGT, its risk class, Tmrt and UTCI in every outdoor cell of a town.

    Pure: no file, no clock, no network; the same input gives the same bytes. A city too large for the memory
    goes block by block: :class:`Simulation`.

    Parameters
    ----------
    scene : Scene
        The town.
    weather : Weather
        Weather series, official forecast or both.
    steps : pandas.DatetimeIndex or sequence of datetimes, optional
        Clock times to compute; UTC where they bear no zone. Those the weather allows if omitted.
    anchor : bool
        Anchor to the official forecast where there is one.
    step : pandas.Timedelta
        What a step stands for, a multiple of 20 minutes up to 12 hours: an hour for research. Kernels are
        compiled for every new length, which takes minutes for many hours.
    svf : xarray.Dataset or xarray.DataArray, optional
        Sky view factors of the scene if known already, from :func:`heatrisk.fields.sky_views`; computed if
        omitted. A sky view factor alone is enough for a scene without trees.
    surfaces : Surfaces, optional
        Ground and walls; the cited table of :mod:`heatrisk.physics.surface` if omitted.
    urban_wind : {"off", "svf"}
        Whether the wind at the body fades among buildings with their sky view factor; see
        :mod:`heatrisk.physics.wind`.
    progress : callable, optional
        Called with the number of steps done and of all steps.

    Returns
    -------
    xarray.Dataset
        On (time, y, x): ``wbgt_moe``, ``wbgt_moe_max``, ``wbgt_iso``, and ``wbgt_moe_sun`` and
        ``wbgt_moe_shade``, what the cell's sunny and shady side have (all lifted by the anchor of
        ``wbgt_moe``) [degC]; ``wbgt_moe_sd``, the standard deviation of ``wbgt_moe`` [K], and ``p_danger``,
        the probability that it is 31 or more [1]; ``tmrt`` of a standing person and ``utci``, never anchored
        [degC]; ``sunlit``, the share of the step in full sun (under a crown is shade) [1]; ``risk`` and
        ``risk_sport`` (class index, -1 without value). On (y, x): ``svf`` [1] and ``mask`` (0 value, 1 all
        building, 2 ground unknown). On time: ``official`` and ``anchor_offset`` [degC], NaN when unanchored.
        Attribute ``anchored`` is ``"true"`` or ``"false"``; ``assumptions`` is a JSON list of what had to be
        assumed, each with code, Japanese and English words; ``uncertainty`` one of the terms of
        ``wbgt_moe_sd``, see :mod:`heatrisk.uncertainty`.

    Raises
    ------
    InputError
        Weather series and official forecast do not overlap, the series is too short, no step is given,
        a step cannot have this length, or an option does not exist.
    SourceIncompleteError
        The weather or the official forecast has a hole.
    GridMismatchError
        The given sky view factor does not lie on the scene's grid.
    """
    run = Simulation(
        scene, weather, steps=steps, step=step, anchor=anchor, svf=svf, surfaces=surfaces,
        urban_wind=urban_wind,
    )  # fmt: skip
    return run.whole(progress)


class Simulation:
    """A run in the making: what all cells share, and the fields of the whole town or of block after block.

    Parameters
    ----------
    scene, weather, steps, step, anchor, svf, surfaces, urban_wind
        As of :func:`simulate`.

    Raises
    ------
    InputError, SourceIncompleteError, GridMismatchError
        As of :func:`simulate`.
    """

    def __init__(
        self,
        scene: Scene,
        weather: Weather,
        *,
        steps: Times | None = None,
        step: pd.Timedelta = STEP,
        anchor: bool = True,
        svf: xr.DataArray | xr.Dataset | None = None,
        surfaces: Surfaces | None = None,
        urban_wind: UrbanWind = "off",
    ) -> None:
        check_choice("urban_wind", urban_wind, get_args(UrbanWind))
        self.steps, notes = chosen_times(weather, steps, step)
        self.scene, self.weather, self.length = scene, weather, step
        self.drive = forcing(weather, self.steps, *scene.grid.centre_lonlat, anchor=anchor, step=step)
        self.notes = (*notes, *self.drive.notes)
        self.views = _views(scene, svf)
        self.ground = Ground(scene, self.views, Surfaces.of() if surfaces is None else surfaces)
        self.urban_wind = urban_wind == "svf"
        self._offsets = np.full(len(self.steps), np.nan)

    @cached_property
    def frame(self) -> xr.Dataset:
        """What all cells share: the dataset of :func:`simulate` without anything on its grid."""
        _ = self._kept
        return self._frame()

    def whole(self, progress: Progress | None = None) -> xr.Dataset:
        """Return the dataset of :func:`simulate`; ``progress`` is told of steps done and of all."""
        count = len(self.steps)
        done = None if progress is None else lambda k: progress(k, count)
        fields = self._fields(self.scene, self.views, map(self._moment, range(count)), done)
        return labels.with_fields(self._frame(), fields, self.views[0].copy(), self.scene.mask)

    def blocks(self, progress: Progress | None = None, longest: int = BLOCK) -> Iterator[xr.Dataset]:
        """Yield the dataset of :func:`simulate` window by window, each with the bits that the whole has.

        Parameters
        ----------
        progress : callable, optional
            Told of the steps done and of all, of all blocks.
        longest : int
            Longest side of a block [cells].
        """
        frame, count = self.frame, len(self.steps)
        total = count * len(list(self.scene.grid.blocks(longest)))
        for number, (window, part) in enumerate(blocks(self.scene, longest)):

            def done(k: int, before: int = number * count) -> None:
                if progress is not None:
                    progress(before + k, total)

            here = within(window)
            views = np.ascontiguousarray(self.views[0][here]), np.ascontiguousarray(self.views[1][here])
            fields = self._fields(part, views, self._kept, done)
            cut = frame.isel(y=here[0], x=here[1])
            yield labels.with_fields(cut, fields, views[0], part.mask)
            del fields  # before there are those of the next

    @cached_property
    def _kept(self) -> list[_Moment]:
        """All steps, for block after block."""
        return [self._moment(k) for k in range(len(self.steps))]

    def _moment(self, k: int) -> _Moment:
        """Return what a step is for all cells, and keep how far its anchor is from the model."""
        now = self.drive.data.isel(time=k)
        heat = step_heat(now, self.drive.before.isel(time=k), self.ground.surfaces)
        tables = lookup.body_tables(
            heat.drive, now["rh"].values, heat.horizon, heat.light, heat.heat, heat.shaded,
            self.ground.surfaces.ground, heat.hours, heat.recursion, heat.mean, heat.day,
            self.ground.kinds, self.ground.crowns, self.urban_wind,
        )  # fmt: skip
        suns = path_of(now)
        past, path = (tuple(_whole(sun[0]) for sun in some) for some in (heat.suns, suns))
        open_mean = cells.reference_moe(tables, self.ground.reference, past, path)
        official = float(now["official"])
        self._offsets[k] = official - open_mean
        air = uncertainty.conditions(now)
        return _Moment(self.steps[k], air, heat.suns, suns, tables, official, open_mean)

    def _fields(
        self, part: Scene, views: Views, moments: Iterable[_Moment], done: Callable[[int], None] | None
    ) -> dict[str, npt.NDArray[np.float32]]:
        """Return the fields of all steps in the cells of a block, or of the whole."""
        names = (*_FIELDS, "wbgt_moe_sd", *(["p_danger"] if self._sure else []))
        # One piece of memory: the system gives a large one faster than many of a few megabytes.
        room = np.empty((len(names), len(self.steps), *part.grid.shape), np.float32)
        fields, suns = dict(zip(names, room, strict=True)), Suns(part, self.scene.grid.convergence)
        places = self.ground.places(part, views)
        for k, moment in enumerate(moments):
            field = {name: values[k] for name, values in fields.items()}
            # The share of the beam that arrives waits in the field that it becomes a part of.
            products = [field["wbgt_moe_sd"].ravel()] * cells.PRODUCTS
            for name, place in _FIELDS.items():
                products[place] = field[name].ravel()
            directs, beams = zip(*suns.shares(moment.suns), strict=True)
            before = tuple(suns.beams(moment.past))
            base = moment.official if np.isfinite(moment.official) else moment.open_mean
            cells.step_cells(
                moment.tables, places, before, beams, directs, base, moment.open_mean, tuple(products)
            )
            self._add_uncertainty(field, moment, views[0])
            if done is not None:
                done(k + 1)
        return fields

    @property
    def _sure(self) -> bool:
        """Whether a probability can be told at any step."""
        official = np.isfinite(self.drive.data["official"].values)
        return any(
            known and np.isfinite(uncertainty.lead_hours(self.weather, at))
            for known, at in zip(official, self.steps, strict=True)
        )

    def _add_uncertainty(
        self, field: dict[str, npt.NDArray[np.float32]], moment: _Moment, svf: npt.NDArray[np.float32]
    ) -> None:
        """Fill in how sure the ``wbgt_moe`` of one step is.

        In place of the standard deviation stands at first the share of the beam that arrives.
        """
        anchored, grid = bool(np.isfinite(moment.official)), self.scene.grid
        inputs = uncertainty.UncertaintyInputs(
            wbgt=field["wbgt_moe"],
            wbgt_sun=field["wbgt_moe_sun"],
            wbgt_shade=field["wbgt_moe_shade"],
            sunlit=field["wbgt_moe_sd"],
            lead_hours=uncertainty.lead_hours(self.weather, moment.at) if anchored else np.nan,
            anchored=anchored,
            split_measured=uncertainty.split_measured(self.weather),
            sub_cell=grid.cell_size / self.scene.factor,
            cell=grid.cell_size,
            svf=svf,
            conditions=moment.conditions,
        )
        sd = uncertainty.spread(inputs, out=field["wbgt_moe_sd"])
        if "p_danger" in field:
            uncertainty.probability(DANGER, inputs, sd, out=field["p_danger"])

    def _frame(self) -> xr.Dataset:
        official = self.drive.data["official"].values
        notes = [note.as_dict() for note in self.notes]
        attrs = {
            "scene": self.scene.hash,
            "anchored": str(bool(np.isfinite(official).all())).lower(),
            "assumptions": json.dumps(notes, ensure_ascii=False),
            "uncertainty": uncertainty.attribute(forecast=self._sure),
        }
        return labels.frame(self.scene.grid, self.steps, self.length, official, self._offsets, attrs)


class _Moment(NamedTuple):
    """A step as all cells have it."""

    at: pd.Timestamp
    conditions: uncertainty.Conditions
    past: list[Sun]  # suns before it that the ground remembers
    suns: list[Sun]
    tables: lookup.Tables
    official: float  # [degC]
    open_mean: float  # wbgt_moe of the open reference [degC]


class Ground:
    """Ground and crowns of a town as its tables have them, one for all its blocks.

    Parameters
    ----------
    scene : Scene
        The town.
    views : tuple of numpy.ndarray
        Sky view factors, with trees and without.
    surfaces : Surfaces
        Ground and walls.
    """

    def __init__(self, scene: Scene, views: Views, surfaces: Surfaces) -> None:
        self.surfaces = surfaces
        open_ground = surfaces.classes[GRASS.code]
        found = surfaces.classes[order.codes_found(scene.land_cover.ravel())]
        self.kinds = np.union1d(found, [open_ground]).astype(np.uint8)
        # Classes that are nowhere get a slot too, whichever.
        self._slots = np.searchsorted(self.kinds[:-1], surfaces.classes).astype(np.uint8)
        self.crowns = bool((views[0] < views[1]).any())
        grass, whole = np.full(1, GRASS.code, np.uint8), np.ones(1, np.float32)
        self.reference = order.places(grass, self._slots, whole, whole, self.crowns)

    def places(self, part: Scene, views: Views) -> order.Places:
        """Return where the cells of a block stand in the tables."""
        svf, bare = (view.ravel() for view in views)
        return order.places(part.land_cover.ravel(), self._slots, svf, bare, self.crowns)


def _whole(zenith: float) -> Packed:
    """Return the share of the beam that reaches open ground."""
    return packed([90.0 - zenith >= LOWEST_SUN])


def _views(scene: Scene, svf: xr.DataArray | xr.Dataset | None) -> Views:
    """Return the sky view factors of a scene, computed where they are not all given."""
    given = svf.to_dataset(name="svf") if isinstance(svf, xr.DataArray) else svf
    if given is not None:
        placed("svf", given["svf"], scene.grid)  # also where it does not suffice
    if given is not None and "svf_buildings" not in given and scene.crown_top is None:
        given = given.assign(svf_buildings=given["svf"])
    if given is None or "svf_buildings" not in given:
        given = views_by_blocks(scene)
    with_trees, bare = (
        placed(name, given[name], scene.grid).astype(np.float32, copy=False)
        for name in ("svf", "svf_buildings")
    )
    return with_trees, bare
