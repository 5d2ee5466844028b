"""Footprints with heights: columns, sentinels, broken outlines, swapped coordinates, empty towns."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from heatrisk.city.sections import HeightRule
from heatrisk.errors import (
    HeatRiskError,
    InputError,
    SourceError,
    SourceIncompleteError,
    SourceUnavailableError,
    UnitsError,
)
from heatrisk.sources.buildings import read_buildings
from heatrisk.sources.buildings.heights import choose
from tests.doors import doors
from tests.messages import SHARED, explains

CRS = "EPSG:6677"
X, Y = -24_760.0, -35_100.0  # Mitaka

GOOD = {"measuredHeight": [6.0, 9.5, 30.0]}


def houses(count: int = 3) -> list[shapely.Geometry]:
    return [shapely.box(X + 20 * i, Y, X + 20 * i + 10, Y + 8) for i in range(count)]


def town(
    columns: dict[str, list[object]], geometry: list[shapely.Geometry] | None = None
) -> gpd.GeoDataFrame:
    shapes = houses(len(next(iter(columns.values())))) if geometry is None else geometry
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=CRS)


def saved(folder: Path, frame: gpd.GeoDataFrame, name: str = "footprints.gpkg") -> Path:
    path = folder / name
    frame.to_file(path)
    return path


def test_niiza() -> None:
    path = SHARED / "plateau" / "53395404_bldg_6697_op.gml"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    before = sorted(path.parent.iterdir())
    began = time.perf_counter()
    buildings, reading = read_buildings(path, CRS)
    print(f"Niiza: {len(buildings)} buildings in {time.perf_counter() - began:.2f} s")
    assert len(buildings) == 657
    assert buildings["height"].between(2, 40).all()
    assert (reading.read, reading.used, reading.refused) == (657, 657, ())
    assert sum(reading.facts["heights"].values()) == 657
    # Around 8 km north of Mitaka city hall, E -24768 N -35102.
    west, south, east, north = buildings.total_bounds
    assert -26_000 < west < east < -25_000
    assert -27_200 < south < north < -26_700
    assert sorted(path.parent.iterdir()) == before, "nothing is written beside the input"


def test_tako_s_invented_heights() -> None:
    path = SHARED / "plateau" / "53404336_bldg_6697__12347_tako-machi_2025.gml"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    buildings, reading = read_buildings(path, CRS)
    assert len(buildings) == 98
    # measuredHeight is -9999 in 24 of them (grep), whose solids are uniform guesses.
    assert reading.facts["heights"]["estimated"] == 24
    assert any(note.code == "height_estimated" for note in reading.notes)


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp", "a.fgb"])
def test_common_formats(tmp_path: Path, name: str) -> None:
    frame = town({"height": [6.0, 9.5, 30.0]})
    path = saved(tmp_path, frame.to_crs("EPSG:4326") if name.endswith("json") else frame, name)
    buildings, reading = read_buildings(path, CRS)
    assert sorted(buildings["height"]) == [6.0, 9.5, 30.0]
    assert set(buildings["height_source"]) == {"measured"}
    assert buildings.area.to_numpy() == pytest.approx(80.0, rel=1e-4)
    assert reading.used == 3


def test_shapefile_in_cp932_without_cpg(tmp_path: Path) -> None:
    path = tmp_path / "tatemono.shp"
    town({"計測高さ": [6.0, 9.5], "用途": ["住宅", "店舗"]}).to_file(path, encoding="CP932")
    path.with_suffix(".cpg").unlink()
    # A field name holds 10 bytes: five Japanese characters at most.
    buildings, _ = read_buildings(path, CRS)
    assert buildings["height"].tolist() == [6.0, 9.5]


@pytest.mark.parametrize("column", ["measuredHeight", "HEIGHT", "ｈｅｉｇｈｔ", "計測高さ", " 建物高さ "])
def test_height_column_by_its_synonyms(tmp_path: Path, column: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(town({column: [6.0, 9.5, 30.0]}).to_crs("EPSG:4326").to_json(), encoding="utf-8")
    assert read_buildings(path, CRS)[0]["height"].tolist() == [6.0, 9.5, 30.0]


def test_explicit_column_wins_and_texts_are_read(tmp_path: Path) -> None:
    path = saved(tmp_path, town({"height": [1.0, 1.0, 1.0], "H_max": ["6 m", "９．５", "30m"]}))
    assert read_buildings(path, CRS, height_column="H_max")[0]["height"].tolist() == [6.0, 9.5, 30.0]


def test_an_explicit_column_without_a_number_is_refused(tmp_path: Path) -> None:
    columns = {"id": ["a-1", "a-2", "a-3"], "height": [6.0, 9.5, 30.0], "levels": [2, 3, 9]}
    path = saved(tmp_path, town(columns))
    with pytest.raises(SourceIncompleteError) as caught:
        read_buildings(path, CRS, height_column="id", default_height=6.0)
    assert "id: 0 / 3" in explains(caught.value, path) and "height_column" in str(caught.value)


@pytest.mark.parametrize(("given", "codes"), [(1, ["height_storeys", "buildings_height_column"]), (2, None)])
def test_an_explicit_column_of_few_heights_is_doubted(
    tmp_path: Path, given: int, codes: list[str] | None
) -> None:
    heights = [8.0] * given + [None] * (3 - given)
    path = saved(tmp_path, town({"H_max": heights, "levels": [2, 3, 9]}))
    _, reading = read_buildings(path, CRS, height_column="H_max")
    assert [note.code for note in reading.notes] == (codes or ["height_storeys"])
    if codes:
        told = reading.notes[-1].words
        assert "H_max" in told.ja and "1 of 3 buildings" in told.en and "3 棟のうち 1 棟" in told.ja


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("階数", True),
        ("地上階", True),
        ("storeysAboveGround", True),
        ("building:levels", True),
        ("floors", True),
    ]
    + [
        (name, False) for name in ("history", "sealevels", "story_ht", "最上階高", "地階を除く高さ", "階段室")
    ],
)
def test_storeys_are_no_height(tmp_path: Path, name: str, counts: bool) -> None:
    path = saved(tmp_path, town({name: [6.0, 9.5, 30.0]}))
    if not counts:
        assert len(read_buildings(path, CRS, height_column=name)[0]) == 3
        return
    with pytest.raises(UnitsError, match="counts storeys"):
        read_buildings(path, CRS, height_column=name)


def test_few_heights_are_no_doubt_where_another_is_stated(tmp_path: Path) -> None:
    path = saved(tmp_path, town({"H_max": [6.0, np.nan, np.nan]}))
    _, reading = read_buildings(path, CRS, height_column="H_max", default_height=6.0)
    assert "buildings_height_column" not in [note.code for note in reading.notes]


def test_sentinels_storeys_default_and_refusals(tmp_path: Path) -> None:
    frame = town(
        {
            "id": list("abcd"),
            "measuredHeight": [6.0, -9999.0, 0.0, None],
            "storeysAboveGround": [2, 4, 9999, None],
        }
    )
    path = saved(tmp_path, frame)
    buildings, reading = read_buildings(path, CRS)
    assert buildings["height"].tolist() == [6.0, 12.0]
    assert buildings["height_source"].tolist() == ["measured", "storeys"]
    assert [row.where for row in reading.refused] == ["c", "d"]
    assert (reading.read, reading.used) == (4, 2)
    buildings, reading = read_buildings(path, CRS, default_height=7.0)
    assert buildings["height"].tolist() == [6.0, 12.0, 7.0, 7.0]
    assert reading.facts["heights"] == {"default": 2, "measured": 1, "storeys": 1}
    assert {note.code for note in reading.notes} == {"height_default", "height_storeys"}


def test_height_rule() -> None:
    # One row a case of formats in the wild: LOD1, measured, storeys, code, then what follows.
    rows = [
        (6.5, 7.9, np.nan, 2, 6.5, "lod1"),
        (3.0, 9.3, np.nan, 0, 9.3, "measured"),
        (3.0, 3.0, np.nan, 0, 3.0, "estimated"),
        (6.0, -9999, np.nan, 11, 6.0, "estimated"),
        (3.0, 3.0, np.nan, 9, 3.0, "measured"),
        (np.nan, 11.0, 3, np.nan, 11.0, "measured"),
        (800.0, 0.0, 3, np.nan, 9.0, "storeys"),
        (np.nan, np.nan, 9999, np.nan, np.nan, "none"),
    ]
    lod1, measured, storeys, code, height, source = (list(column) for column in zip(*rows, strict=True))
    numbers = (np.array(column, dtype=float) for column in (lod1, measured, storeys, code))
    found, why = choose(*numbers)
    np.testing.assert_array_equal(found, np.array(height, dtype=float))
    assert why.tolist() == source


@pytest.mark.parametrize(
    ("rule", "height", "source"),
    [("lod1", 6.5, "lod1"), ("measured", 7.9, "measured"), ("max", 7.9, "measured")],
)
def test_the_rule_of_the_city_file(rule: HeightRule, height: float, source: str) -> None:
    def one(lod1: float, measured: float, code: float = 2) -> tuple[float, str]:
        found, why = choose(*(np.array([n]) for n in (lod1, measured, np.nan, code)), rule=rule)
        return float(found[0]), str(why[0])

    assert one(6.5, 7.9) == (height, source)
    assert one(9.0, 7.9) == ((7.9, "measured") if rule == "measured" else (9.0, "lod1"))
    # Where only one is known, or the solid was made up, no rule changes anything.
    assert one(np.nan, 7.9) == (7.9, "measured")
    assert one(6.5, -9999.0) == (6.5, "lod1")
    assert one(3.0, 9.3, code=0) == (9.3, "measured")
    assert one(6.0, -9999.0, code=11) == (6.0, "estimated")


def test_broken_outlines_are_mended_or_refused(tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([(X, Y), (X + 10, Y + 10), (X + 10, Y), (X, Y + 10)])
    line = shapely.LineString([(X, Y), (X + 5, Y)])
    sliver = shapely.box(X, Y, X + 0.01, Y + 0.01)
    path = tmp_path / "a.geojson"
    frame = town({"id": list("abcde"), "height": [5.0] * 5}, [houses()[0], bow_tie, line, sliver, None])
    path.write_text(frame.to_crs("EPSG:4326").to_json(), encoding="utf-8")
    buildings, reading = read_buildings(path, CRS)
    assert buildings["id"].tolist() == ["a", "b"]
    assert buildings.is_valid.all()
    assert buildings.area.to_numpy() == pytest.approx([80.0, 50.0], rel=1e-3), (
        "both halves of the bow tie are kept"
    )
    assert reading.facts["repaired"] == 1
    assert [row.where for row in reading.refused] == ["c", "d", "e"]
    told = [row.reason.en for row in reading.refused]
    assert told == ["there is no polygon", "the outline is too small for a building", "there is no polygon"]


def test_layer_must_be_clear(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    for layer in ("bldg", "parks"):
        town(GOOD).to_file(path, layer=layer)
    with pytest.raises(InputError) as caught:
        read_buildings(path, CRS)
    assert "bldg" in explains(caught.value, path)
    assert len(read_buildings(path, CRS, layer="bldg")[0]) == 3
    with pytest.raises(InputError):
        read_buildings(path, CRS, layer="houses")


def geojson(*coordinates: tuple[float, float], name: str = "height") -> str:
    d = 1e-4
    rings = [[[x, y], [x + d, y], [x + d, y + d], [x, y + d], [x, y]] for x, y in coordinates]
    features = [
        {
            "type": "Feature",
            "properties": {"id": str(i), name: 6.0},
            "geometry": {"type": "Polygon", "coordinates": [r]},
        }
        for i, r in enumerate(rings)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def test_one_stray_building_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(geojson((139.56, 35.68), (139.57, 35.68), (0.0, 0.0)), encoding="utf-8")
    buildings, reading = read_buildings(path, CRS)
    assert len(buildings) == 2
    assert [row.where for row in reading.refused] == ["2"]


@pytest.mark.parametrize(
    ("content", "kind", "told"),
    [
        (geojson((35.68, 139.56)), InputError, "swapped"),
        (geojson((2.35, 48.85)), InputError, "EPSG:6677"),
        (geojson((X, Y)), InputError, "EPSG:6677"),
        (geojson((139.56, 35.68), name="floor_area"), SourceIncompleteError, "floor_area"),
        (geojson((139.56, 35.68)).replace("6.0", "-9999"), SourceIncompleteError, "height"),
        ('{"type": "FeatureCollection", "features": []}', SourceIncompleteError, "建物"),
        ("<html>404</html>", SourceError, "GeoJSON"),
        (geojson((139.56, 35.68))[:60], SourceError, "実際: 途中で切れています"),
        (geojson((139.56, 35.68)).replace('"type":', "type:", 1), SourceError, "実際: 1 行 2 文字目の誤り"),
    ],
)
def test_bad_files_are_explained(tmp_path: Path, content: str, kind: type[HeatRiskError], told: str) -> None:
    path = tmp_path / "town.geojson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(kind) as caught:
        read_buildings(path, CRS)
    assert told in explains(caught.value, path)


def test_without_heights_the_remedy_names_both_keys(tmp_path: Path) -> None:
    path = saved(tmp_path, town({"usage": ["a", "b", "c"]}))
    with pytest.raises(SourceIncompleteError) as caught:
        read_buildings(path, CRS)
    text = explains(caught.value, path)
    for word in ("usage", "height_column", "default_height"):
        assert text.count(word) >= 2, "told in both languages"
    with pytest.raises(SourceIncompleteError) as misnamed:
        read_buildings(path, CRS, height_column="H")
    assert "usage" in explains(misnamed.value, path)
    assert read_buildings(path, CRS, default_height=6.0)[0]["height"].tolist() == [6.0] * 3


def test_a_shapefile_without_its_table_is_told_so(tmp_path: Path) -> None:
    path = saved(tmp_path, town({"height": [6.0, 9.5, 30.0]}), "a.shp")
    path.with_suffix(".dbf").unlink()
    with pytest.raises(SourceIncompleteError) as caught:
        read_buildings(path, "EPSG:6677")
    assert "a.dbf" in explains(caught.value, path)
    buildings, _ = read_buildings(path, "EPSG:6677", default_height=6.0)
    assert len(buildings) == 3, "heights may be decided on"


def test_centimetres_are_not_metres(tmp_path: Path) -> None:
    path = saved(tmp_path, town({"height": [600.0] * 12}))
    with pytest.raises(UnitsError) as caught:
        read_buildings(path, CRS)
    assert "600" in explains(caught.value, path)


def test_centimetres_beyond_any_building_are_not_unknown_heights(tmp_path: Path) -> None:
    path = saved(tmp_path, town({"height": [950.0] * 12}))
    with pytest.raises(UnitsError) as caught:
        read_buildings(path, CRS)
    assert "950" in explains(caught.value, path)
    unknown = saved(tmp_path, town({"height": [9999.0] * 11 + [6.0]}), "b.gpkg")
    buildings, reading = read_buildings(unknown, CRS)
    assert (len(buildings), reading.facts["without_height"]) == (1, 11)


def test_below_the_ground_there_is_no_shade(tmp_path: Path) -> None:
    path = saved(tmp_path, town({"height": [6.0, 9.5, 4.0], "is_underground": [False, False, True]}))
    buildings, reading = read_buildings(path, CRS)
    assert buildings["height"].tolist() == [6.0, 9.5]
    assert (reading.read, reading.used, reading.facts["underground"]) == (3, 2, 1)


def test_features_of_a_flatgeobuf_are_named_by_their_number(tmp_path: Path) -> None:
    """Its spatial index puts them into an order of its own."""
    path = saved(tmp_path, town({"height": [6.0, None, 9.5]}).to_crs(4326), "town.fgb")
    (lost,) = gpd.read_file(path, fid_as_index=True).query("height.isna()").index
    _, reading = read_buildings(path, CRS)
    assert [row.where for row in reading.refused] == [f"town:fid={lost}"]


def test_what_is_passed_over_is_named_without_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a.gml").write_bytes(doors()["citygml"].good)
    (tmp_path / "note.xml").write_text("<a/>", encoding="utf-8")
    _, reading = read_buildings(tmp_path, CRS)
    assert reading.facts["skipped"] == ["note.xml"]


def test_missing_system_and_missing_file(tmp_path: Path) -> None:
    path = saved(tmp_path, town({"height": [6.0]}), "a.shp")
    path.with_suffix(".prj").unlink()
    with pytest.raises(SourceIncompleteError) as caught:
        read_buildings(path, CRS)
    assert ".prj" in explains(caught.value, path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # geopandas warns of what is tested here
        nowhere = saved(tmp_path, gpd.GeoDataFrame({"height": [6.0]}, geometry=houses(1)))
    with pytest.raises(SourceIncompleteError) as undefined:
        read_buildings(nowhere, CRS)
    explains(undefined.value, nowhere)
    absent = tmp_path / "none.gpkg"
    with pytest.raises(SourceUnavailableError) as gone:
        read_buildings(absent, CRS)
    explains(gone.value, absent)


def test_empty_citygml_is_an_empty_town(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    path.write_text(
        "<core:CityModel xmlns:core='http://www.opengis.net/citygml/2.0'></core:CityModel>", encoding="utf-8"
    )
    with pytest.raises(SourceIncompleteError) as caught:
        read_buildings(path, CRS)
    explains(caught.value, path)
    assert list(tmp_path.iterdir()) == [path]
