"""What libraries find wrong with texts and values, in both languages; they themselves speak English."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from heatrisk.errors import InputError
from heatrisk.words import Words

_NUMBERS = ("float_type", "float_parsing", "finite_number")
_WHOLE = ("int_type", "int_parsing", "int_from_float", "int_parsing_size")

#: How its messages begin; what follows is what was expected.
_SUBJECT = re.compile(r"^\w+ should (?:be |have |match )?")

#: What its messages do not say as a demand.
_SAID = {
    "json_invalid": Words("正しい JSON", "valid JSON"),
    "extra_forbidden": Words("定められた項目だけ", "the documented members only"),
}

#: Where a parser of TOML says that it stopped.
_LINE = re.compile(r"\(at line (\d+), column (\d+)\)$")
_CUT = Words("途中で切れています", "a text that breaks off")


def unparsed(error: Exception) -> Words:
    """Return why a text could not be parsed, with the line where that can be told.

    Parameters
    ----------
    error : Exception
        What decoding it, or the parser of JSON or TOML, raised.
    """
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        return Words(
            f"{line} 行目に UTF-8 でない文字があります", f"characters in line {line} that are not UTF-8"
        )
    if isinstance(error, json.JSONDecodeError):
        if not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated string"):
            return _CUT
        return Words(f"{error.lineno} 行 {error.colno} 文字目の誤り", str(error))
    if isinstance(error, tomllib.TOMLDecodeError):
        place = _LINE.search(str(error))
        return _CUT if place is None else Words(f"{place[1]} 行 {place[2]} 文字目の誤り", str(error))
    if isinstance(error, RecursionError):
        return Words("入れ子が深すぎます", "too deep a nesting")
    if isinstance(error, InputError) and isinstance(error.what, Words):
        return error.what
    return Words("読めない形", str(error)[:120])


def wanted(row: Mapping[str, Any]) -> Words:
    """Return what a value should have been.

    Parameters
    ----------
    row : mapping
        One row of :meth:`pydantic.ValidationError.errors`, with its context.
    """
    limits, message = row.get("ctx", {}), _SUBJECT.sub("", row["msg"])
    cause = limits.get("error")
    if isinstance(cause, InputError) and isinstance(cause.what, Words):
        return cause.what
    if row["type"] in _SAID:
        return _SAID[row["type"]]
    limit = next((f"{limits[name]:g}" for name in ("gt", "ge", "lt", "le") if name in limits), "")
    phrases = {
        "greater_than": f"{limit} より大きい数",
        "greater_than_equal": f"{limit} 以上の数",
        "less_than": f"{limit} より小さい数",
        "less_than_equal": f"{limit} 以下の数",
        "literal_error": f"{limits.get('expected', '')} のいずれか".replace(" or ", ", "),
        "too_short": f"{limits.get('min_length')} 件以上",
        "too_long": f"{limits.get('max_length')} 件以下",
        "string_too_short": f"{limits.get('min_length')} 文字以上",
        "string_too_long": f"{limits.get('max_length')} 文字以下",
        "string_pattern_mismatch": f"正規表現 {limits.get('pattern')} に合う文字列",
        "string_type": "文字列（引用符で囲む）",
        "bool_type": "true か false",
        "bool_parsing": "true か false",
        "list_type": "[ ] で囲んだ一覧",
        "tuple_type": "[ ] で囲んだ一覧",
        "dict_type": "項目と値の組",
        "model_type": "項目と値の組",
        **dict.fromkeys(_NUMBERS, "数値"),
        **dict.fromkeys(_WHOLE, "整数"),
    }
    return Words(phrases.get(row["type"], message), message)


def brief(value: object) -> str:
    """Return a value in the form in which messages quote it: short, text in quotes."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
