"""The command line: ``heatrisk init | check | run | serve | demo | inspect``.

For city staff and cron. One verdict line, an exit code (0 green, 10 amber, 20 red, 30 off-season, 2 usage),
progress bars on a terminal and plain lines elsewhere, Japanese or English after ``--lang`` or ``LANG``.

Rooms are reached through the front door of the package, which opens them when they are used: ``--help``
must not wait for a compiler.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
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
from heatrisk.words import JST, Language, Words

if TYPE_CHECKING:
    from heatrisk.operation import Findings
    from heatrisk.stored import StoredRun

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

_STAGES = {
    "read": Words("入力を読んでいます", "Reading the inputs"),
    "compile": Words(
        "空の見える割合を計算しています（初回は準備に 1 分ほど）",
        "Computing the view of the sky (the first run compiles for a minute)",
    ),
    "compute": Words("日陰と暑さ指数を計算しています", "Computing shade and WBGT"),
    "publish": Words("結果を保存しています", "Publishing the run"),
}
_HEADINGS = (
    Words("種類", "source"),
    Words("ファイル", "file"),
    Words("件数", "read"),
    Words("使用", "used"),
    Words("不使用", "refused"),
)
_ROLES = {
    "city": Words("設定", "city file"),
    "buildings": Words("建物", "buildings"),
    "terrain": Words("標高", "terrain"),
    "canopy": Words("樹木", "trees"),
    "land_cover": Words("土地被覆", "land cover"),
    "official": Words("公式予測", "official forecast"),
    "weather": Words("気象データ", "weather"),
    "shelters": Words("涼める場所", "shelters"),
}
_OTHER = Words("その他", "other")
_RESULTS = (
    Words("【正常】このまま計算できます", "[green] ready to run"),
    Words("【要確認】計算できますが、△ を確かめてください", "[amber] a run will work; look at the marks △"),
    Words("【異常】× を直すまで計算できません", "[red] a run will stop at the marks ×"),
)
_SERVING = Words("ダッシュボード: {url} （終了は Ctrl+C）", "Dashboard: {url} (stop with Ctrl+C)")
_NOTHING_TO_SERVE = Words(
    "まだ結果がありません。先に `heatrisk run` を実行してください", "no run yet: run `heatrisk run` first"
)

out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


def main() -> None:
    """Run the command line; what went wrong is said in one line, never as a traceback."""
    try:
        app()
    except HeatRiskError as error:
        _complain(Words(error.text("ja"), error.text("en")))
        sys.exit(20)
    except OSError as error:
        _complain(Words(str(error), str(error)))
        sys.exit(20)


class _Speech:
    """The language of this call: that of ``--lang``, else of the environment."""

    language: Language = "en"


class Tongue(StrEnum):
    """The languages of the command line."""

    ja = "ja"
    en = "en"


def _speak(given: Tongue | None) -> Tongue | None:
    """Take up the language that an option or the environment asks for."""
    asked = [given, *(os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))]
    tongue = next((value for value in asked if value), "en")
    _Speech.language = "ja" if tongue.startswith("ja") else "en"
    return given


def _say(words: Words, style: str = "") -> None:
    out.print(words.to(_Speech.language), style=style, markup=False)


def _complain(words: Words) -> None:
    err.print(f"heatrisk: {words.to(_Speech.language)}", style="red", markup=False)


Lang = Annotated[
    Tongue | None,
    typer.Option(
        "--lang",
        help="ja or en; after LANG if omitted.",
        callback=_speak,
        is_eager=True,
    ),
]
Store = Annotated[Path | None, typer.Option("--store", help="Folder of finished runs.", file_okay=False)]
Host = Annotated[str, typer.Option("--host")]
Port = Annotated[int, typer.Option("--port", min=1, max=65535)]
CityFile = Annotated[
    Path, typer.Argument(metavar="CITY.toml", exists=True, dir_okay=False, help="The city file.")
]


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
    raise typer.Exit(_recompute(city_file, store))


@app.command()
def serve(
    city_file: Annotated[
        Path | None, typer.Argument(metavar="[CITY.toml]", exists=True, dir_okay=False)
    ] = None,
    store: Store = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    lang: Lang = None,
) -> None:
    """ダッシュボードと API を配信します。 Serve the dashboard and the tile API."""
    _serve(_store(store, city_file), host, port)


@app.command()
def demo(
    store: Store = None,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Compute only.")] = False,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    lang: Lang = None,
) -> None:
    """架空の見本の町を計算して配信します。 Compute the sample town and serve it."""
    where = store or Path("store")
    code = _recompute(_sample_town(), where)
    if code >= heatrisk.verdict.EXIT_CODES[heatrisk.verdict.Light.RED] or no_serve:
        raise typer.Exit(code)
    _serve(where, host, port)


@app.command()
def check(
    city_file: CityFile,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    lang: Lang = None,
) -> None:
    """入力をすべて読み、問題を行ごとに示します。 Read every input and say what is wrong with which row."""
    found = heatrisk.operation.check(city_file, datetime.now(UTC))
    if as_json:
        print(json.dumps(_report(found), ensure_ascii=False, indent=1, default=str))  # noqa: T201
    else:
        _print_findings(found)
    raise typer.Exit(20 if found.errors else 10 if found.doubts else 0)


@app.command()
def init(folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)], lang: Lang = None) -> None:
    """フォルダーから設定ファイルを作ります。 Write FOLDER/city.toml from the files in FOLDER."""
    target = folder / "city.toml"
    if target.exists():
        _complain(Words(f"{target} はすでにあります", f"{target} exists already"))
        raise typer.Exit(2)
    proposal = heatrisk.operation.propose(folder)
    target.write_text(proposal.text, encoding="utf-8")
    _say(Words(f"{target} を書きました。中身を確かめてください", f"wrote {target}: please look it over"))
    for remark in proposal.remarks:
        _say(remark, "yellow")


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
    found = heatrisk.store.RunStore(store or Path("store")).open(run_id)
    if png is not None:
        png.write_bytes(heatrisk.tiles.picture(found, layer, _step(found, time)))
        out.print(str(png), markup=False)
    elif point is not None:
        _print_series(found, point)
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


def _store(store: Path | None, city_file: Path | None) -> Path:
    """Return the store asked for, else the city file's, else the one in this folder."""
    if store is not None or city_file is None:
        return store or Path("store")
    return heatrisk.city.read_city(city_file).store.path


