"""The Linux audit log (auditd): raw records, and enriched ones whose names stand behind a group separator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Location, Problem
from forensics.parsers._clock import SECOND, nanoseconds
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import INCOMPLETE, Line, parse_lines
from forensics.parsers._secrets import without_secrets

_NAME, _VERSION, _KIND, _STAGE = "audit_log", "1", "audit.record", "parser audit_log"
_LINE = re.compile(
    r"(?:node=(\S+) )?type=([A-Z0-9_]+(?:\[[0-9]+\])?) msg=audit\(([0-9]{1,12})\.([0-9]{1,9}):([0-9]+)\):?\s*(.*)"
)
_START = re.compile(rb"(?:node=\S+ )?type=[A-Z0-9_\[\]]{2,40} msg=audit\(")
_PAIR = re.compile(r"((?:\b(?:old|new) )?[A-Za-z][A-Za-z0-9_-]{0,40})=(\"[^\"]*\"|'[^']*'|\S*)")
_HEX = re.compile(r"(?:[0-9A-F]{2}){2,}")
_ENCODED = {"proctitle", "cmd", "comm", "exe", "name", "cwd", "data", "acct"}
_ENRICHED = "\x1d"
_AS_NAMES = re.compile(r"a[0-9]{1,3}")


def _value(name: str, written: str) -> str:
    """A value without its quotes; what the kernel wrote in hexadecimal, because it could not quote it, as text."""
    if written[:1] in "\"'" and written[:1]:
        return written[1:-1] if len(written) > 1 and written[-1] == written[0] else written[1:]
    if (name in _ENCODED or _AS_NAMES.fullmatch(name)) and _HEX.fullmatch(written):
        text = bytes.fromhex(written).replace(b"\0", b" ").decode("utf-8", "backslashreplace")
        return text if name in _ENCODED or text.isprintable() else written
    return written


def _pairs(text: str, record: str) -> dict[str, str]:
    """Names and values; those inside msg='...' stand beside the others."""
    fields: dict[str, str] = {}
    for found, written in _PAIR.findall(text):
        name = found.replace(" ", "_")
        if name == "msg" and written[:1] == "'":
            fields |= _pairs(written[1:-1], record)
        elif _AS_NAMES.fullmatch(name) and record != "EXECVE":  # a number, whatever it looks like
            fields[name] = written
        elif (value := _value(name, written)) not in ("", "?"):
            fields.setdefault(name, without_secrets(value))
    return fields


def _read_line(line: Line, location: Location) -> Artefact | str | None:
    match = _LINE.fullmatch(line.text)
    if match is None:
        return "not a record of the audit log"
    node, record, seconds, fraction, serial, rest = match.groups()
    raw, _, names = rest.partition(_ENRICHED)
    said = {f"name.{name.lower()}": value for name, value in _pairs(names, record).items()}
    fields = {"type": record, "serial": serial, **_pairs(raw, record), **said}
    if node:
        fields["node"] = node
    if record == "EXECVE":
        count = sum(_AS_NAMES.fullmatch(name) is not None for name in fields)
        arguments = [fields.pop(f"a{number}", "") for number in range(count)]
        fields["command"] = without_secrets(" ".join(argument for argument in arguments if argument))
    if rest.startswith("avc:"):
        fields["avc"] = raw.partition(" for ")[0].removeprefix("avc:").strip()
    if line.cut:
        fields |= {"cut": "true", INCOMPLETE: "true"}
    at = int(seconds) * SECOND + nanoseconds(fraction)
    raw_time = {"logged": f"{seconds}.{fraction}"}
    return Artefact(_KIND, location, {"logged": at}, fields, _NAME, _VERSION, Clock.UTC, raw_time)


@dataclass(frozen=True, slots=True)
class AuditLogParser:
    """Artefacts `audit.record`: time `logged` (UTC, milliseconds); fields type, serial (records of one event share it),
    every name=value of the record, command of EXECVE, avc, node, and name.NAME, what auditd resolved for reading.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first line."""
        return _START.match(head) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every record in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _read_line)


PARSER = AuditLogParser()
