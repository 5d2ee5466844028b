"""Freshness and identity of responses: Cache-Control, ETag and 304."""

from __future__ import annotations

import gzip
import json
import re
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal

import brotli
from isal import igzip
from starlette.requests import Request
from starlette.responses import Response

#: For anything that names a run and a time: a run never changes.
IMMUTABLE = "public, max-age=31536000, immutable"
#: For anything that follows the newest run or the clock.
SHORT = "public, max-age=60, stale-while-revalidate=600"
#: Bodies of fewer bytes are sent as they are, whatever the client accepts.
ZIPPED_FROM = 600
#: Bodies of more bytes are zipped fast instead of small.
SQUEEZED_UP_TO = 64 * 1024

Coding = Literal["", "br", "gzip"]

_REFUSED = re.compile(r"^\s*q\s*=\s*0(\.0*)?\s*$")


def freshness(fixed: bool) -> str:
    """Return the Cache-Control of an answer that is fixed for ever, or follows the clock."""
    return IMMUTABLE if fixed else SHORT


def unchanged(request: Request, etag: str) -> bool:
    """Tell whether the client already holds this version (RFC 9110, weak comparison)."""
    known = request.headers.get("if-none-match")
    return known is not None and matches(known, etag)


def matches(known: str, etag: str) -> bool:
    """Tell whether a list of tags names a version (RFC 9110, weak comparison)."""
    return known.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in known.split(","))


def json_answer(
    request: Request, body: Any, headers: dict[str, str], media_type: str = "application/json"
) -> Response:
    """Return a JSON body with its ETag, or 304 where the client holds it.

    Parameters
    ----------
    request : Request
        For ``If-None-Match`` and ``Accept-Encoding``.
    body : object or bytes
        Plain JSON values, or a document that is written already.
    headers : dict
        ``Cache-Control`` and what else travels with the answer.
    media_type : str
        E.g. ``application/geo+json``.
    """
    written = body if isinstance(body, bytes) else dumps(body)
    # A strong tag belongs to one content coding; the plain and the zipped form need two.
    etag = f'"{blake2b(written, digest_size=12).hexdigest()}{coding_mark(request, len(written))}"'
    headers = {**headers, "ETag": etag}
    if unchanged(request, etag):
        varied = {"Vary": "Accept-Encoding"} if len(written) >= ZIPPED_FROM else {}
        return Response(status_code=304, headers={**headers, **varied})
    return Response(written, headers=headers, media_type=media_type)


def coding_mark(request: Request, size: int) -> str:
    """Return what marks the tag of an answer that leaves in another coding than it is written in."""
    coding = chosen(request.headers.get("accept-encoding", ""), size)
    return f"-{coding}" if coding else ""


@lru_cache(maxsize=256)
def _accepted(header: str) -> frozenset[str]:
    """Return the codings that a client takes (RFC 9110, section 12.5.3)."""
    rows = (row.strip().lower().partition(";") for row in header.split(","))
    return frozenset(name.strip() for name, _, weight in rows if not _REFUSED.search(weight))


def chosen(header: str, size: int) -> Coding:
    """Return the coding in which a text leaves.

    Parameters
    ----------
    header : str
        What the client accepts.
    size : int
        Bytes as written.
    """
    accepted = _accepted(header) if size >= ZIPPED_FROM else frozenset()
    # Brotli is smaller and slower: a large text would hold up every other answer.
    if "br" in accepted and size <= SQUEEZED_UP_TO:
        return "br"
    return "gzip" if "gzip" in accepted else ""


def zipped(content: bytes, coding: Coding) -> bytes:
    """Return a text in a coding."""
    if coding == "br":
        return bytes(brotli.compress(content, quality=5))
    if len(content) <= SQUEEZED_UP_TO:
        return gzip.compress(content, 5, mtime=0)
    return bytes(igzip.compress(content, 2, mtime=0))


def dumps(body: Any) -> bytes:
    """Write JSON as the service does: UTF-8, compact, no NaN."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
