"""PostgreSQL's logs as text (log_line_prefix), CSV and JSON: its manual, "Error Reporting and Logging".

What stands before the severity is the administrator's choice. The time is looked for at the line's beginning, as %m
and %t write it; who and whence by the forms in use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from forensics.model import Artefact, Location, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import HEAD_BYTES, ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import Line, ProblemLimit, head_lines, parse_lines, shown
from forensics.parsers._rows import Rows
from forensics.parsers._secrets import without_secrets
from forensics.parsers._stamps import WRITTEN, Stamps

_NAME, _VERSION, _KIND, _STAGE = "postgresql_log", "1", "postgresql.line", "parser postgresql_log"
_LINE = re.compile(rf"{WRITTEN}(.{{0,400}}?)\b([^\W\d_a-z]{{3,20}}[1-5]?):  (.*)", re.DOTALL)
_TIME = re.compile(WRITTEN)
_SEVERITY = re.compile(
    r"LOG|ERROR|FATAL|PANIC|WARNING|NOTICE|INFO|DEBUG[1-5]?|STATEMENT|DETAIL|HINT|CONTEXT|QUERY|LOCATION"
    r"|FEHLER|HINWEIS|WARNUNG|ANWEISUNG|HATA|UYARI|ERREUR|ATTENTION|ОШИБКА|СООБЩЕНИЕ|ОПЕРАТОР"
)
"""In the languages servers mostly speak: only what makes a file look like PostgreSQL's."""
_PID = re.compile(r"[\[(]([0-9]{1,9})(?:-[0-9]+)?[\])]")
_NAMED = re.compile(r"\b(user|db|database|app|client|host|remote)=([^\s,]*)")
_AT = re.compile(r"([^\s@,:\[\]]+)@([^\s,:\[\]]+)")
_PEER = re.compile(r"([0-9A-Fa-f.:]{3,45})\(([0-9]{1,5})\)")
_OURS = {"db": "database", "app": "application", "client": "client", "host": "client", "remote": "client"}
_COLUMNS = (
    *("", "user", "database", "pid", "client", "session", "", "command_tag", "session_start", "", ""),
    *("severity", "sql_state", "message", "detail", "hint", "", "", "context", "statement", "", "", "application"),
    *("backend", "", ""),
)
_KEYS = {
    **{"user": "user", "dbname": "database", "pid": "pid", "remote_host": "client", "remote_port": "port"},
    **{"session_id": "session", "ps": "command_tag", "session_start": "session_start", "error_severity": "severity"},
    **{"state_code": "sql_state", "message": "message", "detail": "detail", "hint": "hint", "context": "context"},
    **{"statement": "statement", "application_name": "application", "backend_type": "backend"},
}
_CSV = re.compile(rb'[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{8,12} [A-Z0-9+-]{1,6},(?:"[^"\n]*")?,(?:"[^"\n]*")?,[0-9]+,')
_JSON = re.compile(
    rb'\{"timestamp":"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]{8,12} [A-Z0-9+-]{1,6}",.{0,2000}"error_severity"'
)
_DATED = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_ACTIONS = (
    (re.compile(r"connection received: host=(?P<client>\S+)(?: port=(?P<port>[0-9]+))?"), "connection received"),
    (re.compile(r"connection authorized: user=(?P<user>\S+)(?: database=(?P<database>\S+))?"), "login accepted"),
    (re.compile(r"\w+ authentication failed for user \"(?P<user>[^\"]{0,128})\""), "login failed"),
    (re.compile(r"no pg_hba\.conf entry for host \"(?P<client>[^\"]*)\", user \"(?P<user>[^\"]*)\""), "login refused"),
    (re.compile(r"disconnection: session time: \S+ user=(?P<user>\S+) database=(?P<database>\S+)"), "disconnected"),
)


def _prefix(text: str) -> dict[str, str]:
    """Process, user, database and client in what stands between the time and the severity."""
    fields = {"pid": pid[1]} if (pid := _PID.search(text)) else {}
    named = {_OURS.get(name, name): value for name, value in _NAMED.findall(text) if value and value != "[unknown]"}
    if not named and (at := _AT.search(text)):
        named = {"user": at[1], "database": at[2]}
    if peer := _PEER.search(text):
        named |= {"client": re.sub("^:(?!:)", "", peer[1]), "port": peer[2]}
    return fields | named


