"""Scheduled tasks of Windows Vista and later: XML files, [MS-TSCH] section 2.5, through expat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.model import Artefact, Problem
from forensics.parsers._clock import ImpossibleTimeError
from forensics.parsers._contract import ParserInput
from forensics.parsers._facts import Facts
from forensics.parsers._stated import Stated, by_clock, iso_time
from forensics.parsers._xml import SIZE_LIMIT, XmlError, elements

_NAME, _VERSION = "scheduled_task", "1"
_TASK, _TRIGGER = "task.definition", "task.trigger"
_NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_FIELDS = {
    ("RegistrationInfo", "URI"): "name",
    ("RegistrationInfo", "Author"): "author",
    ("RegistrationInfo", "Description"): "description",
    ("RegistrationInfo", "Source"): "source",
    ("RegistrationInfo", "Version"): "task_version",
    ("Principal", "UserId"): "user",
    ("Principal", "GroupId"): "group",
    ("Principal", "RunLevel"): "run_level",
    ("Principal", "LogonType"): "logon_type",
    ("Settings", "Enabled"): "enabled",
    ("Settings", "Hidden"): "hidden",
}
_ACTIONS = {
    ("Exec", "Command"): "command",
    ("Exec", "Arguments"): "arguments",
    ("Exec", "WorkingDirectory"): "working_directory",
    ("ComHandler", "ClassId"): "class",
    ("ComHandler", "Data"): "data",
    ("SendEmail", "To"): "mail_to",
    ("ShowMessage", "Body"): "message",
}
_TRIGGER_FIELDS = {
    "Enabled": "enabled", "UserId": "user", "Delay": "delay", "Interval": "interval", "Duration": "duration",
    "Subscription": "subscription", "StateChange": "state_change", "DaysInterval": "days_interval",
    "WeeksInterval": "weeks_interval", "RandomDelay": "random_delay",
}  # fmt: skip


_BOUNDARIES = {"StartBoundary": "begins", "EndBoundary": "ends"}
_HEAD = re.compile(r"<(?:\w+:)?Task\b[^>]*" + re.escape(_NAMESPACE))

Named = tuple[tuple[str, ...], str]
"""An element's name after those of its parents, and its text."""


def _times(facts: Facts, texts: dict[str, str], problems: list[Problem]) -> dict[str, Stated]:
    """The times that texts state; those that no calendar has are added to the problems."""
    found: dict[str, Stated] = {}
    for name, text in texts.items():
        try:
            if (time := iso_time(text, facts.source.zone)) is not None:
                found[name] = time
        except ImpossibleTimeError as error:
            problems.append(facts.problem(f"the task has a time that is none: {error}"))
    return found


def _fields(found: list[Named]) -> dict[str, object]:
    """What the task is and what it does; actions are numbered, each element ends behind those inside it."""
    fields: dict[str, object] = {}
    action = 1
    for names, text in found:
        place = (names[-2], names[-1]) if len(names) > 1 else ("", names[-1])
        if place in _FIELDS:
            fields.setdefault(_FIELDS[place], text)
        elif place in _ACTIONS:
            fields[f"{_ACTIONS[place]}.{action}"] = text
        elif place[0] == "Actions":
            action += 1
    return fields


def _triggers(found: list[Named]) -> Iterator[tuple[dict[str, object], dict[str, str]]]:
    """Fields and stated times of each trigger."""
    fields: dict[str, object] = {}
    times: dict[str, str] = {}
    for names, text in found:
        if "Triggers" not in names[:-1]:
            continue
        if names[-2] == "Triggers":
            yield {"trigger": names[-1].removesuffix("Trigger").lower(), **fields}, times
            fields, times = {}, {}
        elif names[-1] in _BOUNDARIES:
            times[_BOUNDARIES[names[-1]]] = text
        elif names[-1] in _TRIGGER_FIELDS:
            fields[_TRIGGER_FIELDS[names[-1]]] = text


def _task(facts: Facts, found: list[Named]) -> Iterator[Artefact | Problem]:
    problems: list[Problem] = []
    date = next((text for names, text in found if names[-2:] == ("RegistrationInfo", "Date")), "")
    fields = _fields(found)
    yield from by_clock(facts, _TASK, _times(facts, {"registered": date}, problems), fields)
    known: dict[str, object] = {"name": fields.get("name"), "command.1": fields.get("command.1")}
    for trigger, times in _triggers(found):
        yield from by_clock(facts, _TRIGGER, _times(facts, times, problems), {**known, **trigger})
    yield from problems


def _text(head: bytes) -> str:
    """The beginning of a file, whichever of the encodings of XML's own it has."""
    encoding = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}.get(head[:2], "utf-8")
    return head.decode(encoding, "replace")


@dataclass(frozen=True, slots=True)
class ScheduledTaskParser:
    """Artefacts `task.definition`: time `registered`; fields name, author, description, source, user, group, run_level,
    logon_type, enabled, hidden, and of each action (numbered) command, arguments, working_directory, class, data,
    mail_to, message. Artefacts `task.trigger`: times `begins`, `ends`; fields trigger, name, command.1, enabled, user,
    delay, interval, duration, subscription, ... Times without an offset are local.
    """

    name: str = _NAME
    version: str = _VERSION
    kinds: tuple[str, ...] = (_TASK, _TRIGGER)

    def accepts(self, head: bytes, name: str) -> bool:
        """By the element Task with the namespace of scheduled tasks."""
        return _HEAD.search(_text(head)) is not None

    def parse(self, source: ParserInput) -> Iterator[Artefact | Problem]:
        """The task, then its triggers; see `Parser.parse`."""
        facts, found = Facts(source, self.name, self.version), list[Named]()
        reason = "it is longer than what is read" if source.size > SIZE_LIMIT else ""
        try:
            for element in elements(source.read_at(0, min(source.size, SIZE_LIMIT))):
                found.append((tuple(part.rpartition(" ")[2] for part in element.path), element.text))
        except XmlError as error:
            reason = str(error)
        if found:
            yield from _task(facts, found)
        if reason:
            yield facts.problem(f"the task cannot be read to its end: {reason}")


PARSER = ScheduledTaskParser()
