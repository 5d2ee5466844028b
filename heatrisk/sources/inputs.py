"""What was read for a city: its town, weather, alerts, shelters, and the record of every file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import geopandas as gpd

from heatrisk.alerts import AlertBulletin
from heatrisk.city import City
from heatrisk.city.location import Url, masked
from heatrisk.errors import HeatRiskError, InputError, SourceError
from heatrisk.heat import Surfaces
from heatrisk.scene import Scene
from heatrisk.shelters import Shelter
from heatrisk.sources.reading import Reading
from heatrisk.sources.web import Download
from heatrisk.sources.web.address import expanded
from heatrisk.weather import OfficialForecast, Weather
from heatrisk.words import JST, Note, Words

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


class Fetching(Protocol):
    """What gives files from the web, or the copies of them that a run kept."""

    def fetch(self, url: str) -> Download:
        """Return the file at an address."""

    def approved(self, url: str) -> Download | None:
        """Return the copy of an address from which a run was last made, where it is young enough."""

    def approve(self, downloads: Iterable[Download]) -> None:
        """Remember that a run was made from these."""


@dataclass
class Inputs:
    """What was read for a city, gathered source by source.

    Parameters
    ----------
    city : City
        The city file.
    downloads : Fetching, optional
        Fetches sources from the web; without it an address is an error.
    go_on : bool
        Collect errors and read the remaining files (for a check) instead of raising the first.
    now : datetime.datetime, optional
        The clock, with zone.
    progress : callable, optional
        Told of the files of the buildings, the largest source.
    past : bool
        The clock stands on a day gone by: what was issued later is not looked at.
    root : pathlib.Path, optional
        Folder under which the files of this computer lie by their full paths, for a replay.
    readings : list of Reading
        One record a source, in the order of reading.
    failed : list of (str, HeatRiskError)
        What a run stops at, with the role of its source.
    lacking : list of Lack
        What could not be read but is not needed for the heat itself.
    notes : list of Note
        What had to be assumed for want of a file.
    doubts : list of Note
        What is less than good: old copies in place of what the web did not give.
    absent : mapping
        Why a source is known to be missing, by its role; it is not looked for.
    fetched : dict
        Downloads by their path on disk.
    troubles : dict
        Why an old copy stands in, by the address without its keys.
    buildings : geopandas.GeoDataFrame, optional
        The buildings that matter, in the city's coordinates.
    scene : Scene, optional
        The town; None where one of its files could not be read.
    surfaces : Surfaces, optional
        Its ground and walls.
    weather : Weather, optional
        Official forecast and weather series; None where one could not be read.
    official : OfficialForecast, optional
        The official forecast alone.
    alerts : AlertBulletin, optional
        The official alerts for the city's forecast area, drills included.
    shelters : tuple of Shelter
        The cooling shelters.
    town_notes : int
        So many of the notes are of the town.
    population, jurisdictions : geopandas.GeoDataFrame, optional
        Residents by mesh, and the districts that reports are made for.
    """

    city: City
    downloads: Fetching | None = None
    go_on: bool = False
    now: datetime | None = None
    progress: Progress | None = None
    past: bool = False
    root: Path | None = None
    readings: list[Reading] = field(default_factory=list)
    failed: list[tuple[str, HeatRiskError]] = field(default_factory=list)
    lacking: list[Lack] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    doubts: list[Note] = field(default_factory=list)
    absent: Mapping[str, Words] = field(default_factory=dict)
    fetched: dict[Path, Download] = field(default_factory=dict)
    troubles: dict[str, Words] = field(default_factory=dict)
    buildings: gpd.GeoDataFrame | None = None
    scene: Scene | None = None
    surfaces: Surfaces | None = None
    weather: Weather | None = None
    alerts: AlertBulletin | None = None
    official: OfficialForecast | None = None
    shelters: tuple[Shelter, ...] = ()
    population: gpd.GeoDataFrame | None = None
    jurisdictions: gpd.GeoDataFrame | None = None
    town_notes: int = 0
    _asked: list[Url] = field(default_factory=list, repr=False)
    _stand_ins: dict[Url, Download] = field(default_factory=dict, repr=False)

    @property
    def until(self) -> datetime | None:
        """The instant after which nothing had been issued yet, for a day gone by."""
        return self.now if self.past else None

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
            return self._on_disk(location)
        if self.now is not None:
            location = Url(expanded(location, self.now))
        if self.downloads is None:
            raise InputError(
                Words("この操作では URL を読みません", "addresses on the web are not read here"),
                where=masked(location),
            )
        download = self._stand_ins.get(location) or self.downloads.fetch(location)
        self.fetched[download.path] = download
        if download.trouble is not None:
            self.troubles[download.url] = download.trouble
            kept = Note("source_kept", download.trouble)
            if kept not in self.doubts:
                self.doubts.append(kept)
        elif location not in self._asked:
            self._asked.append(location)
        return download.path

    def _on_disk(self, path: Path) -> Path:
        """Return a path with its times filled in, moved under the folder of a replay."""
        if self.now is not None:
            path = Path(expanded(str(path), self.now))
        return path if self.root is None else self.root / path.relative_to("/")

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

    def need(self, role: str, read: Callable[[Inputs], None]) -> None:
        """Read what no run can do without."""
        try:
            self._read(read)
        except HeatRiskError as error:
            if not self.go_on:
                raise
            self.failed.append((role, error))

    def want(self, role: str, read: Callable[[Inputs], None]) -> None:
        """Read what a run is better with; without it, it goes on and says so."""
        try:
            if role in self.absent:
                raise SourceError(self.absent[role])
            self._read(read, role)
        except HeatRiskError as error:
            self.lacking.append(Lack(role, error))

    def _read(self, read: Callable[[Inputs], None], role: str = "") -> None:
        """Read a source; where the web gave something unusable, the copy of the last good run."""
        marks = {name: len(getattr(self, name)) for name in ("readings", "notes", "doubts", "lacking")}
        asked, self._asked = self._asked, []
        try:
            read(self)
        except SourceError as error:
            stand_ins = self._approved(told(role, error))
            if not stand_ins:
                raise
            for name, length in marks.items():
                setattr(self, name, getattr(self, name)[:length])
            self._stand_ins |= stand_ins
            with suppress(HeatRiskError):
                read(self)
                return
            raise error from None
        finally:
            self._asked = asked

    def _approved(self, trouble: Words) -> dict[Url, Download]:
        """Return the copies of the last good run for the addresses of a source that cannot be used."""
        assert self.downloads is not None or not self._asked
        found = {}
        for location in self._asked:
            good = self.downloads.approved(location) if self.downloads is not None else None
            if good is None or good.path in self.fetched:
                continue
            since = good.fetched.astimezone(JST)
            said = Words(
                f"{trouble.ja}。{since:%Y-%m-%d %H:%M} に取得したものを使います",
                f"{trouble.en}; the copy of {since:%Y-%m-%d %H:%M} JST is used",
            )
            found[location] = replace(good, fresh=False, trouble=said)
        return found

    @property
    def errors(self) -> list[HeatRiskError]:
        """What a run stops at."""
        return [error for _, error in self.failed]

    def kept(self) -> list[Download]:
        """Return the downloads that some source was read from."""
        return [
            download
            for download in self.fetched.values()
            if any(_used(download, reading) for reading in self.readings)
        ]

    def original(self, path: Path) -> Path:
        """Return where a file of this computer lay when the run was first made."""
        return path if self.root is None else Path("/") / path.relative_to(self.root)

    @staticmethod
    def _origin(download: Download) -> dict[str, Any]:
        return {
            "url": download.url,
            "fetched": f"{download.fetched:%Y-%m-%dT%H:%M:%SZ}",
            "fresh": download.fresh,
        }


def _used(download: Download, reading: Reading) -> bool:
    return any(file.sha256 == download.sha256 for file in reading.files)


def told(role: str, error: HeatRiskError) -> Words:
    """Return why a source could not be read, as everybody may know it.

    The name of an alert file and its cells may tell of a drill, or of an alert before its time: of these
    only what kind of trouble it is and what helps, with the section of the city file in place of the name.

    Parameters
    ----------
    role : str
        What the source is to the city.
    error : HeatRiskError
        Why it could not be read.
    """
    # Why a source of a replay is absent has been told like this before: it names no file.
    place = None if error.where is None else "[alerts]"
    said = HeatRiskError(error.what, where=place, remedy=error.remedy) if role == "alerts" else error
    return Words(said.text("ja", public=True), said.text("en", public=True))
