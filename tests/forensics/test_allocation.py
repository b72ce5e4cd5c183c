"""What is free, and where files and their slack stand, held against The Sleuth Kit's blkls and icat."""

from __future__ import annotations

import hashlib
import re
import struct
import subprocess
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forensics.commands.demo import _samples
from forensics.direct.layout import ExtentStream, Layouts
from forensics.examine.findings import readable
from forensics.filesystems import FileSystem, open_entry, open_filesystem, walk
from forensics.filesystems.allocation import between, clear_bits, free_spans, merged
from forensics.filesystems.libtsk import TskFileSystem
from forensics.media import Medium, open_medium
from forensics.model import ExaminationError, FileEntry, Volume
from forensics.volumes import list_volumes
from tests.conftest import Fetch
from tests.forensics.images import fat12, medium, part
from tests.forensics.sleuthkit import sleuthkit

BRIAN = "image/sleuthkit_test_data/from_brian/"
RAW = ["image/made/synth-exfat.raw", "image/made/synth-ext4.raw", "image/plaso/tsk_volume_system.raw",
       "image/plaso/syslog_image.dd", "image/rust-fatfs/fat12.img", "image/dfvfs/hfsplus.raw"]  # fmt: skip
ZIPPED = ["2-kwsrch-fat.zip", "5-fat-daylight.zip", "7-undel-ntfs.zip"]


@pytest.fixture(params=[*RAW, *ZIPPED, "laptop-ntfs.img", "stick-fat16.img", "web01-ext4.img"])
def image(request: pytest.FixtureRequest, corpus: Fetch, tmp_path: Path) -> Path:
    name: str = request.param
    if name in ZIPPED:
        with zipfile.ZipFile(corpus(BRIAN + name)) as packed:
            member = next(one for one in packed.namelist() if one.endswith(".dd"))
            return Path(packed.extract(member, tmp_path))
    return corpus(name) if name in RAW else _samples() / name


def systems(path: Path) -> Iterator[tuple[Medium, FileSystem]]:
    disk = open_medium(part(path), lambda name: part(path.with_name(name)))
    for volume in list_volumes(disk)[0]:
        if volume.filesystem:
            yield disk, open_filesystem(disk, volume)


def content_of(disk: Medium, spans: Any) -> bytes:
    stream = ExtentStream(disk, spans)
    return stream.read_at(0, stream.size)


def test_what_is_free_is_what_blkls_says(image: Path) -> None:
    told = 0
    for disk, fs in systems(image):
        spans = free_spans(fs, disk)
        if spans is None:
            assert fs.name == "HFS+"
            continue
        assert spans == sorted(spans)
        theirs = sleuthkit("blkls", image, fs.volume.offset)
        assert hashlib.sha256(content_of(disk, spans)).digest() == hashlib.sha256(theirs).digest()
        told += 1
    assert told or "hfsplus" in image.name


def test_content_and_slack_are_what_icat_says(image: Path) -> None:
    compared = 0
    for disk, fs in systems(image):
        layouts = Layouts(fs, disk)
        for entry in (found for found in walk(fs, "AH/1") if isinstance(found, FileEntry) and readable(found)):
            layout = layouts.of(entry)
            if layout.content is None:
                continue
            ours = content_of(disk, layout.content)
            assert ours == open_entry(fs, entry).read_at(0, entry.size)
            if entry.allocated and compared < 40:
                meta = f"{entry.location.meta}-{entry.attribute}" if entry.attribute else entry.location.meta
                assert ours + content_of(disk, layout.slack) == sleuthkit("icat", image, fs.volume.offset, "-s", meta)
                compared += 1
    assert compared or image.name == "tsk_volume_system.raw"  # which holds no file


def test_groups_of_ext_that_were_never_written(tmp_path: Path) -> None:
    """Their bitmaps are not initialised (BLOCK_UNINIT): held against dumpe2fs, for libtsk calls copies of the
    superblock free.
    """
    path = tmp_path / "many.img"
    with path.open("wb") as file:
        file.truncate(96 << 20)
    run(["mkfs.ext4", "-q", "-F", "-b", "1024", "-O", "^resize_inode", str(path)])
    ((disk, fs),) = systems(path)
    spans = free_spans(fs, disk)
    assert spans is not None
    told = re.findall(r"^  Free blocks: (.+)$", run(["dumpe2fs", str(path)]), re.MULTILINE)
    ranges = [each.split("-") for line in told for each in line.split(", ")]
    theirs = [(1024 * int(pair[0]), 1024 * (int(pair[-1]) - int(pair[0]) + 1)) for pair in ranges]
    assert spans == list(merged(theirs))
    assert len(spans) > 3


def run(words: list[str]) -> str:
    environment = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
    return subprocess.run(words, check=True, capture_output=True, text=True, env=environment).stdout


@given(st.binary(max_size=64), st.integers(0, 600))
def test_clear_bits(bitmap: bytes, count: int) -> None:
    expected = {bit for bit in range(min(count, 8 * len(bitmap))) if not bitmap[bit // 8] >> bit % 8 & 1}
    found = [first + step for first, length in clear_bits(bitmap, count) for step in range(length)]
    assert found == sorted(expected)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=12))
def test_merged_and_between(spans: list[tuple[int, int]]) -> None:
    def within(some: Any) -> set[int]:
        return {at for start, length in some for at in range(start, start + length)}

    joined = list(merged(sorted(spans)))
    assert within(joined) == within(spans)
    assert all(a + b < c for (a, b), (c, _) in pairwise(joined))
    assert within(between(joined, 3, 50)) == set(range(3, 50)) - within(spans)


def test_a_volume_that_lies_about_itself_is_refused(tmp_path: Path) -> None:
    disk = medium(tmp_path, {"stick.raw": fat12()[:600]})
    nothing: Any = None
    fs = TskFileSystem(Volume("0", 0, 600, "", ""), "FAT12", nothing, nothing)
    with pytest.raises(ExaminationError, match="what is free cannot be read"):
        free_spans(fs, disk)
    flat = bytearray(4096)
    struct.pack_into("<I", flat, 1024 + 32, 0)
    fs.name = "Ext4"
    with pytest.raises(ExaminationError, match="what is free"):
        free_spans(fs, medium(tmp_path, {"ext.raw": bytes(flat)}))
