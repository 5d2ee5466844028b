"""Named places of OGC API – EDR: the city's cool places, each with the series of the ground before its door.

References
----------
.. [1] OGC 19-086r6, OGC API – Environmental Data Retrieval, version 1.1, query "locations".
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from heatrisk.api.caching import json_answer
from heatrisk.api.coverage import MEDIA_TYPE
from heatrisk.api.edr import COVERAGE, INSTANCE, ROOT, Wanted, WantedQuery, series
from heatrisk.api.geometry import BBOX, box_of
from heatrisk.api.params import GEOJSON, GEOJSON_ANSWER, LATEST, RunPath, utc
from heatrisk.api.problems import PROBLEM_RESPONSE, UnknownShelterError
from heatrisk.api.service import service_of
from heatrisk.stored import StoredRun
from heatrisk.words import Words

#: Metres round a place within which open ground is looked for: the place itself may be a house.
REACH = 100.0

BoxQuery = Annotated[
    str | None, Query(max_length=100, description=BBOX, examples=["139.55,35.681,139.551,35.682"])
]
LocationPath = Annotated[
    str, Path(max_length=200, description="Identifier, as the list of locations gives it", examples=["1"])
]

router = APIRouter(responses=PROBLEM_RESPONSE, tags=["ogc"])


@router.get(
    f"{ROOT}/locations", summary="Named places, newest run", responses=GEOJSON_ANSWER, response_class=Response
)
async def locations(request: Request, bbox: BoxQuery = None) -> Response:
    """Cool places with a position in the area, as GeoJSON."""
    return _listed(request, LATEST, bbox)


@router.get(
    f"{INSTANCE}/locations",
    summary="Named places, one run",
    responses=GEOJSON_ANSWER,
    response_class=Response,
)
async def instance_locations(request: Request, run: RunPath, bbox: BoxQuery = None) -> Response:
    """Cool places with a position in the area, as GeoJSON."""
    return _listed(request, run, bbox)


@router.get(
    f"{ROOT}/locations/{{location:path}}",
    summary="Series at a named place, newest run",
    responses=COVERAGE,
    response_class=Response,
)
def location(
    request: Request,
    location: LocationPath,
    wanted: WantedQuery,
) -> Response:
    """Values of the outdoor cell nearest to the place over time, as a PointSeries at that cell."""
    return _told(request, LATEST, location, wanted)


@router.get(
    f"{INSTANCE}/locations/{{location:path}}",
    summary="Series at a named place, one run",
    responses=COVERAGE,
    response_class=Response,
)
def instance_location(
    request: Request,
    run: RunPath,
    location: LocationPath,
    wanted: WantedQuery,
) -> Response:
    """Values of the outdoor cell nearest to the place over time, as a PointSeries at that cell."""
    return _told(request, run, location, wanted)


def _listed(request: Request, run: str, bbox: str | None) -> Response:
    service = service_of(request)
    stored = service.store.open(run)
    west, south, east, north = (-180.0, -90.0, 180.0, 90.0) if bbox is None else box_of(bbox)
    span = f"{utc(stored.times[0])}/{utc(stored.times[-1])}"
    features = [
        {
            "type": "Feature",
            "id": place["id"],
            "geometry": place["geometry"],
            "properties": {"name": place["properties"]["name"], "datetime": span},
        }
        for place in _places(stored)
        if west <= place["geometry"]["coordinates"][0] <= east
        and south <= place["geometry"]["coordinates"][1] <= north
    ]
    body = {"type": "FeatureCollection", "features": features, "parameters": list(stored.fields)}
    return json_answer(request, body, service.headers(stored, fixed=run != LATEST), GEOJSON)


def _told(request: Request, run: str, location: str, wanted: Wanted) -> Response:
    service = service_of(request)
    stored = service.store.open(run)
    found = next((place for place in _places(stored) if place["id"] == location), None)
    at = None if found is None else stored.grid.index(*found["geometry"]["coordinates"])
    if at is None:
        raise UnknownShelterError(Words("その場所はありません", "there is no such place"), got=location)
    cell = stored.outdoors_near(at, REACH) or at
    body = series(stored, cell, stored.grid.lonlat(*cell), wanted)
    return json_answer(request, body, service.headers(stored, fixed=run != LATEST), MEDIA_TYPE)


def _places(run: StoredRun) -> list[dict[str, Any]]:
    """Return the cool places that lie within the grid."""
    placed = (place for place in run.shelters["features"] if place["geometry"] is not None)
    return [place for place in placed if run.grid.index(*place["geometry"]["coordinates"]) is not None]
