"""GeoTIFF and ESRI ASCII grids in any coordinate system: terrain, canopy, land cover, brought onto a grid."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import rasterio
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.windows import Window as Part

from heatrisk.errors import InputError, SourceError, SourceIncompleteError, UnitsError
from heatrisk.grid import WGS84, Bounds
from heatrisk.sources.files import LARGEST_INNER, Member
from heatrisk.sources.mosaic import CELLS, Piece, Target, Window, fill_from, overlaps, shifted, window
from heatrisk.sources.reading import Reading
from heatrisk.words import Words

Role = Literal["terrain", "canopy", "land_cover"]

#: Values outside are no data, whether the file says so or not: many elevation files hide a bare -9999.
#: The tallest tree known is a redwood of 116 m.
PLAUSIBLE: dict[Role, tuple[float, float]] = {
    "terrain": (-500.0, 9000.0),
    "canopy": (0.0, 117.0),
    "land_cover": (1.0, 254.0),
}

#: Coordinates and areas of cells beyond these are damage, in metres as in degrees.
_FARTHEST, _SMALLEST = 1e9, 1e-20

#: The one format that each suffix may hold: formats that refer to other files or hosts are never opened.
_DRIVERS = {".asc": "AAIGrid"}

_FEET = re.compile(r"\bf(?:ee|oo)?t\b|foot", re.IGNORECASE)


class Scale(NamedTuple):
    """How stored numbers become values of a role: value = number x factor + offset, within a range."""

    factor: float
    offset: float
    low: float
    high: float

    def values(self, numbers: np.ma.MaskedArray[Any, Any]) -> npt.NDArray[np.float32]:
        """Return the values, NaN where the file or good sense says no data."""
        values = np.where(np.ma.getmaskarray(numbers), np.float32(np.nan), numbers.data.astype(np.float32))
        if (self.factor, self.offset) != (1.0, 0.0):
            values = values * np.float32(self.factor) + np.float32(self.offset)
        with np.errstate(invalid="ignore"):
            values[~((values >= self.low) & (values <= self.high))] = np.nan
        return values


def read_raster(
    path: Path | Member,
    grid: Target,
    *,
    role: Role = "terrain",
    resampling: str = "bilinear",
    crs: str | None = None,
) -> tuple[npt.NDArray[np.float32], Reading]:
    """Read one raster onto a grid.

    Parameters
    ----------
    path : pathlib.Path or Member
        GeoTIFF (or ESRI ASCII grid) with one band, in any coordinate system; on disk or inside a zip.
    grid : Grid or Lattice
        Where the values are wanted.
    role : {"terrain", "canopy", "land_cover"}
        What the values are; sets their plausible range, :data:`PLAUSIBLE`.
    resampling : str
        Name of a :class:`rasterio.enums.Resampling`; classes need ``"nearest"``.
    crs : str, optional
        Coordinate system of a file that names none.

    Returns
    -------
    values : numpy.ndarray of float32
        Shape of the grid; NaN where the file has no data.
    reading : Reading
        ``read`` and ``used`` count cells of the grid, ``covered`` is the share of it with a value; facts:
        ``crs``, ``cell_size`` (in the file's unit), ``bounds``.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        It names no coordinate system, lies elsewhere, or has no value on the grid.
    UnitsError
        It states feet.
    InputError
        It holds several bands: a picture, not a raster of values.
    SourceError
        It is no raster file.
    """
    member = path if isinstance(path, Member) else Member(path)
    reading = Reading.of(role, member.path)
    piece = raster_piece(member, grid, role=role, crs=crs)
    values = np.full(grid.shape, np.nan, dtype=np.float32)
    if overlaps(piece, grid):
        fill_from([piece], values, grid, Resampling[resampling])
    covered = int(np.isfinite(values).sum())
    if covered == 0:
        raise nothing_here(member.name, grid, None if overlaps(piece, grid) else piece.bounds(WGS84), role)
    facts = {
        "crs": _short(piece.crs),
        "cell_size": round(abs(piece.transform.a), 9),
        "bounds": [round(edge, 5) for edge in piece.bounds(piece.crs)],
    }
    share = round(covered / values.size, 4)
    return values, replace(reading, read=values.size, used=covered, covered=share, facts=facts)


def raster_piece(member: Member, grid: Target, *, role: Role = "terrain", crs: str | None = None) -> Piece:
    """Return a raster file as a piece that reads what it is asked for.

    Parameters
    ----------
    member : Member
        GeoTIFF or ESRI ASCII grid. Of one inside a zip the part that the grid needs is read at once.
    grid, role, crs
        As for :func:`read_raster`.

    Raises
    ------
    SourceError, InputError
        As for :func:`read_raster`; also later, while it is read.
    """
    with _opened(member) as dataset:
        found = _system(dataset, member, crs)
        scale = _scale(dataset, member, found, role)
        system = (found.sub_crs_list[0] if found.is_compound else found.to_2d()).to_wkt()
        _check_place(dataset, member)
        whole = Piece(member.name, system, dataset.transform, dataset.shape, _reader(member, scale))
        if not member.inside or not overlaps(whole, grid):
            return whole
        needed = window(whole.transform, system, grid).within(Window(0, 0, *whole.shape))
        values = _part(dataset, scale, slice(needed.top, needed.bottom), slice(needed.left, needed.right))
        shape = (needed.bottom - needed.top, needed.right - needed.left)
        return Piece.whole(member.name, system, shifted(whole.transform, needed), shape, lambda: values)


def nothing_here(
    name: str, grid: Target, covers: Bounds | None, role: Role = "terrain"
) -> SourceIncompleteError:
    """Return the error of files without a value on the grid.

    Parameters
    ----------
    name : str
        What messages call them.
    grid : Grid or Lattice
        Where values are wanted.
    covers : tuple of float, optional
        West, south, east, north of the files [degrees] where they lie elsewhere; None where they are empty.
    role : {"terrain", "canopy", "land_cover"}
        What the values are.
    """
    low, high = PLAUSIBLE[role]
    return SourceIncompleteError(
        Words("対象の範囲に値が 1 つもありません", "it has no value in the area")
        if covers is None
        else Words("対象の範囲と重なっていません", "it does not reach the area"),
        where=name,
        expected=_degrees(grid.bounds_lonlat),
        got=f"no value from {low:g} to {high:g}" if covers is None else _degrees(covers),
        remedy=Words(
            "ファイルの範囲と座標参照系、[city] crs を確かめてください",
            "Check what the file covers, its coordinate system, and [city] crs.",
        ),
    )


def _degrees(bounds: Bounds) -> str:
    west, south, east, north = bounds
    return f"{west:.4f}..{east:.4f} E, {south:.4f}..{north:.4f} N"


def _short(crs: str) -> str:
    system = CRS.from_user_input(crs)
    return ":".join(system.to_authority() or [system.name[:40]])


@contextmanager
def _opened(member: Member) -> Iterator[rasterio.DatasetReader]:
    """Open a raster where it lies, and tell what goes wrong as an error of its file."""
    driver = _DRIVERS.get(member.suffix, "GTiff")
    try:
        # A missing georeference is told in words later.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if member.inside:
                # Of an empty file a new raster would be made.
                with (
                    MemoryFile(member.read(LARGEST_INNER) or b"-") as held,
                    held.open(driver=driver) as dataset,
                ):
                    yield dataset
            else:
                with rasterio.open(member.path, driver=driver) as dataset:
                    yield dataset
    except (RasterioError, ValueError, ArithmeticError, MemoryError) as error:
        if isinstance(error, InputError):
            raise
        raise SourceError(
            Words("ラスター(GeoTIFF)として読めません", "this cannot be read as a raster"),
            where=member.name,
            expected="GeoTIFF",
            got=str(error)[:200],
            remedy=Words("GeoTIFF で書き出し直してください", "Export it again as GeoTIFF."),
        ) from error


def _reader(member: Member, scale: Scale) -> Callable[[slice, slice], npt.NDArray[np.float32]]:
    def read(rows: slice, columns: slice) -> npt.NDArray[np.float32]:
        with _opened(member) as dataset:
            return _part(dataset, scale, rows, columns)

    return read


def _part(
    dataset: rasterio.DatasetReader, scale: Scale, rows: slice, columns: slice
) -> npt.NDArray[np.float32]:
    """Read some cells; thinned ones a few rows at a time, so that only what is asked for is held."""
    wanted, step = range(rows.start, rows.stop, rows.step or 1), rows.step or 1
    taken = range(columns.start, columns.stop, columns.step or 1)
    values = np.empty((len(wanted), len(taken)), np.float32)
    deep = max(1, CELLS // (max(columns.stop - columns.start, 1) * step))
    for first in range(0, len(wanted), deep):
        here = wanted[first : first + deep]
        part = Part(columns.start, here.start, columns.stop - columns.start, here[-1] + 1 - here.start)
        numbers = dataset.read(1, window=part, masked=True)
        values[first : first + deep] = scale.values(numbers[::step, :: columns.step or 1])
    return values


def _system(dataset: rasterio.DatasetReader, member: Member, crs: str | None) -> CRS:
    """Return the coordinate system of a file; ASCII grids have theirs in a file beside them."""
    system = dataset.crs
    if system is None and member.inside and member.suffix == ".asc":
        system = _beside(member)
    elif system is not None:
        system = system.to_wkt()
    try:
        found = CRS.from_user_input(system or crs or "")
    except CRSError:
        found = None
    if found is None or not (found.is_geographic or found.is_projected):
        raise SourceIncompleteError(
            Words("座標参照系が書かれていません", "the file names no coordinate system"),
            where=member.name,
            remedy=Words(
                "座標参照系を付けて書き出し直してください", "Export it again with its coordinate system."
            ),
        )
    return found


def _check_place(dataset: rasterio.DatasetReader, member: Member) -> None:
    """Refuse cells of no size, and places that no coordinate system knows."""
    numbers = dataset.transform[:6]
    near = all(abs(number) < _FARTHEST for number in numbers)
    if not near or abs(dataset.transform.determinant) < _SMALLEST:
        raise SourceError(
            Words(
                "位置とセルの大きさが正しくありません", "its place or the size of its cells cannot be right"
            ),
            where=member.name,
            got=", ".join(f"{number:.9g}" for number in numbers),
            remedy=Words(
                "位置情報を付けて書き出し直してください", "Export it again with its place on the map."
            ),
        )


def _beside(member: Member) -> str | None:
    """Return the system that a ``.prj`` beside a packed file states, or None."""
    name = PurePosixPath(member.inside[-1]).with_suffix(".prj")
    try:
        return Member(member.path, (*member.inside[:-1], str(name))).read(2**16).decode(errors="replace")
    except SourceError:
        return None


def _scale(dataset: rasterio.DatasetReader, member: Member, system: CRS, role: Role) -> Scale:
    """Return how the file's numbers are to be read; refuse pictures and feet."""
    bands = [kind for kind in dataset.colorinterp if kind != ColorInterp.alpha]
    picture = role != "land_cover" and bands[:1] == [ColorInterp.palette]
    if len(bands) != 1 or picture:
        raise InputError(
            Words("値のラスターではなく画像のようです", "this looks like a picture, not a raster of values"),
            where=member.name,
            expected="1 band",
            got="a palette of colours" if picture else f"{len(bands)} bands",
            remedy=Words(
                "標高などの値が入った 1 バンドの GeoTIFF を指定してください",
                "Name a GeoTIFF with one band of values.",
            ),
        )
    units = [dataset.units[0] or "", *(axis.unit_name for axis in system.axis_info[2:])]
    feet = [unit for unit in units if _FEET.search(unit)]
    if feet and role != "land_cover":
        raise UnitsError(
            Words("値の単位がフィートです", "its values are in feet"),
            where=member.name,
            expected="m",
            got=feet[0],
            remedy=Words("メートルで書き出し直してください", "Export it again in metres."),
        )
    return Scale(float(dataset.scales[0]), float(dataset.offsets[0]), *PLAUSIBLE[role])
