"""Append and read: the only writer of a ledger.

Durability, as a contract: when `append` returns, the entry is on disk (WAL, synchronous FULL) and stands at its
index for good; when it raises, nothing was written. Payload, signature, openings, tree nodes and the exhibit's position
go in one transaction that holds the write lock from before the head is read, so what is signed as seen IS the head.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, select

from custody.ledger import schema
from custody.ledger import statements as sql
from custody.ledger.draft import compose, dump_openings
from custody.ledger.entry import (
    ChainPosition,
    Entry,
    Json,
    b64,
    leaf_of,
)
from custody.ledger.errors import CustodyError, IntegrityError
from custody.ledger.exhibit_map import ExhibitMap
from custody.ledger.faults import blob, number, translated
from custody.ledger.merkle import EMPTY_ROOT, Frontier
from custody.ledger.proofs import NodeReader, frontier_at
from custody.ledger.rows import Row, node_of, row_of

__all__ = ["NEW", "Draft", "Examine", "Ledger", "Row", "Signer"]


class Signer(Protocol):
    """A private key that signs entries; `key` is its id (32 bytes)."""

    @property
    def key(self) -> bytes: ...

    def sign_entry(self, payload: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be: `n` is the exhibit's ordinal, NEW for a registration, None for none."""

    type: str
    values: Mapping[str, Json]
    n: int | None = None
    re: tuple[bytes, ...] = ()
    pub: Mapping[str, Any] = field(default_factory=dict)
    id: bytes = b""


Examine = Callable[[Entry], None]
"""Looks at an entry about to be signed; raises to prevent it."""

NEW = -1
"""`Draft.n` of a registration: the next ordinal."""


