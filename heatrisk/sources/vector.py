"""Layers of polygons in the vector files of public bodies and map projects.

GeoPackage, GeoJSON (also one feature a line), Shapefile, FlatGeobuf, GeoParquet, OpenStreetMap extracts and
CSV with well-known text; on disk or inside a zip, which is not unpacked. GDAL tells formats by their content,
and some of them fetch other files or addresses: so a file must begin as its name says.
"""

from __future__ import annotations

import codecs
import io
import json
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

import geopandas as gpd
import pyogrio
import shapely
from pyproj import CRS, Transformer

from heatrisk.errors import HeatRiskError, InputError, SourceError, SourceIncompleteError
from heatrisk.grid import WGS84, Bounds
from heatrisk.sources.files import Member, members
from heatrisk.sources.json_text import MAX_BYTES, read_json
from heatrisk.words import Words

try:
    import pyarrow.parquet as parquet  # type: ignore[import-untyped, unused-ignore]
except ImportError:  # it comes with the extra "parquet"
    parquet = None

#: What a file of each kind begins with.
_JSON = rb"\A(?:\xef\xbb\xbf)?[\x1e\s]*[\[{]"
_HEADS: Final = {
    ".gpkg": rb"\ASQLite format 3\0",
    ".geojson": _JSON,
    ".geojsonl": _JSON,
    ".geojsons": _JSON,
    ".json": _JSON,
    ".jsonl": _JSON,
    ".ndjson": _JSON,
    ".shp": rb"\A\0\0\x27\x0a",
    ".fgb": rb"\Afgb",
    ".parquet": rb"\APAR1",
    ".geoparquet": rb"\APAR1",
    ".pbf": rb"\A\0\0\0[\x01-\x40]\x0a\x09OSMHeader",
    ".osm": rb"\A(?:\xef\xbb\xbf)?(?:<\?xml[^>]*\?>)?\s*<osm\b",
    ".csv": rb"\A(?:\xef\xbb\xbf)?[^\0<{]",
}

#: Endings that are looked for in folders and zips; others may hold anything, and must be named outright.
VECTOR: Final = (
    ".gpkg", ".geojson", ".geojsonl", ".geojsons", ".jsonl", ".ndjson", ".shp", ".fgb", ".parquet",
    ".geoparquet",
)  # fmt: skip

_LINES = (".geojsonl", ".geojsons", ".jsonl", ".ndjson")
_PARQUET = (".parquet", ".geoparquet")
_OSM = (".pbf", ".osm")

#: Files of a Shapefile beside its ``.shp``.
_BESIDE = (".dbf", ".prj", ".shx", ".cpg")

#: A file inside a zip is held in memory whole [bytes].
_LARGEST = 1024 * 2**20

#: From this many features on, those outside the area are left to the file's own index.
_MANY = 200_000

_EXPORT = Words("GeoPackage か GeoJSON で書き出し直してください", "Export it again as GeoPackage or GeoJSON.")


class Layer(NamedTuple):
    """One layer of a file.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        Its features, 2-D, in the file's own coordinate system; where GDAL reads them, by their number
        (index ``fid``).
    fields : tuple of str
        All its columns, those not read included.
    left_out : int
        Features outside the area that were not read.
    """

    frame: gpd.GeoDataFrame
    fields: tuple[str, ...]
    left_out: int = 0


def companions(member: Member) -> list[Member]:
    """Return the files a Shapefile consists of besides the one that is named, in the same folder or zip."""
    if member.suffix != ".shp":
        return []
    if not member.inside:
        beside = [Member(file) for file in sorted(member.path.parent.glob("*")) if file.is_file()]
    else:
        everything = members([member.path], (".shp", *_BESIDE))
        beside = [one for one in everything if one.inside[:-1] == member.inside[:-1]]
    stem = _name(member).with_suffix("")
    return [one for one in beside if one.suffix in _BESIDE and _name(one).with_suffix("") == stem]


