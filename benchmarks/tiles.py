"""Tiles a second: building the pyramid, rendering a tile, cutting values, the series of a place, areas.

``python -m benchmarks.tiles`` prints one table from one run on a made city of 6.4 x 5.2 km at 5 m; ``--http``
also asks the service, a hello-world of the same bytes and, with ``--titiler PYTHON``, titiler.core, which
draws from GeoTIFFs with overviews: one worker, 8 connections, random tiles of zoom 12 to 17. Above its native
zoom the service has no tiles; a client enlarges the native one, so that one is asked for. ``--tokyo`` asks a
city of 30 x 30 km too, ``--requests 1000000`` goes on to so many, to see whether the memory stays.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
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
from heatrisk.tiles.building import TMS
from heatrisk.zonal import cells_of, zone

Tile = tuple[int, int, int, int]

MITAKA, STEPS = (1040, 1280), 24
TOKYO, TOKYO_STEPS = (6000, 6000), 1
ZOOMS = range(12, 18)
SERVED = ("risk", "wbgt_moe")
AREAS = (100, 500, 2000)


def made_city(shape: tuple[int, int] = MITAKA, steps: int = STEPS, *, more: bool = True) -> xr.Dataset:
    """Return fields with the texture of a town: sharp shade of 20 m blocks, a tenth of it buildings.

    With all quantities that a run may hold, or with what two layers need.
    """
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
    beside = {
        **dict.fromkeys(("wbgt_moe_max", "wbgt_iso"), (maps, wbgt)),
        "wbgt_moe_sun": (maps, wbgt + np.float32(0.4)),
        "wbgt_moe_shade": (maps, wbgt - np.float32(1.2)),
        "wbgt_moe_sd": (maps, np.abs(np.sin(wbgt))),
        "p_danger": (maps, np.clip((wbgt - 28) / 5, 0, 1)),
        "tmrt": (maps, wbgt * np.float32(1.5)),
        "utci": (maps, wbgt * np.float32(1.2)),
        "sunlit": (maps, np.clip(wbgt - 27, 0, 1)),
    } if more else {}  # fmt: skip
    times = np.datetime64("2025-08-04T18:00", "ns") + np.arange(steps) * np.timedelta64(3, "h")
    return xr.Dataset(
        {
            "wbgt_moe": (maps, wbgt),
            **beside,
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


def written(root: Path, dataset: xr.Dataset, layers: tuple[str, ...] | None = None) -> StoredRun:
    """Write the run of a dataset."""
    manifest = {"run_id": "20250804T1800Z-00000000", "created": "2025-08-04T18:00:00Z"}
    empty = {"type": "FeatureCollection", "features": []}
    return RunStore(root).write(NewRun(dataset, manifest, partial(build, layers=layers), empty, empty))


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


def random_views(run: StoredRun, count: int = 3000) -> list[Tile]:
    """Return (step, z, x, y) of tiles of zoom 12 to 17 in which something is drawn, every zoom as often."""
    random, found = np.random.default_rng(5), list[Tile]()
    west, south, east, north = run.grid.bounds_lonlat
    while len(found) < count:
        zoom, step = int(random.choice(ZOOMS)), int(random.integers(len(run.times)))
        place = TMS.tile(random.uniform(west, east), random.uniform(south, north), zoom)
        if render(run, SERVED[0], step, *offered(run, (zoom, place.x, place.y))):
            found.append((step, zoom, place.x, place.y))
    return found


def offered(run: StoredRun, tile: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return the tile that a client asks for where it shows one: above the native zoom, the native one."""
    z, x, y = tile
    over = max(0, z - max(run.levels))
    return z - over, x >> over, y >> over


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
    options.add_argument("--tokyo", action="store_true", help="with --http: a city of 30 x 30 km as well")
    options.add_argument("--requests", type=int, default=0, help="with --http: so many, and the memory")
    chosen = options.parse_args()
    dataset = made_city(tuple(chosen.cells), chosen.steps)
    print("{1} x {0} cells, {2} steps".format(*chosen.cells, chosen.steps))
    with tempfile.TemporaryDirectory() as name:
        start = time.perf_counter()
        run = written(Path(name) / "store", dataset)
        print(f"run written, checked {time.perf_counter() - start:8.2f} s, {len(run.layers)} layers")
        size = sum(path.stat().st_size for path in run.path.joinpath("tiles").rglob("*.pmtiles"))
        print(f"tiles on disk        {size / 1e6:8.1f} MB")
        tiles = random_tiles(run)
        drawn(run, tiles)
        asked_of_fields(run, tiles)
        if chosen.http:
            rows = with_servers(run, dataset, chosen.seconds, chosen.titiler)
            if chosen.tokyo:
                beside_tokyo(Path(name) / "tokyo", rows, chosen.seconds)
            if chosen.requests:
                print(serving.memory(run, asked_tiles(run, random_views(run)), chosen.requests))


def mean_size(run: StoredRun, layer: str, tiles: list[Tile]) -> float:
    """Return the mean bytes of tiles, those without content included."""
    return float(np.mean([len(render(run, layer, *tile) or b"") for tile in tiles]))


def drawn(run: StoredRun, tiles: list[Tile]) -> None:
    """Print what tiles cost in this process."""
    for layer in run.layers:
        size = mean_size(run, layer, tiles)
        calls, spent = rate(lambda *tile, layer=layer: render(run, layer, *tile), list(tiles))
        print(f"render {layer:16s}{calls:10.0f} tiles/s/core {spent:8.3f} ms {size:8.0f} bytes")
    for kind, draw in (
        ("@2x", lambda *tile: render(run, "wbgt_moe", *tile, fine=True)),
        (
            "webp",
            lambda *tile: (image := render(run, "wbgt_moe", *tile)) and webp.__wrapped__(image, "wbgt_moe"),
        ),
    ):
        calls, spent = rate(draw, list(tiles[:200]))
        print(f"render wbgt_moe {kind:7s}{calls:10.0f} tiles/s/core {spent:8.3f} ms")


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


def asked_tiles(run: StoredRun, views: list[Tile]) -> list[Tile]:
    """Return the tiles that a client asks for to show others."""
    return [(step, *offered(run, (z, x, y))) for step, z, x, y in views]


def beside_tokyo(root: Path, rows: dict[str, serving.Row], seconds: float) -> None:
    """Print what tiles of a city thirty times as large cost, beside those of the first."""
    dataset = made_city(TOKYO, TOKYO_STEPS, more=False)
    run = written(root, dataset, SERVED)
    for layer in SERVED:
        row = serving.ours(run, layer, asked_tiles(run, random_views(run)), seconds)
        print(row._replace(name=f"{row.name}, 30 x 30 km"))
        print(f"{layer} of 30 x 30 km to 6.4 x 5.2 km {row.cpu / rows[row.name].cpu:.2f}")


def with_servers(
    run: StoredRun, dataset: xr.Dataset, seconds: float, titiler: str | None
) -> dict[str, serving.Row]:
    """Print what servers cost, and how they compare."""
    views = random_views(run)
    tiles = asked_tiles(run, views)
    size = round(mean_size(run, "wbgt_moe", tiles))
    print(f"distinct tiles asked: heatrisk and hello-world {len({*tiles})}, titiler {len({*views})}")
    rows = {row.name: row for row in serving.compared(run, tiles, size, seconds)}
    if titiler is not None:
        row = serving.titiler(dataset, views, seconds, titiler)
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
    return rows


if __name__ == "__main__":
    main()
