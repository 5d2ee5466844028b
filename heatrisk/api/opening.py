"""The route of the first words: all that a page says of one place, in one answer.

On a slow telephone every question costs a fifth of a second before its answer begins; asked for one after the
other, run, times, place, surroundings and alerts would cost a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import numpy as np
import shapely
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from heatrisk.api import alerts, answers, area
from heatrisk.api.caching import json_answer
from heatrisk.api.geometry import place_of
from heatrisk.api.locations import REACH
from heatrisk.api.params import LATEST
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import Service, service_of
from heatrisk.bulletin import known
from heatrisk.errors import HeatRiskError
from heatrisk.grid import Grid
from heatrisk.stored import StoredRun

#: Metres on each side of a place that count as its surroundings; the page asks for the same.
AROUND = 50.0
#: What of the manifest the first words need; the whole stands under ``/runs``.
_MANIFEST = ("run_id", "created", "city", "grid", "verdict")

PlaceQuery = Annotated[
    str | None,
    Query(
        max_length=60,
        description="Longitude,latitude [degrees]; open ground near the middle of the area if omitted",
        examples=["139.55950,35.68340"],
    ),
]

Part = TypeVar("Part")

router = APIRouter(responses=PROBLEM_RESPONSE)


@router.get("/opening", tags=["data"], summary="All that a page needs for its first words")
def opening(request: Request, place: PlaceQuery = None) -> Response:
    """Heart of the newest run's manifest, its times, the alerts, and one place with its surroundings.

    Each part is what the route of its name answers; ``point`` is null outside the area. ``point``, ``around``
    and ``alerts`` are null where their own route would answer with a problem: the rest is still told.
    """
    service = service_of(request)
    run = service.store.open(LATEST)
    lon, lat = _entrance(run) if place is None else place_of(place)
    now = service.clock().replace(second=0, microsecond=0)
    body = {
        "manifest": {name: run.manifest[name] for name in _MANIFEST if name in run.manifest},
        "times": answers.times(service, run),
        "alerts": _or_none(lambda: alerts.told(service, run, known(run, service.store), now, now)),
        "place": [lon, lat],
        **_told(service, run, lon, lat),
    }
    # No older than what is said of alerts may be.
    headers = {**service.headers(run, fixed=False), "Cache-Control": alerts.MINUTE}
    return json_answer(request, body, headers)


def _told(service: Service, run: StoredRun, lon: float, lat: float) -> dict[str, Any]:
    """Return what is known of a place and of the ground around it."""
    cell = _or_none(lambda: run.series(lon, lat))
    if cell is None:
        return {"point": None, "around": None}
    around = _or_none(lambda: area.told(service, run, _around(run.grid, lon, lat)))
    return {
        "point": answers.point(service, run, lon, lat, cell),
        "around": None if around is None else around["series"],
    }


def _or_none(part: Callable[[], Part]) -> Part | None:
    """Return a part that the first words can do without, or None where it cannot be told."""
    try:
        return part()
    except HeatRiskError:
        return None


def _around(grid: Grid, lon: float, lat: float) -> shapely.Polygon:
    """Return the box around a place [degrees]."""
    x, y = grid.project(np.array(lon), np.array(lat))
    away = np.array([-1, 1]) * AROUND * grid.scale
    (west, east), (south, north) = grid.unproject(x + away, y + away)
    box: shapely.Polygon = shapely.box(west, south, east, north)
    return box


def _entrance(run: StoredRun) -> tuple[float, float]:
    """Return the open ground nearest to the middle of a run's area; the middle itself where there is none."""
    rows, columns = run.grid.shape
    place = _or_none(lambda: run.outdoors_near((rows // 2, columns // 2), REACH))
    return run.grid.centre_lonlat if place is None else run.grid.lonlat(*place)
