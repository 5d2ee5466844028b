"""Freshness and identity of responses: Cache-Control, ETag and 304."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

#: For anything that names a run and a time: a run never changes.
IMMUTABLE = "public, max-age=31536000, immutable"
#: For anything that follows the newest run or the clock.
SHORT = "public, max-age=60, stale-while-revalidate=600"
#: Bodies of fewer bytes are sent as they are, whatever the client accepts.
ZIPPED_FROM = 600


def freshness(fixed: bool) -> str:
    """Return the Cache-Control of an answer that is fixed for ever, or follows the clock."""
    return IMMUTABLE if fixed else SHORT


def unchanged(request: Request, etag: str) -> bool:
    """Tell whether the client already holds this version (RFC 9110, weak comparison)."""
    known = request.headers.get("if-none-match")
    if known is None:
        return False
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
    large = len(written) >= ZIPPED_FROM
    etag = f'"{blake2b(written, digest_size=12).hexdigest()}{coding(request) if large else ""}"'
    headers = {**headers, "ETag": etag}
    if unchanged(request, etag):
        return Response(status_code=304, headers={**headers, "Vary": "Accept-Encoding"} if large else headers)
    return Response(written, headers=headers, media_type=media_type)


def coding(request: Request) -> str:
    """Return what marks the tag of an answer that leaves zipped where the client takes it so."""
    return "-gzip" if "gzip" in request.headers.get("accept-encoding", "") else ""


def dumps(body: Any) -> bytes:
    """Write JSON as the service does: UTF-8, compact, no NaN."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
