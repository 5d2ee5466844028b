"""``heatrisk init``: a city file from a folder of files, that a check accepts and a run computes."""

from __future__ import annotations

import json
import shutil
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from heatrisk.city import read_city
from heatrisk.errors import SourceUnavailableError
from heatrisk.operation import check, recompute
from heatrisk.sources.intake import read_inputs
from heatrisk.sources.proposal import Proposal, plane_crs, propose
from heatrisk.store import RunStore
from tests import made_city
from tests.doors import doors
from tests.messages import SHARED, explains

NOW = datetime(2025, 8, 5, 5, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    made_city.make_city(folder).unlink()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "ひなた市")
    return tmp_path / "ひなた市"


def written(folder: Path, proposal: Proposal) -> Path:
    (folder / "city.toml").write_text(proposal.text, encoding="utf-8")
    return folder / "city.toml"


def settings(proposal: Proposal) -> dict[str, Any]:
    return tomllib.loads(proposal.text)


def test_everything_in_a_folder_finds_its_place(folder: Path) -> None:
    proposal = propose(folder)
    stated = settings(proposal)
    paths = {name: section.get("path") for name, section in stated.items()}
    assert paths == {
        "city": None,
        "buildings": made_city.DELIVERY,
        "terrain": [made_city.DELIVERY, made_city.DEM_ZIP],
        "trees": [made_city.DELIVERY, "gairoju.csv"],
        "ground": None,
        "official": "yohou_tokyo.csv",
        "weather": "open_meteo.json",
        "alerts": "alert_20250805_05.csv",
        "shelters": "cooling_shelters.csv",
        "population": "population.geojson",
        "jurisdictions": "districts.shp",
        "http": None,
        "model": None,
        "store": "store",
        "watch": None,
        "dashboard": None,
    }
    assert (stated["city"]["name"], stated["city"]["name_en"]) == ("ひなた市", "Hinata")
    assert stated["city"]["crs"] == "EPSG:6677"
    assert {row["id"] for row in stated["official"]["stations"]} == {"99001", "44116"}
    assert sum(row["weight"] for row in stated["official"]["stations"]) == pytest.approx(1, abs=0.002)
    assert stated["official"]["station_table"] == "amedastable.json"
    assert stated["weather"]["kind"] == "open-meteo"
    extra = {name: stated["shelters"][name] for name in ("facilities", "congestion", "equipment")}
    assert extra == {name: f"{name}.csv" for name in extra}
    assert any("[alerts] area" in remark.ja for remark in proposal.remarks)
    assert not any("left aside" in remark.en for remark in proposal.remarks), proposal.remarks


def test_a_check_accepts_what_is_proposed_and_a_run_computes_it(folder: Path) -> None:
    city = written(folder, propose(folder))
    found = check(city, NOW)
    assert found.errors == ()
    assert {reading.role for reading in found.readings} >= {
        "buildings", "terrain", "canopy", "official", "weather", "alerts", "shelters", "congestion",
        "equipment", "population", "jurisdictions",
    }  # fmt: skip
    outcome = recompute(city, RunStore(folder / "store"), NOW, lambda *_: None)
    assert outcome.run_id is not None, outcome.verdict


def test_single_files_will_do(tmp_path: Path) -> None:
    for name, kind in (
        ("a_bldg.gml", "citygml"),
        ("yohou.csv", "forecast"),
        ("shelters.xlsx", "shelters xlsx"),
    ):
        (tmp_path / name).write_bytes(doors()[kind].good)
    (tmp_path / "amedastable.json").write_text(json.dumps(made_city.STATIONS), encoding="utf-8")
    proposal = propose(tmp_path)
    city = written(tmp_path, proposal)
    inputs = read_inputs(read_city(city), city, now=NOW)
    assert inputs.scene is not None and inputs.lacking == []
    assert settings(proposal)["city"]["name"] == "ひなた市", "the list of shelters names the town"


def test_several_kinds_of_weather_cannot_be_joined(folder: Path) -> None:
    (folder / "tokyo.epw").write_bytes(doors()["epw"].good)
    (folder / "weather.csv").write_bytes(doors()["weather csv"].good)
    proposal = propose(folder)
    assert settings(proposal)["weather"]["kind"] == "open-meteo"
    assert any("tokyo.epw, weather.csv" in remark.ja for remark in proposal.remarks)
    (folder / "open_meteo.json").unlink()
    (folder / "yohou_tokyo.csv").unlink()
    stated = settings(propose(folder))
    assert (stated["weather"]["kind"], "official" in stated) == ("csv", False)