class Ledger:
    """One ledger in one SQLite file. Not for use by several threads at once."""

    def __init__(self, engine: Engine, path: Path, notice: str = "", scratch: Path | None = None) -> None:
        self.path, self.notice, self.revision = path, notice, schema.REVISION
        self._engine, self._scratch = engine, scratch
        self._connection: Connection | None = None
        self._frontier = Frontier()
        self._map = ExhibitMap()
        self._chains: dict[int, tuple[int, bytes, int]] = {}
        self._id: bytes | None = None

    @classmethod
    def create(cls, path: Path) -> Ledger:
        """An empty ledger at `path`, which must not exist yet."""
        if path.exists():
            raise CustodyError(f"{path} exists already", "Choose another folder.")
        with translated(path):
            try:
                path.touch(mode=0o640)
            except OSError as error:
                raise CustodyError(f"{path} cannot be made: {error.strerror}", "Check the folder.") from error
            ledger = cls(schema.engine_for(path, writable=True), path)
            with ledger._engine.begin() as connection:
                schema.create(connection)
        return ledger

    @classmethod
    def open(cls, path: Path, *, writable: bool, refresh: bool = True, older: bool = False) -> Ledger:
        """Open a ledger; read-only media and a leftover WAL are coped with (then `notice` says how).

        Without `refresh` nothing that is kept beside the entries is read: for `audit`, which must come that far.
        With `older` one of an older revision is opened too, to be verified and upgraded.
        """
        if not path.is_file():
            raise CustodyError(f"there is no ledger at {path}", "Run `evikit init`, or name the case with --case.")
        notice, scratch = "", None
        with translated(path):
            if writable:
                engine = schema.engine_for(path, writable=True)
            else:
                engine, notice, scratch = schema.reading_engine(path)
            ledger = cls(engine, path, notice, scratch)
            try:
                with ledger.transaction() as connection:
                    ledger.revision = schema.revision_of(connection)
                    schema.validate_revision(ledger.revision, older=older)
                    if refresh:
                        ledger._refresh(connection)
            except BaseException:
                ledger.close()
                raise
        return ledger

    def close(self) -> None:
        """Release the file; a writer folds its WAL back into it first."""
        if self._connection is not None:
            with suppress(sqlite3.Error, UnicodeDecodeError):  # a reader elsewhere only delays this to the next close
                driver = self._driver()  # by SQLAlchemy it would stand in a BEGIN
                driver.execute("PRAGMA busy_timeout = 200")  # nobody waits ten seconds for that reader
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._connection.close()
        self._connection = None
        self._engine.dispose()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self, *, reading: bool = False) -> Iterator[Connection]:
        """The file itself, in one transaction: a reader's sees no later writes, a writer's shuts out other writers.

        Within one that is open already it is that one. A writer that is only `reading` shuts out nobody.
        """
        if self._connection is not None and self._connection.in_transaction():
            yield self._connection
            return
        with translated(self.path):
            if self._connection is None:
                self._connection = self._engine.connect()
            self._connection.info[schema.READING] = reading
            with self._connection.begin():
                yield self._connection

    def snapshot(self) -> AbstractContextManager[Connection]:
        """The file as it stands at one moment, to read only."""
        return self.transaction(reading=True)

    def _refresh(self, connection: Connection) -> None:
        """Bring the head in memory up to the file: nothing to do unless another process wrote."""
        last = connection.execute(sql.LAST).scalar_one()
        size = 0 if last is None else number(last) + 1
        if size == self._frontier.size and size:
            return
        if size < self._frontier.size:
            raise IntegrityError(f"the ledger {self.path} became shorter while it was open")
        self._frontier = frontier_at(size, lambda level, pos: node_of(connection, level, pos))
        rows = connection.execute(select(schema.chain).order_by(schema.chain.c.n)).all()
        self._chains = {number(n): (number(count), blob(last), number(idx)) for n, count, last, idx in rows}
        self._map = ExhibitMap()
        for n, (count, leaf, _) in self._chains.items():
            if n != self._map.size:
                raise IntegrityError("the ledger's table of exhibits has a gap")
            self._map.put(n, count, leaf)

    def refresh(self) -> None:
        """Take note of what other processes appended."""
        with self.snapshot() as connection:
            self._refresh(connection)

    # --- reading ---------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """How many entries stand, as far as this process knows."""
        return self._frontier.size

    @property
    def root(self) -> bytes:
        return self._frontier.root()

    @property
    def id(self) -> bytes:
        """The ledger's id: the leaf hash of its genesis entry."""
        if self._id is None:
            with self.snapshot() as connection:
                self._id = node_of(connection, 0, 0)
        return self._id

    @property
    def exhibits(self) -> int:
        """How many exhibits are registered."""
        return max(len(self._chains) - 1, 0)

    def chain(self, n: int) -> tuple[int, bytes]:
        """Count and last leaf of exhibit ordinal `n`."""
        count, leaf, _ = self._chains[n]
        return count, leaf

    def map_proof(self, n: int) -> list[bytes]:
        return self._map.proof(n)

    def node_reader(self) -> NodeReader:
        """A reader of complete subtrees for proofs, which remembers what it read."""

        @cache
        def read(level: int, position: int) -> bytes:
            with self.snapshot() as connection:
                return node_of(connection, level, position)

        return read

    def root_at(self, size: int) -> bytes:
        """MTH(D[0:size])."""
        return frontier_at(size, self.node_reader()).root() if size else EMPTY_ROOT

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """Entries with their openings from index `start` on, streamed in blocks."""
        stop = self.size if stop is None else stop
        table = schema.entry
        while start < stop:
            with self.snapshot() as connection:
                block = connection.execute(
                    sql.STORED_ROWS.where(table.c.idx >= start, table.c.idx < min(stop, start + sql.BLOCK))
                ).all()
            if not block:
                return
            for item in block:
                yield row_of(*item)
            start = number(block[-1][0]) + 1

    def rows_of(self, kind: str) -> list[Row]:
        """All entries of one type, oldest first."""
        with self.snapshot() as connection:
            return [row_of(*item) for item in connection.execute(sql.ROWS_OF_TYPE, {"b_type": kind.encode()})]

    def rows_in(self, n: int) -> Iterator[Row]:
        """The entries of sequence `n` (an exhibit's ordinal; 0: governance), oldest first, streamed in blocks."""
        stop, start = self.size, 0
        while start < stop:
            wanted = {"b_n": b"%d" % n, "b_start": start, "b_stop": stop}
            with self.snapshot() as connection:
                block = connection.execute(sql.ROWS_IN_SEQUENCE, wanted).all()
            yield from (row_of(*item) for item in block)
            start = number(block[-1][0]) + 1 if block else stop

    def notes(self) -> list[bytes]:
        """All checkpoints made so far, oldest first."""
        with self.snapshot() as connection:
            query = select(schema.checkpoint.c.note).order_by(schema.checkpoint.c.size)
            return [blob(note) for (note,) in connection.execute(query)]

    def newest_note(self) -> bytes | None:
        """The newest checkpoint, or None before the first."""
        with self.snapshot() as connection:
            note = connection.execute(sql.NEWEST_NOTE).scalar()
            return None if note is None else blob(note)

    def note_at(self, size: int) -> bytes | None:
        """The checkpoint over the first `size` entries, or None."""
        with self.snapshot() as connection:
            note = connection.execute(sql.NOTE_AT, {"b_size": size}).scalar()
            return None if note is None else blob(note)

    def closed_sizes(self) -> list[int]:
        """The sizes of all checkpoints, rising."""
        with self.snapshot() as connection:
            return [number(size) for (size,) in connection.execute(sql.CLOSED_SIZES)]

    def copy_to(self, target: Path) -> None:
        """A consistent copy of the ledger in a new file, also while others write."""
        if target.exists():
            raise CustodyError(f"{target} exists already", "Choose another name: nothing is overwritten.")
        # Not in a transaction of ours: SQLite would wait for a writer's own for ever. One step is one moment.
        with translated(target), closing(sqlite3.connect(target)) as copy:
            self._driver().backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")

    def _driver(self) -> sqlite3.Connection:
        driver = self._connection.connection.driver_connection if self._connection is not None else None
        if not isinstance(driver, sqlite3.Connection):
            raise CustodyError("this ledger is not in a file")
        return driver

    # --- writing ---------------------------------------------------------------------------------------

    def append(self, draft: Draft, signer: Signer, examine: Examine | None = None) -> Row:
        """Sign and store one entry; on return it is durable.

        `examine` sees the entry before it is signed, while nobody else can write; what it raises is raised, and
        nothing is stored.
        """
        with self._appending() as connection:
            return self._write(connection, draft, signer, examine)

    def append_closing(
        self,
        signer: Signer,
        values: Mapping[str, Json],
        note_for: Callable[[int, bytes], bytes],
        examine: Examine | None = None,
    ) -> bytes:
        """Sign the map of all exhibits, and in the same transaction keep the checkpoint `note_for(size, root)`."""
        with self._appending() as connection:
            pub = {"map_size": str(self._map.size), "map_root": b64(self._map.root)}
            self._write(connection, Draft("closing", values, pub=pub), signer, examine)
            note = note_for(self.size, self.root)
            connection.execute(sql.ADD_CHECKPOINT, {"size": self.size, "note": note})
        return note

    def drop_openings(self, row: Row, names: Collection[str]) -> None:
        """Take these openings of an entry away, for good (R31). Whether that is approved is for the caller to know."""
        kept = {name: opening for name, opening in row.openings.items() if name not in names}
        if len(kept) < len(row.openings):
            with self.transaction() as connection:
                sql.SHRINK_OPENING.run(connection, {"b_idx": row.index, "b_body": dump_openings(kept)})

    @contextmanager
    def _appending(self) -> Iterator[Connection]:
        try:
            with self.transaction() as connection:
                self._refresh(connection)
                yield connection
        except BaseException:
            # what is in memory may be ahead of the file now: read it anew at the next call
            self._frontier, self._chains, self._map, self._id = Frontier(), {}, ExhibitMap(), None
            raise

    def _write(self, connection: Connection, draft: Draft, signer: Signer, examine: Examine | None = None) -> Row:
        index, position = self.size, self._position(draft.n)
        if index and self._id is None:
            self._id = node_of(connection, 0, 0)
        entry = Entry(
            ledger=self._id if index else None,
            id=draft.id or secrets.token_bytes(16),
            type=draft.type,
            key=signer.key,
            seen_size=index,
            seen_root=self.root,
            x=position,
            re=draft.re,
            pub=draft.pub,
            commits={},
        )
        payload, openings = compose(entry, draft.values)
        parsed = Entry.parse(payload)  # what a reader would refuse is never signed
        if examine is not None:
            examine(parsed)
        sig = signer.sign_entry(payload)
        row = Row(index, payload, sig, leaf_of(payload, sig), openings)
        sql.ADD_ENTRY.run(connection, {"idx": index, "payload": payload, "sig": sig, "leaf": row.leaf})
        sql.ADD_OPENING.run(connection, {"idx": index, "body": dump_openings(openings)})
        for level, pos, value in self._frontier.append(row.leaf):
            sql.ADD_NODE.run(connection, {"level": level, "pos": pos, "hash": value})
        if position is not None:
            self._chains[position.n] = (position.seq, row.leaf, index)
            self._map.put(position.n, position.seq, row.leaf)
            if position.seq == 1:
                values = {"n": position.n, "count": 1, "last": row.leaf, "idx": index}
                sql.ADD_CHAIN.run(connection, values)
            else:
                values = {"b_n": position.n, "b_count": position.seq, "b_last": row.leaf, "b_idx": index}
                sql.SET_CHAIN.run(connection, values)
        return row

    def _position(self, n: int | None) -> ChainPosition | None:
        if n is None:
            return None
        if n == NEW or (n == 0 and not self._chains):
            return ChainPosition(len(self._chains), 1, None)
        if n not in self._chains:
            raise CustodyError(f"there is no exhibit number {n}")
        count, last, _ = self._chains[n]
        return ChainPosition(n, count + 1, last)
