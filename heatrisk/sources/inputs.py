"""Everything a city file names, read: the town, its weather, its shelters, and the record of each file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from shapely.geometry import box

from heatrisk.city import City, LandCoverName
from heatrisk.errors import HeatRiskError, InputError
from heatrisk.grid import WGS84, Bounds, Grid
from heatrisk.physics.surface import LAND_COVER
from heatrisk.scene import Scene, halo_cells
from heatrisk.shelters import Shelter
from heatrisk.sources import weather_source
from heatrisk.sources.buildings import read_buildings
from heatrisk.sources.moe import read_forecast
from heatrisk.sources.raster import Role, read_raster
from heatrisk.sources.reading import Reading
from heatrisk.sources.shelter_csv import read_shelters
from heatrisk.weather import OfficialForecast, Station, Weather
from heatrisk.words import Note, Words

T = TypeVar("T")

_COARSE = 50.0  # [m]

#: Sub-cells that one run may hold, halo included: about 20 x 20 km at 1 m.
LARGEST = 400_000_000

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
_NO_OFFICIAL = Note.of(
    "unanchored",
    "公式予測を指定していないため、公式値に合わせていません",
    "no official forecast is configured: values are not anchored to it",
)


@dataclass
class Inputs:
    """What was read for a city.

    Parameters
    ----------
    city : City
        The city file.
    readings : list of Reading
        One record a file, in the order of reading.
    errors : list of HeatRiskError
        What could not be read, where the reader was told to go on.
    notes : list of Note
        What had to be assumed for want of a file.
    buildings : geopandas.GeoDataFrame, optional
        The buildings that matter, in the city's coordinates.
    scene : Scene, optional
        The town; None where one of its files could not be read.
    weather : Weather, optional
        Official forecast and weather series; None where one could not be read.
    shelters : tuple of Shelter
        The cooling shelters.
    """

    city: City
    readings: list[Reading] = field(default_factory=list)
    errors: list[HeatRiskError] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    buildings: gpd.GeoDataFrame | None = None
    scene: Scene | None = None
    weather: Weather | None = None
    shelters: tuple[Shelter, ...] = ()

    def _take(self, read: Callable[[], tuple[T, Reading]]) -> T:
        value, reading = read()
        self.readings.append(reading)
        self.notes.extend(reading.notes)
        return value

    def _try(self, read: Callable[[], None], *, go_on: bool) -> None:
        try:
            read()
        except HeatRiskError as error:
            if not go_on:
                raise
            self.errors.append(error)


def read_inputs(city: City, city_file: Path, *, go_on: bool = False) -> Inputs:
    """Read every file that a city file names.

    Parameters
    ----------
    city : City
        The validated city file.
    city_file : pathlib.Path
        Where it was read from; it is an input like the others.
    go_on : bool
        Collect errors and read the remaining files (for a check) instead of raising the first.

    Returns
    -------
    Inputs
        ``scene`` and ``weather`` are set when nothing was wrong with their files.

    Raises
    ------
    SourceError, InputError
        A file is missing, of another kind, incomplete or contradicts the others (unless ``go_on``).
    """
    inputs = Inputs(city, [replace(Reading.of("city", city_file), read=1, used=1)])
    for part in (_read_town, _read_weather, _read_shelter_list):
        inputs._try(lambda part=part: part(inputs), go_on=go_on)  # type: ignore[misc]
    if inputs.scene is None:
        # Without buildings there is no grid to read rasters onto; whether they are there can still be said.
        for role, path in _raster_paths(city):
            if role not in {reading.role for reading in inputs.readings}:
                inputs._try(lambda role=role, path=path: _look(inputs, role, path), go_on=go_on)  # type: ignore[misc]
    return inputs


def _raster_paths(city: City) -> list[tuple[Role, Path]]:
    named: list[tuple[Role, Path | None]] = [
        ("terrain", None if city.terrain is None else city.terrain.path),
        ("canopy", None if city.trees is None else city.trees.canopy),
        ("land_cover", city.ground.land_cover),
    ]
    return [(role, path) for role, path in named if path is not None]


def _look(inputs: Inputs, role: Role, path: Path) -> None:
    inputs.readings.append(Reading.of(role, path))


def _read_town(inputs: Inputs) -> None:
    city, section = inputs.city, inputs.city.buildings
    buildings = inputs._take(
        lambda: read_buildings(
            section.path,
            city.city.crs,
            height_column=section.height_column,
            default_height=section.default_height,
            layer=section.layer,
        )
    )
    grid, factor, halo = _extent(city, buildings)
    fine = grid.padded(halo).divided(factor)
    inputs.buildings = buildings[buildings.intersects(box(*fine.bounds))]
    paths = dict(_raster_paths(city))
    terrain = _raster(inputs, paths.get("terrain"), fine, "terrain", _FLAT)
    canopy = _raster(inputs, paths.get("canopy"), fine, "canopy", _NO_TREES)
    cover = _raster(inputs, paths.get("land_cover"), grid, "land_cover", _NO_COVER)
    given = city.model.model_dump(include={"receptor_height"}, exclude_none=True)
    if city.trees is not None:
        given |= city.trees.model_dump(include={"trunk_ratio", "transmissivity"}, exclude_none=True)
    inputs.scene = Scene.from_buildings(
        grid,
        inputs.buildings,
        terrain=terrain,
        canopy=None if canopy is None else np.nan_to_num(canopy, nan=0.0),
        land_cover=_codes(cover, grid, city.ground.default),
        factor=factor,
        halo=halo,
        **given,
    )


def _extent(city: City, buildings: gpd.GeoDataFrame) -> tuple[Grid, int, int]:
    """Return the served cells, the sub-cells along a cell's side and the cells of the halo."""
    grid = Grid.covering(_area(city, buildings), city.city.crs, city.city.cell_size)
    halo = halo_cells(buildings, grid.bounds, grid.cell_size, _relief(city, buildings))
    rows, columns = (side * grid.cell_size for side in grid.padded(halo).shape)
    factor = city.factor(rows * columns)
    if rows * columns * (factor / grid.cell_size) ** 2 > LARGEST:
        raise InputError(
            Words("対象範囲が広すぎます", "the area is too large for one run"),
            where="[city] bounds",
            got=f"{columns / 1000:.1f} x {rows / 1000:.1f} km",
            expected=f"at most {LARGEST / 1e6:.0f} million sub-cells",
            remedy=Words(
                "[city] bounds で範囲を絞るか、遠くに紛れた建物を除いてください",
                "Set [city] bounds, or remove stray buildings far away.",
            ),
        )
    return grid, factor, halo


