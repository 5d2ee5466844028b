"""What was read from a file: the record that every source hands back beside its data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from heatrisk.errors import SourceError, SourceUnavailableError
from heatrisk.words import Note, Words


@dataclass(frozen=True)
class Refusal:
    """One row, building or cell that was not used, and why.

    Parameters
    ----------
    where : str
        Row number as a spreadsheet counts it (the header is 1), line, or identifier.
    reason : Words
        Why, in both languages.
    """

    where: str
    reason: Words


@dataclass(frozen=True)
class Reading:
    """The record of one file that was read.

    Parameters
    ----------
    role : str
        What the file is to the city: ``"buildings"``, ``"terrain"``, ``"official"``, …
    path : pathlib.Path
        The file.
    sha256 : str
        Digest of its bytes, hexadecimal.
    bytes : int
        Its size.
    read, used : int
        Records found, and records used.
    refused : tuple of Refusal
        Records not used, each with its reason.
    facts : mapping
        What else is worth knowing: counts, period, encoding. JSON-ready.
    notes : tuple of Note
        Assumptions and doubts that belong beside the results.
    """

    role: str
    path: Path
    sha256: str
    bytes: int
    read: int = 0
    used: int = 0
    refused: tuple[Refusal, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, role: str, path: Path, *companions: Path) -> Reading:
        """Begin the record of a file: check that it can be read, and take its digest.

        Parameters
        ----------
        role : str
            What the file is to the city.
        path : pathlib.Path
            The file.
        *companions : pathlib.Path
            Files that belong to it (a Shapefile's table); their bytes enter the digest.

        Raises
        ------
        SourceUnavailableError
            The file is not there or may not be read.
        SourceError
            It is empty.
        """
        digest, size = hashlib.sha256(), 0
        try:
            for part in (path, *companions):
                with part.open("rb") as stream:
                    while chunk := stream.read(2**20):
                        digest.update(chunk)
                        size += len(chunk)
        except OSError as error:
            raise SourceUnavailableError(
                Words("ファイルを読めません", "the file cannot be read"),
                where=path,
                got=error.strerror or str(error),
                remedy=Words(
                    "ファイルの場所と名前、読み取り権限を確かめてください",
                    "Check the path in the city file, the file's name and its permissions.",
                ),
            ) from error
        if size == 0:
            raise SourceError(
                Words("ファイルが空です", "the file is empty"),
                where=path,
                remedy=Words("ファイルを入手し直してください", "Fetch the file again."),
            )
        return cls(role, path, digest.hexdigest(), size)

    def as_dict(self) -> dict[str, Any]:
        """Return the record as the JSON-ready row of a run's manifest."""
        return {
            "role": self.role,
            "file": self.path.name,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "read": self.read,
            "used": self.used,
            "refused": len(self.refused),
            "facts": dict(self.facts),
        }
