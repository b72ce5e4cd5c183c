"""Syslog and auth.log: RFC 3164 lines, RFC 5424 lines, and rsyslog's lines with RFC 3339 times.

A date without a year (RFC 3164 section 4.1.2) gets the one `_years` infers from the file's own
modified time; the artefact then says `year_inferred`. Times without an offset are the host's local
time: converted with the zone the examiner declared, else left as if UTC with the clock UNKNOWN.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from forensics.model import Artefact, Clock, Location, Problem
from forensics.parsers._clock import (
    MONTHS,
    SECOND,
    CivilTime,
    ImpossibleTimeError,
    LocalClock,
    nanoseconds,
    offset_seconds,
    within_hour,
)
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import Line, head_lines, may_hold, parse_lines, read_lines
from forensics.parsers._years import InferredYears, UndatedLine
from forensics.parsers.logs._authentication import read_meaning

_NAME, _VERSION, _KIND, _STAGE = "syslog", "1", "syslog.line", "parser syslog"

# RFC 5424 section 6.2.1, tables 1 and 2; the short names are those of syslog.h
# fmt: off
_FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)
_SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
# fmt: on

_PRIORITY = re.compile(r"<([0-9]{1,3})>")
_UNDATED = re.compile(
    rf"({'|'.join(MONTHS)}) {{1,2}}([0-9]{{1,2}}) (?:([0-9]{{4}}) )?"
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?(:?)(?: +|$)"
)
_DATED = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,9}))?"
    r"([Zz]|[+-][0-9]{2}:?[0-9]{2})(?: +|$)"
)
_VERSIONED = re.compile(r"[1-9][0-9]{0,2} (?=[0-9]{4}-|- )")
_TIME_IN_BYTES = re.compile(rb"[ Tt][0-9]{2}:[0-9]{2}:[0-9]{2}|[0-9] (?:[0-9]{4}-|- )")
"""What stands in every line that begins as one of the three patterns above."""
_TAGGED = re.compile(
    r"(?:([^\s\[\]]*[^\s\[\]:]) +)?([^\s:\[]+)"  # host, program
    r"(?:\[([^\]\s]*)\](?: \([^)]*\))?(?: <([A-Za-z]+)>)?:|:(?= |$))(?: |$)?"  # process id, macOS's level
)
_HOST = re.compile(r"([^\s\[\]]*[^\s\[\]:]) +")
_HEADER_5424 = re.compile(
    r"(\S+) (\S+) (\S+) (\S+) (-|(?:\[[^\]\"]*(?:\"[^\"\\]*(?:\\.[^\"\\]*)*\"[^\]\"]*)*\])+)(?: |$)"
)
_ELEMENT = re.compile(r"\[([^\s=\]\"]+)((?:[^\]\"]*\"[^\"\\]*(?:\\.[^\"\\]*)*\")*)[^\]\"]*\]")
_PARAMETER = re.compile(r"([^\s=\]\"]+)=\"([^\"\\]*(?:\\.[^\"\\]*)*)\"")
_ESCAPED = re.compile(r"\\([\"\\\]])")

_USUAL_NAMES = re.compile(
    r"(?:syslog|messages|secure|(?:auth|daemon|kern|mail|user|cron|system|debug)\.log|cron|maillog)(?:[.-].*)?",
    re.IGNORECASE,
)


def _undated_lines(source: ParserInput) -> Iterator[UndatedLine]:
    """Lines whose day differs from that of the line above, and the last one: years are told by these."""
    day, last = "", None
    for line in read_lines(source):
        text = line.text
        start = text.find(">", 0, 5) + 1 if text[:1] == "<" else 0
        if text[start : start + 7] == day:
            last = line, start
        elif found := _undated_line(line, start):
            yield found
            day, last = text[start : start + 7], None
    if last and (found := _undated_line(*last)):
        yield found


def _undated_line(line: Line, start: int) -> UndatedLine | None:
    match = _UNDATED.match(line.text, start)
    if match and match[3] is None:
        month, day = MONTHS[match[1]], int(match[2])
        if 1 <= day <= calendar.monthrange(2024, month)[1]:  # a leap year, so that the 29th counts
            return UndatedLine(line.offset, month, day, f"{match[4]}:{match[5]}:{match[6]}")
    return None


class _Stamp(NamedTuple):
    """The time at the start of a line: as written, where it ends, what it is in UTC (None: not known)."""

    raw: str
    end: int
    at: int | None
    clock: Clock


class _SyslogFile:
    """One file being read, line after line."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._local = LocalClock(source.zone)
        self._years: InferredYears | None = None

    def read_line(self, line: Line, location: Location) -> Artefact | str:
        """The line as an artefact, or why it is none."""
        offset, _, text, cut = line
        fields = {"cut": "true"} if cut else {}
        try:
            start = _priority(text, fields) if text[0] == "<" else 0
            if undated := _UNDATED.match(text, start):
                stamp = self._local_stamp(undated, fields, offset)
            elif versioned := _VERSIONED.match(text, start):
                return _rfc5424(text, versioned.end(), fields, location)
            elif dated := _DATED.match(text, start):
                stamp = _Stamp(dated[0].rstrip(), dated.end(), _dated_time(dated), Clock.UTC)
            else:
                return _no_time(text)
            return _tagged(text, stamp, fields, location)
        except (ImpossibleTimeError, _NotSyslogError) as error:
            return str(error)

    def _local_stamp(self, match: re.Match[str], fields: dict[str, str], offset: int) -> _Stamp:
        month, day, written_year, hour, minute, second, fraction, _ = match.groups()
        raw = match[0].rstrip(" :")
        if written_year:
            year: int | None = int(written_year)
        else:
            year = self._inferred_year(offset)
            fields["year_inferred"] = "true" if year else "unknown"
        local = self._local
        if year is None:
            return _Stamp(raw, match.end(), None, local.clock)
        date = year, MONTHS[month], int(day), int(hour)
        seconds, within = local.hour(*date), within_hour(int(minute), int(second))
        if seconds is None:
            start = local.minute(CivilTime(*date, int(minute)))
            seconds, within = start.seconds, int(second)
            if start.ambiguous:
                fields["ambiguous"] = "true"
            if start.skipped:
                fields["skipped"] = "true"
        at = (seconds + within) * SECOND + (nanoseconds(fraction) if fraction else 0)
        return _Stamp(raw, match.end(), at, local.clock)

    def _inferred_year(self, offset: int) -> int | None:
        if self._years is None:
            source = self._source
            self._years = InferredYears(_undated_lines(source), source.reference_time, source.zone)
        return self._years.year_at(offset)

    def problem(self) -> Iterator[Problem]:
        """Why no year could be inferred, if one was wanted."""
        if self._years is not None and self._years.problem:
            yield Problem(self._source.location, _STAGE, self._years.problem)


