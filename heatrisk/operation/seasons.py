"""A season replayed day by day: how often and how long each place reached the limits of heat.

The town and its view of the sky are read and computed once. Each day is the run that would have been made on
its morning: with the forecast that had been issued by then, for the steps of that day alone.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
import xarray as xr
from rasterio.features import geometry_mask, rasterize

from heatrisk import disk
from heatrisk.city import City, read_city
from heatrisk.errors import HeatRiskError
from heatrisk.grid import Grid
from heatrisk.operation.doubts import weigh
from heatrisk.operation.gathering import read
from heatrisk.operation.manifest import assumptions, new_run
from heatrisk.operation.recomputing import simulation
from heatrisk.sources.areas import GROUPS
from heatrisk.sources.inputs import Inputs
from heatrisk.store import RunStore
from heatrisk.words import JST, Words

#: WBGT from which the day is counted [degC]: severe warning, danger, and the alert's own limit.
LIMITS = (28, 31, 33)

#: The clock of each day's run, in Japan: after the morning's alert file.
MORNING = time(5, 10)

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass
class Place:
    """The city, or one of its districts, over the season.

    Parameters
    ----------
    name : str
        What it is called.
    cells : numpy.ndarray of bool
        Its cells, shape of the grid.
    hours : dict
        Hours at or above each limit, mean over its outdoor ground [h].
    days : dict
        Days on which half of its outdoor ground reached each limit at some step.
    days_anywhere : dict
        Days on which some of it did.
    people : dict
        Residents of each group spread over the outdoor cells around their homes, where they are known.
    resident_hours : dict
        Sum over the residents of a group of the hours at or above a limit there, by group and limit [h].
    """

    name: str
    cells: Bools = field(repr=False)
    people: Mapping[str, Floats] = field(default_factory=dict, repr=False)
    hours: dict[int, float] = field(default_factory=lambda: dict.fromkeys(LIMITS, 0.0))
    days: dict[int, int] = field(default_factory=lambda: dict.fromkeys(LIMITS, 0))
    days_anywhere: dict[int, int] = field(default_factory=lambda: dict.fromkeys(LIMITS, 0))
    resident_hours: dict[tuple[str, int], float] = field(default_factory=dict)

    def add(self, limit: int, hours: Floats, outdoors: Bools) -> None:
        """Count a day.

        Parameters
        ----------
        limit : int
            The limit [degC].
        hours : numpy.ndarray
            Hours of the day at or above it, in every cell [h].
        outdoors : numpy.ndarray of bool
            Cells that have a value.
        """
        ground = self.cells & outdoors
        if not ground.any():
            return
        share = float((hours[ground] > 0).mean())
        self.hours[limit] += float(hours[ground].mean())
        self.days[limit] += share >= 0.5
        self.days_anywhere[limit] += share > 0
        for group, people in self.people.items():
            total = float((people[ground] * hours[ground]).sum())
            self.resident_hours[group, limit] = self.exposed(group, limit) + total

    def exposed(self, group: str, limit: int) -> float:
        """Return the resident hours of a group at or above a limit [h]; none where no ground is outdoors."""
        return self.resident_hours.get((group, limit), 0.0)


@dataclass
class Season:
    """What became of the days of a season.

    Parameters
    ----------
    first, last : datetime.date
        The days, both included.
    places : list of Place
        The whole city first, then its districts.
    official_hours, official_days : dict
        Hours and days on which the official value reached each limit.
    computed : list of datetime.date
        Days that went into it.
    missing : dict
        Why a day did not, by the day.
    """

    first: date
    last: date
    places: list[Place] = field(default_factory=list)
    official_hours: dict[int, float] = field(default_factory=lambda: dict.fromkeys(LIMITS, 0.0))
    official_days: dict[int, int] = field(default_factory=lambda: dict.fromkeys(LIMITS, 0))
    computed: list[date] = field(default_factory=list)
    missing: dict[date, Words] = field(default_factory=dict)


def season(
    city_file: Path,
    store: RunStore,
    first: date,
    last: date,
    progress: Callable[[str, int, int], None],
    *,
    keep_runs: bool = False,
) -> Season:
    """Compute every day from one to another and count.

    Parameters
    ----------
    city_file : pathlib.Path
        The city file; its paths and addresses may hold ``{%Y%m%d}``, or name folders with all days.
    store : RunStore
        Keeps the view of the sky, and the runs where they are wanted; none is published.
    first, last : datetime.date
        Days in Japan, both included.
    progress : callable
        Called with the name of a stage, steps done and all steps.
    keep_runs : bool
        Write every day's run to the store.

    Returns
    -------
    Season
        A day whose sources lack is in ``missing``.

    Raises
    ------
    HeatRiskError
        The city file or the town cannot be read, or the disk refuses.
    """
    city = read_city(city_file)
    found, town = Season(first, last), None
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    for number, day in enumerate(days):
        progress("season", number, len(days))
        created = datetime.combine(day, MORNING, JST)
        inputs = read(city, city_file, store.root, created, _silent, past=True, town=town)
        if inputs.scene is None:
            raise inputs.errors[0]
        town = town or inputs
        try:
            if inputs.errors:
                raise inputs.errors[0]
            data = _day(inputs, store, created, keep_runs=keep_runs)
        except HeatRiskError as error:
            found.missing[day] = Words(error.text("ja", public=True), error.text("en", public=True))
            continue
        found.places = found.places or _places(city, town, data["mask"].values == 0)
        _count(found, data)
        found.computed.append(day)
    progress("season", len(days), len(days))
    return found


def _silent(*_: object) -> None:
    """Take no notice of a stage."""


def _day(inputs: Inputs, store: RunStore, created: datetime, *, keep_runs: bool) -> xr.Dataset:
    data = simulation(inputs, store, _silent, timedelta(days=1)).whole()
    if keep_runs:
        verdict = weigh(inputs, data, assumptions(inputs, data), created)
        store.write(new_run(inputs, data, verdict, created))
    return data


def _places(city: City, inputs: Inputs, outdoors: Bools) -> list[Place]:
    assert inputs.scene is not None
    grid = inputs.scene.grid
    people = {} if inputs.population is None else spread(inputs.population, grid, outdoors)
    places = [Place(city.names.ja, np.ones(grid.shape, np.bool_), people)]
    if inputs.jurisdictions is not None:
        frame = inputs.jurisdictions.to_crs(grid.crs)
        for name, shape in zip(frame["name"], frame.geometry, strict=True):
            cells = geometry_mask([shape], grid.shape, grid.transform, invert=True)
            if cells.any():
                places.append(Place(str(name), cells, people))
    return places


def spread(population: gpd.GeoDataFrame, grid: Grid, outdoors: Bools) -> dict[str, Floats]:
    """Return the residents of each group, spread evenly over the outdoor cells of their square.

    Parameters
    ----------
    population : geopandas.GeoDataFrame
        As :func:`heatrisk.sources.areas.read_population` returns it.
    grid : Grid
        The cells.
    outdoors : numpy.ndarray of bool
        Cells to spread over, shape of the grid.

    Returns
    -------
    dict of numpy.ndarray
        Residents a cell, by group. Of a square that the edge of the grid cuts, the share inside; one
        without an outdoor cell counts nobody.
    """
    frame = population.to_crs(grid.crs)
    shapes = frame.geometry.to_numpy()
    inside = shapely.area(shapely.intersection(shapes, shapely.box(*grid.bounds))) / shapely.area(shapes)
    rows = ((shape, number + 1) for number, shape in enumerate(shapes))
    square = rasterize(rows, grid.shape, fill=0, transform=grid.transform, dtype=np.int32)
    square = np.where(outdoors, square, 0)
    cells = np.bincount(square.ravel(), minlength=len(shapes) + 1)
    found = {}
    for group in GROUPS:
        if group in frame and frame[group].notna().any():
            residents = np.nan_to_num(frame[group].to_numpy(np.float64)) * inside
            each = np.concatenate([[0.0], residents / np.maximum(cells[1:], 1)])
            found[group] = each[square]
    return found


def _count(found: Season, data: xr.Dataset) -> None:
    """Add a day to the counts."""
    bounds = data["time_bnds"].values
    hours = (bounds[:, 1] - bounds[:, 0]) / np.timedelta64(1, "h")
    outdoors, official = data["mask"].values == 0, data["official"].values
    for limit in LIMITS:
        above = np.tensordot(hours, data["wbgt_moe"].values >= limit, 1)
        for place in found.places:
            place.add(limit, above, outdoors)
        found.official_hours[limit] += float(hours[official >= limit].sum())
        found.official_days[limit] += bool((official >= limit).any())


def as_dict(found: Season) -> dict[str, Any]:
    """Return a season as JSON-ready values."""
    return {
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "days": len(found.computed),
        "missing": {day.isoformat(): why._asdict() for day, why in found.missing.items()},
        "limits": list(LIMITS),
        "official": {"hours": _plain(found.official_hours), "days": _plain(found.official_days)},
        "places": [
            {
                "name": place.name,
                "hours": _plain(place.hours),
                "days_half_of_ground": _plain(place.days),
                "days_anywhere": _plain(place.days_anywhere),
                "resident_hours": {
                    group: _plain({limit: place.exposed(group, limit) for limit in LIMITS})
                    for group in place.people
                },
            }
            for place in found.places
        ],
        "definitions": {name: text._asdict() for name, text in DEFINITIONS.items()},
    }


#: What the counts mean.
DEFINITIONS = {
    "hours": Words(
        "暑さ指数（参考値）が基準以上だった時間。屋外の地面の平均",
        "hours at or above the limit (reference values), mean over the outdoor ground",
    ),
    "days_half_of_ground": Words(
        "屋外の地面の半分以上が、いずれかの時刻までに基準に達した日数",
        "days on which half of the outdoor ground reached the limit at some step",
    ),
    "days_anywhere": Words(
        "屋外の地面のどこかが基準に達した日数", "days on which some of the outdoor ground reached it"
    ),
    "resident_hours": Words(
        "居住者数に、住まいのまわりの屋外で基準以上だった時間を掛けた合計（人・時間）",
        "residents times the hours at or above the limit outdoors around their homes",
    ),
    "official": Words("公式予測値が基準以上だった時間と日数", "hours and days of the official forecast"),
}


def _plain(counts: Mapping[int, float]) -> dict[str, float]:
    return {str(limit): round(count, 2) for limit, count in counts.items()}


def to_csv(found: Season) -> str:
    """Return a season as a table, one row a place, for spreadsheets: with the mark of UTF-8."""
    groups = list(found.places[0].people) if found.places else []
    heads = ["場所/place", "日数/days computed"]
    for limit in LIMITS:
        heads += [
            f"{limit}以上の時間/hours", f"{limit}に半分以上が達した日/days (half)", f"{limit}に達した日/days",
            *(f"{limit}以上の人・時間/resident hours: {group}" for group in groups),
        ]  # fmt: skip
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(heads)
    table.writerow(["公式予測/official forecast", len(found.computed), *_official(found, len(groups))])
    for place in found.places:
        row: list[object] = [place.name, len(found.computed)]
        for limit in LIMITS:
            row += [round(place.hours[limit], 1), place.days[limit], place.days_anywhere[limit]]
            row += [round(place.exposed(group, limit), 1) for group in groups]
        table.writerow(row)
    return f"\ufeff{text.getvalue()}"


def _official(found: Season, groups: int) -> Iterator[object]:
    for limit in LIMITS:
        yield round(found.official_hours[limit], 1)
        yield ""
        yield found.official_days[limit]
        yield from [""] * groups


def write(found: Season, folder: Path) -> tuple[Path, Path]:
    """Write a season as ``season.csv`` and ``season.json``, and return their paths.

    Raises
    ------
    StoreError
        The disk refuses.
    """
    text = json.dumps(as_dict(found), ensure_ascii=False, indent=1) + "\n"
    table, record = folder / "season.csv", folder / "season.json"
    with disk.writing(folder):
        disk.replace(table, to_csv(found).encode())
        disk.replace(record, text.encode())
    return table, record
