"""Copies of what was fetched from the web: whole, checked when used, and bounded in number.

::

    <root>/<key of the address>/copy.json            the newest copy: where from, when, digest
                                good.json            the copy that a run was last made from
                                <digest>/<file name> its bytes, never changed once they are there

Bytes lie under their digest, so that a copy in use stays as it is when another process fetches a newer one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from heatrisk import disk

_RECORD, _GOOD = "copy.json", "good.json"
_PART = ".part-"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KEY = re.compile(r"[0-9a-f]{16}")

#: Copies of an address that nobody asks for any more are removed after this time.
UNUSED = timedelta(days=30)

#: A process may still read what it asked for this long ago, and so may this many others.
_IN_USE, _MOST_IN_USE = timedelta(hours=1), 3


@dataclass(frozen=True)
class Copy:
    """One file from the web, kept.

    Parameters
    ----------
    path : pathlib.Path
        The bytes.
    url : str
        Where from, without secrets.
    sha256 : str
        Digest of the bytes, hexadecimal.
    fetched : datetime.datetime
        When the server last gave or confirmed it, UTC.
    modified : datetime.datetime, optional
        When it was last changed, as the server says, UTC.
    etag, content_type : str
        The server's words; empty where it said none.
    """

    path: Path
    url: str
    sha256: str
    fetched: datetime
    modified: datetime | None = None
    etag: str = ""
    content_type: str = ""


def part(folder: Path) -> Path:
    """Return a path for bytes on their way; the folder of the address is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{_PART}{os.getpid()}-{os.urandom(6).hex()}"


def read(folder: Path, name: str, *, good: bool = False) -> Copy | None:
    """Return the newest copy of an address, or None where there is none or it is damaged.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the address.
    name : str
        File name of the address.
    good : bool
        Return the copy that a run was last made from instead.
    """
    try:
        record: dict[str, Any] = json.loads((folder / (_GOOD if good else _RECORD)).read_text("utf-8"))
        if not _DIGEST.fullmatch(record["sha256"]):
            return None
        modified = record["modified"]
        copy = Copy(
            _place(folder, record["sha256"], name),
            str(record["url"]),
            record["sha256"],
            _zoned(record["fetched"]),
            None if modified is None else _zoned(modified),
            str(record["etag"]),
            str(record["content_type"]),
        )
        os.utime(copy.path.parent)  # it is in use
        with copy.path.open("rb") as file:
            return copy if hashlib.file_digest(file, "sha256").hexdigest() == copy.sha256 else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def keep(folder: Path, arrived: Copy, name: str) -> Copy:
    """Put bytes that arrived whole in their place, and make them the newest copy.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the address.
    arrived : Copy
        What arrived; its path is that of :func:`part`.
    name : str
        File name of the address.

    Raises
    ------
    OSError
        The disk refuses.
    """
    placed = replace(arrived, path=_place(folder, arrived.sha256, name))
    seconds = (arrived.modified or arrived.fetched).timestamp()
    os.utime(arrived.path, (seconds, seconds))
    disk.sync(arrived.path)
    with _alone(folder.parent):
        placed.path.parent.mkdir(exist_ok=True)
        arrived.path.replace(placed.path)
        disk.sync(placed.path.parent)
        confirm(folder, placed)
    return placed


def confirm(folder: Path, copy: Copy, *, good: bool = False) -> None:
    """Write down that a copy is the newest, or that a run was made from it.

    Raises
    ------
    OSError
        The disk refuses.
    """
    record = {
        "url": copy.url,
        "sha256": copy.sha256,
        "fetched": copy.fetched.isoformat(),
        "modified": None if copy.modified is None else copy.modified.isoformat(),
        "etag": copy.etag,
        "content_type": copy.content_type,
    }
    disk.replace(
        folder / (_GOOD if good else _RECORD),
        json.dumps(record, ensure_ascii=False, indent=1).encode() + b"\n",
    )


def prune(root: Path, at: datetime) -> None:
    """Remove copies that newer ones replaced, copies that nobody asks for, and what dead writers left.

    Parameters
    ----------
    root : pathlib.Path
        Folder of all copies.
    at : datetime.datetime
        Now, with its zone.

    Raises
    ------
    OSError
        The disk refuses.
    """
    if not root.is_dir():
        return
    with _alone(root):
        for folder in filter(lambda path: _KEY.fullmatch(path.name), root.iterdir()):
            _prune(folder, at)


def _prune(folder: Path, at: datetime) -> None:
    parts = list(folder.glob(f"{_PART}*"))
    for one in parts:
        if _age(one, at) > _IN_USE:
            one.unlink(missing_ok=True)
    record = folder / _RECORD
    if not parts and _age(record if record.exists() else folder, at) > UNUSED:
        shutil.rmtree(folder, ignore_errors=True)
        return
    current = {_stated(record), _stated(folder / _GOOD)}
    others = [path for path in folder.iterdir() if _KEY.fullmatch(path.name) and path.name not in current]
    others.sort(key=lambda path: _age(path, at))
    for number, path in enumerate(others):
        if number >= _MOST_IN_USE or _age(path, at) > _IN_USE:
            shutil.rmtree(path, ignore_errors=True)


def _stated(record: Path) -> str:
    try:
        return str(json.loads(record.read_text("utf-8"))["sha256"])[:16]
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _age(path: Path, at: datetime) -> timedelta:
    try:
        return timedelta(seconds=at.timestamp() - path.stat().st_mtime)
    except FileNotFoundError:
        return timedelta(0)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock of all copies, so that none is removed while it is being put in its place."""
    with (root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _place(folder: Path, digest: str, name: str) -> Path:
    return folder / digest[:16] / name


def _zoned(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(text)
    return time
