"""What a run says of an area: zonal statistics over the outdoor cells of a polygon, step by step.

A mean hides what matters, so shares of the ground and percentiles stand beside it. All of them follow from
one histogram of the stored values a step, which is exact and costs no more memory for a city than for a yard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from heatrisk.cube import CHUNK, FILL
from heatrisk.quantities import QUANTITIES
from heatrisk.stored import StoredRun

#: Side of a corner in cells: a chunk is a whole number of corners, so none is cut in two.
CORNER = 4
#: Chunks that are read at once, along each side.
_CHUNKS = 4
#: Degrees around the grid within which an area is looked at.
_NEAR = 0.01
#: Longest edge that is taken as straight in metres too [degrees].
_PIECE = 0.002

Window = tuple[int, int, int, int]
Area = shapely.Polygon | shapely.MultiPolygon
Cells = list[tuple[Window, npt.NDArray[np.bool_]]]


class Corner(NamedTuple):
    """A small part of an area, about 20 m across at 5 m cells.

    Parameters
    ----------
    lon, lat : float
        Middle of its cells [degrees].
    value : float
        Mean over its cells, and over the steps asked for.
    cells : int
        Outdoor cells of the area in it.
    """

    lon: float
    lat: float
    value: float
    cells: int


@dataclass(frozen=True)
class Zone:
    """Values of one quantity over an area.

    Parameters
    ----------
    histogram : numpy.ndarray of int
        Outdoor cells by step and value, shape (steps, values).
    lowest : int
        Packed value of the first column.
    resolution : float
        What one packed step is worth.
    kinds : tuple of int
        Cells of the area that are outdoors, building, and on unknown ground.
    corners : numpy.ndarray of float
        Mean of every corner by step, shape (steps, corners); NaN is no value.
    places : numpy.ndarray of float
        Longitude, latitude and outdoor cells of every corner, shape (corners, 3).
    """

    histogram: npt.NDArray[np.int64]
    lowest: int
    resolution: float
    kinds: tuple[int, int, int]
    corners: npt.NDArray[np.float64]
    places: npt.NDArray[np.float64]

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Value of every column of the histogram, in the unit of the quantity."""
        columns = np.arange(self.lowest, self.lowest + self.histogram.shape[1])
        return np.asarray(columns / (1.0 / self.resolution), np.float64)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Cells with a value, by step."""
        return np.asarray(self.histogram.sum(axis=1), np.int64)

    def mean(self) -> npt.NDArray[np.float64]:
        """Return the mean of every step; NaN where no cell has a value."""
        return _divided(np.matmul(self.histogram, self.values), self.counts)

    def quantile(self, share: float) -> npt.NDArray[np.float64]:
        """Return the value that a share of the cells does not exceed, by step.

        Parameters
        ----------
        share : float
            0 for the lowest value, 1 for the highest.
        """
        rank = np.maximum(np.ceil(share * self.counts), 1)[:, None]
        reached = np.cumsum(self.histogram, axis=1) >= rank
        values = np.where(self.counts > 0, self.values[reached.argmax(axis=1)], np.nan)
        return np.asarray(values, np.float64)

    def shares(self, lowers: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the share of cells in each class, shape (steps, classes).

        Parameters
        ----------
        lowers : array_like
            Lowest value of each class, ascending; it belongs to the class.
        """
        # The stored value nearest to a bound is the bound: compare whole numbers, not their decimals.
        bounds = np.asarray(lowers, np.float64) / self.resolution
        column = np.clip(np.rint(bounds) - self.lowest, 0, self.histogram.shape[1])
        above = np.cumsum(self.histogram[:, ::-1], axis=1)[:, ::-1]
        above = np.append(above, np.zeros((len(above), 1), np.int64), axis=1)[:, column.astype(np.intp)]
        within = above - np.append(above[:, 1:], np.zeros((len(above), 1), np.int64), axis=1)
        return _divided(within, self.counts[:, None])

    def coolest(self, steps: npt.NDArray[np.intp] | list[int]) -> Corner | None:
        """Return the corner with the lowest mean over some steps, or None where there is none.

        Corners that hold less than half as many cells as the fullest one are left out.
        """
        if not len(steps) or not len(self.places):
            return None
        means = self.corners[steps].mean(axis=0)
        cells = self.places[:, 2]
        fit = ~np.isnan(means) & (2 * cells >= cells.max())
        if not fit.any():
            return None
        best = int(np.argmin(np.where(fit, means, np.inf)))
        lon, lat, count = self.places[best]
        return Corner(float(lon), float(lat), float(means[best]), int(count))


