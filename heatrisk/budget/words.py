"""The rows of a budget in the order in which they are told, with words and units."""

from __future__ import annotations

from typing import Final, NamedTuple

from heatrisk.words import Words


class Row(NamedTuple):
    """One number of a budget.

    Parameters
    ----------
    name : str
        Key of its value.
    words : Words
        What it is.
    unit : str
        Its unit; empty for shares.
    digits : int
        Decimals worth printing.
    """

    name: str
    words: Words
    unit: str
    digits: int


class Section(NamedTuple):
    """Rows that belong together.

    Parameters
    ----------
    name : str
        Stable identifier.
    words : Words
        Heading.
    rows : tuple of Row
        Its rows.
    """

    name: str
    words: Words
    rows: tuple[Row, ...]


_DIGITS: Final = {"°C": 2, "W m-2": 1, "K": 2, "m s-1": 2, "°": 1, "m": 1, "%": 0, "hPa": 1, "": 3}


def _section(name: str, ja: str, en: str, *rows: tuple[str, str, str, str]) -> Section:
    return Section(
        name, Words(ja, en), tuple(Row(key, Words(*words), unit, _DIGITS[unit]) for key, *words, unit in rows)
    )


SECTIONS: Final = (
    _section(
        "air", "気象", "Weather",
        ("ta", "気温", "air temperature", "°C"),
        ("rh", "相対湿度", "relative humidity", "%"),
        ("ps", "気圧", "pressure", "hPa"),
        ("va", "体に当たる風速", "wind at the body", "m s-1"),
        ("va_open", "開けた場所の風速", "wind in the open", "m s-1"),
        ("ghi", "全天日射量", "global radiation", "W m-2"),
        ("dni", "法線面直達日射量", "direct normal radiation", "W m-2"),
        ("circumsolar", "太陽周辺光", "circumsolar radiation", "W m-2"),
        ("diffuse", "その他の散乱日射量", "the rest of diffuse radiation", "W m-2"),
        ("lsky", "開けた空からの長波放射量", "long-wave radiation of the open sky", "W m-2"),
        ("cloud", "雲が空を閉ざす割合", "how far clouds close the sky", ""),
    ),
    _section(
        "sun", "太陽と日影", "Sun and shade",
        ("zenith", "太陽の天頂角", "zenith angle of the sun", "°"),
        ("azimuth", "太陽の方位（北から時計回り）", "azimuth, clockwise from north", "°"),
        ("direct", "日なたの割合", "share in full sun", ""),
        ("share", "届く直達光の割合", "share of the beam that arrives", ""),
        ("svf", "天空率", "sky view factor", ""),
        ("svf_buildings", "天空率（樹木を除く）", "sky view factor without trees", ""),
    ),
    _section(
        "shortwave", "短波放射", "Short-wave radiation",
        ("level_beam", "直達（水平面）", "beam on level ground", "W m-2"),
        ("sky_light", "天空から", "from the sky", "W m-2"),
        ("wall_light", "壁の反射", "reflected by walls", "W m-2"),
        ("crown_light", "樹冠の反射", "reflected by crowns", "W m-2"),
        ("kdown", "上から合計（直達を除く）", "from above, without the beam", "W m-2"),
        ("kup", "地面の反射", "reflected by the ground", "W m-2"),
        ("kside", "横から平均（直達を除く）", "from the sides, without the beam", "W m-2"),
    ),
    _section(
        "longwave", "長波放射", "Long-wave radiation",
        ("sky_heat", "天空から", "from the sky", "W m-2"),
        ("wall_heat", "壁から", "from walls", "W m-2"),
        ("crown_heat", "樹冠から", "from crowns", "W m-2"),
        ("ldown", "上から合計", "from above", "W m-2"),
        ("lup", "地面から", "from the ground", "W m-2"),
        ("lside", "横から平均", "from the sides", "W m-2"),
    ),
    _section(
        "temperatures", "温度", "Temperatures",
        ("ts", "地表面", "ground", "°C"),
        ("ts_shaded", "地表面（直達が当たらない場合）", "ground, had the beam never reached it", "°C"),
        ("ts_warming", "直達による加熱", "warmed by the beam", "K"),
        ("ts_open", "地表面（開けた芝生）", "ground of the open reference", "°C"),
    ),
    _section(
        "sensors", "黒球と湿球", "Globe and wick",
        ("tpsy", "湿球温度（通風）", "psychrometric wet bulb", "°C"),
        ("tnwb", "自然湿球温度", "natural wet bulb", "°C"),
        ("tg", "黒球温度 150 mm", "globe temperature, 150 mm", "°C"),
        ("tg_sun", "　日なた側", "  on the sunny side", "°C"),
        ("tg_shade", "　日陰側", "  on the shady side", "°C"),
        ("tg_iso", "黒球温度 50 mm", "globe temperature, 50 mm", "°C"),
    ),
    _section(
        "wbgt", "WBGT の内訳（環境省の算出方法）", "Terms of WBGT as the Ministry computes it",
        ("moe_wet", "0.7 × 湿球温度", "0.7 × wet bulb", "°C"),
        ("moe_globe", "0.2 × 黒球温度", "0.2 × globe temperature", "°C"),
        ("moe_air", "0.1 × 気温", "0.1 × air temperature", "°C"),
        ("wbgt_moe", "合計", "sum", "°C"),
        ("wbgt_moe_sun", "　日なた側", "  on the sunny side", "°C"),
        ("wbgt_moe_shade", "　日陰側", "  on the shady side", "°C"),
    ),
    _section(
        "iso", "WBGT の内訳（ISO 7243）", "Terms of WBGT as of ISO 7243",
        ("iso_wet", "0.7 × 自然湿球温度", "0.7 × natural wet bulb", "°C"),
        ("iso_globe", "0.2 × 黒球温度", "0.2 × globe temperature", "°C"),
        ("moe_air", "0.1 × 気温", "0.1 × air temperature", "°C"),
        ("wbgt_iso", "合計", "sum", "°C"),
    ),
    _section(
        "person", "人体", "Person",
        ("tmrt", "平均放射温度（立位）", "mean radiant temperature, standing", "°C"),
        ("tmrt_sitting", "平均放射温度（座位）", "mean radiant temperature, sitting", "°C"),
        ("utci", "UTCI", "UTCI", "°C"),
    ),
)  # fmt: skip

