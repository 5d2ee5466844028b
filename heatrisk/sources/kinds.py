"""What a file is to a city, told from its content as far as possible and from its name where it must be."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from heatrisk.errors import HeatRiskError
from heatrisk.sources.alert_csv import is_alert
from heatrisk.sources.areas.area_rows import MESH
from heatrisk.sources.buildings.columns import ELEVATION_LIKE, find_columns
from heatrisk.sources.files import Member, members
from heatrisk.sources.json_text import read_json
from heatrisk.sources.moe.forecast import is_forecast
from heatrisk.sources.moe.observed import is_observed
from heatrisk.sources.shelters.columns import columns
from heatrisk.sources.table import Table, key, read_tables
from heatrisk.sources.terrain.gsi_tiles import tile_of
from heatrisk.sources.trees.tree_points import is_tree_list
from heatrisk.sources.vector import VECTOR, looked_at
from heatrisk.sources.weather.open_meteo import SECTIONS
from heatrisk.sources.weather.weather_csv import is_weather

_HEAD = 2**20


class Kind(NamedTuple):
    """What a file is: its role, and whose data it is, where a credit line depends on that."""

    role: str
    origin: str = ""


class Found(NamedTuple):
    """What a file, folder or zip is.

    Parameters
    ----------
    roles : dict
        Paths to name in a city file, by role; see :func:`roles_of`.
    origins : frozenset of str
        Of ``"plateau"``, ``"gsi-dem"``, ``"gsi-tiles"``, ``"mlit"`` and ``"osm"`` those whose data it holds.
    """

    roles: dict[str, list[Path]]
    origins: frozenset[str] = frozenset()


#: The first of these elements in an XML file tells what it holds.
_XML = re.compile(rb"<(?:[\w.-]+:)?(Building|ReliefFeature|SolitaryVegetationObject|PlantCover|DEM)[\s>/]")
_XML_KINDS = {
    b"Building": Kind("buildings", "plateau"),
    b"ReliefFeature": Kind("terrain", "plateau"),
    b"DEM": Kind("terrain", "gsi-dem"),
    b"SolitaryVegetationObject": Kind("trees", "plateau"),
    b"PlantCover": Kind("trees", "plateau"),
}
_RASTERS = (
    ("trees", re.compile(r"cdsm|canopy|chm|tree|樹")),
    ("land_cover", re.compile(r"land_?-?cover|lulc|(^|_)lc(_|\.)|土地被覆")),
    ("terrain", re.compile(r"dem|dtm|terrain|標高|地形")),
)

_PLACE = (r"緯度|lat(itude)?", r"経度|lon(gitude)?|lng")
_MLIT = r"(pt[a-e]|ptn|rt[a-e])_\d{4}"

#: Headers that a table of each kind has, all of them; the first kind that fits counts.
_TABLES = tuple(
    (role, tuple(re.compile(header) for header in headers))
    for role, headers in (
        ("congestion", (r"観測(時刻|日時)|observed(_at)?", r"混雑(度|状況)?|状況|congestion|crowding")),
        ("equipment", (r"観測(時刻|日時)|observed(_at)?", r"状態|status|state")),
        ("population", (MESH, r".*人口.*|pt[a-en]_\d{4}|population.*")),
        ("station_table", (r"(観測所|地点)(番号|コード|id)|station_?(id|no|number)|amdno", *_PLACE)),
    )
)
_SHELTER_FIELDS = {"capacity", "hours", "designated", "cool_share", "special", "days", "start"}
_SHELTER_NAME = re.compile("cool|shelter|クール|クーリング|涼")

#: Roles of which a city file names one file.
SINGLE = ("station_table", "land_cover", "congestion", "equipment")

#: Roles whose readers pass over other files of the same endings.
_TOLERANT = ("weather:amedas",)

#: Roles of polygons.
_OF_LAYERS = ("buildings", "population", "jurisdictions")

#: Of many files with such endings, in one folder, those whose names differ in numbers alone are one series.
_SERIES = (".json", ".csv", ".png", ".txt")
_TRIES = 3


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
        ``"congestion"``, ``"equipment"``, ``"population"``, ``"jurisdictions"``) with the paths to name: the
        path itself, or files of a folder that also holds others of the same endings. Empty where nothing was
        recognised.
    """
    return look(path).roles


def look(path: Path) -> Found:
    """Return what a file, folder or zip is to a city, and whose data it holds.

    Parameters
    ----------
    path : pathlib.Path
        As for :func:`roles_of`.
    """
    if path.is_dir() or path.suffix.lower() == ".zip":
        kinds = _inside(path)
    else:
        kinds = {Member(path): _kind(Member(path))}
    known = {kind for kind in kinds.values() if kind is not None}
    roles = {role: _to_name(path, role, kinds) for role in sorted({kind.role for kind in known})}
    return Found(
        {role: paths for role, paths in roles.items() if paths},
        frozenset(kind.origin for kind in known if kind.origin and roles[kind.role]),
    )


def _inside(path: Path) -> dict[Member, Kind | None]:
    """Return the kind of every file in a folder or zip; of a series as some of its files tell."""
    try:
        inside = members([path], tuple(_FAMILIES))
    except HeatRiskError:
        return {}
    series: dict[str, list[Member]] = defaultdict(list)
    for member in inside:
        series[re.sub(r"\d+", "0", member.name) if member.suffix in _SERIES else member.name].append(member)
    found: dict[Member, Kind | None] = {}
    for group in series.values():
        kind = next((kind for member in group[:_TRIES] if (kind := _kind(member)) is not None), None)
        found |= dict.fromkeys(group, kind)
    return found


