"""Trees: canopy rasters, PLATEAU vegetation and lists of trees, brought together on the fine grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import Transformer
from rasterio.enums import Resampling

from heatrisk.errors import InputError, SourceIncompleteError
from heatrisk.grid import WGS84, Grid
from heatrisk.sources.files import Member, members, on_disk
from heatrisk.sources.mosaic import fill_from, overlaps, surveys
from heatrisk.sources.raster import PLAUSIBLE, nothing_here, raster_piece
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.sources.table import key
from heatrisk.sources.trees.crowns import burn_discs, burn_outlines, crown_diameter
from heatrisk.sources.trees.tree_points import read_tree_points
from heatrisk.sources.trees.vegetation import read_vegetation
from heatrisk.words import Note, Words

FloatArray = npt.NDArray[np.float64]

#: The tallest tree that is believed, the widest crown [m]; -9999 and 9999 stand for "unknown".
TALLEST, WIDEST = PLAUSIBLE["canopy"][1], 60.0

_RASTERS, _LISTS, _MODELS = (".tif", ".tiff", ".asc"), (".csv", ".tsv", ".txt"), (".gml", ".xml")

_NO_HEIGHT = Words(
    "樹高がなく、既定値も決められていません", "no height, and no default for its class or species"
)
_TOO_WIDE = Words("樹冠の外形が大きすぎます", "the outline of the crown is too wide")
_DECIDE = Words(
    'city.toml の [trees] heights に樹種・区分ごとの樹高を書いてください(例 {"*" = 6.0})',
    'Give heights by species or class in [trees] heights of city.toml, e.g. {"*" = 6.0}.',
)


@dataclass
class _Canopy:
    """Crown tops as they grow, source by source, and what was counted on the way."""

    grid: Grid
    heights: Mapping[str, float]
    tops: npt.NDArray[np.float32]
    seen: npt.NDArray[np.bool_] | None = None
    files: list[dict[str, Any]] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def read_trees(
    paths: Sequence[Path], grid: Grid, *, heights: Mapping[str, float] | None = None
) -> tuple[npt.NDArray[np.float32], Reading]:
    """Read trees of every kind onto a grid; where sources overlap the higher crown counts.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Files, folders, zips or patterns: canopy heights (GeoTIFF, ESRI ASCII grid), PLATEAU ``veg`` files,
        lists of trees (CSV).
    grid : Grid
        Where the crowns are wanted.
    heights : mapping, optional
        Height [m] for listed trees without one, by species or class; ``"*"`` stands for any.

    Returns
    -------
    canopy : numpy.ndarray of float32
        Shape of the grid: crown-top height above ground [m], 0 without a tree.
    reading : Reading
        ``read`` counts trees and planted areas (cells where there are only rasters), ``used`` those in the
        area; ``covered`` the share of the grid that rasters speak of, None without one. Facts: ``files``
        (per file: kind, found, used, outside, refused), ``crowns`` and ``heights`` (by origin), ``outside``.

    Raises
    ------
    SourceIncompleteError
        A list has no height for any of its trees; there are only rasters, and none has a value in the area.
    InputError
        A file is of a kind that holds no trees.
    SourceError
        A file cannot be read.
    """
    found = members(paths, (*_RASTERS, *_LISTS, *_MODELS), theme="veg")
    reading = Reading.of("canopy", *on_disk(found), named=paths[0])
    wanted = {key(name): height for name, height in (heights or {}).items()}
    canopy = _Canopy(grid, wanted, np.zeros(grid.shape, np.float32))
    rasters = [member for member in found if member.suffix in _RASTERS]
    for member in found:
        if member not in rasters:
            _KINDS.get(member.suffix, _unknown)(canopy, member, len(found) > 1)
    _add_rasters(canopy, rasters, alone=len(rasters) == len(found))
    counts = canopy.counts
    cells = 0 if canopy.seen is None else int(canopy.seen.sum())
    plants = len(rasters) < len(found)
    facts = {
        "files": canopy.files,
        "crowns": {origin: counts[origin] for origin in ("drawn", "stated", "rule")},
        "heights": {"stated": counts["used"] - counts["default"], "default": counts["default"]},
        "outside": counts["outside"],
    }
    return canopy.tops, replace(
        reading,
        read=counts["found"] if plants else grid.shape[0] * grid.shape[1],
        used=counts["used"] if plants else cells,
        refused=tuple(canopy.refused),
        covered=None if canopy.seen is None else round(cells / canopy.seen.size, 4),
        facts=facts,
        notes=_notes(counts, len(canopy.refused), bool(canopy.tops.any())),
    )


def _add_rasters(canopy: _Canopy, rasters: Sequence[Member], *, alone: bool) -> None:
    """Take in canopy heights, those of one survey joined first; alone, they must say something."""
    pieces = [raster_piece(member, canopy.grid, role="canopy") for member in rasters]
    here = [piece for piece in pieces if overlaps(piece, canopy.grid)]
    for survey in surveys(here, canopy.grid.crs):
        values = np.full(canopy.grid.shape, np.nan, np.float32)
        fill_from(survey, values, canopy.grid, Resampling.bilinear)
        known = np.isfinite(values)
        canopy.seen = known if canopy.seen is None else canopy.seen | known
        np.fmax(canopy.tops, values, out=canopy.tops)
    if alone and pieces and (canopy.seen is None or not canopy.seen.any()):
        boxes = shapely.box(*np.array([piece.bounds(WGS84) for piece in pieces]).T)
        west, south, east, north = map(float, shapely.total_bounds(boxes))
        covers = None if here else (west, south, east, north)
        raise nothing_here(rasters[0].name, canopy.grid, covers, "canopy")
    canopy.files += [
        {"file": member.filename, "kind": "raster", "outside": int(piece not in here)}
        for member, piece in zip(rasters, pieces, strict=True)
    ]


def _add_model(canopy: _Canopy, member: Member, several: bool) -> None:
    plants, refused = read_vegetation(member)
    _add(canopy, member, "plateau", plants, refused, several)


def _add_list(canopy: _Canopy, member: Member, several: bool) -> None:
    plants, refused, facts = read_tree_points(member)
    inside = _add(canopy, member, "list", plants, refused, several)
    canopy.files[-1] |= facts
    if inside and not canopy.files[-1]["used"]:
        raise SourceIncompleteError(
            Words("どの木にも樹高がありません", "not one tree has a height"),
            where=member.name,
            expected="樹高 (height)",
            got=", ".join(facts["columns"].values()),
            remedy=_DECIDE,
        )


def _unknown(canopy: _Canopy, member: Member, several: bool) -> None:
    raise InputError(
        Words("樹木として読める種類のファイルではありません", "this is no kind of file that holds trees"),
        where=member.name,
        expected=", ".join((*_RASTERS, *_MODELS, *_LISTS)),
        remedy=Words(
            "樹冠高の GeoTIFF、PLATEAU の植生、樹木一覧の CSV を指定してください",
            "Name canopy heights (GeoTIFF), PLATEAU vegetation, or a list of trees (CSV).",
        ),
    )


_KINDS = dict.fromkeys(_MODELS, _add_model) | dict.fromkeys(_LISTS, _add_list)


def _add(
    canopy: _Canopy,
    member: Member,
    kind: str,
    plants: gpd.GeoDataFrame,
    refused: Iterable[Refusal],
    several: bool,
) -> int:
    """Draw the plants of one file that lie in the area and can be used; return how many lie in the area."""
    shapes = _onto(plants, canopy.grid)
    here = _within(shapes, canopy.grid)
    inside, shapes = plants[here], shapes[here]
    top, given = _tops(inside, canopy.heights)
    points = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    # The diameter of the circle with the outline's area.
    drawn = np.where(points, np.nan, np.sqrt(shapely.area(shapes) * 4.0 / np.pi))
    wide = (inside["kind"] == "tree").to_numpy() & (drawn > WIDEST)
    usable = np.isfinite(top) & ~wide
    mine = [
        *refused,
        *(
            Refusal(str(name), _TOO_WIDE if too_wide else _NO_HEIGHT)
            for name, too_wide in zip(inside["id"][~usable], wide[~usable], strict=True)
        ),
    ]
    discs = usable & points
    stated = _believed(inside["crown"].to_numpy(np.float64), WIDEST)
    crown = np.where(np.isfinite(stated), stated, crown_diameter(top))
    x, y = shapely.get_x(shapes[discs]), shapely.get_y(shapes[discs])
    burn_discs(canopy.tops, canopy.grid, x, y, crown[discs] / 2.0, top[discs])
    burn_outlines(canopy.tops, canopy.grid, shapes[usable & ~points], top[usable & ~points])
    canopy.refused += [
        Refusal(f"{member.filename}: {row.where}", row.reason) if several else row for row in mine
    ]
    counts = {
        "found": len(plants) + len(mine) - int((~usable).sum()),
        "used": int(usable.sum()),
        "outside": int((~here).sum()),
    }
    canopy.files.append({"file": member.filename, "kind": kind, **counts, "refused": len(mine)})
    canopy.counts.update(counts)
    canopy.counts["default"] += int((usable & given).sum())
    canopy.counts["drawn"] += int((usable & ~points).sum())
    canopy.counts["stated"] += int((discs & np.isfinite(stated)).sum())
    canopy.counts["rule"] += int((discs & ~np.isfinite(stated)).sum())
    return len(inside)


def _onto(plants: gpd.GeoDataFrame, grid: Grid) -> npt.NDArray[Any]:
    """Return the shapes in the grid's coordinates; a place that has none there is infinitely far."""
    transformer = Transformer.from_crs(plants.crs, grid.crs, always_xy=True)
    shapes: npt.NDArray[Any] = shapely.transform(
        plants.geometry.to_numpy(),
        transformer.transform,  # type: ignore[arg-type]  # two arrays, for it is not interleaved
        interleaved=False,
    )
    return shapes


