"""What of its inputs a run keeps, so that it can be computed again: the files, and where they came from.

The record lies in the run but is shown to nobody: it holds the paths of this computer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from heatrisk.sources.inputs import Inputs, told
from heatrisk.sources.reading import FileRecord, Reading
from heatrisk.store.writing import Original
from heatrisk.stored import StoredRun, is_plain

#: Name of the record.
REPLAY = "replay.json"

#: What rasters and databases have beside them and is read with them, by what follows the name or its stem.
_BESIDE = (".tfw", ".tifw", ".wld", ".pgw", ".prj", ".aux.xml", "-wal")


class Beside(NamedTuple):
    """What of the store went into a run beside its inputs.

    Parameters
    ----------
    newer : str or None
        The newer run that was being served, so that this one was not published.
    shelters : str or None
        The run that lent its shelters, for want of a list.
    """

    newer: str | None = None
    shelters: str | None = None


def local(inputs: Inputs, taken: set[str], last: StoredRun | None) -> dict[str, Original]:
    """Return the files of this computer that a run keeps, by the names they get.

    Parameters
    ----------
    inputs : Inputs
        What was read.
    taken : set of str
        Names that are taken by files from the web.
    last : StoredRun, optional
        The run before: files that it keeps are shared.

    Returns
    -------
    dict of Original
        Small files first, until ``[store] keep_inputs`` is reached.
    """
    shared = {} if last is None else _held(last)
    room = inputs.city.store.keep_inputs * 1e6
    found: dict[str, Original] = {}
    for file in sorted(_files(inputs), key=lambda file: (file.bytes, str(file.path))):
        assert file.path is not None
        room -= file.bytes
        if room < 0:
            break
        name = _free(file, taken | set(found))
        there = shared.get(file.sha256)
        found[name] = Original(there or file.path, file.sha256, there is not None)
    return found


def record(
    inputs: Inputs,
    created: datetime,
    web: Mapping[str, Path],
    originals: Mapping[str, Original],
    beside: Beside,
) -> str:
    """Return the record of a run's inputs, as JSON.

    Parameters
    ----------
    inputs : Inputs
        What was read.
    created : datetime.datetime
        The clock of the run, with zone.
    web, originals : mapping
        The files that are kept, by their names.
    beside : Beside
        What of the store went into it.
    """
    names = {path: name for name, path in web.items()}
    kept = {original.sha256: name for name, original in originals.items()}
    city = next(reading for reading in inputs.readings if reading.role == "city")
    facts = {
        "city_file": str(inputs.original(city.path.absolute())),
        "created": created.isoformat(),
        "past": inputs.past,
        "web": [
            {
                "url": one.url,
                "file": one.path.name,
                "name": names[one.path],
                "sha256": one.sha256,
                "fetched": one.fetched.isoformat(),
                "fresh": one.fresh,
                "trouble": None if one.trouble is None else one.trouble._asdict(),
            }
            for one in inputs.kept()
        ],
        "files": [_row(inputs, file, kept.get(file.sha256)) for file in _files(inputs)],
        "lacking": {lack.role: told(lack.role, lack.error)._asdict() for lack in inputs.lacking},
        **beside._asdict(),
    }
    return json.dumps(facts, ensure_ascii=False, indent=1) + "\n"


def _row(inputs: Inputs, file: FileRecord, name: str | None) -> dict[str, Any]:
    assert file.path is not None
    path = str(inputs.original(file.path.absolute()))
    return {"path": path, "name": name, "sha256": file.sha256, "bytes": file.bytes}


def _files(inputs: Inputs) -> list[FileRecord]:
    """Return the files of this computer that were read, each once, and what lies beside them."""
    found = {
        file.path: file
        for reading in inputs.readings
        for file in (*reading.files, *_beside(reading))
        if file.path is not None and file.path not in inputs.fetched
    }
    return list(found.values())


def _beside(reading: Reading) -> Iterator[FileRecord]:
    for path in [file.path for file in reading.files if file.path is not None]:
        for ending in _BESIDE:
            for beside in {path.with_name(path.name + ending), path.with_name(path.stem + ending)}:
                if beside.is_file() and beside.stat().st_size:
                    yield from Reading.of(reading.role, beside).files


def _held(run: StoredRun) -> dict[str, Path]:
    """Return the files of this computer that a run keeps, by their digests."""
    try:
        rows = json.loads(run.document(REPLAY) or "{}").get("files", ())
        found = {row["sha256"]: run.path / "inputs" / row["name"] for row in rows if row["name"]}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    return {digest: path for digest, path in found.items() if path.is_file()}


def _free(file: FileRecord, taken: set[str]) -> str:
    """Return a name for a file that no other has; one that no disk takes is named after its content."""
    name = file.name if is_plain(file.name) else f"{file.sha256[:16]}{Path(file.name).suffix[:8]}"
    path, number, free = Path(name), 2, name
    while free in taken:
        free, number = f"{path.stem}-{number}{path.suffix}", number + 1
    return free
