"""A measured site as a folder: rasters, weather, measurements and the place of the station.

Files come from many hands: with commas, semicolons, tabs or blanks; with -999 or nothing where there is no
value; with a date, a day of the year, a number of the day, or none. What can be told is read; what cannot is
refused with the file and the reason.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pandas as pd
from pyproj import Transformer
from pyproj.exceptions import ProjError

from heatrisk.grid import Grid
from heatrisk.physics.faces import FACES
from heatrisk.scene import Scene
from heatrisk.sources.surface_model import read_scene

HOUR = pd.Timedelta("1h")
GAP = 3 * HOUR  # shorter holes in the weather are bridged
NO_VALUE = -900.0  # and below: -999, -9999

#: Columns of a MetFile, by place: year, day of the year, hour, minute, then those that are used here.
MET = {0: "year", 1: "day", 2: "hour", 3: "minute", 9: "va", 10: "rh", 11: "ta", 12: "ps", 14: "ghi",
       21: "dhi", 22: "dni"}  # fmt: skip
#: What a measured column is called, by what it is called here.
MEASURED = dict(
    zip(
        [kind + face for kind in "kl" for face in FACES],
        ("Kdown", "Kup", "Kn", "Ke", "Ks", "Kw", "Ldown", "Lup", "Ln", "Le", "Ls", "Lw"),
        strict=True,
    )
)
_KNOWN = {name.lower(): name for name in (*MEASURED.values(), "Tmrt")} | {"mrt": "Tmrt"}
_KNOWN |= {f"{kind}{word}".lower(): kind + end for kind in "KL" for word, end in
           {"dn": "down", "d": "down", "in": "down", "u": "up", "out": "up",
            "north": "n", "east": "e", "south": "s", "west": "w"}.items()}  # fmt: skip
_DATES, _DAYS, _HOURS = ("date", "datetime", "timestamp"), ("day", "doy", "id"), ("hour", "it", "time")


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


def refuse(where: Path, what: str) -> NoReturn:
    """Stop with the file and the reason."""
    raise SystemExit(f"{where}: {what}")


def found(folder: Path, *patterns: str) -> list[Path]:
    """Return the files of the first pattern that has any, whatever the case of their letters."""
    files = sorted(path for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    matches = ([path for path in files if fnmatch(path.name.lower(), p.lower())] for p in patterns)
    return next((match for match in matches if match), [])


def needed(folder: Path, *patterns: str) -> list[Path]:
    """Return the files of a pattern, or stop."""
    return found(folder, *patterns) or refuse(folder, f"no {' or '.join(patterns)}")


def town(folder: Path, crs: str | None, height: float) -> Scene:
    """Read the rasters of a site.

    Parameters
    ----------
    folder : pathlib.Path
        The site.
    crs : str, optional
        Coordinate system of rasters that name none.
    height : float
        Of the sensors above ground [m].
    """
    kinds = (".tif", ".tiff", ".asc")
    canopy = found(folder, *(f"CDSM*{kind}" for kind in kinds))
    cover = found(folder, *(f"{name}*{kind}" for name in ("landcover", "LC") for kind in kinds))
    return read_scene(
        needed(folder, *(f"DSM*{kind}" for kind in kinds))[0],
        needed(folder, *(f"DEM*{kind}" for kind in kinds))[0],
        canopy=canopy[0] if canopy else None,
        land_cover=cover[0] if cover else None,
        crs=crs,
        receptor_height=height,
    )


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
        content = json.loads(path.read_text("utf-8-sig"))
        features = content.get("features", [content])
        points = [(_pair(feature), _system(feature) or _system(content)) for feature in features]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        refuse(path, f"no GeoJSON with points ({error!r})")
    for (x, y), named in points:
        lonlat = abs(x) <= 180.0 and abs(y) <= 90.0
        for system in dict.fromkeys((named or ("EPSG:4326" if lonlat else grid.crs), grid.crs)):
            try:
                lon, lat = Transformer.from_crs(system, "EPSG:4326", always_xy=True).transform(x, y)
            except ProjError as error:
                refuse(path, f"unknown coordinate system {system!r} ({error})")
            place = grid.index(lon, lat) if np.isfinite([lon, lat]).all() else None
            if place is not None:
                return Station(*place, len(points))
    refuse(path, f"none of {len(points)} points lies inside the rasters, {grid.bounds_lonlat} degrees")


def _pair(feature: dict[str, Any]) -> tuple[float, float]:
    shape = feature.get("geometry", feature)
    place = shape["coordinates"]
    while isinstance(place[0], list):
        place = place[0]
    return float(place[0]), float(place[1])


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
    tables = [_met(path) for path in paths]
    met = pd.concat(tables).sort_index()
    met = met[~met.index.duplicated()]
    for name in ("ta", "ghi"):
        if name not in met or not met[name].notna().any():
            refuse(paths[0], f"not a single value of {name}")
    if "ps" in met and met["ps"].median() < 200.0:
        met["ps"] *= 10.0  # kPa, as UMEP has it
    return met


def _met(path: Path) -> pd.DataFrame:
    rows = [_numbers(line) for line in _text(path).splitlines()]
    rows = [row for row in rows if len(row) > max(k for k, name in MET.items() if name == "ghi")]
    if not rows:
        refuse(path, "no row of numbers in the form of UMEP: year, day of the year, hour, minute ...")
    table = pd.DataFrame(rows)
    table = table[[c for c in MET if c in table]].rename(columns=MET)
    table = table.where(table > NO_VALUE)
    clock = table[["year", "day", "hour"]]
    if not (
        clock["year"].between(1900, 2200) & clock["day"].between(1, 366) & clock["hour"].between(0, 24)
    ).all():
        refuse(path, "the first columns are not year, day of the year, hour")
    start = pd.to_datetime(clock["year"].astype(int).astype(str), format="%Y")
    table.index = pd.DatetimeIndex(start + pd.to_timedelta(clock["day"] - 1, "D"))
    table.index += pd.to_timedelta(clock["hour"].to_numpy(), "h")
    if table["minute"].nunique() > 1:  # shorter than hours: their means, by the hour that ends
        table.index = (table.index + pd.to_timedelta(table["minute"].to_numpy(), "min")).ceil("h")
        table = table.groupby(level=0).mean()
    return table.drop(columns=["year", "day", "hour", "minute"])


def _numbers(line: str) -> list[float]:
    """Return the numbers of a line, NaN for what is none; nothing of a heading."""
    parts = line.split(";") if ";" in line else line.split()
    if len(parts) < 3:
        parts = line.split(",")
    numbers = [_number(part.strip().replace(",", ".")) for part in parts]
    return numbers if np.isfinite(numbers[:3]).all() else []


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _text(path: Path) -> str:
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")


def hourly(met: pd.DataFrame) -> list[pd.DataFrame]:
    """Return stretches of whole hours, short holes bridged, what lies apart kept apart."""
    breaks = np.flatnonzero(np.diff(met.index) > GAP.to_timedelta64()) + 1
    parts = [met.iloc[rows] for rows in np.split(np.arange(len(met)), breaks)]
    return [part.resample("h").mean().interpolate(limit_direction="both") for part in parts]


def read_measurements(paths: Sequence[Path], met: pd.DataFrame) -> pd.DataFrame:
    """Return the measurements by the times that they state, means over the hour where there are several.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        CSV files.
    met : pandas.DataFrame
        From `read_met`: its days are those that a row can belong to.
    """
    counts = met.index.normalize().value_counts()
    days = pd.DatetimeIndex(sorted(counts.index[counts > 1]))  # hour 24 is no day of its own
    tables = []
    for path in paths:
        table = _table(path)
        table.index = _times(table, path, days)
        numbers = table[[name for name in dict.fromkeys(_KNOWN.values()) if name in table]]
        numbers = numbers.apply(pd.to_numeric, errors="coerce")
        tables.append(numbers.where(numbers > NO_VALUE))
    together = pd.concat(tables)
    return together.groupby(level=0).mean()


def _table(path: Path) -> pd.DataFrame:
    """Return a table by the plain names of its columns."""
    lines = [line for line in _text(path).splitlines() if line.strip(" \t,;")]
    while lines:
        line = lines.pop(0)
        separator = next((mark for mark in ";\t," if mark in line), None)
        plain = [_plain(part) for part in line.lstrip("#% ").split(separator)]
        names = [name if name not in plain[:k] else f"{name} again {k}" for k, name in enumerate(plain)]
        if {*names} & {*_KNOWN.values()} and {*names} & {*_DATES, *_HOURS}:
            break
        if not line.startswith(("#", "%")):
            refuse(path, f"the heading names no hour and no flux: {line[:80]!r}")
    else:
        refuse(path, "no heading")
    body = "\n".join(line for line in lines if not line.startswith(("#", "%")))
    try:
        return pd.read_csv(
            io.StringIO(body), sep=separator or r"\s+", names=names, index_col=False,
            decimal="," if separator == ";" and "," in body else ".", skipinitialspace=True,
        )  # fmt: skip
    except (pd.errors.ParserError, ValueError) as error:
        refuse(path, str(error)[:200])


def _plain(name: str) -> str:
    word = re.sub(r"[\[(/].*|[^a-z]", "", name.strip().lower().replace("_wm", "["))
    return _KNOWN.get(word, word)


def _times(table: pd.DataFrame, path: Path, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the whole hour that each row states, on one of the days of the weather."""
    if table.empty:
        refuse(path, "not a single row")
    clock = next((table[name] for name in _HOURS if name in table), None)
    stated = next((table[name] for name in _DATES if name in table), None)
    if clock is None or re.search(r"\d[-/]\d+[-/]\d", str(clock.iloc[0])):  # a date and a time in one
        moments = _dates(stated if clock is None else clock, path, days)
        return pd.DatetimeIndex(moments).floor("h")
    text = clock.astype(str).str.strip()
    hour = pd.to_numeric(text.str.extract(r"^(\d+)")[0], errors="coerce")
    if hour.isna().any() or (hour > 2400).any():
        refuse(path, f"an hour that is none: {text[hour.isna() | (hour > 2400)].iloc[0]!r}")
    hour = hour.where(hour <= 24, hour // 100)  # 1230 is half past twelve
    day = _days(table, hour, path, days) if stated is None else _dates(stated, path, days).normalize()
    return pd.DatetimeIndex(day + pd.to_timedelta(hour.to_numpy(), "h"))


def _dates(stated: Any, path: Path, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return dates; of two ways to read one, that which falls on days of the weather."""
    text = stated.astype(str).str.strip().str.replace(r"\.0$", "", regex=True)
    readings = [
        pd.to_datetime(text, errors="coerce", dayfirst=first, format="mixed") for first in (False, True)
    ]
    best = max(readings, key=lambda times: int(times.dt.normalize().isin(days).sum()))
    if best.isna().any():
        refuse(path, f"a date that is none: {text[best.isna()].iloc[0]!r}")
    return pd.DatetimeIndex(best)


def _days(table: pd.DataFrame, hour: pd.Series, path: Path, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the day of each row: as its column numbers it, as the file is called, or as hours start anew."""
    stated = next((table[name] for name in _DAYS if name in table), None)
    if stated is not None:
        numbers = pd.to_numeric(stated, errors="coerce")
        if numbers.isna().any() or (numbers > 366).any():
            return _dates(stated, path, days).normalize()
        ways = (days.dayofyear, days.day, np.arange(len(days)) + 1)
        for way in ways:
            of = dict(zip(way, days, strict=True))
            if len(of) == len(days) and numbers.isin(list(of)).all():
                return pd.DatetimeIndex(numbers.map(of))
        refuse(path, f"day {numbers.iloc[0]:g} is none of {', '.join(map(str, days.date))}")
    told = re.search(r"(?<!\d)(\d{4})[-_]?(\d\d)[-_]?(\d\d)(?!\d)", path.stem)
    if told:
        return pd.DatetimeIndex([pd.Timestamp("-".join(told.groups()))] * len(hour))
    anew = (hour.diff() < 0).cumsum().to_numpy()
    if anew[-1] == 0 and len(days) > 1:
        numbered = re.search(r"(?<!\d)(\d{1,3})(?!\d)", path.stem)
        of = dict(zip(days.dayofyear, days, strict=True))
        if numbered and int(numbered[1]) in of:
            return pd.DatetimeIndex([of[int(numbered[1])]] * len(hour))
    if anew[-1] + 1 != len(days):
        refuse(path, f"{anew[-1] + 1} days without a date, but weather of {', '.join(map(str, days.date))}")
    return days[anew]
