"""The application: routes, door and problems put together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI

import heatrisk
from heatrisk.api import pages, problems, routes
from heatrisk.api.caching import ZIPPED_FROM
from heatrisk.api.middleware import PublicReading, TextGZip
from heatrisk.api.service import Service, present
from heatrisk.api.settings import Settings
from heatrisk.store import RunStore

DESCRIPTION = """\
Sun-adjusted WBGT (wet bulb globe temperature) of every outdoor cell of a town, tied to the official forecast.
Values are reference values (参考値); official values are passed on unaltered beside them.
Addresses that name a run and a time never change and may be cached for a year;
`latest` and `now` follow the clock.
"""


def create_app(
    store: Path | RunStore, settings: Settings | None = None, *, clock: Callable[[], datetime] = present
) -> FastAPI:
    """Return the service over a store of runs.

    Parameters
    ----------
    store : pathlib.Path or RunStore
        Where the runs lie. It may be empty; runs published later are served at once.
    settings : Settings, optional
        What the operator chose; from the environment if omitted.
    clock : callable, optional
        Returns the present with a zone.

    Returns
    -------
    fastapi.FastAPI
        An ASGI application.
    """
    app = FastAPI(
        title="heatrisk",
        version=heatrisk.__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # served with the pages, with its freshness stated
    )
    app.state.service = Service(
        store if isinstance(store, RunStore) else RunStore(store), settings or Settings(), clock
    )
    app.include_router(routes.router)
    app.include_router(pages.router)
    app.add_middleware(TextGZip, minimum_size=ZIPPED_FROM, compresslevel=5)
    app.add_middleware(PublicReading)
    problems.install(app)
    return app
