"""Addresses on the web: filled in at the moment of use, and shown without their secrets."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import unquote

import httpx

from heatrisk.city.location import masked
from heatrisk.errors import InputError
from heatrisk.words import JST, Words

_MOMENT = re.compile(r"(?<!\$)\{(%[^{}]*)\}")
_CODES = re.compile(r"(?:%[YmdHMjy]|[^%])*")
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")

_LONGEST_STEM, _LONGEST_SUFFIX = 60, 12


@dataclass(frozen=True)
class Address:
    """An address, ready to be fetched.

    Parameters
    ----------
    url : str
        All of it, secrets included; never shown.
    shown : str
        What may be printed, logged and stored.
    """

    url: str = field(repr=False)
    shown: str

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that stand for the address."""
        return hashlib.sha256(self.url.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """File name at the end of the address, safe on any disk; readers look at its ending."""
        path = re.split(r"[?#]", self.shown.partition("://")[2].partition("/")[2])[0]
        name = PurePosixPath(re.sub(r"[^\w.-]+", "_", unquote(path.rpartition("/")[2])).lstrip("."))
        return (name.stem[:_LONGEST_STEM] + name.suffix[:_LONGEST_SUFFIX]) or "download"


def expanded(url: str, at: datetime) -> str:
    """Return an address with its times filled in.

    ``{%Y%m%d}`` and the like, of the codes ``%Y %m %d %H %M %j %y``, become the time in Japan:
    ``alert_{%Y%m%d}_05.csv``.

    Parameters
    ----------
    url : str
        Address.
    at : datetime.datetime
        The moment, with its zone.

    Raises
    ------
    InputError
        A code is none of these.
    """

    def filled(match: re.Match[str]) -> str:
        if not _CODES.fullmatch(match[1]):
            raise InputError(
                Words(
                    "URL の日時の書き方が正しくありません", "the time in the address is in an unknown form"
                ),
                where=masked(url),
                got=match[0],
                expected="{%Y%m%d}, {%H}, … (%Y %m %d %H %M %j %y)",
                remedy=Words("日時の記号を直してください", "Correct the codes of the time."),
            )
        return at.astimezone(JST).strftime(match[1])

    return _MOMENT.sub(filled, url)


def address(url: str, at: datetime) -> Address:
    """Return an address with times and variables of the environment filled in.

    ``${NAME}`` becomes the variable's value, as it stands; it is shown as ``${NAME}``.

    Parameters
    ----------
    url : str
        Address as the city file has it.
    at : datetime.datetime
        The moment, with its zone.

    Raises
    ------
    InputError
        A variable is not set, or this is no address of the web.
    """
    dated = expanded(url, at)
    shown = masked(dated)

    def value(match: re.Match[str]) -> str:
        found = os.environ.get(match[1]) if match[1] and "\0" not in match[1] else None
        if not found:
            raise InputError(
                Words(
                    f"環境変数 {match[1]} が設定されていません",
                    f"the environment variable {match[1]} is not set",
                ),
                where=shown,
                remedy=Words(
                    "実行する前に設定してください。cron では crontab にも書きます",
                    "Set it before the run; for cron, in the crontab too.",
                ),
            )
        return found.strip()

    filled = _VARIABLE.sub(value, dated)
    try:
        parsed = httpx.URL("" if "${" in filled else filled)
        usable = parsed.scheme in ("http", "https") and bool(parsed.host) and (parsed.port or 0) < 2**16
    except (httpx.InvalidURL, ValueError):
        usable = False
    if not usable:
        raise InputError(
            Words("URL の形が正しくありません", "this is no address on the web"),
            where=shown,
            expected="https://…",
            remedy=Words("URL を確かめてください", "Check the address."),
        )
    return Address(filled, shown)
