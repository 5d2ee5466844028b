"""A run from the sources to its publication. Whatever fails on the way leaves the last good run in place."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from heatrisk.blocks import views_by_blocks
from heatrisk.bulletin import official
from heatrisk.city import read_city
from heatrisk.errors import HeatRiskError, OffSeasonError, StoreBusyError, StoreError
from heatrisk.operation.doubts import expired, unmatched, weigh
from heatrisk.operation.gathering import Progress, keep_shelters, read
from heatrisk.operation.kept import Beside
from heatrisk.operation.manifest import assumptions, new_run
from heatrisk.operation.status import status
from heatrisk.physics.kernel import SOURCES
from heatrisk.run import Simulation
from heatrisk.scene import Scene
from heatrisk.sources.inputs import Inputs
from heatrisk.steps import step_times
from heatrisk.store import Keep, RunStore
from heatrisk.stored import StoredRun
from heatrisk.verdict import Light, Verdict
from heatrisk.words import JST, Note, Words

#: How far a run of a past day looks ahead, as the official forecast does.
AHEAD = timedelta(days=3)


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Parameters
    ----------
    verdict : Verdict
        How it went.
    run_id : str or None
        The run; None when none was made.
    error : HeatRiskError or None
        Why none was made.
    """

    verdict: Verdict
    run_id: str | None = None
    error: HeatRiskError | None = None


