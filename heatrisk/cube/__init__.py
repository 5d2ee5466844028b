"""The fields of a run on disk: a CF data cube in Zarr format 3, packed, sharded, and read a cell at a time.

Chunks hold all times of 64 x 64 cells and lie in shards, one a block of the run: the series of a place is one
small read, a map is few files, and a city is written block by block. ``xarray.open_zarr(folder)`` opens it;
:class:`CellReader` goes straight to the bytes of one chunk, because a point request must not pay for a
general array library. For the same reason the shards are written here: compressing is all that writing a
chunk costs.

References
----------
.. [1] Zarr core specification, version 3, and its sharding codec, https://zarr-specs.readthedocs.io.
"""

from __future__ import annotations

from heatrisk.cube.packing import FILL, NO_CLASS, pack, unpack
from heatrisk.cube.reading import CellReader, grid_of, opened, read_line
from heatrisk.cube.writing import write
from heatrisk.grid import CHUNK

__all__ = [
    "CHUNK", "FILL", "NO_CLASS", "CellReader", "grid_of", "opened", "pack", "read_line", "unpack", "write",
]  # fmt: skip
