"""`evikit ingest`: evidence in whatever form it comes; what does not agree is recorded, what is wrong refused."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from unittest import mock

import pytest

from custody import access
from custody.ledger.store import Ledger
from custody.opened import mapping, values_of
from tests.console import ACCESS, AUTH, EXAMINER, Lab, Told
from tests.forensics.images import e01, fat12
from tests.forensics.qemu import converted, qemu_img

MEDIUM = fat12()
SHA256 = hashlib.sha256(MEDIUM).hexdigest()
MD5 = hashlib.md5(MEDIUM).hexdigest()
WORDS = ("--purpose", "find the couriers", "--json")


def ends(lab: Lab, ref: str) -> list[str]:
    return [line["outcome"] for line in lab.log("--exhibit", ref) if line["type"] == "access.end"]


def accesses(lab: Lab) -> int:
    return sum(line["type"] == "access.begin" for line in lab.log())


# --- what comes in -----------------------------------------------------------------------------------------


def test_the_contract_of_a_raw_image(lab: Lab) -> None:
    found = lab.ingest("AH/1", lab.stick())
    media = found["media"]
    assert {name: media[name] for name in ("format", "size", "sector_size")} == {
        "format": "raw",
        "size": str(len(MEDIUM)),
        "sector_size": "512",
    }
    assert (media["sha256"], media["md5"]) == (SHA256, MD5)
    assert media["sha1"] == hashlib.sha1(MEDIUM).hexdigest()
    assert media["stored"] == {}
    assert found["container"] == [{"name": "stick.raw", "size": str(len(MEDIUM)), "sha256": SHA256}]
    assert found["exhibit"] == "AH/1"
    counted = {name: found[name] for name in ("volumes", "files", "events", "artefacts", "problems")}
    assert all(isinstance(number, int) for number in counted.values()), counted
    assert (counted["volumes"], counted["problems"]) == (1, 0)
    assert (lab.case / "derived" / found["run"]).is_dir()
    assert ends(lab, "AH/1") == ["completed"]


def test_split_raw_named_by_its_first_or_by_all(lab: Lab) -> None:
    half = len(MEDIUM) // 2
    first, second = lab.put("disk.001", MEDIUM[:half]), lab.put("disk.002", MEDIUM[half:])
    by_first, by_all = lab.ingest("AH/1", first), lab.ingest("AH/2", first, second)
    for found in (by_first, by_all):
        assert (found["media"]["format"], found["media"]["sha256"]) == ("split", SHA256)
        assert [part["name"] for part in found["container"]] == ["disk.001", "disk.002"]
        assert found["files"] == by_first["files"] > 3


def put_e01(lab: Lab, name: str = "disk") -> list[Path]:
    return [lab.put(f"{name}.E{number:02d}", data) for number, data in enumerate(e01(MEDIUM, segments=2), 1)]


def test_e01_by_its_first_segment_or_by_all(lab: Lab) -> None:
    segments = put_e01(lab)
    by_first, by_all = lab.ingest("AH/1", segments[0]), lab.ingest("AH/2", *segments)
    for found in (by_first, by_all):
        assert (found["media"]["format"], found["media"]["sha256"]) == ("ewf", SHA256)
        assert found["media"]["stored"]["md5"] == MD5
        assert [part["name"] for part in found["container"]] == ["disk.E01", "disk.E02"]
        assert found["mismatches"] == []
    assert any("examiner name" in line for line in by_first["remarks"])  # the header names someone else
    later = lab.run("ingest", segments[1], "--exhibit", "AH/3", *WORDS)
    later.refused(1, "disk.E02 is segment 2", "Give the first segment")
    segments[1].unlink()
    lab.run("ingest", segments[0], "--exhibit", "AH/4", *WORDS).refused(1, "segment missing: disk.E02")


def test_two_images_are_not_one_exhibit(lab: Lab) -> None:
    told = lab.run("ingest", *put_e01(lab), *put_e01(lab, "other"), "--exhibit", "AH/1", *WORDS)
    told.refused(1, "other.E01 is no segment of the image that disk.E01 begins", "an exhibit of its own")


def test_a_folder_and_single_logs(lab: Lab) -> None:
    folder = lab.ingest("AH/1", lab.logs())
    assert folder["media"]["format"] == "folder"
    assert (folder["volumes"], folder["artefacts"]) == (0, 3)
    single = lab.ingest("AH/2", lab.put("auth.log", AUTH))
    assert (single["media"]["format"], single["artefacts"]) == ("file", 2)
    assert single["media"]["sha256"] == hashlib.sha256(AUTH).hexdigest()
    several = lab.ingest("AH/3", lab.put("auth.log", AUTH), lab.put("access.log", ACCESS))
    assert several["artefacts"] == 3


def test_the_words_on_the_screen(lab: Lab) -> None:
    told = lab.run("ingest", lab.stick(), "--exhibit", "AH/1", "--purpose", "find the couriers")
    assert told.code == 0
    facts = dict(line.split(None, 1) for line in told.out.splitlines())
    assert facts["exhibit"] == f"AH/1 (raw, {len(MEDIUM):,} bytes)"
    assert facts["volumes"] == "FAT12"
    assert facts["sha256"] == SHA256
    assert "fingerprint" in told.err


# --- what does not agree -----------------------------------------------------------------------------------


def test_the_slip_agrees(lab: Lab) -> None:
    told = lab.run("ingest", lab.stick(), "--exhibit", "AH/1", *WORDS, "--expect", f"SHA-256:{SHA256.upper()}")
    assert told.code == 0
    assert told.json["mismatches"] == []


@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_the_slip_does_not_agree(quiet: list[str], lab: Lab) -> None:
    told = lab.run("ingest", lab.stick(), "--exhibit", "AH/1", *WORDS, "--expect", "md5:" + "0" * 32, *quiet)
    told.refused(3, "MISMATCH", "md5 of the slip", MD5, "It is recorded")
    assert len(told.json["mismatches"]) == 1
    end = next(line for line in lab.log("--exhibit", "AH/1") if line["type"] == "access.end")
    assert (end["match"], end["outcome"]) == (False, "completed")


def test_the_container_does_not_agree(lab: Lab) -> None:
    (data,) = e01(MEDIUM)
    stored = bytes.fromhex(MD5) + hashlib.sha1(MEDIUM).digest() + bytes(40)
    other = b"\x11" * 16 + stored[16:]
    assert stored in data
    wrong = data.replace(checked(stored), checked(other))
    told = lab.run("ingest", lab.put("disk.E01", wrong), "--exhibit", "AH/1", *WORDS)
    told.refused(3, "MISMATCH: md5 of the container", MD5)


def checked(data: bytes) -> bytes:
    return data + zlib.adler32(data).to_bytes(4, "little")


def test_the_acquisition_log_is_kept_by_digest(lab: Lab) -> None:
    text = lab.put("acquired.txt", b"acquired by an invented tool\n")
    told = lab.run("ingest", lab.stick(), "--exhibit", "AH/1", *WORDS, "--acquisition-log", text)
    assert told.code == 0
    kept = lab.case / "receipts" / "attachments" / hashlib.sha256(text.read_bytes()).hexdigest()
    assert kept.read_bytes() == text.read_bytes()
    assert [line["type"] for line in lab.log("--exhibit", "AH/1")][:2] == ["exhibit.register", "note"]
    missing = lab.run("ingest", lab.stick(), "--exhibit", "AH/2", *WORDS, "--acquisition-log", lab.folder / "none")
    missing.refused(1, "there is no file", "--acquisition-log")


def test_a_working_copy_is_made_verified_and_examined(lab: Lab) -> None:
    told = lab.run("ingest", lab.stick(), "--exhibit", "AH/1", *WORDS, "--copy", "--state", "original")
    assert told.code == 0, told
    copy = lab.case / "evidence" / "AH-1-1" / "stick.raw"
    assert copy.read_bytes() == MEDIUM
    assert copy.stat().st_mode & 0o777 == 0o444
    assert ends(lab, "AH/1") == ["completed", "completed"]
    assert not [line for line in lab.run("check", "--json").lines if line["code"] == "AQ-03"]  # a copy was examined
    (lab.evidence / "stick.raw").unlink()
    assert lab.run("verify", "AH/1").code == 0  # the copy is what is examined from now on
    lab.run("ingest", lab.logs(), "--exhibit", "AH/2", *WORDS, "--copy").refused(1, "not of folders", "Leave --copy")


def test_files_are_what_the_exhibit_is_registered_as_unless_it_is_a_thing(lab: Lab) -> None:
    for ref, registered, examined in (("AH/1", "working-copy", "working-copy"), ("AH/2", "original", "best-evidence")):
        form = ("--no-prompt", "--state", registered, "--kind", "stick")
        assert lab.run("exhibit", "register", ref, *form).code in (0, 4)  # 4: it says that no parent is named
        assert lab.run("ingest", lab.stick(f"{ref[-1]}.raw"), "--exhibit", ref, *WORDS).code == 0
        with Ledger.open(lab.case / "ledger.sqlite", writable=False) as ledger:
            begin = values_of(ledger.rows_of("access.begin")[-1])
        assert mapping(begin["settings"])["state"] == examined


# --- the same reference again ------------------------------------------------------------------------------


def test_unchanged_media_are_not_read_again_unless_asked(case: Lab, furnished: Lab) -> None:
    stick = furnished.evidence / "stick.raw"
    before = accesses(case)
    again = case.run("ingest", stick, "--exhibit", "AH/1", *WORDS)
    again.refused(1, "taken in already", "--again")
    assert accesses(case) == before
    runs = len(list((case.case / "derived").iterdir()))
    told = case.run("ingest", stick, "--exhibit", "AH/1", *WORDS, "--again")
    assert told.code == 0
    assert len(list((case.case / "derived").iterdir())) == runs + 1
    first, second = (case.case / "derived" / name / "files.parquet" for name in ("0001-AH-1", told.json["run"]))
    assert first.read_bytes() == second.read_bytes()
    listed = [line["path"] for line in case.run("files", "--exhibit", "AH/1", "--json").lines]
    assert len(listed) == told.json["files"]  # runs never double rows


@pytest.mark.parametrize("kind", ["image", "folder", "log"])
def test_other_media_are_refused_and_leave_the_exhibit_where_it_was(kind: str, case: Lab) -> None:
    other = bytearray(MEDIUM)
    other[40000] ^= 1
    ref = "AH/1" if kind == "image" else "AH/2"
    place = {
        "image": lambda: case.put("other/stick.raw", bytes(other)),
        "folder": lambda: case.put("other/auth.log", AUTH).parent,
        "log": lambda: case.put("auth.log", AUTH),
    }[kind]()
    runs = len(list((case.case / "derived").iterdir()))
    case.run("ingest", place, "--exhibit", ref, *WORDS).refused(3, "stands for other media", "reference of their own")
    assert len(list((case.case / "derived").iterdir())) == runs
    assert ends(case, ref)[-1] == "failed"
    assert case.run("verify", ref).code == 0


def test_the_same_media_from_another_place(case: Lab) -> None:
    moved = case.put("elsewhere/stick.raw", MEDIUM)
    told = case.run("ingest", moved, "--exhibit", "AH/1", *WORDS)
    assert told.code == 0, told
    moved.write_bytes(bytes(len(MEDIUM)))
    assert case.run("verify", "AH/1").code == 3  # that is where it stands now


# --- what is refused ---------------------------------------------------------------------------------------


def refused(lab: Lab, *words: str | Path) -> Told:
    """The command, which must leave no entry behind."""
    before = len(lab.log())
    told = lab.run("ingest", *words)
    assert len(lab.log()) == before
    return told


def test_what_is_no_evidence(lab: Lab) -> None:
    words = ("--exhibit", "AH/1", "--purpose", "p")
    refused(lab, lab.folder / "none", *words).refused(1, "there is no ", "Check the path")
    refused(lab, lab.put("empty.raw", b""), *words).refused(1, "empty.raw is empty (0 bytes)")
    refused(lab, "/dev/null", *words).refused(1, "is not a file, a block device, or one folder")
    os.mkfifo(lab.evidence / "pipe")
    refused(lab, lab.evidence / "pipe", *words).refused(1, "is not a file")
    (lab.evidence / "loop").symlink_to("loop")
    refused(lab, lab.evidence / "loop", *words).refused(1, "loop")
    stick = lab.stick()
    refused(lab, stick, stick, *words).refused(1, "is named twice")
    refused(lab, stick, lab.put("other/a.log", AUTH), *words).refused(1, "in different folders")


def test_what_makes_no_sense(lab: Lab) -> None:
    stick = lab.stick()
    words = (stick, "--exhibit", "AH/1", "--purpose", "p")
    refused(lab, *words, "--zone", "Mars/Base").refused(1, "there is no time zone 'Mars/Base'", "Europe/Belgrade")
    refused(lab, *words, "--expect", "md5:00").refused(1, "'md5:00' is no digest", "Write algorithm and hex")
    refused(lab, *words, "--expect", "crc:00000000").refused(1, "is no digest")
    refused(lab, stick, "--exhibit", "AH/1", "--purpose", "  ").refused(1, "the purpose is empty")
    for ref in ("", " AH/1", "A\nH", "x" * 65):
        refused(lab, stick, "--exhibit", ref, "--purpose", "p").refused(1, "is no exhibit reference")


def test_the_case_is_no_evidence(lab: Lab) -> None:
    words = ("--exhibit", "AH/1", "--purpose", "p")
    for place in (lab.folder, lab.case, lab.case / "derived", lab.case / "ledger.sqlite", lab.home):
        refused(lab, place, *words).refused(1, "which are no evidence", "beside the case")
    kept = lab.case / "evidence" / "stick.raw"
    kept.write_bytes(MEDIUM)
    assert lab.run("ingest", kept, *words).code == 0


def test_media_that_cannot_be_decoded_are_named(lab: Lab) -> None:
    told = lab.run("ingest", lab.put("disk.qcow2", b"QFI\xfb" + bytes(1020)), "--exhibit", "AH/1", *WORDS)
    told.refused(1, "disk.qcow2")
    assert ends(lab, "AH/1") == ["failed"]
    missing = lab.run("ingest", lab.put("cut.001", MEDIUM[:4096]), "--exhibit", "AH/2", *WORDS)
    assert missing.code in (0, 4)
    lab.put("gap.001", MEDIUM[:4096])
    lab.put("gap.003", MEDIUM[:4096])
    gap = lab.run("ingest", lab.evidence / "gap.001", "--exhibit", "AH/3", *WORDS)
    gap.refused(1, "segment missing: gap.002")


def test_evidence_without_permission(lab: Lab) -> None:
    """Root ignores modes, so the gate's own open is made to refuse."""

    def denied(_folder: int, name: str) -> int:
        raise PermissionError(13, "Permission denied", name)

    stick = lab.stick()
    with mock.patch.object(access, "_open_at", denied):
        told = lab.run("ingest", stick, "--exhibit", "AH/1", *WORDS)
    told.refused(1, "stick.raw cannot be opened: Permission denied", "Check its permissions")
    assert ends(lab, "AH/1") == ["failed"]
    assert lab.run("ingest", stick, "--exhibit", "AH/1", *WORDS).code == 0


def test_problems_are_exit_4_and_the_first_are_said(lab: Lab) -> None:
    told = lab.run("ingest", lab.put("noise.raw", bytes(range(256)) * 512), "--exhibit", "AH/1", "--purpose", "p")
    assert told.code == 4, told
    assert "note: " in told.err
    assert "problems" in told.out
    assert EXAMINER not in told.out


def test_a_working_copy_of_an_image_over_a_parent_in_a_folder_below(lab: Lab) -> None:
    (lab.evidence / "snap").mkdir()
    converted(lab.evidence / "snap", fat12(), "qcow2", "base.qcow2")
    qemu_img("create", "-f", "qcow2", "-b", "snap/base.qcow2", "-F", "qcow2", "top.qcow2", folder=lab.evidence)
    taken = lab.ingest("AH/1", lab.evidence / "top.qcow2")
    assert [item["name"] for item in taken["container"]] == ["top.qcow2", "snap/base.qcow2"]
    told = lab.run("ingest", lab.evidence / "top.qcow2", "--exhibit", "AH/2", *WORDS, "--copy", "--json")
    assert told.code == 0, told
    assert told.json["media"]["sha256"] == taken["media"]["sha256"]
