"""The contract of every reader: damaged files end in words, soon, and never in a library's exception.

``HEATRISK_FUZZ=20`` tries twenty times as many files; ``HEATRISK_FUZZ_REPORT=counts.json`` writes how many
were tried and refused of each kind.
"""

from __future__ import annotations

import faulthandler
import json
import os
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatrisk.errors import HeatRiskError
from heatrisk.words import Words
from tests.doors import Door, doors
from tests.elevation import zipped
from tests.messages import explains

TIMES = int(os.environ.get("HEATRISK_FUZZ", "1"))

#: One small file, on a busy computer [s], and what reading it may add to the memory [MiB].
LONGEST, LARGEST = 20.0, 768

KINDS = tuple(doors())

#: How many files of each kind were tried, and how many of them were refused.
TRIED: Counter[str] = Counter()
REFUSED: Counter[str] = Counter()


@pytest.fixture(autouse=True, scope="module")
def _bounded() -> Iterator[None]:
    yield
    faulthandler.cancel_dump_traceback_later()
    told = os.environ.get("HEATRISK_FUZZ_REPORT")
    if told:
        Path(told).write_text(json.dumps({kind: [TRIED[kind], REFUSED[kind]] for kind in KINDS}, indent=1))


def laid(door: Door, folder: Path, content: bytes) -> Path:
    """Write a file with those it needs beside it."""
    path = folder / door.name
    path.parent.mkdir(parents=True, exist_ok=True)
    for name, other in door.beside.items():
        (path.parent / name).write_bytes(other)
    path.write_bytes(content)
    return path


def read_back(kind: str, content: bytes) -> None:
    """Read some bytes; nothing but words may come out, and nothing may be left beside the file."""
    door = doors()[kind]
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        path = laid(door, folder, content)
        before = sorted(folder.rglob("*"))
        # A hang in a library cannot be interrupted, only ended: with the place where it hangs.
        faulthandler.dump_traceback_later(6 * LONGEST, exit=True)
        began, memory = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        TRIED[kind] += 1
        try:
            door.read(path)
        except HeatRiskError as error:
            REFUSED[kind] += 1
            # A shapefile is named by its .shp, several files by their folder.
            assert re.search(
                re.escape(str(path.with_suffix(""))) + "|" + re.escape(str(path.parent)), error.text("ja")
            )
            assert isinstance(error.what, Words), error.what
            assert isinstance(error.remedy, Words), f"no remedy: {error}"
            assert len(error.text("en")) < 3000
        assert time.perf_counter() - began < LONGEST
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < LARGEST * 1024
        assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("kind", KINDS)
def test_good_file_reads(kind: str, tmp_path: Path) -> None:
    door = doors()[kind]
    door.read(laid(door, tmp_path, door.pack(door.good)))


#: What people and programs put where a number should be.
ABSURD = (
    b"", b"-", b"NaN", b"nan", b"inf", b"-Infinity", b"1e309", b"-9999", b"9" * 400, b"1e-320", b"0x10",
    b"null", b"true", b'"', b"-0", "３５".encode(), b"1,234", b"99999999999", b"200", b"-91", b"2025-13-45",
    b"24:61", b"[]",
)  # fmt: skip
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
CODECS = ("utf-8", "cp932", "utf-16", "utf-16-be", "euc-jp", "latin-1", "utf-32", "utf-7")


def _noise(data: st.DataObject, content: bytes) -> bytes:
    start = data.draw(st.integers(0, len(content)))
    end = start + data.draw(st.integers(0, 40))
    return content[:start] + data.draw(st.binary(max_size=40)) + content[end:]


def _absurd(data: st.DataObject, content: bytes) -> bytes:
    found = list(NUMBER.finditer(content))
    if not found:
        return content
    one = data.draw(st.sampled_from(found))
    return content[: one.start()] + data.draw(st.sampled_from(ABSURD)) + content[one.end() :]


def _cut(data: st.DataObject, content: bytes) -> bytes:
    return content[: data.draw(st.integers(0, len(content)))]


def _recoded(data: st.DataObject, content: bytes) -> bytes:
    written, meant = data.draw(st.sampled_from(CODECS)), data.draw(st.sampled_from(CODECS))
    return content.decode(written, "replace").encode(meant, "replace")


