"""The pages for people: the dashboard, its files, and the documentation, all from this machine."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from html import escape
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from heatrisk.api import icon
from heatrisk.api.caching import SHORT, json_answer, unchanged
from heatrisk.api.problems import PROBLEMS
from heatrisk.api.service import service_of

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
#: MapLibre GL JS comes with the Python package of the same name.
MAPLIBRE = ("maplibre-gl.js", "maplibre-gl.css")
PAGE, WORKER = "index.html", "sw.js"
#: Folders below the page's own; facilities' form has a catalogue of its own.
WORDS, STAFF_WORDS = "words/", "words/staff/"
#: What the service worker does not keep under its own name.
UNKEPT = (PAGE, WORKER, "docs.css", "staff.html", "staff.js", "staff.css")

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    """One file of the dashboard, kept in memory.

    Parameters
    ----------
    body : bytes
        Content.
    media_type : str
        Content type.
    max_age : int
        Seconds for which a browser need not ask again.
    """

    body: bytes
    media_type: str
    max_age: int = 0

    @cached_property
    def zipped(self) -> bytes:
        """The content under gzip."""
        return gzip.compress(self.body, 9, mtime=0)

    @cached_property
    def digest(self) -> str:
        """Short digest of the content."""
        return blake2b(self.body, digest_size=12).hexdigest()

    def response(self, request: Request, headers: dict[str, str] | None = None) -> Response:
        """Return the file as the client can take it, or 304 where it holds it."""
        zips = "gzip" in request.headers.get("accept-encoding", "")
        etag = f'"{self.digest}{"-gzip" if zips else ""}"'
        freshness = f"public, max-age={self.max_age}" if self.max_age else "no-cache"
        stated = {"Cache-Control": freshness, "ETag": etag, "Vary": "Accept-Encoding", **(headers or {})}
        if unchanged(request, etag):
            return Response(status_code=304, headers=stated)
        if zips:
            stated["Content-Encoding"] = "gzip"
        return Response(self.zipped if zips else self.body, headers=stated, media_type=self.media_type)


@cache
def assets() -> dict[str, Asset]:
    """Return the dashboard's files by name. Only these names exist, so no path leads anywhere else."""
    return dict(_assets())


def site() -> dict[str, bytes]:
    """Return every file of the page by its address: a folder of them on any web server is the page."""
    named = {f"static/{name}": asset.body for name, asset in assets().items() if name not in (PAGE, WORKER)}
    return {PAGE: assets()[PAGE].body, WORKER: worker().body, **named}


@cache
def worker() -> Asset:
    """Return the service worker and, before it, what it keeps: the page's files and a digest of them."""
    kept = [name for name in sorted(assets()) if not (name in UNKEPT or name.startswith(STAFF_WORDS))]
    digest = blake2b("".join(assets()[name].digest for name in (*kept, PAGE, WORKER)).encode(), digest_size=8)
    addresses = json.dumps(["./", *(f"static/{name}" for name in kept)])
    head = f'const VERSION = "{digest.hexdigest()}";\nconst FILES = {addresses};\n'
    return Asset(head.encode() + assets()[WORKER].body, MEDIA_TYPES[".js"])


def _assets() -> Iterator[tuple[str, Asset]]:
    folder = files("heatrisk").joinpath("dashboard")
    for place in ("", WORDS, STAFF_WORDS):
        for entry in folder.joinpath(place).iterdir():
            if (suffix := Path(entry.name).suffix) in MEDIA_TYPES:
                yield place + entry.name, Asset(entry.read_bytes(), MEDIA_TYPES[suffix])
    for side in icon.SIDES:
        yield f"icon-{side}.png", Asset(icon.drawn(side), MEDIA_TYPES[".png"], max_age=86400)
    # Found without importing: the package's own code pulls in much that serving two files does not need.
    spec = find_spec("maplibre")
    if spec is None or spec.origin is None:
        return
    for name in MAPLIBRE:
        path = Path(spec.origin).with_name("srcjs") / name
        yield name, Asset(path.read_bytes(), MEDIA_TYPES[path.suffix], max_age=86400)


@router.get("/")
async def dashboard(request: Request) -> Response:
    """Serve the dashboard."""
    basemap = service_of(request).background()
    return assets()[PAGE].response(request, {"Content-Security-Policy": policy(basemap and basemap["host"])})


@router.get("/sw.js")
async def service_worker(request: Request) -> Response:
    """Serve the service worker; it lies at the root because it may keep only what lies below it."""
    return worker().response(request)


@router.get("/static/{name:path}")
async def static(request: Request, name: str) -> Response:
    """Serve one file of the dashboard."""
    if name not in assets():
        raise HTTPException(404)
    return assets()[name].response(request)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Serve the documentation of the interface."""
    page = _documentation(request.app.openapi())
    headers = {"Content-Security-Policy": policy()}
    return Asset(page.encode(), MEDIA_TYPES[".html"]).response(request, headers)


@router.get("/openapi.json")
async def schema(request: Request) -> Response:
    """Serve the OpenAPI document, with the address under which the public reaches the service."""
    servers = [{"url": service_of(request).base(request)}]
    return json_answer(request, {**request.app.openapi(), "servers": servers}, {"Cache-Control": SHORT})


def policy(host: str | None = None) -> str:
    """Return the content security policy of a page: this host, and the base map's where there is one."""
    outside = f" {host}" if host else ""
    return (
        "default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'self'; "
        # MapLibre starts its worker from a blob.
        "worker-src 'self' blob:; child-src 'self' blob:; "
        f"img-src 'self' data: blob:{outside}; connect-src 'self'{outside}"
    )


def _documentation(schema: dict[str, Any]) -> str:
    """Write the OpenAPI document as one plain page; it needs no script and no other host."""
    operations = "".join(
        _operation(method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    )
    problems = "".join(
        f'<tr id="{row.slug}"><td><code>{row.slug}</code></td><td>{row.status}</td>'
        f'<td>{escape(row.title.en)}<br><span lang="ja">{escape(row.title.ja)}</span></td></tr>'
        for row in dict.fromkeys(PROBLEMS.values())
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>heatrisk API</title>'
        '<link rel="icon" href="static/icon.svg"><link rel="stylesheet" href="static/docs.css"></head>'
        "<body><main>"
        f"<h1>{escape(schema['info']['title'])} {escape(schema['info']['version'])}</h1>"
        f"<p>{escape(schema['info']['description'])}</p>"
        '<p><a href="openapi.json">openapi.json</a> · <a href="./">dashboard</a></p>'
        f"{operations}<h2>Problems</h2><p>Errors are <code>application/problem+json</code> (RFC 9457).</p>"
        f"<table><thead><tr><th>type</th><th>status</th><th>meaning</th></tr></thead><tbody>{problems}</tbody></table>"
        "</main></body></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    """Write one operation with its parameters."""
    rows = "".join(
        f"<tr><td><code>{escape(row['name'])}</code></td><td>{escape(row['in'])}</td>"
        f"<td>{escape(row.get('description', ''))}</td></tr>"
        for row in operation.get("parameters", ())
    )
    head = "<tr><th>parameter</th><th>in</th><th>meaning</th></tr>"
    table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p><strong>{escape(operation['summary'])}.</strong> "
        f"{escape(operation.get('description', ''))}</p>{table if rows else ''}</section>"
    )
