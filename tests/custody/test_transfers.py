"""Handing over within one case: who may offer, take, refuse, withdraw, and of two at once only one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from custody import transfers
from custody.case import Case, Recorded
from custody.exhibits import Exhibit, need_exhibit
from custody.holding import holding_of, is_mine
from custody.ledger.entry import Json, unb64
from custody.ledger.errors import CustodyError
from custody.opened import values_of
from custody.transfers import Found, OwnReading, Receiver
from tests.custody.cases import OTHER, case_with_two, enrol
from tests.kit import entry_key

__all__ = ["case_with_two"]

BORA = Receiver(OTHER.key, "Bora")
THIRD = entry_key(8)
DIGEST = {"sha256": "ab" * 32}
READ = OwnReading(DIGEST, bytes(32), match=True)


@contextmanager
def acting(case: Case, key: object = OTHER) -> Iterator[None]:
    """Somebody else's key signs for a while."""
    own, case._key = case._key, key  # type: ignore[assignment]
    try:
        yield
    finally:
        case._key = own


@pytest.fixture
def case(case_with_two: Case) -> Case:
    """AH/1 with recorded digests, sealed S-1, held by Ana."""
    n = case_with_two.register({"ref": "AH/1", "seal": "S-1"})
    begin = case_with_two.record("access.begin", n, {"purpose": "p"})
    values: dict[str, Json] = {"basis": "whole", "media_digests": {**DIGEST}}
    case_with_two.record("access.end", n, values, re=[begin.leaf])
    return case_with_two


def ah1(case: Case) -> Exhibit:
    return need_exhibit(case, "AH/1")


def offered(case: Case, **over: str) -> Recorded:
    return transfers.offer(case, ah1(case), BORA, **over)


def take(case: Case, seal: str = "S-1") -> Recorded:
    now, offer = transfers.need_acceptable(case, ah1(case))
    assert now.seal == "S-1"
    return transfers.accept(case, ah1(case), offer, Found(seal, "as it left", READ))


def values(case: Case, recorded: Recorded) -> dict[str, Json]:
    return values_of(case.find_entry(str(recorded.index)))


def test_an_offer_says_what_to_whom_and_asks_something_new_each_time(case: Case) -> None:
    first = values(case, offered(case, seal="S-1", condition="whole", note="by courier"))
    assert (first["to_key"], first["to_person"], first["seal"]) == (transfers.b64(OTHER.key), "Bora", "S-1")
    assert (first["digest"], first["condition"], first["note"]) == (DIGEST, "whole", "by courier")
    transfers.withdraw(case, ah1(case), "the courier is ill")
    second = values(case, offered(case))
    assert len(unb64(first["challenge"], 32)) == 32
    assert first["challenge"] != second["challenge"]


def test_taking_over_makes_the_receiver_the_holder(case: Case) -> None:
    offered(case)
    with acting(case):
        told = values(case, take(case))
        assert is_mine(case, holding_of(case, ah1(case).n))
    assert (told["digest"], told["fresh"], told["condition"]) == (DIGEST, transfers.b64(bytes(32)), "as it left")
    with pytest.raises(CustodyError, match="held by Ana"):  # the fixture's signer writes Ana's name on every entry
        offered(case)


def test_the_digest_of_the_slip_is_offered_where_none_was_computed(case: Case) -> None:
    case.register({"ref": "AH/2", "media_digests": {"md5": "cd" * 16}})
    exhibit = need_exhibit(case, "AH/2")
    assert transfers.offered_digest(case, exhibit) == {"md5": "cd" * 16}
    assert values(case, transfers.offer(case, exhibit, BORA))["digest"] == {"md5": "cd" * 16}
    case.register({"ref": "AH/3"})
    told = values(case, transfers.offer(case, need_exhibit(case, "AH/3"), BORA))
    assert (told["digest"], told["seal"]) == (None, None)


def test_one_offer_at_a_time(case: Case) -> None:
    first = offered(case)
    with pytest.raises(CustodyError, match=f"offered to Bora already .entry {first.index}"):
        offered(case)


def test_nobody_offers_what_they_do_not_hold(case: Case) -> None:
    with acting(case), pytest.raises(CustodyError, match="held by Ana"):
        transfers.offer(case, ah1(case), Receiver(THIRD.key, "Ceca"))
    case.record("exhibit.dispose", ah1(case).n, {"method": "shredded"})
    with pytest.raises(CustodyError, match="disposed of"):
        offered(case)


def test_nobody_offers_to_themselves_to_strangers_or_to_a_revoked_key(case: Case) -> None:
    for to, said in ((Receiver(case.key_id, "Ana"), "hold it yourself"), (Receiver(THIRD.key, "Ceca"), "not enrolled")):
        with pytest.raises(CustodyError, match=said):
            transfers.offer(case, ah1(case), to)
    case.record("person.revoke", 0, {"reason": "lost"}, pub={"key": transfers.b64(OTHER.key), "from": "1"})
    with pytest.raises(CustodyError, match="Bora cannot take it: revoked"):
        offered(case)


def test_an_offer_names_the_seal_on_record(case: Case) -> None:
    with pytest.raises(CustodyError, match="bears the seal S-9, on record is S-1"):
        offered(case, seal="S-9")
    with pytest.raises(CustodyError, match="bears the seal none"):
        offered(case, seal="")


