"""The runs as a SpatioTemporal Asset Catalog: one item a run, with everything it offers as assets.

References
----------
.. [1] STAC specification 1.1.0; extensions projection 2.0.0 and web-map-links 1.2.0.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from heatrisk.api import answers
from heatrisk.api.caching import SHORT, json_answer
from heatrisk.api.ogc import link
from heatrisk.api.params import GEOJSON, GEOJSON_ANSWER, LATEST, NOW, RunPath, utc
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import service_of
from heatrisk.quantities import QUANTITIES
from heatrisk.stored import StoredRun
from heatrisk.tiles import layers_of

VERSION = "1.1.0"
_WEB_MAP_LINKS = "https://stac-extensions.github.io/web-map-links/v1.2.0/schema.json"
_PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"

router = APIRouter(responses=PROBLEM_RESPONSE, tags=["ogc"])


@router.get("/stac", summary="STAC catalogue of the runs")
def catalogue(request: Request) -> Response:
    """Link to one item a run, newest first."""
    service = service_of(request)
    base = service.base(request)
    runs = service.store.runs()[:200]
    body = {
        "type": "Catalog",
        "stac_version": VERSION,
        "id": "heatrisk",
        "title": "heatrisk",
        "description": answers.REFERENCE.en,
        "links": [
            link(f"{base}/stac", "root"),
            link(f"{base}/stac", "self"),
            *(link(f"{base}/stac/items/{run}", "item", run, GEOJSON) for run in runs),
        ],
    }
    return json_answer(request, body, {"Cache-Control": SHORT})


@router.get(
    "/stac/items/{run}", summary="STAC item of a run", responses=GEOJSON_ANSWER, response_class=Response
)
async def item(request: Request, run: RunPath) -> Response:
    """Place, period and coordinates of a run, with tiles, values, shelters and manifest as assets."""
    service = service_of(request)
    stored = service.store.open(run)
    base = service.base(request)
    body = described(stored, _links(stored, base), _assets(stored, base))
    return json_answer(request, body, service.headers(stored, fixed=run != LATEST), GEOJSON)


def described(run: StoredRun, links: list[dict[str, Any]], assets: dict[str, Any]) -> dict[str, Any]:
    """Return the item of a run.

    Parameters
    ----------
    run : StoredRun
        The run.
    links : list of dict
        Links of the item.
    assets : dict
        What is offered of the run, by name; :func:`asset` writes one.
    """
    west, south, east, north = run.grid.bounds_lonlat
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    transform = run.grid.transform
    code = {"proj:code": run.grid.crs} if run.grid.crs.startswith("EPSG:") else {"proj:wkt2": run.grid.crs}
    city = run.manifest["city"]["name"]
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [_PROJECTION, _WEB_MAP_LINKS],
        "id": run.id,
        "bbox": [west, south, east, north],
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": None,
            "start_datetime": utc(run.times[0]),
            "end_datetime": utc(run.times[-1]),
            "created": utc(run.created),
            "title": f"Sun-adjusted WBGT, {city['en']}",
            "description": answers.reference(run).en,
            "gsd": run.grid.cell_size,
            **code,
            "proj:shape": list(run.grid.shape),
            "proj:transform": list(transform[:6]),
        },
        "links": links,
        "assets": assets,
    }


def asset(href: str, title: str, role: str, media_type: str = "application/json") -> dict[str, Any]:
    """Return one asset of an item."""
    return {"href": href, "title": title, "type": media_type, "roles": [role]}


def _links(run: StoredRun, base: str) -> list[dict[str, Any]]:
    return [
        link(f"{base}/stac", "root"),
        link(f"{base}/stac", "parent"),
        link(f"{base}/stac/items/{run.id}", "self", "", GEOJSON),
        {
            **link(f"{base}/wmts/1.0.0/WMTSCapabilities.xml?run={run.id}", "wmts", "", "application/xml"),
            "wmts:layer": [row.name for row in layers_of(run)],
        },
    ]


def _assets(run: StoredRun, base: str) -> dict[str, Any]:
    root = f"{base}/tiles/{run.id}"
    tiles = {
        f"tiles-{row.name}": asset(f"{root}/{row.name}/{NOW}/tilejson.json", row.words.en, "visual")
        for row in layers_of(run)
    }
    values = {
        f"values-{name}": asset(
            f"{base}/values/{run.id}/{name}/{NOW}/tilejson.json", QUANTITIES[name].words.en, "data"
        )
        for name in run.fields
    }
    return {
        "manifest": asset(f"{base}/runs/{run.id}", "Manifest", "metadata"),
        "shelters": asset(f"{base}/shelters?run={run.id}", "Cooling shelters", "data", GEOJSON),
        "buildings": asset(f"{base}/buildings?run={run.id}", "Outlines of the buildings", "data", GEOJSON),
        **tiles,
        **values,
    }
