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
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from pyproj import CRS

from heatrisk.errors import GridMismatchError, InputError
from heatrisk.fields import sky_views
from heatrisk.forcing import STEP, forcing, step_times
from heatrisk.grid import Grid
from heatrisk.physics import lookup
from heatrisk.physics.shadow import LOWEST_SUN
from heatrisk.physics.surface import GRASS
from heatrisk.quantities import QUANTITIES
from heatrisk.radiation import StepHeat, Suns, Surfaces, stands_for_an_hour, step_heat, warmed
from heatrisk.risk import RISK_SCALES, RiskScale, classify
from heatrisk.scene import Scene
from heatrisk.weather import Weather
from heatrisk.words import Note

#: An anchor farther than this from the model means wrong radiation or a wrong station [K].
SUSPECT_OFFSET = 1.5

#: Products on (time, y, x) and the column of the sums that each is read from.
_FIELDS = {
    "wbgt_moe": lookup.MOE, "wbgt_moe_max": lookup.PEAK, "wbgt_iso": lookup.ISO,
    "wbgt_moe_sun": lookup.MOE_SUN, "wbgt_moe_shade": lookup.MOE_SHADE,
    "tmrt": lookup.TMRT, "utci": lookup.UTCI, "sunlit": lookup.LIT,
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
    progress : callable, optional
        Called with the number of steps done and of all steps.

    Returns
    -------
    xarray.Dataset
        On (time, y, x): ``wbgt_moe``, ``wbgt_moe_max``, ``wbgt_iso``, and ``wbgt_moe_sun`` and
        ``wbgt_moe_shade``, what the cell's sunny and shady side have (all lifted by the anchor of
        ``wbgt_moe``) [degC]; ``tmrt`` of a standing person and ``utci``, never anchored [degC]; ``sunlit``,
        the share of the step in full sun (under a crown is shade) [1]; ``risk`` and ``risk_sport`` (class
        index, -1 without value). On (y, x): ``svf`` [1] and ``mask`` (0 value, 1 all
        building, 2 ground unknown). On time: ``official`` and ``anchor_offset`` [degC], NaN when unanchored.
        Attribute ``anchored`` is ``"true"`` or ``"false"``; ``assumptions`` is a JSON list of what had to be
        assumed, each with code, Japanese and English words.

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
    town = Surfaces.of() if surfaces is None else surfaces
    cells = _Cells(
        town.classes[scene.land_cover.ravel()],
        *(views[name].values.ravel() for name in ("svf", "svf_buildings")),
    )
    official = drive.data["official"].values
    fields = {name: np.empty((len(steps), *grid.shape), np.float32) for name in _FIELDS}
    offsets = np.full(len(steps), np.nan)
    suns = Suns(scene)
    for k in range(len(steps)):
        now = drive.data.isel(time=k)
        means, open_mean = _step(cells, suns, now, step_heat(now, drive.before.isel(time=k), town), town)
        anchored = np.isfinite(official[k])
        base = official[k] if anchored else open_mean
        offsets[k] = official[k] - open_mean
        for name, column in _FIELDS.items():
            mean = means[:, column]
            values = base + (mean - open_mean) if name.startswith("wbgt") else mean
            fields[name][k] = np.round(values, 3 if name == "sunlit" else 2).reshape(grid.shape)
        if progress is not None:
            progress(k + 1, len(steps))
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
    return data


def _instants(steps: pd.DatetimeIndex | Sequence[datetime]) -> pd.DatetimeIndex:
    """Return steps as UTC without zone."""
    index = steps if isinstance(steps, pd.DatetimeIndex) else pd.DatetimeIndex(list(steps))
    if index.empty:
        raise InputError("no step to compute", expected="at least one clock time")
    return index if index.tz is None else index.tz_convert("UTC").tz_localize(None)


class _Cells(NamedTuple):
    """What stays the same in all steps: class of the ground, sky view factor with and without trees."""

    classes: npt.NDArray[np.uint8]
    svf: npt.NDArray[np.float32]
    svf_buildings: npt.NDArray[np.float32]


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
        given = sky_views(scene.shade, scene.grid, scene.transmissivity)
    return given.astype(np.float32)


