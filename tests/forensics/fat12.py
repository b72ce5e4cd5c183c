"""A small FAT12 image, made byte by byte, so that tests need no tools and no root.

Layout: 512-byte sectors, 1 sector a cluster, 1 reserved sector, 1 FAT of 9 sectors, 16 entries a root sector,
4 root sectors, data after. Times are local to no zone, as on any FAT.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

SECTOR = 512
_FAT_SECTORS, _ROOT_SECTORS, _SECTORS = 9, 4, 2880
_DATA = 1 + _FAT_SECTORS + _ROOT_SECTORS
DOS_TIME, DOS_DATE = (10 << 11 | 20 << 5 | 15), ((2026 - 1980) << 9 | 3 << 5 | 1)  # 2026-03-01 10:20:30


@dataclass(frozen=True)
class File:
    """A file of the root directory: 8.3 name, content; `claims` overrides the size that is stored."""

    name: str
    content: bytes
    deleted: bool = False
    claims: int | None = None


def _boot() -> bytes:
    boot = bytearray(SECTOR)
    boot[:11] = b"\xeb\x3c\x90MSDOS5.0"
    struct.pack_into(
        "<HBHBHHBHHHII", boot, 11, SECTOR, 1, 1, 1, _ROOT_SECTORS * 16, _SECTORS, 0xF0, _FAT_SECTORS, 18, 2, 0, 0
    )
    boot[36:62] = struct.pack("<BBBI11s8s", 0, 0, 0x29, 0x1234, b"NO NAME    ", b"FAT12   ")
    boot[510:] = b"\x55\xaa"
    return bytes(boot)


def _entry(file: File, cluster: int) -> bytes:
    stem, _, suffix = file.name.partition(".")
    name = bytearray(f"{stem:<8}{suffix:<3}".upper().encode("ascii"))
    if file.deleted:
        name[0] = 0xE5
    size = len(file.content) if file.claims is None else file.claims
    stamp = (0, 0, DOS_TIME, DOS_DATE, DOS_DATE, 0, DOS_TIME, DOS_DATE, cluster, size)
    return bytes(name) + struct.pack("<BBBHHHHHHHI", 0x20, *stamp)


def image(files: list[File]) -> bytes:
    """The image, 1.44 MB."""
    table = {0: 0xFF0, 1: 0xFFF}
    data, root, cluster = bytearray(), bytearray(), 2
    for file in files:
        count = -(-len(file.content) // SECTOR)
        root += _entry(file, cluster if count else 0)
        for step in range(count):
            table[cluster + step] = 0 if file.deleted else 0xFFF if step == count - 1 else cluster + step + 1
        data += file.content.ljust(count * SECTOR, b"\0")
        cluster += count
    bits = 0
    for number, value in table.items():
        bits |= value << (12 * number)
    fat = bits.to_bytes(_FAT_SECTORS * SECTOR, "little")
    whole = _boot() + fat + bytes(root).ljust(_ROOT_SECTORS * SECTOR, b"\0") + bytes(data)
    return whole.ljust(_SECTORS * SECTOR, b"\0")
