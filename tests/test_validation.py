"""The validation of measured sites, on a made one: any columns, and whatever clock the files keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import pytest
from affine import Affine

from benchmarks import measured_site, validation
from heatrisk.errors import HeatRiskError
from tests.made_site import PLACE, clear_sky, met_file, raster, site


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread: towns as small as these run faster so."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


def validate(folder: Path, utc: float | None = None) -> dict[str, object]:
    return validation.validate(folder, utc)


@pytest.mark.parametrize("ahead", [0.5, 1.5])
@pytest.mark.parametrize("utc", [None, 1.0])
def test_the_clock_of_the_rows_is_read_from_the_sun(tmp_path: Path, ahead: float, utc: float | None) -> None:
    folder = site(tmp_path, "hour,Kdown\n12,700\n", ahead)
    assert validate(folder, utc)["minutes_from_label_to_middle_utc"] == -60.0 * ahead


def test_on_a_plain_the_measured_global_radiation_is_that_of_the_met_file(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown\n12,0\n")
    met = measured_site.read_met([folder / "MetFile_200.txt"])
    truth = float(met["ghi"].iloc[12])
    (folder / "measurements_x.csv").write_text(f"hour,Kdown,Ldown\n12,{truth},\n", "utf-8")
    scores = validate(folder)["scores"]["all"]
    assert scores["Kdown"]["n"] == 1
    assert scores["Kdown"]["rmse"] < 0.02 * truth
    assert scores["Ldown"]["n"] == 0
    assert "Kup" not in scores


def test_days_are_told_apart_by_date_or_number(tmp_path: Path) -> None:
    folder = site(tmp_path, "date,hour,Kdown\n2005-07-19,12,700\n2005-07-20,12,700\n", days=(200, 201))
    assert list(validate(folder)["scores"]) == ["2005-07-19", "2005-07-20", "all"]
    (folder / "measurements_x.csv").write_text("day,hour,Kdown\n201,12,700\n", "utf-8")
    assert list(validate(folder)["scores"]) == ["2005-07-20", "all"]


def test_tmrt_is_recomputed_from_all_measured_faces(tmp_path: Path) -> None:
    names = list(measured_site.MEASURED.values())
    short, long = [0.0] * 6, [5.6696e-8 * 300.0**4] * 6
    row = ",".join(map(str, [12, *short, *long]))
    folder = site(tmp_path, f"hour,{','.join(names)}\n{row}\n")
    report = validate(folder)
    hour = report["hours"][0]
    score = report["scores"]["all"]["Tmrt of the measured faces"]
    assert score["bias"] == pytest.approx(hour["tmrt_box"] - 26.85, abs=0.02)
    assert "Kdown" in validation.text(report)


def test_a_folder_without_a_surface_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="DSM"):
        validate(tmp_path)


def test_a_sensor_without_values_has_no_score(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown,Tmrt\n12,-999,30\n13,,-9999\n")
    report = validate(folder)
    assert report["scores"]["all"]["Kdown"] == {"rmse": None, "bias": None, "n": 0}
    assert report["scores"]["all"]["Tmrt"]["n"] == 1
    json.loads(json.dumps(report, allow_nan=False))


def test_a_clock_that_runs_ahead_is_told_and_not_used(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown\n")
    truth = measured_site.read_met([folder / "MetFile_200.txt"])["ghi"].shift(1).iloc[6:22]
    rows = "\n".join(f"{when.hour},{value}" for when, value in truth.items())
    (folder / "measurements_x.csv").write_text(f"hour,Kdown\n{rows}\n", "utf-8")
    report = validate(folder)
    assert report["lag"] == 0
    assert (report["clock"]["best_lag"], report["clock"]["told"]) == (1, True)
    assert report["scores_by_the_sun"]["Kdown"]["rmse"] < 0.2 * report["scores"]["all"]["Kdown"]["rmse"]
    assert "clock +1 h" in validation.text(report)
    shifted = validation.validate(folder, lag=1)
    assert "scores_by_the_sun" not in shifted
    assert shifted["scores"]["all"] == report["scores_by_the_sun"]


def test_a_station_on_a_roof_is_moved_to_the_street(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown\n12,700\n")
    surface = np.full((30, 30), 5.0)
    surface[14:17, 14:17] = 15.0
    raster(folder / "DSM_X.tif", surface)
    assert validate(folder)["station"] == {"row": 13, "column": 15, "points": 1, "moved_m": 4.0}
    surface[8:22, 8:22] = 15.0
    raster(folder / "DSM_X.tif", surface)
    with pytest.raises(SystemExit, match="open ground"):
        validate(folder)


@pytest.mark.parametrize("ahead", [0.5, 1.5])
def test_ten_minutes_belong_to_the_hours_of_the_met_file(tmp_path: Path, ahead: float) -> None:
    """Rows that begin where hours begin, or end where hours end; an hour aside they would be 87 W m-2 off."""
    folder = site(tmp_path, "time,Kdown\n", ahead)
    edge = 5.0 / 60.0 if ahead > 1.0 else -5.0 / 60.0
    sun = clear_sky(200, 1.0 + edge, minutes=10)["ghi"].to_series()
    rows = "".join(f"{when:%Y-%m-%d %H:%M},{value:.2f}\n" for when, value in sun.items())
    (folder / "measurements_x.csv").write_text(f"time,Kdown\n{rows}", "utf-8")
    for utc in (None, 1.0):
        score = validate(folder, utc)["scores"]["all"]["Kdown"]
        assert score["n"] >= 23
        assert score["rmse"] < 3.0


def test_days_of_several_years(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown\n", days=())
    for year, day in ((2005, 200), (2007, 170)):
        met_file(folder / f"MetFile_{year}.txt", day, 1.5, year=year)
    noon = float(clear_sky(170, 1.5, year=2007)["ghi"][12])
    for content in (f"date,hour,Kdown\n2007-06-19,12,{noon}\n", f"day,hour,Kdown\n170,12,{noon}\n"):
        (folder / "measurements_x.csv").write_text(content, "utf-8")
        scores = validate(folder)["scores"]
        assert list(scores) == ["2007-06-19", "all"]
        assert scores["all"]["Kdown"]["rmse"] < 0.02 * noon


def test_the_mean_radiant_temperature_may_be_all_that_was_measured(tmp_path: Path) -> None:
    report = validate(site(tmp_path, "hour,Tmrt\n12,55\n13,56\n"))
    assert {*report["scores"]["all"]} == {"Tmrt", "Tmrt of a body that turns", "Tmrt taken as Ta"}
    assert report["scores"]["all"]["Tmrt taken as Ta"]["bias"] == -35.5
    assert report["clock"]["told"] is False


def test_a_terrain_model_of_another_extent_and_holes_at_the_station(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown\n12,700\n")
    whole = validate(folder)["scores"]
    for size, corner in ((10, 20.0), (90, -60.0)):
        place = Affine(2.0, 0.0, PLACE.c + corner, 0.0, -2.0, PLACE.f - corner)
        raster(folder / "DEM_X.tif", np.full((size, size), 5.0), place)
        report = validate(folder)
        assert report["scores"] == whole
        filled = "ground without elevation (89%) was filled from within 50 m (inverse distance)"
        assert report["rasters"][1:] == ([filled] if size == 10 else [])
    raster(folder / "DEM_X.tif", np.full((30, 30), 5.0))
    holed = np.full((30, 30), 5.0)
    holed[14:17, 14:17] = -9999.0
    raster(folder / "DSM_X.tif", holed, nodata=-9999.0)
    report = validate(folder)
    assert report["station"]["moved_m"] == 0.0  # the ground there is known
    assert "ground whose surface is unknown (1%) is taken for open" in validation.text(report)
    raster(folder / "DEM_X.tif", holed, nodata=-9999.0)
    report = validate(folder)
    assert report["station"]["moved_m"] == 4.0
    assert "moved by 4.0 m" in validation.text(report)
    raster(folder / "DEM_X.tif", np.full((30, 30), 5.0), Affine(2.0, 0.0, 777_000.0, 0.0, -2.0, 6_400_000.0))
    with pytest.raises(HeatRiskError, match="does not reach the area"):
        validate(folder)


def test_what_rasters_do_not_tell_is_told(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown\n12,700\n")
    cover = np.full((30, 30), 5.0)
    raster(folder / "LC_X.tif", cover)
    raster(folder / "CDSM_X.tif", 0.0 * cover)
    assert validate(folder)["rasters"] == []
    cover[:3] = 99.0
    raster(folder / "LC_X.tif", cover)
    (folder / "CDSM_X.tif").unlink()
    report = validate(folder)
    assert "10.0% of the land cover has a code that is none" in validation.text(report)
    assert "no canopy heights: no trees" in report["rasters"]
    (folder / "LC_X.tif").unlink()
    assert "no land cover: paved everywhere" in validation.text(validate(folder))


# --- the sky's long-wave radiation in the weather ---------------------------------------------------------


def sky_site(folder: Path, sky: float, station: float) -> Path:
    """Make a site whose weather has the long-wave radiation of the sky, and whose station measured some."""
    folder = site(folder, f"hour,Ldown\n1,{station}\n12,{station}\n", days=())
    met_file(folder / "MetFile_200.txt", 200, 1.5, ldown=sky)
    return folder


def test_a_measured_sky_is_used_on_request_only(tmp_path: Path) -> None:
    plain = validate(sky_site(tmp_path / "without", -999.0, 380.0))
    folder = sky_site(tmp_path / "with", 350.0, 380.0)
    unused, used = validate(folder), validation.validate(folder, measured_sky=True)
    assert unused["scores"] == plain["scores"]
    assert "--measured-sky takes it" in validation.text(unused)
    assert "measured-sky" not in validation.text(plain)
    assert used["scores"]["all"]["Ldown"] == {"rmse": 30.0, "bias": -30.0, "n": 2}
    assert used["sky"] == {"measured": True, "hours": 24, "is_the_site_s": False}
    assert "(24 hours)" in validation.text(used) and "prove nothing" not in validation.text(used)


def test_a_sky_that_is_the_station_s_own_measurement_is_told(tmp_path: Path) -> None:
    report = validation.validate(sky_site(tmp_path, 381.0, 380.0), measured_sky=True)
    assert report["sky"]["is_the_site_s"] is True
    assert "prove nothing here" in validation.text(report)


def test_a_sky_with_holes_is_modelled_there(tmp_path: Path) -> None:
    folder = sky_site(tmp_path, 350.0, 380.0)
    modelled = {row["index"]: row["ldown"] for row in validate(folder)["hours"]}
    path = folder / "MetFile_200.txt"
    lines = [line.split() for line in path.read_text("utf-8").splitlines()]
    for line in lines[8:18]:
        line[16] = "-999"
    path.write_text("\n".join(" ".join(line) for line in lines), "utf-8")
    night, noon = validation.validate(folder, measured_sky=True)["hours"]
    assert night["ldown"] == pytest.approx(350.0, abs=0.1)
    assert noon["ldown"] == pytest.approx(modelled[noon["index"]], abs=0.1)


def test_what_is_no_sky_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HeatRiskError, match="not the sky's"):
        validation.validate(sky_site(tmp_path / "zeros", 0.0, 380.0), measured_sky=True)
    with pytest.raises(SystemExit, match="not a single value of ldown"):
        validation.validate(sky_site(tmp_path / "none", -999.0, 380.0), measured_sky=True)
