"""Volumes named by their first bytes: what libtsk cannot read, damaged ones, and labels.

A signature says what a volume claims to be, no more. Offsets are bytes from the volume's start; the
sources are the formats' own headers (Linux `include/uapi/linux/magic.h`, Microsoft MS-FSCC and
[exFAT], Apple TN1150 and the APFS reference, ECMA-119, ECMA-167).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from forensics.volumes import bitlocker

ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)` inside the volume: short at its end, never raising."""


@dataclass(frozen=True, slots=True)
class Signature:
    """Bytes at a place that mean `name`. `note` says why such a volume is not read."""

    name: str
    offset: int
    magic: bytes
    note: str = "not read by libtsk"


_ENCRYPTED = "encrypted: it is not read without its key"

SIGNATURES = (
    Signature("BitLocker", 3, b"-FVE-FS-", _ENCRYPTED),
    Signature("BitLocker To Go", 424, bytes.fromhex("3bd67b4929d22e4a8399f4a339e3d001"), _ENCRYPTED),
    Signature("LUKS", 0, b"LUKS\xba\xbe", _ENCRYPTED),
    Signature("FileVault 2 (Core Storage)", 88, b"CS", _ENCRYPTED),
    Signature("APFS", 32, b"NXSB", "the APFS container is not read"),
    Signature("btrfs", 0x10040, b"_BHRfS_M"),
    Signature("ReFS", 3, b"ReFS\0\0\0\0"),
    Signature("LVM2 physical volume", 512, b"LABELONE", "the logical volumes inside are not assembled"),
    Signature("LVM2 physical volume", 0, b"LABELONE", "the logical volumes inside are not assembled"),
    Signature("Linux RAID member", 4096, b"\xfc\x4e\x2b\xa9", "the array is not assembled"),
    Signature("Linux RAID member", 0, b"\xfc\x4e\x2b\xa9", "the array is not assembled"),
    Signature("Linux swap", 4086, b"SWAPSPACE2", "swap space holds no files"),
    Signature("Linux swap", 4086, b"SWAP-SPACE", "swap space holds no files"),
    Signature("Linux swap", 65526, b"SWAPSPACE2", "swap space holds no files"),
    Signature("Linux hibernation image", 4086, b"S1SUSPEND", "a memory image holds no files"),
    Signature("HFS (classic)", 1024, b"BD\x00"),
    Signature("HFS (classic)", 1024, b"BD"),
    Signature("ZFS", 0x20000, b"\x0c\xb1\xba\x00\x00\x00\x00\x00"),
    Signature("F2FS", 1024, b"\x10\x20\xf5\xf2"),
    Signature("JFS", 0x8000, b"JFS1"),
    Signature("ReiserFS", 0x10034, b"ReIsEr"),
    Signature("NILFS2", 1030, b"\x34\x34"),
    Signature("SquashFS", 0, b"hsqs"),
    Signature("EROFS", 1024, b"\xe2\xe1\xf5\xe0"),
    Signature("UBI", 0, b"UBI#"),
    Signature("VMFS", 0x100000, b"\x0d\xd0\x01\xc0"),
    Signature("UDF", 0x8001, b"BEA01"),
    Signature("UDF", 0x8801, b"NSR0"),
)

_CLAIMS = (
    Signature("NTFS", 3, b"NTFS    "),
    Signature("exFAT", 3, b"EXFAT   "),
    Signature("FAT32", 82, b"FAT32"),
    Signature("FAT", 54, b"FAT1"),
    Signature("ext2/3/4", 1080, b"\x53\xef"),
    Signature("HFS+", 1024, b"H+"),
    Signature("HFSX", 1024, b"HX"),
    Signature("ISO9660", 0x8001, b"CD001"),
    Signature("UFS 2", 0x10000 + 1372, b"\x19\x01\x54\x19"),
    Signature("UFS 1", 0x2000 + 1372, b"\x54\x19\x01\x00"),
)
"""What libtsk reads: such a signature on a volume that it refuses means damage."""

_TABLES = (
    Signature("GUID partition table", 512, b"EFI PART"),
    Signature("GUID partition table", 4096, b"EFI PART"),
    Signature("Sun disk label", 508, b"\xda\xbe"),
    Signature("BSD disk label", 512, b"\x57\x45\x56\x82"),
    Signature("Apple partition map", 512, b"PM\0\0"),
    Signature("DOS partition table", 510, b"\x55\xaa"),
)


def _first(signatures: tuple[Signature, ...], read_at: ReadAt) -> Signature | None:
    for signature in signatures:
        if read_at(signature.offset, len(signature.magic)) == signature.magic:
            return signature
    return None


def reason_unread(read_at: ReadAt, refusal: str) -> str:
    """Why a volume that libtsk refuses is not read: one line, what it is by its signature first."""
    if known := _first(SIGNATURES, read_at):
        told = bitlocker.ways_in(read_at) if bitlocker.is_bitlocker(read_at) else ""
        return f"{known.name}: {known.note}" + (f" ({told})" if told else "")
    if claim := _first(_CLAIMS, read_at):
        return f"damaged: the signature says {claim.name}, libtsk says: {refusal}"
    head = read_at(0, 1 << 16)
    if head and not head.strip(b"\0"):
        return "no file system: the first 64 KiB are zeros"
    return f"no file system that is known: {refusal}"


def table_signature(read_at: ReadAt) -> str:
    """The partition table the medium's first sectors claim to hold, or ""."""
    found = _first(_TABLES, read_at)
    return found.name if found else ""


def _text(raw: bytes, encoding: str = "utf-8") -> str:
    # A label is for show: the bytes stay on the medium.
    return raw.decode(encoding, "backslashreplace").split("\0")[0].strip()


def _fat_label(offset: int) -> Callable[[ReadAt], str]:
    def label(read_at: ReadAt) -> str:
        name = _text(read_at(offset, 11), "cp437")
        return "" if name == "NO NAME" else name

    return label


def _iso_label(read_at: ReadAt) -> str:
    """The longer of the two labels: Joliet's is Unicode but holds 16 characters, the primary one 32."""
    labels = [_text(read_at(0x8000 + 40, 32))]
    for sector in range(17, 32):
        descriptor = read_at(sector * 2048, 128)
        if descriptor[:6] == b"\x02CD001" and descriptor[88:90] == b"%/":
            labels.append(_text(descriptor[40:72], "utf-16-be"))
        if descriptor[1:6] != b"CD001" or descriptor[:1] == b"\xff":
            break
    return max(labels, key=len)


LABELS: dict[str, Callable[[ReadAt], str]] = {
    "FAT12": _fat_label(43),
    "FAT16": _fat_label(43),
    "FAT32": _fat_label(71),
    "Ext2": lambda read_at: _text(read_at(1024 + 120, 16)),
    "Ext3": lambda read_at: _text(read_at(1024 + 120, 16)),
    "Ext4": lambda read_at: _text(read_at(1024 + 120, 16)),
    "ISO9660": _iso_label,
    "XFS": lambda read_at: _text(read_at(108, 12)),
    "UFS 2": lambda read_at: _text(read_at(0x10000 + 680, 32)),
}
"""Where a file system keeps its label in its first sectors; those that keep it in a file are not here."""
