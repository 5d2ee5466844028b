"""How high a town rises and how low its ground lies, square by square: what may shade what, roughly."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np

from heatrisk.physics.kernel import kernel, parallel_kernel
from heatrisk.physics.line import Raster, Window


class Skyline(NamedTuple):
    """Squares of a town."""

    side: int  # of a square [sub-cells]
    tops: Raster  # highest ground, roof or crown [m]; -inf where nothing is known
    floors: Raster  # lowest ground [m]; inf where none is known


@parallel_kernel
def _squares(terrain: Any, roof: Any, crown: Any, side: int, tops: Raster, floors: Raster) -> None:
    for square in numba.prange(tops.shape[0]):
        tops[square], floors[square] = -np.inf, np.inf
        for row in range(square * side, min((square + 1) * side, terrain.shape[0])):
            for k in range(tops.shape[1]):
                part = slice(k * side, (k + 1) * side)
                top, floor = _ends(
                    terrain[row, part], roof[row, part], crown[row, part] if crown.size else None
                )
                tops[square, k], floors[square, k] = max(tops[square, k], top), min(floors[square, k], floor)


@kernel
def _ends(terrain: Any, roof: Any, crown: Any) -> tuple[Any, Any]:
    """Highest top and lowest ground of some sub-cells; comparisons with what is not known are false."""
    top, floor = np.float32(-np.inf), np.float32(np.inf)
    for i in range(terrain.size):
        top = terrain[i] if terrain[i] > top else top
        top = roof[i] if roof[i] > top else top
        floor = terrain[i] if terrain[i] < floor else floor
        if crown is not None:
            peak = terrain[i] + crown[i]
            top = peak if peak > top else top
    return top, floor


def skyline(terrain: Raster, roof: Raster, crown: Raster, side: int) -> Skyline:
    """Return the highest top and the lowest ground of every square of a town.

    Parameters
    ----------
    terrain, roof : ndarray of float32, shape (R, C)
        Elevation of the ground and of the building tops [m]; NaN is none or unknown.
    crown : ndarray of float32, shape (R, C) or (0, 0)
        Height of the crowns above the ground [m], 0 or NaN without tree.
    side : int
        Of a square [sub-cells].
    """
    shape = tuple(-(-size // side) for size in terrain.shape)
    tops, floors = np.empty(shape, np.float32), np.empty(shape, np.float32)
    _squares(terrain, roof, crown, side, tops, floors)
    return Skyline(side, tops, floors)


def around(line: Skyline, window: Window, slope: float) -> Window:
    """Return the window that holds all that can shade the sub-cells of a window.

    Parameters
    ----------
    line : Skyline
        The town.
    window : tuple of int
        First row and column, rows and columns [sub-cells].
    slope : float
        Fall of the lowest ray that counts, over one sub-cell [m].

    Returns
    -------
    tuple of int
        The wider window, no wider than the town's squares.
    """
    firsts, sizes = window[:2], window[2:]
    places = [np.arange(count) * line.side for count in line.tops.shape]
    # Squares are counted nearer by two sub-cells: lines go from the edge of columns, and by whole rows.
    gaps = [
        np.maximum(np.maximum(first - (place + line.side), place - (first + size)) - 2, 0)
        for place, first, size in zip(places, firsts, sizes, strict=True)
    ]
    inner = tuple(
        slice(first // line.side, -(-(first + size) // line.side))
        for first, size in zip(firsts, sizes, strict=True)
    )
    lowest = float(line.floors[inner].min(initial=math.inf))
    reaching = line.tops - lowest >= slope * np.hypot(gaps[0][:, None], gaps[1][None])
    reaching[inner] = True
    rows, columns = (np.flatnonzero(reaching.any(axis=axis)) for axis in (1, 0))
    top, left = (
        min(int(found[0]) * line.side, first) for found, first in zip((rows, columns), firsts, strict=True)
    )
    bottom, right = (
        max((int(found[-1]) + 1) * line.side, first + size)
        for found, first, size in zip((rows, columns), firsts, sizes, strict=True)
    )
    return top, left, bottom - top, right - left
