"""A city file proposed from the files of a folder, by trying each door on each file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import geopandas as gpd
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info
from pyproj.enums import PJType

from heatrisk.errors import HeatRiskError, SourceUnavailableError
from heatrisk.grid import WGS84
from heatrisk.sources.buildings import read_buildings
from heatrisk.sources.moe import read_forecast
from heatrisk.sources.open_meteo import read_open_meteo
from heatrisk.sources.shelter_csv import read_shelters
from heatrisk.sources.weather_csv import read_weather_csv
from heatrisk.weather import OfficialForecast
from heatrisk.words import Words

T = TypeVar("T")

_VECTOR = (".gpkg", ".geojson", ".geojsonl", ".shp", ".fgb", ".gml")
_RASTER = (".tif", ".tiff", ".asc")
_RASTER_NAMES = (
    ("canopy", re.compile(r"cdsm|canopy|chm|tree|樹")),
    ("land_cover", re.compile(r"land_?-?cover|lulc|(^|_)lc(_|\.)|土地被覆")),
    ("terrain", re.compile(r"dem|dtm|terrain|標高|地形")),
)
_PLATEAU = "建物：国土交通省 Project PLATEAU"
_JAPAN = "JGD2011 / Japan Plane Rectangular CS"


class Proposal(NamedTuple):
    """A city file to look over.

    Parameters
    ----------
    text : str
        TOML with every key explained; keys without a file are commented out.
    remarks : tuple of Words
        What is still missing, and which files were left aside.
    """

    text: str
    remarks: tuple[Words, ...]


def propose(folder: Path) -> Proposal:
    """Propose a city file for the files of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Holds footprints, and perhaps rasters, a forecast, weather and a list of shelters.

    Returns
    -------
    Proposal

    Raises
    ------
    SourceUnavailableError
        No file holds building footprints with heights.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    buildings, footprints = _footprints(files, folder)
    west, south, east, north = buildings.to_crs(WGS84).total_bounds
    rasters = {_role(path): path for path in reversed(files) if path.suffix.lower() in _RASTER}
    tables = [path for path in files if path.suffix.lower() == ".csv"]
    official = _first(tables, lambda path: read_forecast(path)[0])
    rest = [path for path in tables if official is None or path != official[0]]
    weather = _first(
        [path for path in files if path.suffix.lower() == ".json"], lambda path: read_open_meteo(path)[0]
    )
    kind = "open-meteo"
    if weather is None:
        weather, kind = _first(rest, lambda path: read_weather_csv(path)[0]), "csv"
    rest = [path for path in rest if weather is None or path != weather[0]]
    shelters = _first(rest, lambda path: read_shelters(path)[0])
    text = _TEMPLATE.format(
        name=_text(folder.resolve().name),
        crs=plane_crs((west + east) / 2, (south + north) / 2),
        bounds=[round(float(value), 6) for value in (west, south, east, north)],
        buildings=_text(footprints.name),
        credits=json.dumps([_PLATEAU] if footprints.suffix.lower() == ".gml" else [], ensure_ascii=False),
        terrain=_section("terrain", "path", rasters.get("terrain")),
        trees=_section("trees", "canopy", rasters.get("canopy")),
        land_cover=_key("land_cover", rasters.get("land_cover")),
        official=_official(official),
        weather=_section("weather", "path", weather and weather[0])
        + ('# kind = "open-meteo"\n' if weather is None else f"kind = {_text(kind)}\n"),
        shelters=_section("shelters", "path", shelters and shelters[0]),
    )
    remarks = []
    if official is None and weather is None:
        remarks.append(
            Words(
                "公式予測も気象データも見つかりません。[official] か [weather] を書き足すと計算できます",
                "neither an official forecast nor weather was found: fill in [official] or [weather]",
            )
        )
    aside = [path.name for path in files if path.suffix.lower() in _VECTOR and path != footprints]
    if aside:
        names = ", ".join(aside)
        remarks.append(
            Words(
                f"建物は {footprints.name} を使い、{names} は使っていません",
                f"buildings come from {footprints.name}; left aside: {names}",
            )
        )
    return Proposal(text, tuple(remarks))


