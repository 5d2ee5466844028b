"""What makes a run less than good, weighed into its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import xarray as xr

from heatrisk.alerts import MARGIN, flag, in_season
from heatrisk.errors import HeatRiskError, OffSeasonError, SourceUnavailableError
from heatrisk.run import SUSPECT_OFFSET
from heatrisk.sources.inputs import Inputs, told
from heatrisk.sources.reading import ROLES, Reading
from heatrisk.steps import step_times
from heatrisk.verdict import Light, Verdict
from heatrisk.words import JST, Note, Words

#: An official forecast older than this when the run starts is stale: it is issued hourly.
STALE_HOURS = 6

#: Assumptions that the reader should look at, rather than only know.
_DOUBTFUL = {
    "steps_outside_weather",
    "weather_far",
    "weather_beyond_sun",
    "canopy_over_buildings",
    "buildings_height_column",
    "text_damaged",
}


def weigh(inputs: Inputs, data: xr.Dataset, notes: Iterable[Note], created: datetime) -> Verdict:
    """Return the verdict of a computed run: what was refused, stale or doubtful turns it amber.

    Parameters
    ----------
    inputs : Inputs
        What it was computed from.
    data : xarray.Dataset
        What was computed.
    notes : iterable of Note
        What was assumed.
    created : datetime.datetime
        The clock, with zone.
    """
    notes = (*doubts(inputs, notes, created), *_suspicion(data))
    first, last = (pd.Timestamp(data["time"].values[k], tz="UTC").tz_convert(JST) for k in (0, -1))
    year = f"{first.year}年" if first.year != created.astimezone(JST).year else ""
    span = f"{year}{_clock(first)}から{_clock(last)}まで"
    name, steps = inputs.city.names, data.sizes["time"]
    period = f"from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} JST"
    summary = Words(
        f"{name.ja}: {span}の {steps} 時刻を計算しました",
        f"{name.en}: {steps} step{'s' * (steps > 1)} {period}",
    )
    return Verdict(Light.AMBER if notes else Light.GREEN, summary, notes)


def _clock(when: pd.Timestamp) -> str:
    """Return an hour as Japanese forecasts write it: midnight is 24 o'clock of the day that ends."""
    day, hour = (when - pd.Timedelta(days=1), 24) if when.hour == 0 else (when, when.hour)
    return f"{day.month}月{day.day}日{hour}時"


def _suspicion(data: xr.Dataset) -> Iterator[Note]:
    suspect = int((np.abs(data["anchor_offset"].values) > SUSPECT_OFFSET).sum())
    if suspect:
        yield Note.of(
            "anchor_suspect",
            f"{suspect} 時刻で計算値が公式値と {SUSPECT_OFFSET:g} °C を超えて離れています",
            f"the model is more than {SUSPECT_OFFSET:g} °C from the official value at {suspect} steps",
        )


def expired(inputs: Inputs, created: datetime) -> Iterator[HeatRiskError]:
    """Yield why the official forecast is no basis for a map of now: all its instants have passed.

    Outside the season that is as it should be; within it, the source has stopped.

    Parameters
    ----------
    inputs : Inputs
        What was read.
    created : datetime.datetime
        The clock, with zone.
    """
    official = None if inputs.weather is None else inputs.weather.official
    if official is None or official.kind != "forecast" or inputs.city.city.sample:
        return
    last = official.times[-1].tz_localize(UTC).to_pydatetime()
    if last > created:
        return
    issued = min(official.issued).tz_localize(UTC).tz_convert(JST)
    remedy = Words(
        f"過去の日を計算するときは --date {issued:%Y-%m-%dT%H:%M} を付けてください",
        f"To compute that day, give --date {issued:%Y-%m-%dT%H:%M}.",
    )
    end = last.astimezone(JST)
    if in_season(created.astimezone(JST).date(), margin=MARGIN):
        yield SourceUnavailableError(
            Words(
                f"公式予測の対象期間（{end.month}月{end.day}日まで）が過ぎています",
                f"the official forecast ended on {end:%Y-%m-%d}",
            ),
            where="[official]",
            remedy=remedy,
        )
    else:
        yield OffSeasonError(
            Words(
                "暑さ指数の提供期間外です。手元の公式予測は"
                f"{end.year}年{end.month}月{end.day}日までのものです",
                f"heat indices are not published at this time of year; the forecast ended on {end:%Y-%m-%d}",
            ),
            where="[official]",
            remedy=remedy,
        )