def _no_time(text: str) -> str:
    continued = "no time at its start (it may go on from the line above)"
    return continued if text[0] in " \t" else "not a syslog line"


class _NotSyslogError(ValueError):
    """A line is none of the three forms; `str()` says why."""


def _priority(text: str, fields: dict[str, str]) -> int:
    """Where the line goes on after <PRI>, which is facility * 8 + severity."""
    match = _PRIORITY.match(text)
    if match is None:
        return 0
    value = int(match[1])
    if value > 191:
        raise _NotSyslogError(f"the priority {value} is beyond 191 (RFC 5424 section 6.2.1)")
    fields["facility"] = _FACILITIES[value >> 3]
    fields["severity"] = _SEVERITIES[value & 7]
    return match.end()


def _dated_time(match: re.Match[str]) -> int:
    day, hour, minute, second, fraction, offset = match.groups()
    seconds = _dated_hour(day, hour, offset) + within_hour(int(minute), int(second))
    return seconds * SECOND + (nanoseconds(fraction) if fraction else 0)


@lru_cache(maxsize=4096)
def _dated_hour(day: str, hour: str, offset: str) -> int:
    year, month, number = map(int, day.split("-"))
    return CivilTime(year, month, number, int(hour), 0).epoch_seconds() - offset_seconds(offset)


