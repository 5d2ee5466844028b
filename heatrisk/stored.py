"""A finished run, read: the manifest at once, pictures memory-mapped, a place's series when asked for."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from affine import Affine

from heatrisk import cube, pyramid
from heatrisk.archive import Archive
from heatrisk.errors import LayerNotFoundError, StoreError
from heatrisk.grid import Grid
from heatrisk.pyramid import Level
from heatrisk.quantities import QUANTITIES
from heatrisk.words import Words

_MAPS = (
    "wbgt_moe", "wbgt_moe_max", "wbgt_iso", "wbgt_moe_sun", "wbgt_moe_shade", "wbgt_moe_sd", "p_danger",
    "tmrt", "utci", "sunlit", "risk", "risk_sport",
)  # fmt: skip
_LINES = ("official", "anchor_offset")

#: What a run holds besides its documents.
_PARTS = {
    "run.json", "fields.zarr", "tiles", "inputs", "shelters.geojson", "buildings.geojson", "SHA256SUMS",
}  # fmt: skip


def is_plain(name: str) -> bool:
    """Tell whether a text can name a file of a run's folder, and of no other."""
    return name.isprintable() and not re.search(r"^[.\s]|[/\\:]|^$", name) and len(name.encode()) <= 200


def is_document(name: str) -> bool:
    """Tell whether a text can name a further document of a run."""
    return is_plain(name) and name not in _PARTS


@dataclass(frozen=True)
class CellSeries:
    """What a run knows of one cell.

    Parameters
    ----------
    row, column : int
        Place in the grid.
    mask : int
        0 outdoors, 1 building covers the whole cell, 2 the ground is not known.
    svf : float
        Sky view factor; NaN where there is none.
    values : dict
        One array over time a variable, as far as the run holds them: ``wbgt_moe wbgt_moe_max wbgt_iso
        wbgt_moe_sun wbgt_moe_shade tmrt utci`` [degC], ``wbgt_moe_sd`` [K], ``sunlit p_danger`` [1], ``risk
        risk_sport`` (class, -1 for none) and, for the whole city, ``official anchor_offset`` [degC].
    """

    row: int
    column: int
    mask: int
    svf: float
    values: dict[str, npt.NDArray[Any]]


