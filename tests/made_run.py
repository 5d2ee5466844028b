"""A made run for the tests of store, tiles and API: small, asymmetric, with every kind of cell."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr
from pyproj import CRS

from heatrisk.cube import grid_of
from heatrisk.grid import within
from heatrisk.risk import RISK_SCALES, classify
from heatrisk.store import NewRun
from heatrisk.tiles import build

RUN_ID = "20260730T0510Z-0123abcd"
OFFICIAL = {"long_name": "official WBGT forecast", "long_name_ja": "公式の暑さ指数予測"}
WEST, NORTH, CELL = -27000.0, -35000.0, 5.0  # EPSG:6677, Mitaka


def made_dataset(shape: tuple[int, int] = (150, 230), steps: int = 4) -> xr.Dataset:
    """Return a dataset of the form that simulate() returns; WBGT rises to the north-east and with time."""
    rows, columns = shape
    down, right = np.mgrid[0:rows, 0:columns]
    random = np.random.default_rng(7)
    field = 24.0 + 8.0 * right / columns - 3.0 * down / rows + random.uniform(0, 0.5, shape)
    wbgt = np.round(field + np.arange(steps)[:, None, None], 2).astype(np.float32)
    mask = np.zeros(shape, np.uint8)
    mask[20:40, 30:70] = 1
    mask[:, :12] = 2
    mask[-9:, :] = 2
    wbgt[:, mask > 0] = np.nan
    wbgt[1:2, 60:75, 100:120] = np.nan
    maps = ("time", "y", "x")
    time = np.datetime64("2025-08-04T18:00", "ns") + np.arange(steps) * np.timedelta64(3, "h")
    half = np.timedelta64(90, "m")
    sunlit = np.where(mask > 0, np.nan, (right % 20) / 19.0)
    names = " ".join(level.code for level in RISK_SCALES["daily"].levels)
    flags = {"flag_values": np.arange(4, dtype=np.int8), "flag_meanings": names}
    return xr.Dataset(
        {
            "wbgt_moe": (maps, wbgt, {"cell_methods": "time: mean"}),
            "wbgt_moe_max": (maps, wbgt + np.float32(0.5)),
            "wbgt_iso": (maps, wbgt - np.float32(0.3)),
            "sunlit": (maps, np.broadcast_to(sunlit, wbgt.shape).astype(np.float32)),
            "risk": (maps, classify(wbgt, RISK_SCALES["daily"]), flags),
            "risk_sport": (maps, classify(wbgt, RISK_SCALES["sport"])),
            "svf": (("y", "x"), np.where(mask == 1, np.nan, 0.25 + 0.5 * down / rows).astype(np.float32)),
            "mask": (("y", "x"), mask),
            "official": ("time", 30.9 + np.arange(steps), OFFICIAL),
            "anchor_offset": ("time", np.full(steps, 0.25)),
        },
        coords={
            "time": time,
            "time_bnds": (("time", "bnds"), np.stack([time - half, time + half], axis=1)),
            "y": NORTH - CELL * (np.arange(rows) + 0.5),
            "x": WEST + CELL * (np.arange(columns) + 0.5),
            "spatial_ref": ((), 0, {"crs_wkt": CRS.from_epsg(6677).to_wkt()}),
        },
        attrs={"Conventions": "CF-1.11", "title": "made", "anchored": "true"},
    )  # fmt: skip


def in_blocks(made: xr.Dataset, side: int) -> list[xr.Dataset]:
    """Return the parts of a dataset in blocks of at most some cells along a side."""
    windows = grid_of(made).blocks(side)
    return [made.isel(dict(zip(("y", "x"), within(window), strict=True))) for window in windows]


def made_run(dataset: xr.Dataset | None = None, run_id: str = RUN_ID) -> NewRun:
    """Return everything the store needs for one run."""
    dataset = made_dataset() if dataset is None else dataset
    manifest = {
        "run_id": run_id, "created": "2026-07-30T05:10:22Z", "heatrisk": "0.1.0",
        "city": {"name": {"ja": "見本町", "en": "Sample"}, "sample": True},
        "attribution": [{"ja": "出典A", "en": "source A"}, {"ja": "B", "en": "B"}],
        "anchor": {"anchored": True},
    }  # fmt: skip
    empty = {"type": "FeatureCollection", "features": []}
    draw = partial(build, layers=("wbgt_moe", "risk", "risk_sport", "sunlit"))
    return NewRun(dataset, manifest, draw, empty, {**empty, "name": "建物"})
