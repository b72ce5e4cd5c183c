"""Hand-overs that went wrong on the way: carried late, in another order, in part, or with other things beside."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from custody import handover
from tests.console import Lab
from tests.custody.commands.test_hand_over import Two, count, elsewhere, intact, last, offered, two
from tests.forensics.images import fat12

__all__ = ["elsewhere", "offered", "two"]  # fixtures


def test_an_offer_withdrawn_while_it_was_taken_over_there(offered: Two) -> None:
    """Neither ledger is stuck: who held it says that it is theirs, and it can come back."""
    assert offered.take(offered.there, "out", offered.here.stick()).code == 4
    assert offered.here.run("exhibit", "withdraw", "AH/1", "--reason", "changed our minds").code == 0
    receipt = ("exhibit", "receipt", offered.folder / "receipt.json")
    offered.here.run(*receipt).refused(1, "was withdrawn", "took it over meanwhile", "--despite")
    offered.here.run(*receipt, "--despite", " ").refused(1, "reason is empty")
    assert count(offered.here, "transfer.receipt") == 0
    told = offered.here.run(*receipt, "--despite", "the courier had left", "--json")
    assert (told.code, told.json["outcome"]) == (4, "accepted"), told
    assert "the courier had left" in last(offered.here, "transfer.receipt")["note"]
    offered.here.run("verify", "AH/1").refused(1, "handed over to")
    assert offered.here.run(*receipt, "--despite", "again").code in (0, 4)
    assert count(offered.here, "transfer.receipt") == 1
    offered.offer(offered.there, "AH/1", "here", "back")
    assert offered.take(offered.here, "back", offered.here.stick(), receipt="b").code == 0
    assert offered.there.run("exhibit", "receipt", offered.folder / "b").code == 0
    assert intact(offered.here)
    assert intact(offered.there)


def test_a_refusal_of_an_offer_that_was_withdrawn_needs_no_record(offered: Two) -> None:
    assert offered.receive(offered.there, "out", "--refuse", "the bag is open").code == 4
    assert offered.here.run("exhibit", "withdraw", "AH/1", "--reason", "changed our minds").code == 0
    told = offered.here.run("exhibit", "receipt", offered.folder / "receipt.json", "--despite", "so what")
    told.refused(1, "waits for no answer", "They refused it")
    assert offered.here.run("verify", "AH/1").code == 0


def test_a_lost_receipt_is_made_good_by_what_comes_back(offered: Two) -> None:
    assert offered.take(offered.there, "out", offered.here.stick()).code == 4
    (offered.folder / "receipt.json").unlink()
    offered.offer(offered.there, "AH/1", "here", "back")
    offered.take(offered.here, "back", offered.here.stick(), receipt="b").refused(1, "is here, by this ledger")
    assert offered.here.run("exhibit", "receipt", offered.folder / "back").code == 4
    assert offered.take(offered.here, "back", offered.here.stick(), receipt="b").code == 0


def test_two_folders_that_arrive_in_the_other_order(offered: Two) -> None:
    """The older one is a part of the newer one's history: nobody is accused of rewriting it."""
    log = offered.here.put("auth.log", b"Mar  9 02:02:11 mx01 sshd[7000]: session opened\n" * 20)
    offered.here.ingest("AH/4", log)
    offered.offer(offered.here, "AH/4", "there", "second")
    assert offered.take(offered.there, "second", log, receipt="r2").code == 4
    first = offered.take(offered.there, "out", offered.here.stick(), receipt="r1")
    assert (first.code, first.json["remarks"]) == (0, []), first
    assert offered.here.run("exhibit", "receipt", offered.folder / "r1").code == 4
    later = offered.here.run("exhibit", "receipt", offered.folder / "r2", "--json")
    assert (later.code, later.json["exhibit"]) == (0, "AH/4"), later
    assert intact(offered.here)
    assert intact(offered.there)


def test_an_older_folder_is_not_believed_without_what_came_last(offered: Two) -> None:
    log = offered.here.put("auth.log", b"Mar  9 02:02:11 mx01 sshd[7000]: session opened\n" * 20)
    offered.here.ingest("AH/4", log)
    offered.offer(offered.here, "AH/4", "there", "second")
    assert offered.take(offered.there, "second", log, receipt="r2").code == 4
    for path in (offered.there.case / "receipts").glob("*.bundle.json"):
        path.unlink()
    offered.take(offered.there, "out", offered.here.stick()).refused(1, "before what came from them last", "again")
    offered.offer(offered.here, "AH/1", "there", "again")
    assert offered.take(offered.there, "again", offered.here.stick()).code == 0


def test_an_older_folder_of_another_history_is_found(two: Two, tmp_path: Path) -> None:
    """The giver's ledger as a copy that went on by itself: its shorter history is no part of the longer one."""
    fork = two.here.copied(tmp_path / "fork")
    fork.ingest("AH/7", fork.put("own.log", b"Mar  9 02:02:11 mx01 sshd[7000]: session opened\n"))
    two.offer(fork, "AH/7", "there", "forked")
    for name in ("AH/5", "AH/6"):
        two.here.ingest(name, two.here.put(f"{name[-1]}.log", name.encode() * 500))
    stick = two.here.stick()
    two.here.run("verify", "AH/1", stick)
    two.offer(two.here, "AH/1", "there", "out")
    assert two.take(two.there, "out", stick).code == 4
    own = fork.evidence / "own.log"
    two.take(two.there, "forked", own, receipt="r2").refused(3, "does not verify")
    assert count(two.there, "exhibit.register") == 1
    assert intact(two.there)


