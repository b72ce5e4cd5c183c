"""What of a volume its file system calls free: the bitmaps of NTFS, exFAT and Ext, the table of FAT.

libtsk's walk over blocks is not in its Python binding, so the bitmaps are read here. Layouts: Linux
`fs/fat` and Microsoft's FAT specification (section 4), Microsoft's exFAT specification (7.1), Linux
`fs/ext4/ext4.h` (struct ext4_group_desc, EXT4_BG_BLOCK_UNINIT), `fs/ntfs3` ($Bitmap: one bit a cluster).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import pytsk3

from forensics.filesystems import FileSystem
from forensics.filesystems.libtsk import TskFileSystem
from forensics.media import Medium, MediumError
from forensics.model import ExaminationError
from forensics.volumes import TSK_FAILURES

Span = tuple[int, int]
"""First byte on the medium, and bytes."""

_BITMAP_RECORD = 6  # $Bitmap
_PIECE = 4 << 20
_FAT_PIECE = 3 << 20  # whole entries of 12, 16 and 32 bits
_MOST_BITMAP = 1 << 30
_ALLOCATION_BITMAP = 0x81  # directory entry of exFAT
_BLOCK_UNINITIALISED = 0x2
_64BIT, _META_BG = 0x80, 0x10
_SPARSE_SUPER, _GDT_CHECKSUM, _BIGALLOC, _METADATA_CHECKSUM = 0x1, 0x10, 0x200, 0x400
_RUNS_OF_BYTES = re.compile(rb"\0+|\xff+|[^\0\xff]", re.DOTALL)


def free_spans(fs: FileSystem, medium: Medium) -> list[Span] | None:
    """What the file system calls free, as far as the medium goes, in order, neighbours merged.

    None where its kind of bitmap is not read. Raises `ExaminationError` when the bitmap cannot be read.
    """
    if not isinstance(fs, TskFileSystem) or fs.name not in _READERS:
        return None
    try:
        return [*_on_medium(merged(_READERS[fs.name](fs, medium)), medium.size)]
    except TSK_FAILURES as error:
        raise ExaminationError(f"what is free cannot be read: {error}") from error
    except (struct.error, ZeroDivisionError) as error:
        raise ExaminationError(f"what is free cannot be read: the volume makes no sense ({error})") from error


def _on_medium(spans: Iterable[Span], size: int) -> Iterator[Span]:
    """What of the spans is there: an image may be cut, and that it is has been told when it was examined."""
    for start, length in spans:
        if start < size:
            yield start, min(length, size - start)


def merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Sorted spans with neighbours and overlaps joined; empty ones are dropped."""
    first = end = -1
    for start, length in spans:
        if length <= 0:
            continue
        if start > end:
            if end > first >= 0:
                yield first, end - first
            first, end = start, start + length
        else:
            end = max(end, start + length)
    if end > first >= 0:
        yield first, end - first


def between(taken: Iterable[Span], start: int, end: int) -> Iterator[Span]:
    """What lies from `start` to `end` and in none of the sorted spans."""
    at = start
    for first, length in taken:
        if first > at:
            yield at, min(first, end) - at
        at = max(at, first + length)
        if at >= end:
            return
    if at < end:
        yield at, end - at


def _read(medium: Medium, offset: int, length: int) -> bytes:
    try:
        data = medium.read_at(offset, length)
    except MediumError as error:
        raise ExaminationError(f"what is free cannot be read: {error}") from error
    if len(data) != length:
        raise ExaminationError(f"what is free cannot be read: the medium ends at {offset + len(data)}")
    return data


def clear_bits(bitmap: bytes, count: int) -> Iterator[Span]:
    """Runs (first bit, bits) of zeros among the first `count` bits; the lowest bit of a byte comes first."""
    for found in _RUNS_OF_BYTES.finditer(bitmap):
        first = found.start() * 8
        if first >= count:
            return
        value = bitmap[found.start()]
        if value == 0:
            yield first, min(found.end() * 8, count) - first
        elif value != 0xFF:
            for bit in range(8):
                if not value >> bit & 1 and first + bit < count:
                    yield first + bit, 1


