"""What every reader of a file system gives: its names, and the contents of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from forensics.model import Clock, ExaminationError, FileEntry, Problem, Volume

STAGE = "files"


class FileSystemError(ExaminationError):
    """A file system, or a file's content, cannot be read: one clear line."""


class Content(Protocol):
    """The bytes of one entry: `size` bytes; `read_at` is not thread-safe."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from byte `offset`; short only at the end; raises `FileSystemError`."""
        ...


class FileSystem(Protocol):
    """An open file system. `name` is its own name (NTFS, APFS), `reader` the library that reads it."""

    @property
    def volume(self) -> Volume: ...

    @property
    def name(self) -> str: ...

    @property
    def reader(self) -> str: ...

    @property
    def clock(self) -> Clock:
        """How this file system's times relate to UTC."""
        ...

    def missing(self, size: int) -> int:
        """Bytes that the file system says it has behind the end of its medium of `size` bytes."""
        ...

    def walk(self, exhibit: str) -> Iterator[FileEntry | Problem]:
        """Every name, depth first, and what could not be read; never raises for bad bytes.

        Paths have no leading "/"; streams are `file:stream`. Loops and what is beyond the limits are problems.
        """
        ...

    def open(self, entry: FileEntry) -> Content:
        """The content of an entry `walk` gave; raises `FileSystemError`."""
        ...
