"""What the service has done, as Prometheus reads it: requests, durations, the age of the data.

Counts belong to one process; a scraper adds up the workers of a machine. Labels are the names of the routes'
functions, so a client can invent no new ones.

References
----------
.. [1] Prometheus, Text-based format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import resource
import sys
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import Service, service_of
from heatrisk.errors import StoreError
from heatrisk.verdict import Light

#: Upper ends of the classes of durations [s].
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = {"GET", "HEAD", "OPTIONS", "POST"}

router = APIRouter(responses=PROBLEM_RESPONSE)


class Metrics:
    """Counts requests and how long they took, by route.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    counts : Counts
        Where it is counted.
    clock : callable
        Seconds from anywhere; tests give their own.
    """

    def __init__(self, app: ASGIApp, counts: Counts, clock: Callable[[], float] = time.perf_counter) -> None:
        self.app, self.counts, self.clock = app, counts, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = self.clock(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            # The router leaves what it chose in the scope; nothing is there where no path fitted.
            name = getattr(scope.get("endpoint"), "__name__", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self.counts.add(name, method, status, self.clock() - start)


class Counts:
    """Requests by route, method and status, and their durations by route."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], int] = {}
        self.buckets: dict[str, list[int]] = {}
        self.seconds: dict[str, float] = {}
        self.started = time.time()

    def add(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        key = (route, method, status)
        self.requests[key] = self.requests.get(key, 0) + 1
        self.buckets.setdefault(route, [0] * (len(BUCKETS) + 1))[bisect_left(BUCKETS, seconds)] += 1
        self.seconds[route] = self.seconds.get(route, 0.0) + seconds

    def lines(self) -> Iterator[str]:
        """Yield the counts as Prometheus reads them."""
        yield from _head("heatrisk_requests_total", "counter", "Requests answered.")
        for (route, method, status), count in sorted(self.requests.items()):
            yield f'heatrisk_requests_total{{route="{route}",method="{method}",status="{status}"}} {count}'
        yield from _head("heatrisk_request_duration_seconds", "histogram", "Time to answer.")
        for route, counts in sorted(self.buckets.items()):
            total = 0
            for bound, count in zip((*BUCKETS, None), counts, strict=True):
                total += count
                le = "+Inf" if bound is None else f"{bound:g}"
                yield f'heatrisk_request_duration_seconds_bucket{{route="{route}",le="{le}"}} {total}'
            yield f'heatrisk_request_duration_seconds_sum{{route="{route}"}} {self.seconds[route]:.6f}'
            yield f'heatrisk_request_duration_seconds_count{{route="{route}"}} {total}'


def of_data(service: Service) -> Iterator[str]:
    """Yield what is known of the published run and of the last attempt to make one."""
    try:
        ready = service.store.latest_id() is not None
        run = service.store.open() if ready else None
    except StoreError:
        run = None
    yield from _gauge("heatrisk_ready", "Whether there is a run to serve.", int(run is not None))
    if run is not None:
        age = service.age(run).total_seconds()
        yield from _gauge("heatrisk_run_age_seconds", "Time since the served run was made.", round(age))
        yield from _gauge(
            "heatrisk_run_created_timestamp_seconds",
            "When the served run was made.",
            round(run.created.timestamp()),
        )
        yield from _gauge("heatrisk_run_stale", "Whether its last step has passed.", int(service.stale(run)))
        yield from _gauge("heatrisk_runs", "Runs in the store.", len(service.store.runs()))
    verdict = (service.store.status() or {}).get("verdict")
    level = verdict.get("level") if isinstance(verdict, dict) else None
    yield from _head("heatrisk_last_attempt", "gauge", "How the last attempt to make a run went.")
    for name in Light:
        yield f'heatrisk_last_attempt{{level="{name.value}"}} {int(level == name.value)}'


def of_process(counts: Counts) -> Iterator[str]:
    """Yield what is known of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    yield from _head("process_cpu_seconds_total", "counter", "Processor time.")
    yield f"process_cpu_seconds_total {used.ru_utime + used.ru_stime:.3f}"
    yield from _gauge("process_start_time_seconds", "When it started.", round(counts.started, 3))
    yield from _gauge("heatrisk_process_peak_memory_bytes", "Most memory held so far.", peak)


def _gauge(name: str, text: str, value: float) -> Iterator[str]:
    yield from _head(name, "gauge", text)
    yield f"{name} {value}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


@router.get("/metrics", tags=["service"], summary="Counts for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Count requests by route and status, their durations, and the age of the data; of this process."""
    counts: Counts = request.app.state.counts
    lines = [*of_data(service_of(request)), *counts.lines(), *of_process(counts)]
    return PlainTextResponse(
        "\n".join(lines) + "\n", headers={"Cache-Control": "no-store", "Content-Type": MEDIA_TYPE}
    )
