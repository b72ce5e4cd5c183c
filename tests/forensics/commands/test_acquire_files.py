"""`evikit acquire` of a folder: an AFF4-L container with everything that is known of its files, and what goes wrong."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from custody.access import FoundFile, Part, Source
from forensics.acquire.files import ImageFiles
from forensics.acquire.patient import AcquisitionError
from forensics.archives.aff4_logical import LogicalImage
from tests.console import AUTH, Lab
from tests.forensics.commands.test_acquire import entry

WORDS = ("--exhibit", "AH/1", "--purpose", "copy the share", "--json")
AT = 1_773_138_030_123_456_789


def share(lab: Lab) -> Path:
    """A folder with files, a link, a socket, an empty folder, odd names and a file of several blocks."""
    folder = lab.evidence / "share"
    (folder / "sub" / "empty").mkdir(parents=True)
    files = {"auth.log": AUTH, "none": b"", "information.turtle": b"t", 'sub/a "b"%.txt': b"odd", "sub/ž": b"z"}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "large").write_bytes(bytes(range(256)) * 10_000)
    with open(os.fsencode(folder) + b"/b\xff", "wb") as file:  # noqa: PTH123 - the name is bytes
        file.write(b"x")
    (folder / "link").symlink_to("../ž")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(folder / "socket"))
    (folder / "auth.log").chmod(0o640)
    os.utime(folder / "auth.log", ns=(AT + 1, AT))
    return folder


def acquired(lab: Lab, folder: Path, *words: str | Path, code: int = 0) -> Any:
    told = lab.run("acquire", folder, *WORDS, "--to", lab.folder / "out", *words)
    assert told.code == code, told
    return told.json


def test_a_container_is_made_verified_and_taken_in(lab: Lab) -> None:
    said = acquired(lab, folder := share(lab))
    path = lab.folder / "out" / "AH-1.aff4"
    assert (said["files"], said["folders"], said["others"], said["unreadable"]) == (7, 2, 2, [])
    assert said["images"] == [[str(path)]]
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    begin, end = entry(lab, "access.begin"), entry(lab, "access.end")
    assert (begin["object"], begin["settings"]["format"], begin["settings"]["source_state"]) == (
        "acquisition", "aff4-l", "a folder",
    )  # fmt: skip
    assert (end["outcome"], end["basis"], end["match"]) == ("completed", "whole", True)
    assert not list((lab.folder / "out").glob("*.acquiring.json"))
    with zipfile.ZipFile(path) as archive:  # as any other tool opens it
        assert archive.testzip() is None
        assert archive.read("sub/a %22b%22%25.txt") == b"odd"
        assert archive.read("large") == (folder / "large").read_bytes()
    told = lab.run("ingest", "AH/1", "--purpose", "look", "--json")
    assert told.code == 0, told
    assert told.json["media"]["format"] == "aff4-l"
    assert told.json["artefacts"] == 2
    rows = {row["path"]: row for row in lab.run("files", "--json").lines}
    assert {name: row["type"] for name, row in rows.items() if row["type"] != "file"} == {
        "link": "link", "socket": "socket", "sub": "directory", "sub/empty": "directory",
    }  # fmt: skip
    row = rows["auth.log"]
    assert (row["modified"], row["mode"]) == ("2026-03-10T10:20:30.123456789Z", "100640")
    assert row["uid"] == str(os.getuid())
    assert (rows["link"]["link_target"], rows["b\\xff"]["raw_path"]) == ("../ž", "62ff")
    assert rows["large"]["sha256"] == hashlib.sha256((folder / "large").read_bytes()).hexdigest()
    assert lab.run("verify", "AH/1").code == 0


def test_what_was_found_is_described(lab: Lab) -> None:
    import rdflib

    folder = share(lab)
    try:
        os.setxattr(folder / "auth.log", "user.origin", b"\x00\xff")
    except OSError:
        pytest.skip("no extended attributes here")
    acquired(lab, folder, "--notes", 'said "so"')
    with zipfile.ZipFile(lab.folder / "out" / "AH-1.aff4") as archive:
        text = archive.read("information.turtle").decode()
    graph = rdflib.Graph().parse(data=text, format="turtle")
    facts = {(str(s).rpartition("/")[2], str(p).rpartition("#")[2], str(o)) for s, p, o in graph}
    assert ("auth.log", "attribute", "user.origin=AP8=") in facts
    assert ("auth.log", "hash", hashlib.sha256(AUTH).hexdigest()) in facts
    assert ("case", "notes", 'said "so"') in facts
    assert ("case", "caseNumber", "C-1") in facts
    assert any(found[:2] == ("auth.log", "birthTime") for found in facts)


def test_a_file_of_holes(lab: Lab) -> None:
    """A disk of a virtual machine, mostly holes: more than a bomb may claim, and it is no bomb."""
    folder = lab.evidence / "vm"
    folder.mkdir()
    with (folder / "disk.raw").open("wb") as file:
        file.truncate(3 << 20)
    with mock.patch.object(LogicalImage, "allowance", 1 << 20):  # verified although it would not be examined
        said = acquired(lab, folder)
        assert (said["files"], said["size"]) == (1, str(3 << 20))
        told = lab.run("ingest", "AH/1", "--purpose", "look")
    assert told.code == 4
    assert "the files claim over" in told.err
    assert lab.run("ingest", "AH/1", "--purpose", "look", "--again").code == 0


def test_two_containers_at_once(lab: Lab) -> None:
    acquired(lab, share(lab), "--to", lab.folder / "two")
    one, two = ((lab.folder / name / "AH-1.aff4").read_bytes() for name in ("out", "two"))
    assert one == two


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Files by name that cannot be read from this byte on; 0 refuses to be opened."""
    names: dict[str, int] = {}
    read, opened = Part.read_at, Source.reading

    def read_at(self: Part, offset: int, length: int) -> bytes:
        if offset >= names.get(self.name, 1 << 60):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(self, offset, length)

    @contextmanager
    def reading(self: Source, found: FoundFile) -> Iterator[Part]:
        if names.get(found.name) == 0:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        with opened(self, found) as part:
            yield part

    monkeypatch.setattr(Part, "read_at", read_at)
    monkeypatch.setattr(Source, "reading", reading)
    return names


