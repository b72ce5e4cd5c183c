"""Scheduled tasks as XML: in each encoding, with several actions and triggers, hostile and damaged ones."""

from __future__ import annotations

from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.windows.scheduled_task import PARSER
from tests.forensics.parsers.found import artefacts, damaged, problems

TASK = r"""<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.4" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Date>2024-07-15T10:20:30.1234567</Date>
    <Author>LAB\Ада</Author>
    <URI>\Updater</URI>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger><Enabled>true</Enabled><UserId>LAB\ada</UserId></LogonTrigger>
    <CalendarTrigger>
      <Repetition><Interval>PT5M</Interval><Duration>P1D</Duration></Repetition>
      <StartBoundary>2024-07-16T08:00:00Z</StartBoundary>
      <EndBoundary>2024-08-16T08:00:00+02:00</EndBoundary>
      <ScheduleByDay><DaysInterval>1</DaysInterval></ScheduleByDay>
    </CalendarTrigger>
  </Triggers>
  <Principals><Principal id="A"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings><Enabled>true</Enabled><Hidden>true</Hidden></Settings>
  <Actions Context="A">
    <Exec><Command>C:\a.exe</Command><Arguments>-x "y"</Arguments></Exec>
    <ComHandler><ClassId>{01020304-0506-0708-090A-0B0C0D0E0F10}</ClassId></ComHandler>
  </Actions>
</Task>
"""
UTF_8 = TASK.replace("UTF-16", "UTF-8").encode()
ENCODED = {
    "utf-16-le": b"\xff\xfe" + TASK.encode("utf-16-le"),
    "utf-16-be": b"\xfe\xff" + TASK.encode("utf-16-be"),
    "utf-8": UTF_8,
    "utf-8 with a mark": b"\xef\xbb\xbf" + UTF_8,
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_tasks_of_each_encoding(encoding: str, read: Any, at: Any) -> None:
    data = ENCODED[encoding]
    found = read(PARSER, data)
    assert parser_for(data[:4096], "Updater") is PARSER
    assert problems(found) == []
    (task,) = artefacts(found, "task.definition")
    assert task.fields == {
        "name": r"\Updater", "author": r"LAB\Ада", "user": "S-1-5-18", "run_level": "HighestAvailable",
        "enabled": "true", "hidden": "true", "command.1": r"C:\a.exe", "arguments.1": '-x "y"',
        "class.2": "{01020304-0506-0708-090A-0B0C0D0E0F10}",
    }  # fmt: skip
    assert task.times == {"registered": at("2024-07-15T10:20:30.123456+00:00") + 700}
    assert task.clock is Clock.UNKNOWN
    logon, calendar = artefacts(found, "task.trigger")
    assert logon.fields == {
        "trigger": "logon", "name": r"\Updater", "command.1": r"C:\a.exe", "enabled": "true", "user": r"LAB\ada",
    }  # fmt: skip
    assert (calendar.fields["interval"], calendar.fields["duration"]) == ("PT5M", "P1D")
    assert calendar.times == {"begins": at("2024-07-16T08:00:00+00:00"), "ends": at("2024-08-16T06:00:00+00:00")}
    assert calendar.clock is Clock.UTC


def test_local_times_are_of_the_declared_zone(read: Any, at: Any) -> None:
    (task,) = artefacts(read(PARSER, UTF_8, zone="Europe/Belgrade"), "task.definition")
    assert task.times == {"registered": at("2024-07-15T08:20:30.123456+00:00") + 700}
    assert task.clock is Clock.DECLARED


def test_hostile_and_broken_tasks_are_problems(read: Any) -> None:
    bomb = UTF_8.replace(b"<Task", b'<!DOCTYPE x [<!ENTITY a "b">]><Task', 1)
    assert problems(read(PARSER, bomb)) == [
        "the task cannot be read to its end: it declares entities, which are not expanded"
    ]
    (reason,) = problems(read(PARSER, UTF_8[:700]))
    assert reason.startswith("the task cannot be read to its end: ")
    wrong = read(PARSER, UTF_8.replace(b"2024-07-15", b"2024-13-15"))
    assert problems(wrong) == ["the task has a time that is none: there is no month 13"]
    assert not artefacts(wrong, "task.definition")[0].times
    assert problems(read(PARSER, UTF_8 + b" " * (5 << 20)))[-1].endswith("it is longer than what is read")


def test_other_xml_is_no_task() -> None:
    assert parser_for(b"<?xml version='1.0'?><WindowsRE version='2.0'/>", "ReAgent.xml") is None


def test_damaged_tasks_give_values(read: Any) -> None:
    for data in damaged(ENCODED["utf-16-le"], 60):
        read(PARSER, data)
