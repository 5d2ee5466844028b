"""The route of shelters: all, or those in a box, open, equipped, designated, or nearest to a place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Query, Request
from pyproj import Geod
from starlette.responses import Response

from heatrisk.alerts import Level
from heatrisk.api.alerts import MINUTE, level
from heatrisk.api.answers import both, spoken
from heatrisk.api.caching import json_answer
from heatrisk.api.geometry import BBOX, box_of, place_of
from heatrisk.api.params import (
    CLOCK,
    GEOJSON,
    GEOJSON_ANSWER,
    LATEST,
    NOW,
    AtQuery,
    LangQuery,
    RunQuery,
    instant,
    utc,
)
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import Service, reports_of, service_of
from heatrisk.bulletin import official
from heatrisk.grid import Bounds
from heatrisk.reports import Live, merged, standing
from heatrisk.shelters import Designation, Shelter, State, from_geojson, opens, reported, status
from heatrisk.stored import StoredRun
from heatrisk.words import Words

Equipment = Literal["water", "toilet", "wheelchair", "nursing_room", "wifi", "aed"]

BoxQuery = Annotated[
    str | None,
    Query(max_length=100, description=f"Only those in a box: {BBOX}", examples=["139.55,35.67,139.57,35.69"]),
]
NearQuery = Annotated[
    str | None,
    Query(
        max_length=60,
        description="Nearest first from lon,lat [degrees], with distance and bearing",
        examples=["139.56,35.683"],
    ),
]
LimitQuery = Annotated[int, Query(ge=1, le=10_000, description="At most this many", examples=[5])]
StateQuery = Annotated[
    list[State] | None,
    Query(
        description="Only those that are so at the time `at`; repeat it for several states",
        examples=[["open"]],
    ),
]
EquipmentQuery = Annotated[
    list[Equipment] | None,
    Query(description="Only those that have it; repeat it for several things", examples=[["water"]]),
]
DesignationQuery = Annotated[
    list[Designation] | None,
    Query(description="Only those so designated; repeat it for several", examples=[["designated"]]),
]
UnplacedQuery = Annotated[
    bool | None,
    Query(
        description="Whether those without a known position are listed; without `bbox` and `near` they are",
        examples=[True],
    ),
]

#: How long after an instant a report of it may still be on its way.
_SETTLED = timedelta(minutes=1)
_GEOD = Geod(ellps="WGS84")
_COMPASS = (
    Words("北", "north"), Words("北東", "north-east"), Words("東", "east"), Words("南東", "south-east"),
    Words("南", "south"), Words("南西", "south-west"), Words("西", "west"), Words("北西", "north-west"),
)  # fmt: skip

router = APIRouter(responses=PROBLEM_RESPONSE)


class Wanted(NamedTuple):
    """Which shelters are asked for.

    Parameters
    ----------
    box : tuple of float, optional
        West, south, east, north [degrees].
    near : tuple of float, optional
        Longitude and latitude from which distances count [degrees].
    states, designations : tuple of str
        Any of them; empty for all.
    equipment : tuple of str
        All of it.
    unplaced : bool
        Whether those without position count.
    """

    box: Bounds | None = None
    near: tuple[float, float] | None = None
    states: tuple[State, ...] = ()
    designations: tuple[Designation, ...] = ()
    equipment: tuple[Equipment, ...] = ()
    unplaced: bool = True

    def holds(self, shelter: Shelter, state: State) -> bool:
        """Tell whether a shelter in a state is asked for."""
        return (
            (not self.states or state in self.states)
            and (not self.designations or shelter.designation in self.designations)
            and set(self.equipment) <= set(shelter.equipment)
            and self._placed(shelter)
        )

    def _placed(self, shelter: Shelter) -> bool:
        if shelter.lon is None or shelter.lat is None:
            return self.unplaced
        if self.box is None:
            return True
        west, south, east, north = self.box
        return west <= shelter.lon <= east and south <= shelter.lat <= north


@router.get(
    "/shelters",
    tags=["places"],
    summary="Cooling shelters with their opening status",
    responses=GEOJSON_ANSWER,
    response_class=Response,
)
def shelters(
    request: Request,
    run: RunQuery = LATEST,
    at: AtQuery = NOW,
    bbox: BoxQuery = None,
    near: NearQuery = None,
    state: StateQuery = None,
    equipment: EquipmentQuery = None,
    designation: DesignationQuery = None,
    unplaced: UnplacedQuery = None,
    limit: LimitQuery = 10_000,
    lang: LangQuery = None,
) -> Response:
    """GeoJSON. A status that the published hours do not decide is `unknown`, never `open`."""
    service = service_of(request)
    stored = service.store.open(run)
    spatial = bbox is not None or near is not None
    wanted = Wanted(
        None if bbox is None else box_of(bbox),
        None if near is None else place_of(near),
        tuple(state or ()),
        tuple(designation or ()),
        tuple(equipment or ()),
        not spatial if unplaced is None else unplaced,
    )
    known = known_at(request, stored, at)
    body = spoken(found(stored, known.moment, wanted, limit, known.alert, known.live), lang)
    if known.live is None:
        body["facility_reports"] = "unavailable"
    fixed = run != LATEST and at not in CLOCK and known.settled
    return json_answer(request, body, headers_of(service, stored, fixed=fixed), GEOJSON)


def headers_of(service: Service, run: StoredRun, *, fixed: bool) -> dict[str, str]:
    """Return freshness and origin of what is said of shelters: an alert, which opens some, makes it old."""
    headers = service.headers(run, fixed=fixed)
    return headers if fixed else {**headers, "Cache-Control": MINUTE}


class Known(NamedTuple):
    """What is known of the shelters at an instant besides their published hours.

    Parameters
    ----------
    moment : datetime.datetime
        The instant, with zone.
    alert : str, optional
        The alert in force.
    live : mapping, optional
        What facilities report of themselves; None where it is not to be had.
    settled : bool
        Nothing of it can change any more.
    """

    moment: datetime
    alert: Level | None
    live: Mapping[str, Live] | None
    settled: bool


def known_at(request: Request, run: StoredRun, at: str) -> Known:
    """Return what is known at the instant that a parameter names; whole minutes, where that is now."""
    service = service_of(request)
    clock = service.clock()
    moment = clock.replace(second=0, microsecond=0) if at in CLOCK else instant(at)
    live = reports_of(request).told(moment)
    # An alert may still be announced for a time to come, and reports come in until their minute is over.
    settled = moment < clock - _SETTLED and live is not None
    # What is fixed for ever follows from the run alone.
    alerts = official.known(run, None if settled else service.store)
    return Known(moment, level(alerts, moment, min(moment, clock)), live, settled)


def found(
    run: StoredRun,
    at: datetime,
    wanted: Wanted,
    limit: int,
    alert: Level | None,
    live: Mapping[str, Live] | None = None,
) -> dict[str, Any]:
    """Return the shelters asked for as GeoJSON, each with its opening status at an instant, under an alert.

    What a facility reports of itself goes before its published hours. One without position has the geometry
    null and ``placed`` false; reports that are too old are left out.
    """
    features = list(_features(run, at, wanted, alert, live or {}))
    if wanted.near is not None:
        features.sort(key=lambda feature: feature["properties"].get("distance_m", float("inf")))
    return {**run.shelters, "features": features[:limit]}


def _features(
    run: StoredRun, at: datetime, wanted: Wanted, alert: Level | None, live: Mapping[str, Live]
) -> Iterator[dict[str, Any]]:
    for feature, listed in zip(run.shelters["features"], from_geojson(run.shelters), strict=True):
        said = live.get(listed.id)
        shelter = merged(listed, said)
        published = status(listed, at, alert)
        told = standing(listed, published, said, at)
        if not wanted.holds(shelter, told.state):
            continue
        next_ = opens(listed, at, alert) if told is published and told.state == "closed" else None
        stated = {
            "state": told.state, "reason": both(told.reason), "at": utc(at), "opens": next_ and utc(next_)
        }  # fmt: skip
        reports = [{**report.as_dict(), **both(words)} for report, words in reported(shelter, at)]
        more = {"status": stated, "placed": feature["geometry"] is not None, "reports": reports}
        if said is not None and said.name == listed.name:
            more["facility_report"] = said.as_dict()
        if wanted.near is not None and shelter.lon is not None and shelter.lat is not None:
            more |= way(wanted.near, (shelter.lon, shelter.lat))
        yield {**feature, "properties": {**feature["properties"], **more}}


def way(start: tuple[float, float], end: tuple[float, float]) -> dict[str, Any]:
    """Return how far and in which direction a place lies in a straight line; streets may lead round.

    Parameters
    ----------
    start, end : tuple of float
        Longitude and latitude [degrees].

    Returns
    -------
    dict
        ``distance_m`` on the WGS 84 ellipsoid, ``bearing`` [degrees clockwise from north], ``direction``.
    """
    forward, _, distance = _GEOD.inv(*start, *end)
    bearing = round(forward % 360)
    return {
        "distance_m": round(distance),
        "bearing": bearing % 360,
        "direction": both(_COMPASS[round(bearing / 45) % 8]),
    }
