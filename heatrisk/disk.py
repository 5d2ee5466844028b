"""Writing that lasts: whole or not at all, forced to the disk, and failures told so that staff can act."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from heatrisk.errors import StoreError
from heatrisk.words import Words

_FULL = {errno.ENOSPC, errno.EDQUOT}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the operating system refuses inside the block into an error of the store.

    Parameters
    ----------
    folder : pathlib.Path
        Where the block writes; named in the error where the system names no file.

    Raises
    ------
    StoreError
        The disk is full, writing is not permitted, or another error of the operating system.
    """
    try:
        yield
    except OSError as error:
        what, remedy = _told(error)
        raise StoreError(what, where=error.filename or folder, got=error.strerror, remedy=remedy) from error


def _told(error: OSError) -> tuple[Words, Words]:
    """Return what is wrong and what to do about it."""
    if error.errno in _FULL:
        return (
            Words("ディスクの空き容量が足りません", "the disk is full"),
            Words("古い計算結果などを削除してから、やり直してください", "Free some space and try again."),
        )
    if error.errno in _DENIED:
        return (
            Words("書き込みの権限がありません", "writing is not permitted"),
            Words(
                "保存先の権限を確認するか、別の保存先を指定してください",
                "Check the permissions of the store, or name another one.",
            ),
        )
    return (
        Words("保存先に書き込めません", "the store cannot be written"),
        Words("保存先のディスクを確認してください", "Check the disk that holds the store."),
    )


def replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, in the place of an earlier one; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}-{os.getpid()}-{threading.get_ident()}")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    sync(path.parent)


def sync_tree(folder: Path) -> None:
    """Force a folder with all that is in it to disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


def sync(path: Path) -> None:
    """Force a file or folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
