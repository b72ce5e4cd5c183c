"""File systems that a libyal library reads (libfsapfs, libfsxfs): names, times, contents, extended attributes.

These libraries list what is there: deleted names are not found. Extended attributes stand as streams, `file:name`.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from forensics.filesystems._contract import STAGE, FileSystemError
from forensics.filesystems.inodes import Times, shown
from forensics.media import MediumError
from forensics.media import libyal_reason as reason
from forensics.model import Clock, FileEntry, Location, Problem, Volume
from forensics.volumes.views import VolumeFile

MAX_DEPTH = 512
MAX_PATH = 1 << 16  # bytes
MAX_STREAMS = 1000
_STREAM = "xattr-"
_KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket", stat.S_IFCHR: "char", stat.S_IFBLK: "block", 0o160000: "whiteout",
}  # fmt: skip


class Habits(NamedTuple):
    """Where the libraries differ. `number` is an entry's inode, `entry` the entry of one, `times` its times.

    `hidden` are extended attributes that are the file system's own business.
    """

    number: Callable[[Any], int]
    entry: Callable[[int], Any]
    times: Callable[[Any], Times]
    hidden: frozenset[str]
    check_link: Callable[[str], str]
    """What is wrong with a link's target as the library gives it, or ""."""


@dataclass(frozen=True, slots=True)
class LibyalContent:
    """The bytes of a file or of one of its extended attributes."""

    size: int
    _fs: LibyalFileSystem
    _data: Any

    def read_at(self, offset: int, length: int) -> bytes:
        """As `Content.read_at`."""
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        pieces: list[bytes] = []
        while length > 0:
            try:
                data: bytes = self._data.read_buffer_at_offset(length, offset)
            except (OSError, MemoryError, OverflowError) as error:
                raise self._fs.error(f"bytes {offset} to {offset + length} cannot be read", error) from error
            if not data:
                raise FileSystemError(f"the content ends at byte {offset}, before its {self.size} bytes")
            pieces.append(data)
            offset, length = offset + len(data), length - len(data)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@dataclass(slots=True)
class LibyalFileSystem:
    """An open file system. `opened` keeps what the library must not lose: its handles, and the file it reads."""

    volume: Volume
    name: str
    reader: str
    root: Any
    habits: Habits
    file: VolumeFile
    opened: tuple[Any, ...] = ()
    whole: int = 0
    """Bytes of the file system by its own word, 0 where the library does not tell."""
    clock: Clock = Clock.UTC

    def missing(self, size: int) -> int:
        """As `FileSystem.missing`; of a volume that is cut, the list of volumes tells."""
        return 0 if self.volume.offset + self.volume.length > size else max(0, self.whole - self.volume.length)

    def error(self, what: str, error: Exception) -> FileSystemError:
        """A library's error as one line; what the medium said, where it was that."""
        failure, self.file.failure = self.file.failure, None
        return FileSystemError(f"{what}: {failure or reason(error)}")

    def walk(self, exhibit: str) -> Iterator[FileEntry | Problem]:
        """As `FileSystem.walk`; the root itself is not listed, its extended attributes are not either."""
        return _Walk(self, exhibit).run()

    def open(self, entry: FileEntry) -> LibyalContent:
        """As `FileSystem.open`."""
        try:
            found = self.habits.entry(int(entry.location.meta))
            if entry.attribute.startswith(_STREAM):
                found = found.get_extended_attribute(int(entry.attribute.removeprefix(_STREAM)))
        except (OSError, ValueError, OverflowError) as error:
            raise self.error(f"inode {entry.location.meta} cannot be opened", error) from error
        return LibyalContent(entry.size, self, found)


class _Open(NamedTuple):
    """A directory being listed, and how far."""

    path: bytes
    number: int
    entry: Any
    names: Iterator[int]


