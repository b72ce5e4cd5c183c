"""Volumes -> file entries through libtsk: names allocated and deleted, streams, times, contents.

libtsk converts FAT's local times with the zone of the process, so opening a file system sets that zone to UTC.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import pytsk3

from forensics.filesystems._contract import STAGE, FileSystemError
from forensics.filesystems.inodes import META_TYPES, NAME_TYPES, Owner, Times, owner, shown, times
from forensics.filesystems.ntfs_attributes import Stream, read_record
from forensics.media import Medium
from forensics.model import Clock, FileEntry, Location, Problem, Volume
from forensics.volumes import FAT_LABEL_MARK, TSK_FAILURES, MediumImage, libtsk_line, open_type

MAX_DEPTH = 512
MAX_PATH = 1 << 16  # bytes
MAX_VISITS = 16
"""How often one directory is listed: more than one name for it (hard links, deleted names) is rare."""

_NAME_ALLOCATED = 1  # TSK_FS_NAME_FLAG_ALLOC
_META_ALLOCATED = 1  # TSK_FS_META_FLAG_ALLOC
_DIRECTORIES = (2, 11)  # TSK_FS_META_TYPE_DIR, _VIRT_DIR
_TOLD_APART = ("file", "directory", "link")
_ORPHANS = b"$OrphanFiles/"
_SMALLEST_INODE = 128  # bytes, ext2 and UFS 1
_BAD_CLUSTERS = "8"  # MFT record of $BadClus

_LOCAL_TIME = ("FAT12", "FAT16", "FAT32", "exFAT")
_HFS_RESOURCE = int(pytsk3.TSK_FS_ATTR_TYPE_HFS_RSRC)


@dataclass(slots=True)
class TskFileSystem:
    """A file system that libtsk has opened. `zone` is what the examiner declared for local times (FAT), else None."""

    volume: Volume
    name: str
    image: MediumImage
    tsk: pytsk3.FS_Info
    zone: ZoneInfo | None = None
    reader: str = "libtsk"

    @property
    def clock(self) -> Clock:
        """How this file system's times relate to UTC."""
        if self.name not in _LOCAL_TIME:
            return Clock.UTC
        return Clock.UNKNOWN if self.zone is None else Clock.DECLARED

    def missing(self, size: int) -> int:
        """As `FileSystem.missing`; of a volume that is cut, the list of volumes tells."""
        if self.volume.offset + self.volume.length > size:
            return 0
        facts = self.tsk.info
        return max(0, int(facts.last_block) - int(facts.last_block_act)) * int(facts.block_size)

    def walk(self, exhibit: str) -> Iterator[FileEntry | Problem]:
        """As `FileSystem.walk`, in the order of libtsk; files without a name stand under `$OrphanFiles`.

        Directories are entered only where name and inode agree; a name whose inode belongs to another
        file is `reallocated` and carries that inode's size and times. Loops, depths over 512, paths over
        64 KiB and directories with over 16 names are problems. Memory is bounded by the open directories and
        a counter for each directory.
        """
        return Walk(self, exhibit).run()

    def open(self, entry: FileEntry) -> TskContent:
        """As `FileSystem.open`. A reallocated name has no content: what its inode holds belongs to another file.

        A deleted file's content is what stands now in the blocks it had.
        """
        return open_inode(self, entry)


def open_tsk(medium: Medium, volume: Volume, zone: ZoneInfo | None = None) -> TskFileSystem:
    """The file system of a volume `list_volumes` has named; raises `FileSystemError` when it does not open.

    `zone` is the zone of the clock that wrote a FAT volume. Sets the process's zone to UTC.
    """
    if os.environ.get("TZ") != "UTC":
        os.environ["TZ"] = "UTC"
        time.tzset()
    if not volume.filesystem:
        raise FileSystemError(f"volume {volume.index} has no file system that is read: {volume.problem}")
    image = MediumImage(medium)
    try:
        tsk = open_type(image, volume.offset, volume.filesystem)
    except KeyError:
        raise FileSystemError(f"volume {volume.index}: {volume.filesystem} is no file system we know") from None
    except TSK_FAILURES as error:
        raise FileSystemError(
            f"volume {volume.index}: {volume.filesystem} does not open: {libtsk_line(error)}"
        ) from error
    return TskFileSystem(volume, volume.filesystem, image, tsk, zone)


