"""The buildings of one file, in the city's coordinates, with their heights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS, Transformer

from heatrisk.city.sections import HeightRule
from heatrisk.errors import InputError, SourceError, SourceIncompleteError, UnitsError
from heatrisk.grid import WGS84, Bounds
from heatrisk.sources.buildings.citygml import read_citygml
from heatrisk.sources.buildings.columns import HEIGHT_COLUMNS, Columns, find_columns, statements
from heatrisk.sources.buildings.heights import choose
from heatrisk.sources.buildings.outlines import Shapes, mend
from heatrisk.sources.files import Member
from heatrisk.sources.reading import Refusal
from heatrisk.sources.table import key
from heatrisk.sources.vector import companions, read_layer
from heatrisk.words import Note, Words

GML = (".gml", ".xml")

#: Footprints that cast a shade worth computing, and that a building can have [m2].
_SMALLEST, _LARGEST = 0.5, 1e6

_NINES = (999.0, 9999.0, 99999.0, 999999.0)

#: Slack around a coordinate system's area of use [degrees].
_MARGIN = 1.0

_NO_AREA = Words("面の図形(ポリゴン)がありません", "there is no polygon")
_TINY = Words("外形が建物としては小さすぎます", "the outline is too small for a building")
_HUGE = Words("外形が建物としては大きすぎます", "the outline is too large for a building")

_AREAL = ("Polygon", "MultiPolygon", "GeometryCollection")

_OSM = Note.of(
    "osm_incomplete",
    "OpenStreetMap には載っていない建物が多く、その日陰は計算されません",
    "OpenStreetMap lacks many buildings in Japan; their shade is left out",
)
_RAISED = Note.of(
    "raised_parts",
    "宙に浮いた部分(min_height)も地面から建っているものとして計算します",
    "raised parts (min_height) are taken to stand on the ground",
)


@dataclass(frozen=True)
class Wanted:
    """What is asked of every file: see :func:`heatrisk.sources.buildings.read_buildings`.

    Parameters
    ----------
    crs : str
        Coordinate system of the result.
    height : {"lod1", "measured", "max"}
        Which height counts.
    height_column : str, optional
        Column of the heights [m].
    default_height : float, optional
        Height of buildings of which nothing is known [m].
    layer : str, optional
        Layer of a file that holds several.
    area : Bounds, optional
        West, south, east, north [degrees]; buildings wholly outside are left out.
    """

    crs: str
    height: HeightRule = "lod1"
    height_column: str | None = None
    default_height: float | None = None
    layer: str | None = None
    area: Bounds | None = None


class Footprints(NamedTuple):
    """The buildings of one file.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame or None
        ``id``, ``height`` [m], ``height_source``, ``geometry``; None where the file holds no building.
    found : int
        Buildings in the file, the left-out ones included.
    outside : int
        Those wholly outside the area.
    unknown : int
        Those refused because their height is unknown.
    repaired : int
        Outlines that were made valid.
    refused : tuple of Refusal
        Buildings that cannot be used, and damaged places.
    extent : Bounds or None
        West, south, east, north of all that were found [degrees].
    notes : tuple of Note
        What is doubtful about the file.
    underground : int
        Buildings left out because they lie below the ground.
    """

    frame: gpd.GeoDataFrame | None
    found: int = 0
    outside: int = 0
    unknown: int = 0
    repaired: int = 0
    refused: tuple[Refusal, ...] = ()
    extent: Bounds | None = None
    notes: tuple[Note, ...] = ()
    underground: int = 0


@np.errstate(over="ignore", invalid="ignore")
def read_footprints(member: Member, wanted: Wanted) -> Footprints:
    """Read the buildings of one file.

    Parameters
    ----------
    member : Member
        PLATEAU CityGML or a vector file, on disk or inside a zip.
    wanted : Wanted
        What is asked of it.

    Raises
    ------
    SourceIncompleteError
        It holds no heights or no coordinate system, or is cut off.
    InputError
        Its coordinates lie outside the area of the city's system, or are swapped.
    UnitsError
        Its heights are not in metres.
    SourceError
        It cannot be read, or the named layer or column does not exist.
    """
    refused: tuple[Refusal, ...] = ()
    notes: tuple[Note, ...] = ()
    left_out = underground = 0
    if member.suffix in GML:
        _check_kind(member)
        raw, refused = read_citygml(member)
    else:
        raw, left_out, underground, notes = _from_layer(member, wanted)
    found = len(raw) + len(refused) + left_out + underground
    if raw.empty:
        return Footprints(None, found, outside=left_out, refused=refused, underground=underground)
    stated = {name: raw[name].to_numpy(float) for name in ("lod1", "measured", "storeys", "code")}
    height, source = choose(**stated, default=wanted.default_height, rule=wanted.height)
    for values in (height, _without_marks(stated["measured"])):
        _check_metres(values, member.name)
    raw = raw.assign(height=height, height_source=source)
    located, astray, extent = _located(raw, wanted.crs, member.name)
    inside = located.loc[_within(located, wanted.area)]
    shaped, repaired, shapeless = _polygons(inside.to_crs(wanted.crs))
    known = np.isfinite(shaped["height"].to_numpy(float))
    reason = Words("高さが分かりません", "the height is unknown")
    return Footprints(
        shaped.loc[known, ["id", "height", "height_source", "geometry"]],
        found,
        left_out + len(located) - len(inside),
        int((~known).sum()),
        repaired,
        (*refused, *astray, *shapeless, *(Refusal(str(name), reason) for name in shaped.loc[~known, "id"])),
        extent,
        notes,
        underground,
    )


def _from_layer(member: Member, wanted: Wanted) -> tuple[gpd.GeoDataFrame, int, int, tuple[Note, ...]]:
    chosen: list[Columns] = []

    def wish(names: tuple[str, ...]) -> list[str]:
        is_cut = member.suffix == ".shp"
        columns = find_columns(names, height_column=wanted.height_column, cut=is_cut, where=member.name)
        if not any((columns.height, columns.storeys, columns.tags, wanted.default_height)):
            raise _no_heights(names, member)
        chosen.append(columns)
        return columns.read

    layer = read_layer(member, wanted.layer, choose=wish, area=wanted.area)
    raised = any(key(name) in ("min_height", "building:min_level") for name in layer.fields)
    notes = (*((_OSM,) if chosen[0].osm else ()), *((_RAISED,) if raised else ()))
    stem = PurePosixPath(member.filename).stem
    buildings, underground = statements(layer.frame, chosen[0], stem)
    return buildings, layer.left_out, underground, notes


def _no_heights(names: tuple[str, ...], member: Member) -> SourceIncompleteError:
    if member.suffix == ".shp" and all(one.suffix != ".dbf" for one in companions(member)):
        return SourceIncompleteError(
            Words("シェープファイルの .dbf がありません", "the Shapefile came without its .dbf"),
            where=member.name,
            expected=f"{PurePosixPath(member.filename).stem}.dbf",
            remedy=Words(
                "高さは .dbf にあります。.shp と同じ場所に .dbf と .prj も置いてください",
                "It holds the heights: put the .dbf and the .prj beside the .shp.",
            ),
        )
    return SourceIncompleteError(
        Words("建物の高さの列がありません", "no column holds the buildings' heights"),
        where=member.name,
        expected=", ".join((HEIGHT_COLUMNS[0], *HEIGHT_COLUMNS[4:7], "height", "building:levels")),
        got=", ".join(names) or "-",
        remedy=Words(
            "city.toml の [buildings] height_column で列名を指定するか、default_height を決めてください",
            "Name the column in [buildings] height_column of city.toml, or decide on a default_height.",
        ),
    )


def _without_marks(stated: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return stated heights, NaN for what says "unknown": nothing, negative numbers, rows of nines."""
    return np.where((stated <= 0) | np.isin(stated, _NINES), np.nan, stated)


