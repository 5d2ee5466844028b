"""Risk classes: the two official Japanese scales of WBGT, as rows.

Classes are closed below: 28 is 厳重警戒, 31 is 危険. They belong to ``wbgt_moe``; the limits of ISO 7243
are another matter. Official alerts are never derived from them.

References
----------
.. [1] 日本生気象学会「日常生活における熱中症予防指針 Ver.4」.
.. [2] 日本スポーツ協会「スポーツ活動中の熱中症予防ガイドブック」.
.. [3] 環境省 熱中症予防情報サイト「暑さ指数とは」(wbgt.env.go.jp).
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
        Lowest WBGT that belongs to the class [degC]; ``-inf`` for the first.
    words : Words
        Official name.
    advice : Words
        What the scale asks people to do.
    colour : str
        ``#RRGGBB``.
    """

    code: str
    lower: float
    words: Words
    advice: Words
    colour: str


@dataclass(frozen=True)
class RiskScale:
    """A scale of risk classes over WBGT.

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

    def level(self, wbgt: float) -> Level | None:
        """Return the class of one value, or None for NaN."""
        index = int(classify(np.asarray(wbgt), self))
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

RISK_SCALES: dict[str, RiskScale] = {scale.name: scale for scale in (_DAILY, _SPORT)}


def classify(wbgt: npt.ArrayLike, scale: RiskScale) -> npt.NDArray[np.int8]:
    """Return the class index of each value.

    Parameters
    ----------
    wbgt : array_like
        WBGT in the MOE convention, any shape [degC].
    scale : RiskScale
        The scale to read.

    Returns
    -------
    numpy.ndarray of int8
        0 for the lowest class of the scale, -1 where ``wbgt`` is NaN.
    """
    values = np.asarray(wbgt)
    bounds = np.array([level.lower for level in scale.levels[1:]], dtype=values.dtype)
    index = np.searchsorted(bounds, values, side="right").astype(np.int8)
    return np.where(np.isnan(values), np.int8(-1), index)
