"""The walk of city staff, through the front door: files in, map out, and every way it can go wrong."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
import xarray as xr

from heatrisk.cli import main
from heatrisk.operation import recompute
from heatrisk.store import RunStore
from tests.tiny_city import CITY, FORECAST, SHELTERS, make_tiny

#: A run on the morning of the forecast, whatever day it is now.
RUN = ("run", "--date", "2026-07-30T08:00")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Write a block of six houses with a forecast and a shelter, and return its city file."""
    return make_tiny(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the city and run it once, into a store of its own name; return the folder."""
    folder = tmp_path_factory.mktemp("finished")
    morning = datetime(2026, 7, 29, 23, tzinfo=UTC)
    outcome = recompute(make_tiny(folder), RunStore(folder / "kept"), morning, lambda *_: None, past=True)
    assert outcome.run_id is not None, outcome.verdict
    return folder


@pytest.fixture
def run_city(finished: Path, tmp_path: Path) -> Path:
    """Return the city file of a copy of the city that ran."""
    shutil.copytree(finished, tmp_path / "town", symlinks=True)
    return tmp_path / "town" / "city.toml"


@pytest.fixture
def heatrisk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """Return the command line as a function: arguments in, exit code and everything printed out."""
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)

    def call(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["heatrisk", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return code, "".join(capsys.readouterr())

    return call


def test_a_run_is_published_and_opens_as_cf_zarr(
    city: Path, heatrisk: Callable[..., tuple[int, str]]
) -> None:
    store = city.parent / "kept"
    code, text = heatrisk(*RUN, city, "--store", store)
    assert code in (0, 10), text
    assert "Testville" in text
    run = RunStore(store).open()
    assert run.manifest["official"]["stations"][0]["values"] == [29, 32, 31, 29, 28, 27]
    assert {row["role"] for row in run.manifest["inputs"]} == {"city", "buildings", "official", "shelters"}
    assert all(len(row["sha256"]) == 64 for row in run.manifest["inputs"])
    assert "環境省" in run.manifest["attribution"][0]["ja"], "real forecasts are credited"
    assert "weather_assumed" in {note["code"] for note in run.manifest["assumptions"]}
    with xr.open_zarr(run.path / "fields.zarr") as data:
        assert data["wbgt_moe"].attrs["units"] == "degC"
        assert float(data["wbgt_moe"].max()) <= 33.0
    assert not (store / "status.json").exists(), "a past day says nothing of how things stand now"


def test_the_city_file_names_the_store(city: Path, heatrisk: Callable[..., tuple[int, str]]) -> None:
    code, _ = heatrisk(*RUN, city)
    assert code in (0, 10)
    assert RunStore(city.parent / "store").latest_id() is not None


def test_two_runs_give_the_same_bytes_of_every_array(
    city: Path, heatrisk: Callable[..., tuple[int, str]]
) -> None:
    digests = []
    for store in ("one", "two"):
        heatrisk(*RUN, city, "--store", city.parent / store)
        digests.append(RunStore(city.parent / store).open().manifest["arrays"])
    assert digests[0] == digests[1]
    assert digests[0]


def _no_forecast(folder: Path) -> None:
    (folder / "yohou.csv").unlink()


def _no_buildings_file(folder: Path) -> None:
    (folder / "footprints.gpkg").unlink()


def _no_heights(folder: Path) -> None:
    gpd.read_file(folder / "footprints.gpkg").drop(columns="measuredHeight").to_file(
        folder / "footprints.gpkg"
    )


def _wrong_header(folder: Path) -> None:
    (folder / "yohou.csv").write_text("station,time,value\n44116,2026-07-30,31\n")


def _hole(folder: Path) -> None:
    (folder / "yohou.csv").write_text(FORECAST.replace(" 310", "    "))


def _swapped(folder: Path) -> None:
    frame = gpd.read_file(folder / "footprints.gpkg").to_crs("EPSG:4326")
    swapped = shapely.transform(frame.geometry.to_numpy(), lambda pairs: pairs[:, ::-1])
    (folder / "footprints.gpkg").unlink()
    frame.set_geometry(gpd.GeoSeries(swapped, crs="EPSG:4326")).to_file(
        folder / "footprints.gpkg", driver="GPKG"
    )


def _empty(folder: Path) -> None:
    gpd.read_file(folder / "footprints.gpkg").iloc[:0].to_file(folder / "footprints.gpkg", driver="GPKG")


def _unknown_station(folder: Path) -> None:
    (folder / "city.toml").write_text(CITY.replace("44116", "11001"), encoding="utf-8")


def _unknown_key(folder: Path) -> None:
    (folder / "city.toml").write_text(CITY.replace("[official]", "[officials]"), encoding="utf-8")


def _shelters_swapped(folder: Path) -> None:
    (folder / "shelters.csv").write_text(
        SHELTERS.replace("35.6837,139.5603", "139.5603,35.6837"), encoding="utf-8"
    )


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (_no_forecast, "yohou.csv"),
        (_no_buildings_file, "footprints.gpkg"),
        (_no_heights, "height"),
        (_wrong_header, "yohou.csv"),
        (_hole, "yohou.csv"),
        (_swapped, "footprints.gpkg"),
        (_empty, "footprints.gpkg"),
        (_unknown_station, "11001"),
        (_unknown_key, "officials"),
    ],
)
def test_bad_input_is_refused_by_name_and_the_last_good_run_stays(
    run_city: Path, heatrisk: Callable[..., tuple[int, str]], spoil: Callable[[Path], None], named: str
) -> None:
    store = run_city.parent / "kept"
    before = RunStore(store).latest_id()
    assert before is not None
    spoil(run_city.parent)
    for language in ("en", "ja"):
        code, text = heatrisk(*RUN, run_city, "--store", store, "--lang", language)
        assert code == 20, text
        assert named in text
        assert before in text
    assert RunStore(store).latest_id() == before
    run = RunStore(store).open()
    assert run.series(*run.grid.centre_lonlat) is not None
    assert "Traceback" not in text


def test_shelters_with_swapped_coordinates_turn_the_run_amber_and_lose_no_map(
    city: Path, heatrisk: Callable[..., tuple[int, str]]
) -> None:
    _shelters_swapped(city.parent)
    code, text = heatrisk(*RUN, city, "--store", city.parent / "kept")
    assert code in (10, 20), text
    assert "shelters.csv" in text


@pytest.mark.parametrize("arguments", [("run", "nowhere.toml"), ("run",), ("fly",), ("serve", "--port", "0")])
def test_usage_errors_exit_with_2(
    heatrisk: Callable[..., tuple[int, str]], arguments: tuple[str, ...]
) -> None:
    code, _ = heatrisk(*arguments)
    assert code == 2


def test_check_reads_everything_and_lists_all_errors(
    city: Path, heatrisk: Callable[..., tuple[int, str]]
) -> None:
    code, text = heatrisk("check", city, "--json")
    assert code in (0, 10), text  # amber only because the forecast's issue time is not today's
    assert json.loads(text)["ok"] is True
    _no_heights(city.parent)
    _hole(city.parent)
    code, text = heatrisk("check", city, "--json")
    report = json.loads(text)
    assert code == 20
    assert len(report["errors"]) == 2
    assert {row["role"] for row in report["sources"]} >= {"city", "shelters"}
    code, text = heatrisk("check", city, "--lang", "ja")
    assert code == 20
    assert "yohou.csv" in text


WEATHER = """\
time,ta,rh,va,ghi
""" + "".join(
    f"2025-08-0{5 + k // 24}T{k % 24:02d}:00,30,60,2,{max(0, 800 - 15 * (k % 24 - 12) ** 2)}\n"
    for k in range(49)
)


def test_check_stops_where_a_run_would(city: Path, heatrisk: Callable[..., tuple[int, str]]) -> None:
    (city.parent / "weather.csv").write_text(WEATHER)
    city.write_text(CITY + '[weather]\npath = "weather.csv"\nkind = "csv"\n', encoding="utf-8")
    for call in (("check", city, "--json"), (*RUN, city, "--store", city.parent / "kept")):
        code, text = heatrisk(*call)
        assert code == 20, text
        assert "overlap" in text
    city.write_text("[city\n", encoding="utf-8")
    code, text = heatrisk("check", city, "--json")
    assert code == 20
    assert json.loads(text)["ok"] is False


def test_check_speaks_japanese_when_asked(city: Path, heatrisk: Callable[..., tuple[int, str]]) -> None:
    _unknown_key(city.parent)
    code, text = heatrisk("check", city, "--lang", "ja")
    assert code == 20
    assert "officials" in text
    assert "という項目はありません" in text
    assert heatrisk("check", city, "--lang", "fr")[0] == 2


def test_a_store_that_takes_no_run_is_a_red_line(
    city: Path, heatrisk: Callable[..., tuple[int, str]]
) -> None:
    (city.parent / "file").write_text("")
    code, text = heatrisk(*RUN, city, "--store", city.parent / "file" / "store", "--lang", "ja")
    assert code == 20
    assert "異常" in text


def test_serve_says_that_a_port_is_taken(city: Path, heatrisk: Callable[..., tuple[int, str]]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        code, text = heatrisk("serve", "--store", city.parent, "--port", other.getsockname()[1])
    assert code == 2
    assert "--port" in text


def test_init_proposes_a_city_file_that_runs(city: Path, heatrisk: Callable[..., tuple[int, str]]) -> None:
    city.unlink()
    code, text = heatrisk("init", city.parent)
    assert code == 0, text
    proposal = city.read_text("utf-8")
    assert 'crs = "EPSG:6677"' in proposal
    assert 'stations = ["44116"]' in proposal
    code, text = heatrisk(*RUN, city, "--store", city.parent / "kept")
    assert code in (0, 10), text
    code, _ = heatrisk("init", city.parent)
    assert code == 2, "an existing city file must not be overwritten"


def test_init_says_what_is_missing_and_what_it_left_aside(
    city: Path, heatrisk: Callable[..., tuple[int, str]]
) -> None:
    city.unlink()
    _no_forecast(city.parent)
    (city.parent / "minutes.docx").write_bytes(b"PK")
    code, text = heatrisk("init", city.parent)
    assert code == 0, text
    assert "minutes.docx" in text
    assert "[official]" in text
    code, text = heatrisk(*RUN, city)
    assert code == 20
    assert "[official]" in text


def test_inspect_shows_a_run_a_place_and_a_picture(
    run_city: Path, heatrisk: Callable[..., tuple[int, str]]
) -> None:
    store = run_city.parent / "kept"
    code, text = heatrisk("inspect", "--store", store)
    assert code == 0
    assert json.loads(text)["run_id"] == RunStore(store).latest_id()
    lon, lat = RunStore(store).open().grid.centre_lonlat
    code, text = heatrisk("inspect", "--store", store, "--point", f"{lon},{lat}")
    assert code == 0
    assert "07-30 15:00" in text
    picture = run_city.parent / "map.png"
    code, _ = heatrisk("inspect", "--store", store, "--png", picture, "--time", "2026-07-30T15:00")
    assert code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    code, text = heatrisk("inspect", "--store", store, "--png", picture, "--time", "2026-07-30T16:00")
    assert code == 2
    assert "2026-07-30T15:00" in text


def test_the_sample_town_runs_green(tmp_path: Path, heatrisk: Callable[..., tuple[int, str]]) -> None:
    code, text = heatrisk("demo", "--no-serve", "--store", tmp_path / "demo", "--lang", "ja")
    assert code == 0, text
    assert "正常" in text
    run = RunStore(tmp_path / "demo").open()
    assert "環境省" not in json.dumps(run.manifest["attribution"], ensure_ascii=False), (
        "invented values are not"
    )
    data = run.dataset()
    noon = data.sel(time="2025-08-05T03:00")
    shaded = noon["wbgt_moe"].where(noon["sunlit"] < 0.05)
    sunny = noon["wbgt_moe"].where(noon["sunlit"] > 0.95)
    contrast = float(sunny.mean() - shaded.mean())
    assert 1.3 < contrast < 3.3, "the sun-shade contrast of a clear noon lies in the published band"
    assert np.isfinite(data["wbgt_moe"].where(data["mask"] == 0, 0.0)).all()


def test_the_command_is_installed() -> None:
    command = shutil.which("heatrisk", path=str(Path(sys.executable).parent))
    if command is None:
        pytest.skip("the heatrisk command is not installed beside this Python")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip()
