"""Two histories under one ledger's name: the proof that its keys signed both, which anybody can check.

A signed checkpoint of size n, and a bundle of the same ledger that proves another head of size n. Whoever holds the
ledger's keys signed the bundle's checkpoint, and with it every head that it continues; so they signed both.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from custody.ledger.bundle import MAX_BUNDLE, Bundle, decode_bundle, verify_bundle
from custody.ledger.entry import canonical, decode, unb64, undec
from custody.ledger.errors import CustodyError, IntegrityError, MalformedError
from custody.ledger.governance import Governance
from custody.ledger.note import Note, parse_note, verify_checkpoint
from custody.ledger.verdict import Trust
from custody.ledger.verify import ledger_of

FORMAT = "evikit-fraud-1"


@dataclass(frozen=True, slots=True)
class Conflict:
    """A ledger (64 hex digits) whose keys signed two different heads of one size."""

    ledger: str
    size: int
    roots: tuple[bytes, bytes]


def heads_in(data: bytes) -> dict[int, set[bytes]]:
    """Roots by size of the heads in a bundle, its own first. They are proved only where the bundle verifies."""
    body = decode_bundle(data)
    own = parse_note(str(body["checkpoint"]).encode()).checkpoint
    found = {own.size: {own.root}}
    for item in body["older"]:
        found.setdefault(undec(item["size"]), set()).add(unb64(item["root"], 32))
    return found


def compare(checkpoint: bytes, data: bytes) -> Conflict | None:
    """Whether this checkpoint and this bundle are two histories of one ledger; None where they are one.

    IntegrityError where either does not verify and so proves nothing. CustodyError where they are of different
    ledgers, or the bundle proves no head of the checkpoint's size, so that neither can be said.
    """
    verdict, found = verify_bundle(data, Trust())
    if found is None or verdict.failed:
        raise IntegrityError("the bundle does not verify, so it proves nothing", "`evikit bundle verify` says why.")
    try:
        note = parse_note(checkpoint)
    except MalformedError as error:
        raise CustodyError(f"that is no checkpoint: {error}", "Check which file you named.") from error
    head = note.checkpoint
    if ledger_of(head) != verdict.ledger:
        raise CustodyError("the checkpoint is of another ledger than the bundle", "Compare what is of one ledger.")
    _validate_signed(note, found)
    roots = heads_in(data).get(head.size)
    if roots is None:
        raise CustodyError(
            f"the bundle proves no head of {head.size} entries, so nothing can be said",
            "Ask for a bundle made with --since and this checkpoint.",
        )
    other = next(iter(sorted(roots - {head.root})), None)
    return None if other is None else Conflict(verdict.ledger, head.size, (head.root, other))


def _validate_signed(note: Note, found: Bundle) -> None:
    """The checkpoint bears both signatures of a pair of keys that the ledger has or had."""
    governance = Governance()
    for item in found.entries:
        with suppress(MalformedError):  # without effect, as the verification of the bundle has it
            governance.apply(item.index, item.leaf, item.entry)
    if all(verify_checkpoint(note, first.pk, second.pk) for _, (first, second) in governance.ledger_keys):
        raise IntegrityError(
            "the checkpoint is not signed with the ledger's keys, so it proves nothing", "Ask where it comes from."
        )


def dump_proof(checkpoint: bytes, data: bytes) -> bytes:
    """Both as one file: canonical JSON {bundle, checkpoint, format}, both as text, and a final line feed."""
    return canonical({"format": FORMAT, "checkpoint": checkpoint.decode(), "bundle": data.decode()}) + b"\n"


def load_proof(proof: bytes) -> tuple[bytes, bytes]:
    """Checkpoint and bundle of what `dump_proof` wrote; CustodyError for anything else."""
    try:
        body = decode(proof.removesuffix(b"\n"), 2 * MAX_BUNDLE)
    except MalformedError as error:
        raise CustodyError(f"that is no proof of two histories: {error}", "Check which file you named.") from error
    if not isinstance(body, dict) or body.keys() != {"format", "checkpoint", "bundle"} or body["format"] != FORMAT:
        raise CustodyError("that is no proof of two histories", "Check which file you named.")
    return str(body["checkpoint"]).encode(), str(body["bundle"]).encode()