def test_what_cannot_be_read_is_listed(lab: Lab, failing: dict[str, int]) -> None:
    failing |= {"auth.log": 0, "large": 1 << 20}
    said = acquired(lab, share(lab), code=4)
    assert said["unreadable"] == [
        {"path": "auth.log", "reason": "Permission denied"},
        {"path": "large", "reason": "from byte 1048576 on it cannot be read: Input/output error"},
    ]
    end = entry(lab, "access.end")
    assert (end["outcome"], end["basis"]) == ("partial", "chunks")
    assert "auth.log: Permission denied" in end["error"]
    assert "  auth.log: Permission denied" in (lab.folder / "out" / "AH-1.acquired.txt").read_text()
    failing.clear()
    told = lab.run("ingest", "AH/1", "--purpose", "look")
    assert told.code == 4, told
    assert "could not be read when it was acquired: Permission denied" in told.err
    assert "its contents end after 1048576 of 2560000 bytes" in told.err


def test_a_file_that_changes_is_said(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, read = share(lab), Part.read_at

    def read_at(self: Part, offset: int, length: int) -> bytes:
        if self.name == "large" and offset:
            os.utime(folder / "large", (1, 1))
        return read(self, offset, length)

    monkeypatch.setattr(Part, "read_at", read_at)
    said = acquired(lab, folder, code=4)
    assert said["unreadable"] == [{"path": "large", "reason": "it changed while it was read"}]


def test_a_full_disk_and_begun_anew(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = share(lab)
    with monkeypatch.context() as patch:
        append = ImageFiles.append

        def filled(self: ImageFiles, data: bytes) -> None:
            if self.size + len(data) > 5_000:
                raise AcquisitionError("x.aff4 cannot be written: No space left on device", "it goes on")
            append(self, data)

        patch.setattr(ImageFiles, "append", filled)
        told = lab.run("acquire", folder, *WORDS, "--to", lab.folder / "out")
        told.refused(1, "No space left on device", "begun anew")
    assert entry(lab, "access.end")["outcome"] == "failed"
    said = acquired(lab, folder)
    assert said["begun_anew"] is True
    assert lab.run("ledger", "verify").code == 0


def test_a_container_that_does_not_hold_what_was_read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    close = ImageFiles.close

    def damaged(self: ImageFiles) -> None:
        close(self)
        path = self.folder / "AH-1.aff4"
        if path.exists():
            data = path.read_bytes()
            path.write_bytes(data.replace(b"203.0.113.45", b"203.0.113.46"))

    monkeypatch.setattr(ImageFiles, "close", damaged)
    monkeypatch.setattr("forensics.acquire.zip_writer.igzip_lib.compress", lambda data, *_: data)  # kept as it is
    lab.run("acquire", share(lab), *WORDS, "--to", lab.folder / "out").refused(3, "auth.log")
    assert entry(lab, "access.end")["match"] is False


def test_what_is_refused(lab: Lab) -> None:
    folder = share(lab)
    lab.run("acquire", folder, *WORDS, "--to", folder / "sub").refused(1, "inside the folder that is copied")
    lab.run("acquire", folder, *WORDS, "--format", "e01").refused(1, "is a folder", "--format aff4-l")
    lab.run("acquire", folder / "large", *WORDS, "--format", "aff4-l").refused(1, "is no folder")
    (lab.folder / "out").mkdir()
    (lab.folder / "out" / "AH-1.aff4").write_bytes(b"mine")
    lab.run("acquire", folder, *WORDS, "--to", lab.folder / "out").refused(1, "is not written over")
    assert (lab.folder / "out" / "AH-1.aff4").read_bytes() == b"mine"
    lab.ingest("AH/2", folder)
    lab.run("acquire", folder, "--exhibit", "AH/2", "--purpose", "x").refused(1, "has media on record already")
