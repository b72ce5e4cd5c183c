"""UDIF images: every packing, their checksums, and every way they can be broken."""

from __future__ import annotations

import bz2
import hashlib
import lzma
import os
import plistlib
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forensics.media import Medium, MediumError, open_medium
from forensics.media.dmg import unpack_adc
from tests.conftest import Fetch
from tests.forensics.images import medium, noise, parts
from tests.forensics.qemu import opened, scattered, whole

RUN = 64 << 10
CONTENT = scattered(12 * RUN)
ZERO, RAW, IGNORED, ADC, ZLIB, BZIP2, LZFSE, LZMA = 0, 1, 2, *range(0x80000004, 0x80000009)


def adc(data: bytes) -> bytes:
    """Literals alone: what packs nothing is still ADC."""
    return b"".join(bytes([0x80 | len(data[n : n + 128]) - 1]) + data[n : n + 128] for n in range(0, len(data), 128))


PACK = {RAW: bytes, ADC: adc, ZLIB: zlib.compress, BZIP2: bz2.compress, LZMA: lzma.compress, LZFSE: bytes}


def _summed(content: bytes, kinds: list[int], first: int, last: int) -> int:
    """The CRC-32 as hdiutil counts it: without ignored runs."""
    counted = [at for at in range(first, last, RUN) if kinds[at // RUN % len(kinds)] != IGNORED]
    return zlib.crc32(b"".join(content[at : min(at + RUN, last)] for at in counted))


def udif(content: bytes, kinds: list[int], *, checksum: int | None = None, master: int | None = None) -> bytes:
    """`content` as a UDIF image of two tables whose runs are of `kinds` in turn."""
    out, tables, sums = b"", [], b""
    half = len(content) // 2 // RUN * RUN
    for number, (first, last) in enumerate([(0, half), (half, len(content))]):
        runs = b""
        for at in range(first, last, RUN):
            kind, data = kinds[at // RUN % len(kinds)], content[at : min(at + RUN, last)]
            packed = b"" if kind in (ZERO, IGNORED) else PACK[kind](data)
            place = ((at - first) // 512, -(-len(data) // 512), len(out), len(packed))
            runs += struct.pack(">IIQQQQ", kind, 0, *place)
            out += packed
        runs += struct.pack(">IIQQQQ", 0x7FFFFFFE, 0, 0, 0, 0, 0) + struct.pack(">IIQQQQ", 0xFFFFFFFF, 0, 0, 0, 0, 0)
        value = _summed(content, kinds, first, last) if checksum is None else checksum
        sums += value.to_bytes(4, "big")
        head = struct.pack(">4sIQQQII24xII", b"mish", 1, first // 512, (last - first) // 512, 0, 0, number, 2, 32)
        tables.append(head + value.to_bytes(4, "big").ljust(128, b"\0") + struct.pack(">I", len(runs) // 40) + runs)
    entries = [{"ID": str(n), "Name": f"partition {n}", "Data": data} for n, data in enumerate(tables)]
    listed = plistlib.dumps({"resource-fork": {"blkx": entries}})
    total = zlib.crc32(sums) if master is None else master
    trailer = struct.pack(
        ">4sIIIQQQQQII16xII128xQQ", b"koly", 4, 512, 1, 0, 0, len(out), 0, 0, 1, 1, 2, 32, len(out), len(listed)
    )
    trailer += bytes(120) + struct.pack(">II", 2, 32) + total.to_bytes(4, "big").ljust(128, b"\0")
    trailer += struct.pack(">IQ", 1, len(content) // 512)
    return out + listed + trailer.ljust(512, b"\0")


def image_of(folder: Path, data: bytes) -> Medium:
    return medium(folder, {"d.dmg": data})


@pytest.mark.parametrize("kinds", [[RAW], [ADC], [ZLIB], [BZIP2], [LZMA], [RAW, ZLIB, ADC, BZIP2, LZMA]])
def test_every_packing(tmp_path: Path, kinds: list[int]) -> None:
    image = image_of(tmp_path, udif(CONTENT, kinds))
    assert (image.format, image.size, image.sector_size) == ("dmg", len(CONTENT), 512)
    assert whole(image) == CONTENT
    assert image.read_at(len(CONTENT) - 3, 100) == CONTENT[-3:]
    assert image.read_at(len(CONTENT), 1) == image.read_at(-1, 1) == b""
    assert (image.problems(), image.header) == ([], {"partitions": "partition 0; partition 1"})


def test_runs_of_zeros(tmp_path: Path) -> None:
    image = image_of(tmp_path, udif(bytes(4 * RUN), [ZERO, IGNORED]))
    assert (whole(image), image.problems()) == (bytes(4 * RUN), [])


def test_checksums_that_differ_are_said(tmp_path: Path) -> None:
    image = image_of(tmp_path, udif(CONTENT, [ZLIB], checksum=7))
    assert image.problems() == []  # nothing was read yet
    assert whole(image) == CONTENT
    assert [line.partition(", that of")[0] for line in image.problems()] == [
        "d.dmg: the stored CRC-32 of partition 0 is 00000007",
        "d.dmg: the stored CRC-32 of partition 1 is 00000007",
    ]
    image = image_of(tmp_path, udif(CONTENT, [ZLIB], master=7))
    assert image.problems() == ["d.dmg: the stored CRC-32 of its block tables' checksums is not theirs"]


@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        (b"\x82abc", b"abc"),
        (b"\x82abc\x00\x02", b"abcabc"),  # two bytes: 3 from 3 back
        (b"\x80a\x7f\x00\x00", b"a" * 68),  # three bytes: a run of one byte
        (b"\x83abcd\x0c\x03", b"abcdabcdab"),
    ],
)
def test_adc(packed: bytes, plain: bytes) -> None:
    assert unpack_adc(packed, 1000) == plain


def test_adc_that_copies_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="before the data"):
        unpack_adc(b"\x80a\x00\x09", 10)


@pytest.mark.parametrize("kind", [ADC, ZLIB, BZIP2, LZMA, RAW])
def test_a_damaged_run_is_named_and_its_neighbours_are_read(tmp_path: Path, kind: int) -> None:
    data = bytearray(udif(CONTENT, [kind]))
    data[:40] = b"\x05" * 40 if kind == ADC else b"\xff" * 40
    image = image_of(tmp_path, bytes(data))
    if kind == RAW:  # only the table's checksum tells
        whole(image)
        assert "the stored CRC-32 of partition 0" in image.problems()[0]
        return
    with pytest.raises(
        MediumError, match=r"bytes 0 to 65536 of the medium, packed at byte 0 of d\.dmg, cannot be unpacked"
    ):
        image.read_at(0, 10)
    assert image.read_at(RUN, RUN) == CONTENT[RUN : 2 * RUN]


def test_lzfse_is_said_to_be_unread(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match="packed with LZFSE, which is not read"):
        image_of(tmp_path, udif(CONTENT, [LZFSE])).read_at(0, 1)


def test_encrypted_segmented_or_without_a_list(tmp_path: Path) -> None:
    with pytest.raises(MediumError, match="is an encrypted DMG"):
        image_of(tmp_path, b"encrcdsa".ljust(2048, b"\0"))
    sound = udif(CONTENT, [ZLIB])
    for at, change, line in [
        (60, b"\0\0\0\2", "one of 2 segments"),
        (224, bytes(8), "without a property list"),
        (216, b"\0\xff" + bytes(6), "is truncated: the property list"),
        (492, bytes(8), "claims a medium of 0 sectors"),
    ]:
        data = bytearray(sound)
        data[len(data) - 512 + at : len(data) - 512 + at + len(change)] = change
        with pytest.raises(MediumError, match=line) as caught:
            image_of(tmp_path, bytes(data))
        assert "\n" not in str(caught.value)


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    data = udif(CONTENT, [ZLIB])
    listed = plistlib.loads(data[data.index(b"<?xml") : -512])
    table = bytearray(listed["resource-fork"]["blkx"][1]["Data"])
    struct.pack_into(">Q", table, 204 + 16, 1 << 40)
    listed["resource-fork"]["blkx"][1]["Data"] = bytes(table)
    text = plistlib.dumps(listed)
    body, trailer = data[: data.index(b"<?xml")], bytearray(data[-512:])
    struct.pack_into(">QQ", trailer, 216, len(body), len(text))
    with pytest.raises(MediumError, match=f"has {1 << 40} sectors"):
        image_of(tmp_path, body + text + bytes(trailer))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_are_never_more_than_a_medium_error(
    tmp_path_factory: pytest.TempPathFactory, corpus: Fetch, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(corpus("image/dfvfs/hfsplus_zlib.dmg").read_bytes())
    for place, value in flips:
        data[-(place % (511 if value % 4 == 0 else len(data))) - 1] ^= value
    first, opener = parts(tmp_path_factory.mktemp("flip"), {"d.dmg": bytes(data)})
    line = ""
    try:
        image = open_medium(first, opener)
        image.read_at(0, min(image.size, 2 << 20))
        image.problems()
    except MediumError as error:
        line = str(error)
    assert "\n" not in line
    os.close(first.descriptor)


def test_a_real_image(corpus: Fetch) -> None:
    image = opened(corpus("image/dfvfs/hfsplus_zlib.dmg"))
    assert hashlib.md5(whole(image)).hexdigest() == "9f743920a429dab38217082399d07b6f"
    assert image.problems() == []


def test_noise_is_packed_and_unpacked(tmp_path: Path) -> None:
    assert whole(image_of(tmp_path, udif(noise(5 * RUN), [ADC, LZMA]))) == noise(5 * RUN)
