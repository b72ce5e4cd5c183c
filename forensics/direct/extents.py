"""Where files' bytes stand on the medium, and contents read from there without libtsk.

libtsk opens an inode and asks for its blocks in small steps: files whose bytes stand plainly on the medium are
read here, all others (deleted, inline, compressed, encrypted, unwritten, damaged) through libtsk, and so is
whatever the medium does not give.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate

from forensics.direct.ext4 import REGULAR, ROOT, FastRefusedError, Inodes, block_runs, read_geometry
from forensics.direct.ntfs import Mft, decode_runs, open_mft
from forensics.filesystems import Content, FileSystem, FileSystemError
from forensics.filesystems.libtsk import TskFileSystem
from forensics.media import Medium, MediumError
from forensics.model import FileEntry

FIRST_COMPARED, COMPARED_EVERY = 8, 97
"""So many files of a group are read both ways at the start, and one in so many after that."""
_COMPARED = 4096  # bytes at both ends
_TABLES_KEPT = 16 << 20
_CHUNKS_KEPT = 128
_DATA = "128-"

Extents = list[tuple[int | None, int]]
"""(place on the medium or None for zeros, bytes), in the order of the content; together the content's size."""


def _laid_out(runs: Sequence[tuple[int, int, int | None]], size: int) -> Extents:
    """Runs of (first byte in the file, bytes, place or None) cut to `size`, gaps filled with zeros."""
    found: Extents = []
    at = 0
    for first, whole, place in runs:
        if first > at:
            found.append((None, min(first, size) - at))
            at = min(first, size)
        length = min(whole, size - at)
        if length <= 0:
            break
        if place is not None and found and found[-1][0] is not None and found[-1][0] + found[-1][1] == place:
            found[-1] = (found[-1][0], found[-1][1] + length)
        else:
            found.append((place, length))
        at += length
    if at < size:
        found.append((None, size - at))
    return found


def ext4_extents(inodes: Inodes, number: int, size: int) -> Extents | None:
    """The extents of a regular file of `size` bytes, or None where libtsk has to read it."""
    try:
        raw = inodes.raw(number)
        if raw[1] >> 4 != REGULAR:
            return None
        runs = block_runs(inodes, number)
    except FastRefusedError:
        return None
    if runs is None:
        return None
    shape = inodes.geometry
    block = shape.block_size
    return _laid_out([(first * block, count * block, shape.start + at * block) for first, count, at in runs], size)


def ntfs_extents(mft: Mft, number: int, attribute: str, size: int) -> Extents | None:
    """The extents of a $DATA attribute of `size` bytes, or None where libtsk has to read it.

    Bytes beyond the initialised size are zeros, as NTFS and libtsk have them.
    """
    try:
        record = mft.record(number)
    except FastRefusedError:
        return None
    data = next((one for one in record.contents if one.attribute == attribute), None) if record else None
    runs = decode_runs(data.runs) if data and data.plain and data.size == size else None
    if data is None or runs is None or not 0 <= data.initialised <= size:
        return None
    found: list[tuple[int, int, int | None]] = []
    at = 0
    for run in runs:
        length = run.count * mft.cluster_size
        if run.cluster is not None and run.cluster * mft.cluster_size + length > mft.length:
            return None
        found.append((at, length, None if run.cluster is None else mft.start + run.cluster * mft.cluster_size))
        at += length
    if at < size:
        return None
    extents = _laid_out(found, data.initialised)
    return [*extents, (None, size - data.initialised)] if data.initialised < size else extents


class DirectContent:
    """The bytes of one file: `size` of them. `libtsk` opens the same file for what the medium does not give."""

    def __init__(self, medium: Medium, extents: Extents, size: int, libtsk: Callable[[], Content]) -> None:
        self.size = size
        self._medium, self._extents, self._libtsk = medium, extents, libtsk
        self._ends = list(accumulate(length for _, length in extents))

    def read_at(self, offset: int, length: int) -> bytes:
        """As `filesystems.Content.read_at`, which is asked where the medium cannot be read."""
        end = min(offset + length, self.size)
        parts: list[bytes] = []
        at = offset
        try:
            while 0 <= at < end:
                number = bisect_right(self._ends, at)
                place, whole = self._extents[number]
                inside = at - (self._ends[number] - whole)
                count = min(whole - inside, end - at)
                data = bytes(count) if place is None else self._medium.read_at(place + inside, count)
                if len(data) != count:
                    return self._libtsk().read_at(offset, length)
                parts.append(data)
                at += count
        except MediumError:
            return self._libtsk().read_at(offset, length)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _same_ends(ours: DirectContent, theirs: Content) -> bool:
    places = (0, max(ours.size - _COMPARED, 0))
    try:
        return all(ours.read_at(at, _COMPARED) == theirs.read_at(at, _COMPARED) for at in places)
    except FileSystemError:  # libtsk, asked again, says so at its place
        return False


class DirectContents:
    """The contents of a volume's files for one unit of work; where libtsk reads one otherwise, libtsk reads them."""

    def __init__(self, medium: Medium, extents_of: Callable[[FileEntry], Extents | None]) -> None:
        self._medium, self._extents_of = medium, extents_of
        self._opened = 0
        self.agrees = True

    def extents(self, entry: FileEntry) -> Extents | None:
        """Where an entry's bytes stand on the medium, None where libtsk has to read it."""
        return self._extents_of(entry)

    def begin(self) -> None:
        """Begin a unit, so that what it does depends on no other."""
        self._opened, self.agrees = 0, True

    def open(self, entry: FileEntry, libtsk: Callable[[], Content]) -> DirectContent | Content:
        """A file's contents; through `libtsk`, raising what it does, where its bytes do not stand plainly there."""
        plain = self.agrees and entry.allocated and entry.type == "file" and entry.size > 0
        extents = self._extents_of(entry) if plain else None
        if extents is None:
            return libtsk()
        content = DirectContent(self._medium, extents, entry.size, libtsk)
        self._opened += 1
        if self._opened <= FIRST_COMPARED or self._opened % COMPARED_EVERY == 0:
            theirs = libtsk()
            self.agrees = _same_ends(content, theirs)
            return content if self.agrees else theirs
        return content


def _ext4_content(inodes: Inodes, entry: FileEntry) -> Extents | None:
    return ext4_extents(inodes, int(entry.location.meta), entry.size)


def _ntfs_content(mft: Mft, entry: FileEntry) -> Extents | None:
    if not entry.attribute.startswith(_DATA):
        return None
    return ntfs_extents(mft, int(entry.location.meta), entry.attribute, entry.size)


def direct_contents(fs: FileSystem, medium: Medium) -> DirectContents | None:
    """How to read the plain files of an open volume; None where there is no fast reader, or it is not sure."""
    if not isinstance(fs, TskFileSystem):
        return None
    start, length, info = fs.volume.offset, fs.volume.length, fs.tsk.info
    try:
        if fs.name == "NTFS":
            mft = open_mft(medium, start, length)
            mft.kept = _CHUNKS_KEPT
            sure = (mft.cluster_size, mft.records) == (int(info.block_size), int(info.last_inum))
            return DirectContents(medium, partial(_ntfs_content, mft)) if sure else None
        if fs.name in ("Ext2", "Ext3", "Ext4"):
            shape = read_geometry(medium, start, length)
            theirs = int(info.block_size), int(info.last_inum), int(info.root_inum)
            sure = (shape.block_size, shape.inodes + 1, ROOT) == theirs
            return DirectContents(medium, partial(_ext4_content, Inodes(medium, shape, _TABLES_KEPT))) if sure else None
    except FastRefusedError:
        return None
    return None
