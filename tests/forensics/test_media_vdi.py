"""VDI against qemu-img, snapshots over parents, and every way they can be broken."""

from __future__ import annotations

import os
import struct
import uuid
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import MediumError
from tests.conftest import Fetch
from tests.forensics.images import noise, read_or_refuse
from tests.forensics.qemu import CLUSTER, converted, opened, scattered, whole

CONTENT = scattered(90 * CLUSTER - 1536)


@pytest.mark.parametrize("static", ["on", "off"])
def test_what_qemu_wrote(tmp_path: Path, static: str) -> None:
    image = opened(converted(tmp_path, CONTENT, "vdi", "d.vdi", f"static={static}"))
    assert (image.format, image.size, image.sector_size) == ("vdi", len(CONTENT), 512)
    assert whole(image) == CONTENT
    assert image.read_at(len(CONTENT) - 3, 100) == CONTENT[-3:]
    assert (image.header["kind"], image.problems()) == ("fixed" if static == "on" else "dynamic", [])


def _changed(path: Path, at: int, data: bytes) -> Path:
    raw = bytearray(path.read_bytes())
    raw[at : at + len(data)] = data
    path.write_bytes(raw)
    return path


def _child(folder: Path) -> tuple[Path, Path]:
    """A child of which the first block is its own, the second its parent's and the third zeros."""
    parent = converted(folder, CONTENT, "vdi", "x.vdi")
    identifier = parent.read_bytes()[392:408]
    parent = parent.rename(folder / f"{{{uuid.UUID(bytes_le=identifier)}}}.vdi")
    child = converted(folder, noise(len(CONTENT)), "vdi", "child.vdi")
    _changed(_changed(child, 76, b"\x04"), 424, identifier)
    (table,) = struct.unpack_from("<I", child.read_bytes(), 340)
    return _changed(child, table + 4, struct.pack("<II", 0xFFFFFFFF, 0xFFFFFFFE)), parent


def test_a_differencing_disk_over_its_parent(tmp_path: Path) -> None:
    child, parent = _child(tmp_path)
    image, own, block = opened(child), noise(len(CONTENT)), 1 << 20
    wanted = own[:block] + CONTENT[block : 2 * block] + bytes(block) + own[3 * block :]
    assert whole(image) == wanted
    assert [one.name for one in image.parts] == ["child.vdi", parent.name]


def test_a_missing_and_a_wrong_parent(tmp_path: Path) -> None:
    child, parent = _child(tmp_path)
    _changed(parent, 392, b"\xff")
    with pytest.raises(MediumError, match=r"is not the parent of child\.vdi"):
        opened(child)
    parent.unlink()
    with pytest.raises(MediumError, match=r"parent missing: '\{[0-9a-f-]{36}\}\.vdi'"):
        opened(child)


@pytest.mark.parametrize(
    ("at", "data", "line"),
    [
        (70, b"\x09", "version 9"),
        (76, b"\x09", "kind 9"),
        (376, b"\0" * 4, "blocks of 0 bytes"),
        (368, b"\0" * 8, "a medium of 0 bytes"),
        (368, b"\0" * 5 + b"\xff", "its table covers"),
        (340, b"\xff" * 4, "is truncated: the table of blocks"),
    ],
)
def test_a_header_that_cannot_be(tmp_path: Path, at: int, data: bytes, line: str) -> None:
    path = _changed(converted(tmp_path, CONTENT, "vdi", "d.vdi"), at, data)
    with pytest.raises(MediumError, match=line) as caught:
        opened(path)
    assert "\n" not in str(caught.value)


def test_a_cut_file_names_what_is_gone(tmp_path: Path) -> None:
    path = converted(tmp_path, noise(4 << 20), "vdi", "d.vdi")
    os.truncate(path, path.stat().st_size - (1 << 20))
    image = opened(path)
    assert image.read_at(0, CLUSTER) == noise(CLUSTER)
    with pytest.raises(MediumError, match=r"of the medium lie at byte \d+ of d\.vdi, which ends"):
        whole(image)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4), st.booleans())
def test_flipped_bytes_are_never_more_than_a_medium_error(
    tmp_path_factory: pytest.TempPathFactory, corpus: Fetch, flips: list[tuple[int, int]], cut: bool
) -> None:
    data = bytearray(corpus("image/made/derived-daylight.vdi").read_bytes()[: 1 << 20])
    for place, value in flips:
        data[place % 520] ^= value
    if cut:
        del data[flips[0][0] % len(data) :]
    read_or_refuse(tmp_path_factory.mktemp("flip"), "d.vdi", bytes(data) or b"\0")
