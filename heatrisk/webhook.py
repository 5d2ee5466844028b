"""Bulletins pushed to another system: signed, retried, and of one event at most one that is taken.

Every body is signed with HMAC-SHA256 over ``timestamp.body``, so that the receiver can tell who sent it and
refuse what is old. What became of an event at an address is kept in a file of the store, locked while it is
sent::

    (nothing) ──► sending ──► sent       taken (2xx): never sent again
                     │  ├───► refused    3xx or 4xx: sending it again would not help
                     │  ├───► failed     not taken, as far as is known: sent again the next time
                     └──┴───► uncertain  no whole answer came: perhaps taken, so never sent again

A sender that dies leaves ``sending``, which the next one counts as uncertain. Redirections are not followed.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import hmac
import json
import logging
import random
import ssl
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, get_args

import httpx

from heatrisk import disk
from heatrisk.errors import InputError, StoreError
from heatrisk.words import Words

State = Literal["sent", "refused", "failed", "uncertain"]

#: The first pause between attempts [s]; each one is twice as long, and a random share of that.
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
#: Answers that say that it was not taken, and may be another time (RFC 9110, RFC 6585).
_LATER = {408, 425, 429, 500, 502, 503, 504}
_SHORTEST_SECRET = 16

# What httpx logs of its own holds the address, and many an address is a key.
_SENDING: ContextVar[bool] = ContextVar("sending", default=False)
logging.getLogger("httpx").addFilter(lambda record: not _SENDING.get())


class Delivery(NamedTuple):
    """What became of an event at an address.

    Parameters
    ----------
    state : {"sent", "refused", "failed", "uncertain"}
        See the module.
    words : Words
        For the staff; without the address, which may hold a key.
    new : bool
        Whether anything was sent now; otherwise it had been before.
    """

    state: State
    words: Words
    new: bool


_TOLD: Mapping[State, Words] = {
    "sent": Words("送信しました", "sent"),
    "refused": Words("受信側に断られました", "the receiver refused it"),
    "failed": Words(
        "送信できませんでした（次回また送ります）", "it could not be sent, and will be the next time"
    ),
    "uncertain": Words(
        "届いたかどうか分かりません（重複を避けるため再送しません）",
        "whether it arrived is not known; it is not sent again, lest it arrive twice",
    ),
}


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header ``Heatrisk-Signature``.

    Parameters
    ----------
    secret : str
        What sender and receiver share.
    timestamp : int
        When it is sent, seconds since 1970; the receiver should refuse what is older than some minutes.
    body : bytes
        What is sent.

    Returns
    -------
    str
        ``t=<timestamp>,v1=<HMAC-SHA256 of "timestamp.body", hexadecimal>``.
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"


class Webhook:
    """Sends events to an address, each at most once.

    Parameters
    ----------
    folder : pathlib.Path
        Where it is kept what was sent; made when needed.
    url : str
        Address, ``https`` or ``http``.
    secret : str
        What signs the bodies; at least 16 characters.
    variable : str
        Where the secret comes from, for the message where it cannot be used.
    attempts : int
        How often an address is tried.
    timeout : float
        Longest wait for an answer to one attempt [s], whatever the receiver does.
    clock : callable
        Returns the time, with zone.
    sleep, chance : callable
        Pause between attempts [s], and a number from 0 to 1 that spreads it.

    Raises
    ------
    InputError
        The address or the secret cannot be used.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        secret: str,
        *,
        variable: str = "HEATRISK_WEBHOOK_SECRET",
        attempts: int = 5,
        timeout: float = 10.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._folder, self._url, self._secret = folder, _address(url), _usable(secret, variable)
        self._attempts, self._timeout = attempts, timeout
        self._clock, self._sleep, self._chance = clock, sleep, chance

    def send(self, event: str, content: Mapping[str, Any]) -> Delivery:
        """Send an event, unless it was sent before.

        Parameters
        ----------
        event : str
            The same for all that speaks of the same event.
        content : mapping
            JSON-ready values; ``event`` and ``sent`` are added.

        Raises
        ------
        StoreError
            What was sent cannot be kept, so nothing is.
        """
        now = self._clock()
        key = hashlib.sha256(f"{self._url}\n{event}".encode()).hexdigest()[:32]
        with disk.writing(self._folder), self._alone(self._folder / f"{key}.json") as record:
            before = _kept(record)
            if before in ("sent", "refused", "uncertain"):
                return Delivery(before, _TOLD[before], new=False)
            self._keep(record, event, "sending", now)
            body = {**content, "event": event, "sent": now.astimezone(UTC).isoformat(timespec="seconds")}
            state = asyncio.run(self._attempted(event, json.dumps(body, ensure_ascii=False).encode()))
            self._keep(record, event, state, now)
        return Delivery(state, _TOLD[state], new=True)

    @contextmanager
    def _alone(self, path: Path) -> Iterator[IO[str]]:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8") as record:
            try:
                fcntl.flock(record, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    Words("別のプロセスが送信中です", "another process is sending this"),
                    where=path,
                    remedy=Words("終わるのを待ってください", "Wait until it is done."),
                ) from None
            yield record

    def _keep(self, record: IO[str], event: str, state: str, at: datetime) -> None:
        record.seek(0)
        record.truncate()
        json.dump({"event": event, "state": state, "at": at.isoformat()}, record, ensure_ascii=False)
        record.flush()
        disk.sync(Path(record.name))
        disk.sync(self._folder)

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        """The authorities that vouch for a receiver; reading them takes longer than sending does."""
        return httpx.create_ssl_context()

    async def _attempted(self, event: str, body: bytes) -> State:
        """Try until it is taken or refused, or may have been; pauses double, each a random share."""
        _SENDING.set(True)
        state: State = "failed"
        for attempt in range(self._attempts):
            if attempt:
                await self._sleep(self._chance() * min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE))
            state = await self._attempt(event, body)
            if state != "failed":
                break
        return state

    async def _attempt(self, event: str, body: bytes) -> State:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "heatrisk",
            "Heatrisk-Event": hashlib.sha256(event.encode()).hexdigest()[:32],
            "Heatrisk-Signature": signature(self._secret, int(self._clock().timestamp()), body),
        }
        connected = False

        async def noticed(name: str, _: Any) -> None:
            nonlocal connected
            connected = connected or name == "http11.send_request_headers.started"

        try:
            # A connection of its own for each attempt, so that what may have been taken is known.
            client = httpx.AsyncClient(timeout=self._timeout, verify=self._trusted)
            async with asyncio.timeout(self._timeout), client:
                asked = client.stream(
                    "POST", self._url, content=body, headers=headers, extensions={"trace": noticed}
                )
                async with asked as answer:
                    return _state_of(answer.status_code)
        except (httpx.HTTPError, httpx.StreamError, OSError, ValueError):  # TimeoutError is an OSError
            # Before the first byte left nobody can have taken it.
            return "uncertain" if connected else "failed"


