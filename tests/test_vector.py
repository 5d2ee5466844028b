"""Vector files: every format, in zips too; names that lie, encodings, layers, areas, broken bytes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError
from heatrisk.sources import vector
from heatrisk.sources.files import Member, members
from heatrisk.sources.vector import companions, on_disk, read_layer
from tests.messages import explains

LON, LAT = 139.5600, 35.6830  # Mitaka


def houses(count: int = 3) -> gpd.GeoDataFrame:
    shapes = [shapely.box(LON + i * 1e-3, LAT, LON + i * 1e-3 + 1e-4, LAT + 1e-4) for i in range(count)]
    return gpd.GeoDataFrame(
        {"名称": [f"建物{i}" for i in range(count)], "height": [5.0 + i for i in range(count)]},
        geometry=shapes,
        crs="EPSG:6668",
    )


def by_line(path: Path, mark: str = "") -> None:
    features = json.loads(houses().to_crs("EPSG:4326").to_json(drop_id=True))["features"]
    path.write_text("".join(f"{mark}{json.dumps(one)}\n" for one in features), encoding="utf-8")


def as_text(path: Path, encoding: str = "utf-8-sig") -> None:
    frame = houses()
    rows = [f'{name},{h},"{shape.wkt}"' for name, h, shape in frame.itertuples(index=False)]
    path.write_text("\n".join(["名称,height,geometry", *rows]), encoding=encoding)


OSM = """<?xml version="1.0" encoding="UTF-8"?>
<osm version="0.6">
 <node id="1" lat="35.683" lon="139.56"/><node id="2" lat="35.683" lon="139.5601"/>
 <node id="3" lat="35.6831" lon="139.5601"/><node id="4" lat="35.6831" lon="139.56"/>
 <way id="7"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/>
  <tag k="building" v="yes"/><tag k="height" v="12 m"/></way>
</osm>
"""

WRITERS: dict[str, Callable[[Path], object]] = {
    "a.gpkg": lambda path: houses().to_file(path),
    "a.geojson": lambda path: houses().to_crs("EPSG:4326").to_file(path),
    "a.geojsonl": by_line,
    "a.jsonl": by_line,
    "a.ndjson": lambda path: by_line(path, "\x1e"),
    "a.fgb": lambda path: houses().to_file(path),
    "a.shp": lambda path: houses().to_file(path, encoding="cp932"),
    "a.parquet": lambda path: houses().to_parquet(path),
    "a.csv": as_text,
    "cp932.csv": lambda path: as_text(path, "cp932"),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_format_on_disk_and_in_a_zip(tmp_path: Path, name: str, packed: bool) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    WRITERS[name](folder / name)
    member = Member(folder / name)
    if packed:
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, f"建物/{file.name}")
        member = Member(tmp_path / "all.zip", (f"建物/{name}",))
    before = sorted(tmp_path.rglob("*"))
    layer = read_layer(member)
    assert sorted(layer.frame["名称"]) == ["建物0", "建物1", "建物2"]
    assert sorted(layer.frame["height"].astype(float)) == [5.0, 6.0, 7.0]
    assert layer.frame.total_bounds.tolist() == pytest.approx([LON, LAT, LON + 2.1e-3, LAT + 1e-4])
    assert {"名称", "height"} <= set(layer.fields)
    assert sorted(tmp_path.rglob("*")) == before, "nothing is written"


def test_openstreetmap_extract(tmp_path: Path) -> None:
    path = tmp_path / "a.osm"
    path.write_text(OSM, encoding="utf-8")
    layer = read_layer(Member(path))
    assert len(layer.frame) == 1
    assert {"building", "other_tags"} <= set(layer.fields)


def test_shapefile_without_cpg_is_cp932_unless_it_is_utf_8(tmp_path: Path) -> None:
    for encoding in ("cp932", "utf-8"):
        path = tmp_path / f"{encoding}.shp"
        houses().to_file(path, encoding=encoding)
        path.with_suffix(".cpg").unlink()
        assert read_layer(Member(path)).frame["名称"].tolist()[0] == "建物0", encoding


def test_files_of_a_shapefile(tmp_path: Path) -> None:
    houses().to_file(tmp_path / "a.shp")
    houses().to_file(tmp_path / "ab.shp")
    names = {one.path.name for one in companions(Member(tmp_path / "a.shp"))}
    assert names == {"a.dbf", "a.prj", "a.shx", "a.cpg"}
    assert len(on_disk(Member(tmp_path / "a.shp"))) == 5
    assert [one.path.name for one in members([tmp_path], vector.VECTOR)] == ["a.shp", "ab.shp"]


def test_only_wanted_columns_are_read(tmp_path: Path) -> None:
    for name in ("a.gpkg", "a.parquet"):
        WRITERS[name](tmp_path / name)
        layer = read_layer(Member(tmp_path / name), choose=lambda names: [names[1]])
        assert [c for c in layer.frame.columns if c != layer.frame.geometry.name] == ["height"]
        assert set(layer.fields) == {"名称", "height"}


@pytest.mark.parametrize("name", ["a.gpkg", "a.fgb", "a.shp"])
def test_large_files_are_read_by_area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(vector, "_MANY", 3)
    WRITERS[name](tmp_path / name)
    area = (LON - 1e-4, LAT - 1e-4, LON + 5e-4, LAT + 2e-4)
    layer = read_layer(Member(tmp_path / name), area=area)
    assert (len(layer.frame), layer.left_out) == (1, 2)


def test_layer_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    for layer in ("wards", "parks"):
        houses().to_file(path, layer=layer)
    with pytest.raises(InputError) as caught:
        read_layer(Member(path), section="jurisdictions")
    said = explains(caught.value, path)
    assert "wards" in said
    assert "[jurisdictions] layer" in said
    assert len(read_layer(Member(path), "parks").frame) == 3


VRT = '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/etc/passwd</SrcDataSource></OGRVRTLayer>'


@pytest.mark.parametrize("name", [*WRITERS, "a.osm", "a.osm.pbf", "a.vrt", "a.tab", "a.json"])
@pytest.mark.parametrize("content", [VRT, "<html>404</html>", "", "http://localhost/a"])
def test_a_file_is_what_its_name_says(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_layer(Member(path))
    explains(caught.value, path)


def test_without_the_library_of_geoparquet_the_remedy_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    WRITERS["a.parquet"](path)
    monkeypatch.setattr(vector, "parquet", None)
    with pytest.raises(SourceError) as caught:
        read_layer(Member(path))
    assert explains(caught.value, path).count("heatrisk[parquet]") == 2


def test_plane_coordinates_without_system_are_not_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('height,WKT\n6,"POLYGON ((0 0,500 0,500 500,0 0))"\n', encoding="utf-8")
    with pytest.raises(SourceIncompleteError) as caught:
        read_layer(Member(path))
    explains(caught.value, path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    for name, write in WRITERS.items():
        write(folder / name)
    return {name: (folder / name).read_bytes() for name in WRITERS}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(WRITERS)),
    cut=st.floats(0, 1),
    noise=st.binary(max_size=40),
    at=st.floats(0, 1),
)
def test_damaged_files_never_raise_anything_else(
    whole: dict[str, bytes], tmp_path: Path, name: str, cut: float, noise: bytes, at: float
) -> None:
    content = bytearray(whole[name][: round(cut * len(whole[name]))])
    place = round(at * len(content))
    content[place : place + len(noise)] = noise
    path = tmp_path / name
    path.write_bytes(content)
    try:
        read_layer(Member(path))
    except HeatRiskError as error:
        explains(error, path)
