"""Risk classes: the two official Japanese scales of WBGT and the stress scale of UTCI, as rows.

Classes are closed below: 28 is 厳重警戒, 31 is 危険. Those of WBGT belong to ``wbgt_moe``; the limits of
ISO 7243 are another matter. Official alerts are never derived from them.

References
----------
.. [1] 日本生気象学会「日常生活における熱中症予防指針 Ver.4」.
.. [2] 日本スポーツ協会「スポーツ活動中の熱中症予防ガイドブック」.
.. [3] 環境省 熱中症予防情報サイト「暑さ指数とは」(wbgt.env.go.jp).
.. [4] P. Bröde et al. (2012), Int. J. Biometeorol. 56, 481-494, table 3: assessment scale of UTCI.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heatrisk.words import Words


@dataclass(frozen=True)
class Level:
    """One class of a risk scale.

    Parameters
    ----------
    code : str
        Stable identifier.
    lower : float
        Lowest value that belongs to the class [degC]; ``-inf`` for the first.
    words : Words
        Official name.
    advice : Words or None
        What the scale asks people to do; None where it asks nothing.
    colour : str
        ``#RRGGBB``.
    """

    code: str
    lower: float
    words: Words
    advice: Words | None
    colour: str


@dataclass(frozen=True)
class RiskScale:
    """A scale of risk classes over a heat index.

    Parameters
    ----------
    name : str
        Key in :data:`RISK_SCALES`.
    words : Words
        Name for people.
    source : str
        Publication that defines the classes.
    levels : tuple of Level
        From the lowest to the highest class.
    """

    name: str
    words: Words
    source: str
    levels: tuple[Level, ...]

    def level(self, value: float) -> Level | None:
        """Return the class of one value, or None for NaN."""
        index = int(classify(np.asarray(value), self))
        return None if index < 0 else self.levels[index]


_BLUE, _LIGHT_BLUE, _YELLOW, _ORANGE, _RED = "#218CFF", "#A0D2FF", "#FAF500", "#FF9600", "#FF2800"

_DAILY = RiskScale(
    "daily",
    Words("日常生活", "daily life"),
    "日本生気象学会 日常生活における熱中症予防指針 Ver.4",
    (
        Level(
            "caution",
            -np.inf,
            Words("注意", "Caution"),
            Words(
                "一般に危険性は少ないですが、激しい運動や重労働時には発生する危険性があります。",
                "The risk is generally low, but it exists during hard exercise or heavy labour.",
            ),
            _LIGHT_BLUE,
        ),
        Level(
            "warning",
            25.0,
            Words("警戒", "Warning"),
            Words(
                "運動や激しい作業をする際は、定期的に十分に休息を取り入れてください。",
                "Take regular, sufficient rests during exercise or hard work.",
            ),
            _YELLOW,
        ),
        Level(
            "severe_warning",
            28.0,
            Words("厳重警戒", "Severe warning"),
            Words(
                "外出時は炎天下を避け、室内では室温の上昇に注意してください。",
                "Avoid the blazing sun outdoors, and watch the room temperature indoors.",
            ),
            _ORANGE,
        ),
        Level(
            "danger",
            31.0,
            Words("危険", "Danger"),
            Words(
                "高齢者は安静状態でも危険です。外出はなるべく避け、涼しい室内に移動してください。",
                "Older people are at risk even at rest. Avoid going out and move to a cool room.",
            ),
            _RED,
        ),
    ),
)

_SPORT = RiskScale(
    "sport",
    Words("運動", "sport"),
    "日本スポーツ協会 熱中症予防運動指針",
    (
        Level(
            "almost_safe",
            -np.inf,
            Words("ほぼ安全", "Almost safe"),
            Words("適宜水分を補給してください。", "Drink water as needed."),
            _BLUE,
        ),
        Level(
            "caution",
            21.0,
            Words("注意", "Caution"),
            Words("積極的に水分を補給してください。", "Drink water actively."),
            _LIGHT_BLUE,
        ),
        Level(
            "warning",
            25.0,
            Words("警戒", "Warning"),
            Words("積極的に休憩をとってください。", "Rest actively."),
            _YELLOW,
        ),
        Level(
            "severe_warning",
            28.0,
            Words("厳重警戒", "Severe warning"),
            Words("激しい運動は中止してください。", "Stop hard exercise."),
            _ORANGE,
        ),
        Level(
            "danger",
            31.0,
            Words("危険", "Danger"),
            Words("運動は原則中止してください。", "As a rule, stop exercising."),
            _RED,
        ),
    ),
)

# The published scale has no colours and asks nothing of people; its hot half wears the colours of WBGT.
_UTCI = RiskScale(
    "utci",
    Words("UTCI の熱ストレス", "thermal stress by UTCI"),
    "Bröde et al. (2012), Int. J. Biometeorol. 56, 481-494",
    tuple(
        Level(code, lower, words, None, colour)
        for code, lower, words, colour in (
            ("extreme_cold", -np.inf, Words("極端な寒冷ストレス", "Extreme cold stress"), "#0A1F6B"),
            (
                "very_strong_cold",
                -40.0,
                Words("非常に強い寒冷ストレス", "Very strong cold stress"),
                "#12359A",
            ),
            ("strong_cold", -27.0, Words("強い寒冷ストレス", "Strong cold stress"), "#1A50C8"),
            ("moderate_cold", -13.0, Words("中程度の寒冷ストレス", "Moderate cold stress"), _BLUE),
            ("slight_cold", 0.0, Words("軽度の寒冷ストレス", "Slight cold stress"), _LIGHT_BLUE),
            ("none", 9.0, Words("熱ストレスなし", "No thermal stress"), "#B4E08C"),
            ("moderate_heat", 26.0, Words("中程度の暑熱ストレス", "Moderate heat stress"), _YELLOW),
            ("strong_heat", 32.0, Words("強い暑熱ストレス", "Strong heat stress"), _ORANGE),
            ("very_strong_heat", 38.0, Words("非常に強い暑熱ストレス", "Very strong heat stress"), _RED),
            ("extreme_heat", 46.0, Words("極端な暑熱ストレス", "Extreme heat stress"), "#96005A"),
        )
    ),
)

RISK_SCALES: dict[str, RiskScale] = {scale.name: scale for scale in (_DAILY, _SPORT, _UTCI)}

_AT_ONCE = 1 << 16  # values that stay in the cache while one level after another is asked

#: ``wbgt_moe`` from which the highest class of daily life begins [degC].
DANGER: float = _DAILY.levels[-1].lower


def classify(value: npt.ArrayLike, scale: RiskScale) -> npt.NDArray[np.int8]:
    """Return the class index of each value.

    Parameters
    ----------
    value : array_like
        The index that the scale is made for, any shape [degC].
    scale : RiskScale
        The scale to read.

    Returns
    -------
    numpy.ndarray of int8
        0 for the lowest class of the scale, -1 where the value is NaN.
    """
    values = np.asarray(value)
    index = np.full(values.shape, -1, np.int8)
    flat, classes = values.reshape(-1), index.reshape(-1)
    for begin in range(0, flat.size, _AT_ONCE):
        some = flat[begin : begin + _AT_ONCE]
        for level in scale.levels:
            # NaN belongs to no class, not even the lowest.
            classes[begin : begin + _AT_ONCE] += (some >= level.lower).view(np.int8)
    return index