@dataclass(slots=True)
class _Walk:
    fs: LibyalFileSystem
    exhibit: str
    stack: list[_Open] = field(default_factory=list)
    on_path: set[int] = field(default_factory=set)

    def run(self) -> Iterator[FileEntry | Problem]:
        yield from self._descend(self.fs.root, b"")
        while self.stack:
            here = self.stack[-1]
            index = next(here.names, None)
            if index is None:
                self.on_path.discard(self.stack.pop().number)
                continue
            try:
                entry = here.entry.get_sub_file_entry(index)
                yield from self._name(here, entry)
            except (OSError, MemoryError, OverflowError, ValueError) as error:
                yield self._problem(here.path, str(self.fs.error("a name in this directory cannot be read", error)))
        for block in sorted(self.fs.file.damaged):
            yield self._problem(b"", f"block {block} does not have its checksum: what is listed from it may be wrong")

    def _name(self, here: _Open, entry: Any) -> Iterator[FileEntry | Problem]:
        name = (entry.name or "").encode("utf-8", "surrogateescape")
        if name in (b"", b".", b".."):
            return
        path = here.path + name
        number = self.fs.habits.number(entry)
        if len(path) > MAX_PATH:
            yield self._problem(path[:200], f"a path of {len(path)} bytes is not followed", str(number))
            return
        yield from self._entries(path, number, entry)
        if stat.S_ISDIR(entry.file_mode):
            yield from self._descend(entry, path + b"/")

    def _entries(self, path: bytes, number: int, entry: Any) -> Iterator[FileEntry | Problem]:
        mode, at = int(entry.file_mode), self.fs.habits.times(entry)
        kind, target = _KINDS.get(stat.S_IFMT(mode), "unknown"), ""
        if kind == "link":
            target = entry.symbolic_link_target or ""
            if wrong := self.fs.habits.check_link(target):
                yield self._problem(path, wrong, str(number))
                target = ""
        size = int(entry.size) if kind == "file" else 0

        def listed(place: Location, kind: str, size: int, attribute: str) -> FileEntry:
            return FileEntry(
                place, kind, True, size, at.modified, at.accessed, at.changed, at.created, at.extra, self.fs.clock,
                attribute=attribute, mode=mode & 0o7777, uid=int(entry.owner_identifier),
                gid=int(entry.group_identifier), link_target=target,
            )  # fmt: skip

        yield listed(self._location(path, str(number)), kind, size, "")
        for index in range(min(int(entry.number_of_extended_attributes), MAX_STREAMS)):
            found = entry.get_extended_attribute(index)
            if found.name not in self.fs.habits.hidden:
                stream = f"{found.name}".encode("utf-8", "surrogateescape")
                place = self._location(path + b":" + stream, str(number), shown(stream)[0])
                yield listed(place, "file", int(found.size), f"{_STREAM}{index}")

    def _descend(self, entry: Any, path: bytes) -> Iterator[Problem]:
        try:
            number, count = self.fs.habits.number(entry), int(entry.number_of_sub_file_entries)
        except (OSError, MemoryError, OverflowError) as error:
            yield self._problem(path, str(self.fs.error("the directory cannot be listed", error)))
            return
        if number in self.on_path:
            yield self._problem(path, "the directory is inside itself: it is not listed again", str(number))
        elif len(self.stack) >= MAX_DEPTH:
            yield self._problem(path, f"directories nested over {MAX_DEPTH} deep are not listed", str(number))
        else:
            self.on_path.add(number)
            self.stack.append(_Open(path, number, entry, iter(range(count))))

    def _problem(self, path: bytes, line: str, meta: str = "") -> Problem:
        return Problem(self._location(path.rstrip(b"/"), meta), STAGE, line)

    def _location(self, path: bytes, meta: str = "", stream: str = "") -> Location:
        text, raw = shown(path)
        return Location(self.exhibit, self.fs.volume.index, text, raw, meta, stream)


def open_libyal(
    file: VolumeFile, volume: Volume, name: str, opener: Callable[[VolumeFile], LibyalFileSystem]
) -> LibyalFileSystem:
    """What `opener` opens, its failures as `FileSystemError`."""
    try:
        return opener(file)
    except (OSError, MemoryError, OverflowError, MediumError) as error:
        line = f"volume {volume.index}: {name} does not open: {file.failure or reason(error)}"
        raise FileSystemError(line) from error
