"""A measured site as a folder: rasters, weather, measurements and the place of the station.

Files come from many hands: with commas, semicolons, tabs or blanks; with -999 or nothing where there is no
value. What can be told is read; what cannot is refused with the file and the reason. Measurements are read by
`benchmarks.measurements`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pandas as pd
from pyproj import Transformer
from pyproj.exceptions import ProjError

from heatrisk.grid import Grid
from heatrisk.physics.faces import FACES
from heatrisk.physics.surface import LAND_COVER
from heatrisk.scene import Scene
from heatrisk.sources.surface_model import read_scene
from heatrisk.words import Note

HOUR = pd.Timedelta("1h")
GAP = 3 * HOUR  # shorter holes in the weather are bridged
NO_VALUE = -900.0  # and below: -999, -9999

#: Columns of a MetFile, by place: year, day of the year, hour, minute, then those that are used here.
MET = {0: "year", 1: "day", 2: "hour", 3: "minute", 9: "va", 10: "rh", 11: "ta", 12: "ps", 14: "ghi",
       16: "ldown", 21: "dhi", 22: "dni"}  # fmt: skip
#: The same by the names that headings have for them.
NAMES = {"year": ("iy", "year"), "day": ("id", "doy", "day"), "hour": ("it", "hour"),
         "minute": ("imin", "min", "minute"), "va": ("wind", "u", "ws"), "rh": ("rh",),
         "ta": ("td", "tair", "ta", "temp"), "ps": ("press", "pres", "pressure"),
         "ghi": ("kdn", "kdown"), "ldown": ("ldown",), "dhi": ("kdiff",), "dni": ("kdir",)}  # fmt: skip
_CLOCK = ("year", "day", "hour")
#: What rasters end with, and what those begin with that a site may do without.
KINDS, CANOPY, COVER = (".tif", ".tiff", ".asc"), ("CDSM",), ("landcover", "LC")
#: What no hour goes without: what UMEP calls it, and the range that is believed [degC, %, W m-2].
NEEDED = {"ta": ("Td", -60.0, 60.0), "rh": ("RH", 0.0, 110.0), "ghi": ("Kdn", -50.0, 2000.0)}
#: What a measured column is called, by what it is called here.
MEASURED = dict(
    zip(
        [kind + face for kind in "kl" for face in FACES],
        ("Kdown", "Kup", "Kn", "Ke", "Ks", "Kw", "Ldown", "Lup", "Ln", "Le", "Ls", "Lw"),
        strict=True,
    )
)


class Station(NamedTuple):
    """Cell of the measuring station.

    Attributes
    ----------
    row, column : int
        Of the scene's grid.
    of : int
        Points that the file holds; the first inside the rasters is taken.
    """

    row: int
    column: int
    of: int


def refuse(where: Path, what: str, expected: str = "") -> NoReturn:
    """Stop with the file, the reason, and what would do."""
    raise SystemExit(f"{where}: {what}" + (f"; expected {expected}" if expected else ""))


def found(folder: Path, *patterns: str) -> list[Path]:
    """Return the files of the first pattern that has any, whatever the case of their letters."""
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    matches = ([path for path in files if fnmatch(path.name.lower(), p.lower())] for p in patterns)
    return next((match for match in matches if match), [])


def needed(folder: Path, *patterns: str) -> list[Path]:
    """Return the files of a pattern, or stop."""
    return found(folder, *patterns) or refuse(folder, f"no {' or '.join(patterns)}")


def town(folder: Path, crs: str | None, height: float, told: list[Note] | None = None) -> Scene:
    """Read the rasters of a site.

    Parameters
    ----------
    folder : pathlib.Path
        The site.
    crs : str, optional
        Coordinate system of rasters that name none.
    height : float
        Of the sensors above ground [m].
    told : list of Note, optional
        What had to be assumed where rasters have holes is appended.
    """
    canopy, cover = _optional(folder, *CANOPY), _optional(folder, *COVER)
    return read_scene(
        needed(folder, *(f"DSM*{kind}" for kind in KINDS))[0],
        needed(folder, *(f"DEM*{kind}" for kind in KINDS))[0],
        canopy=canopy,
        land_cover=cover,
        crs=crs,
        receptor_height=height,
        told=told,
    )


def _optional(folder: Path, *names: str) -> Path | None:
    files = found(folder, *(f"{name}*{kind}" for name in names for kind in KINDS))
    return files[0] if files else None


def assumed_of(folder: Path, scene: Scene) -> list[str]:
    """Return in sentences what was taken for rasters that a site does not have, or not for all of it."""
    told = [] if _optional(folder, *CANOPY) else ["no canopy heights: no trees"]
    if not _optional(folder, *COVER):
        told.append("no land cover: paved everywhere")
    strange = float(np.isin(scene.land_cover, [row.code for row in LAND_COVER], invert=True).mean())
    if strange > 0.0:
        told.append(f"{strange:.1%} of the land cover has a code that is none, and counts as grass")
    return told


def station(folder: Path, grid: Grid) -> Station:
    """Find the station of a site.

    Parameters
    ----------
    folder : pathlib.Path
        Holds ``poi*.geojson`` with a point in degrees, in the system that it names, or in the rasters'.
    grid : heatrisk.grid.Grid
        Of the rasters.
    """
    path = needed(folder, "poi*.geojson", "poi*.json")[0]
    try:
        points = list(_points(json.loads(path.read_text("utf-8-sig")), None))
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        refuse(path, f"no GeoJSON with points ({error!r:.80})")
    if not points:
        refuse(path, "no GeoJSON with points", "a Point, a Feature or a FeatureCollection")
    for x, y, named in points:
        lonlat = abs(x) <= 180.0 and abs(y) <= 90.0
        for system in dict.fromkeys((named or ("EPSG:4326" if lonlat else grid.crs), grid.crs)):
            place = _cell(grid, system, x, y)
            if place is not None:
                return Station(*place, len(points))
    west, south, east, north = grid.bounds_lonlat
    got = "; ".join(f"{x:g}, {y:g} in {named or 'no stated system'}" for x, y, named in points[:3])
    return refuse(
        path,
        f"none of {len(points)} points lies inside the rasters: {got}",
        f"{west:.5f} to {east:.5f} E, {south:.5f} to {north:.5f} N, or the rasters' own coordinates",
    )


def _cell(grid: Grid, system: str, x: float, y: float) -> tuple[int, int] | None:
    try:
        lon, lat = Transformer.from_crs(system, "EPSG:4326", always_xy=True).transform(x, y)
    except ProjError:  # a name that nobody knows: the rasters' own system is tried next
        return None
    return grid.index(lon, lat) if np.isfinite([lon, lat]).all() else None


def _points(node: dict[str, Any], named: str | None) -> Iterator[tuple[float, float, str | None]]:
    """Yield all points of a GeoJSON object, with the coordinate system that holds for them."""
    named = _system(node) or named
    for child in [*(node.get("features") or ()), *(node.get("geometries") or ())]:
        yield from _points(child, named)
    if node.get("geometry"):
        yield from _points(node["geometry"], named)
    yield from ((x, y, named) for x, y in _pairs(node.get("coordinates") or []))


def _pairs(place: list[Any]) -> Iterator[tuple[float, float]]:
    if place and isinstance(place[0], list):
        for part in place:
            yield from _pairs(part)
    elif place:
        yield float(place[0]), float(place[1])


def _system(holder: dict[str, Any]) -> str | None:
    named = (holder.get("properties") or {}).get("crs") or holder.get("crs")
    if isinstance(named, dict):
        named = named.get("properties", {}).get("name")
    return None if named is None else str(named)


def read_met(paths: Sequence[Path]) -> pd.DataFrame:
    """Return the weather of all MetFiles by the times that they state, NaN where there is no value.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        In the form of UMEP: one heading, then year, day of the year, hour, minute and so on by place.
    """
    met = pd.concat([_met(path) for path in paths]).sort_index()
    met = met[~met.index.duplicated()]
    for name, (called, low, high) in NEEDED.items():
        known = met[name].dropna() if name in met else pd.Series(dtype=float)
        if known.empty:
            refuse(paths[0], f"not a single value of {called}")
        beyond = known[~known.between(low, high)]
        if len(beyond):
            refuse(paths[0], f"{called} is {beyond.iloc[0]:g} at {beyond.index[0]}", f"{low:g} to {high:g}")
    if "ps" in met and met["ps"].median() < 200.0:
        met["ps"] *= 10.0  # kPa, as UMEP has it
    return met


def _met(path: Path) -> pd.DataFrame:
    lines = text_of(path).splitlines()
    numbers = [_numbers(line) for line in lines]
    first = next((k for k, row in enumerate(numbers) if row), 0)
    columns = _columns(lines[first - 1] if first else "", len(numbers[first]) if numbers else 0)
    last = max(k for k, name in columns.items() if name in (*_CLOCK, *NEEDED))
    rows = [row for row in numbers if len(row) > last and row[0] >= 0.0]  # a row of -9 ends old files
    if not rows:
        refuse(path, "no row of numbers in the form of UMEP", "year, day of the year, hour, minute ...")
    table = pd.DataFrame(rows)
    table = table[[c for c in columns if c in table]].rename(columns=columns)
    table = table.where(table > NO_VALUE)
    clock = table[[*_CLOCK]]
    good = clock["year"].between(1900, 2200) & clock["day"].between(1, 366) & clock["hour"].between(0, 24)
    if not good.all():
        got = ", ".join(f"{number:g}" for number in clock[~good].iloc[0])
        refuse(path, f"a row begins with {got}", "year, day of the year 1 to 366, hour 0 to 24")
    start = pd.to_datetime(clock["year"].astype(int).astype(str), format="%Y")
    table.index = pd.DatetimeIndex(start + pd.to_timedelta(clock["day"] - 1, "D"))
    table.index += pd.to_timedelta(clock["hour"].to_numpy(), "h")
    if "minute" in table and table["minute"].nunique() > 1:
        table.index += pd.to_timedelta(table["minute"].to_numpy(), "min")
        table = hourly_means(table, -0.5).dropna(how="all")
    return table.drop(columns=[*_CLOCK, "minute"], errors="ignore")


def hourly_means(table: pd.DataFrame, middle: float) -> pd.DataFrame:
    """Return means over whole hours of rows that are finer, NaN where fewer than half of them have a value.

    Parameters
    ----------
    table : pandas.DataFrame
        By the times that its rows state.
    middle : float
        From the time that stands for an hour to the hour's middle [h]: 0.5 where it is the hour's beginning,
        as in a table of hours it is taken to be, -0.5 where it is the end, 0 in the middle.
    """
    times = pd.DatetimeIndex(table.index)
    begins = times.floor("h")
    if times.nunique() < 1.5 * begins.nunique():
        return table.groupby(begins).mean()
    hours = times.ceil("h") if middle < 0.0 else begins if middle > 0.0 else (times + HOUR / 2).floor("h")
    usual = times.to_series().groupby(hours).nunique().max()
    rows = table.groupby(hours)
    return rows.mean().where(rows.count() >= 0.5 * usual)


def _columns(heading: str, width: int) -> dict[int, str]:
    """Return what each column is: by its name where the heading fits the rows, else by its place."""
    names = {word: name for name, words in NAMES.items() for word in words}
    words = [part.strip().lower() for part in _parts(heading.lstrip("\ufeff%# "))]
    named = {k: names[word] for k, word in enumerate(words) if word in names}
    whole = len(words) == width and {*_CLOCK, *NEEDED} <= {*named.values()}
    return named if whole and len({*named.values()}) == len(named) else MET


def _numbers(line: str) -> list[float]:
    """Return the numbers of a line, NaN for what is none; nothing of a heading."""
    numbers = [_number(part.strip().replace(",", ".")) for part in _parts(line)]
    return numbers if np.isfinite(numbers[:3]).all() else []


def _parts(line: str) -> list[str]:
    parts = line.split(";") if ";" in line else line.split()
    return parts if len(parts) >= 3 else line.split(",")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def text_of(path: Path) -> str:
    """Return a text file in whatever encoding it is."""
    raw = path.read_bytes()
    marked = raw[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ("utf-16" if marked else "utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def hourly(met: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield stretches of whole hours, short holes bridged, what lies apart kept apart.

    What a longer hole makes of a column that an hour goes without is not known: it is left out. The sky's
    radiation keeps its holes, which the model fills.
    """
    breaks = np.flatnonzero(np.diff(met.index) > GAP.to_timedelta64()) + 1
    for rows in np.split(np.arange(len(met)), breaks):
        part = met.iloc[rows].resample("h").mean().apply(_bridged)
        usable = part[[*NEEDED]].notna().all(axis=1)
        for _, stretch in part[usable].groupby((~usable).cumsum()[usable]):
            yield stretch[[name for name in stretch if name == "ldown" or stretch[name].notna().all()]]


def _bridged(values: pd.Series) -> pd.Series:
    """Interpolate over holes of a few hours."""
    known = values.notna()
    length = (~known).groupby(known.cumsum()).transform("sum")
    return values.interpolate(limit_direction="both").where(known | (length <= GAP // HOUR))
