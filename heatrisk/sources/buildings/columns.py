"""Which columns of a building layer say what, and how their cells are read.

Names follow no standard: PLATEAU's own, its converters', OpenStreetMap's, Overture's and those that cities
give in Japanese. A Shapefile cuts them to ten bytes. The result has the columns of
:func:`heatrisk.sources.buildings.citygml.read_citygml`, so that one rule gives heights to buildings of
every origin.

References
----------
.. [1] OpenStreetMap wiki, keys ``height``, ``building:levels``, ``building:part`` and ``min_height``.
.. [2] Overture Maps schema, theme ``buildings``: ``height`` [m], ``num_floors``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from heatrisk.errors import SourceIncompleteError, UnitsError
from heatrisk.sources.table import key, plain
from heatrisk.words import Words

#: A height in some exports of buildings, but a coordinate elsewhere: alone it proves no building.
ELEVATION_LIKE = "z"

#: Columns that hold a height above ground in metres, and columns that hold storeys above ground, best first.
HEIGHT_COLUMNS = (
    "measuredheight",
    "measured_height",
    "bldg:measuredheight",
    "bldg_measuredheight",
    "計測高さ",
    "建物高さ",
    "建物の高さ",
    "建築物高さ",
    "building_height",
    "bldg_height",
    "height_m",
    "height",
    "高さ",
    ELEVATION_LIKE,
)
STOREY_COLUMNS = (
    "storeysaboveground",
    "bldg:storeysaboveground",
    "bldg_storeysaboveground",
    "building:levels",
    "building_levels",
    "num_floors",
    "地上階数",
    "地上階",
    "地階/地上階数",
    "建物階数",
    "階数",
    "levels",
)
#: A column with such a name counts storeys, unless it is a height (floor_height, 最上階高, 地階を除く高さ).
_COUNTS_STOREYS = re.compile(
    r"(?!.*(?:height|高|ht$)).*(?:(?<!hi)stor(?:e?y|ies)|floors?$|(?<!sea)levels|階(?!段))"
)
_IDENTIFIERS = ("id", "gml_id", "gml:id", "建物id", "buildingid", "fid", "osm_id", "osm_way_id", "@id")

#: Columns that only OpenStreetMap's tags have; its layers hold much that is no building.
_OSM = ("osm_id", "osm_way_id", "@id", "other_tags", "building:levels", "building:part")

#: Name of an index that holds GDAL's numbers of features.
FEATURE = "fid"

#: A field name of a Shapefile [bytes].
_CUT = 10

_FOOT = 0.3048  # [m]


class Columns(NamedTuple):
    """The columns of a layer that matter, by their names in the file; None where there is none.

    Parameters
    ----------
    id, height, storeys : str or None
        Identifier, height above ground [m], storeys above ground.
    tags : str or None
        Further tags of OpenStreetMap, as a list ``"key"=>"value"``.
    building, part : str or None
        OpenStreetMap's marks of buildings and their parts.
    underground, location, level : str or None
        What tells that a building lies below the ground: Overture's mark, OpenStreetMap's ``location`` and
        ``layer``.
    """

    id: str | None
    height: str | None
    storeys: str | None
    tags: str | None
    building: str | None
    part: str | None
    underground: str | None = None
    location: str | None = None
    level: str | None = None

    @property
    def read(self) -> list[str]:
        """The columns to read from the file."""
        return list(dict.fromkeys(name for name in self if name is not None))

    @property
    def osm(self) -> bool:
        """Whether the layer comes from OpenStreetMap."""
        return self.tags is not None or self.building is not None or self.part is not None


def find_columns(names: Iterable[str], *, height_column: str | None, cut: bool, where: str) -> Columns:
    """Return the columns that matter.

    Parameters
    ----------
    names : iterable of str
        All columns of the layer.
    height_column : str or None
        Column with the height above ground [m]; None looks for one of :data:`HEIGHT_COLUMNS`.
    cut : bool
        Whether names may be cut to ten bytes (a Shapefile).
    where : str
        What messages call the file.

    Raises
    ------
    SourceIncompleteError
        There is no column of the given name.
    UnitsError
        The column of the given name counts storeys.
    """
    columns = {key(name).removesuffix("(m)"): name for name in names}

    def first(wanted: tuple[str, ...]) -> str | None:
        forms = [form for name in wanted for form in (name, *(_cuts(name) if cut else ()))]
        return next((columns[form] for form in forms if form in columns), None)

    height = first(HEIGHT_COLUMNS)
    if height_column is not None:
        height = first((key(height_column).removesuffix("(m)"),))
        if height is None:
            raise _missing(height_column, columns.values(), where)
        if _COUNTS_STOREYS.match(key(height_column)):
            raise UnitsError(
                Words("高さではなく階数の列が指定されています", "the named height column counts storeys"),
                where=where,
                expected="m",
                got=height_column,
                remedy=Words(
                    "高さ(m)の列を [buildings] height_column に指定するか、この行を消してください"
                    "(高さの不明な建物は 1 階 3 m とします)",
                    "Name a column of metres in [buildings] height_column, or remove that line: "
                    "where no height is known, a storey counts as 3 m.",
                ),
            )
    is_osm = first(_OSM) is not None
    return Columns(
        first(_IDENTIFIERS),
        height,
        first(STOREY_COLUMNS),
        first(("other_tags",)),
        first(("building",)) if is_osm else None,
        first(("building:part",)) if is_osm else None,
        first(("is_underground",)),
        first(("location",)) if is_osm else None,
        first(("layer",)) if is_osm else None,
    )


def statements(frame: gpd.GeoDataFrame, columns: Columns, stem: str) -> tuple[gpd.GeoDataFrame, int]:
    """Return what a layer says of its buildings, and how many of them lie below the ground.

    These cast no shade and are left out, and so are rows of OpenStreetMap that are no buildings.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        The layer; an index ``fid`` numbers its features as map programs show them.
    columns : Columns
        Its columns.
    stem : str
        Name of the file, for the identifiers of rows that have none.

    Returns
    -------
    buildings : geopandas.GeoDataFrame
        ``id``, ``geometry``, ``lod1`` (NaN), ``measured`` [m], ``storeys``, ``code`` (NaN), ``mended``.
    underground : int
        Buildings left out because they lie below the ground.
    """
    # A FlatGeobuf keeps its features in an order of its own, in which a row's number says nothing.
    named = frame.index if frame.index.name == FEATURE else range(1, len(frame) + 1)
    prefix = f"{stem}:{FEATURE}=" if frame.index.name == FEATURE else f"{stem}:"
    numbers = pd.Series([f"{prefix}{row}" for row in named], frame.index, dtype=object)
    if columns.id is not None:
        given = frame[columns.id].map(lambda cell: "" if pd.isna(cell) else str(cell).strip()).astype(object)
        numbers = given.where(given != "", numbers)
    nothing = np.full(len(frame), np.nan)
    table = {
        "id": numbers.to_numpy(dtype=object),
        "lod1": nothing,
        "measured": _stated(frame, columns.height, columns.tags, "height", metres),
        "storeys": _stated(frame, columns.storeys, columns.tags, "building:levels", storeys),
        "code": nothing,
        "mended": np.zeros(len(frame), dtype=bool),
    }
    whole = gpd.GeoDataFrame(table, geometry=frame.geometry.to_numpy(), crs=frame.crs)
    built = _built(frame, columns)
    below = built & _below_ground(frame, columns)
    return whole.loc[built & ~below].reset_index(drop=True), int(below.sum())


def _built(frame: gpd.GeoDataFrame, columns: Columns) -> npt.NDArray[np.bool_]:
    """Tell which rows are buildings: in OpenStreetMap those so marked, if any are; elsewhere all."""
    marks = [
        _texts(frame, columns.building, columns.tags, "building"),
        _texts(frame, columns.part, columns.tags, "building:part"),
    ]
    if not any(mark.notna().any() for mark in marks):
        return np.ones(len(frame), dtype=bool)
    built: npt.NDArray[np.bool_] = np.any([(mark.fillna("no") != "no").to_numpy(bool) for mark in marks], 0)
    return built


def _below_ground(frame: gpd.GeoDataFrame, columns: Columns) -> npt.NDArray[np.bool_]:
    marked = _texts(frame, columns.underground, None, "").str.lower().isin(["true", "1", "1.0", "yes"])
    if columns.osm:
        place = _texts(frame, columns.location, columns.tags, "location") == "underground"
        level = pd.to_numeric(_texts(frame, columns.level, columns.tags, "layer"), errors="coerce") < 0
        marked = marked | place | level
    return np.asarray(marked.fillna(False), dtype=bool)


def metres(text: str) -> float:
    """Return a height [m] from a cell's text (``"12 m"``, ``"40 ft"``), NaN where it is none."""
    form = r"(?:約\s*)?([+-]?\d+(?:\.\d+)?)\s*(m|metres?|meters?|メートル|ft|feet|')?"
    match = re.fullmatch(form, plain(text).lower())
    if match is None:
        return np.nan
    return float(match[1]) * (_FOOT if match[2] in ("ft", "feet", "'") else 1.0)


