"""A volume's names by the fast reader where there is one and it is sure of itself, else through libtsk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import pyarrow as pa

from forensics.direct.ext4 import FastRefusedError
from forensics.direct.ext4_walk import Ext4Walk, ext4_walk
from forensics.direct.ntfs_walk import NtfsWalk, ntfs_walk
from forensics.filesystems import FileSystem, walk
from forensics.filesystems.libtsk import TskFileSystem
from forensics.media import Medium
from forensics.model import FileEntry, Problem
from forensics.results.columns import file_batch

BATCH_ROWS = 4096
LIBTSK, DIRECT = "libtsk", "direct, checked against libtsk"

_FAST: dict[str, Callable[[TskFileSystem, Medium, str], Ext4Walk | NtfsWalk]] = {
    "Ext2": ext4_walk,
    "Ext3": ext4_walk,
    "Ext4": ext4_walk,
    "NTFS": ntfs_walk,
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How a volume was listed: `reader` is DIRECT or a library; `remark` says why libtsk had to do it alone."""

    reader: str
    remark: str = ""


class Sink(Protocol):
    """Where a listing goes."""

    def begin(self) -> None:
        """Forget the rows that were taken: another reader begins. Problems come once, they stay."""

    def take(self, batch: pa.RecordBatch) -> None:
        """Rows of `WALKED`."""

    def problem(self, problem: Problem) -> None:
        """Something that could not be read."""

    def reached(self, count: int, path: str) -> None:
        """The library gives its item number `count` (from 1; names and problems): what a crash is put down to."""


def read_directly(fs: FileSystem, medium: Medium, exhibit: str, sink: Sink) -> Reading:
    """Hand over every name, in libtsk's order, if there is a fast reader and it is sure; else nothing.

    The answer's reader is DIRECT, or the library when `read_through_library` has to do it, with the reason. Rows
    handed over before the fast reader refused are void.
    """
    if not isinstance(fs, TskFileSystem) or fs.name not in _FAST:
        return Reading(fs.reader)
    sink.begin()
    problems: list[Problem] = []
    try:
        for one in _FAST[fs.name](fs, medium, exhibit).run():
            if isinstance(one, Problem):
                problems.append(one)
            else:
                sink.take(one)
    except FastRefusedError as refusal:
        fs.image.failures.clear()  # libtsk meets them again
        return Reading(LIBTSK, str(refusal))
    for one in problems:
        sink.problem(one)
    return Reading(DIRECT)


def read_through_library(fs: FileSystem, exhibit: str, sink: Sink, limit: int | None = None) -> None:
    """Hand over every name as `walk` gives it, of at most `limit` names and problems."""
    sink.begin()
    waiting: list[FileEntry] = []
    for count, one in enumerate(islice(walk(fs, exhibit), limit), 1):
        sink.reached(count, one.location.path)
        if isinstance(one, Problem):
            sink.problem(one)
            continue
        waiting.append(one)
        if len(waiting) >= BATCH_ROWS:
            sink.take(file_batch(waiting))
            waiting = []
    if waiting:
        sink.take(file_batch(waiting))
