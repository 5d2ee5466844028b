"""Errors as RFC 9457 problem details: one table from error to status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from heatrisk.api.middleware import ALLOW, MAX_URL, OPEN
from heatrisk.complaints import brief, wanted
from heatrisk.errors import (
    ForeignTokenError,
    HeatRiskError,
    InputError,
    LayerNotFoundError,
    RunNotFoundError,
    StoreError,
    TileNotFoundError,
    TokenError,
    TooOftenError,
)
from heatrisk.place import exchanged, swapped
from heatrisk.words import Words

MEDIA_TYPE = "application/problem+json"

#: What the OpenAPI document says of the answers that are problems.
_DOCUMENTED: dict[str, Any] = {
    "description": "A problem (RFC 9457)",
    "content": {
        MEDIA_TYPE: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "ja"],
                "properties": {
                    "type": {"type": "string"},
                    "title": {"type": "string"},
                    "status": {"type": "integer"},
                    "detail": {"type": "string"},
                    "ja": {
                        "type": "object",
                        "properties": {"title": {"type": "string"}, "detail": {"type": "string"}},
                    },
                    "valid_times": {"type": "array", "items": {"type": "string"}},
                },
            }
        }
    },
}
PROBLEM_RESPONSE: dict[int | str, dict[str, Any]] = {422: _DOCUMENTED, "default": _DOCUMENTED}


class TimeNotFoundError(InputError):
    """A time parameter that names no step of the run.

    Parameters
    ----------
    what : str or Words
        What is wrong.
    valid_times : tuple of str
        Times that would have been answered, ISO 8601.
    **details
        As for :class:`heatrisk.errors.HeatRiskError`.
    """

    def __init__(
        self, what: str | Words, *, valid_times: tuple[str, ...] = (), **details: str | Words | None
    ) -> None:
        super().__init__(what, **details)  # type: ignore[arg-type]
        self.valid_times = valid_times


class OutsideError(InputError):
    """A place outside the area that the run covers."""


class TooLargeError(InputError):
    """A request that asks for more than one answer may cost."""


class AddressError(InputError):
    """An address longer than the service reads."""


class UnknownShelterError(InputError):
    """A shelter that is not in the list of the newest run."""


class NotReadyError(StoreError):
    """There is no run to serve yet."""


class Problem(NamedTuple):
    """How one kind of error is answered.

    Parameters
    ----------
    status : int
        HTTP status code.
    slug : str
        Anchor on the documentation page, the problem's ``type``.
    title : Words
        The kind of problem, the same at each occurrence.
    """

    status: int
    slug: str
    title: Words


#: First match wins, so the more special error stands above the more general one.
PROBLEMS: dict[type[Exception], Problem] = {
    RunNotFoundError: Problem(404, "run-not-found", Words("計算結果が見つかりません", "No such run")),
    LayerNotFoundError: Problem(404, "layer-not-found", Words("その地図の種類はありません", "No such layer")),
    TileNotFoundError: Problem(404, "tile-not-found", Words("その画像はありません", "No such tile")),
    OutsideError: Problem(404, "outside", Words("対象の範囲の外です", "Outside the area")),
    UnknownShelterError: Problem(404, "shelter-not-found", Words("その施設はありません", "No such shelter")),
    TokenError: Problem(401, "token-needed", Words("正しいトークンが必要です", "A valid token is needed")),
    ForeignTokenError: Problem(403, "token-of-another", Words("別の施設のトークンです", "Another's token")),
    TooOftenError: Problem(429, "too-often", Words("回数が多すぎます", "Too many requests")),
    NotReadyError: Problem(503, "not-ready", Words("まだ計算結果がありません", "No run to serve yet")),
    TooLargeError: Problem(413, "too-large", Words("指定が大きすぎます", "Too much for one request")),
    AddressError: Problem(414, "address-too-long", Words("URL が長すぎます", "The address is too long")),
    TimeNotFoundError: Problem(400, "time-not-found", Words("その時刻はありません", "No such time")),
    RequestValidationError: Problem(422, "invalid-parameter", Words("指定の誤りです", "Invalid parameter")),
    InputError: Problem(400, "invalid-request", Words("指定が正しくありません", "Invalid request")),
    StoreError: Problem(
        503, "store-unreadable", Words("計算結果を読み出せません", "The store cannot be read")
    ),
    HTTPException: Problem(404, "not-served", Words("要求に応じられません", "The request cannot be served")),
    Exception: Problem(500, "internal", Words("サーバーの内部エラーです", "Internal error")),
}  # fmt: skip

#: What goes with the answer to an error (RFC 9110).
_HEADERS: dict[type[Exception], dict[str, str]] = {
    TokenError: {"WWW-Authenticate": 'Bearer realm="heatrisk"'},
    TooOftenError: {"Retry-After": "60"},
}

#: Why a request did not reach a route, or not whole, by status.
_REFUSED = {
    404: Words("この URL で提供しているものはありません", "nothing is served at this address"),
    405: Words("この URL ではその操作を受け付けません", "this address does not take that method"),
    408: Words("データが時間内に届きませんでした", "the body did not arrive in time"),
}
_LISTED = Words("提供している URL は /docs にあります", "All addresses are listed at /docs.")
#: Addresses of the same kind that are named to somebody who asked for one that is not served.
_MOST_FORMS = 2


async def answer(request: Request, error: Exception) -> Response:
    """Turn any error into a problem that nobody caches."""
    problem = next(row for kind, row in PROBLEMS.items() if isinstance(error, kind))
    if isinstance(error, HTTPException) and error.status_code == 404:
        # Unknown addresses are compared with it; other requests need not wait until it is made, once.
        await run_in_threadpool(request.app.openapi)
    detail, members, headers = _told(error, request)
    if isinstance(error, HTTPException):
        problem = problem._replace(status=error.status_code)
    body = {
        "type": f"{request.scope.get('root_path', '')}/docs#{problem.slug}",
        "title": problem.title.en,
        "status": problem.status,
        "detail": detail.en,
        "ja": {"title": problem.title.ja, "detail": detail.ja},
        **members,
    }
    stated = {"Cache-Control": "no-store", **headers}
    return Response(json.dumps(body, ensure_ascii=False), problem.status, stated, MEDIA_TYPE)


async def too_long(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, as an ASGI application, that an address is too long."""
    error = AddressError(
        Words("URL が長すぎます", "the address is too long"),
        expected=Words(f"{MAX_URL} バイト以下", f"≤ {MAX_URL} bytes"),
        remedy=Words("範囲は POST /area で送ってください。", "Send areas by POST /area."),
    )
    response = await answer(Request(scope), error)
    await response(scope, receive, send)


