"""Plain hourly weather tables: headers, units, times, encodings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError, UnitsError
from heatrisk.sources.weather.weather_csv import read_weather_csv
from tests.messages import explains

ENGLISH = (
    "time,ta,rh,va,ps,ghi\n2025-08-05T09:00,30.5,60,2.0,1001,600\n2025-08-05T10:00,31.5,55,2.5,1000,700\n"
)
JAPANESE = (
    "観測所,府中\n"
    "\n"
    "日付,時刻,気温（℃）,相対 湿度(％),風速(km/h),現地気圧(hPa),全天日射量(MJ/m2)\n"
    "2025/8/5,23:00,30.5,60,7.2,1001,1.8\n"
    "2025/8/5,24:00,31.5,55,9.0,--,0\n"
)


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "weather.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_standard_headers_in_japan_s_time(tmp_path: Path) -> None:
    weather, reading = read_weather_csv(written(tmp_path, ENGLISH))
    series = weather.series
    assert series is not None
    assert series["time"].values.tolist() == np.array(["2025-08-05T00", "2025-08-05T01"], "M8[ns]").tolist()
    assert series["ta"].values.tolist() == [30.5, 31.5]
    assert set(series.data_vars) == {"ta", "rh", "va", "ps", "ghi"}
    assert (reading.read, reading.used) == (2, 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_japanese_headers_with_units_and_hour_24(tmp_path: Path, encoding: str) -> None:
    text = JAPANESE.replace("--", "－") if encoding != "cp932" else JAPANESE.replace("--", "―")
    series = read_weather_csv(written(tmp_path, text, encoding))[0].series
    assert series is not None
    assert series["time"].values.tolist() == np.array(["2025-08-05T14", "2025-08-05T15"], "M8[ns]").tolist()
    np.testing.assert_allclose(series["va"], [2.0, 2.5])
    np.testing.assert_allclose(series["ghi"], [500.0, 0.0])
    np.testing.assert_allclose(series["ps"], [1001.0, np.nan])


def test_zone_in_the_text_wins(tmp_path: Path) -> None:
    text = ENGLISH.replace("T09:00", "T00:00Z").replace("T10:00", "T10:00+09:00")
    series = read_weather_csv(written(tmp_path, text))[0].series
    assert series is not None
    assert series["time"].values[0] == np.datetime64("2025-08-05T00:00")


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("名称,緯度,経度\n図書館,35,139\n", SourceError, "名称,緯度,経度"),
        (
            "time,rh,va\n2025-08-05T09:00,60,2\n2025-08-05T10:00,60,2\n",
            SourceIncompleteError,
            "air temperature",
        ),
        (
            "日時,温度,湿度\n2025-08-05T09:00,30,60\n2025-08-05T10:00,30,60\n",
            SourceIncompleteError,
            "必要なもの: ta, 気温, temperature, temp, air_temperature, temperature_2m / 実際: 日時,温度,湿度",
        ),
        (ENGLISH.replace("30.5", "warm"), SourceError, "warm"),
        (ENGLISH.replace("T10:00", " 10 o'clock"), SourceError, "10 o'clock"),
        (ENGLISH.replace("T10:00", "T25:00"), SourceError, "T25:00"),
        (ENGLISH.replace("T10:00", "T09:00"), InputError, "09:00 JST → 2025-08-05 09:00 JST"),
        (ENGLISH.replace("T10:00", "T08:00"), InputError, "09:00 JST → 2025-08-05 08:00 JST"),
        (ENGLISH.replace(",1000,700", ""), SourceIncompleteError, "cut off"),
        (ENGLISH.replace(",60,", ",160,"), UnitsError, "160"),
        (ENGLISH.replace(",60,", ",0.6,").replace(",55,", ",1.01,"), UnitsError, "0.6 … 1.01"),
        (ENGLISH.replace("va", "va(furlong)"), UnitsError, "furlong"),
        (ENGLISH.replace("30.5", "303.6"), UnitsError, "303.6"),
        ("time,ta,rh\n2025-08-05T09:00,30,60\n", InputError, "1 row"),
        ("time,ta,rh\n", SourceIncompleteError, "temperature"),
        ("PK\x03\x04\x00\x00", SourceError, "CSV"),
    ],
)
def test_bad_tables_are_explained(tmp_path: Path, text: str, kind: type[HeatRiskError], told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(kind) as caught:
        read_weather_csv(path)
    assert told in explains(caught.value, path)


def test_a_pyranometer_s_night_and_a_hygrometer_s_fog_are_clipped_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "weather.csv"
    file.write_text("time,ta,rh,ghi\n2025-08-05T00:00,25,100.4,-1.5\n2025-08-05T01:00,25,99,0\n")
    weather, reading = read_weather_csv(file)
    assert weather.series is not None
    assert weather.series["ghi"].values.tolist() == [0.0, 0.0]
    assert weather.series["rh"].values.tolist() == [100.0, 99.0]
    assert reading.facts["clipped"] == 2
    file.write_text("time,ta,rh,ghi\n2025-08-05T00:00,25,60,-150\n2025-08-05T01:00,25,60,0\n")
    with pytest.raises(UnitsError):
        read_weather_csv(file)


def test_files_are_joined_in_the_order_of_their_times(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(ENGLISH, encoding="utf-8")
    later = (
        ENGLISH.replace("T10:", "T12:").replace("T09:", "T11:").replace(",ghi", "").replace("va", "va(km/h)")
    )
    (tmp_path / "a.csv").write_text(later.replace(",600", "").replace(",700", ""), encoding="cp932")
    weather, reading = read_weather_csv(tmp_path)
    assert weather.series is not None
    np.testing.assert_allclose(weather.series["va"], [2.0, 2.5, 2.0 / 3.6, 2.5 / 3.6])
    np.testing.assert_array_equal(weather.series["ghi"], [600.0, 700.0, np.nan, np.nan])
    assert (reading.read, reading.used, len(reading.files)) == (4, 4, 2)
    (tmp_path / "c.csv").write_text(ENGLISH, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_weather_csv(tmp_path)
    explains(caught.value, tmp_path)


#: As JMA's download page writes it: rows above the header, each value with its quality, CP932.
DOWNLOADED = """ダウンロードした時刻：2025/08/06 10:00:00

