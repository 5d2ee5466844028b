"""Layers: codes, colours, words. Class limits and colours are those of the official scales."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from heatrisk.cube import pack, unpack
from heatrisk.layers import CODE_BUILDING, CODE_FIRST, CODE_MISSING, CODE_OUTSIDE, LAYERS, Layer, legend
from heatrisk.risk import RISK_SCALES, classify

EACH = pytest.mark.parametrize("layer", LAYERS.values(), ids=list(LAYERS))
SHARES = ("sunlit", "p_danger")
Limits = tuple[tuple[float | None, str], ...]

# Colours and limits: 日本生気象学会 Ver.4 and 日本スポーツ協会 as shown on the official WBGT pages.
DAILY = ((25.0, "#A0D2FF"), (28.0, "#FAF500"), (31.0, "#FF9600"), (None, "#FF2800"))
SPORT = ((21.0, "#218CFF"), (25.0, "#A0D2FF"), (28.0, "#FAF500"), (31.0, "#FF9600"), (None, "#FF2800"))


def colour(layer: Layer, value: float) -> str:
    """Colour of one value, as #RRGGBB."""
    return "#" + layer.palette[layer.codes(np.array([value]))[0]][:3].tobytes().hex().upper()


@pytest.mark.parametrize(("name", "table"), [("risk", DAILY), ("risk_sport", SPORT)])
def test_risk_wears_the_official_colours_closed_below(name: str, table: Limits) -> None:
    entries = legend(LAYERS[name])["entries"]
    assert [(entry["upper"], entry["colour"]) for entry in entries] == list(table)
    for (upper, below), (_, above) in pairwise(table):
        assert upper is not None
        assert colour(LAYERS[name], upper - 0.01) == below
        assert colour(LAYERS[name], upper) == above


@pytest.mark.parametrize(("name", "scale"), [("risk", "daily"), ("risk_sport", "sport")])
def test_risk_codes_are_the_classes(name: str, scale: str) -> None:
    stored = (np.arange(-500, 5000) / 100).astype(np.float32)
    classes = classify(stored, RISK_SCALES[scale])
    np.testing.assert_array_equal(LAYERS[name].codes(stored), CODE_FIRST + classes)


@EACH
def test_no_data_is_not_a_value(layer: Layer) -> None:
    codes = layer.codes(np.array([np.nan, -60.0, 0.0, 0.5, 80.0], dtype=np.float32))
    assert codes[0] == CODE_MISSING
    assert (codes[1:] >= CODE_FIRST).all()
    assert (codes < len(layer.palette)).all()
    assert len(layer.palette) <= 256
    assert layer.palette[CODE_OUTSIDE, 3] == 0
    assert 0 < layer.palette[CODE_BUILDING, 3] < 255
    assert (layer.palette[CODE_FIRST:, 3] == 255).all()
    shown = {tuple(row) for row in layer.palette[[CODE_BUILDING, CODE_MISSING]].tolist()}
    assert len(shown) == 2
    assert shown.isdisjoint(tuple(row) for row in layer.palette[CODE_FIRST:].tolist())


@EACH
def test_a_picture_agrees_with_the_stored_value(layer: Layer) -> None:
    values = np.random.default_rng(3).uniform(-5, 45, 100_000).astype(np.float32)
    resolution = 0.001 if layer.quantity in SHARES else 0.01
    values = values / np.float32(50) if layer.quantity in SHARES else values
    stored = unpack(pack(values, resolution), resolution)
    np.testing.assert_array_equal(layer.codes(values), layer.codes(stored))


def test_wbgt_hue_jumps_where_the_classes_change() -> None:
    layer = LAYERS["wbgt_moe"]
    lowers = np.array([one.lower for one in layer.bins])
    steps = np.linalg.norm(np.diff(layer.palette[CODE_FIRST:, :3].astype(float), axis=0), axis=1)
    limits = np.isin(lowers[1:], (21.0, 25.0, 28.0, 31.0, 33.0, 35.0))
    assert limits.sum() == 6
    assert steps[limits].min() > 2 * steps[~limits].max()
    assert np.diff(lowers[1:]) == pytest.approx(0.2)


