"""`evikit exhibit relocate`: an image moved to other storage."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from custody.ledger.store import Ledger
from custody.opened import values_of
from tests.console import Lab
from tests.forensics.images import e01, fat12


def moves(lab: Lab) -> list[dict[str, Any]]:
    with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
        return [values_of(row) for row in ledger.rows_of("exhibit.relocate")]


@pytest.fixture
def taken(lab: Lab) -> Lab:
    """AH/1, a stick."""
    lab.ingest("AH/1", lab.stick())
    return lab


def moved(lab: Lab, name: str = "stick.raw", to: str = "nas") -> Path:
    target = lab.evidence / to / name
    target.parent.mkdir(exist_ok=True)
    shutil.move(lab.evidence / name, target)
    return target


def test_an_image_is_read_at_its_new_place_and_from_there_on(taken: Lab) -> None:
    place = moved(taken)
    taken.run("verify", "AH/1").refused(1, "is not where it was read", "evikit exhibit relocate AH/1")
    told = taken.run("exhibit", "relocate", "AH/1", place, "--reason", "the desk disk is full", "--json")
    assert told.code == 0, told
    assert (told.json["from"], told.json["to"]) == (str(taken.evidence / "stick.raw"), str(place))
    (entry,) = moves(taken)
    assert (entry["match"], entry["reason"]) == (True, "the desk disk is full")
    assert [part["path"] for part in entry["parts"]["from"]] == [str(taken.evidence / "stick.raw")]
    assert [part["path"] for part in entry["parts"]["to"]] == [str(place)]
    assert [item["type"] for item in taken.log()][-5:-1] == [
        "closing",
        "access.begin",
        "access.end",
        "exhibit.relocate",
    ]
    assert taken.run("verify", "AH/1").code == 0
    assert taken.run("extract", "AH/1", "HELLO.TXT", "--purpose", "read it").code == 0
    assert taken.run("ledger", "verify").code == 0
    told = taken.run("exhibit", "show", "AH/1")
    assert str(place) in told.out
    taken.run("exhibit", "relocate", "AH/1", place).refused(1, "is read from there already")


def test_the_report_tells_both_places(taken: Lab) -> None:
    place = moved(taken)
    assert taken.run("exhibit", "relocate", "AH/1", place).code == 0
    assert taken.run("report", "-o", taken.folder / "report").code == 0
    page = (taken.folder / "report" / "report.html").read_text("utf-8")
    (said,) = (line for line in page.split("<tr") if "The image files were moved" in line)
    assert str(place) in said
    assert str(taken.evidence / "stick.raw") in said


def test_other_media_are_not_the_exhibit(taken: Lab) -> None:
    other = taken.put("nas/stick.raw", fat12()[:-1] + b"!")
    taken.run("exhibit", "relocate", "AH/1", other).refused(3, "what is there is not AH/1", "stays where it was")
    assert moves(taken) == []
    assert taken.log()[-2]["outcome"] == "completed"
    told = taken.run("verify", "AH/1")
    assert told.code == 0, told  # still read from where it was
    short = taken.put("nas/short.raw", fat12()[:512])
    taken.run("exhibit", "relocate", "AH/1", short).refused(3, "is not AH/1")


def test_the_files_of_a_container_are_held_against_the_record_too(lab: Lab) -> None:
    lab.ingest("AH/1", *[lab.put(f"disk.E{i:02d}", data) for i, data in enumerate(e01(fat12(), segments=2), 1)][:1])
    for number in (1, 2):
        moved(lab, f"disk.E{number:02d}")
    place = lab.evidence / "nas" / "disk.E01"
    whole = place.read_bytes()
    place.write_bytes(whole + b"\0")  # the media stream is the same, the file is not
    lab.run("exhibit", "relocate", "AH/1", place).refused(3, "not the file of this name on record")
    place.write_bytes(whole)
    assert lab.run("exhibit", "relocate", "AH/1", place).code == 0
    assert lab.run("verify", "AH/1").code == 0


def test_a_folder_moves_too_and_what_was_left_behind_is_told(lab: Lab) -> None:
    lab.ingest("AH/2", lab.logs())
    place = lab.evidence / "nas"
    shutil.copytree(lab.evidence / "logs", place)
    told = lab.run("exhibit", "relocate", "AH/2", place)
    assert told.code == 0, told
    assert "still at the old place" in told.err


def test_what_left_or_was_never_read_does_not_move(taken: Lab) -> None:
    place = moved(taken)
    ending = ["--to", "the owner", "--authority", "Decision 5", "--reason", "closed", "--witness", "Ana"]
    assert taken.run("exhibit", "return", "AH/1", *ending).code == 0
    before = len(taken.log())
    taken.run("exhibit", "relocate", "AH/1", place).refused(1, "was returned to the owner")
    assert len(taken.log()) == before
    assert taken.run("exhibit", "register", "AH/2", "--no-prompt").code == 0
    taken.run("exhibit", "relocate", "AH/2", place).refused(1, "was never read here")
    taken.run("exhibit", "relocate", "AH/2", place / "nowhere").refused(1, "cannot be found")
    taken.run("exhibit", "relocate", "AH/2").refused(2, "missing argument")


def test_without_a_digest_nothing_tells_that_it_is_the_same(lab: Lab) -> None:
    (data,) = e01(fat12())
    damaged = bytearray(data)
    damaged[data.index(b"sectors") + 100] ^= 0xFF  # in the first chunk
    assert lab.run("ingest", lab.put("cut.E01", bytes(damaged)), "--exhibit", "AH/1", "--purpose", "look").code == 4
    lab.run("exhibit", "relocate", "AH/1", moved(lab, "cut.E01")).refused(1, "no digest of the media")
    lab.run("exhibit", "relocate", "AH/1", lab.case / "receipts").refused(1, "holds the case or its keys")