def _divided(numbers: npt.ArrayLike, counts: npt.ArrayLike) -> npt.NDArray[np.float64]:
    dividend, divisor = np.broadcast_arrays(np.asarray(numbers, np.float64), np.asarray(counts, np.float64))
    quotient = np.full(dividend.shape, np.nan)
    np.divide(dividend, divisor, out=quotient, where=divisor > 0)
    return quotient


def cells_of(run: StoredRun, area: Area) -> Cells:
    """Return the cells of an area, window by window.

    Parameters
    ----------
    run : StoredRun
        The run.
    area : shapely.Polygon or shapely.MultiPolygon
        Longitude and latitude [degrees]. A cell belongs to it where its centre does; an area too small to
        hold a centre is that of the cell under its middle.

    Returns
    -------
    list
        Windows (top, left, height, width), each with which of its cells belong to the area; empty where the
        area lies off the grid.
    """
    return list(_windows(run, _projected(run, area)))


def zone(run: StoredRun, quantity: str, cells: Cells) -> Zone:
    """Return the values of a quantity over an area.

    Parameters
    ----------
    run : StoredRun
        The run.
    quantity : str
        One of ``run.fields``.
    cells : list
        What :func:`cells_of` returns.
    """
    resolution = QUANTITIES[quantity].resolution or 1.0
    kinds = np.zeros(3, np.int64)
    counted: list[tuple[int, npt.NDArray[np.int64]]] = []
    corners, places = [np.empty((len(run.times), 0))], [np.empty((0, 3))]
    for window, inside in cells:
        mask = run.mask.window(*window)
        kinds += np.bincount(mask[inside], minlength=3)[:3]
        outdoors = inside & (mask == 0)
        packed = run.fields[quantity].window(*window)
        counted += _counted(packed[:, outdoors])
        means, place = _corners(run, window, packed, outdoors)
        corners.append(means / (1.0 / resolution))
        places.append(place)
    lowest = min((low for low, _ in counted), default=0)
    width = max((low - lowest + part.shape[1] for low, part in counted), default=1)
    histogram = np.zeros((len(run.times), width), np.int64)
    for low, part in counted:
        histogram[:, low - lowest : low - lowest + part.shape[1]] += part
    outdoor, building, unknown = map(int, kinds)
    return Zone(
        histogram, lowest, resolution, (outdoor, building, unknown),
        np.concatenate(corners, axis=1), np.concatenate(places),
    )  # fmt: skip


def mean(run: StoredRun, quantity: str, cells: Cells) -> npt.NDArray[np.float64]:
    """Return the mean over the outdoor cells of an area, by step; parameters as for :func:`zone`."""
    total, count = np.zeros(len(run.times)), np.zeros(len(run.times))
    for window, inside in cells:
        packed = run.fields[quantity].window(*window)[:, inside & (run.mask.window(*window) == 0)]
        valid = packed != FILL
        total += packed.sum(axis=1, where=valid, dtype=np.int64)
        count += valid.sum(axis=1)
    return _divided(total, count) / (1.0 / (QUANTITIES[quantity].resolution or 1.0))


def _projected(run: StoredRun, area: Area) -> Area:
    """Return the part of an area near the grid, in the grid's coordinates [m]; far places have none there."""
    west, south, east, north = run.grid.bounds_lonlat
    near = shapely.intersection(area, shapely.box(west - _NEAR, south - _NEAR, east + _NEAR, north + _NEAR))
    parts = [part for part in shapely.get_parts(near) if isinstance(part, shapely.Polygon)]
    # An edge is straight in degrees, and short pieces of it are in metres too.
    pieces = shapely.segmentize(shapely.MultiPolygon(parts), _PIECE)
    projected: Area = shapely.transform(pieces, lambda points: np.column_stack(run.grid.project(*points.T)))
    shapely.prepare(projected)
    return projected


