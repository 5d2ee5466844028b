"""All sources of a city read together: what is counted, what may lack, what the web gives, what is kept."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest

from heatrisk.api import create_app
from heatrisk.city import read_city
from heatrisk.city.sections import HttpSection
from heatrisk.cli import main
from heatrisk.cli.findings import print_findings
from heatrisk.errors import HeatRiskError, InputError, SourceUnavailableError
from heatrisk.operation import Findings, Outcome, check, recompute
from heatrisk.sources.inputs import Inputs
from heatrisk.sources.intake import read_inputs
from heatrisk.sources.web import Downloads
from heatrisk.store import RunStore
from heatrisk.stored import StoredRun
from heatrisk.words import Note
from tests import made_city
from tests.client import Client
from tests.hostile_server import HostileServer, serving
from tests.messages import explains

#: A clock inside the forecast: 14:10 JST.
NOW = datetime(2025, 8, 5, 5, 10, tzinfo=UTC)

#: Read and used of every source, counted by hand in the made files.
COUNTS = {
    "city": (1, 1),
    "buildings": (13, 11),  # one twice, one without a height
    "canopy": (5, 4),  # the third tree of the list has no height
    "station_table": (3, 3),
    "official": (3, 2),
    "weather": (25, 25),
    "alerts": (1, 1),
    "shelters": (5, 3),
    "congestion": (3, 2),
    "equipment": (1, 1),
    "population": (2, 2),
    "jurisdictions": (2, 2),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the city once; tests that change it take a copy."""
    return made_city.make_city(tmp_path_factory.mktemp("made"))


@pytest.fixture
def city(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made.parent, tmp_path / "city")
    return tmp_path / "city" / "city.toml"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileServer]:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def whole(made: Path) -> Inputs:
    return read_inputs(read_city(made), made, now=NOW)


def changed(city: Path, old: str, new: str) -> Path:
    text = city.read_text("utf-8")
    assert old in text
    city.write_text(text.replace(old, new), encoding="utf-8")
    return city


def computed(city: Path, at: datetime = NOW) -> tuple[Outcome, RunStore]:
    store = RunStore(city.parent / "store")
    return recompute(city, store, at, lambda *_: None), store


def test_every_source_is_read_and_counted(whole: Inputs) -> None:
    assert (whole.errors, whole.lacking, whole.doubts) == ([], [], [])
    rows = {reading.role: (reading.read, reading.used) for reading in whole.readings}
    terrain = rows.pop("terrain")
    assert rows == COUNTS
    assert terrain[0] == terrain[1] > 0
    covered = {row.role: row.covered for row in whole.readings if row.covered is not None}
    assert covered.pop("population") == pytest.approx(0.95, abs=0.05), "grid cells reach beyond the bounds"
    assert covered.pop("jurisdictions") == pytest.approx(covered_by_west(whole), abs=0.01)
    assert covered == {"buildings": 1.0, "terrain": 1.0, "shelters": 1.0}
    issued = {row.role: row.as_of for row in whole.readings if row.as_of is not None}
    assert issued == {
        "official": datetime(2025, 8, 4, 22, 25, tzinfo=UTC),
        "alerts": datetime(2025, 8, 4, 20, 0, tzinfo=UTC),
        "congestion": datetime(2025, 8, 5, 4, 50, tzinfo=UTC),
        "equipment": datetime(2025, 8, 5, 4, 30, tzinfo=UTC),
    }


def covered_by_west(inputs: Inputs) -> float:
    """Return the share of the grid west of the districts' end, cell centre by cell centre."""
    assert inputs.scene is not None
    grid = inputs.scene.grid
    x, y = np.meshgrid(grid.x, grid.y)
    places = gpd.GeoSeries(gpd.points_from_xy(x.ravel(), y.ravel()), crs=grid.crs).to_crs("EPSG:6668")
    west, south, east, north = made_city.BOUNDS
    inside = places.x.between(west, (west + east) / 2) & places.y.between(south, north)
    return float(inside.mean())


def test_the_town_holds_what_the_files_hold(whole: Inputs) -> None:
    scene = whole.scene
    assert scene is not None and whole.buildings is not None
    assert len(whole.buildings) == 11
    assert set(whole.buildings["height_source"]) == {"lod1"}
    assert whole.buildings["height"].unique().tolist() == [6.0]
    assert scene.unknown == 0.0
    south, north = scene.grid.bounds_lonlat[1::2]
    assert (south, north) == pytest.approx(made_city.BOUNDS[1::2], abs=2e-4)


