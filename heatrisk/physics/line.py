"""The way of the lines: a sun, or suns above one another, in the terms of a sweep over rows.

The drawing stands in `heatrisk.physics.sweep`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heatrisk.physics.kernel import kernel

Raster = NDArray[np.float32]
Counts = NDArray[np.uint32]
Window = tuple[int, int, int, int]  # first row, first column, rows, columns [cells]

FAR = np.float32(1e30)  # higher than any obstacle; -FAR is lower than any ground
_TOUCH = 1e-9  # a line this close to a corner [rows] passes through it and crosses no corner cell


class Heights(NamedTuple):
    """A town as columns: heights above one datum [m], framed by one empty column at each side."""

    top: Raster  # ground or top of the column, -inf without either; the last bit is 1 where it is a column
    crown_top: Raster  # -inf without a tree; shape (0, 0) in a town without trees
    crown_base: Raster  # +inf without a tree


class Sweep(NamedTuple):
    """Suns of one azimuth over one window, in the terms of the sweep: ``row`` along, ``column`` across."""

    step: int  # +1: rows are walked as stored, -1: backwards
    side: int  # lines drift towards higher (+1) or lower (-1) columns
    slope: float  # drift [columns per row], 0 to 1
    drops: NDArray[np.float64]  # for each sun, fall of the shade over one row [m]
    depths: NDArray[np.float64]  # for each sun, optical depth of a crown per metre that the ray climbs [m-1]
    reaches: NDArray[np.int64]  # for each sun, rows after which no shade is left
    relief: float  # height of the highest obstacle above the lowest ground [m]
    anchor: int  # number of row 0 in the whole grid
    receptor: float  # height of the receptor above the ground [m]
    factor: int  # sub-cells along each side of a cell, 1 to 255
    row: int  # the window: first cell, number of cells
    rows: int
    column: int
    columns: int


def towards(
    zeniths: Sequence[float],
    azimuth: float,
    cell_size: float,
    relief: float,
    window: Window,
    *,
    factor: int = 1,
    receptor: float = 0.0,
    extinction: float = 0.0,
    anchor: tuple[int, int] = (0, 0),
) -> tuple[bool, Sweep]:
    """Turn suns above one another into a sweep; the flag says that it runs across, on the transposed town."""
    north, east = math.cos(math.radians(azimuth)), math.sin(math.radians(azimuth))
    across = abs(east) > abs(north)
    # Away from the sun: rows grow southwards (+north), columns eastwards (-east).
    along, aside = (-east, north) if across else (north, -east)
    drops = [cell_size * math.tan(math.radians(90.0 - zenith)) / abs(along) for zenith in zeniths]
    row, column, rows, columns = window
    if across:
        row, column, rows, columns = column, row, columns, rows
    return across, Sweep(
        step=1 if along > 0 else -1,
        side=1 if aside > 0 else -1,
        slope=abs(aside / along),
        drops=np.array(drops),
        depths=np.array([extinction / math.cos(math.radians(zenith)) for zenith in zeniths]),
        reaches=np.array([int(min(relief / drop, 1e8)) + 2 for drop in drops]),
        relief=relief,
        anchor=anchor[int(across)],
        receptor=receptor,
        factor=factor,
        row=row,
        rows=rows,
        column=column,
        columns=columns,
    )


# --- the way of a line --------------------------------------------------------------------------------------


@kernel
def place(slope: float, row: int, phase: float) -> tuple[int, float]:
    """Columns that the lines have drifted at a row, and what is left to the middle of a cell [columns]."""
    sideways = slope * row + phase
    cells = math.floor(sideways + 0.5)
    return int(cells), sideways - cells


@kernel
def crossing(slope: float, phase: float, turn: int) -> tuple[float, bool, bool]:
    """Share of the step to the next row before the lines change column, 1 if they do not.

    The flags say that a corner cell is crossed, and that it lies in the row ahead.
    """
    share = 1.0 if turn == 0 else (0.5 - phase) / slope
    return share, turn != 0 and abs(share - 0.5) >= _TOUCH, share >= 0.5
