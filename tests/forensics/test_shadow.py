"""Shadow copies of NTFS: read as libvshadow reads them, listed with their times, and nothing listed twice."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pytest

from forensics.volumes.layout import Layout, lay_out
from forensics.volumes.shadow import ShadowCopy
from tests.conftest import Fetch
from tests.forensics.images import medium
from tests.forensics.shadow_images import BLOCK, HEADER_AT, UNDELETED, shadowed, three_states


@pytest.fixture(scope="session")
def states(corpus: Fetch) -> list[bytes]:
    return three_states(corpus(UNDELETED))


def of(folder: Path, image: bytes) -> Layout:
    return lay_out(medium(folder, {"d.raw": image}))


def test_copies_are_volumes_of_their_own(states: list[bytes], tmp_path: Path) -> None:
    layout = of(tmp_path, shadowed(states))
    assert [(one.index, one.filesystem, one.scheme) for one in layout.volumes] == [
        ("0", "NTFS", ""), ("0.vss1", "NTFS", "VSS"), ("0.vss2", "NTFS", "VSS"),
    ]  # fmt: skip
    assert layout.problems == []
    assert layout.volumes[1].description == (
        "shadow copy of 2022-06-18T04:26:40.0000007Z, {00000000-0000-0000-0000-000000000065}"
        " of set {00000000-0000-0000-0000-0000000000c9}"
    )
    assert layout.sources["0.vss1"].newer == layout.sources["0.vss2"]
    assert layout.sources["0.vss2"].newer is layout.sources["0"]
    for index, state in (("0.vss1", states[0]), ("0.vss2", states[1])):
        found = bytearray(layout.sources[index].read_at(0, len(state)))
        found[HEADER_AT : HEADER_AT + 512] = state[HEADER_AT : HEADER_AT + 512]  # it is the volume's, not the copy's
        assert hashlib.sha256(found).digest() == hashlib.sha256(state).digest()


def test_damage_is_a_problem_and_the_volume_is_read(states: list[bytes], tmp_path: Path) -> None:
    image = bytearray(shadowed(states))
    (catalogue,) = struct.unpack_from("<Q", image, HEADER_AT + 48)
    image[catalogue : catalogue + 16] = bytes(16)
    layout = of(tmp_path, bytes(image))
    assert [one.filesystem for one in layout.volumes] == ["NTFS"]
    assert [one.reason.startswith("its shadow copies cannot be read: ") for one in layout.problems] == [True]


def test_a_store_that_lies_elsewhere_is_a_problem_of_its_own(states: list[bytes], tmp_path: Path) -> None:
    image = bytearray(shadowed(states))
    (catalogue,) = struct.unpack_from("<Q", image, HEADER_AT + 48)
    struct.pack_into("<Q", image, catalogue + 256 + 8, len(image) + BLOCK)
    layout = of(tmp_path, bytes(image))
    assert layout.volumes[0].filesystem == "NTFS"
    assert layout.problems or any(one.problem for one in layout.volumes)


def test_times_beyond_all_calendars() -> None:
    assert ShadowCopy(1, 1 << 63, "", "").instant == f"{1 << 63} ticks after 1601"
