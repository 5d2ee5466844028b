"""Population and districts: columns found, contradictions refused, shapes mended; the real files counted."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.errors import (
    HeatRiskError,
    InputError,
    SourceError,
    SourceIncompleteError,
    SourceUnavailableError,
)
from heatrisk.sources.areas import read_jurisdictions, read_population, to_geojson
from tests.messages import SHARED, explains

CRS = "EPSG:6677"
SQUARE = shapely.box(139.55, 35.68, 139.56, 35.69)


def written(
    folder: Path, rows: dict[str, list[Any]], shapes: list[Any] | None = None, name: str = "a.gpkg"
) -> Path:
    count = len(next(iter(rows.values())))
    shapes = shapes or [shapely.affinity.translate(SQUARE, 0.01 * i) for i in range(count)]
    gpd.GeoDataFrame(rows, geometry=shapes, crs="EPSG:6668").to_file(folder / name)
    return folder / name


def test_real_meshes_counted_another_way() -> None:
    path = SHARED / "hits" / "PopForecast_250m_kotoward.geojson"
    if not path.exists():
        pytest.skip(f"not here: {path}")
    features = [row["properties"] for row in json.loads(path.read_text(encoding="utf-8"))["features"]]
    population, reading = read_population([path], CRS, year=2026)
    assert (reading.read, reading.used, reading.refused) == (len(features), len(features), ())
    assert population["mesh"].tolist() == [row["MESH_ID"] for row in features]
    assert set(population["year"]) == {2025}
    assert population["elderly"].tolist() == [row["PTC_2025"] for row in features]
    assert population["old"].tolist() == [row["PTD_2025"] for row in features]
    everyone = [row["PTA_2025"] + row["PTB_2025"] + row["PTC_2025"] for row in features]
    np.testing.assert_allclose(population["total"], everyone)
    # Cells of 250 m in the ward: about 65,380 square metres.
    np.testing.assert_allclose(population.area, 65_380, rtol=0.001)


def test_real_districts_counted_another_way() -> None:
    path = SHARED / "hits" / "FireStationJurisdiction_P17_12_13_kotoward_wbgt_pop_2.geojson"
    if not path.exists():
        pytest.skip(f"not here: {path}")
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    districts, reading = read_jurisdictions([path], CRS)
    names = [row["properties"]["P17_005"] for row in features]
    assert districts["name"].tolist() == list(dict.fromkeys(names))
    assert (reading.read, reading.used, reading.facts["joined"]) == (10, 10, 10 - len(set(names)))
    whole = gpd.read_file(path).to_crs(CRS).area.sum()
    assert districts.area.sum() == pytest.approx(whole, rel=1e-6), "islands of one station are one district"


@pytest.mark.parametrize("year, taken", [(2019, 2025), (2026, 2025), (2028, 2030), (2200, 2030)])
def test_of_the_years_that_say_most_the_nearest_counts(tmp_path: Path, year: int, taken: int) -> None:
    rows = {"MESH_ID": ["5339364211"], "PTN_2020": [9.0]}
    for stated in (2025, 2030):
        rows |= {f"PTN_{stated}": [stated], f"PTC_{stated}": [stated / 3], f"PTD_{stated}": [stated / 6]}
    population, reading = read_population([written(tmp_path, rows)], CRS, year=year)
    assert population.loc[0, ["year", "total", "elderly", "old"]].tolist() == [
        taken,
        taken,
        taken / 3,
        taken / 6,
    ]
    assert reading.facts["columns"]["elderly"] == [f"PTC_{taken}"]
    assert [note.code for note in reading.notes] == ["population_estimate"]


@pytest.mark.parametrize(
    "columns", [("人口（総数）", "６５歳以上人口"), ("総人口", "高齢者人口"), ("population", "elderly")]
)
def test_usual_headers_are_known(tmp_path: Path, columns: tuple[str, str]) -> None:
    population, reading = read_population(
        [written(tmp_path, {"KEY_CODE": [533936421], columns[0]: [10], columns[1]: ["４"]})], CRS
    )
    assert population.loc[0, ["mesh", "total", "elderly", "year"]].tolist() == ["533936421", 10.0, 4.0, 0]
    assert math.isnan(population.loc[0, "old"])
    assert reading.facts["year"] is None


def test_named_columns_win(tmp_path: Path) -> None:
    path = written(tmp_path, {"T001": ["1,200", "*"], "T019": [300.0, -9999.0], "total": [1, 1]})
    population, reading = read_population([path], CRS, columns={"total": "T001", "elderly": "T019"})
    assert population["total"].tolist() == [1200.0]
    assert population["mesh"].tolist() == ["1"], "without codes a mesh has the number of its row"
    assert [(row.where, row.reason.en) for row in reading.refused] == [("2", "no number of residents")]


def test_rows_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    rows = {
        "mesh": ["fine", "negative", "elderly", "old", "unknown", "sentinel", "rounded"],
        "人口": [100.0, -3.0, 100.0, 100.0, np.nan, -9999.0, 30.0],
        "65歳以上": [40.0, 1.0, 120.0, 40.0, np.nan, 20.0, 30.004],
        "75歳以上": [20.0, 1.0, 20.0, 50.0, np.nan, -99999.0, 30.008],
    }
    population, reading = read_population([written(tmp_path, rows)], CRS)
    assert population["mesh"].tolist() == ["fine", "sentinel", "rounded"]
    assert [row.where for row in reading.refused] == ["negative", "elderly", "old", "unknown"]
    assert population.loc[1, ["total", "old"]].isna().all()
    assert reading.facts["residents"] == {"total": 130.0, "elderly": 90.0, "old": 50.0}


def test_shapes_are_mended_or_refused_by_name(tmp_path: Path) -> None:
    bow = shapely.Polygon([(139.55, 35.68), (139.56, 35.69), (139.56, 35.68), (139.55, 35.69)])
    shapes = [SQUARE, bow, shapely.Point(139.5, 35.6), None, shapely.box(1e30, 0, 1e31, 1)]
    path = written(tmp_path, {"mesh": list("abcde"), "人口": [1.0] * 5}, shapes, "a.geojson")
    population, reading = read_population([path], CRS)
    assert population["mesh"].tolist() == ["a", "b"]
    assert population.is_valid.all()
    assert reading.facts["mended"] == 1
    assert [row.where for row in reading.refused] == ["c", "d", "e"]


def test_the_same_mesh_again_is_taken_once(tmp_path: Path) -> None:
    rows = {"mesh": ["a", "b"], "人口": [1.0, 2.0]}
    paths = [written(tmp_path, rows), written(tmp_path, rows, name="b.fgb")]
    population, reading = read_population(paths, CRS)
    assert population["mesh"].tolist() == ["a", "b"]
    assert (reading.facts["duplicates"], reading.read, reading.used) == (2, 4, 2)


def test_squares_by_their_codes_alone(tmp_path: Path) -> None:
    path = tmp_path / "census.csv"
    path.write_bytes("KEY_CODE,T001\n,人口総数\n5339364211,20\n5339364213,30\n99,1\n".encode("cp932"))
    population, reading = read_population([path], CRS, columns={"total": "T001"})
    assert population["total"].tolist() == [20.0, 30.0]
    np.testing.assert_allclose(population.area, 65_380, rtol=0.002)
    assert [row.where for row in reading.refused] == ["1", "99"]


def test_districts_of_one_name_are_one(tmp_path: Path) -> None:
    rows = {"管轄署名": ["東", "西", "東", None, "－"], "other": ["x"] * 5}
    path = written(tmp_path, rows)
    districts, reading = read_jurisdictions([path], CRS)
    assert districts["name"].tolist() == ["東", "西"]
    assert districts.area[0] == pytest.approx(2 * districts.area[1], rel=1e-3)
    assert [row.where for row in reading.refused] == ["4", "5"]
    assert reading.facts["joined"] == 1
    by_name, _ = read_jurisdictions([path], CRS, name_column="other")
    assert by_name["name"].tolist() == ["x"]


def test_kept_areas_are_geojson(tmp_path: Path) -> None:
    rows = {"mesh": ["a"], "人口": [3.0]}
    population, _ = read_population([written(tmp_path, rows)], CRS)
    text = json.dumps(to_geojson(population), allow_nan=False)
    feature = json.loads(text)["features"][0]
    assert feature["properties"] == {"mesh": "a", "total": 3.0, "elderly": None, "old": None, "year": 0}
    corners = np.array(feature["geometry"]["coordinates"][0])
    assert sorted(set(corners[:, 0])) == [139.55, 139.56]
    assert sorted(set(corners[:, 1])) == [35.68, 35.69]


def test_bad_files_are_explained(tmp_path: Path) -> None:
    plain = written(tmp_path, {"a": [1], "b": [2]})
    text = tmp_path / "x.geojson"
    text.write_text("<html></html>")
    table = tmp_path / "t.csv"
    table.write_text("a,b\n1,2\n")
    cases: list[tuple[Any, type[HeatRiskError]]] = [
        (lambda: read_population([plain], CRS), SourceIncompleteError),
        (lambda: read_population([plain], CRS, columns={"total": "none"}), InputError),
        (lambda: read_population([plain], CRS, columns={"all": "a"}), InputError),
        (lambda: read_population([plain], CRS, layer="none"), InputError),
        (lambda: read_jurisdictions([plain], CRS), SourceIncompleteError),
        (lambda: read_jurisdictions([plain], CRS, name_column="none"), InputError),
        (lambda: read_jurisdictions([text], CRS), SourceError),
        (lambda: read_population([table], CRS), SourceError),
        (lambda: read_population([tmp_path / "none.gpkg"], CRS), SourceUnavailableError),
    ]
    for read, kind in cases:
        with pytest.raises(kind) as caught:
            read()
        explains(caught.value, Path(caught.value.where or ""))
        assert Path(caught.value.where or "").parent == tmp_path


JUNK = st.binary(max_size=120) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(JUNK, st.sampled_from([".geojson", ".csv", ".gpkg", ".fgb"]))
def test_any_bytes_are_read_or_explained(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    heads = {
        ".geojson": b'{"type":"FeatureCollection","features":[', ".csv": b"mesh,total\n5339,1\n",
        ".gpkg": b"SQLite format 3\0", ".fgb": b"fgb\x03fgb\0",
    }  # fmt: skip
    path.write_bytes(heads[suffix] + junk)
    for read in (read_population, read_jurisdictions):
        try:
            read([path], CRS)
        except HeatRiskError as error:
            explains(error, path)
