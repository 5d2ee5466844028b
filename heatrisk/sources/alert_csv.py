"""Official heat-stroke alerts as CSV (``alert_YYYYMMDD_HH.csv``).

About 22 rows of what the bulletin is, then a header row that begins with 府県予報区, then a row a forecast
area. The header is found by that cell, columns by their names::

    ReportDate,2026/08/25,…
    ReportTime,05:00:00,…
    府県予報区,…,府県予報区等コード,…,TargetDate1フラグ,TargetDate2フラグ,日最高WBGT（10:00）,…
    東京都,44,0,130000,東京,13,1,9,東京:32/八王子:33,…

References
----------
.. [1] 環境省, 令和7年度 熱中症警戒情報等 電子情報提供サービス 説明書.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from heatrisk.alerts import FLAGS, AlertBulletin, Status
from heatrisk.errors import InputError, SourceError, SourceIncompleteError
from heatrisk.sources.clock import instant
from heatrisk.sources.files import Member, members, on_disk
from heatrisk.sources.query import listed
from heatrisk.sources.reading import Reading
from heatrisk.sources.table import Table, key, plain, quoted, read_table
from heatrisk.words import JST, Note, Words

_AREA = "府県予報区"
_NUMBER, _SUB, _CODE, _PREFECTURE = (
    "都府県・振興局表示番号",
    "都府県・振興局表示番号サブ",
    "府県予報区等コード",
    "都道府県名",
)
_FLAG_COLUMNS = {"targetdate1": "targetdate1フラグ", "targetdate2": "targetdate2フラグ"}
_MAXIMA = "日最高wbgt"

_STATUS: Mapping[str, Status] = {"通常": "normal", "訓練": "drill", "試験": "test"}

_UNALTERED = Words(
    "環境省の CSV(alert_年月日_時.csv)を加工せずに使ってください",
    "Use the Ministry's CSV (alert_<date>_<hour>.csv) unaltered.",
)
_CITY_AREA = Words(
    "city.toml の [alerts] area を府県予報区等コード(東京都は 130000)か名称に直してください",
    "Correct [alerts] area in city.toml: the area's code (Tokyo is 130000) or its name.",
)
_DRILL = Note.of(
    "alert_drill",
    "訓練・試験のアラートが含まれます（公開しません）",
    "drills or tests are among the alerts; they are never shown to the public",
)

_Row = tuple[int, dict[str, str]]


def read_alerts(
    paths: Path | Sequence[Path], area: str, *, until: datetime | None = None
) -> tuple[AlertBulletin, Reading]:
    """Read the official alerts for one forecast area.

    Parameters
    ----------
    paths : pathlib.Path or sequence of pathlib.Path
        One bulletin or several (of 05, 10, 14 and 17 o'clock), in any order; folders and zips of them.
    area : str
        Code (``"130000"``), name (``"東京都"``), display number with sub-number (``"88-2"``), or a
        prefecture's name where it has one area only.
    until : datetime.datetime, optional
        Bulletins issued later, with zone, are passed over: those of a whole season may lie together.

    Returns
    -------
    bulletin : AlertBulletin
        The newest by its report time; the older ones that speak of its days are its ``earlier``.
    reading : Reading
        ``read`` counts the bulletins, ``used`` those kept; ``as_of`` is the report time. Facts: ``area``,
        ``area_name``, ``issued``, ``status``, ``days`` (flag by date), ``areas`` in the newest file.

    Raises
    ------
    SourceUnavailableError
        A file is not there.
    SourceIncompleteError
        The header, the report time, the status or a flag is missing.
    SourceError
        A file is no alert CSV, or a date, flag or status cannot be read.
    InputError
        The area is not in a file; names the nearest.
    """
    given = [paths] if isinstance(paths, Path) else list(paths)
    found = members(given, (".csv",))
    reading = Reading.of("alerts", *on_disk(found), named=given[0])
    bulletins = dict(_bulletin(member, area) for member in found)
    if until is not None:
        bulletins = _issued(bulletins, until, given[0])
    ordered = sorted(bulletins, key=lambda one: (one.issued, one.created or one.issued), reverse=True)
    newest, first_day = ordered[0], _first_day(ordered)
    earlier = tuple(one for one in ordered[1:] if max(day for day, _ in one.days) >= first_day)
    bulletin = replace(newest, earlier=earlier)
    facts: dict[str, Any] = {
        "area": newest.area,
        "area_name": newest.area_name,
        "issued": f"{newest.issued.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "status": newest.status,
        "days": {day.isoformat(): number for day, number in newest.days},
        "areas": bulletins[newest],
    }
    drill = any(one.status != "normal" for one in (newest, *earlier))
    return bulletin, replace(
        reading,
        as_of=newest.issued.astimezone(UTC),
        read=len(bulletins),
        used=1 + len(earlier),
        facts=facts,
        notes=(_DRILL,) if drill else (),
    )


def _issued(bulletins: dict[AlertBulletin, int], until: datetime, where: Path) -> dict[AlertBulletin, int]:
    kept = {one: areas for one, areas in bulletins.items() if one.issued <= until}
    if not kept:
        raise SourceIncompleteError(
            Words("その日時までに発表された警戒情報がありません", "no bulletin had been issued by then"),
            where=where,
            expected=f"<= {until.astimezone(JST):%Y-%m-%d %H:%M} JST",
            remedy=Words("その日のファイルを置いてください", "Give the files of that day."),
        )
    return kept


def is_alert(cells: Sequence[str]) -> bool:
    """Tell whether a row is the header of an alert CSV."""
    return key(cells[0]) == _AREA


def _first_day(ordered: Sequence[AlertBulletin]) -> date:
    """Return the first day of the newest bulletin for the public; a drill may be dated anywhere."""
    newest = next((one for one in ordered if one.status == "normal"), ordered[0])
    return min(day for day, _ in newest.days)


def _bulletin(member: Member, area: str) -> tuple[AlertBulletin, int]:
    """Return a file's bulletin for an area, and the number of areas in the file."""
    table = read_table(member)
    start, rows = _rows(table, member.name)
    stated = {key(cells[0]): plain(cells[1]) for _, cells in table.rows[:start] if len(cells) > 1}
    number, row = _area(rows, area, member.name)
    where = f"{member.name}:{number}"
    days = tuple(
        (_day(stated[name], name, member.name), _flag(row, column, where))
        for name, column in _FLAG_COLUMNS.items()
        if stated.get(name)
    )
    if not days:
        raise _missing("TargetDate1", member.name)
    bulletin = AlertBulletin(
        area=row[_CODE].zfill(6),
        area_name=row[_AREA],
        issued=_time(stated, "report", member.name),
        created=_time(stated, "create", member.name) if stated.get("createtime") else None,
        status=_status(stated, member.name),
        days=days,
        maxima=tuple(
            (name.replace("wbgt", "WBGT"), text)
            for name, text in row.items()
            if name.startswith(_MAXIMA) and text
        ),
    )
    return bulletin, len(rows)


def _rows(table: Table, name: str) -> tuple[int, list[_Row]]:
    """Return the place of the header, and the rows below it by column."""
    start = next((k for k, (_, cells) in enumerate(table.rows) if is_alert(cells)), None)
    if start is None:
        raise SourceError(
            Words("「府県予報区」で始まる見出しの行がありません", "no row begins with the header 府県予報区"),
            where=name,
            expected=f"{_AREA},…",
            got=quoted(table.rows[0][1]),
            remedy=_UNALTERED,
        )
    header = [key(cell) for cell in table.rows[start][1]]
    absent = next((column for column in (_CODE, *_FLAG_COLUMNS.values()) if column not in header), None)
    if absent is not None:
        raise _missing(absent, f"{name}:{table.rows[start][0]}")
    rows = [
        (number, dict(zip(header, map(plain, cells), strict=False)))
        for number, cells in table.rows[start + 1 :]
    ]
    return start, rows


def _area(rows: list[_Row], area: str, name: str) -> _Row:
    """Return the row of an area that is named by code, name or number."""
    wanted = key(area)
    # A spreadsheet takes the leading zero from 北海道's codes.
    code = wanted.zfill(6) if wanted.isdecimal() else wanted
    matches: tuple[Callable[[dict[str, str]], bool], ...] = (
        lambda row: row.get(_CODE, "").zfill(6) == code or key(row[_AREA]) == wanted,
        lambda row: f"{row.get(_NUMBER)}-{row.get(_SUB)}" == wanted,
        lambda row: key(row.get(_PREFECTURE, "")).rstrip("都府県") == wanted.rstrip("都府県"),
    )
    for match in matches:
        found = [(number, row) for number, row in rows if wanted and match(row)]
        if len(found) == 1:
            return found[0]
        if found:
            break
    else:
        names = {row[_AREA]: row for _, row in rows}
        near = get_close_matches(area, names, n=5, cutoff=0.3)
        found = [(0, names[one]) for one in near] or rows
    raise InputError(
        Words(
            f"「{area[:40]}」に当たる予報区がないか、1 つに決まりません",
            f'no single forecast area is called "{area[:40]}"',
        ),
        where=name,
        expected=listed([f"{row[_AREA]} {row.get(_CODE, '')}" for _, row in found]) or f"{_AREA},…",
        got=f'[alerts] area = "{area}"',
        remedy=_CITY_AREA,
    )


def _flag(row: dict[str, str], column: str, where: str) -> int:
    text = row.get(column, "")
    if text not in {str(number) for number in FLAGS}:
        raise SourceError(
            Words("フラグを読めません", "a flag cannot be read"),
            where=f"{where}, {column}",
            expected=", ".join(map(str, FLAGS)),
            got=text[:20] or "-",
            remedy=_UNALTERED,
        )
    return int(text)


def _day(text: str, name: str, file: str) -> date:
    try:
        return (instant(text).to_pydatetime().replace(tzinfo=UTC)).astimezone(JST).date()
    except ValueError as error:
        raise _unreadable(name, text, file, "2026/08/25") from error


def _time(stated: Mapping[str, str], name: str, file: str) -> datetime:
    """Return the instant of a date and a time row, in the zone that the file states, else Japan's."""
    day, hour = stated.get(f"{name}date"), stated.get(f"{name}time")
    if not day or not hour:
        raise _missing(f"{name.title()}Date, {name.title()}Time", file)
    text = f"{day} {hour}{stated.get('timezone', '')}"
    try:
        return instant(text).to_pydatetime().replace(tzinfo=UTC)
    except ValueError as error:
        raise _unreadable(f"{name.title()}Time", text, file, "2026/08/25 05:00:00") from error


def _status(stated: Mapping[str, str], file: str) -> Status:
    """Return whether a bulletin is meant; one that does not say so must not reach the public."""
    text = stated.get("status", "")
    if not text:
        raise _missing("Status", file)
    if text not in _STATUS:
        raise _unreadable("Status", text, file, "/".join(_STATUS))
    return _STATUS[text]


def _missing(name: str, where: str) -> SourceIncompleteError:
    return SourceIncompleteError(
        Words(f"{name} がありません", f"{name} is missing"), where=where, remedy=_UNALTERED
    )


def _unreadable(name: str, text: str, where: str, expected: str) -> SourceError:
    return SourceError(
        Words(f"{name} を読めません", f"{name} cannot be read"),
        where=where,
        expected=expected,
        got=text[:40],
        remedy=_UNALTERED,
    )
