"""Sun and sky on a bare surface model: every cell is a column with the receptor on top.

The sweep of `heatrisk.physics.sweep` for rasters that are asked once. A sun needs one pass: a few rows at a
time are read from the raster in whatever type it has, turned if the sun stands in the east or west, swept and
written, and never leave the cache in between. Threads share the lines, which know nothing of each other. For
the sky, the directions of one azimuth share every row, and threads take bands of rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from heatrisk.physics.columns import check_cell_size, raster
from heatrisk.physics.kernel import kernel, parallel_kernel
from heatrisk.physics.sweep import FAR, TILE, Raster, Sweep, crossing, place, towards

LINES = 2
"""Lines per cell for one sun: the one nearer the middle decides. Half the error of one."""

_TURNED, _STRAIGHT = 32, 2  # rows held at a time: whole cache lines when turned, else as few as can be


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


@kernel
def _advance(shade: Any, behind: Any, drop: Any, fall: Any) -> None:
    """Carry the shade one row on: a falling height, raised by the column behind."""
    for i in range(shade.size):
        height, edge = shade[i] - drop, behind[i] - fall
        shade[i] = edge if edge > height else height


@kernel
def _advance_past(shade: Any, behind: Any, corner: Any, drop: Any, fall: Any, corner_fall: Any) -> None:
    """Advance past a corner column."""
    for i in range(shade.size):
        height, edge = shade[i] - drop, behind[i] - fall
        height = edge if edge > height else height
        beside = corner[i] - corner_fall
        shade[i] = beside if beside > height else height


@kernel
def _step(shade: Any, before: Any, now: Any, slope: float, drop: float, phase: float, turn: int) -> None:
    """Advance lines from the framed row ``before``, where they had ``phase``, to the row ``now``."""
    n, behind = shade.size, 1 - turn
    share, past, ahead = crossing(slope, phase, turn)
    fall, half, rest = np.float32(drop), np.float32(0.5 * drop), np.float32((1.0 - share) * drop)
    left = before[behind : behind + n]
    edge = rest if turn != 0 and not ahead else half
    if not past:
        _advance(shade, left, fall, edge)
    elif ahead:
        _advance_past(shade, left, now[behind : behind + n], fall, edge, rest)
    else:
        _advance_past(shade, left, before[1 : 1 + n], fall, edge, half)


@kernel
def _light(shade: Any, here: Any, lit: Any) -> None:
    """Tell the tops above the shade from those within, no data from both."""
    one, nil = np.float32(1.0), np.float32(0.0)
    for i in range(lit.size):
        value = one if shade[i] <= here[i] else nil
        lit[i] = value if here[i] > -FAR else np.float32(np.nan)


@kernel
def _see(shade: Any, here: Any, seen: Any) -> None:
    """Count the tops above the shade."""
    one, nil = np.float32(1.0), np.float32(0.0)
    for i in range(seen.size):
        seen[i] += one if shade[i] <= here[i] else nil


# --- one sun: a few rows at a time --------------------------------------------------------------------------


@kernel
def _read(
    surface: Any, zero: Any, across: bool, row: int, step: int, first: int, last: int, rows: Any
) -> None:
    """Read columns ``first`` to ``last`` of rows into their frame: heights above zero, -inf for no data."""
    nothing = np.float32(-np.inf)
    if across:
        for i in range(first, last):
            for k in range(rows.shape[0]):
                height = np.float32(surface[i, row + k * step] - zero)
                rows[k, i + 1] = height if height - height == 0 else nothing
        return
    for k in range(rows.shape[0]):
        heights, framed = surface[row + k * step, first:last], rows[k, first + 1 : last + 1]
        for i in range(heights.size):
            height = np.float32(heights[i] - zero)
            framed[i] = height if height - height == 0 else nothing


@kernel
def _write(lit: Any, firsts: Any, lasts: Any, out: Any, row: int, step: int) -> None:
    """Write turned rows back, of each the columns that the lines have passed."""
    count, begin, end = lit.shape[0], firsts.max(), lasts.min()
    low, start = (row, 0) if step > 0 else (row + 1 - count, count - 1)
    for i in range(firsts.min(), lasts.max()):
        if begin <= i < end:
            for k in range(count):
                out[i, low + k] = lit[start + k * step, i]
        else:
            for k in range(count):
                if firsts[start + k * step] <= i < lasts[start + k * step]:
                    out[i, low + k] = lit[start + k * step, i]


@kernel
def _place_of(sweep: Sweep, room: int, number: int, line: int) -> tuple[int, int, float]:
    """Line in the first column of a row, the lines' turn from the row before and their phase there."""
    cells, _ = place(sweep.slope, number, line / LINES)
    before, phase = place(sweep.slope, number - 1, line / LINES)
    return cells if sweep.side < 0 else room - cells, sweep.side * (cells - before), phase


