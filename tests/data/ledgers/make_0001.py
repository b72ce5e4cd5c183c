"""The case in 0001/: a ledger of revision 0001, made by the code of commit 463adab, and kept for ever.

    git archive 463adab | tar -x -C OLD
    PYTHONPATH=OLD python tests/data/ledgers/make_0001.py NEW-FOLDER

Everything in it is invented. The keys are sealed with the passphrase of `tests.console`; they are for tests alone.
Salts, ids and the checkpoints' second signatures are random, so another run gives other bytes with the same content.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custody import case as cases
from custody.case import Case
from custody.ledger.checkpoint import EntryKey
from custody.ledger.draft import dump_openings
from custody.ledger.entry import Json, b64
from custody.ledger.signing import public_key_of, sign_payload
from custody.ledger.store import Draft
from custody.people import Home

PASSPHRASE = "four invented words here"
EXHIBITS: tuple[dict[str, Json], ...] = (
    {"ref": "AH/1", "kind": "image or file", "description": "notebook, seal whole", "serial": "SN-0001"},
    {"ref": "ЖЗ/2", "kind": "folder", "description": "дневници сервера", "serial": None},
    {"ref": "ŞĞ/3", "kind": "image or file", "description": "هاتف محمول", "serial": "SN-0003"},
)


def enrol(case: Case, key: EntryKey, governor: EntryKey) -> bytes:
    """A second person, with the proof that they hold the key."""
    _, public = public_key_of(key.private)
    entry_id = b"\x10" * 16
    proof = sign_payload(key.private, b"evikit/pop/v1\n" + case.ledger.id + entry_id + public)
    pub = {"alg": "ed25519", "pk": b64(public), "pop": b64(proof), "roles": ["exhibits-officer"]}
    person: Json = {"name": "Bora Çelik", "agency": "Invented Agency"}
    draft = Draft("person.enrol", {**case._common(), "person": person}, n=0, pub=pub, id=entry_id)
    return case.ledger.append(draft, governor).leaf


def work(case: Case, governor: EntryKey, other: EntryKey) -> None:
    """One of most types of entries, three checkpoints, one field erased."""
    enrol(case, other, governor)
    ordinals = [case.register(values) for values in EXHIBITS]
    for n in ordinals:
        begin = case.record("access.begin", n, {"purpose": "find the couriers", "object": "whole exhibit"})
        values: dict[str, Json] = {"outcome": "completed", "basis": "whole", "media_digests": {"sha256": "c7" * 32}}
        case.record("access.end", n, values, re=(begin.leaf,))
        case.record("exhibit.seal", n, {"seal": f"S-{n}", "condition": "whole"})
    case.checkpoint()
    for kind in ("exhibit.open", "exhibit.move", "exhibit.seal"):
        case.record(kind, 1, {"reason": "examination"})
    offer = case.record("transfer.offer", 1, {"to_person": "Bora Çelik", "seal": "S-1"})
    accept = Draft("transfer.accept", {"seal": "S-1", "condition": "whole"}, n=1, re=(offer.leaf,))
    case.ledger.append(accept, other)
    withdrawn = case.record("transfer.offer", 2, {"to_person": "Bora Çelik"})
    case.record("transfer.withdraw", 2, {"reason": "not yet"}, re=(withdrawn.leaf,))
    note = case.record("note", 2, {"kind": "observation", "text": 'the label says "type":"note"'})
    case.record("correct", 2, {"name": "text", "old": "a", "new": "b", "reason": "slip of the pen"}, re=(note.leaf,))
    case.record("access.begin", 3, {"purpose": "never finished"})
    case.checkpoint()
    target = case.record("note", 0, {"kind": "observation", "text": "a name that had to go"})
    erase = Draft("erase", {"reason": "ordered"}, n=0, re=(target.leaf,), pub={"names": ["text"]})
    case.ledger.append(erase, governor)
    row = next(case.ledger.rows(target.index, target.index + 1))
    rest = dump_openings({name: opening for name, opening in row.openings.items() if name != "text"})
    with case.ledger.transaction() as connection:
        connection.exec_driver_sql("UPDATE opening SET body = ? WHERE idx = ?", (rest, target.index))
    case.record("export", None, {"recipient": "the court", "document": {"kind": "bundle"}})
    case.checkpoint()


def main(folder: Path) -> None:
    """Make FOLDER/case and FOLDER/keys."""
    home, clock = Home(folder / "keys"), count(1_773_500_000_000_000_000, 1_000_000_000)
    person = home.make_person("Ana Kovač", "Invented Agency", "examiner", PASSPHRASE)
    host: Json = {"name": "lab-1", "system": "Linux 6.1.0"}
    other = EntryKey(Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
    with mock.patch.object(cases, "_host", return_value=host):
        case = Case.create(
            folder / "case", home, person, PASSPHRASE, number="C-0001", agency="Invented Agency",
            zone="Europe/Belgrade", domain="lab.example", kind="exercise", clock=lambda: next(clock),
        )  # fmt: skip
        with case:
            work(case, home.entry_key(person.key, PASSPHRASE), other)
    for left in (folder / "case").iterdir():
        if left.is_dir():
            left.rmdir()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
