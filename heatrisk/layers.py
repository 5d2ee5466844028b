"""Layers: what is drawn on the map, one row each, from stored value to colour, number and words.

A picture holds one code a pixel: 0 outside the area, 1 building, 2 no value, and from 3 on the colours of the
layer. So no data, buildings and low values can never be mistaken for each other, down to the tile.
Colours of the risk classes are those of the scales in :mod:`heatrisk.risk`; every class also has a number, a
pattern and words, because colour alone tells some readers nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from heatrisk.cube import FILL, pack
from heatrisk.quantities import QUANTITIES
from heatrisk.risk import RISK_SCALES, RiskScale
from heatrisk.words import Words

CODE_OUTSIDE, CODE_BUILDING, CODE_MISSING, CODE_FIRST = 0, 1, 2, 3

#: Said of values that follow from the weather alone.
UNANCHORED = Words("公式の予測に合わせていません。", "Not anchored to an official forecast.")

#: Codes that stand for no value: code, red-green-blue-alpha, words, pattern.
NO_DATA: tuple[tuple[int, tuple[int, int, int, int], Words, str], ...] = (
    (CODE_OUTSIDE, (0, 0, 0, 0), Words("対象範囲外（標高不明を含む）", "outside, or ground unknown"), "none"),
    (CODE_BUILDING, (138, 138, 138, 120), Words("建物", "building"), "solid"),
    (CODE_MISSING, (190, 170, 205, 170), Words("値なし", "no value"), "sparse-dots"),
)

PATTERNS = ("none", "dots", "horizontal", "diagonal", "vertical", "cross", "crosshatch")

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Bin:
    """One colour of a layer: from ``lower`` (included) up to the next bin.

    Parameters
    ----------
    lower : float
        Lowest value of the bin, in the unit of the quantity; ``-inf`` for the first.
    colour : tuple of int
        Red, green, blue, 0 to 255.
    """

    lower: float
    colour: Colour


@dataclass(frozen=True)
class LegendClass:
    """One line of a legend.

    Parameters
    ----------
    lower, upper : float
        Values from ``lower`` (included) to ``upper`` (excluded); infinite at the ends.
    colour : tuple of int
        Red, green, blue that stand for the class.
    words : Words
        Name of the class.
    advice : Words, optional
        What the scale asks people to do.
    mark : str, optional
        What stands in the colour's field for those who cannot tell colours; the number of the class if
        omitted.
    """

    lower: float
    upper: float
    colour: Colour
    words: Words
    advice: Words | None = None
    mark: str = ""


@dataclass(frozen=True)
class Layer:
    """One layer of the map.

    Parameters
    ----------
    name : str
        Name in URLs.
    quantity : str
        Variable of the run whose values are drawn; a risk layer draws classes of ``wbgt_moe``, so that its
        overviews are the class of the mean and not a mean of classes.
    words, description : Words
        Short name, and what the layer shows.
    bins : tuple of Bin
        Colours from low to high, at most 253.
    classes : tuple of LegendClass
        Lines of the legend.
    percent : bool
        Numbers are shares and are shown in per cent.
    """

    name: str
    quantity: str
    words: Words
    description: Words
    bins: tuple[Bin, ...]
    classes: tuple[LegendClass, ...]
    percent: bool = False

    @property
    def units(self) -> str:
        """Unit of the values behind the colours."""
        return QUANTITIES[self.quantity].units

    @property
    def resolution(self) -> float:
        """Step at which the values are stored, in their unit."""
        return QUANTITIES[self.quantity].resolution or 0.01

    def described(self, anchored: bool) -> Words:
        """Return what the layer shows in a run that is, or is not, anchored to an official forecast."""
        if anchored or self.quantity != "wbgt_moe":
            return self.description
        return Words(
            f"{self.description.ja}{UNANCHORED.ja}", f"{self.description.en.rstrip('.')}. {UNANCHORED.en}"
        )

    @cached_property
    def palette(self) -> npt.NDArray[np.uint8]:
        """Red, green, blue, alpha of every code, shape (codes, 4)."""
        rows = [rgba for _, rgba, _, _ in NO_DATA] + [(*one.colour, 255) for one in self.bins]
        return np.array(rows, dtype=np.uint8)

    @cached_property
    def _table(self) -> npt.NDArray[np.uint8]:
        """Code of every packed 16-bit value, indexed by its unsigned reading."""
        packed = np.arange(65536, dtype=np.uint16).view(np.int16)
        values = packed / (1.0 / self.resolution)
        lowers = np.array([one.lower for one in self.bins[1:]])
        table = (CODE_FIRST + np.searchsorted(lowers, values, side="right")).astype(np.uint8)
        table[packed == FILL] = CODE_MISSING
        return table

    def codes(self, values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
        """Return the code of every value.

        Values are first rounded to the resolution at which they are stored, so that a picture, a stored value
        and a point answer agree to the last class.

        Parameters
        ----------
        values : numpy.ndarray
            Values of ``quantity``, any shape, in its unit; NaN is no value.

        Returns
        -------
        numpy.ndarray of uint8
            ``CODE_MISSING`` or ``CODE_FIRST`` + index of the bin.
        """
        return self.coded(pack(values, self.resolution))

    def coded(self, packed: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
        """Return the code of every value that is packed already at :attr:`resolution`."""
        return self._table.take(packed.view(np.uint16))


def _rgb(colour: str) -> Colour:
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def _ramp(stops: Iterable[tuple[float, float, str, str]], per_unit: int) -> tuple[Bin, ...]:
    """Return bins of equal width; each stop is (lower, upper, first colour, last colour), mixed linearly."""
    bins: list[Bin] = []
    for lower, upper, first, last in stops:
        count = round((upper - lower) * per_unit)
        mixed = np.rint(np.linspace(_rgb(first), _rgb(last), count)).astype(int)
        start = round(lower * per_unit)
        bins += [Bin((start + i) / per_unit, (int(r), int(g), int(b))) for i, (r, g, b) in enumerate(mixed)]
    return (Bin(-np.inf, bins[0].colour), *bins[1:])


# Shades within a class stay near the class colour; the hue jumps at 21, 25, 28, 31 (classes), 33 and 35.
_WBGT_STOPS = (
    (10.0, 21.0, "#0F4FA3", "#3C9BFF"),
    (21.0, 25.0, "#86C4FF", "#BDE0FF"),
    (25.0, 28.0, "#FFFCA0", "#F2DF00"),
    (28.0, 31.0, "#FFBE55", "#FF8200"),
    (31.0, 33.0, "#FF5A32", "#E11400"),
    (33.0, 35.0, "#D2006E", "#96005A"),
    (35.0, 40.0, "#6E0082", "#32003C"),
)

# Dark to light, readable without hue: indigo shade to pale sun.
_SUN_STOPS = ((0.0, 0.5, "#26275B", "#7D6F86"), (0.5, 1.0, "#8F7C82", "#FFF0A6"))

_SUN_CLASSES = (
    (0.0, 0.2, Words("ほとんど日陰", "almost all shade")),
    (0.2, 0.4, Words("日陰が多い", "mostly shade")),
    (0.4, 0.6, Words("日なたと日陰が半々", "half sun, half shade")),
    (0.6, 0.8, Words("日なたが多い", "mostly sun")),
    (0.8, 1.0, Words("ほとんど日なた", "almost all sun")),
)


# The classes of the UTCI scale; all cold stress is one class of a map made for heat.
_UTCI_STOPS = (
    (-1.0, 9.0, "#1F5FD0", "#A0D2FF"),
    (9.0, 26.0, "#C4E6C8", "#8FCB78"),
    (26.0, 32.0, "#FFFCA0", "#F2DF00"),
    (32.0, 38.0, "#FFBE55", "#FF8200"),
    (38.0, 46.0, "#FF5A32", "#C81400"),
    (46.0, 56.0, "#A0006E", "#46003C"),
)

# Dark to light: radiation from cool to glowing, readable without hue.
_TMRT_STOPS = (
    (15.0, 25.0, "#1D1147", "#3F0F72"),
    (25.0, 35.0, "#4F127B", "#812581"),
    (35.0, 45.0, "#9C2E7F", "#C83E73"),
    (45.0, 55.0, "#E05267", "#F4755C"),
    (55.0, 65.0, "#FA8F63", "#FEB77E"),
    (65.0, 75.0, "#FEC98D", "#FCFDBF"),
)
_TMRT_WORDS = (
    Words("弱い放射", "weak radiation"), Words("気温と同程度", "about as warm as the air"),
    Words("やや強い放射", "somewhat strong radiation"), Words("強い放射", "strong radiation"),
    Words("非常に強い放射", "very strong radiation"), Words("極端に強い放射", "extreme radiation"),
)  # fmt: skip


def _stops_layer(
    name: str, words: Words, description: Words, stops: tuple[tuple[float, float, str, str], ...],
    names: Iterable[Words], per_unit: int = 2,
) -> Layer:  # fmt: skip
    """Return a layer in °C whose classes are its stops, marked by their lower bounds.

    The numbers of the classes belong to the risk scales.
    """
    limits = (-np.inf, *(stop[0] for stop in stops[1:]), np.inf)
    classes = []
    for (lower, upper), stop, one in zip(pairwise(limits), stops, names, strict=True):
        red, green, blue = np.rint(np.mean([_rgb(stop[2]), _rgb(stop[3])], axis=0)).astype(int).tolist()
        mark = f"{lower:g}" if np.isfinite(lower) else f"<{upper:g}"
        classes.append(LegendClass(lower, upper, (red, green, blue), one, None, mark))
    return Layer(name, name, words, description, _ramp(stops, per_unit), tuple(classes))


def _utci() -> Layer:
    stress = [level.words for level in RISK_SCALES["utci"].levels if level.lower >= 9.0]
    return _stops_layer(
        "utci", Words("UTCI（体感温度）", "UTCI (felt temperature)"),
        Words(
            "人体の熱収支から求めた体感温度（UTCI）。前後90分の平均。公式の値ではありません。",
            "Felt temperature from the heat balance of the body (UTCI), mean of 3 hours around the time. Not"
            " official.",
        ),
        _UTCI_STOPS, [Words("寒冷ストレス", "Cold stress"), *stress],
    )  # fmt: skip


def _tmrt() -> Layer:
    return _stops_layer(
        "tmrt", Words("平均放射温度", "Mean radiant temperature"),
        Words(
            "立っている人が日射と周囲の熱から受ける放射の強さ（温度で表示）。前後90分の平均。",
            "Radiation of sun and surroundings on a standing person, as a temperature; mean of 3 hours.",
        ),
        _TMRT_STOPS, _TMRT_WORDS,
    )  # fmt: skip


def _wbgt() -> Layer:
    levels = [RISK_SCALES["daily"].level(stop[0]) for stop in _WBGT_STOPS]
    return _stops_layer(
        "wbgt_moe", Words("暑さ指数（参考値）", "WBGT (reference value)"),
        Words(
            "日なた・日陰を考慮した暑さ指数（WBGT、環境省方式）。前後90分の平均。公式の予測値ではありません。",
            "Sun-adjusted WBGT (Japanese practice), mean of 3 hours around the time. Not official.",
        ),
        _WBGT_STOPS, [level.words for level in levels if level is not None], per_unit=5,
    )  # fmt: skip


def _risk(name: str, scale: RiskScale) -> Layer:
    limits = (*(level.lower for level in scale.levels), np.inf)
    return Layer(
        name, "wbgt_moe",
        Words(f"熱中症の危険度（{scale.words.ja}）", f"Heat-stroke risk ({scale.words.en})"),
        Words(
            f"暑さ指数（参考値）の区分。出典：{scale.source}。",
            f"Class of the WBGT reference value. Scale: {scale.source}.",
        ),
        tuple(Bin(level.lower, _rgb(level.colour)) for level in scale.levels),
        tuple(
            LegendClass(lower, upper, _rgb(level.colour), level.words, level.advice)
            for level, (lower, upper) in zip(scale.levels, pairwise(limits), strict=True)
        ),
    )  # fmt: skip


def _sunlit() -> Layer:
    bins = _ramp(_SUN_STOPS, per_unit=20)
    colours = [bins[round(20 * (lower + upper) / 2)].colour for lower, upper, _ in _SUN_CLASSES]
    return Layer(
        "sunlit", "sunlit",
        Words("日なたの割合", "Share of sun"),
        Words(
            "前後90分のうち、屋外の地面に直射日光の当たる時間の割合（木陰は日陰に数えます）。雲は考慮していません。",
            "Share of the 3 hours around the time with direct sun on the outdoor ground; "
            "the shade of trees counts as shade, clouds are left aside.",
        ),
        bins,
        tuple(
            LegendClass(lower, np.inf if upper == 1.0 else upper, colour, words)
            for (lower, upper, words), colour in zip(_SUN_CLASSES, colours, strict=True)
        ),
        percent=True,
    )  # fmt: skip


_ROWS = (
    _wbgt(), _risk("risk", RISK_SCALES["daily"]), _risk("risk_sport", RISK_SCALES["sport"]), _sunlit(),
    _utci(), _tmrt(),
)  # fmt: skip

LAYERS: dict[str, Layer] = {row.name: row for row in _ROWS}


def legend(layer: Layer, *, anchored: bool = True) -> dict[str, Any]:
    """Return the legend of a layer as plain JSON-ready values.

    Parameters
    ----------
    layer : Layer
        A row of :data:`LAYERS`.
    anchored : bool
        Whether the run is anchored to an official forecast; where it is not, the description says so.

    Returns
    -------
    dict
        ``entries`` from low to high and ``no_data``, each with colour, alpha, number range, words in both
        languages, a mark (number) and a pattern that do not need colour; ``ramp`` with every colour drawn.
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
            {"code": CODE_FIRST + i, "lower": _finite(one.lower), "colour": _hex(one.colour)}
            for i, one in enumerate(layer.bins)
        ],
    }  # fmt: skip


def _entry(layer: Layer, index: int, one: LegendClass) -> dict[str, Any]:
    return {
        "lower": _finite(one.lower),
        "upper": _finite(one.upper),
        "colour": _hex(one.colour),
        "alpha": 1.0,
        "words": one.words._asdict(),
        "advice": None if one.advice is None else one.advice._asdict(),
        "range_text": _range(one, layer.percent)._asdict(),
        "mark": one.mark or str(index + 1),
        "pattern": PATTERNS[index],
    }


def _range(one: LegendClass, percent: bool) -> Words:
    """Return the range in words, closed below as the official scales are."""
    factor, sign = (100, " %") if percent else (1, "")
    lower, upper = f"{one.lower * factor:g}{sign}", f"{one.upper * factor:g}{sign}"
    if np.isinf(one.lower):
        return Words(f"{upper}未満", f"below {upper}")
    if np.isinf(one.upper):
        return Words(f"{lower}以上", f"{lower} or more")
    return Words(f"{lower}以上{upper}未満", f"{lower} to below {upper}")


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _hex(colour: Iterable[int]) -> str:
    return "#" + "".join(f"{one:02X}" for one in colour)
