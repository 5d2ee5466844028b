"""Every cell through one step: the tables of `heatrisk.physics.lookup` read at all of its moments.

Cells go by blocks, and all that one moment touches of a block stays in the second-level cache while one
moment after another passes over it: a step reads every share of the beam once and writes every product once.
Within a block they lie in the order of their tables, see `heatrisk.physics.order`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from heatrisk.physics.fluxes import at_view
from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.lanes import (
    COLUMNS,
    LANES,
    MOE,
    MOE_SHADE,
    MOE_SUN,
    PEAK,
    SUMS,
    TERMS,
    TERMS_WITH_V,
    TMRT,
    UTCI,
    add_moment,
    write_answers,
)
from heatrisk.physics.lookup import LOAD_STEP, Floats32, Tables
from heatrisk.physics.order import BLOCK, INTERVALS, Places, view_of
from heatrisk.physics.shares import WHOLE, unpack

#: Products of a step, in the order in which `step_cells` writes them: the rows of sums as means, but for the
#: highest ``wbgt_moe``; then the mean share of the beam that arrives, and that in full sun.
RECEIVED, LIT, PRODUCTS = SUMS, SUMS + 1, SUMS + 2

HUNDREDTHS, THOUSANDTHS = 100.0, 1000.0


@kernel
def _take(values: Any, order: Any, taken: Any) -> None:
    """Put the values of a block's cells into the order of their tables."""
    values = lent(values)
    for i in range(order.size):
        taken[i] = values[order[i]]


@kernel
def _add_shares(parts: Any, first: int, weight: Any, sums: Floats32) -> None:
    """Add so much of the packed shares of a block's cells, which lie as in the raster."""
    shares = lent(parts)[first : first + sums.size]
    for i in range(sums.size):
        sums[i] += weight * unpack(shares[i])


@kernel
def _see_day(parts: Floats32, suns: Any, first: int, day: Floats32) -> None:
    """Turn the sky view factor of cells into the share of a whole day's beam that reaches their ground.

    The suns that are not known count by the share of the sky that a place sees.
    """
    day *= np.float32(1.0) - parts.sum()
    for k, shares in enumerate(suns):
        if parts[k] > 0.0:
            _add_shares(shares, first, parts[k], day)


@kernel
def _warm_on(recursion: Floats32, share: Floats32, day: Floats32, warmth: Floats32) -> None:
    """Let the beam of one moment warm the ground of cells of one class."""
    kept, put, settled = recursion
    for i in range(warmth.size):
        warmth[i] = kept * warmth[i] + put * share[i] + settled * day[i]


@kernel
def _shade(shades: Any, interval: int, way: Any, node: Any, between: Any, warmth: Any) -> None:
    """Let crowns shade the ground of one class: it is as warm as that of a place with less sky."""
    first = np.float32(at_view(shades, view_of(interval)))
    growth = np.float32(at_view(shades, view_of(interval + 1))) - first
    for i in range(warmth.size):
        low, high = shades[node[i]], shades[node[i] + 1]
        warmth[i] += low + between[i] * (high - low) - (first + way[i] * growth)


@kernel
def _add_calm(globe: Floats32, answers: Floats32, share: Floats32, at: int, sums: Floats32) -> None:
    """Add one moment of sixteen cells where the shady side's answer is the load of its globe."""
    for lane in range(LANES):
        cell = at + lane
        load = answers[MOE_SHADE, lane]
        answers[MOE_SUN, lane] = _of_load(globe, load + globe[1])
        answers[MOE_SHADE, lane] = _of_load(globe, load)
        for k in range(COLUMNS):
            sums[k, cell] += answers[k, lane]
        sun, shade = answers[MOE_SUN, lane], answers[MOE_SHADE, lane]
        moe = share[cell] * sun + (np.float32(1.0) - share[cell]) * shade
        sums[MOE, cell] += moe
        sums[PEAK, cell] = max(moe, sums[PEAK, cell])


@kernel
def _of_load(globe: Floats32, load: np.float32) -> np.float32:
    x = (load - globe[0]) * np.float32(1.0 / LOAD_STEP)
    k = min(max(int(x), 0), globe.size - 4) if x == x else 0  # NaN has no place but stays NaN
    value: np.float32 = globe[k + 2] + (x - np.float32(k)) * (globe[k + 3] - globe[k + 2])
    return value


