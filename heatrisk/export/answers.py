"""What the service would answer, asked of the service itself, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
from httpx import ASGITransport

from heatrisk.api import create_app
from heatrisk.errors import StoreError
from heatrisk.store import RunStore

ADDRESS = "http://export"


class Answers:
    """The service over a store, as it answers at one moment.

    Parameters
    ----------
    store : RunStore
        The store.
    clock : callable
        Returns the present with a zone.
    """

    def __init__(self, store: RunStore, clock: Callable[[], datetime]) -> None:
        self._app = create_app(store, clock=clock)

    def __call__(self, path: str, **query: str) -> Any:
        """Return the JSON of an answer.

        Raises
        ------
        StoreError
            The service does not answer.
        """
        answer = asyncio.run(self._ask(path, query))
        if answer.status_code != 200:
            raise StoreError("the run does not answer", where=path, got=answer.text[:200])
        return answer.json()

    async def _ask(self, path: str, query: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=ASGITransport(self._app), base_url=ADDRESS) as client:
            return await client.get(path, params=query)