def test_a_folder_that_lay_about_while_the_thing_went_there_and_back(offered: Two) -> None:
    offered.here.run("exhibit", "withdraw", "AH/1", "--reason", "the courier is ill")
    offered.offer(offered.here, "AH/1", "there", "out2")
    assert offered.take(offered.there, "out2", offered.here.stick()).code == 4
    assert offered.here.run("exhibit", "receipt", offered.folder / "receipt.json").code == 4
    offered.offer(offered.there, "AH/1", "here", "back")
    assert offered.take(offered.here, "back", offered.here.stick(), receipt="b").code == 0
    assert offered.there.run("exhibit", "receipt", offered.folder / "b").code == 0
    offered.take(offered.there, "out", offered.here.stick(), receipt="late").refused(
        1, "older than the one", "new offer"
    )
    assert count(offered.there, "transfer.receive") == 1


@pytest.mark.parametrize("moment", ["announce", "receive", "write_bundle"])
def test_a_taking_over_that_is_stopped_goes_on(moment: str, offered: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped after any of its records: the same command again finishes it, and nothing stands twice."""
    real: Callable[..., object] = getattr(handover, moment)

    def stopped(*given: object) -> object:
        if moment != "write_bundle":
            real(*given)
        raise KeyboardInterrupt

    stick = offered.here.stick()
    with monkeypatch.context() as patch:
        patch.setattr(handover, moment, stopped)
        assert offered.take(offered.there, "out", stick).code not in (0, 4)
    told = offered.take(offered.there, "out", stick)
    assert told.code in (0, 4), told
    assert count(offered.there, "exhibit.register") == 1
    assert count(offered.there, "transfer.receive") == 1
    assert offered.here.run("exhibit", "receipt", offered.folder / "receipt.json").code == 4
    assert intact(offered.there)


def test_an_offer_that_is_stopped_is_made_once(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> bytes:
        raise KeyboardInterrupt

    two.here.run("verify", "AH/1", two.here.stick())
    with monkeypatch.context() as patch:
        patch.setattr(handover, "write_bundle", stopped)
        words = ("exhibit", "offer", "AH/1", "--outside", two.cards["there"], "-o", two.folder / "out")
        assert two.here.run(*words).code not in (0, 4)
    two.offer(two.here, "AH/1", "there", "out")
    assert count(two.here, "transfer.offer") == 1
    assert two.take(two.there, "out", two.here.stick()).code == 4


@pytest.fixture
def copied(two: Two) -> Path:
    """The media in a folder with the offer."""
    two.here.run("verify", "AH/1", two.here.put("stick.raw", fat12()))
    two.offer(two.here, "AH/1", "there", "out", "--copy-media")
    return two.folder / "out" / "media"


def test_what_a_carriers_system_leaves_beside_the_media_is_let_be(two: Two, copied: Path) -> None:
    (copied / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (copied / "System Volume Information").mkdir()
    (copied / "zz").symlink_to("/etc/hostname")
    assert two.take(two.there, "out").code == 4
    assert last(two.there, "transfer.receive")["digest"] == last(two.here, "transfer.offer")["digest"]


@pytest.mark.parametrize(
    ("how", "code", "said"), [("gone", 1, "carried whole"), ("half", 3, "not the media"), ("link", 1, "no plain file")]
)
def test_media_copied_in_part_or_exchanged_for_a_link(how: str, code: int, said: str, two: Two, copied: Path) -> None:
    data = (copied / "stick.raw").read_bytes()
    (copied / "stick.raw").unlink()
    if how == "half":
        (copied / "stick.raw").write_bytes(data[:4096])
    elif how == "link":
        (copied / "stick.raw").symlink_to(two.here.stick())
    two.take(two.there, "out").refused(code, said)
    assert count(two.there, "transfer.receive") == 0
    (copied / "stick.raw").unlink(missing_ok=True)
    (copied / "stick.raw").write_bytes(data)
    assert two.take(two.there, "out").code == 4
    assert count(two.there, "exhibit.register") == 1
    assert intact(two.there)


@pytest.mark.parametrize("how", ["link", "pipe", "folder"])
def test_a_bundle_that_is_no_file_is_not_read(how: str, offered: Two) -> None:
    bundle = offered.folder / "out" / "bundle.json"
    bundle.unlink()
    if how == "link":
        bundle.symlink_to("/dev/zero")
    elif how == "pipe":
        os.mkfifo(bundle)
    else:
        bundle.mkdir()
    size = len(offered.there.log())
    offered.take(offered.there, "out", offered.here.stick()).refused(1, "no plain file")
    assert len(offered.there.log()) == size


def test_a_receipt_that_never_ends_is_not_read(case: Lab) -> None:
    assert case.run("bundle", "verify", "/dev/zero").code == 3


def test_what_was_corrected_goes_with_the_exhibit(two: Two) -> None:
    words = ("exhibit", "register", "AH/9", "--description", "a red notebook", "--no-prompt", "--json")
    entry = two.here.run(*words).json["entry"]
    fixed = two.here.run("correct", entry, "description", "--new", "a blue notebook", "--reason", "seen by daylight")
    assert fixed.code == 0, fixed
    two.offer(two.here, "AH/9", "there", "out")
    assert two.take(two.there, "out", "--no-media", "paper").code == 4
    assert last(two.there, "exhibit.register")["description"] == "a blue notebook"
