"""The names of an ext2/3/4 directory: those that are live, and what libtsk takes for deleted ones.

libtsk looks into the space between entries for deleted names. A block in which nothing there could pass for
one is read entry by entry; any other is searched by libtsk's rule (every fourth byte is tried). Where
anything else is out of the ordinary libtsk lists the directory.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice

from forensics.direct.ext4 import (
    DIRECTORY,
    FLAG_ENCRYPTED,
    FLAG_EXTENTS,
    FLAG_INLINE,
    LONGEST_DIRECTORY,
    FastRefusedError,
    Inodes,
    block_runs,
    read_exactly,
)

TYPE_DIRECTORY, TYPE_LINK = 2, 7  # EXT4_FT_*
TYPES = (0, 8, 4, 2, 6, 1, 12, 10)
"""An entry's file type (EXT4_FT_*) -> the upper four bits of the inode's mode; 0 is unknown."""

# Of an inode: mode, size, flags, and of the extent tree in it magic, entries, depth, then the first extent.
_INODE = struct.Struct("<H2xI24xI4xHH2xH4xIHHI")
_ONE_EXTENT = (0xF30A, 1, 0, 0)
_ENTRY = struct.Struct("<IHBB")
_SMALLEST = 12  # bytes: the smallest directory entry
_DOT = b"\x0c\0\x01\x02.\0\0\0"  # the first entry after its inode number
_DOTS = (b".", b"..")
_ZEROS = bytes(1 << 16)
_CHUNK, _CHUNKS_KEPT = 1 << 16, 1024
"""Blocks of directories stand together: they are read in aligned chunks, of which some are kept."""


@dataclass(slots=True)
class Names:
    """Live names in the order they stand, their inodes, and their types (EXT4_FT_*).

    `deleted` are the other names as (how many live ones stand before it, name, inode, type).
    """

    names: list[bytes] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    deleted: list[tuple[int, bytes, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Directories:
    """The directories of one volume."""

    inodes: Inodes
    _chunks: OrderedDict[int, bytes] = field(default_factory=OrderedDict)

    def names(self, number: int) -> Names | None:
        """The names of a directory without "." and ".."; None when libtsk has to list it.

        None where it is out of the ordinary: names twice, inline or encrypted names, holes. Raises
        `FastRefusedError` where there is no such inode.
        """
        data = self._content(number)
        if data is None:
            return None
        found = Names()
        shape = self.inodes.geometry
        for at in range(0, len(data), shape.block_size):
            block = data if len(data) == shape.block_size else data[at : at + shape.block_size]
            count = len(found.names)
            if not _block(block, shape.inodes, found):
                del found.names[count:], found.numbers[count:], found.types[count:]
                _search(block, shape.inodes, found)
        names = found.names
        if b"." in names or b".." in names or len(set(names)) != len(names) or 0 in found.numbers:
            return None
        if found.deleted:
            if not shape.names_carry_types or any(number > shape.inodes for _, _, number, _ in found.deleted):
                return None
            found = _once(found)
        if not shape.names_carry_types and any(found.types):
            return None  # then this byte is the upper half of the name's length
        if names and (0 in found.types or max(found.types) > TYPE_LINK):
            found.types = [self.type(one) for one in found.numbers]
        return found

    def type(self, number: int) -> int:
        """An inode's type as EXT4_FT_*; raises `FastRefusedError` where it has none."""
        kind = self.inodes.raw(number)[1] >> 4
        if kind not in TYPES[1:]:
            raise FastRefusedError(f"inode {number} is in use and has no type")
        return TYPES.index(kind)

    def _content(self, number: int) -> bytes | None:
        """A live directory's blocks, or None."""
        shape = self.inodes.geometry
        mode, size, flags, *tree, length, high, low = _INODE.unpack_from(self.inodes.raw(number))
        blocks = -(-size // shape.block_size)
        if mode >> 12 != DIRECTORY or not 0 < size <= LONGEST_DIRECTORY:
            return None
        if flags & FLAG_EXTENTS and not flags & (FLAG_INLINE | FLAG_ENCRYPTED) and tuple(tree) == _ONE_EXTENT:
            place = high << 32 | low
            if blocks == 1 <= length <= 32768 and 0 < place < shape.blocks:
                return self._one_block(shape.start + place * shape.block_size, shape.block_size)
        runs = block_runs(self.inodes, number)
        if runs is None:
            return None
        data, ends = [], 0
        for logical, whole, place in runs:
            if logical != ends or ends >= blocks:
                break
            count = min(whole, blocks - ends)
            at = shape.start + place * shape.block_size
            data.append(read_exactly(self.inodes.medium, at, count * shape.block_size))
            ends += count
        return b"".join(data) if ends == blocks else None

    def _one_block(self, offset: int, size: int) -> bytes:
        first = offset & -_CHUNK
        chunk = self._chunks.get(first)
        if chunk is None:
            if len(self._chunks) >= _CHUNKS_KEPT:
                self._chunks.popitem(last=False)
            length = min(_CHUNK, self.inodes.medium.size - first)
            chunk = self._chunks[first] = read_exactly(self.inodes.medium, first, length)
        block = chunk[offset - first : offset - first + size]
        return block if len(block) == size else read_exactly(self.inodes.medium, offset, size)


def _block(block: bytes, last: int, found: Names) -> bool:
    """Add one block's names but the dots; False when libtsk could read more out of it than live entries."""
    names, numbers, types = found.names, found.numbers, found.types
    unpack, end, at = _ENTRY.unpack_from, len(block), 0
    if block.startswith(_DOT, 4):
        at = _SMALLEST
        _, length, name, _ = unpack(block, at)
        if name != 2 or block[20:22] != b".." or length < _SMALLEST or length & 3 or at + length > end:
            return False
        if length >= 2 * _SMALLEST and _hidden(block, at + _SMALLEST, at + length, last):
            return False
        at += length
    while at <= end - _SMALLEST:
        number, length, name, kind = unpack(block, at)
        used = (name + 11) & ~3
        if not name and not number:
            return not _hidden(block, at + 4, end, last, bounded=False)
        if length != used and (length < used or length & 3 or not name):
            return False
        following = at + length
        if length - used >= _SMALLEST and (following > end or _hidden(block, at + used, following, last)):
            return False
        names.append(block[at + 8 : at + 8 + name])
        numbers.append(number)
        types.append(kind)
        at = following
    return at <= end


def _search(block: bytes, last: int, found: Names) -> None:
    """Add one block's names but the dots as libtsk finds them: deleted are those between live entries."""
    end, at, room = len(block), 0, 0  # room: bytes of space between entries that are still to be tried
    while at <= end - _SMALLEST:
        number, length, size, kind = _ENTRY.unpack_from(block, at)
        used = (size + 11) & ~3
        valid = size and number <= last + 1 and length >= used and not length & 3 and at + length <= end
        if not valid or 0 < room < used:
            at, room = at + 4, max(room - 4, 0)
            continue
        name = block[at + 8 : at + 8 + size].partition(b"\0")[0]
        if room or not number:
            if name not in _DOTS:
                found.deleted.append((len(found.names), name, number, kind))
        elif name not in _DOTS:
            found.names.append(name)
            found.numbers.append(number)
            found.types.append(kind)
        room = max(room - used, 0)
        if not room and length - used >= _SMALLEST:
            room = length - used
            at += used
        else:
            at += used if room else length


def _once(found: Names) -> Names:
    """Every name and inode once, as libtsk keeps them: a live one takes the place of a deleted one before it."""
    rows: list[tuple[bytes, int, int, bool]] = []
    live = zip(found.names, found.numbers, found.types, strict=True)
    ahead = 0
    for at, name, number, kind in found.deleted:
        rows += [(*row, True) for row in islice(live, at - ahead)]
        ahead = at
        rows.append((name, number, kind, False))
    rows += [(*row, True) for row in live]
    places: dict[tuple[bytes, int], int] = {}
    kept: list[tuple[bytes, int, int, bool]] = []
    for row in rows:
        place = places.setdefault(row[:2], len(kept))
        if place == len(kept):
            kept.append(row)
        elif row[3] and not kept[place][3]:
            kept[place] = row
    names = Names()
    for name, number, kind, alive in kept:
        if alive:
            names.names.append(name)
            names.numbers.append(number)
            names.types.append(kind)
        else:
            names.deleted.append((len(names.names), name, number, kind))
    return names


def _hidden(block: bytes, at: int, upto: int, last: int, *, bounded: bool = True) -> bool:
    """Whether libtsk would find an entry from byte `at` on: it tries every fourth byte.

    `bounded`: the entry has to end before `upto`, as one between two live entries has.
    """
    if _ZEROS.startswith(block[at:upto]):
        return False
    end = len(block)
    for place in range(at, min(upto, end - _SMALLEST + 1), 4):
        number, length, name, _ = _ENTRY.unpack_from(block, place)
        used = (name + 11) & ~3
        valid = name and number <= last + 1 and length >= used and not length & 3 and place + length <= end
        if valid and not (bounded and upto - place < used):
            return True
    return False
