"""Map tiles: from the fields of a run to a Web Mercator pyramid of codes, and from codes to PNG bytes.

All geometry happens once, when a run is made. Serving a tile is a slice of a memory-mapped array and a small
deflate; there is no warping, no decoding and no colour arithmetic per request.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any

import morecantile
import numpy as np
import numpy.typing as npt
import xarray as xr
from isal import isal_zlib
from pyproj import Transformer

from heatrisk.cube import grid_of, pack
from heatrisk.errors import TileNotFoundError
from heatrisk.grid import Bounds, Grid
from heatrisk.layers import CODE_BUILDING, CODE_OUTSIDE, LAYERS
from heatrisk.pyramid import TILE, Codes, Level, Pyramid
from heatrisk.stored import StoredRun
from heatrisk.words import Words

DEFAULT_LAYERS = ("wbgt_moe", "risk", "sunlit")

_TMS = morecantile.tms.get("WebMercatorQuad")
_WEB_MERCATOR = "EPSG:3857"
_LOWEST_ZOOM = 10
# Pixels between two exactly projected points; between them the projection is linear to far below a millimetre
# at native zoom (tested).
_SPACING = 32
_DEFLATE_LEVEL = 1


# --- building ---


def build(dataset: xr.Dataset, layers: Sequence[str] = DEFAULT_LAYERS) -> Pyramid:
    """Return the pyramid of a run; pictures are made when a step is asked for.

    At native zoom a pixel shows the cell that holds its centre. A coarser pixel shows what most of its native
    pixels are: outdoors (ties included), building or outside; outdoors it shows the mean of all native values
    below it, never a mean of classes.

    Parameters
    ----------
    dataset : xarray.Dataset
        What :func:`heatrisk.simulate` returns: the quantities of the layers and ``mask``.
    layers : sequence of str
        Names of rows in :data:`heatrisk.layers.LAYERS`.

    Returns
    -------
    Pyramid
        Zooms from native (pixels no larger than cells) down to where one tile holds the area, 10 at least.
    """
    grid = grid_of(dataset)
    levels = levels_over(grid)
    cells = cell_of_pixel(grid, levels[0])
    mask = np.append(dataset["mask"].values.ravel(), np.uint8(_MASK_OUTSIDE))
    outdoors = mask == 0
    grounds = tuple(_grounds(mask.take(cells), levels))
    shown = [LAYERS[name] for name in layers]

    def step(index: int) -> Mapping[str, tuple[Codes, ...]]:
        pictures: dict[str, tuple[Codes, ...]] = {}
        for quantity, resolution in sorted({(layer.quantity, layer.resolution) for layer in shown}):
            values = np.append(dataset[quantity].isel(time=index).values.ravel(), np.float32(np.nan))
            values[~outdoors] = np.nan
            means = [values, *_means(values, cells, levels)]
            packed = [pack(mean, resolution) for mean in means]
            for layer in (layer for layer in shown if layer.quantity == quantity):
                # At native zoom cells are coloured before they are looked up: there are fewer of them.
                cell_codes = np.where(outdoors, layer.coded(packed[0]), _GROUND_OF_MASK[mask])
                coarser = zip(packed[1:], grounds[1:], strict=True)
                pictures[layer.name] = (
                    cell_codes.take(cells),
                    *(np.where(ground == _OPEN, layer.coded(mean), ground) for mean, ground in coarser),
                )
        return pictures

    return Pyramid(tuple(layers), levels, step)


def levels_over(grid: Grid) -> tuple[Level, ...]:
    """Return the zooms that a grid is drawn at, the native one first."""
    west, south, east, north = grid.bounds_lonlat
    ground = np.cos(np.radians((south + north) / 2))
    zoom = next(z for z in range(_TMS.maxzoom + 1) if _resolution(z) * ground <= grid.cell_size)
    levels = [_level(grid.bounds_lonlat, zoom)]
    while levels[-1].zoom > _LOWEST_ZOOM and levels[-1].rows * levels[-1].columns > 1:
        levels.append(_level((west, south, east, north), levels[-1].zoom - 1))
    return tuple(levels)


def _level(bounds: Bounds, zoom: int) -> Level:
    west, south, east, north = bounds
    first, last = _TMS.tile(west, north, zoom), _TMS.tile(east, south, zoom)
    return Level(zoom, first.x, first.y, last.x - first.x + 1, last.y - first.y + 1)


def _resolution(zoom: int) -> float:
    return float(_TMS.matrix(zoom).cellSize)


def cell_of_pixel(grid: Grid, level: Level) -> npt.NDArray[np.intp]:
    """Return, for every pixel of a level, the flat index of the cell that holds its centre.

    Parameters
    ----------
    grid : Grid
        The cells.
    level : Level
        The pixels.

    Returns
    -------
    numpy.ndarray of int
        Shape of the level; rows * columns of the grid for pixels outside it.
    """
    down, right = position_of_pixel(grid, level)
    row, column = np.floor(down).astype(np.intp), np.floor(right).astype(np.intp)
    height, width = grid.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return np.where(inside, row * width + column, height * width)


def position_of_pixel(grid: Grid, level: Level) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return where the centre of every pixel lies in a grid, in cells from its north-west corner.

    Exact points of a coarse lattice are projected, the pixels between them interpolated linearly.

    Parameters
    ----------
    grid : Grid
        The cells.
    level : Level
        The pixels.

    Returns
    -------
    tuple of numpy.ndarray
        Cells down and to the right, each with the shape of the level.
    """
    matrix = _TMS.matrix(level.zoom)
    left, top = matrix.pointOfOrigin
    rows, columns = level.shape
    x = left + matrix.cellSize * (level.column * TILE + _lattice(columns))
    y = top - matrix.cellSize * (level.row * TILE + _lattice(rows))
    to_grid = Transformer.from_crs(_WEB_MERCATOR, grid.crs, always_xy=True)
    east, north = to_grid.transform(*np.meshgrid(x, y))
    along, across = _hats(rows), _hats(columns)
    down = along @ ((north - grid.transform.f) / grid.transform.e) @ across.T
    right = along @ ((east - grid.transform.c) / grid.transform.a) @ across.T
    return down, right


