"""What a file is to a city, told from its content: right for what cities have, silent about all else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatrisk.sources.kinds import roles_of
from tests import made_city
from tests.doors import Door, doors
from tests.elevation import zipped
from tests.messages import SHARED

#: Roles of the good file of every door; those without stand only beside others.
ROLES = {
    "citygml": "buildings",
    "citygml zip": "buildings",
    "tin": "terrain",
    "veg": "trees",
    "gsi dem": "terrain",
    "gsi dem zips": "terrain",
    "parquet": "buildings",
    "geojson": "buildings",
    "geojsonl": "buildings",
    "gpkg": "buildings",
    "fgb": "buildings",
    "shp": "buildings",
    "shp zip": "buildings",
    "population": "population",
    "forecast": "official",
    "observed": "official",
    "api": "official",
    "station json": "station_table",
    "station csv": "station_table",
    "alerts": "alerts",
    "open-meteo": "weather:open-meteo",
    "amedas map": "weather:amedas",
    "amedas point": "weather:amedas",
    "epw": "weather:epw",
    "weather csv": "weather:csv",
    "tree csv": "trees",
    "shelters csv": "shelters",
    "shelters xlsx": "shelters",
    "facilities": "facilities",
    "congestion": "congestion",
    "equipment": "equipment",
}


def laid(door: Door, folder: Path, content: bytes) -> Path:
    path = folder / door.name
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, other in door.beside.items():
        (path.parent / name).write_bytes(other)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind, role", ROLES.items())
def test_every_kind_is_known_by_its_content(kind: str, role: str, tmp_path: Path) -> None:
    door = doors()[kind]
    path = laid(door, tmp_path, door.pack(door.good))
    assert roles_of(path) == {role: [path]}


def test_districts_have_no_heights(tmp_path: Path) -> None:
    made_city.areas(tmp_path)
    assert roles_of(tmp_path / "districts.shp") == {"jurisdictions": [tmp_path / "districts.shp"]}


@pytest.mark.parametrize(
    "name, role",
    [("dem.tif", "terrain"), ("標高_5m.tif", "terrain"), ("chm2024.tif", "trees"), ("ortho.tif", None),
     ("land_cover.tif", "land_cover"), ("lc.tif", "land_cover")],
)  # fmt: skip
def test_rasters_are_known_by_their_names(name: str, role: str | None, tmp_path: Path) -> None:
    door = doors()["terrain tif"]
    (tmp_path / name).write_bytes(door.good)
    assert roles_of(tmp_path / name) == ({} if role is None else {role: [tmp_path / name]})


def test_a_delivery_is_all_that_it_holds(tmp_path: Path) -> None:
    packed = tmp_path / made_city.DELIVERY
    packed.write_bytes(made_city.delivery())
    assert set(roles_of(packed)) == {"buildings", "terrain", "trees"}
    shutil.unpack_archive(packed, tmp_path / "open")
    assert set(roles_of(tmp_path / "open")) == {"buildings", "terrain", "trees"}


def test_tiles_and_series_lie_in_folders(tmp_path: Path) -> None:
    for kind, folder in (("tile png", "tiles"), ("amedas map", "map")):
        laid(doors()[kind], tmp_path / folder, doors()[kind].good)
    assert roles_of(tmp_path / "tiles") == {"terrain": [tmp_path / "tiles"]}
    assert roles_of(tmp_path / "map") == {"weather:amedas": [tmp_path / "map"]}


@pytest.mark.parametrize(
    "name, content",
    [
        ("a.csv", b"a,b\n1,2\n"), ("a.csv", b""), ("a.xlsx", b"PK"), ("a.json", b"[1, 2]"), ("a.json", b"{}"),
        ("a.json", b'{"data": 3}'), ("a.gml", b"<gml/>"), ("a.xml", b"\xff\xfe"), ("a.zip", b"PK\x03\x04"),
        ("a.zip", zipped({"readme.md": b"x"})), ("a.gpkg", b"SQLite format 3\0"), ("a.shp", b"\0\0\x27\x0a"),
        ("a.parquet", b"PAR1"), ("a.docx", b"PK"), ("a.json", b"[" * 100_000),
        ("a.geojson", b'{"type": "x"}'),
    ],
)  # fmt: skip
def test_all_else_is_nothing(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    assert roles_of(tmp_path / name) == {}


def test_points_are_no_districts(tmp_path: Path) -> None:
    places = gpd.GeoDataFrame({"名称": ["館"]}, geometry=[shapely.Point(139.55, 35.7)], crs="EPSG:4326")
    places.to_file(tmp_path / "a.geojson")
    assert roles_of(tmp_path / "a.geojson") == {}


def areas(*columns: str) -> gpd.GeoDataFrame:
    table = {name: [1.0] for name in columns}
    return gpd.GeoDataFrame(table, geometry=[shapely.box(139.55, 35.7, 139.56, 35.71)], crs="EPSG:4326")


@pytest.mark.parametrize(
    "name, columns, role",
    [("a.gpkg", ("名称", "z"), "jurisdictions"), ("a.gpkg", ("z", "階数"), "buildings"),
     ("a.parquet", ("PTN_2025",), "population"), ("a.parquet", ("height",), "buildings"),
     ("a.shp", ("計測高さ", "用途"), "buildings"), ("a.shp", ("measuredHe", "用途"), "buildings"),
     ("a.fgb", ("osm_id", "building"), "buildings")],
)  # fmt: skip
def test_layers_are_known_by_their_columns(
    name: str, columns: tuple[str, ...], role: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        areas(*columns).to_parquet(path)
    elif name.endswith("shp"):
        areas(*columns).to_file(path, encoding="cp932")
        path.with_suffix(".cpg").unlink()
    else:
        areas(*columns).to_file(path)
    assert roles_of(path) == {role: [path]}


@pytest.mark.parametrize(
    "name, text, role",
    [("a.csv", "日付,時刻,気温,湿度\n", "weather:csv"), ("a.csv", "年月日,時,気温\n", None),
     ("a.csv", "樹木名,緯度,経度,葉張り\n", "trees"), ("a.csv", "名称,緯度,経度,高さ\n", "facilities"),
     ("a.json", '{"minutely_15": {"time": []}}', "weather:open-meteo")],
)  # fmt: skip
def test_the_readers_tell_their_own_headers(name: str, text: str, role: str | None, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert roles_of(tmp_path / name) == ({} if role is None else {role: [tmp_path / name]})


@pytest.mark.parametrize("kind", ["shelters csv", "shelters xlsx", "forecast", "api", "gpkg", "amedas map"])
def test_folders_and_zips_are_what_lies_in_them(kind: str, tmp_path: Path) -> None:
    door = doors()[kind]
    path = laid(door, tmp_path / "d", door.good)
    assert roles_of(tmp_path / "d") == {ROLES[kind]: [tmp_path / "d"]}
    packed = tmp_path / "d.zip"
    packed.write_bytes(zipped({f"x/{path.name}": door.good}))
    assert roles_of(packed) == {ROLES[kind]: [packed]}


def test_in_a_mixed_folder_each_file_is_named(tmp_path: Path) -> None:
    for kind, name in (
        ("forecast", "yohou_1.csv"), ("forecast", "yohou_2.csv"), ("alerts", "alert.csv"),
        ("shelters csv", "list.csv"), ("citygml", "a.gml"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(doors()[kind].good)
    (tmp_path / "amedastable.json").write_bytes(doors()["station json"].good)
    for hour in range(3):
        (tmp_path / f"2025080509{hour}000.json").write_bytes(doors()["amedas map"].good)
    assert roles_of(tmp_path) == {
        "official": [tmp_path / "yohou_1.csv", tmp_path / "yohou_2.csv"],
        "alerts": [tmp_path / "alert.csv"],
        "shelters": [tmp_path / "list.csv"],
        "buildings": [tmp_path],
        "station_table": [tmp_path / "amedastable.json"],
        "weather:amedas": [tmp_path],
    }


@given(kind=st.sampled_from(sorted(doors())), data=st.data())
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
def test_damaged_files_are_something_or_nothing(
    kind: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    door = doors()[kind]
    content = bytearray(door.pack(door.good))
    start = data.draw(st.integers(0, len(content)))
    content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    cut = data.draw(st.integers(0, len(content)))
    path = laid(
        door, tmp_path_factory.mktemp("d"), bytes(content[:cut] if data.draw(st.booleans()) else content)
    )
    assert all(paths == [path] for paths in roles_of(path).values())


@pytest.mark.parametrize(
    "name, roles",
    {
        "plateau/53395404_bldg_6697_op.gml": {"buildings"},
        "plateau/53394517_bldg_6697_op__13104_shinjuku.gml": {"buildings"},
        "plateau/523965_dem_6697_05_op.gml": {"terrain"},
        "plateau/54401008_veg_6697_op__08220_tsukuba_2023.gml": {"trees"},
        "gsi_dem/FG-GML-3926-76-DEM10B.zip": {"terrain"},
        "moe/yohou_43056.csv": {"official"},
        "moe/yohou_all_202208241425.csv": {"official"},
        "moe/code4sabae_prev15WG_202008061400.csv": {"official"},
        "moe/code4sabae_mntr_Tokyo_202008.csv": {"official"},
        "moe/alert_20260825_05_excerpt.csv": {"alerts"},
        "amedas/amedastable_yyousuke2024.json": {"station_table"},
        "amedas/map_20250628180000.json": {"weather:amedas"},
        "amedas/point_block.json": {"weather:amedas"},
        "shelters/hits_koto_cooling.csv": {"shelters"},
        "shelters/tokyo_coolshare_2026_mitaka_excerpt_cp932.csv": {"shelters"},
        "hits/PopForecast_250m_kotoward.geojson": {"population"},
        "hits/FireStationJurisdiction_P17_12_13_kotoward_wbgt_pop_2.geojson": {"jurisdictions"},
    }.items(),
)
def test_real_files(name: str, roles: set[str]) -> None:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"not here: {path}")
    assert set(roles_of(path)) == roles


def test_a_table_of_numbers_in_json_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"44116": {"lat": 3}}))
    assert roles_of(tmp_path / "a.json") == {}
