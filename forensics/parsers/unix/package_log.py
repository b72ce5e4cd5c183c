"""What was installed and removed: logs of dpkg, apt, yum, dnf, pacman and zypper.

Each is told by its first line, or by its name and one line. All write local time; dnf and newer pacman add its offset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Location, Problem
from forensics.parsers._clock import MONTHS, CivilTime, ImpossibleTimeError
from forensics.parsers._contract import HEAD_BYTES, ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import Line, head_lines, parse_lines, read_lines
from forensics.parsers._stamps import WRITTEN, Stamp, Stamps
from forensics.parsers._years import InferredYears, UndatedLine

_NAME, _VERSION, _STAGE = "package_log", "1", "parser package_log"
_ACTION, _LINE = "package.action", "package.line"

# what stands before a name, in the words of each program -> ours
# fmt: off
_ACTIONS = {
    "installed": "installed", "dep-installed": "installed", "updated": "upgraded", "update": "upgraded",
    "upgraded": "upgraded", "upgrade": "upgraded", "erased": "removed", "erase": "removed", "removed": "removed",
    "cleanup": "removed the older version", "obsoleted": "obsoleted", "obsoleting": "obsoleting",
    "downgraded": "downgraded", "downgrade": "downgraded", "reinstalled": "reinstalled", "reinstall": "reinstalled",
    "install": "installed", "remove": "removed",
}
# fmt: on
_DPKG = re.compile(
    rf"{WRITTEN} (?:(startup) (\S+) (\S+)|(status) (\S+) (\S+) (\S+)"
    r"|(install|upgrade|remove|purge|configure|trigproc|disappear) (\S+) (\S+) (\S+)|(conffile) (.+) (keep|install))"
)
_YUM = re.compile(rf"({'|'.join(MONTHS)}) ([ 0-9][0-9]) ([0-9]{{2}}):([0-9]{{2}}):([0-9]{{2}}) ([A-Z][a-z-]+): (\S.*)")
_DNF = re.compile(rf"{WRITTEN} ([A-Z]{{4,10}}) ?(.*)")
_DNF_ACTION = re.compile(rf"({'|'.join(_ACTIONS)}): (\S+)", re.IGNORECASE)
_PACMAN = re.compile(rf"\[{WRITTEN}\] (?:\[([A-Z-]+)\] )?(.*)")
_PACMAN_ACTION = re.compile(r"(installed|reinstalled|upgraded|downgraded|removed) (\S+) \((\S+)(?: -> (\S+))?\)")
_ZYPPER = re.compile(rf"{WRITTEN}\|([a-z]+) *\|(.*)")


class _Log:
    """One log being read, line after line."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._stamps = Stamps(source.zone)
        self._years: InferredYears | None = None

    def read(self, line: Line, location: Location) -> Artefact | str | None:
        """What one line says, or why it cannot be read; None for a comment."""
        if line.text[0] == "#":
            return None
        try:
            for pattern, told in _FORMS:
                if match := pattern.fullmatch(line.text):
                    return told(self, match, line)
        except ImpossibleTimeError as error:
            return str(error)
        return "not a line of a package log"

    def made(self, stamp: Stamp, line: Line, kind: str = _ACTION, **fields: str | None) -> Artefact:
        """The artefact of a line."""
        place = line.offset, line.length
        said = {**fields, **stamp.fields, "cut": "true" if line.cut else ""}
        return self._facts.artefact(kind, {"logged": stamp.moment}, said, place=place, clock=stamp.clock)

    def dpkg(self, match: re.Match[str], line: Line) -> Artefact:
        """Of dpkg.log: its man page, section on the log."""
        stamp, found = self._stamps.read(match), match.groups()[8:]
        words = next(found[start:end] for start, end in ((0, 3), (3, 7), (7, 11), (11, 14)) if found[start])
        action = str(words[0])
        if action == "startup":
            return self.made(stamp, line, tool="dpkg", action=action, state=f"{words[1]} {words[2]}")
        if action == "conffile":
            return self.made(stamp, line, tool="dpkg", action=action, path=words[1], decision=words[2])
        state, package, version = ("", words[1], words[2]) if action != "status" else words[1:4]
        newer = str(words[3]) if action in {"install", "upgrade"} else ""
        name, _, architecture = str(package).partition(":")
        told = {"package": name, "architecture": architecture, "state": state}
        versions = {"old_version": version, "version": newer} if newer else {"version": version}
        known = {key: value for key, value in versions.items() if value not in ("<none>", "<keine>")}
        return self.made(stamp, line, tool="dpkg", action=action, **told, **known)

    def yum(self, match: re.Match[str], line: Line) -> Artefact:
        """Of yum.log, whose dates have no year."""
        month, day, clock = MONTHS[match[1]], int(match[2]), (int(match[3]), int(match[4]), int(match[5]))
        self._years = self._years or InferredYears(
            _undated(self._source), self._source.reference_time, self._source.zone
        )
        year = self._years.year_at(line.offset)
        written = match.string[: match.end(5)]
        action = _ACTIONS.get(match[6].lower(), match[6].lower())
        fields = {"tool": "yum", "action": action, "package": match[7]}
        if year is None:
            place = line.offset, line.length
            return self._facts.artefact(
                _ACTION, {}, fields | {"year_inferred": "unknown", "written": written}, place=place
            )
        stamp = self._stamps.civil(CivilTime(year, month, day, *clock), written)
        return self.made(stamp, line, **fields, year_inferred="true")

    def dnf(self, match: re.Match[str], line: Line) -> Artefact:
        """Of dnf.log and its kin: a level, then words, or a package."""
        stamp, level, message = self._stamps.read(match), match[9], match[10]
        if found := _DNF_ACTION.fullmatch(message):
            action = _ACTIONS[found[1].lower()]
            return self.made(stamp, line, tool="dnf", action=action, package=found[2], level=level)
        command = message.removeprefix("Command: ") if message.startswith("Command: ") else ""
        return self.made(stamp, line, _LINE, tool="dnf", level=level, command=command, message=message)

    def pacman(self, match: re.Match[str], line: Line) -> Artefact:
        """Of pacman.log: a caller in brackets since version 4.2."""
        stamp, caller, message = self._stamps.read(match), match[9], match[10]
        if caller in (None, "ALPM") and (found := _PACMAN_ACTION.fullmatch(message)):
            older, newer = (found[3], found[4]) if found[4] else ("", found[3])
            told = {"package": found[2], "version": newer, "old_version": older}
            return self.made(stamp, line, tool="pacman", action=found[1], **told)
        command = message[9:-1] if message.startswith("Running '") and message.endswith("'") else ""
        return self.made(stamp, line, _LINE, tool="pacman", caller=caller, command=command, message=message)

    def zypper(self, match: re.Match[str], line: Line) -> Artefact:
        """Of zypp's history: columns between bars, the third of some its user."""
        stamp, action, rest = self._stamps.read(match), match[9], match[10].split("|")
        if action == "install" and len(rest) > 4:
            told = dict(zip(("package", "version", "architecture", "requested_by", "repository"), rest, strict=False))
            return self.made(stamp, line, tool="zypper", action="installed", **told)
        if action == "remove" and len(rest) > 3:
            told = dict(zip(("package", "version", "architecture", "requested_by"), rest, strict=False))
            return self.made(stamp, line, tool="zypper", action="removed", **told)
        return self.made(stamp, line, _LINE, tool="zypper", caller=action, message=match[10])


