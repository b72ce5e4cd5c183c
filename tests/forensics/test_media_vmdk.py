"""VMDK of every kind qemu writes, snapshots over parents, and every way they can be broken."""

from __future__ import annotations

import hashlib
import os
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import MediumError
from tests.conftest import Fetch
from tests.forensics.images import noise, read_or_refuse
from tests.forensics.qemu import CLUSTER, converted, opened, qemu_img, scattered, whole

CONTENT = scattered(40 * CLUSTER - 1536)
KINDS = ["monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_qemu_wrote(tmp_path: Path, kind: str) -> None:
    image = opened(converted(tmp_path, CONTENT, "vmdk", "d.vmdk", f"subformat={kind}"))
    assert (image.format, image.size, image.sector_size) == ("vmdk", len(CONTENT), 512)
    assert whole(image) == CONTENT
    assert image.read_at(len(CONTENT) - 3, 100) == CONTENT[-3:]
    assert image.read_at(len(CONTENT), 1) == image.read_at(-1, 1) == b""
    assert (image.header["kind"], image.problems()) == (kind, [])


def test_a_file_by_another_name(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "vmdk", "d.vmdk").rename(tmp_path / "Exhibit 7.bin")
    assert whole(opened(path)) == CONTENT


def test_threads_read_at_once(tmp_path: Path) -> None:
    image = opened(converted(tmp_path, CONTENT, "vmdk", "d.vmdk", "subformat=streamOptimized"))
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda at: image.read_at(at, 1000), range(0, len(CONTENT), 1000)))
    assert b"".join(read) == CONTENT


@pytest.mark.parametrize(
    ("kind", "extent"), [("monolithicFlat", "d-flat.vmdk"), ("twoGbMaxExtentSparse", "d-s001.vmdk")]
)
def test_a_missing_extent_is_named(tmp_path: Path, kind: str, extent: str) -> None:
    path = converted(tmp_path, CONTENT, "vmdk", "d.vmdk", f"subformat={kind}")
    (tmp_path / extent).unlink()
    with pytest.raises(MediumError, match=f"extent missing: '{extent}'"):
        opened(path)


@pytest.mark.parametrize("extent", ["d-s001.vmdk"])
def test_an_extent_alone(tmp_path: Path, extent: str) -> None:
    converted(tmp_path, CONTENT, "vmdk", "d.vmdk", "subformat=twoGbMaxExtentSparse")
    with pytest.raises(MediumError) as caught:
        opened(tmp_path / extent)
    assert "that names it" in caught.value.advice


def test_extents_of_esx_without_a_description(tmp_path: Path) -> None:
    (tmp_path / "d.vmdk").write_bytes(b"COWD".ljust(4096, b"\0"))
    with pytest.raises(MediumError, match="extent of a VMDK without its description"):
        opened(tmp_path / "d.vmdk")


def _child(folder: Path) -> Path:
    converted(folder, CONTENT, "vmdk", "base.vmdk")
    qemu_img("create", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "middle.vmdk", folder=folder)
    qemu_img("create", "-f", "vmdk", "-b", "middle.vmdk", "-F", "vmdk", "top.vmdk", folder=folder)
    return folder / "top.vmdk"


def test_a_snapshot_over_its_parents(tmp_path: Path) -> None:
    top = opened(_child(tmp_path))
    assert whole(top) == CONTENT
    assert [one.name for one in top.parts] == ["top.vmdk", "middle.vmdk", "base.vmdk"]
    assert top.header["parent"] == "middle.vmdk"


def test_a_missing_and_a_wrong_parent(tmp_path: Path) -> None:
    top = _child(tmp_path)
    (tmp_path / "base.vmdk").unlink()
    with pytest.raises(MediumError, match=r"parent missing: 'base\.vmdk', named by middle\.vmdk"):
        opened(top)
    converted(tmp_path, noise(len(CONTENT)), "vmdk", "base.vmdk")
    with pytest.raises(MediumError, match="mismatch in content identifier"):
        opened(top)


