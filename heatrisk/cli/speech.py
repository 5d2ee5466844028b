"""How the command line speaks: its language, its two consoles, its progress bars."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from heatrisk.words import Language, Words

_STAGES = {
    "read": Words("入力を読んでいます", "Reading the inputs"),
    "compile": Words(
        "空の見える割合を計算しています（初回は準備に 1 分ほど）",
        "Computing the view of the sky (the first run compiles for a minute)",
    ),
    "compute": Words("日陰と暑さ指数を計算しています", "Computing shade and WBGT"),
    "season": Words("1 日ずつ計算しています", "Computing day by day"),
    "publish": Words("結果を保存しています", "Writing the run"),
    "values": Words("地点ごとの値を書き出しています", "Writing the values of every place"),
    "rasters": Words("GeoTIFF を書き出しています", "Writing GeoTIFFs"),
}

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


class Speech:
    """The language of this call, that of ``--lang``, else of the environment; and the form of its lines."""

    language: Language = "en"
    machine = False


class Form(StrEnum):
    """The forms of a log."""

    human = "human"
    json = "json"


def write_as(given: Form | None) -> Form | None:
    """Take up the form that an option asks for."""
    Speech.machine = given is Form.json
    return given


class Tongue(StrEnum):
    """The languages of the command line."""

    ja = "ja"
    en = "en"


def speak(given: Tongue | None) -> Tongue | None:
    """Take up the language that an option or the environment asks for."""
    asked = [given, *(os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))]
    tongue = next((value for value in asked if value), "en")
    Speech.language = "ja" if tongue.startswith("ja") else "en"
    return given


def log(event: str, **facts: object) -> None:
    """Write one line of JSON: when, what happened, and what belongs to it."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
    out.file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    out.file.flush()


def say(words: Words, style: str = "") -> None:
    """Print a line."""
    if Speech.machine:
        log("message", **words._asdict())
        return
    out.print(words.to(Speech.language), style=style, markup=False)


def complain(words: Words) -> None:
    """Print what went wrong, to the other console."""
    if Speech.machine:
        log("error", **words._asdict())
        return
    err.print(f"heatrisk: {words.to(Speech.language)}", style="red", markup=False)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a reporter: bars on a terminal, one plain line a stage elsewhere."""
    if Speech.machine or not out.is_terminal:
        said: set[str] = set()

        def tell(stage: str, done: int, of: int) -> None:
            if stage not in said:
                said.add(stage)
                if Speech.machine:
                    log("stage", stage=stage, **_STAGES[stage]._asdict())
                else:
                    say(_STAGES[stage])

        yield tell
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(_STAGES[stage].to(Speech.language), total=of)
            bars.update(tasks[stage], completed=done, total=of)

        yield show
