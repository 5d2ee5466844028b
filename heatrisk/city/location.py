"""Where a source lies: a path on this computer, or an address on the web."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

from pydantic import BeforeValidator, PlainSerializer, PlainValidator

from heatrisk.errors import InputError
from heatrisk.words import Words

_WEB = re.compile(r"https?://", re.IGNORECASE)

_LOGIN = re.compile(r"(?<=://)[^/?#]*@")
_PARAMETER = re.compile(r"(?<=[?&;#])([^=&;#]*)=([^&;#]*)")
_SECRET = re.compile(r"key(?!word)|token|secret|passw|pwd|sig(nature)?$|auth|credential|appid", re.IGNORECASE)


class Url(str):
    """An address on the web; ``${NAME}`` in it stands for a variable of the environment (a key, say)."""

    __slots__ = ()


def masked(url: str) -> str:
    """Return an address without login, and without the values of keys, tokens and passwords."""
    without = _LOGIN.sub("***@", url)
    return _PARAMETER.sub(
        lambda match: f"{match[1]}=***" if _SECRET.search(unquote(match[1])) else match[0], without
    )


def anchored(value: str, folder: Path) -> str:
    """Return an address as it is, and a path made absolute from a folder."""
    return value if _WEB.match(value) else str(folder / value)


def _location(value: Any) -> Path | Url:
    if isinstance(value, Path | Url):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise InputError(
            Words("ファイルのパスか URL を文字列で書いてください", "write a path or a URL, in quotes")
        )
    return Url(value) if _WEB.match(value) else Path(value)


def _several(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


#: A path or an address.
Location = Annotated[
    Path | Url,
    PlainValidator(_location),
    PlainSerializer(lambda value: value.name if isinstance(value, Path) else masked(value)),
]

#: One or several of them, in order.
Locations = Annotated[tuple[Location, ...], BeforeValidator(_several)]
