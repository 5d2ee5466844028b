"""GSI elevation tiles: the colour code, text, where a tile lies, and what is no tile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pyproj import Transformer

from heatrisk.errors import SourceError
from heatrisk.sources.files import Member, members
from heatrisk.sources.terrain.gsi_tiles import CRS, Tile, read_tile, tile_of
from tests.elevation import coloured, png, zipped
from tests.messages import explains

HEIGHTS = np.round(np.linspace(-400, 3776, 256 * 256), 2).reshape(256, 256)
HEIGHTS[3, 5] = np.nan


def member(folder: Path, name: str, content: bytes) -> Member:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Member(path, (), len(content))


def test_worked_colours(tmp_path: Path) -> None:
    """The documented code: 0 is black, 2.55 m blue, -0.01 m white, (128, 0, 0) none."""
    bands = np.zeros((3, 256, 256), np.uint8)
    colours = [
        (0, 0, 0),
        (0, 0, 255),
        (0, 3, 255),
        (255, 255, 255),
        (128, 0, 0),
        (128, 0, 1),
        (127, 255, 255),
    ]
    bands[:, 0, : len(colours)] = np.array(colours).T
    values = read_tile(member(tmp_path, "15/1/2.png", png(bands)))
    expected = [0, 2.55, 10.23, -0.01, np.nan, np.nan, np.nan]  # the last two are beyond any ground
    np.testing.assert_allclose(values[0, : len(colours)], expected, atol=1e-6)


def test_picture_and_text_say_the_same(tmp_path: Path) -> None:
    rows = [",".join("e" if np.isnan(h) else f"{h:.2f}" for h in row) for row in HEIGHTS]
    text = member(tmp_path, "14/1/2.txt", "\r\n".join(rows).encode())
    picture = member(tmp_path, "14/1/2.png", png(coloured(HEIGHTS)))
    for tile in (text, picture):
        np.testing.assert_allclose(read_tile(tile), HEIGHTS, atol=1e-3)


def test_clear_pixels_and_palettes(tmp_path: Path) -> None:
    alpha = np.full((1, 256, 256), 255, np.uint8)
    alpha[0, 0, 0] = 0
    clear = png(np.concatenate([coloured(np.full((256, 256), 12.34)), alpha]))
    values = read_tile(member(tmp_path, "14/1/2.png", clear))
    assert np.isnan(values[0, 0])
    assert np.unique(values[np.isfinite(values)]).tolist() == [np.float32(12.34)]
    index = np.zeros((1, 256, 256), np.uint8)
    index[0, 0, :2] = 1, 2
    indexed = png(index, [(0, 3, 255, 255), (128, 0, 0, 255), (0, 0, 0, 0)])
    values = read_tile(member(tmp_path, "14/1/3.png", indexed))
    assert np.isnan(values[0, :2]).all()
    np.testing.assert_allclose(values[1:], 10.23, atol=1e-6)


def test_where_a_tile_lies(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"xyz/dem5a_png/15/29079/12909.png": b"-"}))
    (found,) = members([tmp_path / "a.zip"], (".png",))
    tile = tile_of(found)
    assert tile is not None
    assert tile == Tile("DEM5A tiles", 15, 29079, 12909)
    # Tile numbers by the web map's own formulas, of a place inside.
    column, row = 100.5, 30.5
    a, b, c, d, e, f = tile.transform[:6]
    to_degrees = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(a * column + b * row + c, d * column + e * row + f)
    assert (lon + 180) / 360 * 2**15 == pytest.approx(29079 + column / 256, abs=1e-6)
    mercator = np.log(np.tan(np.radians(lat)) + 1 / np.cos(np.radians(lat)))
    assert (1 - mercator / np.pi) / 2 * 2**15 == pytest.approx(12909 + row / 256, abs=1e-6)


@pytest.mark.parametrize("name", ["a.png", "15/29079/map.png", "15/99999/1.png", "99/1/1.png", "15/1/2.jpg"])
def test_other_names_are_no_tiles(tmp_path: Path, name: str) -> None:
    assert tile_of(Member(tmp_path / name)) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("14/1/2.png", b""),
        ("14/1/2.png", b"<html>404</html>"),
        ("14/1/2.png", png(coloured(HEIGHTS))[:500]),
        ("14/1/2.png", png(np.zeros((3, 512, 512), np.uint8))),
        ("14/1/2.png", png(np.zeros((1, 256, 256), np.uint8))),
        ("14/1/2.txt", b"1,2,3\n"),
        ("14/1/2.txt", b"\n".join([b",".join([b"x"] * 256)] * 256)),
        ("14/1/2.txt", b"0" * 5_000_000),
    ],
)
def test_faults_are_refused_by_name(tmp_path: Path, name: str, content: bytes) -> None:
    tile = member(tmp_path, name, content)
    with pytest.raises(SourceError) as caught:
        read_tile(tile)
    explains(caught.value, tile.path)