def _told(error: Exception, request: Request) -> tuple[Words, dict[str, Any], dict[str, str]]:
    """Return what may be told about an error: detail, extension members, headers."""
    if isinstance(error, TimeNotFoundError):
        return _detail(error), {"valid_times": list(error.valid_times)}, {}
    if isinstance(error, InputError | StoreError):
        return _detail(error), {}, _HEADERS.get(type(error), {})
    if isinstance(error, RequestValidationError):
        errors = [{"in": _place(row), "what": row["msg"], "ja": wanted(row).ja} for row in error.errors()]
        return _invalid(error, request), {"errors": errors}, {}
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        # Routes know GET, some POST or PUT; the door adds the rest.
        more = "".join(f", {method}" for method in ("POST", "PUT") if method in headers.get("Allow", ""))
        allow = {"Allow": ALLOW + more} if "Allow" in headers else {}
        return _refused(error, request, allow.get("Allow")), {}, {**headers, **allow}
    # Answers to unforeseen errors leave outside every middleware, so the open door is stated here.
    return Words("サーバーの記録を確認してください。", "See the log of the server."), {}, OPEN


def _detail(error: InputError | StoreError) -> Words:
    """Return what an error says, without the place on this machine where it happened."""
    told = HeatRiskError(error.what, expected=error.expected, got=error.got, remedy=error.remedy)
    return Words(told.text("ja"), told.text("en"))


def _place(row: Mapping[str, Any]) -> str:
    return ".".join(map(str, row["loc"])) or "body"


def _invalid(error: RequestValidationError, request: Request) -> Words:
    """Return which parameters are wrong, what they should be, and what may have been meant."""
    told = [_detail(_wrong(row)) for row in error.errors()]
    hint = _exchanged(request.query_params)
    ja, en = "; ".join(one.ja for one in told), "; ".join(one.en for one in told)
    return Words(ja, en) if hint is None else Words(f"{ja}。{hint.ja}", f"{en}. {hint.en}")


def _wrong(row: Mapping[str, Any]) -> InputError:
    place = _place(row)
    if row["type"] == "missing":
        return InputError(Words(f"{place} がありません", f"{place} is missing"))
    return InputError(
        Words(f"{place} の指定が正しくありません", f"{place} is not valid"),
        expected=wanted(row),
        got=brief(row["input"]) if "input" in row else None,
    )


def _exchanged(query: Mapping[str, str]) -> Words | None:
    """Return the hint that longitude and latitude are swapped, where each would do for the other."""
    try:
        lon, lat = float(query["lon"]), float(query["lat"])
    except (KeyError, ValueError):
        return None
    return exchanged(f"lon={lat:g}, lat={lon:g}") if swapped(lon, lat) else None


def _refused(error: HTTPException, request: Request, allowed: str | None) -> Words:
    """Return why the framework did not pass a request on."""
    status, path = error.status_code, request.scope["path"]
    return _detail(
        InputError(
            _REFUSED.get(status, Words("要求に応じられません", str(error.detail))),
            expected=allowed if status == 405 else _alike(request, path) if status == 404 else None,
            got=path[:120] if status == 404 else request.method if status == 405 else None,
            remedy=_LISTED if status in (404, 405) else None,
        )
    )


def _alike(request: Request, path: str) -> str | None:
    """Return the documented addresses of the same kind as one that is not served, the most alike first."""
    kind, _, rest = path.lstrip("/").partition("/")
    forms = [form for form in request.app.openapi()["paths"] if form.split("/")[1] == kind]
    forms.sort(key=lambda form: abs(form.count("/") - 2 - rest.count("/")))
    return ", ".join(forms[:_MOST_FORMS]) or None


def install(app: FastAPI) -> None:
    """Make an application answer every error as a problem."""
    for kind in PROBLEMS:
        app.add_exception_handler(kind, answer)
