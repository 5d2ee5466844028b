"""The contract of every registered source of weather, and the register itself."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

import heatrisk.sources as sources
from heatrisk.errors import InputError, SourceError, SourceUnavailableError
from heatrisk.sources import WEATHER_SOURCES, weather_source
from tests.messages import explains

SAMPLE = Path(__file__).resolve().parents[1] / "sample_data"

#: A file that each source reads, in the project.
GOOD = {"open-meteo": SAMPLE / "open_meteo.json", "csv": None}


@pytest.mark.parametrize("kind", WEATHER_SOURCES)
def test_every_source_returns_weather_and_a_record(kind: str, tmp_path: Path) -> None:
    path = GOOD[kind]
    if path is None:
        path = tmp_path / "weather.csv"
        path.write_text("time,ta,rh\n2025-08-05T09:00,30,60\n2025-08-05T10:00,31,58\n", encoding="utf-8")
    weather, reading = weather_source(kind)(path)
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
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(SourceUnavailableError) as caught:
            weather_source(kind)(path)
        explains(caught.value, path)


def test_unknown_kind_lists_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as caught:
        weather_source("crystal ball")
    assert "open-meteo, csv" in caught.value.text("ja")
    assert "[weather] kind" in caught.value.text("en")


def test_third_party_source_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("house", "heatrisk.sources.weather_csv:read_weather_csv", sources.ENTRY_POINTS)
    asked: list[str] = []

    def installed(*, group: str) -> EntryPoints:
        asked.append(group)
        return EntryPoints([entry])

    monkeypatch.setattr(sources, "entry_points", installed)
    assert weather_source("house") is WEATHER_SOURCES["csv"]
    assert asked == ["heatrisk.weather_sources"]


def test_underscore_counts_as_hyphen() -> None:
    assert weather_source("open_meteo") is weather_source("open-meteo")
