"""AMeDAS: both kinds of file, the station, quality, gaps, sunshine; real files where they are at hand."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError
from heatrisk.forcing import forcing
from heatrisk.sources.query import WeatherQuery
from heatrisk.sources.weather.amedas import read_amedas
from heatrisk.steps import step_times
from tests.messages import SHARED, explains

START = datetime(2025, 8, 5, 9)  # Japan's time
MITAKA = (139.56, 35.683)
TABLE = {
    "44116": {"elems": "11112010", "lat": [35, 41.0], "lon": [139, 29.0], "alt": 59, "kjName": "府中"},
    "44132": {"elems": "11111111", "lat": [35, 41.5], "lon": [139, 45.0], "alt": 25, "kjName": "東京"},
    "67401": {"elems": "11112010", "lat": [34, 34.0], "lon": [133, 14.0], "alt": 41, "kjName": "府中"},
}


def record(**changes: Any) -> dict[str, Any]:
    good = {
        "temp": [30.0, 0], "humidity": [60, 0], "wind": [3.0, 0], "windDirection": [8, 0],
        "sun10m": [10, 0], "sun1h": [1.0, 0], "precipitation10m": [0.0, 0],
    }  # fmt: skip
    return good | {name: value for name, value in changes.items() if value != ()}


def stamp(row: int, minutes: int) -> str:
    return f"{START + timedelta(minutes=row * minutes):%Y%m%d%H%M%S}"


def maps(folder: Path, rows: list[dict[str, Any] | None], minutes: int = 60) -> WeatherQuery:
    """Write one map an instant, with Fuchu and Tokyo in it; None leaves an instant out."""
    for row, changes in enumerate(rows):
        if changes is not None:
            content = {"44116": record(**changes), "44132": record(temp=[31.0, 0], pressure=[1005.0, 0])}
            (folder / f"{stamp(row, minutes)}.json").write_text(json.dumps(content), encoding="utf-8")
    return WeatherQuery((folder,), MITAKA, None, table(folder.parent))


def table(folder: Path) -> Path:
    path = folder / "amedastable.json"
    path.write_text(json.dumps(TABLE), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inner = tmp_path / "map"
    inner.mkdir()
    return inner


def test_maps_of_the_nearest_station(folder: Path) -> None:
    weather, reading = read_amedas(maps(folder, [{}, {"temp": [31.5, 0]}, {"wind": [4.5, 0]}]))
    series = weather.series
    assert series is not None
    assert series["time"].values[0] == np.datetime64("2025-08-05T00:00")
    assert series["ta"].values.tolist() == [30.0, 31.5, 30.0]
    assert series["va"].values.tolist() == [3.0, 3.0, 4.5]
    assert "ps" not in series
    assert weather.source == "気象庁アメダス 府中 (44116)"
    assert weather.issued == pd.Timestamp("2025-08-05T02:00")
    assert reading.as_of == datetime(2025, 8, 5, 2, tzinfo=UTC)
    assert reading.facts["station"] == "44116"
    assert 6.5 < reading.facts["distance_km"] < 7.5, "published as 7.2 km from the centre of Mitaka"
    assert (reading.read, reading.used, len(reading.files)) == (3, 3, 4)


def test_maps_lie_in_a_zip_too(folder: Path, tmp_path: Path) -> None:
    query = maps(folder, [{}, {}, {}])
    path = tmp_path / "maps.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"map/{file.name}")
    packed = read_amedas(WeatherQuery((path,), MITAKA, None, query.station_table))[0].series
    assert packed is not None
    assert packed.identical(read_amedas(query)[0].series)


@pytest.mark.parametrize("station", ["44132", "東京"])
def test_the_named_station_is_used(folder: Path, station: str) -> None:
    query = maps(folder, [{}, {}])
    weather, reading = read_amedas(WeatherQuery(query.paths, MITAKA, station, query.station_table))
    assert weather.series is not None
    assert weather.series["ta"].values.tolist() == [31.0, 31.0]
    assert weather.series["ps"].values.tolist() == [1005.0, 1005.0]
    assert reading.facts["station_name"] == "東京"


def test_of_two_stations_with_one_name_the_nearer_counts(folder: Path) -> None:
    query = maps(folder, [{}, {}])
    reading = read_amedas(WeatherQuery(query.paths, MITAKA, "府中", query.station_table))[1]
    assert reading.facts["station"] == "44116"
    with pytest.raises(SourceError, match="44116, 67401"):
        read_amedas(WeatherQuery(query.paths, None, "府中", query.station_table))


def test_a_station_without_humidity_is_passed_over(folder: Path) -> None:
    weather, reading = read_amedas(maps(folder, [{"humidity": [None, 6]}, {"humidity": [60, 5]}]))
    assert weather.source == "気象庁アメダス 東京 (44132)"
    assert reading.facts["passed_over"] == ["44116"]


def test_a_named_station_without_humidity_is_refused_and_the_next_is_told(folder: Path) -> None:
    query = maps(folder, [{"humidity": [None, None]}, {"humidity": [0, None]}])
    with pytest.raises(SourceIncompleteError) as caught:
        read_amedas(WeatherQuery(query.paths, MITAKA, "44116", query.station_table))
    assert "東京 (44132)" in explains(caught.value, folder)


def test_a_station_file_tells_its_station_in_its_rows_or_its_folder(tmp_path: Path) -> None:
    for name, extra in (("a", {"prefNumber": 44, "observationNumber": 132}), ("44132", {})):
        path = tmp_path / name / "20250805_09.json"
        path.parent.mkdir()
        content = {stamp(row, 10): record(pressure=[1001.0 + row, 0]) | extra for row in range(18)}
        path.write_text(json.dumps(content), encoding="utf-8")
        weather, reading = read_amedas(WeatherQuery((path,), MITAKA))
        assert weather.series is not None
        assert reading.facts["station"] == "44132"
        assert reading.facts["interval_minutes"] == 10
        assert weather.series["ps"].values.tolist() == [1001.0 + row for row in range(18)]


def test_a_station_file_without_station_needs_it_named(tmp_path: Path) -> None:
    path = tmp_path / "20250805_09.json"
    path.write_text(json.dumps({stamp(row, 10): record() for row in range(3)}), encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_amedas(path)
    explains(caught.value, path)
    assert read_amedas(WeatherQuery((path,), None, "44116"))[1].facts["station"] == "44116"


@pytest.mark.parametrize(
    "bad", [[None, 6], [35.0, 5], [35.0, None], [None, 0], [35.0], 35.0, ["35", 0], [True, 0], [10**400, 0]]
)
def test_only_quality_0_counts_and_a_short_gap_is_interpolated(folder: Path, bad: Any) -> None:
    weather, reading = read_amedas(maps(folder, [{}, {"temp": bad}, {"temp": [34.0, 0]}]))
    assert weather.series is not None
    assert weather.series["ta"].values.tolist() == [30.0, 32.0, 34.0]
    assert reading.facts["filled"] == {"ta": 1}
    assert [note.code for note in reading.notes if note.code == "weather_gaps_filled"]


def test_gaps_of_an_hour_are_filled_and_longer_ones_stay(folder: Path) -> None:
    """Ten-minute files: six instants are an hour, seven are more."""
    rows: list[dict[str, Any] | None] = [{"temp": [20.0 + row, 0]} for row in range(30)]
    rows[3:9] = [None] * 6
    rows[15:22] = [None] * 7
    weather, reading = read_amedas(maps(folder, rows, minutes=10))
    assert weather.series is not None
    ta = weather.series["ta"].values
    np.testing.assert_allclose(ta[:15], 20.0 + np.arange(15))
    assert np.isnan(ta[15:22]).all()
    assert (reading.read, reading.used) == (17, 17)
    assert reading.facts["filled"]["ta"] == 6
    assert reading.facts["missing"]["ta"] == 7


def test_a_single_instant_between_the_rows_is_left_out_and_counted(folder: Path) -> None:
    query = maps(folder, [{}] * 5)
    (folder / "20250805102000.json").write_text(
        json.dumps({"44116": record(temp=[50.0, 0])}), encoding="utf-8"
    )
    weather, reading = read_amedas(query)
    assert weather.series is not None
    assert weather.series["ta"].values.tolist() == [30.0] * 5
    assert reading.facts["off_axis"] == 1


def test_radiation_follows_the_sunshine(folder: Path) -> None:
    """Ångström: none 0.25, full 0.75 of what arrives above the air; about noon in August near 1250 W m-2."""
    weather, reading = read_amedas(maps(folder, [{"sun1h": [h, 0]} for h in (1.0, 1.0, 1.0, 0.0, 0.5)]))
    assert weather.series is not None
    ghi = weather.series["ghi"].values
    assert 0.73 * 1200 < ghi[2] < 0.77 * 1280
    assert 0.24 * 1200 < ghi[3] < 0.26 * 1280
    assert [note.code for note in reading.notes] == ["radiation_from_sunshine"]


def test_at_night_no_sunshine_needs_to_be_known(folder: Path) -> None:
    for hour in (22, 23):
        content = {"44116": record(sun1h=[None, 5])}
        (folder / f"20250805{hour}0000.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "20250805210000.json").write_text(
        json.dumps({"44116": record(sun1h=[0.0, 0])}), encoding="utf-8"
    )
    series = read_amedas(WeatherQuery((folder,), MITAKA))[0].series
    assert series is not None
    assert series["ghi"].values.tolist() == [0.0, 0.0, 0.0]


def test_without_position_or_at_three_hours_there_is_no_radiation(folder: Path) -> None:
    query = maps(folder, [{}, {}, {}])
    series = read_amedas(WeatherQuery(query.paths, None, "44116"))[0].series
    assert series is not None
    assert "ghi" not in series
    for path in folder.iterdir():
        path.unlink()
    series = read_amedas(maps(folder, [{}, {}, {}], minutes=180))[0].series
    assert series is not None
    assert "ghi" not in series, "an hour's sunshine says nothing of the other two"


def test_other_files_in_the_folder_are_refused_and_told(folder: Path) -> None:
    query = maps(folder, [{}, {}])
    table(folder)
    (folder / "latest.json").write_text(json.dumps({"44116": record()}), encoding="utf-8")
    (folder / "20250805120000.json").write_text('{"44116": {"temp": [3', encoding="utf-8")
    (folder / "list.json").write_text("[1, 2]", encoding="utf-8")
    reading = read_amedas(query)[1]
    assert reading.used == 2
    assert [Path(refusal.where).name for refusal in reading.refused] == [
        "20250805120000.json", "amedastable.json", "latest.json", "list.json",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "kind", "told"),
    [
        ([{}], InputError, "1 row"),
        ([{}, {}, *[None] * 9, {}, {}], SourceIncompleteError, "2025-08-05 10:00 JST"),
        ([{"temp": [99.0, 0]}, {}], InputError, "99"),
    ],
)
def test_bad_series_are_explained(
    folder: Path, rows: list[dict[str, Any] | None], kind: type[HeatRiskError], told: str
) -> None:
    with pytest.raises(kind) as caught:
        read_amedas(maps(folder, rows))
    assert told in explains(caught.value, folder)


@pytest.mark.parametrize("station", [None, "44999"])
def test_a_station_that_is_not_told_or_not_there(folder: Path, station: str | None) -> None:
    query = maps(folder, [{}, {}])
    with pytest.raises(SourceError) as caught:
        read_amedas(WeatherQuery(query.paths, None, station))
    explains(caught.value, folder)


@pytest.mark.parametrize(
    "content", [{"99990101000000": record()}, {"20250230090000": record()}, {"44116": 1}, {}]
)
def test_absurd_content_is_explained(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "99991231000000.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_amedas(path)
    explains(caught.value, path)


REAL = SHARED / "amedas"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason=f"no real AMeDAS files: {REAL} is absent")


@needs_real
@pytest.mark.parametrize(
    ("station", "ta", "rh", "va"), [("44116", 29.0, 55.0, 4.5), ("44071", 30.1, 49.0, 1.8)]
)
def test_real_map(tmp_path: Path, station: str, ta: float, rh: float, va: float) -> None:
    """Fuchu 29.0 °C, 55 %, 4.5 m/s and Nerima 30.1 °C, 49 %, as read off the map with the eye."""
    content = (REAL / "map_20250628180000.json").read_bytes()
    for name in ("20250628180000.json", "20250628190000.json"):
        (tmp_path / name).write_bytes(content)
    query = WeatherQuery((tmp_path,), MITAKA, station, REAL / "amedastable_yyousuke2024.json")
    weather, reading = read_amedas(query)
    assert weather.series is not None
    first = weather.series.isel(time=0)
    assert first["time"].values == np.datetime64("2025-06-28T09:00")
    assert [float(first[name]) for name in ("ta", "rh", "va")] == [ta, rh, va]
    assert 6.0 < reading.facts["distance_km"] < 8.0


@needs_real
def test_real_station_file() -> None:
    query = WeatherQuery((REAL / "point_block.json",), MITAKA, None, REAL / "amedastable_yyousuke2024.json")
    weather, reading = read_amedas(query)
    assert weather.series is not None
    assert (reading.facts["station_name"], reading.used) == ("東京", 18)
    assert weather.series["time"].values[0] == np.datetime64("2024-11-23T09:00")
    assert weather.series["ps"].values[[0, 3]].tolist() == [1016.3, 1016.9]
    assert (weather.series["ghi"].values == 0.0).all(), "18:00 to 21:00 in November"


@needs_real
def test_real_nulls(tmp_path: Path) -> None:
    content = (REAL / "map_with_null_values.json").read_bytes()
    for name in ("20250628180000.json", "20250628190000.json"):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceIncompleteError) as caught:
        read_amedas(WeatherQuery((tmp_path,), MITAKA, "44132", REAL / "amedastable_yyousuke2024.json"))
    assert "pressure, sun10m, sun1h, visibility" in explains(caught.value, tmp_path)
    assert "humidity, " not in caught.value.text("en"), "what is null was not observed"


def test_observations_every_ten_minutes_drive_a_run(folder: Path) -> None:
    weather, _ = read_amedas(maps(folder, [{}] * 37, minutes=10))
    steps, _ = step_times(weather)
    result = forcing(weather, steps, *MITAKA, anchor=False)
    assert list(steps) == [pd.Timestamp("2025-08-05T03:00")]
    assert np.isfinite(result.data["ghi"].values).all()
    assert {"ps_assumed", "diffuse_split"} == {note.code for note in result.notes}
