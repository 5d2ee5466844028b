"""The application: routes, door and problems put together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from fastapi import FastAPI

import heatrisk
from heatrisk.api import (
    alerts,
    area,
    edr,
    facility,
    feeds,
    locations,
    metrics,
    ogc,
    opening,
    pages,
    points,
    problems,
    routes,
    shelters,
    stac,
    tiles,
    wmts,
)
from heatrisk.api.metrics import Counts, Metrics
from heatrisk.api.middleware import PublicReading, TextZip
from heatrisk.api.quick import QuickTiles
from heatrisk.api.service import Service, present
from heatrisk.api.settings import Settings
from heatrisk.reports import Reports
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
    app.state.reports = Reports(app.state.service.store.root)
    app.state.counts = Counts()
    # Tiles are asked for by the thousand: the first to be compared with a path.
    rooms = (
        tiles,
        routes,
        opening,
        area,
        points,
        shelters,
        facility,
        alerts,
        feeds,
        edr,
        locations,
        ogc,
        wmts,
        stac,
        metrics,
        pages,
    )
    for room in rooms:
        app.include_router(room.router)
    app.add_middleware(TextZip)
    app.add_middleware(PublicReading, too_long=problems.too_long)
    app.add_middleware(Metrics, counts=app.state.counts)
    # Added last, it is asked first.
    app.add_middleware(QuickTiles, service=app.state.service, counts=app.state.counts)
    problems.install(app)
    return app
