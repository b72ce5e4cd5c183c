"""Volumes: every table, what stands in them, and what cannot be read named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import Medium, MediumError, open_medium
from forensics.model import Volume
from forensics.volumes import list_volumes
from forensics.volumes.signatures import SIGNATURES, Signature, reason_unread
from tests.conftest import Fetch
from tests.forensics.images import e01, fat12, gpt, mbr, medium, part, sun


def volumes_of(folder: Path, image: bytes | bytearray) -> list[Volume]:
    volumes, _ = list_volumes(medium(folder, {"disk.dd": bytes(image)}))
    return volumes


def place(volume: Volume) -> tuple[str, int, int, str, str]:
    return volume.index, volume.offset, volume.length, volume.scheme, volume.filesystem


def put(image: bytearray, at: int, data: bytes) -> bytearray:
    image[at : at + len(data)] = data
    return image


def test_no_table(tmp_path: Path) -> None:
    (volume,) = volumes_of(tmp_path, fat12())
    assert place(volume) == ("0", 0, 65536, "", "FAT12")
    assert (volume.label, volume.problem) == ("EVIKIT", "")


def test_a_dos_table_with_logical_partitions(tmp_path: Path) -> None:
    image = mbr([(0x01, 63, 128), (0x05, 200, 400)], 700 * 512)
    put(image, 63 * 512, fat12())
    extended = mbr([(0x01, 63, 128)], 512)  # a logical partition counts from its own table
    put(image, 200 * 512, bytes(extended))
    put(image, 263 * 512, fat12())
    first, logical = volumes_of(tmp_path, image)
    assert place(first) == ("1", 63 * 512, 65536, "DOS", "FAT12")
    assert place(logical) == ("2", 263 * 512, 65536, "DOS", "FAT12")
    assert first.description == "DOS FAT12 (0x01)"


@pytest.mark.parametrize("unit", [512, 4096])
def test_gpt_with_both_sector_sizes(tmp_path: Path, unit: int) -> None:
    image = gpt(unit, [("Të dhëna", 64, 64 + 65536 // unit - 1)], 400)
    (volume,) = volumes_of(tmp_path, put(image, 64 * unit, fat12()))
    assert place(volume) == ("1", 64 * unit, 65536, "GPT", "FAT12")
    assert volume.description == "Të dhëna"


def test_a_sun_label(tmp_path: Path) -> None:
    image = put(sun({0: (10, 128), 2: (0, 1600)}, 1600 * 512), 160 * 512, fat12())
    whole, volume = volumes_of(tmp_path, image)
    assert (whole.offset, whole.length, whole.scheme) == (0, 1600 * 512, "Sun")
    assert place(volume) == ("2", 160 * 512, 65536, "Sun", "FAT12")


def test_a_bsd_label(corpus: Fetch) -> None:
    path = corpus("image/util-linux/blkid/images-pt/bsd.img")
    volumes, problems = list_volumes(open_medium(part(path), lambda name: part(path.with_name(name))))
    assert [(volume.offset, volume.scheme) for volume in volumes] == [
        (3932160, "BSD"),
        (4063232, "BSD"),
        (6422528, "BSD"),
    ]
    assert "lies past the end of the medium" in volumes[2].problem
    assert len(problems) == 2


def test_a_file_system_beside_a_table_is_listed_too(tmp_path: Path) -> None:
    image = bytearray(fat12())
    image[3:11] = bytes(8)  # libtsk knows a FAT boot sector by its maker's name and takes no table from it
    slots = mbr([(0x83, 100, 20)], 512)
    put(image, 446, bytes(slots[446:512]))
    listed = volumes_of(tmp_path, image)
    assert [(volume.index, volume.offset, volume.filesystem) for volume in listed] == [
        ("0", 0, "FAT12"),
        ("1", 100 * 512, ""),
    ]
    assert "beside the partition table" in listed[0].description


def test_a_volume_past_the_end(tmp_path: Path) -> None:
    image = mbr([(0x01, 63, 1000)], 300 * 512)
    put(image, 63 * 512, fat12())
    volumes, problems = list_volumes(medium(tmp_path, {"disk.dd": bytes(image)}))
    assert volumes[0].filesystem == "FAT12"
    assert [problem.reason for problem in problems if problem.location.volume == "1"] == [
        "the volume ends 390656 bytes past the end of the medium"
    ]


def test_a_table_libtsk_refuses_is_said(tmp_path: Path) -> None:
    image = mbr([(0x07, 5000, 1000)], 64 * 512)
    volumes, problems = list_volumes(medium(tmp_path, {"disk.dd": bytes(image)}))
    assert [(volume.offset, volume.filesystem) for volume in volumes] == [(0, "")]
    assert any("DOS partition table that libtsk does not accept" in problem.reason for problem in problems)


def test_boot_code_is_no_table(tmp_path: Path) -> None:
    image = bytearray(b"\x90" * 510 + b"\x55\xaa").ljust(64 * 512, b"\x01")
    volumes, problems = list_volumes(medium(tmp_path, {"disk.dd": bytes(image)}))
    assert (len(volumes), problems) == (1, [])
    assert volumes[0].problem.startswith("no file system that is known")


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda one: f"{one.name}@{one.offset}")
def test_what_is_not_read_is_named(signature: Signature, tmp_path: Path) -> None:
    at, magic = signature.offset, signature.magic
    image = put(bytearray(1 << 21), at, magic)
    (volume,) = volumes_of(tmp_path, image)
    assert volume.filesystem == ""
    assert volume.problem.startswith(f"{signature.name}: ")


def test_damage_and_emptiness_are_told_apart(tmp_path: Path) -> None:
    assert "first 64 KiB are zeros" in volumes_of(tmp_path, bytes(1 << 17))[0].problem
    damaged = bytearray(fat12())
    damaged[11:13] = b"\0\0"
    assert "damaged: the signature says FAT" in volumes_of(tmp_path, damaged)[0].problem
    assert reason_unread(lambda _offset, _length: b"", "why").endswith("why")


def test_a_volume_that_fits_two_file_systems(tmp_path: Path, corpus: Fetch) -> None:
    disc = bytearray(corpus("image/dfvfs/iso9660.raw").read_bytes())
    disc[: 64 * 512] = fat12(64)  # an ISO leaves its first 32 KiB to others
    volumes, problems = list_volumes(medium(tmp_path, {"disc.iso": bytes(disc)}))
    assert volumes[0].filesystem in ("FAT12", "ISO9660")
    assert "fits two file systems" in problems[0].reason


class Failing:
    """A medium whose middle cannot be read."""

    def __init__(self, medium: Medium) -> None:
        self._medium = medium
        self.size = medium.size

    def __getattr__(self, name: str) -> object:
        return getattr(self._medium, name)

    def read_at(self, offset: int, length: int) -> bytes:
        if offset + length > 1024:
            raise MediumError("chunk 0 fails its checksum")
        return self._medium.read_at(offset, length)


def test_a_medium_that_cannot_be_read_is_a_problem_not_an_exception(tmp_path: Path) -> None:
    failing = Failing(medium(tmp_path, {"d.E01": e01(fat12())[0]}))
    volumes, problems = list_volumes(failing)  # type: ignore[arg-type]
    assert len(volumes) == 1
    assert any("chunk 0 fails its checksum" in problem.reason for problem in problems)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 511), st.integers(0, 255)), max_size=12))
def test_any_first_sector_gives_volumes(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]]
) -> None:
    image = put(mbr([(0x01, 63, 128), (0x05, 200, 90)], 300 * 512), 63 * 512, fat12())
    for at, value in changes:
        image[at] = value
    volumes = volumes_of(tmp_path_factory.mktemp("mbr"), image)
    assert volumes
    assert all(volume.filesystem or volume.problem for volume in volumes)