def storeys(text: str) -> float:
    """Return the storeys above ground from a cell's text (``"地上3階地下1階"``), NaN where it is none."""
    form = r"(?:地上\s*)?([+-]?\d+(?:\.\d+)?)\s*(?:階建?て?|f)?(?:[\s/・]*地下.*)?"
    match = re.fullmatch(form, plain(text).lower())
    return np.nan if match is None else float(match[1])


def _stated(
    frame: gpd.GeoDataFrame, column: str | None, tags: str | None, tag: str, read: Callable[[str], float]
) -> npt.NDArray[np.float64]:
    found = np.full(len(frame), np.nan) if column is None else _numbers(frame[column], read)
    return np.where(np.isnan(found), _numbers(_texts(frame, None, tags, tag), read), found)


def _texts(frame: gpd.GeoDataFrame, column: str | None, tags: str | None, tag: str) -> pd.Series:
    """Return a column as text, completed by the same tag among OpenStreetMap's further ones."""
    nothing = pd.Series(pd.NA, frame.index, dtype="string")
    texts = nothing if column is None else frame[column].astype("string")
    if tags is None:
        return texts
    further = frame[tags].astype("string").str.extract(f'"{re.escape(tag)}"=>"([^"]*)"', expand=False)
    return texts.fillna(further)


def _numbers(column: pd.Series, read: Callable[[str], float]) -> npt.NDArray[np.float64]:
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    # Heights repeat: each text is read once.
    places, texts = pd.factorize(column.astype("string"))
    values = np.array([*(read(str(text)) for text in texts), np.nan], dtype=np.float64)
    return values[places]


def _cuts(name: str) -> Iterable[str]:
    """Return a name as Shapefiles cut it, in either encoding."""
    for encoding in ("cp932", "utf-8"):
        yield name.encode(encoding)[:_CUT].decode(encoding, "ignore")


def _missing(name: str, columns: Iterable[str], where: str) -> SourceIncompleteError:
    return SourceIncompleteError(
        Words("指定された高さの列がありません", "the named height column does not exist"),
        where=where,
        expected=name,
        got=", ".join(columns) or "-",
        remedy=Words(
            "city.toml の [buildings] height_column を直してください",
            "Correct [buildings] height_column in city.toml.",
        ),
    )
