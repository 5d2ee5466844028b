"""Layers: what is drawn on the map, one row each, from stored value to colour, number and words.

A picture holds one code a pixel: 0 outside the area, 1 building, 2 no value, and from 3 on the colours of the
layer. So no data, buildings and low values can never be mistaken for each other, down to the tile.
Colours of the risk classes are those of the scales in :mod:`heatrisk.risk`; every class also has a number, a
pattern and words, because colour alone tells some readers nothing.
"""

from __future__ import annotations

from heatrisk.layers.layer import (
    CODE_BUILDING,
    CODE_FIRST,
    CODE_MISSING,
    CODE_OUTSIDE,
    NO_DATA,
    Bin,
    Layer,
    LegendClass,
)
from heatrisk.layers.legend import legend
from heatrisk.layers.rows import LAYERS

__all__ = [
    "CODE_BUILDING",
    "CODE_FIRST",
    "CODE_MISSING",
    "CODE_OUTSIDE",
    "LAYERS",
    "NO_DATA",
    "Bin",
    "Layer",
    "LegendClass",
    "legend",
]
