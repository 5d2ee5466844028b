"""The door of the service: open to every origin, HEAD as GET without body, text zipped, images left alone."""

from __future__ import annotations

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALLOW = "GET, HEAD, OPTIONS"
#: Stated on every answer, not only on requests with an Origin: a shared cache would else keep one without it.
OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "ETag, Heatrisk-Run, Heatrisk-Created, Heatrisk-Valid-Time, Heatrisk-Data-Age, Heatrisk-Stale"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_OPEN = [(name.lower().encode(), value.encode()) for name, value in OPEN.items()]


def _preflight(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return the headers that answer a preflight, from those of a refused method."""
    allow = dict(headers).get(b"allow", ALLOW.encode())
    return [
        (b"access-control-allow-methods", allow),
        (b"access-control-allow-headers", b"*"),
        (b"access-control-max-age", b"86400"),
        (b"allow", allow),
    ]


#: Bytes of path and query together.
MAX_URL = 16 * 1024


class PublicReading:
    """Open reading for everybody: CORS on every answer, preflight, and HEAD wherever GET works.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    too_long : ASGIApp
        What answers where an address is longer than :data:`MAX_URL`.
    """

    def __init__(self, app: ASGIApp, too_long: ASGIApp) -> None:
        self.app, self.too_long = app, too_long

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        head, preflight = scope["method"] == "HEAD", scope["method"] == "OPTIONS"
        silent = head

        async def opened(message: Message) -> None:
            nonlocal silent
            if message["type"] == "http.response.start":
                # No route takes OPTIONS: a refused method tells a path that exists from one that does not.
                if preflight and message["status"] == 405:
                    silent = True
                    message = {**message, "status": 204, "headers": _preflight(message["headers"])}
                message = {**message, "headers": [*message["headers"], *_OPEN]}
            elif silent:
                message = {**message, "body": b""}
            await send(message)

        # A copy: the server goes by its own scope to leave out the body of a HEAD.
        inner = {**scope, "method": "GET"} if head else scope
        long = len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_URL
        try:
            await (self.too_long if long else self.app)(inner, receive, opened)
        finally:
            scope["endpoint"] = inner.get("endpoint")


class TextGZip(GZipMiddleware):
    """Compression for all but map images, which are compressed already and asked for by the thousand."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"].endswith(".png"):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
