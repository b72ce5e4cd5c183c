"""Volumes -> file entries: names, times, contents. One reader a file; libtsk reads all that no other is for.

The libraries spin or crash on some hostile volumes: call these where they can be killed. One `FileSystem` belongs to
one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from zoneinfo import ZoneInfo

from forensics.filesystems import apfs, libtsk, xfs
from forensics.filesystems._contract import Content, FileSystem, FileSystemError
from forensics.media import Medium
from forensics.model import FileEntry, Problem, Volume

__all__ = ["Content", "FileSystem", "FileSystemError", "open_entry", "open_filesystem", "read_entry", "walk"]

READERS: Mapping[str, Callable[[Medium, Volume], FileSystem]] = {
    "APFS": apfs.open_apfs,
    "XFS": xfs.open_xfs,
}
"""What other libraries read, by the name in `Volume.filesystem`."""


def open_filesystem(medium: Medium, volume: Volume, zone: ZoneInfo | None = None) -> FileSystem:
    """The file system of a volume that was listed; raises `FileSystemError` when it does not open.

    `zone` is the zone of the clock that wrote a FAT volume. libtsk sets the process's zone to UTC.
    """
    if volume.filesystem in READERS:
        return READERS[volume.filesystem](medium, volume)
    return libtsk.open_tsk(medium, volume, zone)


def walk(fs: FileSystem, exhibit: str) -> Iterator[FileEntry | Problem]:
    """Every name of the file system, as `FileSystem.walk` gives it."""
    return fs.walk(exhibit)


def open_entry(fs: FileSystem, entry: FileEntry) -> Content:
    """The content of an entry `walk` gave for this file system; raises `FileSystemError`."""
    return fs.open(entry)


def read_entry(fs: FileSystem, entry: FileEntry, offset: int, length: int) -> bytes:
    """`open_entry` and one `read_at`: for a single look; raises `FileSystemError`."""
    return open_entry(fs, entry).read_at(offset, length)
