"""The official forecast: raw and republished forms, hour 24, holes, units, stations by distance."""

from __future__ import annotations

import csv
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatrisk.errors import (
    HeatRiskError,
    InputError,
    SourceError,
    SourceIncompleteError,
    SourceUnavailableError,
    UnitsError,
)
from heatrisk.sources.moe import read_forecast
from heatrisk.sources.stations import read_stations
from heatrisk.weather import Station
from tests.messages import SHARED, explains

ROW = "44116,2025/08/04 23:25, 250, 260, 300, 310"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "yohou_44116.csv"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def stamps(*hours: str) -> str:
    return ",," + ",".join(hours)


def test_raw_file_of_one_station() -> None:
    path = SHARED / "moe" / "yohou_43056.csv"
    if not path.exists():
        pytest.skip(f"{path} is not here")
    forecast, reading = read_forecast(path)
    # Read off the file by eye: first, eighth and last cell, header 2019073115 and 2019080224, issued 14:25.
    assert forecast.values.shape == (1, 20)
    assert forecast.values[0, [0, 7, 19]].tolist() == [31.0, 32.0, 27.0]
    assert forecast.times[0] == pd.Timestamp("2019-07-31 06:00")
    assert forecast.times[3] == pd.Timestamp("2019-07-31 15:00"), "hour 24 is the next day's 00:00 in Japan"
    assert forecast.times[-1] == pd.Timestamp("2019-08-02 15:00")
    assert forecast.issued == (pd.Timestamp("2019-07-31 05:25"),)
    assert (reading.read, reading.used, reading.refused) == (1, 1, ())


#: Republished files of the country, and what their values are to be divided by: seen by their first row.
REPUBLISHED = {"code4sabae_prev15WG_202008061400.csv": 10, "yohou_all_202208241425.csv": 1}


@pytest.mark.parametrize(("name", "divisor"), REPUBLISHED.items())
def test_republished_files_of_the_country_read_completely(name: str, divisor: int) -> None:
    path = SHARED / "moe" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with path.open(encoding="utf-8-sig") as stream:
        rows = list(csv.reader(stream))
    first = next(k for k, cell in enumerate(rows[0]) if cell.isdigit())
    truth = {row[0]: [int(cell) / divisor for cell in row[first:]] for row in rows[1:]}
    forecast, reading = read_forecast(path, list(truth))
    assert len(truth) == 840
    assert forecast.values.tolist() == list(truth.values())
    assert (reading.read, reading.used, reading.facts["values"]) == (840, 840, 840 * 20)
    assert set(forecast.issued) == {
        pd.Timestamp(f"{rows[0][first][:4]}-08-{6 if first == 2 else 24:02}T05:25")
    }
    assert [note.code for note in reading.notes] == ([] if first == 2 else ["official_issue_from_name"])


def test_negative_values_and_hour_24(tmp_path: Path) -> None:
    path = written(
        tmp_path, stamps("2025123121", "2025123124", "2026010103"), "99001,2025/12/31 20:30, -10, -20, 0"
    )
    forecast, _ = read_forecast(path)
    assert forecast.values.tolist() == [[-1.0, -2.0, 0.0]]
    assert forecast.times[1] == pd.Timestamp("2025-12-31 15:00")


def test_stations_in_the_order_asked(tmp_path: Path) -> None:
    path = written(
        tmp_path, stamps("2025080503", "2025080506"),
        "1,2025/08/05 00:25, 250, 260", "2,2025/08/05 01:25, 270, 280",
    )  # fmt: skip
    forecast, reading = read_forecast(path, ["2", "1"])
    assert forecast.values.tolist() == [[27.0, 28.0], [25.0, 26.0]]
    assert [station.id for station in forecast.stations] == ["2", "1"]
    assert (reading.read, reading.used) == (2, 2)


def test_missing_end_shortens_the_horizon_for_all(tmp_path: Path) -> None:
    path = written(
        tmp_path, stamps("2025080503", "2025080506", "2025080509"),
        "1,2025/08/05 00:25, 250, 260, ", "2,2025/08/05 00:25, 250, 260, 270",
    )  # fmt: skip
    forecast, reading = read_forecast(path, ["1", "2"])
    assert forecast.values.shape == (2, 2)
    assert np.isfinite(forecast.values).all()
    assert reading.facts["last"] == "2025-08-04T21:00:00Z"


