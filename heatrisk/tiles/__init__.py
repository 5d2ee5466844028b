"""Map tiles: from the fields of a run to a Web Mercator pyramid of codes, and from codes to PNG bytes.

All geometry happens once, when a run is made. Serving a tile is a slice of a memory-mapped array and a small
deflate; there is no warping, no decoding and no colour arithmetic per request. Tiles of values, for maps that
colour themselves, are cut from the fields when they are asked for.
"""

from __future__ import annotations

from heatrisk.tiles.building import DEFAULT_LAYERS, build, cell_of_pixel, levels_over, position_of_pixel
from heatrisk.tiles.images import png, rgb
from heatrisk.tiles.serving import located, picture, render, tilejson
from heatrisk.tiles.values import offered, value_tile, value_tilejson

__all__ = [
    "DEFAULT_LAYERS",
    "build",
    "cell_of_pixel",
    "levels_over",
    "located",
    "offered",
    "picture",
    "png",
    "position_of_pixel",
    "render",
    "rgb",
    "tilejson",
    "value_tile",
    "value_tilejson",
]
