"""Cooling shelters out of a municipal CSV, whatever its headers are called.

Headers are matched after narrowing and with all blanks and line breaks removed, because real lists break
lines inside header cells. A row without coordinates is refused and named, never placed by guess.

References
----------
.. [1] デジタル庁, 自治体標準オープンデータセット.
.. [2] 気候変動適応法 第21条 (指定暑熱避難施設).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from heatrisk.errors import InputError, SourceIncompleteError
from heatrisk.grid import Bounds
from heatrisk.shelters import Designation, Opening, OpensOn, Shelter
from heatrisk.sources.opening_hours import read_hours, without_closures
from heatrisk.sources.reading import Reading, Refusal
from heatrisk.sources.table import Table, given, key, plain, quoted, read_table
from heatrisk.words import Note, Words

#: Headers of each field, as patterns of the whole narrowed header; of several columns the first counts,
#: except for hours, whose columns are joined.
_FIELDS = {
    "special": r".*特記事項.*",
    "id": r"id|no\.?|番号|整理番号|施設番号|指定番号",
    "name": r"名称|(指定暑熱避難|避難)?施設の?名称?|クーリングシェルター(の?名称?)?|name",
    "shop": r"店舗等?名称?",
    "address": r"住所|(施設)?所在地(_連結表記)?|address",
    "lat": r"(施設)?緯度(\(.*\))?|lat(itude)?",
    "lon": r"(施設)?経度(\(.*\))?|lon(gitude)?|lng",
    "days": r"(利用|開放|開館)可能曜日|(利用|開放|開館)?曜日",
    "start": r"(利用|開放|開館)?開始(時間|時刻)|開館時刻",
    "end": r"(利用|開放|開館)?終了(時間|時刻)|閉館時刻",
    "closed": r"休館日?|定休日|休業日|休所日",
    "hours": r"(開放|利用|開館|開設|営業|開所|受入)(可能)?(日時|日等|日|時間).*",
    "opens_on": r"開放の?(条件|基準)|opens_on",
    "capacity": r".*(受け?入れ?|収容).*(人数|名数|人員).*|capacity|定員",
    "designated": r"(クーリングシェルター|指定暑熱避難施設)の?指定.*|指定日|指定の有無",
    "cool_share": r".*(クールシェア|涼み処).*",
    "kind": r"種別|区分|指定区分|施設の種類|type",
    "url": r"url|(ホームページ|ウェブサイト|hp)(url)?|リンク",
    "note": r"備考|利用上の注意(事項)?|note",
}

_EQUIPMENT = {
    "water": r".*(給水|飲料|ウォーターサーバー|冷水).*",
    "toilet": r".*トイレ.*",
    "wheelchair": r".*(車椅子|車いす|バリアフリー).*",
    "nursing_room": r".*(授乳|ベビー).*",
    "wifi": r".*wi-?fi.*",
    "aed": r".*aed.*",
}

#: Columns of the statutory form: opening and closing time of each day of the week and of holidays.
_DAILY = re.compile(r"([月火水木金土日祝])(?:曜日|曜|日)?_?(開始|終了)(?:時間|時刻)?")

_CAPACITY = re.compile(r"(\d+)(?:~\d+)?(?:人|名)(未満|以下)?")
_MARKS = frozenset("〇○◯◎✓✔●")
_IRREGULAR = re.compile("場合|臨時|ことが|ことも|不定休|除く|要確認")

#: Farther from the area than this, a row belongs to another town [degrees].
_FAR = 0.5

_HEADER = Words(
    "見出しの行に 名称、緯度、経度 の列を用意してください",
    "The header row needs the columns 名称 (name), 緯度 (latitude) and 経度 (longitude).",
)


@dataclass(frozen=True)
class _Header:
    """Which column holds what; ``rows`` counts the rows up to and with the header."""

    fields: dict[str, list[int]]
    equipment: dict[str, list[int]]
    daily: dict[tuple[str, str], int]
    statutory: bool
    rows: int


def read_shelters(path: Path, bounds_lonlat: Bounds | None = None) -> tuple[list[Shelter], Reading]:
    """Read a list of cooling shelters.

    Parameters
    ----------
    path : pathlib.Path
        CSV in UTF-8 (with or without byte-order mark) or CP932.
    bounds_lonlat : tuple of float, optional
        West, south, east, north of the served area [degrees]; rows far outside are refused, rows a little
        outside are kept and noted.

    Returns
    -------
    shelters : list of Shelter
        In the order of the file.
    reading : Reading
        ``refused`` names every row that is not used, by its row number in a spreadsheet, with the reason.
        Facts: ``encoding``, ``columns`` (field → header), ``outside``, ``capacity_known``, ``hours_known``.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceIncompleteError
        No row of the first ten is a header with names and something else that is known.
    InputError
        Latitude and longitude are swapped throughout.
    SourceError
        It is no text table.
    """
    reading = Reading.of("shelters", path)
    table = read_table(path)
    header = _header(table, path)
    rows = table.rows[header.rows :]
    shelters, refused = _sorted_rows(header, rows, bounds_lonlat)
    swapped = [row for row in refused if row.reason.ja.endswith(_SWAPPED.ja)]
    if swapped and not shelters:
        raise InputError(
            _SWAPPED,
            where=f"{path}:{swapped[0].where}",
            remedy=Words("緯度と経度の列の見出しを入れ替えてください", "Exchange the headers 緯度 and 経度."),
        )
    shelters = _distinct(shelters)
    outside = [
        shelter
        for shelter in shelters
        if bounds_lonlat and not _within(shelter.lon, shelter.lat, bounds_lonlat, 0.0)
    ]
    names = table.rows[header.rows - 1][1]
    facts = {
        "encoding": table.encoding,
        "columns": {
            field: " / ".join(quoted((names[i],)) for i in found) for field, found in header.fields.items()
        },
        "outside": len(outside),
        "capacity_known": sum(shelter.capacity is not None for shelter in shelters),
        "hours_known": sum(shelter.openings is not None for shelter in shelters),
    }
    return shelters, replace(
        reading,
        read=len(rows),
        used=len(shelters),
        refused=tuple(refused),
        facts=facts,
        notes=_notes(refused, outside),
    )


def _sorted_rows(
    header: _Header, rows: tuple[tuple[int, tuple[str, ...]], ...], bounds: Bounds | None
) -> tuple[list[Shelter], list[Refusal]]:
    """Return the shelters of the rows that can be used, and a refusal for each of the others."""
    shelters: list[Shelter] = []
    refused: list[Refusal] = []
    above = ""
    for number, cells in rows:
        fields = _fields(header, cells, above)
        name = fields["name"]
        above = name or above
        reason = _refusal(fields, bounds)
        if reason is None:
            shelters.append(_shelter(header, cells, fields, str(number)))
        else:
            told = Words(f"{name}:{reason.ja}", f"{name}: {reason.en}") if name else reason
            refused.append(Refusal(str(number), told))
    return shelters, refused


def _header(table: Table, path: Path) -> _Header:
    """Return the columns of the row, among the first ten, that names the most fields."""
    best: _Header | None = None
    for index, (_, cells) in enumerate(table.rows[:10]):
        found = _columns(cells, index + 1)
        if "name" in found.fields and (best is None or len(found.fields) > len(best.fields)):
            best = found
    if best is None or len(best.fields) < 2:
        number, cells = table.rows[0]
        raise SourceIncompleteError(
            Words("施設一覧の見出しが見つかりません", "no header row of a list of facilities was found"),
            where=f"{path}:{number}",
            expected="名称, 住所, 緯度, 経度, …",
            got=quoted(cells),
            remedy=_HEADER,
        )
    return best


def _columns(cells: tuple[str, ...], rows: int) -> _Header:
    fields: dict[str, list[int]] = {}
    equipment: dict[str, list[int]] = {}
    daily: dict[tuple[str, str], int] = {}
    for column, cell in enumerate(cells):
        header = key(cell)
        field = next((name for name, pattern in _FIELDS.items() if re.fullmatch(pattern, header)), None)
        if day := _DAILY.fullmatch(header):
            daily[(day[1], day[2])] = column
        elif field is not None:
            fields.setdefault(field, []).append(column)
        else:
            for name, pattern in _EQUIPMENT.items():
                if re.fullmatch(pattern, header):
                    equipment.setdefault(name, []).append(column)
    return _Header(fields, equipment, daily, any("指定暑熱避難施設" in key(cell) for cell in cells), rows)


def _fields(header: _Header, cells: tuple[str, ...], above: str) -> dict[str, str]:
    """Return a row's cells by field; marks for "nothing" are empty, hours are joined."""
    fields = {
        name: [given(cells[column]) for column in header.fields.get(name, ()) if column < len(cells)]
        for name in _FIELDS
    }
    row = {name: next(filter(None, texts), "") for name, texts in fields.items()}
    row["hours"] = " / ".join(dict.fromkeys(" ".join(text.split()) for text in fields["hours"] if text))
    row["name"] = " ".join((row["name"] or row["shop"]).split())
    if row["name"] in ("〃", "同上"):
        row["name"] = above
    return row


