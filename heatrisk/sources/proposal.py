"""A city file proposed from the files of a folder, by trying each door on each file."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info
from pyproj.enums import PJType

from heatrisk.errors import HeatRiskError, SourceUnavailableError
from heatrisk.grid import WGS84, Bounds
from heatrisk.sources.buildings import read_buildings
from heatrisk.sources.files import members
from heatrisk.sources.kinds import SINGLE, look
from heatrisk.sources.moe import read_forecast
from heatrisk.sources.stations import read_stations
from heatrisk.sources.table import key, read_table
from heatrisk.weather import OfficialForecast, Station
from heatrisk.words import Words

_JAPAN = "JGD2011 / Japan Plane Rectangular CS"

#: Credit lines that the owners of some data ask for, by origin.
_CREDITS = {
    "plateau": "3D都市モデル（Project PLATEAU）（国土交通省）",
    "gsi-dem": "基盤地図情報 数値標高モデル（国土地理院）を加工して作成",
    "gsi-tiles": "地理院タイル（標高タイル）（国土地理院）を加工して作成",
    "mlit": "国土数値情報（国土交通省）を加工して作成",
    "osm": "© OpenStreetMap contributors",
}

#: Kinds of weather, best first: a forecast with radiation, a table, observations, a typical year.
_WEATHER = ("weather:open-meteo", "weather:csv", "weather:amedas", "weather:epw")

#: Name of a municipality in a PLATEAU delivery: ``13204_mitaka-shi_pref_2025_citygml_1_op``.
_DELIVERY = re.compile(r"\d{5}_([a-z]+)-(?:shi|ku|machi|cho|mura|son)_")

_MUNICIPALITY = ("区市町村名", "市区町村名", "市町村名", "地方公共団体名", "自治体名")


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


def propose(folder: Path, progress: Callable[[int, int], None] | None = None) -> Proposal:
    """Propose a city file for the files of a folder.

    Parameters
    ----------
    folder : pathlib.Path
        Holds footprints, and perhaps terrain, trees, a forecast, weather, lists of shelters and districts, as
        single files or as deliveries of many (folders, zips).
    progress : callable, optional
        Called with the files of buildings read, and all of them.

    Returns
    -------
    Proposal

    Raises
    ------
    SourceUnavailableError
        No file holds building footprints with heights.
    """
    entries = sorted(
        path
        for path in folder.iterdir()
        # A store of runs holds what was made, not what it is made from.
        if not path.name.startswith(".") and path.suffix != ".toml" and not (path / "runs").is_dir()
    )
    found, origins, aside = _recognised(entries)
    bounds, damaged = _bounds(found, folder, [path.name for path in entries], progress)
    west, south, east, north = bounds
    middle = ((west + east) / 2, (south + north) / 2)
    named = {role: [path.relative_to(folder).as_posix() for path in paths] for role, paths in found.items()}
    official, remarks = _official(found, named, middle)
    remarks = [*(Words(error.text("ja"), error.text("en")) for error in damaged), *remarks]
    weather = next((role for role in _WEATHER if role in found), None)
    name, english = _names(folder, found.get("shelters", []))
    text = _TEMPLATE.format(
        name=_text(name),
        name_en=_text(english),
        crs=plane_crs(*middle),
        bounds=[round(float(value), 6) for value in bounds],
        credits=json.dumps([_CREDITS[name] for name in sorted(origins)], ensure_ascii=False),
        buildings=_paths(named["buildings"]),
        terrain=_section("terrain", named.get("terrain")),
        trees=_section("trees", named.get("trees")),
        land_cover=_key("land_cover", named.get("land_cover")),
        official=official,
        weather=_section("weather", named.get(weather or ""))
        + f"{'' if weather else '# '}kind = {_text((weather or _WEATHER[0]).split(':')[1])}\n"
        + (_key("station_table", named.get("station_table")) if weather == "weather:amedas" else ""),
        alerts=_section("alerts", named.get("alerts"))
        + f'{"" if "alerts" in named else "# "}area = "130000"',
        shelters=_section("shelters", named.get("shelters"))
        + _key("facilities", named.get("facilities"))
        + _key("congestion", named.get("congestion"))
        + _key("equipment", named.get("equipment")).rstrip(),
        population=_section("population", named.get("population")),
        jurisdictions=_section("jurisdictions", named.get("jurisdictions")),
    )
    remarks.insert(
        0,
        Words(
            f"市区町村名は「{name}」と推定しました。[city] name と name_en を確かめてください",
            f"the town is taken to be {name}: check [city] name and name_en",
        ),
    )
    if "official" not in found and weather is None:
        remarks.append(
            Words(
                "公式予測も気象データも見つかりません。[official] か [weather] を書き足すと計算できます",
                "neither an official forecast nor weather was found: fill in [official] or [weather]",
            )
        )
    if "alerts" in found:
        remarks.append(
            Words(
                "[alerts] area を自分の府県予報区等コードに直してください（東京都は 130000）",
                "set [alerts] area to the code of your forecast area (Tokyo: 130000)",
            )
        )
    if aside:
        names = ", ".join(path.name for path in aside)
        remarks.append(Words(f"使っていないファイル: {names}", f"left aside: {names}"))
    return Proposal(text, tuple(remarks))


def _recognised(entries: Sequence[Path]) -> tuple[dict[str, list[Path]], set[str], list[Path]]:
    """Return the paths of each role, the origins of their data, and paths without role or behind a better."""
    found: dict[str, list[Path]] = {}
    origins: set[str] = set()
    aside = []
    for path in entries:
        roles, whose = look(path)
        origins |= whose
        for role, paths in roles.items():
            found.setdefault(role, []).extend(paths)
        if not roles and path.suffix.lower() not in _SIDECARS:
            aside.append(path)
    for role in set(found) & set(SINGLE):
        aside += found[role][1:]
        found[role] = found[role][:1]
    # Several kinds of weather cannot be joined.
    for role in [role for role in _WEATHER if role in found][1:]:
        aside += found.pop(role)
    return found, origins, sorted(set(aside))


_SIDECARS = (
    ".dbf", ".prj", ".cpg", ".shx", ".sbn", ".sbx", ".qix", ".tfw", ".txt", ".md", ".pdf", ".py", ".png",
)  # fmt: skip


def _bounds(
    found: dict[str, list[Path]],
    folder: Path,
    names: list[str],
    progress: Callable[[int, int], None] | None,
) -> tuple[Bounds, list[HeatRiskError]]:
    """Return what the buildings cover [degrees]; files that cannot be read are taken out and told."""
    paths = found.get("buildings", [])
    if not paths:
        raise SourceUnavailableError(
            Words("高さ付きの建物データが見つかりません", "no file with building footprints and heights"),
            where=folder,
            expected="CityGML (.gml, .zip), .gpkg, .geojson, .shp, .fgb, .parquet",
            got=", ".join(names) or "nothing",
            remedy=Words(
                "建物のファイルをフォルダーに置いてください", "Put a file of buildings into the folder."
            ),
        )
    try:
        return _covered(paths, progress), []
    except HeatRiskError as error:
        errors = [error]
    covered = {}
    for path in paths:
        try:
            covered[path] = _covered([path], progress)
        except HeatRiskError as error:
            errors.append(error)
    if not covered:
        raise errors[0]
    found["buildings"] = list(covered)
    sides = list(zip(*covered.values(), strict=True))
    return (min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3])), errors[1:]


def _covered(paths: list[Path], progress: Callable[[int, int], None] | None) -> Bounds:
    buildings, _ = read_buildings(paths, "EPSG:3857", progress=progress)
    west, south, east, north = map(float, buildings.to_crs(WGS84).total_bounds)
    return (west, south, east, north)


def _official(
    found: dict[str, list[Path]], named: dict[str, list[str]], place: tuple[float, float]
) -> tuple[str, list[Words]]:
    """Return the section of the official forecast, with the stations that suit the place."""
    paths, tables = found.get("official"), found.get("station_table")
    text = _section("official", named.get("official")) + _key("station_table", named.get("station_table"))
    if paths is None:
        return f'{text}# stations = ["44116"]', []
    try:
        forecast = _forecast(paths, tables, place)
    except HeatRiskError as error:
        return f'{text}# stations = ["44116"]', [Words(error.text("ja"), error.text("en"))]
    stations = ", ".join(
        _station(station, weight) for station, weight in zip(forecast.stations, forecast.weights, strict=True)
    )
    return f"{text}stations = [{stations}]", []


def _station(station: Station, weight: float) -> str:
    if weight == 1.0 and station.name == station.id:
        return _text(station.id)
    return f"{{ id = {_text(station.id)}, name = {_text(station.name)}, weight = {weight:.3f} }}"


def _forecast(paths: list[Path], tables: list[Path] | None, place: tuple[float, float]) -> OfficialForecast:
    if tables:
        return read_forecast(paths, table=read_stations(tables[0])[0], place=place)[0]
    return read_forecast(paths)[0]


def _names(folder: Path, shelters: list[Path]) -> tuple[str, str]:
    """Return the city's names, as far as the files tell: in its list of shelters, in a PLATEAU delivery."""
    towns: Counter[str] = Counter()
    for member in members(shelters, (".csv", ".tsv", ".xlsx")) if shelters else ():
        try:
            rows = [cells for _, cells in read_table(member).rows]
        except HeatRiskError:
            continue
        header = next((row for row in rows[:10] if any(key(cell) in _MUNICIPALITY for cell in row)), None)
        if header is not None:
            column = next(i for i, cell in enumerate(header) if key(cell) in _MUNICIPALITY)
            towns.update(row[column] for row in rows[rows.index(header) + 1 :] if column < len(row))
    delivery = next(
        (match for path in sorted(folder.iterdir()) if (match := _DELIVERY.match(path.name))), None
    )
    japanese = towns.most_common(1)[0][0] if towns else folder.resolve().name
    return japanese, delivery.group(1).capitalize() if delivery else ""


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


