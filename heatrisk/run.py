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
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from pyproj import CRS

from heatrisk import uncertainty
from heatrisk.errors import GridMismatchError, InputError
from heatrisk.fields import sky_views
from heatrisk.forcing import STEP, forcing, step_times
from heatrisk.grid import Grid
from heatrisk.heat import StepHeat, Surfaces, step_heat
from heatrisk.physics import cells, lanes, lookup, order
from heatrisk.physics.shadow import LOWEST_SUN
from heatrisk.physics.shares import Packed, packed
from heatrisk.physics.surface import GRASS
from heatrisk.physics.wind import UrbanWind
from heatrisk.quantities import QUANTITIES
from heatrisk.radiation import Suns, path_of
from heatrisk.risk import DANGER, RISK_SCALES, RiskScale, classify
from heatrisk.scene import Scene
from heatrisk.weather import Weather
from heatrisk.words import Note

#: An anchor farther than this from the model means wrong radiation or a wrong station [K].
SUSPECT_OFFSET = 1.5

#: Products of `heatrisk.physics.cells.step_cells` on (time, y, x), by their place there.
_FIELDS = {
    "wbgt_moe": lanes.MOE, "wbgt_moe_max": lanes.PEAK, "wbgt_iso": lanes.ISO,
    "wbgt_moe_sun": lanes.MOE_SUN, "wbgt_moe_shade": lanes.MOE_SHADE,
    "tmrt": lanes.TMRT, "utci": lanes.UTCI, "sunlit": cells.LIT,
}  # fmt: skip
_OFFICIAL = {
    "units": "degC",
    "long_name": "official WBGT forecast",
    "long_name_ja": "公式の暑さ指数予測",
}


