"""A run with its manifest: where every number comes from, and whom to credit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from heatrisk.alerts import to_dict
from heatrisk.city import City
from heatrisk.grid import WGS84
from heatrisk.operation.kept import REPLAY, Beside, local, record
from heatrisk.run import SUSPECT_OFFSET
from heatrisk.scene import Scene
from heatrisk.shelters import to_geojson
from heatrisk.sources.areas import to_geojson as areas_to_geojson
from heatrisk.sources.inputs import Inputs, told
from heatrisk.sources.shelters.places import unresolved_csv
from heatrisk.sources.web import named
from heatrisk.store import NewRun, new_run_id
from heatrisk.stored import StoredRun
from heatrisk.tiles import build
from heatrisk.verdict import Verdict
from heatrisk.weather import OfficialForecast
from heatrisk.words import Note, Words

_NOTHING = Beside()

_VERSIONS = ("heatrisk", "numpy", "numba", "pvlib", "xarray", "zarr", "rasterio", "shapely", "pyproj")

_ENGLISH = {
    "環境省熱中症予防情報サイト": "Heat Illness Prevention Information, Ministry of the Environment of Japan"
}


def assumptions(inputs: Inputs, data: xr.Dataset) -> list[Note]:
    """Return what had to be assumed: for want of a file, and in the computation; of alerts nothing."""
    computed = json.loads(data.attrs["assumptions"])
    withheld = {note for reading in inputs.readings if reading.role == "alerts" for note in reading.notes}
    told = [note for note in inputs.notes if note not in withheld]
    return told + [Note(row["code"], Words(row["ja"], row["en"])) for row in computed]


def new_run(
    inputs: Inputs,
    data: xr.Dataset,
    verdict: Verdict,
    created: datetime,
    last: StoredRun | None = None,
    beside: Beside = _NOTHING,
    blocks: Iterable[xr.Dataset] | None = None,
) -> NewRun:
    """Gather a run with its manifest; the store adds what it knows itself.

    Parameters
    ----------
    inputs : Inputs
        What it was computed from; scene and weather are there.
    data : xarray.Dataset
        What :func:`heatrisk.simulate` returned, or what all cells share of it.
    verdict : Verdict
        How it went.
    created : datetime.datetime
        The clock, with zone; it names the run.
    last : StoredRun, optional
        The run before: files that it keeps are shared, not copied.
    beside : Beside
        What of the store went into it.
    blocks : iterable of xarray.Dataset, optional
        The fields block by block, where ``data`` does not bear them.
    """
    city, scene = inputs.city, inputs.scene
    assert scene is not None and inputs.buildings is not None and inputs.weather is not None
    # Of alerts nothing is public before its time; what was read of them is kept beside them.
    records = [reading.as_dict() for reading in inputs.readings if reading.role != "alerts"]
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
        "assumptions": [note.as_dict() for note in assumptions(inputs, data)],
        "lacking": [{"role": lack.role, **told(lack.role, lack.error)._asdict()} for lack in inputs.lacking],
        "references": data.attrs["references"],
        "scene": {
            "hash": scene.hash,
            "buildings": len(inputs.buildings),
            "sub_cell": scene.fine_grid.cell_size,
            "halo": scene.halo * scene.grid.cell_size,
            "receptor_height": scene.receptor_height,
        },
    }
    web = named(inputs.kept())
    originals = local(inputs, set(web), last)
    return NewRun(
        data,
        manifest,
        partial(build, credits=[line["ja"] for line in manifest["attribution"]]),
        to_geojson(inputs.shelters),
        _outlines(inputs.buildings, scene),
        inputs=web,
        documents=_documents(inputs) | {REPLAY: record(inputs, created, web, originals, beside)},
        originals=originals,
        blocks=blocks,
    )


def _documents(inputs: Inputs) -> dict[str, str]:
    """Return what else is kept with a run, as text by file name."""
    areas = {"population.geojson": inputs.population, "jurisdictions.geojson": inputs.jurisdictions}
    texts = {
        name: json.dumps(areas_to_geojson(frame), ensure_ascii=False, allow_nan=False)
        for name, frame in areas.items()
        if frame is not None
    }
    unplaced = unresolved_csv(inputs.shelters)
    if unplaced:
        texts["unresolved.csv"] = f"\ufeff{unplaced}"  # the mark by which spreadsheets know UTF-8
    if inputs.alerts is not None:
        # Not in the manifest: that is public at once, and a drill or an unpublished alert must not be.
        record = next(reading.as_dict() for reading in inputs.readings if reading.role == "alerts")
        texts["alerts_input.json"] = json.dumps(record, ensure_ascii=False)
        texts["alerts.json"] = json.dumps(to_dict(inputs.alerts), ensure_ascii=False)
    return texts


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
        what = {"forecast": "予測値", "observed": "実況値"}[weather.official.kind]
        lines.insert(0, Words(f"出典：{source}（{what}を加工して作成）", f"Source: {english} (edited)"))
    return [line._asdict() for line in lines]


def _config(city: City) -> dict[str, Any]:
    """Return the city file as plain values, with file names instead of this machine's paths."""
    config = city.model_dump(exclude_none=True, by_alias=True)
    config["store"] = {"path": city.store.path.name}
    # The manifest is public: not so the people behind it, nor an alert file whose name tells of a drill.
    config["city"].pop("contact")
    config["http"].pop("user_agent")
    config.get("alerts", {}).pop("path", None)
    return config


def _official(official: OfficialForecast | None, data: xr.Dataset) -> dict[str, Any] | None:
    """Return the official values at the steps of the run, as published."""
    if official is None:
        return None
    columns = official.times.get_indexer(pd.DatetimeIndex(data["time"].values))
    rows = zip(official.stations, official.weights, official.issued, official.values[:, columns], strict=True)
    return {
        "publication": official.source,
        "kind": official.kind,
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
