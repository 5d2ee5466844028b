"""PLATEAU vegetation: the real file counted another way, and one small made file for each trap."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.errors import HeatRiskError, SourceError, SourceIncompleteError
from heatrisk.sources.files import Member
from heatrisk.sources.trees.vegetation import read_vegetation
from tests.messages import SHARED, explains

LAT, LON = 35.70, 139.55
D = 1e-4  # side of the made crowns [degrees]
CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def ring(*corners: tuple[float, float, float]) -> str:
    points = " ".join(f"{LAT + y * D:.8f} {LON + x * D:.8f} {z}" for x, y, z in (*corners, corners[0]))
    return f"<gml:LinearRing><gml:posList>{points}</gml:posList></gml:LinearRing>"


def face(*rings: str) -> str:
    inner = "".join(f"<gml:interior>{hole}</gml:interior>" for hole in rings[1:])
    shape = f"<gml:Polygon><gml:exterior>{rings[0]}</gml:exterior>{inner}</gml:Polygon>"
    return f"<gml:surfaceMember>{shape}</gml:surfaceMember>"


def flat(z: float, shift: float = 0.0) -> str:
    return face(ring(*((x + shift, y, z) for x, y in CORNERS)))


def upright(axis: int) -> str:
    """Return an upright plane through the middle of the crown."""
    ends = ((0.0, 0.5), (1.0, 0.5)) if axis else ((0.5, 0.0), (0.5, 1.0))
    (x0, y0), (x1, y1) = ends
    return face(ring((x0, y0, 0), (x1, y1, 0), (x1, y1, 9), (x0, y0, 9)))


def lod(level: int, *faces: str, kind: str = "Geometry") -> str:
    return (
        f"<veg:lod{level}{kind}><gml:MultiSurface>{''.join(faces)}</gml:MultiSurface></veg:lod{level}{kind}>"
    )


def tree(*parts: str, height: str = "8.5", name: str = "t1") -> str:
    stated = f'<veg:height uom="m">{height}</veg:height>' if height else ""
    return (
        f'<core:cityObjectMember><veg:SolitaryVegetationObject gml:id="{name}"><veg:class>1</veg:class>'
        f"{stated}{''.join(parts)}</veg:SolitaryVegetationObject></core:cityObjectMember>"
    )


def cover(*parts: str, height: str = "3", name: str = "c1") -> str:
    stated = f"<veg:averageHeight>{height}</veg:averageHeight>"
    inside = f'<veg:PlantCover gml:id="{name}">{stated}{"".join(parts)}</veg:PlantCover>'
    return f"<core:cityObjectMember>{inside}</core:cityObjectMember>"


def written(
    folder: Path, *plants: str, head: str = "", crs: str = "http://www.opengis.net/def/crs/EPSG/0/6697"
) -> Path:
    path = folder / "54401008_veg_6697_op.gml"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>'
        + head
        + '<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:gml="http://www.opengis.net/gml"'
        ' xmlns:veg="http://www.opengis.net/citygml/vegetation/2.0" xmlns:uro="https://www.geospatial.jp/iur/uro/3.1">'
        f'<gml:boundedBy><gml:Envelope srsName="{crs}" srsDimension="3"/></gml:boundedBy>'
        f"{''.join(plants)}</core:CityModel>\n",
        encoding="utf-8",
    )
    return path


def area(shape: shapely.Geometry) -> float:
    return float(shapely.area(shape)) / D**2


def test_the_real_file_counted_another_way() -> None:
    path = SHARED / "plateau" / "54401008_veg_6697_op__08220_tsukuba_2023.gml"
    if not path.exists():
        pytest.skip(f"not here: {path}")
    text = path.read_text(encoding="utf-8")
    plants, refused = read_vegetation(Member(path))
    assert refused == ()
    counts = plants["kind"].value_counts().to_dict()
    assert counts == {
        "tree": text.count("<veg:SolitaryVegetationObject "),
        "cover": text.count("<veg:PlantCover "),
    }
    stated = [float(value) for value in re.findall(r"<veg:(?:height|averageHeight)[^>]*>([^<]+)<", text)]
    assert plants["height"].tolist() == stated
    assert plants.crs.to_epsg() == 6668
    # The extent of the three crowns from a regular expression over the positions of LOD1: 11.0, 6.2, 10.2 m.
    levels = re.findall(r"<veg:lod1Geometry>(.*?)</veg:lod1Geometry>", text, flags=re.S)
    for level, bounds in zip(levels, plants[plants["kind"] == "tree"].bounds.to_numpy(), strict=True):
        numbers = np.array(" ".join(re.findall(r"posList>([^<]*)", level)).split(), float).reshape(-1, 3)
        south, west, _ = numbers.min(axis=0)
        north, east, _ = numbers.max(axis=0)
        np.testing.assert_allclose(bounds, [west, south, east, north], atol=1e-12)


def test_a_crown_is_the_outline_of_all_points(tmp_path: Path) -> None:
    path = written(
        tmp_path, tree(lod(1, flat(50.0), flat(58.0))), tree(lod(1, upright(0), upright(1)), name="x")
    )
    plants, refused = read_vegetation(Member(path))
    assert (len(plants), refused) == (2, ())
    assert area(plants.geometry.iloc[0]) == pytest.approx(1.0, rel=1e-4)
    assert area(plants.geometry.iloc[1]) == pytest.approx(0.5, rel=1e-4), (
        "crossing planes: a square on its tip"
    )
    assert plants.loc[0, ["kind", "category", "height"]].tolist() == ["tree", "1", 8.5]
    assert math.isnan(plants["crown"].iloc[0])


def test_a_planting_is_the_union_of_its_faces(tmp_path: Path) -> None:
    hole = face(
        ring(*((3 * x, 3 * y, 1.0) for x, y in CORNERS)), ring(*((1 + x, 1 + y, 1.0) for x, y in CORNERS))
    )
    path = written(
        tmp_path,
        cover(lod(1, flat(50.0), flat(53.0), upright(0), flat(50.0, shift=2.0), kind="MultiSolid")),
        cover(lod(2, hole, kind="MultiSurface"), name="ring"),
    )
    plants, _ = read_vegetation(Member(path))
    assert [area(shape) for shape in plants.geometry] == pytest.approx([2.0, 8.0], rel=1e-4)
    assert plants["kind"].tolist() == ["cover", "cover"]


def test_the_simplest_level_with_an_outline_counts(tmp_path: Path) -> None:
    path = written(
        tmp_path, tree(lod(3, flat(0.0), flat(0.0, shift=4.0)), lod(1, flat(0.0)), lod(0, upright(0)))
    )
    plants, _ = read_vegetation(Member(path))
    assert area(plants.geometry.iloc[0]) == pytest.approx(1.0, rel=1e-4)


def test_points_where_no_outline_is_drawn(tmp_path: Path) -> None:
    point = f"<gml:Point><gml:pos>{LAT} {LON} 0</gml:pos></gml:Point>"
    surfaces = f"<gml:MultiSurface>{flat(0.0)}</gml:MultiSurface>"
    template = f"<core:relativeGMLGeometry>{surfaces}</core:relativeGMLGeometry>"
    implicit = (
        "<veg:lod1ImplicitRepresentation><core:ImplicitGeometry>"
        f"{template}<core:referencePoint>{point}</core:referencePoint>"
        "</core:ImplicitGeometry></veg:lod1ImplicitRepresentation>"
    )
    attribute = f"<uro:vegDmAttribute><uro:lod0Geometry>{point}</uro:lod0Geometry></uro:vegDmAttribute>"
    path = written(
        tmp_path,
        tree(implicit, name="template"),
        tree(attribute, "<veg:crownDiameter>4.5</veg:crownDiameter>", name="attribute"),
        cover(attribute, name="bed"),
        tree(name="nowhere"),
    )
    plants, refused = read_vegetation(Member(path))
    assert plants["id"].tolist() == ["template", "attribute"]
    assert plants["crown"].tolist()[1] == 4.5
    for shape in plants.geometry:
        assert (shape.x, shape.y) == (LON, LAT)
    assert [row.where for row in refused] == ["bed", "nowhere"]


@pytest.mark.parametrize("height, read", [("-9999", -9999.0), ("", math.nan), ("高い", math.nan)])
def test_heights_are_told_as_stated(tmp_path: Path, height: str, read: float) -> None:
    plants, _ = read_vegetation(Member(written(tmp_path, tree(lod(1, flat(0.0)), height=height))))
    np.testing.assert_equal(plants["height"].iloc[0], read)


def test_undeclared_prefixes_and_broken_rings(tmp_path: Path) -> None:
    torn = face(
        "<gml:LinearRing><gml:posList>35 139 x 35</gml:posList></gml:LinearRing>", ring(*((0, 0, 0),) * 4)
    )
    path = written(
        tmp_path,
        tree("<energy:cooling>true</energy:cooling>", lod(1, flat(0.0))),
        cover(lod(1, torn, kind="MultiSolid")),
    )
    plants, refused = read_vegetation(Member(path))
    assert plants["id"].tolist() == ["t1"]
    assert [row.where for row in refused] == ["c1"]


def test_citygml_3(tmp_path: Path) -> None:
    path = tmp_path / "veg.gml"
    shape = f"<core:lod1Solid><gml:Solid>{flat(0.0)}{flat(5.0)}</gml:Solid></core:lod1Solid>"
    path.write_text(
        '<core:CityModel xmlns:core="http://www.opengis.net/citygml/3.0" xmlns:gml="http://www.opengis.net/gml/3.2"'
        ' xmlns:veg="http://www.opengis.net/citygml/vegetation/3.0"><core:cityObjectMember>'
        f'<veg:SolitaryVegetationObject gml:id="a">{shape}<veg:species>1220</veg:species>'
        "<veg:height>5</veg:height></veg:SolitaryVegetationObject></core:cityObjectMember></core:CityModel>"
    )
    plants, _ = read_vegetation(Member(path))
    assert plants.loc[0, ["species", "height"]].tolist() == ["1220", 5.0]
    assert area(plants.geometry.iloc[0]) == pytest.approx(1.0, rel=1e-4)


def test_hostile_files_are_explained(tmp_path: Path) -> None:
    path = written(tmp_path, tree(lod(1, flat(0.0))), head='<!DOCTYPE x [<!ENTITY a "aaaa">]>')
    with pytest.raises(SourceError) as caught:
        read_vegetation(Member(path))
    assert "DTD" in explains(caught.value, path)
    whole = written(tmp_path, tree(lod(1, flat(0.0)))).read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(SourceIncompleteError) as cut:
        read_vegetation(Member(path))
    explains(cut.value, path)


MADE = "".join((tree(lod(1, flat(0.0))), cover(lod(2, flat(1.0), kind="MultiSurface"))))


@settings(deadline=None)
@given(st.integers(0, len(MADE)), st.binary(max_size=30), st.integers(0, 30))
def test_damage_anywhere_is_told_or_survived(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes, gone: int
) -> None:
    path = written(tmp_path_factory.getbasetemp(), MADE)
    content = path.read_bytes()
    start = content.index(b"<core:cityObjectMember>") + at
    path.write_bytes(content[:start] + junk + content[start + gone :])
    try:
        plants, _ = read_vegetation(Member(path))
    except HeatRiskError as error:
        explains(error, path)
    else:
        assert len(plants) <= 2
