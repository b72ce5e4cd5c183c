"""MySQL and MariaDB: error log, general query log, slow query log.

The general log writes a time only where it differs from that of the line above (before MySQL 5.7, and MariaDB): such
lines have the time above them. Older servers write local time with two digits of the year.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Location, Problem
from forensics.parsers._clock import SECOND, CivilTime, ImpossibleTimeError
from forensics.parsers._contract import HEAD_BYTES, ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import Line, head_lines, parse_lines
from forensics.parsers._secrets import without_secrets
from forensics.parsers._stamps import WRITTEN, Stamp, Stamps

_NAME, _VERSION, _STAGE = "mysql_log", "1", "parser mysql_log"
_ERROR, _STATEMENT, _SLOW = "mysql.error", "mysql.statement", "mysql.slow"

_SHORT = r"([0-9]{2})([0-9]{2})([0-9]{2}) {1,2}([0-9]{1,2}):([0-9]{2}):([0-9]{2})"
_LEVELS = "Note|Warning|ERROR|Error|System|INFO"
_ERROR_LINE = re.compile(
    rf"(?:{WRITTEN}|{_SHORT})(?: (0x[0-9a-f]+|[0-9a-f]+)(?= \[| [A-Z]))? (?:\[({_LEVELS})\] (?:\[(MY-[0-9]+)\] )?"
    r"(?:\[([A-Za-z_ -]+)\] )?)?(.*)",
    re.DOTALL,
)
_GENERAL_LINE = re.compile(
    rf"(?:{WRITTEN}|{_SHORT})?[\t ]+([0-9]+) ([A-Z][a-z]+(?: [A-Za-z]+){{0,2}})(?:\t(.*))?", re.DOTALL
)
_CONTINUED = re.compile(rf"(?:{WRITTEN}|{_SHORT}|\t)\t *[0-9]+ [A-Z][a-z]")
_BANNER = re.compile(r"\S.{0,300}, Version: .{1,300}|Tcp port: .{0,300}|Time +Id Command +Argument")
_SLOW_TIME = re.compile(rf"# Time: (?:{WRITTEN}|{_SHORT})")
_SLOW_USER = re.compile(
    r"# User@Host: (.{0,200}?)\[(.{0,200}?)\] @ +(\S{0,255}) *\[(\S{0,64})\](?: *(?:Id|Thread_id): +([0-9]+))?"
)
_SLOW_VALUE = re.compile(r"([A-Z][A-Za-z_]{2,40}): +(\S+)")
_SLOW_FIELDS = {
    "Query_time": "query_seconds",
    "Lock_time": "lock_seconds",
    "Rows_sent": "rows_sent",
    "Rows_examined": "rows_examined",
    "Schema": "database",
}
_SET_TIMESTAMP = re.compile(r"SET timestamp=([0-9]{1,12})(?:\.([0-9]{1,9}))?;")
_USE = re.compile(r"use (.{1,128});", re.IGNORECASE)
_FIRST = re.compile(
    rb"[^\n]{1,300}, Version: [^\n]{1,300}(?:started with|embedded library)|# Time: [0-9]|# User@Host: "
    rb"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][ 0-9:.Z+-]{8,26} [0-9a-fx]+ \[(?:Note|Warning|ERROR|System)\]"
    rb"|[0-9]{6} {1,2}[0-9: ]{7,8} (?:mysqld_safe|\[(?:Note|Warning|ERROR)\])"
)
_USUAL = re.compile(
    r"(?:mysqld?|mariadbd?)(?:[-_.].*)?\.(?:log|err)(?:[.-].*)?|.*-slow\.log(?:[.-].*)?|general\.log|.+\.err"
)


class _Server:
    """One log being read, entry after entry."""

    def __init__(self, source: ParserInput) -> None:
        self._facts = Facts(source, _NAME, _VERSION)
        self._stamps = Stamps(source.zone)
        self._last: Stamp | None = None
        self._timed = False

    def begins_error(self, text: str) -> bool:
        """Whether a line begins an entry of the error log."""
        return _ERROR_LINE.match(text) is not None

    def begins_general(self, text: str) -> bool:
        """Whether a line begins an entry of the general log."""
        return _CONTINUED.match(text) is not None or _BANNER.fullmatch(text) is not None

    def begins_slow(self, text: str) -> bool:
        """Whether a line begins an entry of the slow log: the user's, where no time stands before it."""
        time, self._timed = self._timed, text.startswith("# Time: ")
        return self._timed or (text.startswith("# User@Host: ") and not time) or _BANNER.fullmatch(text) is not None

    def _stamp(self, match: re.Match[str]) -> Stamp | None:
        """The time in the first fourteen groups of a match, long or short."""
        if match[1]:
            return self._stamps.read(match)
        if not match[9]:
            return None
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[8:14])
        civil = CivilTime(year + (1900 if year >= 70 else 2000), month, day, hour, minute, second)
        return self._stamps.civil(civil, match.string[match.start(9) : match.end(14)])

    def _made(self, kind: str, stamp: Stamp, line: Line, fields: dict[str, object]) -> Artefact:
        said = {**fields, **stamp.fields, "cut": "true" if line.cut else ""}
        place = line.offset, line.length
        return self._facts.artefact(kind, {"logged": stamp.moment}, said, place=place, clock=stamp.clock)

    def error(self, line: Line, location: Location) -> Artefact | str | None:
        """An entry of the error log."""
        match = _ERROR_LINE.match(line.text)
        if match is None:
            return "an entry without a time"
        try:
            stamp = self._stamp(match)
        except ImpossibleTimeError as error:
            return str(error)
        assert stamp is not None  # noqa: S101 - the pattern wants one of the two
        thread, level, code, part, message = match.groups()[14:]
        fields = {
            "level": level,
            "code": code,
            "subsystem": part,
            "thread": thread,
            "message": without_secrets(message),
        }
        return self._made(_ERROR, stamp, line, fields)

    def general(self, line: Line, location: Location) -> Artefact | str | None:
        """An entry of the general log; None for the lines a server writes when it opens the file."""
        if _BANNER.fullmatch(line.text.partition("\n")[0]):
            return None
        match = _GENERAL_LINE.fullmatch(line.text)
        if match is None:
            return "not an entry of the general query log"
        try:
            stamp = self._stamp(match)
        except ImpossibleTimeError as error:
            return str(error)
        fields: dict[str, object] = {"connection": match[15], "command": match[16]}
        fields["statement"] = without_secrets(match[17] or "")
        if stamp is None:
            if self._last is None:
                return self._facts.artefact(_STATEMENT, {}, fields, place=(line.offset, line.length))
            stamp, fields["time_from_above"] = self._last, "true"
        self._last = stamp
        return self._made(_STATEMENT, stamp, line, fields)

    def slow(self, line: Line, location: Location) -> Artefact | str | None:
        """An entry of the slow log."""
        first, *rest = line.text.split("\n")
        if _BANNER.fullmatch(first):
            return None
        if not first.startswith("# "):
            return "not an entry of the slow query log"
        fields: dict[str, object] = {}
        moment, statement = Moment(None, ""), []
        for text in (first, *rest):
            if stamped := _SET_TIMESTAMP.fullmatch(text):
                fraction = int(((stamped[2] or "") + "000000000")[:9])
                moment = Moment(int(stamped[1]) * SECOND + fraction, text[14:-1])
            elif text.startswith("# "):
                fields |= _slow_head(text)
            elif use := _USE.fullmatch(text):
                fields["database"] = use[1].strip("`")
            elif not _BANNER.fullmatch(text):
                statement.append(text)
        fields["statement"] = without_secrets("\n".join(statement))
        return self._slow_times(line, moment, fields)

    def _slow_times(self, line: Line, moment: Moment, fields: dict[str, object]) -> Artefact | str:
        """The time of the statement itself is UTC; that of the log is kept where it is all there is."""
        if match := _SLOW_TIME.match(line.text):
            try:
                self._last = self._stamp(match)
            except ImpossibleTimeError as error:
                return str(error)
        if moment.at is not None:
            return self._facts.artefact(_SLOW, {"stamped": moment}, fields, place=(line.offset, line.length))
        if self._last is None:
            return self._facts.artefact(_SLOW, {}, fields, place=(line.offset, line.length))
        if not match:
            fields["time_from_above"] = "true"
        return self._made(_SLOW, self._last, line, fields)


