"""PLATEAU vegetation: single trees and planted areas of a CityGML ``veg`` file.

A tree is drawn in the files as crown and trunk in one, so the outline of all its points from above is its
crown. A planted area is the union of its faces from above. Real files give heights but no crown diameters,
and levels of detail of any number.

References
----------
.. [1] Standard Product Specification for 3D City Models, MLIT Project PLATEAU: vegetation model.
.. [2] OGC 12-019, City Geography Markup Language 2.0, section 10.8; OGC 20-010, CityGML 3.0, section 7.14.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from typing import Final, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from lxml import etree

from heatrisk.sources.buildings.outlines import outlines
from heatrisk.sources.files import Member
from heatrisk.sources.reading import Refusal
from heatrisk.sources.xml_stream import elements, free, guarded, horizontal, local, number, tags
from heatrisk.words import Words

FloatArray = npt.NDArray[np.float64]

#: What the columns of a frame of trees say, see :func:`read_vegetation`.
COLUMNS: Final = ("id", "kind", "species", "category", "height", "crown")

_TREE, _COVER = "SolitaryVegetationObject", "PlantCover"
_TAGS = tags(
    f"veg:{_TREE}", f"veg:{_COVER}", "gml:Envelope", "core:cityObjectMember", "app:surfaceDataMember"
)
_FACES = tags("gml:Polygon", "gml:PolygonPatch", "gml:Triangle")
_RINGS = tags("gml:LinearRing")
_POSITIONS = tags("gml:posList", "gml:pos")
_PROPERTIES = {
    "class": "category",
    "species": "species",
    "height": "height",
    "averageHeight": "height",
    "crownDiameter": "crown",
}
_LEVEL = re.compile(r"lod(\d)")

_NOWHERE = Words("位置・外形がないか、壊れています", "no position or outline, or a broken one")


class _Plant(NamedTuple):
    """What one element says; NaN and empty where it says nothing."""

    id: str
    kind: str
    species: str
    category: str
    height: float
    crown: float
    geometry: shapely.Geometry | None


def read_vegetation(member: Member) -> tuple[gpd.GeoDataFrame, tuple[Refusal, ...]]:
    """Read the trees and planted areas of one CityGML file.

    Parameters
    ----------
    member : Member
        A ``veg`` file of CityGML 2.0 or 3.0.

    Returns
    -------
    plants : geopandas.GeoDataFrame
        ``id``; ``kind`` (``"tree"`` or ``"cover"``); ``species`` and ``category`` (code of ``veg:class``),
        empty where absent; ``height`` (of a cover the mean one) and ``crown`` (diameter) [m] as stated,
        sentinels included, NaN where absent; ``geometry``: a polygon, or a point where no outline is drawn.
        Longitude and latitude in the file's own datum (EPSG:6668 for PLATEAU).
    refused : tuple of Refusal
        Plants without a position, and places where the XML is damaged.

    Raises
    ------
    SourceIncompleteError
        The file is cut off.
    SourceError
        It is not CityGML, declares XML entities, or names an unknown coordinate system.
    """
    system: list[str] = []
    damage: list[Refusal] = []
    with member.open() as stream:
        plants = list(_plants(elements(guarded(stream, member.name), _TAGS, damage), system))
    crs = horizontal(system[0] if system else "", member.name)
    placed = [plant for plant in plants if plant.geometry is not None]
    table = {name: [getattr(plant, name) for plant in placed] for name in COLUMNS}
    frame = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries([plant.geometry for plant in placed], crs=crs))
    return frame, (*(Refusal(plant.id, _NOWHERE) for plant in plants if plant.geometry is None), *damage)


def _plants(found: Iterator[tuple[str, etree._Element]], system: list[str]) -> Iterator[_Plant]:
    for name, element in found:
        if name == "Envelope":
            system += filter(None, [element.get("srsName")])
            continue
        if name in (_TREE, _COVER):
            yield _plant(element, name)
        free(element)


def _plant(element: etree._Element, name: str) -> _Plant:
    stated = {"species": "", "category": "", "height": "", "crown": ""}
    levels: dict[int, list[etree._Element]] = {}
    for child in element:
        part = local(child.tag)
        if part in _PROPERTIES:
            stated[_PROPERTIES[part]] = (child.text or "").strip()
        elif level := _LEVEL.match(part):
            levels.setdefault(int(level[1]), []).append(child)
    return _Plant(
        next((str(value) for key, value in element.attrib.items() if local(key) == "id"), "?"),
        "tree" if name == _TREE else "cover",
        stated["species"],
        stated["category"],
        number(stated["height"]),
        number(stated["crown"]),
        _geometry(element, [part for level in sorted(levels) for part in levels[level]], name),
    )


def _geometry(element: etree._Element, levels: list[etree._Element], name: str) -> shapely.Geometry | None:
    """Return the outline in the simplest level of detail that has one, else the point of a tree."""
    for level in levels:
        # A template of a tree is drawn about its own origin; of such, only the reference point is a place.
        if "Implicit" not in local(level.tag):
            outline = _crown(level) if name == _TREE else _cover(level)
            if outline is not None and shapely.area(outline) > 0:
                return outline
    if name == _COVER:
        return None
    # The file's own attributes (uro) hold a point even where no geometry is drawn.
    for position in (position for part in (*levels, element) for position in part.iter(*_POSITIONS)):
        if _inside_template(position):
            continue
        numbers = _numbers(position.text)
        if numbers.size >= 2:
            return shapely.Point(numbers[1], numbers[0])
    return None


def _inside_template(position: etree._Element) -> bool:
    return any("relativeG" in local(parent.tag) for parent in position.iterancestors())


def _crown(level: etree._Element) -> shapely.Geometry | None:
    """Return the convex outline of all points: also of a tree drawn as two crossing upright planes."""
    points = _points(" ".join(ring.text or "" for ring in level.iter(*_POSITIONS)))
    return shapely.MultiPoint(points).convex_hull if len(points) >= 3 else None


def _cover(level: etree._Element) -> shapely.Geometry | None:
    """Return the union of all faces from above; upright ones have no area and fall away."""
    faces = [
        [
            _numbers(" ".join(part.text or "" for part in ring.iter(*_POSITIONS)))
            for ring in face.iter(*_RINGS)
        ]
        for face in level.iter(*_FACES)
    ]
    # Fewer than four points close no area; without its outer ring a face is none.
    whole = [
        [array("d", ring) for ring in face if _closes(ring)] for face in faces if face and _closes(face[0])
    ]
    outline: shapely.Geometry | None = outlines([whole])[0][0]
    return outline


def _closes(ring: FloatArray) -> bool:
    return ring.size >= 12 and ring.size % 3 == 0


def _points(text: str) -> FloatArray:
    """Return longitude and latitude of the points in a text of latitude, longitude, height triples."""
    numbers = _numbers(text)
    return numbers.reshape(-1, 3)[:, 1::-1] if numbers.size % 3 == 0 else np.empty((0, 2))


def _numbers(text: str | None) -> FloatArray:
    """Return the numbers of a text; none where one of them is broken."""
    try:
        numbers = np.array((text or "").split(), dtype=np.float64)
    except ValueError:
        return np.empty(0)
    return numbers if np.isfinite(numbers).all() else np.empty(0)
