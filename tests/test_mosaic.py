"""Pieces of rasters: joined without a seam, in their order, thinned alike, placed right."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from affine import Affine
from pyproj import Transformer
from rasterio.enums import Resampling

from heatrisk.errors import InputError
from heatrisk.grid import Grid
from heatrisk.sources import mosaic
from heatrisk.sources.mosaic import Lattice, Piece, fill_from, overlaps, spacing, surveys

CRS, DEGREES = "EPSG:6677", "EPSG:6668"
WEST, NORTH = -24_800.0, -35_000.0
GRID = Grid(CRS, Affine(5, 0, WEST, 0, -5, NORTH), (120, 140))
SIDE = 0.2 / 3600


def hills(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Return ground that no two places share, some metres up and down."""
    return 60 + 9 * np.sin(lon * 7000) + 5 * np.cos(lat * 9000) + 300 * (lon - 139.5) + 500 * (lat - 35.7)


def raster(
    rows: int, columns: int, west: float, north: float, side: float = SIDE, crs: str = DEGREES
) -> Piece:
    transform = Affine(side, 0, west, 0, -side, north)
    x, y = west + (np.arange(columns) + 0.5) * side, north - (np.arange(rows) + 0.5) * side
    return whole("whole", crs, transform, hills(x[None, :], y[:, None]).astype(np.float32))


def whole(name: str, crs: str, transform: Affine, values: np.ndarray) -> Piece:
    return Piece.whole(name, crs, transform, values.shape, lambda: values)


def around() -> Piece:
    """Return a raster of GSI's 0.2" over the grid and beyond."""
    west, _, _, north = GRID.bounds_lonlat
    return raster(200, 250, np.floor(west / SIDE - 20) * SIDE, np.ceil(north / SIDE + 20) * SIDE)


def cut(piece: Piece, rows: list[int], columns: list[int]) -> list[Piece]:
    """Return the tiles of a raster between some rows and columns, in no order, names after their place."""
    values = piece.read(slice(0, piece.shape[0]), slice(0, piece.shape[1]))
    tiles = []
    for (top, bottom), (left, right) in product(pairwise(rows), pairwise(columns)):
        a, _, c, _, e, f = piece.transform[:6]
        # Corners as files write them: nine decimals of a degree.
        place = Affine(a, 0, round(c + left * a, 9), 0, e, round(f + top * e, 9))
        tiles.append(whole(f"{top}/{left}", piece.crs, place, values[top:bottom, left:right]))
    return tiles[::-1]


def laid(pieces: list[Piece], grid: Grid = GRID, resampling: Resampling = Resampling.bilinear) -> np.ndarray:
    target = np.full(grid.shape, np.nan, np.float32)
    for survey in surveys(pieces, grid.crs):
        fill_from(survey, target, grid, resampling)
    return target


def test_tiles_are_one_raster_again() -> None:
    piece = around()
    tiles = cut(piece, [0, 50, 51, 120, 200], [0, 33, 100, 101, 250])
    assert [len(survey) for survey in surveys(tiles, CRS)] == [16]
    np.testing.assert_allclose(laid(tiles), laid([piece]), atol=1e-4, rtol=0)
    assert np.isfinite(laid(tiles)).all()


def test_values_are_bilinear_at_their_place() -> None:
    """Against interpolation written out; places agree to 0.01 cells, on slopes of up to 4 m a cell."""
    piece = around()
    x, y = np.meshgrid(GRID.x, GRID.y)
    lon, lat = Transformer.from_crs(CRS, DEGREES, always_xy=True).transform(x, y)
    column = (lon - piece.transform.c) / SIDE - 0.5
    row = (piece.transform.f - lat) / SIDE - 0.5
    i, j = np.floor(row).astype(int), np.floor(column).astype(int)
    u, v = row - i, column - j
    z = piece.read(slice(0, 200), slice(0, 250)).astype(float)
    expected = (1 - u) * ((1 - v) * z[i, j] + v * z[i, j + 1]) + u * (
        (1 - v) * z[i + 1, j] + v * z[i + 1, j + 1]
    )
    np.testing.assert_allclose(laid([piece]), expected, atol=0.01)


