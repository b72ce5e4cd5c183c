"""The enrolment that came back: what a person takes from it on their own machine."""

from __future__ import annotations

from custody.ledger.bundle import verify_bundle
from custody.ledger.errors import CustodyError, IntegrityError
from custody.ledger.governance import Governance
from custody.ledger.note import fingerprint, parse_note
from custody.ledger.verdict import Trust
from custody.people import Home


def confirm_enrolment(home: Home, data: bytes) -> dict[str, str]:
    """Verify an enrolment file, find a key of this store in it, and keep the ledger's head where none was seen yet.

    IntegrityError when it does not verify, CustodyError when it enrols nobody of this key store.
    """
    verdict, bundle = verify_bundle(data, Trust())
    if bundle is None or verdict.failed:
        why = verdict.failed[0].explanation if verdict.failed else "it shows nothing"
        raise IntegrityError(f"the enrolment does not verify: {why}", "Ask for it again.")
    governance = Governance()
    for item in bundle.entries:
        governance.apply(item.index, item.leaf, item.entry)
    mine = [one for one in home.people() if one.key in governance.persons or one.key in governance.governors]
    mine = [one for one in mine if one.key not in governance.revoked]
    if not mine:
        raise CustodyError(
            f"no key of {home.path} is enrolled there", "Set EVIKIT_HOME to the key store the request was made in."
        )
    ledger, head = bytes.fromhex(verdict.ledger), parse_note(bundle.checkpoint.encode()).checkpoint
    if home.heads.load(ledger) is None:  # what was seen before stands: the next opening of the case is held against it
        home.heads.keep_head(ledger, head.size, head.root)
    return {
        "name": ", ".join(one.name for one in mine),
        "key": ", ".join(one.key.hex() for one in mine),
        "ledger": verdict.ledger,
        "entries": str(verdict.size),
        "fingerprint": fingerprint(head),
    }
