"""Zonal statistics against the obvious way: every cell of the fields, one by one."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from heatrisk.cube import CHUNK
from heatrisk.risk import RISK_SCALES, classify
from heatrisk.store import RunStore
from heatrisk.stored import StoredRun
from heatrisk.zonal import CORNER, Zone, cells_of, mean
from heatrisk.zonal import zone as zone_of_cells
from tests.made_run import made_dataset, made_run

SHAPE = (150, 330)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    return RunStore(tmp_path_factory.mktemp("store")).write(made_run(made_dataset(SHAPE, steps=3)))


def area(run: StoredRun, *corners: tuple[float, float]) -> shapely.Polygon:
    """Return a polygon whose corners are given in cells: column and row from the north-west."""
    x, y = np.array(corners, np.float64).T
    return shapely.Polygon(
        np.column_stack(run.grid.unproject(run.grid.bounds[0] + 5 * x, run.grid.bounds[3] - 5 * y))
    )


def zone(run: StoredRun, quantity: str, polygon: shapely.Polygon) -> Zone:
    return zone_of_cells(run, quantity, cells_of(run, polygon))


def members(run: StoredRun, polygon: shapely.Polygon) -> np.ndarray:
    """Return which cells have their centre in a polygon, asked one by one."""
    x, y = np.meshgrid(run.grid.x, run.grid.y)
    lon, lat = run.grid.unproject(x.ravel(), y.ravel())
    found = [polygon.contains(shapely.Point(*place)) for place in zip(lon, lat, strict=True)]
    return np.array(found).reshape(run.grid.shape)


SHAPES = {
    "triangle over buildings": ((20.3, 5.2), (90.7, 30.1), (40.4, 70.9)),
    "across chunks, off the grid": ((40.2, -20.3), (350.1, 60.4), (300.6, 200.2), (100.3, 130.8)),
    "a yard": ((200.3, 100.2), (212.4, 100.2), (212.4, 109.7), (200.3, 109.7)),
    "half unknown ground": ((0.2, 60.1), (24.4, 60.1), (24.4, 75.6), (0.2, 75.6)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_statistics_are_those_of_the_cells(run: StoredRun, name: str) -> None:
    polygon = area(run, *SHAPES[name])
    inside = members(run, polygon)
    fields, mask = run.dataset(), run.dataset()["mask"].values
    found = zone(run, "wbgt_moe", polygon)
    assert found.kinds == tuple(int((inside & (mask == kind)).sum()) for kind in range(3))
    scale = RISK_SCALES["daily"]
    shares = found.shares([level.lower for level in scale.levels])
    for step in range(3):
        values = np.round(fields["wbgt_moe"].values[step][inside & (mask == 0)].astype(np.float64), 2)
        values = values[~np.isnan(values)]
        assert found.counts[step] == values.size > 50
        assert found.mean()[step] == pytest.approx(values.mean(), abs=1e-9)
        classes = np.bincount(classify(values, scale), minlength=4) / values.size
        assert shares[step] == pytest.approx(classes, abs=1e-12)
        for share, expected in ((0.0, values.min()), (1.0, values.max())):
            assert found.quantile(share)[step] == pytest.approx(expected, abs=1e-9)
        for share in (0.1, 0.5, 0.9):
            value = found.quantile(share)[step]
            assert (values <= value + 1e-9).mean() >= share - 1e-12
            assert (values < value - 1e-9).mean() < share
    sun = np.round(fields["sunlit"].values[:, inside & (mask == 0)].astype(np.float64), 3)
    assert mean(run, "sunlit", cells_of(run, polygon)) == pytest.approx(sun.mean(axis=1), abs=1e-4)


def test_the_coolest_corner_is_the_corner_of_the_grid_with_the_lowest_mean(run: StoredRun) -> None:
    polygon = area(run, (100.2, 62.1), (140.2, 62.1), (140.2, 101.9), (100.2, 101.9))
    inside = members(run, polygon) & (run.dataset()["mask"].values == 0)
    wbgt = run.dataset()["wbgt_moe"].values.astype(np.float64)
    found = zone(run, "wbgt_moe", polygon)
    for steps in ([1], [0, 2]):
        means = {}
        for row in range(0, SHAPE[0], CORNER):
            for column in range(0, SHAPE[1], CORNER):
                block = (slice(row, row + CORNER), slice(column, column + CORNER))
                if inside[block].sum() >= CORNER * CORNER / 2:
                    values = [np.nanmean(wbgt[step][block][inside[block]]) for step in steps
                              if not np.isnan(wbgt[step][block][inside[block]]).all()]  # fmt: skip
                    if len(values) == len(steps):
                        means[row, column] = float(np.mean(values))
        (row, column), lowest = min(means.items(), key=lambda item: item[1])
        corner = found.coolest(steps)
        assert corner is not None
        assert corner.value == pytest.approx(lowest, abs=1e-6)
        assert corner.cells == int(inside[row : row + CORNER, column : column + CORNER].sum())
        place = run.grid.index(corner.lon, corner.lat)
        assert place is not None
        assert (place[0] // CORNER * CORNER, place[1] // CORNER * CORNER) == (row, column)


def test_chunks_are_whole_numbers_of_corners() -> None:
    assert CHUNK % CORNER == 0


def test_an_area_smaller_than_a_cell_is_that_of_its_cell(run: StoredRun) -> None:
    found = zone(run, "wbgt_moe", area(run, (100.1, 60.1), (100.3, 60.1), (100.3, 60.3), (100.1, 60.3)))
    assert found.kinds == (1, 0, 0)
    assert found.mean()[0] == pytest.approx(float(run.dataset()["wbgt_moe"].values[0, 60, 100]), abs=0.0051)


def test_an_area_off_the_grid_or_in_a_building_has_no_values(run: StoredRun) -> None:
    for off in (((400.0, 5.0), (410.0, 5.0), (410.0, 9.0)), ((-9e4, 5.0), (-8e4, 5.0), (-8e4, 9.0))):
        found = zone(run, "wbgt_moe", area(run, *off))
        assert (found.kinds, found.coolest([0])) == ((0, 0, 0), None)
        assert np.isnan(found.mean()).all() and np.isnan(found.shares([25.0])).all()
    inside = zone(run, "wbgt_moe", area(run, (35.2, 22.1), (60.2, 22.1), (60.2, 35.3), (35.2, 35.3)))
    assert inside.kinds[1] > 300 and inside.kinds[0] == inside.kinds[2] == 0
    assert np.isnan(inside.mean()).all() and inside.coolest([0, 1]) is None


def test_the_whole_earth_is_the_whole_grid(run: StoredRun) -> None:
    found = zone(run, "sunlit", shapely.box(-180, -90, 180, 90))
    assert sum(found.kinds) == SHAPE[0] * SHAPE[1]
