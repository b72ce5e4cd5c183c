"""Zip64 archives written in one direction, deflated by ISA-L: nothing is patched, so nothing has to be sought.

Source: APPNOTE.TXT 6.3.10 (PKWARE). A member of more than one block is followed by its sizes (a data descriptor).
What will be the central directory lies in a nameless file meanwhile: memory does not grow with the members.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from isal import igzip_lib, isal_zlib

from forensics.acquire.patient import AcquisitionError

STORED, DEFLATED = 0, 8
_VERSION, _UTF8, _FOLLOWS = 45, 1 << 11, 1 << 3
_DATE = 1 << 5 | 1  # 1980-01-01: the times stand in the description of the files, in UTC
_COPY = 1 << 20


class ZipWriter:
    """An archive under way. `append` takes its bytes in order."""

    def __init__(self, append: Callable[[bytes], None], folder: Path) -> None:
        """`folder` is where the nameless file is made."""
        self._append, self._at, self._count = append, 0, 0
        self._directory = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._directory.close()

    def _put(self, data: bytes) -> None:
        self._append(data)
        self._at += len(data)

    def member(self, name: str, blocks: Iterable[bytes]) -> None:
        """Write one member of these contents."""
        first, others = _split(iter(blocks))
        place = self._at
        if others is None:
            packed = bytes(igzip_lib.compress(first, 1, igzip_lib.COMP_DEFLATE))
            method, data = (DEFLATED, packed) if len(packed) < len(first) else (STORED, first)
            sizes = zlib.crc32(first), len(data), len(first)
            self._put(_local(name, method, 0, sizes))
            self._put(data)
            self._list(name, method, 0, sizes, place)
            return
        self._put(_local(name, DEFLATED, _FOLLOWS, (0, 0, 0)))
        sizes = self._stream(first, others)
        self._put(struct.pack("<IIQQ", 0x08074B50, *sizes))
        self._list(name, DEFLATED, _FOLLOWS, sizes, place)

    def _stream(self, first: bytes, others: Iterator[bytes]) -> tuple[int, int, int]:
        deflater = isal_zlib.compressobj(1, isal_zlib.DEFLATED, -15)
        crc, size, begin = 0, 0, self._at
        for block in _joined(first, others):
            crc, size = zlib.crc32(block, crc), size + len(block)
            self._put(deflater.compress(block))
        self._put(deflater.flush())
        return crc, self._at - begin, size

    def _list(self, name: str, method: int, flags: int, sizes: tuple[int, int, int], place: int) -> None:
        raw, (crc, packed, size) = name.encode(), sizes
        extra = struct.pack("<HHQQQ", 1, 24, size, packed, place)
        head = struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, _VERSION, _VERSION, flags | _UTF8, method, 0, _DATE, crc,
            0xFFFFFFFF, 0xFFFFFFFF, len(raw), len(extra), 0, 0, 0, 0, 0xFFFFFFFF,
        )  # fmt: skip
        self.keep(self._directory, head + raw + extra)
        self._count += 1

    @staticmethod
    def keep(file: IO[bytes], data: bytes) -> None:
        """Write into one of the nameless files beside the archive. Raises `AcquisitionError` where there is no room."""
        try:
            file.write(data)
        except OSError as error:
            raise AcquisitionError(f"the place of the container is out of room: {error.strerror}") from error

    def finish(self, comment: bytes) -> None:
        """Write the central directory and the end of the archive."""
        begin = self._at
        self._directory.seek(0)
        while block := self._directory.read(_COPY):
            self._put(block)
        length, end = self._at - begin, self._at
        whole = (self._count, self._count, length, begin)
        self._put(struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, _VERSION, _VERSION, 0, 0, *whole))
        self._put(struct.pack("<IIQI", 0x07064B50, 0, end, 1))
        tail = (0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, len(comment))
        self._put(struct.pack("<IHHHHIIH", 0x06054B50, *tail) + comment)


def _local(name: str, method: int, flags: int, sizes: tuple[int, int, int]) -> bytes:
    raw, (crc, packed, size) = name.encode(), sizes
    extra = struct.pack("<HHQQ", 1, 16, size, packed)
    lengths = (0xFFFFFFFF, 0xFFFFFFFF, len(raw), len(extra))
    head = struct.pack("<IHHHHHIIIHH", 0x04034B50, _VERSION, flags | _UTF8, method, 0, _DATE, crc, *lengths)
    return head + raw + extra


def _split(blocks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes] | None]:
    """The first block, and the others where there are any."""
    first = next(blocks, b"")
    second = next(blocks, None)
    return first, None if second is None else _joined(second, blocks)


def _joined(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others