def test_a_folder_without_buildings_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "議事録.docx").write_bytes(b"PK")
    (tmp_path / "yohou.csv").write_bytes(doors()["forecast"].good)
    with pytest.raises(SourceUnavailableError) as caught:
        propose(tmp_path)
    told = explains(caught.value, tmp_path)
    assert "議事録.docx" in told and ".gpkg" in told
    with pytest.raises(SourceUnavailableError, match="nothing"):
        propose_in_empty(tmp_path / "empty")


def propose_in_empty(folder: Path) -> Proposal:
    folder.mkdir()
    return propose(folder)


@pytest.mark.parametrize(
    "kind, name, credit",
    [("gsi dem", "dem/a.xml", "基盤地図情報"), ("tin", "dem/a.gml", "Project PLATEAU"),
     ("tile png", "dem/{}", "地理院タイル"), ("terrain tif", "dem/dem.tif", None)],
)  # fmt: skip
def test_the_credit_is_that_of_what_is_inside(
    kind: str, name: str, credit: str | None, tmp_path: Path
) -> None:
    (tmp_path / "town.gpkg").write_bytes(doors()["gpkg"].good)
    path = tmp_path / name.format(doors()[kind].name)
    path.parent.mkdir(parents=True)
    path.write_bytes(doors()[kind].good)
    stated = settings(propose(tmp_path))
    assert stated["terrain"]["path"] == "dem"
    credits = stated["city"]["attribution"]
    assert len(credits) == (credit is not None)
    assert all(credit in line for line in credits if credit is not None)


def test_files_of_a_mixed_folder_are_named_below_it(folder: Path) -> None:
    (folder / "表").mkdir()
    for name in ("yohou_tokyo.csv", "alert_20250805_05.csv", "cooling_shelters.csv"):
        (folder / name).rename(folder / "表" / name)
    proposal = propose(folder)
    stated = settings(proposal)
    assert stated["official"]["path"] == "表/yohou_tokyo.csv"
    assert stated["city"]["name"] == "ひなた市"
    assert check(written(folder, proposal), NOW).errors == ()


@pytest.mark.parametrize("keep", [0, 20, 0.5, 0.98])
def test_damaged_files_do_not_stop_the_proposal(folder: Path, keep: float) -> None:
    for number, door in enumerate(doors().values()):
        path = folder / f"damaged{number}{Path(door.name).suffix}"
        content = door.pack(door.good)
        path.write_bytes(content[: int(keep if keep > 1 else keep * len(content))])
    proposal = propose(folder)
    stated = settings(proposal)
    assert made_city.DELIVERY in stated["buildings"]["path"]
    check(written(folder, proposal), NOW)


def test_a_store_of_runs_is_no_source(folder: Path) -> None:
    run = folder / "kept" / "runs" / "1"
    run.mkdir(parents=True)
    made_city.areas(run)
    assert settings(propose(folder))["population"]["path"] == "population.geojson"


def test_names_that_toml_would_misread(folder: Path) -> None:
    odd = "c\"ity\\ [1] #'市.gml"
    (folder / odd).write_bytes(doors()["citygml"].good)
    proposal = propose(folder)
    assert odd in settings(proposal)["buildings"]["path"]
    assert check(written(folder, proposal), NOW).errors == ()


@pytest.mark.parametrize(
    "place, crs",
    [((139.55, 35.7), "EPSG:6677"), ((135.5, 34.7), "EPSG:6674"), ((141.35, 43.06), "EPSG:6680"),
     ((127.7, 26.2), "EPSG:6683"), ((13.4, 52.5), "EPSG:32633"), ((-70.6, -33.4), "EPSG:32719")],
)  # fmt: skip
def test_coordinates_that_suit_the_place(place: tuple[float, float], crs: str) -> None:
    assert plane_crs(*place) == crs


def test_a_real_town_from_single_files(tmp_path: Path) -> None:
    names = (
        "plateau/53395404_bldg_6697_op.gml",
        "moe/yohou_all_202208241425.csv",
        "amedas/amedastable_yyousuke2024.json",
    )
    if not all((SHARED / name).exists() for name in names):
        pytest.skip(f"not here: {SHARED}")
    for name in names:
        shutil.copy(SHARED / name, tmp_path)
    city = written(tmp_path, propose(tmp_path))
    inputs = read_inputs(read_city(city), city, now=NOW)
    assert inputs.buildings is not None and len(inputs.buildings) > 600
    assert inputs.weather is not None and inputs.weather.official is not None