def _within(shapes: npt.NDArray[Any], grid: Grid) -> npt.NDArray[np.bool_]:
    """Return which shapes, or crowns about them, can touch the grid."""
    west, south, east, north = grid.bounds
    left, bottom, right, top = shapely.bounds(shapes).reshape(-1, 4).T
    margin = np.where(left == right, WIDEST / 2.0, 0.0)
    inside: npt.NDArray[np.bool_] = (
        (left < east + margin) & (right > west - margin) & (bottom < north + margin) & (top > south - margin)
    )
    return inside & np.isfinite(left + right + bottom + top)


def _believed(values: FloatArray, most: float) -> FloatArray:
    """Return lengths, NaN in place of sentinels and absurdities."""
    return np.where((values > 0) & (values <= most), values, np.nan)


def _tops(plants: gpd.GeoDataFrame, heights: Mapping[str, float]) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Return the heights of plants [m], NaN where unknown, and where they are the defaults of their kind."""
    top = _believed(plants["height"].to_numpy(np.float64), TALLEST)
    missing = np.isnan(top)
    # A register of a million trees has a few hundred kinds.
    kinds = pd.MultiIndex.from_frame(plants.loc[missing, ["species", "category"]])
    codes, different = pd.factorize(kinds)
    known = [
        next((heights[name] for name in (*map(key, kind), "*") if name in heights), np.nan)
        for kind in different
    ]
    top[missing] = np.array(known, dtype=np.float64)[codes]
    return top, missing & np.isfinite(top)


def _notes(counts: Counter[str], refused: int, any_tree: bool) -> tuple[Note, ...]:
    notes = []
    if counts["rule"]:
        notes.append(
            Note.of(
                "crowns_from_height",
                f"樹木 {counts['rule']} 本は枝張りの記載がないため、樹高から推定(自立木の相対成長式)",
                f"{counts['rule']} trees state no crown diameter: it follows from height (open-grown trees)",
            )
        )
    if counts["default"]:
        notes.append(
            Note.of(
                "tree_heights_default",
                f"樹木 {counts['default']} 本は樹高の記載がないため、city.toml の既定値を使用",
                f"{counts['default']} trees state no height: the city file's defaults are used",
            )
        )
    if refused:
        notes.append(
            Note.of(
                "trees_refused",
                f"樹木データ {refused} 件は樹高や位置が分からず使っていません",
                f"{refused} trees are left out, for want of a height or a position",
            )
        )
    if not any_tree:
        notes.append(
            Note.of(
                "trees_none_here",
                "対象の範囲に樹木が 1 本もありません。データの範囲を確かめてください",
                "there is not a single tree in the area: check what the data cover",
            )
        )
    return tuple(notes)