def _step(
    cells: _Cells, suns: Suns, now: xr.Dataset, heat: StepHeat, town: Surfaces
) -> tuple[npt.NDArray[np.float64], float]:
    """Return the mean of every column over one step, flat, and ``wbgt_moe`` of the open reference."""
    one = np.ones(1, np.float32)
    reference = _Cells(town.classes[[GRASS.code]], one, one)
    zenith, azimuth = (now[name].values for name in ("zenith", "azimuth"))
    ground = [suns.beam(*sun) for sun in heat.suns]
    sums = _Sums(cells, heat, ground, town)
    open_sums = _Sums(reference, heat, [_whole(sun[0]) for sun in heat.suns], town)
    for k in range(len(heat.drive)):
        air = (float(now[name][k]) for name in ("ta", "rh", "ps", "va"))
        court = lookup.court_table(heat.light[k], heat.heat[k])
        table = lookup.sensor_table(*air)
        keep = stands_for_an_hour(k, len(heat.drive))
        sums.add(k, table, court, *suns.shares(float(zenith[k]), float(azimuth[k]), keep=keep))
        open_sums.add(k, table, court, _whole(zenith[k]), _whole(zenith[k]))
    return sums.means(), float(open_sums.means()[0, lookup.MOE])


def _whole(zenith: float) -> npt.NDArray[np.float32]:
    """Return the share of the beam that reaches open ground."""
    return np.full(1, 90.0 - zenith >= LOWEST_SUN, np.float32)


class _Sums:
    """Running sums over the sub-steps of one step, and the warmth of the ground that goes with them."""

    def __init__(
        self, cells: _Cells, heat: StepHeat, beams: Sequence[npt.NDArray[np.float32]], town: Surfaces
    ) -> None:
        self.cells, self.heat, self.town = cells, heat, town
        self.warming = warmed(heat, beams, cells.classes, cells.svf)
        self.sums = np.zeros((cells.svf.size, lookup.SUMS))
        self.sums[:, lookup.PEAK] = -np.inf

    def add(
        self,
        k: int,
        table: npt.NDArray[np.float64],
        court: npt.NDArray[np.float64],
        direct: npt.NDArray[np.float32],
        beam: npt.NDArray[np.float32],
    ) -> None:
        """Add sub-step ``k``."""
        cells, heat = self.cells, self.heat
        lookup.add_warming(heat.recursion[k], heat.mean, cells.classes, cells.svf, beam, self.warming)
        lookup.add_substep(
            table, heat.drive[k], heat.horizon[k], court, heat.shaded[k], self.town.ground,
            *cells, beam, direct, self.warming, self.sums,
        )  # fmt: skip

    def means(self) -> npt.NDArray[np.float64]:
        """Return the mean of every column, of the peak itself."""
        means = self.sums / len(self.heat.drive)
        means[:, lookup.PEAK] = self.sums[:, lookup.PEAK]
        return means


def _dataset(
    scene: Scene,
    steps: pd.DatetimeIndex,
    step: pd.Timedelta,
    fields: dict[str, npt.NDArray[np.float32]],
    views: xr.Dataset,
) -> xr.Dataset:
    """Put names, coordinates and CF attributes on the results."""
    grid, dims = scene.grid, ("time", "y", "x")
    data = xr.Dataset(coords=_coordinates(grid, steps, step))
    for name, values in fields.items():
        within = "maximum" if name == "wbgt_moe_max" else "mean"
        methods = {
            "cell_methods": f"time: {within} area: mean (outdoor ground)",
            "grid_mapping": "spatial_ref",
        }
        data[name] = (dims, values, QUANTITIES[name].attrs | methods)
    for name, scale in (("risk", RISK_SCALES["daily"]), ("risk_sport", RISK_SCALES["sport"])):
        classes = classify(fields["wbgt_moe"], scale)
        data[name] = (dims, classes, QUANTITIES[name].attrs | _flags(scale) | {"grid_mapping": "spatial_ref"})
    data["svf"] = (("y", "x"), views["svf"].values, QUANTITIES["svf"].attrs | {"grid_mapping": "spatial_ref"})
    data["mask"] = (
        ("y", "x"),
        scene.mask,
        {
            "long_name": "why a cell has no value",
            "flag_values": np.arange(3, dtype=np.uint8),
            "flag_meanings": "outdoors building outside",
            "grid_mapping": "spatial_ref",
        },
    )
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
        "spatial_ref": ((), 0, CRS.from_user_input(grid.crs).to_cf()),
    }
