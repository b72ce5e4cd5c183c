"""E01 sets: content, stored digests, header, and every way a set can be broken."""

from __future__ import annotations

import hashlib
import os
import zlib
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.access import Part
from forensics.media import MediumError, open_medium
from forensics.media.ewf import segment_name
from tests.conftest import Fetch
from tests.forensics.images import e01, medium, noise, part, parts

CONTENT = noise(9 * 4096 + 512)  # the tenth chunk is short


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("segments", [1, 3])
def test_a_set_gives_back_what_was_put_in(tmp_path: Path, compress: bool, segments: int) -> None:
    files = {f"d.E0{n + 1}": data for n, data in enumerate(e01(CONTENT, segments, compress))}
    image = medium(tmp_path, files)
    assert (image.format, image.size, image.sector_size) == ("ewf", len(CONTENT), 512)
    assert image.read_at(0, len(CONTENT) + 1) == CONTENT
    assert image.read_at(4000, 9000) == CONTENT[4000:13000]
    assert image.read_at(len(CONTENT), 1) == image.read_at(-1, 5) == b""
    assert image.stored == {
        "md5": hashlib.md5(CONTENT).hexdigest(),
        "sha1": hashlib.sha1(CONTENT).hexdigest(),
    }
    assert image.header["case_number"] == "C-1"
    assert image.header["acquiry_date"] == "2010-07-01T16:00:00Z"
    assert image.problems() == []


def test_segments_are_named_beyond_99() -> None:
    names = [segment_name("d.E01", number) for number in (2, 99, 100, 101, 126, 775, 776, 14971)]
    assert names == ["d.E02", "d.E99", "d.EAA", "d.EAB", "d.EBA", "d.EZZ", "d.FAA", "d.ZZZ"]
    assert segment_name("d.E01", 14972) is None
    assert segment_name("d.e01", 100) == "d.eaa"
    assert [segment_name("d.s01", number) for number in (2, 100)] == ["d.s02", "d.saa"]
    assert segment_name("d.dd", 2) is None


def test_a_missing_segment_is_named(tmp_path: Path) -> None:
    first, second, third = e01(CONTENT, 3)
    with pytest.raises(MediumError, match=r"segment missing: d\.E02"):
        medium(tmp_path, {"d.E01": first, "d.E03": third})
    with pytest.raises(MediumError, match=r"d\.E02 is segment 3 of a set"):
        medium(tmp_path, {"d.E01": first, "d.E02": third})
    with pytest.raises(MediumError, match=r"d\.E02 is segment 2 of its set, not the first"):
        medium(tmp_path, {"d.E02": second})


@pytest.mark.parametrize("compress", [True, False])
def test_a_damaged_chunk_is_named_and_its_neighbours_are_read(tmp_path: Path, compress: bool) -> None:
    data = bytearray(e01(CONTENT, 1, compress)[0])
    table = data.index(b"sectors\0")
    data[table + 76 + 2 * 4100 + 100] ^= 1  # inside the third chunk: noise does not compress
    image = medium(tmp_path, {"d.E01": bytes(data)})
    with pytest.raises(MediumError, match=r"chunk 2 \(bytes 8192 to 12288 of the medium\)"):
        image.read_at(0, len(CONTENT))
    assert image.read_at(12288, 4096) == CONTENT[12288:16384]
    assert [line[:8] for line in image.problems()] == ["chunk 2 "]


def test_a_damaged_table_is_replaced_by_its_copy(tmp_path: Path) -> None:
    data = bytearray(e01(CONTENT)[0])
    table = data.index(b"table\0")
    data[table + 76 + 24 + 5] ^= 1
    image = medium(tmp_path, {"d.E01": bytes(data)})
    assert image.read_at(0, len(CONTENT)) == CONTENT
    assert "its copy was used" in image.problems()[0]
    copy = data.index(b"table2\0")
    data[copy + 76 + 24 + 5] ^= 1
    broken = medium(tmp_path, {"d.E01": bytes(data)})
    with pytest.raises(MediumError, match="fails its checksum, and there is no sound copy"):
        broken.read_at(0, 1)


