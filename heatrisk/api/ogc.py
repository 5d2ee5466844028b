"""The service as OGC API – Common and OGC API – Tiles describe it: one collection, its styles, its tiles.

The layers of a run are the styles of its map; their tiles are those of ``/tiles``, found under the names of
the standard.

References
----------
.. [1] OGC 19-072, OGC API – Common – Part 1: Core.
.. [2] OGC 20-057, OGC API – Tiles – Part 1: Core.
.. [3] OGC 17-083r4, Two Dimensional Tile Matrix Set and Tile Set Metadata.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from heatrisk import tiles
from heatrisk.api import answers
from heatrisk.api.caching import SHORT, json_answer
from heatrisk.api.params import LATEST, NOW, LayerPath, steps_within, utc
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import Service, service_of
from heatrisk.api.tiles import picture
from heatrisk.stored import StoredRun
from heatrisk.tiles.building import TMS

COLLECTION = "heat"
MATRIX_SET = "WebMercatorQuad"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
_WEB_MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
_MATRIX_SET_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{MATRIX_SET}"
_SPEC, _REL = "http://www.opengis.net/spec", "http://www.opengis.net/def/rel/ogc/1.0"

CONFORMANCE = (
    *(f"{_SPEC}/ogcapi-common-1/1.0/conf/{name}" for name in ("core", "landing-page", "json", "oas30")),
    f"{_SPEC}/ogcapi-common-2/1.0/conf/collections",
    *(
        f"{_SPEC}/ogcapi-tiles-1/1.0/conf/{name}"
        for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "datetime", "oas30", "png")
    ),
    f"{_SPEC}/tms/2.0/conf/tilematrixset",
    f"{_SPEC}/tms/2.0/conf/json-tilematrixset",
    *(
        f"{_SPEC}/ogcapi-edr-1/1.1/conf/{name}"
        for name in (
            "core",
            "collections",
            "json",
            "covjson",
            "oas30",
            "queries",
            "position",
            "area",
            "cube",
            "locations",
            "instances",
        )
    ),
)
DATETIME_HELP = "An instant of the run (RFC 3339); the step nearest to the clock if omitted"
DatetimeQuery = Annotated[
    str | None,
    Query(max_length=80, description=DATETIME_HELP, examples=["2025-08-05T06:00:00Z"]),
]
Matrix = Annotated[int, Path(ge=0, le=30, description="Tile matrix: the zoom", examples=[15])]
TileRow = Annotated[int, Path(ge=0, lt=2**30, description="Row, from the north", examples=[12903])]
TileCol = Annotated[int, Path(ge=0, lt=2**30, description="Column, from the west", examples=[29088])]

_MAP = f"/ogc/collections/{COLLECTION}/styles/{{layer}}/map/tiles"

router = APIRouter(responses=PROBLEM_RESPONSE, tags=["ogc"])


def link(
    href: str, rel: str, title: str = "", media_type: str = "application/json", **more: Any
) -> dict[str, Any]:
    """Return a link as the standards write it (RFC 8288 in JSON)."""
    return {"href": href, "rel": rel, "type": media_type, **({"title": title} if title else {}), **more}


@router.get("/ogc", summary="Landing page of the OGC interfaces")
async def landing(request: Request) -> Response:
    """Links to everything that the standards expect to find."""
    base = service_of(request).base(request)
    body = {
        "title": "heatrisk",
        "description": answers.REFERENCE.en,
        "links": [
            link(f"{base}/ogc", "self", "This document"),
            link(
                f"{base}/openapi.json",
                "service-desc",
                "OpenAPI",
                "application/vnd.oai.openapi+json;version=3.1",
            ),
            link(f"{base}/docs", "service-doc", "Documentation", "text/html"),
            link(f"{base}/ogc/conformance", "conformance", "Conformance classes"),
            link(f"{base}/ogc/conformance", f"{_REL}/conformance", "Conformance classes"),
            link(f"{base}/ogc/collections", "data", "Collections"),
            link(f"{base}/ogc/collections", f"{_REL}/data", "Collections"),
            link(f"{base}/ogc/tileMatrixSets", f"{_REL}/tiling-schemes", "Tile matrix sets"),
            link(f"{base}/wmts/1.0.0/WMTSCapabilities.xml", "alternate", "WMTS 1.0.0", "application/xml"),
            link(f"{base}/stac", "alternate", "STAC catalogue"),
        ],
    }
    return json_answer(request, body, {"Cache-Control": SHORT})


@router.get("/ogc/conformance", summary="Conformance classes")
async def conformance(request: Request) -> Response:
    """List the classes of the standards that the service implements."""
    return json_answer(request, {"conformsTo": list(CONFORMANCE)}, {"Cache-Control": SHORT})


@router.get("/ogc/tileMatrixSets", summary="Tile matrix sets")
async def matrix_sets(request: Request) -> Response:
    """List the one tile matrix set."""
    href = f"{service_of(request).base(request)}/ogc/tileMatrixSets/{MATRIX_SET}"
    row = {
        "id": MATRIX_SET, "title": TMS.title, "uri": _MATRIX_SET_URI, "crs": _WEB_MERCATOR,
        "links": [link(href, "self"), link(href, f"{_REL}/tiling-scheme")],
    }  # fmt: skip
    return json_answer(request, {"tileMatrixSets": [row]}, {"Cache-Control": SHORT})


@router.get(f"/ogc/tileMatrixSets/{MATRIX_SET}", summary="The tile matrix set")
async def matrix_set(request: Request) -> Response:
    """Return WebMercatorQuad as the standard defines it."""
    return json_answer(request, _matrix_set(), {"Cache-Control": SHORT})


@cache
def _matrix_set() -> dict[str, Any]:
    found: dict[str, Any] = TMS.model_dump(mode="json", exclude_none=True, by_alias=True)
    return {**found, "uri": _MATRIX_SET_URI, "crs": _WEB_MERCATOR}


def extent(run: StoredRun) -> dict[str, Any]:
    """Return where and when a run has values."""
    return {
        "spatial": {"bbox": [list(run.grid.bounds_lonlat)], "crs": CRS84},
        "temporal": {
            "interval": [[utc(run.times[0]), utc(run.times[-1])]],
            "values": [utc(time) for time in run.times],
            "trs": GREGORIAN,
        },
    }


def map_links(service: Service, request: Request, run: StoredRun) -> list[dict[str, Any]]:
    """Return the links of a collection to the tilesets of its styles."""
    root = service.base(request)
    return [
        link(root + _MAP.format(layer=row.name), f"{_REL}/tilesets-map", row.words.en)
        for row in tiles.layers_of(run)
    ]


@router.get(_MAP, summary="Tilesets of a layer")
async def tilesets(request: Request, layer: LayerPath) -> Response:
    """List the one tileset of a layer, with the limits of its tiles."""
    service = service_of(request)
    run = service.store.open()
    root = service.base(request) + _MAP.format(layer=layer)
    body = {"tilesets": [_tileset(run, layer, root)], "links": [link(root, "self")]}
    return json_answer(request, body, service.headers(run, fixed=False))


@router.get(f"{_MAP}/{MATRIX_SET}", summary="Tileset of a layer")
async def tileset(request: Request, layer: LayerPath) -> Response:
    """Metadata of the tiles of a layer: limits, bounds, and the template of their addresses."""
    service = service_of(request)
    run = service.store.open()
    body = _tileset(run, layer, service.base(request) + _MAP.format(layer=layer))
    return json_answer(request, body, service.headers(run, fixed=False))


def _tileset(run: StoredRun, layer: str, root: str) -> dict[str, Any]:
    row, native = tiles.row_of(run, layer), max(run.levels)
    west, south, east, north = run.grid.bounds_lonlat
    template = f"{root}/{MATRIX_SET}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    scheme = root.partition("/ogc/")[0] + f"/ogc/tileMatrixSets/{MATRIX_SET}"
    return {
        "title": row.words.en,
        "description": row.described(answers.anchored(run)).en,
        "keywords": ["WBGT", "heat"],
        "attribution": "; ".join(credit["en"] for credit in answers.attribution(run)),
        "dataType": "map",
        "crs": _WEB_MERCATOR,
        "tileMatrixSetURI": _MATRIX_SET_URI,
        "tileMatrixSetLimits": [
            {
                "tileMatrix": str(level.zoom),
                "minTileRow": level.row,
                "maxTileRow": level.row + level.rows - 1,
                "minTileCol": level.column,
                "maxTileCol": level.column + level.columns - 1,
            }
            for level in sorted(run.levels.values(), key=lambda level: level.zoom)
        ],
        "boundingBox": {"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84},
        "centerPoint": {
            "coordinates": list(run.grid.centre_lonlat), "crs": CRS84, "tileMatrix": str(native - 1),
        },
        "style": {"id": layer, "title": row.words.en},
        "links": [
            link(f"{root}/{MATRIX_SET}", "self"),
            link(scheme, f"{_REL}/tiling-scheme"),
            link(template, "item", "Tiles", "image/png", templated=True),
        ],
    }  # fmt: skip


@router.get(
    f"{_MAP}/{MATRIX_SET}/{{tile_matrix}}/{{tile_row}}/{{tile_col}}",
    summary="Map tile, row before column",
    responses={
        200: {
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
            "description": "Image",
        },
        204: {"description": "Inside the bounds, nothing to draw"},
        304: {"description": "Unchanged"},
    },
    response_class=Response,
)
async def ogc_tile(
    request: Request,
    layer: LayerPath,
    tile_matrix: Matrix,
    tile_row: TileRow,
    tile_col: TileCol,
    datetime: DatetimeQuery = None,
) -> Response:
    """Return the tile that `/tiles/latest/{layer}/{time}/{z}/{x}/{y}.png` is too."""
    time = NOW
    if datetime is not None:
        times = service_of(request).store.open().times
        time = utc(times[steps_within(datetime, times)[-1]])
    return picture(request, (LATEST, time), layer, (tile_matrix, tile_col, tile_row))
