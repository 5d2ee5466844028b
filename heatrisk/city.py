"""The city file: everything a municipality may want to change, validated."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pyproj import CRS
from pyproj.exceptions import CRSError

from heatrisk.errors import CityFileError, InputError
from heatrisk.words import Words

#: Up to this area [m2] a run takes half-metre sub-cells: 40 million of them, some 3 GB with trees.
FINE_AREA = 10e6

LandCoverName = Literal["paved", "grass", "bare_soil", "water"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CitySection(_Section):
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


class BuildingsSection(_Section):
    """``[buildings]``: footprints with heights."""

    path: Path
    layer: str | None = None
    height_column: str | None = None
    default_height: Annotated[float, Field(gt=0, lt=700)] | None = None


class TerrainSection(_Section):
    """``[terrain]``: ground elevation raster."""

    path: Path


class TreesSection(_Section):
    """``[trees]``: canopy-height raster and how crowns pass light; the scene's defaults where left out."""

    canopy: Path
    transmissivity: Annotated[float, Field(ge=0, le=1)] | None = None
    trunk_ratio: Annotated[float, Field(ge=0, lt=1)] | None = None


class GroundSection(_Section):
    """``[ground]``: land cover, for the temperature and albedo of the ground."""

    land_cover: Path | None = None
    default: LandCoverName = "grass"


class StationEntry(_Section):
    """One official station, with the weight of its value in the city's."""

    id: str
    name: str = ""
    lon: float | None = None
    lat: float | None = None
    weight: Annotated[float, Field(gt=0)] = 1.0


class OfficialSection(_Section):
    """``[official]``: the official WBGT forecast that anchors the field."""

    path: Path
    stations: Annotated[tuple[StationEntry, ...], Field(min_length=1)]

    @field_validator("stations", mode="before")
    @classmethod
    def _plain_ids(cls, value: Any) -> Any:
        return (
            [{"id": item} if isinstance(item, str) else item for item in value]
            if isinstance(value, list)
            else value
        )


class WeatherSection(_Section):
    """``[weather]``: air temperature, humidity, wind and radiation over time."""

    path: Path
    kind: str
    wind_height: Annotated[float, Field(gt=0, le=100)] | None = None


class SheltersSection(_Section):
    """``[shelters]``: the city's list of cooling shelters."""

    path: Path


class ModelSection(_Section):
    """``[model]``: how finely to compute; the sub-cell follows from the area where it is left out."""

    sub_cell: Annotated[float, Field(gt=0)] | None = None
    receptor_height: Annotated[float, Field(ge=0, le=3)] | None = None


class StoreSection(_Section):
    """``[store]``: where finished runs are kept."""

    path: Path = Path("store")  # beside the city file


class DashboardSection(_Section):
    """``[dashboard]``: what the page shows behind the map."""

    basemap: Literal["none", "gsi-pale"] = "none"


class City(_Section):
    """A city file as read; relative paths are resolved against the file's folder.

    Use :func:`read_city` to make one from a file.
    """

    city: CitySection
    buildings: BuildingsSection
    terrain: TerrainSection | None = None
    trees: TreesSection | None = None
    ground: GroundSection = GroundSection()
    official: OfficialSection | None = None
    weather: WeatherSection | None = None
    shelters: SheltersSection | None = None
    model: ModelSection = ModelSection()
    store: StoreSection = StoreSection()
    dashboard: DashboardSection = DashboardSection()

    @model_validator(mode="after")
    def _something_to_compute_from(self) -> City:
        if self.official is None and self.weather is None:
            raise InputError(
                Words(
                    "[official] か [weather] の少なくとも一方が必要です",
                    "at least one of [official] and [weather] is needed",
                )
            )
        factor = self.city.cell_size / (self.model.sub_cell or self.city.cell_size)
        if abs(factor - round(factor)) > 1e-9 or factor < 1:
            raise InputError(
                Words(
                    "[city] cell_size は [model] sub_cell の整数倍にしてください",
                    "[city] cell_size must be a whole multiple of [model] sub_cell",
                )
            )
        return self

    @property
    def names(self) -> Words:
        """The city's name in both languages."""
        return Words(self.city.name, self.city.name_en or self.city.name)

    def factor(self, area: float) -> int:
        """Return the sub-cells along the side of a cell.

        Unless the city file says otherwise they are about half a metre, or a metre where the area is too
        large for an ordinary computer's memory at that: the wall's place on the raster is what is left of
        the error of shade, and it halves with the sub-cell.

        Parameters
        ----------
        area : float
            Area with its halo [m2].
        """
        wanted = self.model.sub_cell or (0.5 if area <= FINE_AREA else 1.0)
        return max(round(self.city.cell_size / wanted), 1)


def read_city(path: Path) -> City:
    """Read and validate a city file.

    Parameters
    ----------
    path : pathlib.Path
        TOML file.

    Returns
    -------
    City
        With absolute paths.

    Raises
    ------
    CityFileError
        The file is absent, is not TOML, or a key is unknown, missing or wrong; the message names the key.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise CityFileError(
            Words("設定ファイルがありません", "the city file does not exist"),
            where=path,
            remedy=Words("`heatrisk init フォルダー` で作れます", "`heatrisk init FOLDER` writes one."),
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CityFileError(
            Words("設定ファイルを TOML として読めません", "the city file is not readable TOML"),
            where=path,
            got=str(error),
            remedy=Words(
                'UTF-8 で保存し、引用符は半角の " を、パスの区切りは / を使ってください',
                'Save it as UTF-8, with plain " quotes and / in paths.',
            ),
        ) from error
    try:
        stored = {"store": {"path": "store"}} | raw
        return City.model_validate(_absolute(stored, path.resolve().parent))
    except ValidationError as error:
        what, expected, got = _explained(error)
        raise CityFileError(
            what,
            where=path,
            expected=expected,
            got=got,
            remedy=Words(
                "`heatrisk init` が書く見本と見比べてください",
                "Compare with the file that `heatrisk init` writes.",
            ),
        ) from error


_PATH_KEYS = {"path", "canopy", "land_cover"}


def _absolute(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Resolve relative paths against the city file's folder."""
    return {
        name: {
            key: str(folder / value) if key in _PATH_KEYS and isinstance(value, str) else value
            for key, value in section.items()
        }
        if isinstance(section, dict)
        else section
        for name, section in raw.items()
    }


def _explained(error: ValidationError) -> tuple[Words, str | None, str | None]:
    """Return what is wrong with the first wrong key, what was expected and what was found."""
    # A misspelt key is both unknown and missed: the unknown one shows the reader where to look.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key, cause = ".".join(map(str, first["loc"])), first.get("ctx", {}).get("error")
    if first["type"] == "missing":
        return Words(f"{key} がありません", f"{key} is missing"), None, None
    if first["type"] == "extra_forbidden":
        return Words(f"{key} という項目はありません", f"there is no setting {key}"), None, None
    if isinstance(cause, InputError) and isinstance(cause.what, Words):
        prefix, got = (f"{key}: ", _brief(first["input"])) if key else ("", None)
        return Words(prefix + cause.what.ja, prefix + cause.what.en), None, got
    what = Words(f"{key} の設定が正しくありません", f"{key} is not a valid setting")
    return what, first["msg"], _brief(first["input"])


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
