"""PLATEAU buildings: CityGML 2.0 and 3.0, read as a stream.

Elements are matched by local name, because the vintages differ in namespaces and real files use prefixes
they never declare. Geometry is latitude, longitude, height; only footprints and the height of the LOD1
solid are taken, and of each building only its own children are looked at, so that detailed models (LOD2 and
up, textures) cost no more than their parsing.

References
----------
.. [1] Standard Product Specification for 3D City Models, MLIT Project PLATEAU.
.. [2] OGC 12-019, City Geography Markup Language 2.0; OGC 20-010, CityGML 3.0.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from lxml import etree

from heatrisk.sources.buildings.heights import MOST_STOREYS, TALLEST
from heatrisk.sources.buildings.outlines import Polygon, Ring, outlines
from heatrisk.sources.files import Member
from heatrisk.sources.reading import Refusal
from heatrisk.sources.xml_stream import elements, free, guarded, horizontal, local, number, tags
from heatrisk.words import Words

_LOD0 = ("lod0RoofEdge", "lod0FootPrint", "lod0MultiSurface")
_LOD1 = ("lod1Solid", "lod1MultiSurface")
_PARTS = ("consistsOfBuildingPart", "buildingPart")
#: The body of detailed models; nothing below them is wanted.
_DETAIL = ("boundedBy", "boundary", "address")

_EVENTS = tags(
    "bldg:Building",
    "gml:Envelope",
    "core:cityObjectMember",
    "app:appearanceMember",
    "core:appearanceMember",
    "app:surfaceDataMember",
    "app:surfaceData",
)
_POLYGONS = tags("gml:Polygon", "gml:PolygonPatch", "gml:Triangle")
_RINGS = tags("gml:LinearRing")
_POINTS = tags("gml:posList", "gml:pos")
_CODES = tags("uro:lod1HeightType", "urc:lod1HeightType")
_VALUES = tags("con:value")

#: Bottom faces lie this close to the lowest point of their solid [m].
_FLAT = 1e-6

#: Share of a building's own outline that its parts must cover to stand in its place.
_WHOLE = 0.9


@dataclass
class _Body:
    """What one ``Building`` or ``BuildingPart`` says; NaN where it says nothing."""

    id: str
    drawn: list[Polygon] = field(default_factory=list)
    solid: list[etree._Element] = field(default_factory=list)
    levels: set[str] = field(default_factory=set)
    measured: float = math.nan
    storeys: float = math.nan
    code: float = math.nan
    parts: list[_Body] = field(default_factory=list)

    @property
    def reach(self) -> tuple[float, float]:
        """Lowest and highest level of the solid [m], NaN where there is none."""
        levels = [level for level in map(number, self.levels) if math.isfinite(level)]
        return (min(levels), max(levels)) if levels else (math.nan, math.nan)

    @property
    def tall(self) -> bool:
        """Whether any height is stated."""
        return 0 < self.measured < TALLEST or self.storeys > 0 or bool(self.levels)

    def outline(self) -> list[Polygon]:
        """Return the polygons of LOD0, else the bottom of the solid, else the whole solid seen from above."""
        if self.drawn or not self.solid:
            return self.drawn
        low, _ = self.reach
        return _polygons(self.solid, low) or _polygons(self.solid)


class _Row(NamedTuple):
    """One outline with its statements."""

    id: str
    polygons: list[Polygon]
    lod1: float
    measured: float
    storeys: float
    code: float


def read_citygml(member: Member) -> tuple[gpd.GeoDataFrame, tuple[Refusal, ...]]:
    """Read the buildings of one CityGML file.

    A building whose parts all have an outline and a height of their own becomes one row a part, so that a
    tower does not lift the podium around it; other parts are joined to their building.

    Parameters
    ----------
    member : Member
        A ``bldg`` file of CityGML 2.0 or 3.0, on disk or inside a zip.

    Returns
    -------
    buildings : geopandas.GeoDataFrame
        One row a building or part: ``id`` (``gml:id``, of a part ``building/part``), ``geometry`` (2-D),
        ``lod1``, ``measured`` [m], ``storeys``, ``code`` (``lod1HeightType``), each as stated, NaN where
        absent; ``mended``, where an outline had to be made valid. Longitude and latitude in the file's own
        datum (EPSG:6668 for PLATEAU).
    refused : tuple of Refusal
        Buildings without a usable footprint, and places where the XML is damaged.

    Raises
    ------
    SourceIncompleteError
        The file is cut off.
    SourceError
        It is not CityGML, declares XML entities, or names an unknown coordinate system.
    """
    systems: list[str] = []
    damage: list[Refusal] = []
    with member.open() as stream:
        events = elements(guarded(stream, member.name), _EVENTS, damage)
        rows = list(_rows(events, systems))
    crs = horizontal(systems[0] if systems else "", member.name)
    shapes, mended = outlines([row.polygons for row in rows])
    drawn = ~shapely.is_missing(shapes)
    reason = Words("外形(LOD0、LOD1 底面)がないか、壊れています", "no usable footprint (LOD0, LOD1 bottom)")
    refused = (*(Refusal(rows[i].id, reason) for i in np.flatnonzero(~drawn)), *damage)
    kept = [row for row, sound in zip(rows, drawn, strict=True) if sound]
    columns: dict[str, object] = {
        name: np.array([getattr(row, name) for row in kept], dtype=np.float64)
        for name in ("lod1", "measured", "storeys", "code")
    }
    columns |= {"id": np.array([row.id for row in kept], dtype=object), "mended": mended[drawn]}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes[drawn], crs=crs)), refused


def _rows(events: Iterable[tuple[str, etree._Element]], systems: list[str]) -> Iterator[_Row]:
    count = 0
    for name, element in events:
        if name == "Building":
            count += 1
            if not systems:
                systems.append(_srs_name(element))
            yield from _split(_body(element, f"#{count}"))
        elif name == "Envelope":
            if element.get("srsName"):
                systems.append(element.get("srsName", ""))
        else:
            free(element)


def _srs_name(element: etree._Element) -> str:
    """Return the coordinate system that the first geometry of a building names."""
    return next((node.get("srsName", "") for node in element.iter() if node.get("srsName")), "")


def _body(element: etree._Element, unnamed: str) -> _Body:
    named = next((str(value) for key, value in element.attrib.items() if local(key) == "id"), "")
    body = _Body(named.strip() or unnamed)
    lod0: dict[str, list[etree._Element]] = {name: [] for name in _LOD0}
    codes: list[float] = []
    for child in element:
        name = local(child.tag)
        if name in lod0:
            lod0[name].append(child)
        elif name in _LOD1:
            body.solid.append(child)
            body.levels.update(*((points.text or "").split()[2::3] for points in child.iter(*_POINTS)))
        elif name == "measuredHeight":
            body.measured = _most(body.measured, number(child.text))
        elif name == "height":
            body.measured = _most(body.measured, *(number(value.text) for value in child.iter(*_VALUES)))
        elif name == "storeysAboveGround":
            stated = number(child.text)
            body.storeys = stated if stated < MOST_STOREYS else math.nan
        elif name in _PARTS:
            inner = [part for part in child if local(part.tag) == "BuildingPart"]
            body.parts += [_body(part, f"#{i}") for i, part in enumerate(inner, len(body.parts) + 1)]
        elif name not in _DETAIL and not name.startswith("lod"):
            codes += [number(code.text) for code in child.iter(*_CODES)]
    body.drawn = next(filter(None, (_polygons(lod0[name]) for name in _LOD0)), [])
    body.code = next(iter(codes), math.nan)
    return body


def _split(body: _Body) -> Iterator[_Row]:
    """Yield a building, or its parts where they tell more."""
    parts = _parts(body) if body.parts else None
    if parts is not None:
        yield from parts
        return
    everyone = [body, *body.parts]
    polygons = body.outline() or [polygon for part in body.parts for polygon in part.outline()]
    body.levels.update(*(part.levels for part in body.parts))
    low, high = body.reach
    yield _Row(
        body.id,
        polygons,
        high - low,
        _most(*(one.measured for one in everyone)),
        _most(*(one.storeys for one in everyone)),
        next((one.code for one in everyone if not math.isnan(one.code)), math.nan),
    )


def _parts(body: _Body) -> list[_Row] | None:
    """Return one row a part, or None where parts lack outline or height, or leave out some of the building.

    ::

            |  tower  |            a tower's height counts from the ground of the podium that it
        ____|_________|_____       stands on; parts side by side on a slope keep their own ground
        |      podium      |
        --------------------
    """
    polygons = [part.outline() for part in body.parts]
    shapes, _ = outlines(polygons)
    own, _ = outlines([body.drawn])
    if shapely.is_missing(shapes).any() or not all(part.tall for part in body.parts):
        return None
    if own[0] is not None and shapely.union_all(shapes).area < _WHOLE * own[0].area:
        return None
    floors, tops = np.array([part.reach for part in body.parts]).T
    rows = []
    for part, drawn, shape, top in zip(body.parts, polygons, shapes, tops, strict=True):
        beneath = shapely.area(shapely.intersection(shapes, shape)) > shape.area / 2
        code = body.code if math.isnan(part.code) else part.code
        height = float(top - np.fmin.reduce(floors[beneath]))
        rows.append(_Row(f"{body.id}/{part.id}", drawn, height, part.measured, part.storeys, code))
    return rows


def _most(*values: float) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def _polygons(surfaces: list[etree._Element], level: float | None = None) -> list[Polygon]:
    """Return every polygon below some elements, or only the level ones at one height [m]."""
    found = []
    for surface in surfaces:
        for element in surface.iter(*_POLYGONS):
            texts = [_points(ring) for ring in element.iter(*_RINGS)]
            if level is not None and texts and not _is_level(texts[0], level):
                continue
            rings = [_ring(text) for text in texts]
            if rings and rings[0]:
                found.append([ring for ring in rings if ring])
    return found


def _points(element: etree._Element) -> list[str]:
    return " ".join(part.text or "" for part in element.iter(*_POINTS)).split()


def _is_level(points: list[str], level: float) -> bool:
    return all(abs(number(height) - level) < _FLAT for height in set(points[2::3]))


def _ring(points: list[str]) -> Ring:
    """Return the numbers of a ring; none where one is broken or they enclose nothing."""
    try:
        ring = array("d", map(float, points))
    except ValueError:
        return array("d")
    # Fewer than four points close no area.
    return ring if len(ring) % 3 == 0 and len(ring) >= 12 and math.isfinite(sum(ring)) else array("d")
