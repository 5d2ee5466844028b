"""Lists of trees: headers of every kind, units, encodings, rows that cannot be used."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError
from heatrisk.sources.files import Member, members
from heatrisk.sources.trees.tree_points import read_tree_points
from tests.messages import explains


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "gairoju.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_street_trees_of_tokyo(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, "樹種,緯度,経度\nイチョウ,35.68,139.56\nケヤキ,35.69,139.57\n", encoding)
    plants, refused, facts = read_tree_points(Member(path))
    assert refused == ()
    assert plants["species"].tolist() == ["イチョウ", "ケヤキ"]
    assert [(point.x, point.y) for point in plants.geometry] == [(139.56, 35.68), (139.57, 35.69)]
    assert plants["height"].isna().all()
    assert plants["crown"].isna().all()
    assert facts["columns"] == {"lat": "緯度", "lon": "経度", "species": "樹種"}


@pytest.mark.parametrize(
    "header, height, crown",
    [
        ("緯度,経度,樹高,枝張り", 6.5, 3.0),
        ("緯度（世界測地系）,経度（世界測地系）,樹高（ｍ）,葉張(m)", 6.5, 3.0),
        ("lat,lon,height,crown_diameter", 6.5, 3.0),
        ("Latitude,Longitude,tree height,Crown Spread", 6.5, 3.0),
        ("緯度,経度,樹高(cm),枝張(cm)", 0.065, 0.03),
        ("緯度,経度,幹周,備考", math.nan, math.nan),
    ],
)
def test_headers_and_units(tmp_path: Path, header: str, height: float, crown: float) -> None:
    plants, _, _ = read_tree_points(Member(written(tmp_path, f"{header}\n35.68,139.56,6.5,3\n")))
    np.testing.assert_allclose([plants["height"][0], plants["crown"][0]], [height, crown])


def test_numbers_as_people_write_them(tmp_path: Path) -> None:
    rows = ["６．５ｍ", "6.5m", " 6.5 ", "6.5メートル", "約6m", "-", "1e999"]
    text = "緯度,経度,樹高\n" + "".join(f"３５．６８,139.56,{cell}\n" for cell in rows)
    plants, refused, _ = read_tree_points(Member(written(tmp_path, text)))
    assert refused == ()
    np.testing.assert_equal(plants["height"].tolist(), [6.5] * 4 + [math.nan] * 3)


def test_rows_are_named_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    text = (
        '街路樹一覧,,\n\n"緯度\n(北緯)",経度,樹高\n35.68,139.56,8\n\n,,\n-,139.56,8\nNA,NA,7\n139.56,35.68,8\n'
        '35度40分,139.56,8\n0,0,8\n35.68,999,8\n35.69,139.57,"9"\n'
    )
    plants, refused, facts = read_tree_points(Member(written(tmp_path, text)))
    assert plants["id"].tolist() == ["4", "13"]
    assert plants["height"].tolist() == [8.0, 9.0]
    assert [(row.where, row.reason.ja[:8]) for row in refused] == [
        ("7", "緯度・経度があり"),
        ("8", "緯度・経度があり"),
        ("9", "緯度と経度が入れ"),
        ("10", "緯度・経度が十進"),
        ("11", "緯度・経度があり"),
        ("12", "緯度・経度が十進"),
    ]
    assert facts["columns"]["lat"] == "緯度 (北緯)"


def test_ragged_rows_and_tabs(tmp_path: Path) -> None:
    path = written(tmp_path, "緯度\t経度\t樹高\n35.68\t139.56\n35.68\t139.56\t7\t余分\t余分\n")
    plants, _, _ = read_tree_points(Member(path))
    np.testing.assert_equal(plants["height"].tolist(), [math.nan, 7.0])


def test_inside_a_zip(tmp_path: Path) -> None:
    path = tmp_path / "trees.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/trees.csv", "緯度,経度,区分\n35.68,139.56,高木\n".encode("cp932"))
    plants, _, facts = read_tree_points(members([path], (".csv",))[0])
    assert (plants["category"].tolist(), facts["encoding"]) == (["高木"], "cp932")


def test_swapped_throughout(tmp_path: Path) -> None:
    path = written(tmp_path, "緯度,経度\n139.56,35.68\n139.57,35.69\n")
    with pytest.raises(InputError) as caught:
        read_tree_points(Member(path))
    explains(caught.value, path)


@pytest.mark.parametrize(
    "content, kind",
    [
        ("樹種,住所\nイチョウ,三鷹市\n".encode(), SourceIncompleteError),
        (b"", SourceIncompleteError),
        (b"\x89PNG\r\n\0\0", SourceError),
        ('緯度,経度\n35,"139\n'.encode(), SourceError),
    ],
)
def test_other_files_are_explained(tmp_path: Path, content: bytes, kind: type[SourceError]) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(kind) as caught:
        read_tree_points(Member(path))
    explains(caught.value, path)


CELLS = st.text(max_size=8) | st.sampled_from(["35.68", "139.56", '"', ",", "\n", "\r", "-9999", "nan", "１"])


@settings(deadline=None)
@given(st.lists(CELLS, max_size=30), st.booleans())
def test_any_table_is_read_or_explained(
    tmp_path_factory: pytest.TempPathFactory, cells: list[str], headed: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    text = ("緯度,経度,樹高,樹種\n" if headed else "") + ",".join(cells)
    path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
    try:
        plants, _, _ = read_tree_points(Member(path))
    except HeatRiskError as error:
        explains(error, path)
    else:
        assert plants.geometry.is_valid.all()
        assert np.isfinite(plants.total_bounds).all() or plants.empty


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_explained(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes("緯度,経度\n".encode() + content)
    try:
        read_tree_points(Member(path))
    except HeatRiskError as error:
        explains(error, path)
