"""TeamViewer's lists of connections: Connections.txt (made from here), Connections_incoming.txt. UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Location, Problem
from forensics.parsers._clock import SECOND, CivilTime, ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import Line, head_lines, parse_lines

_NAME, _VERSION, _KIND, _STAGE = "teamviewer", "1", "teamviewer.connection", "parser teamviewer"
_WHEN = r"([0-9]{2})-([0-9]{2})-([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2})"
_GAP = r"[ \t]+"
_OUTGOING = re.compile(
    rf"([0-9]{{6,12}}){_GAP}{_WHEN}{_GAP}{_WHEN}{_GAP}(\S.*?){_GAP}(\S+){_GAP}(\{{[0-9a-fA-F-]+\}})\s*"
)
_INCOMING = re.compile(
    rf"([0-9]{{6,12}}){_GAP}(\S[^\t]*?){_GAP}{_WHEN}{_GAP}{_WHEN}{_GAP}(\S.*?){_GAP}(\S+){_GAP}(\{{[0-9a-fA-F-]+\}})\s*"
)
_USUAL = re.compile(r"connections(?:_incoming)?.*\.txt", re.IGNORECASE)


def _seconds(parts: tuple[str, ...]) -> int:
    day, month, year, hour, minute, second = map(int, parts)
    return CivilTime(year, month, day, hour, minute, second).epoch_seconds()


def _read_line(line: Line, location: Location) -> Artefact | str | None:
    outgoing = _OUTGOING.fullmatch(line.text)
    match = outgoing or _INCOMING.fullmatch(line.text)
    if match is None:
        return "not a connection of TeamViewer"
    groups = list(match.groups())
    fields = {"partner": groups.pop(0), "direction": "outgoing" if outgoing else "incoming"}
    if not outgoing:
        fields["partner_name"] = groups.pop(0)
    try:
        times = {"began": _seconds(tuple(groups[:6])) * SECOND, "ended": _seconds(tuple(groups[6:12])) * SECOND}
    except ImpossibleTimeError as error:
        return str(error)
    raw = {
        "began": "{}-{}-{} {}:{}:{}".format(*groups[:6]),
        "ended": "{}-{}-{} {}:{}:{}".format(*groups[6:12]),
    }
    fields |= {"user": groups[12], "mode": groups[13], "identifier": groups[14]}
    return Artefact(_KIND, location, times, fields, _NAME, _VERSION, Clock.UTC, raw)


@dataclass(frozen=True, slots=True)
class TeamviewerParser:
    """Artefacts `teamviewer.connection`: times `began` and `ended`; fields partner (its number), partner_name,
    direction, user (of this machine), mode, identifier.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the file's name and one line."""
        if not _USUAL.fullmatch(name):
            return False
        lines = [*head_lines(head), head.decode("utf-8", "replace").strip().rpartition("\n")[2]]
        return any(_OUTGOING.fullmatch(line) or _INCOMING.fullmatch(line) for line in lines)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every connection in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _read_line)


PARSER = TeamviewerParser()
