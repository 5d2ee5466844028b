"""Sun and sky on a bare surface model: every cell is a column with the receptor on top.

The sweep of `heatrisk.physics.sweep` for rasters that are asked once. A sun needs one pass: a row at a time
is read from the raster in whatever type it has, swept and written, and never leaves the cache in between; if
the sun stands in the east or west, some columns at a time are turned into rows first. Threads share the
lines, which know nothing of each other. For the sky, the directions of one azimuth share every row, and
threads take bands of rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatrisk.physics.given import check_cell_size, raster
from heatrisk.physics.kernel import kernel, lent, parallel_kernel
from heatrisk.physics.line import FAR, Raster, Sweep, crossing, place, towards
from heatrisk.physics.shares import TILE
from heatrisk.physics.tile import AHEAD, SIDE, fetch_rows, turn_square

LINES = 2
"""Lines per cell for one sun: the one nearer the middle decides. Half the error of one."""

_TURNED = 64  # columns turned at a time: four cache lines of each row of the raster


_PROBES = 64  # rows and columns that are probed for the datum


def checked(dsm: ArrayLike, cell_size: float) -> NDArray[Any]:
    """Give a surface model that may be asked.

    Raises
    ------
    InputError
        If `dsm` is not two-dimensional or `cell_size` not positive.
    """
    check_cell_size(cell_size)
    return raster("dsm", dsm)


def datum(surface: NDArray[Any]) -> Any:
    """Height near the surface, of its type, from which single precision resolves it well; 0 if all unknown.

    The same for a mirrored or turned surface, and lifted with it.
    """
    every = max(1, min(surface.shape) // _PROBES)
    probes = [surface[::down, ::right] for down in (every, -every) for right in (every, -every)]
    for heights in (np.concatenate([probe.ravel() for probe in probes]), surface):
        known = heights[np.isfinite(heights)]
        if known.size:
            return known.min()
    return surface.dtype.type(0)


def sweep_across(
    zeniths: Sequence[float], azimuth: float, cell_size: float, relief: float, shape: tuple[int, int]
) -> tuple[bool, Sweep]:
    """Turn suns above one another into a sweep over a whole raster; the flag says that it runs across.

    Lines are counted from the sunny edge, so a mirrored town has mirrored shade, bit for bit.
    """
    across, sweep = towards(zeniths, azimuth, cell_size, relief, (0, 0, *shape))
    return across, sweep._replace(anchor=0 if sweep.step > 0 else 1 - shape[int(across)])


# --- inner steps: one row of lines --------------------------------------------------------------------------
# A loop stores to at most two arrays and reads three others: with more the compiler no longer checks that
# they do not overlap, and takes one number at a time.


@kernel
def _advance(shade: Any, behind: Any, beside: Any, drop: Any, fall: Any, beside_fall: Any) -> None:
    """Carry the shade one row on: a falling height, raised by the columns behind and beside."""
    for i in range(shade.size):
        height, edge, corner = shade[i] - drop, behind[i] - fall, beside[i] - beside_fall
        height = edge if edge > height else height
        shade[i] = corner if corner > height else height


@kernel
def _advance_and_light(
    shade: Any, behind: Any, beside: Any, here: Any, lit: Any, drop: Any, fall: Any, beside_fall: Any
) -> None:
    """Advance, then tell the tops above the shade from those within, no data from both."""
    one, nil = np.float32(1.0), np.float32(0.0)
    for i in range(lit.size):
        height, edge, corner = shade[i] - drop, behind[i] - fall, beside[i] - beside_fall
        height = edge if edge > height else height
        height = corner if corner > height else height
        shade[i] = height
        value = one if height <= here[i] else nil
        lit[i] = value if here[i] > -FAR else np.float32(np.nan)


@kernel
def _advance_and_see(
    shade: Any, behind: Any, beside: Any, here: Any, seen: Any, drop: Any, fall: Any, beside_fall: Any
) -> None:
    """Advance, then count the tops above the shade."""
    one, nil = np.float32(1.0), np.float32(0.0)
    for i in range(seen.size):
        height, edge, corner = shade[i] - drop, behind[i] - fall, beside[i] - beside_fall
        height = edge if edge > height else height
        height = corner if corner > height else height
        shade[i] = height
        seen[i] += one if height <= here[i] else nil


@kernel
def _columns(
    slope: float, drop: float, phase: float, turn: int
) -> tuple[int, bool, int, np.float32, np.float32]:
    """Where lines that had ``phase`` in the row before meet columns, and how far the shade has fallen since.

    First cell behind; whether the corner cell lies in the row ahead, and its first; falls from the edges of
    both. Without a corner cell the one behind takes its place.
    """
    behind = 1 - turn
    share, past, ahead = crossing(slope, phase, turn)
    half, rest = np.float32(0.5 * drop), np.float32((1.0 - share) * drop)
    fall = rest if turn != 0 and not ahead else half
    if not past:
        return behind, False, behind, fall, fall
    return (behind, True, behind, fall, rest) if ahead else (behind, False, 1, fall, half)


# --- one sun: a few rows at a time --------------------------------------------------------------------------


class _Lines(NamedTuple):
    """Lines ``first`` to ``last`` of a sweep, counted on its first row; ``room`` for those that drift in."""

    sweep: Sweep
    room: int
    first: int
    last: int


@kernel
def _place_of(sweep: Sweep, room: int, number: int, line: int) -> tuple[int, int, float]:
    """Line in the first column of a row, the lines' turn from the row before and their phase there."""
    cells, _ = place(sweep.slope, number, line / LINES)
    before, phase = place(sweep.slope, number - 1, line / LINES)
    return cells if sweep.side < 0 else room - cells, sweep.side * (cells - before), phase


