"""One row of a municipal list of shelters: its hours, capacity, designation and equipment."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations

from heatrisk.alerts import NAMES
from heatrisk.shelters import Designation, Opening, OpensOn, Shelter
from heatrisk.sources.shelters.columns import Columns, doubtful, equipment_code, marked
from heatrisk.sources.shelters.opening_hours import Hours, read_hours, without_closures
from heatrisk.sources.table import given, key, plain

#: More people than this fit into no shelter.
_MOST_PEOPLE = 100_000

#: Longer cells are prose, and more digits no number of people.
_LONGEST, _NO_NUMBER = 200, re.compile(r"\d{7}")

#: More columns of hours than any list has.
_MOST_TEXTS = 40

_CAPACITY = re.compile(r"(\d+)(?:~\d+)?(?:人|名)(未満|以下)?")
_BARE_CAPACITY = re.compile(r"約?(\d+)(?:\.0+)?(?:~\d+)?(?:程度)?")
_DASH, _GAP, _AND = re.compile("[〜～−–‐-]"), re.compile(r"[,\s]"), re.compile(r"[、，,・/\s]+")
#: A remark like this may take days or hours off the published ones.
_IRREGULAR = re.compile(
    "警戒|アラート|場合|臨時|ことが|ことも|不定休|除く|要確認|休[館業所止]|閉[館鎖室庁所園]|中止|貸切"
    "|(?:利用|開放|使用|入館)[がは]?(?:でき(?:ない|ません)|不可)"
)
#: A remark like this may lengthen or shorten the published hours.
_OTHER_HOURS = re.compile(
    r"\d(?:時|:\d\d|月|日|/\d)|[一二三四五六七八九十]月|午前|午後|[月火水木金土日]曜|平日|土日|祝|毎日|終日"
    "|延長|短縮|変更|異なる|異なり|日没|夜間|早朝|[夏冬][季期]"
)

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
        Its number; with a word before it, it serves where the row has no identifier.
    """
    closed, special, note = (" / ".join(header.texts(cells, name)) for name in ("closed", "special", "note"))
    designation = _designation(header, cells, row, note)
    written = _written_hours(header, cells, designation)
    columns = _hours_in_columns(header, cells, row)
    opens_on = _opens_on(header, row, " / ".join((*written, special, note)))
    stated, *remarks = [written, [special], [note]]
    if opens_on in NAMES:
        # When it opens has been understood, and is no remark on the hours any more.
        stated, *remarks = [[_ALERT.sub("", plain(text)) for text in texts] for texts in (stated, *remarks)]
    openings, caveat = _hours([*filter(None, stated), *columns], closed, *(text for [text] in remarks))
    return Shelter(
        id=plain(row.get("id", "")) or f"row-{number}",
        published_id=plain(row.get("id", "")),
        name=row["name"],
        address=" ".join(row["address"].split()),
        designation=designation,
        capacity=_capacity(row.get("capacity", "")),
        capacity_text=" ".join(row.get("capacity", "").split()),
        hours_text=_hours_text([*written, *columns], closed, special),
        openings=openings,
        caveat=caveat,
        opens_on=opens_on,
        equipment=_equipment(header, cells, row),
        url=_url(row.get("url", "")),
        note=note,
        town=plain(row.get("town", "")),
        place=" ".join(row.get("place", "").split()),
    )


def _written_hours(header: Columns, cells: tuple[str, ...], designation: Designation) -> list[str]:
    """Return what the columns of hours say, with the days that their headers name.

    Lists of both kinds of place have hours of the one before the mark of the other, and its own behind.
    """
    columns = header.fields.get("hours", [])
    mark = header.fields.get("cool_share", [0])[0]
    sides = [[i for i in columns if i < mark], [i for i in columns if i > mark]]
    if "designated" in header.fields and all(sides):
        columns = sides[designation == "cool_share"]
    texts: list[str] = []
    for column in columns:
        if column < len(cells) and (text := " ".join(given(cells[column]).split())):
            days = header.qualified.get(column, "")
            texts.append(f"{days}：{text}" if days and not key(text).startswith(days) else text)
    texts = list(dict.fromkeys(texts))
    return texts if len(texts) <= _MOST_TEXTS else [" / ".join(texts)]


def _hours_in_columns(header: Columns, cells: tuple[str, ...], row: dict[str, str]) -> list[str]:
    """Return the hours of the columns of beginnings and ends: of each day of the week, or of all."""
    daily = {
        day: f"{given(cells[column])}~{given(cells[header.daily[(day, '終了')]])}"
        for (day, edge), column in header.daily.items()
        if edge == "開始"
        and (day, "終了") in header.daily
        and max(column, header.daily[(day, "終了")]) < len(cells)
    }
    if named := ",".join(f"{day}{hours}" for day, hours in daily.items() if hours != "~"):
        return [named]
    days, start, end = (row.get(name, "") for name in ("days", "start", "end"))
    return [f"{days}{start}~{end}"] if start or end else [days] if days else []


