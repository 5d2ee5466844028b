"""The sun against a published example, and shade with labels on the right cells."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine

from heatrisk.fields import diffuse_of, sky_view, sun_path, sunlit
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
