"""What staff do with a city: propose a city file, check the inputs, recompute and publish.

Nothing is lost on the way: whatever fails before the publication leaves the last good run in its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from heatrisk.city import City, read_city
from heatrisk.errors import HeatRiskError, StoreError
from heatrisk.fields import sky_view
from heatrisk.forcing import forcing, step_times
from heatrisk.grid import WGS84
from heatrisk.physics.kernel import SOURCES
from heatrisk.run import SUSPECT_OFFSET, simulate
from heatrisk.scene import Scene
from heatrisk.shelters import to_geojson
from heatrisk.sources.inputs import Inputs, read_inputs
from heatrisk.sources.proposal import propose as propose
from heatrisk.sources.reading import Reading
from heatrisk.store import NewRun, RunStore, new_run_id
from heatrisk.tiles import build
from heatrisk.verdict import Light, Verdict
from heatrisk.weather import OfficialForecast
from heatrisk.words import JST, Note, Words

#: An official forecast older than this when the run starts is stale: it is issued hourly.
STALE_HOURS = 6

LAYERS = ("wbgt_moe", "risk", "risk_sport", "sunlit")
_VERSIONS = ("heatrisk", "numpy", "numba", "pvlib", "xarray", "zarr", "rasterio", "shapely", "pyproj")

_ENGLISH = {
    "環境省熱中症予防情報サイト": "Heat Illness Prevention Information, Ministry of the Environment of Japan"
}

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Parameters
    ----------
    verdict : Verdict
        How it went.
    run_id : str or None
        The published run; None when nothing was published.
    error : HeatRiskError or None
        Why nothing was published.
    """

    verdict: Verdict
    run_id: str | None = None
    error: HeatRiskError | None = None


@dataclass(frozen=True)
class Findings:
    """What a check of a city's inputs found.

    Parameters
    ----------
    readings : tuple of Reading
        One record a file that could be read.
    errors : tuple of HeatRiskError
        What a run would stop at.
    assumptions : tuple of Note
        What a run would have to assume.
    doubts : tuple of Note
        What would turn a run amber.
    """

    readings: tuple[Reading, ...] = ()
    errors: tuple[HeatRiskError, ...] = ()
    assumptions: tuple[Note, ...] = ()
    doubts: tuple[Note, ...] = ()


def check(city_file: Path, created: datetime) -> Findings:
    """Read every input of a city, go on after errors, and try whether they fit together.

    Parameters
    ----------
    city_file : pathlib.Path
        The city file.
    created : datetime.datetime
        The clock, with zone; it tells stale sources.

    Returns
    -------
    Findings
        What :func:`recompute` would meet, short of computing; errors are in it, not raised.
    """
    try:
        inputs = read_inputs(read_city(city_file), city_file, go_on=True)
    except HeatRiskError as error:
        return Findings(errors=(error,))
    notes = tuple(inputs.notes)
    if inputs.weather is not None and inputs.scene is not None:
        try:
            steps, left_out = step_times(inputs.weather)
            notes += left_out + forcing(inputs.weather, steps, *inputs.scene.grid.centre_lonlat).notes
        except HeatRiskError as error:
            inputs.errors.append(error)
    return Findings(
        tuple(inputs.readings), tuple(inputs.errors), notes, tuple(_doubts(inputs, notes, created))
    )


def recompute(city_file: Path, store: RunStore, created: datetime, progress: Progress) -> Outcome:
    """Compute a city's run and publish it.

    Parameters
    ----------
    city_file : pathlib.Path
        The city file.
    store : RunStore
        Where the run goes.
    created : datetime.datetime
        The clock, with zone; it names the run and tells stale sources.
    progress : callable
        Called with the name of a stage, steps done and all steps.

    Returns
    -------
    Outcome
        Errors of the input are in it, not raised.
    """
    try:
        city = read_city(city_file)
        progress("read", 0, 1)
        inputs = read_inputs(city, city_file)
        progress("read", 1, 1)
        data = _simulated(inputs, store, progress)
        verdict = _verdict(inputs, data, created)
        progress("publish", 0, 1)
        run = store.write(_new_run(inputs, data, verdict, created))
        store.publish(run.id)
        progress("publish", 1, 1)
        outcome = Outcome(verdict, run.id)
    except HeatRiskError as error:
        outcome = Outcome(_red(error, store), None, error)
    with suppress(StoreError):  # a store that takes no run may take no status either; the verdict says so
        store.keep_status(_status(outcome, created))
    return outcome


