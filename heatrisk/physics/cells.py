"""Every cell through one step: the tables of `heatrisk.physics.lookup` read at all of its moments.

Cells go by blocks that stay in the second-level cache while one moment after another passes over them, so
that a step reads every share of the beam once and writes every product once.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from heatrisk.physics.court import COURT_NODES, SVF_MIN
from heatrisk.physics.fluxes import court_place
from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.lanes import LANES, TERMS, TERMS_WITH_V, add_polynomial
from heatrisk.physics.lookup import (
    GROUND,
    INTERVALS,
    LIT,
    LOAD_STEP,
    MOE,
    MOE_SHADE,
    MOE_SUN,
    TMRT,
    Floats32,
    Tables,
    view_interval,
)

BLOCK: Final = 2048  # cells that pass all moments together: sums and one table fit the second-level cache

#: Products of a step, in the order in which `step_cells` writes them: the mean of every lane, the share of
#: the beam that arrives in the place of the warmth, and the highest ``wbgt_moe``.
RECEIVED, PEAK, PRODUCTS = GROUND, LANES, LANES + 1

HUNDREDTHS, THOUSANDTHS = 100.0, 1000.0


class Crowns(NamedTuple):
    """Cells under and between trees.

    Attributes
    ----------
    hidden : array of float32, shape (cells,)
        Share of the sky above the walls that crowns hide, 0 to 1. [1]
    node : array of int32, shape (cells,)
        Node below the sky view factor among those of the courts of all classes that there are.
    way : array of float32, shape (cells,)
        From there to the next. [1]
    svf_buildings : array of float32, shape (cells,)
        Sky view factor without trees. [1]
    """

    hidden: Floats32
    node: npt.NDArray[np.int32]
    way: Floats32
    svf_buildings: Floats32


class Places(NamedTuple):
    """Where the cells stand in the tables.

    Attributes
    ----------
    slot : array of uint8, shape (cells,)
        Class of the ground, as a place among the classes that there are.
    row : array of int32, shape (cells,)
        First row in the table of the body.
    way : array of float32, shape (cells,)
        Through the interval of the sky view factor without trees, 0 to 1; NaN where that is unknown.
    svf : array of float32, shape (cells,)
        Sky view factor. [1]
    """

    slot: npt.NDArray[np.uint8]
    row: npt.NDArray[np.int32]
    way: Floats32
    svf: Floats32


def places(
    slot: npt.NDArray[np.uint8], svf: Floats32, svf_buildings: Floats32, crowns: bool | None = None
) -> tuple[Places, Crowns | None]:
    """Find the place of every cell in the tables; no crowns where they hide the sky nowhere.

    Parameters
    ----------
    slot : array of uint8, shape (cells,)
        See `Places`.
    svf, svf_buildings : array of float32, shape (cells,)
        Sky view factor, with trees and without; NaN is unknown. [1]
    crowns : bool, optional
        Whether the tables are those with crowns; if omitted, where there are any.
    """
    crowned = bool((svf < svf_buildings).any()) if crowns is None else crowns
    row, way = np.empty(svf.size, np.int32), np.empty_like(svf)
    _locate(slot, svf_buildings, False, row, way)
    row *= np.int32(TERMS_WITH_V if crowned else TERMS)
    if not crowned:
        return Places(slot, row, way, svf), None
    node, between = np.empty_like(row), np.empty_like(way)
    _locate(slot, svf, True, node, between)
    with np.errstate(invalid="ignore"):
        clear = np.minimum(svf / np.maximum(svf_buildings, np.float32(SVF_MIN)), np.float32(1.0))
    return Places(slot, row, way, svf), Crowns(np.float32(1.0) - clear, node, between, svf_buildings)


@parallel_kernel
def _locate(slot: Any, svf: Any, courts: bool, place: Any, way: Any) -> None:
    """Fill in the node of the courts or interval of the tables below a sky view factor, and the way on."""
    nodes = COURT_NODES if courts else INTERVALS
    for cell in numba.prange(svf.size):
        known = not np.isnan(svf[cell])
        seen = np.float64(svf[cell]) if known else 0.0
        node, between = court_place(seen) if courts else view_interval(seen)
        place[cell] = slot[cell] * nodes + node
        way[cell] = between if known else np.nan


@kernel
def _lent(tables: Tables) -> Tables:
    """Return tables whose slices count no references."""
    body, past, globe = lent(tables.body), lent(tables.past), lent(tables.globe)
    fades, settling = lent(tables.fades), lent(tables.settling)
    return Tables(body, past, settling, tables.day, tables.early, fades, tables.calm, globe)


@kernel
def _part(cells: Places, first: int, last: int) -> Places:
    """Return a block of cells."""
    slot, row, way, svf = lent(cells.slot), lent(cells.row), lent(cells.way), lent(cells.svf)
    return Places(slot[first:last], row[first:last], way[first:last], svf[first:last])


@kernel
def _part_of(crowns: Any, first: int, last: int) -> Any:
    """Return the crowns of a block, None without any."""
    if crowns is None:
        return None
    hidden, node = lent(crowns.hidden)[first:last], lent(crowns.node)[first:last]
    return Crowns(hidden, node, lent(crowns.way)[first:last], lent(crowns.svf_buildings)[first:last])


@kernel
def _see_day(day: Floats32, cells: Places, before: Any, beams: Any, first: int, shares: Floats32) -> None:
    """Fill in the share of a whole day's beam that reaches the ground of a block.

    The suns that are not known count by the share of the sky that a place sees.
    """
    unknown = np.float32(1.0) - day.sum()
    for i in range(shares.size):
        shares[i] = unknown * cells.svf[i]
    for h in range(len(before)):
        if day[h] > 0.0:
            beam = lent(before[h])[first : first + shares.size]
            for i in range(shares.size):
                shares[i] += day[h] * beam[i]
    for k in range(len(beams)):
        beam = lent(beams[k])[first : first + shares.size]
        for i in range(shares.size):
            shares[i] += day[len(before) + k] * beam[i]


@kernel
def _warm(past: Floats32, cells: Places, before: Any, first: int, day: Floats32, warmth: Floats32) -> None:
    """Let the beam of the hours before the step warm the ground of a block."""
    for i in range(warmth.size):
        warmth[i] = past[0, cells.slot[i]] * day[i]
    for h in range(past.shape[0] - 1):
        beam, by_slot = lent(before[h])[first : first + warmth.size], past[h + 1]
        for i in range(warmth.size):
            warmth[i] += by_slot[cells.slot[i]] * beam[i]


@kernel
def _shade(early: Floats32, cells: Places, crowns: Any, warmth: Floats32) -> None:
    """Let crowns shade the ground of a block before the first moment."""
    if crowns is not None:
        for i in range(warmth.size):
            node, way = court_place(np.float64(crowns.svf_buildings[i]))
            node += cells.slot[i] * COURT_NODES
            bare = early[node] + np.float32(way) * (early[node + 1] - early[node])
            warmth[i] += _read(early, crowns, i) - bare


@kernel
def _read(nodes: Floats32, crowns: Any, i: int) -> np.float32:
    """Read what is known by sky view factor under crowns."""
    node = crowns.node[i]
    value: np.float32 = nodes[node] + crowns.way[i] * (nodes[node + 1] - nodes[node])
    return value


@kernel
def _pass_moment(
    tables: Tables, k: int, cells: Places, crowns: Any, beam: Floats32, direct: Floats32,
    day: Floats32, sums: Floats32, peak: Floats32, received: Floats32,
) -> None:  # fmt: skip
    """Add moment ``k`` to the sums of a block."""
    body, fades, globe, calm = tables.body[k], tables.fades[k], tables.globe[k], tables.calm[k]
    settling = tables.settling[k]
    for i in range(peak.size):
        row, way, share = np.int64(cells.row[i]), cells.way[i], beam[i]
        warmth = sums[i, GROUND] + settling[cells.slot[i]] * (day[i] - cells.svf[i])
        if crowns is None:
            moe = add_polynomial(sums, i, body, row, way, None, warmth, share, direct[i], None)
        else:
            fade, hidden = _read(fades, crowns, i), crowns.hidden[i]
            moe = add_polynomial(sums, i, body, row, way, hidden, warmth, share, direct[i], fade)
        if calm:
            moe = _add_globe(globe, moe, share, i, sums)
        peak[i] = moe if moe > peak[i] else peak[i]
    received += beam


@kernel
def _add_globe(globe: Floats32, load: np.float32, share: np.float32, i: int, sums: Floats32) -> np.float32:
    """Put ``wbgt_moe`` into the sums of a cell, where the polynomial has put the load of its globe."""
    shade, sun = _of_load(globe, load), _of_load(globe, load + globe[1])
    moe: np.float32 = share * sun + (np.float32(1.0) - share) * shade
    sums[i, MOE] += moe - load
    sums[i, MOE_SUN] += sun
    sums[i, MOE_SHADE] += shade
    return moe


@kernel
def _of_load(globe: Floats32, load: np.float32) -> np.float32:
    x = (load - globe[0]) * np.float32(1.0 / LOAD_STEP)
    k = min(max(int(x), 0), globe.size - 4) if x == x else 0  # NaN has no place but stays NaN
    value: np.float32 = globe[k + 2] + (x - np.float32(k)) * (globe[k + 3] - globe[k + 2])
    return value


@kernel
def pass_block(
    tables: Tables, cells: Places, crowns: Any, before: Any, beams: Any, directs: Any, first: int,
    sums: Floats32, peak: Floats32, received: Floats32,
) -> None:  # fmt: skip
    """Take a block of cells through all moments; arguments as of `step_cells`."""
    last = first + peak.size
    part, crowned = _part(cells, first, last), _part_of(crowns, first, last)
    tables, sums = _lent(tables), lent(sums)
    day = np.empty_like(peak)
    _see_day(tables.day, part, before, beams, first, day)
    _warm(tables.past, part, before, first, day, received)
    _shade(tables.early, part, crowned, received)
    sums[:] = np.float32(0.0)
    sums[:, GROUND] = received
    peak[:], received[:] = np.float32(-np.inf), np.float32(0.0)
    for k in range(len(beams)):
        beam, direct = lent(beams[k])[first:last], lent(directs[k])[first:last]
        _pass_moment(tables, k, part, crowned, beam, direct, day, sums, peak, received)


@kernel
def _write(values: Any, moments: int, lift: float, step: float, product: Any) -> None:
    """Write means over the moments, lifted and rounded to steps of which there are ``step`` in one."""
    count, raised, steps = np.float32(moments), np.float32(lift), np.float32(step)
    for i in range(product.size):
        product[i] = np.rint((values[i] / count + raised) * steps) / steps


@kernel
def reference_moe(tables: Tables, cells: Places, crowns: Any, before: Any, beams: Any, directs: Any) -> float:
    """Return the mean ``wbgt_moe`` of the first cell, as it is; arguments as of `step_cells`."""
    sums, peak, received = np.empty((1, LANES), np.float32), np.empty(1, np.float32), np.empty(1, np.float32)
    pass_block(tables, cells, crowns, before, beams, directs, 0, sums, peak, received)
    return np.float64(sums[0, MOE]) / len(beams)


@parallel_kernel
def step_cells(
    tables: Tables, cells: Places, crowns: Any, before: Any, beams: Any, directs: Any,
    base: float, reference: float, products: Any,
) -> None:  # fmt: skip
    """Write what a body feels in every cell over one step.

    Parameters
    ----------
    tables : Tables
        From `heatrisk.physics.lookup.body_tables`.
    cells, crowns : Places, Crowns or None
        From `places`.
    before, beams, directs : tuple of array of float32, each of shape (cells,)
        Share of the beam that arrives from each of the suns before the step and at each moment; share in full
        sun at each moment. NaN gives NaN.
    base, reference : float
        WBGT are given as ``base + (mean - reference)``. [°C]
    products : tuple of array of float32, each of shape (cells,)
        Filled in the order of `MOE` and following, `RECEIVED` and `PEAK`; rounded to 0.01, shares to 0.001.
    """
    count = cells.row.size
    for block in numba.prange((count + BLOCK - 1) // BLOCK):
        first = block * BLOCK
        size = min(BLOCK, count - first)
        sums = np.empty((size, LANES), np.float32)
        peak, received = np.empty(size, np.float32), np.empty(size, np.float32)
        pass_block(tables, cells, crowns, before, beams, directs, first, sums, peak, received)
        sums[:, RECEIVED] = received
        for lane in range(LANES):
            lift = base - reference if lane < TMRT else 0.0
            step = THOUSANDTHS if lane in (LIT, RECEIVED) else HUNDREDTHS
            _write(sums[:, lane], len(beams), lift, step, products[lane][first : first + size])
        peak[np.isnan(sums[:, MOE])] = np.nan
        _write(peak, 1, base - reference, HUNDREDTHS, products[PEAK][first : first + size])
