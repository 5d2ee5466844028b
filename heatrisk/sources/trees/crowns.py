"""Tree crowns brought onto a grid: discs about points, and outlines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.features import rasterize

from heatrisk.grid import Grid

FloatArray = npt.NDArray[np.float64]

#: Cells that are held at a time, in the square about each crown.
_CELLS = 2**22


def crown_diameter(height: FloatArray) -> FloatArray:
    r"""Return the crown diameter of a free-standing tree of some height.

    A power law fitted to the oaks of an open woodland [1]_, because closed forest, where most such laws come
    from, has crowns half as wide as a park. For the trees that Japan's Urban Green Space Act [2]_ tells
    apart (1, 2.5 and 4 m tall) it agrees with the diameters the Act takes to 0.5 m (2.2, 3.2 and 4.2 m),
    and unlike the Act it goes on widening. Pruned street trees are narrower, old park trees wider.

    .. math:: d = 1.7425 \, h^{0.5566}

    Parameters
    ----------
    height : numpy.ndarray
        Height of the tree above ground [m].

    Returns
    -------
    numpy.ndarray
        Diameter of its crown [m].

    References
    ----------
    .. [1] Chen, Q., Baldocchi, D., Gong, P. & Kelly, M. (2006). Isolating individual trees in a savanna
       woodland using small footprint lidar data. Photogrammetric Engineering & Remote Sensing 72, 923-932.
    .. [2] 都市緑地法施行規則 第9条第2号イ(2) (みなし樹冠).
    """
    diameter: FloatArray = 1.7425 * height**0.5566
    return diameter


def burn_discs(
    canopy: npt.NDArray[np.float32],
    grid: Grid,
    x: FloatArray,
    y: FloatArray,
    radius: FloatArray,
    top: FloatArray,
) -> None:
    """Raise a canopy to the tops of round crowns, where these are higher.

    A crown is a flat-topped disc: the shade engine takes one top and one underside a cell, lists of trees say
    nothing of a crown's profile, and the widest outline is what decides how far its shade reaches. It covers
    the cells whose centre it holds, so that crowns smaller than a cell keep their area on average.

    Parameters
    ----------
    canopy : numpy.ndarray of float32
        Crown-top height above ground on the grid [m], contiguous; changed in place.
    grid : Grid
        Where it lies.
    x, y : numpy.ndarray
        Trunks in the grid's coordinates [m].
    radius, top : numpy.ndarray
        Crown radius on the ground and crown-top height [m].
    """
    rows, columns = grid.shape
    flat = canopy.reshape(-1)
    # Within one assignment the last value stays, so the highest crown comes last.
    order = np.argsort(top, kind="stable")
    reach = radius[order] * (grid.scale / grid.cell_size)
    row = (grid.transform.f - y[order]) / grid.cell_size - 0.5
    column = (x[order] - grid.transform.c) / grid.cell_size - 0.5
    for part in _parts(reach):
        which, lines = _spread(row[part] - reach[part], row[part] + reach[part], rows)
        half = np.sqrt(np.maximum(reach[part][which] ** 2 - (lines - row[part][which]) ** 2, 0.0))
        middle = column[part][which]
        spans, across = _spread(middle - half, middle + half, columns)
        cells = lines[spans] * columns + across
        flat[cells] = np.maximum(flat[cells], top[order][part][which[spans]])


def _parts(reach: FloatArray) -> Iterator[slice]:
    """Yield runs of crowns that together stay within :data:`_CELLS`."""
    done = np.cumsum((2.0 * reach + 1.0) ** 2)
    start = 0
    while start < len(reach):
        before = done[start - 1] if start else 0.0
        stop = max(int(np.searchsorted(done, before + _CELLS)), start + 1)
        yield slice(start, stop)
        start = stop


def _spread(
    low: FloatArray, high: FloatArray, size: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return every whole number from ``low`` to ``high``, within 0 and ``size``, and whose it is."""
    first = np.clip(np.ceil(low), 0, size).astype(np.intp)
    count = np.maximum(np.clip(np.floor(high), -1, size - 1).astype(np.intp) - first + 1, 0)
    which = np.repeat(np.arange(len(count)), count)
    begin = np.cumsum(count) - count
    return which, np.arange(len(which)) - begin[which] + first[which]


def burn_outlines(
    canopy: npt.NDArray[np.float32], grid: Grid, outlines: npt.NDArray[Any], top: FloatArray
) -> None:
    """Raise a canopy to the tops of outlined crowns and plantings, where these are higher.

    Parameters
    ----------
    canopy : numpy.ndarray of float32
        Crown-top height above ground on the grid [m]; changed in place.
    grid : Grid
        Where it lies.
    outlines : numpy.ndarray of shapely.Geometry
        Polygons in the grid's coordinates; each covers the cells whose centre it holds.
    top : numpy.ndarray
        Their heights above ground [m].
    """
    if not len(outlines):
        return
    order = np.argsort(top, kind="stable")
    burnt = rasterize(
        zip(outlines[order], top[order], strict=True),
        out_shape=grid.shape,
        transform=grid.transform,
        fill=0.0,
        dtype="float32",
    )
    np.maximum(canopy, burnt, out=canopy)
