"""Bringing a ledger to the newest revision: verify, copy, upgrade the copy, verify it to the same head, exchange.

Until the exchange, one rename, the ledger is not written to (its write-ahead log is folded back into it, no more).
From the copying to the exchange nobody else can open it. Whoever waits at its door meanwhile is left with a file
without a name, which SQLite does not write to (SQLITE_READONLY_DBMOVED): what was acknowledged is never lost.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from custody.durable import sync_folder
from custody.ledger import migrations, schema
from custody.ledger.audit import audit
from custody.ledger.database import UNHURRIED, Address
from custody.ledger.entry import unb64
from custody.ledger.errors import CustodyError, IntegrityError, LedgerBusyError
from custody.ledger.faults import translated
from custody.ledger.store import Ledger
from custody.ledger.verdict import Trust

_BESIDE = ("", "-wal", "-shm", "-journal")
"""What SQLite keeps beside a file, by the ends of the names."""


@dataclass(frozen=True, slots=True)
class Change:
    """An upgrade: the revisions; the head it starts from; name and SHA-256 of the old file, if one is kept beside."""

    old: str
    new: str
    size: int
    root: bytes
    kept: str
    sha256: str


Record = Callable[[Ledger, Change], None]
"""Writes into the upgraded copy what became of the ledger, before it takes the ledger's place."""


def revision_at(address: Address) -> str:
    """The revision of the ledger there; LedgerVersionError for one newer than ours."""
    with Ledger.open(address, writable=False, refresh=False, older=True) as ledger:
        return ledger.revision


def upgrade(address: Address, record: Record) -> Change:
    """Bring a ledger to our revision; on return the new one stands, durably, and beside it the old file.

    Whatever is raised, and whenever the process dies, either the old ledger stands or the new one. IntegrityError
    when it does not verify, before or after; LedgerBusyError while others have it open.
    """
    if isinstance(address, str):
        return _upgrade_in_place(address, record)
    path = address.resolve()
    with Ledger.open(path, writable=False, refresh=False, older=True) as ledger:
        verified(ledger, "the ledger")
    kept, new = (path.with_name(f".{path.name}.{what}") for what in ("old", "new"))
    with translated(path), alone(path) as held:
        try:
            for target in (kept, new):
                copy_file(held, target)
            change = _describe(path, kept)
            _bring_up(new, change, record)
            _take_after(path, new)
            kept.chmod(0o444)
            kept.replace(path.with_name(change.kept))
            sync_folder(path.parent)
            new.replace(path)
            sync_folder(path.parent)
        finally:
            remove(kept)
            remove(new)
    return change


@contextmanager
def alone(path: Path) -> Iterator[sqlite3.Connection]:
    """The ledger, open to nobody else until the block ends.

    Its log is folded back: by its name it would pass on to the new ledger, to which it does not belong.
    """
    found = path.stat()
    with closing(schema.connect(path)) as held:
        for pragma in ("journal_mode = DELETE", "locking_mode = EXCLUSIVE"):
            held.execute(f"PRAGMA {pragma}")
        held.execute("BEGIN EXCLUSIVE")
        held.execute("COMMIT")
        # opened anew by somebody between the two, or exchanged by another upgrade while this one waited
        if held.execute("PRAGMA journal_mode").fetchone() != ("delete",) or not os.path.samestat(found, path.stat()):
            raise LedgerBusyError(f"another process has opened {path}", "Wait until it has finished, then try again.")
        yield held


def copy_file(held: sqlite3.Connection, target: Path) -> None:
    remove(target)  # what a killed upgrade left
    with closing(sqlite3.connect(target)) as into:
        held.backup(into)


def remove(path: Path) -> None:
    for end in _BESIDE:
        path.with_name(path.name + end).unlink(missing_ok=True)


def verified(ledger: Ledger, what: str) -> tuple[int, bytes]:
    """Its size and root, as the entries give them."""
    verdict = audit(ledger, Trust())
    if verdict.failed:
        first = verdict.failed[0]
        where = "" if first.index is None else f"entry {first.index}: "
        raise IntegrityError(
            f"{what} does not verify: {where}{first.explanation}",
            "Nothing was changed. `evikit ledger verify` tells all that is wrong; a broken ledger is not upgraded.",
        )
    return verdict.size, unb64(verdict.root)


def _describe(path: Path, kept: Path) -> Change:
    with Ledger.open(kept, writable=False, older=True) as ledger:
        old, size, root = _older(ledger), ledger.size, ledger.root
    with kept.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Change(old, schema.REVISION, size, root, free_name(path, f"{path.name}.{old}", size, root), digest)


def _older(ledger: Ledger) -> str:
    if ledger.revision == schema.REVISION:
        raise CustodyError(
            f"the ledger is of the newest revision already ({schema.REVISION})", "There is nothing to upgrade."
        )
    return ledger.revision


def _upgrade_in_place(url: str, record: Record) -> Change:
    """In PostgreSQL one transaction can be all of it, so nothing is copied, and nobody else writes meanwhile."""
    with (
        Ledger.open(url, writable=True, refresh=False, older=True) as ledger,
        ledger.together(),
        ledger.transaction() as connection,
    ):
        connection.exec_driver_sql(UNHURRIED)
        size, root = verified(ledger, "the ledger")
        change = Change(_older(ledger), schema.REVISION, size, root, "", "")
        migrations.upgrade(connection)
        ledger.revision = schema.REVISION
        if verified(ledger, "the upgraded ledger") != (size, root):
            raise IntegrityError("the upgraded ledger has another head", "Nothing was changed. Report this.")
        record(ledger, change)
    return change


def free_name(path: Path, name: str, size: int, root: bytes) -> str:
    """`name`, or with a number behind it where another ledger is kept under it already."""
    names = (name if i == 1 else f"{name}.{i}" for i in count(1))
    return next(each for each in names if _head_of(path.with_name(each)) in (None, (size, root)))


def _head_of(path: Path) -> tuple[int, bytes] | None:
    """The head of a kept ledger: (-1, b"") for a file that is none, None for no file."""
    if not path.exists():
        return None
    try:
        with Ledger.open(path, writable=False, older=True) as ledger:
            return ledger.size, ledger.root
    except CustodyError:
        return -1, b""


def _bring_up(new: Path, change: Change, record: Record) -> None:
    engine = schema.engine_for(new, writable=True)
    with engine.begin() as connection:
        migrations.upgrade(connection)
    engine.dispose()
    with Ledger.open(new, writable=True) as ledger:
        if verified(ledger, "the upgraded ledger") != (change.size, change.root):
            raise IntegrityError("the upgraded ledger has another head", "Nothing was changed. Report this.")
        record(ledger, change)
    schema.make_whole(new)


def _take_after(path: Path, new: Path) -> None:
    """Mode and owner of the old file."""
    facts = path.stat()
    new.chmod(facts.st_mode & 0o7777)
    with suppress(PermissionError):
        os.chown(new, facts.st_uid, facts.st_gid)