,府中,府中,府中,府中,府中,府中,府中,府中,府中,府中
年月日時,気温(℃),気温(℃),気温(℃),風速(m/s),風速(m/s),風速(m/s),風速(m/s),風速(m/s),相対湿度(％),相対湿度(％)
,,,,,,風向,風向,,,
,,品質情報,均質番号,,品質情報,,品質情報,均質番号,,品質情報
2025/8/5 1:00:00,27.1,8,1,1.2,8,南,8,1,85,8
2025/8/5 2:00:00,26.8,5,1,,1,,1,1,86,8
2025/8/5 3:00:00,99.9,4,1,0.9,8,北,8,1,88,8
2025/8/5 4:00:00,26.1,8,1,0.9,8,北,8,1,88,8
"""


def test_table_of_the_download_page_with_its_quality(tmp_path: Path) -> None:
    weather, reading = read_weather_csv(written(tmp_path, DOWNLOADED, "cp932"))
    series = weather.series
    assert series is not None
    assert series["time"].values[0] == np.datetime64("2025-08-04T16:00")
    np.testing.assert_array_equal(series["ta"], [27.1, 26.8, np.nan, 26.1])
    np.testing.assert_array_equal(series["va"], [1.2, np.nan, 0.9, 0.9])
    assert reading.read == 4


def test_energy_of_ten_minutes(tmp_path: Path) -> None:
    text = "日時,気温,湿度,日射量(MJ/m2)\n2025/8/5 9:00,30,60,0.3\n2025/8/5 9:10,30,60,0.6\n"
    series = read_weather_csv(written(tmp_path, text))[0].series
    assert series is not None
    np.testing.assert_allclose(series["ghi"], [500.0, 1000.0])


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("ldown", ("400", "410")),
        ("LW_IN [W m-2]", ("400", "410")),
        ("surface_downwelling_longwave_flux_in_air", ("400", "410")),
        ("下向き長波放射量(MJ/m2)", ("1.44", "1.476")),
        ("大気放射量（W/m²）", ("400", "410")),
    ],
)
def test_long_wave_radiation_of_the_sky(tmp_path: Path, header: str, cells: tuple[str, str]) -> None:
    text = f"time,ta,rh,{header}\n2025-08-05T09:00,30,60,{cells[0]}\n2025-08-05T10:00,31,60,{cells[1]}\n"
    series = read_weather_csv(written(tmp_path, text))[0].series
    assert series is not None
    np.testing.assert_allclose(series["ldown"], [400.0, 410.0])


def test_long_wave_radiation_that_is_not_the_sky_s_is_refused_with_its_file(tmp_path: Path) -> None:
    path = written(tmp_path, "time,ta,rh,ldown\n2025-08-05T09:00,30,60,580\n2025-08-05T10:00,31,60,600\n")
    with pytest.raises(UnitsError) as caught:
        read_weather_csv(path)
    assert "580" in explains(caught.value, path)


def test_long_wave_radiation_of_minutes_is_averaged(tmp_path: Path) -> None:
    rows = [f"2025-08-05T09:{minute:02},30,60,{400 + minute}" for minute in range(60)]
    series = read_weather_csv(written(tmp_path, "\n".join(["time,ta,rh,ldown", *rows])))[0].series
    assert series is not None
    # The ten minutes that end at 09:10 are the rows 09:01 to 09:10.
    np.testing.assert_allclose(series["ldown"], np.arange(405.5, 446.0, 10.0))
