"""Contents read from extents are those libtsk reads."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path
from typing import Any

import pytest

from forensics.commands.demo import _samples
from forensics.direct import extents
from forensics.direct.extents import _laid_out
from forensics.direct.ntfs import Run, decode_runs, open_mft, restored
from forensics.examine import units
from forensics.examine.batch_groups import readable_sizes
from forensics.examine.findings import Job, readable
from forensics.media import Medium, MediumError, open_medium
from forensics.model import FileEntry, Location, Volume
from forensics.results.columns import file_batch, file_entry
from tests.conftest import Fetch
from tests.forensics.direct import both, volumes
from tests.forensics.images import part
from tests.forensics.test_reading import PLAIN, ZIPPED

SAMPLES = _samples()
EXT4, NTFS = SAMPLES / "web01-ext4.img", SAMPLES / "laptop-ntfs.img"


def medium_of(folder: Path, data: bytes) -> Medium:
    (folder / "disk.raw").write_bytes(data)
    return open_medium(part(folder / "disk.raw"), lambda name: part(folder / name))


def contents(path: Path, folder: Path) -> dict[str, bytes]:
    """The tables of every group's contents, through the units."""
    folder.mkdir()
    first = part(path)
    units.prepare_image((first,))
    job = Job("X/1", None, folder)
    for each in units.volumes_unit(job)["volumes"]:
        volume = Volume(**each)
        if not volume.filesystem.startswith(("Ext", "NTFS")):
            continue
        for group in units.walk_unit(job, volume)["groups"]:
            units.contents_unit(job, volume, group["name"], {})
    kinds = (".contents", ".artefacts", ".problems")
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.suffix in kinds}


class Counted(extents.DirectContent):
    """Counts the files read directly."""

    files = 0

    def __init__(self, *values: Any) -> None:
        Counted.files += 1
        super().__init__(*values)


def assert_same_contents(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Contents are the same directly and through libtsk; how many files were read directly."""
    monkeypatch.setattr(extents, "DirectContent", Counted)
    Counted.files = 0
    ours = contents(path, folder / "direct")
    count = Counted.files
    with monkeypatch.context() as patch:
        patch.setattr(units, "direct_contents", lambda fs, medium: None)
        theirs = contents(path, folder / "libtsk")
    assert Counted.files == count
    assert ours == theirs
    assert [name for name in ours if name.endswith(".contents")]
    return count


@pytest.mark.parametrize(("path", "least"), [(EXT4, 10), (NTFS, 5)], ids=["ext4", "ntfs"])
def test_contents_are_those_of_libtsk(path: Path, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert assert_same_contents(path, tmp_path, monkeypatch) >= least


@pytest.mark.parametrize("name", PLAIN)
def test_contents_of_corpus_images(name: str, corpus: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_same_contents(corpus(name), tmp_path, monkeypatch)


@pytest.mark.parametrize(("archive", "member"), ZIPPED)
def test_contents_of_corpus_images_in_archives(
    archive: str, member: str, corpus: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / member
    with zipfile.ZipFile(corpus(archive)) as found:
        target.write_bytes(found.read(next(name for name in found.namelist() if name.endswith(member))))
    assert assert_same_contents(target, tmp_path, monkeypatch) > 0


@pytest.mark.parametrize("path", [EXT4, NTFS], ids=["ext4", "ntfs"])
def test_contents_of_flipped_images(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extents, "FIRST_COMPARED", 0)
    rng = random.Random(11)
    image = path.read_bytes()
    places = [at for at in range(0, len(image), 512) if any(image[at : at + 512])]
    for number in range(12):
        flipped = bytearray(image)
        at = rng.choice(places) + rng.randrange(508)
        flipped[at : at + 4] = rng.randbytes(4)
        folder = tmp_path / str(number)
        folder.mkdir()
        target = folder / path.name
        target.write_bytes(flipped)
        ours = contents(target, folder / "direct")
        monkeypatch.setattr(units, "direct_contents", lambda fs, medium: None)
        assert ours == contents(target, folder / "libtsk"), at
        monkeypatch.undo()
        monkeypatch.setattr(extents, "FIRST_COMPARED", 0)


def test_any_range_is_the_content_s(tmp_path: Path) -> None:
    data = bytes(range(256)) * 8
    disk = medium_of(tmp_path, data)
    content = extents.DirectContent(disk, [(100, 50), (None, 30), (700, 40), (0, 10)], 130, never)
    whole = data[100:150] + bytes(30) + data[700:740] + data[:10]
    for offset in range(-1, 132):
        for length in (0, 1, 7, 60, 200):
            expected = whole[offset : offset + length] if offset >= 0 else b""
            assert content.read_at(offset, length) == expected


def never() -> Any:
    raise AssertionError("libtsk was asked")


class Other:
    """What libtsk says."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def test_what_the_medium_does_not_give_is_libtsk_s(tmp_path: Path) -> None:
    class Gone:
        def read_at(self, offset: int, length: int) -> bytes:
            raise MediumError("sector 5 is gone")

    other: Any = Other(b"abcde")
    gone: Any = Gone()
    assert extents.DirectContent(gone, [(0, 5)], 5, lambda: other).read_at(1, 3) == b"bcd"
    beyond = extents.DirectContent(medium_of(tmp_path, b"x" * 8), [(6, 5)], 5, lambda: other)
    assert beyond.read_at(0, 5) == b"abcde"


def test_a_reader_that_disagrees_with_libtsk_is_asked_no_more(tmp_path: Path) -> None:
    disk = medium_of(tmp_path, b"x" * 10_000)
    entry = FileEntry(Location("X/1", "0", "a", meta="12"), "file", True, 9000)
    reader = extents.DirectContents(disk, lambda entry: [(0, 9000)])
    same: Any = Other(b"x" * 9000)
    assert isinstance(reader.open(entry, lambda: same), extents.DirectContent)
    other: Any = Other(b"x" * 8999 + b"y")
    assert reader.open(entry, lambda: other) is other
    assert not isinstance(reader.open(entry, lambda: same), extents.DirectContent)
    reader.begin()
    assert isinstance(reader.open(entry, lambda: same), extents.DirectContent)


def test_deleted_and_empty_files_are_libtsk_s(tmp_path: Path) -> None:
    reader = extents.DirectContents(medium_of(tmp_path, b"x" * 10), lambda entry: [(0, 5)])
    other: Any = Other(b"")
    for kind, allocated, size in (("file", False, 5), ("file", True, 0), ("directory", True, 5)):
        entry = FileEntry(Location("X/1", "0", "a", meta="12"), kind, allocated, size)
        assert reader.open(entry, lambda: other) is other


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
