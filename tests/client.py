"""A client that asks an ASGI application in this process, without a socket."""

from __future__ import annotations

import asyncio
from functools import partialmethod
from typing import Any
from urllib.parse import unquote

import httpx
from fastapi import FastAPI


class Client:
    """Ask an application as a browser on ``http://testserver`` would.

    Parameters
    ----------
    app : FastAPI
        The application.
    raises : bool
        Raise what the application raises, instead of looking at its answer alone.
    """

    def __init__(self, app: FastAPI, *, raises: bool = True) -> None:
        self._app = app
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=raises)

    def request(self, method: str, url: str, **details: Any) -> httpx.Response:
        """Send one request."""
        return asyncio.run(self._request(method, url, **details))

    async def _request(self, method: str, url: str, **details: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://testserver") as client:
            return await client.request(method, url, **details)

    get = partialmethod(request, "GET")
    head = partialmethod(request, "HEAD")
    options = partialmethod(request, "OPTIONS")
    post = partialmethod(request, "POST")

    def status_of(self, path: str) -> int:
        """Return the status of a GET whose path is sent as it stands, dots and all."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"testserver")],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self._app(scope, receive, send))
        return int(sent[0]["status"])


def is_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """Check that an answer is a problem of one kind that nobody caches, and return it."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    body = answer.json()
    assert body["type"].endswith(f"/docs#{slug}")
    assert body["status"] == status
    assert body["title"] and body["detail"] and body["ja"]["title"] and body["ja"]["detail"]
    return dict(body)
