"""Tiles over HTTP: our service, a hello-world of the same bytes, and titiler, asked by wrk in one run.

Part of ``python -m benchmarks.tiles --http``. The processor time of the server is the number that a busy
machine disturbs least; times a client sees are told with it.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import rasterio
import xarray as xr
from rasterio.enums import Resampling

import heatrisk
from heatrisk.cube import grid_of
from heatrisk.layers import LAYERS
from heatrisk.stored import StoredRun

CONNECTIONS = 8

HELLO = """
import sys
import uvicorn
from fastapi import FastAPI, Response
app = FastAPI()
body = bytes(int(sys.argv[2]))
@app.get("/tiles/{run}/{layer}/{time}/{z}/{x}/{y}")
async def tile(run: str, layer: str, time: str, z: int, x: int, y: str):
    return Response(body, media_type="image/png")
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
"""
OURS = """
import sys
import uvicorn
from pathlib import Path
from heatrisk.api import create_app
uvicorn.run(create_app(Path(sys.argv[2])), port=int(sys.argv[1]), log_level="error", access_log=False)
"""
TITILER = """
import json, sys
import uvicorn
from fastapi import FastAPI
from titiler.core.factory import TilerFactory
colours = {int(code): tuple(rgba) for code, rgba in json.loads(sys.argv[2]).items()}
app = FastAPI()
app.include_router(TilerFactory(colormap_dependency=lambda: colours).router)
uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
"""
LUA = """
local urls, headers, at = {{}}, {headers}, 0
for line in io.lines("{path}") do urls[#urls + 1] = line end
request = function()
  at = at % #urls + 1
  local url, tag = urls[at]:match("^(%S+)%s*(.*)$")
  if tag ~= "" then headers["If-None-Match"] = tag end
  return wrk.format("GET", url, headers)
end
done = function(summary, latency)
  io.write(string.format("%d %d %d %d\\n", summary.requests, summary.errors.status,
    latency:percentile(50), latency:percentile(99)))
end
"""


class Row(NamedTuple):
    """What one server did: processor time a request [ms], requests a second, times a client saw [ms]."""

    name: str
    cpu: float
    requests: int
    failed: int
    rate: float
    p50: float
    p99: float
    memory: float

    def __str__(self) -> str:
        """One line of the table."""
        return (
            f"{self.name:34s}{self.cpu:9.3f} ms/request {1000 / self.cpu:10.0f} /s/core {self.rate:8.0f} /s "
            f"p50 {self.p50:7.2f} p99 {self.p99:7.2f} ms {self.memory:6.0f} MB "
            f"{self.requests:8d} requests {self.failed:3d} failed"
        )


def asked(name: str, code: str, arguments: list[str], urls: list[str], seconds: float, python: str) -> Row:
    """Start a server, ask it for some seconds, and tell what it cost."""
    with running(code, arguments, python) as (port, process), asking(urls) as ask:
        ask(port, 1.0)
        before = cpu_of(process.pid)
        requests, failed, p50, p99 = ask(port, seconds)
        spent = cpu_of(process.pid) - before
        return Row(
            name, 1000 * spent / requests, requests, failed, requests / seconds, p50 / 1000, p99 / 1000,
            memory_of(process.pid),
        )  # fmt: skip


@contextmanager
def asking(urls: list[str]) -> Iterator[Callable[[int, float], list[int]]]:
    """Give what asks a port for some seconds, and tells requests, failures, median and 99 % times [us]."""
    with tempfile.TemporaryDirectory() as folder:
        listed, script = Path(folder) / "urls", Path(folder) / "ask.lua"
        listed.write_text("\n".join(urls) + "\n")
        script.write_text(LUA.format(path=listed, headers="{}"))

        def ask(port: int, seconds: float) -> list[int]:
            command = ["wrk", "-t1", f"-c{CONNECTIONS}", "-s", str(script), f"-d{seconds:g}s"]
            said = subprocess.run(
                [*command, f"http://127.0.0.1:{port}"], check=True, capture_output=True, text=True
            ).stdout
            found = re.search(r"^(\d+) (\d+) (\d+) (\d+)$", said, re.M)
            assert found is not None, said
            return list(map(int, found.groups()))

        yield ask


@contextmanager
def running(code: str, arguments: list[str], python: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run a server on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    gdal = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_CACHEMAX": "200", "VSI_CACHE": "TRUE"}
    process = subprocess.Popen([python, "-c", code, str(port), *arguments], env={**os.environ, **gdal})
    try:
        for _ in range(600):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port, process
    finally:
        process.terminate()
        process.wait(30)


def cpu_of(pid: int) -> float:
    """Return the processor time of a process [s]."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    """Return the resident memory of a process without what it shares with the page cache [MB]."""
    found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def geotiffs(folder: Path, dataset: xr.Dataset, steps: int) -> None:
    """Write the risk classes of each step as titiler likes them: tiled, with overviews."""
    grid = grid_of(dataset)
    for step in range(steps):
        codes = LAYERS["risk"].codes(dataset["wbgt_moe"].values[step])
        profile = {
            "driver": "GTiff", "dtype": "uint8", "count": 1, "height": grid.shape[0], "width": grid.shape[1],
            "crs": grid.crs, "transform": grid.transform, "tiled": True, "blockxsize": 512, "blockysize": 512,
            "compress": "deflate", "nodata": 0,
        }  # fmt: skip
        with rasterio.open(folder / f"{step}.tif", "w", **profile) as image:
            image.write(codes, 1)
            image.build_overviews([2, 4, 8, 16], Resampling.mode)


def compared(
    run: StoredRun, tiles: list[tuple[int, int, int, int]], size: int, seconds: float
) -> Iterator[Row]:
    """Yield the rows of our service and of a hello-world that sends as many bytes."""
    for layer in ("risk", "wbgt_moe"):
        yield ours(run, layer, tiles, seconds)
    urls = urls_of(run, "wbgt_moe", tiles)
    yield asked(f"hello-world, {size} bytes", HELLO, [str(size)], urls, seconds, sys.executable)
    tag = f"{heatrisk.__version__}.{run.id}.wbgt_moe"
    known = [f'{url} "{tag}.{step}.{z}.{x}.{y}"' for url, (step, z, x, y) in zip(urls, tiles, strict=True)]
    yield asked("heatrisk 304", OURS, [store_of(run)], known, seconds, sys.executable)


def ours(run: StoredRun, layer: str, tiles: list[tuple[int, int, int, int]], seconds: float) -> Row:
    """Return the row of our service for one layer."""
    urls = urls_of(run, layer, tiles)
    return asked(f"heatrisk {layer}", OURS, [store_of(run)], urls, seconds, sys.executable)


def store_of(run: StoredRun) -> str:
    """Return the folder of the store that a run lies in."""
    return str(run.path.parent.parent)


def urls_of(run: StoredRun, layer: str, tiles: list[tuple[int, int, int, int]]) -> list[str]:
    """Return the addresses of tiles, as (step, z, x, y)."""
    keys = [f"{time:%Y%m%dT%H%MZ}" for time in run.times]
    return [f"/tiles/{run.id}/{layer}/{keys[step]}/{z}/{x}/{y}.png" for step, z, x, y in tiles]


def memory(run: StoredRun, tiles: list[tuple[int, int, int, int]], requests: int) -> str:
    """Ask for many tiles, and tell how much memory the service holds as it goes."""
    told, done, start = [], 0, time.perf_counter()
    with (
        asking(urls_of(run, "risk", tiles)) as ask,
        running(OURS, [store_of(run)], sys.executable) as (port, process),
    ):
        while done < requests:
            done += ask(port, 10.0)[0]
            told.append(f"{done / 1e3:.0f}k {memory_of(process.pid):.0f}")
    return f"memory [MB] after requests: {', '.join(told)} ({time.perf_counter() - start:.0f} s)"


def titiler(dataset: xr.Dataset, tiles: list[tuple[int, int, int, int]], seconds: float, python: str) -> Row:
    """Return the row of titiler.core, installed beside another interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        geotiffs(Path(folder), dataset, dataset.sizes["time"])
        urls = [f"/tiles/WebMercatorQuad/{z}/{x}/{y}.png?url={folder}/{step}.tif" for step, z, x, y in tiles]
        colours = json.dumps(dict(enumerate(LAYERS["risk"].palette.tolist())))
        return asked("titiler.core risk", TITILER, [colours], urls, seconds, python)
