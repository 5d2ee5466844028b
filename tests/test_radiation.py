"""Fluxes on the faces of a body: laws of a plain, a wall, a court, the night; the same numbers as a run's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numba
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from affine import Affine
from pyproj import Geod, Transformer

from heatrisk.errors import GridMismatchError, InputError
from heatrisk.forcing import forcing
from heatrisk.grid import Grid
from heatrisk.heat import Surfaces, stands_for_an_hour
from heatrisk.physics.faces import FACES, box_temperature
from heatrisk.physics.shares import UNKNOWN
from heatrisk.physics.surface import GRASS, LAND_COVER
from heatrisk.radiation import Suns, face_fluxes
from heatrisk.run import simulate
from heatrisk.scene import Scene
from heatrisk.weather import Weather
from tests.slab_town import STEPS, cloudless, hours, overcast, town

HOUR = pd.Timedelta("1h")
NOON, EVENING, NIGHT = (pd.DatetimeIndex([f"2025-08-05T{hour}:00"]) for hour in ("03", "07", "12"))
SHORT, LONG = ([kind + face for face in FACES] for kind in "kl")
SIDES = FACES[2:]
GRID = Grid("EPSG:32654", Affine(2.0, 0.0, 380_000.0, 0.0, -2.0, 3_950_000.0), (40, 40))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread: towns as small as these run faster so."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


def rasters(height: float = 0.0) -> Scene:
    """Build a plain of asphalt, or a court of 40 m between walls of a height, 60 m above the sea."""
    dem = np.full(GRID.shape, 60.0)
    dsm = dem + height
    dsm[10:30, 10:30] = 60.0
    return Scene.from_rasters(GRID, dsm, dem)


@cache
def fluxes(height: float, when: str) -> xr.Dataset:
    steps = {"noon": NOON, "evening": EVENING, "night": NIGHT}[when]
    return face_fluxes(rasters(height), cloudless(), steps=steps, step=HOUR)


def at(data: xr.Dataset, name: str, row: int = 20, column: int = 20) -> float:
    return float(data[name][0, row, column])


def test_every_face_of_every_cell_has_its_flux() -> None:
    data = fluxes(15.0, "noon")
    assert set(data.data_vars) == {*SHORT, *LONG, "tmrt"}
    for name, array in data.items():
        assert array.dims == ("time", "y", "x")
        assert array.attrs["units"] == ("degC" if name == "tmrt" else "W m-2")
        np.testing.assert_array_equal(np.isnan(array.values[0]), rasters(15.0).mask != 0)


def test_on_a_plain_the_fluxes_from_above_are_the_forcing() -> None:
    data = fluxes(0.0, "noon")
    drive = forcing(cloudless(), NOON, *GRID.centre_lonlat, anchor=False, step=HOUR).data.mean("sub")
    assert at(data, "kdown") == pytest.approx(float(drive["ghi"][0]), rel=1e-3)
    assert at(data, "ldown") == pytest.approx(float(drive["ldown"][0]), rel=1e-6)
    assert at(data, "kup") == pytest.approx(LAND_COVER[0].albedo * at(data, "kdown"), rel=1e-6)


def test_at_noon_the_south_face_is_sunny_and_east_and_west_are_alike() -> None:
    data = fluxes(0.0, "noon")
    assert at(data, "ksouth") > at(data, "knorth") + 100.0
    # Mitaka's noon is at 02:48 UTC, 12 minutes before the middle of the hour.
    assert abs(at(data, "keast") - at(data, "kwest")) < 80.0
    assert at(fluxes(0.0, "evening"), "kwest") > at(fluxes(0.0, "evening"), "keast") + 300.0


def test_long_wave_on_the_sides_of_a_plain_is_the_mean_of_above_and_below_and_a_warm_horizon() -> None:
    data = fluxes(0.0, "night")
    middle = 0.5 * (at(data, "ldown") + at(data, "lup"))
    for side in SIDES:
        assert 0.0 < at(data, f"l{side}") - middle < 0.04 * middle


def test_a_measured_sky_is_what_a_plain_receives_and_its_clouds_decide_on_the_warm_horizon() -> None:
    """A sky as bright as the air is closed: no warmer at its rim. A clear one of the same day is."""
    black = 5.6696e-8 * 306.15**4
    for share, rim in ((1.0, 0.0), (0.84, 0.005)):
        weather = Weather(hours(va=2.0, ldown=share * black), wind_height=2.0)
        data = face_fluxes(rasters(), weather, steps=NIGHT, step=HOUR)
        assert at(data, "ldown") == pytest.approx(share * black, rel=1e-6)
        middle = 0.5 * (at(data, "ldown") + at(data, "lup"))
        extra = at(data, "lnorth") - middle
        assert extra >= rim * black
        assert extra == pytest.approx(0.0, abs=1e-3) or rim > 0.0


@pytest.mark.parametrize("height", [0.0, 15.0])
def test_nights_have_no_short_wave(height: float) -> None:
    for name in SHORT:
        assert float(fluxes(height, "night")[name].max()) == 0.0
    for name in LONG:
        assert 300.0 < float(fluxes(height, "night")[name].mean()) < 520.0


def test_walls_take_the_sky_away_and_send_their_own() -> None:
    plain, court = fluxes(0.0, "night"), fluxes(40.0, "night")
    assert at(court, "ldown") > at(plain, "ldown") + 10.0
    drive = forcing(cloudless(), NIGHT, *GRID.centre_lonlat, anchor=False, step=HOUR).data.mean("sub")
    black = 5.67e-8 * (float(drive["ta"][0]) + 273.15) ** 4
    assert at(court, "ldown") < black + 30.0


def test_shade_takes_the_beam_from_every_face() -> None:
    data = fluxes(40.0, "evening")
    shaded = at(data, "kdown", 20, 11)
    assert shaded < 0.35 * at(fluxes(0.0, "evening"), "kdown")
    assert at(data, "kwest", 20, 11) < 120.0


@pytest.mark.parametrize("when", ["noon", "evening", "night"])
def test_a_box_of_the_six_faces_and_a_body_that_turns_agree(when: str) -> None:
    data = fluxes(0.0, when)
    faces = [np.array([at(data, name) for name in names]) for names in (SHORT, LONG)]
    assert float(box_temperature(*faces)) == pytest.approx(at(data, "tmrt"), abs=3.0)


def test_a_black_room_around_a_box() -> None:
    black = np.full(6, 5.6696e-8 * 300.0**4)
    assert float(box_temperature(np.zeros(6), black)) == pytest.approx(26.85)


def test_tmrt_is_that_of_a_run() -> None:
    scene = town()
    data = face_fluxes(scene, cloudless(), steps=STEPS[[2]], ground_radius=0.0)
    run = simulate(scene, cloudless(), steps=STEPS[[2]])
    np.testing.assert_allclose(data["tmrt"].values, run["tmrt"].values, rtol=0, atol=0.02)


def test_sitting_bodies_take_more_of_a_high_sun() -> None:
    sitting = face_fluxes(rasters(), cloudless(), steps=NOON, step=HOUR, posture="sitting")
    assert at(sitting, "tmrt") > at(fluxes(0.0, "noon"), "tmrt") + 1.0


def test_hourly_steps_far_from_japan_and_below_the_sea() -> None:
    """Nairobi: the sun in the zenith, in the north in July."""
    grid = Grid("EPSG:32737", Affine(5.0, 0.0, 257_000.0, 0.0, -5.0, 9_857_000.0), (12, 12))
    times = pd.date_range("2025-06-20T21:00", "2025-06-21T21:00", freq="h")
    state = {name: ("time", np.full(len(times), value)) for name, value in (("ta", 20.0), ("rh", 50.0))}
    weather = Weather(xr.Dataset(state, coords={"time": times}))
    scene = Scene.from_rasters(grid, np.full(grid.shape, -30.0), np.full(grid.shape, -30.0))
    data = face_fluxes(scene, weather, steps=pd.DatetimeIndex(["2025-06-21T09:30"]), step=HOUR)
    assert at(data, "knorth", 5, 5) > at(data, "ksouth", 5, 5) + 200.0
    assert np.isfinite(data["tmrt"]).all()


def test_overcast_light_comes_from_everywhere() -> None:
    data = face_fluxes(rasters(), overcast(), steps=NOON, step=HOUR)
    sides = [at(data, f"k{side}") for side in SIDES]
    assert max(sides) - min(sides) < 2.0


# --- surfaces --------------------------------------------------------------------------------------------


def test_surfaces_can_be_replaced() -> None:
    white = Surfaces.of([row._replace(albedo=0.8) for row in LAND_COVER])
    data = face_fluxes(rasters(), cloudless(), steps=NOON, step=HOUR, surfaces=white)
    assert at(data, "kup") == pytest.approx(0.8 * at(data, "kdown"), rel=1e-6)
    assert at(data, "lup") < at(fluxes(0.0, "noon"), "lup") - 50.0, "white ground stays cool"


def test_unknown_ground_counts_as_grass() -> None:
    classes = Surfaces.of().classes
    assert LAND_COVER[classes[0]] == LAND_COVER[classes[200]] == GRASS
    assert [LAND_COVER[classes[row.code]] for row in LAND_COVER] == list(LAND_COVER)


# --- suns that are asked for again -----------------------------------------------------------------------


def test_the_sun_of_an_hour_gone_by_is_a_sub_step_of_an_earlier_step() -> None:
    for count in (6, 18):
        kept = [k for k in range(count) if stands_for_an_hour(k, count)]
        assert len(kept) == count // 6
        assert count - kept[-1] == 3


def test_kept_suns_are_those_that_would_be_computed() -> None:
    scene, position = town(), (40.0, 200.0)
    suns = Suns(scene)
    step = [(30.0, 170.0), (95.0, 180.0), (35.0, 190.0), position, (45.0, 215.0), (50.0, 225.0)]
    direct, beam = suns.shares(step)[3]
    assert np.shares_memory(suns.beams([position])[0], beam), "the middle of an hour is kept"
    assert direct.shape == beam.shape == (scene.grid.shape[0] * scene.grid.shape[1],)
    again, dark = suns.beams([position, (95.0, 0.0)])
    np.testing.assert_array_equal(again, Suns(scene).beams([position])[0])
    assert set(dark) == {0, UNKNOWN} and np.array_equal(dark == UNKNOWN, scene.shade.receptors.ravel() == 0)


@pytest.mark.parametrize(
    "crs, lon, lat, turned",
    [("EPSG:6677", 139.56, 35.68, 0), ("EPSG:5514", 14.42, 50.08, 8), ("EPSG:3347", -123.1, 49.25, 28)],
)
def test_shadows_lie_by_true_north_whatever_the_grid(crs: str, lon: float, lat: float, turned: int) -> None:
    to_grid = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = to_grid.transform(lon, lat)
    grid = Grid(crs, Affine(1.0, 0.0, x - 200.5, 0.0, -1.0, y + 200.5), (401, 401))
    assert abs(abs(grid.convergence) - turned) < 0.5
    dsm = np.zeros(grid.shape)
    dsm[199:202, 199:202] = 60.0
    scene = Scene.from_rasters(grid, dsm, np.zeros(grid.shape))
    for azimuth in (20.0, 135.0, 180.0, 260.0):
        (direct, _), *_ = Suns(scene).shares([(60.0, azimuth)])
        rows, columns = np.nonzero(direct.reshape(grid.shape) == 0)
        far = int(np.argmax(np.hypot(rows - 200, columns - 200)))
        end = to_grid.transform(grid.x[columns[far]], grid.y[rows[far]], direction="INVERSE")
        bearing, _, length = Geod(ellps="WGS84").inv(lon, lat, *end)
        assert abs((bearing - azimuth) % 360.0 - 180.0) < 1.5
        assert length == pytest.approx(103.9, abs=3.0)  # 60 m less the 1.1 m of a body, at 30 degrees


def test_a_room_that_is_used_again_changes_no_sun() -> None:
    """Nor does one that was kept in it, or dropped meanwhile."""
    scene, suns = town(), Suns(town())
    random = np.random.default_rng(3)
    past: list[tuple[float, float]] = [(91.0, 90.0)]
    for _ in range(12):
        step = [(float(random.uniform(20, 95)), float(random.uniform(0, 360))) for _ in range(6)]
        found = suns.shares(step)
        wanted = [past[k] for k in random.integers(0, len(past), 5)]
        for ours, plain in zip(suns.beams(wanted), Suns(scene).beams(wanted), strict=True):
            np.testing.assert_array_equal(ours, plain)
        for ours, plain in zip(found, Suns(scene).shares(step), strict=True):
            np.testing.assert_array_equal(ours, plain)
        past += step


def test_a_sun_that_nobody_knows_has_no_share() -> None:
    (direct, beam), *_ = Suns(town()).shares([(np.nan, 180.0), (40.0, 180.0)])
    assert (direct == UNKNOWN).all() and (beam == UNKNOWN).all()


@pytest.mark.parametrize(
    "wrong",
    [{"transmissivity": 1.2}, {"transmissivity": np.nan}, {"extinction": -0.1}, {"crown_base": 3.0}],
)
def test_crowns_that_let_more_through_than_comes_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        replace(town(), **wrong)


# --- scenes from rasters ---------------------------------------------------------------------------------


def test_what_stands_two_metres_above_the_ground_is_a_building() -> None:
    dem = np.zeros(GRID.shape)
    dsm = dem.copy()
    dsm[0, :3] = 1.9, 2.0, 30.0
    scene = Scene.from_rasters(GRID, dsm, dem)
    np.testing.assert_array_equal(scene.roof[0, :4], np.float32([np.nan, 2.0, 30.0, np.nan]))
    assert scene.land_cover[5, 5] == 1, "paved where nothing better is known"


def test_crowns_and_codes_may_have_holes() -> None:
    dem, canopy, cover = np.zeros(GRID.shape), np.full(GRID.shape, np.nan), np.full(GRID.shape, np.nan)
    canopy[3, 3], cover[4, 4] = 8.0, 5.0
    scene = Scene.from_rasters(GRID, dem, dem, canopy=canopy, land_cover=cover)
    assert scene.crown_top is not None
    assert (scene.crown_top[3, 3], scene.crown_base, scene.crown_top[0, 0]) == (8.0, 0.25, 0.0)
    assert (scene.land_cover[4, 4], scene.land_cover[0, 0]) == (5, 1)


def test_rasters_of_another_shape_are_refused() -> None:
    with pytest.raises(GridMismatchError):
        Scene.from_rasters(GRID, np.zeros((3, 3)), np.zeros(GRID.shape))


def test_steps_that_the_weather_does_not_cover_are_refused() -> None:
    with pytest.raises(InputError, match="does not cover"):
        face_fluxes(rasters(), replace(Weather(hours())), steps=NOON + pd.Timedelta("9D"), step=HOUR)


@pytest.mark.parametrize("cell", [(20, 20), (0, 0), (39, 5)])
def test_one_cell_alone_is_that_cell_of_all(cell: tuple[int, int]) -> None:
    scene, weather = rasters(12.0), cloudless()
    row, column = (min(k, n - 1) for k, n in zip(cell, scene.grid.shape, strict=True))
    whole = face_fluxes(scene, weather, steps=NOON, step=HOUR).isel(y=row, x=column)
    alone = face_fluxes(scene, weather, steps=NOON, step=HOUR, cell=(row, column))
    xr.testing.assert_identical(whole, alone)


def test_a_station_that_is_turned_sees_the_same_sun_with_other_faces() -> None:
    straight, turned = (
        face_fluxes(rasters(), cloudless(), steps=NOON, step=HOUR, heading=heading, cell=(20, 20))
        for heading in (0.0, 90.0)
    )
    for face, now_seen_by in (("north", "west"), ("east", "north"), ("south", "east"), ("west", "south")):
        np.testing.assert_allclose(turned[f"k{now_seen_by}"], straight[f"k{face}"], rtol=1e-6)
        np.testing.assert_allclose(turned[f"l{now_seen_by}"], straight[f"l{face}"], rtol=1e-6)
    np.testing.assert_array_equal(turned["tmrt"], straight["tmrt"])
