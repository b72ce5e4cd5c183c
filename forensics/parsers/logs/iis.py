"""Logs of Microsoft IIS in the W3C extended format, and those of the HTTP API under it (HTTPERR).

The format is that of the W3C working draft WD-logfile-960323: directives start with "#", `#Fields` names the
columns of the lines below it, and may stand again further down. Times are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Location, Problem
from forensics.parsers._clock import SECOND, CivilTime, ImpossibleTimeError, nanoseconds
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import INCOMPLETE, Line, head_lines, may_hold, parse_lines

_NAME, _VERSION, _KIND, _STAGE = "iis", "1", "iis.request", "parser iis"

_FIELDS, _DATE = "#fields:", "#date:"
_FIELDS_IN_BYTES = re.compile(rb"#fields", re.IGNORECASE)
_SOFTWARE = re.compile(r"#Software: *Microsoft (?:\(R\) )?(?:Internet Information|HTTP )", re.IGNORECASE)
_USUAL_NAMES = re.compile(r"(?:u_)?(?:ex|extend|nc|in|httperr)[0-9]+.*", re.IGNORECASE)
_COLUMN = re.compile(r"[A-Za-z0-9_-]+(?:\([^\s()]*\))?")
_COLUMN_LIMIT = 256

_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?")
_HALF_A_DAY, _WHOLE_DAY = 43_200, 86_400

_NAMES = {  # column -> field of the artefact; others keep their own name after "column."
    "c-ip": "client",
    "c-port": "port",
    "cs-username": "user",
    "cs-method": "method",
    "cs-uri": "target",
    "cs-uri-stem": "target",
    "cs-uri-query": "query",
    "cs-version": "protocol",
    "cs-host": "vhost",
    "cs(user-agent)": "agent",
    "cs(referer)": "referrer",
    "cs(cookie)": "cookie",
    "cs-bytes": "bytes_received",
    "sc-bytes": "bytes",
    "sc-status": "status",
    "sc-substatus": "substatus",
    "sc-win32-status": "win32_status",
    "s-ip": "server",
    "s-port": "server_port",
    "s-computername": "computer",
    "s-sitename": "site",
    "s-siteid": "site",
    "s-reason": "reason",
    "s-queuename": "queue",
    "time-taken": "time_taken",
}


def _columns(text: str) -> list[str]:
    """The columns a `#Fields` directive names, in lower case; none when it does not hold together."""
    names = text[len(_FIELDS) :].split()
    if len(names) > _COLUMN_LIMIT or not all(map(_COLUMN.fullmatch, names)):
        return []
    return [name.lower() for name in names]


def _field_names(columns: list[str]) -> list[str]:
    """A field for each column; where two would share one, the later says its number too."""
    names: list[str] = []
    for number, column in enumerate(columns, start=1):
        name = _NAMES.get(column, f"column.{column}")
        names.append(f"column.{number}.{column}" if name in names else name)
    return names


class _LogFile:
    """One file being read, line after line: the columns and the day that hold where it is read."""

    def __init__(self) -> None:
        self._columns: list[str] = []
        self._names: list[str] = []
        self._separator: str | None = None
        self._day = ""  # of the last #Date
        self._later = 0  # seconds of days that passed since, as the times show
        self._last = 0
        self._days: tuple[str, int] = ("", 0)  # the last day converted

    def read_line(self, line: Line, location: Location) -> Artefact | str | None:
        """The line as an artefact, why it is none, or None for a directive."""
        if line.text[0] == "#":
            return self._directive(line.text)
        if not self._columns:
            return "a line without a #Fields directive above it"
        values = line.text.split(self._separator)
        if len(values) > len(self._columns):
            return f"{len(values)} values for {len(self._columns)} columns"
        given = dict(zip(self._columns, values, strict=False))
        fields = {name: value for name, value in zip(self._names, values, strict=False) if value not in ("-", "")}
        if len(values) < len(self._columns):
            fields[INCOMPLETE] = "true"
        if line.cut:
            fields["cut"] = "true"
        try:
            return self._artefact(given.get("date", ""), given.get("time", ""), fields, location)
        except ImpossibleTimeError as error:
            return str(error)

    def _directive(self, text: str) -> str | None:
        lower = text.lower()
        if lower.startswith(_FIELDS):
            self._columns = _columns(text)
            self._names = _field_names(self._columns)
            self._separator = "\t" if "\t" in text else None
            return None if self._columns else "a #Fields directive that names no columns"
        if lower.startswith(_DATE):
            found = _DAY.search(text)
            self._day, self._later, self._last = found[0] if found else "", 0, 0
            return None if found else "a #Date directive without a date"
        return None

    def _artefact(self, day: str, time: str, fields: dict[str, str], location: Location) -> Artefact:
        fields.pop("column.date", None)
        fields.pop("column.time", None)
        written = _TIME.fullmatch(time)
        if written is None:
            raise ImpossibleTimeError("a line without a time")
        times, raw = {}, {}
        if day or self._day:
            start = self._midnight(day or self._day)  # before the clock is judged: a bad day must not move it
            seconds = _seconds(written)
            if not day:
                start += self._passed(seconds)
                fields["date_inferred"] = "true"
            times["requested"] = (start + seconds) * SECOND + nanoseconds(written[4])
            raw["requested"] = f"{day} {time}".lstrip()
        else:
            fields |= {"date_inferred": "unknown", "time": time}
        return Artefact(_KIND, location, times, fields, _NAME, _VERSION, Clock.UTC, raw)

    def _midnight(self, day: str) -> int:
        if self._days[0] != day:
            written = _DAY.fullmatch(day)
            if written is None:
                raise ImpossibleTimeError("a line whose date is none")
            civil = CivilTime(int(written[1]), int(written[2]), int(written[3]), 0, 0)
            self._days = (day, civil.epoch_seconds())
        return self._days[1]

    def _passed(self, seconds: int) -> int:
        """Seconds of the days since the last #Date: a step back by more than half a day is a new day."""
        if self._last - seconds > _HALF_A_DAY:
            self._later += _WHOLE_DAY
        self._last = seconds
        return self._later


def _seconds(written: re.Match[str]) -> int:
    hour, minute, second = int(written[1]), int(written[2]), int(written[3])
    if hour > 23 or minute > 59 or second > 59:
        raise ImpossibleTimeError(f"there is no time of day {written[0]}")
    return (hour * 60 + minute) * 60 + second


@dataclass(frozen=True, slots=True)
class IisParser:
    """Requests that IIS answered, or the HTTP API refused.

    Artefacts `iis.request`: time `requested`; fields client, port, user, method, target, query, protocol,
    vhost, agent, referrer, cookie, status, substatus, win32_status, bytes, bytes_received, time_taken
    (milliseconds), server, server_port, computer, site, reason, queue, column.NAME for others; what the log
    gives as "-" is left out. `date_inferred`: the line has no date, the last #Date gives it ("unknown":
    there is none, and no time; the time of day is in `time`). `incomplete`: fewer values than columns. `cut`:
    longer than is read.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """The first lines name columns with a time, and IIS or the HTTP API, or the file is named as theirs are."""
        if not may_hold(head, _FIELDS_IN_BYTES):
            return False
        lines = head_lines(head)
        timed = any(line.lower().startswith(_FIELDS) and "time" in _columns(line) for line in lines)
        return timed and (any(map(_SOFTWARE.match, lines)) or _USUAL_NAMES.fullmatch(name) is not None)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every line in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _LogFile().read_line)


PARSER = IisParser()
