"""The system's time zone: /etc/localtime (RFC 8536, TZif) and /etc/timezone. What times of local logs mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts

_NAME, _VERSION, _KIND = "time_zone", "1", "system.time_zone"
_MAGIC = b"TZif"
_FOOTER = re.compile(rb"\n([ -~]{1,200})\n\Z")
_ZONE_NAME = re.compile(rb"([A-Za-z][A-Za-z0-9_+-]{1,30}(?:/[A-Za-z0-9_+-]{1,30}){0,2})\s*")
_TAIL = 256


@dataclass(frozen=True, slots=True)
class TimeZoneParser:
    """Artefact `system.time_zone`: rule (as the TZ variable of POSIX writes it), or name. It has no time, and declares
    no zone: that is the examiner's to do.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the file's name, for a system holds hundreds of zones, and its signature or a zone's name."""
        if name.startswith("localtime"):
            return head.startswith(_MAGIC)
        return name == "timezone" and _ZONE_NAME.fullmatch(head) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The one artefact; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)
        head = source.read_at(0, 128)
        if not head.startswith(_MAGIC):
            named = _ZONE_NAME.fullmatch(head)
            yield facts.artefact(_KIND, {}, {"name": named[1].decode()}) if named else facts.problem("no zone's name")
            return
        start = max(source.size - _TAIL, 0)
        footer = _FOOTER.search(source.read_at(start, _TAIL))
        if footer is None:
            yield facts.problem("a zone without a rule at its end (version 1 of the format, or a zone without one)")
            return
        place = start + footer.start(1), len(footer[1])
        yield facts.artefact(_KIND, {}, {"rule": footer[1].decode("ascii")}, place=place)


PARSER = TimeZoneParser()
