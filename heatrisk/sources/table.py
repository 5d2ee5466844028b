"""Tables as cities hand them over: unknown encoding, odd headers, blank lines, marks for "nothing"."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from heatrisk.errors import SourceError
from heatrisk.sources.files import Member
from heatrisk.sources.spreadsheet import SIGNATURE, read_sheets, too_long
from heatrisk.words import Note, Words

#: A table larger than this is not one of ours; refusing it keeps memory bounded.
MAX_BYTES = 256 * 2**20

#: Rows that are taken where the caller names no other limit.
MOST_ROWS = 5_000_000

#: Marks that stand for "nothing" in municipal tables.
NIL = frozenset(
    {
        "",
        "na",
        "n/a",
        "null",
        "none",
        "-",
        "--",
        "///",
        "ー",
        "―",
        "—",
        "–",
        "−",
        "なし",
        "無し",
        "無",
        "不明",
        "未定",
    }
)

#: What stands where a character was damaged.
_DAMAGED = "\ufffd"

#: What bytes become that mean nothing in CP932.
_UNASSIGNED = "\x80\xa0\uf8f1\uf8f2\uf8f3"

_ASCII = bytes(range(128))

_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

#: What to do with a file that is no text table.
AS_CSV = Words(
    "表計算ソフトで CSV (コンマ区切り)か Excel ブック(.xlsx)として保存し直してください",
    "Save it again from the spreadsheet as comma-separated values (CSV) or as a workbook (.xlsx).",
)

#: What else is taken for a table, by how it begins.
_PDF = b"%PDF-"
_OTHERS = {
    _PDF: Words("PDF ファイル", "a PDF"),
    b"\xd0\xcf\x11\xe0": Words("古い形式の Excel ブック(.xls)", "a workbook of the old kind (.xls)"),
}
_ORIGINAL = Words(
    "PDF の元になった表を CSV か Excel ブック(.xlsx)で入手してください",
    "Ask for the table that the PDF was made from, as CSV or as a workbook (.xlsx).",
)


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Parameters
    ----------
    rows : tuple of (int, tuple of str)
        Row number as a spreadsheet shows it, and the cells; rows without any text are left out.
    encoding : str
        The encoding that was found, ``utf-8-sig`` where a byte-order mark says so; ``xlsx`` for a workbook.
    sheet : str
        Title of the sheet; empty for a text file.
    """

    rows: tuple[tuple[int, tuple[str, ...]], ...]
    encoding: str
    sheet: str = ""

    @cached_property
    def damaged(self) -> tuple[int, ...]:
        """Numbers of the rows in which a character is lost, U+FFFD in its place, or stands for another."""
        return tuple(number for number, cells in self.rows if any(map(_is_damaged, cells)))


def _is_damaged(cell: str) -> bool:
    """Tell whether a cell lost a character, or is UTF-8 taken for CP932, as from a row pasted in."""
    if _DAMAGED in cell:
        return True
    if cell.isascii():  # the same in both encodings, as most cells are
        return False
    try:
        meant = cell.encode("cp932").decode()
    except UnicodeError:
        return False
    # By chance two kanji (﨑山) may be one other letter of Asia's, but hardly ever several.
    return sum(letter >= "\u0800" for letter in meant) > 1


def damage(table: Table, name: str) -> Note | None:
    """Return the remark that rows of a table hold damaged characters, or None.

    Parameters
    ----------
    table : Table
        The table.
    name : str
        The file, as people know it.
    """
    if not table.damaged:
        return None
    total, shown = len(table.damaged), [str(number) for number in table.damaged[:5]]
    more_ja, more_en = ("ほか", ", …") if total > len(shown) else ("", "")
    return Note.of(
        "text_damaged",
        f"{name} の {total} 行に読めない文字があります({'、'.join(shown)} 行目{more_ja})。"
        "元のファイルを確かめてください",
        f"{name}: characters are damaged in {total} row{'s' * (total > 1)} "
        f"(row {', '.join(shown)}{more_en}); check the original",
    )


def read_table(file: Path | Member, most: int = MOST_ROWS) -> Table:
    """Read a text table, or the first sheet of a workbook that holds anything; see :func:`read_tables`."""
    return read_tables(file, most)[0]


def read_tables(file: Path | Member, most: int = MOST_ROWS) -> list[Table]:
    """Read the tables of a file: a delimited text in whatever encoding it has, or an Excel workbook.

    Encodings are tried as :func:`decoded` tells; rows with damaged characters are in :attr:`Table.damaged`.

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

    Encodings are tried in the order byte-order mark, UTF-8, CP932, because valid UTF-8 is hardly ever
    anything else while CP932 accepts almost any bytes, those of damaged UTF-8 too. A text with a few damaged
    characters keeps its encoding: U+FFFD stands in their place.

    Parameters
    ----------
    file : Member
        The file.

    Raises
    ------
    SourceError
        It is no text, too much of it is damaged, or it is too large.
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
    for mark, kind in _OTHERS.items():
        if data.startswith(mark):
            raise SourceError(
                Words(f"{kind.ja}であり、表(CSV)ではありません", f"this is {kind.en}, not a table (CSV)"),
                where=path,
                expected=".csv / .xlsx",
                remedy=_ORIGINAL if mark == _PDF else AS_CSV,
            )
    encoding = _encoding(data)
    # A mark too many, as programs leave it that save a marked text in another encoding, is no character.
    text = data.decode(encoding, "replace").lstrip("\ufeff")
    if encoding == "cp932":
        for unassigned in _UNASSIGNED:
            text = text.replace(unassigned, _DAMAGED)
    # Of random bytes far more than one in twenty is damaged, whatever one takes them for.
    if "\0" not in text and text.count(_DAMAGED) * 20 <= len(data.translate(None, _ASCII)):
        return text, encoding
    raise SourceError(
        Words("文字の表(CSV)ではありません", "this is not a text table (CSV)"),
        where=path,
        expected="UTF-8 / CP932",
        got=f"{data[:8]!r}",
        remedy=AS_CSV,
    )


def _encoding(data: bytes) -> str:
    """Return the encoding of bytes: by their mark, else the one in which most of them make sense."""
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding
    # What is not ASCII tells; in UTF-8 it stays whole without the rest.
    telling = data.translate(None, _ASCII)[: 2**20].decode("utf-8", "replace")
    return "utf-8" if telling.count(_DAMAGED) * 2 < len(telling) or not telling else "cp932"


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
