"""LVM2 against what its own tools wrote: groups over two volumes, stripes, what is missing, descriptions that lie."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.model import Volume
from forensics.volumes import lvm
from forensics.volumes.layout import MOST_DEPTH, Layout, lay_out, source_of
from forensics.volumes.unlocked import unlock_volumes
from forensics.volumes.views import unlocked_medium
from tests.forensics.bitlocker_images import volume as bitlocker
from tests.forensics.images import fat12, mbr, medium
from tests.forensics.lvm_images import BIG, EXTENT, FIRST, MIB, ROOT, STRIPED, on_both, pair


def laid_out(folder: Path, *volumes: bytes) -> Layout:
    folder.mkdir(exist_ok=True)
    slots = [(0x8E, 63 + sum(map(len, volumes[:at])) // 512, len(one) // 512) for at, one in enumerate(volumes)]
    image = bytes(mbr(slots, 63 * 512)) + b"".join(volumes)
    return lay_out(medium(folder, {"disk.raw": image}))


def by_index(layout: Layout) -> dict[str, Volume]:
    return {volume.index: volume for volume in layout.volumes}


def content(layout: Layout, index: str) -> bytes:
    source = layout.sources[index]
    return source.read_at(0, source.length)


def test_logical_volumes_over_two_physical_ones(tmp_path: Path) -> None:
    layout = laid_out(tmp_path, *pair())
    assert [volume.index for volume in layout.volumes] == ["1", "1.root", "1.striped", "1.big", "2"]
    found = by_index(layout)
    assert found["1"].description == "Linux Logical Volume Manager (0x8e) (LVM2 physical volume of vg_hotel)"
    assert (found["1"].problem, found["2"].problem, layout.problems) == ("", "", [])
    root = found["1.root"]
    assert (root.offset, root.length, root.scheme) == (63 * 512 + MIB, 2 * EXTENT, "LVM2")
    assert (root.filesystem, root.label, root.description) == ("FAT12", "EVIKIT", "logical volume root of vg_hotel")
    assert found["1.big"].offset == 63 * 512 + 4 * MIB + MIB + 2 * EXTENT
    assert content(layout, "1.root") == ROOT
    assert content(layout, "1.striped") == STRIPED
    assert content(layout, "1.big") == BIG
    assert layout.sources["1.striped"].read_at(16_000, 20_000) == STRIPED[16_000:36_000]


def test_the_order_of_the_volumes_does_not_matter(tmp_path: Path) -> None:
    first, second = pair()
    layout = laid_out(tmp_path, second, bytes(MIB), first)
    assert content(layout, "1.big") == BIG
    assert by_index(layout)["1.root"].offset == 63 * 512 + 5 * MIB + MIB


def test_a_copy_of_a_physical_volume_is_said(tmp_path: Path) -> None:
    first, second = pair()
    layout = laid_out(tmp_path, first, second, FIRST + bytes(3 * MIB))
    assert content(layout, "1.root") == ROOT
    (problem,) = layout.problems
    assert (problem.location.volume, "identifier of volume 1" in problem.reason) == ("3", True)


def test_a_missing_physical_volume_is_named(tmp_path: Path) -> None:
    first, _ = pair()
    found = by_index(laid_out(tmp_path, first))
    assert found["1.root"].filesystem == "FAT12"
    for name in ("striped", "big"):
        line = found[f"1.{name}"].problem
        assert line.startswith("LVM2: it needs what is not on this medium: physical volume ")
        assert line.endswith("(once /dev/loop2)")


def test_a_whole_disk_without_a_table(tmp_path: Path) -> None:
    first, _ = pair()
    layout = lay_out(medium(tmp_path, {"d.raw": bytes(first)}))
    assert by_index(layout)["0.root"].filesystem == "FAT12"


def test_a_locked_volume_inside_a_logical_one(tmp_path: Path) -> None:
    first, second = pair()
    inside = bitlocker(fat12().ljust(60 * EXTENT, b"\0"), clear=True)
    on_both(first, second, inside)
    image = medium(tmp_path, {"d.raw": bytes(mbr([(0x8E, 63, 8192), (0x8E, 8255, 8192)], 63 * 512)) + first + second})
    unlocked, problems = unlock_volumes(image, [b"\xff"])
    assert ([one.index for one in unlocked], problems) == (["1.big"], [])
    assert unlocked_medium(image, unlocked) is image
    volume = by_index(lay_out(image, unlocked))["1.big"]
    assert (volume.filesystem, volume.description) == ("FAT12", "logical volume big of vg_hotel (BitLocker, unlocked)")
    source = source_of(image, volume, unlocked)
    assert source.read_at(0, 1 << 16) == fat12()


def test_logical_volumes_inside_a_locked_one(tmp_path: Path) -> None:
    first, _ = pair()
    image = medium(tmp_path, {"d.raw": bitlocker(bytes(first).ljust(5 * MIB, b"\0"), clear=True)})
    unlocked, _ = unlock_volumes(image, [b"\xff"])
    found = by_index(lay_out(unlocked_medium(image, unlocked), unlocked))
    assert found["0"].description == "(BitLocker, unlocked) (LVM2 physical volume of vg_hotel)"
    assert found["0.root"].description == "logical volume root of vg_hotel (in 0, unlocked)"
    assert found["0.root"].filesystem == "FAT12"


# --- descriptions made for the test --------------------------------------------------------------------------


def described(volume: bytes, text: str) -> bytes:
    """The volume with another description of its group, checksums and all."""
    out, raw = bytearray(volume), text.encode()
    area = 4096
    out[area + 512 : area + 512 + len(raw)] = raw
    header = bytearray(out[area : area + 512])
    struct.pack_into("<QQII", header, 40, 512, len(raw), lvm._crc(raw), 0)
    header[:4] = struct.pack("<I", lvm._crc(bytes(header[4:])))
    out[area : area + 512] = header
    return bytes(out)


def group(logical: str, extra: str = "") -> str:
    identifier = lvm.read_physical(lambda at, size: FIRST[at : at + size]).identifier
    return f'''vg {{ id = "x" seqno = 99 extent_size = 128 {extra} # a comment
        physical_volumes {{ pv0 {{ id = "{identifier}" pe_start = 2048 pe_count = 48 }} }}
        logical_volumes {{ {logical} }} }}'''


def segment(name: str, body: str, count: int = 1, status: str = '"READ", "VISIBLE"') -> str:
    return (
        f'{name} {{ id = "{name}" status = [{status}] segment_count = {count} segment1 {{ start_extent = 0 {body} }} }}'
    )


LINEAR = 'extent_count = 1 type = "striped" stripe_count = 1 stripes = ["pv0", 0]'
TWO_STRIPES = 'extent_count = 2 type = "striped" stripe_count = 2 stripe_size = 0 stripes = ["pv0", 0, "pv0", 1]'
SNAPSHOT = 'extent_count = 1 type = "snapshot" cow_store = "a" origin = "o"'


@pytest.mark.parametrize(
    ("logical", "line"),
    [
        (segment("a", 'extent_count = 1 type = "thin" thin_pool = "p"'), "a segment of type thin is not read"),
        (segment("a", 'extent_count = 1 type = "raid5" raids = ["m", "i"]'), "a segment of type raid5 is not read"),
        (segment("a", 'extent_count = 1 type = "raid1" raids = ["m", "i"]'), "names no copy that is read"),
        (segment("a", LINEAR, count=2), "start_extent is None"),
        (segment("a", LINEAR, count=10**9), "it claims 1000000000 segments"),
        (segment("a", LINEAR.replace("extent_count = 1", "extent_count = 0")), "begins at byte 0"),
        (segment("a", LINEAR.replace("extent_count = 1", "extent_count = -1")), "extent_count is -1"),
        (segment("a", LINEAR.replace("pv0", "pv9")), "a stripe on pv9, which the group does not list"),
        (segment("a", LINEAR.replace("stripe_count = 1", "stripe_count = 2")), "a segment has 2 stripes"),
        (segment("a", TWO_STRIPES), "131072 bytes in 2 stripes of 0"),
        (segment("a", LINEAR) + segment("s", SNAPSHOT, status=""), "what changed of o since a snapshot"),
        ('a { status = ["VISIBLE"] segment_count = 0 }', "it has no bytes"),
    ],
)  # fmt: skip
def test_what_is_not_read_is_one_line(tmp_path: Path, logical: str, line: str) -> None:
    found = by_index(laid_out(tmp_path, described(bytes(pair()[0]), group(logical))))
    assert line in found["1.a"].problem
    assert found["1.a"].filesystem == ""


def test_the_first_copy_of_a_mirror_is_read(tmp_path: Path) -> None:
    copies = segment("v_rimage_0", LINEAR, status='"READ"') + segment("v_rmeta_0", LINEAR, status='"READ"')
    mirror = segment("v", 'extent_count = 1 type = "raid1" raids = ["v_rmeta_0", "v_rimage_0"]')
    found = by_index(laid_out(tmp_path, described(bytes(pair()[0]), group(copies + mirror))))
    assert [index for index in found if "." in index] == ["1.v"]
    assert found["1.v"].filesystem == "FAT12"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("vg { id = ", "a description that is cut"),
        ("vg { a [ ] }", "a description with '[' behind 'a'"),
        ("vg { } other { }", "a description of 2 volume groups"),
        ("a { " * 40, "nests too deep"),
        ("vg { x = [ 1, 2", "a description that is cut"),
        ("vg { ~ }", "a description with"),
        (group("", "seqno = -4"), "seqno is -4"),
        (group(segment("n" * 128, LINEAR)), "a name that LVM2 does not allow"),
        ("vg { id = \"x\" seqno = 9 logical_volumes = 3 }", "logical_volumes is no section"),
    ],
)  # fmt: skip
def test_descriptions_that_make_no_sense_are_one_problem(tmp_path: Path, text: str, line: str) -> None:
    layout = laid_out(tmp_path, described(bytes(pair()[0]), text))
    told = [volume.problem for volume in layout.volumes] + [problem.reason for problem in layout.problems]
    assert any(line in one for one in told)


def test_a_group_that_contains_itself_ends(tmp_path: Path) -> None:
    whole = group(segment("a", LINEAR.replace("extent_count = 1", "extent_count = 48"))).replace("2048", "0")
    layout = laid_out(tmp_path, described(bytes(pair()[0]), whole))
    assert max(volume.index.count(".") for volume in layout.volumes) == MOST_DEPTH
    assert "deep are not listed" in layout.problems[-1].reason


@pytest.mark.parametrize(("at", "line"), [(512 + 30, "are not assembled"), (512 + 40, "does not have its checksum"),
                                          (4096 + 30, "a metadata area does not have its checksum")])  # fmt: skip
def test_damage_is_said(tmp_path: Path, at: int, line: str) -> None:
    first = pair()[0]
    first[at] ^= 1
    assert line in laid_out(tmp_path, first).volumes[0].problem


def test_a_volume_of_no_group(tmp_path: Path) -> None:
    first = bytearray(FIRST)
    header = bytearray(first[4096 : 4096 + 512])
    header[40:64] = bytes(24)
    header[:4] = struct.pack("<I", zlib.crc32(bytes(header[4:]), 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF)
    first[4096 : 4096 + 512] = header
    assert laid_out(tmp_path, first).volumes[0].description.endswith("(LVM2 physical volume of no group)")


@settings(max_examples=40, deadline=None)
@given(st.text(st.sampled_from('ab{}=[]",#\n 01\\-.'), max_size=200))
def test_any_text_is_a_description_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    try:
        about: Any = lvm._described(text)[1]
        lvm.logical_volumes(about)
    except lvm.LvmError as error:
        line = str(error)
        assert "\n" not in line
