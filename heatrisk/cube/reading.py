"""A cube read: one cell, a window of cells, or all of it by xarray."""

from __future__ import annotations

import json
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr
from affine import Affine
from numcodecs import blosc
from pyproj import CRS

from heatrisk.cube.packing import unpack
from heatrisk.errors import InputError
from heatrisk.grid import CHUNK, Grid

#: Shards of an array that stay open: each takes a file descriptor.
_KEPT_OPEN = 8

#: In the index of a shard: the chunk is not stored.
ABSENT = 2**64 - 1


def opened(folder: Path) -> xr.Dataset:
    """Return a cube as it was computed, opened lazily."""
    found: xr.Dataset = xr.open_zarr(folder, decode_coords="all", chunks=None)
    return found


def grid_of(dataset: xr.Dataset) -> Grid:
    """Return the grid on which a dataset lies.

    Parameters
    ----------
    dataset : xarray.Dataset
        With ``x`` and ``y`` [m] of cell centres, ``y`` descending, and ``spatial_ref`` with ``crs_wkt``.

    Raises
    ------
    InputError
        There are fewer than two columns, or the cells are not square and north-up.
    """
    x, y = dataset["x"].values, dataset["y"].values
    if x.size < 2:
        raise InputError("the grid needs two columns at least", got=str(x.size))
    cell = float(x[-1] - x[0]) / (x.size - 1)
    crs = CRS.from_wkt(dataset["spatial_ref"].attrs["crs_wkt"])
    authority = crs.to_authority()
    name = ":".join(authority) if authority else crs.to_wkt()
    transform = Affine(cell, 0.0, float(x[0]) - cell / 2, 0.0, -cell, float(y[0]) + cell / 2)
    return Grid(name, transform, (y.size, x.size))


class CellReader:
    """Reads all values of one cell of a gridded array from its shard, one chunk at a time.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the array, as written by :func:`write`.
    """

    def __init__(self, folder: Path) -> None:
        facts = json.loads((folder / "zarr.json").read_text("utf-8"))
        sharding = facts["codecs"][0]["configuration"]
        self._shape = tuple(facts["shape"][-2:])
        self._dtype = np.dtype(facts["data_type"]).newbyteorder("<")
        self._chunk = tuple(sharding["chunk_shape"])
        self._shard = tuple(facts["chunk_grid"]["configuration"]["chunk_shape"])
        self._fill = facts["fill_value"]
        self._resolution = facts["attributes"].get("scale_factor")
        shards = folder.joinpath("c", *["0"] * (len(self._chunk) - 2))
        self._file = lru_cache(_KEPT_OPEN)(partial(_mapped, shards))

    @property
    def over_time(self) -> bool:
        """Whether a cell has a value for each step, not one alone."""
        return len(self._chunk) == 3

    def __call__(self, row: int, column: int) -> npt.NDArray[Any]:
        """Return the values of a cell over the leading dimensions, unpacked; NaN is no value."""
        place = (row // self._shard[-2], column // self._shard[-1])
        block = self._block(place, row % self._shard[-2] // CHUNK, column % self._shard[-1] // CHUNK)
        values = np.array(block[..., row % CHUNK, column % CHUNK], dtype=self._dtype.newbyteorder("="))
        return values if self._resolution is None else unpack(values, self._resolution)

    def whole(self) -> npt.NDArray[Any]:
        """Return all values as they are stored, packed: leading dimensions, then (rows, columns)."""
        return self.window(0, 0, *self._shape)

    def window(self, top: int, left: int, height: int, width: int) -> npt.NDArray[Any]:
        """Return the values of a window of cells as they are stored, packed.

        Parameters
        ----------
        top, left : int
            Its north-west cell.
        height, width : int
            Rows and columns; all of it lies in the grid.

        Returns
        -------
        numpy.ndarray
            Leading dimensions, then (height, width); :data:`FILL` is no value where values are packed.
        """
        out = np.empty((*self._chunk[:-2], height, width), self._dtype.newbyteorder("="))
        for row in range(top // CHUNK, -(-(top + height) // CHUNK)):
            for column in range(left // CHUNK, -(-(left + width) // CHUNK)):
                first, start = max(row * CHUNK, top), max(column * CHUNK, left)
                last, stop = min((row + 1) * CHUNK, top + height), min((column + 1) * CHUNK, left + width)
                place = (first // self._shard[-2], start // self._shard[-1])
                block = self._block(place, first % self._shard[-2] // CHUNK, start % self._shard[-1] // CHUNK)
                out[..., first - top : last - top, start - left : stop - left] = block[
                    ...,
                    first - row * CHUNK : last - row * CHUNK,
                    start - column * CHUNK : stop - column * CHUNK,
                ]
        return out

    def _block(self, place: tuple[int, int], down: int, right: int) -> npt.NDArray[Any]:
        """Return one decoded chunk; shards and chunks that hold only the fill value are not stored."""
        content = self._file(place)
        if content is not None:
            rows, columns = self._shard[-2] // CHUNK, self._shard[-1] // CHUNK
            # The index at the end of a shard: offset and length of each chunk, then a 4-byte checksum.
            index = content[-16 * rows * columns - 4 : -4].view("<u8").reshape(rows, columns, 2)
            offset, length = map(int, index[down, right])
            if length != ABSENT:
                data = blosc.decompress(content[offset : offset + length])
                return np.frombuffer(data, self._dtype).reshape(self._chunk)
        return np.full(self._chunk, self._fill, self._dtype)


def _mapped(folder: Path, place: tuple[int, int]) -> npt.NDArray[np.uint8] | None:
    path = folder.joinpath(*map(str, place))
    return np.asarray(np.memmap(path, np.uint8, "r")) if path.exists() else None


def read_line(folder: Path, name: str) -> npt.NDArray[np.float64]:
    """Return an array without map dimensions, e.g. the official value of every step.

    Parameters
    ----------
    folder : pathlib.Path
        The cube.
    name : str
        A variable over time alone.
    """
    return np.asarray(array_of(zarr.open_group(folder, mode="r"), name)[...], dtype=np.float64)


def array_of(group: zarr.Group, name: str) -> zarr.Array[Any]:
    """Return an array of a group."""
    array = group[name]
    assert isinstance(array, zarr.Array)
    return array