def test_sectors_the_acquisition_could_not_read_are_said(tmp_path: Path) -> None:
    image = medium(tmp_path, {"d.E01": e01(CONTENT, unread=True)[0]})
    assert image.problems() == ["sectors 7 to 8 could not be read when the medium was acquired"]


def test_a_stored_digest_that_fails_its_checksum_is_not_believed(tmp_path: Path) -> None:
    data = bytearray(e01(CONTENT)[0])
    data[data.index(b"digest\0") + 80] ^= 1
    image = medium(tmp_path, {"d.E01": bytes(data)})
    assert dict(image.stored) == {}
    assert "digest section fails its checksum" in image.problems()[0]


@pytest.mark.parametrize(
    ("length", "line"),
    [
        (0, "is empty"),
        (5, "does not start with an EWF file header"),
        (13, "is truncated"),
        (5000, "is truncated"),
    ],
)
def test_a_cut_file_is_one_clear_line(tmp_path: Path, length: int, line: str) -> None:
    with pytest.raises(MediumError, match=line) as caught:
        medium(tmp_path, {"d.E01": e01(CONTENT)[0][:length]})
    assert "\n" not in str(caught.value)


def test_a_name_that_cannot_go_on(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match=r"\.E01 expected"):
        medium(tmp_path, {"disk.bin": e01(CONTENT, 2)[0]})


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_are_never_more_than_a_medium_error(
    tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(e01(CONTENT[:8192])[0])
    for place, value in flips:
        data[place % len(data)] ^= value
    first, opener = parts(tmp_path_factory.mktemp("flip"), {"d.E01": bytes(data)})
    line, got = "", b""
    try:
        image = open_medium(first, opener)
        got = image.read_at(0, min(image.size, 1 << 20))
    except MediumError as error:
        line = str(error)
    os.close(first.descriptor)
    assert "\n" not in line
    # What is read is right: a checksum stands on everything between the flip and the bytes.
    assert CONTENT[:8192].startswith(got[:8192])


def beside(path: Path, name: str) -> Part:
    return part(path.with_name(name))


def test_libewf_reads_the_same(corpus: Fetch) -> None:
    pyewf = pytest.importorskip("pyewf")
    for name in ("image/dfvfs/ext2.E01", "image/velociraptor/partition_image.E01"):
        path = corpus(name)
        handle = pyewf.handle()
        handle.open([str(path)])
        image = open_medium(part(path), partial(beside, path))
        ours = image.read_at(0, image.size)
        assert zlib.crc32(ours) == zlib.crc32(handle.read_buffer_at_offset(image.size, 0))
        assert image.stored["md5"] == handle.get_hash_values()["MD5"] == hashlib.md5(ours).hexdigest()
        wanted = {k: v for k, v in handle.get_header_values().items() if not k.endswith("_date")}
        assert wanted.items() <= image.header.items()
        handle.close()


def test_smart(corpus: Fetch, tmp_path: Path) -> None:
    path = corpus("image/made/derived-daylight-smart.s01")
    image = open_medium(part(path), partial(beside, path))
    assert hashlib.md5(image.read_at(0, image.size)).hexdigest() == image.stored["md5"]
    assert (image.size, image.header["acquiry_software_version"], image.problems()) == (1474560, "20140813", [])
    data = bytearray(path.read_bytes())
    data[700] ^= 1
    damaged = medium(tmp_path, {"d.s01": bytes(data)})
    with pytest.raises(MediumError, match=r"chunk 0 \(bytes 0 to 32768 of the medium\)"):
        damaged.read_at(0, 1)
    data[168 + 80] ^= 1
    with pytest.raises(MediumError, match="its volume section fails its checksum"):
        medium(tmp_path, {"d.s01": bytes(data)})
