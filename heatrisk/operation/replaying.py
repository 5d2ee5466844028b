"""A run computed again from the inputs that it kept, and compared with itself, byte by byte."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from heatrisk.archive import Archive
from heatrisk.city import read_city
from heatrisk.city.location import masked
from heatrisk.errors import SourceUnavailableError, StoreError
from heatrisk.operation.doubts import weigh
from heatrisk.operation.gathering import Progress, keep_shelters
from heatrisk.operation.kept import REPLAY, Beside
from heatrisk.operation.manifest import assumptions, new_run
from heatrisk.operation.recomputing import computed, not_published, simulation
from heatrisk.sources.inputs import Inputs
from heatrisk.sources.intake import read_inputs
from heatrisk.sources.web import Download
from heatrisk.store import NewRun, RunStore
from heatrisk.store.sums import SUMS
from heatrisk.stored import StoredRun
from heatrisk.tiles.images import codes
from heatrisk.words import Words


class Difference(NamedTuple):
    """A part of a run that came out otherwise.

    Parameters
    ----------
    name : str
        File inside the run.
    what : Words
        How it differs.
    """

    name: str
    what: Words


def replay(store: RunStore, run_id: str, progress: Progress) -> list[Difference]:
    """Compute a run again from its kept inputs and compare every file of the two.

    A run that is not as it was written is not computed: what is damaged is the difference.

    Parameters
    ----------
    store : RunStore
        The store; nothing is written to it.
    run_id : str
        Name of the run, or ``"latest"``.
    progress : callable
        Called with the name of a stage, steps done and all steps.

    Returns
    -------
    list of Difference
        Empty where every byte is the same.

    Raises
    ------
    RunNotFoundError
        There is no such run.
    StoreError
        It kept no record of its inputs, or one is neither kept nor on this computer any more, or the run
        that lent its shelters is gone.
    HeatRiskError
        What the computation raised.
    """
    run = store.open(run_id)
    spoilt = store.verify(run.id)
    if spoilt:
        return [Difference(damage.file, damage.what) for damage in spoilt]
    beside = _beside(run)
    lender = None if beside.shelters is None else store.open(beside.shelters)
    with TemporaryDirectory(prefix="heatrisk-replay-") as folder:
        again = RunStore(Path(folder) / "store")
        inputs = kept_inputs(run, Path(folder), progress)
        if inputs.errors:
            raise inputs.errors[0]
        keep_shelters(inputs, lender)
        made = simulation(inputs, again, progress)
        created = inputs.now
        assert created is not None  # the record of the run says it
        verdict = weigh(inputs, made.frame, assumptions(inputs, made.frame), created)
        if beside.newer is not None:
            verdict = verdict.with_note(not_published(beside.newer))
        blocks = computed(made, progress)
        new = new_run(inputs, made.frame, verdict, created, beside=beside, blocks=blocks)
        return _differences(run, again.write(_renamed(new, run.id)))


def kept_inputs(run: StoredRun, folder: Path, progress: Progress) -> Inputs:
    """Read what a run was computed from, out of the files that it kept.

    Parameters
    ----------
    run : StoredRun
        The run.
    folder : pathlib.Path
        Empty; the files are laid out in it under the names they had.
    progress : callable
        Told of the files of the buildings.

    Returns
    -------
    Inputs
        What could not be read is in its ``errors``; ``now`` is when the run was made.

    Raises
    ------
    StoreError
        It kept no record of its inputs, or one is neither kept nor on this computer any more.
    """
    facts = _record(run)
    root = folder / "inputs"
    _lay_out(run, facts["files"], root)
    return _inputs(facts, root, _Kept(run, facts["web"], folder / "web"), progress)


def _record(run: StoredRun) -> dict[str, Any]:
    text = run.document(REPLAY)
    try:
        facts: dict[str, Any] = json.loads(text or "")
        if {"city_file", "created", "past", "web", "files", "lacking"} <= facts.keys():
            return facts
    except (ValueError, AttributeError):
        pass
    raise StoreError(
        Words("入力の控えがないため再計算できません", "it kept no record of its inputs"),
        where=run.id,
        remedy=Words("新しい計算結果で試してください", "Try a newer run."),
    )


def _beside(run: StoredRun) -> Beside:
    """Return what of the store went into a run beside its inputs."""
    facts = _record(run)
    return Beside(facts.get("newer"), facts.get("shelters"))


def _renamed(new: NewRun, run_id: str) -> NewRun:
    """Return the run under the name of the one it is compared with, which may bear a number."""
    return replace(new, manifest={**new.manifest, "run_id": run_id})


def _inputs(facts: Mapping[str, Any], root: Path, kept: _Kept, progress: Progress) -> Inputs:
    original = Path(facts["city_file"])
    city_file = root / original.relative_to("/")
    return read_inputs(
        read_city(city_file, original.parent),
        city_file,
        go_on=True,
        downloads=kept,
        now=datetime.fromisoformat(facts["created"]),
        past=facts["past"],
        root=root,
        absent={role: Words(**said) for role, said in facts["lacking"].items()},
        progress=lambda done, of: progress("read", done, of),
    )


def _lay_out(run: StoredRun, files: Iterable[Mapping[str, Any]], root: Path) -> None:
    """Lay the kept files out under a folder as they lay on this computer."""
    for row in files:
        original = Path(row["path"])
        kept = original if row["name"] is None else run.path / "inputs" / row["name"]
        if row["name"] is None and _digest(original) != row["sha256"]:
            raise StoreError(
                Words(
                    "控えに入らなかった入力が、なくなったか変わっています",
                    "an input too large to be kept is gone or has changed",
                ),
                where=original,
                expected=row["sha256"],
                remedy=Words(
                    "[store] keep_inputs を大きくすると次回から控えに入ります",
                    "A larger [store] keep_inputs lets the next runs keep it.",
                ),
            )
        target = root / original.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(kept.resolve())


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


@dataclass
class _Kept:
    """Gives the files that a run kept in place of the web's.

    Parameters
    ----------
    run : StoredRun
        The run.
    rows : list of mapping
        Its downloads, as recorded.
    folder : pathlib.Path
        Where the files get the names they had.
    """

    run: StoredRun
    rows: list[Mapping[str, Any]]
    folder: Path

    def fetch(self, url: str) -> Download:
        """Return the file that came from an address."""
        shown = masked(url)
        found = next(((number, row) for number, row in enumerate(self.rows) if row["url"] == shown), None)
        if found is None:
            raise SourceUnavailableError(
                Words("控えにない URL です", "the run kept nothing from this address"), where=shown
            )
        number, row = found
        path = self.folder / str(number) / row["file"]
        if not path.exists():
            path.parent.mkdir(parents=True)
            path.symlink_to((self.run.path / "inputs" / row["name"]).resolve())
        trouble = None if row["trouble"] is None else Words(**row["trouble"])
        fetched = datetime.fromisoformat(row["fetched"])
        return Download(path, row["url"], row["sha256"], fetched, None, row["fresh"], trouble)

    def approved(self, url: str) -> Download | None:
        """Return nothing: what stood in is what was kept."""
        return None

    def approve(self, downloads: Iterable[Download]) -> None:
        """Do nothing."""


def _differences(run: StoredRun, made: StoredRun) -> list[Difference]:
    """Return how two runs differ, arrays by their names and numbers."""
    old, new = (_sums(one.path) for one in (run, made))
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    arrays, again = run.manifest["arrays"], made.manifest["arrays"]
    changed = [name for name in sorted(arrays.keys() | again.keys()) if arrays.get(name) != again.get(name)]
    squeezed = [name for name in changed if _same_content(run, made, name)]
    changed = [name for name in changed if name not in squeezed]
    found = [Difference(name, _how(run, made, name)) for name in changed]
    others = [
        name for name in names if not name.startswith(("fields.zarr/", "tiles/")) and name != "run.json"
    ]
    found += [Difference(name, _OTHERWISE) for name in others]
    keys = sorted(
        key
        for key in run.manifest.keys() | made.manifest.keys()
        if key != "arrays" and run.manifest.get(key) != made.manifest.get(key)
    )
    if keys:
        listed = ", ".join(keys)
        found.append(Difference("run.json", Words(f"項目 {listed} が違います", f"differs in {listed}")))
    if squeezed:  # their files and run.json, which tells the digests, must differ
        alike = tuple(name if name.startswith("tiles/") else f"fields.zarr/{name}" for name in squeezed)
        alike = (*(f"{name}/" for name in alike), "run.json", "fields.zarr/zarr.json")
        names = [name for name in names if not name.startswith(alike)]
    return found or [Difference(name, _OTHERWISE) for name in names]


def _same_content(run: StoredRun, made: StoredRun, name: str) -> bool:
    """Tell whether an array or a layer holds the same, in whatever blocks and however compressed."""
    if name.startswith("tiles/"):
        return _same_pictures(run, made, name)
    try:
        old, new = (one.dataset()[name].values for one in (run, made))
        return old.dtype == new.dtype and np.array_equal(old, new, equal_nan=old.dtype.kind == "f")
    except (KeyError, OSError, ValueError):
        return False


def _same_pictures(run: StoredRun, made: StoredRun, name: str) -> bool:
    """Tell whether the pictures of a layer hold the same pixels: they can be compressed in many ways."""
    folders = run.path / name, made.path / name
    try:
        one, other = ({path.name: Archive(path) for path in folder.iterdir()} for folder in folders)
        return one.keys() == other.keys() and all(
            _pixels(archive) == _pixels(other[time]) for time, archive in one.items()
        )
    except (OSError, StoreError):
        return False


def _pixels(archive: Archive) -> dict[int, str]:
    """Return a digest of the pixels of every tile of an archive, by its number."""
    return {number: hashlib.sha256(codes(image).tobytes()).hexdigest() for number, image in archive.tiles()}


_OTHERWISE = Words("内容が違います", "its content differs")


def _sums(folder: Path) -> dict[str, str]:
    lines = (line.partition("  ") for line in (folder / SUMS).read_text("utf-8").split("\n"))
    return {name: digest for digest, blanks, name in lines if blanks}


def _how(run: StoredRun, made: StoredRun, name: str) -> Words:
    """Return by how much an array differs."""
    if name.startswith("tiles/"):
        return Words("地図の画像が違います", "the pictures differ")
    try:
        old, new = (np.asarray(one.dataset()[name].values, np.float64) for one in (run, made))
        cells = int((~np.isclose(old, new, rtol=0, atol=0, equal_nan=True)).sum())
        most = float(np.nanmax(np.abs(old - new), initial=0.0))
    except (KeyError, ValueError, TypeError):
        return _OTHERWISE
    return Words(f"{cells} 個の値が最大 {most:g} 違います", f"{cells} values differ, by {most:g} at most")
