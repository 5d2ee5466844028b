"""The surfaces of a city: the cited table, and what the city file puts in its place."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from heatrisk.city import read_city
from heatrisk.city.sections import SurfacesSection
from heatrisk.errors import CityFileError, InputError
from heatrisk.heat import Surfaces
from heatrisk.operation import recomputing
from heatrisk.physics.surface import LAND_COVER, WALL
from heatrisk.sources.intake import read_inputs
from heatrisk.sources.surfaces import read_surfaces
from heatrisk.store import RunStore
from tests import made_city
from tests.test_city import MINIMAL, read

NEW = {"code": 20, "name": "遮熱性舗装", "albedo": 0.4, "emissivity": 0.93, "admittance": 1205, "moisture": 0}


def section(**given: object) -> SurfacesSection:
    return SurfacesSection.model_validate(given)


def test_without_a_word_the_table_is_the_cited_one() -> None:
    assert read_surfaces(section()) == (LAND_COVER, WALL)


def test_a_row_changes_what_it_names_and_keeps_its_place() -> None:
    ground, wall = read_surfaces(section(ground=[{"code": 1, "albedo": 0.3}], wall={"admittance": 1000}))
    assert ground[0] == LAND_COVER[0]._replace(albedo=0.3)
    assert ground[1:] == LAND_COVER[1:]
    assert wall == WALL._replace(admittance=1000.0)


def test_a_code_of_its_own_is_a_class_of_its_own() -> None:
    ground, _ = read_surfaces(section(ground=[NEW]))
    assert ground[:-1] == LAND_COVER
    assert ground[-1] == (20, "遮熱性舗装", "遮熱性舗装", 0.4, 0.93, 1205.0, 0.0)
    town = Surfaces.of(ground)
    assert town.classes[20] == len(LAND_COVER)
    assert tuple(town.ground[-1]) == (0.4, 0.93, 1205.0, 0.0)


def test_a_code_of_its_own_names_all_numbers() -> None:
    with pytest.raises(InputError, match="20") as caught:
        read_surfaces(section(ground=[{"code": 20, "albedo": 0.4}]))
    assert "emissivity" in str(caught.value) and "土地被覆" in caught.value.text("ja")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("ground = [{ code = 1, albedo = 1.2 }]", "albedo"),
        ("ground = [{ code = 0, albedo = 0.2 }]", "code"),
        ("ground = [{ albedo = 0.2 }]", "code"),
        ("ground = [{ code = 1, colour = 0.2 }]", "colour"),
        ("wall = { emissivity = 0 }", "emissivity"),
        ("wall = { admittance = -1 }", "admittance"),
        ("ground = [{ code = 1 }, { code = 1 }]", "ground"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(CityFileError, match=key):
        read(tmp_path, f"{MINIMAL}[surfaces]\n{text}\n")


def test_the_city_file_may_state_them(tmp_path: Path) -> None:
    city = read(tmp_path, f"{MINIMAL}[surfaces]\nground = [{{ code = 1, albedo = 0.3 }}]\n")
    assert read_surfaces(city.surfaces)[0][0].albedo == 0.3
    assert read(tmp_path, MINIMAL).surfaces == SurfacesSection()


def test_a_run_is_made_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made_city.make_city(tmp_path)
    path.write_text(path.read_text("utf-8") + "\n[surfaces]\nwall = { albedo = 0.6 }\n", "utf-8")
    inputs = read_inputs(read_city(path), path, now=datetime(2025, 8, 5, 5, 10, tzinfo=UTC))
    told: dict[str, Any] = {}
    monkeypatch.setattr(recomputing, "Simulation", lambda *_, **given: told.update(given))
    recomputing.simulation(inputs, RunStore(tmp_path / "store"), lambda *_: None)
    assert told["surfaces"].wall[0] == 0.6
    assert told["surfaces"].ground.tolist() == Surfaces.of().ground.tolist()