def _check_metres(height: npt.NDArray[np.float64], where: str) -> None:
    known = height[np.isfinite(height)]
    # No town is a hundred metres high in the middle; centimetres and elevations above sea level are.
    if known.size >= 10 and np.median(known) > 100.0:
        raise UnitsError(
            Words("建物の高さがメートルではないようです", "the heights do not look like metres above ground"),
            where=where,
            expected="m",
            got=f"median {np.median(known):g}",
            remedy=Words(
                "地面からの高さ(m)の列を [buildings] height_column で指定してください",
                "Name the column with metres above ground in [buildings] height_column.",
            ),
        )


def _located(
    raw: gpd.GeoDataFrame, crs: str, where: str
) -> tuple[gpd.GeoDataFrame, list[Refusal], Bounds | None]:
    """Return the buildings inside the area of use of ``crs``, a refusal for each other, and the extent."""
    use = CRS.from_user_input(crs).area_of_use
    assert raw.crs is not None
    # Middle of the extent: the centroid of a broken outline may lie anywhere.
    west, south, east, north = shapely.bounds(raw.geometry.to_numpy()).T
    lon, lat = west / 2 + east / 2, south / 2 + north / 2
    if not CRS.from_user_input(raw.crs).is_geographic:
        lon, lat = Transformer.from_crs(raw.crs, WGS84, always_xy=True).transform(lon, lat)
    lon, lat = (np.where(np.isinf(values), 1e9, values) for values in (lon, lat))
    west, south, east, north = (-180.0, -90.0, 180.0, 90.0) if use is None else use.bounds
    west, south, east, north = west - _MARGIN, south - _MARGIN, east + _MARGIN, north + _MARGIN
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    missing = np.isnan(lon) | np.isnan(lat)
    if not inside.any():
        if missing.all():
            return raw, [], None
        swapped = (lat >= west) & (lat <= east) & (lon >= south) & (lon <= north)
        raise _astray(where, crs, lon, lat, bool(swapped.any()))
    extent = (
        float(lon[inside].min()),
        float(lat[inside].min()),
        float(lon[inside].max()),
        float(lat[inside].max()),
    )
    reason = Words(f"座標が {crs} の範囲の外です", f"the coordinates lie outside the area of {crs}")
    wrong = ~inside & ~missing
    return raw.loc[~wrong], [Refusal(str(name), reason) for name in raw.loc[wrong, "id"]], extent