def read_layer(
    member: Member,
    layer: str | None = None,
    *,
    choose: Callable[[tuple[str, ...]], Sequence[str]] | None = None,
    area: Bounds | None = None,
    section: str = "buildings",
) -> Layer:
    """Read one layer of a vector file.

    Parameters
    ----------
    member : Member
        The file, on disk or inside a zip.
    layer : str, optional
        Name of the layer; may be omitted where only one can hold polygons.
    choose : callable, optional
        Given the names of all columns, returns those to read; all are read if omitted.
    area : Bounds, optional
        West, south, east, north [degrees]; features outside may be left out of very large files.
    section : str
        Section of the city file that remedies name.

    Returns
    -------
    Layer
        Features whose geometry cannot be built have none.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        The file names no coordinate system.
    InputError
        It is not clear which layer is meant.
    SourceError
        The file cannot be read, or is of another kind than its name says.
    """
    _check_head(member)
    with _explained(member):
        if member.suffix in _PARQUET:
            read = _parquet(member, choose, area)
        else:
            read = _gdal(member, layer, choose, area, section)
    frame = read.frame
    # GeoPackage calls a missing system "undefined Cartesian", which is neither of the two.
    if frame.crs is None or not (frame.crs.is_geographic or frame.crs.is_projected):
        raise SourceIncompleteError(
            Words("座標参照系が書かれていません", "the file names no coordinate system"),
            where=member.name,
            expected="EPSG (.prj, gpkg_spatial_ref_sys)",
            remedy=Words(
                "座標参照系を付けて書き出し直してください(シェープファイルは .prj も同じ場所に置く)",
                "Export it again with its coordinate system (a Shapefile needs its .prj beside it).",
            ),
        )
    flat = shapely.force_2d(frame.geometry.to_numpy())
    return read._replace(frame=frame.set_geometry(gpd.GeoSeries(flat, frame.index, crs=frame.crs)))


def looked_at(member: Member) -> list[tuple[str, tuple[str, ...]]]:
    """Return the kind of geometry and the columns of every layer of a file, without reading its rows.

    Parameters
    ----------
    member : Member
        A vector file.

    Raises
    ------
    SourceError
        It is none, or damaged.
    """
    _check_head(member)
    with _explained(member), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if member.suffix in _PARQUET:
            about = _about(member)
            return [(", ".join(about.kinds), about.fields)]
        source, options = _source(member), _options(member)
        names = [name for name, _ in pyogrio.list_layers(source)]
        infos = [pyogrio.read_info(source, layer=name, **options) for name in names]
        return [(str(info["geometry_type"]), tuple(map(str, info["fields"]))) for info in infos]


def _gdal(
    member: Member,
    layer: str | None,
    choose: Callable[[tuple[str, ...]], Sequence[str]] | None,
    area: Bounds | None,
    section: str,
) -> Layer:
    source, options = _source(member), _options(member)
    # GDAL warns about measures, ring order and the like, none of which changes an outline.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        place = _layer(source, layer, member, section)
        info = pyogrio.read_info(source, layer=place, **options)
        fields = tuple(map(str, info["fields"]))
        box = _box(area, info["crs"]) if info["features"] >= _MANY else None
        frame = pyogrio.read_dataframe(
            source,
            layer=place,
            columns=None if choose is None else list(choose(fields)),
            bbox=box,
            # A ring that cannot be built becomes an empty geometry, and its feature can be refused by name.
            on_invalid="ignore",
            fid_as_index=True,
            **options,
        )
    if not isinstance(frame, gpd.GeoDataFrame):
        raise SourceError(
            Words("図形のない表です", "this is a table without shapes"), where=member.name, remedy=_EXPORT
        )
    if frame.crs is None and member.suffix == ".csv" and _in_degrees(frame):
        frame = frame.set_crs(WGS84)
    return Layer(frame, fields, 0 if box is None else max(int(info["features"]) - len(frame), 0))


def _in_degrees(frame: gpd.GeoDataFrame) -> bool:
    """Tell whether the coordinates of a table, which cannot name its system, can only be degrees."""
    west, south, east, north = frame.total_bounds
    return bool(-180 <= west <= east <= 180 and -90 <= south <= north <= 90)


class _About(NamedTuple):
    """What a GeoParquet says of itself: column of shapes, other columns, kinds of shapes, index."""

    source: Any
    rows: int
    shapes: str
    fields: tuple[str, ...]
    kinds: tuple[str, ...]
    covered: bool


def _parquet(
    member: Member, choose: Callable[[tuple[str, ...]], Sequence[str]] | None, area: Bounds | None
) -> Layer:
    about = _about(member)
    frame = gpd.read_parquet(
        about.source,
        columns=None if choose is None else [*choose(about.fields), about.shapes],
        bbox=_box(area, WGS84) if about.covered and about.rows >= _MANY else None,
    )
    return Layer(frame, about.fields, about.rows - len(frame))


def _about(member: Member) -> _About:
    if parquet is None:
        raise SourceError(
            Words(
                "GeoParquet を読むライブラリーがありません", "the library that reads GeoParquet is missing"
            ),
            where=member.name,
            expected="pyarrow",
            remedy=Words(
                "pip install 'heatrisk[parquet]' を実行するか、GeoPackage で書き出し直してください",
                "Run pip install 'heatrisk[parquet]', or export it again as GeoPackage.",
            ),
        )
    source: Any = io.BytesIO(member.read(_LARGEST)) if member.inside else member.path
    metadata = parquet.read_metadata(source)
    geo = json.loads((metadata.metadata or {}).get(b"geo", b"{}"))
    shapes = str(geo.get("primary_column", "geometry"))
    fields = tuple(str(name) for name in metadata.schema.to_arrow_schema().names if name != shapes)
    column = geo.get("columns", {}).get(shapes, {})
    kinds = tuple(map(str, column.get("geometry_types", ()) or (["Unknown"] if column else ())))
    return _About(source, metadata.num_rows, shapes, fields, kinds, "covering" in column)


