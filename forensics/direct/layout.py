"""Where an entry's bytes stand on the medium, and what stands behind them in what was allocated to it (slack)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import pytsk3

from forensics.direct.ext4 import FastRefusedError
from forensics.direct.extents import Extents
from forensics.direct.ntfs import decode_runs, open_mft
from forensics.filesystems import FileSystem, FileSystemError
from forensics.filesystems.allocation import Span
from forensics.filesystems.libtsk import TskFileSystem
from forensics.filesystems.overwritten import PARTLY, WHOLE, fate
from forensics.media import Medium, MediumError
from forensics.model import FileEntry
from forensics.volumes import TSK_FAILURES, libtsk_line

_SPARSE_OR_FILLER = 1 | 2  # TSK_FS_ATTR_RUN_FLAG_FILLER, _SPARSE
_RESIDENT, _COMPRESSED = 4, 32  # TSK_FS_ATTR_RES, _COMP
_POINTER_BLOCKS = (4097, 4098)  # TSK_FS_ATTR_TYPE_UNIX_INDIR, _EXTENT: blocks that say where the content stands
_MOST_RUNS = 1 << 20

_Placed = tuple[int, int, int | None]
"""A run: first byte in the stream, bytes, place on the medium or None for a hole."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`content` is where the bytes stand, None where they do not stand plainly on the medium (compressed, inline).

    `slack` is what is allocated behind the content and no part of it. `exact` says that the content
    may be read from its places, `inline` that it stands in the inode (in the MFT record) itself.
    """

    content: Extents | None
    slack: tuple[Span, ...]
    exact: bool = True
    inline: bool = False


class Layouts:
    """Where the entries of one open volume stand; nowhere that is known without a `medium` it is a run of."""

    def __init__(self, fs: FileSystem, medium: Medium | None) -> None:
        self._fs, self._mft = fs if isinstance(fs, TskFileSystem) and medium is not None else None, None
        if medium is not None and fs.name == "NTFS":
            try:
                self._mft = open_mft(medium, fs.volume.offset, fs.volume.length)
            except FastRefusedError:
                self._mft = None

    def of(self, entry: FileEntry) -> Layout:
        """The layout of an entry `walk` gave for this volume; raises `FileSystemError` when its inode does not open.

        Slack is what was written before, or what the system had in memory: from the content's last byte to the end of
        its clusters, and clusters kept in reserve. NTFS: also from the initialised size on, where reading gives zeros.
        """
        known = self._ntfs(entry) if self._mft is not None else None
        try:
            return known or self._libtsk(entry)
        except TSK_FAILURES as error:
            raise FileSystemError(f"inode {entry.location.meta} cannot be opened: {libtsk_line(error)}") from error

    def _ntfs(self, entry: FileEntry) -> Layout | None:
        """Out of the record itself, which says how much of the stream was ever written; None where libtsk must ask."""
        mft = self._mft
        try:
            record = mft.record(int(entry.location.meta)) if mft is not None and entry.allocated else None
        except FastRefusedError:
            return None
        data = next((one for one in record.contents if one.attribute == entry.attribute), None) if record else None
        found = decode_runs(data.runs) if data and data.plain and data.size == entry.size else None
        if mft is None or data is None or found is None:
            return None
        runs: list[_Placed] = []
        at, size = 0, mft.cluster_size
        for run in found:
            place = None if run.cluster is None else mft.start + run.cluster * size
            if place is not None and place + run.count * size > mft.start + mft.length:
                return None
            runs.append((at, run.count * size, place))
            at += run.count * size
        written = min(data.initialised, entry.size)
        return Layout(_cut(runs, written, entry.size), tuple(_behind(runs, written)))

    def _libtsk(self, entry: FileEntry) -> Layout:
        fs = self._fs
        if fs is None:
            return Layout(None, ())
        file = fs.tsk.open_meta(inode=int(entry.location.meta))
        attribute = _attribute(file, entry)
        if attribute is None or int(attribute.info.flags) & _RESIDENT:
            return Layout(None, (), inline=attribute is not None)
        runs = list(_runs(fs, attribute))
        slack = tuple(_behind(runs, entry.size))
        if int(attribute.info.flags) & _COMPRESSED:
            return Layout(None, ())
        # libtsk does not say how much of an NTFS stream was ever written: what it reads as zeros may hold something
        return Layout(_cut(runs, entry.size, entry.size), slack, exact=fs.name != "NTFS")


def _attribute(file: pytsk3.File, entry: FileEntry) -> pytsk3.Attribute | None:
    """The attribute that holds the content: the entry's own, else the first that holds any."""
    kind, _, number = entry.attribute.partition("-")
    for attribute in file:
        info = attribute.info
        if kind and (int(info.type), int(info.id)) == (int(kind), int(number)):
            return attribute
        if not kind and int(info.type) not in _POINTER_BLOCKS:
            return attribute
    return None


