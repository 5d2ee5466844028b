"""Runs out of the ordinary: one step, steps far apart, damaged, failed; and the manners of HTTP."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from heatrisk.api import Settings, create_app
from heatrisk.api.caching import SHORT
from heatrisk.store import RunStore
from tests.client import Client, is_problem
from tests.small_run import CREATED, NOON, OFFICIAL, OPEN_CELL, RUN, dataset, lonlat, tile_of, write_small_run


def asked(root: Path, clock: Any = NOON) -> Client:
    return Client(create_app(root, Settings(), clock=lambda: clock))


def written(root: Path, steps: slice) -> xr.Dataset:
    """Write a run of some of the usual steps."""
    fields, official = dataset().isel(time=steps), list(OFFICIAL)[steps]
    station = {"id": "99001", "name": "ひなた", "issued": "2025-08-04T19:25:00Z", "values": official}
    anchor = {"anchored": True, "official": official, "offset": [0.25] * len(official), "suspect": []}
    write_small_run(
        root, fields=fields, official={"publication": "架空", "stations": [station]}, anchor=anchor
    )
    return fields


def test_a_run_of_one_step_is_served_whole(tmp_path: Path) -> None:
    fields = written(tmp_path, slice(4, 5))
    client = asked(tmp_path)
    lon, lat = lonlat(*OPEN_CELL)
    urls = [path for path in client.get("/openapi.json").json()["paths"] if "{" not in path]
    assert len(urls) >= 9
    tile = f"/tiles/latest/risk/now/{tile_of(OPEN_CELL)}.png"
    filled = ["/legend/risk.json", f"/runs/{RUN}", "/tiles/latest/risk/now/tilejson.json", tile, "/", "/docs"]
    box = f"{lon},{lat},{lon + 1e-3},{lat + 1e-3}"
    needed = {
        "/point": {"lon": lon, "lat": lat},
        "/area": {"bbox": box},
        "/ogc/collections/heat/cube": {"bbox": box},
        "/wmts": {"REQUEST": "GetCapabilities"},
        "/ogc/collections/heat/position": {"coords": f"POINT({lon} {lat})"},
        "/ogc/collections/heat/area": {
            "coords": f"POLYGON(({lon} {lat},{lon} 35.69,139.57 35.69,{lon} {lat}))"
        },
    }
    for url in (*urls, *filled):
        # A feed without an alert has nothing to say.
        fine = (200, 204) if url.startswith("/feeds/") else (200,)
        assert client.get(url, params=needed.get(url, {})).status_code in fine, url
    (step,) = client.get("/point", params={"lon": lon, "lat": lat}).json()["series"]
    assert step["sunlit_minutes"] == round(180 * float(fields["sunlit"].values[0][OPEN_CELL]))
    assert step["official_stations"] == {"99001": 33.0}
    assert client.get("/times").json()["step_minutes"] == 180
    # The one window ends at 16:30 JST.
    assert client.get("/readyz").json()["stale"] is False
    assert asked(tmp_path, NOON + timedelta(minutes=141)).get("/readyz").json()["stale"] is True


def test_steps_six_hours_apart_still_stand_for_three(tmp_path: Path) -> None:
    fields = written(tmp_path, slice(0, None, 2))
    lon, lat = lonlat(*OPEN_CELL)
    series = asked(tmp_path).get("/point", params={"lon": lon, "lat": lat}).json()["series"]
    assert [step["jst"][11:16] for step in series] == ["03:00", "09:00", "15:00", "21:00"]
    shares = [float(share) for share in fields["sunlit"].values[(slice(None), *OPEN_CELL)]]
    assert [step["sunlit_minutes"] for step in series] == [round(180 * share) for share in shares]
    assert max(shares) > 0.7
    # The last step is 21:00 JST; its window ends at 22:30.
    last = NOON.replace(hour=13, minute=29)
    assert asked(tmp_path, last).get("/times").json()["stale"] is False
    assert asked(tmp_path, last + timedelta(minutes=1)).get("/times").json()["stale"] is True


def test_an_unreadable_run_does_not_hide_the_others(tmp_path: Path) -> None:
    good = write_small_run(tmp_path)
    bad = write_small_run(tmp_path, CREATED + timedelta(hours=1), "fedcba98")
    RunStore(tmp_path).publish(good.id)
    (bad.path / "run.json").write_text("{")
    client = asked(tmp_path)
    body = client.get("/runs").json()
    assert ([run["id"] for run in body["runs"]], body["unreadable"]) == ([good.id], [bad.id])
    problem = is_problem(client.get(f"/runs/{bad.id}"), 503, "store-unreadable")
    assert str(tmp_path) not in json.dumps(problem)
    assert client.get("/readyz").json()["id"] == good.id


RED = {
    "level": "red",
    "ja": "【異常】/srv/heat/city.toml: 建物がありません",
    "en": "[red] /srv/heat/city.toml: no buildings, see https://example.jp/a/b",
    "notes": [],
}


def test_a_failed_attempt_is_seen_beside_the_run_that_stays(tmp_path: Path) -> None:
    write_small_run(tmp_path)
    client, store = asked(tmp_path), RunStore(tmp_path)
    assert client.get("/readyz").json()["last_attempt"] is None
    store.keep_status({"at": "2025-08-05T05:00:00+00:00", "run_id": None, "verdict": RED})
    ready = client.get("/readyz").json()
    assert (ready["id"], ready["verdict"]["level"]) == (RUN, "green")
    assert ready["last_attempt"] == {
        "at": "2025-08-05T05:00:00+00:00",
        "run": None,
        "level": "red",
        "ja": "【異常】city.toml: 建物がありません",
        "en": "[red] city.toml: no buildings, see https://example.jp/a/b",
    }


@pytest.mark.parametrize("content", ["", "[]", "7", "{}", '{"verdict": "red"}', '{"verdict": {"level": 3}}'])
def test_a_damaged_record_of_the_last_attempt_is_none(tmp_path: Path, content: str) -> None:
    write_small_run(tmp_path)
    (tmp_path / "status.json").write_text(content)
    answer = asked(tmp_path).get("/readyz")
    assert (answer.status_code, answer.json()["last_attempt"]) == (200, None)


# --- manners ---


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    return asked(root)


def test_what_a_path_allows_is_said_and_no_path_allows_nothing(client: Client) -> None:
    refused = client.post("/times")
    allowed = client.options("/times")
    assert (refused.status_code, allowed.status_code, allowed.content) == (405, 204, b"")
    for answer in (refused, allowed):
        assert {name.strip() for name in answer.headers["allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}
    assert "content-type" not in allowed.headers
    for path in ("/nothing", "/tiles/latest/risk/now/a/b/c.png"):
        is_problem(client.options(path), 404, "not-served")


def test_an_address_has_a_longest_length(client: Client) -> None:
    assert client.get("/times?" + "x" * 16_000).status_code == 200
    for url in ("/times?" + "x" * 17_000, "/" + "x" * 17_000):
        is_problem(client.get(url), 414, "address-too-long")
        assert client.head(url).content == b""


def test_the_description_of_the_interface_is_short_lived_and_names_the_address(client: Client) -> None:
    answer = client.get("/openapi.json")
    assert answer.headers["cache-control"] == SHORT
    assert answer.json()["servers"] == [{"url": "http://testserver"}]
    assert client.get("/openapi.json", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    "url", ["/basemap", "/runs", "/times", "/layers", "/legend/risk.json", "/openapi.json"]
)
def test_the_etag_of_the_zipped_form_is_on_the_zipped_form_alone(client: Client, url: str) -> None:
    for coding in ("gzip", "identity"):
        answer = client.get(url, headers={"Accept-Encoding": coding})
        zipped = answer.headers.get("content-encoding") == "gzip"
        assert answer.headers["etag"].endswith('-gzip"') == zipped
        assert zipped == (coding == "gzip" and len(answer.content) >= 600)
        if zipped:
            assert "Accept-Encoding" in answer.headers["vary"]
