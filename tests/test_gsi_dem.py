"""GSI elevation files: order, offsets, no data, encodings, and everything that is refused."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.errors import HeatRiskError, SourceError, SourceIncompleteError
from heatrisk.sources.files import Member, members
from heatrisk.sources.terrain.gsi_dem import read_head, read_values
from tests.elevation import gsi_xml
from tests.messages import SHARED, explains

SMALL = {"limits": "2 1", "low": (35.0, 139.0), "high": (35.0 + 0.4 / 3600, 139.0 + 0.6 / 3600)}


def read(path: Path, content: bytes) -> np.ndarray:
    path.write_bytes(content)
    member = Member(path, (), len(content))
    mesh = read_head(member)
    assert mesh is not None
    return read_values(member, mesh)


def test_rows_run_southwards_and_columns_eastwards(tmp_path: Path) -> None:
    values = read(tmp_path / "a.xml", gsi_xml([1, 2, 3, 4, 5, 6], **SMALL))
    assert values.tolist() == [[1, 2, 3], [4, 5, 6]]
    mesh = read_head(Member(tmp_path / "a.xml"))
    assert mesh is not None
    assert (mesh.kind, mesh.datum, mesh.shape) == ("DEM5A", "JGD2011", (2, 3))
    np.testing.assert_allclose(mesh.transform[:6], [0.2 / 3600, 0, 139, 0, -0.2 / 3600, 35 + 0.4 / 3600])


@pytest.mark.parametrize("place", [b"<gml:Envelope ", b"<gml:sequenceRule ", b"<?xml "])
def test_tags_without_end_cost_their_length(tmp_path: Path, place: bytes) -> None:
    content = gsi_xml([1, 2, 3, 4, 5, 6], **SMALL)
    broken = place * 200_000
    began = time.process_time()
    for damaged in (content.replace(b"<DEM", broken[:60_000] + b"<DEM", 1), content + broken):
        damaged = damaged.replace(b"</Dataset>\n", b"") + b"</Dataset>"
        with contextlib.suppress(SourceError):
            read(
                tmp_path / "a.xml", damaged.replace(b'<gml:sequenceRule order="+x-y">', b"<gml:sequenceRule>")
            )
    assert time.process_time() - began < 5.0, "quadratic search takes hours"


@pytest.mark.parametrize(
    ("start", "values", "expected"),
    [
        ("1 0", [1, 2], [[np.nan, 1, 2], [np.nan] * 3]),
        ("2 1", [7], [[np.nan] * 3, [np.nan, np.nan, 7]]),
        ("0 1", [], [[np.nan] * 3] * 2),
    ],
)
def test_tuples_left_out_at_both_ends(
    tmp_path: Path, start: str, values: list[float], expected: list[list[float]]
) -> None:
    np.testing.assert_array_equal(read(tmp_path / "a.xml", gsi_xml(values, start=start, **SMALL)), expected)


def test_no_data_is_decided_by_value(tmp_path: Path) -> None:
    for surface in ("地表面", "表層面", "その他", "内水面", "海水面", "データなし"):
        content = gsi_xml([1, -9999, -2.5, 0, -9998, 99999], surface=surface, **SMALL)
        np.testing.assert_array_equal(
            read(tmp_path / "a.xml", content), [[1, np.nan, -2.5], [0, np.nan, np.nan]]
        )


@pytest.mark.parametrize("encoding", ["UTF-8", "Shift_JIS", "windows-31j"])
def test_encodings_and_kinds(tmp_path: Path, encoding: str) -> None:
    kinds = {"5mメッシュ(標高)": "DEM5A", "5mメッシュ(数値地形)": "DEM5B", "10mメッシュ(標高)": "DEM10B"}
    for stated, kind in (kinds | {"1mメッシュ(標高)": "DEM1A", "10mメッシュ(火山標高)": "DEM10A"}).items():
        content = gsi_xml([1] * 6, kind=stated, encoding=encoding, **SMALL)
        assert read(tmp_path / "a.xml", content).tolist() == [[1] * 3] * 2
        mesh = read_head(Member(tmp_path / "a.xml"))
        assert mesh is not None
        assert mesh.kind == kind
    bom = b"\xef\xbb\xbf" + gsi_xml([1] * 6, **SMALL).replace(b"\n", b"\r\n")
    assert read(tmp_path / "a.xml", bom).tolist() == [[1] * 3] * 2


def test_other_xml_is_no_elevation(tmp_path: Path) -> None:
    path = tmp_path / "fmdid15-3201.xml"
    path.write_text("<?xml version='1.0'?><MD_Metadata><DEMO/></MD_Metadata>")
    assert read_head(Member(path)) is None


BOMB = b'<!DOCTYPE Dataset [<!ENTITY a "1"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><Dataset '
TUPLES = b"</gml:tupleList>"
FAULTS: dict[str, tuple[bytes, type[HeatRiskError]]] = {
    "order": (gsi_xml([1] * 6, order="+x+y", **SMALL), SourceError),
    "start outside": (gsi_xml([1], start="3 0", **SMALL), SourceError),
    "negative start": (gsi_xml([1], start="-1 0", **SMALL), SourceError),
    "too many": (gsi_xml([1] * 7, **SMALL), SourceError),
    "huge limits": (gsi_xml([1], **SMALL | {"limits": "1000000000 1000000000"}), SourceError),
    "negative limits": (gsi_xml([1], **SMALL | {"limits": "-5 3"}), SourceError),
    "half limits": (gsi_xml([1], **SMALL | {"limits": "2.5 1"}), SourceError),
    "endless digits": (gsi_xml([1], **SMALL | {"limits": "9" * 400 + " 1"}), SourceError),
    "corners": (gsi_xml([1] * 6, **SMALL | {"low": (36.0, 139.0)}), SourceError),
    "off the earth": (gsi_xml([1] * 6, **SMALL | {"high": (99.0, 199.0)}), SourceError),
    "system": (gsi_xml([1] * 6, system="fguuid:tokyo97.bl", **SMALL), SourceError),
    "encoding": (gsi_xml([1] * 6, **SMALL).replace(b'"UTF-8"', b'"EBCDIC-JP"'), SourceError),
    "bomb": (gsi_xml([1] * 6, **SMALL).replace(b"<Dataset ", BOMB, 1), SourceError),
    "cut": (gsi_xml([1] * 6, **SMALL)[:-300], SourceIncompleteError),
    "number": (gsi_xml([1] * 6, **SMALL).replace(b",1.00", b",1.0x", 1), SourceError),
    "no comma": (gsi_xml([1] * 6, **SMALL).replace(b",1.00", b"", 1), SourceError),
    "shifted": (gsi_xml([1] * 6, **SMALL).replace(b",1.00", b"", 2), SourceError),
    "two lists": (
        gsi_xml([1] * 6, **SMALL).replace(TUPLES, TUPLES + b"<gml:tupleList>" + TUPLES),
        SourceError,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_refused_by_name(tmp_path: Path, fault: str) -> None:
    content, kind = FAULTS[fault]
    path = tmp_path / "a.xml"
    with pytest.raises(kind) as caught:
        read(path, content)
    explains(caught.value, path)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_bytes_never_surprise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = bytearray(gsi_xml([1.5] * 6, **SMALL))
    for _ in range(data.draw(st.integers(0, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=10))
    path = tmp_path_factory.getbasetemp() / "fuzz.xml"
    path.write_bytes(bytes(content))
    member = Member(path, (), len(content))
    try:
        mesh = read_head(member)
        values = None if mesh is None else read_values(member, mesh)
    except HeatRiskError as error:
        explains(error, path)
    else:
        assert values is None or np.nanmax(values, initial=0) < 9000


@pytest.mark.skipif(not (SHARED / "gsi_dem").exists(), reason="real GSI files are not beside this checkout")
def test_real_files_hold_every_value_that_their_text_shows() -> None:
    found = members([SHARED / "gsi_dem"], (".xml",))
    assert len(found) == 9
    for member in found:
        text = member.read(2**24).decode("utf-8-sig")
        numbers = [float(number) for number in re.findall(r"^[^\s,<]+,(-?[\d.]+)\s*$", text, re.MULTILINE)]
        ground = [number for number in numbers if number > -9998]
        mesh = read_head(member)
        assert mesh is not None
        values = read_values(member, mesh)
        assert np.isfinite(values).sum() == len(ground) > 0
        np.testing.assert_allclose(values[np.isfinite(values)], ground, atol=1e-3)
