"""XML of public bodies as a stream: no entities, no cut files, tags by their local names.

A recovering parser survives the undeclared prefixes of real files, but it would also pass over what must be
refused; so the bytes are looked at on their way to it.

References
----------
.. [1] Extensible Markup Language (XML) 1.0 (Fifth Edition), W3C, 2008: sections 2.8 and 4.2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import BinaryIO, Final

from lxml import etree
from pyproj import CRS
from pyproj.exceptions import CRSError

from heatrisk.errors import SourceError, SourceIncompleteError
from heatrisk.sources.reading import Refusal
from heatrisk.words import Words

#: JGD2011 with heights, the system of every PLATEAU file; assumed where a file names none.
PLATEAU_CRS: Final = 6697

AGAIN: Final = Words("ファイルを入手し直してください", "Download the file again.")

#: The opening tag must begin within the first bytes, the closing tag within the last.
_HEAD, _TAIL = 65536, 4096
_FORBIDDEN = (b"<!DOCTYPE", b"<!ENTITY")
_OVERLAP = max(map(len, _FORBIDDEN)) - 1


class Guarded:
    """A stream of XML that passes on its bytes and raises at the first that must not be parsed.

    Parameters
    ----------
    stream : file object
        The bytes.
    name : str
        What messages call the file.
    root : str
        Local name of the document's element.

    Raises
    ------
    SourceError
        From here on: the beginning is of another kind, or a document type or an entity is declared.
    SourceIncompleteError
        At the end: the root element is not closed.
    """

    def __init__(self, stream: BinaryIO, name: str, root: str) -> None:
        self.name, self.root, self._stream = name, root, stream
        self._ahead = stream.read(_HEAD)
        self._tail = b""
        self._ended = False
        if not re.search(rb"<(?:[\w.-]+:)?%b[\s>/]" % root.encode(), self._ahead):
            raise wrong_kind(name, root, repr(self._ahead[:40]))

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most ``size``; none at the end."""
        if size == 0:
            return b""
        if self._ahead:
            whole = self._ahead if size < 0 else self._ahead[:size]
            self._ahead = self._ahead[len(whole) :]
            chunk = whole + (self._stream.read() if size < 0 else b"")
        else:
            chunk = self._stream.read(size)
        self._inspect(chunk)
        if not chunk or size < 0:
            self._finish()
        return chunk

    def drain(self) -> None:
        """Look at what a parser left unread, so that a cut file never passes for a whole one."""
        while not self._ended:
            self.read(2**20)

    def _inspect(self, chunk: bytes) -> None:
        seen = self._tail[-_OVERLAP:] + chunk
        if any(word in seen for word in _FORBIDDEN):
            raise SourceError(
                Words(
                    "XML の実体宣言(DTD)は受け付けません", "XML entity declarations (DTD) are not accepted"
                ),
                where=self.name,
                remedy=Words("配布元のファイルをそのまま使ってください", "Use the file as published."),
            )
        # Neither UTF-8 nor Shift_JIS has zero bytes: this is UTF-16, which hides what is sought, or junk.
        if b"\0" in chunk:
            raise wrong_kind(self.name, self.root, "zero bytes (UTF-16?)")
        self._tail = chunk[-_TAIL:] if len(chunk) >= _TAIL else (self._tail + chunk)[-_TAIL:]

    def _finish(self) -> None:
        self._ended = True
        if not re.search(rb"</(?:[\w.-]+:)?%b\s*>" % self.root.encode(), self._tail):
            raise SourceIncompleteError(
                Words("ファイルが途中で切れています", "the file is cut off"),
                where=self.name,
                expected=f"</{self.root}>",
                got=repr(self._tail[-40:]),
                remedy=AGAIN,
            )


def guarded(stream: BinaryIO, name: str, root: str = "CityModel") -> Guarded:
    """Return a stream that refuses what a recovering XML parser would let through.

    Parameters
    ----------
    stream : file object
        The bytes, from :meth:`heatrisk.sources.files.Member.open`.
    name : str
        What messages call the file.
    root : str
        Local name of the document's element, ``CityModel`` for CityGML.

    Returns
    -------
    Guarded
        An object with ``read``; its errors pass through lxml's ``iterparse`` unchanged.

    Raises
    ------
    SourceError
        The root element does not begin within the first 64 KiB.
    """
    return Guarded(stream, name, root)


