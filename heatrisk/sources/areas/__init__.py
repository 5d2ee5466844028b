"""Who lives where, and whose district it is: population meshes and jurisdictions, for reports by place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from heatrisk.errors import InputError, SourceIncompleteError
from heatrisk.grid import WGS84
from heatrisk.sources.areas.area_rows import MESH, AreaRows, described, read_area_rows
from heatrisk.sources.reading import Reading
from heatrisk.sources.table import key, plain, quoted
from heatrisk.words import Note, Words

FloatArray = npt.NDArray[np.float64]

#: Groups of residents: all, 65 and older, 75 and older.
GROUPS = ("total", "elderly", "old")

#: 国土数値情報 将来推計人口: prefixes of a year's columns that add up to a group, best first.
_FORECAST = {
    "total": (("PTN",), ("PTA", "PTB", "PTC")),
    "elderly": (("PTC",),),
    "old": (("PTD",),),
}

#: Headers of each column, as patterns of the whole narrowed header; the first column that fits counts.
_COLUMNS = {
    "mesh": MESH,
    "total": r"総?人口(\(総数\)|総数)?|総数|population|pop|total",
    "elderly": r"(人口)?\(?65歳以上\)?(人口)?|(高齢者|老年)(人口|数)?|elderly|pop_?65.*",
    "old": r"(人口)?\(?75歳以上\)?(人口)?|後期高齢者(人口|数)?|old|pop_?75.*",
}

#: Headers of a district's name, best first; the codes are those of 国土数値情報 (fire stations, school
#: districts, municipalities).
_NAMES = (
    r"名称?|管轄(区域|署)?名?|消防署所?名?|署所?名|(地区|学区|校区|区域|町丁目?|町字|町丁字)名?|s_?name|name",
    r"p17_005|a27_00[37]|a32_00[47]",
    r"n03_00[45]",
)
#: Estimates are rounded; groups may disagree by this many people.
_ROUNDING = 0.01

#: Numbers at or below stand for "unknown" (-9999 and its longer kin); other negative ones are wrong.
_SENTINEL = -9998.0

_NO_NUMBER = Words("人口の値がありません", "no number of residents")
_NEGATIVE = Words("人口が負の値です", "a negative number of residents")
_ELDERLY = Words("65 歳以上の人口が総人口を超えています", "more residents of 65 and older than residents")
_OLD = Words(
    "75 歳以上の人口が 65 歳以上の人口(または総人口)を超えています",
    "more residents of 75 and older than of 65 and older (or than residents)",
)
_NO_NAME = Words("名称がありません", "no name")


def read_population(
    paths: Sequence[Path],
    crs: str,
    *,
    layer: str | None = None,
    columns: Mapping[str, str] | None = None,
    year: int | None = None,
) -> tuple[gpd.GeoDataFrame, Reading]:
    """Read residents by mesh or district.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Vector files of any format, or CSV with mesh codes; the columns of 国土数値情報 (将来推計人口) are
        known.
    crs : str
        Coordinate system of the result.
    layer : str, optional
        Layer of the files, where it is not clear.
    columns : mapping, optional
        Column names in the files, by ``"mesh"``, ``"total"``, ``"elderly"``, ``"old"``; the others are looked
        for by their usual names.
    year : int, optional
        The year wanted, of estimates for several years: of those that know most groups the nearest is taken.
        This year if omitted.

    Returns
    -------
    population : geopandas.GeoDataFrame
        ``mesh`` (its code, else the row number); ``total``, ``elderly`` (65 and older), ``old`` (75 and
        older), NaN where unknown; ``year``, 0 where the file names none; ``geometry``, valid.
    reading : Reading
        Facts: ``columns`` (group → columns taken), ``year``, ``residents`` (sums), ``mended``,
        ``duplicates`` (the same mesh again, taken once), ``bounds`` [degrees].

    Raises
    ------
    SourceIncompleteError
        No coordinate system, or no column of residents.
    InputError
        It is not clear which layer is meant, or ``columns`` names what is not there.
    SourceError
        A file cannot be read.
    """
    found, reading = read_area_rows("population", paths, crs, layer)
    parts, refused, stated = [], [], 0
    taken: dict[str, list[str]] = {}
    for rows in found:
        taken, stated = _chosen(rows, columns or {}, year or datetime.now(UTC).year)
        residents = {name: _residents(rows, taken.get(name, [])) for name in GROUPS}
        _check(rows, residents)
        numbers = [str(number) for number in range(1, len(rows.frame) + 1)]
        codes = rows.texts(taken["mesh"][0]) if "mesh" in taken else np.array(numbers, dtype=object)
        refused += rows.refused(np.where(codes == "", numbers, codes), len(found) > 1)
        table = {"mesh": codes, **residents, "year": stated}
        parts.append(gpd.GeoDataFrame(table, geometry=rows.shapes, crs=crs)[rows.kept])
    whole = pd.concat(parts, ignore_index=True)
    again = whole.assign(shape=shapely.to_wkb(whole.geometry.to_numpy())).duplicated(["mesh", "shape"])
    population = whole[~again].reset_index(drop=True)
    facts = {
        "columns": taken,
        "year": stated or None,
        "residents": {name: round(float(population[name].sum()), 1) for name in GROUPS if name in taken},
        "duplicates": int(again.sum()),
        **described(found, population),
    }
    return population, replace(
        reading,
        read=sum(len(rows.frame) for rows in found),
        used=len(population),
        refused=tuple(refused),
        facts=facts,
        notes=_year_note(stated),
    )


def read_jurisdictions(
    paths: Sequence[Path], crs: str, *, layer: str | None = None, name_column: str | None = None
) -> tuple[gpd.GeoDataFrame, Reading]:
    """Read the districts that reports are made for; rows of one name become one district.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Vector files of any format.
    crs : str
        Coordinate system of the result.
    layer : str, optional
        Layer of the files, where it is not clear.
    name_column : str, optional
        Column of the names; looked for by its usual names if omitted.

    Returns
    -------
    jurisdictions : geopandas.GeoDataFrame
        ``name``, unique, in the order of the files; ``geometry``, valid.
    reading : Reading
        Facts: ``column``, ``joined`` (rows that became part of another of their name), ``mended``,
        ``bounds`` [degrees].

    Raises
    ------
    SourceIncompleteError
        No coordinate system, or no column of names.
    InputError
        It is not clear which layer is meant, or the named column is not there.
    SourceError
        A file cannot be read.
    """
    found, reading = read_area_rows("jurisdictions", paths, crs, layer)
    parts, refused, column = [], [], ""
    for rows in found:
        column = _name_column(rows, name_column)
        names = rows.texts(column)
        rows.refuse(names == "", _NO_NAME)
        numbers = [str(number) for number in range(1, len(names) + 1)]
        refused += rows.refused(np.where(names == "", numbers, names), len(found) > 1)
        parts.append(gpd.GeoDataFrame({"name": names}, geometry=rows.shapes, crs=crs)[rows.kept])
    whole = pd.concat(parts, ignore_index=True)
    districts = whole.dissolve("name", sort=False, as_index=False)[["name", "geometry"]]
    facts = {"column": column, "joined": len(whole) - len(districts), **described(found, districts)}
    return districts, replace(
        reading,
        read=sum(len(rows.frame) for rows in found),
        used=len(whole),
        refused=tuple(refused),
        facts=facts,
    )


def to_geojson(areas: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return areas as GeoJSON, to be kept with a run.

    Parameters
    ----------
    areas : geopandas.GeoDataFrame
        From :func:`read_population` or :func:`read_jurisdictions`.

    Returns
    -------
    dict
        A FeatureCollection (RFC 7946): longitude and latitude to 1e-6 degrees (0.1 m); NaN is null.
    """
    degrees = areas.to_crs(WGS84)
    rounded = shapely.transform(degrees.geometry.to_numpy(), lambda points: np.round(points, 6))
    collection: dict[str, Any] = degrees.set_geometry(
        gpd.GeoSeries(rounded, degrees.index, crs=WGS84)
    ).to_geo_dict(na="null", drop_id=True)
    return collection


