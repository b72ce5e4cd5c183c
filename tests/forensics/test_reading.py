"""The fast readers against libtsk: equal row by row or refused, whatever the image holds."""

from __future__ import annotations

import random
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

import forensics.direct.ext4_walk
from forensics.commands.demo import _samples
from forensics.direct import ext4_columns, ntfs_walk
from forensics.direct.reading import DIRECT, LIBTSK
from forensics.filesystems import FileSystem
from forensics.filesystems.ntfs_attributes import Stream
from forensics.media import Medium, MediumError
from tests.conftest import Fetch
from tests.forensics.direct import Kept, both, volumes
from tests.forensics.images import fat12

SAMPLES = _samples()
EXT4, NTFS = SAMPLES / "web01-ext4.img", SAMPLES / "laptop-ntfs.img"

PLAIN = [
    "image/made/synth-ext4.raw",
    "image/util-linux/blkid/images-fs/ext3.img",
    "image/util-linux/blkid/images-fs/ntfs.img",
    "image/dfvfs/ext2.E01",
    "image/plaso/syslog_image.dd",
    "image/plaso/tsk_volume_system.raw",
]
ZIPPED = [
    ("image/velociraptor/ext4_tests.zip", "hierarchy_64.ext4"),
    ("image/sleuthkit_test_data/from_brian/7-undel-ntfs.zip", "7-ntfs-undel.dd"),
]


def assert_equal(path: Path) -> int:
    """Both readers say the same of every volume; how many rows there were."""
    medium, found = volumes(path)
    rows = 0
    for fs in found:
        reading, direct, libtsk = both(medium, fs)
        assert reading.reader == DIRECT, reading.remark
        assert direct.rows == libtsk.rows
        assert direct.problems == libtsk.problems
        rows += len(direct.rows)
    assert found
    return rows


@pytest.mark.parametrize("name", PLAIN)
def test_corpus_images(name: str, corpus: Fetch) -> None:
    assert assert_equal(corpus(name)) > 1


@pytest.mark.parametrize(("archive", "member"), ZIPPED)
def test_corpus_images_in_archives(archive: str, member: str, corpus: Fetch, tmp_path: Path) -> None:
    target = tmp_path / member
    with zipfile.ZipFile(corpus(archive)) as found:
        target.write_bytes(found.read(next(name for name in found.namelist() if name.endswith(member))))
    assert assert_equal(target) > 20


@pytest.mark.parametrize("path", [EXT4, NTFS], ids=["ext4", "ntfs"])
def test_sample_images(path: Path) -> None:
    assert assert_equal(path) >= 30


def hostile(path: Path, folder: Path, at: int, data: bytes) -> tuple[Medium, list[FileSystem]]:
    image = bytearray(path.read_bytes())
    image[at : at + len(data)] = data
    target = folder / path.name
    target.write_bytes(image)
    return volumes(target)


def metadata(path: Path) -> list[int]:
    """Offsets of blocks that hold something, in the first part of the volume."""
    image = path.read_bytes()
    return [at for at in range(0, len(image), 512) if any(image[at : at + 512])]


@pytest.mark.parametrize("path", [EXT4, NTFS], ids=["ext4", "ntfs"])
def test_flipped_bytes_are_equal_or_refused(path: Path, tmp_path: Path) -> None:
    rng = random.Random(7)
    blocks = metadata(path)
    answers = []
    for _ in range(60):
        at = rng.choice(blocks) + rng.randrange(508)
        medium, found = hostile(path, tmp_path, at, rng.randbytes(rng.choice((1, 4))))
        for fs in found:
            reading, direct, libtsk = both(medium, fs)
            answers.append(reading.reader)
            if reading.reader == DIRECT:
                assert direct.rows == libtsk.rows, at
                assert direct.problems == libtsk.problems
            else:
                assert reading.remark or fs.name not in ("Ext4", "NTFS")
    assert DIRECT in answers


def test_an_unknown_feature_is_refused(tmp_path: Path) -> None:
    start = volumes(EXT4)[1][0].volume.offset
    flags = struct.unpack_from("<I", EXT4.read_bytes(), start + 1024 + 100)[0]
    medium, found = hostile(EXT4, tmp_path, start + 1024 + 100, struct.pack("<I", flags | 0x200))
    reading, direct, libtsk = both(medium, found[0])
    assert reading.reader == LIBTSK
    assert reading.remark.startswith("features ")
    assert direct.rows == []
    assert len(libtsk.rows) > 20


def test_a_reader_that_disagrees_with_libtsk_about_an_inode_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    medium, found = volumes(EXT4)
    right = ext4_columns._sizes
    monkeypatch.setattr(
        ext4_columns, "_sizes", lambda *values: right(*values).cast("int64").fill_null(0).slice(0)[::-1]
    )
    reading, _, _ = both(medium, found[0])
    assert reading.reader == LIBTSK
    assert "otherwise" in reading.remark


def test_a_reader_that_disagrees_with_libtsk_about_a_directory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    medium, found = volumes(EXT4)
    walk = forensics.direct.ext4_walk.Directories.names

    def without_the_last(self: Any, number: int) -> Any:
        names = walk(self, number)
        if names is not None and len(names.names) > 1 and 2 not in names.types:
            del names.names[-1], names.numbers[-1], names.types[-1]
        return names

    monkeypatch.setattr(forensics.direct.ext4_walk.Directories, "names", without_the_last)
    reading, _, _ = both(medium, found[0])
    assert (reading.reader, "lists directory" in reading.remark) == (LIBTSK, True)


def test_a_reader_that_disagrees_with_libtsk_about_a_record_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    medium, found = volumes(NTFS)
    right = ntfs_walk.Mft.record

    def longer(self: Any, number: int) -> Any:
        record = right(self, number)
        if record is not None and number > 30:
            record.streams = [Stream(one.name, one.size + 1, one.attribute) for one in record.streams]
        return record

    monkeypatch.setattr(ntfs_walk.Mft, "record", longer)
    reading, _, _ = both(medium, found[0])
    assert (reading.reader, "otherwise" in reading.remark) == (LIBTSK, True)


@pytest.mark.parametrize("path", [EXT4, NTFS], ids=["ext4", "ntfs"])
def test_a_medium_that_cannot_be_read_is_refused(path: Path) -> None:
    medium, found = volumes(path)

    class Broken:
        size = medium.size

        def read_at(self, offset: int, length: int) -> bytes:
            if offset > found[0].volume.offset + 4096:
                raise MediumError("sector 9 is gone")
            return medium.read_at(offset, length)

    from forensics.direct.reading import read_directly

    kept = Kept()
    reading = read_directly(found[0], Broken(), "X/1", kept)  # type: ignore[arg-type]
    assert reading.reader == LIBTSK
    assert reading.remark == "sector 9 is gone"


def test_other_file_systems_are_libtsk_s(tmp_path: Path) -> None:
    from forensics.direct.reading import read_directly
    from forensics.filesystems import open_filesystem
    from forensics.volumes import list_volumes
    from tests.forensics.images import medium

    disk = medium(tmp_path, {"disk.dd": fat12()})
    fs = open_filesystem(disk, list_volumes(disk)[0][0])
    kept = Kept()
    assert read_directly(fs, disk, "X/1", kept).reader == LIBTSK
    assert kept.rows == []
