"""Buildings of many files at once: deliveries as zips and folders, overlaps, areas, damage, hostile bytes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError
from heatrisk.sources.buildings import parallel, read_buildings
from tests.messages import SHARED, explains

CRS = "EPSG:6677"
LON, LAT, D = 139.56, 35.683, 1e-4


def house(name: str, x: float, height: str = "6.0", side: float = 1.0) -> str:
    corners = ((x, 0.0), (x + side, 0.0), (x + side, side), (x, side), (x, 0.0))
    points = " ".join(f"{LAT + b * D:.9f} {LON + a * D:.9f} 0" for a, b in corners)
    ring = (
        f"<gml:exterior><gml:LinearRing><gml:posList>{points}</gml:posList></gml:LinearRing></gml:exterior>"
    )
    drawn = f"<bldg:lod0RoofEdge><gml:Polygon>{ring}</gml:Polygon></bldg:lod0RoofEdge>"
    said = f"<bldg:measuredHeight>{height}</bldg:measuredHeight>"
    return f'<m><bldg:Building gml:id="{name}">{said}{drawn}</bldg:Building></m>'


def model(*houses: str) -> str:
    return (
        '<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml"'
        f' xmlns:bldg="http://www.opengis.net/citygml/building/2.0">{"".join(houses)}</core:CityModel>'
    )


@pytest.fixture
def delivery(tmp_path: Path) -> Path:
    """Write a zip as PLATEAU hands it out: buildings, other models, codelists, metadata."""
    path = tmp_path / "13204_mitaka-shi_city_2023_citygml_1_op.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("13204/udx/bldg/a_bldg_6697_op.gml", model(house("a", 0), house("b", 3, "-9999")))
        archive.writestr("13204/udx/bldg/b_bldg_6697_op.gml", model(house("c", 6), house("a", 0)))
        archive.writestr("13204/udx/dem/a_dem_6697_op.gml", model("<dem/>"))
        archive.writestr("13204/codelists/Building_usage.xml", "<gml:Dictionary/>")
    return path


def test_a_delivery(delivery: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    buildings, reading = read_buildings(delivery, CRS, progress=lambda done, of: told.append((done, of)))
    assert sorted(buildings["id"]) == ["a", "c"]
    assert (reading.read, reading.used, reading.path) == (4, 2, delivery)
    assert [row.where for row in reading.refused] == ["a_bldg_6697_op.gml: b"]
    assert reading.facts["duplicates"] == 1
    assert reading.facts["without_height"] == 1
    assert "skipped" not in reading.facts, "code lists and metadata are no models"
    assert reading.facts["files"][0] == {
        "file": "a_bldg_6697_op.gml",
        "found": 2,
        "outside": 0,
        "with_height": 1,
        "without_height": 1,
        "refused": 1,
        "heights": {"measured": 1},
    }
    assert told == [(1, 2), (2, 2)]
    assert list(tmp_path.iterdir()) == [delivery], "nothing is unpacked"


def test_a_folder_and_mixed_kinds(tmp_path: Path) -> None:
    (tmp_path / "gml").mkdir()
    (tmp_path / "gml" / "a.gml").write_text(model(house("a", 0)), encoding="utf-8")
    (tmp_path / "gml" / "terrain.gml").write_text(model(), encoding="utf-8")
    shape = shapely.box(LON + 9 * D, LAT, LON + 10 * D, LAT + D)
    gpd.GeoDataFrame({"height": ["7 m"]}, geometry=[shape], crs="EPSG:6668").to_file(tmp_path / "new.gpkg")
    buildings, reading = read_buildings([tmp_path / "gml", tmp_path / "new.gpkg"], CRS)
    assert sorted(buildings["height"]) == [6.0, 7.0]
    assert [file["found"] for file in reading.facts["files"]] == [1, 0, 1]
    assert len(reading.files) == 3


def test_one_identifier_for_several_buildings(tmp_path: Path) -> None:
    for name, houses in {"a": [house("x", 0), house("x", 5)], "b": [house("x", 0), house("x", 9)]}.items():
        (tmp_path / f"{name}.gml").write_text(model(*houses), encoding="utf-8")
    buildings, reading = read_buildings(tmp_path, CRS)
    assert buildings["id"].tolist() == ["x", "x#2", "x#3"]
    assert reading.facts["duplicates"] == 1
    # A tower on a podium of the same name is neither the podium nor a copy of it.
    (tmp_path / "a.gml").write_text(model(house("x", 0, side=4.0), house("x", 1, "30.0")), encoding="utf-8")
    assert sorted(read_buildings(tmp_path / "a.gml", CRS)[0]["height"]) == [6.0, 30.0]


def test_only_the_area_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    path.write_text(model(*(house(f"h{i}", 10.0 * i) for i in range(5))), encoding="utf-8")
    area = (LON - D, LAT - D, LON + 10.5 * D, LAT + D)  # through the middle of the second
    buildings, reading = read_buildings(path, CRS, area=area)
    assert buildings["id"].tolist() == ["h0", "h1"]
    assert (reading.read, reading.used, reading.facts["outside"]) == (5, 2, 3)
    with pytest.raises(InputError) as caught:
        read_buildings(path, CRS, area=(LON + 1, LAT, LON + 1.1, LAT + 0.1))
    assert "139.56" in explains(caught.value, path)


def test_several_processes_read_the_same(delivery: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone, reading = read_buildings(delivery, CRS)
    monkeypatch.setattr(parallel, "_crew", lambda members: 2)
    together, again = read_buildings(delivery, CRS)
    assert together.equals(alone)
    assert together.crs == alone.crs
    assert again == reading


def test_one_damaged_file_of_many_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.gml").write_text(model(house("a", 0)), encoding="utf-8")
    (tmp_path / "b.gml").write_text(model(house("b", 3))[:-30], encoding="utf-8")
    for workers in (1, 2):
        monkeypatch.setattr(parallel, "_crew", lambda members, workers=workers: workers)
        with pytest.raises(SourceIncompleteError) as caught:
            read_buildings(tmp_path, CRS)
        explains(caught.value, tmp_path / "b.gml")


def test_no_buildings_in_any_file(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.gml").write_text(model(), encoding="utf-8")
    with pytest.raises(SourceIncompleteError) as caught:
        read_buildings(tmp_path, CRS)
    explains(caught.value, tmp_path)
    basic = tmp_path / "FG-GML-533944-BldA-20260401-0001.xml"
    basic.write_text('<Dataset xmlns="http://fgd.gsi.go.jp/spec/2008/FGD_GMLSchema"/>', encoding="utf-8")
    with pytest.raises(SourceError) as refused:
        read_buildings(basic, CRS)
    assert "default_height" in explains(refused.value, basic)


def test_absurd_outlines_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.gml"
    far = house("far", 0).replace(f"{LON:.9f}", "1e30")
    nan = house("nan", 0).replace(f"{LON:.9f}", "nan")
    path.write_text(model(house("a", 0), far, nan, house("wide", 0, side=500.0)), encoding="utf-8")
    buildings, reading = read_buildings(path, CRS)
    assert buildings["id"].tolist() == ["a"]
    assert sorted(row.where for row in reading.refused) == ["far", "nan", "wide"]


def test_doubts_about_openstreetmap_are_told(tmp_path: Path) -> None:
    path = tmp_path / "osm.geojson"
    columns = {"osm_id": ["1"], "building": ["yes"], "height": ["40 ft"], "min_height": ["3"]}
    shape = shapely.box(LON, LAT, LON + D, LAT + D)
    gpd.GeoDataFrame(columns, geometry=[shape], crs="EPSG:4326").to_file(path)
    buildings, reading = read_buildings(path, CRS)
    assert buildings["height"].tolist() == pytest.approx([12.192])
    assert {note.code for note in reading.notes} == {"osm_incomplete", "raised_parts"}


# Counted in the files with other tools: grep for <bldg:Building>, for lod1HeightType and for measuredHeight.
@pytest.mark.parametrize("packed", [False, True])
def test_all_real_files_together(tmp_path: Path, packed: bool) -> None:
    folder = SHARED / "plateau"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    path = folder / "53*bldg*.gml"
    if packed:
        path = tmp_path / "all.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.glob("*.gml")):
                theme = file.name.split("_")[1]
                if not file.name.startswith("51"):  # Ube lies outside zone IX
                    archive.write(file, f"udx/{theme}/{file.name}")
    buildings, reading = read_buildings(path, CRS)
    assert [file["with_height"] for file in reading.facts["files"]] == [8, 3, 657, 98]
    assert len(buildings) == reading.used == 766
    assert reading.facts["heights"] == {"estimated": 24, "lod1": 739, "measured": 3}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cut=st.floats(0, 1),
    noise=st.binary(max_size=30)
    | st.sampled_from([b"<!ENTITY a 'b'>", b"\xff\xfe", b"</m>", b"<bldg:Building>"]),
    at=st.floats(0, 1),
    suffix=st.sampled_from([".gml", ".xml", ".zip"]),
)
def test_hostile_bytes_never_raise_anything_else(
    tmp_path: Path, cut: float, noise: bytes, at: float, suffix: str
) -> None:
    content = bytearray(model(house("a", 0), house("b", 3), house("c", 6)).encode())
    if suffix == ".zip":
        with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("udx/bldg/a.gml", bytes(content))
        content = bytearray((tmp_path / "a").read_bytes())
    del content[round((0.5 + cut) * len(content)) :]
    place = round(at * len(content))
    content[place : place + len(noise)] = noise
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    try:
        read_buildings(path, CRS)
    except HeatRiskError as error:
        explains(error, path)
