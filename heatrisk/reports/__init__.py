"""What facilities report of themselves: open or closed, how full, what is out of order, and until when.

A facility holds a token, of which only the digest is kept. Its newest report is its status until it expires,
and no older one comes back. Nothing is ever overwritten: see :mod:`heatrisk.reports.tables`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, func, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from heatrisk.errors import ForeignTokenError, InputError, StoreError, TokenError, TooOftenError
from heatrisk.reports.live import (
    DEFAULT_MINUTES,
    LONGEST_MINUTES,
    Condition,
    Entry,
    Holder,
    Live,
    Said,
    merged,
    standing,
    written,
)
from heatrisk.reports.tables import METADATA, REPORTS, TOKENS, engine_of
from heatrisk.words import Words

__all__ = [
    "DEFAULT_MINUTES",
    "LONGEST_MINUTES",
    "Condition",
    "Entry",
    "Holder",
    "Live",
    "Reports",
    "Said",
    "merged",
    "standing",
]

#: Reports that one token may make in a minute.
MOST_A_MINUTE = 30
#: How long a database that failed is left alone by readers [s].
_REST = 10.0
#: What stands in for the digest of a token that does not exist, so that both take as long.
_NOBODY = hashlib.sha256(b"").hexdigest()


class Reports:
    """The reports of a store's facilities.

    Parameters
    ----------
    root : pathlib.Path
        The store.
    url : str, optional
        Another database than the store's own file; ``HEATRISK_DATABASE_URL`` if omitted.

    Raises
    ------
    InputError
        The address of the database is none.
    """

    def __init__(self, root: Path, url: str | None = None) -> None:
        self._engine = engine_of(root, os.environ.get("HEATRISK_DATABASE_URL", "") if url is None else url)
        self._file = Path(self._engine.url.database or "") if self._engine.dialect.name == "sqlite" else None
        self._made, self._resting = False, 0.0

    def issue(self, shelter: str, name: str, at: datetime) -> str:
        """Make a token for a facility and return it; it cannot be told again.

        Parameters
        ----------
        shelter, name : str
            Identifier and name of the facility.
        at : datetime.datetime
            The clock, with zone.

        Raises
        ------
        StoreError
            The database refuses.
        """
        secret = secrets.token_urlsafe(32)
        row = {"shelter": shelter, "name": name, "digest": _digest(secret), "issued": written(at)}
        with self._transaction(make=True) as connection:
            number = connection.execute(insert(TOKENS).values(row).returning(TOKENS.c.id)).scalar_one()
        return f"{number}.{secret}"

    def withdraw(self, shelter: str, at: datetime) -> int:
        """Make every token of a facility invalid; return how many there were.

        Raises
        ------
        StoreError
            The database refuses.
        """
        if not self._exists():
            return 0
        valid = (TOKENS.c.shelter == shelter) & TOKENS.c.withdrawn.is_(None)
        with self._transaction() as connection:
            return connection.execute(update(TOKENS).where(valid).values(withdrawn=written(at))).rowcount

    def tokens(self) -> dict[str, int]:
        """Return how many valid tokens each facility has, by its identifier."""
        if not self._exists():
            return {}
        counted = select(TOKENS.c.shelter, func.count()).where(TOKENS.c.withdrawn.is_(None))
        with self._reading() as connection:
            rows = connection.execute(counted.group_by(TOKENS.c.shelter))
            return {row[0]: row[1] for row in rows}

    def holder(self, token: str, shelter: str) -> Holder:
        """Return who holds a token, where it is one of a facility.

        Raises
        ------
        TokenError
            It is no valid token.
        ForeignTokenError
            It is one of another facility.
        StoreError
            The database cannot be asked.
        """
        number, _, secret = token.partition(".")
        row = self._token(int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else None
        known = row.digest if row is not None else _NOBODY
        # Compared whether or not the token exists, and in constant time.
        if not hmac.compare_digest(_digest(secret), known) or row is None or row.withdrawn is not None:
            raise TokenError(Words("トークンが正しくありません", "the token is not valid"))
        if row.shelter != shelter:
            raise ForeignTokenError(Words("別の施設のトークンです", "the token belongs to another facility"))
        return Holder(row.id, row.shelter, row.name)

    def _token(self, number: int) -> Row[Any] | None:
        if not self._exists():
            return None
        with self._reading() as connection:
            return connection.execute(select(TOKENS).where(TOKENS.c.id == number)).one_or_none()

    def record(self, holder: Holder, said: Said, at: datetime) -> Live:
        """Keep a report and return it as the facility's status.

        Parameters
        ----------
        holder : Holder
            Whose it is.
        said : Said
            The report, within its limits.
        at : datetime.datetime
            The clock, with zone.

        Raises
        ------
        TooOftenError
            The token has made too many within a minute.
        InputError
            Its key stands for another report.
        StoreError
            The database refuses; nothing was kept.
        """
        row = {
            "shelter": holder.shelter, "token": holder.token, "key": said.key, "state": said.state,
            "broken": json.dumps(said.broken), "note": said.note, "received": written(at),
            "expires": written(at + timedelta(minutes=said.minutes)),
        }  # fmt: skip
        kept: Row[Any] | None
        try:
            with self._transaction() as connection:
                kept = _same(connection, holder, said) or _kept(connection, row, at)
        except IntegrityError:
            # The same report arrived twice at once, and the other one was first.
            with self._reading() as connection:
                kept = _same(connection, holder, said)
        if kept is None:
            raise _refused()
        return _live(kept, holder.name)

    def told(self, at: datetime) -> dict[str, Live] | None:
        """Return the status of every facility that has one at an instant; None where that is not to be had.

        Parameters
        ----------
        at : datetime.datetime
            The instant, with zone.
        """
        if time.monotonic() < self._resting:
            return None
        now, oldest = written(at), written(at - timedelta(minutes=LONGEST_MINUTES))
        recent = REPORTS.c.received.between(oldest, now)
        newest = select(func.max(REPORTS.c.id)).where(recent).group_by(REPORTS.c.shelter)
        rows = _NAMED.where(REPORTS.c.id.in_(newest), REPORTS.c.expires > now)
        try:
            if not self._exists():
                return {}
            with self._reading() as connection:
                return {row.shelter: _live(row, row.name) for row in connection.execute(rows)}
        except StoreError:
            self._resting = time.monotonic() + _REST
            return None

    def trail(self) -> Iterator[Entry]:
        """Yield every report ever made, oldest first.

        Raises
        ------
        StoreError
            The database cannot be asked.
        """
        if not self._exists():
            return
        with self._reading() as connection:
            for row in connection.execute(_NAMED.order_by(REPORTS.c.id)):
                yield Entry(row.id, row.token, _live(row, row.name))

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def _exists(self) -> bool:
        """Tell whether any token was ever made; only that makes the tables."""
        if not self._made and (self._file is None or self._file.exists()):
            with _asking():
                self._made = inspect(self._engine).has_table(REPORTS.name)
        return self._made

    @contextmanager
    def _transaction(self, *, make: bool = False) -> Iterator[Connection]:
        with _asking(), self._engine.connect() as connection:
            writing = connection.execution_options(writes=True)
            with writing.begin():
                if make:
                    METADATA.create_all(writing)
                yield writing

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _asking(), self._engine.connect() as connection:
            yield connection


_NAMED = select(REPORTS, TOKENS.c.name).join(TOKENS, REPORTS.c.token == TOKENS.c.id)


@contextmanager
def _asking() -> Iterator[None]:
    """Turn what a database refuses inside the block into an error of the store, without its address."""
    try:
        yield
    except IntegrityError:
        raise
    except (SQLAlchemyError, OSError):
        raise _refused() from None


def _refused() -> StoreError:
    return StoreError(
        Words("施設からの報告を保存・参照できません", "the facility reports cannot be kept or read"),
        remedy=Words(
            "データベースの状態と保存先の権限を確かめてください",
            "Check the database and the permissions of the store.",
        ),
    )


def _same(connection: Connection, holder: Holder, said: Said) -> Row[Any] | None:
    """Return the report that was made with the same key already, or None where there is none."""
    if said.key is None:
        return None
    wanted = (REPORTS.c.token == holder.token) & (REPORTS.c.key == said.key)
    row = connection.execute(select(REPORTS).where(wanted)).one_or_none()
    if row is not None and (row.state, row.broken, row.note) != (
        said.state,
        json.dumps(said.broken),
        said.note,
    ):
        raise InputError(
            Words("この key は別の報告に使われています", "the key stands for another report already")
        )
    return row


def _kept(connection: Connection, row: Mapping[str, Any], at: datetime) -> Row[Any]:
    recent = (REPORTS.c.token == row["token"]) & (REPORTS.c.received > written(at - timedelta(minutes=1)))
    if connection.execute(select(func.count()).where(recent)).scalar_one() >= MOST_A_MINUTE:
        raise TooOftenError(
            Words("報告の回数が多すぎます", "too many reports within a minute"),
            expected=f"≤ {MOST_A_MINUTE} / min",
        )
    return connection.execute(insert(REPORTS).values(row).returning(*REPORTS.c)).one()


def _live(row: Row[Any], name: str) -> Live:
    received, expires = (datetime.fromisoformat(text) for text in (row.received, row.expires))
    return Live(row.shelter, name, row.state, tuple(json.loads(row.broken)), row.note, received, expires)


def _digest(secret: str) -> str:
    # 256 random bits need no slow hash: there is nothing to guess.
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
