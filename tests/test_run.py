"""simulate(): anchoring, determinism, symmetry, and the contrasts of sun and shade."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numba
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from heatrisk import forcing as forcing_room
from heatrisk.errors import GridMismatchError, InputError, SourceIncompleteError
from heatrisk.fields import sky_view, sun_path
from heatrisk.risk import RISK_SCALES, classify
from heatrisk.run import SUSPECT_OFFSET, simulate
from heatrisk.weather import OfficialForecast, Station, Weather
from tests.slab_town import (
    AFTERNOON,
    BEHIND,
    COLUMNS,
    GROVE,
    MORNING,
    NIGHT,
    NOON,
    OFFICIAL,
    OPEN,
    ROWS,
    SOURCES,
    STEPS,
    cloudless,
    computed,
    hours,
    official,
    overcast,
    plain,
    result,
    sunny,
    town,
    unanchored,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread: towns as small as these run faster so."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


# --- anchoring -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_open_reference_returns_the_official_value_exactly(source: Callable[[], Weather]) -> None:
    data = computed(plain(), source())
    published = data["official"].values
    np.testing.assert_allclose(published, OFFICIAL, rtol=0, atol=0.08)
    for row, column in [(0, 0), (11, 7), (23, 23)]:
        assert (data["wbgt_moe"].values[:, row, column] == published.astype(np.float32)).all()
    assert (data["svf"] == 1.0).all()
    assert data.attrs["anchored"] == "true"


def test_official_value_of_one_station_is_not_altered() -> None:
    assert result()["official"].values.tolist() == OFFICIAL
    assert result("official alone")["official"].values.tolist() == OFFICIAL


def test_offset_is_what_the_anchor_adds() -> None:
    anchored = result()
    free = computed(town(), sunny(), anchor=False)
    lifted = anchored["wbgt_moe"] - free["wbgt_moe"]
    offset = anchored["anchor_offset"]
    np.testing.assert_allclose(lifted.values[:, *OPEN], offset.values, rtol=0, atol=0.011)
    spread = (lifted - offset).where(anchored["mask"] == 0)
    assert float(np.abs(spread).max()) <= 0.011
    for name in ("wbgt_moe_max", "wbgt_iso"):
        lift = (anchored[name] - free[name] - offset).where(anchored["mask"] == 0)
        assert float(np.abs(lift).max()) <= 0.011
    xr.testing.assert_equal(anchored["sunlit"], free["sunlit"])


def test_wrong_station_shows_in_the_offset() -> None:
    steps = STEPS[[NIGHT]]
    weather = Weather(
        hours(), OfficialForecast((Station("1", "a"),), steps, np.array([[10.0]]), (steps[0],), "x")
    )
    assert computed(plain(), weather)["anchor_offset"].values[0] < -SUSPECT_OFFSET


def test_weather_alone_is_unanchored_and_says_so() -> None:
    data = unanchored()
    assert data.attrs["anchored"] == "false"
    assert np.isnan(data["official"]).all() and np.isnan(data["anchor_offset"]).all()
    codes = [note["code"] for note in json.loads(data.attrs["assumptions"])]
    assert codes == ["radiation_clear_sky"]


def test_anchor_can_be_declined() -> None:
    data = computed(plain(), sunny(), anchor=False)
    assert data.attrs["anchored"] == "false"
    assert np.isnan(data["official"]).all()
    assert not (data["wbgt_moe"].values[:, 0, 0] == np.array(OFFICIAL, np.float32)).any()


def test_a_declined_anchor_asks_for_no_official_value() -> None:
    hour = pd.DatetimeIndex(["2025-08-05T04:00"])
    weather = replace(overcast(), official=sunny().official)
    data = computed(plain(), weather, steps=hour, anchor=False)
    assert data["wbgt_moe"].notnull().all()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_steps_may_bear_a_zone_or_come_as_a_list(zone: str) -> None:
    step = pd.Timestamp("2025-08-05T03:00", tz="UTC").tz_convert(zone)
    listed = computed(plain(), sunny(), steps=[step.to_pydatetime()])
    naive = computed(plain(), sunny(), steps=pd.DatetimeIndex(["2025-08-05T03:00"]))
    assert listed.equals(naive)


def test_no_step_is_an_error() -> None:
    with pytest.raises(InputError, match="no step"):
        computed(plain(), sunny(), steps=[])


def test_assumptions_are_listed_in_both_languages() -> None:
    notes = json.loads(result("official alone").attrs["assumptions"])
    assert [note["code"] for note in notes] == ["weather_assumed"]
    assert all(note["ja"] and note["en"] and note["ja"] != note["en"] for note in notes)


def test_steps_beyond_the_weather_are_left_out_and_said() -> None:
    longer = pd.date_range(STEPS[0], periods=9, freq="3h")
    forecast = OfficialForecast((Station("1", "a"),), longer, np.full((1, 9), 30.0), (longer[0],), "x")
    data = computed(plain(), Weather(hours(), forecast))
    assert list(data.indexes["time"]) == list(STEPS)
    assert "steps_outside_weather" in data.attrs["assumptions"]


# --- determinism and symmetry ----------------------------------------------------------------------------


def test_two_runs_give_the_same_bytes() -> None:
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    again = computed(town(), sunny())
    for name, array in result().variables.items():
        assert array.values.tobytes() == again[name].values.tobytes(), name
    assert again.attrs == result().attrs


def test_sky_view_is_computed_where_it_is_not_given() -> None:
    again = simulate(town(), sunny())
    for name in ("svf", "wbgt_moe"):
        assert again[name].values.tobytes() == result()[name].values.tobytes()


def test_steps_are_independent_of_each_other() -> None:
    alone = computed(town(), sunny(), steps=STEPS[[NOON]])
    for name in ("wbgt_moe", "wbgt_iso", "sunlit"):
        np.testing.assert_array_equal(alone[name].values[0], result()[name].values[NOON])


def test_mirrored_town_under_a_mirrored_sun(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = town()
    svf = sky_view(scene.shade, scene.grid, scene.transmissivity)
    left = simulate(scene, cloudless(), svf=svf)

    def mirrored_path(times: pd.DatetimeIndex, lon: float, lat: float) -> xr.Dataset:
        path = sun_path(times, lon, lat)
        path["azimuth"] = (360.0 - path["azimuth"]) % 360.0
        return path

    monkeypatch.setattr(forcing_room, "sun_path", mirrored_path)
    flipped = {
        name: np.ascontiguousarray(getattr(scene, name)[:, ::-1])
        for name in ("terrain", "roof", "land_cover", "crown_top", "crown_base")
    }
    right = simulate(town(**flipped), cloudless(), svf=svf.copy(data=svf.values[:, ::-1]))
    for name, close in (("sunlit", 0.05), ("wbgt_moe", 0.15)):
        a, b = left[name].values, right[name].values[:, :, ::-1]
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        assert float(np.nanmax(np.abs(a - b))) <= close, name
        assert float(np.nanmean(np.abs(a - b))) <= close / 20, name


def test_morning_shade_lies_west_and_afternoon_shade_east() -> None:
    tower = np.full((ROWS * 5, COLUMNS * 5), np.nan, np.float32)
    tower[55:65, 55:65] = 20.0
    sun = computed(town(roof=tower, crown_top=None), sunny())["sunlit"].values
    west, east = (slice(None), slice(9, 13), slice(5, 11)), (slice(None), slice(9, 13), slice(13, 19))
    west_of, east_of = sun[west].mean(axis=(1, 2)), sun[east].mean(axis=(1, 2))
    assert west_of[MORNING] + 0.2 < east_of[MORNING]
    assert east_of[AFTERNOON] + 0.2 < west_of[AFTERNOON]
    north, south = sun[NOON, 8:11, 11:13].mean(), sun[NOON, 13:16, 11:13].mean()
    assert north + 0.2 < south


# --- contrasts, as measured and modelled elsewhere -------------------------------------------------------
# Sun minus shade in wbgt_moe at 1 to 2.5 m/s and a beam of 700 to 900 W m-2: Kusaka et al. (2022),
# J. Meteorol. Soc. Japan 100, 677, street tree 1.9; parasols 1.3 to 2; deep building shade 1.7 to 3.3.


def contrast(data: xr.Dataset, place: tuple[int, int], step: int) -> float:
    values = data["wbgt_moe"].values[step]
    return float(values[OPEN] - values[place])


def test_the_beam_at_noon_is_strong() -> None:
    scene = plain()
    drive = forcing_room.forcing(cloudless(), STEPS[[NOON]], *scene.grid.centre_lonlat)
    assert 700.0 < float(drive.data["dni"].min()) < float(drive.data["dni"].max()) < 900.0


@cache
def noon(wind: float) -> xr.Dataset:
    return computed(town(), cloudless(wind), steps=STEPS[[NOON]])


@pytest.mark.parametrize("wind", [1.0, 2.0, 2.5])
def test_deep_building_shade_at_noon(wind: float) -> None:
    data = noon(wind)
    assert float(data["sunlit"].values[0][BEHIND]) == 0.0
    assert float(data["sunlit"].values[0][OPEN]) == 1.0
    assert 1.7 <= contrast(data, BEHIND, 0) <= 3.3


@pytest.mark.parametrize("wind", [1.0, 2.0, 2.5])
def test_shade_of_trees_at_noon(wind: float) -> None:
    data = noon(wind)
    assert float(data["sunlit"].values[0][GROVE]) == 0.0, "the shade of a crown is shade"
    assert 1.3 <= contrast(data, GROVE, 0) <= 3.0


def test_overcast_day_has_little_contrast() -> None:
    data = computed(town(), overcast(), steps=STEPS[[NOON]])
    values = data["wbgt_moe"].values[0]
    assert float(np.nanmax(values) - np.nanmin(values)) <= 1.0


@pytest.mark.parametrize("name", [*SOURCES, "unanchored"])
def test_nights_are_even(name: str) -> None:
    data = unanchored() if name == "unanchored" else result(name)
    values = data["wbgt_moe"].values[NIGHT]
    assert float(np.nanmax(np.abs(values - values[OPEN]))) <= 0.4


def test_no_cell_is_hotter_than_open_grass_in_full_sun() -> None:
    free = unanchored()["wbgt_moe"].values[NOON]
    assert float(np.nanmax(free) - free[OPEN]) <= 0.5  # warm walls beside a sunny cell


def test_paved_ground_is_warmer_than_grass() -> None:
    land_cover = np.full((ROWS, COLUMNS), 5, np.uint8)
    land_cover[:, 12:] = 1
    scene = town(roof=np.full((120, 120), np.nan, np.float32), land_cover=land_cover, crown_top=None)
    values = computed(scene, sunny(), steps=STEPS[[NOON]])["wbgt_moe"].values[0]
    assert 0.0 < float(values[5, 20] - values[5, 5]) < 0.6


def test_highest_value_of_a_step_is_no_less_than_its_mean() -> None:
    data = result()
    assert float((data["wbgt_moe_max"] - data["wbgt_moe"]).min()) >= 0.0
    assert float((data["wbgt_moe_max"] - data["wbgt_moe"]).max()) > 0.5


# --- cells without value ---------------------------------------------------------------------------------


def test_buildings_and_unknown_ground_have_no_value() -> None:
    ground = np.zeros((ROWS * 5, COLUMNS * 5), np.float32)
    ground[:, -10:] = np.nan
    data = computed(town(terrain=ground), sunny(), steps=STEPS[[NOON]])
    mask = data["mask"].values
    assert (mask[14:16, 2:22] == 1).all()
    assert (mask[:, -2:] == 2).all()
    assert ((mask != 0).sum()) == 2 * 20 + 2 * ROWS
    for name in ("wbgt_moe", "wbgt_moe_max", "wbgt_iso", "sunlit"):
        np.testing.assert_array_equal(np.isnan(data[name].values[0]), mask != 0)
    for name in ("risk", "risk_sport"):
        np.testing.assert_array_equal(data[name].values[0] == -1, mask != 0)
    np.testing.assert_array_equal(np.isnan(data["svf"].values), mask != 0)


def test_risk_is_the_class_of_the_stored_value() -> None:
    data = result()
    for name, scale in (("risk", "daily"), ("risk_sport", "sport")):
        expected = classify(data["wbgt_moe"].values, RISK_SCALES[scale])
        np.testing.assert_array_equal(data[name].values, expected)
        assert len(np.unique(data[name].values)) > 2
    hundredths = data["wbgt_moe"].values.astype(np.float64) * 100
    np.testing.assert_allclose(hundredths, np.round(hundredths), rtol=0, atol=1e-3, equal_nan=True)


def test_nothing_is_sunlit_at_night() -> None:
    night = result()["sunlit"].values[NIGHT]
    assert np.nanmax(night) == 0.0


# --- refusals --------------------------------------------------------------------------------------------


def test_hole_in_the_official_forecast() -> None:
    with pytest.raises(SourceIncompleteError, match="hole"):
        computed(plain(), Weather(official=official([*OFFICIAL[:3], np.nan, *OFFICIAL[4:]])))


def test_hole_in_the_weather() -> None:
    series = hours()
    series["ta"][9] = np.nan
    with pytest.raises(SourceIncompleteError, match="hole in ta"):
        computed(plain(), Weather(series))


def test_sky_view_of_another_grid() -> None:
    with pytest.raises(GridMismatchError, match="svf does not lie on the scene's grid"):
        simulate(plain(), sunny(), svf=xr.DataArray(np.ones((3, 3)), dims=("y", "x")))


def test_weather_of_another_day() -> None:
    with pytest.raises(InputError, match="do not overlap"):
        computed(
            plain(),
            Weather(
                hours(),
                OfficialForecast(
                    (Station("1", "a"),), STEPS + pd.Timedelta("7D"), np.array([OFFICIAL]), (STEPS[0],), "x"
                ),
            ),
        )