def tags(*names: str) -> tuple[str, ...]:
    """Return the tags that lxml matches for elements in any namespace, or with an undeclared prefix.

    Parameters
    ----------
    *names : str
        With their usual prefix: ``"bldg:Building"``.
    """
    return (*(f"{{*}}{name.split(':')[-1]}" for name in names), *names)


def elements(
    stream: Guarded, tag: tuple[str, ...], damage: list[Refusal] | None = None
) -> Iterator[tuple[str, etree._Element]]:
    """Yield the local name of each wanted element, and the element, in the order of their ends.

    The parser recovers, expands nothing and fetches nothing. PLATEAU is UTF-8 by specification; fixing it
    keeps every other decoder away from the file. The caller clears what it is done with, see :func:`free`.

    Parameters
    ----------
    stream : Guarded
        The XML; read to its end.
    tag : tuple of str
        From :func:`tags`.
    damage : list of Refusal, optional
        Receives, at the end, the lines where the XML is damaged: recovery can swallow elements there.

    Raises
    ------
    SourceError
        The XML is beyond recovery, or refused by the stream.
    """
    events = etree.iterparse(
        stream,
        events=("end",),
        tag=tag,
        encoding="utf-8",
        recover=True,
        huge_tree=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    )
    try:
        for _, element in events:
            yield local(element.tag), element
    except etree.XMLSyntaxError as error:
        raise wrong_kind(stream.name, stream.root, str(error)[:200]) from error
    stream.drain()
    if damage is not None:
        # Undeclared prefixes are errors of another level, and swallow nothing.
        fatal = [entry for entry in events.error_log if entry.level_name == "FATAL"][:20]
        damage += [
            Refusal(
                f"line {entry.line}",
                Words(f"XML が壊れています: {entry.message}", f"damaged XML: {entry.message}"),
            )
            for entry in fatal
        ]


def free(element: etree._Element) -> None:
    """Drop a finished element and its elder siblings, so that memory stays bounded."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


@lru_cache(maxsize=4096)
def local(tag: object) -> str:
    """Return a tag without its namespace, and without a prefix that was never declared."""
    return re.split("[}:]", tag)[-1] if isinstance(tag, str) else ""


def horizontal(name: str, where: str) -> CRS:
    """Return the horizontal part of the coordinate system that an ``srsName`` names.

    Parameters
    ----------
    name : str
        ``"http://www.opengis.net/def/crs/EPSG/0/6697"``, ``"EPSG:6668"``; JGD2011 where it names no code.
    where : str
        What messages call the file.

    Raises
    ------
    SourceError
        The code is unknown.
    """
    # Of a text of any length only the end, and gaps that are bounded: no file may cost more than its length.
    match = re.search(r"EPSG\D{0,40}(?:[\d.]{1,12}/)?(\d{4,5})$", name.strip()[-80:])
    try:
        whole = CRS.from_epsg(int(match.group(1)) if match else PLATEAU_CRS)
    except CRSError as error:
        raise SourceError(
            Words("座標参照系が分かりません", "unknown coordinate system"),
            where=where,
            expected=f"EPSG:{PLATEAU_CRS}",
            got=name[:80],
            remedy=AGAIN,
        ) from error
    return whole.sub_crs_list[0] if whole.is_compound else whole.to_2d()


def number(text: str | None) -> float:
    """Return the number that an element's text is; NaN where it is none."""
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def wrong_kind(name: str, root: str, got: str) -> SourceError:
    """Return the error of a file that is not the XML it should be."""
    return SourceError(
        Words("必要な種類の XML ファイルとして読めません", "this cannot be read as the XML that is needed"),
        where=name,
        expected=f"<{root}>",
        got=got,
        remedy=AGAIN,
    )