_NO_PLACE = Words("緯度・経度がありません", "no coordinates")
_SWAPPED = Words("緯度と経度が入れ替わっています", "latitude and longitude are swapped")


def _refusal(row: dict[str, str], bounds: Bounds | None) -> Words | None:
    """Return why a row cannot be used, or None."""
    if not row["name"]:
        return Words("名称がありません", "no name")
    if not row["lat"] or not row["lon"]:
        return _NO_PLACE
    try:
        lat, lon = float(plain(row["lat"])), float(plain(row["lon"]))
    except ValueError:
        return Words(
            f"緯度・経度が十進の度ではありません({row['lat']}, {row['lon']})",
            f"the coordinates are not decimal degrees ({row['lat']}, {row['lon']})",
        )
    if not (math.isfinite(lat) and math.isfinite(lon)) or (lat == 0 and lon == 0):
        return _NO_PLACE
    area = bounds or (-180.0, -90.0, 180.0, 90.0)
    if _within(lon, lat, area, _FAR if bounds else 0.0):
        return None
    if _within(lat, lon, area, _FAR if bounds else 0.0):
        return _SWAPPED
    return Words(f"対象の範囲から遠く離れています({lat}, {lon})", f"far outside the area ({lat}, {lon})")


def _within(lon: float, lat: float, bounds: Bounds, margin: float) -> bool:
    west, south, east, north = bounds
    return west - margin <= lon <= east + margin and south - margin <= lat <= north + margin