def _state_of(status: int) -> State:
    return "sent" if 200 <= status < 300 else "failed" if status in _LATER else "refused"


def _kept(record: IO[str]) -> State | None:
    """Return what became of an event before; None where it may be sent."""
    record.seek(0)
    text = record.read()
    if not text:
        return None
    try:
        state = json.loads(text)["state"]
    except (ValueError, LookupError, TypeError):
        return "uncertain"
    # "sending": its sender died, since the lock is ours.
    return None if state == "failed" else state if state in get_args(State) else "uncertain"


def _address(url: str) -> str:
    try:
        parsed = httpx.URL(url)
        good = parsed.scheme in ("http", "https") and bool(parsed.host)
    except (httpx.InvalidURL, ValueError):
        good = False
    if not good:
        raise InputError(
            Words("送信先の URL が正しくありません", "this is no address to send to"),
            expected="https://HOST/…",
            remedy=Words("送信先の設定を確かめてください", "Check the address that was given."),
        )
    return url


def _usable(secret: str, variable: str) -> str:
    if len(secret) < _SHORTEST_SECRET:
        raise InputError(
            Words("署名の鍵がないか、短すぎます", "the secret that signs is absent or too short"),
            where=variable,
            expected=f"≥ {_SHORTEST_SECRET} characters",
            remedy=Words(
                "この環境変数に受信側と同じ鍵を設定してください",
                "Set this environment variable to the secret of the receiver.",
            ),
        )
    return secret
