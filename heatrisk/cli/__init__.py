"""The command line: ``heatrisk init | check | run | serve | demo | inspect``.

For city staff and cron. One verdict line, an exit code (0 green, 10 amber, 20 red, 30 off-season, 2 usage),
progress bars on a terminal and plain lines elsewhere, Japanese or English after ``--lang`` or ``LANG``.

Rooms are reached through the front door of the package, which opens them when they are used: ``--help``
must not wait for a compiler.
"""

from __future__ import annotations

import json
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import uvicorn

import heatrisk
from heatrisk.cli.findings import print_findings, report
from heatrisk.cli.speech import Speech, Tongue, complain, err, out, progress, say, speak
from heatrisk.errors import HeatRiskError
from heatrisk.words import JST, Words

if TYPE_CHECKING:
    from heatrisk.stored import StoredRun

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

_SERVING = Words("ダッシュボード: {url} （終了は Ctrl+C）", "Dashboard: {url} (stop with Ctrl+C)")
_NOTHING_TO_SERVE = Words(
    "まだ結果がありません。先に `heatrisk run` を実行してください", "no run yet: run `heatrisk run` first"
)


def main() -> None:
    """Run the command line; what went wrong is said in one line, never as a traceback."""
    try:
        app()
    except HeatRiskError as error:
        complain(Words(error.text("ja"), error.text("en")))
        sys.exit(20)
    except OSError as error:
        complain(
            Words(f"{error.filename or ''}: ファイルを読み書きできません".removeprefix(": "), str(error))
        )
        sys.exit(20)


Lang = Annotated[
    Tongue | None,
    typer.Option(
        "--lang",
        help="ja or en; after LANG if omitted.",
        callback=speak,
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
    unresolved: Annotated[
        Path | None,
        typer.Option(help="Write the shelters without a position, to fill in and name as coordinates."),
    ] = None,
    lang: Lang = None,
) -> None:
    """入力をすべて読み、問題を行ごとに示します。 Read every input and say what is wrong with which row."""
    now = datetime.now(UTC)
    if as_json:
        found = heatrisk.operation.check(city_file, now)
        print(json.dumps(report(found, now), ensure_ascii=False, indent=1, default=str))  # noqa: T201
    else:
        with progress() as tell:
            found = heatrisk.operation.check(city_file, now, tell)
        print_findings(found, now)
    if unresolved is not None:
        unresolved.write_text(heatrisk.sources.shelters.places.unresolved_csv(found.shelters), "utf-8-sig")
    raise typer.Exit(20 if found.errors else 10 if found.doubts else 0)


@app.command()
def init(folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)], lang: Lang = None) -> None:
    """フォルダーから設定ファイルを作ります。 Write FOLDER/city.toml from the files in FOLDER."""
    target = folder / "city.toml"
    if target.exists():
        complain(Words(f"{target} はすでにあります", f"{target} exists already"))
        raise typer.Exit(2)
    proposal = heatrisk.operation.propose(folder)
    target.write_text(proposal.text, encoding="utf-8")
    say(Words(f"{target} を書きました。中身を確かめてください", f"wrote {target}: please look it over"))
    for remark in proposal.remarks:
        say(remark, "yellow")


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
    return heatrisk.city.store_path(city_file)


def _recompute(city_file: Path, store: Path | None) -> int:
    runs = heatrisk.store.RunStore(_store(store, city_file))
    with progress() as tell:
        outcome = heatrisk.operation.recompute(city_file, runs, datetime.now(UTC), tell)
    verdict = outcome.verdict
    style = {"green": "green", "amber": "yellow", "red": "bold red"}.get(verdict.light.value, "")
    (err if outcome.run_id is None else out).print(
        verdict.line.to(Speech.language), style=style, markup=False
    )
    if outcome.error is not None and outcome.error.where is not None:
        err.print(f"  {outcome.error.where}", markup=False)
    for note in verdict.notes[1:]:
        say(Words(f"・{note.words.ja}", f"- {note.words.en}"), style)
    return verdict.exit_code


def _serve(store: Path, host: str, port: int) -> None:
    if heatrisk.store.RunStore(store).latest_id() is None:
        say(_NOTHING_TO_SERVE, "yellow")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = Words(
                f"{host}:{port} で待ち受けできません。別の --port を指定してください",
                f"cannot listen on {host}:{port} ({error.strerror}); choose another --port",
            )
            complain(taken)
            raise typer.Exit(2) from error
    say(Words(*(text.format(url=f"http://{host}:{port}/") for text in _SERVING)))
    uvicorn.run(
        heatrisk.api.create_app(store), host=host, port=port, log_level="warning", server_header=False
    )


def _sample_town() -> Path:
    """Return the sample town's city file: inside an installed package, or beside it in a checkout."""
    package = Path(heatrisk.__file__).parent
    places = (package / "sample_data" / "city.toml", package.parent / "sample_data" / "city.toml")
    return next((place for place in places if place.exists()), places[0])


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
