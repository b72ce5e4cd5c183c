"""QCOW 1, 2 and 3 against qemu-img, their backing files, and every way they can be broken."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import MediumError
from tests.conftest import Fetch
from tests.forensics.images import medium, noise, read_or_refuse
from tests.forensics.qemu import CLUSTER, converted, opened, qemu_img, scattered, whole

CONTENT = scattered(40 * CLUSTER - 1536)


@pytest.mark.parametrize(
    ("kind", "options", "compress"),
    [
        ("qcow", "", False),
        ("qcow", "", True),
        ("qcow2", "compat=0.10", False),
        ("qcow2", "compat=0.10", True),
        ("qcow2", "cluster_size=512", False),
        ("qcow2", "cluster_size=2M", True),
        ("qcow2", "compression_type=zstd", True),
        ("qcow2", "extended_l2=on", False),
        ("qcow2", "extended_l2=on", True),
    ],
)
def test_what_qemu_wrote(tmp_path: Path, kind: str, options: str, compress: bool) -> None:
    content = CONTENT[: 39 * CLUSTER] if kind == "qcow" and compress else CONTENT  # qemu packs whole clusters there
    image = opened(converted(tmp_path, content, kind, "d.img", options, compress))
    assert (image.format, image.size, image.sector_size) == ("qcow", len(content), 512)
    assert whole(image) == content
    assert image.read_at(CLUSTER - 5, 10) == content[CLUSTER - 5 : CLUSTER + 5]
    assert image.read_at(len(content) - 3, 100) == content[-3:]
    assert image.read_at(len(content), 1) == image.read_at(-1, 1) == b""
    assert image.problems() == []


def test_data_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "qcow2", "d.qcow2", "data_file=d.data")
    image = opened(path)
    assert whole(image) == CONTENT
    assert [one.name for one in image.parts] == ["d.qcow2", "d.data"]
    (tmp_path / "d.data").unlink()
    with pytest.raises(MediumError, match=r"data file missing: 'd\.data'"):
        opened(path)


@pytest.mark.parametrize(("kind", "options"), [("qcow", ""), ("qcow2", ""), ("qcow2", "extended_l2=on")])
def test_over_a_backing_file(tmp_path: Path, kind: str, options: str) -> None:
    base = converted(tmp_path, CONTENT[: 20 * CLUSTER + 512], kind, "base.img")
    chosen = ["-o", options] if options else []
    qemu_img("create", "-f", kind, *chosen, "-b", "base.img", "-F", kind, "top.img", str(len(CONTENT)), folder=tmp_path)
    top = opened(tmp_path / "top.img")
    assert whole(top) == CONTENT[: 20 * CLUSTER + 512] + bytes(len(CONTENT) - 20 * CLUSTER - 512)
    assert [one.name for one in top.parts] == ["top.img", "base.img"]
    assert top.header["backing_file"] == "base.img"
    base.unlink()
    with pytest.raises(MediumError, match=r"parent missing: 'base\.img', named by top\.img"):
        opened(tmp_path / "top.img")


def test_a_backing_file_said_to_be_raw_is_read_as_raw(tmp_path: Path) -> None:
    inner = converted(tmp_path, CONTENT[:CLUSTER], "qcow2", "inner.img")
    qemu_img("create", "-f", "qcow2", "-b", "inner.img", "-F", "raw", "top.img", folder=tmp_path)
    assert whole(opened(tmp_path / "top.img")) == inner.read_bytes()


def test_a_chain_that_bites_its_tail(tmp_path: Path) -> None:
    converted(tmp_path, CONTENT[:CLUSTER], "qcow2", "a.img")
    qemu_img("create", "-f", "qcow2", "-b", "a.img", "-F", "qcow2", "b.img", folder=tmp_path)
    qemu_img("rebase", "-u", "-b", "b.img", "-F", "qcow2", "a.img", folder=tmp_path)
    with pytest.raises(MediumError, match="is its own parent"):
        opened(tmp_path / "b.img")
    qemu_img("rebase", "-u", "-b", "a.img", "-F", "qcow2", "a.img", folder=tmp_path)
    with pytest.raises(MediumError, match="names itself as its parent"):
        opened(tmp_path / "a.img")


def test_snapshots_are_counted_and_the_current_state_is_read(tmp_path: Path) -> None:
    path = converted(tmp_path, CONTENT, "qcow2", "d.qcow2")
    qemu_img("snapshot", "-c", "before", "d.qcow2", folder=tmp_path)
    image = opened(path)
    assert (image.header["internal_snapshots"], whole(image)) == ("1", CONTENT)


def _patched(path: Path, at: int, data: bytes) -> Path:
    raw = bytearray(path.read_bytes())
    raw[at : at + len(data)] = data
    path.write_bytes(raw)
    return path


@pytest.mark.parametrize(
    ("at", "data", "line"),
    [
        (4, b"\0\0\0\x09", "version 9"),
        (20, b"\0\0\0\x30", r"clusters of 2\^48 bytes"),
        (24, b"\0" * 8, "a medium of 0 bytes"),
        (24, b"\x0f" * 8, "its tables cover"),
        (32, b"\0\0\0\x02", r"encrypted QCOW image \(LUKS\)"),
        (36, b"\x7f\xff\xff\xff", "is truncated: the first table"),
        (16, b"\0\xff\0\0\0\0\0\x10", "name has|is truncated"),
        (72, b"\x80" + b"\0" * 7, "features of QCOW2 that are not known"),
    ],
)
def test_a_header_that_cannot_be(tmp_path: Path, at: int, data: bytes, line: str) -> None:
    path = _patched(converted(tmp_path, CONTENT[:CLUSTER], "qcow2", "d.qcow2"), at, data)
    if at == 16:
        _patched(path, 8, (1 << 40).to_bytes(8, "big"))
    with pytest.raises(MediumError, match=line) as caught:
        opened(path)
    assert "\n" not in str(caught.value)


def test_flags_of_a_writer_that_did_not_finish(tmp_path: Path) -> None:
    path = _patched(converted(tmp_path, CONTENT[:CLUSTER], "qcow2", "d.qcow2"), 72, b"\0" * 7 + b"\x03")
    assert [line[-50:] for line in opened(path).problems()] == [
        "d.qcow2 was not closed by its writer (marked dirty)"[-50:],
        "d.qcow2 is marked corrupt by its writer",
    ]


def test_a_cut_file_names_what_is_gone_and_gives_what_is_there(tmp_path: Path) -> None:
    content = noise(8 * CLUSTER)
    path = converted(tmp_path, content, "qcow2", "d.qcow2")
    os.truncate(path, path.stat().st_size - CLUSTER - 100)
    image = opened(path)
    assert image.read_at(0, CLUSTER) == content[:CLUSTER]
    with pytest.raises(MediumError, match=r"bytes 0 to 524288 of the medium lie at byte \d+ of d\.qcow2, which ends"):
        image.read_at(0, len(content))


@pytest.mark.parametrize("kind", ["zlib", "zstd"])
def test_a_cut_or_damaged_packed_cluster(tmp_path: Path, kind: str) -> None:
    path = converted(tmp_path, CONTENT, "qcow2", "d.qcow2", f"compression_type={kind}", compress=True)
    kept, data = opened(path).read_at(0, CLUSTER), path.read_bytes()
    half = (5 * CLUSTER + len(data)) // 2
    os.truncate(path, half)
    with pytest.raises(MediumError, match=r"cluster \d+ .* cannot be decompressed: |which ends"):
        whole(opened(path))
    assert opened(path).read_at(0, CLUSTER) == kept
    path.write_bytes(data[: 5 * CLUSTER] + b"\xff" * 90 + data[5 * CLUSTER + 90 :])
    with pytest.raises(MediumError, match=r"cluster 0 \(bytes 0 to 65536 .* cannot be decompressed: "):
        whole(opened(path))


def test_a_cluster_out_of_line(tmp_path: Path) -> None:
    path = converted(tmp_path, noise(CLUSTER), "qcow2", "d.qcow2")
    first = int.from_bytes(path.read_bytes()[40:48], "big")
    second = int.from_bytes(path.read_bytes()[first : first + 8], "big") & ((1 << 56) - 512)
    _patched(path, second, (1 << 63 | 5 * CLUSTER + 512).to_bytes(8, "big"))
    with pytest.raises(MediumError, match="out of line"):
        opened(path).read_at(0, 1)


def test_a_claim_of_a_tebibyte_is_opened_at_once(tmp_path: Path) -> None:
    qemu_img("create", "-f", "qcow2", "d.qcow2", "1T", folder=tmp_path)
    image = opened(tmp_path / "d.qcow2")
    assert (image.size, image.read_at((1 << 40) - 5, 100)) == (1 << 40, bytes(5))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4), st.booleans())
def test_flipped_bytes_are_never_more_than_a_medium_error(
    tmp_path_factory: pytest.TempPathFactory, corpus: Fetch, flips: list[tuple[int, int]], cut: bool
) -> None:
    data = bytearray(corpus("image/made/derived-daylight-compressed.qcow2").read_bytes())
    for place, value in flips:
        data[place % (200 if value % 2 else len(data))] ^= value
    if cut:
        del data[flips[0][0] % len(data) :]
    read_or_refuse(tmp_path_factory.mktemp("flip"), "d.qcow2", bytes(data))


@pytest.mark.parametrize(
    ("file", "sha256"),
    [
        ("image/dfvfs/ext2.qcow2", "a6c2f0e39afe6c6ab432ca5465349fcefe8dc944398e97b2d957d3f89dbb5d80"),
        ("image/dfvfs/windows_volume.qcow2", "44abe9deca9658f331a2bdba2deb53192d04f35d157a1fb3ba0597b03f0524f2"),
    ],
)
def test_real_images(corpus: Fetch, file: str, sha256: str) -> None:
    image = opened(corpus(file))
    assert hashlib.sha256(whole(image)).hexdigest() == sha256


def test_a_hostile_image_that_names_itself(corpus: Fetch) -> None:
    with pytest.raises(MediumError, match="itself"):
        opened(corpus("hostile/made/qcow2-selfback.qcow2"))


def test_parts_are_reopened_by_their_names(tmp_path: Path) -> None:
    image = medium(tmp_path, {"d.qcow2": converted(tmp_path, CONTENT, "qcow2", "x.qcow2").read_bytes()})
    assert image.read_at(0, CLUSTER) == CONTENT[:CLUSTER]
