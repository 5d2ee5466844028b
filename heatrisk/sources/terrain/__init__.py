"""The ground of a town: elevation files of every kind, joined into one raster on the grid.

Earlier paths win and later ones fill what they leave empty. Within one path, a folder or a zip, the order is
triangles first, then rasters from fine cells to coarse ones and from survey A to C (DEM5A, DEM5B, DEM5C,
DEM10B), then by name.

References
----------
.. [1] GDAL documentation, GDALFillNodata: a hole takes the mean of the nearest known values in the four
   quarters around it, weighted by the inverse of their distance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rasterio.enums import Resampling
from rasterio.fill import fillnodata

from heatrisk.errors import SourceIncompleteError
from heatrisk.grid import WGS84, Bounds, Grid
from heatrisk.sources.files import Member, members, on_disk
from heatrisk.sources.mosaic import Piece, fill_from, overlaps, spacing, surveys, touch
from heatrisk.sources.raster import nothing_here, raster_piece
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.sources.terrain import gsi_dem, gsi_tiles, tin
from heatrisk.words import Note, Words

FloatArray = npt.NDArray[np.float32]

#: Endings of the files that may hold elevation.
SUFFIXES = (".tif", ".tiff", ".asc", ".xml", ".gml", ".png", ".txt")

#: Side of the squares in which holes are filled, one at a time [cells].
_SQUARE = 1024


_MOVED = Note.of(
    "terrain_jgd2000",
    "標高に JGD2000 のファイルがあります（2011 年の地殻変動による位置のずれは補正していません）",
    "some elevation is in JGD2000: the ground's movement of 2011 is not corrected",
)


class _Source(NamedTuple):
    """One file with elevation: a raster, or the triangles of a relief."""

    kind: str
    member: Member
    piece: Piece | None = None
    relief: tin.Head | None = None
    datum: str = ""

    @property
    def bounds(self) -> Bounds | None:
        """West, south, east, north [degrees], where it says so."""
        if self.piece is not None:
            return self.piece.bounds(WGS84)
        return None if self.relief is None else self.relief.placed(WGS84)

    def reaches(self, grid: Grid) -> bool:
        """Tell whether it may have ground for a grid."""
        if self.piece is not None:
            return overlaps(self.piece, grid)
        mine, theirs = grid.bounds, None if self.relief is None else self.relief.placed(grid.crs)
        return theirs is None or touch(mine, theirs)

    def rank(self, grid: Grid) -> tuple[float, str, str]:
        """Return its place among the files of its path."""
        return (0.0 if self.piece is None else spacing(self.piece, grid), self.kind, self.member.name)


def read_terrain(paths: Sequence[Path], grid: Grid, *, fill: float = 50.0) -> tuple[FloatArray, Reading]:
    """Read the ground's elevation onto a grid.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Files, folders, zips or patterns: GeoTIFF, ESRI ASCII grids, GSI elevation (XML), GSI elevation tiles
        (``{z}/{x}/{y}.png`` or ``.txt``), PLATEAU relief (``udx/dem``), in any mixture. Earlier ones win.
    grid : Grid
        Where the elevation is wanted.
    fill : float
        Cells without a value are filled up to this far from known ground [m].

    Returns
    -------
    elevation : numpy.ndarray of float32
        Shape of the grid [m]; NaN where it is not known.
    reading : Reading
        ``read`` counts the cells of the grid, ``used`` those with a value before filling, ``covered`` is
        their share, 0 to 1; facts: ``filled`` and ``unknown`` cells, ``outside`` (files that lie elsewhere),
        ``range`` [m], and ``sources``: by kind, the files and the values in them (triangles of a relief;
        None for GeoTIFF, of which only parts are read).

    Raises
    ------
    SourceUnavailableError
        A path is not there.
    SourceIncompleteError
        No file holds elevation, none reaches the grid, or one is cut off.
    SourceError, InputError
        A file is damaged or of another kind: a picture, feet instead of metres.
    """
    sources, outside = _look(paths, grid)
    reading = Reading.of("terrain", *on_disk(source.member for source in sources or outside), named=paths[0])
    elevation = np.full(grid.shape, np.nan, np.float32)
    counts, refused = _lay(sources, elevation, grid)
    known = np.isfinite(elevation)
    used = int(known.sum())
    if used == 0:
        raise nothing_here(str(paths[0]), grid, None if sources else _union(outside))
    filled = fill_holes(elevation, known, fill / grid.cell_size)
    unknown = elevation.size - used - filled
    files = Counter(source.kind for source in sources)
    facts = {
        "filled": filled,
        "unknown": unknown,
        "outside": len(outside),
        "range": [round(float(edge), 2) for edge in (np.nanmin(elevation), np.nanmax(elevation))],
        "sources": {kind: {"files": files[kind], "values": counts.get(kind)} for kind in files},
    }
    return elevation, replace(
        reading,
        read=elevation.size,
        used=used,
        refused=tuple(refused),
        covered=round(used / elevation.size, 4),
        facts=facts,
        notes=(
            *hole_notes(filled, unknown, elevation.size, fill),
            *((_MOVED,) if any(source.datum == "JGD2000" for source in sources) else ()),
        ),
    )


def fill_holes(elevation: FloatArray, known: npt.NDArray[np.bool_], reach: float) -> int:
    """Fill the unknown cells near known ones, by inverse distance from the nearest in each quarter [1]_.

    Parameters
    ----------
    elevation : numpy.ndarray of float32
        Changed in place.
    known : numpy.ndarray of bool
        Cells that have a value.
    reach : float
        How far from a known cell one is filled [cells].

    Returns
    -------
    int
        Cells that were filled.
    """
    margin, filled = math.ceil(reach), 0
    rows, columns = elevation.shape
    if reach < 1:
        return 0
    for top in range(0, rows, _SQUARE):
        for left in range(0, columns, _SQUARE):
            square = (slice(top, min(top + _SQUARE, rows)), slice(left, min(left + _SQUARE, columns)))
            around = (
                slice(max(top - margin, 0), square[0].stop + margin),
                slice(max(left - margin, 0), square[1].stop + margin),
            )
            if known[square].all() or not known[around].any():
                continue
            # Cells filled a square before are no known ground.
            image = np.where(known[around], elevation[around], np.float32(np.nan))
            image = fillnodata(image, mask=known[around], max_search_distance=reach)
            inner = image[top - around[0].start :, left - around[1].start :][
                : square[0].stop - top, : square[1].stop - left
            ]
            filled += int((np.isfinite(inner) & ~known[square]).sum())
            elevation[square] = inner
    return filled


def _look(paths: Sequence[Path], grid: Grid) -> tuple[list[_Source], list[_Source]]:
    """Return the files that may have ground for the grid, in order, and those that lie elsewhere."""
    inside: list[_Source] = []
    outside: list[_Source] = []
    for path in paths:
        found = [_source(member, grid) for member in members([path], SUFFIXES, theme="dem")]
        sources = [source for source in found if source is not None]
        if not sources:
            raise SourceIncompleteError(
                Words("標高のファイルがありません", "there is no file with elevation"),
                where=path,
                expected="GeoTIFF, 基盤地図情報 DEM (XML), {z}/{x}/{y}.png, PLATEAU udx/dem (GML)",
                remedy=Words("[terrain] path を確かめてください", "Check [terrain] path in the city file."),
            )
        reaching = [source for source in sources if source.reaches(grid)]
        outside += [source for source in sources if source not in reaching]
        inside += sorted(reaching, key=lambda source: source.rank(grid))
    return inside, outside


def _source(member: Member, grid: Grid) -> _Source | None:
    """Return what a file holds, read as little as that takes; None for a file of another kind."""
    if member.suffix in (".tif", ".tiff", ".asc"):
        kind = "ASCII grid" if member.suffix == ".asc" else "GeoTIFF"
        return _Source(kind, member, raster_piece(member, grid))
    tile = gsi_tiles.tile_of(member)
    if tile is not None:
        whole = (gsi_tiles.SIDE, gsi_tiles.SIDE)
        values = cache(lambda: gsi_tiles.read_tile(member))
        return _Source(
            tile.kind, member, Piece.whole(member.name, gsi_tiles.CRS, tile.transform, whole, values)
        )
    if member.suffix in (".png", ".txt"):
        return None
    relief = tin.read_head(member)
    if relief is not None:
        return _Source("TIN", member, relief=relief)
    mesh = gsi_dem.read_head(member)
    if mesh is None:
        return None
    values = cache(lambda: gsi_dem.read_values(member, mesh))
    piece = Piece.whole(member.name, gsi_dem.CRS, mesh.transform, mesh.shape, values)
    return _Source(mesh.kind, member, piece, datum=mesh.datum)


def _lay(sources: Iterable[_Source], elevation: FloatArray, grid: Grid) -> tuple[Counter[str], list[Refusal]]:
    """Lay the files onto the grid one after the other; return the values in them, and what is broken."""
    counts: Counter[str] = Counter()
    refused: list[Refusal] = []
    for _, run in groupby(sources, key=lambda source: source.piece is None):
        group = list(run)
        for survey in surveys([source.piece for source in group if source.piece is not None], grid.crs):
            fill_from(survey, elevation, grid, Resampling.bilinear)
        for source in group:
            if source.relief is not None:
                found = tin.fill_from_tin(source.member, source.relief, elevation, grid)
                counts[source.kind] += found.triangles
                refused += [_broken(source.member, found.broken)] if found.broken else []
            elif source.piece is not None and source.piece.values is not None:
                counts[source.kind] += int(np.isfinite(source.piece.values()).sum())
    return counts, refused


def _broken(member: Member, count: int) -> Refusal:
    return Refusal(
        member.name,
        Words(
            f"{count} 個の三角形は頂点か標高が正しくありません",
            f"{count} triangles have wrong corners or heights",
        ),
    )


def _union(sources: Iterable[_Source]) -> Bounds:
    edges = np.array([source.bounds for source in sources if source.bounds is not None])
    west, south = edges[:, :2].min(axis=0)
    east, north = edges[:, 2:].max(axis=0)
    return (float(west), float(south), float(east), float(north))


def hole_notes(filled: int, unknown: int, cells: int, fill: float) -> Iterator[Note]:
    """Yield what is to be told of ground without elevation.

    Parameters
    ----------
    filled, unknown, cells : int
        Cells that were filled, those that stay unknown, and all.
    fill : float
        How far from known ground cells are filled [m].
    """
    if filled:
        share = 100 * filled / cells
        yield Note.of(
            "terrain_filled",
            f"標高のない地点({share:.2g}%)は {fill:.0f} m 以内の標高から補いました(距離の逆数で加重平均)",
            f"ground without elevation ({share:.2g}%) was filled from within {fill:.0f} m (inverse distance)",
        )
    if unknown:
        share = 100 * unknown / cells
        yield Note.of(
            "terrain_unknown",
            f"標高の分からない地点があります({share:.2g}%)",
            f"the elevation of some ground is unknown ({share:.2g}%)",
        )
