"""NTFS as columns: names and their order from libtsk, the records behind live names from the $MFT itself.

libtsk lists every directory: its answer holds deleted names out of index slack and out of records that
lost their parent, which no short reading gives. What costs time in a listing is asking libtsk for each
record's attributes: those of plain live records are parsed here. A sample of names is read both ways and
compared field by field, and where one differs the whole answer is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pytsk3

from forensics.direct.ext4 import FastRefusedError
from forensics.direct.merge import in_order
from forensics.direct.ntfs import Mft, Record, open_mft
from forensics.filesystems.inodes import shown
from forensics.filesystems.libtsk import TskFileSystem, Walk
from forensics.filesystems.ntfs_attributes import EXTRA, choose_name, four_times
from forensics.media import Medium
from forensics.model import Clock, FileEntry, Location, Problem
from forensics.results.columns import WALKED, integers, text_map, texts, time_map
from forensics.volumes import TSK_FAILURES, libtsk_line

BATCH_ROWS = 8192
DEEPEST, LONGEST_PATH = 100, 4000
FIRST_COMPARED, COMPARED_EVERY = 32, 97
"""So many names are read both ways at the start, and one in so many after that."""

_NAME_ALLOCATED = 1  # TSK_FS_NAME_FLAG_ALLOC
_BAD_CLUSTERS = 8
_DOTS = (b".", b"..")
_DIRECTORY = 2  # TSK_FS_META_TYPE_DIR
_INT64 = 1 << 63

FourTimes = tuple[int | None, int | None, int | None, int | None]
"""Modified, accessed, changed, created: nanoseconds since 1970."""
_Listing = tuple[int, bytes, Iterator[pytsk3.File]]
"""A directory being listed: its record, its path with "/" at the end, and the names still to come."""


@dataclass(slots=True)
class Columns:
    """The columns of live rows that differ from row to row."""

    paths: list[str] = field(default_factory=list)
    raw_paths: list[bytes | None] = field(default_factory=list)
    meta: list[str] = field(default_factory=list)
    streams: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    times: list[FourTimes] = field(default_factory=list)
    extra: list[dict[str, int]] = field(default_factory=list)
    modes: list[int] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)

    def batch(self, exhibit: str, volume: str) -> pa.RecordBatch:
        """These rows as a batch of `WALKED`."""
        rows = len(self.paths)
        empty = pa.repeat("", rows)
        columns = [
            pa.repeat(exhibit, rows),
            pa.repeat(volume, rows),
            texts(self.paths),
            pa.array(self.raw_paths, pa.binary()),
            texts(self.meta),
            texts(self.streams),
            texts(self.types),
            pa.repeat(pa.scalar(True), rows),
            pa.repeat(pa.scalar(False), rows),
            texts(self.attributes),
            integers(self.sizes),
            *(integers(list(column)) for column in zip(*self.times, strict=True)),
            time_map(self.extra),
            text_map([{}] * rows),
            pa.repeat(Clock.UTC.value, rows),
            integers(self.modes),
            integers(self.owners),
            pa.repeat(pa.scalar(0, pa.int64()), rows),
            empty,
        ]
        return pa.RecordBatch.from_arrays(columns, schema=WALKED)

    def entry(self, row: int, exhibit: str, volume: str) -> FileEntry:
        """One row as an entry, to be compared."""
        place = Location(exhibit, volume, self.paths[row], self.raw_paths[row], self.meta[row], self.streams[row])
        return FileEntry(
            place,
            self.types[row],
            True,
            self.sizes[row],
            *self.times[row],
            extra_times=self.extra[row],
            attribute=self.attributes[row],
            mode=self.modes[row],
            uid=self.owners[row],
            gid=0,
        )


@dataclass(slots=True)
class NtfsWalk:
    """One walk of an NTFS volume. `asked` counts the names whose record libtsk read."""

    fs: TskFileSystem
    exhibit: str
    mft: Mft
    libtsk: Walk
    asked: int = 0
    named: int = 0
    columns: Columns = field(default_factory=Columns)
    others: list[tuple[int, FileEntry]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    entered: set[int] = field(default_factory=set)

    def run(self) -> Iterator[pa.RecordBatch | Problem]:
        """Batches of `WALKED` and problems in libtsk's order; raises `FastRefusedError` at any point."""
        root = int(self.fs.tsk.info.root_inum)
        stack = [(root, b"", self._list(root))]
        self.entered.add(root)
        while stack:
            directory, path, names = stack[-1]
            for file in names:
                below = self._name(directory, path, file)
                if below is not None:
                    if len(stack) >= DEEPEST or len(path) > LONGEST_PATH:
                        raise FastRefusedError("directories are nested too deep")
                    stack.append(below)
                    break
            else:
                stack.pop()
            if len(self.columns.paths) + len(self.others) >= BATCH_ROWS:
                yield from self._flush()
        yield from self._flush()
        for problem in self.libtsk.failures():
            raise FastRefusedError(problem.reason)

    def _list(self, number: int) -> Iterator[pytsk3.File]:
        try:
            yield from self.fs.tsk.open_dir(inode=number)
        except TSK_FAILURES as error:
            raise FastRefusedError(f"libtsk does not list directory {number}: {libtsk_line(error)}") from error

    def _name(self, directory: int, path: bytes, file: pytsk3.File) -> _Listing | None:
        """Take one name; the directory to be entered, when it is one."""
        info = file.info.name
        name: bytes = info.name or b""
        if name in _DOTS and (path or name == b".."):
            return None  # "." of the root is kept: libtsk lists the root's own streams under it
        number = int(info.meta_addr)
        record = self._record(file, info, name)
        if record is None or not self._rows(record, directory, path + name, number):
            return self._ask(directory, path, file)
        self.named += 1
        if self.named <= FIRST_COMPARED or self.named % COMPARED_EVERY == 0:
            self._compare(directory, path, file, len(record.streams))
        return self._enter(number, path + name + b"/") if record.directory else None

    def _enter(self, number: int, path: bytes) -> _Listing:
        if number in self.entered:
            raise FastRefusedError("a directory has two places")
        self.entered.add(number)
        return number, path, self._list(number)

    def _ask(self, directory: int, path: bytes, file: pytsk3.File) -> _Listing | None:
        """Take one name as libtsk reads it: with all below it, but for a live directory, which is entered here."""
        self.asked += 1
        info, meta = file.info.name, file.info.meta
        live = meta is not None and int(info.flags) & _NAME_ALLOCATED and info.name not in _DOTS
        if not live or int(meta.type) != _DIRECTORY:
            self._other(self.libtsk.below(directory, path, file))
            return None
        self._other(iter(self._alone(directory, path, file)))
        return self._enter(int(info.meta_addr), path + info.name + b"/")

    def _alone(self, directory: int, path: bytes, file: pytsk3.File) -> list[FileEntry]:
        try:
            return self.libtsk.alone(directory, path, file)
        except TSK_FAILURES as error:
            raise FastRefusedError(f"libtsk does not read a record: {libtsk_line(error)}") from error

    def _record(self, file: pytsk3.File, info: pytsk3.TSK_FS_NAME, name: bytes) -> Record | None:
        """The plain record of a live name, else None."""
        number = int(info.meta_addr)
        if name in _DOTS or not int(info.flags) & _NAME_ALLOCATED or file.info.meta is None:
            return None
        if number >= self.mft.records or number == _BAD_CLUSTERS:
            return None
        record = self.mft.record(number)
        if record is None or record.sequence != int(info.meta_seq) or not record.standard or not record.streams:
            return None
        return record

    def _rows(self, record: Record, parent: int, path: bytes, number: int) -> bool:
        """Add a row for each stream; False where a time does not fit the columns."""
        times = four_times(record.standard)
        found = four_times(choose_name(record.names, parent, path.rpartition(b"/")[2])[8:40])
        extra = {label: at for label, at in zip(EXTRA, found, strict=True) if at is not None}
        if not all(-_INT64 < at < _INT64 - 1 for at in (*times, *found) if at is not None):
            return False
        columns = self.columns
        for stream in record.streams:
            full = path + b":" + stream.name if stream.name else path
            text, raw = shown(full)
            columns.paths.append(text)
            columns.raw_paths.append(raw)
            columns.meta.append(str(number))
            columns.streams.append(stream.name.decode("ascii"))
            columns.types.append("directory" if record.directory else "file")
            columns.attributes.append(stream.attribute)
            columns.sizes.append(stream.size)
            columns.times.append(times)
            columns.extra.append(extra)
            columns.modes.append(record.mode)
            columns.owners.append(record.owner)
        return True

    def _compare(self, directory: int, path: bytes, file: pytsk3.File, rows: int) -> None:
        last = len(self.columns.paths)
        ours = [self.columns.entry(row, self.exhibit, self.fs.volume.index) for row in range(last - rows, last)]
        if ours != self._alone(directory, path, file):
            raise FastRefusedError(f"libtsk reads record {ours[0].location.meta} otherwise")

    def _other(self, found: Iterator[FileEntry | Problem]) -> None:
        for one in found:
            if isinstance(one, Problem):
                self.problems.append(one)
            else:
                self.others.append((len(self.columns.paths) + len(self.others), one))

    def _flush(self) -> Iterator[pa.RecordBatch | Problem]:
        columns, others = self.columns, self.others
        self.columns, self.others = Columns(), []
        yield from self.problems
        self.problems.clear()
        live = columns.batch(self.exhibit, self.fs.volume.index) if columns.paths else None
        yield from in_order(live, others)


def ntfs_walk(fs: TskFileSystem, medium: Medium, exhibit: str) -> NtfsWalk:
    """A walk of an open NTFS volume; raises `FastRefusedError` where the volume is not a plain one."""
    mft = open_mft(medium, fs.volume.offset, fs.volume.length)
    if mft.cluster_size != int(fs.tsk.info.block_size) or mft.records != int(fs.tsk.info.last_inum):
        raise FastRefusedError("libtsk sees another cluster size or number of records")
    return NtfsWalk(fs, exhibit, mft, Walk(fs, exhibit))
