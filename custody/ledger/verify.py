"""Bytes and the verifier's own trust in, a verdict out. No database, no clock, no files.

What must hold, in the order it is examined for each entry (rule numbers of docs/ledger-format.md):

1. the payload is canonical and has exactly the fields of its type (R3-R8), and belongs to this ledger (R6);
2. its key was enrolled before it, for this kind of entry, and the signature is good (R11, R12);
3. the tree head it says it saw is the head of the entries before it, and is later than what it builds on (R15);
4. it is the next of its exhibit's sequence (R13), and answers entries that may be answered (R14);
5. a closing entry signs the map of all exhibits as they stood (R16);
6. every opening opens its commitment (R9).

Then: checkpoints (R17), what the verifier holds from outside (R18), revocations (R19). Trust never comes from what is
verified: `Trust` is the verifier's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from custody.ledger.entry import ANSWERS, Entry, Openings, b64, leaf_of
from custody.ledger.errors import CustodyError, MalformedError
from custody.ledger.exhibit_map import ExhibitMap
from custody.ledger.governance import Governance
from custody.ledger.leaves import Leaves
from custody.ledger.merkle import EMPTY_ROOT, Frontier
from custody.ledger.note import Checkpoint, fingerprint, parse_note, verify_checkpoint
from custody.ledger.signing import verify_entry
from custody.ledger.verdict import Trust, Verdict


def ledger_of(checkpoint: Checkpoint) -> str:
    """The ledger id (64 hex digits) at the end of a checkpoint's origin (R17)."""
    return checkpoint.origin.rpartition("/")[2]


SeenProof = Callable[[Entry, int], bool]
"""Whether the head an entry says it saw is a head of the history under examination."""


