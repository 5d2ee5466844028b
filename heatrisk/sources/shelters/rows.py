"""One row of a municipal list of shelters: its hours, capacity, designation and equipment."""

from __future__ import annotations

import re

from heatrisk.shelters import Designation, Opening, OpensOn, Shelter
from heatrisk.sources.opening_hours import read_hours, without_closures
from heatrisk.sources.shelter_columns import Columns, equipment_code, marked
from heatrisk.sources.table import given, key, plain

#: More people than this fit into no shelter.
_MOST_PEOPLE = 100_000

_CAPACITY = re.compile(r"(\d+)(?:~\d+)?(?:人|名)(未満|以下)?")
_BARE_CAPACITY = re.compile(r"約?(\d+)(?:\.0+)?(?:~\d+)?(?:程度)?")
_DASH, _GAP, _AND = re.compile("[〜～−–‐-]"), re.compile(r"[,\s]"), re.compile(r"[、，,・/\s]+")
_IRREGULAR = re.compile("場合|臨時|ことが|ことも|不定休|除く|要確認")
#: A remark like this may lengthen or shorten the published hours.
_OTHER_HOURS = re.compile(r"\d(?:時|:\d\d)|延長|短縮|変更")

_ALERT = re.compile(
    r"(?:熱中症)?(特別)?警戒(?:アラート|情報)(?:\([^()]*\))?[がの]?(?:発表|発令)"
    r"(?:期間中|期間|中|時|日|された(?:日|とき|時|場合)?)?(?:に限り|に限る|のみ|に)?(?:開放|開設)?(?:する|します)?[、。,:のはに]*"
)


def shelter_of(header: Columns, cells: tuple[str, ...], row: dict[str, str], number: str) -> Shelter:
    """Return the shelter that a row describes, without position.

    Parameters
    ----------
    header : Columns
        Which column holds what.
    cells : tuple of str
        The row.
    row : dict
        Its cells by field, as :meth:`Columns.row` returns them.
    number : str
        Identifier where the row has none.
    """
    designation = _designation(header, row)
    written = _written_hours(header, cells, designation)
    opens_on, stated = _opens_on(header, row, written)
    openings, caveat, text = _hours(header, cells, row, written, stated)
    return Shelter(
        id=plain(row.get("id", "")) or number,
        name=row["name"],
        address=" ".join(row["address"].split()),
        designation=designation,
        capacity=_capacity(row.get("capacity", "")),
        capacity_text=" ".join(row.get("capacity", "").split()),
        hours_text=text,
        openings=openings,
        caveat=caveat,
        opens_on=opens_on,
        equipment=_equipment(header, cells, row),
        url=_url(row.get("url", "")),
        note=" ".join(row.get("note", "").split()),
        town=plain(row.get("town", "")),
        place=" ".join(row.get("place", "").split()),
    )


def _written_hours(header: Columns, cells: tuple[str, ...], designation: Designation) -> str:
    """Return the columns of hours joined.

    Lists of both kinds of place have hours of the one before the mark of the other, and its own behind.
    """
    columns = header.fields.get("hours", [])
    mark = header.fields.get("cool_share", [0])[0]
    sides = [[i for i in columns if i < mark], [i for i in columns if i > mark]]
    if "designated" in header.fields and all(sides):
        columns = sides[designation == "cool_share"]
    texts = (" ".join(given(cells[i]).split()) for i in columns if i < len(cells))
    return " / ".join(dict.fromkeys(filter(None, texts)))


def _hours(
    header: Columns, cells: tuple[str, ...], row: dict[str, str], written: str, stated: str
) -> tuple[tuple[Opening, ...] | None, str, str]:
    """Return the hours as far as they can be read, a remark that qualifies them, and the text for people.

    ``stated`` is what is written of the hours, less words about alerts.
    """
    daily = {
        day: f"{given(cells[column])}~{given(cells[header.daily[(day, '終了')]])}"
        for (day, edge), column in header.daily.items()
        if edge == "開始"
        and (day, "終了") in header.daily
        and max(column, header.daily[(day, "終了")]) < len(cells)
    }
    columns = ",".join(f"{day}{hours}" for day, hours in daily.items() if hours != "~")
    if not columns and row.get("start") and row.get("end"):
        columns = f"{row.get('days', '')}{row['start']}~{row['end']}"
    found = read_hours(stated) or read_hours(columns)
    openings, caveats = (None, []) if found is None else (found.openings, [found.caveat])
    closed, special, note = (row.get(name, "") for name in ("closed", "special", "note"))
    for remark in filter(None, (closed, special, note)):
        less = None if openings is None else without_closures(openings, remark)
        if less is not None:
            openings = less.openings
            caveats.append(less.caveat)
        elif remark is not note and _OTHER_HOURS.search(plain(remark)):
            openings = None
        elif openings is not None and (remark is not note or _IRREGULAR.search(plain(remark))):
            caveats.append(" ".join(remark.split()))
    text = " / ".join(filter(None, (written or columns, f"休み：{closed}" if closed else "", special)))
    return openings, "" if openings is None else " / ".join(filter(None, caveats)), " ".join(text.split())


def _designation(header: Columns, row: dict[str, str]) -> Designation:
    kind = key(row.get("kind", "")) + key(row.get("note", ""))
    if marked(row.get("designated", "")) or "クーリングシェルター" in kind or "指定暑熱避難施設" in kind:
        return "designated"
    if marked(row.get("cool_share", "")) or "クールシェア" in kind or "涼み処" in kind:
        return "cool_share"
    if header.statutory and "designated" not in header.fields:
        return "designated"
    return "other" if "designated" in header.fields else "unknown"


def _opens_on(header: Columns, row: dict[str, str], written: str) -> tuple[OpensOn, str]:
    """Return the alert that opens a shelter, and what is left of its hours.

    The statutory form lists when a place *can* open; by law it must when the special alert is out.
    """
    said = key(row.get("opens_on", ""))
    if "特別警戒" in said or said == "special":
        return "special", written
    if "警戒" in said or said == "alert":
        return "alert", written
    if said in ("常時", "毎日", "通年", "夏季", "夏期", "always"):
        return "always", written
    hours = plain(written)
    named = [match[1] for text in (hours, plain(row.get("special", ""))) for match in _ALERT.finditer(text)]
    stated = _ALERT.sub("", hours) if named else written
    if named:
        return ("special" if all(named) else "alert"), stated
    return ("special" if header.statutory else "unknown"), stated


def _capacity(text: str) -> int | None:
    """Return the people a text says: the low end of a range, rooms added up; None where it says no number."""
    if not text:
        return None
    text = _DASH.sub("~", _GAP.sub("", plain(text)))
    bare = _BARE_CAPACITY.fullmatch(text)
    found = [(bare[1], "")] if bare else _CAPACITY.findall(text)
    if not found or any(limit for _, limit in found) or any(len(number) > 6 for number, _ in found):
        return None
    people = sum(int(number) for number, _ in found)
    return people if people <= _MOST_PEOPLE else None


def _equipment(header: Columns, cells: tuple[str, ...], row: dict[str, str]) -> tuple[str, ...]:
    columns = (
        name
        for name, found in header.equipment.items()
        if any(marked(cells[i]) for i in found if i < len(cells))
    )
    named = map(equipment_code, _AND.split(row["thing"])) if row.get("thing") else ()
    return tuple(dict.fromkeys([*columns, *filter(None, named)]))


def _url(text: str) -> str:
    return text if text.startswith(("https://", "http://")) else ""
