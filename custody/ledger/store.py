"""Append and read: the only writer of a ledger.

Durability, as a contract: when `append` returns, the entry is on disk (WAL, synchronous FULL) and stands at its
index for good; when it raises, nothing was written. Payload, signature, openings, tree nodes and the exhibit's position
go in one transaction that holds the write lock from before the head is read, so what is signed as seen IS the head.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, select

from custody.ledger import schema
from custody.ledger import statements as sql
from custody.ledger.database import Address, ConnectionLostError, Database, database_at
from custody.ledger.draft import compose, dump_openings
from custody.ledger.entry import (
    ChainPosition,
    Entry,
    Json,
    b64,
    leaf_of,
)
from custody.ledger.errors import CustodyError, IntegrityError
from custody.ledger.faults import blob, number
from custody.ledger.held_map import HeldMap
from custody.ledger.merkle import EMPTY_ROOT, Frontier
from custody.ledger.proofs import NodeReader, frontier_at
from custody.ledger.rows import Row, node_of, row_of
from custody.ledger.session import Session

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


_PAUSES = (0.05, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to reach a server that went away."""

Examine = Callable[[Entry], None]
"""Looks at an entry about to be signed; raises to prevent it."""

NEW = -1
"""`Draft.n` of a registration: the next ordinal."""