def test_missing_beginning_shortens_it_too_but_nothing_common_is_an_error(tmp_path: Path) -> None:
    head = stamps("2025080503", "2025080506", "2025080509")
    path = written(
        tmp_path, head, "1,2025/08/05 00:25, , 260, 270", "2,2025/08/05 00:25, 250, 260, ",
        "3,2025/08/05 00:25, , , 270", "4,2025/08/05 00:25, , , ",
    )  # fmt: skip
    forecast, reading = read_forecast(path, ["1", "2"])
    assert forecast.values.tolist() == [[26.0], [26.0]]
    assert reading.facts["first"] == reading.facts["last"] == "2025-08-04T21:00:00Z"
    with pytest.raises(SourceIncompleteError) as apart:
        read_forecast(path, ["2", "3"])
    assert "do not overlap" in explains(apart.value, path)
    with pytest.raises(SourceIncompleteError) as nothing:
        read_forecast(path, ["1", "4"])
    assert "station 4" in explains(nothing.value, path)


def test_hole_names_station_column_and_row(tmp_path: Path) -> None:
    path = written(
        tmp_path, stamps("2025080503", "2025080506", "2025080509"),
        "1,2025/08/05 00:25, 250, 260, 270", "2,2025/08/05 00:25, 250, , 270",
    )  # fmt: skip
    assert read_forecast(path, ["1"])[0].values.shape == (1, 3), "another station's hole does not matter"
    with pytest.raises(SourceIncompleteError) as caught:
        read_forecast(path, ["1", "2"])
    text = explains(caught.value, path)
    assert "station 2" in text
    assert "2025080506" in text
    assert f"{path}:3" in text


@pytest.mark.parametrize(
    ("lines", "kind", "told"),
    [
        (["Day,Hour,44116", "2025/8/5,1:00,24.3"], SourceError, "Day,Hour,44116"),
        (['{"status": "success"}'], SourceError, "status success"),
        (['{"status": '], SourceError, "JSON"),
        (["44116,2025/08/04 23:25, 250"], SourceError, ",,YYYYMMDDHH"),
        ([",,2025080503,2025083206", ROW], SourceError, "2025083206"),
        ([",,2025080503,,2025080506", ROW], SourceError, ",,YYYYMMDDHH"),
        ([",,2025080503,2025080509", ROW], SourceIncompleteError, "2025-08-05 06:00 JST"),
        ([",,2025080503,2025080503", ROW], SourceIncompleteError, "2025080503"),
        ([",,2025080503"], SourceIncompleteError, "no row"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, , "], SourceIncompleteError, "44116"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25"], SourceIncompleteError, "cut off"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, 25"], SourceIncompleteError, "cut off"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, 25O, 260"], SourceError, "25O"),
        ([",,2025080503,2025080506", "44116,yesterday, 250, 260"], SourceError, "yesterday"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, 25, 31"], UnitsError, "310"),
        ([",,2025080503,2025080506", "44116,2025/08/04 23:25, 9999, 310"], UnitsError, "999.9"),
    ],
)
def test_bad_files_are_explained(
    tmp_path: Path, lines: list[str], kind: type[HeatRiskError], told: str
) -> None:
    path = written(tmp_path, *lines)
    with pytest.raises(kind) as caught:
        read_forecast(path)
    assert told in explains(caught.value, path)


def test_station_must_be_named_and_known(tmp_path: Path) -> None:
    path = written(tmp_path, stamps("2025080503"), "1,2025/08/05 00:25, 250", "2,2025/08/05 00:25, 250")
    with pytest.raises(InputError) as several:
        read_forecast(path)
    assert "[official] stations" in explains(several.value, path)
    with pytest.raises(SourceIncompleteError) as unknown:
        read_forecast(path, ["44116"])
    assert "44116" in explains(unknown.value, path)


def test_absent_and_empty_files(tmp_path: Path) -> None:
    absent = tmp_path / "none.csv"
    with pytest.raises(SourceUnavailableError) as caught:
        read_forecast(absent)
    explains(caught.value, absent)
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(SourceError) as nothing:
        read_forecast(empty)
    explains(nothing.value, empty)


