"""Windows event logs (EVTX), chunk by chunk through the Rust `evtx` library.

A chunk is 64 KiB and stands alone ([MS-EVEN6] does not define the file; the layout is that of libevtx's
"Windows XML Event Log (EVTX) format"). Each is given to the library in memory behind a header of its own, so a
damaged one costs only itself, memory stays the same for a file of any size, and problems have a place.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from evtx import PyEvtxParser

from forensics.model import Artefact, Clock, Location, Problem
from forensics.parsers._clock import SECOND, CivilTime, ImpossibleTimeError, nanoseconds
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import ProblemLimit, shown
from forensics.parsers.windows._event_fields import event_fields
from forensics.parsers.windows._event_meanings import meaning

_NAME, _VERSION, _STAGE = "event_log", "2", "parser event_log"
_RECORD, _RECOVERED = "evtx.record", "evtx.recovered"

_FILE_MAGIC = b"ElfFile\0"
_CHUNK_MAGIC = b"ElfChnk\0"
_HEADER = 4096
_CHUNK = 65536
_RECORDS = 512  # where the records of a chunk start
_RECORD_HEADER = struct.Struct("<4sIQQ")  # magic, size, identifier, time
_RECORD_MAGIC = b"\x2a\x2a\0\0"
_NO_CHECKSUMS = 4  # file flag: the checksums are not kept
_RECORD_LIMIT = (_CHUNK - _RECORDS) // 28
"""Records and errors one chunk has room for, at 28 bytes each; more means that the library goes in circles."""

_CHAINS = range(128, 512, 4)
"""Where a chunk's header keeps the heads of its chains: 64 of names, then 32 of templates."""
_HEADS, _PLACE = struct.Struct(f"<{len(_CHAINS)}I"), struct.Struct("<I")

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(?:Z| UTC)*")
_NUMBER = re.compile("[0-9]+")
_MICROSECOND = re.compile(r"[0-9T:-]{19}\.[0-9]{6}Z")


def _file_header() -> bytes:
    """A file header for one chunk, version 3.1, as the library wants to see before it."""
    header = bytearray(_HEADER)
    struct.pack_into("<8sQQQIHHHH", header, 0, _FILE_MAGIC, 0, 0, 1, 128, 1, 3, _HEADER, 1)
    struct.pack_into("<I", header, 124, zlib.crc32(header[:120]))
    return bytes(header)


_HEADER_OF_ONE = _file_header()


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One chunk: its number from 0, its place in the file, its bytes (zeros where the file ends first)."""

    number: int
    offset: int
    present: int
    data: bytes

    @property
    def cut_short(self) -> bool:
        return self.present < _CHUNK

    def places(self) -> dict[int, list[tuple[int, int]]]:
        """Offset in the file and length of the records that can be walked, by record identifier."""
        places: dict[int, list[tuple[int, int]]] = {}
        position = _RECORDS
        while position + _RECORD_HEADER.size <= _CHUNK:
            magic, size, identifier, _ = _RECORD_HEADER.unpack_from(self.data, position)
            if magic != _RECORD_MAGIC or not _RECORD_HEADER.size <= size <= _CHUNK - position:
                break
            places.setdefault(identifier, []).append((self.offset + position, size))
            position += size
        return places

    def broken_chains(self) -> list[int]:
        """Header places whose chain of names or templates runs in a circle or out of the chunk.

        The library (0.14) never comes back from a circle of two or more, and gives up a whole chunk for a
        chain that leaves it.
        """
        heads = zip(_CHAINS, _HEADS.unpack_from(self.data, _CHAINS.start), strict=True)
        return [head for head, place in heads if place and self._is_broken(place)]

    def _is_broken(self, place: int) -> bool:
        seen: set[int] = set()
        while place:
            if place in seen or not _RECORDS <= place <= _CHUNK - 4:
                return True
            seen.add(place)
            (place,) = _PLACE.unpack_from(self.data, place)
        return False

    def without(self, chains: list[int]) -> bytes:
        """The chunk's bytes with these heads empty: names and templates are then read where they are used."""
        if not chains:
            return self.data
        data = bytearray(self.data)
        for head in chains:
            data[head : head + 4] = bytes(4)
        return bytes(data)

    def checksum_problem(self) -> str:
        """Which of the two stored CRC-32 does not agree with the bytes, or ""."""
        (stored_records,) = struct.unpack_from("<I", self.data, 52)
        (stored_header,) = struct.unpack_from("<I", self.data, 124)
        (end,) = struct.unpack_from("<I", self.data, 48)
        if zlib.crc32(self.data[128:512], zlib.crc32(self.data[:120])) != stored_header:
            return "the checksum of its header does not agree"
        if not _RECORDS <= end <= _CHUNK or zlib.crc32(self.data[_RECORDS:end]) != stored_records:
            return "the checksum of its records does not agree (also so when a log was not closed properly)"
        return ""