def _lattice(pixels: int) -> npt.NDArray[np.float64]:
    """Return where exact points lie: pixel edges, every few pixels."""
    return np.arange(0, pixels + 1, _SPACING, dtype=np.float64)


def _hats(pixels: int) -> npt.NDArray[np.float64]:
    """Return the weight of every exact point at every pixel centre, shape (pixels, points)."""
    centres = (np.arange(pixels) + 0.5)[:, None]
    weights: npt.NDArray[np.float64] = np.maximum(0.0, 1.0 - np.abs(centres - _lattice(pixels)) / _SPACING)
    return weights


_OPEN, _MASK_OUTSIDE = 255, 2
_GROUND_OF_MASK = np.array([_OPEN, CODE_BUILDING, CODE_OUTSIDE], dtype=np.uint8)


def _grounds(mask: npt.NDArray[np.uint8], levels: Sequence[Level]) -> Iterator[Codes]:
    """Yield, for each level, what a pixel is: open ground, or the code of building or outside."""
    yield _GROUND_OF_MASK[mask]
    kinds = [(mask == kind).astype(np.float32) for kind in range(3)]
    outside = 1.0
    for finer, coarser in pairwise(levels):
        outside *= 4.0
        kinds = [_halved(kind, finer, coarser, outside if i == 2 else 0.0) for i, kind in enumerate(kinds)]
        yield _GROUND_OF_MASK[np.argmax(kinds, axis=0)]