class Replay:
    """Entries examined in the order of their index: all of them, or those a bundle discloses."""

    def __init__(self, verdict: Verdict, seen_proof: SeenProof, *, complete: bool) -> None:
        self.verdict, self._seen_proof, self.complete = verdict, seen_proof, complete
        self.ledger: bytes | None = None
        self.governance = Governance()
        self.leaves = Leaves()
        self.chains: dict[int, tuple[int, bytes, int]] = {}
        self._next: dict[int, int] = {}
        self.map = ExhibitMap()
        self.closings: set[int] = set()
        self._touched: set[int] = set()
        self._last_of_key: dict[bytes, int] = {}
        self._open: dict[bytes, int] = {}
        self._missing: dict[bytes, tuple[int, set[str]]] = {}

    def feed(self, index: int, payload: bytes, signature: bytes, openings: Openings | None) -> Entry | None:
        """Examine one entry; None when it is no entry at all. `openings` None: not examined."""
        leaf = leaf_of(payload, signature)
        try:
            entry = Entry.parse(payload)
        except CustodyError as error:
            self.verdict.fail(index, "malformed", f"{error}")
            return None
        self._examine(index, leaf, entry, payload, signature)
        self.leaves.add(leaf, index, entry)
        self._last_of_key[entry.key] = index
        if openings is not None:
            self._examine_openings(index, leaf, entry, openings)
        self.verdict.count("entries")
        return entry

    def _examine(self, index: int, leaf: bytes, entry: Entry, payload: bytes, signature: bytes) -> None:
        fail = self.verdict.fail
        if (entry.type == "genesis") != (index == 0) or (entry.ledger is None) != (index == 0):
            fail(index, "genesis", "the first entry, and only it, begins a ledger")
        elif index and entry.ledger != self.ledger:
            fail(index, "ledger", "the entry belongs to another ledger")
        if index == 0:
            self.ledger = leaf
        if self.leaves.find(leaf) is not None:
            fail(index, "duplicate", "the same entry stands twice")
        misplaced = entry.type == "genesis" and index != 0  # begins nothing, installs nothing
        good = not misplaced and self._examine_signature(index, entry, payload, signature)
        self._examine_seen(index, entry)
        if entry.x is not None:
            self._examine_chain(index, leaf, entry)
        answers = self._examine_references(index, leaf, entry)
        if entry.type == "closing":
            self._examine_closing(index, entry)
        if good and answers:
            try:
                self.governance.apply(index, leaf, entry)
            except MalformedError as error:
                fail(index, "governance", f"{error}")

    def _examine_signature(self, index: int, entry: Entry, payload: bytes, signature: bytes) -> bool:
        self.verdict.count("signatures")
        try:
            key = self.governance.key_of(entry)
        except MalformedError as error:
            self.verdict.fail(index, "key", f"{error}")
            return False
        if not verify_entry(key.alg, key.pk, payload, signature):
            self.verdict.fail(index, "signature", "the signature does not fit the entry")
            return False
        return True

    def _examine_seen(self, index: int, entry: Entry) -> None:
        if entry.seen_size > index or not self._seen_proof(entry, index):
            self.verdict.fail(index, "seen", "the history the entry says it saw is not this history")
        if entry.seen_size <= self._last_of_key.get(entry.key, -1):
            self.verdict.fail(index, "seen", "the entry did not see its own author's previous entry")

    def _examine_chain(self, index: int, leaf: bytes, entry: Entry) -> None:
        x = entry.x
        assert x is not None  # noqa: S101 - asked by the caller
        count, last, last_index = self.chains.get(x.n, (0, b"", -1))
        if x.seq != self._next.get(x.n, 1) or (x.prev or b"") != last:
            self.verdict.fail(index, "sequence", f"not the next entry of its exhibit (number {x.n})")
        if entry.seen_size <= last_index:
            self.verdict.fail(index, "seen", "the entry did not see the one before it in its sequence")
        if (x.seq == 1) != (entry.type in ("genesis", "exhibit.register")) or (
            self.complete and x.seq == 1 and x.n != len(self.chains)
        ):
            self.verdict.fail(index, "sequence", "a sequence begins with its registration, in order")
        self.chains[x.n] = (count + 1, leaf, index)
        self._next[x.n] = x.seq + 1  # go on behind a gap: one fault, one finding
        self._touched.add(x.n)

    def _examine_references(self, index: int, leaf: bytes, entry: Entry) -> bool:
        """Whether the entry answers only what it may; an entry that does not has no effect."""
        good = True
        for target in entry.re:
            position = self.leaves.find(target)
            if position is None and not self.complete:
                self.verdict.not_checked.append(f"entry {index} answers an entry that is not shown")
            elif position is None:
                self.verdict.fail(index, "reference", "the entry answers one that does not exist before it")
                good = False
            else:
                if entry.seen_size <= self.leaves.index[position]:
                    self.verdict.fail(index, "seen", "the entry did not see the one it answers")
                kinds = ANSWERS.get(entry.type)
                same = entry.type == "approve" or entry.x is None or entry.x.n == self.leaves.n[position]
                if kinds is not None and (self.leaves.type_at(position) not in kinds or not same):
                    self.verdict.fail(index, "reference", "the entry answers one that it cannot answer")
                    good = False
        if entry.type == "access.begin":
            self._open[leaf] = index
        elif entry.type == "access.end":
            opened = self._open.pop(entry.re[0], None)
            if opened is None and (self.complete or self.leaves.find(entry.re[0]) is not None):
                self.verdict.fail(index, "reference", "the outcome answers no open access")
                good = False
        return good

    def _examine_closing(self, index: int, entry: Entry) -> None:
        self.closings.add(index)
        if entry.seen_size != index:
            self.verdict.fail(index, "closing", "a closing entry did not see all entries before it")
        if not self.complete:
            return
        for ordinal in sorted(self._touched):
            if ordinal <= self.map.size:
                self.map.put(ordinal, *self.chains[ordinal][:2])
        self._touched.clear()
        if entry.pub["map_size"] != str(self.map.size) or entry.pub["map_root"] != b64(self.map.root):
            self.verdict.fail(index, "map", "the map of all exhibits is not that of the entries before it")

    def _examine_openings(self, index: int, leaf: bytes, entry: Entry, openings: Openings) -> None:
        for name, opening in openings.items():
            if not entry.opens(name, opening):
                self.verdict.fail(index, "opening", f"the field {name!r} is not what was committed")
        self.verdict.count("openings", len(openings))
        if missing := entry.commits.keys() - openings.keys():
            self._missing[leaf] = (index, set(missing))

    def finish(self) -> None:
        """What can only be said when all entries were met."""
        note = self.verdict.remark
        for index in self._open.values():
            note(index, "open-access", "an access has no outcome: it may have read everything")
        erased, withheld = 0, 0
        for leaf, (index, missing) in self._missing.items():
            gone = missing & self.governance.erased.get(leaf, set())
            erased, withheld = erased + len(gone), withheld + len(missing - gone)
            if self.complete and missing - gone:
                name = sorted(missing - gone)[0]
                self.verdict.fail(index, "opening", f"the field {name!r} is missing and nobody approved its erasure")
        self.verdict.count("fields erased", erased)
        self.verdict.count("fields withheld", withheld)
        if waiting := len(self.governance.waiting()):
            note(None, "pending", f"{waiting} governing entries still wait for approval")
        if self.governance.continues:
            note(0, "continues", "this ledger continues another one, which must be verified by itself")


