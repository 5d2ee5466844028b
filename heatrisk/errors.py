"""Every error that heatrisk raises on purpose.

::

    HeatRiskError
     ├── InputError (ValueError)      what the caller gave cannot be used
     │    ├── UnitsError              a number in another unit than the name promises
     │    ├── GridMismatchError       two rasters that do not lie on the same grid
     │    ├── MissingQuantityError    a quantity the computation needs is absent
     │    ├── CityFileError           the city file (TOML) is wrong
     │    ├── TokenError              no token, or none that is valid
     │    ├── ForeignTokenError       a token, but for something else
     │    └── TooOftenError           more often than is allowed
     ├── SourceError                  a file or service outside gave something unusable
     │    ├── SourceUnavailableError  not there, not answering
     │    │    └── OffSeasonError     not published at this time of year
     │    └── SourceIncompleteError   there, but with holes
     └── StoreError                   the store of finished runs
          ├── StoreBusyError          another process writes
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
    expected, got : str or Words, optional
        What should have been there, and what was.
    remedy : str or Words, optional
        What the reader can do about it.
    """

    def __init__(
        self,
        what: str | Words,
        *,
        where: str | os.PathLike[str] | None = None,
        expected: str | Words | None = None,
        got: str | Words | None = None,
        remedy: str | Words | None = None,
    ) -> None:
        self.what = what
        self.where = None if where is None else os.fspath(where)
        self.expected = expected
        self.got = got
        self.remedy = remedy
        super().__init__(self.text("en"))

    def text(self, language: Language, *, public: bool = False) -> str:
        """Return the whole message in one language (English where no translation was given).

        Parameters
        ----------
        language : {"ja", "en"}
            The language.
        public : bool
            For what is stored and served: the file's name without the folders of this machine.
        """
        japanese = language == "ja"
        parts = [_in(self.what, language)]
        if self.where is not None:
            parts[0] = f"{_name(self.where) if public else self.where}: {parts[0]}"
        if self.expected is not None:
            expected = _in(self.expected, language)
            parts.append(f"必要なもの: {expected}" if japanese else f"expected {expected}")
        if self.got is not None:
            got = _in(self.got, language)
            parts.append(f"実際: {got}" if japanese else f"got {got}")
        text = (" / " if japanese else "; ").join(parts)
        if self.remedy is None:
            return text
        return f"{text}{'。' if japanese else '. '}{_in(self.remedy, language)}"


def _name(where: str) -> str:
    """Return a place without its folders; an address on the web stays whole."""
    return where if "://" in where else where.rsplit("/", 1)[-1]


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


class TokenError(InputError):
    """A token that is needed is absent or not valid."""


class ForeignTokenError(InputError):
    """A token that is valid, but for something else."""


class TooOftenError(InputError):
    """Something is asked for more often than is allowed."""


class SourceError(HeatRiskError):
    """A file or service outside gave something unusable."""


class SourceUnavailableError(SourceError):
    """A source is not there or does not answer."""


class OffSeasonError(SourceUnavailableError):
    """A source publishes nothing at this time of year."""


class SourceIncompleteError(SourceError):
    """A source is there, but lacks values that are needed."""


class StoreError(HeatRiskError):
    """The store of finished runs cannot do what was asked."""


class StoreBusyError(StoreError):
    """Another process is writing a run."""


class RunNotFoundError(StoreError):
    """No such run in the store."""


class LayerNotFoundError(StoreError):
    """The run holds no such layer."""


class TileNotFoundError(StoreError):
    """The tile lies outside the area or its zooms."""
