"""Cooling shelters out of a municipal list (CSV or workbook), whatever its headers are called.

A shelter whose position nobody tells stays in the list without one, and its row is named with the reason.

References
----------
.. [1] 気候変動適応法 第21条 (指定暑熱避難施設): such a place must open under the special alert.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from heatrisk.errors import InputError, SourceIncompleteError
from heatrisk.grid import Bounds
from heatrisk.shelters import Shelter
from heatrisk.sources.files import Member, members, on_disk
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.sources.shelters.columns import first_list
from heatrisk.sources.shelters.places import (
    MOST_ROWS,
    NO_PLACE,
    SWAPPED,
    Found,
    Places,
    far,
    installed_geocoder,
    position,
    read_places,
    within,
)
from heatrisk.sources.shelters.rows import apart, shelter_of
from heatrisk.sources.shelters.street_address import address_key, name_key
from heatrisk.sources.table import damage, read_tables
from heatrisk.words import Note, Words

_SUFFIXES = (".csv", ".tsv", ".xlsx")


@dataclass(frozen=True)
class _Entry:
    """A facility of the list: its rows, what they say, and where they put it, or why nowhere."""

    rows: tuple[str, ...]
    shelter: Shelter
    spot: tuple[float, float] | Words
    name: str = ""


def read_shelters(
    paths: Path | Sequence[Path],
    bounds_lonlat: Bounds | None = None,
    *,
    coordinates: Path | None = None,
    facilities: Sequence[Path] = (),
    geocoder: str | None = None,
    region: str | None = None,
) -> tuple[list[Shelter], Reading]:
    """Read a list of cooling shelters.

    Parameters
    ----------
    paths : pathlib.Path or sequence of pathlib.Path
        CSV in UTF-8 (with or without byte-order mark) or CP932, or Excel workbooks; folders and zips of such.
    bounds_lonlat : tuple of float, optional
        West, south, east, north of the served area [degrees]; rows placed far outside are refused, rows a
        little outside are kept and noted.
    coordinates : pathlib.Path, optional
        Positions given by hand (名称, 緯度, 経度, perhaps 住所); they win over the list's own.
    facilities : sequence of pathlib.Path
        The city's lists of facilities, for shelters without position: names and addresses must agree.
    geocoder : str, optional
        Address look-up of the entry point group ``heatrisk.geocoders``, for those still without.
    region : str, optional
        Name of the municipality; by default the one that most rows name. Rows of others are kept and noted.

    Returns
    -------
    shelters : list of Shelter
        In the order of the list; the rows of one facility (weekdays, weekends) are one shelter.
    reading : Reading
        ``refused`` names every row that is not on the map, by its row number in a spreadsheet, with the
        reason; a shelter that is in the list all the same has it in ``unplaced``, too.
        Facts: ``encoding``, ``columns`` (field → header), ``shelters``, ``designated``, ``placed`` (by whom
        → count), ``unplaced``, ``outside``, ``merged``, ``other_towns``, ``capacity_known``,
        ``hours_known``.

    Raises
    ------
    SourceUnavailableError
        A file is not there.
    SourceIncompleteError
        No row of the first ten is a header with names and something else that is known, or none below it
        names a facility.
    InputError
        Latitude and longitude are swapped throughout, or no address look-up has the name.
    SourceError
        It is no table, or has more than 100,000 rows.
    """
    paths = [paths] if isinstance(paths, Path) else list(paths)
    found = members(paths, _SUFFIXES)
    helpers = [path for path in (coordinates, *facilities) if path is not None]
    reading = Reading.of("shelters", *on_disk(found), *helpers, named=paths[0])
    entries, nameless, facts, damaged = _entries(found, bounds_lonlat)
    if not entries:
        raise _nobody(paths[0], len(nameless))
    read = len(entries) + len(nameless)
    _check_order(entries, paths[0], bounds_lonlat)
    towns = _towns(entries, region)[:1]
    entries = _merged(entries, towns)
    places, unusable = _places(coordinates, facilities, geocoder, bounds_lonlat, towns)
    shelters, unplaced, dropped = _placed(entries, places)
    dropped = nameless + dropped
    shelters = _distinct(shelters)
    facts |= _facts(shelters, bounds_lonlat, "".join(towns))
    facts["merged"] = sum(len(entry.rows) - 1 for entry in entries)
    return shelters, replace(
        reading,
        read=read,
        used=read - len(dropped) - len(unplaced),
        refused=(*dropped, *unplaced, *unusable),
        facts=facts,
        notes=(*damaged, *_notes(shelters, len(dropped), facts, places)),
    )


def _entries(
    found: Sequence[Member], bounds: Bounds | None
) -> tuple[list[_Entry], list[Refusal], dict[str, Any], list[Note]]:
    """Return the rows of all files with a name, refusals of the others, the files' form and their damage."""
    entries: list[_Entry] = []
    refused: list[Refusal] = []
    facts: dict[str, Any] = {}
    damaged: list[Note | None] = []
    for member in found:
        table, header = first_list(read_tables(member, MOST_ROWS), member.name, "名称, 住所, 緯度, 経度, …")
        damaged.append(damage(table, member.filename))
        facts = {"encoding": table.encoding, "columns": header.named()} | facts
        file = f"{member.filename}:" if len(found) > 1 else ""
        above = ""
        for number, cells in table.rows[header.rows :]:
            row = header.row(cells, above)
            above = row["name"] or above
            if row["name"]:
                shelter = shelter_of(header, cells, row, str(number))
                entries.append(_Entry((f"{file}{number}",), shelter, position(row, bounds)))
            else:
                refused.append(Refusal(f"{file}{number}", Words("名称がありません", "no name")))
    return entries, refused, facts, [note for note in damaged if note is not None]