def _means(
    values: npt.NDArray[np.float32], cells: npt.NDArray[np.intp], levels: Sequence[Level]
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield, for each level below the native, the mean over all native pixels with a value, else NaN."""
    valid = ~np.isnan(values)
    count = valid.astype(np.float32).take(cells)
    total = np.where(valid, values, np.float32(0.0)).take(cells)
    for finer, coarser in pairwise(levels):
        count, total = _halved(count, finer, coarser), _halved(total, finer, coarser)
        yield np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _halved(
    pixels: npt.NDArray[np.float32], finer: Level, coarser: Level, outside: float = 0.0
) -> npt.NDArray[np.float32]:
    """Return the sums over 2 x 2 pixels, laid on the tiles of the coarser level."""
    top, left = (finer.row - 2 * coarser.row) * TILE // 2, (finer.column - 2 * coarser.column) * TILE // 2
    rows = pixels[::2] + pixels[1::2]
    summed = np.full(coarser.shape, np.float32(outside))
    inner = summed[top : top + pixels.shape[0] // 2, left : left + pixels.shape[1] // 2]
    np.add(rows[:, ::2], rows[:, 1::2], out=inner)
    return summed


# --- serving ---


def render(run: StoredRun, layer: str, step: int, z: int, x: int, y: int) -> bytes | None:
    """Return one tile as a PNG with palette, or None where all of it lies outside the area.

    Parameters
    ----------
    run : StoredRun
        The run.
    layer : str
        One of its layers.
    step : int
        Index of the time step.
    z, x, y : int
        Tile of WebMercatorQuad (XYZ, y from the north).

    Raises
    ------
    TileNotFoundError
        The tile lies outside the area's tiles, or its zoom is not stored (clients enlarge the native zoom).
    LayerNotFoundError
        The run holds no such layer.
    """
    rows, columns = located(run, layer, z, x, y)
    codes = run.tile_array(layer, z)[step, rows, columns]
    return png(codes, _palette(layer)) if codes.any() else None


def located(run: StoredRun, layer: str, z: int, x: int, y: int) -> tuple[slice, slice]:
    """Return the rows and columns of a tile in the pictures of its zoom; parameters as for :func:`render`.

    Raises
    ------
    TileNotFoundError, LayerNotFoundError
        As for :func:`render`; it costs no drawing to learn that a tile does not exist.
    """
    level = run.levels.get(z)
    if level is None or not (0 <= x - level.column < level.columns and 0 <= y - level.row < level.rows):
        raise _outside(run, f"{z}/{x}/{y}")
    run.tile_array(layer, z)
    top, left = (y - level.row) * TILE, (x - level.column) * TILE
    return slice(top, top + TILE), slice(left, left + TILE)


def picture(run: StoredRun, layer: str, step: int) -> bytes:
    """Return the whole map of a layer at its native zoom as one PNG; parameters as for :func:`render`."""
    codes = run.tile_array(layer, max(run.levels))[step]
    rows, columns = np.flatnonzero(codes.any(axis=1)), np.flatnonzero(codes.any(axis=0))
    return png(codes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], _palette(layer))


def _outside(run: StoredRun, tile: str) -> TileNotFoundError:
    west, south, east, north = run.grid.bounds_lonlat
    return TileNotFoundError(
        Words("対象範囲外、または用意のない縮尺のタイルです", "the tile lies outside the area or its zooms"),
        where=run.id, got=tile,
        expected=f"z {min(run.levels)}-{max(run.levels)}, {west:.5f},{south:.5f},{east:.5f},{north:.5f}",
    )  # fmt: skip


def png(codes: Codes, palette: bytes) -> bytes:
    """Return codes as a PNG with palette.

    Parameters
    ----------
    codes : numpy.ndarray of uint8
        Shape (rows, columns).
    palette : bytes
        PLTE and tRNS chunks.

    References
    ----------
    .. [1] W3C, Portable Network Graphics (PNG) Specification, third edition.
    """
    rows, columns = codes.shape
    lines = np.zeros((rows, columns + 1), np.uint8)  # each line opens with its filter type, 0 for none
    lines[:, 1:] = codes
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)
    data: bytes = isal_zlib.compress(lines, _DEFLATE_LEVEL)
    return b"".join((_SIGNATURE, _chunk(b"IHDR", header), palette, _chunk(b"IDAT", data), _END))


def _chunk(kind: bytes, data: bytes) -> bytes:
    content = kind + data
    return struct.pack(">I", len(data)) + content + struct.pack(">I", isal_zlib.crc32(content))


_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = _chunk(b"IEND", b"")


@lru_cache
def _palette(layer: str) -> bytes:
    colours = LAYERS[layer].palette
    return _chunk(b"PLTE", colours[:, :3].tobytes()) + _chunk(b"tRNS", colours[:, 3].tobytes())


def tilejson(
    run: StoredRun, layer: str, url: str, *, step: int | None = None, stale: bool | None = None
) -> dict[str, Any]:
    """Return the TileJSON 3.0.0 of a layer.

    Parameters
    ----------
    run : StoredRun
        The run.
    layer : str
        One of its layers.
    url : str
        Template of the tiles with ``{z}``, ``{x}`` and ``{y}``.
    step : int, optional
        Index of the time step that the template shows.
    stale : bool, optional
        Whether the run's last step has passed.

    Returns
    -------
    dict
        With the member ``heatrisk``: run, layer, unit, times, the step's time, and whether it is stale.

    Raises
    ------
    LayerNotFoundError
        The run holds no such layer.

    References
    ----------
    .. [1] Mapbox, TileJSON specification 3.0.0.
    """
    run.tile_array(layer, max(run.levels))
    row = LAYERS[layer]
    times, anchored = run.manifest["times"], run.manifest.get("anchor", {}).get("anchored")
    return {
        "tilejson": "3.0.0",
        "name": row.words.ja,
        "description": row.described(anchored is not False).ja,
        "version": "1.0.0",
        "attribution": " / ".join(credit["ja"] for credit in run.manifest.get("attribution", ())),
        "scheme": "xyz",
        "tiles": [url],
        "minzoom": min(run.levels),
        "maxzoom": max(run.levels),
        "bounds": list(run.grid.bounds_lonlat),
        "center": [*run.grid.centre_lonlat, max(run.levels) - 1],
        "heatrisk": {
            "run": run.id,
            "created": run.manifest["created"],
            "layer": layer,
            "words": row.words._asdict(),
            "units": row.units,
            "time": None if step is None else times[step],
            "times": times,
            "anchored": anchored,
            "stale": stale,
            "tile_size": TILE,
        },
    }
