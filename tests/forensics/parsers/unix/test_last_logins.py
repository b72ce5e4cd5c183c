"""lastlog: users by number, holes, records that are none."""

from __future__ import annotations

import struct
from typing import Any

from forensics.parsers import parser_for
from forensics.parsers.unix.last_logins import PARSER
from tests.forensics.parsers.found import damaged, problems

WHEN = 1_709_287_200


def record(seconds: int, line: bytes, host: bytes) -> bytes:
    return struct.pack("<I32s256s", seconds, line, host)


FILE = record(WHEN, b"pts/0", b"10.0.0.7") + bytes(292 * 999) + record(WHEN + 1, b"tty1", b"")


def test_users_by_number(read: Any) -> None:
    assert parser_for(FILE[:4096], "lastlog") is PARSER
    first, last = read(PARSER, FILE, name="lastlog")
    assert (first.fields, first.times) == (
        {"uid": "0", "line": "pts/0", "host": "10.0.0.7"},
        {"logged_in": WHEN * 10**9},
    )
    assert (last.fields, last.location.offset) == ({"uid": "1000", "line": "tty1"}, 292_000)


def test_what_is_no_lastlog(read: Any) -> None:
    assert parser_for(b"text of a log\n" * 50, "lastlog.txt") is None
    assert problems(read(PARSER, FILE + b"\1" * 292 + b"x" * 5)) == [
        "no record of a last log-in of user 1001",
        "no record of a last log-in of user 1002",
    ]


def test_a_file_of_holes_is_passed_over(read: Any) -> None:
    assert read(PARSER, bytes(292 * 60_000), name="lastlog") == []


def test_damaged_files_give_values(read: Any) -> None:
    for data in damaged(FILE, 30):
        read(PARSER, data)
