"""The fields of a run for other programs: Cloud Optimized GeoTIFF and NetCDF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio

from heatrisk.api.params import basic, utc
from heatrisk.cube import FILL
from heatrisk.layers import Layer
from heatrisk.quantities import QUANTITIES
from heatrisk.stored import StoredRun

#: Rows that are read at once.
_ROWS = 1024


def write(
    run: StoredRun, rows: list[Layer], steps: list[int], folder: Path, tell: Callable[[str, int, int], None]
) -> dict[str, str]:
    """Write one GeoTIFF a quantity and step: 16-bit values with scale, overviews, tiles of 512 pixels.

    Parameters
    ----------
    run : StoredRun
        The run.
    rows : list of Layer
        Layers whose quantities are written.
    steps : list of int
        Steps.
    folder : pathlib.Path
        New folder.
    tell : callable
        Told the stage, how much of it is done, and of how much.

    Returns
    -------
    dict
        Quantity of each file, by its path in the folder.
    """
    names = [name for name in dict.fromkeys(row.quantity for row in rows) if name in run.fields]
    written: dict[str, str] = {}
    for name in names:
        (folder / name).mkdir(parents=True)
        for step, values in zip(steps, _maps(run, name, steps), strict=True):
            path = f"{name}/{basic(run.times[step])}.tif"
            _image(run, name, step, values, folder / path)
            written[path] = name
            tell("rasters", len(written), len(names) * len(steps))
    return written


def _maps(run: StoredRun, name: str, steps: list[int]) -> npt.NDArray[np.int16]:
    """Return a quantity at some steps, packed, shape (steps, rows, columns)."""
    height, width = run.grid.shape
    bands = (
        run.fields[name].window(top, 0, min(_ROWS, height - top), width)[steps]
        for top in range(0, height, _ROWS)
    )
    return np.concatenate(list(bands), axis=1)


def _image(run: StoredRun, name: str, step: int, values: npt.NDArray[np.int16], path: Path) -> None:
    quantity, (height, width) = QUANTITIES[name], run.grid.shape
    with rasterio.open(
        path, "w", driver="COG", height=height, width=width, count=1, dtype="int16", crs=run.grid.crs,
        transform=run.grid.transform, nodata=FILL, compress="DEFLATE", predictor="YES", blocksize=512,
        overview_resampling="AVERAGE",
    ) as image:  # fmt: skip
        image.write(values, 1)
        image.scales, image.units = (quantity.resolution or 1.0,), (quantity.units,)
        image.set_band_description(1, quantity.words.en)
        image.update_tags(TIFFTAG_DATETIME=f"{run.times[step]:%Y:%m:%d %H:%M:%S}", time=utc(run.times[step]))


def netcdf(run: StoredRun, steps: list[int], path: Path) -> None:
    """Write the fields as one NetCDF-4 file after the CF conventions, packed as they are stored."""
    data = run.dataset().isel(time=steps)
    packing = ("scale_factor", "add_offset", "_FillValue", "dtype", "units", "calendar")
    encoding = {}
    for name, array in data.variables.items():
        kept = {key: array.encoding[key] for key in packing if key in array.encoding}
        squeezed = {"zlib": True, "complevel": 4, "shuffle": True} if array.ndim > 1 else {}
        encoding[name] = {**kept, **squeezed}
    data.to_netcdf(path, engine="h5netcdf", encoding=encoding)