def _to_name(path: Path, role: str, kinds: Mapping[Member, Kind | None]) -> list[Path]:
    """Return the paths that give a reader the files of a role, and no others that it would stumble over."""
    mine = [member for member, kind in kinds.items() if kind is not None and kind.role == role]
    if role in SINGLE:
        return [member.path for member in mine if not member.inside]
    families = {_FAMILIES.get(member.suffix) for member in mine} - {"models"}
    # In a folder ``.json`` is not looked at as a layer, for it may hold anything.
    unusual = role in _OF_LAYERS and "answers" in families
    mixed = unusual or any(
        (kind is None or kind.role != role) and _FAMILIES.get(member.suffix) in families
        for member, kind in kinds.items()
    )
    if path.is_dir() and mixed and role not in _TOLERANT:
        return list(dict.fromkeys(member.path for member in mine))
    return [path]


def _kind(member: Member) -> Kind | None:
    """Return the kind of one file; None where it has none, or is damaged."""
    read = _READERS.get(_FAMILIES.get(member.suffix, ""))
    try:
        return None if read is None else read(member)
    except HeatRiskError:
        return None


def _model(member: Member) -> Kind | None:
    with member.open() as stream:
        match = _XML.search(stream.read(_HEAD))
    return _XML_KINDS[match.group(1)] if match else None


def _raster(member: Member) -> Kind | None:
    name = member.filename.lower()
    return next((Kind(role) for role, pattern in _RASTERS if pattern.search(name)), None)


def _tile(member: Member) -> Kind | None:
    return None if tile_of(member) is None else Kind("terrain", "gsi-tiles")


def _table(member: Member) -> Kind | None:
    if member.suffix == ".txt":
        return _tile(member)
    return next((kind for table in read_tables(member) if (kind := _sheet(table, member)) is not None), None)


def _sheet(table: Table, member: Member) -> Kind | None:
    first = table.rows[0][1]
    if any(is_alert(cells) for _, cells in table.rows):
        return Kind("alerts")
    if is_forecast(first) or is_observed(first):
        return Kind("official")
    for _, cells in table.rows[:10]:
        headers = [re.sub(r"[(\[].*", "", key(cell)) for cell in cells]
        for role, wanted in _TABLES:
            if all(any(pattern.fullmatch(header) for header in headers) for pattern in wanted):
                mlit = any(re.fullmatch(_MLIT, header) for header in headers)
                return Kind(role, "mlit" if mlit else "")
        if is_tree_list(cells):
            return Kind("trees")
        if is_weather(cells):
            return Kind("weather:csv")
    return _places(table, member)


def _places(table: Table, member: Member) -> Kind | None:
    """Return whether a list of places is one of shelters, or of facilities that tells where they are."""
    found = columns(table)
    if found is None:
        return None
    known = found.fields.keys()
    if found.statutory or known & _SHELTER_FIELDS or _SHELTER_NAME.search(member.filename.lower()):
        return Kind("shelters")
    return Kind("facilities") if {"lat", "lon"} <= known else None


def _answer(member: Member) -> Kind | None:
    content = read_json(member)
    first: Any = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, Mapping):
        return None
    if any(section in first for section in SECTIONS):
        return Kind("weather:open-meteo")
    if isinstance(first.get("data"), list):
        return Kind("official")
    if first.get("type") == "FeatureCollection":
        return _layers(member)
    rows = [row for row in first.values() if isinstance(row, Mapping)]
    if any("kjName" in row for row in rows):
        return Kind("station_table")
    return Kind("weather:amedas") if any("temp" in row for row in rows) else None


def _layers(member: Member) -> Kind | None:
    areal = [fields for shape, fields in looked_at(member) if "Polygon" in shape or shape == "Unknown"]
    names = [name for layer in areal for name in layer]
    fields = {key(name) for name in names}
    if any(re.fullmatch(_MLIT, field) for field in fields):
        return Kind("population", "mlit")
    if any(re.fullmatch(r"mesh_?id|(総)?人口.*", field) for field in fields):
        return Kind("population")
    found = find_columns(names, height_column=None, cut=member.suffix == ".shp", where=member.name)
    if found.osm:
        return Kind("buildings", "osm")
    if found.storeys or (found.height and key(found.height) != ELEVATION_LIKE):
        return Kind("buildings")
    return Kind("jurisdictions") if fields else None


#: Files that one reader may take from a folder together.
_FAMILIES: Mapping[str, str] = {
    **dict.fromkeys((".gml", ".xml"), "models"),
    **dict.fromkeys((".tif", ".tiff", ".asc"), "rasters"),
    **dict.fromkeys((".csv", ".tsv", ".txt", ".xlsx"), "tables"),
    **dict.fromkeys(VECTOR, "layers"),
    ".json": "answers",
    ".png": "tiles",
    ".epw": "years",
}
_READERS: Mapping[str, Callable[[Member], Kind | None]] = {
    "models": _model,
    "rasters": _raster,
    "tables": _table,
    "layers": _layers,
    "answers": _answer,
    "tiles": _tile,
    "years": lambda _: Kind("weather:epw"),
}