def _ntfs(fs: TskFileSystem, medium: Medium) -> Iterator[Span]:
    clusters, size = int(fs.tsk.info.block_count), int(fs.tsk.info.block_size)
    file = fs.tsk.open_meta(inode=_BITMAP_RECORD)
    whole = min(int(file.info.meta.size), -(-clusters // 8), _MOST_BITMAP)
    bitmap = b"".join(_pieces(file, whole))
    for first, count in clear_bits(bitmap, min(clusters, 8 * len(bitmap))):
        yield fs.volume.offset + first * size, count * size


def _pieces(file: pytsk3.File, size: int) -> Iterator[bytes]:
    for offset in range(0, size, _PIECE):
        yield file.read_random(offset, min(_PIECE, size - offset))


def _fat(fs: TskFileSystem, medium: Medium) -> Iterator[Span]:
    start = fs.volume.offset
    boot = _read(medium, start, 512)
    sector, per_cluster, reserved, tables, root, small, _, table16 = struct.unpack_from("<HBHBHHBH", boot, 11)
    (large,) = struct.unpack_from("<I", boot, 32)
    table = table16 or struct.unpack_from("<I", boot, 36)[0]
    data = reserved + tables * table + -(-root * 32 // sector)
    clusters = ((small or large) - data) // per_cluster
    width = {"FAT12": 12, "FAT16": 16, "FAT32": 32}[fs.name]
    size = min(table * sector, -(-(clusters + 2) * width // 8), _MOST_BITMAP)
    table_at = start + reserved * sector  # in pieces: it may hold tens of millions of entries
    pieces = (_read(medium, table_at + at, min(_FAT_PIECE, size - at)) for at in range(0, size, _FAT_PIECE))
    entries = chain.from_iterable(_fat_entries(piece, width) for piece in pieces)
    cluster = per_cluster * sector
    for number, value in enumerate(islice(entries, 2, clusters + 2)):
        if not value:
            yield start + data * sector + number * cluster, cluster
    tail = data + clusters * per_cluster  # sectors too few for a cluster belong to nobody, as libtsk has it
    yield start + tail * sector, ((small or large) - tail) * sector


def _fat_entries(raw: bytes, width: int) -> Iterator[int]:
    """One after the other."""
    if width == 16:
        return iter(memoryview(raw[: len(raw) // 2 * 2]).cast("H"))
    if width == 32:
        return (value & 0x0FFFFFFF for value in memoryview(raw[: len(raw) // 4 * 4]).cast("I"))
    raw = raw.ljust(-(-len(raw) // 3) * 3, b"\xff")
    pairs = ((a | (b & 15) << 8, b >> 4 | c << 4) for a, b, c in zip(raw[::3], raw[1::3], raw[2::3], strict=True))
    return chain.from_iterable(pairs)


def _exfat(fs: TskFileSystem, medium: Medium) -> Iterator[Span]:
    start = fs.volume.offset
    boot = _read(medium, start, 512)
    heap, clusters, root = struct.unpack_from("<III", boot, 88)
    sector, cluster = 1 << boot[108], 1 << boot[108] + boot[109]
    if boot[108] > 12 or boot[109] > 25 or root < 2:
        raise ExaminationError("what is free cannot be read: the boot sector makes no sense")
    place = start + heap * sector
    folder = _read(medium, place + (root - 2) * cluster, min(cluster, 1 << 16))
    entries = (folder[at : at + 32] for at in range(0, len(folder), 32))
    held = next((entry for entry in entries if entry[0] == _ALLOCATION_BITMAP), b"")
    if not held:
        raise ExaminationError("what is free cannot be read: the root directory names no bitmap")
    first, size = struct.unpack_from("<IQ", held, 20)
    bitmap = _read(medium, place + (first - 2) * cluster, min(size, -(-clusters // 8), _MOST_BITMAP))
    for bit, count in clear_bits(bitmap, clusters):
        yield place + bit * cluster, count * cluster


def _ext(fs: TskFileSystem, medium: Medium) -> Iterator[Span]:
    shape = _ExtShape(fs, medium)
    for group in range(shape.groups):
        first = shape.first + group * shape.per_group
        count = min(shape.per_group, shape.blocks - first)
        for bit, length in shape.free_in(group, first, count):
            yield fs.volume.offset + (first + bit) * shape.block, length * shape.block


class _ExtShape:
    """Blocks, groups and their descriptors of an Ext volume."""

    def __init__(self, fs: FileSystem, medium: Medium) -> None:
        self._medium, self._start = medium, fs.volume.offset
        raw = _read(medium, self._start + 1024, 1024)
        low, (self.first,), (log_block,), (self.per_group,) = (
            struct.unpack_from("<I", raw, 4)[0],
            *(struct.unpack_from("<I", raw, at) for at in (20, 24, 32)),
        )
        incompat, compat_read = struct.unpack_from("<II", raw, 96)
        wide = bool(incompat & _64BIT)
        self.blocks = low | (struct.unpack_from("<I", raw, 336)[0] << 32 if wide else 0)
        self.block = 1024 << min(log_block, 6)
        if not self.per_group or compat_read & _BIGALLOC or incompat & _META_BG or self.per_group > 8 * self.block:
            raise ExaminationError("what is free is not read: the volume is laid out in an unusual way")
        self.groups = -(-(self.blocks - self.first) // self.per_group)
        size = struct.unpack_from("<H", raw, 254)[0] if wide else 32
        if self.groups * size > _MOST_BITMAP or size < 32:
            raise ExaminationError(f"what is free is not read: {self.groups} groups make no sense")
        table = _read(medium, self._start + (self.first + 1) * self.block, self.groups * size)
        self._groups = [table[at : at + size] for at in range(0, len(table), size)]
        self._lazy = bool(compat_read & (_GDT_CHECKSUM | _METADATA_CHECKSUM))
        (reserved,) = struct.unpack_from("<H", raw, 206)
        self._backup = 1 + -(-self.groups * size // self.block) + reserved
        self._sparse = bool(compat_read & _SPARSE_SUPER)
        per_inodes, inode = struct.unpack_from("<I", raw, 40)[0], struct.unpack_from("<H", raw, 88)[0] or 128
        self._own = sorted(self._structures(-(-per_inodes * inode // self.block)))

    def _pointer(self, group: bytes, at: int) -> int:
        low: int = struct.unpack_from("<I", group, at)[0]
        return low | (struct.unpack_from("<I", group, at + 32)[0] << 32 if len(group) >= 64 else 0)

    def _structures(self, table: int) -> Iterator[Span]:
        """Bitmaps and inode tables of all groups, in blocks."""
        for group in self._groups:
            yield from ((self._pointer(group, 0), 1), (self._pointer(group, 4), 1), (self._pointer(group, 8), table))

    def free_in(self, group: int, first: int, count: int) -> Iterator[Span]:
        """Free blocks of a group, counted from its first."""
        descriptor = self._groups[group]
        if not (self._lazy and struct.unpack_from("<H", descriptor, 18)[0] & _BLOCK_UNINITIALISED):
            bitmap = _read(self._medium, self._start + self._pointer(descriptor, 0) * self.block, -(-count // 8))
            yield from clear_bits(bitmap, count)
            return
        # never written: all is free but the file system's own
        held = self._backup if not self._sparse or _has_backup(group) else 0
        mine = [(at - first, length) for at, length in self._own if at + length > first and at < first + count]
        yield from between(merged(sorted([(0, held), *mine])), 0, count)


def _has_backup(group: int) -> bool:
    """Whether a group holds a copy of the superblock (sparse_super): 0, 1, and powers of 3, 5 and 7."""
    if group <= 1:
        return True
    for base in (3, 5, 7):
        power = base
        while power < group:
            power *= base
        if power == group:
            return True
    return False


_READERS = {
    "NTFS": _ntfs,
    "FAT12": _fat,
    "FAT16": _fat,
    "FAT32": _fat,
    "exFAT": _exfat,
    "Ext2": _ext,
    "Ext3": _ext,
    "Ext4": _ext,
}
