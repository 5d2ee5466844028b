"""Footprints with heights, from PLATEAU CityGML or any vector file that GDAL opens."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS

from heatrisk.errors import InputError, SourceIncompleteError, UnitsError
from heatrisk.sources.citygml import read_citygml
from heatrisk.sources.heights import choose
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.sources.vector import companions, read_vector
from heatrisk.words import Note, Words

_GML = (".gml", ".xml")

#: Smallest footprint that casts a shade worth computing [m2].
_SMALLEST = 0.5

#: Slack around a coordinate system's area of use [degrees].
_MARGIN = 1.0

_AREAL = ("Polygon", "MultiPolygon", "GeometryCollection")


def read_buildings(
    path: Path,
    crs: str,
    *,
    height_column: str | None = None,
    default_height: float | None = None,
    layer: str | None = None,
) -> tuple[gpd.GeoDataFrame, Reading]:
    """Read footprints with heights.

    Parameters
    ----------
    path : pathlib.Path
        PLATEAU CityGML (``.gml``, ``.xml``), or GeoPackage, GeoJSON, Shapefile, FlatGeobuf and whatever else
        pyogrio opens.
    crs : str
        Coordinate system of the result, projected, in metres.
    height_column : str, optional
        Column with the height above ground [m]; found by its name
        (:data:`heatrisk.sources.vector.HEIGHT_COLUMNS`) if omitted.
    default_height : float, optional
        Height of buildings of which nothing is known [m]; such buildings are refused if omitted.
    layer : str, optional
        Layer of a file that holds several.

    Returns
    -------
    buildings : geopandas.GeoDataFrame
        Columns ``geometry`` (2-D polygons), ``height`` [m], ``height_source``
        (see :data:`heatrisk.sources.heights.SOURCES`) and ``id``.
    reading : Reading
        Facts: ``heights`` (buildings by source), ``repaired`` (outlines mended), ``height_range`` [m].

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        It holds no building, no height, or no coordinate system.
    InputError
        The coordinates lie outside the area of ``crs``, or latitude and longitude are swapped.
    UnitsError
        The heights are not in metres.
    SourceError
        It cannot be read, or the named layer or column does not exist.
    """
    if path.suffix.lower() in _GML:
        reading = Reading.of("buildings", path)
        raw, refused = read_citygml(path)
    else:
        reading = Reading.of("buildings", path, *companions(path))
        raw, refused = read_vector(path, layer, height_column, default_height), ()
    found = len(raw) + len(refused)
    if raw.empty:
        raise _empty(path, refused)
    stated = {name: raw[name].to_numpy(float) for name in ("lod1", "measured", "storeys", "code")}
    height, source = choose(**stated, default=default_height)
    _check_metres(height, path)
    raw = raw.assign(height=height, height_source=source)
    located, astray = _located(raw, crs, path)
    shaped, repaired, shapeless = _polygons(located.to_crs(crs))
    known = np.isfinite(shaped["height"].to_numpy(float))
    reason = Words("高さが分かりません", "the height is unknown")
    refused = (
        *refused,
        *astray,
        *shapeless,
        *(Refusal(str(name), reason) for name in shaped.loc[~known, "id"]),
    )
    buildings = shaped.loc[known, ["id", "height", "height_source", "geometry"]].reset_index(drop=True)
    if buildings.empty:
        raise _empty(path, refused)
    sources = {str(name): count for name, count in sorted(Counter(buildings["height_source"]).items())}
    span = [round(float(height), 2) for height in buildings["height"].agg(["min", "max"])]
    facts = {"heights": sources, "repaired": repaired, "height_range": span}
    return buildings, replace(
        reading,
        read=found,
        used=len(buildings),
        refused=refused,
        facts=facts,
        notes=_notes(sources, default_height),
    )


def _notes(sources: dict[str, int], default: float | None) -> tuple[Note, ...]:
    phrases = {
        "default": Words(f"既定の高さ {default} m", f"the default height of {default} m"),
        "storeys": Words("階数 × 3 m", "storeys times 3 m"),
        "estimated": Words("データ作成者が仮に与えた高さ", "a height that the data's maker made up"),
    }
    return tuple(
        Note(
            f"height_{name}",
            Words(f"{sources[name]} 棟の高さは{words.ja}です", f"{sources[name]} buildings have {words.en}"),
        )
        for name, words in phrases.items()
        if name in sources
    )


def _check_metres(height: npt.NDArray[np.float64], path: Path) -> None:
    known = height[np.isfinite(height)]
    # No town is a hundred metres high in the middle; centimetres and elevations above sea level are.
    if known.size >= 10 and np.median(known) > 100.0:
        raise UnitsError(
            Words("建物の高さがメートルではないようです", "the heights do not look like metres above ground"),
            where=path,
            expected="m",
            got=f"median {np.median(known):g}",
            remedy=Words(
                "地面からの高さ(m)の列を [buildings] height_column で指定してください",
                "Name the column with metres above ground in [buildings] height_column.",
            ),
        )


def _located(raw: gpd.GeoDataFrame, crs: str, path: Path) -> tuple[gpd.GeoDataFrame, list[Refusal]]:
    """Return the buildings inside the area of use of ``crs``, and a refusal for each of the others."""
    area = CRS.from_user_input(crs).area_of_use
    assert raw.crs is not None
    # Middle of the extent: the centroid of a broken outline may lie anywhere.
    west, south, east, north = shapely.bounds(raw.geometry.to_numpy()).T
    points = gpd.GeoSeries(shapely.points((west + east) / 2, (south + north) / 2), crs=raw.crs)
    if not CRS.from_user_input(raw.crs).is_geographic:
        points = points.to_crs("EPSG:4326")
    lon, lat = shapely.get_x(points.to_numpy()), shapely.get_y(points.to_numpy())
    west, south, east, north = (-180.0, -90.0, 180.0, 90.0) if area is None else area.bounds
    west, south, east, north = west - _MARGIN, south - _MARGIN, east + _MARGIN, north + _MARGIN
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    missing = np.isnan(lon)
    swapped = (lat >= west) & (lat <= east) & (lon >= south) & (lon <= north)
    if not inside.any() and not missing.all():
        raise _astray(path, crs, lon, lat, bool(swapped.any()))
    reason = Words(f"座標が {crs} の範囲の外です", f"the coordinates lie outside the area of {crs}")
    wrong = ~inside & ~missing
    return raw.loc[~wrong], [Refusal(str(name), reason) for name in raw.loc[wrong, "id"]]


def _astray(
    path: Path, crs: str, lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64], swapped: bool
) -> InputError:
    where = f"x {np.nanmin(lon):.4f} … {np.nanmax(lon):.4f}, y {np.nanmin(lat):.4f} … {np.nanmax(lat):.4f}"
    if swapped:
        return InputError(
            Words("緯度と経度が入れ替わっています", "latitude and longitude are swapped"),
            where=path,
            expected="x = 経度 longitude, y = 緯度 latitude",
            got=where,
            remedy=Words(
                "X を経度、Y を緯度にして書き出し直してください",
                "Export it again with longitude as x and latitude as y.",
            ),
        )
    return InputError(
        Words(f"建物が {crs} の範囲にありません", f"the buildings lie outside the area of {crs}"),
        where=path,
        got=where,
        remedy=Words(
            "データの座標参照系と city.toml の [city] crs を確かめてください",
            "Check the file's coordinate system and [city] crs in city.toml.",
        ),
    )


def _polygons(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, int, list[Refusal]]:
    """Return the rows with a sound outline, how many were mended, and a refusal for each of the others."""
    shapes = frame.geometry.to_numpy()
    areal = np.isin(frame.geometry.geom_type.to_numpy(dtype=object), _AREAL)
    broken = areal & ~shapely.is_valid(shapes)
    shapes = np.where(broken, shapely.make_valid(shapes, method="structure", keep_collapsed=False), shapes)
    sound = areal & (shapely.area(shapes) >= _SMALLEST)
    reason = Words("面の図形(ポリゴン)がありません", "there is no polygon")
    refused = [Refusal(str(name), reason) for name in frame.loc[~sound, "id"]]
    return (
        frame.set_geometry(gpd.GeoSeries(shapes, frame.index, crs=frame.crs)).loc[sound],
        int((broken & sound).sum()),
        refused,
    )


def _empty(path: Path, refused: tuple[Refusal, ...]) -> SourceIncompleteError:
    reasons = Counter(refusal.reason for refusal in refused)
    return SourceIncompleteError(
        Words("使える建物が 1 棟もありません", "there is not a single usable building"),
        where=path,
        got="; ".join(f"{count} x {words.en} ({words.ja})" for words, count in reasons.most_common(3)) or "0",
        remedy=Words(
            "建物の外形と高さのあるファイルを [buildings] path に指定してください",
            "Name a file of footprints with heights in [buildings] path.",
        ),
    )