def _windows(run: StoredRun, area: Area) -> Iterator[tuple[Window, npt.NDArray[np.bool_]]]:
    """Yield windows of whole chunks that touch an area, each with which of its cells belong to it."""
    if area.is_empty:
        return
    grid, side = run.grid, CHUNK * _CHUNKS
    found = False
    west, south, east, north = area.bounds
    left, right = _span((west - grid.bounds[0], east - grid.bounds[0]), grid.cell_size, grid.shape[1])
    top, bottom = _span((grid.bounds[3] - north, grid.bounds[3] - south), grid.cell_size, grid.shape[0])
    for row, below in _blocks(top, bottom, side):
        for column, beyond in _blocks(left, right, side):
            x, y = np.meshgrid(grid.x[column:beyond], grid.y[row:below])
            inside = shapely.contains_xy(area, x, y)
            if inside.any():
                found = True
                yield (row, column, below - row, beyond - column), inside
    if not found:
        yield from _single(run, shapely.point_on_surface(area))


def _blocks(first: int, last: int, side: int) -> Iterator[tuple[int, int]]:
    """Yield the ends of stretches that start at a whole corner and end where blocks of chunks do."""
    start = first // CORNER * CORNER
    while start < last:
        stop = min((start // side + 1) * side, last)
        yield start, stop
        start = stop


def _span(ends: tuple[float, float], cell: float, cells: int) -> tuple[int, int]:
    """Return the first cell and the one after the last of a stretch, kept within the grid."""
    first, last = (int(np.clip(np.floor(end / cell), 0, cells)) for end in ends)
    return first, min(last + 1, cells)


def _single(run: StoredRun, point: shapely.Point) -> Iterator[tuple[Window, npt.NDArray[np.bool_]]]:
    column = int(np.floor((point.x - run.grid.bounds[0]) / run.grid.cell_size))
    row = int(np.floor((run.grid.bounds[3] - point.y) / run.grid.cell_size))
    if 0 <= row < run.grid.shape[0] and 0 <= column < run.grid.shape[1]:
        yield (row, column, 1, 1), np.ones((1, 1), np.bool_)


def _counted(packed: npt.NDArray[np.int16]) -> Iterator[tuple[int, npt.NDArray[np.int64]]]:
    """Yield the lowest of packed values, shape (steps, cells), and how often each from there on occurs."""
    valid = packed != FILL
    if not valid.any():
        return
    high = int(packed.max())
    low = int(packed.min(where=valid, initial=high))
    steps, width = len(packed), high - low + 1
    # A column before the others takes what is no value.
    place = np.where(valid, packed.astype(np.intp) - (low - 1), 0) + (width + 1) * np.arange(steps)[:, None]
    counts = np.bincount(place.ravel(), minlength=steps * (width + 1)).reshape(steps, width + 1)
    yield low, counts[:, 1:]


def _corners(
    run: StoredRun, window: Window, packed: npt.NDArray[np.int16], outdoors: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return packed means by step, and longitude, latitude and cells, of the corners with an outdoor cell."""
    top, left, height, width = window
    x, y = np.meshgrid(run.grid.x[left : left + width], run.grid.y[top : top + height])
    valid = outdoors & (packed != FILL)
    cells = _blocked(outdoors)
    kept = cells > 0
    means = _divided(_blocked(np.where(valid, packed, np.int16(0)))[:, kept], _blocked(valid)[:, kept])
    east, north = (_blocked(np.where(outdoors, part, 0.0))[kept] / cells[kept] for part in (x, y))
    return means, np.column_stack([*run.grid.unproject(east, north), cells[kept]])


def _blocked(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return sums over corners of cells; at the edges of a window a corner may be cut."""
    *_, height, width = array.shape
    around = [(0, 0)] * (array.ndim - 2) + [(0, -height % CORNER), (0, -width % CORNER)]
    wide = np.pad(array.astype(np.float64 if array.dtype.kind == "f" else np.int32), around)
    rows = reduce(np.add, (wide[..., i::CORNER, :] for i in range(CORNER)))
    return reduce(np.add, (rows[..., i::CORNER] for i in range(CORNER)))
