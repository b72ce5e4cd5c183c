"""Whose hands an exhibit was in: what both signed counts, and the drawing says no more and no less than the words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from custody.ledger.entry import Json, b64
from custody.ledger.store import Draft, Row
from custody.report import words_account as words
from custody.report.html_track import WIDTH, track
from custody.report.model import Exhibit
from custody.report.phrase import plain
from tests.custody.report.lab import HOSTILE, Lab, shown
from tests.kit import EntryKey, entry_key, public_key_of, sign_payload

BOB = 2


def enrolled(lab: Lab) -> EntryKey:
    """A second person who may sign."""
    key, entry_id = entry_key(BOB), bytes(16)
    _, public = public_key_of(key.private)
    proof = sign_payload(key.private, b"evikit/pop/v1\n" + lab.ledger.id + entry_id + public)
    pub: Mapping[str, Json] = {"alg": "ed25519", "pk": b64(public), "pop": b64(proof), "roles": ["examiner"]}
    lab.ledger.append(Draft("person.enrol", {"person": {"name": "Bob"}}, n=0, pub=pub, id=entry_id), lab.examiner)
    return key


def offered(lab: Lab, n: int, to: EntryKey, minute: int) -> Row:
    values: Mapping[str, Json] = {"to_key": b64(to.key), "to_person": "Bob", "claimed_at": at(minute)}
    return lab.add("transfer.offer", n, values)


def at(minute: int) -> str:
    return f"2023-11-14T22:{minute:02d}:00.000000000Z"


def exhibit_of(lab: Lab) -> Exhibit:
    lab.close()
    return shown(lab).report().exhibits[0]


def answer(lab: Lab, kind: str, n: int, offer: Row, key: EntryKey, minute: int, **values: Json) -> Row:
    said: dict[str, Any] = {"actor": "Bob", "claimed_at": at(minute), **values}
    return lab.add(kind, n, said, re=[offer.leaf], key=key)


def test_a_hand_over_has_two_signatures(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    bob = enrolled(lab)
    n = lab.register({"ref": "AH/1", "claimed_at": at(0)})
    refused = offered(lab, n, bob, 10)
    answer(lab, "transfer.refuse", n, refused, bob, 12)
    taken = offered(lab, n, bob, 20)
    answer(lab, "transfer.accept", n, taken, bob, 30)
    offered(lab, n, bob, 40)
    found = exhibit_of(lab)
    assert [(plain(hold.who)[:4], hold.since.entry, hold.until and hold.until.entry) for hold in found.track.holds] == [
        ("Ana ", 2, 6), ("Bob", 6, None),
    ]  # fmt: skip
    assert [(item.accepted, item.said) for item in found.track.transfers] == [
        (False, "refused"), (True, "taken over and signed for"), (False, words.TRACK_WAITING),
    ]  # fmt: skip
    drawn = str(track(found))
    assert (drawn.count('class="offer"'), drawn.count('class="accept"'), drawn.count('class="over"')) == (3, 1, 1)


def test_an_acceptance_by_somebody_else_is_none(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    bob = enrolled(lab)
    n = lab.register({"ref": "AH/1"})
    offer = offered(lab, n, entry_key(9), 10)
    answer(lab, "transfer.accept", n, offer, bob, 30)
    found = exhibit_of(lab).track
    assert len(found.holds) == 1
    assert not found.transfers[0].accepted


def test_what_left_is_in_nobodys_hands_and_may_come_back(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    n = lab.register({"ref": "AH/1", "claimed_at": at(0)})
    offer = offered(lab, n, entry_key(9), 5)
    lab.add("transfer.receipt", n, {"outcome": "accepted", "receiver": "Laboratory South"}, re=[offer.leaf])
    lab.add("transfer.receive", n, {"outcome": "accepted", "actor": "Ana Kovač"})
    lab.write("exhibit.return", n, {"recipient": "the owner"})
    found = exhibit_of(lab)
    assert [(plain(hold.who).partition(" (")[0], hold.away) for hold in found.track.holds] == [
        ("Ana Kovač", False), ("with Laboratory South", True), ("Ana Kovač", False), ("returned to the owner", True),
    ]  # fmt: skip
    assert str(track(found)).count('class="away"') == 2


def test_accesses_seals_and_what_never_ended(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    n = lab.register({"ref": "AH/1"})
    lab.end(lab.begin(n, "look", "disk"), "completed")
    lab.begin(n, "look again", "disk")
    lab.write("exhibit.seal", n, {"seal": "S-1"})
    found = exhibit_of(lab)
    assert [read.ended is not None for read in found.track.accesses] == [True, False]
    drawn = str(track(found))
    assert (drawn.count('class="read"'), drawn.count('class="read open"'), drawn.count("sealed, entry 5")) == (1, 1, 1)
    assert "Accesses: 2, of them without an end: 1" in drawn


def test_hostile_names_and_times_stay_inside_the_drawing(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    n = lab.register({"ref": HOSTILE, "actor": HOSTILE * 9, "claimed_at": "2023-02-31T22:00:00.000000000Z"})
    lab.add("exhibit.move", n, {"claimed_at": "9999-12-31T23:59:59.999999999Z"})
    lab.add("exhibit.move", n, {"claimed_at": "0001-01-01T00:00:00.000000000Z"})
    lab.add("exhibit.move", n, {"claimed_at": "soon"})
    found = exhibit_of(lab)
    drawn = str(track(found))
    assert "<script" not in drawn
    assert words.TRACK_NO_SCALE in drawn
    places = [float(text) for text in re.findall(r' x="([0-9.]+)"', drawn)]
    assert all(0 <= place <= WIDTH for place in places)