@kernel
def _lower(heights: Any, zero: Any, out: Any) -> None:
    """Heights above zero, -inf for no data; an endless height stays one, and is found behind."""
    nothing, far = np.float32(-np.inf), np.float32(-FAR)
    for i in range(out.size):
        height = np.float32(heights[i] - zero)
        out[i] = height if height > far else nothing


@kernel
def _turn_in(surface: Any, low: int, count: int, first: int, last: int, rows: Any) -> None:
    """Read columns ``low`` to ``low + count`` as rows, of each the places ``first`` to ``last``."""
    squares = count - count % SIDE
    for i in range(first, last - SIDE + 1, SIDE):
        for k in range(0, squares, SIDE):
            fetch_rows(surface, i + AHEAD, low + k)
            turn_square(surface, i, low + k, rows, k, i)
    for i in range(first, last):
        for k in range(squares if i < last - (last - first) % SIDE else 0, count):
            rows[k, i] = surface[i, low + k]


@kernel
def _turn_out(rows: Any, lefts: Any, rights: Any, low: int, count: int, out: Any) -> None:
    """Write rows back as columns from ``low``, of each the places ``lefts`` to ``rights``."""
    begins, ends = np.zeros(count // SIDE, np.int64), np.zeros(count // SIDE, np.int64)  # of whole squares
    for square in range(begins.size):
        k = square * SIDE
        begins[square] = -(-lefts[k : k + SIDE].max() // SIDE) * SIDE
        ends[square] = max(begins[square], rights[k : k + SIDE].min() // SIDE * SIDE)
    if count >= SIDE:
        for i in range(begins.min(), ends.max(), SIDE):
            for square in range(begins.size):
                fetch_rows(out, i + AHEAD, low + square * SIDE)
                if begins[square] <= i < ends[square]:
                    turn_square(rows, square * SIDE, i, out, i, low + square * SIDE)
    for k in range(count):
        begin, end = rights[k], rights[k]
        if k < count - count % SIDE:
            begin, end = min(begins[k // SIDE], rights[k]), ends[k // SIDE]
        for i in range(lefts[k], begin):
            out[i, low + k] = rows[k, i]
        for i in range(max(end, lefts[k]), rights[k]):
            out[i, low + k] = rows[k, i]


@kernel
def _light_row(lines: _Lines, number: int, shade: Any, before: Any, here: Any, lit: Any) -> tuple[int, int]:
    """Advance the lines to a row and light what the nearest of them pass: the places given."""
    sweep, room, first, last = lines
    n, drop = lit.size, np.float32(sweep.drops[0])
    nearest = -math.floor(sweep.slope * number * LINES + 0.5) % LINES
    passed = 0, 0
    for line in range(LINES):
        at, turn, phase = _place_of(sweep, room, number, line)
        left, right = max(0, first - at), max(0, min(n, last - at))
        if line == nearest:
            passed = left, max(left, right)
        if left >= right:
            continue
        behind, ahead, beside, fall, beside_fall = _columns(sweep.slope, sweep.drops[0], phase, turn)
        shades = shade[line, left + at - first : right + at - first]
        columns = before[left + behind : right + behind]
        corners = (here if ahead else before)[left + beside : right + beside]
        if line == nearest:
            own = here[left + 1 : right + 1]
            _advance_and_light(shades, columns, corners, own, lit[left:right], drop, fall, beside_fall)
        else:
            _advance(shades, columns, corners, drop, fall, beside_fall)
    return passed


@kernel
def _light_lines(surface: Any, zero: Any, across: bool, lines: _Lines, out: Any) -> float:
    """Light the cells whose middle is passed by the lines, row by row from the sun.

    Returned is the highest shade that a line has come to the end with.
    """
    n = surface.shape[0] if across else surface.shape[1]
    shade = np.full((LINES, lines.last - lines.first), -FAR, np.float32)
    held = np.full((2, n + 2), -np.inf, np.float32)
    turned = np.empty((_TURNED if across else 0, n), surface.dtype)
    _walk(surface, zero, across, lines, shade, held, turned, np.empty(turned.shape, np.float32), out)
    highest: float = shade.max()
    return highest


@kernel
def _walk(
    surface: Any,
    zero: Any,
    across: bool,
    lines: _Lines,
    shade: Any,
    held: Any,
    turned: Any,
    lit: Any,
    out: Any,
) -> None:
    """Walk down the rows: framed two at a time, turned some at a time."""
    sweep, room, first, last = lines
    length, n = surface.shape[::-1] if across else surface.shape
    surface, shade, held, turned = lent(surface), lent(shade), lent(held), lent(turned)
    lit, out = lent(lit), lent(out)
    lefts, rights = np.zeros(_TURNED, np.int64), np.zeros(_TURNED, np.int64)
    for done in range(0, length, _TURNED):
        count, low = min(_TURNED, length - done), done if sweep.step > 0 else max(0, length - done - _TURNED)
        ends = _place_of(sweep, room, done, 0)[0], _place_of(sweep, room, done + count - 1, 0)[0]
        begin, end = max(0, first - max(ends) - 2), min(n, last - min(ends) + 2)
        if begin >= end:
            continue
        if across:
            _turn_in(surface, low, count, begin, end, turned)
        for k in range(count):
            row = k if sweep.step > 0 else count - 1 - k
            here, before = held[(done + k) % 2], held[(done + k + 1) % 2]
            heights, row_lit = (turned[row], lit[row]) if across else (surface[low + row], out[low + row])
            _lower(heights[begin:end], zero, here[begin + 1 : end + 1])
            lefts[row], rights[row] = _light_row(lines, done + k, shade, before, here, row_lit)
        if across:
            _turn_out(lit, lefts, rights, low, count, out)


@kernel
def _lines_of_share(sweep: Sweep, length: int, n: int, room: int, share: float) -> int:
    """Lines from the first that pass a share of all cells, counted on some rows."""
    low, high, every = 0, n + room, 1 + length // 64
    while low < high:
        middle, passed, rows = (low + high) // 2, 0, 0
        for number in range(0, length, every):
            passed += min(max(middle - _place_of(sweep, room, number, 0)[0], 0), n)
            rows += 1
        if passed < share * rows * n:
            low = middle + 1
        else:
            high = middle
    return low


@parallel_kernel
def light(surface: NDArray[Any], zero: Any, across: bool, sweep: Sweep, parts: int, out: Raster) -> float:
    """Write for every cell 1 in the sun, 0 in the shade, NaN without data.

    The lines are shared out in ``parts``; no result depends on their number. Returned is a height above zero
    [m] that nothing within the edges exceeds: the highest shade at the lines' ends, and what it had fallen.
    """
    length, n = surface.shape[::-1] if across else surface.shape
    room = place(sweep.slope, length, 1.0)[0]
    ends = np.full(parts, -np.inf)
    for part in numba.prange(parts):
        first = _lines_of_share(sweep, length, n, room, part / parts) if part else 0
        last = _lines_of_share(sweep, length, n, room, (part + 1) / parts) if part + 1 < parts else n + room
        if first < last:
            ends[part] = _light_lines(surface, zero, across, _Lines(sweep, room, first, last), out)
    bound: float = ends.max() + length * sweep.drops[0]
    return bound


# --- the sky ------------------------------------------------------------------------------------------------


class Fans(NamedTuple):
    """Suns above one another at several azimuths whose sweeps run along the same axis, one row an azimuth."""

    ways: NDArray[np.int64]  # (azimuths, 3): step, side and anchor of each sweep
    slopes: NDArray[np.float64]
    drops: NDArray[np.float64]  # (azimuths, suns)
    reaches: NDArray[np.int64]

    @classmethod
    def of(cls, sweeps: Sequence[Sweep]) -> Fans:
        """Stack sweeps of equally many suns."""
        return cls(
            np.array([(sweep.step, sweep.side, sweep.anchor) for sweep in sweeps], np.int64).reshape(-1, 3),
            np.array([sweep.slope for sweep in sweeps]),
            np.array([sweep.drops for sweep in sweeps], ndmin=2),
            np.array([sweep.reaches for sweep in sweeps], np.int64, ndmin=2),
        )


@kernel
def _see_band(
    heights: Any,
    way: Any,
    slope: float,
    drops: Any,
    reaches: Any,
    first: int,
    last: int,
    shade: Any,
    seen: Any,
) -> None:
    """Count the suns of one azimuth that rows ``first`` to ``last`` see, all suns row by row."""
    length, n = heights.shape[0], heights.shape[1] - 2
    heights, seen, shade = lent(heights), lent(seen), lent(shade)
    nothing = np.full(n + 2, -np.inf, np.float32)
    shade[:] = -FAR
    step, side, anchor = way[0], way[1], way[2]
    begin, end = (first, last) if step > 0 else (last - 1, first - 1)
    start = min(max(begin - step * reaches.max(), 0), length - 1)
    number = step * (anchor + start)
    origin = place(slope, number, 0.0)[0]
    room = place(slope, number + abs(end - start), 0.0)[0] - origin
    for row in range(start, end, step):
        cells, _ = place(slope, number, 0.0)
        before, phase = place(slope, number - 1, 0.0)
        at = cells - origin if side < 0 else room - (cells - origin)
        for k in range(drops.size):
            if (begin - row) * step <= reaches[k]:
                lines, turn = shade[k, at : at + n], side * (cells - before)
                behind, ahead, beside, fall, beside_fall = _columns(slope, drops[k], phase, turn)
                here, past = heights[row], heights[row - step] if row != start else nothing
                columns, corners = past[behind : behind + n], (here if ahead else past)[beside : beside + n]
                drop = np.float32(drops[k])
                if (row - begin) * step >= 0:
                    _advance_and_see(lines, columns, corners, here[1:-1], seen[row], drop, fall, beside_fall)
                else:
                    _advance(lines, columns, corners, drop, fall, beside_fall)
        number += 1


@parallel_kernel
def see(heights: Raster, fans: Fans, bands: int) -> Raster:
    """Count the suns that every top sees, rows shared out in ``bands``; a raster without frame."""
    rows = heights.shape[0]
    seen = np.zeros((rows, heights.shape[1] - 2), np.float32)
    for band in numba.prange(bands):
        first, last = band * rows // bands, (band + 1) * rows // bands
        if first < last:
            shade = np.empty((fans.drops.shape[1], seen.shape[1] + rows + 2), np.float32)
            for i in range(fans.slopes.size):
                way, slope, drops, reaches = fans.ways[i], fans.slopes[i], fans.drops[i], fans.reaches[i]
                _see_band(heights, way, slope, drops, reaches, first, last, shade, seen)
    return seen


@parallel_kernel
def share_seen(heights: Raster, along: Raster, across: Raster, rays: int) -> Raster:
    """Share of the rays seen, counted by row and by column; NaN without data."""
    rows, columns = along.shape
    out = np.empty(along.shape, np.float32)
    for tile in numba.prange((rows + TILE - 1) // TILE):
        for left in range(0, columns, TILE):
            for i in range(tile * TILE, min(rows, (tile + 1) * TILE)):
                for j in range(left, min(columns, left + TILE)):
                    known = heights[i, j + 1] > -FAR
                    out[i, j] = (along[i, j] + across[j, i]) / rays if known else np.nan
    return out
