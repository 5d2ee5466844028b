"""A run computed again to the byte, a day gone by from an archive, and a season counted."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from heatrisk.city import read_city
from heatrisk.errors import RunNotFoundError, StoreError
from heatrisk.grid import Grid
from heatrisk.operation import recompute, replay, replaying, season, write_season
from heatrisk.operation.seasons import LIMITS, Place, Season, spread
from heatrisk.sources.buildings import read_buildings
from heatrisk.store import RunStore
from heatrisk.store.sums import SUMS, sums
from heatrisk.tiles import images
from heatrisk.verdict import Light
from tests.hostile_server import serving
from tests.made_city import make_city
from tests.made_run import in_blocks, made_run
from tests.messages import explains
from tests.test_upkeep import command
from tests.tiny_city import CITY, MORNING, make_tiny

NOW = datetime(2025, 8, 5, 5, 10, tzinfo=UTC)


def nothing(*_: object) -> None:
    """Progress that nobody looks at."""


def test_the_same_values_in_other_blocks_are_no_difference(tmp_path: Path) -> None:
    whole = made_run()
    parts = in_blocks(whole.dataset, 128)
    frame = whole.dataset.drop_vars(str(name) for name in parts[0].data_vars if "y" in parts[0][name].dims)
    one = RunStore(tmp_path / "one").write(whole)
    other = RunStore(tmp_path / "other").write(dataclasses.replace(whole, dataset=frame, blocks=parts))
    assert one.manifest["arrays"] != other.manifest["arrays"]
    assert replaying._differences(one, other) == []
    parts[1]["wbgt_iso"][2, 5, 5] += 0.5
    changed = RunStore(tmp_path / "changed").write(dataclasses.replace(whole, dataset=frame, blocks=parts))
    assert [row.name for row in replaying._differences(one, changed)] == ["wbgt_iso"]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RunStore]:
    """Run a city with every kind of source, its forecast from the web, and take its files away."""
    folder = tmp_path_factory.mktemp("replayed")
    city, store = make_city(folder), RunStore(folder / "store")
    with pytest.MonkeyPatch.context() as patch, serving() as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            patch.delenv(name, raising=False)
        server.body = (folder / "yohou_tokyo.csv").read_bytes()
        address = server.url("well/yohou_{%Y%m%d}.csv")
        text = city.read_text("utf-8").replace('"yohou_tokyo.csv"', f'"{address}?key=geheim"')
        city.write_text(text.replace('"alert_20250805_05.csv"', '"alert_{%Y%m%d}_05.csv"'), "utf-8")
        for _ in range(2):
            outcome = recompute(city, store, NOW, nothing)
            assert outcome.run_id is not None, outcome.verdict
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    return folder, store


def test_a_run_is_computed_again_to_the_byte(replayed: tuple[Path, RunStore]) -> None:
    _, store = replayed
    for name in store.runs():
        assert replay(store, name, nothing) == []
    run = store.open()
    assert {path.name for path in (run.path / "inputs").iterdir()} >= {"city.toml", "yohou_20250805.csv"}
    record = json.loads(run.document("replay.json") or "{}")
    assert "geheim" not in json.dumps(record["web"])
    assert str(run.path.parents[1]) not in json.dumps(run.manifest), "paths stay in the private record"


def test_inputs_that_did_not_change_are_kept_once(replayed: tuple[Path, RunStore]) -> None:
    _, store = replayed
    first, second = (
        {path.name: path.stat().st_ino for path in (store.root / "runs" / name / "inputs").iterdir()}
        for name in store.runs()
    )
    assert first == second and len(first) > 10


def test_what_comes_out_otherwise_is_named(replayed: tuple[Path, RunStore], tmp_path: Path) -> None:
    _, store = replayed
    run = store.open()
    weather, listed = run.path / "inputs" / "open_meteo.json", run.path / SUMS
    good, digests = weather.read_bytes(), listed.read_bytes()
    told = json.loads(good)
    told["hourly"]["temperature_2m"] = [value + 1 for value in told["hourly"]["temperature_2m"]]
    weather.write_bytes(json.dumps(told).encode())
    try:
        assert [one.name for one in replay(store, "latest", nothing)] == ["inputs/open_meteo.json"]
        listed.write_text(sums(run.path), "utf-8")
        found = {difference.name: difference.what.en for difference in replay(store, "latest", nothing)}
    finally:
        weather.write_bytes(good)
        listed.write_bytes(digests)
    assert "values differ" in found["tmrt"] and "inputs" in found["run.json"]
    assert "official" not in found and "shelters.geojson" not in found


def test_pictures_of_the_same_pixels_are_the_same_however_they_are_compressed(
    replayed: tuple[Path, RunStore], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, store = replayed
    run = store.open()
    monkeypatch.setattr(images, "_DEFLATE_LEVEL", 2)
    assert replay(store, "latest", nothing) == []
    monkeypatch.setattr(images, "_framed", darker(images._framed))
    found = {difference.name: difference.what.en for difference in replay(store, run.id, nothing)}
    assert found and set(found.values()) == {"the pictures differ"}


def darker(framed: Callable[..., bytes]) -> Callable[..., bytes]:
    """Return what draws every first pixel of a picture in another colour."""

    def draw(kind: int, lines: np.ndarray, *rest: Any) -> bytes:
        changed = lines.copy()
        changed[0, 1] ^= 1  # a line opens with its filter type
        return framed(kind, changed, *rest)

    return draw


def test_bytes_that_changed_on_the_disk_are_a_difference(replayed: tuple[Path, RunStore]) -> None:
    _, store = replayed
    spoilt = store.open().path / "shelters.geojson"
    good = spoilt.read_bytes()
    spoilt.write_bytes(good + b"\n")
    try:
        assert [one.name for one in replay(store, "latest", nothing)] == ["shelters.geojson"]
    finally:
        spoilt.write_bytes(good)


def test_shelters_are_lent_by_the_same_run_again(tmp_path: Path) -> None:
    city, store = make_tiny(tmp_path), RunStore(tmp_path / "store")
    listed = tmp_path / "shelters.csv"
    good = listed.read_bytes()
    assert recompute(city, store, MORNING - timedelta(days=1), nothing).run_id is not None
    listed.write_bytes(b"\x00\xff")
    without = recompute(city, store, MORNING, nothing)
    assert "shelters_kept" in {note.code for note in without.verdict.notes}
    listed.write_bytes(good.replace("中央図書館".encode(), "別の図書館".encode()))
    later = recompute(city, store, MORNING + timedelta(hours=1), nothing)
    assert without.run_id is not None and store.latest_id() == later.run_id
    assert replay(store, without.run_id, nothing) == []
    shutil.rmtree(store.root / "runs" / store.runs()[-1])
    with pytest.raises(RunNotFoundError):
        replay(store, without.run_id, nothing)


def test_an_input_too_large_to_be_kept_must_be_where_it_was(tmp_path: Path) -> None:
    city, store = make_tiny(tmp_path), RunStore(tmp_path / "store")
    city.write_text(city.read_text("utf-8") + "[store]\nkeep_inputs = 0.01\n", "utf-8")
    outcome = recompute(city, store, datetime(2026, 7, 29, 23, tzinfo=UTC), nothing)
    assert outcome.run_id is not None, outcome.verdict
    assert "footprints.gpkg" not in {path.name for path in (store.open().path / "inputs").iterdir()}
    assert replay(store, "latest", nothing) == []
    (tmp_path / "footprints.gpkg").write_bytes(b"other")
    with pytest.raises(StoreError) as caught:
        replay(store, "latest", nothing)
    assert "keep_inputs" in explains(caught.value, tmp_path / "footprints.gpkg")


def forecast(day: date, noon: int) -> str:
    """Return what was issued on a morning: two days of three-hourly values, the second hotter."""
    first = datetime.combine(day, datetime.min.time())
    hours = [first + timedelta(hours=hour) for hour in range(9, 51, 3)]
    stamps = [f"{at - timedelta(hours=1):%Y%m%d}{(at.hour - 1) % 24 + 1:02d}" for at in hours]
    values = [(noon if at.hour in (12, 15) else 25) + (at.date() > day) for at in hours]
    return f",,{','.join(stamps)}\n44116,{day:%Y/%m/%d} 04:25,{','.join(f' {value}0' for value in values)}\n"


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a city with the forecasts of four days in one folder, the third day's missing."""
    folder = tmp_path_factory.mktemp("archive")
    city = make_tiny(folder)
    (folder / "archive").mkdir()
    for day, noon in ((1, 27), (2, 31), (4, 34)):
        when = date(2026, 8, day)
        (folder / "archive" / f"yohou_{when:%Y%m%d}.csv").write_text(forecast(when, noon))
    east, north = -24765.0, -35085.0
    districts = gpd.GeoDataFrame(
        {"name": ["西", "東"]},
        geometry=[
            shapely.box(east, north, east + 50, north + 60),
            shapely.box(east + 50, north, east + 100, north + 60),
        ],
        crs="EPSG:6677",
    )
    districts.to_file(folder / "districts.geojson", driver="GeoJSON")
    gpd.GeoDataFrame(
        {"MESH_ID": ["5339446311"], "PTN_2026": [100.0], "PTC_2026": [30.0], "PTD_2026": [10.0]},
        geometry=[shapely.box(east, north, east + 100, north + 60)], crs="EPSG:6677",
    ).to_file(folder / "population.geojson", driver="GeoJSON")  # fmt: skip
    text = CITY.replace('"yohou.csv"', '"archive"')
    text += '[jurisdictions]\npath = "districts.geojson"\n[population]\npath = "population.geojson"\n'
    city.write_text(text, "utf-8")
    return city


