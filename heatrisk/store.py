"""The store of finished runs: whole or absent, never changed, the newest one published by one atomic swap.

::

    <root>/runs/<run_id>/run.json           manifest
                         fields.zarr/       CF cube, see heatrisk.cube
                         tiles/             pictures, see heatrisk.pyramid
                         shelters.geojson
                         buildings.geojson  outlines, for maps without a base map
    <root>/latest -> runs/<run_id>

A run is written beside its place, read back and compared by checksum, forced to disk and only then renamed. A
writer that dies leaves a ``.tmp-`` folder which the next writer removes; readers never see it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from affine import Affine

from heatrisk import cube, pyramid
from heatrisk.errors import LayerNotFoundError, RunNotFoundError, StoreError
from heatrisk.grid import Grid
from heatrisk.pyramid import Codes, Level, Pyramid
from heatrisk.words import Words

LATEST = "latest"

_RUN_ID = re.compile(r"\d{8}T\d{4}Z-[0-9a-f]{8}(-[1-9]\d*)?", re.ASCII)
_KEPT_OPEN = 8
_MAPS = ("wbgt_moe", "wbgt_moe_max", "wbgt_iso", "sunlit", "risk", "risk_sport")
_LINES = ("official", "anchor_offset")


def new_run_id(created: datetime, digest: str) -> str:
    """Return the name of a run: when it was made, and what it was made from.

    Parameters
    ----------
    created : datetime
        With a time zone.
    digest : str
        Hexadecimal digest of the inputs; its first eight characters count.
    """
    return f"{created.astimezone(UTC):%Y%m%dT%H%MZ}-{digest[:8].lower()}"


@dataclass(frozen=True)
class NewRun:
    """All that makes a run.

    Parameters
    ----------
    dataset : xarray.Dataset
        What :func:`heatrisk.simulate` returns.
    manifest : mapping
        JSON-ready facts with ``run_id`` and ``created``; the store adds ``grid, times, step_minutes, layers,
        pyramid`` and ``arrays`` (SHA-256 of every array).
    pyramid : Pyramid
        Pictures of the layers.
    shelters, buildings : mapping
        GeoJSON feature collections in longitude and latitude.
    """

    dataset: xr.Dataset
    manifest: Mapping[str, Any]
    pyramid: Pyramid
    shelters: Mapping[str, Any]
    buildings: Mapping[str, Any]


@dataclass(frozen=True)
class CellSeries:
    """What a run knows of one cell.

    Parameters
    ----------
    row, column : int
        Place in the grid.
    mask : int
        0 outdoors, 1 building covers the whole cell, 2 outside the area.
    svf : float
        Sky view factor; NaN where there is none.
    values : dict
        One array over time a variable: ``wbgt_moe wbgt_moe_max wbgt_iso`` [degC], ``sunlit`` [1], ``risk
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
        self.layers: tuple[str, ...] = tuple(self.manifest["layers"])
        self.levels = {facts["zoom"]: Level(**facts) for facts in self.manifest["pyramid"]}
        self._tiles: dict[tuple[str, int], Codes] = {}

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

    def tile_array(self, layer: str, zoom: int) -> Codes:
        """Return the codes of one layer at one zoom, memory-mapped, shape (time, rows, columns).

        Raises
        ------
        LayerNotFoundError
            The run holds no such layer or zoom.
        """
        found = self._tiles.get((layer, zoom))
        if found is None:
            if layer not in self.layers or zoom not in self.levels:
                raise LayerNotFoundError(
                    Words("この計算結果にない種類の地図です", "the run holds no such layer"),
                    where=self.id, expected=", ".join(self.layers), got=f"{layer} z{zoom}",
                )  # fmt: skip
            found = self._tiles[layer, zoom] = pyramid.read(self.path / "tiles", layer, zoom)
        return found

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
        """
        place = self.grid.index(lon, lat)
        if place is None:
            return None
        found = {name: read(*place) for name, read in self._cells.items()}
        mask, svf = int(found.pop("mask")), float(found.pop("svf"))
        return CellSeries(*place, mask, svf, {**found, **self._lines})

    def dataset(self) -> xr.Dataset:
        """Return the fields as they were computed, opened lazily."""
        opened: xr.Dataset = xr.open_zarr(self.path / "fields.zarr", decode_coords="all", chunks=None)
        return opened


class RunStore:
    """A folder of finished runs.

    Parameters
    ----------
    root : path-like
        Folder; made by the first write.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        self._folder = self.root / "runs"
        self._opened = lru_cache(_KEPT_OPEN)(StoredRun)

    def runs(self) -> list[str]:
        """Return the names of all runs, newest first."""
        found = [path for path in self._folder.glob("*/run.json") if _RUN_ID.fullmatch(path.parent.name)]
        # Two runs of one minute differ in their hash only: the later written is the newer.
        found.sort(key=lambda path: (path.parent.name[:14], path.stat().st_mtime_ns), reverse=True)
        return [path.parent.name for path in found]

    def latest_id(self) -> str | None:
        """Return the name of the published run, or None where there is none."""
        try:
            name = (self.root / LATEST).readlink().name
        except OSError:
            return None
        return name if self._holds(name) else None

    def open(self, run_id: str = LATEST) -> StoredRun:
        """Return a run; the last few stay open.

        Parameters
        ----------
        run_id : str
            Name of the run, or ``"latest"``.

        Raises
        ------
        RunNotFoundError
            There is no such run, or none has been published.
        """
        name = self.latest_id() if run_id == LATEST else run_id
        if name is None or not self._holds(name):
            raise RunNotFoundError(
                Words("計算結果がありません", "no such run"),
                where=self.root, got=run_id, expected=", ".join(self.runs()[:5]) or None,
                remedy=Words("heatrisk run を実行してください", "Run heatrisk run first."),
            )  # fmt: skip
        return self._opened(self._folder / name)

    def _holds(self, name: str) -> bool:
        return bool(_RUN_ID.fullmatch(name)) and (self._folder / name / "run.json").is_file()

    def publish(self, run_id: str) -> None:
        """Make a run the latest, in one atomic swap.

        Raises
        ------
        RunNotFoundError
            There is no such run.
        """
        self.open(run_id)
        link = self.root / f".{LATEST}-{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("runs") / run_id)
        link.replace(self.root / LATEST)
        _sync(self.root)

    def write(self, run: NewRun) -> StoredRun:
        """Write a run, whole or not at all; it is not yet published.

        Parameters
        ----------
        run : NewRun
            The run. Where its name is taken, ``-2``, ``-3`` … is added.

        Returns
        -------
        StoredRun
            The run as stored.

        Raises
        ------
        StoreError
            The name is malformed, or what was written does not read back the same.
        """
        wanted = str(run.manifest["run_id"])
        if not _RUN_ID.fullmatch(wanted):
            raise StoreError("malformed run id", got=wanted, expected="20260730T0510Z-1a2b3c4d")
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._alone():
            for leftover in self._folder.glob(".tmp-*"):
                shutil.rmtree(leftover)
            name, number = wanted, 2
            while (self._folder / name).exists():
                name, number = f"{wanted}-{number}", number + 1
            work = self._folder / f".tmp-{name}"
            try:
                _fill(work, name, run)
                _sync_tree(work)
                work.rename(self._folder / name)
            except BaseException:
                shutil.rmtree(work, ignore_errors=True)
                raise
            _sync(self._folder)
        return self.open(name)

    def cached(self, key: str) -> npt.NDArray[Any] | None:
        """Return an array kept by :meth:`keep`, or None where there is none that can be read."""
        try:
            return np.asarray(np.load(self.root / "cache" / f"{key}.npy"))
        except (OSError, ValueError):
            return None

    def keep(self, key: str, array: npt.NDArray[Any]) -> None:
        """Keep an array that is costly to compute, whole or not at all.

        Parameters
        ----------
        key : str
            Names the array; holds a hash of all that it depends on.
        array : numpy.ndarray
            What to keep.
        """
        folder = self.root / "cache"
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{key}-{os.getpid()}.npy"
        np.save(part, array)
        part.replace(folder / f"{key}.npy")

    def keep_status(self, status: dict[str, Any]) -> None:
        """Write how the last attempt went, published or not, to ``status.json``."""
        self.root.mkdir(parents=True, exist_ok=True)
        part = self.root / f".status-{os.getpid()}.json"
        part.write_text(json.dumps(status, ensure_ascii=False, indent=1) + "\n", "utf-8")
        part.replace(self.root / "status.json")

    def status(self) -> dict[str, Any] | None:
        """Return how the last attempt went, or None where none was made."""
        try:
            found: dict[str, Any] = json.loads((self.root / "status.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the store's lock, so that what lies about under a temporary name has no living writer."""
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _fill(work: Path, name: str, run: NewRun) -> None:
    work.mkdir()
    arrays = cube.write(run.dataset, work / "fields.zarr")
    arrays |= pyramid.write(work / "tiles", run.pyramid, run.dataset.sizes["time"])
    for file, content in (("shelters", run.shelters), ("buildings", run.buildings)):
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        (work / f"{file}.geojson").write_text(text, "utf-8")
    manifest = {"timezone": "Asia/Tokyo", **run.manifest, **_facts(run), "run_id": name, "arrays": arrays}
    text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True)
    (work / "run.json").write_text(text + "\n", "utf-8")


def _facts(run: NewRun) -> dict[str, Any]:
    """Return what the manifest says of time, place and pictures."""
    grid = cube.grid_of(run.dataset)
    times = run.dataset["time"].values.astype("datetime64[s]")
    minutes = np.diff(times).astype("timedelta64[m]").astype(int)
    return {
        "times": [f"{time}Z" for time in times],
        "step_minutes": int(minutes[0]) if minutes.size else None,
        "grid": {
            "crs": grid.crs,
            "transform": list(grid.transform[:6]),
            "shape": list(grid.shape),
            "cell_size": grid.cell_size,
            "bounds_lonlat": list(grid.bounds_lonlat),
            "centre_lonlat": list(grid.centre_lonlat),
        },
        "layers": list(run.pyramid.layers),
        "pyramid": [asdict(level) for level in run.pyramid.levels],
    }


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    """Force a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
