"""Body files of The Sleuth Kit 3 and later, and of what else writes them: a file's times as lines of eleven columns.

MD5|name|inode|mode|UID|GID|size|accessed|modified|changed|created, seconds since 1970, 0 for none. It is somebody
else's reading of a file system: nothing of it is checked against one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Location, Problem
from forensics.parsers._clock import SECOND
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import Line, head_lines, parse_lines

_NAME, _VERSION, _KIND, _STAGE = "bodyfile", "1", "bodyfile.entry", "parser bodyfile"
_COLUMNS = ("md5", "path", "inode", "mode", "uid", "gid", "size")
_TIMES = ("accessed", "modified", "changed", "created")
_FIRST = re.compile(
    rb"(?:#[^\n]*\n)*(?:0|[0-9A-Fa-f]{32})\|[^\n]*\|[0-9-]+\|[a-z/-]{1,4}[rwxsStTl-]{4,12}\|[0-9]*\|[0-9]*\|[0-9]+\|"
)
_BAR = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\(x[0-9A-Fa-f]{2}|[\\|])")
_SECONDS = re.compile(r"(-?[0-9]{1,11})(?:\.([0-9]{1,9}))?")


def _unescaped(text: str) -> str:
    """A name as it was; control characters stay escaped."""
    return _ESCAPED.sub(lambda match: match[0] if match[1][0] == "x" else match[1], text)


def _read_line(line: Line, location: Location) -> Artefact | str | None:
    if line.text.startswith("#"):
        return None
    values = _BAR.split(line.text)
    if len(values) != len(_COLUMNS) + len(_TIMES):
        return f"{len(values)} columns where a body file has 11"
    times, raw = {}, {}
    for name, written in zip(_TIMES, values[len(_COLUMNS) :], strict=True):
        match = _SECONDS.fullmatch(written)
        if match is None:
            return f"no number of seconds in the column {name}"
        seconds, fraction = int(match[1]), int(((match[2] or "") + "000000000")[:9])
        if seconds or fraction:
            times[name], raw[name] = seconds * SECOND + fraction, written
    fields = {name: value for name, value in zip(_COLUMNS, values, strict=False) if value}
    if fields.get("md5") == "0":
        del fields["md5"]
    fields["path"] = _unescaped(fields.get("path", ""))
    if line.cut:
        fields["cut"] = "true"
    return Artefact(_KIND, location, times, fields, _NAME, _VERSION, Clock.UTC, raw)


@dataclass(frozen=True, slots=True)
class BodyfileParser:
    """Artefacts `bodyfile.entry`: times `accessed`, `modified`, `changed`, `created`; fields path, inode, mode, uid,
    gid, size, md5.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the first line; by the file's name and one line of eleven columns."""
        if _FIRST.match(head):
            return True
        usual = name.lower().endswith((".body", ".bodyfile")) or name.lower().startswith("bodyfile")
        return usual and any(len(_BAR.split(line)) == 11 for line in head_lines(head))

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every line in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _read_line)


PARSER = BodyfileParser()
