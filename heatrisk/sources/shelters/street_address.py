"""Japanese addresses and names of facilities, written alike so that two can be compared."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from heatrisk.sources.table import plain

_NUMERALS = str.maketrans("〇一二三四五六七八九", "0123456789")
_PREFECTURE = re.compile("^(?:北海道|東京都|京都府|大阪府|(?:神奈川|和歌山|鹿児島|[^都道府県]{2})県)")
_OWNED = re.compile("^[^立]{0,7}[都道府県市区町村]立")
_COUNTED = re.compile(
    "([一二三四五六七八九]?十[一二三四五六七八九]?|[〇一二三四五六七八九]{1,4})(丁目|番地|番(?!町)|号)"
)
# 8-3-3 2F must not become 8-3-32F.
_APART = re.compile(r"(?<=\d)\s+(?=\d)")
_GA = re.compile("[ケヶがガヵカ]")
_MARKS, _BLANKS, _AZA, _DIGITS = (re.compile(p) for p in (r"[\W_ー]+", r"\s+", "^大?字|大字", r"\d+"))
_BETWEEN = "(?:丁目|番地の?|番|号|条|線|の|[-~ー−–—‐])"
# Possessive, so that 番地の番地の… is not tried as 番地 + の and as 番地の in turn.
# 四番町1-2 and 北1条西2丁目 have numbers in the district's name.
_NUMBERS = re.compile(rf"(?<!\d)(?!\d+(?:番?町|条|線|軒))\d+(?:{_BETWEEN}*+\d++(?![F階]))*")


class Address(NamedTuple):
    """An address in a form in which two can be compared; the name of a building is left out.

    Parameters
    ----------
    district : str
        Up to the first number, without prefecture and municipality.
    numbers : tuple of str
        丁目, 番, 号 and what follows them.
    """

    district: str
    numbers: tuple[str, ...]

    def agrees(self, other: Address) -> bool:
        """Return whether one address is the other, perhaps told less finely."""
        fewer = min(len(self.numbers), len(other.numbers))
        return self.district == other.district and self.numbers[:fewer] == other.numbers[:fewer] and fewer > 0


def name_key(name: str, towns: Collection[str] = ()) -> str:
    """Return a facility's name as it is compared: narrow, without blanks, marks and the town's own name.

    ケ, ヶ, が and ガ are one letter in names of places; long vowels are typed with any dash.
    """
    name = plain(name).lower()
    # A name of marks alone is nobody else's.
    short = _PREFECTURE.sub("", _MARKS.sub("", name) or name)
    for town in towns:
        # 三鷹市役所 is also called 市役所.
        short = short.removeprefix(town[:-1] if short.startswith(f"{town}役") else town)
    return _GA.sub("ケ", _OWNED.sub("", short).removeprefix("立")) or name


def address_key(address: str, towns: Collection[str] = ()) -> Address | None:
    """Return an address as it is compared, or None where it has no number.

    上連雀八丁目3番3号, 三鷹市上連雀8-3-3 and 東京都三鷹市上連雀８－３－３ 図書館2階 are one address.
    """
    text = _PREFECTURE.sub("", _BLANKS.sub("", _APART.sub("/", plain(address))))
    for town in towns:
        text = text.removeprefix(town)
    text = _COUNTED.sub(lambda match: f"{_number(match[1])}{match[2]}", text)
    numbers = _NUMBERS.search(text)
    if numbers is None:
        return None
    district = _AZA.sub("", text[: numbers.start()])
    return Address(_GA.sub("ケ", district), tuple(_DIGITS.findall(numbers[0])))


def _number(text: str) -> str:
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return str(int(ones.translate(_NUMERALS)))
    return str(10 * int((tens or "一").translate(_NUMERALS) or 1) + int((ones or "〇").translate(_NUMERALS)))
