"""The error tree is the one its module draws, and a message says what, where, expected, got and remedy."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from heatrisk import errors
from heatrisk.errors import CityFileError, HeatRiskError, InputError, SourceError
from heatrisk.words import Words

CLASSES = {
    name: cls for name, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, HeatRiskError)
}


def drawn_tree() -> dict[str, str]:
    """Read {class: parent} off the drawing in the module's docstring."""
    parents, stack = {}, ["HeatRiskError"]
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"( +[│ ]*)[├└]── (\w+)", line):
            depth = 1 + (len(match[1]) - 5) // 4
            stack[depth:] = [match[2]]
            parents[match[2]] = stack[depth - 1]
    return parents


def test_tree_is_as_drawn() -> None:
    drawn = drawn_tree()
    assert set(drawn) == set(CLASSES) - {"HeatRiskError"}
    for name, parent in drawn.items():
        assert CLASSES[name].__bases__[0] is CLASSES[parent], name


def test_input_errors_are_value_errors_and_sources_are_not() -> None:
    assert issubclass(InputError, ValueError)
    assert not issubclass(SourceError, ValueError)


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES.keys())
def test_message_says_everything_in_both_languages(cls: type[HeatRiskError]) -> None:
    error = cls(
        Words("列がありません", "the column is missing"),
        where=Path("data") / "a.csv",
        expected="ta",
        got="rh",
        remedy=Words("列を足してください", "Add the column."),
    )
    assert (
        error.text("en")
        == str(error)
        == "data/a.csv: the column is missing; expected ta; got rh. Add the column."
    )
    assert error.text("ja") == "data/a.csv: 列がありません / 必要なもの: ta / 実際: rh。列を足してください"
    assert error.where == "data/a.csv"


def test_what_alone_is_the_whole_message() -> None:
    assert str(CityFileError("wrong")) == "wrong"
    assert CityFileError("wrong").text("ja") == "wrong"
    assert CityFileError("wrong").where is None


def test_what_is_stored_and_served_names_no_folder() -> None:
    error = HeatRiskError("wrong", where="/srv/city/list.csv:3, name")
    assert error.text("en", public=True) == "list.csv:3, name: wrong"
    page = HeatRiskError("wrong", where="https://example.jp/a/list.csv")
    assert page.text("ja", public=True) == "https://example.jp/a/list.csv: wrong"


def test_what_was_expected_may_be_told_in_both_languages() -> None:
    error = HeatRiskError("x", expected=Words("数値", "a number"), got=Words("文字", "text"))
    assert error.text("ja") == "x / 必要なもの: 数値 / 実際: 文字"
    assert error.text("en") == "x; expected a number; got text"
