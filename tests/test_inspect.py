"""``heatrisk inspect``: a place of a run, its budget, and what is said when there is none."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from heatrisk.cli import main
from heatrisk.place import cell_at, lonlat
from heatrisk.store import RunStore
from tests import small_run
from tests.small_run import BUILDING, GRID, OPEN_CELL, OUTSIDE, write_small_run
from tests.tiny_city import make_tiny

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def inspect(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return the command as a function: arguments in; exit code, output and complaints out."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["heatrisk", "inspect", *map(str, arguments)])
        code = 0
        capsys.readouterr()
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, *capsys.readouterr()

    return call


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store with the small run, which kept none of its inputs."""
    root = tmp_path_factory.mktemp("store")
    write_small_run(root)
    return root


def point(row: int, column: int) -> str:
    return ",".join(f"{degrees:.6f}" for degrees in small_run.lonlat(row, column))


def test_series_has_words_units_dates_and_classes(store: Path, inspect: Command) -> None:
    code, text, _ = inspect("--store", store, "--point", point(*OPEN_CELL), "--lang", "ja")
    assert code == 0
    head, words, units, *rows = text.splitlines()
    assert small_run.RUN in head
    assert words.split()[:4] == ["日本時間", "公式値", "暑さ指数", "区分"]
    assert "°C" in units
    assert len(rows) == 8
    assert rows[4].startswith("2025-08-05 15:00")
    assert "危険" in rows[4]
    assert "33.0" in rows[4]
    code, text, _ = inspect("--store", store, "--point", point(*OPEN_CELL), "--lang", "en")
    assert text.splitlines()[1].split()[:4] == ["JST", "official", "WBGT", "class"]
    assert "Danger" in text


def test_columns_stand_below_one_another(store: Path, inspect: Command) -> None:
    _, text, _ = inspect("--store", store, "--point", point(*OPEN_CELL), "--lang", "en")
    lines = text.splitlines()[1:]
    assert len({len(line) for line in lines}) == 1


def test_series_as_json(store: Path, inspect: Command) -> None:
    _, text, _ = inspect("--store", store, "--point", point(*OPEN_CELL), "--json")
    told = json.loads(text)
    assert told["times"][0] == "2025-08-04T18:00:00Z"
    assert (told["row"], told["column"]) == OPEN_CELL
    assert told["values"]["official"] == list(small_run.OFFICIAL)
    assert told["values"]["class"][4] == "danger"
    assert told["units"]["wbgt_moe"] == "degC"
    assert told["units"]["p_danger"] == "1"


def test_run_without_inputs_shows_what_it_stored(store: Path, inspect: Command) -> None:
    asked = ("--store", store, "--point", point(*OPEN_CELL), "--time", "2025-08-05T15:00")
    code, text, complaint = inspect(*asked, "--lang", "en")
    assert code == 0
    assert "no record of its inputs" in complaint
    assert "Only the stored values" in complaint
    assert "2025-08-05 15:00" in text
    assert "入力の控えがない" in inspect(*asked, "--lang", "ja")[2]


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("12.5,41.9", "outside the area"),
        ("35.6825,139.5600", "seem to be swapped: give 139.56,35.6825"),
        ("Mitaka", "cannot be read"),
        ("139.5600", "cannot be read"),
        ("139,35,7", "cannot be read"),
        ("nan,inf", "outside the area"),
        (point(BUILDING[0].start + 1, BUILDING[1].start + 2), "within a building"),
        (point(OUTSIDE[0].start, OUTSIDE[1].stop - 1), "the ground is not known"),
    ],
)
def test_places_that_are_none(store: Path, inspect: Command, where: str, says: str) -> None:
    code, text, complaint = inspect("--store", store, "--point", where, "--lang", "en")
    assert code == 20
    assert says in complaint
    assert not text


def test_building_names_the_nearest_outdoor_place(store: Path, inspect: Command) -> None:
    inside = point(BUILDING[0].start + 1, BUILDING[1].start)
    _, _, complaint = inspect("--store", store, "--point", inside, "--lang", "en")
    named = complaint.split("nearest outdoor place is ")[1].split(", ")[0].removesuffix(",")
    mask = RunStore(store).open().dataset()["mask"].values
    row, column = cell_at(GRID, mask, *lonlat(named))
    assert (row, column) == (BUILDING[0].start + 1, BUILDING[1].start - 1)
    assert "5 m away" in complaint


def test_no_outdoor_cell_at_all() -> None:
    nothing = np.full(GRID.shape, 1, np.uint8)
    with pytest.raises(ValueError, match="no outdoor cell"):
        cell_at(GRID, nothing, *small_run.lonlat(3, 3))


@pytest.mark.parametrize("time", ["15 o'clock", "2025-13-01"])
def test_time_that_cannot_be_read(store: Path, inspect: Command, time: str) -> None:
    code, _, complaint = inspect("--store", store, "--point", point(*OPEN_CELL), "--time", time)
    assert code == 2
    assert "ISO 8601" in complaint


def test_city_needs_a_place_and_a_time(tmp_path: Path, inspect: Command) -> None:
    code, _, complaint = inspect("--city", make_tiny(tmp_path))
    assert code == 2
    assert "--point" in complaint


def test_budget_of_a_city_and_of_its_run_are_one(tmp_path: Path, inspect: Command) -> None:
    city, store = make_tiny(tmp_path), tmp_path / "kept"
    lon, lat = _street(city, store, inspect)
    asked = ("--store", store, "--point", f"{lon},{lat}", "--time", "2026-07-30T15:00")
    code, text, complaint = inspect("--city", city, *asked, "--json")
    assert code == 0, complaint
    from_files = json.loads(text)
    assert from_files["step"] == "2026-07-30T06:00:00Z"
    code, text, complaint = inspect(*asked, "--json")
    assert code == 0, complaint
    from_run = json.loads(text)
    assert from_run == from_files
    _, text, _ = inspect("--store", store, "--point", f"{lon},{lat}", "--json")
    series = json.loads(text)
    k = series["times"].index(from_run["step"])
    assert series["values"]["wbgt_moe"][k] == pytest.approx(from_run["values"]["anchored_moe"], abs=0.0051)
    code, text, _ = inspect(*asked, "--lang", "ja")
    assert "この地点の WBGT" in text
    assert "2026-07-30 13:30 – 16:30 JST" in text


def _street(city: Path, store: Path, inspect: Command) -> tuple[float, float]:
    """Compute a run, and return a place in it that is outdoors."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            sys, "argv", ["heatrisk", "run", "--date", "2026-07-30T08:00", str(city), "--store", str(store)]
        )
        with pytest.raises(SystemExit):
            main()
    found = RunStore(store).open()
    row, column = np.argwhere(found.dataset()["mask"].values == 0)[-7]
    lon, lat = found.grid.unproject(found.grid.x[column], found.grid.y[row])
    return float(lon), float(lat)


def test_time_outside_the_forecast(tmp_path: Path, inspect: Command) -> None:
    city, store = make_tiny(tmp_path), tmp_path / "kept"
    lon, lat = _street(city, store, inspect)
    asked = ("--store", store, "--point", f"{lon},{lat}", "--time", "2026-09-01T12:00", "--lang", "en")
    code, _, complaint = inspect("--city", city, *asked)
    assert code == 20
    assert "no weather or forecast for that time" in complaint
