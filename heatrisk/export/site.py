"""The exported folder as a whole: the page, the newest run, and the swap from one to the next.

Everything that a run brings is written beside what is there. The entry, ``latest.json``, is replaced last and
at once, so a reader finds the old run or the new one, and the run it already shows stays for the next time.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import heatrisk
from heatrisk import disk
from heatrisk.api import pages
from heatrisk.api.caching import dumps
from heatrisk.api.params import utc
from heatrisk.api.service import present
from heatrisk.errors import InputError
from heatrisk.export import data
from heatrisk.export.answers import Answers
from heatrisk.export.catalogue import catalogue
from heatrisk.export.wanted import Wanted
from heatrisk.store import LATEST, RunStore
from heatrisk.store.lock import Busy, locked
from heatrisk.words import Words

ENTRY = "latest.json"
_DATA, _LOCK, _PAGE = "data", ".lock", "index.html"
_BUSY = Busy(
    Words("この書き出し先に別の書き出しを実行中です", "another export into this folder is going on"),
    Words("終わってから、もう一度実行してください", "Wait for it to end, then try again."),
)


def export(
    store: RunStore,
    folder: Path,
    run_id: str = LATEST,
    wanted: Wanted | None = None,
    *,
    clock: Callable[[], datetime] = present,
    tell: data.Tell = lambda stage, done, of: None,
) -> Path:
    """Write a run as a folder of plain files that any web server shows.

    Parameters
    ----------
    store : RunStore
        The store.
    folder : pathlib.Path
        The folder; an earlier export in it is brought up to date.
    run_id : str
        Name of the run, or ``latest``.
    wanted : Wanted, optional
        What of the run is exported; all its layers and steps if omitted.
    clock : callable
        Returns the present with a zone: nothing is told before its time.
    tell : callable
        Told the stage, how much of it is done, and of how much.

    Returns
    -------
    pathlib.Path
        Folder of the run's data.

    Raises
    ------
    InputError
        The folder holds something else, or the run has no such step.
    LayerNotFoundError, RunNotFoundError, StoreError
        The run or a layer is not there, or the disk refuses.
    """
    run, now = store.open(run_id), clock()
    _own(folder)  # nothing is written where something else lies
    with disk.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / _LOCK, 0.0, busy=_BUSY, signed=False):
            before = _own(folder)
            folder.joinpath(_DATA).mkdir(exist_ok=True)
            for left in folder.joinpath(_DATA).glob(".*"):
                shutil.rmtree(left)
            work = Path(tempfile.mkdtemp(prefix=".", dir=folder / _DATA))
            try:
                ask = Answers(store, lambda: now)
                data.write(run, ask, work, wanted or Wanted(), tell)
                work.chmod(0o755)
                placed = work.rename(_fresh(folder / _DATA, run.id, now))
            finally:
                shutil.rmtree(work, ignore_errors=True)
            entry = _entry(run.id, placed, ask("/basemap"), now)
            _page(folder, entry["basemap"])
            kept = [placed, *(one for one in (before,) if one is not None and one != placed)]
            titles = {f"{_DATA}/{one.name}/": one.name for one in kept}
            _put(folder / "catalog.json", dumps(catalogue(titles)))
            os.sync()  # all of it at once: many small files would each wait for the disk
            disk.replace(folder / ENTRY, dumps(entry))
            for other in folder.joinpath(_DATA).iterdir():
                if other not in kept:
                    shutil.rmtree(other)
    return placed


def _own(folder: Path) -> Path | None:
    """Return the data that an export in the folder shows now, or None where the folder is empty or new."""
    try:
        held = {path.name for path in folder.iterdir()}
        # A first export that was cut off leaves its lock.
        if not held or (_LOCK in held and held <= {_LOCK, _DATA}):
            return None
        entry = json.loads(folder.joinpath(ENTRY).read_bytes())
        known = folder / _DATA / Path(entry["data"]).name
        return known if entry["heatrisk"] and known.is_dir() else None
    except FileNotFoundError:
        if not folder.exists():
            return None
    except (OSError, ValueError, LookupError, TypeError):
        pass
    raise InputError(
        Words("書き出し先に別のファイルがあります", "the folder holds something else"),
        where=folder,
        remedy=Words("空のフォルダーを指定してください。", "Name an empty folder."),
    )


def _fresh(folder: Path, run: str, now: datetime) -> Path:
    """Return where a run is put: what had a name once may be kept anywhere, so none is given twice."""
    name = f"{run}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    newest = max((path.name for path in folder.glob(f"{run}-*")), default="")
    return folder / (name if name > newest else f"{newest}-2")


def _entry(run: str, placed: Path, basemap: Any, now: datetime) -> dict[str, Any]:
    root = f"{_DATA}/{placed.name}/"
    return {
        "run": run,
        "data": root,
        "exported": utc(now),
        "heatrisk": heatrisk.__version__,
        "alerts": f"{root}alerts.json" if placed.joinpath("alerts.json").exists() else None,
        "basemap": basemap,
    }


def _page(folder: Path, basemap: dict[str, Any] | None) -> None:
    """Write the page and its files; the page itself says where the data is and what it may ask."""
    # A page cannot say in its own text who may frame it.
    rules = "; ".join(
        rule
        for rule in pages.policy(basemap["host"] if basemap else None).split("; ")
        if not rule.startswith("frame-ancestors")
    )
    said = (
        f'<meta name="heatrisk-site" content="{ENTRY}">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(rules)}">'
    )
    for name, body in pages.site().items():
        if name == _PAGE:
            body = body.replace(b'<meta charset="utf-8">', b'<meta charset="utf-8">' + said.encode(), 1)
        _put(folder / name, body)


def _put(path: Path, content: bytes) -> None:
    """Write a file in the place of an earlier one, where it is not the same."""
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}")
    part.write_bytes(content)
    part.replace(path)