def _nobody(path: Path, rows: int) -> SourceIncompleteError:
    return SourceIncompleteError(
        Words("施設が 1 件もありません", "the list names no facility"),
        where=path,
        got=Words(f"名称のない {rows} 行", f"{rows} row{'s' * (rows > 1)} without a name") if rows else None,
        remedy=Words(
            "施設のあるファイルを指定するか、施設がなければ city.toml の [shelters] を消してください",
            "Name a file with rows of facilities; where there are none, remove [shelters] from city.toml.",
        ),
    )


def _check_order(entries: Sequence[_Entry], path: Path, bounds: Bounds | None) -> None:
    swapped = [entry for entry in entries if entry.spot is SWAPPED]
    if swapped and all(isinstance(entry.spot, Words) or far(*entry.spot, bounds) for entry in entries):
        raise InputError(
            SWAPPED,
            where=f"{path}:{swapped[0].rows[0]}",
            remedy=Words("緯度と経度の列の見出しを入れ替えてください", "Exchange the headers 緯度 and 経度."),
        )


def _towns(entries: Iterable[_Entry], region: str | None) -> list[str]:
    """Return the municipalities of the list, the one it is about first."""
    named = Counter(entry.shelter.town for entry in entries if entry.shelter.town)
    return [*filter(None, [region]), *(town for town, _ in named.most_common())]


def _merged(entries: list[_Entry], towns: Sequence[str]) -> list[_Entry]:
    """Return one entry a facility: rows that agree in name, address, use and position are put together."""
    together: dict[object, _Entry] = {}
    for number, entry in enumerate(entries):
        shelter = entry.shelter
        name, address = name_key(shelter.name, towns), address_key(shelter.address, towns)
        spot = None if isinstance(entry.spot, Words) else entry.spot
        same = (name, address, shelter.town, shelter.place, shelter.designation, spot) if address else number
        before = together.get(same)
        if before is None:
            together[same] = _Entry(entry.rows, shelter, entry.spot, name)
        else:
            shelter = _joined(before.shelter, shelter)
            together[same] = replace(before, rows=before.rows + entry.rows, shelter=shelter)
    return list(together.values())


def _joined(one: Shelter, other: Shelter) -> Shelter:
    """Return one shelter of two rows of a facility; hours count where they are of different days."""
    if one.openings == other.openings:
        openings = one.openings
    elif one.openings is None or other.openings is None or not apart(one.openings, other.openings):
        openings = None
    else:
        openings = one.openings + other.openings
    numbers = [shelter.capacity for shelter in (one, other) if shelter.capacity is not None]
    return replace(
        one,
        openings=openings,
        capacity=min(numbers, default=None),
        capacity_text=_both(one.capacity_text, other.capacity_text),
        hours_text=_both(one.hours_text, other.hours_text),
        caveat=_both(one.caveat, other.caveat),
        opens_on=one.opens_on if one.opens_on == other.opens_on else "unknown",
        equipment=tuple(dict.fromkeys(one.equipment + other.equipment)),
        url=one.url or other.url,
        note=_both(one.note, other.note),
    )


def _both(one: str, other: str) -> str:
    return " / ".join(dict.fromkeys(text for text in (one, other) if text))


def _places(
    coordinates: Path | None,
    facilities: Sequence[Path],
    geocoder: str | None,
    bounds: Bounds | None,
    towns: Sequence[str],
) -> tuple[Places, list[Refusal]]:
    """Return what can tell positions, and the corrections that cannot be used."""
    look_up = None if geocoder is None else installed_geocoder(geocoder)
    overrides, refused = ([], []) if coordinates is None else read_places(coordinates, bounds, towns)
    listed = [place for path in facilities for place in read_places(path, bounds, towns)[0]]
    return Places(overrides, listed, look_up, bounds, towns), refused


