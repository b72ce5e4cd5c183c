"""Compressed files as the bytes they hold: bounded output, bounded memory, nothing written anywhere.

gzip (RFC 1952), xz (The .xz File Format 1.1.0) and bzip2, each also as several streams one after the other.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from forensics.model import Problem
from forensics.parsers._contract import HEAD_BYTES, ParserInput

OUTPUT_LIMIT = 4 << 30
"""Decompressed bytes of one file that are read at most."""

RATIO_LIMIT = 1000
"""Decompressed bytes for each byte of the file that are read at most; what is above is made to be a burden."""

ALWAYS_READ = 64 << 20
"""Decompressed bytes that are read whatever the ratio: xz makes little of a log that repeats one line."""

_MEMORY_LIMIT = 128 << 20  # of an xz stream; `xz -9` wants 65 MiB, a header may claim 4 GiB
_BUFFER = 256 * 1024
_PIECE = 16 * 1024
_OUTPUT = 64 * 1024
WINDOW = 4 << 20
"""Bytes kept behind the place last read: line readers look ahead by one block of 1 MiB and come back."""


ReadAt = Callable[[int, int], bytes]
"""`read_at(offset, length)`: bytes, short only at the end."""


class _Decoder(Protocol):
    """What `bz2.BZ2Decompressor` and `lzma.LZMADecompressor` have in common."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipDecoder:
    """zlib's decompressor with the manners of the other two."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        found = self._zlib.decompress(self._zlib.unconsumed_tail + data, max_length)
        self.needs_input = len(found) < max_length and not self._zlib.unconsumed_tail
        return found


class Compression(NamedTuple):
    """One way of compressing: how it starts, how its files are named, what undoes it.

    `whole_blocks`: nothing comes out before a whole block (of up to 900,000 bytes) has gone in.
    """

    name: str
    magic: bytes
    suffix: str
    decoder: Callable[[], _Decoder]
    whole_blocks: bool = False

    def inner_name(self, name: str) -> str:
        """The name without the suffix: "auth.log.2.gz" held "auth.log.2"."""
        return name[: -len(self.suffix)] if name.lower().endswith(self.suffix) else name


COMPRESSIONS = (
    Compression("gzip", b"\x1f\x8b\x08", ".gz", _GzipDecoder),
    Compression("xz", b"\xfd7zXZ\0", ".xz", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, _MEMORY_LIMIT)),
    Compression("bzip2", b"BZh", ".bz2", bz2.BZ2Decompressor, whole_blocks=True),
)

_DAMAGE = (zlib.error, lzma.LZMAError, OSError, ValueError)
"""What decoders raise for damaged bytes (bz2: OSError). Caught around the decoder alone, never around a reading."""


def compression_of(head: bytes) -> Compression | None:
    """By the first bytes of a file."""
    return next((found for found in COMPRESSIONS if head.startswith(found.magic)), None)


class _Input:
    """The compressed bytes in order, from a buffer."""

    def __init__(self, read_at: ReadAt) -> None:
        self._read_at = read_at
        self._buffer = b""
        self._used = 0
        self.position = 0

    def peek(self, length: int) -> bytes:
        """The next `length` bytes, fewer only at the end of the file."""
        if len(self._buffer) - self._used < length:
            rest = self._buffer[self._used :]
            self._buffer, self._used = rest + self._read_at(self.position + len(rest), _BUFFER), 0
        return self._buffer[self._used : self._used + length]

    def skip(self, length: int) -> None:
        self._used += length
        self.position += length


class Reading:
    """One way through a compressed file, from its start to its end or to the first damage.

    A decoder that meets damage takes what it had already decompressed of that piece with it: read again with
    the pieces from `careful_from` on of one byte each, nothing before the damage is lost.
    """

    def __init__(self, read_at: ReadAt, compression: Compression, careful_from: int | None = None) -> None:
        self._input = _Input(read_at)
        self._compression = compression
        self._careful_from = careful_from
        self.damaged_at: int | None = None
        self.problem = ""

    def blocks(self) -> Iterator[bytes]:
        """Decompressed bytes, 64 KiB at most at a time."""
        yield from self._stream()
        while not self.problem and self._another_follows():
            yield from self._stream()

    def _stream(self) -> Iterator[bytes]:
        decoder = self._compression.decoder()
        while not decoder.eof:
            piece = self._piece() if decoder.needs_input else b""
            if decoder.needs_input and not piece:
                self.problem = "the file ends before its compressed stream does"
                return
            try:
                found = decoder.decompress(piece, _OUTPUT)
            except _DAMAGE as error:
                self.damaged_at = self._input.position
                self.problem = f"the compressed stream is damaged from about byte {self.damaged_at:,} on ({error})"
                return
            self._input.skip(len(piece) - (len(decoder.unused_data) if decoder.eof else 0))
            if found:
                yield found

    def _piece(self) -> bytes:
        careful = self._careful_from is not None and self._input.position >= self._careful_from
        return self._input.peek(1 if careful else _PIECE)

    def _another_follows(self) -> bool:
        """Whether a further stream starts here, after padding with NUL bytes."""
        while piece := self._input.peek(_PIECE):
            padding = len(piece) - len(piece.lstrip(b"\0"))
            self._input.skip(padding)
            if padding < len(piece):
                break
        if self._input.peek(len(self._compression.magic)) == self._compression.magic:
            return True
        if self._input.peek(1):
            self.problem = f"what stands from byte {self._input.position:,} on is no compressed stream"
        return False


def first_bytes(read_at: ReadAt, compression: Compression) -> bytes:
    """The first decompressed `HEAD_BYTES`, or as much as there is before the end or the first damage."""
    careful_from = None
    while True:
        reading, found = Reading(read_at, compression, careful_from), b""
        for block in reading.blocks():
            found += block
            if len(found) >= HEAD_BYTES:
                return found[:HEAD_BYTES]
        if reading.damaged_at is None or careful_from is not None:
            return found
        careful_from = reading.damaged_at


class Decompressed:
    """The bytes a compressed file holds, readable at any place.

    `size` is their number as far as they are read, `problem` why that is not all ("" when it is). Reading
    onward costs what it reads; going back by more than 4 MiB starts over.
    """

    def __init__(self, source: ParserInput, compression: Compression) -> None:
        self._source = source
        self._compression = compression
        self._careful_from: int | None = None
        self.size, self.problem = self._measure()
        self._start_over()

    def _reading(self) -> Reading:
        return Reading(self._source.read_at, self._compression, self._careful_from)

    def _measure(self) -> tuple[int, str]:
        limit = min(OUTPUT_LIMIT, max(ALWAYS_READ, RATIO_LIMIT * self._source.size))
        reading, size = self._reading(), 0
        for block in reading.blocks():
            size += len(block)
            if size > limit:
                return limit, f"it holds more than the {limit:,} bytes that are read of a file of its size"
        if reading.damaged_at is not None and self._careful_from is None:
            self._careful_from = reading.damaged_at
            return self._measure()
        return size, reading.problem

    def _start_over(self) -> None:
        self._blocks = self._reading().blocks()
        self._window = bytearray()
        self._start = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """Decompressed bytes; short only at the end. What the evidence raises goes through."""
        end = min(offset + length, self.size)
        if offset < self._start:
            self._start_over()
        while self._start + len(self._window) < end:
            block = next(self._blocks, b"")
            if not block:
                break
            self._window += block
            surplus = min(offset - self._start, len(self._window) - WINDOW)
            if surplus > 0:
                del self._window[:surplus]
                self._start += surplus
        return bytes(self._window[offset - self._start : max(end, offset) - self._start])

    def problems(self, stage: str) -> Iterator[Problem]:
        """Why not everything was read, if so."""
        if self.problem:
            reason = f"{self._compression.name}: {self.problem}; {self.size:,} decompressed bytes were read"
            yield Problem(self._source.location, stage, reason)
