"""Kernels of drawing: cells summed over pixels and coloured, each in one pass over memory.

They give to the bit what :func:`heatrisk.tiles.building.means`, :func:`heatrisk.cube.pack` and
:meth:`heatrisk.layers.Layer.coded` give. Those serve single tiles, where a compiler costs more than it saves;
here all pixels of a run are drawn, hundreds of millions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from heatrisk.cube import FILL
from heatrisk.physics.kernel import kernel
from heatrisk.pyramid import Codes
from heatrisk.tiles.building import OPEN

Floats = npt.NDArray[np.float32]
Packed = npt.NDArray[np.int16]
#: Without sign: a signed index costs a comparison at each pixel.
Cells = npt.NDArray[np.uint32]

_FILL, _LEAST, _MOST = np.int16(FILL), np.float32(-32767), np.float32(32767)


@kernel
def show_cells(values: Packed, ground: Codes, scale: np.float32, shown: Packed, numbers: Floats) -> bool:
    """Keep the packed values of open cells, and write them as numbers for sums, 0 where there is none.

    Parameters
    ----------
    values : numpy.ndarray of int16
        A packed value a cell, flat.
    ground : numpy.ndarray of uint8
        What a cell is: :data:`~heatrisk.tiles.building.OPEN`, or the code it gets; after the cells come
        the one outside and the pictures of coarser zooms.
    scale : float32
        Steps of the resolution in a unit.
    shown, numbers : numpy.ndarray
        Written into for the cells and the one outside.

    Returns
    -------
    bool
        Whether every open cell has a value.
    """
    shown[values.size], numbers[values.size] = _FILL, 0.0
    whole = True
    for i in range(values.size):
        known, is_open = values[i] != _FILL, ground[i] == OPEN
        shown[i] = values[i] if is_open else _FILL
        numbers[i] = np.float32(values[i]) / scale if known and is_open else np.float32(0.0)
        whole &= known or not is_open
    return whole


@kernel
def sum_cells(numbers: Floats, cells: Cells, places: npt.NDArray[np.intp], sums: Floats) -> None:
    """Add up the numbers of the cells under 2 x 2 native pixels.

    Parameters
    ----------
    numbers : numpy.ndarray of float32
        A number a cell.
    cells : numpy.ndarray of uint32
        The cell that a pixel shows, shape (tiles, pixels, pixels).
    places : numpy.ndarray of int
        Row and column of each tile's north-west corner in ``sums``.
    sums : numpy.ndarray of float32
        Pixels of the coarser zoom, written into where there are tiles.
    """
    half = cells.shape[1] // 2
    for tile in range(cells.shape[0]):
        top, left = places[tile]
        for i in range(half):
            above, below, out = cells[tile, 2 * i], cells[tile, 2 * i + 1], sums[top + i]
            for j in range(half):
                west = numbers[above[2 * j]] + numbers[below[2 * j]]
                out[left + j] = west + (numbers[above[2 * j + 1]] + numbers[below[2 * j + 1]])


@kernel
def halve(pixels: Floats, place: npt.NDArray[np.intp], sums: Floats) -> None:
    """Add up 2 x 2 pixels of a zoom for the next coarser one, on which they begin at a row and column."""
    for i in range(pixels.shape[0] // 2):
        above, below, out = pixels[2 * i], pixels[2 * i + 1], sums[place[0] + i]
        for j in range(pixels.shape[1] // 2):
            west = above[2 * j] + below[2 * j]
            out[place[1] + j] = west + (above[2 * j + 1] + below[2 * j + 1])


@kernel
def pack_means(sums: Floats, counts: Floats, scale: np.float32, packed: Packed) -> None:
    """Pack sums divided by counts; nothing over nothing is no value. All arrays are flat."""
    for i in range(sums.size):
        mean = sums[i] / counts[i]
        packed[i] = _FILL if np.isnan(mean) else _steps(mean, scale)


@kernel
def colour(packed: npt.NDArray[np.uint16], ground: Codes, table: Codes, codes: Codes) -> None:
    """Look up the code of each value on open ground; other ground keeps its own. All arrays are flat.

    ``packed`` is read without sign, as the index of ``table``.
    """
    for i in range(packed.size):
        code = table[packed[i]]
        codes[i] = code if ground[i] == OPEN else ground[i]


@kernel
def pick(codes: Codes, cells: Cells, lines: Codes) -> None:
    """Give each native pixel the code of its cell, in lines as a PNG has them.

    Parameters
    ----------
    codes : numpy.ndarray of uint8
        A code a cell.
    cells : numpy.ndarray of uint32
        The cell that a pixel shows, shape (tiles, pixels, pixels).
    lines : numpy.ndarray of uint8
        Shape (tiles, pixels, 1 + pixels), written into; a line opens with its filter type, 0 for none.
    """
    for tile in range(cells.shape[0]):
        for i in range(cells.shape[1]):
            lines[tile, i, 0] = 0
            for j in range(cells.shape[2]):
                lines[tile, i, 1 + j] = codes[cells[tile, i, j]]


@kernel
def cut(codes: Codes, places: npt.NDArray[np.intp], lines: Codes) -> None:
    """Cut tiles out of pictures that lie one after the other.

    Parameters
    ----------
    codes : numpy.ndarray of uint8
        The pictures, flat.
    places : numpy.ndarray of int
        Where each tile begins, and how wide its picture is.
    lines : numpy.ndarray of uint8
        As for :func:`pick`.
    """
    for tile in range(places.shape[0]):
        for i in range(lines.shape[1]):
            start = places[tile, 0] + i * places[tile, 1]
            found, line = codes[start : start + lines.shape[2] - 1], lines[tile, i]
            line[0] = 0
            for j in range(found.size):
                line[1 + j] = found[j]


@kernel
def _steps(value: np.float32, scale: np.float32) -> np.int16:
    """Return a value in steps; what lies beyond 16 bits is the extreme."""
    return np.int16(min(max(np.rint(value * scale), _LEAST), _MOST))
