"""A town from surface, terrain, canopy and land-cover rasters of any place on earth."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info
from pyproj.exceptions import CRSError
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds

from heatrisk.errors import InputError, SourceError
from heatrisk.grid import WGS84, Grid
from heatrisk.physics.shadow import CROWN_TRANSMISSIVITY
from heatrisk.scene import LARGEST_SCALE_ERROR, Scene
from heatrisk.sources.raster import read_raster
from heatrisk.words import Words


def raster_grid(path: Path, crs: str | None = None) -> Grid:
    """Return the grid of a raster; one in UTM where its coordinates are not metres on the ground.

    Parameters
    ----------
    path : pathlib.Path
        GeoTIFF or ESRI ASCII grid.
    crs : str, optional
        Coordinate system of a file that names none.

    Returns
    -------
    Grid

    Raises
    ------
    SourceError
        It is no raster, or names no coordinate system.
    """
    try:
        with rasterio.open(path) as dataset:
            system, transform, shape, bounds = dataset.crs, dataset.transform, dataset.shape, dataset.bounds
    except RasterioError as error:
        raise SourceError(
            Words("ラスターとして読めません", "it cannot be read as a raster"),
            where=path,
            got=str(error)[:200],
        ) from error
    if system is None and crs is None:
        raise SourceError(
            Words("座標参照系が書かれていません", "the file names no coordinate system"),
            where=path,
            remedy=Words("座標参照系を指定してください", "State the coordinate system."),
        )
    name = _plane(crs or system.to_wkt(), path)
    try:
        grid = Grid(name, Affine(*transform[:6]), shape)
        if abs(grid.scale - 1.0) <= LARGEST_SCALE_ERROR:
            return grid
    except InputError:
        pass  # degrees, feet, turned or oblong cells: all become square metres below
    west, south, east, north = transform_bounds(name, WGS84, *bounds)
    zone = query_utm_crs_info("WGS 84", AreaOfInterest(west, south, east, north))[0]
    metric = f"EPSG:{zone.code}"
    left, bottom, right, top = transform_bounds(name, metric, *bounds)
    cell = math.sqrt((right - left) * (top - bottom) / (shape[0] * shape[1]))
    return Grid.covering((left, bottom, right, top), metric, cell)


def _plane(system: str, path: Path) -> str:
    """Return a coordinate system without its heights; refuse one that is nowhere on earth."""
    try:
        found = CRS.from_user_input(system)
    except CRSError:
        found = None
    if found is not None and found.is_compound:
        found = found.sub_crs_list[0]
    if found is None or not (found.is_geographic or found.is_projected):
        raise SourceError(
            Words("使えない座標参照系です", "this coordinate system cannot be used"),
            where=path,
            expected="EPSG:6677",
            got=system[:80],
            remedy=Words("座標参照系を指定してください", "State the coordinate system."),
        )
    return found.to_2d().to_wkt()


def read_scene(
    dsm: Path,
    dem: Path,
    *,
    canopy: Path | None = None,
    land_cover: Path | None = None,
    crs: str | None = None,
    transmissivity: float = CROWN_TRANSMISSIVITY,
    receptor_height: float = 1.1,
    extinction: float | None = None,
) -> Scene:
    """Read a town from rasters; the surface model gives the grid, the others are brought onto it.

    Parameters
    ----------
    dsm, dem : pathlib.Path
        Elevation of ground and buildings, and of the bare ground [m].
    canopy : pathlib.Path, optional
        Height of the crowns' top above ground [m].
    land_cover : pathlib.Path, optional
        Codes of :data:`heatrisk.physics.surface.LAND_COVER`.
    crs : str, optional
        Coordinate system of files that name none; that of the surface model if omitted.
    transmissivity, receptor_height, extinction : float
        As of :class:`heatrisk.scene.Scene`.

    Returns
    -------
    Scene

    Raises
    ------
    SourceError
        A file is missing, no raster, or lies elsewhere.
    """
    grid = raster_grid(dsm, crs)
    with rasterio.open(dsm) as dataset:
        named = crs or dataset.crs.to_wkt()
    near = {"resampling": "nearest", "crs": named}
    surface, ground = (read_raster(path, grid, crs=named)[0] for path in (dsm, dem))
    crowns = None if canopy is None else read_raster(canopy, grid, role="canopy", crs=named)[0]
    cover = None if land_cover is None else read_raster(land_cover, grid, role="land_cover", **near)[0]
    return Scene.from_rasters(
        grid,
        surface,
        np.where(np.isnan(ground), surface, ground),
        canopy=crowns,
        land_cover=cover,
        transmissivity=transmissivity,
        receptor_height=receptor_height,
        extinction=extinction,
    )
