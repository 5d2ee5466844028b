"""Names, coordinates and CF attributes of what a run computes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from pyproj import CRS

from heatrisk.grid import Grid
from heatrisk.quantities import QUANTITIES
from heatrisk.risk import RISK_SCALES, RiskScale, classify

_ON_GRID = {"grid_mapping": "spatial_ref"}
_OFFICIAL = {
    "units": "degC",
    "long_name": "official WBGT forecast",
    "long_name_ja": "公式の暑さ指数予測",
}
_OFFSET = {"units": "degC", "long_name": "official value minus modelled open reference"}
_MASK = {
    "long_name": "why a cell has no value",
    "flag_values": np.arange(3, dtype=np.uint8),
    "flag_meanings": "outdoors building outside",
    **_ON_GRID,
}


def frame(
    grid: Grid,
    steps: pd.DatetimeIndex,
    step: pd.Timedelta,
    official: npt.NDArray[np.float64],
    offsets: npt.NDArray[np.float64],
    attrs: Mapping[str, str],
) -> xr.Dataset:
    """Return what all cells of a run share: coordinates, official value, offset of the anchor, attributes.

    Parameters
    ----------
    grid : Grid
        The cells.
    steps : pandas.DatetimeIndex
        Centres of the steps, UTC without zone, and
    step : pandas.Timedelta
        what each stands for.
    official, offsets : numpy.ndarray
        One value a step; NaN without official value [degC].
    attrs : mapping
        Of this run.
    """
    variables = {"official": ("time", official, _OFFICIAL), "anchor_offset": ("time", offsets, _OFFSET)}
    data = xr.Dataset(variables, _coordinates(grid, steps, step))
    data.attrs = {
        "Conventions": "CF-1.11",
        "title": "Sun-adjusted WBGT and heat-stroke risk",
        "references": "ISO 7243:2017; ISO 7726:1998; Liljegren et al. 2008; pages of heatrisk.physics",
        **attrs,
    }
    return data


def with_fields(
    frame: xr.Dataset,
    fields: Mapping[str, npt.NDArray[np.float32]],
    svf: npt.NDArray[np.float32],
    mask: npt.NDArray[np.uint8],
) -> xr.Dataset:
    """Return a frame with the fields of its cells, and their risk.

    Parameters
    ----------
    frame : xarray.Dataset
        From :func:`frame`.
    fields : mapping of numpy.ndarray
        On (time, y, x), by name; ``wbgt_moe`` among them.
    svf, mask : numpy.ndarray
        On (y, x).
    """
    dims = ("time", "y", "x")
    variables: dict[str, Any] = {}
    for name, values in fields.items():
        within = "maximum" if name == "wbgt_moe_max" else "mean"
        methods = {"cell_methods": f"time: {within} area: mean (outdoor ground)"}
        variables[name] = (dims, values, QUANTITIES[name].attrs | methods | _ON_GRID)
    for name, scale in (("risk", RISK_SCALES["daily"]), ("risk_sport", RISK_SCALES["sport"])):
        classes = classify(fields["wbgt_moe"], scale)
        variables[name] = (dims, classes, QUANTITIES[name].attrs | _flags(scale) | _ON_GRID)
    variables["svf"] = (dims[1:], svf, QUANTITIES["svf"].attrs | _ON_GRID)
    variables["mask"] = (dims[1:], mask, _MASK)
    # All at once: a dataset to which one variable after another is added compares its axes every time.
    return frame.assign(variables)


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