def test_official_stations_are_weighted_by_distance(whole: Inputs) -> None:
    assert whole.weather is not None and whole.weather.official is not None
    official, place = whole.weather.official, whole.place
    assert place is not None

    def distance(number: str) -> float:
        row: dict[str, Any] = made_city.STATIONS[number]
        lon, lat = (row[name][0] + row[name][1] / 60 for name in ("lon", "lat"))
        return math.hypot((lon - place[0]) * math.cos(math.radians(place[1])), lat - place[1])

    near = {station.id: weight for station, weight in zip(official.stations, official.weights, strict=True)}
    total = sum(1 / distance(number) for number in ("99001", "44116"))
    assert near == pytest.approx({n: 1 / distance(n) / total for n in ("99001", "44116")}, rel=0.01)
    values = {
        station.id: row.tolist() for station, row in zip(official.stations, official.values, strict=True)
    }
    assert values == {"99001": [33.0, 32.0, 29.0], "44116": [31.0, 32.0, 29.0]}


def test_shelters_are_placed_by_facilities_and_carry_reports(whole: Inputs) -> None:
    shelters = {shelter.name: shelter for shelter in whole.shelters}
    assert {name: shelter.placed_by for name, shelter in shelters.items()} == {
        "中央図書館": "facilities", "市民会館": "facilities", "北公民館": "facilities",
        "集会所": "", "ひなた寺": "",
    }  # fmt: skip
    library = shelters["中央図書館"]
    assert (library.lon, library.lat, library.capacity) == (139.5505, 35.7005, 50)
    assert {(report.about, report.state) for report in library.reports} == {
        ("congestion", "busy"),
        ("water", "broken"),
    }


def test_alerts_and_areas(whole: Inputs) -> None:
    assert whole.alerts is not None and whole.alerts.area_name == "東京都"
    assert whole.population is not None and whole.jurisdictions is not None
    assert whole.population["total"].sum() == 500
    assert whole.jurisdictions["name"].tolist() == ["南町", "北町"]


OPTIONAL = {
    "alerts": "alert_20250805_05.csv",
    "shelters": "cooling_shelters.csv",
    "congestion": "congestion.csv",
    "equipment": "equipment.csv",
    "population": "population.geojson",
    "jurisdictions": "districts.shp",
}


@pytest.mark.parametrize("content", [None, b"\x00\xff\x00", b"<html>404</html>"])
def test_what_a_run_can_do_without_may_lack(city: Path, content: bytes | None) -> None:
    for name in OPTIONAL.values():
        (city.parent / name).unlink() if content is None else (city.parent / name).write_bytes(content)
    inputs = read_inputs(read_city(city), city, now=NOW)
    assert inputs.scene is not None and inputs.weather is not None
    lacking = {lack.role: lack.error for lack in inputs.lacking}
    # Without shelters there is nobody to report of.
    assert set(OPTIONAL) - {"congestion", "equipment"} <= set(lacking) <= set(OPTIONAL)
    for role, error in lacking.items():
        explains(error, city.parent / OPTIONAL[role])


NEEDED = [
    "yohou_tokyo.csv",
    "open_meteo.json",
    "amedastable.json",
    made_city.DELIVERY,
    made_city.DEM_ZIP,
    "gairoju.csv",
]


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize("content", [None, b"", b"\x00\xff\x00"])
def test_what_a_run_needs_is_an_error(city: Path, name: str, content: bytes | None) -> None:
    (city.parent / name).unlink() if content is None else (city.parent / name).write_bytes(content)
    with pytest.raises(HeatRiskError) as caught:
        read_inputs(read_city(city), city, now=NOW)
    explains(caught.value, city.parent / name)


@pytest.mark.parametrize("name", NEEDED)
def test_a_check_goes_on_after_an_error(city: Path, name: str) -> None:
    (city.parent / name).write_bytes(b"\x00\xff\x00")
    inputs = read_inputs(read_city(city), city, now=NOW, go_on=True)
    assert inputs.errors, "what a run stops at is told"
    assert {"shelters", "alerts", "population"} <= {reading.role for reading in inputs.readings}


def web(city: Path, server: HostileServer, name: str, role: str = "well") -> Path:
    """Let a source lie on the server, with its own content."""
    server.body = (city.parent / name).read_bytes()
    (city.parent / name).unlink()
    return changed(city, f'"{name}"', f'"{server.url(f"{role}/{name}")}?key=geheim"')


def downloads(city: Path, at: datetime = NOW) -> Downloads:
    settings = HttpSection(timeout=2, attempts=1, keep_hours=3, max_megabytes=20)
    return Downloads(city.parent / "kept", settings, clock=lambda: at)


