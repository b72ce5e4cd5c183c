"""Journals of systemd (journald), as the page "Journal File Format" of systemd describes them.

Read in the order of the file, object by object: entries are found also where the index of a file that was never
closed, or was damaged, no longer leads to them. Hash tables, entry arrays and tags are passed over; hashes and seals
are not verified.
"""

from __future__ import annotations

import lzma
import struct
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

import lz4.block
import zstandard

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import LAST_YEAR
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import ProblemLimit

_NAME, _VERSION, _KIND, _STAGE = "journal", "1", "journal.entry", "parser journal"

_SIGNATURE = b"LPKSHHRH"
_HEADER = struct.Struct("<8sIIB7x16s16s16s16s2Q")
_SMALLEST_HEADER = 208  # of the first version; later ones add fields at its end
_OBJECT = struct.Struct("<BB6sQ")
_ENTRY = struct.Struct("<QQQ16sQ")
_DATA, _ENTRY_OBJECT, _LAST_TYPE = 1, 3, 7
_XZ, _LZ4, _ZSTD = 1, 2, 4
_KNOWN_FLAGS = 1 | 2 | 4 | 8 | 16  # incompatible: XZ, LZ4, keyed hash, ZSTD, compact
_COMPACT = 16
_DATA_HEAD, _COMPACT_DATA_HEAD = 64, 72
_ENTRY_HEAD = _OBJECT.size + _ENTRY.size
_ITEMS_LIMIT = 4096
"""Fields of one entry that are read; the program's own default limit is 1,024."""
_VALUE_LIMIT = 64 * 1024
"""Bytes of a field that are shown: enough for any message, too little for a core dump."""
_RAW_LIMIT = 1 << 20
"""Compressed bytes of a field that are read."""
_CACHED = 4096
_SMALL = 1024
_BLOCK = 1 << 16
_LATEST = (LAST_YEAR - 1970) * 31_556_952 * 1_000_000


class _DamagedError(Exception):
    """An object that cannot be read; `str()` says why."""


def _unpacked(flags: int, data: bytes) -> bytes:
    """At most `_VALUE_LIMIT` bytes of a payload."""
    kind = flags & (_XZ | _LZ4 | _ZSTD)
    try:
        if kind == _XZ:
            return lzma.LZMADecompressor(memlimit=64 << 20).decompress(data, _VALUE_LIMIT)
        if kind == _ZSTD:
            with zstandard.ZstdDecompressor(max_window_size=1 << 23).stream_reader(data) as reader:
                return bytes(reader.read(_VALUE_LIMIT))
        if kind == _LZ4:
            size = int.from_bytes(data[:8], "little")
            if size > 16 << 20:
                raise _DamagedError(f"a field claims {size} bytes")
            return bytes(lz4.block.decompress(data[8:], uncompressed_size=size)[:_VALUE_LIMIT])
    except (lzma.LZMAError, zstandard.ZstdError, lz4.block.LZ4BlockError, EOFError, MemoryError) as error:
        raise _DamagedError(f"a compressed field cannot be unpacked: {error}") from error
    if kind:
        raise _DamagedError("a field is compressed in more than one way")
    return data[:_VALUE_LIMIT]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


