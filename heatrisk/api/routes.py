"""The routes: each finds its run, asks for an answer and states how fresh it is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

import heatrisk
from heatrisk import layers, tiles
from heatrisk.api import answers
from heatrisk.api.caching import SHORT, dumps, json_answer, unchanged
from heatrisk.api.params import (
    LATEST,
    NOW,
    TILE_PARAMETERS,
    AtQuery,
    LangQuery,
    Lat,
    LayerPath,
    Lon,
    RunPath,
    RunQuery,
    TimePath,
    basic,
    instant,
)
from heatrisk.api.problems import MEDIA_TYPE, NotReadyError, OutsideError
from heatrisk.api.service import service_of
from heatrisk.errors import LayerNotFoundError
from heatrisk.words import Words

TILE_PATH = "/tiles/{run}/{layer}/{time}/{z:int}/{x:int}/{y:int}.png"
TILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {}}, "description": "Image, 256 × 256, palette"},
    204: {"description": "Inside the bounds, nothing to draw"},
    304: {"description": "Unchanged"},
}
PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {"description": "A problem (RFC 9457)", "content": {MEDIA_TYPE: {}}}
}
GEOJSON = "application/geo+json"

router = APIRouter(responses=PROBLEM)


async def tile(request: Request) -> Response:
    """One 256-pixel tile of a layer at a step. URLs that name a run and a time are immutable."""
    path = request.path_params
    layer, z, x, y = path["layer"], path["z"], path["x"], path["y"]
    run, step, headers = service_of(request).step(path["run"], path["time"])
    # A run never changes, so its name and the tile's address identify the image without drawing it.
    headers["ETag"] = etag = f'"{heatrisk.__version__}.{run.id}.{layer}.{step}.{z}.{x}.{y}"'
    tiles.located(run, layer, z, x, y)
    if unchanged(request, etag):
        return Response(status_code=304, headers=headers)
    image = tiles.render(run, layer, step, z, x, y)
    if image is None:
        return Response(status_code=204, headers=headers)
    return Response(image, headers=headers, media_type="image/png")


# The first of two equal routes answers: the plain one, at half the cost of a route that FastAPI inspects for
# each request. The second is there to be documented.
router.add_route(TILE_PATH, tile, include_in_schema=False)
router.get(
    TILE_PATH,
    tags=["tiles"],
    summary="Map tile",
    responses=TILE_ANSWERS,
    openapi_extra={"parameters": TILE_PARAMETERS},
    response_class=Response,
)(tile)


@router.get("/tiles/{run}/{layer}/{time}/tilejson.json", tags=["tiles"], summary="TileJSON 3.0 of a layer")
async def tilejson(request: Request, run: RunPath, layer: LayerPath, time: TimePath) -> Response:
    """Bounds, zooms and tile addresses, which name run and time, so that every cache may keep the tiles."""
    service = service_of(request)
    stored, step, headers = service.step(run, time)
    root = f"{service.base(request)}/tiles/{stored.id}/{layer}/{basic(stored.times[step])}"
    stale = None if run != LATEST and time != NOW else service.stale(stored)
    body = tiles.tilejson(stored, layer, f"{root}/{{z}}/{{x}}/{{y}}.png", step=step, stale=stale)
    return json_answer(request, body, headers)


@router.get("/point", tags=["data"], summary="Everything known about one place")
def point(request: Request, lon: Lon, lat: Lat, run: RunQuery = LATEST, lang: LangQuery = None) -> Response:
    """Series of a place's cell: WBGT, sunlit minutes and class, with the official values beside them.

    A place in a building or on unknown ground is answered with its state and null values; one outside the
    area is a problem.
    """
    service = service_of(request)
    stored = service.store.open(run)
    cell = stored.series(lon, lat)
    if cell is None:
        west, south, east, north = stored.grid.bounds_lonlat
        raise OutsideError(
            Words("この地点は対象の範囲の外です", "this place lies outside the area"),
            got=f"lon {lon:g}, lat {lat:g}",
            expected=f"lon {west:.5f}…{east:.5f}, lat {south:.5f}…{north:.5f}",
        )
    body = answers.spoken(answers.point(service, stored, lon, lat, cell), lang)
    return json_answer(request, body, service.headers(stored, fixed=False))


@router.get("/times", tags=["data"], summary="Valid times of a run")
async def times(request: Request, run: RunQuery = LATEST) -> Response:
    """List the steps in UTC and JST with the key of tile addresses, and which is nearest to the clock."""
    service = service_of(request)
    stored = service.store.open(run)
    return json_answer(request, answers.times(service, stored), service.headers(stored, fixed=False))


@router.get("/layers", tags=["tiles"], summary="Layers of a run")
async def catalogue(request: Request, run: RunQuery = LATEST, lang: LangQuery = None) -> Response:
    """Names, units, and the addresses of tiles, TileJSON and legend of every layer."""
    service = service_of(request)
    stored = service.store.open(run)
    # The catalogue of the newest run points at whatever step is nearest to the clock.
    body = {"run": stored.id, "layers": answers.layers(stored, service.base(request), NOW)}
    return json_answer(request, answers.spoken(body, lang), service.headers(stored, fixed=False))


@router.get("/legend/{layer}.json", tags=["tiles"], summary="Legend of a layer")
async def legend(
    request: Request, layer: LayerPath, run: RunQuery = LATEST, lang: LangQuery = None
) -> Response:
    """Colours with numbers, words, advice and a mark that does not depend on colour, as a run needs them."""
    if layer not in layers.LAYERS:
        raise LayerNotFoundError(
            Words("その地図の種類はありません", "there is no such layer"),
            got=layer,
            expected=", ".join(layers.LAYERS),
        )
    service = service_of(request)
    empty = run == LATEST and service.store.latest_id() is None
    anchored = empty or answers.anchored(service.store.open(run))
    body = layers.legend(layers.LAYERS[layer], anchored=anchored)
    return json_answer(request, answers.spoken(body, lang), {"Cache-Control": SHORT})


@router.get("/shelters", tags=["places"], summary="Cooling shelters with their opening status")
async def shelters(
    request: Request, run: RunQuery = LATEST, at: AtQuery = NOW, lang: LangQuery = None
) -> Response:
    """GeoJSON. A status that the published hours do not decide is `unknown`, never `open`."""
    service = service_of(request)
    stored = service.store.open(run)
    # Whole minutes: answers of the same minute are the same answer.
    moment = service.clock().replace(second=0, microsecond=0) if at == NOW else instant(at)
    body = answers.spoken(answers.shelters(stored, moment), lang)
    return json_answer(request, body, service.headers(stored, fixed=run != LATEST and at != NOW), GEOJSON)


@router.get("/buildings", tags=["places"], summary="Outlines of the buildings")
async def buildings(request: Request, run: RunQuery = LATEST) -> Response:
    """GeoJSON, for maps that draw no base map."""
    service = service_of(request)
    stored = service.store.open(run)
    return json_answer(request, stored.buildings, service.headers(stored, fixed=run != LATEST), GEOJSON)


@router.get("/runs", tags=["runs"], summary="Catalogue of runs, newest first")
def runs(
    request: Request,
    limit: int = Query(20, ge=1, le=200, description="At most this many runs", examples=[20]),
) -> Response:
    """Identity, age, verdict and period of each stored run, and the names of those that cannot be read."""
    service = service_of(request)
    base = service.base(request)
    found, unreadable = service.store.catalogue(limit)
    body = {
        "latest": service.store.latest_id(),
        "runs": [answers.summary(service, run, base) for run in found],
        "unreadable": unreadable,
    }
    return json_answer(request, body, {"Cache-Control": SHORT})


@router.get("/runs/{run}", tags=["runs"], summary="Manifest of a run")
async def manifest(request: Request, run: RunPath) -> Response:
    """Every input with its SHA-256, versions, times, grid, official values, assumptions and checksums."""
    service = service_of(request)
    stored = service.store.open(run)
    return json_answer(request, stored.manifest, service.headers(stored, fixed=run != LATEST))


@router.get("/basemap", tags=["tiles"], summary="The base map that the operator chose, or null")
async def basemap(request: Request) -> Response:
    """Tile address, zooms and the attribution that must stay visible with the map."""
    return json_answer(request, service_of(request).background(), {"Cache-Control": SHORT})


@router.get("/healthz", tags=["service"], summary="The process answers")
async def healthz() -> Response:
    """Alive; says nothing about the data."""
    return Response(
        dumps({"status": "ok"}), headers={"Cache-Control": "no-store"}, media_type="application/json"
    )


@router.get("/readyz", tags=["service"], summary="There is a run to serve")
async def readyz(request: Request) -> Response:
    """Newest run, its age and verdict, and how the last attempt went; 503 where there is no run."""
    service = service_of(request)
    if service.store.latest_id() is None:
        raise NotReadyError(
            Words("公開できる計算結果がまだありません", "no run has been published yet"),
            remedy=Words(
                "heatrisk run または heatrisk demo を実行してください。", "Use heatrisk run or heatrisk demo."
            ),
        )
    stored = service.store.open(LATEST)
    body = {
        "status": "ready",
        **answers.summary(service, stored, service.base(request)),
        "last_attempt": answers.last_attempt(service.store.status()),
    }
    headers = {**service.headers(stored, fixed=False), "Cache-Control": "no-store"}
    return Response(dumps(body), headers=headers, media_type="application/json")
