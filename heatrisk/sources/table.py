"""Tables as cities hand them over: unknown encoding, odd headers, blank lines, marks for "nothing"."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from heatrisk.errors import SourceError
from heatrisk.words import Words

#: A table larger than this is not one of ours; refusing it keeps memory bounded.
MAX_BYTES = 256 * 2**20

#: Marks that stand for "nothing" in municipal tables.
NIL = frozenset(
    {"", "na", "n/a", "null", "none", "-", "ー", "―", "—", "–", "−", "なし", "無し", "無", "不明", "未定"}
)

_AS_CSV = Words(
    "表計算ソフトで「CSV (コンマ区切り)」として保存し直してください",
    "Save it again from the spreadsheet as comma-separated values (CSV).",
)


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Parameters
    ----------
    rows : tuple of (int, tuple of str)
        Row number as a spreadsheet shows it, and the cells; rows without any text are left out.
    encoding : str
        The encoding that was found.
    """

    rows: tuple[tuple[int, tuple[str, ...]], ...]
    encoding: str


def read_table(path: Path) -> Table:
    """Read a delimited text file in whatever encoding it has.

    Encodings are tried in the order byte-order mark, UTF-8, CP932, because valid UTF-8 is hardly ever
    anything else while CP932 accepts almost any bytes.

    Parameters
    ----------
    path : pathlib.Path
        The file, separated by commas or tabs.

    Raises
    ------
    SourceError
        It is no text table, is too large, or cannot be split into cells.
    """
    text, encoding = _decoded(path)
    head = text[:4096]
    separator = "\t" if head.count("\t") > head.count(",") else ","
    try:
        rows = [
            (number, tuple(cell.strip() for cell in row))
            for number, row in enumerate(
                csv.reader(io.StringIO(text, newline=""), delimiter=separator), start=1
            )
        ]
    except csv.Error as error:
        raise SourceError(
            Words("表として読めません", "the file cannot be split into rows and cells"),
            where=path,
            got=str(error),
            remedy=_AS_CSV,
        ) from error
    filled = tuple((number, row) for number, row in rows if any(row))
    if not filled:
        raise SourceError(Words("表に行がありません", "the table has no rows"), where=path, remedy=_AS_CSV)
    return Table(filled, encoding)


def _decoded(path: Path) -> tuple[str, str]:
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SourceError(
            Words("ファイルが大きすぎます", "the file is too large for a table"),
            where=path,
            expected=f"<= {MAX_BYTES // 2**20} MiB",
            remedy=_AS_CSV,
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
        remedy=_AS_CSV,
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
