"""What apt was asked to do: /var/log/apt/history.log, and the sessions of term.log. Local time without a zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import Line, ProblemLimit, head_lines, read_lines, shown
from forensics.parsers._secrets import without_secrets
from forensics.parsers._stamps import WRITTEN, Stamps

_NAME, _VERSION, _STAGE = "apt_history", "1", "parser apt_history"
_TRANSACTION, _PACKAGE, _SESSION = "apt.transaction", "apt.package", "apt.session"
_FIELD = re.compile(r"([A-Z][A-Za-z-]{2,19}): ?(.*)")
_TIME = re.compile(WRITTEN)
_CHANGES = ("Install", "Upgrade", "Remove", "Purge", "Downgrade", "Reinstall")
_ITEM = re.compile(r"(\S+?)(?::([a-z0-9-]+))? \(([^()]*)\)(?:, |$)")
_TERMINAL_START = b"Log started: "
_TERMINAL = re.compile(r"Log (started|ended): (.+)")
_LONGEST = 4 << 20
"""Bytes of one line: a system's upgrade names thousands of packages on one."""

Found = Iterator[Artefact | Problem]


class _Transaction:
    """The lines of one transaction, until a blank one."""

    def __init__(self) -> None:
        self.fields: dict[str, tuple[Line, str]] = {}
        self.start = self.end = 0

    def add(self, line: Line, name: str, value: str) -> None:
        if not self.fields:
            self.start = line.offset
        self.fields[name] = line, value
        self.end = line.offset + line.length

    def value(self, name: str) -> str:
        return self.fields[name][1] if name in self.fields else ""


class _File:
    """One file being read."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._stamps = Stamps(source.zone)
        self._problems = ProblemLimit(source, _STAGE)

    def read(self) -> Found:
        open_one = _Transaction()
        terminal = self._source.read_at(0, 64).lstrip().startswith(_TERMINAL_START)
        for line in read_lines(self._source):
            if terminal:  # the rest is what programs wrote to it
                if match := _TERMINAL.fullmatch(line.text):
                    yield from self._session(line, match[1], match[2])
            elif (match := _FIELD.match(line.text)) and not (match[1] == "Start-Date" and open_one.fields):
                open_one.add(line, match[1], self._whole(line, match.start(2)))
            elif line.text.strip() and not match:
                reason = f"not a line of apt's history: {shown(line.text)}"
                yield from self._problems.problem(line.offset, line.length, reason)
            else:
                yield from self._transaction(open_one)
                open_one = _Transaction()
                if match:
                    open_one.add(line, match[1], match[2])
        yield from self._transaction(open_one)
        yield from self._problems.summary()

    def _whole(self, line: Line, start: int) -> str:
        """The value of a line, also of one longer than `LINE_LIMIT`."""
        if not line.cut:
            return line.text[start:]
        return self._source.read_at(line.offset, min(line.length, _LONGEST)).decode("utf-8", "backslashreplace")[start:]

    def _moment(self, written: str) -> tuple[Moment, Clock, dict[str, str]]:
        if (match := _TIME.fullmatch(written.strip())) is None:
            raise ImpossibleTimeError(f"{shown(written, 60)!r} is no time")
        stamp = self._stamps.read(match)
        return stamp.moment, stamp.clock, dict(stamp.fields)

    def _session(self, line: Line, what: str, written: str) -> Found:
        place = line.offset, line.length
        try:
            moment, clock, said = self._moment(written)
        except ImpossibleTimeError as error:
            yield from self._problems.problem(*place, str(error))
            return
        yield self._facts.artefact(_SESSION, {what: moment}, said, place=place, clock=clock)

    def _transaction(self, found: _Transaction) -> Found:
        """The transaction, then each package it changed, at the time it started."""
        if not found.fields:
            return
        place = found.start, found.end - found.start
        moments: dict[str, Moment] = {}
        clock, said = Clock.UNKNOWN, dict[str, str]()
        for name, field in (("started", "Start-Date"), ("ended", "End-Date")):
            if found.value(field):
                try:
                    moments[name], clock, more = self._moment(found.value(field))
                except ImpossibleTimeError as error:
                    yield from self._problems.problem(*place, str(error))
                else:
                    said |= more
        if "End-Date" not in found.fields or "Start-Date" not in found.fields:
            yield from self._problems.problem(*place, "a transaction without its start or its end")
        items = {name: list(_ITEM.finditer(found.value(name))) for name in _CHANGES if name in found.fields}
        fields = {
            "command": without_secrets(found.value("Commandline")),
            "requested_by": found.value("Requested-By"),
            "comment": found.value("Comment"),
            "error": found.value("Error"),
            **{name.lower(): f"{len(packages)} packages" for name, packages in items.items()},
        }
        yield self._facts.artefact(_TRANSACTION, moments, fields | said, place=place, clock=clock)
        started = {"changed": moments["started"]} if "started" in moments else {}
        for name, packages in items.items():
            line, value = found.fields[name]
            for item in packages:
                yield self._facts.artefact(
                    _PACKAGE, started, _package(name, item) | said, place=(line.offset, line.length), clock=clock
                )
            if sum(len(item[0]) for item in packages) != len(value):
                reason = f"not all of the packages could be read: {shown(value)}"
                yield from self._problems.problem(line.offset, line.length, reason)


def _package(change: str, item: re.Match[str]) -> dict[str, str]:
    versions = item[3].split(", ")
    automatic = "automatic" in versions[1:]
    versions = [version for version in versions if version != "automatic"]
    fields = {"action": change.lower(), "package": item[1], "architecture": item[2] or "", "version": versions[-1]}
    return fields | {
        "old_version": versions[0] if len(versions) > 1 else "",
        "automatic": "true" if automatic else "",
    }


@dataclass(frozen=True, slots=True)
class AptHistoryParser:
    """What apt did, and for whom.

    Artefacts `apt.transaction`: times `started` and `ended`; fields command, requested_by, comment, error, and how many
    packages of each change. `apt.package`: time `changed` (the transaction's start); fields action, package,
    architecture, version, old_version, automatic. `apt.session` (term.log): `started` or `ended`.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_TRANSACTION, _PACKAGE, _SESSION)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the words its first lines begin with."""
        start = head[:64].lstrip()
        if not start.startswith((b"Start-Date: ", _TERMINAL_START)):
            return False
        return bool(_TIME.search(next(iter(head_lines(start)), "")))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every transaction in the order of the file; see `Parser.parse`."""
        yield from _File(source).read()


PARSER = AptHistoryParser()
