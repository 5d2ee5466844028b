"""The town of a city file: buildings, terrain, trees and land cover, brought together on one grid."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Transformer
from shapely.geometry import box

from heatrisk.city import City
from heatrisk.errors import HeatRiskError, InputError
from heatrisk.grid import WGS84, Bounds, Grid
from heatrisk.heat import Surfaces
from heatrisk.physics.shadow import (
    LEAF_OFF_EXTINCTION,
    LEAF_ON_EXTINCTION,
    crown_extinction,
    halo_width,
)
from heatrisk.physics.surface import LAND_COVER, LandCover
from heatrisk.scene import Scene
from heatrisk.sources.buildings import read_buildings
from heatrisk.sources.files import members, on_disk
from heatrisk.sources.inputs import Inputs
from heatrisk.sources.land_cover import read_land_cover
from heatrisk.sources.reading import Reading
from heatrisk.sources.surfaces import read_surfaces
from heatrisk.sources.terrain import SUFFIXES, read_terrain
from heatrisk.sources.trees import read_trees
from heatrisk.sources.trees.plausibility import check_canopy
from heatrisk.words import JST, Note, Words

_COARSE = 50.0  # [m]

#: Sub-cells that one run may hold, halo included: about 20 x 20 km at 1 m.
LARGEST = 400_000_000

#: Buildings beyond the shade of one this tall are not read at all [m].
_TALLEST_AFAR = 300.0

#: Side of the squares by which the area that buildings cover is told [m].
_SQUARE = 250.0

_FLAT = Note.of(
    "terrain_flat", "標高データがないため平らな土地と仮定", "no terrain data: flat ground assumed"
)
_NO_TREES = Note.of(
    "trees_missing",
    "樹木のデータがないため木陰は計算していません",
    "no tree data: the shade of trees is left out",
)
_NO_COVER = Note.of(
    "land_cover_assumed",
    "土地被覆のデータがないため、地面は一様と仮定",
    "no land-cover data: the same ground assumed everywhere",
)


def read_town(inputs: Inputs) -> None:
    """Read the town that the city file describes: ``buildings``, ``scene`` and ``surfaces`` of the inputs.

    Raises
    ------
    SourceError, InputError
        A file is missing, of another kind, incomplete or contradicts the others.
    """
    city = inputs.city
    ground, wall = read_surfaces(city.surfaces)
    inputs.surfaces = Surfaces.of(ground, wall)
    buildings = _buildings(inputs)
    terrain_paths = () if city.terrain is None else inputs.paths(city.terrain.paths)
    grid, factor, halo = _extent(city, buildings, terrain_paths)
    fine = grid.padded(halo).divided(factor)
    inputs.buildings = buildings[buildings.intersects(box(*fine.bounds))]
    inputs.amend("buildings", covered=_covered(inputs.buildings, grid))
    terrain = _terrain(inputs, terrain_paths, fine)
    canopy = _canopy(inputs, fine)
    given = city.model.model_dump(include={"receptor_height"}, exclude_none=True)
    if city.trees is not None:
        given |= city.trees.model_dump(include={"trunk_ratio"}, exclude_none=True)
        given |= _light_through(city.trees.transmissivity, inputs.now, grid.centre_lonlat[1])
    scene = Scene.from_buildings(
        grid,
        inputs.buildings,
        terrain=terrain,
        canopy=canopy,
        land_cover=_land_cover(inputs, grid, ground),
        factor=factor,
        halo=halo,
        **given,
    )
    for reading in inputs.readings:
        if reading.role == "canopy" and (doubt := check_canopy(scene, reading.path)) is not None:
            inputs.notes.append(doubt)
    inputs.scene = scene


def in_leaf(scene: Scene, city: City, when: datetime) -> Scene:
    """Return a scene as its crowns are at another date, where the city lets the season decide.

    Parameters
    ----------
    scene : Scene
        The town, at whatever date.
    city : City
        Its city file.
    when : datetime.datetime
        The date, with zone.
    """
    if city.trees is None or city.trees.transmissivity != "season":
        return scene
    return replace(scene, extinction=_of_season(when, scene.grid.centre_lonlat[1]))


def _of_season(when: datetime, latitude: float) -> float:
    return crown_extinction(when.astimezone(JST).timetuple().tm_yday, latitude)


def _light_through(stated: float | str | None, now: datetime | None, latitude: float) -> dict[str, float]:
    """Return how crowns pass light, as a scene is told: a share, or an extinction by their leaf."""
    if stated is None or isinstance(stated, float):
        return {} if stated is None else {"transmissivity": stated}
    if stated == "season":
        if now is None:
            raise InputError(
                Words(
                    '[trees] transmissivity = "season" には日付が必要です',
                    '[trees] transmissivity = "season" needs a date',
                )
            )
        return {"extinction": _of_season(now, latitude)}
    return {"extinction": LEAF_ON_EXTINCTION if stated == "leaf-on" else LEAF_OFF_EXTINCTION}


def look_at_rasters(inputs: Inputs) -> None:
    """Record the rasters of a town without buildings: whether they exist can be said."""
    city = inputs.city
    named = {
        "terrain": () if city.terrain is None else city.terrain.paths,
        "canopy": () if city.trees is None else city.trees.paths,
        "land_cover": () if city.ground.land_cover is None else (city.ground.land_cover,),
    }
    for role, locations in named.items():
        if locations and role not in {reading.role for reading in inputs.readings}:
            try:
                found = on_disk(members(inputs.paths(locations), (*SUFFIXES, ".csv")))
                inputs.readings.append(Reading.of(role, *found))
            except HeatRiskError as error:
                if str(error) not in map(str, inputs.errors):
                    inputs.failed.append((role, error))


def _buildings(inputs: Inputs) -> gpd.GeoDataFrame:
    city, section = inputs.city, inputs.city.buildings
    paths = inputs.paths(section.paths)
    return inputs.take(
        lambda: read_buildings(
            paths,
            city.city.crs,
            height=section.height,
            height_column=section.height_column,
            default_height=section.default_height,
            layer=section.layer,
            area=None if city.city.bounds is None else _widened(city),
            bounds=city.city.bounds,
            progress=inputs.progress,
        )
    )


def _widened(city: City) -> Bounds:
    """Return the served area in degrees, widened to whatever can cast shade into it."""
    west, south, east, north = _served(city)
    reach = halo_width(_TALLEST_AFAR)
    to_degrees = Transformer.from_crs(city.city.crs, WGS84, always_xy=True)
    return to_degrees.transform_bounds(west - reach, south - reach, east + reach, north + reach)


def _served(city: City) -> Bounds:
    assert city.city.bounds is not None
    to_grid = Transformer.from_crs(WGS84, city.city.crs, always_xy=True)
    return to_grid.transform_bounds(*city.city.bounds)


def _extent(city: City, buildings: gpd.GeoDataFrame, terrain: tuple[Path, ...]) -> tuple[Grid, int, int]:
    """Return the served cells, the sub-cells along a cell's side and the cells of the halo."""
    grid = Grid.covering(_area(city, buildings), city.city.crs, city.city.cell_size)
    halo = halo_cells(buildings, grid.bounds, grid.cell_size, _relief(city, buildings, terrain))
    rows, columns = (side * grid.cell_size for side in grid.padded(halo).shape)
    factor = city.factor(rows * columns)
    if rows * columns * (factor / grid.cell_size) ** 2 > LARGEST:
        raise InputError(
            Words("対象範囲が広すぎます", "the area is too large for one run"),
            where="[city] bounds",
            got=f"{columns / 1000:.1f} x {rows / 1000:.1f} km",
            expected=Words(
                f"細かい格子で {LARGEST / 1e8:.0f} 億升以下", f"at most {LARGEST / 1e6:.0f} million sub-cells"
            ),
            remedy=Words(
                "[city] bounds で範囲を絞るか、遠くに紛れた建物を除いてください",
                "Set [city] bounds, or remove stray buildings far away.",
            ),
        )
    return grid, factor, halo