def _slow_head(text: str) -> dict[str, object]:
    if user := _SLOW_USER.match(text):
        names = {"user": user[2] or user[1], "host": user[3], "address": user[4], "connection": user[5]}
        return {name: value for name, value in names.items() if value}
    return {_SLOW_FIELDS[name]: value for name, value in _SLOW_VALUE.findall(text) if name in _SLOW_FIELDS}


Reader = Callable[[Line, Location], Artefact | str | None]


def _readers(head: bytes, server: _Server) -> tuple[Reader, Callable[[str], bool]]:
    """How the entries of a log are read, by its first bytes, and where they begin."""
    lines = head_lines(head)
    if any(line.startswith(("# User@Host: ", "# Query_time: ")) for line in lines):
        return server.slow, server.begins_slow
    if any(line.startswith("Time ") or _CONTINUED.match(line) for line in lines):
        return server.general, server.begins_general
    return server.error, server.begins_error


@dataclass(frozen=True, slots=True)
class MysqlLogParser:
    """What a MySQL or MariaDB server wrote of itself and of its clients.

    Artefacts `mysql.error`: time `logged`; fields level, code, subsystem, thread, message. `mysql.statement`: time
    `logged` (`time_from_above` where the line has none of its own); fields connection, command, statement.
    `mysql.slow`: time `stamped` (of the statement, UTC), else `logged`; fields user, host, address, connection,
    database, query_seconds, lock_seconds, rows_sent, rows_examined, statement.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_ERROR, _STATEMENT, _SLOW)

    def accepts(self, head: bytes, name: str) -> bool:
        """By its first line; under a usual name by one line that begins an entry."""
        if _FIRST.match(head):
            return True
        if not _USUAL.fullmatch(name) or b"\0" in head:
            return False
        return any(_FIRST.match(line.encode()) or _CONTINUED.match(line) for line in head_lines(head))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every entry in the order of the file; see `Parser.parse`."""
        read, begins = _readers(source.read_at(0, HEAD_BYTES), _Server(source))
        yield from parse_lines(source, _STAGE, read, begins)


PARSER = MysqlLogParser()
