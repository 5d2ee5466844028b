"""PLATEAU buildings: CityGML 2.0 and 3.0, read as a stream.

Elements are matched by local name, because the vintages differ in namespaces and real files use prefixes
they never declare. Geometry is latitude, longitude, height; only footprints and the height of the LOD1
solid are taken.

References
----------
.. [1] Standard Product Specification for 3D City Models, MLIT Project PLATEAU.
.. [2] OGC 12-019, City Geography Markup Language 2.0; OGC 20-010, CityGML 3.0.
"""

from __future__ import annotations

import math
import mmap
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from lxml import etree
from pyproj import CRS
from pyproj.exceptions import CRSError

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.sources.reading import Refusal
from heatrisk.words import Words

#: JGD2011 with heights, the system of every PLATEAU file; assumed where a file names none.
PLATEAU_CRS = 6697

_FOOTPRINTS = ("lod0RoofEdge", "lod0FootPrint", "lod0MultiSurface")
_WANTED = ("Building", "Envelope", "cityObjectMember", "appearanceMember", "surfaceDataMember")
_TAGS = tuple(f"{{*}}{name}" for name in _WANTED) + tuple(
    f"{prefix}:{name}"
    for prefix, name in (("bldg", "Building"), ("core", "cityObjectMember"), ("gml", "Envelope"))
)
#: Bottom faces lie this close to the lowest point of their solid [m].
_FLAT = 1e-6

#: Points of a ring, shape (points, 3): latitude, longitude, height.
Ring = npt.NDArray[np.float64]

_AGAIN = Words("ファイルを入手し直してください", "Download the file again.")


class _Building(NamedTuple):
    """What one ``Building`` element says; NaN where it says nothing."""

    id: str
    footprint: shapely.Geometry | None
    lod1: float
    measured: float
    storeys: float
    code: float


def read_citygml(path: Path) -> tuple[gpd.GeoDataFrame, tuple[Refusal, ...]]:
    """Read the buildings of one CityGML file.

    Parameters
    ----------
    path : pathlib.Path
        A ``bldg`` file of CityGML 2.0 or 3.0.

    Returns
    -------
    buildings : geopandas.GeoDataFrame
        One row a building: ``id``, ``geometry`` (footprint, 2-D), ``lod1``, ``measured`` [m], ``storeys``,
        ``code`` (``lod1HeightType``), each as stated, NaN where absent. Longitude and latitude in the file's
        own datum (EPSG:6668 for PLATEAU).
    refused : tuple of Refusal
        Buildings without a usable footprint, and places where the XML is damaged.

    Raises
    ------
    SourceIncompleteError
        The file is cut off.
    SourceError
        It is not CityGML, declares XML entities, or names an unknown coordinate system.
    """
    _inspect(path)
    system: list[str] = []
    # PLATEAU is UTF-8 by specification; fixing it keeps every other decoder away from the file.
    events = etree.iterparse(
        str(path),
        events=("end",),
        tag=_TAGS,
        encoding="utf-8",
        recover=True,
        huge_tree=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    )
    try:
        found = list(_buildings(events, system))
    except (etree.XMLSyntaxError, OSError) as error:
        raise _not_citygml(path, str(error)) from error
    crs = _horizontal(system[0] if system else "", path)
    refused = [
        Refusal(
            row.id,
            Words("外形(LOD0、LOD1 底面)がないか、壊れています", "no usable footprint (LOD0, LOD1 bottom)"),
        )
        for row in found
        if row.footprint is None
    ]
    # A damaged spot can swallow buildings in recovery; undeclared prefixes (namespace errors) cannot.
    refused += [
        Refusal(
            f"line {entry.line}",
            Words(f"XML が壊れています: {entry.message}", f"damaged XML: {entry.message}"),
        )
        for entry in events.error_log
        if entry.level_name == "FATAL"
    ][:20]
    rows = [row for row in found if row.footprint is not None]
    columns = {
        name: [getattr(row, name) for row in rows] for name in ("id", "lod1", "measured", "storeys", "code")
    }
    geometry = gpd.GeoSeries([row.footprint for row in rows], crs=crs)
    return gpd.GeoDataFrame(columns, geometry=geometry), tuple(refused)


def _inspect(path: Path) -> None:
    """Refuse what the recovering parser would let through: other XML, entities, cut files."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:65536].find(b"CityModel") < 0:
            raise _not_citygml(path, repr(bytes(data[:40])))
        # Entities make XML bombs; no city model needs one, so none is ever expanded.
        if data.find(b"<!ENTITY") >= 0 or data[:65536].find(b"<!DOCTYPE") >= 0:
            raise SourceError(
                Words(
                    "XML の実体宣言(DTD)は受け付けません", "XML entity declarations (DTD) are not accepted"
                ),
                where=path,
                remedy=Words(
                    "配布元の CityGML をそのまま使ってください", "Use the CityGML file as published."
                ),
            )
        if data[-4096:].find(b"CityModel>") < 0:
            raise SourceIncompleteError(
                Words("ファイルが途中で切れています", "the file is cut off"),
                where=path,
                expected="</core:CityModel>",
                got=repr(bytes(data[-40:])),
                remedy=_AGAIN,
            )


def _not_citygml(path: Path, got: str) -> SourceError:
    return SourceError(
        Words("CityGML の建築物ファイルとして読めません", "this cannot be read as a CityGML building file"),
        where=path,
        expected="CityModel (udx/bldg/*_bldg_*.gml)",
        got=got,
        remedy=_AGAIN,
    )


def _buildings(events: etree.iterparse, system: list[str]) -> Iterator[_Building]:
    for _, element in events:
        name = _local(element.tag)
        if name == "Building":
            yield _building(element)
        elif name == "Envelope":
            system.append(element.get("srsName") or "")
        else:
            _free(element)


def _free(element: etree._Element) -> None:
    """Drop a finished element and its elder siblings, so that memory stays bounded."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


