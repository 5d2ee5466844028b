"""What pydantic finds wrong with a value, told in both languages; of itself it speaks English only."""

from __future__ import annotations

import re
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
