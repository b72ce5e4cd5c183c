"""VHDX against qemu-img and libvhdi: fixed, dynamic, differencing, and every way they can be broken."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import MediumError
from forensics.media._crc32c import crc32c
from tests.conftest import Fetch
from tests.forensics.images import noise, read_or_refuse
from tests.forensics.qemu import CLUSTER, converted, opened, scattered, whole
from tests.forensics.vhd_children import rewrite_vhdx_header, vhdx_child, vhdx_regions

CONTENT = scattered(90 * CLUSTER + 1536)
DYNAMIC = "subformat=dynamic,block_size=1M"
RATIO = 4096  # blocks of 1 MiB that one bitmap tells of


def test_the_checksum() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C


@pytest.mark.parametrize("options", [DYNAMIC, "subformat=fixed", "subformat=dynamic,block_size=32M"])
def test_what_qemu_wrote(tmp_path: Path, options: str) -> None:
    image = opened(converted(tmp_path, CONTENT, "vhdx", "d.vhdx", options))
    assert (image.format, image.size, image.sector_size) == ("vhdx", len(CONTENT), 512)
    assert whole(image) == CONTENT
    assert image.read_at(len(CONTENT) - 3, 100) == CONTENT[-3:]
    assert image.problems() == []


def _child(folder: Path, linkage: str = "") -> tuple[Path, bytes]:
    parent = converted(folder, CONTENT, "vhdx", "base.vhdx", DYNAMIC)
    own = noise(len(CONTENT))
    child = converted(folder, own, "vhdx", "child.vhdx", DYNAMIC)
    bits = "1" * 2048 + "10011" * 800 + "0" * 2000
    bits = bits.ljust(-(-len(CONTENT) // 512) // 8 * 8 + 8, "1")
    vhdx_child(child, parent, bits, RATIO, linkage)
    mixed = bytearray(CONTENT)
    for sector in range(len(CONTENT) // 512):
        if bits[sector] == "1":
            mixed[sector * 512 : sector * 512 + 512] = own[sector * 512 : sector * 512 + 512]
    return child, bytes(mixed)


def test_a_differencing_disk_over_its_parent(tmp_path: Path) -> None:
    child, wanted = _child(tmp_path)
    image = opened(child)
    assert whole(image) == wanted
    assert ([one.name for one in image.parts], image.header["kind"]) == (["child.vhdx", "base.vhdx"], "differencing")
    pyvhdi = pytest.importorskip("pyvhdi")
    theirs, below = pyvhdi.file(), pyvhdi.file()
    theirs.open(str(child))
    below.open(str(tmp_path / "base.vhdx"))
    theirs.set_parent(below)
    assert theirs.read_buffer_at_offset(len(wanted), 0) == wanted


def test_a_missing_and_a_wrong_parent(tmp_path: Path) -> None:
    child, _ = _child(tmp_path, "00000000-0000-4000-8000-000000000001")
    with pytest.raises(MediumError, match=r"base\.vhdx is not the parent of child\.vhdx: it has the identifier"):
        opened(child)
    (tmp_path / "base.vhdx").write_bytes(CONTENT)
    with pytest.raises(MediumError, match="identifier of no VHDX"):
        opened(child)
    (tmp_path / "base.vhdx").unlink()
    with pytest.raises(MediumError, match=r"parent missing: 'base\.vhdx'"):
        opened(child)


def test_one_damaged_header_is_said_and_two_are_refused(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "vhdx", "d.vhdx", DYNAMIC)
    data = bytearray(path.read_bytes())
    data[0x10000 + 100] ^= 1
    path.write_bytes(data)
    image = opened(path)
    assert whole(image) == CONTENT
    assert "one of its two headers fails its checksum" in image.problems()[0]
    data[0x20000 + 100] ^= 1
    path.write_bytes(data)
    with pytest.raises(MediumError, match="neither of its headers is sound"):
        opened(path)


def test_damaged_region_tables(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "vhdx", "d.vhdx", DYNAMIC)
    data = bytearray(path.read_bytes())
    data[0x30000 + 100] ^= 1
    path.write_bytes(data)
    assert whole(opened(path)) == CONTENT
    data[0x40000 + 100] ^= 1
    path.write_bytes(data)
    with pytest.raises(MediumError, match="neither of its region tables is sound"):
        opened(path)


def test_a_log_that_was_not_applied_is_said(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "vhdx", "d.vhdx", DYNAMIC)
    for header in (0x10000, 0x20000):
        rewrite_vhdx_header(path, 48, b"\x01" * 16, header)
    assert opened(path).problems() == ["d.vhdx was not closed by its writer: changes in its log are not applied"]


@pytest.mark.parametrize(
    ("state", "line"),
    [(7, r"block 2 is in state 7"), (4, r"block 2 is in state 4"), (1, ""), (2, ""), (3, ""), (0, "")],
)
def test_states_of_a_block(tmp_path: Path, state: int, line: str) -> None:
    path = converted(tmp_path, noise(4 << 20), "vhdx", "d.vhdx", DYNAMIC)
    data = bytearray(path.read_bytes())
    at = vhdx_regions(data)["bat"] + 16
    data[at] = state
    path.write_bytes(data)
    if line:
        with pytest.raises(MediumError, match=line):
            opened(path).read_at(2 << 20, 10)
    else:
        assert opened(path).read_at(2 << 20, 10) == bytes(10)


def test_metadata_that_is_not_there(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "vhdx", "d.vhdx", DYNAMIC)
    data = bytearray(path.read_bytes())
    at = vhdx_regions(data)["metadata"]
    kept = bytes(data)
    data[at + 10] = 1
    path.write_bytes(data)
    with pytest.raises(MediumError, match="of its metadata is missing"):
        opened(path)
    path.write_bytes(kept[:at] + b"\0" * 8 + kept[at + 8 :])
    with pytest.raises(MediumError, match="there is no metadata at byte"):
        opened(path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(1, 255)), min_size=1, max_size=4), st.booleans())
def test_flipped_bytes_are_never_more_than_a_medium_error(
    tmp_path_factory: pytest.TempPathFactory, corpus: Fetch, flips: list[tuple[int, int]], cut: bool
) -> None:
    data = bytearray(corpus("image/made/derived-daylight.vhdx").read_bytes()[: 5 << 20])
    regions = list(vhdx_regions(bytes(data)).values())
    for place, value in flips:
        start = [*regions, regions[0] + 0x10000, 0x30000][value % 4]
        data[(start + place % 300) % len(data)] ^= value
    if cut:
        del data[flips[0][0] % len(data) :]
    read_or_refuse(tmp_path_factory.mktemp("flip"), "d.vhdx", bytes(data) or b"\0")