def _simulated(inputs: Inputs, store: RunStore, progress: Progress) -> xr.Dataset:
    scene, weather = inputs.scene, inputs.weather
    assert scene is not None and weather is not None  # read_inputs raised otherwise
    progress("compile", 0, 1)
    key = f"svf-{scene.hash[:32]}-{SOURCES[:16]}"
    svf = store.cached(key)
    if svf is None or svf.shape != scene.grid.shape:
        svf = sky_view(scene.shade, scene.grid, scene.transmissivity).values
        store.keep(key, svf)
    progress("compile", 1, 1)
    labelled = xr.DataArray(svf, dims=("y", "x"))
    return simulate(scene, weather, svf=labelled, progress=lambda done, of: progress("compute", done, of))


def _verdict(inputs: Inputs, data: xr.Dataset, created: datetime) -> Verdict:
    """Weigh what was refused, stale or doubtful."""
    notes = (*_doubts(inputs, _assumptions(inputs, data), created), *_suspicion(data))
    first, last = (pd.Timestamp(data["time"].values[k], tz="UTC").tz_convert(JST) for k in (0, -1))
    span = f"{_clock(first)}から{_clock(last)}まで"
    name, steps = inputs.city.names, data.sizes["time"]
    period = f"from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} JST"
    summary = Words(
        f"{name.ja}: {span}の {steps} 時刻を計算しました",
        f"{name.en}: {steps} step{'s' * (steps > 1)} {period}",
    )
    return Verdict(Light.AMBER if notes else Light.GREEN, summary, notes)


def _clock(when: pd.Timestamp) -> str:
    """Return an hour as Japanese forecasts write it: midnight is 24 o'clock of the day that ends."""
    day, hour = (when - pd.Timedelta(days=1), 24) if when.hour == 0 else (when, when.hour)
    return f"{day.month}月{day.day}日{hour}時"


def _suspicion(data: xr.Dataset) -> Iterator[Note]:
    suspect = int((np.abs(data["anchor_offset"].values) > SUSPECT_OFFSET).sum())
    if suspect:
        yield Note.of(
            "anchor_suspect",
            f"{suspect} 時刻で計算値が公式値と {SUSPECT_OFFSET:g} °C を超えて離れています",
            f"the model is more than {SUSPECT_OFFSET:g} °C from the official value at {suspect} steps",
        )


