"""Text for people, in Japanese and English side by side."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import Final, Literal, NamedTuple

Language = Literal["ja", "en"]

#: The clock of the people these words are for; inside, times are UTC.
JST: Final = timezone(timedelta(hours=9), "JST")


class Words(NamedTuple):
    """One text in both languages of the service.

    Parameters
    ----------
    ja, en : str
        The same statement in Japanese and in English.
    """

    ja: str
    en: str

    def to(self, language: Language) -> str:
        """Return the text in one language."""
        return self.ja if language == "ja" else self.en


class Note(NamedTuple):
    """A remark that travels with results: an assumption, a doubt, a reason.

    Parameters
    ----------
    code : str
        Stable identifier for machines, e.g. ``"radiation_implied"``.
    words : Words
        The remark for people.
    """

    code: str
    words: Words

    @classmethod
    def of(cls, code: str, ja: str, en: str) -> Note:
        """Return a remark from its two texts."""
        return cls(code, Words(ja, en))

    def as_dict(self) -> dict[str, str]:
        """Return the remark as plain JSON-ready values."""
        return {"code": self.code, "ja": self.words.ja, "en": self.words.en}
