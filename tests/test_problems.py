"""What the service says to a request that it cannot answer: in both languages, and with a way on."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from fastapi import HTTPException, Request

from heatrisk.api import create_app, problems
from tests.client import Client, is_problem
from tests.small_run import NOON, OPEN_CELL, lonlat, write_small_run

#: How the libraries say it, which is no Japanese.
FOREIGN = re.compile("should|Field|Input|Not Found|Method|parse|positions|degrees")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Client:
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    return Client(create_app(root, clock=lambda: NOON))


@pytest.mark.parametrize(
    ("path", "status", "ja", "en"),
    [
        ("/point", 422, "query.lon がありません; query.lat がありません", "query.lat is missing"),
        ("/point?lon=1&lat=91", 422, "必要なもの: 90 以下の数 / 実際: '91'", "query.lat is not valid"),
        ("/point?lon=1&lat=x", 422, "query.lat の指定が正しくありません / 必要なもの: 数値", "got 'x'"),
        ("/area", 422, "query.bbox がありません", "query.bbox is missing"),
        ("/area?bbox=" + "1" * 101, 422, "100 文字以下", "at most 100 characters"),
        ("/shelters?state=foo", 422, "'open', ", "expected 'open', "),
        ("/shelters?limit=1.5", 422, "整数", "valid integer"),
        ("/area?bbox=1,2,3", 400, "西,南,東,北（経度と緯度の度", "west,south,east,north [degrees]"),
        ("/shelters?near=1", 400, "経度,緯度（度", "lon,lat [degrees]"),
        ("/shelters?at=noon", 400, "ISO 8601（例", "ISO 8601, e.g."),
        ("/nothing", 404, "この URL で提供しているものはありません / 実際: /nothing", "listed at /docs"),
        ("/static/nothing.js", 404, "この URL で", "nothing is served at this address"),
    ],
)
def test_a_problem_is_told_in_both_languages(
    client: Client, path: str, status: int, ja: str, en: str
) -> None:
    answer = client.get(path)
    body = is_problem(answer, status, answer.json()["type"].partition("#")[2])
    japanese = body["ja"]["detail"]
    assert ja in japanese and not FOREIGN.search(japanese), japanese
    assert en in body["detail"] and not re.search("[ぁ-ん]", body["detail"]), body["detail"]
    assert all(row["ja"] and row["what"] for row in body.get("errors", ()))


def test_a_method_that_is_not_taken_names_those_that_are(client: Client) -> None:
    body = is_problem(client.post("/times"), 405, "not-served")
    assert "その操作を受け付けません / 必要なもの: GET, HEAD, OPTIONS / 実際: POST" in body["ja"]["detail"]
    assert "expected GET, HEAD, OPTIONS; got POST" in body["detail"]


@pytest.mark.parametrize("target", ["*", "foo", "", "//"])
def test_an_address_that_is_no_path_is_not_served(tmp_path: Path, target: str) -> None:
    """No client library sends these; scanners do."""
    scope = {"type": "http", "method": "OPTIONS", "path": target, "headers": [], "app": create_app(tmp_path)}
    answer = asyncio.run(problems.answer(Request(scope), HTTPException(404)))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/tiles/latest/risk/15/29088/12903.png", "/tiles/{run}/{layer}/{time}/{z}/{x}/{y}.png"),
        ("/tiles/latest/risk/now/tiles.json", "/tiles/{run}/{layer}/{time}/tilejson.json"),
        ("/legend/risk", "/legend/{layer}.json"),
    ],
)
def test_an_address_that_is_nearly_right_names_the_right_form(client: Client, path: str, form: str) -> None:
    body = is_problem(client.get(path), 404, "not-served")
    assert form in body["detail"] and form in body["ja"]["detail"]


LON, LAT = (f"{degrees:.4f}" for degrees in lonlat(*OPEN_CELL))


@pytest.mark.parametrize(
    ("path", "right"),
    [
        (f"/point?lon={LAT}&lat={LON}", "lon=139.5"),
        (f"/area?bbox={LAT},{LON},{float(LAT) + 0.001:.4f},{float(LON) + 0.001:.4f}", f"{LON[:6]}"),
        (f"/shelters?near={LAT},{LON}", f"{LON[:6]}"),
        (f"/ogc/collections/heat/position?coords=POINT({LAT} {LON})", f"{LON[:6]}"),
    ],
)
def test_longitude_and_latitude_that_are_swapped_are_recognised(
    client: Client, path: str, right: str
) -> None:
    body = client.get(path).json()
    assert "Longitude and latitude seem to be swapped: give " + right in body["detail"]
    assert "経度と緯度が逆のようです。" + right in body["ja"]["detail"]


@pytest.mark.parametrize("query", ["lon=200&lat=100", "lon=35&lat=200", "lon=nan&lat=139", "lon=x&lat=139"])
def test_what_would_be_wrong_in_either_order_is_not_called_swapped(client: Client, query: str) -> None:
    assert "swapped" not in is_problem(client.get(f"/point?{query}"), 422, "invalid-parameter")["detail"]
