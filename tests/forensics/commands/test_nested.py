"""`evikit ingest` of what is named by its reference: an exhibit where it stands, and images inside exhibits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from forensics.examine.extraction import Extracted
from tests.console import Lab
from tests.forensics.commands.test_acquire import entry
from tests.forensics.fat12 import File, image
from tests.forensics.images import HELLO, fat12
from tests.forensics.qemu import qemu_img

WHY = ("--purpose", "look inside", "--json")


def holder(files: Mapping[str, bytes]) -> bytes:
    """A FAT12 image that holds these files."""
    return image([File(name, data) for name, data in files.items()])


@pytest.fixture(scope="session")
def holding(begun: Lab, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """AH/1: a stick that holds a raw image in two segments, a text, and a segment whose fellow is missing."""
    lab = begun.copied(tmp_path_factory.mktemp("holding"))
    inner = fat12()
    held = {"DISK.001": inner[:40960], "DISK.002": inner[40960:], "NOTE.TXT": b"read me\n", "LOST.001": inner[:512]}
    lab.ingest("AH/1", lab.put("stick.raw", holder({**held, "LOST.003": inner[512:1024]})))
    return lab


@pytest.fixture
def split(holding: Lab, tmp_path: Path) -> Lab:
    """A copy of it to write in."""
    return holding.copied(tmp_path / "lab")


def test_after_an_acquisition_its_image_is_what_is_examined(lab: Lab) -> None:
    stick = lab.stick()
    words = ("--exhibit", "AH/1", "--purpose", "image the stick", "--to", lab.folder / "out", "--to", lab.folder / "b")
    assert lab.run("acquire", stick, *words).code == 0
    stick.unlink()  # back to its owner
    told = lab.run("ingest", "AH/1", *WHY)
    assert told.code == 0, told
    assert told.json["media"]["format"] == "ewf"
    assert told.json["media"]["sha256"] == hashlib.sha256(fat12()).hexdigest()
    assert entry(lab, "access.begin")["parts"][0]["path"] == str(lab.folder / "out" / "AH-1.E01")
    assert lab.run("verify", "AH/1").code == 0
    lab.run("ingest", "--exhibit", "AH/1", *WHY).refused(1, "was taken in already")
    assert lab.run("ingest", "--exhibit", "AH/1", "--again", *WHY).code == 0
    assert lab.run("extract", "AH/1", "HELLO.TXT", *WHY).code == 0
    assert lab.run("search", "AH/1", "--word", "hello", *WHY).code == 0
    found = [row for row in lab.run("check", "--json").lines if row["code"] == "AQ-03"]
    assert found == []  # the image was read each time, and never the stick itself


def test_segments_of_an_acquisition(lab: Lab) -> None:
    words = ("--exhibit", "AH/1", "--purpose", "image the stick", "--format", "raw")
    assert lab.program("acquire", lab.stick(), *words, "--to", os.fsencode(lab.folder) + b"/\xff").code == 0
    told = lab.run("ingest", "AH/1", *WHY)
    assert told.code == 0, told
    assert entry(lab, "access.begin")["parts"][0]["path"].endswith("/\\xff/AH-1.dd")


def test_an_image_in_segments_inside_an_exhibit(split: Lab) -> None:
    told = split.run("ingest", "AH/1:DISK.001", *WHY)
    assert told.code == 0, told
    said = told.json
    assert (said["exhibit"], said["media"]["format"]) == ("AH/1/1", "split")
    assert said["media"]["sha256"] == hashlib.sha256(fat12()).hexdigest()
    shown = split.run("exhibit", "show", "AH/1/1").out
    assert "derived" in shown
    assert "DISK.001 in AH/1" in shown
    taking = [line for line in split.log("--exhibit", "AH/1") if line["purpose"] == "look inside"]
    assert len(taking) == 1  # one access of the exhibit, both segments in it
    folder = split.case / "evidence" / "AH-1-1-inner"
    assert sorted(path.name for path in folder.iterdir()) == ["DISK.001", "DISK.002"]
    assert all(path.stat().st_mode & 0o777 == 0o444 for path in folder.iterdir())
    assert split.run("extract", "AH/1/1", "HELLO.TXT", *WHY).json["sha256"] == hashlib.sha256(HELLO).hexdigest()
    split.run("ingest", "AH/1:DISK.001", *WHY).refused(1, "AH/1/1 was taken in already")
    split.run("ingest", "AH/1:DISK.001", "--exhibit", "AH/9", *WHY).refused(1, "as AH/1/1")
    assert split.run("ingest", "AH/1:0:DISK.001", "--again", *WHY).code == 0
    assert split.run("verify", "AH/1/1").code == 0
    assert split.run("ledger", "verify").code == 0


def test_a_reference_of_its_own_and_a_slip(split: Lab) -> None:
    slip = "sha256:" + hashlib.sha256(b"read me\n").hexdigest()
    told = split.run("ingest", "AH/1:0:NOTE.TXT", "--exhibit", "AH/1-A", "--expect", slip, *WHY)
    assert (told.code, told.json["exhibit"], told.json["mismatches"]) == (0, "AH/1-A", [])
    split.run("ingest", "AH/1:0:DISK.001", "--exhibit", "AH/1-A", *WHY).refused(1, "is an exhibit already")


def test_a_missing_segment_is_recorded_and_nothing_is_left(split: Lab) -> None:
    split.run("ingest", "AH/1:LOST.001", *WHY).refused(1, "segment missing: LOST.002")
    end = entry(split, "access.end")
    assert (end["outcome"], "LOST.002" in end["error"]) == ("failed", True)
    assert not list((split.case / "evidence").iterdir())
    split.run("exhibit", "show", "AH/1/1").refused(1, "no exhibit")


@pytest.mark.parametrize(
    ("named", "why"),
    [("AH/1:NO.001", "lists no"), ("AH/9:X.E01", "there is no"), ("AH/1:../x", "lists no"), ("nosuch", "there is no")],
)
def test_what_is_not_there(split: Lab, named: str, why: str) -> None:
    before = len(split.log())
    split.run("ingest", named, *WHY).refused(1, why)
    assert len(split.log()) == before


def test_words_that_cannot_be(split: Lab) -> None:
    assert split.run("ingest", split.stick("other.raw"), *WHY).code == 2
    split.run("ingest", "--exhibit", "AH/7", *WHY).refused(1, "no exhibit 'AH/7'")
    split.run("ingest", "AH/1", "--exhibit", "AH/2", *WHY).refused(1, "is not AH/2")
    split.run("ingest", "AH/1:NOTE.TXT", "--purpose", " ").refused(1, "the purpose is empty")
    split.run("ingest", "AH/1:NOTE.TXT", "--expect", "md5:1", *WHY).refused(1, "no digest")


def test_a_stop_while_it_is_taken_out(split: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the outcome and the registration: the same command goes on under the same reference."""
    left = split.case / "evidence" / "AH-1-1-inner"

    def stopped(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("custody.case.Case.register", stopped)
        assert split.run("ingest", "AH/1:DISK.001", *WHY).code != 0
    assert left.is_dir()
    told = split.run("ingest", "AH/1:DISK.001", *WHY)
    assert (told.code, told.json["exhibit"]) == (0, "AH/1/1")


def test_nothing_is_written_over(split: Lab) -> None:
    place = split.case / "evidence" / "AH-1-1-inner"
    place.mkdir()
    split.run("ingest", "AH/1:DISK.001", *WHY).refused(1, "is there already")
    assert place.is_dir()


def test_other_bytes_than_the_examination_read(split: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(_source: Any, _run: Any, _row: Any, output: Path, _secrets: Any) -> Extracted:
        output.write_bytes(b"x")
        return Extracted(1, hashlib.sha256(b"x").hexdigest(), "")

    monkeypatch.setattr("forensics.commands.nested.read_out", changed)
    split.run("ingest", "AH/1:DISK.001", *WHY).refused(3, "is not what the examination read")
    assert entry(split, "access.end")["outcome"] == "failed"


def test_a_snapshot_and_its_parent_in_a_folder(lab: Lab) -> None:
    """A QCOW2 that stands on another, both below a folder that is the exhibit."""
    folder = lab.evidence / "share" / "vm"
    folder.mkdir(parents=True)
    (folder / "base.raw").write_bytes(fat12())
    qemu_img("create", "-q", "-f", "qcow2", "-b", "base.raw", "-F", "raw", "top.qcow2", folder=folder)
    lab.ingest("AH/1", lab.evidence / "share")
    told = lab.run("ingest", "AH/1:vm/top.qcow2", *WHY)
    assert told.code == 0, told
    assert told.json["media"]["sha256"] == hashlib.sha256(fat12()).hexdigest()
    assert [part["name"] for part in told.json["container"]] == ["top.qcow2", "base.raw"]
