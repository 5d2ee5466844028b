"""heatrisk: sun-adjusted WBGT on a 5 m grid, served as a map with the town's cooling shelters.

The rooms of the house open when they are named: ``import heatrisk`` costs nothing,
``heatrisk.physics.wbgt`` loads numba, ``heatrisk.simulate`` loads the whole computation.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heatrisk import alerts as alerts
    from heatrisk import api as api
    from heatrisk import archive as archive
    from heatrisk import blocks as blocks
    from heatrisk import budget as budget
    from heatrisk import bulletin as bulletin
    from heatrisk import city as city
    from heatrisk import complaints as complaints
    from heatrisk import cube as cube
    from heatrisk import disk as disk
    from heatrisk import errors as errors
    from heatrisk import export as export
    from heatrisk import fields as fields
    from heatrisk import forcing as forcing
    from heatrisk import grid as grid
    from heatrisk import heat as heat
    from heatrisk import indices as indices
    from heatrisk import labels as labels
    from heatrisk import layers as layers
    from heatrisk import operation as operation
    from heatrisk import physics as physics
    from heatrisk import place as place
    from heatrisk import pyramid as pyramid
    from heatrisk import quantities as quantities
    from heatrisk import radiation as radiation
    from heatrisk import rasters as rasters
    from heatrisk import reports as reports
    from heatrisk import risk as risk
    from heatrisk import run as run
    from heatrisk import scene as scene
    from heatrisk import shelters as shelters
    from heatrisk import sources as sources
    from heatrisk import steps as steps
    from heatrisk import store as store
    from heatrisk import stored as stored
    from heatrisk import sunlight as sunlight
    from heatrisk import tiles as tiles
    from heatrisk import uncertainty as uncertainty
    from heatrisk import verdict as verdict
    from heatrisk import weather as weather
    from heatrisk import webhook as webhook
    from heatrisk import words as words
    from heatrisk import zonal as zonal
    from heatrisk.run import simulate as simulate

    __version__: str

_ROOMS = (
    "alerts",
    "api",
    "archive",
    "blocks",
    "budget",
    "bulletin",
    "city",
    "complaints",
    "cube",
    "disk",
    "errors",
    "export",
    "fields",
    "forcing",
    "grid",
    "heat",
    "indices",
    "labels",
    "layers",
    "operation",
    "physics",
    "place",
    "pyramid",
    "quantities",
    "radiation",
    "rasters",
    "reports",
    "risk",
    "run",
    "scene",
    "shelters",
    "sources",
    "steps",
    "store",
    "stored",
    "sunlight",
    "tiles",
    "uncertainty",
    "verdict",
    "weather",
    "webhook",
    "words",
    "zonal",
)


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # Found once: the next look-up does not come here.
        found = globals()[name] = import_module("importlib.metadata").version("heatrisk")
        return found
    if name == "simulate":
        return import_module("heatrisk.run").simulate
    if name in _ROOMS:
        return import_module(f"heatrisk.{name}")
    raise AttributeError(f"module 'heatrisk' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(("__version__", "simulate", *_ROOMS))
