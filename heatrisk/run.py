"""One run: a town, its weather, and what a body feels in every cell at every step.

The walk is short. Shade comes from the town and the sun alone; the weather is the same for all cells of
a city; so each 10-minute sub-step is one sweep for the sunlit share of every cell and one small table of
exact energy balances to read it with. The mean over a step is then anchored to the official forecast::

    W(cell, step) = W_official(step) + mean over the step of [ W(cell, τ) - W(open reference, τ) ]

The open reference is level grass under a whole sky: what stands around an official station. A cell like it
returns the official value exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from pyproj import CRS

from heatrisk.errors import GridMismatchError, InputError
from heatrisk.fields import sky_view
from heatrisk.forcing import STEP, forcing, step_times
from heatrisk.grid import Grid
from heatrisk.physics.lookup import add_substep, wbgt_table
from heatrisk.physics.shadow import LOWEST_SUN, sun_shares
from heatrisk.physics.surface import GRASS, LAND_COVER, ground_parameters
from heatrisk.quantities import QUANTITIES
from heatrisk.risk import RISK_SCALES, RiskScale, classify
from heatrisk.scene import Scene
from heatrisk.weather import Weather
from heatrisk.words import Note

#: An anchor farther than this from the model means wrong radiation or a wrong station [K].
SUSPECT_OFFSET = 1.5

_FIELDS = ("wbgt_moe", "wbgt_moe_max", "wbgt_iso", "sunlit")
_FORCING = ("ghi", "dni", "dhi", "ta", "rh", "ps", "va", "ldown")
_CODES = np.array([row.code for row in LAND_COVER])
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
    anchor: bool = True,
    svf: xr.DataArray | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    """Compute WBGT and its risk class in every outdoor cell of a town.

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
    svf : xarray.DataArray, optional
        Sky view factor of the scene if known already, on (y, x); computed if omitted.
    progress : callable, optional
        Called with the number of steps done and of all steps.

    Returns
    -------
    xarray.Dataset
        On (time, y, x): ``wbgt_moe``, ``wbgt_moe_max``, ``wbgt_iso`` (lifted by the anchor of ``wbgt_moe``)
        [degC], ``sunlit``, the share of the step in full sun (under a crown is shade) [1], ``risk`` and
        ``risk_sport`` (class index, -1 without value). On (y, x): ``svf`` [1] and ``mask`` (0 value, 1 all
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
        steps, notes = step_times(weather)
    steps = _instants(steps)
    drive = forcing(weather, steps, *grid.centre_lonlat, anchor=anchor)
    if svf is None:
        svf = sky_view(scene.shade, grid, scene.transmissivity)
    elif svf.shape != grid.shape:
        raise GridMismatchError(
            "the sky view factor lies on another grid", expected=str(grid.shape), got=str(svf.shape)
        )
    official = drive.data["official"].values
    fields = {name: np.empty((len(steps), *grid.shape), np.float32) for name in _FIELDS}
    offsets = np.full(len(steps), np.nan)
    for k in range(len(steps)):
        means, open_mean = _step(scene, svf.values, drive.data.isel(time=k))
        anchored = np.isfinite(official[k])
        base = official[k] if anchored else open_mean
        offsets[k] = official[k] - open_mean
        for name, mean in means.items():
            values = mean if name == "sunlit" else base + (mean - open_mean)
            fields[name][k] = np.round(values, 2 if name != "sunlit" else 3).reshape(grid.shape)
        if progress is not None:
            progress(k + 1, len(steps))
    data = _dataset(scene, steps, fields, svf)
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


def _step(
    scene: Scene, svf: npt.NDArray[np.float32], drive: xr.Dataset
) -> tuple[dict[str, npt.NDArray[np.float64]], float]:
    """Return the fields of one step, flat, and the mean ``wbgt_moe`` of the open reference."""
    ground = _ground_rows(scene.land_cover).ravel()
    albedo, warming = ground_parameters(_CODES)
    cells, reference = (
        _Sums(ground, svf.ravel()),
        _Sums(_ground_rows(np.array([GRASS.code])), np.ones(1, np.float32)),
    )
    cosz = np.cos(np.radians(drive["zenith"].values))
    for k in range(drive.sizes["sub"]):
        now = drive.isel(sub=k)
        zenith, azimuth = float(now["zenith"]), float(now["azimuth"])
        ghi, dni, dhi, ta, rh, ps, va, ldown = (float(now[name]) for name in _FORCING)
        table = wbgt_table(ghi, dni, dhi, max(cosz[k], 0.0), ta, rh, ps, va, ldown, albedo, warming)
        direct, beam = sun_shares(scene.shade, zenith, azimuth, transmissivity=scene.transmissivity)
        cells.add(table, beam.ravel(), direct.ravel())
        whole = np.full(1, 90.0 - zenith >= LOWEST_SUN, np.float32)
        reference.add(table, whole, whole)
    return cells.means(), float(reference.means()["wbgt_moe"][0])


class _Sums:
    """Running sums over the sub-steps of one step."""

    def __init__(self, ground: npt.NDArray[np.uint8], svf: npt.NDArray[np.float32]) -> None:
        self.ground, self.svf = ground, svf
        self.moe, self.iso, self.sun = (np.zeros(svf.size) for _ in range(3))
        self.peak = np.full(svf.size, -np.inf)
        self.count = 0

    def add(
        self,
        table: npt.NDArray[np.float64],
        beam: npt.NDArray[np.float32],
        direct: npt.NDArray[np.float32],
    ) -> None:
        add_substep(table, self.ground, self.svf, beam, direct, self.moe, self.iso, self.peak, self.sun)
        self.count += 1

    def means(self) -> dict[str, npt.NDArray[np.float64]]:
        return {
            "wbgt_moe": self.moe / self.count,
            "wbgt_moe_max": self.peak,
            "wbgt_iso": self.iso / self.count,
            "sunlit": self.sun / self.count,
        }


def _ground_rows(land_cover: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """Return each code's row in the table of ground classes; unknown ground counts as grass."""
    rows = np.full(256, np.searchsorted(_CODES, GRASS.code), np.uint8)
    rows[_CODES] = np.arange(_CODES.size)
    return np.asarray(rows[land_cover], np.uint8)


def _dataset(
    scene: Scene, steps: pd.DatetimeIndex, fields: dict[str, npt.NDArray[np.float32]], svf: xr.DataArray
) -> xr.Dataset:
    """Put names, coordinates and CF attributes on the results."""
    grid, dims = scene.grid, ("time", "y", "x")
    data = xr.Dataset(coords=_coordinates(grid, steps))
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
    data["svf"] = (
        ("y", "x"),
        svf.values.astype(np.float32),
        QUANTITIES["svf"].attrs | {"grid_mapping": "spatial_ref"},
    )
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


def _coordinates(grid: Grid, steps: pd.DatetimeIndex) -> dict[str, object]:
    times = steps.as_unit("ns")
    bounds = np.stack([times - STEP / 2, times + STEP / 2], axis=1)
    axis = {"units": "m", "standard_name": "projection_y_coordinate"}
    return {
        "time": ("time", times, {"standard_name": "time", "bounds": "time_bnds"}),
        "time_bnds": (("time", "bnds"), bounds),
        "y": ("y", grid.y, axis),
        "x": ("x", grid.x, {**axis, "standard_name": "projection_x_coordinate"}),
        "spatial_ref": ((), 0, CRS.from_user_input(grid.crs).to_cf()),
    }