def unmatched(inputs: Inputs) -> Iterator[HeatRiskError]:
    """Yield why the weather cannot go with the official forecast: it is of other days."""
    if inputs.weather is not None:
        try:
            step_times(inputs.weather)
        except HeatRiskError as error:
            yield error


def doubts(
    inputs: Inputs, notes: Iterable[Note], created: datetime, *, public: bool = True
) -> Iterator[Note]:
    """Yield what makes the inputs of a run less than good.

    Parameters
    ----------
    inputs : Inputs
        What was read.
    notes : iterable of Note
        What was assumed on the way.
    created : datetime.datetime
        The clock, with zone; it tells stale sources.
    public : bool
        For what is stored and served; else for staff, who may know where which file is wrong.
    """
    yield from (note for note in notes if note.code in _DOUBTFUL)
    yield from inputs.doubts
    for lack in inputs.lacking:
        whole = Words(lack.error.text("ja"), lack.error.text("en"))
        yield Note(f"{lack.role}_missing", told(lack.role, lack.error) if public else whole)
    official = None if inputs.weather is None else inputs.weather.official
    if official is not None and not inputs.city.city.sample:
        hours = int((created - min(official.issued).tz_localize(UTC)).total_seconds() // 3600)
        if hours > STALE_HOURS:
            days = hours // 24
            ja, en = (f"{days}日", f"{days} days") if days > 2 else (f"{hours}時間", f"{hours} hours")
            yield Note.of(
                "official_stale", f"公式予測の発表から{ja}たっています", f"the official forecast is {en} old"
            )
    today = created.astimezone(JST).date()
    if inputs.alerts is not None and in_season(today) and flag(inputs.alerts, today, created) is None:
        yield Note.of(
            "alerts_stale",
            "きょうの警戒情報のファイルがありません（警戒情報の有無は不明）",
            "no alert file speaks of today: whether an alert is in force is unknown",
        )
    unknown = 0.0 if inputs.scene is None else inputs.scene.unknown
    if unknown > 0:
        yield Note.of(
            "ground_unknown",
            f"標高が不明の場所が {unknown:.1%} あります",
            f"the ground is unknown in {unknown:.1%} of the area",
        )
    for reading in inputs.readings:
        if reading.refused:
            yield Note(f"{reading.role}_refused", _refused(reading))
        if reading.covered == 0.0:
            yield Note.of(
                f"{reading.role}_elsewhere",
                f"{reading.path.name} は対象範囲の外のデータです",
                f"{reading.path.name} lies outside the area",
            )


def _refused(reading: Reading) -> Words:
    count = len(reading.refused)
    many = "s" * (count > 1)
    if reading.role == "shelters":
        return Words(
            f"涼める場所 {count} 件は、位置が分からないなどの理由で地図に載りません"
            "（heatrisk check --unresolved で記入用の表を書き出せます）",
            f"{count} shelter{many} not on the map, mostly for want of a position"
            " (heatrisk check --unresolved writes a table to fill in)",
        )
    if reading.role == "land_cover":
        cells, codes = reading.facts["unknown_cells"], [row.where for row in reading.refused[:5]]
        more = count > len(codes)
        return Words(
            f"土地被覆（{reading.path.name}）の {cells:,} セルは未知のコード"
            f"（{'、'.join(codes)}{'ほか' * more}）のため、既定の地面としました",
            f"unknown codes ({', '.join(codes)}{', …' * more}) in {cells:,} cell{'s' * (cells > 1)} of the "
            f"land cover ({reading.path.name}): the default ground is assumed there",
        )
    role, name = ROLES.get(reading.role, Words(reading.role, reading.role)), reading.path.name
    return Words(
        f"{role.ja}（{name}）の {count} 件を使えませんでした",
        f"{count} record{many} of the {role.en} ({name}) could not be used",
    )
