"""Ex01 sets: content, stored digests, header, and every way a set can be broken."""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import MediumError
from forensics.media.ex01 import segment_name
from tests.forensics.ewf2 import CHUNK, ex01
from tests.forensics.images import medium, noise, read_or_refuse

CONTENT = noise(4 * CHUNK) + bytes(2 * CHUNK) + noise(3 * CHUNK + 512, seed=2)  # the last chunk is short


@pytest.mark.parametrize(("method", "pack"), [(1, True), (2, True), (1, False)])
@pytest.mark.parametrize("segments", [1, 3])
def test_a_set_gives_back_what_was_put_in(tmp_path: Path, method: int, pack: bool, segments: int) -> None:
    files = {f"d.Ex0{n + 1}": data for n, data in enumerate(ex01(CONTENT, segments, method=method, pack=pack))}
    image = medium(tmp_path, files)
    assert (image.format, image.size, image.sector_size) == ("ex01", len(CONTENT), 512)
    assert image.read_at(0, len(CONTENT) + 1) == CONTENT
    assert image.read_at(4000, 9000) == CONTENT[4000:13000]
    assert image.read_at(len(CONTENT), 1) == image.read_at(-1, 5) == b""
    assert image.stored == {"md5": hashlib.md5(CONTENT).hexdigest(), "sha1": hashlib.sha1(CONTENT).hexdigest()}
    assert (image.header["case_number"], image.header["serial_number"]) == ("C-1", "S-1")
    assert image.header["acquiry_date"] == "2010-07-01T16:00:00Z"
    assert "hpa_sectors" not in image.header
    assert image.problems() == []


@pytest.mark.parametrize("shape", [{}, {"pack": False}, {"segments": 3}])  # its wheel has no bzip2
def test_libewf_reads_what_the_tests_make(tmp_path: Path, shape: dict[str, Any]) -> None:
    """So that what is read here is the format, and not what the test believes it to be."""
    import pyewf

    names = []
    for number, data in enumerate(ex01(CONTENT, **shape), 1):
        path = tmp_path / f"d.Ex{number:02d}"
        path.write_bytes(data)
        names.append(str(path))
    handle = pyewf.handle()
    handle.open(names)
    assert handle.read(handle.get_media_size()) == CONTENT
    assert handle.get_header_values()["examiner_name"] == "Ada Horvat"
    handle.close()


def test_segments_are_named() -> None:
    names = [segment_name("d.Ex01", number) for number in (2, 99, 100, 125, 126, 775, 776, 2127)]
    assert names == ["d.Ex02", "d.Ex99", "d.ExAA", "d.ExAZ", "d.ExBA", "d.ExZZ", "d.EyAA", "d.EzZZ"]
    assert segment_name("d.Ex01", 2128) is None
    assert segment_name("d.ex01", 100) == "d.exaa"
    assert segment_name("d.E01", 2) is None


def test_a_missing_or_wrong_segment_is_named(tmp_path: Path) -> None:
    first, second, third = ex01(CONTENT, 3)
    with pytest.raises(MediumError, match=r"segment missing: d\.Ex02"):
        medium(tmp_path, {"d.Ex01": first, "d.Ex03": third})
    with pytest.raises(MediumError, match=r"d\.Ex02 is segment 3 of a set"):
        medium(tmp_path, {"d.Ex01": first, "d.Ex02": third})
    with pytest.raises(MediumError, match=r"is segment 2 of its set, not the first"):
        medium(tmp_path, {"d.Ex02": second})
    with pytest.raises(MediumError, match="does not say how"):
        medium(tmp_path, {"d.img": first})


@pytest.mark.parametrize("size", [0, 7, 40, 3000])
def test_what_is_cut_is_refused(tmp_path: Path, size: int) -> None:
    (whole,) = ex01(CONTENT)
    with pytest.raises(MediumError, match=r"d\.Ex01"):
        medium(tmp_path, {"d.Ex01": whole[:size]})


def test_a_damaged_chunk_is_named_and_its_bytes_are_not_given(tmp_path: Path) -> None:
    for pack in (True, False):
        (whole,) = ex01(CONTENT, pack=pack)
        data = bytearray(whole)
        data[data.index(zlib.compress(CONTENT[CHUNK : 2 * CHUNK]) if pack else CONTENT[CHUNK : 2 * CHUNK]) + 900] ^= 1
        image = medium(tmp_path, {"d.Ex01": bytes(data)})
        assert image.read_at(0, CHUNK) == CONTENT[:CHUNK]
        with pytest.raises(MediumError, match=f"chunk 1 \\(bytes {CHUNK} to {2 * CHUNK} of the medium\\)"):
            image.read_at(CHUNK, 10)
        assert len(image.problems()) == 1


def test_sectors_that_could_not_be_read_are_told(tmp_path: Path) -> None:
    image = medium(tmp_path, {"d.Ex01": ex01(CONTENT, unread=True)[0]})
    assert image.problems() == ["sectors 7 to 8 could not be read when the medium was acquired"]


def last(data: bytes | bytearray) -> int:
    """Where the closing descriptor stands."""
    return len(data) - 64


def changed(data: bytes, at: int, form: str, value: int) -> bytes:
    """With another number in the descriptor at `at`, and its checksum set right."""
    raw = bytearray(data)
    struct.pack_into(form, raw, at, value)
    start = last(raw)
    struct.pack_into("<I", raw, start + 60, zlib.adler32(raw[start : start + 60]))
    return bytes(raw)


def test_encrypted_and_looped_sets_are_refused(tmp_path: Path) -> None:
    (whole,) = ex01(CONTENT)
    with pytest.raises(MediumError, match="is an encrypted Ex01") as caught:
        medium(tmp_path, {"d.Ex01": changed(whole, last(whole) + 4, "<I", 2)})
    assert "EnCase" in caught.value.advice
    with pytest.raises(MediumError, match="points on to byte"):
        medium(tmp_path, {"d.Ex01": changed(whole, last(whole) + 8, "<Q", last(whole))})
    with pytest.raises(MediumError, match="no section ends where the file does"):
        medium(tmp_path, {"d.Ex01": changed(whole, last(whole), "<I", 9)})


def test_a_stored_digest_that_is_damaged_is_a_problem(tmp_path: Path) -> None:
    (whole,) = ex01(CONTENT)
    data = whole.replace(hashlib.md5(CONTENT).digest(), bytes(15) + b"x")
    image = medium(tmp_path, {"d.Ex01": data})
    assert "fails its checksum" in image.problems()[0]
    assert "md5" not in image.stored


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_damage_is_told_or_harmless(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    raw = bytearray(ex01(CONTENT, method=data.draw(st.sampled_from([1, 2])))[0])
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    read_or_refuse(tmp_path_factory.mktemp("ex01"), "d.Ex01", bytes(raw[: data.draw(st.integers(0, len(raw)))]))
