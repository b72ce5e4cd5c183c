"""Append and read: the only writer of a ledger.

Durability, as a contract: when `append` returns, the entry is on disk (WAL, synchronous FULL) and stands at its
index for good; when it raises, nothing was written. Payload, signature, openings, tree nodes and the exhibit's position
go in one transaction that holds the write lock from before the head is read, so what is signed as seen IS the head.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from custody.ledger import schema
from custody.ledger.draft import compose, dump_openings
from custody.ledger.entry import (
    MAX_DEPTH,
    MAX_OPENED,
    ChainPosition,
    Entry,
    Json,
    Openings,
    b64,
    decode,
    leaf_of,
    load_openings,
)
from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError
from custody.ledger.exhibit_map import ExhibitMap
from custody.ledger.merkle import EMPTY_ROOT, HASH_SIZE, Frontier, NodeReader


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


NEW = -1
"""`Draft.n` of a registration: the next ordinal."""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as stored."""

    index: int
    payload: bytes
    sig: bytes
    leaf: bytes
    openings: Openings

    @property
    def entry(self) -> Entry:
        return Entry.parse(self.payload)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """What SQLite says, as one clear line and the right exit code."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = str(cause)
        if "locked" in said or "busy" in said:
            raise LedgerBusyError(
                f"another process is writing to {path}", "Wait until it has finished, then try again."
            ) from error
        if "full" in said or "disk I/O" in said:
            raise CustodyError(
                f"the ledger {path} could not be written: {said}",
                "Free space on that disk, then run it again.",
            ) from error
        if "readonly" in said or "unable to open" in said:
            raise CustodyError(
                f"the ledger {path} cannot be opened: {said}", "Check the path and its permissions."
            ) from error
        if isinstance(cause, sqlite3.IntegrityError):
            raise IntegrityError(f"the ledger refused a change: {said}") from error
        raise IntegrityError(f"the ledger file {path} is damaged: {said}", "Restore it from a backup.") from error


class Ledger:
    """One ledger in one SQLite file. Not for use by several threads at once."""

    def __init__(self, engine: Engine, path: Path, notice: str = "", scratch: Path | None = None) -> None:
        self.path, self.notice = path, notice
        self._engine, self._scratch = engine, scratch
        self._connection: Connection | None = None
        self._frontier = Frontier()
        self._map = ExhibitMap()
        self._chains: dict[int, tuple[int, bytes, int]] = {}

    @classmethod
    def create(cls, path: Path) -> Ledger:
        """An empty ledger at `path`, which must not exist yet."""
        if path.exists():
            raise CustodyError(f"{path} exists already", "Choose another folder.")
        with _translated(path):
            path.touch(mode=0o640)
            ledger = cls(schema.engine_for(path, writable=True), path)
            with ledger._engine.begin() as connection:
                schema.create(connection)
        return ledger

    @classmethod
    def open(cls, path: Path, *, writable: bool) -> Ledger:
        """Open a ledger; read-only media and a leftover WAL are coped with (then `notice` says how)."""
        if not path.is_file():
            raise CustodyError(f"there is no ledger at {path}", "Run `evikit init`, or name the case with --case.")
        notice, scratch = "", None
        with _translated(path):
            if writable:
                engine = schema.engine_for(path, writable=True)
            else:
                engine, notice, scratch = schema.reading_engine(path)
            ledger = cls(engine, path, notice, scratch)
            try:
                with ledger._begin() as connection:
                    schema.validate_revision(connection)
                    ledger._refresh(connection)
            except BaseException:
                ledger.close()
                raise
        return ledger

    def close(self) -> None:
        """Release the file; a writer folds its WAL back into it first."""
        if self._connection is not None:
            with suppress(DBAPIError):  # a reader elsewhere only delays this to the next close
                self._connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
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
    def _begin(self) -> Iterator[Connection]:
        if self._connection is None:
            self._connection = self._engine.connect()
        with _translated(self.path), self._connection.begin():
            yield self._connection

    def _refresh(self, connection: Connection) -> None:
        """Bring the head in memory up to the file: nothing to do unless another process wrote."""
        last = connection.execute(_LAST).scalar_one()
        size = 0 if last is None else int(last) + 1
        if size == self._frontier.size and size:
            return
        if size < self._frontier.size:
            raise IntegrityError(f"the ledger {self.path} became shorter while it was open")
        self._frontier = Frontier.at(size, lambda level, pos: _node(connection, level, pos))
        rows = connection.execute(select(schema.chain).order_by(schema.chain.c.n)).all()
        self._chains = {int(n): (int(count), bytes(last), int(idx)) for n, count, last, idx in rows}
        self._map = ExhibitMap()
        for n, (count, leaf, _) in self._chains.items():
            if n != self._map.size:
                raise IntegrityError("the ledger's table of exhibits has a gap")
            self._map.put(n, count, leaf)

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
        with self._begin() as connection:
            return _node(connection, 0, 0)

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
            with self._begin() as connection:
                return _node(connection, level, position)

        return read

    def root_at(self, size: int) -> bytes:
        """MTH(D[0:size])."""
        return Frontier.at(size, self.node_reader()).root() if size else EMPTY_ROOT

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """Entries with their openings from index `start` on, streamed in blocks."""
        stop = self.size if stop is None else stop
        table = schema.entry
        while start < stop:
            with self._begin() as connection:
                block = connection.execute(
                    _ROWS.where(table.c.idx >= start, table.c.idx < min(stop, start + 500))
                ).all()
            if not block:
                return
            for item in block:
                yield _row(*item)
            start = int(block[-1][0]) + 1

    def rows_of(self, kind: str) -> list[Row]:
        """All entries of one type, oldest first: the file is searched, the entries of other types are not decoded."""
        mark = func.instr(schema.entry.c.payload, f'"type":"{kind}"'.encode())
        with self._begin() as connection:
            block = connection.execute(_ROWS.where(mark > 0)).all()
        return [row for row in (_row(*item) for item in block) if row.entry.type == kind]

    def notes(self) -> list[bytes]:
        """All checkpoints made so far, oldest first."""
        with self._begin() as connection:
            query = select(schema.checkpoint.c.note).order_by(schema.checkpoint.c.size)
            return [bytes(note) for (note,) in connection.execute(query)]

    def copy_to(self, target: Path) -> None:
        """A consistent copy of the ledger in a new file, also while others write."""
        if target.exists():
            raise CustodyError(f"{target} exists already", "Choose another name: nothing is overwritten.")
        with _translated(target), self._begin():
            with closing(sqlite3.connect(target)) as copy:
                self._driver().backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")

    def _driver(self) -> sqlite3.Connection:
        driver = self._connection.connection.driver_connection if self._connection is not None else None
        if not isinstance(driver, sqlite3.Connection):
            raise CustodyError("this ledger is not in a file")
        return driver

    # --- writing ---------------------------------------------------------------------------------------

    def append(self, draft: Draft, signer: Signer) -> Row:
        """Sign and store one entry; on return it is durable."""
        with self._appending() as connection:
            return self._write(connection, draft, signer)

    def append_closing(
        self, signer: Signer, values: Mapping[str, Json], note_for: Callable[[int, bytes], bytes]
    ) -> bytes:
        """Sign the map of all exhibits, and in the same transaction keep the checkpoint `note_for(size, root)`."""
        with self._appending() as connection:
            pub = {"map_size": str(self._map.size), "map_root": b64(self._map.root)}
            self._write(connection, Draft("closing", values, pub=pub), signer)
            note = note_for(self.size, self.root)
            connection.execute(_ADD_CHECKPOINT, {"size": self.size, "note": note})
        return note

    @contextmanager
    def _appending(self) -> Iterator[Connection]:
        try:
            with self._begin() as connection:
                self._refresh(connection)
                yield connection
        except BaseException:
            # what is in memory may be ahead of the file now: read it anew at the next call
            self._frontier, self._chains, self._map = Frontier(), {}, ExhibitMap()
            raise

    def _write(self, connection: Connection, draft: Draft, signer: Signer) -> Row:
        index, position = self.size, self._position(draft.n)
        entry = Entry(
            ledger=_node(connection, 0, 0) if index else None,
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
        Entry.parse(payload)  # what a reader would refuse is never signed
        sig = signer.sign_entry(payload)
        row = Row(index, payload, sig, leaf_of(payload, sig), openings)
        connection.execute(_ADD_ENTRY, {"idx": index, "payload": payload, "sig": sig, "leaf": row.leaf})
        connection.execute(_ADD_OPENING, {"idx": index, "body": dump_openings(openings)})
        nodes = [{"level": level, "pos": pos, "hash": value} for level, pos, value in self._frontier.append(row.leaf)]
        connection.execute(_ADD_NODE, nodes)
        if position is not None:
            self._chains[position.n] = (position.seq, row.leaf, index)
            self._map.put(position.n, position.seq, row.leaf)
            if position.seq == 1:
                values = {"n": position.n, "count": 1, "last": row.leaf, "idx": index}
                connection.execute(_ADD_CHAIN, values)
            else:
                values = {"b_n": position.n, "b_count": position.seq, "b_last": row.leaf, "b_idx": index}
                connection.execute(_SET_CHAIN, values)
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


_ROWS = (
    select(schema.entry.c.idx, schema.entry.c.payload, schema.entry.c.sig, schema.entry.c.leaf, schema.opening.c.body)
    .select_from(schema.entry.outerjoin(schema.opening, schema.entry.c.idx == schema.opening.c.idx))
    .order_by(schema.entry.c.idx)
)
_LAST = select(func.max(schema.entry.c.idx))
_ADD_ENTRY, _ADD_OPENING = insert(schema.entry), insert(schema.opening)
_ADD_NODE, _ADD_CHAIN, _ADD_CHECKPOINT = insert(schema.node), insert(schema.chain), insert(schema.checkpoint)
_SET_CHAIN = (
    update(schema.chain)
    .where(schema.chain.c.n == bindparam("b_n"))
    .values(count=bindparam("b_count"), last=bindparam("b_last"), idx=bindparam("b_idx"))
)
_NODE = select(schema.node.c.hash).where(
    schema.node.c.level == bindparam("b_level"), schema.node.c.pos == bindparam("b_pos")
)


def _node(connection: Connection, level: int, position: int) -> bytes:
    value = connection.execute(_NODE, {"b_level": level, "b_pos": position}).scalar_one_or_none()
    if value is None or len(value) != HASH_SIZE:
        raise IntegrityError("the ledger's tree lacks a node: its file is damaged", "Restore it from a backup.")
    return bytes(value)


def _row(idx: int, payload: bytes, sig: bytes, leaf: bytes, body: bytes | None) -> Row:
    return Row(int(idx), bytes(payload), bytes(sig), bytes(leaf), _openings(body))


def _openings(body: bytes | None) -> Openings:
    if body is None:
        return {}
    return load_openings(decode(bytes(body), 2 * MAX_OPENED, MAX_DEPTH + 2))
