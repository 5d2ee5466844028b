"""The store of finished runs: whole or absent, never changed, the newest one published by one atomic swap.

::

    <root>/runs/<run_id>/run.json           manifest
                         SHA256SUMS         digest of every file, for sha256sum and RunStore.verify
                         fields.zarr/       CF cube, see heatrisk.cube
                         tiles/             pictures, see heatrisk.pyramid
                         shelters.geojson
                         buildings.geojson  outlines, for maps without a base map
                         inputs/            what it was computed from, as it was
                         …                  further documents
    <root>/latest -> runs/<run_id>
    <root>/lock                             one writer at a time, and who it is
    <root>/status.json                      how the last attempt went
    <root>/alerts.json                      alerts that an attempt read, see heatrisk.bulletin.official
    <root>/cache/                           arrays that are costly to compute

A run is written beside its place, read back and compared, forced to disk and only then renamed. A
writer that dies leaves a ``.tmp-`` folder which the next writer removes; readers never see it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from heatrisk import disk
from heatrisk.errors import RunNotFoundError, StoreError
from heatrisk.store import keeping
from heatrisk.store.health import Standing, standing
from heatrisk.store.keeping import TEMPORARY, Keep, Leftovers
from heatrisk.store.lock import Holder, holder, locked
from heatrisk.store.sums import Damage, damages
from heatrisk.store.writing import NewRun, fill, new_run_id
from heatrisk.stored import StoredRun
from heatrisk.words import Words

__all__ = [
    "LATEST", "Damage", "Holder", "Keep", "Leftovers", "NewRun", "RunStore", "Standing", "new_run_id",
    "standing",
]  # fmt: skip

LATEST = "latest"

_RUN_ID = re.compile(r"\d{8}T\d{4}Z-[0-9a-f]{8}(-[1-9]\d*)?", re.ASCII)
_KEPT_OPEN = 8


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
        self._thread, self._inside = threading.RLock(), False

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
        return list(self._written())

    def _written(self) -> dict[str, datetime]:
        """Return when each run was written, by its name, newest first."""
        found = []
        for path in self._folder.glob("*/run.json"):
            if _RUN_ID.fullmatch(path.parent.name):
                with contextlib.suppress(OSError):  # a writer may remove it under our eyes
                    found.append((path.parent.name[:14], path.stat().st_mtime_ns, path.parent.name))
        # Two runs of one minute differ in their hash only: the later written is the newer.
        return {
            name: datetime.fromtimestamp(written / 1e9, UTC)
            for _, written, name in sorted(found, reverse=True)
        }

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
        return self._read(self._named(run_id), self._opened)

    def _named(self, run_id: str) -> str:
        """Return the name of a run that exists."""
        name = self.latest_id() if run_id == LATEST else run_id if self._holds(run_id) else None
        if name is None:
            raise RunNotFoundError(
                Words("計算結果がありません", "no such run"),
                where=self.root, got=run_id, expected=", ".join(self.runs()[:5]) or None,
                remedy=Words("heatrisk run を実行してください", "Run heatrisk run first."),
            )  # fmt: skip
        return name

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
        with self.alone(), disk.writing(self.root):
            self._point(run_id)

    def _point(self, run_id: str) -> None:
        link = self.root / f".{LATEST}-{os.getpid()}"
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
        with self.alone(), disk.writing(self._folder):
            name = self._place(wanted, run)
        return self.open(name)

    def _place(self, wanted: str, run: NewRun) -> str:
        """Write a run under the first free name; nothing of it is left where that fails."""
        name, number = wanted, 2
        while (self._folder / name).exists():
            name, number = f"{wanted}-{number}", number + 1
        work = self._folder / f"{TEMPORARY}{name}"
        try:
            fill(work, name, run)
            disk.sync_tree(work)
            work.rename(self._folder / name)
        except BaseException:
            with contextlib.suppress(OSError):
                keeping.remove(work)
            raise
        disk.sync(self._folder)
        return name

    def verify(self, run_id: str = LATEST) -> list[Damage]:
        """Compare every byte of a run with the digests taken when it was written.

        Parameters
        ----------
        run_id : str
            Name of the run, or ``"latest"``.

        Returns
        -------
        list of Damage
            Empty where the run is as it was written.

        Raises
        ------
        RunNotFoundError
            There is no such run.
        """
        return damages(self._folder / self._named(run_id))

    def prune(self, keep: Keep, now: datetime | None = None) -> list[str]:
        """Remove the runs that a rule lets go, and sky views that nobody has used for long.

        Parameters
        ----------
        keep : Keep
            The rule; the served run stays in any case.
        now : datetime.datetime, optional
            The clock, with zone.

        Returns
        -------
        list of str
            Names of the removed runs, newest first.

        Raises
        ------
        StoreError
            The disk refuses.
        """
        now = now or datetime.now(UTC)
        with self.alone(), disk.writing(self.root):
            gone = keeping.outdated(self._written(), self.latest_id(), keep, now)
            for name in gone:
                keeping.remove(self._folder / name)
            for path in keeping.unused(self.root.glob("cache/*.npy"), now):
                path.unlink(missing_ok=True)
        return gone

    def recover(self) -> Leftovers:
        """Remove what writers that died left, and lead ``latest`` to a whole run where it leads nowhere.

        Every writer does so when it begins; readers never see what is removed.

        Raises
        ------
        StoreError
            The disk refuses.
        """
        with self.alone() as found:
            return found

    @contextlib.contextmanager
    def alone(self, wait: float | None = None) -> Iterator[Leftovers]:
        """Hold the store's lock inside the block; yield what was found of writers that died.

        Parameters
        ----------
        wait : float or None
            How long to wait for another writer [s]; None for as long as it takes.

        Raises
        ------
        StoreBusyError
            Another process writes; names it.
        StoreError
            The disk refuses.
        """
        with self._thread, contextlib.ExitStack() as held:
            if self._inside:
                yield Leftovers()
                return
            with disk.writing(self.root):
                self._folder.mkdir(parents=True, exist_ok=True)
                died = held.enter_context(locked(self.root / "lock", wait))
                removed = keeping.sweep(self.root, self._folder)
                self._lead()
            self._inside = True
            try:
                yield Leftovers(died, tuple(removed))
            finally:
                self._inside = False

    def _lead(self) -> None:
        """Lead ``latest`` to the newest whole run where it leads nowhere."""
        if (self.root / LATEST).is_symlink() and self.latest_id() is None:
            whole = next((name for name in self.runs() if not self.verify(name)), None)
            if whole is not None:
                self._point(whole)

    def writer(self) -> tuple[Holder | None, bool]:
        """Return who writes now, or was killed while writing, and whether the lock is held."""
        return holder(self.root / "lock")

    def cached(self, key: str) -> npt.NDArray[Any] | None:
        """Return an array kept by :meth:`keep`, or None where there is none that can be read."""
        path = self.root / "cache" / f"{key}.npy"
        try:
            with path.open("rb") as file:
                found = np.asarray(np.lib.format.read_array(file))
            with contextlib.suppress(OSError):
                os.utime(path)  # it is in use
            return found
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
