"""The sections of a city file, one class each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from heatrisk.city.location import Location, Locations
from heatrisk.errors import InputError
from heatrisk.words import Words

LandCoverName = Literal["paved", "grass", "bare_soil", "water"]

#: Which of the heights that a file states counts: see :func:`heatrisk.sources.buildings.heights.choose`.
HeightRule = Literal["lod1", "measured", "max"]

#: A height above ground [m].
Height = Annotated[float, Field(gt=0, lt=700)]


class Section(BaseModel):
    """A table of the city file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FileSection(Section):
    """A section that names files: ``path`` is a file, folder, zip, pattern or URL, or a list of them."""

    paths: Locations = Field(alias="path", min_length=1)


class CitySection(Section):
    """``[city]``: name, map coordinates and area."""

    name: str
    name_en: str = ""
    crs: str = "EPSG:6677"
    cell_size: Annotated[float, Field(gt=0, le=100)] = 5.0
    bounds: tuple[float, float, float, float] | None = None
    sample: bool = False
    contact: str = ""
    attribution: tuple[str, ...] = ()

    @field_validator("crs")
    @classmethod
    def _known_crs(cls, value: str) -> str:
        try:
            crs = CRS.from_user_input(value)
        except CRSError as error:
            raise InputError(Words("座標系が不明です", "the coordinate system is unknown")) from error
        if not crs.is_projected:
            raise InputError(
                Words(
                    "座標系はメートル単位の平面直角座標系などにしてください",
                    "the coordinates must be projected, in metres",
                )
            )
        return value

    @field_validator("bounds")
    @classmethod
    def _lonlat_bounds(cls, value: tuple[float, float, float, float] | None) -> Any:
        if value is not None:
            west, south, east, north = value
            if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
                raise InputError(
                    Words(
                        "範囲は [西, 南, 東, 北] の順に経度・緯度（度）で書いてください",
                        "bounds are [west, south, east, north] in degrees of longitude and latitude",
                    )
                )
        return value


class BuildingsSection(FileSection):
    """``[buildings]``: footprints with heights."""

    layer: str | None = None
    height: HeightRule = "lod1"
    height_column: str | None = None
    default_height: Height | None = None


class TerrainSection(FileSection):
    """``[terrain]``: ground elevation; holes up to ``fill`` metres from known ground are filled."""

    fill: Annotated[float, Field(ge=0, le=1000)] = 50.0


class TreesSection(FileSection):
    """``[trees]``: canopy rasters, PLATEAU vegetation, lists of trees, and how crowns pass light.

    ``heights`` gives a height [m] to listed trees that have none, by their class or species (``"*"``: any).
    """

    paths: Locations = Field(
        validation_alias=AliasChoices("path", "canopy"), serialization_alias="path", min_length=1
    )
    heights: dict[str, Height] = {}
    transmissivity: Annotated[float, Field(ge=0, le=1)] | None = None
    trunk_ratio: Annotated[float, Field(ge=0, lt=1)] | None = None


class GroundSection(Section):
    """``[ground]``: land cover, for the temperature and albedo of the ground."""

    land_cover: Location | None = None
    default: LandCoverName = "grass"


class StationEntry(Section):
    """One official station, with the weight of its value in the city's."""

    id: str
    name: str = ""
    lon: float | None = None
    lat: float | None = None
    weight: Annotated[float, Field(gt=0)] = 1.0


class OfficialSection(FileSection):
    """``[official]``: the official WBGT that anchors the field; stations by distance unless named."""

    stations: Annotated[tuple[StationEntry, ...], Field(min_length=1)] | None = None
    station_table: Location | None = None

    @field_validator("stations", mode="before")
    @classmethod
    def _plain_ids(cls, value: Any) -> Any:
        return (
            [{"id": item} if isinstance(item, str) else item for item in value]
            if isinstance(value, list)
            else value
        )


class WeatherSection(FileSection):
    """``[weather]``: air temperature, humidity, wind and radiation over time."""

    kind: str | None = None
    wind_height: Annotated[float, Field(gt=0, le=100)] | None = None
    station: str | None = None
    station_table: Location | None = None
    year: Annotated[int, Field(ge=1900, le=2200)] | None = None


class AlertsSection(FileSection):
    """``[alerts]``: the official heat-stroke alerts, and the forecast area whose flag counts."""

    area: str


class SheltersSection(FileSection):
    """``[shelters]``: the city's list of cooling shelters, and where their positions come from."""

    coordinates: Location | None = None
    facilities: Locations = ()
    geocoder: str | None = None
    congestion: Location | None = None
    equipment: Location | None = None
    valid_hours: Annotated[float, Field(gt=0, le=168)] = 2.0


class PopulationSection(FileSection):
    """``[population]``: residents by mesh or district; ``columns`` names the columns of the groups."""

    layer: str | None = None
    columns: dict[str, str] = {}


class JurisdictionsSection(FileSection):
    """``[jurisdictions]``: districts that reports are made for."""

    layer: str | None = None
    name_column: str | None = None


class HttpSection(Section):
    """``[http]``: how sources on the web are fetched, and how long a copy may stand in for them."""

    user_agent: str = ""
    timeout: Annotated[float, Field(gt=0, le=600)] = 30.0
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    max_megabytes: Annotated[float, Field(gt=0, le=4096)] = 200.0
    keep_hours: Annotated[float, Field(ge=0, le=8760)] = 24.0


class ModelSection(Section):
    """``[model]``: how finely to compute; the sub-cell follows from the area where it is left out."""

    sub_cell: Annotated[float, Field(gt=0)] | None = None
    receptor_height: Annotated[float, Field(ge=0, le=3)] | None = None


class DashboardSection(Section):
    """``[dashboard]``: what the page shows behind the map."""

    basemap: Literal["none", "gsi-pale"] = "none"