def _chunks(source: ParserInput) -> Iterator[_Chunk]:
    number, offset = 0, _HEADER
    while data := source.read_at(offset, _CHUNK):
        yield _Chunk(number, offset, len(data), data.ljust(_CHUNK, b"\0"))
        number, offset = number + 1, offset + _CHUNK


class _LibraryRecord(NamedTuple):
    identifier: int
    written: str
    event: str


class _EventLogFile:
    """One file being read, chunk after chunk."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._problems = ProblemLimit(source, _STAGE)
        self._checksums = True

    def read(self) -> Iterator[Artefact | Problem]:
        """Every record of every chunk, then the summary of problems."""
        yield from self._header()
        empty_from = -1
        for chunk in _chunks(self._source):
            if not chunk.data.strip(b"\0"):  # room not used yet, unless something follows
                empty_from = chunk.offset if empty_from < 0 else empty_from
                continue
            if empty_from >= 0:
                reason = "chunks of zeros stand before chunks that hold data"
                yield from self._problems.problem(empty_from, chunk.offset - empty_from, reason)
                empty_from = -1
            yield from self._chunk(chunk)
        yield from self._problems.summary()

    def _header(self) -> Iterator[Problem]:
        header = self._source.read_at(0, 128).ljust(128, b"\0")
        (flags, stored) = struct.unpack_from("<II", header, 120)
        self._checksums = not flags & _NO_CHECKSUMS
        if not header.startswith(_FILE_MAGIC):
            reason = f"not an event log header: {header[:8].hex()} in place of {_FILE_MAGIC.hex()}"
            yield from self._problems.problem(0, min(_HEADER, self._source.size), reason)
        elif self._checksums and zlib.crc32(header[:120]) != stored:
            yield from self._problems.problem(0, 128, "the checksum of the file header does not agree")

    def _chunk(self, chunk: _Chunk) -> Iterator[Artefact | Problem]:
        whole = (chunk.offset, chunk.present)
        if not chunk.data.startswith(_CHUNK_MAGIC):
            reason = f"chunk {chunk.number} does not start as one: {chunk.data[:8].hex()}"
            yield from self._problems.problem(*whole, reason)
            return
        broken = chunk.broken_chains()
        for reason in self._structure(chunk, broken):
            yield from self._problems.problem(*whole, f"chunk {chunk.number}: {reason}")
        places = chunk.places()
        for record in _library_records(chunk.without(broken)):
            if isinstance(record, str):
                yield from self._problems.problem(*whole, f"chunk {chunk.number}: {record}")
                continue
            known = places.get(record.identifier)
            offset, length = known.pop(0) if known else whole
            made = self._record(chunk, record, offset, length)
            if isinstance(made, Artefact):
                yield made
            else:
                length = min(length, chunk.offset + chunk.present - offset)
                yield from self._problems.problem(offset, length, f"record {record.identifier}: {made}")

    def _structure(self, chunk: _Chunk, broken: list[int]) -> Iterator[str]:
        if chunk.cut_short:
            yield f"cut short, {chunk.present:,} of {_CHUNK:,} bytes"
        elif self._checksums and (mismatch := chunk.checksum_problem()):
            yield mismatch
        if broken:
            yield f"{len(broken)} of its chains of names and templates are broken"

    def _record(self, chunk: _Chunk, record: _LibraryRecord, offset: int, length: int) -> Artefact | str:
        """The record as an artefact, or why it is none: part of it would be the zeros after a file's end."""
        if not chunk.cut_short:
            return _artefact(record, self._source.at(offset, length), _RECORD)
        if offset == chunk.offset or offset + length > chunk.offset + chunk.present:  # or its place is not known
            return "cut short by the end of the file"
        return _artefact(record, self._source.at(offset, length), _RECOVERED)