def test_a_source_on_the_web_and_the_copy_that_stands_in(city: Path, server: HostileServer) -> None:
    web(city, server, "alert_20250805_05.csv")
    fresh = read_inputs(read_city(city), city, now=NOW, downloads=downloads(city))
    assert fresh.alerts is not None and fresh.doubts == []
    (told,) = next(row for row in fresh.readings if row.role == "alerts").facts["web"]
    assert told["fresh"] is True and "geheim" not in json.dumps(told)
    assert [one.path.name for one in fresh.kept()] == ["alert_20250805_05.csv"]
    server.body, server.etag = b"\0", '"broken"'
    broken = read_inputs(
        read_city(city), city, now=NOW, downloads=Downloads(city.parent / "b", HttpSection())
    )
    assert [lack.role for lack in broken.lacking] == ["alerts"]
    assert broken.fetched and broken.kept() == [], "a run keeps what it was made from"
    server.behaviour = "404"
    later = read_inputs(read_city(city), city, now=NOW, downloads=downloads(city, NOW + timedelta(hours=2)))
    assert later.alerts == fresh.alerts
    (doubt,) = later.doubts
    assert doubt.code == "source_kept" and "geheim" not in f"{doubt.words}"
    too_late = read_inputs(
        read_city(city), city, now=NOW, downloads=downloads(city, NOW + timedelta(hours=4))
    )
    assert [lack.role for lack in too_late.lacking] == ["alerts"]


@pytest.mark.parametrize("behaviour", ["404", "hangs-up", "page", "cut-body", "empty", "gzip-bomb"])
def test_a_server_that_gives_nothing(city: Path, server: HostileServer, behaviour: str) -> None:
    web(city, server, "yohou_tokyo.csv", behaviour)
    with pytest.raises(SourceUnavailableError) as caught:
        read_inputs(read_city(city), city, now=NOW, downloads=downloads(city))
    told = explains(caught.value, "yohou_tokyo.csv")
    assert "geheim" not in told


def test_without_a_way_to_the_web_an_address_is_an_error(city: Path, server: HostileServer) -> None:
    web(city, server, "yohou_tokyo.csv")
    with pytest.raises(InputError, match="addresses on the web"):
        read_inputs(read_city(city), city, now=NOW)


@pytest.fixture(scope="module")
def published(made: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StoredRun, Outcome]:
    """Run the city once, its alerts a drill from a server."""
    folder = tmp_path_factory.mktemp("published") / "city"
    shutil.copytree(made.parent, folder)
    made_city.alerts(folder, "訓練")
    with pytest.MonkeyPatch.context() as patch, serving() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        city = web(folder / "city.toml", server, "alert_20250805_05.csv")
        outcome, store = computed(city)
    return folder, store.open(), outcome


def test_downloads_are_kept_with_the_run(published: tuple[Path, StoredRun, Outcome]) -> None:
    _, run, _ = published
    kept = run.path / "inputs" / "alert_20250805_05.csv"
    assert {path.name for path in kept.parent.iterdir()} >= {"city.toml", made_city.DELIVERY, "districts.dbf"}
    assert "alerts" not in {row["role"] for row in run.manifest["inputs"]}, "not public before its time"
    record = json.loads(run.document("alerts_input.json") or "{}")
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == record["sha256"]
    manifest = (run.path / "run.json").read_text("utf-8")
    for secret in ("geheim", str(run.path.parents[1]), "alert_2025"):
        assert secret not in manifest


def test_documents_are_kept_and_a_drill_stays_inside(published: tuple[Path, StoredRun, Outcome]) -> None:
    _, run, outcome = published
    assert outcome.verdict.exit_code == 10, outcome.verdict
    unplaced = run.document("unresolved.csv")
    assert (
        unplaced is not None
        and unplaced.splitlines()[0]
        == "\ufeff名称/name,住所/address,緯度/latitude,経度/longitude,理由/reason"
    )
    assert "集会所" in unplaced and "図書館" not in unplaced
    alerts = run.document("alerts.json")
    assert alerts is not None and json.loads(alerts)["status"] == "drill"
    for name, count in (("population.geojson", 2), ("jurisdictions.geojson", 2)):
        text = run.document(name)
        assert text is not None and len(json.loads(text)["features"]) == count
    client = Client(create_app(run.path.parents[1]))
    pages = ["/runs", f"/runs/{run.id}", "/layers", "/times", "/shelters", "/alerts", "/readyz"]
    answers = "".join(client.get(page).text for page in pages)
    assert "中央図書館" in answers
    for secret in ("drill", "訓練", "特別警戒", "geheim"):
        assert secret not in answers
        assert secret not in json.dumps(run.manifest, ensure_ascii=False)


def test_a_broken_list_keeps_the_shelters_of_the_last_run(published: tuple[Path, StoredRun, Outcome]) -> None:
    folder, first, _ = published
    city = folder / "city.toml"
    good = city.read_text("utf-8")
    lists = folder / "cooling_shelters.csv"
    before = lists.read_bytes()
    try:
        lists.write_bytes(b"\x00\xff")
        outcome, store = computed(city, NOW + timedelta(minutes=30))
    finally:
        lists.write_bytes(before)
        city.write_text(good, encoding="utf-8")
    assert outcome.verdict.exit_code == 10, outcome.verdict
    run = store.open()
    assert run.id != first.id
    assert run.shelters == first.shelters
    codes = {note.code for note in outcome.verdict.notes}
    assert {"shelters_kept", "shelters_missing"} <= codes
    assert "shelters" in {row["role"] for row in run.manifest["lacking"]}


