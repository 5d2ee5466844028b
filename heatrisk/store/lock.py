"""One writer at a time: a lock that the system takes back when its holder dies, and that says who holds it.

The file stays where it is. While somebody holds the lock it holds one line of JSON: process, computer and
the time since when. A holder that ends in order empties it; so a free lock whose file is not empty tells of
one that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from heatrisk.errors import StoreBusyError
from heatrisk.words import JST, Words

_LONGEST_LINE = 4096
_PAUSE = 0.2  # [s]

#: Whoever looks at a lock holds it for an instant: so long is that waited out, even where nobody waits [s].
_LOOK = 1.0


class Holder(NamedTuple):
    """Who holds a lock, or died with it.

    Parameters
    ----------
    pid : int
        Process.
    host : str
        Computer.
    since : datetime.datetime
        When it took the lock, UTC.
    """

    pid: int
    host: str
    since: datetime

    @property
    def words(self) -> Words:
        """The same for people."""
        at = self.since.astimezone(JST)
        return Words(
            f"{at:%Y-%m-%d %H:%M} 開始のプロセス {self.pid}（{self.host}）",
            f"process {self.pid} on {self.host}, since {at:%Y-%m-%d %H:%M} JST",
        )


class Busy(NamedTuple):
    """What somebody is told who finds a lock held.

    Parameters
    ----------
    what : Words
        What is going on.
    remedy : Words
        What to do about it.
    """

    what: Words
    remedy: Words


RUNNING = Busy(
    Words("別の計算が実行中です", "another run is going on"),
    Words(
        "終わるのを待つか、--wait 秒数 を付けて実行してください",
        "Wait for it to end, or give --wait SECONDS.",
    ),
)


@contextlib.contextmanager
def locked(
    path: Path,
    wait: float | None,
    sleep: Callable[[float], None] = time.sleep,
    *,
    busy: Busy = RUNNING,
    signed: bool = True,
) -> Iterator[Holder | None]:
    """Hold a lock inside the block; yield the holder that died with it, or None.

    Parameters
    ----------
    path : pathlib.Path
        The file; made where it is absent.
    wait : float or None
        How long to wait for another holder [s]; None for as long as it takes.
    sleep : callable
        Pauses [s].
    busy : Busy
        What is told where another process holds it.
    signed : bool
        Whether the file says who holds it; not so where it lies among files for the public.

    Raises
    ------
    StoreBusyError
        Another process holds it; names it where it has signed.
    OSError
        The disk refuses.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b", buffering=0) as file:
        _take(file, path, wait, sleep, busy)
        died = _read(file)
        own = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat()}
        _write(file, json.dumps(own).encode() + b"\n" if signed else b"")
        try:
            yield died
        finally:
            _write(file, b"")


def holder(path: Path) -> tuple[Holder | None, bool]:
    """Return who is named in a lock's file, and whether the lock is held now.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    Holder or None, bool
        A holder of a lock that is not held was killed; None and True where the holder has not signed yet.
    """
    try:
        with path.open("rb", buffering=0) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _read(file), True
            return _read(file), False
    except OSError:
        return None, False


def _take(file: BinaryIO, path: Path, wait: float | None, sleep: Callable[[float], None], busy: Busy) -> None:
    if wait is None:
        fcntl.flock(file, fcntl.LOCK_EX)
        return
    wait, waited = max(wait, _LOOK), 0.0
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if waited >= wait:
                break
        pause = min(_PAUSE, wait - waited)
        sleep(pause)
        waited += pause
    found = _read(file)
    raise StoreBusyError(
        busy.what, where=path.parent, got=None if found is None else found.words, remedy=busy.remedy
    )


def _read(file: BinaryIO) -> Holder | None:
    try:
        found = json.loads(os.pread(file.fileno(), _LONGEST_LINE, 0))
        return Holder(int(found["pid"]), str(found["host"]), datetime.fromisoformat(found["since"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write(file: BinaryIO, content: bytes) -> None:
    """Replace the line; a full disk may lose it, which costs a name and nothing else."""
    with contextlib.suppress(OSError):
        os.ftruncate(file.fileno(), 0)
        os.pwrite(file.fileno(), content, 0)
