"""Outlines drawn into a raster, and roofs raised on the ground under them.

A cell belongs to the outline that holds its centre. On the line through the centres of a row, the edges of an
outline cross; the cells between the first crossing and the second lie inside, and so on by pairs::

    ----x=====x----x===x----     a courtyard is the gap between two pairs

A centre on an edge belongs to the outline south or west of it, so that neighbours share no cell and leave
none. The upper end of an edge counts and the lower does not: a corner is crossed once, a level edge never.
"""

from __future__ import annotations

import math
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from heatrisk.physics.kernel import kernel, lent, parallel_kernel

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

BAND: Final = 64
"""Rows that a thread fills at a time; it looks at all outlines for each, so that the last one wins."""


def owners(
    shape: tuple[int, int], across: Numbers, down: Numbers, rings: Indices, outlines: Indices, names: Indices
) -> NDArray[np.int32]:
    """Return the name of the last outline that holds a cell's centre.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    across, down : ndarray of float64
        The points of all outlines, in cells from the raster's first corner; a ring's last point is its first.
    rings : ndarray of int64
        At which point each ring begins, and the end of the last.
    outlines : ndarray of int64
        At which ring each outline begins, and the end of the last.
    names : ndarray of int64
        What is written for each outline, from 1.

    Returns
    -------
    ndarray of int32
        0 where there is no outline.
    """
    if not names.size:
        return np.zeros(shape, np.int32)
    starts = rings[outlines[:-1]]
    reach = (np.clip(extreme.reduceat(down, starts), 0, shape[0]) for extreme in (np.minimum, np.maximum))
    return _drawn(shape, across, down, rings, outlines, names, *reach)


@parallel_kernel
def _drawn(
    shape: tuple[int, int], across: Numbers, down: Numbers, rings: Indices, outlines: Indices,
    names: Indices, least: Numbers, most: Numbers,
) -> NDArray[np.int32]:  # fmt: skip
    found, rows = np.zeros(shape, np.int32), shape[0]
    for band in numba.prange((rows + BAND - 1) // BAND):
        first, last = band * BAND, min((band + 1) * BAND, rows)
        for outline in range(names.size):
            if least[outline] < last and most[outline] > first:
                begin, end = max(first, math.floor(least[outline])), min(last, math.ceil(most[outline]))
                bounds = lent(rings)[outlines[outline] : outlines[outline + 1] + 1]
                _fill(lent(found)[begin:end], begin, across, down, bounds, names[outline])
    return found


@kernel
def _fill(
    found: NDArray[np.int32], first: int, across: Numbers, down: Numbers, rings: Indices, name: int
) -> None:
    """Write an outline's name into the rows of ``found``, the uppermost of which is row ``first``."""
    begins = np.zeros(found.shape[0] + 2, np.int64)  # of each row's crossings, two rows ahead while counted
    for ring in range(rings.size - 1):
        for i in range(rings[ring], rings[ring + 1] - 1):
            for row in range(*_crossed(down[i], down[i + 1], first, found.shape[0])):
                begins[row + 2] += 1
    for row in range(found.shape[0]):
        begins[row + 2] += begins[row + 1]
    crossings = np.empty(begins[-1])
    for ring in range(rings.size - 1):
        for i in range(rings[ring], rings[ring + 1] - 1):
            upper, lower = (i, i + 1) if down[i] < down[i + 1] else (i + 1, i)
            slope = (across[lower] - across[upper]) / (down[lower] - down[upper])
            for row in range(*_crossed(down[i], down[i + 1], first, found.shape[0])):
                crossings[begins[row + 1]] = (first + row + 0.5 - down[upper]) * slope + across[upper]
                begins[row + 1] += 1
    for row in range(found.shape[0]):
        cut = crossings[begins[row] : begins[row + 1]]
        if cut.size != 2 or not cut[0] <= cut[1]:
            cut.sort()
        for pair in range(0, cut.size - 1, 2):
            west, east = _column(cut[pair], found.shape[1]), _column(cut[pair + 1], found.shape[1])
            for column in range(west, east):
                found[row, column] = name


@kernel
def _crossed(one: float, other: float, first: int, rows: int) -> tuple[int, int]:
    """Return the rows from ``first`` on whose centres an edge between two heights crosses."""
    upper, lower = min(one, other), max(one, other)
    if not upper < lower:
        return 0, 0
    begin, end = upper - 0.5 - first, lower - 0.5 - first
    return math.ceil(min(max(begin, 0.0), rows)), math.ceil(min(max(end, 0.0), rows))


@kernel
def _column(crossing: float, columns: int) -> int:
    """Return the first column whose centre lies east of a crossing."""
    if not crossing > 0.0:
        return 0
    return columns if crossing >= columns else math.floor(crossing + 0.5)


@kernel
def mean_ground(owner: NDArray[np.int32], ground: NDArray[np.float32], count: int) -> Numbers:
    """Return the mean of the known ground under each of ``count`` names; NaN where none of it is known."""
    total, cells = np.zeros(count + 1), np.zeros(count + 1)
    for row in range(owner.shape[0]):
        for column in range(owner.shape[1]):
            height = ground[row, column]
            if not np.isnan(height):
                total[owner[row, column]] += height
                cells[owner[row, column]] += 1.0
    return (total / cells)[1:]


@parallel_kernel
def raised(owner: NDArray[np.int32], tops: Numbers) -> NDArray[np.float32]:
    """Return the elevation of the top of each cell's owner, NaN where it has none."""
    roof = np.empty(owner.shape, np.float32)
    for row in numba.prange(owner.shape[0]):
        for column in range(owner.shape[1]):
            name = owner[row, column]
            roof[row, column] = tops[name - 1] if name else np.nan
    return roof
