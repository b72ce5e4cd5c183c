"""What a parser is given and what it promises, for every artefact format alike."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from forensics.model import Artefact, Location, Problem

HEAD_BYTES = 4096
"""How many bytes from the start of a file `Parser.accepts` may judge by."""


class _FileStream(io.RawIOBase):
    """A `ParserInput` as a seekable stream of bytes."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        if start + offset < 0:
            raise OSError("cannot seek before the start of the file")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        data = self._source.read_at(self._position, len(buffer))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _nothing(_: str) -> None:
    """No file is beside this one."""


@dataclass(frozen=True, slots=True)
class ParserInput:
    """One file of the evidence, for a parser to read.

    `name` is the file's own name for show (`location.path` is the whole path), `size` its length in
    bytes. `read_at(offset, length)` gives up to `length` bytes, short only at the end; what it raises
    when the evidence cannot be read goes through the parser unchanged. `zone` is the one the examiner
    declared for local times, or None. `reference_time` is the file's own modified time in nanoseconds
    UTC, or None: the year of dates written without one is inferred from it, never from a host's clock.
    `beside(name)` gives the file of that name in the same folder, as far as it is at hand, else None.
    """

    name: str
    size: int
    read_at: Callable[[int, int], bytes]
    location: Location
    zone: ZoneInfo | None = None
    reference_time: int | None = None
    beside: Callable[[str], ParserInput | None] = _nothing

    def open(self) -> io.BufferedReader:
        """The file as a buffered, seekable stream for libraries that want one."""
        return io.BufferedReader(_FileStream(self))

    def at(self, offset: int, length: int) -> Location:
        """The `length` bytes from `offset` of this file, as a location."""
        return Location(*self.location[:6], offset, length)  # `_replace` takes three times as long


class Watched:
    """Reads a file for a library, and keeps what that raises: libraries make errors of their own of it, or none."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self.error: Exception | None = None

    def read_at(self, offset: int, length: int) -> bytes:
        """As `ParserInput.read_at`."""
        try:
            return self._source.read_at(offset, length)
        except Exception as error:
            self.error = error
            raise


class Parser(Protocol):
    """Reads one artefact format. Pure: it sees bytes and gives values."""

    @property
    def name(self) -> str:
        """The format, as `Artefact.parser` says it."""

    @property
    def version(self) -> str:
        """Changes whenever the same bytes may give other artefacts."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Every `Artefact.kind` this parser can give."""

    def accepts(self, head: bytes, name: str) -> bool:
        """Whether a file looks like this format: by its first `HEAD_BYTES` first, by `name` as a hint."""

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Artefacts and problems in the order they stand in the file.

        Any bytes give artefacts or problems, never an exception of the parser's own, in memory that
        does not grow with the file.
        """
