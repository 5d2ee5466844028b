"""JSON as services answer it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from heatrisk.complaints import unparsed
from heatrisk.errors import InputError, SourceError
from heatrisk.sources.files import Member
from heatrisk.words import Words

#: Answers of weather services have a few MiB; a larger file is something else.
MAX_BYTES = 64 * 2**20

_AGAIN = Words("ファイルを入手し直してください", "Fetch the file again.")
_AS_UTF_8 = Words("UTF-8 で保存し直してください", "Save it again as UTF-8.")


def read_json(file: Path | Member) -> Any:
    """Return what a JSON file holds.

    Parameters
    ----------
    file : pathlib.Path or Member
        UTF-8, with or without byte-order mark.

    Raises
    ------
    SourceUnavailableError
        The file is not there.
    SourceError
        It is no JSON, is cut off, too deeply nested, or larger than :data:`MAX_BYTES`.
    """
    member = file if isinstance(file, Member) else Member(file)
    try:
        return json.loads(member.read(MAX_BYTES).decode("utf-8-sig"), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            Words("JSON として読めません", "this is not JSON, or it is cut off"),
            where=member.name,
            got=unparsed(error),
            remedy=_AS_UTF_8 if isinstance(error, UnicodeDecodeError) else _AGAIN,
        ) from error


def _no_number(text: str) -> float:
    raise InputError(Words(f"{text}（JSON の数ではありません）", f"{text}, which is no JSON number"))