def recompute(
    city_file: Path,
    store: RunStore,
    created: datetime,
    progress: Progress,
    *,
    wait: float = 0.0,
    past: bool = False,
) -> Outcome:
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
    wait : float
        How long to wait for another run of the same store to end [s].
    past : bool
        The clock stands on a day gone by: only what had been issued by then is used, the three days from
        then on are computed, the run is not published over a newer one, and ``status.json``, which tells
        how things stand now, is left as it is.

    Returns
    -------
    Outcome
        Errors of the input are in it, not raised.
    """
    try:
        with store.alone(wait) as left:
            outcome, record = _attempt(city_file, store, created, progress, past)
            if left.died is not None:
                record["killed_before"] = left.died.words._asdict()
            _keep(record, store, past)
            return outcome
    except StoreBusyError as error:  # the other one tells how it went
        return Outcome(_stopped(error, store), None, error)
    except StoreError as error:
        outcome = Outcome(_stopped(error, store), None, error)
        _keep(status(outcome.verdict, None, None, created), store, past)
        return outcome


def _keep(record: dict[str, Any], store: RunStore, past: bool) -> None:
    """Keep how an attempt went; one at a day gone by is not kept, for it says nothing of how things stand."""
    if past:
        return
    with suppress(StoreError):  # a store that takes no run may take no status either
        store.keep_status(record)


def _attempt(
    city_file: Path, store: RunStore, created: datetime, progress: Progress, past: bool
) -> tuple[Outcome, dict[str, Any]]:
    """Return what became of a run, with its record for ``status.json``."""
    inputs, begun = None, time.monotonic()
    try:
        city = read_city(city_file)
        store.prepare()
        progress("read", 0, 1)
        inputs = read(city, city_file, store.root, created, progress, past=past)
        _keep_alerts(inputs, store, created)
        inputs.failed.extend(("official", error) for error in expired(inputs, created))
        inputs.failed.extend(("weather", error) for error in unmatched(inputs))
        if inputs.errors:
            raise inputs.errors[0]
        outcome = _computed(inputs, store, created, progress)
    except HeatRiskError as error:
        outcome = Outcome(_stopped(error, store), None, error)
    except Exception:
        failed = Verdict(Light.RED, _after(_BROKEN, store))
        _keep(status(failed, None, inputs, created), store, past)
        raise
    record = status(outcome.verdict, outcome.run_id, inputs, created)
    return outcome, record | {"seconds": round(time.monotonic() - begun, 1)}


def _keep_alerts(inputs: Inputs, store: RunStore, created: datetime) -> None:
    """Keep what was read of the alerts before anything is computed: they do not wait for our field."""
    if inputs.alerts is None or inputs.past:
        return
    files = {file.sha256 for reading in inputs.readings if reading.role == "alerts" for file in reading.files}
    if inputs.downloads is not None:  # first: what has been told must outlast rubbish that the web sends next
        with suppress(StoreError):
            inputs.downloads.approve(one for one in inputs.kept() if one.sha256 in files)
    with suppress(StoreError):  # the run may fare better; it holds them too
        official.keep(store, inputs.alerts, created, files)


def _computed(inputs: Inputs, store: RunStore, created: datetime, progress: Progress) -> Outcome:
    lender = keep_shelters(inputs, _last(store))
    made = simulation(inputs, store, progress)
    verdict = weigh(inputs, made.frame, assumptions(inputs, made.frame), created)
    newer = _newer(store, created) if inputs.past else None
    if newer is not None:
        verdict = verdict.with_note(not_published(newer))
    beside, blocks = Beside(newer, lender), computed(made, progress)
    run = store.write(new_run(inputs, made.frame, verdict, created, _last(store), beside, blocks))
    if newer is None:
        store.publish(run.id)
    progress("publish", 1, 1)
    if inputs.downloads is not None:
        inputs.downloads.approve(inputs.kept())
    rule = inputs.city.store.keep
    if rule is not None and not inputs.past:
        store.prune(Keep(rule.days, rule.runs), created)
    return Outcome(verdict, run.id)


def _last(store: RunStore) -> StoredRun | None:
    with suppress(StoreError):
        return store.open()
    return None


def _newer(store: RunStore, created: datetime) -> str | None:
    """Return the newer run that is being served, which one of a past day must not replace."""
    last = _last(store)
    return None if last is None or last.created <= created else last.id


def not_published(newer: str) -> Note:
    """Return a remark that a run is not published, because of a newer one."""
    return Note.of(
        "not_published",
        f"より新しい {newer} を表示しているため、この結果は公開していません",
        f"it is not published, for the newer {newer} is being served",
    )


def simulation(inputs: Inputs, store: RunStore, progress: Progress, ahead: timedelta = AHEAD) -> Simulation:
    """Prepare the computation of what the inputs describe; the view of the sky is kept in the store.

    Parameters
    ----------
    inputs : Inputs
        With ``scene`` and ``weather``.
    store : RunStore
        Keeps the view of the sky.
    progress : callable
        Told of the stage ``"compile"``.
    ahead : datetime.timedelta
        How far a run of a past day looks ahead from the midnight before it.

    Raises
    ------
    InputError, SourceError
        The weather does not allow a single step.
    """
    scene, weather = inputs.scene, inputs.weather
    assert scene is not None and weather is not None  # errors were raised otherwise
    steps, _ = step_times(weather)  # periods that do not overlap are told before the sky is computed
    chosen = _within(steps, inputs.now, ahead) if inputs.past and inputs.now is not None else None
    svf = _sky(scene, store, progress)
    return Simulation(
        scene, weather, steps=chosen, svf=svf, surfaces=inputs.surfaces,
        urban_wind=inputs.city.model.urban_wind,
    )  # fmt: skip


def computed(made: Simulation, progress: Progress) -> Iterator[xr.Dataset]:
    """Yield the blocks of a simulation as they are computed; then what is left is to publish them."""
    try:
        yield from made.blocks(lambda done, of: progress("compute", done, of))
    except OSError as error:  # whoever takes the blocks writes, and would tell of a disk that refuses
        raise RuntimeError("the computation failed") from error
    progress("publish", 0, 1)


def _within(steps: pd.DatetimeIndex, now: datetime, ahead: timedelta) -> pd.DatetimeIndex:
    """Return the steps from the midnight in Japan before an instant on; all where there are none."""
    midnight = now.astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
    first = pd.Timestamp(midnight).tz_convert("UTC").tz_localize(None)
    inside = steps[(steps > first) & (steps <= first + ahead)]
    return steps if inside.empty else inside


def _sky(scene: Scene, store: RunStore, progress: Progress) -> xr.Dataset:
    progress("compile", 0, 1)
    key = f"svf-{scene.hash[:32]}-{SOURCES[:16]}"
    kept = store.cached(key)
    if kept is None or kept.shape != (2, *scene.grid.shape):
        views = views_by_blocks(scene)
        kept = np.stack([views["svf"].values, views["svf_buildings"].values])
        store.keep(key, kept)
    progress("compile", 1, 1)
    return xr.Dataset({"svf": (("y", "x"), kept[0]), "svf_buildings": (("y", "x"), kept[1])})


_BROKEN = Words(
    "プログラムの不具合で計算が止まりました（詳細は実行時の記録にあります）",
    "a defect of the program stopped the run (its log tells more)",
)


def _stopped(error: HeatRiskError, store: RunStore) -> Verdict:
    light = Light.OFF_SEASON if isinstance(error, OffSeasonError) else Light.RED
    return Verdict(light, _after(Words(error.text("ja", public=True), error.text("en", public=True)), store))


def _after(why: Words, store: RunStore) -> Words:
    """Return why a run was stopped, with what is shown instead."""
    kept = store.latest_id()
    after = (
        Words("表示中の結果はありません", "there is no earlier run")
        if kept is None
        else Words(f"前回の結果 {kept} を表示し続けます", f"the last good run {kept} stays up")
    )
    return Words(f"{why.ja}（計算を中止。{after.ja}）", f"{why.en} (stopped; {after.en})")