def _tagged(text: str, stamp: _Stamp, fields: dict[str, str], location: Location) -> Artefact:
    """Host, program, process id and message as RFC 3164 section 4.1 lays them out, and what is read in them."""
    start, program = stamp.end, ""
    if match := _TAGGED.match(text, start):
        host, program, process, level = match.groups()
        if host:
            fields["host"] = host
        fields["program"] = program
        if process:
            fields["pid"] = process
        if level:
            fields["severity"] = level.lower()
    elif text[start - 2 : start] != ": " and (match := _HOST.match(text, start)):  # "...:43: --- repeated"
        fields["host"] = match[1]
    return _artefact(text[match.end() if match else start :], program, stamp, fields, location)


def _artefact(message: str, program: str, stamp: _Stamp, fields: dict[str, str], location: Location) -> Artefact:
    fields["message"] = message
    if program:
        read_meaning(program, message, fields)
    times = {} if stamp.at is None else {"logged": stamp.at}
    raw = {"logged": stamp.raw} if stamp.raw else {}
    return Artefact(_KIND, location, times, fields, _NAME, _VERSION, stamp.clock, raw)


def _rfc5424(text: str, start: int, fields: dict[str, str], location: Location) -> Artefact:
    """RFC 5424 section 6 after its version; "-" is a value that is not given."""
    written, _, rest = text[start:].partition(" ")
    stamp = _Stamp("", 0, None, Clock.UTC)
    if written != "-":
        dated = _DATED.fullmatch(written)
        if dated is None:
            raise _NotSyslogError("an RFC 5424 line without an RFC 3339 time")
        stamp = _Stamp(written, 0, _dated_time(dated), Clock.UTC)
    header = _HEADER_5424.match(rest)
    if header is None:
        raise _NotSyslogError("an RFC 5424 line whose header or structured data is not whole")
    for name, value in zip(("host", "program", "pid", "message_id"), header.groups(), strict=False):
        if value != "-":
            fields[name] = value
    for element in _ELEMENT.finditer(header[5]):
        for name, value in _PARAMETER.findall(element[2]):
            fields[f"data.{element[1]}.{name}"] = _ESCAPED.sub(r"\1", value)
    message = rest[header.end() :].removeprefix("\ufeff")
    return _artefact(message, fields.get("program", ""), stamp, fields, location)


def _looks_like_syslog(line: str) -> bool:
    start = priority.end() if (priority := _PRIORITY.match(line)) else 0
    if _UNDATED.match(line, start) or _VERSIONED.match(line, start):
        return True
    dated = _DATED.match(line, start)  # many logs start so: only with a tag is it a syslog
    return dated is not None and _TAGGED.match(line, dated.end()) is not None


@dataclass(frozen=True, slots=True)
class SyslogParser:
    """Lines of syslog, auth.log and their kin.

    Artefacts `syslog.line`: time `logged`; fields host, program, pid, message, facility and severity
    (from <PRI>, or macOS's level), message_id and data.ID.NAME (RFC 5424), and for common lines of sshd,
    sudo, su, cron, PAM and the account tools what they say: action, user, source_ip, port, command ...
    `year_inferred` "true" (or "unknown": then there is no time), `ambiguous` a local time that occurred
    twice (the first is taken), `skipped` one that never was, `cut` a message longer than is read.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """At least half of the first lines look like syslog; one is enough under a usual name (auth.log.1)."""
        usual = _USUAL_NAMES.fullmatch(name) is not None
        if not usual and not may_hold(head, _TIME_IN_BYTES):
            return False
        lines = head_lines(head)
        matching = sum(map(_looks_like_syslog, lines))
        if usual:
            return matching > 0 or (bool(head) and not lines)
        return matching > 0 and 2 * matching >= len(lines)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every line in the order of the file; see `Parser.parse`."""
        file = _SyslogFile(source)
        yield from parse_lines(source, _STAGE, file.read_line)
        yield from file.problem()


PARSER = SyslogParser()
