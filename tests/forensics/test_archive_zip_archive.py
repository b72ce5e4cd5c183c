"""Zip archives: members with their times and zones, and everything that is made to mislead or to burden."""

from __future__ import annotations

import io
import os
import stat
import struct
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.archives import is_archive
from forensics.archives.zip_archive import ZipArchive
from forensics.media import MediumError
from forensics.model import Clock
from tests.conftest import Fetch
from tests.forensics.archives import looked
from tests.forensics.images import noise, part

TEN = 1_773_138_030  # 2026-03-10 10:20:30 UTC
LOG = b"Mar 10 07:15:00 mx01 sshd[9120]: Accepted publickey for operator\n"


def made(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, extra: bytes = b"") -> Path:
    """A zip archive of these members, of 2026-03-10 10:20:30 in no zone."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name, (2026, 3, 10, 10, 20, 30))
            info.compress_type, info.extra, info.create_system = method, extra, 0
            archive.writestr(info, content)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_members_and_their_contents(tmp_path: Path, method: int) -> None:
    held = noise(300_000)
    found = looked(made(tmp_path / "c.zip", ("var/", b""), ("var/a.log", LOG), ("b", held), method=method))
    assert found.contents == {"var/a.log": LOG, "b": held}
    assert [entry.type for entry in found.entries.values()] == ["directory", "file", "file"]
    assert found.entries["b"].location.meta == "3"
    assert found.problems == []


def test_times_without_and_with_a_zone(tmp_path: Path) -> None:
    path = made(tmp_path / "c.zip", ("a", LOG))
    entry = looked(path).entries["a"]
    assert (entry.modified, entry.clock) == (TEN * 10**9, Clock.UNKNOWN)
    entry = looked(path, ZoneInfo("Europe/Belgrade")).entries["a"]
    assert (entry.modified, entry.clock) == ((TEN - 3600) * 10**9, Clock.DECLARED)


def test_times_in_utc_go_before(tmp_path: Path) -> None:
    extended = struct.pack("<HHBiii", 0x5455, 13, 7, TEN, TEN + 1, TEN + 2)
    owner = struct.pack("<HHBBIBI", 0x7875, 11, 1, 4, 1000, 4, 1001)
    entry = looked(made(tmp_path / "u.zip", ("a", LOG), extra=extended + owner)).entries["a"]
    times = (entry.modified, entry.accessed, entry.created)
    assert times == tuple((TEN + later) * 10**9 for later in range(3))
    assert (entry.clock, entry.uid, entry.gid) == (Clock.UTC, 1000, 1001)
    filetimes = [(TEN + later + 11_644_473_600) * 10**7 + 5 for later in range(3)]
    entry = looked(
        made(tmp_path / "n.zip", ("a", LOG), extra=struct.pack("<HHIHHQQQ", 10, 32, 0, 1, 24, *filetimes))
    ).entries["a"]
    assert (entry.modified, entry.created, entry.clock) == (TEN * 10**9 + 500, (TEN + 2) * 10**9 + 500, Clock.UTC)


def test_what_the_zip_program_makes(tmp_path: Path) -> None:
    """Unix modes, owner, a link, and a name in UTF-8."""
    tree = tmp_path / "t"
    tree.mkdir()
    (tree / "ž.txt").write_bytes(LOG)
    (tree / "ž.txt").chmod(0o640)
    os.utime(tree / "ž.txt", (TEN, TEN + 1))
    (tree / "link").symlink_to("/etc/passwd")
    subprocess.run(["zip", "-q", "-r", "-y", "../c.zip", "."], cwd=tree, check=True)
    found = looked(tmp_path / "c.zip")
    entry = found.entries["ž.txt"]
    assert (entry.modified, entry.accessed, entry.clock) == ((TEN + 1) * 10**9, TEN * 10**9, Clock.UTC)
    assert (stat.S_IMODE(entry.mode or 0), entry.uid) == (0o640, os.getuid())
    assert (found.entries["link"].type, found.entries["link"].link_target) == ("link", "/etc/passwd")
    assert found.contents == {"ž.txt": LOG}


def test_names_that_lead_out_are_names_and_said(tmp_path: Path) -> None:
    names = ("../../etc/cron.d/x", "/etc/passwd", "C:\\Windows\\x", "..\\up", "fine", "fine")
    with pytest.warns(UserWarning, match="Duplicate"):
        path = made(tmp_path / "c.zip", *((name, LOG) for name in names))
    found = looked(path)
    assert list(found.contents.values()) == [LOG] * 5
    assert found.problems[0].startswith("4 names would lead out")
    assert found.problems[1] == "1 names stand more than once, the first is 'fine'"


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    data = made(tmp_path / "c.zip", ("abc.txt", LOG)).read_bytes().replace(b"abc.txt", b"ab\x81.txt")
    (tmp_path / "c.zip").write_bytes(data)
    (entry,) = looked(tmp_path / "c.zip").entries.values()
    assert (entry.location.path, entry.location.raw_path) == ("abü.txt", b"ab\x81.txt")  # code page 437


def test_encrypted_members_are_named(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_bytes(LOG)
    subprocess.run(["zip", "-q", "-P", "x", "c.zip", "secret.txt"], cwd=tmp_path, check=True)
    assert looked(tmp_path / "c.zip").contents == {"secret.txt": "it is encrypted, and was not decrypted"}


def test_methods_that_are_not_read_are_named(tmp_path: Path) -> None:
    path = made(tmp_path / "c.zip", ("a", LOG))
    data = bytearray(path.read_bytes())
    struct.pack_into("<H", data, directory(data) + 10, 93)
    path.write_bytes(data)
    assert looked(path).contents == {"a": "it is compressed by a method that is not read: Zstandard"}


def directory(data: bytes | bytearray) -> int:
    """Where the first entry of the central directory stands."""
    return data.index(b"PK\x01\x02")


def test_a_claim_that_cannot_be(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path / "c.zip", ("a", LOG)).read_bytes())
    struct.pack_into("<I", data, directory(data) + 24, 0xFFFFFFF0)
    (tmp_path / "c.zip").write_bytes(data)
    assert "it claims 4294967280 bytes" in str(looked(tmp_path / "c.zip").contents["a"])


def test_contents_that_go_on_or_break_off(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path / "c.zip", ("a", LOG), method=zipfile.ZIP_STORED).read_bytes())
    struct.pack_into("<I", data, directory(data) + 24, len(LOG) - 5)
    (tmp_path / "c.zip").write_bytes(data)
    why = looked(tmp_path / "c.zip").contents["a"]
    assert isinstance(why, str)
    assert "its contents" in why
    struct.pack_into("<I", data, directory(data) + 24, len(LOG) + 5)
    (tmp_path / "c.zip").write_bytes(data)
    found = looked(tmp_path / "c.zip")
    assert found.contents["a"] == LOG
    assert found.problems == [f"its contents end after {len(LOG)} of {len(LOG) + 5} bytes"]


def test_a_checksum_that_does_not_agree(tmp_path: Path) -> None:
    data = bytearray(made(tmp_path / "c.zip", ("a", LOG), method=zipfile.ZIP_STORED).read_bytes())
    data[data.index(b"operator")] ^= 1
    (tmp_path / "c.zip").write_bytes(data)
    assert "Bad CRC-32" in str(looked(tmp_path / "c.zip").contents["a"])


def test_members_that_share_their_bytes_are_not_read(tmp_path: Path) -> None:
    """Such an archive of some kilobytes unpacks to gigabytes."""
    data = bytearray(made(tmp_path / "c.zip", ("aa", noise(50_000)), ("bb", LOG)).read_bytes())
    first = directory(data)
    struct.pack_into("<I", data, first + 48 + 42, 10)  # the second begins inside the first
    (tmp_path / "c.zip").write_bytes(data)
    assert "made to be a burden" in str(looked(tmp_path / "c.zip").contents["aa"])


def test_what_is_cut_and_what_is_a_document_is_left_to_the_parsers(tmp_path: Path) -> None:
    path = made(tmp_path / "c.zip", ("a", LOG))
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert not is_archive(part(path))
    with pytest.raises(MediumError, match=r"c\.zip is no whole zip archive"):
        ZipArchive(part(path), None)
    assert not is_archive(part(made(tmp_path / "d.docx", ("[Content_Types].xml", b"<x/>"), ("word/document.xml", b""))))
    assert not is_archive(part(made(tmp_path / "d.odt", ("mimetype", b"application/vnd.oasis.opendocument.text"))))


def test_an_empty_archive_and_no_archive(tmp_path: Path) -> None:
    assert looked(made(tmp_path / "c.zip")).entries == {}
    (tmp_path / "x").write_bytes(LOG)
    assert not is_archive(part(tmp_path / "x"))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_told_or_harmless(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b", LOG * 20)
        archive.writestr("c", b"")
    raw = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(4, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("zip") / "c.zip"
    path.write_bytes(raw[: data.draw(st.integers(len(raw) // 2, len(raw)))])
    if is_archive(part(path)):
        with suppress(MediumError):
            looked(path)


def test_an_archive_of_the_corpus(corpus: Fetch) -> None:
    found = looked(corpus("archive/dfvfs/zip/syslog.zip"))
    assert list(found.contents) == ["syslog", "wtmp.1"]
    assert [len(content) for content in found.contents.values()] == [1247, 1537]
