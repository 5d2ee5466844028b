"""Codes of land cover: those that name a class are taken, all others are counted and told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from heatrisk.errors import InputError, SourceIncompleteError
from heatrisk.grid import Grid
from heatrisk.physics.surface import LAND_COVER
from heatrisk.sources.land_cover import read_land_cover
from tests.elevation import geotiff
from tests.messages import explains

GRID = Grid("EPSG:6677", Affine(5, 0, -24_800, 0, -5, -35_000), (40, 50))
DEFAULT = 5


def written(folder: Path, codes: np.ndarray) -> Path:
    return geotiff(folder / "cover.tif", codes, GRID.transform)


def test_unknown_codes_are_refused_by_name_and_become_the_default(tmp_path: Path) -> None:
    codes = np.full(GRID.shape, 1, np.uint8)
    codes[:, :10], codes[:3, 10], codes[0, 20], codes[1, 20] = 7, 48, 9, 255
    codes[2, 20] = 0
    found, reading = read_land_cover(written(tmp_path, codes), GRID, LAND_COVER, DEFAULT)
    known = np.isin(codes, (1, 7))
    np.testing.assert_array_equal(found, np.where(known, codes, DEFAULT))
    assert found.dtype == np.uint8
    assert (reading.read, reading.used, reading.covered) == (2000, 1994, 0.997)
    assert [row.where for row in reading.refused] == ["48", "9"], "255 and 0 are no data, and no code"
    assert "3 cells" in reading.refused[0].reason.en and "3 セル" in reading.refused[0].reason.ja
    assert reading.facts["unknown_cells"] == 4


def test_a_class_of_the_citys_own_is_known(tmp_path: Path) -> None:
    own = LAND_COVER[0]._replace(code=48)
    codes = np.full(GRID.shape, 48, np.uint8)
    found, reading = read_land_cover(written(tmp_path, codes), GRID, (*LAND_COVER, own), DEFAULT)
    assert (found == 48).all() and reading.refused == ()


def test_elevations_are_no_codes(tmp_path: Path) -> None:
    slope = np.linspace(48.1, 54.0, GRID.shape[1], dtype=np.float32) + np.zeros(GRID.shape, np.float32)
    path = written(tmp_path, slope)
    with pytest.raises(InputError) as caught:
        read_land_cover(path, GRID, LAND_COVER, DEFAULT)
    told = explains(caught.value, path)
    assert "48.1" in told and "1 舗装" in told and "5 grass" in told and "[surfaces]" in told
    assert len(told) < 1500


def test_many_unknown_codes_are_told_together(tmp_path: Path) -> None:
    codes = np.full(GRID.shape, 1, np.uint8)
    codes[:, :20] = np.arange(100, 140, dtype=np.uint8)[:, None]
    _, reading = read_land_cover(written(tmp_path, codes), GRID, LAND_COVER, DEFAULT)
    assert len(reading.refused) == 21 and reading.refused[-1].where == "+20"
    assert "400 cells" in reading.refused[-1].reason.en
    assert reading.facts["unknown_cells"] == 800


def test_no_data_alone_is_no_land_cover(tmp_path: Path) -> None:
    path = written(tmp_path, np.zeros(GRID.shape, np.uint8))
    with pytest.raises(SourceIncompleteError) as caught:
        read_land_cover(path, GRID, LAND_COVER, DEFAULT)
    explains(caught.value, path)
