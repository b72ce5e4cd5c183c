"""Login records of Linux: utmp, wtmp, btmp.

The layout is that of glibc's `struct utmp` with 32-bit times, 384 bytes, as utmp(5) gives it: x86, x86-64
and all others for which glibc keeps it, and big endian (s390, PowerPC). 64-bit ARM has its own of 400
bytes with 64-bit times. The file says neither: it is told by its first records.
"""

from __future__ import annotations

import calendar
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import LAST_YEAR, SECOND
from forensics.parsers._contract import HEAD_BYTES, ParserInput
from forensics.parsers._lines import ProblemLimit

_NAME, _VERSION, _KIND, _STAGE = "login_records", "1", "utmp.record", "parser login_records"

# fmt: off
_TYPES = (  # utmp(5), ut_type
    "EMPTY", "RUN_LVL", "BOOT_TIME", "NEW_TIME", "OLD_TIME",
    "INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS", "DEAD_PROCESS", "ACCOUNTING",
)
# fmt: on
_RECORDS_A_READING = 1024
_LAST_MICROSECOND = 999_999
_USUAL_NAMES = re.compile(r"[uwb]tmpx?(?:[._-].*)?", re.IGNORECASE)
_TIMES_OF_LINUX = range(631_152_000, 4_102_444_800)
"""Seconds of 1990 to 2099: only what makes a file look like login records."""

_LATEST = calendar.timegm((LAST_YEAR + 1, 1, 1, 0, 0, 0))


class _Record(NamedTuple):
    """One record as it is laid out; the texts are NUL-terminated unless they fill their room."""

    type: int
    padding: bytes
    pid: int
    line: bytes
    id: bytes
    user: bytes
    host: bytes
    termination: int
    exit: int
    session: int
    seconds: int
    microseconds: int
    address: bytes
    unused: bytes

    @property
    def texts(self) -> tuple[bytes, bytes, bytes, bytes]:
        return self.line, self.id, self.user, self.host

    def is_possible(self) -> bool:
        """Whether all of it is as login writes it: zeros where nothing belongs, texts that are text."""
        return (
            0 <= self.type < len(_TYPES)
            and not any(self.padding)
            and not any(self.unused)
            and 0 <= self.microseconds <= _LAST_MICROSECOND
            and all(_is_text(text) for text in self.texts)
        )

    def speaks(self) -> bool:
        """Whether it is also a record somebody would write: a type, a name or line, a time of our days."""
        return (
            self.is_possible()
            and self.type > 0
            and bool(self.line[0] or self.user[0])
            and self.seconds in _TIMES_OF_LINUX
        )


def _is_text(room: bytes) -> bool:
    return _shown(room).isprintable()


def _shown(room: bytes) -> str:
    return room.partition(b"\0")[0].decode("utf-8", "backslashreplace")


# type, padding, pid, line, id, user, host, termination, exit, session, seconds, microseconds, address, unused
_NARROW = "h2si32s4s32s256shhiIi16s20s"  # seconds are unsigned since glibc 2.40; none before 1970 was ever written
_WIDE = "h2si32s4s32s256shhqqq16s24s"
_LAYOUTS = (struct.Struct("<" + _NARROW), struct.Struct(">" + _NARROW), struct.Struct("<" + _WIDE))


def _records(head: bytes, layout: struct.Struct) -> list[_Record]:
    whole = len(head) // layout.size * layout.size
    return [_Record._make(values) for values in layout.iter_unpack(head[:whole])]


def _layout_of(head: bytes) -> struct.Struct | None:
    """The layout in which most of the first records speak; None when none does in any."""
    speaking = {layout: sum(record.speaks() for record in _records(head, layout)) for layout in _LAYOUTS}
    best = max(_LAYOUTS, key=lambda layout: speaking[layout])
    return best if speaking[best] else None


def _may_begin(head: bytes) -> bool:
    """Whether the first record is possible in some layout: a look at four bytes, which spares most files the rest."""
    low, high = min(head[:2], default=1), max(head[:2], default=0)
    return low == 0 and high < len(_TYPES) and not any(head[2:4])


def _address(packed: bytes) -> str:
    """ut_addr_v6, in network order: an IPv4 address in the first four bytes, or an IPv6 address."""
    if not any(packed):
        return ""
    return str(IPv6Address(packed) if any(packed[4:]) else IPv4Address(packed[:4]))


