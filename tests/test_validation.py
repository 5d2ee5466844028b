"""The validation of measured sites, on a made one: any columns, and whatever clock the files keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import pytest

from benchmarks import measured_site, validation
from tests.made_site import raster, site


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
