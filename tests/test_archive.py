"""PMTiles archives: numbers of tiles, directories with leaves, and files that are damaged."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.archive import Archive, Facts, Kind, Tile, packed, tile_id, write
from heatrisk.errors import StoreError

BOUNDS = (139.5, 35.6, 139.7, 35.8)


def archive(path: Path, tiles: list[Tile], **facts: object) -> Archive:
    path.write_bytes(packed(tiles, Facts(Kind.PNG, BOUNDS, (10, 19), **facts)))  # type: ignore[arg-type]
    return Archive(path)


def many(count: int) -> list[Tile]:
    rng = random.Random(3)
    places = {(19, rng.randrange(460_000, 460_700), rng.randrange(200_000, 200_700)) for _ in range(count)}
    return [Tile(*place, rng.randbytes(rng.randrange(1, 40))) for place in places]


# Worked examples of the specification, section 4.1.
@pytest.mark.parametrize(
    ("place", "number"),
    [((0, 0, 0), 0), ((1, 0, 0), 1), ((1, 0, 1), 2), ((1, 1, 1), 3), ((1, 1, 0), 4), ((2, 0, 0), 5),
     ((12, 3423, 1763), 19078479)],
)  # fmt: skip
def test_tiles_are_numbered_along_a_hilbert_curve(place: tuple[int, int, int], number: int) -> None:
    assert tile_id(*place) == number


@given(st.integers(1, 12))
def test_neighbours_on_the_curve_are_neighbours_on_the_map(zoom: int) -> None:
    rng = random.Random(zoom)
    x, y = rng.randrange(1 << zoom), rng.randrange(1 << zoom)
    first = ((1 << 2 * zoom) - 1) // 3
    around = [(x + dx, y + dy) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    inside = [place for place in around if all(0 <= part < 1 << zoom for part in place)]
    own = tile_id(zoom, x, y)
    ends = {first, first + 4**zoom - 1}
    near = sum(abs(tile_id(zoom, *place) - own) == 1 for place in inside)
    assert near == (1 if own in ends else 2)


@pytest.mark.parametrize("count", [0, 1, 900, 40_000])
def test_every_tile_comes_back(tmp_path: Path, count: int) -> None:
    tiles = many(count)
    found = archive(tmp_path / "a.pmtiles", tiles)
    assert len(found) == len(tiles)
    for tile in tiles:
        assert found.tile(*tile[:3]) == tile.content
    assert found.tile(19, 1, 1) is None
    assert found.tile(19, 524_287, 524_287) is None
    assert found.tile(3, 0, 0) is None


def test_the_root_directory_stays_within_the_first_read(tmp_path: Path) -> None:
    content = archive(tmp_path / "a.pmtiles", many(40_000)).path.read_bytes()
    root, leaves = (int.from_bytes(content[place : place + 8], "little") for place in (16, 48))
    assert 127 + root <= 16384 and leaves > 0


def test_equal_tiles_are_stored_once_and_the_bytes_depend_on_nothing_else(tmp_path: Path) -> None:
    tiles = [Tile(15, 29000 + k, 12900, bytes(1000)) for k in range(50)]
    found = archive(tmp_path / "a.pmtiles", tiles)
    assert found.path.stat().st_size < 2000
    assert packed(tiles[::-1], found.facts) == packed(tiles, found.facts) == found.path.read_bytes()


@pytest.mark.parametrize("count", [0, 1, 900, 20_000])
def test_written_tile_by_tile_it_is_the_same_file(tmp_path: Path, count: int) -> None:
    tiles = many(count)
    twice = [Tile(18, tile.x, tile.y, tile.content) for tile in tiles]
    facts = Facts(Kind.PNG, BOUNDS, (10, 19), metadata={"name": "町"})
    write(tmp_path / "a.pmtiles", iter(tiles + twice), facts)
    assert (tmp_path / "a.pmtiles").read_bytes() == packed(tiles + twice, facts)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pmtiles"]


def test_the_header_says_what_the_tiles_are(tmp_path: Path) -> None:
    tile = Tile(15, 29000, 12900, gzip.compress(b"values"))
    found = archive(tmp_path / "a.pmtiles", [tile], zipped=True, metadata={"name": "暑さ指数"})
    assert found.facts == Facts(Kind.PNG, BOUNDS, (10, 19), True, {"name": "暑さ指数"})
    assert found.tile(*tile[:3]) == b"values"


def test_another_reader_finds_the_same(tmp_path: Path) -> None:
    reader = pytest.importorskip("pmtiles.reader", reason="pmtiles is not installed")
    tiles = many(40_000)
    found = archive(tmp_path / "a.pmtiles", tiles, metadata={"name": "x"})
    with found.path.open("rb") as file:
        other = reader.Reader(reader.MmapSource(file))
        assert other.metadata() == {"name": "x"}
        assert (other.header()["min_lon_e7"], other.header()["max_zoom"]) == (1_395_000_000, 19)
        for tile in random.Random(5).sample(tiles, 200):
            assert other.get(*tile[:3]) == tile.content


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_archive_is_refused_or_read_within_its_bounds(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    content = bytearray(packed(many(300), Facts(Kind.PNG, BOUNDS, (10, 19))))
    if seed % 3 == 0:
        del content[rng.randrange(0, 900) :]
    for _ in range(rng.randrange(1, 6)):
        if content:
            content[rng.randrange(min(len(content), 700))] = rng.randrange(256)
    path = tmp_path / "a.pmtiles"
    path.write_bytes(content)
    try:
        found = Archive(path)
    except StoreError as error:
        assert str(path) in str(error)
    else:
        for tile in many(300)[:50]:
            part = found.tile(*tile[:3])
            assert part is None or len(part) <= len(content)


def test_a_file_that_is_not_there_is_an_error_of_the_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="damaged"):
        Archive(tmp_path / "none.pmtiles")
