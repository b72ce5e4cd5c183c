"""A case's ledger brought to the newest revision, as a recorded act of the person who does it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from custody.case import Case, Clock
from custody.case_file import address_of
from custody.ledger import upgrade as files
from custody.ledger.entry import Json
from custody.ledger.schema import REVISION
from custody.ledger.store import Ledger
from custody.people import Home, Passphrase

KIND = "upgrade"
"""`kind` of the note that says so (docs/ledger-format.md)."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done; `entry` is the index of the note, None where the ledger is frozen and takes none."""

    change: files.Change
    entry: int | None
    fingerprint: str


def upgrade_case(
    folder: Path, home: Home, name: str | None, passphrase: Passphrase, clock: Clock = time.time_ns
) -> Done | None:
    """Upgrade the ledger of the case in `folder`; None where it is of the newest revision already.

    Errors are those of `custody.ledger.upgrade.upgrade`, of `Case.unlock`, and IntegrityError for a case put back.
    """
    path = address_of(folder)
    if files.revision_at(path) == REVISION:
        return None
    entries: list[int] = []
    secret = passphrase()
    with Ledger.open(path, writable=False, older=True) as old:
        home.heads.validate(old)
        Case(folder, old, home, clock).unlock(name, lambda: secret)  # before hours of work, not after

    def record(ledger: Ledger, change: files.Change) -> None:
        case = Case(folder, ledger, home, clock)
        case.keeps_heads = False  # until the new ledger stands: the old one would seem to be put back
        case.unlock(name, lambda: secret)
        if not case.roster().governance.frozen:
            entries.append(case.record("note", 0, _note(change)).index)
        case.seal()

    change = files.upgrade(path, record)
    with Case.open(folder, home, writable=False, clock=clock) as case:
        home.heads.keep(case.ledger)
        return Done(change, entries[0] if entries else None, case.fingerprint())


def _note(change: files.Change) -> dict[str, Json]:
    return {
        "kind": KIND,
        "text": f"the ledger was upgraded from revision {change.old} to {change.new}; its entries are the same",
        "attachments": [{"name": change.kept, "sha256": change.sha256}] if change.kept else None,
    }
