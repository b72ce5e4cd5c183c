"""Digests: one reading, the same whatever the workers, absent where a byte is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from forensics.hashing import BLOCK, PROBE, BadRange, hash_medium, hash_stream
from forensics.media import MediumError
from tests.forensics.images import e01, medium, noise

DATA = noise(BLOCK + 3 * PROBE + 17)


def reader(data: bytes, bad: Callable[[int, int], bool] = lambda _offset, _end: False) -> Callable[[int, int], bytes]:
    def read_at(offset: int, length: int) -> bytes:
        if bad(offset, offset + length):
            raise MediumError("bad sector")
        return data[offset : offset + length]

    return read_at


@pytest.mark.parametrize("jobs", [1, 2])
def test_three_digests_of_one_reading(jobs: int) -> None:
    seen: list[int] = []
    result = hash_stream(reader(DATA), len(DATA), progress=seen.append, jobs=jobs)
    assert result.digests == {name: hashlib.new(name, DATA).hexdigest() for name in ("md5", "sha1", "sha256")}
    assert (result.bad, sum(seen)) == ((), len(DATA))


def test_a_bad_range_leaves_no_digest_and_is_narrowed_down() -> None:
    hurt = range(2 * PROBE, 4 * PROBE)
    result = hash_stream(reader(DATA, lambda a, b: a < hurt.stop and b > hurt.start), len(DATA))
    assert dict(result.digests) == {}
    assert result.bad == (BadRange(hurt.start, len(hurt), "bad sector"),)


def test_a_stream_shorter_than_it_says_is_bad() -> None:
    result = hash_stream(reader(DATA[:-5]), len(DATA), ("sha256",), jobs=1)
    assert dict(result.digests) == {}
    assert result.bad[0].offset == BLOCK + 3 * PROBE


def test_an_empty_stream_has_digests() -> None:
    assert hash_stream(reader(b""), 0, ("md5",)).digests == {"md5": hashlib.md5(b"").hexdigest()}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("sizes", [(BLOCK + 512,), (700_000, 700_000, 100), (512, 0, 512), (512, 0)])
def test_parts_of_raw_media_from_the_same_reading(tmp_path: Path, sizes: tuple[int, ...], jobs: int) -> None:
    pieces = {f"d.00{n}": noise(size, n) for n, size in enumerate(sizes)}
    image = medium(tmp_path, pieces)
    read: list[int] = []
    result = hash_medium(image, progress=read.append, jobs=jobs)
    assert sum(read) == image.size
    assert result.media.digests["sha256"] == hashlib.sha256(b"".join(pieces.values())).hexdigest()
    wanted = [(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in pieces.items()]
    assert [(one.name, one.size, one.sha256) for one in result.container] == wanted


def test_parts_of_an_e01_are_hashed_beside_its_medium(tmp_path: Path) -> None:
    files = dict(zip(("d.E01", "d.E02"), e01(noise(40_960), 2), strict=True))
    result = hash_medium(medium(tmp_path, files))
    assert result.media.digests["sha1"] == hashlib.sha1(noise(40_960)).hexdigest()
    assert [one.sha256 for one in result.container] == [hashlib.sha256(data).hexdigest() for data in files.values()]
    assert result.problems == ()


def test_a_damaged_chunk_takes_the_mediums_digest_not_the_containers(tmp_path: Path) -> None:
    data = bytearray(e01(noise(3 * 4096), compress=False)[0])
    data[data.index(b"sectors\0") + 76 + 4100 + 9] ^= 1
    result = hash_medium(medium(tmp_path, {"d.E01": bytes(data)}))
    assert dict(result.media.digests) == {}
    assert result.container[0].sha256 == hashlib.sha256(data).hexdigest()
    assert any("chunk 1 " in line for line in result.problems)


def test_a_part_that_cannot_be_read_whole_is_said(tmp_path: Path) -> None:
    image = medium(tmp_path, {"d.000": noise(1024), "d.001": noise(1024)})
    (tmp_path / "d.001").write_bytes(noise(100))
    result = hash_medium(image)
    assert [bool(one.sha256) for one in result.container] == [True, False]
    assert any("d.001 cannot be read whole" in line for line in result.problems)


def test_terabytes_of_holes_are_not_read(tmp_path: Path) -> None:
    from tests.forensics.qemu import opened, qemu_img

    qemu_img("create", "-f", "qcow2", "d.qcow2", "1T", folder=tmp_path)
    image = opened(tmp_path / "d.qcow2")
    found = hash_medium(image)
    assert dict(found.media.digests) == {}
    assert found.container[0].sha256 == hashlib.sha256((tmp_path / "d.qcow2").read_bytes()).hexdigest()
    size = (tmp_path / "d.qcow2").stat().st_size
    assert found.problems == (
        f"the medium claims {1 << 40} bytes, its files have {size}: it has no digest, only they have",
    )
