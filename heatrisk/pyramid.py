"""The pictures of a run on disk: map tiles in Web Mercator, drawn once, an archive a layer and step.

::

    <folder>/<layer>/<time>.pmtiles    PNG tiles of every zoom; time as 20250805T0600Z

A tile is a slice of a memory-mapped file, and the same file serves browsers from any web server.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from heatrisk.archive import Archive
from heatrisk.errors import StoreError

TILE = 256

Codes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Level:
    """One zoom of a pyramid: the block of map tiles that it covers.

    Parameters
    ----------
    zoom : int
        Zoom of the WebMercatorQuad tile matrix set.
    column, row : int
        Its north-west tile.
    columns, rows : int
        Number of tiles.
    """

    zoom: int
    column: int
    row: int
    columns: int
    rows: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of pixels."""
        return (self.rows * TILE, self.columns * TILE)

    def holds(self, x: int, y: int) -> bool:
        """Tell whether a tile belongs to the block."""
        return 0 <= x - self.column < self.columns and 0 <= y - self.row < self.rows


#: Draws some layers at the time step of an index: the archive of each, by its name.
Draw = Callable[[int], Mapping[str, bytes]]


@dataclass(frozen=True)
class Pyramid:
    """The pictures of a run, drawn a few layers and a step at a time: few of them are in memory together.

    Parameters
    ----------
    layers : tuple of str
        Names of the layers.
    levels : tuple of Level
        Zooms, the native one first.
    times : tuple of str
        Name of every step.
    series : callable
        Returns an iterator over what draws the layers, a few each; threads call that side by side.
    """

    layers: tuple[str, ...]
    levels: tuple[Level, ...]
    times: tuple[str, ...]
    series: Callable[[], Iterator[Draw]]

    def step(self, index: int) -> dict[str, bytes]:
        """Return the archives of all layers at a time step."""
        return {layer: content for draw in self.series() for layer, content in draw(index).items()}


def write(folder: Path, pyramid: Pyramid) -> dict[str, str]:
    """Write the pictures of a run; a thread draws, writes and reads back a step at a time.

    Parameters
    ----------
    folder : pathlib.Path
        New folder.
    pyramid : Pyramid
        The pictures.

    Returns
    -------
    dict
        SHA-256 of every layer's archives, one after the other, by ``tiles/<layer>``.

    Raises
    ------
    StoreError
        What was written does not read back the same.
    """
    hashes = {layer: hashlib.sha256() for layer in pyramid.layers}
    for layer in pyramid.layers:
        (folder / layer).mkdir(parents=True)

    def written(draw: Draw, index: int) -> Mapping[str, bytes]:
        contents = draw(index)
        for layer, content in contents.items():
            path = _path(folder, layer, pyramid.times[index])
            path.write_bytes(content)
            if path.read_bytes() != content:
                raise StoreError("a picture does not read back as it was written", where=path)
        return contents

    # Most of the work is done by compiled code that lets other threads run; each takes memory.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as crew:
        for draw in pyramid.series():
            for contents in crew.map(partial(written, draw), range(len(pyramid.times))):
                for layer, content in contents.items():
                    hashes[layer].update(content)
    return {f"tiles/{layer}": digest.hexdigest() for layer, digest in hashes.items()}


def read(folder: Path, layer: str, time: str) -> Archive:
    """Return the tiles of one layer at one step."""
    return Archive(_path(folder, layer, time))


def _path(folder: Path, layer: str, time: str) -> Path:
    return folder / layer / f"{time}.pmtiles"
