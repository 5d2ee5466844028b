"""A made site as the validation reads them: a plain of grass under a clear sky of July 2005."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
import xarray as xr
from affine import Affine

from heatrisk.fields import sun_path

PLACE = Affine(2.0, 0.0, 677_000.0, 0.0, -2.0, 6_400_000.0)  # 11.97° E, 57.70° N in UTM 32
LON, LAT = 11.98, 57.70
COLUMNS = 24


def raster(path: Path, values: np.ndarray, place: Affine = PLACE, nodata: float | None = None) -> None:
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1}
    profile |= {"crs": "EPSG:32632", "transform": place, "nodata": nodata}
    with rasterio.open(path, "w", dtype="float32", **profile) as file:
        file.write(values.astype(np.float32), 1)


def clear_sky(day: int, ahead: float, minutes: int = 60, year: int = 2005) -> xr.Dataset:
    """Return the sun of a day by times that stand ``ahead`` hours ahead of their middle in UTC."""
    begin = pd.Timestamp(year, 1, 1) + pd.Timedelta(days=day - 1)
    times = pd.date_range(begin, periods=1440 // minutes, freq=f"{minutes}min")
    return sun_path(times - pd.Timedelta(hours=ahead), LON, LAT).assign_coords(time=times)


def met_file(
    path: Path, day: int, ahead: float, minutes: int = 60, year: int = 2005, ldown: float = -999.0
) -> None:
    """Write the weather of a clear day, a row every so many minutes."""
    sun, rows = clear_sky(day, ahead, minutes, year), []
    for k, time in enumerate(pd.DatetimeIndex(sun["time"].values)):
        row = np.full(COLUMNS, -999.0)
        row[:4] = year, day, time.hour, time.minute
        row[9:13] = 2.0, 60.0, 20.0, 101.3
        row[14], row[21], row[22] = (float(sun[name][k]) for name in ("ghi", "dhi", "dni"))
        row[16] = ldown
        rows.append(" ".join(f"{value:.3f}" for value in row))
    path.write_text("% header\n" + "\n".join(rows) + "\n", "utf-8")


def site(folder: Path, measurements: str, ahead: float = 1.5, days: tuple[int, ...] = (200,)) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
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
