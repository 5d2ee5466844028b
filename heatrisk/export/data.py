"""The folder of one run: the answers of the service, tiles, values, shelters."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heatrisk.api import answers
from heatrisk.api.caching import dumps
from heatrisk.api.params import basic, utc
from heatrisk.export import rasters, series
from heatrisk.export.answers import Answers
from heatrisk.export.catalogue import item
from heatrisk.export.wanted import Wanted
from heatrisk.layers import Layer
from heatrisk.stored import StoredRun
from heatrisk.tiles import tilejson
from heatrisk.tiles.points import archive as shelter_tiles

#: What the reader's own clock tells.
_OF_THE_CLOCK = ("age_minutes", "stale", "now", "href")

Tell = Callable[[str, int, int], None]


def write(run: StoredRun, ask: Answers, folder: Path, wanted: Wanted, tell: Tell) -> None:
    """Write the folder of a run.

    Parameters
    ----------
    run : StoredRun
        The run.
    ask : Answers
        The service over its store.
    folder : pathlib.Path
        Empty folder.
    wanted : Wanted
        What of the run is exported.
    tell : callable
        Told the stage, how much of it is done, and of how much.
    """
    rows, steps = wanted.rows(run), wanted.indices(run)
    for row in rows:
        _tiles(run, row, steps, folder / "tiles" / row.name)
        _json(folder / "legend" / f"{row.name}.json", ask(f"/legend/{row.name}.json", run=run.id))
    _json(folder / "layers.json", {"run": run.id, "layers": [_layer(run, row) for row in rows]})
    _json(folder / "run.json", run.manifest)
    _json(folder / "times.json", _times(run, ask, steps))
    _json(folder / "place.json", _place(run, ask, steps))
    _places(run, ask, folder, steps)
    _json(folder / "series.json", series.described(run, steps))
    series.write(folder / "series.pmtiles", run, steps, lambda done, of: tell("values", done, of))
    images = rasters.write(run, rows, steps, folder / "cog", tell) if wanted.cog else {}
    if wanted.netcdf:
        rasters.netcdf(run, steps, folder / "fields.nc")
    _json(folder / "item.json", item(run, rows, images, wanted.netcdf))


def _json(path: Path, body: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(dumps(body))


def _tiles(run: StoredRun, row: Layer, steps: list[int], folder: Path) -> None:
    folder.mkdir(parents=True)
    for step in steps:
        path = run.archive(row.name, step).path
        shutil.copyfile(path, folder / path.name)
    body = tilejson(run, row.name, "{z}/{x}/{y}", step=steps[0])
    body["tiles"] = [f"pmtiles://{basic(run.times[steps[0]])}.pmtiles"]
    body["heatrisk"] |= {"archive": "{time}.pmtiles", "times": [utc(run.times[step]) for step in steps]}
    del body["heatrisk"]["fine"]
    _json(folder / "tilejson.json", body)


def _layer(run: StoredRun, row: Layer) -> dict[str, Any]:
    return {
        "id": row.name,
        "name": answers.both(row.words),
        "description": answers.both(row.described(answers.anchored(run))),
        "units": row.units,
        "legend": f"legend/{row.name}.json",
        "tilejson": f"tiles/{row.name}/tilejson.json",
        "archive": f"tiles/{row.name}/{{time}}.pmtiles",
        "minzoom": min(run.levels),
        "maxzoom": max(run.levels),
        "bounds": list(run.grid.bounds_lonlat),
    }


def _times(run: StoredRun, ask: Answers, steps: list[int]) -> dict[str, Any]:
    body = _timeless(ask("/times", run=run.id))
    return {**body, "times": [body["times"][step] for step in steps]}


def _place(run: StoredRun, ask: Answers, steps: list[int]) -> dict[str, Any]:
    """Return what `/point` says of every place."""
    anchor = run.manifest["anchor"]
    lines = {"official": anchor.get("official"), "anchor_offset": anchor.get("offset")}
    rows = [
        {**answers.moment(run, step), **{name: line[step] if line else None for name, line in lines.items()}}
        for step in steps
    ]
    states = zip(answers.STATE_CODES, map(answers.both, answers.STATES), strict=True)
    listed = next(row for row in ask("/runs", limit="200")["runs"] if row["id"] == run.id)
    return {
        "run": _timeless(listed),
        **answers.everywhere(run),
        "definitions": {name: answers.definition(name) for name in series.told(run)},
        "states": dict(states),
        "grid": {"cell_size_m": run.grid.cell_size},
        "series": rows,
    }


def _timeless(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _OF_THE_CLOCK}


def _places(run: StoredRun, ask: Answers, folder: Path, steps: list[int]) -> None:
    for step in steps:
        found = ask("/shelters", run=run.id, at=utc(run.times[step]))
        _json(folder / "shelters" / f"{basic(run.times[step])}.json", found)
    _json(folder / "shelters.geojson", run.shelters)
    (folder / "shelters.pmtiles").write_bytes(shelter_tiles(run.shelters, run.grid.bounds_lonlat))
    (folder / "buildings.geojson").write_bytes(run.buildings)
    alerts = ask("/alerts", run=run.id)
    # Without a report there is nothing public to pass on, and what is to come stays here until its time.
    if alerts["reported"] is not None:
        _json(folder / "alerts.json", alerts)
