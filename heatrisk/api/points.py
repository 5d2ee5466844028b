"""The shelters as vector tiles, for maps that draw them themselves."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from heatrisk.api import answers
from heatrisk.api.caching import json_answer
from heatrisk.api.params import CLOCK, LATEST, NOW, AtQuery, Column, Row, RunQuery, Zoom, utc
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import service_of
from heatrisk.api.shelters import Wanted, found, headers_of, known_at
from heatrisk.errors import TileNotFoundError
from heatrisk.stored import StoredRun
from heatrisk.tiles.points import LAYER, ZOOMS, encoded
from heatrisk.words import Words

MVT = "application/vnd.mapbox-vector-tile"
_TILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {MVT: {"schema": {"type": "string", "format": "binary"}}},
        "description": "Mapbox Vector Tile",
    },
    204: {"description": "No shelter there"},
}

router = APIRouter(responses=PROBLEM_RESPONSE, tags=["places"])


@router.get(
    "/shelters/tiles/{z}/{x}/{y}.mvt",
    summary="Cooling shelters as a vector tile",
    responses=_TILES,
    response_class=Response,
)
def tile(request: Request, z: Zoom, x: Column, y: Row, run: RunQuery = LATEST, at: AtQuery = NOW) -> Response:
    """Points with name, opening status and reason; those without a position are in no tile."""
    if not (ZOOMS[0] <= z <= ZOOMS[1] and max(x, y) < 1 << z):
        raise TileNotFoundError(
            Words("用意のない縮尺のタイルです", "the tile lies outside the zooms"),
            got=f"{z}/{x}/{y}",
            expected=f"z {ZOOMS[0]}-{ZOOMS[1]}",
        )
    service = service_of(request)
    stored = service.store.open(run)
    known = known_at(request, stored, at)
    rows = found(stored, known.moment, Wanted(unplaced=False), 10_000, known.alert, known.live)["features"]
    content = encoded(map(_flat, rows), z, x, y)
    headers = headers_of(service, stored, fixed=run != LATEST and at not in CLOCK and known.settled)
    if not content:
        return Response(status_code=204, headers=headers)
    return json_answer(request, content, headers, MVT)


def _flat(feature: dict[str, Any]) -> dict[str, Any]:
    """Return a feature whose properties are plain values, as vector tiles know them."""
    status = feature["properties"]["status"]
    stated = {
        "state": status["state"],
        "reason_ja": status["reason"]["ja"],
        "reason_en": status["reason"]["en"],
    }
    return {**feature, "properties": {**feature["properties"], **stated}}


@router.get("/shelters/tiles/tilejson.json", summary="TileJSON 3.0 of the shelters' vector tiles")
async def tilejson(request: Request, run: RunQuery = LATEST, at: AtQuery = NOW) -> Response:
    """Bounds, zooms, the layer and its fields."""
    service = service_of(request)
    stored = service.store.open(run)
    body = _described(stored, f"{service.base(request)}/shelters/tiles", f"run={stored.id}&at={at}")
    return json_answer(request, body, service.headers(stored, fixed=False))


def _described(run: StoredRun, root: str, query: str) -> dict[str, Any]:
    fields = {"id": "String", "name": "String", "designation": "String", "state": "String"}
    return {
        "tilejson": "3.0.0",
        "name": "涼みどころ",
        "attribution": " / ".join(credit["ja"] for credit in answers.attribution(run)),
        "scheme": "xyz",
        "tiles": [f"{root}/{{z}}/{{x}}/{{y}}.mvt?{query}"],
        "minzoom": ZOOMS[0],
        "maxzoom": ZOOMS[1],
        "bounds": list(run.grid.bounds_lonlat),
        "vector_layers": [{"id": LAYER, "fields": fields}],
        "heatrisk": {"run": run.id, "created": utc(run.created)},
    }
