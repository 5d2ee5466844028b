"""What a reader of weather is asked: files, and the place, station or year that is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyproj import Geod

from heatrisk.sources.files import Member, members, on_disk
from heatrisk.sources.reading import Reading
from heatrisk.words import Note

_EARTH = Geod(ellps="GRS80")


@dataclass(frozen=True)
class WeatherQuery:
    """One question to a source of weather; a reader uses the parts that its format needs.

    Parameters
    ----------
    paths : tuple of pathlib.Path
        Files, folders, zips or patterns; at least one.
    place : tuple of float, optional
        Longitude and latitude [degrees] of the city's centre.
    station : str, optional
        Number or name of the station to use.
    station_table : pathlib.Path, optional
        Where the stations' positions stand, see :func:`heatrisk.sources.stations.read_stations`.
    year : int, optional
        Calendar year that a typical year is laid on.
    """

    paths: tuple[Path, ...]
    place: tuple[float, float] | None = None
    station: str | None = None
    station_table: Path | None = None
    year: int | None = None

    @classmethod
    def of(cls, asked: WeatherQuery | Path) -> WeatherQuery:
        """Return the question that a bare path stands for, or the question itself."""
        return asked if isinstance(asked, WeatherQuery) else cls((asked,))

    def opened(self, *suffixes: str) -> tuple[list[Member], Reading]:
        """Return the files that the question names, and the beginning of their record.

        Parameters
        ----------
        *suffixes : str
            Endings that count in folders and zips, lower case with dot.

        Raises
        ------
        SourceError
            A path does not exist, holds no such file, or cannot be read.
        """
        found = members(self.paths, suffixes)
        return found, Reading.of("weather", *on_disk(found), named=self.paths[0])


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the length of the geodesic between two places.

    Parameters
    ----------
    one, other : tuple of float
        Longitude and latitude [degrees].

    Returns
    -------
    float
        Distance [km].
    """
    return float(_EARTH.inv(*one, *other)[2]) / 1000.0


def far_notes(km: float | None, limit: float) -> tuple[Note, ...]:
    """Return a doubt where weather comes from farther away than its kind should.

    Parameters
    ----------
    km : float, optional
        Distance of the weather's place from the city's [km]; None where it is unknown.
    limit : float
        Distance that needs no remark [km].
    """
    if km is None or km <= limit:
        return ()
    return (
        Note.of(
            "weather_far",
            f"気象データの地点は市の中心から {km:.0f} km 離れています",
            f"the weather is that of a place {km:.0f} km from the city's centre",
        ),
    )


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names in the form in which messages list them."""
    return ", ".join(names[:most]) + (f", … ({len(names)})" if len(names) > most else "")
