"""The fields of a run on disk: a CF data cube in Zarr format 3, packed, sharded, and read a cell at a time.

Chunks hold all times of 64 x 64 cells and lie in shards of 1024 x 1024, so that the series of a place is one
small read and a map is few files. ``xarray.open_zarr(folder)`` opens it; :class:`CellReader` goes straight to
the bytes of one chunk, because a point request must not pay for a general array library. For the same reason
the shards are written here: compressing is all that writing a chunk costs.

References
----------
.. [1] Zarr core specification, version 3, and its sharding codec, https://zarr-specs.readthedocs.io.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
import zarr
from affine import Affine
from numcodecs import blosc
from numcodecs.checksum32 import CRC32C
from pyproj import CRS
from zarr.codecs import BloscCodec
from zarr.errors import ZarrUserWarning

from heatrisk.errors import InputError, StoreError
from heatrisk.grid import Grid
from heatrisk.quantities import QUANTITIES

CHUNK, SHARD = 64, 1024
FILL = -32768
NO_CLASS = -1
GRID_MAPPING = "spatial_ref"

# A tenth more bytes than zstd, at a sixth of the time to write them and a quarter to read them.
_CODEC = BloscCodec(cname="lz4", clevel=9, shuffle="bitshuffle")
_BLOSC = (b"lz4", 9, blosc.BITSHUFFLE)
#: In the index of a shard: the chunk is not stored.
_ABSENT = 2**64 - 1
_TIME = {"units": "seconds since 1970-01-01T00:00:00", "calendar": "proleptic_gregorian"}
_AXES: dict[str, dict[str, Any]] = {
    "time": {"standard_name": "time", "long_name": "centre of the step, UTC", "axis": "T", **_TIME},
    "y": {"standard_name": "projection_y_coordinate", "units": "m", "axis": "Y"},
    "x": {"standard_name": "projection_x_coordinate", "units": "m", "axis": "X"},
}


def pack(values: npt.NDArray[np.floating[Any]], resolution: float) -> npt.NDArray[np.int16]:
    """Return values as 16-bit multiples of a resolution.

    Parameters
    ----------
    values : numpy.ndarray
        Any shape; NaN becomes :data:`FILL`.
    resolution : float
        Step between two stored values, in the unit of ``values``; its inverse is a whole number.

    Returns
    -------
    numpy.ndarray of int16
        Same shape; what lies beyond 16 bits is stored as the extreme.
    """
    steps = np.asarray(values * values.dtype.type(1.0 / resolution))
    np.rint(steps, out=steps)
    np.clip(steps, -32767, 32767, out=steps)
    np.fmax(steps, FILL, out=steps)  # takes the number where the other is NaN
    return np.asarray(steps, np.int16)


def unpack(packed: npt.NDArray[np.int16], resolution: float) -> npt.NDArray[np.float64]:
    """Return the values behind :func:`pack`, each the double nearest to its decimal number.

    Parameters
    ----------
    packed : numpy.ndarray of int16
        Any shape; :data:`FILL` becomes NaN.
    resolution : float
        As given to :func:`pack`.
    """
    return np.where(packed == FILL, np.nan, packed / (1.0 / resolution))


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


def write(dataset: xr.Dataset, folder: Path) -> dict[str, str]:
    """Write a dataset as a CF cube.

    Parameters
    ----------
    dataset : xarray.Dataset
        Dimensions (time, y, x) with their coordinates (time UTC without zone), ``time_bnds`` and
        ``spatial_ref`` with ``crs_wkt``; variables named as in :mod:`heatrisk.quantities`.
    folder : pathlib.Path
        New folder.

    Returns
    -------
    dict
        SHA-256 of every array's bytes as stored (packed, C order), by name.

    Raises
    ------
    StoreError
        What was written does not read back the same.
    """
    group = zarr.create_group(folder, zarr_format=3, attributes=_plain(dataset.attrs))
    names = sorted(map(str, dataset.variables))
    # A thread an array: what compresses, hashes and writes lets other threads run; each takes memory.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as crew:
        written = crew.map(lambda name: _write_array(group, folder, dataset[name]), names)
        digests = dict(zip(names, written, strict=True))
    with warnings.catch_warnings():
        # Format 3 does not standardise consolidated metadata yet, but xarray warns where it is absent.
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(folder)
    return digests


def sha256(values: npt.NDArray[Any]) -> str:
    """Return the SHA-256 of an array's bytes in C order, as hexadecimal text."""
    return hashlib.sha256(np.ascontiguousarray(values).data).hexdigest()


def _write_array(group: zarr.Group, root: Path, array: xr.DataArray) -> str:
    """Write one array into its folder, read it back, and return its digest."""
    name = str(array.name)
    folder = root / name
    values, attrs = _encoded(name, array)
    gridded = array.dims[-2:] == ("y", "x")
    chunks = (*values.shape[:-2], CHUNK, CHUNK) if gridded else None
    shards = (*values.shape[:-2], *(_shard(n) for n in values.shape[-2:])) if gridded else None
    target = group.create_array(
        name,
        shape=values.shape,
        dtype=values.dtype,
        chunks=chunks or "auto",
        shards=shards,
        compressors=_CODEC if gridded else None,
        fill_value=attrs.get("_FillValue", 0),
        dimension_names=tuple(map(str, array.dims)),
        attributes=attrs,
    )
    if gridded:
        _write_shards(folder, values, target.fill_value)
        same = _reads_back(CellReader(folder), values)
    else:
        target[...] = values
        same = np.array_equal(np.asarray(_array(group, name)[...]), values, equal_nan=True)
    if not same:
        raise StoreError("an array does not read back as it was written", where=folder)
    return sha256(values)


