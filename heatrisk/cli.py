"""The command line: ``heatrisk init | check | run | serve | demo | inspect``.

For city staff and cron. One verdict line, an exit code (0 green, 10 amber, 20 red, 30 off-season, 2 usage),
progress bars on a terminal and plain lines elsewhere, Japanese or English after ``--lang`` or ``LANG``.

Rooms are reached through the front door of the package, which opens them when they are used: ``--help``
must not wait for a compiler.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import rich.box
import typer
import uvicorn
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

import heatrisk
from heatrisk.errors import HeatRiskError
from heatrisk.words import Language, Words

if TYPE_CHECKING:
    from heatrisk.sources.inputs import Inputs
    from heatrisk.store import StoredRun

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

_STAGES = {
    "read": Words("入力を読んでいます", "Reading the inputs"),
    "compile": Words(
        "天空率を計算しています(初回はコンパイルに 1 分ほど)",
        "Sky view (the first run compiles for a minute)",
    ),
    "compute": Words("日陰と暑さ指数を計算しています", "Computing shade and WBGT"),
    "publish": Words("結果を保存しています", "Publishing the run"),
}
_SERVING = Words("ダッシュボード: {url} (終了は Ctrl+C)", "Dashboard: {url} (stop with Ctrl+C)")
_NOTHING_TO_SERVE = Words(
    "まだ結果がありません。先に `heatrisk run` を実行してください", "no run yet: run `heatrisk run` first"
)

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


JST = timezone(timedelta(hours=9), "JST")
Lang = Annotated[str | None, typer.Option("--lang", help="ja or en; after LANG if omitted.", metavar="ja|en")]
Store = Annotated[Path | None, typer.Option("--store", help="Folder of finished runs.", file_okay=False)]
Host = Annotated[str, typer.Option("--host")]
Port = Annotated[int, typer.Option("--port", min=1, max=65535)]
CityFile = Annotated[
    Path, typer.Argument(metavar="CITY.toml", exists=True, dir_okay=False, help="The city file.")
]


def main() -> None:
    """Run the command line; what went wrong is said in one line, never as a traceback."""
    try:
        app()
    except HeatRiskError as error:
        err.print(f"heatrisk: {error.text(_language(None))}", style="red", markup=False)
        sys.exit(20)
    except OSError as error:
        err.print(f"heatrisk: {error}", style="red", markup=False)
        sys.exit(20)


def _language(given: str | None) -> Language:
    """Return the language asked for, else that of the environment."""
    tongue = (
        given or os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or "en"
    )
    return "ja" if tongue.startswith("ja") else "en"


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """熱中症危険度の地図を計算し配信します。 Compute and serve a 5 m map of heat-stroke risk."""
    if version:
        out.print(heatrisk.__version__)
    elif context.invoked_subcommand is None:
        out.print(context.get_help())


@app.command()
def run(city_file: CityFile, store: Store = None, lang: Lang = None) -> None:
    """計算して公開します。 Compute a city's map and publish it; made for cron."""
    raise typer.Exit(_recompute(city_file, store, _language(lang)))


@app.command()
def serve(
    store: Store = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    lang: Lang = None,
) -> None:
    """ダッシュボードと API を配信します。 Serve the dashboard and the tile API."""
    _serve(store or Path("store"), host, port, _language(lang))


@app.command()
def demo(
    store: Store = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Compute only.")] = False,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    lang: Lang = None,
) -> None:
    """架空の見本の町を計算して配信します。 Compute the sample town and serve it."""
    language, where = _language(lang), store or Path("store")
    code = _recompute(_sample_town(), where, language)
    if code >= heatrisk.verdict.EXIT_CODES[heatrisk.verdict.Light.RED] or no_serve:
        raise typer.Exit(code)
    _serve(where, host, port, language)


@app.command()
def check(
    city_file: CityFile,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    lang: Lang = None,
) -> None:
    """入力をすべて読み、問題を行ごとに示します。 Read every input and say what is wrong with which row."""
    inputs = heatrisk.operation.check(city_file)
    if as_json:
        print(json.dumps(_check_report(inputs), ensure_ascii=False, indent=1, default=str))  # noqa: T201
    else:
        _print_check(inputs, _language(lang))
    raise typer.Exit(
        20 if inputs.errors else 10 if any(reading.refused for reading in inputs.readings) else 0
    )


@app.command()
def init(folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)], lang: Lang = None) -> None:
    """フォルダーから設定ファイルを作ります。 Write FOLDER/city.toml from the files in FOLDER."""
    target = folder / "city.toml"
    if target.exists():
        words = Words(f"{target} はすでにあります", f"{target} exists already")
        err.print(words.to(_language(lang)), style="red", markup=False)
        raise typer.Exit(2)
    proposal = heatrisk.operation.propose(folder)
    target.write_text(proposal, encoding="utf-8")
    words = Words(f"{target} を書きました。中身を確かめてください", f"wrote {target}: please look it over")
    out.print(words.to(_language(lang)), markup=False)


@app.command()
def inspect(
    run_id: Annotated[str, typer.Argument(metavar="RUN")] = "latest",
    store: Store = None,
    point: Annotated[str | None, typer.Option(help="LON,LAT: the series of a place.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write the map of a layer as a picture.")] = None,
    layer: Annotated[str, typer.Option(help="wbgt_moe, risk, risk_sport or sunlit.")] = "risk",
    time: Annotated[
        str | None, typer.Option(help="ISO 8601; JST if no offset. First step if omitted.")
    ] = None,
    lang: Lang = None,
) -> None:
    """計算結果、地点の値、地図の画像を見ます。 Show a run, a place in it, or a picture of it."""
    language = _language(lang)
    found = heatrisk.store.RunStore(store or Path("store")).open(run_id)
    if png is not None:
        png.write_bytes(heatrisk.tiles.picture(found, layer, _step(found, time)))
        out.print(str(png), markup=False)
    elif point is not None:
        _print_series(found, point, language)
    else:
        out.print_json(json.dumps({key: found.manifest[key] for key in _SUMMARY}, ensure_ascii=False))


