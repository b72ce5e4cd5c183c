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
from collections.abc import Container, Mapping
from contextlib import closing
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

from custody.ledger import place
from custody.ledger.errors import IntegrityError, LedgerVersionError

REVISION = "0002"
"""The alembic revision this code reads and writes."""
FIRST_REVISION = "0001"
APPLICATION_ID = 0x45564B54
"""Written into the SQLite header ("EVKT"), so that `file` and we recognise a ledger."""

READING = "evikit reading"
"""A key of `Connection.info`: the next transaction of a writing connection only reads, and takes no lock."""

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


_END = "substr(payload, CASE substr(payload, -5) WHEN x'6e756c6c7d' THEN -120 ELSE -162 END)"
"""The last bytes of a payload: `type`, `v` and `x` whole, and of `pub`, which could say anything, too few for a mark.

Holds for types of 4 to 31 characters and sequences below 10^12: payloads are canonical (R3), so they end like this.
SQLite's JSON functions would read more plainly, but not all versions let them into an index (trusted_schema).
"""


def _between(begin: str, end: str) -> str:
    """The bytes of `_END` between two marks, as SQL; NULL where the first is not there."""
    start, stop = (f"instr({_END}, x'{mark.encode().hex()}')" for mark in (begin, end))
    return f"substr({_END}, nullif({start}, 0) + {len(begin)}, {stop} - {start} - {len(begin)})"


TYPE = _between('"type":"', '","v":"')
"""SQL: the type of an entry, as bytes."""
SEQUENCE = _between('"x":{"n":"', '","prev":')
"""SQL: the sequence of an entry (`x.n`), decimal, as bytes; NULL where it is in none."""
INDEXES = (
    f"CREATE INDEX entry_by_type ON entry ({TYPE})",
    f"CREATE INDEX entry_by_sequence ON entry ({SEQUENCE})",
)


def _set_up(connection: sqlite3.Connection, path: Path, *, writable: bool) -> None:
    for pragma in (
        "trusted_schema = OFF",
        "recursive_triggers = ON",
        "secure_delete = ON",
        "cell_size_check = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if writable:
        _set_journal(connection, path)


def _set_journal(connection: sqlite3.Connection, path: Path) -> None:
    """A new file gets what its place allows (`place`); WAL is given up where it does not."""
    if connection.execute("PRAGMA page_count").fetchone()[0] == 0:
        connection.execute(f"PRAGMA journal_mode = {'DELETE' if place.is_shared(path) else 'WAL'}")
    elif _has_wal(connection) and place.is_shared(path):
        connection.execute("PRAGMA journal_mode = DELETE")
    level = "FULL" if _has_wal(connection) else "EXTRA"  # EXTRA: that the journal is gone is durable as well
    connection.execute(f"PRAGMA synchronous = {level}")


def _has_wal(connection: sqlite3.Connection) -> bool:
    """Asked of SQLite: to read the header by oneself and close the file would drop this process's locks on it."""
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _needs_copy(path: Path) -> bool:
    """Whether the file has a write-ahead log in a place that allows none."""
    if not place.is_shared(path):
        return False
    with closing(connect(path, "ro")) as connection:
        return _has_wal(connection)


def connect(path: Path, mode: str = "rw") -> sqlite3.Connection:
    """SQLite itself on a file that exists; it waits ten seconds for others, and begins no transaction by itself."""
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=10, isolation_level=None, check_same_thread=False)


def make_whole(path: Path) -> None:
    """Fold the log of a closed ledger back into it, for good: one file, whole by itself."""
    with closing(connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")


def engine_for(path: Path, *, writable: bool, immutable: bool = False) -> Engine:
    """An engine on one SQLite file with the pragmas a ledger needs; `immutable` ignores locks and a WAL."""
    mode = "rw" if writable else "ro&immutable=1" if immutable else "ro"
    engine = create_engine("sqlite://", creator=lambda: connect(path, mode), poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        _set_up(connection, path, writable=writable)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        reading = not writable or connection.info.get(READING, False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


_ALEMBIC_VERSION = (  # as Alembic itself makes it, so that both ways of making a ledger give the same
    "CREATE TABLE alembic_version (\n"
    "\tversion_num VARCHAR(32) NOT NULL, \n"
    "\tCONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)


def create(connection: Connection) -> None:
    """Make the tables, triggers, indexes and marks of `REVISION` in an empty database."""
    metadata.create_all(connection)
    for statement in (*TRIGGERS, *INDEXES):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(_ALEMBIC_VERSION)
    connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": REVISION})


def describe(connection: Connection) -> dict[str, str]:
    """The SQL of every table, index and trigger, by name."""
    rows = connection.exec_driver_sql("SELECT name, coalesce(sql, '') FROM sqlite_master ORDER BY name")
    return {str(name): " ".join(str(sql).split()) for name, sql in rows}


@cache
def expected(revision: str = REVISION) -> Mapping[str, str]:
    """What `describe` gives for a ledger of this revision that nobody has touched."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        if revision == REVISION:
            create(connection)
        else:
            from custody.ledger.migrations import upgrade  # Alembic loads slowly, and is needed for old ledgers alone

            upgrade(connection, revision)
        return describe(connection)


def revision_of(connection: Connection) -> str:
    """The revision a database says it is of; IntegrityError where it is no ledger: emptied, or exchanged."""
    return revision_among(describe(connection), connection)


def revision_among(tables: Container[str], connection: Connection) -> str:
    """The same, where these tables are known to stand."""
    if "entry" not in tables or "alembic_version" not in tables:
        raise IntegrityError("the ledger's file is empty, or another database", "Restore it from a backup.")
    rows = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all()
    if len(rows) != 1 or not re.fullmatch("[0-9]{4}", str(rows[0])):
        raise IntegrityError("the ledger's file does not say which revision it is of", "Restore it from a backup.")
    return str(rows[0])


def validate_revision(found: str, *, older: bool = False) -> None:
    """Refuse another revision than ours (LedgerVersionError); with `older`, only one we do not know."""
    if found > REVISION:
        raise LedgerVersionError(
            f"the ledger is of revision {found}, newer than this evikit reads ({REVISION})",
            "Install a newer evikit.",
        )
    if found < FIRST_REVISION:
        raise LedgerVersionError(
            f"the ledger is of revision {found}, which no evikit wrote", "Restore it from a backup."
        )
    if found < REVISION and not older:
        raise LedgerVersionError(
            f"the ledger is of revision {found}, older than this evikit writes ({REVISION})",
            "Run `evikit ledger upgrade`: it keeps the old ledger beside the new one.",
        )


def reading_engine(path: Path) -> tuple[Engine, str, Path | None]:
    """An engine that only reads: in place where SQLite may, else immutable, else from a copy made aside.

    `immutable` silently ignores a leftover WAL or journal, so it is used only where there is none.
    """
    logs = [path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")]
    left = [log for log in logs if log.exists() and log.stat().st_size > 0]
    writable = os.access(path.parent, os.W_OK) and os.access(path, os.R_OK)
    if writable and not _needs_copy(path):
        return engine_for(path, writable=False), "", None
    if not left:
        return (
            engine_for(path, writable=False, immutable=True),
            "read from media that cannot be written" if not writable else "read as it stands: it lies on a shared disk",
            None,
        )
    scratch = Path(tempfile.mkdtemp(prefix="evikit-"))
    for source in (path, *left):
        shutil.copyfile(source, scratch / source.name)
    notice = "what was written last stands in a log that cannot be used there: the files were copied aside and read"
    return engine_for(scratch / path.name, writable=False), notice, scratch
