"""A small but complete city of invented files, in the forms in which public bodies hand them out."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from tests.elevation import gsi_xml, relief_gml, zipped
from tests.test_alert_csv import written as bulletin
from tests.test_citygml import building, lod0, lod1, polygon, ring
from tests.test_citygml import written as model
from tests.test_vegetation import cover, flat, lod, tree
from tests.test_vegetation import written as vegetation

#: The made models stand at 139.55, 35.70; some 270 m x 330 m are served.
BOUNDS = (139.549, 35.699, 139.552, 35.702)
DELIVERY = "13999_hinata-shi_city_2025_citygml_1_op.zip"
DEM_ZIP = "PackDLMap.zip"

#: Houses by file: all of 6 m, the second file with one that the first holds too, and one without a height.
HOUSES = {"53394463": range(6), "53394464": range(5, 12)}
WITHOUT_HEIGHT = "b11"

#: Two stations near the city, one an invented one, and one afar, as in the Meteorological Agency's table.
STATIONS = {
    "44116": {"elems": "11112010", "lat": [35, 41.0], "lon": [139, 29.0], "alt": 59, "kjName": "府中"},
    "99001": {"elems": "11112010", "lat": [35, 44.0], "lon": [139, 36.0], "alt": 51, "kjName": "ひなた"},
    "67401": {"elems": "11112010", "lat": [34, 34.0], "lon": [133, 14.0], "alt": 41, "kjName": "府中"},
}
FORECAST = """\
,,2025080512,2025080515,2025080518
99001,2025/08/05 07:25, 330, 320, 290
44116,2025/08/05 07:25, 310, 320, 290
67401,2025/08/05 07:25, 250, 250, 250
"""

#: Five shelters without positions: three are in the list of facilities, one there twice, one nowhere.
SHELTERS = """\
施設名称,所在地,開放可能日等（開館時間等）,受入れ可能人数,市区町村名
中央図書館,ひなた市本町1-1-1,9:00～17:00,約50名,ひなた市
市民会館,ひなた市本町2丁目3番4号,月～金 9:00～17:00,100,ひなた市
北公民館,ひなた市北町3-2-1,不定休,20名程度,ひなた市
集会所,ひなた市南町1-1,9:00～12:00,10,ひなた市
ひなた寺,ひなた市西町9-9,お問い合わせください,,ひなた市
"""
FACILITIES = """\
名称,所在地,緯度,経度
ひなた市立中央図書館,ひなた市本町１－１－１,35.7005,139.5505
市民会館,ひなた市本町2-3-4,35.7008,139.5510
北公民館,ひなた市北町3-2-1,35.7015,139.5495
集会所,ひなた市東町5-5,35.7001,139.5501
集会所,ひなた市中町6-6,35.7002,139.5502
"""
CONGESTION = """\
施設名,観測時刻,混雑度
中央図書館,2025/8/5 13:50,やや混雑
市民会館,2025/8/5 13:40,空き
知らない館,2025/8/5 13:40,混雑
"""
EQUIPMENT = """\
施設名,設備,状態,観測時刻
中央図書館,冷水機,故障,2025/8/5 13:30
"""
TREES = """\
樹種,緯度,経度,樹高,枝張り
ケヤキ,35.7004,139.5503,8,6
イチョウ,35.7007,139.5507,9,5
サツキ,35.7009,139.5509,,2
"""

CITY = f"""\
[city]
name = "ひなた市"
name_en = "Hinata"
crs = "EPSG:6677"
bounds = {list(BOUNDS)}
attribution = ["ひなた市（架空）"]
[buildings]
path = "{DELIVERY}"
[terrain]
path = ["{DEM_ZIP}", "{DELIVERY}"]
[trees]
path = ["{DELIVERY}", "gairoju.csv"]
[official]
path = "yohou_tokyo.csv"
station_table = "amedastable.json"
[weather]
path = "open_meteo.json"
kind = "open-meteo"
[alerts]
path = "alert_20250805_05.csv"
area = "130000"
[shelters]
path = "cooling_shelters.csv"
facilities = "facilities.csv"
congestion = "congestion.csv"
equipment = "equipment.csv"
[population]
path = "population.geojson"
[jurisdictions]
path = "districts.shp"
[model]
sub_cell = 1.0
"""


def house(number: int) -> str:
    """Return a building of 10 m x 10 m in a row of its file, 6 m high."""
    x, y = 1.5 * (number % 6), 2.0 * (number // 6)
    corners = ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1))
    parts = [lod0(polygon(ring(*corners)))]
    if f"b{number}" != WITHOUT_HEIGHT:
        parts.append(lod1(50.0, 56.0, corners))
    return building(*parts, name=f"b{number}")


def models() -> dict[str, bytes]:
    """Return the models of the delivery by file name."""
    with TemporaryDirectory() as kept:
        folder = Path(kept)
        files = {
            f"bldg/{mesh}_bldg_6697_op.gml": model(folder, *map(house, numbers)).read_bytes()
            for mesh, numbers in HOUSES.items()
        }
        crowns = (tree(lod(2, flat(0, 2.5)), height="7"), cover(lod(1, flat(0, 5.5), kind="MultiSurface")))
        files["veg/53394463_veg_6697_op.gml"] = vegetation(folder, *crowns).read_bytes()
    west, south, east, north = 139.545, 35.695, 139.5505, 35.705
    corners = np.array([[south, west, 48], [south, east, 48], [north, east, 50], [north, west, 50]], float)
    files["dem/533944_dem_6697_op.gml"] = relief_gml(corners[[[0, 1, 2], [0, 2, 3]]])
    return files


def delivery() -> bytes:
    """Return a delivery of PLATEAU: models, code lists, metadata."""
    root = DELIVERY.removesuffix(".zip")
    return zipped(
        {f"{root}/udx/{name}": content for name, content in models().items()}
        | {
            f"{root}/codelists/Building_usage.xml": b"<gml:Dictionary/>",
            f"{root}/metadata/udx13999_bldg.xml": b"<MD_Metadata/>",
        }
    )


def elevation() -> bytes:
    """Return a mesh of GSI: level ground at 50 m from 139.5505 eastwards, the last row left out."""
    side = 0.2 / 3600
    rows, columns = 180, 40
    low = (35.6955, 139.5505)
    high = (low[0] + rows * side, low[1] + columns * side)
    return gsi_xml([50.0] * (rows - 1) * columns, low=low, high=high, limits=f"{columns - 1} {rows - 1}")


def open_meteo() -> dict[str, Any]:
    """Return an answer of 25 hours of a clear day."""
    hours = np.arange(25)
    sun = np.clip(900 * np.sin((hours - 5.5) / 13.5 * np.pi), 0, None)
    hourly = {
        "temperature_2m": np.round(28 + 6 * np.sin((hours - 8) / 12 * np.pi), 1),
        "relative_humidity_2m": np.full(25, 60),
        "wind_speed_10m": np.full(25, 2.5),
        "surface_pressure": np.full(25, 1003.0),
        "shortwave_radiation": np.round(np.where(hours < 20, sun, 0)),
    }
    units = ("°C", "%", "m/s", "hPa", "W/m²")
    stamps = pd.date_range("2025-08-05", periods=25, freq="h").strftime("%Y-%m-%dT%H:%M")
    return {
        "latitude": 35.7, "longitude": 139.55, "elevation": 50.0, "utc_offset_seconds": 32400,
        "timezone": "Asia/Tokyo",
        "hourly_units": {"time": "iso8601"} | dict(zip(hourly, units, strict=True)),
        "hourly": {"time": list(stamps)} | {name: values.tolist() for name, values in hourly.items()},
    }  # fmt: skip


def alerts(folder: Path, status: str = "通常") -> Path:
    """Write the bulletin of the morning: an alert for Tokyo today."""
    today = dict.fromkeys(("CreateDate", "ReportDate", "TargetDate1"), "2025/08/05")
    stated = today | {"TargetDate2": "2025/08/06", "Status": status}
    return bulletin(folder, name="alert_20250805_05.csv", **stated)


def areas(folder: Path) -> None:
    """Write a population mesh that covers all that is served, and two districts that cover its west."""
    west, south, east, north = BOUNDS
    middle = (west + east) / 2
    halves = [shapely.box(west, south, middle, north), shapely.box(middle, south, east, north)]
    population = {"MESH_ID": ["5339446311", "5339446312"], "PTN_2025": [300.0, 200.0]}
    population |= {"PTC_2025": [90.0, 50.0], "PTD_2025": [45.0, 20.0]}
    gpd.GeoDataFrame(population, geometry=halves, crs="EPSG:6668").to_crs("EPSG:4326").to_file(
        folder / "population.geojson"
    )
    quarters = [shapely.box(west, south, middle, 35.7005), shapely.box(west, 35.7005, middle, north)]
    districts = gpd.GeoDataFrame({"地区名": ["南町", "北町"]}, geometry=quarters, crs="EPSG:6668")
    districts.to_file(folder / "districts.shp", encoding="cp932")
    (folder / "districts.cpg").unlink()


def make_city(folder: Path) -> Path:
    """Write the city's files into a folder, and return its city file."""
    (folder / DELIVERY).write_bytes(delivery())
    inner = zipped({"FG-GML-5339-44-63-DEM5A-20250101.xml": elevation()})
    (folder / DEM_ZIP).write_bytes(
        zipped({"FG-GML-5339-44-DEM5A.zip": inner, "fmdid15-3201.xml": b"<MD_Metadata/>"})
    )
    (folder / "gairoju.csv").write_text(TREES, encoding="utf-8-sig")
    (folder / "yohou_tokyo.csv").write_text(FORECAST, encoding="ascii")
    (folder / "amedastable.json").write_text(json.dumps(STATIONS, ensure_ascii=False), encoding="utf-8")
    (folder / "open_meteo.json").write_text(json.dumps(open_meteo()), encoding="utf-8")
    (folder / "cooling_shelters.csv").write_text(SHELTERS, encoding="cp932")
    (folder / "facilities.csv").write_text(FACILITIES, encoding="cp932")
    (folder / "congestion.csv").write_text(CONGESTION, encoding="cp932")
    (folder / "equipment.csv").write_text(EQUIPMENT, encoding="utf-8")
    alerts(folder)
    areas(folder)
    (folder / "city.toml").write_text(CITY, encoding="utf-8")
    return folder / "city.toml"
