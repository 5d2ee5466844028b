"""What every error message owes its reader: the file, and a remedy, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

from heatrisk.errors import HeatRiskError
from heatrisk.words import Words

#: Real files of other origins, read when present beside the checkout; never part of the project.
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def explains(error: HeatRiskError, path: Path | str) -> str:
    """Check that an error names its file (or address) and a remedy in both languages; return both texts."""
    japanese, english = error.text("ja"), error.text("en")
    for text in (japanese, english):
        assert str(path) in text, text
    for words in (error.what, error.remedy):
        assert isinstance(words, Words), f"not in both languages: {words}"
        assert re.search("[ぁ-ん一-龠]", words.ja), words.ja
        assert not re.search("[ぁ-ん]", words.en), words.en
        assert words.ja in japanese
        assert words.en in english
    return f"{japanese}\n{english}"
