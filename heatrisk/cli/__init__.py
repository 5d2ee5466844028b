"""The command line: ``heatrisk init | check | run | watch | status | serve | demo | inspect`` and more.

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
from typing import Annotated

import typer

import heatrisk
from heatrisk.cli import exporting as exporting
from heatrisk.cli import facilities as facilities
from heatrisk.cli import looking as looking
from heatrisk.cli import telling as telling
from heatrisk.cli import upkeep as upkeep
from heatrisk.cli.findings import print_findings, report
from heatrisk.cli.options import CityFile, Host, Lang, Port, Store, app, store_of
from heatrisk.cli.running import recompute
from heatrisk.cli.speech import complain, out, progress, say
from heatrisk.errors import HeatRiskError
from heatrisk.words import Words

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
    _serve(store_of(store, city_file), host, port)


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
    code = recompute(_sample_town(), where)
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
    heatrisk.api.server.serve(store, host, port)


def _sample_town() -> Path:
    """Return the sample town's city file: inside an installed package, or beside it in a checkout."""
    package = Path(heatrisk.__file__).parent
    places = (package / "sample_data" / "city.toml", package.parent / "sample_data" / "city.toml")
    return next((place for place in places if place.exists()), places[0])