@pytest.fixture
def heatrisk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Return the command line as a function: arguments in, exit code and everything printed out."""

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["heatrisk", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0), "".join(capsys.readouterr())

    return call


def test_check_prints_a_table_in_both_languages(city: Path, heatrisk: Callable[..., tuple[int, str]]) -> None:
    code, japanese = heatrisk("check", city, "--lang", "ja")
    assert code == 10, japanese
    for told in ("公式値", "混雑状況", "地区", "95%", "5: 集会所", "【要確認】", "（2 ファイル）"):
        assert told in japanese, told
    code, english = heatrisk("check", city, "--lang", "en")
    assert code == 10
    for told in ("official values", "crowding", "districts", "5: 集会所", "[amber]", "(2 files)"):
        assert told in english, told
    assert "建物" not in english and "要確認" not in english


def test_check_tells_machines_everything(city: Path, heatrisk: Callable[..., tuple[int, str]]) -> None:
    code, text = heatrisk("check", city, "--json")
    report = json.loads(text)
    assert (code, report["ok"]) == (10, True)
    rows = {row["role"]: row for row in report["sources"]}
    assert {role: (row["read"], row["used"]) for role, row in rows.items() if role != "terrain"} == COUNTS
    assert rows["official"]["as_of"] == "2025-08-04T22:25:00Z"
    assert rows["official"]["age_hours"] > 24 * 365, "it is as old as its issue, not as its file"
    assert rows["buildings"]["covered"] == 1.0
    (refusal,) = rows["buildings"]["refusals"]
    assert refusal["where"].endswith(made_city.WITHOUT_HEIGHT)
    assert refusal["reason"]["ja"] and refusal["reason"]["en"]
    assert {note["code"] for note in report["doubts"]} >= {"official_stale", "shelters_refused"}


def test_errors_speak_japanese_of_missing_files(city: Path, heatrisk: Callable[..., tuple[int, str]]) -> None:
    for name in ("facilities.csv", "yohou_tokyo.csv", made_city.DEM_ZIP):
        (city.parent / name).unlink()
    (city.parent / "population.geojson").unlink()
    (city.parent / "population.geojson").mkdir()
    code, japanese = heatrisk("check", city, "--lang", "ja")
    assert code == 20
    assert japanese.count("×") == 3, "two errors, each once, and the last line"
    assert "Errno" not in japanese and "No such file" not in japanese and "directory" not in japanese
    for name in ("facilities.csv", "yohou_tokyo.csv", made_city.DEM_ZIP):
        assert name in japanese


def test_unplaced_shelters_are_filled_in_by_hand(
    city: Path, heatrisk: Callable[..., tuple[int, str]]
) -> None:
    table = city.parent / "unresolved.csv"
    heatrisk("check", city, "--unresolved", table)
    lines = table.read_text("utf-8-sig").splitlines()
    assert [line.split(",")[:4] for line in lines[1:]] == [
        ["集会所", "ひなた市南町1-1", "", ""],
        ["ひなた寺", "ひなた市西町9-9", "", ""],
    ]
    filled = [line.replace(",,,", ",35.7003,139.5506,", 1) for line in lines]
    assert filled[1:] != lines[1:]
    table.write_text("\n".join(filled), encoding="cp932")
    changed(
        city, 'facilities = "facilities.csv"', 'facilities = "facilities.csv"\ncoordinates = "unresolved.csv"'
    )
    found = check(city, NOW)
    assert {shelter.placed_by for shelter in found.shelters} == {"facilities", "override"}
    code, text = heatrisk("check", city, "--unresolved", city.parent / "none" / "a.csv", "--lang", "ja")
    assert code == 20 and "読み書きできません" in text and "Errno" not in text
    again = city.parent / "again.csv"
    code, _ = heatrisk("check", city, "--unresolved", again)
    assert code == 10 and again.read_text("utf-8-sig") == "", "nothing is left to fill in"


def test_a_check_of_files_of_another_time_promises_no_map(capsys: pytest.CaptureFixture[str]) -> None:
    late = Note.of("official_expired", "公式予測の期間が終わっています", "the official forecast has ended")
    for found, last in (
        (Findings(doubts=(late,)), "would publish nothing"),
        (Findings(doubts=(Note.of("weather_far", "遠い", "far"),)), "a run will work"),
        (Findings(), "ready to run"),
    ):
        print_findings(found, datetime(2026, 7, 30, tzinfo=UTC))
        assert last in capsys.readouterr().out.splitlines()[-1]
