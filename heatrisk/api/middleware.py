"""The door of the service: open to every origin, HEAD as GET without body, text zipped, images left alone."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatrisk.api.caching import ZIPPED_FROM, chosen, zipped

#: How the addresses of map images end.
IMAGES = (".png", ".webp")
ALLOW = "GET, HEAD, OPTIONS"
#: Stated on every answer, not only on requests with an Origin: a shared cache would else keep one without it.
OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "ETag, Heatrisk-Run, Heatrisk-Created, Heatrisk-Valid-Time, Heatrisk-Data-Age, Heatrisk-Stale, "
        "Heatrisk-Alert-State"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
OPEN_HEADERS = [(name.lower().encode(), value.encode()) for name, value in OPEN.items()]


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
                message = {**message, "headers": [*message["headers"], *OPEN_HEADERS]}
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


class TextZip:
    """Compression for all but map images, which are compressed already and asked for by the thousand.

    Parameters
    ----------
    app : ASGIApp
        What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"].endswith(IMAGES):
            await self.app(scope, receive, send)
            return
        accepted = dict(scope["headers"]).get(b"accept-encoding", b"").decode("latin-1")
        start: Message | None = None

        async def squeezed(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is None:
                await send(message)
                return
            # The length of an answer that comes in parts is not known, nor whether zipping would delay it.
            whole = not message.get("more_body", False)
            head, start = start, None
            for part in _squeezed(head, message, accepted) if whole else (head, message):
                await send(part)

        await self.app(scope, receive, squeezed)


def _squeezed(head: Message, message: Message, accepted: str) -> tuple[Message, Message]:
    body = message.get("body", b"")
    headers = dict(head["headers"])
    if len(body) < ZIPPED_FROM or b"content-encoding" in headers:
        return head, message
    headers[b"vary"] = b"Accept-Encoding"
    coding = chosen(accepted, len(body))
    if coding:
        body = zipped(body, coding)
        headers |= {b"content-encoding": coding.encode(), b"content-length": str(len(body)).encode()}
    return {**head, "headers": list(headers.items())}, {**message, "body": body}
