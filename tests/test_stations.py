"""Tables of stations, and the stations that stand for a place."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.errors import InputError, SourceError
from heatrisk.sources.stations import choose, read_stations
from heatrisk.weather import Station
from tests.messages import SHARED, explains

#: Kilometres in a degree of latitude at 35.5° N on GRS 80, from its radius of curvature there: 110.95.
DEGREE_KM = (
    6378.137 * (1 - 0.00669438) / (1 - 0.00669438 * math.sin(math.radians(35.5)) ** 2) ** 1.5 * math.pi / 180
)


def north(km: float, number: str = "1", elevation: float | None = None) -> Station:
    return Station(number, f"S{number}", 139.0, 35.5 + km / DEGREE_KM, elevation)


def chosen(*stations: Station, available: set[str] | None = None) -> list[tuple[str, float]]:
    table = {station.id: station for station in stations}
    return [(station.id, weight) for station, weight in choose(table, (139.0, 35.5), available)]


def test_the_nearest_and_those_within_half_as_far_again_count() -> None:
    found = chosen(north(12, "3"), north(-9.1, "2"), north(6, "1"), north(8.9, "4"))
    assert [number for number, _ in found] == ["1", "4"]
    assert found[0][1] / found[1][1] == pytest.approx(8.9 / 6, rel=1e-3), "inverse distance"


def test_three_at_most_and_the_far_ones_alone() -> None:
    assert [n for n, _ in chosen(*(north(10 + k / 10, str(k)) for k in range(5)))] == ["0", "1", "2"]
    assert chosen(north(40)) == [("1", 1.0)]
    assert chosen(north(0), north(0.5, "2")) == [("1", 1.0)], "a station in the place itself"


def test_only_stations_with_values_and_at_the_height_of_the_nearest() -> None:
    near, far = north(5, "1", 50.0), north(6, "2", 60.0)
    assert chosen(near, far, available={"2", "9"}) == [("2", 1.0)]
    assert [n for n, _ in chosen(near, north(6, "2", 400.0), north(7, "3", 340.0), north(7.1, "4"))] == [
        "1",
        "3",
        "4",
    ]


@given(st.lists(st.floats(-49, 49), min_size=1, max_size=12))
def test_weights_sum_to_one_and_fall_with_distance(offsets: list[float]) -> None:
    found = chosen(*(north(km, str(k)) for k, km in enumerate(offsets)))
    weights = [weight for _, weight in found]
    assert math.isclose(math.fsum(weights), 1.0, abs_tol=1e-12)
    assert weights == sorted(weights, reverse=True)
    assert 1 <= len(found) <= 3


def test_no_station_near_is_told(tmp_path: Path) -> None:
    for stations in ([north(51)], [Station("1", "S1")], []):
        with pytest.raises(InputError) as caught:
            choose({station.id: station for station in stations}, (139.0, 35.5), where=tmp_path)
        explains(caught.value, tmp_path)


JMA = {
    "44116": {
        "elems": "11112010",
        "lat": [35, 41.0],
        "lon": [139, 29.0],
        "alt": 59,
        "kjName": "府中",
        "enName": "Fuchu",
    },
    "44126": {"elems": "01000000", "lat": [35, 37.6], "lon": [139, 37.2], "alt": 35, "kjName": "世田谷"},
    "9": {"elems": "11112010", "lat": [-35, 30.0], "lon": [139, 0.0], "enName": "South"},
    "8": {"elems": "11112010", "lat": [35, 61.0], "lon": [139, 29.0], "kjName": "分"},
    "7": {"elems": "11112010", "kjName": "位置なし"},
    "6": None,
}


def test_table_of_the_meteorological_agency(tmp_path: Path) -> None:
    path = tmp_path / "amedastable.json"
    path.write_text(json.dumps(JMA), encoding="utf-8")
    stations, reading = read_stations(path)
    fuchu = stations["44116"]
    assert (fuchu.name, fuchu.elevation) == ("府中", 59.0)
    assert (fuchu.lon, fuchu.lat) == pytest.approx((139 + 29 / 60, 35 + 41 / 60))
    assert stations["9"].lat == -35.5
    assert stations["9"].name == "South"
    assert set(stations) == {"44116", "9"}
    assert [refusal.where for refusal in reading.refused] == ["8", "7", "6"]
    assert (reading.read, reading.used, reading.facts["without_temperature"]) == (6, 2, 1)


def test_table_of_the_ministry_of_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "wbgt_point_master.csv"
    path.write_text(
        "地方, 地点番号, 観測所名, Latitude, Latitude_3, Longitude, Longitude_4, End Year-End Month-End Day\n"
        "九州, 88836, 名瀬, 28, 22.7, 129, 29.7, 2025-03-31\n"
        "東北, 36126, 福島, 37, 45.5, 140, 28.2, 2021-03-18\n"
        "東北, 36127, 福島, 37, 45.5, 140, 28.2, 2021-03-18\n"
        "東北, 36127, 福島, 37, 46.0, 140, 28.0, 9999-99-99\n"
        "東北, 36127, 福島, 37, 50.0, 140, 28.0, 9999-99-99\n"
        "東北, , 福島, 37, 46.0, 140, 28.0, 9999-99-99\n",
        encoding="utf-8-sig",
    )
    stations, reading = read_stations(path)
    assert stations["36127"].lat == pytest.approx(37 + 46.0 / 60), "where it stands today"
    assert stations["36126"].name == "福島", "files of its time still name it"
    assert [refusal.where for refusal in reading.refused] == ["6", "7"]
    assert reading.facts["closed"] == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_plain_table(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "stations.csv"
    path.write_text(
        "観測所一覧\n\n地点番号,地点名,経度,緯度\n44116,府中,139.48,３５.68\n1,,,\n", encoding=encoding
    )
    stations, reading = read_stations(path)
    assert stations == {"44116": Station("44116", "府中", 139.48, 35.68)}
    assert [refusal.where for refusal in reading.refused] == ["5"]


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"a": 1}', '{"1": {"lat": ', "id,name\n1,a\n", "id,lon,lat\n1,200,95\n"]
)
def test_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "stations.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_stations(path)
    explains(caught.value, path)


def test_the_real_table_reads_completely() -> None:
    path = SHARED / "amedas" / "amedastable_yyousuke2024.json"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    rows = json.loads(path.read_text(encoding="utf-8"))
    stations, reading = read_stations(path)
    warm = {number for number, row in rows.items() if row["elems"][0] != "0"}
    assert set(stations) == warm
    assert (reading.read, reading.used, reading.refused) == (1295, len(warm), ())
    nearest = choose(stations, (139.560, 35.683))
    assert [station.name for station, _ in nearest] == ["練馬", "府中"]
