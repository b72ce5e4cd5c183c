"""Where a ledger is stored: a file of SQLite's here, a schema of PostgreSQL's in `postgres`. All that differs."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path
from typing import Any, Protocol, cast

from sqlalchemy import Connection, Engine, Select, insert, select

from custody.ledger import schema
from custody.ledger.errors import CustodyError
from custody.ledger.faults import translated
from custody.ledger.statements import BLOCK, Change

Address = Path | str
"""A file, or as text the URL of a schema: postgresql://HOST/DATABASE#SCHEMA."""

UNHURRIED = "SET LOCAL idle_in_transaction_session_timeout = 0"
"""In PostgreSQL: a transaction that may wait for long work of ours."""

URL_SCHEMES = ("postgresql://", "postgres://")


class ConnectionLostError(CustodyError):
    """The server went away, or never was there: what was being written stands, or does not."""


class ExistsError(CustodyError):
    """A ledger stands already where one was to be made."""


class Database(Protocol):
    """One ledger's tables, and how they are reached."""

    notice: str
    chains: Select[Any]
    not_checked: Sequence[str]

    @property
    def name(self) -> str:
        """What messages call it; never with a password."""

    def create(self) -> Engine:
        """An engine that writes to new, empty tables. ExistsError where a ledger stands."""

    def open(self, *, writable: bool) -> Engine:
        """An engine on tables that exist."""

    def translated(self) -> AbstractContextManager[None]:
        """What the database says is raised in our words."""

    def write(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Make these changes, in order, in the transaction that is open."""

    def settle(self, connection: Connection) -> None:
        """Called after a commit: on return it is on disk."""

    def release(self, connection: Connection | None) -> None:
        """Close the connection and remove what was made to read."""

    def revision_of(self, connection: Connection) -> str:
        """The alembic revision; IntegrityError where this is no ledger."""

    def findings(self, connection: Connection, revision: str) -> list[tuple[None, str, str]]:
        """What is wrong with tables, triggers and indexes: findings `file` and `schema`."""

    def copy_to(self, connection: Connection, target: Path) -> None:
        """A consistent copy in the new SQLite file `target`; no transaction is open."""


def database_at(address: Address) -> Database:
    """The database an address names."""
    if isinstance(address, Path):
        return SqliteFile(address)
    try:
        from custody.ledger.postgres import PostgresSchema
    except ImportError as error:
        raise CustodyError(
            "a ledger in PostgreSQL needs the driver psycopg, which is not here", "Install evikit[postgres]."
        ) from error
    return PostgresSchema(address)


def copy_rows(source: Connection, chains: Select[Any], target: Connection) -> None:
    """Everything a ledger holds into empty tables, block by block; the caller's transactions hold both ends."""
    for table in (schema.entry, schema.opening, schema.node, schema.checkpoint):
        _copy(source, select(table).order_by(*table.primary_key.columns), target, table)
    _copy(source, chains, target, schema.chain)


def _copy(source: Connection, query: Select[Any], target: Connection, table: Any) -> None:
    with source.execute(query, execution_options={"yield_per": BLOCK}) as rows:
        for block in rows.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in block])


class SqliteFile:
    """A ledger in a file of SQLite's, one case in it."""

    chains = select(schema.chain).order_by(schema.chain.c.n)
    not_checked: Sequence[str] = ()

    def __init__(self, path: Path) -> None:
        self.path, self.notice = path, ""
        self._scratch: Path | None = None
        self._writable = False

    @property
    def name(self) -> str:
        return str(self.path)

    def create(self) -> Engine:
        if self.path.exists():
            raise ExistsError(f"{self.path} exists already", "Choose another folder.")
        try:
            self.path.touch(mode=0o640)
        except OSError as error:
            raise CustodyError(f"{self.path} cannot be made: {error.strerror}", "Check the folder.") from error
        engine = schema.engine_for(self.path, writable=True)
        with engine.begin() as connection:
            schema.create(connection)
        return engine

    def open(self, *, writable: bool) -> Engine:
        if not self.path.is_file():
            raise CustodyError(f"there is no ledger at {self.path}", "Run `evikit init`, or name the case with --case.")
        if writable:
            return schema.engine_for(self.path, writable=True)
        engine, self.notice, self._scratch = schema.reading_engine(self.path)
        return engine

    def translated(self) -> AbstractContextManager[None]:
        return translated(self.path)

    def write(self, connection: Connection, changes: Iterable[Change]) -> None:
        for statement, values in changes:
            connection.exec_driver_sql(*statement.bound(connection.dialect, values))

    def settle(self, connection: Connection) -> None:
        """A commit is durable (synchronous FULL)."""

    def release(self, connection: Connection | None) -> None:
        """A writer folds its WAL back into the file first."""
        if connection is not None:
            with suppress(sqlite3.Error, UnicodeDecodeError):  # a reader elsewhere only delays this to the next close
                driver = _driver(connection)  # by SQLAlchemy it would stand in a BEGIN
                driver.execute("PRAGMA busy_timeout = 200")  # nobody waits ten seconds for that reader
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def revision_of(self, connection: Connection) -> str:
        return schema.revision_of(connection)

    def findings(self, connection: Connection, revision: str) -> list[tuple[None, str, str]]:
        said = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(10)")]
        found = [(None, "file", f"SQLite finds damage: {' '.join(s.split())}") for s in said if s != "ok"]
        if connection.exec_driver_sql("PRAGMA application_id").scalar() != schema.APPLICATION_ID:
            found.append((None, "schema", "the file does not bear the mark of a ledger"))
        return found + differences(schema.describe(connection), schema.expected(revision))

    def copy_to(self, connection: Connection, target: Path) -> None:
        # Not in a transaction of ours: SQLite would wait for a writer's own for ever. One step is one moment.
        with translated(target), closing(sqlite3.connect(target)) as copy:
            _driver(connection).backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")


def differences(stands: Mapping[str, str], made: Mapping[str, str]) -> list[tuple[None, str, str]]:
    """A finding for every table, index, trigger or function that is not as it was made."""
    different = sorted(name for name in stands.keys() | made.keys() if stands.get(name) != made.get(name))
    return [(None, "schema", f"{name} in the database is missing, foreign or changed") for name in different]


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.driver_connection)