def _chosen(rows: AreaRows, columns: Mapping[str, str], year: int) -> tuple[dict[str, list[str]], int]:
    """Return the columns that add up to each group (and hold the mesh code), and the year they speak of."""
    there = rows.columns
    taken = {name: [_named(rows, f"[population] columns.{name}", wanted)] for name, wanted in columns.items()}
    if unknown := sorted(set(columns) - set(_COLUMNS)):
        raise InputError(
            Words("[population] columns にない項目です", "there is no such setting in [population] columns"),
            where=rows.member.name,
            expected=", ".join(_COLUMNS),
            got=", ".join(unknown),
            remedy=Words("city.toml を直してください", "Correct the city file."),
        )
    years = {int(match[1]) for name in there if (match := re.fullmatch(r"pt[a-z]_(\d{4})", name))}
    estimates = {of: _estimate(there, of) for of in years}
    stated = min(estimates, key=lambda of: (-len(estimates[of]), abs(of - year), of), default=0)
    estimate = {name: found for name, found in estimates.get(stated, {}).items() if name not in taken}
    taken |= estimate
    for name, pattern in _COLUMNS.items():
        first = next((column for column in there if re.fullmatch(pattern, column)), None)
        if name not in taken and first is not None:
            taken[name] = [there[first]]
    if not taken.keys() & set(GROUPS):
        raise SourceIncompleteError(
            Words("人口の列がありません", "no column holds the residents"),
            where=rows.member.name,
            expected="PTN_YYYY, PTC_YYYY, PTD_YYYY / 人口, 65歳以上",
            got=quoted(tuple(there.values())) or "-",
            remedy=Words(
                "city.toml の [population] columns で total、elderly、old の列名を指定してください",
                "Name the columns total, elderly and old in [population] columns of the city file.",
            ),
        )
    return taken, stated if estimate else 0


