"""Terrain, tree canopy and land cover: GeoTIFF in any coordinate system, brought onto a grid."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.warp import reproject, transform_bounds
from rasterio.windows import Window, from_bounds

from heatrisk.errors import InputError, SourceError, SourceIncompleteError
from heatrisk.grid import Grid
from heatrisk.sources.reading import Reading
from heatrisk.words import Words

Role = Literal["terrain", "canopy", "land_cover"]

#: Values outside are no data, whether the file says so or not: many elevation files hide a bare -9999.
PLAUSIBLE: dict[Role, tuple[float, float]] = {
    "terrain": (-500.0, 9000.0),
    "canopy": (0.0, 150.0),
    "land_cover": (0.0, 254.0),
}

#: The one format that each suffix may hold: formats that refer to other files or hosts are never opened.
_DRIVERS = {".asc": "AAIGrid"}


def read_raster(
    path: Path, grid: Grid, *, role: Role = "terrain", resampling: str = "bilinear", crs: str | None = None
) -> tuple[npt.NDArray[np.float32], Reading]:
    """Read one raster onto a grid.

    Parameters
    ----------
    path : pathlib.Path
        GeoTIFF (or ESRI ASCII grid) with one band, in any coordinate system.
    grid : Grid
        Where the values are wanted.
    role : {"terrain", "canopy", "land_cover"}
        What the values are; sets their plausible range, :data:`PLAUSIBLE`.
    resampling : str
        Name of a :class:`rasterio.enums.Resampling`; classes need ``"nearest"``.
    crs : str, optional
        Coordinate system of a file that names none.

    Returns
    -------
    values : numpy.ndarray of float32
        Shape of the grid; NaN where the file has no data.
    reading : Reading
        ``read`` and ``used`` count cells of the grid; facts: ``crs``, ``cell_size`` (in the file's unit),
        ``covered`` (share of the grid with a value, 0 to 1).

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        It names no coordinate system, or has no value on the grid.
    InputError
        It holds several bands: a picture, not a raster of values.
    SourceError
        It is no raster file.
    """
    reading = Reading.of(role, path)
    try:
        # A missing georeference is told in words below.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with rasterio.open(path, driver=_DRIVERS.get(path.suffix.lower(), "GTiff")) as dataset:
                values, facts = _onto(dataset, grid, role, Resampling[resampling], crs)
    except (RasterioError, ValueError, ArithmeticError) as error:
        if isinstance(error, InputError):
            raise
        raise SourceError(
            Words("ラスター(GeoTIFF)として読めません", "this cannot be read as a raster"),
            where=path,
            expected="GeoTIFF",
            got=str(error)[:200],
            remedy=Words("GeoTIFF で書き出し直してください", "Export it again as GeoTIFF."),
        ) from error
    covered = int(np.isfinite(values).sum())
    if covered == 0:
        raise SourceIncompleteError(
            Words("対象の範囲に値が 1 つもありません", "the file has no value in the area"),
            where=path,
            expected=f"{grid.crs} {tuple(map(round, grid.bounds))}",
            got=f"{facts['crs']} {facts['bounds']}",
            remedy=Words(
                "ファイルの範囲と座標参照系、[city] crs を確かめてください",
                "Check what the file covers, its coordinate system, and [city] crs.",
            ),
        )
    facts["covered"] = round(covered / values.size, 4)
    return values, replace(reading, read=values.size, used=covered, facts=facts)


def _onto(
    dataset: rasterio.DatasetReader, grid: Grid, role: Role, resampling: Resampling, crs: str | None
) -> tuple[npt.NDArray[np.float32], dict[str, object]]:
    system = dataset.crs or (CRS.from_user_input(crs) if crs else None)
    if system is None or not (system.is_geographic or system.is_projected):
        raise SourceIncompleteError(
            Words("座標参照系が書かれていません", "the file names no coordinate system"),
            where=dataset.name,
            remedy=Words(
                "座標参照系を付けて書き出し直してください", "Export it again with its coordinate system."
            ),
        )
    if dataset.count != 1:
        raise InputError(
            Words("値のラスターではなく画像のようです", "this looks like a picture, not a raster of values"),
            where=dataset.name,
            expected="1 band",
            got=f"{dataset.count} bands",
            remedy=Words(
                "標高などの値が入った 1 バンドの GeoTIFF を指定してください",
                "Name a GeoTIFF with one band of values.",
            ),
        )
    facts: dict[str, object] = {
        "crs": system.to_string()[:40],
        "cell_size": round(abs(dataset.transform.a), 9),
        "bounds": [round(edge, 5) for edge in dataset.bounds],
    }
    target = np.full(grid.shape, np.nan, dtype=np.float32)
    window = _window(dataset, system, grid)
    if window is not None:
        source, transform = _read(dataset, window, grid, role)
        reproject(
            source,
            target,
            src_transform=transform,
            src_crs=system,
            src_nodata=np.nan,
            dst_transform=grid.transform,
            dst_crs=grid.crs,
            dst_nodata=np.nan,
            resampling=resampling,
        )
    return target, facts


def _window(dataset: rasterio.DatasetReader, system: CRS, grid: Grid) -> Window | None:
    """Return the part of the file that the grid needs, with a margin to interpolate; None without overlap."""
    whole = Window(0, 0, dataset.width, dataset.height)
    if dataset.transform.b or dataset.transform.d:
        return whole
    bounds = transform_bounds(grid.crs, system, *grid.bounds, densify_pts=21)
    wanted = from_bounds(*bounds, transform=dataset.transform)
    left, top = math.floor(wanted.col_off) - 3, math.floor(wanted.row_off) - 3
    right, bottom = (
        math.ceil(wanted.col_off + wanted.width) + 3,
        math.ceil(wanted.row_off + wanted.height) + 3,
    )
    left, top, right, bottom = (
        max(left, 0),
        max(top, 0),
        min(right, dataset.width),
        min(bottom, dataset.height),
    )
    return Window(left, top, right - left, bottom - top) if left < right and top < bottom else None


def _read(
    dataset: rasterio.DatasetReader, window: Window, grid: Grid, role: Role
) -> tuple[npt.NDArray[np.float32], Affine]:
    """Read a part of the file with its no-data as NaN, thinned where it is far finer than the grid."""
    rows, columns = grid.shape
    # Twice the grid's density is all that resampling can use; thinning by nearest keeps sentinels unmixed.
    thin = max(1, min(int(window.height) // (2 * rows + 8), int(window.width) // (2 * columns + 8)))
    shape = (math.ceil(window.height / thin), math.ceil(window.width / thin))
    values = dataset.read(1, window=window, out_shape=shape, masked=True, resampling=Resampling.nearest)
    array = values.astype(np.float32).filled(np.nan)
    low, high = PLAUSIBLE[role]
    array[~((array >= low) & (array <= high))] = np.nan
    a, b, c, d, e, f = dataset.window_transform(window)[:6]
    across, down = window.width / shape[1], window.height / shape[0]
    return array, Affine(a * across, b * down, c, d * across, e * down, f)