@kernel
def _light_lines(
    surface: Any, zero: Any, across: bool, sweep: Sweep, room: int, first: int, last: int, out: Any
) -> None:
    """Light the cells whose middle is passed by the lines ``first`` to ``last``, row by row from the sun."""
    length, n = surface.shape[::-1] if across else surface.shape
    step, slope, drop = sweep.step, sweep.slope, sweep.drops[0]
    shade = np.full((LINES, last - first), -FAR, np.float32)
    most = _TURNED if across else _STRAIGHT
    held = np.full((most + 1, n + 2), -np.inf, np.float32)
    turned = np.empty((most if across else 0, n), np.float32)
    firsts, lasts = np.zeros(most, np.int64), np.zeros(most, np.int64)
    for done in range(0, length, most):
        count, row = min(most, length - done), done if step > 0 else length - 1 - done
        ends = _place_of(sweep, room, done, 0)[0], _place_of(sweep, room, done + count - 1, 0)[0]
        low, high = max(0, first - max(ends) - 2), min(n, last - min(ends) + 2)
        _read(surface, zero, across, row, step, low, high, held[1 : count + 1])
        for k in range(count):
            nearest = -math.floor(slope * (done + k) * LINES + 0.5) % LINES
            for line in range(LINES):
                at, turn, phase = _place_of(sweep, room, done + k, line)
                left, right = max(0, first - at), max(0, min(n, last - at))
                if line == nearest:
                    firsts[k], lasts[k] = left, right
                if left >= right:
                    continue
                lines = shade[line, left + at - first : right + at - first]
                frame = slice(left, right + 2)
                _step(lines, held[k, frame], held[k + 1, frame], slope, drop, phase, turn)
                if line == nearest:
                    lit = turned[k, left:right] if across else out[row + k * step, left:right]
                    _light(lines, held[k + 1, left + 1 : right + 1], lit)
        if across:
            _write(turned[:count], firsts[:count], lasts[:count], out, row, step)
        held[0] = held[count]


@kernel
def _lines_of_share(sweep: Sweep, length: int, n: int, room: int, share: float) -> int:
    """Lines from the first that pass a share of all cells."""
    low, high = 0, n + room
    while low < high:
        middle, passed = (low + high) // 2, 0
        for number in range(length):
            passed += min(max(middle - _place_of(sweep, room, number, 0)[0], 0), n)
        if passed < share * length * n:
            low = middle + 1
        else:
            high = middle
    return low


@parallel_kernel
def light(surface: NDArray[Any], zero: Any, across: bool, sweep: Sweep, parts: int, out: Raster) -> None:
    """Write for every cell 1 in the sun, 0 in the shade, NaN without data.

    The lines are shared out in ``parts``; no result depends on their number.
    """
    length, n = surface.shape[::-1] if across else surface.shape
    room = place(sweep.slope, length, 1.0)[0]
    for part in numba.prange(parts):
        first = _lines_of_share(sweep, length, n, room, part / parts) if part else 0
        last = _lines_of_share(sweep, length, n, room, (part + 1) / parts) if part + 1 < parts else n + room
        if first < last:
            _light_lines(surface, zero, across, sweep, room, first, last, out)


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
    heights: Raster, way: Any, slope: float, drops: Any, reaches: Any, first: int, last: int, seen: Any
) -> None:
    """Count the suns of one azimuth that rows ``first`` to ``last`` see, all suns row by row."""
    length, n = heights.shape[0], heights.shape[1] - 2
    step, side, anchor = way[0], way[1], way[2]
    begin, end = (first, last) if step > 0 else (last - 1, first - 1)
    start = min(max(begin - step * reaches.max(), 0), length - 1)
    number = step * (anchor + start)
    origin = place(slope, number, 0.0)[0]
    room = place(slope, number + abs(end - start), 0.0)[0] - origin
    shade = np.full((drops.size, n + room), -FAR, np.float32)
    for row in range(start, end, step):
        cells, _ = place(slope, number, 0.0)
        before, phase = place(slope, number - 1, 0.0)
        at = cells - origin if side < 0 else room - (cells - origin)
        for k in range(drops.size):
            if (begin - row) * step <= reaches[k]:
                lines = shade[k, at : at + n]
                if row != start:
                    turn = side * (cells - before)
                    _step(lines, heights[row - step], heights[row], slope, drops[k], phase, turn)
                if (row - begin) * step >= 0:
                    _see(lines, heights[row, 1:-1], seen[row])
        number += 1


@parallel_kernel
def see(heights: Raster, fans: Fans, bands: int) -> Raster:
    """Count the suns that every top sees, rows shared out in ``bands``; a raster without frame."""
    rows = heights.shape[0]
    seen = np.zeros((rows, heights.shape[1] - 2), np.float32)
    for band in numba.prange(bands):
        first, last = band * rows // bands, (band + 1) * rows // bands
        if first < last:
            for i in range(fans.slopes.size):
                way, slope, drops, reaches = fans.ways[i], fans.slopes[i], fans.drops[i], fans.reaches[i]
                _see_band(heights, way, slope, drops, reaches, first, last, seen)
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
