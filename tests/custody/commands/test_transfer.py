"""`evikit exhibit offer | accept | refuse | withdraw`: two people of one case, each with a key store."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from custody.ledger.entry import unb64
from custody.ledger.store import Ledger
from custody.opened import values_of
from tests.console import Lab, Told
from tests.forensics.images import fat12

BOJAN = "Бојан Петровић"


def values(lab: Lab, kind: str) -> list[dict[str, Any]]:
    """The opened fields of all entries of one type."""
    with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
        return [values_of(row) for row in ledger.rows_of(kind)]


def as_bojan(lab: Lab, *words: str | Path) -> Told:
    return lab.run(*words, EVIKIT_HOME=str(lab.folder / "bojan"))


@pytest.fixture(scope="session")
def joined(furnished: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """`furnished`, with Bojan enrolled; not to be written to."""
    lab = furnished.copied(tmp_path_factory.mktemp("joined"))
    request = lab.folder / "bojan.json"
    words = ("person", "request", "--name", BOJAN, "--agency", "Invented Agency", "-o", request)
    assert as_bojan(lab, *words).code == 0
    assert lab.run("person", "enrol", request).code == 0
    return lab


@pytest.fixture
def pair(joined: Lab, tmp_path: Path) -> Lab:
    lab = joined.copied(tmp_path / "lab")
    lab.stick()  # the ledger names the evidence of the lab that this one was copied from
    return lab


def offer(lab: Lab, ref: str = "AH/1", *words: str) -> Any:
    told = lab.run("exhibit", "offer", ref, "--to", BOJAN, "--json", *words)
    assert told.code == 0, told
    return told.json


def accept(lab: Lab, *words: str | Path, ref: str = "AH/1") -> Told:
    return as_bojan(lab, "exhibit", "accept", ref, "--condition", "as described", *words)


NO_SEAL = ("--seal", "none")


def test_the_receiver_reads_for_themselves_and_answers_the_challenge(pair: Lab) -> None:
    offered = offer(pair, "AH/1", "--condition", "whole", "--note", "by hand")
    assert (offered["to"], offered["digest"]["sha256"]) == (BOJAN, hashlib.sha256(fat12()).hexdigest())
    told = accept(pair, *NO_SEAL, "--json")
    assert (told.code, told.json["remarks"], told.json["digest"]) == (0, [], offered["digest"])
    (taken,), (asked,) = values(pair, "transfer.accept"), values(pair, "transfer.offer")
    answer = hashlib.sha256(b"evikit/fresh/v1\n" + unb64(asked["challenge"]) + fat12()).digest()
    assert (unb64(taken["fresh"]), taken["actor"], taken["digest"]) == (answer, BOJAN, offered["digest"])
    begin, end = values(pair, "access.begin")[-1], values(pair, "access.end")[-1]
    assert (begin["purpose"], begin["settings"]) == ("integrity verification", {"offer": offered["leaf"]})
    assert (end["match"], end["fresh"]) == (True, taken["fresh"])
    assert pair.run("ledger", "verify").code == 0


def test_a_folder_is_read_as_its_listing(pair: Lab) -> None:
    offer(pair, "AH/2")
    told = accept(pair, *NO_SEAL, pair.logs(), ref="AH/2")
    assert told.code == 0, told
    assert "sha256" in told.out


def test_other_media_are_not_taken_over_and_the_reading_stands(pair: Lab) -> None:
    offer(pair)
    accept(pair, *NO_SEAL, pair.put("other.raw", fat12()[:-1] + b"!")).refused(3, "not the media that were offered")
    assert values(pair, "access.end")[-1]["match"] is False
    assert values(pair, "transfer.accept") == []
    assert accept(pair, *NO_SEAL, pair.stick()).code == 0
    assert pair.run("verify", "AH/1").code == 0


def test_another_bag_number_is_refused_unless_explained(pair: Lab) -> None:
    offer(pair)
    accept(pair, "--seal", "B-7").refused(1, "the seal found is B-7, on record is none")
    told = accept(pair, "--seal", "B-7", "--despite", "bagged for the way")
    assert told.code == 4, told
    assert "bagged for the way" in told.err
    assert "bagged for the way" in values(pair, "transfer.accept")[0]["note"]


def test_a_thing_without_media_is_taken_over_unread(pair: Lab) -> None:
    offer(pair)
    accept(pair, *NO_SEAL, "--no-media", " ").refused(1, "the reason is empty")
    accept(pair, *NO_SEAL, "--no-media", "sealed", pair.stick()).refused(2, "not both")
    told = accept(pair, *NO_SEAL, "--no-media", "the bag stays sealed", "--json")
    assert told.code == 4, told  # its digest was offered
    assert "the media were not read" in told.json["remarks"][0]
    assert [values(pair, "transfer.accept")[0][name] for name in ("digest", "fresh")] == [None, None]


def test_media_that_are_not_where_they_were_read_must_be_named(pair: Lab) -> None:
    empty = pair.put("empty.img", b"x")
    pair.ingest("AH/3", empty)
    empty.unlink()
    offer(pair, "AH/3")
    accept(pair, *NO_SEAL, ref="AH/3").refused(1, "not where it was read", "--no-media")


def test_the_wrong_person_cannot_take_it(pair: Lab) -> None:
    offer(pair)
    pair.run("exhibit", "accept", "AH/1", "--condition", "c", *NO_SEAL).refused(1, f"offered to {BOJAN}")
    as_bojan(pair, "exhibit", "withdraw", "AH/1", "--reason", "r").refused(1, "not by you")
    as_bojan(pair, "exhibit", "offer", "AH/1", "--to", BOJAN).refused(1, "is held by")


def test_refused_then_withdrawn_then_taken(pair: Lab) -> None:
    offer(pair)
    assert as_bojan(pair, "exhibit", "refuse", "AH/1", "--reason", "no room").code == 0
    offer(pair)
    assert pair.run("exhibit", "withdraw", "AH/1", "--reason", "no car").code == 0
    accept(pair, *NO_SEAL).refused(1, "offered to nobody", "ledger log")
    offer(pair)
    assert accept(pair, *NO_SEAL).code == 0
    accept(pair, *NO_SEAL).refused(1, f"{BOJAN} holds it")
    kinds = [line["type"] for line in pair.log("--exhibit", "AH/1") if line["type"].startswith("transfer.")]
    asked = "transfer.offer"
    assert kinds == [asked, "transfer.refuse", asked, "transfer.withdraw", asked, "transfer.accept"]


def test_a_key_revoked_in_the_middle_takes_nothing(pair: Lab) -> None:
    offer(pair)
    assert pair.run("person", "revoke", BOJAN, "--from", "0", "--reason", "stolen").code == 0
    accept(pair, *NO_SEAL).refused(1, "is revoked")
    assert pair.run("exhibit", "withdraw", "AH/1", "--reason", "key lost").code == 0
    pair.run("exhibit", "offer", "AH/1", "--to", BOJAN).refused(1, "revoked")


def test_a_reading_that_was_finished_before_a_stop_is_not_repeated(pair: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(pair)
    with monkeypatch.context() as stopped:
        stopped.setattr("custody.transfers.accept", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        assert accept(pair, *NO_SEAL).code == 1
    reads = len(values(pair, "access.begin"))
    assert accept(pair, *NO_SEAL).code == 0
    assert len(values(pair, "access.begin")) == reads
    assert values(pair, "transfer.accept")[0]["fresh"] == values(pair, "access.end")[-1]["fresh"]
