"""Reading what fails, writing images, and going on after a stop, against ewf-tools where they are the oracle."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from custody.access import Part
from forensics.acquire.copying import Copy, Writer
from forensics.acquire.ewf_writer import LEVELS, EwfFacts, EwfWriter, header_texts
from forensics.acquire.files import ImageFiles, State
from forensics.acquire.patient import AcquisitionError, PatientReader, direct_reader
from forensics.acquire.raw_writer import RawWriter
from forensics.media import MediumError, open_medium
from tests.forensics.images import noise, part
from tests.forensics.qemu import scattered

SECTOR = 512
STRETCH = 256 << 10
CONTENT = scattered(5 * STRETCH + 3 * SECTOR, seed=3)
WORDS = {
    "c": "C-1",
    "n": "AH/1",
    "e": "Ana Example",
    "a": "a found\tdisk",
    "md": "Model 7",
    "sn": "S-1",
    "av": "evikit",
}


@dataclass
class Failing:
    """A device with bad sectors: what touches one of them is refused."""

    content: bytes
    bad: set[int]
    heals_after: int = 1 << 30
    errno: int = errno.EIO
    refused: int = 0
    asked: list[tuple[int, int]] = field(default_factory=list)

    def read(self, offset: int, length: int) -> bytes:
        self.asked.append((offset, length))
        touched = range(offset // SECTOR, -(-(offset + length) // SECTOR))
        if self.bad.intersection(touched) and self.refused < self.heals_after:
            self.refused += 1
            raise OSError(self.errno, os.strerror(self.errno))
        return self.content[offset : offset + length]


@contextmanager
def patient(device: Failing, retries: int = 2) -> Iterator[PatientReader]:
    source, read = Part("sdz", len(device.content), -1), Part.read_at

    def read_at(self: Part, offset: int, length: int) -> bytes:
        return device.read(offset, length) if self.name == "sdz" else read(self, offset, length)

    with mock.patch.object(Part, "read_at", read_at):
        yield PatientReader(source, SECTOR, retries, device.read)


def sectors(ranges: list[tuple[int, int]]) -> set[int]:
    return {sector for first, count in ranges for sector in range(first, first + count)}


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 799), max_size=40), st.sampled_from([512, 4096, 65536, 409600]))
def test_the_listed_sectors_are_exactly_the_bad_ones(bad: set[int], block: int) -> None:
    content = noise(800 * SECTOR)
    with patient(Failing(content, bad), retries=0) as reader:
        got = b"".join(reader.read(at, min(block, len(content) - at)) for at in range(0, len(content), block))
    assert sectors(reader.bad.ranges) == bad
    assert reader.bad.count == len(bad)
    assert all(sum(one) < two[0] for one, two in zip(reader.bad.ranges, reader.bad.ranges[1:], strict=False))
    for sector in range(800):
        want = bytes(SECTOR) if sector in bad else content[sector * SECTOR : (sector + 1) * SECTOR]
        assert got[sector * SECTOR : (sector + 1) * SECTOR] == want


def test_a_sector_that_answers_when_asked_again_is_not_bad() -> None:
    content = noise(64 * SECTOR)
    device = Failing(content, {5}, heals_after=8)  # the block, five halves, the first try, one retry
    with patient(device, retries=2) as reader:
        assert reader.read(0, len(content)) == content
    assert reader.bad.ranges == []
    device = Failing(content, {5}, heals_after=8)
    with patient(device, retries=0) as reader:
        reader.read(0, len(content))
    assert reader.bad.ranges == [(5, 1)]


def test_a_short_last_sector() -> None:
    content = noise(3 * SECTOR + 100)
    with patient(Failing(content, {3}), retries=1) as reader:
        assert reader.read(0, len(content)) == content[: 3 * SECTOR] + bytes(100)
    assert reader.bad.ranges == [(3, 1)]


@pytest.mark.parametrize("number", [errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM])
def test_a_device_that_is_gone_is_not_filled_with_zeros(number: int) -> None:
    with (
        patient(Failing(noise(8192), {9}, errno=number)) as reader,
        pytest.raises(AcquisitionError, match="is gone") as e,
    ):
        reader.read(4096, 4096)
    assert "goes on" in e.value.advice


def test_a_source_that_shrank(tmp_path: Path) -> None:
    path = tmp_path / "s.raw"
    path.write_bytes(noise(8192))
    source = part(path)
    os.truncate(path, 6000)
    with pytest.raises(AcquisitionError, match=r"ends at byte 6000, before its 8192 bytes"):
        PatientReader(source, SECTOR, 0).read(4096, 4096)


def test_reading_past_the_page_cache(tmp_path: Path) -> None:
    path = tmp_path / "s.raw"
    path.write_bytes(noise(10000))
    read = direct_reader(part(path))
    assert read(0, 4096) == noise(10000)[:4096]
    assert read(100, 50) == noise(10000)[100:150]  # out of line: through the cache


# --- images ------------------------------------------------------------------------------------------------


def facts(content: bytes) -> EwfFacts:
    return EwfFacts(len(content), SECTOR, WORDS, 1_700_000_000, bytes(range(16)), physical=True)


Make = Callable[[Path, State | None, list[str] | None], Writer]


@contextmanager
def ewf_maker(content: bytes = CONTENT, *, level: str = "fast", segment: int = 1 << 30) -> Iterator[Make]:
    with ThreadPoolExecutor(2) as pool:

        def make(folder: Path, state: State | None = None, names: list[str] | None = None) -> Writer:
            files = ImageFiles(folder, lambda: None, state, names or [])
            return EwfWriter(files, "d", facts(content), level=LEVELS[level], segment_size=segment, pool=pool)

        yield make


def raw_maker(segment: int = 0) -> Make:
    def make(folder: Path, state: State | None = None, names: list[str] | None = None) -> Writer:
        return RawWriter(ImageFiles(folder, lambda: None, state, names or []), "d", segment)

    return make


def copied(make: Make, folder: Path, content: bytes = CONTENT, bad: set[int] | None = None) -> Copy:
    folder.mkdir(exist_ok=True)
    with patient(Failing(content, bad or set())) as reader:
        copy = Copy(reader, len(content), [make(folder, None, None)], lambda *_: None, lambda *_: None, stretch=STRETCH)
        copy.run()
    return copy


def image_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("level", ["none", "fast", "best"])
@pytest.mark.parametrize("segment", [1 << 30, 300 << 10])
def test_e01_gives_back_what_was_put_in(tmp_path: Path, level: str, segment: int) -> None:
    with ewf_maker(level=level, segment=segment) as make:
        copy = copied(make, tmp_path / "i")
        assert copy.verify() == []
    names = list(image_files(tmp_path / "i"))
    assert all(len(data) <= segment for data in image_files(tmp_path / "i").values())
    assert (len(names) > 1) == (segment < 1 << 30)
    first = tmp_path / "i" / "d.E01"
    image = open_medium(part(first), lambda name: part(first.with_name(name)))
    assert image.read_at(0, image.size) == CONTENT
    assert image.stored == {name: copy.digests[name] for name in ("md5", "sha1")}
    assert copy.digests["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert image.problems() == []
    wanted = {"case_number": "C-1", "evidence_number": "AH/1", "examiner_name": "Ana Example", "serial_number": "S-1"}
    assert wanted.items() <= image.header.items()
    assert (image.header["description"], image.header["acquiry_date"]) == ("a found disk", "2023-11-14T22:13:20Z")


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("EVIKIT_NO_SKIP") == "1":
            pytest.fail(f"{name} is not installed, and EVIKIT_NO_SKIP is 1")
        pytest.skip(f"{name} is not installed")
    return found


@pytest.mark.parametrize("level", ["none", "fast", "best"])
@pytest.mark.parametrize("segment", [1 << 30, 300 << 10])
def test_ewf_tools_accept_what_is_written(tmp_path: Path, level: str, segment: int) -> None:
    verify = tool("ewfverify")
    with ewf_maker(level=level, segment=segment) as make:
        copied(make, tmp_path / "i", bad={7, 8, 700})
    first = tmp_path / "i" / "d.E01"
    told = subprocess.run([verify, "-q", "-d", "sha256", str(first)], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "ewfverify: SUCCESS" in told.stdout
    info = subprocess.run([tool("ewfinfo"), str(first)], capture_output=True, text=True, check=True).stdout
    for words in ("EnCase 6", "C-1", "AH/1", "Ana Example", "Model 7", "S-1", "a found disk", "Is physical:\t\tyes"):
        assert words in info
    assert "at sector(s): 7 - 8" in info.replace("in sector", "at sector")


def test_libewf_reads_the_same(tmp_path: Path) -> None:
    pyewf = pytest.importorskip("pyewf")
    with ewf_maker(segment=300 << 10) as make:
        copied(make, tmp_path / "i")
    handle = pyewf.handle()
    handle.open([str(path) for path in sorted((tmp_path / "i").iterdir())])
    assert handle.read_buffer_at_offset(handle.get_media_size(), 0) == CONTENT
    handle.close()


def test_unreadable_sectors_stand_in_an_e01(tmp_path: Path) -> None:
    with ewf_maker() as make:
        copied(make, tmp_path / "i", bad={7, 8, 700})
    image = open_medium(part(tmp_path / "i" / "d.E01"), lambda name: part(tmp_path / "i" / name))
    assert image.problems() == [
        "sectors 7 to 8 could not be read when the medium was acquired",
        "sectors 700 to 700 could not be read when the medium was acquired",
    ]
    assert image.read_at(7 * SECTOR, 2 * SECTOR) == bytes(2 * SECTOR)


@pytest.mark.parametrize("segment", [0, 1 << 20, 100_000])
def test_raw_images(tmp_path: Path, segment: int) -> None:
    copy = copied(raw_maker(segment), tmp_path / "i", CONTENT + b"end")
    assert b"".join(image_files(tmp_path / "i").values()) == CONTENT + b"end"
    assert next(iter(image_files(tmp_path / "i"))) == ("d.001" if segment else "d.dd")
    assert copy.verify() == []


def test_an_image_that_lost_a_byte_on_the_disk_is_found(tmp_path: Path) -> None:
    copy = copied(raw_maker(), tmp_path / "i")
    data = bytearray((tmp_path / "i" / "d.dd").read_bytes())
    data[1000] ^= 1
    (tmp_path / "i" / "d.dd").write_bytes(data)
    assert copy.verify()[0].startswith("d.dd does not hold what was read: its SHA-256 is ")
    with ewf_maker() as make:
        copy = copied(make, tmp_path / "e")
        data = bytearray((tmp_path / "e" / "d.E01").read_bytes())
        data[len(data) // 2] ^= 1
        (tmp_path / "e" / "d.E01").write_bytes(data)
        assert "fails its checksum" in copy.verify()[0]


def test_e01_wants_whole_sectors(tmp_path: Path) -> None:
    with ewf_maker(CONTENT + b"x") as make, pytest.raises(AcquisitionError, match="not whole sectors") as caught:
        make(tmp_path, None, None)
    assert "--format raw" in caught.value.advice


def test_the_header_keeps_its_columns() -> None:
    new, old = header_texts(facts(CONTENT))
    lines = new.decode("utf-16").split("\n")
    assert (lines[0], lines[1], len(lines)) == ("3", "main", 18)
    assert lines[2].count("\t") == lines[3].count("\t")
    assert b"2023 11 14 22 13 20" in old


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "d.dd").write_bytes(b"mine")
    with pytest.raises(AcquisitionError, match="is there already, and is not written over"):
        copied(raw_maker(), tmp_path)
    assert (tmp_path / "d.dd").read_bytes() == b"mine"
    (tmp_path / "d.dd").unlink()
    (tmp_path / "d.dd").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(AcquisitionError, match="is there already"):
        copied(raw_maker(), tmp_path)
    assert not (tmp_path / "elsewhere").exists()


@dataclass
class Stopped:
    """A copy that was stopped, as its journal knows it."""

    folder: Path
    done: int = 0
    state: State = field(default_factory=list)
    bad: list[tuple[int, int]] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def begin(self, make: Make, bad: set[int], stop: int) -> None:
        """Copy until `stop` stretches are read; then leave what was not durable in any state."""
        with patient(Failing(CONTENT, bad)) as reader:
            writer = make(self.folder, None, None)

            def durable(done: int, bad: list[tuple[int, int]], states: list[State]) -> None:
                self.done, self.bad, (self.state,) = done, bad, states

            def tell(_: str, done: int) -> None:
                if done >= (stop + 1) * STRETCH:
                    raise KeyboardInterrupt

            copy = Copy(reader, len(CONTENT), [writer], durable, tell, stretch=STRETCH, every=2)
            with pytest.raises(KeyboardInterrupt):
                copy.run()
            writer.files.close()
            self.names = writer.files.names
        if self.names:
            with (self.folder / self.names[-1]).open("ab") as file:
                file.write(noise(777 * (stop + 1)))

    def go_on(self, make: Make, bad: set[int]) -> Copy:
        with patient(Failing(CONTENT, bad)) as reader:
            reader.bad.ranges = list(self.bad)
            writer = make(self.folder, self.state, self.names)
            copy = Copy(
                reader, len(CONTENT), [writer], lambda *_: None, lambda *_: None, done=self.done, stretch=STRETCH
            )
            copy.run()
        return copy


@pytest.mark.parametrize("stop", [0, 1, 3, 4])
@pytest.mark.parametrize("kind", ["raw", "split", "e01", "e01 in segments"])
def test_a_stopped_copy_goes_on_to_the_same_bytes(tmp_path: Path, kind: str, stop: int) -> None:
    segment = {"raw": 0, "split": 700_000, "e01": 1 << 30, "e01 in segments": 300 << 10}[kind]
    bad = {3, 2000, 2001}
    with ewf_maker(segment=segment) as ewf:
        make = ewf if kind.startswith("e01") else raw_maker(segment)
        whole = copied(make, tmp_path / "whole", bad=bad)
        stopped = Stopped(tmp_path / "stopped")
        stopped.folder.mkdir()
        stopped.begin(make, bad, stop)
        assert stopped.done in ((stop // 2) * 2 * STRETCH, max(stop // 2 - 1, 0) * 2 * STRETCH)
        rest = stopped.go_on(make, bad)
        assert image_files(stopped.folder) == image_files(tmp_path / "whole")
        assert (rest.digests, rest.reader.bad.ranges) == (whole.digests, whole.reader.bad.ranges)
        assert rest.verify() == []


def test_images_that_were_touched_meanwhile_are_refused(tmp_path: Path) -> None:
    (tmp_path / "d.dd").write_bytes(b"short")
    with pytest.raises(AcquisitionError, match="is not as the stopped acquisition left it"):
        raw_maker()(tmp_path, [["d.dd", 100]], ["d.dd"])


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    def full(_descriptor: int, _data: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with (
        mock.patch("forensics.acquire.files.os.write", full),
        pytest.raises(AcquisitionError, match="cannot be written: No space left on device") as caught,
    ):
        copied(raw_maker(), tmp_path / "i")
    assert "it goes on" in caught.value.advice


def test_too_many_segments(tmp_path: Path) -> None:
    with (
        ewf_maker(segment=300 << 10) as make,
        mock.patch("forensics.acquire.ewf_writer.segment_name", lambda _first, number: None if number > 1 else "d.E01"),
        pytest.raises(AcquisitionError, match="more segments than E01 can name"),
    ):
        copied(make, tmp_path / "i")


def test_an_unfinished_set_is_no_image(tmp_path: Path) -> None:
    with ewf_maker() as make:
        copied(make, tmp_path / "i")
    path = tmp_path / "i" / "d.E01"
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(MediumError, match="is truncated"):
        open_medium(part(path), lambda name: part(path.with_name(name)))
