"""Everything a city file names, read: the town, its weather, alerts, shelters and districts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
from shapely.geometry import box

from heatrisk.city import City
from heatrisk.city.location import Url
from heatrisk.city.sections import OfficialSection
from heatrisk.errors import InputError
from heatrisk.shelters import Shelter
from heatrisk.sources.alert_csv import read_alerts
from heatrisk.sources.areas import read_jurisdictions, read_population
from heatrisk.sources.inputs import Fetching, Inputs, Progress
from heatrisk.sources.kinds import roles_of
from heatrisk.sources.moe import read_forecast
from heatrisk.sources.query import WeatherQuery, distance_km
from heatrisk.sources.reading import Reading
from heatrisk.sources.shelters import read_shelters
from heatrisk.sources.shelters.reports import read_congestion, read_equipment
from heatrisk.sources.stations import FARTHEST_KM, read_stations
from heatrisk.sources.town import in_leaf, look_at_rasters, read_town
from heatrisk.sources.weather import WEATHER_SOURCES, weather_source
from heatrisk.weather import OfficialForecast, Station, Weather
from heatrisk.words import Note, Words

ReportReader = Callable[..., tuple[list[Shelter], Reading]]

_NO_OFFICIAL = Note.of(
    "unanchored",
    "公式予測を指定していないため、公式値に合わせていません",
    "no official forecast is configured: values are not anchored to it",
)


def read_inputs(
    city: City,
    city_file: Path,
    *,
    go_on: bool = False,
    downloads: Fetching | None = None,
    now: datetime | None = None,
    progress: Progress | None = None,
    past: bool = False,
    root: Path | None = None,
    town: Inputs | None = None,
    absent: Mapping[str, Words] | None = None,
) -> Inputs:
    """Read every source that a city file names.

    The town and its weather are needed; alerts, shelters, population and districts are wanted: what cannot
    be read of them is told in ``lacking`` and the rest goes on.

    Parameters
    ----------
    city : City
        The validated city file.
    city_file : pathlib.Path
        Where it was read from; it is an input like the others.
    go_on : bool
        Collect errors and read the remaining files (for a check) instead of raising the first.
    downloads : Fetching, optional
        Fetches sources from the web.
    now : datetime.datetime, optional
        The clock, with zone; reports of the future are refused.
    progress : callable, optional
        Called with the files of buildings read, and all of them.
    past : bool
        The clock stands on a day gone by: what was issued later is not looked at.
    root : pathlib.Path, optional
        Folder under which the files of this computer lie by their full paths, for a replay.
    town : Inputs, optional
        Sources of another day of the same city: its town is taken over, not read again.
    absent : mapping, optional
        Why a source is known to be missing, by its role; it is not looked for.

    Returns
    -------
    Inputs
        ``scene`` and ``weather`` are set when nothing was wrong with their files.

    Raises
    ------
    SourceError, InputError
        A file is missing, of another kind, incomplete or contradicts the others (unless ``go_on``).
    """
    inputs = Inputs(city, downloads, go_on, now, progress, past, root, absent=absent or {})
    inputs.readings.append(replace(Reading.of("city", city_file), read=1, used=1))
    if town is None:
        inputs.need("town", read_town)
        if inputs.scene is None:
            look_at_rasters(inputs)
    else:
        _take_over(inputs, town)
    inputs.town_notes = len(inputs.notes)
    inputs.need("official", _read_official)
    if not any(role == "official" for role, _ in inputs.failed):
        inputs.need("weather", _read_weather)
    inputs.want("alerts", _read_alerts)
    inputs.want("shelters", _read_shelters)
    inputs.want("population", _read_population)
    inputs.want("jurisdictions", _read_jurisdictions)
    return inputs


#: Roles of the sources that make a town.
_TOWN = ("buildings", "terrain", "canopy", "land_cover")


def _take_over(inputs: Inputs, town: Inputs) -> None:
    inputs.scene, inputs.buildings, inputs.surfaces = town.scene, town.buildings, town.surfaces
    if inputs.scene is not None and inputs.now is not None:
        inputs.scene = in_leaf(inputs.scene, inputs.city, inputs.now)
    inputs.readings += [row for row in town.readings if row.role in _TOWN]
    inputs.notes += town.notes[: town.town_notes]
    inputs.fetched |= town.fetched


def _read_official(inputs: Inputs) -> None:
    if inputs.city.official is None:
        inputs.notes.append(_NO_OFFICIAL)
    else:
        inputs.official = _official(inputs, inputs.city.official)


def _read_weather(inputs: Inputs) -> None:
    section, official = inputs.city.weather, inputs.official
    if section is None:
        inputs.weather = Weather(official=official)
        return
    query = WeatherQuery(
        inputs.paths(section.paths),
        inputs.place,
        section.station,
        None if section.station_table is None else inputs.path(section.station_table),
        section.year,
    )
    kind = section.kind or _kind(query.paths)
    series = inputs.take(lambda: weather_source(kind)(query))
    height = section.wind_height or series.wind_height
    inputs.weather = replace(series, official=official, wind_height=height, file=query.paths[0])


def _kind(paths: Sequence[Path]) -> str:
    """Return the kind of weather that the files look like."""
    kinds = {
        role.partition(":")[2] for path in paths for role in roles_of(path) if role.startswith("weather:")
    }
    if len(kinds) == 1:
        return kinds.pop()
    raise InputError(
        Words("気象データの種類を決められません", "the kind of weather file cannot be told"),
        where=", ".join(path.name for path in paths),
        expected=", ".join(WEATHER_SOURCES),
        remedy=Words(
            "city.toml の [weather] kind に書いてください", "Name it in [weather] kind of city.toml."
        ),
    )


def _official(inputs: Inputs, section: OfficialSection) -> OfficialForecast:
    table = None
    if section.station_table is not None:
        path = inputs.path(section.station_table)
        table = inputs.take(lambda: read_stations(path))
    paths, entries = inputs.paths(section.paths), section.stations
    if not entries:
        return inputs.take(lambda: read_forecast(paths, table=table, place=inputs.place, until=inputs.until))
    known = table or {}
    stations = []
    for entry in entries:
        listed = known.get(entry.id, Station(entry.id, entry.id))
        lon = listed.lon if entry.lon is None else entry.lon
        lat = listed.lat if entry.lat is None else entry.lat
        stations.append(Station(entry.id, entry.name or listed.name, lon, lat))
    found = inputs.take(
        lambda: read_forecast(paths, stations, table=table, place=inputs.place, until=inputs.until)
    )
    inputs.doubts.extend(_odd_stations(stations, known, inputs.place))
    weights = np.array([entry.weight for entry in entries])
    return replace(found, weights=tuple(float(weight) for weight in weights / weights.sum()))


def _odd_stations(
    stations: Sequence[Station], known: Mapping[str, Station], place: tuple[float, float] | None
) -> Iterator[Note]:
    """Yield what is strange about named stations: too far to speak for the city, or named like another."""
    for station in stations:
        if station.lon is not None and station.lat is not None and place is not None:
            away = distance_km((station.lon, station.lat), place)
            if away > FARTHEST_KM:
                yield Note.of(
                    "official_far",
                    f"公式値の地点 {station.name}（{station.id}）は {away:.0f} km 離れています",
                    f"the official station {station.name} ({station.id}) is {away:.0f} km away",
                )
        listed = known.get(station.id)
        if listed is not None and station.name not in (station.id, listed.name):
            yield Note.of(
                "official_name",
                f"地点 {station.id} の名称は、地点表では {station.name} ではなく {listed.name} です",
                f"station {station.id} is called {listed.name} in the station table, not {station.name}",
            )


def _read_alerts(inputs: Inputs) -> None:
    section = inputs.city.alerts
    if section is not None:
        paths, until = inputs.paths(section.paths), inputs.until
        inputs.alerts = inputs.take(lambda: read_alerts(paths, section.area, until=until))


def _read_shelters(inputs: Inputs) -> None:
    section = inputs.city.shelters
    if section is None:
        return
    paths, facilities = inputs.paths(section.paths), inputs.paths(section.facilities)
    coordinates = None if section.coordinates is None else inputs.path(section.coordinates)
    bounds = None if inputs.scene is None else inputs.scene.grid.bounds_lonlat
    shelters = inputs.take(
        lambda: read_shelters(
            paths,
            bounds,
            coordinates=coordinates,
            facilities=facilities,
            geocoder=section.geocoder,
            region=inputs.city.city.name,
        )
    )
    inputs.shelters = tuple(shelters)
    placed = [(one.lon, one.lat) for one in shelters if one.lon is not None and one.lat is not None]
    if bounds is not None and placed:
        inside = [bounds[0] <= lon <= bounds[2] and bounds[1] <= lat <= bounds[3] for lon, lat in placed]
        inputs.amend("shelters", covered=round(sum(inside) / len(inside), 4))
    for role, location, read in (
        ("congestion", section.congestion, read_congestion),
        ("equipment", section.equipment, read_equipment),
    ):
        if location is not None:
            inputs.want(role, partial(_read_reports, location=location, read=read, hours=section.valid_hours))


def _read_reports(inputs: Inputs, location: Path | Url, read: ReportReader, hours: float) -> None:
    path = inputs.path(location)
    told = inputs.take(lambda: read(path, inputs.shelters, valid_hours=hours, now=inputs.now))
    inputs.shelters = tuple(told)


def _read_population(inputs: Inputs) -> None:
    section = inputs.city.population
    if section is not None:
        paths = inputs.paths(section.paths)
        crs, year = inputs.city.city.crs, None if inputs.now is None else inputs.now.year
        inputs.population = inputs.take(
            lambda: read_population(paths, crs, layer=section.layer, columns=section.columns, year=year)
        )
        inputs.amend("population", covered=_covered(inputs.population, inputs))


def _read_jurisdictions(inputs: Inputs) -> None:
    section = inputs.city.jurisdictions
    if section is not None:
        paths = inputs.paths(section.paths)
        crs = inputs.city.city.crs
        inputs.jurisdictions = inputs.take(
            lambda: read_jurisdictions(paths, crs, layer=section.layer, name_column=section.name_column)
        )
        inputs.amend("jurisdictions", covered=_covered(inputs.jurisdictions, inputs))


def _covered(areas: gpd.GeoDataFrame, inputs: Inputs) -> float | None:
    """Return the share of the served area that some polygons cover, 0 to 1."""
    if inputs.scene is None:
        return None
    served = box(*inputs.scene.grid.bounds)
    parts = areas.geometry[areas.intersects(served)].intersection(served)
    return round(float(parts.union_all().area / served.area), 4)
