"""What a run says of one day, as far as words for everybody can carry it: when, where, and where to go.

Places whose means differ by less than a model can tell are not ranked against each other.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod
from shapely.errors import ShapelyError

from heatrisk.alerts import Level
from heatrisk.errors import HeatRiskError
from heatrisk.risk import DANGER, RISK_SCALES
from heatrisk.shelters import Shelter, from_geojson, status
from heatrisk.stored import StoredRun
from heatrisk.words import JST
from heatrisk.zonal import Area, Zone, cells_of, zone

#: Means that differ by less are as good as each other [degC].
ALIKE = 0.5
#: Hours of the day [JST] among which the least hot ones are chosen.
DAYTIME = (6, 18)
#: Half the side of the surroundings of a shelter [degrees], some 50 m.
_AROUND = 0.0005
_MOST_PLACES, _MOST_NAMES, _MOST_SHELTERS = 200, 3, 2

_GEOD = Geod(ellps="WGS84")

#: What a damaged field or list of shelters fails with; the decoder of chunks raises RuntimeError.
_UNREADABLE = (HeatRiskError, OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)


class Station(NamedTuple):
    """The highest official forecast of a day at a station.

    Parameters
    ----------
    name : str
        The station.
    highest : int
        WBGT as published, in whole degrees [degC].
    """

    name: str
    highest: int


@dataclass(frozen=True)
class Outlook:
    """A day as a run foresees it from an instant on.

    Parameters
    ----------
    day : datetime.date
        Day in Japan.
    stations : tuple of Station
        The official forecast; empty where the run has none for the day.
    hottest : datetime.datetime, optional
        The hottest step of our field; None where there is no field to speak of.
    danger : float
        Share of the outdoor ground at 31 or more then.
    code : str
        Class of the mean then, on the scale of daily life.
    places : tuple of str
        The hottest places; empty where none stands out.
    around : bool
        Whether these are the surroundings of shelters, for want of districts.
    mildest : tuple of datetime.datetime
        The least hot daytime steps that are as good as each other; empty where all of them are dangerous, or
        where all are alike.
    constant : bool
        Whether every daytime step to come is dangerous.
    shelters : tuple of str
        Shelters open at the hottest step by their published hours, nearest to the hottest place first.
    """

    day: date
    stations: tuple[Station, ...] = ()
    hottest: datetime | None = None
    danger: float = 0.0
    code: str = ""
    places: tuple[str, ...] = ()
    around: bool = False
    mildest: tuple[datetime, ...] = ()
    constant: bool = False
    shelters: tuple[str, ...] = ()


def outlook(run: StoredRun, day: date, at: datetime, alert: Level | None = None) -> Outlook:
    """Return what a run says of the rest of a day.

    Parameters
    ----------
    run : StoredRun
        The run.
    day : datetime.date
        Day in Japan.
    at : datetime.datetime
        The instant, with zone; windows that have passed by then are left out.
    alert : {"alert", "special"}, optional
        Alert in force on that day, which opens shelters.

    Returns
    -------
    Outlook
        Without a field where the run is not tied to an official forecast: nobody may publish a forecast of
        their own without a permit (Meteorological Service Act, article 17). Neither where the field cannot be
        read: an alert is told all the same.
    """
    steps = [
        index
        for index, time in enumerate(run.times)
        if time.astimezone(JST).date() == day and time + run.window / 2 > at
    ]
    bare = Outlook(day, tuple(_stations(run, steps)))
    with suppress(*_UNREADABLE):
        if steps and run.manifest["anchor"]["anchored"] and "wbgt_moe" in run.fields:
            return _of_field(run, bare, steps, alert)
    return bare


def _of_field(run: StoredRun, bare: Outlook, steps: list[int], alert: Level | None) -> Outlook:
    """Return an outlook with what the field says of some steps."""
    whole = zone(run, "wbgt_moe", cells_of(run, shapely.box(*run.grid.bounds_lonlat)))
    means = whole.mean()
    known = [index for index in steps if np.isfinite(means[index])]
    if not known:
        return bare
    hottest = max(known, key=lambda index: float(means[index]))
    level = RISK_SCALES["daily"].level(float(means[hottest]))
    districts = list(_districts(run))
    places = _hottest_places(run, hottest, districts or list(_surroundings(run)))
    mildest, constant = _mildest(run, means, known)
    middle = places[0][1] if places else shapely.Point(*run.grid.centre_lonlat)
    return Outlook(
        bare.day,
        bare.stations,
        run.times[hottest],
        _danger(whole, hottest),
        "" if level is None else level.code,
        tuple(name for name, _ in places),
        not districts,
        tuple(run.times[index] for index in mildest),
        constant,
        tuple(_shelters(run, run.times[hottest], middle, alert)),
    )


def _stations(run: StoredRun, steps: list[int]) -> Iterator[Station]:
    for row in (run.manifest.get("official") or {}).get("stations", ()):
        values = [row["values"][index] for index in steps if row["values"][index] is not None]
        if values:
            # Forecasts are whole degrees, and shown so.
            yield Station(row.get("name") or row["id"], math.floor(max(values) + 0.5))


def _danger(found: Zone, step: int) -> float:
    return float(found.shares([DANGER])[step, 0])


def _mildest(run: StoredRun, means: npt.NDArray[np.float64], steps: list[int]) -> tuple[list[int], bool]:
    """Return the least hot daytime steps, if they stand out, and whether all of the daytime is dangerous."""
    daytime = [k for k in steps if DAYTIME[0] <= run.times[k].astimezone(JST).hour <= DAYTIME[1]]
    lowest = min((float(means[k]) for k in daytime), default=np.inf)
    if lowest >= DANGER:
        return [], bool(daytime)
    mildest = [k for k in daytime if means[k] < lowest + ALIKE]
    return (mildest if len(mildest) < len(daytime) else []), False


def _hottest_places(
    run: StoredRun, step: int, places: list[tuple[str, Area]]
) -> list[tuple[str, shapely.Point]]:
    """Return the hottest of some places, at most three; none where all are alike."""
    found = []
    for name, area in places[:_MOST_PLACES]:
        heat = zone(run, "wbgt_moe", cells_of(run, area))
        mean = float(heat.mean()[step])
        if math.isfinite(mean):
            found.append((mean, _danger(heat, step), name, shapely.point_on_surface(area)))
    warmest = max((row[0] for row in found), default=math.nan)
    alike = [row for row in found if row[0] > warmest - ALIKE]
    if len(alike) == len(found):
        return []
    ranked = sorted(alike, key=lambda row: (-row[1], -row[0]))
    return [(name, point) for _, _, name, point in ranked[:_MOST_NAMES]]


def _districts(run: StoredRun) -> Iterator[tuple[str, Area]]:
    """Yield the districts of a run; a document that cannot be read holds none."""
    try:
        rows = json.loads(run.document("jurisdictions.geojson") or "{}").get("features", ())
        shapes = [(str(row["properties"]["name"]), json.dumps(row["geometry"])) for row in rows]
        areas = [(name, shapely.from_geojson(text)) for name, text in shapes]
    except (ValueError, LookupError, TypeError, AttributeError, ShapelyError):
        return
    yield from ((name, area) for name, area in areas if isinstance(area, Area) and not area.is_empty)


def _surroundings(run: StoredRun) -> Iterator[tuple[str, Area]]:
    for shelter in from_geojson(run.shelters):
        if shelter.lon is not None:
            lon, lat = _placed(shelter)
            yield shelter.name, shapely.box(lon - _AROUND, lat - _AROUND, lon + _AROUND, lat + _AROUND)


def _placed(shelter: Shelter) -> tuple[float, float]:
    assert shelter.lon is not None and shelter.lat is not None
    return shelter.lon, shelter.lat


def _shelters(run: StoredRun, at: datetime, middle: shapely.Point, alert: Level | None) -> list[str]:
    """Return the shelters that are open at an instant by their published hours, the nearest first."""
    places = [one for one in from_geojson(run.shelters) if one.lon is not None and one.lat is not None]
    far = {
        one.id: _GEOD.inv(middle.x, middle.y, *_placed(one))[2]
        for one in places
        if status(one, at, alert).state == "open"
    }
    names = {one.id: one.name for one in places}
    return [names[identifier] for identifier in sorted(far, key=lambda key: far[key])[:_MOST_SHELTERS]]
