"""Files wherever they lie: single, in folders, in zips, in zips within zips.

Public bodies hand out their data as zips of many files; they are read where they are, nothing is unpacked to
disk. A zip may come from anywhere, so names that leave it, encrypted members and bombs are refused before a
byte of them is used.
"""

from __future__ import annotations

import errno
import glob
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from heatrisk.errors import SourceError, SourceIncompleteError, SourceUnavailableError
from heatrisk.words import Words

#: A zip within a zip is held in memory whole; larger ones are refused [bytes].
LARGEST_INNER = 512 * 2**20

#: Members that one zip may list.
MOST_MEMBERS = 500_000

#: Data compress to a hundredth at most, save rasters of one value: a member, or all members of a zip
#: together, are a bomb beyond this ratio where they also have more than so many bytes.
_BOMB_RATIO, _BOMB_SIZE, _BOMB_TOTAL = 200, 256 * 2**20, 2 * 2**30

#: What the standard library also raises on damaged zips: bad names, unknown methods, absent keys.
_NATIVE = (ValueError, OverflowError, RuntimeError, LookupError)

_DEPTH = 2
_ENCRYPTED = 0x1
_AGAIN = Words("ファイルを入手し直してください", "Fetch the file again.")


@dataclass(frozen=True)
class Member:
    """One file, on disk or inside a zip.

    Parameters
    ----------
    path : pathlib.Path
        The file on disk: itself, or the zip that holds it.
    inside : tuple of str
        Names inside the zip, and inside the zip in it; empty for a file on disk.
    size : int
        Bytes, unpacked.
    """

    path: Path
    inside: tuple[str, ...] = ()
    size: int = 0

    @property
    def name(self) -> str:
        """What messages call it: the path on disk, then the names inside."""
        return "/".join((str(self.path), *self.inside))

    @property
    def filename(self) -> str:
        """Its own name, without folders and zips."""
        # Some zips from Windows have backslashes between folders.
        name = self.inside[-1] if self.inside else self.path.name
        return name.replace("\\", "/").rpartition("/")[2]

    @property
    def suffix(self) -> str:
        """Ending of the name, lower case, with its dot."""
        return PurePosixPath(self.filename).suffix.lower()

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open it for reading, as a stream of its unpacked bytes.

        What goes wrong while the caller reads is told as an error of this file.

        Raises
        ------
        SourceUnavailableError
            It cannot be opened.
        SourceError
            Its zip is damaged or encrypted.
        """
        with _told(self.name):
            raw = self._raw()
        with raw, io.BufferedReader(_Stream(raw, self.name), 2**18) as stream:
            yield stream

    def _raw(self) -> BinaryIO:
        if not self.inside:
            return self.path.open("rb")
        archive = _archive(self.path, self.path.stat().st_mtime_ns)
        if len(self.inside) > 1:
            archive = _inner(archive, self.inside[:-1])
        return archive.open(self.inside[-1])  # type: ignore[return-value]  # ZipExtFile reads as BinaryIO does

    def read(self, limit: int) -> bytes:
        """Return all its bytes.

        Parameters
        ----------
        limit : int
            Most bytes that are taken.

        Raises
        ------
        SourceError
            It holds more, or cannot be unpacked.
        """
        with self.open() as stream:
            content = stream.read(limit + 1)
        if len(content) > limit:
            raise _too_large(self.name, f"> {limit // 2**20} MiB")
        return content


class _Stream(io.RawIOBase):
    """A stream whose own failures, and no failure of who reads it, are told as errors of the file."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._raw, self._name = raw, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _told(self._name):
            content = self._raw.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def members(paths: Iterable[Path], suffixes: Sequence[str], *, theme: str | None = None) -> list[Member]:
    """Return the files of some kinds under some paths, in order.

    Parameters
    ----------
    paths : iterable of pathlib.Path
        Files, folders (searched with all below them), zips, or patterns with ``*``.
    suffixes : sequence of str
        Wanted endings, lower case with dot. A file named outright is taken whatever its ending.
    theme : str, optional
        Part of a PLATEAU delivery: of ``udx/bldg``, ``udx/dem``, ``udx/veg``, … only this one is taken.

    Returns
    -------
    list of Member
        Paths in the order given, each one's files in the order of their names.

    Raises
    ------
    SourceUnavailableError
        A path does not exist.
    SourceIncompleteError
        There is no file of these kinds under a path.
    SourceError
        A zip is damaged, encrypted, or made to do harm.
    """
    found: list[Member] = []
    for path in paths:
        here = [
            member
            for file in _on_disk(path, (*suffixes, ".zip"))
            for member in (_packed(file, suffixes) if file.suffix.lower() == ".zip" else [_single(file)])
            if _of_theme(member, path, theme)
        ]
        if not here:
            raise SourceIncompleteError(
                Words("使える種類のファイルがありません", "there is no file of a usable kind"),
                where=path,
                expected=", ".join(suffixes) + (f" (udx/{theme})" if theme else ""),
                remedy=Words("city.toml の path を確かめてください", "Check the path in the city file."),
            )
        found += here
    return list(dict.fromkeys(found))


def on_disk(found: Iterable[Member]) -> list[Path]:
    """Return the files on disk that hold some members, each once."""
    return list(dict.fromkeys(member.path for member in found))


def _single(path: Path) -> Member:
    return Member(path, (), path.stat().st_size)


def _on_disk(path: Path, suffixes: Sequence[str]) -> list[Path]:
    with _told(str(path)):
        if path.is_dir():
            return sorted(
                file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file()
            )
        if path.exists():
            return [path]
        matches = sorted(map(Path, glob.glob(str(path), recursive=True))) if _is_pattern(path) else []  # noqa: PTH207
    if not matches:
        raise unavailable(str(path), FileNotFoundError(errno.ENOENT, ""))
    return [file for file in matches if file.is_file()]


