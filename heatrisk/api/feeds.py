"""The official alerts as feeds: Atom for readers, CAP 1.2 for the systems of others."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from heatrisk.api.alerts import MINUTE, told
from heatrisk.api.caching import json_answer
from heatrisk.api.params import LATEST
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import Service, service_of
from heatrisk.bulletin.feeds import Feed, atom, cap
from heatrisk.bulletin.official import known
from heatrisk.stored import StoredRun
from heatrisk.words import Words

ATOM_TYPE, CAP_TYPE = "application/atom+xml", "application/cap+xml"

DayQuery = Annotated[
    date | None,
    Query(description="Day in Japan; the first one with an alert if omitted", examples=["2025-08-05"]),
]


def _answers(media_type: str, what: str) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of an answer in XML."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}, "description": what}}


router = APIRouter(responses=PROBLEM_RESPONSE)


@router.get(
    "/feeds/alerts.atom",
    tags=["places"],
    summary="Official heat-stroke alerts as an Atom feed",
    responses=_answers(ATOM_TYPE, "Atom"),
    response_class=Response,
)
async def alerts_atom(request: Request) -> Response:
    """Today's alert and those of later days, each with a link to its CAP message.

    The subtitle tells what is known: an empty feed may mean that there is no alert, or that nothing is known.
    """
    service, run, feed = _feed(request)
    state = told(service, run, feed.at, feed.at)
    updated = max((alert.issued for alert in feed.alerts()), default=run.created)
    headers = {**service.headers(run, fixed=False), "Cache-Control": MINUTE}
    return json_answer(request, atom(feed, Words(**state["words"]), updated), headers, ATOM_TYPE)


@router.get(
    "/feeds/alerts.cap.xml",
    tags=["places"],
    summary="An official heat-stroke alert as a CAP 1.2 message",
    responses={
        **_answers(CAP_TYPE, "CAP 1.2"),
        204: {"description": "No alert is public; the header Heatrisk-Alert-State tells what is known"},
    },
    response_class=Response,
)
async def alerts_cap(request: Request, day: DayQuery = None) -> Response:
    """Pass the alert of a day on as it was issued; never a drill, never before its report time."""
    service, run, feed = _feed(request)
    headers = {**service.headers(run, fixed=False), "Cache-Control": MINUTE}
    found = next((alert for alert in feed.alerts() if day in (None, alert.day)), None)
    if found is None:
        state = str(told(service, run, feed.at, feed.at)["state"])
        return Response(status_code=204, headers={**headers, "Heatrisk-Alert-State": state})
    sender = f"heatrisk@{urlsplit(feed.base).hostname or 'localhost'}"
    return json_answer(request, cap(feed, found, sender), headers, CAP_TYPE)


def _feed(request: Request) -> tuple[Service, StoredRun, Feed]:
    service = service_of(request)
    run = service.store.open(LATEST)
    city = run.manifest["city"]
    at = service.clock().replace(second=0, microsecond=0)
    bulletin = known(run).bulletin
    return service, run, Feed(
        Words(**city["name"]), service.base(request), bulletin, at, bool(city.get("sample", False))
    )  # fmt: skip
