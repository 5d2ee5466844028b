"""The store of finished runs: whole or absent, never changed, the newest one published by one atomic swap.

::

    <root>/runs/<run_id>/run.json           manifest
                         fields.zarr/       CF cube, see heatrisk.cube
                         tiles/             pictures, see heatrisk.pyramid
                         shelters.geojson
                         buildings.geojson  outlines, for maps without a base map
                         inputs/            files that were fetched from the web, as they were
                         …                  further documents
    <root>/latest -> runs/<run_id>

A run is written beside its place, read back and compared by checksum, forced to disk and only then renamed. A
writer that dies leaves a ``.tmp-`` folder which the next writer removes; readers never see it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from heatrisk import cube, disk, pyramid
from heatrisk.errors import RunNotFoundError, StoreError
from heatrisk.pyramid import Pyramid
from heatrisk.stored import StoredRun, is_document, is_plain
from heatrisk.words import Words

LATEST = "latest"

_RUN_ID = re.compile(r"\d{8}T\d{4}Z-[0-9a-f]{8}(-[1-9]\d*)?", re.ASCII)
_KEPT_OPEN = 8


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
    inputs : mapping
        Files that are kept with the run, by the names they get. Nobody may write them again: where the disk
        allows it the run shares their bytes. One that the manifest records must have its digest.
    documents : mapping
        Further texts of the run by file name, e.g. ``"unresolved.csv"``.
    """

    dataset: xr.Dataset
    manifest: Mapping[str, Any]
    pyramid: Pyramid
    shelters: Mapping[str, Any]
    buildings: Mapping[str, Any]
    inputs: Mapping[str, Path] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)


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

    def prepare(self) -> None:
        """Make the folder and try to write into it, so that a refusal shows before hours of work.

        Raises
        ------
        StoreError
            The disk refuses.
        """
        with disk.writing(self.root):
            self._folder.mkdir(parents=True, exist_ok=True)
            disk.replace(self._folder / ".writable", b"")
            (self._folder / ".writable").unlink()

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
        StoreError
            Its manifest cannot be read.
        """
        name = self.latest_id() if run_id == LATEST else run_id if self._holds(run_id) else None
        if name is None:
            raise RunNotFoundError(
                Words("計算結果がありません", "no such run"),
                where=self.root, got=run_id, expected=", ".join(self.runs()[:5]) or None,
                remedy=Words("heatrisk run を実行してください", "Run heatrisk run first."),
            )  # fmt: skip
        return self._read(name, self._opened)

    def catalogue(self, limit: int) -> tuple[list[StoredRun], list[str]]:
        """Return the newest runs, and the names of those among them that cannot be read.

        They are opened beside the kept ones, so that a look at all runs does not close the one in use.

        Parameters
        ----------
        limit : int
            At most this many.
        """
        found, unreadable = [], []
        for name in self.runs()[:limit]:
            try:
                found.append(self._read(name, StoredRun))
            except StoreError:
                unreadable.append(name)
        return found, unreadable

    def _read(self, name: str, reader: Callable[[Path], StoredRun]) -> StoredRun:
        try:
            return reader(self._folder / name)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise StoreError(
                Words("計算結果を読み出せません", "the run cannot be read"),
                where=self._folder / name / "run.json", got=name,
                remedy=Words("壊れた計算結果を削除してください", "Remove the damaged run."),
            ) from error  # fmt: skip

    def _holds(self, name: str) -> bool:
        return bool(_RUN_ID.fullmatch(name)) and (self._folder / name / "run.json").is_file()

    def publish(self, run_id: str) -> None:
        """Make a run the latest, in one atomic swap.

        Raises
        ------
        RunNotFoundError
            There is no such run.
        StoreError
            The disk refuses.
        """
        self.open(run_id)
        link = self.root / f".{LATEST}-{os.getpid()}"
        with disk.writing(self.root):
            link.unlink(missing_ok=True)
            try:
                link.symlink_to(Path("runs") / run_id)
                link.replace(self.root / LATEST)
            finally:
                link.unlink(missing_ok=True)
            disk.sync(self.root)

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
            A name is malformed or taken, the disk refuses, an input is not the one that was read, or what was
            written does not read back the same.
        """
        wanted = str(run.manifest["run_id"])
        if not _RUN_ID.fullmatch(wanted):
            raise StoreError("malformed run id", got=wanted, expected="20260730T0510Z-1a2b3c4d")
        with disk.writing(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._alone():
                name = self._place(wanted, run)
        return self.open(name)

    def _place(self, wanted: str, run: NewRun) -> str:
        """Write a run under the first free name; nothing of it is left where that fails."""
        for leftover in self._folder.glob(".tmp-*"):
            shutil.rmtree(leftover)
        name, number = wanted, 2
        while (self._folder / name).exists():
            name, number = f"{wanted}-{number}", number + 1
        work = self._folder / f".tmp-{name}"
        try:
            _fill(work, name, run)
            disk.sync_tree(work)
            work.rename(self._folder / name)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        disk.sync(self._folder)
        return name

    def cached(self, key: str) -> npt.NDArray[Any] | None:
        """Return an array kept by :meth:`keep`, or None where there is none that can be read."""
        try:
            with (self.root / "cache" / f"{key}.npy").open("rb") as file:
                return np.asarray(np.lib.format.read_array(file))
        except Exception:  # A damaged file can fail in many ways, and is no worse than an absent one.
            return None

    def keep(self, key: str, array: npt.NDArray[Any]) -> None:
        """Keep an array that is costly to compute, whole or not at all; what fails is only not kept.

        Parameters
        ----------
        key : str
            Names the array; holds a hash of all that it depends on.
        array : numpy.ndarray
            What to keep.
        """
        content = io.BytesIO()
        np.save(content, array)
        with contextlib.suppress(OSError):
            disk.replace(self.root / "cache" / f"{key}.npy", content.getvalue())

    def keep_status(self, status: dict[str, Any]) -> None:
        """Write how the last attempt went, published or not, to ``status.json``.

        Raises
        ------
        StoreError
            It cannot be written.
        """
        text = json.dumps(status, ensure_ascii=False, indent=1) + "\n"
        with disk.writing(self.root):
            disk.replace(self.root / "status.json", text.encode())

    def status(self) -> dict[str, Any] | None:
        """Return how the last attempt went, or None where none was made or its record is damaged."""
        try:
            found = json.loads((self.root / "status.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

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
    _keep_inputs(work / "inputs", run)
    for file, text in run.documents.items():
        if not is_document(file):
            raise _bad_name(file)
        (work / file).write_bytes(text.encode())
    manifest = {"timezone": "Asia/Tokyo", **run.manifest, **_facts(run), "run_id": name, "arrays": arrays}
    text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True)
    (work / "run.json").write_text(text + "\n", "utf-8")


def _keep_inputs(folder: Path, run: NewRun) -> None:
    """Keep the inputs that were fetched, each checked against what the manifest says was read."""
    records = [file for reading in run.manifest.get("inputs", ()) for file in reading.get("files", ())]
    if run.inputs:
        folder.mkdir()
    for name, path in run.inputs.items():
        if not is_plain(name):
            raise _bad_name(name)
        try:
            (folder / name).hardlink_to(path)
        except OSError:  # another disk, or one without links
            shutil.copyfile(path, folder / name)
        with (folder / name).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        read = {record["sha256"] for record in records if record["name"] == path.name}
        if read and digest not in read:
            raise StoreError(
                Words("入力ファイルが計算中に変わりました", "an input changed while the run was made"),
                where=path,
                got=digest,
                expected=", ".join(sorted(read)),
                remedy=Words("もう一度実行してください", "Run again."),
            )


def _bad_name(name: str) -> StoreError:
    return StoreError(
        Words("計算結果に置けないファイル名です", "a run cannot hold a file of this name"),
        where=name,
        remedy=Words("ファイル名を変えてください", "Choose another name."),
    )


def _facts(run: NewRun) -> dict[str, Any]:
    """Return what the manifest says of time, place and pictures."""
    grid = cube.grid_of(run.dataset)
    times = run.dataset["time"].values.astype("datetime64[s]")
    start, end = run.dataset["time_bnds"].values[0]
    return {
        "times": [f"{time}Z" for time in times],
        "step_minutes": int((end - start) / np.timedelta64(1, "m")),
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
