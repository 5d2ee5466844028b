"""Footprints with heights, from PLATEAU CityGML or vector files: one, many, or whole deliveries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from heatrisk.city.sections import HeightRule
from heatrisk.errors import InputError, SourceIncompleteError
from heatrisk.grid import Bounds
from heatrisk.sources.buildings.footprints import GML, Footprints, Wanted, is_citygml, read_footprints
from heatrisk.sources.buildings.parallel import Progress, each
from heatrisk.sources.files import Member, members
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.sources.vector import VECTOR, on_disk
from heatrisk.words import Note, Words

#: Buildings of one identifier are the same where their outlines share more than this of what both cover.
_SAME = 0.5


def read_buildings(
    paths: Path | Sequence[Path],
    crs: str,
    *,
    height: HeightRule = "lod1",
    height_column: str | None = None,
    default_height: float | None = None,
    layer: str | None = None,
    area: Bounds | None = None,
    bounds: Bounds | None = None,
    progress: Progress | None = None,
) -> tuple[gpd.GeoDataFrame, Reading]:
    """Read footprints with heights; many files at once, over several processes.

    Parameters
    ----------
    paths : pathlib.Path or sequence of pathlib.Path
        Files, folders, zips or patterns: PLATEAU CityGML (``.gml``, ``.xml``; of a delivery its
        ``udx/bldg``) and the vector files of :mod:`heatrisk.sources.vector`.
    crs : str
        Coordinate system of the result, projected, in metres.
    height : {"lod1", "measured", "max"}
        Which height counts where several are known: :func:`heatrisk.sources.buildings.heights.choose`.
    height_column : str, optional
        Column with the height above ground [m]; found by its name
        (:data:`heatrisk.sources.buildings.columns.HEIGHT_COLUMNS`) if omitted.
    default_height : float, optional
        Height of buildings of which nothing is known [m]; such buildings are refused if omitted.
    layer : str, optional
        Layer of a file that holds several.
    area : Bounds, optional
        West, south, east, north [degrees]; buildings wholly outside are left out, and counted.
    bounds : Bounds, optional
        The area as the city file has it, for messages: ``area`` may be wider by the reach of shade.
    progress : callable, optional
        Called after each file with the number of files done, and of all.

    Returns
    -------
    buildings : geopandas.GeoDataFrame
        Columns ``geometry`` (2-D polygons), ``height`` [m], ``height_source``
        (see :data:`heatrisk.sources.buildings.heights.SOURCES`) and ``id``, which no two rows share.
    reading : Reading
        Facts: ``heights`` (buildings by source), ``without_height``, ``repaired`` (outlines mended),
        ``height_range`` [m], ``outside``, ``underground`` (left out), ``duplicates``, ``files`` (counts of
        each file) and ``skipped`` (XML beside the buildings that is no city model).

    Raises
    ------
    SourceUnavailableError
        A file is not there.
    SourceIncompleteError
        There is no building, no height (none in ``height_column``), or no coordinate system; a file is cut
        off.
    InputError
        The coordinates lie outside the area of ``crs`` or outside ``area``, or are swapped.
    UnitsError
        The heights are not in metres.
    SourceError
        A file cannot be read, or the named layer or column does not exist.
    """
    named = (paths,) if isinstance(paths, Path) else tuple(paths)
    everything = members(named, (*GML, *VECTOR), theme="bldg")
    # A delivery has codelists and metadata beside its models; a file named outright must be what is wanted.
    files = [
        one
        for one in everything
        if one.suffix != ".xml" or (one.path in named and not one.inside) or is_citygml(one)
    ] or everything
    disk = dict.fromkeys(path for one in files for path in on_disk(one))
    reading = Reading.of("buildings", *disk, named=named[0])
    wanted = Wanted(crs, height, height_column, default_height, layer, area)
    parts = each(partial(read_footprints, wanted=wanted), files, progress=progress)
    refused = _refused(files, parts)
    frames = [part.frame for part in parts if part.frame is not None]
    if not sum(map(len, frames)):
        raise _empty(named, parts, refused, bounds or area)
    buildings, duplicates = _once(pd.concat(frames, ignore_index=True))
    sources = {str(name): count for name, count in sorted(Counter(buildings["height_source"]).items())}
    doubts = dict.fromkeys(note for part in parts for note in part.notes)
    if height_column is not None and not any(one.suffix in GML for one in files):
        doubts |= dict.fromkeys(_served(height_column, sources, named, stated=default_height is not None))
    facts: dict[str, Any] = {
        "heights": sources,
        "without_height": sum(part.unknown for part in parts),
        "repaired": sum(part.repaired for part in parts),
        "height_range": [round(float(value), 2) for value in buildings["height"].agg(["min", "max"])],
        "outside": sum(part.outside for part in parts),
        "underground": sum(part.underground for part in parts),
        "duplicates": duplicates,
        "files": [_counts(member, part) for member, part in zip(files, parts, strict=True)],
    }
    if len(files) < len(everything):
        facts["skipped"] = [one.filename for one in everything if one not in set(files)]
    return buildings, replace(
        reading,
        read=sum(part.found for part in parts),
        used=len(buildings),
        refused=refused,
        facts=facts,
        notes=(*_notes(sources, default_height), *doubts),
    )


def _refused(files: Sequence[Member], parts: Sequence[Footprints]) -> tuple[Refusal, ...]:
    """Return all refusals; of several files each with the name of its own."""
    if len(files) == 1:
        return parts[0].refused
    return tuple(
        replace(refusal, where=f"{member.filename}: {refusal.where}")
        for member, part in zip(files, parts, strict=True)
        for refusal in part.refused
    )


def _counts(member: Member, part: Footprints) -> dict[str, Any]:
    heights = Counter() if part.frame is None else Counter(part.frame["height_source"])
    return {
        "file": member.filename,
        "found": part.found,
        "outside": part.outside,
        "with_height": sum(heights.values()),
        "without_height": part.unknown,
        "refused": len(part.refused),
        "heights": dict(sorted(heights.items())),
    }


def _once(buildings: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, int]:
    """Return every building once, under an identifier of its own, and how many came again.

    Deliveries overlap, so a building can come twice; but exports also give one identifier to several
    buildings, and those are all kept.
    """
    again = buildings["id"].duplicated().to_numpy()
    if not again.any():
        return buildings, 0
    shapes = buildings.geometry.to_numpy()
    first = buildings.groupby("id", sort=False).ngroup().to_numpy()
    origin = np.flatnonzero(~again)[first][again]
    common = shapely.area(shapely.intersection(shapes[origin], shapes[again]))
    both = shapely.area(shapes[origin]) + shapely.area(shapes[again]) - common
    same = np.zeros(len(buildings), dtype=bool)
    same[again] = common > _SAME * both
    kept = buildings.loc[~same].reset_index(drop=True)
    names = kept["id"].astype(str)
    while (repeats := names.groupby(names, sort=False).cumcount()).any():
        names = names.where(repeats == 0, names + "#" + (repeats + 1).astype(str))
    return kept.assign(id=names), int(same.sum())


def _notes(sources: dict[str, int], default: float | None) -> tuple[Note, ...]:
    phrases = {
        "default": Words(f"既定の高さ {default} m", f"the default height of {default} m"),
        "storeys": Words("階数 × 3 m", "storeys times 3 m"),
        "estimated": Words("データ作成者が仮に与えた高さ", "a height that the data's maker made up"),
    }
    return tuple(
        Note(
            f"height_{name}",
            Words(f"{sources[name]} 棟の高さは{words.ja}です", f"{sources[name]} buildings have {words.en}"),
        )
        for name, words in phrases.items()
        if name in sources
    )


def _served(column: str, sources: dict[str, int], paths: Sequence[Path], *, stated: bool) -> Iterator[Note]:
    """Yield the doubt that a named column gives few heights and no other is stated; refuse one of none."""
    given, every = sources.get("measured", 0), sum(sources.values())
    if given == 0:
        raise SourceIncompleteError(
            Words(
                "指定された高さの列に使える数値がありません", "the named height column holds no usable number"
            ),
            where=", ".join(map(str, paths)),
            expected=Words("地面からの高さ(m)", "heights above ground [m]"),
            got=f"{column}: 0 / {every}",
            remedy=Words(
                "city.toml の [buildings] height_column を直すか、この行を消してください",
                "Correct [buildings] height_column in city.toml, or remove that line.",
            ),
        )
    if 2 * given < every and not stated:
        yield Note.of(
            "buildings_height_column",
            f"指定された高さの列 {column} で高さが分かる建物は {every} 棟のうち {given} 棟だけです",
            f"the named height column {column} gives a height to {given} of {every} buildings only",
        )


def _empty(
    paths: Sequence[Path], parts: Sequence[Footprints], refused: Sequence[Refusal], bounds: Bounds | None
) -> InputError | SourceIncompleteError:
    where = ", ".join(map(str, paths))
    extents = [part.extent for part in parts if part.extent is not None]
    if bounds is not None and extents and sum(part.outside for part in parts):
        west, south, east, north = np.array(extents).T
        found = f"{west.min():.4f}, {south.min():.4f}, {east.max():.4f}, {north.max():.4f}"
        return InputError(
            Words("対象範囲に建物が 1 棟もありません", "there is not a single building in the area"),
            where=where,
            expected="[city] bounds = [{:.8g}, {:.8g}, {:.8g}, {:.8g}]".format(*bounds),
            got=Words(f"建物は [{found}]", f"buildings within [{found}]"),
            remedy=Words(
                "[city] bounds (西, 南, 東, 北の経度・緯度)と建物のファイルを確かめてください",
                "Check [city] bounds (west, south, east, north in degrees) and the files of buildings.",
            ),
        )
    reasons = Counter(refusal.reason for refusal in refused)
    return SourceIncompleteError(
        Words("使える建物が 1 棟もありません", "there is not a single usable building"),
        where=where,
        got="; ".join(f"{count} x {words.en} ({words.ja})" for words, count in reasons.most_common(3)) or "0",
        remedy=Words(
            "建物の外形と高さのあるファイルを [buildings] path に指定してください",
            "Name a file of footprints with heights in [buildings] path.",
        ),
    )
