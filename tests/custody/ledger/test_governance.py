"""Who may sign: governors, enrolled people, the ledger's keys; approvals, revocations, freezing, erasure."""

from __future__ import annotations

from typing import Any

import pytest

from custody.ledger.checkpoint import EntryKey
from custody.ledger.entry import b64
from custody.ledger.errors import MalformedError
from custody.ledger.governance import PublicKey, ledger_key_pair
from custody.ledger.note import parse_note
from custody.ledger.signing import key_id, public_key_of
from custody.ledger.store import NEW
from custody.ledger.verdict import Result, Trust
from tests.kit import Chronicle, entry_key, genesis_pub, governor, kinds, ledger_keys, remarks

SMALL_ORDER = b"\1" + bytes(31)


def policy(**changes: Any) -> dict[str, Any]:
    return {**genesis_pub(ledger_keys(1), (1,), 1)["policy"], **changes}  # type: ignore[dict-item]


# --- key records -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "record",
    [
        None,
        {},
        {"alg": "ed25519"},
        {"alg": None, "pk": b64(bytes(32))},
        {"alg": "rsa", "pk": b64(bytes(32))},
        {"alg": "ed25519", "pk": b64(SMALL_ORDER)},
        {"alg": "ed25519", "pk": b64(bytes(31))},
        {"alg": "ed25519", "pk": None},
        {**governor(entry_key(1)), "more": None},
    ],
)
def test_key_records_of_another_shape_or_weak_are_refused(record: Any) -> None:
    with pytest.raises(MalformedError):
        PublicKey.parse(record)


def test_a_key_record_with_the_id_of_another_key_is_refused() -> None:
    with pytest.raises(MalformedError, match="id is not that of its key"):
        PublicKey.parse({**governor(entry_key(1)), "key": b64(entry_key(2).key)}, with_id=True)


@pytest.mark.parametrize("records", [None, [], ledger_keys(1).records()[:1], ledger_keys(1).records()[::-1]])
def test_a_ledger_has_one_key_of_each_kind_in_order(records: Any) -> None:
    with pytest.raises(MalformedError):
        ledger_key_pair(records)


# --- genesis ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pub",
    [
        {"kind": "rehearsal"},
        {"kind": None},
        {"domain": None},
        {"domain": "a b"},
        {"domain": "x" * 250},
        {"continues": "another"},
        {"continues": {"ledger": b64(bytes(32))}},
        {"policy": None},
        {"policy": {}},
        {"policy": policy(governors=[])},
        {"policy": policy(governors=None)},
        {"policy": policy(governors=[governor(entry_key(1))] * 2)},
        {"policy": policy(governors=[{**governor(entry_key(1)), "pk": b64(SMALL_ORDER)}])},
        {"policy": policy(governors=[governor(entry_key(2))])},
        {"policy": policy(need="0")},
        {"policy": policy(need="2")},
        {"policy": policy(keeper_same_as_author=None)},
        {"policy": policy(ledger_keys=ledger_keys(1).records()[:1])},
    ],
)
def test_a_genesis_that_founds_nothing_is_broken_and_so_is_all_after_it(pub: dict[str, Any]) -> None:
    history = Chronicle(**pub)
    history.close()
    verdict = history.verify()
    assert verdict.result == Result.BROKEN
    assert (0, "key") in kinds(verdict) or (0, "governance") in kinds(verdict)


def test_a_governor_signs_with_ed25519_alone() -> None:
    """Entries hold signatures of 64 bytes, so a key of another kind could never sign one."""
    algorithm, public = public_key_of(ledger_keys(1).mldsa)
    record = {"alg": algorithm, "pk": b64(public), "key": b64(key_id(algorithm, public))}
    assert PublicKey.parse(record, with_id=True)
    history = Chronicle(policy=policy(governors=[governor(entry_key(1)), record]))
    assert (0, "key") in kinds(history.verify())


def test_the_genesis_tells_what_the_verdict_tells() -> None:
    before: dict[str, Any] = {
        "ledger": b64(bytes(32)),
        "size": "7",
        "root": b64(bytes(32)),
        "reason": "lost passphrase",
    }
    verdict = Chronicle(kind="exercise", continues=before).verify()
    assert verdict.kind == "exercise"
    assert (0, "continues") in remarks(verdict)


# --- people ----------------------------------------------------------------------------------------------


def test_an_enrolled_person_may_write_and_a_stranger_may_not() -> None:
    history = Chronicle()
    history.enrol(2)
    history.add("exhibit.register", NEW, key=entry_key(2))
    history.add("note", 1, key=entry_key(3))
    assert kinds(history.verify()) == {(3, "key")}


def test_a_person_governs_nothing() -> None:
    history = Chronicle(governors=(1, 2), need=2)
    enrolment = history.enrol(3)
    history.approve(enrolment, 2)
    history.approve(history.enrol(4), 3)
    assert kinds(history.verify()) == {(4, "key")}