def test_a_chain_that_bites_its_tail(tmp_path: Path) -> None:
    top = _child(tmp_path)
    middle = tmp_path / "middle.vmdk"
    middle.write_bytes(middle.read_bytes().replace(b'"base.vmdk"', b'"top.vmdk" '))
    with pytest.raises(MediumError, match=r"top\.vmdk is its own parent"):
        opened(top)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_is_an_error(tmp_path: Path, kind: str) -> None:
    converted(tmp_path, noise(40 * CLUSTER), "vmdk", "d.vmdk", f"subformat={kind}")
    largest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_size)
    os.truncate(largest, largest.stat().st_size // 2)
    with pytest.raises(MediumError) as caught:
        whole(opened(tmp_path / "d.vmdk"))
    assert "\n" not in str(caught.value)


def test_a_damaged_grain_is_an_error_and_its_neighbours_are_read(tmp_path: Path) -> None:
    path = converted(tmp_path, noise(8 * CLUSTER), "vmdk", "d.vmdk", "subformat=streamOptimized")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    image, bad = opened(path), []
    for at in range(0, image.size, CLUSTER):
        try:
            assert image.read_at(at, CLUSTER) == noise(8 * CLUSTER)[at : at + CLUSTER]
        except MediumError as error:
            bad.append(str(error))
    assert len(bad) == 1
    assert "of the medium in d.vmdk: " in bad[0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4), st.booleans())
def test_flipped_bytes_are_never_more_than_a_medium_error(
    tmp_path_factory: pytest.TempPathFactory, corpus: Fetch, flips: list[tuple[int, int]], cut: bool
) -> None:
    data = bytearray(corpus("image/made/derived-daylight-stream.vmdk").read_bytes())
    for place, value in flips:
        data[place % (2000 if value % 2 else len(data))] ^= value
    if cut:
        del data[flips[0][0] % len(data) :]
    read_or_refuse(tmp_path_factory.mktemp("flip"), "d.vmdk", bytes(data))


def test_real_images(corpus: Fetch) -> None:
    image = opened(corpus("image/dfvfs/ext2.vmdk"))
    wanted = "a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80"
    assert hashlib.sha256(whole(image)).hexdigest() == wanted


def test_files_of_the_machine_are_never_opened(corpus: Fetch, tmp_path: Path) -> None:
    with pytest.raises(MediumError):
        opened(corpus("hostile/made/vmdk-extent-etc.vmdk"))
    path = converted(tmp_path, CONTENT, "vmdk", "d.vmdk", "subformat=monolithicFlat")
    path.write_bytes(path.read_bytes().replace(b'"d-flat.vmdk"', b'"/etc/passwd"'))
    with pytest.raises(MediumError, match=r"extent missing: 'passwd', named by d\.vmdk as '/etc/passwd'"):
        opened(path)


def stream(folder: Path, content: bytes = CONTENT) -> bytes:
    """A stream-optimised disk as qemu writes it."""
    return converted(folder, content, "vmdk", "d.vmdk", "subformat=streamOptimized").read_bytes()


def refused(folder: Path, data: bytes, words: str) -> None:
    path = folder / "d.vmdk"
    path.write_bytes(data)
    with pytest.raises(MediumError, match=words) as caught:
        whole(opened(path))
    assert "\n" not in str(caught.value)


def test_grains_of_a_stream_say_where_they_belong(tmp_path: Path) -> None:
    data = bytearray(stream(tmp_path))
    grain = next(
        at for at in range(512, len(data), 512) if data[at + 12 : at + 14] in (b"\x78\x9c", b"\x78\xda", b"\x78\x01")
    )
    moved = bytearray(data)
    moved[grain] ^= 0x80
    refused(tmp_path, bytes(moved), "is another's: byte")
    broken = bytearray(data)
    broken[grain + 40] ^= 1
    refused(tmp_path, bytes(broken), "cannot be inflated or fails its checksum|inflates to")


def test_a_stream_whose_header_stands_last(tmp_path: Path) -> None:
    data = bytearray(stream(tmp_path))
    head = bytes(data[:512])
    struct.pack_into("<Q", data, 56, (1 << 64) - 1)
    closed = bytes(data) + bytes(512) + head + bytes(512)
    (tmp_path / "d.vmdk").write_bytes(closed)
    assert whole(opened(tmp_path / "d.vmdk")) == CONTENT
    refused(tmp_path, bytes(data), "the header at its end is missing")


@pytest.mark.parametrize(("at", "form", "value", "words"), [
    (12, "<Q", 1 << 60, "claims a medium"), (12, "<Q", 1 << 40, "truncated"), (20, "<Q", 1 << 30, "grains of"),
    (44, "<I", 1 << 20, "of them in a table"), (56, "<Q", 1 << 50, "truncated"),
])  # fmt: skip
def test_claims_of_a_stream(tmp_path: Path, at: int, form: str, value: int, words: str) -> None:
    data = bytearray(stream(tmp_path))
    struct.pack_into(form, data, at, value)
    refused(tmp_path, bytes(data), words)


def test_holes_of_a_stream_cost_nothing(tmp_path: Path) -> None:
    image = opened(converted(tmp_path, bytes(1 << 20), "vmdk", "d.vmdk", "subformat=streamOptimized"))
    assert image.read_at(0, 1 << 20) == bytes(1 << 20)
    assert image.header["kind"] == "streamOptimized"
