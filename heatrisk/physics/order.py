"""Cells in the order of their tables: neighbours there share all coefficients.

Within a block of the raster, cells are put into groups by class of ground, by whether crowns hide any of
their sky, and by interval of the sky view factor. Every group is filled up with copies of its first cell to a
multiple of the lanes of a vector: a copy has the same result, and writes it to the same place. Cells whose
sky is unknown are in no group.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.court import COURT_NODES, SVF_MIN
from heatrisk.physics.fluxes import court_place
from heatrisk.physics.kernel import formula, kernel, parallel_kernel
from heatrisk.physics.lanes import LANES

#: Cells that pass all moments together: few enough that what a moment touches fits the second-level cache,
#: and that 16 bits tell them apart.
BLOCK: Final = 16384
assert BLOCK <= 1 << 16

_EIGHTHS: Final = 8 * (COURT_NODES - 1)  # of the intervals of the courts
#: Where the intervals of the sky view factor begin and the last one ends, in eighths; see `view_interval`.
_STARTS: Final = np.concatenate(
    [np.arange(8.0), np.arange(8.0, _EIGHTHS - 8.0, 4.0), np.arange(_EIGHTHS - 8.0, _EIGHTHS + 1.0)]
)
INTERVALS: Final = _STARTS.size - 1
_INTERVAL_OF: Final = np.searchsorted(_STARTS, np.arange(_EIGHTHS), side="right") - 1
_BEND: Final = 0.1  # of `crown_way`, by trial: from 0.06 to 0.15 the tables err little more

Floats32 = npt.NDArray[np.float32]


class Places(NamedTuple):
    """Where the cells stand in the tables.

    Attributes
    ----------
    svf : array of float32, shape (cells,)
        Sky view factor. [1]
    layers : int
        1 for a town without crowns. 2 with: of every class of ground, first the cells whose sky they leave.
    bounds : array of int64, shape (blocks, kinds * layers * INTERVALS + 1)
        Where in the order each group of a block begins; the last is where the block ends.
    order : array of uint16, shape (places,)
        Cell at every place, counted from the first of its block.
    way : array of float32, shape (places,)
        Through the interval of the sky view factor without trees, 0 to 1.
    hidden : array of float32, shape (places,)
        What crowns hide of the sky above the walls, 0 to 1, see `crown_way`. Empty in a town without crowns,
        like the next two.
    node : array of int32, shape (places,)
        Node of the courts below the sky view factor.
    between : array of float32, shape (places,)
        From there to the next. [1]
    """

    svf: Floats32
    layers: int
    bounds: npt.NDArray[np.int64]
    order: npt.NDArray[np.uint16]
    way: Floats32
    hidden: Floats32
    node: npt.NDArray[np.int32]
    between: Floats32


def places(
    codes: npt.NDArray[np.uint8], slots: npt.NDArray[np.uint8], svf: Floats32, svf_buildings: Floats32,
    crowns: bool,
) -> Places:  # fmt: skip
    """Put cells into the order of their tables.

    Parameters
    ----------
    codes : array of uint8, shape (cells,)
        Code of the ground in land-cover rasters.
    slots : array of uint8, shape (256,)
        For every code, which of the classes in the tables it is.
    svf, svf_buildings : array of float32, shape (cells,)
        Sky view factor, with trees and without; NaN is unknown. [1]
    crowns : bool
        Whether crowns may hide the sky.
    """
    layers = 2 if crowns else 1
    groups = (int(slots.max()) + 1) * layers * INTERVALS
    counts = np.zeros((-(-codes.size // BLOCK), groups), np.int64)
    of, through = np.empty(codes.size, np.int32), np.empty(codes.size, np.float32)
    _locate(codes, slots, svf, svf_buildings, layers, of, through, counts)
    filled = -(-counts // LANES) * LANES
    ends = np.cumsum(filled).reshape(filled.shape)
    bounds = np.concatenate([ends[:, :1] - filled[:, :1], ends], axis=1)
    total = int(bounds[-1, -1])
    among = total if crowns else 0
    found = Places(
        svf, layers, bounds, np.empty(total, np.uint16), np.empty(total, np.float32),
        np.empty(among, np.float32), np.empty(among, np.int32), np.empty(among, np.float32),
    )  # fmt: skip
    _fill(found, svf_buildings, of, through)
    return found


@parallel_kernel
def codes_found(codes: Any) -> npt.NDArray[np.bool_]:
    """Tell which of the 256 codes of land cover there are."""
    blocks = (codes.size + BLOCK - 1) // BLOCK
    found = np.zeros((blocks, 256), np.bool_)
    for block in numba.prange(blocks):
        for cell in range(block * BLOCK, min((block + 1) * BLOCK, codes.size)):
            found[block, codes[cell]] = True
    either = np.zeros(256, np.bool_)
    for block in range(blocks):
        either |= found[block]
    return either


@kernel
def view_interval(svf: float) -> tuple[int, float]:
    """Interval of the tables in which a sky view factor lies, and the way through it, 0 to 1.

    The intervals of the courts in halves; the first and the last, where an upright plane loses or gains half
    of its sky, in eighths.
    """
    x = min(max(svf, 0.0), 1.0) * _EIGHTHS
    interval = _INTERVAL_OF[min(int(x), _EIGHTHS - 1)]
    start = _STARTS[interval]
    return interval, (x - start) / (_STARTS[interval + 1] - start)


@kernel
def view_of(interval: int) -> float:
    """Sky view factor at which an interval begins."""
    view: float = _STARTS[interval] / _EIGHTHS
    return view


@formula
def crown_way(hidden: float) -> float:
    """Variable of the tables, 0 to 1, for the share of the sky above the walls that crowns hide.

    Loads are linear in the share; temperatures go with their fourth root, which bends the more the lower they
    are. Crowns change a load most where they lower it, so the share is stretched towards 1: there a parabola
    follows.
    """
    return hidden / (1.0 + _BEND * (1.0 - hidden))


@parallel_kernel
def _locate(
    codes: Any, slots: Any, svf: Any, svf_buildings: Any, layers: int, of: Any, through: Any, counts: Any
) -> None:
    """Fill in the group of every cell, -1 where its sky is unknown, and its way; count each group."""
    for block in numba.prange(counts.shape[0]):
        for cell in range(block * BLOCK, min((block + 1) * BLOCK, codes.size)):
            of[cell] = -1
            if np.isnan(svf[cell]) or np.isnan(svf_buildings[cell]):
                continue
            interval, through[cell] = view_interval(np.float64(svf_buildings[cell]))
            layer = 1 if layers > 1 and svf[cell] < svf_buildings[cell] else 0
            group = (slots[codes[cell]] * layers + layer) * INTERVALS + interval
            of[cell] = group
            counts[block, group] += 1


@parallel_kernel
def _fill(found: Places, svf_buildings: Any, of: Any, through: Any) -> None:
    """Fill in the cells of every block."""
    for block in numba.prange(found.bounds.shape[0]):
        _fill_block(found, svf_buildings, of, through, block)


@kernel
def _fill_block(found: Places, svf_buildings: Any, of: Any, through: Any, block: int) -> None:
    """Fill in the cells of every group, and fill it up."""
    first, origin = found.bounds[block], block * BLOCK
    following = first[:-1].copy()
    for cell in range(origin, min(origin + BLOCK, of.size)):
        if of[cell] >= 0:
            place = following[of[cell]]
            found.order[place], found.way[place] = cell - origin, through[cell]
            following[of[cell]] += 1
    for group in range(following.size):
        for place in range(following[group], first[group + 1]):
            found.order[place], found.way[place] = found.order[first[group]], found.way[first[group]]
    if found.node.size:
        for place in range(first[0], first[-1]):
            cell = origin + int(found.order[place])
            svf, bare = np.float64(found.svf[cell]), np.float64(svf_buildings[cell])
            found.node[place], found.between[place] = court_place(svf)
            found.hidden[place] = crown_way(1.0 - min(svf / max(bare, SVF_MIN), 1.0))