class Ledger:
    """One ledger in one database. Not for use by several threads at once."""

    def __init__(self, database: Database, engine: Engine, *, writable: bool) -> None:
        self.database, self.revision = database, schema.REVISION
        self._session = Session(database, engine, writable=writable)
        self._forget()

    def _forget(self) -> None:
        """What is in memory may be ahead of the database: it is read anew at the next call."""
        self._frontier, self._map = Frontier(), HeldMap()
        self._chains: dict[int, tuple[int, bytes, int]] = {}
        self._id: bytes | None = None

    @classmethod
    def create(cls, address: Address) -> Ledger:
        """An empty ledger at a file or URL that holds none yet."""
        database = database_at(address)
        with database.translated():
            return cls(database, database.create(), writable=True)

    @classmethod
    def open(cls, address: Address, *, writable: bool, refresh: bool = True, older: bool = False) -> Ledger:
        """Open a ledger; read-only media and a leftover WAL are coped with (then `notice` says how).

        Without `refresh` nothing that is kept beside the entries is read: for `audit`, which must come that far.
        With `older` one of an older revision is opened too, to be verified and upgraded.
        """
        database = database_at(address)
        with database.translated():
            ledger = cls(database, database.open(writable=writable), writable=writable)
            try:
                with ledger.transaction() as connection:
                    ledger.revision = database.revision_of(connection)
                    schema.validate_revision(ledger.revision, older=older)
                    if refresh:
                        ledger._refresh(connection)
            except BaseException:
                ledger.close()
                raise
        return ledger

    @property
    def notice(self) -> str:
        """How the ledger is read, where that is worth a remark."""
        return self.database.notice

    def close(self) -> None:
        """Release the database."""
        self._session.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def transaction(self) -> AbstractContextManager[Connection]:
        """The database itself, shut to other writers until the block ends."""
        return self._session.transaction()

    def snapshot(self) -> AbstractContextManager[Connection]:
        """The database as it stands at one moment, to read only."""
        return self._session.snapshot()

    def _refresh(self, connection: Connection) -> None:
        """Bring the head in memory up to the database: nothing to do unless another process wrote."""
        last = connection.execute(sql.LAST).scalar_one()
        size, known = 0 if last is None else number(last) + 1, self._frontier.size
        if size == known and size:
            return
        if size < known:
            raise IntegrityError(f"the ledger {self.database.name} became shorter while it was open")
        if known and size - known <= sql.BLOCK:
            for (leaf,) in connection.execute(sql.SINCE, {"b_size": known}):
                self._frontier.append(blob(leaf))
            self._take(connection.execute(sql.CHAINS_SINCE, {"b_size": known}))
            return
        self._frontier = frontier_at(size, lambda level, pos: node_of(connection, level, pos))
        self._chains, self._map = {}, HeldMap()
        for n, count, last, index in connection.execute(self.database.chains):
            if number(n) > len(self._chains):
                raise IntegrityError("the ledger's table of exhibits has a gap")
            self._chains[n] = (number(count), blob(last), number(index))
        self._map = HeldMap.of((count, last) for count, last, _ in self._chains.values())

    def _take(self, rows: Iterable[Any]) -> None:
        """Take note of where these sequences stand; they come in the order of their ordinals."""
        for n, count, last, index in rows:
            if number(n) > self._map.size:
                raise IntegrityError("the ledger's table of exhibits has a gap")
            self._chains[n] = (number(count), blob(last), number(index))
            self._map.put(n, count, last)

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

    def map_of(self, exhibits: int) -> HeldMap:
        """The map of the first so many exhibits, to be changed: see `HeldMap.rewound`."""
        return self._map.rewound(exhibits)

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

    def notes(self, after: int = 0) -> list[bytes]:
        """All checkpoints made so far over more than `after` entries, oldest first."""
        size = schema.checkpoint.c.size
        with self.snapshot() as connection:
            query = select(schema.checkpoint.c.note).where(size > after).order_by(size)
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
        """A consistent copy of the ledger in a new file of SQLite's, also while others write."""
        if target.exists():
            raise CustodyError(f"{target} exists already", "Choose another name: nothing is overwritten.")
        with self.database.translated():
            self.database.copy_to(self._session.connection, target)

    # --- writing ---------------------------------------------------------------------------------------

    def append(self, draft: Draft, signer: Signer, examine: Examine | None = None) -> Row:
        """Sign and store one entry; on return it is durable.

        `examine` sees the entry before it is signed, while nobody else can write; what it raises is raised, and
        nothing is stored.
        """
        return self._once(draft, lambda known: self._write(known, signer, examine))

    def append_closing(
        self,
        signer: Signer,
        values: Mapping[str, Json],
        note_for: Callable[[int, bytes], bytes],
        examine: Examine | None = None,
    ) -> bytes:
        """Sign the map of all exhibits, and in the same transaction keep the checkpoint `note_for(size, root)`."""

        def write(draft: Draft) -> Row:
            pub = {"map_size": str(self._map.size), "map_root": b64(self._map.root)}
            row = self._write(replace(draft, pub=pub), signer, examine)
            values = {"size": self.size, "note": note_for(self.size, self.root)}
            self._session.pending.append((sql.ADD_CHECKPOINT, values))
            return row

        row = self._once(Draft("closing", values), write)
        with self.snapshot() as connection:
            return blob(connection.execute(sql.NOTE_AT, {"b_size": row.index + 1}).scalar_one())

    def _once(self, draft: Draft, write: Callable[[Draft], Row]) -> Row:
        """`write` in a transaction; where the connection is lost at that, once more, unless the entry stands."""
        draft = replace(draft, id=draft.id or secrets.token_bytes(16))
        if self._session.active:
            return write(draft)
        known, lost, pauses = self.size, False, iter(_PAUSES)
        while True:
            try:
                with self.together():  # the lock is held: what the lost connection was at has ended, either way
                    return (self._find(draft.id, known) if lost else None) or write(draft)
            except ConnectionLostError:
                if (pause := next(pauses, None)) is None:
                    raise
                lost = True
                time.sleep(pause)

    def _find(self, entry_id: bytes, start: int) -> Row | None:
        """The entry of this id at index `start` or later, if there is one."""
        return next((row for row in self.rows(start) if row.entry.id == entry_id), None)

    def drop_openings(self, row: Row, names: Collection[str]) -> None:
        """Take these openings of an entry away, for good (R31). Whether that is approved is for the caller to know."""
        kept = {name: opening for name, opening in row.openings.items() if name not in names}
        if len(kept) < len(row.openings):
            with self.transaction():
                self._session.pending.append((sql.SHRINK_OPENING, {"b_idx": row.index, "b_body": dump_openings(kept)}))

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is appended within is one write: durable when the block ends, or none of it stands."""
        try:
            with self.transaction() as connection:
                self._refresh(connection)
                yield
        except BaseException:
            self._forget()
            raise

    def _write(self, draft: Draft, signer: Signer, examine: Examine | None = None) -> Row:
        index, position = self.size, self._position(draft.n)
        entry = Entry(
            ledger=self.id if index else None,
            id=draft.id,
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
        self._session.pending += [
            (sql.ADD_ENTRY, {"idx": index, "payload": payload, "sig": sig, "leaf": row.leaf}),
            (sql.ADD_OPENING, {"idx": index, "body": dump_openings(openings)}),
        ]
        for level, pos, value in self._frontier.append(row.leaf):
            self._session.pending.append((sql.ADD_NODE, {"level": level, "pos": pos, "hash": value}))
        if position is not None:
            self._chains[position.n] = (position.seq, row.leaf, index)
            self._map.put(position.n, position.seq, row.leaf)
            if position.seq == 1:
                values = {"n": position.n, "count": 1, "last": row.leaf, "idx": index}
                self._session.pending.append((sql.ADD_CHAIN, values))
            else:
                values = {"b_n": position.n, "b_count": position.seq, "b_last": row.leaf, "b_idx": index}
                self._session.pending.append((sql.SET_CHAIN, values))
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
