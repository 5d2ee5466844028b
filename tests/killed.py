"""Runs that are killed: ``python -m tests.killed CITY.toml STORE KILLS SEED`` prints what was left of each.

Every run is a process of its own, forked from this one, which has loaded the program but never computed: a
kill falls after a random time, or at a random call by which the run asks the system for a file.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from heatrisk.operation import recompute
from heatrisk.store import RunStore
from tests.tiny_city import MORNING

#: Calls that change or read the disk, as Python's own audit names them.
CALLS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")


def run(city: Path, store: Path, number: int, calls: int | None) -> int:
    """Recompute in this process, dying at the given call where one is given; return the number of calls."""
    seen = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in CALLS and str(store) in str(arguments[0]):
            seen += 1
            if calls is not None and seen > calls:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    recompute(city, RunStore(store), MORNING + timedelta(minutes=number), lambda *_: None)
    return seen


def child(city: Path, store: Path, number: int, calls: int | None = None, told: int | None = None) -> int:
    """Start a run in a process of its own and return its number; it tells its calls to a pipe."""
    pid = os.fork()
    if pid == 0:
        try:
            seen = run(city, store, number, calls)
            if told is not None:
                os.write(told, str(seen).encode())
        finally:
            os._exit(0)
    return pid


def whole(store: RunStore) -> list[str]:
    """Return what is wrong with a store after a kill: nothing, unless a visible run is not whole."""
    wrong = [f"{name}: {store.verify(name)[0]}" for name in store.runs() if store.verify(name)]
    if (store.root / "latest").is_symlink() and store.latest_id() is None:
        wrong.append("latest leads nowhere")
    return wrong


def main() -> None:
    """Kill, look, and let a last run clean up."""
    city, root, kills, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    chance, store = random.Random(seed), RunStore(root)
    begun = time.monotonic()
    reading, writing = os.pipe()
    os.waitpid(child(city, root, 0, told=writing), 0)
    calls = int(os.read(reading, 20))
    length = time.monotonic() - begun
    first = store.latest_id()
    assert first is not None, store.status()
    wrong, survived, published = [], 0, {first}
    for number in range(1, kills + 1):
        by_call = number % 2 == 0
        pid = child(city, root, number, chance.randrange(calls) if by_call else None)
        if not by_call:
            time.sleep(chance.uniform(0, 1.1) * length)
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        survived += not os.WIFSIGNALED(status)
        wrong += [f"kill {number}: {what}" for what in whole(store)]
        latest = store.latest_id()
        if latest is None:
            wrong.append(f"kill {number}: the served run is lost")
        else:
            published.add(latest)
    os.waitpid(child(city, root, kills + 1), 0)
    left = [path.name for path in (*root.iterdir(), *(root / "runs").iterdir()) if path.name.startswith(".")]
    lost = sorted(published - set(store.runs()))
    told = {"wrong": wrong, "survived": survived, "left": left, "lost": lost, "runs": len(store.runs())}
    print(
        json.dumps(
            told | {"seconds": round(time.monotonic() - begun, 1), "length": round(length, 2), "calls": calls}
        )
    )


if __name__ == "__main__":
    main()
