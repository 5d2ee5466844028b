"""Terrain from every kind of file: one ground, in order, without seams, its holes told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyproj
import pytest
from affine import Affine
from pyproj import Transformer

from heatrisk.errors import (
    HeatRiskError,
    InputError,
    SourceError,
    SourceIncompleteError,
    SourceUnavailableError,
    UnitsError,
)
from heatrisk.grid import Grid
from heatrisk.sources.terrain import fill_holes, gsi_tiles, read_terrain
from tests.elevation import coloured, geotiff, gsi_xml, png, relief_gml, zipped
from tests.messages import SHARED, explains

CRS = "EPSG:6677"
SIDE = 0.2 / 3600
#: A third mesh of GSI's 5 m model, 45" x 30", and its eastern neighbour.
SOUTH, WEST = 35.7, 139.5
ROWS, COLUMNS = 150, 225


def ground(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Return a slope of some metres in a hundred, the same for every file."""
    return 60 + 4000 * (lon - WEST) - 2500 * (lat - SOUTH)


def mesh(east: int = 0, **given: object) -> bytes:
    """Return one mesh of the ground, some meshes east of the first."""
    west = WEST + east * COLUMNS * SIDE
    lon = west + (np.arange(COLUMNS) + 0.5) * SIDE
    lat = SOUTH + (ROWS - np.arange(ROWS) - 0.5) * SIDE
    corners = {"low": (SOUTH, west), "high": (SOUTH + ROWS * SIDE, west + COLUMNS * SIDE)}
    return gsi_xml(ground(lon[None, :], lat[:, None]).ravel(), **corners | given)  # type: ignore[arg-type]


def grid_over(west: float, south: float, east: float, north: float, cell: float = 5.0) -> Grid:
    bounds = Transformer.from_crs("EPSG:6668", CRS, always_xy=True).transform_bounds(west, south, east, north)
    return Grid.covering(bounds, CRS, cell)


#: Across the seam of two meshes, within both.
GRID = grid_over(WEST + 0.011, SOUTH + 0.002, WEST + 0.014, SOUTH + 0.006)


def expected(grid: Grid = GRID) -> np.ndarray:
    x, y = np.meshgrid(grid.x, grid.y)
    return ground(*Transformer.from_crs(CRS, "EPSG:6668", always_xy=True).transform(x, y))


