"""The directories of TIFF 6.0, as TIFF files and Exif have them: tags to values, bounded, loops refused."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from forensics.parsers._lines import shown

Value = str | bytes | tuple[Fraction | None, ...]
"""Text, bytes, or numbers; None for a fraction over zero."""

_ENTRIES_LIMIT = 1024
_VALUE_LIMIT = 64 * 1024
_DIRECTORIES_LIMIT = 64
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}
_BYTE, _TEXT, _UNDEFINED, _UTF8 = 1, 2, 7, 129
_FRACTIONS = {5: "I", 10: "i"}


class Part(NamedTuple):
    """A stretch of a file and how to read it: `read_at(offset, length)` counts from its start."""

    start: int
    length: int
    read_at: Callable[[int, int], bytes]

    def read(self, offset: int, length: int) -> bytes:
        """Up to `length` bytes from `offset` of the part."""
        return self.read_at(self.start + offset, max(0, min(length, self.length - offset)))


class Tiff:
    """Reads directories of one TIFF structure; what is wrong with them is gathered in `problems`."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._seen: set[int] = set()
        self.problems: list[str] = []
        head = part.read(0, 8)
        self._order = {b"II*\0": "<", b"MM\0*": ">"}.get(head[:4], "")
        if not self._order or len(head) < 8:
            self.problems.append(f"no TIFF header: it starts with {head[:4].hex() or 'nothing'}")
        self.first = struct.unpack(f"{self._order}I", head[4:8])[0] if not self.problems else 0

    def directory(self, offset: int, wanted: dict[int, str]) -> tuple[dict[int, Value], int]:
        """The values of the `wanted` tags (number -> name) and where the next directory is, 0 for none."""
        if not offset:
            return {}, 0
        if offset in self._seen or len(self._seen) >= _DIRECTORIES_LIMIT:
            self.problems.append(f"the directory at {offset:,} was read before: the directories form a loop")
            return {}, 0
        self._seen.add(offset)
        count = int.from_bytes(self._part.read(offset, 2), "little" if self._order == "<" else "big")
        data = self._part.read(offset + 2, 12 * min(count, _ENTRIES_LIMIT) + 4)
        if count > _ENTRIES_LIMIT or len(data) < 12 * count:
            self.problems.append(
                f"the directory at {offset:,} says it has {count:,} entries, {len(data) // 12:,} are read"
            )
        found: dict[int, Value] = {}
        for place in range(0, min(12 * count, len(data) - 11), 12):
            tag, kind, length = struct.unpack_from(f"{self._order}HHI", data, place)
            if tag in wanted and tag not in found:
                value = self._value(wanted[tag], kind, length, data[place + 8 : place + 12])
                if value is not None:
                    found[tag] = value
        following = data[12 * count : 12 * count + 4]
        return found, struct.unpack(f"{self._order}I", following)[0] if len(following) == 4 else 0

    def _value(self, name: str, kind: int, count: int, inside: bytes) -> Value | None:
        size = _SIZES.get(kind, 0) * count
        if not size:
            if count:
                self.problems.append(f"{name} has the unknown type {kind}")
            return None
        data = inside[:size]
        if size > 4:
            place = struct.unpack(f"{self._order}I", inside)[0]
            data = self._part.read(place, min(size, _VALUE_LIMIT))
            if len(data) < min(size, _VALUE_LIMIT):
                self.problems.append(f"{name} is said to be {size:,} bytes at {place:,}, which are not there")
        return self._decoded(kind, data)

    def _decoded(self, kind: int, data: bytes) -> Value:
        if kind in (_TEXT, _UTF8):
            return data.partition(b"\0")[0].decode("utf-8", "backslashreplace").strip()
        if kind == _UNDEFINED or (kind == _BYTE and len(data) > 1):
            return data
        if kind in _FRACTIONS:
            numbers = struct.unpack(f"{self._order}{len(data) // 8 * 2}{_FRACTIONS[kind]}", data[: len(data) // 8 * 8])
            pairs = zip(numbers[::2], numbers[1::2], strict=True)
            return tuple(Fraction(above, below) if below else None for above, below in pairs)
        count = len(data) // _SIZES[kind]
        values = struct.unpack(f"{self._order}{count}{_FORMATS[kind]}", data[: count * _SIZES[kind]])
        return tuple(Fraction(value) if value - value == 0 else None for value in values)


def text_of(value: Value | None) -> str:
    """A value as a field: texts as they are, bytes in hexadecimal, numbers in decimal with spaces between them."""
    if isinstance(value, bytes):
        return value[:256].hex()
    if isinstance(value, str) or value is None:
        return value or ""
    return shown(" ".join("" if number is None else decimal(number) for number in value[:64]), 400)


def decimal(number: Fraction) -> str:
    """A fraction in decimal, without an exponent, to at most seven digits after the point."""
    text = f"{float(number):.7f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
