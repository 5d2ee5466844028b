"""What was read from a file: the record that every source hands back beside its data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heatrisk.errors import SourceError
from heatrisk.sources.files import unavailable
from heatrisk.words import Note, Words

#: What a source is called, by its role.
ROLES: Mapping[str, Words] = {
    "city": Words("設定", "city file"),
    "town": Words("まちのデータ", "town"),
    "buildings": Words("建物", "buildings"),
    "terrain": Words("標高", "terrain"),
    "canopy": Words("樹木", "trees"),
    "land_cover": Words("土地被覆", "land cover"),
    "station_table": Words("観測地点表", "stations"),
    "official": Words("公式値", "official values"),
    "weather": Words("気象データ", "weather"),
    "alerts": Words("警戒情報", "alerts"),
    "shelters": Words("涼める場所", "shelters"),
    "congestion": Words("混雑状況", "crowding"),
    "equipment": Words("設備状況", "equipment"),
    "population": Words("人口", "population"),
    "jurisdictions": Words("地区", "districts"),
}


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
class FileRecord:
    """One file on disk, as it was when it was read.

    Parameters
    ----------
    name : str
        Its name, without folder.
    sha256 : str
        Digest of its bytes, hexadecimal.
    bytes : int
        Its size.
    path : pathlib.Path, optional
        Where it lies on this computer; told to nobody.
    """

    name: str
    sha256: str
    bytes: int
    path: Path | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Reading:
    """The record of one source that was read: one file, or several that belong together.

    Parameters
    ----------
    role : str
        What the source is to the city: ``"buildings"``, ``"terrain"``, ``"official"``, …
    path : pathlib.Path
        The file, or the folder, zip or pattern that the city file names.
    files : tuple of FileRecord
        Every file on disk that was read.
    modified : datetime.datetime, optional
        When the newest of the files was last changed, UTC.
    as_of : datetime.datetime, optional
        The instant that the data themselves speak of (issue of a forecast, last observation), UTC; None
        where they name none.
    read, used : int
        Records found, and records used.
    refused : tuple of Refusal
        Records not used, each with its reason.
    covered : float, optional
        Share of the served area of which the source says something, 0 to 1.
    facts : mapping
        What else is worth knowing: counts, period, encoding. JSON-ready.
    notes : tuple of Note
        Assumptions and doubts that belong beside the results.
    """

    role: str
    path: Path
    files: tuple[FileRecord, ...]
    modified: datetime | None = None
    as_of: datetime | None = None
    read: int = 0
    used: int = 0
    refused: tuple[Refusal, ...] = ()
    covered: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()

    @classmethod
    def of(cls, role: str, *paths: Path, named: Path | None = None) -> Reading:
        """Begin the record of a source: check that its files can be read, and take their digests.

        Parameters
        ----------
        role : str
            What the source is to the city.
        *paths : pathlib.Path
            Its files on disk; at least one.
        named : pathlib.Path, optional
            What the city file names, where that is not the first file.

        Raises
        ------
        SourceUnavailableError
            A file is not there or may not be read.
        SourceError
            The first file is empty.
        """
        files = tuple(_record(path) for path in paths)
        if files[0].bytes == 0:
            raise SourceError(
                Words("ファイルが空です", "the file is empty"),
                where=paths[0],
                remedy=Words("ファイルを入手し直してください", "Fetch the file again."),
            )
        newest = max(path.stat().st_mtime for path in paths)
        return cls(role, named or paths[0], files, datetime.fromtimestamp(newest, UTC))

    @property
    def sha256(self) -> str:
        """Digest of the file; of several, the digest of their digests and names, one a line."""
        if len(self.files) == 1:
            return self.files[0].sha256
        lines = "".join(f"{file.sha256}  {file.name}\n" for file in self.files)
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(file.bytes for file in self.files)

    def as_dict(self) -> dict[str, Any]:
        """Return the record as the JSON-ready row of a run's manifest."""
        return {
            "role": self.role,
            "file": self.path.name,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "files": [{"name": file.name, "sha256": file.sha256, "bytes": file.bytes} for file in self.files],
            "as_of": None if self.as_of is None else f"{self.as_of:%Y-%m-%dT%H:%M:%SZ}",
            "read": self.read,
            "used": self.used,
            "refused": len(self.refused),
            "covered": self.covered,
            "facts": dict(self.facts),
        }


def _record(path: Path) -> FileRecord:
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(2**20):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise unavailable(str(path), error) from error
    return FileRecord(path.name, digest.hexdigest(), size, path)
