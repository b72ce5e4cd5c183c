"""When each user last logged in: /var/log/lastlog of Linux, a record of 292 bytes for every user number (lastlog(8)).

The file is mostly holes: its length says nothing. Only records with a time are facts.
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

_NAME, _VERSION, _KIND, _STAGE = "last_logins", "1", "lastlog.record", "parser last_logins"
_RECORD = struct.Struct("<I32s256s")
_READING = 4096
_TIMES_OF_LINUX = range(631_152_000, 4_102_444_800)
"""Seconds of 1990 to 2099."""


def _text(room: bytes) -> str:
    return room.partition(b"\0")[0].decode("utf-8", "backslashreplace")


def _possible(record: bytes) -> bool:
    """Whether a record is empty, or one that login would write."""
    if not any(record):
        return True
    seconds, line, host = _RECORD.unpack(record)
    return seconds in _TIMES_OF_LINUX and _text(line).isprintable() and _text(host).isprintable()


@dataclass(frozen=True, slots=True)
class LastLoginsParser:
    """Artefacts `lastlog.record`: time `logged_in` (UTC, seconds); fields uid, line, host."""

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the file's name and records that login would write."""
        if not name.startswith("lastlog") or len(head) < _RECORD.size:
            return False
        whole = len(head) // _RECORD.size * _RECORD.size
        return all(_possible(head[at : at + _RECORD.size]) for at in range(0, whole, _RECORD.size))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every user that logged in, by number; see `Parser.parse`."""
        facts, problems = Facts(source, self.name, self.version), ProblemLimit(source, _STAGE)
        number = 0
        while block := source.read_at(number * _RECORD.size, _RECORD.size * _READING):
            if any(block):
                for start in range(0, len(block), _RECORD.size):
                    record = block[start : start + _RECORD.size]
                    user = number + start // _RECORD.size
                    if any(record):
                        yield from self._record(facts, problems, user, record)
            number += _READING
        yield from problems.summary()

    def _record(self, facts: Facts, problems: ProblemLimit, user: int, record: bytes) -> Iterator[Artefact | Problem]:
        place = user * _RECORD.size, len(record)
        if len(record) < _RECORD.size or not _possible(record):
            yield from problems.problem(*place, f"no record of a last log-in of user {user}")
            return
        seconds, line, host = _RECORD.unpack(record)
        fields = {"uid": user, "line": _text(line), "host": _text(host)}
        yield facts.artefact(_KIND, {"logged_in": Moment(seconds * SECOND, str(seconds))}, fields, place=place)


PARSER = LastLoginsParser()
