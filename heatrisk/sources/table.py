"""Tables as cities hand them over: unknown encoding, odd headers, blank lines, marks for "nothing"."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from heatrisk.errors import SourceError
from heatrisk.sources.files import Member
from heatrisk.sources.spreadsheet import SIGNATURE, read_sheets, too_long
from heatrisk.words import Words

#: A table larger than this is not one of ours; refusing it keeps memory bounded.
MAX_BYTES = 256 * 2**20

#: Rows that are taken where the caller names no other limit.
MOST_ROWS = 5_000_000

#: Marks that stand for "nothing" in municipal tables.
NIL = frozenset(
    {"", "na", "n/a", "null", "none", "-", "ー", "―", "—", "–", "−", "なし", "無し", "無", "不明", "未定"}
)

#: What to do with a file that is no text table.
AS_CSV = Words(
    "表計算ソフトで CSV (コンマ区切り)か Excel ブック(.xlsx)として保存し直してください",
    "Save it again from the spreadsheet as comma-separated values (CSV) or as a workbook (.xlsx).",
)


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Parameters
    ----------
    rows : tuple of (int, tuple of str)
        Row number as a spreadsheet shows it, and the cells; rows without any text are left out.
    encoding : str
        The encoding that was found; ``xlsx`` for a workbook.
    sheet : str
        Title of the sheet; empty for a text file.
    """

    rows: tuple[tuple[int, tuple[str, ...]], ...]
    encoding: str
    sheet: str = ""


def read_table(file: Path | Member, most: int = MOST_ROWS) -> Table:
    """Read a text table, or the first sheet of a workbook that holds anything; see :func:`read_tables`."""
    return read_tables(file, most)[0]


def read_tables(file: Path | Member, most: int = MOST_ROWS) -> list[Table]:
    """Read the tables of a file: a delimited text in whatever encoding it has, or an Excel workbook.

    Encodings are tried in the order byte-order mark, UTF-8, CP932, because valid UTF-8 is hardly ever
    anything else while CP932 accepts almost any bytes.

    Parameters
    ----------
    file : pathlib.Path or Member
        The file: text separated by commas or tabs, or .xlsx.
    most : int
        Rows with text that are taken at most.

    Returns
    -------
    list of Table
        One for a text; of a workbook, each visible sheet that holds anything. Never empty.

    Raises
    ------
    SourceError
        It is no table, is too large, has more rows, or cannot be split into cells.
    """
    file = file if isinstance(file, Member) else Member(file)
    with file.open() as stream:
        packed = stream.read(len(SIGNATURE)) == SIGNATURE
    if packed:
        sheets = read_sheets(file.read(MAX_BYTES), file.name, most)
        tables = [Table(sheet.rows, "xlsx", sheet.title) for sheet in sheets if sheet.rows]
    else:
        text, encoding = decoded(file)
        rows = tuple(_split(text, file.name, most))
        tables = [Table(rows, encoding)] if rows else []
    if not tables:
        raise SourceError(
            Words("表に行がありません", "the table has no rows"), where=file.name, remedy=AS_CSV
        )
    return tables


def _split(text: str, where: str, most: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    taken = 0
    try:
        cells = csv.reader(io.StringIO(text, newline=""), delimiter=separator(text))
        for number, row in enumerate(cells, start=1):
            stripped = tuple(map(str.strip, row))
            if any(stripped):
                taken += 1
                if taken > most:
                    raise too_long(where, most)
                yield number, stripped
    except csv.Error as error:
        raise SourceError(
            Words("表として読めません", "the file cannot be split into rows and cells"),
            where=where,
            got=str(error),
            remedy=AS_CSV,
        ) from error


def separator(text: str) -> str:
    """Return what stands between the cells of a table: a tab, or a comma."""
    head = text[:4096]
    return "\t" if head.count("\t") > head.count(",") else ","


def decoded(file: Member) -> tuple[str, str]:
    """Return the text of a table, and the encoding that was found.

    Parameters
    ----------
    file : Member
        The file.

    Raises
    ------
    SourceError
        It is no text, or too large.
    """
    path = file.name
    with file.open() as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SourceError(
            Words("ファイルが大きすぎます", "the file is too large for a table"),
            where=path,
            expected=f"<= {MAX_BYTES // 2**20} MiB",
            remedy=AS_CSV,
        )
    candidates = ["utf-16"] if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ["utf-8-sig", "cp932"]
    if candidates == ["utf-16"] or b"\0" not in data:
        for encoding in candidates:
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError:
                continue
    raise SourceError(
        Words("文字の表(CSV)ではありません", "this is not a text table (CSV)"),
        where=path,
        expected="UTF-8 / CP932",
        got=f"{data[:8]!r}",
        remedy=AS_CSV,
    )


def plain(text: str) -> str:
    """Return a cell's text in one form: full-width letters and digits narrowed, outer blanks gone."""
    return unicodedata.normalize("NFKC", text).strip()


def key(header: str) -> str:
    """Return a header cell in the form in which synonyms are written: narrow, no blanks, lower case."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", header)).lower()


def given(text: str) -> str:
    """Return a cell's text, or an empty text where the cell holds a mark for "nothing"."""
    return "" if plain(text).lower() in NIL else text.strip()


def quoted(cells: tuple[str, ...]) -> str:
    """Return a row in the form in which messages quote it: short, on one line."""
    line = ",".join(" ".join(cell.split()) for cell in cells)
    return line if len(line) <= 120 else line[:117] + "…"
