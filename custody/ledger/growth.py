"""What a ledger grew by since a checkpoint that the verifier kept: only that is examined, and that it grew out of it.

The kept head is shown to be the beginning of the history, and each older entry that is looked at to be in it. From
there on the entries are examined as `verify` examines all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlalchemy import bindparam, select

from custody.ledger import schema
from custody.ledger import statements as sql
from custody.ledger.entry import Entry, b64, leaf_of
from custody.ledger.errors import CustodyError, IntegrityError, MalformedError
from custody.ledger.faults import number
from custody.ledger.merkle import EMPTY_ROOT, verify_consistency, verify_inclusion
from custody.ledger.note import Checkpoint, Note
from custody.ledger.proofs import consistency_proof, frontier_at, inclusion_proof
from custody.ledger.store import Ledger, Row
from custody.ledger.verdict import Trust, Verdict
from custody.ledger.verify import Replay, conclude, examine_checkpoint

_AT_ONCE = 500
"""Hashes looked up in one statement."""


def verify_growth(ledger: Ledger, kept: Note, trust: Trust) -> Verdict:
    """The verdict on what stands after the entries of `kept`, a checkpoint that the verifier holds (R38).

    At best INTACT WITH NOTES: the note `growth` says from where on entries were examined. A fault of the file is a
    finding, as in `audit`. LedgerBusyError when another process holds the file.
    """
    verdict = Verdict()
    try:
        with ledger.snapshot():
            _examine(verdict, ledger, kept, trust)
    except (IntegrityError, MalformedError) as error:
        verdict.fail(None, "file", f"{error}")
    return verdict


def _examine(verdict: Verdict, ledger: Ledger, kept: Note, trust: Trust) -> None:
    head = kept.checkpoint
    verdict.ledger, verdict.size, verdict.root = ledger.id.hex(), ledger.size, b64(ledger.root)
    past = Past(ledger, head)
    if not past.is_beginning():
        said = "it is another ledger, was put back, or rewritten"
        verdict.fail(None, "anchor", f"the history does not begin with the {head.size} entries that you hold: {said}")
        return
    first = _governed(past, verdict)
    growth = _Growth(verdict, past, first)
    growth.begin(dict(_promised(ledger, head.size)))
    growth.read()
    growth.finish()
    notes = growth.checkpoints()
    if waiting := verdict.size - max(notes, default=head.size):
        verdict.remark(None, "uncheckpointed", f"{waiting} entries are not yet checkpointed")
    conclude(verdict, growth, trust.with_anchor(kept), {}, growth.is_ours)
    verdict.remark(None, "growth", f"only what stands after the first {head.size} entries was examined")
    verdict.not_checked.append(
        f"the first {head.size} entries, but that they are those of the checkpoint you hold; the file as a whole; "
        "time-stamps"
    )


class Past:
    """The entries under the kept head: whatever is taken from the file is proved to be among them."""

    def __init__(self, ledger: Ledger, head: Checkpoint) -> None:
        self.ledger, self.head, self._node = ledger, head, ledger.node_reader()

    def is_beginning(self) -> bool:
        """Whether the kept head is a head of this ledger."""
        head = self.head
        ours = head.origin.rpartition("/")[2] == self.ledger.id.hex() and 0 < head.size <= self.ledger.size
        return ours and frontier_at(head.size, self._node).root() == head.root

    def holds(self, size: int, root: bytes) -> bool:
        """Whether a head is one of the kept head's own past."""
        if size == 0:
            return root == EMPTY_ROOT
        proof = consistency_proof(size, self.head.size, self._node) if size <= self.head.size else []
        return verify_consistency(size, root, self.head.size, self.head.root, proof)

    def proved(self, row: Row) -> Row:
        """The row, if its bytes are those under the kept head; else IntegrityError."""
        proof = inclusion_proof(row.index, self.head.size, self._node)
        if not verify_inclusion(leaf_of(row.payload, row.sig), row.index, self.head.size, proof, self.head.root):
            raise IntegrityError(f"entry {row.index} is not the one that stood there when you kept the checkpoint")
        return row

    def row(self, index: int) -> Row:
        """The entry at an index below the kept size."""
        for row in self.ledger.rows(index, index + 1):
            return self.proved(row)
        raise IntegrityError(f"entry {index} is missing")

    def find(self, leaves: Collection[bytes]) -> Iterator[Row]:
        """The entries with these leaf hashes, by their index; what is not among them is left out."""
        table, wanted = schema.node.c, list(leaves)
        places: list[int] = []
        with self.ledger.snapshot() as connection:
            for start in range(0, len(wanted), _AT_ONCE):
                query = select(table.pos).where(table.level == 0, table.hash.in_(wanted[start : start + _AT_ONCE]))
                places += [number(place) for (place,) in connection.execute(query)]
        return (self.row(place) for place in sorted(places) if place < self.head.size)

    def newest_in(self, n: int) -> tuple[int, bytes, int] | None:
        """Count, leaf and index of the newest entry of a sequence."""
        query = (
            select(schema.entry.c.idx)
            .where(sql.EntrySequence() == bindparam("b_n"), schema.entry.c.idx < self.head.size)
            .order_by(schema.entry.c.idx.desc())
            .limit(1)
        )
        with self.ledger.snapshot() as connection:
            place = connection.execute(query, {"b_n": b"%d" % n}).scalar()
        row = None if place is None else self.row(number(place))
        if row is None or row.entry.x is None:
            return None
        return row.entry.x.seq, leaf_of(row.payload, row.sig), row.index


