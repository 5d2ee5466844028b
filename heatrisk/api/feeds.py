"""Feeds: the official alerts and the morning's text for readers, alerts as CAP for the systems of others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from threading import Lock
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from heatrisk.api.alerts import MINUTE, told
from heatrisk.api.caching import json_answer
from heatrisk.api.params import LATEST
from heatrisk.api.problems import PROBLEM_RESPONSE
from heatrisk.api.service import Service, service_of
from heatrisk.bulletin import Known, Tongue, known
from heatrisk.bulletin.entries import Feed, Morning, known_since, morning
from heatrisk.bulletin.feeds import atom, cap, rss
from heatrisk.errors import HeatRiskError
from heatrisk.stored import StoredRun
from heatrisk.words import Words

ATOM_TYPE, RSS_TYPE, CAP_TYPE = "application/atom+xml", "application/rss+xml", "application/cap+xml"

#: Writes a feed: what it holds, what is known of alerts, when that became known, the language.
Writer = Callable[[Feed, Words, datetime, Tongue | None], bytes]

TongueQuery = Annotated[
    Tongue | None,
    Query(
        description="Language; Japanese and English if omitted. `ja-easy` is plain Japanese", examples=["ja"]
    ),
]

DayQuery = Annotated[
    date | None,
    Query(description="Day in Japan; the first one with an alert if omitted", examples=["2025-08-05"]),
]


def _answers(media_type: str, what: str) -> dict[int | str, dict[str, Any]]:
    """Return what the OpenAPI document says of an answer in XML."""
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}, "description": what}}


router = APIRouter(responses=PROBLEM_RESPONSE)

# The whole field is looked at for a text that stays the same until a newer run or newer alerts are known.
_ONE_AT_A_TIME = Lock()
_composed = lru_cache(maxsize=2)(morning)


@router.get(
    "/feeds/alerts.atom",
    tags=["places"],
    summary="Official heat-stroke alerts and the morning's text as an Atom feed",
    responses=_answers(ATOM_TYPE, "Atom"),
    response_class=Response,
)
def alerts_atom(request: Request, lang: TongueQuery = None) -> Response:
    """Today's alert and those of later days, each with a link to its CAP message, and the morning's text.

    The subtitle tells what is known: without an alert there may be none, or nothing may be known. The
    morning's text is that of the newest run, told from the city's time for it; it says when it was computed.
    """
    return _answer(request, lang, atom, ATOM_TYPE)


@router.get(
    "/feeds/alerts.rss",
    tags=["places"],
    summary="The same as an RSS feed",
    responses=_answers(RSS_TYPE, "RSS 2.0"),
    response_class=Response,
)
def alerts_rss(request: Request, lang: TongueQuery = None) -> Response:
    """Hold the entries of the Atom feed, for readers that know RSS 2.0 only."""
    return _answer(request, lang, rss, RSS_TYPE)


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
    service, run, alerts, feed = _feed(request)
    headers = {**service.headers(run, fixed=False), "Cache-Control": MINUTE}
    found = next((alert for alert in feed.alerts() if day in (None, alert.day)), None)
    if found is None:
        state = str(told(service, run, alerts, feed.at, feed.at)["state"])
        return Response(status_code=204, headers={**headers, "Heatrisk-Alert-State": state})
    sender = f"heatrisk@{urlsplit(feed.base).hostname or 'localhost'}"
    return json_answer(request, cap(feed, found, sender), headers, CAP_TYPE)


def _answer(request: Request, lang: Tongue | None, written: Writer, media_type: str) -> Response:
    service, run, alerts, feed = _feed(request)
    with suppress(HeatRiskError):  # a run whose fields cannot be read hides no alert
        feed = feed._replace(morning=_morning(run, alerts, service.clock()))
    state = told(service, run, alerts, feed.at, feed.at)
    headers = {**service.headers(run, fixed=False), "Cache-Control": MINUTE}
    body = written(feed, Words(**state["words"]), alerts.read, lang)
    return json_answer(request, body, headers, media_type)


def _morning(run: StoredRun, alerts: Known, at: datetime) -> Morning | None:
    since = known_since(run, alerts, at)
    if since is None:
        return None
    with _ONE_AT_A_TIME:
        return _composed(run, alerts, since)


def _feed(request: Request) -> tuple[Service, StoredRun, Known, Feed]:
    service = service_of(request)
    run = service.store.open(LATEST)
    alerts, city = known(run, service.store), run.manifest["city"]
    at = service.clock().replace(second=0, microsecond=0)
    sample = bool(city.get("sample", False))
    feed = Feed(Words(**city["name"]), service.base(request), alerts.bulletin, at, sample)
    return service, run, alerts, feed