@dataclass(slots=True)
class _Directory:
    """A directory being listed: its names still to come, and its path as bytes with "/" at the end."""

    address: int
    path: bytes
    names: Iterator[pytsk3.File]


@dataclass(frozen=True, slots=True)
class _Plain:
    """What all streams of one name share."""

    path: bytes
    meta: str
    kind: str
    allocated: bool
    reallocated: bool


@dataclass(slots=True)
class Walk:
    """A walk through libtsk: of the whole file system, or of single names for a reader that knows the others."""

    fs: TskFileSystem
    exhibit: str
    stack: list[_Directory] = field(default_factory=list)
    on_path: set[int] = field(default_factory=set)
    visits: dict[int, int] = field(default_factory=dict)

    def run(self) -> Iterator[FileEntry | Problem]:
        """Every name, depth first, and what could not be read: see `TskFileSystem.walk`."""
        root = int(self.fs.tsk.info.root_inum)
        yield from self._descend(root, b"")
        yield from self._drain(0)
        yield from self.failures()

    def below(self, directory: int, path: bytes, name: pytsk3.File) -> Iterator[FileEntry | Problem]:
        """One name out of libtsk's listing of a directory (`path` ends with "/" or is empty), and all below it."""
        here = _Directory(directory, path, iter(()))
        floor = len(self.stack)
        try:
            yield from self._name(here, name)
        except TSK_FAILURES as error:
            yield self._problem(path, f"a name in this directory cannot be read: {libtsk_line(error)}")
        yield from self._drain(floor)

    def alone(self, directory: int, path: bytes, name: pytsk3.File) -> list[FileEntry]:
        """The entries of one name, without what is below it; raises what pytsk3 raises."""
        floor = len(self.stack)
        found = list(self._name(_Directory(directory, path, iter(())), name))
        while len(self.stack) > floor:
            self._leave()
        return [one for one in found if isinstance(one, FileEntry)]

    def inside(self, directory: int, path: bytes) -> Iterator[FileEntry | Problem]:
        """All that is below a directory; `path` ends with "/"."""
        floor = len(self.stack)
        yield from self._descend(directory, path)
        yield from self._drain(floor)

    def inode(self, path: bytes, number: int, *, allocated: bool) -> Iterator[FileEntry]:
        """What libtsk says of one inode under a name the caller knows; raises what pytsk3 raises."""
        file = self.fs.tsk.open_meta(inode=number)
        kind = META_TYPES.get(int(file.info.meta.type), "unknown")
        yield from self._other_entries(_Plain(path, str(number), kind, allocated, False), file)

    def _drain(self, floor: int) -> Iterator[FileEntry | Problem]:
        while len(self.stack) > floor:
            directory = self.stack[-1]
            try:
                entry = next(directory.names)
            except StopIteration:
                self._leave()
                continue
            except TSK_FAILURES as error:
                yield self._problem(directory.path, f"the directory cannot be read to its end: {libtsk_line(error)}")
                self._leave()
                continue
            try:
                yield from self._name(directory, entry)
            except TSK_FAILURES as error:
                yield self._problem(directory.path, f"a name in this directory cannot be read: {libtsk_line(error)}")

    def _leave(self) -> None:
        self.on_path.discard(self.stack.pop().address)

    def failures(self) -> Iterator[Problem]:
        """What the medium could not give, once."""
        for line in self.fs.image.failures:
            yield self._problem(b"", line)
        self.fs.image.failures.clear()

    def _problem(self, path: bytes, reason: str, meta: str = "") -> Problem:
        return Problem(self._location(path.rstrip(b"/"), meta), STAGE, reason)

    def _location(self, path: bytes, meta: str = "", stream: str = "") -> Location:
        text, raw = shown(path)
        return Location(self.exhibit, self.fs.volume.index, text, raw, meta, stream)

    def _name(self, directory: _Directory, file: pytsk3.File) -> Iterator[FileEntry | Problem]:
        found = file.info.name
        name: bytes = found.name or b""
        # The root of NTFS lists itself: its own data streams stand as ".:name", as fls prints them.
        own_root = name == b"." and not directory.path and self.fs.name == "NTFS"
        if name in (b".", b"..") and not own_root:
            return
        file, meta, agrees = self._inode(file, found)
        address = int(found.meta_addr)
        path = directory.path + name
        if len(path) > MAX_PATH:
            yield self._problem(path[:200], f"a path of {len(path)} bytes is not followed", str(address))
            return
        kind = META_TYPES.get(int(meta.type)) if meta is not None else None
        kind = kind or NAME_TYPES.get(int(found.type), "unknown")
        if name.endswith(FAT_LABEL_MARK) and self.fs.name in _LOCAL_TIME:
            kind = "virtual"
        allocated = bool(int(found.flags) & _NAME_ALLOCATED)
        plain = _Plain(path, str(address) if address or meta is not None else "", kind, allocated, not agrees)
        if meta is None:
            yield self._entry(plain, Times(), Owner(), Stream(b"", 0, ""))
        elif self.fs.name == "NTFS":
            yield from self._ntfs_entries(plain, file, found, own_root=own_root)
        else:
            yield from self._other_entries(plain, file)
        if meta is not None and agrees and not own_root and int(meta.type) in _DIRECTORIES:
            yield from self._descend(address, path + b"/")

    def _inode(
        self, file: pytsk3.File, name: pytsk3.TSK_FS_NAME
    ) -> tuple[pytsk3.File, pytsk3.TSK_FS_META | None, bool]:
        """The file with its inode, the inode (or None), and whether name and inode belong together."""
        allocated = bool(int(name.flags) & _NAME_ALLOCATED)
        meta = file.info.meta
        if meta is not None:
            live = bool(int(meta.flags) & _META_ALLOCATED)
            return file, meta, allocated or (not live and not _another_type(name, meta))
        address = int(name.meta_addr)
        if not address and self.fs.name != "NTFS":
            return file, None, True
        try:
            file = self.fs.tsk.open_meta(inode=address)
        except TSK_FAILURES:
            return file, None, True  # the name stands alone: its inode cannot be read
        meta = file.info.meta
        if meta is None:
            return file, None, True
        # libtsk makes up the names below $OrphanFiles, with a sequence number of its own for every inode.
        orphan = int(name.par_addr) == int(self.fs.tsk.info.last_inum) and not int(meta.flags) & _META_ALLOCATED
        return file, meta, meta is None or orphan or _same_record(name, meta, allocated)

    def _other_entries(self, plain: _Plain, file: pytsk3.File) -> Iterator[FileEntry]:
        meta = file.info.meta
        at, who = times(meta, self.fs.zone if self.fs.clock is Clock.DECLARED else None), owner(meta)
        yield self._entry(plain, at, who, Stream(b"", int(meta.size), ""))
        if self.fs.name not in ("HFS+", "HFSX"):
            return
        for attribute in file:
            info = attribute.info
            if int(info.type) == _HFS_RESOURCE and int(info.size):
                fork = Stream(b"rsrc", int(info.size), f"{int(info.type)}-{int(info.id)}")
                yield self._entry(plain, at, who, fork)

    def _ntfs_entries(
        self, plain: _Plain, file: pytsk3.File, name: pytsk3.TSK_FS_NAME, *, own_root: bool
    ) -> Iterator[FileEntry]:
        """One entry a data or index stream, as fls lists them; the plain file where there is none."""
        meta = file.info.meta
        record = read_record(file, int(name.par_addr), plain.path.rpartition(b"/")[2])
        at = record.times or times(meta, None)
        who = owner(meta)
        if own_root:
            streams = [stream for stream in record.streams if stream.name]
        else:
            streams = list(record.streams) or [Stream(b"", int(meta.size), "")]
        for stream in streams:
            yield self._entry(plain, at, who, stream)

    def _entry(self, plain: _Plain, at: Times, who: Owner, stream: Stream) -> FileEntry:
        path = plain.path + b":" + stream.name if stream.name else plain.path
        # $Bad is as long as the volume and maps its bad clusters: there is nothing in it to read.
        bad_map = stream.name == b"$Bad" and plain.meta == _BAD_CLUSTERS and self.fs.name == "NTFS"
        return FileEntry(
            self._location(path, plain.meta, shown(stream.name)[0]),
            "virtual" if bad_map else plain.kind,
            plain.allocated,
            stream.size,
            at.modified,
            at.accessed,
            at.changed,
            at.created,
            at.extra,
            self.fs.clock,
            plain.reallocated,
            stream.attribute,
            who.mode,
            who.uid,
            who.gid,
            who.link_target,
        )

    def _claims_too_many_inodes(self) -> bool:
        """A flipped inode count makes libtsk look at billions of inodes that are not there."""
        fs = self.fs
        room = fs.image.get_size() - fs.volume.offset
        return fs.name.startswith(("Ext", "UFS")) and int(fs.tsk.info.last_inum) * _SMALLEST_INODE > room

    def _descend(self, address: int, path: bytes) -> Iterator[Problem]:
        meta = str(address)
        if address in self.on_path:
            yield self._problem(path, "the directory is inside itself: it is not listed again", meta)
            return
        visits = self.visits[address] = self.visits.get(address, 0) + 1
        if visits > MAX_VISITS:
            if visits == MAX_VISITS + 1:
                yield self._problem(path, f"the directory has over {MAX_VISITS} names: no more are followed", meta)
            return
        if path == _ORPHANS and self._claims_too_many_inodes():
            yield self._problem(path, "the superblock claims more inodes than fit: no search for orphans", meta)
            return
        if len(self.stack) >= MAX_DEPTH:
            yield self._problem(path, f"directories nested over {MAX_DEPTH} deep are not listed", meta)
            return
        try:
            names = iter(self.fs.tsk.open_dir(inode=address))
        except TSK_FAILURES as error:
            yield self._problem(path, f"the directory cannot be listed: {libtsk_line(error)}", meta)
            return
        self.on_path.add(address)
        self.stack.append(_Directory(address, path, names))


