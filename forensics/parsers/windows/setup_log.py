"""Logs of device and driver installation: setupapi.dev.log and others of Windows Vista and later, setupapi.log of XP.

The format is that of Microsoft's "SetupAPI Text Logs": sections begin with ">>>", end with "<<<". Times are local.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from forensics.model import Artefact, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import ProblemLimit, read_lines
from forensics.parsers._stated import Stated, by_clock, iso_time

_NAME, _VERSION = "setup_log", "1"
_SECTION, _BOOT = "setupapi.section", "setupapi.boot"
_HEADS = (b"[Device Install Log]", b"[SetupAPI Log]")
_DATE = r"([0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)"
_TITLE = re.compile(r">>>  \[(.*)\]\s*")
_START = re.compile(r">>>  Section start " + _DATE)
_END = re.compile(r"<<<  Section end " + _DATE)
_STATUS = re.compile(r"<<<  \[Exit status: (.*)\]\s*")
_BOOTED = re.compile(r"\[Boot Session: " + _DATE + r"\]\s*")
_OLD = re.compile(r"\[" + _DATE + r" ([0-9]+\.[0-9]+)(?: (.*))?\]\s*")
_ERROR = re.compile(r"!!!  \w+: (.*)|#E[0-9]+ (.*)")
_ERRORS_SHOWN = 20


@dataclass
class _Section:
    """A section as far as it was read."""

    title: str
    offset: int
    end: int
    times: dict[str, str] = field(default_factory=dict)
    status: str = ""
    errors: list[str] = field(default_factory=list)


class _Log:
    """One log being read, line after line."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._problems = ProblemLimit(facts.source, f"parser {_NAME}")
        self._open: _Section | None = None

    def read(self) -> Iterator[Artefact | Problem]:
        for line in read_lines(self._facts.source):
            yield from self._line(line.text, line.offset, line.offset + line.length)
        yield from self._close()
        yield from self._problems.summary()

    def _line(self, text: str, offset: int, end: int) -> Iterator[Artefact | Problem]:
        if (title := _TITLE.fullmatch(text)) is not None:
            yield from self._close()
            self._open = _Section(title[1], offset, end)
        elif (old := _OLD.fullmatch(text)) is not None:
            yield from self._close()
            self._open = _Section(old[3] or old[2], offset, end, {"started": old[1]})
        elif (booted := _BOOTED.fullmatch(text)) is not None:
            yield from self._close()
            yield from self._placed(_BOOT, {"booted": booted[1]}, {}, (offset, end - offset))
        elif self._open is not None:
            yield from self._within(self._open, text, end)

    def _within(self, section: _Section, text: str, end: int) -> Iterator[Artefact | Problem]:
        section.end = end if text.strip() else section.end
        if (start := _START.match(text)) is not None:
            section.times["started"] = start[1]
        elif (ended := _END.match(text)) is not None:
            section.times["ended"] = ended[1]
        elif (status := _STATUS.fullmatch(text)) is not None:
            section.status = status[1]
            yield from self._close()
        elif (error := _ERROR.match(text)) is not None and len(section.errors) < _ERRORS_SHOWN:
            section.errors.append((error[1] or error[2]).strip())

    def _close(self) -> Iterator[Artefact | Problem]:
        section, self._open = self._open, None
        if section is not None:
            fields: dict[str, object] = {"title": section.title, "status": section.status}
            fields["errors"] = "; ".join(section.errors)
            yield from self._placed(_SECTION, section.times, fields, (section.offset, section.end - section.offset))

    def _placed(
        self, kind: str, texts: dict[str, str], fields: dict[str, object], place: tuple[int, int]
    ) -> Iterator[Artefact | Problem]:
        times: dict[str, Stated] = {}
        for name, text in texts.items():
            try:
                time = iso_time(text.replace("/", "-"), self._facts.source.zone)
            except ImpossibleTimeError as error:
                yield from self._problems.problem(*place, f"a time that is none: {error}")
                continue
            if time is not None:
                times[name] = time._replace(moment=time.moment._replace(written=text))
        yield from by_clock(self._facts, kind, times, fields, place)


@dataclass(frozen=True, slots=True)
class SetupLogParser:
    """Artefacts `setupapi.section`: times `started`, `ended` (local); fields title (what was installed), status, errors
    (the first twenty). Artefacts `setupapi.boot`: time `booted`.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_SECTION, _BOOT)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first line."""
        return head.removeprefix(b"\xef\xbb\xbf").startswith(_HEADS)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Sections in the order of the file; see `Parser.parse`."""
        yield from _Log(Facts(source, self.name, self.version)).read()


PARSER = SetupLogParser()
