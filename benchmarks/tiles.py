"""Tiles a second: building the pyramid, rendering a tile, cutting values, the series of a place, areas.

``python -m benchmarks.tiles`` prints one table from one run on a made city of 6.4 x 5.2 km at 5 m. Where
rio-tiler is installed it draws the risk layer from GeoTIFFs with overviews in the same run, as titiler would.
"""

from __future__ import annotations

import importlib
import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import xarray as xr
from pyproj import CRS
from rasterio.enums import Resampling
from shapely import box as box_of

from heatrisk.cube import grid_of
from heatrisk.layers import LAYERS
from heatrisk.risk import RISK_SCALES, classify
from heatrisk.store import NewRun, RunStore
from heatrisk.stored import StoredRun
from heatrisk.tiles import DEFAULT_LAYERS, build, render, value_tile
from heatrisk.zonal import cells_of, zone

Tile = tuple[int, int, int, int]

MITAKA, STEPS = (1040, 1280), 24
AREAS = (100, 500, 2000)


def made_city(shape: tuple[int, int] = MITAKA, steps: int = STEPS) -> xr.Dataset:
    """Return fields with the texture of a town: sharp shade of 20 m blocks, a tenth of it buildings."""
    rows, columns = shape
    random = np.random.default_rng(1)
    blocks = random.uniform(0, 1, (rows // 4, columns // 4)).repeat(4, 0).repeat(4, 1)
    mask = (blocks < 0.1).astype(np.uint8)
    slope = 28 + np.add.outer(np.linspace(0, 1, rows), np.linspace(0, 1, columns))
    wbgt = np.empty((steps, *shape), np.float32)
    for step in range(steps):
        shade = np.roll(blocks, (step % 5, step - 12), (0, 1)) < 0.35
        wbgt[step] = np.round(slope + 3 * np.sin(np.pi * step / 8) - 2.0 * shade, 2)
    wbgt[:, mask == 1] = np.nan
    maps = ("time", "y", "x")
    names = ("wbgt_moe", "wbgt_moe_max", "wbgt_iso")
    times = np.datetime64("2025-08-04T18:00", "ns") + np.arange(steps) * np.timedelta64(3, "h")
    return xr.Dataset(
        {
            **dict.fromkeys(names, (maps, wbgt)),
            "sunlit": (maps, np.clip(wbgt - 27, 0, 1)),
            "risk": (maps, classify(wbgt, RISK_SCALES["daily"])),
            "svf": (("y", "x"), blocks.astype(np.float32)),
            "mask": (("y", "x"), mask),
            "official": ("time", np.full(steps, 30.0)),
            "anchor_offset": ("time", np.zeros(steps)),
        },
        coords={
            "time": times,
            "time_bnds": (("time", "bnds"), times[:, None] + np.array([-90, 90]) * np.timedelta64(1, "m")),
            "y": -35000 - 5.0 * (np.arange(rows) + 0.5),
            "x": -27000 + 5.0 * (np.arange(columns) + 0.5),
            "spatial_ref": ((), 0, {"crs_wkt": CRS.from_epsg(6677).to_wkt()}),
        },
    )


def written(root: Path, dataset: xr.Dataset) -> StoredRun:
    """Write the run of a dataset."""
    manifest = {"run_id": "20250804T1800Z-00000000", "created": "2025-08-04T18:00:00Z"}
    empty = {"type": "FeatureCollection", "features": []}
    return RunStore(root).write(NewRun(dataset, manifest, build(dataset), empty, empty))


def random_tiles(run: StoredRun, count: int = 3000) -> list[Tile]:
    """Return (step, z, x, y) of tiles over the area, every zoom as often."""
    random = np.random.default_rng(2)
    zooms = random.choice(list(run.levels), count)
    levels = [run.levels[int(zoom)] for zoom in zooms]
    return [
        (int(random.integers(STEPS)), level.zoom, level.column + int(random.integers(level.columns)),
         level.row + int(random.integers(level.rows)))
        for level in levels
    ]  # fmt: skip


def boxes(run: StoredRun, side: int, count: int = 20) -> list[tuple[Any, ...]]:
    """Return west, south, east, north of squares within the area [degrees]."""
    west, south, east, north = run.grid.bounds_lonlat
    wide, high = side / 90_400, side / 111_000
    random = np.random.default_rng(4)
    corners = [(random.uniform(west, east - wide), random.uniform(south, north - high)) for _ in range(count)]
    return [(lon, lat, lon + wide, lat + high) for lon, lat in corners]


def rate(function: Callable[..., Any], arguments: list[tuple[Any, ...]]) -> tuple[float, float]:
    """Return calls a second of processor time, and milliseconds a call."""
    function(*arguments[0])
    start = time.process_time()
    for argument in arguments:
        function(*argument)
    spent = time.process_time() - start
    return len(arguments) / spent, 1000 * spent / len(arguments)


def peer_rate(folder: Path, dataset: xr.Dataset, tiles: list[Tile]) -> tuple[float, float]:
    """Return the same of rio-tiler: palette PNG from one GeoTIFF a step with overviews."""
    reader, colormap = importlib.import_module("rio_tiler.io").Reader, {}
    for code, rgba in enumerate(LAYERS["risk"].palette.tolist()):
        colormap[code] = tuple(rgba)
    grid = grid_of(dataset)
    for step in sorted({tile[0] for tile in tiles}):
        codes = LAYERS["risk"].codes(dataset["wbgt_moe"].values[step])
        profile = {
            "driver": "GTiff", "dtype": "uint8", "count": 1, "height": grid.shape[0], "width": grid.shape[1],
            "crs": grid.crs, "transform": grid.transform, "tiled": True, "compress": "deflate", "nodata": 0,
        }  # fmt: skip
        with rasterio.open(folder / f"{step}.tif", "w", **profile) as image:
            image.write(codes, 1)
            image.build_overviews([2, 4, 8, 16], Resampling.mode)

    def draw(step: int, z: int, x: int, y: int) -> bytes:
        with reader(str(folder / f"{step}.tif")) as source:
            return bytes(source.tile(x, y, z).render(img_format="PNG", colormap=colormap))

    return rate(draw, list(tiles))


def main() -> None:
    """Measure and print."""
    dataset = made_city()
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        pyramid = build(dataset)
        for step in range(STEPS):
            pyramid.step(step)
        built = time.perf_counter() - start
        start = time.perf_counter()
        run = written(Path(name) / "store", dataset)
        stored = time.perf_counter() - start
        print(f"{MITAKA[1]} x {MITAKA[0]} cells, {STEPS} steps, layers {', '.join(DEFAULT_LAYERS)}")
        print(f"pyramid in memory      {built:8.2f} s")
        print(f"run written, checked   {stored:8.2f} s  (pyramid made again included)")
        tiles = random_tiles(run)
        for layer in DEFAULT_LAYERS:
            drawn = [render(run, layer, *tile) or b"" for tile in tiles]
            calls, spent = rate(lambda *tile, layer=layer: render(run, layer, *tile), list(tiles))
            size = np.mean([*map(len, drawn)])
            print(f"render {layer:10s} {calls:12.0f} tiles/s/core {spent:8.3f} ms {size:8.0f} bytes")
        west, south, east, north = run.grid.bounds_lonlat
        random = np.random.default_rng(3)
        places = [(random.uniform(west, east), random.uniform(south, north)) for _ in range(300)]
        calls, spent = rate(run.series, list(places))
        print(f"series of a place {calls:12.0f} /s/core       {spent:8.3f} ms")
        native = run.levels[max(run.levels)]
        cut = [(step, z, x, y) for step, z, x, y in tiles if z == native.zoom][:200]
        calls, spent = rate(lambda *tile: value_tile(run, "wbgt_moe", *tile), list(cut))
        print(f"values wbgt_moe   {calls:12.0f} tiles/s/core {spent:8.3f} ms  (native zoom)")
        for side in AREAS:
            calls, spent = rate(
                lambda *box: zone(run, "wbgt_moe", cells_of(run, box_of(*box))), boxes(run, side)
            )
            print(f"area of {side:5d} m   {calls:12.0f} /s/core       {spent:8.3f} ms")
        if importlib.util.find_spec("rio_tiler") is None:
            print("rio-tiler is not installed: no row")
            return
        calls, spent = peer_rate(Path(name), dataset, tiles[:200])
        print(f"rio-tiler risk    {calls:12.0f} tiles/s/core {spent:8.3f} ms")


if __name__ == "__main__":
    main()
