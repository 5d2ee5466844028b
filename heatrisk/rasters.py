"""Rasters as a caller gives them for a grid: masks become NaN, and what lies elsewhere is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from heatrisk.errors import GridMismatchError
from heatrisk.grid import Grid
from heatrisk.physics.given import unmasked
from heatrisk.words import Words


def placed(name: str, values: npt.ArrayLike, grid: Grid) -> npt.NDArray[Any]:
    """Return a raster as plain numbers, row 0 in the north, column 0 in the west.

    Parameters
    ----------
    name : str
        What it is, for the message.
    values : array_like
        One number a cell; what is masked is unknown.
    grid : Grid
        The cells that it must have.

    Returns
    -------
    numpy.ndarray
        Shape of the grid, NaN where masked; not copied where nothing could be.

    Raises
    ------
    GridMismatchError
        Its shape is not that of the grid.
    """
    array = unmasked(values)
    if array.shape != grid.shape:
        raise GridMismatchError(
            Words(f"{name} が計算の格子に合いません", f"{name} does not lie on the scene's grid"),
            expected=str(grid.shape),
            got=str(array.shape),
        )
    return array


def codes(name: str, values: npt.ArrayLike, grid: Grid) -> npt.NDArray[np.uint8]:
    """Return a raster of codes of one byte, 0 where a cell is masked or NaN.

    Parameters
    ----------
    name, values, grid
        As of :func:`placed`.

    Raises
    ------
    GridMismatchError
        As of :func:`placed`.
    """
    array = placed(name, values, grid)
    return array if array.dtype == np.uint8 else np.nan_to_num(array).astype(np.uint8)