def test_utci_wears_a_class_for_each_heat_stress_and_one_for_cold() -> None:
    entries = legend(LAYERS["utci"])["entries"]
    assert [entry["upper"] for entry in entries] == [9.0, 26.0, 32.0, 38.0, 46.0, None]
    assert entries[0]["words"]["en"] == "Cold stress"
    names = [level.words.en for level in RISK_SCALES["utci"].levels[5:]]
    assert [entry["words"]["en"] for entry in entries[1:]] == names


@pytest.mark.parametrize("name", ["sunlit", "tmrt"])
def test_sun_and_radiation_grow_lighter(name: str) -> None:
    red, green, blue = LAYERS[name].palette[CODE_FIRST:, :3].astype(float).T
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    assert (np.diff(luminance) > -0.2).all() and np.ptp(luminance) > 150.0  # whole numbers round


def test_sunlit_goes_from_shade_to_sun() -> None:
    layer = LAYERS["sunlit"]
    assert colour(layer, 0.0) == "#26275B"
    assert colour(layer, 1.0) == "#FFF0A6"


@EACH
def test_legend_speaks_both_languages_and_needs_no_colour(layer: Layer) -> None:
    told = json.loads(json.dumps(legend(layer), allow_nan=False))
    for entry in told["entries"] + told["no_data"]:
        assert entry["words"]["ja"]
        assert entry["words"]["en"]
    entries = told["entries"]
    for mark in ("mark", "pattern", "colour"):
        assert len({entry[mark] for entry in entries}) == len(entries)
    assert all(below["upper"] == above["lower"] for below, above in pairwise(entries))
    assert len({entry["range_text"]["ja"] for entry in entries}) == len(entries)
    assert len(told["ramp"]) == len(layer.palette) - CODE_FIRST


@EACH
def test_what_no_forecast_was_used_for_says_so(layer: Layer) -> None:
    tied, loose = (legend(layer, anchored=anchored)["description"] for anchored in (True, False))
    told = "合わせていません" in loose["ja"]
    lifted = layer.quantity.startswith("wbgt") or layer.quantity == "p_danger"
    assert told == ("Not anchored" in loose["en"]) == lifted
    assert "合わせていません" not in tied["ja"]
    assert "Not anchored" not in tied["en"]
    assert loose["ja"].startswith(tied["ja"])


def test_the_shade_of_trees_is_told() -> None:
    assert "直射日光の当たる時間の割合（木陰は日陰に数えます）" in LAYERS["sunlit"].description.ja


def test_ranges_read_as_the_scales_are_printed() -> None:
    texts = [entry["range_text"] for entry in legend(LAYERS["risk"])["entries"]]
    assert [text["ja"] for text in texts] == ["25未満", "25以上28未満", "28以上31未満", "31以上"]
    assert texts[-1]["en"] == "31 or more"
    assert legend(LAYERS["sunlit"])["entries"][0]["range_text"]["ja"] == "0 %以上20 %未満"
    minutes = legend(LAYERS["sunlit_minutes"])
    assert minutes["units"] == "min"
    assert [entry["lower"] for entry in minutes["entries"]] == [0.0, 30.0, 60.0, 120.0, 150.0]
    assert minutes["entries"][1]["range_text"] == {"ja": "30分以上60分未満", "en": "30 min to below 60 min"}
    assert minutes["ramp"][10]["lower"] == 90.0


# Machado, Oliveira & Fernandes 2009 (doi:10.1109/TVCG.2009.113), severity 1: protan, deutan, tritan.
SEEN = np.array([
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    np.eye(3),
])  # fmt: skip


@pytest.mark.parametrize("name", ["p_danger", "wbgt_iso"])
def test_new_palettes_are_told_apart_by_lightness_whatever_is_seen(name: str) -> None:
    colours = np.array([one.colour for one in LAYERS[name].classes]) / 255.0
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = np.clip(linear @ SEEN.transpose(0, 2, 1), 0, 1) @ [0.2126, 0.7152, 0.0722]
    lightness = 116 * np.cbrt(luminance) - 16  # CIE L*, above the dark linear part
    assert (np.diff(lightness, axis=1) < -7.0).all()
