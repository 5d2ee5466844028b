"""Runs that are killed: ``python -m tests.killed CITY.toml STORE KILLS SEED`` prints what was left of each.

Every run is a process of its own, forked from this one, which has loaded the program but never computed. A
kill falls before and after every change of a name that others see, then by turns after a random time and at a
random call by which the run asks the system for a file.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from heatrisk.operation import recompute
from heatrisk.store import RunStore
from tests.tiny_city import MORNING

#: Calls that change or read the disk, as Python's own audit names them.
CALLS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate")


def run(city: Path, store: Path, number: int, last: int | None) -> list[str]:
    """Recompute in this process, dying at the given call where one is given; return the calls.

    What happens inside a temporary folder is "unseen", whatever it is.
    """
    seen: list[str] = []

    def count(event: str, arguments: tuple[object, ...]) -> None:
        if event in CALLS and str(store) in (path := str(arguments[0])):
            seen.append("unseen" if "/.tmp-" in path and "/" in path.split("/.tmp-")[1] else event)
            if last is not None and len(seen) > last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    recompute(city, RunStore(store), MORNING + timedelta(minutes=number), lambda *_: None)
    return seen


def child(city: Path, store: Path, number: int, last: int | None = None, told: int | None = None) -> int:
    """Start a run in a process of its own and return its number; it tells its calls to a pipe."""
    pid = os.fork()
    if pid == 0:
        try:
            seen = run(city, store, number, last)
            if told is not None:
                os.write(told, json.dumps(seen).encode())
        finally:
            os._exit(0)
    return pid


def whole(store: RunStore) -> list[str]:
    """Return what is wrong with a store after a kill: nothing, unless a visible run is not whole."""
    wrong = [f"{name}: {store.verify(name)[0]}" for name in store.runs() if store.verify(name)]
    if (store.root / "latest").is_symlink() and store.latest_id() is None:
        wrong.append("latest leads nowhere")
    return wrong


def points(calls: list[str], kills: int, chance: random.Random) -> Iterator[int | None]:
    """Yield at which call each kill falls; None for one after a random time."""
    named = {k + late for k, call in enumerate(calls) if call == "os.rename" for late in (0, 1)}
    after = (None if k % 2 else chance.randrange(len(calls)) for k in itertools.count(1))
    return itertools.islice(itertools.chain(sorted(named, reverse=True), after), kills)


def main() -> None:
    """Kill, look, and let a last run clean up."""
    city, root, kills, seed = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    chance, store = random.Random(seed), RunStore(root)
    begun = time.monotonic()
    reading, writing = os.pipe()
    pid = child(city, root, 0, told=writing)
    os.close(writing)  # so that the child's end is the end of the pipe
    with os.fdopen(reading, "rb") as pipe:
        calls = json.load(pipe)
    os.waitpid(pid, 0)
    length = time.monotonic() - begun
    first = store.latest_id()
    assert first is not None, store.status()
    wrong, survived, published = [], 0, {first}
    for number, last in enumerate(points(calls, kills, chance), 1):
        pid = child(city, root, number, last)
        if last is None:
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
    took = {"seconds": round(time.monotonic() - begun, 1), "length": round(length, 2), "calls": len(calls)}
    print(json.dumps(told | took))


if __name__ == "__main__":
    main()
