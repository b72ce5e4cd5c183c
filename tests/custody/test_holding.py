"""Where an exhibit stands, entry by entry."""

from __future__ import annotations

import pytest

from custody.case import Case
from custody.holding import holding_of, holdings, is_mine, need_present, seal_number
from custody.ledger.entry import Json, b64
from custody.ledger.errors import CustodyError
from custody.ledger.store import Draft
from tests.custody.cases import OTHER, case_with_two

CHALLENGE = bytes(range(32))
__all__ = ["case_with_two"]


def offer(case: Case, n: int, **over: Json) -> bytes:
    values: dict[str, Json] = {"to_key": b64(OTHER.key), "to_person": "Bora", "challenge": b64(CHALLENGE), **over}
    return case.record("transfer.offer", n, values).leaf


def answer(case: Case, n: int, kind: str, leaf: bytes, **values: Json) -> None:
    """An answer by the other person."""
    case.ledger.append(Draft(kind, {"actor": "Bora", **values}, n=n, re=(leaf,)), OTHER)


def test_a_registered_exhibit_is_held_by_who_registered_it(case_with_two: Case) -> None:
    n = case_with_two.register({"ref": "AK/1", "seal": {"number": "S-1"}})
    now = holding_of(case_with_two, n)
    assert (now.exhibit.ref, now.seal, now.holder, now.gone) == ("AK/1", "S-1", case_with_two.key_id, "")
    assert is_mine(case_with_two, now)


def test_seals_and_storage_follow_the_entries(case_with_two: Case) -> None:
    case = case_with_two
    n = case.register({"ref": "AK/1"})
    case.record("exhibit.seal", n, {"seal": "S-2"})
    case.record("exhibit.move", n, {"storage_to": "room 3"})
    assert (holding_of(case, n).seal, holding_of(case, n).storage) == ("S-2", "room 3")
    opened = case.record("exhibit.open", n, {"seal": "S-2"})
    assert (holding_of(case, n).seal, holding_of(case, n).index) == ("", opened.index)


def test_only_the_person_named_in_the_offer_can_take_the_exhibit(case_with_two: Case) -> None:
    case = case_with_two
    n = case.register({"ref": "AK/1"})
    leaf = offer(case, n, seal="S-1", digest={"sha256": "00"})
    pending = holding_of(case, n).offer
    assert pending is not None
    assert (pending.to_person, pending.seal, pending.digest) == ("Bora", "S-1", {"sha256": "00"})
    case.record("transfer.accept", n, {}, re=[leaf])  # by the giver
    assert is_mine(case, holding_of(case, n))
    answer(case, n, "transfer.accept", leaf, seal="S-9")
    now = holding_of(case, n)
    assert (now.holder, now.holder_name, now.seal, now.offer) == (OTHER.key, "Bora", "S-9", None)
    assert not is_mine(case, now)


@pytest.mark.parametrize("kind", ["transfer.refuse", "transfer.withdraw"])
def test_what_was_refused_or_withdrawn_cannot_be_accepted(case_with_two: Case, kind: str) -> None:
    case = case_with_two
    n = case.register({"ref": "AK/1"})
    leaf = offer(case, n)
    case.record(kind, n, {"reason": "no"}, re=[leaf])
    answer(case, n, "transfer.accept", leaf)
    answer(case, n, kind, leaf)
    assert is_mine(case, holding_of(case, n))


def test_an_offer_without_its_challenge_offers_nothing(case_with_two: Case) -> None:
    n = case_with_two.register({"ref": "AK/1"})
    offer(case_with_two, n, challenge=None)
    assert holding_of(case_with_two, n).offer is None


def test_a_receipt_ends_the_custody_and_a_return_begins_it_again(case_with_two: Case) -> None:
    case = case_with_two
    n = case.register({"ref": "AK/1"})
    leaf = offer(case, n)
    case.record("transfer.receipt", n, {"outcome": "refused"}, re=[leaf])
    assert not holding_of(case, n).gone
    leaf = offer(case, n)
    case.record("transfer.receipt", n, {"outcome": "accepted", "receiver": "Lab South"}, re=[leaf])
    case.record("transfer.receipt", n, {"outcome": "accepted", "receiver": "nobody"}, re=[leaf])
    assert holding_of(case, n).gone == "handed over to Lab South"
    case.record("transfer.receive", n, {"outcome": "refused"})
    assert holding_of(case, n).gone
    case.record("transfer.receive", n, {"outcome": "accepted", "seal": "S-3"})
    now = holding_of(case, n)
    assert (now.gone, now.seal) == ("", "S-3")
    case.record("transfer.receive", 0, {"outcome": "refused"})  # of what was never here
    assert list(holdings(case)) == [n]


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("exhibit.return", {"recipient": "the owner"}, "returned to the owner"),
        ("exhibit.dispose", {"method": "shredded"}, "disposed of (shredded)"),
    ],
)
def test_what_left_is_not_here(case_with_two: Case, kind: str, values: dict[str, Json], said: str) -> None:
    n = case_with_two.register({"ref": "AK/1"})
    assert need_present(case_with_two, "AK/1").n == n
    case_with_two.record(kind, n, values)
    with pytest.raises(CustodyError, match="AK/1 was") as refused:
        need_present(case_with_two, "AK/1")
    assert said in str(refused.value)


def test_a_seal_is_a_number_or_an_object_with_one() -> None:
    assert [seal_number("S-1"), seal_number({"number": "S-2", "kind": "bag"}), seal_number(None)] == ["S-1", "S-2", ""]