def _source(member: Member) -> Any:
    """Return what GDAL opens: a path, or the bytes of a file that lies in a zip."""
    if not member.inside:
        return f"GeoJSONSeq:{member.path}" if member.suffix in _LINES else member.path
    if member.suffix not in (".shp", ".csv", *_LINES):
        return member.read(_LARGEST)
    # What GDAL tells by its name, again in a zip of its own, whose names no system can misread.
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for one in (member, *companions(member)):
            archive.writestr(f"layer{_LINES[0] if one.suffix in _LINES else one.suffix}", one.read(_LARGEST))
    return packed.getvalue()


def _options(member: Member) -> dict[str, Any]:
    encoding = _encoding(member)
    options: dict[str, Any] = {} if encoding is None else {"encoding": encoding}
    if member.suffix == ".csv":
        options |= {"GEOM_POSSIBLE_NAMES": "WKT,geometry,geom,the_geom", "KEEP_GEOM_COLUMNS": "NO"}
    return options


def _layer(source: Any, layer: str | None, member: Member, section: str) -> int:
    """Return the place of the layer to read: the named one, or the only one with polygons."""
    names = {str(name): str(kind) for name, kind in pyogrio.list_layers(source)}
    if member.suffix in _OSM:
        areal = ["multipolygons"]
    else:
        # A table of text has no kind before its well-known text is read.
        kinds = ("Polygon", "Unknown", "GeometryCollection", *(("None",) if member.suffix == ".csv" else ()))
        areal = [name for name, kind in names.items() if any(word in kind for word in kinds)]
    choice = [layer] if layer in names else areal if layer is None else []
    if len(choice) == 1:
        return list(names).index(choice[0])
    raise InputError(
        Words("読むべきレイヤーを決められません", "it is not clear which layer is meant"),
        where=member.name,
        expected=layer or "1 layer of polygons",
        got=", ".join(f"{name} ({kind})" for name, kind in names.items()),
        remedy=Words(
            f"city.toml の [{section}] layer でレイヤー名を指定してください",
            f"Name it in [{section}] layer of city.toml.",
        ),
    )


def _box(area: Bounds | None, crs: str | None) -> Bounds | None:
    """Return an area in degrees as a box in a layer's own coordinates."""
    if area is None or crs is None:
        return None
    return Transformer.from_crs(WGS84, CRS.from_user_input(crs), always_xy=True).transform_bounds(*area)


def _encoding(member: Member) -> str | None:
    """Return the encoding of a table that names none: UTF-8 if it can be, else CP932, the rule in Japan."""
    if member.suffix == ".csv":
        with member.open() as stream:
            return _told_by(stream.read(2**20))
    files = {one.suffix: one for one in companions(member)}
    if ".dbf" not in files or ".cpg" in files:
        return None
    with files[".dbf"].open() as stream:
        head = stream.read(32)
        columns = stream.read(max(int.from_bytes(head[8:10], "little") - 32, 0))
        rows = stream.read(2**20)
    names = (columns[at : at + 11].split(b"\0")[0] for at in range(0, len(columns) - 31, 32))
    return _told_by(b" ".join((*names, rows)))


def _told_by(text: bytes) -> str | None:
    if text.isascii():
        return None
    try:
        # The last character may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(text)
    except UnicodeDecodeError:
        return "cp932"
    return "utf-8"


def _name(member: Member) -> PurePosixPath:
    return PurePosixPath(member.inside[-1] if member.inside else member.path.name)


def _check_head(member: Member) -> None:
    pattern = _HEADS.get(member.suffix)
    with member.open() as stream:
        head = stream.read(512)
    if pattern is None or not re.search(pattern, head):
        raise _unreadable(member, repr(head[:40]))


@contextmanager
def _explained(member: Member) -> Iterator[None]:
    try:
        yield
    except HeatRiskError:
        raise
    except Exception as error:  # damaged bytes bring out defects of the libraries, not only their own errors
        if member.suffix in (".geojson", ".json") and member.size <= MAX_BYTES:
            read_json(member)  # where it is broken, this tells the line
        raise _unreadable(member, " ".join(str(error).split())[:200]) from error


def _unreadable(member: Member, got: str) -> SourceError:
    return SourceError(
        Words("地図データとして読めません", "this cannot be read as a map of polygons"),
        where=member.name,
        expected="GeoPackage, GeoJSON, Shapefile, FlatGeobuf, GeoParquet, CityGML",
        got=got,
        remedy=_EXPORT,
    )


def on_disk(member: Member) -> list[Path]:
    """Return the files on disk that a layer is read from."""
    return list(dict.fromkeys(one.path for one in (member, *companions(member))))
