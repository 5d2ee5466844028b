"""Official alerts as the service tells them: gated by report time and clock, drills never."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from heatrisk.alerts import AlertBulletin, Status, in_season, to_dict
from heatrisk.api import Settings, create_app
from heatrisk.words import JST
from tests.client import Client, is_problem
from tests.small_run import RUN, write_small_run

FIRST, SECOND = date(2025, 8, 5), date(2025, 8, 6)


def at(hour: int, minute: int = 0, day: int = 5) -> datetime:
    return datetime(2025, 8, day, hour, minute, tzinfo=JST)


def bulletin(hour: int, today: int, tomorrow: int, status: Status = "normal") -> AlertBulletin:
    return AlertBulletin("130000", "東京都", at(hour), at(hour), status, ((FIRST, today), (SECOND, tomorrow)))


def served(root: Path, clock: datetime, *bulletins: AlertBulletin, **changes: Any) -> Client:
    """Serve a run that holds some bulletins, the newest last."""
    documents = {}
    if bulletins:
        *earlier, newest = bulletins
        known = replace(newest, earlier=tuple(reversed(earlier)))
        documents["alerts.json"] = json.dumps(to_dict(known), ensure_ascii=False)
    write_small_run(root, documents=documents, **changes)
    return Client(create_app(root, Settings(), clock=lambda: clock))


def city(**config: Any) -> dict[str, Any]:
    return {"name": {"ja": "三鷹市", "en": "Mitaka"}, "config": config}


def test_an_alert_is_told_with_its_day_and_report_time(tmp_path: Path) -> None:
    client = served(tmp_path, at(17, 30), bulletin(5, 1, 9), bulletin(17, 1, 1), city=city())
    answer = client.get("/alerts")
    body = answer.json()
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert (body["run"], body["state"], body["reported"]) == (RUN, "alert", "2025-08-05T08:00:00Z")
    assert body["area"] == {"id": "130000", "name": "東京都"}
    assert body["words"]["ja"] == "東京都：8月5日の熱中症警戒情報（熱中症警戒アラート）が発表されています"
    assert [(row["date"], row["day"], row["flag"], row["issued"]) for row in body["days"]] == [
        ("2025-08-05", "today", 1, "2025-08-04T20:00:00Z"),
        ("2025-08-06", "tomorrow", 1, "2025-08-05T08:00:00Z"),
    ]
    assert body["attribution"]["ja"] == "出典：環境省 熱中症予防情報サイト"
    assert client.get("/alerts?lang=en").json()["words"].endswith("heat-stroke alert for 2025-08-05")


def test_a_special_alert_and_none_are_told(tmp_path: Path) -> None:
    client = served(tmp_path, at(15), bulletin(5, 0, 9), bulletin(14, 0, 3))
    body = client.get("/alerts").json()
    assert (body["state"], [row["level"] for row in body["days"]]) == ("none", ["none", "special"])
    assert body["attribution"] is None, "the run is invented, and nobody's publication"
    assert client.get("/alerts?at=2025-08-06T09:00").json()["state"] == "special"


def test_nothing_is_told_before_its_report_time_whatever_instant_is_asked(tmp_path: Path) -> None:
    client = served(tmp_path, at(16, 59), bulletin(5, 0, 9), bulletin(17, 3, 3))
    for asked in ("now", "2025-08-05T16:30", "2025-08-05T17:30", "2025-08-06T12:00", "2027-01-01T00:00"):
        answer = client.get("/alerts", params={"at": asked})
        assert "special" not in answer.text, asked
        assert answer.json()["reported"] == "2025-08-04T20:00:00Z"
    # An instant that has passed is told as it was then.
    late = served(tmp_path / "late", at(18), bulletin(5, 0, 9), bulletin(17, 3, 3))
    assert late.get("/alerts?at=2025-08-05T16:59").json()["state"] == "none"
    assert late.get("/alerts").json()["state"] == "special"


@pytest.mark.parametrize("status", ["drill", "test"])
def test_drills_are_never_told_by_any_route(tmp_path: Path, status: Status) -> None:
    client = served(tmp_path, at(18), bulletin(17, 3, 3, status))
    body = client.get("/alerts").json()
    assert (body["state"], body["reported"], body["area"]) == ("unknown", None, None)
    assert [row["level"] for row in body["days"]] == ["unknown"]
    paths = [path for path in client.get("/openapi.json").json()["paths"] if "{" not in path]
    for path in (*paths, "/runs/latest"):
        text = client.get(path).text
        assert "特別警戒情報" not in text or path in ("/openapi.json",), path
        assert '"drill"' not in text and '"test"' not in text, path
    for name in (
        "/runs/latest/alerts.json",
        "/static/alerts.json",
        f"/runs/{RUN}/alerts.json",
        "/alerts.json",
    ):
        assert client.get(name).status_code == 404


def test_absence_is_told_as_what_it_is(tmp_path: Path) -> None:
    def state(name: str, clock: datetime, *bulletins: AlertBulletin, **changes: Any) -> dict[str, Any]:
        return dict(served(tmp_path / name, clock, *bulletins, **changes).get("/alerts").json())

    alerts = city(alerts={"area": "130000"})
    assert state("a", at(12))["state"] == "not_configured"
    lacking = state("b", at(12), city=alerts)
    assert (lacking["state"], lacking["since"]) == ("unavailable", "2025-08-04T19:30:00Z")
    assert "8月5日 04:30" in lacking["words"]["ja"]
    assert state("c", at(12, day=8), bulletin(17, 1, 1))["state"] == "unknown", (
        "the bulletin is of other days"
    )
    winter = state("d", datetime(2025, 12, 1, tzinfo=JST), city=alerts)
    assert (winter["state"], winter["days"]) == ("out_of_season", [])
    assert "4月下旬から10月下旬" in winter["words"]["ja"]


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"area": 1}', '{"earlier": [null]}'])
def test_a_damaged_record_is_not_to_be_had(tmp_path: Path, text: str) -> None:
    write_small_run(tmp_path, documents={"alerts.json": text})
    body = Client(create_app(tmp_path, clock=lambda: at(12))).get("/alerts").json()
    assert (body["state"], body["days"]) == ("unavailable", [])


def test_the_season_runs_from_the_fourth_wednesday_of_april_to_that_of_october() -> None:
    # 環境省: 令和7年度は4月23日(水)から10月22日(水)まで.
    for day, inside in ((22, False), (23, True)):
        assert in_season(date(2025, 4, day)) is inside
    for day, inside in ((22, True), (23, False)):
        assert in_season(date(2025, 10, day)) is inside


def test_an_instant_that_is_none_is_a_problem(tmp_path: Path) -> None:
    is_problem(served(tmp_path, at(12)).get("/alerts?at=noon"), 400, "time-not-found")


@pytest.mark.parametrize(
    "clock, asked, state",
    [
        (at(12), at(10), "open"),  # announced at 05:00 and in force
        (at(4), at(10), "unknown"),  # not announced yet
        (at(12), at(22), "closed"),  # after hours, alert or not
        (at(12), at(10, day=7), "unknown"),  # of that day nothing is known
    ],
)
def test_a_shelter_that_waits_for_the_alert_opens_with_it(
    tmp_path: Path, clock: datetime, asked: datetime, state: str
) -> None:
    client = served(tmp_path, clock, bulletin(5, 1, 0))
    listed = tmp_path / "runs" / RUN / "shelters.geojson"
    listed.write_text(listed.read_text("utf-8").replace('"always"', '"alert"'), "utf-8")
    answer = client.get("/shelters", params={"at": asked.isoformat()}).json()
    assert answer["features"][0]["properties"]["status"]["state"] == state
