"""Where facility reports are kept: two tables of SQLite (WAL) or PostgreSQL, one of them append-only.

A report is a row and stays one: the newest of a facility is its status, and all of them are the audit trail.
The database itself refuses to change or remove a row of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import (
    DDL,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError

from heatrisk.errors import InputError
from heatrisk.words import Words

#: The file within the store, where no other database is named.
FILE = "reports.sqlite"
#: Patience with another writer, or with a server that does not answer [s].
_BUSY, _CONNECT, _STATEMENT = 20.0, 3, 5

METADATA = MetaData()

#: Instants are ISO 8601 in UTC with milliseconds, which sort as text in every database.
_INSTANT = String(24)

TOKENS = Table(
    "facility_tokens",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("shelter", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("issued", _INSTANT, nullable=False),
    Column("withdrawn", _INSTANT),
    sqlite_autoincrement=True,
)

REPORTS = Table(
    "facility_reports",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("shelter", Text, nullable=False),
    Column("token", ForeignKey("facility_tokens.id"), nullable=False),
    Column("key", String(64)),
    Column("state", String(10), nullable=False),
    Column("broken", String(200), nullable=False),
    Column("note", String(200), nullable=False),
    Column("received", _INSTANT, nullable=False, index=True),
    Column("expires", _INSTANT, nullable=False),
    UniqueConstraint("token", "key"),
    Index("facility_reports_of_token", "token", "received"),
    sqlite_autoincrement=True,
)

_REFUSED = "facility reports are an audit trail: rows are never changed or removed"
_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER facility_reports_no_{verb} BEFORE {verb} ON facility_reports "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION facility_reports_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"'BEGIN RAISE EXCEPTION ''{_REFUSED}''; END'",
        "CREATE TRIGGER facility_reports_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON facility_reports "
        "EXECUTE FUNCTION facility_reports_refuse()",
    ],
}
for _dialect, _statements in _APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(REPORTS, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]


def engine_of(root: Path, url: str) -> Engine:
    """Return the engine of a store's reports; nothing is opened yet.

    Parameters
    ----------
    root : pathlib.Path
        The store; without an address its file :data:`FILE` is meant.
    url : str
        Address of a database as SQLAlchemy takes it, e.g. ``postgresql://heat@db/heat``; empty for the file.

    Raises
    ------
    InputError
        The address is none, or its kind of database is not supported.
    """
    if not url:
        return _sqlite(f"sqlite:///{(root / FILE).resolve()}")
    try:
        place = make_url(url)
    except ArgumentError:
        raise _unusable() from None  # its text holds the password
    if place.get_backend_name() == "sqlite":
        return _sqlite(url)
    if place.get_backend_name() not in ("postgresql", "postgres"):
        raise _unusable()
    try:
        return create_engine(
            place.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_timeout=_BUSY,
            connect_args={
                "connect_timeout": _CONNECT,
                "options": f"-c statement_timeout={_STATEMENT}s -c timezone=UTC",
            },
        )
    except ModuleNotFoundError:
        raise _unusable(
            Words(
                "PostgreSQL には追加の部品が要ります（pip install 'heatrisk[postgres]'）",
                "PostgreSQL needs its driver: pip install 'heatrisk[postgres]'",
            )
        ) from None


def _unusable(remedy: Words | None = None) -> InputError:
    return InputError(
        Words("報告を保存するデータベースを使えません", "the database of the reports cannot be used"),
        where="HEATRISK_DATABASE_URL",
        expected="postgresql://USER:PASSWORD@HOST/DATABASE",
        remedy=remedy or Words("環境変数を確かめてください", "Check the environment variable."),
    )


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, pool_timeout=_BUSY, connect_args={"timeout": _BUSY})

    @event.listens_for(engine, "connect")
    def _opened(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # a report that was answered survives a power cut
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A writer that first reads must hold the lock from the start, or it may be refused halfway.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
