"""Polygons with attributes for reports by place: sound, in one coordinate system, refusals named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from heatrisk.grid import WGS84
from heatrisk.sources.areas.mesh import JGD2011, mesh_outlines
from heatrisk.sources.buildings.outlines import mend
from heatrisk.sources.files import Member, members
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.sources.table import given, key, plain, read_table
from heatrisk.sources.vector import VECTOR, on_disk, read_layer
from heatrisk.words import Words

#: Headers of the code of a grid square.
MESH = r"mesh_?(id|code)?|key_?code|(地域|標準|基準)?メッシュ(コード|番号)?"

_NO_AREA = Words(
    "図形が面ではないか、直せないほど壊れています", "the shape is no area, or broken beyond mending"
)
_NOWHERE = Words("図形が座標系の範囲の外にあります", "the shape lies outside its coordinate system")
_NO_MESH = Words("メッシュコードとして読めません", "this is no code of a grid square")

#: Rows of a table in which its header is looked for.
_HEADER_ROWS = 10


@dataclass(frozen=True)
class AreaRows:
    """The rows of one file.

    Parameters
    ----------
    member : Member
        The file.
    frame : pandas.DataFrame
        Their attributes.
    shapes : numpy.ndarray of shapely.Geometry
        Their outlines, valid; None where there is none.
    mended : numpy.ndarray of bool
        Outlines that were not valid as drawn.
    reasons : numpy.ndarray of object
        Why a row cannot be used, as Words; None where nothing speaks against it.
    """

    member: Member
    frame: pd.DataFrame
    shapes: npt.NDArray[Any]
    mended: npt.NDArray[np.bool_]
    reasons: npt.NDArray[np.object_]

    def refuse(self, where: npt.NDArray[np.bool_], reason: Words) -> None:
        """Give rows a reason not to be used, where they have none yet."""
        for row in np.flatnonzero(where & self.kept):
            self.reasons[row] = reason

    @property
    def kept(self) -> npt.NDArray[np.bool_]:
        """Rows that nothing speaks against, shape (rows,)."""
        return np.array([reason is None for reason in self.reasons], dtype=bool)

    @property
    def columns(self) -> dict[str, str]:
        """The columns' names by their narrowed form; of two alike the first."""
        names: dict[str, str] = {}
        for name in map(str, self.frame.columns):
            names.setdefault(key(name), name)
        return names

    def refused(self, names: Iterable[str], several: bool) -> list[Refusal]:
        """Return the rows that are not used by their names, and by file where there are several."""
        prefix = f"{self.member.filename}: " if several else ""
        return [
            Refusal(f"{prefix}{name}", reason)
            for name, reason in zip(names, self.reasons, strict=True)
            if reason is not None
        ]

    def texts(self, column: str) -> npt.NDArray[np.object_]:
        """Return a column as text, empty where it says nothing; whole numbers without a point."""
        values = self.frame[column]
        if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
            values = values.astype("Int64")
        texts = [plain(given(str(value))) for value in values]
        return np.where(values.isna().to_numpy(), "", np.array(texts, dtype=object))


def read_area_rows(
    role: str, paths: Sequence[Path], crs: str, layer: str | None
) -> tuple[list[AreaRows], Reading]:
    """Read the polygons of every file, and begin their record.

    Parameters
    ----------
    role : str
        What they are to the city, and the section of the city file that remedies name.
    paths : sequence of pathlib.Path
        Files, folders, zips or patterns: vector files, or CSV with the codes of grid squares.
    crs : str
        Coordinate system of the result.
    layer : str or None
        Layer to read; None where it is clear.

    Returns
    -------
    rows : list of AreaRows
        One a file. Rows whose outline is none, broken or out of this world have a reason.
    reading : Reading
        The record of the files.

    Raises
    ------
    SourceError, InputError
        As :func:`heatrisk.sources.vector.read_layer` and :func:`heatrisk.sources.table.read_table` tell.
    """
    found = members(paths, (*VECTOR, ".csv"))
    files = list(dict.fromkeys(file for member in found for file in on_disk(member)))
    reading = Reading.of(role, *files, named=paths[0])
    return [_read(member, role, crs, layer) for member in found], reading


def _read(member: Member, section: str, crs: str, layer: str | None) -> AreaRows:
    table = _squares(member) if member.suffix == ".csv" else None
    frame = read_layer(member, layer, section=section).frame if table is None else table
    drawn = frame.geometry.to_numpy().copy()
    bounds = shapely.bounds(drawn).reshape(-1, 4)
    # Broken numbers are kept from the transformation, which may answer them with anything.
    missing = shapely.is_missing(drawn) | shapely.is_empty(drawn)
    broken = ~missing & ~np.isfinite(bounds).all(axis=1)
    drawn[broken] = None
    shapes = gpd.GeoSeries(drawn, crs=frame.crs).to_crs(crs).to_numpy().copy()
    lost = ~missing & ~broken & ~np.isfinite(shapely.bounds(shapes).reshape(-1, 4)).all(axis=1)
    shapes[lost] = None
    shapes, mended = mend(shapes)
    flat = shapely.get_dimensions(shapes) == 2
    shapes[~flat] = None
    rows = AreaRows(
        member,
        pd.DataFrame(frame.drop(columns=frame.geometry.name)).reset_index(drop=True),
        shapes,
        mended & flat,
        np.full(len(frame), None, dtype=object),
    )
    rows.refuse(broken | lost, _NOWHERE)
    rows.refuse(~flat, _NO_AREA if table is None else _NO_MESH)
    return rows


def _squares(member: Member) -> gpd.GeoDataFrame | None:
    """Return a table of grid squares with their outlines; None where it has no column of their codes."""
    rows = read_table(member).rows
    columns = [
        next((i for i, name in enumerate(cells) if re.fullmatch(MESH, key(name))), None)
        for _, cells in rows[:_HEADER_ROWS]
    ]
    first = next((row for row, column in enumerate(columns) if column is not None), None)
    if first is None:
        return None
    header, column = rows[first][1], columns[first] or 0
    width = len(header)
    cells = [(*row[:width], *[""] * (width - len(row))) for _, row in rows[first + 1 :]]
    names = [name or f"column {number}" for number, name in enumerate(header, start=1)]
    frame = pd.DataFrame(cells, columns=names)
    # A name twice would make two columns of one; the first counts.
    frame = frame.loc[:, ~frame.columns.duplicated()]
    return gpd.GeoDataFrame(frame, geometry=mesh_outlines(plain(row[column]) for row in cells), crs=JGD2011)


def described(rows: Sequence[AreaRows], areas: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return the facts that any set of areas has: outlines mended, and west, south, east, north [degrees]."""
    mended = sum(int((part.mended & part.kept).sum()) for part in rows)
    bounds = [] if areas.empty else [round(edge, 5) for edge in areas.to_crs(WGS84).total_bounds.tolist()]
    return {"mended": mended, "bounds": bounds}
