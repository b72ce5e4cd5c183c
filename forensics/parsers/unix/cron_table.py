"""What runs by itself: tables of cron and anacron, after crontab(5) and anacrontab(5).

Whether a table names the user of each job is told by where it lies: /etc/crontab and /etc/cron.d do, those under
/var/spool/cron are named for their user.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Clock, Location, Problem
from forensics.parsers._contract import ParserInput
from forensics.parsers._lines import Line, head_lines, parse_lines
from forensics.parsers._secrets import without_secrets

_NAME, _VERSION, _STAGE = "cron_table", "1", "parser cron_table"
_JOB, _VARIABLE = "cron.job", "cron.variable"
_WORDS = "reboot|yearly|annually|monthly|weekly|daily|midnight|hourly|every_minute|every_second"
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAYS = "sun|mon|tue|wed|thu|fri|sat"


def _field(number: str, names: str = "") -> str:
    one = rf"(?:{number}{'|' + names if names else ''})"
    part = rf"(?:\*|{one}(?:-{one})?)(?:/[0-9]{{1,2}}|~[0-9]{{1,2}})?"
    return rf"{part}(?:,{part})*"


_SCHEDULE = (
    rf"-?(?P<schedule>@(?:{_WORDS})|{_field('[0-5]?[0-9]')}[ \t]+{_field('[01]?[0-9]|2[0-3]')}[ \t]+"
    rf"{_field('[0-2]?[0-9]|3[01]')}[ \t]+{_field('0?[0-9]|1[0-2]', _MONTHS)}[ \t]+{_field('[0-7]', _DAYS)})"
)
_USER_LINE = re.compile(rf"[ \t]*{_SCHEDULE}[ \t]+(?P<rest>\S.*)", re.IGNORECASE)
_ANACRON_LINE = re.compile(
    rf"[ \t]*(?P<period>[0-9]{{1,4}}|@(?:{_WORDS}))[ \t]+(?P<delay>[0-9]+)[ \t]+(?P<job>\S+)[ \t]+(?P<command>\S.*)"
)
_VARIABLE_LINE = re.compile(r"[ \t]*[\"']?([A-Za-z_][A-Za-z0-9_]*)[\"']?[ \t]*=[ \t]*(.*)")
_USER_AND_COMMAND = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.:/@$-]{0,63})[ \t]+(\S.*)")
_SECRET = re.compile(r"pass|pwd|secret|token|key|credential", re.IGNORECASE)
_USUAL = re.compile(r"(?:ana)?crontab(?:[.~-].*)?")
_SPOOL = re.compile(r"/(?:cron|crontabs|tabs)/([^/]+)$")
_MARKS = (b"* *", b"*\t*", b"@reboot", b"@hourly", b"@daily")
"""One of them is in every table that is told by its content; a look at the bytes spares most files the rest."""


def _blank(text: str) -> bool:
    return text.lstrip(" \t").startswith("#") or not text.strip()


class _Table:
    """One table being read."""

    def __init__(self, source: ParserInput) -> None:
        path = source.location.path
        self._owner = ""
        self._anacron = source.name.startswith("anacrontab")
        self._system = bool(re.search(r"(?:^|/)etc/(?:crontab|cron\.d/)", path)) or source.name == "crontab"
        if "spool/cron" in path and (spool := _SPOOL.search(path)):
            self._owner, self._system = spool[1], False

    def read(self, line: Line, location: Location) -> Artefact | str | None:
        """A job or a variable; None for a comment."""
        if _blank(line.text):
            return None
        if job := _ANACRON_LINE.fullmatch(line.text) if self._anacron else None:
            period = job["period"] if job["period"][0] == "@" else f"every {job['period']} days"
            fields = {"schedule": period, "delay_minutes": job["delay"], "job": job["job"], "command": job["command"]}
            return _artefact(_JOB, location, fields | {"user": "root"})
        if job := _USER_LINE.fullmatch(line.text):
            return self._job(job["schedule"], job["rest"], location)
        if variable := _VARIABLE_LINE.fullmatch(line.text):
            name, value = variable[1], variable[2].strip().strip("\"'")
            shown = {"withheld": "true"} if _SECRET.search(name) else {"value": value}
            return _artefact(_VARIABLE, location, {"name": name} | shown)
        return "neither a job nor a variable of cron"

    def _job(self, schedule: str, rest: str, location: Location) -> Artefact:
        fields = {"schedule": " ".join(schedule.split()), "command": rest}
        if self._owner:
            fields["user"] = self._owner
        elif self._system and (named := _USER_AND_COMMAND.fullmatch(rest)):
            fields |= {"user": named[1], "command": named[2]}
        elif not self._system:
            fields["user"] = "unknown"  # where the table was found does not say whether it names users
        return _artefact(_JOB, location, fields)


def _artefact(kind: str, location: Location, fields: dict[str, str]) -> Artefact:
    given = {name: without_secrets(value) for name, value in fields.items() if value}
    return Artefact(kind, location, {}, given, _NAME, _VERSION, Clock.UTC)


@dataclass(frozen=True, slots=True)
class CronTableParser:
    """Jobs and the variables they get.

    Artefacts `cron.job`: schedule, user, command; of anacron also delay_minutes and job. `user` is "unknown" where the
    table's place does not tell whether its lines name one; `command` then is the whole line after the schedule.
    `cron.variable`: name and value, or `withheld` for one that is named like a secret. No times.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_JOB, _VARIABLE)

    def accepts(self, head: bytes, name: str) -> bool:
        """Every line is a job, a variable or a comment, and one is a job; under cron's own name one job is enough."""
        usual = _USUAL.fullmatch(name) is not None
        if b"\0" in head or not (usual or any(mark in head for mark in _MARKS)):
            return False
        lines = [line for line in head_lines(head) if not _blank(line)]
        pattern = _ANACRON_LINE if name.startswith("anacrontab") else _USER_LINE
        jobs = sum(pattern.fullmatch(line) is not None for line in lines)
        if usual or not jobs:
            return bool(jobs)
        return jobs + sum(_VARIABLE_LINE.fullmatch(line) is not None for line in lines) == len(lines)

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """Every job in the order of the file; see `Parser.parse`."""
        yield from parse_lines(source, _STAGE, _Table(source).read)


PARSER = CronTableParser()
