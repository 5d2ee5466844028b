"""``heatrisk inspect``: a run, a place in it, or a picture of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import heatrisk
from heatrisk.cli.options import Lang, Store, app, step_of
from heatrisk.cli.speech import out
from heatrisk.words import JST, Words

if TYPE_CHECKING:
    from heatrisk.stored import StoredRun


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
        png.write_bytes(heatrisk.tiles.picture(found, layer, step_of(found, time)))
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