def _astray(
    where: str, crs: str, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], swapped: bool
) -> InputError:
    got = f"x {np.nanmin(lon):.4f} … {np.nanmax(lon):.4f}, y {np.nanmin(lat):.4f} … {np.nanmax(lat):.4f}"
    if swapped:
        return InputError(
            Words("緯度と経度が入れ替わっています", "latitude and longitude are swapped"),
            where=where,
            expected="x = 経度 longitude, y = 緯度 latitude",
            got=got,
            remedy=Words(
                "X を経度、Y を緯度にして書き出し直してください",
                "Export it again with longitude as x and latitude as y.",
            ),
        )
    return InputError(
        Words(f"建物が {crs} の範囲にありません", f"the buildings lie outside the area of {crs}"),
        where=where,
        got=got,
        remedy=Words(
            "データの座標参照系と city.toml の [city] crs を確かめてください",
            "Check the file's coordinate system and [city] crs in city.toml.",
        ),
    )


def _within(frame: gpd.GeoDataFrame, area: Bounds | None) -> npt.NDArray[np.bool_]:
    """Tell which buildings reach into an area; those without outline do, to be refused by name."""
    if area is None:
        return np.ones(len(frame), dtype=bool)
    box = Transformer.from_crs(WGS84, frame.crs, always_xy=True).transform_bounds(*area)
    west, south, east, north = shapely.bounds(frame.geometry.to_numpy()).T
    beyond: npt.NDArray[np.bool_] = (west > box[2]) | (east < box[0]) | (south > box[3]) | (north < box[1])
    return ~beyond


def _polygons(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, int, list[Refusal]]:
    """Return the rows with a sound outline, how many were mended, and a refusal for each of the others."""
    shapes = frame.geometry.to_numpy()
    areal = np.isin(frame.geometry.geom_type.to_numpy(dtype=object), _AREAL)
    faces = _of_faces(shapes)
    faces[~areal] = None
    shapes, broken = mend(faces)
    area = shapely.area(shapes)
    sound = area >= _SMALLEST
    sound &= area <= _LARGEST
    refused = [
        Refusal(str(name), _NO_AREA if not size > 0 else _TINY if size < _SMALLEST else _HUGE)
        for name, size in zip(frame.loc[~sound, "id"], area[~sound], strict=True)
    ]
    mended = (broken | frame["mended"].to_numpy(bool)) & sound
    whole = frame.set_geometry(gpd.GeoSeries(shapes, frame.index, crs=frame.crs))
    return whole.loc[sound], int(mended.sum()), refused


def _of_faces(shapes: Shapes) -> Shapes:
    """Return shapes with the lines and points of mixed collections taken out."""
    faces = shapes.copy()
    for place in np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts = shapely.get_parts(shapes[place])
        polygons = [part for part in parts if part.geom_type in _AREAL[:2]]
        faces[place] = shapely.MultiPolygon(list(shapely.get_parts(polygons))) if polygons else None
    return faces


def is_citygml(member: Member) -> bool:
    """Tell whether a file begins as a city model does; codelists and metadata beside it do not."""
    return re.search(rb"<(?:[\w.-]+:)?CityModel[\s>]", _head(member)) is not None


def _check_kind(member: Member) -> None:
    """Refuse the basic maps of the Geospatial Information Authority, which are XML too, by their own name."""
    if b"FGD_GMLSchema" in _head(member):
        raise SourceError(
            Words(
                "基盤地図情報(基本項目)の XML には建物の高さがありません",
                "this XML of the basic map (FGD) holds no building heights",
            ),
            where=member.name,
            expected="CityGML (udx/bldg/*.gml)",
            remedy=Words(
                "PLATEAU の建築物を使うか、GeoPackage に変換して default_height を決めてください",
                "Use PLATEAU buildings, or convert it to GeoPackage and decide on a default_height.",
            ),
        )


def _head(member: Member) -> bytes:
    with member.open() as stream:
        return stream.read(65536)
