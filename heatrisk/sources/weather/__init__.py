"""Weather over time, by kind of file.

A new provider is one file and one row of :data:`WEATHER_SOURCES`; a third party registers its reader under
the entry point group ``heatrisk.weather_sources``. A reader takes a
:class:`~heatrisk.sources.query.WeatherQuery`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from types import MappingProxyType

from heatrisk.errors import InputError
from heatrisk.sources.query import WeatherQuery
from heatrisk.sources.reading import Reading
from heatrisk.sources.weather.amedas import read_amedas
from heatrisk.sources.weather.epw import read_epw
from heatrisk.sources.weather.open_meteo import read_open_meteo
from heatrisk.sources.weather.weather_csv import read_weather_csv
from heatrisk.weather import Weather
from heatrisk.words import Words

WeatherReader = Callable[[WeatherQuery], tuple[Weather, Reading]]

#: Readers of weather by the name that ``[weather] kind`` in the city file gives.
WEATHER_SOURCES: Mapping[str, WeatherReader] = MappingProxyType(
    {
        "open-meteo": read_open_meteo,
        "csv": read_weather_csv,
        "amedas": read_amedas,
        "epw": read_epw,
    }
)

ENTRY_POINTS = "heatrisk.weather_sources"


def weather_source(kind: str) -> WeatherReader:
    """Return the reader of one kind of weather.

    Parameters
    ----------
    kind : str
        A row of :data:`WEATHER_SOURCES` (``_`` counts as ``-``), or the name of an installed entry point.

    Raises
    ------
    InputError
        Neither knows the name.
    """
    known = kind.replace("_", "-")
    if known in WEATHER_SOURCES:
        return WEATHER_SOURCES[known]
    others = entry_points(group=ENTRY_POINTS)
    if kind in others.names:
        reader: WeatherReader = others[kind].load()
        return reader
    raise InputError(
        Words(f"気象データの種類 {kind} は登録されていません", f"no weather source is called {kind}"),
        expected=", ".join([*WEATHER_SOURCES, *sorted(others.names)]),
        got=kind,
        remedy=Words("city.toml の [weather] kind を直してください", "Correct [weather] kind in city.toml."),
    )
