"""The tiles as WMTS 1.0.0: one capabilities document that desktop systems such as QGIS open.

References
----------
.. [1] OGC 07-057r7, OpenGIS Web Map Tile Service Implementation Standard, version 1.0.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from starlette.responses import Response

from heatrisk.api import answers
from heatrisk.api.caching import coding_mark, unchanged
from heatrisk.api.params import LATEST, NOW, TIME_HELP, LangQuery, RunQuery, basic, step_of
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import service_of
from heatrisk.api.tiles import picture
from heatrisk.errors import InputError
from heatrisk.layers import Layer
from heatrisk.pyramid import TILE, Level
from heatrisk.stored import StoredRun
from heatrisk.tiles import layers_of
from heatrisk.tiles.building import TMS
from heatrisk.words import Language, Words

SET = "GoogleMapsCompatible"
_NAMESPACES = (
    'xmlns="http://www.opengis.net/wmts/1.0" xmlns:ows="http://www.opengis.net/ows/1.1" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xsi:schemaLocation="http://www.opengis.net/wmts/1.0 '
    'http://schemas.opengis.net/wmts/1.0/wmtsGetCapabilities_response.xsd" version="1.0.0"'
)
_TITLE = Words("熱中症の危険度と暑さ指数（参考値）", "Heat-stroke risk and WBGT (reference values)")

router = APIRouter(responses=PROBLEM_RESPONSE, tags=["ogc"])


@router.get(
    "/wmts/1.0.0/WMTSCapabilities.xml",
    summary="WMTS 1.0.0 capabilities",
    responses={200: {"content": {"application/xml": {"schema": {"type": "string"}}}, "description": "XML"}},
    response_class=Response,
)
async def capabilities(request: Request, run: RunQuery = LATEST, lang: LangQuery = None) -> Response:
    """Layers of a run, their times as a dimension, and the addresses of their tiles."""
    service = service_of(request)
    stored = service.store.open(run)
    step = step_of(NOW, stored.times, service.clock())
    body = document(stored, service.base(request), step, lang or "ja").encode()
    headers = service.headers(stored, fixed=False)
    headers["ETag"] = etag = f'"{blake2b(body, digest_size=12).hexdigest()}{coding_mark(request, len(body))}"'
    if unchanged(request, etag):
        return Response(status_code=304, headers={**headers, "Vary": "Accept-Encoding"})
    return Response(body, headers=headers, media_type="application/xml")


@router.get(
    "/wmts",
    summary="WMTS 1.0.0 by key and value",
    openapi_extra={
        "parameters": [
            {"name": name, "in": "query", "required": name == "REQUEST", "schema": {"type": "string"},
             "description": text, "example": example}
            for name, text, example in (
                ("SERVICE", "`WMTS`", "WMTS"),
                ("REQUEST", "`GetCapabilities` or `GetTile`", "GetCapabilities"),
                ("LAYER", "Layer id, as listed by `/layers`", "risk"),
                ("TILEMATRIX", "Zoom", "15"),
                ("TILEROW", "Row, from the north", "12903"),
                ("TILECOL", "Column, from the west", "29088"),
                ("TIME", TIME_HELP, NOW),
            )
        ]
    },
    responses={
        200: {
            "content": {
                "application/xml": {"schema": {"type": "string"}},
                "image/png": {"schema": {"type": "string", "format": "binary"}},
            },
            "description": "Capabilities or a tile",
        },
        204: {"description": "Inside the bounds, nothing to draw"},
        304: {"description": "Unchanged"},
    },
    response_class=Response,
)  # fmt: skip
async def by_key(request: Request) -> Response:
    """Answer as the addresses of the capabilities do; names of keys in any case, as the standard wants."""
    asked = {name.upper(): value[:80] for name, value in request.query_params.items()}
    wanted = asked.get("REQUEST", "").lower()
    if wanted == "getcapabilities":
        return await capabilities(request)
    if wanted != "gettile":
        raise InputError(
            Words("REQUEST の指定が正しくありません", "this REQUEST is not served"),
            got=asked.get("REQUEST"), expected="GetCapabilities, GetTile",
        )  # fmt: skip
    numbers = [asked.get(name, "") for name in ("TILEMATRIX", "TILECOL", "TILEROW")]
    if not all(re.fullmatch(r"\d{1,9}", number, re.ASCII) for number in numbers):
        raise InputError(
            Words("タイルの番号を読み取れません", "these are no numbers of a tile"),
            got=",".join(numbers), expected="TILEMATRIX, TILECOL, TILEROW",
        )  # fmt: skip
    z, x, y = map(int, numbers)
    return picture(request, (LATEST, asked.get("TIME") or NOW), asked.get("LAYER", ""), (z, x, y))


def document(run: StoredRun, base: str, step: int, language: Language) -> str:
    """Return the capabilities of a run.

    Parameters
    ----------
    run : StoredRun
        The run.
    base : str
        Address of the service.
    step : int
        Index of the step that is shown where a client names none.
    language : {"ja", "en"}
        Language of titles and abstracts.
    """
    address = f"{base}/wmts/1.0.0/WMTSCapabilities.xml?run={run.id}&lang={language}"
    credit = " / ".join(credit[language] for credit in answers.attribution(run))
    return "".join(
        (
            f'<?xml version="1.0" encoding="UTF-8"?><Capabilities {_NAMESPACES}>',
            "<ows:ServiceIdentification>",
            _text("ows:Title", _TITLE.to(language)),
            _text("ows:Abstract", f"{answers.reference(run).to(language)} {credit}"),
            _text("ows:ServiceType", "OGC WMTS"),
            _text("ows:ServiceTypeVersion", "1.0.0"),
            "</ows:ServiceIdentification>",
            _operations(base),
            "<Contents>",
            *(_layer(run, base, row, step, language) for row in layers_of(run)),
            _matrix_set(run.levels.values()),
            "</Contents>",
            f'<ServiceMetadataURL xlink:href="{_attribute(address)}"/></Capabilities>',
        )
    )


def _operations(base: str) -> str:
    """Return where requests by key and value go."""
    get = (
        f'<ows:DCP><ows:HTTP><ows:Get xlink:href="{_attribute(base)}/wmts?">'
        '<ows:Constraint name="GetEncoding"><ows:AllowedValues><ows:Value>KVP</ows:Value></ows:AllowedValues>'
        "</ows:Constraint></ows:Get></ows:HTTP></ows:DCP>"
    )
    names = ("GetCapabilities", "GetTile")
    rows = "".join(f'<ows:Operation name="{name}">{get}</ows:Operation>' for name in names)
    return f"<ows:OperationsMetadata>{rows}</ows:OperationsMetadata>"


def _layer(run: StoredRun, base: str, row: Layer, step: int, language: Language) -> str:
    west, south, east, north = run.grid.bounds_lonlat
    template = f"{base}/tiles/{run.id}/{row.name}/{{Time}}/{{TileMatrix}}/{{TileCol}}/{{TileRow}}.png"
    return "".join(
        (
            "<Layer>",
            _text("ows:Title", row.words.to(language)),
            _text("ows:Abstract", row.described(answers.anchored(run)).to(language)),
            "<ows:WGS84BoundingBox>",
            _text("ows:LowerCorner", f"{west:.7f} {south:.7f}"),
            _text("ows:UpperCorner", f"{east:.7f} {north:.7f}"),
            "</ows:WGS84BoundingBox>",
            _text("ows:Identifier", row.name),
            '<Style isDefault="true"><ows:Identifier>default</ows:Identifier></Style>',
            _text("Format", "image/png"),
            "<Dimension>",
            _text("ows:Identifier", "Time"),
            _text("ows:UOM", "ISO8601"),
            _text("Default", basic(run.times[step])),
            *(_text("Value", basic(time)) for time in run.times),
            "</Dimension><TileMatrixSetLink>",
            _text("TileMatrixSet", SET),
            "<TileMatrixSetLimits>",
            *(_limits(level) for level in _ascending(run.levels.values())),
            "</TileMatrixSetLimits></TileMatrixSetLink>",
            f'<ResourceURL format="image/png" resourceType="tile" template="{_attribute(template)}"/>',
            "</Layer>",
        )
    )


def _limits(level: Level) -> str:
    return (
        f"<TileMatrixLimits><TileMatrix>{level.zoom}</TileMatrix>"
        f"<MinTileRow>{level.row}</MinTileRow><MaxTileRow>{level.row + level.rows - 1}</MaxTileRow>"
        f"<MinTileCol>{level.column}</MinTileCol><MaxTileCol>{level.column + level.columns - 1}</MaxTileCol>"
        "</TileMatrixLimits>"
    )


def _matrix_set(levels: Iterable[Level]) -> str:
    """Return the tile matrix set, with the zooms that there are."""
    return "".join(
        (
            "<TileMatrixSet>",
            _text("ows:Identifier", SET),
            _text("ows:SupportedCRS", "urn:ogc:def:crs:EPSG::3857"),
            _text("WellKnownScaleSet", "urn:ogc:def:wkss:OGC:1.0:GoogleMapsCompatible"),
            *_matrices(_ascending(levels)),
            "</TileMatrixSet>",
        )
    )


def _matrices(levels: Iterable[Level]) -> Iterator[str]:
    for level in levels:
        matrix = TMS.matrix(level.zoom)
        left, top = matrix.pointOfOrigin
        yield (
            f"<TileMatrix><ows:Identifier>{level.zoom}</ows:Identifier>"
            f"<ScaleDenominator>{matrix.scaleDenominator!r}</ScaleDenominator>"
            f"<TopLeftCorner>{left!r} {top!r}</TopLeftCorner>"
            f"<TileWidth>{TILE}</TileWidth><TileHeight>{TILE}</TileHeight>"
            f"<MatrixWidth>{matrix.matrixWidth}</MatrixWidth>"
            f"<MatrixHeight>{matrix.matrixHeight}</MatrixHeight></TileMatrix>"
        )


def _ascending(levels: Iterable[Level]) -> list[Level]:
    return sorted(levels, key=lambda level: level.zoom)


def _text(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def _attribute(text: str) -> str:
    return escape(text, {'"': "&quot;"})
