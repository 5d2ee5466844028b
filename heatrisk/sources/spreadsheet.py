"""Excel workbooks (.xlsx) as rows of text, in bounded memory, whatever is in the zip.

A workbook is a zip of XML. Before the library sees it, every part is unpacked once into nothing: sizes and
check sums must hold, and no part may declare entities. Rows are then streamed.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import openpyxl

from heatrisk.errors import HeatRiskError, SourceError
from heatrisk.words import Words

#: What starts a zip, and thereby a workbook.
SIGNATURE = b"PK\x03\x04"

#: Parts, and bytes of all parts unpacked, that a workbook may have.
MOST_PARTS, MOST_BYTES = 5_000, 192 * 2**20

#: Rows of one sheet, as Excel itself has it.
_MOST_ROWS = 1_048_576

_REMEDY = Words(
    "表計算ソフトで Excel ブック(.xlsx)か CSV (コンマ区切り)として保存し直してください",
    "Save it again from the spreadsheet as a workbook (.xlsx) or as comma-separated values (CSV).",
)


class Sheet(NamedTuple):
    """A visible sheet: its title, and its rows that hold any text, each with its number."""

    title: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_sheets(data: bytes, where: str, most: int) -> list[Sheet]:
    """Read the visible sheets of a workbook.

    Rows that a filter hides are data and are read; hidden sheets are not. Formulas give the value that was
    saved with them.

    Parameters
    ----------
    data : bytes
        The file.
    where : str
        What messages call it.
    most : int
        Rows of one sheet that are taken.

    Raises
    ------
    SourceError
        It is no workbook, is damaged, unpacks to more than is safe, or a sheet has more rows.
    """
    _check(data, where)
    try:
        # The library raises whatever its parsers raise: KeyError, TypeError, ParseError and many more.
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        return [Sheet(sheet.title, tuple(_rows(sheet, where, most))) for sheet in visible]
    except HeatRiskError:
        raise
    except Exception as error:
        raise _unreadable(where, f"{type(error).__name__}: {error}"[:200]) from error


def _rows(sheet: Any, where: str, most: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    # The stated dimension may be anything; rows tell their own length.
    sheet.reset_dimensions()
    taken = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > _MOST_ROWS:
            break
        cells = [_text(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            taken += 1
            if taken > most:
                raise too_long(where, most)
            yield number, tuple(cells)


def _text(value: Any) -> str:
    """Return a cell as one would type it: 35, 35.6812, 9:00, 2026/5/1."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "〇" if value else ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, time):
        return f"{value.hour}:{value.minute:02}"
    if isinstance(value, timedelta):
        minutes = round(value.total_seconds() / 60)
        return f"{minutes // 60}:{minutes % 60:02}"
    if isinstance(value, datetime):
        # Midnight at the end of the day is day 1 of Excel's calendar.
        if value.year <= 1900:
            return f"{24 * value.day + value.hour}:{value.minute:02}"
        clock = f" {value.hour}:{value.minute:02}" if value.time() != time() else ""
        return f"{value.year}/{value.month}/{value.day}{clock}"
    if isinstance(value, date):
        return f"{value.year}/{value.month}/{value.day}"
    text = str(value).strip()
    return "" if re.fullmatch(r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!)", text) else text


def _check(data: bytes, where: str) -> None:
    """Refuse a zip that is damaged, unpacks to more than is safe, or declares entities."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if "xl/workbook.xml" not in archive.namelist():
                raise _unreadable(where, "zip")
            left = MOST_BYTES
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > left:
                raise _too_large(where)
            for part in parts:
                left -= _unpacked(archive, part, where)
    except HeatRiskError:
        raise
    except Exception as error:
        # BadZipFile, zlib.error, LZMAError, struct.error, RuntimeError, …: what a damaged zip brings forth.
        raise _unreadable(where, str(error)[:200]) from error


def _unpacked(archive: zipfile.ZipFile, part: zipfile.ZipInfo, where: str) -> int:
    """Return the bytes of a part; reading to the end proves its size and check sum."""
    size, tail = 0, b""
    with archive.open(part) as stream:
        while chunk := stream.read(2**20):
            size += len(chunk)
            # Without the zero bytes of UTF-16.
            tail = (tail[-16:] + chunk).replace(b"\0", b"")
            if part.filename.endswith((".xml", ".rels")) and re.search(rb"<!(DOCTYPE|ENTITY)", tail):
                raise _unreadable(where, "<!DOCTYPE")
    return size


def too_long(where: str, most: int) -> SourceError:
    """Return the error of a table with more rows than are taken."""
    return SourceError(
        Words("表の行が多すぎます", "the table has too many rows"),
        where=where,
        expected=f"<= {most}",
        remedy=Words("必要な行だけの表にしてください", "Cut the table to the rows that are needed."),
    )


def _too_large(where: str) -> SourceError:
    return SourceError(
        Words("展開後の大きさが限度を超えています", "it unpacks to more than is safe"),
        where=where,
        expected=f"<= {MOST_BYTES // 2**20} MiB",
        remedy=_REMEDY,
    )


def _unreadable(where: str, got: str) -> SourceError:
    return SourceError(
        Words("表計算ソフトのブック(.xlsx)として読めません", "this is not a readable workbook (.xlsx)"),
        where=where,
        got=got,
        remedy=_REMEDY,
    )
