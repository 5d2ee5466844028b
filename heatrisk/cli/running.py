"""``heatrisk run | watch | season``: a map for now, for every morning, for a day or a season gone by."""

from __future__ import annotations

import signal
import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

import heatrisk
from heatrisk.cli.options import CityFile, Lang, Log, Store, app, store_of
from heatrisk.cli.speech import Speech, complain, err, log, out, progress, say
from heatrisk.words import JST, Words

if TYPE_CHECKING:
    from heatrisk.operation import Next, Outcome, Sending
    from heatrisk.store import RunStore

#: How a verdict is coloured on a terminal.
STYLES = {"green": "green", "amber": "yellow", "red": "bold red"}

#: The clock of a day gone by where no time is given: after the morning's alert file.
_MORNING = time(5, 10)


@app.command()
def run(
    city_file: Annotated[
        Path | None,
        typer.Argument(metavar="CITY.toml", exists=True, dir_okay=False, help="The city file."),
    ] = None,
    store: Store = None,
    day: Annotated[
        str | None, typer.Option("--date", help="A day gone by, YYYY-MM-DD or with a time (JST).")
    ] = None,
    replay: Annotated[
        str | None, typer.Option(metavar="RUN", help="Compute a run again from its inputs and compare.")
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Wait so long for another run to end [s].")] = 0.0,
    form: Log = None,
    lang: Lang = None,
) -> None:
    """計算して公開します。 Compute a city's map and publish it; made for cron."""
    if replay is not None:
        raise typer.Exit(_replay(heatrisk.store.RunStore(store_of(store, city_file)), replay))
    if city_file is None:
        raise typer.BadParameter("the city file is missing", param_hint="CITY.toml")
    raise typer.Exit(recompute(city_file, store, None if day is None else _moment(day), wait))


@app.command()
def watch(city_file: CityFile, store: Store = None, form: Log = None, lang: Lang = None) -> None:
    """公式の更新時刻に合わせて計算し続けます。 Recompute at the times of the official updates."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    with progress() as tell:
        heatrisk.operation.watch(
            city_file, heatrisk.store.RunStore(store_of(store, city_file)), tell, _told_pass
        )


@app.command()
def season(
    city_file: CityFile,
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")],
    to: Annotated[Path, typer.Option("--out", file_okay=False, help="Folder of the summary.")] = Path(),
    store: Store = None,
    runs: Annotated[bool, typer.Option("--runs", help="Keep every day's run in the store too.")] = False,
    form: Log = None,
    lang: Lang = None,
) -> None:
    """過去の期間を 1 日ずつ計算し、基準以上の日数と時間を集計します。 Replay a season, and count its heat."""
    if last < first:
        raise typer.BadParameter("--to lies before --from", param_hint="--to")
    where = heatrisk.store.RunStore(store_of(store, city_file))
    with progress() as tell:
        found = heatrisk.operation.season(city_file, where, first.date(), last.date(), tell, keep_runs=runs)
    for gone, why in found.missing.items():
        say(Words(f"{gone}: {why.ja}", f"{gone}: {why.en}"), "yellow")
    table, record = heatrisk.operation.write_season(found, to)
    count, of = len(found.computed), len(found.computed) + len(found.missing)
    say(
        Words(
            f"{of} 日のうち {count} 日を集計し、{table} と {record} に書きました",
            f"{count} of {of} days counted; wrote {table} and {record}",
        )
    )
    raise typer.Exit(20 if not count else 10 if found.missing else 0)


def recompute(city_file: Path, store: Path | None, past: datetime | None = None, wait: float = 0.0) -> int:
    """Compute, publish, tell how it went, and return the exit code."""
    runs = heatrisk.store.RunStore(store_of(store, city_file))
    with progress() as tell:
        outcome = heatrisk.operation.recompute(
            city_file, runs, past or datetime.now(UTC), tell, wait=wait, past=past is not None
        )
    _tell(outcome)
    return outcome.verdict.exit_code


def _tell(outcome: Outcome) -> None:
    """Print the verdict with its reasons."""
    verdict = outcome.verdict
    if Speech.machine:
        log("verdict", run_id=outcome.run_id, **verdict.as_dict())
        return
    style = STYLES.get(verdict.light.value, "")
    (err if outcome.run_id is None else out).print(
        verdict.line.to(Speech.language), style=style, markup=False
    )
    # That it is winter is no fault of a file.
    if outcome.error is not None and outcome.error.where is not None and verdict.light.value in STYLES:
        err.print(f"  {outcome.error.where}", markup=False)
    for note in verdict.notes[1:]:
        say(Words(f"・{note.words.ja}", f"- {note.words.en}"), style)


def _told_pass(outcome: Outcome | Exception | None, sent: list[Sending], ahead: Next) -> None:
    """Print how a pass of the watcher went, what was sent after it, and what it does next."""
    if isinstance(outcome, Exception):
        complain(Words(f"プログラムの不具合です: {outcome!r}", f"a defect of the program: {outcome!r}"))
    elif outcome is not None:
        _tell(outcome)
    for one in sent:
        if Speech.machine:
            log("sent", name=one.event, code=one.code, **one.words._asdict())
            continue
        say(one.words, "" if one.code == 0 else STYLES["red" if one.code == 20 else "amber"])
    at = ahead.at.astimezone(JST)
    clock = f"{at:%m-%d %H:%M}"
    if Speech.machine:
        log("next", due=at.isoformat(timespec="seconds"), computing=ahead.computing)
    elif ahead.computing:
        say(Words(f"次の計算は {clock} です", f"next pass at {clock} JST"))
    else:
        ja = f"{clock} にもう一度送信します（計算はしません）"
        say(Words(ja, f"sending again at {clock} JST, without a new run"))


def _end(number: int, frame: object) -> NoReturn:
    """End at once: what a run had begun is undone on the way out."""
    sys.exit(0)


def _moment(text: str) -> datetime:
    """Return the clock of a day gone by."""
    try:
        named = date.fromisoformat(text)
        asked = datetime.combine(named, _MORNING, JST)
    except ValueError:
        try:
            asked = datetime.fromisoformat(text)
        except ValueError as error:
            raise typer.BadParameter(f"YYYY-MM-DD expected, got {text}", param_hint="--date") from error
        asked = asked if asked.tzinfo else asked.replace(tzinfo=JST)
    if asked > datetime.now(UTC):
        raise typer.BadParameter(f"{text} lies ahead", param_hint="--date")
    return asked.astimezone(UTC)


def _replay(store: RunStore, run_id: str) -> int:
    """Compute a run again, say what came out otherwise, and return the exit code."""
    with progress() as tell:
        found = heatrisk.operation.replay(store, run_id, tell)
    for difference in found:
        say(Words(*(f"{difference.name}: {text}" for text in difference.what)), "red")
    if found:
        complain(Words("同じ結果になりませんでした", "the result is not the same"))
    else:
        say(Words("1 バイトも違わない同じ結果になりました", "the same to the byte"), "green")
    return 20 if found else 0
