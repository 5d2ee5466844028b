"""Footprints in vector files that GDAL opens: GeoPackage, GeoJSON, Shapefile, FlatGeobuf, ….

The result has the columns of :func:`heatrisk.sources.citygml.read_citygml`, so that one rule gives heights
to buildings of every origin.
"""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from heatrisk.errors import InputError, SourceError, SourceIncompleteError
from heatrisk.sources.table import key, plain
from heatrisk.words import Words

#: Columns that hold a height in metres, and columns that hold storeys, best first.
HEIGHT_COLUMNS = (
    "measuredheight",
    "measured_height",
    "measuredhe",  # as a Shapefile cuts it
    "bldg:measuredheight",
    "計測高さ",
    "建物高さ",
    "height",
    "高さ",
    "z",
)
STOREY_COLUMNS = ("storeysaboveground", "storeysabo", "building:levels", "num_floors", "地上階数", "階数")

_IDENTIFIERS = ("id", "gml_id", "建物id", "buildingid", "fid", "osm_id")


def companions(path: Path) -> list[Path]:
    """Return the files a Shapefile consists of besides the one that is named."""
    if path.suffix.lower() != ".shp" or not path.exists():
        return []
    return [
        file
        for file in sorted(path.parent.glob(f"{path.stem}.*"))
        if file.suffix.lower() in (".dbf", ".prj", ".cpg")
    ]


def read_vector(
    path: Path, layer: str | None, height_column: str | None, default: float | None
) -> gpd.GeoDataFrame:
    """Read the footprints of one layer.

    Parameters
    ----------
    path : pathlib.Path
        Any file that pyogrio opens.
    layer : str or None
        Its layer; may be None where only one holds polygons.
    height_column : str or None
        Column with the height above ground [m]; None looks for one of :data:`HEIGHT_COLUMNS`.
    default : float or None
        The height that the caller will give to buildings without one; with it, no height column is needed.

    Returns
    -------
    geopandas.GeoDataFrame
        ``id``, ``geometry`` (2-D), ``lod1`` (NaN), ``measured`` [m], ``storeys``, ``code`` (NaN), as stated.

    Raises
    ------
    SourceIncompleteError
        There is no coordinate system, no such column, or no column of heights at all.
    InputError
        It is not clear which layer holds the buildings.
    SourceError
        The file cannot be read.
    """
    frame = _open(path, layer)
    # GeoPackage calls a missing system "undefined Cartesian", which is neither of the two.
    if frame.crs is None or not (frame.crs.is_geographic or frame.crs.is_projected):
        raise SourceIncompleteError(
            Words("座標参照系が書かれていません", "the file names no coordinate system"),
            where=path,
            expected="EPSG (.prj, gpkg_spatial_ref_sys)",
            remedy=Words(
                "座標参照系を付けて書き出し直してください(シェープファイルは .prj も同じ場所に置く)",
                "Export it again with its coordinate system (a Shapefile needs its .prj beside it).",
            ),
        )
    columns = {key(str(name)): str(name) for name in frame.columns if name != frame.geometry.name}
    height = _named(height_column, columns, path) if height_column else _first(HEIGHT_COLUMNS, columns)
    storeys = _first(STOREY_COLUMNS, columns)
    if height is None and storeys is None and default is None and not frame.empty:
        raise SourceIncompleteError(
            Words("建物の高さの列がありません", "no column holds the buildings' heights"),
            where=path,
            expected=", ".join(HEIGHT_COLUMNS[:6]),
            got=", ".join(columns.values()) or "-",
            remedy=Words(
                "city.toml の [buildings] height_column で列名を指定するか、default_height を決めてください",
                "Name the column in [buildings] height_column of city.toml, or decide on a default_height.",
            ),
        )
    identifier = _first(_IDENTIFIERS, columns)
    names = (
        frame[identifier].astype(str)
        if identifier
        else pd.Series(range(1, len(frame) + 1), frame.index).astype(str)
    )
    nothing = np.full(len(frame), np.nan)
    table = {
        "id": names.to_numpy(),
        "lod1": nothing,
        "measured": nothing if height is None else _numbers(frame[height]),
        "storeys": nothing if storeys is None else _numbers(frame[storeys]),
        "code": nothing,
    }
    return gpd.GeoDataFrame(table, geometry=shapely.force_2d(frame.geometry.to_numpy()), crs=frame.crs)


