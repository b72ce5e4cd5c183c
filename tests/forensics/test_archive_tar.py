"""Tar archives: every form of header, compressed ones, and what is cut, damaged or made to be a burden."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.archives import is_archive, open_archive, tar
from forensics.media import MediumError
from tests.conftest import Fetch
from tests.forensics.archives import looked
from tests.forensics.images import fat12, noise, part

LOG = b"Mar 10 07:15:00 mx01 sshd[9120]: Accepted publickey for operator\n"
AT = 1_773_138_030


def made(*members: tuple[str, bytes], form: int = tarfile.PAX_FORMAT, **facts: Any) -> bytes:
    """A tar archive of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode, info.uid, info.gid = len(content), AT, 0o640, 1000, 1001
            for key, value in facts.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def put(folder: Path, data: bytes, name: str = "c.tar") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_and_their_contents(tmp_path: Path, form: int) -> None:
    held, long = noise(20_000), "d" * 60 + "/" + "n" * 90
    found = looked(put(tmp_path, made(("./var/a.log", LOG), (long, held), form=form)))
    assert found.contents == {"var/a.log": LOG, long: held}
    entry = found.entries["var/a.log"]
    assert (entry.modified, entry.uid, entry.gid, (entry.mode or 0) & 0o777) == (AT * 10**9, 1000, 1001, 0o640)
    assert (entry.accessed, entry.created, found.problems) == (None, None, [])


def test_times_of_pax_have_all_their_digits(tmp_path: Path) -> None:
    pax = {"mtime": "1773138030.123456789", "atime": "1773138031.5", "ctime": "-1.25", "LIBARCHIVE.creationtime": "7"}
    entry = looked(put(tmp_path, made(("a", LOG), pax_headers=pax))).entries["a"]
    assert entry.modified == AT * 10**9 + 123_456_789
    assert (entry.accessed, entry.changed, entry.created) == ((AT + 1) * 10**9 + 500_000_000, -1_250_000_000, 7 * 10**9)
    assert looked(put(tmp_path, made(("a", LOG), pax_headers={"mtime": "x" * 9}))).entries["a"].modified is None


@pytest.mark.parametrize("kind", [b"2", b"1", b"3", b"4", b"5", b"6"])
def test_what_is_no_file_is_not_read(tmp_path: Path, kind: bytes) -> None:
    found = looked(put(tmp_path, made(("a", b""), type=kind, linkname="../../etc/shadow")))
    kinds = {b"2": "link", b"1": "link", b"3": "char", b"4": "block", b"5": "directory", b"6": "fifo"}
    assert found.entries["a"].type == kinds[kind]
    assert found.contents == {}
    assert found.entries["a"].link_target == "../../etc/shadow"


@pytest.mark.parametrize(("pack", "name"), [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lzma.compress, "xz")])
def test_compressed_as_a_whole(tmp_path: Path, pack: Callable[[bytes], bytes], name: str) -> None:
    path = put(tmp_path, pack(made(("a", LOG), ("b", noise(9000)))), "c.tgz")
    found = looked(path)
    assert found.contents["a"] == LOG
    assert found.tree.archive.format == f"tar ({name})"
    if name == "bzip2":  # it is one block, and nothing comes out of half a block
        return
    path.write_bytes(path.read_bytes()[:-400])
    found = looked(path)
    assert found.contents["a"] == LOG
    assert any("ends before its compressed stream does" in problem for problem in found.problems)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = put(tmp_path, gzip.compress(made(("a", bytes(3 << 20)))))
    with (
        mock.patch.object(tar, "_UNPACKED_FLOOR", 1 << 20),
        mock.patch.object(tar, "CLAIM_FACTOR", 2),
        pytest.raises(MediumError, match="unpacks to more than 1048576 bytes"),
    ):
        open_archive(part(path))


def test_a_claim_that_cannot_be(tmp_path: Path) -> None:
    data = bytearray(made(("a", LOG), form=tarfile.GNU_FORMAT))
    info = tarfile.TarInfo("a")
    info.size = 1 << 40
    data[:512] = info.tobuf(tarfile.GNU_FORMAT)
    found = looked(put(tmp_path, bytes(data)))
    assert "it claims 1099511627776 bytes" in str(found.contents["a"])
    assert "cannot be read on behind member 1" in found.problems[0]


def test_a_header_cannot_make_us_read_gigabytes(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    found = looked(put(tmp_path, made(("a", LOG)).rstrip(b"\0").ljust(1024, b"\0") + info.tobuf(tarfile.GNU_FORMAT)))
    assert found.contents == {"a": LOG}
    assert "a header claims" in found.problems[0]


def test_where_it_breaks_off_is_said(tmp_path: Path) -> None:
    whole = made(("a", LOG), ("b", LOG), form=tarfile.USTAR_FORMAT)
    cut = looked(put(tmp_path, whole[: 1536 + 20]))
    assert cut.contents["a"] == LOG
    assert "behind member 2: unexpected end" in " ".join(cut.problems)
    damaged = bytearray(whole)
    damaged[1024 + 150] ^= 0xFF
    found = looked(put(tmp_path, bytes(damaged)))
    assert list(found.contents) == ["a"]
    assert "cannot be read on from byte 1024, behind member 1" in found.problems[0]


def test_names_that_lead_out(tmp_path: Path) -> None:
    found = looked(put(tmp_path, made(("../x", LOG), ("/abs", LOG), form=tarfile.GNU_FORMAT)))
    assert list(found.entries) == ["../x", "/abs"]
    assert found.problems[0].startswith("2 names would lead out")


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    (entry,) = looked(put(tmp_path, made(("b\udcff.log", LOG), form=tarfile.GNU_FORMAT))).entries.values()
    assert (entry.location.path, entry.location.raw_path) == ("b\\xff.log", b"b\xff.log")


def test_an_image_of_a_disk_is_no_archive(tmp_path: Path) -> None:
    for data in (fat12(), noise(4096), bytes(4096), gzip.compress(LOG), b""):
        assert not is_archive(part(put(tmp_path, data)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_damage_is_told_or_harmless(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    raw = bytearray(made(("a/b", LOG * 20), ("n" * 120, b"x"), pax_headers={"mtime": "1.5"}))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = put(tmp_path_factory.mktemp("tar"), bytes(raw[: data.draw(st.integers(600, len(raw)))]))
    if is_archive(part(path)):
        with suppress(MediumError):
            looked(path)


def test_archives_of_the_corpus(corpus: Fetch) -> None:
    plain, packed = (looked(corpus(f"archive/dfvfs/{name}")) for name in ("tar/syslog.tar", "syslog.tgz"))
    assert plain.contents == packed.contents
    assert [len(content) for content in plain.contents.values()] == [1247]
