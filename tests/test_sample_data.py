"""The sample town: its script repeats it, and it is a plausible suburb on a plausible hot day."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pvlib
import pytest
import rasterio
import shapely

from heatrisk.city import read_city

SAMPLE = Path(__file__).resolve().parents[1] / "sample_data"
MADE = (
    "footprints.gpkg", "dem.tif", "canopy.tif", "land_cover.tif",
    "yohou_hinata.csv", "open_meteo.json", "shelters.csv",
)  # fmt: skip
WEST, SOUTH, EAST, NORTH = TOWN = (-25270.0, -35600.0, -24270.0, -34600.0)


@pytest.fixture(scope="module")
def remade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    script = [sys.executable, "-B", SAMPLE / "make_town.py", folder]
    subprocess.run(script, check=True, timeout=300, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def footprints() -> gpd.GeoDataFrame:
    return gpd.read_file(SAMPLE / "footprints.gpkg")


@pytest.fixture(scope="module")
def weather() -> pd.DataFrame:
    answer = json.loads((SAMPLE / "open_meteo.json").read_text(encoding="utf-8"))
    assert answer["utc_offset_seconds"] == 32400 and answer["hourly_units"]["wind_speed_10m"] == "m/s"
    hourly = pd.DataFrame(answer["hourly"])
    return hourly.set_index(pd.to_datetime(hourly.pop("time")).dt.tz_localize("Asia/Tokyo"))


@pytest.fixture(scope="module")
def forecast() -> pd.Series:
    head, row = (SAMPLE / "yohou_hinata.csv").read_text(encoding="ascii").splitlines()
    days, hours = zip(*((cell[:8], int(cell[8:])) for cell in head.split(",")[2:]), strict=True)
    times = pd.DatetimeIndex(days).tz_localize("Asia/Tokyo") + pd.to_timedelta(hours, unit="h")
    return pd.Series([int(cell) / 10 for cell in row.split(",")[2:]], index=times)


def band(path: Path) -> npt.NDArray[np.float64]:
    with rasterio.open(path) as raster:
        assert raster.crs.to_epsg() == 6677
        return np.asarray(raster.read(1), dtype=np.float64)


def test_script_writes_exactly_the_made_files(remade: Path) -> None:
    assert sorted(path.name for path in remade.iterdir()) == sorted(MADE)


@pytest.mark.parametrize("name", ["yohou_hinata.csv", "shelters.csv"])
def test_script_repeats_the_tables(remade: Path, name: str) -> None:
    assert (remade / name).read_bytes() == (SAMPLE / name).read_bytes()


def test_script_repeats_the_footprints(remade: Path, footprints: gpd.GeoDataFrame) -> None:
    again = gpd.read_file(remade / "footprints.gpkg")
    columns = ["id", "measuredHeight", "storeysAboveGround", "usage"]
    pd.testing.assert_frame_equal(pd.DataFrame(again[columns]), pd.DataFrame(footprints[columns]))
    assert shapely.equals_exact(again.geometry.array, footprints.geometry.array, tolerance=0.011).all()


@pytest.mark.parametrize(("name", "step"), [("dem.tif", 0.011), ("canopy.tif", 0), ("land_cover.tif", 0)])
def test_script_repeats_the_rasters(remade: Path, name: str, step: float) -> None:
    # A centre within a rounding error of an edge may fall on either side with another geometry library.
    differs = np.abs(band(remade / name) - band(SAMPLE / name)) > step
    assert differs.mean() < 1e-4


def test_script_repeats_the_weather(remade: Path, weather: pd.DataFrame) -> None:
    again = json.loads((remade / "open_meteo.json").read_text(encoding="utf-8"))["hourly"]
    for name in weather:
        np.testing.assert_allclose(again[name], weather[name], atol=1.0 if "humidity" in str(name) else 0.11)


def test_committed_data_stay_small() -> None:
    assert sum((SAMPLE / name).stat().st_size for name in MADE) < 1_500_000


def test_town_has_many_buildings_of_believable_height(footprints: gpd.GeoDataFrame) -> None:
    assert footprints.crs.to_epsg() == 6677
    assert list(footprints.columns) == ["id", "measuredHeight", "storeysAboveGround", "usage", "geometry"]
    assert len(footprints) >= 1200 and footprints["id"].is_unique
    storey = footprints["measuredHeight"] / footprints["storeysAboveGround"]
    assert storey.between(2.8, 5.5).all()
    assert (footprints["measuredHeight"] > 58).sum() == 1
    assert footprints["measuredHeight"].between(42, 58).sum() >= 1
    houses = footprints[footprints["usage"] == "住宅"]
    assert len(houses) > 0.85 * len(footprints)
    assert houses["measuredHeight"].quantile([0.1, 0.9]).between(6, 11).all()
    assert footprints.geometry.area.between(30, 3000).all()


def test_buildings_are_valid_inside_the_town_and_do_not_overlap(footprints: gpd.GeoDataFrame) -> None:
    shapes = footprints.geometry.array
    assert shapely.is_valid(shapes).all()
    assert shapely.within(shapes, shapely.box(*TOWN)).all()
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    shared = shapely.area(shapely.intersection(shapes[one[one < other]], shapes[other[one < other]]))
    assert shared.size == 0 or shared.max() < 0.05


def test_residential_blocks_are_as_dense_as_a_suburb(footprints: gpd.GeoDataFrame) -> None:
    """A hectare of houses and their streets is a third roof or more in a Tokyo suburb."""
    homes = band(SAMPLE / "land_cover.tif").reshape(10, 100, 10, 100)
    roof = (homes == 2).mean(axis=(1, 3))
    column = ((footprints.geometry.centroid.x - WEST) // 100).astype(int)
    row = ((NORTH - footprints.geometry.centroid.y) // 100).astype(int)
    low = footprints["usage"].isin(["住宅", "共同住宅"]) & footprints["storeysAboveGround"].le(4)
    kinds = low.groupby([row, column]).agg(["all", "size"])
    pure = kinds.index[kinds["all"] & (kinds["size"] >= 35)]
    cover = [roof[square] for square in pure]
    assert len(cover) >= 20
    assert 0.33 < np.median(cover) < 0.45
    assert 0.22 < roof.mean() < 0.40


def test_rasters_agree_with_the_footprints(footprints: gpd.GeoDataFrame) -> None:
    cover, canopy = band(SAMPLE / "land_cover.tif"), band(SAMPLE / "canopy.tif")
    assert set(np.unique(cover)) == {1, 2, 5, 6, 7}
    assert (cover == 2).mean() == pytest.approx(footprints.geometry.area.sum() / 1e6, abs=0.005)
    assert not canopy[cover == 2].any()
    assert 12 <= canopy.max() <= 22 and 0.03 < (canopy > 0).mean() < 0.15
    for name in ("land_cover.tif", "canopy.tif"):
        with rasterio.open(SAMPLE / name) as raster:
            assert tuple(raster.bounds) == TOWN and raster.res == (1.0, 1.0)


def test_terrain_is_gentle_and_reaches_beyond_the_town() -> None:
    terrain = band(SAMPLE / "dem.tif")
    with rasterio.open(SAMPLE / "dem.tif") as raster:
        assert tuple(raster.bounds) == (WEST - 300, SOUTH - 300, EAST + 300, NORTH + 300)
    town = terrain[60:-60, 60:-60]
    assert 3 <= np.ptp(town) <= 6 and 45 < town.mean() < 55
    assert np.abs(np.diff(terrain, axis=0)).max() < 0.5


def test_shelters_stand_in_public_buildings(footprints: gpd.GeoDataFrame) -> None:
    path = SAMPLE / "shelters.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 and len({row["名称"] for row in rows}) == 8
    lon, lat = ([float(row[name]) for row in rows] for name in ("経度", "緯度"))
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat, crs="EPSG:6668")).to_crs(footprints.crs)
    inside = gpd.sjoin(points, footprints, predicate="within")
    assert len(inside) == 8 and not inside["usage"].isin(["住宅", "共同住宅"]).any()
    assert sum(row["クーリングシェルターの指定"] == "〇" for row in rows) == 6
    assert any(not row["開始時間"] and row["開放可能日等(開館時間等)"] for row in rows)


def test_forecast_has_the_published_form(forecast: pd.Series) -> None:
    text = (SAMPLE / "yohou_hinata.csv").read_bytes()
    assert b"\r" not in text and text.endswith(b"\n") and text.startswith(b",,2025080506,")
    head, row = text.decode("ascii").splitlines()
    assert row.startswith("99001,2025/08/05 04:25, ")
    hours = [int(cell[8:]) for cell in head.split(",")[2:]]
    assert hours == [*range(6, 25, 3), *range(3, 25, 3), *range(3, 25, 3)]
    assert all(cell.startswith(" ") and int(cell) % 10 == 0 for cell in row.split(",")[2:])
    days = forecast.groupby((forecast.index - pd.Timedelta(hours=1)).day).max()
    assert days[5] in (32, 33) and days[6] in (33, 34) and days[6] > days[5] > days[7] + 1
    assert forecast.min() >= 24


def test_weather_covers_every_window_of_the_forecast(weather: pd.DataFrame, forecast: pd.Series) -> None:
    assert (weather.index.to_series().diff().dropna() == pd.Timedelta(hours=1)).all()
    assert weather.index[0] <= forecast.index[0] - pd.Timedelta(hours=12)
    assert weather.index[-1] >= forecast.index[-1] + pd.Timedelta(hours=12)
    assert weather.notna().all(axis=None)
    assert weather["temperature_2m"].between(24, 36).all()
    assert weather["relative_humidity_2m"].between(50, 96).all()
    assert weather["wind_speed_10m"].between(1, 4.5).all()


def test_radiation_closes_with_the_sun(weather: pd.DataFrame) -> None:
    """Over an hour ghi = dhi + mean of dni cos(zenith); high sun changes little within it."""
    minutes = pd.date_range(weather.index[0] - pd.Timedelta("59.5min"), periods=60 * len(weather), freq="min")
    zenith = pvlib.solarposition.get_solarposition(minutes, 35.683, 139.560)["apparent_zenith"].to_numpy()
    cosz = np.maximum(np.cos(np.radians(zenith)), 0).reshape(-1, 60).mean(axis=1)
    radiation = weather[["shortwave_radiation", "direct_normal_irradiance", "diffuse_radiation"]]
    ghi, dni, dhi = (radiation[name] for name in radiation)
    assert (radiation[cosz == 0] == 0).all(axis=None)
    high = cosz > 0.3
    np.testing.assert_allclose((dhi + dni * cosz)[high], ghi[high], atol=8)
    noon = weather.index.hour == 12
    assert dni[noon].iloc[1:3].gt(600).all() and dni[noon].iloc[3] < 150  # two clear days, then cloud


def test_forecast_and_weather_tell_the_same_story(weather: pd.DataFrame, forecast: pd.Series) -> None:
    """Ono & Tonouchi (2014) on the hourly weather is within 1 degC of the forecast's whole degrees."""
    at = weather.loc[forecast.index]
    ta, rh, sr = at["temperature_2m"], at["relative_humidity_2m"], at["shortwave_radiation"] / 1000
    wbgt = 0.735 * ta + 0.0374 * rh + 0.00292 * ta * rh + 7.619 * sr - 4.557 * sr**2
    wbgt = wbgt - 0.0572 * at["wind_speed_10m"] - 4.064
    assert (wbgt - forecast).abs().max() < 1.1
    assert abs((wbgt - forecast).mean()) < 0.3


def test_city_file_is_valid_and_every_key_is_explained() -> None:
    city = read_city(SAMPLE / "city.toml")
    assert city.city.sample and city.official is not None and city.weather is not None
    assert city.terrain and city.trees and city.ground.land_cover and city.shelters
    sections = [city.buildings, city.terrain, city.trees, city.official, city.weather, city.shelters]
    named = [city.ground.land_cover, *(path for section in sections for path in section.paths)]
    assert all(path.is_file() for path in named)
    lines = (SAMPLE / "city.toml").read_text(encoding="utf-8").splitlines()
    keys = [n for n, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    explained = [n for n in keys if lines[n - 1].startswith("#") or lines[n - 1].startswith("name =")]
    assert keys == explained
