"""Digests of a run's files, in the form that ``sha256sum --check`` reads, and the comparison with them."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from heatrisk.words import Words

#: Lists every other file of a run, run.json included.
SUMS = "SHA256SUMS"

_ABREAST = 4


class Damage(NamedTuple):
    """One file of a run that is not as it was written.

    Parameters
    ----------
    file : str
        Its path inside the run.
    what : Words
        What is wrong with it.
    """

    file: str
    what: Words


_CHANGED = Words("内容が書き込んだときと違います", "its content has changed")
_MISSING = Words("ファイルがありません", "it is missing")
_ADDED = Words("あとから加わったファイルです", "it was added later")
_UNREADABLE = Words("読み取れません", "it cannot be read")
_NO_LIST = Words(
    "照合に使う一覧がないため、確かめられません", "there is no list of digests to check the run against"
)
_BAD_LIST = Words("照合に使う一覧が壊れています", "the list of digests is damaged")


def sums(folder: Path) -> str:
    """Return one line a file: its SHA-256, two blanks, its path inside the folder; in order of the paths.

    Raises
    ------
    OSError
        A file cannot be read.
    """
    digests = _digests(folder)
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def damages(folder: Path) -> list[Damage]:
    """Return what of a run is not as it was written; nothing where every byte is.

    Parameters
    ----------
    folder : pathlib.Path
        Folder of the run.
    """
    try:
        text = (folder / SUMS).read_bytes().decode()
    except FileNotFoundError:
        return [Damage(SUMS, _NO_LIST)]
    except (OSError, UnicodeDecodeError):
        return [Damage(SUMS, _BAD_LIST)]
    found = _digests(folder, errors=False)
    if text == "".join(f"{found[name]}  {name}\n" for name in sorted(found)):
        return []
    lines = [line.partition("  ") for line in text.split("\n")]
    stated = {name: digest for digest, blanks, name in lines if blanks}
    rows = [
        Damage(name, _MISSING if name not in found else _CHANGED if found[name] else _UNREADABLE)
        for name, digest in stated.items()
        if found.get(name) != digest
    ]
    rows += [Damage(name, _ADDED) for name in found if name not in stated]
    return sorted(rows) or [Damage(SUMS, _BAD_LIST)]


def _digests(folder: Path, *, errors: bool = True) -> dict[str, str]:
    """Return the digests of all files but the list itself; empty for one that cannot be read."""
    files = sorted(path for path in folder.rglob("*") if not path.is_dir() and path != folder / SUMS)

    def digest(path: Path) -> str:
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            if errors:
                raise
            return ""

    with ThreadPoolExecutor(_ABREAST) as crew:
        found = crew.map(digest, files)
        return {path.relative_to(folder).as_posix(): one for path, one in zip(files, found, strict=True)}