_SUMMARY = (
    "run_id",
    "created",
    "verdict",
    "inputs",
    "grid",
    "times",
    "official",
    "anchor",
    "assumptions",
    "arrays",
)


def _recompute(city_file: Path, store: Path | None, language: Language) -> int:
    where = store or heatrisk.city.read_city(city_file).store.path
    with _progress(language) as report:
        outcome = heatrisk.operation.recompute(
            city_file, heatrisk.store.RunStore(where), datetime.now(UTC), report
        )
    verdict = outcome.verdict
    style = {"green": "green", "amber": "yellow", "red": "bold red"}.get(verdict.light.value, "")
    (err if outcome.run_id is None else out).print(verdict.line.to(language), style=style, markup=False)
    return verdict.exit_code


def _serve(store: Path, host: str, port: int, language: Language) -> None:
    if heatrisk.store.RunStore(store).latest_id() is None:
        err.print(_NOTHING_TO_SERVE.to(language), style="yellow", markup=False)
    out.print(_SERVING.to(language).format(url=f"http://{host}:{port}/"), markup=False)
    uvicorn.run(
        heatrisk.api.create_app(store), host=host, port=port, log_level="warning", server_header=False
    )


def _sample_town() -> Path:
    """Return the sample town's city file: inside an installed package, or beside it in a checkout."""
    package = Path(heatrisk.__file__).parent
    places = (package / "sample_data" / "city.toml", package.parent / "sample_data" / "city.toml")
    return next((place for place in places if place.exists()), places[0])


@contextmanager
def _progress(language: Language) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a reporter: bars on a terminal, one plain line a stage elsewhere."""
    if not out.is_terminal:
        said: set[str] = set()

        def say(stage: str, done: int, of: int) -> None:
            if stage not in said:
                said.add(stage)
                out.print(_STAGES[stage].to(language), markup=False)

        yield say
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
                tasks[stage] = bars.add_task(_STAGES[stage].to(language), total=of)
            bars.update(tasks[stage], completed=done, total=of)

        yield show


def _check_report(inputs: Inputs) -> dict[str, object]:
    return {
        "ok": not inputs.errors,
        "sources": [
            reading.as_dict()
            | {"refusals": [{"where": row.where, "reason": row.reason._asdict()} for row in reading.refused]}
            for reading in inputs.readings
        ],
        "errors": [{"ja": error.text("ja"), "en": error.text("en")} for error in inputs.errors],
        "assumptions": [note.as_dict() for note in inputs.notes],
    }


def _print_check(inputs: Inputs, language: Language) -> None:
    table = Table(box=rich.box.SIMPLE)
    for heading in (
        Words("種類", "source"),
        Words("ファイル", "file"),
        Words("件数", "read"),
        Words("使用", "used"),
        Words("不使用", "refused"),
        Words("内容", "facts"),
    ):
        table.add_column(heading.to(language), overflow="fold")
    for reading in inputs.readings:
        facts = ", ".join(f"{key} {value}" for key, value in reading.facts.items())
        table.add_row(
            reading.role,
            reading.path.name,
            *map(str, (reading.read, reading.used, len(reading.refused))),
            facts,
        )
    out.print(table)
    for reading in inputs.readings:
        for row in reading.refused:
            out.print(
                f"{reading.path.name} {row.where}: {row.reason.to(language)}", style="yellow", markup=False
            )
    for note in inputs.notes:
        out.print(f"・{note.words.to(language)}", markup=False)
    for error in inputs.errors:
        out.print(f"✗ {error.text(language)}", style="red", markup=False)


def _print_series(found: StoredRun, point: str, language: Language) -> None:
    try:
        lon, lat = map(float, point.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"LON,LAT expected, got {point}", param_hint="--point") from error
    series = found.series(lon, lat)
    if series is None:
        words = Words("地点が対象範囲の外です", "the place lies outside the run's area")
        raise heatrisk.errors.InputError(
            words, got=point, expected=str(found.manifest["grid"]["bounds_lonlat"])
        )
    names = list(series.values)
    out.print(f"{'JST':<11}", *(f"{name:>{len(name)}}" for name in names), sep="  ", markup=False)
    for k, when in enumerate(found.times):
        cells = (f"{series.values[name][k]:>{len(name)}g}" for name in names)
        out.print(f"{when.astimezone(JST):%m-%d %H:%M}", *cells, sep="  ", markup=False)


def _step(found: StoredRun, time: str | None) -> int:
    """Return the index of the asked step."""
    if time is None:
        return 0
    try:
        asked = datetime.fromisoformat(time)
    except ValueError as error:
        raise typer.BadParameter(f"ISO 8601 expected, got {time}", param_hint="--time") from error
    asked = asked if asked.tzinfo else asked.replace(tzinfo=JST)
    if asked not in found.times:
        valid = ", ".join(f"{when.astimezone(JST):%Y-%m-%dT%H:%M}" for when in found.times)
        raise typer.BadParameter(f"no such step; there are {valid}", param_hint="--time")
    return found.times.index(asked)
