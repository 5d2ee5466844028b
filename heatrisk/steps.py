"""The clock times that a run computes, and how long each stands for.

::

    t - step / 2                   t                   t + step / 2
        |______________________________________________|          the series reaches as far

Rows of weather hold means over the interval before their time, so steps of an hour that are to be compared
with hourly rows have their middle at half past.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import pandas as pd

from heatrisk.errors import InputError
from heatrisk.weather import Weather
from heatrisk.words import JST, Note, Words

STEP = pd.Timedelta(hours=3)
SUB_STEP = pd.Timedelta(minutes=10)

#: A step is made of an even number of sub-steps, so that its middle lies between two of them. Kernels are
#: compiled for the number of its suns; those of a whole day are too many for the compiler.
SHORTEST, LONGEST = 2 * SUB_STEP, pd.Timedelta(hours=12)

Times = pd.DatetimeIndex | Sequence[datetime]


def check_length(step: pd.Timedelta) -> None:
    """Refuse what cannot be the length of a step.

    Parameters
    ----------
    step : pandas.Timedelta
        What a step stands for.

    Raises
    ------
    InputError
        It is no multiple of 20 minutes up to 12 hours.
    """
    is_length = isinstance(step, pd.Timedelta) and SHORTEST <= step <= LONGEST
    if not is_length or step % SHORTEST:
        raise InputError(
            Words("1 時刻が代表する時間（step）の長さが使えません", "a step cannot have this length"),
            expected=Words(
                "20 分の倍数で 12 時間まで（pandas.Timedelta）",
                "a multiple of 20 minutes up to 12 hours, as a pandas.Timedelta",
            ),
            got=str(step),
        )


def step_times(weather: Weather, step: pd.Timedelta = STEP) -> tuple[pd.DatetimeIndex, tuple[Note, ...]]:
    """Return the steps that the weather allows, and a remark when some had to be left out.

    Parameters
    ----------
    weather : Weather
        The steps are those of its official forecast, else the clock times that are multiples of ``step`` in
        UTC (00, 03, ... UTC are 03, 06, ... JST); only those that the series covers, half a step before and
        after.
    step : pandas.Timedelta
        What a step stands for, and how far apart they are where no official forecast says it: a multiple of
        20 minutes up to 12 hours.

    Returns
    -------
    pandas.DatetimeIndex, tuple of Note

    Raises
    ------
    InputError
        Not a single step is covered, or a step cannot have this length.
    """
    check_length(step)
    series, official = weather.series, weather.official
    if series is None and official is not None:
        return official.times, ()
    assert series is not None  # Weather holds at least one of the two
    first, last = (pd.Timestamp(series["time"].values[k]) for k in (0, -1))
    half = (step - SUB_STEP) / 2
    steps = official.times if official is not None else pd.date_range(first.ceil(step), last, freq=step)
    covered = steps[(steps - half >= first) & (steps + half <= last)]
    if covered.empty:
        within = steps[(steps >= first) & (steps <= last)]
        if official is not None and within.empty:
            raise _other_days(weather, steps, first, last)
        middle = (first + half).ceil(step) if official is None else within[0]
        raise _too_short(weather, (middle - step / 2, middle + step / 2), first, last)
    if official is None or len(covered) == len(steps):
        return covered, ()
    words = Words(
        f"気象データの期間外の {len(steps) - len(covered)} 時刻は計算していません",
        f"{len(steps) - len(covered)} steps lie outside the weather series and were left out",
    )
    return covered, (Note("steps_outside_weather", words),)


def chosen_times(
    weather: Weather, steps: Times | None, step: pd.Timedelta
) -> tuple[pd.DatetimeIndex, tuple[Note, ...]]:
    """Return the steps that a caller asks for, or those that the weather allows.

    Parameters
    ----------
    weather : Weather
        See `step_times`.
    steps : pandas.DatetimeIndex or sequence of datetimes, optional
        Middles of the steps; UTC where they bear no zone.
    step : pandas.Timedelta
        What a step stands for.

    Returns
    -------
    pandas.DatetimeIndex, tuple of Note
        UTC without zone.

    Raises
    ------
    InputError
        As of `step_times`, or no step is given.
    """
    if steps is None:
        return step_times(weather, step)
    check_length(step)
    index = steps if isinstance(steps, pd.DatetimeIndex) else pd.DatetimeIndex(list(steps))
    if index.empty:
        raise InputError(
            Words("計算する時刻がありません", "no step to compute"),
            expected=Words("1 つ以上の時刻", "at least one clock time"),
        )
    return (index if index.tz is None else index.tz_convert("UTC").tz_localize(None)), ()


def span(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return a period on the clock of the people who read it."""
    begin, end = (when.tz_localize("UTC").tz_convert(JST) for when in (first, last))
    return f"{begin:%Y-%m-%d %H:%M} – {end:%Y-%m-%d %H:%M} JST"


def _other_days(
    weather: Weather, steps: pd.DatetimeIndex, first: pd.Timestamp, last: pd.Timestamp
) -> InputError:
    return InputError(
        Words(
            "気象データと公式予測の期間が重なりません", "weather series and official forecast do not overlap"
        ),
        where=weather.where,
        expected=span(steps[0], steps[-1]) if len(steps) else None,
        got=span(first, last),
        remedy=Words("同じ日のファイルを指定してください", "Give files of the same days."),
    )


def _too_short(
    weather: Weather, needed: tuple[pd.Timestamp, pd.Timestamp], first: pd.Timestamp, last: pd.Timestamp
) -> InputError:
    return InputError(
        Words(
            "気象データの期間が短く、1 つの時刻も計算できません",
            "the weather series is too short for a single step",
        ),
        where=weather.where,
        expected=Words(f"例えば {span(*needed)}", f"e.g. {span(*needed)}"),
        got=span(first, last),
        remedy=Words(
            "各時刻の前後に step の半分ずつの気象データが要ります。長い期間のデータを指定してください",
            "A step needs weather from half its length before its time to half after: give more rows.",
        ),
    )
