"""Where: a north-up raster of square cells in a projected coordinate system."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError

from heatrisk.errors import InputError
from heatrisk.words import Words

WGS84 = "EPSG:4326"

Bounds = tuple[float, float, float, float]
Places = npt.NDArray[np.float64]
Window = tuple[int, int, int, int]  # first row, first column, rows, columns
Margins = tuple[int, int, int, int]  # to the north, west, south and east

#: Side of the smallest piece that is stored by itself [cells]; blocks are made of whole ones.
CHUNK = 64
#: Longest side of a block [cells]. With 1 m sub-cells what a run holds of one takes about 1 GiB; more among
#: hills, from where shade reaches farther.
BLOCK = 640
assert BLOCK % CHUNK == 0


def within(window: Window) -> tuple[slice, slice]:
    """Return the rows and columns of a window, to index a raster with."""
    row, column, rows, columns = window
    return slice(row, row + rows), slice(column, column + columns)


class _Factors(NamedTuple):
    """How coordinates show the ground at a place: plain numbers, so that grids can be pickled."""

    areal: float
    longest: float  # of the axes of Tissot's ellipse, of which the other is
    shortest: float
    convergence: float  # of the meridians [degrees]


@dataclass(frozen=True)
class Grid:
    """A north-up raster: coordinate system, placement and size.

    Parameters
    ----------
    crs : str
        Projected coordinate system with metres as unit, e.g. ``"EPSG:6677"``.
    transform : affine.Affine
        From (column, row) of a cell's north-west corner to (x, y) [m].
    shape : tuple of int
        Rows and columns; row 0 is north, column 0 is west.

    Raises
    ------
    InputError
        The coordinate system has no metres, cells are not square or north-up, or the grid is empty.
    """

    crs: str
    transform: Affine
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        try:
            crs = CRS.from_user_input(self.crs)
        except CRSError as error:
            raise InputError("unknown coordinate system", got=self.crs, expected="e.g. EPSG:6677") from error
        if not crs.is_projected or any(axis.unit_conversion_factor != 1.0 for axis in crs.axis_info[:2]):
            raise InputError("the grid needs a projected coordinate system in metres", got=self.crs)
        dx, shear_x, _, shear_y, dy = self.transform[:5]
        if shear_x or shear_y or dx <= 0 or dy >= 0 or abs(dx + dy) > 0.01 * dx:
            raise InputError(
                "the grid must be north-up with square cells", got=str(tuple(self.transform[:6]))
            )
        if min(self.shape) < 1:
            raise InputError(
                Words("範囲が空です", "the area is empty"), got=f"{self.shape[0]} x {self.shape[1]} cells"
            )

    @classmethod
    def covering(cls, bounds: Bounds, crs: str, cell_size: float) -> Grid:
        """Return the smallest grid over some bounds whose corners are multiples of the cell size.

        Parameters
        ----------
        bounds : tuple of float
            West, south, east, north in ``crs`` [m].
        crs : str
            Projected coordinate system.
        cell_size : float
            Side of a cell [m].
        """
        west, south, east, north = bounds
        if not all(map(math.isfinite, bounds)):
            raise InputError(
                Words("範囲の座標が数値ではありません", "the bounds are not finite"), got=str(bounds)
            )
        left, top = math.floor(west / cell_size), math.ceil(north / cell_size)
        columns, rows = math.ceil(east / cell_size) - left, top - math.floor(south / cell_size)
        transform = Affine(cell_size, 0.0, left * cell_size, 0.0, -cell_size, top * cell_size)
        return cls(crs, transform, (rows, columns))

    @property
    def cell_size(self) -> float:
        """Side of a cell [m]."""
        return float(self.transform.a)

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north [m]."""
        rows, columns = self.shape
        west, north = self.transform.c, self.transform.f
        return (west, north + rows * self.transform.e, west + columns * self.transform.a, north)

    @property
    def x(self) -> npt.NDArray[np.float64]:
        """Eastings of the cell centres, shape (columns,) [m]."""
        return np.asarray(self.transform.c + (np.arange(self.shape[1]) + 0.5) * self.transform.a, np.float64)

    @property
    def y(self) -> npt.NDArray[np.float64]:
        """Northings of the cell centres, from north to south, shape (rows,) [m]."""
        return np.asarray(self.transform.f + (np.arange(self.shape[0]) + 0.5) * self.transform.e, np.float64)

    @cached_property
    def _to_lonlat(self) -> Transformer:
        return Transformer.from_crs(self.crs, WGS84, always_xy=True)

    @cached_property
    def _from_lonlat(self) -> Transformer:
        return Transformer.from_crs(WGS84, self.crs, always_xy=True)

    @property
    def bounds_lonlat(self) -> Bounds:
        """West, south, east, north of the grid's outline [degrees]."""
        west, south, east, north = self._to_lonlat.transform_bounds(*self.bounds)
        return (west, south, east, north)

    @property
    def centre_lonlat(self) -> tuple[float, float]:
        """Longitude and latitude of the centre [degrees]."""
        west, south, east, north = self.bounds
        lon, lat = self._to_lonlat.transform((west + east) / 2, (south + north) / 2)
        return (float(lon), float(lat))

    def project(self, lon: Places, lat: Places) -> tuple[Places, Places]:
        """Return eastings and northings [m] of longitudes and latitudes [degrees]; infinite where none."""
        x, y = self._from_lonlat.transform(lon, lat)
        return np.asarray(x, np.float64), np.asarray(y, np.float64)

    def unproject(self, x: Places, y: Places) -> tuple[Places, Places]:
        """Return longitudes and latitudes [degrees] of eastings and northings [m]."""
        lon, lat = self._to_lonlat.transform(x, y)
        return np.asarray(lon, np.float64), np.asarray(lat, np.float64)

    def lonlat(self, row: int, column: int) -> tuple[float, float]:
        """Return longitude and latitude of a cell's centre, to a tenth of a metre [degrees]."""
        lon, lat = self.unproject(self.x[column], self.y[row])
        return round(float(lon), 6), round(float(lat), 6)

    @cached_property
    def _factors(self) -> _Factors:
        found = Proj(self.crs).get_factors(*self.centre_lonlat)
        scales = found.areal_scale, found.tissot_semimajor, found.tissot_semiminor
        areal, longest, shortest = map(float, scales)
        return _Factors(areal, longest, shortest, float(found.meridian_convergence))

    @property
    def scale(self) -> float:
        """Metres of the grid for a metre on the ground, at the centre: the mean of all directions [1]."""
        return math.sqrt(self._factors.areal)

    @property
    def distortion(self) -> float:
        """How far a metre of the grid is from one on the ground, in the direction where it is most [1]."""
        return max(abs(scale - 1.0) for scale in (self._factors.longest, self._factors.shortest))

    @property
    def convergence(self) -> float:
        """Meridian convergence at the centre: where the grid's north lies, clockwise from north [degrees]."""
        return self._factors.convergence

    def index(self, lon: float, lat: float) -> tuple[int, int] | None:
        """Return row and column of the cell that holds a place, or None outside the grid."""
        x, y = self._from_lonlat.transform(lon, lat)
        if not (math.isfinite(x) and math.isfinite(y)):
            return None
        column = math.floor((x - self.transform.c) / self.transform.a)
        row = math.floor((y - self.transform.f) / self.transform.e)
        inside = 0 <= row < self.shape[0] and 0 <= column < self.shape[1]
        return (row, column) if inside else None

    def divided(self, factor: int) -> Grid:
        """Return the grid whose cells are ``factor`` times smaller over the same area."""
        rows, columns = self.shape
        dx, _, west, _, dy, north = self.transform[:6]
        transform = Affine(dx / factor, 0.0, west, 0.0, dy / factor, north)
        return Grid(self.crs, transform, (rows * factor, columns * factor))

    def padded(self, cells: int | Margins) -> Grid:
        """Return the grid with that many cells more on every side, or on each."""
        north, west, south, east = (cells,) * 4 if isinstance(cells, int) else cells
        rows, columns = self.shape
        return self.windowed((-north, -west, rows + north + south, columns + west + east))

    def windowed(self, window: Window) -> Grid:
        """Return the grid of some rows and columns."""
        row, column, rows, columns = window
        dx, _, west, _, dy, north = self.transform[:6]
        transform = Affine(dx, 0.0, west + column * dx, 0.0, dy, north + row * dy)
        return Grid(self.crs, transform, (rows, columns))

    def blocks(self, longest: int = BLOCK) -> Iterator[Window]:
        """Yield windows that make up the grid, row by row, alike but for the last of a row or column.

        Parameters
        ----------
        longest : int
            Longest side [cells], a multiple of `CHUNK`.
        """
        assert longest % CHUNK == 0
        rows, columns = self.shape
        height, width = (-(-cells // (-(-cells // longest) * CHUNK)) * CHUNK for cells in self.shape)
        for top in range(0, rows, height):
            for left in range(0, columns, width):
                yield top, left, min(height, rows - top), min(width, columns - left)
