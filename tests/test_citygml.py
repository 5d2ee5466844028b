"""CityGML buildings: real files of every vintage, and one small made file for each trap."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.sources.buildings.citygml import read_citygml
from heatrisk.sources.files import Member
from tests.messages import SHARED, explains

LAT, LON = 35.70, 139.55
D = 1e-4  # side of the made houses [degrees]


def ring(*corners: tuple[float, float], z: float = 50.0) -> str:
    closed = [*corners, corners[0]]
    points = " ".join(f"{LAT + y * D:.8f} {LON + x * D:.8f} {z}" for x, y in closed)
    return f"<gml:LinearRing><gml:posList>{points}</gml:posList></gml:LinearRing>"


def polygon(outer: str, *holes: str) -> str:
    inner = "".join(f"<gml:interior>{hole}</gml:interior>" for hole in holes)
    shape = f"<gml:Polygon><gml:exterior>{outer}</gml:exterior>{inner}</gml:Polygon>"
    return f"<gml:surfaceMember>{shape}</gml:surfaceMember>"


SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def lod0(*polygons: str, kind: str = "lod0RoofEdge") -> str:
    return f"<bldg:{kind}><gml:MultiSurface>{''.join(polygons)}</gml:MultiSurface></bldg:{kind}>"


def lod1(z0: float, z1: float, corners: tuple[tuple[float, float], ...] = SQUARE) -> str:
    faces = polygon(ring(*corners, z=z0)) + polygon(ring(*corners, z=z1))
    shell = f"<gml:exterior><gml:CompositeSurface>{faces}</gml:CompositeSurface></gml:exterior>"
    return f"<bldg:lod1Solid><gml:Solid>{shell}</gml:Solid></bldg:lod1Solid>"


def building(*parts: str, name: str = "b1") -> str:
    inside = f'<bldg:Building gml:id="{name}">{"".join(parts)}</bldg:Building>'
    return f"<core:cityObjectMember>{inside}</core:cityObjectMember>"


def written(
    folder: Path, *members: str, head: str = "", crs: str = "http://www.opengis.net/def/crs/EPSG/0/6697"
) -> Path:
    path = folder / "53394400_bldg_6697_op.gml"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>'
        + head
        + '<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml"'
        ' xmlns:bldg="http://www.opengis.net/citygml/building/2.0" xmlns:uro="https://www.geospatial.jp/iur/uro/3.1">'
        f'<gml:boundedBy><gml:Envelope srsName="{crs}" srsDimension="3"/></gml:boundedBy>'
        f"{''.join(members)}</core:CityModel>\n",
        encoding="utf-8",
    )
    return path


# Counted in the files with grep: <bldg:Building> elements.
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("53395404_bldg_6697_op.gml", 657),
        ("53392642_bldg_6697_op2.gml", 8),  # undeclared prefix
        ("53404336_bldg_6697__12347_tako-machi_2025.gml", 98),  # made-up heights
        ("51311568_bldg_6697_op.gml", 225),  # footprint only as the bottom of LOD1
        ("53394517_bldg_6697_op__13104_shinjuku.gml", 3),  # CityGML 3.0 on one line
    ],
)
def test_every_building_of_real_files(name: str, count: int) -> None:
    path = SHARED / "plateau" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    began = time.perf_counter()
    buildings, refused = read_citygml(Member(path))
    print(f"{name}: {len(buildings)} buildings in {time.perf_counter() - began:.2f} s")
    assert len(buildings) == count
    assert refused == ()
    assert buildings.crs is not None
    assert buildings.crs.to_epsg() == 6668
    assert buildings.is_valid.all()
    west, south, east, north = buildings.total_bounds
    assert 122 < west < east < 154
    assert 20 < south < north < 46
    assert np.isfinite(buildings["lod1"]).all()


def test_statements_are_taken_as_they_stand(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        building(
            '<bldg:measuredHeight uom="m">-9999</bldg:measuredHeight>',
            "<bldg:storeysAboveGround>9999</bldg:storeysAboveGround>",
            lod0(polygon(ring(*SQUARE, z=0))),
            lod1(50.0, 56.5),
            "<uro:DataQualityAttribute><uro:lod1HeightType>2</uro:lod1HeightType></uro:DataQualityAttribute>",
        ),
        building(
            '<bldg:measuredHeight uom="m">12.5</bldg:measuredHeight>', lod0(polygon(ring(*SQUARE))), name="b2"
        ),
    )
    buildings, _ = read_citygml(Member(path))
    assert buildings["id"].tolist() == ["b1", "b2"]
    assert buildings["lod1"].tolist()[0] == pytest.approx(6.5)
    assert buildings["measured"].tolist() == [-9999.0, 12.5]
    assert buildings["code"].tolist()[0] == 2.0
    assert np.isnan(buildings["storeys"]).all(), "9999 storeys are none"
    assert np.isnan(buildings["lod1"].iloc[1])
    assert buildings.geometry.iloc[0].bounds == pytest.approx((LON, LAT, LON + D, LAT + D))


def test_holes_and_several_polygons(tmp_path: Path) -> None:
    court = ring((0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75))
    annex = ring((2.0, 0.0), (3.0, 0.0), (3.0, 1.0), (2.0, 1.0))
    short = ring((0.0, 0.0), (1.0, 0.0))
    path = written(tmp_path, building(lod0(polygon(ring(*SQUARE), court), polygon(annex), polygon(short))))
    outline = read_citygml(Member(path))[0].geometry.iloc[0]
    assert outline.area / D**2 == pytest.approx(1.75)
    assert outline.geom_type == "MultiPolygon"


def test_footprint_below_a_building_part(tmp_path: Path) -> None:
    inside = f'<bldg:BuildingPart gml:id="p">{lod0(polygon(ring(*SQUARE)))}{lod1(50, 61)}</bldg:BuildingPart>'
    part = f"<bldg:consistsOfBuildingPart>{inside}</bldg:consistsOfBuildingPart>"
    buildings, refused = read_citygml(Member(written(tmp_path, building(part))))
    assert (len(buildings), refused) == (1, ())
    assert buildings["lod1"].iloc[0] == pytest.approx(11.0)


PODIUM, TOWER = (
    ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)),
    ((1.0, 1.0), (2.0, 1.0), (2.0, 2.0), (1.0, 2.0)),
)


def part(name: str, corners: tuple[tuple[float, float], ...], z0: float, z1: float, *more: str) -> str:
    drawn = lod0(polygon(ring(*corners, z=0.0)))
    said = "".join((drawn, lod1(z0, z1, corners), *more))
    inside = f'<bldg:BuildingPart gml:id="{name}">{said}</bldg:BuildingPart>'
    return f"<bldg:consistsOfBuildingPart>{inside}</bldg:consistsOfBuildingPart>"


def squares(buildings: gpd.GeoDataFrame) -> list[float]:
    """Areas in units of the made house."""
    return [float(shapely.area(shape)) / D**2 for shape in buildings.geometry]


def test_a_tower_does_not_lift_its_podium(tmp_path: Path) -> None:
    # The tower stands on the podium's roof: its height counts from the ground.
    path = written(tmp_path, building(part("p", PODIUM, 50.0, 60.0), part("t", TOWER, 60.0, 110.0)))
    buildings, refused = read_citygml(Member(path))
    assert refused == ()
    assert buildings["id"].tolist() == ["b1/p", "b1/t"]
    assert buildings["lod1"].tolist() == pytest.approx([10.0, 60.0])
    assert squares(buildings) == pytest.approx([16.0, 1.0])


def test_parts_side_by_side_keep_their_own_ground(tmp_path: Path) -> None:
    beside = tuple((x + 4.0, y) for x, y in PODIUM)
    path = written(tmp_path, building(part("low", PODIUM, 50.0, 56.0), part("high", beside, 53.0, 59.0)))
    assert read_citygml(Member(path))[0]["lod1"].tolist() == pytest.approx([6.0, 6.0])


def test_parts_that_are_not_the_whole_are_joined(tmp_path: Path) -> None:
    flat = '<bldg:consistsOfBuildingPart><bldg:BuildingPart gml:id="n"/></bldg:consistsOfBuildingPart>'
    code = "<uro:quality><uro:lod1HeightType>2</uro:lod1HeightType></uro:quality>"
    path = written(
        tmp_path,
        building(part("t", TOWER, 50.0, 110.0, code), flat, name="bare"),
        building(lod0(polygon(ring(*PODIUM))), part("t", TOWER, 50.0, 110.0), name="small"),
    )
    buildings, _ = read_citygml(Member(path))
    assert buildings["id"].tolist() == ["bare", "small"]
    assert buildings["lod1"].tolist() == pytest.approx([60.0, 60.0])
    assert squares(buildings) == pytest.approx([1.0, 16.0])
    assert buildings["code"].tolist()[0] == 2.0


def test_citygml_3(tmp_path: Path) -> None:
    def stands(height: float) -> str:
        return f'<con:height><con:Height><con:value uom="m">{height}</con:value></con:Height></con:height>'

    inside = lod0(polygon(ring(*SQUARE)), kind="lod0MultiSurface") + stands(8.0) + stands(9.5)
    held = (
        f'<bldg:buildingPart><bldg:BuildingPart gml:id="p">{inside}</bldg:BuildingPart></bldg:buildingPart>'
    )
    other = building(lod0(polygon(ring(*SQUARE)), kind="lod0MultiSurface"), stands(7.0), name="b2")
    path = written(
        tmp_path, building(held), other.replace("<core:cityObjectMember>", "<core:cityObjectMember>\n")
    )
    buildings, refused = read_citygml(Member(path))
    assert refused == ()
    assert dict(zip(buildings["id"], buildings["measured"], strict=True)) == {"b1/p": 9.5, "b2": 7.0}


def test_detailed_models_and_textures_do_not_disturb(tmp_path: Path) -> None:
    roof = polygon(ring((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0), z=99.0))
    detail = f"<bldg:lod2Solid>{roof}</bldg:lod2Solid><bldg:boundedBy>{roof}</bldg:boundedBy>"
    texture = "<app:appearanceMember><app:surfaceDataMember/></app:appearanceMember>"
    path = written(tmp_path, building(lod0(polygon(ring(*SQUARE))), lod1(50.0, 57.0), detail), texture)
    buildings, _ = read_citygml(Member(path))
    assert buildings["lod1"].tolist() == pytest.approx([7.0])
    assert squares(buildings) == pytest.approx([1.0])


def test_byte_order_mark_carriage_returns_and_a_zip(tmp_path: Path) -> None:
    path = written(tmp_path, building(lod0(polygon(ring(*SQUARE))), lod1(50.0, 57.0)))
    odd = b"\xef\xbb\xbf" + path.read_bytes().replace(b"><", b">\r\n<")
    path.write_bytes(odd)
    packed = tmp_path / "city.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "udx/bldg/a.gml")
    for member in (Member(path), Member(packed, ("udx/bldg/a.gml",))):
        assert read_citygml(member)[0]["lod1"].tolist() == pytest.approx([7.0])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["53394400_bldg_6697_op.gml", "city.zip"]


def test_buildings_without_identifier_are_numbered(tmp_path: Path) -> None:
    nameless = building(lod0(polygon(ring(*SQUARE)))).replace(' gml:id="b1"', "")
    buildings, refused = read_citygml(Member(written(tmp_path, nameless, building(name="x"), nameless)))
    assert buildings["id"].tolist() == ["#1", "#3"]
    assert [row.where for row in refused] == ["x"]


def test_bottom_of_the_solid_where_there_is_no_lod0(tmp_path: Path) -> None:
    buildings, _ = read_citygml(Member(written(tmp_path, building(lod1(50.0, 53.0)))))
    assert buildings.geometry.iloc[0].area / D**2 == pytest.approx(1.0)


def test_building_without_outline_is_refused_by_name(tmp_path: Path) -> None:
    broken = lod0(
        "<gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>35 139 x 35"
        "</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember>"
    )
    path = written(
        tmp_path, building(lod0(polygon(ring(*SQUARE)))), building(name="bare"), building(broken, name="torn")
    )
    buildings, refused = read_citygml(Member(path))
    assert len(buildings) == 1
    assert [row.where for row in refused] == ["bare", "torn"]
    assert all(row.reason.ja and row.reason.en for row in refused)


def test_rings_of_single_points_and_undeclared_prefixes(tmp_path: Path) -> None:
    points = "".join(f"<gml:pos>{LAT + y * D} {LON + x * D} 0</gml:pos>" for x, y in (*SQUARE, SQUARE[0]))
    path = written(
        tmp_path,
        building(
            lod0(polygon(f"<gml:LinearRing>{points}</gml:LinearRing>")),
            "<energy:isHeated>true</energy:isHeated>",
        ),
    )
    buildings, refused = read_citygml(Member(path))
    assert (len(buildings), refused) == (1, ())
    assert buildings.geometry.iloc[0].area / D**2 == pytest.approx(1.0, rel=1e-6)


def test_plane_coordinates_keep_their_axes(tmp_path: Path) -> None:
    # EPSG:10170 = zone IX with height; the first number is north.
    points = "-35100 -24760 50 -35100 -24750 50 -35090 -24750 50 -35090 -24760 50 -35100 -24760 50"
    square = polygon(f"<gml:LinearRing><gml:posList>{points}</gml:posList></gml:LinearRing>")
    path = written(tmp_path, building(lod0(square)), crs="http://www.opengis.net/def/crs/EPSG/0/10170")
    buildings, _ = read_citygml(Member(path))
    assert buildings.crs is not None
    assert buildings.crs.to_epsg() == 6677
    assert buildings.geometry.iloc[0].bounds == (-24760, -35100, -24750, -35090)


def test_damage_inside_is_reported(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        building(lod0(polygon(ring(*SQUARE)))),
        "<core:cityObjectMember><bldg:Building <<< ></core:cityObjectMember>",
    )
    _, refused = read_citygml(Member(path))
    assert any(row.where.startswith("line") for row in refused)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize("entity", ['<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>', BOMB + "]>"])
def test_entities_are_refused(tmp_path: Path, entity: str) -> None:
    path = written(tmp_path, building("&i;"), head=entity)
    with pytest.raises(SourceError) as caught:
        read_citygml(Member(path))
    assert "DTD" in explains(caught.value, path)


def test_cut_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, building(lod0(polygon(ring(*SQUARE)))))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(SourceIncompleteError) as caught:
        read_citygml(Member(path))
    explains(caught.value, path)


@pytest.mark.parametrize(
    "content", [b"<html></html>", b"\x00\x01", b"PK\x03\x04", "名称,緯度".encode("cp932")]
)
def test_other_files_are_explained(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.gml"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_citygml(Member(path))
    explains(caught.value, path)


def test_unknown_system_is_explained(tmp_path: Path) -> None:
    path = written(
        tmp_path, building(lod0(polygon(ring(*SQUARE)))), crs="http://www.opengis.net/def/crs/EPSG/0/99999"
    )
    with pytest.raises(SourceError) as caught:
        read_citygml(Member(path))
    assert "99999" in explains(caught.value, path)