@lru_cache(maxsize=4096)
def _local(tag: object) -> str:
    """Return a tag without its namespace, and without a prefix that was never declared."""
    return re.split("[}:]", tag)[-1] if isinstance(tag, str) else ""


def _building(element: etree._Element) -> _Building:
    surfaces: dict[str, list[etree._Element]] = {name: [] for name in (*_FOOTPRINTS, "lod1Solid")}
    stated: dict[str, list[float]] = {
        name: [] for name in ("measuredHeight", "storeysAboveGround", "lod1HeightType")
    }
    for child in element.iter():
        name = _local(child.tag)
        if name in surfaces:
            surfaces[name].append(child)
        elif name in stated:
            stated[name].append(_number(child.text))
        elif name == "value" and _local(_parent_tag(child)) == "Height":
            stated["measuredHeight"].append(_number(child.text))
    solid = [rings for surface in surfaces["lod1Solid"] for rings in _polygons(surface)]
    levels = np.concatenate([rings[0][:, 2] for rings in solid]) if solid else np.empty(0)
    return _Building(
        next((str(value) for key, value in element.attrib.items() if _local(key) == "id"), "?"),
        _footprint(surfaces, solid),
        float(np.ptp(levels)) if levels.size else np.nan,
        max(stated["measuredHeight"], default=np.nan),
        max((n for n in stated["storeysAboveGround"] if n < 200), default=np.nan),
        next(iter(stated["lod1HeightType"]), np.nan),
    )


def _parent_tag(element: etree._Element) -> object:
    parent = element.getparent()
    return None if parent is None else parent.tag


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _footprint(surfaces: dict[str, list[etree._Element]], solid: list[list[Ring]]) -> shapely.Geometry | None:
    """Return the outline: the first LOD0 form that gives an area, else the bottom faces of the solid."""
    for name in _FOOTPRINTS:
        outline = _union([rings for surface in surfaces[name] for rings in _polygons(surface)])
        if outline is not None:
            return outline
    if not solid:
        return None
    lowest = min(float(rings[0][:, 2].min()) for rings in solid)
    return _union([rings for rings in solid if float(np.abs(rings[0][:, 2] - lowest).max()) < _FLAT])


def _polygons(surface: etree._Element) -> list[list[Ring]]:
    """Return every polygon below an element: its outer ring, then its holes."""
    polygons = []
    for element in surface.iter():
        if _local(element.tag) in ("Polygon", "PolygonPatch", "Triangle"):
            rings = [_ring(ring) for ring in element.iter() if _local(ring.tag) == "LinearRing"]
            # Fewer than four points close no area.
            if rings and len(rings[0]) >= 4:
                polygons.append([ring for ring in rings if len(ring) >= 4])
    return polygons


def _ring(element: etree._Element) -> Ring:
    """Return the points of a ring, shape (points, 3): latitude, longitude, height. A broken ring is empty."""
    text = " ".join(part.text or "" for part in element.iter() if _local(part.tag) in ("posList", "pos"))
    try:
        points = np.array(text.split(), dtype=np.float64)
    except ValueError:
        return np.empty((0, 3))
    return points.reshape(-1, 3) if points.size % 3 == 0 and np.isfinite(points).all() else np.empty((0, 3))


def _union(polygons: list[list[Ring]]) -> shapely.Geometry | None:
    """Return the union of polygons in x, y order (longitude first), or None where nothing has an area."""
    flat = [shapely.Polygon(rings[0][:, 1::-1], [hole[:, 1::-1] for hole in rings[1:]]) for rings in polygons]
    sound = [shapely.make_valid(polygon, method="structure", keep_collapsed=False) for polygon in flat]
    outline = sound[0] if len(sound) == 1 else shapely.union_all(sound)
    return None if outline.is_empty else outline


def _horizontal(name: str, path: Path) -> CRS:
    """Return the horizontal part of the named coordinate system, east first."""
    match = re.search(r"EPSG\D*(?:[\d.]+/)?(\d{4,5})$", name.strip())
    try:
        whole = CRS.from_epsg(int(match.group(1)) if match else PLATEAU_CRS)
    except CRSError as error:
        raise SourceError(
            Words("座標参照系が分かりません", "unknown coordinate system"),
            where=path,
            expected=f"EPSG:{PLATEAU_CRS}",
            got=name,
            remedy=_AGAIN,
        ) from error
    return whole.sub_crs_list[0] if whole.is_compound else whole.to_2d()
