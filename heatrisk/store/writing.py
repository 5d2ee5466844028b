"""A run put into its folder, file by file; what becomes of the folder is the store's affair."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from heatrisk import cube, pyramid
from heatrisk.errors import StoreError
from heatrisk.pyramid import Pyramid
from heatrisk.store.sums import SUMS, sums
from heatrisk.stored import is_document, is_plain
from heatrisk.words import Words


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


class Original(NamedTuple):
    """A file of this computer that is kept with a run.

    Parameters
    ----------
    path : pathlib.Path
        Where it lies.
    sha256 : str
        Its digest when it was read, hexadecimal.
    shared : bool
        Whether nobody may write it again, so that the run can share its bytes: it lies in another run.
    """

    path: Path
    sha256: str
    shared: bool


@dataclass(frozen=True)
class NewRun:
    """All that makes a run.

    Parameters
    ----------
    dataset : xarray.Dataset
        What :func:`heatrisk.simulate` returns; where ``blocks`` are given, what all cells share of it.
    manifest : mapping
        JSON-ready facts with ``run_id`` and ``created``; the store adds ``grid, times, step_minutes, layers,
        pyramid`` and ``arrays`` (SHA-256 of every array, block after block).
    draw : callable
        Returns the pictures of the layers, from the folder of the cube once that is written.
    shelters, buildings : mapping
        GeoJSON feature collections in longitude and latitude.
    inputs : mapping
        Files that are kept with the run, by the names they get. Nobody may write them again: where the disk
        allows it the run shares their bytes. One that the manifest records must have its digest.
    documents : mapping
        Further texts of the run by file name, e.g. ``"unresolved.csv"``.
    originals : mapping of Original
        Files of this computer that are kept too, by the names they get.
    blocks : iterable of xarray.Dataset, optional
        The fields block by block, see :func:`heatrisk.cube.write`; taken while the run is written.
    """

    dataset: xr.Dataset
    manifest: Mapping[str, Any]
    draw: Callable[[Path], Pyramid]
    shelters: Mapping[str, Any]
    buildings: Mapping[str, Any]
    inputs: Mapping[str, Path] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    originals: Mapping[str, Original] = field(default_factory=dict)
    blocks: Iterable[xr.Dataset] | None = None


def fill(work: Path, name: str, run: NewRun) -> None:
    """Write everything that makes a run into a new folder, the list of digests last.

    Parameters
    ----------
    work : pathlib.Path
        The folder; it does not exist yet.
    name : str
        Name of the run.
    run : NewRun
        The run.

    Raises
    ------
    StoreError
        A name is malformed, an input is not the one that was read, or an array does not read back the same.
    OSError
        The disk refuses.
    """
    work.mkdir()
    arrays = cube.write(run.dataset, work / "fields.zarr", run.blocks)
    pictures = run.draw(work / "fields.zarr")
    arrays |= pyramid.write(work / "tiles", pictures)
    for file, content in (("shelters", run.shelters), ("buildings", run.buildings)):
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        (work / f"{file}.geojson").write_text(text, "utf-8")
    _keep_inputs(work / "inputs", run)
    for file, text in run.documents.items():
        if not is_document(file):
            raise _bad_name(file)
        (work / file).write_bytes(text.encode())
    manifest = {
        "timezone": "Asia/Tokyo",
        **run.manifest,
        **_facts(run.dataset, pictures),
        "run_id": name,
        "arrays": arrays,
    }
    text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, indent=1, sort_keys=True)
    (work / "run.json").write_text(text + "\n", "utf-8")
    (work / SUMS).write_text(sums(work), "utf-8")


def _keep_inputs(folder: Path, run: NewRun) -> None:
    """Keep what the run was computed from, each file checked against what was read."""
    records = [file for reading in run.manifest.get("inputs", ()) for file in reading.get("files", ())]
    if run.inputs or run.originals:
        folder.mkdir()
    for name, path in run.inputs.items():
        read = {record["sha256"] for record in records if record["name"] == path.name}
        _keep(folder, name, path, read, share=True)
    for name, original in run.originals.items():
        _keep(folder, name, original.path, {original.sha256}, share=original.shared)


def _keep(folder: Path, name: str, path: Path, read: set[str], *, share: bool) -> None:
    if not is_plain(name):
        raise _bad_name(name)
    target = folder / name
    try:
        if not share:
            raise OSError
        target.hardlink_to(path)
    except OSError:  # another disk, one without links, or a file that others may write
        shutil.copy2(path, target)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
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


def _facts(dataset: xr.Dataset, pictures: Pyramid) -> dict[str, Any]:
    """Return what the manifest says of time, place and pictures."""
    grid = cube.grid_of(dataset)
    times = dataset["time"].values.astype("datetime64[s]")
    start, end = dataset["time_bnds"].values[0]
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
        "layers": list(pictures.layers),
        "pyramid": [asdict(level) for level in pictures.levels],
    }
