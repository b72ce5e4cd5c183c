"""VMDK of every kind qemu writes, snapshots over parents, and every way they can be broken."""

from __future__ import annotations

import hashlib
import os
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
