"""From stored codes to tiles: a slice of a memory-mapped array and a small deflate."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from heatrisk.errors import TileNotFoundError
from heatrisk.layers import CODE_OUTSIDE, LAYERS
from heatrisk.pyramid import TILE, Codes
from heatrisk.stored import StoredRun
from heatrisk.tiles.images import chunk, png
from heatrisk.words import Words


def render(
    run: StoredRun, layer: str, step: int, z: int, x: int, y: int, *, fine: bool = False
) -> bytes | None:
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
    fine : bool
        512 instead of 256 pixels over the same area, for dense screens: the pixels of the next zoom; at the
        native zoom, which is finer than the cells already, every pixel four times.

    Raises
    ------
    TileNotFoundError
        The tile lies outside the area's tiles, or its zoom is not stored (clients enlarge the native zoom).
    LayerNotFoundError
        The run holds no such layer.
    """
    rows, columns = located(run, layer, z, x, y)
    codes = run.tile_array(layer, z)[step, rows, columns]
    if not codes.any():
        return None
    return png(_fine(run, layer, step, z, x, y, codes) if fine else codes, _palette(layer))


def _fine(run: StoredRun, layer: str, step: int, z: int, x: int, y: int, codes: Codes) -> Codes:
    level = run.levels.get(z + 1)
    if level is None:
        return codes.repeat(2, axis=0).repeat(2, axis=1)
    top, left = (2 * y - level.row) * TILE, (2 * x - level.column) * TILE
    first, start = max(top, 0), max(left, 0)
    # The next zoom need not hold all four tiles: what it lacks lies outside the area.
    found = run.tile_array(layer, z + 1)[step, first : top + 2 * TILE, start : left + 2 * TILE]
    out = np.full((2 * TILE, 2 * TILE), CODE_OUTSIDE, np.uint8)
    out[first - top :, start - left :][: found.shape[0], : found.shape[1]] = found
    return out


def located(run: StoredRun, layer: str, z: int, x: int, y: int) -> tuple[slice, slice]:
    """Return the rows and columns of a tile in the pictures of its zoom; parameters as for :func:`render`.

    Raises
    ------
    TileNotFoundError, LayerNotFoundError
        As for :func:`render`; it costs no drawing to learn that a tile does not exist.
    """
    level = run.levels.get(z)
    if level is None or not (0 <= x - level.column < level.columns and 0 <= y - level.row < level.rows):
        raise outside(run, f"{z}/{x}/{y}")
    run.tile_array(layer, z)
    top, left = (y - level.row) * TILE, (x - level.column) * TILE
    return slice(top, top + TILE), slice(left, left + TILE)


def picture(run: StoredRun, layer: str, step: int) -> bytes:
    """Return the whole map of a layer at its native zoom as one PNG; parameters as for :func:`render`."""
    codes = run.tile_array(layer, max(run.levels))[step]
    rows, columns = np.flatnonzero(codes.any(axis=1)), np.flatnonzero(codes.any(axis=0))
    return png(codes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], _palette(layer))


def outside(run: StoredRun, tile: str, lowest: int | None = None) -> TileNotFoundError:
    """Return the error of a tile outside the area, or outside the zooms from ``lowest`` to the native one."""
    bounds = ",".join(f"{degrees:.5f}" for degrees in run.grid.bounds_lonlat)
    return TileNotFoundError(
        Words("対象範囲外、または用意のない縮尺のタイルです", "the tile lies outside the area or its zooms"),
        where=run.id,
        got=tile,
        expected=f"z {min(run.levels) if lowest is None else lowest}-{max(run.levels)}, {bounds}",
    )


@lru_cache
def _palette(layer: str) -> bytes:
    colours = LAYERS[layer].palette
    return chunk(b"PLTE", colours[:, :3].tobytes()) + chunk(b"tRNS", colours[:, 3].tobytes())


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
    row, anchored = LAYERS[layer], run.manifest.get("anchor", {}).get("anchored")
    body = described(run, url, row.words, row.described(anchored is not False), step)
    body["heatrisk"] |= {
        "layer": layer, "units": row.units, "anchored": anchored, "stale": stale, "tile_size": TILE,
        "fine": url.replace("{y}", "{y}@2x"),
    }  # fmt: skip
    return body


def described(run: StoredRun, url: str, words: Words, description: Words, step: int | None) -> dict[str, Any]:
    """Return what the TileJSON of pictures and of values have in common; parameters as there."""
    times = run.manifest["times"]
    return {
        "tilejson": "3.0.0",
        "name": words.ja,
        "description": description.ja,
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
            "words": words._asdict(),
            "time": None if step is None else times[step],
            "times": times,
        },
    }
