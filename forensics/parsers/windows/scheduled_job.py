"""Scheduled tasks of Windows before Vista and of `at`: binary .job files, [MS-TSCH] section 2.4."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._clock import CivilTime, ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._stated import Stated, by_clock, stated
from forensics.parsers._windows import guid

_NAME, _VERSION = "scheduled_job", "1"
_TASK, _TRIGGER = "job.task", "job.trigger"
_FIXED = struct.Struct("<HH16sHHHHHHIIIII8H")  # section 2.4.1
_STRINGS_AT = 70  # section 2.4.2: behind the fixed part and a count of running instances
_TRIGGER_SIZE = 48
_TRIGGERS = struct.Struct("<HHHHHHHHHHIIIIHHH")  # section 2.4.2.11
_SIZE_LIMIT = 1 << 20
_MAJOR_VERSIONS = (4, 5, 6, 10)
_STRINGS = ("command", "arguments", "working_directory", "author", "comment")
_STATES = {
    0x41300: "ready", 0x41301: "running", 0x41302: "disabled", 0x41303: "has not run", 0x41304: "no more runs",
    0x41305: "not scheduled", 0x41306: "terminated",
}  # fmt: skip
_FLAGS = {
    0x1: "interactive", 0x2: "delete when done", 0x4: "disabled", 0x10: "only if idle", 0x20: "ended if no longer idle",
    0x40: "not on batteries", 0x80: "ended on batteries", 0x200: "hidden", 0x800: "restarted when idle again",
    0x1000: "wakes the system", 0x2000: "only if logged on",
}  # fmt: skip
_KINDS = ("once", "daily", "weekly", "monthly", "monthly by weekday", "when idle", "at start", "at log-on")
_DISABLED = 0x4


class _CutError(ValueError):
    """The file ends within something; `str()` says in what."""


def _local(facts: Facts, *parts: int) -> Stated | None:
    """Year, month, day, hour, minute, second, milliseconds of local time; None where there is no such time."""
    written = "{:04}-{:02}-{:02} {:02}:{:02}:{:02}.{:03}".format(*parts)
    try:
        return stated(CivilTime(*parts[:6]), facts.source.zone, written, nanos=parts[6] * 1_000_000)
    except ImpossibleTimeError:
        return None


def _strings(data: bytes) -> tuple[dict[str, object], int]:
    """The five texts, each a count of characters with its terminator, and where they end."""
    at, found = _STRINGS_AT, dict[str, object]()
    for name in _STRINGS:
        length = 2 * int.from_bytes(data[at : at + 2], "little")
        text = data[at + 2 : at + 2 + length]
        if at + 2 > len(data) or len(text) < length:
            raise _CutError(f"the job is cut within its {name.replace('_', ' ')}")
        found[name] = text.decode("utf-16-le", "backslashreplace").rstrip("\0")
        at += 2 + length
    return found, at


def _triggers(facts: Facts, data: bytes, at: int, command: object) -> Iterator[Artefact | Problem]:
    count = int.from_bytes(data[at : at + 2], "little")
    for number in range(count):
        start = at + 2 + number * _TRIGGER_SIZE
        if start + _TRIGGER_SIZE > len(data):
            yield facts.problem(f"the job says it has {count:,} triggers, {number:,} could be read")
            return
        (_, _, *dates, hour, minute, duration, interval, flags, kind, one, two, three) = _TRIGGERS.unpack_from(
            data, start
        )
        begin = _local(facts, *dates[:3], hour, minute, 0, 0)
        end = _local(facts, *dates[3:], 0, 0, 0, 0) if flags & 1 else None  # TASK_TRIGGER_FLAG_HAS_END_DATE
        times = {name: time for name, time in (("begins", begin), ("ends", end)) if time is not None}
        fields: dict[str, object] = {
            "trigger": _KINDS[kind] if kind < len(_KINDS) else kind,
            "command": command,
            "repeat_minutes": interval or "",
            "repeat_for_minutes": duration or "",
            "details": f"{one} {two} {three}" if one or two or three else "",
            "disabled": "true" if flags & _DISABLED else "",
        }
        yield from by_clock(facts, _TRIGGER, times, fields, (start, _TRIGGER_SIZE))


def _job(facts: Facts, data: bytes) -> Iterator[Artefact | Problem]:
    if len(data) < _STRINGS_AT:
        raise _CutError("the job is cut within its fixed part")
    version, _, identifier, _, triggers, *_, code, state, flags, year, month, _, day, hour, minute, second, milli = (
        _FIXED.unpack_from(data)
    )
    strings, _ = _strings(data)
    last = _local(facts, year, month, day, hour, minute, second, milli)
    fields: dict[str, object] = {
        **strings,
        "state": _STATES.get(state, f"{state:08x}"),
        "exit_code": f"{code:08x}",
        "flags": ", ".join(name for bit, name in _FLAGS.items() if flags & bit),
        "identifier": guid(identifier),
        "windows": f"{version >> 8}.{version & 255}",
    }
    yield from by_clock(facts, _TASK, {} if last is None else {"last_run": last}, fields)
    yield from _triggers(facts, data, triggers, strings["command"])


@dataclass(frozen=True, slots=True)
class ScheduledJobParser:
    """Artefacts `job.task`: time `last_run` (local time); fields command, arguments, working_directory, author,
    comment, state, exit_code, flags, identifier, windows. Artefacts `job.trigger`: times `begins`, `ends` (local time);
    fields trigger, command, repeat_minutes, repeat_for_minutes, details, disabled.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_TASK, _TRIGGER)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the name's ending, a version of Windows, the file version 1 and where the command must stand."""
        return (
            name.lower().endswith(".job")
            and len(head) >= _STRINGS_AT
            and head[1] in _MAJOR_VERSIONS
            and head[2:4] == b"\1\0"
            and head[20:22] == _STRINGS_AT.to_bytes(2, "little")
        )

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The task, then its triggers; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        try:
            yield from _job(facts, source.read_at(0, min(source.size, _SIZE_LIMIT)))
        except _CutError as error:
            yield facts.problem(str(error))


PARSER = ScheduledJobParser()