def _is_pattern(path: Path) -> bool:
    return bool(re.search(r"[*?\[]", str(path)))


#: What lies beside the models of a delivery: hundreds of lists and schemas.
_BESIDE = {"codelists", "metadata", "schemas", "specification"}


def _of_theme(member: Member, root: Path, theme: str | None) -> bool:
    """Tell whether a file belongs to a part of a PLATEAU delivery, or to no such delivery at all."""
    if theme is None or (not member.inside and member.path == root):
        return True
    parts = PurePosixPath("/".join((*member.path.parts, *member.inside))).parts
    if "udx" not in parts[:-1]:
        above = member.path.relative_to(root).parts if member.path.is_relative_to(root) else ()
        return _BESIDE.isdisjoint(PurePosixPath("/".join((*above, *member.inside))).parts[:-1])
    return parts[len(parts) - 1 - parts[::-1].index("udx") + 1] == theme


def _packed(path: Path, suffixes: Sequence[str]) -> list[Member]:
    with _told(str(path)):
        about = path.stat()
        archive = _archive(path, about.st_mtime_ns)
        found, total = [], 0
        for member in _listed(archive, Member(path), suffixes, _DEPTH):
            total += member.size
            if total > max(_BOMB_TOTAL, _BOMB_RATIO * about.st_size):
                raise _too_large(str(path), f"{about.st_size} -> {total} bytes")
            found.append(member)
        return [member for member in found if member.suffix != ".zip"]


def _listed(archive: zipfile.ZipFile, at: Member, suffixes: Sequence[str], depth: int) -> Iterator[Member]:
    """Yield the wanted members of a zip and of the zips in it, these themselves before they are opened."""
    entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
    if len(entries) > MOST_MEMBERS:
        raise _too_large(at.name, f"{len(entries)} members")
    for entry in entries:
        suffix = PurePosixPath(entry.filename).suffix.lower()
        if entry.is_dir() or suffix not in (*suffixes, ".zip"):
            continue
        member = Member(at.path, (*at.inside, entry.filename), entry.file_size)
        _check(entry, member)
        yield member
        if suffix == ".zip" and depth > 1:
            with zipfile.ZipFile(io.BytesIO(_whole(archive, entry.filename))) as inner:
                yield from _listed(inner, member, suffixes, depth - 1)


def _check(entry: zipfile.ZipInfo, member: Member) -> None:
    """Refuse a member that leaves its zip, cannot be opened, or unpacks to no end."""
    parts = re.split(r"[/\\]", entry.filename)
    if ".." in parts or not parts[0] or ":" in parts[0]:
        raise SourceError(
            Words("zip の外を指す名前があります", "a name in the zip points outside it"),
            where=member.name,
            remedy=_AGAIN,
        )
    if entry.flag_bits & _ENCRYPTED:
        raise SourceError(
            Words("zip が暗号化されています", "the zip is encrypted"),
            where=member.name,
            remedy=Words("パスワードを外して保存し直してください", "Save it again without a password."),
        )
    if entry.file_size > _BOMB_SIZE and entry.file_size > _BOMB_RATIO * max(entry.compress_size, 1):
        raise _too_large(member.name, f"{entry.compress_size} -> {entry.file_size} bytes")


def _whole(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST_INNER:
        raise _too_large(name, f"{archive.getinfo(name).file_size} bytes")
    return archive.read(name)


@lru_cache(maxsize=4)
def _archive(path: Path, changed: int) -> zipfile.ZipFile:
    """Return an opened zip; large ones take a second to list, and their members are opened one by one."""
    try:
        # Names without the UTF-8 mark were written on a Japanese Windows.
        return zipfile.ZipFile(path, metadata_encoding="cp932")
    except UnicodeDecodeError:
        return zipfile.ZipFile(path)


@lru_cache(maxsize=1)
def _inner(archive: zipfile.ZipFile, names: tuple[str, ...]) -> zipfile.ZipFile:
    """Return a zip within a zip; the last one stays in memory, for its members are read one after another."""
    for name in names:
        archive = zipfile.ZipFile(io.BytesIO(_whole(archive, name)))
    return archive


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, *_NATIVE) as error:
        raise SourceError(
            Words("zip が壊れています", "the zip is damaged"), where=name, got=str(error)[:200], remedy=_AGAIN
        ) from error
    except OSError as error:
        raise unavailable(name, error) from error


def _too_large(name: str, got: str) -> SourceError:
    return SourceError(
        Words("展開後の大きさが限度を超えています", "it unpacks to more than is safe"),
        where=name,
        got=got,
        remedy=_AGAIN,
    )


_REASONS = {
    errno.ENOENT: Words("ファイルが見つかりません", "the file does not exist"),
    errno.ENOTDIR: Words("ファイルが見つかりません", "the file does not exist"),
    errno.ENAMETOOLONG: Words("ファイル名が長すぎます", "the name of the file is too long"),
    errno.EACCES: Words("ファイルの読み取り権限がありません", "reading the file is not permitted"),
    errno.EISDIR: Words("ファイルではなくフォルダーです", "this is a folder, not a file"),
}


def unavailable(name: str, error: OSError) -> SourceUnavailableError:
    """Return the error of a file that the operating system does not let us read."""
    known = _REASONS.get(error.errno or 0)
    return SourceUnavailableError(
        known or Words("ファイルを読めません", "the file cannot be read"),
        where=name,
        got=None if known else error.strerror or str(error),
        remedy=Words(
            "ファイルの場所と名前、読み取り権限を確かめてください",
            "Check the path in the city file, the file's name and its permissions.",
        ),
    )
