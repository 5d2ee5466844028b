"""Which runs may go, and the removal of what nobody needs any more.

A run is first renamed out of sight and only then removed, so that a reader finds it whole or not at all, and
a removal that is cut short is finished by the next one.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from heatrisk import disk
from heatrisk.store.lock import Holder

#: Begins the name of whatever is being written or removed.
TEMPORARY = ".tmp-"

#: What :func:`heatrisk.disk.replace` and the swap of the link leave in a folder when they are killed.
_PARTS = (".latest-*", ".status.json-*", ".alerts.json-*", ".*.npy-*", ".writable*", ".lock")

#: Sky views of towns that are not computed any more go after this time.
UNUSED = timedelta(days=30)


class Keep(NamedTuple):
    """How long runs are kept: those younger than some days, and the newest few whatever their age.

    Parameters
    ----------
    days : float
        Runs younger than this stay [days].
    runs : int
        So many of the newest stay, however old they are.
    """

    days: float
    runs: int


class Leftovers(NamedTuple):
    """What writers that died left in a store.

    Parameters
    ----------
    died : Holder or None
        Who was killed with the lock.
    removed : tuple of str
        Names of the files and folders that were removed.
    """

    died: Holder | None = None
    removed: tuple[str, ...] = ()


def outdated(runs: Mapping[str, datetime], served: str | None, keep: Keep, now: datetime) -> list[str]:
    """Return the runs that a rule lets go, never the served one.

    A run of a day gone by bears the name of that day; its age counts from when it was written.

    Parameters
    ----------
    runs : mapping
        When each run was written, with zone, by its name, newest first.
    served : str or None
        The published run.
    keep : Keep
        The rule.
    now : datetime.datetime
        The clock, with zone.
    """
    limit = now - timedelta(days=keep.days)
    older = list(runs.items())[max(keep.runs, 0) :]
    return [name for name, written in older if name != served and max(_made(name), written) < limit]


def _made(name: str) -> datetime:
    return datetime.strptime(name[:14], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)


def remove(folder: Path) -> None:
    """Remove a folder so that nobody sees half of it."""
    hidden = (
        folder if folder.name.startswith(TEMPORARY) else folder.with_name(f"{TEMPORARY}{folder.name}-old")
    )
    if hidden != folder:
        folder.rename(hidden)
        disk.sync(folder.parent)  # or a power cut may show what is left of it under its name
    shutil.rmtree(hidden)


def sweep(root: Path, runs: Path) -> list[str]:
    """Remove what writers that died left in a store; the caller holds its lock.

    Parameters
    ----------
    root, runs : pathlib.Path
        The store, and its folder of runs.

    Returns
    -------
    list of str
        Names of what was removed.
    """
    left = [path for folder in (root, root / "cache", runs) for mark in _PARTS for path in folder.glob(mark)]
    left += runs.glob(f"{TEMPORARY}*")
    for path in left:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return sorted(path.name for path in left)


def unused(paths: Iterable[Path], now: datetime) -> list[Path]:
    """Return the files that nobody has used for :data:`UNUSED`, by their time of change."""
    limit = (now - UNUSED).timestamp()
    return [path for path in paths if path.stat().st_mtime < limit]