def halo_cells(buildings: gpd.GeoDataFrame, bounds: Bounds, cell_size: float, relief: float = 0.0) -> int:
    """Return how many cells beyond some bounds the buildings can still cast shade from.

    The reach is that of the tallest building, on the highest ground, at the lowest sun that counts, but no
    farther than the outermost building lies: bare hills and woods beyond it are left out.

    Parameters
    ----------
    buildings : geopandas.GeoDataFrame
        All known buildings, inside and outside, with a column ``height`` [m].
    bounds : tuple of float
        West, south, east, north of the served area, in the buildings' coordinates [m].
    cell_size : float
        Side of a cell [m].
    relief : float
        Height of the highest ground above the lowest [m].
    """
    west, south, east, north = bounds
    left, bottom, right, top = buildings.total_bounds
    beyond = max(float(gap) for gap in (west - left, south - bottom, right - east, top - north, 0.0))
    return math.ceil(min(beyond, halo_width(float(buildings["height"].max()) + relief)) / cell_size)


def _relief(city: City, buildings: gpd.GeoDataFrame, terrain: tuple[Path, ...]) -> float:
    """Return how far the ground rises over all the buildings [m], from a coarse look at the terrain."""
    if not terrain:
        return 0.0
    west, south, east, north = map(float, buildings.total_bounds)
    coarse = Grid.covering((west, south, east, north), city.city.crs, _COARSE)
    ground, _ = read_terrain(terrain, coarse, fill=0.0)
    return float(np.nanmax(ground) - np.nanmin(ground))


