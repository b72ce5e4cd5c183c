"""The program compatibility assistant of Windows 11, PcaAppLaunchDic.txt and PcaGeneralDb0.txt: programs that ran.

The files have no specification; times are UTC, as those who examined them found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Location, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._lines import Line, parse_lines
from forensics.parsers._stated import iso_time

_NAME, _VERSION, _KIND = "program_compatibility", "1", "pca.execution"
_FILE = re.compile(r"pca(?:applaunchdic|generaldb[01])\.txt", re.IGNORECASE)
_DATE = r"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)"
_LAUNCH = re.compile(r"([^|]+)\|" + _DATE)
_GENERAL = re.compile(_DATE + r"\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|([^|]*)\|(.*)")
_GENERAL_FIELDS = ("status", "program", "product", "company", "file_version", "program_id", "exit_code")


def _read(text: str) -> tuple[str, dict[str, object]] | None:
    """The time as written and the fields of a line of either file."""
    if (launch := _LAUNCH.fullmatch(text)) is not None:
        return launch[2], {"program": launch[1]}
    if (general := _GENERAL.fullmatch(text)) is not None:
        return general[1], dict(zip(_GENERAL_FIELDS, general.groups()[1:], strict=True))
    return None


@dataclass(frozen=True, slots=True)
class ProgramCompatibilityParser:
    """Artefacts `pca.execution`: time `last_run` (UTC); fields program, and of the general file status, product,
    company, file_version, program_id, exit_code.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_KIND,)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the file's name: lines of paths and times have no signature."""
        return _FILE.fullmatch(name) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Programs in the order of the file; see `Parser.parse`."""
        facts = Facts(source, self.name, self.version)

        def read_line(line: Line, location: Location) -> Artefact | str | None:
            found = _read(line.text)
            if found is None:
                return "neither a program with its time nor a record of the assistant"
            written, fields = found
            try:
                time = iso_time(f"{written}Z", None)
            except ImpossibleTimeError as error:
                return str(error)
            if time is None:
                return f"a time that is none: {written}"
            moment = time.moment._replace(written=written)
            return facts.artefact(_KIND, {"last_run": moment}, fields, place=(line.offset, line.length))

        yield from parse_lines(source, f"parser {self.name}", read_line)


PARSER = ProgramCompatibilityParser()
