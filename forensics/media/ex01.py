"""EWF2-Ex01 images (EnCase 7 on) with their segments: chunks packed with deflate or bzip2, or one pattern repeated.

Read by our own code for the reason that E01 is: libewf hands out damaged chunks without a word.
"""

from __future__ import annotations

import re
import struct
import zlib
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import NoReturn

from isal import isal_zlib

from custody.access import Part, PartOpener
from forensics.media import _ewf2_sections as ewf2
from forensics.media._contract import MediumError, read_part
from forensics.media._ewf_sections import moment_of

_CACHED_CHUNKS, _CACHED_TABLES, _SHOWN_RANGES = 128, 8, 100
_TIMES = ("tt", "at")
_ENTRY = struct.Struct("<QII")
_BROKEN: tuple[type[Exception], ...] = (isal_zlib.error, zlib.error, OSError, ValueError, EOFError)  # type: ignore[assignment]


class Ex01Medium:
    """The medium in an Ex01 set. A chunk that fails its checksum raises `MediumError` and is a problem."""

    format = "ex01"

    def __init__(self, parts: list[Part]) -> None:
        self.parts = tuple(parts)
        self._method = ewf2.file_header(parts[0]).method
        self._told: dict[str, str] = {}
        self._stored: dict[str, str] = {}
        self._problems: list[str] = []
        self._bad_chunks: dict[int, str] = {}
        self._tables: list[tuple[int, int, ewf2.Section]] = []  # first chunk, chunks, where
        self._lock = Lock()
        self._chunks: OrderedDict[int, bytes] = OrderedDict()
        self._entries: OrderedDict[int, bytes] = OrderedDict()
        for part in parts:
            for section in ewf2.sections(part):
                self._take(section)
        self.sector_size, sectors, per_chunk = self._number("bp"), self._number("ts"), self._number("sb")
        self.size, self._chunk_size = sectors * self.sector_size, per_chunk * self.sector_size
        if not (0 < self._chunk_size <= 1 << 27) or self.sector_size % 512 or not 0 < self.size <= 1 << 60:
            shape = f"{sectors} sectors of {self.sector_size} bytes in chunks of {per_chunk}"
            raise MediumError(f"{parts[0].name} is damaged: {shape}")
        self._tables.sort(key=lambda table: table[0])
        self._starts = [first for first, _, _ in self._tables]
        self._check_chunks()

    @property
    def stored(self) -> Mapping[str, str]:
        """The digests the acquisition stored: md5, sha1."""
        return dict(self._stored)

    @property
    def header(self) -> Mapping[str, str]:
        """The acquisition header by libewf's names (case_number, examiner_name, acquiry_date ...)."""
        said = [(tag, value) for tag, value in self._told.items() if tag in ewf2.HEADER_NAMES and value]
        return {ewf2.HEADER_NAMES[tag]: moment_of(value) if tag in _TIMES else value for tag, value in said}

    def problems(self) -> list[str]:
        with self._lock:
            return self._problems + [self._bad_chunks[number] for number in sorted(self._bad_chunks)]

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        first, last = offset // self._chunk_size, (offset + length - 1) // self._chunk_size
        data = b"".join([self._chunk(number) for number in range(first, last + 1)])
        within = offset - first * self._chunk_size
        return data[within : within + length]

    def _number(self, tag: str) -> int:
        written = self._told.get(tag, "")
        return int(written) if written.isdecimal() and len(written) < 20 else 0

    def _take(self, section: ewf2.Section) -> None:
        if section.kind in (ewf2.DEVICE, ewf2.CASE):
            self._told = {**ewf2.values(section), **self._told}
        elif section.kind == ewf2.TABLE:
            first, entries = ewf2.table(section)
            self._tables.append((first, len(entries) // _ENTRY.size, section))
        else:
            try:
                self._describe(section)
            except MediumError as error:
                self._problems.append(str(error))

    def _describe(self, section: ewf2.Section) -> None:
        if section.kind in (ewf2.MD5, ewf2.SHA1):
            name, length = ("md5", 16) if section.kind == ewf2.MD5 else ("sha1", 20)
            if value := ewf2.digest_of(section, length):
                self._stored[name] = value
        elif section.kind == ewf2.ERRORS:
            ranges = ewf2.unread_sectors(section)
            for first, count in ranges[:_SHOWN_RANGES]:
                last = first + count - 1
                self._problems.append(f"sectors {first} to {last} could not be read when the medium was acquired")
            if len(ranges) > _SHOWN_RANGES:
                self._problems.append(f"and {len(ranges) - _SHOWN_RANGES} more such ranges")

    def _check_chunks(self) -> None:
        wanted, following = -(-self.size // self._chunk_size), 0
        for first, count, section in self._tables:
            if first != following:
                raise MediumError(
                    f"{section.part.name}: its sector tables go on with chunk {first}, {following} is due"
                )
            following += count
        if following < wanted:
            raise MediumError(
                f"{self.parts[-1].name}: the tables list {following} of the {wanted} chunks of the medium",
                "The set is incomplete or the acquisition was not finished.",
            )

    def _chunk(self, number: int) -> bytes:
        with self._lock:
            if (data := self._chunks.get(number)) is not None:
                self._chunks.move_to_end(number)
                return data
            part, place, length, flags = self._place(number)
        data = self._decode(number, part, place, length, flags)
        with self._lock:
            self._chunks[number] = data
            if len(self._chunks) > _CACHED_CHUNKS:
                self._chunks.popitem(last=False)
        return data

    def _place(self, number: int) -> tuple[Part, int, int, int]:
        index = bisect_right(self._starts, number) - 1
        first, _, section = self._tables[index]
        entries = self._entries.get(index)
        if entries is None:
            _, entries = ewf2.table(section)
            self._entries[index] = entries
            if len(self._entries) > _CACHED_TABLES:
                self._entries.popitem(last=False)
        return section.part, *_ENTRY.unpack_from(entries, (number - first) * _ENTRY.size)

    def _decode(self, number: int, part: Part, place: int, length: int, flags: int) -> bytes:
        size = min(self._chunk_size, self.size - number * self._chunk_size)
        if flags & ewf2.COMPRESSED and flags & ewf2.PATTERN:
            return (place.to_bytes(8, "little") * (size // 8 + 1))[:size]
        # A damaged table can claim any length: no chunk is larger than its data and what packing costs at worst.
        raw = read_part(part, place, min(length, 2 * self._chunk_size + 1024))
        if flags & ewf2.COMPRESSED:
            return self._unpack(number, part, raw, size)
        data, checksum = (raw[:-4], raw[-4:]) if flags & ewf2.CHECKED else (raw, b"")
        if len(data) < size or (checksum and zlib.adler32(data) != int.from_bytes(checksum, "little")):
            self._refuse(number, part, "fails its checksum")
        return data[:size]

    def _unpack(self, number: int, part: Part, raw: bytes, size: int) -> bytes:
        try:
            if self._method == ewf2.BZIP2:
                data = ewf2.unpacked(raw, ewf2.BZIP2, self._chunk_size + 1)
            else:
                data = isal_zlib.decompressobj().decompress(raw, self._chunk_size + 1)
        except _BROKEN:
            self._refuse(number, part, "cannot be unpacked or fails its checksum")
        if len(data) < size or len(data) > self._chunk_size:
            self._refuse(number, part, "unpacks to the wrong length")
        return data[:size]

    def _refuse(self, number: int, part: Part, why: str) -> NoReturn:
        start = number * self._chunk_size
        end = min(start + self._chunk_size, self.size)
        line = f"chunk {number} (bytes {start} to {end} of the medium) in {part.name} {why}"
        with self._lock:
            self._bad_chunks[number] = line
        raise MediumError(line)


_SUFFIX = re.compile(r"^(?P<stem>.*\.)(?P<letters>[Ee][Xx])(?P<number>\d\d)$", re.DOTALL)


def segment_name(first: str, number: int) -> str | None:
    """The name of segment `number` (from 1): Ex01 to Ex99, then ExAA to ExZZ, EyAA to EzZZ; None beyond."""
    match = _SUFFIX.match(first)
    if match is None:
        return None
    if number < 100:
        return f"{match['stem']}{match['letters']}{number:02d}"
    rest, third = divmod(number - 100, 26)
    lead, second = divmod(rest, 26)
    if lead > 2:
        return None
    upper = match["letters"][0] == "E"
    letters = "".join(chr((ord("A") if upper else ord("a")) + digit) for digit in (second, third))
    return f"{match['stem']}{match['letters'][0]}{chr(ord(match['letters'][1]) + lead)}{letters}"


def _segments(first: Part, open_part: PartOpener) -> list[Part]:
    head = ewf2.file_header(first)
    if head.number != 1:
        raise MediumError(
            f"{first.name} is segment {head.number} of its set, not the first", "Give the first segment (.Ex01)."
        )
    parts = [first]
    while ewf2.sections(parts[-1])[-1].kind == ewf2.NEXT:
        number = len(parts) + 1
        name = segment_name(first.name, number)
        if name is None:
            raise MediumError(f"{first.name}: the set goes on, but the name does not say how (.Ex01 expected)")
        try:
            part = open_part(name)
        except FileNotFoundError:
            raise MediumError(
                f"segment missing: {name}", "Put all segments in one folder and give the first."
            ) from None
        other = ewf2.file_header(part)
        if (other.number, other.identifier) != (number, head.identifier):
            raise MediumError(f"{name} is segment {other.number} of a set, not segment {number} of this one")
        parts.append(part)
    return parts


def recognises(part: Part) -> bool:
    """By signature, or by the name where the file is empty or cut before the signature's end."""
    return read_part(part, 0, 8) == ewf2.SIGNATURE or _SUFFIX.match(part.name) is not None


def open_parts(first: Part, open_part: PartOpener) -> Ex01Medium:
    """The set from its first segment on; raises `MediumError` when a segment is missing, cut, damaged or encrypted."""
    return Ex01Medium(_segments(first, open_part))
