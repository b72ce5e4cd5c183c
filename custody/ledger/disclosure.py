"""Composing a bundle: which entries, which fields, and the proofs that carry them."""

from __future__ import annotations

import heapq
import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from custody.ledger.bundle import FORMAT, dump_bundle, manifest_leaf
from custody.ledger.entry import Json, b64, undec
from custody.ledger.errors import CustodyError
from custody.ledger.merkle import Frontier
from custody.ledger.proofs import NodeReader, consistency_proof, frontier_at, inclusion_proof
from custody.ledger.store import Ledger, Row

NEVER_OPENED = frozenset({"manifest_secret"})
RECENT_HEADS = 32

Closes = Callable[[Row], frozenset[str]]
"""Which openings of an entry stay closed."""


@dataclass(frozen=True, slots=True)
class ShownRow:
    """One file of a bulk reading to be shown: its access's outcome entry, position and row."""

    entry: int
    position: int
    row: tuple[str, ...]
    salt: bytes
    proof: tuple[bytes, ...]


def row_salt(secret: bytes, position: int) -> bytes:
    """Salt of manifest row `position`: HMAC-SHA-256(secret, u64be(position)), first 16 bytes (R24)."""
    return hmac.digest(secret, position.to_bytes(8, "big"), "sha256")[:16]


def show_row(entry: int, secret: bytes, rows: Sequence[tuple[str, ...]], position: int) -> ShownRow:
    """The proof that `rows[position]` is in the manifest of an access whose outcome stands at `entry`."""
    nodes: dict[tuple[int, int], bytes] = {}
    frontier = Frontier()
    for i, row in enumerate(rows):
        for level, place, value in frontier.append(manifest_leaf(row_salt(secret, i), row)):
            nodes[level, place] = value
    proof = inclusion_proof(position, frontier.size, lambda level, place: nodes[level, place])
    return ShownRow(entry, position, rows[position], row_salt(secret, position), tuple(proof))


def compose_bundle(
    ledger: Ledger,
    *,
    exhibits: Collection[int] | None = None,
    withhold: Collection[str] = (),
    closes: Closes | None = None,
    also: Collection[int] = (),
    rows: Sequence[ShownRow] = (),
    since: Sequence[int] = (),
) -> bytes:
    """The bundle of these exhibit ordinals (None: all) as of the last checkpoint, which must cover everything known.

    What other processes append meanwhile is not in it. Time-stamps are always in it, each with the head it is over.
    `withhold` names fields that stay closed everywhere, `closes` says which of an entry do; `also` are indices of
    entries in no sequence to be shown as well; `since` are sizes of older heads to prove consistency with.
    """
    size, note = ledger.size, ledger.note_at(ledger.size)
    if note is None:
        raise CustodyError("the ledger has entries after its last checkpoint", "Run `evikit ledger checkpoint`.")
    shown = range(ledger.exhibits + 1) if exhibits is None else sorted({0, *exhibits})
    closed = NEVER_OPENED | set(withhold)
    stamps = [row for row in ledger.rows_of("anchor") if row.index < size]
    also = {*also, *(row.index for row in stamps)}
    since = [*since, *(undec(row.entry.pub["size"]) for row in stamps)]
    chosen = ledger.rows() if exhibits is None else _rows_of(ledger, shown, also)
    node = ledger.node_reader()
    with ledger.snapshot():
        entries: list[Json] = [
            _entry(row, size, node, closed | closes(row) if closes is not None else closed) for row in chosen
        ]
        sizes = [older for older in ledger.closed_sizes() if older < size]
        heads = [_older(older, size, node) for older in _spread(sizes, since)]
    return dump_bundle(
        {
            "format": FORMAT,
            "ledger": b64(ledger.id),
            "checkpoint": note.decode(),
            "older": heads,
            "exhibits": [_exhibit(ledger, n) for n in shown],
            "entries": entries,
            "rows": [_row(row) for row in rows],
            "tokens": [],
            "foreign": [],
        }
    )


def _rows_of(ledger: Ledger, shown: Iterable[int], also: Iterable[int]) -> Iterator[Row]:
    """The entries of these sequences, those `also` asked for and the closing entry, in the order of the index."""
    chains = [ledger.rows_in(n) for n in shown]
    single = [ledger.rows(index, index + 1) for index in {*also, ledger.size - 1}]
    return heapq.merge(*chains, *single, key=lambda row: row.index)


def _entry(row: Row, size: int, node: NodeReader, closed: Collection[str]) -> Json:
    seen = row.entry.seen_size
    opened: dict[str, Json] = {
        name: [b64(opening.salt), opening.value] for name, opening in row.openings.items() if name not in closed
    }
    return {
        "index": str(row.index),
        "payload": b64(row.payload),
        "sig": b64(row.sig),
        "inclusion": [b64(item) for item in inclusion_proof(row.index, size, node)],
        "seen_proof": [b64(item) for item in (consistency_proof(seen, size, node) if seen else [])],
        "openings": opened,
    }


def _exhibit(ledger: Ledger, n: int) -> Json:
    count, last = ledger.chain(n)
    return {
        "n": str(n),
        "count": str(count),
        "last": b64(last),
        "map_proof": [b64(item) for item in ledger.map_proof(n)],
    }


def _older(size: int, new: int, node: NodeReader) -> Json:
    root = frontier_at(size, node).root()
    proof: list[Json] = [b64(item) for item in consistency_proof(size, new, node)]
    return {"size": str(size), "root": b64(root), "consistency": proof}


def _row(shown: ShownRow) -> Json:
    return {
        "entry": str(shown.entry),
        "i": str(shown.position),
        "salt": b64(shown.salt),
        "row": list(shown.row),
        "proof": [b64(item) for item in shown.proof],
    }


def _spread(sizes: Sequence[int], since: Sequence[int]) -> list[int]:
    """The newest heads all, older ones ever more thinly, and those asked for: a bundle must stay small."""
    steps = {len(sizes) - 1 - (1 << bit) for bit in range(5, 40)}
    kept = {size for i, size in enumerate(sizes) if i >= len(sizes) - RECENT_HEADS or i in steps or i == 0}
    return sorted(kept | (set(since) & set(range(1, (sizes[-1] if sizes else 0) + 1))))
