"""The log of the Windows Firewall, pfirewall.log: packets dropped and connections allowed, in the W3C extended form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Location, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import INCOMPLETE, Line, parse_lines
from forensics.parsers._stated import iso_time

_NAME, _VERSION, _KIND = "firewall_log", "1", "firewall.record"
_SOFTWARE = re.compile(rb"#Software: *Microsoft Windows Firewall", re.IGNORECASE)
_FIELDS, _FORMAT = "#fields:", "#time format:"
_NAMES = {
    "src-ip": "source", "dst-ip": "destination", "src-port": "source_port", "dst-port": "destination_port",
    "tcpflags": "tcp_flags", "tcpsyn": "tcp_sequence", "tcpack": "tcp_acknowledged", "tcpwin": "tcp_window",
    "icmptype": "icmp_type", "icmpcode": "icmp_code", "path": "direction",
}  # fmt: skip
_COLUMNS_LIMIT = 64


class _Log:
    """One log being read: the columns and the kind of time that its directives say."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._columns: list[str] = []
        self._utc = False

    def read_line(self, line: Line, location: Location) -> Artefact | str | None:
        """The line as an artefact, why it is none, or None for a directive."""
        if line.text.startswith("#"):
            self._directive(line.text.lower())
            return None
        values = line.text.split(" ")
        if not self._columns:
            return "a line without a #Fields directive above it"
        if len(values) > len(self._columns):
            return f"{len(values)} values for {len(self._columns)} columns"
        given = dict(zip(self._columns, values, strict=False))
        written = f"{given.pop('date', '')} {given.pop('time', '')}"
        try:
            time = iso_time(f"{written}Z" if self._utc else written, self._facts.source.zone)
        except ImpossibleTimeError as error:
            return str(error)
        if time is None:
            return "a line without date and time"
        fields: dict[str, object] = {_NAMES.get(name, name): value for name, value in given.items() if value != "-"}
        fields |= {"ambiguous": time.ambiguous and "true", "skipped": time.skipped and "true"}
        fields[INCOMPLETE] = "true" if len(values) < len(self._columns) else ""
        moment = time.moment._replace(written=written)
        place = (line.offset, line.length)
        shown = {name: value or "" for name, value in fields.items()}
        return self._facts.artefact(_KIND, {"logged": moment}, shown, place=place, clock=time.clock)

    def _directive(self, text: str) -> None:
        if text.startswith(_FIELDS):
            self._columns = text[len(_FIELDS) :].split()[:_COLUMNS_LIMIT]
        elif text.startswith(_FORMAT):
            self._utc = text[len(_FORMAT) :].strip() in ("utc", "gmt")


@dataclass(frozen=True, slots=True)
class FirewallLogParser:
    """Artefacts `firewall.record`: time `logged` (local unless the log says UTC); fields action, protocol, source,
    source_port, destination, destination_port, size, tcp_flags, ..., direction.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the directive that names the software."""
        return head.startswith(b"#") and _SOFTWARE.search(head[:512]) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Records in the order of the file; see `Parser.parse`."""
        log = _Log(Facts(source, self.name, self.version))
        yield from parse_lines(source, f"parser {self.name}", log.read_line)


PARSER = FirewallLogParser()
