"""``heatrisk export``: a run as a folder of plain files, a site for any web server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import heatrisk
from heatrisk.cli.options import Lang, Store, app
from heatrisk.cli.speech import progress, say
from heatrisk.words import Words


@app.command()
def export(
    run_id: Annotated[str, typer.Argument(metavar="RUN")] = "latest",
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", file_okay=False, help="The folder.")
    ] = None,
    store: Store = None,
    layers: Annotated[
        str | None, typer.Option(help="Only these layers, with commas between, e.g. risk,wbgt_moe.")
    ] = None,
    steps: Annotated[
        str | None,
        typer.Option(help="Only an instant or an interval, e.g. 2025-08-05T06:00/..; JST if no offset."),
    ] = None,
    cog: Annotated[bool, typer.Option("--cog", help="Also Cloud Optimized GeoTIFFs.")] = False,
    netcdf: Annotated[bool, typer.Option("--netcdf", help="Also one NetCDF file of all fields.")] = False,
    lang: Lang = None,
) -> None:
    """計算結果を、どのウェブサーバーでも表示できるフォルダーに書き出します。 Write a run as a static site."""
    if to is None:
        raise typer.BadParameter("--to DIR is needed", param_hint="--to")
    names = tuple(name.strip() for name in (layers or "").split(",") if name.strip())
    wanted = heatrisk.export.Wanted(names, steps, cog, netcdf)
    kept = heatrisk.store.RunStore(store or Path("store"))
    with progress() as tell:
        heatrisk.export.export(kept, to, run_id, wanted, tell=tell)
    say(Words(f"{to} に書き出しました", f"wrote {to}"))
