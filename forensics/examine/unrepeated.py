"""Names of a shadow copy that the next newer state does not have just so: what did not change is not listed again.

A name is left out when the newer state lists it with the same place, size, times and owner, and the same content: its
extents are the same and no block of them was written over, or else every byte of both was compared.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from forensics.direct.extents import Extents, direct_contents
from forensics.direct.reading import DIRECT, Sink, read_directly, read_through_library
from forensics.engine.worker import board
from forensics.filesystems import FileSystem, FileSystemError, open_entry
from forensics.media import Medium
from forensics.model import FileEntry, Problem
from forensics.results.columns import file_entry
from forensics.volumes.shadow import BLOCK

_PER_VOLUME = ("exhibit", "volume")
_BLOCK = 1 << 20


def _states(batch: pa.RecordBatch) -> list[int]:
    """One number for every row: all that is listed of it, but for the volume it is on."""
    columns = [batch.column(name).to_pylist() for name in batch.schema.names if name not in _PER_VOLUME]
    return [hash(tuple(_hashable(value) for value in row)) for row in zip(*columns, strict=True)]


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


class _Newer:
    """What the newer state lists."""

    def __init__(self) -> None:
        self.states: set[int] = set()

    def begin(self) -> None:
        self.states = set()

    def take(self, batch: pa.RecordBatch) -> None:
        self.states.update(_states(batch))
        board().advance(0)

    def problem(self, problem: Problem) -> None:
        """It is said with the newer volume itself."""

    def reached(self, count: int, path: str) -> None:
        board().advance(0)


class _Contents:
    """The contents of both states, as far as they have to be compared."""

    def __init__(self, older: FileSystem, old_medium: Medium, newer: FileSystem, new_medium: Medium) -> None:
        self._older, self._newer = older, newer
        self._old_extents = _extents(older, old_medium)
        self._new_extents = _extents(newer, new_medium)

    def same(self, entry: FileEntry, changed: Sequence[int]) -> bool:
        """Whether the entry holds the same bytes in both; `changed` are the places of blocks written over."""
        old, new = self._old_extents(entry), self._new_extents(entry)
        if old is not None and old == new and not any(_touched(run, changed) for run in old):
            return True
        try:
            one, other = open_entry(self._older, entry), open_entry(self._newer, entry)
            for at in range(0, entry.size, _BLOCK):
                if one.read_at(at, _BLOCK) != other.read_at(at, _BLOCK):
                    return False
                board().advance(0)
        except FileSystemError:
            return False  # it is listed, and why it cannot be read is said there
        return True


def _extents(fs: FileSystem, medium: Medium) -> Any:
    """Extents of an entry in bytes of its volume; None where only libtsk knows."""
    direct = direct_contents(fs, medium)

    def extents(entry: FileEntry) -> Extents | None:
        found = direct.extents(entry) if direct is not None else None
        start = fs.volume.offset
        return None if found is None else [(None if at is None else at - start, size) for at, size in found]

    return extents


def _touched(run: tuple[int | None, int], changed: Sequence[int]) -> bool:
    place, length = run
    if place is None:
        return False
    number = bisect_left(changed, place - BLOCK + 1)
    return number < len(changed) and changed[number] < place + length


class Unrepeated:
    """A sink before another: rows that the newer state has, too, do not reach it. `left_out` counts them."""

    def __init__(
        self,
        sink: Sink,
        older: tuple[FileSystem, Medium],
        newer: tuple[FileSystem, Medium],
        changed: Sequence[int],
    ) -> None:
        self._sink, self._changed = sink, changed
        self._states = _listed(*newer)
        self._contents = _Contents(*older, *newer)
        self.left_out = 0
        self.problem, self.reached = sink.problem, sink.reached

    def begin(self) -> None:
        """Forget the rows that were taken."""
        self.left_out = 0
        self._sink.begin()

    def take(self, batch: pa.RecordBatch) -> None:
        """Rows of `WALKED`."""
        states = _states(batch)
        kept = [number for number, state in enumerate(states) if not self._unchanged(batch, number, state)]
        self.left_out += len(states) - len(kept)
        if kept:
            self._sink.take(batch.take(pa.array(kept, pa.int64())))

    def _unchanged(self, batch: pa.RecordBatch, number: int, state: int) -> bool:
        if state not in self._states:
            return False
        entry = file_entry(batch.slice(number, 1).to_pylist()[0])
        if entry.type in ("directory", "virtual", "link") or entry.reallocated or not entry.size:
            return entry.type != "directory" or not entry.location.stream or self._contents.same(entry, self._changed)
        return self._contents.same(entry, self._changed)


def _listed(fs: FileSystem, medium: Medium) -> set[int]:
    newer = _Newer()
    if read_directly(fs, medium, "", newer).reader != DIRECT:
        read_through_library(fs, "", newer)
    return newer.states
