"""The causes of uncertainty in words: those that are counted, and those that are left out."""

from __future__ import annotations

from typing import Final, NamedTuple

from heatrisk.words import Words


class Term(NamedTuple):
    """One cause of uncertainty, for people.

    Parameters
    ----------
    name : str
        Stable identifier.
    words : Words
        What it is.
    source : str
        Where its number comes from; of a term that is left out, why.
    """

    name: str
    words: Words
    source: str


TERMS: Final = (
    Term(
        "forecast",
        Words(
            "公式予測の気温の誤差（発表からの時間による）",
            "the official forecast's air temperature, by lead time",
        ),
        "気象庁「天気予報の検証結果」2007-07, 2010-09; Ono & Tonouchi (2014)",
    ),
    Term(
        "station",
        Words(
            "公式値の推定誤差（黒球温度を測らない地点）",
            "the official value's estimate where no globe is read",
        ),
        "American Meteorological Society, 91st Annual Meeting (2011), abstract 181591",
    ),
    Term(
        "surface",
        Words("地表面温度の誤差", "temperature of the ground"),
        "upward long-wave radiation at Kronenhuset (Lindberg et al. 2008), one site; ISO 7726:1998",
    ),
    Term(
        "split",
        Words("直達・散乱日射の分離の誤差", "split of global radiation into direct and diffuse"),
        "Abal et al. (2017), a lower bound",
    ),
    Term(
        "edge",
        Words("日影の縁の位置の誤差", "position of the edge of a shadow"),
        "derived from the widths of cell and sub-cell",
    ),
)

LEFT_OUT: Final = tuple(
    Term(name, Words(ja, en), why)
    for name, ja, en, why in (
        ("humidity", "湿度の予測誤差", "forecast of humidity", "no published verification could be read"),
        ("cloud", "雲と全天日射量の予測誤差", "forecast of clouds and global radiation",
         "no published verification by lead time could be read"),
        ("later_days", "翌々日以降の予測誤差の増加", "growth of the forecast's error after the next day",
         "no published verification of a summer month could be read"),
        ("air", "市内の気温・湿度の差", "air temperature and humidity within the city",
         "one weather for all cells"),
        ("wind", "街区内の風速の誤差", "wind among buildings", "the model's wind was never compared"),
        ("town", "建物・地形データの誤差", "errors of buildings and terrain", "given with no data so far"),
        ("crowns", "樹冠の透過率の誤差", "light through the crowns of trees", "never compared"),
    )
)  # fmt: skip
