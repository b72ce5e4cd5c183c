"""EWF-E01 images (EnCase, FTK Imager, ewfacquire) and EWF-S01 (SMART) with their segments.

Read by our own code over the sections of `_ewf_sections`: libewf through its Python binding hands out
a damaged chunk without a word (measured: a flipped byte changes the data and raises nothing), and a
chunk's checksum is what this format is for.
"""

from __future__ import annotations

import re
import zlib
from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from threading import Lock
from typing import NoReturn

from isal import isal_zlib

from custody.access import Part, PartOpener
from forensics.media import _ewf_sections as ewf
from forensics.media._contract import MediumError, read_part

_CACHED_CHUNKS = 128
_CACHED_TABLES = 8
_SHOWN_RANGES = 100
_OVERFLOW = 1 << 31
_DamagedError: type[Exception] = isal_zlib.error  # type: ignore[assignment]  # its stub says instance, not class


@dataclass(frozen=True, slots=True)
class _Entries:
    """One table's entries, and from which entry on their 32 bits are all offset (EnCase 6.0 to 6.6)."""

    table: ewf.Table
    values: array[int]
    overflow: int

    def place(self, index: int) -> tuple[int, int, bool]:
        """(first byte in the part, bytes, compressed) of the table's chunk `index`."""
        entry = self.values[index]
        plain = index >= self.overflow
        start = entry if plain else entry & ~_OVERFLOW
        if index + 1 == len(self.values):
            end = self.table.data_end - self.table.base
        else:
            following = self.values[index + 1]
            end = following if index + 1 >= self.overflow else following & ~_OVERFLOW
        return self.table.base + start, end - start, bool(entry & _OVERFLOW) and not plain


def _overflow(values: array[int]) -> int:
    """The first entry whose offset needs the bit that says "compressed": there the offsets step back."""
    for index in range(1, len(values)):
        if values[index] & ~_OVERFLOW < values[index - 1] & ~_OVERFLOW:
            return index
    return len(values)


