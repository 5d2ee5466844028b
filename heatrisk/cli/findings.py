"""What a check found, as a table for people and as JSON for machines."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import rich.box
from rich.console import Console
from rich.table import Table

import heatrisk
from heatrisk.cli.speech import Speech, out, say
from heatrisk.words import Words

if TYPE_CHECKING:
    from heatrisk.operation import Findings
    from heatrisk.sources.reading import Reading

_HEADINGS = (
    Words("種類", "source"),
    Words("ファイル", "file"),
    Words("件数", "read"),
    Words("使用", "used"),
    Words("不使用", "refused"),
    Words("範囲", "covered"),
    Words("データの古さ", "age"),
)
_OTHER = Words("その他", "other")
_RESULTS = (
    Words("【正常】このまま計算できます", "[green] ready to run"),
    Words("【要確認】計算できますが、△ を確かめてください", "[amber] a run will work; look at the marks △"),
    Words("【異常】× を直すまで計算できません", "[red] a run will stop at the marks ×"),
)
#: Where the files are in order but of another time: a past day can still be computed.
_OUT_OF_DATE = Words(
    "【要確認】ファイルは読めますが、いまの時刻では計算しても公開されません。△ を確かめてください",
    "[amber] the files can be read, but a run of now would publish nothing: look at the marks △",
)

#: Refused rows that are printed of one source; all of them are in the JSON.
_MOST_ROWS = 20

_LOG_WIDTH = 140


def report(found: Findings, now: datetime) -> dict[str, object]:
    """Return everything that a check found, JSON-ready."""
    return {
        "ok": not found.errors,
        "sources": [
            reading.as_dict()
            | {"age_hours": _hours(reading, now)}
            | {"refusals": [{"where": row.where, "reason": row.reason._asdict()} for row in reading.refused]}
            for reading in found.readings
        ],
        "errors": [{"ja": error.text("ja"), "en": error.text("en")} for error in found.errors],
        "assumptions": [note.as_dict() for note in found.assumptions],
        "doubts": [note.as_dict() for note in found.doubts],
    }


def print_findings(found: Findings, now: datetime) -> None:
    """Print the table of sources, then row by row what is wrong, assumed and doubtful."""
    table = Table(box=rich.box.SIMPLE)
    for heading in _HEADINGS:
        table.add_column(heading.to(Speech.language), overflow="fold")
    for reading in found.readings:
        counts = (f"{n:,}" for n in (reading.read, reading.used, len(reading.refused)))
        covered = "" if reading.covered is None else f"{reading.covered:.0%}"
        role = heatrisk.sources.reading.ROLES.get(reading.role, _OTHER).to(Speech.language)
        table.add_row(role, _files(reading), *counts, covered, _age(reading, now))
    # A log has no width of its own; folded names would be hard to read there.
    (out if out.is_terminal else Console(file=out.file, width=_LOG_WIDTH, highlight=False)).print(table)
    for reading in found.readings:
        for row in reading.refused[:_MOST_ROWS]:
            say(Words(*(f"{reading.path.name} {row.where}: {text}" for text in row.reason)), "yellow")
        left = len(reading.refused) - _MOST_ROWS
        if left > 0:
            more = Words(f"ほか {left} 件（--json ですべて）", f"and {left} more (all of them with --json)")
            say(Words(*(f"{reading.path.name}: {text}" for text in more)), "yellow")
    for note in found.assumptions:
        if note in found.doubts:
            continue
        say(Words(f"・{note.words.ja}", f"- {note.words.en}"))
    for note in found.doubts:
        say(Words(f"△ {note.words.ja}", f"△ {note.words.en}"), "yellow")
    for error in found.errors:
        say(Words(f"× {error.text('ja')}", f"× {error.text('en')}"), "red")
    late = not found.errors and any(note.code == "official_expired" for note in found.doubts)
    say(_OUT_OF_DATE if late else _RESULTS[2 if found.errors else 1 if found.doubts else 0])


def _files(reading: Reading) -> str:
    others = len(reading.files) - 1
    more = Words(f"（{others + 1} ファイル）", f" ({others + 1} files)").to(Speech.language) if others else ""
    return reading.path.name + more


def _hours(reading: Reading, now: datetime) -> float | None:
    """Return how old the data are [h], where they say so; when a file was copied tells nothing."""
    return None if reading.as_of is None else round((now - reading.as_of).total_seconds() / 3600, 1)


def _age(reading: Reading, now: datetime) -> str:
    hours = _hours(reading, now)
    return "–" if hours is None else age(hours).to(Speech.language)


def age(hours: float) -> Words:
    """Return how old data are, in words.

    Parameters
    ----------
    hours : float
        Their age [h]; what is made for the time to come is not old yet, and a clock may be slow.
    """
    if hours < 1:
        return Words("1時間未満", "under an hour")
    days = int(hours // 24)
    return Words(f"{days}日", f"{days} days") if days > 2 else Words(f"{hours:.0f}時間", f"{hours:.0f} h")
