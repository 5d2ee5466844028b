"""The service, asked as its clients ask it. Expected values are the hand-made fields of ``small_run``."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from heatrisk.api import Settings, create_app
from heatrisk.layers import LAYERS
from tests.client import Client, is_problem
from tests.small_run import (
    BUILDING,
    CREATED,
    GRID,
    NOON,
    OFFICIAL,
    OPEN_CELL,
    OUTSIDE,
    RUN,
    TIMES,
    dataset,
    lonlat,
    tile_of,
    write_small_run,
)

ROOT = Path(__file__).resolve().parents[1]
YEAR = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    assert write_small_run(root).id == RUN
    return root


@pytest.fixture(scope="module")
def client(store: Path) -> Client:
    return Client(create_app(store, Settings(), clock=lambda: NOON))


# --- places ---


def test_a_point_answers_values_words_and_origin(client: Client) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    body = client.get("/point", params={"lon": lon, "lat": lat}).json()
    fields = dataset()
    assert body["place"]["state"] == "outdoor"
    assert body["place"]["cell"] == f"E{round(GRID.x[45] - 2.5)}N{round(GRID.y[20] - 2.5)}"
    assert body["run"]["id"] == RUN
    assert body["run"]["age_minutes"] == 580
    assert body["anchored"] is True and body["sample"] is True
    assert "参考値" in body["reference"]["ja"]
    assert body["official"]["stations"][0]["name"] == "ひなた"
    assert body["official"]["stations"][0]["issued"] == "2025-08-04T19:25:00Z"
    assert body["assumptions"][0]["code"] == "canopy_missing"
    assert [step["official"] for step in body["series"]] == list(OFFICIAL)
    for index, step in enumerate(body["series"]):
        assert step["time"] == f"{TIMES[index]:%Y-%m-%dT%H:%M:%SZ}"
        for name in ("wbgt_moe", "wbgt_moe_max", "wbgt_iso", "sunlit"):
            assert step[name] == pytest.approx(float(fields[name].values[index][OPEN_CELL]), abs=0.006)
        assert step["sunlit_minutes"] == pytest.approx(180 * step["sunlit"], abs=0.5)
        assert step["risk"]["index"] == int(fields["risk"].values[index][OPEN_CELL])
        assert step["official_stations"] == {"99001": OFFICIAL[index]}
        assert step["anchor_offset"] == 0.25
    assert body["series"][4]["jst"] == "2025-08-05T15:00:00+09:00"
    assert body["series"][4]["risk"]["words"] == {"ja": "危険", "en": "Danger"}
    assert [step["anchor_suspect"] for step in body["series"]] == [index == 5 for index in range(8)]


def test_a_point_in_a_building_has_no_values(client: Client) -> None:
    lon, lat = lonlat(BUILDING[0].start, BUILDING[1].start)
    answer = client.get("/point", params={"lon": lon, "lat": lat})
    assert answer.status_code == 200
    assert answer.json()["place"]["state"] == "building"
    assert {step["wbgt_moe"] for step in answer.json()["series"]} == {None}
    assert {step["risk"] for step in answer.json()["series"]} == {None}
    assert [step["official"] for step in answer.json()["series"]] == list(OFFICIAL)


def test_a_point_on_unknown_ground_says_so(client: Client) -> None:
    lon, lat = lonlat(OUTSIDE[0].start, OUTSIDE[1].start)
    answer = client.get("/point", params={"lon": lon, "lat": lat})
    assert answer.status_code == 200
    assert answer.json()["place"]["state"] == "unknown"
    assert answer.json()["place"]["words"] == {
        "ja": "標高が不明のため計算していません",
        "en": "not computed: the ground elevation is unknown here",
    }
    for name in ("wbgt_moe", "sunlit", "sunlit_minutes", "risk", "risk_sport"):
        assert {step[name] for step in answer.json()["series"]} == {None}


def test_a_point_outside_is_a_problem_that_names_the_area(client: Client) -> None:
    for place in (lonlat(-3, 5), lonlat(20, 61), (0.0, 0.0), (180.0, 90.0)):
        body = is_problem(client.get("/point", params={"lon": place[0], "lat": place[1]}), 404, "outside")
        assert "139.5" in body["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "lon=139.56",
        "lon=139.56&lat=x",
        "lon=139.56&lat=91",
        "lon=nan&lat=35",
        "lon=inf&lat=35",
        "lon=1&lat=1&lang=fr",
    ],
)
def test_wrong_parameters_are_problems_that_name_them(client: Client, query: str) -> None:
    body = is_problem(client.get(f"/point?{query}"), 422, "invalid-parameter")
    assert body["errors"][0]["in"].startswith("query.")


def test_one_language_can_be_asked_for(client: Client) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    body = client.get("/point", params={"lon": lon, "lat": lat, "lang": "ja"}).json()
    assert body["series"][4]["risk"]["words"] == "危険"
    assert body["assumptions"] == [{"code": "canopy_missing", "text": "樹木のデータはありません"}]
    assert '"ja"' not in json.dumps(body) and '"en"' not in json.dumps(body)


def test_the_credits_of_the_run_travel_with_every_answer(client: Client) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    body = client.get(f"/point?lon={lon}&lat={lat}&lang=ja").json()
    assert body["attribution"] == ["建物: ひなた市（架空）"]


def test_an_unanchored_run_says_so(tmp_path: Path) -> None:
    anchor = {"anchored": False, "official": [None] * 8, "offset": [None] * 8, "suspect": []}
    write_small_run(tmp_path, official=None, anchor=anchor)
    lon, lat = lonlat(*OPEN_CELL)
    client = Client(create_app(tmp_path, clock=lambda: NOON))
    body = client.get(f"/point?lon={lon}&lat={lat}").json()
    assert body["anchored"] is False
    assert body["official"] is None
    assert "合わせていない" in body["reference"]["ja"]
    assert body["series"][0]["official_stations"] == {}
    told = {row["id"]: row["description"]["ja"] for row in client.get("/layers").json()["layers"]}
    assert {name for name, text in told.items() if "公式の予測に合わせていません" in text} == {
        "wbgt_moe",
        "wbgt_moe_shade",
        "wbgt_iso",
        "p_danger",
        "risk",
        "risk_sport",
    }
    legend = client.get("/legend/risk.json?lang=en").json()["description"]
    assert legend.endswith("Not anchored to an official forecast.")


def test_shelters_state_their_status_at_a_time(client: Client) -> None:
    def states(at: str) -> list[str]:
        answer = client.get("/shelters", params={"at": at})
        assert answer.headers["content-type"] == "application/geo+json"
        return [feature["properties"]["status"]["state"] for feature in answer.json()["features"]]

    assert states("2025-08-05T15:00") == ["open", "unknown", "unknown"]
    assert states("2025-08-05T21:00") == ["closed", "unknown", "unknown"]
    assert states("now") == ["open", "unknown", "unknown"]
    status = client.get("/shelters", params={"lang": "en"}).json()["features"][1]["properties"]["status"]
    assert status["reason"].startswith("Please ask")
    assert status["at"] == "2025-08-05T05:10:00Z"
    is_problem(client.get("/shelters?at=noon"), 400, "time-not-found")


def test_a_shelter_without_position_is_listed_and_reports_expire(client: Client) -> None:
    def hall(at: str) -> dict[str, Any]:
        features = client.get("/shelters", params={"at": at, "lang": "en"}).json()["features"]
        assert [feature["properties"]["placed"] for feature in features] == [True, True, False]
        assert features[2]["geometry"] is None
        assert features[2]["properties"]["unplaced"] == "no coordinates"
        return dict(features[2]["properties"])

    [report] = hall("2025-08-05T14:10")["reports"]
    assert (report["about"], report["state"]) == ("congestion", "busy")
    assert report["text"] == "Crowding: rather busy (as of 13:58 JST, 12 min ago)"
    assert hall("2025-08-05T13:57")["reports"] == [], "not yet reported"
    assert hall("2025-08-05T15:58")["reports"] == [], "too old"


def test_an_offset_in_a_query_need_not_be_escaped(client: Client) -> None:
    body = client.get("/shelters?at=2025-08-05T21:00+09:00").json()
    assert body["features"][0]["properties"]["status"]["at"] == "2025-08-05T12:00:00Z"


def test_buildings_are_geojson(client: Client) -> None:
    answer = client.get("/buildings", params={"run": RUN})
    assert answer.headers["cache-control"] == YEAR
    assert answer.json()["features"][0]["geometry"]["type"] == "Polygon"


# --- catalogue ---


def test_times_layers_and_runs(client: Client) -> None:
    times = client.get("/times").json()
    assert times["now"] == 4
    assert times["times"][4] == {
        "time": "2025-08-05T06:00:00Z",
        "jst": "2025-08-05T15:00:00+09:00",
        "key": "20250805T0600Z",
    }
    layers = client.get("/layers").json()
    assert {layer["id"] for layer in layers["layers"]} == set(LAYERS)
    for layer in layers["layers"]:
        assert client.get(layer["legend"].removeprefix("http://testserver")).status_code == 200
        assert client.get(layer["tilejson"].removeprefix("http://testserver")).status_code == 200
    runs = client.get("/runs").json()
    assert (runs["latest"], [run["id"] for run in runs["runs"]]) == (RUN, [RUN])
    manifest = client.get(f"/runs/{RUN}")
    assert manifest.headers["cache-control"] == YEAR
    assert manifest.json()["inputs"][0]["sha256"] == "0" * 64
    is_problem(client.get("/runs?limit=0"), 422, "invalid-parameter")


def test_a_legend_speaks_in_numbers_words_and_marks(client: Client) -> None:
    entries = client.get("/legend/risk.json", params={"lang": "ja"}).json()["entries"]
    assert [entry["words"] for entry in entries] == ["注意", "警戒", "厳重警戒", "危険"]
    assert [entry["lower"] for entry in entries] == [None, 25, 28, 31]
    assert len({entry["mark"] for entry in entries}) == len(entries)
    body = is_problem(client.get("/legend/wind.json"), 404, "layer-not-found")
    assert all(name in body["detail"] for name in LAYERS)


def test_a_new_run_is_served_at_once(tmp_path: Path) -> None:
    client = Client(create_app(tmp_path, clock=lambda: NOON))
    assert client.get("/healthz").json() == {"status": "ok"}
    is_problem(client.get("/readyz"), 503, "not-ready")
    is_problem(client.get("/times"), 404, "run-not-found")
    is_problem(client.get("/runs/latest"), 404, "run-not-found")
    first = write_small_run(tmp_path)
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()["id"], ready.json()["verdict"]["level"]) == (
        200,
        first.id,
        "green",
    )
    assert ready.headers["cache-control"] == "no-store"
    tile = f"/tiles/latest/risk/now/{tile_of(OPEN_CELL)}.png"
    etag = client.get(tile).headers["etag"]
    second = write_small_run(tmp_path, CREATED + timedelta(hours=1), "fedcba98")
    again = client.get(tile, headers={"If-None-Match": etag})
    assert (again.status_code, again.headers["heatrisk-run"]) == (200, second.id)
    assert client.get(f"/runs/{first.id}").status_code == 200


# --- the door ---


def test_every_origin_may_read(client: Client) -> None:
    for url in ("/times", f"/tiles/latest/risk/now/{tile_of(OPEN_CELL)}.png", "/nothing"):
        answer = client.get(url)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["x-content-type-options"] == "nosniff"
    preflight = client.options(
        "/times", headers={"Origin": "https://x.jp", "Access-Control-Request-Method": "GET"}
    )
    assert preflight.status_code == 204
    assert "GET" in preflight.headers["access-control-allow-methods"]
    is_problem(client.post("/times"), 405, "not-served")


def test_head_works_wherever_get_does(client: Client) -> None:
    for url in (
        "/",
        "/times",
        "/static/style.css",
        "/docs",
        f"/tiles/{RUN}/risk/20250805T0600Z/{tile_of(OPEN_CELL)}.png",
    ):
        get, head = client.get(url), client.head(url)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("etag", "content-type", "cache-control", "content-length"):
            assert head.headers.get(name) == get.headers.get(name)


def test_text_is_zipped_with_its_own_etag_and_images_are_not(client: Client) -> None:
    plain = client.get("/runs/latest", headers={"Accept-Encoding": "identity"})
    zipped = client.get("/runs/latest", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert plain.headers["etag"] != zipped.headers["etag"]
    assert plain.json() == zipped.json()


def test_an_unforeseen_error_is_a_problem_that_tells_nothing(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret path")

    monkeypatch.setattr("heatrisk.tiles.render", fail)
    client = Client(create_app(store, clock=lambda: NOON), raises=False)
    answer = client.get(f"/tiles/latest/risk/now/{tile_of(OPEN_CELL)}.png")
    is_problem(answer, 500, "internal")
    assert "secret" not in answer.text


def test_problems_do_not_name_places_on_the_server(client: Client, store: Path) -> None:
    answer = client.get("/runs/20200101T0000Z-00000000")
    is_problem(answer, 404, "run-not-found")
    assert str(store) not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../pages.py",
        "/static/..%2F..%2Fapi%2Fpages.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/runs/..",
        "/runs/..%2F..",
        "/runs/%2e%2e%2fetc",
        "/tiles/../risk/now/15/1/1.png",
        "/tiles/..%2F/risk/now/tilejson.json",
    ],
)
def test_paths_cannot_escape(client: Client, path: str) -> None:
    # A hostile client sends the path as it stands, and so does this one.
    assert client.status_of(path) in (400, 404)


# --- pages ---


def test_the_dashboard_and_the_documentation_need_no_other_host(client: Client) -> None:
    for page in ("/", "/docs"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "http://" not in answer.text and "https://" not in answer.text
        assert "https:" not in answer.headers["content-security-policy"]
    for name in ("maplibre-gl.js", "maplibre-gl.css", "app.js", "style.css", "words/ja.json", "icon.svg"):
        assert client.get(f"/static/{name}").status_code == 200
    script = client.get("/static/maplibre-gl.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert (
        client.get("/static/maplibre-gl.js", headers={"If-None-Match": script.headers["etag"]}).status_code
        == 304
    )
    is_problem(client.get("/static/nothing.js"), 404, "not-served")


def test_the_base_map_is_named_where_it_is_wanted_and_nowhere_else(store: Path, tmp_path: Path) -> None:
    chosen = Client(create_app(store, Settings(basemap="gsi-pale"), clock=lambda: NOON))
    assert "https://cyberjapandata.gsi.go.jp" in chosen.get("/").headers["content-security-policy"]
    assert "国土地理院" in chosen.get("/basemap").json()["attribution"]
    city = {"name": {"ja": "三鷹市", "en": "Mitaka"}, "config": {"dashboard": {"basemap": "gsi-pale"}}}
    write_small_run(tmp_path, city=city)
    assert Client(create_app(tmp_path, Settings(), clock=lambda: NOON)).get("/basemap").json() is not None
    assert (
        Client(create_app(tmp_path, Settings(basemap="none"), clock=lambda: NOON)).get("/basemap").json()
        is None
    )


def test_the_documentation_describes_every_parameter_and_problem(client: Client) -> None:
    schema = client.get("/openapi.json").json()
    page = client.get("/docs").text
    assert {"/point", "/times", "/layers", "/shelters", "/runs/{run}"} <= schema["paths"].keys()
    for path, methods in schema["paths"].items():
        assert path in page
        for operation in methods.values():
            assert operation["summary"] and operation["description"]
            named = {row["name"] for row in operation.get("parameters", [])}
            assert named >= {
                part.strip("{}")
                for part in path.removesuffix(".png").split("/")
                if part.startswith("{") and part.endswith("}")
            }
            for row in operation.get("parameters", []):
                assert row.get("description") or row["schema"].get("description"), (path, row["name"])
                assert "example" in row or "examples" in row["schema"] or "examples" in row, (
                    path,
                    row["name"],
                )
    problem = client.get("/nothing").json()["type"]
    assert f'id="{problem.partition("#")[2]}"' in page


def test_serving_imports_no_compiler(store: Path) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    script = (
        "import sys; from pathlib import Path; from tests.client import Client, is_problem\n"
        "from heatrisk.api import create_app\n"
        f"client = Client(create_app(Path({str(store)!r})))\n"
        f"assert client.get('/tiles/latest/risk/now/{tile_of(OPEN_CELL)}.png').status_code == 200\n"
        f"assert client.get('/point?lon={lon}&lat={lat}').status_code == 200\n"
        "assert client.get('/shelters').status_code == 200\n"
        "print(sorted({'numba', 'pvlib', 'rasterio', 'geopandas', 'maplibre'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
