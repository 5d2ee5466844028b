"""Risk classes against the published tables."""

from __future__ import annotations

import numpy as np
import pytest

from heatrisk.risk import RISK_SCALES, classify

# 日本生気象学会「日常生活における熱中症予防指針 Ver.4」(2022), 日本スポーツ協会「熱中症予防運動指針」(2019):
# lower limit [°C], name, English name and colour of 環境省「熱中症予防情報サイト」.
DAILY = [
    (-np.inf, "注意", "Caution", "#A0D2FF"),
    (25.0, "警戒", "Warning", "#FAF500"),
    (28.0, "厳重警戒", "Severe warning", "#FF9600"),
    (31.0, "危険", "Danger", "#FF2800"),
]
SPORT = [
    (-np.inf, "ほぼ安全", "Almost safe", "#218CFF"),
    (21.0, "注意", "Caution", "#A0D2FF"),
    (25.0, "警戒", "Warning", "#FAF500"),
    (28.0, "厳重警戒", "Severe warning", "#FF9600"),
    (31.0, "危険", "Danger", "#FF2800"),
]
PUBLISHED = {"daily": DAILY, "sport": SPORT}

# Bröde et al. (2012), table 3: lower limit of the UTCI [°C] and thermal stress.
UTCI = [
    (-np.inf, "Extreme cold stress"), (-40.0, "Very strong cold stress"), (-27.0, "Strong cold stress"),
    (-13.0, "Moderate cold stress"), (0.0, "Slight cold stress"), (9.0, "No thermal stress"),
    (26.0, "Moderate heat stress"), (32.0, "Strong heat stress"), (38.0, "Very strong heat stress"),
    (46.0, "Extreme heat stress"),
]  # fmt: skip


def test_scale_of_utci_is_as_published() -> None:
    levels = RISK_SCALES["utci"].levels
    assert [(row.lower, row.words.en) for row in levels] == UTCI
    assert all(row.words.ja and row.advice is None for row in levels)
    assert len({row.code for row in levels} | {row.colour for row in levels}) == 20


@pytest.mark.parametrize("name", PUBLISHED)
def test_scale_is_as_published(name: str) -> None:
    levels = [(row.lower, *row.words, row.colour) for row in RISK_SCALES[name].levels]
    assert levels == PUBLISHED[name]
    assert RISK_SCALES[name].name == name


def test_at_31_everyone_is_told_to_stop() -> None:
    assert "運動は原則中止" in RISK_SCALES["sport"].levels[-1].advice.ja
    assert "外出" in RISK_SCALES["daily"].levels[-1].advice.ja


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", PUBLISHED)
def test_classes_are_closed_below(name: str, dtype: type[np.floating]) -> None:
    for index, (limit, *_) in enumerate(PUBLISHED[name]):
        if index == 0:
            continue
        below, at = np.nextafter(dtype(limit), dtype(0)), dtype(limit)
        assert classify(np.array([below, at], dtype), RISK_SCALES[name]).tolist() == [index - 1, index]


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_value_has_no_class(name: str) -> None:
    scale = RISK_SCALES[name]
    assert classify(np.array([np.nan, -np.inf, np.inf]), scale).tolist() == [-1, 0, len(scale.levels) - 1]
    assert scale.level(float("nan")) is None


def test_any_shape_becomes_int8() -> None:
    classes = classify(np.full((2, 3, 4), 30.0, np.float32), RISK_SCALES["daily"])
    assert classes.dtype == np.int8
    assert classes.shape == (2, 3, 4)
    assert (classes == 2).all()


def test_whole_degrees_count_as_degrees() -> None:
    assert classify([24, 25, 31], RISK_SCALES["daily"]).tolist() == [0, 1, 3]


def test_level_of_a_value() -> None:
    level = RISK_SCALES["daily"].level(30.99)
    assert level is not None and level.words.ja == "厳重警戒"