def _fields(record: _Record) -> dict[str, str]:
    """What the record says, without what it leaves empty."""
    texts = dict(zip(("line", "id", "user", "host"), map(_shown, record.texts), strict=True))
    fields = {"type": _TYPES[record.type], "pid": str(record.pid), **texts, "address": _address(record.address)}
    if record.session:
        fields["session"] = str(record.session)
    if record.termination or record.exit or _TYPES[record.type] == "DEAD_PROCESS":
        fields |= {"termination": str(record.termination), "exit": str(record.exit)}
    return {name: value for name, value in fields.items() if value}


def _defect(record: _Record) -> str:
    """Why a record cannot be read, or ""."""
    if not 0 <= record.type < len(_TYPES):
        return f"there is no record type {record.type}"
    if not 0 <= record.seconds < _LATEST:
        return f"{record.seconds} seconds since 1970 is outside 1970 to {LAST_YEAR}"
    return ""


class _File:
    """One file being read, record after record."""

    def __init__(self, source: ParserInput, layout: struct.Struct) -> None:
        self._source = source
        self._layout = layout
        self._problems = ProblemLimit(source, _STAGE)
        self._zeros = 0  # records of zeros just before the one being read

    def read(self) -> Iterator[Artefact | Problem]:
        size, offset = self._layout.size, 0
        while block := self._source.read_at(offset, size * _RECORDS_A_READING):
            for start in range(0, len(block), size):
                yield from self._record(offset + start, block[start : start + size])
            offset += len(block)
        yield from self._wiped(offset)
        yield from self._problems.summary()

    def _record(self, offset: int, data: bytes) -> Iterator[Artefact | Problem]:
        size = self._layout.size
        if len(data) == size and not any(data):
            self._zeros += 1
            return
        yield from self._wiped(offset)
        if len(data) < size:
            yield from self._problems.problem(offset, len(data), f"{len(data)} bytes are no whole record of {size}")
            return
        record = _Record._make(self._layout.unpack(data))
        if defect := _defect(record):
            yield from self._problems.problem(offset, size, defect)
            return
        yield from self._artefact(offset, record)

    def _artefact(self, offset: int, record: _Record) -> Iterator[Artefact | Problem]:
        at, raw = record.seconds * SECOND, f"{record.seconds}.{record.microseconds:06}"
        if sound := 0 <= record.microseconds <= _LAST_MICROSECOND:
            at += record.microseconds * 1000
        location = self._source.at(offset, self._layout.size)
        yield Artefact(_KIND, location, {"logged": at}, _fields(record), _NAME, _VERSION, Clock.UTC, {"logged": raw})
        if not sound:
            reason = f"{record.microseconds} microseconds are no part of a second"
            yield from self._problems.problem(offset, self._layout.size, reason)

    def _wiped(self, end: int) -> Iterator[Problem]:
        """The records of zeros that end here: slots of utmp not used yet, or what a log cleaner leaves."""
        if self._zeros:
            length = self._zeros * self._layout.size
            reason = f"{self._zeros:,} records of zeros: never used, or wiped"
            yield from self._problems.problem(end - length, length, reason)
            self._zeros = 0


@dataclass(frozen=True, slots=True)
class LoginRecordsParser:
    """Records of who logged in, who failed to, and when the machine went up and down.

    Artefacts `utmp.record`: time `logged` (UTC, to a microsecond); fields type (utmp(5): USER_PROCESS,
    DEAD_PROCESS, BOOT_TIME ...), pid, line, id, user, host, address, session, and termination and exit of a
    process that ended. What is empty is left out. Records of zeros, of an unknown type, cut ones, and
    impossible microseconds (the time then is the second) are problems.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """Every one of the first records is possible and one speaks; under a usual name one that speaks is enough."""
        usual = bool(_USUAL_NAMES.fullmatch(name))
        layout = _layout_of(head) if usual or _may_begin(head) else None
        if layout is None:
            return False
        return usual or all(record.is_possible() for record in _records(head, layout))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every record in the order of the file; see `Parser.parse`."""
        layout = _layout_of(source.read_at(0, HEAD_BYTES))
        if layout is None:
            yield Problem(source.location, _STAGE, "none of the first records is a login record in any known layout")
            return
        yield from _File(source, layout).read()


PARSER = LoginRecordsParser()
