"""Workbooks: cells as one would type them, hidden sheets left out, hostile files refused."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.errors import HeatRiskError, SourceError
from heatrisk.shelters import Opening
from heatrisk.sources import spreadsheet
from heatrisk.sources.shelters import read_shelters
from heatrisk.sources.table import read_table, read_tables
from tests.messages import explains


def workbook(*sheets: list[list[object]], hidden: int = -1) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets):
        sheet = book.create_sheet(f"表{number + 1}")
        for row in rows:
            sheet.append(row)
        if number == hidden:
            sheet.sheet_state = "hidden"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def saved(folder: Path, content: bytes) -> Path:
    path = folder / "list.xlsx"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (35, "35"),
        (35.0, "35"),
        (35.6812, "35.6812"),
        (time(9, 0), "9:00"),
        (timedelta(hours=24), "24:00"),
        (date(2026, 5, 1), "2026/5/1"),
        (datetime(2026, 8, 5, 11, 30), "2026/8/5 11:30"),
        (True, "〇"),
        (" 館 ", "館"),
        ("#N/A", ""),
    ],
)
def test_cells_as_one_would_type_them(tmp_path: Path, value: object, text: str) -> None:
    table = read_table(saved(tmp_path, workbook([["名称", "値"], ["館", value]])))
    assert (table.encoding, table.sheet) == ("xlsx", "表1")
    assert table.rows[1] == (2, ("館", text) if text else ("館",))


def test_a_list_under_titles_on_the_second_sheet(tmp_path: Path) -> None:
    notes: list[list[object]] = [["この表について"], [], ["環境課"]]
    shelters: list[list[object]] = [
        ["クーリングシェルター一覧"],
        [],
        ["施設\n名称", "住所", "緯度", "経度", "曜日", "開始時間", "終了時間", "受入可能人数"],
        ["図書館", "本町1-2", 35.68, 139.56, "月火水木金", time(9, 0), time(17, 0), 35.0],
    ]
    old: list[list[object]] = [["名称", "住所", "緯度", "経度"], ["旧館", "本町3", 35.68, 139.56]]
    path = saved(tmp_path, workbook(old, notes, shelters, hidden=0))
    assert [table.sheet for table in read_tables(path)] == ["表2", "表3"]
    [library], reading = read_shelters(path)
    assert (library.name, library.lat, library.capacity, library.id) == ("図書館", 35.68, 35, "row-4")
    assert library.openings == (Opening(540, 1020, frozenset(range(5))),)
    assert reading.facts["encoding"] == "xlsx"


def replaced(content: bytes, name: str, part: bytes) -> bytes:
    """Return a workbook with another part in the place of one."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            new.writestr(entry.filename, part if entry.filename == name else old.read(entry))
    return stream.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
GOOD = workbook([["名称", "緯度", "経度"], ["館", 35.68, 139.56]])
BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>'


def test_entities_are_refused(tmp_path: Path) -> None:
    for part in (BOMB, BOMB.decode().encode("utf-16")):
        path = saved(tmp_path, replaced(GOOD, SHEET, part))
        with pytest.raises(SourceError) as caught:
            read_table(path)
        assert "DOCTYPE" in explains(caught.value, path)


def test_bombs_are_refused_before_they_go_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_BYTES", 2**20)
    path = saved(tmp_path, replaced(GOOD, SHEET, b" " * 2**21))
    with pytest.raises(SourceError, match="unpacks to more"):
        read_table(path)


def test_far_cells_and_false_dimensions_cost_nothing(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        sheet = archive.read(SHEET)
    far = sheet.replace(b'ref="A1:C2"', b'ref="A1:XFD1048576"').replace(
        b"</sheetData>", b'<row r="900000000"><c r="XFD900000000"><v>1</v></c></row></sheetData>'
    )
    assert far.count(b"XFD") == 2
    table = read_table(saved(tmp_path, replaced(GOOD, SHEET, far)))
    assert [number for number, _ in table.rows] == [1, 2]


def test_too_many_rows_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, workbook([["名称"], *[["館"]] * 30]))
    assert len(read_table(path, 31).rows) == 31
    with pytest.raises(SourceError, match="too many rows"):
        read_table(path, 30)


def test_other_zips_are_explained(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    path = saved(tmp_path, stream.getvalue())
    with pytest.raises(SourceError) as caught:
        read_table(path)
    assert ".xlsx" in explains(caught.value, path)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_workbooks_end_in_words(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    part = bytearray(zipfile.ZipFile(io.BytesIO(GOOD)).read(SHEET))
    start = data.draw(st.integers(0, len(part)))
    part[start : start + data.draw(st.integers(0, 40))] = data.draw(
        st.binary(max_size=40) | st.just(b'r="B0"')
    )
    path = saved(tmp_path_factory.mktemp("damaged"), b"")
    for damaged in (
        bytes(content),
        bytes(content[: data.draw(st.integers(0, len(content)))]),
        replaced(GOOD, SHEET, bytes(part)),
    ):
        path.write_bytes(damaged)
        try:
            read_shelters(path)
        except HeatRiskError as error:
            assert str(path) in error.text("ja")
