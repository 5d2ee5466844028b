"""The city file: everything a municipality may want to change, validated."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from heatrisk.city.location import anchored
from heatrisk.city.sections import (
    AlertsSection,
    BuildingsSection,
    CitySection,
    DashboardSection,
    GroundSection,
    HttpSection,
    JurisdictionsSection,
    ModelSection,
    OfficialSection,
    PopulationSection,
    Section,
    SheltersSection,
    SurfacesSection,
    TellSection,
    TerrainSection,
    TreesSection,
    WatchSection,
    WeatherSection,
)
from heatrisk.complaints import brief, unparsed, wanted
from heatrisk.errors import CityFileError, InputError
from heatrisk.words import Words

#: Up to this area [m2] a run takes half-metre sub-cells: 40 million of them, some 3 GB with trees.
FINE_AREA = 10e6


class KeepSection(Section):
    """``keep`` of ``[store]``: runs younger than ``days`` stay, and the newest ``runs`` of any age."""

    days: Annotated[float, Field(gt=0)] = 30.0
    runs: Annotated[int, Field(ge=1)] = 10


class StoreSection(Section):
    """``[store]``: where finished runs are kept, how long, and how much of the inputs with each.

    ``keep_inputs`` [MB] bounds the files of this computer that a run keeps for its replay; of larger ones it
    keeps the digest.
    """

    path: Path = Path("store")  # beside the city file
    keep: KeepSection | None = None
    keep_inputs: Annotated[float, Field(ge=0)] = 500.0


class City(Section):
    """A city file as read; relative paths are resolved against the file's folder.

    Use :func:`read_city` to make one from a file.
    """

    city: CitySection
    buildings: BuildingsSection
    terrain: TerrainSection | None = None
    trees: TreesSection | None = None
    ground: GroundSection = GroundSection()
    surfaces: SurfacesSection = SurfacesSection()
    official: OfficialSection | None = None
    weather: WeatherSection | None = None
    alerts: AlertsSection | None = None
    shelters: SheltersSection | None = None
    population: PopulationSection | None = None
    jurisdictions: JurisdictionsSection | None = None
    http: HttpSection = HttpSection()
    model: ModelSection = ModelSection()
    store: StoreSection = StoreSection()
    watch: WatchSection = WatchSection()
    tell: TellSection = TellSection()
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


def read_city(path: Path, folder: Path | None = None) -> City:
    """Read and validate a city file.

    Parameters
    ----------
    path : pathlib.Path
        TOML file.
    folder : pathlib.Path, optional
        Where relative paths begin; beside the file if omitted.

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
    except OSError as error:
        raise CityFileError(
            Words("設定ファイルを開けません", "the city file cannot be opened"),
            where=path,
            remedy=Words(
                "フォルダーではなくファイルを指定し、読み取り権限を確かめてください",
                "Name a file, not a folder, and check its permissions.",
            ),
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CityFileError(
            Words("設定ファイルを TOML として読めません", "the city file is not readable TOML"),
            where=path,
            got=unparsed(error),
            remedy=Words(
                'UTF-8 で保存し、引用符は半角の " を、パスの区切りは / を使ってください',
                'Save it as UTF-8, with plain " quotes and / in paths.',
            ),
        ) from error
    try:
        stored = {"store": {"path": "store"}} | raw
        return City.model_validate(_absolute(stored, folder or path.resolve().parent))
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


def store_path(path: Path) -> Path:
    """Return the folder of a city's runs, even of a city file that has become wrong elsewhere.

    Parameters
    ----------
    path : pathlib.Path
        The city file; where it says nothing that can be read, the folder ``store`` beside it is meant.
    """
    try:
        named = tomllib.loads(path.read_text(encoding="utf-8-sig"))["store"]["path"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, LookupError, TypeError):
        named = "store"
    return path.resolve().parent / (named if isinstance(named, str) else "store")


_PATH_KEYS = {
    "path", "canopy", "land_cover", "station_table", "coordinates", "facilities", "congestion", "equipment",
}  # fmt: skip


def _absolute(raw: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Resolve relative paths against the city file's folder."""
    return {
        name: {key: _from(folder, value) if key in _PATH_KEYS else value for key, value in section.items()}
        if isinstance(section, dict)
        else section
        for name, section in raw.items()
    }


def _from(folder: Path, value: Any) -> Any:
    if isinstance(value, list):
        return [_from(folder, item) for item in value]
    # An empty path is told as such; joined, it would name the folder itself.
    return anchored(value, folder) if isinstance(value, str) and value.strip() else value


def _explained(error: ValidationError) -> tuple[Words, Words | None, str | None]:
    """Return what is wrong with the first wrong key, what was expected and what was found."""
    # A misspelt key is both unknown and missed: the unknown one shows the reader where to look.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key, cause = ".".join(map(str, first["loc"])), first.get("ctx", {}).get("error")
    # This text is published, and an address in [tell] may hold a key.
    found = None if first["loc"][:1] == ("tell",) else brief(first["input"])
    if first["type"] == "missing":
        return Words(f"{key} がありません", f"{key} is missing"), None, None
    if first["type"] == "extra_forbidden":
        return (
            Words(f"{key} という項目はありません", f"there is no setting {key}"),
            _settings(first["loc"]),
            None,
        )
    if isinstance(cause, InputError) and isinstance(cause.what, Words):
        prefix, got = (f"{key}: ", found) if key else ("", None)
        return Words(prefix + cause.what.ja, prefix + cause.what.en), None, got
    what = Words(f"{key} の設定が正しくありません", f"{key} is not a valid setting")
    return what, wanted(first), found


def _settings(place: tuple[int | str, ...]) -> Words | None:
    """Return the settings that the section of an unknown one has, those spelt alike first."""
    section = City.model_fields.get(str(place[0])) if len(place) == 2 else None
    fields = City.model_fields if section is None else _fields_of(section.annotation)
    names = [str(field.serialization_alias or field.alias or name) for name, field in fields.items()]
    if not names or len(place) > 2:
        return None
    alike = difflib.get_close_matches(str(place[-1]), names, n=1)
    listed = ", ".join(dict.fromkeys((*alike, *names)))
    return Words(listed, listed)


def _fields_of(annotation: Any) -> dict[str, FieldInfo]:
    kinds = (annotation, *get_args(annotation))
    return next(
        (kind.model_fields for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)), {}
    )
