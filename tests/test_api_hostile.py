"""Requests of random tiles by the thousand: never a failure of the service, never a file outside the store.

``HEATRISK_REQUESTS=100000`` asks as many.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from heatrisk.api import Settings, create_app
from tests.small_run import NOON, RUN, TIMES, write_small_run

REQUESTS = int(os.environ.get("HEATRISK_REQUESTS", "3000"))
SECRET = "nobody-may-read-this"
UP = ("..", "../..", "..%2f..", "....//", "/", "%00", "~", "C:\\", "run.json\x00", "。。/", "." * 300)
RUNS = (*[RUN] * 9, *["latest"] * 9, "beside", RUN + "x", "20250804T1930Z-0123456", "")
LAYERS = (*["risk", "wbgt_moe", "p_danger", "tmrt"] * 3, "wind", "wbgt_moe_max", "__class__", "")
KEYS = (
    *(f"{time:%Y%m%dT%H%MZ}" for time in TIMES),
    "now",
    "latest",
    "2025-08-05T15:00",
    "0",
    "1e9",
    "NaN",
    "",
)
FORMS = (".png", ".png", "@2x.png", ".webp", "@2x.webp", ".npy", ".mvt", "", ".PNG", ".png/", ".png.png")
NUMBERS = ("-1", "1.5", "1e3", "٣", "999999999", "9" * 40, "0x10", "", " 1")

Scope = dict[str, Any]


class Watch:
    """What files this process opens while it is asked."""

    def __init__(self) -> None:
        self.on, self.paths = False, set[str]()
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.on and event == "open" and isinstance(arguments[0], str | bytes):
            self.paths.add(os.fsdecode(arguments[0]))


def addresses(rng: random.Random, levels: dict[int, Any], count: int) -> Iterator[str]:
    """Yield paths: most of tiles that are there or nearly, the others of what nobody should ask."""
    for _ in range(count):
        level = levels[rng.choice(list(levels))]
        off = rng.choice((0, 0, 0, 1, 2))
        z, x, y = (
            level.zoom + rng.choice((0, 0, 0, 1, -9)),
            level.column + rng.randint(-off, level.columns - 1 + off),
            level.row + rng.randint(-off, level.rows - 1 + off),
        )
        place = [str(z), str(x), str(y)]
        if rng.random() < 0.2:
            place[rng.randrange(3)] = rng.choice(NUMBERS)
        parts = [
            rng.choice(("tiles", "tiles", "values")),
            rng.choice(RUNS),
            rng.choice(LAYERS),
            rng.choice(KEYS),
        ]
        if rng.random() < 0.2:
            parts[rng.randrange(1, 4)] = rng.choice(UP)
        yield quote("/" + "/".join([*parts, *place]) + rng.choice(FORMS), safe="/%@:+")


async def statuses(app: Any, paths: Iterator[str], rng: random.Random) -> Counter[int]:
    """Ask for every path, and count how it was answered."""
    found: Counter[int] = Counter()
    told = SECRET.encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    for path in paths:
        sent: list[Any] = []

        async def send(message: Any, sent: list[Any] = sent) -> None:
            sent.append(message)

        headers = [(b"host", b"testserver")]
        if rng.random() < 0.2:
            headers.append(
                (b"if-none-match", rng.choice((b"*", b'"', b'W/"x", "y"', bytes(range(128, 200)))))
            )
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1",
            "method": rng.choice(("GET", "GET", "GET", "HEAD", "OPTIONS", "POST")), "scheme": "http",
            "path": unquote(path), "raw_path": path.encode(), "root_path": "",
            "query_string": rng.choice((b"", b"", b"x=1", b"%ff=%zz")), "headers": headers,
            "client": ("127.0.0.1", 1), "server": ("testserver", 80),
        }  # fmt: skip
        await app(scope, receive, send)
        found[int(sent[0]["status"])] += 1
        assert not any(told in message.get("body", b"") for message in sent), path
    return found


@pytest.mark.filterwarnings("ignore:Unable to import:UserWarning")
def test_random_tiles_never_fail_the_service_and_read_nothing_outside_the_store(tmp_path: Path) -> None:
    store = tmp_path / "store"
    run = write_small_run(store)
    for lure in (tmp_path / "run.json", tmp_path / "beside" / "run.json", store / "run.json"):
        lure.parent.mkdir(exist_ok=True)
        lure.write_text(SECRET)
    app, rng, watch = create_app(store, Settings(), clock=lambda: NOON), random.Random(20250805), Watch()
    asyncio.run(statuses(app, addresses(rng, run.levels, 200), rng))  # what is imported late is imported now
    watch.on = True
    try:
        found = asyncio.run(statuses(app, addresses(rng, run.levels, REQUESTS), rng))
    finally:
        watch.on = False
    assert found.total() == REQUESTS
    assert {status for status in found if status >= 500} == set(), found
    # Good and bad requests both were among them.
    assert found.keys() >= {200, 304, 400, 404, 405, 422}
    inside = str(run.path)
    outside = {path for path in watch.paths if not path.startswith((inside, sys.prefix, sys.base_prefix))}
    assert {path for path in outside if not path.endswith("reports.sqlite")} == set()
