"""Login records of macOS: /var/run/utmpx, records of 628 bytes behind one that names the format (utmpx(5))."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import ProblemLimit

_NAME, _VERSION, _KIND, _STAGE = "utmpx", "1", "utmpx.record", "parser utmpx"
_SIGNATURE = b"utmpx-1.00\0"
_RECORD = struct.Struct("<256s4s32sihhII256s64s")
# fmt: off
_TYPES = (
    "EMPTY", "RUN_LVL", "BOOT_TIME", "OLD_TIME", "NEW_TIME", "INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS",
    "DEAD_PROCESS", "ACCOUNTING", "SIGNATURE", "SHUTDOWN_TIME",
)
# fmt: on


def _shown(room: bytes) -> str:
    return room.partition(b"\0")[0].decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class UtmpxParser:
    """Artefacts `utmpx.record`: time `logged` (UTC, microseconds); fields type, user, line, host, pid, id."""

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the signature in the first record."""
        return head.startswith(_SIGNATURE)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every record but the first, which only names the format; see `Parser.parse`."""
        facts, problems = Facts(source, self.name, self.version), ProblemLimit(source, _STAGE)
        at = _RECORD.size
        if not source.read_at(0, len(_SIGNATURE)).startswith(_SIGNATURE):
            yield facts.problem("not the first record of utmpx")
            return
        while data := source.read_at(at, _RECORD.size):
            if len(data) < _RECORD.size:
                yield from problems.problem(at, len(data), f"{len(data)} bytes are no whole record of {_RECORD.size}")
                break
            user, identifier, line, pid, kind, _, seconds, microseconds, host, _ = _RECORD.unpack(data)
            place = at, _RECORD.size
            at += _RECORD.size
            if not 0 <= kind < len(_TYPES) or microseconds >= 1_000_000:
                yield from problems.problem(*place, f"no login record: type {kind}, {microseconds} microseconds")
                continue
            moment = Moment(seconds * SECOND + microseconds * 1000 if seconds else None, f"{seconds}.{microseconds:06}")
            fields = {
                "type": _TYPES[kind],
                "user": _shown(user),
                "line": _shown(line),
                "host": _shown(host),
                "pid": pid,
            }
            yield facts.artefact(_KIND, {"logged": moment}, fields | {"id": _shown(identifier)}, place=place)
        yield from problems.summary()


PARSER = UtmpxParser()
