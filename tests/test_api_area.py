"""Areas asked of the service: polygons in every form, limits, and refusals that say why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heatrisk.api import Settings, create_app
from heatrisk.api.geometry import MAX_BODY, MAX_VERTICES
from tests.client import Client, is_problem
from tests.small_run import BUILDING, NOON, OFFICIAL, OUTSIDE, RUN, dataset, lonlat, write_small_run


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    return Client(create_app(root, Settings(), clock=lambda: NOON))


def rectangle(top: int, left: int, bottom: int, right: int) -> dict[str, Any]:
    """Return cells [top, bottom) x [left, right) as GeoJSON, a quarter of a cell larger."""
    ends = [
        (top - 0.75, left - 0.75),
        (top - 0.75, right - 0.25),
        (bottom - 0.25, right - 0.25),
        (bottom - 0.25, left - 0.75),
    ]
    ring = [list(lonlat(*end)) for end in (*ends, ends[0])]
    return {"type": "Polygon", "coordinates": [ring]}


def asked(client: Client, area: Any, query: str = "") -> dict[str, Any]:
    answer = client.post(f"/area{query}", json=area)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


YARD = (10, 28, 22, 44)


def test_an_area_is_told_step_by_step(client: Client) -> None:
    body = asked(client, rectangle(*YARD))
    window = (slice(YARD[0], YARD[2]), slice(YARD[1], YARD[3]))
    fields = dataset()
    assert body["area"]["outdoor_cells"] == body["area"]["cells"] == 12 * 16
    assert body["area"]["outdoor_m2"] == 12 * 16 * 25
    assert "参考値" in body["reference"]["ja"] and body["anchored"] is True
    assert [level["code"] for level in body["scale"]["levels"]] == [
        "caution",
        "warning",
        "severe_warning",
        "danger",
    ]
    for index, step in enumerate(body["series"]):
        values = np.round(fields["wbgt_moe"].values[index][window].astype(float), 2)
        assert step["mean"] == pytest.approx(values.mean(), abs=0.0051)
        assert (step["min"], step["max"]) == (pytest.approx(values.min()), pytest.approx(values.max()))
        assert list(step["shares"]) == ["caution", "warning", "severe_warning", "danger"]
        assert step["shares"]["danger"] == pytest.approx((values >= 31).mean(), abs=1e-4)
        assert sum(step["shares"].values()) == pytest.approx(1, abs=3e-4)
        for name in ("sunlit", "wbgt_moe_shade", "p_danger"):
            mean = fields[name].values[index][window].mean()
            assert step[name] == pytest.approx(mean, abs=0.006), name
        assert step["official"] == OFFICIAL[index]
    # The west is cooler, and so is the south: the corner lies there.
    lon, lat = body["coolest"]["lon"], body["coolest"]["lat"]
    south_west = lonlat(YARD[2] - 2, YARD[1] + 2)
    assert (lon, lat) == (pytest.approx(south_west[0], abs=2e-4), pytest.approx(south_west[1], abs=2e-4))


def test_the_best_hour_of_a_day_is_its_coolest_daytime_hour(client: Client) -> None:
    (best,) = asked(client, rectangle(*YARD))["best"]
    # Official values by daytime: 06 26.0, 09 29.0, 12 32.0, 15 33.0, 18 30.0 JST.
    assert (best["date"], best["jst"][11:16], best["from"], best["to"]) == (
        "2025-08-05",
        "06:00",
        "04:30",
        "07:30",
    )
    assert best["alike"] == []


def test_buildings_and_unknown_ground_do_not_count(client: Client) -> None:
    body = asked(client, rectangle(28, 18, 36, 28))
    assert body["area"]["building_cells"] == 4 * 6
    assert body["area"]["outdoor_cells"] == 8 * 10 - 24
    inside = asked(
        client,
        rectangle(BUILDING[0].start + 1, BUILDING[1].start + 1, BUILDING[0].stop - 1, BUILDING[1].stop - 1),
    )
    assert inside["area"]["outdoor_cells"] == 0
    assert inside["series"][4]["mean"] is None and inside["series"][4]["shares"]["danger"] is None
    assert (inside["best"], inside["coolest"]) == ([], None)
    unknown = asked(client, rectangle(1, OUTSIDE[1].start + 1, 5, OUTSIDE[1].start + 5))
    assert unknown["area"]["unknown_cells"] == 16


def test_a_box_answers_like_its_polygon(client: Client) -> None:
    (west, south), (east, north) = lonlat(21, 30), lonlat(11, 40)
    answer = client.get(f"/area?bbox={west},{south},{east},{north}&scale=sport&lang=ja")
    body = answer.json()
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    same = asked(client, {"type": "Polygon", "coordinates": [ring]}, "?scale=sport&lang=ja")
    assert body == same
    assert next(iter(body["series"][0]["shares"])) == "almost_safe"
    assert client.get(answer.request.url.path + "?" + answer.request.url.query.decode(),
                      headers={"If-None-Match": answer.headers["etag"]}).status_code == 304  # fmt: skip


def test_features_and_several_polygons_are_areas_too(client: Client) -> None:
    one, two = rectangle(10, 28, 14, 32), rectangle(18, 28, 22, 32)
    feature = {"type": "Feature", "properties": None, "geometry": one}
    assert asked(client, feature)["area"]["cells"] == 16
    assert asked(client, {"type": "FeatureCollection", "features": [feature]})["area"]["cells"] == 16
    both = {"type": "MultiPolygon", "coordinates": [one["coordinates"], two["coordinates"]]}
    assert asked(client, both)["area"]["cells"] == 32
    holed = {
        "type": "Polygon",
        "coordinates": [*rectangle(10, 28, 22, 40)["coordinates"], *rectangle(14, 32, 18, 36)["coordinates"]],
    }
    assert asked(client, holed)["area"]["cells"] == 144 - 16


RING = [[139.549, 35.681], [139.552, 35.681], [139.552, 35.683], [139.549, 35.681]]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"7", b"null", b"\xff\xfe", b"[" * 100_000, b'{"a":' * 30_000,
        *(json.dumps(area).encode() for area in (
            {}, {"type": "Point", "coordinates": [1, 2]}, {"type": "Polygon"},
            {"type": "Polygon", "coordinates": []}, {"type": "Polygon", "coordinates": [[]]},
            {"type": "Polygon", "coordinates": RING}, {"type": "Polygon", "coordinates": [RING[:3]]},
            {"type": "Polygon", "coordinates": [[*RING[:3], [0, 0]]]},
            {"type": "Polygon", "coordinates": [[[139.5, 91], *RING[1:3], [139.5, 91]]]},
            {"type": "Polygon", "coordinates": [[["a", "b"], *RING[1:3], ["a", "b"]]]},
            {"type": "Polygon", "coordinates": [[[True, False], *RING[1:3], [True, False]]]},
            {"type": "Polygon", "coordinates": [[RING[0], RING[1], RING[0], RING[1], RING[0]]]},
            {"type": "Polygon", "coordinates": [[RING[0], RING[2], RING[1], [139.549, 35.683], RING[0]]]},
            {"type": "MultiPolygon", "coordinates": []},
            {"type": "MultiPolygon", "coordinates": [[RING], [RING]]},
            {"type": "Feature", "geometry": None}, {"type": "FeatureCollection", "features": []},
        )),
        b'{"type":"Polygon","coordinates":[[[NaN,35],[139.5,35],[139.5,36],[NaN,35]]]}',
        b'{"type":"Polygon","coordinates":[[[1e999,35],[139.5,35],[139.5,36],[1e999,35]]]}',
    ],
)  # fmt: skip
def test_what_is_no_area_is_refused(client: Client, body: bytes) -> None:
    is_problem(client.post("/area", content=body), 400, "invalid-request")


def test_what_is_too_large_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    angles = np.linspace(0, 2 * np.pi, MAX_VERTICES + 1)
    circle = [[139.55 + 0.001 * np.cos(a), 35.68 + 0.001 * np.sin(a)] for a in angles[:-1]]
    many = {"type": "Polygon", "coordinates": [[*circle, circle[0]]]}
    assert len(json.dumps(many)) < MAX_BODY
    is_problem(client.post("/area", json=many), 413, "too-large")
    fits = {"type": "Polygon", "coordinates": [[*circle[1:], circle[1]]]}
    assert client.post("/area", json=fits).status_code in (200, 404)
    is_problem(client.post("/area", content=b" " * (MAX_BODY + 1)), 413, "too-large")
    monkeypatch.setattr("heatrisk.api.area.MAX_CELLS", 100)
    is_problem(client.post("/area", json=rectangle(*YARD)), 413, "too-large")


def test_an_area_elsewhere_is_a_problem(client: Client) -> None:
    is_problem(client.get("/area?bbox=135,34,135.1,34.1"), 404, "outside")
    is_problem(client.get("/area?bbox=-180,-90,-179,-89"), 404, "outside")
    for wrong in (
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "139.6,35,139.5,36",
        "nan,0,1,1",
        "-181,0,1,1",
        "0,0,inf,1",
    ):
        is_problem(client.get("/area", params={"bbox": wrong}), 400, "invalid-request")
    is_problem(client.get("/area"), 422, "invalid-parameter")
    is_problem(client.get("/area?bbox=0,0,1,1&scale=utci"), 422, "invalid-parameter")
    is_problem(client.get("/area?bbox=0,0,1,1&run=20200101T0000Z-00000000"), 404, "run-not-found")


def test_the_whole_earth_is_the_whole_run(client: Client) -> None:
    body = client.get("/area?bbox=-180,-90,180,90").json()
    assert body["area"]["cells"] == 50 * 60
    assert body["run"]["id"] == RUN


def test_other_sites_may_post(client: Client) -> None:
    answer = client.options(
        "/area", headers={"Origin": "https://x.jp", "Access-Control-Request-Method": "POST"}
    )
    assert answer.status_code == 204
    assert "POST" in answer.headers["access-control-allow-methods"]
    refused = client.request("DELETE", "/area")
    assert {name.strip() for name in refused.headers["allow"].split(",")} == {
        "GET",
        "HEAD",
        "OPTIONS",
        "POST",
    }
    assert client.post("/area", json=rectangle(*YARD)).headers["cache-control"] == "no-store"
    assert client.head("/area?bbox=-180,-90,180,90").content == b""


def test_a_run_without_sun_or_official_values_is_told_without_them(tmp_path: Path) -> None:
    write_small_run(tmp_path, official=None, anchor={"anchored": False, "suspect": []})
    client = Client(create_app(tmp_path, clock=lambda: NOON))
    body = asked(client, rectangle(*YARD))
    assert body["anchored"] is False and {step["official"] for step in body["series"]} == {None}
