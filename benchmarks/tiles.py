"""Tiles a second: building the pyramid, rendering a tile, cutting values, the series of a place, areas.

``python -m benchmarks.tiles`` prints one table from one run on a made city of 6.4 x 5.2 km at 5 m; ``--http``
also asks the service, a hello-world of the same bytes and, with ``--titiler PYTHON``, titiler.core the same
tiles of zoom 12 and more, which it draws from GeoTIFFs with overviews.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from pyproj import CRS
from shapely import box as box_of

from benchmarks import serving
from heatrisk.risk import RISK_SCALES, classify
from heatrisk.store import NewRun, RunStore
from heatrisk.stored import StoredRun
from heatrisk.tiles import build, render, value_tile, webp
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
            "wbgt_moe_sun": (maps, wbgt + np.float32(0.4)),
            "wbgt_moe_shade": (maps, wbgt - np.float32(1.2)),
            "wbgt_moe_sd": (maps, np.abs(np.sin(wbgt))),
            "p_danger": (maps, np.clip((wbgt - 28) / 5, 0, 1)),
            "tmrt": (maps, wbgt * np.float32(1.5)),
            "utci": (maps, wbgt * np.float32(1.2)),
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
        (int(random.integers(len(run.times))), level.zoom, level.column + int(random.integers(level.columns)),
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


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--cells", nargs=2, type=int, default=MITAKA, metavar=("ROWS", "COLUMNS"))
    options.add_argument("--steps", type=int, default=STEPS)
    options.add_argument("--http", action="store_true", help="ask servers with wrk too")
    options.add_argument("--seconds", type=float, default=10.0, help="how long each server is asked")
    options.add_argument("--titiler", metavar="PYTHON", help="an interpreter that has titiler.core")
    chosen = options.parse_args()
    dataset = made_city(tuple(chosen.cells), chosen.steps)
    print("{1} x {0} cells, {2} steps".format(*chosen.cells, chosen.steps))
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        pyramid = build(dataset)
        for step in range(chosen.steps):
            pyramid.step(step)
        print(f"pyramid in memory    {time.perf_counter() - start:8.2f} s, {len(pyramid.layers)} layers")
        start = time.perf_counter()
        run = written(Path(name) / "store", dataset)
        print(f"run written, checked {time.perf_counter() - start:8.2f} s  (pyramid made again included)")
        size = sum(path.stat().st_size for path in run.path.joinpath("tiles").rglob("*.pmtiles"))
        print(f"tiles on disk        {size / 1e6:8.1f} MB")
        tiles = random_tiles(run)
        mean = drawn(run, tiles)
        asked_of_fields(run, tiles)
        if chosen.http:
            with_servers(run, dataset, tiles, mean, chosen.seconds, chosen.titiler)


def drawn(run: StoredRun, tiles: list[Tile]) -> int:
    """Print what tiles cost in this process; return the mean bytes of one of WBGT."""
    sizes = {}
    for layer in run.layers:
        sizes[layer] = np.mean([len(render(run, layer, *tile) or b"") for tile in tiles])
        calls, spent = rate(lambda *tile, layer=layer: render(run, layer, *tile), list(tiles))
        print(f"render {layer:16s}{calls:10.0f} tiles/s/core {spent:8.3f} ms {sizes[layer]:8.0f} bytes")
    for kind, draw in (
        ("@2x", lambda *tile: render(run, "wbgt_moe", *tile, fine=True)),
        (
            "webp",
            lambda *tile: (image := render(run, "wbgt_moe", *tile)) and webp.__wrapped__(image, "wbgt_moe"),
        ),
    ):
        calls, spent = rate(draw, list(tiles[:200]))
        print(f"render wbgt_moe {kind:7s}{calls:10.0f} tiles/s/core {spent:8.3f} ms")
    return int(sizes["wbgt_moe"])


def asked_of_fields(run: StoredRun, tiles: list[Tile]) -> None:
    """Print what places, tiles of values and areas cost."""
    west, south, east, north = run.grid.bounds_lonlat
    random = np.random.default_rng(3)
    places = [(random.uniform(west, east), random.uniform(south, north)) for _ in range(300)]
    calls, spent = rate(run.series, list(places))
    print(f"series of a place      {calls:10.0f} /s/core       {spent:8.3f} ms")
    native = max(run.levels)
    cut = [tile for tile in tiles if tile[1] == native][:200]
    calls, spent = rate(lambda *tile: value_tile(run, "wbgt_moe", *tile), list(cut))
    print(f"values wbgt_moe        {calls:10.0f} tiles/s/core {spent:8.3f} ms  (native zoom)")
    for side in AREAS:
        calls, spent = rate(lambda *box: zone(run, "wbgt_moe", cells_of(run, box_of(*box))), boxes(run, side))
        print(f"area of {side:5d} m        {calls:10.0f} /s/core       {spent:8.3f} ms")


def with_servers(
    run: StoredRun, dataset: xr.Dataset, tiles: list[Tile], size: int, seconds: float, titiler: str | None
) -> None:
    """Print what servers cost, and how they compare."""
    fit = [tile for tile in tiles if tile[1] >= 12 and render(run, "risk", *tile)]
    rows = {row.name: row for row in serving.compared(run, fit, size, seconds)}
    if titiler is not None:
        row = serving.titiler(dataset, fit, seconds, titiler)
        rows[row.name] = row
    for row in rows.values():
        print(row)
    risk, wbgt, known = (rows[f"heatrisk {name}"] for name in ("risk", "wbgt_moe", "304"))
    hello = rows[f"hello-world, {size} bytes"]
    print(
        f"WBGT tile to hello-world {wbgt.cpu / hello.cpu:.2f}, 304 to hello-world {known.cpu / hello.cpu:.2f}"
    )
    if titiler is not None:
        print(f"titiler to heatrisk, risk {rows['titiler.core risk'].cpu / risk.cpu:.0f}")


if __name__ == "__main__":
    main()
