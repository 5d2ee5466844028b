"""Counts for Prometheus: what was asked is counted once, under names that no client can invent."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest

from heatrisk.api import Settings, create_app
from heatrisk.api.metrics import BUCKETS, Counts, Metrics
from heatrisk.store import RunStore
from tests.client import Client
from tests.small_run import CREATED, NOON, OPEN_CELL, tile_of, write_small_run

# Metric and label names as the Prometheus documentation defines them, a value, and nothing else on a line.
SAMPLE = re.compile(
    r'[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? [-+0-9.e]+(inf|nan)?'
)


def scraped(client: Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, float] = {}
    for line in answer.text.splitlines():
        if not line.startswith("# "):
            assert SAMPLE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            assert name not in found, "each series once"
            found[name] = float(value)
    return found


def counted(samples: dict[str, float], route: str, method: str, status: int) -> float:
    return samples.get(f'heatrisk_requests_total{{route="{route}",method="{method}",status="{status}"}}', 0)


def test_requests_are_counted_by_route_method_and_status(tmp_path: Path) -> None:
    write_small_run(tmp_path)
    client = Client(create_app(tmp_path, Settings(), clock=lambda: NOON))
    url = f"/tiles/latest/risk/now/{tile_of(OPEN_CELL)}.png"
    etag = client.get(url).headers["etag"]
    client.get(url)
    client.get(url, headers={"If-None-Match": etag})
    client.head(url)
    client.get("/tiles/latest/risk/now/15/1/1.png")
    client.options("/times")
    client.post("/times")
    for path in ("/nothing", "/no/way", '/"},x="'):
        client.get(path)
    client.request("BREW", "/times")
    found = scraped(client)
    assert counted(found, "tile", "GET", 200) == 2
    assert counted(found, "tile", "GET", 304) == counted(found, "tile", "HEAD", 200) == 1
    assert counted(found, "tile", "GET", 404) == 1
    assert counted(found, "times", "OPTIONS", 204) == counted(found, "times", "POST", 405) == 1
    assert counted(found, "times", "other", 405) == 1
    assert counted(found, "none", "GET", 404) == 3
    assert found['heatrisk_request_duration_seconds_count{route="tile"}'] == 5
    assert found['heatrisk_request_duration_seconds_bucket{route="tile",le="+Inf"}'] == 5
    assert counted(found, "metrics", "GET", 200) == 0 and counted(scraped(client), "metrics", "GET", 200) == 1


@pytest.mark.parametrize(
    "seconds, le", [(0.0, "0.001"), (0.001, "0.001"), (0.0011, "0.0025"), (99.0, "+Inf")]
)
def test_a_duration_counts_in_every_class_that_holds_it(seconds: float, le: str) -> None:
    counts = Counts()
    counts.add("tile", "GET", 200, seconds)
    lines = [line for line in counts.lines() if "_bucket" in line]
    names = [*(f"{bound:g}" for bound in BUCKETS), "+Inf"]
    first = names.index(le)
    assert [line.rpartition(" ")[2] for line in lines] == ["0"] * first + ["1"] * (len(names) - first)
    assert f'heatrisk_request_duration_seconds_sum{{route="tile"}} {seconds:.6f}' in list(counts.lines())


def test_time_is_that_of_the_whole_answer_and_a_crash_is_a_500() -> None:
    now = [0.0]

    async def slow(scope: object, receive: object, send: object) -> None:
        now[0] += 0.2
        raise RuntimeError

    counts = Counts()
    with pytest.raises(RuntimeError):
        asyncio.run(Metrics(slow, counts, lambda: now[0])({"type": "http", "method": "GET"}, None, None))  # type: ignore[arg-type]
    assert counts.requests == {("none", "GET", 500): 1}
    assert counts.seconds["none"] == pytest.approx(0.2)


def test_the_age_of_the_data_and_the_last_attempt_are_told(tmp_path: Path) -> None:
    client = Client(create_app(tmp_path, Settings(), clock=lambda: NOON))
    assert scraped(client)["heatrisk_ready"] == 0
    write_small_run(tmp_path)
    found = scraped(client)
    assert (found["heatrisk_ready"], found["heatrisk_runs"], found["heatrisk_run_stale"]) == (1, 1, 0)
    assert found["heatrisk_run_age_seconds"] == (NOON - CREATED).total_seconds()
    assert found["heatrisk_run_created_timestamp_seconds"] == CREATED.timestamp()
    assert found['heatrisk_last_attempt{level="red"}'] == 0
    RunStore(tmp_path).keep_status({"at": "x", "run_id": None, "verdict": {"level": "red"}})
    assert scraped(client)['heatrisk_last_attempt{level="red"}'] == 1
    later = Client(create_app(tmp_path, Settings(), clock=lambda: NOON + timedelta(days=3)))
    assert scraped(later)["heatrisk_run_stale"] == 1
    (tmp_path / "latest" / "run.json").write_text("{")
    (tmp_path / "status.json").write_text("[]")
    damaged = Client(create_app(tmp_path, Settings(), clock=lambda: NOON))
    assert scraped(damaged)["heatrisk_ready"] == 0
    assert damaged.get("/healthz").status_code == 200 and damaged.get("/readyz").status_code == 503