def verify_ledger(
    rows: Iterable[tuple[bytes, bytes, bytes, Openings | None]], notes: Sequence[bytes], trust: Trust
) -> Verdict:
    """The verdict on a whole ledger: rows of (payload, signature, stored leaf, openings), from index 0 on."""
    return replay_ledger(rows, notes, trust).verdict


def replay_ledger(
    rows: Iterable[tuple[bytes, bytes, bytes, Openings | None]], notes: Sequence[bytes], trust: Trust
) -> Replay:
    """`verify_ledger`, with all that was derived on the way."""
    verdict = Verdict()
    roots, frontier = bytearray(EMPTY_ROOT), Frontier()

    def root_at(size: int) -> bytes:
        return bytes(roots[32 * size : 32 * size + 32])

    replay = Replay(verdict, lambda entry, _: entry.seen_root == root_at(entry.seen_size), complete=True)
    for index, (payload, signature, stored, openings) in enumerate(rows):
        replay.feed(index, payload, signature, openings)
        leaf = leaf_of(payload, signature)
        if leaf != stored:
            verdict.fail(index, "leaf", "the stored leaf hash is not that of the entry")
        frontier.append(leaf)
        roots += frontier.root()
    if frontier.size == 0:
        verdict.fail(None, "empty", "there are no entries")
        return replay
    replay.finish()
    verdict.size, verdict.root = frontier.size, b64(frontier.root())
    checkpoints = _examine_checkpoints(replay, notes, root_at, frontier.size)
    covered = max((checkpoint.size for checkpoint in checkpoints), default=0)
    if frontier.size > covered:
        verdict.remark(None, "uncheckpointed", f"{frontier.size - covered} entries are not yet checkpointed")
    origin = f"{replay.governance.domain}/evikit/{(replay.ledger or b'').hex()}"
    heads = (
        {fingerprint(Checkpoint(origin, i + 1, root_at(i + 1))): i + 1 for i in replay.closings}
        if trust.fingerprints
        else {}
    )
    conclude(
        verdict,
        replay,
        trust,
        heads,
        lambda head: head.origin == origin and head.size <= frontier.size and root_at(head.size) == head.root,
    )
    return replay


def _examine_checkpoints(
    replay: Replay, notes: Sequence[bytes], root_at: Callable[[int], bytes], size: int
) -> list[Checkpoint]:
    good: list[Checkpoint] = []
    for data in notes:
        checkpoint = examine_checkpoint(replay, data)
        if checkpoint is None:
            continue
        if checkpoint.size > size or root_at(checkpoint.size) != checkpoint.root:
            replay.verdict.fail(None, "checkpoint", f"the checkpoint of size {checkpoint.size} is of other entries")
        elif checkpoint.size - 1 not in replay.closings:
            replay.verdict.fail(
                None, "checkpoint", f"the checkpoint of size {checkpoint.size} ends in no closing entry"
            )
        else:
            good.append(checkpoint)
    return good


