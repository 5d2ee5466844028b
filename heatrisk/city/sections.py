"""The sections of a city file, one class each."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, AliasChoices, BaseModel, ConfigDict, Field, field_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from heatrisk.city.location import Location, Locations
from heatrisk.errors import InputError
from heatrisk.words import Words

LandCoverName = Literal["paved", "grass", "bare_soil", "water", "concrete"]

#: Which of the heights that a file states counts: see :func:`heatrisk.sources.buildings.heights.choose`.
HeightRule = Literal["lod1", "measured", "max"]

#: In what leaf crowns are: for good, or by the date.
Leaf = Literal["leaf-on", "leaf-off", "season"]

#: A share of a whole, and one that is not nothing.
Share = Annotated[float, Field(ge=0, le=1)]
SomeShare = Annotated[float, Field(gt=0, le=1)]

#: From here on a morning's text is too late to be sent [JST].
NOON = time(12)

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

    @field_validator("crs", mode="before")
    @classmethod
    def _known_crs(cls, value: Any) -> Any:
        try:
            crs = CRS.from_user_input(value)
        except CRSError as error:
            form = "EPSG:6677"
            raise InputError(
                Words(
                    f"座標系が不明です（書き方の例: {form}）",
                    f"the coordinate system is unknown ({form} is one)",
                )
            ) from error
        if not crs.is_projected:
            raise InputError(
                Words(
                    "座標系はメートル単位の平面直角座標系などにしてください",
                    "the coordinates must be projected, in metres",
                )
            )
        # Other readers know a bare number, 6677, only by its full name.
        authority = crs.to_authority(min_confidence=100)
        return ":".join(authority) if authority else value

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
    ``transmissivity`` is a share of direct sun, the same for every crown; or it says in what leaf the crowns
    are, and the way of each ray within a crown counts.
    """

    paths: Locations = Field(
        validation_alias=AliasChoices("path", "canopy"), serialization_alias="path", min_length=1
    )
    heights: dict[str, Height] = {}
    transmissivity: float | Leaf | None = None
    trunk_ratio: Annotated[float, Field(ge=0, lt=1)] | None = None

    @field_validator("transmissivity", mode="before")
    @classmethod
    def _share_or_leaf(cls, value: Any) -> Any:
        if value in get_args(Leaf):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value <= 1.0:
            return float(value)
        raise InputError(
            Words(
                '値が正しくありません(0 から 1 の数、または "leaf-on" "leaf-off" "season")',
                'not a valid share from 0 to 1, nor "leaf-on", "leaf-off" or "season"',
            )
        )


class GroundSection(Section):
    """``[ground]``: land cover, for the temperature and albedo of the ground."""

    land_cover: Location | None = None
    default: LandCoverName = "grass"


class WallRow(Section):
    """``wall`` of ``[surfaces]``: what is known better than the cited table has it."""

    albedo: Share | None = None
    emissivity: SomeShare | None = None
    admittance: Annotated[float, Field(gt=0, le=1e6)] | None = None


class GroundRow(WallRow):
    """A row of ``ground`` of ``[surfaces]``: numbers of one land-cover code."""

    code: Annotated[int, Field(strict=True, ge=1, le=254)]  # true is no 1
    name: str | None = None
    moisture: Share | None = None


class SurfacesSection(Section):
    """``[surfaces]``: how bright and how warm ground and walls are, where the city knows better."""

    ground: tuple[GroundRow, ...] = ()
    wall: WallRow = WallRow()

    @field_validator("ground")
    @classmethod
    def _each_code_once(cls, value: tuple[GroundRow, ...]) -> tuple[GroundRow, ...]:
        codes = [row.code for row in value]
        if len({*codes}) < len(codes):
            raise InputError(Words("同じ土地被覆コードが 2 回あります", "a land-cover code is there twice"))
        return value


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


def _clock_time(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise InputError(Words('時刻は "05:10" のように書いてください', 'write times of the day as "05:10"'))
    return text


def _environment_variable(text: str) -> str:
    if not re.fullmatch(r"env:[A-Za-z_][A-Za-z0-9_]*", text):
        raise InputError(
            Words(
                '送信先は環境変数に入れ、"env:名前" と書いてください',
                'put the address into an environment variable, and write "env:NAME"',
            )
        )
    return text


#: A time of the day in Japan.
ClockTime = Annotated[str, AfterValidator(_clock_time)]

#: An address that only the environment holds.
HiddenAddress = Annotated[str, AfterValidator(_environment_variable)]


class WatchSection(Section):
    """``[watch]``: when ``heatrisk watch`` recomputes, in Japan's time, and how patiently it tries again."""

    times: Annotated[tuple[ClockTime, ...], Field(min_length=1, max_length=96)] = (
        "05:10", "05:50", "10:10", "14:10", "17:10",
    )  # fmt: skip
    jitter_minutes: Annotated[float, Field(ge=0, le=60)] = 3.0
    retry_minutes: Annotated[float, Field(gt=0, le=60)] = 5.0


class TellSection(Section):
    """``[tell]``: where ``heatrisk watch`` sends the official alerts and the morning's text, each event once.

    The address is in the environment, for many an address is a key and a run publishes its city file. The
    staff's address gets drills and tests too. ``morning`` is the time from which the morning's text is in the
    feeds, and sent after a pass of its own.
    """

    webhook: HiddenAddress | None = None
    staff_webhook: HiddenAddress | None = None
    morning: ClockTime = "05:50"

    @field_validator("morning")
    @classmethod
    def _before_noon(cls, value: str) -> str:
        if time.fromisoformat(value) >= NOON:
            raise InputError(
                Words("朝の文章の時刻は正午より前にしてください", "the morning's text is sent before noon")
            )
        return value


class ModelSection(Section):
    """``[model]``: how finely to compute; the sub-cell follows from the area where it is left out."""

    sub_cell: Annotated[float, Field(gt=0)] | None = None
    receptor_height: Annotated[float, Field(ge=0, le=3)] | None = None
    urban_wind: Literal["off", "svf"] = "off"


class DashboardSection(Section):
    """``[dashboard]``: what the page shows behind the map, and what it says in the city's own words.

    ``words`` holds messages by language and key, as in the catalogues of the dashboard; a language that the
    page does not know by itself is offered under its ``language_name``, in English where it has no message.
    """

    basemap: Literal["none", "gsi-pale"] = "none"
    words: dict[str, dict[str, str]] = {}
