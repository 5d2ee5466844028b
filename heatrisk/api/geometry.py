"""Places and areas in requests: boxes, GeoJSON and well-known text, each refused with a reason."""

from __future__ import annotations

import json
import math
from typing import Any

import shapely

from heatrisk.api.problems import TooLargeError
from heatrisk.errors import InputError
from heatrisk.grid import Bounds
from heatrisk.place import exchanged, swapped
from heatrisk.words import Words
from heatrisk.zonal import Area

MAX_VERTICES = 2000
MAX_BODY = 256 * 1024

BBOX = "west,south,east,north [degrees], e.g. 139.55,35.67,139.57,35.69"
_BOX = Words("西,南,東,北（経度と緯度の度。例 139.55,35.67,139.57,35.69）", BBOX)
_AREA = Words(
    "GeoJSON の Polygon か MultiPolygon、またはそれを持つ Feature",
    "GeoJSON Polygon or MultiPolygon, or a Feature with one",
)
_NOT_AN_AREA = Words("範囲の指定を読み取れません", "this is no area")

Ring = list[tuple[float, float]]


def box_of(text: str) -> Bounds:
    """Return west, south, east, north from text with commas.

    Raises
    ------
    InputError
        It is not four numbers in order, or they are no degrees.
    """
    west, south, east, north = numbers(text, 4, _BOX)
    if not _are_degrees(west, south, east, north):
        other = _are_degrees(south, west, north, east)
        raise InputError(
            _NOT_AN_AREA,
            got=text[:80],
            expected=_BOX,
            remedy=exchanged(f"{south:g},{west:g},{north:g},{east:g}") if other else None,
        )
    return west, south, east, north


def _are_degrees(west: float, south: float, east: float, north: float) -> bool:
    return -180 <= west < east <= 180 and -90 <= south < north <= 90


def place_of(text: str) -> tuple[float, float]:
    """Return longitude and latitude from text with a comma.

    Raises
    ------
    InputError
        It is not two numbers, or they are no degrees.
    """
    wanted = Words("経度,緯度（度。例 139.56,35.69）", "lon,lat [degrees], e.g. 139.56,35.69")
    lon, lat = numbers(text, 2, wanted)
    return _degrees(lon, lat)


def numbers(text: str, count: int, expected: Words) -> list[float]:
    """Return finite numbers from text with commas.

    Raises
    ------
    InputError
        There are more or fewer, or one is none.
    """
    try:
        found = [float(part) for part in text.split(",", count)]
    except ValueError:
        found = []
    if len(found) != count or not all(map(math.isfinite, found)):
        raise InputError(
            Words("座標を読み取れません", "these are no coordinates"), got=text[:80], expected=expected
        )
    return found


