"""What the service takes in: a facility's report, with its own token, within limits, and nothing else."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from heatrisk.api import Settings, create_app
from heatrisk.reports import Reports
from heatrisk.reports.tables import FILE
from tests import postgres
from tests.client import Client, is_problem
from tests.small_run import NOON, write_small_run

#: 14:10 JST. The hall's published hours are unknown, the library is open until 20:00.
LIBRARY, HALL = "1", "3"


@dataclass
class Service:
    """A served store with a clock that the test turns, and the tokens of two facilities."""

    root: Path
    app: FastAPI
    client: Client
    tokens: dict[str, str]
    clock: datetime = NOON

    def put(self, shelter: str, body: Any, token: str | None = None, **headers: str) -> httpx.Response:
        """Report, with the facility's own token unless another is given."""
        bearer = self.tokens[shelter] if token is None else token
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {bearer}", **headers}
        return self.client.request("PUT", f"/shelters/{shelter}/status", content=content, headers=sent)

    def shelter(self, identifier: str, **query: Any) -> dict[str, Any]:
        """Return the properties of a shelter as everybody sees them."""
        found = self.client.get("/shelters", params=query).json()["features"]
        return dict(next(row["properties"] for row in found if row["id"] == identifier))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the run of which every test gets a copy."""
    root = tmp_path_factory.mktemp("written") / "store"
    write_small_run(root)
    return root


@pytest.fixture
def root(tmp_path: Path, written: Path) -> Path:
    """Return a store of its own with one run."""
    return Path(shutil.copytree(written, tmp_path / "store", symlinks=True))


@pytest.fixture
def service(root: Path) -> Iterator[Service]:
    reports = Reports(root, "")
    tokens = {LIBRARY: reports.issue(LIBRARY, "中央図書館", NOON), HALL: reports.issue(HALL, "集会所", NOON)}
    reports.close()
    app = create_app(root, Settings(), clock=lambda: found.clock)
    found = Service(root, app, Client(app), tokens)
    yield found
    app.state.reports.close()


def test_a_report_is_told_at_once_with_its_age_and_gone_when_it_expires(service: Service) -> None:
    assert service.shelter(HALL)["status"]["state"] == "unknown"
    answer = service.put(HALL, {"state": "full", "broken": ["water"], "note": "裏口へ", "minutes": 60})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json()["report"] == {
        "state": "full", "broken": ["water"], "note": "裏口へ",
        "received": "2025-08-05T05:10:00.000Z", "expires": "2025-08-05T06:10:00.000Z",
    }  # fmt: skip
    service.clock += timedelta(minutes=7)
    told = service.shelter(HALL)
    assert told["status"]["state"] == "open"
    assert told["status"]["reason"]["ja"] == "施設からの報告：満員です（14:10 現在、7分前）"
    assert told["facility_report"]["note"] == "裏口へ"
    # The list's own report of crowding is older, and stands back.
    assert [(row["about"], row["state"]) for row in told["reports"]] == [
        ("congestion", "full"),
        ("water", "broken"),
    ]
    assert service.client.get(f"/shelters/{HALL}/status").json()["report"]["state"] == "full"
    service.clock += timedelta(minutes=53)
    assert service.shelter(HALL)["status"]["state"] == "unknown"
    assert "facility_report" not in service.shelter(HALL)
    assert service.client.get(f"/shelters/{HALL}/status").json()["report"] is None


def test_a_closed_facility_is_not_among_the_open_ones(service: Service) -> None:
    def open_ones() -> list[str]:
        answer = service.client.get("/shelters", params={"state": "open"})
        return [row["id"] for row in answer.json()["features"]]

    assert open_ones() == [LIBRARY]
    assert service.put(LIBRARY, {"state": "closed"}).status_code == 200
    assert open_ones() == []
    assert service.client.get(f"/shelters/{LIBRARY}/status").json()["status"]["state"] == "closed"


def test_an_instant_of_the_past_stays_as_it_was(service: Service) -> None:
    run = service.client.get("/runs").json()["latest"]
    asked = {"run": run, "at": "2025-08-05T14:10:30"}
    service.clock += timedelta(minutes=1)
    answer = service.client.get("/shelters", params=asked)
    assert "immutable" not in answer.headers["cache-control"], "a report of that minute may be on its way"
    service.put(LIBRARY, {"state": "full"})
    service.clock += timedelta(minutes=5)
    answer = service.client.get("/shelters", params=asked)
    assert "immutable" in answer.headers["cache-control"] and "facility_report" not in answer.text
    answer = service.client.get("/shelters", params={**asked, "at": "2025-08-05T14:12"})
    assert "facility_report" in answer.text


def test_without_the_facility_s_own_token_nothing_is_taken(service: Service) -> None:
    nobody = service.client.request("PUT", f"/shelters/{HALL}/status", content=b'{"state": "open"}')
    assert is_problem(nobody, 401, "token-needed") and nobody.headers["www-authenticate"].startswith("Bearer")
    number, secret = service.tokens[HALL].split(".")
    wrong = (
        "x", "1.x", f"{number}.", f"{number}.{secret[:-1]}", f"{number}.{secret}x", f"9{number}.{secret}",
        f"{number}' OR '1'='1.{secret}", f"{number}.' OR 1=1 --",
    )  # fmt: skip
    for token in wrong:
        is_problem(service.put(HALL, {"state": "open"}, token), 401, "token-needed")
    for scheme in ("Basic", "Token", ""):
        headers = {"Authorization": f"{scheme} {service.tokens[HALL]}".strip()}
        answer = service.client.request("PUT", f"/shelters/{HALL}/status", content=b"{}", headers=headers)
        is_problem(answer, 401, "token-needed")
    is_problem(service.put(HALL, {"state": "open"}, service.tokens[LIBRARY]), 403, "token-of-another")
    assert list(Reports(service.root, "").trail()) == []
    Reports(service.root, "").withdraw(HALL, NOON)
    is_problem(service.put(HALL, {"state": "open"}), 401, "token-needed")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"state": "open"', b"{}",
        {"state": "ajar"}, {"state": None}, {"state": "open", "broken": ["sauna"]},
        {"state": "open", "broken": "water"}, {"state": "open", "broken": ["water"] * 7},
        {"state": "open", "minutes": 4}, {"state": "open", "minutes": 1441},
        {"state": "open", "minutes": "60"}, {"state": "open", "minutes": 1e99},
        {"state": "open", "note": "x" * 201}, {"state": "open", "note": "a\nb"},
        {"state": "open", "note": "\u202e"}, {"state": "open", "note": "\0"},
        {"state": "open", "key": "short"}, {"state": "open", "key": "' OR 1=1 --"},
        {"state": "open", "shelter": "1"}, {"state": "open", "received": "2020-01-01T00:00:00Z"},
        b'{"state": "open", "note": "\\ud800"}', b'{"state": "open", "minutes": NaN}',
        b'{"state":' + b"[" * 2000 + b"]" * 1000,
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_and_not_kept(service: Service, body: Any) -> None:
    told = is_problem(service.put(HALL, body), 422, "invalid-parameter")
    japanese = told["ja"]["detail"]
    assert re.match(r"[\w.]+ (の指定が正しくありません|がありません)", japanese)
    assert not re.search("should|valid|not permitted|characters", japanese)
    assert list(Reports(service.root, "").trail()) == []


def test_a_body_that_is_too_large_is_not_read_to_its_end(service: Service) -> None:
    is_problem(service.put(HALL, {"state": "open", "note": "x" * 5000}), 413, "too-large")
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 1000:
            sent += 1
            yield b" " * 1000

    headers = {"Authorization": f"Bearer {service.tokens[HALL]}"}
    answer = service.client.request("PUT", f"/shelters/{HALL}/status", content=endless(), headers=headers)
    is_problem(answer, 413, "too-large")
    assert sent <= 6


def test_a_body_that_does_not_come_is_not_waited_for(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heatrisk.api.bodies.PATIENCE", 0.05)

    async def dripped() -> Any:
        while True:
            await asyncio.sleep(0.01)
            yield b" "

    headers = {"Authorization": f"Bearer {service.tokens[HALL]}"}
    answer = service.client.request("PUT", f"/shelters/{HALL}/status", content=dripped(), headers=headers)
    is_problem(answer, 408, "not-served")


def test_text_is_kept_as_text_whatever_it_says(service: Service) -> None:
    note = "'); DROP TABLE facility_reports; -- <script>alert(1)</script> {{7*7}} %s"
    assert service.put(HALL, {"state": "open", "note": note}).json()["report"]["note"] == note
    assert service.shelter(HALL)["facility_report"]["note"] == note


@pytest.mark.parametrize(
    "path",
    [
        "/shelters/../status", "/shelters/..%2F..%2Fetc%2Fpasswd/status", "/shelters/%00/status",
        "/shelters//status", "/shelters/1%27%20OR%201=1/status", "/shelters/reports.sqlite/status",
        f"/static/{FILE}", f"/{FILE}", f"/static/..%2F{FILE}", f"/staff/..%2F..%2F{FILE}/x",
        f"/runs/..%2F..%2F{FILE}", "/shelters/x/status",
    ],
)  # fmt: skip
def test_no_path_leads_to_the_file_or_to_another_shelter(service: Service, path: str) -> None:
    answer = service.client.get(path)
    assert b"SQLite" not in answer.content
    assert answer.status_code in (400, 404) or path.startswith("/staff/")
    put = service.client.request(
        "PUT",
        path,
        content=b'{"state":"open"}',
        headers={"Authorization": f"Bearer {service.tokens[LIBRARY]}"},
    )
    assert put.status_code in (400, 403, 404, 405)
    assert list(Reports(service.root, "").trail()) == []


def test_a_replayed_request_changes_nothing(service: Service) -> None:
    first = {"state": "full", "key": "0123456789abcdef"}
    service.put(HALL, first)
    service.clock += timedelta(minutes=1)
    service.put(HALL, {"state": "open", "key": "fedcba9876543210"})
    service.clock += timedelta(minutes=1)
    assert service.put(HALL, first).status_code == 200
    assert service.shelter(HALL)["facility_report"]["state"] == "open"
    is_problem(service.put(HALL, {**first, "state": "closed"}), 400, "invalid-request")


def test_too_many_reports_are_told_to_wait(service: Service) -> None:
    for _ in range(30):
        assert service.put(HALL, {"state": "open"}).status_code == 200
    answer = service.put(HALL, {"state": "open"})
    is_problem(answer, 429, "too-often")
    assert answer.headers["retry-after"] == "60"
    assert service.put(LIBRARY, {"state": "open"}).status_code == 200, "others may still report"


def test_a_list_that_has_changed_ends_the_token(service: Service) -> None:
    service.put(LIBRARY, {"state": "full"})
    listed = next((service.root / "runs").glob("*/shelters.geojson"))
    listed.write_text(listed.read_text("utf-8").replace("中央図書館", "別の館"), "utf-8")
    renewed = Client(create_app(service.root, Settings(), clock=lambda: NOON))
    assert renewed.get("/shelters").json()["features"][0]["properties"].get("facility_report") is None
    headers = {"Authorization": f"Bearer {service.tokens[LIBRARY]}"}
    answer = renewed.request(
        "PUT", f"/shelters/{LIBRARY}/status", content=b'{"state": "open"}', headers=headers
    )
    is_problem(answer, 403, "token-of-another")


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_there_is_no_other_way_to_write(service: Service, method: str) -> None:
    answer = service.client.request(method, f"/shelters/{HALL}/status", content=b'{"state": "open"}')
    is_problem(answer, 405, "not-served")
    taking = {
        (path, verb)
        for path, methods in service.client.get("/openapi.json").json()["paths"].items()
        for verb in methods
        if verb not in ("get", "head", "options")
    }
    # What is posted to /area is a question; it changes nothing.
    assert {row for row in taking if row[1] != "post"} == {("/shelters/{shelter}/status", "put")}


def test_of_a_thousand_reports_at_once_none_is_lost(root: Path) -> None:
    """Through the service itself; the databases alone are tried in test_reports."""
    reports = Reports(root, "")
    tokens = [reports.issue(LIBRARY, "中央図書館", NOON) for _ in range(40)]
    app = create_app(root, Settings(), clock=lambda: NOON)

    async def all_at_once() -> list[int]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:

            async def one(number: int) -> int:
                body = json.dumps({"state": "busy", "note": f"{number}"})
                headers = {"Authorization": f"Bearer {tokens[number % 40]}"}
                answer = await client.put(f"/shelters/{LIBRARY}/status", content=body, headers=headers)
                return answer.status_code

            return await asyncio.gather(*map(one, range(1000)))

    assert set(asyncio.run(all_at_once())) == {200}
    assert sorted(int(entry.said.note) for entry in reports.trail()) == list(range(1000))
    reports.close()
    app.state.reports.close()


def test_a_database_that_is_down_leaves_the_shelters_served(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if (why := postgres.lacking()) is not None and "psycopg" in why:
        pytest.skip(why)
    monkeypatch.setenv("HEATRISK_DATABASE_URL", "postgresql://heat:geheim@127.0.0.1:1/heat")
    client = Client(create_app(root, Settings(), clock=lambda: NOON))
    body = client.get("/shelters").json()
    assert len(body["features"]) == 3 and body["facility_reports"] == "unavailable"
    answer = client.request(
        "PUT", "/shelters/1/status", content=b"{}", headers={"Authorization": "Bearer 1.x"}
    )
    is_problem(answer, 503, "store-unreadable")
    assert "geheim" not in answer.text
