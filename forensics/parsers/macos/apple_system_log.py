"""Apple System Log (.asl) of OS X 10.5 to macOS 10.12: records tied by the offset of the next.

The layout is asl_file.h of Apple's syslog: a head of 80 bytes, then records of numbers and references to texts. A
reference is a place in the file, or a text of up to seven bytes itself. Offsets lead forward.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import ProblemLimit

_NAME, _VERSION, _KIND, _STAGE = "apple_system_log", "1", "asl.record", "parser apple_system_log"
_MAGIC = b"ASL DB"
_HEAD = struct.Struct(">12sIQqIQ")
_RECORD = struct.Struct(">HIQQqIHHIiiiiII6Q")
_PAIRS_LIMIT = 512
_TEXT_LIMIT = 16 * 1024
_LEVELS = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")
_LATEST = 1 << 40


class _File:
    """One file being read, record after record."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._problems = ProblemLimit(source, _STAGE)

    def read(self) -> Iterator[Artefact | Problem]:
        head = self._source.read_at(0, _HEAD.size)
        if len(head) < _HEAD.size or not head.startswith(_MAGIC):
            yield self._facts.problem("not the head of an Apple System Log")
            return
        at, last = _HEAD.unpack(head)[2], 0
        while at:
            if at <= last:
                yield from self._problems.problem(last, 0, f"the next record is said to be at {at:,}, before this one")
                break
            data = self._source.read_at(at, _RECORD.size)
            if len(data) < _RECORD.size:
                yield from self._problems.problem(at, len(data), f"the record at {at:,} is not whole")
                break
            last = at
            at, found = self._record(at, _RECORD.unpack(data))
            yield found
        yield from self._problems.summary()

    def _record(self, at: int, values: tuple[int, ...]) -> tuple[int, Artefact]:
        _, length, following, identifier, seconds, nanoseconds, level, _, pid, uid, gid = values[:11]
        count, references = values[14], values[15:]
        names = ("host", "sender", "facility", "message", "referenced_process", "session")
        fields: dict[str, object] = {
            name: self._text(reference) for name, reference in zip(names, references, strict=True)
        }
        fields["level"] = _LEVELS[level] if level < len(_LEVELS) else level
        fields |= {"pid": pid, "uid": uid, "gid": gid, "record": identifier}
        moments = {}
        if abs(seconds) < _LATEST and nanoseconds < SECOND:
            moments = {"logged": Moment(seconds * SECOND + nanoseconds, f"{seconds}.{nanoseconds:09}")}
        fields |= self._pairs(at + _RECORD.size, count // 2)
        size = min(length + 6, max(self._source.size - at, 0))
        return following, self._facts.artefact(_KIND, moments, fields, place=(at, size))

    def _pairs(self, at: int, count: int) -> dict[str, object]:
        """Further keys and values of a record."""
        data = self._source.read_at(at, 16 * min(count, _PAIRS_LIMIT))
        whole = data[: len(data) // 16 * 16]
        return {f"data.{self._text(key)}": self._text(value) for key, value in struct.iter_unpack(">QQ", whole)}

    def _text(self, reference: int) -> str:
        """A text of the file, or in the reference itself (its first bit says so); "" for none."""
        packed = reference.to_bytes(8, "big")
        if packed[0] & 0x80:
            return packed[1 : 1 + (packed[0] & 0x7F)].decode("utf-8", "backslashreplace")
        if not reference:
            return ""
        head = self._source.read_at(reference, 6)
        if len(head) < 6:
            return "[outside of the file]"
        length = min(int.from_bytes(head[2:6], "big"), _TEXT_LIMIT)
        return self._source.read_at(reference + 6, length).rstrip(b"\0").decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class AppleSystemLogParser:
    """Artefacts `asl.record`: time `logged` (UTC, nanoseconds); fields host, sender, facility, level, message, pid,
    uid, gid, session, record, data.NAME.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the file's signature."""
        return head.startswith(_MAGIC + b"\0\0\0\0\0\0")

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every record in the order they are tied; see `Parser.parse`."""
        yield from _File(source).read()


PARSER = AppleSystemLogParser()
