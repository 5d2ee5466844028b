"""The layers, one row each: palette, legend and words."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from heatrisk.layers.layer import Bin, Colour, Layer, LegendClass
from heatrisk.risk import RISK_SCALES, RiskScale
from heatrisk.words import Words

#: Minutes that a sunlit share of 1 stands for: all of the 3 hours of a step.
STEP_MINUTES = 180


class Stop(NamedTuple):
    """A stretch of a palette: from ``lower`` to ``upper``, colours mixed linearly."""

    lower: float
    upper: float
    first: str
    last: str


def _rgb(colour: str) -> Colour:
    return (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))


def _ramp(stops: Iterable[Stop], per_unit: int) -> tuple[Bin, ...]:
    """Return bins of equal width."""
    bins: list[Bin] = []
    for lower, upper, first, last in stops:
        count = round((upper - lower) * per_unit)
        mixed = np.rint(np.linspace(_rgb(first), _rgb(last), count)).astype(int)
        start = round(lower * per_unit)
        bins += [Bin((start + i) / per_unit, (int(r), int(g), int(b))) for i, (r, g, b) in enumerate(mixed)]
    return (Bin(-np.inf, bins[0].colour), *bins[1:])


# Shades within a class stay near the class colour; the hue jumps at 21, 25, 28, 31 (classes), 33 and 35.
_WBGT_STOPS = (
    Stop(10.0, 21.0, "#0F4FA3", "#3C9BFF"),
    Stop(21.0, 25.0, "#86C4FF", "#BDE0FF"),
    Stop(25.0, 28.0, "#FFFCA0", "#F2DF00"),
    Stop(28.0, 31.0, "#FFBE55", "#FF8200"),
    Stop(31.0, 33.0, "#FF5A32", "#E11400"),
    Stop(33.0, 35.0, "#D2006E", "#96005A"),
    Stop(35.0, 40.0, "#6E0082", "#32003C"),
)

# Light to dark, and no colour of the Japanese classes, which do not belong to this index.
_ISO_STOPS = (
    Stop(13.0, 19.0, "#FFFDE6", "#F4F3C2"),
    Stop(19.0, 22.0, "#E3ECB4", "#C7E2AE"),
    Stop(22.0, 25.0, "#A9D8B0", "#86CAB5"),
    Stop(25.0, 28.0, "#66B8BA", "#4BA2BB"),
    Stop(28.0, 31.0, "#3A8AB5", "#3270A8"),
    Stop(31.0, 34.0, "#315796", "#30407F"),
    Stop(34.0, 40.0, "#2B2C66", "#150F33"),
)
_ISO_WORDS = (
    Words("非常に低い", "very low"), Words("低い", "low"), Words("やや低い", "rather low"),
    Words("中くらい", "medium"), Words("やや高い", "rather high"), Words("高い", "high"),
    Words("非常に高い", "very high"),
)  # fmt: skip

# Dark to light, readable without hue: indigo shade to pale sun.
_SUN_STOPS = (Stop(0.0, 0.5, "#26275B", "#7D6F86"), Stop(0.5, 1.0, "#8F7C82", "#FFF0A6"))

_SUN_CLASSES = (
    (0.0, 0.2, Words("ほとんど日陰", "almost all shade")),
    (0.2, 0.4, Words("日陰が多い", "mostly shade")),
    (0.4, 0.6, Words("日なたと日陰が半々", "half sun, half shade")),
    (0.6, 0.8, Words("日なたが多い", "mostly sun")),
    (0.8, 1.0, Words("ほとんど日なた", "almost all sun")),
)
# The same colours in whole half hours.
_MINUTE_CLASSES = (
    (0.0, 1 / 6, Words("ほとんど日陰", "almost all shade")),
    (1 / 6, 1 / 3, Words("日陰が多い", "mostly shade")),
    (1 / 3, 2 / 3, Words("日なたと日陰が半々", "half sun, half shade")),
    (2 / 3, 5 / 6, Words("日なたが多い", "mostly sun")),
    (5 / 6, 1.0, Words("ほとんど日なた", "almost all sun")),
)

# The classes of the UTCI scale; all cold stress is one class of a map made for heat.
_UTCI_STOPS = (
    Stop(-1.0, 9.0, "#1F5FD0", "#A0D2FF"),
    Stop(9.0, 26.0, "#C4E6C8", "#8FCB78"),
    Stop(26.0, 32.0, "#FFFCA0", "#F2DF00"),
    Stop(32.0, 38.0, "#FFBE55", "#FF8200"),
    Stop(38.0, 46.0, "#FF5A32", "#C81400"),
    Stop(46.0, 56.0, "#A0006E", "#46003C"),
)

# Dark to light: radiation from cool to glowing, readable without hue.
_TMRT_STOPS = (
    Stop(15.0, 25.0, "#1D1147", "#3F0F72"),
    Stop(25.0, 35.0, "#4F127B", "#812581"),
    Stop(35.0, 45.0, "#9C2E7F", "#C83E73"),
    Stop(45.0, 55.0, "#E05267", "#F4755C"),
    Stop(55.0, 65.0, "#FA8F63", "#FEB77E"),
    Stop(65.0, 75.0, "#FEC98D", "#FCFDBF"),
)
_TMRT_WORDS = (
    Words("弱い放射", "weak radiation"), Words("気温と同程度", "about as warm as the air"),
    Words("やや強い放射", "somewhat strong radiation"), Words("強い放射", "strong radiation"),
    Words("非常に強い放射", "very strong radiation"), Words("極端に強い放射", "extreme radiation"),
)  # fmt: skip

# Limits and English words of the IPCC's likelihood scale (AR6 WG I, box 1.1); light to dark.
_CHANCE_STOPS = (
    Stop(0.0, 0.1, "#F7F4EF", "#EFE3D3"),
    Stop(0.1, 0.33, "#EBCFAE", "#E3AE86"),
    Stop(0.33, 0.66, "#D98A6B", "#C05A62"),
    Stop(0.66, 0.9, "#A63E66", "#7A2468"),
    Stop(0.9, 1.0, "#611A60", "#3A0C45"),
)
_CHANCE_WORDS = (
    Words("可能性は非常に低い", "very unlikely"), Words("可能性は低い", "unlikely"),
    Words("どちらともいえない", "about as likely as not"), Words("可能性が高い", "likely"),
    Words("可能性が非常に高い", "very likely"),
)  # fmt: skip


def _stops_layer(
    layer: tuple[str, Words, Words], stops: tuple[Stop, ...], names: Iterable[Words], per_unit: int = 2
) -> Layer:
    """Return a layer in °C whose classes are its stops, marked by their lower bounds.

    The numbers of the classes belong to the risk scales.
    """
    limits = (-np.inf, *(stop.lower for stop in stops[1:]), np.inf)
    classes = []
    for (lower, upper), stop, one in zip(pairwise(limits), stops, names, strict=True):
        mark = f"{lower:g}" if np.isfinite(lower) else f"<{upper:g}"
        classes.append(LegendClass(lower, upper, _middle(stop), one, None, mark))
    name, words, description = layer
    return Layer(name, name, words, description, _ramp(stops, per_unit), tuple(classes))


def _middle(stop: Stop) -> Colour:
    mean = np.rint(np.mean([_rgb(stop.first), _rgb(stop.last)], axis=0)).astype(int)
    red, green, blue = mean.tolist()
    return red, green, blue


def _wbgt(name: str, words: Words, description: Words) -> Layer:
    levels = [RISK_SCALES["daily"].level(stop.lower) for stop in _WBGT_STOPS]
    names = [level.words for level in levels if level is not None]
    return _stops_layer((name, words, description), _WBGT_STOPS, names, per_unit=5)


_MOE = _wbgt(
    "wbgt_moe", Words("暑さ指数（参考値）", "WBGT (reference value)"),
    Words(
        "日なた・日陰を考慮した暑さ指数（WBGT、環境省方式）。その時間帯の平均。公式の予測値ではありません。",
        "Sun-adjusted WBGT (Japanese practice), mean over the time step. Not official.",
    ),
)  # fmt: skip
_SHADE = _wbgt(
    "wbgt_moe_shade", Words("日陰側の暑さ指数（参考値）", "WBGT on the shady side (reference value)"),
    Words(
        "同じ道の日陰側を歩いた場合の暑さ指数（WBGT、環境省方式）。その時間帯の平均。公式の予測値ではありません。",
        "WBGT (Japanese practice) on the shady side of the same street, mean over the time step."
        " Not official.",
    ),
)  # fmt: skip
_ISO = _stops_layer(
    (
        "wbgt_iso", Words("湿球黒球温度（ISO 7243）", "WBGT after ISO 7243"),
        Words(
            "国際規格 ISO 7243 による値（時間帯の平均）。環境省の区分（28、31など）はこの値には使えません。",
            "After the international standard, mean over the time step. "
            "The classes of Japanese practice (28, 31, …) do not belong to it.",
        ),
    ),
    _ISO_STOPS, _ISO_WORDS, per_unit=5,
)  # fmt: skip
_UTCI = _stops_layer(
    (
        "utci", Words("UTCI（体感温度）", "UTCI (felt temperature)"),
        Words(
            "人体の熱収支から求めた体感温度（UTCI）。その時間帯の平均。公式の値ではありません。",
            "Felt temperature from the heat balance of the body (UTCI), mean over the time step. Not"
            " official.",
        ),
    ),
    _UTCI_STOPS,
    [
        Words("寒冷ストレス", "Cold stress"),
        *(level.words for level in RISK_SCALES["utci"].levels if level.lower >= 9.0),
    ],
)  # fmt: skip
_TMRT = _stops_layer(
    (
        "tmrt", Words("平均放射温度", "Mean radiant temperature"),
        Words(
            "立っている人が日射と周囲の熱から受ける放射の強さ（温度で表示）。その時間帯の平均。",
            "Radiation of sun and surroundings on a standing person, as a temperature; mean over the step.",
        ),
    ),
    _TMRT_STOPS, _TMRT_WORDS,
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


_SUN = _ramp(_SUN_STOPS, per_unit=20)


def _shares(classes: tuple[tuple[float, float, Words], ...]) -> tuple[LegendClass, ...]:
    """Return the lines of a legend of shares; the last is closed above."""
    colours = [_SUN[int(20 * (lower + upper) / 2)].colour for lower, upper, _ in classes]
    return tuple(
        LegendClass(lower, np.inf if upper == 1.0 else upper, colour, words)
        for (lower, upper, words), colour in zip(classes, colours, strict=True)
    )


_SUNLIT = Layer(
    "sunlit", "sunlit",
    Words("日なたの割合", "Share of sun"),
    Words(
        "その時間帯のうち、屋外の地面に直射日光の当たる時間の割合（木陰は日陰に数えます）。雲は考慮していません。",
        "Share of the time step with direct sun on the outdoor ground; "
        "the shade of trees counts as shade, clouds are left aside.",
    ),
    _SUN, _shares(_SUN_CLASSES), percent=True,
)  # fmt: skip
_SUNLIT_MINUTES = Layer(
    "sunlit_minutes", "sunlit",
    Words("日なたの時間", "Minutes of sun"),
    Words(
        "180分間のうち、屋外の地面に直射日光の当たる分数（木陰は日陰に数えます）。雲は考慮していません。",
        "Minutes, out of 180, with direct sun on the outdoor ground; "
        "the shade of trees counts as shade, clouds are left aside.",
    ),
    _SUN, _shares(_MINUTE_CLASSES), factor=STEP_MINUTES, unit="min",
)  # fmt: skip


def _chance() -> Layer:
    limits = (-np.inf, *(stop.lower for stop in _CHANCE_STOPS[1:]), np.inf)
    pairs = zip(pairwise(limits), _CHANCE_STOPS, _CHANCE_WORDS, strict=True)
    return Layer(
        "p_danger", "p_danger",
        Words("「危険」（31以上）となる確率", "Chance of “danger” (31 or more)"),
        Words(
            "暑さ指数（環境省方式）が31以上となる確率。予測と計算の不確かさから求めた参考値です。",
            "Probability that WBGT is 31 or more, from the uncertainty of forecast and computation."
            " Not official.",
        ),
        _ramp(_CHANCE_STOPS, per_unit=100),
        tuple(LegendClass(*ends, _middle(stop), words) for ends, stop, words in pairs),
        percent=True,
    )  # fmt: skip


LAYERS: dict[str, Layer] = {
    row.name: row
    for row in (
        _MOE, _risk("risk", RISK_SCALES["daily"]), _risk("risk_sport", RISK_SCALES["sport"]), _SUNLIT,
        _SUNLIT_MINUTES, _SHADE, _chance(), _TMRT, _UTCI, _ISO,
    )
}  # fmt: skip
