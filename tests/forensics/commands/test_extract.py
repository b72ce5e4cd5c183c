"""`evikit extract` and `evikit verify`: evidence opened once more, each time an access with an outcome."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.commands.demo import _samples
from tests.console import Lab
from tests.forensics.images import DEEP, GONE, HELLO, e01, fat12

WHY = ("--purpose", "look at it", "--json")


def test_a_file_a_deleted_file_and_one_in_a_folder(case: Lab) -> None:
    told = case.run("extract", "AH/1", "HELLO.TXT", "_ONE.TXT", "SUB/DEEP.BIN", *WHY)
    assert told.code == 0, told
    for line, content in zip(told.lines, (HELLO, GONE, DEEP), strict=True):
        path = Path(line["file"])
        assert path.parent == case.case / "extracted" / "AH-1"
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o444
        assert (line["match"], line["problem"]) == (True, "")
        assert line["sha256"] == hashlib.sha256(content).hexdigest()
    accesses = [line for line in case.log("--exhibit", "AH/1") if line["purpose"] == "look at it"]
    assert len(accesses) == 3  # each file is an access of its own


def test_a_stream_out_of_ntfs(lab: Lab) -> None:
    image = lab.put("laptop.img", (_samples() / "laptop-ntfs.img").read_bytes())
    assert lab.ingest("AH/1", image)["files"] > 40
    stream = "Users/dorian/Downloads/hits.txt:Zone.Identifier"
    told = lab.run("extract", "AH/1", stream, *WHY)
    assert told.code == 0, told
    assert b"ZoneTransfer" in Path(told.json["file"]).read_bytes()
    assert "/" not in Path(told.json["file"]).name


def test_a_log_out_of_a_folder(case: Lab) -> None:
    told = case.run("extract", "AH/2", "web/access.log", "-o", case.folder / "out", *WHY)
    assert told.code == 0, told
    assert Path(told.json["file"]).parent == case.folder / "out"
    assert b"kit_fatura.zip" in Path(told.json["file"]).read_bytes()


def test_names_are_taken_as_listed_or_as_they_are(lab: Lab) -> None:
    (lab.evidence / "odd").mkdir()
    odd = os.fsencode(lab.evidence / "odd")
    for name in (b"b\xffd.log", b"new\nline\x1b.log"):
        with open(odd + b"/" + name, "wb") as file:  # noqa: PTH123 - the name is bytes
            file.write(b"x\n")
    lab.ingest("AH/1", lab.evidence / "odd")
    shown = [line.rsplit(" ", 1)[1] for line in lab.run("files", "--exhibit", "AH/1").out.splitlines()[1:]]
    assert shown == ["b\\xffd.log", "new\\x0aline\\x1b.log"]
    for name in (*shown, "new\nline\x1b.log"):
        told = lab.run("extract", "AH/1", name, *WHY)
        assert told.code == 0, told
        assert Path(told.json["file"]).read_bytes() == b"x\n"
        assert "\n" not in told.json["file"]
    assert lab.program("extract", "AH/1", b"b\xffd.log", *WHY).code == 0


def test_no_name_leaves_the_folder(case: Lab) -> None:
    before = len(case.log())
    for path in ("../../etc/passwd", "/etc/passwd", "SUB/../HELLO.TXT", "nosuch"):
        told = case.run("extract", "AH/1", path, *WHY)
        told.refused(1, "the examination lists no", "evikit files")
    case.run("extract", "AH/1", "SUB", *WHY).refused(1, "is a directory, not a file")
    case.run("extract", "AH/9", "HELLO.TXT", *WHY).refused(1, "there is no exhibit 'AH/9'")
    case.run("extract", "AH/1", "HELLO.TXT", "--purpose", " ").refused(1, "the purpose is empty")
    assert len(case.log()) == before


def test_evidence_that_changed_since(case: Lab) -> None:
    stick = case.put("mine.raw", fat12())
    case.ingest("AH/3", stick)
    data = bytearray(fat12())
    data[4 * 512] ^= 1  # the first byte of HELLO.TXT
    stick.write_bytes(data)
    told = case.run("extract", "AH/3", "HELLO.TXT", *WHY)
    assert (told.code, told.json["match"]) == (3, False)
    stick.write_bytes(bytes(len(data)))
    told = case.run("extract", "AH/3", "HELLO.TXT", *WHY)
    assert told.code == 4, told
    assert "FAT" in told.json["problem"]
    assert told.json["file"] == ""  # nothing was read, so nothing lies there
    assert len(list((case.case / "extracted" / "AH-3").iterdir())) == 1


# --- verify ------------------------------------------------------------------------------------------------


def spoil_nothing(_: Path) -> None: ...


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1000] ^= 1
    path.write_bytes(data)


def add_a_file(path: Path) -> None:
    (path / "more.log").write_bytes(b"x\n")


@pytest.mark.parametrize(
    ("kind", "spoil", "code"),
    [
        ("raw", spoil_nothing, 0),
        ("raw", flip, 3),
        ("e01", spoil_nothing, 0),
        ("e01", flip, 3),
        ("folder", spoil_nothing, 0),
        ("folder", add_a_file, 3),
    ],
)
def test_verify(kind: str, spoil: Callable[[Path], None], code: int, lab: Lab) -> None:
    path = {
        "raw": lab.stick,
        "e01": lambda: lab.put("disk.E01", e01(fat12(), compress=False)[0]),
        "folder": lab.logs,
    }[kind]()
    lab.ingest("AH/1", path)
    spoil(path)
    told = lab.run("verify", "AH/1", "--json")
    assert (told.code, told.json["match"]) == (code, code == 0), told
    assert told.json["expected"]["sha256"]
    end = lab.log("--exhibit", "AH/1")[-1]
    assert (end["type"], end["match"]) == ("access.end", code == 0)
    people = lab.run("verify", "AH/1").out
    assert people.startswith("AH/1 ")
    assert ("MISMATCH" in people, "what to do" in people) == (code == 3, code == 3)


def test_moved_and_missing_evidence(case: Lab) -> None:
    stick = case.put("mine.raw", fat12(64))
    case.ingest("AH/3", stick)
    stick.rename(case.evidence / "moved.raw")
    case.run("verify", "AH/3").refused(1, "is not where it was read", "Put it back")
    told = case.run("verify", "--all", "--json")
    assert told.code == 1
    assert [(line["exhibit"], line["match"]) for line in told.lines] == [("AH/1", True), ("AH/2", True), ("AH/3", None)]
    assert case.run("ingest", case.evidence / "moved.raw", "--exhibit", "AH/3", *WHY).code == 0
    assert case.run("verify", "AH/3").code == 0


def test_a_name_that_is_not_utf_8_is_found_again(lab: Lab) -> None:
    name = os.fsencode(lab.evidence) + b"/ev\xff.log"
    with open(name, "wb") as file:  # noqa: PTH123 - the name is bytes
        file.write(b"Mar 10 07:15:00 mx01 sshd[1]: x\n")
    told = lab.program("ingest", name, "--exhibit", "AH/1", *WHY, "--zone", "UTC")
    assert told.code == 0, told
    assert told.json["container"][0]["name"] == "ev\\xff.log"
    assert lab.run("verify", "AH/1").code == 0
    assert lab.run("extract", "AH/1", "ev\\xff.log", *WHY).code == 0


def test_what_was_never_read_cannot_be_verified(lab: Lab) -> None:
    lab.run("verify", "AH/1").refused(1, "there is no exhibit", "Registered: none")
    lab.run("verify", "--all").refused(1, "there are no exhibits", "evikit ingest")
    bad = lab.put("disk.qcow2", b"QFI\xfb" + bytes(1020))
    lab.run("ingest", bad, "--exhibit", "AH/1", *WHY).refused(1)
    lab.run("verify", "AH/1").refused(1, "AH/1 was never read here", "evikit ingest")
