"""The route of areas: what the heat is over a yard, a park, a district, step by step."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import shapely
from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from heatrisk.api import answers
from heatrisk.api.answers import both, number, spoken
from heatrisk.api.bodies import limited
from heatrisk.api.caching import dumps, json_answer
from heatrisk.api.geometry import BBOX, MAX_BODY, MAX_VERTICES, area_of, box_of
from heatrisk.api.params import LATEST, LangQuery, RunQuery, jst, utc
from heatrisk.api.problems import PROBLEM_RESPONSE, OutsideError, TooLargeError
from heatrisk.api.service import Service, service_of
from heatrisk.errors import LayerNotFoundError
from heatrisk.risk import RISK_SCALES
from heatrisk.stored import StoredRun
from heatrisk.words import JST, Language, Words
from heatrisk.zonal import Area, Corner, Zone, cells_of, mean, zone

#: Cells in the box around an area: 50 square kilometres at 5 m, a second of work.
MAX_CELLS = 2_000_000
#: Hours of the day [JST] among which the coolest one and the coolest corner are chosen.
DAYTIME = (6, 18)
#: Hours whose means differ by less are as good as each other [degC]: far below what a model can tell.
ALIKE = 0.5

#: Quantities whose mean over the area is told too.
_MEANS = ("sunlit", "wbgt_moe_shade", "p_danger")

ScaleQuery = Annotated[
    Literal["daily", "sport"], Query(description="Scale of the classes", examples=["daily"])
]
BoxQuery = Annotated[str, Query(max_length=100, description=BBOX, examples=["139.549,35.681,139.552,35.683"])]

_EXAMPLE = {
    "type": "Polygon",
    "coordinates": [
        [[139.549, 35.681], [139.552, 35.681], [139.552, 35.683], [139.549, 35.683], [139.549, 35.681]]
    ],
}
_POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2}
_BODY = {
    "type": "object",
    "description": f"GeoJSON Polygon, at most {MAX_VERTICES} vertices; a MultiPolygon or a Feature will do",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["Polygon"]},
        "coordinates": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "minItems": 4, "items": _POSITION},
        },
    },
    "example": _EXAMPLE,
}
_DOCUMENTED = {
    "requestBody": {
        "required": True,
        "content": {name: {"schema": _BODY} for name in ("application/geo+json", "application/json")},
    }
}

router = APIRouter(responses=PROBLEM_RESPONSE)


@router.post(
    "/area", tags=["data"], summary="The heat over an area given as GeoJSON", openapi_extra=_DOCUMENTED
)
async def area(
    request: Request, run: RunQuery = LATEST, scale: ScaleQuery = "daily", lang: LangQuery = None
) -> Response:
    """For each step the share of the outdoor ground in each class, mean, 10th and 90th percentile.

    With them the coolest hour of each day, and the coolest corner. Buildings and unknown ground do not count;
    they are told.
    """
    found = area_of(await limited(request, MAX_BODY))
    service = service_of(request)
    stored = service.store.open(run)
    body = await run_in_threadpool(told, service, stored, found, scale, lang)
    headers = {**service.headers(stored, fixed=False), "Cache-Control": "no-store"}
    return Response(dumps(body), headers=headers, media_type="application/json")


@router.get("/area", tags=["data"], summary="The heat over a box")
def box(
    request: Request,
    bbox: BoxQuery,
    run: RunQuery = LATEST,
    scale: ScaleQuery = "daily",
    lang: LangQuery = None,
) -> Response:
    """Answer as for an area given as GeoJSON."""
    service = service_of(request)
    stored = service.store.open(run)
    body = told(service, stored, shapely.box(*box_of(bbox)), scale, lang)
    return json_answer(request, body, service.headers(stored, fixed=False))


def told(
    service: Service, run: StoredRun, found: Area, scale: str = "daily", lang: Language | None = None
) -> dict[str, Any]:
    """Return what is told of an area.

    Parameters
    ----------
    service : Service
        For the age of the run.
    run : StoredRun
        The run.
    found : shapely.Polygon or shapely.MultiPolygon
        The area [degrees].
    scale : {"daily", "sport"}
        Scale of the classes.
    lang : {"ja", "en"}, optional
        The one language of its texts; both if omitted.

    Raises
    ------
    LayerNotFoundError
        The run holds no WBGT.
    OutsideError, TooLargeError
        The area lies outside the run, or is more than one answer may cost.
    """
    if "wbgt_moe" not in run.fields:
        raise LayerNotFoundError(Words("この計算結果に暑さ指数がありません", "the run holds no WBGT"))
    _affordable(run, found)
    cells = cells_of(run, found)
    heat = zone(run, "wbgt_moe", cells)
    if not sum(heat.kinds):
        raise OutsideError(
            Words("この範囲は対象の範囲の外です", "this area lies outside the area of the run"),
            expected=",".join(f"{degrees:.5f}" for degrees in run.grid.bounds_lonlat),
        )
    means = {name: mean(run, name, cells) for name in _MEANS if name in run.fields}
    cell = run.grid.cell_size
    outdoor, building, unknown = heat.kinds
    body = {
        "run": answers.summary(service, run, "."),
        "area": {
            "cells": sum(heat.kinds), "outdoor_cells": outdoor, "building_cells": building,
            "unknown_cells": unknown, "cell_size_m": cell, "outdoor_m2": round(outdoor * cell * cell),
            "centre": [round(degrees, 6) for degrees in (found.centroid.x, found.centroid.y)],
        },
        "anchored": answers.anchored(run),
        "reference": both(answers.reference(run)),
        "attribution": answers.attribution(run),
        "scale": answers.scale(scale),
        "series": _series(run, heat, means, scale),
        "daytime_jst": list(DAYTIME),
        "best": _best(run, heat),
        "coolest": _corner(heat.coolest(_daytime(run))),
    }  # fmt: skip
    answer: dict[str, Any] = spoken(body, lang)
    return answer


def _affordable(run: StoredRun, found: Area) -> None:
    # Measured in degrees against the grid's own box: near enough for a limit.
    west, south, east, north = run.grid.bounds_lonlat
    left, bottom, right, top = found.bounds
    width, height = min(right, east) - max(left, west), min(top, north) - max(bottom, south)
    share = max(width, 0.0) * max(height, 0.0) / ((east - west) * (north - south))
    cells = share * run.grid.shape[0] * run.grid.shape[1]
    if cells > MAX_CELLS:
        raise TooLargeError(
            Words("範囲が広すぎます", "the area is too large for one request"),
            got=Words(f"{cells:.0f} メッシュ", f"{cells:.0f} cells"),
            expected=f"≤ {MAX_CELLS}",
        )


def _series(
    run: StoredRun, heat: Zone, more: dict[str, npt.NDArray[np.float64]], scale: str
) -> list[dict[str, Any]]:
    levels = RISK_SCALES[scale].levels
    shares = heat.shares([level.lower for level in levels])
    means, lowest, highest = heat.mean(), heat.quantile(0.0), heat.quantile(1.0)
    tenth, ninetieth = heat.quantile(0.1), heat.quantile(0.9)
    official = run.manifest["anchor"].get("official") or [None] * len(run.times)
    return [
        {
            "time": utc(time),
            "jst": jst(time),
            "mean": number(means[index]),
            "min": number(lowest[index]),
            "p10": number(tenth[index]),
            "p90": number(ninetieth[index]),
            "max": number(highest[index]),
            "shares": {
                level.code: number(share, 4) for level, share in zip(levels, shares[index], strict=True)
            },
            **{name: number(more[name][index], 3) if name in more else None for name in _MEANS},
            "official": official[index],
            "coolest": _corner(heat.coolest([index])),
        }
        for index, time in enumerate(run.times)
    ]


def _corner(corner: Corner | None) -> dict[str, Any] | None:
    if corner is None:
        return None
    return {
        "lon": round(corner.lon, 6), "lat": round(corner.lat, 6),
        "mean": number(corner.value), "cells": corner.cells,
    }  # fmt: skip


def _daytime(run: StoredRun) -> list[int]:
    hours = [time.astimezone(JST).hour for time in run.times]
    return [index for index, hour in enumerate(hours) if DAYTIME[0] <= hour <= DAYTIME[1]]


def _best(run: StoredRun, heat: Zone) -> list[dict[str, Any]]:
    """Return, for each day, the daytime step with the lowest mean and those that are as good."""
    means = heat.mean()

    def day(index: int) -> str:
        return run.times[index].astimezone(JST).date().isoformat()

    found = []
    for date, group in groupby((index for index in _daytime(run) if np.isfinite(means[index])), key=day):
        steps = sorted(group, key=lambda index: (float(means[index]), index))
        alike = [_window(run, index) for index in steps[1:] if means[index] - means[steps[0]] < ALIKE]
        found.append(
            {"date": date, **_window(run, steps[0]), "mean": number(means[steps[0]]), "alike": alike}
        )
    return found


def _window(run: StoredRun, index: int) -> dict[str, str]:
    def shown(moment: datetime) -> str:
        return f"{moment.astimezone(JST):%H:%M}"

    time, half = run.times[index], run.window / 2
    return {"time": utc(time), "jst": jst(time), "from": shown(time - half), "to": shown(time + half)}
