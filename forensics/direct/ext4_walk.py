"""A volume's names as columns: read directly where that is safe, through libtsk where it has more to say.

libtsk stays the authority. The direct reader lists live names of directories in which nothing else can
stand; every other directory is listed by libtsk, and deleted names and files without a name are libtsk's
alone. The order is libtsk's. At the end a sample of inodes and directories is read through libtsk and
compared field by field: where one differs the whole answer is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytsk3

from forensics.direct.ext4 import DIRECTORY, ROOT, FastRefusedError, Inodes, read_geometry
from forensics.direct.ext4_columns import Place, Rows, live_batch
from forensics.direct.ext4_names import TYPE_DIRECTORY, Directories, Names
from forensics.direct.merge import in_order
from forensics.filesystems.inodes import owner
from forensics.filesystems.libtsk import TskFileSystem, Walk
from forensics.media import Medium
from forensics.model import FileEntry, Problem
from forensics.results.columns import file_entries
from forensics.volumes import TSK_FAILURES, libtsk_line

BATCH_ROWS = 8192
DEEPEST, LONGEST_PATH = 100, 4000
"""Below libtsk's own limits (128 directories, 4096 bytes), beyond which its search for orphans differs."""
MOST_ORPHANS = 1 << 20
SAMPLED_INODES, SAMPLED_DIRECTORIES, SAMPLED_SEARCHES = 100, 8, 2
"""At least so many are compared, if there are: inodes, directories, directories with deleted names."""

LONGEST_COMPARED = 512  # names: libtsk opens every inode of a directory it lists

_NAME_ALLOCATED = 1  # TSK_FS_NAME_FLAG_ALLOC
_ORPHANS = b"$OrphanFiles"
_DOTS = (b".", b"..")
_NAME_TYPES = (0, 5, 3, 2, 4, 1, 7, 6)  # EXT4_FT_* as TSK_FS_NAME_TYPE_ENUM


@dataclass(slots=True)
class Sample:
    """Evenly spread items out of a stream of unknown length: at least `size`, at most twice that, once there are."""

    size: int
    kept: list[Any] = field(default_factory=list)
    _seen: int = 0
    _every: int = 1

    def wanted(self, count: int) -> range:
        """Which of the next `count` items to hand to `kept`."""
        first = -self._seen % self._every
        self._seen += count
        while (count - first) // self._every > self.size:
            self._thin()
            first = (count - self._seen) % self._every
        return range(first, count, self._every)

    def keep(self, items: list[Any]) -> None:
        """Take the items that were wanted."""
        self.kept += items
        while len(self.kept) > 2 * self.size:
            self._thin()

    def _thin(self) -> None:
        self._every *= 2
        self.kept = self.kept[::2]


@dataclass(frozen=True, slots=True)
class DeletedName:
    """A deleted name in the shape of a pytsk3.File (`info.name`, `info.meta`) and of its name."""

    name: bytes
    meta_addr: int
    type: int
    par_addr: int
    meta: pytsk3.TSK_FS_META | None
    flags: int = 2  # TSK_FS_NAME_FLAG_UNALLOC
    meta_seq: int = 0

    @property
    def info(self) -> DeletedInfo:
        """The name and its inode."""
        return DeletedInfo(self, self.meta)


@dataclass(frozen=True, slots=True)
class DeletedInfo:
    """What `pytsk3.File.info` holds."""

    name: DeletedName
    meta: pytsk3.TSK_FS_META | None


@dataclass(slots=True)
class _Frame:
    """A directory being listed: what is still to come, and where the plain run of names is interrupted.

    `breaks` are (end of the run, a name of libtsk's or None to enter the directory that ends it), last first.
    """

    number: int
    path: bytes
    names: Names
    breaks: list[tuple[int, Any]]
    at: int = 0


