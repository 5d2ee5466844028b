"""A watcher: pass after pass at the right times, patient with sources that fail, until it is told to stop."""

from __future__ import annotations

import random
import time as clocks
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

from heatrisk.city import read_city
from heatrisk.city.sections import TellSection, WatchSection
from heatrisk.errors import CityFileError
from heatrisk.operation.gathering import Progress
from heatrisk.operation.recomputing import Outcome, recompute
from heatrisk.operation.schedule import Plan, first_pass, next_pass
from heatrisk.operation.telling import Sending, send_news
from heatrisk.store import RunStore
from heatrisk.verdict import Light
from heatrisk.words import Words

#: The clock is looked at this often, for computers that sleep and clocks that are set [s].
_LOOK = 30.0

#: A pass that seems farther off than this was planned by a clock that was wrong.
_FARTHEST = timedelta(hours=26)

#: States of sources that another attempt may better.
_PASSING = {"kept", "missing", "error"}


class Next(NamedTuple):
    """What a watcher does next.

    Parameters
    ----------
    at : datetime.datetime
        When, with zone.
    computing : bool
        Whether it makes a run; otherwise it only sends again what could not be sent.
    """

    at: datetime
    computing: bool = True


#: What a watcher says of itself: the outcome of a pass (None at the start, and where it only sent again what
#: had failed), what was sent after it, and what it does next.
Tell = Callable[[Outcome | Exception | None, list[Sending], Next], None]


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
    time, so that its owner need not restart the watcher. What there is to tell is sent as the city file asks:
    after every pass, also of alerts that one which published nothing has read, and at the start where the
    last one was killed or no pass begins at once. What could not be sent is tried again as a failed pass is,
    without a new run.

    Parameters
    ----------
    city_file : pathlib.Path
        The city file.
    store : RunStore
        Where runs go.
    progress : callable
        Told of the stages of each pass.
    tell : callable
        Told of each outcome, what was sent, and what comes next.
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
    tell(None, _left(city_file, store, clock(), due), Next(due))
    failures = made = 0
    computing = True
    while passes is None or made < passes:
        due = _reached(due, clock, sleep)
        begun = clock()
        outcome = _computed(city_file, store, begun, progress) if computing else None
        sent = _sent(city_file, store, clock(), begun)
        made += 1
        again = outcome is not None and _again(outcome, store)
        failures = failures + 1 if again or any(one.again for one in sent) else 0
        off = isinstance(outcome, Outcome) and outcome.verdict.light is Light.OFF_SEASON
        plan, now, luck = plan_of(city_file), clock(), chance()
        due = next_pass(plan, now, luck, failures=failures, off_season=off)
        # A receiver that is down is no reason for a new run before the plan asks for one.
        computing = again or due >= next_pass(plan, now, luck, off_season=off)
        tell(outcome, sent, Next(due, computing))


def _computed(city_file: Path, store: RunStore, at: datetime, progress: Progress) -> Outcome | Exception:
    try:
        return recompute(city_file, store, at, progress)
    except Exception as defect:
        return defect


def _sent(city_file: Path, store: RunStore, at: datetime, begun: datetime) -> list[Sending]:
    """Send what there is to tell; whatever goes wrong, the published run is none the worse."""
    try:
        run_id = store.latest_id()
        return [] if run_id is None else send_news(city_file, store, run_id, at, begun)
    except Exception as defect:
        name = type(defect).__name__  # its text may hold an address
        words = Words(
            f"送信できませんでした（プログラムの不具合: {name}）",
            f"nothing could be sent: a defect of the program, {name}",
        )
        return [Sending(words, 20, again=True, new=True)]


def _left(city_file: Path, store: RunStore, at: datetime, due: datetime) -> list[Sending]:
    """Send what a watcher left that ended before it could: the next pass may be far, or be killed too."""
    writer, writing = store.writer()
    killed = writer is not None and not writing
    return _sent(city_file, store, at, at) if killed or due > at else []


def plan_of(city_file: Path) -> Plan:
    """Return the plan of a city file, with a pass for the morning's text; the usual one if it is broken."""
    section, told = WatchSection(), TellSection()
    with suppress(CityFileError):
        city = read_city(city_file)
        section, told = city.watch, city.tell
    morning = () if told.webhook is None and told.staff_webhook is None else (told.morning,)
    return Plan(
        tuple(sorted({time.fromisoformat(text) for text in (*section.times, *morning)})),
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