class StoredRun:
    """A finished run, opened: the manifest at once, everything else when asked for.

    Parameters
    ----------
    path : pathlib.Path
        Folder of the run.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        self.manifest: dict[str, Any] = json.loads((path / "run.json").read_text("utf-8"))
        self.created = datetime.fromisoformat(self.manifest["created"])
        self.times = [datetime.fromisoformat(time) for time in self.manifest["times"]]
        #: What a step stands for; not how far apart the steps are.
        self.window = timedelta(minutes=self.manifest["step_minutes"])
        self.layers: tuple[str, ...] = tuple(self.manifest["layers"])
        self.levels = {facts["zoom"]: Level(**facts) for facts in self.manifest["pyramid"]}
        self._archives: dict[tuple[str, int], Archive] = {}

    @cached_property
    def grid(self) -> Grid:
        """Where the cells lie."""
        facts = self.manifest["grid"]
        return Grid(facts["crs"], Affine(*facts["transform"]), tuple(facts["shape"]))

    @cached_property
    def shelters(self) -> dict[str, Any]:
        """Cooling shelters as a GeoJSON feature collection."""
        return dict(json.loads((self.path / "shelters.geojson").read_text("utf-8")))

    @cached_property
    def buildings(self) -> bytes:
        """Outlines of the buildings, GeoJSON text ready to be sent."""
        return (self.path / "buildings.geojson").read_bytes()

    def document(self, name: str) -> str | None:
        """Return a further document of the run as it was written, or None where it has none of that name.

        Parameters
        ----------
        name : str
            File name, e.g. ``"unresolved.csv"``.
        """
        if not is_document(name):
            return None
        try:
            return (self.path / name).read_bytes().decode()
        except FileNotFoundError:
            return None

    def archive(self, layer: str, step: int) -> Archive:
        """Return the tiles of one layer at one step.

        Raises
        ------
        LayerNotFoundError
            The run holds no such layer.
        StoreError
            The tiles cannot be read.
        """
        found = self._archives.get((layer, step))
        if found is None:
            if layer not in self.layers:
                raise self.lacks(layer)
            time = f"{self.times[step]:%Y%m%dT%H%MZ}"
            found = self._archives[layer, step] = pyramid.read(self.path / "tiles", layer, time)
        return found

    def lacks(self, layer: str) -> LayerNotFoundError:
        """Return the error of a layer that the run does not hold."""
        return LayerNotFoundError(
            Words("この計算結果にない種類の地図です", "the run holds no such layer"),
            where=self.id, expected=", ".join(self.layers), got=layer,
        )  # fmt: skip

    @cached_property
    def fields(self) -> dict[str, cube.CellReader]:
        """Readers of every quantity that the run holds for each cell and step, by name."""
        folder = self.path / "fields.zarr"
        stored = {name: folder / name for name, row in QUANTITIES.items() if row.resolution is not None}
        found = {
            name: cube.CellReader(path) for name, path in stored.items() if (path / "zarr.json").exists()
        }
        return {name: reader for name, reader in found.items() if reader.over_time}

    @cached_property
    def mask(self) -> cube.CellReader:
        """Reader of what a cell is: 0 outdoors, 1 building, 2 the ground is not known."""
        return cube.CellReader(self.path / "fields.zarr" / "mask")

    @cached_property
    def _cells(self) -> dict[str, cube.CellReader]:
        folder = self.path / "fields.zarr"
        names = [name for name in (*_MAPS, "mask", "svf") if (folder / name).exists()]
        return {name: cube.CellReader(folder / name) for name in names}

    @cached_property
    def _lines(self) -> dict[str, npt.NDArray[np.float64]]:
        folder = self.path / "fields.zarr"
        return {name: cube.read_line(folder, name) for name in _LINES if (folder / name).exists()}

    def series(self, lon: float, lat: float) -> CellSeries | None:
        """Return every value of the cell at a place over time, or None outside the grid.

        Parameters
        ----------
        lon, lat : float
            Longitude and latitude [degrees].

        Raises
        ------
        StoreError
            The fields are damaged.
        """
        place = self.grid.index(lon, lat)
        if place is None:
            return None
        with self._reading():
            found = {name: read(*place) for name, read in self._cells.items()}
            mask, svf = int(found.pop("mask")), float(found.pop("svf"))
            return CellSeries(*place, mask, svf, {**found, **self._lines})

    def outdoors_near(self, place: tuple[int, int], reach: float) -> tuple[int, int] | None:
        """Return the outdoor cell nearest to a cell, itself included, or None where none is within reach.

        Parameters
        ----------
        place : tuple of int
            Row and column in the grid.
        reach : float
            How far away it may be, to the north, south, west and east alike [m].

        Raises
        ------
        StoreError
            The mask is damaged.
        """
        cells = int(reach // self.grid.cell_size)
        rows, columns = (
            range(max(at - cells, 0), min(at + cells + 1, size))
            for at, size in zip(place, self.grid.shape, strict=True)
        )
        with self._reading():
            mask = self.mask.window(rows.start, columns.start, len(rows), len(columns))
        found = np.argwhere(mask == 0) + np.array([rows.start, columns.start])
        if not len(found):
            return None
        row, column = found[np.square(found - place).sum(axis=1).argmin()].tolist()
        return row, column

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Tell that the fields are damaged, whatever the libraries say of it."""
        try:
            yield
        except (OSError, ValueError, RuntimeError, LookupError, struct.error) as error:
            raise StoreError(
                Words("計算結果のファイルが壊れています", "the fields of a run are damaged"),
                where=self.path / "fields.zarr",
                remedy=Words("もう一度計算してください", "Run again."),
            ) from error

    def dataset(self) -> xr.Dataset:
        """Return the fields as they were computed, opened lazily."""
        return cube.opened(self.path / "fields.zarr")
