"""The tables of a ledger, their append-only triggers, and how a connection to SQLite is set up.

`entry`, `opening`, `node` and `checkpoint` only grow; `chain` is a cache of what the entries say. Whatever the triggers
let pass is found by `ledger verify`, which derives everything anew from the payloads.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.pool import NullPool

from custody.ledger.errors import IntegrityError, LedgerVersionError

REVISION = "0001"
"""The alembic revision this code reads and writes."""
APPLICATION_ID = 0x45564B54
"""Written into the SQLite header ("EVKT"), so that `file` and we recognise a ledger."""

Number = BigInteger().with_variant(Integer(), "sqlite")
metadata = MetaData()

entry = Table(
    "entry",
    metadata,
    Column("idx", Number, primary_key=True, autoincrement=False),
    Column("payload", LargeBinary, nullable=False),
    Column("sig", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    sqlite_strict=True,
)
opening = Table(
    "opening",
    metadata,
    Column("idx", Number, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_strict=True,
)
node = Table(
    "node",
    metadata,
    Column("level", Number, primary_key=True, autoincrement=False),
    Column("pos", Number, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)
chain = Table(
    "chain",
    metadata,
    Column("n", Number, primary_key=True, autoincrement=False),
    Column("count", Number, nullable=False),
    Column("last", LargeBinary, nullable=False),
    Column("idx", Number, nullable=False),
    sqlite_strict=True,
)
checkpoint = Table(
    "checkpoint",
    metadata,
    Column("size", Number, primary_key=True, autoincrement=False),
    Column("note", LargeBinary, nullable=False),
    sqlite_strict=True,
)


def _refuse(name: str, timing: str, when: str, why: str) -> str:
    return (
        f"CREATE TRIGGER {name} BEFORE {timing}{' WHEN ' + when if when else ''}\n"
        f"BEGIN SELECT RAISE(ABORT, '{why}'); END"
    )


TRIGGERS: tuple[str, ...] = (
    _refuse(
        "entry_in_sequence",
        "INSERT ON entry",
        "NEW.idx <> (SELECT coalesce(max(idx), -1) + 1 FROM entry)",
        "a ledger only grows at its end",
    ),
    _refuse(
        "opening_in_sequence",
        "INSERT ON opening",
        "NEW.idx <> (SELECT coalesce(max(idx), -1) + 1 FROM opening)",
        "an opening is written once",
    ),
    # an approved erasure takes fields away; nothing ever adds or changes one
    _refuse(
        "opening_only_shrinks",
        "UPDATE ON opening",
        "NEW.idx <> OLD.idx OR length(NEW.body) >= length(OLD.body)",
        "an opening cannot be changed",
    ),
    *(
        _refuse(f"{table}_keeps_rows", f"DELETE ON {table}", "", "a ledger never forgets")
        for table in ("entry", "opening", "node", "chain", "checkpoint")
    ),
    *(
        _refuse(f"{table}_never_changes", f"UPDATE ON {table}", "", "a ledger is never rewritten")
        for table in ("entry", "node", "checkpoint")
    ),
)


def _set_up(connection: sqlite3.Connection, *, writable: bool) -> None:
    connection.isolation_level = None  # we write BEGIN IMMEDIATE ourselves
    for pragma in (
        "trusted_schema = OFF",
        "recursive_triggers = ON",
        "secure_delete = ON",
        "cell_size_check = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if writable:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")


def engine_for(path: Path, *, writable: bool, immutable: bool = False) -> Engine:
    """An engine on one SQLite file with the pragmas a ledger needs; `immutable` ignores locks and a WAL."""
    mode = "rw" if writable else "ro"
    uri = f"{path.resolve().as_uri()}?mode={mode}{'&immutable=1' if immutable else ''}"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=10, check_same_thread=False)

    engine = create_engine("sqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        _set_up(connection, writable=writable)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writable else "BEGIN")

    return engine


_ALEMBIC_VERSION = (  # as Alembic itself makes it, so that both ways of making a ledger give the same
    "CREATE TABLE alembic_version (\n"
    "\tversion_num VARCHAR(32) NOT NULL, \n"
    "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)


def create(connection: Connection) -> None:
    """Make the tables, triggers and marks of `REVISION` in an empty database."""
    metadata.create_all(connection)
    for trigger in TRIGGERS:
        connection.exec_driver_sql(trigger)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(_ALEMBIC_VERSION)
    connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": REVISION})


def describe(connection: Connection) -> dict[str, str]:
    """The SQL of every table, index and trigger, by name."""
    rows = connection.exec_driver_sql("SELECT name, coalesce(sql, '') FROM sqlite_master ORDER BY name")
    return {str(name): " ".join(str(sql).split()) for name, sql in rows}


@cache
def expected() -> Mapping[str, str]:
    """What `describe` gives for a ledger nobody has touched."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        create(connection)
        return describe(connection)


def validate_revision(connection: Connection) -> None:
    """Refuse a database of another revision than ours (LedgerVersionError), or one that is no ledger, as when it was
    emptied or exchanged (IntegrityError).
    """
    tables = describe(connection)
    if "entry" not in tables or "alembic_version" not in tables:
        raise IntegrityError("the ledger's file is empty, or another database", "Restore it from a backup.")
    rows = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    if len(rows) != 1 or not re.fullmatch("[0-9]{4}", str(rows[0])):
        raise IntegrityError("the ledger's file does not say which revision it is of", "Restore it from a backup.")
    found = str(rows[0])
    if found > REVISION:
        raise LedgerVersionError(
            f"the ledger is of revision {found}, newer than this evikit reads ({REVISION})",
            "Install a newer evikit.",
        )
    if found < REVISION:
        raise LedgerVersionError(
            f"the ledger is of the older revision {found}",
            "Open it with the evikit that wrote it; a later version will upgrade ledgers.",
        )


def reading_engine(path: Path) -> tuple[Engine, str, Path | None]:
    """An engine that only reads: in place where SQLite may, else immutable, else from a copy made aside.

    `immutable` silently ignores a leftover WAL, so it is used only where there is none.
    """
    wal = path.with_name(path.name + "-wal")
    if os.access(path.parent, os.W_OK) and os.access(path, os.R_OK):
        return engine_for(path, writable=False), "", None
    if not wal.exists() or wal.stat().st_size == 0:
        return (
            engine_for(path, writable=False, immutable=True),
            "read from media that cannot be written",
            None,
        )
    scratch = Path(tempfile.mkdtemp(prefix="evikit-"))
    for source in (path, wal):
        shutil.copyfile(source, scratch / source.name)
    notice = "the folder cannot be written and holds a write-ahead log: both files were copied aside and read there"
    return engine_for(scratch / path.name, writable=False), notice, scratch
