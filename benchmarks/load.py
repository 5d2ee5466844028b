"""Mixed traffic while runs are swapped: ``python -m benchmarks.load [--seconds 300] [--swap 60]``.

A server process of its own serves two runs of the sample town that differ by one degree. Clients ask for
tiles, places, first words, times and shelters of ``latest`` and of fixed runs; every answer must be whole, of
one run, and show that run's number. Printed: requests, errors, mixed answers, the times to answer, the
server's memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from heatrisk.city import read_city
from heatrisk.operation.manifest import new_run
from heatrisk.run import simulate
from heatrisk.sources.intake import read_inputs
from heatrisk.store import RunStore
from heatrisk.stored import StoredRun
from heatrisk.verdict import Light, Verdict
from heatrisk.words import Words

CITY_FILE = Path(__file__).resolve().parent.parent / "sample_data" / "city.toml"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=300)
    options.add_argument("--swap", type=float, default=60, help="seconds between two publications")
    options.add_argument("--connections", type=int, default=8)
    options.add_argument("--port", type=int, default=8765)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = RunStore(folder)
        names = two_runs(store)
        command = [sys.executable, "-c", "from heatrisk.cli import main; main()", "serve"]
        server = subprocess.Popen([*command, "--store", folder, "--port", str(chosen.port)])
        try:
            asyncio.run(measured(store, names, server.pid, chosen))
        finally:
            server.terminate()
            server.wait()


def two_runs(store: RunStore) -> list[str]:
    """Write the sample town's run, and one a degree warmer; publish the first."""
    created = datetime(2025, 8, 5, 5, 10, tzinfo=UTC)
    inputs = read_inputs(read_city(CITY_FILE), CITY_FILE, now=created)
    assert inputs.scene is not None and inputs.weather is not None
    data = simulate(inputs.scene, inputs.weather)
    verdict = Verdict(Light.GREEN, Words("計測", "measured"))
    names = []
    for warmer in (0.0, 1.0):
        fields = data.assign(wbgt_moe=data["wbgt_moe"] + np.float32(warmer)).assign_attrs(data.attrs)
        fields["wbgt_moe"].attrs = data["wbgt_moe"].attrs
        run = new_run(inputs, fields, verdict, created)
        manifest = {**run.manifest, "run_id": f"20250805T0510Z-0000000{warmer:.0f}"}
        names.append(store.write(replace(run, manifest=manifest)).id)
    store.publish(names[0])
    return names


class Traffic:
    """What clients ask for, and what they found."""

    def __init__(self, store: RunStore, names: list[str]) -> None:
        self.runs = {name: store.open(name) for name in names}
        self.names, self.seconds = names, dict[str, list[float]]()
        self.found: Counter[str] = Counter()
        west, south, east, north = self.runs[names[0]].grid.bounds_lonlat
        self.box = (west, south, east, north)
        self.places = [self._place(k) for k in range(200)]

    def _place(self, seed: int) -> tuple[float, float, dict[str, list[Any]]]:
        chance = random.Random(seed)
        lon, lat = chance.uniform(self.box[0], self.box[2]), chance.uniform(self.box[1], self.box[3])
        return lon, lat, {name: _values(run, lon, lat) for name, run in self.runs.items()}

    async def one(self, client: httpx.AsyncClient, kind: str) -> None:
        """Ask once, and look at the answer."""
        run = random.choice(["latest", *self.names])
        begin = time.perf_counter()
        if kind == "tile":
            wrong = await self._tile(client, run)
        elif kind == "point":
            wrong = await self._point(client, run)
        elif kind == "opening":
            wrong = await self._opening(client)
        else:
            answer = await client.get(f"/{kind}", params={"run": run})
            wrong = _unlike(answer, run)
        self.seconds.setdefault(kind, []).append(time.perf_counter() - begin)
        self.found[wrong or "good"] += 1

    async def _tile(self, client: httpx.AsyncClient, run: str) -> str:
        stored = self.runs[self.names[0]]
        level = random.choice(list(stored.levels.values()))
        column, row = level.column + random.randrange(level.columns), level.row + random.randrange(level.rows)
        layer = random.choice(stored.layers)
        address = (
            f"/tiles/{run}/{layer}/{random.choice(stored.times):%Y%m%dT%H%MZ}/{level.zoom}/{column}/{row}.png"
        )
        return _unlike(await client.get(address), run)

    async def _point(self, client: httpx.AsyncClient, run: str) -> str:
        lon, lat, values = random.choice(self.places)
        answer = await client.get("/point", params={"lon": lon, "lat": lat, "run": run})
        return _unlike(answer, run) or _mixed(answer, answer.json(), values)

    async def _opening(self, client: httpx.AsyncClient) -> str:
        lon, lat, values = random.choice(self.places)
        answer = await client.get("/opening", params={"place": f"{lon},{lat}"})
        wrong = _unlike(answer, "latest")
        if wrong:
            return wrong
        body = answer.json()
        told = {body["manifest"]["run_id"], body["times"]["run"], body["alerts"]["run"]}
        other = told != {answer.headers["Heatrisk-Run"]}
        return "mixed" if other else _mixed(answer, body["point"], values)