def _estimate(there: Mapping[str, str], year: int) -> dict[str, list[str]]:
    """Return the columns of one year's estimate, by group, for the groups that are complete."""
    found = {}
    for name, choices in _FORECAST.items():
        for prefixes in choices:
            columns = [there.get(f"{prefix}_{year}".lower()) for prefix in prefixes]
            if None not in columns and name not in found:
                found[name] = [column for column in columns if column is not None]
    return found


def _named(rows: AreaRows, setting: str, wanted: str) -> str:
    """Return the column of a file that the city file names."""
    there = rows.columns
    if key(wanted) in there:
        return there[key(wanted)]
    raise InputError(
        Words("指定された列がありません", "the named column does not exist"),
        where=rows.member.name,
        expected=f"{setting} = {wanted}",
        got=quoted(tuple(there.values())) or "-",
        remedy=Words("city.toml の列名を直してください", "Correct the name in the city file."),
    )


def _residents(rows: AreaRows, columns: list[str]) -> FloatArray:
    """Return the sum of some columns, NaN where one is unknown; the lowest where one is negative."""
    if not columns:
        return np.full(len(rows.frame), np.nan)
    parts = np.array([_numbers(rows.frame[column]) for column in columns])
    residents: FloatArray = np.where((parts < 0).any(axis=0), parts.min(axis=0), parts.sum(axis=0))
    return residents


def _numbers(column: pd.Series) -> FloatArray:
    if not pd.api.types.is_numeric_dtype(column):
        column = pd.to_numeric(column.map(lambda cell: plain(str(cell)).replace(",", "")), errors="coerce")
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(numbers) & (numbers > _SENTINEL), numbers, np.nan)


def _check(rows: AreaRows, residents: Mapping[str, FloatArray]) -> None:
    """Refuse rows that say nothing, or contradict themselves."""
    total, elderly, old = (residents[name] for name in GROUPS)
    everyone = np.array([total, elderly, old])
    rows.refuse(np.isnan(everyone).all(axis=0), _NO_NUMBER)
    rows.refuse(np.any(everyone < 0, axis=0), _NEGATIVE)
    rows.refuse(np.greater(elderly, total + _ROUNDING), _ELDERLY)
    rows.refuse(np.greater(old, np.fmin(elderly, total) + _ROUNDING), _OLD)


def _name_column(rows: AreaRows, wanted: str | None) -> str:
    """Return the column of the districts' names: the named, a usual one, or the only column of texts."""
    if wanted is not None:
        return _named(rows, "[jurisdictions] name_column", wanted)
    there = rows.columns
    for pattern in _NAMES:
        if found := [column for name, column in there.items() if re.fullmatch(pattern, name)]:
            return found[0]
    texts = [column for column in there.values() if pd.api.types.is_string_dtype(rows.frame[column])]
    if len(texts) == 1:
        return texts[0]
    raise SourceIncompleteError(
        Words("区域の名称の列が分かりません", "it is not clear which column holds the districts' names"),
        where=rows.member.name,
        expected="名称, P17_005, name",
        got=quoted(tuple(there.values())) or "-",
        remedy=Words(
            "city.toml の [jurisdictions] name_column で列名を指定してください",
            "Name it in [jurisdictions] name_column of the city file.",
        ),
    )


def _year_note(year: int) -> tuple[Note, ...]:
    if not year:
        return ()
    return (
        Note.of(
            "population_estimate",
            f"人口は {year} 年の値(将来推計人口)",
            f"residents are those of {year} (an official projection)",
        ),
    )
