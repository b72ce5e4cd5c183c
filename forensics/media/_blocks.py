"""A medium cut into blocks of one size, each kept somewhere in a file, nowhere, in a parent, or packed.

What QCOW, VMDK, VHD, VHDX and VDI have in common: a format says where a block is, `BlockMedium` reads.
Neighbours in the medium that are neighbours in the file are read at once, and a hole costs no reading.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby

from custody.access import Part
from forensics.media._contract import Medium, MediumError, read_part

HOLE = -1
"""The block is not in this file: its bytes are the parent's, or zeros where there is no parent."""
ZEROS = -2
"""The block's bytes are zeros, whatever a parent says."""
COMPOSED = -3
"""The format puts the block together itself: it is compressed, or partly the parent's."""

_NOTHING = bytes(1 << 20)
_PAGE = 8192  # entries of a table that are read at once
_PAGES = 64
_CACHED_BYTES = 16 << 20
_LARGEST_MEDIUM = 1 << 60  # an exbibyte: larger claims are damage


def read_exactly(part: Part, offset: int, length: int, what: str) -> bytes:
    """Bytes of a part that must be there; raises `MediumError` that says what is cut short."""
    data = read_part(part, offset, length)
    if len(data) < length:
        raise MediumError(
            f"{part.name} is truncated: {what} lies at bytes {offset} to {offset + length}, "
            f"the file ends at {part.size}",
        )
    return data


def zeros(count: int) -> bytes | memoryview:
    """`count` bytes of zeros: up to a MiB nothing is allocated for them."""
    if count >= len(_NOTHING):
        return _NOTHING if count == len(_NOTHING) else bytes(count)
    return memoryview(_NOTHING)[:count]


def numbers(raw: bytes, code: str, big: bool) -> array[int]:
    """`raw` as unsigned numbers: code "I" of four bytes, "Q" of eight."""
    values = array(code, raw)
    if big != (sys.byteorder == "big"):
        values.byteswap()
    return values


class Table:
    """`count` unsigned numbers at `offset` of a part, read by the page when they are asked for."""

    def __init__(self, part: Part, offset: int, count: int, code: str, *, big: bool, what: str) -> None:
        self._width = array(code).itemsize
        if offset + count * self._width > part.size:
            raise MediumError(
                f"{part.name} is truncated: {what} needs {count * self._width} bytes at byte {offset}, "
                f"the file ends at {part.size}",
            )
        self._count = count

        def page(number: int) -> array[int]:
            length = min(_PAGE, count - number * _PAGE) * self._width
            return numbers(read_exactly(part, offset + number * _PAGE * self._width, length, what), code, big)

        self._page: Callable[[int], array[int]] = lru_cache(_PAGES)(page)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, number: int) -> int:
        return self._page(number // _PAGE)[number % _PAGE]


class BlockMedium:
    """The medium of a container of blocks; a format gives `place`, and `compose` where it needs it."""

    def __init__(
        self,
        name: str,
        parts: Sequence[Part],
        size: int,
        block_size: int,
        *,
        data: Part | None = None,
        parent: Medium | None = None,
        sector_size: int = 512,
    ) -> None:
        """`parts` are the container's own files; the blocks lie in `data`, by default in the first of them."""
        self.format = name
        self.parts = (*parts, *(parent.parts if parent is not None else ()))
        self.size, self.sector_size, self.block_size = size, sector_size, block_size
        self.parent = parent
        self._data = data if data is not None else self.parts[0]
        self.stored: Mapping[str, str] = {}
        self.header: dict[str, str] = {}
        self.remarks: list[str] = []
        if not 0 < size <= _LARGEST_MEDIUM:
            raise MediumError(f"{self._data.name} is damaged: it claims a medium of {size} bytes")
        self._composed = lru_cache(max(2, _CACHED_BYTES // block_size))(self.compose)

    def place(self, number: int) -> int:
        """The block's first byte in the file, or `HOLE`, `ZEROS`, `COMPOSED`. Raises `MediumError`."""
        raise NotImplementedError

    def compose(self, number: int) -> bytes:
        """The whole block, where `place` says `COMPOSED`; short only at the medium's end. Raises `MediumError`."""
        raise NotImplementedError

    def problems(self) -> list[str]:
        return [*self.remarks, *(self.parent.problems() if self.parent is not None else ())]

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        pieces: list[bytes | memoryview] = []
        end, block = offset + length, self.block_size
        while offset < end:
            number, within = divmod(offset, block)
            place, count = self.place(number), min(block - within, end - offset)
            if place == COMPOSED:
                pieces.append(self._exactly(self._composed(number)[within : within + count], offset, count))
            else:
                step = block if place >= 0 else 0
                following = place
                while count < end - offset:
                    number, following = number + 1, following + step
                    if self.place(number) != following:
                        break
                    count = min(count + block, end - offset)
                pieces.append(self._run(place, place + within, offset, count))
            offset += count
        return pieces[0] if len(pieces) == 1 and isinstance(pieces[0], bytes) else b"".join(pieces)

    def _run(self, place: int, at: int, offset: int, count: int) -> bytes | memoryview:
        if place >= 0:
            data = read_part(self._data, at, count)
            if len(data) < count:
                raise MediumError(
                    f"bytes {offset} to {offset + count} of the medium lie at byte {at} of {self._data.name}, "
                    f"which ends at {self._data.size}"
                )
            return data
        return zeros(count) if place == ZEROS or self.parent is None else self.inherited(offset, count)

    def inherited(self, offset: int, count: int) -> bytes:
        """The parent's bytes; zeros behind its end, or without a parent."""
        data = self.parent.read_at(offset, count) if self.parent is not None else b""
        return data if len(data) == count else data + bytes(count - len(data))

    def mixed(self, number: int, bits: str, at: int, part: Part) -> bytes:
        """A block whose sectors of bit 1 lie in `part`, the first at byte `at`, and whose others are the parent's."""
        start, pieces = number * self.block_size, list[bytes]()
        for own, first, count in _runs(bits):
            offset = first * self.sector_size
            length = min(count * self.sector_size, self.size - start - offset)
            if length <= 0:
                break
            if own:
                pieces.append(read_exactly(part, at + offset, length, f"bytes {start + offset} on of the medium"))
            else:
                pieces.append(self.inherited(start + offset, length))
        return b"".join(pieces)

    def _exactly(self, data: bytes, offset: int, count: int) -> bytes:
        if len(data) < count:
            raise MediumError(f"bytes {offset + len(data)} to {offset + count} of the medium are not in their block")
        return data


def sector_bits(bitmap: bytes, *, low_first: bool) -> str:
    """A bitmap of sectors as a text of 0 and 1, the first sector first."""
    return "".join(_LOW_FIRST[byte] if low_first else f"{byte:08b}" for byte in bitmap)


_LOW_FIRST = [f"{byte:08b}"[::-1] for byte in range(256)]


def _runs(bits: str) -> Iterator[tuple[bool, int, int]]:
    """Stretches of like bits: (whether they are 1, the first, how many)."""
    at = 0
    for value, group in groupby(bits):
        count = sum(1 for _ in group)
        yield value == "1", at, count
        at += count
