"""Shelters by what is asked: where, open when, equipped how, and which is nearest."""

from __future__ import annotations

from typing import Any

import pytest

from heatrisk.api import Settings, create_app
from tests.client import Client, is_problem
from tests.small_run import GRID, NOON, write_small_run

# The library stands at the middle of the grid, the temple at 139.5600, 35.6825; the hall has no position.
LIBRARY = GRID.centre_lonlat


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    return Client(create_app(root, Settings(), clock=lambda: NOON))


def features(client: Client, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/shelters", params=query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["features"])


def ids(client: Client, **query: Any) -> list[str]:
    return [feature["id"] for feature in features(client, **query)]


def test_without_a_filter_every_shelter_is_listed(client: Client) -> None:
    assert ids(client) == ["1", "2", "3"]
    assert ids(client, unplaced=False) == ["1", "2"]
    assert ids(client, limit=2) == ["1", "2"]


def test_a_box_holds_those_in_it_and_the_unplaced_by_request_alone(client: Client) -> None:
    lon, lat = LIBRARY
    box = f"{lon - 1e-4},{lat - 1e-4},{lon + 1e-4},{lat + 1e-4}"
    assert ids(client, bbox=box) == ["1"]
    assert ids(client, bbox=box, unplaced=True) == ["1", "3"]
    assert ids(client, bbox="135,34,135.1,34.1") == []


def test_open_at_a_time(client: Client) -> None:
    assert ids(client, state="open", at="2025-08-05T15:00") == ["1"]
    assert ids(client, state="open", at="2025-08-05T21:00") == []
    assert ids(client, state=["closed", "unknown"], at="2025-08-05T21:00") == ["1", "2", "3"]


def test_equipment_and_designation(client: Client) -> None:
    assert ids(client, equipment="water") == ["1"]
    assert ids(client, equipment=["water", "wifi"]) == []
    assert ids(client, designation="designated") == ["1", "3"]
    assert ids(client, designation=["cool_share", "other"]) == ["2"]


def test_the_nearest_come_first_with_distance_and_direction(client: Client) -> None:
    # 0.001 degrees of latitude at 35.68 N are 110.95 m (GRS 80 meridian arc, 111.0 km a degree and less).
    lon, lat = LIBRARY

    def library(place: tuple[float, float], **query: Any) -> dict[str, Any]:
        found = features(client, near=f"{place[0]},{place[1]}", **query)
        distances = [feature["properties"]["distance_m"] for feature in found]
        assert len(found) == 2 and distances == sorted(distances)
        return dict(next(feature["properties"] for feature in found if feature["id"] == "1"))

    told = library((lon, lat - 0.001))
    assert told["distance_m"] == pytest.approx(111, abs=1)
    assert (told["bearing"], told["direction"]) == (0, {"ja": "北", "en": "north"})
    west = library((lon + 0.001, lat), lang="ja")
    assert (west["bearing"], west["direction"]) == (270, "西")
    # A degree of longitude is shorter by the cosine of 35.68 degrees.
    assert west["distance_m"] == pytest.approx(90.5, abs=1)
    assert library((lon, lat + 0.001), lang="en")["direction"] == "south"
    assert library((lon - 0.001, lat - 0.0008))["direction"]["ja"] == "北東"
    assert ids(client, near=f"{lon},{lat}", limit=1) == ["1"]
    assert ids(client, near="139.56,35.6825", limit=1) == ["2"]


def test_unplaced_ones_come_last_and_without_distance(client: Client) -> None:
    found = features(client, near=f"{LIBRARY[0]},{LIBRARY[1]}", unplaced=True)
    assert [feature["id"] for feature in found] == ["1", "2", "3"]
    assert "distance_m" not in found[2]["properties"] and found[0]["properties"]["distance_m"] == 0


@pytest.mark.parametrize("near", ["139", "a,b", "139.5,95", "nan,35", "1,2,3", ""])
def test_a_place_that_is_none_is_refused(client: Client, near: str) -> None:
    is_problem(client.get("/shelters", params={"near": near}), 400, "invalid-request")
    is_problem(client.get("/shelters", params={"bbox": near}), 400, "invalid-request")


@pytest.mark.parametrize(
    "query", ["state=ajar", "equipment=sauna", "designation=x", "limit=0", "limit=99999", "unplaced=maybe"]
)
def test_an_unknown_filter_is_a_problem(client: Client, query: str) -> None:
    is_problem(client.get(f"/shelters?{query}"), 422, "invalid-parameter")
