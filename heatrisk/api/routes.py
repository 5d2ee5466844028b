"""The routes for data and runs: each finds its run, asks for an answer and states how fresh it is."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from heatrisk import layers
from heatrisk.api import answers
from heatrisk.api.caching import SHORT, dumps, json_answer
from heatrisk.api.params import (
    GEOJSON,
    GEOJSON_ANSWER,
    LATEST,
    NOW,
    LangQuery,
    Lat,
    LayerPath,
    Lon,
    RunPath,
    RunQuery,
)
from heatrisk.api.problems import PROBLEM_RESPONSE, NotReadyError, OutsideError
from heatrisk.api.service import service_of
from heatrisk.errors import LayerNotFoundError
from heatrisk.words import Words

router = APIRouter(responses=PROBLEM_RESPONSE)


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


@router.get(
    "/buildings",
    tags=["places"],
    summary="Outlines of the buildings",
    responses=GEOJSON_ANSWER,
    response_class=Response,
)
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
        "standing": answers.how_it_stands(service.store, service.clock()),
    }
    headers = {**service.headers(stored, fixed=False), "Cache-Control": "no-store"}
    return Response(dumps(body), headers=headers, media_type="application/json")
