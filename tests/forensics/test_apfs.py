"""APFS against istat, fls and dissect: names, times, contents, attributes; and containers that are damaged."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyfsapfs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.filesystems import FileSystem, FileSystemError, open_entry, open_filesystem, walk
from forensics.model import FileEntry, Problem
from forensics.volumes.apfs import object_checksum
from forensics.volumes.apfs_objects import snapshot_counts
from forensics.volumes.layout import Layout, lay_out
from forensics.volumes.unlocked import unlock_volumes, unlocked_facts, unlocked_of
from forensics.volumes.views import unlocked_medium
from tests.conftest import Fetch, data_root
from tests.forensics.images import mbr, medium

ORACLE = "oracles/image/image__dfvfs__apfs.raw.apfs.json"


@pytest.fixture(scope="session")
def container(corpus: Fetch) -> bytes:
    return corpus("image/dfvfs/apfs.raw").read_bytes()


def laid_out(folder: Path, data: bytes) -> Layout:
    return lay_out(medium(folder, {"d.raw": data}))


def opened(layout: Layout, index: str) -> FileSystem:
    source = layout.sources[index]
    return open_filesystem(source.medium, source.volume)


def entries(fs: FileSystem) -> dict[str, FileEntry]:
    found = list(walk(fs, "X/1"))
    assert not [one for one in found if isinstance(one, Problem)]
    return {one.location.path: one for one in found if isinstance(one, FileEntry)}


def test_the_volume_of_a_container(container: bytes, tmp_path: Path) -> None:
    layout = laid_out(tmp_path, container)
    outer, inner = layout.volumes
    assert (outer.index, outer.filesystem, outer.problem) == ("0", "", "")
    assert outer.description == "(APFS container of 1 volumes)"
    assert (inner.index, inner.filesystem, inner.label, inner.scheme) == ("0.1", "APFS", "apfs_test", "APFS")
    assert inner.description == "APFS volume 458ed10d-8ac3-4af1-8dfd-3954d151a3f3"
    assert (inner.offset, inner.length) == (0, len(container))


def test_names_as_the_sleuth_kit_lists_them(container: bytes, tmp_path: Path) -> None:
    oracle = json.loads((data_root("EVIKIT_CORPUS") / ORACLE).read_text())
    found = entries(opened(laid_out(tmp_path, container), "0.1"))
    for line in oracle["tsk_fls_body"]:
        _, name, number, mode, uid, gid, size, *times = line.split("|")
        entry = found[name.split(" -> ")[0].removeprefix("/")]
        assert (entry.location.meta, entry.type[0], str(entry.size)) == (number, mode[2].replace("r", "f"), size)
        assert (entry.uid, entry.gid) == (int(uid), int(gid))
        at = (entry.accessed, entry.modified, entry.changed, entry.created)
        assert [time is not None and str(time // 10**9) for time in at] == times
    plain = [path for path, entry in found.items() if not entry.location.stream]
    assert len(plain) == len(oracle["tsk_fls_body"])
    assert found["a_link"].link_target == "a_directory/another_file"


def test_contents_and_times_as_dissect_reads_them(container: bytes, tmp_path: Path) -> None:
    oracle = json.loads((data_root("EVIKIT_CORPUS") / ORACLE).read_text())
    fs = opened(laid_out(tmp_path, container), "0.1")
    found = entries(fs)
    for name, facts in oracle["dissect"]["volumes"][0]["files"].items():
        if "symlink" in facts:
            continue
        entry = found[name.removeprefix("/")]
        content = open_entry(fs, entry).read_at(0, 1 << 20)
        assert (len(content), hashlib.sha256(content).hexdigest()) == (facts["size"], facts["sha256"])
        told = datetime.fromisoformat(facts["mtime"])
        assert entry.modified is not None
        assert abs(entry.modified // 1000 - int(told.timestamp()) * 10**6 - told.microsecond) <= 1
    made = found["passwords.txt"]  # istat: Created 07:19:41.213333494, Content Modified 07:19:41.216184416
    assert (made.created, made.modified) == (1642144781213333494, 1642144781216184416)
    assert made.extra_times == {"added": 1642144781213333494}


def test_attributes_are_streams(container: bytes, tmp_path: Path) -> None:
    fs = opened(laid_out(tmp_path, container), "0.1")
    found = entries(fs)
    entry = found["a_directory/a_resourcefork:com.apple.ResourceFork"]
    assert (entry.type, entry.location.stream) == ("file", "com.apple.ResourceFork")
    assert open_entry(fs, entry).read_at(0, 100) == b"My resource fork\n"
    assert open_entry(fs, entry).read_at(3, 8) == b"resource"
    assert open_entry(fs, found["a_directory/a_file:myxattr"]).read_at(0, 100) == b"My extended attribute"
    assert not [path for path in found if "symlink" in path]


def test_a_container_in_a_partition(container: bytes, tmp_path: Path) -> None:
    table = bytes(mbr([(0xAF, 63, len(container) // 512)], 63 * 512))
    layout = laid_out(tmp_path, table + container)
    assert [(one.index, one.offset) for one in layout.volumes] == [("1", 63 * 512), ("1.1", 63 * 512)]
    assert "passwords.txt" in entries(opened(layout, "1.1"))


VOLUME_SUPERBLOCK = 107 * 4096  # as pstat of The Sleuth Kit says


def with_snapshots(container: bytes, count: int) -> bytes:
    out = bytearray(container)
    struct.pack_into("<Q", out, VOLUME_SUPERBLOCK + 216, count)
    block = bytes(out[VOLUME_SUPERBLOCK : VOLUME_SUPERBLOCK + 4096])
    out[VOLUME_SUPERBLOCK : VOLUME_SUPERBLOCK + 8] = object_checksum(block)
    return bytes(out)


def test_snapshots_are_counted(container: bytes, tmp_path: Path) -> None:
    assert with_snapshots(container, 0) == container
    layout = laid_out(tmp_path, with_snapshots(container, 3))
    (problem,) = layout.problems
    assert (problem.location.volume, problem.reason) == ("0.1", "it has 3 snapshots, which are not read")
    assert "passwords.txt" in entries(opened(layout, "0.1"))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 110), st.integers(0, 400), st.integers(0, 255))
def test_counting_never_fails(container: bytes, block: int, at: int, value: int) -> None:
    data = bytearray(container)
    data[block * 4096 + at] = value
    assert snapshot_counts(lambda offset, size: bytes(data[offset : offset + size])) in ([], [0]) or at >= 216


class _Locked:
    """A volume of libfsapfs that only `right` opens; there is no small encrypted image to be had."""

    def __init__(self, volume: Any) -> None:
        self._volume, self._given = volume, ("", False)

    def is_locked(self) -> bool:
        return True

    def set_password(self, secret: str) -> None:
        self._given = (secret, False)

    def set_recovery_password(self, secret: str) -> None:
        self._given = (secret, True)

    def unlock(self) -> bool:
        return self._given in (("right", False), ("ABCD-EFGH", True))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._volume, name)


class _Container:
    def __init__(self) -> None:
        self._container = REAL()

    def get_volume(self, number: int) -> _Locked:
        return _Locked(self._container.get_volume(number))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)


REAL = pyfsapfs.container


@pytest.mark.parametrize("secret", [b"right", b"ABCD-EFGH"])
def test_an_encrypted_volume(container: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secret: bytes) -> None:
    monkeypatch.setattr(pyfsapfs, "container", _Container)
    image = medium(tmp_path, {"d.raw": container})
    locked = lay_out(image)
    assert (locked.volumes[1].filesystem, locked.volumes[1].problem[:15]) == ("", "APFS: encrypted")
    _, (problem,) = unlock_volumes(image, [b"wrong", b"\xff"])
    assert (problem.location.volume, problem.reason) == ("0.1", "none of the 2 passphrases given opens it")
    found, problems = unlock_volumes(image, [b"wrong", secret])
    assert problems == []
    found = [unlocked_of(json.loads(json.dumps(unlocked_facts(one)))) for one in found]
    assert secret.decode() not in repr(found)
    layout = lay_out(unlocked_medium(image, found), found)
    assert layout.volumes[1].filesystem == "APFS"
    assert layout.volumes[1].description.endswith("(APFS, unlocked)")
    assert "passwords.txt" in entries(opened(layout, "0.1"))
    view = locked.sources["0.1"]
    with pytest.raises(FileSystemError, match="was not unlocked"):
        open_filesystem(view.medium, replace(view.volume, filesystem="APFS"))


def test_damage_is_one_line(container: bytes, tmp_path: Path) -> None:
    broken = bytearray(container)
    broken[100] ^= 1
    (volume,) = laid_out(tmp_path, bytes(broken)).volumes
    assert volume.problem.startswith("APFS: the container cannot be read: mismatch in checksum")
    (volume,) = laid_out(tmp_path, container[:8192]).volumes
    assert volume.problem.startswith("APFS: the container cannot be read: ")
    fs = opened(laid_out(tmp_path, container), "0.1")
    gone = entries(fs)["passwords.txt"]
    with pytest.raises(FileSystemError, match="inode 99999 cannot be opened"):
        open_entry(fs, FileEntry(gone.location._replace(meta="99999"), "file", True, 9))
    longer = FileEntry(gone.location, "file", True, 10_000)
    with pytest.raises(FileSystemError, match=r"before its 10000 bytes|cannot be read"):
        open_entry(fs, longer).read_at(0, 10_000)


def test_a_damaged_directory_is_a_problem(container: bytes, tmp_path: Path) -> None:
    """Every block is flipped in turn: what is read then is whole, or something is said."""
    whole = set(entries(opened(laid_out(tmp_path, container), "0.1")))
    blocks = [at for at in range(4096, len(container), 4096) if any(container[at : at + 4096])]
    for at in blocks:
        broken = bytearray(container)
        broken[at + 1000] ^= 0x55
        layout = laid_out(tmp_path, bytes(broken))
        if len(layout.volumes) == 1:
            assert layout.volumes[0].problem
            continue
        try:
            found = list(walk(opened(layout, "0.1"), "X/1"))
        except FileSystemError:
            continue
        names = {one.location.path for one in found if isinstance(one, FileEntry)}
        assert names == whole or any(isinstance(one, Problem) for one in found)


def test_a_container_alone_is_no_file_system(container: bytes, tmp_path: Path) -> None:
    source = laid_out(tmp_path, container).sources["0.1"]
    with pytest.raises(FileSystemError, match="none of its volumes is meant"):
        open_filesystem(source.medium.source.medium, source.volume)  # type: ignore[attr-defined]