def _runs(fs: TskFileSystem, attribute: pytsk3.Attribute) -> Iterator[_Placed]:
    """(first byte in the stream, bytes, place on the medium or None for a hole)."""
    block, start = int(fs.tsk.info.block_size), fs.volume.offset
    end = fs.image.get_size()
    for number, run in enumerate(attribute):
        if number >= _MOST_RUNS:
            raise FileSystemError(f"an attribute of over {_MOST_RUNS} runs is not followed")
        place = None if int(run.flags) & _SPARSE_OR_FILLER else start + int(run.addr) * block
        length = int(run.len) * block
        if place is not None and not 0 <= place <= place + length <= end:
            raise FileSystemError("a run lies outside the medium")
        yield int(run.offset) * block, length, place


def _cut(runs: Sequence[_Placed], written: int, size: int) -> Extents:
    """Runs as extents of `size` bytes: gaps, and what lies behind `written`, are zeros."""
    found: Extents = []
    at = 0
    for first, whole, place in runs:
        if first > at:
            found.append((None, min(first, written) - at))
            at = min(first, written)
        length = min(whole - (at - first), written - at)
        if length <= 0:
            break
        found.append((None if place is None else place + at - first, length))
        at += length
    return [*found, (None, size - at)] if at < size else found


def _behind(runs: Sequence[_Placed], written: int) -> Iterator[Span]:
    for first, length, place in runs:
        skipped = max(written - first, 0)
        if place is not None and skipped < length:
            yield place + skipped, length - skipped


class ExtentStream:
    """Extents read as one stream of bytes; what is not on the medium reads as zeros."""

    def __init__(self, medium: Medium, extents: Sequence[tuple[int | None, int]]) -> None:
        self._medium, self._extents = medium, extents
        self._ends = list(accumulate(length for _, length in extents))
        self.size = self._ends[-1] if extents else 0

    def pieces(self, offset: int, length: int) -> Iterator[tuple[int | None, int]]:
        """The places of `length` bytes from `offset`, as extents; cut at the stream's end."""
        number, end = bisect_right(self._ends, offset), min(offset + length, self.size)
        while offset < end:
            place, whole = self._extents[number]
            inside = offset - (self._ends[number] - whole)
            count = min(whole - inside, end - offset)
            if count:
                yield None if place is None else place + inside, count
            offset += count
            number += 1

    def is_hole(self, offset: int, length: int) -> bool:
        """Whether nothing of it is on the medium."""
        return all(place is None for place, _ in self.pieces(offset, length))

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from byte `offset`; short only at the end. Raises `MediumError`."""
        parts: list[bytes] = []
        for place, count in self.pieces(offset, length):
            data = bytes(count) if place is None else self._medium.read_at(place, count)
            if len(data) != count:
                raise MediumError(f"the medium ends at byte {(place or 0) + len(data)}")
            parts.append(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def recoverable(fs: FileSystem, layouts: Layouts, free: Sequence[Span], entry: FileEntry) -> str | None:
    """How much of a deleted file may still stand where it stood: see `overwritten.fate`. None where it is not known.

    FAT forgets which clusters a deleted file had: libtsk takes those behind its first one that are free. Where it had
    to leave some out, the file is partly there at best.
    """
    try:
        layout = layouts.of(entry)
    except FileSystemError:
        return None
    if layout.inline:
        return WHOLE  # in a record that no other file has
    held = [(place, length) for place, length in layout.content or () if place is not None]
    found = fate(held, free)
    apart = any(a + length != b for (a, length), (b, _) in pairwise(held))
    return PARTLY if found == WHOLE and apart and "FAT" in fs.name else found
