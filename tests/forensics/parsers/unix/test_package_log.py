"""Package logs: one line of each kind of each program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from forensics.model import Clock
from forensics.parsers import parser_for
from forensics.parsers.unix.package_log import PARSER
from tests.conftest import Fetch
from tests.forensics.parsers.found import damaged, problems

LINES = {
    "dpkg.log": [
        (b"2024-03-01 10:00:00 startup archives unpack", {"action": "startup", "state": "archives unpack"}),
        (
            b"2024-03-01 10:00:00 upgrade nmap:amd64 7.80 7.93",
            {"action": "upgrade", "package": "nmap", "old_version": "7.80", "version": "7.93"},
        ),
        (b"2024-03-01 10:00:00 install nmap:amd64 <none> 7.93", {"version": "7.93", "architecture": "amd64"}),
        (b"2024-03-01 10:00:00 remove nmap:amd64 7.93 <none>", {"action": "remove", "version": "7.93"}),
        (b"2024-03-01 10:00:00 status installed nmap:amd64 7.93", {"action": "status", "state": "installed"}),
        (b"2024-03-01 10:00:00 conffile /etc/a b keep", {"path": "/etc/a b", "decision": "keep"}),
    ],
    "yum.log": [
        (b"Mar 01 10:00:00 Installed: nmap-7.93-1.x86_64", {"action": "installed", "package": "nmap-7.93-1.x86_64"}),
        (b"Mar  1 10:00:00 Erased: nmap", {"action": "removed", "year_inferred": "true"}),
    ],
    "dnf.rpm.log": [
        (b"2024-03-01T10:00:00+0000 SUBDEBUG Installed: nmap-7.93", {"action": "installed", "package": "nmap-7.93"}),
        (b"2024-03-01T10:00:00Z DDEBUG Command: dnf install nmap", {"command": "dnf install nmap", "level": "DDEBUG"}),
        (b"2024-03-01T10:00:00Z INFO --- logging initialized ---", {"message": "--- logging initialized ---"}),
    ],
    "pacman.log": [
        (b"[2024-03-01 10:00] installed nmap (7.93-1)", {"action": "installed", "version": "7.93-1"}),
        (b"[2024-03-01T10:00:00+0000] [ALPM] upgraded nmap (7.92 -> 7.93)", {"old_version": "7.92"}),
        (b"[2024-03-01T10:00:00+0000] [PACMAN] Running 'pacman -S nmap'", {"command": "pacman -S nmap"}),
    ],
    "history": [
        (
            b"2024-03-01 10:00:00|install|nmap|7.93|x86_64|root@h|repo|sum|",
            {"action": "installed", "requested_by": "root@h", "repository": "repo"},
        ),
        (b"2024-03-01 10:00:00|remove |nmap|7.93|x86_64|root@h|", {"action": "removed", "package": "nmap"}),
        (b"2024-03-01 10:00:00|command|root@h|'zypper' 'in' 'nmap'|", {"caller": "command"}),
    ],
}


@pytest.mark.parametrize(("name", "line", "fields"), [(name, *case) for name, cases in LINES.items() for case in cases])
def test_a_line_of_each_kind(name: str, line: bytes, fields: dict[str, str], read: Any, at: Any) -> None:
    assert parser_for(line + b"\n", name) is PARSER
    (found,) = read(PARSER, line, name=name, reference="2024-06-01T00:00:00+00:00")
    assert fields.items() <= found.fields.items()
    assert found.times == {"logged": at("2024-03-01T10:00:00+00:00")}
    assert found.location.length == len(line)


def test_the_public_log(corpus: Fetch, read: Any, at: Callable[[str], int]) -> None:
    found = read(PARSER, corpus("textlog/plaso/dpkg.log").read_bytes(), name="dpkg.log", zone="Europe/Belgrade")
    assert len(found) == 4  # as plaso counts
    assert found[2].fields["package"] == "base-passwd"
    assert (found[2].times["logged"], found[2].clock) == (at("2016-08-06T15:35:39+00:00"), Clock.DECLARED)


def test_lines_that_cannot_be_read(read: Any) -> None:
    data = b"2024-02-30 10:00:00 startup archives unpack\nnothing\n# comment\n"
    assert problems(read(PARSER, data, name="dpkg.log")) == [
        "there is no day 30 in month 2 of 2024: 2024-02-30 10:00:00 startup archives unpack",
        "not a line of a package log: nothing",
    ]
    (undated,) = read(PARSER, LINES["yum.log"][0][0], name="yum.log", reference=None)
    assert (undated.times, undated.fields["written"]) == ({}, "Mar 01 10:00:00")


def test_what_is_no_package_log() -> None:
    assert parser_for(b"cd /tmp\nls\n", "history") is None
    assert parser_for(b"2024-03-01 10:00:00 hello\n", "dpkg.log") is None


def test_damaged_logs_give_values(read: Any) -> None:
    whole = b"\n".join(line for cases in LINES.values() for line, _ in cases)
    for data in damaged(whole):
        read(PARSER, data, name="dpkg.log")