def _placed(entries: Sequence[_Entry], places: Places) -> tuple[list[Shelter], list[Refusal], list[Refusal]]:
    """Return the shelters, and a refusal for each row without position and for each of far away."""
    namesakes = Counter(entry.name for entry in entries)
    shelters: list[Shelter] = []
    unplaced: list[Refusal] = []
    dropped: list[Refusal] = []
    for entry in entries:
        shelter, spot, alone = entry.shelter, entry.spot, namesakes[entry.name] == 1
        found = places.corrected(shelter.name, shelter.address, alone=alone)
        if found.lonlat is None and isinstance(spot, Words):
            found = places.find(shelter.name, shelter.address, shelter.town, alone=alone)
            # What is wrong with the row's own position is of more use than that no other was found.
            found = found if spot is NO_PLACE or found.lonlat else Found(None, "", spot)
        elif found.lonlat is None and not isinstance(spot, Words):
            outside = far(*spot, places.bounds)
            if outside is not None:
                dropped += [Refusal(row, _named(shelter, outside)) for row in entry.rows]
                continue
            found = Found(spot, "list", NO_PLACE)
        if found.lonlat is None:
            unplaced += [Refusal(row, _named(shelter, found.reason)) for row in entry.rows]
            shelters.append(replace(shelter, unplaced=found.reason))
        else:
            lon, lat = found.lonlat
            shelters.append(replace(shelter, lon=lon, lat=lat, placed_by=found.by))
    return shelters, unplaced, dropped


def _named(shelter: Shelter, reason: Words) -> Words:
    return Words(f"{shelter.name}:{reason.ja}", f"{shelter.name}: {reason.en}")


def _distinct(shelters: list[Shelter]) -> list[Shelter]:
    """Return the shelters with unique identifiers: a repeated one gets a running number.

    What is published more than once names no shelter, not even the first.
    """
    published = Counter(shelter.published_id for shelter in shelters)
    seen: Counter[str] = Counter()
    taken = {shelter.id for shelter in shelters}
    distinct = []
    for shelter in shelters:
        seen[shelter.id] += 1
        name = shelter.id
        while seen[shelter.id] > 1 and name in taken:
            name = f"{shelter.id}-{seen[shelter.id]}"
            seen[shelter.id] += name in taken
        taken.add(name)
        own = shelter.published_id if published[shelter.published_id] == 1 else ""
        distinct.append(replace(shelter, id=name, published_id=own))
    return distinct


def _outside(shelters: Iterable[Shelter], bounds: Bounds | None) -> list[str]:
    return [
        shelter.name
        for shelter in shelters
        if shelter.lon is not None and shelter.lat is not None
        if bounds and not within(shelter.lon, shelter.lat, bounds, 0.0)
    ]


def _facts(shelters: Sequence[Shelter], bounds: Bounds | None, region: str) -> dict[str, Any]:
    placed = [shelter.placed_by for shelter in shelters if shelter.placed_by]
    others = Counter(shelter.town for shelter in shelters if shelter.town and shelter.town != region)
    return {
        "shelters": len(shelters),
        "designated": sum(shelter.designation == "designated" for shelter in shelters),
        "placed": dict(Counter(placed)),
        "unplaced": len(shelters) - len(placed),
        "outside": len(_outside(shelters, bounds)),
        "other_towns": dict(others.most_common()),
        "capacity_known": sum(shelter.capacity is not None for shelter in shelters),
        "hours_known": sum(shelter.openings is not None for shelter in shelters),
    }


def _notes(
    shelters: Sequence[Shelter], dropped: int, facts: dict[str, Any], places: Places
) -> Iterator[Note]:
    if dropped:
        yield Note.of(
            "shelters_refused",
            f"施設一覧の {dropped} 行は、名称がないか位置が遠く離れているため使っていません",
            f"{dropped} rows of the list of shelters are not used: without a name, or far away",
        )
    if number := facts["unplaced"]:
        yield Note.of(
            "shelters_unplaced",
            f"施設 {number} 件は位置が未確認のため、一覧だけに載せ、地図には載せていません",
            f"{number} facilities are listed but not on the map, for want of a position",
        )
    if names := _outside(shelters, places.bounds):
        listed = "、".join(names[:5])
        yield Note.of(
            "shelters_outside",
            f"対象範囲の外にある施設 {len(names)} 件({listed})",
            f"{len(names)} facilities lie outside the area ({listed})",
        )
    if facts["other_towns"]:
        listed = "、".join(f"{town} {number}" for town, number in list(facts["other_towns"].items())[:5])
        yield Note.of(
            "shelters_other_towns",
            f"ほかの市区町村の施設が含まれています({listed})",
            f"the list has facilities of other municipalities ({listed})",
        )
    if idle := [place.label for place in places.overrides if place.name not in places.used]:
        listed = "、".join(idle[:5])
        yield Note.of(
            "coordinates_unused",
            f"位置の修正 {len(idle)} 件は、一覧のどの施設にも当てはまりません({listed})",
            f"{len(idle)} corrected positions fit no facility of the list ({listed})",
        )
