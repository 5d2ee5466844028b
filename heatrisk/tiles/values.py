"""Tiles of values: 16 bits a pixel, for maps that colour themselves and for programs that calculate.

::

    code 0 outside the area · 1 building · 2 no value · from 3 on: value = scale * code + offset

The values are those of the fields, cut out when they are asked for; below the native zoom a pixel is the mean
that colours the picture there. The lowest zooms would read a whole city for one tile and are not offered.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from heatrisk.cube import FILL, pack, unpack
from heatrisk.errors import LayerNotFoundError
from heatrisk.grid import Grid
from heatrisk.layers import CODE_BUILDING, CODE_MISSING, CODE_OUTSIDE
from heatrisk.pyramid import TILE, Level
from heatrisk.quantities import QUANTITIES
from heatrisk.stored import StoredRun
from heatrisk.tiles.building import MASK_OUTSIDE, OPEN, cell_of_pixel, grounds, means
from heatrisk.tiles.serving import described, outside
from heatrisk.words import Words

#: Zooms below the native one that are offered.
DEPTH = 2
_BIAS = 32770


def value_tile(
    run: StoredRun, quantity: str, step: int, z: int, x: int, y: int
) -> npt.NDArray[np.uint16] | None:
    """Return one tile of values, or None where all of it lies outside the area.

    Parameters
    ----------
    run : StoredRun
        The run.
    quantity : str
        One of its quantities over cell and step, e.g. ``"wbgt_moe"``.
    step : int
        Index of the time step.
    z, x, y : int
        Tile of WebMercatorQuad (XYZ, y from the north).

    Returns
    -------
    numpy.ndarray of uint16 or None
        Shape (256, 256), coded as the module says with :func:`scale_and_offset`.

    Raises
    ------
    TileNotFoundError
        The tile lies outside the area's tiles, or its zoom is not offered.
    LayerNotFoundError
        The run holds no such quantity.
    """
    offered(run, quantity, z, x, y)
    levels = [
        Level(zoom, x << zoom - z, y << zoom - z, 1 << zoom - z, 1 << zoom - z)
        for zoom in range(max(run.levels), z - 1, -1)
    ]
    cells, window = window_of(run.grid, levels[0])
    if window is None:
        return None
    resolution = QUANTITIES[quantity].resolution or 1.0
    packed = run.fields[quantity].window(*window)[step].ravel()
    mask = np.append(run.mask.window(*window).ravel(), np.uint8(MASK_OUTSIDE))
    values = np.append(unpack(packed, resolution).astype(np.float32), np.float32(np.nan))
    values[mask > 0] = np.nan
    *_, ground = grounds(mask.take(cells), levels)
    *_, mean = (values.take(cells), *means(values, cells, levels))
    return np.where(ground == OPEN, coded(pack(mean, resolution)), ground.astype(np.uint16))


def offered(run: StoredRun, quantity: str, z: int, x: int, y: int) -> None:
    """Raise where a tile of values does not exist; parameters and errors as for :func:`value_tile`."""
    if quantity not in run.fields:
        raise LayerNotFoundError(
            Words("この計算結果にない量です", "the run holds no such quantity"),
            where=run.id,
            expected=", ".join(run.fields),
            got=quantity,
        )
    level = run.levels.get(z) if z >= lowest(run) else None
    if level is None or not level.holds(x, y):
        raise outside(run, f"{z}/{x}/{y}", lowest(run))


def lowest(run: StoredRun) -> int:
    """Return the lowest zoom at which a run has tiles of values."""
    return int(max(min(run.levels), max(run.levels) - DEPTH))


@lru_cache(maxsize=32)
def window_of(grid: Grid, level: Level) -> tuple[npt.NDArray[np.uint32], tuple[int, int, int, int] | None]:
    """Return the cell of every pixel within the window of cells that a block of tiles shows, and the window.

    The window is top, left, height, width; None where no pixel lies in the grid. Its cell height * width
    stands for outside. It is the same for every run on a grid, quantity and step.
    """
    columns = grid.shape[1]
    cells = cell_of_pixel(grid, level)
    inside = cells < grid.shape[0] * columns
    if not inside.any():
        return cells, None
    row, column = np.divmod(cells, columns)
    top, left = int(row[inside].min()), int(column[inside].min())
    height, width = int(row[inside].max()) - top + 1, int(column[inside].max()) - left + 1
    return np.where(inside, (row - top) * width + column - left, height * width), (top, left, height, width)


def coded(packed: npt.NDArray[np.int16]) -> npt.NDArray[np.uint16]:
    """Return the codes of packed values; see :func:`scale_and_offset` for the way back."""
    codes = np.clip(packed.astype(np.int32) + _BIAS, CODE_MISSING + 1, 65535)
    return np.where(packed == FILL, CODE_MISSING, codes).astype(np.uint16)


def scale_and_offset(quantity: str) -> tuple[float, float]:
    """Return what turns a code from 3 on into a value: value = scale * code + offset."""
    resolution = QUANTITIES[quantity].resolution or 1.0
    return resolution, round(-_BIAS * resolution, 6)


def value_tilejson(run: StoredRun, quantity: str, url: str, *, step: int | None = None) -> dict[str, Any]:
    """Return the TileJSON 3.0.0 of a quantity's tiles of values.

    Parameters
    ----------
    run : StoredRun
        The run.
    quantity : str
        One of its quantities.
    url : str
        Template of the PNG tiles with ``{z}``, ``{x}`` and ``{y}``.
    step : int, optional
        Index of the time step that the template shows.

    Returns
    -------
    dict
        With the member ``heatrisk``: run, quantity, unit, times and ``encoding``, which says how to read a
        pixel. TileJSON itself has no member for it.

    Raises
    ------
    LayerNotFoundError
        The run holds no such quantity.
    """
    level = run.levels[max(run.levels)]
    offered(run, quantity, level.zoom, level.column, level.row)
    row, (scale, offset) = QUANTITIES[quantity], scale_and_offset(quantity)
    body = described(run, url, row.words, row.words, step) | {"minzoom": lowest(run)}
    body["heatrisk"] |= {
        "quantity": quantity,
        "units": row.units,
        "tile_size": TILE,
        "npy": url.removesuffix(".png") + ".npy",
        "encoding": {
            "png": "code = 256 * red + green",
            "npy": "uint16, shape (256, 256)",
            "formula": "value = scale * code + offset",
            "scale": scale,
            "offset": offset,
            "codes": {"outside": CODE_OUTSIDE, "building": CODE_BUILDING, "missing": CODE_MISSING},
        },
    }
    return body
