"""When to run: pure functions of the clock, so that a test can live through a summer in a moment.

The Ministry's alert file of the day appears at 5 o'clock, its forecasts about half past each hour; it asks
clients to stay some minutes away from both. So the usual passes are ten past 5, 14 and 17 o'clock and ten to
6, each a little later by chance, and none of them is exact.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import NamedTuple

from heatrisk.words import JST

#: Pauses after failures double up to this.
LONGEST_PAUSE = timedelta(hours=1)

#: A pass of the morning begins no later than this by chance: its text is not sent after noon.
_BEFORE_NOON = time(11, 59)

#: A pass that was just made is not made again by a watcher that starts anew.
RECENT = timedelta(minutes=5)


class Plan(NamedTuple):
    """When a watcher makes its passes.

    Parameters
    ----------
    times : tuple of datetime.time
        Times of the day in Japan, in order; at least one.
    jitter : datetime.timedelta
        A pass begins up to this much later, by chance, and one of the morning before noon.
    retry : datetime.timedelta
        Pause after a first failure; it doubles with each further one.
    """

    times: tuple[time, ...]
    jitter: timedelta
    retry: timedelta


def next_pass(
    plan: Plan, now: datetime, chance: float, *, failures: int = 0, off_season: bool = False
) -> datetime:
    """Return when the next pass begins.

    Parameters
    ----------
    plan : Plan
        The plan.
    now : datetime.datetime
        The clock, with zone.
    chance : float
        A number from 0 to 1.
    failures : int
        Passes that failed since the last good one, or had to do with old copies.
    off_season : bool
        Nothing is published at this time of year: only the first pass of a day is made.

    Returns
    -------
    datetime.datetime
        Later than ``now``, in its zone; a retry is never later than the plan's next pass.
    """
    times = plan.times[:1] if off_season else plan.times
    planned = _planned(times, now, chance * plan.jitter)
    if not failures or off_season:
        return planned
    pause = min(plan.retry * (1 << min(failures - 1, 10)), LONGEST_PAUSE)
    return min(planned, now + pause * (1 + 0.1 * chance))


def first_pass(plan: Plan, now: datetime, chance: float, attempted: datetime | None) -> datetime:
    """Return when a watcher that starts makes its first pass: at once, unless one was made just now.

    Parameters
    ----------
    plan : Plan
        The plan.
    now : datetime.datetime
        The clock, with zone.
    chance : float
        A number from 0 to 1.
    attempted : datetime.datetime or None
        The last attempt, with zone.
    """
    if attempted is not None and timedelta(0) <= now - attempted < RECENT:
        return next_pass(plan, now, chance)
    return now


def _planned(times: tuple[time, ...], now: datetime, later: timedelta) -> datetime:
    """Return the plan's first time after now, that much later, but one of the morning before noon."""
    here = now.astimezone(JST)
    days = (here.date(), here.date() + timedelta(days=1))
    ahead = (datetime.combine(day, at, JST) for day in days for at in times)
    moment = next(moment for moment in ahead if moment > here)
    room = datetime.combine(moment.date(), _BEFORE_NOON, JST) - moment
    return (moment + (min(later, room) if room >= timedelta(0) else later)).astimezone(now.tzinfo)
