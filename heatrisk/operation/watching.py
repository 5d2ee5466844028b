"""A watcher: pass after pass at the right times, patient with sources that fail, until it is told to stop."""

from __future__ import annotations

import random
import time as clocks
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from heatrisk.city import read_city
from heatrisk.city.sections import WatchSection
from heatrisk.errors import CityFileError
from heatrisk.operation.gathering import Progress
from heatrisk.operation.recomputing import Outcome, recompute
from heatrisk.operation.schedule import Plan, first_pass, next_pass
from heatrisk.store import RunStore
from heatrisk.verdict import Light

#: The clock is looked at this often, for computers that sleep and clocks that are set [s].
_LOOK = 30.0

#: A pass that seems farther off than this was planned by a clock that was wrong.
_FARTHEST = timedelta(hours=26)

#: States of sources that another attempt may better.
_PASSING = {"kept", "missing", "error"}

#: What a watcher says of itself: the outcome of a pass (None at the start), and when the next one begins.
Tell = Callable[[Outcome | Exception | None, datetime], None]


def _now() -> datetime:
    return datetime.now(UTC)


def watch(
    city_file: Path,
    store: RunStore,
    progress: Progress,
    tell: Tell,
    *,
    clock: Callable[[], datetime] = _now,
    sleep: Callable[[float], None] = clocks.sleep,
    chance: Callable[[], float] = random.random,
    passes: int | None = None,
) -> None:
    """Recompute a city at the times of its plan, until an exception such as that of a signal ends it.

    A pass that fails by a defect is told and tried again like any other; the city file is read anew each
    time, so that its owner need not restart the watcher.

    Parameters
    ----------
    city_file : pathlib.Path
        The city file.
    store : RunStore
        Where runs go.
    progress : callable
        Told of the stages of each pass.
    tell : callable
        Told of each outcome, and when the next pass begins.
    clock : callable
        Returns the time with its zone.
    sleep : callable
        Pauses [s].
    chance : callable
        Returns a number from 0 to 1.
    passes : int, optional
        Stop after so many.
    """
    due = first_pass(plan_of(city_file), clock(), chance(), _attempted(store))
    tell(None, due)
    failures = made = 0
    while passes is None or made < passes:
        due = _reached(due, clock, sleep)
        outcome: Outcome | Exception
        try:
            outcome = recompute(city_file, store, clock(), progress)
        except Exception as defect:
            outcome = defect
        made += 1
        failures = failures + 1 if _again(outcome, store) else 0
        off = isinstance(outcome, Outcome) and outcome.verdict.light is Light.OFF_SEASON
        due = next_pass(plan_of(city_file), clock(), chance(), failures=failures, off_season=off)
        tell(outcome, due)


def plan_of(city_file: Path) -> Plan:
    """Return the plan of a city file; the usual one where it cannot be read."""
    section = WatchSection()
    with suppress(CityFileError):
        section = read_city(city_file).watch
    return Plan(
        tuple(sorted(time.fromisoformat(text) for text in section.times)),
        timedelta(minutes=section.jitter_minutes),
        timedelta(minutes=section.retry_minutes),
    )


def _reached(due: datetime, clock: Callable[[], datetime], sleep: Callable[[float], None]) -> datetime:
    """Wait until a time is reached."""
    while (left := due - clock()) > timedelta(0):
        if left > _FARTHEST:
            return clock()
        sleep(min(left.total_seconds(), _LOOK))
    return due


def _again(outcome: Outcome | Exception, store: RunStore) -> bool:
    """Tell whether another attempt soon may do better."""
    if isinstance(outcome, Exception) or outcome.verdict.light is Light.RED:
        return True
    if outcome.verdict.light is not Light.AMBER:
        return False
    late = any(note.code in ("official_stale", "alerts_stale") for note in outcome.verdict.notes)
    rows = (store.status() or {}).get("sources", ())
    return late or any(isinstance(row, dict) and row.get("state") in _PASSING for row in rows)


def _attempted(store: RunStore) -> datetime | None:
    try:
        at = datetime.fromisoformat((store.status() or {})["at"])
    except (LookupError, TypeError, ValueError):
        return None
    return at if at.tzinfo else None
