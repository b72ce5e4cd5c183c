"""Rotations (R27): who may be replaced by whom, and what becomes of keys that changed while an entry waited."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from custody.ledger.entry import b64
from custody.ledger.signing import public_key_of, sign_payload
from tests.kit import Chronicle, entry_key, kinds, ledger_keys, remarks


def genesis_leaf(history: Chronicle) -> bytes:
    assert history.ledger is not None
    return history.ledger


def test_a_rotation_replaces_the_key_that_signed_it() -> None:
    history = Chronicle(governors=(1,))
    enrolment = history.enrol(2)
    rotation = history.enrol(3, by=2, kind="person.rotate", re=[enrolment])
    history.add("note", 0, key=entry_key(3))
    assert remarks(history.verify()) >= {(None, "pending")}
    history.approve(rotation, 1)
    history.add("note", 0, key=entry_key(3))
    history.add("note", 0, key=entry_key(2))
    # index 3: the new key wrote before a governor approved it; index 6: the old one after
    assert kinds(history.verify()) == {(3, "key"), (6, "key")}


def test_a_governors_new_key_governs_in_the_place_of_the_old_one() -> None:
    history = Chronicle()
    rotation = history.enrol(2, kind="person.rotate", re=[genesis_leaf(history)])
    history.enrol(3, by=2)
    history.enrol(4, by=2, kind="person.rotate", re=[rotation])
    history.add("note", 0, key=entry_key(3))
    history.add("note", 0, key=entry_key(4))
    assert not kinds(history.verify())
    history.add("note", 0, key=entry_key(1))
    history.add("note", 0, key=entry_key(2))
    assert kinds(history.verify()) == {(6, "key"), (7, "key")}


def test_one_of_two_governors_is_replaced_and_both_still_approve() -> None:
    history = Chronicle(governors=(1, 2), need=2)
    rotation = history.enrol(3, by=2, kind="person.rotate", re=[genesis_leaf(history)])
    history.approve(rotation, 1)
    enrolment = history.enrol(4, by=3)
    history.approve(enrolment, 1)
    history.add("note", 0, key=entry_key(4))
    assert not kinds(history.verify())


def test_a_rotation_answers_the_entry_that_gave_its_signer_their_place() -> None:
    history = Chronicle()
    first, second = history.enrol(2), history.enrol(3)
    history.enrol(4, by=2, kind="person.rotate", re=[second])  # another person's
    history.enrol(5, kind="person.rotate", re=[first])  # a governor, a person's
    history.enrol(6, by=2, kind="person.rotate", re=[genesis_leaf(history)])  # a person, the governor's
    assert kinds(history.verify()) == {(3, "governance"), (4, "governance"), (5, "governance")}


def test_a_governor_named_by_a_policy_rotates_by_it() -> None:
    history = Chronicle()
    _, public = public_key_of(entry_key(2).private)
    record = {"alg": "ed25519", "key": b64(entry_key(2).key), "pk": b64(public)}
    policy = history.add("policy", 0, pub={"governors": [record], "need": "1"})
    history.enrol(3, by=2, kind="person.rotate", re=[policy])
    history.enrol(4, by=3)
    assert not kinds(history.verify())


def test_the_keys_of_governors_and_of_the_ledger_are_nobody_elses() -> None:
    history = Chronicle(governors=(1, 2))
    history.enrol(2)
    private = ledger_keys(1).ed25519
    history.enrol(9, **_proved(history, private))
    assert kinds(history.verify()) == {(1, "governance"), (2, "governance")}


def _proved(history: Chronicle, private: Ed25519PrivateKey) -> dict[str, str]:
    """The fields of an enrolment of this key, for the entry that `Chronicle.enrol` adds next."""
    _, public = public_key_of(private)
    entry_id = hashlib.sha256(b"%d" % len(history.rows)).digest()[:16]
    proof = sign_payload(private, b"evikit/pop/v1\n" + genesis_leaf(history) + entry_id + public)
    return {"pk": b64(public), "pop": b64(proof)}


def test_a_key_revoked_while_its_enrolment_waits_is_not_enrolled() -> None:
    history = Chronicle(governors=(1, 2), need=2)
    enrolment = history.enrol(3)
    revocation = history.revoke(3, 1)
    history.approve(revocation, 2)
    history.approve(enrolment, 2)
    history.add("note", 0, key=entry_key(3))
    assert kinds(history.verify()) == {(5, "key")}


def test_a_key_enrolled_twice_while_both_wait_is_enrolled_once() -> None:
    history = Chronicle(governors=(1, 2), need=2)
    first, second = history.enrol(3), history.enrol(3)
    history.approve(first, 2)
    history.approve(second, 2)
    history.add("note", 0, key=entry_key(3))
    rotation = history.enrol(4, by=3, kind="person.rotate", re=[second])  # it enrolled nobody
    assert rotation
    assert kinds(history.verify()) == {(6, "governance")}
