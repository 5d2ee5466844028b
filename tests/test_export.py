"""The exported folder: what the service would say, as plain files; nothing before its time."""

from __future__ import annotations

import json
import math
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
import xarray as xr
from numpy.testing import assert_array_equal
from typer.testing import CliRunner

from heatrisk.alerts import AlertBulletin, Status, to_dict
from heatrisk.api import create_app
from heatrisk.api.pages import site
from heatrisk.archive import Archive
from heatrisk.cli import app
from heatrisk.errors import InputError, LayerNotFoundError, RunNotFoundError, StoreBusyError
from heatrisk.export import Wanted, export
from heatrisk.layers import LAYERS
from heatrisk.store import RunStore
from heatrisk.store.lock import locked
from heatrisk.words import JST
from tests.client import Client
from tests.plain_server import plain
from tests.small_run import BUILDING, CREATED, GRID, NOON, OPEN_CELL, OUTSIDE, RUN, TIMES, TMS, lonlat
from tests.small_run import write_small_run as write

#: What an export at noon is called.
PLACED = f"{RUN}-20250805T051000Z"
KEYS = [f"{time:%Y%m%dT%H%MZ}" for time in TIMES]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    root = tmp_path_factory.mktemp("store")
    write(root)
    return RunStore(root)


@pytest.fixture(scope="module")
def folder(store: RunStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("www") / "heat"
    export(store, root, wanted=Wanted(cog=True), clock=lambda: NOON)
    return root


@pytest.fixture
def asked(store: RunStore) -> Client:
    return Client(create_app(store, clock=lambda: NOON))


def told(path: Path) -> Any:
    return json.loads(path.read_bytes())


def data(folder: Path) -> Path:
    return folder / told(folder / "latest.json")["data"]


def series_of(folder: Path, lon: float, lat: float) -> dict[str, list[float | None]]:
    """Read the values of a place as the page does; codes below 3 are no values."""
    facts = told(folder / "series.json")
    side = 2 ** facts["zoom"] * facts["size"]
    sine = math.sin(math.radians(lat))
    column = math.floor((lon + 180) / 360 * side)
    row = math.floor((0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * side)
    size = facts["size"]
    content = Archive(folder / "series.pmtiles").tile(facts["zoom"], column // size, row // size)
    shape = (len(facts["quantities"]), len(facts["times"]), size, size)
    codes = np.zeros(shape, int) if content is None else np.frombuffer(content, "<u2").reshape(shape)
    return {
        one["id"]: [
            None if code < 3 else round(one["scale"] * code + one["offset"], 6)
            for code in codes[index, :, row % size, column % size].tolist()
        ]
        for index, one in enumerate(facts["quantities"])
    }


def test_the_entry_leads_to_the_newest_run(folder: Path) -> None:
    assert told(folder / "latest.json") == {
        "run": RUN,
        "data": f"data/{PLACED}/",
        "exported": "2025-08-05T05:10:00Z",
        "heatrisk": "0.1.0",
        "alerts": None,
        "basemap": None,
    }
    assert (folder / f"data/{PLACED}").stat().st_mode & 0o777 == 0o755


def test_what_the_service_answers_is_there(folder: Path, asked: Client) -> None:
    for path, url in (
        ("run.json", f"/runs/{RUN}"),
        *((f"legend/{name}.json", f"/legend/{name}.json?run={RUN}") for name in LAYERS),
        *((f"shelters/{key}.json", f"/shelters?run={RUN}&at={key}") for key in KEYS),
        ("buildings.geojson", f"/buildings?run={RUN}"),
    ):
        assert told(data(folder) / path) == asked.get(url).json(), path
    times = asked.get("/times").json()
    assert told(data(folder) / "times.json") == {
        key: value for key, value in times.items() if key not in ("now", "stale", "age_minutes")
    }


def test_tiles_are_those_of_the_service(folder: Path, asked: Client, store: RunStore) -> None:
    run = store.open()
    listed = {row["id"]: row for row in told(data(folder) / "layers.json")["layers"]}
    assert listed.keys() == set(LAYERS)
    for name in ("risk", "sunlit_minutes", "p_danger"):
        path = data(folder) / listed[name]["archive"].replace("{time}", KEYS[4])
        found, count = Archive(path), 0
        assert found.facts.zooms == (listed[name]["minzoom"], listed[name]["maxzoom"])
        for level in run.levels.values():
            for x in range(level.column, level.column + level.columns):
                for y in range(level.row, level.row + level.rows):
                    answer = asked.get(f"/tiles/{RUN}/{name}/{KEYS[4]}/{level.zoom}/{x}/{y}.png")
                    assert (found.tile(level.zoom, x, y) or b"") == answer.content
                    count += answer.status_code == 200
        assert count == len(found)
        tilejson = told(data(folder) / listed[name]["tilejson"])
        assert (tilejson["tilejson"], tilejson["bounds"]) == ("3.0.0", listed[name]["bounds"])


@pytest.mark.parametrize("cell", [OPEN_CELL, (0, 0), (49, 59), (31, 22), (10, 49)])
def test_the_words_of_a_place_have_the_values_of_the_service(
    folder: Path, asked: Client, cell: tuple[int, int]
) -> None:
    lon, lat = lonlat(*cell)
    answer = asked.get("/point", params={"lon": lon, "lat": lat, "run": RUN}).json()
    place, found = told(data(folder) / "place.json"), series_of(data(folder), lon, lat)
    for name, values in found.items():
        unit = 100 if name in ("sunlit", "p_danger") else 10
        cut = [None if (value := step[name]) is None else math.floor(value * unit + 1e-6) / unit
               for step in answer["series"]]  # fmt: skip
        assert values == pytest.approx(cut, abs=1e-9), name
    for step, common in zip(answer["series"], place["series"], strict=True):
        assert {name: step[name] for name in common} == common
    for name in place.keys() - {"run", "states", "grid", "series", "definitions"}:
        assert place[name] == answer[name], name
    assert place["states"][answer["place"]["state"]] == answer["place"]["words"]
    assert place["run"].items() <= answer["run"].items()


def test_houses_unknown_ground_and_the_world_outside_are_told_apart(folder: Path) -> None:
    facts, values = told(data(folder) / "series.json"), Archive(data(folder) / "series.pmtiles")
    assert facts["zoom"] == 19
    first, last = (TMS.tile(*lonlat(*cell), 19) for cell in ((-1, -1), GRID.shape))
    tiles = (values.tile(19, x, y) for x in range(first.x, last.x + 1) for y in range(first.y, last.y + 1))
    shape = (len(facts["quantities"]), len(TIMES), -1)
    blocks = [np.frombuffer(tile, "<u2").reshape(shape)[0, 0] for tile in tiles if tile is not None]
    assert len(blocks) == len(values)
    codes = np.concatenate(blocks)
    cell = (5 / (2 * math.pi * 6378137 / 2**23 * math.cos(math.radians(35.68)))) ** 2  # pixels
    areas = [(part[0].stop - part[0].start) * (part[1].stop - part[1].start) for part in (BUILDING, OUTSIDE)]
    expected = {1: areas[0], 2: areas[1], 3: GRID.shape[0] * GRID.shape[1] - sum(areas)}
    for code, cells in expected.items():
        found = int((np.minimum(codes, 3) == code).sum())
        assert found == pytest.approx(cells * cell, abs=4 * math.sqrt(cells * cell)), code
    assert (codes == 0).any()


def test_images_hold_the_stored_values(folder: Path, store: RunStore) -> None:
    item = told(data(folder) / "item.json")
    fields = store.open().dataset()
    images = {name: one["href"] for name, one in item["assets"].items() if "geotiff" in one["type"]}
    assert len(images) == len(TIMES) * len({row.quantity for row in LAYERS.values()})
    for name, key in (("wbgt_moe", KEYS[3]), ("sunlit", KEYS[5]), ("p_danger", KEYS[4])):
        with rasterio.open(data(folder) / images[f"{name}-{key}"]) as image:
            assert (image.crs.to_epsg(), image.transform[:6]) == (6677, GRID.transform[:6])
            assert image.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            values = np.where(image.read(1) == image.nodata, np.nan, image.read(1) * image.scales[0])
        expected = fields[name].isel(time=KEYS.index(key)).values
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_the_catalogue_leads_to_files_that_exist(folder: Path) -> None:
    catalogue = told(folder / "catalog.json")
    (href,) = [row["href"] for row in catalogue["links"] if row["rel"] == "item"]
    item = told(folder / href)
    for one in item["assets"].values():
        assert (folder / href).parent.joinpath(one["href"]).is_file(), one
    for row in item["links"]:
        assert (folder / href).parent.joinpath(row["href"]).resolve().is_file(), row


def test_fields_as_netcdf_are_the_fields(store: RunStore, tmp_path: Path) -> None:
    pytest.importorskip("h5netcdf", reason="h5netcdf is not installed")
    placed = export(store, tmp_path / "www", wanted=Wanted(("risk",), "20250805T0600Z/..", netcdf=True))
    with xr.open_dataset(placed / "fields.nc", engine="h5netcdf", decode_coords="all") as found:
        expected = store.open().dataset().isel(time=slice(4, None))
        assert found["wbgt_moe"].encoding["dtype"] == np.int16
        for name in ("wbgt_moe", "p_danger", "risk", "mask", "official", "time"):
            assert_array_equal(found[name].values, expected[name].values, err_msg=name)
        assert found["spatial_ref"].attrs["crs_wkt"] == expected["spatial_ref"].attrs["crs_wkt"]


def test_netcdf_without_its_library_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("heatrisk.export.wanted.find_spec", lambda name: None)
    with pytest.raises(InputError, match="which writes NetCDF, is missing"):
        Wanted(netcdf=True)


def test_only_what_is_wanted_is_written(store: RunStore, tmp_path: Path) -> None:
    placed = export(
        store, tmp_path / "www", wanted=Wanted(("risk", "sunlit"), "2025-08-05T12:00/2025-08-05T18:00")
    )
    assert {path.name for path in (placed / "tiles").iterdir()} == {"risk", "sunlit"}
    assert [row["key"] for row in told(placed / "times.json")["times"]] == KEYS[3:6]
    names = {path.name for path in (placed / "tiles" / "risk").iterdir()}
    assert names == {"tilejson.json", *(f"{key}.pmtiles" for key in KEYS[3:6])}
    assert len(told(placed / "place.json")["series"]) == 3
    assert not (placed / "cog").exists()
    with pytest.raises(LayerNotFoundError):
        export(store, tmp_path / "www", wanted=Wanted(("snow",)))
    with pytest.raises(InputError):
        export(store, tmp_path / "www", wanted=Wanted(steps="2030-01-01T00:00Z"))
    with pytest.raises(RunNotFoundError):
        export(store, tmp_path / "www", "20990101T0000Z-00000000")
    assert [path.name for path in (tmp_path / "www" / "data").iterdir()] == [placed.name], "no leftovers"


# --- the folder as a whole ---


def test_a_plain_server_gives_pages_and_ranges(folder: Path) -> None:
    with plain(folder) as (address, asked):
        page = httpx.get(address).text
        assert '<meta name="heatrisk-site" content="latest.json">' in page
        assert "frame-ancestors" not in page.partition("</head>")[0]
        for name in site():
            assert httpx.get(address + name).status_code == 200, name
        path = f"data/{PLACED}/tiles/risk/{KEYS[4]}.pmtiles"
        head = httpx.get(address + path, headers={"Range": "bytes=0-126"})
        assert (head.status_code, head.content) == (206, (folder / path).read_bytes()[:127])
        assert asked[-1] == (f"/{path}", "bytes=0-126")


def test_the_next_run_takes_over_and_the_last_stays(tmp_path: Path) -> None:
    root, www = tmp_path / "store", tmp_path / "www"
    placed = []
    for hour in range(3):
        run = write(root, CREATED + timedelta(hours=hour), f"{hour}" * 16)
        placed.append(export(RunStore(root), www, wanted=Wanted(("risk",))))
        assert told(www / "latest.json")["run"] == run.id
    assert {path.name for path in (www / "data").iterdir()} == {placed[1].name, placed[2].name}
    again = export(RunStore(root), www, wanted=Wanted(("sunlit",)))
    assert again != placed[2]
    assert (placed[2] / "tiles" / "risk").is_dir(), "data that is shown never changes"
    assert told(www / "latest.json")["data"] == f"data/{again.name}/"


@pytest.mark.parametrize("minutes", [1, 0, -1])
def test_no_name_is_ever_given_twice(store: RunStore, tmp_path: Path, minutes: int) -> None:
    placed = [
        export(
            store,
            tmp_path / "www",
            wanted=Wanted(("risk",), KEYS[4]),
            clock=lambda later=count * minutes: NOON + timedelta(minutes=later),
        ).name
        for count in range(5)
    ]
    assert len(set(placed)) == 5, "what clients keep for good would change under them"


def test_an_export_spares_what_another_has_just_placed(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    www, wanted, others = tmp_path / "www", Wanted(("risk",), KEYS[4]), []
    export(store, www, wanted=wanted)

    def late(*given: Any, **more: Any) -> Any:
        monkeypatch.undo()
        others.append(export(store, www, wanted=wanted))
        return locked(*given, **more)

    monkeypatch.setattr("heatrisk.export.site.locked", late)
    placed = export(store, www, wanted=wanted)
    assert {path.name for path in (www / "data").iterdir()} == {others[0].name, placed.name}


@pytest.mark.parametrize("held", ["holiday.jpg", "latest.json", "data"])
def test_a_foreign_folder_is_left_alone(store: RunStore, tmp_path: Path, held: str) -> None:
    www = tmp_path / "www"
    if held == "data":
        (www / "data" / "photos").mkdir(parents=True)
    else:
        www.mkdir()
        (www / held).write_text('{"data": "../../etc"}')
    before = sorted(www.rglob("*"))
    with pytest.raises(InputError, match="holds something else"):
        export(store, www)
    assert sorted(www.rglob("*")) == before


def test_a_cut_off_export_changes_nothing_that_is_shown(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    www = tmp_path / "www"
    export(store, www, wanted=Wanted(("risk",)), clock=lambda: NOON)
    shown = (www / "latest.json").read_bytes()
    (www / "data" / ".left").mkdir()

    def cut(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as broken:
        broken.setattr("heatrisk.export.data.shelter_tiles", cut)
        with pytest.raises(Exception, match="disk is full"):
            export(store, www, wanted=Wanted(("sunlit",)))
    assert (www / "latest.json").read_bytes() == shown
    assert [path.name for path in (www / "data").iterdir()] == [PLACED]
    with locked(www / ".lock", 0.0), pytest.raises(StoreBusyError, match="another export") as caught:
        export(store, www)
    assert "--wait" not in str(caught.value), "which an export does not have"
    signed: set[bytes] = set()
    export(store, www, wanted=Wanted(("sunlit",)), tell=lambda *_: signed.add((www / ".lock").read_bytes()))
    assert signed == {b""}, "everybody can read the folder"


def bulletin(hour: int, flag: int, status: Status = "normal") -> AlertBulletin:
    at = datetime(2025, 8, 5, hour, tzinfo=JST)
    return AlertBulletin("130000", "東京都", at, at, status, ((at.date(), flag),))


@pytest.mark.parametrize(
    ("newest", "shown"),
    [(bulletin(14, 1), True), (bulletin(17, 1), False), (bulletin(14, 1, "drill"), False)],
)
def test_alerts_are_told_from_their_report_time_and_drills_never(
    tmp_path: Path, newest: AlertBulletin, shown: bool
) -> None:
    write(tmp_path / "store", documents={"alerts.json": json.dumps(to_dict(newest))})
    www = tmp_path / "www"
    placed = export(RunStore(tmp_path / "store"), www, wanted=Wanted(("risk",)), clock=lambda: NOON)
    assert (placed / "alerts.json").exists() is shown
    assert told(www / "latest.json")["alerts"] == (f"data/{PLACED}/alerts.json" if shown else None)
    if shown:
        assert told(placed / "alerts.json")["state"] == "alert"
    kept = [path for path in www.rglob("*") if path.is_file() and b'"flag": 1' in path.read_bytes()]
    assert kept == []


# --- the command ---


def test_the_command_writes_a_site_and_says_where(store: RunStore, tmp_path: Path) -> None:
    www = tmp_path / "www"
    asked = [
        "export",
        "--store",
        str(store.root),
        "--to",
        str(www),
        "--layers",
        "risk, sunlit",
        "--lang",
        "ja",
    ]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0, said.output
    assert f"{www} に書き出しました" in said.output
    assert {row["id"] for row in told(data(www) / "layers.json")["layers"]} == {"risk", "sunlit"}
    assert CliRunner().invoke(app, ["export", "--store", str(store.root)]).exit_code == 2
