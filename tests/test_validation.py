"""The validation of measured sites, on a made one: any columns, and whatever clock the files keep."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine

from benchmarks import validation
from heatrisk.fields import sun_path

PLACE = Affine(2.0, 0.0, 677_000.0, 0.0, -2.0, 6_400_000.0)  # 11.97° E, 57.70° N in UTM 32
LON, LAT = 11.98, 57.70
COLUMNS = 24


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread: towns as small as these run faster so."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


def raster(path: Path, values: np.ndarray) -> None:
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1}
    with rasterio.open(path, "w", dtype="float32", crs="EPSG:32632", transform=PLACE, **profile) as file:
        file.write(values.astype(np.float32), 1)


def met_file(path: Path, day: int, ahead: float) -> None:
    """Write a clear day whose rows stand ``ahead`` hours ahead of the middle of their hour in UTC."""
    rows = []
    for hour in range(24):
        middle = pd.Timestamp("2005-01-01") + pd.Timedelta(days=day - 1, hours=hour - ahead)
        sun = sun_path(pd.DatetimeIndex([middle]), LON, LAT)
        row = np.full(COLUMNS, -999.0)
        row[:4] = 2005, day, hour, 0
        row[9:13] = 2.0, 60.0, 20.0, 101.3
        row[14], row[21], row[22] = (float(sun[name][0]) for name in ("ghi", "dhi", "dni"))
        rows.append(" ".join(f"{value:.3f}" for value in row))
    path.write_text("% header\n" + "\n".join(rows) + "\n", "utf-8")


def site(folder: Path, measurements: str, ahead: float = 1.5, days: tuple[int, ...] = (200,)) -> Path:
    plain = np.full((30, 30), 5.0)
    raster(folder / "DSM_X.tif", plain)
    raster(folder / "DEM_X.tif", plain)
    raster(folder / "LC_X.tif", np.full((30, 30), 5.0))
    for day in days:
        met_file(folder / f"MetFile_{day}.txt", day, ahead)
    (folder / "measurements_x.csv").write_text(measurements, "utf-8")
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [677_030.0, 6_399_970.0]}}
    (folder / "poi.geojson").write_text(json.dumps({**point, "properties": {"crs": "EPSG:32632"}}), "utf-8")
    return folder


def validate(folder: Path, utc: float | None = None) -> dict[str, object]:
    return validation.validate(folder, utc, None, 1.1, 0)


@pytest.mark.parametrize("ahead", [0.5, 1.5])
@pytest.mark.parametrize("utc", [None, 1.0])
def test_the_clock_of_the_rows_is_read_from_the_sun(tmp_path: Path, ahead: float, utc: float | None) -> None:
    folder = site(tmp_path, "hour,Kdown\n12,700\n", ahead)
    assert validate(folder, utc)["minutes_from_label_to_middle_utc"] == -60.0 * ahead


def test_on_a_plain_the_measured_global_radiation_is_that_of_the_met_file(tmp_path: Path) -> None:
    folder = site(tmp_path, "hour,Kdown\n12,0\n")
    met = validation.read_met(folder / "MetFile_200.txt")
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
    names = list(validation.MEASURED.values())
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
