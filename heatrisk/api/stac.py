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
from heatrisk.layers import LAYERS
from heatrisk.quantities import QUANTITIES
from heatrisk.stored import StoredRun

_VERSION = "1.1.0"
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
        "stac_version": _VERSION,
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
    body = described(stored, service.base(request))
    return json_answer(request, body, service.headers(stored, fixed=run != LATEST), GEOJSON)


def described(run: StoredRun, base: str) -> dict[str, Any]:
    """Return the item of a run.

    Parameters
    ----------
    run : StoredRun
        The run.
    base : str
        Address of the service.
    """
    west, south, east, north = run.grid.bounds_lonlat
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    transform = run.grid.transform
    code = {"proj:code": run.grid.crs} if run.grid.crs.startswith("EPSG:") else {"proj:wkt2": run.grid.crs}
    city = run.manifest["city"]["name"]
    return {
        "type": "Feature",
        "stac_version": _VERSION,
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
        "links": [
            link(f"{base}/stac", "root"),
            link(f"{base}/stac", "parent"),
            link(f"{base}/stac/items/{run.id}", "self", "", GEOJSON),
            {
                **link(f"{base}/wmts/1.0.0/WMTSCapabilities.xml?run={run.id}", "wmts", "", "application/xml"),
                "wmts:layer": list(run.layers),
            },
        ],
        "assets": _assets(run, base),
    }


def _assets(run: StoredRun, base: str) -> dict[str, Any]:
    def asset(href: str, title: str, role: str, media_type: str = "application/json") -> dict[str, Any]:
        return {"href": base + href, "title": title, "type": media_type, "roles": [role]}

    tiles = {
        f"tiles-{name}": asset(f"/tiles/{run.id}/{name}/{NOW}/tilejson.json", LAYERS[name].words.en, "visual")
        for name in run.layers
    }
    values = {
        f"values-{name}": asset(
            f"/values/{run.id}/{name}/{NOW}/tilejson.json", QUANTITIES[name].words.en, "data"
        )
        for name in run.fields
    }
    return {
        "manifest": asset(f"/runs/{run.id}", "Manifest", "metadata"),
        "shelters": asset(f"/shelters?run={run.id}", "Cooling shelters", "data", GEOJSON),
        "buildings": asset(f"/buildings?run={run.id}", "Outlines of the buildings", "data", GEOJSON),
        **tiles,
        **values,
    }