def simulate(
    scene: Scene,
    weather: Weather,
    *,
    steps: pd.DatetimeIndex | Sequence[datetime] | None = None,
    step: pd.Timedelta = STEP,
    anchor: bool = True,
    svf: xr.DataArray | xr.Dataset | None = None,
    surfaces: Surfaces | None = None,
    urban_wind: UrbanWind = "off",
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Compute WBGT, its risk class, Tmrt and UTCI in every outdoor cell of a town.

    Pure: no file, no clock, no network; the same input gives the same bytes.

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
        What a step stands for, a multiple of 20 minutes: an hour for research.
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
        Weather series and official forecast do not overlap, or no step is given.
    SourceIncompleteError
        The weather or the official forecast has a hole.
    GridMismatchError
        The given sky view factor does not lie on the scene's grid.
    """
    grid = scene.grid
    notes: tuple[Note, ...] = ()
    if steps is None:
        steps, notes = step_times(weather, step)
    steps = _instants(steps)
    drive = forcing(weather, steps, *grid.centre_lonlat, anchor=anchor, step=step)
    views = _views(scene, svf)
    town = Town(scene, views, Surfaces.of() if surfaces is None else surfaces, urban_wind == "svf")
    official = drive.data["official"].values
    names = (*_FIELDS, "wbgt_moe_sd", "p_danger")
    # One piece of memory: the system gives a large one faster than many of a few megabytes.
    fields = dict(zip(names, np.empty((len(names), len(steps), *grid.shape), np.float32), strict=True))
    offsets = np.full(len(steps), np.nan)
    for k in range(len(steps)):
        now = drive.data.isel(time=k)
        heat = step_heat(now, drive.before.isel(time=k), town.surfaces)
        field = {name: values[k] for name, values in fields.items()}
        # The share of the beam that arrives waits in the field that it becomes a part of.
        products = [field["wbgt_moe_sd"]] * cells.PRODUCTS
        for name, place in _FIELDS.items():
            products[place] = field[name]
        open_mean = town.step(now, heat, official[k], products)
        offsets[k] = official[k] - open_mean
        _add_uncertainty(field, weather, now, (grid.cell_size, scene.factor), views)
        if progress is not None:
            progress(k + 1, len(steps))
    sure = bool(np.isfinite(fields["p_danger"]).any())
    if not sure:
        del fields["p_danger"]
    data = _dataset(scene, steps, step, fields, views)
    data["official"] = ("time", official, _OFFICIAL)
    data["anchor_offset"] = (
        "time",
        offsets,
        {"units": "degC", "long_name": "official value minus modelled open reference"},
    )
    data.attrs["anchored"] = str(bool(np.isfinite(official).all())).lower()
    data.attrs["assumptions"] = json.dumps(
        [note.as_dict() for note in (*notes, *drive.notes)], ensure_ascii=False
    )
    data.attrs["uncertainty"] = uncertainty.attribute(forecast=sure)
    return data


def _add_uncertainty(
    field: dict[str, npt.NDArray[np.float32]], weather: Weather, now: xr.Dataset, grain: tuple[float, int],
    views: xr.Dataset,
) -> None:  # fmt: skip
    """Fill in how sure the ``wbgt_moe`` of one step is; the grain is the cell size and its sub-cells.

    In place of the standard deviation stands at first the share of the beam that arrives.
    """
    official, at = float(now["official"]), pd.Timestamp(now["time"].item())
    anchored = bool(np.isfinite(official))
    inputs = uncertainty.UncertaintyInputs(
        wbgt=field["wbgt_moe"],
        wbgt_sun=field["wbgt_moe_sun"],
        wbgt_shade=field["wbgt_moe_shade"],
        sunlit=field["wbgt_moe_sd"],
        lead_hours=uncertainty.lead_hours(weather, at) if anchored else np.nan,
        anchored=anchored,
        split_measured=uncertainty.split_measured(weather),
        sub_cell=grain[0] / grain[1],
        cell=grain[0],
        svf=views["svf"].values,
        conditions=uncertainty.conditions(now),
    )
    sd = uncertainty.spread(inputs, out=field["wbgt_moe_sd"])
    uncertainty.probability(DANGER, inputs, sd, out=field["p_danger"])


def _instants(steps: pd.DatetimeIndex | Sequence[datetime]) -> pd.DatetimeIndex:
    """Return steps as UTC without zone."""
    index = steps if isinstance(steps, pd.DatetimeIndex) else pd.DatetimeIndex(list(steps))
    if index.empty:
        raise InputError("no step to compute", expected="at least one clock time")
    return index if index.tz is None else index.tz_convert("UTC").tz_localize(None)


def _views(scene: Scene, svf: xr.DataArray | xr.Dataset | None) -> xr.Dataset:
    """Return the sky view factors of a scene, computed where they are not all given."""
    given = svf.to_dataset(name="svf") if isinstance(svf, xr.DataArray) else svf
    if given is not None and given["svf"].shape != scene.grid.shape:
        raise GridMismatchError(
            "the sky view factor lies on another grid",
            expected=str(scene.grid.shape),
            got=str(given["svf"].shape),
        )
    if given is not None and "svf_buildings" not in given and scene.crown_top is None:
        given = given.assign(svf_buildings=given["svf"])
    if given is None or "svf_buildings" not in given:
        given = sky_views(scene.shade, scene.grid, scene.transmissivity, scene.extinction)
    return given.astype(np.float32, copy=False)


class Town:
    """A scene as the kernels read it, step by step.

    Parameters
    ----------
    scene : Scene
        The town.
    views : xarray.Dataset
        Sky view factors, with trees and without.
    surfaces : Surfaces
        Ground and walls.
    urban_wind : bool
        Whether the wind at the body fades among buildings.
    """

    def __init__(self, scene: Scene, views: xr.Dataset, surfaces: Surfaces, urban_wind: bool) -> None:
        self.surfaces, self.suns, self.urban_wind = surfaces, Suns(scene), urban_wind
        open_ground = surfaces.classes[GRASS.code]
        codes = scene.land_cover.ravel()
        found = surfaces.classes[order.codes_found(codes)]
        self.kinds = np.union1d(found, [open_ground]).astype(np.uint8)
        # Classes that are nowhere get a slot too, whichever.
        slots = np.searchsorted(self.kinds[:-1], surfaces.classes).astype(np.uint8)
        svf, bare = (views[name].values.ravel() for name in ("svf", "svf_buildings"))
        self.crowns = bool((svf < bare).any())
        self.places = order.places(codes, slots, svf, bare, self.crowns)
        grass, whole = np.full(1, GRASS.code, np.uint8), np.ones(1, np.float32)
        self.reference = order.places(grass, slots, whole, whole, self.crowns)

    def step(
        self, now: xr.Dataset, heat: StepHeat, official: float, products: list[npt.NDArray[np.float32]]
    ) -> float:
        """Fill in the products of one step; return ``wbgt_moe`` of the open reference."""
        tables = lookup.body_tables(
            heat.drive, now["rh"].values, heat.horizon, heat.light, heat.heat, heat.shaded,
            self.surfaces.ground, heat.hours, heat.recursion, heat.mean, heat.day,
            self.kinds, self.crowns, self.urban_wind,
        )  # fmt: skip
        suns = path_of(now)
        before, beams = (tuple(_whole(sun[0]) for sun in some) for some in (heat.suns, suns))
        open_mean = cells.reference_moe(tables, self.reference, before, beams)
        directs, beams = zip(*self.suns.shares(suns), strict=True)
        before = tuple(self.suns.beams(heat.suns))
        base = official if np.isfinite(official) else open_mean
        flat = tuple(product.ravel() for product in products)
        cells.step_cells(tables, self.places, before, beams, directs, base, open_mean, flat)
        return open_mean


def _whole(zenith: float) -> Packed:
    """Return the share of the beam that reaches open ground."""
    return packed([90.0 - zenith >= LOWEST_SUN])


def _dataset(
    scene: Scene,
    steps: pd.DatetimeIndex,
    step: pd.Timedelta,
    fields: dict[str, npt.NDArray[np.float32]],
    views: xr.Dataset,
) -> xr.Dataset:
    """Put names, coordinates and CF attributes on the results."""
    grid, dims = scene.grid, ("time", "y", "x")
    on_grid = {"grid_mapping": "spatial_ref"}
    variables: dict[str, Any] = {}
    for name, values in fields.items():
        within = "maximum" if name == "wbgt_moe_max" else "mean"
        methods = {"cell_methods": f"time: {within} area: mean (outdoor ground)"}
        variables[name] = (dims, values, QUANTITIES[name].attrs | methods | on_grid)
    for name, scale in (("risk", RISK_SCALES["daily"]), ("risk_sport", RISK_SCALES["sport"])):
        classes = classify(fields["wbgt_moe"], scale)
        variables[name] = (dims, classes, QUANTITIES[name].attrs | _flags(scale) | on_grid)
    variables["svf"] = (dims[1:], views["svf"].values.copy(), QUANTITIES["svf"].attrs | on_grid)
    flags = {
        "long_name": "why a cell has no value",
        "flag_values": np.arange(3, dtype=np.uint8),
        "flag_meanings": "outdoors building outside",
    }
    variables["mask"] = (dims[1:], scene.mask, flags | on_grid)
    # All at once: a dataset to which one variable after another is added compares its axes every time.
    data = xr.Dataset(variables, _coordinates(grid, steps, step))
    data.attrs = {
        "Conventions": "CF-1.11",
        "title": "Sun-adjusted WBGT and heat-stroke risk",
        "scene": scene.hash,
        "references": "ISO 7243:2017; ISO 7726:1998; Liljegren et al. 2008; pages of heatrisk.physics",
    }
    return data


def _flags(scale: RiskScale) -> dict[str, object]:
    return {
        "flag_values": np.arange(len(scale.levels), dtype=np.int8),
        "flag_meanings": " ".join(level.code for level in scale.levels),
        "references": scale.source,
    }


def _coordinates(grid: Grid, steps: pd.DatetimeIndex, step: pd.Timedelta) -> dict[str, object]:
    times = steps.as_unit("ns")
    bounds = np.stack([times - step / 2, times + step / 2], axis=1)
    axis = {"units": "m", "standard_name": "projection_y_coordinate"}
    return {
        "time": ("time", times, {"standard_name": "time", "bounds": "time_bnds"}),
        "time_bnds": (("time", "bnds"), bounds),
        "y": ("y", grid.y, axis),
        "x": ("x", grid.x, {**axis, "standard_name": "projection_x_coordinate"}),
        "spatial_ref": ((), 0, _mapping(grid.crs)),
    }


@lru_cache
def _mapping(crs: str) -> dict[str, Any]:
    """Return the CF attributes of a coordinate system."""
    return CRS.from_user_input(crs).to_cf()
