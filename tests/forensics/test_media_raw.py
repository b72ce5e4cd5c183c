"""Raw images: their bytes, their ends, their failures."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from custody.access import Part
from forensics.media import MediumError, open_medium
from tests.forensics.images import medium, noise, part


def test_the_bytes_are_the_files(tmp_path: Path) -> None:
    data = noise(5 * 512)
    image = medium(tmp_path, {"disk.dd": data})
    assert (image.format, image.size, image.sector_size) == ("raw", len(data), 512)
    assert image.read_at(0, len(data)) == data
    assert image.read_at(700, 900) == data[700:1600]
    assert image.read_at(len(data) - 3, 100) == data[-3:]
    assert image.read_at(len(data), 1) == image.read_at(-1, 1) == image.read_at(0, 0) == b""
    assert (image.problems(), dict(image.stored), dict(image.header)) == ([], {}, {})


def test_an_empty_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match=r"disk\.dd is empty") as caught:
        medium(tmp_path, {"disk.dd": b""})
    assert caught.value.advice


def test_a_size_that_is_not_whole_sectors_is_read_and_said(tmp_path: Path) -> None:
    image = medium(tmp_path, {"disk.dd": noise(1000)})
    assert image.read_at(0, 2000) == noise(1000)
    assert "1000 bytes are not whole sectors" in image.problems()[0]


def test_an_image_that_shrank_after_it_was_opened(tmp_path: Path) -> None:
    (tmp_path / "disk.dd").write_bytes(noise(1024))
    opened = part(tmp_path / "disk.dd")
    image = open_medium(opened, lambda name: part(tmp_path / name))
    os.truncate(tmp_path / "disk.dd", 600)
    with pytest.raises(MediumError, match=r"disk\.dd ends at byte 600"):
        image.read_at(512, 512)


def test_a_device_that_fails_is_one_line(tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)  # reading a directory fails as a dying disk does: OSError
    broken = Part("sdb", 4096, folder)
    with pytest.raises(MediumError, match=r"sdb: bytes 0 to [0-9]+ cannot be read"):
        open_medium(broken, lambda name: part(tmp_path / name)).read_at(0, 4096)
