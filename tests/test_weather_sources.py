"""The contract of every registered source of weather, and the register itself."""

from __future__ import annotations

import json
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

import heatrisk.sources.weather as sources
from heatrisk.errors import InputError, SourceError, SourceIncompleteError, SourceUnavailableError
from heatrisk.sources.query import WeatherQuery, distance_km
from heatrisk.sources.weather import WEATHER_SOURCES, weather_source
from tests import test_amedas, test_epw
from tests.messages import explains

SAMPLE = Path(__file__).resolve().parents[1] / "sample_data"


def good(kind: str, folder: Path) -> Path:
    """Return a file that the source reads."""
    if kind == "open-meteo":
        return SAMPLE / "open_meteo.json"
    if kind == "epw":
        return test_epw.written(folder, test_epw.day(2018, 8, 5))
    path = folder / {"csv": "weather.csv", "amedas": "44116/20250805_09.json"}[kind]
    path.parent.mkdir(exist_ok=True)
    rows = {test_amedas.stamp(row, 10): test_amedas.record() for row in range(3)}
    path.write_text(
        json.dumps(rows)
        if kind == "amedas"
        else "time,ta,rh\n2025-08-05T09:00,30,60\n2025-08-05T10:00,31,58\n",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("kind", WEATHER_SOURCES)
def test_every_source_returns_weather_and_a_record(kind: str, tmp_path: Path) -> None:
    path = good(kind, tmp_path)
    weather, reading = weather_source(kind)(WeatherQuery((path,), (139.56, 35.68), "44116", None, 2018))
    assert {"first", "last", "interval_minutes", "missing"} <= set(reading.facts)
    assert weather.series is not None
    assert {"ta", "rh"} <= set(weather.series.data_vars)
    assert weather.source
    assert (reading.role, reading.path, reading.bytes) == ("weather", path, path.stat().st_size)
    assert reading.used == weather.series.sizes["time"] <= reading.read
    assert len(reading.sha256) == 64


@pytest.mark.parametrize("kind", WEATHER_SOURCES)
@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02", b"\xff\xfe\x00", b"PK\x03\x04zip", b"{}", b"a,b\n1,2\n", b'"' * 300_000]
)
def test_every_source_explains_what_it_cannot_read(kind: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        weather_source(kind)(path)
    explains(caught.value, path)


@pytest.mark.parametrize("kind", WEATHER_SOURCES)
def test_every_source_explains_an_absent_file(kind: str, tmp_path: Path) -> None:
    for path, error in ((tmp_path / "none", SourceUnavailableError), (tmp_path, SourceIncompleteError)):
        with pytest.raises(error) as caught:
            weather_source(kind)(WeatherQuery((path,)))
        explains(caught.value, path)


@pytest.mark.parametrize("kind", WEATHER_SOURCES)
def test_a_bare_path_will_do_for_researchers(kind: str, tmp_path: Path) -> None:
    path = good(kind, tmp_path)
    bare, asked = (weather_source(kind)(query)[0].series for query in (path, WeatherQuery((path,))))
    assert bare is not None
    assert bare.identical(asked)


def test_distance_along_the_ground() -> None:
    """One degree of latitude at 36 degrees north: 110.96 km, by the series of the meridian's length."""
    assert distance_km((139.0, 35.5), (139.0, 36.5)) == pytest.approx(110.96, abs=0.02)


def test_unknown_kind_lists_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as caught:
        weather_source("crystal ball")
    assert "open-meteo, csv, amedas, epw" in caught.value.text("ja")
    assert "[weather] kind" in caught.value.text("en")


def test_third_party_source_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("house", "heatrisk.sources.weather.weather_csv:read_weather_csv", sources.ENTRY_POINTS)
    asked: list[str] = []

    def installed(*, group: str) -> EntryPoints:
        asked.append(group)
        return EntryPoints([entry])

    monkeypatch.setattr(sources, "entry_points", installed)
    assert weather_source("house") is WEATHER_SOURCES["csv"]
    assert asked == ["heatrisk.weather_sources"]


def test_underscore_counts_as_hyphen() -> None:
    assert weather_source("open_meteo") is weather_source("open-meteo")
