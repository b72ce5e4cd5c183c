"""A ledger in a schema of a PostgreSQL database (docs/adr/0019-postgresql.md): its tables, its roles, its connections.

Durability, as a contract: an append commits while it holds the ledger's lock, without waiting for the disk, so that
the next writer goes on at once; then it waits until the server's log is on disk up to there, which one wait does for
all who wait. Only then `append` returns. A later entry can never be on disk without the earlier ones (one log, in
order), and a reader waits in the same way before it hands on what it sees, so nothing is shown that a crash takes back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, Engine, create_engine, event, func, select, tuple_
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from custody.ledger import postgres_layout as layout
from custody.ledger import schema
from custody.ledger.database import ConnectionLostError, ExistsError, SqliteFile, copy_rows, differences
from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError
from custody.ledger.statements import Change

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # a lost connection is told once, by us

_SET_UP = "SET search_path TO {schema}, pg_temp; SET lock_timeout = '10s'"
_READ = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    " SELECT CASE WHEN pg_is_in_recovery() THEN true"
    " ELSE pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn() END"
)
"""The answer: whether all that this transaction sees is on disk. What a replica has, its primary has on disk."""
_WRITE = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = off;"
    " SET LOCAL idle_in_transaction_session_timeout = '60s';"  # a writer that was stopped lets the others go on
    " SELECT pg_advisory_xact_lock('entry'::regclass::oid::bigint)"
)
_FLUSH = "SELECT pg_logical_emit_message(true, 'evikit', '')"
"""Writes a few bytes to the log and commits: on return all that was committed before is on disk, too."""

_BUSY = (LedgerBusyError, "another process is writing to {name}", "Wait until it has finished, then try again.")
_ABSENT = (IntegrityError, "there is no ledger at {name}: {said}", "Was it moved? case.toml says where it is.")
_OTHER = (CustodyError, "the server of the ledger {name} refuses: {said}", "Ask whoever administers it.")
_ERRORS: Mapping[str, tuple[type[CustodyError], str, str]] = {
    **dict.fromkeys(("55P03", "40001", "40P01"), _BUSY),
    **dict.fromkeys(("42P01", "3F000"), _ABSENT),
    "42501": (
        CustodyError,
        "your role may not do this to {name}: {said}",
        "Its owner may; `evikit ledger schema` and `grant` say how.",
    ),
    "25006": (CustodyError, "{name} is read-only: {said}", "Name the primary server in case.toml."),
    "53": (
        CustodyError,
        "the ledger {name} could not be written: {said}",
        "Make room on the server, then run it again.",
    ),
    "XX": (IntegrityError, "the ledger {name} is damaged: {said}", "Restore it from a backup."),
    "23": (IntegrityError, "the ledger refused a change: {said}", ""),
}
"""By SQLSTATE, or its class: what to raise, the line, the advice (PostgreSQL, appendix A)."""


_PLACE = tuple_(schema.chain.c.n, schema.chain.c.count)
_NEWEST = select(schema.chain.c.n, func.max(schema.chain.c.count)).group_by(schema.chain.c.n)


class PostgresSchema:
    """A ledger in a schema of a PostgreSQL database; other cases have their own schemas in it."""

    notice = ""
    chains = select(schema.chain).where(_PLACE.in_(_NEWEST)).order_by(schema.chain.c.n)
    not_checked: Sequence[str] = ("the server's own files and indexes (pg_amcheck examines them)",)

    def __init__(self, url: str) -> None:
        """`url` is postgresql://HOST/DATABASE#SCHEMA; everything libpq knows may stand in it but a password."""
        self._url, _, self.schema = url.partition("#")
        try:
            given = conninfo_to_dict(self._url)
        except psycopg.Error as error:
            raise CustodyError(
                f"the ledger's URL cannot be used: {_said(error)}", "postgresql://HOST/DATABASE#NAME"
            ) from None
        if any("password" in name for name in given):
            raise CustodyError(
                "the ledger's URL holds a password",
                "Leave it out: libpq takes it from ~/.pgpass, PGPASSFILE or PGPASSWORD.",
            )
        layout.validate_name(self.schema)
        settled: dict[str, Any] = {"connect_timeout": 10, "application_name": "evikit"} | given
        self._conninfo = make_conninfo("", **settled)

    @property
    def name(self) -> str:
        return f"{self._url}#{self.schema}"

    def connect(self, *, writable: bool) -> psycopg.Connection:
        """A connection that begins no transaction by itself; a writer's only to a server that keeps what it commits."""
        try:
            driver = psycopg.connect(self._conninfo, autocommit=True)
        except psycopg.OperationalError as error:
            raise ConnectionLostError(
                f"the server of the ledger {self.name} does not let us in: {_said(error)}",
                "Check that it runs, the URL, and who you are there (PGUSER, PGPASSFILE).",
            ) from error
        try:
            driver.execute(_SET_UP.format(schema=self.schema).encode())
            if writable:
                _validate_server(driver)
        except BaseException:
            driver.close()
            raise
        return driver

    def create(self) -> Engine:
        """In a new schema, or in the empty tables that an administrator prepared (`script`)."""
        with closing(self.connect(writable=True)) as driver, driver.transaction():
            if driver.execute("SELECT to_regnamespace(%s)", (self.schema,)).fetchone() == (None,):
                driver.execute(f"CREATE SCHEMA {self.schema}".encode())
            if driver.execute("SELECT to_regclass('entry')").fetchone() == (None,):
                for statement in layout.definition():
                    driver.execute(statement.encode())
            found = driver.execute("SELECT version_num FROM alembic_version").fetchone()
            if found != (schema.REVISION,):
                raise CustodyError(
                    f"the tables of {self.name} were prepared for another evikit",
                    "Prepare them anew: `evikit ledger schema`.",
                )
            if driver.execute("SELECT FROM entry LIMIT 1").fetchone() is not None:
                raise ExistsError(f"{self.name} exists already", "Choose another name behind the #.")
        return self.open(writable=True)

    def open(self, *, writable: bool) -> Engine:
        engine = create_engine(
            "postgresql+psycopg://",
            creator=partial(self.connect, writable=writable),
            poolclass=NullPool,
            use_native_hstore=False,
        )

        @event.listens_for(engine, "begin")
        def _on_begin(connection: Connection) -> None:
            driver = _driver(connection)
            try:
                if writable and not connection.info.get(schema.READING, False):
                    driver.execute(_WRITE)
                else:
                    self._read(driver)
            except BaseException:
                if not driver.closed:
                    driver.rollback()
                raise

        return engine

    def _read(self, driver: psycopg.Connection) -> None:
        begun = driver.execute(_READ)
        begun.nextset()
        if begun.fetchone() == (False,):
            with closing(self.connect(writable=False)) as other:
                other.execute(_FLUSH)

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, psycopg.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise self._in_our_words(getattr(cause, "sqlstate", None) or "", _said(cause)) from error

    def _in_our_words(self, state: str, said: str) -> CustodyError:
        if state == "25P03" or (state[:2] in {"", "08", "57"} and state != "57014"):
            return ConnectionLostError(
                f"the connection to the ledger {self.name} was lost: {said}",
                "What was acknowledged stands. `evikit ledger log` shows whether the last entry does.",
            )
        kind, line, advice = _ERRORS.get(state) or _ERRORS.get(state[:2]) or _OTHER
        return kind(line.format(name=self.name, said=said), advice)

    def write(self, connection: Connection, changes: Sequence[Change]) -> None:
        """Table by table, all in one exchange with the server."""
        together: dict[str, list[Any]] = {}
        for statement, values in changes:
            text, bound = statement.bound(connection.dialect, values)
            together.setdefault(text, []).append(bound)
        driver = _driver(connection)
        with driver.pipeline(), driver.cursor() as cursor:
            for text, rows in together.items():
                cursor.executemany(text.encode(), rows)

    def settle(self, connection: Connection) -> None:
        _driver(connection).execute(_FLUSH)

    def release(self, connection: Connection | None) -> None:
        if connection is not None:
            connection.close()

    def _describe(self, connection: Connection) -> dict[str, str]:
        rows = connection.exec_driver_sql(layout.DESCRIBE, {"here": self.schema})
        return {str(name): str(text) for name, text in rows}

    def revision_of(self, connection: Connection) -> str:
        return schema.revision_among({name.removeprefix("table ") for name in self._describe(connection)}, connection)

    def findings(self, connection: Connection, revision: str) -> list[tuple[None, str, str]]:
        return differences(self._describe(connection), layout.expected(self.schema, revision))

    def grant(self, role: str) -> None:
        """Let `role` read this ledger and add to it, and nothing else."""
        with self.translated(), closing(self.connect(writable=True)) as driver, driver.transaction():
            for statement in layout.grants(self.schema, role):
                driver.execute(statement.encode())
            asked = "SELECT has_table_privilege(%s, 'entry', 'INSERT')"
            if driver.execute(asked, (role,)).fetchone() != (True,):  # the server only warns
                raise CustodyError(f"your role may not grant anything on {self.name}", "Its owner may.")

    def retire(self, connection: Connection) -> str:
        """Rename the schema, in the transaction that is open; its new name. Who waits to write finds nothing then."""
        taken = {row[0] for row in connection.exec_driver_sql("SELECT nspname FROM pg_namespace")}
        names = (f"{self.schema}_moved{'' if i == 1 else i}" for i in count(1))
        new = next(name for name in names if name not in taken)
        connection.exec_driver_sql(f"ALTER SCHEMA {self.schema} RENAME TO {new}")
        return new

    def copy_to(self, connection: Connection, target: Path) -> None:
        new = SqliteFile(target)
        connection.info[schema.READING] = True
        with connection.begin(), new.translated(), new.create().begin() as copy:
            copy_rows(connection, self.chains, copy)
        schema.make_whole(target)


def _validate_server(driver: psycopg.Connection) -> None:
    """Refuse to write where a commit would not be on disk, or not stay."""
    asked = "SELECT current_setting('synchronous_commit'), current_setting('fsync'), pg_is_in_recovery()"
    synchronous, fsync, replica = driver.execute(asked).fetchone() or ("", "", False)
    if replica:
        raise CustodyError("the ledger's server is a read-only replica", "Name the primary server in case.toml.")
    if synchronous == "off" or fsync == "off":
        raise CustodyError(
            f"the ledger's server does not wait for its disk (synchronous_commit {synchronous}, fsync {fsync})",
            "Set both on there: what is acknowledged must stand.",
        )


def _said(error: BaseException | None) -> str:
    return " ".join(str(error).split())


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)
