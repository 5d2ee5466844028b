"""Opening hours out of free Japanese text, where they can be read without guessing.

The *whole* text must fall into known words (days, hours, seasons, closing days), and the words into one of
the orders below; whatever does not is left to people::

    text      = { season | exception } segment { segment } { exception | season }
    segment   = [season] [days] ["(" exception ")"] hours { hours } ["(" days | "無休" | exception ")"]
    days      = 毎日 | 平日 | 月~金 | 月・水・金 | 土日祝 | 開館日 …
    hours     = 9:00~17:00 | 8時30分~17時15分 | 午前9時~午後7時
    season    = 7月~9月 | 6月1日~9月30日 | 令和8年5月1日から9月30日まで | 2024/5/7(火)~2024/9/30(月)
    exception = 祝日を除く | 月曜、第3火曜、年末年始休館 | 月曜休館(祝日の場合は翌日) | 休館日を除く | 不定休
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from heatrisk.shelters import EVERY_DAY, Opening, Season
from heatrisk.sources.table import plain

_ORDER = "月火水木金土日"

#: Longer texts are prose.
_LONGEST = 200

# Possessive, so that no text, however made, can send the matcher back and forth between 曜日 and 曜 + 日.
_DAY = "(?:[月火水木金土日](?:曜日?+)?+|祝(?:祭|休)?+日?+|休日)"
_SPAN = f"{_DAY}(?:~{_DAY})?+"
_WORKDAYS = r"平日(?:\(月曜?日?~金曜?日?\)|月曜?日?~金曜?日?)?"
_DAYS = f"(?:毎日|全日|{_WORKDAYS}|(?:毎週)?+{_SPAN}(?:[・,と]?+{_SPAN})*+)"
_CLOCK = r"(?:午前|午後)?\d{{1,2}}(?::\d{{2}}(?::00)?|時(?:\d{{1,2}}分|半)?){}"
_RANGE = f"{_CLOCK.format('?')}~{_CLOCK.format('')}(?:まで)?"
_NTH = r"(?:毎月)?+第[1-5一二三四五](?:[・,]?第?[1-5一二三四五])*+[月火水木金土日](?:曜日?+)?+"
_DATE = r"(?:(?:(?:令和|R)(?:\d{1,2}|元)[年.]|\d{4}[年/.])\d{1,2}[月/.]\d{1,2}|\d{1,2}[月/]\d{1,2})日?+"
_DATE += r"(?:\([月火水木金土日]曜?日?(?:・祝)?\))?"
_MONTHS = r"\d{1,2}月?~\d{1,2}月(?:末日?)?(?!\d{1,2}日)"
_OFF_NEW_YEAR = r"12月(?:28|29|30|31)日?~(?:翌年)?1月[1-4]日?"
_HOLIDAY = "(?:祝日|祝祭日|祝休日|休日)"

#: Words and what they are, in the order in which they are tried: New Year, Season, Nth closing day, Moved
#: closing day, closing days Untold, Vague, days of Operation, no closing day (Z), Hours, eXcept, Days.
_WORDS = {
    "Y": rf"年末年始(?:休[暇業館み])?(?:\({_OFF_NEW_YEAR}\)|{_OFF_NEW_YEAR})?|{_OFF_NEW_YEAR}",
    "S": rf"(?:毎年)?+(?:{_DATE}~{_DATE}|{_MONTHS})(?:まで)?(?:の間の?|の期間|の)?",
    # 第3月曜日・火曜日 may mean the third Tuesday or every Tuesday.
    "N": rf"{_NTH}(?![・,と]?[月火水木金土日])",
    "M": rf"(?:[月火水木金土日]曜?日?が)?{_HOLIDAY}(?:に[当あ]たる|と重なる)?の?(?:場合|とき|時)(?:に?は)?"
    r"(?:開館し?)?,?(?:その)?翌(?:平日|日|開館日)(?:[にがを]?(?:休館|休業|休み|休)日?)?",
    "U": "(?:休館|休業|休所|定休|閉館)日(?=[はを]?除)",
    "V": "臨時休[館業](?:日|あり)?|(?:GW|ゴ~ルデンウ[ィイ]~ク|夏[季期]|冬[季期]|お?盆)(?:休[暇業館み]|期間)?"
    "|特別整理期間|(?:館内|図書)整理日|(?:設備|保守|施設)点検日|不定休",
    "O": "(?:開館|開庁|開所|開園|開室|営業)日[のには]?",
    "Z": "(?:年中)?無休",
    "H": _RANGE,
    "X": "[はをがも]?(?:除[くき外]|以外(?:の日)?|お?休み|(?:定休|休館|休業|休所|閉館|閉庁)日?|休)[、。]?",
    "D": _DAYS,
    "(": r"\(",
    ")": r"\)",
    ",": "(?:但し|ただし|[,・と;。/:はの])+",
}
_WORD = re.compile("|".join(f"(?P<k{number}>{word})" for number, word in enumerate(_WORDS.values())))

# In brackets a list needs no commas between its items; without, it does, or it might be two things.
_MOVES = r"(?:\(M\)|M)?"
_LIST = rf"(?:\(,?[DNYVU](?:,?[DNYVU])*{_MOVES},?X{_MOVES}\)|[DNYVU](?:,[DNYVU])*{_MOVES},?X{_MOVES})"
_PARTS = re.compile(
    rf"(?P<off>{_LIST})|(?P<vague>\(V\)|V)|(?P<season>\(S\)|S)|(?P<after>\([DZ]\)|Z)"
    r"|(?P<days>[DO])|(?P<hours>\(H(?:,?H)*\)|H(?:,?H)*)|,"
)
#: A list of closing days in a column of its own needs no verb.
_CLOSED = re.compile(rf"X?,?\(?[DNYVU](?:,?[DNYVU])*{_MOVES},?X?{_MOVES}\)?")

_TIME = re.compile(r"(午前|午後)?(\d{1,2})(?::(\d{2})(?::00)?|時(?:(\d{1,2})分|(半))?)?")


class Hours(NamedTuple):
    """What a text says of the hours.

    Parameters
    ----------
    openings : tuple of Opening
        The hours.
    caveat : str
        Days off that it names without telling when they are.
    """

    openings: tuple[Opening, ...]
    caveat: str = ""


class _Token(NamedTuple):
    kind: str
    text: str


class _Doubt(Exception):  # noqa: N818
    """The text leaves a doubt; never seen outside."""


@lru_cache(maxsize=4096)
def read_hours(text: str) -> Hours | None:
    """Return the opening hours that a text states.

    Parameters
    ----------
    text : str
        As published, e.g. ``"平日 8:30～17:15、土曜日 9時～12時"``.

    Returns
    -------
    Hours or None
        None where the text says more than is understood, or nothing.
    """
    text = _normal(text)
    tokens = _tokens(text) if 0 < len(text) <= _LONGEST else None
    if not tokens:
        return None
    try:
        return _assembled(tokens)
    except _Doubt:
        return None


@lru_cache(maxsize=4096)
def without_closures(openings: tuple[Opening, ...], text: str) -> Hours | None:
    """Return hours less the days that a remark on closing days names; None where the remark says more.

    Parameters
    ----------
    openings : tuple of Opening
        The hours.
    text : str
        E.g. ``"日曜・祝日休み"``, ``"月曜、第3火曜、年末年始"``.
    """
    text = _normal(text)
    tokens = _tokens(text) if len(text) <= _LONGEST else None
    if not tokens or not _CLOSED.fullmatch(_kinds(tokens)):
        return None
    try:
        return _less(openings, tokens)
    except _Doubt:
        return None


def _normal(text: str) -> str:
    # 9/1 10:00 must not become 9/110:00, nor the days of two columns one list.
    text = re.sub(r"(?<=\d)\s+(?=\d)", ",", plain(text)).replace(" / ", ";")
    text = re.sub(r"\s+", "", text)
    text = re.sub("[〜～−–—‐ー-]|から", "~", text).replace("、", ",").replace("24時間", "0:00~24:00")
    return re.sub("及び|および|並びに|ならびに|又は|または", "・", text).replace("※", "")


def _tokens(text: str) -> list[_Token] | None:
    kinds, tokens, at = list(_WORDS), [], 0
    while at < len(text):
        word = _WORD.match(text, at)
        if word is None or word.end() == at:
            return None
        tokens.append(_Token(kinds[int(str(word.lastgroup)[1:])], word[0]))
        at = word.end()
    return tokens


def _kinds(tokens: Sequence[_Token]) -> str:
    return "".join(token.kind for token in tokens)


@dataclass
class _Draft:
    """What has been understood so far; ``general`` lists hold for all hours of the text."""

    done: list[Opening] = field(default_factory=list)
    last: list[Opening] = field(default_factory=list)
    general: list[_Token] = field(default_factory=list)
    own: list[_Token] = field(default_factory=list)
    days: _Token | None = None
    season: Season | None = None
    late: Season | None = None
    caveats: list[str] = field(default_factory=list)


def _assembled(tokens: list[_Token]) -> Hours:
    """Return the hours that the words make together; raise where their order leaves a doubt."""
    draft, kinds = _Draft(), _kinds(tokens)
    parts = list(_split(kinds))
    final = max((number for number, (name, _) in enumerate(parts) if name == "hours"), default=-1)
    for number, (name, span) in enumerate(parts):
        words = [token for token in tokens[span] if token.kind not in "(,)"]
        bracketed = kinds[span].startswith("(")
        if name == "hours":
            _add(draft, words)
        elif name == "off":
            _take_off(draft, words, bracketed, last=number > final)
        elif name == "vague":
            draft.caveats += [word.text for word in words]
        elif name == "season":
            _take_season(draft, _season(words[0].text), bracketed, last=number > final)
        elif name == "days":
            if draft.days is not None or number > final:
                raise _Doubt
            draft.days = words[0]
        else:
            _take_after(draft, words[0])
    done = [*draft.done, *draft.last]
    if draft.late is not None:
        if any(opening.season for opening in done):
            raise _Doubt
        done = [replace(opening, season=draft.late) for opening in done]
    less = _less(tuple(done), draft.general) if draft.general else Hours(tuple(done))
    if not less.openings:
        raise _Doubt
    return Hours(less.openings, "、".join(filter(None, dict.fromkeys([*draft.caveats, less.caveat]))))


def _split(kinds: str) -> Iterator[tuple[str, slice]]:
    at = 0
    while at < len(kinds):
        part = _PARTS.match(kinds, at)
        if part is None:
            raise _Doubt
        at = part.end()
        if part.lastgroup:
            yield part.lastgroup, slice(*part.span())


def _add(draft: _Draft, words: list[_Token]) -> None:
    if draft.late is not None:
        raise _Doubt
    days, holidays = (None, None) if draft.days is None else _days(draft.days.text)
    draft.done += draft.last
    draft.last = [
        Opening(*_minutes(*re.sub("まで$", "", word.text).split("~")), days, holidays, draft.season)
        for word in words
    ]
    if draft.own:
        draft.last = list(_less(tuple(draft.last), draft.own, draft.caveats).openings)
    draft.days, draft.own = None, []


def _take_off(draft: _Draft, words: list[_Token], bracketed: bool, *, last: bool) -> None:
    """Take up a list of days off: at either end it is meant for all hours, within for those beside it."""
    if draft.days is not None:
        if not bracketed:
            raise _Doubt
        draft.own += words
    elif last or not draft.last:
        draft.general += words
    elif bracketed:
        draft.last = list(_less(tuple(draft.last), words, draft.caveats).openings)
    else:
        raise _Doubt


def _take_season(draft: _Draft, season: Season, bracketed: bool, *, last: bool) -> None:
    """Take up a season: it is meant for what follows, or, behind all hours, for all of them."""
    if not draft.last:
        draft.season = season
    elif last:
        draft.late = season
    elif bracketed or any(opening.season is None for opening in draft.last):
        raise _Doubt
    else:
        draft.season = season


def _take_after(draft: _Draft, word: _Token) -> None:
    """Take up days, or 無休, that stand behind their hours."""
    if not draft.last or draft.days is not None:
        raise _Doubt
    days, holidays = (EVERY_DAY, True) if word.kind == "Z" else _days(word.text)
    if word.kind == "Z" and draft.last[0].days is not None:
        return
    if draft.last[0].days is not None:
        raise _Doubt
    draft.last = [replace(opening, days=days, holidays=holidays) for opening in draft.last]


def _less(openings: Sequence[Opening], words: Sequence[_Token], caveats: list[str] | None = None) -> Hours:
    """Return hours without the days off that a list names."""
    days = [word.text for word in words if word.kind == "D"]
    if any(re.match("毎日|全日", text) for text in days) or (
        len([word for word in words if word.kind in "DNYVU"]) > 1 and any("平日" in text for text in days)
    ):
        raise _Doubt
    weekly = frozenset[int]().union(*(_days(text)[0] or () for text in days))
    monthly = frozenset(closing for word in words if word.kind == "N" for closing in _nth(word.text))
    on_holidays = any(_days(text)[1] and "平日" not in text for text in days)
    untold = any(word.kind == "U" for word in words)
    moves = any(word.kind == "M" for word in words)
    kept = []
    for opening in openings:
        left = EVERY_DAY if opening.days is None and (weekly or monthly) else opening.days
        # On which of its holidays a weekly closing day counts is not told.
        holidays = None if opening.holidays and (weekly or untold) else opening.holidays
        kept.append(
            replace(
                opening,
                days=None if untold or left is None else left - weekly,
                holidays=False if on_holidays else holidays,
                monthly=opening.monthly | monthly,
                moves=opening.moves or moves,
            )
        )
    kept = [opening for opening in kept if opening.days is None or opening.days or opening.holidays]
    if not kept:
        raise _Doubt
    vague = [word.text for word in words if word.kind == "V"]
    if caveats is not None:
        caveats += vague
    return Hours(tuple(kept), "、".join(vague))


def _days(text: str) -> tuple[frozenset[int] | None, bool | None]:
    """Return days of the week and whether public holidays count; None where not stated."""
    if re.fullmatch(_WORDS["O"], text):
        return None, None
    if text in ("毎日", "全日"):
        return EVERY_DAY, True
    if text.startswith("平日"):
        return frozenset(range(5)), False
    days: set[int] = set()
    for span in re.findall(_SPAN, text.removeprefix("毎週")):
        ends = [_ORDER.find(name[0]) for name in span.split("~")]
        if min(ends) >= 0:
            days |= {(ends[0] + step) % 7 for step in range((ends[-1] - ends[0]) % 7 + 1)}
    return frozenset(days), True if re.search("祝|休日", text) or days == EVERY_DAY else None


def _nth(text: str) -> set[tuple[int, int]]:
    numbers = re.findall("[1-5一二三四五]", re.split("[月火水木金土日]曜?日?$", text.removeprefix("毎月"))[0])
    day = re.findall("[月火水木金土日]", text.removeprefix("毎月").replace("曜日", ""))[-1]
    return {("12345一二三四五".index(number) % 5 + 1, _ORDER.index(day)) for number in numbers}


def _season(text: str) -> Season:
    text = re.sub(r"\(.*?\)|^毎年|の間の?$|の期間$|の$|まで", "", text)
    if months := re.fullmatch(r"(\d{1,2})月?~(\d{1,2})月(?:末日?)?", text):
        first, last = (int(month) for month in months.groups())
        if not (1 <= first <= 12 and 1 <= last <= 12):
            raise _Doubt
        return Season(f"--{first:02}-01", f"--{last:02}-{monthrange(2024, last)[1]}")
    (year, *start), (other, *stop) = (_date(end) for end in text.split("~"))
    if year is None and other is not None:
        raise _Doubt
    if year is None:
        return Season(*(f"--{month:02}-{day:02}" for month, day in (start, stop)))
    other = other or (year if start <= stop else year + 1)
    season = Season(f"{year}-{start[0]:02}-{start[1]:02}", f"{other}-{stop[0]:02}-{stop[1]:02}")
    if season.first > season.last:
        raise _Doubt
    return season


def _date(text: str) -> tuple[int | None, int, int]:
    era, *_ = re.findall(r"^(?:令和|R)(\d{1,2}|元)", text) or [None]
    numbers = [int(number) for number in re.findall(r"\d+", text.replace("元", "1"))]
    year = None if len(numbers) == 2 else numbers[0] + (2018 if era else 0)
    month, day = numbers[-2:]
    try:
        date(2024 if year is None else year, month, day)
    except ValueError:
        raise _Doubt from None
    return year, month, day


def _minutes(start: str, end: str) -> tuple[int, int]:
    """Return two times of day as minutes; raise where they are no times or the second is not later."""
    clocks = []
    for text in (start, end):
        half, hour, colon, spoken, thirty = _TIME.fullmatch(text).groups()  # type: ignore[union-attr]
        minute = 30 if thirty else int(colon or spoken or 0)
        clocks.append((int(hour) + (12 if half == "午後" and int(hour) < 12 else 0)) * 60 + minute)
        if int(hour) > 24 or minute > 59:
            raise _Doubt
    if not 0 <= clocks[0] < clocks[1] <= 1440:
        raise _Doubt
    return clocks[0], clocks[1]
