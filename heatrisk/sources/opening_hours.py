"""Opening hours out of free Japanese text, where they can be read without guessing.

One small grammar, matched against the *whole* text; whatever it does not cover is left to people::

    text     = segment { [","] segment }
    segment  = [days] range { "," range } [ "(" days | "無休" | "祝日を除く" … ")" ]
    days     = 毎日 | 平日 | 月~金 | 月・水・金 | 土日祝 …
    range    = 9:00~17:00 | 8時30分~17時15分 | 午前9時~午後7時
"""

from __future__ import annotations

import re
from dataclasses import replace

from heatrisk.shelters import EVERY_DAY, Opening
from heatrisk.sources.table import plain

_ORDER = "月火水木金土日"

#: Longer texts are prose.
_LONGEST = 200

# Possessive, so that no text, however made, can send the matcher back and forth between 曜日 and 曜 + 日.
_DAY = "(?:[月火水木金土日](?:曜日?+)?+|祝祭?+日?+)"
_SPAN = f"{_DAY}(?:~{_DAY})?+"
_DAYS = f"(?:毎日|全日|平日|{_SPAN}(?:[・,]?+{_SPAN})*+)"
_CLOCK = r"(?:午前|午後)?\d{{1,2}}(?::\d{{2}}|時(?:\d{{1,2}}分|半)?){}"
_RANGE = f"{_CLOCK.format('?')}~{_CLOCK.format('')}(?:まで)?"
_NONE_OFF = "(?:年中)?無休"
_OFF = "(?:祝祭日|祝休日|祝日|休日|年末年始)"
_EXCEPT = f"{_OFF}(?:(?:[・,]|及び|と){_OFF})*[をは]除く"
_TAIL = rf"\(?(?:{_NONE_OFF}|{_EXCEPT})。?\)?|\({_DAYS}\)"

_SEGMENT = re.compile(
    rf"(?P<days>{_DAYS})?(?P<before>\({_EXCEPT}\))?[:は]?\(?(?P<ranges>{_RANGE}(?:[,・]{_RANGE})*)\)?(?P<tail>{_TAIL})?[,;。/]?"
)
_TIME = re.compile(r"(午前|午後)?(\d{1,2})(?::(\d{2})|時(?:(\d{1,2})分|(半))?)?")
_CLOSURE = re.compile(rf"(?P<days>{_DAYS})(?:は|が)?(?:定休日?|休館日?|休業日?|休み|閉館|休)?。?")


def read_hours(text: str) -> tuple[Opening, ...] | None:
    """Return the opening hours that a text states.

    Parameters
    ----------
    text : str
        As published, e.g. ``"平日 8:30～17:15、土曜日 9時～12時"``.

    Returns
    -------
    tuple of Opening or None
        None where the text says more than the grammar covers, or nothing.
    """
    text = _normal(text)
    if len(text) > _LONGEST:
        return None
    openings: list[Opening] = []
    while text:
        segment = _SEGMENT.match(text)
        if segment is None:
            return None
        days, holidays = _days(_stated(segment))
        exceptions = f"{segment['before'] or ''}{segment['tail'] or ''}"
        if "除く" in exceptions and ("祝" in exceptions or "休日" in exceptions):
            holidays = False
        for start, end in (part.split("~") for part in re.findall(_RANGE, segment["ranges"])):
            minutes = _minutes(start, end)
            if minutes is None:
                return None
            openings.append(Opening(*minutes, days, holidays))
        text = text[segment.end() :]
    return tuple(openings) or None


def without_closures(openings: tuple[Opening, ...], text: str) -> tuple[Opening, ...] | None:
    """Return hours less the days that a remark on closing days names; None where the remark says more.

    Parameters
    ----------
    openings : tuple of Opening
        The hours.
    text : str
        E.g. ``"日曜・祝日休み"``, ``"月曜休館"``.
    """
    closure = _CLOSURE.fullmatch(_normal(text))
    if closure is None:
        return None
    closed, holidays = _days(closure["days"])
    weekly = EVERY_DAY if closed is None else closed
    kept = (
        replace(
            o,
            days=(EVERY_DAY if o.days is None else o.days) - weekly,
            holidays=False if holidays else o.holidays,
        )
        for o in openings
    )
    return tuple(opening for opening in kept if opening.days or opening.holidays)


def _normal(text: str) -> str:
    text = re.sub(r"\s+", "", plain(text))
    text = re.sub("[〜～−–—‐ー-]|から", "~", text).replace("、", ",").replace("24時間", "0:00~24:00")
    return text.replace("，", ",")


def _stated(segment: re.Match[str]) -> str:
    """Return the days of a segment, before the hours or in brackets behind them."""
    if segment["days"]:
        return segment["days"]
    tail = (segment["tail"] or "").strip("()。")
    return "毎日" if re.fullmatch(_NONE_OFF, tail) else tail if re.fullmatch(_DAYS, tail) else ""


def _days(text: str) -> tuple[frozenset[int] | None, bool | None]:
    """Return days of the week and whether public holidays count; None where not stated."""
    if not text:
        return None, None
    if text in ("毎日", "全日"):
        return EVERY_DAY, True
    if text == "平日":
        return frozenset(range(5)), False
    days: set[int] = set()
    for span in re.findall(_SPAN, text):
        ends = [_ORDER.find(name[0]) for name in span.split("~")]
        if min(ends) >= 0:
            days |= {(ends[0] + step) % 7 for step in range((ends[-1] - ends[0]) % 7 + 1)}
    return frozenset(days), True if "祝" in text or days == EVERY_DAY else None


def _minutes(start: str, end: str) -> tuple[int, int] | None:
    """Return two times of day as minutes; None where they are no times or the second is not later."""
    found = [_TIME.match(text) for text in (start, end)]
    clocks = []
    for match in found:
        assert match is not None
        half, hour, colon, spoken, thirty = match.groups()
        minute = 30 if thirty else int(colon or spoken or 0)
        clocks.append((int(hour) + (12 if half == "午後" and int(hour) < 12 else 0)) * 60 + minute)
        if int(hour) > 24 or minute > 59:
            return None
    return (clocks[0], clocks[1]) if 0 <= clocks[0] < clocks[1] <= 1440 else None
