"""Files that are in order, but of another kind than the section of the city file that names them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
from affine import Affine

from heatrisk.operation import Findings, check, recompute
from heatrisk.store import RunStore
from tests.elevation import geotiff
from tests.tiny_city import MORNING, make_tiny

#: A raster of 1 m cells under all of the tiny city and around it.
PLACE = Affine(1, 0, -24_860, 0, -1, -34_950)
SHAPE = (250, 300)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    file = make_tiny(tmp_path)
    slope = np.linspace(48.0, 54.0, SHAPE[1], dtype=np.float32) + np.zeros(SHAPE, np.float32)
    geotiff(tmp_path / "dem.tif", slope, PLACE)
    return file


def found(city: Path, *more: str) -> tuple[Findings, list[str]]:
    """Return what a check says with more lines in the city file, and the codes of its doubts."""
    city.write_text("\n".join((city.read_text("utf-8"), *more)), "utf-8")
    findings = check(city, MORNING)
    return findings, [note.code for note in findings.doubts]


def test_a_city_without_mistakes_has_no_doubts(city: Path) -> None:
    findings, doubts = found(city, "[terrain]", 'path = "dem.tif"')
    assert (findings.errors, doubts) == ((), [])


def test_elevations_in_the_place_of_trees_stop_a_run(city: Path) -> None:
    findings, _ = found(city, "[trees]", 'path = "dem.tif"', "[terrain]", 'path = "dem.tif"')
    (error,) = findings.errors
    assert "標高のよう" in error.text("ja") and "dem.tif" in error.text("en")


def test_elevations_in_the_place_of_trees_are_doubted_without_a_terrain(city: Path) -> None:
    findings, doubts = found(city, "[trees]", 'path = "dem.tif"')
    assert (findings.errors, doubts) == ((), ["canopy_over_buildings"])


def test_numbers_that_no_tree_has_are_told(city: Path) -> None:
    geotiff(city.parent / "high.tif", np.full(SHAPE, 820.0, np.float32), PLACE)
    findings, _ = found(city, "[trees]", 'path = "high.tif"')
    (error,) = findings.errors
    assert "0 to 117" in error.text("en")


def test_elevations_in_the_place_of_land_cover_stop_a_run(city: Path) -> None:
    findings, _ = found(city, "[ground]", 'land_cover = "dem.tif"')
    (error,) = findings.errors
    assert "土地被覆コード" in error.text("ja") and "dem.tif" in error.text("en")


def test_land_cover_with_unknown_codes_is_doubted(city: Path) -> None:
    codes = np.where(np.indices(SHAPE)[0] % 2, 1, 40).astype(np.uint8)
    geotiff(city.parent / "cover.tif", np.repeat(codes, 5, axis=0)[: SHAPE[0]], PLACE)
    findings, doubts = found(city, "[ground]", 'land_cover = "cover.tif"')
    assert (findings.errors, doubts) == ((), ["land_cover_refused"])
    (doubt,) = findings.doubts
    assert "（40）" in doubt.words.ja and "(40)" in doubt.words.en and "cover.tif" in doubt.words.en


@pytest.mark.parametrize(
    ("column", "light"), [("usage", "red"), ("H_max", "amber"), ("measuredHeight", "green")]
)
def test_a_named_height_column_that_gives_few_heights(city: Path, column: str, light: str) -> None:
    path = city.parent / "footprints.gpkg"
    more = {"usage": "住宅", "H_max": [8.0, 9.0, *[None] * 4], "levels": 2}
    gpd.read_file(path).assign(**more).to_file(path, driver="GPKG")
    named = f'[buildings]\nheight_column = "{column}"'
    city.write_text(city.read_text("utf-8").replace("[buildings]", named), "utf-8")
    findings, doubts = found(city)
    assert bool(findings.errors) == (light == "red")
    assert ("buildings_height_column" in doubts) == (light == "amber")


def test_a_shelter_list_without_rows_is_doubted_and_the_last_ones_stay(city: Path) -> None:
    store = RunStore(city.parent / "store")
    first = recompute(city, store, MORNING, lambda *_: None)
    assert first.verdict.exit_code == 0, first.verdict
    path = city.parent / "shelters.csv"
    path.write_text(path.read_text("utf-8-sig").splitlines()[0], "utf-8-sig")
    assert [note.code for note in check(city, MORNING).doubts] == ["shelters_missing"]
    later = recompute(city, store, MORNING + timedelta(minutes=30), lambda *_: None)
    assert {note.code for note in later.verdict.notes} == {"shelters_missing", "shelters_kept"}
    assert "中央図書館" in (store.open().path / "shelters.geojson").read_text("utf-8")


def test_shelters_in_two_encodings_are_doubted_by_row(city: Path) -> None:
    path = city.parent / "shelters.csv"
    head, row = path.read_text("utf-8-sig").splitlines(keepends=True)
    path.write_bytes((head + row * 3).encode("cp932") + row.replace("中央", "北").encode())
    (doubt,) = check(city, MORNING).doubts
    assert doubt.code == "text_damaged"
    assert "5 行目" in doubt.words.ja and "row 5" in doubt.words.en and "shelters.csv" in doubt.words.en