def _values(run: StoredRun, lon: float, lat: float) -> list[Any]:
    series = run.series(lon, lat)
    assert series is not None
    return [None if np.isnan(value) else round(float(value), 2) for value in series.values["wbgt_moe"]]


def _unlike(answer: httpx.Response, run: str) -> str:
    """Return what is wrong with an answer: nothing, an error, or another run than was asked for."""
    if answer.status_code not in (200, 204, 304):
        return f"status {answer.status_code}"
    of = answer.headers.get("Heatrisk-Run")
    return "" if of is not None and run in ("latest", of) else "mixed"


def _mixed(answer: httpx.Response, told: dict[str, Any], values: dict[str, list[Any]]) -> str:
    """Return what is wrong with what is told of a place: nothing, or values of another run."""
    of = answer.headers["Heatrisk-Run"]
    shown = [step["wbgt_moe"] for step in told["series"]]
    return "" if shown == values[of] and told["run"]["id"] == of else "mixed"


async def measured(store: RunStore, names: list[str], pid: int, chosen: argparse.Namespace) -> None:
    """Send traffic for some time while runs are swapped, and print what was found."""
    traffic, over = Traffic(store, names), threading.Event()
    kinds = ["tile"] * 12 + ["point"] * 4 + ["opening", "times", "layers", "shelters"]
    limits = httpx.Limits(max_connections=chosen.connections)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{chosen.port}", limits=limits, timeout=30
    ) as client:
        for _ in range(300):
            try:
                await client.get("/healthz")
                break
            except httpx.ConnectError:
                await asyncio.sleep(0.2)
        for _ in range(200):
            await traffic.one(client, random.choice(kinds))
        traffic.found.clear()
        traffic.seconds.clear()
        before, begin, swaps = memory(pid), time.monotonic(), 0
        swapper = threading.Thread(target=_swapping, args=(store, names, chosen.swap, over))
        swapper.start()

        async def worker() -> None:
            while time.monotonic() - begin < chosen.seconds:
                try:
                    await traffic.one(client, random.choice(kinds))
                except httpx.HTTPError as error:
                    traffic.found[type(error).__name__] += 1

        await asyncio.gather(*(worker() for _ in range(chosen.connections)))
        over.set()
        swapper.join()
        swaps = int((time.monotonic() - begin) // chosen.swap)
    count = sum(traffic.found.values())
    print(f"{count} requests in {chosen.seconds:g} s over {chosen.connections} connections, {swaps} swaps")
    print(f"found: {json.dumps(dict(traffic.found))}")
    print(f"server memory {before:.0f} -> {memory(pid):.0f} MiB")
    for kind, times in sorted(traffic.seconds.items()):
        p50, p99, worst = np.percentile(times, [50, 99, 100]) * 1000
        print(f"{kind:<10}{len(times):8d}  p50 {p50:7.1f} ms  p99 {p99:7.1f} ms  worst {worst:7.1f} ms")


def _swapping(store: RunStore, names: list[str], pause: float, over: threading.Event) -> None:
    turn = 0
    while not over.wait(pause):
        turn += 1
        store.publish(names[turn % 2])


def memory(pid: int) -> float:
    """Return the memory that a process holds [MiB]."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
