"""A stored ledger examined in-house: the file, its tables and triggers, its entries, and all that is kept beside them.

`verify` says whether the entries hold; this says in addition that the database tells the same story as they do.
Everything is read in one transaction, so a ledger others write to is examined as it stood at one moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, Select, func, select

from custody.ledger import schema
from custody.ledger.entry import MAX_DEPTH, MAX_OPENINGS, Openings, decode, load_openings
from custody.ledger.errors import IntegrityError, MalformedError
from custody.ledger.faults import blob
from custody.ledger.merkle import node_hash
from custody.ledger.note import parse_note
from custody.ledger.statements import STORED_ROWS
from custody.ledger.store import Ledger
from custody.ledger.verdict import Trust, Verdict
from custody.ledger.verify import Replay, replay_ledger

_STREAMED = {"yield_per": 500}
_Findings = list[tuple[int | None, str, str]]
_StoredRow = tuple[bytes, bytes, bytes, Openings | None]


def audit(ledger: Ledger, trust: Trust, *, openings: bool = True) -> Verdict:
    """The verdict on a stored ledger; whatever the file holds, a fault is a finding, never an exception of SQLite's.

    Beyond `verify_ledger`, findings are: `file` (SQLite's own examination, values of a wrong kind), `schema` (a table,
    index or trigger is not as made), `stored` (the tree, the exhibits' table, the checkpoints or the openings differ
    from what the entries give). With `openings` False the commitments are not opened, and the verdict says so.
    LedgerBusyError when another process holds the file.
    """
    found: _Findings = []
    try:
        with ledger.snapshot() as connection:
            found += ledger.database.findings(connection, ledger.revision)
            notes = [blob(note) for (note,) in connection.execute(_ordered(schema.checkpoint.c.note))]
            replay = replay_ledger(_rows(connection, found, openings=openings), notes, trust)
            found += _stored_findings(connection, ledger.database.chains, replay, notes)
            verdict = replay.verdict
    except IntegrityError as error:
        verdict = Verdict()
        found.append((None, "file", f"{error}"))
    for finding in found:
        verdict.fail(*finding)
    verdict.not_checked += ledger.database.not_checked
    if not openings:
        verdict.not_checked.append("the fields of the entries were not held against their commitments")
    return verdict


def _ordered(column: Any) -> Select[Any]:
    return select(column).order_by(*column.table.primary_key.columns)


def _rows(connection: Connection, found: _Findings, *, openings: bool) -> Iterator[_StoredRow]:
    """The entries for `verify_ledger`; what cannot be handed on becomes a finding."""
    with connection.execute(STORED_ROWS, execution_options=_STREAMED) as rows:
        for index, (idx, payload, sig, leaf, body) in enumerate(rows):
            if idx != index:
                found.append((index, "stored", "an entry is missing, or stands under another number"))
            opened: Openings = {}  # none: the verification then misses every one of them
            try:
                opened = load_openings(decode(blob(body), MAX_OPENINGS, MAX_DEPTH + 2))
            except (MalformedError, IntegrityError) as error:
                found.append((index, "stored", f"the openings of the entry are missing or unreadable: {error}"))
            yield blob(payload), blob(sig), blob(leaf), opened if openings else None


def _stored_findings(connection: Connection, newest: Select[Any], replay: Replay, notes: Sequence[bytes]) -> _Findings:
    found = _tree_findings(connection)
    chains = {n: (count, last, index) for n, count, last, index in connection.execute(newest)}
    if chains != replay.chains:
        found.append((None, "stored", "the table of exhibits does not say what the entries say"))
    extra = select(schema.opening.c.idx).where(schema.opening.c.idx.not_in(select(schema.entry.c.idx))).limit(1)
    if connection.execute(extra).first() is not None:
        found.append((None, "stored", "openings stand without an entry"))
    sizes = [size for (size,) in connection.execute(_ordered(schema.checkpoint.c.size))]
    if sizes != [_size_of(note) for note in notes] or set(sizes) != {index + 1 for index in replay.closings}:
        found.append((None, "stored", "the checkpoints are not those of the closing entries, one each"))
    return found


def _size_of(note: bytes) -> int | None:
    try:
        return parse_note(note).checkpoint.size
    except MalformedError:
        return None  # found already, by the verification of the checkpoints


def _tree_findings(connection: Connection) -> _Findings:
    """Level by level: the leaves are those of the entries, a node is the hash of the two below it, none is too many."""
    nodes = level = 0
    while True:
        size = 0
        for want, have in zip_longest(_derived(connection, level), _stored_level(connection, level)):
            if want is None or want != have:
                return [(None, "stored", f"the stored tree is not that of the entries (level {level}, node {size})")]
            size += 1
        if size == 0:
            break
        nodes, level = nodes + size, level + 1
    if connection.execute(select(func.count()).select_from(schema.node)).scalar_one() != nodes:
        return [(None, "stored", "the stored tree has nodes that no entry gives")]
    return []


def _stored_level(connection: Connection, level: int) -> Iterator[bytes]:
    node = schema.node.c
    return _stream(connection, select(node.hash).where(node.level == level).order_by(node.pos))


def _derived(connection: Connection, level: int) -> Iterator[bytes]:
    if level == 0:
        yield from _stream(connection, _ordered(schema.entry.c.leaf))
        return
    below = _stored_level(connection, level - 1)
    for left, right in zip(below, below, strict=False):  # an odd last node has no parent yet
        yield node_hash(left, right)


def _stream(connection: Connection, query: Select[Any]) -> Iterator[bytes]:
    with connection.execute(query, execution_options=_STREAMED) as rows:
        for (value,) in rows:
            yield value
