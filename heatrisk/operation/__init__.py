"""What staff do with a city: propose a city file, check the inputs, recompute and publish.

Nothing is lost on the way: whatever fails before the publication leaves the last good run in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from heatrisk.city import City, read_city
from heatrisk.errors import HeatRiskError, OffSeasonError, StoreError
from heatrisk.fields import sky_views
from heatrisk.forcing import forcing, step_times
from heatrisk.operation.doubts import doubts, weigh
from heatrisk.operation.manifest import assumptions, new_run
from heatrisk.physics.kernel import SOURCES
from heatrisk.run import simulate
from heatrisk.shelters import Shelter, from_geojson
from heatrisk.sources.inputs import Inputs
from heatrisk.sources.intake import read_inputs
from heatrisk.sources.proposal import propose as propose
from heatrisk.sources.reading import Reading
from heatrisk.sources.web import Downloads
from heatrisk.store import RunStore
from heatrisk.verdict import Light, Verdict
from heatrisk.words import JST, Note, Words

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Parameters
    ----------
    verdict : Verdict
        How it went.
    run_id : str or None
        The published run; None when nothing was published.
    error : HeatRiskError or None
        Why nothing was published.
    """

    verdict: Verdict
    run_id: str | None = None
    error: HeatRiskError | None = None


@dataclass(frozen=True)
class Findings:
    """What a check of a city's inputs found.

    Parameters
    ----------
    readings : tuple of Reading
        One record a file that could be read.
    errors : tuple of HeatRiskError
        What a run would stop at.
    assumptions : tuple of Note
        What a run would have to assume.
    doubts : tuple of Note
        What would turn a run amber.
    shelters : tuple of Shelter
        The cooling shelters, those without a position included.
    """

    readings: tuple[Reading, ...] = ()
    errors: tuple[HeatRiskError, ...] = ()
    assumptions: tuple[Note, ...] = ()
    doubts: tuple[Note, ...] = ()
    shelters: tuple[Shelter, ...] = ()


def check(city_file: Path, created: datetime, progress: Progress = lambda *_: None) -> Findings:
    """Read every input of a city, go on after errors, and try whether they fit together.

    Parameters
    ----------
    city_file : pathlib.Path
        The city file.
    created : datetime.datetime
        The clock, with zone; it tells stale sources.
    progress : callable
        Called with the name of a stage, steps done and all steps.

    Returns
    -------
    Findings
        What :func:`recompute` would meet, short of computing; errors are in it, not raised.
    """
    try:
        city = read_city(city_file)
        inputs = _read(city, city_file, city.store.path, created, progress, go_on=True)
    except HeatRiskError as error:
        return Findings(errors=(error,))
    notes = tuple(inputs.notes)
    if inputs.weather is not None and inputs.scene is not None:
        try:
            steps, left_out = step_times(inputs.weather)
            notes += left_out + forcing(inputs.weather, steps, *inputs.scene.grid.centre_lonlat).notes
        except HeatRiskError as error:
            inputs.errors.append(error)
    return Findings(
        tuple(inputs.readings),
        tuple(inputs.errors),
        notes,
        tuple(doubts(inputs, notes, created)),
        inputs.shelters,
    )


def recompute(city_file: Path, store: RunStore, created: datetime, progress: Progress) -> Outcome:
    """Compute a city's run and publish it.

    Parameters
    ----------
    city_file : pathlib.Path
        The city file.
    store : RunStore
        Where the run goes.
    created : datetime.datetime
        The clock, with zone; it names the run and tells stale sources.
    progress : callable
        Called with the name of a stage, steps done and all steps.

    Returns
    -------
    Outcome
        Errors of the input are in it, not raised.
    """
    try:
        city = read_city(city_file)
        store.prepare()
        progress("read", 0, 1)
        inputs = _read(city, city_file, store.root, created, progress)
        _keep_shelters(inputs, store)
        data = _simulated(inputs, store, progress)
        verdict = weigh(inputs, data, assumptions(inputs, data), created)
        progress("publish", 0, 1)
        run = store.write(new_run(inputs, data, verdict, created))
        store.publish(run.id)
        progress("publish", 1, 1)
        outcome = Outcome(verdict, run.id)
    except HeatRiskError as error:
        outcome = Outcome(_stopped(error, store), None, error)
    with suppress(StoreError):  # a store that takes no run may take no status either; the verdict says so
        store.keep_status(_status(outcome, created))
    return outcome


def _read(
    city: City, city_file: Path, store: Path, created: datetime, progress: Progress, *, go_on: bool = False
) -> Inputs:
    """Read a city's sources, those on the web by way of the store's folder of downloads."""
    return read_inputs(
        city,
        city_file,
        go_on=go_on,
        downloads=Downloads(store / "downloads", city.http, contact=city.city.contact),
        now=created,
        progress=lambda done, of: progress("read", done, of),
    )


def _keep_shelters(inputs: Inputs, store: RunStore) -> None:
    """Let the shelters of the last run stand in for a list that could not be read: they are still there."""
    if not any(lack.role == "shelters" for lack in inputs.lacking):
        return
    with suppress(StoreError):
        last = store.open()
        inputs.shelters = from_geojson(last.shelters)
        day = last.created.astimezone(JST)
        inputs.doubts.append(
            Note.of(
                "shelters_kept",
                f"涼める場所は前回（{day.month}月{day.day}日）の一覧を表示しています",
                f"the shelters shown are those of the run of {day:%Y-%m-%d}",
            )
        )


def _simulated(inputs: Inputs, store: RunStore, progress: Progress) -> xr.Dataset:
    scene, weather = inputs.scene, inputs.weather
    assert scene is not None and weather is not None  # read_inputs raised otherwise
    step_times(weather)  # periods that do not overlap are told before the sky is computed
    progress("compile", 0, 1)
    key = f"svf-{scene.hash[:32]}-{SOURCES[:16]}"
    kept = store.cached(key)
    if kept is None or kept.shape != (2, *scene.grid.shape):
        views = sky_views(scene.shade, scene.grid, scene.transmissivity)
        kept = np.stack([views["svf"].values, views["svf_buildings"].values])
        store.keep(key, kept)
    progress("compile", 1, 1)
    svf = xr.Dataset({"svf": (("y", "x"), kept[0]), "svf_buildings": (("y", "x"), kept[1])})
    return simulate(scene, weather, svf=svf, progress=lambda done, of: progress("compute", done, of))


def _stopped(error: HeatRiskError, store: RunStore) -> Verdict:
    kept = store.latest_id()
    after = (
        Words("表示中の結果はありません", "there is no earlier run")
        if kept is None
        else Words(f"前回の結果 {kept} を表示し続けます", f"the last good run {kept} stays up")
    )
    ja, en = error.text("ja", public=True), error.text("en", public=True)
    return Verdict(
        Light.OFF_SEASON if isinstance(error, OffSeasonError) else Light.RED,
        Words(f"{ja}（計算を中止。{after.ja}）", f"{en} (stopped; {after.en})"),
    )


def _status(outcome: Outcome, created: datetime) -> dict[str, Any]:
    return {"at": created.isoformat(), "run_id": outcome.run_id, "verdict": outcome.verdict.as_dict()}
