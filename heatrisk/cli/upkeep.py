"""``heatrisk status | verify | prune``: how a store stands, whether a run is whole, what may go."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import heatrisk
from heatrisk.cli.findings import age
from heatrisk.cli.options import Lang, Store, app, store_of
from heatrisk.cli.running import STYLES
from heatrisk.cli.speech import Speech, out, say
from heatrisk.words import JST, Words

if TYPE_CHECKING:
    from heatrisk.store import Standing

City = Annotated[Path | None, typer.Argument(metavar="[CITY.toml]", exists=True, dir_okay=False)]

_MARKS = {"ok": " ", "kept": "△", "doubt": "△", "missing": "△", "error": "×"}


@app.command()
def status(
    city_file: City = None,
    store: Store = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    lang: Lang = None,
) -> None:
    """いまの状態と入力ごとの古さを示します。 Tell how a store stands, and the age of every source."""
    found = heatrisk.store.standing(heatrisk.store.RunStore(store_of(store, city_file)), datetime.now(UTC))
    if as_json:
        processes = {"running": found.running, "killed": found.killed}
        body = found.as_dict() | {name: one and one._asdict() for name, one in processes.items()}
        print(json.dumps(body, ensure_ascii=False, indent=1, default=str))  # noqa: T201
    else:
        _print(found)
    raise typer.Exit(found.exit_code)


@app.command()
def verify(
    run_id: Annotated[str, typer.Argument(metavar="RUN")] = "latest", store: Store = None, lang: Lang = None
) -> None:
    """計算結果のすべてのバイトを確かめます。 Compare every byte of a run with its digests."""
    runs = heatrisk.store.RunStore(store or Path("store"))
    name = runs.open(run_id).id if run_id == "latest" else run_id
    found = runs.verify(name)
    for damage in found:
        say(Words(*(f"{damage.file}: {text}" for text in damage.what)), "red")
    if found:
        say(
            Words(f"{name} は壊れています（{len(found)} か所）", f"{name} is damaged in {len(found)} places"),
            "bold red",
        )
        raise typer.Exit(20)
    say(Words(f"{name} は書き込んだときのままです", f"{name} is as it was written"), "green")


@app.command()
def prune(
    city_file: City = None,
    store: Store = None,
    days: Annotated[
        float | None,
        typer.Option(min=0, help="Runs younger than this stay [days]; give 0 where --runs alone counts."),
    ] = None,
    runs: Annotated[int | None, typer.Option(min=1, help="So many of the newest stay, however old.")] = None,
    lang: Lang = None,
) -> None:
    """古い計算結果を消します（表示中のものは残します）。 Remove old runs, never the served one."""
    rule = None if city_file is None else heatrisk.city.read_city(city_file).store.keep
    usual = rule or heatrisk.city.KeepSection()
    keep = heatrisk.store.Keep(usual.days if days is None else days, usual.runs if runs is None else runs)
    gone = heatrisk.store.RunStore(store_of(store, city_file)).prune(keep)
    for name in gone:
        say(Words(name, name))
    say(Words(f"{len(gone)} 件を消しました", f"{len(gone)} runs removed"))


def _print(found: Standing) -> None:
    out.print(found.line.to(Speech.language), style=STYLES.get(found.light.value, ""), markup=False)
    if found.created is not None:
        at = found.created.astimezone(JST)
        say(
            Words(
                f"表示中: {found.run_id}（{at:%Y-%m-%d %H:%M} 計算）",
                f"on show: {found.run_id}, computed {at:%Y-%m-%d %H:%M} JST",
            )
        )
    if found.running is not None:
        words = found.running.words
        say(Words(f"計算中: {words.ja}", f"running: {words.en}"))
    if found.killed is not None:
        words = found.killed.words
        say(Words(f"途中で止まった計算: {words.ja}", f"killed: {words.en}"), "yellow")
    for row in found.attempt.get("sources", ()):
        if isinstance(row, dict):
            say(_source(row), "yellow" if _MARKS.get(str(row.get("state")), "×") != " " else "")


def _source(row: dict[str, Any]) -> Words:
    """Return the line of one source: its mark, name, file, age and reason."""
    mark, hours = _MARKS.get(str(row.get("state")), "×"), row.get("age_hours")
    since = "発表" if row.get("role") in ("official", "alerts") else "データの時点"
    old = Words("", "") if hours is None else Words(f"{since}から{age(hours).ja}", f"{age(hours).en} old")
    texts = []
    for language, aged in (("ja", old.ja), ("en", old.en)):
        name, why = ((row.get(key) or {}).get(language, "") for key in ("name", "why"))
        parts = [str(part) for part in (name, row.get("file"), aged, why) if part]
        texts.append(f"{mark} {' / '.join(parts)}")
    return Words(*texts)