@kernel
def _lent(tables: Tables) -> Tables:
    """Return tables whose slices count no references."""
    body, past, warming = lent(tables.body), lent(tables.past), lent(tables.warming)
    return Tables(body, past, warming, tables.day, lent(tables.shades), tables.calm, lent(tables.globe))


@kernel
def pass_block(tables: Tables, places: Places, before: Any, beams: Any, block: int, sums: Floats32) -> None:
    """Take a block of cells through all moments; arguments as of `step_cells`.

    ``sums``, shape (RECEIVED + 1, places), takes the sums over the moments, the highest ``wbgt_moe`` and the
    sum of the shares of the beam, in the order of the block.
    """
    bounds = places.bounds[block]
    count = bounds[-1] - bounds[0]
    shares, day = np.empty((len(beams), count), np.float32), np.empty(count, np.float32)
    room = _Room(shares, day, np.empty_like(day), np.empty_like(day))
    _fill_room(_lent(tables), places, before, beams, block, room)
    _pass_moments(_lent(tables), places, bounds, room, sums)


class _Room(NamedTuple):
    """A block in its order."""

    shares: Floats32  # of the beam, at every moment
    day: Floats32  # share of a whole day's beam
    warmth: Floats32  # of the ground, by the beam [K]
    shaded: Floats32  # the same under crowns, by them too [K]


@kernel
def _fill_room(tables: Tables, places: Places, before: Any, beams: Any, block: int, room: _Room) -> None:
    """Put the shares of a block in order, and let its ground remember the sun before the step.

    What many suns add up to is added up as it lies in the raster, and put in order once.
    """
    first, bounds = block * BLOCK, places.bounds[block]
    order, shares = lent(places.order)[bounds[0] : bounds[-1]], lent(room.shares)
    parts = np.empty(order.size, np.uint16)
    for k in range(len(beams)):
        share = shares[k]
        _take(lent(beams[k])[first : first + BLOCK], order, parts)
        for i in range(parts.size):
            share[i] = unpack(parts[i])
    day = places.svf[first : first + BLOCK].copy()
    _see_day(tables.day, before + beams, first, day)
    _take(day, order, room.day)
    past, each = np.empty_like(day), (bounds.size - 1) // tables.past.shape[1]
    for slot in range(tables.past.shape[1]):
        put, begin = tables.past[:, slot], bounds[slot * each] - bounds[0]
        of = slice(begin, bounds[(slot + 1) * each] - bounds[0])
        if of.start < of.stop:
            past[:] = np.float32(0.0)
            for h in range(put.size - 1):
                _add_shares(before[h], first, put[h + 1], past)
            warmth, whole = lent(room.warmth)[of], lent(room.day)[of]
            _take(past, order[of], warmth)
            for i in range(warmth.size):
                warmth[i] += put[0] * whole[i]


@kernel
def _pass_moments(tables: Tables, places: Places, bounds: Any, room: _Room, sums: Floats32) -> None:
    """Add all moments to the sums of a block."""
    shares, sums = lent(room.shares), lent(sums)
    room = _Room(shares, lent(room.day), lent(room.warmth), lent(room.shaded))
    sums[:] = np.float32(0.0)
    sums[PEAK] = -np.inf
    for k in range(len(shares)):
        share = shares[k]
        _pass_moment(tables, k, places, bounds, share, room, sums)
        sums[RECEIVED] += share
    for i in range(sums.shape[1]):
        if np.isnan(sums[MOE, i]):
            sums[PEAK, i] = np.nan


@kernel
def _pass_moment(
    tables: Tables, k: int, places: Places, bounds: Any, share: Floats32, room: _Room, sums: Floats32
) -> None:
    """Add moment ``k`` to the sums of a block, group by group."""
    body, globe, warmth, shaded = tables.body[k], tables.globe[k], room.warmth, room.shaded
    begin, layers = bounds[0], places.layers
    terms = TERMS if layers == 1 else TERMS_WITH_V
    block = slice(begin, bounds[-1])
    way, hidden = lent(places.way)[block], lent(places.hidden)[block]
    node, between = lent(places.node)[block], lent(places.between)[block]
    answers, group = np.empty((COLUMNS, LANES), np.float32), 0
    for slot in range(tables.warming.shape[1]):
        of = slice(bounds[group] - begin, bounds[group + layers * INTERVALS] - begin)
        _warm_on(tables.warming[k, slot], share[of], room.day[of], warmth[of])
        for layer in range(layers):
            for interval in range(INTERVALS):
                first, last = bounds[group] - begin, bounds[group + 1] - begin
                row = (slot * INTERVALS + interval) * terms
                group += 1
                if first == last:
                    continue
                of = slice(first, last)
                if layer == 1:
                    shaded[of] = warmth[of]
                    _shade(tables.shades[k, slot], interval, way[of], node[of], between[of], shaded[of])
                for at in range(first, last, LANES):
                    if tables.calm[k]:
                        if layer == 1:
                            write_answers(answers, at, body, row, way, hidden, shaded, share)
                        else:
                            write_answers(answers, at, body, row, way, None, warmth, share)
                        _add_calm(globe, answers, share, at, sums)
                    elif layer == 1:
                        add_moment(sums, at, body, row, way, hidden, shaded, share)
                    else:
                        add_moment(sums, at, body, row, way, None, warmth, share)