def _shelter(header: _Header, cells: tuple[str, ...], row: dict[str, str], number: str) -> Shelter:
    openings, caveat, text = _hours(header, cells, row)
    return Shelter(
        id=plain(row["id"]) or number,
        name=row["name"],
        lon=float(plain(row["lon"])),
        lat=float(plain(row["lat"])),
        address=row["address"],
        designation=_designation(header, row),
        capacity=_capacity(row["capacity"]),
        capacity_text=" ".join(row["capacity"].split()),
        hours_text=text,
        openings=openings,
        caveat=caveat,
        opens_on=_opens_on(row["opens_on"]),
        equipment=tuple(
            name
            for name, columns in header.equipment.items()
            if any(column < len(cells) and given(cells[column]) for column in columns)
        ),
        url=row["url"] if row["url"].startswith(("https://", "http://")) else "",
        note=" ".join(row["note"].split()),
    )


def _hours(
    header: _Header, cells: tuple[str, ...], row: dict[str, str]
) -> tuple[tuple[Opening, ...] | None, str, str]:
    """Return the hours as far as they can be read, a remark that qualifies them, and the text for people."""
    daily = {
        day: f"{given(cells[column])}~{given(cells[header.daily[(day, '終了')]])}"
        for (day, edge), column in header.daily.items()
        if edge == "開始"
        and (day, "終了") in header.daily
        and max(column, header.daily[(day, "終了")]) < len(cells)
    }
    columns = ",".join(f"{day}{hours}" for day, hours in daily.items() if hours != "~")
    if not columns and row["start"] and row["end"]:
        columns = f"{row['days']}{row['start']}~{row['end']}"
    openings = read_hours(row["hours"]) or read_hours(columns)
    remarks = [text for text in (row["closed"], row["special"], row["note"]) if text]
    caveats = []
    for remark in remarks if openings else ():
        less = without_closures(openings or (), remark)
        if less is not None:
            openings = less
        elif remark != row["note"] or _IRREGULAR.search(plain(remark)):
            caveats.append(" ".join(remark.split()))
    closed = f"休み：{row['closed']}" if row["closed"] else ""
    text = " / ".join(filter(None, (row["hours"] or columns, closed, row["special"])))
    return openings, " / ".join(caveats), " ".join(text.split())


def _designation(header: _Header, row: dict[str, str]) -> Designation:
    kind = key(row["kind"]) + key(row["note"])
    if row["designated"] or "クーリングシェルター" in kind or "指定暑熱避難施設" in kind:
        return "designated"
    if row["cool_share"] or "クールシェア" in kind or "涼み処" in kind:
        return "cool_share"
    if header.statutory and "designated" not in header.fields:
        return "designated"
    return "other" if "designated" in header.fields else "unknown"


def _opens_on(text: str) -> OpensOn:
    text = key(text)
    if "特別警戒" in text or text == "special":
        return "special"
    if "警戒" in text or text == "alert":
        return "alert"
    return "always" if text in ("常時", "毎日", "通年", "夏季", "夏期", "always") else "unknown"


def _capacity(text: str) -> int | None:
    """Return the people a text says: the low end of a range, rooms added up; None where it says no number."""
    text = re.sub(r"[,\s]", "", re.sub("[〜～−–‐-]", "~", plain(text)))
    if text.isdecimal():
        return int(text)
    found = _CAPACITY.findall(text)
    return sum(int(number) for number, _ in found) if found and not any(limit for _, limit in found) else None


def _distinct(shelters: list[Shelter]) -> list[Shelter]:
    """Return the shelters with unique identifiers: a repeated one gets a running number."""
    seen: Counter[str] = Counter()
    distinct = []
    for shelter in shelters:
        seen[shelter.id] += 1
        again = seen[shelter.id]
        distinct.append(shelter if again == 1 else replace(shelter, id=f"{shelter.id}-{again}"))
    return distinct


def _notes(refused: list[Refusal], outside: list[Shelter]) -> tuple[Note, ...]:
    notes = []
    if refused:
        notes.append(
            Note(
                "shelters_refused",
                Words(
                    f"施設 {len(refused)} 件は位置などが分からず地図に載せていません",
                    f"{len(refused)} facilities are not on the map, mostly for want of a position",
                ),
            )
        )
    if outside:
        listed = "、".join(shelter.name for shelter in outside[:5])
        notes.append(
            Note(
                "shelters_outside",
                Words(
                    f"対象範囲の外にある施設 {len(outside)} 件({listed})",
                    f"{len(outside)} facilities lie outside the area ({listed})",
                ),
            )
        )
    return tuple(notes)
