"""Map tiles and their freshness. Expected values are the hand-made fields of ``small_run``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from heatrisk.api import Settings, create_app
from tests.client import Client, is_problem
from tests.png import rgba
from tests.small_run import (
    BUILDING,
    CREATED,
    GRID,
    NOON,
    OPEN_CELL,
    OUTSIDE,
    RUN,
    TIMES,
    TMS,
    dataset,
    lonlat,
    tile_of,
    write_small_run,
)

YEAR = "public, max-age=31536000, immutable"
MINUTE = "public, max-age=60, stale-while-revalidate=600"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("store")
    assert write_small_run(root).id == RUN
    return root


@pytest.fixture(scope="module")
def client(store: Path) -> Client:
    return Client(create_app(store, Settings(), clock=lambda: NOON))


def pixel(client: Client, layer: str, time: str, cell: tuple[int, int]) -> tuple[int, ...]:
    lon, lat = lonlat(*cell)
    address = TMS.tile(lon, lat, 15)
    answer = client.get(f"/tiles/latest/{layer}/{time}/{address.z}/{address.x}/{address.y}.png")
    assert answer.status_code == 200
    box = TMS.xy_bounds(address)
    x, y = TMS.xy(lon, lat)
    column = int((x - box.left) / (box.right - box.left) * 256)
    row = int((box.top - y) / (box.top - box.bottom) * 256)
    return tuple(int(part) for part in rgba(answer.content)[row, column])


@pytest.mark.parametrize("cell", [OPEN_CELL, (5, 10), (45, 5), (28, 40)])
def test_a_tile_pixel_has_the_colour_of_its_cell(client: Client, cell: tuple[int, int]) -> None:
    value = float(dataset()["wbgt_moe"].values[4][cell])
    level = sum(value >= lower for lower in (25, 28, 31))
    colours = [(0xA0, 0xD2, 0xFF), (0xFA, 0xF5, 0x00), (0xFF, 0x96, 0x00), (0xFF, 0x28, 0x00)]
    assert pixel(client, "risk", "2025-08-05T15:00", cell) == (*colours[level], 255)


def test_building_and_outside_are_told_apart(client: Client) -> None:
    assert pixel(client, "wbgt_moe", "now", (BUILDING[0].start + 1, BUILDING[1].start + 2))[3] not in (0, 255)
    assert pixel(client, "wbgt_moe", "now", (OUTSIDE[0].start + 3, OUTSIDE[1].start + 5))[3] == 0


def test_run_tiles_are_immutable_and_known_ones_are_not_sent_again(client: Client) -> None:
    url = f"/tiles/{RUN}/risk/20250805T0600Z/{tile_of(OPEN_CELL)}.png"
    first = client.get(url)
    assert first.headers["content-type"] == "image/png"
    assert "content-encoding" not in first.headers
    assert first.headers["cache-control"] == YEAR
    assert first.headers["heatrisk-run"] == RUN
    assert first.headers["heatrisk-valid-time"] == "2025-08-05T06:00:00Z"
    assert "heatrisk-data-age" not in first.headers
    etag = first.headers["etag"]
    assert etag.startswith('"')
    for known in (etag, f'"other", W/{etag}', "*"):
        again = client.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["cache-control"] == YEAR
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_etags_differ_by_layer_step_and_tile(client: Client) -> None:
    tile, other = tile_of(OPEN_CELL), tile_of(OPEN_CELL, 14)
    urls = [f"risk/now/{tile}", f"risk/now/{other}", f"sunlit/now/{tile}", f"risk/2025-08-05T12:00/{tile}"]
    etags = {client.get(f"/tiles/latest/{url}.png").headers["etag"] for url in urls}
    assert len(etags) == len(urls)


@pytest.mark.parametrize(("run", "time"), [("latest", "20250805T0600Z"), (RUN, "now"), ("latest", "now")])
def test_what_follows_the_clock_is_short_lived_and_states_its_age(
    client: Client, run: str, time: str
) -> None:
    answer = client.get(f"/tiles/{run}/risk/{time}/{tile_of(OPEN_CELL)}.png")
    assert answer.headers["cache-control"] == MINUTE
    assert answer.headers["heatrisk-data-age"] == str(int((NOON - CREATED).total_seconds()))
    assert "heatrisk-stale" not in answer.headers
    assert answer.headers["etag"]


@pytest.mark.parametrize(
    "written",
    [
        "2025-08-05T06:00:00Z",
        "2025-08-05T15:00:00+09:00",
        "2025-08-05T15:00",
        "20250805T0600Z",
        "20250805T150000",
        "now",
        "latest",
    ],
)
def test_forms_of_one_instant(client: Client, written: str) -> None:
    answer = client.get(f"/tiles/{RUN}/risk/{written}/{tile_of(OPEN_CELL)}.png")
    assert answer.headers["heatrisk-valid-time"] == "2025-08-05T06:00:00Z"


@pytest.mark.parametrize(
    "written",
    ["2025-08-05T15:01", "2025-08-06T06:00Z", "yesterday", "0001-01-01T00:00", "9999-12-31T23:59-12:00"],
)
def test_times_off_the_grid_are_refused_with_the_valid_ones(client: Client, written: str) -> None:
    body = is_problem(
        client.get(f"/tiles/{RUN}/risk/{written}/{tile_of(OPEN_CELL)}.png"), 400, "time-not-found"
    )
    if written.startswith("2025"):
        assert body["valid_times"] == [f"{time:%Y-%m-%dT%H:%M:%SZ}" for time in TIMES]


@pytest.mark.parametrize(
    ("hours", "valid", "stale"),
    [
        (-100, TIMES[0], False),
        (0, TIMES[4], False),
        (11.3, TIMES[7], False),
        (11.4, TIMES[7], True),
        (900, TIMES[7], True),
    ],
)
def test_now_stays_within_the_run_and_says_when_it_is_over(
    store: Path, hours: float, valid: Any, stale: bool
) -> None:
    # The last window ends at 2025-08-05T16:30Z, 11 h 20 min after NOON.
    client = Client(create_app(store, clock=lambda: NOON + timedelta(hours=hours)))
    answer = client.get(f"/tiles/latest/risk/now/{tile_of(OPEN_CELL)}.png")
    assert answer.headers["heatrisk-valid-time"] == f"{valid:%Y-%m-%dT%H:%M:%SZ}"
    assert (answer.headers.get("heatrisk-stale") == "true") == stale
    assert int(answer.headers["heatrisk-data-age"]) >= 0
    assert client.get("/times").json()["stale"] == stale


def test_tiles_outside_or_too_deep_are_problems_and_empty_ones_are_empty(client: Client) -> None:
    tile = TMS.tile(*lonlat(*OPEN_CELL), 15)
    for address in (f"15/{tile.x + 40}/{tile.y}", tile_of(OPEN_CELL, 18), tile_of(OPEN_CELL, 2), "15/-1/3"):
        answer = client.get(f"/tiles/latest/risk/now/{address}.png")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
    is_problem(client.get(f"/tiles/latest/nothing/now/{tile_of(OPEN_CELL)}.png"), 404, "layer-not-found")
    is_problem(
        client.get(f"/tiles/20200101T0000Z-00000000/risk/now/{tile_of(OPEN_CELL)}.png"), 404, "run-not-found"
    )


def test_an_unknown_layer_is_no_304(client: Client) -> None:
    answer = client.get(f"/tiles/latest/nothing/now/{tile_of(OPEN_CELL)}.png", headers={"If-None-Match": "*"})
    is_problem(answer, 404, "layer-not-found")


@pytest.mark.parametrize("column", [40, -40])
def test_a_tile_outside_is_no_304(client: Client, column: int) -> None:
    tile = TMS.tile(*lonlat(*OPEN_CELL), 15)
    url = f"/tiles/{RUN}/risk/20250805T0600Z/15/{tile.x}/{tile.y}.png"
    known = client.get(url).headers["etag"].replace(f".{tile.x}.", f".{tile.x + column}.")
    for etag in ("*", known):
        answer = client.get(
            url.replace(f"/{tile.x}/", f"/{tile.x + column}/"), headers={"If-None-Match": etag}
        )
        is_problem(answer, 404, "tile-not-found")


def test_a_known_tile_is_not_drawn_to_say_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"/tiles/{RUN}/risk/20250805T0600Z/{tile_of(OPEN_CELL)}.png"
    monkeypatch.delattr("heatrisk.tiles.serving.png")
    assert client.get(url, headers={"If-None-Match": "*"}).status_code == 304


def test_an_empty_tile_inside_the_bounds_has_no_body(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(create_app(store, clock=lambda: NOON))
    monkeypatch.setattr("heatrisk.tiles.render", lambda *_, **__: None)
    answer = client.get(f"/tiles/{RUN}/risk/20250805T0600Z/{tile_of(OPEN_CELL)}.png")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == YEAR


def test_tilejson_of_the_newest_run_names_tiles_that_every_cache_may_keep(client: Client) -> None:
    answer = client.get("/tiles/latest/risk/now/tilejson.json")
    body = answer.json()
    assert answer.headers["cache-control"] == MINUTE
    assert body["tilejson"] == "3.0.0"
    assert body["tiles"] == [f"http://testserver/tiles/{RUN}/risk/20250805T0600Z/{{z}}/{{x}}/{{y}}.png"]
    assert body["bounds"] == pytest.approx(GRID.bounds_lonlat)
    tile = TMS.tile(*lonlat(*OPEN_CELL), body["maxzoom"])
    url = body["tiles"][0].format(z=tile.z, x=tile.x, y=tile.y).removeprefix("http://testserver")
    assert client.get(url).headers["cache-control"] == YEAR


@pytest.mark.parametrize("root", ["/tiles/latest/risk", f"/tiles/{RUN}/risk", "/values/latest/wbgt_moe"])
def test_tilejson_without_a_time_is_that_of_now(client: Client, root: str) -> None:
    answer, now = (client.get(f"{root}/{time}tilejson.json") for time in ("", "now/"))
    assert (answer.status_code, answer.json()) == (200, now.json())
    assert answer.headers["cache-control"] == now.headers["cache-control"] == MINUTE


@pytest.mark.parametrize("address", ["16/1/1", "30/1/1", "15/0/0"])
@pytest.mark.parametrize("form", [".png", "@2x.png", ".webp"])
def test_a_wrong_layer_is_told_before_a_wrong_tile(client: Client, address: str, form: str) -> None:
    is_problem(client.get(f"/tiles/latest/nosuch/now/{address}{form}"), 404, "layer-not-found")


def test_tilejson_of_a_run_and_time_is_immutable(client: Client) -> None:
    url = f"/tiles/{RUN}/risk/2025-08-05T15:00/tilejson.json"
    answer = client.get(url)
    assert answer.headers["cache-control"] == YEAR
    assert client.get(url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_tilejson_of_an_unanchored_run_says_so(tmp_path: Path, client: Client) -> None:
    url = "/tiles/latest/risk/now/tilejson.json"
    write_small_run(tmp_path, official=None, anchor={"anchored": False, "suspect": []})
    told = Client(create_app(tmp_path, Settings(), clock=lambda: NOON)).get(url).json()["description"]
    assert told.endswith("公式の予測に合わせていません。")
    assert "合わせていません" not in client.get(url).json()["description"]


def test_tilejson_uses_the_public_address(store: Path) -> None:
    client = Client(
        create_app(store, Settings(public_url="https://heat.example.jp/map/"), clock=lambda: NOON)
    )
    (tiles,) = client.get("/tiles/latest/risk/now/tilejson.json").json()["tiles"]
    assert tiles.startswith(f"https://heat.example.jp/map/tiles/{RUN}/")


@pytest.mark.parametrize("run", ["latest", RUN])
@pytest.mark.parametrize("time", ["now", "20250805T0600Z", "2025-08-05T15:00+09:00", "2025-08-05T15:00"])
@pytest.mark.parametrize("known", [None, "itself", '"else"', "*"])
def test_the_short_way_to_a_tile_says_what_the_long_way_says(
    client: Client, run: str, time: str, known: str | None
) -> None:
    url = f"/tiles/{run}/risk/{time}/{tile_of(OPEN_CELL)}.png"
    tag = client.get(url).headers["etag"] if known == "itself" else known
    headers = {} if tag is None else {"If-None-Match": tag}
    short, long = client.get(url, headers=headers), client.get(f"{url}?way=long", headers=headers)
    assert short.status_code == long.status_code == (304 if known in ("itself", "*") else 200)
    assert short.content == long.content
    assert sorted(short.headers.multi_items()) == sorted(long.headers.multi_items())


@pytest.mark.parametrize(
    "path",
    ["latest/risk/now/15/1/1", "latest/snow/now/15/1/1", "none/risk/now/15/1/1", "latest/risk/never/15/1/1",
     "latest/risk/now/15/1/x", "latest/risk/now/15/-1/1", "latest/risk/now/٣/1/1", "latest/risk/now/99/1/1",
     "latest/risk/now/15/1/9999999999999", "latest/risk/now/15//1", "a/b/c/latest/risk/now/15/1/1"],
)  # fmt: skip
def test_a_problem_is_the_same_on_both_ways(client: Client, path: str) -> None:
    short, long = client.get(f"/tiles/{path}.png"), client.get(f"/tiles/{path}.png?way=long")
    assert short.status_code == long.status_code >= 400
    assert (short.json(), short.headers["cache-control"]) == (long.json(), "no-store")


def test_both_ways_are_counted_alike(client: Client) -> None:
    def counted() -> int:
        text = client.get("/metrics").text
        lines = [
            line
            for line in text.splitlines()
            if 'requests_total{route="tile",method="GET",status="200"}' in line
        ]
        return int(lines[0].rpartition(" ")[2]) if lines else 0

    before = counted()
    client.get(f"/tiles/latest/risk/now/{tile_of(OPEN_CELL)}.png")
    client.get(f"/tiles/latest/risk/now/{tile_of(OPEN_CELL)}.png?way=long")
    assert counted() == before + 2
