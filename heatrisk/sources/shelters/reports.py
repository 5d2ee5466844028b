"""What is reported of shelters from hour to hour: how crowded they are, and whether their equipment works."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from heatrisk.errors import SourceIncompleteError
from heatrisk.shelters import Report, Shelter
from heatrisk.sources.clock import instant
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.sources.shelters.columns import Columns, equipment_code, first_list
from heatrisk.sources.shelters.places import MOST_ROWS
from heatrisk.sources.shelters.street_address import name_key
from heatrisk.sources.table import damage, key, plain, quoted, read_tables
from heatrisk.words import Words

#: How full a shelter is, in the words of those who report it.
_CROWDING = {
    "free": r"空き|空いている|空いています|空席あり|余裕(あり|がある)?|空|free|empty",
    "busy": r"やや混雑|やや混んでいる|やや混み|少し混雑|busy",
    "crowded": r"混雑|混んでいる|混雑中|混み|crowded",
    "full": r"満員|満席|満|受け?入れ?不可|利用不可|full",
}
_WORKING = {
    "usable": r"使用可能?|利用可能?|使える|正常|稼働中?|可|あり|[〇○◯]|usable|ok",
    "broken": r"故障中?|[使利]用不可|使用中止|使えない|停止中?|休止中?|点検中|修理中|不可|なし|[×✕]|broken",
}

#: A clock may run ahead by this much.
_AHEAD = timedelta(minutes=5)

_Row = Mapping[str, str]
#: What a row reports: a piece of equipment (or ``congestion``), its state, people counted.
_Said = list[tuple[str, str, int | None]]


class _Unusable(Exception):  # noqa: N818
    """A row cannot be used; never seen outside."""

    def __init__(self, ja: str, en: str) -> None:
        self.words = Words(ja, en)


def read_congestion(
    path: Path, shelters: Sequence[Shelter], *, valid_hours: float = 2.0, now: datetime | None = None
) -> tuple[list[Shelter], Reading]:
    """Add to shelters how crowded they were reported to be.

    Parameters
    ----------
    path : pathlib.Path
        CSV or workbook of ``施設名`` or ``ID``, ``観測時刻``, and ``混雑度`` (空き, やや混雑, 混雑, 満員) or
        ``人数``.
    shelters : sequence of Shelter
        The shelters; a report belongs to the one of the same published identifier or, written alike, the
        same name. Where it has both, they must not name different ones.
    valid_hours : float
        How long a report holds [h].
    now : datetime.datetime, optional
        The clock; reports of the future are refused.

    Returns
    -------
    shelters : list of Shelter
        The same, each with its latest report in ``reports``.
    reading : Reading
        ``refused`` names every row that could not be used, with the reason; ``as_of`` is the latest
        observation. Facts: ``superseded``, ``expired`` (too old by now), ``shelters`` (with a report).

    Raises
    ------
    SourceError
        It is no such table.
    """
    expected = "施設名, 観測時刻, 混雑度"
    return _read(path, "congestion", shelters, _crowding, expected, timedelta(hours=valid_hours), now)


def read_equipment(
    path: Path, shelters: Sequence[Shelter], *, valid_hours: float = 2.0, now: datetime | None = None
) -> tuple[list[Shelter], Reading]:
    """Add to shelters whether their equipment was reported to work.

    Parameters
    ----------
    path : pathlib.Path
        CSV or workbook of ``施設名`` or ``ID``, ``観測時刻``, and either ``設備`` and ``状態`` (使用可, 故障)
        or a column for each thing (給水器, 冷水機, Wi-Fi, …) that holds its state.
    shelters, valid_hours, now
        As for :func:`read_congestion`.

    Returns
    -------
    shelters : list of Shelter
        The same, each with the latest report of every thing in ``reports``.
    reading : Reading
        As for :func:`read_congestion`.

    Raises
    ------
    SourceError
        It is no such table.
    """
    expected = "施設名, 設備, 状態, 観測時刻"
    return _read(path, "equipment", shelters, _working, expected, timedelta(hours=valid_hours), now)


def _read(
    path: Path,
    role: str,
    shelters: Sequence[Shelter],
    said: Callable[[Columns, tuple[str, ...], _Row], _Said],
    expected: str,
    valid: timedelta,
    now: datetime | None,
) -> tuple[list[Shelter], Reading]:
    reading = Reading.of(role, path)
    now = datetime.now(UTC) if now is None else now
    table, header = first_list(read_tables(path, MOST_ROWS), str(path), expected, by_id=True)
    if "time" not in header.fields:
        raise SourceIncompleteError(
            Words("観測時刻の列がありません", "there is no column of times of observation"),
            where=path,
            expected=expected,
            got=quoted(header.headers),
            remedy=Words("観測時刻 の列を加えてください", "Add the column 観測時刻 (time of observation)."),
        )
    wanted = _by_name(shelters)
    refused: list[Refusal] = []
    latest: dict[tuple[str, str], Report] = {}
    reports = 0
    for number, cells in table.rows[header.rows :]:
        row = header.row(cells)
        try:
            found, time, states = _shelter_of(row, wanted), _observed(row, now), said(header, cells, row)
        except _Unusable as error:
            name, why = row["name"] or row.get("id", ""), error.words
            refused.append(Refusal(str(number), Words(f"{name}:{why.ja}", f"{name}: {why.en}")))
            continue
        for about, state, people in states:
            reports += 1
            report = Report(about, state, time, time + valid, people)
            before = latest.get((found, about))
            if before is None or before.observed <= time:
                latest[found, about] = report
    facts = {
        "superseded": reports - len(latest),
        "expired": sum(report.expires <= now for report in latest.values()),
        "shelters": len({shelter for shelter, _ in latest}),
    }
    rows = len(table.rows) - header.rows
    reading = replace(
        reading,
        read=rows,
        used=rows - len(refused),
        refused=tuple(refused),
        as_of=max((report.observed for report in latest.values()), default=None),
        facts=facts,
        notes=tuple(filter(None, [damage(table, path.name)])),
    )
    return _with(shelters, latest), reading


def _with(shelters: Iterable[Shelter], latest: Mapping[tuple[str, str], Report]) -> list[Shelter]:
    added = defaultdict(list)
    for (shelter_id, _), report in latest.items():
        added[shelter_id].append(report)
    return [
        replace(shelter, reports=(*shelter.reports, *added[shelter.id])) if shelter.id in added else shelter
        for shelter in shelters
    ]


def _by_name(shelters: Iterable[Shelter]) -> dict[str, list[str]]:
    """Return the identifiers of shelters by published identifier (``#`` before it) and by name."""
    wanted = defaultdict(list)
    for shelter in shelters:
        if shelter.published_id:
            wanted[f"#{shelter.published_id}"].append(shelter.id)
        wanted[name_key(shelter.name, _towns(shelter.town))].append(shelter.id)
    return dict(wanted)


def _towns(town: str) -> tuple[str, ...]:
    return (town,) if town else ()


def _shelter_of(row: _Row, wanted: Mapping[str, list[str]]) -> str:
    by_id = wanted.get(f"#{plain(row.get('id', ''))}", []) if row.get("id") else []
    by_name = wanted.get(name_key(row["name"], _towns(plain(row.get("town", "")))), []) if row["name"] else []
    found = [one for one in by_id if one in by_name] if by_id and row["name"] else by_id or by_name
    if by_id and not found:
        raise _Unusable("ID と名称が別の施設です", "identifier and name are of different shelters")
    if len(found) == 1:
        return found[0]
    if found:
        raise _Unusable("同じ名称の施設が複数あります", "several shelters have this name")
    raise _Unusable("施設一覧にない施設です", "not in the list of shelters")


def _observed(row: _Row, now: datetime) -> datetime:
    text = row.get("time", "")
    try:
        time: datetime = instant(plain(text)).to_pydatetime().replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _Unusable(f"観測時刻を読めません({text})", f"no time of observation ({text})") from None
    if not re.search("[:時T]", plain(text)):
        raise _Unusable(f"観測時刻に時刻がありません({text})", f"the time names no hour ({text})")
    if time > now + _AHEAD:
        raise _Unusable(f"観測時刻が未来です({text})", f"the time of observation lies in the future ({text})")
    return time


def _crowding(_: Columns, __: tuple[str, ...], row: _Row) -> _Said:
    text, count = row.get("congestion") or row.get("state", ""), row.get("people", "")
    state = _word(text, _CROWDING)
    people = re.fullmatch(r"(\d{1,6})(?:人|名)?", plain(count).replace(",", ""))
    if (text and state is None) or (count and people is None) or not (text or count):
        said = text or count
        raise _Unusable(f"混雑度を読めません({said})", f"no degree of crowding ({said})")
    return [("congestion", state or "", int(people[1]) if people else None)]


def _working(header: Columns, cells: tuple[str, ...], row: _Row) -> _Said:
    states = {
        thing: text
        for thing, columns in header.equipment.items()
        for column in columns
        if column < len(cells) and (text := cells[column].strip())
    }
    if row.get("thing"):
        code = equipment_code(row["thing"])
        if code is None:
            raise _Unusable(f"設備を読めません({row['thing']})", f"no known equipment ({row['thing']})")
        states = {code: row.get("state", "")}
    said: _Said = []
    for thing, text in states.items():
        state = _word(text, _WORKING)
        if state is None:
            raise _Unusable(f"設備の状態を読めません({text})", f"no state of the equipment ({text})")
        said.append((thing, state, None))
    if not said:
        raise _Unusable("設備の状態がありません", "no state of any equipment")
    return said


def _word(text: str, words: Mapping[str, str]) -> str | None:
    return next((state for state, pattern in words.items() if re.fullmatch(pattern, key(text))), None)