def _another_type(name: pytsk3.TSK_FS_NAME, meta: pytsk3.TSK_FS_META) -> bool:
    """Whether the directory says one type and the inode another: then the inode was used again."""
    said, found = NAME_TYPES.get(int(name.type)), META_TYPES.get(int(meta.type))
    return said != found and said in _TOLD_APART and found in _TOLD_APART


def _same_record(name: pytsk3.TSK_FS_NAME, meta: pytsk3.TSK_FS_META, allocated: bool) -> bool:
    """Whether an NTFS record that pytsk3 withheld is still this name's.

    Withheld is a record whose sequence number is not the name's. Deleting a file raises the number by
    one, so for a deleted name that one is its own record.
    """
    live = bool(int(meta.flags) & _META_ALLOCATED)
    if allocated or live:
        return False
    sequence = int(name.meta_seq)
    return not sequence or int(meta.seq) in (sequence, sequence + 1)


@dataclass(frozen=True, slots=True)
class TskContent:
    """The bytes of one entry: `size` bytes; `read_at` is not thread-safe."""

    size: int
    _file: pytsk3.File
    _type: int | None
    _id: int

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from byte `offset`; short only at the end; raises `FileSystemError`."""
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        try:
            data: bytes = (
                self._file.read_random(offset, length)
                if self._type is None
                else self._file.read_random(offset, length, self._type, self._id)
            )
        except TSK_FAILURES as error:
            raise FileSystemError(
                f"bytes {offset} to {offset + length} cannot be read: {libtsk_line(error)}"
            ) from error
        if len(data) < length:
            raise FileSystemError(f"the content ends at byte {offset + len(data)}, before its {self.size} bytes")
        return data


def open_inode(fs: TskFileSystem, entry: FileEntry) -> TskContent:
    """As `TskFileSystem.open`."""
    if entry.reallocated:
        raise FileSystemError("the inode of this name now belongs to another file: its content is not this file's")
    if not entry.location.meta:
        raise FileSystemError("the name has no inode, so no content")
    kind, _, number = entry.attribute.partition("-")
    try:
        file = fs.tsk.open_meta(inode=int(entry.location.meta))
    except TSK_FAILURES as error:
        raise FileSystemError(f"inode {entry.location.meta} cannot be opened: {libtsk_line(error)}") from error
    return TskContent(entry.size, file, int(kind) if kind else None, int(number) if number else -1)