def _library_records(chunk: bytes) -> Iterator[_LibraryRecord | str]:
    """Records as the library reads them; what it raises for one of them as a reason, and on."""
    try:
        records = PyEvtxParser(io.BytesIO(_HEADER_OF_ONE + chunk), number_of_threads=1).records_json()
    except (RuntimeError, OSError, ValueError) as error:
        yield shown(str(error))
        return
    for _ in range(_RECORD_LIMIT):
        try:
            record = next(records)
        except StopIteration:
            return
        except (RuntimeError, OSError, ValueError) as error:
            yield shown(str(error))
            continue
        if record is not None:
            identifier, written, event = record["event_record_id"], record["timestamp"], record["data"]
            yield _LibraryRecord(int(identifier), str(written), str(event))
    yield f"given up after {_RECORD_LIMIT:,} records: a chunk has no room for more"


def _artefact(record: _LibraryRecord, location: Location, kind: str) -> Artefact | str:
    """A record as an artefact, or why it cannot be one."""
    try:
        fields, created = event_fields(record.event)
        times, raw = _times(record.written, created)
    except (ValueError, RecursionError) as error:
        return shown(str(error))
    if fields.get("record_id", "") != str(record.identifier):
        fields["stored_record_id"] = str(record.identifier)
    fields |= meaning(fields)
    return Artefact(kind, location, times, fields, _NAME, _VERSION, Clock.UTC, raw)


def _times(written: str, created: str) -> tuple[dict[str, int], dict[str, str]]:
    """`logged` is the event's TimeCreated, `written` the record's own time where the two are not one.

    The library prints TimeCreated to microseconds: where the record's time is the same moment with all its
    digits (100 ns), it stands for both. Raises ImpossibleTimeError.
    """
    written_at = _time(written)
    if not created:
        return {"written": written_at}, {"written": written}
    if _MICROSECOND.fullmatch(created) and written.startswith(created[:-1]):
        return {"logged": written_at}, {"logged": written}
    created_at = _time(created)
    if written_at // 1000 == created_at // 1000:
        return {"logged": written_at}, {"logged": written}
    return {"logged": created_at, "written": written_at}, {"logged": created, "written": written}


def _time(text: str) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ImpossibleTimeError(f"not a time: {shown(text, 40)}")
    return _seconds(match[1]) * SECOND + nanoseconds(match[2])


@lru_cache(maxsize=4096)
def _seconds(text: str) -> int:
    """Seconds since 1970 of a time to the second; raises ImpossibleTimeError."""
    return CivilTime(*(int(part) for part in _NUMBER.findall(text))).epoch_seconds()


@dataclass(frozen=True, slots=True)
class EventLogParser:
    """Records of Windows event logs.

    Artefacts `evtx.record`, and `evtx.recovered` for those in a chunk the file's end cuts short (tools that
    trust the file's length do not count these). Times `logged` (100 ns), and `written` where the record itself
    was written at another moment (forwarded events). Fields provider, event_id, channel, computer, record_id,
    level, user_sid, provider_guid, qualifiers, version, task, opcode, keywords, process_id, thread_id,
    activity_id, `stored_record_id` where the record's own number differs, and the event's data as "data.NAME";
    `meaning` and `logon` in words where `_event_meanings` knows the provider's event.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_RECORD, _RECOVERED)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature; a file named .evtx without it is read all the same (its header may be damaged)."""
        return head.startswith(_FILE_MAGIC) or (bool(head) and name.lower().endswith(".evtx"))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every record in the order of the file; see `Parser.parse`."""
        yield from _EventLogFile(source).read()


PARSER = EventLogParser()