def _area(city: City, buildings: gpd.GeoDataFrame) -> Bounds:
    """Return the served area in the city's coordinates: the city file's, else the buildings'."""
    if city.city.bounds is None:
        west, south, east, north = map(float, buildings.total_bounds)
        return (west, south, east, north)
    served = _served(city)
    if not buildings.intersects(box(*served)).any():
        raise InputError(
            Words("対象範囲に建物が 1 棟もありません", "there is not a single building in the area"),
            where="[city] bounds",
            got=str(list(city.city.bounds)),
            expected=Words(
                f"建物のある範囲 {np.round(buildings.total_bounds).tolist()} {city.city.crs}",
                f"buildings within {np.round(buildings.total_bounds).tolist()} {city.city.crs}",
            ),
            remedy=Words(
                "範囲は [西, 南, 東, 北] の経度・緯度で指定します",
                "Bounds are [west, south, east, north] in degrees.",
            ),
        )
    return served


def _covered(buildings: gpd.GeoDataFrame, grid: Grid) -> float:
    """Return the share of the served area's squares in which there is a building, 0 to 1."""
    west, south, east, north = grid.bounds
    across, down = max(round((east - west) / _SQUARE), 1), max(round((north - south) / _SQUARE), 1)
    centres = shapely.centroid(buildings.geometry.to_numpy())
    counts, _, _ = np.histogram2d(
        shapely.get_x(centres), shapely.get_y(centres), (across, down), ((west, east), (south, north))
    )
    return round(float((counts > 0).mean()), 4)


def _terrain(inputs: Inputs, paths: tuple[Path, ...], grid: Grid) -> npt.NDArray[np.float32] | None:
    section = inputs.city.terrain
    if section is None:
        inputs.notes.append(_FLAT)
        return None
    return inputs.take(lambda: read_terrain(paths, grid, fill=section.fill))


def _canopy(inputs: Inputs, grid: Grid) -> npt.NDArray[np.float32] | None:
    section = inputs.city.trees
    if section is None:
        inputs.notes.append(_NO_TREES)
        return None
    paths = inputs.paths(section.paths)
    return inputs.take(lambda: read_trees(paths, grid, heights=section.heights))


def _land_cover(inputs: Inputs, grid: Grid, classes: tuple[LandCover, ...]) -> npt.NDArray[np.uint8]:
    """Return the land-cover class of every cell; the city's default where it is not known."""
    section = inputs.city.ground
    default = next(row.code for row in LAND_COVER if row.name.replace(" ", "_") == section.default)
    if section.land_cover is None:
        inputs.notes.append(_NO_COVER)
        return np.full(grid.shape, default, np.uint8)
    path = inputs.path(section.land_cover)
    return inputs.take(lambda: read_land_cover(path, grid, classes, default))