def _doubts(inputs: Inputs, notes: Iterable[Note], created: datetime) -> Iterator[Note]:
    """Yield what makes the inputs of a run less than good."""
    yield from (note for note in notes if note.code == "steps_outside_weather")
    official = None if inputs.weather is None else inputs.weather.official
    if official is not None and not inputs.city.city.sample:
        hours = int((created - min(official.issued).tz_localize(UTC)).total_seconds() // 3600)
        if hours > STALE_HOURS:
            days = hours // 24
            ja, en = (f"{days}日", f"{days} days") if days > 2 else (f"{hours}時間", f"{hours} hours")
            yield Note.of(
                "official_stale", f"公式予測の発表から{ja}たっています", f"the official forecast is {en} old"
            )
    unknown = 0.0 if inputs.scene is None else inputs.scene.unknown
    if unknown > 0:
        yield Note.of(
            "ground_unknown",
            f"標高が不明の場所が {unknown:.1%} あります",
            f"the ground is unknown in {unknown:.1%} of the area",
        )
    for reading in inputs.readings:
        if reading.refused:
            yield Note.of(
                f"{reading.role}_refused",
                f"{reading.path.name} の {len(reading.refused)} 件を使えませんでした",
                f"{len(reading.refused)} records of {reading.path.name} could not be used",
            )


def _red(error: HeatRiskError, store: RunStore) -> Verdict:
    kept = store.latest_id()
    after = (
        Words("表示中の結果はありません", "there is no earlier run")
        if kept is None
        else Words(f"前回の結果 {kept} を表示し続けます", f"the last good run {kept} stays up")
    )
    return Verdict(
        Light.RED,
        Words(f"{error.text('ja')}（計算を中止。{after.ja}）", f"{error.text('en')} (stopped; {after.en})"),
    )


def _status(outcome: Outcome, created: datetime) -> dict[str, Any]:
    return {"at": created.isoformat(), "run_id": outcome.run_id, "verdict": outcome.verdict.as_dict()}


def _assumptions(inputs: Inputs, data: xr.Dataset) -> list[Note]:
    computed = json.loads(data.attrs["assumptions"])
    return inputs.notes + [Note(row["code"], Words(row["ja"], row["en"])) for row in computed]


def _new_run(inputs: Inputs, data: xr.Dataset, verdict: Verdict, created: datetime) -> NewRun:
    """Gather a run with its manifest; the store adds what it knows itself."""
    city, scene = inputs.city, inputs.scene
    assert scene is not None and inputs.buildings is not None and inputs.weather is not None
    records = [reading.as_dict() for reading in inputs.readings]
    versions = {name: version(name) for name in _VERSIONS}
    digest = hashlib.sha256(json.dumps([records, versions], sort_keys=True, default=str).encode()).hexdigest()
    offsets, official = data["anchor_offset"].values, data["official"].values
    suspect = data["time"].values[np.abs(offsets) > SUSPECT_OFFSET]
    manifest = {
        "run_id": new_run_id(created, digest),
        "created": created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "heatrisk": version("heatrisk"),
        "verdict": verdict.as_dict(),
        "city": {
            "name": city.names._asdict(),
            "sample": city.city.sample,
            "basemap": city.dashboard.basemap,
            "config": _config(city),
        },
        "attribution": _credits(inputs),
        "inputs": records,
        "versions": versions,
        "official": _official(inputs.weather.official, data),
        "anchor": {
            "anchored": data.attrs["anchored"] == "true",
            "official": _numbers(official),
            "offset": _numbers(offsets),
            "suspect": [f"{pd.Timestamp(when):%Y-%m-%dT%H:%M:%SZ}" for when in suspect],
        },
        "assumptions": [note.as_dict() for note in _assumptions(inputs, data)],
        "references": data.attrs["references"],
        "scene": {
            "hash": scene.hash,
            "buildings": len(inputs.buildings),
            "sub_cell": scene.fine_grid.cell_size,
            "halo": scene.halo * scene.grid.cell_size,
            "receptor_height": scene.receptor_height,
        },
    }
    return NewRun(
        data, manifest, build(data, LAYERS), to_geojson(inputs.shelters), _outlines(inputs.buildings, scene)
    )


def _credits(inputs: Inputs) -> list[dict[str, str]]:
    """Return the credit lines of a run: the publications it used, then the city's own."""
    city, weather = inputs.city.city, inputs.weather
    lines = [Words(text, text) for text in city.attribution]
    if city.sample or weather is None:
        return [line._asdict() for line in lines]
    if weather.source:
        lines.insert(0, Words(f"気象データ：{weather.source}", f"Weather: {weather.source}"))
    if weather.official is not None:
        source = weather.official.source
        english = _ENGLISH.get(source, source)
        lines.insert(0, Words(f"出典：{source}（予測値を加工して作成）", f"Source: {english} (edited)"))
    return [line._asdict() for line in lines]


def _config(city: City) -> dict[str, Any]:
    """Return the city file as plain values, with file names instead of this machine's paths."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return value.name if isinstance(value, Path) else value

    return dict(plain(city.model_dump(exclude_none=True)))


def _official(official: OfficialForecast | None, data: xr.Dataset) -> dict[str, Any] | None:
    """Return the official values at the steps of the run, as published."""
    if official is None:
        return None
    columns = official.times.get_indexer(pd.DatetimeIndex(data["time"].values))
    rows = zip(official.stations, official.weights, official.issued, official.values[:, columns], strict=True)
    return {
        "publication": official.source,
        "issued": f"{min(official.issued):%Y-%m-%dT%H:%M:%SZ}",
        "stations": [
            {
                "id": station.id,
                "name": station.name,
                "lon": station.lon,
                "lat": station.lat,
                "weight": weight,
                "issued": f"{issued:%Y-%m-%dT%H:%M:%SZ}",
                "values": _numbers(values),
            }
            for station, weight, issued, values in rows
        ],
    }


def _numbers(values: Any) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), 4) for value in values]


def _outlines(buildings: gpd.GeoDataFrame, scene: Scene) -> dict[str, Any]:
    """Return the buildings' outlines in degrees, for a map without base map."""
    west, south, east, north = scene.grid.bounds
    inside = buildings[buildings.intersects(shapely.box(west, south, east, north))]
    shapes = shapely.set_precision(inside.geometry.to_crs(WGS84).to_numpy(), 1e-6)
    features = [
        {
            "type": "Feature",
            "properties": {"height": round(float(height), 1)},
            "geometry": shapely.geometry.mapping(shape),
        }
        for shape, height in zip(shapes, inside["height"], strict=True)
        if not shape.is_empty
    ]
    return {"type": "FeatureCollection", "features": features}
