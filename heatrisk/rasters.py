"""Rasters as a caller gives them for a grid: masks become NaN, and what lies elsewhere is refused.

A raster that bears coordinates, as an :class:`xarray.DataArray` does, must bear the grid's: rows are read by
their position, and from south to north they would be a mirrored town.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from heatrisk.errors import GridMismatchError, InputError
from heatrisk.grid import Grid
from heatrisk.physics.given import unmasked
from heatrisk.words import Words

#: How far a coordinate may be from the middle of its cell [cells].
_NEAR = 0.1


def placed(name: str, values: npt.ArrayLike, grid: Grid) -> npt.NDArray[Any]:
    """Return a raster as plain numbers, row 0 in the north, column 0 in the west.

    Parameters
    ----------
    name : str
        What it is, for the message.
    values : array_like
        One number a cell; what is masked is unknown. Where it bears coordinates, they are the grid's.
    grid : Grid
        The cells that it must have.

    Returns
    -------
    numpy.ndarray
        Shape of the grid, NaN where masked; not copied where nothing could be.

    Raises
    ------
    GridMismatchError
        Its shape or its coordinates are not those of the grid.
    """
    array = unmasked(values)
    if array.shape != grid.shape:
        raise GridMismatchError(
            Words(f"{name} が計算の格子に合いません", f"{name} does not lie on the scene's grid"),
            expected=str(grid.shape),
            got=str(array.shape),
        )
    _refuse_other_places(name, values, grid)
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
    InputError
        A value is no whole number from 0 to 255: in one byte it would become another code.
    """
    array = placed(name, values, grid)
    if array.dtype == np.uint8:
        return array
    numbers = np.where(np.isnan(array), 0, array)
    kept = numbers.clip(0, 255).astype(np.uint8)
    if (kept != numbers).any():
        raise InputError(
            Words(f"{name} に番号ではない値があります", f"{name} holds a value that is no code"),
            expected=Words("0 から 255 までの整数", "whole numbers from 0 to 255"),
            got=str(numbers[kept != numbers][0]),
            remedy=Words("分からない升目は 0 か NaN にしてください", "Give 0 or NaN where it is unknown."),
        )
    return kept


def _refuse_other_places(name: str, values: Any, grid: Grid) -> None:
    """Raise where the coordinates of rows and columns are not the grid's: the town would be mirrored."""
    coords = getattr(values, "coords", {})
    for dim, middles in zip(getattr(values, "dims", ()), (grid.y, grid.x), strict=False):
        if dim not in coords:
            continue
        found = np.asarray(coords[dim])
        if found.dtype.kind not in "iuf" or not (abs(found - middles) <= _NEAR * grid.cell_size).all():
            raise GridMismatchError(
                Words(
                    f"{name} の座標が計算の格子と違います", f"the coordinates of {name} are not the grid's"
                ),
                where=str(dim),
                expected=f"{middles[0]:.2f}, ... {middles[-1]:.2f}",
                got=f"{found[0]}, ... {found[-1]}",
                remedy=Words(
                    '行は北から南、列は西から東に並べてください（例: .sortby("y", ascending=False)）',
                    'Order rows from north to south, columns west to east: .sortby("y", ascending=False).',
                ),
            )
