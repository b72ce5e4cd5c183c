"""Cases with more than one person, made without a command line."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.case import Case
from custody.ledger.entry import b64
from custody.ledger.signing import public_key_of, sign_payload
from custody.people import Home
from tests.kit import entry_key

PASSPHRASE = "four invented words here"
OTHER = entry_key(7)


def enrol(case: Case, name: str, number: int = 7) -> bytes:
    """Enrol the person with this key number; the leaf of the entry."""
    key = entry_key(number)
    _, public = public_key_of(key.private)
    entry_id = secrets.token_bytes(16)
    proof = sign_payload(key.private, b"evikit/pop/v1\n" + case.ledger.id + entry_id + public)
    pub = {"alg": "ed25519", "pk": b64(public), "pop": b64(proof), "roles": ["examiner"]}
    facts = {"name": name, "agency": "Lab"}
    return case.record("person.enrol", 0, {"person": dict(facts)}, pub=pub, entry_id=entry_id).leaf


@pytest.fixture
def case_with_two(tmp_path: Path) -> Iterator[Case]:
    """A case begun by Ana (who acts), with Bora enrolled under the key `OTHER`."""
    home = Home(tmp_path / "home")
    person = home.make_person("Ana", "Lab", "examiner", PASSPHRASE)
    clock = iter(range(1_700_000_000 * 10**9, 2_000_000_000 * 10**9, 10**9))
    case = Case.create(
        tmp_path / "case", home, person, PASSPHRASE, number="1", agency="Lab", zone="UTC", clock=lambda: next(clock)
    )
    enrol(case, "Bora")
    yield case
    case.close()