@pytest.mark.parametrize(
    "pub",
    [
        {"alg": "ml-dsa-44"},
        {"pk": b64(SMALL_ORDER)},
        {"pk": b64(public_key_of(entry_key(3).private)[1])},
        {"pop": b64(bytes(64))},
        {"pop": None},
        {"roles": []},
        {"roles": None},
        {"roles": [None]},
    ],
)
def test_an_enrolment_proves_possession_of_a_good_key_and_names_a_role(pub: dict[str, Any]) -> None:
    history = Chronicle()
    history.enrol(2, **pub)
    history.add("note", 0, key=entry_key(2))
    assert kinds(history.verify()) == {(1, "governance"), (2, "key")}


def test_a_mldsa_person_with_a_good_key_is_refused() -> None:
    algorithm, public = public_key_of(ledger_keys(1).mldsa)
    history = Chronicle()
    history.enrol(2, alg=algorithm, pk=b64(public))
    assert kinds(history.verify()) == {(1, "governance")}


def test_a_key_is_enrolled_once_and_never_after_its_revocation() -> None:
    history = Chronicle()
    history.enrol(2)
    history.enrol(2)
    history.revoke(3, 3)
    history.enrol(3)
    assert kinds(history.verify()) == {(2, "governance"), (4, "governance")}


# --- approvals -------------------------------------------------------------------------------------------


def test_with_need_two_nothing_takes_effect_before_the_second_governor() -> None:
    history = Chronicle(governors=(1, 2), need=2)
    enrolment = history.enrol(3)
    assert remarks(history.verify()) >= {(None, "pending")}
    history.approve(enrolment, 1)  # the same governor again: still one
    history.add("note", 0, key=entry_key(3))
    history.approve(enrolment, 2)
    history.add("note", 0, key=entry_key(3))
    history.approve(enrolment, 2)  # once more: says nothing, harms nothing
    verdict = history.verify()
    assert kinds(verdict) == {(3, "key")}
    assert (None, "pending") not in remarks(verdict)


def test_a_governor_replaced_since_signing_no_longer_counts() -> None:
    history = Chronicle(governors=(1, 2, 3), need=2)
    enrolment = history.enrol(9)  # signed by 1
    team: dict[str, Any] = {"governors": [governor(entry_key(number)) for number in (2, 3)], "need": "2"}
    change = history.add("policy", 0, pub=team, key=entry_key(2))
    history.approve(change, 3)
    history.approve(enrolment, 2)
    history.add("note", 0, key=entry_key(9))
    assert (5, "key") in kinds(history.verify())
    history.approve(enrolment, 3)
    history.add("note", 0, key=entry_key(9))
    assert kinds(history.verify()) == {(5, "key")}


def test_a_revoked_governor_no_longer_counts() -> None:
    history = Chronicle(governors=(1, 2))
    history.revoke(2, 1)
    history.enrol(9, by=2)
    history.add("note", 0, key=entry_key(9))
    assert kinds(history.verify()) == {(3, "key")}
    assert remarks(history.verify()) >= {(2, "disputed"), (None, "pending")}


def test_a_new_policy_holds_from_its_last_approval() -> None:
    """A case begun alone becomes a team's."""
    history = Chronicle()
    history.add("policy", 0, pub={"governors": [governor(entry_key(n)) for n in (1, 2)], "need": "2"})
    enrolment = history.enrol(3)
    history.add("note", 0, key=entry_key(3))
    history.approve(enrolment, 2)
    history.add("note", 0, key=entry_key(3))
    assert kinds(history.verify()) == {(3, "key")}


@pytest.mark.parametrize("pub", [{"governors": [], "need": "1"}, {"governors": None, "need": "1"}])
def test_a_policy_without_governors_is_refused(pub: dict[str, Any]) -> None:
    history = Chronicle()
    history.add("policy", 0, pub=pub)
    history.enrol(2)
    assert kinds(history.verify()) == {(1, "governance")}


# --- the ledger's keys -----------------------------------------------------------------------------------


def test_closings_are_signed_by_the_ledger_and_nothing_else_is() -> None:
    history = Chronicle()
    pub = {"map_size": "1", "map_root": b64(history.map.root)}
    history.add("closing", None, pub=pub)
    history.add("note", 0, key=EntryKey(history.keys.ed25519))
    assert kinds(history.verify()) == {(1, "key"), (2, "key")}


def test_new_ledger_keys_hold_for_checkpoints_after_them() -> None:
    history = Chronicle()
    history.close()
    new = ledger_keys(2)
    history.add("ledger.rotate", 0, pub={"ledger_keys": new.records()})
    old, history.keys = history.keys, new
    history.close()
    assert not kinds(history.verify())
    history.keys = old
    history.close()
    assert kinds(history.verify()) == {(4, "key"), (None, "checkpoint")}


def test_an_old_checkpoint_signed_with_new_keys_is_refused() -> None:
    history = Chronicle()
    history.close()
    history.notes.clear()
    history.keys = ledger_keys(2)
    history.note()
    history.add("ledger.rotate", 0, pub={"ledger_keys": history.keys.records()})
    assert kinds(history.verify()) == {(None, "checkpoint")}


