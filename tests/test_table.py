"""Text tables with damaged characters: mended and told, or refused, never garbled in silence."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from heatrisk.errors import SourceError
from heatrisk.sources.shelters import read_shelters
from heatrisk.sources.table import damage, read_table
from tests.messages import explains

LIST = (
    "名称,住所,緯度,経度\n中央公民館,三鷹市下連雀1-1-1,35.68,139.56\n東図書館,三鷹市牟礼2-2-2,35.69,139.57\n"
)


def saved(folder: Path, content: bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp932", "cp932"), ("utf-16", "utf-16")],
)
def test_the_encoding_is_named_as_it_is(tmp_path: Path, encoding: str, found: str) -> None:
    table = read_table(saved(tmp_path, LIST.encode(encoding)))
    assert (table.encoding, table.damaged, damage(table, "list.csv")) == (found, (), None)
    assert table.rows[0][1][0] == "名称"


@pytest.mark.parametrize(
    ("encoding", "scar"),
    [("utf-8", b"\xe4\xb8"), ("utf-8", b"\xff"), ("utf-8-sig", b"\xe4"), ("cp932", b"\xff")],
)
def test_a_damaged_character_is_marked_where_it_is(tmp_path: Path, encoding: str, scar: bytes) -> None:
    data = LIST.encode(encoding).replace("東".encode(encoding.removesuffix("-sig")), scar)
    table = read_table(saved(tmp_path, data))
    assert table.encoding == encoding
    assert [cells[0] for _, cells in table.rows[:2]] == ["名称", "中央公民館"]
    assert table.damaged == (3,) and "\ufffd図書館" in table.rows[2][1][0]
    note = damage(table, "list.csv")
    assert note is not None and note.code == "text_damaged"
    assert "list.csv" in note.words.ja and "3" in note.words.ja and "row 3" in note.words.en


@pytest.mark.parametrize("separator", [",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_a_mark_too_many_is_no_character(tmp_path: Path, encoding: str, separator: str) -> None:
    text = "\ufeff" + LIST.replace(",", separator)  # a marked text, saved again in another encoding
    shelters, _ = read_shelters(saved(tmp_path, text.encode(encoding)))
    assert [shelter.name for shelter in shelters] == ["中央公民館", "東図書館"]


@pytest.mark.parametrize(
    ("content", "ja", "en"),
    [
        (b"%PDF-1.7\n1 0 obj", "PDF ファイルであり、表(CSV)ではありません", "this is a PDF, not a table"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "古い形式の Excel ブック(.xls)", "of the old kind (.xls)"),
    ],
)
def test_what_is_no_table_is_called_by_its_name(tmp_path: Path, content: bytes, ja: str, en: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(SourceError) as caught:
        read_shelters(path)
    text = explains(caught.value, path)
    assert ja in text and en in text


def test_a_list_with_a_damaged_row_says_so(tmp_path: Path) -> None:
    path = saved(tmp_path, LIST.encode() + b"\xe4\xb8,x,35.7,139.5\n")
    shelters, reading = read_shelters(path)
    assert [s.name for s in shelters] == ["中央公民館", "東図書館", "\ufffd"]
    assert reading.facts["encoding"] == "utf-8"
    assert "text_damaged" in [note.code for note in reading.notes]


def test_many_damaged_rows_are_counted(tmp_path: Path) -> None:
    rows = LIST * 20
    data = rows.encode().replace("東".encode(), b"\xe6\x9d")
    note = damage(read_table(saved(tmp_path, data)), "list.csv")
    assert note is not None and "20 rows" in note.words.en and len(note.words.en) < 200


@pytest.mark.parametrize(
    "data",
    [
        LIST.encode() + LIST.encode("cp932"),
        LIST.encode("euc-jp"),
        random.Random(1).randbytes(4000).replace(b"\0", b"\1"),
    ],
    ids=["two encodings", "another encoding", "noise"],
)
def test_what_cannot_be_mended_is_refused(tmp_path: Path, data: bytes) -> None:
    path = saved(tmp_path, data)
    with pytest.raises(SourceError) as caught:
        read_table(path)
    assert "CP932" in explains(caught.value, path)


def test_cp932_in_half_width_letters_stays_cp932(tmp_path: Path) -> None:
    text = "名称,ｶﾅ\n図書館,ﾄｼﾖｶﾝ\n公民館,ｺｳﾐﾝｶﾝ\n"
    table = read_table(saved(tmp_path, text.encode("cp932")))
    assert (table.encoding, table.rows[2][1]) == ("cp932", ("公民館", "ｺｳﾐﾝｶﾝ"))


def test_rows_of_utf8_pasted_into_cp932_are_damaged(tmp_path: Path) -> None:
    head, *rows = LIST.splitlines(keepends=True)
    pasted = "図書館,1-2,35.70,139.58\n"
    assert "\ufffd" not in pasted.encode().decode("cp932", "replace"), "no byte of it is wrong"
    data = (head + "".join(rows * 8)).encode("cp932") + pasted.encode()
    table = read_table(saved(tmp_path, data))
    assert (table.encoding, table.damaged) == ("cp932", (18,))


@pytest.mark.parametrize(
    "name", ["ﾄｼ", "ﾃｨｰﾙｰﾑ", "Café", "籠宮", "髙島屋", "①号館", "みどりの家", "薔薇館", "﨑山", "茗渓", ""]
)
def test_rare_letters_are_no_damage(tmp_path: Path, name: str) -> None:
    table = read_table(saved(tmp_path, (LIST + f"{name},x,1,1\n").encode()))
    assert table.damaged == ()
