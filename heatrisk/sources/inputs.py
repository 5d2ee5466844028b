"""What was read for a city: its town, weather, alerts, shelters, and the record of every file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import geopandas as gpd

from heatrisk.alerts import AlertBulletin
from heatrisk.city import City
from heatrisk.city.location import Url, masked
from heatrisk.errors import HeatRiskError, InputError
from heatrisk.scene import Scene
from heatrisk.shelters import Shelter
from heatrisk.sources.reading import Reading
from heatrisk.sources.web import Download, Downloads
from heatrisk.weather import Weather
from heatrisk.words import Note, Words

T = TypeVar("T")

#: Called with files read and all files.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Lack:
    """A source that could not be read and that a run can do without.

    Parameters
    ----------
    role : str
        What it is to the city: ``"shelters"``, ``"alerts"``, …
    error : HeatRiskError
        Why.
    """

    role: str
    error: HeatRiskError


@dataclass
class Inputs:
    """What was read for a city, gathered source by source.

    Parameters
    ----------
    city : City
        The city file.
    downloads : Downloads, optional
        Fetches sources from the web; without it an address is an error.
    go_on : bool
        Collect errors and read the remaining files (for a check) instead of raising the first.
    now : datetime.datetime, optional
        The clock, with zone.
    progress : callable, optional
        Told of the files of the buildings, the largest source.
    readings : list of Reading
        One record a source, in the order of reading.
    errors : list of HeatRiskError
        What a run stops at.
    lacking : list of Lack
        What could not be read but is not needed for the heat itself.
    notes : list of Note
        What had to be assumed for want of a file.
    doubts : list of Note
        What is less than good: old copies in place of what the web did not give.
    fetched : dict
        Downloads by their path on disk.
    buildings : geopandas.GeoDataFrame, optional
        The buildings that matter, in the city's coordinates.
    scene : Scene, optional
        The town; None where one of its files could not be read.
    weather : Weather, optional
        Official forecast and weather series; None where one could not be read.
    alerts : AlertBulletin, optional
        The official alerts for the city's forecast area, drills included.
    shelters : tuple of Shelter
        The cooling shelters.
    population, jurisdictions : geopandas.GeoDataFrame, optional
        Residents by mesh, and the districts that reports are made for.
    """

    city: City
    downloads: Downloads | None = None
    go_on: bool = False
    now: datetime | None = None
    progress: Progress | None = None
    readings: list[Reading] = field(default_factory=list)
    errors: list[HeatRiskError] = field(default_factory=list)
    lacking: list[Lack] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    doubts: list[Note] = field(default_factory=list)
    fetched: dict[Path, Download] = field(default_factory=dict)
    buildings: gpd.GeoDataFrame | None = None
    scene: Scene | None = None
    weather: Weather | None = None
    alerts: AlertBulletin | None = None
    shelters: tuple[Shelter, ...] = ()
    population: gpd.GeoDataFrame | None = None
    jurisdictions: gpd.GeoDataFrame | None = None

    @property
    def place(self) -> tuple[float, float] | None:
        """Longitude and latitude of the middle of the city, as far as it is known [degrees]."""
        if self.scene is not None:
            return self.scene.grid.centre_lonlat
        if self.city.city.bounds is None:
            return None
        west, south, east, north = self.city.city.bounds
        return ((west + east) / 2, (south + north) / 2)

    def path(self, location: Path | Url) -> Path:
        """Return a source's file on disk, fetched first where it lies on the web.

        Raises
        ------
        SourceUnavailableError
            The web does not give it, and no copy is fresh enough to stand in.
        """
        if isinstance(location, Path):
            return location
        if self.downloads is None:
            raise InputError(
                Words("この操作では URL を読みません", "addresses on the web are not read here"),
                where=masked(location),
            )
        download = self.downloads.fetch(location)
        self.fetched[download.path] = download
        kept = None if download.trouble is None else Note("source_kept", download.trouble)
        if kept is not None and kept not in self.doubts:
            self.doubts.append(kept)
        return download.path

    def paths(self, locations: Iterable[Path | Url]) -> tuple[Path, ...]:
        """Return the files of several locations."""
        return tuple(self.path(location) for location in locations)

    def take(self, read: Callable[[], tuple[T, Reading]]) -> T:
        """Read a source and keep its record."""
        value, reading = read()
        web = [self._origin(download) for download in self.fetched.values() if _used(download, reading)]
        if web:
            reading = replace(reading, facts={**reading.facts, "web": web})
        self.readings.append(reading)
        self.notes.extend(reading.notes)
        return value

    def amend(self, role: str, **changes: Any) -> None:
        """Complete the record of a source with what only its neighbours tell."""
        self.readings = [replace(row, **changes) if row.role == role else row for row in self.readings]

    def need(self, read: Callable[[Inputs], None]) -> None:
        """Read what no run can do without."""
        try:
            read(self)
        except HeatRiskError as error:
            if not self.go_on:
                raise
            self.errors.append(error)

    def want(self, role: str, read: Callable[[Inputs], None]) -> None:
        """Read what a run is better with; without it, it goes on and says so."""
        try:
            read(self)
        except HeatRiskError as error:
            self.lacking.append(Lack(role, error))

    def kept(self) -> list[Download]:
        """Return the downloads that some source was read from."""
        return [
            download
            for download in self.fetched.values()
            if any(_used(download, reading) for reading in self.readings)
        ]

    @staticmethod
    def _origin(download: Download) -> dict[str, Any]:
        return {
            "url": download.url,
            "fetched": f"{download.fetched:%Y-%m-%dT%H:%M:%SZ}",
            "fresh": download.fresh,
        }


def _used(download: Download, reading: Reading) -> bool:
    return any(file.sha256 == download.sha256 for file in reading.files)