def during_append(case: Case, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `act` happen between the look at the case and the next entry."""
    append, acted = case.ledger.append, []

    def later(*given: object, **named: object) -> object:
        if not acted:
            acted.append(True)
            act()
        return append(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(case.ledger, "append", later)


def other(case: Case) -> Case:
    """The same case, open in another process."""
    second = Case.open(case.path, case.home, writable=True)
    second.person, second._key = case.person, case._key
    return second


def test_a_withdrawal_that_came_first_wins_over_the_acceptance(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    offered(case)
    with other(case) as second:
        during_append(case, lambda: transfers.withdraw(second, ah1(second), "no"), monkeypatch)
        with acting(case), pytest.raises(CustodyError, match="answered or withdrawn meanwhile"):
            take(case)
    now = holding_of(case, ah1(case).n)
    assert (now.holder, now.offer) == (case.key_id, None)


def test_an_acceptance_that_came_first_wins_over_everything(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    offered(case)
    with other(case) as second:
        second._key = OTHER
        during_append(case, lambda: take(second), monkeypatch)
        with pytest.raises(CustodyError, match="answered or withdrawn meanwhile"):
            transfers.withdraw(case, ah1(case), "no")
    assert holding_of(case, ah1(case).n).holder == OTHER.key


def test_of_two_acceptances_at_once_one_stands(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    offered(case)
    with other(case) as second, acting(case):
        second._key = OTHER
        during_append(case, lambda: take(second), monkeypatch)
        with pytest.raises(CustodyError, match="answered or withdrawn meanwhile"):
            take(case)
    assert len(case.ledger.rows_of("transfer.accept")) == 1


def test_of_two_offers_at_once_one_stands(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    with other(case) as second:
        during_append(case, lambda: offered(second), monkeypatch)
        with pytest.raises(CustodyError, match="offered to Bora already"):
            offered(case)


def test_a_seal_changed_at_the_last_moment_stops_the_offer(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    with other(case) as second:
        during_append(case, lambda: second.record("exhibit.open", ah1(second).n, {"seal": "S-1"}), monkeypatch)
        with pytest.raises(CustodyError, match="changed just now"):
            offered(case)


@pytest.mark.parametrize("act", [take, lambda case: transfers.refuse(case, ah1(case), "no")])
def test_only_the_person_named_answers(case: Case, act: Callable[[Case], object]) -> None:
    offered(case)
    with pytest.raises(CustodyError, match="that is offered to Bora"):
        act(case)
    enrol(case, "Bora", 8)
    with acting(case, THIRD), pytest.raises(CustodyError, match="an earlier key of yours"):
        act(case)


def test_a_refusal_leaves_it_where_it_is(case: Case) -> None:
    offered(case)
    with acting(case):
        assert values(case, transfers.refuse(case, ah1(case), "no room"))["reason"] == "no room"
        with pytest.raises(CustodyError, match="offered to nobody: Ana holds it"):
            transfers.refuse(case, ah1(case), "no room")
    assert is_mine(case, holding_of(case, ah1(case).n))


def test_only_the_giver_withdraws(case: Case) -> None:
    offered(case)
    with acting(case), pytest.raises(CustodyError, match="offered by Ana"):
        transfers.withdraw(case, ah1(case), "mine now")
    transfers.withdraw(case, ah1(case), "not yet")
    with pytest.raises(CustodyError, match="offered to nobody"):
        transfers.withdraw(case, ah1(case), "not yet")


def test_what_is_offered_to_another_agency_is_not_taken_here(case: Case) -> None:
    transfers.offer(case, ah1(case), Receiver(OTHER.key, "Bora", "Lab South"))
    waiting = holding_of(case, ah1(case).n).offer
    assert waiting is not None
    assert (waiting.to_person, waiting.agency, waiting.receiver) == ("Bora", "Lab South", "Bora, Lab South")
    with acting(case), pytest.raises(CustodyError, match="a case of their own"):
        take(case)


def test_words_are_asked_for(case: Case) -> None:
    offered(case)
    with pytest.raises(CustodyError, match="the reason is empty"):
        transfers.withdraw(case, ah1(case), "  ")
    with acting(case), pytest.raises(CustodyError, match="the condition is empty"):
        transfers.accept(case, ah1(case), transfers.open_offer(case, ah1(case)), Found("S-1", ""))


def test_another_seal_is_taken_only_with_a_reason(case: Case) -> None:
    assert transfers.compare_seal("S-1", "S-1", None) == ""
    with pytest.raises(CustodyError, match="found is S-2, on record is S-1"):
        transfers.compare_seal("S-1", "S-2", None)
    with pytest.raises(CustodyError, match="the reason is empty"):
        transfers.compare_seal("S-1", "S-2", " ")
    said = transfers.compare_seal("S-1", "", "torn off")
    assert said == "the seal found is none, on record is S-1: torn off"
    offered(case)
    with acting(case):
        now, offer = transfers.need_acceptable(case, ah1(case))
        told = values(case, transfers.accept(case, ah1(case), offer, Found("", "torn", remarks=[said])))
    assert (told["seal"], told["note"], told["fresh"]) == ({"number": "", "found": "no seal"}, said, None)
    assert (now.seal, holding_of(case, ah1(case).n).seal) == ("S-1", "")


@pytest.mark.parametrize("given", ["", " ", "S\n1", "x" * 65])
def test_a_seal_number_is_what_can_stand_on_a_seal(given: str) -> None:
    with pytest.raises(CustodyError, match="is no seal number"):
        transfers.parse_seal(given)


def test_none_is_no_seal() -> None:
    assert [transfers.parse_seal("none"), transfers.parse_seal(" S-1 ")] == ["", "S-1"]
