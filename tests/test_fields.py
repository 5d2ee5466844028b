"""The sun against a published example, and shade with labels on the right cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pvlib
import pytest
import xarray as xr
from affine import Affine

from heatrisk.fields import diffuse_of, sky_parts, sky_view, sky_views, sun_path, sunlit, sunshine_ghi
from heatrisk.grid import Grid
from heatrisk.physics.shadow import ShadeScene, shade_scene

MITAKA = (139.56, 35.68)


def test_sun_position_of_the_spa_example() -> None:
    # Reda & Andreas (2004), table A5.1: 17 October 2003, 12:30:30 in UTC-7; topocentric zenith and azimuth.
    # Their air has 820 hPa and 11 °C, ours the standard pressure: 0.004 degrees of refraction.
    sun = sun_path(pd.DatetimeIndex(["2003-10-17T19:30:30"]), -105.1786, 39.742476)
    assert float(sun["zenith"][0]) == pytest.approx(50.11162, abs=0.006)
    assert float(sun["azimuth"][0]) == pytest.approx(194.34024, abs=0.002)


def test_sun_stands_in_the_south_at_local_noon() -> None:
    # 5 August: equation of time -5 min 57 s (Astronomical Almanac), so noon at 139.56° E is 02:47.7 UTC.
    sun = sun_path(pd.DatetimeIndex(["2025-08-05T02:47:42"]), *MITAKA)
    assert float(sun["azimuth"][0]) == pytest.approx(180.0, abs=0.5)
    # Declination 16.9°: 35.68 - 16.9.
    assert float(sun["zenith"][0]) == pytest.approx(18.8, abs=0.2)


@pytest.mark.parametrize("place", [MITAKA, (-70.0, -33.4), (25.0, 69.9)])
def test_the_sun_stands_where_pvlib_says(place: tuple[float, float]) -> None:
    times = pd.date_range("2024-12-31T12:10", periods=3 * 24, freq="20min")
    plain = pvlib.solarposition.get_solarposition(times.tz_localize("UTC"), place[1], place[0])
    sun = sun_path(times, *place)
    np.testing.assert_allclose(sun["zenith"], plain["apparent_zenith"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(sun["azimuth"], plain["azimuth"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("start", ["2023-12-30", "2024-02-28", "2024-12-30"])
def test_clear_sky_has_the_turbidity_of_its_days(start: str) -> None:
    times = pd.date_range(start, periods=4 * 24, freq="h")
    sun, zoned = sun_path(times, *MITAKA), times.tz_localize("UTC")
    plain = pvlib.location.Location(MITAKA[1], MITAKA[0]).get_clearsky(
        zoned, solar_position=pvlib.solarposition.get_solarposition(zoned, MITAKA[1], MITAKA[0])
    )
    for name in ("ghi", "dni", "dhi"):
        np.testing.assert_allclose(sun[name], plain[name], rtol=1e-9)


def test_clear_sky_closes_and_is_dark_at_night() -> None:
    times = pd.date_range("2025-08-04T15:05", periods=144, freq="10min")
    sun = sun_path(times, *MITAKA)
    day = sun["zenith"].values < 85.0
    closed = sun["dni"].values * np.cos(np.radians(sun["zenith"].values)) + sun["dhi"].values
    np.testing.assert_allclose(sun["ghi"].values[day], closed[day], rtol=0, atol=0.5)
    for name in ("ghi", "dni", "dhi"):
        assert (sun[name].values[sun["zenith"].values > 91.0] == 0.0).all()
        assert np.isfinite(sun[name].values).all()
    assert 700.0 < float(sun["dni"].max()) < 1000.0


@pytest.mark.parametrize("kt, share", [(0.1, 0.991), (0.5, 0.65915), (0.9, 0.165)])
def test_diffuse_after_erbs(kt: float, share: float) -> None:
    # Erbs et al. (1982), eq. 1: 1 - 0.09 kt; a quartic in kt; 0.165. Above the atmosphere, 5 August:
    # 1366.1 (1 + 0.033 cos(2 pi 217 / 365)) = 1328 W m-2 on a plane normal to the sun.
    path = xr.Dataset({"zenith": ("time", [60.0])}, coords={"time": pd.DatetimeIndex(["2025-08-05T04:00"])})
    ghi = xr.DataArray([kt * 1328.0 * 0.5], dims="time", coords=path.coords)
    dhi = diffuse_of(ghi, path)
    np.testing.assert_allclose(dhi.values, share * ghi.values, rtol=5e-3)
    assert dhi.attrs["units"] == "W m-2"


@pytest.fixture(scope="module")
def wall() -> tuple[ShadeScene, Grid]:
    """Build a wall of 10 m in the middle of 8 x 8 cells of 5 m."""
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, 0.0, 0.0, -5.0, 40.0), (8, 8))
    roof = np.full((40, 40), np.nan, np.float32)
    roof[:, 20:25] = 10.0
    return shade_scene(np.zeros((40, 40), np.float32), roof, cell_size=1.0, factor=5), grid


@pytest.mark.parametrize("azimuth, shaded, lit", [(90.0, 3, 5), (270.0, 5, 3)])
def test_shade_lies_away_from_the_sun(
    wall: tuple[ShadeScene, Grid], azimuth: float, shaded: int, lit: int
) -> None:
    share = sunlit(*wall, 45.0, azimuth)
    assert (share.isel(x=shaded) == 0.0).all()
    assert (share.isel(x=lit) == 1.0).all()
    assert np.isnan(share.isel(x=4)).all()


def test_labels(wall: tuple[ShadeScene, Grid]) -> None:
    for array in (sunlit(*wall, 45.0, 90.0), sky_view(*wall, 0.15)):
        assert array.dims == ("y", "x")
        np.testing.assert_array_equal(array["y"], np.arange(37.5, 0.0, -5.0))
        np.testing.assert_array_equal(array["x"], np.arange(2.5, 40.0, 5.0))
        assert array.attrs["units"] == "1"
    assert sky_view(*wall, 0.15).name == "svf"


def test_sky_is_narrower_beside_the_wall(wall: tuple[ShadeScene, Grid]) -> None:
    svf = sky_view(*wall, 0.15)
    beside, away = svf.isel(x=3).mean(), svf.isel(x=0).mean()
    assert 0.3 < float(beside) < float(away) < 1.0


@pytest.mark.parametrize("minutes", [10, 60])
def test_full_sunshine_sends_three_quarters_of_the_extraterrestrial_day(minutes: int) -> None:
    """FAO-56, example 8: at 20 degrees south on 3 September 32.2 MJ m-2 arrive above the air.

    Its declination, 6.9 degrees, is that of a short formula; the sun stood half a degree farther north.
    """
    ends = pd.date_range("1998-09-03", "1998-09-04", freq=f"{minutes}min")[1:]
    sunshine = xr.DataArray(np.ones(len(ends)), dims="time", coords={"time": ends})
    ghi = sunshine_ghi(sunshine, pd.Timedelta(minutes=minutes), 0.0, -20.0)
    assert float(ghi.sum()) * minutes * 60 / 1e6 == pytest.approx(0.75 * 32.2, rel=0.015)
    assert ghi.attrs["units"] == "W m-2"
    assert float(ghi[0]) == 0.0


def test_sunshine_of_the_part_of_an_interval_in_which_the_sun_is_up_counts_as_full() -> None:
    """Near sunrise half an hour of sunshine in an hour is all there can be."""
    ends = pd.date_range("2025-08-04T19:00", periods=4, freq="h")  # sunrise at Mitaka 04:50 JST = 19:50 UTC
    hours = xr.DataArray(np.ones(4), dims="time", coords={"time": ends})
    ghi = sunshine_ghi(hours * np.array([0.0, 0.17, 1.0, 1.0]), pd.Timedelta(hours=1), 139.56, 35.68)
    full = sunshine_ghi(hours, pd.Timedelta(hours=1), 139.56, 35.68)
    assert float(full[0]) == 0.0
    np.testing.assert_allclose(ghi, full, rtol=0.02)
    assert (np.diff(ghi) > 0.0).all()


def test_views_with_and_without_trees() -> None:
    crowns = np.zeros((40, 40), np.float32)
    crowns[:, 25:40] = 8.0
    roof = np.full((40, 40), np.nan, np.float32)
    roof[:, 10:15] = 10.0
    grid = Grid("EPSG:6677", Affine(5.0, 0.0, 0.0, 0.0, -5.0, 40.0), (8, 8))
    scene = shade_scene(np.zeros((40, 40)), roof, cell_size=1.0, factor=5, crown_top=crowns)
    views = sky_views(scene, grid, 0.15)
    np.testing.assert_array_equal(views["svf"], sky_view(scene, grid, 0.15))
    bare = shade_scene(np.zeros((40, 40)), roof, cell_size=1.0, factor=5)
    np.testing.assert_allclose(views["svf_buildings"], sky_view(bare, grid, 0.15), atol=1e-6)
    assert (views["svf"].isel(x=6) < views["svf_buildings"].isel(x=6) - 0.5).all()
    np.testing.assert_array_equal(*sky_views(bare, grid, 0.15).values())


def test_circumsolar_light_stands_beside_a_clear_sun_and_not_behind_clouds() -> None:
    times = pd.DatetimeIndex(["2025-08-05T03:00"] * 2 + ["2025-08-05T15:00"])
    state = {"zenith": [20.0, 20.0, 120.0], "dni": [850.0, 0.0, 0.0], "dhi": [120.0, 300.0, 0.0]}
    path = xr.Dataset({k: ("time", v) for k, v in state.items()}, coords={"time": times})
    parts = sky_parts(path)
    assert 30.0 < float(parts["circumsolar"][0]) < 110.0
    np.testing.assert_array_equal(parts["circumsolar"][1:], 0.0)
    cosz = np.maximum(np.cos(np.radians(path["zenith"])), 0.0)
    np.testing.assert_allclose(parts["diffuse"] + parts["circumsolar"] * cosz, path["dhi"])
    assert float(parts["horizon"][2]) == 0.0