@kernel
def _write_product(
    values: Floats32, order: Any, moments: int, lift: float, step: float, product: Any
) -> None:
    """Write means over the moments, lifted and rounded to steps of which there are ``step`` in one."""
    count, raised, steps = np.float32(moments), np.float32(lift), np.float32(step)
    for i in range(order.size):
        values[i] = np.rint((values[i] / count + raised) * steps) / steps
    for i in range(order.size):
        product[order[i]] = values[i]


@kernel
def _write_sums(sums: Floats32, places: Places, block: int, moments: int, lift: float, products: Any) -> None:
    """Write the sums of a block as products, WBGT lifted."""
    first, bounds = block * BLOCK, places.bounds[block]
    sums, order = lent(sums), lent(places.order)[bounds[0] : bounds[-1]]
    for k in range(RECEIVED + 1):
        product = lent(products[k])[first : first + BLOCK]
        product[:] = np.float32(np.nan)
        raised = lift if k != RECEIVED and k != TMRT and k != UTCI else 0.0
        step = THOUSANDTHS if k == RECEIVED else HUNDREDTHS
        _write_product(sums[k], order, 1 if k == PEAK else moments, raised, step, product)


@kernel
def _write_lit(directs: Any, products: Any, first: int) -> None:
    """Write the mean share in full sun over the moments for a block, where the other products are known."""
    part = lent(products[LIT])[first : first + BLOCK]
    known = lent(products[RECEIVED])[first : first + BLOCK]
    part[:] = np.float32(0.0)
    for k in range(len(directs)):
        shares = lent(directs[k])[first : first + BLOCK]
        for i in range(part.size):
            part[i] += np.float32(shares[i])
    count, steps = np.float32(len(directs) * WHOLE), np.float32(THOUSANDTHS)
    for i in range(part.size):
        lit = np.rint(part[i] / count * steps) / steps
        part[i] = lit if known[i] == known[i] else np.float32(np.nan)


@kernel
def reference_moe(tables: Tables, places: Places, before: Any, beams: Any) -> float:
    """Return the mean ``wbgt_moe`` of the only cell, as it is; arguments as of `step_cells`."""
    sums = np.full((RECEIVED + 1, max(places.order.size, 1)), np.nan, np.float32)
    pass_block(tables, places, before, beams, 0, sums)
    return np.float64(sums[MOE, 0]) / len(beams)


@parallel_kernel
def step_cells(
    tables: Tables, places: Places, before: Any, beams: Any, directs: Any,
    base: float, reference: float, products: Any,
) -> None:  # fmt: skip
    """Write what a body feels in every cell over one step.

    Parameters
    ----------
    tables : Tables
        From `heatrisk.physics.lookup.body_tables`.
    places : Places
        From `heatrisk.physics.order.places`.
    before, beams, directs : tuple of array of uint16, each of shape (cells,)
        Share of the beam that arrives from each of the suns before the step and at each moment; share in full
        sun at each moment; packed, see `heatrisk.physics.shares`. What is unknown gives NaN.
    base, reference : float
        WBGT are given as ``base + (mean - reference)``. [°C]
    products : tuple of array of float32, each of shape (cells,)
        Filled in the order of `PRODUCTS`; rounded to 0.01, shares to 0.001.
    """
    for block in numba.prange(places.bounds.shape[0]):
        first, count = block * BLOCK, places.bounds[block, -1] - places.bounds[block, 0]
        sums = np.empty((RECEIVED + 1, count), np.float32)
        pass_block(tables, places, before, beams, block, sums)
        _write_sums(sums, places, block, len(beams), base - reference, products)
        _write_lit(directs, products, first)