def examine_checkpoint(replay: Replay, data: bytes) -> Checkpoint | None:
    """The checkpoint of a note if both its signatures are good and it names this ledger (R17), else None."""
    verdict = replay.verdict
    try:
        note = parse_note(data)
    except MalformedError as error:
        verdict.fail(None, "checkpoint", f"a checkpoint is malformed: {error}")
        return None
    if not replay.governance.ledger_keys or replay.ledger is None:
        verdict.fail(None, "checkpoint", "a checkpoint cannot be verified without the genesis entry")
        return None
    ed25519, mldsa = replay.governance.ledger_key_at(note.checkpoint.size)
    faults = verify_checkpoint(note, ed25519.pk, mldsa.pk)
    if note.checkpoint.origin != f"{replay.governance.domain}/evikit/{replay.ledger.hex()}":
        faults.append("it names another ledger")
    for fault in faults:
        verdict.fail(None, "checkpoint", f"the checkpoint of size {note.checkpoint.size}: {fault}")
    if strangers := sum(line.name != note.checkpoint.origin for line in note.signatures):
        verdict.not_checked.append(f"{strangers} signatures of others on a checkpoint (witnesses, or anybody)")
    verdict.count("checkpoints")
    return None if faults else note.checkpoint


_REWRITTEN = "it was rewritten, or its end was cut off"
_NOT_PROVED = f"{_REWRITTEN}, or the bundle was made without this proof (ask for one made with --since)"


def conclude(
    verdict: Verdict,
    replay: Replay,
    trust: Trust,
    fingerprints: dict[str, int],
    is_ours: Callable[[Checkpoint], bool],
) -> None:
    """Hold the history against what the verifier has from outside (R18), then weigh revoked keys (R19)."""
    ledger = replay.ledger or b""
    verdict.ledger, verdict.kind = ledger.hex(), replay.governance.kind
    heads = [note.checkpoint for note in trust.heads]
    trusted = {item.hex() for item in trust.ledgers} | {ledger_of(head) for head in heads}
    if trusted and verdict.ledger not in trusted:
        verdict.fail(None, "anchor", "this is not a ledger you trust: its genesis is another one")
    covered: list[int] = []
    for head in heads:
        if ledger_of(head) != verdict.ledger:
            continue
        if is_ours(head):
            covered.append(head.size)
        else:
            verdict.fail(
                None,
                "anchor",
                f"the history shown does not contain the checkpoint of size {head.size} that you hold: "
                + (_REWRITTEN if replay.complete else _NOT_PROVED),
            )
    for text in sorted(trust.fingerprints):
        if text in fingerprints:
            covered.append(fingerprints[text])
        else:
            verdict.fail(None, "anchor", f"no checkpoint here has the fingerprint {text} that you hold")
    verdict.anchored = bool(covered) and not any(finding.kind == "anchor" for finding in verdict.failed)
    if verdict.anchored:
        verdict.proved.append(f"the first {max(covered)} entries are those you hold an anchor of")
    else:
        verdict.not_checked.append(
            "no anchor from outside was given: replacement of the whole history cannot be excluded"
        )
    verdict.not_checked += [f"{name} of the trust file: not examined by this version" for name in trust.unused]
    verdict.not_checked += _independence(replay.governance)
    _weigh_revocations(verdict, replay, covered)
    if not verdict.failed:
        whole = "" if replay.complete else " for the exhibits shown"
        verdict.proved.append(f"complete up to entry {verdict.size - 1}{whole}; nothing is said about later")


def _independence(governance: Governance) -> Iterator[str]:
    if governance.keeper_same_as_author:
        yield "independence: the ledger's own key has the same keeper as its first author, it adds none"
    if governance.need == 1:
        yield "approval: one governor's signature is enough to enrol, replace and revoke keys"


def _weigh_revocations(verdict: Verdict, replay: Replay, covered: Sequence[int]) -> None:
    for key, start in replay.governance.revoked.items():
        for index in replay.leaves.signed_by(key):
            witnessed = any(index < size <= start for size in covered)
            if index >= start or not witnessed:
                verdict.remark(index, "disputed", "signed with a key that was revoked; nothing from outside covers it")
