"""What Android says of itself as text: getprop, and packages as dumpsys prints them, alone or in a bug report.

Times of packages are the telephone's local time without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Problem
from forensics.parsers._clock import SECOND, ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts, Moment
from forensics.parsers._lines import Line, ProblemLimit, read_lines, shown
from forensics.parsers._stamps import WRITTEN, Stamps

_NAME, _VERSION, _STAGE = "android_report", "1", "parser android_report"
_PROPERTY, _PACKAGE, _SERVICE = "android.property", "android.package", "android.service"
_PROPERTY_LINE = re.compile(r"\[([^\[\]]{1,256})\]: \[(.*)\]")
_PROPERTY_START = re.compile(rb"\[[A-Za-z0-9_.-]{1,100}\]: \[[^\n]*\]\r?\n")
_PACKAGE_LINE = re.compile(r"  Package \[([^\]]{1,256})\] \([0-9a-f]+\):")
_SERVICE_LINE = re.compile(r"DUMP OF SERVICE (?:[A-Z]+ )?(\S+):")
_ENDED_LINE = re.compile(rf"-{{9}} [0-9.]+s was the duration of dumpsys (\S+), ending at: {WRITTEN}")
_TIMES = {"firstInstallTime": "installed", "lastUpdateTime": "updated", "timeStamp": "stamped"}
_FIELDS = {
    **{"userId": "uid", "appId": "uid", "codePath": "path", "versionName": "version", "versionCode": "version_code"},
    **{"installerPackageName": "installer", "dataDir": "data", "flags": "flags", "pkgFlags": "flags"},
}
_VALUE = re.compile(r"    ([A-Za-z]{3,24})=(.*)")
_TIME = re.compile(WRITTEN)
_MARKS = (b"DUMP OF SERVICE ", b"== dumpstate: ")


class _Report:
    """One report being read, line after line."""

    def __init__(self, source: ParserInput) -> None:
        self._source = source
        self._facts = Facts(source, _NAME, _VERSION)
        self._stamps = Stamps(source.zone)
        self._problems = ProblemLimit(source, _STAGE)
        self._package: dict[str, str] = {}
        self._moments: dict[str, Moment] = {}
        self._clock, self._start, self._end = Clock.UNKNOWN, 0, 0

    def read(self) -> Iterator[Artefact | Problem]:
        for line in read_lines(self._source):
            text = line.text
            if found := _PROPERTY_LINE.fullmatch(text):
                yield self._property(line, found[1], found[2])
            elif package := _PACKAGE_LINE.fullmatch(text):
                yield from self._finished()
                self._package, self._start = {"package": package[1]}, line.offset
                self._end = line.offset + line.length
            elif ended := _ENDED_LINE.fullmatch(text):
                yield from self._finished()
                yield from self._service(line, ended)
            elif self._package and not text.startswith("    ") and text.strip():
                yield from self._finished()
            elif self._package and (value := _VALUE.fullmatch(text)):
                yield from self._value(line, value[1], value[2])
        yield from self._finished()
        yield from self._problems.summary()

    def _property(self, line: Line, name: str, value: str) -> Artefact:
        built = name.endswith(".build.date.utc") and value.isascii() and value.isdigit() and len(value) < 13
        moments = {"built": Moment(int(value) * SECOND, value)} if built else {}
        fields = {"name": name, "value": value}
        return self._facts.artefact(_PROPERTY, moments, fields, place=(line.offset, line.length))

    def _service(self, line: Line, ended: re.Match[str]) -> Iterator[Artefact | Problem]:
        place = line.offset, line.length
        try:
            stamp = self._stamps.read(ended, 2)
        except ImpossibleTimeError as error:
            yield from self._problems.problem(*place, f"{error}: {shown(line.text)}")
            return
        fields = {"service": ended[1], **stamp.fields}
        yield self._facts.artefact(_SERVICE, {"ended": stamp.moment}, fields, place=place, clock=stamp.clock)

    def _value(self, line: Line, name: str, value: str) -> Iterator[Problem]:
        self._end = line.offset + line.length
        if name in _FIELDS:
            self._package.setdefault(_FIELDS[name], value.split(" ", maxsplit=1)[0] if name == "versionCode" else value)
        elif name in _TIMES and (match := _TIME.fullmatch(value)):
            try:
                stamp = self._stamps.read(match)
            except ImpossibleTimeError as error:
                yield from self._problems.problem(line.offset, line.length, f"{error}: {shown(line.text)}")
            else:
                self._moments[_TIMES[name]], self._clock = stamp.moment, stamp.clock

    def _finished(self) -> Iterator[Artefact]:
        if self._package:
            place = self._start, self._end - self._start
            yield self._facts.artefact(_PACKAGE, self._moments, self._package, place=place, clock=self._clock)
        self._package, self._moments, self._clock = {}, {}, Clock.UNKNOWN


@dataclass(frozen=True, slots=True)
class AndroidReportParser:
    """Artefacts `android.property`: name, value; time `built` of the build's date. `android.package`: times
    `installed`, `updated`, `stamped` (local); package, path, version, version_code, uid, installer, data, flags.
    `android.service`: when the dump of a service `ended` (local), that is when the report was made. Other text is not
    looked at.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_PROPERTY, _PACKAGE, _SERVICE)

    def accepts(self, head: bytes, name: str) -> bool:
        """A property on the first line, or what dumpsys and bug reports begin with; else the file's name."""
        if _PROPERTY_START.match(head) or any(mark in head[:1024] for mark in _MARKS):
            return b"\0" not in head
        return name.startswith("dumpsys") and b"Package" in head and b"\0" not in head

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Everything known in the order of the file; see `Parser.parse`."""
        yield from _Report(source).read()


PARSER = AndroidReportParser()
