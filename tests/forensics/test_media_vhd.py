"""VHD against qemu-img: fixed, dynamic, differencing, and every way they can be broken."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import MediumError
from tests.conftest import Fetch
from tests.forensics.images import noise, read_or_refuse
from tests.forensics.qemu import CLUSTER, converted, opened, scattered, whole
from tests.forensics.vhd_children import vhd_child

SIZE = 4212736  # a whole number of the cylinders VHD counts in
CONTENT = scattered(2 * CLUSTER).ljust(SIZE - CLUSTER, b"\0") + noise(CLUSTER)
SECTORS = 4096  # of a block


@pytest.mark.parametrize("kind", ["fixed", "dynamic"])
def test_what_qemu_wrote(tmp_path: Path, kind: str) -> None:
    image = opened(converted(tmp_path, CONTENT, "vpc", "d.vhd", f"subformat={kind}"))
    assert (image.format, image.size, image.sector_size) == ("vhd", len(CONTENT), 512)
    assert whole(image) == CONTENT
    assert image.read_at(SIZE - 3, 100) == CONTENT[-3:]
    assert (image.header["kind"], image.problems()) == (kind, [])


def _child(folder: Path) -> tuple[Path, bytes]:
    """A child with its first block whole, every third sector of the second, none of the third."""
    parent = converted(folder, CONTENT, "vpc", "base.vhd")
    own = noise(SIZE)
    child = converted(folder, own, "vpc", "child.vhd")
    bits = ["1" * SECTORS, "100" * (SECTORS // 3) + "0", "0" * SECTORS]
    vhd_child(child, parent, bits)
    mixed = bytearray(CONTENT)
    for sector, bit in enumerate("".join(bits)[: SIZE // 512]):
        if bit == "1":
            mixed[sector * 512 : sector * 512 + 512] = own[sector * 512 : sector * 512 + 512]
    return child, bytes(mixed)


def test_a_differencing_disk_over_its_parent(tmp_path: Path) -> None:
    child, wanted = _child(tmp_path)
    image = opened(child)
    assert whole(image) == wanted
    assert ([one.name for one in image.parts], image.problems()) == (["child.vhd", "base.vhd"], [])


def test_a_missing_and_a_wrong_parent(tmp_path: Path) -> None:
    child, _ = _child(tmp_path)
    (tmp_path / "base.vhd").unlink()
    with pytest.raises(MediumError, match=r"parent missing: 'base\.vhd'"):
        opened(child)
    converted(tmp_path, CONTENT, "vpc", "base.vhd")
    with pytest.raises(MediumError, match=r"base\.vhd is not the parent of child\.vhd: it has the identifier"):
        opened(child)
    (tmp_path / "base.vhd").write_bytes(CONTENT)
    with pytest.raises(MediumError, match="identifier of no VHD"):
        opened(child)


def test_a_chain_that_bites_its_tail(tmp_path: Path) -> None:
    child, _ = _child(tmp_path)
    vhd_child(child, child, ["1" * SECTORS] * 3)
    with pytest.raises(MediumError, match="names itself as its parent"):
        opened(child)


def _changed(path: Path, at: int, data: bytes) -> Path:
    raw = bytearray(path.read_bytes())
    at = at if at >= 0 else len(raw) + at
    raw[at : at + len(data)] = data
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("at", "data", "line"),
    [
        (-512 + 60, b"\0\0\0\x09", "no VHD of kind 9"),
        (-512 + 48, b"\0" * 8, "a medium of 0 bytes"),
        (-512 + 48, b"\0\xff" + b"\0" * 6, "its table covers"),
        (-512 + 16, b"\0" * 8, "there is no header at byte 0"),
        (-512 + 16, b"\0\xff" + b"\0" * 6, "is truncated: the header"),
        (512 + 32, b"\0\0\0\x03", "blocks of 3 bytes"),
        (512 + 16, b"\0\xff" + b"\0" * 6, "is truncated: the table of blocks"),
    ],
)
def test_a_disk_that_cannot_be(tmp_path: Path, at: int, data: bytes, line: str) -> None:
    path = _changed(converted(tmp_path, CONTENT, "vpc", "d.vhd"), at, data)
    with pytest.raises(MediumError, match=line) as caught:
        opened(path)
    assert "\n" not in str(caught.value)


def test_checksums_that_fail_are_said(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "vpc", "d.vhd")
    _changed(_changed(path, -500, b"\x77"), 512 + 60, b"\x77")
    image = opened(path)
    assert whole(image) == CONTENT
    assert image.problems() == ["d.vhd: the footer fails its checksum", "d.vhd: the header fails its checksum"]


def test_a_cut_file_is_read_by_the_copy_of_its_footer(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "vpc", "d.vhd")
    os.truncate(path, path.stat().st_size - 512 - (2 << 20))
    image = opened(path)
    assert "does not end with its footer" in image.problems()[0]
    assert image.read_at(0, CLUSTER) == CONTENT[:CLUSTER]
    with pytest.raises(MediumError, match=r"which ends at \d+"):
        whole(image)


def test_a_fixed_disk_of_another_size(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "vpc", "d.vhd", "subformat=fixed")
    data = path.read_bytes()
    path.write_bytes(data[:CLUSTER] + data[-512:])
    image = opened(path)
    assert image.problems() == [f"d.vhd claims {SIZE} bytes before its footer, {CLUSTER} stand there"]
    assert image.read_at(0, CLUSTER) == CONTENT[:CLUSTER]
    with pytest.raises(MediumError, match="which ends at"):
        image.read_at(CLUSTER, CLUSTER)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4), st.booleans())
def test_flipped_bytes_are_never_more_than_a_medium_error(
    tmp_path_factory: pytest.TempPathFactory, corpus: Fetch, flips: list[tuple[int, int]], cut: bool
) -> None:
    data = bytearray(corpus("image/dfvfs/image.vhd").read_bytes())
    for place, value in flips:
        at = place % 2048 if value % 2 else len(data) - 1 - place % 512
        data[at] ^= value
    if cut:
        del data[flips[0][0] % len(data) :]
    read_or_refuse(tmp_path_factory.mktemp("flip"), "d.vhd", bytes(data) or b"\0")


def test_real_images(corpus: Fetch) -> None:
    path = corpus("image/dfvfs/image-differential.vhd")
    wanted = "c6db12a7db548e193c29420c1b4533e4708b20c5033db5cc29ef075d48316d25"
    assert hashlib.sha256(whole(opened(path))).hexdigest() == wanted
    with pytest.raises(MediumError, match=r"parent missing: 'fat-parent\.vhd'"):
        opened(corpus("hostile/dfvfs/fat-differential.vhd"))
    with pytest.raises(MediumError, match="is truncated"):
        opened(corpus("hostile/made/vhd-huge.vhd"))
