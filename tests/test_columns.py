"""Columns of building layers: names in every fashion, heights and storeys as people write them."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from heatrisk.errors import SourceIncompleteError, UnitsError
from heatrisk.sources.buildings.columns import STOREY_COLUMNS, find_columns, metres, statements, storeys
from tests.messages import explains


@pytest.mark.parametrize(
    ("text", "height"),
    [
        ("12", 12.0),
        ("12 m", 12.0),
        ("１２．５ｍ", 12.5),
        ("約10メートル", 10.0),
        ("40 ft", 12.192),
        ("40'", 12.192),
        ("-1", -1.0),
        ("12 stories", np.nan),
        ("9,5", np.nan),
        ("10m以上", np.nan),
        ("1e400", np.nan),
        ("不明", np.nan),
        ("", np.nan),
    ],
)
def test_heights_as_texts(text: str, height: float) -> None:
    assert metres(text) == pytest.approx(height, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("3", 3.0),
        ("３階", 3.0),
        ("3階建て", 3.0),
        ("3F", 3.0),
        ("2.5", 2.5),
        ("地上3階地下1階", 3.0),
        ("地上10階 / 地下2階", 10.0),
        ("地下1階", np.nan),
        ("B1", np.nan),
        ("1-3", np.nan),
    ],
)
def test_storeys_as_texts(text: str, count: float) -> None:
    assert storeys(text) == pytest.approx(count, nan_ok=True)


@pytest.mark.parametrize(
    ("names", "height", "levels"),
    [
        (["measuredHe", "storeysAbo"], "measuredHe", "storeysAbo"),
        (["計測高", "地上階"], "計測高", "地上階"),  # UTF-8 cut to ten bytes
        (["建物の高さ", "building:l"], "建物の高さ", "building:l"),
        (["高さ（ｍ）", "地上階数"], "高さ（ｍ）", "地上階数"),
        (["Height", "num_floors"], "Height", "num_floors"),
        (["地階数", "floor_area"], None, None),
    ],
)
def test_names_as_a_shapefile_cuts_them(names: list[str], height: str | None, levels: str | None) -> None:
    columns = find_columns(names, height_column=None, cut=True, where="a.shp")
    assert (columns.height, columns.storeys) == (height, levels)


def test_names_are_not_cut_elsewhere() -> None:
    assert find_columns(["計測高"], height_column=None, cut=False, where="a.gpkg").height is None


def test_named_column() -> None:
    assert (
        find_columns(["height", "ＨＭＡＸ"], height_column="hmax", cut=False, where="a").height == "ＨＭＡＸ"
    )
    with pytest.raises(SourceIncompleteError) as caught:
        find_columns(["height"], height_column="H", cut=False, where="a.gpkg")
    assert "height_column" in explains(caught.value, "a.gpkg")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "name",
    [*STOREY_COLUMNS, "storeysAboveGround", "storeysAbo", "Stories", "FLOORS", "n_floor", "建物の階数"],
)
def test_a_named_column_that_counts_storeys_is_refused(name: str) -> None:
    with pytest.raises(UnitsError) as caught:
        find_columns(["height", name], height_column=name, cut=False, where="a.gpkg")
    assert name in explains(caught.value, "a.gpkg")


@pytest.mark.parametrize("name", ["floor_height", "最上階の高さ（ｍ）", "H_max", "roof_level", "計測高さ"])
def test_a_named_column_of_heights_is_taken(name: str) -> None:
    assert find_columns([name], height_column=name, cut=False, where="a.gpkg").height == name


def layer(**columns: list[object]) -> gpd.GeoDataFrame:
    count = len(next(iter(columns.values())))
    return gpd.GeoDataFrame(columns, geometry=[shapely.box(i, 0, i + 1, 1) for i in range(count)], crs=6677)


def test_openstreetmap_keeps_buildings_only_and_reads_further_tags() -> None:
    frame = layer(
        osm_id=["1", "2", "3", "4", "5"],
        building=["yes", None, "no", "house", None],
        **{"building:part": [None, None, None, None, "yes"]},
        other_tags=[
            '"height"=>"12 m"',
            '"landuse"=>"grass"',
            None,
            '"building:levels"=>"2"',
            '"height"=>"30"',
        ],
    )
    columns = find_columns(frame.columns[:-1], height_column=None, cut=False, where="a")
    assert columns.osm
    said, _ = statements(frame, columns, "a")
    assert said["id"].tolist() == ["1", "4", "5"]
    np.testing.assert_array_equal(said["measured"], [12.0, np.nan, 30.0])
    np.testing.assert_array_equal(said["storeys"], [np.nan, 2.0, np.nan])


def test_buildings_are_told_by_their_further_tags_too() -> None:
    frame = layer(
        osm_id=["1", "2", "3"],
        other_tags=['"building"=>"yes","height"=>"12 m"', '"landuse"=>"grass"', '"building"=>"no"'],
    )
    columns = find_columns(frame.columns[:-1], height_column=None, cut=False, where="a")
    said, underground = statements(frame, columns, "a")
    assert (said["id"].tolist(), underground) == (["1"], 0)


def test_what_lies_below_the_ground_is_left_out_and_counted() -> None:
    overture = layer(height=[9.0, 6.0, 4.0, 5.0], is_underground=[False, True, None, "true"])
    openstreetmap = layer(
        osm_id=list("12345"),
        building=["yes", "yes", None, "yes", "yes"],
        layer=["1", "-1", "-2", None, None],
        other_tags=[None, None, None, '"location"=>"underground"', '"layer"=>"-2","building:levels"=>"1"'],
    )
    drawing = layer(height=[3.0, 4.0], layer=["-1", "A-WALL"])
    for frame, kept, below in ((overture, 2, 2), (openstreetmap, 1, 3), (drawing, 2, 0)):
        columns = find_columns(frame.columns[:-1], height_column=None, cut=False, where="a")
        said, underground = statements(frame, columns, "a")
        assert (len(said), underground) == (kept, below)


def test_a_column_called_building_is_no_mark_elsewhere() -> None:
    frame = layer(building=["市役所", None], height=[12.0, 6.0])
    columns = find_columns(frame.columns[:-1], height_column=None, cut=False, where="a")
    assert not columns.osm
    assert len(statements(frame, columns, "a")[0]) == 2


def test_rows_without_identifier_are_named_by_file_and_row() -> None:
    frame = layer(id=["x", None, " "], height=["6", None, "7m"])
    columns = find_columns(frame.columns[:-1], height_column=None, cut=False, where="town")
    said, _ = statements(frame, columns, "town")
    assert said["id"].tolist() == ["x", "town:2", "town:3"]
    numbered, _ = statements(frame.set_axis(pd.Index([7, 0, 3], name="fid")), columns, "town")
    assert numbered["id"].tolist() == ["x", "town:fid=0", "town:fid=3"]
    np.testing.assert_array_equal(said["measured"], [6.0, np.nan, 7.0])
