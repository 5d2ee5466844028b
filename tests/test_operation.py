"""What staff do with a city: what is told when the city file, the store or a station is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from heatrisk.city import read_city, store_path
from heatrisk.errors import CityFileError, InputError, SourceError
from heatrisk.operation import check, recompute, replay
from heatrisk.operation.status import status
from heatrisk.run import Simulation
from heatrisk.sources.inputs import Inputs
from heatrisk.sources.intake import read_inputs
from heatrisk.sources.reading import Reading
from heatrisk.store import RunStore
from heatrisk.verdict import Light, Verdict
from heatrisk.words import Words
from tests.made_city import BOUNDS, make_city

NOW = datetime(2025, 8, 5, 5, 10, tzinfo=UTC)


def nothing(*_: object) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return make_city(tmp_path)


def changed(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_a_broken_city_file_is_a_red_status_in_the_store_it_names(city: Path) -> None:
    city.write_text('[city]\nnane = "x"\n[store]\npath = "kept"\n', "utf-8")
    store = RunStore(store_path(city))
    outcome = recompute(city, store, NOW, nothing)
    assert store.root == city.parent / "kept"
    assert (outcome.verdict.light, outcome.run_id) == (Light.RED, None)
    kept = json.loads((store.root / "status.json").read_text("utf-8"))
    assert kept["verdict"]["level"] == "red"
    assert str(city.parent) not in json.dumps(kept), "folders of this machine are nobody's business"


@pytest.mark.parametrize("content", ["[city", "a = 1", "[store]\npath = 3\n", "[store]\n"])
def test_a_city_file_that_names_no_store_has_one_beside_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "city.toml").write_text(content, "utf-8")
    assert store_path(tmp_path / "city.toml") == tmp_path / "store"
    assert store_path(tmp_path / "none.toml") == tmp_path / "store"


def test_a_store_that_takes_nothing_is_told_before_anything_is_read(city: Path) -> None:
    seen: list[str] = []
    (city.parent / "file").write_bytes(b"")
    store = RunStore(city.parent / "file")
    outcome = recompute(city, store, NOW, lambda stage, *_: seen.append(stage))
    assert outcome.verdict.light is Light.RED
    assert seen == []


def test_a_misspelt_setting_is_told_with_those_that_exist(city: Path) -> None:
    city.write_text('[city]\nname = "x"\ncell_siez = 5\n[buildings]\npath = "b"\n', "utf-8")
    with pytest.raises(
        CityFileError, match=r"no setting city\.cell_siez; expected cell_size, name"
    ) as caught:
        read_city(city)
    assert "cell_size" in caught.value.text("ja")


@pytest.mark.parametrize(
    "station, codes",
    [
        ('{ id = "44116", lon = 141.9, lat = 45.5 }', ["official_far"]),
        ('{ id = "44116", name = "よそ" }', ["official_name"]),
        ('"44116"', []),
    ],
)
def test_a_station_that_cannot_be_the_towns_is_doubted(city: Path, station: str, codes: list[str]) -> None:
    changed(city, "[official]\n", f"[official]\nstations = [{station}]\n")
    found = read_inputs(read_city(city), city, now=NOW)
    assert [note.code for note in found.doubts] == codes


def test_weather_of_other_days_is_called_by_its_file(city: Path) -> None:
    changed(city.parent / "open_meteo.json", "2025-08-", "2025-06-")
    (error,) = (error for error in check(city, NOW).errors if "overlap" in str(error))
    assert error.where == str(city.parent / "open_meteo.json")


def test_buildings_elsewhere_are_compared_with_the_bounds_as_they_are_written(city: Path) -> None:
    changed(city, f"bounds = {list(BOUNDS)}", "bounds = [138.554, 35.68, 138.565, 35.69]")
    with pytest.raises(InputError, match="not a single building") as caught:
        read_inputs(read_city(city), city, now=NOW)
    assert "expected [city] bounds = [138.554, 35.68, 138.565, 35.69]; got" in str(caught.value)


def test_the_kind_of_weather_is_told_from_the_file(city: Path) -> None:
    changed(city, 'kind = "open-meteo"\n', "")
    found = read_inputs(read_city(city), city, now=NOW)
    assert found.weather is not None and found.weather.series is not None
    (city.parent / "open_meteo.json").write_text("{}", "utf-8")
    with pytest.raises(InputError, match="kind of weather"):
        read_inputs(read_city(city), city, now=NOW)


@pytest.mark.parametrize("content", [b"\x00\xff", "訓練,特別警戒\r\n".encode("cp932")])
def test_of_an_alert_file_that_cannot_be_read_nothing_is_public(city: Path, content: bytes) -> None:
    changed(city, "alert_20250805_05.csv", "alert_訓練_20250805_05.csv")
    (city.parent / "alert_訓練_20250805_05.csv").write_bytes(content)
    store = RunStore(city.parent / "store")
    outcome = recompute(city, store, NOW, nothing)
    assert "alerts_missing" in {note.code for note in outcome.verdict.notes}
    run = store.open(outcome.run_id or "")
    assert "alerts" in {row["role"] for row in run.manifest["lacking"]}
    told = json.dumps([run.manifest, store.status()], ensure_ascii=False)
    for word in ("訓練", "特別警戒"):
        assert word not in told
    assert replay(store, run.id, nothing) == []


@pytest.mark.parametrize(
    ("area", "header", "public", "staff"),
    [
        (
            'area = "999999"',
            "府県予報区",
            ("「999999」に当たる予報区が", "[alerts] area を"),
            "東京都 130000",
        ),
        ('area = "130000"', "予報区", ("見出しの行がありません", "環境省の CSV"), "alert_20250805_05.csv"),
    ],
)
def test_what_is_wrong_with_the_alerts_is_told_with_its_place_and_remedy(
    city: Path, area: str, header: str, public: tuple[str, str], staff: str
) -> None:
    changed(city, 'area = "130000"', area)
    changed(city.parent / "alert_20250805_05.csv", "\n府県予報区", f"\n{header}")
    outcome = recompute(city, RunStore(city.parent / "store"), NOW, nothing)
    (told,) = (note.words.ja for note in outcome.verdict.notes if note.code == "alerts_missing")
    assert told.startswith("[alerts]: ") and all(part in told for part in public)
    assert "alert_2025" not in told and "東京都 " not in told, "what the file holds is nobody's business"
    (told,) = (note.words.ja for note in check(city, NOW).doubts if note.code == "alerts_missing")
    assert staff in told and str(city.parent / "alert_20250805_05.csv") in told


def test_alerts_of_another_day_leave_today_unknown(city: Path) -> None:
    codes = {note.code for note in check(city, datetime(2025, 9, 20, tzinfo=UTC)).doubts}
    assert {"alerts_stale", "official_stale"} <= codes


def test_every_failure_of_a_source_has_its_row_in_order(city: Path) -> None:
    inputs = Inputs(read_city(city))
    files = [city.parent / name for name in ("city.toml", "yohou_tokyo.csv")]
    inputs.readings = [Reading.of("buildings", file) for file in files]
    roles = ("buildings", "buildings", "official")
    inputs.failed = [(role, SourceError(f"failure {k}")) for k, role in enumerate(roles, 1)]
    rows = status(Verdict(Light.RED, Words("x", "x")), None, inputs, NOW)["sources"]
    seen = [(row["role"], row.get("file"), row["state"], row["why"]["en"]) for row in rows]
    assert seen == [
        ("buildings", "city.toml", "ok", ""),
        ("buildings", "yohou_tokyo.csv", "error", "failure 1"),
        ("buildings", None, "error", "failure 2"),
        ("official", None, "error", "failure 3"),
    ]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("no number")])
def test_a_computation_that_breaks_off_leaves_the_last_run_and_nothing_else(
    city: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    store = RunStore(city.parent / "store")
    last = recompute(city, store, NOW, nothing).run_id
    blocks = Simulation.blocks

    def broken(made: Simulation, progress: Any) -> Iterator[xr.Dataset]:
        yield from blocks(made, progress)
        raise error

    monkeypatch.setattr(Simulation, "blocks", broken)
    with pytest.raises((RuntimeError, ValueError), match=r"computation failed|no number"):
        recompute(city, store, NOW + timedelta(hours=1), nothing)
    assert store.runs() == [last] and store.latest_id() == last
    assert not list((store.root / "runs").glob(".*")), "what was written of the broken run is still there"
    told = store.status()
    assert told is not None and told["verdict"]["level"] == "red"
    assert "不具合" in json.dumps(told["verdict"], ensure_ascii=False), "told as the disk's"
