"""Two laboratories on one machine that hand an exhibit over and back, by files alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from custody.ledger.store import Ledger
from custody.opened import values_of
from tests.console import EXAMINER, Lab, Told
from tests.forensics.images import fat12

THERE = "Šefkat Ђурић"


class Two:
    """The lab that has AH/1, one elsewhere without exhibits, and what is carried between them."""

    def __init__(self, here: Lab, there: Lab, folder: Path) -> None:
        self.here, self.there, self.folder = here, there, folder
        folder.mkdir(exist_ok=True)
        self.cards = {}
        people = {"here": (here, EXAMINER, "Invented Agency"), "there": (there, THERE, "Agencija")}
        for name, (lab, person, agency) in people.items():
            path = folder / f"{name}.json"
            if not path.exists():
                told = lab.run("person", "request", "--name", person, "--agency", agency, "-o", path)
                assert told.code == 0, told
            self.cards[name] = path

    def offer(self, lab: Lab, ref: str, to: str, name: str, *words: str | Path, code: int = 0) -> Told:
        told = lab.run("exhibit", "offer", ref, "--outside", self.cards[to], "-o", self.folder / name, *words, "--json")
        assert told.code == code, told
        return told

    def receive(self, lab: Lab, name: str, *words: str | Path, receipt: str = "receipt.json") -> Told:
        target = self.folder / receipt
        return lab.run("exhibit", "receive", self.folder / name, "-o", target, *words, "--json")

    def take(self, lab: Lab, name: str, *words: str | Path, receipt: str = "receipt.json") -> Told:
        return self.receive(lab, name, "--seal", "none", "--condition", "as found", *words, receipt=receipt)


def intact(lab: Lab) -> bool:
    return lab.run("ledger", "verify").code == 0


def last(lab: Lab, kind: str) -> dict[str, Any]:
    with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
        return values_of(ledger.rows_of(kind)[-1])


def count(lab: Lab, kind: str) -> int:
    with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
        return len(ledger.rows_of(kind))


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("elsewhere"))
    words = ("init", lab.case, "--number", "X-9", "--agency", "Agencija", "--examiner", THERE)
    assert lab.run(*words).code == 0
    return lab


@pytest.fixture
def two(case: Lab, elsewhere: Lab, tmp_path: Path) -> Two:
    case.stick()
    return Two(case, elsewhere.copied(tmp_path / "there"), tmp_path / "carried")


@pytest.fixture
def offered(two: Two) -> Two:
    case_stick = two.here.put("stick.raw", fat12())
    two.here.run("verify", "AH/1", case_stick)
    two.offer(two.here, "AH/1", "there", "out")
    return two


def test_there_and_back_twice_by_files_alone(two: Two) -> None:
    for turn in (1, 2):
        told = two.offer(two.here, "AH/1", "there", f"out{turn}", "--copy-media" if turn == 1 else "--note=again")
        assert told.json["to"] == f"{THERE}, Agencija"
        media = [] if turn == 1 else [two.there.put("stick.raw", fat12())]
        taken = two.take(two.there, f"out{turn}", *media, "--anchor", told.json["fingerprint"], receipt=f"r{turn}")
        assert (taken.code, taken.json["outcome"], taken.json["exhibit"]) == (0, "accepted", "AH/1"), taken
        anchor = ("--anchor", taken.json["fingerprint"])
        noted = two.here.run("exhibit", "receipt", two.folder / f"r{turn}", *anchor, "--json")
        assert (noted.code, noted.json["outcome"]) == (0, "accepted"), noted
        two.here.run("verify", "AH/1").refused(1, "handed over to")

        back = two.offer(two.there, "AH/1", "here", f"back{turn}")
        stick = two.here.stick()
        home = two.take(two.here, f"back{turn}", stick, receipt=f"b{turn}")  # the head known from before anchors it
        assert (home.code, home.json["remarks"]) == (0, []), (back, home)
        closed = two.there.run("exhibit", "receipt", two.folder / f"b{turn}", "--json")
        assert closed.code == 0, closed
        assert two.here.run("verify", "AH/1").code == 0
    assert intact(two.here)
    assert intact(two.there)
    assert count(two.there, "exhibit.register") == 1
    assert count(two.here, "exhibit.register") == 2
    assert last(two.here, "transfer.receipt")["match"] is True


def test_first_contact_is_told_and_stands_in_the_ledger(offered: Two) -> None:
    told = offered.take(offered.there, "out", offered.here.stick())
    assert told.code == 4, told
    assert "compare its fingerprint with them" in told.json["remarks"][0]
    assert "compare its fingerprint" in last(offered.there, "transfer.receive")["note"]


def test_the_receiver_registers_what_is_on_record_there(offered: Two) -> None:
    assert offered.take(offered.there, "out", offered.here.stick(), "--ref", "ŠĐ/7").code == 4
    registered = last(offered.there, "exhibit.register")
    assert (registered["ref"], registered["seizure"]["ref"]) == ("ŠĐ/7", "AH/1")
    assert registered["seizure"]["agency"] == "Invented Agency"
    assert registered["media_digests"] == last(offered.here, "transfer.offer")["digest"]
    received = last(offered.there, "transfer.receive")
    assert (received["digest"], received["offer"]["ledger"]) == (
        registered["media_digests"],
        registered["seizure"]["ledger"],
    )
    shown = offered.there.run("exhibit", "show", "ŠĐ/7")
    assert shown.code == 0
    assert "Invented Agency" in shown.out


def test_carrying_things_twice_does_no_harm(offered: Two) -> None:
    stick = offered.here.stick()
    assert offered.take(offered.there, "out", stick).code == 4
    again = offered.take(offered.there, "out", stick, receipt="second.json")
    assert again.code == 0, again
    assert "only the receipt is written again" in again.json["remarks"][0]
    assert count(offered.there, "transfer.receive") == 1
    for name in ("receipt.json", "second.json", "receipt.json"):
        told = offered.here.run("exhibit", "receipt", offered.folder / name, "--json")
        assert told.code in (0, 4), told
    assert count(offered.here, "transfer.receipt") == 1
    offered.receive(offered.there, "out", "--refuse", "too late", receipt="third").refused(1, "taken over already")


def test_an_offer_that_waits_has_its_folder_written_again(offered: Two) -> None:
    before = count(offered.here, "transfer.offer")
    offered.offer(offered.here, "AH/1", "there", "out again")
    assert count(offered.here, "transfer.offer") == before
    assert offered.take(offered.there, "out again", offered.here.stick()).code == 4
    offered.offer(offered.here, "AH/1", "there", "out", code=1).refused(1, "not empty")
    told = offered.offer(offered.here, "AH/1", "there", "other", "--note", "changed", code=1)
    told.refused(1, "waits already", "withdraw it first")


def test_a_refusal_travels_as_a_receipt_too(offered: Two) -> None:
    told = offered.receive(offered.there, "out", "--refuse", "the bag is open")
    assert (told.code, told.json["outcome"]) == (4, "refused"), told
    assert count(offered.there, "exhibit.register") == 0
    noted = offered.here.run("exhibit", "receipt", offered.folder / "receipt.json", "--json")
    assert (noted.json["outcome"], noted.json["reason"]) == ("refused", "the bag is open")
    assert offered.here.run("verify", "AH/1").code == 0
    offered.take(offered.there, "out", offered.here.stick(), receipt="r2").refused(1, "refused already", "new offer")
    assert intact(offered.there)


def test_other_media_are_not_taken_over(offered: Two) -> None:
    other = offered.there.put("other.raw", fat12()[:-1] + b"!")
    offered.take(offered.there, "out", other).refused(3, "not the media that were offered")
    assert count(offered.there, "transfer.receive") == 0
    offered.there.run("verify", "AH/1").refused(1, "announced by Invented Agency and not received")
    assert offered.take(offered.there, "out", offered.here.stick()).code == 4
    assert count(offered.there, "exhibit.register") == 1


def test_another_bag_number_is_refused_unless_explained(offered: Two) -> None:
    words = ("--seal", "B-9", "--condition", "dry", offered.here.stick())
    offered.receive(offered.there, "out", *words).refused(1, "the seal found is B-9, on record is none")
    assert count(offered.there, "exhibit.register") == 0
    told = offered.receive(offered.there, "out", *words, "--despite", "bagged by the courier")
    assert told.code == 4, told
    assert "bagged by the courier" in last(offered.there, "transfer.receive")["note"]


def test_the_wrong_person_and_the_wrong_receipt(offered: Two, elsewhere: Lab, tmp_path: Path) -> None:
    third = Lab(tmp_path / "third")
    third.run("init", third.case, "--number", "3", "--agency", "Third", "--examiner", "Somebody")
    offered.take(third, "out", offered.here.stick()).refused(1, f"offered to {THERE}")
    offered.here.run("exhibit", "receipt", offered.folder / "out").refused(1, "bundle of this ledger itself")
    strange = offered.folder / "strange.json"
    assert third.run("bundle", "create", "-o", strange, "--for", "x").code == 0
    offered.here.run("exhibit", "receipt", strange).refused(1, "no receipt for anything handed over here")


def test_a_withdrawn_offer_takes_no_receipt(offered: Two) -> None:
    assert offered.take(offered.there, "out", offered.here.stick()).code == 4
    assert offered.here.run("exhibit", "withdraw", "AH/1", "--reason", "changed our minds").code == 0
    told = offered.here.run("exhibit", "receipt", offered.folder / "receipt.json")
    told.refused(1, "was withdrawn", "settle with them who holds it")
    assert intact(offered.here)


def damaged(folder: Path, how: str) -> None:
    bundle = folder / "bundle.json"
    if how == "missing":
        bundle.unlink()
    elif how == "half":
        bundle.write_bytes(bundle.read_bytes()[:-500])
    elif how == "flipped":
        data = bytearray(bundle.read_bytes())
        data[data.find(b'"payload":"') + 40] ^= 1
        bundle.write_bytes(data)
    else:
        body = json.loads(bundle.read_text())
        body["entries"][0]["openings"] = {}
        body["format"] = "evikit-bundle-9"
        bundle.write_text(json.dumps(body))


@pytest.mark.parametrize(("how", "code"), [("missing", 1), ("half", 3), ("flipped", 3), ("newer", 3)])
def test_a_damaged_folder_records_nothing(offered: Two, how: str, code: int) -> None:
    shutil.copytree(offered.folder / "out", offered.folder / "bad")
    damaged(offered.folder / "bad", how)
    size = len(offered.there.log())
    offered.take(offered.there, "bad", offered.here.stick()).refused(code)
    assert len(offered.there.log()) == size


def test_words_that_do_not_go_together(offered: Two) -> None:
    offered.receive(offered.there, "out").refused(2, "--seal and --condition")
    offered.receive(offered.there, "out", "--refuse", "r", "--seal", "none").refused(2, "not both")
    offered.take(offered.there, "out").refused(1, "no media in the folder", "--no-media")
    run = offered.here.run
    run("exhibit", "offer", "AH/1").refused(2, "--to", "--outside")
    run("exhibit", "offer", "AH/1", "--outside", offered.cards["there"]).refused(2, "-o FOLDER")
    run("exhibit", "offer", "AH/1", "--to", "X", "--copy-media").refused(2, "within a case nothing is carried")
    (offered.folder / "receipt.json").write_text("mine")
    offered.take(offered.there, "out", offered.here.stick()).refused(1, "exists already")


def test_another_exhibit_of_the_same_name_needs_a_name_of_its_own(offered: Two) -> None:
    offered.there.ingest("AH/1", offered.there.put("own.raw", b"own" * 700))
    offered.take(offered.there, "out", offered.here.stick()).refused(1, "another AH/1 here", "--ref")
    assert offered.take(offered.there, "out", offered.here.stick(), "--ref", "AH/1-2").code == 4
    offered.take(offered.there, "out", receipt="again").json  # noqa: B018 - it parses: the receipt is written again


def test_a_thing_without_media_is_taken_over_unread(two: Two) -> None:
    assert two.here.run("exhibit", "register", "AH/9", "--description", "a notebook", "--no-prompt").code == 0
    two.offer(two.here, "AH/9", "there", "out")
    told = two.take(two.there, "out", "--no-media", "paper")
    assert told.code == 4, told
    assert last(two.there, "transfer.receive")["digest"] is None


def test_the_page_for_the_carrier_tells_what_to_do(offered: Two) -> None:
    page = (offered.folder / "out" / "README.txt").read_text()
    assert f"{THERE}, Agencija" in page
    assert "evikit exhibit receive" in page
    assert str(offered.folder) not in page


def test_the_report_says_where_it_came_from(offered: Two, tmp_path: Path) -> None:
    assert offered.take(offered.there, "out", offered.here.stick()).code == 4
    assert offered.there.run("report", "-o", tmp_path / "report", "--for", "the court").code == 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert "Came from" in page
    assert "Seized</dt>" not in page
    assert "where its reference is" in page