@dataclass(slots=True)
class Ext4Walk:
    """One walk of an ext2/3/4 volume. `asked` counts the directories that libtsk listed."""

    fs: TskFileSystem
    place: Place
    inodes: Inodes
    directories: Directories
    libtsk: Walk
    asked: int = 0
    rows: Rows = field(default_factory=Rows)
    others: list[tuple[int, FileEntry]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    orphans: set[int] = field(default_factory=set)
    entered: set[int] = field(default_factory=set)
    sample: Sample = field(default_factory=lambda: Sample(SAMPLED_INODES))
    listings: Sample = field(default_factory=lambda: Sample(SAMPLED_DIRECTORIES))
    searched: Sample = field(default_factory=lambda: Sample(SAMPLED_SEARCHES))

    def run(self) -> Iterator[pa.RecordBatch | Problem]:
        """Batches of `WALKED` and problems in libtsk's order; raises `FastRefusedError` at any point."""
        for number in self.inodes.unallocated_used():
            self.orphans.add(number)
            if len(self.orphans) > MOST_ORPHANS:
                raise FastRefusedError("too many deleted inodes")
        stack = [self._enter(ROOT, b"")]
        while stack:
            frame = stack[-1]
            if len(self.rows.paths) + len(self.others) >= BATCH_ROWS:
                yield from self._flush()
            if frame.breaks:
                self._advance(frame, stack)
            else:
                self._take(frame, len(frame.names.names))
                stack.pop()
        yield from self._flush()  # so that no name is missing when the nameless are told
        yield from self._orphans()
        yield from self._flush()
        self._agree()

    def _take(self, frame: _Frame, end: int) -> None:
        """Take the names of a directory up to the one at `end`."""
        rows, names, path, at = self.rows, frame.names, frame.path, frame.at
        rows.paths += [path + one for one in names.names[at:end]]
        rows.numbers += names.numbers[at:end]
        rows.types += names.types[at:end]
        frame.at = end

    def _advance(self, frame: _Frame, stack: list[_Frame]) -> None:
        """Take names up to the next directory and enter it, or up to a name of libtsk's and take that."""
        end, name = frame.breaks.pop()
        self._take(frame, end)
        if name is not None:
            self._other(self.libtsk.below(frame.number, frame.path, name))
            return
        child = self._enter(frame.names.numbers[end - 1], self.rows.paths[-1] + b"/")
        if child.breaks:
            if len(stack) >= DEEPEST or len(child.path) > LONGEST_PATH:
                raise FastRefusedError("directories are nested too deep")
            stack.append(child)
        else:
            self._take(child, len(child.names.names))

    def _enter(self, number: int, path: bytes) -> _Frame:
        if number in self.entered or not self.inodes.allocated(number):
            raise FastRefusedError("a directory has two places, or is in use and free at once")
        self.entered.add(number)
        names = self.directories.names(number)
        if names is None:
            return self._ask(number, path)
        breaks: list[tuple[int, Any]] = []
        if TYPE_DIRECTORY in names.types:
            breaks = [(at + 1, None) for at, kind in enumerate(names.types) if kind == TYPE_DIRECTORY]
        if names.deleted:
            breaks += [(at, self._deleted(number, name, inode, kind)) for at, name, inode, kind in names.deleted]
            breaks.sort(key=lambda item: item[0])  # stable: a directory is entered before what follows it
        breaks.reverse()
        sample = self.searched if names.deleted else self.listings
        if len(names.names) <= LONGEST_COMPARED and sample.wanted(1):
            sample.keep([(number, names)])
        return _Frame(number, path, names, breaks)

    def _deleted(self, directory: int, name: bytes, number: int, kind: int) -> DeletedName:
        """A deleted name as libtsk would give it, with its inode out of libtsk."""
        meta = None
        if number:
            try:
                meta = self.fs.tsk.open_meta(inode=number).info.meta
            except TSK_FAILURES:
                meta = None  # libtsk gives such a name without an inode
        said = _NAME_TYPES[kind] if kind < len(_NAME_TYPES) else 0
        return DeletedName(name, number, said, directory, meta)

    def _ask(self, number: int, path: bytes) -> _Frame:
        """The directory as libtsk lists it."""
        self.asked += 1
        names = Names()
        breaks: list[tuple[int, pytsk3.File | None]] = []
        for file in self._list(number):
            name = file.info.name
            address = int(name.meta_addr)
            if name.name in _DOTS or address > self.inodes.geometry.inodes:
                continue  # the latter is $OrphanFiles
            if not int(name.flags) & _NAME_ALLOCATED:
                breaks.append((len(names.names), file))
                continue
            names.names.append(name.name or b"")
            names.numbers.append(address)
            names.types.append(self.directories.type(address))
            if names.types[-1] == TYPE_DIRECTORY:
                breaks.append((len(names.names), None))
        breaks.reverse()
        return _Frame(number, path, names, breaks)

    def _list(self, number: int) -> Iterator[pytsk3.File]:
        try:
            yield from self.fs.tsk.open_dir(inode=number)
        except TSK_FAILURES as error:
            raise FastRefusedError(f"libtsk does not list directory {number}: {libtsk_line(error)}") from error

    def _other(self, found: Iterator[FileEntry | Problem]) -> None:
        for one in found:
            if isinstance(one, Problem):
                self.problems.append(one)
                continue
            self.others.append((len(self.rows.paths) + len(self.others), one))
            if one.location.meta:
                self.orphans.discard(int(one.location.meta))

    def _orphans(self) -> Iterator[pa.RecordBatch | Problem]:
        """$OrphanFiles and, in order of their inodes, what stands below it."""
        last = self.inodes.geometry.inodes + 1
        self._other(self._inode(_ORPHANS, last, allocated=True))
        if any(self.inodes.raw(number)[1] >> 4 == DIRECTORY for number in self.orphans):
            self._other(self.libtsk.inside(last, _ORPHANS + b"/"))
            return
        for number in sorted(self.orphans):
            path = b"%s/OrphanFile-%d" % (_ORPHANS, number)
            self._other(self._inode(path, number, allocated=False))
            if len(self.others) >= BATCH_ROWS:
                yield from self._flush()

    def _inode(self, path: bytes, number: int, *, allocated: bool) -> Iterator[FileEntry]:
        try:
            yield from self.libtsk.inode(path, number, allocated=allocated)
        except TSK_FAILURES as error:
            raise FastRefusedError(f"libtsk does not open inode {number}: {libtsk_line(error)}") from error

    def _target(self, number: int) -> str:
        """Where a symbolic link points whose target stands in blocks of its own."""
        try:
            return owner(self.fs.tsk.open_meta(inode=number).info.meta).link_target
        except TSK_FAILURES as error:
            raise FastRefusedError(f"libtsk does not open inode {number}: {libtsk_line(error)}") from error

    def _flush(self) -> Iterator[pa.RecordBatch | Problem]:
        rows, others = self.rows, self.others
        self.rows, self.others = Rows(), []
        yield from self.problems
        self.problems.clear()
        live = None
        if rows.paths:
            live = live_batch(self.place, self.inodes, rows, self._target)
            self.orphans.difference_update(rows.numbers)
            chosen = self.sample.wanted(len(rows.numbers))
            picked = live.take(pa.array(chosen, pa.int64()))  # a copy: a slice would hold on to the batch
            self.sample.keep([picked.slice(row, 1) for row in range(picked.num_rows)])
        yield from in_order(live, others)

    def _agree(self) -> None:
        """Compare the samples with libtsk; raises `FastRefusedError` where one differs."""
        for batch in self.sample.kept:
            row = next(file_entries(batch))
            path = row.location.raw_path or row.location.path.encode()
            theirs = list(self._inode(path, int(row.location.meta), allocated=True))
            if theirs != [row]:
                raise FastRefusedError(f"libtsk reads inode {row.location.meta} otherwise")
        for number, names in [*self.listings.kept, *self.searched.kept]:
            found = [file.info.name for file in self._list(number)]
            listed = [
                (name.name, int(name.meta_addr), int(name.flags) & _NAME_ALLOCATED)
                for name in found
                if name.name not in _DOTS and int(name.meta_addr) <= self.inodes.geometry.inodes
            ]
            ours = [(*pair, _NAME_ALLOCATED) for pair in zip(names.names, names.numbers, strict=True)]
            for at, name, inode, _ in reversed(names.deleted):
                ours.insert(at, (name, inode, 0))
            if listed != ours:
                raise FastRefusedError(f"libtsk lists directory {number} otherwise")
        for problem in self.libtsk.failures():
            raise FastRefusedError(problem.reason)


def ext4_walk(fs: TskFileSystem, medium: Medium, exhibit: str) -> Ext4Walk:
    """A walk of an open ext2/3/4 volume; raises `FastRefusedError` where the volume is not a plain one."""
    geometry = read_geometry(medium, fs.volume.offset, fs.volume.length)
    info = fs.tsk.info
    theirs = int(info.block_size), int(info.last_inum), int(info.root_inum)
    if theirs != (geometry.block_size, geometry.inodes + 1, ROOT):
        raise FastRefusedError("libtsk sees another block size or number of inodes")
    place = Place(exhibit, fs.volume.index, fs.name == "Ext4")
    inodes = Inodes(medium, geometry)
    return Ext4Walk(fs, place, inodes, Directories(inodes), Walk(fs, exhibit))
