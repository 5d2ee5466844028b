"""What facilities report of themselves, and the page on which they do: all that the service takes in.

A report needs the token of its facility, in the header ``Authorization``; the page keeps it in the fragment
of its address, which browsers send to nobody.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from heatrisk.api.alerts import level
from heatrisk.api.answers import both
from heatrisk.api.bodies import limited
from heatrisk.api.caching import dumps
from heatrisk.api.pages import assets, policy
from heatrisk.api.params import LATEST, utc
from heatrisk.api.problems import PROBLEM_RESPONSE, UnknownShelterError
from heatrisk.api.service import reports_of, service_of
from heatrisk.api.shelters import Equipment
from heatrisk.bulletin import official
from heatrisk.errors import ForeignTokenError, InputError, TokenError
from heatrisk.reports import DEFAULT_MINUTES, LONGEST_MINUTES, Condition, Live, Said, standing
from heatrisk.shelters import Shelter, from_geojson, status
from heatrisk.stored import StoredRun
from heatrisk.words import Words

MOST_BYTES = 4096
_FRESH = {"Cache-Control": "no-store"}

router = APIRouter(responses=PROBLEM_RESPONSE)

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(
        HTTPBearer(
            auto_error=False,
            scheme_name="facility",
            description="The facility's token, made by `heatrisk token`.",
        )
    ),
]
ShelterPath = Annotated[
    str, Path(max_length=200, description="Identifier of a shelter, as `/shelters` lists it", examples=["1"])
]


class FacilityReport(BaseModel):
    """What a facility says of itself; it replaces what it said before."""

    model_config = ConfigDict(extra="forbid", strict=True)

    state: Condition = Field(description="`open` means open, with room for more")
    broken: list[Equipment] = Field(default=[], max_length=6, description="Equipment that is out of order")
    note: str = Field(default="", max_length=200, description="Remark for visitors, on one line")
    minutes: int = Field(
        default=DEFAULT_MINUTES, ge=5, le=LONGEST_MINUTES, description="How long it holds [min]"
    )
    key: str | None = Field(
        default=None,
        pattern="^[A-Za-z0-9-]{8,64}$",
        description="Made up by the sender for this report: sent again, it is not made twice",
    )

    @field_validator("note")
    @classmethod
    def _on_one_line(cls, value: str) -> str:
        if any(
            unicodedata.category(character)[0] in "CZ" and character not in " \u3000" for character in value
        ):
            raise InputError(
                Words("制御文字や改行のない文字列", "a text without control characters and line breaks")
            )
        return value.strip()

    def said(self) -> Said:
        """Return it as the room of reports takes it."""
        return Said(self.state, tuple(dict.fromkeys(self.broken)), self.note, self.minutes, self.key)


_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": FacilityReport.model_json_schema()}},
    }
}


@router.put(
    "/shelters/{shelter:path}/status",
    tags=["places"],
    summary="A facility reports how it stands",
    openapi_extra=_BODY,
)
async def report(request: Request, shelter: ShelterPath, token: Bearer) -> Response:
    """Keep a report: open or closed, how full, what is out of order, and for how long that holds.

    `/shelters` tells it at once, with its age. Nothing is overwritten: earlier reports stay on record.
    """
    reports = reports_of(request)
    if token is None:
        raise TokenError(Words("トークンが必要です", "a token is needed"))
    holder = await run_in_threadpool(reports.holder, token.credentials, shelter)
    run = service_of(request).store.open(LATEST)
    found = _shelter(run, shelter)
    if found is None or found.name != holder.name:
        raise ForeignTokenError(
            Words(
                "施設一覧が変わり、トークンの施設と一致しません",
                "the list has changed: this is no longer the facility that the token was made for",
            ),
            remedy=Words("トークンを作り直してください。", "Have a new token made."),
        )
    body = await limited(request, MOST_BYTES)
    try:
        said = FacilityReport.model_validate_json(body).said()
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_input=False)) from None
    now = service_of(request).clock()
    live = await run_in_threadpool(reports.record, holder, said, now)
    return Response(
        dumps(_told(request, run, found, live, now)), headers=_FRESH, media_type="application/json"
    )


@router.get("/shelters/{shelter:path}/status", tags=["places"], summary="How a facility stands")
async def stands(request: Request, shelter: ShelterPath) -> Response:
    """Its newest report, or null where there is none that still holds."""
    run = service_of(request).store.open(LATEST)
    found = _shelter(run, shelter)
    if found is None:
        raise UnknownShelterError(Words("その施設はありません", "there is no such shelter"))
    now = service_of(request).clock()
    live = await run_in_threadpool(reports_of(request).told, now)
    body = _told(request, run, found, (live or {}).get(shelter), now)
    return Response(dumps(body), headers=_FRESH, media_type="application/json")


@router.get("/staff/{shelter:path}", include_in_schema=False)
async def staff(request: Request, shelter: ShelterPath) -> Response:
    """Serve the form on which a facility reports; it is the same for all of them."""
    headers = {"Content-Security-Policy": policy(), "X-Robots-Tag": "noindex"}
    return assets()["staff.html"].response(request, headers)


def _shelter(run: StoredRun, identifier: str) -> Shelter | None:
    found = [feature for feature in run.shelters["features"] if feature["id"] == identifier]
    return from_geojson({"features": found})[0] if found else None


def _told(
    request: Request, run: StoredRun, shelter: Shelter, live: Live | None, at: datetime
) -> dict[str, Any]:
    alert = level(official.known(run, service_of(request).store), at, at)
    stated = standing(shelter, status(shelter, at, alert), live, at)
    return {
        "id": shelter.id,
        "name": shelter.name,
        "equipment": list(shelter.equipment),
        "at": utc(at),
        "status": {"state": stated.state, "reason": both(stated.reason)},
        "report": live.as_dict() if live is not None and live.name == shelter.name else None,
    }
