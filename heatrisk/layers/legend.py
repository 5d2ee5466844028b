"""The legend of a layer: colours with numbers, words, and marks that need no colour."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from heatrisk.layers.layer import CODE_FIRST, NO_DATA, Layer, LegendClass
from heatrisk.words import Words

PATTERNS = ("none", "dots", "horizontal", "diagonal", "vertical", "cross", "crosshatch")


def legend(layer: Layer, *, anchored: bool = True) -> dict[str, Any]:
    """Return the legend of a layer as plain JSON-ready values.

    Parameters
    ----------
    layer : Layer
        A row of :data:`heatrisk.layers.LAYERS`.
    anchored : bool
        Whether the run is anchored to an official forecast; where it is not, the description says so.

    Returns
    -------
    dict
        ``entries`` from low to high and ``no_data``, each with colour, alpha, number range, words in both
        languages, a mark (number) and a pattern that do not need colour; ``ramp`` with every colour drawn.
        Numbers are in ``units``.
    """
    return {
        "name": layer.name,
        "quantity": layer.quantity,
        "units": layer.units,
        "words": layer.words._asdict(),
        "description": layer.described(anchored)._asdict(),
        "entries": [_entry(layer, index, one) for index, one in enumerate(layer.classes)],
        "no_data": [
            {
                "code": code, "colour": _hex(rgba[:3]), "alpha": round(rgba[3] / 255, 3),
                "words": words._asdict(), "mark": "", "pattern": pattern,
            }
            for code, rgba, words, pattern in NO_DATA
        ],
        "ramp": [
            {"code": CODE_FIRST + i, "lower": _number(layer, one.lower), "colour": _hex(one.colour)}
            for i, one in enumerate(layer.bins)
        ],
    }  # fmt: skip


def _entry(layer: Layer, index: int, one: LegendClass) -> dict[str, Any]:
    return {
        "lower": _number(layer, one.lower),
        "upper": _number(layer, one.upper),
        "colour": _hex(one.colour),
        "alpha": 1.0,
        "words": one.words._asdict(),
        "advice": None if one.advice is None else one.advice._asdict(),
        "range_text": _range(layer, one)._asdict(),
        "mark": one.mark or str(index + 1),
        "pattern": PATTERNS[index],
    }


def _range(layer: Layer, one: LegendClass) -> Words:
    """Return the range in words, closed below as the official scales are."""
    factor = 100 if layer.percent else layer.factor
    sign = _SIGNS.get("%" if layer.percent else layer.unit, Words("", ""))
    lower, upper = f"{one.lower * factor:g}", f"{one.upper * factor:g}"
    if np.isinf(one.lower):
        return Words(f"{upper}{sign.ja}未満", f"below {upper}{sign.en}")
    if np.isinf(one.upper):
        return Words(f"{lower}{sign.ja}以上", f"{lower}{sign.en} or more")
    return Words(f"{lower}{sign.ja}以上{upper}{sign.ja}未満", f"{lower}{sign.en} to below {upper}{sign.en}")


_SIGNS = {"min": Words("分", " min"), "%": Words(" %", " %")}


def _number(layer: Layer, value: float) -> float | None:
    """Return a value in the unit of the legend; None at the open ends."""
    return round(value * layer.factor, 6) if np.isfinite(value) else None


def _hex(colour: Iterable[int]) -> str:
    return "#" + "".join(f"{one:02X}" for one in colour)