def test_a_republished_header_does_not_say_the_unit_so_the_values_do(tmp_path: Path) -> None:
    summer, autumn = "Station Number,2025080503,2025080506", "Station Number,2025110503,2025110506"
    read = {
        (summer, "44116,25,31"): [25.0, 31.0],
        (summer, "44116,250,310"): [25.0, 31.0],
        (summer, "44116,25.5,31"): [25.5, 31.0],
        (autumn, "44116,-5,65"): [-0.5, 6.5],
        (autumn, "44116,5.5,8"): [5.5, 8.0],
    }
    for lines, values in read.items():
        assert read_forecast(written(tmp_path, *lines))[0].values.tolist() == [values], lines
    # 50 may be 5.0 °C on a cold day but hardly 50 °C; 25 may be either.
    assert read_forecast(written(tmp_path, autumn, "44116,25,50"))[0].values.tolist() == [[2.5, 5.0]]
    for lines in ((autumn, "44116,25,31"), (summer, "44116,25,50"), (summer, "44116,250.5,310")):
        path = written(tmp_path, *lines)
        with pytest.raises(UnitsError) as caught:
            read_forecast(path)
        assert "degrees or tenths" in explains(caught.value, path)


def test_degrees_under_the_ministry_s_header_are_refused(tmp_path: Path) -> None:
    """In spring no season gives them away, but the Ministry's tenths are multiples of ten."""
    head = stamps("2025040503", "2025040506")
    path = written(tmp_path, head, "44116,2025/04/04 23:25, 17, 21", "44132,2025/04/04 23:25, 20, 10")
    for stations in (["44116"], ["44132"]):
        with pytest.raises(UnitsError) as caught:
            read_forecast(path, stations)
        assert "10 … 21" in explains(caught.value, path)
    cold = written(tmp_path, head, "44116,2025/04/04 23:25, 20, -10")
    assert read_forecast(cold)[0].values.tolist() == [[2.0, -1.0]]
    fine = written(tmp_path, head, "44116,2025/04/04 23:25, 25, 215")
    assert read_forecast(fine)[0].values.tolist() == [[2.5, 21.5]]


def test_an_unstated_issue_time_is_that_in_the_name_or_the_earliest_possible(
    tmp_path: Path,
) -> None:
    lines = "Station Number,2025080503,2025080506\n44116,25,31\n"
    cases = {
        "plain.csv": ("2025-08-04T15:00", "official_issue_inferred"),
        "yohou_all_202508042325.csv": ("2025-08-04T14:25", "official_issue_from_name"),
        "yohou_all_201908042325.csv": ("2025-08-04T15:00", "official_issue_inferred"),
    }
    for name, (issued, code) in cases.items():
        path = tmp_path / name
        path.write_text(lines, encoding="utf-8-sig")
        forecast, reading = read_forecast(path)
        assert forecast.issued == (pd.Timestamp(issued),), name
        assert [note.code for note in reading.notes] == [code]
        assert reading.as_of is not None
        assert reading.as_of.isoformat() == f"{issued}:00+00:00"


@pytest.mark.parametrize("columns", [1, 18, 26, 60])
def test_any_number_of_columns(tmp_path: Path, columns: int) -> None:
    times = pd.date_range("2025-08-05T03:00", periods=columns, freq="3h")
    heads = [f"{t:%Y%m%d%H}" if t.hour else f"{t - pd.Timedelta(days=1):%Y%m%d}24" for t in times]
    path = written(tmp_path, stamps(*heads), "44116,2025/08/05 02:25," + ",".join([" 250"] * columns))
    assert read_forecast(path)[0].times.equals(times - pd.Timedelta(hours=9))


def test_two_prefectures_are_read_as_one_on_their_common_instants(tmp_path: Path) -> None:
    tokyo, kanagawa = tmp_path / "yohou_tokyo.csv", tmp_path / "yohou_kanagawa.csv"
    tokyo.write_text(
        stamps("2025080503", "2025080506", "2025080509") + "\n1,2025/08/05 00:25, 250, 260, 270\n"
    )
    kanagawa.write_text(
        stamps("2025080506", "2025080509", "2025080512") + "\n2,2025/08/05 03:25, 280, 290, 300\n"
    )
    forecast, reading = read_forecast([tokyo, kanagawa], ["1", "2"])
    assert forecast.values.tolist() == [[26.0, 27.0], [28.0, 29.0]]
    assert forecast.times[0] == pd.Timestamp("2025-08-04T21:00")
    assert (reading.read, reading.used, len(reading.files)) == (2, 2, 2)
    assert reading.facts["issued"] == "2025-08-04T18:25:00Z"
    assert reading.as_of is not None
    assert reading.as_of.isoformat() == "2025-08-04T15:25:00+00:00", "the older of two issues"


