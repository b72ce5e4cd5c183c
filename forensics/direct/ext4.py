"""ext2, ext3 and ext4 read from the medium itself: group descriptors, inode tables, directories.

Layout: Linux `fs/ext4/ext4.h` (struct ext4_super_block, ext4_group_desc, ext4_inode, ext4_dir_entry_2) and
`ext4_extents.h`. Nothing here decides what a listing says: libtsk does (see `ext4_walk`), and whatever is
unusual is refused, so that it does.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from forensics.media import Medium, MediumError
from forensics.model import ExaminationError

ROOT = 2
DIRECTORY, LINK, REGULAR = 4, 10, 8  # the upper four bits of i_mode
TABLES_KEPT = 128 << 20  # bytes of inode tables in memory
MOST_EXTENT_BLOCKS = 4096  # of one file: over a million extents
MOST_MAPPED_BLOCKS = 1 << 20
MOST_GROUPS = 1 << 21  # 256 TiB of blocks of 4 KiB
LONGEST_DIRECTORY = 64 << 20  # bytes; libtsk stops at a million names

_MAGIC = 0xEF53
_LARGE_FILE = 0x2  # ro_compat
_FILETYPE, _EXTENTS, _64BIT = 0x2, 0x40, 0x80  # incompat
# What does not move an inode, a directory entry or a block of a file: filetype, needs_recovery, extents, 64bit,
# mmp, flex_bg, ea_inode, csum_seed, inline_data, encrypt, casefold.
_KNOWN_INCOMPAT = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x8000 | 0x10000 | 0x20000
# sparse_super, large_file, btree_dir, huge_file, gdt_csum, dir_nlink, extra_isize, quota, metadata_csum, readonly,
# project, verity, orphan_present. Not: snapshots, bigalloc (clusters), replica, shared_blocks.
_KNOWN_RO_COMPAT = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x400 | 0x1000 | 0x2000 | 0x8000 | 0x10000

FLAG_ENCRYPTED, FLAG_EXTENTS, FLAG_INLINE = 0x800, 0x80000, 0x10000000
_EXTENT_MAGIC, _DEEPEST, _INITIALISED = 0xF30A, 5, 32768

# inodes, blocks, first data block, log block size, blocks and inodes per group, magic
_SUPERBLOCK = struct.Struct("<II12xII4xI4xI12xH")
# revision, inode size, incompat, ro_compat, size of a group descriptor
_REVISION_1 = struct.Struct("<76xI8xH6xII150xH")
_EXTENT = struct.Struct("<IHHI")
_INDEX = struct.Struct("<IIH2x")


class FastRefusedError(ExaminationError):
    """The fast reader does not answer for this volume: libtsk reads it. One line says why."""


def read_exactly(medium: Medium, offset: int, length: int) -> bytes:
    """`length` bytes of the medium; raises `FastRefusedError` when they are not there or cannot be read."""
    try:
        data = medium.read_at(offset, length)
    except MediumError as error:
        raise FastRefusedError(str(error)) from error
    if len(data) != length or offset < 0:
        raise FastRefusedError(f"byte {offset} and the {length} after it are not all on the medium")
    return data


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where things stand: sizes in bytes, `tables` and `bitmaps` as offsets on the medium, one a group."""

    start: int
    length: int
    block_size: int
    blocks: int
    inode_size: int
    inodes: int
    per_group: int
    names_carry_types: bool
    large_files: bool
    tables: tuple[int, ...]
    bitmaps: tuple[int, ...]


