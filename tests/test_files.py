"""Files wherever they lie: folders, patterns, zips, zips within zips; and zips that mean harm."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heatrisk.errors import HeatRiskError, SourceError, SourceIncompleteError, SourceUnavailableError
from heatrisk.sources import files
from heatrisk.sources.files import Member, members, on_disk
from heatrisk.sources.reading import Reading


def packed(**contents: bytes) -> bytes:
    """Return a zip of some files; ``__`` stands for ``/`` and a trailing ``_x`` for ``.x``."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(".".join(name.replace("__", "/").rsplit("_", 1)), content)
    return stream.getvalue()


def names(found: list[Member], root: Path) -> list[str]:
    return [member.name.removeprefix(f"{root}/") for member in found]


def test_a_file_named_outright_is_taken_whatever_its_ending(tmp_path: Path) -> None:
    file = tmp_path / "buildings.dat"
    file.write_bytes(b"abc")
    (found,) = members([file], (".gml",))
    assert (found.path, found.inside, found.size, found.read(10)) == (file, (), 3, b"abc")


def test_folders_are_searched_to_the_bottom_in_order(tmp_path: Path) -> None:
    for name in ("b.gml", "a/2.GML", "a/1.gml", "a/1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert names(members([tmp_path], (".gml",)), tmp_path) == ["a/1.gml", "a/2.GML", "b.gml"]


def test_patterns_are_matched_and_paths_keep_their_order(tmp_path: Path) -> None:
    for name in ("x1.gml", "x2.gml", "y.gml"):
        (tmp_path / name).write_bytes(b"x")
    found = members([tmp_path / "y.gml", tmp_path / "x*.gml", tmp_path / "x1.gml"], (".gml",))
    assert names(found, tmp_path) == ["y.gml", "x1.gml", "x2.gml"]


def test_a_name_that_looks_like_a_pattern_is_a_name_first(tmp_path: Path) -> None:
    (tmp_path / "a[1].gml").write_bytes(b"x")
    assert len(members([tmp_path / "a[1].gml"], (".gml",))) == 1


def test_zips_and_zips_within_zips_are_read_where_they_are(tmp_path: Path) -> None:
    outer = packed(one_xml=b"1", inner_zip=packed(two_xml=b"2", deep_zip=packed(three_xml=b"3")), a_txt=b"")
    (tmp_path / "dem.zip").write_bytes(outer)
    found = members([tmp_path], (".xml",))
    assert names(found, tmp_path) == ["dem.zip/inner.zip/two.xml", "dem.zip/one.xml"]
    assert [member.read(10) for member in found] == [b"2", b"1"]
    assert on_disk(found) == [tmp_path / "dem.zip"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dem.zip"]


def test_of_a_delivery_only_the_wanted_theme_is_taken(tmp_path: Path) -> None:
    content = packed(udx__bldg__1_gml=b"b", udx__dem__1_gml=b"d", top_gml=b"t")
    (tmp_path / "13204.zip").write_bytes(content)
    (tmp_path / "udx" / "dem").mkdir(parents=True)
    (tmp_path / "udx" / "dem" / "2.gml").write_bytes(b"d")
    found = names(members([tmp_path], (".gml",), theme="bldg"), tmp_path)
    assert found == ["13204.zip/top.gml", "13204.zip/udx/bldg/1.gml"]


def test_names_of_a_japanese_windows_are_read(tmp_path: Path) -> None:
    content = packed(abcd_gml=b"x").replace(b"abcd.gml", "建物".encode("cp932") + b".gml")
    (tmp_path / "a.zip").write_bytes(content)
    assert names(members([tmp_path / "a.zip"], (".gml",)), tmp_path) == ["a.zip/建物.gml"]


@pytest.mark.parametrize("name", ["../out.gml", "/etc/passwd.gml", "a/../../b.gml", "C:/x.gml", "..\\x.gml"])
def test_names_that_leave_the_zip_are_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    with pytest.raises(SourceError, match="points outside"):
        members([tmp_path / "a.zip"], (".gml",))


def test_an_encrypted_zip_is_refused(tmp_path: Path) -> None:
    content = bytearray(packed(a_gml=b"x"))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(SourceError, match="encrypted"):
        members([tmp_path / "a.zip"], (".gml",))


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    content = bytearray(packed(a_gml=b"0" * 1000))
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", 4_000_000_000)
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(SourceError, match="more than is safe"):
        members([tmp_path / "a.zip"], (".gml",))


@pytest.mark.parametrize("nested", [False, True])
def test_a_bomb_of_many_members_is_refused_too(
    tmp_path: Path, nested: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each member is small enough by itself."""
    monkeypatch.setattr(files, "_BOMB_TOTAL", 2 * 10**6)
    inner = packed(**{f"a{number}_gml": b"0" * 100_000 for number in range(30)})
    outer = packed(**{f"b{number}_zip": inner for number in range(30)}) if nested else inner
    (tmp_path / "a.zip").write_bytes(outer)
    with pytest.raises(SourceError, match="more than is safe"):
        members([tmp_path / "a.zip"], (".gml",))
    # The same bytes at the ratio of real data are no bomb.
    (tmp_path / "b.zip").write_bytes(
        packed(**{f"a{n}_gml": b"0" * 100_000 for n in range(30)}, pad_gml=RANDOM)
    )
    assert len(members([tmp_path / "b.zip"], (".gml",))) == 31


RANDOM = random.Random(1).randbytes(20_000)


def test_names_end_a_path_of_any_system() -> None:
    for member in (Member(Path("d/A.GML")), Member(Path("a.zip"), ("b.zip", "udx/x/A.GML"))):
        assert (member.filename, member.suffix) == ("A.GML", ".gml")
    assert Member(Path("a.zip"), ("udx\\x\\A.GML",)).filename == "A.GML"


def test_a_member_longer_than_allowed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(packed(a_gml=b"0" * 1001))
    (member,) = members([tmp_path / "a.zip"], (".gml",))
    assert len(member.read(1001)) == 1001
    with pytest.raises(SourceError, match=r"a\.zip/a\.gml.*more than is safe"):
        member.read(1000)


def test_damage_inside_a_member_is_told_with_its_name(tmp_path: Path) -> None:
    content = bytearray(packed(a_gml=bytes(range(256)) * 40))
    content[60] ^= 0xFF
    (tmp_path / "a.zip").write_bytes(content)
    (member,) = members([tmp_path / "a.zip"], (".gml",))
    with pytest.raises(SourceError, match=r"a\.zip/a\.gml.*damaged"):
        member.read(20_000)


def test_what_is_missing_is_told_in_the_readers_language(tmp_path: Path) -> None:
    for path in (tmp_path / "none.gml", tmp_path / "none*.gml"):
        with pytest.raises(SourceUnavailableError) as caught:
            members([path], (".gml",))
        assert "見つかりません" in caught.value.text("ja")
        assert "No such file" not in caught.value.text("ja")
    with pytest.raises(SourceUnavailableError, match="folder, not a file"):
        Reading.of("weather", tmp_path)
    with pytest.raises(SourceIncompleteError, match=r"no file of a usable kind.*expected \.gml"):
        members([tmp_path], (".gml",))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_zip_never_ends_in_a_librarys_exception(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(packed(a_gml=b"some text " * 50, b_zip=packed(c_gml=b"more")))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("zip") / "fuzzed.zip"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        for member in members([path], (".gml",)):
            member.read(10_000)
    except HeatRiskError as error:
        assert "fuzzed.zip" in str(error)


def test_the_record_of_several_files_names_each(tmp_path: Path) -> None:
    for name in ("a.gml", "b.gml"):
        (tmp_path / name).write_bytes(name.encode())
    one = Reading.of("buildings", tmp_path / "a.gml")
    both = Reading.of("buildings", tmp_path / "a.gml", tmp_path / "b.gml", named=tmp_path)
    assert [file.name for file in both.files] == ["a.gml", "b.gml"]
    assert (both.path, both.bytes, both.files[0]) == (tmp_path, 10, one.files[0])
    assert one.sha256 == one.files[0].sha256 != both.sha256
    assert both.modified is not None and both.as_of is None
