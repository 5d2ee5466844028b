"""The pictures of a run on disk: one byte a pixel, Web Mercator, every zoom, every time step.

::

    <folder>/<layer>/z<zoom>.npy    uint8 (time, row, column), whole tiles

The arrays are memory-mapped by the server: a tile is a slice, and what is not looked at is not read.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

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


@dataclass(frozen=True)
class Pyramid:
    """The pictures of a run, made one step at a time so that memory stays bounded.

    Parameters
    ----------
    layers : tuple of str
        Names of the layers.
    levels : tuple of Level
        Zooms, the native one first.
    step : callable
        From the index of a time step to, for each layer, one array of codes a level.
    """

    layers: tuple[str, ...]
    levels: tuple[Level, ...]
    step: Callable[[int], Mapping[str, tuple[Codes, ...]]]


def write(folder: Path, pyramid: Pyramid, steps: int) -> dict[str, str]:
    """Write the pictures of a run, step by step.

    Parameters
    ----------
    folder : pathlib.Path
        New folder.
    pyramid : Pyramid
        The pictures.
    steps : int
        Number of time steps.

    Returns
    -------
    dict
        SHA-256 of every array's bytes, by ``tiles/<layer>/z<zoom>``.

    Raises
    ------
    StoreError
        What was written does not read back the same.
    """
    paths = {(layer, i): _path(folder, layer, level.zoom)
             for layer in pyramid.layers for i, level in enumerate(pyramid.levels)}  # fmt: skip
    hashes = {key: hashlib.sha256() for key in paths}
    with contextlib.ExitStack() as stack:
        files = {}
        for key, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            files[key] = stack.enter_context(path.open("wb"))
            header = {"descr": "|u1", "fortran_order": False, "shape": (steps, *pyramid.levels[key[1]].shape)}
            np.lib.format.write_array_header_1_0(files[key], header)
        for step in range(steps):
            for layer, arrays in pyramid.step(step).items():
                for i, codes in enumerate(arrays):
                    data = np.ascontiguousarray(codes).data
                    files[layer, i].write(data)
                    hashes[layer, i].update(data)
    digests = {f"tiles/{layer}/z{pyramid.levels[i].zoom}": h.hexdigest() for (layer, i), h in hashes.items()}
    for (name, digest), path in zip(digests.items(), paths.values(), strict=True):
        if hashlib.sha256(np.load(path, mmap_mode="r").data).hexdigest() != digest:
            raise StoreError("a picture does not read back as it was written", where=name)
    return digests


def read(folder: Path, layer: str, zoom: int) -> Codes:
    """Return the codes of one layer at one zoom, memory-mapped, shape (time, rows, columns)."""
    return np.asarray(np.load(_path(folder, layer, zoom), mmap_mode="r"))


def _path(folder: Path, layer: str, zoom: int) -> Path:
    return folder / layer / f"z{zoom}.npy"
