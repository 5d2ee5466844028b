"""What pydantic finds wrong, in Japanese: every kind of trouble that city files and requests can meet."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from heatrisk.complaints import brief, unparsed, wanted


@pytest.mark.parametrize(
    ("kind", "value", "ja", "en"),
    [
        (Annotated[float, Field(gt=0)], -1, "0 より大きい数", "greater than 0"),
        (Annotated[float, Field(ge=0)], -1, "0 以上の数", "greater than or equal to 0"),
        (Annotated[float, Field(lt=0)], 1, "0 より小さい数", "less than 0"),
        (Annotated[float, Field(le=90)], 91, "90 以下の数", "less than or equal to 90"),
        (Annotated[float, Field(allow_inf_nan=False)], "nan", "数値", "a finite number"),
        (float, "x", "数値", "a valid number"),
        (int, "1.5", "整数", "a valid integer"),
        (bool, "x", "true か false", "a valid boolean"),
        (str, 3, "文字列（引用符で囲む）", "a valid string"),
        (Literal["a", "b"], "c", "'a', 'b' のいずれか", "'a' or 'b'"),
        (Annotated[str, Field(max_length=2)], "abc", "2 文字以下", "at most 2 characters"),
        (Annotated[str, Field(min_length=2)], "a", "2 文字以上", "at least 2 characters"),
        (Annotated[str, Field(pattern="^a$")], "b", "正規表現 ^a$ に合う文字列", "pattern '^a$'"),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "1 件以下", "at most 1 item"),
        (Annotated[list[int], Field(min_length=1)], [], "1 件以上", "at least 1 item"),
        (tuple[int, int], 3, "[ ] で囲んだ一覧", "a valid tuple"),
    ],
)
def test_what_should_have_been_is_told_in_both_languages(kind: Any, value: Any, ja: str, en: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    told = wanted(caught.value.errors()[0])  # type: ignore[arg-type]
    assert told.ja == ja
    assert told.en.startswith(en)


@pytest.mark.parametrize(
    ("parse", "text", "ja", "en"),
    [
        (json.loads, '{"a": 1,\n "b": 2 "c"}', "2 行 9 文字目の誤り", "Expecting ',' delimiter: line 2"),
        (json.loads, '{"a": [1,', "途中で切れています", "a text that breaks off"),
        (json.loads, '{"a": "x', "途中で切れています", "a text that breaks off"),
        (json.loads, "[" * 100_000, "入れ子が深すぎます", "too deep"),
        (tomllib.loads, "a = 1\nb = x\n", "2 行 5 文字目の誤り", "Invalid value (at line 2"),
        (tomllib.loads, "[city", "途中で切れています", "a text that breaks off"),
        (bytes.decode, "a\nひ".encode("cp932"), "2 行目に UTF-8 でない文字", "line 2 that are not UTF-8"),
        (float, "x", "読めない形", "could not convert"),
    ],
)
def test_why_a_text_cannot_be_parsed_is_told_in_both_languages(
    parse: Callable[[Any], Any], text: Any, ja: str, en: str
) -> None:
    with pytest.raises((ValueError, RecursionError)) as caught:
        parse(text)
    told = unparsed(caught.value)
    assert told.ja.startswith(ja)
    assert en in told.en


def test_values_are_quoted_in_short() -> None:
    assert brief("a") == "'a'"
    assert len(brief("a" * 500)) == 60
