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
PREFLIGHT = {
    "Access-Control-Allow-Methods": ALLOW,
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
    "Allow": ALLOW,
}
_OPEN, _PREFLIGHT = (
    [(name.lower().encode(), value.encode()) for name, value in stated.items()]
    for stated in (OPEN, PREFLIGHT)
)


class PublicReading:
    """Open reading for everybody: CORS on every answer, preflight, and HEAD wherever GET works."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

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
                    silent, message = True, {**message, "status": 204, "headers": _PREFLIGHT}
                message = {**message, "headers": [*message["headers"], *_OPEN]}
            elif silent:
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"} if head else scope, receive, opened)


class TextGZip(GZipMiddleware):
    """Compression for all but map images, which are compressed already and asked for by the thousand."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope["path"].endswith(".png"):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)
