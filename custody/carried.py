"""A bundle that another agency's people carried here: verified, held against what came from them before, and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from custody.case import Case
from custody.durable import write_durably
from custody.ledger.bundle import Bundle, Disclosed, verify_bundle
from custody.ledger.errors import CustodyError, IntegrityError, MalformedError
from custody.ledger.note import parse_note
from custody.ledger.verdict import Trust, Verdict
from custody.ledger.verify import ledger_of
from custody.opened import mapping, text, values_of


@dataclass(frozen=True, slots=True)
class Carried:
    """A bundle of another ledger that verified. `ledger` is its id in hex, `checkpoint` the text of its head."""

    data: bytes
    verdict: Verdict
    bundle: Bundle

    @property
    def ledger(self) -> str:
        return self.verdict.ledger

    @property
    def checkpoint(self) -> str:
        return self.bundle.checkpoint

    def entries(self, kind: str) -> Iterator[Disclosed]:
        """Its entries of one type."""
        return (item for item in self.bundle.entries if item.entry.type == kind)


def read_carried(case: Case, data: bytes, trust: Trust) -> Carried:
    """Verify a bundle that came from another agency, also against the heads this case knows of that ledger.

    IntegrityError where it does not verify; CustodyError where it is of this very ledger, of another kind of case, or
    so old that nothing here shows it to be a part of what came since.
    """
    verdict, bundle = verify_bundle(data, trust)
    if bundle is not None and not verdict.failed and (known := _known_head(case, verdict.ledger)):
        if parse_note(known.encode()).checkpoint.size <= verdict.size:
            verdict, bundle = verify_bundle(data, trust.with_anchor(parse_note(known.encode())))
        else:
            _need_part_of(case, known, bundle)
            verdict.anchored = True
    if bundle is None or verdict.failed:
        raise _unverified(verdict)
    if verdict.ledger == case.ledger.id.hex():
        raise CustodyError("that is a bundle of this ledger itself", "Name what came from the other agency.")
    ours = str(case.genesis.pub["kind"])
    if verdict.kind != ours:
        raise CustodyError(f"that is of {_kind(verdict.kind)}, this is {_kind(ours)}", "Take it into the right case.")
    return Carried(data, verdict, bundle)


def _unverified(verdict: Verdict) -> IntegrityError:
    return IntegrityError(
        f"what came does not verify: {verdict.failed[0].explanation}",
        "Nothing was recorded. Ask for it again, by another way, and tell its sender.",
    )


def _need_part_of(case: Case, known: str, older: Bundle) -> None:
    """Several folders may arrive in another order than they left: the bundle kept with `known` must contain this head.

    It does, for what goes to an agency proves that it continues whatever went to one before.
    """
    kept = next((data for data in _kept(case) if data[1].checkpoint == known), None)
    if kept is None:
        raise CustodyError(
            "that was made before what came from them last, and what proves that it is a part of it is not kept here",
            "Ask for it again: what is written now continues everything before.",
        )
    verdict, _ = verify_bundle(kept[0], Trust().with_anchor(parse_note(older.checkpoint.encode())))
    if verdict.failed:
        raise _unverified(verdict)


def _kept(case: Case) -> Iterator[tuple[bytes, Bundle]]:
    """The bundles kept beside the ledger that verify by themselves."""
    for path in sorted(case.receipts.glob("*.bundle.json")):
        data = path.read_bytes()
        verdict, bundle = verify_bundle(data, Trust())
        if bundle is not None and not verdict.failed:
            yield data, bundle


def _kind(name: str) -> str:
    return "an exercise" if name == "exercise" else f"a {name} case"


def _known_head(case: Case, ledger: str) -> str:
    """The newest checkpoint of another ledger that entries of this case name; "" for none."""
    named = [
        mapping(values_of(row).get(field))
        for kind, field in (("transfer.receive", "offer"), ("transfer.receipt", "receipt"))
        for row in case.ledger.rows_of(kind)
    ]
    heads = [text(item.get("checkpoint")) for item in named if item.get("ledger") == ledger]
    sized = [(parse_note(head.encode()).checkpoint.size, head) for head in heads if _is_of(head, ledger)]
    return max(sized)[1] if sized else ""


def _is_of(head: str, ledger: str) -> bool:
    try:
        return ledger_of(parse_note(head.encode()).checkpoint) == ledger
    except MalformedError:  # withheld, or nothing that this version wrote
        return False


def keep_bundle(case: Case, carried: Carried) -> None:
    """Keep what came beside the ledger: an entry names its digest or its checkpoint."""
    path = case.receipts / f"{hashlib.sha256(carried.data).hexdigest()}.bundle.json"
    if not path.exists():
        write_durably(path, carried.data, 0o444)
