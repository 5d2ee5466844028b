"""A town from surface, terrain, canopy and land-cover rasters of any place on earth."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_utm_crs_info
from pyproj.exceptions import CRSError
from rasterio.enums import Resampling
from rasterio.errors import RasterioError

from heatrisk.errors import InputError, SourceError
from heatrisk.grid import WGS84, Grid
from heatrisk.physics.shadow import CROWN_TRANSMISSIVITY
from heatrisk.scene import LARGEST_SCALE_ERROR, Scene
from heatrisk.sources.mosaic import FloatArray, Lattice, Piece, fill_from
from heatrisk.sources.raster import Role, read_raster
from heatrisk.sources.terrain import fill_holes, hole_notes
from heatrisk.words import Note, Words


def raster_grid(path: Path, crs: str | None = None) -> Grid:
    """Return the grid of a raster, north up; one in UTM where its cells are not square metres on the ground.

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
    return _square_metres(_lattice(path, crs))


def _lattice(path: Path, crs: str | None) -> Lattice:
    """Return where the cells of a raster lie, north up."""
    try:
        with rasterio.open(path) as dataset:
            system, transform, shape = dataset.crs, dataset.transform, dataset.shape
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
    return Lattice(str(path), _plane(crs or system.to_wkt(), path), _upright(transform, shape), shape)


def _upright(transform: Affine, shape: tuple[int, int]) -> Affine:
    """Return the placement of the same cells counted from north to south and from west to east."""
    a, b, c, d, e, f = transform[:6]
    if e > 0.0:
        b, c, e, f = 0.0 - b, c + shape[0] * b, -e, f + shape[0] * e
    if a < 0.0:
        a, c, d, f = -a, c + shape[1] * a, 0.0 - d, f + shape[1] * d
    return Affine(a, b, c, d, e, f)


def _square_metres(lattice: Lattice) -> Grid:
    """Return the cells themselves where they can be a grid, else square metres of UTM over them."""
    with suppress(InputError):  # degrees, feet, turned or oblong cells
        grid = Grid(lattice.crs, lattice.transform, lattice.shape)
        if grid.distortion <= LARGEST_SCALE_ERROR:
            return grid
    # The middle, and a cell to the east and one to the south of it.
    rows, columns = lattice.shape
    across, down = columns / 2 + np.array([0.0, 1.0, 0.0]), rows / 2 + np.array([0.0, 0.0, 1.0])
    lon, lat = (float(places[0]) for places in lattice.at(across, down, WGS84))
    metric = _zone(lattice.name, lon, lat)
    x, y = lattice.at(across, down, metric)
    cell = math.sqrt(abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])))
    return Grid.covering(lattice.bounds(metric), metric, cell)


def _zone(name: str, lon: float, lat: float) -> str:
    """Return the system of the UTM zone of a place; refuse a file that lies in none."""
    lon = (lon + 180.0) % 360.0 - 180.0
    known = math.isfinite(lon) and math.isfinite(lat)
    zones = query_utm_crs_info("WGS 84", AreaOfInterest(lon, lat, lon, lat)) if known else []
    if not zones:
        raise SourceError(
            Words("地球上の位置が正しくありません", "it lies nowhere that UTM knows"),
            where=name,
            expected="80 S..84 N",
            got=f"{lon:.4f} E, {lat:.4f} N",
            remedy=Words("座標参照系と位置を確かめてください", "Check its coordinate system and its place."),
        )
    return f"EPSG:{zones[0].code}"


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
    fill: float = 50.0,
    told: list[Note] | None = None,
) -> Scene:
    """Read a town from rasters; the surface model gives the cells, the others are brought onto them.

    Where its cells are no square metres, the grid is laid over them and takes each cell's values, all of one
    place, from the cell at its centre.

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
    fill : float
        Holes of the terrain, as under buildings, are filled up to this far from known ground [m]; what lies
        farther stays unknown.
    told : list of Note, optional
        What had to be assumed is appended.

    Returns
    -------
    Scene

    Raises
    ------
    SourceError
        A file is missing, no raster, or lies elsewhere.
    """
    lattice = _lattice(dsm, crs)
    grid = _square_metres(lattice)

    def read(path: Path, role: Role, resampling: str) -> FloatArray:
        values = read_raster(path, lattice, role=role, resampling=resampling, crs=lattice.crs)[0]
        return _carried(values, lattice, grid)

    surface, ground = read(dsm, "terrain", "nearest"), read(dem, "terrain", "bilinear")
    notes = _fill(ground, surface, grid.cell_size, fill)
    if told is not None:
        told += notes
    return Scene.from_rasters(
        grid,
        surface,
        ground,
        canopy=None if canopy is None else read(canopy, "canopy", "bilinear"),
        land_cover=None if land_cover is None else read(land_cover, "land_cover", "nearest"),
        transmissivity=transmissivity,
        receptor_height=receptor_height,
        extinction=extinction,
    )


def _carried(values: FloatArray, lattice: Lattice, grid: Grid) -> FloatArray:
    """Return values on a grid: each cell's is that of the one cell of the lattice at its centre.

    Between a roof and a street there is nothing: whatever mixes the two widens houses and lowers them.
    """
    if grid.transform == lattice.transform:
        return values
    piece = Piece.whole(lattice.name, lattice.crs, lattice.transform, lattice.shape, lambda: values)
    target = np.full(grid.shape, np.nan, np.float32)
    fill_from([piece], target, grid, Resampling.nearest)
    return target


def _fill(ground: FloatArray, surface: FloatArray, cell_size: float, fill: float) -> list[Note]:
    """Fill holes of the ground below a known surface, in place; return what is to be told."""
    known, seen = np.isfinite(ground), np.isfinite(surface)
    fill_holes(ground, known, fill / cell_size)
    # No ground lies above its surface; where both are unknown nobody has looked.
    ground[~known] = np.minimum(ground, surface)[~known]
    filled, unknown = np.isfinite(ground) & ~known, np.isnan(ground) & seen
    notes = [*hole_notes(int(filled.sum()), int(unknown.sum()), int(seen.sum()), fill)]
    if (known & ~seen).any():
        share = 100 * (known & ~seen).sum() / known.sum()
        notes.append(
            Note.of(
                "surface_unknown",
                f"表層の標高が分からない地点({share:.2g}%)は建物のない地面とみなしました",
                f"ground whose surface is unknown ({share:.2g}%) is taken for open",
            )
        )
    return notes
