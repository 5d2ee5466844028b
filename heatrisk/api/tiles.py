"""The routes of tiles: pictures in two sizes, values as PNG and as NumPy arrays, and their TileJSON."""

from __future__ import annotations

import io
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from starlette.responses import Response

import heatrisk
from heatrisk import tiles
from heatrisk.api import answers
from heatrisk.api.caching import coding_mark, json_answer, matches, unchanged
from heatrisk.api.params import (
    CLOCK,
    LATEST,
    NOW,
    TILE_PARAMETERS,
    Column,
    LangQuery,
    LayerPath,
    QuantityPath,
    Row,
    RunPath,
    RunQuery,
    TimePath,
    Zoom,
    basic,
)
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import Service, service_of

TILE = "/tiles/{run}/{layer}/{time}/{z:int}/{x:int}/{y:int}"
VALUES = "/values/{run}/{quantity}/{time}"
NPY = "application/x-npy"

_SHARED: dict[int | str, dict[str, Any]] = {
    204: {"description": "Inside the bounds, nothing to draw"},
    304: {"description": "Unchanged"},
}

router = APIRouter(responses=PROBLEM_RESPONSE)


def _image(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string", "format": "binary"}
    return {200: {"content": {media_type: {"schema": schema}}, "description": description}, **_SHARED}


async def tile(request: Request) -> Response:
    """One 256-pixel tile of a layer at a step. URLs that name a run and a time are immutable."""
    return _tile(request)


async def fine_tile(request: Request) -> Response:
    """Return the same area in 512 pixels, for dense screens."""
    return _tile(request, fine=True)


def _tile(request: Request, *, fine: bool = False, form: Literal["png", "webp"] = "png") -> Response:
    path = request.path_params
    address = (path["z"], path["x"], path["y"])
    return picture(request, (path["run"], path["time"]), path["layer"], address, fine=fine, form=form)


def picture(
    request: Request,
    moment: tuple[str, str],
    layer: str,
    address: tuple[int, int, int],
    *,
    fine: bool = False,
    form: Literal["png", "webp"] = "png",
) -> Response:
    """Answer with one tile.

    Parameters
    ----------
    request : Request
        For ``If-None-Match``.
    moment : tuple of str
        Run and time, as parameters name them.
    layer : str
        Name of the layer.
    address : tuple of int
        Zoom, column and row.
    fine : bool
        512 pixels instead of 256.
    form : {"png", "webp"}
        Format of the image.
    """
    known = request.headers.get("if-none-match")
    service = service_of(request)
    status, headers, image = kept(service, moment, layer, address, known, fine=fine, form=form)
    if status == 200 and form == "webp":
        image = tiles.webp(image, layer)
    return Response(image or None, status, headers, f"image/{form}" if image else None)


def kept(
    service: Service,
    moment: tuple[str, str],
    layer: str,
    address: tuple[int, int, int],
    known: str | None,
    *,
    fine: bool = False,
    form: Literal["png", "webp"] = "png",
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and PNG of a tile as the run keeps it.

    Parameters
    ----------
    service : Service
        The runs.
    moment, layer, address, fine, form
        As for :func:`picture`.
    known : str, optional
        Tags of what the client holds.
    """
    run, step, headers = service.step(*moment)
    # A run never changes, so its name and the tile's address identify the image without drawing it.
    z, x, y = address
    kind = ("@2x" if fine else "") + ("" if form == "png" else ".webp")
    headers["ETag"] = etag = f'"{heatrisk.__version__}.{run.id}.{layer}.{step}.{z}.{x}.{y}{kind}"'
    tiles.located(run, layer, z, x, y)
    if known is not None and matches(known, etag):
        return 304, headers, b""
    image = tiles.render(run, layer, step, z, x, y, fine=fine)
    return (204, headers, b"") if image is None else (200, headers, image)


# The first of two equal routes answers: the plain one, at half the cost of a route that FastAPI inspects for
# each request. The second is there to be documented.
for _path, _route, _summary, _side in (
    (f"{TILE}.png", tile, "Map tile", 256),
    (f"{TILE}@2x.png", fine_tile, "Map tile for dense screens", 512),
):
    router.add_route(_path, _route, include_in_schema=False)
    router.get(
        _path,
        tags=["tiles"],
        summary=_summary,
        responses=_image("image/png", f"Image, {_side} × {_side}, palette"),
        openapi_extra={"parameters": TILE_PARAMETERS},
        response_class=Response,
    )(_route)


def webp_tile(request: Request) -> Response:
    """Return the same pixels in about half the bytes; unlike PNG it is encoded when it is asked for."""
    return _tile(request, form="webp")


def fine_webp_tile(request: Request) -> Response:
    """Return the same area in 512 pixels and about half the bytes."""
    return _tile(request, fine=True, form="webp")


for _path, _encoded, _summary, _side in (
    (f"{TILE}.webp", webp_tile, "Map tile in WebP, without loss", 256),
    (f"{TILE}@2x.webp", fine_webp_tile, "Map tile in WebP for dense screens", 512),
):
    router.get(
        _path,
        tags=["tiles"],
        summary=_summary,
        responses=_image("image/webp", f"Image, {_side} × {_side}"),
        openapi_extra={"parameters": TILE_PARAMETERS},
        response_class=Response,
    )(_encoded)


@router.get("/tiles/{run}/{layer}/{time}/tilejson.json", tags=["tiles"], summary="TileJSON 3.0 of a layer")
async def tilejson(request: Request, run: RunPath, layer: LayerPath, time: TimePath) -> Response:
    """Bounds, zooms and tile addresses, which name run and time, so that every cache may keep the tiles."""
    service = service_of(request)
    stored, step, headers = service.step(run, time)
    root = f"{service.base(request)}/tiles/{stored.id}/{layer}/{basic(stored.times[step])}"
    stale = None if run != LATEST and time not in CLOCK else service.stale(stored)
    body = tiles.tilejson(stored, layer, f"{root}/{{z}}/{{x}}/{{y}}.png", step=step, stale=stale)
    return json_answer(request, body, headers)


@router.get("/tiles/{run}/{layer}/tilejson.json", tags=["tiles"], summary="TileJSON 3.0 of a layer as of now")
async def tilejson_of_now(request: Request, run: RunPath, layer: LayerPath) -> Response:
    """Answer as for the time `now`, to those who have no time to name yet."""
    return await tilejson(request, run, layer, NOW)


@router.get("/quantities", tags=["tiles"], summary="Quantities of a run that have tiles of values")
async def quantities(request: Request, run: RunQuery = LATEST, lang: LangQuery = None) -> Response:
    """Names, units and the TileJSON of every quantity that a run holds for each cell and step."""
    service = service_of(request)
    stored = service.store.open(run)
    root = f"{service.base(request)}/values/{stored.id}"
    rows = [
        {"id": name, **answers.definition(name), "tilejson": f"{root}/{name}/{NOW}/tilejson.json"}
        for name in stored.fields
    ]
    body = answers.spoken({"run": stored.id, "quantities": rows}, lang)
    return json_answer(request, body, service.headers(stored, fixed=False))


@router.get(f"{VALUES}/tilejson.json", tags=["tiles"], summary="TileJSON 3.0 of a quantity's values")
async def value_tilejson(request: Request, run: RunPath, quantity: QuantityPath, time: TimePath) -> Response:
    """Bounds, zooms and addresses; the member `heatrisk.encoding` says how a pixel becomes a value."""
    service = service_of(request)
    stored, step, headers = service.step(run, time)
    root = f"{service.base(request)}/values/{stored.id}/{quantity}/{basic(stored.times[step])}"
    body = tiles.value_tilejson(stored, quantity, f"{root}/{{z}}/{{x}}/{{y}}.png", step=step)
    return json_answer(request, body, headers)


@router.get(
    "/values/{run}/{quantity}/tilejson.json",
    tags=["tiles"],
    summary="TileJSON 3.0 of a quantity's values as of now",
)
async def value_tilejson_of_now(request: Request, run: RunPath, quantity: QuantityPath) -> Response:
    """Answer as for the time `now`."""
    return await value_tilejson(request, run, quantity, NOW)


@router.get(
    VALUES + "/{z}/{x}/{y}.png",
    tags=["tiles"],
    summary="Tile of values as PNG",
    responses=_image("image/png", "Image, 256 × 256, true colour; code = 256 × red + green"),
    response_class=Response,
)
def value_png(
    request: Request, run: RunPath, quantity: QuantityPath, time: TimePath, z: Zoom, x: Column, y: Row
) -> Response:
    """Values in 16 bits a pixel: 0 outside, 1 building, 2 no value, from 3 on `scale × code + offset`."""
    return _values(request, (run, time), quantity, (z, x, y), "png")


@router.get(
    VALUES + "/{z}/{x}/{y}.npy",
    tags=["tiles"],
    summary="Tile of values as NumPy array",
    responses=_image(NPY, "NumPy .npy, uint16, shape (256, 256)"),
    response_class=Response,
)
def value_npy(
    request: Request, run: RunPath, quantity: QuantityPath, time: TimePath, z: Zoom, x: Column, y: Row
) -> Response:
    """Return the same codes for `numpy.load`."""
    return _values(request, (run, time), quantity, (z, x, y), "npy")


def _values(
    request: Request,
    moment: tuple[str, str],
    quantity: str,
    address: tuple[int, int, int],
    form: Literal["png", "npy"],
) -> Response:
    run, step, headers = service_of(request).step(*moment)
    tiles.offered(run, quantity, *address)
    zipped = coding_mark(request, tiles.TILE * tiles.TILE * 2) if form == "npy" else ""
    place = ".".join(map(str, address))
    headers["ETag"] = etag = (
        f'"{heatrisk.__version__}.{run.id}.values.{quantity}.{step}.{place}.{form}{zipped}"'
    )
    if unchanged(request, etag):
        vary = {"Vary": "Accept-Encoding"} if form == "npy" else {}
        return Response(status_code=304, headers={**headers, **vary})
    codes = tiles.value_tile(run, quantity, step, *address)
    if codes is None:
        return Response(status_code=204, headers=headers)
    if form == "png":
        return Response(tiles.rgb(codes), headers=headers, media_type="image/png")
    content = io.BytesIO()
    np.save(content, codes)
    return Response(content.getvalue(), headers=headers, media_type=NPY)
