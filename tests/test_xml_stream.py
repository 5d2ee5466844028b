"""XML as a stream: what passes, what is refused, and where."""

from __future__ import annotations

import io
import time

import pytest

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.sources.reading import Refusal
from heatrisk.sources.xml_stream import elements, free, guarded, horizontal, tags

WHOLE = (
    b'<core:CityModel xmlns:core="urn:c"><core:member><x:Thing>1</x:Thing></core:member></core:CityModel>\n'
)
LONG = WHOLE.replace(b"<core:member>", b"<core:member>" + b"<pad>filler</pad>" * 20_000)


def drained(content: bytes, size: int = 4096) -> bytes:
    stream = guarded(io.BytesIO(content), "a.gml")
    return b"".join(iter(lambda: stream.read(size), b""))


@pytest.mark.parametrize("size", [7, 4096, 10**7, -1])
@pytest.mark.parametrize("content", [WHOLE, b"\xef\xbb\xbf" + WHOLE, LONG])
def test_whole_files_pass_unchanged(content: bytes, size: int) -> None:
    if size < 0:
        assert guarded(io.BytesIO(content), "a.gml").read() == content
    else:
        assert drained(content, size) == content


@pytest.mark.parametrize("word", [b'<!DOCTYPE x [<!ENTITY a "b">]>', b'<!ENTITY a "b">'])
@pytest.mark.parametrize("place", [0, 70_000, 300_000])
@pytest.mark.parametrize("size", [11, 32768])
def test_entities_are_refused_wherever_they_stand(word: bytes, place: int, size: int) -> None:
    content = LONG[:place] + word + LONG[place:]
    with pytest.raises(SourceError, match="entity declarations"):
        drained(content, size)


@pytest.mark.parametrize("keep", [len(WHOLE) // 2, len(LONG) - 10, 200_000])
def test_cut_files_are_refused(keep: int) -> None:
    with pytest.raises(SourceIncompleteError, match=r"a\.gml.*cut off"):
        drained(LONG[:keep])


@pytest.mark.parametrize(
    "content", [b"", b"<html></html>", bytes(range(256)), LONG.decode().encode("utf-16")]
)
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(SourceError, match=r"a\.gml"):
        drained(content)


def test_zero_bytes_are_refused() -> None:
    with pytest.raises(SourceError, match="zero bytes"):
        drained(LONG[:100_000] + b"\0" + LONG[100_000:])


def test_elements_by_local_name_whatever_the_prefix() -> None:
    other = WHOLE.replace(b"x:Thing", b"Thing").replace(b'"urn:c"', b'"urn:c" xmlns="urn:d"')
    for content in (WHOLE, other):
        found = [
            (name, element.text)
            for name, element in elements(guarded(io.BytesIO(content), "a.gml"), tags("x:Thing"))
        ]
        assert found == [("Thing", "1")]


def test_memory_is_given_back() -> None:
    things = b"".join(b"<x:Thing><y>%d</y></x:Thing>" % number for number in range(5000))
    content = WHOLE.replace(b"<x:Thing>1</x:Thing>", things)
    most = 0
    for _, element in elements(guarded(io.BytesIO(content), "a.gml"), tags("x:Thing")):
        free(element)
        most = max(most, len(element.getparent()))
    assert most < 2000, "no more than the parser reads ahead, 32 KiB"


def test_damage_is_told_and_errors_pass_through_the_parser() -> None:
    damage: list[Refusal] = []
    broken = WHOLE.replace(b"<core:member>", b"<core:member><a &&& b></c>")
    list(elements(guarded(io.BytesIO(broken), "a.gml"), tags("x:Thing"), damage))
    assert damage
    assert damage[0].where == "line 1"
    with pytest.raises(SourceIncompleteError):
        list(elements(guarded(io.BytesIO(WHOLE[:-12]), "a.gml"), tags("x:Thing")))


@pytest.mark.parametrize("text", ["EPSG" + "a" * 10**6, "EPSG" * 250_000, "EPSG" + "1." * 500_000])
def test_a_name_of_any_length_costs_its_length(text: str) -> None:
    began = time.process_time()
    assert horizontal(f"{text}/", "a.gml").to_epsg() == 6668
    assert time.process_time() - began < 1.0, "quadratic search takes minutes"


def test_systems_by_name() -> None:
    for name in ("http://www.opengis.net/def/crs/EPSG/0/6697", "EPSG:6668", "urn:ogc:def:crs:EPSG::6697", ""):
        assert horizontal(name, "a.gml").to_epsg() == 6668
    with pytest.raises(SourceError, match="coordinate system"):
        horizontal("EPSG:99999", "a.gml")
