"""Addresses and names of facilities, written alike."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heatrisk.sources.shelters.street_address import address_key, name_key

TOWN = ("三鷹市",)


@pytest.mark.parametrize(
    "text",
    [
        "上連雀8-3-3",
        "三鷹市上連雀８－３－３",
        "東京都三鷹市上連雀八丁目3番3号",
        "上連雀 8丁目3番地の3 図書館2階",
        "三鷹市上連雀8−3−3 2F",
    ],
)
def test_one_address_in_many_forms(text: str) -> None:
    found = address_key(text, TOWN)
    assert found is not None
    assert found[:] == ("上連雀", ("8", "3", "3"))


@pytest.mark.parametrize(
    ("text", "district", "numbers"),
    [
        ("四番町1-2", "四番町", ("1", "2")),
        ("北1条西2丁目3-4", "北1条西", ("2", "3", "4")),
        ("大字下連雀二十三番地", "下連雀", ("23",)),
        ("下連雀3-24-3-202　協同ビル2階", "下連雀", ("3", "24", "3", "202")),
        ("千駄ケ谷十丁目1", "千駄ケ谷", ("10", "1")),
    ],
)
def test_numbers_and_districts(text: str, district: str, numbers: tuple[str, ...]) -> None:
    assert address_key(text, TOWN) == (district, numbers)


@pytest.mark.parametrize("unit", ["番地の", "9", "1-", "9F", "の番地"])
def test_long_addresses_take_no_time(unit: str) -> None:
    began = time.perf_counter()
    address_key("1" + unit * 10_000 + "F")
    assert time.perf_counter() - began < 1.0, "backtracking would take ages"


def test_an_address_without_number_is_none() -> None:
    assert address_key("三鷹市本町", TOWN) is None


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ("下連雀3-24-3-202", "下連雀3-24-3", True),
        ("下連雀3-24-3", "下連雀3-24-2", False),
        ("上連雀3-24-3", "下連雀3-24-3", False),
        ("関ヶ原1-1", "関が原1-1", True),
    ],
)
def test_agreement(one: str, other: str, agree: bool) -> None:
    first, second = address_key(one), address_key(other)
    assert first is not None and second is not None
    assert first.agrees(second) is second.agrees(first) is agree


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("三鷹市立三鷹図書館", "三鷹図書館"),
        ("市立三鷹図書館", "三鷹図書館"),
        ("三鷹市役所（本庁舎）", "市役所 本庁舎"),
        ("大沢コミュニティ・センター", "大沢コミュニティセンタ－"),
        ("関ヶ原館", "関が原館"),
        ("ＡＢＣホール", "abcホール"),
    ],
)
def test_one_name_in_many_forms(one: str, other: str) -> None:
    assert name_key(one, TOWN) == name_key(other, TOWN)


def test_different_names_stay_different() -> None:
    names = ["東部図書館", "西部図書館", "三鷹図書館", "第一小学校", "第二小学校", "★", "◎", "国立天文台"]
    assert len({name_key(name, TOWN) for name in names}) == len(names)


@given(st.text("三鷹市立図書館役所丁目番地号一十〇123-ー ヶが", max_size=40) | st.text(max_size=40))
def test_any_text_has_its_form(text: str) -> None:
    key = name_key(text, TOWN)
    assert key or not text.strip()
    found = address_key(text, TOWN)
    assert found is None or found.numbers