def plane_crs(lon: float, lat: float) -> str:
    """Return the plane coordinate system in metres that suits a place.

    Parameters
    ----------
    lon, lat : float
        Place [degrees].

    Returns
    -------
    str
        In Japan the zone of the plane rectangular system whose central meridian is nearest, else UTC's
        universal transverse Mercator zone, as ``"EPSG:..."``.
    """
    area = AreaOfInterest(lon, lat, lon, lat)
    zones = [row for row in query_crs_info("EPSG", PJType.PROJECTED_CRS, area) if row.name.startswith(_JAPAN)]
    if zones:
        codes = [f"EPSG:{row.code}" for row in zones]
        return min(codes, key=lambda code: abs(_meridian(code) - lon))
    return f"EPSG:{(32600 if lat >= 0 else 32700) + int((lon + 180) // 6) % 60 + 1}"


def _meridian(code: str) -> float:
    operation = CRS.from_user_input(code).coordinate_operation
    assert operation is not None  # every projected system has one
    return next(float(item.value) for item in operation.params if "longitude" in item.name.lower())


def _footprints(files: list[Path], folder: Path) -> tuple[gpd.GeoDataFrame, Path]:
    reasons = []
    for path in files:
        if path.suffix.lower() in _VECTOR:
            try:
                return read_buildings(path, "EPSG:3857")[0], path
            except HeatRiskError as error:
                reasons.append(str(error))
    raise SourceUnavailableError(
        Words("高さ付きの建物データが見つかりません", "no file with building footprints and heights"),
        where=folder,
        expected=", ".join(_VECTOR),
        got="; ".join(reasons) or ", ".join(path.name for path in files) or "nothing",
        remedy=Words(
            "建物のファイルをフォルダーに置いてください", "Put a file of buildings into the folder."
        ),
    )


def _role(path: Path) -> str | None:
    return next((role for role, pattern in _RASTER_NAMES if pattern.search(path.name.lower())), None)


def _first(paths: list[Path], read: Callable[[Path], T]) -> tuple[Path, T] | None:
    """Return the first file that a door accepts, with what it held."""
    for path in paths:
        try:
            found = read(path)
        except HeatRiskError:
            continue
        if found:
            return path, found
    return None


def _official(found: tuple[Path, OfficialForecast] | None) -> str:
    stations = [] if found is None else [station.id for station in found[1].stations]
    mark = "# " if found is None else ""
    chosen = json.dumps(stations[:1] or ["44116"])
    return f"{_section('official', 'path', found and found[0])}{mark}stations = {chosen}\n"


def _section(name: str, key: str, path: Path | None) -> str:
    return f"{'# ' if path is None else ''}[{name}]\n{_key(key, path)}"


def _key(key: str, path: Path | None) -> str:
    return f'# {key} = ""\n' if path is None else f"{key} = {_text(path.name)}\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


_TEMPLATE = """\
# heatrisk の設定ファイル / city file of heatrisk
# 相対パスはこのファイルのあるフォルダーから / relative paths start at this file's folder

[city]
name = {name}            # 市区町村名 / name in Japanese
name_en = ""             # 英語名 / name in English
crs = "{crs}"        # 平面直角座標系 / projected coordinates in metres
cell_size = 5.0          # メッシュの一辺(m) / side of a cell [m]
bounds = {bounds}   # 西, 南, 東, 北(度) / west, south, east, north [degrees]
attribution = {credits}         # 出典の表示 / credit lines shown beside the map

[buildings]
path = {buildings}       # 建物(CityGML, GeoPackage, GeoJSON, Shapefile など) / footprints with heights
# height_column = ""     # 高さの列名(省略すると自動) / column of heights; found by its name if omitted
# default_height = 6.0   # 高さが不明の建物に使う値(m) / used where the height is unknown [m]

# 標高(GeoTIFF) / ground elevation
{terrain}
# 樹冠高(GeoTIFF) / canopy height above ground
{trees}# transmissivity = 0.15  # 樹冠の日射透過率 / share of direct sun that passes a crown
# trunk_ratio = 0.25     # 枝下高の割合 / height of the crown's underside as share of its top

# 地面 / ground
[ground]
{land_cover}# default = "grass"      # paved | grass | bare_soil | water

# 公式の暑さ指数予測(環境省 CSV) / official WBGT forecast
{official}
# 気象データ / weather series; kind = "open-meteo" | "csv"
{weather}
# クーリングシェルター一覧 / list of cooling shelters
{shelters}
[model]
# sub_cell = 1.0         # 日陰計算の格子(m)、省略すると広さに応じて 0.5 か 1 / fine grid for shade [m]
receptor_height = 1.1    # 計算する高さ(m) / height above ground [m]

[store]
path = "store"           # 結果の保存先 / where finished runs are kept

[dashboard]
basemap = "none"         # "gsi-pale" で地理院タイル(淡色)を表示 / "gsi-pale" shows GSI pale tiles
"""