def test_the_newest_forecast_counts_and_contradictions_are_refused(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in ("a.csv", "b.csv", "c.csv"))
    old.write_text(stamps("2025080503", "2025080506") + "\n1,2025/08/05 00:25, 250, 260\n")
    new.write_text(stamps("2025080503", "2025080506") + "\n1,2025/08/05 01:25, 270, 280\n")
    other.write_text(stamps("2025080503", "2025080506") + "\n1,2025/08/05 01:25, 270, 290\n")
    forecast, reading = read_forecast([old, new, new])
    assert forecast.values.tolist() == [[27.0, 28.0]]
    assert reading.facts["superseded"] == 1
    with pytest.raises(SourceError) as caught:
        read_forecast(tmp_path)
    text = explains(caught.value, other)
    assert f"{new}:2" in text
    assert "2025080506" in text
    twice = written(tmp_path, stamps("2025080503"), "1,2025/08/05 00:25, 250", "1,2025/08/05 00:25, 260")
    with pytest.raises(SourceError) as doubled:
        read_forecast(twice)
    assert f"{twice}:2" in explains(doubled.value, twice)


def test_files_in_a_zip_are_read_where_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "yohou.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr(
            "in/yohou_44116.csv", "\ufeff" + stamps("2025080503") + "\r\n44116,2025/08/05 00:25, 250\r\n"
        )
    assert read_forecast(path)[0].values.tolist() == [[25.0]]


PLACE = (139.560, 35.683)
TABLE = {
    "44116": Station("44116", "府中", 139.4833, 35.6833),
    "44071": Station("44071", "練馬", 139.5917, 35.7383),
    "43266": Station("43266", "所沢", 139.4150, 35.7733),
}


def test_stations_are_chosen_by_distance_unless_named(tmp_path: Path) -> None:
    path = written(
        tmp_path, stamps("2025080503"),
        "43266,2025/08/05 00:25, 250", "44071,2025/08/05 00:25, 260", "44116,2025/08/05 00:25, 280",
    )  # fmt: skip
    forecast, reading = read_forecast(path, table=TABLE, place=PLACE)
    assert forecast.stations == (TABLE["44071"], TABLE["44116"])
    near, far = forecast.weights
    assert 0.5 < near < 0.52
    assert near + far == pytest.approx(1.0)
    assert forecast.at(forecast.times).tolist() == [round(near * 26 + far * 28, 2)]
    assert reading.facts["distance_km"] == {
        "44071": pytest.approx(6.8, abs=0.1),
        "44116": pytest.approx(6.9, abs=0.1),
    }
    assert reading.facts["weights"] == [round(near, 4), round(far, 4)]
    assert (reading.read, reading.used) == (3, 2)
    named, _ = read_forecast(path, ["43266"], table=TABLE, place=PLACE)
    assert named.stations == (TABLE["43266"],)


def test_a_file_of_another_prefecture_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, stamps("2025080503"), "44116,2025/08/05 00:25, 250")
    with pytest.raises(InputError) as far:
        read_forecast(path, table=TABLE, place=(135.5, 34.7))
    assert "府中" in explains(far.value, path)
    with pytest.raises(InputError) as unknown:
        read_forecast(path, table={"1": Station("1", "1", 139.5, 35.7)}, place=PLACE)
    assert "44116" in explains(unknown.value, path)


def test_mitaka_gets_nerima_and_fuchu_from_the_real_files() -> None:
    table, path = (
        SHARED / "amedas" / "amedastable_yyousuke2024.json",
        SHARED / "moe" / "yohou_all_202208241425.csv",
    )
    if not (table.exists() and path.exists()):
        pytest.skip(f"{table} or {path} is not here")
    forecast, reading = read_forecast(path, table=read_stations(table)[0], place=PLACE)
    assert [station.name for station in forecast.stations] == ["練馬", "府中"]
    assert forecast.weights == pytest.approx((0.506, 0.494), abs=0.001)
    # Read off the file by eye: the first cells of rows 44071 and 44116.
    assert forecast.values[:, 0].tolist() == [29.0, 30.0]
    assert reading.read == 840


WHOLE = (stamps("2025080503", "2025080506", "2025080509") + f"\n{ROW[:-5]}\n").encode()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(WHOLE)), st.binary(max_size=6), st.integers(0, 8))
def test_damaged_files_end_in_an_error_that_names_them(
    tmp_path: Path, at: int, inserted: bytes, cut: int
) -> None:
    path = tmp_path / "yohou.csv"
    path.write_bytes(WHOLE[:at] + inserted + WHOLE[at + cut :])
    try:
        forecast, _ = read_forecast(path)
    except (SourceError, InputError) as error:
        explains(error, path)
    else:
        assert ((forecast.values >= -40) & (forecast.values <= 50)).all()
