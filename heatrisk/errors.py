"""Every error that heatrisk raises on purpose.

::

    HeatRiskError
     ├── InputError (ValueError)      what the caller gave cannot be used
     │    ├── UnitsError              a number in another unit than the name promises
     │    ├── GridMismatchError       two rasters that do not lie on the same grid
     │    ├── MissingQuantityError    a quantity the computation needs is absent
     │    └── CityFileError           the city file (TOML) is wrong
     ├── SourceError                  a file or service outside gave something unusable
     │    ├── SourceUnavailableError  not there, not answering
     │    └── SourceIncompleteError   there, but with holes
     └── StoreError                   the store of finished runs
          ├── RunNotFoundError
          ├── LayerNotFoundError
          └── TileNotFoundError       outside the area or its zooms

A message says what is wrong, where, what was expected, what was found and what to do about it.
"""

from __future__ import annotations

import os

from heatrisk.words import Language, Words


class HeatRiskError(Exception):
    """Base of every error raised on purpose; its text is meant for people.

    Parameters
    ----------
    what : str or Words
        What is wrong, in one clause.
    where : str or path-like, optional
        File, URL, row or field.
    expected, got : str, optional
        What should have been there, and what was.
    remedy : str or Words, optional
        What the reader can do about it.
    """

    def __init__(
        self,
        what: str | Words,
        *,
        where: str | os.PathLike[str] | None = None,
        expected: str | None = None,
        got: str | None = None,
        remedy: str | Words | None = None,
    ) -> None:
        self.what = what
        self.where = None if where is None else os.fspath(where)
        self.expected = expected
        self.got = got
        self.remedy = remedy
        super().__init__(self.text("en"))

    def text(self, language: Language) -> str:
        """Return the whole message in one language (English where no translation was given)."""
        japanese = language == "ja"
        parts = [_in(self.what, language)]
        if self.where is not None:
            parts[0] = f"{self.where}: {parts[0]}"
        if self.expected is not None:
            parts.append(f"必要なもの: {self.expected}" if japanese else f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"実際: {self.got}" if japanese else f"got {self.got}")
        text = (" / " if japanese else "; ").join(parts)
        if self.remedy is None:
            return text
        return f"{text}{'。' if japanese else '. '}{_in(self.remedy, language)}"


def _in(words: str | Words, language: Language) -> str:
    return words if isinstance(words, str) else words.to(language)


class InputError(HeatRiskError, ValueError):
    """What the caller gave cannot be used."""


class UnitsError(InputError):
    """A number in another unit than its name promises."""


class GridMismatchError(InputError):
    """Two rasters that do not lie on the same grid."""


class MissingQuantityError(InputError):
    """A quantity that the computation needs is absent."""


class CityFileError(InputError):
    """The city file cannot be read or is wrong."""


class SourceError(HeatRiskError):
    """A file or service outside gave something unusable."""


class SourceUnavailableError(SourceError):
    """A source is not there or does not answer."""


class SourceIncompleteError(SourceError):
    """A source is there, but lacks values that are needed."""


class StoreError(HeatRiskError):
    """The store of finished runs cannot do what was asked."""


class RunNotFoundError(StoreError):
    """No such run in the store."""


class LayerNotFoundError(StoreError):
    """The run holds no such layer."""


class TileNotFoundError(StoreError):
    """The tile lies outside the area or its zooms."""