_FORMS: tuple[tuple[re.Pattern[str], Callable[[_Log, re.Match[str], Line], Artefact]], ...] = (
    (_DPKG, _Log.dpkg),
    (_PACMAN, _Log.pacman),
    (_ZYPPER, _Log.zypper),
    (_YUM, _Log.yum),
    (_DNF, _Log.dnf),
)
_OF_NAMES = (
    (re.compile(r"dpkg\.log(?:[.-].*)?"), _DPKG),
    (re.compile(r"yum\.log(?:[.-].*)?"), _YUM),
    (re.compile(r"(?:dnf|dnf5|hawkey)(?:\.[a-z]+)?\.log(?:[.-].*)?"), _DNF),
    (re.compile(r"pacman\.log(?:[.-].*)?"), _PACMAN),
    (re.compile(r"(?:zypp-)?history(?:[.-].*)?"), _ZYPPER),
)
_BY_FIRST_LINE = (
    (re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} (?:startup|status|install|upgrade|configure)"), _DPKG),
    (re.compile(rb"\[[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:+-]{5,13}\] \[(?:ALPM|PACMAN)"), _PACMAN),
)


def _undated(source: ParserInput) -> Iterator[UndatedLine]:
    for line in read_lines(source):
        if match := _YUM.match(line.text):
            yield UndatedLine(line.offset, MONTHS[match[1]], int(match[2]), ":".join(match.group(3, 4, 5)))


@dataclass(frozen=True, slots=True)
class PackageLogParser:
    """Packages installed, upgraded and removed.

    Artefacts `package.action`: time `logged`; fields tool, action, package, architecture, version, old_version, state
    (dpkg's status), path and decision (dpkg's conffile), requested_by and repository (zypper). `package.line`: other
    lines of dnf, pacman and zypper: level or caller, message, command. `year_inferred` as syslog says it.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_ACTION, _LINE)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first line where no other log begins so, else by the log's name and one line of its kind."""
        form = next((form for pattern, form in _BY_FIRST_LINE if pattern.match(head)), None)
        form = form or next((form for pattern, form in _OF_NAMES if pattern.fullmatch(name)), None)
        return form is not None and any(map(form.fullmatch, head_lines(head[:HEAD_BYTES])))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every line in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _Log(source).read)


PARSER = PackageLogParser()