def test_one_ledger_key_is_no_rotation() -> None:
    history = Chronicle()
    history.add("ledger.rotate", 0, pub={"ledger_keys": ledger_keys(2).records()[:1]})
    assert kinds(history.verify()) == {(1, "governance")}


# --- freezing and erasing --------------------------------------------------------------------------------


def test_a_frozen_ledger_takes_only_what_ends_it() -> None:
    history = Chronicle(governors=(1, 2), need=2)
    erasure = history.add("erase", 0, pub={"names": ["note"]}, re=[history.rows[0][2]])
    history.approve(history.add("freeze", 0), 2)
    history.add("export", None)
    history.approve(erasure, 2)
    history.close()
    assert not kinds(history.verify())
    history.add("note", 0)
    assert kinds(history.verify()) == {(7, "key")}


def test_a_freeze_that_nobody_approved_freezes_nothing() -> None:
    history = Chronicle(governors=(1, 2), need=2)
    history.add("freeze", 0)
    history.add("note", 0)
    assert not kinds(history.verify())


def test_an_approved_erasure_excuses_its_fields_alone() -> None:
    history = Chronicle(governors=(1, 2), need=2)
    target = history.add("exhibit.register", NEW, {"ref": "AH/1", "serial": "S-1"})
    payload, sig, leaf, openings = history.rows[1]
    rest = {name: opening for name, opening in openings.items() if name != "serial"}
    erasure = history.add("erase", 1, {"reason": "ordered by the court"}, pub={"names": ["serial"]}, re=[target])
    rows = [history.rows[0], (payload, sig, leaf, rest), history.rows[2]]
    assert kinds(history.verify(rows=rows)) == {(1, "opening")}
    history.approve(erasure, 2)
    rows.append(history.rows[3])
    verdict = history.verify(rows=rows)
    assert not kinds(verdict)
    assert verdict.checked["fields erased"] == 1
    del rest["ref"]
    assert kinds(history.verify(rows=rows)) == {(1, "opening")}


@pytest.mark.parametrize("names", [None, [], [None], "serial"])
def test_an_erasure_names_fields(names: Any) -> None:
    history = Chronicle()
    history.add("erase", 0, pub={"names": names}, re=[history.rows[0][2]])
    assert kinds(history.verify()) == {(1, "governance")}


# --- revocation ------------------------------------------------------------------------------------------


def revoked(start: int, *, witnessed: bool = True) -> tuple[Chronicle, Trust]:
    """0 genesis, 1 enrolment of 2, 2 register by 2, 3 closing, 4 note by 2, 5 closing, 6 revocation of 2."""
    history = Chronicle()
    history.enrol(2)
    history.add("exhibit.register", NEW, key=entry_key(2))
    first = history.close()
    history.add("note", 1, key=entry_key(2))
    history.close()
    history.revoke(2, start)
    history.close()
    return history, Trust().with_anchor(parse_note(first)) if witnessed else Trust()


@pytest.mark.parametrize(
    ("start", "witnessed", "disputed"),
    [
        (4, True, {4}),  # 2 is covered by the head of size 4 that the verifier kept; 4 is not before the revocation
        (5, True, {4}),  # before it, but nothing from outside covers it
        (3, True, {2, 4}),  # the kept head is younger than the revocation's start
        (6, False, {2, 4}),  # nothing from outside
        (0, True, {2, 4}),
    ],
)
def test_a_revoked_keys_entries_stand_only_where_witnessed_before(
    start: int, witnessed: bool, disputed: set[int]
) -> None:
    history, trust = revoked(start, witnessed=witnessed)
    verdict = history.verify(trust)
    assert verdict.result == Result.WITH_NOTES
    assert {index for index, kind in remarks(verdict) if kind == "disputed"} == disputed


def test_of_several_revocations_the_earliest_start_counts_whatever_the_order() -> None:
    for starts in ((5, 3), (3, 5)):
        history, trust = revoked(starts[0])
        history.revoke(2, starts[1])
        assert {(2, "disputed"), (4, "disputed")} <= remarks(history.verify(trust))


def test_a_revocation_that_waits_for_approval_disputes_nothing() -> None:
    history = Chronicle(governors=(1, 2), need=2)
    revocation = history.revoke(2, 1)
    history.add("note", 0, key=entry_key(2))
    assert (2, "disputed") not in remarks(history.verify())
    history.approve(revocation, 2)
    assert (2, "disputed") in remarks(history.verify())


def test_a_revocation_of_the_future_is_refused() -> None:
    history = Chronicle()
    history.revoke(1, 2)
    assert kinds(history.verify()) == {(1, "governance")}


def test_a_revocation_of_an_unknown_key_changes_nothing() -> None:
    history = Chronicle()
    history.revoke(9, 0)
    verdict = history.verify()
    assert not kinds(verdict)
    assert not {kind for _, kind in remarks(verdict) if kind == "disputed"}
