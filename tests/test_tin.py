"""Relief of triangles: exact heights, every cell once, real and damaged files."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer

from heatrisk.errors import HeatRiskError, SourceError, SourceIncompleteError
from heatrisk.grid import Grid
from heatrisk.sources.files import Member
from heatrisk.sources.terrain import tin
from tests.elevation import relief_gml
from tests.messages import SHARED, explains

CRS = "EPSG:6677"
GRID = Grid(CRS, Affine(1, 0, -24_800, 0, -1, -35_000), (60, 80))


def naive(corners: np.ndarray, grid: Grid) -> np.ndarray:
    """Return heights triangle by triangle and cell by cell; the first triangle counts."""
    target = np.full(grid.shape, np.nan)
    for triangle in corners:
        (x0, y0, _), (x1, y1, _), (x2, y2, _) = triangle
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0:
            continue
        x, y = np.meshgrid(grid.x, grid.y)
        one = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) / area
        two = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) / area
        inside = (one >= 0) & (two >= 0) & (one + two <= 1) & np.isnan(target)
        height = (1 - one - two) * triangle[0, 2] + one * triangle[1, 2] + two * triangle[2, 2]
        target[inside] = height[inside]
    return target


def laid(corners: np.ndarray, grid: Grid = GRID) -> np.ndarray:
    target = np.full(grid.shape, np.nan, np.float32)
    tin.rasterise(corners, target, grid)
    return target


def read(path: Path, content: bytes, grid: Grid = GRID) -> tuple[np.ndarray, tin.Found]:
    path.write_bytes(content)
    head = tin.read_head(Member(path))
    assert head is not None
    target = np.full(grid.shape, np.nan, np.float32)
    return target, tin.fill_from_tin(Member(path), head, target, grid)


def net(points: np.ndarray) -> np.ndarray:
    """Return the corners of Delaunay triangles over points, shape (triangles, 3, 3)."""
    triangles = shapely.delaunay_triangles(shapely.MultiPoint(points))
    corners = np.array([shapely.get_coordinates(part, include_z=True)[:3] for part in triangles.geoms])
    return np.asarray(corners, np.float64)


@pytest.mark.parametrize("seed", range(5))
def test_as_the_slow_obvious_way(seed: int) -> None:
    random = np.random.default_rng(seed)
    low, high = [-24_830.0, -35_090.0, 0.0], [-24_690.0, -34_970.0, 30.0]
    corners = random.uniform(low, high, (40, 3, 3))
    np.testing.assert_allclose(laid(corners), naive(corners, GRID), atol=1e-4)
    small = corners[:, :1] + random.uniform(-1.5, 1.5, (40, 3, 3))
    np.testing.assert_allclose(laid(small), naive(small, GRID), atol=1e-4)


def test_a_net_leaves_no_crack_and_a_plane_stays_a_plane() -> None:
    random = np.random.default_rng(1)
    points = random.uniform([-24_900, -35_200], [-24_600, -34_900], (3000, 2))
    # Corners on cell centres and edges along rows and columns are the hard cases.
    points[:1500] = np.round(points[:1500]) + 0.5
    points = np.unique(points, axis=0)
    corners = net(np.column_stack([points, np.zeros(len(points))]))
    corners[..., 2] = 10 + 0.03 * (corners[..., 0] + 24_800) - 0.07 * (corners[..., 1] + 35_000)
    expected = 10 + 0.03 * (GRID.x[None, :] + 24_800) - 0.07 * (GRID.y[:, None] + 35_000)
    np.testing.assert_allclose(laid(corners), expected, atol=1e-4)


def test_flat_and_far_triangles_do_nothing() -> None:
    wall = np.array([[[-24_790, -35_010, 0], [-24_780, -35_020, 5], [-24_770, -35_030, 9]]], np.float64)
    assert np.isnan(laid(wall)).all()
    assert np.isnan(laid(wall + np.array([1e6, 0, 0]))).all()


def _degrees(corners: np.ndarray) -> np.ndarray:
    lon, lat = Transformer.from_crs(CRS, 6668, always_xy=True).transform(corners[..., 0], corners[..., 1])
    return np.stack([lat, lon, corners[..., 2]], axis=-1)


@pytest.mark.parametrize("prefix", ["gml:", "", "undeclared:"])
@pytest.mark.parametrize("breaks", ["\n", "", "\r\n"])
def test_files_of_any_prefix_and_line_break(tmp_path: Path, prefix: str, breaks: str) -> None:
    corners = np.random.default_rng(3).uniform([-24_810, -35_070, 0], [-24_710, -34_990, 30], (50, 3, 3))
    values, found = read(tmp_path / "a.gml", relief_gml(_degrees(corners), prefix=prefix, breaks=breaks))
    assert found == (50, 0)
    np.testing.assert_allclose(values, naive(corners, GRID), atol=1e-3)


def test_broken_triangles_are_counted(tmp_path: Path) -> None:
    corners = _degrees(
        np.random.default_rng(3).uniform([-24_810, -35_070, 0], [-24_710, -34_990, 30], (6, 3, 3))
    )
    corners[1, 0, 2], corners[2, :, 2] = 1e30, -9999
    content = relief_gml(corners)
    first = content.index(b"posList>") + len(b"posList>")
    content = content[:first] + b"abc " + content[first:]
    values, found = read(tmp_path / "a.gml", content)
    assert found == (6, 3)
    assert np.isfinite(values).any()
    assert np.nanmax(values) < 31


def test_chunks_join(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corners = np.random.default_rng(3).uniform([-24_810, -35_070, 0], [-24_710, -34_990, 30], (80, 3, 3))
    content = relief_gml(_degrees(corners)).replace(b"<gml:exterior>", b"<gml:exterior  >")
    whole, _ = read(tmp_path / "a.gml", content)
    for size in (700, 1000, 5003):
        monkeypatch.setattr(tin, "_CHUNK", size)
        monkeypatch.setattr(tin, "_SPANS", 50)
        monkeypatch.setattr(tin, "_CELLS", 100)
        values, found = read(tmp_path / "a.gml", content)
        assert found == (80, 0)
        np.testing.assert_array_equal(values, whole)


@pytest.mark.parametrize("fault", ["cut", "bomb", "endless"])
def test_faults_are_refused_by_name(tmp_path: Path, fault: str) -> None:
    corners = _degrees(
        np.random.default_rng(3).uniform([-24_810, -35_070, 0], [-24_710, -34_990, 30], (6, 3, 3))
    )
    content = relief_gml(corners)
    faulty = {
        "cut": content[:-500],
        "bomb": content.replace(b"<core:CityModel", b'<!DOCTYPE x [<!ENTITY a "b">]><core:CityModel', 1),
        "endless": content.replace(b"</gml:Triangle>", b" " * 40_000_000, 1),
    }[fault]
    path = tmp_path / "a.gml"
    with pytest.raises(SourceError) as caught:
        read(path, faulty)
    assert isinstance(caught.value, SourceIncompleteError) == (fault == "cut")
    explains(caught.value, path)


@pytest.mark.parametrize("run", [b"<pos ", b"<a:posList b", b"<Triangle a='b' "])
def test_tags_without_end_cost_their_length(tmp_path: Path, run: bytes) -> None:
    content = relief_gml(_degrees(np.zeros((1, 3, 3))))
    end = content.rindex(b"</")
    began = time.process_time()
    _, found = read(tmp_path / "a.gml", content[:end] + run * 300_000 + content[end:])
    assert found.triangles == 1
    assert time.process_time() - began < 5.0, "quadratic search takes hours"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_bytes_never_surprise(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    corners = _degrees(
        np.random.default_rng(3).uniform([-24_810, -35_070, 0], [-24_710, -34_990, 30], (4, 3, 3))
    )
    content = bytearray(relief_gml(corners))
    for _ in range(data.draw(st.integers(0, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=10))
    path = tmp_path_factory.getbasetemp() / "fuzz.gml"
    path.write_bytes(bytes(content))
    head = None
    target = np.full(GRID.shape, np.nan, np.float32)
    try:
        head = tin.read_head(Member(path))
        if head is not None:
            tin.fill_from_tin(Member(path), head, target, GRID)
    except HeatRiskError as error:
        explains(error, path)
    assert not np.isinf(target).any()


REAL = SHARED / "plateau" / "523965_dem_6697_05_op.gml"


@pytest.mark.skipif(not REAL.exists(), reason="the real relief is not beside this checkout")
def test_real_relief_against_its_planes() -> None:
    text = REAL.read_text("utf-8-sig")
    numbers = [np.array(found.split(), float) for found in re.findall(r"<gml:posList>([^<]*)<", text)]
    corners = np.array([each.reshape(4, 3)[:3] for each in numbers])
    x, y = Transformer.from_crs(6668, CRS, always_xy=True).transform(corners[..., 1], corners[..., 0])
    grid = Grid.covering((x.min(), y.min(), x.max(), y.max()), CRS, 5.0)
    head = tin.read_head(Member(REAL))
    assert head is not None
    target = np.full(grid.shape, np.nan, np.float32)
    assert tin.fill_from_tin(Member(REAL), head, target, grid) == (1066, 0)
    shapes = shapely.polygons(np.stack([x, y], axis=-1))
    columns, rows = np.meshgrid(grid.x, grid.y)
    np.testing.assert_array_equal(
        np.isfinite(target), shapely.contains_xy(shapely.union_all(shapes), columns, rows)
    )
    tree = shapely.STRtree(shapes)
    known = np.argwhere(np.isfinite(target))
    for row, column in known[np.random.default_rng(0).choice(len(known), 500, replace=False)]:
        place = (grid.x[column], grid.y[row], 1.0)
        over = tree.query(shapely.Point(place[:2]), "intersects")
        planes = [
            np.linalg.solve(np.column_stack([x[k], y[k], np.ones(3)]), corners[k, :, 2]) @ place for k in over
        ]
        assert min(abs(height - target[row, column]) for height in planes) < 1e-4
