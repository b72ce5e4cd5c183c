"""Windows event logs before Vista (EVT): every record in the file, current or left over.

The layout is Microsoft's "Event Log File Format" (ELF_LOGFILE_HEADER, EVENTLOGRECORD, ELF_EOF_RECORD). The file
is a ring: what stands between the end record and the oldest record are older records not yet overwritten.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import ProblemLimit

_NAME, _VERSION, _STAGE = "classic_event_log", "1", "parser classic_event_log"
_RECORD, _RECOVERED = "evt.record", "evt.recovered"

_MAGIC = b"LfLe"
_HEADER = struct.Struct("<I4s10I")
_HEADER_SIZE = 48
_HEADER_MAGIC = struct.pack("<I4s", _HEADER_SIZE, _MAGIC)
_END = struct.Struct("<10I")
_END_MAGIC = struct.pack("<5I", _END.size, 0x11111111, 0x22222222, 0x33333333, 0x44444444)
_FIXED = struct.Struct("<I4s4IHHHHIIIIII")
_RECORD_LIMIT = 512 * 1024
"""Bytes of the longest record that is read; the service refuses far shorter ones."""

_FILL = b"\x27\0\0\0"  # where the fixed part of a record does not fit before the end of the file
_BLOCK = 1 << 20
_DATA_SHOWN = 4096
_STRINGS_SHOWN = 256
_RINGS_LIMIT = 256
_TYPES = {0: "success", 1: "error", 2: "warning", 4: "information", 8: "audit success", 16: "audit failure"}


class _Ring(NamedTuple):
    """Which part of the file is the log: from `start` (oldest record) to `end`, and the record numbers in it."""

    start: int = 0
    end: int = 0
    current: int = 0
    oldest: int = 0

    def spans(self, offset: int) -> bool:
        if self.start <= self.end:
            return self.start <= offset < self.end
        return offset >= self.start or offset < self.end

    def holds(self, offset: int, number: int) -> bool:
        return self.spans(offset) and self.oldest <= number < self.current


class _Fixed(NamedTuple):
    """The fixed part of a record (EVENTLOGRECORD)."""

    length: int
    magic: bytes
    number: int
    generated: int
    written: int
    event: int
    type: int
    strings: int
    category: int
    flags: int
    closing_number: int
    strings_at: int
    sid_length: int
    sid_at: int
    data_length: int
    data_at: int


def _places(source: ParserInput, wanted: bytes) -> Iterator[int]:
    """Where `wanted` stands in the file, in order."""
    offset = 0
    while len(block := source.read_at(offset, _BLOCK)) >= len(wanted):
        found = block.find(wanted)
        while found >= 0:
            yield offset + found
            found = block.find(wanted, found + 1)
        offset += len(block) - len(wanted) + 1


def _ring_ended_at(source: ParserInput, offset: int) -> _Ring | None:
    """What an end record at `offset` says, if one stands there and means itself."""
    data = source.read_at(offset, _END.size)
    if len(data) < _END.size or not data.startswith(_END_MAGIC):
        return None
    start, end, current, oldest, length = _END.unpack(data)[5:]
    return _Ring(start, end, current, oldest) if (end, length) == (offset, _END.size) else None


def _ring(source: ParserInput) -> tuple[_Ring, str]:
    """The ring by its end record, which the header knows only in a log that was closed; and what is wrong."""
    data = source.read_at(0, _HEADER_SIZE)
    stated = None
    if len(data) == _HEADER_SIZE and data.startswith(_HEADER_MAGIC):
        stated = _Ring(*_HEADER.unpack(data)[4:8])
        if ring := _ring_ended_at(source, stated.end):
            return ring, ""
    found = (ring for place in _places(source, _END_MAGIC) if (ring := _ring_ended_at(source, place)))
    if rings := list(islice(found, _RINGS_LIMIT)):
        return max(rings, key=lambda ring: ring.current), "" if stated else "the file header is damaged"
    if stated:
        return stated, "there is no end record: which records are current is told by the file header"
    return _Ring(), "neither file header nor end record: no record can be told to be current"


def _text(data: bytes, start: int) -> tuple[str, int] | None:
    """UTF-16 up to a NUL from `start`, and where it goes on after that; None when it does not end in `data`."""
    end = data.find(b"\0\0", start)
    while end >= 0 and (end - start) % 2:
        end = data.find(b"\0\0", end + 1)
    if start > len(data) or end < 0:
        return None
    return data[start:end].decode("utf-16-le", "backslashreplace"), end + 2


def _sid(data: bytes) -> str:
    """A security identifier as S-1-...; "" for bytes that are none ([MS-DTYP] section 2.4.2)."""
    if len(data) < 8 or data[0] != 1 or len(data) != 8 + 4 * data[1]:
        return ""
    parts = struct.unpack_from(f"<{data[1]}I", data, 8)
    return "-".join(map(str, ("S-1", int.from_bytes(data[2:8], "big"), *parts)))


@dataclass(slots=True)
class _Contents:
    """The variable part of a record as fields, and what of it could not be read."""

    fields: dict[str, str] = field(default_factory=dict)
    defects: list[str] = field(default_factory=list)


def _contents(fixed: _Fixed, data: bytes) -> _Contents:
    found = _Contents()
    place: int | None = _FIXED.size
    for name in ("provider", "computer"):
        read = _text(data, place) if place is not None else None
        if read is None:
            found.defects.append(f"its {name} does not end")
            place = None
        else:
            found.fields[name], place = read
    _add_sid(fixed, data, found)
    _add_strings(fixed, data, found)
    payload = data[fixed.data_at : fixed.data_at + fixed.data_length]
    if len(payload) < fixed.data_length:
        found.defects.append("its data goes beyond it")
    if payload:
        found.fields["data"] = payload[:_DATA_SHOWN].hex()
    if len(payload) > _DATA_SHOWN:
        found.defects.append(f"of its {len(payload):,} bytes of data {_DATA_SHOWN:,} were read")
    return found


def _add_sid(fixed: _Fixed, data: bytes, found: _Contents) -> None:
    if fixed.sid_length:
        found.fields["user_sid"] = _sid(data[fixed.sid_at : fixed.sid_at + fixed.sid_length])
        if not found.fields["user_sid"]:
            found.defects.append("its user is no security identifier")


def _add_strings(fixed: _Fixed, data: bytes, found: _Contents) -> None:
    place = fixed.strings_at
    for number in range(1, fixed.strings + 1):
        read = _text(data, place) if number <= _STRINGS_SHOWN else None
        if read is None:
            found.defects.append(f"of its {fixed.strings} strings {number - 1} were read")
            return
        found.fields[f"string.{number}"], place = read


def _artefact(source: ParserInput, offset: int, fixed: _Fixed, current: bool, contents: _Contents) -> Artefact:
    fields = {
        "event_id": str(fixed.event & 0xFFFF),
        "qualifiers": str(fixed.event >> 16),
        "type": _TYPES.get(fixed.type, str(fixed.type)),
        "category": str(fixed.category),
        "record_id": str(fixed.number),
    }
    times = {"generated": fixed.generated}
    if fixed.written != fixed.generated:
        times["written"] = fixed.written
    within = min(fixed.length, source.size - offset)
    if within < fixed.length:
        fields["wrapped"] = "true"
    fields |= {name: value for name, value in contents.fields.items() if value}
    return Artefact(
        _RECORD if current else _RECOVERED,
        source.at(offset, within),
        {name: seconds * SECOND for name, seconds in times.items()},
        fields,
        _NAME,
        _VERSION,
        Clock.UTC,
        {name: str(seconds) for name, seconds in times.items()},
    )


class _LogFile:
    """One file being read from its start to its end."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._problems = ProblemLimit(source, _STAGE)
        self._ring, self._defect = _ring(source)
        self._end = _HEADER_SIZE  # of the record before
        self._first = 0  # where the first record starts, after the rest of one that wrapped
        self._rest_end = 0  # where that rest ends

    def read(self) -> Iterator[Artefact | Problem]:
        if self._defect:
            yield from self._problems.problem(0, min(_HEADER_SIZE, self._source.size), self._defect)
        for place in _places(self._source, _MAGIC):
            start = place - 4
            if start >= self._end:
                yield from self._record(start)
        yield from self._gap(self._end, self._source.size, whole=True)
        if self._first and self._rest_end != self._first:
            yield from self._gap(max(self._rest_end, _HEADER_SIZE), self._first, whole=True)
        yield from self._problems.summary()

    def _record(self, start: int) -> Iterator[Artefact | Problem]:
        head = self._source.read_at(start, _FIXED.size)
        if len(head) < _FIXED.size:
            return  # a gap
        fixed = _Fixed._make(_FIXED.unpack(head))
        if not _FIXED.size + 8 <= fixed.length <= _RECORD_LIMIT or fixed.length % 4:
            reason = f"a record that says it has {fixed.length:,} bytes"
            yield from self._problems.problem(start, _FIXED.size, reason)
            return
        if self._bytes(start, fixed.length - 4, 4) != head[:4]:
            reason = "a record whose two lengths differ: damaged, cut or written over"
            yield from self._problems.problem(start, _FIXED.size, reason)
            return
        yield from self._gap(self._end, start)
        self._first = self._first or start
        self._end = start + fixed.length
        self._rest_end = max(self._rest_end, _HEADER_SIZE + self._end - self._source.size)
        current = self._ring.holds(start, fixed.number)
        contents = _contents(fixed, self._bytes(start, 0, fixed.length - 4))
        found = _artefact(self._source, start, fixed, current, contents)
        yield found
        if contents.defects:
            reason = f"record {fixed.number}: {', '.join(contents.defects)}"
            yield from self._problems.problem(start, found.location.length or 0, reason)

    def _bytes(self, start: int, offset: int, length: int) -> bytes:
        """Bytes of the record at `start`, which goes on behind the file header when the file ends first."""
        offset += start
        data = self._source.read_at(offset, length) if offset < self._source.size else b""
        missing = max(0, offset + len(data) - self._source.size)
        return data + self._source.read_at(_HEADER_SIZE + missing, length - len(data)) if len(data) < length else data

    def _gap(self, start: int, end: int, *, whole: bool = False) -> Iterator[Problem]:
        """Bytes of the log between records; outside the ring leftovers are no defect.

        Those before the first record wait (`whole`) until it is known whether a record wrapped into them.
        """
        if not self._ring.spans(start) and start < self._ring.start:
            start = self._ring.start
        if start >= end or (not self._first and not whole) or not self._ring.spans(start):
            return
        end = min(end, self._ring.end) if start < self._ring.end else end
        if not self._is_fill(start, end):
            yield from self._problems.problem(start, end - start, f"{end - start:,} bytes of the log are no record")

    def _is_fill(self, start: int, end: int) -> bool:
        while start < end and (block := self._source.read_at(start, min(_BLOCK, end - start))):
            if block.strip(b"\0") and block != (_FILL * (len(block) // 4 + 1))[: len(block)]:
                return False
            start += len(block)
        return True


@dataclass(frozen=True, slots=True)
class ClassicEventLogParser:
    """Events of Windows NT 4 to Server 2003.

    Artefacts `evt.record`, and `evt.recovered` for records outside the ring, in the order of the file: times
    `generated`, and `written` where it differs (UTC, to a second); fields provider, computer, event_id, qualifiers,
    type, category, record_id, user_sid, string.N (the message's insertion strings), data (hexadecimal, 4 KiB),
    `wrapped` (it goes on after the file header; its length is given to the end of the file).
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_RECORD, _RECOVERED)

    def accepts(self, head: bytes, name: str) -> bool:
        """The file header's signature; a damaged one under the usual name."""
        return head.startswith(_HEADER_MAGIC) or (name.lower().endswith(".evt") and _MAGIC in head)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every record in the order of the file; see `Parser.parse`."""
        yield from _LogFile(source).read()


PARSER = ClassicEventLogParser()
