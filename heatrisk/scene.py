"""The town as rasters: ground, roofs, crowns and land cover on one grid."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from heatrisk.errors import InputError
from heatrisk.grid import Grid, Margins, Window
from heatrisk.physics import footprints
from heatrisk.physics.columns import HIGHEST, closed_cells, lowest_ground
from heatrisk.physics.given import check_range
from heatrisk.physics.shadow import CROWN_TRANSMISSIVITY, ShadeScene, shade_scene
from heatrisk.physics.skyline import Skyline, skyline
from heatrisk.physics.surface import GRASS, PAVED
from heatrisk.rasters import codes, placed
from heatrisk.words import Words

Floats = npt.NDArray[np.float32]

#: How far the scale of a grid may be from 1; plane coordinate systems keep within 0.001.
LARGEST_SCALE_ERROR = 0.005

#: Lowest height above ground of what counts as a building in a surface model [m]: below it are cars and
#: hedges.
BUILDING_HEIGHT = 2.0

#: Side of the squares of `Scene.skyline` [cells].
SKYLINE_CELLS = 16

#: Why a cell has no value: codes of ``mask`` in every product.
OUTDOOR, BUILDING, OUTSIDE = 0, 1, 2


class Part(NamedTuple):
    """How a scene lies in a larger one, of which it is a block.

    Parameters
    ----------
    margins : tuple of int
        Cells that the fine rasters reach beyond the grid.
    origin : tuple of int
        Row and column of their first sub-cell in those of the whole.
    datum : float
        Lowest ground of the whole [m].
    """

    margins: Margins
    origin: tuple[int, int]
    datum: float


@dataclass(frozen=True)
class Scene:
    """A town ready for casting shade.

    The fine rasters have ``factor`` x ``factor`` sub-cells in each cell of ``grid`` and reach ``halo`` cells
    beyond it on every side, so that buildings outside the served area cast their shade into it. Masked cells
    of a raster are like NaN, those of ``land_cover`` like 0.

    Parameters
    ----------
    grid : Grid
        The served cells.
    terrain : numpy.ndarray of float32
        Elevation of the ground, fine raster [m]; NaN where unknown.
    roof : numpy.ndarray of float32
        Elevation of the building tops, same datum as ``terrain`` [m]; NaN where there is no building.
    land_cover : numpy.ndarray of uint8
        Land-cover class of the ground of each served cell, code of
        :data:`heatrisk.physics.surface.LAND_COVER`.
    factor : int
        Sub-cells along the side of a cell.
    halo : int
        Cells beyond the grid on every side.
    crown_top : numpy.ndarray of float32, optional
        Height of the tree crowns' top above ground [m]; NaN or 0 without tree.
    crown_base : numpy.ndarray of float32 or float
        Height of their underside above ground [m], or the share of the top's height at which it is.
    transmissivity : float
        Share of direct sunlight that passes a crown, 0 to 1.
    receptor_height : float
        Height above ground for which the sun is asked, 0 or more [m].
    extinction : float, optional
        Optical depth of a crown per metre of a ray's way within it [m-1]; if given, it decides what passes a
        crown, and ``transmissivity`` does not. See :func:`heatrisk.physics.shadow.crown_extinction`.
    part : Part, optional
        Of a block, see :func:`heatrisk.blocks.block`; its margins take the place of ``halo``.

    Raises
    ------
    GridMismatchError
        A raster has not the shape that grid, factor and halo give, or bears coordinates of other places.
    InputError
        The grid's metres are not metres on the ground, as in Web Mercator: shade would be too short. Or a
        number is out of its range, or ``land_cover`` holds what is no code.
    """

    grid: Grid
    terrain: Floats
    roof: Floats
    land_cover: npt.NDArray[np.uint8]
    factor: int = 1
    halo: int = 0
    crown_top: Floats | None = None
    crown_base: Floats | float = 0.0
    transmissivity: float = CROWN_TRANSMISSIVITY
    receptor_height: float = 1.1
    extinction: float | None = None
    part: Part | None = None

    def __post_init__(self) -> None:
        # Of a block the whole has been asked.
        if self.part is None and self.grid.distortion > LARGEST_SCALE_ERROR:
            raise InputError(
                Words(
                    "この座標系の距離は地上の距離と違います",
                    "distances in these coordinates are not distances on the ground",
                ),
                got=f"{self.grid.crs}, {self.grid.distortion:.1%}",
                expected=f"≤ {LARGEST_SCALE_ERROR:.1%}",
                remedy=Words(
                    "平面直角座標系（例 EPSG:6677）を使ってください",
                    "Use plane coordinates of the region, e.g. EPSG:6677 or UTM.",
                ),
            )
        for name, number, most in (
            ("transmissivity", self.transmissivity, 1.0),
            ("extinction", self.extinction, HIGHEST),
            ("crown_base", None if np.ndim(self.crown_base) else self.crown_base, 1.0),
            ("receptor_height", self.receptor_height, HIGHEST),
        ):
            if number is not None:
                check_range(name, float(number), most)
        fine, trees = self.fine_grid, ("crown_base",) if np.ndim(self.crown_base) else ()
        for name in ("terrain", "roof", "crown_top", *trees):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, placed(name, given, fine))
        object.__setattr__(self, "land_cover", codes("land_cover", self.land_cover, self.grid))

    @classmethod
    def from_buildings(
        cls,
        grid: Grid,
        buildings: gpd.GeoDataFrame,
        *,
        terrain: Floats | None = None,
        canopy: Floats | None = None,
        land_cover: npt.NDArray[np.uint8] | None = None,
        factor: int = 5,
        halo: int = 0,
        trunk_ratio: float = 0.25,
        transmissivity: float = CROWN_TRANSMISSIVITY,
        receptor_height: float = 1.1,
        extinction: float | None = None,
    ) -> Scene:
        """Build a scene from footprints with heights.

        A footprint covers the sub-cells whose centre it holds; its roof is flat, at the mean ground
        elevation under it plus the building's height. Where footprints overlap the taller building counts.

        Parameters
        ----------
        grid : Grid
            The served cells.
        buildings : geopandas.GeoDataFrame
            Polygons in the grid's coordinates with a column ``height`` [m].
        terrain, canopy : numpy.ndarray, optional
            Ground elevation and crown-top height above ground on the fine grid [m]; flat, none if omitted.
        land_cover : numpy.ndarray of uint8, optional
            Codes on the grid; grass, the ground of an official station, if omitted.
        factor, halo : int
            See :class:`Scene`.
        trunk_ratio : float
            Height of a crown's underside as share of its top (Lindberg & Grimmond 2011 use 0.25).
        transmissivity, receptor_height, extinction : float
            See :class:`Scene`.

        Returns
        -------
        Scene

        Raises
        ------
        InputError
            No building, or a height that is not a positive number.
        """
        if buildings.empty:
            raise InputError(Words("建物が 1 棟もありません", "there is not a single building in the area"))
        heights = buildings["height"].to_numpy(dtype=np.float64)
        if not (heights > 0).all():
            raise InputError(
                Words("高さのない建物があります", "a building has no height"),
                got=str(heights[~(heights > 0)][0]),
            )
        fine = grid.padded(halo).divided(factor)
        ground = np.zeros(fine.shape, np.float32) if terrain is None else placed("terrain", terrain, fine)
        if land_cover is None:
            land_cover = np.full(grid.shape, GRASS.code, np.uint8)
        return cls(
            grid,
            ground,
            _roofs(fine, buildings, heights, ground),
            land_cover,
            factor,
            halo,
            canopy,
            trunk_ratio,
            transmissivity,
            receptor_height,
            extinction,
        )

    @classmethod
    def from_rasters(
        cls,
        grid: Grid,
        dsm: npt.ArrayLike,
        dem: npt.ArrayLike,
        *,
        canopy: npt.ArrayLike | None = None,
        land_cover: npt.ArrayLike | None = None,
        building_height: float = BUILDING_HEIGHT,
        trunk_ratio: float = 0.25,
        transmissivity: float = CROWN_TRANSMISSIVITY,
        receptor_height: float = 1.1,
        extinction: float | None = None,
    ) -> Scene:
        """Build a scene from a surface model and a terrain model, each raster cell a cell of the scene.

        What stands at least ``building_height`` above the ground is a building; trees are in the canopy.

        Parameters
        ----------
        grid : Grid
            The cells, from any plane coordinate system.
        dsm, dem : array_like
            Elevation of ground and buildings, and of the bare ground, same datum, shape of the grid [m]; NaN
            or masked where unknown.
        canopy : array_like, optional
            Height of the crowns' top above ground [m]; 0, NaN or masked without tree.
        land_cover : array_like, optional
            Codes of :data:`heatrisk.physics.surface.LAND_COVER`; 0, NaN or masked is unknown.
            Paved there, and if omitted.
        building_height : float
            Lowest height of a building [m].
        trunk_ratio, transmissivity, receptor_height, extinction : float
            As of :meth:`from_buildings`.

        Returns
        -------
        Scene

        Raises
        ------
        GridMismatchError
            A raster has not the shape of the grid, or bears other coordinates, as with rows from south to
            north.
        InputError
            ``land_cover`` holds other than whole numbers from 0 to 255, or a number is out of its range.
        """
        heights = {"dsm": dsm, "dem": dem} | ({} if canopy is None else {"canopy": canopy})
        surface, ground, *crowns = (
            placed(name, raster, grid).astype(np.float32, copy=False) for name, raster in heights.items()
        )
        check_range("building_height", building_height, HIGHEST)
        with np.errstate(invalid="ignore"):
            roof = np.where(surface - ground >= building_height, surface, np.float32(np.nan))
        cover = codes("land_cover", np.zeros(grid.shape) if land_cover is None else land_cover, grid)
        return cls(
            grid, ground, roof, np.where(cover == 0, np.uint8(PAVED.code), cover),
            crown_top=np.nan_to_num(crowns[0]) if crowns else None, crown_base=trunk_ratio,
            transmissivity=transmissivity, receptor_height=receptor_height, extinction=extinction,
        )  # fmt: skip

    @property
    def margins(self) -> Margins:
        """Cells that the fine rasters reach beyond the grid."""
        return (self.halo,) * 4 if self.part is None else self.part.margins

    @property
    def window(self) -> Window:
        """The served cells among those that the fine rasters hold."""
        return (*self.margins[:2], *self.grid.shape)

    @property
    def origin(self) -> tuple[int, int]:
        """Row and column of the first sub-cell in the rasters of the whole."""
        return (0, 0) if self.part is None else self.part.origin

    @property
    def fine_grid(self) -> Grid:
        """The sub-cells, halo included."""
        return self.grid.padded(self.margins).divided(self.factor)

    @cached_property
    def shade(self) -> ShadeScene:
        """The scene as the shade engine wants it, prepared once."""
        return shade_scene(
            self.terrain,
            self.roof,
            cell_size=self.fine_grid.cell_size,
            factor=self.factor,
            crown_top=self.crown_top,
            crown_base=self.crown_base,
            receptor_height=self.receptor_height,
            window=self.window,
            origin=self.origin,
            datum=None if self.part is None else self.datum,  # the whole looks for it on its way
        )

    @cached_property
    def datum(self) -> float:
        """Lowest ground of the whole [m]: heights are stored from it."""
        return lowest_ground(self.terrain) if self.part is None else self.part.datum

    @cached_property
    def skyline(self) -> Skyline:
        """Highest tops and lowest ground of every few cells, halo included: what may shade a block."""
        crowns = np.zeros((0, 0), np.float32) if self.crown_top is None else self.crown_top
        return skyline(self.terrain, self.roof, crowns, SKYLINE_CELLS * self.factor)

    @cached_property
    def mask(self) -> npt.NDArray[np.uint8]:
        """Why a served cell has no value: 0 it has one, 1 building all over, 2 ground unknown."""
        return closed_cells(self.terrain, self.roof, self.factor, self.window, BUILDING, OUTSIDE)

    @property
    def unknown(self) -> float:
        """Share of the served area whose ground is unknown, 0 to 1."""
        top, left, rows, columns = (cells * self.factor for cells in self.window)
        inner = self.terrain[top : top + rows, left : left + columns]
        return float(np.isnan(inner).mean())

    @cached_property
    def hash(self) -> str:
        """SHA-256 over everything that shade depends on, as hexadecimal text; a block has its own."""
        digest = hashlib.sha256()
        numbers = (self.factor, self.halo, self.transmissivity, self.receptor_height, self.extinction)
        digest.update(repr((self.grid.crs, tuple(self.grid.transform), self.grid.shape, numbers)).encode())
        with ThreadPoolExecutor() as crew:
            parts = (self.terrain, self.roof, self.land_cover, self.crown_top, self.crown_base)
            for part in crew.map(_digest, parts):
                digest.update(part)
        return digest.hexdigest()


def _digest(part: npt.NDArray[np.generic] | float | None) -> bytes:
    content = np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else repr(part).encode()
    return hashlib.sha256(content).digest()


def _roofs(
    fine: Grid, buildings: gpd.GeoDataFrame, heights: npt.NDArray[np.float64], ground: Floats
) -> Floats:
    """Return the elevation of the roofs, NaN elsewhere; the taller of overlapping buildings wins."""
    order = np.argsort(heights, kind="stable")
    shapes = buildings.geometry.to_numpy()[order]
    parts, building = _polygons(shapes)
    rings = shapely.get_num_interior_rings(parts) + 1
    # Asking for rings, which copies them, takes long: the only one of most outlines has all of its points.
    many = np.repeat(rings > 1, rings)
    points = np.empty(many.size, np.int64)
    points[~many] = shapely.get_num_coordinates(parts[rings == 1])
    points[many] = shapely.get_num_coordinates(shapely.get_rings(parts[rings > 1]))
    places = shapely.get_coordinates(parts)
    inverse = ~fine.transform
    across, down = inverse.c + inverse.a * places[:, 0], inverse.f + inverse.e * places[:, 1]
    starts, outlines = (np.concatenate([[0], np.cumsum(counts)]) for counts in (points, rings))
    owner = footprints.owners(fine.shape, across, down, starts, outlines, building + 1)
    tops = footprints.mean_ground(owner, ground, len(order)) + heights[order]
    return footprints.raised(owner, tops)


def _polygons(shapes: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Return the polygons that shapes are made of, without empty ones, and the number of each one's shape."""
    whole = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    # What is one already is not copied.
    parts, of = shapely.get_parts(shapes[~whole], return_index=True)
    parts = np.concatenate([shapes[whole], parts])
    number = np.concatenate([np.flatnonzero(whole), np.flatnonzero(~whole)[of]])
    drawn = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    order = np.argsort(number[drawn], kind="stable")
    return parts[drawn][order], number[drawn][order]