STEP: Final = _section(
    "step", "この時間帯の平均と公式値", "Mean over the step, and the official value",
    ("step_moe", "モデルの WBGT", "modelled WBGT", "°C"),
    ("step_open", "モデルの WBGT（開けた芝生）", "modelled WBGT of the open reference", "°C"),
    ("official", "公式値", "official value", "°C"),
    ("offset", "公式値との差（全域に足す）", "official minus modelled, added everywhere", "K"),
    ("anchored_moe", "この地点の WBGT", "WBGT of this place", "°C"),
    ("anchored_sun", "　日なた側", "  on the sunny side", "°C"),
    ("anchored_shade", "　日陰側", "  on the shady side", "°C"),
    ("anchored_iso", "　ISO 7243 による", "  after ISO 7243", "°C"),
    ("step_direct", "日なたの割合", "share in full sun", ""),
    ("step_tmrt", "平均放射温度（立位）", "mean radiant temperature, standing", "°C"),
    ("step_utci", "UTCI", "UTCI", "°C"),
    ("sd", "標準偏差", "standard deviation", "K"),
    ("p_danger", "31 以上となる確率", "probability of 31 or more", ""),
)  # fmt: skip

DIFFERENCES: Final = _section(
    "differences", "開けた芝生との差の内訳", "What sets it apart from the open reference",
    ("beam", "直達", "beam", "K"),
    ("sky_light", "天空の散乱光", "light of the sky", "K"),
    ("wall_light", "壁の反射", "light from walls", "K"),
    ("crown_light", "樹冠の反射", "light from crowns", "K"),
    ("reflected", "地面の反射", "light from the ground", "K"),
    ("sky_heat", "天空の長波", "heat of the sky", "K"),
    ("wall_heat", "壁の長波", "heat of walls", "K"),
    ("crown_heat", "樹冠の長波", "heat of crowns", "K"),
    ("ground_heat", "地面の長波", "heat of the ground", "K"),
    ("mixing", "日なたと日陰の混在", "sun and shade side by side", "K"),
    ("wind", "建物の間の弱い風", "weaker wind between buildings", "K"),
)  # fmt: skip

OBSTACLES: Final = {
    "building": Words("建物", "building"),
    "terrain": Words("地形", "terrain"),
    "crown": Words("樹冠", "crown of a tree"),
}

DIRECTIONS: Final = (
    Words("北", "north"), Words("北東", "north-east"), Words("東", "east"), Words("南東", "south-east"),
    Words("南", "south"), Words("南西", "south-west"), Words("西", "west"), Words("北西", "north-west"),
)  # fmt: skip