def _recompute(city_file: Path, store: Path | None) -> int:
    runs = heatrisk.store.RunStore(_store(store, city_file))
    with _progress() as report:
        outcome = heatrisk.operation.recompute(city_file, runs, datetime.now(UTC), report)
    verdict = outcome.verdict
    style = {"green": "green", "amber": "yellow", "red": "bold red"}.get(verdict.light.value, "")
    (err if outcome.run_id is None else out).print(
        verdict.line.to(_Speech.language), style=style, markup=False
    )
    for note in verdict.notes[1:]:
        _say(Words(f"・{note.words.ja}", f"- {note.words.en}"), style)
    return verdict.exit_code


def _serve(store: Path, host: str, port: int) -> None:
    if heatrisk.store.RunStore(store).latest_id() is None:
        _say(_NOTHING_TO_SERVE, "yellow")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = Words(
                f"{host}:{port} で待ち受けできません（{error.strerror}）。別の --port を指定してください",
                f"cannot listen on {host}:{port} ({error.strerror}); choose another --port",
            )
            _complain(taken)
            raise typer.Exit(2) from error
    _say(Words(*(text.format(url=f"http://{host}:{port}/") for text in _SERVING)))
    uvicorn.run(
        heatrisk.api.create_app(store), host=host, port=port, log_level="warning", server_header=False
    )


def _sample_town() -> Path:
    """Return the sample town's city file: inside an installed package, or beside it in a checkout."""
    package = Path(heatrisk.__file__).parent
    places = (package / "sample_data" / "city.toml", package.parent / "sample_data" / "city.toml")
    return next((place for place in places if place.exists()), places[0])


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a reporter: bars on a terminal, one plain line a stage elsewhere."""
    if not out.is_terminal:
        said: set[str] = set()

        def say(stage: str, done: int, of: int) -> None:
            if stage not in said:
                said.add(stage)
                out.print(_STAGES[stage].to(_Speech.language), markup=False)

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
                tasks[stage] = bars.add_task(_STAGES[stage].to(_Speech.language), total=of)
            bars.update(tasks[stage], completed=done, total=of)

        yield show


def _report(found: Findings) -> dict[str, object]:
    return {
        "ok": not found.errors,
        "sources": [
            reading.as_dict()
            | {"refusals": [{"where": row.where, "reason": row.reason._asdict()} for row in reading.refused]}
            for reading in found.readings
        ],
        "errors": [{"ja": error.text("ja"), "en": error.text("en")} for error in found.errors],
        "assumptions": [note.as_dict() for note in found.assumptions],
        "doubts": [note.as_dict() for note in found.doubts],
    }


def _print_findings(found: Findings) -> None:
    table = Table(box=rich.box.SIMPLE)
    for heading in _HEADINGS:
        table.add_column(heading.to(_Speech.language), overflow="fold")
    for reading in found.readings:
        counts = map(str, (reading.read, reading.used, len(reading.refused)))
        table.add_row(_ROLES.get(reading.role, _OTHER).to(_Speech.language), reading.path.name, *counts)
    out.print(table)
    for reading in found.readings:
        for row in reading.refused:
            _say(Words(*(f"{reading.path.name} {row.where}: {text}" for text in row.reason)), "yellow")
    for note in found.assumptions:
        _say(Words(f"・{note.words.ja}", f"- {note.words.en}"))
    for note in found.doubts:
        _say(Words(f"△ {note.words.ja}", f"△ {note.words.en}"), "yellow")
    for error in found.errors:
        _say(Words(f"× {error.text('ja')}", f"× {error.text('en')}"), "red")
    _say(_RESULTS[2 if found.errors else 1 if found.doubts else 0])


def _print_series(found: StoredRun, point: str) -> None:
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
