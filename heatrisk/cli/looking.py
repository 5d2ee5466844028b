"""``heatrisk inspect``: a run, a place in it and why it is as hot as it is, or a picture of the run."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.cells import cell_len

import heatrisk
from heatrisk.cli.options import Lang, Store, app, moment, step_of, store_of
from heatrisk.cli.speech import Speech, complain, out, progress
from heatrisk.words import JST, Words

if TYPE_CHECKING:
    from heatrisk.budget import Budget
    from heatrisk.stored import CellSeries, StoredRun

_CityFile = Annotated[
    Path | None,
    typer.Option("--city", metavar="CITY.toml", exists=True, dir_okay=False, help="Explain from its files."),
]


@app.command()
def inspect(
    run_id: Annotated[str, typer.Argument(metavar="RUN")] = "latest",
    store: Store = None,
    city: _CityFile = None,
    point: Annotated[
        str | None, typer.Option(help="LON,LAT: the series of a place; with --time its budget.")
    ] = None,
    time: Annotated[str | None, typer.Option(help="ISO 8601; JST if no offset.")] = None,
    png: Annotated[Path | None, typer.Option(help="Write the map of a layer as a picture.")] = None,
    layer: Annotated[str, typer.Option(help="Layer of the picture.")] = "risk",
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    lang: Lang = None,
) -> None:
    """計算結果、地点の値とその理由、画像を見ます。 Show a run, a place and why it is so hot, a picture."""
    if city is not None:
        if point is None or time is None:
            raise typer.BadParameter("give --point LON,LAT and --time", param_hint="--city")
        with progress() as tell:
            budget = heatrisk.operation.explain_city(
                city, store_of(store, city), heatrisk.place.lonlat(point), moment(time), datetime.now(UTC),
                tell if out.is_terminal and not as_json else _silent,
            )  # fmt: skip
        _print_budget(budget, as_json)
        return
    found = heatrisk.store.RunStore(store or Path("store")).open(run_id)
    if png is not None:
        png.write_bytes(heatrisk.tiles.picture(found, layer, step_of(found, time)))
        out.print(str(png), markup=False)
    elif point is not None:
        _print_place(found, point, time, as_json)
    else:
        kept = {key: found.manifest[key] for key in _SUMMARY if key in found.manifest}
        out.print_json(json.dumps(kept, ensure_ascii=False))


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


# --- why -------------------------------------------------------------------------------------------------


def _silent(*_: object) -> None:
    """Say nothing between the question and the answer."""


def _print_budget(found: Budget, as_json: bool) -> None:
    if as_json:
        _print_json(found.as_dict())
        return
    for line in found.lines(Speech.language):
        out.print(line, markup=False)


def _print_place(found: StoredRun, point: str, time: str | None, as_json: bool) -> None:
    """Print the series of a place, or its budget at a moment where the run can be computed again."""
    place = heatrisk.place.lonlat(point)
    heatrisk.place.cell_at(found.grid, found.dataset()["mask"].values, *place)
    if time is not None:
        when = moment(time)
        try:
            _print_budget(heatrisk.operation.explain_run(found, place, when, _silent), as_json)
            return
        except heatrisk.errors.StoreError as error:
            complain(Words(*(f"{text}{tail}" for text, tail in zip(_told(error), _ONLY_STORED, strict=True))))
    series = found.series(*place)
    assert series is not None  # the place lies in the grid
    if as_json:
        _print_json(_series_dict(found, series, place))
    else:
        _print_series(found, series, place)


_ONLY_STORED = Words("。保存された値だけを示します", ". Only the stored values can be shown")


def _told(error: heatrisk.errors.HeatRiskError) -> Words:
    return Words(error.text("ja"), error.text("en"))


# --- what a run holds of a place -------------------------------------------------------------------------


class _Column(NamedTuple):
    """A column of the series: which values, under which words, in which unit, times what, with decimals."""

    name: str
    words: Words
    unit: str
    factor: float = 1.0
    digits: int = 1


_COLUMNS = (
    _Column("official", Words("公式値", "official"), "°C"),
    _Column("wbgt_moe", Words("暑さ指数", "WBGT"), "°C"),
    _Column("risk", Words("区分", "class"), ""),
    _Column("wbgt_moe_sd", Words("標準偏差", "sd"), "K"),
    _Column("p_danger", Words("31以上", "p(≥31)"), "%", 100.0, 0),
    _Column("wbgt_moe_max", Words("最大", "highest"), "°C"),
    _Column("wbgt_moe_sun", Words("日なた側", "sunny side"), "°C"),
    _Column("wbgt_moe_shade", Words("日陰側", "shady side"), "°C"),
    _Column("wbgt_iso", Words("ISO 7243", "ISO 7243"), "°C"),
    _Column("sunlit", Words("日なた", "sunlit"), "%", 100.0, 0),
    _Column("tmrt", Words("平均放射", "Tmrt"), "°C"),
    _Column("utci", Words("UTCI", "UTCI"), "°C"),
)
_PLACE = Words(
    "{lon:.5f}, {lat:.5f}（上から {row}、左から {column} 番目の升目、天空率 {svf:.2f}）　計算 {run}",
    "{lon:.5f}, {lat:.5f} (row {row}, column {column} from the north-west, sky view {svf:.2f}); run {run}",
)
_CLOCK = Words("日本時間", "JST")


def _print_series(found: StoredRun, series: CellSeries, place: tuple[float, float]) -> None:
    language = Speech.language
    facts = {"row": series.row + 1, "column": series.column + 1, "svf": series.svf, "run": found.id}
    out.print(_PLACE.to(language).format(lon=place[0], lat=place[1], **facts), markup=False)
    columns = [column for column in _COLUMNS if column.name in series.values]
    rows = [
        [_CLOCK.to(language), *(column.words.to(language) for column in columns)],
        ["", *(column.unit for column in columns)],
    ]
    for k, when in enumerate(found.times):
        cells = (_cell(column, series.values[column.name][k]) for column in columns)
        rows.append([f"{when.astimezone(JST):%Y-%m-%d %H:%M}", *cells])
    _print_table(rows)


def _cell(column: _Column, value: float) -> str:
    if column.name == "risk":
        levels = heatrisk.risk.RISK_SCALES["daily"].levels
        return levels[int(value)].words.to(Speech.language) if value >= 0 else "–"
    return f"{value * column.factor:.{column.digits}f}" if math.isfinite(value) else "–"


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns as wide as the widest cell; a Japanese letter is two wide."""
    widths = [max(cell_len(row[k]) for row in rows) for k in range(len(rows[0]))]
    for row in rows:
        cells = (" " * (width - cell_len(text)) + text for text, width in zip(row, widths, strict=True))
        out.print("  ".join(cells), markup=False)


def _series_dict(found: StoredRun, series: CellSeries, place: tuple[float, float]) -> dict[str, Any]:
    known = heatrisk.quantities.QUANTITIES
    lists = {name: _numbers(values.tolist()) for name, values in series.values.items()}
    levels = heatrisk.risk.RISK_SCALES["daily"].levels
    with suppress(KeyError):
        lists["class"] = [levels[int(k)].code if k is not None and k >= 0 else None for k in lists["risk"]]
    return {
        "run_id": found.id, "lon": place[0], "lat": place[1], "row": series.row, "column": series.column,
        "svf": series.svf, "times": [f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for when in found.times],
        "values": lists,
        "units": {name: known[name].units if name in known else "degC" for name in series.values},
    }  # fmt: skip


def _numbers(values: Sequence[float]) -> list[Any]:
    return [value if math.isfinite(value) else None for value in values]


def _print_json(body: dict[str, Any]) -> None:
    print(json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False))  # noqa: T201
