"""What a file is to a city, told from its content as far as possible and from its name where it must be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from heatrisk.errors import HeatRiskError
from heatrisk.sources.columns import HEIGHT_COLUMNS, STOREY_COLUMNS
from heatrisk.sources.files import Member, members
from heatrisk.sources.json_text import read_json
from heatrisk.sources.moe_forecast import is_forecast
from heatrisk.sources.moe_observed import is_observed
from heatrisk.sources.shelter_columns import columns
from heatrisk.sources.table import Table, key, read_table
from heatrisk.sources.vector import VECTOR

_HEAD = 2**20

#: The first of these elements in an XML file tells what it holds.
_XML = re.compile(rb"<(?:[\w.-]+:)?(Building|ReliefFeature|SolitaryVegetationObject|PlantCover|DEM)[\s>/]")
_XML_ROLES = {
    b"Building": "buildings",
    b"ReliefFeature": "terrain",
    b"DEM": "terrain",
    b"SolitaryVegetationObject": "trees",
    b"PlantCover": "trees",
}
_XML_ENDINGS = (".gml", ".xml")
_RASTER_ENDINGS = (".tif", ".tiff", ".asc")
_RASTERS = (
    ("trees", re.compile(r"cdsm|canopy|chm|tree|樹")),
    ("land_cover", re.compile(r"land_?-?cover|lulc|(^|_)lc(_|\.)|土地被覆")),
    ("terrain", re.compile(r"dem|dtm|terrain|標高|地形")),
)

#: Headers that a table of each kind has, all of them; the first kind that fits counts.
_TABLES = tuple(
    (role, tuple(re.compile(header) for header in headers))
    for role, headers in (
        ("congestion", (r"観測(時刻|日時)|observed(_at)?", r"混雑(度|状況)?|状況|congestion|crowding")),
        ("equipment", (r"観測(時刻|日時)|observed(_at)?", r"状態|status|state")),
        ("trees", (r"樹種.*|樹高.*|枝張.*|species|crown.*", r"緯度|lat(itude)?", r"経度|lon(gitude)?|lng")),
        ("weather:csv", (r"time|日時|年月日時|datetime|date_time|date|年月日", r"(ta|気温|temp).*")),
    )
)
_SHELTER_FIELDS = {"capacity", "hours", "designated", "cool_share", "special", "days", "start"}
_SHELTER_NAME = re.compile("cool|shelter|クール|クーリング|涼")


def roles_of(path: Path) -> dict[str, list[Path]]:
    """Return what a file, folder or zip is to a city.

    Parameters
    ----------
    path : pathlib.Path
        A file, or a delivery of many files as a folder or zip, of which each is looked at.

    Returns
    -------
    dict
        Roles (``"buildings"``, ``"terrain"``, ``"trees"``, ``"land_cover"``, ``"official"``,
        ``"station_table"``, ``"weather:<kind>"``, ``"alerts"``, ``"shelters"``, ``"facilities"``,
        ``"congestion"``, ``"equipment"``, ``"population"``, ``"jurisdictions"``) with the path to name;
        empty where nothing was recognised.
    """
    suffix = path.suffix.lower()
    try:
        if path.is_dir() or suffix == ".zip":
            return {role: [path] for role in _roles_inside(path)}
        role = next((read(path) for endings, read in _DOORS if suffix in endings), None)
    except HeatRiskError:
        return {}
    return {} if role is None else {role: [path]}


def _roles_inside(path: Path) -> list[str]:
    if path.is_dir() and any(path.glob("[0-9]*/[0-9]*/[0-9]*.png")):
        return ["terrain"]
    found = {
        _xml_role(member) if member.suffix in _XML_ENDINGS else _named_raster(member.name)
        for member in members([path], (*_XML_ENDINGS, *_RASTER_ENDINGS))
    }
    return sorted(role for role in found if role is not None)


def _xml_role(member: Member) -> str | None:
    with member.open() as stream:
        match = _XML.search(stream.read(_HEAD))
    return _XML_ROLES[match.group(1)] if match else None


def _named_raster(name: str) -> str | None:
    return next((role for role, pattern in _RASTERS if pattern.search(Path(name).name.lower())), None)


def _table_role(path: Path) -> str | None:
    table = read_table(path)
    if any(key(cells[0]) == "府県予報区" for _, cells in table.rows):
        return "alerts"
    if is_forecast(table.rows[0][1]) or is_observed(table.rows[0][1]):
        return "official"
    for _, cells in table.rows[:10]:
        headers = [re.sub(r"[(\[].*", "", key(cell)) for cell in cells]
        for role, wanted in _TABLES:
            if all(any(pattern.fullmatch(header) for header in headers) for pattern in wanted):
                return role
    return _places_role(table, path)


def _places_role(table: Table, path: Path) -> str | None:
    """Return whether a list of places is one of shelters, or of facilities that tells where they are."""
    found = columns(table)
    if found is None:
        return None
    known = found.fields.keys()
    if found.statutory or known & _SHELTER_FIELDS or _SHELTER_NAME.search(path.name.lower()):
        return "shelters"
    return "facilities" if {"lat", "lon"} <= known else None


def _json_role(path: Path) -> str | None:
    content = read_json(path)
    first: Any = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, Mapping):
        return None
    if "hourly" in first:
        return "weather:open-meteo"
    if isinstance(first.get("data"), list):
        return "official"
    if first.get("type") == "FeatureCollection":
        return _vector_role(path)
    rows = [row for row in first.values() if isinstance(row, Mapping)]
    if any("kjName" in row for row in rows):
        return "station_table"
    return "weather:amedas" if any("temp" in row for row in rows) else None


def _vector_role(path: Path) -> str | None:
    if path.suffix.lower() in (".parquet", ".geoparquet"):
        return "buildings"
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(path)]
        infos = [pyogrio.read_info(path, layer=layer) for layer in layers]
    except (DataSourceError, DataLayerError, UnicodeDecodeError, ValueError, RuntimeError):
        return None
    areal = [info for info in infos if "Polygon" in str(info["geometry_type"])]
    fields = {key(str(field)) for info in areal for field in info["fields"]}
    if any(re.fullmatch(r"(pt[a-e]|ptn|rt[a-e])_\d{4}|mesh_?id|(総)?人口.*", field) for field in fields):
        return "population"
    if fields & {*HEIGHT_COLUMNS, *STOREY_COLUMNS}:
        return "buildings"
    return "jurisdictions" if areal and fields else None


_DOORS: tuple[tuple[tuple[str, ...], Callable[[Path], str | None]], ...] = (
    (_XML_ENDINGS, lambda path: _xml_role(Member(path))),
    (_RASTER_ENDINGS, lambda path: _named_raster(path.name)),
    ((".csv", ".tsv", ".xlsx"), _table_role),
    ((".json",), _json_role),
    (VECTOR, _vector_role),
    ((".epw",), lambda _: "weather:epw"),
)
