"""Small images made in the test: a FAT12 volume, partition tables around it, E01 sets. Invented content."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from custody.access import Part, PartOpener
from forensics.media import Medium, MediumError, open_medium

SECTOR = 512


def parts(folder: Path, files: Mapping[str, bytes]) -> tuple[Part, PartOpener]:
    """The files written to `folder`: the first as a part, and an opener for those beside it."""
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return part(folder / next(iter(files))), lambda name: part(folder / name)


def part(path: Path) -> Part:
    # The descriptor lives as long as the test process: parts never close it.
    descriptor = os.open(path, os.O_RDONLY)
    return Part(path.name, os.fstat(descriptor).st_size, descriptor)


def read_or_refuse(folder: Path, name: str, data: bytes) -> None:
    """Read the beginning of a damaged container: it is read, or refused in one line, and nothing else is raised."""
    first, opener = parts(folder, {name: data})
    line = ""
    try:
        image = open_medium(first, opener)
        image.read_at(0, min(image.size, 4 << 20))
    except MediumError as error:
        line = str(error)
    finally:
        os.close(first.descriptor)
    assert "\n" not in line


def medium(folder: Path, files: Mapping[str, bytes]) -> Medium:
    return open_medium(*parts(folder, files))


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress, the same for the same seed."""
    blocks = (hashlib.sha256(f"{seed}/{n}".encode()).digest() for n in range(-(-size // 32)))
    return b"".join(blocks)[:size]


# FAT12: sector 0 boot, 1 and 2 the FATs, 3 the root (16 entries), data from 4 on; cluster 2 = sector 4.

HELLO = b"Hello from a file that is there.\n"
GONE = b"A file that was deleted.\n"
DEEP = bytes(range(256)) * 3


def _dos(hour: int, minute: int, second: int) -> int:
    return hour << 11 | minute << 5 | second // 2


def _entry(name: bytes, attributes: int, cluster: int, size: int) -> bytes:
    day = (2010 - 1980) << 9 | 7 << 5 | 1  # 2010-07-01
    return struct.pack(
        "<11sBBBHHHHHHHI",
        name,
        attributes,
        0,
        50,
        _dos(8, 0, 0),
        day,
        day,
        0,
        _dos(12, 0, 0),
        day,
        cluster,
        size,
    )


def fat12(sectors: int = 128) -> bytes:
    """HELLO.TXT, the deleted _ONE.TXT, SUB/DEEP.BIN and the label EVIKIT; times of 2010-07-01."""
    boot = struct.pack(
        "<3s8sHBHBHHBHHHII", b"\xeb\x3c\x90", b"mkdosfs\0", SECTOR, 1, 1, 2, 16, sectors, 0xF8, 1, 32, 2, 0, 0
    )
    boot += struct.pack("<BBBI11s8s", 0x80, 0, 0x29, 0x12345678, b"EVIKIT     ", b"FAT12   ")
    boot = boot.ljust(510, b"\0") + b"\x55\xaa"
    chain = {0: 0xFF8, 1: 0xFFF, 2: 0xFFF, 4: 0xFFF, 5: 6, 6: 0xFFF}
    table = bytearray(SECTOR)
    for cluster, following in chain.items():
        at = cluster * 3 // 2
        pair = int.from_bytes(table[at : at + 2], "little")
        pair |= following << 4 if cluster % 2 else following
        table[at : at + 2] = pair.to_bytes(2, "little")
    root = _entry(b"EVIKIT     ", 8, 0, 0) + _entry(b"HELLO   TXT", 32, 2, len(HELLO))
    root += _entry(b"\xe5ONE    TXT", 32, 3, len(GONE)) + _entry(b"SUB        ", 16, 4, 0)
    sub = _entry(b".          ", 16, 4, 0) + _entry(b"..         ", 16, 0, 0)
    sub += _entry(b"DEEP    BIN", 32, 5, len(DEEP))
    clusters = [HELLO, GONE, sub, DEEP[:512], DEEP[512:]]
    data = b"".join(block.ljust(SECTOR, b"\0") for block in clusters)
    return (boot + bytes(table) * 2 + root.ljust(SECTOR, b"\0") + data).ljust(sectors * SECTOR, b"\0")


def mbr(slots: Iterable[tuple[int, int, int]], size: int) -> bytearray:
    """An image of `size` bytes with (type, first sector, sectors) in its DOS table."""
    image = bytearray(size)
    for number, (kind, first, count) in enumerate(slots):
        struct.pack_into("<B3xB3xII", image, 446 + 16 * number, 0, kind, first, count)
    image[510:512] = b"\x55\xaa"
    return image


def gpt(unit: int, slots: Iterable[tuple[str, int, int]], sectors: int) -> bytearray:
    """An image of `sectors` sectors of `unit` bytes with (name, first, last) in its GPT."""
    image = bytearray(unit * sectors)
    image[:512] = mbr([(0xEE, 1, sectors - 1)], 512)
    entries = b""
    for number, (name, first, last) in enumerate(slots):
        kind = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")
        entries += struct.pack(
            "<16s16sQQQ72s", kind, bytes([number + 1]) * 16, first, last, 0, name.encode("utf-16-le")
        )
    entries = entries.ljust(128 * 128, b"\0")
    header = bytearray(
        struct.pack(
            "<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, 0, 0, 1, sectors - 1, 2 + len(entries) // unit,
            sectors - 2, b"\x42" * 16, 2, 128, 128, zlib.crc32(entries),
        )
    )  # fmt: skip
    header[16:20] = zlib.crc32(bytes(header)).to_bytes(4, "little")
    image[unit : unit + 92] = header
    image[2 * unit : 2 * unit + len(entries)] = entries
    return image


def sun(slots: Mapping[int, tuple[int, int]], size: int) -> bytearray:
    """An image with a Sun disk label: slot -> (first cylinder, sectors); one head, 16 sectors a track."""
    label = bytearray(512)
    struct.pack_into(">I8sH", label, 128, 1, b"", 8)
    for number in slots:
        struct.pack_into(">HH", label, 142 + 4 * number, 2, 0)
    struct.pack_into(">I", label, 188, 0x600DDEEE)
    struct.pack_into(">12H", label, 420, 5400, 100, 0, 0, 0, 1, 100, 2, 1, 16, 0, 0)
    for number, (cylinder, count) in slots.items():
        struct.pack_into(">II", label, 444 + 8 * number, cylinder, count)
    struct.pack_into(">H", label, 508, 0xDABE)
    checksum = 0
    for (word,) in struct.iter_unpack(">H", bytes(label[:510])):
        checksum ^= word
    struct.pack_into(">H", label, 510, checksum)
    return label + bytearray(size - 512)


# EWF-E01


def _section(kind: str, at: int, data: bytes, last: bool = False) -> bytes:
    size = 0 if last else 76 + len(data)
    head = struct.pack("<16sQQ40x", kind.encode(), at if last else at + size, size)
    return head + zlib.adler32(head).to_bytes(4, "little") + data


def _checked(data: bytes) -> bytes:
    return data + zlib.adler32(data).to_bytes(4, "little")


def _header(unit: str) -> bytes:
    text = f"3\nmain\na\tc\te\tm\tav\nA found disk\tC-1\tExaminer\t{unit}\t1.0\n\n"
    return text.encode("utf-16") if unit.isdecimal() else text.encode("latin-1")


def e01(
    content: bytes, segments: int = 1, compress: bool = True, chunk_sectors: int = 8, unread: bool = False
) -> list[bytes]:
    """The segment files of an E01 set that holds `content` (whole sectors), with both stored digests."""
    size = chunk_sectors * SECTOR
    chunks = [content[at : at + size] for at in range(0, len(content), size)]
    share = -(-len(chunks) // segments)
    files = []
    for number in range(segments):
        out = b"EVF\x09\x0d\x0a\xff\x00\x01" + struct.pack("<HH", number + 1, 0)
        if number == 0:
            out += _section("header2", len(out), zlib.compress(_header("1278000000")))
            out += _section("header", len(out), zlib.compress(_header("2010 7 1 16 0 0")))
            volume = struct.pack("<B3xIIIQ", 1, len(chunks), chunk_sectors, SECTOR, len(content) // SECTOR)
            out += _section("volume", len(out), _checked(volume.ljust(1048, b"\0")))
        out += _chunks(len(out), chunks[number * share : (number + 1) * share], compress)
        if number + 1 == segments:
            if unread:
                errors = _checked(struct.pack("<I512x", 1)) + _checked(struct.pack("<II", 7, 2))
                out += _section("error2", len(out), errors)
            md5, sha1 = hashlib.md5(content).digest(), hashlib.sha1(content).digest()
            out += _section("digest", len(out), _checked(md5 + sha1 + bytes(40)))
        out += _section("done" if number + 1 == segments else "next", len(out), b"", last=True)
        files.append(out)
    return files


def _chunks(at: int, chunks: list[bytes], compress: bool) -> bytes:
    base, data, entries = at + 76, b"", []
    for chunk in chunks:
        packed = zlib.compress(chunk) if compress else _checked(chunk)
        entries.append(len(data) | (1 << 31 if compress else 0))
        data += packed
    table = _checked(struct.pack("<I4xQ4x", len(entries), base)) + _checked(struct.pack(f"<{len(entries)}I", *entries))
    out = _section("sectors", at, data)
    out += _section("table", at + len(out), table)
    return out + _section("table2", at + len(out), table)
