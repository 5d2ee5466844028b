"""The short way to a map tile: what is asked for by the thousand goes past the router and its layers.

Whatever is not a plain tile of a run goes the long way, and so does every problem; both ways give the same
answer.
"""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from heatrisk.api.metrics import Counts
from heatrisk.api.middleware import OPEN_HEADERS
from heatrisk.api.service import Service
from heatrisk.api.tiles import kept
from heatrisk.errors import HeatRiskError

_END = ".png"
#: Name of the function that answers on the long way, under which the requests are counted.
_ROUTE = "tile"

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class QuickTiles:
    """Answers map tiles at once, and passes on everything else.

    Parameters
    ----------
    app : ASGIApp
        What answers everything else.
    service : Service
        The runs.
    counts : Counts
        Where requests are counted.
    """

    def __init__(self, app: ASGIApp, service: Service, counts: Counts) -> None:
        self.app, self.service, self.counts = app, service, counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        start = time.perf_counter()
        found = self._answer(scope) if scope["type"] == "http" else None
        if found is None:
            await self.app(scope, receive, send)
            return
        status, headers, body = found
        head: Message = {"type": "http.response.start", "status": status, "headers": headers}
        await send(head)
        await send({"type": "http.response.body", "body": body})
        self.counts.add(_ROUTE, "GET", status, time.perf_counter() - start)

    def _answer(self, scope: Scope) -> Answer | None:
        """Return the answer to a tile's address; None where there is more to say than that."""
        path: str = scope["path"]
        if not (path.startswith("/tiles/") and path.endswith(_END)) or scope["method"] != "GET":
            return None
        parts = path[: -len(_END)].split("/")
        if len(parts) != 8 or scope.get("root_path") or scope["query_string"]:
            return None
        run, layer, moment, *address = parts[2:]
        if not all(number.isdecimal() and number.isascii() and len(number) < 10 for number in address):
            return None
        tags = (value.decode("latin-1") for name, value in scope["headers"] if name == b"if-none-match")
        known = next(tags, None)
        z, x, y = map(int, address)
        try:
            status, headers, image = kept(self.service, (run, moment), layer, (z, x, y), known)
        except HeatRiskError:
            return None
        stated = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        if status == 200:
            stated += ((b"content-type", b"image/png"), (b"content-length", b"%d" % len(image)))
        return status, [*stated, *OPEN_HEADERS], image