class _Journal:
    """One file being read."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._problems = ProblemLimit(source, _STAGE)
        self._fields: OrderedDict[int, tuple[str, str]] = OrderedDict()
        self._compact = False
        self._machine = ""

    def read(self) -> Iterator[Artefact | Problem]:
        head = self._source.read_at(0, _HEADER.size)
        if len(head) < _HEADER.size:
            yield Problem(self._source.location, _STAGE, "the file ends inside the journal's header")
            return
        values = _HEADER.unpack(head)
        flags, state, size, arena = values[2], values[3], values[8], values[9]
        if flags & ~_KNOWN_FLAGS:
            yield Problem(self._source.location, _STAGE, f"it needs features this version does not know ({flags:#x})")
            return
        if not _SMALLEST_HEADER <= size <= self._source.size:
            yield Problem(self._source.location, _STAGE, f"its header claims {size} bytes")
            return
        self._compact, self._machine = bool(flags & _COMPACT), values[5].hex()
        end = min(size + arena, self._source.size)
        if size + arena > self._source.size:
            missing = size + arena - self._source.size
            yield Problem(self._source.location, _STAGE, f"the file is cut short: {missing:,} bytes are missing")
        if state not in (0, 1, 2):
            yield Problem(self._source.location, _STAGE, f"its header says that it is in state {state}, which is none")
        yield from self._objects(size, end)
        yield from self._problems.summary()

    def _objects(self, offset: int, end: int) -> Iterator[Artefact | Problem]:
        offset = -(-offset // 8) * 8
        while offset + _OBJECT.size <= end:
            head = self._head(offset, end)
            if head is None:
                following = self._next_plausible(offset, end)
                if self._anything(offset, following):
                    reason = f"{following - offset:,} bytes are no object of a journal"
                    yield from self._problems.problem(offset, following - offset, reason)
                offset = following
                continue
            kind, size = head
            if kind == _ENTRY_OBJECT:
                yield from self._entry(offset, size)
            offset = -(-(offset + size) // 8) * 8

    def _head(self, offset: int, end: int) -> tuple[int, int] | None:
        """(type, size) of the object at `offset`; None where none can stand."""
        data = self._source.read_at(offset, _OBJECT.size)
        if len(data) < _OBJECT.size:
            return None
        kind, flags, reserved, size = _OBJECT.unpack(data)
        sound = 0 < kind <= _LAST_TYPE and flags <= _XZ | _LZ4 | _ZSTD and not any(reserved)
        return (kind, size) if sound and _OBJECT.size < size <= end - offset else None

    def _next_plausible(self, offset: int, end: int) -> int:
        """Where the next object may begin after `offset`, `end` where there is none."""
        offset += 8
        while offset < end:
            block = self._source.read_at(offset, min(_BLOCK, end - offset))
            if not block:
                return end
            for start in range(0, len(block) - 7, 8):
                # a type, few flags, and six bytes of zeros: looked at closely only then
                if block[start] and not any(block[start + 2 : start + 8]) and self._leads_on(offset + start, end):
                    return offset + start
            offset += max(len(block) // 8 * 8, 8)
        return end

    def _leads_on(self, offset: int, end: int) -> bool:
        """Whether an object stands there and behind it another one, or room that is not used: no number by chance."""
        head = self._head(offset, end)
        if head is None:
            return False
        following = -(-(offset + head[1]) // 8) * 8
        return self._head(following, end) is not None or not any(self._source.read_at(following, _OBJECT.size))

    def _anything(self, start: int, end: int) -> bool:
        """Whether anything but zeros stands there: the room of a journal is claimed before it is used."""
        while start < end:
            block = self._source.read_at(start, min(_BLOCK, end - start))
            if not block:
                return False
            if any(block):
                return True
            start += len(block)
        return False

    def _entry(self, offset: int, size: int) -> Iterator[Artefact | Problem]:
        width = 4 if self._compact else 16
        count = min((size - _ENTRY_HEAD) // width, _ITEMS_LIMIT)
        data = self._source.read_at(offset + _OBJECT.size, _ENTRY.size + max(count, 0) * width)
        if size < _ENTRY_HEAD or len(data) < _ENTRY.size:
            yield from self._problems.problem(offset, size, f"an entry of {size} bytes is too short")
            return
        seqnum, realtime, monotonic, boot, _ = _ENTRY.unpack_from(data)
        fields = {
            "seqnum": str(seqnum),
            "boot_id": boot.hex(),
            "monotonic": str(monotonic),
            "machine_id": self._machine,
        }
        faults: list[str] = []
        for place in range(_ENTRY.size, len(data) - width + 1, width):
            where = int.from_bytes(data[place : place + min(width, 8)], "little")
            try:
                name, value = self._field(where)
            except _DamagedError as error:
                faults.append(str(error))
            else:
                fields[name if name not in fields else f"{name}#{place}"] = value
        if not 0 < realtime < _LATEST:
            yield from self._problems.problem(offset, size, f"{realtime} microseconds since 1970 is no time of a log")
            return
        times, raw = {"logged": realtime * 1000}, {"logged": str(realtime)}
        source = fields.get("_source_realtime_timestamp", "")
        if source.isascii() and source.isdigit() and len(source) < 18 and 0 < int(source) < _LATEST:
            times["sent"], raw["sent"] = int(source) * 1000, source
        yield Artefact(_KIND, self._source.at(offset, size), times, fields, _NAME, _VERSION, Clock.UTC, raw)
        if faults:
            yield from self._problems.problem(offset, size, f"{len(faults)} fields are missing: {faults[0]}")

    def _field(self, offset: int) -> tuple[str, str]:
        """Name (lower case) and value of the data object at `offset`; common ones are remembered."""
        if (known := self._fields.get(offset)) is not None:
            self._fields.move_to_end(offset)
            return known
        head = _COMPACT_DATA_HEAD if self._compact else _DATA_HEAD
        data = self._source.read_at(offset, _OBJECT.size) if offset <= self._source.size else b""
        if len(data) < _OBJECT.size:
            raise _DamagedError(f"a field is said to stand at byte {offset}, outside the file")
        kind, flags, _, size = _OBJECT.unpack(data)
        if kind != _DATA or size <= head:
            raise _DamagedError(f"no field stands at byte {offset}")
        limit = _RAW_LIMIT if flags else _VALUE_LIMIT
        payload = self._source.read_at(offset + head, min(size - head, limit))
        name, equals, value = _unpacked(flags, payload).partition(b"=")
        if not equals or not name or len(name) > 64:
            raise _DamagedError(f"what stands at byte {offset} is no NAME=value")
        field = _text(name).lower(), _text(value)
        if len(value) <= _SMALL:
            self._fields[offset] = field
            if len(self._fields) > _CACHED:
                self._fields.popitem(last=False)
        return field


@dataclass(frozen=True, slots=True)
class JournalParser:
    """Entries of a journal of systemd, online, offline or archived; regular and compact; fields of XZ, LZ4, ZSTD.

    Artefacts `journal.entry`: times `logged` (when the journal took it, UTC, microseconds) and `sent` (when the
    sender made it, where it says so); fields seqnum, boot_id, monotonic (microseconds), machine_id, and every field of
    the entry by its name in lower case (message, priority, _pid, _comm, _systemd_unit ...); a name's second value has
    its place after a `#`. Values are shown up to 64 KiB. Damaged objects, fields that are not there and files cut
    short are problems.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By its signature."""
        return head.startswith(_SIGNATURE)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every entry in the order of the file; see `Parser.parse`."""
        yield from _Journal(source).read()


PARSER = JournalParser()