def _action(message: str) -> dict[str, str]:
    for pattern, action in _ACTIONS:
        if match := pattern.match(message):
            return {"action": action} | {name: value for name, value in match.groupdict().items() if value}
    return {}


class _Log:
    """One log being read."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._stamps = Stamps(source.zone)
        self._problems = ProblemLimit(source, _STAGE)

    def _made(self, written: re.Match[str], fields: Mapping[str, str], place: tuple[int, int]) -> Artefact:
        """Raises ImpossibleTimeError."""
        stamp = self._stamps.read(written)
        kept = {name: without_secrets(value) for name, value in fields.items() if name and value}
        said = _action(kept.get("message", "")) | kept | dict(stamp.fields)
        return self._facts.artefact(_KIND, {"logged": stamp.moment}, said, place=place, clock=stamp.clock)

    def line(self, line: Line, location: Location) -> Artefact | str | None:
        """An entry of a log as text."""
        match = _LINE.match(line.text)
        if match is None or not match[10].isupper():
            return "not an entry of PostgreSQL"
        fields = _prefix(match[9]) | {"severity": match[10], "message": match[11].replace("\n\t", "\n")}
        try:
            return self._made(match, fields | ({"cut": "true"} if line.cut else {}), (line.offset, line.length))
        except ImpossibleTimeError as error:
            return str(error)

    def json(self, line: Line, location: Location) -> Artefact | str | None:
        """A line of jsonlog."""
        try:
            told = json.loads(line.text, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError):
            return "no JSON object"
        written = _TIME.fullmatch(str(told.get("timestamp"))) if isinstance(told, dict) else None
        if written is None:
            return "no JSON object with a time"
        try:
            fields = {_KEYS[name]: str(value) for name, value in told.items() if name in _KEYS and value is not None}
            return self._made(written, fields, (line.offset, line.length))
        except ImpossibleTimeError as error:
            return str(error)

    def csv(self) -> Iterator[Artefact | Problem]:
        """The rows of csvlog."""
        for offset, length, values in Rows(self._source).read(","):
            if isinstance(values, str):
                yield from self._problems.problem(offset, length, values)
            elif any(values):
                yield from self._row(values, (offset, length))
        yield from self._problems.summary()

    def _row(self, values: list[str], place: tuple[int, int]) -> Iterator[Artefact | Problem]:
        written = _TIME.fullmatch(values[0])
        if written is None or len(values) < 22:
            yield from self._problems.problem(*place, f"no row of PostgreSQL: {shown(','.join(values))}")
            return
        fields = dict(zip(_COLUMNS, values, strict=False))
        fields["client"], _, fields["port"] = fields["client"].rpartition(":")
        try:
            yield self._made(written, fields, place)
        except ImpossibleTimeError as error:
            yield from self._problems.problem(*place, f"{error}: {shown(','.join(values))}")


def _begins(text: str) -> bool:
    match = _LINE.match(text)
    return match is not None and match[10].isupper()


@dataclass(frozen=True, slots=True)
class PostgresqlLogParser:
    """What a PostgreSQL server wrote.

    Artefacts `postgresql.line`: time `logged`; fields severity, message, pid, user, database, client, port,
    application, and of CSV and JSON also session, session_start, command_tag, sql_state, detail, hint, context,
    statement, backend; `action` for connections and log-ins. `zone`: letters of a zone that are not UTC; see `Stamp`.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first line; text by a severity behind a time in the first lines."""
        if _CSV.match(head) or _JSON.match(head):
            return True
        if not _DATED.match(head) and "postgres" not in name.lower():
            return False
        found = [match for line in head_lines(head) if (match := _LINE.match(line))]
        return any(_SEVERITY.fullmatch(match[10]) for match in found)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every entry in the order of the file; see `Parser.parse`."""
        head, log = source.read_at(0, HEAD_BYTES), _Log(source)
        if _CSV.match(head):
            yield from log.csv()
        elif head.startswith(b"{"):
            yield from parse_lines(source, _STAGE, log.json)
        else:
            yield from parse_lines(source, _STAGE, log.line, _begins)


PARSER = PostgresqlLogParser()
