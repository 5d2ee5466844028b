"""The folder as a SpatioTemporal Asset Catalog of files, each named relative to where it is told."""

from __future__ import annotations

from typing import Any

from heatrisk.api import answers
from heatrisk.api.ogc import link
from heatrisk.api.params import GEOJSON
from heatrisk.api.stac import VERSION, asset, described
from heatrisk.layers import Layer
from heatrisk.quantities import QUANTITIES
from heatrisk.stored import StoredRun

_PMTILES, _COG = "application/vnd.pmtiles", "image/tiff; application=geotiff; profile=cloud-optimized"


def item(run: StoredRun, rows: list[Layer], images: dict[str, str], netcdf: bool) -> dict[str, Any]:
    """Return the STAC item of a run's folder.

    Parameters
    ----------
    run : StoredRun
        The run.
    rows : list of Layer
        Its exported layers.
    images : dict
        Quantity of each GeoTIFF, by its path in the folder ``cog``.
    netcdf : bool
        Whether the fields are there as NetCDF.
    """
    links = [
        link("../../catalog.json", "root"),
        link("../../catalog.json", "parent"),
        link("item.json", "self", "", GEOJSON),
    ]
    assets = {
        "manifest": asset("run.json", "Manifest", "metadata"),
        "shelters": asset("shelters.geojson", "Cooling shelters", "data", GEOJSON),
        "shelters-tiles": asset("shelters.pmtiles", "Cooling shelters, vector tiles", "data", _PMTILES),
        "buildings": asset("buildings.geojson", "Outlines of the buildings", "data", GEOJSON),
        "values": asset("series.pmtiles", "Values of every place over time", "data", _PMTILES),
    }
    for row in rows:
        assets[f"tiles-{row.name}"] = asset(f"tiles/{row.name}/tilejson.json", row.words.en, "visual")
    for path, name in images.items():
        title = f"{QUANTITIES[name].words.en}, {path.rpartition('/')[2].removesuffix('.tif')}"
        assets[path.removesuffix(".tif").replace("/", "-")] = asset(f"cog/{path}", title, "data", _COG)
    if netcdf:
        assets["fields"] = asset("fields.nc", "All fields", "data", "application/x-netcdf")
    return described(run, links, assets)


def catalogue(folders: dict[str, str]) -> dict[str, Any]:
    """Return the STAC catalogue of an exported site.

    Parameters
    ----------
    folders : dict
        Title of every run, by its folder relative to the catalogue, with trailing slash.
    """
    return {
        "type": "Catalog",
        "stac_version": VERSION,
        "id": "heatrisk",
        "title": "heatrisk",
        "description": answers.REFERENCE.en,
        "links": [
            link("catalog.json", "root"),
            link("catalog.json", "self"),
            *(link(f"{folder}item.json", "item", title, GEOJSON) for folder, title in folders.items()),
        ],
    }