def test_a_day_gone_by_is_computed_from_what_was_known_then(archive: Path, tmp_path: Path) -> None:
    store = RunStore(tmp_path / "store")
    past = datetime(2026, 8, 1, 20, 10, tzinfo=UTC)
    for _ in range(2):
        outcome = recompute(archive, store, past, nothing, past=True)
        assert outcome.run_id is not None, outcome.verdict
    run = store.open(outcome.run_id)
    assert run.manifest["official"]["issued"] == "2026-08-01T19:25:00Z", "not the forecast of the fourth"
    assert run.created == past
    first, second = (store.open(name).manifest["arrays"] for name in store.runs())
    assert first == second, "a lost day comes back byte for byte"
    earlier = recompute(archive, store, past - timedelta(days=1), nothing, past=True)
    assert earlier.run_id is not None and store.latest_id() == run.id, "the past replaces nothing newer"
    assert "not_published" in {note.code for note in earlier.verdict.notes}
    assert replay(store, earlier.run_id, nothing) == []
    none = recompute(archive, store, past - timedelta(days=9), nothing, past=True)
    assert none.verdict.light is Light.RED and "no forecast had been issued" in none.verdict.line.en


def test_a_day_gone_by_says_nothing_of_how_things_stand(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, past = RunStore(tmp_path / "store"), datetime(2026, 8, 1, 20, 10, tzinfo=UTC)
    kept = {"at": NOW.isoformat(), "verdict": {"level": "red", "ja": "異常", "en": "red"}}
    store.keep_status(kept)
    lights = [recompute(archive, store, past - timedelta(days=n), nothing, past=True) for n in (0, 9)]
    assert [one.verdict.light is Light.RED for one in lights] == [False, True]

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    def full(self: RunStore, wait: float | None = None) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr("heatrisk.operation.recomputing.read", broken)
        recompute(archive, store, past, nothing, past=True)
    with monkeypatch.context() as patch:
        patch.setattr(RunStore, "alone", full)
        assert recompute(archive, store, past, nothing, past=True).verdict.light is Light.RED
    assert store.status() == kept


def test_a_season_is_counted_by_place(archive: Path, tmp_path: Path) -> None:
    store = RunStore(tmp_path / "store")
    found = season(archive, store, date(2026, 8, 1), date(2026, 8, 4), nothing)
    assert store.runs() == [], "runs are kept when they are wanted"
    assert len(found.computed) == 4, "the third day is computed from the second day's forecast"
    assert found.official_days == {28: 3, 31: 3, 33: 1}
    assert found.official_hours == {28: 18.0, 31: 18.0, 33: 6.0}
    whole, west, east = found.places
    assert (west.name, east.name) == ("西", "東")
    for limit in LIMITS:
        assert 0 <= whole.hours[limit] <= 12 * 3
        assert whole.days[limit] <= whole.days_anywhere[limit] <= 4
        assert whole.hours[28] >= whole.hours[31] >= whole.hours[33]
        people, ground = whole.resident_hours["total", limit], whole.resident_hours["elderly", limit]
        assert ground == pytest.approx(0.3 * people)
    assert 0 < whole.resident_hours["total", 28] <= 100 * 36
    table, record = write_season(found, tmp_path)
    rows = list(csv.reader(io.StringIO(table.read_text("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == ["公式予測/official forecast", "試験市", "西", "東"]
    assert len({len(row) for row in rows}) == 1
    told = json.loads(record.read_text("utf-8"))
    assert told["places"][0]["hours"]["28"] == pytest.approx(whole.hours[28], abs=0.01)
    assert told["official"]["days"] == {"28": 3, "31": 3, "33": 1}


def test_a_district_without_outdoor_ground_counts_nobody(tmp_path: Path) -> None:
    indoors = Place("駅ビル", np.ones((2, 2), np.bool_), {"total": np.zeros((2, 2))})
    for limit in LIMITS:
        indoors.add(limit, np.full((2, 2), 3.0), np.zeros((2, 2), np.bool_))
    found = Season(date(2026, 8, 1), date(2026, 8, 1), [indoors], computed=[date(2026, 8, 1)])
    table, record = write_season(found, tmp_path)
    told = json.loads(record.read_text("utf-8"))["places"][0]
    assert told["resident_hours"] == {"total": {"28": 0.0, "31": 0.0, "33": 0.0}}
    row = list(csv.reader(io.StringIO(table.read_text("utf-8-sig"))))[-1]
    assert row[:1] == ["駅ビル"] and {float(value) for value in row[2:]} == {0.0}


def test_a_season_says_which_days_lack(archive: Path, tmp_path: Path) -> None:
    store = RunStore(tmp_path / "store")
    found = season(archive, store, date(2026, 7, 31), date(2026, 8, 1), nothing, keep_runs=True)
    assert list(found.missing) == [date(2026, 7, 31)]
    assert "発表された予測がありません" in found.missing[date(2026, 7, 31)].ja
    assert len(store.runs()) == 1 and store.latest_id() is None


def test_the_town_is_read_once(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []

    def counted(*arguments: Any, **options: Any) -> object:
        seen.append(arguments)
        return read_buildings(*arguments, **options)

    monkeypatch.setattr("heatrisk.sources.town.read_buildings", counted)
    season(archive, RunStore(tmp_path / "store"), date(2026, 8, 1), date(2026, 8, 2), nothing)
    assert len(seen) == 1


def test_residents_stay_as_many_as_they_were() -> None:
    grid = Grid.covering((0.0, 0.0, 100.0, 50.0), "EPSG:6677", 5.0)
    squares = [shapely.box(0, 0, 50, 50), shapely.box(50, 0, 150, 50)]
    population = gpd.GeoDataFrame(
        {"total": [80.0, 60.0], "elderly": [np.nan, np.nan]}, geometry=squares, crs="EPSG:6677"
    )
    outdoors = np.ones(grid.shape, np.bool_)
    outdoors[:, :4] = False
    people = spread(population, grid, outdoors)
    assert set(people) == {"total"}
    assert people["total"][~outdoors].sum() == 0
    assert people["total"][:, :10].sum() == pytest.approx(80.0)
    assert people["total"][:, 10:].sum() == pytest.approx(30.0), "half of the second square is outside"


def test_the_city_file_of_a_replay_lies_elsewhere(tmp_path: Path) -> None:
    city = make_tiny(tmp_path)
    moved = tmp_path / "other" / "city.toml"
    moved.parent.mkdir()
    moved.write_bytes(city.read_bytes())
    assert read_city(moved, tmp_path) == read_city(city)


def test_the_commands(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    code, text = command(
        capsys, monkeypatch, "run", archive, "--date", "2026-08-02", "--store", store, "--log", "json"
    )
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["event"] for line in lines][:2] == ["stage", "stage"] and lines[-1]["event"] == "verdict"
    assert (lines[-1]["exit_code"], lines[-1]["run_id"][:14]) == (code, "20260801T2010Z")
    code, text = command(capsys, monkeypatch, "run", "--replay", "latest", "--store", store)
    assert (code, "the same to the byte" in text) == (0, True)
    days = ("--from", "2026-07-31", "--to", "2026-08-01")
    code, text = command(capsys, monkeypatch, "season", archive, *days, "--store", store, "--out", tmp_path)
    assert (code, "1 of 2 days counted" in text) == (10, True)
    assert (tmp_path / "season.csv").exists() and (tmp_path / "season.json").exists()
    for wrong in (("run", archive, "--date", "tomorrow"), ("run", archive, "--date", "2999-01-01"), ("run",)):
        assert command(capsys, monkeypatch, *wrong)[0] == 2
    backwards = ("--from", "2026-08-02", "--to", "2026-08-01")
    assert command(capsys, monkeypatch, "season", archive, *backwards)[0] == 2
