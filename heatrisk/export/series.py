"""The values behind the words: all steps and quantities of a small block of pixels in one tile.

A browser that is asked about a place reads one such tile, a few kilobytes, where a server would be asked
for the series of a cell. A pixel has the value of the cell that the picture shows there, cut to tenths of a
degree as the page shows it: its class is the same, and the folder is half as large.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from heatrisk import archive as archives
from heatrisk.api.params import utc
from heatrisk.archive import Facts, Kind, Tile
from heatrisk.cube import FILL
from heatrisk.layers import CODE_BUILDING, CODE_MISSING, CODE_OUTSIDE
from heatrisk.pyramid import TILE, Level
from heatrisk.quantities import QUANTITIES
from heatrisk.stored import StoredRun
from heatrisk.tiles.values import window_of

#: Pixels along each side of a tile; zooms that it lies above the native one.
SIZE, ABOVE = 16, 4
# Stored steps in one step that is told; what makes every code at least the first that stands for a value.
_CUT, _BIAS = 10, 3280
#: What is told of a place, as far as a run holds it.
TOLD = (
    "wbgt_moe", "sunlit", "wbgt_moe_sun", "wbgt_moe_shade", "p_danger", "wbgt_moe_sd", "tmrt", "utci",
)  # fmt: skip


def told(run: StoredRun) -> list[str]:
    """Return the quantities that are told of a place."""
    return [name for name in TOLD if name in run.fields]


def described(run: StoredRun, steps: list[int]) -> dict[str, Any]:
    """Return how the tiles of values are read."""
    quantities = []
    for name in told(run):
        scale = round(_CUT * (QUANTITIES[name].resolution or 1.0), 6)
        offset = round(-_BIAS * scale, 6)
        quantities.append({"id": name, "scale": scale, "offset": offset, "units": QUANTITIES[name].units})
    return {
        "run": run.id,
        "zoom": max(run.levels) + ABOVE,
        "size": SIZE,
        "times": [utc(run.times[step]) for step in steps],
        "encoding": "uint16 little-endian, [quantity][step][row][column]",
        "formula": "value = scale * code + offset",
        "codes": {"outside": CODE_OUTSIDE, "building": CODE_BUILDING, "missing": CODE_MISSING},
        "quantities": quantities,
    }


def write(path: Path, run: StoredRun, steps: list[int], tell: Callable[[int, int], None]) -> None:
    """Write the tiles of values of a run as one archive.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    run : StoredRun
        The run.
    steps : list of int
        The steps that a tile holds.
    tell : callable
        Told how many native tiles are done, and of how many.
    """
    zoom = max(run.levels) + ABOVE
    facts = Facts(Kind.OTHER, run.grid.bounds_lonlat, (zoom, zoom), True, described(run, steps))
    archives.write(path, _tiles(run, steps, tell), facts)


def _tiles(run: StoredRun, steps: list[int], tell: Callable[[int, int], None]) -> Iterator[Tile]:
    native = run.levels[max(run.levels)]
    count = native.rows * native.columns
    for done in range(count):
        down, right = divmod(done, native.columns)
        place = Level(native.zoom, native.column + right, native.row + down, 1, 1)
        yield from _blocks(place, _codes(run, place, steps))
        tell(done + 1, count)


def _codes(run: StoredRun, place: Level, steps: list[int]) -> npt.NDArray[np.uint16] | None:
    """Return the codes of one native tile, shape (quantity, step, row, column)."""
    cells, window = window_of(run.grid, place)
    if window is None:
        return None
    mask = run.mask.window(*window)
    # A place on unknown ground has no value; 0 is kept for what lies off the grid.
    ground = np.where(mask == 1, CODE_BUILDING, CODE_MISSING)
    found = []
    for name in told(run):
        packed = run.fields[name].window(*window)[steps]
        values = np.where(packed == FILL, CODE_MISSING, packed.astype(np.int32) // _CUT + _BIAS)
        flat = np.where(mask == 0, values, ground).reshape(len(steps), -1)
        found.append(np.pad(flat, ((0, 0), (0, 1)), constant_values=CODE_OUTSIDE)[:, cells])
    return np.stack(found).astype(np.uint16)


def _blocks(place: Level, codes: npt.NDArray[np.uint16] | None) -> Iterator[Tile]:
    if codes is None:
        return
    side = TILE // SIZE
    for down, right in np.ndindex(side, side):
        rows, columns = (slice(SIZE * first, SIZE * (first + 1)) for first in (down, right))
        block = codes[:, :, rows, columns]
        if block.any():
            content = gzip.compress(block.astype("<u2").tobytes(), 6, mtime=0)
            yield Tile(place.zoom + ABOVE, place.column * side + right, place.row * side + down, content)