def _hours(
    texts: Sequence[str], closed: str, special: str, note: str
) -> tuple[tuple[Opening, ...] | None, str]:
    """Return the hours as far as they can be read, and a remark that qualifies them."""
    found = _together(texts)
    openings, caveats = (None, []) if found is None else (found.openings, [found.caveat])
    for remark, about_hours in ((closed, True), (special, True), (note, False)):
        less = without_closures(openings, remark) if remark and openings is not None else None
        if less is not None:
            openings = less.openings
            caveats.append(less.caveat)
        elif _OTHER_HOURS.search(plain(remark)):
            openings = None
        elif remark and (about_hours or _IRREGULAR.search(plain(remark))):
            caveats.append(remark)
    if openings is None:
        # What is told of the hours as text holds the other remarks.
        caveats = [note] if _OTHER_HOURS.search(plain(note)) or _IRREGULAR.search(plain(note)) else []
    return openings, " / ".join(filter(None, caveats))


def _together(texts: Sequence[str]) -> Hours | None:
    """Return what several columns say of the hours; None where that is not read or they disagree.

    Columns may share what there is to say (7月~8月 | 9:00~17:00), name hours of different days, or say the
    same, one in more detail.
    """
    whole = {text: hours for text in texts if (hours := read_hours(text)) is not None}
    parts = [text for text in texts if text not in whole]
    for text, other in combinations(list(whole), 2):
        if text in whole and other in whole:
            if _says_no_more(whole[other], whole[text]):
                del whole[other]
            elif _says_no_more(whole[text], whole[other]):
                del whole[text]
    if not all(apart(one.openings, other.openings) for one, other in combinations(whole.values(), 2)):
        return None
    if parts or len(whole) < 2:
        return read_hours(" / ".join(text for text in texts if text in whole or text in parts))
    caveats = dict.fromkeys(hours.caveat for hours in whole.values() if hours.caveat)
    return Hours(tuple(o for hours in whole.values() for o in hours.openings), "、".join(caveats))


def _says_no_more(one: Hours, other: Hours) -> bool:
    bare = {Opening(opening.start, opening.end) for opening in other.openings}
    return one == other or (set(one.openings) == bare and one.caveat in ("", other.caveat))


def apart(one: Sequence[Opening], other: Sequence[Opening]) -> bool:
    """Return whether hours are of different days throughout, so that one cannot contradict the other."""
    return all(
        a.days is not None and b.days is not None and not a.days & b.days and not (a.holidays and b.holidays)
        for a in one
        for b in other
    )


def _hours_text(texts: Sequence[str], closed: str, special: str) -> str:
    """Return all that is published of the hours, for people, each thing once."""
    said: list[str] = []
    for text in texts:
        if not any(re.search(rf"(?<!\d){re.escape(_narrow(text))}", _narrow(before)) for before in said):
            said.append(text)
    return " / ".join(filter(None, (*said, f"休み：{closed}" if closed else "", special)))


def _narrow(text: str) -> str:
    return _DASH.sub("~", _GAP.sub("", plain(text)))


def _designation(header: Columns, cells: tuple[str, ...], row: dict[str, str], note: str) -> Designation:
    designated, cool_share = (header.marked(cells, name) for name in ("designated", "cool_share"))
    kind = "/".join(key(text) for text in (row.get("kind", ""), note) if not doubtful(text))
    named = not row.get("designated") and ("クーリングシェルター" in kind or "指定暑熱避難施設" in kind)
    if designated or (named and designated is not None):
        return "designated"
    if cool_share or "クールシェア" in kind or "涼み処" in kind:
        return "cool_share"
    if designated is None or cool_share is None:
        return "unknown"
    if header.statutory and "designated" not in header.fields:
        return "designated"
    return "other" if "designated" in header.fields else "unknown"


def _opens_on(header: Columns, row: dict[str, str], written: str) -> OpensOn:
    """Return the alert that opens a shelter.

    The statutory form lists when a place *can* open; by law it must when the special alert is out.
    """
    said = key(row.get("opens_on", ""))
    if "特別警戒" in said or said == "special":
        return "special"
    if "警戒" in said or said == "alert":
        return "alert"
    if said in ("常時", "毎日", "通年", "夏季", "夏期", "always"):
        return "always"
    named = [match[1] for match in _ALERT.finditer(plain(written))]
    if named:
        return "special" if all(named) else "alert"
    return "special" if header.statutory else "unknown"


def _capacity(text: str) -> int | None:
    """Return the people a text says: the low end of a range, rooms added up; None where it says no number."""
    if not text or len(text) > _LONGEST:
        return None
    text = _DASH.sub("~", _GAP.sub("", plain(text)))
    bare = _BARE_CAPACITY.fullmatch(text)
    found = [(bare[1], "")] if bare else _CAPACITY.findall(text)
    if not found or any(limit for _, limit in found) or _NO_NUMBER.search(text):
        return None
    people = sum(int(number) for number, _ in found)
    return people if people <= _MOST_PEOPLE else None


def _equipment(header: Columns, cells: tuple[str, ...], row: dict[str, str]) -> tuple[str, ...]:
    columns = (
        name
        for name, found in header.equipment.items()
        if any(marked(cells[i]) for i in found if i < len(cells))
    )
    named = (equipment_code(thing) for thing in _AND.split(row.get("thing", "")) if not doubtful(thing))
    return tuple(dict.fromkeys([*columns, *filter(None, named)]))


def _url(text: str) -> str:
    return text if text.startswith(("https://", "http://")) else ""
