"""A made site as the validation reads them: a plain of grass under a clear sky of July 2005."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import rasterio
from affine import Affine

from heatrisk.fields import sun_path

PLACE = Affine(2.0, 0.0, 677_000.0, 0.0, -2.0, 6_400_000.0)  # 11.97° E, 57.70° N in UTM 32
LON, LAT = 11.98, 57.70
COLUMNS = 24


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
