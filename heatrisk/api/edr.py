"""The fields of runs as OGC API – Environmental Data Retrieval: position, area and cube, as CoverageJSON.

The collection is the newest run; every stored run is one of its instances.

References
----------
.. [1] OGC 19-086r6, OGC API – Environmental Data Retrieval, version 1.1.
.. [2] OGC 21-069r2, OGC CoverageJSON Community Standard, version 1.0.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from fastapi import APIRouter, Depends, Query, Request
from pyproj import CRS
from starlette.responses import Response

from heatrisk.api import answers
from heatrisk.api.caching import SHORT, json_answer
from heatrisk.api.coverage import MEDIA_TYPE, coverage, parameter, reference
from heatrisk.api.geometry import BBOX, box_of, wkt_area, wkt_point
from heatrisk.api.ogc import COLLECTION, CRS84, extent, link, map_links
from heatrisk.api.params import GEOJSON, LATEST, RunPath, steps_within, utc
from heatrisk.api.problems import PROBLEM_RESPONSE, OutsideError, TooLargeError
from heatrisk.api.service import service_of
from heatrisk.cube import unpack
from heatrisk.errors import InputError
from heatrisk.quantities import QUANTITIES
from heatrisk.stored import StoredRun
from heatrisk.words import Words
from heatrisk.zonal import Area, Cells, cells_of

#: Queries: the format of the answer, and its media type. One of the locations answers as the others do.
QUERIES = {
    **dict.fromkeys(("position", "area", "cube"), ("CoverageJSON", MEDIA_TYPE)),
    "locations": ("GeoJSON", GEOJSON),
}
#: Numbers in one answer.
MAX_VALUES = 200_000

ROOT = f"/ogc/collections/{COLLECTION}"
INSTANCE = f"{ROOT}/instances/{{run}}"

PointQuery = Annotated[
    str, Query(max_length=200, description="POINT(lon lat) [degrees]", examples=["POINT(139.5505 35.682)"])
]
AreaQuery = Annotated[
    str,
    Query(
        max_length=4_000,
        description="POLYGON((lon lat, …)) [degrees]",
        examples=["POLYGON((139.55 35.681, 139.551 35.681, 139.551 35.682, 139.55 35.681))"],
    ),
]
BoxQuery = Annotated[str, Query(max_length=100, description=BBOX, examples=["139.55,35.681,139.551,35.682"])]
WhenQuery = Annotated[
    str | None,
    Query(
        alias="datetime",
        max_length=80,
        description="An instant of the run or an interval such as `../2025-08-05T06:00:00Z`; all if omitted",
        examples=["2025-08-05T00:00:00Z/.."],
    ),
]
NamesQuery = Annotated[
    str | None,
    Query(
        alias="parameter-name",
        max_length=400,
        description="Quantities with commas between; all if omitted",
        examples=["wbgt_moe,sunlit"],
    ),
]
FormatQuery = Annotated[
    Literal["CoverageJSON"], Query(description="Output format", examples=["CoverageJSON"])
]
CrsQuery = Annotated[Literal["CRS84"], Query(description="Reference system of `coords`", examples=["CRS84"])]


class Wanted(NamedTuple):
    """What of a run is asked for, whatever the query: its times and its quantities, all where None."""

    when: str | None
    names: str | None


async def _wanted(
    when: WhenQuery = None,
    names: NamesQuery = None,
    f: FormatQuery = "CoverageJSON",
    crs: CrsQuery = "CRS84",
) -> Wanted:
    """Return what is asked for; of format and reference system there is one each."""
    return Wanted(when, names)


WantedQuery = Annotated[Wanted, Depends(_wanted)]
COVERAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {"schema": {"type": "object"}}}, "description": "CoverageJSON"}
}

router = APIRouter(responses=PROBLEM_RESPONSE, tags=["ogc"])


# --- metadata ---


@router.get("/ogc/collections", summary="Collections")
async def collections(request: Request) -> Response:
    """List the one collection: the newest run."""
    service = service_of(request)
    run = service.store.open()
    base = service.base(request)
    body = {
        "links": [link(f"{base}/ogc/collections", "self")],
        "collections": [_collection(run, base, base + ROOT, map_links(service, request, run))],
    }
    return json_answer(request, body, service.headers(run, fixed=False))


@router.get(ROOT, summary="The collection")
async def collection(request: Request) -> Response:
    """Extent, quantities and queries of the newest run."""
    service = service_of(request)
    run = service.store.open()
    base = service.base(request)
    body = _collection(run, base, base + ROOT, map_links(service, request, run))
    return json_answer(request, body, service.headers(run, fixed=False))


@router.get(f"{ROOT}/instances", summary="Instances of the collection: the stored runs")
def instances(request: Request) -> Response:
    """List the newest runs, each a collection of its own."""
    service = service_of(request)
    base = service.base(request)
    found, _ = service.store.catalogue(20)
    body = {
        "links": [link(f"{base}{ROOT}/instances", "self"), link(base + ROOT, "collection")],
        "instances": [_instance(run, base) for run in found],
    }
    return json_answer(request, body, {"Cache-Control": SHORT})


@router.get(INSTANCE, summary="An instance of the collection: a run")
async def instance(request: Request, run: RunPath) -> Response:
    """Extent, quantities and queries of a run."""
    service = service_of(request)
    stored = service.store.open(run)
    body = _instance(stored, service.base(request))
    return json_answer(request, body, service.headers(stored, fixed=run != LATEST))


def _instance(run: StoredRun, base: str) -> dict[str, Any]:
    return {**_collection(run, base, base + INSTANCE.format(run=run.id), []), "id": run.id}


def _collection(run: StoredRun, base: str, root: str, more: list[dict[str, Any]]) -> dict[str, Any]:
    city = run.manifest["city"]["name"]
    return {
        "id": COLLECTION,
        "title": f"Sun-adjusted WBGT, {city['en']} / 日なた・日陰を考慮した暑さ指数（{city['ja']}）",
        "description": answers.reference(run).en,
        "keywords": ["WBGT", "heat", "shade"],
        "attribution": "; ".join(credit["en"] for credit in answers.attribution(run)),
        "extent": extent(run),
        "crs": ["CRS84"],
        "output_formats": ["CoverageJSON", "GeoJSON"],
        "data_queries": {
            kind: {
                "link": link(
                    f"{root}/{kind}", "data", media_type=media_type,
                    variables={
                        "title": f"{kind} query", "query_type": kind,
                        "output_formats": [form], "default_output_format": form,
                        "crs_details": [{"crs": "CRS84", "wkt": CRS.from_epsg(4326).to_wkt()}],
                    },
                )
            }
            for kind, (form, media_type) in QUERIES.items()
        },
        "parameter_names": {name: parameter(name) for name in run.fields},
        "links": [
            link(root, "self"),
            *(link(f"{root}/{kind}", "data", kind, media_type) for kind, (_, media_type) in QUERIES.items()),
            link(f"{root}/locations/{{locationId}}", "data", "location", MEDIA_TYPE, templated=True),
            link(f"{base}{ROOT}/instances", "instances", "Runs"),
            link(f"{base}/runs/{run.id}", "describedby", "Manifest"),
            *more,
        ],
    }  # fmt: skip


# --- queries ---


@router.get(
    f"{ROOT}/position", summary="Series at a point, newest run", responses=COVERAGE, response_class=Response
)
def position(
    request: Request,
    coords: PointQuery,
    wanted: WantedQuery,
) -> Response:
    """Values of the cell under a point over time, as a PointSeries."""
    return _position(request, LATEST, coords, wanted)


@router.get(
    f"{INSTANCE}/position", summary="Series at a point, one run", responses=COVERAGE, response_class=Response
)
def instance_position(
    request: Request,
    run: RunPath,
    coords: PointQuery,
    wanted: WantedQuery,
) -> Response:
    """Values of the cell under a point over time, as a PointSeries."""
    return _position(request, run, coords, wanted)


@router.get(
    f"{ROOT}/area", summary="Cells of an area, newest run", responses=COVERAGE, response_class=Response
)
def area(
    request: Request,
    coords: AreaQuery,
    wanted: WantedQuery,
) -> Response:
    """Values of the cells of an area over time, as a Grid in the coordinates of the run."""
    return _area(request, LATEST, wkt_area(coords), wanted)


@router.get(
    f"{INSTANCE}/area", summary="Cells of an area, one run", responses=COVERAGE, response_class=Response
)
def instance_area(
    request: Request,
    run: RunPath,
    coords: AreaQuery,
    wanted: WantedQuery,
) -> Response:
    """Values of the cells of an area over time, as a Grid in the coordinates of the run."""
    return _area(request, run, wkt_area(coords), wanted)


@router.get(f"{ROOT}/cube", summary="Cells of a box, newest run", responses=COVERAGE, response_class=Response)
def cube(
    request: Request,
    bbox: BoxQuery,
    wanted: WantedQuery,
) -> Response:
    """Values of the cells of a box over time, as a Grid in the coordinates of the run."""
    return _area(request, LATEST, shapely.box(*box_of(bbox)), wanted)


@router.get(
    f"{INSTANCE}/cube", summary="Cells of a box, one run", responses=COVERAGE, response_class=Response
)
def instance_cube(
    request: Request,
    run: RunPath,
    bbox: BoxQuery,
    wanted: WantedQuery,
) -> Response:
    """Values of the cells of a box over time, as a Grid in the coordinates of the run."""
    return _area(request, run, shapely.box(*box_of(bbox)), wanted)


def _position(request: Request, run: str, coords: str, wanted: Wanted) -> Response:
    service = service_of(request)
    stored = service.store.open(run)
    lon, lat = wkt_point(coords)
    place = stored.grid.index(lon, lat)
    if place is None:
        raise _outside(stored)
    body = series(stored, place, (lon, lat), wanted)
    return json_answer(request, body, service.headers(stored, fixed=run != LATEST), MEDIA_TYPE)


def series(
    stored: StoredRun, place: tuple[int, int], lonlat: tuple[float, float], wanted: Wanted
) -> dict[str, Any]:
    """Return the values of a cell over time as a PointSeries.

    Parameters
    ----------
    stored : StoredRun
        The run.
    place : tuple of int
        Row and column of the cell.
    lonlat : tuple of float
        Where the point is said to lie [degrees].
    wanted : Wanted
        Times and quantities, as the standard writes them.

    Raises
    ------
    InputError
        The run has no such quantity.
    TimeNotFoundError
        It has no step then.
    """
    chosen, steps = _chosen(stored, wanted.names), _steps(stored, wanted.when)
    lon, lat = lonlat
    values = {name: stored.fields[name](*place)[steps] for name in chosen}
    axes = {"x": {"values": [lon]}, "y": {"values": [lat]}, "t": _times(stored, steps)}
    return coverage(stored, "PointSeries", axes, reference(["x", "y"], "GeographicCRS", CRS84), values, ["t"])


def _area(request: Request, run: str, asked: Area, wanted: Wanted) -> Response:
    service = service_of(request)
    stored = service.store.open(run)
    chosen, steps = _chosen(stored, wanted.names), _steps(stored, wanted.when)
    (top, left, height, width), inside = _window(stored, asked, len(chosen) * len(steps))
    values = {}
    for name in chosen:
        packed = stored.fields[name].window(top, left, height, width)[steps]
        values[name] = np.where(inside, unpack(packed, QUANTITIES[name].resolution or 1.0), np.nan)
    grid = stored.grid
    axes = {
        "x": {"values": [round(float(x), 3) for x in grid.x[left : left + width]]},
        "y": {"values": [round(float(y), 3) for y in grid.y[top : top + height]]},
        "t": _times(stored, steps),
    }
    authority = CRS.from_user_input(grid.crs).to_authority()
    identifier = "http://www.opengis.net/def/crs/{}/0/{}".format(*authority) if authority else grid.crs
    system = reference(["x", "y"], "ProjectedCRS", identifier)
    body = coverage(stored, "Grid", axes, system, values, ["t", "y", "x"])
    return json_answer(request, body, service.headers(stored, fixed=run != LATEST), MEDIA_TYPE)


def _window(
    run: StoredRun, area: Area, layers: int
) -> tuple[tuple[int, int, int, int], npt.NDArray[np.bool_]]:
    """Return the smallest window of cells that holds an area, and which of them belong to it."""
    cells: Cells = cells_of(run, area)
    if not cells:
        raise _outside(run)
    places = [np.argwhere(inside) + window[:2] for window, inside in cells]
    top, left = np.min([place.min(axis=0) for place in places], axis=0).tolist()
    bottom, right = (np.max([place.max(axis=0) for place in places], axis=0) + 1).tolist()
    size = (bottom - top) * (right - left) * layers
    if size > MAX_VALUES:
        raise TooLargeError(
            Words("一度に取り出せる量を超えています", "this is more than one answer may hold"),
            got=Words(f"{size} 個の値", f"{size} values"),
            expected=f"≤ {MAX_VALUES}",
            remedy=Words(
                "範囲・時刻・量を絞ってください。", "Choose a smaller area, fewer times or quantities."
            ),
        )
    found = np.zeros((bottom - top, right - left), np.bool_)
    for place in places:
        found[place[:, 0] - top, place[:, 1] - left] = True
    return (top, left, bottom - top, right - left), found


def _outside(run: StoredRun) -> OutsideError:
    return OutsideError(
        Words("対象の範囲の外です", "this lies outside the area of the run"),
        expected=",".join(f"{degrees:.5f}" for degrees in run.grid.bounds_lonlat),
    )


def _chosen(run: StoredRun, names: str | None) -> list[str]:
    wanted = list(run.fields) if names is None else [name.strip() for name in names.split(",")]
    for name in wanted:
        if name not in run.fields:
            raise InputError(
                Words("この計算結果にない量です", "the run holds no such quantity"),
                got=name,
                expected=", ".join(run.fields),
            )
    return list(dict.fromkeys(wanted))


def _steps(run: StoredRun, when: str | None) -> list[int]:
    return list(range(len(run.times))) if when is None else steps_within(when, run.times)


def _times(run: StoredRun, steps: list[int]) -> dict[str, Any]:
    return {"values": [utc(run.times[step]) for step in steps]}
