"""Map tiles: from the fields of a run to a Web Mercator pyramid of codes, and from codes to PNG bytes.

Everything happens once, when a run is made: a served tile is a slice of a memory-mapped file. Tiles of
values, for maps that colour themselves, are cut from the fields when they are asked for.

``build`` loads numba when it is named: who only serves tiles does without.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from heatrisk.pyramid import TILE
from heatrisk.tiles.building import cell_of_pixel, levels_over, position_of_pixel
from heatrisk.tiles.images import png, rgb, true_colour, webp
from heatrisk.tiles.serving import layers_of, located, picture, render, row_of, tilejson, whole
from heatrisk.tiles.values import offered, value_tile, value_tilejson

if TYPE_CHECKING:
    from heatrisk.tiles.drawing import build

__all__ = [
    "TILE",
    "build",
    "cell_of_pixel",
    "layers_of",
    "levels_over",
    "located",
    "offered",
    "picture",
    "png",
    "position_of_pixel",
    "render",
    "rgb",
    "row_of",
    "tilejson",
    "true_colour",
    "value_tile",
    "value_tilejson",
    "webp",
    "whole",
]


def __getattr__(name: str) -> Any:
    if name == "build":
        return import_module("heatrisk.tiles.drawing").build
    raise AttributeError(f"module 'heatrisk.tiles' has no attribute {name!r}")
