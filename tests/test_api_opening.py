"""The first words in one answer: each part is what its own route says."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from heatrisk.api import Settings, alerts, area, create_app
from heatrisk.api.problems import OutsideError, TooLargeError
from heatrisk.errors import HeatRiskError, StoreError
from tests.client import Client, is_problem
from tests.small_run import BUILDING, GRID, NOON, OPEN_CELL, OUTSIDE, RUN, dataset, lonlat, write_small_run


@pytest.fixture(scope="module")
def client(small_store: Path) -> Client:
    return Client(create_app(small_store, Settings(), clock=lambda: NOON))


def test_every_part_is_what_its_own_route_answers(client: Client) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    body = client.get("/opening", params={"place": f"{lon},{lat}"}).json()
    assert body["place"] == [lon, lat]
    assert body["point"] == client.get("/point", params={"lon": lon, "lat": lat}).json()
    assert body["times"] == client.get("/times").json()
    assert body["alerts"] == client.get("/alerts").json()
    whole = client.get(f"/runs/{RUN}").json()
    assert body["manifest"].items() <= whole.items() and body["manifest"]["run_id"] == RUN


def test_the_ground_around_is_told_50_metres_each_way(client: Client) -> None:
    lon, lat = lonlat(*OPEN_CELL)
    around = client.get("/opening", params={"place": f"{lon},{lat}"}).json()["around"]
    row, column = OPEN_CELL
    # The middle of a cell lies in: ten cells of 5 m each way, and the far half of each is within.
    box = dataset()["wbgt_moe"].values[:, row - 10 : row + 11, column - 10 : column + 11]
    expected = np.nanmean(box, axis=(1, 2))
    assert [step["mean"] for step in around] == pytest.approx(expected.tolist(), abs=0.08)


def test_without_a_place_it_is_open_ground_in_the_middle(client: Client) -> None:
    lon, lat = client.get("/opening").json()["place"]
    cell = GRID.index(lon, lat)
    assert cell is not None
    middle = np.array(GRID.shape) / 2
    assert np.abs(np.array(cell) + 0.5 - middle).max() <= 1


def test_a_town_hall_in_the_middle_is_walked_round(tmp_path: Path) -> None:
    made = dataset()
    made["mask"].values[20:30, 24:37] = 1
    write_small_run(tmp_path, fields=made)
    body = Client(create_app(tmp_path, Settings(), clock=lambda: NOON)).get("/opening").json()
    assert body["point"]["place"]["state"] == "outdoor"
    # The middle is the corner of four cells, row 25: the nearest open row is the one below.
    assert GRID.index(*body["place"]) == (30, 30)


@pytest.mark.parametrize(("cell", "state"), [(BUILDING, "building"), (OUTSIDE, "unknown")])
def test_a_place_without_values_is_told_as_it_is(
    client: Client, cell: tuple[slice, slice], state: str
) -> None:
    lon, lat = lonlat(cell[0].start, cell[1].stop - 1)
    body = client.get("/opening", params={"place": f"{lon},{lat}"}).json()
    assert body["point"]["place"]["state"] == state


def test_a_place_elsewhere_still_gets_the_run(client: Client) -> None:
    body = client.get("/opening", params={"place": "130.0,33.0"}).json()
    assert body["point"] is None and body["around"] is None
    assert body["manifest"]["run_id"] == RUN


def test_surroundings_smaller_than_a_cell_are_those_of_the_cell(tmp_path: Path) -> None:
    made = dataset()
    rows, columns = GRID.shape
    made = made.assign_coords(x=-24800 + 200.0 * np.arange(columns), y=-35000 - 200.0 * np.arange(rows))
    run = write_small_run(tmp_path, fields=made)
    # 99 m from the middle of the cell: no centre lies within 50 m.
    x, y = float(made["x"][40]) + 70, float(made["y"][30]) - 70
    lon, lat = (float(part) for part in run.grid.unproject(np.array(x), np.array(y)))
    client = Client(create_app(tmp_path, Settings(), clock=lambda: NOON))
    body = client.get("/opening", params={"place": f"{lon},{lat}"}).json()
    told = [step["mean"] for step in body["around"]]
    assert told == pytest.approx(made["wbgt_moe"].values[:, 30, 40].tolist(), abs=0.08)


@pytest.mark.parametrize(
    ("module", "part", "error"),
    [
        (alerts, "alerts", StoreError("damaged")),
        (area, "around", OutsideError("no ground")),
        (area, "around", TooLargeError("too many cells")),
        (area, "around", StoreError("damaged")),
    ],
)
def test_a_part_that_cannot_be_told_leaves_the_others(
    client: Client, monkeypatch: pytest.MonkeyPatch, module: ModuleType, part: str, error: HeatRiskError
) -> None:
    def damaged(*_: object) -> None:
        raise error

    whole = client.get("/opening").json()
    assert whole[part] is not None
    monkeypatch.setattr(module, "told", damaged)
    assert client.get("/opening").json() == {**whole, part: None}


@pytest.mark.parametrize("place", ["", "1", "139.5", "nan,35", "139.5,95", "a,b", "1,2,3"])
def test_no_place_is_a_problem(client: Client, place: str) -> None:
    is_problem(client.get("/opening", params={"place": place}), 400, "invalid-request")


def test_no_run_is_a_problem_and_an_answer_is_known_again(client: Client, tmp_path: Path) -> None:
    is_problem(Client(create_app(tmp_path, Settings())).get("/opening"), 404, "run-not-found")
    first = client.get("/opening")
    assert first.headers["cache-control"] == "public, max-age=60"
    assert client.get("/opening", headers={"If-None-Match": first.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("damaged", ["wbgt_moe/c/0/0/0", "mask/zarr.json", "mask/c/0/0"])
def test_a_damaged_field_hides_no_alert(tmp_path: Path, damaged: str) -> None:
    write_small_run(tmp_path)
    client = Client(create_app(tmp_path, Settings(), clock=lambda: NOON))
    spoilt = tmp_path / "latest" / "fields.zarr" / damaged
    spoilt.write_bytes(b"\x00\xff what?")
    body = client.get("/opening").json()
    assert body["alerts"] == client.get("/alerts").json() and body["times"]["times"]
    assert body["point"] is None and body["around"] is None
    lon, lat = lonlat(*OPEN_CELL)
    is_problem(client.get("/point", params={"lon": lon, "lat": lat}), 503, "store-unreadable")