class EwfMedium:
    """The medium in an E01 set. A chunk that fails its checksum raises `MediumError` and is a problem."""

    format = "ewf"

    def __init__(self, parts: list[Part]) -> None:
        self.parts = tuple(parts)
        self._tables: list[ewf.Table] = []
        self._geometry: ewf.Geometry | None = None
        self._problems: list[str] = []
        self._bad_chunks: dict[int, str] = {}
        self._stored: dict[str, str] = {}
        self._header: dict[str, str] = {}
        self._lock = Lock()
        self._chunks: OrderedDict[int, bytes] = OrderedDict()
        self._entries: OrderedDict[int, _Entries] = OrderedDict()
        for part in self.parts:
            self._take_segment(part)
        if self._geometry is None:
            raise MediumError(f"{parts[0].name} is damaged: it has no volume section")
        self.size: int = self._geometry.size
        self.sector_size: int = self._geometry.sector_size
        self._chunk_size: int = self._geometry.chunk_size
        self._starts: list[int] = [table.first for table in self._tables]
        self._check_chunk_count()

    @property
    def stored(self) -> Mapping[str, str]:
        """The digests the acquisition stored: md5, sha1."""
        return dict(self._stored)

    @property
    def header(self) -> Mapping[str, str]:
        """The acquisition header by libewf's names (case_number, examiner_name, acquiry_date ...)."""
        return dict(self._header)

    def problems(self) -> list[str]:
        with self._lock:
            bad = [self._bad_chunks[number] for number in sorted(self._bad_chunks)]
        return self._problems + bad

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0 or offset < 0:
            return b""
        chunk_size = self._chunk_size
        first, last = offset // chunk_size, (offset + length - 1) // chunk_size
        blocks = [self._chunk(number) for number in range(first, last + 1)]
        blocks[-1] = blocks[-1][: offset + length - last * chunk_size]
        blocks[0] = blocks[0][offset - first * chunk_size :]
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def _take_segment(self, part: Part) -> None:
        data_end = 0
        for section in ewf.sections(part):
            if section.kind == "sectors":
                data_end = section.offset + section.size
            elif section.kind == "table":
                # Without a sectors section (the first EWF writers) the chunks follow the table itself.
                self._add_table(section, data_end or section.offset + section.size)
            elif section.kind == "table2":
                self._add_copy(section)
            else:
                self._take_description(section)

    def _take_description(self, section: ewf.Section) -> None:
        kind = section.kind
        if kind in ("volume", "disk") and self._geometry is None:
            self._geometry = ewf.geometry(section)
            return
        try:
            if kind in ("header", "header2"):
                values = ewf.header_values(section)
                # header2 is the later, Unicode form of header: it wins.
                self._header = {**self._header, **values} if kind == "header2" else {**values, **self._header}
            elif kind in ("hash", "digest"):
                self._stored.update(ewf.stored_digests(section))
            elif kind == "error2":
                self._take_unread(section)
        except MediumError as error:
            self._problems.append(str(error))

    def _take_unread(self, section: ewf.Section) -> None:
        ranges = ewf.unread_sectors(section)
        for first, count in ranges[:_SHOWN_RANGES]:
            self._problems.append(
                f"sectors {first} to {first + count - 1} could not be read when the medium was acquired"
            )
        if len(ranges) > _SHOWN_RANGES:
            self._problems.append(f"and {len(ranges) - _SHOWN_RANGES} more such ranges")

    def _add_table(self, section: ewf.Section, data_end: int) -> None:
        first = self._tables[-1].first + self._tables[-1].count if self._tables else 0
        smart = self._geometry is not None and self._geometry.smart
        self._tables.append(ewf.table(section, first, data_end, checked=not smart))

    def _add_copy(self, section: ewf.Section) -> None:
        if not self._tables or self._tables[-1].part is not section.part:
            return
        table = self._tables[-1]
        copy = section.offset + ewf.TABLE_HEADER_SIZE
        self._tables[-1] = replace(table, copy=copy)

    def _check_chunk_count(self) -> None:
        wanted = -(-self.size // self._chunk_size)
        found = self._tables[-1].first + self._tables[-1].count if self._tables else 0
        if found < wanted:
            raise MediumError(
                f"{self.parts[-1].name}: the tables list {found} of the {wanted} chunks of the medium",
                "The set is incomplete or the acquisition was not finished.",
            )

    def _chunk(self, number: int) -> bytes:
        with self._lock:
            data = self._chunks.get(number)
            if data is not None:
                self._chunks.move_to_end(number)
                return data
            place = self._place(number)
        data = self._decode(number, place)
        with self._lock:
            self._chunks[number] = data
            if len(self._chunks) > _CACHED_CHUNKS:
                self._chunks.popitem(last=False)
        return data

    def _place(self, number: int) -> tuple[Part, int, int, bool]:
        index = bisect_right(self._starts, number) - 1
        entries = self._entries.get(index)
        if entries is None:
            entries = self._entries[index] = self._load(self._tables[index])
            if len(self._entries) > _CACHED_TABLES:
                self._entries.popitem(last=False)
        return entries.table.part, *entries.place(number - entries.table.first)

    def _load(self, table: ewf.Table) -> _Entries:
        values = ewf.table_entries(table, table.offset)
        if values is None:
            line = f"{table.part.name}: the chunk table at byte {table.offset} fails its checksum"
            values = ewf.table_entries(table, table.copy) if table.copy else None
            if values is None:
                raise MediumError(f"{line}, and there is no sound copy of it")
            if (line := f"{line}; its copy was used") not in self._problems:
                self._problems.append(line)
        return _Entries(table, values, _overflow(values))

    def _decode(self, number: int, place: tuple[Part, int, int, bool]) -> bytes:
        part, offset, length, compressed = place
        size = min(self._chunk_size, self.size - number * self._chunk_size)
        if length <= 4:
            self._refuse(number, part, "has no place in the file")
        # A damaged table can claim any length: no chunk is larger than its data and some zlib overhead.
        raw = read_part(part, offset, min(length, 2 * self._chunk_size + 1024))
        if compressed:
            return self._inflate(number, part, raw, size)
        # Some writers fill the last chunk up to its full size.
        for stored in (size, min(length - 4, self._chunk_size)):
            checksum = int.from_bytes(raw[stored : stored + 4], "little")
            if size <= stored <= len(raw) - 4 and zlib.adler32(raw[:stored]) == checksum:
                return raw[:size]
        self._refuse(number, part, "fails its checksum")

    def _inflate(self, number: int, part: Part, raw: bytes, size: int) -> bytes:
        try:
            inflater = isal_zlib.decompressobj()  # ISA-L: several times zlib's rate, and it checks the checksum too
            data = inflater.decompress(raw, self._chunk_size + 1)
        except _DamagedError:
            self._refuse(number, part, "cannot be inflated or fails its checksum")
        if len(data) < size or not inflater.eof:
            self._refuse(number, part, "inflates to the wrong length")
        return data[:size]

    def _refuse(self, number: int, part: Part, why: str) -> NoReturn:
        start = number * self._chunk_size
        end = min(start + self._chunk_size, self.size)
        line = f"chunk {number} (bytes {start} to {end} of the medium) in {part.name} {why}"
        with self._lock:
            self._bad_chunks[number] = line
        raise MediumError(line)


_SUFFIX = re.compile(r"^(?P<stem>.*\.)(?P<letter>[EeSs])(?P<number>\d\d)$", re.DOTALL)


def segment_name(first: str, number: int) -> str | None:
    """The name of segment `number` (from 1) of the set whose first segment is `first`.

    E01 to E99, then EAA to EZZ, FAA to ZZZ (2.2 of the format's description); None beyond.
    """
    match = _SUFFIX.match(first)
    if match is None:
        return None
    if number < 100:
        return f"{match['stem']}{match['letter']}{number:02d}"
    rest, third = divmod(number - 100, 26)
    lead, second = divmod(rest, 26)
    start = ord(match["letter"]) + lead
    zero = ord("a") if match["letter"].islower() else ord("A")
    if start > zero + 25:
        return None
    return f"{match['stem']}{chr(start)}{chr(zero + second)}{chr(zero + third)}"


def _last_kind(part: Part) -> str:
    return [section.kind for section in ewf.sections(part)][-1]


def _segments(first: Part, open_part: PartOpener) -> list[Part]:
    if (number := ewf.segment_number(first)) != 1:
        raise MediumError(
            f"{first.name} is segment {number} of its set, not the first", "Give the first segment (.E01)."
        )
    parts = [first]
    while _last_kind(parts[-1]) == "next":
        number = len(parts) + 1
        name = segment_name(first.name, number)
        if name is None:
            raise MediumError(f"{first.name}: the set goes on, but the name does not say how (.E01 expected)")
        try:
            part = open_part(name)
        except FileNotFoundError:
            raise MediumError(
                f"segment missing: {name}", "Put all segments in one folder and give the first."
            ) from None
        if (stored := ewf.segment_number(part)) != number:
            raise MediumError(f"{name} is segment {stored} of a set, not segment {number}")
        parts.append(part)
    return parts


def recognises(part: Part) -> bool:
    """By signature, or by the name where the file is empty or cut before the signature's end."""
    return read_part(part, 0, 8) == ewf.FILE_SIGNATURE or _SUFFIX.match(part.name) is not None


def open_parts(first: Part, open_part: PartOpener) -> EwfMedium:
    """The set from its first segment on; raises `MediumError` when a segment is missing, cut or damaged."""
    return EwfMedium(_segments(first, open_part))