def area_of(body: bytes) -> Area:
    """Return the polygon of a GeoJSON text.

    Parameters
    ----------
    body : bytes
        Polygon, MultiPolygon, or a Feature, or a FeatureCollection of one Feature.

    Returns
    -------
    shapely.Polygon or shapely.MultiPolygon
        Valid, in longitude and latitude [degrees].

    Raises
    ------
    TooLargeError
        It has more than :data:`MAX_VERTICES` vertices.
    InputError
        It is no GeoJSON, no polygon, its rings are open, or they cross.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(_NOT_AN_AREA, got=Words("JSON ではないもの", "not JSON"), expected=_AREA) from error
    return polygon([[_ring(ring) for ring in _list(rings)] for rings in _polygons(_geometry(found))])


def wkt_point(text: str) -> tuple[float, float]:
    """Return longitude and latitude of ``POINT(lon lat)``.

    Raises
    ------
    InputError
        It is no point, or no degrees.
    """
    found = _wkt(text, "POINT(lon lat)")
    if not isinstance(found, shapely.Point):
        raise InputError(_NOT_AN_AREA, got=text[:80], expected="POINT(lon lat)")
    return _degrees(found.x, found.y)


def wkt_area(text: str) -> Area:
    """Return the polygon of ``POLYGON((lon lat, …))`` or ``MULTIPOLYGON(…)``.

    Raises
    ------
    TooLargeError, InputError
        As for :func:`area_of`.
    """
    expected = "POLYGON((lon lat, …)) / MULTIPOLYGON(…)"
    found = _wkt(text, expected)
    parts = shapely.get_parts(found)
    if not all(isinstance(part, shapely.Polygon) for part in parts):
        raise InputError(_NOT_AN_AREA, got=text[:80], expected=expected)
    rings = [[part.exterior, *part.interiors] for part in parts]
    return polygon([[_ring([list(place) for place in ring.coords]) for ring in part] for part in rings])


def _wkt(text: str, expected: str) -> shapely.Geometry:
    try:
        found = shapely.from_wkt(text)
    except (shapely.errors.GEOSException, RecursionError) as error:
        raise InputError(_NOT_AN_AREA, got=text[:80], expected=expected) from error
    if found is None or found.is_empty:
        raise InputError(_NOT_AN_AREA, got=text[:80], expected=expected)
    return found


def polygon(polygons: list[list[Ring]]) -> Area:
    """Return rings as one geometry, the first ring of each polygon its outline.

    Raises
    ------
    TooLargeError, InputError
        As for :func:`area_of`.
    """
    vertices = sum(len(ring) for rings in polygons for ring in rings)
    if vertices > MAX_VERTICES:
        raise TooLargeError(
            Words("範囲の頂点が多すぎます", "the area has too many vertices"),
            got=str(vertices),
            expected=f"≤ {MAX_VERTICES}",
            remedy=Words("形を簡略化してください。", "Simplify the outline."),
        )
    if not polygons or not all(polygons):
        raise InputError(_NOT_AN_AREA, got=Words("空", "empty"), expected=_AREA)
    for ring in (ring for rings in polygons for ring in rings):
        if len(ring) < 4 or ring[0] != ring[-1]:
            raise InputError(
                Words("輪郭が閉じていません", "a ring is not closed"),
                got=Words(f"{len(ring)} 点", f"{len(ring)} positions"),
                expected=Words("4 点以上で、最後は最初と同じ点", "4 or more, the last like the first"),
            )
    parts = [shapely.Polygon(rings[0], rings[1:]) for rings in polygons]
    area = parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    if not area.is_valid or not area.area:
        raise InputError(
            Words("輪郭が交差しているか、面積がありません", "the rings cross or enclose nothing"),
            got=shapely.is_valid_reason(area),
        )
    return area


def _geometry(found: Any) -> dict[str, Any]:
    if isinstance(found, dict) and found.get("type") == "FeatureCollection":
        features = _list(found.get("features"))
        found = features[0] if len(features) == 1 else None
    if isinstance(found, dict) and found.get("type") == "Feature":
        found = found.get("geometry")
    if not isinstance(found, dict):
        raise InputError(_NOT_AN_AREA, expected=_AREA)
    return found


def _polygons(geometry: dict[str, Any]) -> list[Any]:
    kind, coordinates = geometry.get("type"), _list(geometry.get("coordinates"))
    if kind not in ("Polygon", "MultiPolygon"):
        raise InputError(_NOT_AN_AREA, got=str(kind)[:40], expected=_AREA)
    return [coordinates] if kind == "Polygon" else coordinates


def _ring(found: Any) -> Ring:
    return [_position(position) for position in _list(found)]


def _position(found: Any) -> tuple[float, float]:
    position = _list(found)[:2]
    if len(position) < 2 or not all(type(part) in (int, float) for part in position):
        raise InputError(_NOT_AN_AREA, got=str(position)[:80], expected=_AREA)
    return _degrees(*position)


def _degrees(lon: float, lat: float) -> tuple[float, float]:
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise InputError(
            Words("経度・緯度の範囲を超えています", "this is no longitude and latitude"),
            got=f"{lon:.9g},{lat:.9g}",
            expected="lon -180…180, lat -90…90",
            remedy=exchanged(f"{lat:.9g},{lon:.9g}") if swapped(lon, lat) else None,
        )
    return float(lon), float(lat)


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise InputError(_NOT_AN_AREA, got=str(found)[:40], expected=_AREA)
    return found