def saved(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_meshes_join_without_seam_wherever_they_lie(tmp_path: Path) -> None:
    inner = zipped({"b/FG-GML-5339-44-01-DEM5A.xml": mesh(1)})
    saved(tmp_path / "one" / "FG-GML-5339-44-00-DEM5A.xml", mesh(0))
    saved(tmp_path / "one" / "fmdid15-3201.xml", b"<MD_Metadata/>")
    other = saved(tmp_path / "two.zip", zipped({"fmdid.xml": b"<MD_Metadata/>", "inner.zip": inner}))
    values, reading = read_terrain([tmp_path / "one", other], GRID)
    assert values.dtype == np.float32
    # Elevations are written to the centimetre; places agree to hundredths of a cell of 0.2 m rise.
    np.testing.assert_allclose(values, expected(), atol=0.015)
    assert reading.role == "terrain"
    assert (reading.read, reading.used, reading.covered) == (values.size, values.size, 1.0)
    assert reading.facts["sources"] == {"DEM5A": {"files": 2, "values": 2 * ROWS * COLUMNS}}
    assert (reading.facts["filled"], reading.facts["unknown"], reading.notes) == (0, 0, ())
    assert [file.name for file in reading.files] == ["FG-GML-5339-44-00-DEM5A.xml", "two.zip"]


def test_every_kind_gives_the_same_ground(tmp_path: Path) -> None:
    lon = WEST + (np.arange(COLUMNS * 2) + 0.5) * SIDE
    lat = SOUTH + (ROWS - np.arange(ROWS) - 0.5) * SIDE
    heights = ground(lon[None, :], lat[:, None]).astype(np.float32)
    place = Affine(SIDE, 0, WEST, 0, -SIDE, SOUTH + ROWS * SIDE)
    tiff = geotiff(tmp_path / "a.tif", heights, place, "EPSG:6668")
    text = "\n".join(" ".join(f"{value:.3f}" for value in row) for row in heights)
    header = f"ncols {COLUMNS * 2}\nnrows {ROWS}\nxllcorner {WEST}\nyllcorner {SOUTH}\ncellsize {SIDE}\n"
    prj = pyproj.CRS("EPSG:6668").to_wkt("WKT1_ESRI")
    asc = saved(tmp_path / "asc.zip", zipped({"d/a.asc": (header + text).encode(), "d/a.prj": prj.encode()}))
    packed = saved(tmp_path / "tif.zip", zipped({"x/a.tif": tiff.read_bytes()}))
    corners = np.array([(lat_, lon_) for lat_ in (SOUTH, SOUTH + 0.01) for lon_ in (WEST, WEST + 0.03)])
    net = np.column_stack([corners, ground(corners[:, 1], corners[:, 0])])[[[0, 1, 2], [1, 3, 2]]]
    relief = saved(tmp_path / "udx" / "dem" / "533944_dem_6697_op.gml", relief_gml(net))
    saved(tmp_path / "udx" / "bldg" / "53394400_bldg_6697_op.gml", b"never opened")
    tiles = tmp_path / "dem5a_png"
    for x, y in _tiles_over(GRID, 15):
        saved(tiles / f"15/{x}/{y}.png", png(coloured(_tile_heights(15, x, y))))
    for path in (tiff, asc, packed, relief.parents[1], tiles):
        values, reading = read_terrain([path], GRID)
        np.testing.assert_allclose(values, expected(), atol=0.03, err_msg=str(path))
        assert reading.covered == 1.0, path


def _tile_heights(zoom: int, x: int, y: int) -> np.ndarray:
    a, _, c, _, e, f = gsi_tiles.Tile("", zoom, x, y).transform[:6]
    columns, rows = np.meshgrid(np.arange(256) + 0.5, np.arange(256) + 0.5)
    return ground(*Transformer.from_crs(3857, 6668, always_xy=True).transform(c + a * columns, f + e * rows))


def _tiles_over(grid: Grid, zoom: int) -> list[tuple[int, int]]:
    west, south, east, north = grid.bounds_lonlat
    columns = [int((lon + 180) / 360 * 2**zoom) for lon in (west, east)]
    angles = np.radians([north, south])
    rows = ((1 - np.arcsinh(np.tan(angles)) / np.pi) / 2 * 2**zoom).astype(int)
    return [(x, y) for x in range(columns[0], columns[1] + 1) for y in range(rows[0], rows[1] + 1)]


def test_finer_zooms_come_first_and_empty_ones_fall_through(tmp_path: Path) -> None:
    for zoom, shift in ((15, 0.0), (14, 100.0)):
        for x, y in _tiles_over(GRID, zoom):
            heights = _tile_heights(zoom, x, y) + shift
            if zoom == 15:
                heights[:, ::2] = np.nan
            saved(tmp_path / f"{zoom}/{x}/{y}.png", png(coloured(heights)))
    values, _ = read_terrain([tmp_path], GRID, fill=0)
    above = values - expected()
    assert np.isfinite(values).all()
    assert set(np.round(above, -2).ravel()) == {0.0, 100.0}


def test_the_better_survey_first_within_a_path_and_the_earlier_path_before_all(tmp_path: Path) -> None:
    holes = np.full(ROWS * COLUMNS, -9999.0)
    holes[: ROWS * COLUMNS // 2] = 1.0
    grid = grid_over(WEST + 0.004, SOUTH + 0.002, WEST + 0.008, SOUTH + 0.006)
    saved(tmp_path / "all" / "1-DEM5B.xml", gsi_xml(np.full(holes.size, 2.0), kind="5mメッシュ（数値地形）"))
    saved(tmp_path / "all" / "2-DEM5A.xml", gsi_xml(holes))
    ten = {"limits": "112 74", "kind": "10mメッシュ（標高）"}
    last = saved(tmp_path / "0-DEM10B.xml", gsi_xml(np.full(113 * 75, 3.0), **ten))  # type: ignore[arg-type]
    values, reading = read_terrain([tmp_path / "all", last], grid, fill=0)
    assert set(np.unique(values)) >= {1.0, 2.0}
    assert values.max() == 2.0
    assert set(reading.facts["sources"]) == {"DEM5A", "DEM5B", "DEM10B"}
    assert set(np.unique(read_terrain([last, tmp_path / "all"], grid, fill=0)[0])) == {3.0}


def test_holes_are_filled_near_known_ground_only(tmp_path: Path) -> None:
    values = np.full((200, 200), 7.0, np.float32)
    values[:, 60:] = -9999.0
    grid = Grid(CRS, Affine(5, 0, 0, 0, -5, 0), (200, 200))
    path = geotiff(tmp_path / "a.tif", values, grid.transform)
    for fill, columns in ((0.0, 60), (50.0, 70), (100.0, 80)):
        read, reading = read_terrain([path], grid, fill=fill)
        assert np.isfinite(read[:, :columns]).all()
        assert np.isnan(read[:, columns + 1 :]).all()
        assert reading.covered == 0.3, "before filling"
        filled = int(np.isfinite(read).sum()) - 200 * 60
        assert (reading.facts["filled"], reading.facts["unknown"]) == (filled, 200 * 140 - filled)
        assert [note.code for note in reading.notes] == ["terrain_filled"] * (fill > 0) + ["terrain_unknown"]


def test_filling_square_by_square_is_filling_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(2)
    values = np.cumsum(random.normal(size=(90, 110)), axis=1).astype(np.float32)
    known = random.uniform(size=values.shape) > 0.9
    known[20:60, 30:80] = False
    known[40, 55] = True
    results = []
    for square in (13, 32, 1024):
        monkeypatch.setattr("heatrisk.sources.terrain._SQUARE", square)
        image = np.where(known, values, np.float32(np.nan))
        filled = fill_holes(image, known, 6.0)
        assert filled == int((np.isfinite(image) & ~known).sum())
        np.testing.assert_array_equal(image[known], values[known])
        results.append(image)
    np.testing.assert_array_equal(results[0], results[2])
    np.testing.assert_array_equal(results[1], results[2])
    assert np.nanmax(results[0]) <= values[known].max()
    assert np.nanmin(results[0]) >= values[known].min()


def test_the_datum_before_the_earthquake_is_told(tmp_path: Path) -> None:
    old = saved(tmp_path / "old.xml", mesh(0).replace(b"jgd2011", b"jgd2000"))
    new = saved(tmp_path / "new.xml", mesh(1))
    values, reading = read_terrain([old, new], GRID)
    assert [note.code for note in reading.notes] == ["terrain_jgd2000"]
    # Where PROJ has no grid of the movement the two are laid as one, without a seam between them.
    np.testing.assert_allclose(values, expected(), atol=0.015)
    assert read_terrain([new], GRID)[1].notes[-1].code != "terrain_jgd2000"


def test_files_elsewhere_are_counted(tmp_path: Path) -> None:
    for east in (0, 1, 30, 40):
        saved(tmp_path / f"{east}.xml", mesh(east))
    _, reading = read_terrain([tmp_path], GRID)
    assert reading.facts["outside"] == 2
    assert reading.facts["sources"]["DEM5A"]["files"] == 2


def test_wrong_things_are_told(tmp_path: Path) -> None:
    flat = np.full((60, 60), 5.0, np.float32)
    bounds = GRID.bounds
    place = Affine(10, 0, bounds[0] - 50, 0, -10, bounds[3] + 50)
    feet = geotiff(tmp_path / "feet.tif", flat, place, pyproj.CRS.from_user_input("EPSG:2263+6360").to_wkt())
    cases: dict[Path, tuple[type[HeatRiskError], str]] = {
        geotiff(tmp_path / "far.tif", flat, Affine(10, 0, 0, 0, -10, 0)): (
            SourceIncompleteError,
            "does not reach",
        ),
        geotiff(tmp_path / "none.tif", flat, place, None): (SourceIncompleteError, "no coordinate system"),
        geotiff(tmp_path / "rgb.tif", np.ones((3, 9, 9), np.uint8), place): (InputError, "picture"),
        geotiff(tmp_path / "empty.tif", flat * -9999, place): (SourceIncompleteError, "no value"),
        feet: (UnitsError, "foot"),
        saved(tmp_path / "far.xml", mesh(50)): (SourceIncompleteError, r"139\.5000|E,"),
        saved(tmp_path / "map.png", b"\x89PNG"): (SourceIncompleteError, "no file with elevation"),
        saved(tmp_path / "text.tif", b"<html></html>"): (SourceError, "raster"),
        saved(tmp_path / "zero.zip", zipped({"a.tif": b""})): (SourceError, "raster"),
        saved(tmp_path / "cut.xml", mesh()[:-80]): (SourceIncompleteError, "cut off"),
        saved(tmp_path / "void.gml", b""): (SourceIncompleteError, "elevation"),
        saved(tmp_path / "x.zip", b"PK\x03\x04 and no more"): (SourceError, "zip"),
        tmp_path / "missing.tif": (SourceUnavailableError, "exist"),
    }
    for path, (kind, words) in cases.items():
        with pytest.raises(kind, match=words) as caught:
            read_terrain([path], GRID)
        explains(caught.value, path)


@pytest.mark.skipif(not SHARED.exists(), reason="real elevation files are not beside this checkout")
def test_real_files_of_two_kinds() -> None:
    grid = Grid.covering(
        Transformer.from_crs(6668, "EPSG:6684", always_xy=True).transform_bounds(
            124.075, 24.305, 124.115, 24.335
        ),
        "EPSG:6684",
        5.0,
    )
    values, reading = read_terrain([SHARED / "gsi_dem"], grid, fill=0)
    assert reading.facts["sources"] == {"DEM5B": {"files": 8, "values": 134_630}}
    assert reading.facts["outside"] == 1, "the 10 m mesh lies elsewhere"
    # A cell of 0.2" is 5.64 x 6.15 m here: the area of all values, in cells of 25 m2.
    assert np.isfinite(values).sum() == pytest.approx(134_630 * 5.64 * 6.15 / 25, rel=0.005)
    assert 0 <= reading.facts["range"][1] < 25
