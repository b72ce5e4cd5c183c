"""Binary scheduled tasks: a public one, every field of a made one, damaged ones."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.windows.scheduled_job import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import artefacts, damaged, problems

NAME = "windows-other/plaso/wintask.job"


def test_a_public_job(corpus: Fetch, read: Any, at: Any) -> None:
    """plaso counts two as well: the job and its trigger, and takes the times for local."""
    data = corpus(NAME).read_bytes()
    found = read(PARSER, data, name="wintask.job")
    (job,), (trigger,) = artefacts(found, "job.task"), artefacts(found, "job.trigger")
    assert parser_for(data[:4096], "wintask.job") is PARSER
    assert job.fields["command"] == r"C:\Program Files (x86)\Google\Update\GoogleUpdate.exe"
    assert job.fields["arguments"] == "/ua /installsource scheduler"
    assert (job.fields["author"], job.fields["state"], job.fields["windows"]) == ("Brian", "ready", "6.1")
    assert job.times == {"last_run": at("2013-08-24T12:42:00.112000+00:00")}
    assert job.clock is trigger.clock is Clock.UNKNOWN
    assert trigger.fields["trigger"] == "daily"
    assert trigger.times == {"begins": at("2013-07-12T15:42:00+00:00")}
    assert trigger.fields["repeat_minutes"] == "60"
    assert problems(found) == []


def test_times_are_of_the_declared_zone(corpus: Fetch, read: Any, at: Any) -> None:
    (job,) = artefacts(read(PARSER, corpus(NAME).read_bytes(), zone="Europe/Belgrade"), "job.task")
    assert job.clock is Clock.DECLARED
    assert job.times == {"last_run": at("2013-08-24T10:42:00.112000+00:00")}


def job(*, triggers: int = 1, count: int = 1, flags: int = 0x206) -> bytes:
    texts = b"".join((len(text) + 1).to_bytes(2, "little") + text.encode("utf-16-le") + b"\0\0" for text in "abcde")
    start = 70 + len(texts) + 4
    fixed = struct.pack(
        "<HH16sHHHHHHIIIII8H", 0x0501, 1, bytes(range(16)), 70, start, 0, 0, 0, 0, 32, 0, 5, 0x41303, flags, *[0] * 8
    )
    trigger = struct.pack("<HHHHHHHHHHIIIIHHH", 48, 0, 2024, 2, 30, 2024, 3, 1, 7, 30, 0, 0, 5, 2, 1, 62, 0).ljust(
        48, b"\0"
    )
    return fixed + b"\0\0" + texts + bytes(4) + count.to_bytes(2, "little") + trigger * triggers


def test_every_field(read: Any, at: Any) -> None:
    found = read(PARSER, job())
    (task,), (trigger,) = artefacts(found, "job.task"), artefacts(found, "job.trigger")
    assert task.fields == {
        "command": "a", "arguments": "b", "working_directory": "c", "author": "d", "comment": "e",
        "state": "has not run", "exit_code": "00000005", "flags": "delete when done, disabled, hidden",
        "identifier": "03020100-0504-0706-0809-0a0b0c0d0e0f", "windows": "5.1",
    }  # fmt: skip
    assert task.times == {}
    assert trigger.times == {"ends": at("2024-03-01T00:00:00+00:00")}  # it begins on a day that February has not
    assert trigger.fields == {"trigger": "weekly", "command": "a", "details": "1 62 0", "disabled": "true"}


def test_jobs_that_are_cut(read: Any) -> None:
    assert problems(read(PARSER, job(count=3))) == ["the job says it has 3 triggers, 1 could be read"]
    assert problems(read(PARSER, job()[:76])) == ["the job is cut within its arguments"]
    assert problems(read(PARSER, job()[:60])) == ["the job is cut within its fixed part"]


@pytest.mark.parametrize(("name", "at"), [("a.txt", None), ("a.job", 1), ("a.job", 2), ("a.job", 20)])
def test_other_files_are_none(name: str, at: int | None) -> None:
    data = bytearray(job())
    if at is not None:
        data[at] = 99
    assert not PARSER.accepts(bytes(data), name)


def test_damaged_jobs_give_values(corpus: Fetch, read: Any) -> None:
    for data in damaged(corpus(NAME).read_bytes(), 90):
        read(PARSER, data)
