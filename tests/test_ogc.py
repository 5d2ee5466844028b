"""OGC API Tiles and EDR, WMTS and STAC: members that the standards name, values that are the run's."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import morecantile
import numpy as np
import pytest
from pyproj import Transformer

from heatrisk.api import Settings, create_app
from heatrisk.api.ogc import CONFORMANCE
from heatrisk.layers import LAYERS
from tests.client import Client, is_problem
from tests.small_run import (
    BUILDING,
    FIELDS,
    GRID,
    NOON,
    OPEN_CELL,
    RUN,
    SHELTERS,
    TIMES,
    TMS,
    dataset,
    lonlat,
    write_small_run,
)

HEAT = "/ogc/collections/heat"
WHEN = [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in TIMES]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    return Client(create_app(root, Settings(), clock=lambda: NOON))


def got(client: Client, url: str, **query: Any) -> dict[str, Any]:
    answer = client.get(url.removeprefix("http://testserver"), params=query)
    assert answer.status_code == 200, (url, answer.text)
    return dict(answer.json())


def links(body: dict[str, Any], rel: str) -> list[str]:
    return [link["href"] for link in body["links"] if link["rel"].rpartition("/")[2] == rel]


# --- common ---


def test_everything_is_found_from_the_landing_page(client: Client) -> None:
    landing = got(client, "/ogc")
    for rel in ("self", "service-desc", "service-doc", "conformance", "data", "tiling-schemes"):
        for href in links(landing, rel):
            assert client.get(href.removeprefix("http://testserver")).status_code == 200, href
    assert got(client, links(landing, "conformance")[0])["conformsTo"] == list(CONFORMANCE)
    (heat,) = got(client, links(landing, "data")[0])["collections"]
    assert heat == got(client, links(heat, "self")[0])
    west, south, east, north = GRID.bounds_lonlat
    assert heat["extent"]["spatial"]["bbox"] == [pytest.approx([west, south, east, north])]
    assert heat["extent"]["temporal"]["interval"] == [[WHEN[0], WHEN[-1]]]
    # OGC 19-086r6, table "collection": required members.
    assert {
        "id",
        "links",
        "extent",
        "data_queries",
        "crs",
        "output_formats",
        "parameter_names",
    } <= heat.keys()
    for parameter in heat["parameter_names"].values():
        assert parameter["type"] == "Parameter" and parameter["observedProperty"]["label"]["en"]
    for query in heat["data_queries"].values():
        assert (
            query["link"]["rel"] == "data"
            and query["link"]["variables"]["query_type"] in query["link"]["href"]
        )


def test_each_query_announces_the_form_in_which_it_answers(client: Client) -> None:
    heat = got(client, HEAT)
    lon, lat = lonlat(*OPEN_CELL)
    box = f"{lon},{lat},{lon + 1e-4},{lat + 1e-4}"
    ring = f"POLYGON(({lon} {lat},{lon + 1e-4} {lat},{lon} {lat + 1e-4},{lon} {lat}))"
    asked = {
        "position": {"coords": f"POINT({lon} {lat})"}, "area": {"coords": ring}, "cube": {"bbox": box},
        "locations": {},
    }  # fmt: skip
    assert heat["data_queries"].keys() == asked.keys()
    for kind, query in heat["data_queries"].items():
        link = query["link"]
        answer = client.get(link["href"].removeprefix("http://testserver"), params=asked[kind])
        assert answer.headers["content-type"] == link["type"], kind
        assert link["variables"]["default_output_format"] in heat["output_formats"]
        assert {**link, "variables": None} | {"title": kind} in [
            {**one, "variables": None} for one in heat["links"]
        ]
    (one,) = [link for link in heat["links"] if link.get("templated") and "locationId" in link["href"]]
    place = client.get(one["href"].removeprefix("http://testserver").format(locationId="1"))
    assert place.headers["content-type"] == one["type"] == "application/prs.coverage+json"


# --- tiles ---


def test_the_tile_matrix_set_is_the_registered_one(client: Client) -> None:
    (row,) = got(client, "/ogc/tileMatrixSets")["tileMatrixSets"]
    found = got(client, links(row, "tiling-scheme")[0])
    assert found["id"] == row["id"] == "WebMercatorQuad"
    parsed = morecantile.TileMatrixSet.model_validate(
        {**found, "crs": "http://www.opengis.net/def/crs/EPSG/0/3857"}
    )
    assert parsed.tile(139.55, 35.68, 15) == TMS.tile(139.55, 35.68, 15)
    # OGC 17-083r4, annex D.1: scale denominator of level 0.
    assert found["tileMatrices"][0]["scaleDenominator"] == pytest.approx(559082264.028717)


def test_a_tileset_leads_to_tiles_row_before_column(client: Client) -> None:
    heat = got(client, HEAT)
    assert {href.split("/")[-3] for href in links(heat, "tilesets-map")} == set(LAYERS)
    (tileset,) = got(client, f"{HEAT}/styles/risk/map/tiles")["tilesets"]
    assert tileset == got(client, links(tileset, "self")[0])
    assert (tileset["dataType"], tileset["crs"].rpartition("/")[2]) == ("map", "3857")
    (item,) = [link for link in tileset["links"] if link["rel"] == "item"]
    assert item["templated"] is True
    place = TMS.tile(*lonlat(*OPEN_CELL), 15)
    limits = next(row for row in tileset["tileMatrixSetLimits"] if row["tileMatrix"] == "15")
    assert limits["minTileRow"] <= place.y <= limits["maxTileRow"]
    assert limits["minTileCol"] <= place.x <= limits["maxTileCol"]
    url = (
        item["href"].format(tileMatrix=15, tileRow=place.y, tileCol=place.x).removeprefix("http://testserver")
    )
    for when, key in ((None, "now"), (WHEN[2], WHEN[2]), (f"{WHEN[0]}/{WHEN[2]}", WHEN[2])):
        answer = client.get(url, params={} if when is None else {"datetime": when})
        same = client.get(f"/tiles/latest/risk/{key}/15/{place.x}/{place.y}.png")
        assert answer.content == same.content
        assert answer.headers["etag"] == same.headers["etag"]
    again = client.get(url, headers={"If-None-Match": client.get(url).headers["etag"]})
    assert again.status_code == 304
    is_problem(client.get(url, params={"datetime": "2030-01-01T00:00:00Z"}), 400, "time-not-found")
    is_problem(client.get(f"{HEAT}/styles/risk/map/tiles/WebMercatorQuad/15/0/0"), 404, "tile-not-found")
    is_problem(client.get(f"{HEAT}/styles/wind/map/tiles"), 404, "layer-not-found")


# --- EDR ---


def test_a_position_is_the_series_of_its_cell(client: Client) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    answer = client.get(f"{HEAT}/position", params={"coords": f"POINT({lon} {lat})"})
    assert answer.headers["content-type"] == "application/prs.coverage+json"
    body = answer.json()
    assert (body["type"], body["domain"]["type"], body["domain"]["domainType"]) == (
        "Coverage",
        "Domain",
        "PointSeries",
    )
    axes = body["domain"]["axes"]
    assert (axes["x"]["values"], axes["y"]["values"], axes["t"]["values"]) == ([lon], [lat], WHEN)
    assert body["parameters"].keys() == body["ranges"].keys() == FIELDS
    for name, series in body["ranges"].items():
        assert (series["type"], series["axisNames"], series["shape"]) == ("NdArray", ["t"], [8])
        assert series["values"] == pytest.approx(
            dataset()[name].values[(slice(None), *OPEN_CELL)], abs=0.0051
        )
    (run,) = got(client, f"{HEAT}/instances")["instances"]
    assert run["id"] == RUN
    link = run["data_queries"]["position"]["link"]["href"].removeprefix("http://testserver")
    fixed = client.get(link, params={"coords": f"POINT({lon} {lat})"})
    assert fixed.json() == body and "immutable" in fixed.headers["cache-control"]


@pytest.mark.parametrize(
    "when, steps",
    [
        (WHEN[3], [3]), (f"{WHEN[2]}/{WHEN[4]}", [2, 3, 4]), (f"../{WHEN[1]}", [0, 1]),
        (f"{WHEN[6]}/..", [6, 7]),
        ("../..", list(range(8))), (f"/{WHEN[0]}", [0]), ("2025-08-05T15:00/2025-08-05T16:00", [4]),
    ],
)  # fmt: skip
def test_instants_and_intervals_choose_steps(client: Client, when: str, steps: list[int]) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    query = {"coords": f"POINT({lon} {lat})", "datetime": when, "parameter-name": "wbgt_moe, sunlit"}
    body = got(client, f"{HEAT}/position", **query)
    assert body["domain"]["axes"]["t"]["values"] == [WHEN[step] for step in steps]
    assert list(body["ranges"]) == ["wbgt_moe", "sunlit"]
    assert len(body["ranges"]["wbgt_moe"]["values"]) == len(steps)


def test_an_area_is_a_grid_in_the_coordinates_of_the_run(client: Client) -> None:
    corners = [lonlat(28.3, 17.2), lonlat(28.3, 29.4), lonlat(37.6, 17.2)]
    text = ", ".join(f"{lon} {lat}" for lon, lat in (*corners, corners[0]))
    body = got(client, f"{HEAT}/area", coords=f"POLYGON(({text}))", **{"parameter-name": "wbgt_moe"})
    axes = body["domain"]["axes"]
    assert body["domain"]["domainType"] == "Grid"
    assert body["domain"]["referencing"][0]["system"]["id"] == "http://www.opengis.net/def/crs/EPSG/0/6677"
    values = np.array(body["ranges"]["wbgt_moe"]["values"], np.float64).reshape(
        body["ranges"]["wbgt_moe"]["shape"]
    )
    assert values.shape == (8, len(axes["y"]["values"]), len(axes["x"]["values"]))
    from_lonlat = Transformer.from_crs("EPSG:4326", GRID.crs, always_xy=True)
    expected, compared = dataset()["wbgt_moe"], 0
    triangle = np.array([from_lonlat.transform(*corner) for corner in corners])
    for row, y in enumerate(axes["y"]["values"]):
        for column, x in enumerate(axes["x"]["values"]):
            value = float(expected.sel(x=x, y=y).values[4])
            if not _within(triangle, x, y):
                assert np.isnan(values[4, row, column])
            else:
                compared += 1
                assert values[4, row, column] == pytest.approx(value, abs=0.0051, nan_ok=True)
    assert compared > 40
    assert np.isnan(values[4]).sum() > (values[4].size - compared), "buildings have no value"
    assert BUILDING[0].start == 30


def _within(triangle: np.ndarray, x: float, y: float) -> bool:
    """Tell whether a point lies in a triangle, by the signs of three cross products."""
    edges = np.roll(triangle, -1, axis=0) - triangle
    to_point = np.array([x, y]) - triangle
    signs = edges[:, 0] * to_point[:, 1] - edges[:, 1] * to_point[:, 0]
    return bool((signs > 0).all() or (signs < 0).all())


@pytest.mark.parametrize(
    "coords",
    [
        "",
        "POINT",
        "POINT(1)",
        "POINT EMPTY",
        "POINT(nan 35)",
        "POINT(200 35)",
        "LINESTRING(0 0, 1 1)",
        "x" * 150,
        "\x00",
    ],
)
def test_coordinates_that_are_none_are_refused(client: Client, coords: str) -> None:
    is_problem(client.get(f"{HEAT}/position", params={"coords": coords}), 400, "invalid-request")
    is_problem(client.get(f"{HEAT}/area", params={"coords": coords}), 400, "invalid-request")


def test_what_cannot_be_answered_says_why(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    point = {"coords": f"POINT({lon} {lat})"}
    is_problem(client.get(f"{HEAT}/position", params={"coords": "POINT(0 0)"}), 404, "outside")
    is_problem(client.get(f"{HEAT}/area", params={"coords": "POLYGON((0 0,1 0,1 1,0 0))"}), 404, "outside")
    is_problem(
        client.get(f"{HEAT}/area", params={"coords": "POLYGON((0 0,1 1,1 0,0 1,0 0))"}),
        400,
        "invalid-request",
    )
    is_problem(
        client.get(f"{HEAT}/position", params={**point, "parameter-name": "wind"}), 400, "invalid-request"
    )
    is_problem(client.get(f"{HEAT}/position", params={**point, "f": "GRIB"}), 422, "invalid-parameter")
    is_problem(client.get(f"{HEAT}/position", params={**point, "datetime": "a/b"}), 400, "time-not-found")
    late = {**point, "datetime": "2030-01-01T00:00Z/.."}
    body = is_problem(client.get(f"{HEAT}/position", params=late), 400, "time-not-found")
    assert body["valid_times"] == WHEN
    monkeypatch.setattr("heatrisk.api.edr.MAX_VALUES", 10)
    whole = {"coords": "POLYGON((139 35,140 35,140 36,139 36,139 35))"}
    is_problem(client.get(f"{HEAT}/area", params=whole), 413, "too-large")


# --- WMTS and STAC ---

OWS, WMTS = "{http://www.opengis.net/ows/1.1}", "{http://www.opengis.net/wmts/1.0}"


def test_wmts_names_tiles_that_exist(client: Client) -> None:
    answer = client.get("/wmts/1.0.0/WMTSCapabilities.xml")
    assert answer.headers["content-type"] == "application/xml"
    root = ElementTree.fromstring(answer.content)
    assert (root.tag, root.get("version")) == (f"{WMTS}Capabilities", "1.0.0")
    contents = root.find(f"{WMTS}Contents")
    assert contents is not None
    layers = {layer.findtext(f"{OWS}Identifier"): layer for layer in contents.findall(f"{WMTS}Layer")}
    assert layers.keys() == set(LAYERS)
    layer = layers["risk"]
    dimension, resource = layer.find(f"{WMTS}Dimension"), layer.find(f"{WMTS}ResourceURL")
    assert dimension is not None and resource is not None
    times = [value.text for value in dimension.findall(f"{WMTS}Value")]
    assert (len(times), dimension.findtext(f"{WMTS}Default")) == (8, "20250805T0600Z")
    assert layer.findtext(f"{WMTS}TileMatrixSetLink/{WMTS}TileMatrixSet") == contents.findtext(
        f"{WMTS}TileMatrixSet/{OWS}Identifier"
    )
    west, south = map(float, str(layer.findtext(f"{OWS}WGS84BoundingBox/{OWS}LowerCorner")).split())
    assert (west, south) == pytest.approx(GRID.bounds_lonlat[:2])
    place = TMS.tile(*lonlat(*OPEN_CELL), 15)
    for time in times:
        names = {"Time": time, "TileMatrix": 15, "TileCol": place.x, "TileRow": place.y}
        url = str(resource.get("template")).format(**names).removeprefix("http://testserver")
        assert client.get(url).headers["cache-control"].endswith("immutable")
    scales = {m.findtext(f"{OWS}Identifier"): float(str(m.findtext(f"{WMTS}ScaleDenominator")))
              for m in contents.findall(f"{WMTS}TileMatrixSet/{WMTS}TileMatrix")}  # fmt: skip
    assert scales["15"] == pytest.approx(559082264.0287178 / 2**15)
    etag = answer.headers["etag"]
    assert client.get("/wmts/1.0.0/WMTSCapabilities.xml", headers={"If-None-Match": etag}).status_code == 304


def test_wmts_survives_the_names_of_a_city(tmp_path: Path) -> None:
    write_small_run(tmp_path, attribution=[{"ja": "<図書&館>", "en": "A & B <x>"}])
    client = Client(create_app(tmp_path, Settings(public_url="https://x.jp/a?b&c"), clock=lambda: NOON))
    answer = client.get("/wmts/1.0.0/WMTSCapabilities.xml?lang=en")
    root = ElementTree.fromstring(answer.content)
    assert "A & B <x>" in str(root.findtext(f"{OWS}ServiceIdentification/{OWS}Abstract"))


def test_a_stac_item_describes_the_run_and_its_assets_exist(client: Client) -> None:
    catalogue = got(client, "/stac")
    # STAC 1.1.0: required members of Catalog and Item.
    assert {"type", "stac_version", "id", "description", "links"} <= catalogue.keys()
    (href,) = links(catalogue, "item")
    answer = client.get(href.removeprefix("http://testserver"))
    assert answer.headers["content-type"] == "application/geo+json"
    assert "immutable" in answer.headers["cache-control"]
    item = answer.json()
    required = {"type", "stac_version", "id", "geometry", "bbox", "properties", "links", "assets"}
    assert required <= item.keys() and item["type"] == "Feature"
    properties = item["properties"]
    assert (properties["datetime"], properties["start_datetime"]) == (None, WHEN[0])
    assert (properties["proj:code"], properties["proj:shape"]) == ("EPSG:6677", [50, 60])
    assert links(item, "root") == links(item, "parent") == links(catalogue, "self")
    for asset in item["assets"].values():
        found = client.get(asset["href"].removeprefix("http://testserver"))
        assert found.headers["content-type"].startswith(asset["type"]), asset
    is_problem(client.get("/stac/items/20200101T0000Z-00000000"), 404, "run-not-found")


def test_without_a_run_the_standards_doors_say_so(tmp_path: Path) -> None:
    client = Client(create_app(tmp_path, clock=lambda: NOON))
    for url in ("/ogc", "/ogc/conformance", "/ogc/tileMatrixSets", "/stac", f"{HEAT}/instances"):
        assert client.get(url).status_code == 200
    for url in (
        "/ogc/collections",
        HEAT,
        f"{HEAT}/styles/risk/map/tiles",
        "/wmts/1.0.0/WMTSCapabilities.xml",
        "/alerts",
    ):
        is_problem(client.get(url), 404, "run-not-found")


def test_named_places_have_the_series_of_the_ground_before_their_door(tmp_path: Path) -> None:
    # The library stands in the middle of a block of 6 x 4 cells: the way out is north or south.
    made = dataset()
    made["mask"].values[23:27, 27:33] = 1
    write_small_run(tmp_path, fields=made)
    client = Client(create_app(tmp_path, Settings(), clock=lambda: NOON))
    placed = [shelter for shelter in SHELTERS if shelter.lon is not None]
    listed = got(client, f"{HEAT}/locations")
    assert [(one["id"], one["properties"]["name"]) for one in listed["features"]] == [
        (shelter.id, shelter.name) for shelter in placed
    ]
    body = got(client, f"{HEAT}/locations/1", **{"parameter-name": "wbgt_moe"})
    axes = body["domain"]["axes"]
    cell = GRID.index(axes["x"]["values"][0], axes["y"]["values"][0])
    assert cell in {(22, 30), (27, 30)}
    assert body["ranges"]["wbgt_moe"]["values"] == pytest.approx(
        dataset()["wbgt_moe"].values[(slice(None), *cell)], abs=0.0051
    )
    one_run = got(client, f"{HEAT}/instances/{RUN}/locations/1", **{"parameter-name": "wbgt_moe"})
    assert one_run == body
    assert got(client, f"{HEAT}/locations", bbox="139.0,35.0,139.1,35.1")["features"] == []
    assert len(got(client, f"{HEAT}/instances/{RUN}/locations")["features"]) == len(placed)
    is_problem(client.get(f"{HEAT}/locations/nowhere"), 404, "shelter-not-found")
    is_problem(client.get(f"{HEAT}/locations/1?datetime=2030-01-01T00:00Z"), 400, "time-not-found")
    is_problem(client.get(f"{HEAT}/locations?bbox=1,2"), 400, "invalid-request")
