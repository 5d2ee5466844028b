"""A budget as lines of text, in Japanese or in English."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

from heatrisk.budget.words import DIFFERENCES, DIRECTIONS, OBSTACLES, SECTIONS, STEP, Row
from heatrisk.risk import RISK_SCALES, classify
from heatrisk.uncertainty.terms import LEFT_OUT, TERMS
from heatrisk.words import JST, Language, Words

if TYPE_CHECKING:
    from heatrisk.budget import Budget
    from heatrisk.budget.moments import Numbers

_WIDTH = 56  # columns of the words
_WORTH_TELLING = 0.05  # [K] of a cause in the sentence

_PLACE = Words(
    "地点　経度 {lon:.5f}、緯度 {lat:.5f}（上から {row}、左から {column} 番目の升目、{cover}）",
    "Place: {lon:.5f}, {lat:.5f} (row {row}, column {column} from the north-west; {cover})",
)
_TIME = Words(
    "時刻　{when:%Y-%m-%d %H:%M} JST の前後 {half:g} 分",
    "Time: {when:%Y-%m-%d %H:%M} JST, {half:g} minutes before and after",
)
_STEP = Words(
    "時間帯　{begin:%Y-%m-%d %H:%M} – {end:%H:%M} JST", "Step: {begin:%Y-%m-%d %H:%M} – {end:%H:%M} JST"
)
_SHADE = Words(
    "{kind}の陰　地面の {share:.0%}。{distance:.0f} m 先、高さ {height:.1f} m",
    "shade of a {kind}: {share:.0%} of the ground; {distance:.0f} m away, {height:.1f} m high",
)
_FULL_SUN = Words("日影を落とすものはありません", "nothing casts shade here")
_NO_SUN = Words("太陽は沈んでいるか、ごく低い位置です", "the sun is below the horizon or very low")
_WALLS = Words("壁（放射する温度）　{all}", "walls, temperature at which they radiate: {all}")
_ANSWER = Words(
    "暑さ指数 {wbgt:.1f} °C（{name}）。開けた芝生より {more:+.1f} °C{why}",
    "WBGT {wbgt:.1f} °C ({name}), {more:+.1f} °C from open grass{why}",
)
_WHY = Words("、主に {causes}", ", mostly by {causes}")
_TERMS = Words("不確かさの内訳", "Terms of the uncertainty")
_WITHOUT = Words("含まれないもの　{names}", "Left out: {names}")
_NOTES = Words("仮定", "Assumed")


def told(budget: Budget, language: Language) -> Iterator[str]:
    """Yield a budget line by line.

    Parameters
    ----------
    budget : Budget
        What to tell.
    language : {"ja", "en"}
        Of the words.
    """
    yield from _header(budget, language)
    yield _answer(budget, language)
    for section in SECTIONS:
        yield from _rows(section.words, section.rows, budget.numbers, language)
        if section.name == "sun":
            yield from (f"  {line}" for line in _shade(budget, language))
        if section.name == "temperatures" and budget.walls:
            pairs = zip(DIRECTIONS, budget.walls, strict=True)
            listed = " ".join(f"{where.to(language)} {value:.1f}" for where, value in pairs)
            yield f"  {_WALLS.to(language).format(all=listed)} °C"
    yield from _rows(STEP.words, STEP.rows, budget.numbers, language)
    known = [row for row in DIFFERENCES.rows if abs(budget.differences[row.name]) >= 0.005]
    yield from _rows(DIFFERENCES.words, tuple(known), budget.differences, language, sign="+")
    terms = tuple(Row(term.name, term.words, "K", 2) for term in TERMS)
    yield from _rows(_TERMS, terms, budget.terms, language)
    names = ("、" if language == "ja" else ", ").join(term.words.to(language) for term in LEFT_OUT)
    yield f"  {_WITHOUT.to(language).format(names=names)}"
    if budget.notes:
        yield _NOTES.to(language)
        yield from (f"  {note.words.to(language)}" for note in budget.notes)


def _header(budget: Budget, language: Language) -> Iterator[str]:
    sub_step = (budget.time - (budget.step - budget.length / 2)) * 2
    when, begin, end = (
        moment.tz_localize("UTC").tz_convert(JST)
        for moment in (budget.time, budget.step - budget.length / 2, budget.step + budget.length / 2)
    )
    half = sub_step.total_seconds() / 60.0 % 20.0 / 2.0
    yield _PLACE.to(language).format(
        lon=budget.lon, lat=budget.lat, row=budget.row + 1, column=budget.column + 1,
        cover=budget.land_cover.to(language),
    )  # fmt: skip
    yield _TIME.to(language).format(when=when, half=half)
    yield _STEP.to(language).format(begin=begin, end=end)


def _shade(budget: Budget, language: Language) -> Iterator[str]:
    """Yield what stands in front of the sun."""
    if budget.numbers["beam_above"] <= 0.0:
        yield _NO_SUN.to(language)
        return
    if not budget.shaded_by:
        yield _FULL_SUN.to(language)
    for one in budget.shaded_by:
        facts = one._asdict() | {"kind": OBSTACLES[one.kind].to(language)}
        yield _SHADE.to(language).format(**facts)


def _answer(budget: Budget, language: Language) -> str:
    """Return the result of the step in a sentence: how hot, and what makes it so."""
    scale, wbgt = RISK_SCALES["daily"], budget.numbers["anchored_moe"]
    level = scale.levels[int(classify([wbgt], scale)[0])]
    largest = sorted(DIFFERENCES.rows, key=lambda row: -abs(budget.differences[row.name]))[:3]
    causes = [
        f"{row.words.to(language)} {budget.differences[row.name]:+.1f}"
        for row in largest
        if abs(budget.differences[row.name]) >= _WORTH_TELLING
    ]
    why = _WHY.to(language).format(causes=("、" if language == "ja" else ", ").join(causes)) if causes else ""
    more = sum(budget.differences.values())
    return _ANSWER.to(language).format(wbgt=wbgt, name=level.words.to(language), more=more, why=why)


def _rows(
    heading: Words, rows: tuple[Row, ...], numbers: Numbers, language: Language, sign: str = ""
) -> Iterator[str]:
    """Yield a heading and the rows below it that have a value."""
    told_rows = [row for row in rows if math.isfinite(numbers[row.name])]
    if told_rows:
        yield heading.to(language)
    for row in told_rows:
        words = row.words.to(language)
        gap = " " * max(_WIDTH - _columns(words), 1)
        unit = f" {row.unit}" if row.unit else ""
        yield f"  {words}{gap}{numbers[row.name]:{sign}9.{row.digits}f}{unit}"


def _columns(text: str) -> int:
    """Return how wide a text prints: East Asian characters take two columns."""
    return sum(2 if unicodedata.east_asian_width(letter) in "FW" else 1 for letter in text)
