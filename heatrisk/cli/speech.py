"""How the command line speaks: its language, its two consoles, its progress bars."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    "publish": Words("結果を保存しています", "Publishing the run"),
}

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


class Speech:
    """The language of this call: that of ``--lang``, else of the environment."""

    language: Language = "en"


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


def say(words: Words, style: str = "") -> None:
    """Print a line."""
    out.print(words.to(Speech.language), style=style, markup=False)


def complain(words: Words) -> None:
    """Print what went wrong, to the other console."""
    err.print(f"heatrisk: {words.to(Speech.language)}", style="red", markup=False)


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a reporter: bars on a terminal, one plain line a stage elsewhere."""
    if not out.is_terminal:
        said: set[str] = set()

        def tell(stage: str, done: int, of: int) -> None:
            if stage not in said:
                said.add(stage)
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