def read_geometry(medium: Medium, start: int, length: int) -> Geometry:
    """The geometry of the volume at `start`; raises `FastRefusedError` for anything but plain ext2/3/4."""
    raw = read_exactly(medium, start + 1024, 1024)
    inodes, low, first_block, log_block, blocks_per_group, per_group, magic = _SUPERBLOCK.unpack_from(raw)
    revision, inode_size, incompat, ro_compat, descriptor = _REVISION_1.unpack_from(raw)
    wide = bool(incompat & _64BIT)
    blocks = low | (struct.unpack_from("<I", raw, 336)[0] << 32 if wide else 0)
    if magic != _MAGIC or log_block > 6 or revision != 1:
        raise FastRefusedError("the superblock is not one of revision 1 in this byte order")
    if incompat & ~_KNOWN_INCOMPAT or ro_compat & ~_KNOWN_RO_COMPAT:
        raise FastRefusedError(f"features {incompat:#x}, {ro_compat:#x} are not all known")
    block_size = 1024 << log_block
    groups = -(-(blocks - first_block) // blocks_per_group) if blocks_per_group else 0
    if not 0 < groups <= MOST_GROUPS or groups * per_group != inodes or per_group > 8 * block_size:
        raise FastRefusedError("groups, inodes and blocks of the superblock do not agree")
    if inode_size not in (128, 256, 512, 1024) or inode_size > block_size or inodes * inode_size > length:
        raise FastRefusedError(f"{inodes} inodes of {inode_size} bytes are not for this volume")
    if descriptor not in ((64,) if wide else (0, 32)):
        raise FastRefusedError(f"group descriptors of {descriptor} bytes are not read")
    at = start + -(-2048 // block_size) * block_size
    tables, bitmaps = _groups(medium, at, groups, descriptor or 32)
    if max(tables + bitmaps) * block_size >= length:
        raise FastRefusedError("a group's inode table lies outside the volume")
    return Geometry(
        start,
        length,
        block_size,
        blocks,
        inode_size,
        inodes,
        per_group,
        bool(incompat & _FILETYPE),
        bool(ro_compat & _LARGE_FILE),
        tuple(start + number * block_size for number in tables),
        tuple(start + number * block_size for number in bitmaps),
    )


def _groups(medium: Medium, at: int, groups: int, size: int) -> tuple[list[int], list[int]]:
    """Block numbers of every group's inode table and inode bitmap."""
    words = memoryview(read_exactly(medium, at, groups * size)).cast("I")
    step = size // 4
    tables, bitmaps = words[2::step].tolist(), words[1::step].tolist()
    if size > 32:
        tables = [low | high << 32 for low, high in zip(tables, words[10::step].tolist(), strict=True)]
        bitmaps = [low | high << 32 for low, high in zip(bitmaps, words[9::step].tolist(), strict=True)]
    return tables, bitmaps


@dataclass(slots=True)
class Inodes:
    """The inode tables: all in memory where they fit `kept` bytes, else a group at a time. Numbers start at 1."""

    medium: Medium
    geometry: Geometry
    kept: int = TABLES_KEPT
    all: memoryview | None = None
    """All inodes, one after the other, or None where that would be too much."""
    _tables: OrderedDict[int, memoryview] = field(default_factory=OrderedDict)
    _bitmaps: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shape = self.geometry
        size = shape.per_group * shape.inode_size
        if len(shape.tables) * size <= self.kept:
            self.all = memoryview(b"".join([read_exactly(self.medium, at, size) for at in shape.tables]))

    def table(self, group: int) -> memoryview:
        """A group's whole inode table."""
        shape = self.geometry
        size = shape.per_group * shape.inode_size
        if self.all is not None:
            return self.all[group * size : (group + 1) * size]
        found = self._tables.get(group)
        if found is None:
            while self._tables and (len(self._tables) + 1) * size > self.kept:
                self._tables.popitem(last=False)
            found = self._tables[group] = memoryview(read_exactly(self.medium, shape.tables[group], size))
        return found

    def bitmap(self, group: int) -> bytes:
        """A group's bitmap of allocated inodes, the lowest bit first."""
        if group not in self._bitmaps:
            shape = self.geometry
            self._bitmaps[group] = read_exactly(self.medium, shape.bitmaps[group], -(-shape.per_group // 8))
        return self._bitmaps[group]

    def raw(self, number: int) -> memoryview:
        """The bytes of one inode; raises `FastRefusedError` for a number that is none."""
        shape = self.geometry
        if not 0 < number <= shape.inodes:
            raise FastRefusedError(f"there is no inode {number}")
        size = shape.inode_size
        if self.all is not None:
            return self.all[(number - 1) * size : number * size]
        group, place = divmod(number - 1, shape.per_group)
        return self.table(group)[place * size : (place + 1) * size]

    def allocated(self, number: int) -> bool:
        """Whether the bitmap says that the inode is in use."""
        group, place = divmod(number - 1, self.geometry.per_group)
        return bool(self.bitmap(group)[place >> 3] >> (place & 7) & 1)

    def unallocated_used(self) -> Iterator[int]:
        """Inodes that are free and still hold a change time: what libtsk calls unallocated and used."""
        shape = self.geometry
        step = shape.inode_size // 4
        for group in range(len(shape.tables)):
            changed = self.table(group).cast("I")[3::step].tobytes()
            if not changed.strip(b"\0"):
                continue
            first = group * shape.per_group + 1
            bits = f"{int.from_bytes(self.bitmap(group), 'little'):0{shape.per_group}b}"[::-1]
            times = memoryview(changed).cast("I").tolist()
            pairs = enumerate(zip(times, bits, strict=False))  # a bitmap may be longer than its table
            yield from [first + at for at, (time, bit) in pairs if time and bit == "0"]


def block_runs(inodes: Inodes, number: int) -> list[tuple[int, int, int]] | None:
    """The runs of an inode as (logical block, blocks, physical block), in order; None when not plain.

    Not plain is: inline, encrypted, unwritten blocks, a damaged tree, blocks outside the volume.
    """
    raw = inodes.raw(number)
    flags = int.from_bytes(raw[32:36], "little")
    if flags & (FLAG_INLINE | FLAG_ENCRYPTED):
        return None
    if flags & FLAG_EXTENTS:
        extents: list[tuple[int, int, int]] = []
        budget = [MOST_EXTENT_BLOCKS]
        runs = extents if _extents(inodes, bytes(raw[40:100]), -1, extents, budget) else None
    else:
        size = int.from_bytes(raw[4:8], "little") | int.from_bytes(raw[108:112], "little") << 32
        runs = _mapped(inodes, raw, -(-size // inodes.geometry.block_size))
    if runs is None or any(place < 1 or place + count > inodes.geometry.blocks for _, count, place in runs):
        return None
    ends = 0
    for logical, count, _ in runs:
        if logical < ends:
            return None
        ends = logical + count
    return runs


def _extents(inodes: Inodes, node: bytes, depth: int, runs: list[tuple[int, int, int]], budget: list[int]) -> bool:
    """Add the extents below a node (depth -1: the root, of any depth); False for anything unusual."""
    magic, entries, _, found = struct.unpack_from("<4H", node)
    budget[0] -= 1
    if magic != _EXTENT_MAGIC or found > _DEEPEST or depth not in (-1, found) or 12 * (entries + 1) > len(node):
        return False
    if found == 0:
        leaf = list(_EXTENT.iter_unpack(node[12 : 12 * (entries + 1)]))
        runs += [(logical, count, high << 32 | low) for logical, count, high, low in leaf]
        return all(0 < count <= _INITIALISED for _, count, _, _ in leaf)
    shape = inodes.geometry
    for _, low, high in _INDEX.iter_unpack(node[12 : 12 * (entries + 1)]):
        place = high << 32 | low
        if not 0 < place < shape.blocks or budget[0] < 0:
            return False
        below = read_exactly(inodes.medium, shape.start + place * shape.block_size, shape.block_size)
        if not _extents(inodes, below, found - 1, runs, budget):
            return False
    return True


def _mapped(inodes: Inodes, raw: memoryview, blocks: int) -> list[tuple[int, int, int]] | None:
    """The runs of a block map (twelve direct blocks, then one to three levels of indirection)."""
    words = list(struct.unpack_from("<15I", raw, 40))
    shape = inodes.geometry
    each = shape.block_size // 4
    if blocks > min(12 + each + each * each, MOST_MAPPED_BLOCKS):
        return None  # three levels of indirection, or more than is worth the trouble
    pointers = words[:12]
    for level, pointer in ((1, words[12]), (2, words[13])):
        if len(pointers) >= blocks:
            break
        wanted = blocks - len(pointers)
        tables = [pointer]
        for remaining in range(level, 0, -1):
            below: list[int] = []
            for table in tables[: -(-wanted // each**remaining)]:
                if not table:
                    below += [0] * each
                    continue
                if table >= shape.blocks:
                    return None
                data = read_exactly(inodes.medium, shape.start + table * shape.block_size, shape.block_size)
                below += memoryview(data).cast("I").tolist()
            tables = below
        pointers += tables
    runs: list[tuple[int, int, int]] = []
    for logical, place in enumerate(pointers[:blocks]):
        if not place:
            continue
        if runs and runs[-1][0] + runs[-1][1] == logical and runs[-1][2] + runs[-1][1] == place:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1, runs[-1][2])
        else:
            runs.append((logical, 1, place))
    return runs
