"""From stored tiles to answers: a slice of a memory-mapped file."""

from __future__ import annotations

from typing import Any

import numpy as np

from heatrisk.errors import TileNotFoundError
from heatrisk.layers import CODE_OUTSIDE, LAYERS, Layer
from heatrisk.pyramid import TILE, Codes
from heatrisk.stored import StoredRun
from heatrisk.tiles.images import codes, palette, png
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
    located(run, layer, z, x, y)
    tiles = run.archive(layer, step)
    image = tiles.tile(z, x, y)
    if image is None or not fine:
        return image
    if z + 1 not in run.levels:
        return png(codes_of(image).repeat(2, axis=0).repeat(2, axis=1), palette(layer))
    # The next zoom need not hold all four tiles: what it lacks lies outside the area.
    four = [[tiles.tile(z + 1, 2 * x + i, 2 * y + j) for i in (0, 1)] for j in (0, 1)]
    return png(np.block([list(map(codes_of, row)) for row in four]), palette(layer))


def codes_of(image: bytes | None) -> Codes:
    """Return the codes behind a tile; None is one that lies outside."""
    return np.full((TILE, TILE), CODE_OUTSIDE, np.uint8) if image is None else codes(image)


def located(run: StoredRun, layer: str, z: int, x: int, y: int) -> None:
    """Raise where a tile does not exist, which costs no reading; parameters as for :func:`render`.

    Raises
    ------
    TileNotFoundError, LayerNotFoundError
        As for :func:`render`.
    """
    row_of(run, layer)
    level = run.levels.get(z)
    if level is None or not level.holds(x, y):
        raise outside(run, f"{z}/{x}/{y}")


def layers_of(run: StoredRun) -> list[Layer]:
    """Return the layers that a run holds and this version knows, in the run's order."""
    return [LAYERS[name] for name in run.layers if name in LAYERS]


def row_of(run: StoredRun, layer: str) -> Layer:
    """Return the row of a layer that a run holds.

    Raises
    ------
    LayerNotFoundError
        The run does not hold it, or holds one that this version does not know.
    """
    row = LAYERS.get(layer)
    if row is None or layer not in run.layers:
        raise run.lacks(layer)
    return row


def whole(run: StoredRun, layer: str, step: int, zoom: int) -> Codes:
    """Return the codes of all tiles of a zoom, laid together; parameters as for :func:`render`."""
    row_of(run, layer)
    tiles, level = run.archive(layer, step), run.levels[zoom]
    rows, columns = (range(first, first + count) for first, count in
                     ((level.row, level.rows), (level.column, level.columns)))  # fmt: skip
    return np.block([[codes_of(tiles.tile(zoom, x, y)) for x in columns] for y in rows])


def picture(run: StoredRun, layer: str, step: int) -> bytes:
    """Return the whole map of a layer at its native zoom as one PNG; parameters as for :func:`render`."""
    found = whole(run, layer, step, max(run.levels))
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    return png(found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], palette(layer))


def outside(run: StoredRun, tile: str, lowest: int | None = None) -> TileNotFoundError:
    """Return the error of a tile outside the area, or outside the zooms from ``lowest`` to the native one."""
    bounds = ",".join(f"{degrees:.5f}" for degrees in run.grid.bounds_lonlat)
    return TileNotFoundError(
        Words("対象範囲外、または用意のない縮尺のタイルです", "the tile lies outside the area or its zooms"),
        where=run.id,
        got=tile,
        expected=f"z {min(run.levels) if lowest is None else lowest}-{max(run.levels)}, {bounds}",
    )


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
    row, anchored = row_of(run, layer), run.manifest.get("anchor", {}).get("anchored")
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