def _section(name: str, paths: list[str] | None) -> str:
    return f"{'' if paths else '# '}[{name}]\n{_key('path', paths)}"


def _key(key: str, paths: list[str] | None) -> str:
    return f"{key} = {_paths(paths)}\n" if paths else f'# {key} = ""\n'


def _paths(paths: list[str]) -> str:
    texts = [_text(path) for path in paths]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


_TEMPLATE = """\
# heatrisk の設定ファイル / city file of heatrisk
# 相対パスはこのファイルのあるフォルダーから / relative paths start at this file's folder
# path にはファイル、フォルダー、zip、"dem/*.xml" のような指定、URL、それらの並び [..] を書けます
# a path is a file, folder, zip, pattern such as "dem/*.xml", URL, or a list [..] of them

[city]
name = {name}            # 市区町村名 / name in Japanese
name_en = {name_en}             # 英語名 / name in English
crs = "{crs}"        # 平面直角座標系 / projected coordinates in metres
cell_size = 5.0          # メッシュの一辺(m) / side of a cell [m]
bounds = {bounds}   # 西, 南, 東, 北(度) / west, south, east, north [degrees]
contact = ""             # データ配信元に示す連絡先 / whom a data server may ask
attribution = {credits}         # 出典の表示 / credit lines shown beside the map

# 建物(CityGML, GeoPackage, GeoJSON, Shapefile, GeoParquet など) / footprints with heights
[buildings]
path = {buildings}
# height = "lod1"        # lod1 | measured(計測高さ) | max(高いほう) / which stated height counts
# height_column = ""     # 高さの列名(省略すると自動) / column of heights; found by its name if omitted
# default_height = 6.0   # 高さが不明の建物に使う値(m) / used where the height is unknown [m]

# 標高(基盤地図情報 DEM、標高タイル、PLATEAU dem、GeoTIFF) / ground elevation
{terrain}# fill = 50.0            # 補う範囲(m) / holes are filled this far from known ground [m]

# 樹木(樹冠高 GeoTIFF、PLATEAU veg、樹木一覧 CSV) / canopy heights, PLATEAU vegetation, lists of trees
{trees}# heights = {{ "高木" = 10.0, "*" = 6.0 }}  # 樹高のない木(m) / heights by class [m]
# transmissivity = 0.15  # 樹冠の日射透過率 / share of direct sun that passes a crown
# または "leaf-on"(着葉期) "leaf-off"(落葉期) "season"(日付による) / or in what leaf the crowns are
# trunk_ratio = 0.25     # 枝下高の割合 / height of the crown's underside as share of its top

# 地面 / ground
[ground]
{land_cover}# default = "grass"      # paved | grass | bare_soil | water | concrete

# 地面と壁の性質(土地被覆コードごと、書いた値だけ置き換える) / numbers of surfaces that replace the cited ones
# [surfaces]
# ground = [{{ code = 1, albedo = 0.15, emissivity = 0.95, admittance = 1205, moisture = 0.0 }}]
# wall = {{ albedo = 0.25, emissivity = 0.90, admittance = 1400 }}

# 公式の暑さ指数(環境省 CSV、API の JSON) / official WBGT; stations by distance from station_table if omitted
{official}

# 気象データ / weather; kind = "open-meteo" | "amedas" | "epw" | "csv"
{weather}# station = "44116"      # アメダスの地点番号(省略時は最寄り) / station; else the nearest

# 熱中症警戒情報(環境省 CSV) / official heat-stroke alerts; area = 府県予報区等コード
{alerts}

# クーリングシェルター一覧(CSV, XLSX) / lists of cooling shelters
{shelters}
# coordinates = ""       # 位置の手入力(名称,緯度,経度) / positions filled in by hand
# facilities: 公共施設一覧(位置の照合に使う) / list of facilities that tells positions by name and address

# 人口メッシュ、地区(報告用) / population mesh and districts, for reports
{population}
{jurisdictions}
# URL からの取得 / fetching from the web
[http]
# timeout = 30.0         # 待ち時間(秒) / seconds
# keep_hours = 24.0      # 取得できないとき、この時間までは前回の控えを使う / a copy stands in this long [h]

[model]
# sub_cell = 1.0         # 日陰計算の格子(m)、省略すると広さに応じて 0.5 か 1 / fine grid for shade [m]
receptor_height = 1.1    # 計算する高さ(m)、幼児は 0.5 / height above ground [m]: 0.5 for infants, 1.1, 1.5
# urban_wind = "svf"     # 建物の間で風を弱める(省略すると弱めない) / let the wind fade among buildings

[store]
path = "store"           # 結果の保存先 / where finished runs are kept
# keep = {{ days = 30, runs = 10 }}  # これより古い結果を消す / remove older runs, but for the newest
# keep_inputs = 500.0    # 再計算用に控える入力の上限(MB) / inputs kept with a run for its replay [MB]

# heatrisk watch の計算時刻(日本時間) / when heatrisk watch recomputes, Japan's time
[watch]
# times = ["05:10", "05:50", "10:10", "14:10", "17:10"]

# 警戒情報と朝の文章の送信先(watch が送る。環境変数の名前) / where watch sends alerts and the morning's text
# [tell]
# webhook = "env:HEATRISK_WEBHOOK_URL"
# staff_webhook = "env:HEATRISK_STAFF_WEBHOOK_URL"  # 職員用(訓練・試験を含む) / staff only: drills too
# morning = "05:50"      # 朝の文章を送る時刻(これ以降、正午まで) / from when until noon, Japan's time

[dashboard]
basemap = "none"         # "gsi-pale" で地理院タイル(淡色)を表示 / "gsi-pale" shows GSI pale tiles
"""
