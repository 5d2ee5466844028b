"""Other forms of the same answers: WebP, WMTS by key and value, vector tiles, boxes, codings."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import brotli
import numpy as np
import pytest
from isal import igzip
from PIL import Image
from rasterio.io import MemoryFile

from heatrisk.api import create_app
from heatrisk.api.caching import SQUEEZED_UP_TO, ZIPPED_FROM, chosen, zipped
from heatrisk.layers import LAYERS
from tests.client import Client, is_problem
from tests.png import rgba
from tests.small_run import (
    GRID,
    NOON,
    OPEN_CELL,
    RUN,
    SHELTERS,
    TMS,
    dataset,
    lonlat,
    tile_of,
    write_small_run,
)

TILE = tile_of(OPEN_CELL)
KEY = "20250805T0600Z"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    return root


@pytest.fixture(scope="module")
def client(store: Path) -> Client:
    return Client(create_app(store, clock=lambda: NOON))


# --- WebP ---


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("layer", LAYERS)
def test_webp_shows_the_same_pixels_in_fewer_bytes(client: Client, layer: str) -> None:
    plain = client.get(f"/tiles/{RUN}/{layer}/{KEY}/{TILE}.png")
    answer = client.get(f"/tiles/{RUN}/{layer}/{KEY}/{TILE}.webp")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == plain.headers["cache-control"]
    assert answer.headers["etag"] != plain.headers["etag"]
    with MemoryFile(answer.content) as file, file.open() as image:
        assert image.driver == "WEBP"
        np.testing.assert_array_equal(np.moveaxis(image.read(), 0, -1), rgba(plain.content))
    assert len(answer.content) < len(plain.content)
    again = client.get(
        f"/tiles/{RUN}/{layer}/{KEY}/{TILE}.webp", headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304
    is_problem(client.get(f"/tiles/{RUN}/snow/{KEY}/{TILE}.webp"), 404, "layer-not-found")
    is_problem(client.get(f"/tiles/{RUN}/{layer}/{KEY}/15/0/0.webp"), 404, "tile-not-found")


def test_webp_for_dense_screens_shows_the_pixels_of_the_png(client: Client) -> None:
    fine, webp = (client.get(f"/tiles/{RUN}/risk/{KEY}/{TILE}@2x.{form}") for form in ("png", "webp"))
    assert webp.headers["content-type"] == "image/webp" and webp.headers["etag"] != fine.headers["etag"]
    pixels = np.asarray(Image.open(io.BytesIO(webp.content)).convert("RGBA"))
    assert pixels.shape == (512, 512, 4)
    np.testing.assert_array_equal(pixels, rgba(fine.content))
    known = {"If-None-Match": webp.headers["etag"]}
    assert client.get(f"/tiles/{RUN}/risk/{KEY}/{TILE}@2x.webp", headers=known).status_code == 304


# --- WMTS ---


def asked(client: Client, **query: object) -> Any:
    z, x, y = TILE.split("/")
    whole = {"SERVICE": "WMTS", "REQUEST": "GetTile", "VERSION": "1.0.0", "LAYER": "risk", "STYLE": "default",
             "FORMAT": "image/png", "TILEMATRIXSET": "GoogleMapsCompatible", "TILEMATRIX": z, "TILEROW": y,
             "TILECOL": x, "TIME": KEY}  # fmt: skip
    return client.get(
        "/wmts", params={key: value for key, value in (whole | query).items() if value is not None}
    )


def test_wmts_by_key_and_value_is_the_tile(client: Client) -> None:
    tile = client.get(f"/tiles/latest/risk/{KEY}/{TILE}.png")
    answer = asked(client)
    assert (answer.content, answer.headers["etag"]) == (tile.content, tile.headers["etag"])
    lower = client.get(
        "/wmts", params={key.lower(): value for key, value in asked(client).url.params.items()}
    )
    assert lower.content == tile.content
    assert asked(client, TIME=None).headers["heatrisk-valid-time"] == "2025-08-05T06:00:00Z"
    capabilities = client.get("/wmts?service=WMTS&request=GetCapabilities")
    assert capabilities.content == client.get("/wmts/1.0.0/WMTSCapabilities.xml").content
    assert b'<ows:Get xlink:href="http://testserver/wmts?">' in capabilities.content


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ({"REQUEST": "GetMap"}, 400, "invalid-request"),
        ({"REQUEST": None}, 400, "invalid-request"),
        ({"TILEROW": "-1"}, 400, "invalid-request"),
        ({"TILEROW": None}, 400, "invalid-request"),
        ({"TILECOL": "٣"}, 400, "invalid-request"),
        ({"TILEMATRIX": "9" * 5000}, 400, "invalid-request"),
        ({"TILEROW": "0"}, 404, "tile-not-found"),
        ({"LAYER": "snow"}, 404, "layer-not-found"),
        ({"LAYER": None}, 404, "layer-not-found"),
        ({"TIME": "2030-01-01T00:00Z"}, 400, "time-not-found"),
    ],
)
def test_a_senseless_key_is_a_problem(client: Client, query: dict[str, Any], status: int, slug: str) -> None:
    is_problem(asked(client, **query), status, slug)


# --- EDR cube, vector tiles ---


def test_a_cube_is_the_cells_of_a_box(client: Client) -> None:
    (west, south), (east, north) = lonlat(22, 42), lonlat(18, 48)
    query = {"bbox": f"{west},{south},{east},{north}", "datetime": KEY, "parameter-name": "wbgt_moe"}
    body = client.get("/ogc/collections/heat/cube", params=query).json()
    same = client.get(f"/ogc/collections/heat/instances/{RUN}/cube", params=query).json()
    assert body == same
    axes = {name: axis["values"] for name, axis in body["domain"]["axes"].items()}
    found = body["ranges"]["wbgt_moe"]
    values = np.array(found["values"], np.float64).reshape(found["shape"])
    rows = [round((GRID.transform.f - y) / 5 - 0.5) for y in axes["y"]]
    columns = [round((x - GRID.transform.c) / 5 - 0.5) for x in axes["x"]]
    inner = (slice(1, -1), slice(1, -1))
    expected = dataset()["wbgt_moe"].values[4][np.ix_(rows, columns)]
    np.testing.assert_allclose(values[0][inner], expected[inner], atol=1e-6)
    is_problem(client.get("/ogc/collections/heat/cube?bbox=1,2,3"), 400, "invalid-request")
    is_problem(client.get("/ogc/collections/heat/cube?bbox=1,2,3,4"), 404, "outside")


def test_shelters_as_vector_tiles_state_their_status(client: Client) -> None:
    mapbox = pytest.importorskip("mapbox_vector_tile", reason="mapbox-vector-tile is not installed")
    lon, lat = SHELTERS[0].lon, SHELTERS[0].lat
    assert lon is not None and lat is not None
    place = TMS.tile(lon, lat, 14)
    url = f"/shelters/tiles/14/{place.x}/{place.y}.mvt"
    answer = client.get(url, params={"at": "2025-08-05T15:00"})
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    rows = {
        row["properties"]["id"]: row["properties"]
        for row in mapbox.decode(answer.content)["shelters"]["features"]
    }
    assert rows.keys() == {"1", "2"}, "the third has no position"
    assert (rows["1"]["name"], rows["1"]["state"], rows["2"]["state"]) == ("中央図書館", "open", "unknown")
    listed = client.get("/shelters", params={"at": "2025-08-05T15:00"}).json()["features"]
    assert rows["1"]["reason_ja"] == listed[0]["properties"]["status"]["reason"]["ja"]
    night = client.get(url, params={"at": "2025-08-05T23:00"})
    assert night.headers["etag"] != answer.headers["etag"]
    known = {"If-None-Match": answer.headers["etag"]}
    assert client.get(url, params={"at": "2025-08-05T15:00"}, headers=known).status_code == 304
    assert client.get("/shelters/tiles/14/1/1.mvt").status_code == 204
    is_problem(client.get("/shelters/tiles/3/1/1.mvt"), 404, "tile-not-found")
    is_problem(client.get(f"/shelters/tiles/14/{2**20}/1.mvt"), 404, "tile-not-found")
    told = client.get("/shelters/tiles/tilejson.json").json()
    (template,) = told["tiles"]
    path = template.removeprefix("http://testserver").format(z=14, x=place.x, y=place.y)
    assert (told["vector_layers"][0]["id"], client.get(path).status_code) == ("shelters", 200)


# --- codings ---


@pytest.mark.parametrize(
    ("header", "size", "coding"),
    [
        ("gzip, deflate, br", 5_000, "br"),
        ("gzip, deflate, br", SQUEEZED_UP_TO + 1, "gzip"),
        ("br", SQUEEZED_UP_TO + 1, ""),
        ("gzip;q=1.0, br;q=0", 5_000, "gzip"),
        ("GZIP; Q=0.000", 5_000, ""),
        ("gzip", ZIPPED_FROM - 1, ""),
        ("identity", 5_000, ""),
        ("", 5_000, ""),
        ("brotli, xgzip", 5_000, ""),
    ],
)
def test_a_text_leaves_in_a_coding_that_is_taken(header: str, size: int, coding: str) -> None:
    assert chosen(header, size) == coding


def test_every_coding_comes_back() -> None:
    for content in (b"heat " * 1000, b"heat " * 50_000):
        assert brotli.decompress(zipped(content, "br")) == content
        assert igzip.decompress(zipped(content, "gzip")) == content
        assert zipped(content, "gzip") == zipped(content, "gzip")


def test_each_coding_has_its_own_tag(client: Client) -> None:
    answers = {
        name: client.get("/runs/latest", headers={"Accept-Encoding": name})
        for name in ("identity", "gzip", "br")
    }
    assert len({answer.headers["etag"] for answer in answers.values()}) == 3
    for name, answer in answers.items():
        assert answer.headers.get("content-encoding", "identity") == name
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.json() == answers["identity"].json()
        known = {"Accept-Encoding": name, "If-None-Match": answer.headers["etag"]}
        assert client.get("/runs/latest", headers=known).status_code == 304


# --- what another version wrote ---


def test_a_layer_that_this_version_does_not_know_harms_nothing(tmp_path: Path) -> None:
    run = write_small_run(tmp_path)
    path = run.path / "run.json"
    manifest = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(manifest | {"layers": ["snow", *manifest["layers"]]}), "utf-8")
    client = Client(create_app(tmp_path, clock=lambda: NOON))
    assert {row["id"] for row in client.get("/layers").json()["layers"]} == set(LAYERS)
    for url in ("/ogc/collections/heat", f"/stac/items/{RUN}", "/wmts/1.0.0/WMTSCapabilities.xml"):
        answer = client.get(url)
        assert answer.status_code == 200
        assert "snow" not in answer.text
    is_problem(client.get(f"/tiles/{RUN}/snow/{KEY}/{TILE}.png"), 404, "layer-not-found")
    is_problem(client.get(f"/tiles/{RUN}/snow/{KEY}/tilejson.json"), 404, "layer-not-found")
    is_problem(client.get("/ogc/collections/heat/styles/snow/map/tiles"), 404, "layer-not-found")


def test_a_place_has_all_that_the_run_holds(client: Client) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    body = client.get("/point", params={"lon": lon, "lat": lat}).json()
    step, fields = body["series"][4], dataset()
    for name in ("wbgt_moe", "wbgt_moe_sun", "wbgt_moe_shade", "wbgt_moe_sd", "p_danger", "tmrt", "utci"):
        assert step[name] == pytest.approx(float(fields[name].values[4][OPEN_CELL]), abs=0.006), name
        assert body["definitions"][name]["ja"]
    assert step["sunlit_minutes"] == round(180 * float(fields["sunlit"].values[4][OPEN_CELL]))
    assert body["scale_sport"]["levels"][0]["code"] == "almost_safe"
