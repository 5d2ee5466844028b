"""Outlines of buildings: sound polygons from rings of points, all of a file at once."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import shapely

#: Points of a closed ring, one number after another: latitude, longitude, height; four points at least.
Ring: TypeAlias = "array[float]"

#: An outer ring, then its holes.
Polygon: TypeAlias = list[Ring]

Shapes: TypeAlias = npt.NDArray[Any]  # of shapely geometries, None where there is none

_DIMENSIONS = 3

#: Absurd coordinates overflow; what comes of them is refused later, by name.
_QUIET = np.errstate(over="ignore", invalid="ignore")


@_QUIET
def outlines(polygons: Sequence[Sequence[Polygon]]) -> tuple[Shapes, npt.NDArray[np.bool_]]:
    """Return the outline of every building.

    Parameters
    ----------
    polygons : sequence of sequence of Polygon
        The polygons of each building; they are joined.

    Returns
    -------
    shapes : numpy.ndarray of shapely.Geometry
        Longitude first, two dimensions, valid; None where the polygons enclose nothing.
    mended : numpy.ndarray of bool
        Where a polygon was not valid as drawn.
    """
    single, owner = _polygons(polygons)
    single, broken = mend(single)
    shapes = np.full(len(polygons), None, dtype=object)
    mended = np.zeros(len(polygons), dtype=bool)
    mended[owner[broken]] = True
    counts = np.bincount(owner, minlength=len(polygons))
    alone = counts[owner] == 1
    shapes[owner[alone]] = single[alone]
    for building in np.flatnonzero(counts > 1):
        shapes[building] = _joined(single[owner == building])
    shapes[shapely.area(shapes) == 0.0] = None
    return shapes, mended


@_QUIET
def mend(shapes: Shapes) -> tuple[Shapes, npt.NDArray[np.bool_]]:
    """Return shapes made valid (None where that fails or leaves no area), and which were not.

    Parameters
    ----------
    shapes : numpy.ndarray of shapely.Geometry
        Any shapes; None stays None.
    """
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    sound = shapes.copy()
    for place in np.flatnonzero(broken):
        sound[place] = _made_valid(shapes[place])
    return sound, broken


def _made_valid(shape: shapely.Geometry) -> shapely.Geometry | None:
    try:
        made = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    except shapely.errors.GEOSException:
        return None
    return None if made.is_empty else made


def _joined(shapes: Shapes) -> shapely.Geometry | None:
    try:
        return shapely.union_all(shapes)
    except shapely.errors.GEOSException:
        return None


def _polygons(polygons: Sequence[Sequence[Polygon]]) -> tuple[Shapes, npt.NDArray[np.intp]]:
    """Return every polygon as drawn, and the building it belongs to."""
    rings = [ring for building in polygons for polygon in building for ring in polygon]
    if not rings:
        return np.empty(0, dtype=object), np.empty(0, dtype=np.intp)
    points = np.concatenate([np.frombuffer(ring) for ring in rings]).reshape(-1, _DIMENSIONS)
    lengths = np.array([len(ring) for ring in rings]) // _DIMENSIONS
    lines: Any = shapely.linearrings(points[:, 1::-1], indices=np.repeat(np.arange(len(rings)), lengths))
    sizes = [len(polygon) for building in polygons for polygon in building]
    owner = np.repeat(np.arange(len(polygons)), [len(building) for building in polygons])
    drawn: Any = shapely.polygons(lines, indices=np.repeat(np.arange(len(sizes)), sizes))
    return drawn, owner
