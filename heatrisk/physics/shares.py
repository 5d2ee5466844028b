"""From counted receptors to shares of the sun: of each sun while it is swept, or of all at the end.

Shares that wait to be read by a step are packed into two bytes, in parts of `WHOLE`: much of what a step
takes is the time to fill and to read that memory. The rest of a share moves a WBGT by less than 0.0001 °C.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.line import Counts, Raster
from heatrisk.physics.tile import AHEAD, SIDE, fetch_rows, turn_square

LIT, VEILED, LOST = 0, 1, 2  # what is counted: receptors in the sun, those behind crowns, what crowns take
TILE = 64  # side of the tiles of a transposition: 64 x 64 floats stay in the first-level cache
AT_ONCE = 32  # rows of cells of one sun that are turned at a time: a cache line of each column, packed
WHOLE, UNKNOWN = 65534, 65535  # what stands for 1 and for NaN in packed shares

Packed = npt.NDArray[np.uint16]


def packed(shares: npt.ArrayLike) -> Packed:
    """Pack shares, each to the nearest part of `WHOLE`; NaN is `UNKNOWN`."""
    parts = np.rint(np.asarray(shares, np.float32) * np.float32(WHOLE))
    return np.where(np.isnan(parts), np.float32(UNKNOWN), parts).astype(np.uint16)


def unpacked(parts: Packed) -> npt.NDArray[np.float32]:
    """Return what `packed` has packed."""
    shares = parts * np.float32(1.0 / WHOLE)
    return np.where(parts == UNKNOWN, np.float32(np.nan), shares)


@kernel
def unpack(parts: Any) -> Any:
    """Return the share that one packed number stands for."""
    return np.float32(np.nan) if parts == UNKNOWN else np.float32(parts) * np.float32(1.0 / WHOLE)


# --- the shares of each sun ---------------------------------------------------------------------------------


class Outlet(NamedTuple):
    """Where the shares of suns go, some rows of cells at a time."""

    receptors: Raster  # of each cell of the window, by row of the sweep
    across: bool  # the shares are columns
    kind: int  # of the counts that dim the beam, and
    dim: float  # by how much
    whole: Any  # what stands for 1 in packed shares, float32; None where they are not packed
    shares: Any  # (suns, 2, rows, columns): in full sun, and of the beam; one raster in a town without trees
    slots: Any  # (suns,) int64: the place there of each sun that is swept


@kernel
def _share(lit: Any, taken: Any, dim: float, receptors: Any, whole: Any, out: Any) -> None:
    """Light per receptor; NaN without any."""
    if whole is None:
        for i in range(out.size):
            out[i] = np.float32(lit[i] - dim * taken[i]) / receptors[i]
    else:
        for i in range(out.size):
            parts = np.float32(lit[i] - dim * taken[i]) / max(receptors[i], np.float32(1.0)) * whole
            known = np.rint(parts) if receptors[i] > np.float32(0.0) else np.float32(UNKNOWN)
            out[i] = np.uint16(np.int32(known))


@kernel
def give(counts: Counts, outlet: Outlet, sun: int, step: int, cell: int, waiting: int, last: bool) -> int:
    """Write the rows of a sun's shares that wait once they are enough; return how many wait.

    ``cell`` is the last row that came, ``last`` says that no other comes.
    """
    if waiting < AT_ONCE and not last:
        return waiting
    counts, receptors, shares = lent(counts), lent(outlet.receptors), lent(outlet.shares)
    low, slot = (cell - waiting + 1, 0) if step > 0 else (cell, AT_ONCE - waiting)
    held = np.empty((waiting, receptors.shape[1]), shares.dtype)
    for which in range(shares.shape[1]):
        out, kind, dim = shares[outlet.slots[sun], which], VEILED, 1.0
        if which > 0:
            kind, dim = outlet.kind, outlet.dim
        if counts.shape[0] == 1:
            kind, dim = LIT, 0.0
        for k in range(waiting):
            row = held[k] if outlet.across else out[low + k]
            _share(counts[LIT, slot + k], counts[kind, slot + k], dim, receptors[low + k], outlet.whole, row)
        if outlet.across:
            _turn(held, out, low)
    counts[:, slot : slot + waiting] = 0
    return 0


@kernel
def _turn(rows: Any, out: Any, low: int) -> None:
    """Write rows as columns from ``low``."""
    count, n = rows.shape
    squares, whole = count - count % SIDE, n - n % SIDE
    for j in range(0, whole, SIDE):
        for k in range(0, squares, SIDE):
            fetch_rows(out, j + AHEAD, low + k)
            turn_square(rows, k, j, out, j, low + k)
    for j in range(n):
        for k in range(squares if j < whole else 0, count):
            out[j, low + k] = rows[k, j]


# --- the mean of many suns ---------------------------------------------------------------------------------


@parallel_kernel
def turn_onto(across: Counts, along: Counts) -> None:
    """Add counts by column to counts by row, tile by tile."""
    rows, columns = along.shape[1:]
    for tile in numba.prange((rows + TILE - 1) // TILE):
        for left in range(0, columns, TILE):
            for kind in range(along.shape[0]):
                for i in range(tile * TILE, min(rows, (tile + 1) * TILE)):
                    for j in range(left, min(columns, left + TILE)):
                        along[kind, i, j] += across[kind, j, i]


@parallel_kernel
def mean_share(counts: Counts, receptors: Raster, suns: int, kind: int, dim: float) -> Raster:
    """Light per sun and receptor: the lit ones less ``dim`` of a kind; NaN without receptors."""
    out = np.empty(receptors.shape, np.float32)
    rows, columns = receptors.shape
    for i in numba.prange(rows):
        for j in range(columns):
            out[i, j] = (counts[LIT, i, j] - dim * counts[kind, i, j]) / (suns * receptors[i, j])
    return out