def _write_shards(folder: Path, values: npt.NDArray[Any], fill: Any) -> None:
    """Write the shards of a gridded array: chunks, then where each begins and how long it is, and a checksum.

    Chunks and shards that hold only the fill value are not stored.
    """
    height, width = (_shard(cells) for cells in values.shape[-2:])
    for down, right in np.ndindex(-(-values.shape[-2] // height), -(-values.shape[-1] // width)):
        part = values[..., down * height : (down + 1) * height, right * width : (right + 1) * width]
        index = np.full((height // CHUNK, width // CHUNK, 2), _ABSENT, "<u8")
        contents, end = list[bytes](), 0
        for row, strip in enumerate(np.split(part, range(CHUNK, part.shape[-2], CHUNK), axis=-2)):
            for column, content in _compressed(strip, fill):
                index[row, column] = end, len(content)
                contents.append(content)
                end += len(content)
        if contents:
            path = folder.joinpath("c", *["0"] * (values.ndim - 2), str(down), str(right))
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.writelines((*contents, CRC32C().encode(index)))


def _compressed(strip: npt.NDArray[Any], fill: Any) -> Iterator[tuple[int, bytes]]:
    """Yield the chunks of a strip of cells, compressed, by column; a chunk at the edge is filled up."""
    chunk = np.full((*strip.shape[:-2], CHUNK, CHUNK), fill, strip.dtype.newbyteorder("<"))
    for column, part in enumerate(np.split(strip, range(CHUNK, strip.shape[-1], CHUNK), axis=-1)):
        chunk[..., : part.shape[-2], : part.shape[-1]] = part
        chunk[..., part.shape[-1] :] = fill
        if (chunk != fill).any():
            yield column, blosc.compress(chunk, *_BLOSC)


def _reads_back(read: CellReader, values: npt.NDArray[Any]) -> bool:
    """Tell whether a gridded array, read as it will be served, is the one that was written."""
    height, width = values.shape[-2:]
    strips = ((top, values[..., top : top + CHUNK, :]) for top in range(0, height, CHUNK))
    return all(
        np.array_equal(read.window(top, 0, strip.shape[-2], width), strip, equal_nan=True)
        for top, strip in strips
    )


def _shard(cells: int) -> int:
    return min(SHARD, -(-cells // CHUNK) * CHUNK)


def _encoded(name: str, array: xr.DataArray) -> tuple[npt.NDArray[Any], dict[str, Any]]:
    """Return the values as stored, and the CF attributes that explain them."""
    attrs = _plain(array.attrs)
    if name == GRID_MAPPING:
        cf = CRS.from_wkt(array.attrs["crs_wkt"]).to_cf()
        return np.zeros((), np.int32), {**_plain(cf), **attrs}
    if np.issubdtype(array.dtype, np.datetime64):
        seconds = array.values.astype("datetime64[s]").astype(np.int64)
        bounds = {"bounds": "time_bnds"} if name == "time" else {}
        return seconds, {**attrs, **_AXES["time"], **bounds} if name == "time" else _TIME
    attrs |= _AXES.get(name, {})
    if {"y", "x"} <= set(array.dims):
        attrs["grid_mapping"] = GRID_MAPPING
    quantity = QUANTITIES.get(name)
    if quantity is None:
        return array.values, attrs
    attrs = {**quantity.attrs, **attrs}
    resolution = quantity.resolution
    if resolution is None:
        # The only fields without a resolution are classes.
        return array.values, {**attrs, "_FillValue": NO_CLASS} if array.dtype == np.int8 else attrs
    packed = np.empty(array.shape, np.int16)
    lines, found = (np.reshape(one, (-1, array.shape[-1])) for one in (array.values, packed))
    for top in range(0, len(lines), CHUNK):  # few at a time stay in the processor's cache
        found[top : top + CHUNK] = pack(lines[top : top + CHUNK], resolution)
    return packed, {**attrs, "scale_factor": resolution, "_FillValue": FILL}


def _plain(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return attributes as JSON knows them."""
    return {str(key): value.tolist() if hasattr(value, "tolist") else value for key, value in attrs.items()}


def _array(group: zarr.Group, name: str) -> zarr.Array[Any]:
    array = group[name]
    assert isinstance(array, zarr.Array)
    return array


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
        self._folder = folder
        self._dtype = np.dtype(facts["data_type"]).newbyteorder("<")
        self._chunk = tuple(sharding["chunk_shape"])
        self._shard = tuple(facts["chunk_grid"]["configuration"]["chunk_shape"])
        self._fill = facts["fill_value"]
        self._resolution = facts["attributes"].get("scale_factor")
        self._files: dict[tuple[int, int], npt.NDArray[np.uint8] | None] = {}

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
            if length != _ABSENT:
                data = blosc.decompress(content[offset : offset + length])
                return np.frombuffer(data, self._dtype).reshape(self._chunk)
        return np.full(self._chunk, self._fill, self._dtype)

    def _file(self, place: tuple[int, int]) -> npt.NDArray[np.uint8] | None:
        if place not in self._files:
            parts = ["c", *["0"] * (len(self._chunk) - 2), *map(str, place)]
            path = self._folder.joinpath(*parts)
            self._files[place] = np.asarray(np.memmap(path, np.uint8, "r")) if path.exists() else None
        return self._files[place]


def read_line(folder: Path, name: str) -> npt.NDArray[np.float64]:
    """Return an array without map dimensions, e.g. the official value of every step.

    Parameters
    ----------
    folder : pathlib.Path
        The cube.
    name : str
        A variable over time alone.
    """
    return np.asarray(_array(zarr.open_group(folder, mode="r"), name)[...], dtype=np.float64)