def _lines(data: st.DataObject, content: bytes) -> bytes:
    """Repeat, drop or swap a piece between two separators."""
    mark = data.draw(st.sampled_from((b"\n", b",", b">", b" ", b"{")))
    parts = content.split(mark)
    one = data.draw(st.integers(0, len(parts) - 1))
    other = data.draw(st.integers(0, len(parts) - 1))
    how = data.draw(st.sampled_from(("repeat", "drop", "swap")))
    if how == "repeat":
        parts[other:other] = [parts[one]] * data.draw(st.sampled_from((1, 2, 50)))
    elif how == "drop":
        del parts[min(one, other) : max(one, other)]
    else:
        parts[one], parts[other] = parts[other], parts[one]
    return mark.join(parts)


HARM = (_noise, _absurd, _cut, _recoded, _lines)
QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(QUICK, max_examples=15 * TIMES)
def test_damaged_files_end_in_words(kind: str, data: st.DataObject) -> None:
    door, content = doors()[kind], doors()[kind].good
    for harm in data.draw(st.lists(st.sampled_from(HARM), min_size=1, max_size=3)):
        content = harm(data, content)
    content = door.pack(content)
    read_back(kind, _noise(data, content) if data.draw(st.booleans()) else content)


@pytest.mark.parametrize("kind", KINDS)
@given(content=st.binary(max_size=300))
@settings(QUICK, max_examples=5 * TIMES)
def test_random_bytes_end_in_words(kind: str, content: bytes) -> None:
    read_back(kind, content)


@pytest.mark.parametrize("kind", KINDS)
def test_lines_doubled_missing_and_turned_around_end_in_words(kind: str) -> None:
    door = doors()[kind]
    lines = door.good.splitlines(keepends=True)
    for content in (
        [*lines, *lines[-1:] * 99],
        lines[:1] + lines[-1:] * 99,
        lines * 2,
        lines[::-1],
        lines[:1],
        lines[:-1],
        lines[1:],
        lines[:1] * 3,
        [line for line in lines for _ in range(2)],
    ):
        read_back(kind, door.pack(b"".join(content)))


#: A thousand million letters, once the entities are put in.
BOMB = (
    b'<!DOCTYPE x [<!ENTITY a "lollollol">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + k, b"&%c;" % (97 + k) * 10) for k in range(9))
    + b"]>"
)


@pytest.mark.parametrize("kind", ["citygml", "citygml zip", "tin", "veg", "gsi dem", "gsi dem zips"])
def test_entity_bombs_are_refused(kind: str, tmp_path: Path) -> None:
    door = doors()[kind]
    head = b'<?xml version="1.0" encoding="UTF-8"?>'
    body = door.good.replace(head, b"").strip()
    with pytest.raises(HeatRiskError) as caught:
        door.read(laid(door, tmp_path, door.pack(head + BOMB + body.replace(b">", b">&j;", 1))))
    explains(caught.value, tmp_path / door.name)


ZIPPED = {"citygml zip": "udx/bldg/a.gml", "gsi dem zips": "a.xml", "shp zip": "a.shp"}


@pytest.mark.parametrize("kind, name", ZIPPED.items())
def test_zips_that_mean_harm_are_refused(kind: str, name: str, tmp_path: Path) -> None:
    door = doors()[kind]
    bomb = zipped({name: bytes(300 * 2**20)})
    inner = zipped({"a.zip": zipped({f"a{k}.zip": bomb for k in range(3)})})
    for content in (bomb, inner, zipped({f"../{name}": door.good}), zipped({f"/{name}": door.good})):
        began = time.perf_counter()
        with pytest.raises(HeatRiskError) as caught:
            door.read(laid(door, tmp_path, content))
        explains(caught.value, tmp_path / door.name)
        assert time.perf_counter() - began < LONGEST
        assert list(tmp_path.iterdir()) == [tmp_path / door.name], "nothing is unpacked"
    assert not (tmp_path.parent / name).exists()


#: Tables whose reader takes a million rows, or refuses them, in seconds; the others are measured apart.
LONG = ("forecast", "shelters csv", "congestion", "equipment", "coordinates", "facilities")


@pytest.mark.parametrize("kind", LONG)
def test_a_million_rows(kind: str, tmp_path: Path) -> None:
    door = doors()[kind]
    head, last = door.good.rstrip().rsplit(b"\n", 1)
    content = head + b"\n" + (last + b"\n") * 10**6
    began, memory = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        door.read(laid(door, tmp_path, content))
    except HeatRiskError as error:
        explains(error, tmp_path / door.name)
    assert time.perf_counter() - began < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 2048 * 1024