def _open(path: Path, layer: str | None) -> gpd.GeoDataFrame:
    try:
        # GDAL warns about measures, ring order and the like, none of which changes an outline.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            chosen = _layer(path, layer)
            # A ring that cannot be built becomes an empty geometry, and its building is refused by name.
            return gpd.read_file(
                path, layer=chosen, engine="pyogrio", encoding=_encoding(path), on_invalid="ignore"
            )
    except (DataSourceError, DataLayerError, UnicodeDecodeError, ValueError, RuntimeError) as error:
        if isinstance(error, InputError):
            raise
        raise SourceError(
            Words("地図データとして読めません", "this cannot be read as a map of buildings"),
            where=path,
            expected="GeoPackage, GeoJSON, Shapefile, FlatGeobuf, CityGML",
            got=str(error)[:200],
            remedy=Words(
                "GeoPackage か GeoJSON で書き出し直してください", "Export it again as GeoPackage or GeoJSON."
            ),
        ) from error


def _layer(path: Path, layer: str | None) -> str:
    """Return the layer to read: the named one, or the only one with polygons."""
    names = {str(name): str(kind) for name, kind in pyogrio.list_layers(path)}
    areal = [
        name for name, kind in names.items() if "Polygon" in kind or kind in ("Unknown", "GeometryCollection")
    ]
    choice = [layer] if layer in names else areal if layer is None else []
    if len(choice) == 1:
        return str(choice[0])
    raise InputError(
        Words("建物のレイヤーを決められません", "it is not clear which layer holds the buildings"),
        where=path,
        expected=layer or "1 layer of polygons",
        got=", ".join(f"{name} ({kind})" for name, kind in names.items()),
        remedy=Words(
            "city.toml の [buildings] layer でレイヤー名を指定してください",
            "Name it in [buildings] layer of city.toml.",
        ),
    )


def _encoding(path: Path) -> str | None:
    """Return CP932 for a Shapefile that does not say its encoding and is not UTF-8: the rule in Japan."""
    table = next((path.with_suffix(end) for end in (".dbf", ".DBF") if path.with_suffix(end).exists()), None)
    stated = any(path.with_suffix(end).exists() for end in (".cpg", ".CPG"))
    if path.suffix.lower() != ".shp" or table is None or stated:
        return None
    try:
        table.read_bytes().decode("ascii")
    except UnicodeDecodeError:
        return "cp932"
    return None


def _first(wanted: tuple[str, ...], columns: dict[str, str]) -> str | None:
    return next((columns[name] for name in wanted if name in columns), None)


def _named(name: str, columns: dict[str, str], path: Path) -> str:
    if key(name) in columns:
        return columns[key(name)]
    raise SourceIncompleteError(
        Words("指定された高さの列がありません", "the named height column does not exist"),
        where=path,
        expected=name,
        got=", ".join(columns.values()) or "-",
        remedy=Words(
            "city.toml の [buildings] height_column を直してください",
            "Correct [buildings] height_column in city.toml.",
        ),
    )


def _numbers(column: pd.Series) -> npt.NDArray[np.float64]:
    """Return a column as numbers; texts may carry a unit of metres ("12 m")."""
    if not pd.api.types.is_numeric_dtype(column):
        texts = column.map(lambda cell: re.sub(r"\s*(m|メートル)$", "", plain(str(cell)).lower()))
        column = pd.to_numeric(texts, errors="coerce")
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