def _governed(past: Past, verdict: Verdict) -> Replay:
    """Who may sign, from the governing entries under the kept head."""
    scratch = Verdict()
    first = Replay(scratch, lambda *_: True, complete=False)
    for row in past.ledger.rows_in(0):
        if row.index < past.head.size:
            first.feed(row.index, past.proved(row).payload, row.sig, None)
    verdict.failed += scratch.failed
    return first


def _promised(ledger: Ledger, start: int) -> Iterator[tuple[bytes, Entry]]:
    """The new entries that can be read at all, by leaf; the others are told when they are examined."""
    for row in ledger.rows(start):
        try:
            yield leaf_of(row.payload, row.sig), Entry.parse(row.payload)
        except CustodyError:
            continue


class _Growth(Replay):
    """A replay that begins where the kept head ends."""

    def __init__(self, verdict: Verdict, past: Past, first: Replay) -> None:
        super().__init__(verdict, self._saw, complete=True)
        self.past, self.size = past, past.head.size
        self.ledger, self.governance, self.leaves = first.ledger, first.governance, first.leaves
        self._last_of_key, self._governing = first._last_of_key, first.chains.get(0, (0, b"", -1))
        self._frontier = frontier_at(self.size, past.ledger.node_reader())
        self._roots = [self._frontier.root()]

    def _saw(self, entry: Entry, _index: int) -> bool:
        if entry.seen_size < self.size:
            return self.past.holds(entry.seen_size, entry.seen_root)
        return self._roots[entry.seen_size - self.size] == entry.seen_root

    def begin(self, promised: Mapping[bytes, Entry]) -> None:
        """What of the past the new entries (by leaf) build on: those answered, their authors' last ones, sequences."""
        entries, new = promised.values(), promised.keys()
        ended = {entry.re[0] for entry in entries if entry.type == "access.end"}
        for row in self.past.find({leaf for entry in entries for leaf in entry.re} - new):
            leaf = leaf_of(row.payload, row.sig)
            if self.leaves.find(leaf) is None:
                self.leaves.add(leaf, row.index, row.entry)
            if leaf in ended and row.entry.type == "access.begin":
                self._open[leaf] = row.index
                self.verdict.not_checked.append(f"whether the access of entry {row.index} had ended before")
        for row in self.past.ledger.rows(min([self.size, *(entry.seen_size for entry in entries)]), self.size):
            self._last_of_key[self.past.proved(row).entry.key] = row.index
        self._begin_sequences({entry.x.n for entry in entries if entry.x is not None})

    def _begin_sequences(self, touched: set[int]) -> None:
        """Each sequence as it stood, held against the map that the kept head's closing entry signs (R16)."""
        ledger = self.past.ledger
        changed = {n: self.past.newest_in(n) for n in touched - {0} if n <= ledger.exhibits}
        changed[0] = self._governing if self._governing[0] else None
        known = [n for n in range(ledger.exhibits + 1) if changed.get(n, ...) is not None]
        self.chains = {n: changed.get(n) or (*ledger.chain(n), self.size - 1) for n in known}
        self._next = {n: count + 1 for n, (count, _, _) in self.chains.items()}
        self.map = ledger.map_of(len(known))
        touched_then = {*changed, len(known) - 1} & self.chains.keys()
        for n in sorted(n for n in touched_then if n < len(known)):  # beyond a gap: another map, which is told
            self.map.put(n, *self.chains[n][:2])
        closing = self.past.row(self.size - 1).entry
        signed = (closing.pub.get("map_size"), closing.pub.get("map_root"))
        if closing.type != "closing" or signed != (str(self.map.size), b64(self.map.root)):
            self.verdict.fail(None, "map", "the sequences so far are not those that the kept checkpoint is closed over")
        self.closings.add(self.size - 1)

    def read(self) -> None:
        """Every entry after the kept head."""
        for index, row in enumerate(self.past.ledger.rows(self.size), self.size):
            self.feed(index, row.payload, row.sig, row.openings)
            leaf = leaf_of(row.payload, row.sig)
            if leaf != row.leaf or index != row.index:
                self.verdict.fail(index, "leaf", "the stored leaf hash or number is not that of the entry")
            self._frontier.append(leaf)
            self._roots.append(self._frontier.root())
        self.verdict.size, self.verdict.root = self._frontier.size, b64(self._frontier.root())

    def checkpoints(self) -> list[int]:
        """The sizes of the good checkpoints after the kept one."""
        good = []
        for data in self.past.ledger.notes(after=self.size):
            checkpoint = examine_checkpoint(self, data)
            if checkpoint is not None and self.is_ours(checkpoint) and checkpoint.size - 1 in self.closings:
                good.append(checkpoint.size)
            elif checkpoint is not None:
                self.verdict.fail(None, "checkpoint", f"the checkpoint of size {checkpoint.size} is of other entries")
        return good

    def is_ours(self, head: Checkpoint) -> bool:
        """Whether a head is one of this history."""
        if head.origin != self.past.head.origin or head.size > self._frontier.size:
            return False
        if head.size < self.size:
            return self.past.holds(head.size, head.root)
        return self._roots[head.size - self.size] == head.root
