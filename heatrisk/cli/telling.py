"""``heatrisk tell``: the morning's text and the official alert, to the terminal, a file or another system."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import heatrisk
from heatrisk.cli.options import Store, app
from heatrisk.cli.speech import Tongue, err, out, say, speak
from heatrisk.words import Words

if TYPE_CHECKING:
    from heatrisk.bulletin import Bulletin


class Kind(StrEnum):
    """What can be told."""

    morning = "morning"
    alert = "alert"


class Language(StrEnum):
    """The languages of a bulletin."""

    ja = "ja"
    easy = "ja-easy"
    en = "en"
    every = "all"


class Length(StrEnum):
    """The lengths of a bulletin, in characters."""

    short = "140"
    full = "400"


@app.command()
def tell(
    run_id: Annotated[str, typer.Argument(metavar="RUN")] = "latest",
    kind: Annotated[Kind, typer.Option(help="Today's outlook, or the official alerts.")] = Kind.morning,
    lang: Annotated[
        Language, typer.Option(help="ja-easy is plain Japanese; all gives every language.")
    ] = Language.ja,
    length: Annotated[Length, typer.Option(help="The most characters.")] = Length.full,
    to: Annotated[str, typer.Option(metavar="stdout|FILE", help="Where the text goes.")] = "stdout",
    webhook: Annotated[
        str | None,
        typer.Option(metavar="URL|env:NAME", help="Send it there, signed, of each event once."),
    ] = None,
    staff: Annotated[
        bool, typer.Option("--staff", help="For the staff alone: drills and tests too, marked as such.")
    ] = False,
    store: Store = None,
) -> None:
    """朝の暑さ情報や警戒情報の文章を作ります。 Write the morning's text or the official alert, and send it.

    A webhook is signed with HEATRISK_WEBHOOK_SECRET, or for --staff with HEATRISK_STAFF_WEBHOOK_SECRET: the
    receiver of one channel cannot take what was meant for the other.
    """
    speak(Tongue.en if lang is Language.en else Tongue.ja)
    root = store or Path("store")
    runs = heatrisk.store.RunStore(root)
    run = runs.open(run_id)
    alerts = heatrisk.bulletin.known(run, runs)
    found = heatrisk.bulletin.bulletins(run, kind.value, _now(), staff=staff, alerts=alerts)
    if not found:
        err.print(_NOTHING.to("en" if lang is Language.en else "ja"), markup=False)
    text = "".join(f"{line}\n" for one in found for line in _lines(one, lang, int(length.value)))
    if to == "stdout":
        out.print(text, end="", markup=False)
    else:
        with heatrisk.disk.writing(Path(to).parent):
            heatrisk.disk.replace(Path(to), text.encode())
    if webhook is not None:
        worst = 0
        for one in heatrisk.operation.send(root, webhook, run, found, staff=staff):
            say(one.words)
            worst = max(worst, one.code)
        raise typer.Exit(worst)


_NOTHING = Words("公開できる警戒情報はありません", "there is no alert to tell")


def _lines(bulletin: Bulletin, lang: Language, length: int) -> list[str]:
    wanted = [tongue for tongue in heatrisk.bulletin.TONGUES if lang.value in (tongue, "all")]
    return [bulletin.text(tongue, length) for tongue in wanted]


def _now() -> datetime:
    return datetime.now(UTC)