def _relief(city: City, buildings: gpd.GeoDataFrame) -> float:
    """Return how far the ground rises over all the buildings [m], from a coarse look at the terrain."""
    if city.terrain is None:
        return 0.0
    west, south, east, north = map(float, buildings.total_bounds)
    coarse = Grid.covering((west, south, east, north), city.city.crs, _COARSE)
    ground, _ = read_raster(city.terrain.path, coarse, role="terrain")
    return float(np.nanmax(ground) - np.nanmin(ground))


def _raster(
    inputs: Inputs, path: Path | None, grid: Grid, role: Role, missing: Note
) -> npt.NDArray[np.float32] | None:
    """Return a raster on a grid, or None, with a remark, where the city names no file."""
    if path is None:
        inputs.notes.append(missing)
        return None
    resampling = "nearest" if role == "land_cover" else "bilinear"
    return inputs._take(lambda: read_raster(path, grid, role=role, resampling=resampling))


def _codes(
    cover: npt.NDArray[np.float32] | None, grid: Grid, default: LandCoverName
) -> npt.NDArray[np.uint8]:
    """Return the land-cover class of every cell; the city's default where it is not known."""
    code = next(row.code for row in LAND_COVER if row.name.replace(" ", "_") == default)
    if cover is None:
        return np.full(grid.shape, code, np.uint8)
    known = np.isin(cover, [row.code for row in LAND_COVER])
    return np.where(known, cover, code).astype(np.uint8)


def _area(city: City, buildings: gpd.GeoDataFrame) -> Bounds:
    """Return the served area in the city's coordinates: the city file's, else the buildings'."""
    if city.city.bounds is None:
        west, south, east, north = map(float, buildings.total_bounds)
        return (west, south, east, north)
    to_grid = Transformer.from_crs(WGS84, city.city.crs, always_xy=True)
    west, south, east, north = to_grid.transform_bounds(*city.city.bounds)
    if not buildings.intersects(box(west, south, east, north)).any():
        raise InputError(
            Words("対象範囲に建物が 1 棟もありません", "there is not a single building in the area"),
            where="[city] bounds",
            got=str(list(city.city.bounds)),
            expected=f"buildings within {np.round(buildings.total_bounds).tolist()} {city.city.crs}",
            remedy=Words(
                "範囲は [西, 南, 東, 北] の経度・緯度で指定します",
                "Bounds are [west, south, east, north] in degrees.",
            ),
        )
    return (west, south, east, north)


def _read_weather(inputs: Inputs) -> None:
    city = inputs.city
    official: OfficialForecast | None = None
    if city.official is None:
        inputs.notes.append(_NO_OFFICIAL)
    else:
        path, entries = city.official.path, city.official.stations
        found = inputs._take(lambda: read_forecast(path, [entry.id for entry in entries]))
        total = sum(entry.weight for entry in entries)
        official = replace(
            found,
            stations=tuple(
                Station(entry.id, entry.name or entry.id, entry.lon, entry.lat) for entry in entries
            ),
            weights=tuple(entry.weight / total for entry in entries),
        )
    if city.weather is None:
        inputs.weather = Weather(official=official)
        return
    section = city.weather
    series = inputs._take(lambda: weather_source(section.kind)(section.path))
    height = section.wind_height or series.wind_height
    inputs.weather = replace(series, official=official, wind_height=height)


def _read_shelter_list(inputs: Inputs) -> None:
    section = inputs.city.shelters
    if section is not None:
        bounds = None if inputs.scene is None else inputs.scene.grid.bounds_lonlat
        inputs.shelters = tuple(inputs._take(lambda: read_shelters(section.path, bounds)))
