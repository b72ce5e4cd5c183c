"""Digests read from extents are those of what libtsk reads."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from forensics.commands.demo import _samples
from forensics.direct.ext4 import Inodes, read_geometry
from forensics.direct.extents import HEAD, Wanted, _laid_out, digest_files, ext4_extents, ntfs_extents
from forensics.direct.ntfs import Run, decode_runs, open_mft, restored
from forensics.examine.batch_groups import readable_sizes
from forensics.examine.findings import readable
from forensics.filesystems import FileSystem, open_entry
from forensics.media import Medium, MediumError
from forensics.results.columns import file_batch, file_entry
from tests.forensics.direct import both, volumes

SAMPLES = _samples()
EXT4, NTFS = SAMPLES / "web01-ext4.img", SAMPLES / "laptop-ntfs.img"


def extents_of(medium: Medium, fs: FileSystem, row: dict[str, Any]) -> Any:
    volume = fs.volume
    if fs.name == "NTFS":
        mft = open_mft(medium, volume.offset, volume.length)
        return ntfs_extents(mft, int(row["meta"]), row["attribute"], row["size"])
    inodes = Inodes(medium, read_geometry(medium, volume.offset, volume.length))
    return ext4_extents(inodes, int(row["meta"]), row["size"])


@pytest.mark.parametrize(("path", "least"), [(EXT4, 10), (NTFS, 5)], ids=["ext4", "ntfs"])
def test_digests_are_those_of_libtsk(path: Path, least: int) -> None:
    medium, found = volumes(path)
    fs = found[0]
    rows = [row for row in both(medium, fs)[1].rows if row["type"] == "file" and row["allocated"]]
    known = {number: extents_of(medium, fs, row) for number, row in enumerate(rows)}
    wanted = [Wanted(number, extents) for number, extents in known.items() if extents is not None]
    answers = list(digest_files(medium, wanted))
    assert [one.row for one in answers] == [one.row for one in wanted]
    assert len(answers) >= least
    for one in answers:
        content = open_entry(fs, file_entry(rows[one.row]))
        data = content.read_at(0, content.size)
        assert (one.sha256, one.md5) == (hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest())
        assert (one.head, one.problem) == (data[:HEAD], "")


def test_a_file_that_cannot_be_read_has_a_problem_and_no_digest() -> None:
    medium, _ = volumes(EXT4)
    answers = list(digest_files(medium, [Wanted(3, [(medium.size - 10, 20)]), Wanted(1, [(None, 3), (0, 0)])]))
    assert (answers[0].row, answers[0].md5, answers[0].sha256) == (3, "", "")
    assert "ends before" in answers[0].problem
    assert answers[1].sha256 == hashlib.sha256(bytes(3)).hexdigest()


def test_what_a_medium_says_is_kept() -> None:
    class Gone:
        def read_at(self, offset: int, length: int) -> bytes:
            raise MediumError("sector 5 is gone")

    (answer,) = digest_files(Gone(), [Wanted(0, [(0, 5)])])  # type: ignore[arg-type]
    assert answer.problem == "sector 5 is gone"


def test_gaps_are_zeros_and_the_end_is_cut() -> None:
    assert _laid_out([(0, 10, 100), (10, 10, 110), (30, 10, 500)], 35) == [(100, 20), (None, 10), (500, 5)]
    assert _laid_out([(5, 5, 7)], 20) == [(None, 5), (7, 5), (None, 10)]
    assert _laid_out([(0, 10, 1)], 0) == []


def test_runs() -> None:
    assert decode_runs(b"\x11\x02\x05\x01\x03\x11\x01\xff\x00") == [Run(2, 5), Run(3, None), Run(1, 4)]
    assert decode_runs(b"\x11\x02") is None
    assert decode_runs(b"\x11\x02\xff\x00") is None  # before the volume
    assert decode_runs(b"\x10\x05\x00") is None


def test_a_torn_record_is_damaged() -> None:
    medium, found = volumes(NTFS)
    mft = open_mft(medium, found[0].volume.offset, found[0].volume.length)
    raw = mft.raw(5)
    assert restored(raw) is not None
    assert restored(raw[:-2] + bytes(2)) is None
    assert restored(raw[:300]) is None


@pytest.mark.parametrize("path", [EXT4, NTFS], ids=["ext4", "ntfs"])
def test_columns_and_entries_agree_about_what_is_readable(path: Path) -> None:
    medium, found = volumes(path)
    entries = [file_entry(row) for row in both(medium, found[0])[2].rows]
    sizes = [entry.size if readable(entry) else None for entry in entries]
    assert readable_sizes(file_batch(entries)) == sizes
    assert None in sizes
    assert any(sizes)
