"""Files from the web: fetched politely, within limits, and kept for the day the server is silent.

What arrives is bytes; whether they are the file that was wanted, its reader decides. Only a web page in place
of data is told here, since it is the usual way in which a server says that it has none.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import httpx

from heatrisk import disk
from heatrisk.city.sections import HttpSection
from heatrisk.errors import HeatRiskError, OffSeasonError, SourceUnavailableError
from heatrisk.sources.web import copies
from heatrisk.sources.web.address import Address, address
from heatrisk.sources.web.copies import Copy
from heatrisk.sources.web.trouble import FetchError, of_status, on_the_way, trouble
from heatrisk.sources.web.unpacked import unpacked
from heatrisk.words import JST, Words

T = TypeVar("T")

#: One address may take this many times the timeout, whatever its server does, attempts and pauses included.
PATIENCE = 10

#: Addresses that are fetched at the same time.
_ABREAST = 4
_REDIRECTS = 5
_FIRST_PAUSE = 1.0  # [s]
_HEAD = 1024
_WEB_PAGE = re.compile(
    rb"[\s\xef\xbb\xbf\xfe\xff]*(<\?xml[^>]*>\s*)?(<!--((?!-->).)*-->\s*)*<(!doctype\s+html|html|head|body)\b",
    re.IGNORECASE | re.DOTALL,
)

# What httpx logs of its own holds addresses with their keys.
_FETCHING: ContextVar[bool] = ContextVar("fetching", default=False)
for _name in ("httpx", "httpcore.http11", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(lambda record: not _FETCHING.get())


@dataclass(frozen=True)
class Download:
    """A file from the web, on this computer.

    Parameters
    ----------
    path : pathlib.Path
        The file; its time of change is the server's, where it told one. It is never written again.
    url : str
        Where from, without keys and passwords.
    sha256 : str
        Digest of its bytes, hexadecimal.
    fetched : datetime.datetime
        When the server last gave or confirmed it, UTC.
    modified : datetime.datetime, optional
        When it was last changed, as the server says, UTC.
    fresh : bool
        Whether the server gave or confirmed it just now; otherwise this is an earlier copy.
    trouble : Words, optional
        Why an earlier copy had to do, and since when it is unconfirmed.
    """

    path: Path
    url: str
    sha256: str
    fetched: datetime
    modified: datetime | None
    fresh: bool
    trouble: Words | None


def _now() -> datetime:
    return datetime.now(UTC)


class Downloads:
    """Fetches files from the web into a folder of copies.

    Proxies and certificates come from the environment (``HTTPS_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE``).

    Parameters
    ----------
    folder : pathlib.Path
        Where copies are kept; made when needed.
    settings : HttpSection
        ``timeout`` [s] for connecting and for every silence; an address may take ten times as long in all.
    contact : str
        Whom the owner of a server may ask; goes into the user agent unless the settings name one.
    clock : callable
        Returns the time, with its zone.
    sleep, chance : callable
        Pause between attempts [s], and a number from 0 to 1 that spreads it.
    """

    def __init__(
        self,
        folder: Path,
        settings: HttpSection,
        *,
        contact: str = "",
        clock: Callable[[], datetime] = _now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._agent = _plain(settings.user_agent) or _agent(contact)
        self._clock, self._sleep, self._chance = clock, sleep, chance

    def fetch(self, url: str) -> Download:
        """Return the file at an address: as it is now, or else a copy that is young enough.

        Parameters
        ----------
        url : str
            Address, which may hold ``${NAME}`` and ``{%Y%m%d}``: see :mod:`heatrisk.sources.web.address`.

        Raises
        ------
        InputError
            The address is malformed, or a variable in it is not set.
        SourceUnavailableError
            The server does not give the file, and there is no copy younger than ``keep_hours``.
        StoreError
            The disk refuses.
        """
        (found,) = self.fetch_all([url])
        if isinstance(found, HeatRiskError):
            raise found
        return found

    def fetch_all(self, urls: Sequence[str]) -> list[Download | SourceUnavailableError]:
        """Return the files at several addresses, four fetched at a time; what fails is returned as its error.

        Parameters
        ----------
        urls : sequence of str
            Addresses, as for :meth:`fetch`.

        Raises
        ------
        InputError
            An address is malformed, or a variable in it is not set; nothing has been fetched.
        StoreError
            The disk refuses.
        """
        at = self._clock()
        wanted = [address(url, at) for url in urls]
        with disk.writing(self._folder):
            found = _finished(self._fetch_each(list(dict.fromkeys(wanted))))
            copies.prune(self._folder, at)
        return [found[one] for one in wanted]

    def approve(self, downloads: Iterable[Download]) -> None:
        """Remember that a run was made from these: should a server send rubbish next, they can stand in.

        Parameters
        ----------
        downloads : iterable of Download
            As :meth:`fetch` returned them.

        Raises
        ------
        StoreError
            The disk refuses.
        """
        with disk.writing(self._folder):
            for one in downloads:
                copy = Copy(one.path, one.url, one.sha256, one.fetched, one.modified)
                copies.confirm(one.path.parents[1], copy, good=True)

    def approved(self, url: str) -> Download | None:
        """Return the copy of an address from which a run was last made, or None.

        Parameters
        ----------
        url : str
            Address, as for :meth:`fetch`; one with a time in it is another address at another time.

        Returns
        -------
        Download or None
            None where no run was made from one, or it is older than ``keep_hours``.
        """
        at = address(url, self._clock())
        copy = copies.read(self._folder / at.key, at.name, good=True)
        return _download(copy, fresh=False) if copy is not None and self._young(copy) else None

    def _young(self, copy: Copy) -> bool:
        return abs(self._clock() - copy.fetched) <= timedelta(hours=self._settings.keep_hours)

    async def _fetch_each(self, wanted: list[Address]) -> dict[Address, Download | SourceUnavailableError]:
        gate = asyncio.Semaphore(_ABREAST)

        async def one(client: httpx.AsyncClient, at: Address) -> Download | SourceUnavailableError:
            _FETCHING.set(True)
            async with gate:
                return await self._fetch(client, at)

        headers = {"User-Agent": self._agent, "Accept": "*/*", "Accept-Encoding": "gzip"}
        async with httpx.AsyncClient(timeout=self._settings.timeout, headers=headers) as client:
            return dict(zip(wanted, await asyncio.gather(*(one(client, at) for at in wanted)), strict=True))

    async def _fetch(self, client: httpx.AsyncClient, at: Address) -> Download | SourceUnavailableError:
        kept = copies.read(self._folder / at.key, at.name)
        limit = PATIENCE * self._settings.timeout
        try:
            async with asyncio.timeout(limit):
                copy = await self._attempts(client, at, kept)
        except TimeoutError:
            return self._stand_in(at, kept, trouble("deadline", f"{limit:g}"))
        except FetchError as refused:
            return self._stand_in(at, kept, refused)
        return _download(copy, fresh=True)

    async def _attempts(self, client: httpx.AsyncClient, at: Address, kept: Copy | None) -> Copy:
        """Ask until the file is there; pauses double, each a random share of its length."""
        longest = self._settings.timeout
        for attempt in range(1, self._settings.attempts):
            try:
                return await self._attempt(client, at, kept)
            except FetchError as refused:
                pause = self._chance() * min(_FIRST_PAUSE * 2 ** (attempt - 1), longest)
                if refused.pause is not None:
                    pause += refused.pause
                if not refused.passing or pause > longest:
                    raise
            await self._sleep(pause)
        return await self._attempt(client, at, kept)

    async def _attempt(self, client: httpx.AsyncClient, at: Address, kept: Copy | None) -> Copy:
        folder, now = self._folder / at.key, self._clock().astimezone(UTC)
        with on_the_way(self._settings.timeout):
            request = client.build_request("GET", at.url, headers=_conditions(kept))
        async with self._answer(client, request) as response:
            if response.status_code == 304 and kept is not None:
                copy = replace(kept, fetched=now)
                copies.confirm(folder, copy)
                return copy
            if response.status_code != 200:
                raise of_status(response, now)
            part = copies.part(folder)
            try:
                etag, kind = (response.headers.get(name, "") for name in ("etag", "content-type"))
                arrived = Copy(
                    part, at.shown, await self._receive(response, part), now, _modified(response),
                    etag if etag.isascii() else "", kind,
                )  # fmt: skip
                if kept is None or kept.sha256 != arrived.sha256:
                    return copies.keep(folder, arrived, at.name)
                copy = replace(arrived, path=kept.path)
                copies.confirm(folder, copy)
                return copy
            finally:
                part.unlink(missing_ok=True)

    @asynccontextmanager
    async def _answer(
        self, client: httpx.AsyncClient, request: httpx.Request
    ) -> AsyncIterator[httpx.Response]:
        """Send a request and follow where it is sent on, a few times, never out of encryption."""
        for _ in range(_REDIRECTS + 1):
            with on_the_way(self._settings.timeout):
                response = await client.send(request, stream=True)
            try:
                following = response.next_request
                if following is None:
                    yield response
                    return
            finally:
                await response.aclose()
            if (request.url.scheme, following.url.scheme) not in _STEPS:
                raise trouble("redirect", following.url.scheme)
            request = following
        raise trouble("redirect", f"> {_REDIRECTS}")

    async def _receive(self, response: httpx.Response, part: Path) -> str:
        """Write the body to the disk and return its digest."""
        digest, size, head = hashlib.sha256(), 0, b""
        limit = self._settings.max_megabytes * 1e6
        if float(response.headers.get("content-length", 0)) > limit:
            raise trouble("large", f"{self._settings.max_megabytes:g}")
        with part.open("xb") as file:
            async with aclosing(unpacked(response, self._settings.timeout)) as pieces:
                async for piece in pieces:
                    size += len(piece)
                    if size > limit:
                        raise trouble("large", f"{self._settings.max_megabytes:g}")
                    head += piece[: _HEAD - len(head)]
                    digest.update(piece)
                    file.write(piece)
        if not size:
            raise trouble("empty")
        if _WEB_PAGE.match(head.replace(b"\0", b"")):  # without the zeros, UTF-16 reads as ASCII
            raise trouble("web_page")
        return digest.hexdigest()

    def _stand_in(
        self, at: Address, kept: Copy | None, refused: FetchError
    ) -> Download | SourceUnavailableError:
        """Return the kept copy with what is wrong, or the error where there is none that is young enough."""
        what = refused.words
        if kept is not None:
            since = kept.fetched.astimezone(JST)
            hours = self._settings.keep_hours
            if self._young(kept):
                said = Words(
                    f"{at.name}: {what.ja}。{since:%Y-%m-%d %H:%M} に取得したものを使います",
                    f"{at.name}: {what.en}; the copy of {since:%Y-%m-%d %H:%M} JST is used",
                )
                return _download(kept, fresh=False, trouble=said)
            what = Words(
                f"{what.ja}。{since:%Y-%m-%d %H:%M} に取得したものは {hours:g} 時間より古く使えません",
                f"{what.en}; the copy of {since:%Y-%m-%d %H:%M} JST is older than {hours:g} hours",
            )
        kind = OffSeasonError if refused.off_season else SourceUnavailableError
        return kind(what, where=at.shown, remedy=refused.remedy)


_STEPS = {("http", "http"), ("http", "https"), ("https", "https")}


def named(downloads: Iterable[Download]) -> dict[str, Path]:
    """Return the files of some downloads by their names; of two that share one, the second gets a number."""
    found: dict[str, Path] = {}
    for path in dict.fromkeys(download.path for download in downloads):
        name, number = path.name, 2
        while name in found:
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        found[name] = path
    return found


def _download(copy: Copy, *, fresh: bool, trouble: Words | None = None) -> Download:
    return Download(copy.path, copy.url, copy.sha256, copy.fetched, copy.modified, fresh, trouble)


def _finished(work: Coroutine[None, None, T]) -> T:
    """Return what a coroutine returns, in a notebook too, whose thread has a loop of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as aside:
        return aside.submit(asyncio.run, work).result()


def _conditions(kept: Copy | None) -> dict[str, str]:
    """Return the headers by which a server need not send again what is kept."""
    if kept is None:
        return {}
    found = {"If-None-Match": kept.etag} if kept.etag else {}
    if kept.modified is not None:
        found["If-Modified-Since"] = format_datetime(kept.modified, usegmt=True)
    return found


def _modified(response: httpx.Response) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["last-modified"]).astimezone(UTC)
    except (LookupError, ValueError, OverflowError):
        return None


def _agent(contact: str) -> str:
    return f"heatrisk/{version('heatrisk')}" + (f" (+{_plain(contact)})" if _plain(contact) else "")


def _plain(text: str) -> str:
    """Return what of a text a header can carry."""
    return re.sub(r"[^\x20-\x7e]+", " ", text).strip()
