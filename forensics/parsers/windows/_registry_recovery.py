"""Keys of a hive that its lists do not lead to: deleted ones, left in free cells, and those cut off by damage.

The layout of cells is that of M. Suhanov's "Windows registry file format specification". A key's path is that of the
cells it names as parents; where such a cell was given to another key since, the path is that one's.
"""

from __future__ import annotations

import re
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from forensics.parsers._contract import ParserInput
from forensics.parsers.windows._registry_keys import Value, data_text

_BASE, _PAGE, _BIN_HEADER = 4096, 4096, 32
_BIN_LIMIT = 16 << 20
_KEY = struct.Struct("<2sHQ4xI16xII28xHH")  # flags, written, parent, number of values, their list, length of the name
_VALUE = struct.Struct("<2sHIIIH")  # length of the name, size and place of the data, type, flags
_SIGNATURE = re.compile(b"nk")
_NAME_LIMIT = 512
_ROOT, _ASCII_KEY, _ASCII_VALUE = 0x04, 0x20, 0x01
_INLINE = 0x80000000
_LOST = "({:,} bytes that could not be recovered)"
_IN_ONE_CELL = 16_344
_VALUES_LIMIT, _DEEPEST = 4096, 64
_FIRST, _LAST = 122_600_000_000_000_000, 159_000_000_000_000_000
"""FILETIMEs between 1989 and 2104: others are taken for no time, and what has them for no key."""


class _Cell(NamedTuple):
    """A key's cell as far as it is needed."""

    name: str
    written: int
    parent: int
    values: int
    list_at: int
    root: bool


class Leftover(NamedTuple):
    """A key no list leads to: `free` says that its cell is, `whole` that its path is known from the root on."""

    path: str
    written: int
    values: dict[str, Value]
    offset: int
    free: bool
    whole: bool


def _text(raw: bytes, ascii_only: bool) -> str:
    return raw.decode("latin-1" if ascii_only else "utf-16-le", "backslashreplace")


class Leftovers:
    """The keys of one hive that were not `reached` (places of their cells in the file)."""

    def __init__(self, source: ParserInput, reached: set[int]) -> None:
        self._source, self._reached = source, reached
        self._starts, self._sizes = array("Q"), array("Q")
        for start, size in _bins(source):
            self._starts.append(start)
            self._sizes.append(size)
        self._cells_at = lru_cache(maxsize=16)(self._cells_of)

    def __iter__(self) -> Iterator[Leftover]:
        for number, start in enumerate(self._starts):
            data = self._source.read_at(start, self._sizes[number])
            places = [start + match.start() for match in _SIGNATURE.finditer(data)]
            for place in places:
                if place % 8 == 4 and place not in self._reached:
                    cell, free = self._cell(number, place)
                    if free or place == cell + 4:
                        yield from self._leftover(place, free)

    def _cells_of(self, number: int) -> tuple[list[int], list[bool]]:
        """Where the cells of a bin begin, and which of them are free."""
        start = self._starts[number]
        found = list(_cells(self._source.read_at(start, self._sizes[number])))
        return [start + at for at, _ in found], [free for _, free in found]

    def _cell(self, number: int, place: int) -> tuple[int, bool]:
        """The cell of a bin that covers a place, and whether it is free."""
        starts, free = self._cells_at(number)
        found = bisect_right(starts, place) - 1
        return (starts[found], free[found]) if found >= 0 else (0, True)

    def _reused(self, place: int) -> bool:
        """Whether a cell in use covers a place: what a deleted key had there is another's now."""
        number = bisect_right(self._starts, place) - 1
        return number >= 0 and not self._cell(number, place)[1]

    def _leftover(self, place: int, free: bool) -> Iterator[Leftover]:
        cell = self._key(place)
        if cell is not None:
            path, whole = self._path(cell)
            yield Leftover(path, cell.written, dict(self._values(cell, free)), place, free, whole)

    def _key(self, place: int) -> _Cell | None:
        """The key of the cell whose contents begin at a place; None where there is none."""
        data = self._source.read_at(place, _KEY.size + _NAME_LIMIT)
        if len(data) < _KEY.size:
            return None
        signature, flags, written, parent, values, list_at, length, _ = _KEY.unpack_from(data)
        name = _text(data[_KEY.size : _KEY.size + length], bool(flags & _ASCII_KEY))
        sound = signature == b"nk" and _FIRST <= written <= _LAST and 0 < length <= _NAME_LIMIT and name.isprintable()
        return _Cell(name, written, parent, values, list_at, bool(flags & _ROOT)) if sound else None

    def _path(self, cell: _Cell) -> tuple[str, bool]:
        parts: list[str] = []
        current: _Cell | None = cell
        while current is not None and not current.root and len(parts) < _DEEPEST:
            parts.append(current.name)
            current = self._key(_BASE + current.parent + 4)
        whole = current is not None and current.root
        return "\\".join([*([] if whole else ["?"]), *reversed(parts)]) or "(root)", whole

    def _contents(self, offset: int, length: int, free: bool) -> bytes:
        """The first bytes in a cell of the bins; none where a deleted key's cell is another's now."""
        place = _BASE + offset + 4
        return b"" if free and self._reused(place) else self._source.read_at(place, length)

    def _values(self, cell: _Cell, free: bool) -> Iterator[tuple[str, Value]]:
        count = min(cell.values, _VALUES_LIMIT)
        listed = self._contents(cell.list_at, 4 * count, free) if count else b""
        for (at,) in struct.iter_unpack("<I", listed[: len(listed) & ~3]):
            data = self._contents(at, _VALUE.size + 2 + _NAME_LIMIT, free)
            if len(data) < _VALUE.size + 2 or not data.startswith(b"vk"):
                continue
            _, length, size, place, kind, flags = _VALUE.unpack_from(data)
            name = _text(data[_VALUE.size + 2 : _VALUE.size + 2 + length], bool(flags & _ASCII_VALUE))
            if size & _INLINE:
                content = data[8 : 8 + min(4, size & ~_INLINE)]
            else:  # more than a cell holds is in pieces, and is not read
                content = self._contents(place, size, free) if size <= _IN_ONE_CELL else b""
            text = data_text(kind, content) if content or not size & ~_INLINE else _LOST.format(size)
            yield name or "(default)", Value(kind, text, content)


def _bins(source: ParserInput) -> Iterator[tuple[int, int]]:
    """Places and sizes of the hive's bins; a page that begins none stands for itself."""
    at = _BASE
    while at < source.size:
        head = source.read_at(at, 12)
        size = int.from_bytes(head[8:12], "little") if head.startswith(b"hbin") else 0
        size = size if size % _PAGE == 0 and 0 < size <= _BIN_LIMIT else _PAGE
        yield at, size
        at += size


def _cells(data: bytes) -> Iterator[tuple[int, bool]]:
    """The cells of a bin, place and whether free; all from an unsound one on is one free cell."""
    at = _BIN_HEADER if data.startswith(b"hbin") else 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "little", signed=True)
        length = abs(size)
        if length < 8 or length % 8 or at + length > len(data):
            yield at, True
            return
        yield at, size > 0
        at += length