@pytest.mark.parametrize("cells", [2**9, 2**12, 2**24])
def test_bands_leave_no_trace(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    tiles = cut(around(), [0, 90, 200], [0, 120, 250])
    expected = laid(tiles)
    monkeypatch.setattr(mosaic, "CELLS", max(cells, 400))
    np.testing.assert_allclose(laid(tiles), expected, atol=1e-4, rtol=0)


def test_earlier_pieces_win_and_later_ones_fill() -> None:
    transform = Affine(5, 0, WEST, 0, -5, NORTH)
    fine, coarse = np.full((120, 140), 1.0, np.float32), np.full((80, 80), 2.0, np.float32)
    fine[10:20, 30:60] = np.nan
    first = whole("fine", CRS, transform, fine)
    other = whole("coarse", CRS, Affine(10, 0, WEST - 3, 0, -10, NORTH + 3), coarse)
    np.testing.assert_array_equal(laid([first, other]), np.where(np.isnan(fine), 2, 1))
    assert (laid([other, first]) == 2).all()
    same = whole("same lattice", CRS, transform, np.full((120, 140), 3.0, np.float32))
    np.testing.assert_array_equal(laid([first, same]), np.where(np.isnan(fine), 3, 1))


def test_a_lattice_is_not_joined_past_a_piece_that_comes_before() -> None:
    transform = Affine(5, 0, WEST, 0, -5, NORTH)
    left = whole("left", CRS, transform, np.full((120, 70), 1.0, np.float32))
    right = whole("right", CRS, Affine(5, 0, WEST + 350, 0, -5, NORTH), np.full((120, 70), 3.0, np.float32))
    over = whole(
        "over", CRS, Affine(7, 0, WEST - 50, 0, -7, NORTH + 50), np.full((150, 150), 2.0, np.float32)
    )
    apart = whole("apart", CRS, Affine(7, 0, WEST + 9e4, 0, -7, NORTH), np.full((9, 9), 2.0, np.float32))
    assert [len(survey) for survey in surveys([left, apart, right], CRS)] == [2, 1]
    assert set(np.unique(laid([left, over, right])[:, 75:])) == {2.0}


@pytest.mark.parametrize("factor", [5, 8, 20])
def test_far_finer_tiles_are_thinned_alike(factor: int) -> None:
    side = 5 / factor
    rows, columns = 140 * factor, 160 * factor
    fine = raster(rows, columns, WEST - 50, NORTH + 50, side, CRS)
    x, y = (
        fine.transform.c + (np.arange(columns) + 0.5) * side,
        fine.transform.f - (np.arange(rows) + 0.5) * side,
    )
    slope = whole(
        "slope",
        CRS,
        fine.transform,
        (50 + 0.02 * (x - WEST) + 0.05 * (y[:, None] - NORTH)).astype(np.float32),
    )
    tiles = cut(slope, [0, 7 * factor + 3, 60 * factor + 1, rows], [0, 77 * factor + 2, columns])
    np.testing.assert_allclose(laid(tiles), laid([slope]), atol=1e-5, rtol=0)
    expected = 50 + 0.02 * (GRID.x - WEST) + 0.05 * (GRID.y[:, None] - NORTH)
    np.testing.assert_allclose(laid([slope]), expected, atol=2e-3)


def test_turned_and_south_up_rasters() -> None:
    turned = Affine(4, 3, WEST - 500, 3, -4, NORTH - 300)
    i, j = np.meshgrid(np.arange(300) + 0.5, np.arange(300) + 0.5, indexing="ij")
    x, y = 4 * j + 3 * i + turned.c, 3 * j - 4 * i + turned.f
    plane = (50 + 0.02 * (x - WEST) + 0.05 * (y - NORTH)).astype(np.float32)
    values = laid([whole("turned", CRS, turned, plane)])
    expected = 50 + 0.02 * (GRID.x - WEST) + 0.05 * (GRID.y[:, None] - NORTH)
    known = np.isfinite(values)
    assert known.mean() > 0.3
    np.testing.assert_allclose(values[known], expected[known], atol=0.2)
    upright = raster(140, 160, WEST - 50, NORTH + 50, 5.0, CRS)
    flipped = upright.read(slice(0, 140), slice(0, 160))[::-1]
    upside = whole("south up", CRS, Affine(5, 0, WEST - 50, 0, 5, NORTH + 50 - 700), flipped)
    np.testing.assert_allclose(laid([upside]), laid([upright]), atol=1e-4)


def test_values_are_wanted_on_turned_cells_and_in_degrees() -> None:
    """Every cell that a piece holds, of a piece that lies across a part of them."""
    side = np.full((60, 90), 7.0, np.float32)
    piece = whole("part", CRS, Affine(5, 0, WEST + 200, 0, -5, NORTH - 200), side)
    west, _, _, north = GRID.bounds_lonlat
    for lattice in (
        Lattice("turned", CRS, Affine(4, 3, WEST - 300, 3, -4, NORTH - 100), (200, 300)),
        Lattice("degrees", DEGREES, Affine(5e-5, 0, west, 0, -4e-5, north), (160, 180)),
    ):
        target = np.full(lattice.shape, np.nan, np.float32)
        fill_from([piece], target, lattice, Resampling.nearest)
        columns, rows = np.meshgrid(*(np.arange(n) + 0.5 for n in lattice.shape[::-1]))
        x, y = lattice.at(columns, rows, CRS)
        j, i = (x - piece.transform.c) / 5, (piece.transform.f - y) / 5
        near = [np.abs(k - (k > n / 2) * n) < 0.2 for k, n in ((i, 60), (j, 90))]
        inside = (i > 0) & (i < 60) & (j > 0) & (j < 90)
        clear = ~(near[0] | near[1])
        assert inside[clear].any()
        np.testing.assert_array_equal(np.isfinite(target)[clear], inside[clear])


def test_elsewhere_and_absurd() -> None:
    far = raster(10, 10, 0, 0)
    assert not overlaps(far, GRID)
    assert np.isnan(laid([far])).all()
    assert spacing(around(), GRID) == pytest.approx(5.6, abs=0.1)
    fine = Piece("fine", CRS, Affine(1e-4, 0, WEST, 0, -1e-4, NORTH), (10**7, 10**7), around().read)
    with pytest.raises(InputError, match="too fine"):
        laid([fine])
