"""Lists of trees: street-tree registers and the like, one tree a row, whatever the headers are called.

Registers run to a million rows, so columns are read and judged whole.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pandas.errors import ParserError

from heatrisk.errors import InputError, SourceError, SourceIncompleteError
from heatrisk.grid import WGS84
from heatrisk.sources.files import Member
from heatrisk.sources.reading import Refusal
from heatrisk.sources.table import AS_CSV, decoded, given, key, plain, quoted, separator
from heatrisk.words import Words

FloatArray = npt.NDArray[np.float64]

_UNIT = r"(\((?P<unit>m|cm|メートル|センチ)\)|_(?P<end>m|cm))?"
#: Headers of each field, as patterns of the whole narrowed header; the first column that fits counts.
_FIELDS: Final = {
    "id": r"id|no\.?|番号|樹木(番号|id)|管理番号|整理番号|tree_?id",
    "lat": r"緯度(\(.*\))?|lat(itude)?",
    "lon": r"経度(\(.*\))?|lon(gitude)?|lng",
    "height": rf"(樹高|高さ|tree_?height|height|h){_UNIT}",
    "crown": rf"(枝張り?|葉張り?|樹冠(径|幅|直径)|crown_?(diameter|width|spread)|spread){_UNIT}",
    "species": r"樹種(名|名称)?|樹木名|種名|species|和名",
    "category": r"区分|樹木区分|高木(・中木)?(・低木)?(の別|区分)?|種別|class|category|type",
}
_LENGTHS = ("height", "crown")
_CENTIMETRES = ("cm", "センチ")
_HEADER_ROWS = 10

_SWAPPED = Words("緯度と経度が入れ替わっています", "latitude and longitude are swapped")
#: Why a row has no position, by the codes of :func:`_placing`.
_REASONS: Final = (
    Words("位置は使えます", "the position is usable"),
    Words("緯度・経度がありません", "no coordinates"),
    Words("緯度・経度が十進の度ではありません", "the coordinates are not decimal degrees"),
    _SWAPPED,
)
_USABLE, _BLANK, _NO_DEGREES, _EXCHANGED = range(len(_REASONS))


def read_tree_points(member: Member) -> tuple[gpd.GeoDataFrame, tuple[Refusal, ...], dict[str, Any]]:
    """Read a list of trees.

    Parameters
    ----------
    member : Member
        CSV in UTF-8 (with or without byte-order mark), UTF-16 or CP932, separated by commas or tabs.

    Returns
    -------
    plants : geopandas.GeoDataFrame
        As :func:`heatrisk.sources.trees.vegetation.read_vegetation` gives them: ``id`` (row number as a
        spreadsheet shows it), ``kind`` (``"tree"``), ``species``, ``category``, ``height`` and
        ``crown`` [m] as stated, NaN where absent; ``geometry``: points, longitude first.
    refused : tuple of Refusal
        Rows without a position, by their number.
    facts : dict
        ``encoding``, ``columns`` (field → header).

    Raises
    ------
    SourceIncompleteError
        No row of the first ten is a header with latitude and longitude.
    InputError
        Latitude and longitude are swapped throughout.
    SourceError
        It is no text table.
    """
    text, encoding = decoded(member)
    headers, rows = _header(text, member.name)
    fields = {name: _column(pattern, headers) for name, pattern in _FIELDS.items()}
    columns = {name: column for name, column in fields.items() if column is not None}
    cells = _cells(text, sorted(set(columns.values())), member.name).iloc[rows:]
    cells = cells[(cells != "").any(axis=1)]
    longitude, latitude = _numbers(cells[columns["lon"]]), _numbers(cells[columns["lat"]])
    placing = _placing(cells[columns["lon"]], cells[columns["lat"]], longitude, latitude)
    placed = placing == _USABLE
    if (placing == _EXCHANGED).any() and not placed.any():
        raise InputError(
            _SWAPPED,
            where=member.name,
            remedy=Words("緯度と経度の列の見出しを入れ替えてください", "Exchange the headers 緯度 and 経度."),
        )
    refused = tuple(
        Refusal(str(row + 1), _REASONS[code])
        for row, code in zip(cells.index[~placed], placing[~placed], strict=True)
    )
    kept = cells[placed]
    table: dict[str, Any] = {"id": (kept.index + 1).astype(str), "kind": "tree"}
    for name in ("species", "category"):
        table[name] = kept[columns[name]].to_numpy() if name in columns else ""
    for name in _LENGTHS:
        table[name] = _lengths(kept, headers, columns.get(name), name)
    points = shapely.points(longitude[placed], latitude[placed])
    facts = {
        "encoding": encoding,
        "columns": {name: quoted((headers[column],)) for name, column in columns.items()},
    }
    return gpd.GeoDataFrame(table, geometry=points, crs=WGS84, index=range(len(kept))), refused, facts


def is_tree_list(cells: Sequence[str]) -> bool:
    """Tell whether a row is the header of a list of trees: with places, and what only trees have."""
    headers = list(cells)
    fields = {name for name, pattern in _FIELDS.items() if _column(pattern, headers) is not None}
    measured = any(re.match(r"樹高|tree_?height", key(header)) for header in headers)
    return {"lat", "lon"} <= fields and (measured or bool(fields & {"species", "crown"}))


def _header(text: str, where: str) -> tuple[list[str], int]:
    """Return the headers, and how many records they and what stands before them take."""
    # A million rows are not split to find one of the first ten.
    records = csv.reader(io.StringIO(text[: 2**16], newline=""), delimiter=separator(text))
    try:
        head = list(islice(records, _HEADER_ROWS))
    except csv.Error as error:
        raise _no_table(where, str(error)) from error
    for number, cells in enumerate(head, start=1):
        if all(_column(_FIELDS[name], cells) is not None for name in ("lat", "lon")):
            return cells, number
    first = next((cells for cells in head if any(cells)), [])
    raise SourceIncompleteError(
        Words(
            "樹木一覧の見出し(緯度・経度)が見つかりません",
            "no header row with coordinates of trees was found",
        ),
        where=where,
        expected="樹種, 緯度, 経度, 樹高, 枝張り",
        got=quoted(tuple(first)) or "-",
        remedy=Words(
            "見出しの行に 緯度、経度 の列を用意してください",
            "The header row needs the columns 緯度 (latitude) and 経度 (longitude).",
        ),
    )


def _column(pattern: str, headers: list[str]) -> int | None:
    return next((i for i, header in enumerate(headers) if re.fullmatch(pattern, key(header))), None)


def _cells(text: str, columns: list[int], where: str) -> pd.DataFrame:
    """Return the wanted columns of every record, blank ones too, so that the index counts records from 0."""
    try:
        return pd.read_csv(
            io.StringIO(text, newline=""),
            sep=separator(text),
            header=None,
            names=list(range(columns[-1] + 1)),
            usecols=columns,
            dtype=str,
            na_filter=False,
            skip_blank_lines=False,
        )
    except (ParserError, ValueError) as error:
        raise _no_table(where, str(error)) from error


def _no_table(where: str, got: str) -> SourceError:
    return SourceError(
        Words("表として読めません", "the file cannot be split into rows and cells"),
        where=where,
        got=got[:200],
        remedy=AS_CSV,
    )


def _numbers(cells: pd.Series) -> FloatArray:
    """Return a column as numbers, NaN where a cell holds none; full-width digits and "m" are understood."""
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan).copy()
    odd = np.isnan(numbers) & (cells != "").to_numpy()
    if odd.any():
        # Few texts are odd, and those often in the same way.
        texts = cells[odd]
        known = {text: re.sub(r"(m|メートル)$", "", plain(text)).replace(",", "") for text in texts.unique()}
        numbers[odd] = pd.to_numeric(texts.map(known), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _lengths(cells: pd.DataFrame, headers: list[str], column: int | None, name: str) -> FloatArray:
    """Return a column of lengths [m]; its header may say centimetres."""
    if column is None:
        return np.full(len(cells), np.nan)
    match = re.fullmatch(_FIELDS[name], key(headers[column]))
    unit = match and (match["unit"] or match["end"])
    return _numbers(cells[column]) * (0.01 if unit in _CENTIMETRES else 1.0)


def _placing(
    longitudes: pd.Series, latitudes: pd.Series, longitude: FloatArray, latitude: FloatArray
) -> npt.NDArray[np.int8]:
    """Return for each row the code of :data:`_REASONS`, from its texts and the numbers in them."""
    placing = np.full(len(longitude), _USABLE, dtype=np.int8)
    x, y = np.abs(longitude), np.abs(latitude)
    placing[~((x <= 180) & (y <= 90))] = _NO_DEGREES
    placing[(x <= 90) & (y > 90) & (y <= 180)] = _EXCHANGED
    unread = np.flatnonzero(np.isnan(x) | np.isnan(y))
    told = _says(longitudes.iloc[unread]) & _says(latitudes.iloc[unread])
    placing[unread] = np.where(told, _NO_DEGREES, _BLANK)
    # What a spreadsheet makes of an empty cell.
    placing[(x == 0) & (y == 0)] = _BLANK
    return placing


def _says(texts: pd.Series) -> npt.NDArray[np.bool_]:
    """Return which texts are more than a mark for "nothing"; most of them are alike."""
    known = {text: bool(given(text)) for text in texts.unique()}
    return texts.map(known).to_numpy(dtype=bool)
