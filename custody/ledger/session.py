"""One connection to a ledger's database: its transactions, what waits to be written, what is done when it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import SQLAlchemyError

from custody.ledger import schema
from custody.ledger.database import ConnectionLostError, Database
from custody.ledger.statements import Change


class Session:
    """Connects when it is first used, and anew when the connection was lost between two transactions."""

    def __init__(self, database: Database, engine: Engine, *, writable: bool) -> None:
        self.database, self._engine, self._writable = database, engine, writable
        self.pending: list[Change] = []
        self._connection: Connection | None = None

    def close(self) -> None:
        self.database.release(self._connection)
        self._connection = None
        self._engine.dispose()

    @property
    def connection(self) -> Connection:
        """The connection, in a transaction or not."""
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    @property
    def active(self) -> bool:
        """Whether a transaction is open."""
        return self._connection is not None and self._connection.in_transaction()

    @contextmanager
    def transaction(self, *, reading: bool = False) -> Iterator[Connection]:
        """A transaction; within one that is open already it is that one.

        A reader's sees no later writes, a writer's shuts out other writers, unless it is only `reading`. Changes that
        are `pending` are made before anything is read, and at the end.
        """
        if self.active:
            self._write_pending()
            yield self.connection
            return
        try:
            with self.database.translated():
                with self._begin(reading):
                    yield self.connection
                    self._write_pending()
                if self._writable and not reading:
                    self.database.settle(self.connection)
        except ConnectionLostError:
            self._drop()
            raise
        finally:
            self.pending = []

    def snapshot(self) -> AbstractContextManager[Connection]:
        """The database as it stands at one moment, to read only."""
        return self.transaction(reading=True)

    def _begin(self, reading: bool) -> RootTransaction:
        """Begin, on a new connection where the old one went away while it was idle."""
        kept = self._connection is not None
        try:
            with self.database.translated():
                self.connection.info[schema.READING] = reading
                return self.connection.begin()
        except ConnectionLostError:
            self._drop()
            if not kept:
                raise
        return self._begin(reading)

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(SQLAlchemyError):
                self._connection.invalidate()
                self._connection.close()
        self._connection = None

    def _write_pending(self) -> None:
        pending, self.pending = self.pending, []
        if pending:
            self.database.write(self.connection, pending)
