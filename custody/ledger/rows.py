"""What is read back from a ledger's tables, the kind of every value looked at first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection

from custody.ledger import statements as sql
from custody.ledger.entry import MAX_DEPTH, MAX_OPENINGS, Entry, Openings, decode, load_openings
from custody.ledger.errors import IntegrityError
from custody.ledger.faults import blob, number
from custody.ledger.merkle import HASH_SIZE


@dataclass(frozen=True)
class Row:
    """An entry as stored. `entry` is its payload, parsed when first asked for (so no slots)."""

    index: int
    payload: bytes
    sig: bytes
    leaf: bytes
    openings: Openings

    @cached_property
    def entry(self) -> Entry:
        return Entry.parse(self.payload)


def node_of(connection: Connection, level: int, position: int) -> bytes:
    value = connection.execute(sql.NODE, {"b_level": level, "b_pos": position}).scalar_one_or_none()
    if value is None or len(blob(value)) != HASH_SIZE:
        raise IntegrityError("the ledger's tree lacks a node: its file is damaged", "Restore it from a backup.")
    return blob(value)


def row_of(idx: int, payload: bytes, sig: bytes, leaf: bytes, body: bytes | None) -> Row:
    return Row(number(idx), blob(payload), blob(sig), blob(leaf), _openings(body))


def _openings(body: bytes | None) -> Openings:
    if body is None:
        return {}
    return load_openings(decode(blob(body), MAX_OPENINGS, MAX_DEPTH + 2))
